"""The machine's side of enrolment: what it asks with, and how its TPM opens the answer. See `enrolment`."""

from dataclasses import dataclass
from hashlib import sha256

from cyberprivacy.attest import enrolment
from cyberprivacy.attest.certificates import certified_key
from cyberprivacy.attest.enrolment import Answer, Refused, Request, hardware_id
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.attest.tpmcommands import Tpm, TpmRefused
from cyberprivacy.attest.tpmendorsement import (
    CC_ACTIVATE_CREDENTIAL,
    activate,
    certificates,
    endorsement_key,
)
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC, ENDORSEMENT_RSA
from cyberprivacy.errors import Misuse


class NotCertified(Misuse):
    """The TPM holds no certificate of its maker."""

    code = "enrolment.no-certificate"
    hint = "Some makers publish it instead: fetch it from them and give it with --certificate FILE."


@dataclass(frozen=True, slots=True)
class HeldKey:
    """An attestation key that is loaded in a TPM.

    Attributes:
        tpm: the TPM.
        handle: of the key.
        public: its public area.
    """

    tpm: Tpm
    handle: int
    public: Public


def ask(held: HeldKey, given: bytes = b"") -> Request:
    """What to send to whoever shall vouch for an attestation key.

    Args:
        held: the key.
        given: certificates of the endorsement key in DER, one after another, when the TPM holds none.

    Raises:
        NotCertified: neither the TPM nor the caller has a certificate.
        Refused: the given certificate is for another TPM ("enrolment.other-tpm").
        BadChain: not certificates.
        TryLater: the TPM does not answer, or refuses.
    """
    if given:
        template = _template(held.tpm, sha256(certified_key(given)).digest())
        return Request(given, _endorsement(held.tpm, template), held.public)
    found = certificates(held.tpm)
    if found is None:
        raise NotCertified("the TPM holds no certificate of its endorsement key")
    template, chain = found
    return Request(chain, _endorsement(held.tpm, template), held.public)


def accept(held: HeldKey, answer: Answer) -> bytes:
    """Open an answer with the TPM.

    Returns:
        DER certificates, one after another: the attestation key's first, the root last.

    Raises:
        Refused: for another TPM ("enrolment.other-tpm") or another key in it ("enrolment.not-opened"), or changed.
        TryLater: the TPM does not answer, or refuses.
    """
    template = _template(held.tpm, answer.hardware)
    try:
        secret = activate(held.tpm, held.handle, template, answer.credential)
    except TpmRefused as refusal:
        if refusal.facts["command"] != hex(CC_ACTIVATE_CREDENTIAL):
            raise
        raise Refused(
            "the TPM does not open the answer: it is for another key, or was changed", code="enrolment.not-opened"
        ) from refusal
    return enrolment.unseal(answer, secret, held.public)


def _endorsement(tpm: Tpm, template: bytes) -> Public:
    handle, public = endorsement_key(tpm, template)
    tpm.flush(handle)
    return public


def _template(tpm: Tpm, hardware: bytes) -> bytes:
    """The template of the endorsement key of this name; the second may take a TPM half a minute to make."""
    for template in (ENDORSEMENT_ECC, ENDORSEMENT_RSA):
        if hardware_id(_endorsement(tpm, template)) == hardware:
            return template
    raise Refused("made for another TPM", code="enrolment.other-tpm", hardware=hardware.hex())
