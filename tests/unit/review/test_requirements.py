"""A locked requirements file pins every package to files by hash, and says nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from cyberprivacy.review.requirements import Pin, parse

ONE, TWO = "1" * 64, "2" * 64


def test_pins_are_read_with_name_version_digests_and_line() -> None:
    text = (
        f"# header\nFoo.Bar==1.0 \\\n  --hash=sha256:{ONE} \\\n  --hash=sha256:{TWO}\n    # via x\n"
        f"b==2 ; python_version < '4' --hash=sha256:{ONE}  # why\n"
    )
    pins, findings = parse(text.encode(), "requirements.txt")
    assert not findings
    assert pins == (
        Pin("foo-bar", "1.0", (ONE, TWO), "", 2),
        Pin("b", "2", (ONE,), 'python_version < "4"', 6),
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("-r other.txt", "requirements.option"),
        ("--extra-index-url https://evil.example", "requirements.option"),
        ("-e .", "requirements.option"),
        ("./local", "requirements.option"),
        ("https://evil.example/a.whl", "requirements.option"),
        ("git+https://evil.example/a", "requirements.option"),
        (f"a @ https://evil.example/a.whl --hash=sha256:{ONE}", "requirements.option"),
        (f"a==1 --hash=sha256:{ONE} --global-option=x", "requirements.option"),
        (f"a --hash=sha256:{ONE}", "requirements.unpinned"),
        (f"a==1.* --hash=sha256:{ONE}", "requirements.unpinned"),
        (f"a===1 --hash=sha256:{ONE}", "requirements.unpinned"),
        (f"a>=1,==1 --hash=sha256:{ONE}", "requirements.unpinned"),
        ("a==1", "requirements.unhashed"),
        ("a==1 --hash=md5:00", "requirements.unhashed"),
        (f"a==1 --hash=sha256:{ONE.upper()[:-1]}A", "requirements.unhashed"),
        (f"a==1 --hash=sha256:{ONE} --hash=sha256:{ONE}", "requirements.unhashed"),
        ("a b", "requirements.form"),
        ("a==1 \\", "requirements.form"),
        ("a==1\u202e", "requirements.form"),
        (f"a==1 ; {'(' * 3000} --hash=sha256:{ONE}", "requirements.form"),
        (f"a==1 ; {'(' * 300}os_name == 'x'{')' * 300} --hash=sha256:{ONE}", "requirements.form"),
        (f"a=={'1' * 5000} --hash=sha256:{ONE}", "requirements.form"),
        (f"a=={'1' * 65} --hash=sha256:{ONE}", "requirements.form"),
        (f"a==1 ; os_name == '{'9' * 1024}' --hash=sha256:{ONE}", "requirements.form"),
        (f"a==1 ; os_name ~= 'posix' --hash=sha256:{ONE}", "requirements.form"),
        (f"a==1 ; 'x' == 'y' --hash=sha256:{ONE}", "requirements.form"),
        (f"a==1 ; 'x' in extras --hash=sha256:{ONE}", "requirements.form"),
    ],
)
def test_whatever_else_pip_would_read_is_refused(line: str, code: str) -> None:
    _, findings = parse(line.encode(), "requirements.txt")
    assert next(one.code for one in findings) == code


def test_a_package_for_many_platforms_has_many_hashes() -> None:
    digests = [f"{number:064x}" for number in range(200)]
    pins, findings = parse(f"a==1 {' '.join(f'--hash=sha256:{one}' for one in digests)}".encode(), "r.txt")
    assert not findings
    assert pins[0].digests == tuple(digests)


def test_a_marker_that_passes_has_an_answer_wherever_it_is_asked() -> None:
    line = f"a==1 ; (sys_platform == 'linux' or python_version < '4') and extra == '' --hash=sha256:{ONE}"
    (pin,), findings = parse(line.encode(), "r.txt")
    assert not findings
    assert Marker(pin.marker).evaluate({"sys_platform": "linux", "extra": ""})


_SIGNS = [
    "a",
    "1",
    "==",
    "~=",
    "===",
    " ; ",
    "os_name",
    "extra",
    "'x'",
    "'1.0'",
    " and ",
    " or ",
    " in ",
    " @ ",
    "#",
]
_SIGNS += ["[", "]", ",", "1!", "+", ".*"]
_LONG = ["9" * 5000, "(" * 1500, ")" * 1500, "\\\n", "\n", f" --hash=sha256:{ONE}"]


@given(st.lists(st.sampled_from(_SIGNS + _LONG), max_size=12).map("".join))
def test_no_requirement_crashes_the_reader_or_who_reads_its_marker(text: str) -> None:
    pins, findings = parse(text.encode(), "requirements.txt")
    for pin in pins if not findings else ():
        if pin.marker:
            Marker(pin.marker).evaluate({"extra": ""})


@given(st.text(st.sampled_from("a=1.-#\\ \n[];@<>~!,'\"\t" + "b"), max_size=60))
def test_no_text_crashes_the_reader(text: str) -> None:
    parse(text.encode(), "requirements.txt")


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    parse(data, "requirements.txt")
