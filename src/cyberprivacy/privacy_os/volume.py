"""The operator's only input: a small volume with lines of known keys, read by the first process (`os/init`).

    address 192.0.2.10/24         this machine, once
    gateway 192.0.2.1             at most once
    chain https://rpc.example     an endpoint of the chain; at least one
    dao 0x…                       an organisation whose releases run here; at least one
    bundles https://…             a trustless IPFS gateway; any number
    bases https://…               an OCI registry with base images; at most once
    wheels https://…/simple/      a Python package index; at most once
    data https://…#<64 hex>       keep data on a disk (`unlocking`); who has a part of its key besides the TPM, and
                                  the SHA-256 of that server's public key; `data tpm`: nobody has. At most once
    chassis disk                  an opened chassis shuts the data disk for good; at most once, beside `data`

`bundles`, `bases` and `wheels` name where bytes come from. Every byte of theirs is checked by a hash that was
voted on: they choose nothing but whether a build can begin.

16 bytes "CyberPrivacyOS/1", 4 bytes of length (big-endian), the text, zeros up to a whole MiB. The first process
measures the text into PCR 14 in pieces of at most 1024 bytes, which is as much as a TPM hashes at once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, NetmaskValueError
from typing import Final, Self

from cyberprivacy.errors import Misuse

MAGIC: Final = b"CyberPrivacyOS/1"
MAX_TEXT: Final = 8 << 10
PIECE: Final = 1024
SIZE: Final = 1 << 20
KEYS: Final = ("address", "gateway", "chain", "dao", "bundles", "bases", "wheels", "data", "chassis")
_ONCE: Final = frozenset({"address", "gateway", "bases", "wheels", "data", "chassis"})
TPM_ALONE: Final = "tpm"
_DATA: Final = re.compile(r"tpm|https://[A-Za-z0-9.:-]{3,128}#[0-9a-f]{64}")
_NEVER: Final = frozenset('"\\')
"""Characters that no value has: what reads values further on need not know how to escape them."""


class BadConfiguration(Misuse):
    """A configuration that no machine would start with."""

    code = "os.configuration"
    hint = "Lines have one value each: address, gateway, chain, dao, bundles, bases, wheels, data, chassis."


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an operator may say; `bases`, `wheels` and `data` are "" when nothing is said."""

    address: IPv4Interface
    gateway: IPv4Address | None
    chains: tuple[str, ...]
    daos: tuple[str, ...]
    bundles: tuple[str, ...] = ()
    bases: str = ""
    wheels: str = ""
    data: str = ""

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read the lines.

        Raises:
            BadConfiguration: too much, an unknown key, a key too often or not at all, or another form.
        """
        if len(text) > MAX_TEXT:
            raise BadConfiguration("the configuration is too large", size=len(text), limit=MAX_TEXT)
        found: dict[str, list[str]] = {key: [] for key in KEYS}
        try:
            lines = text.decode("ascii").removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise BadConfiguration("the configuration is not ASCII", at=error.start) from None
        for number, line in enumerate(lines, 1):
            key, space, value = line.partition(" ")
            if key not in found or not space or not value or not _plain(value):
                raise BadConfiguration("not a key that we know and one value", line=number, text=line[:80])
            found[key].append(value)
        return cls._of(found)

    @classmethod
    def _of(cls, found: dict[str, list[str]]) -> Self:
        again = any(len(found[key]) > 1 for key in _ONCE)
        if again or not (found["address"] and found["chain"] and found["dao"]):
            counts = {key: len(values) for key, values in found.items()}
            raise BadConfiguration("a key too often, or not at all", lines=counts)
        try:
            address = IPv4Interface(found["address"][0])
            gateways = [IPv4Address(text) for text in found["gateway"]]
        except (AddressValueError, NetmaskValueError, ValueError) as error:
            raise BadConfiguration("not an address", reason=str(error)) from None
        if "/" not in found["address"][0] or not 1 <= address.network.prefixlen <= 30:
            raise BadConfiguration("an address needs the length of its network, 1 to 30", address=str(address))
        if found["data"] and not _DATA.fullmatch(found["data"][0]):
            raise BadConfiguration(
                "`data` is `tpm`, or https://HOST:PORT#PIN of a key node", data=found["data"][0]
            )
        if found["chassis"] and (found["chassis"] != ["disk"] or not found["data"]):
            raise BadConfiguration("`chassis` is `disk`, beside a `data`", chassis=found["chassis"][0])
        return cls(
            address=address,
            gateway=gateways[0] if gateways else None,
            chains=tuple(found["chain"]),
            daos=tuple(found["dao"]),
            bundles=tuple(found["bundles"]),
            bases="".join(found["bases"]),
            wheels="".join(found["wheels"]),
            data="".join(found["data"]),
        )


def _plain(value: str) -> bool:
    return value.isprintable() and " " not in value and not _NEVER & set(value)


def make_volume(text: bytes) -> bytes:
    """The volume of a configuration.

    Raises:
        BadConfiguration: see `Configuration.parse`.
    """
    Configuration.parse(text)
    return (MAGIC + len(text).to_bytes(4, "big") + text).ljust(SIZE, b"\0")


def pieces(text: bytes) -> Sequence[bytes]:
    """What the first process measures, one event each."""
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
