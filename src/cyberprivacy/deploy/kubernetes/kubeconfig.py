"""Which cluster to talk to, and as whom: the part of a kubeconfig that a server should use.

Refused are the parts with which a file would start programs (`exec`, `auth-provider`), talk to somebody else
(`proxy-url`), act as somebody else (`as`), or believe anybody (`insecure-skip-tls-verify`, plain http).

Source: kubernetes.io/docs/reference/config-api/kubeconfig.v1.
"""

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cyberprivacy import strict_yaml
from cyberprivacy.errors import Misuse, Untrusted

MAX_KUBECONFIG: Final = 256 << 10
POD: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token. Source: kubernetes.io/docs/tasks/run-application/access-api-from-pod."""
_MAX_SECRET: Final = 64 << 10
_CLUSTER: Final = frozenset(
    {"server", "certificate-authority", "certificate-authority-data", "tls-server-name", "extensions"}
)
_USER: Final = frozenset(
    {"client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile"}
)


class BadKubeconfig(Misuse):
    """The kubeconfig cannot be used as it is."""

    code = "kubernetes.kubeconfig"
    hint = (
        "`kubectl config view --minify --flatten --raw` writes one with everything in it; "
        "use a certificate or a token of a service account, not a login program."
    )


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one API server.

    Attributes:
        server: https address, with a path behind which the API lies where there is one; no slash at its end.
        authority: PEM of those who may vouch for it; "" = the machine's list.
        name: what its certificate must be for, where that is not the address's host; "" = that host.
        certificate, key: PEM of ours; "" = none.
        token: bearer token of ours; "" = none.
        token_file: where the newest token lies; it is read again for each request. None = nowhere.
    """

    server: str
    authority: str = field(default="", repr=False)
    name: str = ""
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None

    def tls(self) -> ssl.SSLContext:
        """Settings that believe this cluster's authority and nobody else.

        Raises:
            BadKubeconfig: a certificate or key is none.
        """
        try:
            context = ssl.create_default_context(cadata=self.authority or None)
            if self.certificate:
                _own_identity(context, self.certificate + self.key)
        except (ssl.SSLError, ValueError) as problem:
            raise BadKubeconfig("a certificate or key cannot be read", server=self.server) from problem
        return context

    def bearer(self) -> str:
        """The token to show now; "" = none.

        Raises:
            BadKubeconfig: its file cannot be read.
        """
        return self.token if self.token_file is None else _secret(self.token_file).strip()


def read(path: Path, *, context: str = "") -> Access:
    """The access that a kubeconfig gives.

    Args:
        path: the file; paths inside are relative to its folder.
        context: name of a context in it; "" = its current one.

    Raises:
        BadKubeconfig: it cannot be read, has another form, or asks for what is refused here.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KUBECONFIG + 1)
        document = strict_yaml.load(data, limit=MAX_KUBECONFIG)
    except OSError as problem:
        raise BadKubeconfig("it cannot be read", path=str(path), reason=problem.strerror) from None
    except Untrusted as problem:  # its text may be a secret: only the code is told
        raise BadKubeconfig("it is not plain YAML", path=str(path), reason=problem.code) from None
    top = _table(document, "the file")
    chosen = _named(top, "contexts", "context", context or str(top.get("current-context") or ""))
    cluster = _named(top, "clusters", "cluster", str(chosen.get("cluster")))
    user = _named(top, "users", "user", str(chosen.get("user")))
    _known("cluster", cluster, _CLUSTER)
    _known("user", user, _USER)
    folder, token_file = path.parent, user.get("tokenFile")
    return Access(
        server=_server(cluster.get("server")),
        authority=_pem(cluster, "certificate-authority", folder),
        name=str(cluster.get("tls-server-name") or ""),
        certificate=_pem(user, "client-certificate", folder),
        key=_pem(user, "client-key", folder),
        token=str(user.get("token") or ""),
        token_file=None if token_file is None else folder / str(token_file),
    )


def of_pod(folder: Path = POD, environment: Mapping[str, str] = os.environ) -> Access:
    """The access that a pod has as its service account.

    Raises:
        BadKubeconfig: this is no pod of a cluster, or it was given no token.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port.isdecimal():
        raise BadKubeconfig("this process is in no pod of a cluster", hint="Name a kubeconfig file.")
    return Access(
        server=_server(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"),
        authority=_secret(folder / "ca.crt"),
        token_file=folder / "token",
    )


def _own_identity(context: ssl.SSLContext, pem: str) -> None:
    """Load certificate and key. Python reads them from a file only: one in memory, which no disk ever sees."""
    with os.fdopen(os.memfd_create("identity", os.MFD_CLOEXEC), "w+b") as file:
        file.write(pem.encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")


def _table(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BadKubeconfig("a part of it is not a mapping", part=what)
    return value


def _named(top: Mapping[str, object], group: str, kind: str, name: str) -> Mapping[str, object]:
    """The one entry of this name in a group."""
    entries = top.get(group)
    listed = entries if isinstance(entries, list) else []
    found = [entry for entry in listed if isinstance(entry, Mapping) and entry.get("name") == name]
    if len(found) != 1:
        raise BadKubeconfig(f"there is no such {kind}, or more than one", name=name[:80])
    return _table(found[0].get(kind), f"{kind} {name[:80]}")


def _known(kind: str, entry: Mapping[str, object], known: frozenset[str]) -> None:
    """Refuse what is not read here; a field that is false or empty asks for nothing."""
    if unknown := sorted(
        name for name, value in entry.items() if name not in known and value not in (None, False)
    ):
        raise BadKubeconfig(f"a field of the {kind} is not used here", field=unknown[0], known=sorted(known))


def _server(value: object) -> str:
    text = value if isinstance(value, str) else ""
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadKubeconfig("the server is not an https address", host=parts.hostname)
    return text.rstrip("/")


def _pem(entry: Mapping[str, object], name: str, folder: Path) -> str:
    inline, path = entry.get(f"{name}-data"), entry.get(name)
    if inline is not None:
        try:
            return base64.b64decode(str(inline), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            raise BadKubeconfig("not base64 of PEM", field=f"{name}-data") from None
    return "" if path is None else _secret(folder / str(path))


def _secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SECRET + 1)
        if len(data) > _MAX_SECRET:
            raise BadKubeconfig("a file that it names is too large", path=str(path), limit=_MAX_SECRET)
        return data.decode("ascii")
    except OSError as problem:
        raise BadKubeconfig(
            "a file that it names cannot be read", path=str(path), reason=problem.strerror
        ) from None
    except UnicodeDecodeError:
        raise BadKubeconfig("a file that it names is not text", path=str(path)) from None
