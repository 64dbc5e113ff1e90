"""Keys and kubeconfigs of a cluster that lives for minutes."""

import datetime as dt
import json
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVERS = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "node"]


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


class Keys:
    """An authority of its own, and what it signs, as files in a folder."""

    def __init__(self, folder: Path, addresses: Sequence[str]) -> None:
        self.folder, self._addresses = folder, addresses
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster of a test")])
        certificate = self._begin(self._name, self._key).add_extension(x509.BasicConstraints(True, None), True)
        (folder / "ca.crt").write_bytes(self._sign(certificate))
        token = rsa.generate_private_key(65537, 2048)
        (folder / "sa.key").write_bytes(_pem(token))
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        (folder / "sa.pub").write_bytes(token.public_key().public_bytes(serialization.Encoding.PEM, public))

    def server(self, name: str) -> None:
        """<name>.crt and <name>.key of a server."""
        names: list[x509.GeneralName] = [x509.DNSName(each) for each in SERVERS]
        names += [x509.IPAddress(ip_address(each)) for each in self._addresses]
        self._issue(name, x509.Name([]), ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, name: str, user: str, group: str = "") -> None:
        """<name>.crt and <name>.key of a user."""
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        parts += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
        self._issue(name, x509.Name(parts), ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def kubeconfig(self, name: str, server: str) -> Path:
        """<name>.kubeconfig of a user that has been issued."""
        cluster = {"server": server, "certificate-authority": "ca.crt"}
        user = {"client-certificate": f"{name}.crt", "client-key": f"{name}.key"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(document, indent=1))  # JSON is YAML
        return path

    def _begin(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=2))

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _issue(
        self, name: str, subject: x509.Name, use: x509.ObjectIdentifier, names: Sequence[x509.GeneralName]
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._begin(subject, key).add_extension(x509.ExtendedKeyUsage([use]), False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), not subject.rdns)
        (self.folder / f"{name}.crt").write_bytes(self._sign(builder))
        (self.folder / f"{name}.key").write_bytes(_pem(key))
        (self.folder / f"{name}.key").chmod(0o600)
