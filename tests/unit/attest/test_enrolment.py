"""Who vouches for an attestation key vouches for one in a genuine TPM; every other request has its own refusal."""

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.authority import DAY, Authority, BadAuthority
from cyberprivacy.attest.certificates import HARDWARE_ID, check_chain, split
from cyberprivacy.attest.credential import WrongEndorsement
from cyberprivacy.attest.enrolment import (
    Answer,
    Refused,
    Request,
    Vendors,
    examine,
    hardware_id,
    unseal,
    vouch,
)
from cyberprivacy.attest.quote import AK_PURPOSE
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted
from cyberprivacy.testing.paperek import PaperEndorsement
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot, FakeVendor

BORN = datetime(2026, 11, 1, tzinfo=UTC)
NOW = int(BORN.timestamp()) + DAY
VENDOR = FakeVendor.new(now=BORN)
VENDORS = Vendors(roots=frozenset({VENDOR.fingerprint}), issuers=VENDOR.issuers)
ROOT = DevelopmentRoot.new(now=BORN)
ENDORSEMENT = PaperEndorsement()
TPM = PaperTpm(events=())
CERTIFICATE = VENDOR.certify(ENDORSEMENT.public.key, now=BORN)
REQUEST = Request(CERTIFICATE, ENDORSEMENT.public, TPM.public)


def answer(request: Request = REQUEST, vendors: Vendors = VENDORS, **more: Any) -> Answer:
    return vouch(request, more.pop("authority", ROOT.authority), vendors, **{"now": NOW, "life": 30 * DAY, **more})


def opened(got: Answer, endorsement: PaperEndorsement = ENDORSEMENT, public: Public = TPM.public) -> bytes:
    secret = endorsement.open(got.credential, public.name)
    assert secret is not None
    return unseal(got, secret, public)


def test_a_genuine_request_is_answered_with_certificates_that_lead_to_who_vouches() -> None:
    sent = Request.parse(REQUEST.encode())
    chain = opened(Answer.parse(answer(sent).encode()))
    found = check_chain(split(chain), now=NOW)
    assert found.root == ROOT.fingerprint
    assert found.purposes == {AK_PURPOSE}
    assert found.hardware == hardware_id(ENDORSEMENT.public)
    leaf = x509.load_der_x509_certificate(split(chain)[0])
    assert leaf.public_key() == TPM.public.key
    assert leaf.not_valid_after_utc == BORN + timedelta(days=31)
    assert not leaf.extensions.get_extension_for_oid(HARDWARE_ID).critical


def test_a_machine_that_sends_its_whole_chain_needs_nobody_who_knows_the_issuers() -> None:
    whole = replace(REQUEST, certificates=b"".join((CERTIFICATE, *VENDOR.issuers)))
    assert opened(answer(whole, replace(VENDORS, issuers=())))


STRANGER = FakeVendor.new(now=BORN)
OTHER = PaperEndorsement()


@pytest.mark.parametrize(
    ("code", "request_", "at"),
    [
        ("ek-vendor", replace(REQUEST, certificates=b"".join((STRANGER.certify(ENDORSEMENT.public.key, now=BORN), *STRANGER.issuers))), NOW),
        ("ek-chain", replace(REQUEST, certificates=STRANGER.certify(ENDORSEMENT.public.key, now=BORN)), NOW),
        ("ek-chain", replace(REQUEST, certificates=CERTIFICATE + STRANGER.issuers[1]), NOW),
        ("ek-chain", replace(REQUEST, certificates=CERTIFICATE[:-1]), NOW),
        ("ek-chain", replace(REQUEST, certificates=b""), NOW),
        ("ek-chain", replace(REQUEST, certificates=CERTIFICATE[:-1] + bytes([CERTIFICATE[-1] ^ 1])), NOW),
        ("ek-purpose", replace(REQUEST, certificates=VENDOR.certify(ENDORSEMENT.public.key, purpose=None, now=BORN)), NOW),
        ("ek-purpose", replace(REQUEST, certificates=VENDOR.certify(ENDORSEMENT.public.key, purpose=AK_PURPOSE, now=BORN)), NOW),
        ("ek-expired", REQUEST, NOW + 100 * DAY),
        ("ek-expired", REQUEST, NOW - 2 * DAY),
        ("ek-other-key", replace(REQUEST, endorsement=OTHER.public), NOW),
        ("ek-attributes", replace(REQUEST, endorsement=replace(ENDORSEMENT, attributes=0x000200B2).public), NOW),
        ("ek-attributes", replace(REQUEST, endorsement=replace(ENDORSEMENT, attributes=0x000700B2).public), NOW),
        ("ak-attributes", replace(REQUEST, attestation=replace(TPM, attributes=0x00040072).public), NOW),
        ("ak-attributes", replace(REQUEST, attestation=replace(TPM, attributes=0x00050070).public), NOW),
        ("ak-attributes", replace(REQUEST, attestation=replace(TPM, attributes=0x00070072).public), NOW),
    ],
)  # fmt: skip
def test_each_wrong_request_has_its_own_code(code: str, request_: Request, at: int) -> None:
    with pytest.raises(Refused) as refusal:
        answer(request_, now=at)
    assert refusal.value.code == f"enrolment.{code}"
    assert refusal.value.exit_code == 1


