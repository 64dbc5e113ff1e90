"""Writes base digests into a source tree: what `FROM name@sha256:…` and `inputs.bases` should say today.

Base images are rebuilt when Debian fixes something, so examples carry zeros and are pinned before use. It
is a plain change of text, digits for digits: whoever publishes the tree answers for the result.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cyberprivacy.build.oci import parse_digest, replace
from cyberprivacy.bundle import manifest
from cyberprivacy.errors import Misuse

MANIFEST: Final = "cyberprivacy.yaml"
_HEX: Final = r"sha256:[0-9a-f]{64}"


def pin_bases(directory: Path, digests: Mapping[str, str]) -> tuple[Path, ...]:
    """Write the digests of base images, by repository, wherever a tree names them.

    Args:
        directory: a bundle's sources, with `cyberprivacy.yaml`.
        digests: repository -> "sha256:…". Repositories that the tree does not use are no error.

    Returns:
        The files that changed.

    Raises:
        Misuse: no bundle ("pin.directory"), or a base that is used has no digest here ("pin.base").
        Untrusted: the manifest or a digest is not of the right form.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise Misuse("no cyberprivacy.yaml here", code="pin.directory", directory=str(directory))
    parsed = manifest.parse(path.read_bytes())
    used = {base.repository for base in parsed.bases}
    if unknown := sorted(used - set(digests)):
        raise Misuse(
            "no digest is known for a base image",
            code="pin.base",
            hint="Build it with `cyberprivacy base build`, or give --base REPOSITORY=sha256:….",
            bases=unknown,
        )
    wanted = {name: str(parse_digest(digests[name])) for name in sorted(used)}
    files = [path, *(directory / name for name in sorted({image.dockerfile for image in parsed.images}))]
    return tuple(file for file in files if file.is_file() and _pin(file, wanted))


def _pin(file: Path, digests: Mapping[str, str]) -> bool:
    before = file.read_text(encoding="utf-8")
    after = before
    for repository, digest in digests.items():
        name = re.escape(repository)
        after = re.sub(rf"(?<![\w./:-])({name}@){_HEX}", rf"\g<1>{digest}", after)
        after = re.sub(
            rf"(repository:\s*[\"']?{name}[\"']?\s*[,\n]\s*digest:\s*[\"']?){_HEX}", rf"\g<1>{digest}", after
        )
    if after != before:
        replace(file, after.encode())
    return after != before
