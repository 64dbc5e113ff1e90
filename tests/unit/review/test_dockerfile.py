"""A Dockerfile means one thing, or it is refused by the rule that it breaks."""

import pytest
from good_bundle import DIGEST, DOCKERFILE
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle.manifest import BaseInput
from cyberprivacy.review import dockerfile, recipe
from cyberprivacy.review.instructions import Copy, Exec, From, Pairs, Plain, Run, User
from cyberprivacy.review.rules.dockerfile import DOCKERFILE as RULES

BASE = BaseInput("cyberprivacy/python", DIGEST)
FROM = f"FROM cyberprivacy/python@{DIGEST}"
END = 'USER 10001\nCMD ["a"]\n'

# code: (a line that is fine, one that breaks exactly this rule); both stand between FROM and END
LINES = {
    "dockerfile.encoding": ("RUN echo \u00e4", "RUN echo \u202ea"),
    "dockerfile.directive": ("# my syntax", "# syntax=docker/dockerfile:1"),
    "dockerfile.continuation": ("RUN a \\\n  b", "RUN a \\\n\nRUN b"),
    "dockerfile.heredoc": ("RUN cat < a", "RUN cat <<EOF"),
    "dockerfile.instruction": ("LABEL a=b", "MAINTAINER me"),
    "dockerfile.flag": ("COPY --chown=1:1 a /b", "COPY --parents a /b"),
    "dockerfile.quoting": ('ENV A="b c" D=e', "ENV A='b c'"),
    "dockerfile.variable": ("ENV A=$B", "WORKDIR $A"),
    "dockerfile.exec-form": ('ENTRYPOINT ["a", "b"]', "ENTRYPOINT a b"),
    "dockerfile.stage-name": (f"{FROM} AS two", f"{FROM} AS 2"),
    "dockerfile.from-form": (f"{FROM} AS two", f"{FROM} two"),
    "dockerfile.from-unpinned": (FROM, "FROM cyberprivacy/python"),
    "dockerfile.from-tag": (FROM, f"FROM cyberprivacy/python:3@{DIGEST}"),
    "dockerfile.from-scratch": (FROM, "FROM scratch"),
    "dockerfile.from-variable": (FROM, f"FROM $BASE@{DIGEST}"),
    "dockerfile.from-undeclared": (FROM, f"FROM other/python@{DIGEST}"),
    "dockerfile.copy-from": (f"{FROM} AS b\n{FROM}\nCOPY --from=b /x /y", "COPY --from=nginx /x /y"),
    "dockerfile.copy-form": ('COPY ["a b", "/c"]', 'COPY "a b" /c'),
    "dockerfile.copy-path": ("COPY a/..b /c", "COPY a/../../b /c"),
    "dockerfile.copy-owner": ("COPY --chown=10 a /b", "COPY --chown=app a /b"),
    "dockerfile.copy-mode": ("COPY --chmod=0755 a /b", "COPY --chmod=4755 a /b"),
    "dockerfile.add": ("COPY a.tar /b", "ADD a.tar /b"),
    "dockerfile.add-url": ("COPY a /b", "ADD https://example.org/a /b"),
    "dockerfile.run-empty": ("RUN true", "RUN"),
    "dockerfile.run-mount-cache": ("RUN true", "RUN --mount=type=cache,target=/x true"),
    "dockerfile.run-mount-secret": ("RUN true", "RUN --mount=type=secret,id=x true"),
    "dockerfile.run-mount-ssh": ("RUN true", "RUN --mount=type=ssh true"),
    "dockerfile.run-mount-bind": ("RUN true", "RUN --mount=target=/x,source=/ true"),
    "dockerfile.run-mount-tmpfs": ("RUN true", "RUN --mount=type=tmpfs,target=/x true"),
    "dockerfile.run-mount": ("RUN true", "RUN --mount=type=devpts,target=/x true"),
    "dockerfile.run-network": ("RUN true", "RUN --network=host true"),
    "dockerfile.run-security": ("RUN true", "RUN --security=insecure true"),
    "dockerfile.arg-default": ("ARG A=b", "ARG A"),
    "dockerfile.arg-name": ("ARG A=b", "ARG HTTP_PROXY=http://x"),
    "dockerfile.workdir": ("WORKDIR /a/b", "WORKDIR a/b"),
    "dockerfile.user-name": ("USER 10:10", "USER app"),
    "dockerfile.expose": ("EXPOSE 8080/tcp 9090", "EXPOSE 80"),
    "dockerfile.stop-signal": ("STOPSIGNAL SIGINT", "STOPSIGNAL 9"),
    "dockerfile.volume": ("RUN true", "VOLUME /data"),
    "dockerfile.onbuild": ("RUN true", "ONBUILD RUN true"),
    "dockerfile.healthcheck": ("RUN true", "HEALTHCHECK NONE"),
    "dockerfile.shell": ("RUN true", 'SHELL ["a"]'),
}

