"""What the chain has recorded of a bundle, held against what its author and its auditors say."""

import json
from collections.abc import Sequence
from pathlib import Path

from cyberprivacy.bundle.manifest import parse
from cyberprivacy.canonical import nested_within
from cyberprivacy.cid import Cid
from cyberprivacy.cli.dao import see
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal.law import Before, before, dao_at
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.statement import PREDICATE


class OtherParent(Untrusted):
    """A bundle says that it replaces something else than the chain says; its size would be measured by that."""

    code = "measure.parent"
    hint = "Do not vouch for it: no node will run it. Its author publishes it again, on what runs now."


class OtherRelease(Untrusted):
    """A bundle was published under another number or pipeline than its manifest has."""

    code = "measure.manifest"
    hint = "Do not vouch for it: no node will run it. Its author publishes it as its manifest says."


class OtherStatement(Untrusted):
    """A statement of size is about another bundle, another parent or another number than its auditor is."""

    code = "attest.report"
    hint = (
        "Make it again: `cyberprivacy measure CID --dao … --rpc … --statement`, and give the number that it has."
    )


def ask(rpc: Sequence[str], dao: str, bundle: Cid) -> Before:
    """What a bundle is measured against, according to a DAO's registry at this moment."""
    governor = parse_address(dao, "--dao")
    chain = see(rpc)
    block = chain.block()
    return before(chain, dao_at(chain, governor, block), bundle, block)


def check_manifest(tree: Path, recorded: Before) -> None:
    """Refuse a bundle whose manifest contradicts the chain. One without a manifest says nothing.

    Raises:
        OtherParent, OtherRelease: it does.
        BadManifest: it cannot be read.
    """
    if not (tree / MANIFEST).is_file():
        return
    manifest = parse((tree / MANIFEST).read_bytes())
    if manifest.parent != recorded.parent:
        raise OtherParent(
            "the manifest names another parent than the chain",
            manifest=str(manifest.parent),
            chain=str(recorded.parent),
        )
    says, published = (manifest.release, manifest.pipeline), (recorded.number, recorded.pipeline)
    if recorded.published and says != published:
        raise OtherRelease(
            "the manifest is not what was published",
            manifest="release {}, pipeline {}".format(*says),
            chain="release {}, pipeline {}".format(*published),
        )


def check_statement(document: bytes, bundle: Cid, recorded: Before, *, lines: int) -> None:
    """Refuse a statement of `measure` that is not about this bundle, its recorded parent and this number.

    Any other file passes: what auditors write in their own words is theirs.

    Raises:
        OtherStatement: it is not.
    """
    try:
        told = json.loads(document) if nested_within(document, 32) else {}
        if told["predicateType"] != PREDICATE:
            return
        about = [each["name"] for each in told["subject"]]
        against = [each["name"] for each in told["predicate"]["against"]]
        counted = told["predicate"]["lines"]
    except (ValueError, TypeError, LookupError):
        return
    asked = ([f"ipfs://{bundle}"], [f"ipfs://{each}" for each in recorded.read], lines)
    for name, said, meant in zip(("bundle", "against", "lines"), (about, against, counted), asked, strict=True):
        if said != meant:
            raise OtherStatement("the statement is about something else", field=name, statement=said, chain=meant)
