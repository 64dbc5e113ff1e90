"""Dockerfile instructions as values; each writes itself in the one form that we build from.

Source: docs.docker.com/reference/dockerfile, without what the gate refuses.
"""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class From:
    """The start of a stage; `name` is "" when it has none."""

    repository: str
    digest: str
    name: str

    def __str__(self) -> str:
        return f"FROM {self.repository}@{self.digest}" + (f" AS {self.name}" if self.name else "")


@dataclass(frozen=True, slots=True)
class Copy:
    """Files from the bundle, or from an earlier stage if `stage` is not "".

    Attributes:
        owner: "uid" or "uid:gid"; "" = 0:0.
        mode: octal; "" = as in the source.
        sources: at least one.
    """

    stage: str
    owner: str
    mode: str
    sources: tuple[str, ...]
    target: str

    def __str__(self) -> str:
        flags = (("from", self.stage), ("chown", self.owner), ("chmod", self.mode))
        words = [f"--{name}={value}" for name, value in flags if value]
        return " ".join(["COPY", *words, _json((*self.sources, self.target))])


@dataclass(frozen=True, slots=True)
class Pairs:
    """ENV, LABEL or ARG: (name, value) pairs; ARG has exactly one."""

    keyword: str
    pairs: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return " ".join([self.keyword, *(f'{name}="{_escaped(value)}"' for name, value in self.pairs)])


@dataclass(frozen=True, slots=True)
class Run:
    """A build step: `shell` for the base's shell, or `words` (exec form); the other is empty."""

    shell: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return "RUN " + (self.shell or _json(self.words))


@dataclass(frozen=True, slots=True)
class Exec:
    """CMD or ENTRYPOINT, exec form."""

    keyword: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.keyword} {_json(self.words)}"


@dataclass(frozen=True, slots=True)
class User:
    """Who the next steps and the image run as; `group` None = the builder's default."""

    user: int
    group: int | None

    def __str__(self) -> str:
        return f"USER {self.user}" + ("" if self.group is None else f":{self.group}")


@dataclass(frozen=True, slots=True)
class Plain:
    """WORKDIR, STOPSIGNAL or EXPOSE: one or more words without blanks."""

    keyword: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([self.keyword, *self.words])


Instruction = From | Copy | Pairs | Run | Exec | User | Plain


def _json(words: tuple[str, ...]) -> str:
    return json.dumps(words, ensure_ascii=False)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
