"""Makes the shared vectors: `uv run python sdk/vectors/make.py [FOLDER]`. The same bytes each time.

Verdicts come from whoever wrote a case, results of positive cases from our code. The TypeScript SDK, written
from the specification, has to agree about each (`npm test`) and to make each anew (`npm run vectors`).
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from making import (
    archives,
    blobs,
    consents,
    envelopes,
    events,
    grants,
    keys,
    numbers,
    passkeys,
    plain,
    requests,
    sealed,
    selectors,
    siwe,
    transfers,
    typed,
)
from making.layout import Group, write

FILES: Final[Mapping[str, Callable[[], list[Group]]]] = {
    "jcs": plain.jcs,
    "typed-data": typed.groups,
    "keys": keys.keys,
    "low-s": keys.low_s,
    "device": keys.devices,
    "siwe-parse": siwe.parsing,
    "siwe-verify": siwe.verifying,
    "passkey": passkeys.groups,
    "key-events": events.groups,
    "selector": selectors.groups,
    "grant": grants.grants,
    "revoke": grants.revokes,
    "release-policy": consents.policies,
    "consent-text": consents.consents,
    "record-envelope": sealed.groups,
    "chunk": transfers.chunks,
    "blob-part": blobs.groups,
    "hpke-chunk": envelopes.chunks,
    "manifest": transfers.manifests,
    "receipt": transfers.receipts,
    "erasure": transfers.erasures,
    "service-token": envelopes.tokens,
    "signed-request": requests.groups,
    "number": numbers.groups,
    "archive": archives.groups,
    "pairwise": plain.pairs,
    "merkle": plain.merkle,
}


def main() -> int:
    """Write every file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "v1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, groups in FILES.items():
        (folder / f"{name}.json").write_bytes(write(name, groups()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
