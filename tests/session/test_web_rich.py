"""Writing mail as HTML: what is sanitised, what goes out, what is kept of the original and of drafts (WEBMAIL-135)."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import typed_fields
from tests.session.test_web_compose import Queue, call_id, carried, messages, octets_of, queue, upload, written
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["queue"]

PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(60)
ORIGINAL = b"""From: Tom <tom@example.net>\r
To: mia@example.org\r
Subject: Plan\r
Message-ID: <plan@example.net>\r
MIME-Version: 1.0\r
Content-Type: multipart/related; boundary=x\r
\r
--x\r
Content-Type: multipart/alternative; boundary=y\r
\r
--y\r
Content-Type: text/plain\r
\r
The plan.\r
--y\r
Content-Type: text/html\r
\r
<style>p { color: red }</style><body bgcolor="#eeeeee"><p onclick="x()">The <b>plan</b>.\r
<img src="cid:map@example.net"><img src="https://track.example/1.gif"><script>steal()</script></p></body>\r
--y--\r
--x\r
Content-Type: image/png\r
Content-ID: <map@example.net>\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgo=\r
--x--\r
"""


async def begun(browser: Browser, kind: str, message_id: int, **more: Any) -> dict[str, Any]:
    fields = {"kind": kind, "message_id": message_id, "when": "Friday", **more}
    found: dict[str, Any] = await browser.call("compose_prepare", **fields)
    return found


def sent(found: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the composer sends after `compose_prepare`."""
    fields = typed_fields(found)
    return {**fields, "reply_to": [], "uploads": [one["upload_id"] for one in found["uploads"]], **more}


async def submit(browser: Browser, message: dict[str, Any]) -> None:
    await browser.call("message_submit", message=message, submit_id=call_id())


