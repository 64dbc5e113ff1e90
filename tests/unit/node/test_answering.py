"""A node signs its log's heads for a chain if, and only if, its configuration says where its cluster answers for them."""

import tomllib
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.ledger.headkey import OnChain
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.signers import Kind
from cyberprivacy.node.config import BadConfig, parse
from cyberprivacy.node.publishing import Answering, head_secret, publisher
from cyberprivacy.proposal.accusing import signed_heads
from cyberprivacy.proposal.release import Address
from cyberprivacy.wallet import address_of

ANCHOR = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
WHERE = Answering(chain_id=31337, anchor=ANCHOR, cluster=7)
GOOD = f"""
data = "/var/lib/cyberprivacy"
[chain]
rpc = ["http://127.0.0.1:8545"]
[[dao]]
address = "{ANCHOR}"
listen = "127.0.0.1:8443"
[head]
chain = 31337
anchor = "{ANCHOR}"
cluster = 7
"""


def test_the_configuration_says_which_cluster_answers() -> None:
    assert parse(tomllib.loads(GOOD)).answering == WHERE
    assert parse(tomllib.loads(GOOD.partition("[head]")[0])).answering is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cluster = 7\n", ""),
        ("cluster = 7", "cluster = 0"),
        ("cluster = 7", "cluster = true"),
        ("chain = 31337", 'chain = "1"'),
        ("chain = 31337", f"chain = {1 << 63}"),
        (f'anchor = "{ANCHOR}"', f'anchor = "{ANCHOR.lower()}"'),
        ("[head]", '[head]\nkey = "a secret"'),
    ],
)
def test_half_of_it_is_refused(old: str, new: str) -> None:
    with pytest.raises(BadConfig):
        parse(tomllib.loads(GOOD.replace(old, new)))


@pytest.mark.parametrize("answering", [WHERE, None])
def test_a_log_is_signed_for_the_chain_by_the_key_that_its_provider_names(
    tmp_path: Path, answering: Answering | None
) -> None:
    key = NodeKey.unsealed(bytes([1]) * 32)
    ledger = FileLedger(tmp_path / "ledger.jsonl", clock=lambda: 1_800_000_000.5)
    ledger.append("test.said", {})
    public = publisher(ledger, tmp_path / "log", key, clock=lambda: 1_800_000_000.5, answering=answering)
    public.publish()
    note = Note.parse((public.public / "checkpoint").read_bytes())
    heads = signed_heads(note, chain_id=31337, anchor=ANCHOR)
    if answering is None:
        assert not heads
        return
    (signed,) = heads
    assert (signed.head.cluster, signed.head.size, signed.head.time) == (7, 1, 1_800_000_000)
    assert signed.signer(31337, ANCHOR) == to_checksum_address(address_of(head_secret(key)))
    (told,) = (
        each for each in public.trust.log if each.kind is Kind.HEAD
    )  # what `status` says, and watchers check
    assert OnChain.parse(told.public).cluster == 7
    assert not signed_heads(note, chain_id=1, anchor=ANCHOR)
