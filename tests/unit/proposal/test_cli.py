"""The commands, as people type them, against a real chain."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cyberprivacy import cli
from cyberprivacy.cid import Cid
from cyberprivacy.cli.times import moment, span
from cyberprivacy.proposal.charter import BadCharter, parse
from cyberprivacy.proposal.founding import DEMO

World = Any
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type a command as one account of the chain's own signer; its JSON, after its exit code was checked."""

    def typed(*words: object, who: str = "", code: int = 0, dao: bool = True) -> dict[str, Any]:
        url = f"http://{world.endpoint.name}"
        signing = ["--signer", url, "--from", who] if who else []
        there = ["--dao", world.dao.governor] if dao else []
        assert cli.run([*map(str, words), "--rpc", url, *there, *signing, "--json"]) == code
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        return said

    return typed


def test_a_release_goes_its_whole_way_by_hand(world: World, run: Run, bundle: Cid, tmp_path: Path) -> None:
    (tmp_path / "review.md").write_text("I read all of it.")
    (tmp_path / "changes.md").write_text("Everything is new.")
    member = world.members[0]
    published = run("publish", bundle, "--number", 1, "--pipeline", 1, who=world.publisher)
    assert published["bundle"] == str(bundle)
    for seat in world.seats[:3]:
        run("attest", bundle, "--lines", 40, "--report", tmp_path / "review.md", who=seat)
    early = run("propose", bundle, "--name", "guestbook 1.0.0", who=member, code=3)
    assert early["error"] == "law.review-window-open"
    world.advance_to(int(early["facts"]["until"]))
    proposed = run("propose", bundle, "--name", "guestbook 1.0.0", "--text", tmp_path / "changes.md", who=member)
    assert proposed["title"] == "Software Update: guestbook 1.0.0"
    early = run("vote", bundle, "for", who=member, code=3)
    world.advance_to(int(early["facts"]["until"]) + 1)
    run("vote", bundle, "for", who=member)
    run("vote", proposed["proposal"], "for", "--reason", "I read it", who=world.members[1])
    early = run("queue", bundle, who=world.founder, code=3)
    world.advance_to(int(early["facts"]["until"]))
    queued = run("queue", bundle, who=world.founder)
    early = run("execute", proposed["proposal"], who=world.founder, code=3)
    assert int(early["facts"]["until"]) == queued["executable"]
    world.advance_to(queued["executable"])
    run("execute", bundle, who=world.founder)
    assert run("status", "--latest")["live"] == str(bundle)
    assert run("status")["live"] is None
    world.settle()
    told = run("status")
    assert (told["live"], told["final"]) == (str(bundle), True)
    assert told["releases"][0]["stage"] == "active"
    assert told["releases"][0]["vote"]["in_favour"] == "2"


def test_stopping_is_by_auditors_at_once_or_by_a_vote_for_good(world: World, run: Run, bundle: Cid) -> None:
    world.live(bundle, number=1)
    for seat in world.seats[:3]:
        run("halt", bundle, who=seat)
    assert run("status", "--latest")["releases"][0]["stage"] == "halted"
    proposed = run("revoke", bundle, who=world.members[0])
    assert proposed["title"] == "Revoke a release"
    told = run("status", "--latest", "--proposal", proposed["proposal"])
    assert (told["title"], told["state"], told["in_favour"]) == ("Revoke a release", "pending", "0")
    assert run("halt", bundle, who=world.seats[0], code=1)["error"] == "law.halted"


def test_a_directory_is_published_as_its_manifest_says(world: World, run: Run, tmp_path: Path) -> None:
    (tmp_path / "cyberprivacy.yaml").write_text(MANIFEST)
    (tmp_path / "Dockerfile").write_text("FROM cyberprivacy/python@sha256:" + "0" * 64 + "\n")
    refused = run("publish", tmp_path, "--number", 4, who=world.publisher, code=2)
    assert (refused["error"], refused["facts"]["option"]) == ("publish.manifest", "--number")
    published = run("publish", tmp_path, who=world.publisher)
    it = world.life(Cid.parse(published["bundle"]))
    assert (it.number, it.pipeline, it.parent) == (3, 1, None)


