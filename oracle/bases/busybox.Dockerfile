# A small system: one program with all its names, some users, and what a container expects to find.
FROM scratch AS tools
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]

FROM scratch
COPY --from=tools /bin /bin
COPY <<passwd <<group /etc/
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:app:/home/app:/bin/sh
other:x:1001:2000:other:/home/other:/bin/sh
passwd
root:x:0:
daemon:x:1:
staff:x:50:app
app:x:1000:
others:x:2000:
group
RUN mkdir -p /proc /sys /dev /home/app /root /tmp /usr/bin /usr/share /var/log /opt && chmod 1777 /tmp && chmod 700 /root \
 && chown 1000:1000 /home/app && ln -s /var/log /log && ln -s ../usr/share /opt/share
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["sh"]
