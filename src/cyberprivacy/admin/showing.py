"""How the door looks from outside: every declaration with its present value, for anybody."""

from cyberprivacy.admin.register import Register, settings
from cyberprivacy.admin.request import Act
from cyberprivacy.bundle.declared import (
    Administration,
    Choice,
    DecimalNumber,
    Kind,
    Statistic,
    Switch,
    WholeNumber,
    Words,
)


def shown(declared: Administration, register: Register, now: int) -> dict[str, object]:
    """JSON values; `now` in seconds since 1970."""
    rows: dict[Act, list[dict[str, object]]] = {Act.SET: [], Act.CHOOSE: []}
    for act, one in settings(declared):
        coming = [{"value": each.value, "effective": each.effective} for each in register.coming(act, one, now)]
        row = {"name": one.name, "value": register.value(act, one, now), "default": one.default}
        rows[act].append({**row, "coming": coming, "unit": one.unit, "doc": one.doc, **form(one.kind)})
    return {
        "acts": [each.value for each in Act],
        "administrators": [
            each if isinstance(each, str) else {"contract": each.contract, "role": "0x" + each.role.hex()}
            for each in declared.administrators
        ],
        "delay": declared.delay,
        "parameters": rows[Act.SET],
        "algorithms": rows[Act.CHOOSE],
        "statistics": [_statistic(one, register, now) for one in declared.statistics],
    }


def asked_of_records(declared: Administration) -> dict[str, object]:
    """Statistics that the application's vault answers for it, as the application reads them."""
    return {
        one.name: {
            "doc": one.doc,
            "field": one.of.field,
            "take": one.of.take,
            "type": one.of.type,
            "within": one.of.within,
        }
        for one in declared.statistics
        if one.of is not None
    }


def form(kind: Kind) -> dict[str, object]:
    """What values there may be, as the manifest has it."""
    match kind:
        case WholeNumber(least, most):
            return {"type": "integer", "least": least, "most": most}
        case DecimalNumber(places, least, most):
            return {"type": "decimal", "places": places, "least": kind.shown(least), "most": kind.shown(most)}
        case Switch():
            return {"type": "boolean"}
        case Choice(choices):
            return {"type": "choice", "choices": list(choices)}
        case Words(pattern):
            return {"type": "text", "pattern": pattern.source}


def _statistic(one: Statistic, register: Register, now: int) -> dict[str, object]:
    start = now - now % one.period
    return {
        "name": one.name,
        "doc": one.doc,
        "query": one.query,
        "least": one.least,
        "most": one.most,
        "bins": list(one.bins),
        "least_count": one.least_count,
        "of": "" if one.of is None else str(one.of),
        "epsilon_thousandths": one.epsilon,
        "budget_thousandths": one.budget,
        "spent_thousandths": register.spent(one.name, start),
        "period": one.period,
        "period_ends": start + one.period,
    }
