#!/bin/sh
# Checks the Dockerfile on a Debian machine without Docker and without public registries: builds both targets with Buildah over
# stand-ins of the three base images, then runs them. Not part of `npm test`: it takes minutes and needs root and `npm ci`'s registry.
# Usage: hack/image-build/dockerfile.sh [WORK-FOLDER]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
# Lower case and no dots: Buildah makes an image name of the layout's path.
work=${1:-/var/tmp/tektite-dockerfile}
mkdir -p "$work"
command -v buildah >/dev/null || apt-get -q install --yes --no-install-recommends buildah
buildah() { command buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

# Debian with this machine's Go, and what the golang image brings besides (strip, libatomic).
echo "==> stand-in for the golang image" >&2
goroot=$(cd "$(go env GOROOT)" && pwd -P)
ln -sfn "$("$root/hack/images" path node)" "$work/node"
node=$(buildah from "$(buildah pull --quiet "oci:$work/node:docker.io/library/node:26-slim")")
# The build trusts what this machine trusts: its package registry may be behind a proxy with a certificate of its own.
buildah copy --quiet "$node" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
buildah config --entrypoint '[]' --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$node" 2>/dev/null
buildah commit --quiet --rm "$node" localhost/node >/dev/null
compiler=$(buildah from localhost/node)
mount=$(buildah mount "$compiler")
mkdir -p "$mount/usr/local/go/pkg"
cp -r "$goroot/bin" "$goroot/src" "$goroot/VERSION" "$goroot/go.env" "$mount/usr/local/go/"
cp -r "$goroot/pkg/include" "$goroot/pkg/tool" "$mount/usr/local/go/pkg/" 2>/dev/null || cp -r "$goroot/pkg" "$mount/usr/local/go/"
for file in strip $(ldd "$(command -v strip)" | grep -oE '/[^ ]*lib(bfd|opcodes|ctf|sframe|z|zstd|jansson)[^ ]*'); do
  path=$(command -v "$file" || echo "$file")
  cp -L "$path" "$mount/usr/$(echo "$path" | sed 's#^/usr/##; s#^/##')"
done
buildah umount "$compiler" >/dev/null
buildah config --env PATH=/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin --entrypoint '[]' "$compiler" 2>/dev/null
buildah commit --quiet --rm "$compiler" localhost/golang >/dev/null

# The base: what hack/images puts below its own image, that is its first layer alone.
base=$(buildah from scratch)
"$root/node_modules/.bin/node" "$root/hack/image-build/first-layer.ts" "$("$root/hack/images" path tektite)" >"$work/base.tar.gz"
buildah add --quiet "$base" "$work/base.tar.gz" / >/dev/null
buildah commit --quiet --rm "$base" localhost/base >/dev/null

# build TARGET TAG PROCESSOR [OPTION...]; Buildah before 1.30 does not tell a Dockerfile which platforms it builds on and for.
own=$(go env GOHOSTARCH)
build() {
  target=$1 tag=$2 processor=$3
  shift 3
  buildah bud --isolation chroot --pull-never --quiet --target "$target" --tag "localhost/$tag" "$@" \
    --build-arg "BUILDPLATFORM=linux/$own" --build-arg "TARGETARCH=$processor" \
    --build-arg NODE_IMAGE=localhost/node --build-arg GO_IMAGE=localhost/golang --build-arg BASE_IMAGE=localhost/base \
    --ignorefile "$root/.dockerignore" --file "$root/Dockerfile" "$root" >/dev/null
}

for target in entrypoint tektite; do
  echo "==> building $target" >&2
  build "$target" "$target" "$own"
done

# Without QEMU a target of another processor can be built where nothing of it runs.
echo "==> building entrypoint for arm64" >&2
build entrypoint entrypoint-arm64 arm64 --platform linux/arm64
container=$(buildah from --arch arm64 localhost/entrypoint-arm64)
mount=$(buildah mount "$container")
# Bytes 18 and 19 of an ELF file: 183 is AArch64.
test "$(od -An -t u2 -j 18 -N 2 "$mount/ko-app/entrypoint" | tr -d ' ')" = 183
buildah umount "$container" >/dev/null

echo "==> running them" >&2
container=$(buildah from localhost/tektite)
buildah run --isolation chroot "$container" node /app/tektite.mjs version
test "$(buildah inspect --format '{{.OCIv1.Config.User}}' "$container")" = 65532:65532
container=$(buildah from localhost/entrypoint)
buildah run --isolation chroot "$container" /ko-app/nop
echo "Dockerfile: both images build and run" >&2
