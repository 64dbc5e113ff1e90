import json

import pytest

from cyberprivacy.attest.report import HARMLESS, MALFORMED, UNSUPPORTED, Answer, Check, Level, Report, one_of_each

GOOD = Check.passed("a.b", "fine")


def test_levels_are_ordered_by_what_they_are_worth() -> None:
    assert Level.CONFIDENTIAL_VM > Level.MEASURED_BOOT > Level.OPERATOR_TRUSTED > Level.DEVELOPMENT


@pytest.mark.parametrize("level", Level)
def test_every_level_says_what_it_means_and_who_could_still_cheat(level: Level) -> None:
    assert level.words.endswith(".")
    assert len(level.cheats) >= 3
    assert Level.parse(level.label) is level


def test_an_unknown_level_has_no_meaning() -> None:
    assert Level.parse("perfect") is None


def test_one_failed_check_is_enough_to_reject() -> None:
    assert Report((GOOD,), Level.DEVELOPMENT).accepted
    assert not Report((GOOD, Check.failed("c", "x", "")), Level.DEVELOPMENT).accepted


def test_a_skipped_check_rejects_unless_it_is_known_to_be_harmless() -> None:
    for code in HARMLESS:
        assert Report((GOOD, Check.skipped("c", code, "")), Level.DEVELOPMENT).accepted
    assert not Report((GOOD, Check.needs("c", "a.b")), Level.DEVELOPMENT).accepted


def test_nothing_checked_or_nothing_proven_is_no_acceptance() -> None:
    assert not Report((), Level.DEVELOPMENT).accepted
    assert not Report((GOOD,), None).accepted


@pytest.mark.parametrize(
    ("codes", "answer"),
    [
        ((), Answer.ACCEPT),
        (("evidence.signature",), Answer.REJECT),
        (("snp.version",), Answer.UNSUPPORTED),
        (("tdx.form",), Answer.MALFORMED),
        (("tdx.form", "snp.version"), Answer.MALFORMED),
        (("tdx.form", "tls.other-key"), Answer.REJECT),
        (("snp.version", "tls.other-key"), Answer.REJECT),
    ],
)
def test_the_verdict_says_what_to_do(codes: tuple[str, ...], answer: Answer) -> None:
    checks = (GOOD, *(Check.failed(f"c.{code}", code, "") for code in codes))
    assert Report(checks, Level.DEVELOPMENT).verdict is answer


def test_each_verdict_ends_a_program_in_its_own_way() -> None:
    assert [answer.exit_code for answer in Answer] == [0, 1, 4, 5]
    assert not UNSUPPORTED & MALFORMED


def test_each_cluster_adds_who_administers_it() -> None:
    named = Report((GOOD,), Level.OPERATOR_TRUSTED, clusters=("north", "south"))
    more = named.cheats[len(Level.OPERATOR_TRUSTED.cheats) :]
    assert ["north" in more[0], "south" in more[1]] == [True, True]
    assert named.as_json()["who_could_cheat"] == list(named.cheats)
    assert Report((GOOD,), None, clusters=("north",)).cheats == ()


def test_what_only_could_not_be_judged_is_rejected() -> None:
    assert Report((GOOD, Check.skipped("c", "os.no-measurements", "")), Level.DEVELOPMENT).verdict is Answer.REJECT


def test_a_verifier_that_forgets_a_check_is_found_out() -> None:
    assert one_of_each([GOOD], ("a.b",)) == (GOOD,)
    for names in ((), ("a.b", "c")):
        with pytest.raises(ValueError, match="wanted"):
            one_of_each([GOOD], names)
    with pytest.raises(ValueError, match="wanted"):
        one_of_each([GOOD, GOOD], ("a.b",))


def test_the_json_form_has_these_fields_and_no_others() -> None:
    document = json.loads(json.dumps(Report((GOOD,), Level.DEVELOPMENT, {"release": 2}).as_json()))
    assert document.keys() == {"schema", "verdict", "level", "meaning", "who_could_cheat", "checks", "facts"}
    assert document["checks"] == [{"name": "a.b", "verdict": "pass", "code": "ok", "detail": "fine"}]
    assert (document["schema"], document["verdict"], document["level"]) == (
        "cyberprivacy.report/1",
        "accept",
        "development",
    )
    assert Report((GOOD,), None).as_json()["level"] is None
