"""Blobs: uploads go on where they stopped, any range is read, nothing is in the clear, nothing is another's."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from keeping import NOW, Vault
from sqlalchemy import text

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.blobs import MAX_SIZE, PART, Blobs
from cyberprivacy.vault.changing import Quota
from cyberprivacy.vault.erasing import Scope, What, ask
from cyberprivacy.vault.erasure import Erasure
from cyberprivacy.vault.freshening import freshen
from cyberprivacy.vault.receipt import Ed25519PrivateKey, KeySigner


def code(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        call(*arguments, **named)  # type: ignore[operator]
    return refusal.value.code


def upload(vault: Vault, owner: bytes, content: bytes, *, named: bytes | None = None) -> bool:
    blobs, digest = Blobs(vault.means), named or sha256(content).digest()
    with vault.database.transaction() as connection:
        stands = blobs.begin(connection, owner, digest, len(content)).received
    while stands < len(content):
        with vault.database.transaction() as connection:
            part = content[stands : stands + PART]
            stands = blobs.append(connection, owner, digest, offset=stands, part=part).received
    with vault.database.transaction() as connection:
        return blobs.finish(connection, owner, digest)


def read(vault: Vault, owner: bytes, digest: bytes, start: int = 0, stop: int | None = None) -> bytes:
    with vault.database.reading() as connection:
        return b"".join(Blobs(vault.means).read(connection, owner, digest, start=start, stop=stop))


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART + 7])
def test_what_was_uploaded_is_read_whole_and_in_every_range(tmp_path: Path, size: int) -> None:
    vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'vault.db'}")
    anna, content = vault.person("anna"), os.urandom(size)
    digest = sha256(content).digest()
    assert upload(vault, anna, content)
    assert read(vault, anna, digest) == content
    edges = sorted({each for each in (0, 1, PART - 1, PART, PART + 1, size - 1, size) if 0 <= each <= size})
    for start in edges:
        for stop in edges:
            if start <= stop:
                assert read(vault, anna, digest, start, stop) == content[start:stop]
            else:
                assert code(read, vault, anna, digest, start, stop) == "blob.range"
    assert code(read, vault, anna, digest, 0, size + 1) == "blob.range"
    vault.close()


def test_an_upload_goes_on_where_it_stopped_and_takes_nothing_else(vault: Vault) -> None:
    anna, content, blobs = vault.person("anna"), os.urandom(PART + 10), Blobs(vault.means)
    digest = sha256(content).digest()
    with vault.database.transaction() as connection:
        assert code(blobs.append, connection, anna, digest, offset=0, part=content[:PART]) == "blob.none"
        assert blobs.begin(connection, anna, digest, len(content)).received == 0
        assert code(blobs.append, connection, anna, digest, offset=0, part=content) == "blob.part"
        assert code(blobs.append, connection, anna, digest, offset=0, part=content[: PART - 1]) == "blob.part"
        assert code(blobs.append, connection, anna, digest, offset=PART, part=content[PART:]) == "blob.offset"
        blobs.append(connection, anna, digest, offset=0, part=content[:PART])
        assert code(blobs.finish, connection, anna, digest) == "blob.none"
    assert code(read, vault, anna, digest) == "blob.none"
    with vault.database.transaction() as connection:
        assert blobs.begin(connection, anna, digest, len(content)).received == PART
        assert code(blobs.begin, connection, anna, digest, len(content) + 1) == "blob.size"
    assert upload(vault, anna, content)
    with vault.database.transaction() as connection:
        assert blobs.begin(connection, anna, digest, len(content)).whole


def test_other_content_than_was_named_is_dropped(vault: Vault) -> None:
    anna, ben, content = vault.person("anna"), vault.person("ben"), os.urandom(100)
    wrong = sha256(b"other").digest()
    assert not upload(vault, anna, content, named=wrong)
    assert code(read, vault, anna, wrong) == "blob.none"
    assert vault.rows("blob_parts") == 0
    assert upload(vault, anna, content)
    assert code(read, vault, ben, sha256(content).digest()) == "blob.none"
    with vault.database.transaction() as connection:
        assert code(Blobs(vault.means).begin, connection, anna, b"x", 5) == "blob.name"
        assert code(Blobs(vault.means).begin, connection, anna, wrong, MAX_SIZE + 1) == "blob.size"


def test_room_is_counted_and_comes_back(tmp_path: Path) -> None:
    vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'vault.db'}", quota=Quota(bytes=150))
    anna, content = vault.person("anna"), os.urandom(100)
    assert upload(vault, anna, content)
    assert code(upload, vault, anna, os.urandom(100)) == "quota.bytes"
    with vault.database.transaction() as connection:
        Blobs(vault.means).drop(connection, anna, sha256(content).digest())
    assert upload(vault, anna, os.urandom(100))
    vault.close()


def test_parts_that_are_exchanged_cut_off_or_resized_do_not_open(vault: Vault) -> None:
    anna, content = vault.person("anna"), os.urandom(2 * PART)
    digest = sha256(content).digest()
    upload(vault, anna, content)
    for change in (
        "UPDATE blob_parts SET sealed = (SELECT sealed FROM blob_parts WHERE n = 1) WHERE n = 0",
        "DELETE FROM blob_parts WHERE n = 1",
        f"UPDATE blobs SET size = {PART}",  # noqa: S608
    ):
        with suppress(InterruptedError), vault.database.transaction() as connection:
            connection.execute(text(change))
            parts = Blobs(vault.means).read(connection, anna, digest)
            assert code(lambda parts=parts: b"".join(parts)) == "record.seal"
            raise InterruptedError
    assert read(vault, anna, digest) == content


def test_blobs_live_on_under_another_generation_and_go_with_their_owner(vault: Vault) -> None:
    anna, content = vault.person("anna"), os.urandom(PART + 1)
    upload(vault, anna, content)
    with vault.database.transaction() as connection:
        freshen(connection, vault.ring, anna)
    assert read(vault, anna, sha256(content).digest()) == content
    with vault.database.transaction() as connection:
        ask(connection, anna, Scope(What.OWNER), now=NOW)
    signer = KeySigner(Ed25519PrivateKey.generate())
    (job,) = Erasure(vault.database, vault.ring, signer, clock=lambda: NOW).run()
    assert job.counts == {"blobs": 1, "bytes": PART + 1, "grants": 0, "records": 0}
    assert vault.rows("blob_parts") == 0


def test_nothing_of_a_blob_is_readable_in_the_files(tmp_path: Path) -> None:
    vault = Vault.make(tmp_path, f"sqlite:///{tmp_path / 'vault.db'}")
    content = os.urandom(32) * 100
    upload(vault, vault.person("anna"), content)
    assert not [file for file in tmp_path.iterdir() if content[:32] in file.read_bytes()]
    vault.close()
