"""The machine that a node runs on, as far as it can prove itself: its TPM, its keys, its account.

One secret is born here and kept only in a form that this TPM opens for this very software. From it come
the key that signs statements and the key of the node's account on chain.
"""

from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy import canonical
from cyberprivacy.attest.certificates import BadChain, certified_key
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.keeping import kept_node_key
from cyberprivacy.attest.measure import measure
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.node import files
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signing import LocalKey

ACCOUNT_TAG: Final = b"CyberPrivacy-NodeAccount/1"
CERTIFICATES: Final = "attestation-key.der"
"""What a root made for this machine's attestation key: DER certificates, the key's first."""

_log = structlog.get_logger("node")


class Machine:
    """A software TPM in a folder, and the keys that it keeps."""

    def __init__(self, data: Path) -> None:
        """Start the TPM, let it take the measurements, and open the kept secret.

        Raises:
            TryLater: the TPM or the disk does not answer.
            Misuse: swtpm is not installed.
        """
        folder = data / "tpm"
        self._certificates = folder / CERTIFICATES
        self._attester = SoftwareAttester(folder, measure())
        self._read: tuple[int, int, int] | None = None
        self.key: NodeKey = kept_node_key(folder / "node-key.sealed", self._attester)
        self.account = LocalKey(_account_secret(self.key))
        files.replace(folder / "attestation-key.pub", self._attester.public.raw)
        files.replace(data / "identity.json", canonical.encode(self.identity()))

    def identity(self) -> dict[str, str]:
        """What a provider lists on chain: account, node key and measurement; all of it public."""
        return {
            "account": self.account.address,
            "measurement": "0x" + self._attester.measurement.hex(),
            "nodeKey": "0x" + self.key.id.hex(),
        }

    @property
    def address(self) -> Address:
        """The node's account on chain."""
        return self.account.address

    def quote(self, binding: bytes) -> Evidence:
        """Fresh evidence, with the newest good certificates of the attestation key, if there are any."""
        self._renew()
        return self._attester.quote(binding)

    def _renew(self) -> None:
        """Read the certificates again when their file has changed; bad ones do not take the place of good ones."""
        try:
            found = self._certificates.stat()
            changed = (found.st_mtime_ns, found.st_size, found.st_ino)
            if changed == self._read:
                return
            certificates = self._certificates.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            _log.warning("certificates", code="node.certificates", reason=error.strerror)
            return
        self._read = changed
        try:
            key = self._attester.public.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            if certified_key(certificates) != key:
                raise BadChain("the certificates are for another key", code="evidence.other-key")
        except BadChain as error:
            _log.warning("certificates", code=error.code, what=str(error), path=str(self._certificates))
            return
        self._attester.certified(certificates)
        _log.info("certificates", size=len(certificates))

    def close(self) -> None:
        """Stop the TPM."""
        self._attester.close()


def _account_secret(key: NodeKey) -> bytes:
    """32 bytes for secp256k1. Source: RFC 5869, with our tag as `info`."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=ACCOUNT_TAG).derive(key.seed())
