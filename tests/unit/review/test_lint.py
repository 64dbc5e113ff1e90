"""The gate as a whole: a tree goes through, or every reason why not is named with file and line."""

import os
from pathlib import Path

import pytest
from good_bundle import DIGEST, DOCKERFILE, FILES, KUBERNETES, MANIFEST, REQUIREMENTS, edited, write

from cyberprivacy.bundle.limits import Limits
from cyberprivacy.bundle.verified import SEAL, VerifiedBundle
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.review.finding import Finding, Refused
from cyberprivacy.review.lint import findings, lint
from cyberprivacy.review.rules import RULES
from cyberprivacy.review.rules.tree import TREE
from cyberprivacy.review.tree import read_tree

HEX = "0123456789abcdef"
RANDOM = "q7Zr2LxWm9Tt4KpVb8Yc"  # no secret of anybody's: typed at random
HASH = "    --hash=sha256:" + "8b" * 32
CID = str(Cid.of(DAG_PB, b"parent"))
PEM = "-----BEGIN {}-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 3 + "-----END {}-----\n"
KEYSTORE = f'{{"crypto": {{"ciphertext": "{HEX * 4}", "kdf": "scrypt", "kdfparams": {{}}}}}}'

Files = dict[str, str | bytes]


def manifest(old: str, new: str) -> Files:
    return {"cyberprivacy.yaml": edited(MANIFEST, (old, new))}


def wheels(text: str) -> Files:
    return {"requirements.txt": text}


def yaml(text: str) -> Files:
    return {"k8s/web.yaml": edited(KUBERNETES, ("  greeting: hello\n", f"  greeting: hello\n{text}"))}


# code: (files that are fine, files that break exactly this rule)
EXAMPLES: dict[str, tuple[Files, Files]] = {
    "manifest.yaml": ({}, manifest("release: 1\n", "release: 1\nrelease: 1\n")),
    "manifest.format": ({}, manifest("cyberprivacy: 1", "cyberprivacy: 2")),
    "manifest.unknown": ({}, manifest("release: 1\n", "release: 1\nrelase: 1\n")),
    "manifest.reserved": ({}, manifest("release: 1\n", "release: 1\nparameters: {}\n")),
    "manifest.field": ({}, manifest("release: 1\n", "")),
    "manifest.value": ({}, manifest("release: 1\n", "release: 0\n")),
    "manifest.repeated": (
        {},
        manifest(
            "- {requirements: requirements.txt}",
            "- {requirements: requirements.txt}\n    - {requirements: requirements.txt}",
        ),
    ),
    "manifest.parent": (
        {"cyberprivacy.yaml": edited(MANIFEST, ("release: 1", "release: 2"), ("null", CID))},
        manifest("release: 1", "release: 2"),
    ),
    "manifest.image-unused": (
        {},
        manifest("web: {dockerfile: Dockerfile}", "web: {dockerfile: Dockerfile}\n  b: {dockerfile: Dockerfile}"),
    ),
    "manifest.base-unused": (
        {},
        manifest("  wheels:", f'    - {{repository: cyberprivacy/node, digest: "{DIGEST}"}}\n  wheels:'),
    ),
    "manifest.dockerfile-unused": ({"docs/docker.md": "a\n"}, {"worker.Dockerfile": DOCKERFILE}),
    "manifest.public-service": ({}, manifest("service: web", "service: other")),
    "manifest.public-port": ({}, manifest("port: 80}", "port: 8080}")),
    "requirements.missing": ({}, manifest("requirements: requirements.txt", "requirements: other.txt")),
    "requirements.form": (wheels(REQUIREMENTS), wheels(f"{REQUIREMENTS}what is this\n")),
    "requirements.option": (wheels(f"# --index-url a\n{REQUIREMENTS}"), wheels(f"--index-url a\n{REQUIREMENTS}")),
    "requirements.unpinned": (wheels(f"a==1.0 \\\n{HASH}\n"), wheels(f"a>=1.0 \\\n{HASH}\n")),
    "requirements.unhashed": (wheels(f"a==1.0 \\\n{HASH}\n"), wheels("a==1.0\n")),
    "requirements.duplicate": (
        wheels(f"a==1.0 \\\n{HASH}\nb==1 \\\n{HASH}\n"),
        wheels(f"a.b==1.0 \\\n{HASH}\nA-B==1 \\\n{HASH}\n"),
    ),
    "secret.private-key": (
        {"a.pem": PEM.format("CERTIFICATE", "CERTIFICATE"), "b.py": 'S = "-----BEGIN PRIVATE KEY-----"\n'},
        {"a.txt": PEM.format("RSA PRIVATE KEY", "RSA PRIVATE KEY")},
    ),
    "secret.token": ({"a.py": "x = 'ghp_short'\n"}, {"a.py": f"x = 'ghp_{'aB3' * 12}'\n"}),
    "secret.keystore": ({"a.json": '{"ciphertext": "no"}'}, {"a.json": KEYSTORE}),
    "secret.assignment": (
        {"a.ini": f"password = example-{RANDOM}\ntoken_url = https://a.example/{RANDOM}\ndigest = {HEX * 4}\n"},
        {"a.ini": f"password = {RANDOM}\n"},
    ),
    "text.bidi": ({"a.py": "x = '\u05d0'\n"}, {"a.py": "x = 1 # \u202e nimda\n"}),
    "text.invisible": ({"a.py": "x = '\u00e9 \u0434\u0430'\n"}, {"a.py": "x\u200b = 1\n"}),
    "text.blanks": ({"a.py": f"x = 1{' ' * 100}# y\n"}, {"a.py": f"x = 1{' ' * 300}; evil()\n"}),
    "blob.executable": ({"a.bin.txt": "ELF\n"}, {"a.so": b"\x7fELF\x02\x01\0\0"}),
    "blob.opaque": ({"a.txt": ""}, {"a.png": b"\x89PNG\r\n\x1a\n\0\0"}),
    "yaml.form": ({}, yaml("  a: [\n")),
    "yaml.size": ({}, yaml("  # long\n" * 40_000)),
    "yaml.encoding": ({}, yaml("  a: \x07\n")),
    "yaml.empty": ({}, {"k8s/empty.yaml": "# nothing\n"}),
    "yaml.documents": ({}, yaml("---\n" * 101)),
    "yaml.directive": ({}, yaml("...\n%YAML 1.1\n---\n")),
    "yaml.anchor": ({}, yaml("  a: &x b\n")),
    "yaml.tag": ({}, yaml("  a: !!python/object:os.system b\n")),
    "yaml.merge": ({}, yaml("  <<: {a: b}\n")),
    "yaml.duplicate": ({}, yaml("  greeting: again\n")),
    "yaml.key": ({}, yaml("  1: b\n")),
    "yaml.float": (yaml("  a: '1.5'\n"), yaml("  a: 1.5\n")),
    "yaml.ambiguous": (yaml("  a: 'yes'\n"), yaml("  a: yes\n")),
    "yaml.integer": ({}, yaml("  a: 99999999999999999999\n")),
    "yaml.depth": ({}, yaml(f"  a: {'[' * 40}{']' * 40}\n")),
    "dockerfile.missing": ({}, manifest("{dockerfile: Dockerfile}", "{dockerfile: Dockerfile.no}")),
    "dockerfile.copy-missing": (
        {"Dockerfile": edited(DOCKERFILE, ("COPY app /app", "COPY app/*.py app/ /app"))},
        {"Dockerfile": edited(DOCKERFILE, ("COPY app /app", "COPY no /app"))},
    ),
}
BY_HAND = {"tree.entry", "tree.name", "tree.files", "tree.size", "manifest.missing"}  # below


