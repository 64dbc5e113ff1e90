"""Recoveries: rules 6 to 8, step by step."""

from typing import Final

from cyberprivacy.vault.keyevent import Kind
from making.people import guardians, key
from making.scenes import DAY, Step, Table, step

HELPERS: Final = ("gina", "gustav", "greta")


def asking(new: str = "nora", by: str = "gina", later: int = 0) -> Step:
    """A guardian asks for a new key."""
    return step(Kind.RECOVER, by, later=later, opened=by, key=key(new))


def agreeing(by: str, later: int = 0) -> Step:
    """A guardian agrees."""
    return step(Kind.APPROVE, by, later=later, opened=by, asked=True)


def device(by: str = "anna", later: int = 0) -> Step:
    """An old key agrees."""
    return step(Kind.APPROVE, by, later=later, asked=True)


def cancelling(by: str = "anna", later: int = 0) -> Step:
    """A key cancels."""
    return step(Kind.CANCEL, by, later=later, asked=True)


def taking(by: str = "nora", later: int = 0) -> Step:
    """The new key takes over."""
    return step(Kind.EXECUTE, by, later=later, asked=True)


_BOTH: Final = (asking(), agreeing("gustav", 60))
THREE: Final[Table] = (
    ("", "one asks", asking()),
    ("", "a second agrees: enough", *_BOTH),
    ("", "after 7 days", *_BOTH, taking(later=7 * DAY)),
    ("", "after 48 hours with an old key", *_BOTH, device(later=60), taking(later=2 * DAY)),
    ("", "an old key agreed first", asking(), device(), agreeing("greta", 60), taking(later=2 * DAY)),
    ("", "an old key on the sixth day gains nothing", *_BOTH, device(later=6 * DAY), taking(later=DAY)),
    ("", "a third approval changes nothing", *_BOTH, agreeing("greta", DAY), taking(later=6 * DAY)),
    ("", "cancelled by a key", *_BOTH, cancelling("bert")),
    ("", "cancelled by a guardian", asking(), step(Kind.CANCEL, "greta", opened="greta", asked=True)),
    (
        "",
        "the new key is young, and removed keys are gone",
        *_BOTH,
        taking(later=7 * DAY),
        step(Kind.ADD, "nora", key=key("anna")),
    ),
    ("", "asked again after two were cancelled", asking(), cancelling(), asking(), cancelling(), asking()),
    ("", "asked again 30 days after the third", *(asking(), cancelling()) * 3, asking(later=30 * DAY)),
    (
        "",
        "a recovery that goes through ends the count",
        asking(),
        cancelling(),
        *_BOTH,
        taking(later=7 * DAY),
        asking("carl"),
        cancelling("nora"),
    ),
    ("", "frozen, a recovery goes on", step(Kind.FREEZE, "anna"), *_BOTH),
    ("account.wait", "too early", *_BOTH, taking(later=7 * DAY - 1)),
    ("account.wait", "too early with an old key", *_BOTH, device(later=60), taking(later=2 * DAY - 1)),
    ("account.approvals", "approvals are missing", asking(), device(), taking(later=9 * DAY)),
    ("account.key", "another key takes over", *_BOTH, taking("carl", 7 * DAY)),
    ("account.key", "an old key takes over", *_BOTH, taking("anna", 7 * DAY)),
    ("account.guardian", "a key asks", step(Kind.RECOVER, "anna", opened="gina", key=key("nora"))),
    ("account.guardian", "a stranger asks", asking(by="carl")),
    ("account.key-twice", "for a key that is there", asking("bert")),
    ("account.recovery", "two at a time", asking(), asking("carl", "gustav")),
    ("account.approved", "a guardian agrees twice", asking(), agreeing("gina")),
    ("account.approved", "old keys agree twice", asking(), device(), device("bert")),
    ("account.key", "a stranger agrees", asking(), device("carl")),
    ("account.guardian", "a stranger agrees as a guardian", asking(), agreeing("carl")),
    ("account.no-recovery", "nobody asked: agree", agreeing("gina")),
    ("account.no-recovery", "nobody asked: cancel", cancelling()),
    ("account.no-recovery", "nobody asked: take over", taking()),
    (
        "account.no-recovery",
        "another recovery",
        asking(),
        step(Kind.APPROVE, "gustav", opened="gustav", recovery=b"\x04" * 32),
    ),
    ("account.no-recovery", "cancelled, then taken over", *_BOTH, cancelling(), taking(later=7 * DAY)),
    ("account.key", "a stranger cancels", asking(), cancelling("carl")),
    ("account.key", "the new key cancels before it is one", asking(), cancelling("nora")),
    ("account.calm", "within 30 days of the third", *(asking(), cancelling()) * 3, asking(later=30 * DAY - 1)),
    ("account.frozen", "frozen", *_BOTH, step(Kind.FREEZE, "anna", later=7 * DAY), taking()),
    (
        "account.frozen",
        "frozen comes before the key",
        *_BOTH,
        step(Kind.FREEZE, "anna", later=7 * DAY),
        taking("carl"),
    ),
    (
        "account.key",
        "an old key acts after it was replaced",
        *_BOTH,
        taking(later=7 * DAY),
        step(Kind.FREEZE, "anna"),
    ),
    ("account.no-recovery", "taken over twice", *_BOTH, taking(later=7 * DAY), taking()),
    (
        "account.young",
        "the new key is too young to choose guardians",
        *_BOTH,
        taking(later=7 * DAY),
        step(Kind.GUARDIANS, "nora", guardians=()),
    ),
)

ONE: Final[Table] = (
    ("", "one is enough", asking()),
    ("", "one, after 7 days", asking(), taking(later=7 * DAY)),
    ("account.wait", "one, too early", asking(), taking(later=7 * DAY - 1)),
    ("account.approved", "one agrees again", asking(), agreeing("gina")),
)

_CHANGE: Final = step(Kind.GUARDIANS, "anna", guardians=guardians("gustav", "hans", "hugo"))
CHANGING: Final[Table] = (
    ("", "who ceased to be one no longer counts", _CHANGE, asking(later=6 * DAY), agreeing("gustav", DAY)),
    ("", "others make it up", _CHANGE, asking(later=6 * DAY), agreeing("gustav", DAY), agreeing("hans")),
    ("", "enough once is enough", _CHANGE, asking(), agreeing("greta"), taking(later=7 * DAY)),
    (
        "",
        "four: three of them",
        step(Kind.GUARDIANS, "anna", guardians=guardians(*HELPERS, "hans")),
        asking(later=7 * DAY),
        agreeing("greta"),
        agreeing("hans"),
    ),
    (
        "",
        "what was asked for is forgotten",
        asking(),
        agreeing("greta"),
        step(Kind.GUARDIANS, "anna", later=6 * DAY, guardians=()),
        taking(later=DAY),
    ),
    (
        "account.approvals",
        "four: two are not enough",
        step(Kind.GUARDIANS, "anna", guardians=guardians(*HELPERS, "hans")),
        asking(later=7 * DAY),
        agreeing("greta"),
        taking(later=9 * DAY),
    ),
    (
        "account.guardian",
        "who ceased to be one does not agree",
        _CHANGE,
        asking("nora", "gustav", 7 * DAY),
        agreeing("gina"),
    ),
    (
        "account.approvals",
        "fewer are not counted again by time alone",
        step(Kind.GUARDIANS, "anna", guardians=guardians("gina")),
        asking(),
        device(later=7 * DAY),
        taking(later=7 * DAY),
    ),
)
"""Guardians change while a recovery is under way."""
