# syntax=docker/dockerfile:1
# docker build -t conductor-jwt --build-arg VERSION="$(git describe --tags --always)" .

FROM --platform=$BUILDPLATFORM golang:1.27.4 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG EDITION=static
ARG VERSION=dev
ARG TARGETOS TARGETARCH
# The one edition that there is so far; a misspelled one must not build it.
RUN test "$EDITION" = static || { echo "error: no edition of that name; static is the only one" >&2; exit 1; }
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION"

FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.title="conductor-jwt" \
      org.opencontainers.image.description="Runs the GET_SIGNED_JWT task of Conductor" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/bin/conductor-jwt /usr/local/bin/conductor-jwt
# Everybody may ask for health and metrics within the container's network.
ENV CONDUCTOR_JWT_LISTEN=:9991
EXPOSE 9991
# By number: Kubernetes cannot tell by a name that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/conductor-jwt"]
CMD ["worker"]
