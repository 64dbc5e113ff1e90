"""Whether what a bundle keeps for users is declared so that people can judge it."""

from collections.abc import Mapping

from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.datatype import BadType, DataType
from cyberprivacy.bundle.manifest import Data
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.tree import Tree
from cyberprivacy.review.yaml_node import Path


def judge(tree: Tree, declared: tuple[Data, ...], lines: Mapping[Path, int]) -> tuple[Finding, ...]:
    """Every breach, and a note for each type.

    Args:
        tree: the bundle.
        declared: the manifest's section.
        lines: place in the manifest -> line, as `yaml_node.lines_of` gives it.
    """
    report = Report(MANIFEST)
    for each in declared:
        line = lines.get(("data", each.type), 0)
        found = _read(tree, each, report, line)
        if found is not None:
            report.add("data.declares", line, f"{each.type}: {', '.join(sorted(found.fields()))}")
            for name, field in found.fields().items():
                if "title" not in field:
                    report.add("data.title", line, f"{each.type}: {name}")
    return report.findings


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
