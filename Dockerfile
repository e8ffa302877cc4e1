# The same images as `hack/images build tektite entrypoint`, for whoever has Docker, Podman or Buildah:
#   docker build --target tektite    -t ghcr.io/tektite/tektite:VERSION .
#   docker build --target entrypoint -t ghcr.io/tektite/entrypoint:VERSION .
#   docker buildx build --platform linux/amd64,linux/arm64 --target entrypoint -t ghcr.io/tektite/entrypoint:VERSION --push .
# Everything is compiled on the builder's own processor, for the target's; only strip runs as the target (by QEMU, where they differ).
# Base images are pinned by digest (each names a multi-platform index); hack/image-build/dockerfile.sh builds over stand-ins of them.
ARG NODE_IMAGE=docker.io/library/node:26-bookworm-slim@sha256:367679cf9792759492a486e4aa4b421764d71a9546a6dae8aab81a99eb797b3e
ARG GO_IMAGE=docker.io/library/golang:1.26-bookworm@sha256:9fdc884aacc3bec89b20ffc69f4bb369c78210e3e4f600387b5128b12c199f81
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f

# One file per role and what they share; and the Node.js binary that package-lock.json names, so that no image decides its version.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS bundle
WORKDIR /src
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --no-audit --no-fund
COPY hack/bundle.ts hack/page.ts hack/
COPY src src
# Seven hex digits of the commit, which runs carry as annotation: --build-arg TEKTITE_COMMIT=$(git rev-parse --short=7 HEAD)
ARG TEKTITE_COMMIT=unknown
RUN node_modules/.bin/node hack/bundle.ts && node_modules/.bin/node hack/page.ts && find dist -name '*.map' -delete
# What npm installs as `node` on the target's processor.
ARG TARGETARCH
RUN case "${TARGETARCH:-amd64}" in amd64) cpu=x64 ;; *) cpu=$TARGETARCH ;; esac \
 && version=$(node -p "require('./node_modules/node/package.json').version") \
 && tar -xzf "$(npm pack --silent "node-linux-$cpu@$version")" package/bin/node

# Static binaries for step containers.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS steps
WORKDIR /src
COPY src/entrypoint .
ARG TARGETARCH
RUN mkdir -p /steps/ko-app && mkdir -m 1777 /steps/tmp && export CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH \
 && go build -trimpath -buildvcs=false -ldflags "-s -w" -o /steps/ko-app/entrypoint . \
 && go build -trimpath -buildvcs=false -ldflags "-s -w" -o /steps/ko-app/nop ./nop \
 && cd cel && go build -trimpath -buildvcs=false -ldflags "-s -w" -o /steps/ko-app/entrypoint-cel . \
 && cd ../spire && go build -trimpath -buildvcs=false -ldflags "-s -w" -o /steps/ko-app/entrypoint-spire .

# Node.js without symbols and the libatomic that the base lacks; here because the compiler's image has the tools.
FROM ${GO_IMAGE} AS node
COPY --from=bundle /src/package/bin/node /node/usr/local/bin/node
RUN strip /node/usr/local/bin/node \
 && lib=$(dirname "$(ls /usr/lib/*-linux-gnu/libatomic.so.1)") && mkdir -p "/node$lib" && cp -L "$lib/libatomic.so.1" "/node$lib/"

# For the init container of every TaskRun and for sidecars that must stop: four static binaries, no shell.
FROM scratch AS entrypoint
COPY --from=steps /steps/ /
USER 65532:65532
ENTRYPOINT ["/ko-app/nop"]

# All roles: tektite controller, tektite webhook, ...
FROM ${BASE_IMAGE} AS tektite
COPY --from=node /node/ /
COPY --from=steps /steps/ko-app/ /ko-app/
COPY --from=bundle /src/dist/ /app/
ENV NODE_ENV=production SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
USER 65532:65532
# The heap may grow with the memory limit of the container, but is collected when it is a quarter larger than what lives in it.
ENTRYPOINT ["node", "--max-old-space-size-percentage=75", "--max-semi-space-size=8", "--heap-growing-percent=25", "/app/tektite.mjs"]
