"""Whatever is done with a key file in whatever order, and wherever it is killed: the living stay, the dead are gone."""

import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from killing import dies_at
from test_keystore import code, opens

from cyberprivacy.vault import keysegment, keyslot
from cyberprivacy.vault.keyroot import DevelopmentRoot
from cyberprivacy.vault.keysegment import HEADER, split
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.slotfile import table_of

COUNT = st.integers(0, 5)
PLACE = st.integers(0, 10_000)


def opened(folder: Path) -> KeyStore:
    return KeyStore.open(folder / "keys", DevelopmentRoot.open(folder / "root"))


class Keys(RuleBasedStateMachine):
    """A key file of small segments, beside a dictionary that says what must be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.small = patch.object(keysegment, "SLOTS", 4)
        self.small.start()
        self.temporary = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.folder = Path(self.temporary.name)
        root = DevelopmentRoot.make(self.folder / "root")
        self.store = KeyStore.make(self.folder / "keys", root)
        self.living: dict[Holder, bytes] = {}
        self.dead: set[Holder] = set()
        self.copies: list[Path] = []
        self.named = 0

    def teardown(self) -> None:
        self.close()
        self.temporary.cleanup()
        self.small.stop()

    def close(self) -> None:
        self.store.close()
        self.store.root.close()

    def some(self, count: int) -> list[Holder]:
        self.named += count
        return [Holder(number.to_bytes(32, "big"), 1) for number in range(self.named - count, self.named)]

    def chosen(self, count: int, place: int) -> list[Holder]:
        mine = sorted(self.living)
        return [mine[(place + 7 * n) % len(mine)] for n in range(min(count, len(mine)))]

    @rule(count=COUNT)
    def create(self, count: int) -> None:
        made = self.some(count)
        self.store.create(made)
        self.living |= {each: self.store.find(each) for each in made}

    @rule(count=COUNT, place=PLACE)
    def destroy(self, count: int, place: int) -> None:
        gone = {*self.chosen(count, place)}
        assert self.store.destroy(gone) == len(gone)
        self.dead |= gone
        self.living = {each: key for each, key in self.living.items() if each not in gone}

    @rule()
    def turn(self) -> None:
        epoch = self.store.epoch
        assert self.store.turn() == epoch
        assert (self.store.epoch, self.store.root.epochs()) == (epoch + 1, (epoch + 1,))
        self.copies_are_worthless()

    @rule()
    def reopen(self) -> None:
        self.close()
        self.store = opened(self.folder)

    @precondition(lambda self: len(self.copies) < 3)
    @rule()
    def copy(self) -> None:
        copy = self.folder / f"copy{len(self.copies)}"
        copy.mkdir()
        for file in (self.store.path, table_of(self.store.path)):
            shutil.copy(file, copy)
        self.copies.append(copy)

    @rule(what=st.integers(0, 2), count=st.integers(1, 5), place=PLACE, moment=st.integers(0, 25))
    def killed(self, what: int, count: int, place: int, moment: int) -> None:
        """One of the above in a process that dies at one of its writes, or ends."""
        gone, made = ({*self.chosen(count, place)}, []) if what == 0 else (set(), self.some(count))
        self.close()

        def work() -> None:
            mine = opened(self.folder)
            if what == 0:
                mine.destroy(gone)
            elif what == 1:
                mine.create(made)
            mine.turn()

        ended = not dies_at(moment, work)
        self.store = opened(self.folder)
        assert self.store.damaged == ()
        self.dead |= {each for each in gone if not self.store.holds(each)}
        self.living = {each: key for each, key in self.living.items() if each not in self.dead}
        self.living |= {each: self.store.find(each) for each in made if self.store.holds(each)}
        if ended:
            assert all(map(self.store.holds, made)) if what == 1 else self.dead >= gone
            self.copies_are_worthless()

    def copies_are_worthless(self) -> None:
        """Right after a turn: no copy is taken for the file, and of the dead nothing in a copy opens."""
        for copy in self.copies:
            assert code(KeyStore.open, copy / "keys", self.store.root) == "keystore.older"
            for slot in split((copy / "keys").read_bytes()[HEADER:]):
                if keyslot.whole(slot) and Holder(slot[8:40], 1) in self.dead:
                    assert not any(opens(each.key, slot) for each in self.store._held.segments)

    @invariant()
    def what_lives_is_there_and_nothing_else(self) -> None:
        assert len(self.store) == len(self.living)
        assert all(self.store.find(each) == key for each, key in self.living.items())
        assert not any(map(self.store.holds, self.dead))


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
