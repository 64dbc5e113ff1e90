"""One release's way through the steps: fetch, lint, build, agree, push, deploy.

Every step can be taken again: what a step made is found by its content, checked again and used again.
So a crash needs no repair. The next journey passes quickly over what is done and goes on from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cyberprivacy.build.image import Builder, BuiltImage, images_digest
from cyberprivacy.bundle.declared import Administration
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import Cid
from cyberprivacy.deploy.deployment import Application, Deployment, Runtime
from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.node.journal import Journal
from cyberprivacy.proposal.release import ApprovedRelease
from cyberprivacy.registry.pushed import Registry
from cyberprivacy.review import privileges
from cyberprivacy.review.linted import LintedBundle


class ManifestDiffers(Untrusted):
    """The bundle says of itself something else than the proposal that was voted on."""

    code = "release.manifest"
    hint = "Publish it again with the number, pipeline and parent of its manifest: the vote was on something else."


class OtherPrivileges(Untrusted):
    """A repair that nobody has voted on yet may do other things than the release that it replaces."""

    code = "release.emergency-privileges"
    hint = "The release before goes on. Repair it without touching k8s/, or take the ordinary road with a vote."


class BuildersDisagree(Untrusted):
    """Other providers built other images from this very source; nobody may serve it."""

    code = "release.images"
    hint = (
        "Rebuild it yourself with `cyberprivacy build`; compare builder profiles; a mismatch is public on chain."
    )


class Overtaken(TryLater):
    """While this release was on its way, the chain began to want another, or none."""

    code = "release.overtaken"
    hint = "Nothing to do: the node takes the road to what the chain wants now."


class WaitingForBuilders(TryLater):
    """Too few providers have reported this build at a finalised block."""

    code = "release.waiting-for-builders"
    hint = "The node goes on by itself when enough providers have built the same images."


class Reports(Protocol):
    """Tells the chain what this node did. Telling it again changes nothing."""

    def built(self, release: ApprovedRelease, images: bytes) -> None:
        """Report the 32-byte digest of the images that this node built."""
        ...

    def deployed(self, release: ApprovedRelease) -> None:
        """Report that this node serves the release, with the digest of a proof."""
        ...


class Settings(Protocol):
    """What administrators may turn, on its way to the application. `node.administration.Door`."""

    def prepare(self, release: ApprovedRelease, declared: Administration | None) -> Path | None:
        """Have the folder that the release's containers mount; None when nothing is declared."""
        ...

    def serve(self, release: ApprovedRelease, declared: Administration | None) -> None:
        """The release serves now, and no other."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """The steps, wired."""

    fetch: Callable[[Cid], VerifiedBundle]
    lint: Callable[[VerifiedBundle], LintedBundle]
    builder: Builder
    registry: Registry
    runtime: Runtime
    reports: Reports
    settings: Settings
    receipts: Callable[[bool], None]
    """Hears whether what serves now keeps data of people. `node.receipts`."""


class Road:
    """Takes a release of one DAO from its address to running services."""

    def __init__(self, name: str, engines: Engines, journal: Journal) -> None:
        """`name` is the application's name on this node; it also names its repositories."""
        self.name, self._engines, self._journal = name, engines, journal

    def travel(self, release: ApprovedRelease, still: Callable[[], bool]) -> Deployment:
        """Bring this release to run, whatever was done of it before.

        Args:
            release: what the chain wanted when the journey began.
            still: whether it wants the same now; asked again after each step that takes long.

        Raises:
            Overtaken: it no longer does; nothing more was done.
            Untrusted: a check failed; the running release goes on.
            TryLater: something is out of reach; the next journey goes on from here.
        """
        journal, engines = self._journal, self._engines
        with journal.step("fetch", release):
            bundle = engines.fetch(release.bundle)
        journal.did("release.fetched", release, {"size": bundle.size, "entries": bundle.entries})
        with journal.step("lint", release):
            linted = engines.lint(bundle)
            _same_as_voted(linted, release)
        if release.emergency:
            self._no_more_privileges(bundle, release)
        with journal.step("build", release):
            built = engines.builder.build(linted)
        digests: dict[str, str] = {image.name: image.digest for image in built}
        journal.did("release.built", release, {"images": digests, "profile": built[0].profile})
        self._agree(release, digests)
        return self._deploy(release, linted, built, still)

    def _no_more_privileges(self, repair: VerifiedBundle, release: ApprovedRelease) -> None:
        """What goes live before a vote may do what its parent does, and nothing else. Source: DESIGN 3.5."""
        with self._journal.step("compare", release):
            if release.parent is None:
                raise OtherPrivileges("a repair of nothing", bundle=str(release.bundle))
            parent = self._engines.fetch(release.parent)
            changed = privileges.changed(parent.tree, repair.tree)
            if changed:
                raise OtherPrivileges(
                    "an emergency release changes what the application may do",
                    files=", ".join(changed[:20]),
                    parent=str(release.parent),
                )

    def _agree(self, release: ApprovedRelease, digests: Mapping[str, str]) -> None:
        """Serve nothing that enough providers did not build alike. Source: DESIGN 3.6."""
        ours = images_digest(digests)
        with self._journal.step("report", release):
            if not self._journal.has("release.reported", release, images=ours.hex()):
                self._engines.reports.built(release, ours)
        self._journal.did("release.reported", release, {"images": ours.hex()})
        with self._journal.step("agree", release):
            if release.images is None:
                raise WaitingForBuilders("too few providers have reported this build", needed=release.builders)
            if release.images != ours:
                raise BuildersDisagree(
                    "other providers built other images", ours=ours.hex(), theirs=release.images.hex()
                )

    def _deploy(
        self,
        release: ApprovedRelease,
        linted: LintedBundle,
        built: Sequence[BuiltImage],
        still: Callable[[], bool],
    ) -> Deployment:
        with self._journal.step("push", release):
            _go_on(still)  # a build may take half an hour, and a halt must not wait for anything
            pushed = {
                image.name: self._engines.registry.push(image, f"{self.name}/{image.name}") for image in built
            }
        self._journal.did("release.pushed", release, {name: image.reference for name, image in pushed.items()})
        with self._journal.step("deploy", release):
            _go_on(still)
            declared, settings = linted.manifest.admin, self._engines.settings
            deployment = self._engines.runtime.apply(
                Application(
                    name=self.name,
                    release=release.bundle,
                    topology=linted.topology,
                    images=pushed,
                    parameters=settings.prepare(release, declared),
                )
            )
            settings.serve(release, declared)
            self._engines.receipts(bool(linted.manifest.data))
        self._journal.did("release.deployed", release, {"images": dict(deployment.images)})
        with self._journal.step("announce", release):
            _go_on(still)
            if not self._journal.has("release.announced", release):
                self._engines.reports.deployed(release)
        self._journal.did("release.announced", release, {"images": images_digest(deployment.images).hex()})
        return deployment


def _go_on(still: Callable[[], bool]) -> None:
    if not still():
        raise Overtaken("the chain wants something else by now")


def _same_as_voted(linted: LintedBundle, release: ApprovedRelease) -> None:
    manifest = linted.manifest
    says = (manifest.release, manifest.pipeline, manifest.parent)
    voted = (release.number, release.pipeline, release.parent)
    if says != voted:
        raise ManifestDiffers(
            "the bundle's manifest is not what was voted on",
            manifest="release {}, pipeline {}, parent {}".format(*says),
            voted="release {}, pipeline {}, parent {}".format(*voted),
        )
