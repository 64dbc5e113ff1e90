"""Canonical JSON, pairwise ids, Merkle proofs: what needs no key."""

from hashlib import sha256

from cyberprivacy import canonical
from cyberprivacy.ledger.merkle import Tree, leaf_hash
from cyberprivacy.ledger.proofs import consistency_proof, inclusion_proof
from cyberprivacy.vault.pairwise import pairwise
from making.layout import Case, Group, Json


def jcs() -> list[Group]:
    """Values with their bytes, and bytes that are read or refused."""
    deep: object = 1
    for _ in range(16):
        deep = [deep]
    values: list[tuple[str, object]] = [
        ("null", None),
        ("true", True),
        ("false", False),
        ("zero", 0),
        ("the largest integer", 1 << 53),
        ("the smallest integer", -(1 << 53)),
        ("the empty text", ""),
        ("text outside ASCII", "\u20ac \u00f6 \U0001f600 \ufb33"),
        ("each short escape", '"\\\b\t\n\f\r'),
        ("control characters have lower-case hex", "\u0000\u001f\u000b"),
        ("delete and line separators are not escaped", "\u007f\u2028\u2029"),
        ("a solidus is not escaped", "</script>"),
        ("keys are sorted", {"b": 1, "a": 2, "B": 3, "": 4, "a!": 5}),
        ("keys that look like numbers are sorted as texts", {"10": 1, "9": 2, "1": 3}),
        ("a key with a name of its own", {"__proto__": 1, "constructor": 2, "toString": 3}),
        ("a key with an escape", {"\n": 1, '"': 2}),
        ("nothing in it", {"a": [], "b": {}}),
        ("a value inside 16 arrays", deep),
        ("an empty array inside 16 arrays", _nested("[", "]", 17, "")),
    ]
    written = [
        Case(f"written: {name}", {"value": value}, {"canonical": canonical.encode(value).decode()})
        for name, value in values
    ]
    read = [
        Case(f"read: {name}", {"bytes": canonical.encode(value).hex(), "limit": 1 << 20}, {})
        for name, value in values[8:10]
    ]
    return [Group("JcsWrite", {}, written), Group("JcsRead", {}, [*read, *_bad_json()])]


def _nested(opening: str, closing: str, times: int, inside: str) -> object:
    return canonical.decode((opening * times + inside + closing * times).encode())


def _bad_json() -> list[Case]:
    texts: list[tuple[str, bytes]] = [
        ("a blank", b'{"a": 1}'),
        ("a blank before", b" 1"),
        ("a line feed after", b"1\n"),
        ("keys not sorted", b'{"b":1,"a":2}'),
        ("a key that stands twice", b'{"a":1,"a":1}'),
        ("a key that stands twice, once with an escape", b'{"a":1,"\\u0061":1}'),
        ("a key outside ASCII", '{"\u00f6":1}'.encode()),
        ("a key outside ASCII, escaped", b'{"\\u00f6":1}'),
        ("a fraction", b"1.5"),
        ("a fraction of nothing", b"1.0"),
        ("an exponent", b"1e2"),
        ("minus zero", b"-0"),
        ("a leading zero", b"01"),
        ("a plus sign", b"+1"),
        ("just above the largest integer", b"9007199254740993"),
        ("just below the smallest integer", b"-9007199254740993"),
        ("an integer of 40 digits", b"1" * 40),
        ("an integer of 5,000 digits", b"1" * 5_000),
        ("not a number", b"NaN"),
        ("infinity", b"Infinity"),
        ("a needless escape", b'"\\u0061"'),
        ("an escaped solidus", b'"<\\/script>"'),
        ("upper-case hex", b'"\\u001F"'),
        ("a long escape where a short one exists", b'"\\u000a"'),
        ("an escape for what needs none", b'"\\u20ac"'),
        ("a raw control character", b'"\x01"'),
        ("a lone surrogate, escaped", b'"\\ud800"'),
        ("a lone surrogate in UTF-8", b'"\xed\xa0\x80"'),
        ("a pair of surrogates, escaped", b'"\\ud83d\\ude00"'),
        ("an overlong form", b'"\xc0\xaf"'),
        ("half a character", b'"\xe2\x82"'),
        ("UTF-16", '"a"'.encode("utf-16-le")),
        ("a byte order mark", b"\xef\xbb\xbf1"),
        ("no bytes", b""),
        ("an open array", b"[1"),
        ("an open text", b'"a'),
        ("a comma too many", b"[1,]"),
        ("two values", b"1 2"),
        ("a comment", b"1/**/"),
        ("single quotes", b"'a'"),
        ("a value inside 17 arrays", b"[" * 17 + b"1" + b"]" * 17),
        ("an empty array inside 17 arrays", b"[" * 18 + b"]" * 18),
        ("a value inside 17 objects", b'{"a":' * 17 + b"1" + b"}" * 17),
        ("2,000 open arrays", b"[" * 2_000),
    ]
    bad = [
        Case(f"read: {name}", {"bytes": text.hex(), "limit": 1 << 20}, code="json.form") for name, text in texts
    ]
    return [*bad, Case("read: a byte more than the limit", {"bytes": b'"aa"'.hex(), "limit": 3}, code="json.form")]


