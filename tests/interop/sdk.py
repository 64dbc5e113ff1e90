"""The TypeScript SDK as a process that answers questions, one a line."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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
