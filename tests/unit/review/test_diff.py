"""A reviewer sees every change, what matters most first, and nothing that a screen would hide."""

import itertools
from pathlib import Path

import pytest
from good_bundle import DOCKERFILE, FILES, KUBERNETES, REQUIREMENTS, WHEEL, edited, write
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.review.diff import Difference, compare
from cyberprivacy.review.edits import Edit, edits, hunks
from cyberprivacy.review.hidden import visible

Files = dict[str, str | bytes]


@pytest.fixture
def difference(tmp_path: Path):
    def between(old: Files, new: Files) -> Difference:
        return compare(write(tmp_path / "old", old), write(tmp_path / "new", new))

    return between


def test_what_matters_most_to_a_reviewer_stands_first(difference) -> None:
    new: Files = {
        "README.md": "words\n" * 50,
        "app/main.py": "print('other')\n" * 50,
        "requirements.txt": REQUIREMENTS.replace(WHEEL, "9c" * 32),
        "cyberprivacy.yaml": FILES["cyberprivacy.yaml"].replace("1.0.0", "1.0.1"),
        "k8s/web.yaml": edited(KUBERNETES, ("replicas: 2", "replicas: 3")),
        "Dockerfile": edited(DOCKERFILE, ("10001", "10002")),
    }
    assert [change.path for change in difference({}, new).changes] == [
        "Dockerfile",
        "k8s/web.yaml",
        "cyberprivacy.yaml",
        "requirements.txt",
        "app/main.py",
        "README.md",
    ]


def test_a_change_is_shown_with_three_lines_around_it_and_its_size(difference) -> None:
    old = "".join(f"line {n}\n" for n in range(20))
    (change,) = difference({"a.py": old}, {"a.py": old.replace("line 9\n", "nine\n")}).changes
    assert change.text == (
        "@@ -7,7 +7,7 @@",
        " line 6",
        " line 7",
        " line 8",
        "-line 9",
        "+nine",
        " line 10",
        " line 11",
        " line 12",
    )
    assert (change.kind, change.lines) == ("changed", 5)


def test_a_rename_is_found_by_content(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old", {"a.py": "same\n"}), write(tmp_path / "new", {"b/c.py": "same\n"})
    (change,) = compare(old, new).changes
    assert (change.kind, change.old_path, change.path, change.text) == ("renamed", "a.py", "b/c.py", ())
    assert change.lines == 1


def test_added_and_removed_files_are_shown_whole(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old", {"a.py": "one\n"}), write(tmp_path / "new", {"b.py": "two\nthree"})
    added, removed = sorted(compare(old, new).changes, key=lambda change: change.kind)
    assert added.text == ("@@ -0,0 +1,2 @@", "+two", "+three")
    assert removed.text == ("@@ -1,1 +0,0 @@", "-one")


def test_characters_that_a_screen_hides_are_shown_by_number(difference) -> None:
    new = "if admin\u202e:\u200b\n\x1b[2Jevil\np\u0430ypal = 1\n"  # the second letter is Cyrillic
    (change,) = difference({"a.py": ""}, {"a.py": new}).changes
    assert change.text[1:] == ("+if admin⟨U+202E⟩:⟨U+200B⟩", "+⟨U+001B⟩[2Jevil", "+p⟨U+0430⟩ypal = 1")


def test_words_of_other_languages_are_left_alone() -> None:
    for text in ("Größe über naïve", "Привет мир", "שלום", "日本語", "x = 'да'", "\tindented"):
        assert visible(text) == text


def test_line_ends_alone_are_said_in_words(difference) -> None:
    (change,) = difference({"a.py": "a\nb\n"}, {"a.py": "a\r\nb\r\n"}).changes
    assert change.text == ("\\ only line ends, or the last one, changed",)
    assert change.lines == 0


def test_binary_files_are_summed_up(difference) -> None:
    (change,) = difference({"a.bin": b"\0one"}, {"a.bin": b"\0three"}).changes
    assert len(change.text) == 1
    assert change.text[0].startswith("\\ not shown: 4 bytes, sha256 ")


def test_packages_bases_and_input_files_have_their_own_list(tmp_path: Path) -> None:
    new: Files = {path: text.replace("5a" * 32, "6b" * 32) for path, text in FILES.items()}
    new["requirements.txt"] = REQUIREMENTS.replace("8.3.0", "8.4.0")
    found = compare(write(tmp_path / "old"), write(tmp_path / "new", new))
    assert [(one.kind, one.old != "", one.new != "") for one in found.inputs] == [
        ("package", True, True),
        ("base image", True, False),
        ("base image", False, True),
    ]
    assert "8.3.0" in found.inputs[0].old
    assert "8.4.0" in found.inputs[0].new


def test_a_very_long_line_is_cut_and_says_so(difference) -> None:
    (change,) = difference({"a.js": ""}, {"a.js": "x" * 100_000}).changes
    assert "100000 characters" in change.text[1]
    assert len(change.text[1]) < 2200


# The edits themselves.

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "}", ""]), max_size=30)


def applied(old: list[str], new: list[str], found: list[Edit]) -> list[str]:
    result: list[str] = []
    at = 0
    for edit in found:
        result += old[at : edit.old] + new[edit.new : edit.new_end]
        at = edit.old_end
    return result + old[at:]


@given(LINES, LINES)
def test_edits_lead_from_the_old_lines_to_the_new(old: list[str], new: list[str]) -> None:
    found = edits(old, new)
    assert applied(old, new, found) == new
    assert all(edit.old < edit.old_end or edit.new < edit.new_end for edit in found)


@given(LINES, LINES)
def test_hunks_hold_every_edit_once_and_do_not_overlap(old: list[str], new: list[str]) -> None:
    found = edits(old, new)
    groups = list(hunks(found, len(old), len(new)))
    assert [edit for _, group in groups for edit in group] == found
    for (before, _), (after, _) in itertools.pairwise(groups):
        assert before.old_end <= after.old
        assert before.new_end <= after.new
    for span, _ in groups:
        assert 0 <= span.old <= span.old_end <= len(old)
        assert 0 <= span.new <= span.new_end <= len(new)


@given(LINES)
def test_equal_lines_have_no_edits(lines: list[str]) -> None:
    assert edits(lines, lines) == []


def test_a_change_of_one_line_in_a_long_file_is_one_edit() -> None:
    old = [f"line {n}" for n in range(20_000)]
    new = [*old[:9_000], "other", *old[9_001:]]
    assert edits(old, new) == [Edit(9_000, 9_001, 9_000, 9_001)]


def test_lines_made_to_slow_a_comparison_down_are_shown_as_replaced() -> None:
    old, new = ["x", "y"] * 20_000, ["y", "x", "x"] * 15_000
    assert applied(old, new, edits(old, new)) == new


def test_a_patch_reads_back_with_the_system_tool_in_mind(difference) -> None:
    """Counts in a header are those of the lines below it."""
    old = "".join(f"{n}\n" for n in range(40))
    (change,) = difference({"a": old}, {"a": old.replace("5\n", "", 1).replace("30\n", "30\nnew\n")}).changes
    headers = [number for number, line in enumerate(change.text) if line.startswith("@@")]
    for start, end in zip(headers, [*headers[1:], len(change.text)], strict=True):
        body = change.text[start + 1 : end]
        counts = [int(part.split(",")[1]) for part in change.text[start].split()[1:3]]
        assert counts == [sum(line[0] in " -" for line in body), sum(line[0] in " +" for line in body)]
