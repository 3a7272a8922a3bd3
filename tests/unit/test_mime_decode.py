"""Transfer encodings."""

import base64
import quopri
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given, strategies as st

from moxlite.proto.mime import decode as module
from moxlite.proto.mime.decode import (
    BLOCK,
    MAX_BLANKS,
    base64_size,
    decode,
    decode_blocks,
    decode_range,
    decoder,
    is_known_encoding,
)
from moxlite.proto.mime.words import decode_words


@pytest.mark.parametrize(
    ("encoded", "content"),
    [
        (b"QUJD", b"ABC"),
        (b"QUI=", b"AB"),
        (b"QUI", b"AB"),
        (b"QQ==", b"A"),
        (b"QQ", b"A"),
        (b"Q", b""),
        (b"QUJDQ", b"ABC"),
        (b"Q U\r\nJ!D", b"ABC"),
        (b"=QUJD", b"ABC"),
        (b"QUJD====QUJD", b"ABCABC"),
        (b"QUI=QUJD", b"ABABC"),
        (b"QQ==\r\nQUI=\r\nQUJD", b"AABABC"),
        (b"Q=UJD", b"ABC"),
        (b"", b""),
    ],
)
def test_base64_is_read_leniently(encoded: bytes, content: bytes) -> None:
    """IMAP-100"""
    assert decode(encoded, "BASE64") == content


@pytest.mark.parametrize(
    ("encoded", "content"),
    [
        (b"a=3Db", b"a=b"),
        (b"a=3db", b"a=b"),
        (b"a=\r\nb", b"ab"),
        (b"a=\nb", b"ab"),
        (b"a= \t\r\nb", b"ab"),
        (b"a \t\r\nb \n", b"a\r\nb\n"),
        (b"a=20\r\n", b"a \r\n"),
        (b"a=", b"a"),
        (b"a= ", b"a"),
        (b"a ", b"a"),
        (b"a=4", b"a=4"),
        (b"a==41", b"a=A"),
        (b"a===", b"a=="),
        (b"a=XYb", b"a=XYb"),
        (b"a=\rb\nc", b"a=\rb\nc"),
        (b"\xc3\xbc\x00", b"\xc3\xbc\x00"),
        (b" \r\n", b"\r\n"),
    ],
)
def test_quoted_printable_is_read_leniently(encoded: bytes, content: bytes) -> None:
    """IMAP-100"""
    assert decode(encoded, "QUOTED-PRINTABLE") == content
    assert b"".join(decode_blocks([encoded[:1], encoded[1:]], "QUOTED-PRINTABLE")) == content


@pytest.mark.parametrize("encoding", ["7BIT", "8BIT", "BINARY", "X-ODD", ""])
def test_other_encodings_leave_content_as_it_is(encoding: str) -> None:
    """IMAP-100"""
    assert decode(b"=41\0QUJD", encoding) == b"=41\0QUJD"
    assert is_known_encoding(encoding) is (encoding != "X-ODD")


