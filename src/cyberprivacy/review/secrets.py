"""A bundle is public for ever: what looks like a key, a token or a password keeps it out.

Kept narrow on purpose: forms that are keys beyond doubt in every file, and values that look like passwords
only in files of settings, only under a name that says so.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from cyberprivacy.review.finding import Finding, Report

_PRIVATE_KEY: Final = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:\s|\\n|\\r|[\"',+]){1,16}(?:[A-Za-z0-9+/]{16}|Proc-Type|Version|Comment)"
    rb"|PuTTY-User-Key-File-[0-9]:"
    rb"|AGE-SECRET-KEY-1[0-9A-Z]{58}"
)
_TOKEN: Final = re.compile(
    rb"(?<![A-Za-z0-9_])(?:"
    rb"(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS access key id
    rb"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255}"
    rb"|glpat-[A-Za-z0-9_-]{20,255}"
    rb"|xox[abprs]-[0-9A-Za-z-]{20,255}"
    rb"|[sr]k_live_[0-9A-Za-z]{20,255}"
    rb"|AIza[0-9A-Za-z_-]{35}"
    rb"|npm_[A-Za-z0-9]{36}"
    rb"|pypi-AgE[A-Za-z0-9_-]{50,255}"
    rb"|sk-(?:proj-|ant-)[A-Za-z0-9_-]{32,255}"
    rb"|hf_[A-Za-z0-9]{34}"
    rb"|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"
    rb")(?![A-Za-z0-9])"
)
_KEYSTORE: Final = re.compile(rb'"ciphertext"\s*:\s*"[0-9a-fA-F]{32,}"')
_KEYSTORE_TOO: Final = re.compile(rb'"kdf(?:params)?"\s*:')
_SETTING: Final = re.compile(
    r"""(?ix) (?:^|[\s{,;"'`_.-])
        (?P<name>(?:[\w.-]{0,40}[_.-])?
            (?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|credential|mnemonic)
            (?:[_-](?:key|value|base))?)
        ["']? \s* [:=] \s*
        (?P<value>"[^"\n]{8,400}"|'[^'\n]{8,400}'|[^\s"'#,;}{]{8,400})"""
)
_SETTINGS: Final = frozenset(
    (
        ".env",
        ".ini",
        ".cfg",
        ".conf",
        ".toml",
        ".yaml",
        ".yml",
        ".json",
        ".properties",
        ".xml",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".tfvars",
        ".sh",
    )
)
_KEY_FILES: Final = frozenset(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pypirc", ".htpasswd"))
_KEY_STORES: Final = frozenset((".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"))
_NO_SECRET: Final = re.compile(
    r"(?i)[$%<{]|example|changeme|change-me|placeholder|dummy|sample|your[_-]|xxx|\*\*\*|redacted|^(?:sha(?:256|512)[:-]|https?:|/|\.)"
)
MAX_SETTINGS_BYTES: Final = 1 << 20
MIN_LENGTH: Final = 12
MIN_BITS: Final = 3.2
"""Bits a character, by how often each occurs in the value; words of a language are below, random text above."""


def find(data: bytes, path: str) -> tuple[Finding, ...]:
    """Keys, tokens, keystores and passwords in one file. The finding never repeats the value."""
    report = Report(path)
    name = PurePosixPath(path)
    for line, _ in _matches(_PRIVATE_KEY, data, report):
        report.add("secret.private-key", line, "a private key")
    for line, match in _matches(_TOKEN, data, report):
        report.add("secret.token", line, f"a token that starts with {_start(match[0])}")
    keystore = next(_matches(_KEYSTORE, data, report), None)
    if keystore is not None and _KEYSTORE_TOO.search(data):
        report.add("secret.keystore", keystore[0], "an encrypted key store (JSON)")
    if name.suffix.lower() in _KEY_STORES:
        report.add("secret.keystore", 0, f"a file {name.suffix}")
    if name.name.lower() in _KEY_FILES:
        report.add("secret.private-key", 0, f"a file that keeps keys: {name.name}")
    if _is_settings(name) and len(data) <= MAX_SETTINGS_BYTES:
        _assignments(data.decode("utf-8", "replace"), report)
    return report.findings


def _matches(pattern: re.Pattern[bytes], data: bytes, report: Report) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Matches with their lines, from 1, until the report is full; line ends are counted once."""
    line, at = 1, 0
    for match in pattern.finditer(data):
        if report.full:
            return
        line += data.count(b"\n", at, match.start())
        at = match.start()
        yield line, match


def _is_settings(name: PurePosixPath) -> bool:
    lower = name.name.lower()
    return (
        name.suffix.lower() in _SETTINGS or lower.startswith((".env", "dockerfile")) or lower in _SETTINGS
    ) and not lower.endswith(("lock.json", "lock.yaml"))


def _assignments(text: str, report: Report) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if report.full:
            return
        for match in _SETTING.finditer(line[:4096]):
            if _looks_random(match["value"].strip("\"'")):
                report.add("secret.assignment", number, f"a value for {match['name']} that looks like a secret")


def _looks_random(value: str) -> bool:
    if len(value) < MIN_LENGTH or " " in value or _NO_SECRET.search(value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    hexadecimal = len(value) >= 32 and re.fullmatch(r"(?:0x)?[0-9a-fA-F]+", value) is not None
    return _bits(value) >= MIN_BITS and (hexadecimal or (kinds >= 2 and bool(re.search("[0-9]", value))))


def _bits(value: str) -> float:
    """Shannon entropy of the characters, bits a character."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _start(token: bytes) -> str:
    return token[:4].decode("ascii", "replace") + "…"
