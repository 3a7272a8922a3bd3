"""The messages of fixtures/mime/odd and fixtures/mime/cpython have the forms of their reviewed pages."""

import random
from pathlib import Path

import pytest

from moxlite.proto.mime import scan
from tests.mime_corpus import corpus, load, page


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_a_message_has_the_forms_of_its_page(path: Path) -> None:
    """IMAP-97, IMAP-98, IMAP-102, IMAP-103, IMAP-104, IMAP-179"""
    assert page(load(path)) == path.with_suffix(".forms").read_bytes()


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_a_message_cut_anywhere_is_still_read(path: Path) -> None:
    """IMAP-104, IMAP-147"""
    data = load(path)
    for at in random.Random(path.stem).sample(range(len(data)), min(20, len(data))):
        assert scan(data[:at]).size == at
        page(data[:at])
