# The scheduler, its admin tool and the submitter's tool, on Debian 12.
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libhiredis-dev libprotobuf-c-dev
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY clients clients
COPY Tests Tests
RUN for product in dms-scheduler dms-admin dms-submitter; do \
        swift build -c release --static-swift-stdlib -Xswiftc -cross-module-optimization \
            -Xswiftc -enforce-exclusivity=unchecked --product "$product" || exit 1; \
    done && install -D -t /out .build/release/dms-scheduler .build/release/dms-admin .build/release/dms-submitter

FROM debian:12-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libhiredis0.14 libprotobuf-c1 redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/dms --create-home dms
COPY --from=build /out/ /usr/local/bin/
USER dms
WORKDIR /var/lib/dms
ENV DMS_HTTP_HOST=0.0.0.0 DMS_RPC_HOST=0.0.0.0
EXPOSE 8000 8001
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["dms-admin", "health"]
ENTRYPOINT ["dms-scheduler"]
