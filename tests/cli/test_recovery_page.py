"""docs/how-to/recover-a-key.md, whole: days pass, a thief is pushed out, and who lost every key is back with a new one."""

import json
import os
import re
import subprocess
import sys
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from test_sessions import Said, serving
from tests.guides import commands, shows, words

from cyberprivacy.proposal.signing import create_keystore, keystore_address

PAGE = "how-to/recover-a-key.md"
DAY = 86_400
PASSWORD = "long enough"
AHEAD = """import time
from pathlib import Path

_now = time.time
time.time = lambda: _now() + float(Path({file!r}).read_text())
"""
TYPIST = """import dataclasses, json, sys
from test_sessions import say

for line in sys.stdin:
    print(json.dumps(dataclasses.astuple(say(json.loads(line)))), flush=True)
"""
"""A program that types for somebody: it lives with the moved clock, as this one cannot."""


@dataclass
class Days:
    """A clock that is moved, for every program that is started meanwhile and for those that run."""

    folder: Path
    typist: subprocess.Popen[str] | None = None
    ahead: float = 0
    meant: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pass_(0)
        (self.folder / "clock").mkdir()
        text = AHEAD.format(file=str(self.folder / "ahead"))
        (self.folder / "clock" / "sitecustomize.py").write_text(text)

    def pass_(self, seconds: float) -> None:
        self.ahead += seconds
        made = self.folder / "ahead.new"
        made.write_text(str(self.ahead))
        made.rename(self.folder / "ahead")

    def types(self, line: str) -> Said:
        """A line of the page, typed today."""
        assert self.typist is not None
        assert self.typist.stdin is not None
        assert self.typist.stdout is not None
        self.typist.stdin.write(json.dumps(words(line, self.meant)) + "\n")
        self.typist.stdin.flush()
        return Said(*json.loads(self.typist.stdout.readline()))

    def typed(self, line: str) -> str:
        """The same; it has to go well."""
        said = self.types(line)
        assert said.code == 0, (line, said)
        return said.out

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.1)


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    """Nobody is anywhere yet; four keys, and a password."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    Path("password").write_text(PASSWORD)
    for name in ("me", "other", "friend", "new"):
        create_keystore(Path(f"{name}.json"), PASSWORD, rounds=1_000)
    made = Days(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "clock"), *sys.path]))
    with subprocess.Popen(
        [sys.executable, "-c", TYPIST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as made.typist:
        yield made
        made.typist.terminate()


def key(name: str) -> str:
    return f"eip155-eoa:{keystore_address(Path(f'{name}.json'))[2:].lower()}"


@contextmanager
def protected(days: Days) -> Iterator[str]:
    """The page up to where days have to pass; the phone's secret."""
    serve, enrol, guardians, *_ = commands(PAGE)
    with serving(["vault", "serve", "--data", "./vault", "--listen", "127.0.0.1:0"]) as vault:
        days.meant = {"http://127.0.0.1:8300": vault}
        own = words(serve.replace(":8400", ":0"), days.meant)
        with serving(own) as security:
            days.meant |= {"http://127.0.0.1:8400": security}
            begin = (
                "my sign-in http://127.0.0.1:8300 --new --also other.json --key me.json --password-file password"
            )
            days.typed(f"cyberprivacy {begin}")
            told = days.typed(enrol)
            shown = days.typed(bash("guardian-card"))
            card, friend = (found(r"guardian1:\S+", text) for text in (told, shown))
            days.meant |= {"CARD": f"{card} {friend}", "SALT": found(r"(?m)^salt +([0-9a-f]{64})$", shown)}
            account = found(r"[0-9a-f]{64}", days.typed(guardians))
            days.meant |= {"ACCOUNT": account, "STOLEN": key("me"), "NEW": key("new")}
            yield found(r"otpauth://\S+", told)


def bash(*which: str) -> str:
    """The line of the page that has these words, of those that are typed on other days."""
    lines = [line for block in shows(PAGE, "bash") for line in block.splitlines()]
    [line] = [line for line in lines if all(f" {word} " in f"{line} " for word in which)]
    return line


def found(form: str, text: str) -> str:
    match = re.search(form, text)
    assert match, (form, text)
    return match[match.re.groups]


def phone(uri: str, at: float) -> str:
    """What a phone shows for the secret that it was shown."""
    secret = found(r"secret=([A-Z2-7]+)", uri)
    return TOTP(b32decode(secret + "=" * (-len(secret) % 8)), 6, SHA1(), 30).generate(int(at)).decode()  # noqa: S303


def test_days_pass_and_the_page_does_what_it_says(days: Days) -> None:
    with protected(days) as secret:
        assert "security.not-guardian" in days.types(bash("freeze")).err  # guardians count after seven days
        days.pass_(7 * DAY + 60)
        assert "done" in days.typed(bash("freeze"))
        days.typed(bash("sign-in"))
        days.typed(bash("remove-key"))
        left = days.typed("cyberprivacy my account http://127.0.0.1:8300")
        assert key("other") in left
        assert key("me") not in left
        days.pass_(5 * DAY + 60)  # the freeze is over

        Path("code").write_text(phone(secret, time.time() + days.ahead))
        assert "waiting" in days.typed(bash("recover"))
        asked = commands(PAGE)[-1]
        early = days.types(bash("approve"))
        assert (early.code, "account.no-recovery" in early.err) == (2, True)
        days.pass_(DAY + 60)
        days.until(lambda: "waiting" not in days.typed(asked))
        days.typed(bash("approve"))
        refused = days.types(bash("finish"))
        assert (refused.code, "account.wait" in refused.err) == (1, True)
        days.pass_(7 * DAY + 60)
        days.typed(bash("finish"))
        days.typed("cyberprivacy my sign-in http://127.0.0.1:8300 --key new.json --password-file password")
        now = days.typed("cyberprivacy my account http://127.0.0.1:8300")
        assert re.findall(r"eip155-eoa:[0-9a-f]{40}|ed25519-device:[0-9a-f]{64}", now) == [key("new")]
