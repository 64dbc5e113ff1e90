"""One user can never reach what is another's, nor one application what another keeps: over every endpoint there is.

Each parameter of a path is made by `MAKERS` for Alice, and then asked for by everybody else. An endpoint with a
parameter that nobody makes here, and that is not open by its nature, fails the first test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import pytest
from callers import Caller, Town, code, example
from keeping import ORDER

from cyberprivacy.vault.web.endpoint import Endpoint, Media, Who

SECRET = "what only Alice may read"
OPEN = {
    "type": "declared types are public",
    "account": "whoever knows the id of an account may read its key events",
    "erasure": "the id of an erasure has 80 random bits, which only its owner is told",
    "grant": "whoever knows the id of a grant still needs the key that it names, for each request",
}
MAKERS: dict[str, Callable[[Caller], str]] = {
    "record": lambda alice: alice.creates(ORDER, {"total": 1, "note": SECRET})["id"],
    "account": lambda alice: alice.account,
    "digest": lambda alice: blob(alice, SECRET.encode()),
    "job": lambda alice: alice.sign_in().call("POST", "/udi/v1/exports").json()["id"],
}
"""What belongs to Alice in the shop, by the name of the parameter."""


@dataclass
class World:
    """Alice and what is hers, and everybody who must not reach it."""

    town: Town
    alice: Caller
    mine: dict[str, str]
    strangers: dict[str, Caller]

    @property
    def closed(self) -> list[Endpoint]:
        return [each for each in self.town.vault.table() if each.who in (Who.SESSION, Who.OWNER)]


@pytest.fixture(scope="module")
def world(town_of_all: Town) -> World:
    alice, bob = town_of_all.person("alice", "shop"), town_of_all.person("bob")
    strangers = {
        "another person": bob,
        "another person in the same application": bob.sign_in("shop"),
        "another application of the same person": alice.sign_in("books"),
    }
    return World(town_of_all, alice, {name: make(alice) for name, make in MAKERS.items()}, strangers)


def test_every_parameter_of_every_closed_endpoint_is_tried(world: World) -> None:
    named = {name for each in world.closed for name in each.parameters}
    assert named <= MAKERS.keys()
    assert {name for each in world.town.vault.table() for name in each.parameters} <= MAKERS.keys() | OPEN.keys()


def test_nobody_reaches_what_is_anothers_and_cannot_even_tell_that_it_is_there(world: World) -> None:
    tried = 0
    for each in world.closed:
        for name, stranger in world.strangers.items():
            if not each.parameters:
                continue
            if each.name == "uploadBlob":
                continue  # whoever has all of a content may keep it, too: under their own key, in their own place
            answers = [asks(stranger, each, values) for values in (world.mine, {})]
            assert answers[0] == answers[1], (each.name, name)
            assert answers[0][0] in (403, 404), (each.name, name, answers[0])
            tried += 1
    assert tried >= 3 * 4
    kept = world.alice.call("GET", f"/udi/v1/records/{world.mine['record']}")
    assert (kept.json()["note"], kept.headers["etag"]) == (SECRET, '"1"')


def test_what_a_grant_opens_is_opened_by_no_session(world: World) -> None:
    """`test_following` has what a signature opens: what was granted, to whom it was granted."""
    held = [each for each in world.town.vault.table() if each.who is Who.HOLDER]
    assert held
    for each in held:
        for stranger in (world.alice, *world.strangers.values()):
            assert asks(stranger, each, world.mine)[1] == "request.signature", each.name


def test_nothing_that_lists_shows_what_is_anothers(world: World) -> None:
    for each in world.closed:
        if each.method == "GET" and not each.parameters and each.answer is not Media.EVENTS:
            for name, stranger in world.strangers.items():
                told = stranger.call("GET", example(each)).text
                assert SECRET not in told, (each.name, name)
                others = (
                    {world.mine["record"], world.alice.account}
                    if "person" in name.split()[:2]
                    else {world.mine["record"]}
                )
                assert not [one for one in others if one in told], (each.name, name)


def test_an_application_does_not_say_for_which_other_it_asks(world: World) -> None:
    books = world.strangers["another application of the same person"]
    path = f"/udi/v1/records/{world.mine['record']}"
    assert code(books.call("GET", f"{path}?app=shop")) == "session.app"
    assert code(books.call("GET", "/udi/v1/records?app=shop")) == "session.app"


def test_the_owner_reaches_all_of_it_by_saying_where(world: World) -> None:
    owner = world.alice.sign_in()
    path = f"/udi/v1/records/{world.mine['record']}"
    assert owner.call("GET", f"{path}?app=shop").json()["note"] == SECRET
    assert code(owner.call("GET", path)) == "session.which"
    assert code(owner.call("GET", f"{path}?app=books")) == "record.none"


def blob(who: Caller, content: bytes) -> str:
    """A blob of somebody; its digest."""
    digest = sha256(content).hexdigest()
    sent = who.call("PUT", f"/udi/v1/blobs/{digest}?size={len(content)}", content=content)
    assert sent.json()["whole"], sent.text
    return digest


def asks(who: Caller, endpoint: Endpoint, values: dict[str, str]) -> tuple[int, str]:
    """Status and code of a call that would succeed if it were the caller's own; the owner says where."""
    bodies = {"updateRecord": b'{"total": 2}'}
    path = example(endpoint, **{name: value for name, value in values.items() if name in endpoint.parameters})
    if who.app == "" and endpoint.query is not None and "app" in endpoint.query.__struct_fields__:
        path += ("&" if "?" in path else "?") + "app=shop"
    headers = dict.fromkeys(endpoint.needs, '"1"')
    answer = who.call(endpoint.method, path, headers=headers, content=bodies.get(endpoint.name, b"{}"))
    return answer.status_code, code(answer)
