"""Rules 1 to 5 and 9 of accounts, as steps; the last step of a refused row is the one that is refused."""

from typing import Final

from cyberprivacy.vault.keyevent import Kind
from making.people import NOW, guardians, key
from making.scenes import DAY, HOUR, Table, step

_ADD: Final = step(Kind.ADD, "anna", key=key("carl"))
KEYS: Final[Table] = (
    ("", "a key is added", _ADD),
    (
        "",
        "a device is added, and acts",
        step(Kind.ADD, "anna", key=key("device of anna")),
        step(Kind.FREEZE, "device of anna"),
    ),
    ("", "a key removes another", step(Kind.REMOVE, "anna", key=key("bert"))),
    ("", "a key removes itself", step(Kind.REMOVE, "anna", key=key("anna"))),
    ("", "a young key adds another", _ADD, step(Kind.ADD, "carl", later=1, key=key("dora"))),
    ("", "a young key removes itself", _ADD, step(Kind.REMOVE, "carl", key=key("carl"))),
    (
        "",
        "a young key removes a younger one",
        _ADD,
        step(Kind.ADD, "anna", later=9, key=key("dora")),
        step(Kind.REMOVE, "carl", key=key("dora")),
    ),
    ("", "a key removes an older one after 24 hours", _ADD, step(Kind.REMOVE, "carl", later=DAY, key=key("anna"))),
    ("", "a key is exchanged", step(Kind.ROTATE, "anna", old=key("bert"), key=key("carl"))),
    ("", "a key exchanges itself", step(Kind.ROTATE, "anna", old=key("anna"), key=key("carl"))),
    (
        "",
        "a removed key comes back",
        step(Kind.REMOVE, "anna", key=key("bert")),
        step(Kind.ADD, "anna", key=key("bert")),
    ),
    ("", "grants before now end", step(Kind.REVOKE_GRANTS, "anna", later=5, before=NOW + 5)),
    (
        "",
        "grants before then end, twice",
        step(Kind.REVOKE_GRANTS, "anna", before=1),
        step(Kind.REVOKE_GRANTS, "bert", before=1),
    ),
    ("", "a young key ends grants", _ADD, step(Kind.REVOKE_GRANTS, "carl", before=NOW)),
    ("account.key", "a stranger adds a key", step(Kind.ADD, "carl", key=key("carl"))),
    ("account.key-twice", "a key comes twice", step(Kind.ADD, "anna", key=key("bert"))),
    ("account.key", "a removed key acts", step(Kind.REMOVE, "anna", key=key("bert")), step(Kind.FREEZE, "bert")),
    ("account.key", "a key goes that is not there", step(Kind.REMOVE, "anna", key=key("carl"))),
    (
        "account.last-key",
        "the last key goes",
        step(Kind.REMOVE, "anna", key=key("bert")),
        step(Kind.REMOVE, "anna", key=key("anna")),
    ),
    (
        "account.young",
        "a young key removes an older one",
        _ADD,
        step(Kind.REMOVE, "carl", later=DAY - 1, key=key("anna")),
    ),
    (
        "account.young",
        "a young key exchanges an older one",
        _ADD,
        step(Kind.ROTATE, "carl", old=key("anna"), key=key("dora")),
    ),
    (
        "account.young",
        "a young key removes one that is older by a second",
        _ADD,
        step(Kind.ADD, "anna", later=1, key=key("dora")),
        step(Kind.REMOVE, "dora", key=key("carl")),
    ),
    (
        "account.key",
        "a key is exchanged that is not there",
        step(Kind.ROTATE, "anna", old=key("carl"), key=key("dora")),
    ),
    (
        "account.key-twice",
        "a key is exchanged for one that is there",
        step(Kind.ROTATE, "anna", old=key("anna"), key=key("bert")),
    ),
    (
        "account.key-twice",
        "a key is exchanged for itself",
        step(Kind.ROTATE, "anna", old=key("bert"), key=key("bert")),
    ),
    (
        "account.key",
        "an exchanged key acts",
        step(Kind.ROTATE, "anna", old=key("bert"), key=key("carl")),
        step(Kind.FREEZE, "bert"),
    ),
    ("account.key", "a stranger ends grants", step(Kind.REVOKE_GRANTS, "carl", before=1)),
    ("account.before", "grants end in the future", step(Kind.REVOKE_GRANTS, "anna", before=NOW + 1)),
    (
        "account.before",
        "the end of grants goes back",
        step(Kind.REVOKE_GRANTS, "anna", before=2),
        step(Kind.REVOKE_GRANTS, "anna", before=1),
    ),
)
"""Rules 1, 2 and 9: anna's and bert's account."""

