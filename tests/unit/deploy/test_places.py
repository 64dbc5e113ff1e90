"""What an application owns on a machine is its own, whoever else asks at the same moment."""

import itertools
import multiprocessing
import os
import signal
import threading
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from cyberprivacy.deploy.engine import Pull
from cyberprivacy.deploy.places import Places
from cyberprivacy.deploy.plan import UIDS
from cyberprivacy.errors import Misuse
from cyberprivacy.node import assembly

SUBNETS = IPv4Network("10.9.0.0/22")


def places(data: Path, subnets: IPv4Network = SUBNETS) -> Places:
    return Places(data, subnets, 1 << 20)


def test_applications_get_places_of_their_own_and_keep_them(tmp_path):
    given = [places(tmp_path).claim(name) for name in ("a", "b", "c", "d")]
    assert [place.number for place in given] == [0, 1, 2, 3]
    assert [str(place.network) for place in given] == [f"10.9.{number}.0/24" for number in range(4)]
    assert places(tmp_path).claim("c") == given[2]
    with pytest.raises(Misuse) as refusal:
        places(tmp_path).claim("e")
    assert refusal.value.code == "deploy.room"


def test_applications_that_come_at_the_same_moment_get_different_places(tmp_path):
    shared, start, given = places(tmp_path, IPv4Network("10.9.0.0/16")), threading.Barrier(8), []

    def claim(one: int) -> None:
        start.wait()
        given.extend(shared.claim(f"{one}-{number}").number for number in range(8))

    threads = [threading.Thread(target=claim, args=(one,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(64))


def _claim_for_ever(data: Path) -> None:
    for number in range(10_000):
        places(data, IPv4Network("10.9.0.0/16")).claim(f"killed-{number % 200}")


def test_a_node_killed_while_it_looks_for_a_place_does_not_keep_the_next_from_it(tmp_path):
    child = multiprocessing.get_context("fork").Process(target=_claim_for_ever, args=(tmp_path,))
    child.start()
    while not (tmp_path / "killed-3/number").exists():
        os.sched_yield()
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    places(tmp_path, IPv4Network("10.9.0.0/16")).claim("next")
    taken = [int(file.read_text()) for file in tmp_path.glob("*/number")]
    assert len(taken) == len(set(taken))


def test_no_two_applications_of_any_two_nodes_share_a_user_id(monkeypatch, tmp_path):
    ranges = []
    for number in range(assembly.SLOTS):
        monkeypatch.setattr(assembly, "slot", lambda _, number=number: number)
        settings = assembly.podman_settings(tmp_path, Pull())
        applications = min(256, 1 << (24 - settings.subnets.prefixlen))
        ranges.append((settings.first_uid, settings.first_uid + applications * UIDS))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ranges))
    assert ranges[-1][1] < 1 << 31  # some tools still take a user id for a signed number
