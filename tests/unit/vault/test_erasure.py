"""What was erased is gone and nothing else is, whenever the process dies."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from erasures import SIGNER, asked, code, erased, erasure, totals
from keeping import NOTE, NOW, ORDER, Vault, order
from sqlalchemy import event

from cyberprivacy.vault import owners, receipt
from cyberprivacy.vault.change import Create, Delete
from cyberprivacy.vault.erasing import Scope, Step, What, find
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.receipt import KeySigner


def test_one_record_goes_and_all_others_stay(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    one, _ = vault.change(anna, order(1), order(2), key="k")
    vault.change(anna, order(3), key="other")
    vault.change(ben, order(4))
    old = vault.store.find(Holder(anna, 1))
    told = erased(vault, anna, Scope(What.RECORD, one.record.hex()))
    assert told["counts"] == {"blobs": 0, "bytes": len(order(1).body), "grants": 0, "records": 1}
    assert told["keys"] == [{"generation": 1, "owner": anna.hex()}]
    assert (told["epoch"], told["root"], told["asked"], told["at"]) == (1, "development", NOW, NOW + 5)
    assert told["backups"] == {"until": NOW + 5 + 30 * 86_400}
    assert code(vault.read, anna, one.record) == "record.none"
    assert (totals(vault, anna), totals(vault, ben)) == ([2, 3], [4])
    assert code(vault.store.find, Holder(anna, 1)) == "keystore.none"
    assert vault.store.find(Holder(anna, 2)) != old
    assert vault.change(anna, order(3), key="other")
    assert len(vault.all(anna)) == 2
    vault.change(anna, order(9), key="k")
    assert totals(vault, anna) == [2, 3, 9]


def test_a_type_goes_each_record_with_its_event_and_others_stay(vault: Vault) -> None:
    anna = vault.person("anna")
    vault.change(anna, order(1), order(2), Create(NOTE, b'{"text":"t"}'))
    told = erased(vault, anna, Scope(What.TYPE, ORDER))
    assert told["counts"]["records"] == 2  # type: ignore[index]
    assert [each.type for each in vault.all(anna)] == [NOTE]
    (done,) = vault.change(anna, order(5))
    assert done.rev == 1
    with vault.database.reading() as connection:
        told_of = connection.exec_driver_sql("SELECT seq, change FROM outbox ORDER BY seq").all()
    assert [tuple(row) for row in told_of] == [
        *((n, "created") for n in (1, 2, 3)),
        *((n, "deleted") for n in (4, 5)),
        (6, "created"),
    ]


def test_an_owner_goes_with_everything_and_may_come_again_as_a_stranger(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    vault.change(anna, order(1), order(2), key="k")
    vault.change(ben, order(3))
    first = vault.store.find(Holder(anna, 1))
    job = asked(vault, anna, Scope(What.OWNER))
    assert code(vault.change, anna, order(4)) == "owner.none"
    assert code(asked, vault, anna, Scope(What.OWNER)) == "owner.none"
    erasure(vault).run()
    with vault.database.reading() as connection:
        assert find(connection, job).step is Step.DONE
        assert code(find, connection, bytes(16)) == "erasure.none"
    assert (vault.rows("owners"), vault.rows("records"), vault.rows("outbox"), vault.rows("idempotency")) == (
        1,
        1,
        1,
        0,
    )
    assert totals(vault, ben) == [3]
    with vault.database.transaction() as connection:
        owners.admit(connection, vault.store, anna, account=sha256(b"anna").digest(), app="shop", now=NOW)
    assert vault.store.find(Holder(anna, 1)) != first
    vault.change(anna, order(7))
    assert totals(vault, anna) == [7]


def test_an_account_goes_with_all_its_owners_and_cannot_be_joined_meanwhile(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    account, second = sha256(b"anna").digest(), bytes([9]) * 32
    with vault.database.transaction() as connection:
        owners.admit(connection, vault.store, second, account=account, app="ledger", now=NOW)
    vault.change(anna, order(1))
    vault.change(second, order(2))
    vault.change(ben, order(3))
    asked(vault, account, Scope(What.ACCOUNT))
    with vault.database.transaction() as connection:
        named = {"account": account, "app": "third", "now": NOW}
        assert code(owners.admit, connection, vault.store, bytes([8]) * 32, **named) == "owner.none"
    (job,) = erasure(vault).run()
    assert set(job.owners) == {anna, second}
    assert (vault.rows("accounts"), vault.rows("owners"), vault.rows("records")) == (1, 1, 1)
    assert totals(vault, ben) == [3]
    assert len(vault.store) == 1


def test_what_was_only_deleted_becomes_final_in_the_nightly_run(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    (made, _) = vault.change(anna, order(1), order(2))
    vault.change(ben, order(3))
    vault.change(anna, Delete(made.record, 1))
    assert erasure(vault).run(dirty_before=NOW) == ()
    (job,) = erasure(vault).run(dirty_before=NOW + 1)
    assert (job.scope.what, job.dead) == (What.DELETED, (Holder(anna, 1),))
    assert erasure(vault).run(dirty_before=NOW + 1) == ()
    assert (totals(vault, anna), totals(vault, ben)) == ([2], [3])


def test_there_must_be_something_to_erase(vault: Vault) -> None:
    anna = vault.person("anna")
    (made,) = vault.change(vault.person("ben"), order(1))
    for scope in (Scope(What.TYPE, ORDER), Scope(What.RECORD, made.record.hex())):
        assert code(asked, vault, anna, scope) == "erasure.none"
    assert code(asked, vault, anna, Scope(What.RECORD, "xyz")) == "record.none"
    assert code(asked, vault, bytes(32), Scope(What.OWNER)) == "owner.none"
    assert code(asked, vault, bytes(32), Scope(What.ACCOUNT)) == "erasure.none"
    assert vault.rows("erasures") == 0


def test_jobs_of_one_owner_share_a_generation_and_an_epoch_in_any_mixture(vault: Vault) -> None:
    anna, ben = vault.person("anna"), vault.person("ben")
    one, two, _ = vault.change(anna, order(1), order(2), order(3))
    (other,) = vault.change(ben, order(4))
    asked(vault, anna, Scope(What.RECORD, one.record.hex()))
    asked(vault, anna, Scope(What.RECORD, two.record.hex()))
    asked(vault, ben, Scope(What.RECORD, other.record.hex()))
    asked(vault, ben, Scope(What.OWNER))
    jobs = erasure(vault).run()
    assert [job.epoch for job in jobs] == [1] * 4
    assert vault.store.epoch == 2
    assert vault.store.holds(Holder(anna, 2))
    assert len(vault.store) == 1
    assert totals(vault, anna) == [3]


def test_a_receipt_that_was_changed_or_signed_by_another_is_refused(vault: Vault) -> None:
    anna = vault.person("anna")
    vault.change(anna, order(1))
    asked(vault, anna, Scope(What.OWNER))
    (job,) = erasure(vault).run()
    made = job.receipt
    assert made is not None
    assert receipt.check(made, SIGNER.public)["id"] == job.id.hex()
    other = KeySigner(Ed25519PrivateKey.generate())
    assert code(receipt.check, made, other.public) == "receipt.signature"
    assert code(receipt.check, made.replace(b'"records":1', b'"records":2'), SIGNER.public) == "receipt.signature"
    assert code(receipt.check, b'{"receipt":{}}', SIGNER.public) == "receipt.form"


def after(step: Callable[[], None], real: Callable[..., object]) -> Callable[..., object]:
    def call(*given: object) -> object:
        step()
        return real(*given)

    return call


def dying(vault_folder: Path, url: str, moment: float) -> bool:
    """Run the erasing in a child that dies at its n-th statement or commit (int), or after so many seconds."""
    child = os.fork()
    if child == 0:
        vault = Vault.open(vault_folder, url)
        if isinstance(moment, int):
            count = iter(range(moment + 1))

            def step(*_: object) -> None:
                if next(count) == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

            engine = vault.database._engine
            event.listen(engine, "before_cursor_execute", step)
            event.listen(engine, "commit", step)
            for name in ("pwrite", "fsync", "fdatasync", "replace"):
                setattr(os, name, after(step, getattr(os, name)))
        erasure(vault).run()
        os._exit(0)
    if isinstance(moment, float):
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder that outlives a killed process, and needs no disk: hundreds of fsyncs wait for nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_a_hundred_kills_and_every_job_ends_once_with_all_of_its_promise(in_memory: Path) -> None:
    tmp_path = in_memory
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    vault = Vault.make(tmp_path, url)
    anna, ben, cleo = (vault.person(name) for name in ("anna", "ben", "cleo"))
    vault.close()
    chance = random.Random(7)  # noqa: S311 no secret
    killed = round_ = 0
    while killed < 100:
        vault = Vault.open(tmp_path, url)
        with vault.database.transaction() as connection:
            owners.admit(connection, vault.store, anna, account=sha256(b"anna").digest(), app="shop", now=NOW)
        one, _ = vault.change(cleo, order(1), order(2))
        vault.change(anna, order(3))
        vault.change(ben, order(4)) if round_ == 0 else None
        before = vault.store.epoch
        jobs = [asked(vault, cleo, Scope(What.RECORD, one.record.hex())), asked(vault, anna, Scope(What.OWNER))]
        vault.close()
        moment: int | float = 0
        while dying(tmp_path, url, moment):
            killed += 1
            moment = moment + 3 if chance.random() < 0.7 else 0.01 + chance.random() * 0.05
            moment = int(moment * 100) % 40 if isinstance(moment, float) and chance.random() < 0.5 else moment
        vault = Vault.open(tmp_path, url)
        assert erasure(vault).run() == ()
        with vault.database.reading() as connection:
            done = [find(connection, job) for job in jobs]
        assert all(
            job.step is Step.DONE and job.receipt and before <= job.epoch < vault.store.epoch for job in done
        )
        assert totals(vault, cleo) == [2] * (round_ + 1)
        assert totals(vault, ben) == [4]
        assert code(vault.read, anna, bytes(16)) == "record.none"
        assert len(vault.store) == 2
        vault.close()
        round_ += 1
