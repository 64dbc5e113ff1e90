"""The gate: what every cluster applies before it builds, and a developer may run before publishing.

A rule is refused by its own code (`rules.RULES`); all breaches of a tree are reported at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as Folder
from typing import Final

from cyberprivacy.bundle import manifest as bundle_manifest
from cyberprivacy.bundle.manifest import BadManifest, Manifest
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.review import administration, contents, data, kubernetes, recipe, requirements
from cyberprivacy.review.dockerfile import parse
from cyberprivacy.review.finding import Finding, Refused, Report, in_order
from cyberprivacy.review.instructions import From
from cyberprivacy.review.linted import SEAL, LintedBundle, Recipe
from cyberprivacy.review.names import MANIFEST, is_dockerfile, is_requirements
from cyberprivacy.review.tree import Tree, read_tree
from cyberprivacy.review.workload import Topology
from cyberprivacy.review.yaml_node import Path, lines_of, name_of

_TOO_MUCH: Final = ("tree.files", "tree.size")

_ABOUT: Final[Mapping[str, Path]] = {
    "manifest.parent": ("parent",),
    "manifest.image-unused": ("images",),
    "manifest.base-unused": ("inputs", "bases"),
    "manifest.public-service": ("public", "service"),
    "manifest.public-port": ("public", "port"),
}
"""Where in the manifest a rule about it points."""


def lint(bundle: VerifiedBundle) -> LintedBundle:
    """Let a bundle through the gate, with everything parsed that later steps need.

    Raises:
        Refused: it breaks rules ("lint.refused"); `findings` has all of them.
        TryLater: a file cannot be read ("review.read").
    """
    tree = read_tree(bundle.tree)
    parsed, recipes, topology, found = _judge(tree)
    if parsed is None or topology is None or any(finding.refuses for finding in found):
        raise Refused(found)
    return LintedBundle(bundle=bundle, manifest=parsed, recipes=recipes, topology=topology, seal=SEAL)


def findings(root: Folder, *, ignore: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """Every breach and every note of a directory of sources, by file and line.

    `ignore` names what is left out wherever it stands, as `bundle.pack` does.

    Raises:
        Misuse: `root` is not a directory ("review.tree").
        TryLater: a file cannot be read ("review.read").
    """
    return in_order(_judge(read_tree(root, ignore=ignore))[3])


def _judge(
    tree: Tree,
) -> tuple[Manifest | None, Mapping[str, Recipe], Topology | None, tuple[Finding, ...]]:
    if any(finding.code in _TOO_MUCH for finding in tree.findings):
        return None, {}, None, tree.findings  # nothing of it is read
    parsed, found = _manifest(tree)
    found += [*tree.findings, *contents.judge(tree)]
    k8s = {path: tree.read(path) for path in tree.files if path.startswith("k8s/")}
    if parsed is None:
        return None, {}, None, (*found, *_without_manifest(tree, k8s))
    recipes, users, broken = _recipes(tree, parsed)
    topology, breaches = kubernetes.read(k8s, users=users, public=parsed.public)
    found += [*broken, *breaches, *_coherence(tree, parsed), *_wheels(tree, parsed)]
    lines = _manifest_lines(tree)
    found += [*administration.judge(parsed.admin, lines), *data.judge(tree, parsed.data, parsed.admin, lines)]
    return parsed, recipes, topology, tuple(_placed(finding, lines) for finding in found)


def _manifest(tree: Tree) -> tuple[Manifest | None, list[Finding]]:
    report = Report(MANIFEST)
    if MANIFEST not in tree.files:
        report.add("manifest.missing", 0, "there is no cyberprivacy.yaml")
        return None, list(report.findings)
    try:
        parsed = bundle_manifest.parse(tree.read(MANIFEST))
    except BadManifest as bad:
        field = str(bad.facts.get("field", bad.facts.get("rule", "")))
        what = f"{field}: {bad.what}" if field else bad.what
        report.add(bad.code, _line_of(tree, bad), what, hint=bad.hint)
        return None, list(report.findings)
    if (parsed.release == 1) != (parsed.parent is None):
        report.add("manifest.parent", 0, f"release {parsed.release} with parent {parsed.parent}")
    return parsed, list(report.findings)


def _line_of(tree: Tree, bad: BadManifest) -> int:
    """Where in the manifest a refusal points: the field's line, or its parent's if it is missing."""
    where = bad.facts.get("where")
    if isinstance(where, dict):
        return int(where.get("line", 0))
    field = str(bad.facts.get("field", ""))
    lines = {name_of(path): line for path, line in _manifest_lines(tree).items()}
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 0)


def _manifest_lines(tree: Tree) -> dict[Path, int]:
    return lines_of(tree.read(MANIFEST).decode())[0]


def _placed(finding: Finding, lines: Mapping[Path, int]) -> Finding:
    """A finding about the manifest as a whole, moved to the field that its rule is about."""
    if finding.path != MANIFEST or finding.line or finding.code not in _ABOUT:
        return finding
    return replace(finding, line=lines.get(_ABOUT[finding.code], 0))


def _without_manifest(tree: Tree, k8s: Mapping[str, bytes]) -> list[Finding]:
    """What is wrong whatever the manifest will say: files are taken for what their names say."""
    found = list(kubernetes.read(k8s, users=None, public=None)[1])
    for path in tree.files:
        if is_dockerfile(path):
            found += parse(tree.read(path), path)[1]
        elif is_requirements(path):
            found += requirements.parse(tree.read(path), path)[1]
    return found


def _recipes(tree: Tree, parsed: Manifest) -> tuple[dict[str, Recipe], dict[str, int], tuple[Finding, ...]]:
    """Recipes by image, the user of each image (0 if its Dockerfile is broken), and breaches."""
    recipes: dict[str, Recipe] = {}
    users = {image.name: 0 for image in parsed.images}
    found: list[Finding] = []
    for image in parsed.images:
        source = image.dockerfile
        report = Report(source)
        if source not in tree.files:
            report.add("dockerfile.missing", 0, f"image {image.name} has no {source}")
            found += report.findings
            continue
        data = tree.read(source)
        made, broken = recipe.read(data, image=image.name, source=source, bases=parsed.bases)
        if made is not None:
            recipes[image.name], users[image.name] = made, made.user
        for line, path in recipe.copied(parse(data, source)[0]):
            if not tree.holds(path):
                report.add("dockerfile.copy-missing", line, f"{path} is not in the bundle")
        found += [*broken, *report.findings]
    return recipes, users, tuple(found)


def _coherence(tree: Tree, parsed: Manifest) -> tuple[Finding, ...]:
    """What the manifest declares is used, and what looks used is declared."""
    report = Report(MANIFEST)
    declared = {image.dockerfile for image in parsed.images}
    used = {
        (one.repository, one.digest)
        for source in declared & tree.files.keys()
        for _, one in parse(tree.read(source), source)[0]
        if isinstance(one, From)
    }
    for base in parsed.bases:
        if (base.repository, base.digest) not in used:
            report.add("manifest.base-unused", 0, f"{base.repository}@{base.digest}")
    found = list(report.findings)
    for path in tree.files:
        if is_dockerfile(path) and path not in declared:
            stray = Report(path)
            stray.add("manifest.dockerfile-unused", 0, "no image of the manifest uses it")
            found += stray.findings
    return tuple(found)


def _wheels(tree: Tree, parsed: Manifest) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for wheels in parsed.wheels:
        if wheels.requirements in tree.files:
            found += requirements.parse(tree.read(wheels.requirements), wheels.requirements)[1]
        else:
            report = Report(wheels.requirements)
            report.add("requirements.missing", 0, f"{wheels.requirements} is not in the bundle")
            found += report.findings
    return tuple(found)
