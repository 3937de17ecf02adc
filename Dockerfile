# syntax=docker/dockerfile:1
# make image, or
# docker build -t conductor-jwt --build-arg VERSION="$(git describe --tags --always)" --build-arg COMMIT="$(git rev-parse HEAD)" .
#
# The default, the last stage, is the native edition, which signs RSA with OpenSSL 3
# and has PKCS#11. --target static builds the static edition.

FROM --platform=$BUILDPLATFORM golang:1.27.4-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod .ci/licences /doc

FROM source AS build-static
ARG VERSION=dev COMMIT=
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION" COMMIT="$COMMIT"

# cgo needs a C compiler for the target, so this stage runs on the target platform.
FROM golang:1.27.4-bookworm AS build-native
WORKDIR /src
COPY --from=source /src .
ARG VERSION=dev COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make build-native NATIVE=bin/conductor-jwt VERSION="$VERSION" COMMIT="$COMMIT"

# The two images differ in their base and their binary alone; a test compares the
# rest. A build argument in FROM would do it once, but older buildah and podman then
# do not find the stage.
FROM gcr.io/distroless/static-debian12:nonroot AS static
COPY --from=source /doc /usr/share/doc/conductor-jwt
COPY --from=build-static /src/bin/conductor-jwt /usr/local/bin/conductor-jwt
ARG VERSION=dev COMMIT=
LABEL org.opencontainers.image.title="conductor-jwt" \
      org.opencontainers.image.description="Runs the GET_SIGNED_JWT task of Conductor" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
# Health and metrics are available on the container's network.
ENV CONDUCTOR_JWT_LISTEN=:9991
EXPOSE 9991
# Kubernetes ignores this and uses its own probes.
HEALTHCHECK --start-period=10s --timeout=5s CMD ["/usr/local/bin/conductor-jwt", "health"]
# A number, because Kubernetes cannot check runAsNonRoot for a name.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/conductor-jwt"]
CMD ["worker"]

# Has glibc and libssl3 of the Debian release that the binary is built on.
FROM gcr.io/distroless/base-debian12:nonroot AS native
COPY --from=source /doc /usr/share/doc/conductor-jwt
COPY --from=build-native /src/bin/conductor-jwt /usr/local/bin/conductor-jwt
ARG VERSION=dev COMMIT=
LABEL org.opencontainers.image.title="conductor-jwt" \
      org.opencontainers.image.description="Runs the GET_SIGNED_JWT task of Conductor" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
# Health and metrics are available on the container's network.
ENV CONDUCTOR_JWT_LISTEN=:9991
EXPOSE 9991
# Kubernetes ignores this and uses its own probes.
HEALTHCHECK --start-period=10s --timeout=5s CMD ["/usr/local/bin/conductor-jwt", "health"]
# A number, because Kubernetes cannot check runAsNonRoot for a name.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/conductor-jwt"]
CMD ["worker"]
