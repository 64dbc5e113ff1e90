"""The phrases of consent texts, by language. The specification has the same tables; a test compares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.report import Level
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.scope import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language; `{…}` is filled in.

    Attributes:
        units: singular and plural of day, hour, minute, second.
        nobodys: in place of `who`, for a policy that names no DAO.
        unproven: for a policy that asks for no evidence.
    """

    title: str
    who: str
    nobodys: str
    what: str
    sensitive: str
    fields: str
    may: str
    only: str
    since: str
    purpose: str
    modes: Mapping[Mode, str]
    time: str
    uses: str
    any_use: str
    keeps: str
    keeps_on: str
    onward: str
    proof: str
    unproven: str
    pinned: str
    actions: Mapping[Action, str]
    levels: Mapping[Level, str]
    units: tuple[tuple[str, str], ...]


_ENGLISH: Final = Words(
    title="You allow {recipient} to use records about you that are kept at {source}.",
    who="{recipient} is the application of DAO {dao} on chain {chain}, in cluster {cluster}.",
    nobodys="No DAO decides what {recipient} is: whoever runs it does.",
    what="Records: {title} ({type}).",
    sensitive="{title} (sensitive)",
    fields="They contain: {fields}.",
    may="Allowed: {actions}.",
    only="Only records with: {conditions}.",
    since="last change at or after {time}",
    purpose='Purpose, in the words of {recipient}: "{purpose}".',
    modes={
        Mode.ONCE: "How: one copy, once.",
        Mode.STANDING: "How: again and again, without asking you each time.",
        Mode.MOVE: "How: the records move. {source} erases its own 72 hours after {recipient} has them all.",
    },
    time="When: from {begin} until {end}. You can take this back at any time.",
    uses="How often: at most {uses}.",
    any_use="How often: without limit.",
    keeps="{recipient} may keep what it gets for {time}.",
    keeps_on="{recipient} may keep what it gets until you tell it to erase.",
    onward="{recipient} may not hand it on.",
    proof="Proof asked of {recipient}: {level}, each time.",
    unproven="Nothing proves which software runs at {recipient}.",
    pinned="Only software that you have pinned: {measurements}.",
    actions={
        Action.AGGREGATE: "count and sum",
        Action.DELETE: "delete",
        Action.READ: "read",
        Action.SUBSCRIBE: "be told of changes",
        Action.WRITE: "create and change",
    },
    levels={
        Level.DEVELOPMENT: "for development only, anybody could have made it",
        Level.OPERATOR_TRUSTED: "its operator is known, no hardware vouches for it",
        Level.MEASURED_BOOT: "a TPM vouches for what was started",
        Level.CONFIDENTIAL_VM: "a processor vouches for the software, memory is encrypted",
    },
    units=(("day", "days"), ("hour", "hours"), ("minute", "minutes"), ("second", "seconds")),
)

_GERMAN: Final = Words(
    title="Sie erlauben {recipient}, Daten über Sie zu nutzen, die bei {source} liegen.",
    who="{recipient} ist die Anwendung der DAO {dao} auf Chain {chain}, in Cluster {cluster}.",
    nobodys="Keine DAO entscheidet, was {recipient} ist, sondern wer es betreibt.",
    what="Daten: {title} ({type}).",
    sensitive="{title} (sensibel)",
    fields="Sie enthalten: {fields}.",
    may="Erlaubt: {actions}.",
    only="Nur Daten mit: {conditions}.",
    since="letzter Änderung ab {time}",
    purpose='Zweck, in den Worten von {recipient}: "{purpose}".',
    modes={
        Mode.ONCE: "Wie: eine Kopie, einmal.",
        Mode.STANDING: "Wie: immer wieder, ohne Sie jedes Mal zu fragen.",
        Mode.MOVE: "Wie: die Daten ziehen um. {source} löscht sie 72 Stunden nachdem {recipient} alle hat.",
    },
    time="Wann: von {begin} bis {end}. Sie können das jederzeit widerrufen.",
    uses="Wie oft: höchstens {uses}.",
    any_use="Wie oft: unbegrenzt.",
    keeps="{recipient} darf behalten, was es bekommt: {time}.",
    keeps_on="{recipient} darf behalten, was es bekommt, bis Sie das Löschen verlangen.",
    onward="{recipient} darf nichts weitergeben.",
    proof="Von {recipient} verlangter Nachweis: {level}, jedes Mal.",
    unproven="Nichts beweist, welche Software bei {recipient} läuft.",
    pinned="Nur Software, die Sie festgelegt haben: {measurements}.",
    actions={
        Action.AGGREGATE: "zählen und summieren",
        Action.DELETE: "löschen",
        Action.READ: "lesen",
        Action.SUBSCRIBE: "über Änderungen benachrichtigt werden",
        Action.WRITE: "anlegen und ändern",
    },
    levels={
        Level.DEVELOPMENT: "nur für die Entwicklung, jeder könnte ihn gemacht haben",
        Level.OPERATOR_TRUSTED: "der Betreiber ist bekannt, keine Hardware bürgt",
        Level.MEASURED_BOOT: "ein TPM bürgt für das, was gestartet wurde",
        Level.CONFIDENTIAL_VM: "ein Prozessor bürgt für die Software, der Speicher ist verschlüsselt",
    },
    units=(("Tag", "Tage"), ("Stunde", "Stunden"), ("Minute", "Minuten"), ("Sekunde", "Sekunden")),
)

LANGUAGES: Final[Mapping[str, Words]] = {"de": _GERMAN, "en": _ENGLISH}
