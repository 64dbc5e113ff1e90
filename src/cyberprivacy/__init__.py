"""People vote on code; machines that nobody can log in to run exactly that code; anyone can check it."""

import sys

# py_ecc, which comes with eth-account, raises Python's recursion limit to 100,000 when it is first imported. With
# that limit some 100 kB of "[[[[…" from a hostile server end the process inside the JSON parser: no exception, no
# refusal. So it is imported here, before anything of ours runs, and the limit is put back for good.
_limit = sys.getrecursionlimit()
import py_ecc  # noqa: E402, F401

sys.setrecursionlimit(_limit)
