#!/bin/sh
# Compiles OCI's conformance suite at the version of go.mod beside this file, once, outside the tree; prints where it is.
set -eu
cd "$(dirname "$0")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/cyberprivacy/oci-conformance"
program="$cache/conformance-$(cat go.mod go.sum build.sh | sha256sum | cut -c1-16)"
if [ ! -x "$program" ]; then
  mkdir -p "$cache"
  echo "compiling OCI's conformance suite; this is done once" >&2
  CGO_ENABLED=0 GOFLAGS=-mod=readonly nice -n 19 go build -trimpath -ldflags "-s -w" -o "$program.new" \
    github.com/opencontainers/distribution-spec/conformance
  mv "$program.new" "$program"
fi
echo "$program"
