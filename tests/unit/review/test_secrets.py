"""Secrets are found where they are, and ordinary code is left in peace."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.review.finding import MAX_FINDINGS
from cyberprivacy.review.secrets import find

RANDOM = "q7Zr2LxWm9Tt4KpVb8Yc"  # typed at random


def codes(text: str | bytes, path: str) -> list[str]:
    return [one.code for one in find(text if isinstance(text, bytes) else text.encode(), path)]


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "ghp_" + "aB3" * 12,
        "github_pat_" + "aB3" * 25,
        "glpat-" + "aB3dE6gH9" * 3,
        "xoxb-" + "123456789012-abcdefGHIJ",
        "sk_live_" + "aB3dE6gH9" * 3,
        "AIza" + "aB3dE" * 7,
        "npm_" + "aB3dE6gH9" * 4,
        "sk-ant-" + "aB3dE6gH9" * 5,
    ],
)
def test_a_token_is_found_in_any_file(token: str) -> None:
    assert codes(f"x = '{token}'", "app/main.py") == ["secret.token"]
    assert codes(f"x = '{token[:8]}'", "app/main.py") == []


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_private_key_is_found_also_inside_a_string(kind: str) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    assert codes(f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n", "a.txt") == ["secret.private-key"]
    assert codes(f'"-----BEGIN {kind}PRIVATE KEY-----\\n{body}\\n"', "a.json") == ["secret.private-key"]


@pytest.mark.parametrize("name", ["id_rsa", ".ssh/id_ed25519", ".netrc"])
def test_a_file_that_keeps_keys_is_found_by_name(name: str) -> None:
    assert "secret.private-key" in codes("", name)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (".env", f"DB_PASSWORD={RANDOM}"),
        ("settings.toml", f'secret_key = "{RANDOM}"'),
        ("k8s/web.yaml", f"  api-key: {RANDOM}"),
        ("a.json", f'{{"token": "{RANDOM}"}}'),
        ("Dockerfile", f"ENV ADMIN_PASSWORD={RANDOM}"),
        ("a.ini", "private_key = 0x" + "0123456789abcdef" * 4),
    ],
)
def test_a_password_is_found_in_settings(path: str, line: str) -> None:
    assert codes(f"# settings\n{line}\n", path) == ["secret.assignment"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app/main.py", f"password = '{RANDOM}'"),  # code is read by people; only settings are guessed at
        ("a.ini", "password = correct-horse-battery"),
        ("a.ini", "password = ${DB_PASSWORD}"),
        ("a.ini", f"password = example-{RANDOM}"),
        ("a.ini", "token_url = https://accounts.example/oauth2/v4/token"),
        ("a.yaml", "secret: /run/secrets/db4Password9"),
        ("a.yaml", "password_hash_rounds: 100000000000"),
        ("package-lock.json", '"token": "sha512-q7Zr2LxWm9Tt4KpVb8Ycq7Zr2LxWm9Tt4KpVb8Yc=="'),
        ("a.toml", 'max_tokens = "1234567890123456"'),
        ("a.yaml", f"digest: {RANDOM}"),
    ],
)
def test_ordinary_lines_are_left_in_peace(path: str, line: str) -> None:
    assert codes(f"{line}\n", path) == []


class Counted(bytes):
    """Bytes that know how many of them were searched for line ends."""

    searched = 0

    def count(self, *arguments: Any) -> int:
        _, start, end = arguments
        self.searched += end - start
        return super().count(*arguments)


def test_each_line_is_counted_once_however_many_tokens_there_are() -> None:
    data = Counted(b"x\nAKIAA1B2C3D4E5F6G7H8\n" * 150)
    assert [one.line for one in find(data, "a.py")] == list(range(2, 302, 2))
    assert data.searched <= 3 * len(data)  # three forms of secrets


def test_a_file_full_of_tokens_is_left_when_the_report_is_full() -> None:
    data = Counted(b"AKIAA1B2C3D4E5F6G7H8\n" * 1_000_000)
    assert len(find(data, "a.py")) == MAX_FINDINGS
    assert data.searched < 10_000


def test_our_own_sources_hold_no_secret() -> None:
    root = Path(__file__).parents[3] / "src"
    found = [one for path in root.rglob("*.py") for one in find(path.read_bytes(), str(path.relative_to(root)))]
    assert found == []


@given(st.binary(max_size=200), st.sampled_from(["a.env", "a.py", "x.json"]))
def test_no_bytes_crash_the_scan(data: bytes, path: str) -> None:
    find(data, path)
