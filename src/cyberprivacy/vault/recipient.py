"""Who gets the records: a release policy that people consent to, and whether what runs there keeps to it.

A policy names an application's DAO and what evidence is asked for, not one build: an ordinary update must not end
every standing grant. A release that wants more types or other purposes than the policy lists does end them.
Source: docs/spec/udi-1.md, "Release policies".
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.report import Level, Report
from cyberprivacy.bundle.datatype import NAME
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.grant import APP, MAX_PURPOSE, Party
from cyberprivacy.vault.wording import plain

LIMIT: Final = 16 << 10
"""Bytes of a release policy."""
MAX_MEASUREMENTS: Final = 64
MAX_ITEMS: Final = 64
NOBODY: Final = "0x" + "0" * 40
"""In place of a DAO, of an application that has none."""
_FIELDS: Final = frozenset({"v", "app", "chain", "dao", "evidence", "measurements", "purposes", "types"})
_DAO: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_LEVEL: Final = re.compile(r"[a-z-]{1,32}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ANY: Final = re.compile(r".{1,200}")


class NotTheRecipient(Untrusted):
    """What is at the other end is not what the person consented to."""

    code = "recipient.policy"
    hint = "Ask the person again, with the policy and the release that are there now."


@dataclass(frozen=True, slots=True)
class Declared:
    """What a release says that it takes: data types, and purposes in the words of its manifest."""

    types: frozenset[str]
    purposes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReleasePolicy:
    """What has to run at an application for consent to hold.

    Attributes:
        app: its name.
        chain: EIP-155 chain of its DAO. dao: address of that, as text; `NOBODY` if it has none.
        evidence: the lowest level that is accepted; None = none is asked for, and the consent text says so.
        measurements: the only software that is accepted, 32 bytes each; None = what the DAO releases.
        declared: the most that it may take.
    """

    app: str
    chain: int
    dao: str
    evidence: Level | None
    measurements: frozenset[bytes] | None
    declared: Declared

    def encode(self) -> bytes:
        """Canonical JSON; its SHA-256 is what a grant names."""
        return canonical.encode(
            {
                "v": 1,
                "app": self.app,
                "chain": self.chain,
                "dao": self.dao,
                "evidence": None if self.evidence is None else self.evidence.label,
                "measurements": None
                if self.measurements is None
                else sorted(each.hex() for each in self.measurements),
                "purposes": sorted(self.declared.purposes),
                "types": sorted(self.declared.types),
            }
        )

    @property
    def digest(self) -> bytes:
        """32 bytes."""
        return sha256(self.encode()).digest()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read one.

        Raises:
            NotTheRecipient: not the form of the specification ("recipient.form"); NotCanonical: not its spelling.
        """
        try:
            made = cls._read(Document(canonical.decode(data, limit=LIMIT), "policy", _FIELDS))
        except BadDocument as error:
            raise NotTheRecipient(str(error), code="recipient.form") from None
        if made.encode() != data:
            raise NotTheRecipient("a list is not in order", code="recipient.form")
        return made

    @classmethod
    def _read(cls, document: Document) -> Self:
        document.version()
        wanted, purposes = document.raw("evidence"), document.texts("purposes", _ANY, limit=MAX_ITEMS)
        level = None if wanted is None else Level.parse(document.text("evidence", _LEVEL))
        if (level is None) != (wanted is None) or not all(plain(each, MAX_PURPOSE) for each in purposes):
            raise BadDocument("not a level of assurance, or not a purpose", evidence=repr(wanted)[:40])
        named = document.raw("measurements")
        pinned = () if named is None else document.texts("measurements", _DIGEST, limit=MAX_MEASUREMENTS)
        return cls(
            app=document.text("app", APP),
            chain=document.integer("chain"),
            dao=document.text("dao", _DAO),
            evidence=level,
            measurements=None if named is None else frozenset(map(bytes.fromhex, pinned)),
            declared=Declared(frozenset(document.texts("types", NAME, limit=MAX_ITEMS)), frozenset(purposes)),
        )


@dataclass(frozen=True, slots=True)
class Presented:
    """What is at the other end, as the caller found it.

    Attributes:
        policy: the release policy that it shows.
        cluster: the cluster that its node has joined, as 32 bytes.
        declared: what the release that runs there takes.
        report: the verifier's answer about it; None when no evidence was asked for.
        ourselves: whether it is this place, which asks itself for no evidence.
    """

    policy: ReleasePolicy
    cluster: bytes
    declared: Declared
    report: Report | None
    ourselves: bool = False


def check_party(party: Party, found: Presented) -> None:
    """Refuse unless what is at the other end is what a grant names.

    Raises:
        NotTheRecipient: another policy ("recipient.policy"), application ("recipient.app") or cluster
            ("recipient.cluster"); evidence missing or not accepted ("recipient.evidence"), of too low a level
            ("recipient.level"), about another DAO ("recipient.dao") or other software ("recipient.measurement");
            or the release takes more than the policy lists ("recipient.widened").
    """
    if found.policy.digest != party.policy:
        raise NotTheRecipient("another release policy", wanted=party.policy.hex(), found=found.policy.digest.hex())
    if found.policy.app != party.app:
        raise NotTheRecipient("a policy of another application", code="recipient.app", found=found.policy.app)
    if found.cluster != party.cluster:
        raise NotTheRecipient("another cluster", code="recipient.cluster", found=found.cluster.hex())
    if found.policy.evidence is not None and not found.ourselves:
        _check_evidence(found.policy, found.policy.evidence, found.report)
    allowed = found.policy.declared
    more = sorted((found.declared.types - allowed.types) | (found.declared.purposes - allowed.purposes))
    if more:
        raise NotTheRecipient("the release takes more than was agreed", code="recipient.widened", more=more[:8])


def check_wanted(policy: ReleasePolicy, purpose: str, types: AbstractSet[str]) -> None:
    """Refuse what the recipient's policy does not list: a purpose that it invents per person is none.

    Raises:
        NotTheRecipient: another purpose ("recipient.purpose"), or more types ("recipient.type").
    """
    if purpose not in policy.declared.purposes:
        raise NotTheRecipient("not a purpose of the policy", code="recipient.purpose", purpose=purpose)
    more = sorted(types - policy.declared.types)
    if more:
        raise NotTheRecipient("a type that the policy does not list", code="recipient.type", types=more)


def _check_evidence(policy: ReleasePolicy, least: Level, report: Report | None) -> None:
    if report is None:
        raise NotTheRecipient("there is no evidence of what runs there", code="recipient.evidence", checks=[])
    if not report.accepted or report.level is None:
        failed = [check.code for check in report.checks if not check.acceptable]
        raise NotTheRecipient("the evidence is not accepted", code="recipient.evidence", checks=failed[:8])
    if report.level < least:
        raise NotTheRecipient("evidence of too low a level", code="recipient.level", level=report.level.label)
    said = report.facts
    if (said.get("chain"), said.get("dao")) != (policy.chain, policy.dao):
        raise NotTheRecipient("an application of another DAO", code="recipient.dao", dao=said.get("dao"))
    if policy.measurements is not None:
        measured = str(said.get("measurement", ""))
        if measured not in {each.hex() for each in policy.measurements}:
            raise NotTheRecipient("other software", code="recipient.measurement", measurement=measured)