def test_a_maker_for_development_counts_for_authorities_for_development_only() -> None:
    real = Authority.new("a DAO", now=NOW, life=365 * DAY)
    with pytest.raises(Refused) as refusal:
        answer(authority=real)
    assert refusal.value.code == "enrolment.ek-development"
    maker = FakeVendor.new(now=BORN, marked=False)
    vendors = Vendors(roots=frozenset({maker.fingerprint}), issuers=maker.issuers)
    genuine = replace(REQUEST, certificates=maker.certify(ENDORSEMENT.public.key, now=BORN))
    chain = check_chain(split(opened(answer(genuine, vendors, authority=real))), now=NOW)
    assert not chain.development


def test_a_tpm_that_holds_only_one_of_the_two_keys_learns_nothing() -> None:
    got = answer()
    assert OTHER.open(got.credential, TPM.public.name) is None
    assert ENDORSEMENT.open(got.credential, PaperTpm(events=()).public.name) is None
    with pytest.raises(Refused) as refusal:
        unseal(got, bytes(32), TPM.public)
    assert refusal.value.code == "enrolment.changed"


def test_every_flipped_bit_of_what_is_sealed_is_noticed() -> None:
    got = answer()
    secret = ENDORSEMENT.open(got.credential, TPM.public.name)
    assert secret is not None
    for at in range(len(got.sealed)):
        bent = got.sealed[:at] + bytes([got.sealed[at] ^ 1 << at % 8]) + got.sealed[at + 1 :]
        with pytest.raises(Refused):
            unseal(replace(got, sealed=bent), secret, TPM.public)
    with pytest.raises(Refused):
        unseal(replace(got, hardware=bytes(32)), secret, TPM.public)
    with pytest.raises(Refused):
        unseal(replace(got, sealed=got.sealed[:-1]), secret, TPM.public)
    with pytest.raises(Refused):
        unseal(replace(got, sealed=b""), secret, TPM.public)


def test_an_answer_does_not_say_what_was_certified() -> None:
    got = answer()
    point = TPM.public.raw[-32:]
    assert point not in got.encode()
    assert point not in got.sealed
    assert point in opened(got)


def test_an_endorsement_key_that_encrypts_nothing_is_refused() -> None:
    raw = ENDORSEMENT.public.raw
    plain = Public.parse(raw.replace(struct.pack(">HHH", 0x0006, 128, 0x0043), struct.pack(">H", 0x0010), 1))
    with pytest.raises(WrongEndorsement):
        answer(replace(REQUEST, endorsement=plain))


@pytest.mark.parametrize("life", [0, -1, 366 * DAY])
def test_a_certificate_lives_up_to_a_year(life: int) -> None:
    with pytest.raises(Misuse) as refusal:
        answer(life=life)
    assert refusal.value.code == "enrolment.life"


def test_an_authority_does_not_outlive_itself_and_is_one_pair() -> None:
    with pytest.raises(BadAuthority):
        answer(life=100 * DAY)
    with pytest.raises(BadAuthority):
        Authority(ec.generate_private_key(ec.SECP256R1()), ROOT.authority.chain)
    with pytest.raises(BadAuthority):
        Authority(ec.generate_private_key(ec.SECP256R1()), ())
    assert "key" not in repr(ROOT.authority)


def test_an_authority_below_a_root_gives_its_whole_chain() -> None:
    below = VENDOR
    middle = Authority(below.key, (below.issuer, below.root))
    chain = split(opened(answer(authority=middle)))
    assert [len(chain), check_chain(chain, now=NOW).root] == [3, VENDOR.fingerprint]
    assert chain[1] == below.issuer.public_bytes(Encoding.DER)


MESSAGES = [(Request.parse, REQUEST.encode()), (Answer.parse, answer().encode())]


@pytest.mark.parametrize(("parse", "data"), MESSAGES, ids=["request", "answer"])
def test_a_message_that_is_cut_off_or_has_more_is_refused(parse: Any, data: bytes) -> None:
    parse(data)
    for end in (*range(0, len(data), 37), len(data) - 1):
        with pytest.raises(Untrusted):
            parse(data[:end])
    for more in (
        b" " + data,
        data + b"\n",
        data.replace(b'"v":1', b'"v":2'),
        data.replace(b'"v":1', b'"v":1,"x":1'),
    ):
        with pytest.raises(Untrusted):
            parse(more)


@given(st.sampled_from(MESSAGES), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_message_bent_anywhere_is_read_or_refused(message: tuple[Any, bytes], where: int, patch: bytes) -> None:
    parse, data = message
    at = where % len(data)
    try:
        read = parse(data[:at] + patch + data[at + len(patch) :])
        if isinstance(read, Request):
            examine(read, VENDORS, now=NOW, development=True)
    except CyberPrivacyError as error:
        assert isinstance(error, Untrusted)
