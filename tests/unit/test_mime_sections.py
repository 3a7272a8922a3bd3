"""Section numbers of IMAP."""

import pytest

from moxlite.proto.mime import scan
from moxlite.proto.mime.sections import Kind, Section, find_part, find_section


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


NESTED = crlf(
    "Subject: top\nContent-Type: multipart/mixed; boundary=o\n\n--o\nX: 1\n\none\n--o\nX: 2\n"
    "Content-Type: message/rfc822\n\n"
    "Subject: two\nContent-Type: multipart/mixed; boundary=i\n\n--i\nX: 2.1\n\ntwo-one\n--i--\n\n"
    "--o\nX: 3\nContent-Type: message/rfc822\n\n"
    "Subject: three\n\nthree-text\n--o\nX: 4\nContent-Type: multipart/mixed; boundary=j\n\n--j\n\n"
    "four-one\n--j--\n\n--o--\n"
)
SINGLE = crlf("Subject: s\nContent-Type: text/plain;\n format=flowed\n\nbody\n")


def octets(message: bytes, numbers: list[int], kind: Kind) -> bytes | None:
    section = find_section(scan(message), numbers, kind)
    return None if section is None else message[section.start : section.end]


@pytest.mark.parametrize(
    ("numbers", "kind", "expected"),
    [
        ([1], "", "one"),
        ([1], "MIME", "X: 1\n\n"),
        ([1], "HEADER", None),
        ([1], "TEXT", None),
        ([1, 1], "", None),
        ([2], "MIME", "X: 2\nContent-Type: message/rfc822\n\n"),
        ([2], "HEADER", "Subject: two\nContent-Type: multipart/mixed; boundary=i\n\n"),
        ([2], "TEXT", "--i\nX: 2.1\n\ntwo-one\n--i--\n"),
        ([2, 1], "", "two-one"),
        ([2, 1], "MIME", "X: 2.1\n\n"),
        ([2, 2], "", None),
        ([2, 1, 1], "", None),
        ([3], "HEADER", "Subject: three\n\n"),
        ([3], "TEXT", "three-text"),
        ([3, 1], "", "three-text"),
        ([3, 1, 1], "", None),
        ([4], "", "--j\n\nfour-one\n--j--\n"),
        ([4], "TEXT", None),
        ([4, 1], "", "four-one"),
        ([0], "", None),
        ([5], "", None),
        ([], "HEADER", "Subject: top\nContent-Type: multipart/mixed; boundary=o\n\n"),
        ([], "MIME", None),
    ],
)
def test_numbers_name_parts(numbers: list[int], kind: Kind, expected: str | None) -> None:
    """IMAP-97"""
    assert octets(NESTED, numbers, kind) == (None if expected is None else crlf(expected))


def test_a_whole_embedded_message_is_its_parts_number() -> None:
    """IMAP-97"""
    assert octets(NESTED, [3], "") == crlf("Subject: three\n\nthree-text")


def test_no_number_is_the_whole_message() -> None:
    """IMAP-97"""
    assert octets(NESTED, [], "") == NESTED
    assert (octets(NESTED, [], "TEXT") or b"").startswith(b"--o\r\nX: 1")
    assert octets(SINGLE, [], "TEXT") == b"body\r\n"


def test_number_one_of_a_message_without_multipart_is_its_body() -> None:
    """IMAP-97, IMAP-98"""
    assert octets(SINGLE, [1], "") == b"body\r\n"
    assert octets(SINGLE, [2], "") is None
    section = find_section(scan(SINGLE), [1], "MIME")
    assert section == Section(0, SINGLE.index(b"body"), content_fields=True)
    inner = find_section(scan(NESTED), [3, 1], "MIME")
    assert inner is not None
    assert inner.content_fields


def test_a_message_that_is_only_an_embedded_message_is_numbered_from_one() -> None:
    """IMAP-97"""
    message = crlf("Content-Type: message/rfc822\n\nSubject: in\n\nx\n")
    assert octets(message, [1], "") == crlf("Subject: in\n\nx\n")
    assert octets(message, [1], "HEADER") == crlf("Subject: in\n\n")
    assert octets(message, [1, 1], "") == crlf("x\n")


def test_sections_count_the_prefix() -> None:
    """IMAP-97, STORE-50"""
    prefix = b"Received: x\r\n"
    structure = scan(SINGLE).with_prefix(prefix)
    message = prefix + SINGLE
    header = find_section(structure, [], "HEADER")
    assert header is not None
    assert message[header.start : header.end] == message[: message.index(b"body")]
    part = find_part(structure, [1])
    assert part is structure.root
    assert message[part.body : part.end] == b"body\r\n"
