"""A machine whose tools are missing or hang is a reason to try later, not a fault without a code."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from cyberprivacy.deploy import network
from cyberprivacy.deploy.network import NetworkFailed
from cyberprivacy.deploy.plan import Place

PLACE = Place(name="book", number=0, network=IPv4Network("10.213.7.0/24"), first_uid=1 << 20)
CHANGES = [
    lambda: network.prepare(PLACE),
    lambda: network.plug(PLACE, IPv4Address("10.213.7.16"), 1, ()),
    lambda: network.unplug("cv-0ad50710"),
    lambda: network.close(PLACE),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_missing_tool_is_named(change, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkFailed) as refusal:
        change()
    assert refusal.value.facts["tool"] in ("ip", "iptables")


@pytest.mark.parametrize("change", CHANGES)
def test_a_tool_that_hangs_is_not_waited_for(change, tmp_path: Path, monkeypatch):
    for tool in ("ip", "iptables", "ip6tables"):
        (tmp_path / tool).write_text("#!/bin/sh\nexec /bin/sleep 60\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(network, "_PATIENCE", 0.2)
    with pytest.raises(NetworkFailed) as refusal:
        change()
    assert refusal.value.code == "deploy.network"
    assert refusal.value.facts["seconds"] == 0.2
