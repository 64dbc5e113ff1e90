"""What an image is made of is what the project's lock and the lists of its modules say: nothing older, less or more."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.utils import canonicalize_name, parse_wheel_filename

import cyberprivacy
from cyberprivacy.build.base import PACKAGES
from cyberprivacy.build.debian import parse_lock
from cyberprivacy.cli.privacy_os import SOURCES
from cyberprivacy.privacy_os.engines import CONTAINER, ENGINES
from cyberprivacy.privacy_os.libraries import BadLock, wheels_of
from cyberprivacy.privacy_os.root import LEFT_OUT, is_read
from cyberprivacy.privacy_os.sources import KERNEL, PROJECT_LOCK, STUB, TOOLS

OURS: Final = Path(cyberprivacy.__file__).parent
COMMANDS: Final = "cli"
"""A room of many commands, each of which imports what it needs when it is typed: a machine types one of them."""


def test_whatever_our_modules_import_is_in_the_root() -> None:
    wheels = wheels_of((SOURCES.parent / PROJECT_LOCK).read_text())
    brought, whose = {parse_wheel_filename(wheel.filename)[0] for wheel in wheels}, packages_distributions()
    for path, module in _imports():
        owners = {canonicalize_name(name) for name in whose.get(module, ())}
        assert owners & brought, f"{path} imports {module}, which no wheel of the root brings"


def test_whatever_a_running_machine_imports_is_left_in_the_root() -> None:
    """Its services are imported as they start; each file that this took is one that the root has."""
    services = ("cyberprivacy.privacy_os.unlocking", "cyberprivacy.privacy_os.preparing")
    services += (
        "cyberprivacy.privacy_os.keyport",
        "cyberprivacy.attest.onchain",
        "cyberprivacy.proposal.agreeing",
    )
    services += ("cyberprivacy.privacy_os.service", "cyberprivacy.node.service", "cyberprivacy.cli.node")
    program = f"import sys, opendp.measurements, {', '.join(services)}\n"
    program += (
        "print(*(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    files = [name for path in done.stdout.splitlines() if (name := path.partition("/site-packages/")[2])]
    assert len(files) > 500
    assert not [name for name in files if not is_read(name)]


def _imports() -> Iterator[tuple[Path, str]]:
    """Modules of others that ours import, at their top or later, with the file that does."""
    for path in OURS.rglob("*.py"):
        if {COMMANDS, *LEFT_OUT} & set(path.relative_to(OURS).parts):
            continue
        for name in _named(ast.parse(path.read_bytes())):
            top, _, rest = name.partition(".")
            if top == OURS.name:
                assert rest.partition(".")[0] not in LEFT_OUT, f"{path} imports {name}, which is not in the root"
            elif top not in sys.stdlib_module_names:
                yield path, top


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_root_is_made_of_the_packages_that_its_lists_name_and_no_others() -> None:
    lock = parse_lock((SOURCES / "root.lock").read_text())
    assert [package.name for package in lock] == sorted({*PACKAGES, *ENGINES})


def test_a_container_has_beside_them_what_its_list_names() -> None:
    lock = parse_lock((SOURCES / "container.lock").read_text())
    assert [package.name for package in lock] == sorted(CONTAINER)


def test_kernel_stub_and_tools_are_locked() -> None:
    lock = parse_lock((SOURCES / "build.lock").read_text())
    strip = "binutils"  # comes with the compiler
    assert {KERNEL, STUB, *TOOLS, strip} <= {package.name for package in lock}


def _package(name: str, *files: str, needs: str = "", kind: str = "sha256") -> str:
    wheels = ", ".join(
        f'{{ url = "https://index.example/{name}-1.0-{tags}.whl", hash = "{kind}:{number:064x}", size = 7 }}'
        for number, tags in enumerate(files)
    )
    return f'[[package]]\nname = "{name}"\nversion = "1.0"\ndependencies = [{needs}]\nwheels = [{wheels}]\n'


def _lock(*packages: str, version: int = 1) -> str:
    return f"version = {version}\n" + "".join(packages)


FITS: Final = "py3-none-any"


def test_of_several_wheels_the_one_for_the_roots_python_is_taken() -> None:
    files = ("cp312-cp312-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_17_aarch64", FITS)
    best = "cp311-cp311-manylinux_2_17_x86_64"
    (wheel,) = wheels_of(_lock(_package("one", *files, best)), ("one",))
    assert (wheel.filename, wheel.sha256, wheel.limit) == (f"one-1.0-{best}.whl", f"{3:064x}", 7)


def test_what_a_package_needs_comes_with_it_and_what_only_others_need_does_not() -> None:
    here = '{ name = "two" }, { name = "three", marker = "sys_platform == \'win32\'" }'
    lock = _lock(_package("one", FITS, needs=here), *(_package(name, FITS) for name in ("two", "three", "four")))
    assert [wheel.filename[:3] for wheel in wheels_of(lock, ("one",))] == ["one", "two"]


def test_of_two_locked_versions_the_one_for_the_roots_python_is_taken() -> None:
    markers = ("python_full_version < '3.12'", "python_full_version >= '3.12'")
    old, new = (f'{_package("one", FITS)}resolution-markers = ["{marker}"]\n' for marker in markers)
    new = new.replace("1.0", "2.0")
    assert [wheel.filename for wheel in wheels_of(_lock(new, old), ("one",))] == [f"one-1.0-{FITS}.whl"]


@pytest.mark.parametrize(
    "lock",
    [
        "version = ",
        _lock(_package("one", FITS), version=2),
        _lock(_package("other", FITS)),
        _lock(_package("one", FITS), _package("one", FITS)),
        _lock(_package("one", "cp312-cp312-manylinux_2_17_x86_64")),
        _lock(_package("one", FITS, kind="md5")),
        _lock(_package("one", FITS, needs='{ name = "two" }')),
        _lock(_package("one", FITS, needs='{ name = "two", extra = ["c"] }'), _package("two", FITS)),
    ],
    ids=[
        "no TOML",
        "other version",
        "lacks it",
        "twice",
        "no wheel",
        "other hash",
        "lacks a need",
        "part of another",
    ],
)
def test_a_lock_that_does_not_say_one_thing_is_refused(lock: str) -> None:
    with pytest.raises(BadLock):
        wheels_of(lock, ("one",))
