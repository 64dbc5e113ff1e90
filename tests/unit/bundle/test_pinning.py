"""The client of pinning services against a double that knows the published interface and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pinservice import TOKEN, PinDouble, failure
from starlette.responses import JSONResponse, RedirectResponse, Response

from cyberprivacy.bundle.access import Access, read_secret
from cyberprivacy.bundle.pinning import PinningService, State, wait
from cyberprivacy.bundle.remote import BadReply, Down, Refused, Remote
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.cli import run
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.testing.gateway import running

ROOT = Cid.of(RAW, b"root")
OTHER = Cid.of(RAW, b"other")


@pytest.fixture
def double() -> PinDouble:
    return PinDouble()


@pytest.fixture
def url(double: PinDouble) -> Iterator[str]:
    with running(double) as url:
        yield f"{url}/api/v1"
    assert double.breaches == []


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def service(url: str, slept: list[float]) -> PinningService:
    return PinningService(url, Access.bearer(TOKEN), sleep=slept.append)


def test_a_root_is_pinned_once_however_often_it_is_asked_for(service: PinningService, double: PinDouble) -> None:
    first = service.pin(ROOT, "guestbook")
    assert first.state is State.QUEUED
    assert first.name == "guestbook"
    assert service.pin(ROOT, "guestbook") == first
    assert len(double.pins) == 1


def test_a_pin_that_failed_is_replaced_not_piled_up(service: PinningService, double: PinDouble) -> None:
    double.add({"cid": str(ROOT)}, "failed")
    assert service.pin(ROOT, "").state is State.QUEUED
    assert [pin["status"] for pin in double.pins.values()] == ["queued"]


def test_everything_is_listed_page_by_page_and_the_failed_as_well(
    service: PinningService, double: PinDouble
) -> None:
    for number in range(25):
        double.add({"cid": f"cid-{number}"}, "failed" if number % 2 else "pinned")
    double.most = 10
    assert {pin.cid for pin in service.pins()} == {f"cid-{number}" for number in range(25)}


def test_unpinning_ends_every_pin_of_a_root_and_none_of_another(
    service: PinningService, double: PinDouble
) -> None:
    for cid, state in ((ROOT, "pinned"), (ROOT, "failed"), (OTHER, "pinned")):
        double.add({"cid": str(cid)}, state)
    assert service.unpin(ROOT) == 2
    assert [pin["pin"] for pin in double.pins.values()] == [{"cid": str(OTHER)}]
    assert service.unpin(ROOT) == 0


def test_a_pin_that_is_gone_meanwhile_is_no_fault(service: PinningService, double: PinDouble) -> None:
    double.add({"cid": str(ROOT)}, "pinned")
    double.answers = [None, lambda: failure(404, "NOT_FOUND")]
    assert service.unpin(ROOT) == 1


def test_a_busy_service_is_asked_again_when_it_says(
    service: PinningService, double: PinDouble, slept: list[float]
) -> None:
    double.answers = [lambda: failure(429, "SLOW_DOWN", **{"retry-after": "7"}), lambda: failure(503, "BUSY")]
    assert service.pins(ROOT) == []
    assert slept == [7.0, 1.0]


def test_a_request_that_may_have_been_taken_is_not_sent_twice(service: PinningService, double: PinDouble) -> None:
    double.answers = [None, lambda: failure(503, "BUSY")]
    with pytest.raises(Down) as refusal:
        service.pin(ROOT, "")
    assert refusal.value.code == "pinning.unreachable"
    assert [asked.split()[0] for asked in double.asked] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (lambda: failure(401, "UNAUTHORIZED", f"no such token: {TOKEN}"), Refused, "pinning.denied"),
        (lambda: failure(409, "INSUFFICIENT_FUNDS", "pay first"), Refused, "pinning.refused"),
        (lambda: failure(500, "INTERNAL"), Down, "pinning.unreachable"),
        (lambda: RedirectResponse("http://127.0.0.1:1/"), BadReply, "pinning.redirect"),
        (lambda: Response("<html>welcome</html>"), BadReply, "pinning.answer"),
        (lambda: JSONResponse({"count": -1, "results": []}), BadReply, "pinning.answer"),
        (lambda: JSONResponse({"count": 1, "results": [{"requestid": "x"}]}), BadReply, "pinning.answer"),
        (lambda: Response(b'{"count": 0, "count": 1, "results": []}'), BadReply, "pinning.answer"),
        (lambda: Response(b" " * (9 << 20)), BadReply, "pinning.size"),
    ],
)
def test_each_bad_answer_has_its_code_and_no_secret(
    service: PinningService, double: PinDouble, answer, kind: type[CyberPrivacyError], code: str
) -> None:
    double.answers = [answer]
    with pytest.raises(kind) as refusal:
        service.pins(ROOT)
    assert refusal.value.code == code
    assert TOKEN not in str(refusal.value) + repr(refusal.value.facts) + repr(service)


def test_a_service_that_answers_about_another_root_is_not_believed(
    service: PinningService, double: PinDouble
) -> None:
    made = double.add({"cid": str(OTHER)}, "pinned")
    double.answers = [lambda: JSONResponse({"count": 1, "results": [made]})]
    with pytest.raises(BadReply) as refusal:
        service.pins(ROOT)
    assert refusal.value.code == "pinning.cid"


def test_waiting_ends_when_it_is_pinned_has_failed_or_time_is_up(
    service: PinningService, double: PinDouble
) -> None:
    pin = service.pin(ROOT, "")
    held = next(iter(double.pins.values()))

    def pinned(_: float) -> None:
        held["status"] = "pinned"

    with pytest.raises(Down) as pending:
        wait(service, pin, ROOT, seconds=3, sleep=lambda _: None)
    assert pending.value.code == "pinning.pending"
    assert wait(service, pin, ROOT, seconds=60, sleep=pinned).state is State.PINNED
    held["status"] = "failed"
    with pytest.raises(Down) as failed:
        wait(service, pin, ROOT, seconds=60, sleep=lambda _: None)
    assert failed.value.code == "pinning.failed"


def test_a_secret_never_leaves_this_machine_in_clear() -> None:
    with pytest.raises(Misuse) as refusal:
        Remote("http://pins.example", "pinning", access=Access.bearer(TOKEN))
    assert refusal.value.code == "access.plain"
    assert Remote("http://pins.example", "pinning").name == "http://pins.example"


@pytest.mark.parametrize("text", [b"", b"two words\n", b"a\nb\n", b"\xff", b"x" * 9000])
def test_what_is_no_single_secret_is_refused_without_being_shown(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(text)
    with pytest.raises(Misuse) as refusal:
        read_secret(file)
    assert refusal.value.code == "access.file"
    assert "two" not in str(refusal.value)
    file.write_bytes(b"good\n")
    assert read_secret(file) == "good"


def test_the_commands_pin_show_and_unpin(
    url: str, double: PinDouble, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    double.next_state = "pinned"
    at = ["--service", url, "--token-file", str(token)]
    assert run(["bundle", "pin", str(ROOT), *at, "--name", "guestbook", "--wait", "5"]) == 0
    assert f"pinned {ROOT}" in capsys.readouterr().out
    assert run(["bundle", "pins", *at, "--json"]) == 0
    assert '"guestbook"' in capsys.readouterr().out
    assert run(["bundle", "unpin", str(ROOT), *at]) == 0
    assert run(["bundle", "pins", str(ROOT), *at]) == 0
    assert "nothing is pinned" in capsys.readouterr().out
    assert run(["bundle", "pins", "--service", url]) == 2
