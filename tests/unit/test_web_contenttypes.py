"""Content types of files."""

import pytest
from hypothesis import given, strategies as st

from moxlite.web.handlers.contenttypes import content_type


@pytest.mark.parametrize(
    ("name", "first", "expected"),
    [
        ("index.html", b"", "text/html; charset=utf-8"),
        ("STYLE.CSS", b"", "text/css; charset=utf-8"),
        ("a.js", b"", "text/javascript; charset=utf-8"),
        ("a.json", b"", "application/json; charset=utf-8"),
        ("a.svg", b"", "image/svg+xml; charset=utf-8"),
        ("a.png", b"", "image/png"),
        ("a.woff2", b"", "font/woff2"),
        ("a.tar.gz", b"", "application/gzip"),
        ("a.css.br", b"", "application/octet-stream"),
        ("notes.md", b"", "text/plain; charset=utf-8"),
        ("run.sh", b"#!/bin/sh\n", "text/plain; charset=utf-8"),
        ("program.ts", b"let a: number", "text/plain; charset=utf-8"),
        ("README", "grün".encode(), "text/plain; charset=utf-8"),
        ("README", b"", "text/plain; charset=utf-8"),
        ("core", b"\x7fELF\x02\x00", "application/octet-stream"),
        ("latin", "grün".encode("latin-1"), "application/octet-stream"),
        ("", b"%PDF-1.7\n", "application/pdf"),
        ("scan", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        ("", b"PK\x03\x04\x14\0", "application/zip"),
        ("page", b"<!DOCTYPE html><script>", "text/plain; charset=utf-8"),
        (".png", b"\x89PNG\r\n\x1a\n\0", "image/png"),
    ],
)
def test_the_type_is_known_by_name_else_by_content(name: str, first: bytes, expected: str) -> None:
    """WEB-37."""
    assert content_type(name, first) == expected


def test_a_character_cut_at_the_end_is_no_sign_of_binary_data() -> None:
    """WEB-37."""
    assert content_type("x", b"a" * 511 + "ü".encode()) == "text/plain; charset=utf-8"


@given(st.text(), st.binary(max_size=600))
def test_every_file_has_a_type_that_fits_a_header_field(name: str, first: bytes) -> None:
    """WEB-37, WEB-135."""
    kind = content_type(name, first)
    assert kind.isascii()
    assert kind.isprintable()
