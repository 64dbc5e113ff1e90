"""Every hostile file of the corpus is refused by the rule that its name begins with.

Corpus files are named `<code>--<variant>`; each stands in an otherwise good bundle.
"""

from pathlib import Path

import pytest
from good_bundle import write

from cyberprivacy.bundle.verified import SEAL, VerifiedBundle
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.review.finding import Refused
from cyberprivacy.review.lint import findings, lint

CORPUS = Path(__file__).parent / "corpus"
HOSTILE = sorted(CORPUS.rglob("*--*"))
PLACES = {"dockerfile": "Dockerfile", "kubernetes": "k8s/web.yaml", "requirements": "requirements.txt"}


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_the_corpus_is_there() -> None:
    assert len(HOSTILE) > 150


@pytest.mark.parametrize("hostile", HOSTILE, ids=name)
def test_a_hostile_file_is_refused_by_its_rule(hostile: Path, tmp_path: Path) -> None:
    tree = write(tmp_path, {PLACES[hostile.parent.name]: hostile.read_bytes()})
    found = findings(tree)
    assert hostile.stem.partition("--")[0] in {one.code for one in found if one.refuses}
    assert all(one.hint for one in found)
    with pytest.raises(Refused):
        lint(VerifiedBundle(cid=Cid.of(DAG_PB, b""), tree=tree, size=0, entries=0, seal=SEAL))


def test_the_same_bundle_without_them_is_fine(tmp_path: Path) -> None:
    assert findings(write(tmp_path)) == ()


def test_a_long_line_with_one_foreign_letter_does_not_take_days(tmp_path: Path) -> None:
    assert findings(write(tmp_path, {"app/long.txt": "é " + "a" * 2_000_000})) == ()
