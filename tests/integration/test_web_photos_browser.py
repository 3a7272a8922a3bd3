"""Photos that say where they were taken are sent without it, in a real browser (WEBMAIL-97a): each kind of file, in
cards and in the text. What arrives is compared by octets, and by the pixels that the browser shows.
"""

import base64
import imaplib
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_compose_browser import Writer, imap, until, write, writer
from tests.integration.test_web_rich_browser import begin, html_of, paste

__all__ = ["chromium", "imap", "writer"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

LATITUDE: Final = (52, 1, 31, 1, 1234567, 100000)
LONGITUDE: Final = (13, 1, 24, 1, 7654321, 100000)
COORDINATES: Final = (b"52,31.2057", b"13,25.2757", b"+52.5201+013.4210")
"""As XMP and films have them."""

XMP: Final = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="52,31.2057N" exif:ISO="100">
<exif:GPSLongitude>13,25.2757E</exif:GPSLongitude><exif:Artist>Ann</exif:Artist></rdf:Description></rdf:RDF></x:xmpmeta>"""
FILM: Final = b"\0\0\0\x10ftypmp42\0\0\0\0" + b"\0\0\0\x1e\xa9xyz\0\x12\x15\xc7+52.5201+013.4210/"

GPS: Final = 0x8825
OFFER: Final = "This photo says where it was taken"

Entry = tuple[int, int, int, bytes]


def directory(order: str, at: int, entries: list[Entry], following: int) -> bytes:
    """A directory of Exif data at this offset, with the values that have no room in it behind it."""
    head, values = struct.pack(f"{order}H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack(f"{order}I", behind + len(values))
            values += value
        head += struct.pack(f"{order}HHI", tag, kind, count) + place
    return head + struct.pack(f"{order}I", following) + values


def exif(order: str, coordinates: bool = True) -> bytes:
    """Exif data with a camera, a turned picture, a GPS directory, and a second directory."""
    gps: list[Entry] = [(0, 1, 4, b"\2\3\0\0")]
    if coordinates:
        values = {2: LATITUDE, 4: LONGITUDE}
        places = {tag: struct.pack(f"{order}6I", *value) for tag, value in values.items()}
        gps += [(1, 2, 2, b"N\0"), (2, 5, 3, places[2]), (3, 2, 2, b"E\0"), (4, 5, 3, places[4])]
    first: list[Entry] = [(0x10F, 2, 12, b"Acme camera\0"), (0x112, 3, 1, struct.pack(f"{order}H", 1))]
    pointers = [(GPS, 4, 1, b"\0" * 4), (0x9000, 2, 12, b"other value\0")]
    at = 8 + len(directory(order, 8, [*first, *pointers], 0))
    second = at + len(directory(order, at, gps, 0))
    pointers[0] = (GPS, 4, 1, struct.pack(f"{order}I", at))
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    start += directory(order, 8, [*first, *pointers], second) + directory(order, at, gps, 0)
    return start + directory(order, second, [(0x103, 3, 1, struct.pack(f"{order}H", 6))], 0)


def tags(data: bytes) -> list[list[int]]:
    """The tags of each directory of Exif data, read independently of what the page does."""
    order = "<" if data[:2] == b"II" else ">"
    found = []
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    while at:
        (count,) = struct.unpack_from(f"{order}H", data, at)
        found.append([struct.unpack_from(f"{order}H", data, at + 2 + 12 * index)[0] for index in range(count)])
        (at,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)
    return found


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(png: bytes) -> Iterator[bytes]:
    """The chunks of a PNG file; their checksums are right."""
    at = 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        assert zlib.crc32(png[at + 4 : at + 8 + size]) == struct.unpack_from(">I", png, at + 8 + size)[0]
        yield png[at + 4 : at + 8 + size]
        at += 12 + size


def picture(page: Page, kind: str) -> bytes:
    """A small picture as the browser writes it."""
    script = """async (type) => {
      const canvas = new OffscreenCanvas(24, 16);
      const context = canvas.getContext("2d");
      for (let x = 0; x < 24; x++) {
        context.fillStyle = `rgb(${x * 10},${255 - x * 9},90)`;
        context.fillRect(x, 0, 1, 16);
      }
      const octets = new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer());
      return btoa(String.fromCharCode(...octets));
    }"""
    return base64.b64decode(page.evaluate(script, kind))


def pixels(page: Page, content: bytes) -> list[int]:
    """What the browser shows of a picture."""
    script = """async (text) => {
      const octets = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([octets]));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context.drawImage(bitmap, 0, 0);
      return [bitmap.width, bitmap.height, ...context.getImageData(0, 0, bitmap.width, bitmap.height).data];
    }"""
    found: list[int] = page.evaluate(script, base64.b64encode(content).decode())
    return found


def jpeg(page: Page, data: bytes) -> bytes:
    """A photo with Exif data and an XMP packet, and a film behind it."""
    plain = picture(page, "image/jpeg")
    segments = [b"Exif\0\0" + data, b"http://ns.adobe.com/xap/1.0/\0" + XMP]
    return (
        plain[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments) + plain[2:] + FILM
    )


def png(page: Page, data: bytes) -> bytes:
    plain = picture(page, "image/png")
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    return plain[:33] + chunk(b"eXIf", data) + text + plain[33:]


def webp(page: Page, data: bytes) -> bytes:
    """An extended file (RFC 9649 §2.7), with the flags of Exif and XMP."""
    plain = picture(page, "image/webp")[12:]
    if plain.startswith(b"VP8X"):
        plain = plain[:8] + bytes([plain[8] | 0x0C]) + plain[9:]
    else:
        plain = b"VP8X\x0a\0\0\0\x0c\0\0\0\x17\0\0\x0f\0\0" + plain
    for name, content in ((b"EXIF", data), (b"XMP ", XMP)):
        plain += name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(plain)) + b"WEBP" + plain


def heic(_: Page, data: bytes) -> bytes:
    """A container that the page needn't know: its Exif data has an offset before it, as iPhones write it."""
    item = b"\0\0\0\6Exif\0\0" + data
    return b"\0\0\0\x14ftypheic\0\0\0\0mif1" + struct.pack(">I", len(item) + 8) + b"mdat" + item


