"""The data types that a bundle declares: its folder `types`, a JSON Schema for each, named after its type.

The manifest names them, so people vote on them; the gate refuses a bundle whose folder holds others. The
application reads the folder of the bundle that it was built from.
"""

from pathlib import Path
from typing import Final

from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.datatype import BadType, DataType

FOLDER: Final = "types"
"""Of a bundle: `types/org.example.shop.order.v1.json` declares that type."""
MAX_TYPES: Final = 64


def path(name: str) -> str:
    """Where in a bundle the schema of a type is."""
    return f"{FOLDER}/{name}.json"


def load(folder: Path) -> tuple[DataType, ...]:
    """The types in a folder, by name.

    Raises:
        BadType: the folder or a file cannot be read ("type.file"), too many ("type.many"), else as
            `datatype.parse`.
    """
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix == ".json")
        if len(files) > MAX_TYPES:
            raise BadType("too many data types", code="type.many", most=MAX_TYPES)
        return tuple(datatype.parse(each.stem, _bounded(each)) for each in files)
    except OSError as error:
        raise BadType("cannot be read", code="type.file", path=error.filename, why=error.strerror) from None


def _bounded(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(datatype.MAX_BYTES + 1)
