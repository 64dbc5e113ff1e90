"""Requests per second through our TLS front, as a ratio to the same HAProxy with nothing of ours.

Three ways to the same backend, in turns, so that a busy machine slows each of them alike:
"front" (our settings), "bare" (TLS and one server, nothing else), "direct" (no TLS, no proxy).
Usage: sudo uv run python bench/front.py [--seconds 5] [--rounds 3]; needs haproxy and wrk.
"""

import argparse
import datetime as dt
import json
import re
import socket
import statistics
import subprocess
import tempfile
import time
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.plan import Endpoint

RESULTS = Path(__file__).parent / "results" / "front.json"
DEFAULTS = "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n"


def identity() -> bytes:
    """A self-signed certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def haproxy(folder: Path, name: str, text: str) -> "subprocess.Popen[bytes]":
    """A HAProxy with these settings."""
    (folder / name).write_text(text)
    command = ["haproxy", "-db", "-f", str(folder / name)]
    # Like the front in a session of its own: the kernel shares a busy processor out by session.
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


def rate(url: str, seconds: int, *, close: bool) -> float:
    """Requests per second that wrk gets answered with 200; anything else fails the run."""
    header = ["-H", "Connection: close"] if close else []
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", *header, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    assert found, said
    return float(found[1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, backend, bare, ours = Path(made), free_port(), free_port(), free_port()
        folder.chmod(0o711)
        (folder / "identity.pem").write_bytes(identity())
        answer = '  http-request return status 200 content-type text/plain string "hello"\n'
        processes = [
            haproxy(folder, "backend.cfg", f"{DEFAULTS}frontend b\n  bind 127.0.0.1:{backend}\n{answer}"),
            haproxy(
                folder,
                "bare.cfg",
                f"global\n  ssl-default-bind-options ssl-min-ver TLSv1.3\n{DEFAULTS}"
                f"frontend f\n  bind 127.0.0.1:{bare} ssl crt {folder}/identity.pem alpn h2,http/1.1\n"
                f"  default_backend b\nbackend b\n  server s 127.0.0.1:{backend}\n",
            ),
        ]
        time.sleep(1)
        front = Front(folder / "front")
        front.serve("bench", f"127.0.0.1:{ours}", identity(), folder / "none.sock")
        front.point("bench", [Endpoint(IPv4Address("127.0.0.1"), backend)])
        ways = {
            "front": f"https://127.0.0.1:{ours}/",
            "bare": f"https://127.0.0.1:{bare}/",
            "direct": f"http://127.0.0.1:{backend}/",
        }
        raw: dict[str, dict[str, list[float]]] = {}
        for kind, close in (("keep-alive", False), ("a connection each", True)):
            raw[kind] = {way: [] for way in ways}
            for _ in range(chosen.rounds):
                for way, url in ways.items():
                    raw[kind][way].append(rate(url, chosen.seconds, close=close))
        front.stop()
        for process in processes:
            process.terminate()
            process.wait()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"unit": "requests per second", "seconds": chosen.seconds, "raw": raw}, indent=1)
    )
    for kind, rates in raw.items():
        median = {way: statistics.median(them) for way, them in rates.items()}
        shown = ", ".join(f"{way} {value:.0f}/s" for way, value in median.items())
        print(f"{kind}: front/bare {median['front'] / median['bare']:.2f}, ", end="")
        print(f"front/direct {median['front'] / median['direct']:.2f} ({shown})")


if __name__ == "__main__":
    main()
