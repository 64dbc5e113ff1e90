"""An image, made once from the locks, and a desk. Minutes long: `make test-os`."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from machines import Desk, cyberprivacy

from cyberprivacy.cli.privacy_os import CACHE
from cyberprivacy.testing.tpm import FakeVendor


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image; OS_IMAGE=DIR takes one that is made."""
    if made := os.environ.get("OS_IMAGE"):
        return Path(made).resolve()
    folder = tmp_path_factory.mktemp("image")
    cyberprivacy("os", "build", "--to", folder, "--cache", CACHE)
    return folder


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    vendor = FakeVendor.new(marked=False)
    (folder / "vendor.pem").write_bytes(vendor.root.public_bytes(Encoding.PEM))
    (folder / "issuer.pem").write_bytes(vendor.issuer.public_bytes(Encoding.PEM))
    made = cyberprivacy("tpm", "authority", folder / "authority", "--name", "Somebody who has seen it")
    return Desk(folder, vendor, str(made["root"]))
