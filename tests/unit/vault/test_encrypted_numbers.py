"""Numbers that a person writes encrypted, and whose sum a vault makes without reading one."""

import json
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from people import secret
from two import Place

from cyberprivacy.bundle import datatype
from cyberprivacy.cli import run
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.proposal import ethaccount
from cyberprivacy.vault import numbercell, numberform, summing
from cyberprivacy.vault.change import Create
from cyberprivacy.vault.client import numbers as client
from cyberprivacy.vault.numberform import LARGEST_SUM, BadNumber
from cyberprivacy.vault.numbers import NumberKey

WEIGHT = "example.notes.weight.v1"
SCHEMA = (Path(__file__).parents[3] / "examples" / "notes" / "types" / f"{WEIGHT}.json").read_bytes()
TYPE = datatype.parse(WEIGHT, SCHEMA)
PASSWORD = "long enough"
Types = Callable[..., tuple[int, Any]]


@cache
def key() -> NumberKey:
    return NumberKey.generate()


@cache
def five() -> bytes:
    return key().encrypt(5)


def protobuf(seal: bytes, size: int = 1, objects: int = 1) -> bytes:
    length = bytes([len(seal) & 127 | 128, len(seal) >> 7 & 127 | 128, len(seal) >> 14])
    return bytes([10, 1, size]) + (b"\x12" + length + seal) * objects


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(CyberPrivacyError) as caught:
        act()
    return caught.value.code


def test_what_is_made_has_the_form_and_comes_back_to_the_byte() -> None:
    assert protobuf(five()[7:]) == five()
    assert numberform.octets(numberform.text(five())) == five()


@pytest.mark.parametrize(
    "bend",
    [
        lambda good: b"",
        lambda good: good[:-1],
        lambda good: good + b"\0",
        lambda good: good[:4],
        lambda good: protobuf(good[7:], size=2),
        lambda good: protobuf(good[7:23] + bytes(100), objects=800),
        lambda good: b"\x0a\x00" + good[3:],
        lambda good: good.replace(b"\x5e\xa1", b"\x5e\xa2", 1),
        lambda good: protobuf(good[7:12] + b"\0" + good[13:]),
        lambda good: protobuf(good[7:12] + b"\3" + good[13:]),
        lambda good: protobuf(good[7:13] + b"\1" + good[14:]),
        lambda good: protobuf(good[7:15] + bytes(8) + good[23:]),
        lambda good: protobuf(bytes(96 << 10)),
    ],
)
def test_another_form_is_refused_before_any_library_reads_it(bend: Callable[[bytes], bytes]) -> None:
    assert refused(lambda: numberform.check(bend(five()))) == "number.form"


@pytest.mark.parametrize("value", [5, None, "", "AA==", "A", "AB", "*", "A" * (numberform.MAX_TEXT + 1)])
def test_what_is_no_text_of_a_ciphertext_is_refused(value: object) -> None:
    assert refused(lambda: numberform.octets(value)) == "number.form"


def test_a_process_apart_adds_and_another_reads() -> None:
    total = numbercell.add((key().encrypt(each) for each in (7, -2, 40)), bound=100)
    assert numbercell.decrypt([total, five()], key().stored()) == (45, 5)


def test_which_ciphertext_cannot_be_read_is_told_and_the_rest_is_not_waited_for() -> None:
    bent = protobuf(five()[7:23] + bytes(len(five()) - 23))
    with pytest.raises(BadNumber) as caught:
        numbercell.add([five(), bent, *[five()] * 40], bound=1)
    assert (caught.value.code, caught.value.facts["n"]) == ("number.form", 1)
    assert refused(lambda: numbercell.decrypt([bent], key().stored())) == "number.form"
    assert refused(lambda: numbercell.decrypt([five()], b"no key")) == "number.key"
    assert refused(lambda: numbercell.add([five()] * 3, bound=LARGEST_SUM // 2)) == "number.count"


def test_who_reads_for_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbercell, "SECONDS", 0.05)
    assert refused(lambda: numbercell.add([five()] * 200, bound=1)) == "number.busy"


def test_what_somebody_wants_encrypted_is_never_sent_in_the_clear() -> None:
    """A vault that lies about its type gets nothing; neither does one that is told the truth by mistake."""
    day = b'{"day": "2026-11-27", "grams": 71500}'
    sent = json.loads(client.encrypted(TYPE, day, ["grams"], key().stored()))
    assert (sent["day"], key().decrypt(numberform.octets(sent["grams"]))) == ("2026-11-27", 71_500)
    clear = datatype.parse(WEIGHT, SCHEMA.replace(b"he-sum", b"normal"))
    for code, kind, document, fields in (
        ("my.clear", clear, day, ["grams"]),
        ("my.clear", TYPE, day, ["grams", "day"]),
        ("my.encrypt", TYPE, day, []),
        ("my.encrypt", TYPE, b'{"day": "2026-11-27"}', ["grams"]),
        ("number.range", TYPE, day.replace(b"71500", b"500001"), ["grams"]),
        ("number.range", TYPE, day.replace(b"71500", b"-1"), ["grams"]),
        ("number.range", TYPE, day.replace(b"71500", b"true"), ["grams"]),
        ("my.record", TYPE, b"[]", ["grams"]),
        ("json.strict", TYPE, b"{", ["grams"]),
    ):
        assert refused(lambda: client.encrypted(kind, document, fields, key().stored())) == code  # noqa: B023


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "notes" / "types").mkdir(parents=True)
    (tmp_path / "notes" / "types" / f"{WEIGHT}.json").write_bytes(SCHEMA)
    made = Place("notes", tmp_path / "notes", {})
    yield made
    made.stop()