# code: whole files
FILES = {
    "dockerfile.size": (f"{FROM}\n{END}", f"{FROM}\nRUN {'a' * 20_000}\n{END}"),
    "dockerfile.steps": (f"{FROM}\n{END}", f"{FROM}\n" + "RUN true\n" * 200 + END),
    "dockerfile.before-from": (f"{FROM}\nRUN true\n{END}", f"RUN true\n{FROM}\n{END}"),
    "dockerfile.user-root": (f"{FROM}\nUSER 1\n", f"USER 1\n{FROM}\nUSER 0\n".removeprefix("USER 1\n")),
}
ELSEWHERE = {"dockerfile.missing", "dockerfile.copy-missing"}  # test_lint.py: they need a tree


def codes(text: str) -> set[str]:
    made, findings = recipe.read(text.encode(), image="web", source="Dockerfile", bases=[BASE])
    assert (made is None) == bool(findings)
    return {finding.code for finding in findings}


def test_every_rule_has_an_example_on_each_side() -> None:
    assert LINES.keys() | FILES.keys() | ELSEWHERE == RULES.keys()


@pytest.mark.parametrize("code", LINES)
def test_a_line_is_fine_and_another_breaks_this_rule_alone(code: str) -> None:
    good, bad = LINES[code]
    assert codes(f"{FROM}\n{good}\n{END}") == set()
    assert codes(f"{FROM}\n{bad}\n{END}") == {code}


@pytest.mark.parametrize("code", FILES)
def test_a_file_is_fine_and_another_breaks_this_rule_alone(code: str) -> None:
    good, bad = FILES[code]
    assert codes(good) == set()
    assert codes(bad) == {code}


def test_all_breaches_are_named_at_once_with_their_lines() -> None:
    text = f"{FROM}\nADD a /b\n\nVOLUME /x\nRUN --mount=type=cache,target=/a --network=host x\n{END}"
    _, findings = recipe.read(text.encode(), image="web", source="Dockerfile.web", bases=[BASE])
    assert [(one.line, one.code) for one in findings] == [
        (2, "dockerfile.add"),
        (4, "dockerfile.volume"),
        (5, "dockerfile.run-mount-cache"),
        (5, "dockerfile.run-network"),
    ]
    assert {one.path for one in findings} == {"Dockerfile.web"}
    assert all(one.hint for one in findings)


def test_the_recipe_holds_the_bases_the_user_and_no_comment() -> None:
    made, findings = recipe.read(f"# who\n{DOCKERFILE}".encode(), image="web", source="D", bases=[BASE])
    assert not findings
    assert made is not None
    assert made.bases == (("cyberprivacy/python", DIGEST),)
    assert made.user == 10001
    assert "who" not in made.text


def test_continued_lines_are_joined_as_the_builder_would() -> None:
    text = f"{FROM}\nRUN a \\\n# in between\n  --b\\\n-c\n"
    lines, findings = dockerfile.parse(text.encode(), "Dockerfile")
    assert not findings
    assert [str(one) for _, one in lines][1:] == ["RUN a   --b-c"]


def test_a_user_of_an_earlier_stage_does_not_count() -> None:
    assert codes(f"{FROM} AS one\nUSER 5\n{FROM}\n{END}") == set()
    assert codes(f"{FROM} AS one\nUSER 5\n{FROM}\n") == {"dockerfile.user-root"}


def test_a_stage_cannot_copy_from_itself_or_from_a_later_one() -> None:
    assert codes(f"{FROM} AS one\nCOPY --from=one /a /b\n{END}") == {"dockerfile.copy-from"}
    assert codes(f"{FROM}\nCOPY --from=two /a /b\n{END}{FROM} AS two\n{END}") == {"dockerfile.copy-from"}


