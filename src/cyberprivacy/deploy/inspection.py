"""What really runs, told from what the engine says: pure, so that every lie can be tried in a test."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address

from cyberprivacy.cid import Cid
from cyberprivacy.deploy.deployment import SEAL, Deployment
from cyberprivacy.deploy.found import Found
from cyberprivacy.deploy.plan import Care, Endpoint
from cyberprivacy.errors import CyberPrivacyError, Untrusted

_LABELS = {"app", "release", "spec", "workload", "replica", "image", "digest", "address", "care"}


class Foreign(Untrusted):
    """Something runs here that the node did not start."""

    code = "deploy.foreign"
    hint = "Somebody had their hands on this machine; the node removes it when it applies the release again."


def orphans(everything: Iterable[Found]) -> list[Found]:
    """Containers that cannot be ours: labels missing or unreadable, or a name that does not follow from them."""
    return [found for found in everything if not _is_ours(found)]


def _is_ours(found: Found) -> bool:
    labels = found.labels
    if labels.keys() != _LABELS:
        return False
    try:
        Care.parse(labels["care"])
        Cid.parse(labels["release"])
        IPv4Address(labels["address"])
    except (CyberPrivacyError, ValueError):
        return False
    return found.name == f"{labels['app']}-{labels['spec'][:12]}-{labels['workload']}-{labels['replica']}"


def address_of(found: Found) -> IPv4Address:
    """Where a container of ours is plugged in."""
    return IPv4Address(found.labels["address"])


def endpoint_of(found: Found) -> Endpoint | None:
    """Where users reach this container; None when it is not public."""
    port = Care.parse(found.labels["care"]).public
    return Endpoint(address_of(found), port) if port else None


def refuse_foreign(everything: Iterable[Found], cables: Collection[str]) -> None:
    """Refuse a machine on which somebody else had their hands.

    Args:
        everything: all containers of our engine.
        cables: links on the application's bridge that belong to no container of ours.

    Raises:
        Foreign: a container, an `exec` session or a cable that is not ours.
    """
    if strange := [found.name for found in orphans(everything)]:
        raise Foreign("containers that we did not start", containers=strange)
    if entered := [found.name for found in everything if found.sessions]:
        raise Foreign("somebody entered a container", containers=entered)
    if cables:
        raise Foreign("cables that we did not plug in", cables=sorted(cables))


def deployment_of(
    name: str,
    serving: Collection[Found],
    ours: Collection[Found],
    endpoints: Collection[Endpoint],
    *,
    ready: int,
) -> Deployment:
    """The deployment that these containers are.

    Args:
        name: application.
        serving: containers of the generation that serves; at least one.
        ours: all containers of the application, of every generation.
        endpoints: where the front sends users.
        ready: how many of those that serve say that they are ready.

    Raises:
        Foreign: users are sent elsewhere, or containers of one image run different ones.
    """
    if elsewhere := set(endpoints) - {endpoint_of(found) for found in ours}:
        raise Foreign("users are sent to something else", endpoints=sorted(map(str, elsewhere)))
    images: dict[str, str] = {}
    for found in serving:
        label, image = found.labels["digest"], found.labels["image"]
        actual = label if label in found.digests else min(found.digests, default=f"sha256:{found.image}")
        if images.setdefault(image, actual) != actual:
            raise Foreign("one image name, two images", image=image, digests=sorted({images[image], actual}))
    first = next(iter(serving)).labels
    return Deployment(
        name=name,
        release=Cid.parse(first["release"]),
        images=images,
        ready=ready,
        wanted=Care.parse(first["care"]).wanted,
        seal=SEAL,
    )
