"""What a repair may not change when it goes live before anybody voted on it: what the application may do.

On chain the emergency lane holds a repair to its parent's pipeline; nobody there can read Kubernetes objects.

Source: DESIGN 3.5.
"""

from pathlib import Path
from typing import Final

from cyberprivacy.bundle import manifest as bundle_manifest
from cyberprivacy.bundle.declared import Administration
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.tree import Tree, read_tree

FOLDER: Final = "k8s/"


def changed(parent: Path, repair: Path, *, ignore: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Files that give a repair other privileges than its parent has; () if it has the same.

    Any other byte below `k8s/` is another privilege: a difference that needs judgement needs a vote. The
    manifest is among them if it names another pipeline, or lets administrators do other things.

    Args:
        parent: tree of the release that was voted on.
        repair: tree of the release that replaces it.
        ignore: names that are left out wherever they stand, as `bundle.pack` does.

    Raises:
        Misuse: not directories.
        BadManifest: a tree has no manifest, or one that cannot be read.
        TryLater: a file cannot be read.
    """
    old, new = read_tree(parent, ignore=ignore), read_tree(repair, ignore=ignore)
    paths = sorted(path for path in {*old.files, *new.files} if path.startswith(FOLDER))
    differ = [path for path in paths if _bytes(old, path) != _bytes(new, path)]
    if _allowed(old) != _allowed(new):
        differ.append(MANIFEST)
    return tuple(differ)


def _bytes(tree: Tree, path: str) -> bytes | None:
    return tree.read(path) if path in tree.files else None


def _allowed(tree: Tree) -> tuple[int, Administration | None]:
    manifest = bundle_manifest.parse(tree.read(MANIFEST) if MANIFEST in tree.files else b"")
    return manifest.pipeline, manifest.admin
