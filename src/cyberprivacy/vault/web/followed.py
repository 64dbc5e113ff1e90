"""A person's followings over HTTP: grants under which another application's records come here by themselves."""

from typing import Literal

from cyberprivacy.vault.account import Act
from cyberprivacy.vault.carriage import LIMIT, SignedGrant
from cyberprivacy.vault.following import Follower
from cyberprivacy.vault.followings import Following, Followings
from cyberprivacy.vault.sessions import NoSession
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.web import wire
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who


class FollowingShown(wire.Form, frozen=True):
    """A grant that is followed: changes that came in, and records that could not be taken.

    `why` is the reason code of the state, "" while all is well.
    """

    grant: wire.Id16
    app: str
    state: Literal["following", "waiting", "ended"]
    why: str
    received: wire.Count
    refused: wire.Count
    begun: wire.Time
    heard: wire.Time


class FollowingList(wire.Form, frozen=True):
    """What comes here, oldest first."""

    followings: list[FollowingShown]


class Followed:
    """The endpoints of what comes to an application under grants."""

    def __init__(self, sharing: Sharing, followings: Followings, follower: Follower) -> None:
        self._sharing, self._followings, self._follower = sharing, followings, follower

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        path = "/udi/v1/followings"
        return [
            Endpoint(
                method="POST", path=path, name="follow", who=Who.SESSION, act=Act.GRANT, run=self._follow,
                summary="Follow a signed grant of which this is the recipient; again changes nothing.",
                body=Media.JSON, limit=LIMIT, answer=FollowingShown, status=201, also=(404,), cost=50,
            ),
            Endpoint(
                method="GET", path=path, name="listFollowings", who=Who.SESSION, act=Act.READ, run=self._list,
                summary="What comes here by itself, and how it stands.", answer=FollowingList, cost=5,
            ),
        ]  # fmt: skip

    def _follow(self, call: Call) -> Reply:
        self._check(call)
        if SignedGrant.decode(call.octets).grant.subject != call.who.account:
            raise NoSession("this grant is another person's", code="session.account")
        return Reply(_shown(self._follower.ask(call.octets)))

    def _list(self, call: Call) -> Reply:
        self._check(call)
        found = self._followings.all(self._sharing.owner(call.who.account))
        return Reply(FollowingList([_shown(each) for each in found]))

    def _check(self, call: Call) -> None:
        """Refuse a session of another application than the one to which things come."""
        if call.who.app not in ("", self._sharing.own.app):
            raise NoSession("this session is another application's", code="session.app", app=call.who.app)


def _shown(found: Following) -> FollowingShown:
    return FollowingShown(
        grant=found.grant.id.hex(),
        app=found.grant.source.app,
        state=found.state.value,
        why=found.why,
        received=found.received,
        refused=found.refused,
        begun=found.begun,
        heard=found.heard,
    )
