"""CATENATE (RFC 4469; IMAP-91)."""

import pytest

from tests.session.imapd_harness import Client, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

MAIL = (
    "From: a@example.org\r\nSubject: old\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<p>second\r\n--b--\r\n"
)


def text(octets: str) -> str:
    """A TEXT part."""
    return f"TEXT {{{len(octets)}+}}\r\n{octets}"


async def body(c: Client, number: int) -> str:
    """The octets of a message."""
    line = (await c.ok(f"f FETCH {number} BODY.PEEK[]"))[0]
    return line.partition("}\r\n")[2][:-1]


async def test_texts_and_urls_are_joined_in_order(imap: Imap) -> None:
    """IMAP-91"""
    async with imap.user() as c:
        assert "CATENATE" in (await c.ok("a CAPABILITY"))[0].split()
        await c.append(MAIL)
        validity = next(r for r in await c.select() if "UIDVALIDITY" in r).split()[3].rstrip("]")
        await c.ok(
            f'b APPEND Inbox (\\Seen) CATENATE (URL "/Inbox;UIDVALIDITY={validity}/;UID=1/;SECTION=HEADER" '
            f'{text("new: ")} URL "/Inbox/;UID=1/;SECTION=1" {text("!")})'
        )
        header = MAIL.partition("\r\n\r\n")[0] + "\r\n\r\n"
        assert await body(c, 2) == header + "new: first!"


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        ("", MAIL),
        ("/;SECTION=TEXT", MAIL.partition("\r\n\r\n")[2]),
        ("/;SECTION=2.MIME", "Content-Type: text/html\r\n\r\n"),
        ("/;SECTION=HEADER.FIELDS%20(Subject)", "Subject: old\r\n\r\n"),
        ("/;SECTION=1/;PARTIAL=1.3", "irs"),
        ("/;PARTIAL=10", MAIL[10:]),
    ],
)
async def test_a_url_may_name_any_section_or_range(imap: Imap, section: str, octets: str) -> None:
    """IMAP-91, RFC 5092 §11"""
    async with imap.user() as c:
        await c.append(MAIL)
        await c.ok(f'a APPEND Archive CATENATE (URL "/Inbox/;UID=1{section}")')
        await c.select("Archive")
        assert await body(c, 1) == octets


async def test_a_relative_url_is_of_the_selected_mailbox(imap: Imap) -> None:
    """IMAP-91"""
    async with imap.user() as c:
        await c.append(MAIL)
        await c.ok('a APPEND Inbox CATENATE (URL "/;UID=1/;SECTION=2")')
        assert await body(c, 2) == "<p>second"


@pytest.mark.parametrize(
    "url",
    [
        "/Inbox/;UID=9",
        "/Inbox;UIDVALIDITY=1/;UID=1",
        "/nowhere/;UID=1",
        "/Inbox",
        "/Inbox/;UID=1/;SECTION=7",
        "/Inbox/;UID=1/;SECTION=x",
        "imap://elsewhere.example/Inbox/;UID=1",
        "/Inbox/;UID=9999999999",
    ],
)
async def test_a_url_that_names_nothing_is_told(imap: Imap, url: str) -> None:
    """IMAP-91: nothing is stored."""
    async with imap.user() as c:
        await c.append(MAIL)
        reply = await c.tagged(f'a APPEND Inbox CATENATE ({text("x")} URL "{url}")')
        assert reply.startswith(f'NO [BADURL "{url}"]')
        assert await c.ok("b STATUS Inbox (MESSAGES)") == ["* STATUS INBOX (MESSAGES 1)"]


async def test_the_mailbox_is_looked_at_before_the_urls(imap: Imap) -> None:
    """IMAP-85, IMAP-91: a client that is told to make the mailbox tries again, with the same URLs."""
    async with imap.user() as c:
        reply = await c.tagged('a APPEND nope CATENATE (URL "/Inbox/;UID=9")')
        assert reply == "NO [TRYCREATE] no such mailbox"


async def test_messages_of_both_kinds_come_in_one_command(imap: Imap) -> None:
    """IMAP-88, IMAP-91"""
    async with imap.user() as c:
        await c.append(MAIL)
        plain = "a: b\r\n\r\nc"
        reply = await c.tagged(
            f"a APPEND Inbox {{{len(plain)}+}}\r\n{plain} CATENATE ({text('d: ')} {text('e')}) "
            f'CATENATE ({text("")} URL "/Inbox/;UID=1/;SECTION=1")'
        )
        assert "2:4]" in reply
        assert [await body(c, n) for n in (2, 3, 4)] == [plain, "d: e", "first"]


async def test_what_becomes_too_big_is_refused(imap: Imap) -> None:
    """IMAP-86, IMAP-91"""
    async with imap.user() as c:
        big = "x" * 30_000_000
        await c.append(big)
        urls = " ".join(['URL "/Inbox/;UID=1"'] * 4)
        assert (await c.tagged(f"a APPEND Inbox CATENATE ({urls})")).startswith("NO [TOOBIG]")
        assert (await c.tagged(f"b APPEND Inbox CATENATE ({text('')})")).startswith("NO")
        many = " ".join(["URL x"] * 101)
        assert (await c.tagged(f"c APPEND Inbox CATENATE ({many})")).startswith("NO [LIMIT]")


async def test_replace_takes_it_too(imap: Imap) -> None:
    """IMAP-91, IMAP-92"""
    async with imap.user() as c:
        await c.append(MAIL)
        header = text("k: v\r\n\r\n")
        await c.ok(f'a UID REPLACE 1 Inbox CATENATE ({header} URL "/Inbox/;UID=1/;SECTION=1")')
        assert await body(c, 1) == "k: v\r\n\r\nfirst"