MANIFEST = """\
cyberprivacy: 1
name: guestbook
version: 1.0.0
release: 3
parent: null
pipeline: 1
images:
  web: {dockerfile: Dockerfile}
public: {service: web, port: 80}
"""


def test_an_emergency_goes_live_only_when_it_is_asked_for_by_name(
    world: World, run: Run, bundle: Cid, fix: Cid
) -> None:
    world.live(bundle, number=1)
    world.published(fix, number=2, severity=3, seats=4)
    world.advance_to(world.life(fix).review_starts + world.laps.emergency_floor)
    run("activate", fix, "--emergency", who=world.provider)
    assert run("status", "--latest")["releases"][1]["stage"] == "active, not ratified"


def test_a_release_can_be_watched_as_a_table(
    world: World, bundle: Cid, capsys: pytest.CaptureFixture[str]
) -> None:
    world.published(bundle, number=1, seats=2)
    world.settle()
    assert cli.run(["status", "--rpc", f"http://{world.endpoint.name}", "--dao", world.dao.governor]) == 0
    told = capsys.readouterr().out
    assert str(bundle) in told.split()
    assert "1  published  auditors: 2 of 3 attested" in told


def test_a_dao_is_founded_from_a_file_and_shows_its_laps(
    world: World, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "founding.toml").write_text(charter(world) + "deployment_lap = 4000\n[policy]\nfloor = 4200\n")
    made = run(
        "dao",
        "create",
        tmp_path / "founding.toml",
        "--factory",
        world.shared.factory,
        who=world.founder,
        dao=False,
    )
    world.settle()
    endpoint = f"http://{world.endpoint.name}"
    assert cli.run(["dao", "show", "--rpc", endpoint, "--dao", made["governor"]]) == 0
    said, note = capsys.readouterr()
    assert "poll on chain 31337" in said
    assert "deployment lap  1 h 6 min" in said
    assert "review lap      1 h 10 min" in said
    assert "give nobody time to read" in note
    told = run("dao", "show")
    assert (told["name"], told["live"]) == ("guestbook", None)
    assert [seat["auditor"] for seat in told["seats"]] == world.seats


def charter(world: World) -> str:
    def quoted(addresses: list[str]) -> str:
        return json.dumps(list(addresses))

    return (
        f'name = "poll"\nsymbol = "POLL"\nmembers = {quoted(world.members)}\npublishers = {quoted([world.publisher])}\n'
        f"providers = {quoted([world.provider])}\nauditors = {quoted(world.auditors)}\n"
        f"organisations = {quoted(world.organisations)}\n"
    )


def test_a_founding_file_overrides_only_what_it_says(world: World) -> None:
    text = charter(world)
    plain = parse(text.encode(), DEMO)
    told = parse((text + "voting_period = 99\n[policy]\nbuilders = 2\n").encode(), DEMO)
    assert (told.voting_period, told.policy.builders) == (99, 2)
    assert (told.policy.floor, told.deployment_lap) == (plain.policy.floor, plain.deployment_lap)
    votes = text.replace(f"members = {json.dumps(world.members)}", "") + f'[votes]\n"{world.members[0]}" = 5\n'
    assert parse(votes.encode(), DEMO).amounts == (5 * 10**18,)


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text + 'surprise = "x"\n',
        lambda text: text + "[policy]\nsurprise = 1\n",
        lambda text: text.replace("members", "numbers"),
        lambda text: text + "voting_period = -1\n",
        lambda text: text + "voting_period = true\n",
        lambda text: text + 'voting_period = "8"\n',
        lambda text: text.replace('"poll"', '""'),
        lambda text: text.lower(),
        lambda text: text + "= =",
        lambda text: "#" * 70_000,
        lambda text: text + '[votes]\n"0x" = 1\n',
    ],
)
def test_a_founding_file_that_says_something_else_is_refused(world: World, broken: Callable[[str], str]) -> None:
    parse(charter(world).encode(), DEMO)
    with pytest.raises(BadCharter) as refusal:
        parse(broken(charter(world)).encode(), DEMO)
    assert refusal.value.code == "dao.charter"


