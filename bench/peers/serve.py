"""One vault on a socket for a measurement: accounts with two sessions each, and no pace. Used by `vault_peers.py`.

    python bench/peers/serve.py --data DIR --port PORT [--database URL] [--plain] [--accounts N]

`--plain` serves without any encryption (see `vault.unsealed`). Prints one line of JSON once it can be asked.
"""

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests/unit/vault"))
from people import Person  # type: ignore[import-not-found]  # of the tests, which are no package

from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.serve import listening
from cyberprivacy.vault import owners
from cyberprivacy.vault.place import OWNER, Place, Site
from cyberprivacy.vault.sessions import open_session
from cyberprivacy.vault.web import server
from cyberprivacy.vault.web.assembly import Paces, Vault
from cyberprivacy.vault.web.opening import opened
from vault import ORDER, SCHEMA, unsealed

APP = "shop"
UNPACED = Paces((1e12, 1e12), (1e12, 1e12))


def settle(vault: Vault, number: int) -> dict[str, str]:
    """An account; the token of its owner, and that of the application."""
    person = Person(f"person {number}", now=time.time() - 1).begin()
    state = vault.accounts.begin(person.log[0].encode(), time.time())
    tokens, now = {}, int(time.time())
    for name, app in (("owner", OWNER), ("app", APP)):
        with vault.database.transaction() as connection:
            tokens[name], session = open_session(connection, state.account, next(iter(state.keys)), app, now)
            if app:
                owner, store = session.owner(), vault.ring.store
                owners.admit(connection, store, owner, account=state.account, app=app, now=now)
    return tokens


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--accounts", type=int, default=1)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    site = Site.parse(f"http://127.0.0.1:{chosen.port}")
    place = Place(site, "test:vault", apps={APP: site})
    types = [datatype.parse(ORDER, json.dumps(SCHEMA).encode())]
    with ExitStack() as stack:
        if chosen.plain:
            stack.enter_context(unsealed())
        bound = stack.enter_context(listening("127.0.0.1", chosen.port))
        vault = stack.enter_context(opened(chosen.data, chosen.database, place, types=types, paces=UNPACED))
        print(json.dumps([settle(vault, number) for number in range(chosen.accounts)]), flush=True)
        server.prepared(vault.application()).run(sockets=[bound])


if __name__ == "__main__":
    main()
