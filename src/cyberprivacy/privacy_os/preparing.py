"""What runs once, between the first process and the node: the operator's words become the node's configuration.

It has privileges, no network peers, and ends. It leaves in `/run/privacy-os`:

    boot-log        all that was measured, in one log
    node.toml       what the node is told: chains, organisations, where bytes come from; nothing chooses code
    state/          for the door, an unprivileged user: the TPM's attestation key in the TPM's own encryption

What is to outlast a start is with the node's data, on a disk where there is one (`unlocking`); `state` is a link
there. The node and the door use the same attestation key. Certificates come in by the door (`service`); the node
reads them through a link, checks that they are for its key, and takes nothing else from there.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cyberprivacy.attest import tpmchassis
from cyberprivacy.attest.files import replace_file
from cyberprivacy.attest.tpmdevice import KEY_FILE, TpmAttester
from cyberprivacy.privacy_os.volume import Configuration
from cyberprivacy.privacy_os.whole_log import whole_log

HANDED: Final = Path("/run/privacy-os")
DATA: Final = Path("/var/lib/cyberprivacy")
NODE_CONFIG: Final = HANDED / "node.toml"
BOOT_LOG: Final = "boot-log"
STATE: Final = "state"
DOOR: Final = "door"
"""Where the door's files are, beside the node's."""
CERTIFICATES: Final = "attestation-key.der"
FIRST_PORT: Final = 443
"""Where the first organisation's users connect; the next has the next port."""


def prepare(handed: Path = HANDED, data: Path = DATA) -> None:
    """Write everything.

    Args:
        handed: what the first process has read.
        data: what the node keeps.

    Raises:
        Misuse: no TPM, or a configuration that the first process would not have taken.
        Untrusted: firmware's log is none.
        TryLater: the TPM does not answer.
    """
    text = (handed / "configuration").read_bytes()
    configuration = Configuration.parse(text)
    log = handed / BOOT_LOG
    firmware, kernel = ((handed / name).read_bytes() for name in ("firmware-log", "kernel-log"))
    log.write_bytes(whole_log(firmware, kernel, text))
    keys = data / "tpm"
    keys.mkdir(mode=0o700, exist_ok=True)
    attester = TpmAttester(keys, log=log)
    try:
        tpmchassis.counted(attester.held.tpm)  # from now on the first process has where to count
    finally:
        attester.close()
    state = _for_the_door(handed / STATE, data / DOOR, (keys / KEY_FILE).read_bytes())
    link = keys / CERTIFICATES
    link.unlink(missing_ok=True)
    link.symlink_to(state / CERTIFICATES)
    (handed / NODE_CONFIG.name).write_text(node_config(configuration, data=data, log=log))


def _for_the_door(named: Path, kept: Path, key: bytes) -> Path:
    """A folder for who owns `named`, kept with the data; `named` leads there from now on."""
    owner = named.stat()
    kept.mkdir(mode=0o700, exist_ok=True)
    replace_file(kept / KEY_FILE, key)
    for path in (kept, kept / KEY_FILE):
        os.chown(path, owner.st_uid, owner.st_gid)
    named.rmdir()
    named.symlink_to(kept)
    return named


def node_config(configuration: Configuration, *, data: Path = DATA, log: Path = HANDED / BOOT_LOG) -> str:
    """The node's configuration, as TOML. Values are printable ASCII without quotes: see `Configuration`."""
    host = configuration.address.ip
    lines = [f'data = "{data}"', 'evidence = "hardware"', f'boot_log = "{log}"', 'chassis = "tpm"', "[chain]"]
    lines.append(f"rpc = {_texts(configuration.chains)}")
    for number, dao in enumerate(configuration.daos):
        lines += ["[[dao]]", f'address = "{dao}"', f'listen = "{host}:{FIRST_PORT + number}"']
    lines += ["[sources]", f"gateways = {_texts(configuration.bundles)}"]
    lines += [f'wheels = "{configuration.wheels}"'] if configuration.wheels else []
    lines += _table("sources.registries", {"": configuration.bases} if configuration.bases else {})
    return "\n".join(lines) + "\n"


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _table(name: str, values: Mapping[str, str]) -> list[str]:
    return [f"[{name}]", *(f'"{key}" = "{value}"' for key, value in values.items())] if values else []


if __name__ == "__main__":
    prepare()
