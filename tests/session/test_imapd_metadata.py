"""METADATA and LIST-METADATA (RFC 5464, RFC 9590; IMAP-133)."""

import pytest

from moxlite import processor
from moxlite.imapd.mailboxes import metadata
from moxlite.processor import Stretch
from tests.session.imapd_harness import Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]


async def test_an_entry_is_set_read_and_removed(imap: Imap) -> None:
    """IMAP-133"""
    async with imap.user() as c:
        assert {"METADATA", "LIST-METADATA"} <= set((await c.ok("a CAPABILITY"))[0].split())
        await c.ok('b SETMETADATA inbox (/Private/Comment "mine" /shared/vendor/acme/x {3+}\r\na\tb)')
        assert await c.ok("c GETMETADATA INBOX /private/comment") == ['* METADATA INBOX (/private/comment "mine")']
        assert await c.ok("d GETMETADATA Inbox (/private/comment /shared/vendor/acme/x)") == [
            '* METADATA INBOX (/private/comment "mine" /shared/vendor/acme/x "a\tb")'
        ]
        await c.ok("e SETMETADATA Inbox (/private/comment NIL)")
        assert await c.ok("f GETMETADATA Inbox /private/comment") == ["* METADATA INBOX (/private/comment NIL)"]


async def test_a_value_with_nul_travels_as_literal8(imap: Imap) -> None:
    """IMAP-31, IMAP-133"""
    async with imap.user() as c:
        await c.ok(b"a SETMETADATA Inbox (/private/comment ~{3+}\r\na\0b)")
        assert await c.ok("b GETMETADATA Inbox /private/comment") == [
            "* METADATA INBOX (/private/comment ~{3}\r\na\0b)"
        ]


async def test_depth_reaches_below_an_entry(imap: Imap) -> None:
    """IMAP-133, RFC 5464 §4.2.2"""
    async with imap.user() as c:
        await c.ok('a SETMETADATA "" (/private/a "1" /private/a/b "2" /private/a/b/c "3" /private/ab "4")')
        assert await c.ok('b GETMETADATA "" (DEPTH 1) /private/a') == [
            '* METADATA "" (/private/a "1" /private/a/b "2")'
        ]
        assert await c.ok('c GETMETADATA (DEPTH infinity) "" /private/a') == [
            '* METADATA "" (/private/a "1" /private/a/b "2" /private/a/b/c "3")'
        ]
        assert await c.ok('d GETMETADATA (DEPTH 1) "" (/private)') == ['* METADATA "" (/private/a "1" /private/ab "4")']


