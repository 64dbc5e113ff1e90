"""A key node: keeps a part of the key of each machine's data disk, and gives it to that machine in good standing.

It is ONE node: whoever runs it, and gets hold of a machine with its TPM, can have both parts with time. A
threshold of nodes, none of which has a part alone, will stand behind the same port (`keyport.KeyPart`).

    authority/   certifies attestation keys, for itself alone (`attest.authorityfiles`)
    tls.pem      the key by which machines know it
    parts/       one file for each disk of each machine: born at the first question, 32 bytes, mode 0600
"""

import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cyberprivacy import canonical
from cyberprivacy.attest import authorityfiles
from cyberprivacy.attest.authority import DAY, Authority
from cyberprivacy.attest.bare import EvidenceDocument
from cyberprivacy.attest.certificates import fingerprint
from cyberprivacy.attest.enrolment import Request, Vendors, vouch
from cyberprivacy.attest.files import replace_file
from cyberprivacy.attest.identity import EARLY, self_signed
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Level
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.privacy_os.key_request import PART_SIZE, Ask, judge, seal

LIFE: Final = DAY
"""Seconds that a certificate lasts: it serves one question."""
FOREVER: Final = 3650 * DAY
CHALLENGE_LIFE: Final = 60
"""Seconds; longer than a slow TPM takes for a quote."""
MAX_PARTS: Final = 100_000

_HARDWARE: Final = re.compile(r"tpm2:[0-9a-f]{64}")
_log = structlog.get_logger("keys")


class KeyNode:
    """What one key node knows and does."""

    def __init__(
        self,
        folder: Path,
        *,
        vendors: Vendors,
        policy: Policy,
        standing: Callable[[bytes], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a folder; what is not there is made.

        Args:
            folder: see the module.
            vendors: whose TPMs count.
            policy: which software counts, and which machines; roots are of no concern, it asks its own authority.
            standing: whether the chain accepts a measurement now.
            clock: seconds since 1970.

        Raises:
            Misuse: what is there is not a key node's.
            TryLater: the disk refuses.
        """
        self._parts, self._vendors = folder / "parts", vendors
        self._standing, self._clock = standing, clock
        self._authority = _authority(folder / "authority", int(clock()))
        root = fingerprint(self._authority.chain[-1])
        self._policy = replace(policy, roots={root: Level.MEASURED_BOOT}, least=Level.MEASURED_BOOT)
        self._secret = secrets.token_bytes(32)

    def enrol(self, body: bytes) -> bytes:
        """Certify an attestation key, for a TPM of a maker that counts."""
        request, now = Request.parse(body), int(self._clock())
        return vouch(request, self._authority, self._vendors, now=now, life=LIFE).encode()

    def challenge(self) -> bytes:
        """A fresh challenge: when it was made, 16 random bytes, and a code over both. Nothing is remembered."""
        front = int(self._clock()).to_bytes(8, "big") + secrets.token_bytes(8)
        return canonical.encode({"v": 1, "challenge": (front + self._code(front)).hex()})

    def part(self, body: bytes) -> bytes:
        """A machine's part, sealed to it.

        Raises:
            Untrusted: it gets none; the code says why.
            TryLater: the chain or the disk does not answer.
        """
        ask, now = Ask.parse(body), int(self._clock())
        challenge = EvidenceDocument.parse(ask.evidence).bound.challenge
        made = int.from_bytes(challenge[:8], "big")
        if (
            not hmac.compare_digest(self._code(challenge[:16]), challenge[16:])
            or not 0 <= now - made <= CHALLENGE_LIFE
        ):
            raise Untrusted("not a challenge of this key node, or an old one", code="keys.challenge")
        machine, running = judge(ask, challenge=challenge, policy=self._policy, standing=self._standing, now=now)
        part, born = self._kept(machine, ask.disk)
        _log.info("part", code="keys.released", machine=machine, disk=ask.disk.hex(), os=running.hex(), born=born)
        return seal(part, ask)

    def _code(self, front: bytes) -> bytes:
        return hmac.digest(self._secret, front, "sha256")[:16]

    def _kept(self, machine: str, disk: bytes) -> tuple[bytes, bool]:
        """The part of a machine's disk, and whether it was born now."""
        if not _HARDWARE.fullmatch(machine):
            raise Untrusted("a machine without a name", code="keys.machine", machine=machine[:80])
        path = self._parts / f"{machine.partition(':')[2]}-{disk.hex()}"
        try:
            if born := not path.exists():
                self._parts.mkdir(mode=0o700, exist_ok=True)
                if sum(1 for _ in self._parts.iterdir()) >= MAX_PARTS:
                    raise TryLater(
                        "this key node keeps as many parts as it may", code="keys.full", limit=MAX_PARTS
                    )
                replace_file(path, secrets.token_bytes(PART_SIZE))
            part = path.read_bytes()
        except OSError as error:
            raise _disk(path, error) from error
        if len(part) != PART_SIZE:
            raise TryLater("a kept part is damaged", code="keys.disk", path=str(path))
        return part, born


def _authority(folder: Path, now: int) -> Authority:
    if not (folder / authorityfiles.KEY_FILE).exists():
        made = Authority.new("a key node, for itself", now=now, life=FOREVER)
        authorityfiles.keep(made, folder)
    return authorityfiles.load(folder)


def tls_key(path: Path, names: tuple[str, ...], now: int) -> bytes:
    """Key and certificate of a key node's server, in PEM; made when there are none. Returns what is in the file.

    Raises:
        Misuse: an impossible name, or a file that is none ("keys.tls").
        TryLater: the disk refuses.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self_signed(key, names, now - EARLY, now + FOREVER).public_bytes(Encoding.PEM)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate
    try:
        replace_file(path, pem)
    except OSError as error:
        raise _disk(path, error) from error
    return pem


def _disk(path: Path, error: OSError) -> TryLater:
    return TryLater("a key node's file cannot be kept", code="keys.disk", path=str(path), reason=error.strerror)
