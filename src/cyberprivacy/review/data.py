"""Whether what a bundle keeps for users is declared so that people can judge it."""

from collections.abc import Mapping

from cyberprivacy.bundle import datatype, typefolder
from cyberprivacy.bundle.datatype import BadType, DataType
from cyberprivacy.review.finding import Finding, Report
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.tree import Tree
from cyberprivacy.review.yaml_node import Path


def judge(tree: Tree, declared: tuple[str, ...], lines: Mapping[Path, int]) -> tuple[Finding, ...]:
    """Every breach, and a note for each type.

    Args:
        tree: the bundle.
        declared: the manifest's section.
        lines: place in the manifest -> line, as `yaml_node.lines_of` gives it.
    """
    report = Report(MANIFEST)
    for number, name in enumerate(declared):
        line = lines.get(("data", number), 0)
        found = _read(tree, name, report, line)
        if found is not None:
            report.add("data.declares", line, f"{name}: {', '.join(sorted(found.fields()))}")
            for each, field in found.fields().items():
                if "title" not in field:
                    report.add("data.title", line, f"{name}: {each}")
    known = {typefolder.path(name) for name in declared}
    for path in tree.files:
        folder, _, file = path.rpartition("/")
        if folder == typefolder.FOLDER and file.endswith(".json") and path not in known:
            report.add("data.unnamed", lines.get(("data",), 0), path)
    return report.findings


def _read(tree: Tree, name: str, report: Report, line: int) -> DataType | None:
    path = typefolder.path(name)
    if path not in tree.files:
        report.add("data.schema", line, f"there is no {path}")
    elif tree.files[path] > datatype.MAX_BYTES:
        report.add("data.schema", line, f"{path}: more than {datatype.MAX_BYTES} bytes")
    else:
        try:
            return datatype.parse(name, tree.read(path))
        except BadType as bad:
            report.add("data.schema", line, f"{path}{bad.facts.get('place', '')}: {bad.what}")
    return None
