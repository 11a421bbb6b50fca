# An image whose triggers run in the stages that start from it.
FROM busybox
ONBUILD ARG VERSION=1
ONBUILD ENV TRIGGERED=$VERSION
ONBUILD COPY trigger.txt /trigger/
ONBUILD RUN echo "$TRIGGERED" > /trigger/ran
ONBUILD WORKDIR /trigger