async def test_html_goes_out_sanitised_with_its_text_and_pictures(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-135: multipart/related of multipart/alternative and the picture; scripts, handlers and remote pictures of
    a hostile page are not in it."""
    picture = await upload(browser, "map.png", PNG, "image/png")
    file = await upload(browser, "plan.pdf", b"%PDF-")
    one = picture["upload_id"]
    html = (
        f'<div>Hello <b onclick="x()">you</b></div><ul><li>one</li></ul><img src="cid:{one}@moxlite.invalid">'
        '<img src="https://track.example/1.gif"><script>steal()</script><a href="javascript:x()">go</a> '
        '<a href="https://ok.example/">there</a>'
    )
    await submit(browser, written(text="", html=html, uploads=[one, file["upload_id"]]))
    found = (await carried(rig, queue))[0].parsed
    assert found.get_content_type() == "multipart/mixed"
    related, attached = found.iter_parts()
    assert attached.get_filename() == "plan.pdf"
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "multipart/alternative"  # RFC 2387 §3.1
    alternative, image = related.iter_parts()
    assert (image.get_content_type(), image["Content-Id"]) == ("image/png", f"<{one}@moxlite.invalid>")
    assert image.get_content() == PNG
    plain, rich = alternative.iter_parts()
    assert plain.get_content().split() == ["Hello", "you", "-", "one", "go", "there", "<https://ok.example/>"]
    body = rich.get_content()
    assert f'src="cid:{one}@moxlite.invalid"' in body
    assert "<b>you</b>" in body
    assert not re.search("script|onclick|track|steal", body)


async def test_hebrew_leaves_with_a_direction_and_opens_without_it(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-135b: of each block, in what is sent; a draft is found as it was written."""
    html = "<div>שלום</div><div>Hello</div>"
    draft = written(text="", html=html)
    assert (await begun(browser, "edit", await browser.call("draft_save", draft=draft, save_id=call_id())))[
        "html"
    ] == html
    await submit(browser, written(text="", html=html))
    found = (await carried(rig, queue))[0].parsed
    *_, rich = found.iter_parts()
    assert '<div dir="rtl">שלום</div><div dir="ltr">Hello</div>' in rich.get_content()


async def test_a_draft_keeps_its_html_and_pictures(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-88, WEBMAIL-135: a draft that is edited again has its HTML, its pictures are uploads that can be looked
    at, and its text goes on."""
    picture = await upload(browser, "map.png", PNG, "image/png")
    html = f'<div>Hello <i>you</i></div><img src="cid:{picture["upload_id"]}@moxlite.invalid">'
    draft = written(text="", html=html, uploads=[picture["upload_id"]])
    saved = await browser.call("draft_save", draft=draft, save_id=call_id())
    found = await begun(browser, "edit", saved)
    assert (found["uploads"], found["original"]) == ([], "")
    shown = re.fullmatch(r'<div>Hello <i>you</i></div><img src="cid:(.{22})@moxlite.invalid">', found["html"])
    assert shown is not None, found["html"]
    answer = await browser.fetch(f"/webmail/upload/{shown[1]}")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert "sandbox" in answer.headers["content-security-policy"]
    again = sent(found, uploads=[shown[1]], html=found["html"].replace("you", "all"))
    second = await browser.call("draft_save", draft=again, save_id=call_id(), replaces=saved)
    octets = await octets_of(rig, second)
    assert b"<i>all</i>" in octets
    assert b"image/png" in octets
    assert len(await messages(rig, "Drafts")) == 1


async def test_only_own_pictures_are_shown(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-113, WEBMAIL-135: files that are no pictures, unknown ids, foreign pages and other methods: nothing."""
    page = (await upload(browser, "page.html", b"<script>", "text/html"))["upload_id"]
    drawing = (await upload(browser, "x.svg", b"<svg/>", "image/svg+xml"))["upload_id"]
    picture = (await upload(browser, "x.png", PNG, "image/png"))["upload_id"]
    for name in (page, drawing, "A" * 22, "x", "../x"):
        assert (await browser.fetch(f"/webmail/upload/{name}")).status == 404
    assert (await browser.fetch(f"/webmail/upload/{picture}", headers={"sec-fetch-site": "cross-site"})).status == 403
    assert (await browser.fetch(f"/webmail/upload/{picture}", method="PUT")).status == 405
    assert (await rig.browser().fetch(f"/webmail/upload/{picture}")).status in (401, 403)


@pytest.mark.parametrize("kind", ["reply", "forward"])
async def test_the_originals_html_is_kept_below(rig: Rig, browser: Browser, queue: Queue, kind: str) -> None:
    """WEBMAIL-135: an answer in plain text, and a forwarded message, have the original's HTML and pictures below what
    was typed; remote pictures are in forwarded ones alone."""
    async with rig.account() as account:
        delivered = (await deliver_mail(account, ORIGINAL)).message_id
    found = await begun(browser, kind, delivered)
    assert found["original"]
    assert found["html"] == ""
    await submit(browser, sent(found, to=[{"name": "", "address": "tom@example.net"}], text="My  <own>\nwords"))
    message = (await carried(rig, queue))[0].parsed
    assert message.get_content_type() == "multipart/related"
    alternative, image = message.iter_parts()
    plain, rich = (part.get_content() for part in alternative.iter_parts())
    assert plain.split()[:3] == ["My", "<own>", "words"]
    assert "The plan." in plain
    assert ("> The plan." in plain) == (kind == "reply")
    assert "My  &lt;own&gt;<br>words" in rich
    assert "The <b>plan</b>" in rich
    assert ".body p{color:red}" in rich
    assert f"cid:{image['Content-Id'].strip('<>')}" in rich
    assert not re.search("script|onclick|steal", rich)
    assert ("track.example" in rich) == (kind == "forward")


async def test_a_draft_of_an_answer_keeps_the_original_apart(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-135: what was typed comes back as it was typed, and the original is still below it, with its picture,
    however often the draft is saved."""
    async with rig.account() as account:
        delivered = (await deliver_mail(account, ORIGINAL)).message_id
    found = await begun(browser, "reply", delivered)
    words = "One  two\n\n\t> three\n-- \nMia"
    saved = 0
    for _ in range(3):
        draft = sent(found, text=words)
        saved = await browser.call("draft_save", draft=draft, save_id=call_id(), replaces=saved)
        found = await begun(browser, "edit", saved)
        assert (found["text"], found["html"], found["uploads"]) == (words, "", [])
        assert found["original"]
    octets = await octets_of(rig, saved)
    assert octets.count(b"Content-Type: image/png") == 1
    assert octets.count(b"moxlite-kept") == 1


async def test_a_foreign_original_is_refused(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-112, WEBMAIL-135: an id that is no original of ours, and HTML beyond the bounds of a parser, are refused;
    nothing is sent."""
    file = await upload(browser, "x", b"\x93\x00", "application/vnd.moxlite.original")
    for wrong in (file["upload_id"], "A" * 22):
        answer = await browser.post("message_submit", {"message": written(original=wrong), "submit_id": call_id()})
        assert answer.status in (400, 404), answer.body
    deep = "".join(f'<font color="#{n:06x}">' for n in range(2000)) + "x"
    answer = await browser.post("message_submit", {"message": written(html=deep), "submit_id": call_id()})
    assert answer.status == 400
    assert "html" in answer.body.decode()
    assert await messages(rig, "Sent") == []
    assert queue.taken == []


async def test_html_is_sent_once(rig: Rig, browser: Browser, queue: Queue, tmp_path: Path) -> None:
    """WEBMAIL-100, WEBMAIL-135: a repeated call sends nothing, also when the sandbox has no room any more."""
    one = call_id()
    message = written(text="", html="<div>Hello</div>")
    for _ in range(3):
        await browser.call("message_submit", message=message, submit_id=one)
    await carried(rig, queue)
    assert len(await messages(rig, "Sent")) == 1
