"""Notes that belong to whoever writes them: kept at a vault, where their owner can see, export and erase them."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cyberprivacy.vault.client.middleware import Udi

NOTE = "example.notes.note.v1"


def notes(request: Request) -> JSONResponse:
    """All notes of whoever is signed in."""
    if request.state.udi is None:
        return JSONResponse({"error": "sign in first"}, 401)
    return JSONResponse([note.value for note in request.state.udi.all(NOTE)])


def add(request: Request) -> JSONResponse:
    """One more note."""
    if request.state.udi is None:
        return JSONResponse({"error": "sign in first"}, 401)
    return JSONResponse(request.state.udi.create(NOTE, {"text": request.path_params["text"]}).value, 201)


routes = [Route("/notes", notes), Route("/notes/{text}", add, methods=["POST"])]
app = Starlette(routes=routes, middleware=[Middleware(Udi, vault="http://127.0.0.1:8300")])
