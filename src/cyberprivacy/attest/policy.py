"""What a verifier's user asks for, apart from cryptography: which roots, which level, how fresh, which laps."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp import policyfile as snp
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.errors import Misuse

MAX_POLICY: Final = 64 << 10
DAY: Final = 86_400

_LEVEL: Final = re.compile(r"[a-z-]{1,32}")


class BadPolicy(Misuse):
    """A policy cannot be used as it is."""

    code = "policy.form"
    hint = "docs/spec/attestation.md describes policy files, with an example."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What must hold beyond what the DAO's own rules say.

    Attributes:
        roots: SHA-256 of the SubjectPublicKeyInfo of each trusted root, and what it is worth.
        least: the lowest level that is accepted.
        age: how old a statement may be, seconds.
        chain_age: how old the finalised block may be, seconds.
        skew: how far two clocks may differ, seconds.
        laps: least seconds of each lap that the user wants, by name; on top of the DAO's rules.
        measurements: the only measurements that are accepted; None = all that the chain accepts.
        snp: what evidence of kind "sev-snp" must say besides.
    """

    roots: Mapping[bytes, Level] = field(default_factory=dict)
    least: Level = Level.OPERATOR_TRUSTED
    age: int = 300
    chain_age: int = 3600
    skew: int = 60
    laps: Mapping[str, int] = field(default_factory=dict)
    measurements: frozenset[bytes] | None = None
    snp: SnpPolicy = field(default_factory=SnpPolicy)

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
    "skew": 60,
    "laps": {},
    "roots": {},
    "measurements": None,
    "snp": {},
}


def _read(value: object) -> Policy:
    if not isinstance(value, dict):
        raise BadDocument("the policy is not an object")
    document = Document({**_DEFAULTS, **value}, "policy", frozenset(_DEFAULTS) | {"v"})
    document.version()
    laps = Document(
        {"review": 0, "vote": 0, "deployment": 0, **document.mapping("laps", limit=3)},
        "laps",
        frozenset({"review", "vote", "deployment"}),
    )
    return Policy(
        roots={_digest(root): _worth(root, level) for root, level in document.mapping("roots", limit=64).items()},
        least=_level(document.text("least", _LEVEL)),
        age=document.integer("age", least=1, most=DAY),
        chain_age=document.integer("chain_age", least=1, most=7 * DAY),
        skew=document.integer("skew", most=3600),
        laps={name: laps.integer(name, most=365 * DAY) for name in ("review", "vote", "deployment")},
        measurements=_measurements(document.raw("measurements")),
        snp=snp.read(document.raw("snp")),
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


def _measurements(value: object) -> frozenset[bytes] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 1024:
        raise BadDocument("policy.measurements is not a list of at most 1024")
    return frozenset(_digest(item) for item in value)