async def test_many_entries_do_not_hold_up_others(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-133, IMAP-172: 6,000 entries among 1,000 took 5 s; now here with a turn after each."""
    turns = 0

    class Counted(Stretch):
        async def step(self) -> None:
            nonlocal turns
            turns += 1
            await super().step()

    monkeypatch.setattr(processor, "STRETCH", 0.0)
    monkeypatch.setattr(metadata, "Stretch", Counted)
    async with imap.user() as c:
        await c.ok('a SETMETADATA "" (/private/a "1" /private/a-b "2" /private/a/b "3" /private/a0 "4")')
        names = " ".join(f"/private/x{number}" for number in range(998))
        assert await c.ok(f'b GETMETADATA "" (DEPTH infinity) (/private/a {names})') == [
            '* METADATA "" (/private/a "1" /private/a/b "3")'
        ]
        assert turns == 999
        assert (await c.tagged(f'c GETMETADATA "" (/private/a /private/b /private/c {names})')).startswith("NO [LIMIT]")
        listed = f'c LIST "" * RETURN (METADATA (/private/a /private/b /private/c {names}))'
        assert (await c.tagged(listed)).startswith("NO [LIMIT]")


async def test_long_values_are_left_out_on_request(imap: Imap) -> None:
    """IMAP-133, RFC 5464 §4.2.1"""
    async with imap.user() as c:
        await c.ok('a SETMETADATA "" (/private/a "123456" /private/b "12")')
        responses = await c.say('b GETMETADATA (MAXSIZE 3) "" (/private/a /private/b)')
        assert responses[0] == '* METADATA "" (/private/b "12")'
        assert responses[1].startswith("b OK [METADATA LONGENTRIES 6]")


async def test_bad_names_are_refused(imap: Imap) -> None:
    """IMAP-133"""
    async with imap.user() as c:
        for name in (
            "/other/x",
            "/private",
            "/private/",
            "/private//x",
            "/private/x/",
            '"/private/*"',
            '"/private/%"',
            "/shared/vendor/acme",
            '"/private/x y"',
        ):
            assert (await c.tagged(f'a SETMETADATA "" ({name} "1")')).startswith("BAD"), name
            await c.ok("n NOOP")


async def test_what_is_missing_or_read_only_is_said(imap: Imap) -> None:
    """IMAP-133"""
    async with imap.user() as c:
        assert (await c.tagged("a GETMETADATA nowhere /private/a")).startswith("NO [NONEXISTENT]")
        assert (await c.tagged('b SETMETADATA nowhere (/private/a "1")')).startswith("NO [NONEXISTENT]")
        assert (await c.tagged('c SETMETADATA "" (/shared/admin "x")')).startswith("NO [NOPERM]")
        assert await c.ok('d GETMETADATA "" /shared/admin') == [
            '* METADATA "" (/shared/admin "mailto:postmaster@mx.example.org")'
        ]
        assert await c.ok('e GETMETADATA "" /shared/comment') == [
            '* METADATA "" (/shared/comment "moxlite on mx.example.org")'
        ]


async def test_number_and_size_are_bound_and_a_refused_set_changes_nothing(imap: Imap) -> None:
    """IMAP-133, RFC 5464 §4.3"""
    async with imap.user() as c:
        for start in range(0, 1000, 250):
            entries = " ".join(f'/private/{n} "v"' for n in range(start, start + 250))
            await c.ok(f'a SETMETADATA "" ({entries})')
        assert (await c.tagged('b SETMETADATA "" (/private/0 "new" /private/x "v")')).startswith(
            "NO [METADATA TOOMANY]"
        )
        assert await c.ok('c GETMETADATA "" /private/0') == ['* METADATA "" (/private/0 "v")']
        await c.ok('d SETMETADATA "" (/private/x "v" /private/0 NIL)')
        big = "x" * 100_000
        for n in range(9):
            await c.ok(f'e SETMETADATA "" (/private/{n + 1} {{{len(big)}+}}\r\n{big})')
        reply = await c.tagged(f'f SETMETADATA "" (/private/10 {{{len(big)}+}}\r\n{big})')
        assert reply.startswith("NO [METADATA MAXSIZE 1000000]")


async def test_changes_by_others_are_told_after_enable(imap: Imap) -> None:
    """IMAP-39, IMAP-59"""
    async with imap.user() as c, imap.user() as other, imap.user() as server_only:
        assert await c.ok("a ENABLE METADATA") == ["* ENABLED METADATA"]
        assert await server_only.ok("a ENABLE METADATA-SERVER") == ["* ENABLED METADATA-SERVER"]
        await other.ok('b SETMETADATA Inbox (/private/comment "x")')
        await other.ok('c SETMETADATA "" (/private/comment "y")')
        assert await c.ok("d NOOP") == ["* METADATA INBOX /private/comment", '* METADATA "" /private/comment']
        assert await server_only.ok("e NOOP") == ['* METADATA "" /private/comment']
        assert await other.ok("f NOOP") == []
        assert await c.ok('g SETMETADATA "" (/private/comment NIL)') == []
        assert await c.ok("h NOOP") == []


async def test_list_returns_entries_of_each_mailbox(imap: Imap) -> None:
    """IMAP-68, RFC 9590"""
    async with imap.user() as c:
        await c.ok('a SETMETADATA Archive (/private/comment "old")')
        assert await c.ok('b LIST "" (Inbox Archive) RETURN (METADATA (/private/comment))') == [
            r'* LIST (\HasNoChildren) "/" INBOX',
            "* METADATA INBOX (/private/comment NIL)",
            r'* LIST (\HasNoChildren \Archive) "/" Archive',
            '* METADATA Archive (/private/comment "old")',
        ]
        assert (await c.tagged('c LIST "" * RETURN (METADATA (/nowhere))')).startswith("BAD")


async def test_special_uses_are_an_entry(imap: Imap) -> None:
    """IMAP-133, RFC 6154 §4: LIST shows what is set, and the entry tells what CREATE or another mailbox has changed."""
    entry = "/private/specialuse"
    async with imap.user(select=None) as c:
        await c.ok("a CREATE Entwurf")
        assert await c.ok(f"a GETMETADATA Drafts {entry}") == [f'* METADATA Drafts ({entry} "\\\\Drafts")']
        await c.ok(f'a SETMETADATA Entwurf ({entry} "\\\\drafts \\\\Sent" /private/comment "x")')
        assert await c.ok('a LIST "" (Entwurf Drafts)') == [
            r'* LIST (\HasNoChildren) "/" Drafts',
            r'* LIST (\HasNoChildren \Drafts \Sent) "/" Entwurf',
        ]
        assert await c.ok(f'a LIST "" (Entwurf Drafts) RETURN (METADATA ({entry}))') == [
            r'* LIST (\HasNoChildren) "/" Drafts',
            f"* METADATA Drafts ({entry} NIL)",
            r'* LIST (\HasNoChildren \Drafts \Sent) "/" Entwurf',
            f'* METADATA Entwurf ({entry} "\\\\Drafts \\\\Sent")',
        ]
        assert (await c.tagged(f'a SETMETADATA Entwurf ({entry} "\\\\All")')).startswith("NO [USEATTR]")
        assert (await c.tagged(f'a SETMETADATA Inbox ({entry} "\\\\Sent")')).startswith("NO ")
        assert (await c.tagged(f'a SETMETADATA "" ({entry} "\\\\Sent")')).startswith("NO [CANNOT]")
        await c.ok(f"a SETMETADATA Entwurf ({entry} NIL)")
        assert await c.ok(f"a GETMETADATA Entwurf ({entry} /private/comment)") == [
            f'* METADATA Entwurf ({entry} NIL /private/comment "x")'
        ]