def codes(folder: Path, files: Files) -> set[str]:
    return {finding.code for finding in findings(write(folder, files))}


def test_every_rule_about_trees_has_an_example() -> None:
    assert TREE.keys() - BY_HAND <= EXAMPLES.keys()


@pytest.mark.parametrize("code", EXAMPLES)
def test_one_tree_is_fine_and_another_breaks_this_rule_alone(code: str, tmp_path: Path) -> None:
    good, bad = EXAMPLES[code]
    assert codes(tmp_path / "good", good) == set()
    found = codes(tmp_path / "bad", bad)
    if code == "dockerfile.missing":  # the old Dockerfile and its base are now without an owner
        found -= {"manifest.dockerfile-unused", "manifest.base-unused"}
    assert found == {code}


def bundle(tree: Path) -> VerifiedBundle:
    return VerifiedBundle(cid=Cid.of(DAG_PB, b"x"), tree=tree, size=0, entries=0, seal=SEAL)


def test_a_good_bundle_goes_through_with_all_that_later_steps_need(tmp_path: Path) -> None:
    linted = lint(bundle(write(tmp_path)))
    assert linted.manifest.name == "guestbook"
    assert linted.recipes["web"].user == 10001
    assert linted.recipes["web"].bases == (("cyberprivacy/python", DIGEST),)
    assert linted.topology.workloads[0].container.image == "web"
    assert linted.topology.public == "web"


def test_a_note_does_not_close_the_gate(tmp_path: Path) -> None:
    tree = write(tmp_path, {"logo.png": b"\x89PNG\0"})
    assert [one.code for one in findings(tree)] == ["blob.opaque"]
    assert lint(bundle(tree)).manifest.release == 1


