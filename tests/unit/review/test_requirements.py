"""A locked requirements file pins every package to files by hash, and says nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ],
)
def test_whatever_else_pip_would_read_is_refused(line: str, code: str) -> None:
    _, findings = parse(line.encode(), "requirements.txt")
    assert next(one.code for one in findings) == code


@given(st.text(st.sampled_from("a=1.-#\\ \n[];@<>~!,'\"\t" + "b"), max_size=60))
def test_no_text_crashes_the_reader(text: str) -> None:
    parse(text.encode(), "requirements.txt")


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    parse(data, "requirements.txt")
