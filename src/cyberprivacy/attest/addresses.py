"""Addresses in documents, each in the one spelling that its checksum allows. Source: EIP-55."""

import re
from typing import Final

from eth_utils.address import is_checksum_address

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.proposal.release import Address

_FORM: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def address(document: Document, name: str) -> Address:
    """A field that is an address.

    Raises:
        BadDocument: it is none, or its checksum says that a character is wrong.
    """
    return _checked(document.text(name, _FORM), name)


def addresses(document: Document, name: str, *, limit: int) -> frozenset[Address]:
    """A field that is a list of at most `limit` of them.

    Raises:
        BadDocument: as `address`.
    """
    return frozenset(_checked(each, name) for each in document.texts(name, _FORM, limit=limit))


def _checked(text: str, name: str) -> Address:
    if not is_checksum_address(text):
        raise BadDocument(f"{name} does not have its checksum (EIP-55)", got=text)
    return Address(text)
