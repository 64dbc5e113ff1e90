"""What a verifier answers: a list of named checks, a level of assurance in plain words, a verdict.

The JSON form is stable; docs/spec/attestation.md describes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Final, Self

SCHEMA: Final = "cyberprivacy.report/1"

OK: Final = "ok"
"""The code of every check that passed."""

ANY_FACTORY: Final = "dao.any-factory"
"""The code of a check that nobody asked for: who made the contracts of a DAO."""

HARMLESS: Final = frozenset(
    {
        *("offline.no-connection", "offline.no-session", "offline.no-nonce", "offline.no-key"),
        *("statement.block-ahead", "os.any-software", ANY_FACTORY),
    }
)
"""Codes of skipped checks that do not stand in the way of acceptance; every other skip does."""

UNSUPPORTED: Final = frozenset(
    {
        *("attestation.version", "evidence.unknown-kind"),
        *("snp.version", "snp.algorithm"),
        *("tdx.version", "tdx.tee", "tdx.key-type", "tdx.vendor", "tdx.body-type"),
    }
)
"""Codes that say: of a kind or version that this program does not know; a newer one may."""

MALFORMED: Final = frozenset(
    {
        *("attestation.form", "json.form", "cid.form", "evidence.form", "evidence.log-form"),
        *("snp.form", "tdx.form", "tdx.collateral-form", "tpm2.form", "tpm2.magic"),
    }
)
"""Codes that say: these bytes cannot be what they claim to be."""


class Verdict(Enum):
    """How one check ended."""

    PASS = "pass"  # noqa: S105  # the word, not a password
    FAIL = "fail"
    SKIP = "skip"


class Answer(Enum):
    """How everything ended: what to do with it."""

    ACCEPT = "accept"
    REJECT = "reject"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"

    @property
    def exit_code(self) -> int:
        """How `cyberprivacy verify` ends; 2 and 3 are taken by misuse and by what is out of reach."""
        return _EXIT_CODES[self]


_EXIT_CODES: Final[Mapping[Answer, int]] = {
    Answer.ACCEPT: 0,
    Answer.REJECT: 1,
    Answer.UNSUPPORTED: 4,
    Answer.MALFORMED: 5,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what was checked, such as "evidence.signature"; stable.
        verdict: pass, fail, or skip (could not be judged).
        code: "ok", or the reason; stable, and unique to the reason.
        detail: one line for people; may change.
    """

    name: str
    verdict: Verdict
    code: str
    detail: str

    @classmethod
    def passed(cls, name: str, detail: str) -> Self:
        """A check that found what it should."""
        return cls(name, Verdict.PASS, OK, detail)

    @classmethod
    def failed(cls, name: str, code: str, detail: str) -> Self:
        """A check that found something else."""
        return cls(name, Verdict.FAIL, code, detail)

    @classmethod
    def skipped(cls, name: str, code: str, detail: str) -> Self:
        """A check that could not be made."""
        return cls(name, Verdict.SKIP, code, detail)

    @classmethod
    def needs(cls, name: str, other: str) -> Self:
        """A check that would mean nothing, because another one did not pass."""
        return cls.skipped(name, f"needs.{other}", f"not judged: {other} did not pass")

    @property
    def acceptable(self) -> bool:
        """Whether a verdict may be good with this check as it is."""
        return self.verdict is Verdict.PASS or (self.verdict is Verdict.SKIP and self.code in HARMLESS)


class Level(IntEnum):
    """How much stands behind the evidence; a higher one is worth more."""

    DEVELOPMENT = 0
    OPERATOR_TRUSTED = 1
    MEASURED_BOOT = 2
    CONFIDENTIAL_VM = 3

    @property
    def label(self) -> str:
        """The name in policies, in JSON and on the command line."""
        return self.name.lower().replace("_", "-")

    @property
    def words(self) -> str:
        """What the level means, in one sentence."""
        return _WORDS[self]

    @property
    def cheats(self) -> tuple[str, ...]:
        """Who could still cheat, one sentence each, although every check passed."""
        return _CHEATS[self]

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """The level of this label; None when there is none."""
        return next((level for level in cls if level.label == label), None)


