# An image without any environment and with a single file.
FROM scratch
COPY <<END /file
bare
END
