"""What is said of the next image is believed only as far as it adds up."""

import json
from typing import Any

import pytest
from paper import image

from cyberprivacy.privacy_os.image import measurements
from cyberprivacy.privacy_os.measuring import register, steps
from cyberprivacy.privacy_os.pe import Program
from cyberprivacy.privacy_os.upgrade import BadUpgrade, Image, version_of

VERSIONED = image().replace(b"privacy.root=x quiet", b"privacy.version=2 qu")


def _said(**changed: Any) -> bytes:
    return json.dumps(measurements(VERSIONED) | changed).encode()


def test_what_an_image_measures_is_read_back() -> None:
    """Register 11 without its last step: as it is while the disk can be opened."""
    read = Image.parse(_said())
    said = measurements(VERSIONED)
    assert (read.version, read.measurement.hex()) == (2, said["measurement"])
    before = [step for step in steps(Program(VERSIONED)) if step.register == 11][:-1]
    assert read.register == register(11, before)


def test_parts_of_two_images_do_not_add_up() -> None:
    other = measurements(VERSIONED.replace(b"kernel", b"lenrek", 1))
    for part in ("sections", "pcr", "measurement"):
        assert other[part] != measurements(VERSIONED)[part]
        with pytest.raises(BadUpgrade):
            Image.parse(_said(**{part: other[part]}))


def test_a_version_that_was_not_measured_is_refused() -> None:
    with pytest.raises(BadUpgrade):
        Image.parse(_said(command_line="privacy.version=3 qu"))


def test_a_section_that_the_stub_does_not_measure_is_refused() -> None:
    sections = measurements(VERSIONED)["sections"]
    assert isinstance(sections, dict)
    with pytest.raises(BadUpgrade):
        Image.parse(_said(sections={**sections, ".other": "00" * 32}))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 9999, b"{" + b" " * 70_000 + b"}"])
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(BadUpgrade):
        Image.parse(data)


def test_an_image_says_one_version() -> None:
    assert version_of("privacy.root=x privacy.version=12 quiet") == 12
    for line in ("quiet", "privacy.version=0", "privacy.version=1 privacy.version=2", "xprivacy.version=1"):
        with pytest.raises(BadUpgrade):
            version_of(line)
