"""What a verifier's user asks for, apart from cryptography: which roots, which level, how fresh, which laps."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cyberprivacy.attest.addresses import addresses
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp import policyfile as snp
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.attest.tdx import policyfile as tdx
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.attest.vendors import PROCESSORS
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.release import Address

MAX_POLICY: Final = 64 << 10
DAY: Final = 86_400

MAX_SKEW: Final = 3600
"""Seconds that any policy lets two clocks differ."""
MAX_HARDWARE: Final = 4096
MAX_MEASUREMENTS: Final = 1024
MAX_FACTORIES: Final = 16
TPM: Final = "tpm2"

_LEVEL: Final = re.compile(r"[a-z-]{1,32}")
_HARDWARE: Final = re.compile(r"sev-snp:[0-9a-f]{128}|tdx:[0-9a-f]{32}|tpm2:[0-9a-f]{64}")
_NAME: Final = re.compile(r"[ -~]{1,100}")


class BadPolicy(Misuse):
    """A policy cannot be used as it is."""

    code = "policy.form"
    hint = "docs/spec/attestation.md describes policy files, with an example."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What must hold beyond what the DAO's own rules say.

    Attributes:
        roots: SHA-256 of the SubjectPublicKeyInfo of each trusted root, and what it is worth. The processor
            vendors' by default.
        least: the lowest level that is accepted.
        age: how old a statement may be, seconds.
        chain_age: how old the finalised block may be, seconds.
        evidence_age: how old evidence may be, seconds.
        skew: how far two clocks may differ, seconds.
        laps: least seconds of each lap that the user wants, by name; on top of the DAO's rules.
        measurements: the only measurements that are accepted; None = all that the chain accepts, and without a
            chain, none.
        names: what the user calls a measurement; shown, never judged by.
        any_software: whether bare evidence may be of any software at all; only ever set by hand.
        factories: DaoFactories of which one must have made the DAO's contracts; none = nobody looks.
        hardware: the only machines that are accepted, as "kind:id" (see `judge.hardware_of`); None = all.
        snp: what evidence of kind "sev-snp" must say besides.
        tdx: what evidence of kind "tdx" must say besides.
    """

    roots: Mapping[bytes, Level] = field(default_factory=lambda: PROCESSORS)
    least: Level = Level.OPERATOR_TRUSTED
    age: int = 300
    chain_age: int = 3600
    evidence_age: int = 3600
    skew: int = 60
    laps: Mapping[str, int] = field(default_factory=dict)
    measurements: frozenset[bytes] | None = None
    names: Mapping[bytes, str] = field(default_factory=dict)
    any_software: bool = False
    factories: frozenset[Address] = frozenset()
    hardware: frozenset[str] | None = None
    snp: SnpPolicy = field(default_factory=SnpPolicy)
    tdx: TdxPolicy = field(default_factory=TdxPolicy)

    def roots_for(self, kind: str) -> Mapping[bytes, Level]:
        """The roots that may vouch for evidence of a kind.

        A processor vendor's key signs certificates of many forms; none of them is about a TPM. The verifiers of
        the other kinds look for themselves whether a root is their vendor's.
        """
        if kind != TPM:
            return self.roots
        return {root: level for root, level in self.roots.items() if root not in PROCESSORS}

    def allowing_development(self, root: bytes) -> "Policy":
        """The same, but evidence under this development root is accepted too, for what it is."""
        return replace(self, roots={**self.roots, root: Level.DEVELOPMENT}, least=Level.DEVELOPMENT)


def parse(data: bytes) -> Policy:
    """Read a policy file: a JSON object, every field but `v` optional.

    Raises:
        BadPolicy: too large, not JSON, an unknown field, or a field of another form.
    """
    if len(data) > MAX_POLICY:
        raise BadPolicy("the policy is too large", size=len(data), limit=MAX_POLICY)
    try:
        value = json.loads(data, object_pairs_hook=_once)
        return _read(value)
    except BadDocument as error:
        raise BadPolicy(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise BadPolicy("the policy is not JSON", reason=str(error)[:200]) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a field stands twice")
    return value


_DEFAULTS: Final[Mapping[str, object]] = {
    "least": "operator-trusted",
    "age": 300,
    "chain_age": 3600,
    "evidence_age": 3600,
    "skew": 60,
    "laps": {},
    "roots": {},
    "vendors": True,
    "measurements": None,
    "factories": [],
    "hardware": None,
    "snp": {},
    "tdx": {},
}
FIELDS: Final = frozenset(_DEFAULTS) | {"v"}


def _read(value: object) -> Policy:
    if not isinstance(value, dict):
        raise BadDocument("the policy is not an object")
    document = Document({**_DEFAULTS, **value}, "policy", FIELDS)
    document.version()
    laps = Document(
        {"review": 0, "vote": 0, "deployment": 0, **document.mapping("laps", limit=3)},
        "laps",
        frozenset({"review", "vote", "deployment"}),
    )
    named = {_digest(root): _worth(root, level) for root, level in document.mapping("roots", limit=64).items()}
    names = _measurements(document)
    return Policy(
        roots={**PROCESSORS, **named} if document.flag("vendors") else named,
        least=_level(document.text("least", _LEVEL)),
        age=document.integer("age", least=1, most=DAY),
        chain_age=document.integer("chain_age", least=1, most=7 * DAY),
        evidence_age=document.integer("evidence_age", least=1, most=365 * DAY),
        skew=document.integer("skew", most=MAX_SKEW),
        laps={name: laps.integer(name, most=365 * DAY) for name in ("review", "vote", "deployment")},
        measurements=None if names is None else frozenset(names),
        names={} if names is None else {digest: name for digest, name in names.items() if name},
        factories=addresses(document, "factories", limit=MAX_FACTORIES),
        hardware=_hardware(document),
        snp=snp.read(document.raw("snp")),
        tdx=tdx.read(document.raw("tdx")),
    )


def _level(label: object) -> Level:
    level = Level.parse(label) if isinstance(label, str) else None
    if level is None:
        raise BadDocument("not a level of assurance", level=str(label)[:40], known=[item.label for item in Level])
    return level


def _worth(root: str, label: object) -> Level:
    level = _level(label)
    if level is Level.DEVELOPMENT:
        raise BadDocument("a development root is named by hand, with --allow-development", root=root)
    return level


def _digest(text: object) -> bytes:
    if not isinstance(text, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise BadDocument("not sha256: and 64 hex digits", got=str(text)[:80])
    return bytes.fromhex(text[7:])


def _measurements(document: Document) -> dict[bytes, str] | None:
    """Digests and the names that the file gives them; "" for those in a plain list."""
    value = document.raw("measurements")
    if value is None:
        return None
    if isinstance(value, list) and len(value) <= MAX_MEASUREMENTS:
        return {_digest(item): "" for item in value}
    if not isinstance(value, dict) or len(value) > MAX_MEASUREMENTS:
        raise BadDocument(f"policy.measurements is neither a list nor an object of at most {MAX_MEASUREMENTS}")
    named = Document(value, "policy.measurements", frozenset(value))
    return {_digest(item): named.text(item, _NAME) for item in value}


def _hardware(document: Document) -> frozenset[str] | None:
    if document.raw("hardware") is None:
        return None
    return frozenset(document.texts("hardware", _HARDWARE, limit=MAX_HARDWARE))
