"""What an API server may say instead of an answer, and what that means for us.

Source: kubernetes.io/docs/reference/using-api/api-concepts; status codes of RFC 9110 section 15.
"""

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted


class ClusterSilent(TryLater):
    """The API server does not answer, or not now."""

    code = "kubernetes.silent"
    hint = "What runs goes on running; the node asks again by itself."


class ClusterConflict(ClusterSilent):
    """Somebody else wrote to the object at the same moment."""

    code = "kubernetes.conflict"


class ClusterRefuses(Untrusted):
    """The API server, or something that it asks, does not take an object of ours."""

    code = "kubernetes.refused"
    hint = "The cluster's own rules are tighter than ours; what it said names the rule."


class ClusterDenies(Misuse):
    """The API server does not know us, or does not let us."""

    code = "kubernetes.denied"
    hint = "See to the kubeconfig's credentials and to the rights of that account."


class ClusterOdd(TryLater):
    """The API server answers with something that is no answer."""

    code = "kubernetes.answer"
    hint = "Is there really a Kubernetes API server at the kubeconfig's address?"


def refusal_of(status: int, said: str, *, server: str, asked: str) -> CyberPrivacyError:
    """The refusal that an answer is.

    Args:
        status: of HTTP, not 2xx.
        said: the server's words.
        server: for whoever reads it.
        asked: the same.
    """
    kind: type[CyberPrivacyError]
    if status == 401 or (status == 403 and " cannot " in said and "cannot be" not in said):  # words of RBAC
        kind, what = ClusterDenies, "the API server denies us"
    elif status in (400, 403, 413, 415, 422):
        kind, what = ClusterRefuses, "the API server refuses"
    elif status == 409:
        kind, what = ClusterConflict, "somebody else wrote at the same moment"
    elif status >= 500 or status == 429:
        kind, what = ClusterSilent, "the API server cannot answer now"
    else:
        kind, what = ClusterOdd, "the API server answers oddly"
    return kind(what, server=server, asked=asked, status=status, said=said)
