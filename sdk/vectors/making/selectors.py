"""Selectors: their grammar, what they select, which is within which."""

from typing import Final

from cyberprivacy.vault.selector import Selector
from making.layout import Case, Group

TEXTS: Final = (
    *("all", "since:0", "since:253402300799", 'a = "x"', "a = true", "a = false", "a = 0", "a = -1", 'a = ""'),
    *(
        "a = 9007199254740991",
        "a = -9007199254740991",
        "a.b.c.d = 1",
        "_ = 1",
        "A9_.b = 1",
        "a-b.c- = 1",
        'a = " AND b = 1"',
    ),
    *("since:5 AND a = 1 AND b = 2", 'a = "x" AND b = "y AND z = 1" AND c = true', "a = 1 AND a.b = 2 AND ab = 3"),
    " AND ".join(f"{name} = 1" for name in "abcdefgh"),
    'a = "!#$%&\'()*+,-./:;<=>?@[]^_`{|}~"',
    f'{"a" * 64} = "{"x" * 128}"',
)
BAD: Final = (
    *(
        "",
        "ALL",
        "all ",
        " all",
        "all AND a = 1",
        "a = 1 AND all",
        "a=1",
        "a  = 1",
        "a = 1 ",
        "a == 1",
        "a",
        "a = ",
        " = 1",
    ),
    *(
        "since:",
        "since:00",
        "since:-1",
        "since:1.5",
        "since:253402300800",
        "since:9999999999999",
        "since:1 AND since:2",
    ),
    *(
        "a = 1 AND since:1",
        "a = 1 AND a = 1",
        "a = 1 AND a = 2",
        "b = 1 AND a = 1",
        "a = 1 and b = 2",
        "a = 1 AND",
        "AND a = 1",
    ),
    *(
        "a = 1 AND  b = 2",
        "a = 1  AND b = 2",
        "a = 1 OR b = 2",
        "a = True",
        "a = null",
        "a = 1.0",
        "a = 1e3",
        "a = 01",
        "a = -0",
    ),
    *(
        "a = +1",
        "a = 9007199254740992",
        "a = -9007199254740992",
        "a = 99999999999999999",
        "a = 0x1",
        "a = x",
        "a = 'x'",
    ),
    *(
        'a = "x',
        'a = x"',
        'a = "x"y',
        'a = "x" "y"',
        'a = "\\u0061"',
        'a = "x\n"',
        'a = "\u00e9"',
        'a = "x""',
        "a = \u0661",
    ),
    *(
        "9a = 1",
        "a. = 1",
        ".a = 1",
        "a..b = 1",
        "a.b.c.d.e = 1",
        "a[0] = 1",
        "\u00e9 = 1",
        "a = 1\n",
        "\na = 1",
        "a = 1\nAND b = 2",
    ),
    " AND ".join(f"{name} = 1" for name in "abcdefghi"),
    "since:1 AND " + " AND ".join(f"{name} = 1" for name in "abcdefgh"),
    f"{'a' * 65} = 1",
    f'a = "{"x" * 129}"',
    " AND ".join(f'{name} = "{"x" * 125}"' for name in "abcdefgh"),
)


def groups() -> list[Group]:
    """All groups."""
    good = [Case(f"selector {text[:60]!r}", {"selector": text}) for text in TEXTS]
    bad = [
        Case(f"no selector {place}: {text[:60]!r}", {"selector": text}, code="selector.form")
        for place, text in enumerate(BAD)
    ]
    return [
        Group("Selector", {}, [*good, *bad]),
        Group("Selects", {}, _selects()),
        Group("SelectorWithin", {}, _within()),
    ]


def _selects() -> list[Case]:
    record = {
        "a": 1,
        "b": {"c": "x", "d": None},
        "t": True,
        "f": 1.0,
        "l": [1],
        "z": 0,
        "s": "1",
        "__proto__": {"p": 1},
    }
    rows = (
        *(
            ("all", 0),
            ("since:5", 5),
            ("since:5", 4),
            ("a = 1", 9),
            ("a = 2", 9),
            ("a = true", 9),
            ('a = "1"', 9),
            ("s = 1", 9),
        ),
        *(
            ("f = 1", 9),
            ("t = true", 9),
            ("t = 1", 9),
            ("z = false", 9),
            ("z = 0", 9),
            ('b.c = "x"', 9),
            ("b.d = 0", 9),
            ("b = 1", 9),
        ),
        *(
            ("b.c.e = 1", 9),
            ("l = 1", 9),
            ("l.length = 1", 9),
            ("q = 1", 9),
            ("a.b = 1", 9),
            ("toString = 1", 9),
            ("__proto__.p = 1", 9),
        ),
        *(("since:5 AND a = 1", 9), ("since:5 AND a = 1 AND q = 1", 9), ("constructor.name = true", 9)),
    )
    return [
        Case(
            f"{text} at {at}",
            {"selector": text, "record": record, "changed": at},
            {"selects": Selector.parse(text).matches(record, at)},
        )
        for text, at in rows
    ]


def _within() -> list[Case]:
    rows = (
        *(
            ("all", "all"),
            ("a = 1", "all"),
            ("all", "a = 1"),
            ("since:5", "since:4"),
            ("since:4", "since:5"),
            ("since:5", "since:5"),
        ),
        *(
            ("a = 1", "since:0"),
            ("a = 1 AND b = 2", "b = 2"),
            ("a = 1", 'a = "1"'),
            ("a = 1", "a = true"),
            ("since:9 AND a = 1", "since:5 AND a = 1"),
        ),
        *(("a = 1", "a = 1 AND b = 2"), ("a.b = 1", "a = 1")),
    )
    return [
        Case(
            f"{one} within {other}",
            {"one": one, "other": other},
            {"within": Selector.parse(one).within(Selector.parse(other))},
        )
        for one, other in rows
    ]
