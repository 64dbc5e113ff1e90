"""How much slower is judging one SEV-SNP report than the bare signature checks that it needs?

    uv run python bench/snp.py [--rounds 15] [--times 100]

The bare checks are four signatures, with keys and messages that lie ready: three of RSA-4096 on the certificates
(the root's own among them, as its validity and its mark are believed) and one on P-384 on the report. Ours starts
from bytes. Both run side by side in each round, in a shuffled order; the ratio is the median over rounds of (ours
/ bare, in the same round). Processor time, as others may share the machine.
"""

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.snp.chain import Certificate
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.report import SIGNED_SIZE, signature
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.testing.snp import FakeAmd

RESULTS = Path(__file__).parent / "results" / "snp.json"
NOW = 1_800_000_000
BINDING = bytes(range(64))

Way = Callable[[], None]


def ways() -> dict[str, Way]:
    """What is measured: one verification each."""
    amd = FakeAmd.new(Product.GENOA, now=NOW)
    chip = amd.chip()
    evidence, roots = chip.quote(BINDING), {amd.fingerprint: Level.DEVELOPMENT}
    verifier = SnpVerifier()

    def ours() -> None:
        found = verifier.judge(evidence, binding=BINDING, roots=roots, now=NOW)
        assert all(check.verdict is Verdict.PASS for check in found.checks)

    leaf, middle, root = (Certificate.parse(der) for der in split(chip.certificates))
    report = evidence.fields["report"]
    made, signed = signature(report), report[:SIGNED_SIZE]
    authorities = [load_der_public_key(each.spki) for each in (middle, root, root)]
    key = load_der_public_key(leaf.spki)
    pss, digest = padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384()
    assert isinstance(key, ec.EllipticCurvePublicKey)

    def bare() -> None:
        for issuer, each in zip(authorities, (leaf, middle, root), strict=True):
            assert isinstance(issuer, rsa.RSAPublicKey)
            issuer.verify(each.signature, each.signed, pss, digest)
        key.verify(made, signed, ec.ECDSA(digest))

    return {"ours": ours, "bare": bare}


def main() -> None:
    """Print the ratio; keep the raw seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--times", type=int, default=100)
    asked = parser.parse_args()
    measured = ways()
    raw: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(asked.rounds):
        order = list(measured.items())
        random.shuffle(order)
        for name, way in order:
            started = time.process_time()
            for _ in range(asked.times):
                way()
            raw[name].append((time.process_time() - started) / asked.times)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"unit": "processor seconds per verification", "raw": raw}, indent=1))
    ratio = statistics.median(ours / bare for ours, bare in zip(raw["ours"], raw["bare"], strict=True))
    rate = {name: 1 / statistics.median(seconds) for name, seconds in raw.items()}
    print(f"one SEV-SNP report, {asked.rounds} rounds of {asked.times}, {platform.machine()}")
    print(f"ours/bare {ratio:.2f} (ours {rate['ours']:.0f}/s, bare signatures {rate['bare']:.0f}/s)")


if __name__ == "__main__":
    main()
