"""What follows from the raw data: ratios, and the tables of the page."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Raw = Mapping[str, Any]


def ratios(rounds: Sequence[Raw]) -> dict[str, dict[str, float]]:
    """For a first release and for an update: median seconds of both, and the median of the rounds' ratios."""
    found: dict[str, dict[str, float]] = {}
    for what in ("first", "update"):
        pairs = [(one[what]["ours"], one[what]["kubectl"]["all"]) for one in rounds]
        found[what] = {
            "users": statistics.median(ours["users"] for ours, _ in pairs),
            "all": statistics.median(ours["all"] for ours, _ in pairs),
            "kubectl": statistics.median(bare for _, bare in pairs),
            "ratio_users": round(statistics.median(ours["users"] / bare for ours, bare in pairs), 2),
            "ratio_all": round(statistics.median(ours["all"] / bare for ours, bare in pairs), 2),
        }
    return found


def rollout_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """For people."""
    lines = [
        "| | `kubectl` | ours, until users are on it | ratio | ours, until all is done | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for what, title in (("first", "first release"), ("update", "update")):
        one = found[what]
        lines.append(
            f"| {title} | {one['kubectl']:.1f} s | {one['users']:.1f} s | {one['ratio_users']:.2f}"
            f" | {one['all']:.1f} s | {one['ratio_all']:.2f} |"
        )
    return "\n".join(lines)


def steady_table(rows: Sequence[Raw]) -> str:
    """For people."""
    lines = [
        "| applications | requests a minute | node: processor, memory | | API server: processor | etcd: same |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        node = ("", "", "")
        if row["applications"]:
            per_minute = f"{row['calls_per_minute']:,.0f}"
            node = (per_minute, f"{row['cpu']['node']:.1%}", f"{row['memory_mib']:.0f} MiB")
        rest = f"{row['cpu']['kube-apiserver']:.1%} | {row['cpu']['etcd']:.1%}"
        lines.append(f"| {row['applications'] or 'none'} | {' | '.join(node)} | {rest} |")
    return "\n".join(lines)


def restart_table(rows: Sequence[Raw]) -> str:
    """For people."""
    lines = [
        "| how it ended | until it acts again | until all are looked after |",
        "|---|---|---|",
    ]
    lines += [f"| {row['ended']} | {row['led']:.0f} s | {row['converged']:.0f} s |" for row in rows]
    return "\n".join(lines)