def pairs() -> list[Group]:
    """Pairwise ids; who claims another id is refused."""
    key, apps = sha256(b"a secret").digest(), ("shop.example", "", "caf\u00e9 \U0001f600", "a" * 300)
    good = [
        Case(
            f"an application: {name[:20]!r}", {"secret": key.hex(), "app": name}, {"id": pairwise(key, name).hex()}
        )
        for name in apps
    ]
    bad = [
        Case(
            f"a secret of {size} bytes",
            {"secret": bytes(size).hex(), "app": "shop.example"},
            code="pairwise.secret",
        )
        for size in (0, 31, 33, 64)
    ]
    return [Group("Pairwise", {}, [*good, *bad])]


def merkle() -> list[Group]:
    """Proofs of inclusion and of growth; the log's entries are the numbers from 0 on, as text."""
    entries = [str(number).encode() for number in range(13)]
    groups = []
    cases: list[Case] = []
    for index, size in ((0, 1), (0, 2), (3, 7), (6, 7), (12, 13), (7, 8)):
        given = _inclusion(entries, index, size)
        cases += [Case(f"entry {index} of {size}", given), *_bent_inclusion(given, f"entry {index} of {size}")]
    groups.append(Group("Inclusion", {"entries": len(entries)}, cases))
    cases = []
    for old, new in ((0, 5), (1, 2), (4, 8), (6, 13), (7, 7), (8, 13)):
        given = _growth(entries, old, new)
        cases += [Case(f"from {old} to {new}", given), *_bent_growth(given, f"from {old} to {new}")]
    groups.append(Group("Consistency", {"entries": len(entries)}, cases))
    return groups


def _root(entries: list[bytes]) -> bytes:
    tree = Tree()
    for entry in entries:
        tree.add(entry)
    return tree.root()


def _inclusion(entries: list[bytes], index: int, size: int) -> Json:
    proof = inclusion_proof(lambda level, at: _root(entries[at << level : at + 1 << level]), index, size)
    return {
        "leaf": leaf_hash(entries[index]).hex(),
        "index": index,
        "size": size,
        "proof": [each.hex() for each in proof],
        "root": _root(entries[:size]).hex(),
    }


def _growth(entries: list[bytes], old: int, new: int) -> Json:
    proof = consistency_proof(lambda level, at: _root(entries[at << level : at + 1 << level]), old, new)
    return {
        "old": old,
        "new": new,
        "oldRoot": _root(entries[:old]).hex(),
        "newRoot": _root(entries[:new]).hex(),
        "proof": [each.hex() for each in proof],
    }


_OTHER = sha256(b"another").hexdigest()


def _bent_inclusion(given: Json, name: str) -> list[Case]:
    proof = given["proof"]
    assert isinstance(proof, list)
    bent: list[tuple[str, Json]] = [
        ("another leaf", {"leaf": _OTHER}),
        ("another root", {"root": _OTHER}),
        ("a hash too many", {"proof": [*proof, _OTHER]}),
        ("outside the tree", {"index": given["size"]}),
        ("a short root", {"root": _OTHER[2:]}),
    ]
    if proof:
        bent += [
            ("a hash too few", {"proof": proof[:-1]}),
            ("a hash of 31 bytes", {"proof": [_OTHER[2:], *proof[1:]]}),
        ]
    return [Case(f"{name}: {what}", {**given, **change}, code="log.proof") for what, change in bent]


def _bent_growth(given: Json, name: str) -> list[Case]:
    proof = given["proof"]
    assert isinstance(proof, list)
    bent: list[tuple[str, Json]] = [
        ("another old root", {"oldRoot": _OTHER}),
        ("a hash too many", {"proof": [*proof, _OTHER]}),
        (
            "a log that shrank",
            {"old": given["new"], "new": given["old"]} if given["old"] != given["new"] else {"old": 8},
        ),
    ]
    if given["old"]:
        bent.append(("another new root", {"newRoot": _OTHER}))
    if proof:
        bent.append(("a hash too few", {"proof": proof[:-1]}))
    return [Case(f"{name}: {what}", {**given, **change}, code="log.proof") for what, change in bent]