@pytest.fixture
def types(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Types:
    """Alice at her keyboard, signed in with a new account."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    keystore, password = tmp_path / "alice.json", tmp_path / "password"
    stored = ethaccount.load().encrypt(secret("alice"), PASSWORD, kdf="pbkdf2", iterations=1_000)
    keystore.write_text(json.dumps(stored))
    password.write_text(PASSWORD)

    def typed(word: str, *more: str, as_json: bool = True) -> tuple[int, Any]:
        code = run(["my", word, place.url, *more, *(["--json"] if as_json else [])])
        said = capsys.readouterr()
        return code, json.loads(said.out) if as_json and code == 0 else said.out + said.err

    assert typed("sign-in", "--new", "--key", str(keystore), "--password-file", str(password))[0] == 0
    return typed


def writes(types: Types, folder: Path, day: str, grams: int) -> tuple[int, Any]:
    (folder / "day.json").write_text(json.dumps({"day": day, "grams": grams}))
    return types("write", WEIGHT, str(folder / "day.json"), "--app", "notes", "--encrypt", "grams")


def test_a_person_writes_numbers_that_only_they_read_and_has_them_added_up(
    place: Place, types: Types, tmp_path: Path
) -> None:
    assert "number.no-key" in types("sum", WEIGHT, "grams", "--app", "notes")[1]
    for day, grams in (("2026-11-25", 70_000), ("2026-11-26", 71_000), ("2026-11-27", 72_500)):
        assert writes(types, tmp_path, day, grams)[0] == 0
    (made,) = (tmp_path / "state").rglob("number-keys/*")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert types("sum", WEIGHT, "grams", "--app", "notes")[1] == {
        "sum": 213_500,
        "count": 3,
        "average": "71166.667",
    }
    one = types("sum", WEIGHT, "grams", "--app", "notes", "--where", 'day = "2026-11-26"', as_json=False)
    assert one == (0, "71000  (of 1 numbers, average 71000.000)\n")
    none = types("sum", WEIGHT, "grams", "--app", "notes", "--where", 'day = "x"', as_json=False)
    assert none == (0, "nothing to add\n")
    for code, *words in (("number.field", WEIGHT, "day"), ("type.none", "example.notes.height.v1", "cm")):
        assert code in types("sum", *words, "--app", "notes")[1]
    assert "selector.form" in types("sum", WEIGHT, "grams", "--app", "notes", "--where", "day=x")[1]

    held = place.inside.vault
    with held.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT owner, id FROM records").all()
        bodies = [held.records.read(connection, owner, record).body for owner, record in rows]
    assert len(bodies) == 3
    assert not [each for each in bodies if b"70000" in each or b"71000" in each or b"72500" in each]


def test_such_a_record_leaves_and_comes_back_like_every_other(place: Place, types: Types, tmp_path: Path) -> None:
    assert writes(types, tmp_path, "2026-11-27", 72_500)[0] == 0
    assert types("export", "--to", str(tmp_path / "all.zip"))[0] == 0
    assert types("erase", "--app", "notes", "--yes")[0] == 0
    assert types("sum", WEIGHT, "grams", "--app", "notes", as_json=False)[1] == "nothing to add\n"
    assert types("import", str(tmp_path / "all.zip"))[1]["created"] == 1
    assert types("sum", WEIGHT, "grams", "--app", "notes")[1]["sum"] == 72_500


def test_a_sum_goes_on_over_pages_and_names_the_record_that_spoils_it(
    place: Place, types: Types, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for grams in range(5):
        assert writes(types, tmp_path, "2026-11-27", grams)[0] == 0
    monkeypatch.setattr(summing, "LARGEST_SUM", 2 * 500_000)  # two of them in one sum
    assert types("sum", WEIGHT, "grams", "--app", "notes")[1] == {"sum": 10, "count": 5, "average": "2.000"}

    bent = {"day": "2026-11-27", "grams": numberform.text(protobuf(five()[7:23] + bytes(len(five()) - 23)))}
    with place.inside.vault.database.transaction() as connection:
        (owner,) = connection.exec_driver_sql("SELECT id FROM owners WHERE app = 'notes'").one()
        change = Create(WEIGHT, json.dumps(bent).encode())
        (spoiled,) = place.inside.vault.records.change(connection, owner, [change])
    code, said = types("sum", WEIGHT, "grams", "--app", "notes")
    assert (code, "number.form" in said, spoiled.record.hex() in said) == (1, True, True)


def test_what_is_no_ciphertext_is_not_kept(place: Place, types: Types, tmp_path: Path) -> None:
    assert writes(types, tmp_path, "2026-11-27", 1)[0] == 0
    with place.inside.vault.database.transaction() as connection:
        (owner,) = connection.exec_driver_sql("SELECT id FROM owners WHERE app = 'notes'").one()
        for grams in ("72500", numberform.text(five())[:-4], ""):
            change = Create(WEIGHT, json.dumps({"day": "2026-11-27", "grams": grams}).encode())
            records = place.inside.vault.records
            assert refused(lambda: records.change(connection, owner, [change])) == "number.form"  # noqa: B023
