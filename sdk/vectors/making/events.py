"""Key events: chains, forks, replays, and each rule of accounts with its code."""

import json
from dataclasses import replace

from cyberprivacy import wallet
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import Kind, Signed
from making import recoveries, rules
from making.layout import Group
from making.malformed import malformed
from making.people import NOW, Person, key, opening, sign_digest, signed
from making.recoveries import HELPERS
from making.scenes import DAY, Scene


def groups() -> list[Group]:
    """All groups."""
    frozen = Person().begin("anna", "bert", guarded_by=HELPERS).does(Kind.FREEZE, "gina", guardian=opening("gina"))
    crowd = Person().begin(*(f"key {number}" for number in range(16)))
    played = (
        ("keys", Person().begin("anna", "bert"), rules.KEYS),
        ("a crowd", crowd, rules.CROWD),
        ("guardians", Person().begin("anna", guarded_by=HELPERS), rules.GUARDIANS),
        ("frozen", frozen, rules.FREEZING),
        ("three guardians", Person().begin("anna", "bert", guarded_by=HELPERS), recoveries.THREE),
        ("one guardian", Person().begin("anna", guarded_by=("gina",)), recoveries.ONE),
        ("changing guardians", Person().begin("anna", guarded_by=HELPERS), recoveries.CHANGING),
    )
    scenes = [Scene(name, person).play(table) for name, person, table in played]
    return [_beginnings(), *(each.group() for each in scenes), _links(), _clocks(), _forms()]


def _beginnings() -> Group:
    scene = Scene("beginning", Person())
    for comment, names, helpers in (
        ("one key", ("anna",), ()),
        ("one device", ("device of anna",), ()),
        ("16 keys", tuple(f"key {n}" for n in range(16)), ()),
        ("16 guardians", ("anna",), tuple(f"helper {n}" for n in range(16))),
        ("an account and a device", ("anna", "device of anna"), HELPERS),
    ):
        scene.begins(comment, *names, guarded_by=helpers)
    first = Person().inception("anna")
    scene.sent("no events at all", "account.link")
    scene.sent("not one of its keys signed", "account.key", signed(first, "bert"))
    scene.sent("begins twice", "account.link", signed(first, "anna"), signed(first, "anna"))
    scene.sent("begins at 1", "account.link", signed(replace(first, seq=1), "anna"))
    scene.sent("begins after something", "account.link", signed(replace(first, prior=b"\1" * 32), "anna"))
    scene.sent("begins as another account", "account.link", signed(replace(first, account=b"\1" * 32), "anna"))
    person = Person().begin("anna")
    scene.sent(
        "begins with a second event", "account.link", signed(person.next(Kind.ADD, key=key("bert")), "anna")
    )
    scene.sent("signed for another digest", "key.signer", _forged(signed(first, "anna"), "anna"))
    return scene.group()


def _forged(good: Signed, by: str) -> Signed:
    return Signed(good.event, good.key, sign_digest(by, b"\7" * 32))


def _links() -> Group:
    """Forks and replays."""
    person = Person().begin("anna", "bert").does(Kind.FREEZE, "anna").does(Kind.UNFREEZE, "anna", later=2 * DAY)
    scene = Scene("links", person)
    thaw = person.next(Kind.FREEZE)
    scene.sent("the next one", "", signed(thaw, "bert"))
    scene.sent("the last event again", "account.link", person.log[-1])
    scene.sent("an earlier event again", "account.link", person.log[1])
    scene.sent("a number is left out", "account.link", signed(replace(thaw, seq=thaw.seq + 1), "anna"))
    scene.sent("a number again", "account.link", signed(replace(thaw, seq=thaw.seq - 1), "anna"))
    scene.sent("a fork before the last one", "account.link", signed(replace(thaw, prior=thaw.account), "anna"))
    scene.sent("of another account", "account.link", signed(replace(thaw, account=b"\5" * 32), "anna"))
    scene.sent(
        "an inception in the middle",
        "account.link",
        signed(replace(Person().inception("anna"), account=thaw.account, seq=thaw.seq, prior=thaw.prior), "anna"),
    )
    scene.sent("older than the last one", "account.time", signed(replace(thaw, at=thaw.at - 1), "anna"))
    scene.sent("the link comes before the time", "account.link", signed(replace(thaw, at=1, seq=9), "anna"))
    scene.sent(
        "the signature comes before the link", "key.signer", _forged(signed(replace(thaw, seq=9), "anna"), "anna")
    )
    scene.sent("the time comes before the rules", "account.time", signed(replace(thaw, at=thaw.at - 1), "carl"))
    scene.sent(
        "an account says that a device signed",
        "signature.form",
        Signed(thaw, key("device of anna"), signed(thaw, "anna").signature),
    )
    scene.sent("a contract wallet where none is asked", "key.disabled", Signed(thaw, _contract(), b"\1"))
    scene.sent("high s", "signature.high-s", _high(signed(thaw, "anna")))
    return scene.group()


def _contract() -> Key:
    return Key.parse(f"eip1271:{1:016x}{'ab' * 20}")


def _high(good: Signed) -> Signed:
    s = int.from_bytes(good.signature[32:64])
    return Signed(
        good.event,
        good.key,
        good.signature[:32] + (wallet.ORDER - s).to_bytes(32) + bytes([55 - good.signature[64]]),
    )


def _clocks() -> Group:
    person = Person().begin("anna")
    scene = Scene("clocks", person)
    event = signed(person.next(Kind.FREEZE), "anna")
    for off in (0, 120, -120):
        scene.sent(f"{off} seconds off", "", event, clock=NOW + off)
    for off in (121, -121):
        scene.sent(f"{off} seconds off", "account.clock", event, clock=NOW + off)
    late = _forged(event, "anna")
    scene.sent("the clock comes before the signature", "account.clock", late, clock=NOW + 500)
    return scene.group()


def _forms() -> Group:
    """Malformed events. Their signatures are never looked at."""
    person = Person().begin("anna", guarded_by=HELPERS)
    scene = Scene("forms", person)
    good = json.loads(signed(person.next(Kind.ADD, key=key("carl")), "anna").encode())
    for comment, code, text in malformed(good):
        scene.raw(comment, code, text)
    return scene.group()