def test_a_provider_lists_a_machine(world: World, run: Run) -> None:
    clusters = ("--clusters", world.shared.clusters)
    opened = run("cluster", "register", "https://provider.example", *clusters, who=world.provider, dao=False)
    key = "0x" + "07" * 32
    listed = (opened["cluster"], world.founder, "--node-key", key, *clusters)
    assert run("cluster", "add-node", *listed, who=world.provider, dao=False)["node"] == world.founder
    refused = run("cluster", "add-node", *listed, who=world.founder, dao=False, code=2)
    assert refused["error"] == "law.not-provider"


def test_a_keystore_signs_as_well_as_any_signer(
    world: World, bundle: Cid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("correct horse\n")
    key = ["--password-file", str(tmp_path / "password")]
    assert cli.run(["key", "new", str(tmp_path / "me.json"), *key, "--json"]) == 0
    address = json.loads(capsys.readouterr().out)["address"]
    assert cli.run(["key", "show", str(tmp_path / "me.json"), *key, "--prove"]) == 0
    assert capsys.readouterr().out.strip() == address
    there = ["--rpc", f"http://{world.endpoint.name}", "--dao", world.dao.governor]
    attempt = ["halt", str(bundle), *there, "--key", str(tmp_path / "me.json"), *key, "--json"]
    world.live(bundle, number=1)
    assert cli.run(attempt) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "law.not-auditor"


def test_without_money_the_command_says_so(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("correct horse\n")
    key = [str(tmp_path / "me.json"), "--password-file", str(tmp_path / "password")]
    assert cli.run(["key", "new", *key, "--json"]) == 0
    capsys.readouterr()
    there = ["--rpc", f"http://{world.endpoint.name}", "--clusters", world.shared.clusters]
    assert cli.run(["cluster", "register", "https://x", *there, "--key", *key, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "key.funds"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["halt", "CID"], "key.missing"),
        (["halt", "bafy"], "cid.form"),
        (["vote", "CID", "perhaps"], "vote.support"),
        (["publish", "CID"], "publish.manifest"),
        (["status", "--proposal", "7"], "law.no-proposal"),
        (["status", "--proposal", "seven"], "status.proposal"),
        (["attest", "CID", "--lines", "1", "--report", "missing"], "file"),
    ],
)
def test_a_misused_command_says_how(
    world: World, bundle: Cid, words: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--rpc", f"http://{world.endpoint.name}", "--dao", world.dao.governor, "--json"]
    ended = cli.run([str(bundle) if word == "CID" else word for word in words] + there)
    said = json.loads(capsys.readouterr().out)
    assert (said["error"], ended) == (code, 2)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (8, "8 s"), (90, "1 min 30 s"), (7 * 86_400, "7 d"), (90_061, "1 d 1 h"), (3_600, "1 h")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert span(seconds) == words
    assert moment(1_000_000 + seconds, 1_000_000).endswith(f"({words} ago)" if seconds == 0 else f"(in {words})")


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        *(["key", each] for each in ("new", "show")),
        *(["dao", each] for each in ("create", "show", "deploy-shared")),
        *(["cluster", each] for each in ("register", "add-node")),
        *(
            [each]
            for each in [
                "publish",
                "attest",
                "propose",
                "vote",
                "queue",
                "execute",
                "activate",
                "halt",
                "revoke",
                "status",
            ]
        ),
    ):
        assert cli.run([*words, "--help"]) == 0
        told = capsys.readouterr().out
        assert "Example: cyberprivacy" in " ".join(told.split())
        assert "--json" in told
