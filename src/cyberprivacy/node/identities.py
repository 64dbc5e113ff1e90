"""The TLS identities of one application: what new connections get, and what older ones still have."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.errors import TryLater

LIFETIME: Final = 600
"""Seconds that a TLS certificate lives; a new key is born well before its end."""


class OldConnection(TryLater):
    """The connection is older than this process, or than the end of its certificate."""

    code = "attest.old-connection"
    hint = "Connect anew, and ask there."


class Identities:
    """Any number of threads may ask; one renews."""

    def __init__(self, names: Sequence[str], *, clock: Callable[[], float]) -> None:
        """Begin with a new identity.

        Args:
            names: what the certificates are for.
            clock: seconds since 1970.

        Raises:
            Misuse: an impossible name.
        """
        self._names, self._clock = tuple(names), clock
        self._lock = threading.Lock()
        self._all: tuple[TlsIdentity, ...] = (self._born(),)

    @property
    def current(self) -> TlsIdentity:
        """What new connections get."""
        return self._all[0]

    def of(self, certificate: bytes) -> TlsIdentity:
        """The identity that a connection was opened with.

        Args:
            certificate: SHA-256 of its DER certificate.

        Raises:
            OldConnection: none of ours that is still valid.
        """
        with self._lock:  # whoever connects with a new key finds it here
            known = self._all
        for tls in known:
            if tls.fingerprint == certificate and tls.until >= self._clock():
                return tls
        raise OldConnection("this connection was opened with a certificate that is no longer ours")

    def renew(self, use: Callable[[TlsIdentity], None]) -> None:
        """When it is time, give a new identity to the front (`use`); when that fails, all stays as it is."""
        now = int(self._clock())
        if not self.current.due(now):
            return
        born = self._born()
        with self._lock:
            use(born)
            self._all = (born, *(tls for tls in self._all if tls.until >= now))

    def _born(self) -> TlsIdentity:
        return TlsIdentity.born(self._names, lifetime=LIFETIME, now=int(self._clock()))
