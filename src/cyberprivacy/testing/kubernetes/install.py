"""Installs manifests into a plane as an administrator would, and gives out what the node's account needs."""

import json
from pathlib import Path
from typing import Final

from cyberprivacy import strict_yaml
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.fields import KINDS, Kind, Object, place, text
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.kubernetes.plane import Plane

SPACE: Final = "cyberprivacy"
"""Namespace of our own manifests."""
ACCOUNT: Final = "node"
USER: Final = f"system:serviceaccount:{SPACE}:{ACCOUNT}"
OURS: Final = "node-of-ours"
"""Name of the kubeconfig with the node's token."""
_RIGHTS: Final = "rbac.authorization.k8s.io/v1"
_KINDS: Final = KINDS | {
    kind.name: kind
    for kind in (
        Kind("ClusterRole", _RIGHTS, "clusterroles", namespaced=False),
        Kind("ClusterRoleBinding", _RIGHTS, "clusterrolebindings", namespaced=False),
        Kind("Role", _RIGHTS, "roles"),
        Kind("RoleBinding", _RIGHTS, "rolebindings"),
        Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    )
}


def documents(manifest: Path) -> list[Object]:
    """The objects in a file."""
    found = strict_yaml.load_all(manifest.read_bytes(), limit=1 << 20)
    return [one for one in found if isinstance(one, dict)]


def install(plane: Plane, manifest: Path, *, dry_run: bool = False) -> None:
    """Apply a manifest, with every field checked against the server's own schema.

    Raises:
        ClusterRefuses: the server does not take an object.
        Misuse: it has no such kind.
    """
    admin = plane.cluster("admin")
    options = {"fieldManager": "installer", "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
    try:
        for wanted in documents(manifest):
            kind = _KINDS[str(wanted["kind"])]
            path = place(kind, text(wanted, "metadata", "namespace"), text(wanted, "metadata", "name"))
            if admin._ask("PATCH", path, wanted, options, as_type="application/apply-patch+yaml") is None:  # noqa: SLF001
                raise Misuse("the server has no such place", code="kubernetes.version", path=path)
    finally:
        admin.close()


def token(plane: Plane, *, seconds: int = 7200) -> Path:
    """A kubeconfig with a token of the node's service account, which ends by itself.

    Source: authentication.k8s.io/v1 TokenRequest.
    """
    admin: Cluster = plane.cluster("admin")
    wish = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    said = admin._ask("POST", f"/api/v1/namespaces/{SPACE}/serviceaccounts/{ACCOUNT}/token", wish)  # noqa: SLF001
    admin.close()
    folder = plane.keys.folder
    secret = folder / f"{OURS}.token"
    secret.touch(0o600)
    secret.write_text(text(said, "status", "token"))
    path = plane.kubeconfig(OURS)
    document = json.loads(plane.kubeconfig("admin").read_text())
    document["users"] = [{"name": "u", "user": {"tokenFile": secret.name}}]
    path.write_text(json.dumps(document, indent=1))  # JSON is YAML
    return path