CROWD: Final[Table] = (
    ("", "one of 16 is exchanged", step(Kind.ROTATE, "key 0", old=key("key 1"), key=key("anna"))),
    ("account.full", "a 17th key", step(Kind.ADD, "key 0", key=key("anna"))),
    ("account.key-twice", "a key that is there comes before the 17th", step(Kind.ADD, "key 0", key=key("key 1"))),
)

_CHANGE: Final = step(Kind.GUARDIANS, "anna", guardians=guardians("hans"))
GUARDIANS: Final[Table] = (
    ("", "others are asked for", _CHANGE),
    ("", "others have come", _CHANGE, step(Kind.FREEZE, "hans", later=7 * DAY, opened="hans")),
    (
        "",
        "nobody guards any more",
        step(Kind.GUARDIANS, "anna", guardians=()),
        step(Kind.FREEZE, "anna", later=7 * DAY),
    ),
    ("", "those of before still help", _CHANGE, step(Kind.FREEZE, "gina", later=7 * DAY - 1, opened="gina")),
    (
        "",
        "asking again begins anew",
        _CHANGE,
        step(Kind.GUARDIANS, "anna", later=6 * DAY, guardians=guardians("hans")),
        step(Kind.FREEZE, "gina", later=6 * DAY, opened="gina"),
    ),
    (
        "account.guardian",
        "others help too early",
        _CHANGE,
        step(Kind.FREEZE, "hans", later=7 * DAY - 1, opened="hans"),
    ),
    (
        "account.guardian",
        "those of before help too late",
        _CHANGE,
        step(Kind.FREEZE, "gina", later=7 * DAY, opened="gina"),
    ),
    (
        "account.young",
        "a young key asks for others",
        step(Kind.ADD, "anna", key=key("carl")),
        step(Kind.GUARDIANS, "carl", guardians=()),
    ),
    ("account.key", "a guardian asks for others", step(Kind.GUARDIANS, "gina", guardians=())),
    ("account.guardian", "a stranger says to be a guardian", step(Kind.FREEZE, "carl", opened="carl")),
    ("account.guardian", "a stranger shows a guardian's opening", step(Kind.FREEZE, "carl", opened="gina")),
    ("account.guardian", "a key shows a guardian's opening", step(Kind.FREEZE, "anna", opened="gina")),
    ("account.key", "a guardian shows nothing", step(Kind.FREEZE, "gina")),
    (
        "account.guardian",
        "a guardian shows another salt",
        step(Kind.FREEZE, "gina", opened="gina", salted="gustav"),
    ),
)
"""Rule 5."""

FREEZING: Final[Table] = (
    ("", "a key goes while frozen", step(Kind.REMOVE, "anna", key=key("bert"))),
    ("", "grants end while frozen", step(Kind.REVOKE_GRANTS, "anna", before=NOW)),
    ("", "frozen again", step(Kind.FREEZE, "anna", later=HOUR)),
    ("", "thawed after 48 hours", step(Kind.UNFREEZE, "anna", later=2 * DAY)),
    (
        "",
        "thawed, then a key is added",
        step(Kind.UNFREEZE, "anna", later=2 * DAY),
        step(Kind.ADD, "anna", key=key("carl")),
    ),
    ("", "a key is added after 5 days", step(Kind.ADD, "anna", later=5 * DAY, key=key("carl"))),
    ("account.frozen", "a key is added while frozen", step(Kind.ADD, "anna", later=5 * DAY - 1, key=key("carl"))),
    (
        "account.frozen",
        "a key is exchanged while frozen",
        step(Kind.ROTATE, "anna", old=key("bert"), key=key("carl")),
    ),
    ("account.frozen", "guardians change while frozen", step(Kind.GUARDIANS, "anna", guardians=guardians())),
    ("account.thaw", "thawed too early", step(Kind.UNFREEZE, "anna", later=2 * DAY - 1)),
    (
        "account.thaw",
        "the second freeze begins anew",
        step(Kind.FREEZE, "bert", later=DAY),
        step(Kind.UNFREEZE, "anna", later=DAY),
    ),
    ("account.key", "thawed by a guardian", step(Kind.UNFREEZE, "gina", later=2 * DAY)),
    ("account.not-frozen", "thawed after it ended by itself", step(Kind.UNFREEZE, "anna", later=5 * DAY)),
    (
        "account.not-frozen",
        "thawed twice",
        step(Kind.UNFREEZE, "anna", later=2 * DAY),
        step(Kind.UNFREEZE, "anna"),
    ),
    ("account.key", "a stranger freezes", step(Kind.FREEZE, "carl")),
    ("account.key", "a stranger adds a key while frozen", step(Kind.ADD, "carl", key=key("carl"))),
    (
        "account.frozen",
        "frozen comes before a stranger who exchanges",
        step(Kind.ROTATE, "carl", old=key("bert"), key=key("carl")),
    ),
)
"""Rules 3 and 4."""
