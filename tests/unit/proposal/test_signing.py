from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.admin.typed_data import Domain, digest, document
from cyberprivacy.admin.typed_data import signer as signer_of
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signed import SignerLied, check_signed
from cyberprivacy.proposal.signing import (
    ExternalSigner,
    KeyRefused,
    Keystore,
    Transaction,
    create_keystore,
    keystore_address,
)
from cyberprivacy.testing.rpc import LyingRpc

SOMEBODY = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
ASKED = Transaction(
    chain_id=31337, nonce=3, to=SOMEBODY, value=5, data=b"\x01\x02", gas=50_000, max_fee=2_000, tip=1_000
)
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key.json"
    create_keystore(path, PASSWORD)
    return path


@pytest.fixture(scope="module")
def key(keystore: Path) -> Keystore:
    return Keystore(keystore, PASSWORD)


def test_a_keystore_opens_with_its_password_and_signs(keystore: Path) -> None:
    signer = Keystore(keystore, PASSWORD)
    assert signer.address == keystore_address(keystore)
    for asked in (ASKED, replace(ASKED, to=None), replace(ASKED, data=b"", value=0)):
        check_signed(signer.sign(asked), asked, signer.address)


def test_a_keystore_is_only_for_its_owner_and_holds_no_key_in_clear(keystore: Path, key: Keystore) -> None:
    assert keystore.stat().st_mode & 0o777 == 0o600
    secret = key._account.key.hex().removeprefix("0x")
    assert secret not in keystore.read_text()
    assert secret not in repr(key)


def test_a_wrong_password_is_refused_by_its_own_code(keystore: Path) -> None:
    with pytest.raises(KeyRefused) as refusal:
        Keystore(keystore, "wrong horse")
    assert refusal.value.code == "key.password"
    assert "horse" not in str(refusal.value)


def test_a_keystore_is_never_overwritten(keystore: Path) -> None:
    before = keystore.read_bytes()
    with pytest.raises(KeyRefused):
        create_keystore(keystore, PASSWORD)
    assert keystore.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b'{"crypto":{},"version":3}', b'{"version":9}', b"\xff"]
)
def test_what_is_not_a_keystore_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.json").write_bytes(content)
    with pytest.raises(KeyRefused):
        Keystore(tmp_path / "key.json", PASSWORD)
    with pytest.raises(KeyRefused):
        keystore_address(tmp_path / "key.json")


def test_a_short_password_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        create_keystore(tmp_path / "key.json", "short")
    with pytest.raises(KeyRefused):
        create_keystore(tmp_path / "missing" / "key.json", PASSWORD)
    with pytest.raises(KeyRefused):
        Keystore(tmp_path / "missing.json", PASSWORD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"chain_id": 1},
        {"nonce": 4},
        {"to": Address("0x" + "00" * 19 + "01")},
        {"to": None},
        {"value": 6},
        {"data": b"\x01\x03"},
        {"gas": 50_001},
        {"max_fee": 2_001},
        {"tip": 999},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_signer_that_changes_one_field_is_found_out(key: Keystore, changed: dict[str, object]) -> None:
    raw = key.sign(replace(ASKED, **changed))
    with pytest.raises(SignerLied) as refusal:
        check_signed(raw, ASKED, key.address)
    assert refusal.value.code == "signer.lied"


def test_a_signature_of_another_key_is_found_out(key: Keystore) -> None:
    with pytest.raises(SignerLied):
        check_signed(key.sign(ASKED), ASKED, SOMEBODY)


def test_an_older_kind_of_transaction_is_found_out() -> None:
    account = Account.create()
    legacy = account.sign_transaction(
        {
            "chainId": 31337,
            "nonce": 3,
            "to": SOMEBODY,
            "value": 5,
            "data": b"\x01\x02",
            "gas": 50_000,
            "gasPrice": 2_000,
        }
    )
    with pytest.raises(SignerLied):
        check_signed(bytes(legacy.raw_transaction), ASKED, Address(account.address))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120) | st.binary(max_size=120).map(lambda tail: b"\x02" + tail))
def test_no_bytes_of_a_signer_break_the_check(raw: bytes) -> None:
    with pytest.raises(SignerLied):
        check_signed(raw, ASKED, SOMEBODY)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_cut_or_flip_of_a_signed_transaction_passes(key: Keystore, data: st.DataObject) -> None:
    raw = key.sign(ASKED)
    place = data.draw(st.integers(0, len(raw) - 1))
    mangled = data.draw(
        st.sampled_from([raw[:place], raw + b"\0", raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]])
    )
    with pytest.raises(SignerLied):
        check_signed(mangled, ASKED, key.address)


def test_an_external_signer_signs_what_it_is_asked(embedded: EmbeddedChain) -> None:
    first = ExternalSigner(embedded.url, Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))
    check_signed(first.sign(ASKED), ASKED, first.address)


def test_every_signer_signs_typed_data_alike(embedded: EmbeddedChain, keystore: Path) -> None:
    """A wallet's own implementation of EIP-712, and ours, see the same 32 bytes."""
    first = ExternalSigner(embedded.url, Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))
    domain, fields = Domain("Test", "1", 31337, SOMEBODY), (("text", "string"), ("number", "uint64"))
    values: dict[str, str | int] = {"text": "words \u00e9", "number": 7}
    for signer in (first, Keystore(keystore, PASSWORD)):
        signature = signer.sign_typed(document(domain, "Act", fields, values))
        assert signer_of(digest(domain, "Act", fields, values), signature) == signer.address


def test_an_external_signer_with_many_accounts_must_be_told_which(embedded: EmbeddedChain) -> None:
    with pytest.raises(Misuse) as refusal:
        ExternalSigner(embedded.url)
    assert refusal.value.code == "signer.account"
    with pytest.raises(Misuse):
        ExternalSigner(embedded.url, SOMEBODY)


def test_clef_is_asked_in_its_own_words(key: Keystore) -> None:
    with LyingRpc() as clef:
        clef.lies["account_list"] = lambda *_: [key.address]
        clef.lies["account_signTransaction"] = lambda *_: {"raw": "0x" + key.sign(ASKED).hex(), "tx": {}}
        signer = ExternalSigner(clef.url)
        check_signed(signer.sign(ASKED), ASKED, key.address)
        assert clef.asked == ["account_list", "account_signTransaction"]


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"error": {"code": -32000, "message": "request denied"}}, "signer.refused"),
        ({"raw": "0x1"}, "chain.answer"),
        ({}, "chain.answer"),
        (None, "chain.answer"),
    ],
)
def test_a_signer_that_declines_or_raves_is_refused(lie: object, code: str) -> None:
    with LyingRpc() as clef:
        clef.lies["account_list"] = lambda *_: [SOMEBODY]
        clef.lies["account_signTransaction"] = lambda *_: lie
        with pytest.raises(CyberPrivacyError) as refusal:
            ExternalSigner(clef.url).sign(ASKED)
        assert refusal.value.code == code
