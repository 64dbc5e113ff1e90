"""Several devices of one person at once, over real sockets: nothing is lost, nothing is there twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

import httpx2
import pytest
from callers import Caller, Town, code, serving
from keeping import ORDER
from people import Person, key

from cyberprivacy.vault.keyevent import Kind

DEVICES = 6


class Devices:
    """They begin at one moment."""

    def __init__(self, site: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._clients = [httpx2.Client(base_url=site, headers=headers) for _ in range(DEVICES)]

    def do(self, act: Callable[[httpx2.Client, int], httpx2.Response]) -> list[httpx2.Response]:
        """What each device is answered."""
        barrier = Barrier(DEVICES)

        def one(number: int) -> httpx2.Response:
            barrier.wait(10)
            return act(self._clients[number], number)

        with ThreadPoolExecutor(DEVICES) as pool:
            return list(pool.map(one, range(DEVICES)))

    def close(self) -> None:
        for each in self._clients:
            each.close()


@pytest.fixture
def shop(here: Town) -> Caller:
    return here.person("alice", "shop")


@pytest.fixture
def devices(here: Town, shop: Caller) -> Iterator[Devices]:
    with serving(here) as site:
        made = Devices(site, shop.token)
        yield made
        made.close()


def outcomes(answers: list[httpx2.Response]) -> Counter[str]:
    return Counter(code(each) or "done" for each in answers)


def test_one_of_several_changes_of_one_revision_wins_and_the_others_are_told(
    devices: Devices, shop: Caller
) -> None:
    path = f"/udi/v1/records/{shop.creates(ORDER, {'total': 0})['id']}"
    for rev in range(1, 4):
        answers = devices.do(
            lambda client, n, rev=rev: client.put(path, json={"total": n}, headers={"If-Match": f'"{rev}"'})  # type: ignore[misc]
        )
        assert outcomes(answers) == {"done": 1, "record.rev": DEVICES - 1}
        [winner] = [n for n, each in enumerate(answers) if each.is_success]
        now = shop.call("GET", path)
        assert (now.json(), now.headers["etag"]) == ({"total": winner}, f'"{rev + 1}"')


def test_who_reads_again_and_changes_again_loses_no_change(devices: Devices, shop: Caller) -> None:
    path = f"/udi/v1/records/{shop.creates(ORDER, {'total': 0})['id']}"

    def add(client: httpx2.Client, _: int) -> httpx2.Response:
        while True:
            seen = client.get(path)
            more = {"total": seen.json()["total"] + 1}
            answer = client.put(path, json=more, headers={"If-Match": seen.headers["etag"]})
            if code(answer) != "record.rev":
                return answer

    assert outcomes(devices.do(add)) == {"done": DEVICES}
    assert shop.call("GET", path).json() == {"total": DEVICES}


def test_a_change_and_an_end_at_once_leave_one_of_the_two(devices: Devices, shop: Caller) -> None:
    path = f"/udi/v1/records/{shop.creates(ORDER, {'total': 0})['id']}"
    headers = {"If-Match": '"1"'}
    answers = devices.do(
        lambda client, n: (
            client.delete(path, headers=headers) if n % 2 else client.put(path, json={"total": n}, headers=headers)
        )
    )
    assert outcomes(answers)["done"] == 1
    assert set(outcomes(answers)) <= {"done", "record.rev", "record.none"}
    [winner] = [n for n, each in enumerate(answers) if each.is_success]
    assert shop.call("GET", path).status_code == (404 if winner % 2 else 200)


def test_one_request_sent_by_all_is_done_once_and_answered_alike(devices: Devices, shop: Caller) -> None:
    path, headers = f"/udi/v1/records?type={ORDER}", {"Idempotency-Key": "once"}
    answers = devices.do(lambda client, _: client.post(path, json={"total": 1}, headers=headers))
    assert outcomes(answers) == {"done": DEVICES}
    assert len({each.content for each in answers}) == 1
    assert len(shop.call("GET", "/udi/v1/records").json()["records"]) == 1


def test_one_key_for_several_requests_is_the_first_ones(devices: Devices, shop: Caller) -> None:
    path, headers = f"/udi/v1/records?type={ORDER}", {"Idempotency-Key": "once"}
    answers = devices.do(lambda client, n: client.post(path, json={"total": n}, headers=headers))
    assert outcomes(answers) == {"done": 1, "idempotency.other": DEVICES - 1}
    [kept] = shop.call("GET", "/udi/v1/records").json()["records"]
    assert answers[kept["body"]["total"]].json()["id"] == kept["id"]


def test_one_id_given_by_all_is_one_record(devices: Devices, shop: Caller) -> None:
    def create(client: httpx2.Client, n: int) -> httpx2.Response:
        change = {"do": "create", "type": ORDER, "body": {"total": n}, "id": "ab" * 16}
        return client.post(
            "/udi/v1/records:batch", json={"changes": [change]}, headers={"Idempotency-Key": str(n)}
        )

    assert outcomes(devices.do(create)) == {"done": 1, "record.exists": DEVICES - 1}
    assert len(shop.call("GET", "/udi/v1/records").json()["records"]) == 1


def test_one_picture_sent_by_all_is_whole(devices: Devices, shop: Caller) -> None:
    content = b"a picture " * 10_000
    path = f"/udi/v1/blobs/{sha256(content).hexdigest()}"
    answers = devices.do(lambda client, _: client.put(f"{path}?size={len(content)}", content=content))
    assert outcomes(answers)["done"] >= 1
    assert set(outcomes(answers)) <= {"done", "blob.offset"}
    assert shop.call("GET", path).content == content


def test_every_change_has_a_number_of_its_own_and_none_is_left_out(devices: Devices, shop: Caller) -> None:
    path = f"/udi/v1/records?type={ORDER}"
    devices.do(lambda client, n: client.post(path, json={"total": n}, headers={"Idempotency-Key": str(n)}))
    events = shop.call("GET", "/udi/v1/events:page").json()["events"]
    assert [int(each["id"]) for each in events] == list(range(1, DEVICES + 1))


def test_an_account_begins_once_though_all_begin_it(here: Town, devices: Devices) -> None:
    inception = Person("ann", now=here.clock.now).begin().log[0].encode()
    answers = devices.do(lambda client, _: client.post("/udi/v1/accounts", content=inception))
    assert outcomes(answers) == {"done": DEVICES}
    assert len({each.content for each in answers}) == 1


def test_of_several_next_events_of_an_account_one_is_its_next(devices: Devices, shop: Caller) -> None:
    shop.owner.now = shop.town.clock.now
    signed = [shop.owner.next(Kind.ADD, "alice", key=key(f"device {n}")) for n in range(DEVICES)]
    path = f"/udi/v1/accounts/{shop.account}/kel"
    answers = devices.do(lambda client, n: client.post(path, content=signed[n].encode()))
    assert outcomes(answers) == {"done": 1, "account.link": DEVICES - 1}
    [winner] = [n for n, each in enumerate(answers) if each.is_success]
    assert shop.town.call("GET", path).content.splitlines()[1] == signed[winner].encode()


def test_all_devices_sign_in_at_once_and_the_first_makes_room_for_what_is_kept(
    here: Town, devices: Devices
) -> None:
    bob = here.person("bob")
    with ThreadPoolExecutor(DEVICES) as pool:
        sessions = list(pool.map(lambda _: bob.sign_in("shop"), range(DEVICES)))
    for each in sessions:
        each.creates(ORDER, {"total": 1})
    assert len(sessions[0].call("GET", "/udi/v1/records").json()["records"]) == DEVICES
