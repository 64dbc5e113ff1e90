"""Safes on a real chain: enough owners together sign in, grant, take out and erase; fewer, and others, do not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from chains import address
from keeping import ORDER
from people import SCHEMA, secret
from safes import Safe, SafeChain, safe_chain
from two import pair
from typist import Typed, typist, vault_serving

from cyberprivacy.cli.mywallet import SafeWallet, SignerWallet
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.signing import LocalKey
from cyberprivacy.vault import safewallet
from cyberprivacy.vault.contractwallet import ChainWitness

SAID = {"uri": "https://vault.example", "statement": "Open my data.", "nonce": "1234"}
DIGEST = SCHEMA.digest("SignIn", SAID)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SafeChain]:
    with safe_chain(tmp_path_factory.mktemp("chain")) as made:
        yield made


@pytest.fixture(scope="module")
def safe(chain: SafeChain) -> Safe:
    """Of alice, bob and an account of the chain's own keys; two of them have to sign."""
    return chain.safe([address("alice"), address("bob"), chain.accounts[1]], 2)


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Somebody at a keyboard, with keystores of owners and of others."""
    return typist(tmp_path, monkeypatch, capsys, "alice", "bob", "mallory", "phone")


@dataclass
class Words:
    """What is typed for a Safe."""

    safe: Safe
    folder: Path

    def __call__(self, *others: str, asks: bool = True) -> list[str]:
        """With these owners beside the key; the chain is asked before anybody signs."""
        words = ["--safe", self.safe.named, *(["--rpc", self.safe.on.url] if asks else [])]
        for other in others:
            words += ["--owner", other if "://" in other else str(self.folder / f"{other}.json")]
            words += [] if "://" in other else ["--owner-password-file", str(self.folder / "password")]
        return words


@pytest.fixture
def words(safe: Safe, tmp_path: Path) -> Words:
    return Words(safe, tmp_path)


def signed(safe: Safe, *names: str) -> bytes:
    """What these sign together."""
    owners = tuple(SignerWallet(LocalKey(secret(name))) for name in names)
    return SafeWallet(safe.key, owners).sign(SCHEMA, "SignIn", SAID)


def test_owners_sign_what_the_safe_itself_says_that_they_sign(safe: Safe) -> None:
    asked = safewallet.schema(safe.key)
    assert asked.digest(safewallet.MESSAGE, safewallet.message(DIGEST)) == safe.message_hash(DIGEST)


def test_the_safe_accepts_enough_owners_in_any_order(chain: SafeChain, safe: Safe) -> None:
    witness = ChainWitness(JsonRpc(chain.url))

    def accepts(by: Safe, signature: bytes) -> bool:
        return witness.accepts(31337, by.key.material[8:], DIGEST, signature)

    assert accepts(safe, signed(safe, "alice", "bob"))
    assert accepts(safe, signed(safe, "bob", "alice"))
    assert not accepts(safe, signed(safe, "alice"))
    assert not accepts(safe, signed(safe, "alice", "mallory"))
    assert not accepts(safe, SignerWallet(LocalKey(secret("alice"))).sign(SCHEMA, "SignIn", SAID))

    other = chain.safe([address("alice"), address("bob")], 2)
    assert accepts(other, signed(other, "alice", "bob"))
    assert not accepts(other, signed(safe, "alice", "bob"))  # what was signed for one Safe is nothing to another


def test_owners_sign_in_take_out_and_erase(chain: SafeChain, words: Words, types: Typed, tmp_path: Path) -> None:
    with vault_serving(tmp_path / "vault", "--rpc", chain.url, "--app", "notes") as vault:
        for few in (words(asks=False), words("mallory", asks=False)):
            code, said = types("sign-in", vault, "--new", *few, by="alice")
            assert (code, said["error"]) == (1, "key.signer")
        code, said = types("sign-in", vault, "--new", *words("bob", asks=False), by="alice")
        assert code == 0, said
        assert words.safe.key.text in [each["key"] for each in types("account", vault)[1]["keys"]]

        assert types("export", vault, "--to", str(tmp_path / "all.zip"))[0] == 0
        code, said = types("erase", vault, "--everything", "--yes", *words("bob"), by="alice")
        assert code == 0, said
        assert said["receipt"]["receipt"]["scope"]["what"] == "account"


def test_an_owner_elsewhere_signs_with_their_own_signer(
    chain: SafeChain, words: Words, types: Typed, tmp_path: Path
) -> None:
    elsewhere = f"{chain.accounts[1]}@{chain.url}"
    with vault_serving(tmp_path / "vault", "--rpc", chain.url) as vault:
        code, said = types("sign-in", vault, "--new", *words(elsewhere), by="bob")
        assert code == 0, said
        assert types("freeze", vault, *words(elsewhere), by="alice")[0] == 0


def test_owners_grant_and_take_back(chain: SafeChain, words: Words, types: Typed, tmp_path: Path) -> None:
    with pair(tmp_path, contracts=ChainWitness(JsonRpc(chain.url))) as both:
        phone, both_of_us = str(tmp_path / "phone.json"), words("bob")
        code, said = types("sign-in", both.shop.url, "--new", "--also", phone, *both_of_us, by="alice")
        assert code == 0, said
        second = ["--cosigner", phone, "--cosigner-password-file", str(tmp_path / "password")]
        code, said = types("grant", both.shop.url, both.book.url, "--yes", *second, *both_of_us, by="alice")
        assert (code, said.get("types")) == (0, [ORDER]), said
        taken = ["revoke", both.shop.url, said["grant"]]
        code, refused = types(*taken, *words(), by="alice")
        assert (code, refused["error"]) == (2, "my.owners")
        assert types(*taken, *both_of_us, by="alice")[1] == {
            "grant": said["grant"],
            "revoked": True,
            "erasing": None,
        }


def test_who_is_no_owner_is_told_before_anything_is_signed(
    chain: SafeChain, words: Words, types: Typed, tmp_path: Path
) -> None:
    def refused(*more: str, by: str) -> tuple[int, str, str]:
        code, said = types("sign-in", "http://127.0.0.1:9", *more, by=by)
        return code, said["error"], said["what"]

    assert refused(*words(), by="alice") == (2, "my.owners", "too few owners of this Safe sign")
    assert refused(*words("mallory"), by="alice") == (2, "my.owners", "not an owner of this Safe")
    assert refused(*words("alice"), by="alice") == (2, "my.owners", "one owner is named twice")
    password = ["--owner-password-file", str(tmp_path / "password")]
    spare = refused(*words("bob"), *password, by="alice")
    assert spare == (2, "my.owners", "more password files than keystores of owners")
    alone = refused("--owner", "bob.json", by="alice")
    assert alone == (2, "my.owners", "only a Safe has several owners here")
    both = refused(*words("bob"), "--contract", words.safe.named, by="alice")
    assert both == (2, "my.owners", "one wallet at a time")
    no_safe = ["--safe", f"31337:{chain.handler}", "--rpc", chain.url]
    assert refused(*no_safe, by="alice") == (2, "my.owners", "no Safe is at this address")
    nothing = ["--safe", f"31337:{address('alice')}", "--rpc", chain.url]
    assert refused(*nothing, by="alice")[:2] == (3, "chain.no-contract")
    foreign = ["--safe", f"1:{words.safe.address}", "--rpc", chain.url]
    assert refused(*foreign, by="alice")[:2] == (3, "key.chain")
