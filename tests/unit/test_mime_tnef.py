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
from tests.memory import peak
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


OBJECT = bytes.fromhex("0703020000000000C000000000000046")


def message(more: dict[str, str | bytes] | None = None, *, nested: bytes = b"", **fields: str | bytes) -> bytes:
    """TNEF of a message with a text, and with an attached message."""
    names = {"subject": 0x37, "sender": 0xC1A, "address": 0xC1F, "plain": 0x1000, "html": 0x1013, "rtf": 0x1009}
    octets = SIGNATURE + attribute(1, 0x69007, (1252).to_bytes(8, "little"))
    octets += attribute(
        1, 0x69003, properties({names[name]: value for name, value in {**(more or {}), **fields}.items()})
    )
    if nested:
        octets += attribute(2, 0x69002, b"") + attribute(2, 0x6800F, b"MAPI 1.0 embedded message")
        octets += attribute(2, 0x69005, attached_object(OBJECT + nested))
    return octets


def attached_object(content: bytes) -> bytes:
    """MAPI properties of a file that is an object, and its name."""
    made = properties({0x3001: "Plan", 0x3701: content})
    return made.replace((0x3701 << 16 | 0x102).to_bytes(4, "little"), (0x3701 << 16 | 0x0D).to_bytes(4, "little"))


def texts_of(octets: bytes) -> list[tuple[str, str]]:
    data = mail(octets)
    root = scan(data).root.wrapped
    assert root is not None
    return [(part.media_type, whole(part, data).decode(errors="replace")) for part in root.parts]


HTML = "<p>Zoë</p>"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"html": HTML.encode("cp1252"), "plain": "Zoë"}, [("text/html", HTML)]),
        ({"html": HTML, "rtf": packed_rtf(rb"{\rtf1 Zo\'eb}")}, [("text/html", HTML)]),
        ({"plain": "Zoë"}, [("text/plain", "Zoë")]),
        ({"plain": "Zoë", "rtf": packed_rtf(b"{}")}, [("text/plain", "Zoë"), ("application/rtf", "{}")]),
    ],
)
def test_the_text_is_shown_in_its_richest_form(fields: dict[str, str | bytes], shown: list[tuple[str, str]]) -> None:
    """STORE-52c: HTML in the message's charset, else plain text beside RTF."""
    assert texts_of(message(fields)) == shown


def test_the_whole_stream_is_a_file_if_something_in_it_is_not() -> None:
    """STORE-52c: so that no text or file is out of reach."""
    octets = message(plain="Hello") + attribute(2, 0x69002, b"")
    assert [kind for kind, _ in texts_of(octets)] == ["text/plain", "application/octet-stream"]
    for odd in (octets[:-1], message(plain="Hello", rtf=b"x" * 20), octets + attribute(2, 0x69002, b"") * 300):
        data = mail(odd)
        root = scan(data).root.wrapped
        assert root is not None
        last = root.parts[-1]
        assert (last.media_type, last.filename, whole(last, data)) == ("application/ms-tnef", "winmail.dat", odd)


def test_an_attached_message_is_a_message() -> None:
    """STORE-52c: with its text and files. Those within it stay files."""
    inner = message(
        nested=message(plain="deep"), subject="Plan\r\nBcc: x", sender='Z"oë', address="z@a.example", plain="in"
    )
    data = mail(message(nested=inner, plain="out"))
    root = scan(data).root.wrapped
    assert root is not None
    [text, attached] = root.parts
    assert (text.media_type, attached.media_type, attached.filename) == ("text/plain", "message/rfc822", "Plan")
    assert attached.message is not None
    envelope = attached.message.envelope
    assert (envelope.subject, [(one.name, one.localpart) for one in envelope.from_]) == ("Plan Bcc: x", [("Zoë", "z")])
    kinds = [part.media_type for part in attached.message.root.parts]
    assert kinds == ["text/plain", "application/ms-tnef"]


@given(st.binary(max_size=200), st.integers(0, 600), st.integers(0, 600))
def test_damaged_texts_and_messages_raise_nothing(damage: bytes, at: int, after: int) -> None:
    """STORE-52c: the structure can be stored, and each part read."""
    octets = message(nested=message(plain="in", html=b"<p>"), plain="out", rtf=packed_rtf(b"{}"), subject="s")
    data = mail(octets[:at] + damage + octets[after:])
    structure = scan(data)
    assert decode_structure(encode_structure(structure)) == structure
    for part in structure.root.walk():
        decode_part(part, lambda start, end: data[start:end], 1000)


def test_hostile_messages_take_little_room() -> None:
    """STORE-52c, STORE-152: of messages in a message, each with RTF that is small packed, and of a long text."""
    rtf = packed_rtf(b"a" * 3_000_000)
    file = attribute(2, 0x69002, b"") + attribute(2, 0x69005, attached_object(OBJECT + message(rtf=rtf)))
    octets = message(plain="x") + file * 20
    assert len(octets) < 9_000_000
    assert peak(lambda: wrapped_content(octets)) < 6 * len(octets) + (24 << 20)
    kinds = [kind for kind, _ in texts_of(message(html=b"x" * (5 << 20)) + file)]
    assert kinds == ["message/rfc822", "application/ms-tnef"]
