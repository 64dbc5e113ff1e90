"""Pipeline templates by number: how source becomes images, as steps that every executor understands. Pure.

A proposal names its template by number, so the vote covers it. Which bytes a number stands for is written here:
an operator can give no other. A step is one program with its words; a word is a text, or one value in braces. The
text of a secret cannot be a word: executors hand secrets over as files, and the word is where the file lies.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from cyberprivacy.bundle.access import secret_bytes
from cyberprivacy.bundle.wire import checked_url
from cyberprivacy.errors import Misuse, Untrusted

PIPELINES: Final[Mapping[int, str]] = {
    1: "1718424acb1b045e662b4bd928045eae40cfc4a47b370723eb19e60bf85cc0ed",
}
"""Number -> SHA-256 of `deploy/templates/NNN-name/pipeline.toml`, in hex."""

MAX_TEMPLATE: Final = 64 << 10
SECRET: Final = "secret-file"  # noqa: S105 - the name of a kind
_NAME: Final = r"^[a-z][a-z0-9-]{0,39}$"
_HOLE: Final = re.compile(r"\{([a-z][a-z0-9-]{0,39})\}\Z")
_TEXT: Final = re.compile(r"[A-Za-z0-9._/=:@-]+\Z")

Name = Annotated[str, msgspec.Meta(pattern=_NAME)]


class UnknownPipeline(Untrusted):
    """The bundle asks for a pipeline template that this builder does not have."""

    code = "build.pipeline"
    hint = "This node is older than the bundle: it needs a release that knows the template."


class BadTemplate(Untrusted):
    """A template on disk is not the one that its number stands for, or not a template."""

    code = "template.digest"
    hint = "Take `deploy/templates` of the release of CyberPrivacy that runs here."


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is filled in: by the release (`cid`) or by the cluster."""

    name: Name
    kind: Literal["cid", "url", "secret-file"]
    about: str


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One program.

    Attributes:
        name: for people.
        run: the program and its words.
        result: file of the workspace that takes what it prints; "" if that is not kept.
        rights: "namespaces" = it makes namespaces, mounts and control groups, as root; "" = it needs none.
    """

    name: Name
    run: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    result: Annotated[str, msgspec.Meta(pattern=r"^([a-z]+\.json)?$")] = ""
    rights: Literal["", "namespaces"] = ""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a number stands for.

    Attributes:
        format: of the file; 1.
        number, name, version: as folders are called.
        agent: label of the machines that may run it.
        minutes: within which it ends.
        value: what is filled in.
        step: one after the other; the last one's result says the digests.
    """

    format: Literal[1]
    number: Annotated[int, msgspec.Meta(ge=1, le=999)]
    name: Name
    version: Annotated[int, msgspec.Meta(ge=1)]
    agent: Name
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    value: Annotated[tuple[Value, ...], msgspec.Meta(max_length=32)]
    step: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=32)]

    @property
    def source(self) -> Value:
        """The value that names the bundle."""
        return next(value for value in self.value if value.kind == "cid")

    @property
    def result(self) -> str:
        """The file with the digests, in the workspace."""
        return self.step[-1].result


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a step: a text, or the value of this name."""

    text: str
    value: Value | None


def digest(number: int) -> str:
    """SHA-256, in hex, of the template that a number stands for.

    Raises:
        UnknownPipeline: no such template.
    """
    if number not in PIPELINES:
        raise UnknownPipeline("no such pipeline template", pipeline=number, known=sorted(PIPELINES))
    return PIPELINES[number]


def load(folder: Path, number: int) -> Template:
    """The template of this number below a folder of templates.

    Raises:
        UnknownPipeline: this program does not know the number.
        Misuse: "template.missing": the folder does not have it.
        BadTemplate: "template.digest": it has other bytes; "template.form".
    """
    wanted = digest(number)
    found = sorted(folder.glob(f"{number:03}-*/pipeline.toml"))
    if len(found) != 1:
        hint = "Name the folder `deploy/templates` of a checkout."
        raise Misuse(
            "no such template there", code="template.missing", hint=hint, folder=str(folder), number=number
        )
    with found[0].open("rb") as file:
        data = file.read(MAX_TEMPLATE + 1)
    if len(data) > MAX_TEMPLATE or sha256(data).hexdigest() != wanted:
        raise BadTemplate("not the template of this number", file=str(found[0]), wanted=wanted)
    return parse(data)


def parse(data: bytes) -> Template:
    """A template from the bytes of its file.

    Raises:
        BadTemplate: "template.form".
    """
    try:
        template = msgspec.convert(tomllib.loads(data.decode()), Template)
    except (ValueError, RecursionError) as problem:
        raise BadTemplate("not a template", code="template.form", reason=str(problem)[:200]) from None
    names = [value.name for value in template.value]
    if len(set(names)) != len(names) or [value.kind for value in template.value].count("cid") != 1:
        raise BadTemplate("one value holds the source, and each has its own name", code="template.form")
    if not template.step[-1].result:
        raise BadTemplate("the last step has no result", code="template.form")
    for step in template.step:
        words(template, step)
    return template


def words(template: Template, step: Step) -> list[Word]:
    """The words of a step, each read.

    Raises:
        BadTemplate: "template.form": a word is neither plain text nor one known value in braces.
    """
    values = {value.name: value for value in template.value}
    found = []
    for text in step.run:
        hole = _HOLE.match(text)
        if (hole and hole[1] not in values) or (not hole and not _TEXT.match(text)):
            raise BadTemplate("no such word", code="template.form", step=step.name, word=text[:80])
        found.append(Word(text, values[hole[1]] if hole else None))
    return found


def check(template: Template, values: Mapping[str, str]) -> None:
    """Whether a cluster fills in everything but the source, nothing else, and each of its kind.

    Raises:
        Misuse: "template.values", "bundle.url", "access.file".
    """
    wanted = {value.name: value.kind for value in template.value if value.kind != "cid"}
    if wanted.keys() != values.keys():
        odd = sorted(wanted.keys() ^ values.keys())
        raise Misuse("values are missing or not of this template", code="template.values", values=odd)
    for name, kind in wanted.items():
        if kind == "url":
            checked_url(values[name])
        else:
            secret_bytes(Path(values[name]))
