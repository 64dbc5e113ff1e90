"""Certificates and revocation lists of AMD are read in one form; each step of a chain is checked."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.certificates import BadChain, split
from cyberprivacy.attest.der import Der, dotted
from cyberprivacy.attest.snp import endorsement
from cyberprivacy.attest.snp.chain import Certificate, check_chain
from cyberprivacy.attest.snp.endorsement import BadEndorsement, Endorsement
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.report import Signer
from cyberprivacy.attest.snp.revocation import check_revocation
from cyberprivacy.testing.snp import YEAR, FakeAmd, authority_key

PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)


def refused(data: bytes, now: int) -> str:
    with pytest.raises(BadChain) as refusal:
        check_chain(data, now=now)
    return refusal.value.code


def test_a_certificate_says_what_the_library_reads(court: Any) -> None:
    for der in split(court.chip(Product.TURIN).certificates):
        mine, theirs = Certificate.parse(der), x509.load_der_x509_certificate(der)
        assert mine.signed == theirs.tbs_certificate_bytes
        assert mine.signature == theirs.signature
        assert mine.serial == theirs.serial_number
        assert mine.issuer == theirs.issuer.public_bytes()
        assert mine.subject == theirs.subject.public_bytes()
        assert mine.since == int(theirs.not_valid_before_utc.timestamp())
        assert mine.until == int(theirs.not_valid_after_utc.timestamp())
        assert mine.extensions.keys() == {each.oid.dotted_string for each in theirs.extensions}


def test_a_chain_holds_to_the_second(court: Any) -> None:
    now = court.now
    chain = court.chip(valid=(now - 10, now + 10)).certificates
    assert check_chain(chain, now=now - 10)
    assert check_chain(chain, now=now + 10)
    for at in (now - 11, now + 11):
        assert refused(chain, at) == "evidence.certificate-expired"
    assert refused(court.chip().certificates, now + YEAR + 1) == "evidence.certificate-expired"


def test_a_chain_is_three_certificates_in_their_order(court: Any) -> None:
    leaf, middle, root = split(court.chip().certificates)
    wrong = [leaf + middle, leaf + root, root, leaf + middle + root + root, middle + leaf + root]
    wrong += [b"", leaf + middle + root + b"x", leaf[:-1], root + root + root, middle + middle + root]
    for chain in wrong:
        assert refused(chain, court.now) == "evidence.chain"


def test_a_chain_of_another_product_does_not_lead_to_this_root(court: Any) -> None:
    leaf, middle, _ = split(court.chip().certificates)
    _, _, turin = split(court.chip(Product.TURIN).certificates)
    assert refused(leaf + middle + turin, court.now) == "evidence.chain"


def test_an_authority_obeys_its_issuers_limit(court: Any) -> None:
    assert (
        refused(FakeAmd.new(Product.GENOA, now=court.now, below=0).chip().certificates, court.now)
        == "evidence.chain"
    )
    assert check_chain(FakeAmd.new(Product.GENOA, now=court.now, below=1).chip().certificates, now=court.now)


def leaf_of(
    court: Any, *, key: Any = None, critical: bool = False, authority: bool = False, salt: int = 48
) -> bytes:
    """A chain whose leaf is signed by the ASK and odd in one way."""
    amd = court.amd()
    builder = x509.CertificateBuilder().issuer_name(amd.ask.subject).subject_name(amd.ask.subject)
    builder = builder.public_key((key or ec.generate_private_key(ec.SECP384R1())).public_key()).serial_number(1)
    builder = builder.not_valid_before(amd.ask.not_valid_before_utc).not_valid_after(amd.ask.not_valid_after_utc)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if critical:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b""), critical=True
        )
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), salt)
    leaf = builder.sign(authority_key("ASK"), hashes.SHA384(), rsa_padding=pss)
    return b"".join(each.public_bytes(Encoding.DER) for each in (leaf, amd.ask, amd.root))


def test_a_leaf_is_a_chips_key_on_p384_and_nothing_else(court: Any) -> None:
    assert check_chain(leaf_of(court), now=court.now)
    small = ec.generate_private_key(ec.SECP256R1())
    odd = [leaf_of(court, key=small), leaf_of(court, key=authority_key("ASK")), leaf_of(court, critical=True)]
    odd += [leaf_of(court, authority=True), leaf_of(court, salt=32)]
    for chain in odd:
        assert refused(chain, court.now) == "evidence.chain"


def test_an_authority_with_a_short_key_is_refused(court: Any) -> None:
    short = rsa.generate_private_key(65537, 2048)
    name = x509.Name([])
    builder = x509.CertificateBuilder().issuer_name(name).subject_name(name).public_key(short.public_key())
    builder = builder.serial_number(1).not_valid_before(court.amd().ask.not_valid_before_utc)
    builder = builder.not_valid_after(court.amd().ask.not_valid_after_utc)
    usage = court.amd().ask.extensions.get_extension_for_class(x509.KeyUsage).value
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    root = builder.add_extension(usage, critical=True).sign(short, hashes.SHA384(), rsa_padding=PSS)
    leaf, _, _ = split(court.chip().certificates)
    der = root.public_bytes(Encoding.DER)
    assert refused(leaf + der + der, court.now) == "evidence.chain"


ODD_EXTENSIONS: dict[str, dict[str, bytes | None]] = {
    "no product": {endorsement.NAME: None},
    "a product nobody knows": {endorsement.NAME: b"\x16\x06Venice"},
    "a product in UTF-8": {endorsement.NAME: b"\x0c\x05Genoa"},
    "a product with a tail": {endorsement.NAME: b"\x16\x05Genoa\x00"},
    "no version": {endorsement.VERSION: None},
    "version 2": {endorsement.VERSION: b"\x02\x01\x02"},
    "no SNP": {endorsement.ARC + "3.3": None},
    "SNP 256": {endorsement.ARC + "3.3": b"\x02\x02\x01\x00"},
    "SNP in a second form": {endorsement.ARC + "3.3": b"\x02\x02\x00\x17"},
    "SNP negative": {endorsement.ARC + "3.3": b"\x02\x01\x97"},
    "a reserved component": {endorsement.ARC + "3.4": b"\x02\x01\x01"},
    "an unknown extension": {endorsement.ARC + "3.10": b"\x02\x01\x00"},
    "FMC on a Genoa": {endorsement.FMC: b"\x02\x01\x00"},
    "chip and cloud": {endorsement.CSP: b"\x16\x01x"},
    "a short chip id": {endorsement.HWID: bytes(8)},
    "a chip id in two strings": {endorsement.HWID: b"\x04\x42\x04\x40" + bytes(64)},
}


@pytest.mark.parametrize("case", ODD_EXTENSIONS)
def test_an_odd_extension_of_amd_is_refused(court: Any, case: str) -> None:
    assert court.codes(court.chip(extensions=ODD_EXTENSIONS[case])) == ["snp.extensions"]


def test_a_chip_id_may_stand_in_an_octet_string(court: Any) -> None:
    for product, size in ((Product.GENOA, 64), (Product.TURIN, 8)):
        leaf, _, _ = split(
            court.chip(product, extensions={endorsement.HWID: bytes((4, size)) + b"i" * size}).certificates
        )
        assert Endorsement.parse(Certificate.parse(leaf)).chip == (b"i" * size).ljust(64, b"\x00")


def test_a_stepping_behind_the_product_is_read_over(court: Any) -> None:
    assert court.codes(court.chip(extensions={endorsement.NAME: b"\x16\x08Genoa-B1"})) == []


def test_a_turin_without_its_first_stage_is_refused(court: Any) -> None:
    assert court.codes(court.chip(Product.TURIN, extensions={endorsement.FMC: None})) == ["snp.extensions"]


def test_endorsements_of_odd_leaves_are_refusals(court: Any) -> None:
    leaf, middle, _ = split(court.chip().certificates)
    with pytest.raises(BadEndorsement):
        Endorsement.parse(Certificate.parse(middle))
    assert Endorsement.parse(Certificate.parse(leaf)).signer is Signer.VCEK


def test_a_revocation_list_says_what_the_root_signed(court: Any) -> None:
    amd, now = court.amd(), court.now
    chain = check_chain(court.chip().certificates, now=now)

    def code(crl: bytes) -> str:
        with pytest.raises(BadChain) as refusal:
            check_revocation(crl, chain, now=now)
        return refusal.value.code

    for serials in ((), (3,), (1, 2, amd.asvk.serial_number)):
        check_revocation(amd.crl(*serials), chain, now=now)
    assert code(amd.crl(amd.ask.serial_number)) == "evidence.revoked"
    assert code(amd.crl(amd.root.serial_number)) == "evidence.revoked"
    assert code(amd.crl(since=now + 1)) == "snp.crl-expired"
    assert code(amd.crl(until=now - 1)) == "snp.crl-expired"
    turin = court.amd(Product.TURIN)
    wrong = [amd.crl(role="ASK"), turin.crl(), b"", amd.crl() + b"x", amd.crl()[:-1], bytes(70_000)]
    for crl in wrong:
        assert code(crl) == "snp.crl"


def test_the_list_that_revokes_the_lent_keys_does_not_revoke_the_chips_own(court: Any) -> None:
    amd = court.amd()
    crl = amd.crl(amd.asvk.serial_number)
    assert court.codes(replace(court.chip(), crl=crl)) == []
    assert court.codes(replace(court.chip(signer=Signer.VLEK), crl=crl)) == ["evidence.revoked"]


@given(st.binary(max_size=400))
def test_any_bytes_are_certificates_or_a_refusal(court: Any, data: bytes) -> None:
    chain = check_chain(court.chip().certificates, now=court.now)
    for read in (Certificate.parse, lambda der: check_chain(der, now=0), dotted):
        try:
            read(data)
        except BadChain:
            continue
    with pytest.raises(BadChain):
        check_revocation(data, chain, now=court.now)


@given(st.data())
def test_bent_certificates_are_refused(court: Any, data: st.DataObject) -> None:
    chain = bytearray(data.draw(st.sampled_from([court.chip().certificates, court.amd().crl(1)])))
    original = bytes(chain)
    for _ in range(data.draw(st.integers(1, 3))):
        # serial numbers differ in length between runs: what is drawn may not depend on them
        chain[data.draw(st.integers(0, (1 << 16) - 1)) % len(chain)] = data.draw(st.integers(0, 255))
    for read in (Certificate.parse, lambda der: check_chain(der, now=court.now)):
        try:
            read(bytes(chain))
        except BadChain:
            continue
        assert read is Certificate.parse or bytes(chain) == original


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(b"700101000000Z", 0), (b"490101000000Z", 2_493_072_000), (b"500101000000Z", -631_152_000)],
)
def test_years_of_two_digits_are_of_1950_to_2049(text: bytes, seconds: int) -> None:
    assert Der(b"\x17\x0d" + text, "a time").time() == seconds


@pytest.mark.parametrize(
    "data", [b"\x17\x0d701301000000Z", b"\x17\x0d700101000060Z", b"\x17\x0b7001010000Z", b"\x18\x0d700101000000Z"]
)
def test_a_time_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(BadChain):
        Der(data, "a time").time()


@pytest.mark.parametrize(
    "data", [b"\x02\x81\x01\x00", b"\x02\x80\x00\x00", b"\x02\x82\x00\x01\x00", b"\x02\x83\x00\x00\x01\x00"]
)
def test_a_length_in_a_second_form_is_refused(data: bytes) -> None:
    with pytest.raises(BadChain):
        Der(data, "a number").natural()


def test_object_identifiers_have_one_form() -> None:
    assert dotted(bytes.fromhex("2b060104019c780103080a")[:9]) == "1.3.6.1.4.1.3704.1.3"
    assert dotted(bytes.fromhex("551d13")) == "2.5.29.19"
    for bad in (b"", b"\x80\x01", b"\x2b\x80\x01", b"\x2b\x86", b"\x2b" * 33):
        with pytest.raises(BadChain):
            dotted(bad)
