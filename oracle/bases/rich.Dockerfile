# An image with everything that a configuration can hold.
FROM busybox
MAINTAINER Somebody <somebody@example.org>
ENV RICH=yes WITH_SPACE="a b" EMPTY=
LABEL one=1 two="two words"
RUN mkdir -p /data /srv/app && echo kept > /data/kept && ln -s /srv/app /app && chown -R 1000:1000 /srv/app \
 && echo shared > /srv/first && ln /srv/first /srv/second && mkdir /srv/tree && echo x > /srv/tree/x && chmod 4755 /srv/tree/x
USER app:staff
WORKDIR /srv/app
EXPOSE 80 53/udp
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=1m --retries=3 CMD true
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT ["echo", "from the base"]
CMD ["default"]
