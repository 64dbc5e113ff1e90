"""The front's HAProxy configuration: pure text from values, so that equal settings need no new process."""

# ruff: noqa: E501 HAProxy has no way to continue a line

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.plan import Endpoint

SLOTS: Final = 64
_NOWHERE: Final = "127.255.255.254:9"
RESERVED: Final = "/.well-known/cyberprivacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may ask of the front.

    Attributes:
        connections: at once, all clients together.
        body: bytes of one request's body; a body must say its length.
        head_seconds: for the complete head of a request.
        idle_seconds: between two requests on one connection.
        answer_seconds: of silence, of either side, within a request.
        tunnel_seconds: of silence in a WebSocket.
    """

    connections: int = 4000
    body: int = 16 << 20
    head_seconds: int = 10
    idle_seconds: int = 15
    answer_seconds: int = 60
    tunnel_seconds: int = 3600


_GLOBAL: Final = """\
global
  stats socket {folder}/admin.sock mode 600 level admin expose-fd listeners
  stats timeout 10s
  maxconn {limits.connections}
  hard-stop-after 60s
  # Two processes on one port would each get some of the users; sockets are only ever handed over.
  noreuseport
  {privileges}
  tune.bufsize 16384
  tune.maxrewrite 1024
  tune.http.maxhdr 100
  # A resumed session shows no certificate; whoever checks what runs must see the key each time.
  tune.ssl.cachesize 0
  # Nothing is logged: this lets the node know a session's exporter secret, which decrypts nothing.
  tune.ssl.keylog on
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
  ssl-load-extra-files none

defaults
  mode http
  timeout connect 2s
  timeout client {limits.answer_seconds}s
  timeout server {limits.answer_seconds}s
  timeout http-request {limits.head_seconds}s
  timeout http-keep-alive {limits.idle_seconds}s
  timeout tunnel {limits.tunnel_seconds}s
  option redispatch 1
  option abortonclose
  retries 3
  # Only what no server has seen is repeated: a request that kills one replica must not visit the others.
  retry-on conn-failure
  http-error status 400 content-type text/plain string "Bad request\\n" hdr cyberprivacy-reason front.request
  http-error status 408 content-type text/plain string "Request took too long\\n" hdr cyberprivacy-reason front.slow
  http-error status 502 content-type text/plain string "The application broke off\\n" hdr cyberprivacy-reason deploy.broken
  http-error status 503 content-type text/plain string "The application does not answer\\n" hdr cyberprivacy-reason deploy.silent
  http-error status 504 content-type text/plain string "The application is too slow\\n" hdr cyberprivacy-reason deploy.slow
"""

_FRONTEND: Final = """
frontend front
  bind {listen} ssl crt "${{IDENTITY}}" alpn h2,http/1.1
  # What users claim about themselves is replaced; names that start with cyberprivacy- are ours alone.
  http-request del-header x-forwarded- -m beg
  http-request del-header cyberprivacy- -m beg
  http-request del-header forwarded
  http-request del-header x-real-ip
  http-request del-header proxy
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request return status 411 content-type text/plain string "Say how long the body is\\n" hdr cyberprivacy-reason front.length if {{ req.hdr(transfer-encoding) -m found }}
  http-request return status 411 content-type text/plain string "Say how long the body is\\n" hdr cyberprivacy-reason front.length if {{ method POST PUT PATCH }} !{{ req.hdr(content-length) -m found }} {{ req.ver 2.0 }}
  http-request return status 413 content-type text/plain string "The body is too large\\n" hdr cyberprivacy-reason front.large if {{ req.hdr_val(content-length) gt {limits.body} }}
  acl node path_beg {reserved}/
  acl node path {reserved}
  http-request set-header Cyberprivacy-Exporter %[ssl_fc_exporter_secret] if node
  http-request set-header Cyberprivacy-Certificate %[ssl_f_der,sha2(256),hex,lower] if node
  acl live nbsrv(app) gt 0
  # A process that hands over counts its servers as gone, yet still serves those who are on it.
  acl live stopping
  acl page req.hdr(accept) -m sub text/html
  http-request return status 503 content-type "text/html; charset=utf-8" lf-file {folder}/idle.html hdr cyberprivacy-reason "%[str(code),map({folder}/reason.map)]" hdr retry-after 5 hdr cache-control no-store if !node !live page
  http-request return status 503 content-type application/problem+json lf-file {folder}/idle.json hdr cyberprivacy-reason "%[str(code),map({folder}/reason.map)]" hdr retry-after 5 hdr cache-control no-store if !node !live
  # The front ends soon: whoever asks is told to connect anew, and then meets another.
  http-after-response set-header Connection close if {{ str(leaving),map({folder}/reason.map) -m found }}
  use_backend node if node
  default_backend app

backend node
  http-error status 503 content-type application/problem+json string '{{"type":"node.away","title":"The node that answers here is not running at the moment."}}' hdr cyberprivacy-reason node.away hdr retry-after 5
  http-response set-header Strict-Transport-Security max-age=31536000
  server node unix@{api}
"""

_BACKEND: Final = """\
backend app
  balance leastconn
  http-response del-header cyberprivacy- -m beg
  http-response set-header Strict-Transport-Security max-age=31536000
  default-server check inter 1s fastinter 200ms fall 2 rise 1
"""

IDLE_PAGE: Final = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Nothing is running here</title>
<style>:root{color-scheme:light dark}body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem}
h1{font-size:1.6rem}code{opacity:.7}</style>
<h1>Nothing is running here</h1>
<p>%[str(text),map(MAP)]</p>
<p>What this machine may run is decided by a vote, and anybody can check it.</p>
<p><code>%[str(code),map(MAP)]</code></p>
</html>
"""

IDLE_JSON: Final = '{"type":"%[str(code),map(MAP)]","title":"%[str(text),map(MAP)]","status":503}\n'


def settings(folder: Path, listen: str, api: Path, user: str | None, limits: Limits) -> str:
    """The configuration file of one application's front.

    Args:
        folder: where its sockets and pages are.
        listen: address and port, such as "0.0.0.0:443" or "[::]:443".
        api: unix socket of the node's own interface.
        user: whom the process becomes once it has its sockets and key; None = nobody else.
        limits: for clients.
    """
    privileges = f"user {user}\n  group {user}" if user else "# keeps its user"
    return _GLOBAL.format(folder=folder, limits=limits, privileges=privileges) + _FRONTEND.format(
        folder=folder, listen=listen, api=api, limits=limits, reserved=RESERVED
    )


def backend(ready: Mapping[str, Endpoint]) -> str:
    """The second file: the application's servers, so that a new process begins where the old one is.

    Args:
        ready: slot name ("s1" and up) -> where it leads; the other slots are in maintenance.
    """
    names = (f"s{number}" for number in range(1, SLOTS + 1))
    lines = (
        f"  server {name} {ready[name].address}:{ready[name].port}"
        if name in ready
        else f"  server {name} {_NOWHERE} disabled"
        for name in names
    )
    return _BACKEND + "\n".join(lines) + "\n"
