"""Who somebody is, beside their key: a code on paper, and the one-time codes of an app on their phone.

A thief of one of them, or of the key, has one thing only; what is heavy needs both. Source: RFC 6238 (TOTP).
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from cyberprivacy.errors import Untrusted

STEP: Final = 30
"""Seconds for which a one-time code is good."""
DIGITS: Final = 6
_DRIFT: Final = 1
"""Steps by which a phone's clock may be off."""
_CODE: Final = 16
_SECRET: Final = 20
"""Bytes; of the code on paper, and of the phone's secret (the size of its hash, RFC 4226 section 4)."""


class NotYou(Untrusted):
    """Whoever asks has not shown that they are the person."""

    code = "security.check"
    hint = "Take the code from the paper and the newest one from the phone. After five wrong tries, wait a day."


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows: the code on paper (32 hex digits), a one-time code (6 digits); "" where they do not."""

    paper: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What a person is given once, at the beginning, and nobody can show again.

    Attributes:
        paper: 16 random bytes.
        phone: 20 random bytes.
    """

    paper: bytes
    phone: bytes

    @classmethod
    def make(cls) -> Self:
        """New ones."""
        return cls(secrets.token_bytes(_CODE), secrets.token_bytes(_SECRET))

    def address(self, issuer: str, account: str) -> str:
        """The phone's secret as apps read it, `otpauth://…`."""
        return _totp(self.phone).get_provisioning_uri(account_name=account[:16], issuer=issuer)

    def kept(self) -> "Checks":
        """What is remembered of it: of the paper only a digest, which 128 random bits make safe to keep."""
        return Checks(sha256(self.paper).digest(), self.phone, 0)


@dataclass(frozen=True, slots=True)
class Checks:
    """What a desk remembers to know somebody by.

    Attributes:
        paper: SHA-256 of the code on paper.
        phone: the secret of the one-time codes.
        used: the last step whose code was taken; no code counts twice (RFC 6238 section 5.2).
    """

    paper: bytes
    phone: bytes
    used: int

    def passed(self, shown: Shown, *, both: bool, now: float) -> "Checks":
        """What is remembered after this; one right and one wrong is wrong.

        Args:
            shown: by whoever asks.
            both: whether one of the two is not enough.
            now: POSIX seconds.

        Raises:
            NotYou: nothing was shown, one of two is missing, or one is wrong.
        """
        if (both and not (shown.paper and shown.phone)) or not (shown.paper or shown.phone):
            raise NotYou("this needs both checks" if both else "this needs a check", code="security.check-missing")
        right = not shown.paper or compare_digest(sha256(_octets(shown.paper)).digest(), self.paper)
        step = self._step(shown.phone, now) if shown.phone else self.used
        if not right or step is None:
            raise NotYou("a code is wrong, or was used before")
        return Checks(self.paper, self.phone, step)

    def _step(self, code: str, now: float) -> int | None:
        """The step of a one-time code that was not used yet."""
        present, device = int(now) // STEP, _totp(self.phone)
        for step in range(max(present - _DRIFT, self.used + 1), present + _DRIFT + 1):
            try:
                device.verify(code.encode(), step * STEP)
            except InvalidToken:
                continue
            return step
        return None


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 - an HMAC; the one that every app on phones has


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
