"""Make an SQLite database from CSV files: `make_database.py FOLDER DATABASE`, one table a file.

The first row names the columns; a column whose every value is a number becomes one.
"""

import csv
import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def number(text: str) -> float | int | None:
    """The number that a cell is, None for an empty one; ValueError for words."""
    if not text:
        return None
    return float(text) if "." in text else int(text)


def numeric(values: list[str]) -> bool:
    """Whether a column holds numbers only."""
    try:
        return any(number(value) is not None for value in values)
    except ValueError:
        return False


def load(database: sqlite3.Connection, path: Path) -> None:
    """Read one CSV file into a table of its name."""
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    kinds = [numeric([row[place] for row in rows]) for place in range(len(head))]
    columns = ", ".join(
        f'"{name}" {"NUMERIC" if kind else "TEXT"}' for name, kind in zip(head, kinds, strict=True)
    )
    marks = ", ".join("?" * len(head))
    database.execute(f'CREATE TABLE "{path.stem}" ({columns})')
    for row in rows:
        cells = [number(cell) if kind else cell for cell, kind in zip(row, kinds, strict=True)]
        database.execute(f'INSERT INTO "{path.stem}" VALUES ({marks})', cells)  # noqa: S608 - a name from the bundle


if __name__ == "__main__":
    with closing(sqlite3.connect(sys.argv[2])) as database:
        for path in sorted(Path(sys.argv[1]).glob("*.csv")):
            load(database, path)
        database.commit()
        database.execute("VACUUM")
