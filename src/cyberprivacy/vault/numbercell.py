"""A process of its own in which ciphertexts are read: by a library in C++, and strangers may have made them.

It has the one key that it needs, or none; it can open no file and no connection; memory and time are bounded. A
vault, which holds the keys of many, never reads a ciphertext itself.

Both ends of the pipe are here. Frames of 4 bytes of length and content go in: what is to be done, its argument,
and ciphertexts; canonical JSON comes out.
"""

import resource
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Final

from cyberprivacy import canonical
from cyberprivacy.canonical import NotCanonical
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault import numberform
from cyberprivacy.vault.numberform import BadNumber

SECONDS: Final = 30
"""Of work, and twice that until somebody gives up."""
MEMORY: Final = 1 << 30
"""Bytes of address space; the libraries alone take a third of it."""
_MAX_ANSWER: Final = 1 << 20
_MAX_FRAME: Final = 256 << 10
_FREE: Final = threading.BoundedSemaphore(2)
"""How many at once."""


class CellBusy(TryLater):
    """Numbers cannot be added just now."""

    code = "number.busy"
    hint = "Try again in a minute, with fewer records at once."


def add(ciphertexts: Iterable[bytes], *, bound: int) -> bytes:
    """The sum of some ciphertexts; see `numbers.add`.

    Raises:
        BadNumber: one is none ("number.form"); the fact `n` says which, counted from 0.
        CellBusy: too many at once, or it takes too long.
    """
    answer = _ask(b"add", str(bound).encode(), ciphertexts)
    return numberform.octets(answer.get("sum"))


def decrypt(ciphertexts: Sequence[bytes], key: bytes) -> tuple[int, ...]:
    """The numbers in some ciphertexts.

    Args:
        ciphertexts: 1,000 at most.
        key: as `NumberKey.stored` wrote it.

    Raises:
        BadNumber, CellBusy: as `add`; the key is none ("number.key").
    """
    match _ask(b"decrypt", key, ciphertexts):
        case {"numbers": list(found)} if len(found) == len(ciphertexts):
            return tuple(map(int, found))
        case _:
            raise BadNumber("not the numbers that were asked for")


def _ask(job: bytes, argument: bytes, ciphertexts: Iterable[bytes]) -> Mapping[str, object]:
    """Have a job done in a fresh process; what it refuses is raised here."""
    if not _FREE.acquire(timeout=SECONDS):
        raise CellBusy("too many sums at once")
    command = (sys.executable, "-I", "-m", "cyberprivacy.vault.numbercell")
    try:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env={}
        ) as cell:
            late = threading.Timer(2 * SECONDS, cell.kill)
            late.start()
            try:
                _send(cell.stdin, job, argument, ciphertexts)
                assert cell.stdout is not None  # noqa: S101  (PIPE, three lines above)
                said = cell.stdout.read(_MAX_ANSWER + 1)
            finally:
                late.cancel()
                cell.kill()
    finally:
        _FREE.release()
    return _told(said)


def _send(pipe: IO[bytes] | None, job: bytes, argument: bytes, ciphertexts: Iterable[bytes]) -> None:
    """Everything in; a process that has seen enough stops listening, and says why in its answer."""
    assert pipe is not None  # noqa: S101  (PIPE)
    try:
        for each in (job, argument):
            pipe.write(len(each).to_bytes(4) + each)
        for each in ciphertexts:
            pipe.write(len(each).to_bytes(4) + each)
    except BrokenPipeError:
        pass
    finally:
        with suppress(BrokenPipeError):
            pipe.close()


def _told(said: bytes) -> Mapping[str, object]:
    """The answer of a process that may be anybody's by now."""
    try:
        answer = canonical.decode(said, limit=_MAX_ANSWER)
    except NotCanonical:
        raise CellBusy("the numbers took too much memory or time, or ended who read them") from None
    match answer:
        case {"code": str(code), "n": int(n)} if code.startswith("number."):
            raise BadNumber("a ciphertext that cannot be used", code=code[:64], n=n)
        case dict():
            return answer
        case _:
            raise BadNumber("not an answer")


def _confine() -> None:
    """From here on: no file, no connection, no dump of memory, and an end. Nothing hostile was read before."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def _frames(pipe: IO[bytes]) -> Iterator[bytes]:
    while size := pipe.read(4):
        length = int.from_bytes(size)
        yield pipe.read(length) if length <= _MAX_FRAME else b""


def _work(frames: Iterator[bytes], counted: list[int]) -> Mapping[str, object]:
    """Do the job; `counted` says at which ciphertext it is."""
    from cyberprivacy.vault.numbers import NumberKey, parameters
    from cyberprivacy.vault.numbers import add as sum_of

    def following() -> Iterator[bytes]:
        for each in frames:
            yield each
            counted[0] += 1

    job, argument = next(frames), next(frames)
    if job == b"add":
        parameters()
        _confine()
        return {"sum": numberform.text(sum_of(following(), bound=int(argument)).ciphertext)}
    key = NumberKey.load(argument)
    _confine()
    return {"numbers": [key.decrypt(each) for each in following()]}


def main() -> None:
    """Do one job."""
    counted = [0]
    try:
        answer = _work(_frames(sys.stdin.buffer), counted)
    except CyberPrivacyError as error:
        answer = {"code": error.code, "n": counted[0]}
    sys.stdout.buffer.write(canonical.encode(answer))


if __name__ == "__main__":
    main()
