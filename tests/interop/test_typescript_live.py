"""The TypeScript SDK against a vault that runs: in Node, and in a real browser with a wallet of EIP-1193."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from callers import town
from sdk import FOLDER

from cyberprivacy.testing.town import free_port

pytestmark = pytest.mark.interop

NETWORK = "test:live"


@pytest.fixture(scope="module")
def page() -> int:
    """Port of the page that the browser opens."""
    return free_port()


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, page: int) -> Iterator[str]:
    """The address of a vault that pages from `page` may call."""
    folder, url = tmp_path_factory.mktemp("vault"), f"127.0.0.1:{free_port()}"
    words = ["--data", folder, "--listen", url, "--network", NETWORK, "--origin", f"http://127.0.0.1:{page}"]
    command = [sys.executable, "-m", "cyberprivacy", "vault", "serve", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(f"serving a vault at http://{url}"), line
        yield f"http://{url}"
        process.terminate()
        process.communicate(timeout=20)


def run(program: str, name: str, *words: object) -> dict[str, object]:
    command = [program, f"dist/test/{name}.js", *map(str, words)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert isinstance(said, dict)
    return said


def test_a_person_begins_an_account_signs_in_and_freezes_it(built: str, vault: str) -> None:
    said = run(built, "live", vault, NETWORK)
    # The same event again is answered as the first time; everything else is refused by its code.
    assert said["refused"] == ["session.missing", "", "account.unknown", "vault.app", "session.unknown"]
    log = httpx2.get(f"{vault}/udi/v1/accounts/{said['account']}/kel").text.splitlines()
    assert [json.loads(each)["event"]["kind"] for each in log] == ["incept", "freeze"]


def test_a_person_in_a_real_browser_begins_an_account_with_a_wallet(built: str, vault: str, page: int) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no chromium here: deploy/install-debian.sh installs it")
    said = run(built, "browser", vault, page)
    assert said["asked"] == ["eth_requestAccounts", "eth_signTypedData_v4", "personal_sign"]
    account, _, key = str(said["shown"]).partition(" ")
    log = httpx2.get(f"{vault}/udi/v1/accounts/{account}/kel").text.splitlines()
    assert [json.loads(each)["key"] for each in log] == [key]


def test_the_sdk_knows_what_a_vault_serves(built: str, tmp_path: Path) -> None:
    """What programs rely on is still there; `npm run api` brings what is new."""
    source = "import { OPERATIONS, SCHEMAS } from './dist/src/api.js'; console.log(JSON.stringify({ OPERATIONS, SCHEMAS }))"
    done = subprocess.run(
        [built, "--input-type=module", "-e", source],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    known = json.loads(done.stdout)
    with town(tmp_path) as here:
        served = here.call("GET", "/openapi.json").json()
    described = {
        operation["operationId"]: (method.upper(), path)
        for path, methods in served["paths"].items()
        for method, operation in methods.items()
    }
    for name, operation in known["OPERATIONS"].items():
        assert described[name] == (operation["method"], operation["path"])
    for name, schema in known["SCHEMAS"].items():
        now = served["components"]["schemas"][name]
        assert all(now["properties"].get(field) == form for field, form in schema["properties"].items()), (
            f"{name}: see sdk/typescript/tools/api.ts"
        )
        assert set(schema["required"]) <= set(now["required"]), f"{name}: see sdk/typescript/tools/api.ts"
