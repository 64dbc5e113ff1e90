"""A second builder beside the embedded one: an executor elsewhere runs the pipeline template, and both must agree.

What is served is what this machine built. An executor that builds something else, or is taken over, stops a
release and cannot change one.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
import structlog

from cyberprivacy.build import template
from cyberprivacy.build.image import Builder, BuiltImage
from cyberprivacy.build.scratch import on_disk
from cyberprivacy.build.template import SECRET, Template
from cyberprivacy.bundle.access import secret_bytes
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, Untrusted
from cyberprivacy.review.linted import LintedBundle

QUEUE: Final = 3_600.0
"""Seconds for which a pipeline may wait for a machine."""
MAX_RESULT: Final = 256 << 10
_WORD: Final = re.compile(r"[^\s\"',:{}\[\]]{4,}")
"""What a secret is made of, whether it is a line of text or JSON on one line."""

_log = structlog.get_logger("cyberprivacy.build")


class BuildersDiffer(Untrusted):
    """An executor built other images than this machine, from the same source by the same template."""

    code = "build.differs"
    hint = "Compare the profiles; build it yourself with `cyberprivacy build`. One of the two cannot be trusted."


class Result(msgspec.Struct):
    """What `cyberprivacy build --json` prints."""

    bundle: str
    profile: str
    images: Annotated[dict[str, str], msgspec.Meta(max_length=64)]


class Executor(Protocol):
    """Something elsewhere that runs pipelines. Nothing that it says is believed."""

    @property
    def kind(self) -> str:
        """What it is, at the beginning of a sentence; it stands in the public ledger."""
        ...

    @property
    def name(self) -> str:
        """Which one it is."""
        ...

    def start(self, pipeline: Template, values: Mapping[str, str], source: Cid) -> str:
        """Begin to run a pipeline; gives the word by which it is found again.

        Raises:
            Misuse: it denies us.
            TryLater: it is out of reach.
        """
        ...

    def cancel(self, run: str) -> None:
        """End it, as far as it still waits or runs."""
        ...

    def finish(self, pipeline: Template, values: Mapping[str, str], run: str) -> Result:
        """Wait for its end, and read what its last step said.

        Raises:
            Untrusted: it says something that is no result.
            TryLater: it failed, did not end in time, or is out of reach.
        """
        ...


@dataclass(frozen=True, slots=True)
class Filling:
    """What a cluster fills in.

    Attributes:
        templates: the folder of templates.
        values: by name; of a secret, the path of its file here.
    """

    templates: Path
    values: Mapping[str, str]


class SecondOpinion:
    """A `Builder` that asks an executor and another builder, and believes them only together.

    Args:
        own: builds here; its images are the ones that are given on.
        executor: builds elsewhere, meanwhile.
        filling: of templates.
        agreed: folder that remembers which builds came out alike, so that none is run twice.
    """

    def __init__(self, own: Builder, executor: Executor, filling: Filling, agreed: Path) -> None:
        self._own, self._executor, self._filling, self._agreed = own, executor, filling, agreed

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        """As the port says; the executor works while this machine does.

        Raises:
            BuildersDiffer: "build.differs".
            Misuse: a value of the template is missing, or the executor denies us.
            TryLater: the build failed there ("<service>.failed"), or the executor is out of reach.
            Untrusted, TryLater: as the own builder.
        """
        number, source, values = linted.manifest.pipeline, linted.bundle.cid, self._filling.values
        pipeline = template.load(self._filling.templates, number)
        template.check(pipeline, values)
        note = self._note(source, number)
        if note.exists() and note.read_bytes() == _spelled(images := self._own.build(linted)):
            return images
        run = self._executor.start(pipeline, values, source)
        _log.info("executor.started", executor=self._executor.name, run=run, bundle=str(source))
        try:
            images = self._own.build(linted)
        except CyberPrivacyError:
            with suppress(CyberPrivacyError):  # what failed here says more
                self._executor.cancel(run)
            raise
        theirs = self._executor.finish(pipeline, values, run)
        _log.info("executor.ended", executor=self._executor.name, run=run, images=theirs.images)
        self._compare(source, images, theirs)
        with on_disk():
            self._agreed.mkdir(parents=True, exist_ok=True)
            note.write_bytes(_spelled(images))
        return images

    def _compare(self, source: Cid, images: tuple[BuiltImage, ...], theirs: Result) -> None:
        ours = {image.name: str(image.digest) for image in images}
        if theirs.bundle != str(source) or theirs.images != ours:
            raise BuildersDiffer(
                f"{self._executor.kind} built something else",
                executor=self._executor.name,
                bundle=str(source),
                ours=ours,
                theirs={name[:64]: digest[:80] for name, digest in theirs.images.items()},
                our_profile=images[0].profile,
                their_profile=theirs.profile[:80],
            )

    def _note(self, source: Cid, number: int) -> Path:
        words = f"{self._executor.name}\n{template.digest(number)}\n{source}"
        return self._agreed / sha256(words.encode()).hexdigest()


def redacted(text: str, pipeline: Template, values: Mapping[str, str]) -> str:
    """The text, without any word of what was filled in as a secret."""
    for value in pipeline.value:
        if value.kind == SECRET:
            secret = secret_bytes(Path(values[value.name])).decode("utf-8", "replace")
            for word in sorted(_WORD.findall(secret), key=len, reverse=True):
                text = text.replace(word, "…")
    return text


def _spelled(images: tuple[BuiltImage, ...]) -> bytes:
    return "".join(f"{image.name}={image.digest}\n" for image in images).encode()
