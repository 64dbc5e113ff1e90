"""Fuzz one target, or all, for some seconds.

python tests/fuzz/fuzz.py                         the names of the targets
python tests/fuzz/fuzz.py TARGET|all SECONDS [CORPUS]

Ends with 0 when nothing was found. A finding is printed with its traceback, and its input is kept in CORPUS, or in
the present folder: `python tests/fuzz/fuzz.py TARGET 0 FILE` shows it again.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["cyberprivacy.attest", "cyberprivacy.canonical"]):
    from targets import TARGETS, all_of_them, every_seed, sow

LONGEST = 1 << 16
"""Bytes of an input; everything that is read here has its own limit, and most are far below."""


def main() -> None:
    if len(sys.argv) < 3:
        sys.stdout.write("\n".join(TARGETS) + "\n")
        return
    name, seconds, *places = sys.argv[1:]
    read, seeds = (all_of_them, every_seed) if name == "all" else (TARGETS[name], TARGETS[name].seeds)
    if places and Path(places[0]).is_file():
        read(Path(places[0]).read_bytes())
        return
    for place in places:
        Path(place).mkdir(parents=True, exist_ok=True)
    corpus = [*places, sow(seeds())]
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-print_final_stats=1"]
    options += [f"-artifact_prefix={(places or ['.'])[0]}/finding-", "-rss_limit_mb=1024", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, *corpus], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
