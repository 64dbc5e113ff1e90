"""Our logs against the packages behind Go's checksum database: they accept ours, we accept theirs, both refuse lies."""

import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.offline import OfflineProof
from cyberprivacy.ledger.proofs import check_inclusion, consistency_proof, inclusion_proof, root_of
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource, LogReader
from cyberprivacy.ledger.signers import Kind, Signer, VerifierKey
from cyberprivacy.ledger.submission import Submission
from cyberprivacy.ledger.tiles import BadTile
from cyberprivacy.ledger.trust import BadHead, Trust, judge
from cyberprivacy.testing.witnesses import LOG, ORIGIN, Bench

pytestmark = pytest.mark.interop

NOW = 1_800_000_000
SIZE = 1_000
KEY = LOG.verifier.encode()
Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """Build and run the other side; see `tlog/main.go`."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go here: deploy/install-debian.sh installs it")
    program = tmp_path_factory.mktemp("go") / "tlog"
    environment = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-mod=readonly", CGO_ENABLED="0")
    source = Path(__file__).parent / "tlog"
    subprocess.run([go, "build", "-o", program, "."], cwd=source, env=environment, check=True, timeout=250)

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)

    return call


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Publisher, list[str]]:
    """A log of ours of 1,000 entries, cosigned; its folder, and the keys of its witnesses."""
    folder = tmp_path_factory.mktemp("ours")
    bench = Bench(folder / "witnesses", ("anna.example", "bert.example"), clock=lambda: NOW)
    ledger = FileLedger(folder / "ledger", clock=lambda: NOW)
    ledger.extend([("release.built", {"n": number}) for number in range(SIZE)])
    dated = Signer.of(ORIGIN, Kind.COSIGNER_PQ, bytes([50]) * 32)
    made = Publisher(ledger, folder / "log", signers=[LOG, dated], clock=lambda: NOW, quorum=bench.quorum(2))
    made.publish()
    ledger.close()
    return made.public, made, [keys[0].encode() for keys in bench.keys.values()]


def accepted(run: subprocess.CompletedProcess[str]) -> bool:
    assert run.returncode in (0, 1), run.stderr  # 2 is a panic
    return run.returncode == 0


def test_go_accepts_our_checkpoint_tiles_entries_proofs_and_cosignatures(
    tool: Tool, ours: tuple[Path, Publisher, list[str]]
) -> None:
    folder, _, cosigners = ours
    found = tool("verify", folder, KEY, *cosigners)
    assert (found.stdout, found.stderr) == (f"{SIZE}\n", "")
    stranger = Signer.of(ORIGIN, Kind.LOG, bytes(32)).verifier.encode()
    assert not accepted(tool("verify", folder, stranger))
    assert not accepted(tool("verify", folder, KEY, cosigners[0].replace("anna", "anne")))


@pytest.mark.parametrize(
    "path", ["checkpoint", "tile/0/000", "tile/0/003.p/232", "tile/entries/001", "tile/1/000.p/3"]
)
def test_go_refuses_what_is_not_ours_any_more(
    tool: Tool, ours: tuple[Path, Publisher, list[str]], tmp_path: Path, path: str
) -> None:
    shutil.copytree(ours[0], tmp_path / "log")
    file = tmp_path / "log" / path
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)
    assert not accepted(tool("verify", tmp_path / "log", KEY))


def test_go_accepts_our_proofs_as_they_are_sent(
    tool: Tool, ours: tuple[Path, Publisher, list[str]], tmp_path: Path
) -> None:
    folder, log, _ = ours
    note = Note.parse((folder / "checkpoint").read_bytes())
    head = judge(note.encode(), log.trust, now=NOW).checkpoint
    reader = LogReader(FolderSource(folder), head.head)
    file = tmp_path / "proof"
    for index in (0, 255, 256, 767, 999):
        (entry,) = reader.entries(index, index + 1)
        proof = OfflineProof(entry, index, inclusion_proof(reader.node, index, SIZE), note)
        file.write_bytes(proof.encode())
        assert accepted(tool("inclusion", file, KEY))
        file.write_bytes(OfflineProof(entry + b" ", index, proof.path, note).encode())
        assert not accepted(tool("inclusion", file, KEY))
    for old in (1, 2, 255, 256, 257, 999, 1000):
        file.write_bytes(Submission(old, consistency_proof(reader.node, old, SIZE), note, head).encode())
        root = b64encode(root_of(reader.node, old)).decode()
        assert accepted(tool("consistency", file, KEY, root))
        assert not accepted(tool("consistency", file, KEY, b64encode(bytes(32)).decode()))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 66_000])
def test_we_accept_what_go_makes(tool: Tool, tmp_path: Path, size: int) -> None:
    made = tool("make", tmp_path, size)
    assert made.returncode == 0, made.stderr
    key = VerifierKey.parse(made.stdout.strip())
    checkpoint = (tmp_path / "checkpoint").read_bytes()
    head = judge(checkpoint, Trust.of("go.example/log", [key]), now=NOW).checkpoint
    reader = LogReader(FolderSource(tmp_path), head.head)
    entries = list(reader.entries())
    assert entries == [b"entry %d of Go" % at for at in range(size)]
    for index in {0, size // 2, size - 1}:
        proof = inclusion_proof(reader.node, index, size)
        check_inclusion(leaf=leaf_hash(entries[index]), index=index, size=size, proof=proof, root=head.root)
    with pytest.raises(BadHead):
        judge(
            checkpoint,
            Trust.of("go.example/log", [Signer.of("go.example/log", Kind.LOG, bytes(32)).verifier]),
            now=NOW,
        )
    last = max((tmp_path / "tile/entries").rglob("*"))
    last.write_bytes(last.read_bytes().replace(b"Go", b"C."))
    with pytest.raises(BadTile):
        list(LogReader(FolderSource(tmp_path), head.head).entries())
