"""Photos of cards (RFC 6350 §6.2.4, RFC 2426 §3.1.4)."""

import base64

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.components import Component, read_components
from moxlite.proto.cards.photo import MAX_PHOTO, Photo, card_with_photo, photo_from, photo_of

JPEG = b"\xff\xd8\xff\xe0 picture"
PNG = b"\x89PNG\r\n\x1a\n picture"
PICTURES = [
    (JPEG, "image/jpeg"),
    (PNG, "image/png"),
    (b"GIF87a picture", "image/gif"),
    (b"GIF89a picture", "image/gif"),
    (b"RIFF\x01\x02\x03\x04WEBP picture", "image/webp"),
]


def card(*lines: str, version: str = "4.0") -> Component:
    return read_components("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]), "VCARD")


def uri(data: bytes, media_type: str = "image/jpeg") -> str:
    return f"PHOTO:data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(("data", "media_type"), PICTURES)
def test_the_type_of_a_photo_is_that_of_its_octets(data: bytes, media_type: str) -> None:
    """WEBMAIL-128b: whatever the card says, so that no browser runs what a stranger's card has."""
    assert photo_from(data) == Photo(media_type, data)
    assert photo_of(card(uri(data, "text/html"))) == Photo(media_type, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"<html>",
        b" \xff\xd8\xff",
        b"\xff\xd8",
        b"GIF88a",
        b"RIFF\x01\x02\x03\x04WAVE",
        b"RIFX\x01\x02\x03\x04WEBP",
        b"RIFFWEBP",
    ],
)
def test_what_is_no_such_picture_is_no_photo(data: bytes) -> None:
    """WEBMAIL-128b"""
    assert photo_from(data) is None
    assert photo_of(card(uri(data))) is None


def test_a_photo_has_a_limited_size() -> None:
    """WEBMAIL-128b: 128 KiB of picture, however the card writes them."""
    largest = JPEG + b"x" * (MAX_PHOTO - len(JPEG))
    assert photo_of(card(uri(largest))) == photo_from(largest) == Photo("image/jpeg", largest)
    assert photo_from(largest + b"x") is None
    assert photo_of(card(uri(largest + b"x"))) is None
    assert photo_of(card(uri(JPEG) + "=" * MAX_PHOTO * 2)) is None  # not even decoded


@pytest.mark.parametrize(
    "line",
    [
        f"PHOTO;ENCODING=b;TYPE=JPEG:{base64.b64encode(JPEG).decode()}",
        f"photo;TYPE=JPEG;ENCODING=BASE64: {base64.b64encode(JPEG).decode()} ",
        f"PHOTO:DATA:image/jpeg;BASE64,{base64.b64encode(JPEG).decode()}",
        f"PHOTO:data:image/jpeg;base64\\,{base64.b64encode(JPEG).decode()}",
        f"item1.PHOTO;VALUE=uri:data:image/jpeg;base64,{base64.b64encode(JPEG).decode()}",
    ],
)
def test_each_version_has_its_way_of_writing_a_photo(line: str) -> None:
    """WEBMAIL-128b: RFC 2426 §3.1.4, RFC 6350 §6.2.4; and a comma that a program has escaped."""
    assert photo_of(card(line)) == Photo("image/jpeg", JPEG)


@pytest.mark.parametrize(
    "line",
    [
        "PHOTO:https://a.example/photo.jpg",
        "PHOTO;VALUE=uri:http://a.example/photo.jpg",
        f"PHOTO:{base64.b64encode(JPEG).decode()}",
        f"PHOTO:data:image/jpeg,{base64.b64encode(JPEG).decode()}",
        f"PHOTO:data:image/jpeg;base64;{base64.b64encode(JPEG).decode()}",
        "PHOTO:data:image/jpeg;base64,/9j/4",
        "PHOTO;ENCODING=b:\u00e4",
        f"LOGO;ENCODING=b:{base64.b64encode(JPEG).decode()}",
    ],
)
def test_other_photos_are_not_shown(line: str) -> None:
    """WEBMAIL-128b: addresses are never followed, and what can't be decoded is passed over."""
    assert photo_of(card(line)) is None
    assert photo_of(card(line, uri(PNG), uri(JPEG))) == Photo("image/png", PNG)


@pytest.mark.parametrize(
    ("version", "line"), [("3.0", "PHOTO;ENCODING=b;TYPE=PNG:"), ("4.0", "PHOTO:data:image/png;base64,")]
)
def test_another_photo_replaces_those_of_a_card(version: str, line: str) -> None:
    """WEBMAIL-128b: in the form of the card's version; what belongs to the old photo goes, all else stays."""
    old = card(
        "FN:Ann", uri(JPEG), "X-ABCROP-RECTANGLE:ABClipRect_1", "PHOTO:https://a.example", "X-OWN:1", version=version
    )
    text = card_with_photo(old, Photo("image/png", PNG)).decode()
    unfolded = text.replace("\r\n ", "").split("\r\n")
    assert unfolded == [
        "BEGIN:VCARD",
        f"VERSION:{version}",
        "FN:Ann",
        "X-OWN:1",
        line + base64.b64encode(PNG).decode(),
        "END:VCARD",
        "",
    ]
    without = card_with_photo(old, None).decode()
    assert without.split("\r\n") == ["BEGIN:VCARD", f"VERSION:{version}", "FN:Ann", "X-OWN:1", "END:VCARD", ""]


@given(st.sampled_from(PICTURES), st.binary(max_size=300), st.sampled_from(["3.0", "4.0"]))
def test_a_photo_comes_back_from_its_card(picture: tuple[bytes, str], rest: bytes, version: str) -> None:
    """WEBMAIL-128b"""
    photo = Photo(picture[1], picture[0] + rest)
    octets = card_with_photo(card("FN:Ann", version=version), photo)
    assert max(map(len, octets.split(b"\r\n"))) <= 75  # RFC 6350 §3.2
    assert photo_of(read_components(octets.decode(), "VCARD")) == photo
