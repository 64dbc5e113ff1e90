"""Asking a container whether it is well, from the host, by HTTP."""

import http.client
from dataclasses import dataclass

from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.review.workload import Probe


@dataclass(frozen=True, slots=True)
class Health:
    """One answer. `said` holds a status or the kind of failure, never a body: bodies are about users."""

    well: bool
    said: str


def ask(probe: Probe, endpoint: Endpoint) -> Health:
    """One GET of the probe's path; 200-399 within its timeout is well."""
    connection = http.client.HTTPConnection(str(endpoint.address), endpoint.port, timeout=probe.timeout)
    try:
        connection.request(
            "GET", probe.path, headers={"User-Agent": "cyberprivacy-probe/1", "Connection": "close"}
        )
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as failure:
        return Health(False, type(failure).__name__)
    finally:
        connection.close()
    return Health(200 <= status < 400, f"HTTP {status}")
