"""PostgreSQL ends and comes back while people write: what was acknowledged is there, once, and who waits is told so."""

from collections import Counter
from pathlib import Path

import pytest
from callers import serving, town, until
from keeping import NOTE
from writers import Writer, progress, writing

from cyberprivacy.testing.postgres import Postgres


@pytest.mark.parametrize("end", ["stop", "crash"])
def test_nothing_acknowledged_is_lost_or_doubled_when_the_database_restarts(tmp_path: Path, end: str) -> None:
    with Postgres(settings=()) as server, town(tmp_path, database=server.create("vault")) as here:
        tokens = [here.person(f"writer {n}", "shop").token for n in range(4)]
        with serving(here) as site:
            writers = [Writer(site, token, f"/udi/v1/records?type={NOTE}", "text") for token in tokens]
            with writing(writers):
                until(progress(writers), bool)
                getattr(server, end)()
                until(lambda: all(each.refused for each in writers), bool)
                server.start()
                until(progress(writers), bool)
            for each in writers:
                assert each.kept() == each.acknowledged
        refused = sum((each.refused for each in writers), Counter[tuple[int, str]]())
        assert {status for status, _ in refused} == {503}
        assert {code for _, code in refused} <= {"database.unreachable", "database.busy"}
