"""Whether what a bundle keeps for users is declared so that people can judge it."""

from collections.abc import Mapping

from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.datatype import BadType, DataType
from cyberprivacy.bundle.declared import Administration, FromRecords
from cyberprivacy.bundle.manifest import Data
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.tree import Tree
from cyberprivacy.review.yaml_node import Path


def judge(
    tree: Tree, declared: tuple[Data, ...], admin: Administration | None, lines: Mapping[Path, int]
) -> tuple[Finding, ...]:
    """Every breach, and a note for each type.

    Args:
        tree: the bundle.
        declared: the manifest's section.
        admin: what administrators may ask about it.
        lines: place in the manifest -> line, as `yaml_node.lines_of` gives it.
    """
    report, types = Report(MANIFEST), dict[str, DataType]()
    for each in declared:
        line = lines.get(("data", each.type), 0)
        found = _read(tree, each, report, line)
        if found is not None:
            types[each.type] = found
            report.add("data.declares", line, f"{each.type}: {', '.join(sorted(found.fields()))}")
            for name, field in found.fields().items():
                if "title" not in field:
                    report.add("data.title", line, f"{each.type}: {name}")
    for asked in admin.statistics if admin else ():
        if asked.of is not None and (why := _unfit(asked.of, types)):
            report.add("admin.of", lines.get(("admin", "statistics", asked.name), 0), f"{asked.name}: {why}")
    return report.findings


def _unfit(of: FromRecords, types: Mapping[str, DataType]) -> str:
    """Why a statistic cannot be made of these records; "" if it can."""
    if of.type not in types:
        return f"{of.type} is not declared"
    if of.take == "records":
        return ""
    field = types[of.type].fields().get(of.field, {})
    marks = (types[of.type].schema.get("x-sensitivity", "normal"), field.get("x-sensitivity", "normal"))
    if field.get("type") != "integer":
        return f"{of.field} of {of.type} is not an integer"
    return "" if marks == ("normal", "normal") else f"{of.field} of {of.type} is sensitive"


def _read(tree: Tree, declared: Data, report: Report, line: int) -> DataType | None:
    if declared.schema not in tree.files:
        report.add("data.schema", line, f"{declared.type}: there is no {declared.schema}")
    elif tree.files[declared.schema] > datatype.MAX_BYTES:
        report.add("data.schema", line, f"{declared.schema}: more than {datatype.MAX_BYTES} bytes")
    else:
        try:
            return datatype.parse(declared.type, tree.read(declared.schema))
        except BadType as bad:
            report.add("data.schema", line, f"{declared.schema}{bad.facts.get('place', '')}: {bad.what}")
    return None
