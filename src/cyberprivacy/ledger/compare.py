"""Two heads of one log, held against each other: did one grow from the other? Pure but for reading tiles.

A log that shows different pasts to different people is found as soon as any two of them compare what they saw.
"""

from collections.abc import Sequence

from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.proofs import consistency_proof, root_of
from cyberprivacy.ledger.reading import LogReader, Missing, Source
from cyberprivacy.ledger.tiles import BadTile
from cyberprivacy.ledger.trust import SeenHead, Trust, signed


def compare(one: SeenHead, other: SeenHead, sources: Sequence[Source]) -> ForkEvidence | None:
    """Whether two heads that a log has signed are of one past.

    Args:
        one: a head.
        other: another one of the same log.
        sources: who may have the tiles below the longer of the two. None of them is believed: what they have must
            lead to that head.

    Returns:
        The proof that the log forked; None if the longer one grew from the shorter one.

    Raises:
        Missing: "log.hidden": nobody shows the tiles that would tell.
    """
    shorter, longer = sorted((one, other), key=lambda seen: seen.checkpoint.size)
    before, after = shorter.checkpoint.head, longer.checkpoint.head
    if before == after or not before.size:
        return None
    # With every line: a key that means nothing to us may be the one with which the log answers on chain.
    notes = shorter.whole.encode(), longer.whole.encode()
    if before.size == after.size:
        return ForkEvidence(*notes, after.root, ())
    for source in sources:
        try:
            node = LogReader(source, after).node
            past = root_of(node, before.size)
            if past == before.root:
                return None
            return ForkEvidence(*notes, past, consistency_proof(node, before.size, after.size))
        except (BadTile, Missing):  # that source lies or lags: the log itself is not to blame for it
            continue
    raise Missing("nobody shows what lies below a head", code="log.hidden", size=after.size)


def cosigned_both(evidence: ForkEvidence, trust: Trust) -> tuple[str, ...]:
    """Witnesses who cosigned both pasts, sorted: a witness that remembers never does.

    Args:
        evidence: that was checked.
        trust: with the keys of witnesses; others are not looked at.

    Raises:
        Untrusted: a signature of a key that we know is false.
    """
    seen = [signed(note, trust, now=float(1 << 62)).witnesses for note in (evidence.shorter, evidence.longer)]
    return tuple(sorted(seen[0].keys() & seen[1].keys()))
