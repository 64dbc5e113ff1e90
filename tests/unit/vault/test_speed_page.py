"""What the page about speed says is what the raw data beside it says."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT / "bench"))  # last: its modules have short names
from peers.summary import growth_table, summary, table  # noqa: E402

PAGE = (ROOT / "docs/reference/vault-speed.md").read_text()


def raw(name: str) -> Any:
    return json.loads((ROOT / "bench/results" / name).read_text())


def test_the_table_of_servers_follows_from_the_rounds() -> None:
    found = raw("vault-peers.json")
    assert found["summary"] == summary(found["rounds"])
    assert table(found["summary"]) in PAGE
    assert found["peers"] == json.loads((ROOT / "bench/peers/package.json").read_text())["dependencies"]


def test_the_table_of_growth_is_that_of_the_raw_data() -> None:
    assert growth_table(raw("vault-growth.json")["sizes"]) in PAGE


def test_every_statement_of_a_large_vault_finds_its_rows_by_an_index() -> None:
    plans = raw("vault-growth.json")["plans"]
    assert len(plans) > 5
    assert not [name for name, plan in plans.items() if "SCAN" in plan or "TEMP B-TREE" in plan]


def test_the_time_until_a_change_can_be_read_elsewhere_is_that_of_the_raw_data() -> None:
    found = raw("events.json")
    for part in ("commit_to_readable", "bare_round_trip"):
        assert f"{found[part]['median_ms']:.1f} ms, 99 % within {found[part]['p99_ms']:.1f} ms" in PAGE
