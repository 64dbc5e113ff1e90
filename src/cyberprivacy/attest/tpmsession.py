"""A session that encrypts: the secret in a command, or in its answer, is not to be read on the way to the TPM.

It goes along beside whatever authorises the command. Who listens on the wires between processor and TPM learns
nothing; who stands in between and answers in the TPM's place with a storage key of its own is not noticed, as
nobody vouches for that key.

Source: TCG TPM 2.0 Library, revision 1.59, Part 1: 18.6 (names), 19.6 (session keys and HMACs), 21 (encryption of
the first parameter); Part 3, 11.1 (TPM2_StartAuthSession).
"""

import hmac
import os
import struct
from hashlib import sha256
from typing import Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from cyberprivacy.attest.credential import derive, protected_seed
from cyberprivacy.attest.tpm2 import ALG_AES, ALG_CFB, ALG_SHA256, BadStructure, Public, Reader, sized
from cyberprivacy.attest.tpmcommands import CC_START_AUTH_SESSION, NOBODY, Tpm, TpmGone

HMAC_SESSION: Final = 0x00
CONTINUES: Final = 1 << 0
OF_COMMAND: Final = 1 << 5
OF_ANSWER: Final = 1 << 6
"""Attributes of a session: which first parameter is encrypted. Source: Part 2, 8.4 (TPMA_SESSION)."""

_SECRET: Final = b"SECRET\0"
_AES: Final = 128
_NONCE: Final = 32


class Encrypting:
    """One session; flush `handle` after use."""

    def __init__(self, tpm: Tpm, key: int, public: Public) -> None:
        """Agree on a secret with the TPM.

        Args:
            tpm: the TPM.
            key: handle of a storage key in it.
            public: that key's public area.
        """
        salt, protected = protected_seed(public, _SECRET)
        mine = os.urandom(_NONCE)
        start = struct.pack(">II", key, NOBODY) + sized(mine) + sized(protected)
        start += struct.pack(">BHHHH", HMAC_SESSION, ALG_AES, _AES, ALG_CFB, ALG_SHA256)
        answer = Reader(tpm.plain(CC_START_AUTH_SESSION, start), "new session")
        self._tpm, self.handle, self._its = tpm, answer.number(4), answer.sized(64)
        self._key = derive(hashes.SHA256(), salt, b"ATH", self._its + mine, size=32)

    def command(
        self,
        code: int,
        about: tuple[tuple[int, bytes], ...],
        parameters: bytes,
        *,
        authorised: bytes,
        encrypts: int,
    ) -> bytes:
        """Send a command with this session beside the one that authorises it; gives the answer, decrypted.

        Args:
            code: TPM_CC; one that makes no new handle.
            about: handles, and the names of what they stand for.
            parameters: what follows the sessions, in the clear.
            authorised: the session that authorises it.
            encrypts: `OF_COMMAND` or `OF_ANSWER`: where the first parameter is a secret.

        Raises:
            TpmRefused, TpmBusy: the TPM's own answer.
            TpmGone: no answer, or one that was changed on the way.
        """
        mine, attributes = os.urandom(_NONCE), bytes((CONTINUES | encrypts,))
        if encrypts == OF_COMMAND:
            parameters = self._first(parameters, newer=mine, older=self._its, decrypts=False)
        names = b"".join(name for _, name in about)
        signed = sha256(struct.pack(">I", code) + names + parameters).digest() + mine + self._its + attributes
        own = struct.pack(">I", self.handle) + sized(mine) + attributes + sized(self._mac(signed))
        handles = tuple(handle for handle, _ in about)
        _, answer, area = self._tpm.whole(
            code, handles, parameters, sessions=(authorised, own), returns_handle=False
        )
        self._its = self._checked(code, answer, area, mine)
        if encrypts == OF_ANSWER:
            return self._first(answer, newer=self._its, older=mine, decrypts=True)
        return answer

    def _checked(self, code: int, answer: bytes, area: bytes, mine: bytes) -> bytes:
        """The TPM's next nonce, once its word for the whole answer is proven."""
        try:
            reader = Reader(area, "sessions of an answer")
            _area(reader)  # of what has authorised the command
            its, attributes, mac = _area(reader)
            reader.end()
        except BadStructure as error:
            raise TpmGone("the TPM's answer cannot be read", command=hex(code), reason=error.what) from error
        signed = sha256(struct.pack(">II", 0, code) + answer).digest() + its + mine + attributes
        if not hmac.compare_digest(mac, self._mac(signed)):
            raise TpmGone("the TPM's answer was changed on the way", command=hex(code))
        return its

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")

    def _first(self, parameters: bytes, *, newer: bytes, older: bytes, decrypts: bool) -> bytes:
        """Parameters with the contents of the first one, a TPM2B, encrypted or decrypted."""
        size = int.from_bytes(parameters[:2], "big")
        material = derive(hashes.SHA256(), self._key, b"CFB", newer + older, size=_AES // 8 + 16)
        cipher = Cipher(algorithms.AES(material[: _AES // 8]), CFB(material[_AES // 8 :]))
        turn = cipher.decryptor() if decrypts else cipher.encryptor()
        return parameters[:2] + turn.update(parameters[2 : 2 + size]) + parameters[2 + size :]


def _area(reader: Reader) -> tuple[bytes, bytes, bytes]:
    """What a session answers: its nonce, attributes and code. Source: Part 2, 10.13.3 (TPMS_AUTH_RESPONSE)."""
    return reader.sized(64), reader.take(1), reader.sized(64)
