"""What an attacker makes: another first process, and evidence of a machine that does not run."""

import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from machines import locked_tools, pem

from cyberprivacy.attest import bootlog, quote, tpmenrolment
from cyberprivacy.attest.bare import EvidenceDocument, key_bound, spki_of_pem
from cyberprivacy.attest.enrolment import Answer
from cyberprivacy.attest.eventlog import QUOTED
from cyberprivacy.attest.identity import EARLY
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tcg2 import ALG_SHA256
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmenrolment import HeldKey
from cyberprivacy.build.base import Entry
from cyberprivacy.build.debian import unpack
from cyberprivacy.privacy_os.image import compile_init
from cyberprivacy.privacy_os.initrd import archive
from cyberprivacy.privacy_os.pe import with_sections
from cyberprivacy.privacy_os.service import ROLE, VALID
from cyberprivacy.privacy_os.sources import STUB
from cyberprivacy.testing.townmachine import Desk

ADDON = "./usr/lib/systemd/boot/efi/addonx64.efi.stub"
ASKED = "    nothing_added()?;\n"


def another_first_process() -> bytes:
    """An addon for the boot stub with a first process that does not mind what was added to its start."""
    with locked_tools() as (sources, box):
        folder = box.work / "evil"
        folder.mkdir()
        for path in sources.init.glob("*.rs"):
            text = path.read_text()
            assert path.name != "main.rs" or ASKED in text
            (folder / path.name).write_text(text.replace(ASKED, "    let _ = nothing_added();\n"))
        first = compile_init(box, folder)
    return with_sections(_addon(sources.build[STUB]), {".initrd": archive({"init": Entry(0o755, data=first)})})


def _addon(deb: bytes) -> bytes:
    with unpack(deb) as tree:
        for member in tree:
            if member.name == ADDON and (file := tree.extractfile(member)) is not None:
                return file.read()
    raise AssertionError(ADDON)


def forged(state: Path, log: bytes, desk: Desk, *, key: ec.EllipticCurvePublicKey, nonce: str) -> bytes:
    """Evidence about a key, of a TPM that took the log of another start.

    Args:
        state: with the state of a TPM in `tpm`.
        log: of an honest start.
        desk: who vouches for the TPM.
        key: of whoever answers.
        nonce: of whoever asks, in hexadecimal.
    """
    engine = SoftwareTpm(state / "tpm")
    try:
        tpm = Tpm(engine)
        held = HeldKey(tpm, *tpm.create_attestation_key())
        (state / "request.json").write_bytes(tpmenrolment.ask(held).encode())
        desk.certify(state / "request.json", state / "answer.json")
        certificates = tpmenrolment.accept(held, Answer.parse((state / "answer.json").read_bytes()))
        for event in bootlog.read(log).events:
            tpm.extend(event.index, event.digests[ALG_SHA256])
        now, spki = int(time.time()), spki_of_pem(pem(key))
        bound = key_bound(spki, bytes.fromhex(nonce), since=now - EARLY, until=now + VALID, role=ROLE)
        attest, signature = tpm.quote(held.handle, quote.qualifying(bound.digest()), QUOTED)
    finally:
        engine.close()
    evidence = quote.assemble(held.public, attest, signature, certificates=certificates, log=log)
    return EvidenceDocument(bound, evidence).encode()
