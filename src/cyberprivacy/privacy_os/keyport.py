"""Who has the part of a data disk's key that is not in the machine: a key node, asked over TLS."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import h11
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cyberprivacy import canonical
from cyberprivacy.attest import quote, tpmenrolment
from cyberprivacy.attest.bare import EvidenceDocument, key_bound
from cyberprivacy.attest.conversation import Conversation, NoConnection
from cyberprivacy.attest.document import Document
from cyberprivacy.attest.enrolment import MAX_MESSAGE, Answer
from cyberprivacy.attest.eventlog import QUOTED
from cyberprivacy.attest.identity import EARLY
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmenrolment import HeldKey
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.privacy_os import key_request
from cyberprivacy.privacy_os.key_request import MAX_ANSWER, ROLE, Ask

VALID: Final = 300
"""Seconds for which the evidence is good."""
PATIENCE: Final = 120.0
"""Seconds for the whole conversation: a slow TPM makes two keys meanwhile."""
_CHALLENGE: Final = frozenset({"v", "challenge"})
_REFUSAL: Final = frozenset({"error", "what"})
_CODE: Final = re.compile(r"[a-z0-9-]{1,30}(\.[a-z0-9-]{1,30}){0,3}")
_WHY: Final = re.compile(r"[ -~]{0,300}")


class KeyNode:
    """One key node, known by its TLS key. Whoever runs it and has this machine can open the disk with time."""

    def __init__(
        self, url: str, pin: bytes, *, tpm: Tpm, log: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        """Ask nothing yet.

        Args:
            url: https address.
            pin: SHA-256 of the SubjectPublicKeyInfo of its TLS key, 32 bytes.
            tpm: this machine's.
            log: of this start, as far as it has come; see `whole_log`.
            clock: seconds since 1970.
        """
        self._url, self._pin, self._tpm, self._log, self._clock = url, pin, tpm, log, clock

    def fetch(self, disk: bytes) -> bytes:
        """See `keypart.KeyPart`."""
        handle, public = self._tpm.create_attestation_key()
        try:
            held = HeldKey(self._tpm, handle, public)
            with Conversation.open(self._url, longest=PATIENCE) as talk:
                if talk.spki != self._pin:
                    raise Untrusted(
                        "another answers in the key node's place", code="keys.pin", key=talk.spki.hex()
                    )
                return self._part(talk, held, disk)
        finally:
            self._tpm.flush(handle)

    def _part(self, talk: Conversation, held: HeldKey, disk: bytes) -> bytes:
        asked = tpmenrolment.ask(held).encode()
        certificates = tpmenrolment.accept(held, Answer.parse(_post(talk, "/enrolment", asked, MAX_MESSAGE)))
        said = Document(canonical.decode(_post(talk, "/challenge", b"", MAX_ANSWER)), "challenge", _CHALLENGE)
        said.version()
        key, now = X25519PrivateKey.generate(), int(self._clock())
        bound = key_bound(
            key_request.spki(key.public_key()),
            said.octets("challenge", size=32),
            since=now - EARLY,
            until=now + VALID,
            role=ROLE,
        )
        attest, signature = self._tpm.quote(held.handle, quote.qualifying(bound.digest()), QUOTED)
        evidence = quote.assemble(held.public, attest, signature, certificates=certificates, log=self._log)
        ask = Ask(disk, key.public_key().public_bytes_raw(), EvidenceDocument(bound, evidence).encode())
        return key_request.unseal(_post(talk, "/part", ask.encode(), MAX_ANSWER, more=False), key, disk)


def _post(talk: Conversation, target: str, body: bytes, limit: int, *, more: bool = True) -> bytes:
    try:
        status, answer = talk.post(target, body, limit=limit, more=more)
    except h11.ProtocolError as error:
        raise NoConnection("the key node does not answer", reason=str(error)[:200]) from error
    if status == HTTPStatus.OK:
        return answer
    document = Document(canonical.decode(answer, limit=MAX_ANSWER), "refusal", _REFUSAL)
    refused = TryLater if status == HTTPStatus.SERVICE_UNAVAILABLE else Untrusted
    why = document.text("what", _WHY)
    raise refused("the key node refuses", code=document.text("error", _CODE), why=why)