_WORDS: Final[Mapping[Level, str]] = {
    Level.CONFIDENTIAL_VM: "A processor vendor vouches for the measured software, and memory is encrypted.",
    Level.MEASURED_BOOT: "A TPM vouches for what was started on this machine; memory is not encrypted.",
    Level.OPERATOR_TRUSTED: "No hardware vouches for the machine; its operator is known, and believed.",
    Level.DEVELOPMENT: "For trying things out: a software TPM under a root that somebody made for development.",
}

_EVERYWHERE: Final = (
    "whoever finds a hole in the released code or in the operating system",
    "a majority of the DAO's votes, in public and only after the laps",
)

_GIVEN: Final = "whoever gave you the DAO's address: contracts of their own could say all this (--factory)"

_CHEATS: Final[Mapping[Level, tuple[str, ...]]] = {
    Level.CONFIDENTIAL_VM: (
        "somebody with physical access, an interposer on the memory bus and time",
        "the processor's vendor, or whoever steals its keys",
        *_EVERYWHERE,
    ),
    Level.MEASURED_BOOT: (
        "somebody with physical access to memory or to the TPM's bus",
        "whoever can put other firmware on the machine: it says what was started, and is believed",
        "the vendors of the TPM and of the firmware, or whoever steals their keys",
        *_EVERYWHERE,
    ),
    Level.OPERATOR_TRUSTED: (
        "the operator and every administrator of the machine or cluster: they can read and change everything",
        *_EVERYWHERE,
    ),
    Level.DEVELOPMENT: (
        "whoever runs the machine: the measurement is what its software says of itself",
        "whoever holds the key of the development root: that key certifies any TPM, also an invented one",
        *_EVERYWHERE,
    ),
}


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to "may I trust this?".

    Attributes:
        checks: every check that was made, in the order in which a reader should see them.
        level: what the evidence is worth; None when nothing was proven.
        facts: what the proof says of itself (release, measurement, age…), by name; text and numbers only.
        clusters: in which it says that the application runs; none = it names none.
    """

    checks: tuple[Check, ...]
    level: Level | None
    facts: Mapping[str, str | int] = field(default_factory=dict)
    clusters: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether every check passed, but for those that are harmless to skip."""
        return bool(self.checks) and self.level is not None and all(check.acceptable for check in self.checks)

    @property
    def verdict(self) -> "Answer":
        """What to do with it.

        One check that fails for what was read is enough for `reject`: neither a newer program nor bytes that
        arrive whole would help. `unsupported` and `malformed` are for evidence with no other fault.
        """
        if self.accepted:
            return Answer.ACCEPT
        codes = {check.code for check in self.failures}
        if not codes or codes - UNSUPPORTED - MALFORMED:
            return Answer.REJECT
        return Answer.MALFORMED if codes & MALFORMED else Answer.UNSUPPORTED

    @property
    def cheats(self) -> tuple[str, ...]:
        """Who could still cheat: by the level, where nobody looked who made the DAO, by each cluster.

        Nobody is named when nothing was proven.
        """
        if self.level is None:
            return ()
        unknown = any(check.code == ANY_FACTORY for check in self.checks)
        named = (
            f"whoever administers the cluster {name}, in which it says that it runs" for name in self.clusters
        )
        return (*self.level.cheats, *((_GIVEN,) if unknown else ()), *named)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAIL)

    def check(self, name: str) -> Check:
        """The check of this name.

        Raises:
            KeyError: no such check was made.
        """
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def as_json(self) -> dict[str, object]:
        """The stable JSON form ("cyberprivacy.report/1")."""
        level = self.level
        return {
            "schema": SCHEMA,
            "verdict": self.verdict.value,
            "level": None if level is None else level.label,
            "meaning": "" if level is None else level.words,
            "who_could_cheat": list(self.cheats),
            "checks": [
                {"name": check.name, "verdict": check.verdict.value, "code": check.code, "detail": check.detail}
                for check in self.checks
            ],
            "facts": dict(self.facts),
        }


def one_of_each(checks: Iterable[Check], names: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks in the order of `names`, so that none can be forgotten or made twice.

    Raises:
        ValueError: a name is missing, unknown or there twice; that is a mistake in the verifier itself.
    """
    made = tuple(checks)
    found = {check.name: check for check in made}
    if len(found) != len(made) or found.keys() != set(names):
        raise ValueError(f"checks made: {sorted(check.name for check in made)}, wanted: {sorted(names)}")
    return tuple(found[name] for name in names)
