"""A key node over TLS, and machines with real software TPMs that ask it."""

import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cyberprivacy.attest import bootlog
from cyberprivacy.attest.enrolment import Vendors
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC
from cyberprivacy.bundle.serve import listening
from cyberprivacy.errors import CyberPrivacyError, Untrusted
from cyberprivacy.privacy_os import key_node_web, key_request, keyport
from cyberprivacy.privacy_os.key_node import CHALLENGE_LIFE, KeyNode, tls_key
from cyberprivacy.privacy_os.key_request import Ask
from cyberprivacy.privacy_os.measuring import SHUT
from cyberprivacy.testing.paperboot import START, PaperBoot, honest
from cyberprivacy.testing.tpm import FakeVendor

pytestmark = pytest.mark.engines

BOOT = PaperBoot(START.events[1:])  # swtpm was started by nobody in particular
AFTER = PaperBoot((*BOOT.events, honest(11, 6, SHUT)))
RUNNING = bootlog.measurement(bootlog.read(AFTER.encode()).replay())
DISK, OTHER_DISK = b"d" * 16, b"e" * 16
VENDOR = FakeVendor.new(marked=False)
YEAR = 365 * 86_400


class Town:
    """A key node that serves, what its chain says, and machines."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.accepted, self.policy = folder, {RUNNING}, Policy(measurements=frozenset({RUNNING}))
        self.ahead, self._ends = 0.0, list[SoftwareTpm]()
        self.asked: list[bytes] = []
        self.start()

    def start(self) -> None:
        """Serve, with what the folder has."""
        self.node = KeyNode(
            self._folder / "keys",
            vendors=Vendors(roots=frozenset({VENDOR.fingerprint}), issuers=VENDOR.issuers),
            policy=self.policy,
            standing=lambda measurement: measurement in self.accepted,
            clock=lambda: time.time() + self.ahead,
        )
        pem = tls_key(self._folder / "keys" / "tls.pem", ("127.0.0.1",), int(time.time()))
        self.pin, door = key_node_web.pin_of(pem), listening("127.0.0.1", 0)
        self.url = f"https://127.0.0.1:{door.getsockname()[1]}"
        self._server = key_node_web.server(self.node, pem)
        self._thread = threading.Thread(target=self._server.run, args=([door],))
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def machine(self, chip: str = "chip", *, boot: PaperBoot = BOOT, vendor: FakeVendor = VENDOR) -> Tpm:
        """A machine's TPM after this start."""
        engine = SoftwareTpm(self._folder / chip)
        self._ends.append(engine)
        tpm = Tpm(engine)
        if not (self._folder / f"{chip}.made").exists():
            vendor.provision(tpm, 0x01C0000A, ENDORSEMENT_ECC)
            (self._folder / f"{chip}.made").touch()
        for event in boot.events:
            tpm.extend(event.register, sha256(event.digested).digest())
        return tpm

    def part(self, tpm: Tpm, disk: bytes = DISK, *, boot: PaperBoot = BOOT, ahead: float = 0.0) -> bytes:
        """What a machine gets for a disk."""
        who = keyport.KeyNode(self.url, self.pin, tpm=tpm, log=boot.encode(), clock=lambda: time.time() + ahead)
        return who.fetch(disk)

    def close(self) -> None:
        self.stop()
        for engine in self._ends:
            engine.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


def test_each_disk_of_each_machine_has_a_part_of_its_own_which_stays(town: Town) -> None:
    tpm = town.machine()
    part = town.part(tpm)
    assert len(part) == key_request.PART_SIZE
    assert town.part(tpm) == part
    assert len({part, town.part(tpm, OTHER_DISK), town.part(town.machine("other"))}) == 3
    town.stop()
    town.start()
    assert town.part(tpm) == part


def test_nothing_is_given_once_the_way_to_the_key_is_shut(town: Town) -> None:
    """Not even to the machine that has had its part a moment before; and a log that hides it proves nothing."""
    tpm = town.machine()
    town.part(tpm)
    tpm.extend(11, sha256(SHUT).digest())
    assert _why(town, tpm, AFTER) == "keys.software"
    assert _why(town, tpm, BOOT) == "keys.evidence"


def test_software_that_the_chain_or_the_policy_does_not_take_gets_nothing(town: Town) -> None:
    tpm = town.machine()
    town.accepted.clear()
    assert _why(town, tpm, BOOT) == "keys.standing"
    town.accepted.add(RUNNING)
    other = PaperBoot((*BOOT.events, honest(12, 13, b"more")))
    assert _why(town, town.machine("other", boot=other), other) == "keys.software"


def test_a_tpm_of_another_maker_gets_nothing(town: Town) -> None:
    tpm = town.machine(vendor=FakeVendor.new(marked=False))
    assert _why(town, tpm, BOOT) == "enrolment.ek-chain"


def test_a_clock_that_is_a_year_off_gets_nothing(town: Town) -> None:
    tpm = town.machine()
    for ahead in (-YEAR, YEAR):
        with pytest.raises(Untrusted, match=r"bound\.expired"):
            town.part(tpm, ahead=ahead)


def test_another_server_than_the_pinned_one_is_asked_nothing(town: Town) -> None:
    town.pin = bytes(32)
    with pytest.raises(Untrusted) as refusal:
        town.part(town.machine())
    assert refusal.value.code == "keys.pin"


def test_a_question_is_good_once_and_only_for_its_own_key(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who has seen it gets the part sealed to the machine's key, with another key nothing, later nothing."""
    encode, seen = Ask.encode, list[bytes]()
    monkeypatch.setattr(Ask, "encode", lambda ask: seen.append(encode(ask)) or seen[-1])
    part = town.part(town.machine())
    asked, mine = Ask.parse(seen[0]), X25519PrivateKey.generate()
    with pytest.raises(Untrusted):
        key_request.unseal(town.node.part(seen[0]), mine, DISK)
    forged = Ask(DISK, mine.public_key().public_bytes_raw(), asked.evidence)
    with pytest.raises(key_request.NoKeyForYou) as refusal:
        town.node.part(encode(forged))
    assert "bound.other-key" in str(refusal.value)
    town.ahead = CHALLENGE_LIFE + 2
    with pytest.raises(Untrusted) as late:
        town.node.part(seen[0])
    assert late.value.code == "keys.challenge"
    assert len(part) == key_request.PART_SIZE


def test_a_part_is_kept_for_its_owner_alone_and_never_said(
    town: Town, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    part = town.part(town.machine())
    (kept,) = (tmp_path / "keys" / "parts").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert part.hex() not in "".join(capfd.readouterr())
    assert DISK.hex() in kept.name


def _why(town: Town, tpm: Tpm, boot: PaperBoot) -> str:
    """The code by which it is refused."""
    with pytest.raises(CyberPrivacyError) as refusal:
        town.part(tpm, boot=boot)
    return refusal.value.code
