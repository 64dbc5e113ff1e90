"""What follows from the rounds of `vault_peers.py`: medians, the vault's ratios, and the table of the docs."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

OPERATIONS: Final = ("create", "batch", "read", "export", "import")
VAULT: Final = "sqlite"
INSTEAD: Final = {"batch": "create", "import": "create"}
"""What stands for an operation at a server that has no such thing."""

Rate = Mapping[str, float]
Round = Mapping[str, Mapping[str, Rate]]


def summary(rounds: Sequence[Round]) -> dict[str, Any]:
    """Of each operation: records a second and microseconds of processor time each, and the vault's ratios."""
    result: dict[str, Any] = {}
    names = sorted(rounds[0]["create"])
    for operation in OPERATIONS:
        made = {name: [_of(each, operation, name) for each in rounds] for name in names}
        result[operation] = {
            name: {
                "per_second": round(statistics.median(rate["count"] / rate["seconds"] for rate in rates), 1),
                "cpu_us": round(statistics.median(rate["cpu"] / rate["count"] * 1e6 for rate in rates), 1),
                **_ratios(made[VAULT], rates),
            }
            for name, rates in made.items()
        }
    return result


def _ratios(vault: Sequence[Rate], other: Sequence[Rate]) -> dict[str, float]:
    """How many times as fast the vault is, and how many times as much processor time the other takes."""
    pairs = list(zip(vault, other, strict=True))
    speed = [(v["count"] / v["seconds"]) / (o["count"] / o["seconds"]) for v, o in pairs]
    cpu = [(o["cpu"] / o["count"]) / (v["cpu"] / v["count"]) for v, o in pairs]
    return {"speed": round(statistics.median(speed), 2), "cpu": round(statistics.median(cpu), 2)}


def _of(made: Round, operation: str, name: str) -> Rate:
    return made[operation].get(name) or made[INSTEAD[operation]][name]


def table(found: Mapping[str, Any]) -> str:
    """A summary for people to read: in each field the ratio of speed, and that of processor time."""
    columns = {
        "plain": "no encryption",
        "postgresql": "on PostgreSQL",
        "pds": "atproto PDS",
        "solid": "Solid server",
    }
    head = ["operation", "records/s", "CPU us", *(f"to {name}" for name in columns.values())]
    lines = [head, ["---"] * len(head)]
    for operation, made in found.items():
        mine = made[VAULT]
        ratios = [f"{made[name]['speed']:.3g}x ({made[name]['cpu']:.3g}x)" for name in columns]
        lines.append([operation, f"{mine['per_second']:.0f}", f"{mine['cpu_us']:.0f}", *ratios])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def growth_table(sizes: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """What an operation costs at each size: processor time, and its ratio to the smallest size."""
    first = next(iter(sizes.values()))
    lines = [["operation", *(f"{int(size):,} records" for size in sizes)], ["---"] * (len(sizes) + 1)]
    for operation in first:
        costs = [(made[operation]["cpu_us"], first[operation]["cpu_us"]) for made in sizes.values()]
        lines.append([operation, *(f"{cost:.0f} us ({cost / least:.2f}x)" for cost, least in costs)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
