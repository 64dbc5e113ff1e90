"""The size of a change is one number for everybody, and tricks do not make it smaller."""

import base64
import random
import zlib
from pathlib import Path

import pytest
from good_bundle import DOCKERFILE, FILES, MANIFEST, REQUIREMENTS, WHEEL, edited, write
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.errors import Untrusted
from cyberprivacy.review.measure import Measurement, measure
from cyberprivacy.review.shingles import TOKENS_A_LINE, Shingles, fresh, lines_of, remember

Files = dict[str, str | bytes]


def tree(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def size(tmp_path_factory: pytest.TempPathFactory):
    def sized(old: Files | None, new: Files) -> Measurement:
        folder = tmp_path_factory.mktemp("trees")
        before = [] if old is None else [tree(folder / "old", old)]
        return measure(before, tree(folder / "new", new))

    return sized


def dice(seed: int) -> random.Random:
    """The same numbers every time."""
    return random.Random(seed)  # noqa: S311


def program(functions: int) -> str:
    """Ordinary code: five lines a function, each line once."""
    return "".join(
        f"def step_{n}(value, other):\n"
        f"    if value < {n}:\n"
        f"        raise ValueError('{n} is too small')\n"
        f"    total_{n} = value + other\n"
        f"    return total_{n}\n\n"
        for n in range(functions)
    )


CODE = program(111)  # 555 lines

# The table of abuses that the measure was designed against: what other counters took for 0 or 1 line.


def one_line_payload() -> str:
    """A compressed program in one line of 9,150 bytes."""
    noise = dice(1).randbytes(7000)
    line = "exec(__import__('zlib').decompress(__import__('base64').b64decode('"
    payload = base64.b64encode(zlib.compress(noise, 0)).decode()
    return (line + payload)[: 9150 - 4] + "')))"


def test_a_payload_in_one_line_counts_by_its_bytes(size) -> None:
    assert size({"a.py": CODE}, {"a.py": CODE, "b.py": one_line_payload()}).total == 286


def test_minified_code_counts_by_its_tokens(size) -> None:
    code = "".join(f"function a{n}(b,c){{return b.d(c)+{n}}};" for n in range(800))
    found = size({}, {"app.min.js": code[:27_000]}).total
    assert 27_000 // 32 < found < 2000


def test_two_thousand_statements_on_one_line_count_by_their_tokens(size) -> None:
    assert size({}, {"a.py": "x=1;" * 2000}).total == 889


def test_test_data_counts_by_its_bytes(size) -> None:
    assert size({}, {"tests/good.xz": dice(2).randbytes(30_000)}).total == 938


def test_a_lock_file_counts_every_line_five_times(size) -> None:
    lines = ",\n".join(f'"p{n}": 1' for n in range(2600))
    assert size({}, {"package-lock.json": f"{{\n{lines}\n}}"}).total == 2602 * 5


def test_code_under_another_name_counts_like_code(size) -> None:
    assert size({}, {"a.txt": CODE}).total == size({}, {"a.py": CODE}).total == 555


def test_a_shuffled_file_counts_as_a_whole(size) -> None:
    lines = CODE.splitlines()
    dice(3).shuffle(lines)
    assert 540 <= size({"a.py": CODE}, {"a.py": "\n".join(lines)}).total <= 560


@pytest.mark.parametrize(
    ("old", "new", "least", "most"),
    [
        ("value < 50:", "value > 50:", 5, 9),
        ("    if value < 50:\n        raise ValueError('50 is too small')\n", "", 4, 7),
        ("        raise ValueError('50 is too small')", "    raise ValueError('50 is too small')", 5, 11),
    ],
    ids=["one word changed", "one check deleted", "one line dedented"],
)
def test_a_small_edit_counts_with_the_lines_around_it(size, old: str, new: str, least: int, most: int) -> None:
    assert least <= size({"a.py": CODE}, {"a.py": edited(CODE, (old, new))}).total <= most


def test_a_renamed_file_counts_one(size) -> None:
    assert size({"a.py": CODE}, {"b.py": CODE}).total == 1


def test_line_ends_and_a_second_copy_count_nothing(size) -> None:
    crlf = CODE.replace("\n", "\r\n")
    assert size({"a.py": CODE}, {"a.py": crlf}).total == 0
    assert size({"a.py": CODE}, {"a.py": CODE, "b.py": CODE}).total == 0
    assert size(None, {"a.py": CODE, "b.py": CODE}).total == 555


# Abuses that the table does not have.


def test_lines_that_were_read_cannot_be_strung_together_to_say_something_new(size) -> None:
    old = "".join(f"{bit}\n" for bit in "0001011100")  # every window of three bits
    bits = dice(4)
    payload = "".join(f"{bits.getrandbits(1)}\n" for _ in range(1000))
    assert size({"table": old}, {"table": old, "data": payload}).total > 900


def test_blanks_that_nobody_sees_count_by_their_bytes(size) -> None:
    bits = dice(6)
    payload = "".join(bits.choice(("\t \n", " \t\t\n")) for _ in range(5000))
    assert size({"a.py": CODE}, {"a.py": CODE + payload}).total > 300
    careless = CODE.replace(":\n", ":  \n")
    assert size({"a.py": CODE}, {"a.py": careless}).total == 0


def test_a_comment_in_a_lock_file_is_no_free_ride(size) -> None:
    pin = f"a==1 --hash=sha256:{'1' * 64}"
    payload = f"# {base64.b64encode(dice(5).randbytes(6000)).decode()}\n"
    assert size({"requirements.txt": f"{pin}\n"}, {"requirements.txt": f"{pin}\n{payload}"}).total > 240
    marker = f"{pin[:4]} ; os_name != '{'x' * 3200}' {pin[5:]}\n"
    assert size({"requirements.txt": f"{pin}\n"}, {"requirements.txt": marker}).total > 100


# What is executed at build, and what comes from outside.


def test_lines_with_leverage_count_five_times(size) -> None:
    for name in (
        "Dockerfile",
        "k8s/web.yaml",
        "pyproject.toml",
        "setup.py",
        "Makefile",
        ".github/w.yml",
        "uv.lock",
    ):
        assert size({}, {name: "a\n"}).total == 5, name


def test_a_file_that_a_build_step_names_has_leverage(size) -> None:
    for step in (
        '["python3", "/app/tools/make.py"]',
        '["python3", "-m", "tools.make"]',
        "cd /app && ./tools/make.py",
    ):
        text = DOCKERFILE.replace('["python3", "-m", "compileall", "/app"]', step)
        found = size({"Dockerfile": text}, {"Dockerfile": text, "tools/make.py": "a\n", "tools/other.py": "b\n"})
        assert {row.path: row.lines for row in found.rows} == {"tools/make.py": 5, "tools/other.py": 1}


def test_a_build_step_cannot_hide_behind_the_name_that_copy_gives_it(size) -> None:
    text = edited(
        DOCKERFILE, ("COPY app /app", "COPY notes.txt /x/run.py"), ('"-m", "compileall", "/app"', '"/x/run.py"')
    )
    found = size({"Dockerfile": text}, {"Dockerfile": text, "notes.txt": "a\n"})
    assert {row.path: row.lines for row in found.rows} == {"notes.txt": 5}


@pytest.mark.parametrize(
    ("step", "copy"),
    [
        ("sh /x/*.sh", "COPY a /x"),
        ("for f in /x/ste?.sh; do sh $f; done", "COPY a /x"),
        ("run-parts /x/*", "COPY a/ /x/"),
        ("sh /app/a/[a-z]*.sh", "COPY . /app"),
        (";".join(f"rm -f /tmp/{number}*" for number in range(65)), "COPY . /app"),
    ],
)
def test_a_build_step_that_names_files_by_a_pattern_gives_them_leverage(size, step: str, copy: str) -> None:
    text = edited(DOCKERFILE, ("COPY app /app", copy), ('["python3", "-m", "compileall", "/app"]', step))
    found = size({"Dockerfile": text}, {"Dockerfile": text, "a/step.sh": "one\n"})
    assert {row.path: row.lines for row in found.rows} == {"a/step.sh": 5}


def test_a_pattern_for_other_files_gives_none(size) -> None:
    text = edited(DOCKERFILE, ('["python3", "-m", "compileall", "/app"]', "rm -rf /var/cache/* /tmp/*.log"))
    found = size({"Dockerfile": text}, {"Dockerfile": text, "a/step.sh": "one\n"})
    assert {row.path: row.lines for row in found.rows} == {"a/step.sh": 1}


@pytest.mark.parametrize(
    ("step", "files"),
    [
        (
            "sh /app/first.sh",
            {"first.sh": "sh ./second.sh\n", "second.sh": "python3 -m third\n", "third.py": "x\n"},
        ),
        ("python3 first.py", {"first.py": "from lib import third\n", "lib/third.py": "x\n"}),
        ("make all", {"Makefile": "all:\n\tsh tools/third.sh\n", "tools/third.sh": "x\n"}),
        ("npm ci", {"package.json": '{"scripts": {"x": "node third.js"}}\n', "third.js": "x\n"}),
    ],
)
def test_what_a_build_step_calls_by_way_of_another_has_leverage(size, step: str, files: Files) -> None:
    text = edited(DOCKERFILE, ('["python3", "-m", "compileall", "/app"]', step))
    found = size({"Dockerfile": text}, {"Dockerfile": text, "other.py": "y\n", **files})
    assert {row.path: row.factor for row in found.rows} == {"other.py": 1, **dict.fromkeys(files, 5)}


def test_what_was_read_as_data_was_not_read_as_a_build_step(size) -> None:
    assert size({"notes.txt": DOCKERFILE}, {"Dockerfile": DOCKERFILE}).total > 5 * 6
    assert size({"Dockerfile": DOCKERFILE}, {"Dockerfile": DOCKERFILE, "notes.txt": DOCKERFILE}).total == 0


def test_a_copy_beside_it_does_not_make_a_build_step_free(size) -> None:
    alone = size({}, {"Dockerfile": "RUN a\n"}).total
    assert size({}, {"Dockerfile": "RUN a\n", "0.txt": "RUN a\n"}).total == alone


def test_each_changed_package_costs_forty(size) -> None:
    def locked(*pins: str) -> Files:
        return {"requirements.txt": "".join(f"{pin}\n" for pin in pins)}

    one, two = f"a==1 --hash=sha256:{'1' * 64}", f"b==1 --hash=sha256:{'2' * 64}"
    assert size({}, locked(one, two)).total == 80
    assert size(locked(one), locked(one, two)).total == 40
    assert size(locked(one), locked(one.replace("1" * 64, "3" * 64))).total == 40
    assert size(locked(one), locked(one.replace("==1", "==2"))).total == 40
    assert size(locked(one), locked(f"{one} --hash=sha256:{'3' * 64} --hash=sha256:{'4' * 64}")).total == 41
    assert size(locked(one, two), locked(one)).total == 1
    assert size(locked(one, two), locked(one, two)).total == 0


def test_requirements_that_are_not_locked_count_line_by_line(size) -> None:
    assert size({}, {"requirements.txt": "a\nb\n"}).total == 10


def test_a_changed_base_image_costs_two_hundred(tmp_path: Path) -> None:
    old = write(tmp_path / "old")
    other = {path: text.replace("5a" * 32, "6b" * 32) for path, text in FILES.items()}
    found = measure([old], write(tmp_path / "new", dict(other)))
    assert [row.lines for row in found.rows if "base image" in row.reason] == [200]
    assert found.total < 200 + 100


def test_an_input_file_costs_what_its_bytes_would(tmp_path: Path) -> None:
    old = write(tmp_path / "old")
    new = write(tmp_path / "new", {"cyberprivacy.yaml": edited(MANIFEST, ("7c" * 32, "7d" * 32))})
    assert [row.lines for row in measure([old], new).rows if "input file" in row.reason] == [100]


def test_a_tree_whose_manifest_nobody_can_read_has_no_number(tmp_path: Path) -> None:
    with pytest.raises(Untrusted):
        measure([], write(tmp_path, {"cyberprivacy.yaml": "images: 1\n"}))


def test_a_tree_with_a_link_has_no_number(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(Untrusted) as refusal:
        measure([], tmp_path)
    assert refusal.value.code == "measure.tree"


def test_lines_read_in_another_bundle_count_nothing(tmp_path: Path) -> None:
    parent = tree(tmp_path / "parent", {"a.py": "one\n"})
    read = tree(tmp_path / "read", {"fix.py": CODE, "other.py": "gone"})
    new = tree(tmp_path / "new", {"a.py": "one\n", "fix.py": CODE})
    assert measure([parent], new).total == 555
    assert measure([parent, read], new).total == 0


def test_the_rows_add_up_and_say_why(tmp_path: Path) -> None:
    found = measure([], write(tmp_path))
    assert found.total == sum(row.lines for row in found.rows)
    assert all(row.reason for row in found.rows)
    assert {row.path for row in found.rows} == set(FILES)
    assert WHEEL in REQUIREMENTS


def test_huge_lines_and_many_lines_take_linear_time(size) -> None:
    found = size({}, {"long.txt": b"a" * 3_000_000, "many.txt": b"a\n" * 300_000, "blank.txt": b"\n" * 3_000_000})
    assert found.total == -(-3_000_000 // 32) + 300_000


# Properties.

LINES = st.lists(st.sampled_from([f"line {n}" for n in range(9)] + ["", "  line 1", "x" * 90]), max_size=12)
NAMES = ["a.py", "b.py", "c.txt", "d/e.js"]
TREES = st.dictionaries(st.sampled_from(NAMES), LINES.map("\n".join), max_size=4)
UNIQUE = st.lists(st.sampled_from([f"line {n} " + "word " * n for n in range(12)]), unique=True, max_size=12)


@given(TREES)
def test_an_identical_tree_counts_nothing(tmp_path_factory: pytest.TempPathFactory, files: Files) -> None:
    folder = tmp_path_factory.mktemp("t")
    one, two = tree(folder / "1", files), tree(folder / "2", files)
    assert measure([one], two) == Measurement(0, ())


@given(TREES, TREES, st.permutations(NAMES))
def test_file_names_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, old: Files, new: Files, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("t")
    before = tree(folder / "old", {f"old/{name}": text for name, text in old.items()})
    renamed = {names[NAMES.index(name)]: text for name, text in new.items()}
    plain, moved = tree(folder / "1", new), tree(folder / "2", renamed)
    assert measure([before], plain).total == measure([before], moved).total


@given(TREES, TREES, TREES)
def test_reading_more_never_makes_a_change_larger(
    tmp_path_factory: pytest.TempPathFactory, old: Files, read: Files, new: Files
) -> None:
    folder = tmp_path_factory.mktemp("t")
    before, too, after = tree(folder / "1", old), tree(folder / "2", read), tree(folder / "3", new)
    assert measure([before, too], after).total <= measure([before], after).total


@given(TREES, TREES, LINES)
def test_another_file_never_makes_a_change_smaller(
    tmp_path_factory: pytest.TempPathFactory, old: Files, new: Files, more: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("t")
    before, after = tree(folder / "1", old), tree(folder / "2", new)
    larger = tree(folder / "3", {**new, "0-more.py": "\n".join(more)})
    assert measure([before], larger).total >= measure([before], after).total


def shingles_of(lines: list[str]) -> Shingles:
    read: Shingles = {}
    remember(lines_of("\n".join(lines).encode()) or [], read)
    return read


def weight(old: list[str], new: list[str]) -> int:
    read = shingles_of(old)
    return fresh(lines_of("\n".join(new).encode()) or [], read).lines


@given(UNIQUE, UNIQUE, UNIQUE)
def test_a_change_in_two_steps_is_never_cheaper(old: list[str], between: list[str], new: list[str]) -> None:
    assert weight(old, new) <= weight(old, between) + weight(between, new)


@given(UNIQUE, UNIQUE)
def test_one_new_file_is_no_cheaper_as_two_and_two_no_cheaper_than_each(one: list[str], two: list[str]) -> None:
    merged = weight([], one + two)
    assert max(weight([], one), weight([], two)) <= merged <= weight([], one) + weight([], two)


def naive(old: list[str], new: list[str]) -> list[int]:
    """The definition, word by word: a window counts as read as often as it stands in the old file."""

    def windows(lines: list[str]) -> list[tuple[str, ...]]:
        padded = ["", "", *lines, "", ""]
        return [tuple(padded[at : at + 3]) for at in range(len(padded) - 2)] if lines else []

    old, new = ([line for line in side if line.strip()] for side in (old, new))
    read = windows(old)
    mine = windows(new)
    unread = [mine[: at + 1].count(window) > read.count(window) for at, window in enumerate(mine)]
    return [at for at in range(len(new)) if any(unread[at : at + 3])]


@given(LINES, LINES)
def test_fresh_lines_are_those_of_the_definition(old: list[str], new: list[str]) -> None:
    read = shingles_of(old)
    found = fresh(lines_of("\n".join(new).encode()) or [], read)
    kept = [number for number, line in enumerate(new, 1) if line.strip()]
    assert list(found.numbers) == [kept[at] for at in naive(old, new)]


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_have_a_number(tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes) -> None:
    folder = tmp_path_factory.mktemp("t")
    found = measure([tree(folder / "1", {"a": old})], tree(folder / "2", {"a": new})).total
    assert 0 <= found <= len(new) + TOKENS_A_LINE
