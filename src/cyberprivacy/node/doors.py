"""All that a node answers beside its own words: the administrators' door, and the witness for other clusters."""

from collections.abc import Callable

from starlette.routing import BaseRoute

from cyberprivacy.node.admin_api import routes
from cyberprivacy.node.administration import Door
from cyberprivacy.node.circle import Circle
from cyberprivacy.node.circle_api import circle_routes
from cyberprivacy.node.pacing import behind_front


def doors(door: Door, circle: Circle, *, clock: Callable[[], float]) -> list[BaseRoute]:
    """Their routes, behind the node's front; refusals are answered by `api.application`."""
    return [*routes(door, clock=clock), *circle_routes(circle, clock=clock, asker=behind_front)]