def test_the_refusal_carries_every_finding_of_every_file(tmp_path: Path) -> None:
    files: Files = {
        "Dockerfile": edited(DOCKERFILE, ("USER 10001\n", "")),
        "k8s/web.yaml": edited(KUBERNETES, ("replicas: 2", "replicas: 0")),
        "requirements.txt": "click\n",
        ".env": f"API_KEY={RANDOM}\n",
    }
    with pytest.raises(Refused) as refusal:
        lint(bundle(write(tmp_path, files)))
    assert isinstance(refusal.value, Untrusted)
    assert refusal.value.code == "lint.refused"
    assert {(one.path, one.line, one.code) for one in refusal.value.findings} == {
        (".env", 1, "secret.assignment"),
        ("Dockerfile", 5, "dockerfile.user-root"),
        ("k8s/web.yaml", 6, "k8s.replicas"),
        ("requirements.txt", 1, "requirements.unpinned"),
    }


def test_a_secret_is_never_repeated_in_its_finding(tmp_path: Path) -> None:
    files: Files = {".env": f"PASSWORD={RANDOM}\nTOKEN=ghp_{'aB3' * 12}\n"}
    found = findings(write(tmp_path, files))
    assert {one.code for one in found} == {"secret.assignment", "secret.token"}
    assert not any(RANDOM in str(one) or "aB3aB3" in str(one) for one in found)


@pytest.mark.parametrize("code", ["manifest.value", "manifest.unknown", "manifest.yaml", "manifest.public-port"])
def test_a_breach_in_the_manifest_names_its_line(code: str, tmp_path: Path) -> None:
    (one,) = findings(write(tmp_path, EXAMPLES[code][1]))
    assert (one.path, one.line > 0) == ("cyberprivacy.yaml", True)


def test_a_tree_without_manifest_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "cyberprivacy.yaml").unlink()
    assert [one.code for one in findings(tmp_path)] == ["manifest.missing"]


def test_a_broken_manifest_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    files: Files = {
        **EXAMPLES["manifest.unknown"][1],
        "Dockerfile": edited(DOCKERFILE, ("USER 10001", "VOLUME /a")),
        "k8s/web.yaml": edited(KUBERNETES, ("replicas: 2", "replicas: 0")),
        "requirements.txt": "click\n",
    }
    assert codes(tmp_path, files) == {
        "manifest.unknown",
        "dockerfile.volume",
        "k8s.replicas",
        "requirements.unpinned",
    }


def test_a_flood_of_breaches_is_cut_short_and_still_refused(tmp_path: Path) -> None:
    found = findings(write(tmp_path, {"requirements.txt": "click\n" * 10_000}))
    assert 0 < len(found) <= 200


def test_links_and_devices_are_never_followed(tmp_path: Path) -> None:
    tree = write(tmp_path)
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "folder").symlink_to("/etc")
    os.mkfifo(tree / "pipe")
    assert [(one.code, one.path) for one in findings(tree)] == [
        ("tree.entry", "folder"),
        ("tree.entry", "link"),
        ("tree.entry", "pipe"),
    ]


@pytest.mark.parametrize("name", ["a\u202eb", "a\nb", "a\u200b", "e\u0301", b"\xff"])
def test_a_name_that_cannot_be_seen_is_refused(name: str | bytes, tmp_path: Path) -> None:
    tree = write(tmp_path)
    (Path(os.fsdecode(os.path.join(os.fsencode(tree), os.fsencode(name))))).write_text("x")  # noqa: PTH118
    assert [one.code for one in findings(tree)] == ["tree.name"]


def test_more_bytes_than_a_bundle_may_have_are_refused_unread(tmp_path: Path) -> None:
    tree = write(tmp_path)
    with (tree / "big").open("wb") as file:
        file.truncate((512 << 20) + 1)
    assert [one.code for one in findings(tree)] == ["tree.size"]


def test_more_entries_or_deeper_ones_than_a_bundle_may_have_are_refused(tmp_path: Path) -> None:
    tree = write(tmp_path, {"a/b/c/d": ""})
    assert [one.code for one in read_tree(tree, limits=Limits(entries=10)).findings] == ["tree.files"]
    assert [(one.code, one.path) for one in read_tree(tree, limits=Limits(depth=2)).findings] == [
        ("tree.entry", "a/b/c")
    ]


def test_what_is_no_directory_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as refusal:
        findings(tmp_path / "no")
    assert refusal.value.code == "review.tree"


def test_every_rule_has_an_explanation_and_a_hint() -> None:
    for code, rule in RULES.items():
        assert code == code.lower()
        assert rule.says.endswith(".")
        assert rule.hint.endswith(".")


def test_a_finding_shows_hidden_characters_by_number() -> None:
    from cyberprivacy.review.finding import Report

    report = Report("a\x1b[31mb")
    report.add("tree.name", 0, "x\u202ey\nz")
    (one,) = report.findings
    assert isinstance(one, Finding)
    assert (one.path, one.what) == ("a⟨U+001B⟩[31mb", "x⟨U+202E⟩y z")


def test_the_good_bundle_is_small_enough_to_read() -> None:
    assert sum(text.count("\n") for text in FILES.values()) < 120
