"""What a node inside the machine is told: exactly what the operator wrote, and nothing that chooses code."""

import tomllib
from pathlib import Path

from cyberprivacy.node.config import parse
from cyberprivacy.privacy_os.preparing import node_config
from cyberprivacy.privacy_os.volume import Configuration

ONE, TWO = "0x5FbDB2315678afecb367f032d93F642f64180aa3", "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
LEAST = f"address 192.0.2.10/24\nchain https://rpc.example\ndao {ONE}\n"


def _told(text: str) -> tuple[dict[str, object], str]:
    made = node_config(Configuration.parse(text.encode()))
    return tomllib.loads(made), made


def test_the_node_takes_it_and_its_hardware_makes_the_evidence() -> None:
    read = parse(_told(LEAST)[0])
    assert (read.hardware, read.boot_log, read.chassis) == (True, Path("/run/privacy-os/boot-log"), True)
    assert (read.rpc, read.sources.gateways, read.sources.registries) == (("https://rpc.example",), (), {})
    assert [(each.dao, str(each.listen)) for each in read.daos] == [(ONE, "192.0.2.10:443")]


def test_each_organisation_has_a_port_of_its_own() -> None:
    read = parse(_told(f"{LEAST}dao {TWO}\n")[0])
    assert [(each.dao, str(each.listen)) for each in read.daos] == [
        (ONE, "192.0.2.10:443"),
        (TWO, "192.0.2.10:444"),
    ]


def test_where_bytes_come_from_is_handed_on() -> None:
    more = "bundles https://one.example\nbundles https://two.example\nbases https://b.example\n"
    read = parse(_told(LEAST + more + "wheels https://w.example/simple/\n")[0])
    assert read.sources.gateways == ("https://one.example", "https://two.example")
    assert (read.sources.registries, read.sources.wheels) == (
        {"": "https://b.example"},
        "https://w.example/simple/",
    )


def test_nothing_but_what_was_written_is_told() -> None:
    told = _told(LEAST)[0]
    assert set(told) == {"data", "evidence", "boot_log", "chassis", "chain", "dao", "sources"}
