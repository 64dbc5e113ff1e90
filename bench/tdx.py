"""How long does it take to judge one TDX quote, as a ratio to dcap-qvl (Rust) on the same quote?

    uv run python bench/tdx.py [--rounds 20] [--each 25] [--vectors FOLDER]

Both verify the same genuine quote with its collateral, at the same time of 2025, in turns, so that a busy machine
slows both alike. "bare" is only the ten ECDSA P-256 verifications that are needed, in the library that we use:
no verifier in Python can be faster. Each ratio is the median over rounds of (ours / other, in the same round). The
raw seconds are kept in bench/results/tdx.json.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import dcap_qvl  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cyberprivacy import canonical
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx.pck import INTEL_SGX_ROOT
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.attest.tdx.verifier import TdxVerifier

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "tdx.json"
NOW = 1_750_809_600
"""2025-06-25, when the collateral of the vector was fresh."""
SIGNATURES = 10
"""PCK, its authority, the root, the tables' signer, two lists, two tables, QE report, quote."""


def ways(folder: Path) -> dict[str, Callable[[], object]]:
    """What is measured; each call judges the quote once, from its bytes."""
    quote, text = (folder / "quote.bin").read_bytes(), (folder / "collateral.json").read_text()
    evidence = Evidence("tdx", {"quote": quote, "collateral": canonical.encode(json.loads(text))})
    verifier, binding = TdxVerifier(TdxPolicy(evaluation=17)), quote[48 + 520 : 48 + 584]
    roots = {INTEL_SGX_ROOT: Level.CONFIDENTIAL_VM}
    key = ec.generate_private_key(ec.SECP256R1())
    signature, public = key.sign(quote, ec.ECDSA(hashes.SHA256())), key.public_key()

    def ours() -> None:
        found = verifier.judge(evidence, binding=binding, roots=roots, now=NOW)
        assert all(check.acceptable for check in found.checks)

    def theirs() -> None:
        assert dcap_qvl.verify(quote, dcap_qvl.QuoteCollateralV3.from_json(text), NOW).status == "UpToDate"

    def bare() -> None:
        for _ in range(SIGNATURES):
            public.verify(signature, quote, ec.ECDSA(hashes.SHA256()))

    return {"ours": ours, "dcap-qvl": theirs, "bare": bare}


def main() -> None:
    """Measure, print, and keep the raw data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=25, help="verifications in a row")
    parser.add_argument("--vectors", type=Path, default=ROOT.parent / "shared" / "vectors")
    asked = parser.parse_args()
    measured = ways(asked.vectors / "attestation" / "tdx-v4-uptodate")
    seconds: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(asked.rounds):
        for name, way in measured.items():
            started = time.perf_counter()
            for _ in range(asked.each):
                way()
            seconds[name].append((time.perf_counter() - started) / asked.each)
    RESULTS.parent.mkdir(exist_ok=True)
    told = {"unit": "seconds per verification", "machine": platform.machine(), "each": asked.each, "raw": seconds}
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    for name, taken in seconds.items():
        ratio = statistics.median(ours / other for ours, other in zip(seconds["ours"], taken, strict=True))
        middle = statistics.median(taken)
        print(f"{name:10} {1000 * middle:7.2f} ms {1 / middle:7.0f}/s   ours/{name} {ratio:5.2f}")


if __name__ == "__main__":
    main()
