"""Rules about what a bundle lets its administrators do."""

from typing import Final

from cyberprivacy.review.rules.rule import Rule

ADMINISTRATION: Final = {
    "admin.declares": Rule(
        "What administrators may turn and ask is pointed out: the vote on the release is a vote on it.",
        "Reviewers: nothing else can be turned, and each act is public before it takes effect.",
        note=True,
    ),
    "admin.bounds": Rule(
        "Bounds leave a choice: `least` is below `most`, and both are within reach of what is declared.",
        "Correct `least` and `most`, or write the value into the source.",
    ),
    "admin.default": Rule("Every default is a value that may be set.", "Bring the default inside the bounds."),
    "admin.bins": Rule(
        "A histogram has ascending `bins` above `least` and not above `most`; nothing else has bins.",
        "Name the lower edge of every bin but the first.",
    ),
    "admin.budget": Rule(
        "A budget pays for one answer at least, and epsilon can be halved.",
        "Raise `budget` to `epsilon` or more; give `epsilon` 0.002 at least.",
    ),
    "admin.least-count": Rule(
        "No statistic is told about fewer than 5 users.",
        "Raise `least-count` to 5 or more.",
    ),
    "admin.of": Rule(
        "A statistic of records is made of a declared type; unless it counts them, of a field of whole numbers "
        "that is not sensitive.",
        "Declare the type under `data`; name an `integer` field without `x-sensitivity`.",
    ),
    "admin.epsilon": Rule(
        "A privacy loss of more than 1 for each answer, or 5 for each period, is pointed out.",
        "Reviewers: with so much, who knows all others may learn about the one that is left.",
        note=True,
    ),
}
