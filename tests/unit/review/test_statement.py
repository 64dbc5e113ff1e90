"""An auditor's statement is one document for everybody who measured the same bytes."""

import json
from hashlib import sha256

from cyberprivacy import canonical
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.review.measure import Measurement, Row
from cyberprivacy.review.statement import report_hash, statement

NEW, OLD = Cid.of(DAG_PB, b"new"), Cid.of(DAG_PB, b"old")
MEASURED = Measurement(6, (Row("Dockerfile", 5, "1 line; times 5", 5), Row("ä.py", 1, "1 line")))


def test_a_statement_names_the_bundle_what_was_read_and_each_file() -> None:
    document = json.loads(statement(NEW, [OLD], MEASURED))
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["subject"] == [{"name": f"ipfs://{NEW}", "digest": {"sha256": NEW.digest.hex()}}]
    assert document["predicate"]["lines"] == 6
    assert document["predicate"]["against"][0]["name"] == f"ipfs://{OLD}"
    assert [row["path"] for row in document["predicate"]["files"]] == ["Dockerfile", "ä.py"]


def test_the_report_on_chain_is_the_hash_of_the_one_spelling() -> None:
    document = statement(NEW, [OLD], MEASURED)
    assert canonical.encode(canonical.decode(document)) == document
    assert report_hash(document) == sha256(document).digest()
    assert statement(NEW, [OLD], MEASURED) == document
    assert statement(NEW, [], MEASURED) != document
