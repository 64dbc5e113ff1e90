"""What an application lets its administrators turn and ask, as values: the DAO votes on these.

A value that an administrator sends is text in one spelling; `read` gives what the application sees.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from cyberprivacy.bundle.pattern import Pattern

Value = int | bool | str
"""What an application reads: decimals are text, with exactly the declared places."""

Query = Literal["count", "sum", "mean", "histogram"]
Take = Literal["records", "sum", "latest"]
STATISTICS: Final = "/.well-known/cyberprivacy/statistics"
"""Where an application answers the node. The front sends users' requests for this path to the node instead."""

MAX_VALUE: Final = 400
"""Characters of any value as it is sent."""
_WHOLE: Final = re.compile(r"(0|-?[1-9][0-9]{0,15})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def read(self, text: str) -> int:
        """The number; raises ValueError."""
        if not _WHOLE.match(text) or not self.least <= int(text) <= self.most:
            raise ValueError(f"not a whole number from {self.least} to {self.most}")
        return int(text)


@dataclass(frozen=True, slots=True)
class DecimalNumber:
    """A number with exactly `places` digits after the point; bounds in units of the last place."""

    places: int
    least: int
    most: int

    def read(self, text: str) -> str:
        """The same text; raises ValueError."""
        if not self.least <= units(text, self.places) <= self.most:
            raise ValueError(f"not from {self.shown(self.least)} to {self.shown(self.most)}")
        return text

    def shown(self, number: int) -> str:
        """A number of the last place's units, as text."""
        whole, rest = divmod(abs(number), 10**self.places)
        return f"{'-' if number < 0 else ''}{whole}.{rest:0{self.places}d}"


@dataclass(frozen=True, slots=True)
class Switch:
    """`true` or `false`."""

    def read(self, text: str) -> bool:
        """The truth value; raises ValueError."""
        if text not in ("true", "false"):
            raise ValueError("neither true nor false")
        return text == "true"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a list."""

    choices: tuple[str, ...]

    def read(self, text: str) -> str:
        """The same text; raises ValueError."""
        if text not in self.choices:
            raise ValueError(f"not one of {', '.join(self.choices)}")
        return text


@dataclass(frozen=True, slots=True)
class Words:
    """Text of one pattern."""

    pattern: Pattern

    def read(self, text: str) -> str:
        """The same text; raises ValueError."""
        if not self.pattern.matches(text):
            raise ValueError(f"not of the form {self.pattern.source}")
        return text


Kind = WholeNumber | DecimalNumber | Switch | Choice | Words


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter or an algorithm.

    Attributes:
        name: RFC 1123 label, unique among all that is declared.
        kind: which values it may have; always `Choice` for an algorithm.
        default: a value as it would be sent.
        unit: for people; "" = none.
        doc: what turning it does.
    """

    name: str
    kind: Kind
    default: str
    unit: str
    doc: str


@dataclass(frozen=True, slots=True)
class FromRecords:
    """What one user contributes: a number that the application's vault finds in that user's records.

    Attributes:
        type: of the records.
        take: how many there are, the sum of a field, or the field in the one that changed last.
        field: a whole number in each record; "" where records are counted.
        within: seconds since the last change of a record, for it to count; 0 = however old.
    """

    type: str
    take: Take
    field: str
    within: int

    def __str__(self) -> str:
        taken = {"records": "number of", "sum": f"sum of {self.field} in", "latest": f"latest {self.field} in"}
        age = f" of the last {self.within} seconds" if self.within else ""
        return f"{taken[self.take]} {self.type}{age}"


@dataclass(frozen=True, slots=True)
class Statistic:
    """A question that may be asked, and how much one answer may tell.

    Attributes:
        name: as in `Setting`; the application answers below `STATISTICS`.
        query: what is computed over the contributions, one for each user.
        least, most: every contribution is brought into these bounds before it counts.
        bins: for a histogram, the lower edges of all bins but the first, ascending; else ().
        epsilon: privacy loss of one answer, in thousandths.
        budget: privacy loss of one period at most, in thousandths.
        period: seconds.
        least_count: with (noisily) fewer users than this, the answer is that there are too few.
        of: where the numbers come from; None = the application makes them itself.
    """

    name: str
    doc: str
    query: Query
    least: int
    most: int
    bins: tuple[int, ...]
    epsilon: int
    budget: int
    period: int
    least_count: int
    of: FromRecords | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """Whoever has a role of an OpenZeppelin `AccessControl` contract: `hasRole(role, account)`."""

    contract: str
    role: bytes


@dataclass(frozen=True, slots=True)
class Administration:
    """The manifest's section `admin`.

    Attributes:
        administrators: addresses with checksum, or roles.
        delay: seconds between the public entry and the moment at which a setting takes effect.
    """

    administrators: tuple[str | Role, ...]
    delay: int
    parameters: tuple[Setting, ...]
    algorithms: tuple[Setting, ...]
    statistics: tuple[Statistic, ...]


def units(text: str, places: int) -> int:
    """A decimal number with exactly `places` digits after the point, in units of the last place.

    Raises:
        ValueError: another spelling.
    """
    form = rf"(0|-?[1-9][0-9]{{0,11}}|-0)\.[0-9]{{{places}}}"
    if re.fullmatch(form, text, re.ASCII) is None or re.fullmatch(r"-0\.0+", text):
        raise ValueError(f"not a number with {places} digits after the point")
    return int(text.replace(".", ""))
