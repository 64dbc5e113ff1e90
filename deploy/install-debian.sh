#!/bin/sh
# Install on Debian 12 what the engines and the tests need. Does nothing where everything is there already.
# Usage: deploy/install-debian.sh [PACKAGE…]   (as root, from the root of the checkout; further packages as well)
set -eu
[ -n "${INSTALLING-}" ] || INSTALLING=1 exec flock --close "$0" "$0" "$@" # one at a time, as apt is

engines="podman buildah runc netavark haproxy docker-registry apache2-utils swtpm iproute2 iptables ca-certificates"
tests="skopeo curl jq postgresql chromium"
bench="wrk catatonit"

missing=""
for package in $engines $tests $bench "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
command -v go >/dev/null || missing="$missing golang-go"
command -v npm >/dev/null || missing="$missing nodejs npm"
command -v python3.11 >/dev/null || missing="$missing python3"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
  echo "installing:$missing" >&2
  apt-get update -qq
  # The services of docker-registry and postgresql must not start beside ours.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if ! command -v uv >/dev/null && [ ! -x .tools/bin/uv ]; then
  echo "installing: uv (in .tools)" >&2
  python3 -m venv .tools
  .tools/bin/pip install -q --disable-pip-version-check uv==0.13.9
fi
PATH="$PATH:$PWD/.tools/bin"
echo "installing: Python packages by the lock file" >&2
uv sync --locked -q
if [ ! -d contracts/node_modules/solc ] || [ contracts/package-lock.json -nt contracts/node_modules/.package-lock.json ]; then
  echo "installing: Solidity tools by the lock file" >&2
  (cd contracts && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
if [ ! -d sdk/typescript/node_modules/typescript ] || [ sdk/typescript/package-lock.json -nt sdk/typescript/node_modules/.package-lock.json ]; then
  echo "installing: packages of the TypeScript SDK by the lock file" >&2
  (cd sdk/typescript && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
