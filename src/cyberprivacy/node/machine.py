"""The machine that a node runs on, as far as it can prove itself: its TPM, its keys, its account.

One secret is born here and kept only in a form that this TPM opens for this very software. From it come
the key that signs statements and the key of the node's account on chain.
"""

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cyberprivacy import canonical
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
        self._certified = False
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
        """Fresh evidence; with the certificates of the attestation key, once somebody has made them."""
        if not self._certified and self._certificates.exists():
            self._attester.certified(self._certificates.read_bytes())
            self._certified = True
        return self._attester.quote(binding)

    def close(self) -> None:
        """Stop the TPM."""
        self._attester.close()


def _account_secret(key: NodeKey) -> bytes:
    """32 bytes for secp256k1. Source: RFC 5869, with our tag as `info`."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=ACCOUNT_TAG).derive(key.seed())
