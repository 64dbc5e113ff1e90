"""Put the bundle together: `uv run python examples/guestbook-accounts/bundle.py FOLDER`.

It has the guestbook's page, and this library as a wheel that is built from this checkout: the bundle's address is
that of every byte in it, so nobody has to fetch the wheel from anywhere, and who votes sees that it is there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
EXAMPLES: Final = HERE.parent
OWN: Final = ("cyberprivacy.yaml", "Dockerfile", "requirements.txt")


def assemble(folder: Path) -> None:
    """Write the bundle into a new folder.

    Raises:
        FileExistsError: there is such a folder.
    """
    folder.mkdir()
    for name in OWN:
        shutil.copy(HERE / name, folder / name)
    for name in ("k8s", "types"):
        shutil.copytree(HERE / name, folder / name)
    app = folder / "app" / "guestbook-accounts"
    app.mkdir(parents=True)
    for name in ("main.py", "door.js"):
        shutil.copy(HERE / name, app / name)
    page = Path("guestbook") / "1.0.0" / "app"
    shutil.copytree(
        EXAMPLES / page, folder / "app" / page, ignore=shutil.ignore_patterns("__pycache__", "main.py")
    )
    (folder / "recipe").mkdir()
    shutil.copy(EXAMPLES / "datasette" / "recipe" / "unpack_wheels.py", folder / "recipe")
    built = [
        os.environ.get("UV", "uv"),
        "build",
        "--wheel",
        "--quiet",
        "--out-dir",
        folder / "wheels",
        EXAMPLES.parent,
    ]
    subprocess.run(built, check=True)
    (folder / "wheels" / ".gitignore").unlink(missing_ok=True)  # uv's own idea
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
