"""A real browser with a wallet of a test key in it, and the example applications as processes of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from playwright.sync_api import Page, expect, sync_playwright

expect.set_options(timeout=20_000)
ROOT = Path(__file__).parents[2]
SECRET = bytes([7]) * 32
WALLET = "window.ethereum = {request: ({method, params}) => window.testWallet(method, params ?? [])};"


def ask_wallet(method: str, params: list[str]) -> Any:
    """What a wallet answers whose owner agrees to everything. Source: EIP-1193, EIP-191, EIP-712."""
    account = Account.from_key(SECRET)
    match method:
        case "eth_requestAccounts":
            return [account.address]
        case "personal_sign":
            message = encode_defunct(hexstr=params[0])
        case "eth_signTypedData_v4":
            message = encode_typed_data(full_message=json.loads(params[1]))
        case _:
            raise ValueError(method)
    return "0x" + account.sign_message(message).signature.hex().removeprefix("0x")


@contextmanager
def browser() -> Iterator[Page]:
    """One page of Debian's Chromium; whatever a script of ours fails at, fails the test."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = chromium.new_context(
            viewport={"width": 1180, "height": 900}, locale="en-GB", accept_downloads=True
        )
        context.expose_function("testWallet", ask_wallet)
        context.add_init_script(WALLET)
        page = context.new_page()
        page.set_default_timeout(20_000)
        yield page
        chromium.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """An example application."""

    def __init__(self, script: str, data: Path, *more: str, port: int) -> None:
        self.url, self._port = f"http://127.0.0.1:{port}", port
        self._command = [sys.executable, ROOT / script, "--vault", data, "--port", str(port), *more]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, env=os.environ, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(self.url + "/.well-known/udi", timeout=5).close()
            except OSError:
                assert self.process.poll() is None, "it ended"
                assert time.monotonic() < deadline, "it does not answer"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
