"""What administrators may turn, as cyberprivacy.yaml declares it; read each time: a change counts at once."""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path("/run/cyberprivacy/parameters.json")


@dataclass(frozen=True, slots=True)
class Settings:
    """Values within the declared bounds: nodes write no others. Away from a node these defaults count."""

    per_page: int = 20
    order: str = "newest"


def read(file: Path) -> Settings:
    """The present values."""
    try:
        said = json.loads(file.read_bytes())
    except FileNotFoundError:
        return Settings()
    return Settings(said["parameters"]["per-page"], said["algorithms"]["order"])
