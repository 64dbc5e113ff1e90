"""From what an application says of its users to one noisy answer: differential privacy, whoever reads it.

A user contributes one number, so one user more or less changes a count by 1 and a sum by the larger bound. An
answer is withheld when the *noisy* number of users is small; withholding it on the true number would itself tell
something for certain. Everything after the noise is post-processing.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Protocol

from cyberprivacy.admin.refusals import BadContributions
from cyberprivacy.bundle.declared import Statistic
from cyberprivacy.canonical import nested_within

MAX_BYTES: Final = 8 << 20
"""Of an application's answer."""
MAX_USERS: Final = 250_000
MAX_ID: Final = 64
_LARGEST: Final = 1 << 53

Answer = dict[str, object]
"""{"query": …, "suppressed": bool, "value": whole number, decimal text, list of numbers and nulls, or null}."""


class Noise(Protocol):
    """Adds noise to whole numbers."""

    def add(self, values: Sequence[int], *, sensitivity: int, epsilon: int) -> tuple[int, ...]:
        """Release these numbers.

        Args:
            values: exact numbers.
            sensitivity: by how much one user can change all of them together (sum of the differences), 1 and up.
            epsilon: privacy loss of the release, in thousandths, 1 and up.
        """
        ...


def contributions(body: bytes) -> tuple[int, ...]:
    """The numbers in an application's answer, one for each user, in no order that matters.

    Args:
        body: JSON list of pairs, an opaque name of a user (1 to 64 characters) and a whole number.

    Raises:
        BadContributions: too large, of another form, or a user twice.
    """
    if len(body) > MAX_BYTES or not nested_within(body, 2):
        raise BadContributions("the application's numbers are too many, or nested", limit=MAX_BYTES)
    try:
        rows = json.loads(body)
    except ValueError:
        raise BadContributions("the application's numbers are no JSON") from None
    if not isinstance(rows, list) or len(rows) > MAX_USERS:
        raise BadContributions(f"not a list of {MAX_USERS} users at most")
    found: dict[str, int] = {}
    for row in rows:
        match row:
            case [str(user), int(number)] if not isinstance(number, bool) and 0 < len(user) <= MAX_ID:
                if user in found or abs(number) > _LARGEST:
                    raise BadContributions("a user twice, or a number past 2**53")
                found[user] = number
            case _:
                raise BadContributions("a row that is not a user and a whole number")
    return tuple(found.values())


def answer(statistic: Statistic, numbers: Sequence[int], noise: Noise) -> Answer:
    """What may be told; its privacy loss is exactly `statistic.epsilon`.

    Source: C. Dwork, A. Roth, The Algorithmic Foundations of Differential Privacy (2014), theorems 3.6 and 3.16.
    """
    clamped = [min(max(number, statistic.least), statistic.most) for number in numbers]
    half = statistic.epsilon // 2
    match statistic.query:
        case "count":
            (users,) = noise.add([len(clamped)], sensitivity=1, epsilon=statistic.epsilon)
            return _told(statistic, users, max(0, users))
        case "histogram":
            counts = [0] * (len(statistic.bins) + 1)
            for number in clamped:
                counts[bisect_right(statistic.bins, number)] += 1
            told = noise.add(counts, sensitivity=1, epsilon=statistic.epsilon)
            shown = [each if each >= statistic.least_count else None for each in told]
            return {"query": "histogram", "suppressed": not any(shown), "value": shown if any(shown) else None}
        case "sum" | "mean":
            (users,) = noise.add([len(clamped)], sensitivity=1, epsilon=half)
            widest = max(abs(statistic.least), abs(statistic.most))
            (total,) = noise.add([sum(clamped)], sensitivity=widest, epsilon=statistic.epsilon - half)
            if statistic.query == "sum":
                return _told(statistic, users, min(max(total, -_LARGEST), _LARGEST))
            return _told(statistic, users, _mean(statistic, total, users))


def _told(statistic: Statistic, users: int, value: int | str) -> Answer:
    few = users < statistic.least_count
    return {"query": statistic.query, "suppressed": few, "value": None if few else value}


def _mean(statistic: Statistic, total: int, users: int) -> str:
    """Rounded down to thousandths, inside the declared bounds, as text: canonical JSON has no fractions."""
    thousandths = total * 1000 // max(1, users)
    inside = min(max(thousandths, statistic.least * 1000), statistic.most * 1000)
    whole, rest = divmod(abs(inside), 1000)
    return f"{'-' if inside < 0 else ''}{whole}.{rest:03d}"
