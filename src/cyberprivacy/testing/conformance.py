"""Makes the file of cases that every verifier of evidence should judge alike.

    python -m cyberprivacy.testing.conformance src/cyberprivacy/attest/cases/evidence.jsonl.gz

Keys are new each time; which cases there are, what is wrong in each and how it must be judged is always the same.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path
from typing import Final

from cyberprivacy.attest.conformance import Case, Said, pack
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.report import Answer, Level

NOW: Final = 1_800_000_000
BINDING: Final = sha512(b"CyberPrivacy conformance").digest()
OTHER: Final = sha512(b"something else").digest()
LEAST: Final = "development"


@dataclass(frozen=True, kw_only=True)
class Bent:
    """One case, as its maker writes it down.

    Attributes:
        name: the case's id behind its kind.
        about: what is special about it.
        evidence: made for `BINDING`, unless that is what is wrong.
        root: the root that is trusted; b"" = none.
        code: the reason code that must answer, or several, with blanks between; "" = it must be accepted.
        policy: beside the least level.
        at: seconds since 1970.
        verdict: when it is not what the code makes plain.
    """

    name: str
    about: str
    evidence: Evidence
    root: bytes
    code: str = ""
    policy: Mapping[str, object] = field(default_factory=dict)
    at: int = NOW
    verdict: Answer = Answer.REJECT

    def case(self) -> Case:
        """The case."""
        kind = "any" if self.code == "evidence.unknown-kind" else self.evidence.kind
        name = f"{kind}.{self.name}"
        verdict = self.verdict if self.code else Answer.ACCEPT
        return Case(
            id=name,
            about=self.about,
            evidence=self.evidence,
            binding=BINDING,
            roots={self.root: Level.DEVELOPMENT} if self.root else {},
            policy={"least": LEAST, **self.policy},
            at=self.at,
            expect=Said(name, verdict, tuple(sorted(self.code.split()))),
        )


Row = tuple[str, str, Evidence, str]
"""Name, what is special about it, evidence, and the code that must answer."""


def refused(rows: Iterable[Row], *, root: bytes, verdict: Answer = Answer.REJECT) -> Iterator[Bent]:
    """A case for each row, under the same root, with the same verdict."""
    for name, about, evidence, code in rows:
        yield Bent(name=name, about=about, evidence=evidence, root=root, code=code, verdict=verdict)


def with_fields(evidence: Evidence, **fields: bytes | None) -> Evidence:
    """The same evidence with these fields; None = without it."""
    merged = {**evidence.fields, **fields}
    return Evidence(evidence.kind, {name: data for name, data in merged.items() if data is not None})


def flipped(data: bytes, at: int) -> bytes:
    """The same bytes but for one bit."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def everything() -> Iterator[Case]:
    """All cases, kind by kind."""
    from cyberprivacy.testing.casesnp import snp_cases
    from cyberprivacy.testing.casetdx import tdx_cases
    from cyberprivacy.testing.casetpm import tpm_cases

    made: Iterable[Bent] = (*tpm_cases(), *snp_cases(), *tdx_cases())
    for bent in made:
        yield bent.case()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(pack(everything()))
