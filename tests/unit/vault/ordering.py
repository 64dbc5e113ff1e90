"""Orders of the tests: what Alice signs so that a book gets a copy of what the shop has, and the book that asks."""

import json
from dataclasses import replace
from secrets import token_bytes

import httpx2
from callers import OWN, SITE, Caller
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from grants import proof
from keeping import ORDER
from people import SCHEMA

from cyberprivacy import canonical
from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.consent import text, text_hash
from cyberprivacy.vault.described import described
from cyberprivacy.vault.grant import Grant, Mode, Party
from cyberprivacy.vault.receipt import KeySigner
from cyberprivacy.vault.recipient import Declared, ReleasePolicy
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector

PURPOSE = "Keep my orders"
BOOK = ReleasePolicy("book", 0, "0x" + "00" * 20, None, None, Declared(frozenset({ORDER}), frozenset({PURPOSE})))
OPENER = X25519PrivateKey.from_private_bytes(bytes(range(32)))
BOOK_KEY = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def granted(alice: Caller, mode: Mode = Mode.ONCE) -> SignedGrant:
    """Her orders of the shop for the book, at which she is known by any id."""
    vault, account = alice.town.vault, bytes.fromhex(alice.account)
    with vault.database.reading() as connection:
        types = {ORDER: described(vault.types.get(connection, ORDER).type)}
    scope = Scope(data_type=ORDER, actions=(Action.READ,), selector=Selector(), schema=types[ORDER].schema)
    now = int(alice.town.clock.now)
    made = Grant(
        id=token_bytes(16),
        subject=account,
        kel_seq=0,
        source=OWN.party(vault.sharing(OWN).owner(account)),
        recipient=Party("book", bytes(32), BOOK.digest, bytes(32)),
        scopes=(scope,),
        purpose=PURPOSE,
        mode=mode,
        max_uses=1,
        not_before=now,
        expires=now + 86_400,
        retention=0,
        onward=0,
        text_hash=bytes(32),
        nonce=token_bytes(32),
    )
    made = replace(made, text_hash=text_hash(text(made, BOOK, types, "en")))
    digest = made.digest(SCHEMA)
    return SignedGrant(made, proof(digest, "alice"), proof(digest, "phone"))


def by_the_book(
    alice: Caller, method: str, path: str, body: bytes | None = None, key: KeySigner = BOOK_KEY
) -> httpx2.Response:
    """What the shop answers to the book, or to whoever has another key."""
    authority = SITE.removeprefix("http://")
    headers = signedrequest.sign(method, authority, path, key=key, now=alice.town.clock.now, body=body)
    return alice.town.call(method, path, headers=headers, content=body)


def registers(alice: Caller, signed: SignedGrant) -> None:
    """The book hands a grant in."""
    holder = f"ed25519-device:{BOOK_KEY.public.hex()}"
    body = {"signed": signed.as_json(), "policy": json.loads(BOOK.encode()), "holder": holder}
    assert alice.town.call("POST", "/udi/v1/grants", json=body).status_code == 201


def departing(alice: Caller, mode: Mode = Mode.ONCE) -> bytes:
    """A transfer that the book has begun; its id."""
    signed, transfer = granted(alice, mode), token_bytes(16)
    registers(alice, signed)
    keys = {"key": OPENER.public_key().public_bytes_raw().hex(), "signer": BOOK_KEY.public.hex()}
    path = f"/udi/v1/grants/{signed.grant.id.hex()}/transfers/{transfer.hex()}"
    answer = by_the_book(alice, "PUT", path, canonical.encode(keys))
    assert answer.status_code == 200, answer.text
    return transfer
