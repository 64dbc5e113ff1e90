"""What a configuration file says of other clusters; the same for a node and for a witness of its own.

```toml
[witness]
quorum = 1                             # how many of them must cosign this log before it counts
silence = 600                          # seconds without an answer after which a log is called silent

[[witness.watch]]                      # one for each; whoever runs it says its keys
url = "https://other.example"
log = ["cyberprivacy.log/…+…+…"]       # keys of its log
witness = ["cyberprivacy.witness/…"]   # keys with which it cosigns
```
"""

from urllib.parse import urlsplit

from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.node.circle import SILENCE, Other, Watching
from cyberprivacy.node.tables import BadConfig, Table, url


def watching(value: object) -> Watching:
    """What the table `witness` says of other clusters.

    Raises:
        BadConfig: a key is missing, unknown, of the wrong form, or stands twice.
        Misuse: "note.key".
    """
    table = Table("witness", value, {"quorum", "silence", "watch"})
    others = tuple(
        _other(Table("witness.watch", each, {"url", "log", "witness"})) for each in table.tables("watch")
    )
    keys = [key.public for other in others for key in (*other.log, *other.witness)]
    if len({other.origin for other in others}) != len(others) or len(set(keys)) != len(keys):
        raise BadConfig("a log or a key stands for two clusters", key="witness.watch")
    witnesses = sum(1 for other in others if other.witness)
    return Watching(
        others=others,
        quorum=table.number("quorum", 0, least=0, most=witnesses),
        silence=table.number("silence", SILENCE, least=4, most=86_400),
    )


def _other(table: Table) -> Other:
    where = url(table.text("url")).rstrip("/")
    log = tuple(map(VerifierKey.parse, table.texts("log")))
    witness = tuple(map(VerifierKey.parse, table.texts("witness", ())))
    if urlsplit(where).path:
        raise BadConfig("the address of a cluster has no path", key="witness.watch.url", url=where)
    if len({key.name for key in log}) != 1 or not {Kind.LOG, Kind.COSIGNER_PQ} <= {key.kind for key in log}:
        raise BadConfig(
            "a log has an Ed25519 and an ML-DSA-44 key of one name", key="witness.watch.log", url=where
        )
    if len({key.name for key in witness}) > 1 or any(key.kind in (Kind.LOG, Kind.HEAD) for key in witness):
        raise BadConfig("a witness has cosigner's keys of one name", key="witness.watch.witness", url=where)
    return Other(where, log, witness)
