"""What the page about costs says is what the raw data beside it says."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
sys.path.append(str(ROOT / "bench"))  # last: its modules have short names
from cluster.summary import ratios, restart_table, rollout_table, steady_table  # noqa: E402

PAGE = (ROOT / "docs/reference/kubernetes-cost.md").read_text()
RAW, BEFORE = (
    json.loads((ROOT / f"bench/results/{name}.json").read_text()) for name in ("kubernetes", "kubernetes-before")
)


def test_the_tables_are_those_of_the_raw_data() -> None:
    assert RAW["rollout"]["summary"] == ratios(RAW["rollout"]["rounds"])
    for table in (
        rollout_table(RAW["rollout"]["summary"]),
        steady_table(RAW["at_rest"]),
        restart_table(RAW["restart"]),
    ):
        assert table in PAGE
    assert RAW["kubernetes"] in PAGE


def test_the_loop_at_rest_costs_no_more_requests_however_many_applications_there_are() -> None:
    found = {row["applications"]: row for row in RAW["at_rest"] if row["applications"]}
    assert sorted(found) == [10, 100, 1000]
    for row in found.values():
        assert row["calls_per_minute"] < 150
        assert row["unwell"] == 0
        # A measurement of a loop that stood still would say the same: it looked.
        assert row["looks"] > row["applications"] * row["seconds"] / 2


def test_what_it_cost_before_is_that_of_the_raw_data() -> None:
    before = {row["applications"]: row for row in BEFORE["at_rest"]}
    assert f"{before[10]['calls_per_minute']:,.0f} requests a minute with 10 applications" in PAGE
    assert f"and {before[100]['calls_per_minute']:,.0f} with 100" in PAGE
    assert before[100]["looks"] < 100 * before[100]["seconds"]
