#!/bin/sh
# Static analysis of the contracts; exit 0 if it finds nothing. About half a minute.
#
#     contracts/slither.sh
#
# Slither lives in a virtual environment of its own, because it needs older libraries than we do: it is installed
# once, from PyPI, into $SLITHER_VENV (build/slither-venv if unset). It works on a copy of the sources.
set -eu

# Detectors that are off, and why. Single exceptions stand in the sources, each with its reason.
#   timestamp          laps are times: comparing with the clock is what these contracts are for; the shortest
#                      production lap is 12 hours, and who makes a block can move its time by seconds
#   calls-loop         loops run over an application's own seats (15 at most) and over providers that its DAO
#                      authorised; both are called contracts of this house
#   assembly           four places: a word and a hash of a part of a byte string, CREATE with a given code, its reason
#   naming-convention  CLOCK_MODE is the name that ERC-6372 gives
off=timestamp,calls-loop,assembly,naming-convention

here=$(cd "$(dirname "$0")" && pwd)
venv=${SLITHER_VENV:-$here/../build/slither-venv}
if ! [ -x "$venv/bin/slither" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check slither-analyzer==0.11.6
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R "$here/src" "$here/solc" "$copy"
ln -s "$here/node_modules" "$copy/node_modules"
python3 "$here/build.py" --question > "$copy/question.json"
cd "$copy"
"$venv/bin/slither" question.json --solc ./solc --compile-force-framework Solc-json \
    --filter-paths node_modules --exclude "$off" --fail-pedantic
