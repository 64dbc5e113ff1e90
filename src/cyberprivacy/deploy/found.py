"""A container as the engine describes it, read into what we ask about."""

from collections.abc import Mapping
from dataclasses import dataclass

from cyberprivacy.deploy.plan import PREFIX
from cyberprivacy.errors import TryLater


class EngineFailed(TryLater):
    """The container engine did not do what it was asked."""

    code = "deploy.engine"
    hint = "Look at the reason; a full disk and a registry that is out of reach are the usual ones."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A container as the engine describes it now.

    Attributes:
        id: 64 hex digits.
        name: its name.
        status: "running", "exited", "created", "initialized" …
        pid: of its first process on the host; 0 when none.
        exit_code: of the last run.
        image: config digest of the image that it really runs (64 hex digits).
        digests: every manifest digest under which that image was pulled.
        sessions: how many `exec` sessions somebody opened in it; we never open one.
        labels: ours, without the prefix.
    """

    id: str
    name: str
    status: str
    pid: int
    exit_code: int
    image: str
    digests: frozenset[str]
    sessions: int
    labels: Mapping[str, str]

    @property
    def running(self) -> bool:
        """Whether its first process lives."""
        return self.status == "running"


def digests_of(image: Mapping[str, object]) -> frozenset[str]:
    """Every manifest digest under which the engine pulled this image."""
    named = image.get("RepoDigests")
    return frozenset(str(name).rpartition("@")[2] for name in named) if isinstance(named, list) else frozenset()


def found(described: Mapping[str, object], digests: frozenset[str]) -> Found:
    """A container from podman's own description; `digests` are those of its image.

    Raises:
        EngineFailed: the description has another form than podman's.
    """
    state, config = described["State"], described["Config"]
    if not isinstance(state, dict) or not isinstance(config, dict):
        raise EngineFailed("podman describes a container in an unknown way")
    sessions, labels = described.get("ExecIDs"), config.get("Labels") or {}
    return Found(
        id=str(described["Id"]),
        name=str(described["Name"]),
        status=str(state["Status"]),
        pid=int(state["Pid"]),
        exit_code=int(state["ExitCode"]),
        image=str(described["Image"]),
        digests=digests,
        sessions=len(sessions) if isinstance(sessions, list) else 0,
        labels={key.removeprefix(PREFIX): str(text) for key, text in labels.items() if key.startswith(PREFIX)},
    )
