# ruff: noqa: INP001  a script, not a package
"""Compile the contracts and keep what Python needs of them; the same sources give the same bytes.

    python contracts/build.py            write storage-layout.json, and the artifacts that Python binds to
    python contracts/build.py --check    write nothing; exit 1 and name the files that are stale
    python contracts/build.py --question print what the compiler is asked, as standard JSON (for slither)

Needs `npm ci` in contracts/ (npm's solc; no network afterwards). Takes about six seconds.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
ARTIFACTS: Final = HERE.parent / "src" / "cyberprivacy" / "proposal" / "artifacts"
LAYOUT: Final = HERE / "storage-layout.json"

CONTRACTS: Final = (
    "AppGovernor",
    "AppMembership",
    "AppTimelock",
    "AppVotes",
    "AuditorRegistry",
    "AuditorSeats",
    "Clusters",
    "DaoFactory",
    "Expansions",
    "LogAnchor",
    "Orders",
    "OsReleases",
    "Providers",
    "ReleaseRegistry",
    "RentToken",
    "Validators",
)

SETTINGS: Final = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
    "outputSelection": {  # only ours: the code of every base would take four times as long
        f"src/{name}.sol": {name: ["abi", "evm.bytecode.object", "storageLayout"]} for name in CONTRACTS
    },
}


def question(*, everything: bool = False) -> str:
    """What the compiler is asked, in standard JSON; for analysers, with everything that it knows."""
    files = sorted((HERE / "src").rglob("*.sol"))
    sources = {file.relative_to(HERE).as_posix(): {"content": file.read_text()} for file in files}
    settings = SETTINGS | ({"outputSelection": {"*": {"*": ["*"], "": ["ast"]}}} if everything else {})
    return json.dumps({"language": "Solidity", "sources": sources, "settings": settings})


def compile_all() -> dict[str, Any]:
    """The compiler's answer for our own sources: contract name -> its output.

    Raises:
        SystemExit: the compiler refused, or warned about a file of ours.
    """
    done = subprocess.run(
        [HERE / "solc", "--standard-json"],
        cwd=HERE,
        input=question(),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    ours = [
        e["formattedMessage"]
        for e in answer.get("errors", [])
        if e["severity"] == "error" or "node_modules" not in e.get("sourceLocation", {}).get("file", "")
    ]
    if ours:
        sys.exit("\n".join(ours))
    return {name: out for parts in answer["contracts"].values() for name, out in parts.items()}


def layout_of(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Where each state variable lies; without the compiler's running numbers, which change with every edit."""
    types: dict[str, Any] = output["storageLayout"]["types"] or {}

    def rows(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "label": member["label"],
                "slot": int(member["slot"]),
                "offset": member["offset"],
                "type": types[member["type"]]["label"],
            }
            for member in members
        ]

    found = rows(output["storageLayout"]["storage"])
    structs = {kind["label"]: rows(kind["members"]) for kind in types.values() if "members" in kind}
    return [*found, *({"struct": label, "members": structs[label]} for label in sorted(structs))]


def written() -> dict[Path, str]:
    """Every generated file and what should be in it."""
    outputs = compile_all()
    files = {}
    for name in CONTRACTS:
        artifact = {
            "contract": name,
            "abi": outputs[name]["abi"],
            "bytecode": "0x" + outputs[name]["evm"]["bytecode"]["object"],
        }
        files[ARTIFACTS / f"{name}.json"] = _json(artifact)
    files[LAYOUT] = _json({name: layout_of(outputs[name]) for name in CONTRACTS})
    return files


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the files, or name those that are stale."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    options.add_argument("--question", action="store_true", help="print the compiler's input and stop")
    given = options.parse_args()
    if given.question:
        sys.stdout.write(question(everything=True))
        return
    check: bool = given.check
    stale = [path for path, text in written().items() if not path.exists() or path.read_text() != text]
    if not check:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        for path, text in written().items() if stale else ():
            path.write_text(text)
    for path in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: {path.relative_to(HERE.parent)}\n")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