def test_a_very_long_run_of_blanks_is_content() -> None:
    """IMAP-100"""
    for size, kept in ((MAX_BLANKS, 0), (MAX_BLANKS + 1, MAX_BLANKS + 1), (3 * MAX_BLANKS, 3 * MAX_BLANKS)):
        data = b"a" + b" " * size + b"\r\nb"
        expected = b"a" + b" " * kept + b"\r\nb"
        assert decode(data, "QUOTED-PRINTABLE") == expected
        assert (
            b"".join(decode_blocks(split(data, [1, 2, MAX_BLANKS // 2, size, size + 2]), "QUOTED-PRINTABLE"))
            == expected
        )


def split(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for cut in sorted(cuts):
        if at < cut <= len(data):
            yield data[at:cut]
            at = cut
    yield data[at:]


ENCODED = st.lists(
    st.sampled_from(
        [b"=", b"=3D", b"4", b"1", b"a", b" ", b"\t", b"\r", b"\n", b"\r\n", b"QUJD", b"Q", b"==", b"!", b"\xff"]
    ),
    max_size=40,
).map(b"".join)


@example(b"a=\r \nb", [4], "QUOTED-PRINTABLE")
@given(ENCODED, st.lists(st.integers(0, 80)), st.sampled_from(["BASE64", "QUOTED-PRINTABLE", "7BIT"]))
def test_decoding_does_not_depend_on_how_the_input_is_split(data: bytes, cuts: list[int], encoding: str) -> None:
    """IMAP-100"""
    undo = decoder(encoding)
    out = b"".join([undo.feed(block) for block in split(data, cuts)]) + undo.finish()
    assert out == decode(data, encoding)


@given(ENCODED, st.lists(st.integers(0, 80)))
def test_runs_of_blanks_over_the_bound_do_not_depend_on_the_split_either(data: bytes, cuts: list[int]) -> None:
    """IMAP-100"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_BLANKS", 3)
        assert b"".join(decode_blocks(split(data, cuts), "QUOTED-PRINTABLE")) == decode(data, "QUOTED-PRINTABLE")


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=20))
def test_a_file_encoded_in_several_runs_is_whole(pieces: list[bytes]) -> None:
    """IMAP-100: programs that encode piece by piece pad each one, and lists put their footer below."""
    encoded = b"".join(map(base64.encodebytes, pieces))
    assert decode(encoded, "BASE64") == b"".join(pieces)
    assert decode_words(b"=?utf-8?b?%b?=" % encoded.replace(b"\n", b"")) == decode_words(
        b"=?utf-8?b?%b?=" % base64.b64encode(b"".join(pieces))
    )


@given(ENCODED, st.lists(st.integers(0, 80)))
def test_the_size_of_base64_is_known_without_decoding(data: bytes, cuts: list[int]) -> None:
    """IMAP-100"""
    size = base64_size(split(data, cuts))
    assert size is None or size == len(decode(data, "BASE64"))
    assert base64_size([data.replace(b"=", b""), b"=="]) is not None


@given(st.binary(max_size=300))
def test_what_the_standard_library_encodes_is_decoded(content: bytes) -> None:
    """IMAP-100"""
    assert decode(base64.encodebytes(content), "BASE64") == content
    lines = content.replace(b"\r", b"")  # quopri drops a CR at the end of a line
    assert decode(quopri.encodestring(lines, quotetabs=True), "QUOTED-PRINTABLE") == lines


@given(st.binary(max_size=200), st.integers(0, 250), st.integers(0, 250), st.integers(1, 50))
def test_a_range_counts_decoded_octets(content: bytes, offset: int, length: int, size: int) -> None:
    """IMAP-99"""
    encoded = base64.encodebytes(content)
    blocks = [encoded[at : at + size] for at in range(0, len(encoded), size)]
    assert b"".join(decode_range(blocks, "BASE64", offset, length)) == content[offset : offset + length]


def test_a_range_reads_no_more_than_it_needs() -> None:
    """IMAP-99"""

    def blocks() -> Iterator[bytes]:
        yield b"QUJD" * 4
        raise AssertionError("read too much")

    assert b"".join(decode_range(blocks(), "BASE64", 1, 4)) == b"BCAB"


def test_large_blocks_are_decoded_in_slices() -> None:
    """IMAP-100"""
    content = bytes(range(256)) * 5000
    pieces = list(decode_blocks([base64.b64encode(content)], "BASE64"))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= BLOCK


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("BASE64", b"A="), ("BASE64", b"AAAA=="), ("QUOTED-PRINTABLE", b"= "), ("QUOTED-PRINTABLE", b" \n")],
)
def test_decoding_is_linear(encoding: str, data: bytes) -> None:
    """STORE-152. Processor time of this process: the bound is a hundred times what it takes."""
    before = time.process_time()
    decode(data * (2_000_000 // len(data)), encoding)
    assert time.process_time() - before < 10
