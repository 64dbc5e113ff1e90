"""Contract wallets on a real chain: they sign in, grant and take back; where the chain is silent, nobody is believed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chains import WalletChain, wallet_chain
from keeping import ORDER
from two import Pair, pair
from typist import Typed, typist, vault_serving

from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.vault.contractwallet import ChainWitness


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WalletChain]:
    """Alice has a wallet on it."""
    with wallet_chain(tmp_path_factory.mktemp("chain"), "alice") as made:
        yield made


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Somebody at a keyboard, with the keystores of alice, mallory and a phone."""
    return typist(tmp_path, monkeypatch, capsys, "alice", "mallory", "phone")


def test_a_wallet_signs_in_as_long_as_its_contract_says_so(
    chain: WalletChain, types: Typed, tmp_path: Path
) -> None:
    contract = ["--contract", chain.named]
    with vault_serving(tmp_path / "vault", "--rpc", chain.url) as vault:
        assert types("sign-in", vault, "--new", *contract, by="mallory")[1]["error"] == "key.signer"
        code, said = types("sign-in", vault, "--new", *contract, by="alice")
        assert code == 0, said
        assert chain.key.text in [each["key"] for each in types("account", vault)[1]["keys"]]
        code, said = types("freeze", vault, *contract, by="alice")
        assert (code, said["error"]) == (2, "key.disabled")  # whoever checks the log needs a chain as well
        assert types("sign-in", vault, *contract, by="mallory")[1]["error"] == "key.signer"

        chain.hands_over("mallory")
        try:
            code, said = types("sign-in", vault, *contract, by="alice")
            assert (code, said["error"]) == (1, "key.signer")
            assert types("sign-in", vault, *contract, by="mallory")[0] == 0
        finally:
            chain.hands_over("alice")
        assert types("freeze", vault, *contract, "--rpc", chain.url, by="alice")[0] == 0


def test_a_wallet_grants_and_takes_back(chain: WalletChain, types: Typed, tmp_path: Path) -> None:
    contract = ["--contract", chain.named, "--rpc", chain.url]
    with pair(tmp_path, contracts=ChainWitness(JsonRpc(chain.url))) as both:
        grant = granting(both, types, contract, tmp_path)
        code, said = types(*grant, by="mallory")
        assert (code, said["error"]) == (1, "key.signer")
        code, said = types(*grant, by="alice")
        assert (code, said["recipient"], said["types"], said["follows"]) == (0, "book", [ORDER], True)
        taken = ["revoke", both.shop.url, said["grant"], *contract]
        assert types(*taken, by="mallory")[1]["error"] == "key.signer"
        assert types(*taken, by="alice")[1] == {"grant": said["grant"], "revoked": True, "erasing": None}


def test_a_silent_chain_means_later_and_nothing_was_believed(types: Typed, tmp_path: Path) -> None:
    with wallet_chain(tmp_path / "chain", "alice") as own:
        contract = ["--contract", own.named, "--rpc", own.url]
        with pair(tmp_path, contracts=ChainWitness(JsonRpc(own.url))) as both:
            grant = granting(both, types, contract, tmp_path)
            saved = tmp_path / "grant"
            assert types(*grant, "--save", str(saved), by="alice")[0] == 0
            own.chain.stop()
            answer = both.registers_text(saved.read_bytes())
            assert (answer.status_code, answer.json()["type"]) == (503, "chain.unreachable")
            assert types("grants", both.shop.url)[1]["grants"] == []
            code, said = types("sign-in", both.shop.url, *contract, by="alice")
            assert (code, said["error"]) == (3, "chain.unreachable")


def granting(both: Pair, types: Typed, contract: list[str], folder: Path) -> list[str]:
    """Somebody with a wallet has an account at the shop; what they type to let the book have their orders."""
    phone = str(folder / "phone.json")
    code, said = types("sign-in", both.shop.url, "--new", "--also", phone, *contract, by="alice")
    assert code == 0, said
    second = ["--cosigner", phone, "--cosigner-password-file", str(folder / "password")]
    return ["grant", both.shop.url, both.book.url, "--yes", *second, *contract]
