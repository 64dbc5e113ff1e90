"""A megabyte of brackets is a refusal, not the end of the process."""

import subprocess
import sys

PROGRAM = """
from cyberprivacy.cli import command_line
command_line()  # every room, and everything that the rooms import
from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal import signing, wire
for read in (lambda data: canonical.decode(data, limit=1 << 24), wire.document):
    for deep in (b"[" * 1_000_000, b'{"a":' * 1_000_000):
        try:
            read(deep)
        except Untrusted:
            print("refused")
"""


def test_deep_nesting_is_refused_whatever_the_process_has_imported() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["refused"] * 4), ended.stderr
