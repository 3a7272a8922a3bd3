"""Mail as other programs write it, against the RFCs, too: webmail, JMAP, search and paper have the same of it."""

import base64
from io import BytesIO
from random import Random
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest

from tests.jmap_rig import Client, rig
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

CYRILLIC = "Отчёт за май".encode("windows-1251")
RUNS = base64.b64encode(b"one apple.") + b"\r\n" + base64.b64encode(b" two pears.")
INNER = b"From: bo@else.example\r\nSubject: inner\r\n\r\nsealed words\r\n"


class File(msgspec.Struct, frozen=True):
    """A file as the webmail names it, as JMAP does where that differs, and its octets."""

    type: str
    name: str
    octets: bytes
    own_name: str | None = ""


class Form(msgspec.Struct, frozen=True):
    """A mail: what follows its Subject, the words that it says, and its files."""

    octets: bytes
    words: tuple[str, ...]
    files: tuple[File, ...] = ()
    subject: bytes = b"odd"


def mixed(*parts: bytes) -> bytes:
    return (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"".join(b"--b\r\n%b\r\n" % one for one in parts)
        + b"--b--\r\n"
    )


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nplain cherries"

FORMS = {
    "of two types the one whose boundary occurs": Form(
        b"Content-Type: multipart/mixed; boundary=never\r\n" + mixed(TEXT, b"Content-Type: a/b; name=f.bin\r\n\r\nxyz"),
        ("plain cherries",),
        (File("a/b", "f.bin", b"xyz"),),
    ),
    "boundaries without an end": Form(
        mixed(
            b"Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nplain cherries\r\n"
            b"--i\r\nContent-Type: text/html\r\n\r\n<p>plain cherries</p>\r\n--i\r\n",
            b"Content-Type: a/b; name=f.bin\r\n\r\nxyz",
        ),
        ("plain cherries",),
        (File("a/b", "f.bin", b"xyz"),),
    ),
    "raw names and a raw subject in the charset of the text": Form(
        mixed(
            b"Content-Type: text/plain; charset=windows-1251\r\n\r\n" + CYRILLIC,
            b'Content-Type: a/b\r\nContent-Disposition: attachment; filename="' + CYRILLIC + b'.bin"\r\n\r\nxyz',
        ),
        ("Отчёт за май",),
        (File("a/b", "Отчёт за май.bin", b"xyz"),),
        CYRILLIC,
    ),
    "a text without a charset beside one that has it": Form(
        mixed(b"\r\n" + CYRILLIC, b"Content-Type: text/plain; charset=windows-1251\r\n\r\n" + CYRILLIC),
        ("Отчёт за май", "Отчёт за май"),
    ),
    "HTML without a charset beside a text that has it": Form(
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: text/plain; charset=windows-1251\r\n\r\n" + CYRILLIC + b"\r\n--b\r\n"
        b"Content-Type: text/html\r\n\r\n<p>" + CYRILLIC + b"</p>\r\n--b--\r\n",
        ("Отчёт за май",),
    ),
    "a text in Latin-1 without a charset": Form(b"\r\nK\xf6ln am Rhein", ("Köln am Rhein",)),
    "a text in UTF-8 without a charset": Form("\r\nKöln am Rhein".encode(), ("Köln am Rhein",)),
    "HTML in Latin-1 without a charset": Form(
        b"Content-Type: text/html\r\n\r\n<p>K\xf6ln am Rhein</p>", ("Köln am Rhein",)
    ),
    "fields as one encoded word": Form(
        mixed(
            b"Content-Type: =?unknown-8bit?q?text/plain=3B_charset=3Dutf-8?=\r\n\r\nplain cherries",
            b"Content-Type: a/b\r\nContent-Disposition: attachment; =?utf-8?b?ZmlsZW5hbWU9IsO8Ig==?=\r\n\r\nxyz",
        ),
        ("plain cherries",),
        (File("a/b", "ü", b"xyz"),),
    ),
    "base64 in two runs": Form(
        mixed(
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + RUNS,
            b"Content-Type: a/b; name=f.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n" + RUNS,
        ),
        ("one apple. two pears.",),
        (File("a/b", "f.bin", b"one apple. two pears."),),
    ),
    "a fragment of a message": Form(
        mixed(TEXT, b'Content-Type: message/partial; id="a@b"; number=2; total=3\r\n\r\nfragment'),
        ("plain cherries",),
        (File("message/partial", "message-2-of-3.eml", b"fragment", None),),
    ),
    "a fragment alone": Form(
        b'Content-Type: message/partial; id="a@b"; number=1; total=2\r\n\r\nfragment',
        (),
        (File("message/partial", "message-1-of-2.eml", b"fragment", None),),
    ),
    "a message in base64": Form(
        mixed(
            TEXT,
            b"Content-Type: message/rfc822; name=inner.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.b64encode(INNER),
        ),
        ("plain cherries",),
        (File("message/rfc822", "inner.eml", INNER),),
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_a_mail_in_an_odd_form_is_read_alike(rig: Rig, browser: Browser, form: Form) -> None:
    """WEBMAIL-48a, WEBMAIL-50, JMAP-21, JMAP-24, STORE-52a, STORE-53, STORE-56: texts and files, nothing more."""
    data = b"From: jo@else.example\r\nTo: mia@example.org\r\nSubject: %b\r\n%b" % (form.subject, form.octets)
    client = Client(rig)
    async with rig.account() as account:
        number = (await deliver_mail(account, data)).message_id
    await check_webmail(browser, form, number)
    await check_jmap(client, form)


async def check_webmail(browser: Browser, form: Form, number: int) -> None:
    """The reader's texts and files, the archive of all files, the message on paper, and forwarded."""
    path = f"/webmail/msg/{number}"
    parsed = await browser.call("parsed_message", message_id=number)
    assert [one["text"].strip() for one in parsed["texts"]] == [*form.words]
    page = (await browser.fetch(f"{path}/{'html' if parsed['has_html'] else 'text'}")).body.decode()
    printed = (await browser.fetch(f"{path}/msgtext")).body.decode()
    for words in form.words:
        assert words in page
        assert words in printed
    files = [(one["content_type"].lower(), one["filename"]) for one in parsed["attachments"]]
    assert files == [(one.type, one.name) for one in form.files]
    for shown, file in zip(parsed["attachments"], form.files, strict=True):
        assert (await browser.fetch(f"{path}/download/{shown['path']}")).body == file.octets
        assert file.name in printed
    zipped = (await browser.fetch(f"{path}/attachments.zip")).body
    assert [ZipFile(BytesIO(zipped)).read(one.name) for one in form.files] == [one.octets for one in form.files]
    begun = await browser.call("compose_prepare", kind="forward", message_id=number)
    assert [one["filename"] for one in begun["uploads"]] == [one.name for one in form.files]
    assert (await browser.call("message_item", message_id=number))["subject"] in ("odd", "Отчёт за май")


async def check_jmap(client: Client, form: Form) -> None:
    """Texts and attachments, found by their words."""
    properties = ["textBody", "htmlBody", "attachments", "bodyValues", "preview", "subject"]
    ids = (await client.call("Email/query"))["ids"]
    [mail] = (await client.call("Email/get", ids=ids, properties=properties, fetchTextBodyValues=True))["list"]
    values = [mail["bodyValues"][part["partId"]]["value"] for part in mail["textBody"]]
    assert [value.replace("<p>", "").replace("</p>", "").strip() for value in values] == [*form.words]
    files: list[Any] = [(one["type"], one["name"]) for one in mail["attachments"]]
    assert files == [(one.type, one.name if one.own_name == "" else one.own_name) for one in form.files]
    for part, file in zip(mail["attachments"], form.files, strict=True):
        answer = await client.http("GET", f"/jmap/download/{client.account}/{part['blobId']}/x?accept=a/b")
        assert answer.body == file.octets
    for asked in ({"subject": mail["subject"]}, {"header": ["Subject", mail["subject"]]}):
        assert (await client.call("Email/query", filter=asked))["ids"] == ids
    for words in form.words:
        assert mail["preview"].startswith(form.words[0])
        assert len((await client.call("Email/query", filter={"body": words}))["ids"]) == 1
    assert mail["subject"] in ("odd", "Отчёт за май")


async def test_a_raw_text_is_quoted_in_the_charset_of_the_texts(rig: Rig, browser: Browser) -> None:
    """STORE-56, WEBMAIL-88: what was written without a charset is quoted as it was read, and so is its author."""
    octets = mixed(b"\r\n" + CYRILLIC, b"Content-Type: text/plain; charset=windows-1251\r\n\r\nend")
    data = b"From: %b <jo@else.example>\r\nTo: mia@example.org\r\nSubject: x\r\n%b" % (CYRILLIC, octets)
    async with rig.account() as account:
        number = (await deliver_mail(account, data)).message_id
    for kind in ("reply", "forward"):
        begun = await browser.call("compose_prepare", kind=kind, message_id=number)
        assert begun["text"].count("Отчёт за май") == 2, begun["text"]


async def test_a_raw_text_opened_alone_is_in_the_charset_of_the_texts(rig: Rig, browser: Browser) -> None:
    """STORE-56, WEBMAIL-111: a part, and the source of a message; a declared charset stays."""
    declared = b"Content-Type: text/plain; charset=windows-1251\r\n\r\nend"
    forms = {
        (b"", CYRILLIC): "windows-1251",
        (b"Content-Type: text/plain; charset=us-ascii\r\n", CYRILLIC): "windows-1251",
        (b"Content-Type: text/html; charset=us-ascii\r\n", b"x" * 100_000 + CYRILLIC): "windows-1251",
        (b"", "Отчёт".encode()): "utf-8",
        (b"Content-Type: text/plain; charset=koi8-r\r\n", "Отчёт".encode("koi8-r")): "koi8-r",
    }
    for (fields, text), charset in forms.items():
        data = b"Subject: x\r\n" + mixed(fields + b"\r\n" + text, declared)
        async with rig.account() as account:
            number = (await deliver_mail(account, data)).message_id
        part = await browser.fetch(f"/webmail/msg/{number}/viewtext/0.0")
        assert (part.headers["content-type"], part.body) == (f"text/plain; charset={charset}", text)
        source = await browser.fetch(f"/webmail/msg/{number}/raw")
        whole = charset if charset == "koi8-r" else "windows-1251"
        assert source.headers["content-type"] == f"text/plain; charset={whole}"


# all leaves


def tree_of(choice: Random, depth: int = 0) -> tuple[bytes, list[str]]:
    """A part of some leaves, and what must be seen of each: words of a text, or the name of a file."""
    number = choice.randrange(1 << 40)
    words, name = f"words{number}", f"file{number}"
    kind = choice.choice(["plain", "html", "both", "file", "picture", "heic", *["mixed", "related"] * 3 * (depth < 3)])
    match kind:
        case "plain" | "html":
            text = words if kind == "plain" else f"<p>{words}</p>"
            return f"Content-Type: text/{kind}\r\n\r\n{text}".encode(), [words]
        case "both":
            inner = f"--a{number}\r\n\r\n{words}\r\n--a{number}\r\nContent-Type: text/html\r\n\r\n<p>{words}</p>"
            head = f"Content-Type: multipart/alternative; boundary=a{number}\r\n\r\n"
            return f"{head}{inner}\r\n--a{number}--".encode(), [words]
        case "file" | "picture" | "heic":
            type_ = {"file": "application/pdf", "picture": "image/png", "heic": "image/heic"}[kind]
            more = choice.choice(["", "Content-Disposition: inline\r\n", "Content-Disposition: attachment\r\n"])
            more += choice.choice(["", f"Content-ID: <{name}>\r\n"])
            return f"Content-Type: {type_}; name={name}.bin\r\n{more}\r\noctets{number}".encode(), [f"{name}.bin"]
    parts = [tree_of(choice, depth + 1) for _ in range(choice.randrange(1, 5))]
    octets = b"".join(b"--m%d\r\n%b\r\n" % (number, part) for part, _ in parts)
    top = f"Content-Type: multipart/{kind}; boundary=m{number}\r\n\r\n".encode()
    return b"%b%b--m%d--" % (top, octets, number), [one for _, seen in parts for one in seen]


@pytest.mark.parametrize("seed", range(3))
async def test_all_leaves_are_drawn_or_offered(rig: Rig, browser: Browser, seed: int) -> None:
    """WEBMAIL-48a, WEBMAIL-55, WEBMAIL-88, JMAP-21: random trees, by the reader, on paper, forwarded, and by JMAP."""
    choice, client = Random(seed), Client(rig)
    for _ in range(8):
        octets, leaves = tree_of(choice)
        async with rig.account() as account:
            number = (await deliver_mail(account, b"Subject: tree\r\n" + octets)).message_id
        path = f"/webmail/msg/{number}"
        parsed = await browser.call("parsed_message", message_id=number)
        pages = ["html", "text"] if parsed["has_html"] else ["text"]
        files = [one["filename"] for one in parsed["attachments"]]
        for page in pages:
            shown = (await browser.fetch(f"{path}/{page}")).body.decode()
            printed = (await browser.fetch(f"{path}/msg{page}")).body.decode()
            assert [leaf for leaf in leaves if leaf not in shown and leaf not in files] == []
            assert [leaf for leaf in leaves if leaf not in printed] == []
        begun = await browser.call("compose_prepare", kind="forward", message_id=number)
        taken = [begun["text"], begun["html"] or "", *(one["filename"] for one in begun["uploads"])]
        assert [leaf for leaf in leaves if not any(leaf in one for one in taken)] == []
        [ids] = [(await client.call("Email/query"))["ids"]]
        properties = ["textBody", "htmlBody", "attachments", "bodyValues"]
        [mail] = (await client.call("Email/get", ids=ids, properties=properties, fetchAllBodyValues=True))["list"]
        parts = [one for name in properties[:3] for one in mail[name]]
        told = {mail["bodyValues"].get(one["partId"], {"value": one["name"]})["value"].strip() for one in parts}
        told = {one.removeprefix("<p>").removesuffix("</p>") for one in told}
        assert {*leaves} - told == set()
        await client.call("Email/set", destroy=ids)
