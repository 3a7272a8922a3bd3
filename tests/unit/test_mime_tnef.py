"""Files in TNEF (STORE-52c)."""

import base64
import time

import pytest
from hypothesis import example, given, strategies as st

from moxlite.proto.mime import decode_structure, encode_structure, scan
from moxlite.proto.mime.decode import decode
from moxlite.proto.mime.text import decode_part, reader_of
from moxlite.proto.mime.tnef import tnef_content, wrapped_content
from moxlite.proto.mime.types import Part
from tests.tnef import SIGNATURE, attribute, mail, packed_rtf, properties, tnef

NAME = st.text(
    st.characters(codec="utf-8", categories=("L", "N"), include_characters=" .-_'()"), min_size=1, max_size=40
)


def files_of(octets: bytes) -> list[tuple[str, str, bytes]]:
    """Names, types and octets of the files in a mail with TNEF."""
    data = mail(octets)
    root = scan(data).root.wrapped
    assert root is not None
    return [(part.filename, part.media_type, whole(part, data)) for part in root.parts]


def whole(part: Part, data: bytes) -> bytes:
    return decode(reader_of(part, lambda start, end: data[start:end])(part.body, part.end), part.encoding)


@given(st.lists(st.tuples(NAME, st.binary(max_size=300)), min_size=1, max_size=5), st.booleans())
def test_files_have_their_names_and_octets(files: list[tuple[str, bytes]], by_properties: bool) -> None:
    """STORE-52c: whichever of its two ways TNEF has them in."""
    made = [(name.strip() or "x", octets) for name, octets in files]
    found = files_of(tnef(made, by_properties=by_properties))
    assert [(name, octets) for name, _, octets in found] == made


def test_types_and_ids_of_files() -> None:
    """STORE-52c: as TNEF says, else by the extension."""
    octets = SIGNATURE + attribute(2, 0x69002, b"") + attribute(2, 0x18010, b"SHORT~1.PNG\0")
    octets += attribute(
        2, 0x69005, properties({0x3707: "Bild ü.png", 0x370E: "image/png", 0x3712: "a@x", 0x3701: b"PNG"})
    )
    octets += attribute(2, 0x69002, b"") + attribute(2, 0x18010, b"a.pdf\0") + attribute(2, 0x6800F, b"%PDF")
    octets += attribute(2, 0x69002, b"") + attribute(2, 0x69005, properties({0x370E: "message/rfc822", 0x3701: b"M"}))
    assert files_of(octets) == [
        ("Bild ü.png", "image/png", b"PNG"),
        ("a.pdf", "application/pdf", b"%PDF"),
        ("", "application/octet-stream", b"M"),
    ]
    root = scan(mail(octets)).root.wrapped
    assert root is not None
    assert [part.content_id for part in root.parts] == [b"<a@x>", None, None]


def test_formatted_text_is_a_file() -> None:
    """STORE-52c: compressed, and as it is."""
    text = rb"{\rtf1\ansi Gr\'fc\'dfe, Gr\'fc\'dfe, Gr\'fc\'dfe\par }"
    for packed in (packed_rtf(text), packed_rtf(text, compress=False)):
        octets = SIGNATURE + attribute(1, 0x69003, properties({0x1009: packed}))
        assert files_of(octets) == [("message.rtf", "application/rtf", text)]
    cut = packed_rtf(text)[:-20]
    [(_, _, found)] = files_of(SIGNATURE + attribute(1, 0x69003, properties({0x1009: cut})))
    assert text.startswith(found)


def test_the_entity_of_some_octets_is_always_the_same() -> None:
    """STORE-52c: places in it are stored, so that a change here has to raise PARSE_VERSION."""
    assert tnef_content(tnef([("ü.pdf", b"x" * 60)])) == (
        b"Content-Type: multipart/mixed; boundary=winmail\r\n\r\n--winmail\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(b"x" * 60)[:76]
        + b"\r\n"
        + base64.b64encode(b"x" * 60)[76:]
        + b"\r\n--winmail--\r\n"
    )


@given(st.binary(max_size=400), st.integers(0, 200), st.integers(0, 200))
@example(b"", 0, 200)
def test_damage_gives_fewer_files_or_none(damage: bytes, at: int, after: int) -> None:
    """STORE-52c: never an error."""
    octets = tnef([("a.txt", b"abc"), ("b.txt", b"x" * 50)])
    octets = octets[:at] + damage + octets[after:]
    found = wrapped_content(octets)
    assert found is None or scan(found).root.parts
    data = mail(octets)
    structure = scan(data)
    assert decode_structure(encode_structure(structure)) == structure
    for part in structure.root.walk():
        decode_part(part, lambda start, end: data[start:end], 1000)


@pytest.mark.parametrize(
    "octets",
    [
        SIGNATURE + attribute(2, 0x69002, b"") * 500_000,
        SIGNATURE + attribute(1, 0x69003, b"\xff\xff\xff\x7f\x02\x10\0\0\xff\xff\xff\x7f" + bytes(3_000_000)),
        SIGNATURE + attribute(1, 0x69003, properties({0x1009: packed_rtf(b"a" * 17)[:16] + b"\xff\x00\x00" * 900_000})),
        SIGNATURE + (attribute(2, 0x69002, b"") + attribute(2, 0x6800F, b"x" * 10)) * 100_000,
    ],
)  # fmt: skip
def test_hostile_data_costs_little(octets: bytes) -> None:
    """STORE-52c, STORE-152: linear, without recursion. Processor time; the bound is ten times what it takes."""
    before = time.process_time()
    wrapped_content(octets)
    assert time.process_time() - before < 10
