# Caddy as an account that is nobody special, with no capability at all: it listens above port 1024.
FROM caddy:2.10.2-alpine
RUN setcap -r /usr/bin/caddy \
    && adduser -D -H -u 10002 proxy \
    && chown -R 10002:10002 /data /config
COPY infra/deploy/Caddyfile /etc/caddy/Caddyfile
USER 10002
