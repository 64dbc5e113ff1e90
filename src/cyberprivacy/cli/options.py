"""Options that several commands have, written once: a command takes what they say as one argument."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY


def bundled(
    command: Callable[..., None],
    argument: str,
    options: Mapping[str, tuple[Any, Any]],
    make: Callable[..., object],
) -> Callable[..., None]:
    """The command with `options` in place of one argument, which is made from what they say."""
    own = inspect.signature(command)

    @wraps(command)
    def asked(**given: object) -> None:
        made = make(**{name: given.pop(name) for name in options})
        command(**given, **{argument: made})

    kept = [each.replace(kind=_KEYWORD) for each in own.parameters.values() if each.name != argument]
    added = [
        inspect.Parameter(name, _KEYWORD, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    shown = own.replace(parameters=kept + added)
    vars(asked)["__signature__"] = shown
    asked.__annotations__ = {each.name: each.annotation for each in shown.parameters.values()}
    return asked
