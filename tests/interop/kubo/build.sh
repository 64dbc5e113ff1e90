#!/bin/sh
# Compiles Kubo's command at the version of go.mod beside this file, once, outside the tree; prints where it is.
# The first time takes minutes and a Go of that go.mod's version or later.
set -eu
cd "$(dirname "$0")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/cyberprivacy/kubo"
program="$cache/ipfs-$(cat go.mod go.sum build.sh | sha256sum | cut -c1-16)"
if [ ! -x "$program" ]; then
  mkdir -p "$cache"
  echo "compiling Kubo; this is done once" >&2
  CGO_ENABLED=0 GOFLAGS=-mod=readonly nice -n 19 go build -trimpath -ldflags "-s -w" -o "$program.new" github.com/ipfs/kubo/cmd/ipfs
  mv "$program.new" "$program"
fi
echo "$program"
