# syntax=docker/dockerfile:1
# docker build -t conductor-jwt --build-arg VERSION="$(git describe --tags --always)" .
#
# EDITION=native (the default) signs RSA with OpenSSL 3 and has PKCS#11;
# EDITION=static contains only the static binary.
ARG EDITION=native

FROM --platform=$BUILDPLATFORM golang:1.27.4-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .

FROM source AS build-static
ARG VERSION=dev
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION"

# cgo needs a C compiler for the target, so this stage runs on the target platform.
FROM golang:1.27.4-bookworm AS build-native
WORKDIR /src
COPY --from=source /src .
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make build-native NATIVE=bin/conductor-jwt VERSION="$VERSION"

FROM gcr.io/distroless/static-debian12:nonroot AS run-static
# Has glibc and libssl3 of the Debian release that the binary is built on.
FROM gcr.io/distroless/base-debian12:nonroot AS run-native

# An unknown edition fails here, because there is no such stage.
FROM build-${EDITION} AS build
FROM run-${EDITION}
LABEL org.opencontainers.image.title="conductor-jwt" \
      org.opencontainers.image.description="Runs the GET_SIGNED_JWT task of Conductor" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/bin/conductor-jwt /usr/local/bin/conductor-jwt
# Health and metrics are available on the container's network.
ENV CONDUCTOR_JWT_LISTEN=:9991
EXPOSE 9991
# Kubernetes ignores this and uses its own probes.
HEALTHCHECK --start-period=10s --timeout=5s CMD ["/usr/local/bin/conductor-jwt", "health"]
# A number, because Kubernetes cannot check runAsNonRoot for a name.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/conductor-jwt"]
CMD ["worker"]
