"""An application of 25 lines in which people own what it keeps."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from callers import Caller, Clock, Town, code
from keeping import ORDER, SCHEMA
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from cyberprivacy.vault.database import Database
from cyberprivacy.vault.inside import Inside
from cyberprivacy.vault.middleware import App, PersonalData, PersonalRecords

SITE = "http://127.0.0.1:8080"


def page(request: Request) -> Response:
    """What the application knows of whoever is there."""
    mine: PersonalRecords | None = request.state.records
    if mine is None:
        return JSONResponse({"person": None}, 401)
    return JSONResponse({"person": request.state.person, "orders": [each.value for each in mine.list(ORDER)]})


def buy(request: Request) -> Response:
    if request.state.records is None:
        return JSONResponse({"person": None}, 401)
    total = int(request.query_params["total"])
    return JSONResponse({"id": request.state.records.create(ORDER, {"total": total}, key="once")}, 201)


def change(request: Request) -> Response:
    seen = request.state.records.read(request.path_params["record"])
    if request.method == "DELETE":
        request.state.records.delete(seen)
        return Response(status_code=204)
    return JSONResponse({"rev": request.state.records.update(seen, {"total": 5})})


ROUTES = [
    Route("/", page),
    Route("/buy", buy, methods=["POST"]),
    Route("/orders/{record}", change, methods=["PUT", "DELETE"]),
]


class Shop:
    """The application, and people who use it in a browser."""

    def __init__(self, client: TestClient, clock: Clock, wrapped: PersonalData) -> None:
        assert isinstance(wrapped.backing, Inside)
        self.town = Town(wrapped.backing.vault, clock, client)
        self.client, self.clock = client, clock

    def enter(self, name: str = "alice", app: str = "shop") -> Caller:
        """Sign in, and trade the token for a cookie."""
        someone = self.town.person(name, app)
        answer = self.client.post("/udi/cookie", headers={"Authorization": f"Bearer {someone.token}"})
        assert (answer.status_code == 204) == (app == "shop"), answer.text
        return someone

    def buys(self, total: int, origin: str = SITE) -> int:
        return self.client.post(f"/buy?total={total}", headers={"Origin": origin}).status_code


@contextmanager
def standing(folder: Path) -> Iterator[Shop]:
    (folder / "types").mkdir(exist_ok=True)
    (folder / "types" / f"{ORDER}.json").write_bytes(SCHEMA)
    clock = Clock()
    wraps: list[PersonalData] = []

    def wrapped(app: Starlette) -> PersonalData:
        more = {"network": "test:vault", "clock": clock}
        wraps.append(
            PersonalData(
                app, app=App(name="shop", site=SITE, vault=folder / "data", types=folder / "types", **more)
            )
        )
        return wraps[-1]

    app = Starlette(routes=ROUTES, middleware=[Middleware(wrapped)])
    with TestClient(app, base_url=SITE) as client:
        yield Shop(client, clock, wraps[0])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with standing(tmp_path) as it:
        yield it


def test_a_person_is_known_by_a_name_that_is_the_applications_own(shop: Shop) -> None:
    assert shop.client.get("/").json() == {"person": None}
    alice = shop.enter()
    assert shop.buys(700) == shop.buys(700) == 201
    seen = shop.client.get("/")
    assert seen.json()["orders"] == [{"total": 700}]
    assert seen.json()["person"] not in (alice.account, None)
    assert seen.headers["Cache-Control"] == "no-store"
    data = alice.sign_in("").call("GET", "/udi/v1/data").json()
    assert data["apps"][0]["owner"] == seen.json()["person"]


def test_two_people_see_their_own(shop: Shop) -> None:
    shop.enter("alice")
    shop.buys(1)
    shop.client.cookies.clear()
    shop.enter("bob")
    shop.buys(2)
    assert shop.client.get("/").json()["orders"] == [{"total": 2}]


def test_the_owner_reads_through_the_vault_what_the_application_wrote(shop: Shop) -> None:
    alice = shop.enter()
    shop.buys(3)
    (record,) = alice.call("GET", "/udi/v1/records").json()["records"]
    assert record["body"] == {"total": 3}
    headers = {"Origin": SITE}
    assert shop.client.put(f"/orders/{record['id']}", headers=headers).json() == {"rev": 2}
    assert shop.client.delete(f"/orders/{record['id']}", headers=headers).status_code == 204
    assert alice.call("GET", "/udi/v1/records").json()["records"] == []


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8081", "https://evil.example", "null"])
def test_a_form_of_another_site_is_nobodys(shop: Shop, origin: str) -> None:
    shop.enter()
    assert shop.buys(1, origin) == 401
    assert shop.client.post("/buy?total=1").status_code == 401
    assert shop.client.get("/").json()["orders"] == []


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(shop: Shop) -> None:
    someone = shop.town.person("alice", "shop")
    answer = shop.client.post("/udi/cookie", headers={"Authorization": f"Bearer {someone.token}"})
    said = answer.headers["Set-Cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "udi-shop=" in said


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer udi1-nobody", "Basic x"])
def test_who_has_no_session_has_no_cookie(shop: Shop, token: str) -> None:
    answer = shop.client.post("/udi/cookie", headers={"Authorization": token})
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_the_owners_own_session_is_none_of_the_applications_business(shop: Shop) -> None:
    owner = shop.town.person("alice")
    answer = shop.client.post("/udi/cookie", headers={"Authorization": f"Bearer {owner.token}"})
    assert code(answer) == "session.app"
    shop.client.cookies.set("udi-shop", owner.token)
    assert shop.client.get("/").json() == {"person": None}


def test_signing_out_ends_the_session_too(shop: Shop) -> None:
    alice = shop.enter()
    assert shop.client.delete("/udi/cookie", headers={"Origin": SITE}).status_code == 204
    assert shop.client.get("/").json() == {"person": None}
    assert code(alice.call("GET", "/udi/v1/records")) == "session.unknown"


def test_a_session_ends_by_its_time(shop: Shop) -> None:
    shop.enter()
    shop.clock.now += 9 * 3_600
    assert shop.client.get("/").json() == {"person": None}


def test_what_is_refused_is_answered_as_the_vault_answers(shop: Shop) -> None:
    shop.enter()
    answer = shop.client.put(f"/orders/{'ab' * 16}", headers={"Origin": SITE})
    assert code(answer) == "record.none"


def test_what_was_bought_is_there_after_a_restart_and_sealed(tmp_path: Path) -> None:
    with standing(tmp_path) as shop:
        shop.enter()
        assert shop.buys(987_654_321) == 201
        cookies = dict(shop.client.cookies)
    files = b"".join(each.read_bytes() for each in (tmp_path / "data").rglob("*") if each.is_file())
    assert b"987654321" not in files
    with standing(tmp_path) as shop:
        shop.client.cookies.update(cookies)
        assert shop.client.get("/").json()["orders"] == [{"total": 987_654_321}]


def test_a_type_that_changed_its_mind_is_refused_at_the_start(tmp_path: Path) -> None:
    with standing(tmp_path):
        pass
    other = json.loads(SCHEMA)
    other["properties"]["total"]["type"] = "string"
    (tmp_path / "types" / f"{ORDER}.json").write_text(json.dumps(other))
    with pytest.raises(Exception, match=r"type") as refused:
        PersonalData(
            Starlette(), app=App(name="shop", site=SITE, vault=tmp_path / "data", types=tmp_path / "types")
        )
    assert str(getattr(refused.value, "code", "")).startswith("type.")
    Database.open(f"sqlite:///{tmp_path / 'data/vault.db'}").close()
