"""Messages and parts over HTTP, with the policies that make them harmless."""

import base64
import re
from email import message_from_bytes
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from io import BytesIO
from zipfile import ZipFile

import pytest

from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.people.gathering import Gatherer
from tests.signeddata import mail as signed_mail, streamed
from tests.store_mail import box, deliver_mail, mail
from tests.tnef import SIGNATURE, attribute, mail as tnef_mail, properties, tnef
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
HTML = b'<p onclick="x()">hi <img src="cid:logo@x"><img src="https://tracker.example/p.gif"><script>1</script>'
MESSAGE = b"\r\n".join(
    [
        b"From: a@example.com",
        b"Subject: parts",
        b"MIME-Version: 1.0",
        b'Content-Type: multipart/related; boundary="b"',
        b"",
        b"--b",
        b"Content-Type: text/html; charset=utf-8",
        b"",
        HTML,
        b"--b",
        b"Content-Type: image/png",
        b"Content-ID: <logo@x>",
        b"Content-Transfer-Encoding: base64",
        b"",
        base64.b64encode(PNG),
        b"--b",
        b"Content-Type: image/svg+xml; name=x.svg",
        b"",
        b"<svg onload=alert(1)>",
        b"--b",
        b"Content-Type: application/pdf",
        b'Content-Disposition: attachment; filename="a\xc3\xbc.pdf"',
        b"",
        b"%PDF",
        b"--b--",
        b"",
    ]
)
CLOSED = (
    "frame-ancestors 'self'; default-src 'none'; base-uri 'none'; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; img-src data:; style-src 'unsafe-inline'"
)


@pytest.fixture
async def message(rig: Rig) -> str:
    """The address of a message with several parts."""
    async with rig.account() as account:
        return f"/webmail/msg/{(await deliver_mail(account, MESSAGE)).message_id}"


async def test_the_raw_message_is_text_in_a_sandbox(browser: Browser, message: str) -> None:
    """WEBMAIL-50, WEBMAIL-51."""
    answer = await browser.fetch(f"{message}/raw")
    assert answer.body == MESSAGE
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-security-policy"] == CLOSED
    assert answer.headers["x-frame-options"] == "sameorigin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    download = await browser.fetch(f"{message}/rawdl")
    assert download.headers["content-type"] == "message/rfc822"
    assert download.headers["content-disposition"].startswith("attachment; filename*=UTF-8''email-")
    head = await browser.fetch(f"{message}/raw", method="HEAD")
    assert (head.body, head.headers["content-length"]) == (b"", str(len(MESSAGE)))


async def test_html_is_sanitized_and_its_own_images_are_inside(browser: Browser, message: str) -> None:
    """WEBMAIL-50, WEBMAIL-53, WEBMAIL-54."""
    answer = await browser.fetch(f"{message}/html")
    text = answer.body.decode()
    assert answer.headers["content-security-policy"] == CLOSED
    assert "data:image/png;base64," + base64.b64encode(PNG).decode() in text
    assert "<script" not in text
    assert "onclick" not in text
    assert "https://tracker.example" not in text
    assert "1 remote image not loaded: tracker.example" in text


def related(*images: bytes, html: bytes = b'<img src="cid:a">') -> bytes:
    """A multipart/related of HTML and images that are called "a", "b", …"""
    made = MIMEMultipart("related")
    made.attach(MIMEText(html.decode(), "html"))
    for name, content in zip("abc", images, strict=False):
        image = MIMEImage(content, "png")
        image["Content-ID"] = f"<{name}>"
        made.attach(image)
    return made.as_bytes(policy=SMTP)


