"""Somebody who types `cyberprivacy my …`, with keystores of people of the tests, at vaults in processes of their own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from people import secret

from cyberprivacy.cli import run
from cyberprivacy.proposal import ethaccount

PASSWORD = "long enough"
Typed = Callable[..., tuple[int, Any]]


def typist(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *names: str
) -> Typed:
    """Types words, signed with the keystore of `by`, one of the names; the exit code, and what was printed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    (folder / "password").write_text(PASSWORD)
    for name in names:
        stored = ethaccount.load().encrypt(secret(name), PASSWORD, kdf="pbkdf2", iterations=1_000)
        (folder / f"{name}.json").write_text(json.dumps(stored))

    def typed(*words: str, by: str = "") -> tuple[int, Any]:
        signing = ["--key", str(folder / f"{by}.json"), "--password-file", str(folder / "password")]
        code = run(["my", *words, *(signing if by else []), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return typed


@contextmanager
def vault_serving(folder: Path, *more: str, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """`vault serve` in a process of its own; its address."""
    words = ["vault", "serve", "--data", str(folder), "--listen", listen, *more]
    with subprocess.Popen(
        [sys.executable, "-m", "cyberprivacy", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            yield next(word for word in process.stderr.readline().split() if word.startswith("http://"))
        finally:
            process.terminate()
