"""What a running image does for the next one: it sees to it that the data disk opens there, too.

`measurements.json` of the next image says what that will measure, section by section. It is believed as far as it
adds up to one measurement, which the chain accepts: so nobody signs images, and whoever brings the file chooses
nothing. The version is in the command line, and so in the measurement; only a later one is prepared for.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cyberprivacy.attest import bootlog
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.errors import Untrusted
from cyberprivacy.privacy_os.measuring import SECTIONS, SHUT, VERSION_WORD, Step, identity, register

MAX_STATEMENT: Final = 64 << 10
MAX_LINE: Final = 4096
NAME: Final = "upgrade.json"
"""Where the door leaves it, beside its other files."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LINE: Final = re.compile(rf"[ -~]{{1,{MAX_LINE}}}")
_VERSION: Final = re.compile(rf"(?:^| ){VERSION_WORD}([1-9][0-9]{{0,8}})(?= |$)")
_NEEDED: Final = frozenset({"command_line", "sections", "pcr", "measurement"})


class BadUpgrade(Untrusted):
    """A statement about an image does not add up."""

    code = "os.upgrade"
    hint = "Give the machine `measurements.json` as `cyberprivacy os build` wrote it."


@dataclass(frozen=True, slots=True)
class Image:
    """An image, by what it will measure.

    Attributes:
        version: from its command line, at least 1.
        measurement: what the chain has to accept, 32 bytes.
        register: the value of register 11 while the data disk can be opened, 32 bytes.
    """

    version: int
    measurement: bytes
    register: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read `measurements.json`, and see that all of it says the same.

        Raises:
            BadUpgrade: too large, of another form, or it does not add up.
        """
        if len(data) > MAX_STATEMENT:
            raise BadUpgrade("too large", size=len(data), limit=MAX_STATEMENT)
        try:
            value = json.loads(data)
            return cls._of({name: value[name] for name in _NEEDED})
        except (BadDocument, KeyError, TypeError, ValueError, RecursionError) as problem:
            raise BadUpgrade("not what an image measures", problem=str(problem)[:200]) from None

    @classmethod
    def _of(cls, value: Mapping[str, object]) -> Self:
        document = Document(value, "image", _NEEDED)
        line = document.text("command_line", _LINE)
        sections = _digests(document.mapping("sections", limit=len(SECTIONS)), "sections")
        registers = _digests(document.mapping("pcr", limit=24), "pcr")
        taken = tuple(identity(sections))
        after = register(11, (*taken, Step(11, "", sha256(SHUT).digest())))
        said = {number: registers[str(number)] for number in bootlog.STARTED}
        measurement = document.octets("measurement", size=32)
        if len(taken) != 2 * len(sections) or said[11] != after or bootlog.measurement(said) != measurement:
            raise BadUpgrade("sections, registers and measurement are not of one image")
        if (
            said[12] != bytes(32)
            or said[13] != bytes(32)
            or sections[".cmdline"] != sha256(line.encode()).digest()
        ):
            raise BadUpgrade("not the command line of this image, or more than the image was started")
        return cls(version_of(line), measurement, register(11, taken))


def version_of(line: str) -> int:
    """The version of an image, from its command line.

    Raises:
        BadUpgrade: it does not say exactly one.
    """
    found = _VERSION.findall(line)
    if len(found) != 1:
        raise BadUpgrade("an image without a version", found=len(found))
    return int(found[0])


def _digests(value: Mapping[str, object], what: str) -> dict[str, bytes]:
    document = Document(value, what, frozenset(value))
    return {name: bytes.fromhex(document.text(name, _DIGEST)) for name in value}
