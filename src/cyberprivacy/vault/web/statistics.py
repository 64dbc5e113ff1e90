"""Whether a person is counted in an application's statistics, over HTTP; the numbers are for its node alone."""

from pathlib import Path
from typing import Literal

from cyberprivacy.vault import counting
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.administered import asked
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.web import wire
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Reply, Who


class StatisticShown(wire.Form, frozen=True):
    """What administrators may ask: how many records of a type somebody has, the sum or the latest of a field."""

    name: str
    doc: str
    type: str
    take: Literal["records", "sum", "latest"]
    field: str
    within: wire.Count


class CountedShown(wire.Form, frozen=True):
    """Whether a person is counted here, since when, and in what; nobody is who did not agree."""

    app: str
    counted: bool
    since: wire.Time | None
    statistics: list[StatisticShown]


class Agree(wire.Form, frozen=True):
    """Whether to be counted."""

    counted: bool


class Statistics:
    """The endpoints of agreeing."""

    def __init__(self, database: Database, app: str, parameters: Path) -> None:
        """Ask in the name of an application whose node writes `parameters`."""
        self._database, self._app, self._parameters = database, app, parameters

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        path = "/udi/v1/statistics"
        return [
            Endpoint(
                method="GET", path=path, name="readCounted", who=Who.SESSION, act=Act.READ, run=self._shown,
                summary="Whether one is counted in statistics of this application, and in which.",
                answer=CountedShown,
            ),
            Endpoint(
                method="PUT", path=path, name="agreeToBeCounted", who=Who.SESSION, act=Act.WRITE, run=self._agree,
                summary="Be counted in statistics of this application, or no longer.",
                body=Agree, answer=CountedShown, also=(404,), cost=5,
            ),
        ]  # fmt: skip

    def _shown(self, call: Call) -> Reply:
        owner = call.who.owner(self._app)
        with self._database.reading() as connection:
            return self._told(counting.since(connection, owner))

    def _agree(self, call: Call) -> Reply:
        owner, wanted = call.who.owner(self._app), call.sent(Agree).counted
        with self._database.transaction() as connection:
            if wanted:
                counting.agree(connection, owner, now=int(call.now))
            else:
                counting.disagree(connection, owner)
            return self._told(counting.since(connection, owner))

    def _told(self, since: int | None) -> Reply:
        declared = [
            StatisticShown(
                name=name,
                doc=each.doc,
                type=each.of.type,
                take=each.of.take,
                field=each.of.field,
                within=each.of.within,
            )
            for name, each in asked(self._parameters).items()
        ]
        return Reply(CountedShown(app=self._app, counted=since is not None, since=since, statistics=declared))
