"""A second builder beside the embedded one: Jenkins runs the pipeline template, and both must come to one result.

What is served is what this machine built. A Jenkins that builds something else, or is taken over, stops a release
and cannot change one.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import msgspec
import structlog

from cyberprivacy.build import jenkinsfile, template
from cyberprivacy.build.image import Builder, BuiltImage
from cyberprivacy.build.jenkins import Ended, Jenkins
from cyberprivacy.build.scratch import on_disk
from cyberprivacy.build.template import SECRET, Template
from cyberprivacy.bundle.remote import Down
from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, Untrusted
from cyberprivacy.review.linted import LintedBundle

MAX_RESULT: Final = 256 << 10
QUEUE: Final = 3_600.0
"""Seconds for which a build may wait for a machine."""

_log = structlog.get_logger("cyberprivacy.build")


class BuildersDiffer(Untrusted):
    """Jenkins built other images than this machine, from the same source by the same template."""

    code = "build.differs"
    hint = "Compare the profiles; build it yourself with `cyberprivacy build`. One of the two cannot be trusted."


class _Result(msgspec.Struct):
    """What `cyberprivacy build --json` prints."""

    bundle: str
    profile: str
    images: Annotated[dict[str, str], msgspec.Meta(max_length=64)]


@dataclass(frozen=True, slots=True)
class Filling:
    """What a cluster fills in.

    Attributes:
        templates: the folder of templates.
        values: by name; of a secret, the path of its file here.
    """

    templates: Path
    values: Mapping[str, str]


class JenkinsBuilder:
    """A `Builder` that asks a Jenkins and another builder, and believes them only together.

    Args:
        own: builds here; its images are the ones that are given on.
        jenkins: the server.
        filling: of templates.
        agreed: folder that remembers which builds came out alike, so that none is run twice.
    """

    def __init__(self, own: Builder, jenkins: Jenkins, filling: Filling, agreed: Path) -> None:
        self._own, self._jenkins, self._filling, self._agreed = own, jenkins, filling, agreed

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        """As the port says; Jenkins works while this machine does.

        Raises:
            BuildersDiffer: "build.differs".
            Misuse: a value of the template is missing, or Jenkins denies us.
            TryLater: "jenkins.failed": the build failed there; or Jenkins is out of reach.
            Untrusted, TryLater: as the own builder.
        """
        number = linted.manifest.pipeline
        pipeline = template.load(self._filling.templates, number)
        template.check(pipeline, self._filling.values)
        note = self._note(linted.bundle.cid, number)
        if note.exists() and note.read_bytes() == _spelled(images := self._own.build(linted)):
            return images
        item = self._start(pipeline, linted.bundle.cid)
        try:
            images = self._own.build(linted)
        except CyberPrivacyError:
            with suppress(CyberPrivacyError):  # what failed here says more
                self._jenkins.cancel(item)
            raise
        self._compare(linted, images, self._result(pipeline, item))
        with on_disk():
            self._agreed.mkdir(parents=True, exist_ok=True)
            note.write_bytes(_spelled(images))
        return images

    def _start(self, pipeline: Template, source: Cid) -> int:
        values, job = self._filling.values, jenkinsfile.job_name(pipeline)
        for value in pipeline.value:
            if value.kind == SECRET:
                content = template.secret_file(Path(values[value.name]))
                name = jenkinsfile.credential_id(pipeline, value)
                self._jenkins.entrust(name, jenkinsfile.credential(name, value.name, content))
        public = {value.name: values[value.name] for value in pipeline.value if value.kind == "url"}
        self._jenkins.define(job, jenkinsfile.job(pipeline, jenkinsfile.render(pipeline, public)))
        parameter = next(jenkinsfile.variable(value) for value in pipeline.value if value.kind == "cid")
        item = self._jenkins.start(job, {parameter: str(source)})
        _log.info("jenkins.queued", server=self._jenkins.name, job=job, item=item, bundle=str(source))
        return item

    def _result(self, pipeline: Template, item: int) -> _Result:
        job = jenkinsfile.job_name(pipeline)
        ended = self._jenkins.finish(job, item, seconds=QUEUE + 60.0 * pipeline.minutes)
        _log.info("jenkins.ended", server=self._jenkins.name, job=job, build=ended.number, result=ended.result)
        if ended.result != "SUCCESS":
            raise self._failed(pipeline, ended)
        return self._jenkins.result(job, ended.number, pipeline.step[-1].result, limit=MAX_RESULT).read(_Result)

    def _failed(self, pipeline: Template, ended: Ended) -> Down:
        """The end of the log, without what was filled in as a secret."""
        log = ended.tail
        for value in pipeline.value:
            if value.kind == SECRET:
                text = template.secret_file(Path(self._filling.values[value.name])).decode("utf-8", "replace")
                for line in filter(None, map(str.strip, text.splitlines())):
                    log = log.replace(line, "…") if len(line) > 3 else log
        job = jenkinsfile.job_name(pipeline)
        hint = "Its console says why; it is run again by itself."
        return Down(
            "the build failed there", code="jenkins.failed", hint=hint, job=job, build=ended.number, log=log
        )

    def _compare(self, linted: LintedBundle, images: tuple[BuiltImage, ...], theirs: _Result) -> None:
        ours = {image.name: str(image.digest) for image in images}
        if theirs.bundle != str(linted.bundle.cid) or theirs.images != ours:
            raise BuildersDiffer(
                "Jenkins built something else",
                bundle=str(linted.bundle.cid),
                ours=ours,
                theirs={name[:64]: digest[:80] for name, digest in theirs.images.items()},
                our_profile=images[0].profile,
                their_profile=theirs.profile[:80],
            )

    def _note(self, source: Cid, number: int) -> Path:
        words = f"{self._jenkins.name}\n{template.digest(number)}\n{source}"
        return self._agreed / sha256(words.encode()).hexdigest()


def _spelled(images: tuple[BuiltImage, ...]) -> bytes:
    return "".join(f"{image.name}={image.digest}\n" for image in images).encode()
