"""The text that a person agrees to, made from the grant itself: no application can word it, nor leave a line out.

Whoever checks a grant makes the text again, in each language, and compares its hash. Source: docs/spec/udi-1.md,
"Consent texts".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.consent_words import LANGUAGES, Words
from cyberprivacy.vault.described import Described
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.recipient import NOBODY, ReleasePolicy
from cyberprivacy.vault.scope import Scope
from cyberprivacy.vault.selector import Selector, spelled

_UNITS: Final = (86_400, 3_600, 60, 1)


class NotConsented(Untrusted):
    """What was signed is not what this grant would have shown."""

    code = "consent.text"
    hint = "Show the person the text that belongs to this grant, and let them sign again."


def text(grant: Grant, policy: ReleasePolicy, types: Mapping[str, Described], language: str) -> str:
    """What a person reads before they sign: lines of text, each ended by a line feed.

    Args:
        grant: its `text_hash` and `nonce` play no part.
        policy: the recipient's.
        types: what is declared, by name.
        language: "en" or "de".

    Raises:
        NotConsented: an unknown language ("consent.language"), a type that is not declared ("consent.type") or has
            another schema by now ("consent.schema").
    """
    words = LANGUAGES.get(language)
    if words is None:
        raise NotConsented("no consent texts in this language", code="consent.language", known=sorted(LANGUAGES))
    names = {"recipient": _app(grant.recipient.app), "source": _app(grant.source.app)}
    cluster = int.from_bytes(grant.recipient.cluster)
    who = words.nobodys if policy.dao == NOBODY else words.who
    lines = [
        words.title.format(**names),
        who.format(dao=policy.dao, chain=policy.chain, cluster=cluster, **names),
        "",
    ]
    for scope in grant.scopes:
        lines += [*_scope(scope, _described(scope, types), words, language), ""]
    lines += [
        words.purpose.format(purpose=grant.purpose, **names),
        words.modes[grant.mode].format(**names),
        words.time.format(begin=_time(grant.not_before), end=_time(grant.expires)),
        words.uses.format(uses=grant.max_uses) if grant.max_uses else words.any_use,
        words.keeps.format(time=_duration(grant.retention, words), **names)
        if grant.retention
        else words.keeps_on.format(**names),
        words.onward.format(**names),
        *_proof(policy, words, names),
    ]
    return "".join(f"{line}\n" for line in lines)


def text_hash(shown: str) -> bytes:
    """What the grant says of its text: 32 bytes."""
    return sha256(shown.encode()).digest()


def check_text(grant: Grant, policy: ReleasePolicy, types: Mapping[str, Described]) -> str:
    """The language in which the person read the text.

    Raises:
        NotConsented: in none ("consent.text"), or the text cannot be made, see `text`.
    """
    for language in sorted(LANGUAGES):
        if text_hash(text(grant, policy, types, language)) == grant.text_hash:
            return language
    raise NotConsented("the text that was shown is not the one of this grant", got=grant.text_hash.hex())


def _described(scope: Scope, types: Mapping[str, Described]) -> Described:
    found = types.get(scope.data_type)
    if found is None:
        raise NotConsented("a type that is not declared here", code="consent.type", type=scope.data_type)
    if found.schema != scope.schema:
        raise NotConsented("the type has another schema now", code="consent.schema", schema=found.schema.hex())
    return found


def _scope(scope: Scope, described: Described, words: Words, language: str) -> list[str]:
    lines = [words.what.format(title=_title(described.titles, language), type=scope.data_type)]
    if described.fields:
        fields = [
            words.sensitive.format(title=_title(each.titles, language))
            if each.sensitive
            else _title(each.titles, language)
            for each in described.fields
        ]
        lines.append(words.fields.format(fields=", ".join(fields)))
    lines.append(words.may.format(actions=", ".join(words.actions[each] for each in scope.actions)))
    if scope.selector != Selector():
        lines.append(words.only.format(conditions="; ".join(_conditions(scope.selector, words))))
    return lines


def _conditions(selector: Selector, words: Words) -> list[str]:
    since = [] if selector.since is None else [words.since.format(time=_time(selector.since))]
    return since + [f"{field} = {spelled(value)}" for field, value in selector.equal]


def _proof(policy: ReleasePolicy, words: Words, names: Mapping[str, str]) -> list[str]:
    if policy.evidence is None:
        return [words.unproven.format(**names)]
    lines = [words.proof.format(level=words.levels[policy.evidence], **names)]
    if policy.measurements is not None:
        pinned = ", ".join(sorted(each.hex() for each in policy.measurements))
        lines.append(words.pinned.format(measurements=pinned))
    return lines


def _title(titles: Mapping[str, str], language: str) -> str:
    return titles.get(language, titles["en"])


def _app(name: str) -> str:
    return f'"{name}"'


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _duration(seconds: int, words: Words) -> str:
    """In the largest unit of which it is a whole number."""
    for size, names in zip(_UNITS, words.units, strict=True):
        count, rest = divmod(seconds, size)
        if count and not rest:
            return f"{count} {names[0] if count == 1 else names[1]}"
    raise ValueError(f"no duration: {seconds}")
