"""What a machine is: the strongest hardware that is here, or a refusal; never something weaker in its place."""

from pathlib import Path

import pytest

from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.machine import Candidate, Found, NoHardware, confidential, find
from cyberprivacy.attest.tsm import NoTsm
from cyberprivacy.errors import Misuse


class Paper:
    def quote(self, binding: bytes) -> Evidence:
        return Evidence("paper", {"binding": binding})


TPM = Candidate("a TPM (/dev/tpmrm0)", lambda: Found("TPM", Paper()))
NO_TPM = Candidate("a TPM (/dev/tpmrm0)", lambda: None)


def as_it_is(evidence: Evidence) -> Evidence:
    return evidence


def test_the_first_that_is_here_is_taken(tmp_path: Path) -> None:
    assert find([confidential(as_it_is, folder=tmp_path / "report"), TPM]).what == "TPM"


def test_nothing_here_is_a_refusal_that_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoHardware) as refusal:
        find([confidential(as_it_is, folder=tmp_path / "report"), NO_TPM])
    assert refusal.value.code == "machine.no-hardware"
    assert refusal.value.facts["looked_for"] == [f"SEV-SNP or TDX ({tmp_path}/report)", "a TPM (/dev/tpmrm0)"]
    assert "--swtpm" in refusal.value.hint


def test_hardware_that_may_not_be_asked_is_never_replaced_by_a_weaker_one() -> None:
    def refused() -> Found | None:
        raise NoTsm("not allowed", code="tsm.root")

    with pytest.raises(Misuse) as refusal:
        find([Candidate("SEV-SNP", refused), TPM])
    assert refusal.value.code == "tsm.root"
