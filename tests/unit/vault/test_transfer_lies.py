"""A recipient that signs what is not true, in a process of its own: its source believes none of it, and erases nothing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from served import Served, Traveller, arrived

from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.receipt import KeySigner, Signer
from cyberprivacy.vault.transfer.receipt import Receipt, SignedReceipt
from cyberprivacy.vault.transfer.receiving import Receiving
from cyberprivacy.vault.transfer.states import UNDO

Lie = Callable[[Receipt], Receipt]
LIES: dict[str, Lie] = {
    "receipt.transfer": lambda it: replace(it, transfer=bytes(16)),
    "receipt.root": lambda it: replace(it, root=bytes(32)),
    "receipt.head": lambda it: replace(it, head=bytes(32)),
    "receipt.count": lambda it: replace(it, count=it.count + 1),
    "receipt.rejected": lambda it: replace(it, count=it.count - 1, rejected=((bytes(16), "record.schema"),)),
}
STRANGER = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


SIGNERS: dict[str, Signer] = {"receipt.signature": STRANGER}
NOTHING = "receipt.form"


def lies(what: Path) -> Callable[[], None]:
    """The program of a recipient that makes of its receipts what a file names, each time anew."""
    true = Receiving.receipt

    def receipt(self: Receiving, owner: bytes, transfer: bytes, *, now: float) -> bytes:
        lie, honest = what.read_text(), true(self, owner, transfer, now=now)
        if lie == NOTHING:
            return b"{}"
        said = SignedReceipt.decode(honest)
        changed = LIES.get(lie, lambda it: it)(said.receipt)
        return SignedReceipt.made(changed, said.salt, SIGNERS.get(lie, self._signer)).encode() if lie else honest

    def change() -> None:
        Receiving.receipt = receipt  # type: ignore[method-assign]

    return change


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[Traveller]:
    with ExitStack() as ends:
        shop, book = Served("shop", tmp_path / "shop"), Served("book", tmp_path / "book")
        for each in (shop, book):
            ends.callback(each.kill)
        shop.start()
        book.start(lie=lies(tmp_path / "lie"))
        yield Traveller.of("alice", shop, book)


def test_no_lie_is_believed_and_the_truth_still_ends_it(alice: Traveller, tmp_path: Path) -> None:
    alice.fill(3, 10)
    before, transfer = alice.held(alice.shop), ""
    for code in (*LIES, *SIGNERS, NOTHING):
        (tmp_path / "lie").write_text(code)
        if transfer:
            resumes(alice, transfer)
        else:
            with alice.mover() as mover:
                transfer = mover.order(mover.plan(Mode.MOVE), alice.purse)["transfer"]["transfer"]
        theirs = alice.until(transfer, arrived)["transfer"]
        assert (theirs["state"], theirs["why"]) == ("failed", code)
        mine = alice.report(alice.shop, transfer)
        told = {name: mine["transfer"][name] for name in ("state", "why", "due", "done")}
        assert told == {"state": "open", "why": code, "due": None, "done": 0}
        assert (mine["receipt"], mine["place"]) == (None, None)

    alice.shop.kill()
    with alice.shop.here(UNDO + 60) as later:  # no lie has begun the three days after which a move erases
        assert later.traffic is not None
        later.traffic.departures.tidy()
    alice.shop.start()
    assert alice.held(alice.shop) == before

    (tmp_path / "lie").write_text("")
    resumes(alice, transfer)
    assert alice.until(transfer, arrived)["transfer"]["state"] == "done"
    mine = alice.report(alice.shop, transfer)["transfer"]
    assert (mine["state"], mine["why"], mine["count"]) == ("undo", "", 3)


def resumes(alice: Traveller, transfer: str) -> None:
    with alice.at(alice.book) as book:
        book.ask("POST", f"/udi/v1/transfers/{transfer}:resume")