def test_a_flag_cannot_be_said_twice() -> None:
    assert codes(f"{FROM}\nCOPY --chmod=644 --chmod=755 a /b\n{END}") == {"dockerfile.flag"}


def test_an_escape_cannot_bring_in_what_the_text_may_not_hold() -> None:
    assert codes(f'{FROM}\nRUN ["a", "\\u0000"]\n{END}') == {"dockerfile.encoding"}
    assert codes(f'{FROM}\nRUN ["sh", "\\u003c\\u003cEOF"]\n{END}') == {"dockerfile.heredoc"}


# Round trips: whatever instructions there are, their text reads back to the same values.

TEXT = st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), max_size=12)
WORD = st.from_regex(r"[a-zA-Z0-9_.@%+=:,~*?/-]{1,12}", fullmatch=True).filter(
    lambda word: ".." not in word.split("/")
)
LIST = st.lists(TEXT.filter(lambda text: "<<" not in text), min_size=1, max_size=4).filter(lambda words: words[0])
NAME = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
STAGE = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
PAIRS = st.dictionaries(NAME, TEXT.filter(lambda text: "<<" not in text), min_size=1, max_size=3)
INSTRUCTIONS = st.one_of(
    st.builds(From, st.just("a/b"), st.just(DIGEST), st.one_of(st.just(""), STAGE)),
    st.builds(
        Copy,
        st.one_of(st.just(""), STAGE),
        st.sampled_from(["", "1", "12:34"]),
        st.sampled_from(["", "755", "0644"]),
        st.lists(WORD, min_size=1, max_size=3).map(tuple),
        WORD,
    ),
    st.builds(Pairs, st.sampled_from(["ENV", "LABEL"]), PAIRS.map(lambda pairs: tuple(pairs.items()))).filter(
        lambda one: one.keyword == "ENV" or all(name[-1] != "_" and name[0] != "_" for name, _ in one.pairs)
    ),
    st.builds(Run, st.just(""), LIST.map(tuple)),
    st.builds(Run, st.from_regex(r"[a-z][a-z \t&|;$()'\"\\.-]{0,20}[a-z]", fullmatch=True), st.just(())),
    st.builds(Exec, st.sampled_from(["CMD", "ENTRYPOINT"]), LIST.map(tuple)),
    st.builds(User, st.integers(0, 65533), st.one_of(st.none(), st.integers(0, 65533))),
    st.builds(Plain, st.just("EXPOSE"), st.lists(st.integers(1024, 65535).map(str), min_size=1).map(tuple)),
)


@given(st.lists(INSTRUCTIONS, max_size=8))
def test_what_is_written_out_reads_back_to_the_same_values(instructions: list[dockerfile.Instruction]) -> None:
    text = dockerfile.render(tuple(enumerate(instructions, 1)))
    lines, findings = dockerfile.parse(text.encode(), "Dockerfile")
    assert not findings
    assert [one for _, one in lines] == instructions


PIECES = st.sampled_from(
    [
        FROM,
        "RUN",
        "COPY",
        "ENV A=",
        "--mount=type=cache",
        " \\\n",
        "\n",
        "#",
        "[",
        '"',
        "'",
        "\\",
        "$A",
        "<<",
        "a",
        "\t",
        "USER 1",
        "ARG",
        "\xa0",
        "\x00",
        "\r\n",
        "]",
        "--from=",
        "\ud7ff",
        "LABEL a=b",
        "CMD",
        "[",
    ]
)


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=20).map(lambda p: " ".join(p).encode())))
def test_no_bytes_crash_the_reader_and_accepted_ones_are_stable(data: bytes) -> None:
    lines, findings = dockerfile.parse(data, "Dockerfile")
    made, _ = recipe.read(data, image="web", source="Dockerfile", bases=[BASE])
    if findings:
        assert made is None
    else:
        again, found = dockerfile.parse(dockerfile.render(lines).encode(), "Dockerfile")
        assert not found
        assert [one for _, one in again] == [one for _, one in lines]
        assert dockerfile.render(again) == dockerfile.render(lines)
