"""The bill of materials: every package and wheel that an image was made of, in CycloneDX. Pure.

Source: ECMA-424 (CycloneDX 1.6); package URLs: ECMA-427.
"""

from importlib.metadata import version
from typing import Final
from urllib.parse import quote

from packaging.utils import parse_wheel_filename

from cyberprivacy.privacy_os.sources import KERNEL, STUB, Sources

_ONLY_TOOLS: Final = "excluded"
_INSIDE: Final = "required"


def bill_of_materials(sources: Sources, measured: dict[str, object]) -> dict[str, object]:
    """The document. What only made the image, and is not in it, has the scope "excluded"."""
    inside = {*sources.root, KERNEL, STUB}
    components = [
        {
            "type": "library",
            "name": package.name,
            "version": package.version,
            "scope": _INSIDE if package.name in inside else _ONLY_TOOLS,
            "purl": f"pkg:deb/debian/{quote(package.name)}@{quote(package.version, safe='')}?arch=amd64",
            "hashes": [{"alg": "SHA-256", "content": package.sha256}],
        }
        for package in sources.locked
    ]
    for filename, path in sorted(sources.wheels.items()):
        name, number, _, _ = parse_wheel_filename(filename)
        purl = f"pkg:pypi/{name}@{number}"
        hashes = [{"alg": "SHA-256", "content": path.name}]
        components.append(
            {"type": "library", "name": str(name), "version": str(number), "scope": _INSIDE, "purl": purl}
            | {"hashes": hashes}
        )
    image = {
        "type": "operating-system",
        "name": "privacy-os",
        "version": version("cyberprivacy"),
        "hashes": [{"alg": "SHA-256", "content": measured["disk"]}],
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": image},
        "components": components,
    }
