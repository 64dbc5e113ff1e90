"""Notes that belong to whoever writes them: kept at a vault, where their owner can see, export and erase them.

uvicorn --app-dir examples/notes --port 8403 --lifespan on app:app
"""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cyberprivacy.vault.middleware import App, PersonalData

NOTE = "example.notes.note.v1"


def notes(request: Request) -> JSONResponse:
    """All notes of whoever is signed in; with a new one, if there is one in the path."""
    mine = request.state.records
    if mine is None:
        return JSONResponse({"error": "sign in first"}, 401)
    if request.method == "POST":
        mine.create(NOTE, {"text": request.path_params["text"]})
    return JSONResponse([note.value for note in mine.list(NOTE)])


SITE = os.environ.get("NOTES_SITE", "http://127.0.0.1:8403")
VAULT = os.environ.get("NOTES_VAULT", "notes-data")  # a folder, or the address of a vault that is shared
mine = App(name="notes", site=SITE, types=Path(__file__).with_name("types"), vault=VAULT)
routes = [Route("/notes", notes), Route("/notes/{text}", notes, methods=["POST"])]
app = Starlette(routes=routes, middleware=[Middleware(PersonalData, app=mine)])
