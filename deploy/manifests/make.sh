#!/bin/sh
# Write the manifests that the chart becomes. Usage: deploy/manifests/make.sh [FOLDER]   (HELM names the program)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here}
render() { "${HELM:-helm}" template cyberprivacy "$here/../chart" --namespace cyberprivacy --kube-version 1.30.0 "$@"; }
render --set namespace.create=true >"$to/account.yaml"
render --values "$here/../chart/node-values.yaml" >"$to/node.yaml"
