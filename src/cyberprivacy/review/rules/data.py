"""Rules about what a bundle keeps for users."""

from typing import Final

from cyberprivacy.review.rules.rule import Rule

DATA: Final = {
    "data.declares": Rule(
        "What an application keeps for users is pointed out: nothing else can be kept in a vault.",
        "Reviewers: ask whether all of it is needed, and whether what is sensitive is marked so.",
        note=True,
    ),
    "data.schema": Rule(
        "Every declared data type has its schema, types/NAME.json, in the form of docs/spec/udi-1.md.",
        "Put the JSON Schema there; use only the keywords of the specification.",
    ),
    "data.title": Rule(
        "Every field of a data type has a title, so that a person who is asked for consent can read it.",
        "Add `title` (English) and, for other languages, `titles`.",
    ),
    "data.unnamed": Rule(
        "Every file types/*.json is the schema of a type that the manifest names: no other is voted on.",
        "Name the type in `data`, or remove the file.",
    ),
}