def tiff(_: Page, data: bytes) -> bytes:
    """Exif data is a TIFF file itself."""
    return data


PHOTOS: Final = {"jpg": jpeg, "png": png, "webp": webp, "heic": heic, "tif": tiff}
SHOWN: Final = ("jpg", "png", "webp")


def require_no_place(page: Page, kind: str, before: bytes, after: bytes, data: bytes) -> None:
    """Fail unless a photo has nothing of the place, and all else as before."""
    assert len(after) == len(before)
    assert not [one for one in COORDINATES if one in after]
    at = before.index(data)
    assert tags(data) == [[0x10F, 0x112, GPS, 0x9000], [0x103]]
    assert tags(after[at : at + len(data)]) == [[0x10F, 0x112, 0x9000], [0x103]]
    assert b"Acme camera\0" in after
    assert b"other value\0" in after
    for order in "<>":
        for place in (LATITUDE, LONGITUDE):
            assert struct.pack(f"{order}6I", *place) not in after
    changed = [index for index, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    if XMP in before:
        packet = after[before.index(XMP) :][: len(XMP)]
        assert packet.split() == [
            word
            for word in XMP.replace(b"<exif:GPSLongitude>13,25.2757E</exif:GPSLongitude>", b" ").split()
            if b"GPS" not in word
        ]
    within = [(before.index(one), len(one)) for one in (data, XMP, FILM) if one in before]
    if kind == "png":
        assert len([*chunks(after)]) == len([*chunks(before)])
        within = [(start, size + 4) for start, size in within]
    assert [index for index in changed if not any(start <= index < start + size for start, size in within)] == []
    if kind in SHOWN:
        assert pixels(page, after) == pixels(page, before)


def cards(composer: Locator) -> Locator:
    return composer.locator(".file")


@pytest.mark.parametrize("order", ["<", ">"])
def test_photos_are_sent_without_their_places(writer: Writer, imap: imaplib.IMAP4, tmp_path: Path, order: str) -> None:
    """WEBMAIL-97a: of each kind of file; those without coordinates, and other files, are offered nothing."""
    page = writer.page
    data = exif(order)
    photos = {f"boat.{kind}": make(page, data) for kind, make in PHOTOS.items()}
    others = {
        "moon.tif": exif(order, coordinates=False),
        "a.txt": b"Exif\0\0" + data,
        "cut.jpg": b"\xff\xd8\xff" + data[:30],
    }
    for name, content in (photos | others).items():
        (tmp_path / name).write_bytes(content)
    write(page, "Here is the boat.")
    composer = writer.composer()
    composer.locator("input[type=file]").set_input_files([tmp_path / name for name in photos | others])
    offers = composer.locator(".file-place")
    expect(offers).to_have_count(len(photos))
    expect(offers.first).to_contain_text(OFFER)
    page.screenshot(path=tmp_path / "offers.png")
    for left in range(len(photos) - 1, -1, -1):
        offers.first.get_by_role("button", name="Remove location").click()
        expect(offers).to_have_count(left)
        expect(cards(composer).last.get_by_role("button")).to_be_focused()
    expect(composer.locator("progress:visible")).to_have_count(0)
    expect(cards(composer)).to_have_count(len(photos) + len(others))
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    files = {part.get_filename(): part.get_payload(decode=True) for part in arrived.iter_attachments()}
    assert {name: files[name] for name in ("moon.tif", "cut.jpg")} == {
        name: others[name] for name in ("moon.tif", "cut.jpg")
    }
    for name, before in photos.items():
        after = files[name]
        assert isinstance(after, bytes)
        require_no_place(page, name.rpartition(".")[2], before, after, data)
    assert writer.problems == []


def test_a_pasted_photo_is_sent_without_its_place(writer: Writer, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-97a, WEBMAIL-135: by the message or the picture's menu; undo doesn't bring the place back."""
    page = writer.page
    data = exif(">")
    before = png(page, data)
    composer = begin(writer)
    page.keyboard.type("Look: ")
    for _ in range(2):
        paste(page, "image/png", base64.b64encode(before).decode())
    images = composer.locator(".compose-rich img")
    expect(images).to_have_count(2)
    images.first.click()
    page.get_by_role("menuitem", name="Small", exact=True).click()  # what undo brings back is noted
    toasts = page.locator(".toast", has_text=OFFER)
    expect(toasts).to_have_count(2)
    source = images.last.get_attribute("src") or ""
    toasts.last.get_by_role("button", name="Remove location").click()
    expect(images.last).not_to_have_attribute("src", source)
    source = images.first.get_attribute("src") or ""
    images.first.click()
    page.get_by_role("menuitem", name="Remove location").click()
    expect(images.first).not_to_have_attribute("src", source)
    shown = [image.get_attribute("src") for image in images.all()]
    composer.get_by_role("button", name="Undo", exact=True).click()
    expect(images.first).not_to_have_attribute("width", re.compile(r"\d"))
    assert [image.get_attribute("src") for image in images.all()] == shown
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0)
    [arrived] = until(imap, "INBOX", 1)
    assert html_of(arrived).count("cid:") == 2
    pictures = [part.get_payload(decode=True) for part in arrived.walk() if part.get_content_type() == "image/png"]
    assert len(pictures) == 2
    for after in pictures:
        assert isinstance(after, bytes)
        require_no_place(page, "png", before, after, data)
