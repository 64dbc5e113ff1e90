"""Vendors that are busy, slow, broken or not who they should be."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from cyberprivacy.attest.collateral.cache import MAX_PENANCE, Cache, Copy
from cyberprivacy.attest.collateral.resource import Form, Resource, Sources
from cyberprivacy.attest.collateral.source import ATTEMPTS, Source
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.vendors import FakeVendors, Fault, drip, gives, reset, says

NOW = 1_800_000_000
PEM = b"-----BEGIN CERTIFICATE-----\n"
Fetch = Callable[..., Copy]


@pytest.fixture
def fetch(vendors: FakeVendors, clock: StandingClock, tmp_path: Path) -> Fetch:
    pace = Pace(deadline=0.6, first=0.5, connect=0.5, silence=0.5, grace=0.2, rate=4096)

    def ask(resource: Resource | None = None, *, patience: float = 60.0, trusting: bool = True) -> Copy:
        authorities = vendors.authorities if trusting else None
        source = Source(authorities=authorities, clock=clock, sleep=clock.sleep, jitter=lambda: 0.5, pace=pace)
        wanted = vendors.sources.qe_identity() if resource is None else resource
        with Cache(tmp_path / "cache", clock=clock).queue("host", patience=1.0) as queue:
            return source.fetch(wanted, queue, until=clock() + patience)

    return ask


def asked(vendors: FakeVendors) -> int:
    return vendors.asked.total()


def test_an_orderly_answer_comes_with_the_certificates_of_who_signed_it(fetch: Fetch) -> None:
    copy = fetch()
    assert copy.body.startswith(b'{"enclaveIdentity":')
    assert copy.chain.startswith(PEM)
    assert copy.at == NOW


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_vendor_is_left_alone_as_long_as_it_asks_for(
    fetch: Fetch, vendors: FakeVendors, clock: StandingClock, status: int
) -> None:
    vendors.faults.extend(
        [
            says(status, retry_after="7"),
            says(status, retry_after=format_datetime(datetime.fromtimestamp(NOW + 20, UTC), usegmt=True)),
        ]
    )
    fetch()
    assert [round(each, 3) for each in clock.slept] == [7.0, 13.0]


def test_a_vendor_that_says_nothing_of_time_is_asked_ever_more_slowly(
    fetch: Fetch, vendors: FakeVendors, clock: StandingClock
) -> None:
    vendors.faults.extend([says(500), says(503), says(502), says(429, retry_after="soon")])
    fetch()
    assert [round(each, 3) for each in clock.slept] == [0.75, 1.5, 3.0, 6.0]


@pytest.mark.parametrize(
    ("fault", "code"), [(says(500), "collateral.unreachable"), (says(429), "collateral.throttled")]
)
def test_attempts_end(fetch: Fetch, vendors: FakeVendors, fault: Fault, code: str) -> None:
    vendors.faults.extend([fault] * 20)
    with pytest.raises(TryLater) as refusal:
        fetch()
    assert (refusal.value.code, asked(vendors)) == (code, ATTEMPTS)


def test_patience_ends_without_a_wait_and_the_next_process_knows(
    fetch: Fetch, vendors: FakeVendors, clock: StandingClock
) -> None:
    vendors.faults.append(says(429, retry_after="600"))
    for _ in range(2):
        with pytest.raises(TryLater) as refusal:
            fetch()
        assert refusal.value.code == "collateral.throttled"
        assert refusal.value.facts["seconds"] in (601, 602)
    assert (asked(vendors), clock.slept) == (1, [])
    clock.now += 602
    fetch()


def test_no_vendor_is_left_alone_for_ever(fetch: Fetch, vendors: FakeVendors, clock: StandingClock) -> None:
    vendors.faults.append(says(503, retry_after="999999"))
    with pytest.raises(TryLater):
        fetch()
    clock.now += MAX_PENANCE + 1
    fetch()


@pytest.mark.parametrize("fault", [reset, drip])
def test_a_cut_or_slow_answer_is_asked_for_again(fetch: Fetch, vendors: FakeVendors, fault: Fault) -> None:
    vendors.faults.append(fault)
    assert fetch().body.endswith(b"}")
    assert asked(vendors) == 2


JSON = b"{}"
REFUSED: dict[str, tuple[Fault, type[CyberPrivacyError], str]] = {
    "too large": (gives(b"{" + b" " * (200 << 10) + b"}"), Untrusted, "collateral.size"),
    "another form": (gives(b"<html>"), Untrusted, "collateral.form"),
    "empty": (gives(b""), Untrusted, "collateral.form"),
    "compressed": (gives(JSON, content_encoding="gzip"), Untrusted, "collateral.form"),
    "redirect": (says(302, location="https://127.0.0.1/"), Untrusted, "collateral.redirect"),
    "unknown": (says(404), Untrusted, "collateral.unknown"),
    "forbidden": (says(403), Misuse, "collateral.refused"),
    "strange": (says(204), Misuse, "collateral.refused"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_an_answer_is_refused_by_name_and_not_asked_for_again(
    fetch: Fetch, vendors: FakeVendors, name: str
) -> None:
    fault, kind, code = REFUSED[name]
    vendors.faults.append(fault)
    with pytest.raises(kind) as refusal:
        fetch()
    assert (refusal.value.code, asked(vendors)) == (code, 1)
    assert refusal.value.hint or kind is Misuse


@pytest.mark.parametrize("chain", ["", "nonsense", "%2D" * 100])
def test_a_table_without_its_signers_is_refused(fetch: Fetch, vendors: FakeVendors, chain: str) -> None:
    vendors.pages["/tdx/certification/v4/qe/identity"] = (JSON, {"SGX-Enclave-Identity-Issuer-Chain": chain})
    with pytest.raises(Untrusted) as refusal:
        fetch()
    assert refusal.value.code == "collateral.form"


def test_too_many_signers_are_refused(fetch: Fetch, vendors: FakeVendors) -> None:
    chain = PEM.decode().strip() + "A" * 60_000
    vendors.pages["/tdx/certification/v4/qe/identity"] = (JSON, {"SGX-Enclave-Identity-Issuer-Chain": chain})
    with pytest.raises(Untrusted) as refusal:
        fetch()
    assert refusal.value.code == "collateral.size"


def test_a_web_server_that_nobody_certifies_is_not_believed(fetch: Fetch, vendors: FakeVendors) -> None:
    with pytest.raises(Untrusted) as refusal:
        fetch(trusting=False)
    assert (refusal.value.code, asked(vendors)) == ("collateral.tls", 0)


def test_lists_in_hex_are_read_as_a_pccs_writes_them(fetch: Fetch, vendors: FakeVendors) -> None:
    plain = vendors.pages["/IntelSGXRootCA.der"][0]
    vendors.pages["/IntelSGXRootCA.der"] = (plain.hex().encode(), {})
    assert fetch(vendors.sources.root_crl()).body == plain


@pytest.mark.parametrize(
    "url",
    [
        "http://kds.example",
        "https://",
        "https://a:b@kds.example",
        "https://kds.example?x",
        "file:///etc/passwd",
        "kds",
    ],
)
def test_sources_are_https_addresses(url: str) -> None:
    for where in ({"amd": url}, {"intel": url}):
        with pytest.raises(Misuse) as refusal:
            Sources.at(**where)
        assert refusal.value.code == "collateral.source"


def test_a_pccs_stands_in_for_all_of_intel() -> None:
    assert Sources.at() == Sources()
    found = Sources.at(intel="https://pccs.example/")
    assert found.root_crl().url == "https://pccs.example/sgx/certification/v4/rootcacrl"
    assert found.tcb_info(bytes(6)).url == "https://pccs.example/tdx/certification/v4/tcb?fmspc=000000000000"
    assert found.amd == Sources().amd


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [(Form.DER, b"\x30\x01\x00", b"\x30\x01\x00\x00"), (Form.PEM, PEM, b" " + PEM), (Form.JSON, b"{}\n", b"{")],
)
def test_each_form_is_known_at_first_sight(form: Form, good: bytes, bad: bytes) -> None:
    assert form.fits(good)
    assert not form.fits(bad)
    assert not form.fits(b"")
