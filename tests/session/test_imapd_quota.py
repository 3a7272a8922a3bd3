"""QUOTA (RFC 9208; IMAP-132)."""

import pytest

from tests.session.imapd_harness import Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]

MAIL = "From: a@example.org\r\nSubject: x\r\n\r\n" + "y" * 2000


async def test_usage_and_limit_are_told_in_kibibytes_rounded_up(imap: Imap) -> None:
    """IMAP-132"""
    imap.quota["mia"] = 10_000
    async with imap.user() as c:
        assert {"QUOTA", "QUOTA=RES-STORAGE"} <= set((await c.ok("a CAPABILITY"))[0].split())
        assert await c.ok('b GETQUOTA ""') == ['* QUOTA "" (STORAGE 0 10)']
        await c.append(MAIL)
        assert await c.ok("c GETQUOTAROOT inbox") == ['* QUOTAROOT INBOX ""', '* QUOTA "" (STORAGE 2 10)']


async def test_without_a_limit_there_is_no_root(imap: Imap) -> None:
    """IMAP-132: no syntax for usage alone."""
    async with imap.user() as c:
        assert await c.ok("a GETQUOTAROOT missing/one") == ["* QUOTAROOT missing/one"]
        assert (await c.tagged('b GETQUOTA ""')).startswith("NO [NONEXISTENT]")


async def test_there_is_one_root_and_only_the_operator_sets_it(imap: Imap) -> None:
    """IMAP-132"""
    async with imap.user() as c:
        assert (await c.tagged("a GETQUOTA other")).startswith("NO [NONEXISTENT]")
        assert (await c.tagged('b SETQUOTA "" (STORAGE 512)')).startswith("NO [NOPERM]")
        assert (await c.tagged("c GETQUOTAROOT a//b")).startswith("NO [CANNOT]")


async def test_a_full_account_refuses_new_messages_but_not_changes(imap: Imap) -> None:
    """IMAP-85, IMAP-92, IMAP-117, IMAP-132"""
    imap.quota["mia"] = 4_500
    async with imap.user() as c:
        assert (await c.append(MAIL)).startswith("OK")
        assert (await c.append(MAIL)).startswith("OK")
        assert (await c.append(MAIL)).startswith("NO [OVERQUOTA]")
        assert (await c.tagged("a COPY 1 Archive")).startswith("NO [OVERQUOTA]")
        replace = f"b REPLACE 1 Inbox {{{len(MAIL)}+}}\r\n{MAIL}"
        assert "NO [OVERQUOTA]" in (await c.say(replace))[-1]
        await c.ok("d MOVE 1 Archive")
        await c.ok(r"e STORE 1 +FLAGS (\Deleted)")
        await c.ok("f EXPUNGE")
        assert await c.ok('g GETQUOTA ""') == ['* QUOTA "" (STORAGE 2 5)']
