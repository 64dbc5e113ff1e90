"""Engines in memory that implement the five ports, with switches for what may go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from cyberprivacy.build import image
from cyberprivacy.build.image import BuiltImage, Digest, images_digest
from cyberprivacy.bundle import verified
from cyberprivacy.bundle.declared import Administration
from cyberprivacy.bundle.manifest import Image, Manifest, Public
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy import deployment
from cyberprivacy.deploy.deployment import Application, Deployment
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.node.road import Engines
from cyberprivacy.proposal import release
from cyberprivacy.proposal.release import Address, ApprovedRelease, FinalBlock
from cyberprivacy.registry import pushed
from cyberprivacy.registry.pushed import PushedImage
from cyberprivacy.review import linted
from cyberprivacy.review.linted import LintedBundle, Recipe
from cyberprivacy.review.workload import Topology

DAO = Address("0x5B38Da6a701c568545dCfcB03FcB875f56beddC4")


def digest_of(cid: Cid) -> Digest:
    return Digest(f"sha256:{cid.digest.hex()}")


def bundle(number: int) -> Cid:
    return Cid.of(DAG_PB, b"bundle %d" % number)


def approved(number: int, *, agreed: bool = True, emergency: bool = False) -> ApprovedRelease:
    cid = bundle(number)
    return ApprovedRelease(
        chain_id=31337,
        dao=DAO,
        registry=DAO,
        bundle=cid,
        parent=bundle(number - 1) if number > 1 else None,
        number=number,
        pipeline=1,
        proposal=0 if emergency else 7,
        emergency=emergency,
        expires=1_900_000_000 if emergency else 0,
        images=images_digest({"web": digest_of(cid)}) if agreed else None,
        builders=1,
        block=FinalBlock(100 + number, bytes(32), 1_800_000_000),
        seal=release.SEAL,
    )


@dataclass
class World:
    """Everything outside the node: what the chain wants, what runs, and which step must fail, and how.

    `says` changes what manifests say; `trees` holds bundles by CID, for steps that look into them.
    """

    wanted: ApprovedRelease | CyberPrivacyError | None = None
    fails: dict[str, CyberPrivacyError] = field(default_factory=dict)
    during: dict[str, Callable[[], object]] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    trees: Path = Path("/nowhere")
    why: str = "revoked"
    running: Deployment | None = None
    calls: list[str] = field(default_factory=list)
    reported: list[bytes] = field(default_factory=list)
    rebuilt: Digest | None = None
    keeps: list[bool] = field(default_factory=list)

    def _do(self, step: str) -> None:
        self.calls.append(step)
        if step in self.during:
            self.during.pop(step)()
        if step in self.fails:
            raise self.fails[step]

    def approved(self, dao: Address) -> ApprovedRelease | None:
        if isinstance(self.wanted, CyberPrivacyError):
            raise self.wanted
        return self.wanted

    def fetch(self, cid: Cid) -> VerifiedBundle:
        self._do("fetch")
        return VerifiedBundle(cid=cid, tree=self.trees / str(cid), size=1, entries=1, seal=verified.SEAL)

    def lint(self, bundle: VerifiedBundle) -> LintedBundle:
        self._do("lint")
        assert isinstance(self.wanted, ApprovedRelease)
        manifest = Manifest(
            name="app",
            version="1",
            release=self.wanted.number,
            parent=self.wanted.parent,
            pipeline=1,
            images=(Image("web", "Dockerfile"),),
            bases=(),
            wheels=(),
            files=(),
            public=Public("web", 80),
        )
        recipe = Recipe("web", PurePosixPath("Dockerfile"), "", (), 10001)
        return LintedBundle(
            bundle=bundle,
            manifest=replace(manifest, **self.says),
            recipes={"web": recipe},
            topology=Topology((), (), (), (), "web"),
            seal=linted.SEAL,
        )

    def build(self, lint: LintedBundle) -> tuple[BuiltImage, ...]:
        self._do("build")
        cid = lint.bundle.cid
        return (
            BuiltImage(
                bundle=cid,
                name="web",
                digest=self.rebuilt or digest_of(cid),
                archive=Path("/"),
                profile="1/test",
                seal=image.SEAL,
            ),
        )

    def push(self, built: BuiltImage, repository: str) -> PushedImage:
        self._do("push")
        return PushedImage(
            name=built.name, reference=f"r/{repository}@{built.digest}", digest=built.digest, seal=pushed.SEAL
        )

    def prepare(self, release: ApprovedRelease, declared: Administration | None) -> Path | None:
        return None

    def serve(self, release: ApprovedRelease, declared: Administration | None) -> None:
        pass

    def apply(self, application: Application) -> Deployment:
        self._do("deploy")
        images = {name: item.digest for name, item in application.images.items()}
        self.running = Deployment(
            name=application.name,
            release=application.release,
            images=images,
            ready=1,
            wanted=1,
            seal=deployment.SEAL,
        )
        return self.running

    def adopt(self, release: ApprovedRelease) -> None:
        """Have it run, whoever started it."""
        self.running = Deployment(
            name="app",
            release=release.bundle,
            images={"web": digest_of(release.bundle)},
            ready=1,
            wanted=1,
            seal=deployment.SEAL,
        )

    def observe(self, name: str) -> Deployment | None:
        return self.running

    glance = observe

    def remove(self, name: str) -> None:
        self._do("remove")
        self.running = None

    def built(self, wanted: ApprovedRelease, images: bytes) -> None:
        self._do("report")
        self.reported.append(images)

    def deployed(self, wanted: ApprovedRelease) -> None:
        self._do("announce")

    def drift(self) -> None:
        """Somebody with power over the machine puts another image in its place."""
        assert self.running is not None
        self.running = replace(self.running, images={"web": "sha256:" + "ee" * 32}, seal=deployment.SEAL)

    def engines(self) -> Engines:
        return Engines(
            fetch=self.fetch,
            lint=self.lint,
            builder=self,
            registry=self,
            runtime=self,
            reports=self,
            settings=self,
            receipts=self.keeps.append,
        )