def shown(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


async def test_of_two_images_with_one_id_the_nearer_is_shown(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-54: the HTML's siblings come before what stands further away, in front of it or behind."""
    outer = MIMEMultipart("mixed")
    far, near, behind = (message_from_bytes(related(name)) for name in (b"far", b"near", b"behind"))
    # the first HTML part is the one that is shown: that of the first has to be another kind
    html = list(far.walk())[1]
    html.replace_header("Content-Type", "text/enriched")
    for one in (far, near, behind):
        outer.attach(one)
    async with rig.account() as account:
        found = await deliver_mail(account, outer.as_bytes(policy=SMTP))
    text = (await browser.fetch(f"/webmail/msg/{found.message_id}/html")).body.decode()
    assert shown(b"near") in text
    assert shown(b"far") not in text
    assert shown(b"behind") not in text


async def test_an_image_of_a_parent_is_found(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-54: as of mail in which the HTML is in a multipart/alternative of its own."""
    outer = message_from_bytes(related(b"beside"))
    inner = MIMEMultipart("alternative")
    inner.attach(outer.get_payload(0))
    outer.set_payload([inner, outer.get_payload(1)])
    async with rig.account() as account:
        found = await deliver_mail(account, outer.as_bytes(policy=SMTP))
    assert shown(b"beside") in (await browser.fetch(f"/webmail/msg/{found.message_id}/html")).body.decode()


async def test_images_beyond_their_room_are_left_out_with_a_word(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-54: the first ones come in."""
    monkeypatch.setattr("moxlite.web.webmail.reading.drawing.MAX_IMAGES", 25)
    html = b'<img src="cid:b"><img src="cid:a"><img src="cid:c"><img src="cid:nowhere">'
    async with rig.account() as account:
        found = await deliver_mail(account, related(b"a" * 10, b"b" * 20, b"c" * 5, html=html))
    text = (await browser.fetch(f"/webmail/msg/{found.message_id}/html")).body.decode()
    assert shown(b"b" * 20) in text
    assert shown(b"c" * 5) in text
    assert shown(b"a" * 10) not in text
    assert "1 image is too large to display here" in text


async def test_the_words_around_a_message_are_in_the_language_of_its_reader(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-143, WEBMAIL-50: the head of a page in a tab, what is said of pictures, and a missing message."""
    monkeypatch.setattr("moxlite.web.webmail.reading.drawing.MAX_IMAGES", 25)
    html = b'<img src="cid:b"><img src="cid:a"><img src="https://a.example/x.png">'
    async with rig.account() as account:
        found = await deliver_mail(account, related(b"a" * 10, b"b" * 20, html=html))
    german = {"accept-language": "de"}
    page = (await browser.fetch(f"/webmail/msg/{found.message_id}/msghtml", headers=german)).body.decode()
    assert "<dt>Datum</dt>" in page
    assert "1 Bild dieser Nachricht ist zu groß, um hier gezeigt zu werden" in page
    assert "1 externes Bild wurde nicht geladen: a.example" in page
    missing = await browser.fetch("/webmail/msg/999999/text", headers=german)
    assert (missing.status, missing.body.decode()) == (404, "Diese Nachricht oder diesen Teil von ihr gibt es nicht.\n")


def with_kinds(kinds: dict[str, str], html: str) -> bytes:
    """HTML and parts with Content-IDs, by which the HTML may refer to them."""
    made = MIMEMultipart("related")
    made.attach(MIMEText(html, "html"))
    for name, kind in kinds.items():
        part = MIMEImage(PNG, kind)
        part["Content-ID"] = f"<{name}>"
        part["Content-Disposition"] = f"inline; filename={name}.{kind[:4]}"
        made.attach(part)
    return made.as_bytes(policy=SMTP)


async def test_every_picture_is_drawn_or_offered(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48a, WEBMAIL-50, WEBMAIL-54, WEBMAIL-55: as Apple Mail, iPhones, fax services and scanners send them. The
    page says which files it shows; all others are offered, are in the archive of all, on paper by name, and forwarded.
    """
    kinds = {"a": "png", "b": "png", "c": "heic", "d": "tiff", "e": "svg+xml", "f": "jpeg", "g": "gif"}
    html = (
        '<img src="cid:a"><!-- <img src="cid:b"> --><img src="cid:c"><img src="cid:d"><img src="cid:e">'
        '<style>.none { background: url(cid:f) }</style><template><img src="cid:g"></template>'
    )
    async with rig.account() as account:
        message_id = (await deliver_mail(account, with_kinds(kinds, html))).message_id
    page = (await browser.fetch(f"/webmail/msg/{message_id}/html?sameorigin=true")).body.decode()
    [inside] = re.findall('<meta name="inside" content="([^"]*)">', page)
    parsed = await browser.call("parsed_message", message_id=message_id)
    names = {one["path"]: one["filename"] for one in parsed["attachments"]}
    assert (inside, page.count("data:image/")) == ("0.1", 2)
    assert [*names.values()] == ["a.png", "b.png", "c.heic", "d.tiff", "e.svg+", "f.jpeg", "g.gif"]
    assert [one["inside"] for one in parsed["attachments"]] == [True, True, False, False, False, True, True]
    for without, number in (("", 7), (f"?without={inside}", 6)):
        zipped = (await browser.fetch(f"/webmail/msg/{message_id}/attachments.zip{without}")).body
        assert len(ZipFile(BytesIO(zipped)).namelist()) == number
    printed = (await browser.fetch(f"/webmail/msg/{message_id}/msghtml")).body.decode()
    assert "<dt>Attachments</dt>" in printed
    assert ("b.png, c.heic, d.tiff, e.svg+, f.jpeg, g.gif" in printed, "a.png" in printed) == (True, False)
    as_text = (await browser.fetch(f"/webmail/msg/{message_id}/msgtext")).body.decode()
    assert all(name in as_text for name in names.values())
    begun = await browser.call("compose_prepare", kind="forward", message_id=message_id)
    assert [one["filename"] for one in begun["uploads"]] == ["b.png", "c.heic", "d.tiff", "e.svg+", "g.gif"]


async def test_a_message_signed_in_one_piece_is_read(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48a, STORE-52b: HTML with its picture, a text and a file in S/MIME signed-data, shown as signed."""
    inner = message_from_bytes(related(PNG))
    outer = MIMEMultipart("mixed")
    outer.attach(inner)
    outer.attach(MIMEText("a,b", "csv"))
    async with rig.account() as account:
        message_id = (await deliver_mail(account, signed_mail(streamed(outer.as_bytes(policy=SMTP), 100)))).message_id
    item = await browser.call("message_item", message_id=message_id)
    assert (item["is_signed"], item["is_encrypted"]) == (True, False)
    parsed = await browser.call("parsed_message", message_id=message_id)
    assert [one["path"] for one in parsed["attachments"]] == ["0.0.0.1", "0.0.1"]
    page = (await browser.fetch(f"/webmail/msg/{message_id}/html?sameorigin=true")).body.decode()
    assert shown(PNG) in page
    assert '<meta name="inside" content="0.0.0.1">' in page
    assert (await browser.fetch(f"/webmail/msg/{message_id}/download/0.0.0.1")).body == PNG
    zipped = ZipFile(BytesIO((await browser.fetch(f"/webmail/msg/{message_id}/attachments.zip")).body))
    assert zipped.read("attachment-0.0.1.csv") == b"a,b"
    begun = await browser.call("compose_prepare", kind="forward", message_id=message_id)
    assert [one["filename"] for one in begun["uploads"]] == ["attachment-0.0.1.csv"]


async def test_files_in_a_winmail_dat_are_files(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48a, STORE-52c: of Outlook's TNEF."""
    outer = MIMEMultipart("mixed")
    outer.attach(MIMEText("the plan", "plain"))
    outer.attach(message_from_bytes(tnef_mail(tnef([("Plan ü.pdf", b"%PDF"), ("b.txt", b"words")]))))
    async with rig.account() as account:
        message_id = (await deliver_mail(account, outer.as_bytes(policy=SMTP))).message_id
    parsed = await browser.call("parsed_message", message_id=message_id)
    assert [(one["path"], one["filename"]) for one in parsed["attachments"]] == [
        ("0.1.0.0", "Plan ü.pdf"),
        ("0.1.0.1", "b.txt"),
    ]
    assert (await browser.fetch(f"/webmail/msg/{message_id}/download/0.1.0.0")).body == b"%PDF"
    zipped = ZipFile(BytesIO((await browser.fetch(f"/webmail/msg/{message_id}/attachments.zip")).body))
    assert zipped.read("b.txt") == b"words"


async def test_the_text_in_a_winmail_dat_is_shown(rig: Rig, browser: Browser) -> None:
    """STORE-52c: HTML; the file itself is offered where something in it isn't shown."""
    octets = SIGNATURE + attribute(1, 0x69003, properties({0x1013: b"<p>Only here</p>"}))
    for cut, files in (octets, []), (octets + b"\1", ["winmail.dat"]):
        async with rig.account() as account:
            message_id = (await deliver_mail(account, tnef_mail(cut, b"Subject: plan\r\n"))).message_id
        assert b"<p>Only here</p>" in (await browser.fetch(f"/webmail/msg/{message_id}/html")).body
        parsed = await browser.call("parsed_message", message_id=message_id)
        assert [one["filename"] for one in parsed["attachments"]] == files


async def test_a_page_has_all_that_is_written(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48a, WEBMAIL-50, WEBMAIL-56: HTML in pieces, and a list's footer; HTML is read as text, too."""
    outer = MIMEMultipart("mixed")
    for text, kind in (("<p>one</p>", "html"), ("<p>two<br>three</p>", "html"), ("a < b footer", "plain")):
        outer.attach(MIMEText(text, kind))
    async with rig.account() as account:
        path = f"/webmail/msg/{(await deliver_mail(account, outer.as_bytes(policy=SMTP))).message_id}"
    page = (await browser.fetch(f"{path}/html")).body.decode()
    assert all(words in page for words in ("<p>one</p>", "<p>two<br>three</p>", "<pre>a &lt; b footer</pre>"))
    text = (await browser.fetch(f"{path}/text")).body.decode()
    assert all(words in text for words in (">one<", ">two\nthree<", ">a &lt; b footer"))
    parsed = await browser.call("parsed_message", message_id=int(path.rpartition("/")[2]))
    assert [one["text"] for one in parsed["texts"]] == ["one", "two\nthree", "a < b footer"]
    assert parsed["attachments"] == []


@pytest.mark.parametrize(
    ("html", "light", "dark"),
    [
        (b"<p>Hi</p>", "#ffffff", "#141a1e"),
        (b"<p style='color: red'>Hi</p>", "#ffffff", "#141a1e"),
        (b"<p style='background-color: red'>Hi</p>", "#ffffff", "#ffffff"),
    ],
)
async def test_html_without_colours_takes_those_of_the_window(
    rig: Rig, browser: Browser, html: bytes, light: str, dark: str
) -> None:
    """WEBMAIL-10, WEBMAIL-167: HTML with backgrounds is on a light sheet; the reader hears which it is."""
    async with rig.account() as account:
        found = await deliver_mail(account, b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + html)
    for query, paper in (("", light), ("&scheme=dark", dark)):
        page = (await browser.fetch(f"/webmail/msg/{found.message_id}/html?sameorigin=true{query}")).body.decode()
        assert f"background: {paper}" in page
        assert ('name="coloured" content="yes"' in page) is (b"background" in html)


async def test_a_reader_hears_what_proves_the_sender(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-77a: the domain that signed, and the number of mails of the address that came before."""
    smtp = SMTPFacts(msgfrom="anton", msgfrom_domain="example.com", msgfrom_validation="strict")
    async with rig.account() as account:
        own = await deliver_mail(account, mail(0))
        first, second, other = [
            await deliver_mail(account, mail(number), facts=MessageFacts(smtp=facts, dkim_domains=signers))
            for number, facts, signers in (
                (1, smtp, ("list.example.net", "mail.example.com")),
                (2, smtp, ("example.com", "mail.example.com")),
                (3, SMTPFacts(msgfrom="b", msgfrom_domain="example.com"), ("list.example.net",)),
            )
        ]
    found = [
        ((parsed := await browser.call("parsed_message", message_id=one.message_id))["signed_by"], parsed["earlier"])
        for one in (own, first, second, other)
    ]
    assert found == [("", None), ("mail.example.com", 0), ("example.com", 1), ("", 0)]


async def test_mail_without_proof_is_not_counted_as_its_authors(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-77a, WEBMAIL-55: it has no number, adds none to proven mail, and loads no images in the author's name."""
    proven = SMTPFacts(msgfrom="anton", msgfrom_domain="example.com", msgfrom_validation="strict")
    forged = SMTPFacts(msgfrom="anton", msgfrom_domain="example.com", msgfrom_validation="none")
    await browser.call("from_address_settings_save", from_address="anton@example.com", view_mode="html_ext")
    seen = []
    for number, smtp in enumerate((forged, proven, forged, forged, proven)):
        async with rig.account() as account:
            one = await deliver_mail(account, mail(number), facts=MessageFacts(smtp=smtp))
        parsed = await browser.call("parsed_message", message_id=one.message_id)
        seen.append((parsed["earlier"], parsed["view_mode"]))
    assert seen == [(None, ""), (0, "html_ext"), (None, ""), (None, ""), (1, "html_ext")]


async def test_imported_and_moved_mail_counts_as_earlier_mail_of_its_author(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-77a: what another server had, and what was moved since, but nothing that came here without proof, and
    nothing in Junk.
    """
    proven = SMTPFacts(msgfrom="anton", msgfrom_domain="example.com", msgfrom_validation="strict")
    forged = SMTPFacts(msgfrom="anton", msgfrom_domain="example.com", msgfrom_validation="none")
    old = b"From: Anton <anton@example.com>\r\nTo: mia@example.org\r\nSubject: old %d\r\n\r\nHello\r\n"
    async with rig.account() as account:
        imported = [(await deliver_mail(account, old % number)).message_id for number in range(3)]
        await deliver_mail(account, old % 3, "Junk")
        await deliver_mail(account, old % 4, facts=MessageFacts(smtp=forged))
        await Gatherer(account).once()
        one = await deliver_mail(account, old % 5, facts=MessageFacts(smtp=proven))
        await Gatherer(account).once()
        two = await deliver_mail(account, old % 6, facts=MessageFacts(smtp=proven))
        archive = await box(account, "Archive")

    async def counts() -> list[int]:
        return [(await browser.call("parsed_message", message_id=x.message_id))["earlier"] for x in (one, two)]

    assert await counts() == [3, 4]
    moved = [imported[0], one.message_id]
    await browser.call("message_move", message_ids=moved, mailbox_id=archive.id)
    async with rig.account() as account:
        await Gatherer(account).once()
    assert await counts() == [3, 4]


@pytest.mark.parametrize("kind", ["html", "htmlexternal"])
async def test_the_frame_of_the_reader_has_the_origin_and_no_scripts(browser: Browser, message: str, kind: str) -> None:
    """WEBMAIL-51: so that its keys are the reader's (WEBMAIL-71)."""
    answer = await browser.fetch(f"{message}/{kind}?sameorigin=true")
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox allow-same-origin;" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("kind", ["msgtext", "msghtml", "msghtmlexternal", "msgtexts"])
async def test_a_page_for_paper_may_open_the_dialog_and_no_scripts(browser: Browser, message: str, kind: str) -> None:
    """WEBMAIL-50, WEBMAIL-51: in a frame of the app; as a page of its own it has another origin."""
    policy = (await browser.fetch(f"{message}/{kind}?print=true")).headers["content-security-policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox allow-same-origin allow-modals;" in policy
    assert "scripts" not in policy
    assert "script-src" not in policy
    assert "allow-same-origin" not in (await browser.fetch(f"{message}/{kind}")).headers["content-security-policy"]
    assert "allow-modals" not in (await browser.fetch(f"{message}/html?print=true")).headers["content-security-policy"]


async def test_a_conversation_is_one_page_of_texts(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-50: each below its head, HTML by its words; a message that is not the reader's ends it."""
    texts = [
        b"Subject: One\r\n\r\nfirst <text>\r\n",
        b"Subject: Two\r\nContent-Type: text/html\r\n\r\n<p>only <b>HTML</b>\r\n",
    ]
    async with rig.account() as account:
        ids = [(await deliver_mail(account, text)).message_id for text in texts]
    page = (await browser.fetch(f"/webmail/msg/{ids[0]}/msgtexts?others={ids[1]}")).body.decode()
    assert page.count("<header") == 2
    assert page.index("One</h1>") < page.index("first &lt;text&gt;") < page.index("Two</h1>") < page.index("only HTML")
    alone = (await browser.fetch(f"/webmail/msg/{ids[1]}/msgtexts?others=,x,{'9' * 17}")).body.decode()
    assert alone.count("<header") == 1
    assert (await browser.fetch(f"/webmail/msg/{ids[0]}/msgtexts?others={ids[1]},{ids[1] + 1000}")).status == 404


async def test_external_resources_load_only_on_request(browser: Browser, message: str) -> None:
    """WEBMAIL-51, WEBMAIL-55, WEBMAIL-134: by the browser, from the sender's host; the server fetches nothing."""
    answer = await browser.fetch(f"{message}/htmlexternal")
    assert "https://tracker.example/p.gif" in answer.body.decode()
    assert "not loaded" not in answer.body.decode()
    policy = answer.headers["content-security-policy"]
    assert "img-src data: http: https:" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("view/0.0", "text/plain; charset=utf-8", HTML),
        ("view/0.1", "image/png", PNG),
        ("view/0.2", "text/plain; charset=utf-8", b"<svg onload=alert(1)>"),
        ("view/0.3", "application/pdf", b"%PDF"),
        ("viewtext/0.1", "text/plain; charset=windows-1252", PNG),
        ("download/0.1", "image/png", PNG),
        ("download/0.2", "image/svg+xml", b"<svg onload=alert(1)>"),
    ],
)
async def test_parts_are_shown_only_as_what_runs_nothing(
    browser: Browser, message: str, path: str, content_type: str, body: bytes
) -> None:
    """WEBMAIL-50, WEBMAIL-52."""
    answer = await browser.fetch(f"{message}/{path}")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, content_type, body)
    assert ("sandbox" in answer.headers["content-security-policy"]) == (path != "view/0.3")
    assert ("content-disposition" in answer.headers) == path.startswith("download")


async def test_a_download_keeps_its_name(browser: Browser, message: str) -> None:
    """WEBMAIL-49, WEBMAIL-52, WEB-135."""
    answer = await browser.fetch(f"{message}/download/0.3")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%C3%BC.pdf"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "nothing",
            "view",
            "view/0.9",
            "view/0.0000009",
            "view/1",
            "view/0.-1",
            "view/0.0.0",
            "view/0." + "0." * 300 + "0",
            "view/x",
        ),
        *("download/", "raw/0", "html/0", "viewtext/0/0"),
    ],
)
async def test_what_a_message_does_not_have_is_not_found(browser: Browser, message: str, path: str) -> None:
    """WEBMAIL-50."""
    assert (await browser.fetch(f"{message}/{path}")).status == 404


@pytest.mark.parametrize("number", ["4711", "0", "-1", "x", "99999999999999999999999"])
async def test_an_unknown_message_is_not_found(browser: Browser, number: str) -> None:
    """WEBMAIL-50, WEBMAIL-113."""
    assert (await browser.fetch(f"/webmail/msg/{number}/raw")).status == 404


async def test_a_message_without_html_has_no_page(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-50."""
    async with rig.account() as account:
        message_id = (await deliver_mail(account, mail())).message_id
    assert (await browser.fetch(f"/webmail/msg/{message_id}/html")).status == 404


async def test_html_that_is_nested_without_end_is_not_shown(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-109."""
    async with rig.account() as account:
        data = b"Content-Type: text/html\r\n\r\n" + b"<div>\r\n" * 20_000
        message_id = (await deliver_mail(account, data)).message_id
    answer = await browser.fetch(f"/webmail/msg/{message_id}/html")
    assert answer.status == 200
    assert b"nested too deeply" in answer.body


async def test_a_large_part_streams_whole(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-149."""
    content = bytes(range(256)) * 8000
    data = b"Content-Type: application/x-big\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content)
    async with rig.account() as account:
        message_id = (await deliver_mail(account, data.replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"))).message_id
    assert (await browser.fetch(f"/webmail/msg/{message_id}/download/0")).body == content


async def test_a_message_in_base64_is_a_message_for_its_reader(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-49, WEBMAIL-52, STORE-52a: it is saved and read decoded, as mail, also in all files together."""
    inner = b"Subject: inner\r\n\r\nsealed words\r\n"
    data = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n" % base64.b64encode(inner)
    )
    async with rig.account() as account:
        path = f"/webmail/msg/{(await deliver_mail(account, data)).message_id}"
    saved, shown = await browser.fetch(f"{path}/download/0.0"), await browser.fetch(f"{path}/viewtext/0.0")
    assert (saved.body, shown.body) == (inner, inner)
    assert saved.headers["content-type"] == "message/rfc822"
    assert "attachment-0.0.eml" in saved.headers["content-disposition"]


async def test_a_multipart_without_parts_is_shown_as_text(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-50, STORE-53."""
    async with rig.account() as account:
        data = b"Content-Type: multipart/mixed; boundary=never\r\n\r\nlost words\r\n"
        message_id = (await deliver_mail(account, data)).message_id
    assert b"lost words" in (await browser.fetch(f"/webmail/msg/{message_id}/text")).body


async def test_messages_are_only_fetched(browser: Browser, message: str) -> None:
    """WEBMAIL-50."""
    assert (await browser.fetch(f"{message}/raw", method="POST")).status == 405
