"""Photos of contacts in the webmail (WEBMAIL-128b)."""

import base64
import zlib
from typing import Any

import pytest

from tests.session.test_web_addressbooks import books, share, shared, tom
from tests.session.test_web_contacts import form
from tests.web_rig import Browser

__all__ = ["tom"]

pytestmark = pytest.mark.served


def png(size: int = 0) -> bytes:
    """A picture of one pixel, with so many further octets."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    rows = zlib.compress(b"\0\xff\0\0")
    head = chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", b"c\0" + b"x" * size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def card(photo: str, version: str = "4.0") -> str:
    """A card with a line for its photo."""
    folded = "\r\n ".join(photo[at : at + 74] for at in range(0, len(photo), 74))
    return f"BEGIN:VCARD\r\nVERSION:{version}\r\nUID:1\r\nFN:Ada\r\nEMAIL:ada@a.example\r\n{folded}\r\nEND:VCARD\r\n"


async def only(browser: Browser) -> dict[str, Any]:
    """The one contact in the list."""
    [one] = (await browser.call("contacts"))["contacts"]
    return dict(one)


async def test_a_photo_is_set_shown_replaced_and_taken_away(browser: Browser) -> None:
    """WEBMAIL-128b: fetched by an address of its own, with a fixed type; other lines of the card stay to the letter."""
    await browser.call("contact_restore", card=card("X-BOAT;X-K=v:Sea gull", "3.0"))
    one = await only(browser)
    assert one["photo"] == ""
    save = {"contact": form("Ada", "ada@a.example"), "contact_id": one["id"]}
    save["contact"] = (await browser.call("contact", contact_id=one["id"]))["form"]
    await browser.call("contact_save", **save, photo=text(png()))
    one = await only(browser)
    assert one["photo"].startswith(f"{one['id']}/")
    answer = await browser.fetch(f"/webmail/photo/{one['photo']}")
    assert (answer.status, answer.body) == (200, png())
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["cache-control"].startswith("private")
    again = await browser.fetch(f"/webmail/photo/{one['photo']}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    # the rest changes, the photo stays
    changed = {**save["contact"], "note": "New"}
    await browser.call("contact_save", contact=changed, contact_id=one["id"])
    assert (await only(browser))["photo"] == one["photo"]
    await browser.call("contact_save", contact=changed, contact_id=one["id"], photo=text(png(5)))
    assert (await only(browser))["photo"] != one["photo"]
    whole = await browser.call("contact_remove", contact_id=one["id"])
    assert "X-BOAT;X-K=v:Sea gull\r\n" in whole
    assert "PHOTO;ENCODING=b;TYPE=PNG:" in whole
    await browser.call("contact_restore", card=whole)
    one = await only(browser)
    assert (await browser.call("contact", contact_id=one["id"]))["photo"] == one["photo"] != ""
    await browser.call("contact_save", contact=changed, contact_id=one["id"], photo="")
    assert (await only(browser))["photo"] == ""
    assert (await browser.fetch(f"/webmail/photo/{one['photo']}")).status == 404


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"PHOTO:data:image/png;base64,{text(png())}", "image/png"),
        (f"PHOTO;ENCODING=b;TYPE=JPEG:{text(png())}", "image/png"),
        (f"item1.photo;encoding=BASE64;type=GIF:{text(b'GIF89a' + b'x' * 20)}", "image/gif"),
        (f"PHOTO:data:;base64,{text(b'RIFF0000WEBPVP8 ')}", "image/webp"),
        (f"PHOTO:data:image/svg+xml;base64,{text(b'<svg onload=alert(1) />')}", ""),
        (f"PHOTO:data:image/png;base64,{text(b'<svg onload=alert(1) />')}", ""),
        ("PHOTO:data:image/svg+xml,<svg onload=alert(1) />", ""),
        ("PHOTO;VALUE=uri:https://evil.example/track.png", ""),
        ("PHOTO:data:image/png;base64,=====", ""),
        ("PHOTO:data:image/png;base64", ""),
        ("PHOTO;ENCODING=b:\x01\u202e", ""),
        (f"PHOTO:data:image/png;base64,{text(png(200_000))}", ""),
    ],
)
async def test_only_safe_pictures_of_a_card_are_shown(browser: Browser, line: str, kind: str) -> None:
    """WEBMAIL-128b: by their first octets, never SVG, never from elsewhere; what is not shown stays in the card."""
    await browser.call("contact_restore", card=card(line))
    one = await only(browser)
    if not kind:
        assert one["photo"] == ""
        assert (await browser.fetch(f"/webmail/photo/{one['id']}/x")).status == 404
        kept = await browser.call("contact_remove", contact_id=one["id"])
        assert kept == card(line)
        return
    answer = await browser.fetch(f"/webmail/photo/{one['photo']}")
    assert (answer.status, answer.headers["content-type"]) == (200, kind)


@pytest.mark.parametrize("wrong", ["x", text(b"<svg/>"), text(png(140_000)), "data:image/png;base64," + text(png())])
async def test_a_wrong_photo_is_refused(browser: Browser, wrong: str) -> None:
    """WEBMAIL-128b."""
    error = await browser.error("contact_save", contact=form("Ada"), photo=wrong)
    assert error[0] == 400
    assert (await browser.call("contacts"))["total"] == 0


async def test_photos_are_seen_by_those_with_whom_the_book_is_shared(browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128b, DAV-41: others get 404, as for a number without a contact."""
    made = await shared(browser, "read")
    [ada] = (await browser.call("contacts", book_id=made))["contacts"]
    secret = await browser.call("contact_save", contact=form("Bo"), photo=text(png(9)))
    await browser.call("contact_save", contact=form("Ada", "ada@a.example"), contact_id=ada["id"], photo=text(png()))
    club = (await books(tom))["Club"]["id"]
    [seen] = (await tom.call("contacts", book_id=club))["contacts"]
    assert (await tom.fetch(f"/webmail/photo/{seen['photo']}")).body == png()
    other = seen["id"] - ada["id"] + secret
    for path in (f"{other}/x", "0/x", "x/y", f"{secret}/x", f"{seen['id']}", f"{2**40 + 1}/x"):
        assert (await tom.fetch(f"/webmail/photo/{path}")).status == 404, path
    await share(browser, guest="tom", end=True)
    assert (await tom.fetch(f"/webmail/photo/{seen['photo']}")).status == 404
    assert (await browser.fetch(f"/webmail/photo/{ada['id']}/x", method="POST")).status in (403, 405)
