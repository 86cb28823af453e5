# Stands in for the official redis image: Debian's Redis with the same user, folder and port.
FROM debian:bookworm-slim
RUN groupadd --system --gid 1000 redis \
 && useradd --system --gid redis --uid 999 --home-dir /data --shell /bin/bash redis \
 && apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o redis -g redis -m 1777 /data
COPY redis-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
WORKDIR /data
VOLUME /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
