"""The TypeScript SDK as a process that answers questions, one a line."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hypothesis import strategies as st
from judges import answer

FOLDER = Path(__file__).parents[2] / "sdk" / "typescript"


class TypeScript:
    """Answers as `judges.answer` does, from the other implementation."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "dist/test/answer.js"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(timeout=10) == 0 or error is not None

    def answer(self, kind: str, group: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, object]:
        """What comes out, or the code of the refusal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"type": kind, "group": group, "test": test}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the SDK ended: see its error above"
        answered = json.loads(line)
        assert isinstance(answered, dict)
        return answered


BYTES = st.lists(st.integers(0, 1 << 16), min_size=1, max_size=6)
"""Where and how to bend something: taken modulo what is there."""


def agree(theirs: TypeScript, kind: str, group: dict[str, object], test: dict[str, object]) -> str:
    """Both give the same answer; its code."""
    ours = answer(kind, group, test)
    # Once through JSON, so that a mapping's order and a tuple count as little as they do there.
    assert json.loads(json.dumps(ours)) == theirs.answer(kind, group, test), (kind, group, test)
    return str(ours["code"])


def bent(data: bytes, how: list[int], alphabet: bytes) -> bytes:
    """Some bytes replaced, removed or doubled."""
    made = bytearray(data)
    for each in how:
        place, what = each % (len(made) + 1), each >> 8
        if what % 3 == 0:
            made[place : place + 1] = alphabet[what % len(alphabet) :][:1]
        elif what % 3 == 1:
            del made[place : place + 1]
        else:
            made[place:place] = made[place : place + 1]
    return bytes(made)
