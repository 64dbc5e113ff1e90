"""AMD's and Intel's web services on paper: an https server that publishes what fake vendors say, or misbehaves.

with FakeVendors(folder) as vendors:
    vendors.publish_chip(amd, chip)
    vendors.publish_intel(intel, FMSPC)
    Keeper(cache, sources=vendors.sources, source=Source(authorities=vendors.authorities))
"""

import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.collateral.resource import Sources
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.testing.snp import FakeAmd, FakeChip
from cyberprivacy.testing.tdx import PaperIntel

Page = tuple[bytes, Mapping[str, str]]
"""Body and headers."""

Fault = Callable[["Asked", Page], None]
"""Answers in its own way, in the place of a page."""

ABSENT: Final[Page] = (b"nothing here", {})


class Asked(BaseHTTPRequestHandler):
    """One request."""

    vendors: "FakeVendors"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer from the pages, or as the next fault says."""
        known = self.path in self.vendors.pages
        page = self.vendors.pages.get(self.path, ABSENT)
        self.vendors.asked[self.path] += 1
        faults = self.vendors.faults
        with suppress(OSError):  # a client that has had enough
            if faults:
                faults.pop(0)(self, page)
            else:
                self.answer(200 if known else 404, page)

    def answer(self, status: int, page: Page, **more: str) -> None:
        """An orderly answer."""
        self.send_response(status)
        for name, value in {**page[1], **{name.replace("_", "-"): value for name, value in more.items()}}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page[0])))
        self.end_headers()
        self.wfile.write(page[0])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
        """Say nothing."""


class FakeVendors:
    """The server.

    Attributes:
        pages: by path and query.
        faults: how the next requests are answered, first one first.
        asked: how often each path was asked for.
        authorities: trusts this server's certificate.
        sources: where it answers.
    """

    def __init__(self, folder: Path) -> None:
        """Begin to serve on a free port of 127.0.0.1; the key of its certificate lies in `folder`."""
        identity = TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=int(time.time()))
        file = folder / "vendors.pem"
        file.write_bytes(identity.pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self.pages: dict[str, Page] = {}
        self.faults: list[Fault] = []
        self.asked: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Asked,), {"vendors": self}))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.authorities = ssl.create_default_context(cadata=identity.certificate().decode())
        base = f"https://127.0.0.1:{self._server.server_port}"
        self.sources = Sources(amd=base, intel=base, intel_root_crl=f"{base}/IntelSGXRootCA.der")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def publish_chip(self, amd: FakeAmd, chip: FakeChip, crl: bytes | None = None) -> None:
        """What AMD publishes about a chip: its certificate, those above it, and the list of revoked ones."""
        tcb, product = chip.tcb, chip.product.value
        size = 8 if chip.product is Product.TURIN else 64
        levels = (
            f"blSPL={tcb.bootloader:02d}&teeSPL={tcb.tee:02d}&snpSPL={tcb.snp:02d}&ucodeSPL={tcb.microcode:02d}"
        )
        if chip.product is Product.TURIN:
            levels = f"fmcSPL={tcb.fmc:02d}&{levels}"
        path = f"/vcek/v1/{product}/{chip.chip_id[:size].hex()}?{levels}"
        self.pages[path] = split(chip.certificates)[0], {"Content-Type": "application/octet-stream"}
        above = b"".join(each.public_bytes(Encoding.PEM) for each in (amd.ask, amd.root))
        self.pages[f"/vcek/v1/{product}/cert_chain"] = above, {"Content-Type": "application/x-pem-file"}
        self.pages[f"/vcek/v1/{product}/crl"] = crl or amd.crl(), {"Content-Type": "application/pkix-crl"}

    def publish_intel(self, intel: PaperIntel, fmspc: bytes) -> None:
        """What Intel publishes about a family of processors."""
        parts = intel.published()
        chain = {name: quote(parts[f"{name}_issuer_chain"]) for name in ("pck_crl", "tcb_info", "qe_identity")}
        self.pages["/IntelSGXRootCA.der"] = bytes.fromhex(parts["root_ca_crl"]), {}
        for ca in ("platform", "processor"):
            self.pages[f"/sgx/certification/v4/pckcrl?ca={ca}&encoding=der"] = (
                bytes.fromhex(parts["pck_crl"]),
                {"SGX-PCK-CRL-Issuer-Chain": chain["pck_crl"]},
            )
        self.pages[f"/tdx/certification/v4/tcb?fmspc={fmspc.hex()}"] = (
            _signed("tcbInfo", parts["tcb_info"], parts["tcb_info_signature"]),
            {"TCB-Info-Issuer-Chain": chain["tcb_info"]},
        )
        self.pages["/tdx/certification/v4/qe/identity"] = (
            _signed("enclaveIdentity", parts["qe_identity"], parts["qe_identity_signature"]),
            {"SGX-Enclave-Identity-Issuer-Chain": chain["qe_identity"]},
        )


def _signed(name: str, text: str, signature: str) -> bytes:
    return f'{{"{name}":{text},"signature":{json.dumps(signature)}}}'.encode()


def says(status: int, **headers: str) -> Fault:
    """Answers with a status and headers, such as `says(429, retry_after="3")`."""
    return lambda request, _: request.answer(status, (b"no", {}), **headers)


def gives(body: bytes, **headers: str) -> Fault:
    """Answers with another body, and the page's own headers."""
    return lambda request, page: request.answer(200, (body, page[1]), **headers)


def reset(request: Asked, _page: Page) -> None:
    """Cuts the connection in the middle of the answer."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab")
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.close_connection = True
    socket.socket.close(request.connection)


def drip(request: Asked, page: Page) -> None:
    """Gives a byte now and then, for ever."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for byte in page[0] * 100:
        request.wfile.write(bytes((byte,)))
        time.sleep(0.05)
