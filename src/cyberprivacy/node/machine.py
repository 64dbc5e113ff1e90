"""The machine that a node runs on, as far as it can prove itself: its hardware, its keys, its account.

One secret is born here and kept only in a form that its TPM opens for this very software. From it come
the key that signs statements and the key of the node's account on chain.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy import canonical
from cyberprivacy.attest.certificates import BadChain, certified_key
from cyberprivacy.attest.collateral.keeper import Keeper
from cyberprivacy.attest.evidence import Attester, Evidence
from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.judge import VERIFIERS
from cyberprivacy.attest.keeping import kept_node_key
from cyberprivacy.attest.machine import Candidate, confidential, find, trusted_platform
from cyberprivacy.attest.measure import measure
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.attest.tpmdevice import EVENT_LOG, TpmAttester
from cyberprivacy.errors import TryLater
from cyberprivacy.node import files
from cyberprivacy.node.publishing import head_secret
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signing import LocalKey

ACCOUNT_TAG: Final = b"CyberPrivacy-NodeAccount/1"
CERTIFICATES: Final = "attestation-key.der"
"""What a root made for this machine's attestation key: DER certificates, the key's first."""

_log = structlog.get_logger("node")


class Machine:
    """What this machine proves itself with, and the keys that it keeps."""

    def __init__(
        self,
        data: Path,
        *,
        hardware: bool = False,
        boot_log: Path | None = None,
        candidates: Sequence[Candidate] | None = None,
    ) -> None:
        """Find the hardware, or start a software TPM that takes the measurements; open the kept secret.

        Args:
            data: the node's own folder.
            hardware: prove with what this machine has (SEV-SNP, TDX, a TPM), and start nothing in its place.
            boot_log: all that was measured since the start; None = what the kernel shows of firmware's log.
            candidates: what hardware to look for; None = all that we know, the strongest first.

        Raises:
            TryLater: the hardware or the disk does not answer.
            Misuse: there is no such hardware, or swtpm is not installed.
        """
        self._folder = data / "tpm"
        self._read: tuple[int, int, int] | None = None
        if hardware:
            looked_for = _hardware(data, self._folder, boot_log or EVENT_LOG) if candidates is None else candidates
            self._attester: Attester = find(looked_for).attester
        else:
            self._attester = SoftwareAttester(self._folder, measure())
        self.measurement = self._measured()
        self.key: NodeKey = self._kept()
        self.account = LocalKey(_account_secret(self.key))
        if (public := self._certifiable()) is not None:
            files.replace(self._folder / "attestation-key.pub", public.raw)
        files.replace(data / "identity.json", canonical.encode(self.identity()))

    def _measured(self) -> bytes:
        if isinstance(self._attester, SoftwareAttester | TpmAttester):
            return self._attester.measurement
        evidence = self._attester.quote(bytes(64))
        measured = VERIFIERS[evidence.kind].measurement(evidence)
        if measured is None:
            raise TryLater("the evidence names no software", code="node.measurement", kind=evidence.kind)
        return measured

    def _kept(self) -> NodeKey:
        """The node key: sealed to a TPM, which gives it back; else a new one with each start, in memory only."""
        if isinstance(self._attester, SoftwareAttester | TpmAttester):
            return kept_node_key(self._folder / "node-key.sealed", self._attester)
        key = NodeKey.born()
        _log.warning("node key", code="node.key-born", why="no TPM keeps one over restarts", born=key.id.hex())
        return key

    def _certifiable(self) -> Public | None:
        """The attestation key that somebody has to certify; None where the processor's maker has done it."""
        match self._attester:
            case SoftwareAttester():
                return self._attester.public
            case TpmAttester():
                return self._attester.held.public
            case _:
                return None

    def identity(self) -> dict[str, str]:
        """What a provider lists on chain: account, node key, measurement, head key; all of it public."""
        return {
            "account": self.account.address,
            "headKey": LocalKey(head_secret(self.key)).address,
            "measurement": "0x" + self.measurement.hex(),
            "nodeKey": "0x" + self.key.id.hex(),
        }

    @property
    def address(self) -> Address:
        """The node's account on chain."""
        return self.account.address

    def quote(self, binding: bytes) -> Evidence:
        """Fresh evidence, with the newest good certificates of the attestation key, if there are any."""
        if isinstance(self._attester, SoftwareAttester | TpmAttester):
            self._renew(self._attester)
        return self._attester.quote(binding)

    def _renew(self, attester: SoftwareAttester | TpmAttester) -> None:
        """Read the certificates again when their file has changed; bad ones do not take the place of good ones."""
        path, public = self._folder / CERTIFICATES, self._certifiable()
        try:
            found = path.stat()
            changed = (found.st_mtime_ns, found.st_size, found.st_ino)
            if changed == self._read or public is None:
                return
            certificates = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            _log.warning("certificates", code="node.certificates", reason=error.strerror)
            return
        self._read = changed
        try:
            key = public.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            if certified_key(certificates) != key:
                raise BadChain("the certificates are for another key", code="evidence.other-key")
        except BadChain as error:
            _log.warning("certificates", code=error.code, what=str(error), path=str(path))
            return
        attester.certified(certificates)
        _log.info("certificates", size=len(certificates))

    def close(self) -> None:
        """Let go of the TPM."""
        if isinstance(self._attester, SoftwareAttester | TpmAttester):
            self._attester.close()


def _hardware(data: Path, keys: Path, log: Path) -> tuple[Candidate, ...]:
    complete = Keeper(data / "collateral").complete
    return confidential(complete), trusted_platform(keys, log=log)


def _account_secret(key: NodeKey) -> bytes:
    """32 bytes for secp256k1. Source: RFC 5869, with our tag as `info`."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=ACCOUNT_TAG).derive(key.seed())
