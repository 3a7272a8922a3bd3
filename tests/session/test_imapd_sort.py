"""SORT, ESORT, SORT=DISPLAY, THREAD (RFC 5256, RFC 5267 §3, RFC 5957; IMAP-127)."""

from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

import pytest
import trio

from moxlite.imapd.changes import copy
from moxlite.imapd.search import sort
from moxlite.imapd.session import progress
from moxlite.imapd.session.sessions import UidList
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.ledger import Ledger, ledger
from moxlite.store.mail.expunging import expunge
from moxlite.store.rows.mailboxes import mailbox
from moxlite.store.rows.ordering import room_for
from moxlite.store.rows.sorting import sort_keys, thread_rows
from moxlite.store.types import MailboxID
from moxlite.store.upkeep.repairs import reassign_uids, repair
from tests.session.imapd_harness import Client, Imap, imap

pytestmark = pytest.mark.served

__all__ = ["imap"]


def mail(
    *,
    subject: str = "s",
    sender: str = "a@x.example",
    to: str = "t@x.example",
    cc: str = "",
    date: str = "",
    id_: str = "",
    references: str = "",
    body: str = "b",
) -> str:
    """A message."""
    fields = {
        "From": sender,
        "To": to,
        "Cc": cc,
        "Subject": subject,
        "Date": date,
        "Message-ID": id_,
        "References": references,
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value) + "\r\n" + body


async def three(c: Client) -> None:
    """Messages 1 to 3, each first by another key."""
    await c.append(
        mail(subject="Re: Beta", sender="Zoe <anna@y>", to="c@x", cc="b@x", date="Wed, 1 Jan 2020 10:00:00 +0000"),
        date='"03-Jan-2020 00:00:00 +0000"',
    )
    await c.append(
        mail(
            subject="alpha",
            sender="bert@a",
            to="B <a@x>",
            cc="c@x",
            date="Wed, 1 Jan 2020 12:00:00 +0300",
            body="b" * 50,
        ),
        date='"02-Jan-2020 00:00:00 +0000"',
    )
    await c.append(
        mail(subject="[x] Fwd: gamma", sender='"Carl" <carl@b>', to="b@x"), date='"01-Jan-2020 00:00:00 +0000"'
    )
    await c.ok("z NOOP")


async def test_text_is_ordered_by_unicode_casemap(imap: Imap) -> None:
    """IMAP-127, RFC 5051: in title case, so that ``[``, ``_`` and their like come behind the letters."""
    async with imap.user() as c:
        for word in ("_x", "zoe", "[b", "Émile", "eva", "{c", "Zack", "^d"):
            await c.append(mail(subject=f"a{word}", sender=f'"{word}" <a{word.strip("[{")}@x>'))
        await c.ok("z NOOP")
        assert await c.ok("a SORT (SUBJECT) UTF-8 ALL") == ["* SORT 5 4 7 2 3 8 1 6"]
        assert await c.ok("a SORT (DISPLAYFROM) UTF-8 ALL") == ["* SORT 5 4 7 2 3 8 1 6"]
        assert await c.ok("a SORT (SUBJECT ARRIVAL FROM) UTF-8 ALL") == ["* SORT 5 4 7 2 3 8 1 6"]


async def test_what_sorts_and_threads_are_made_of_is_held(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a, STORE-198b, IMAP-127: before a row is read, and no longer than the command; of a mailbox that is too
    large the client is told.
    """
    held: list[int] = []
    here = ledger()

    def watched(read: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*args: Any, **options: Any) -> Any:
            held.append(here.held["rows"])
            return read(*args, **options)

        return watching

    monkeypatch.setattr("moxlite.imapd.search.sort.sort_keys", watched(sort_keys))
    monkeypatch.setattr("moxlite.imapd.search.sort.thread_rows", watched(thread_rows))
    async with imap.user() as c:
        await three(c)
        assert await c.ok("a SORT (SUBJECT) UTF-8 ALL") == ["* SORT 2 1 3"]
        await c.ok("b THREAD REFERENCES UTF-8 ALL")
        assert held == [room_for(3), 3 * sort.THREADED]
        assert not here.held["rows"]
        monkeypatch.setattr(Ledger, "work", 100)
        assert (await c.tagged("c SORT (FROM) UTF-8 ALL")).startswith("NO [LIMIT] ")
        assert (await c.tagged("d THREAD ORDEREDSUBJECT UTF-8 ALL")).startswith("NO [LIMIT] ")


async def test_a_group_is_the_first_address(imap: Imap) -> None:
    """IMAP-127, RFC 5256 §3: its name is what ENVELOPE shows first, also of one without members."""
    async with imap.user() as c:
        for to in ("m@x", "undisclosed-recipients:;", "Board: anna@x, zoe@x;", "c@x, Aaa: b@x;"):
            await c.append(mail(subject="s", sender="a@x", to=to))
        await c.ok("z NOOP")
        assert await c.ok("a SORT (TO) UTF-8 ALL") == ["* SORT 3 4 1 2"]
        assert await c.ok("a SORT (DISPLAYTO) UTF-8 ALL") == ["* SORT 3 4 1 2"]


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ("ARRIVAL", "3 2 1"),
        ("REVERSE ARRIVAL", "1 2 3"),
        ("CC", "3 1 2"),
        ("DATE", "3 2 1"),
        ("FROM", "1 2 3"),
        ("REVERSE FROM", "3 2 1"),
        ("SIZE", "3 1 2"),
        ("SUBJECT", "2 1 3"),
        ("TO", "2 3 1"),
        ("DISPLAYFROM", "2 3 1"),
        ("DISPLAYTO", "2 3 1"),
    ],
)
async def test_messages_are_sorted_by_each_key(imap: Imap, keys: str, order: str) -> None:
    """IMAP-127"""
    async with imap.user() as c:
        assert {"SORT", "SORT=DISPLAY", "ESORT"} <= set((await c.ok("a CAPABILITY"))[0].split())
        await three(c)
        assert await c.ok(f"b SORT ({keys}) UTF-8 ALL") == [f"* SORT {order}"]


async def test_ties_go_to_the_next_key_and_at_last_to_the_number(imap: Imap) -> None:
    """IMAP-127"""
    async with imap.user() as c:
        for subject, sender in (("b", "x@x"), ("a", "y@x"), ("b", "a@x"), ("a", "y@x")):
            await c.append(mail(subject=subject, sender=sender))
        assert await c.ok("a SORT (SUBJECT FROM) UTF-8 ALL") == ["* SORT 2 4 3 1"]
        assert await c.ok("b SORT (REVERSE SUBJECT) UTF-8 ALL") == ["* SORT 1 3 2 4"]
        assert await c.ok("c UID SORT (SUBJECT) US-ASCII SUBJECT b") == ["* SORT 1 3"]
        assert await c.ok("d SORT (SUBJECT) UTF-8 DELETED") == ["* SORT"]


async def test_esort_returns_what_is_asked_for_in_sort_order(imap: Imap) -> None:
    """IMAP-123, IMAP-124, IMAP-127"""
    async with imap.user() as c:
        await three(c)
        assert await c.ok("a UID SORT RETURN (MIN MAX COUNT ALL) (SUBJECT) UTF-8 ALL") == [
            '* ESEARCH (TAG "a") UID MIN 2 MAX 3 COUNT 3 ALL 2,1,3'
        ]
        assert await c.ok("b SORT RETURN () (FROM) UTF-8 ALL") == ['* ESEARCH (TAG "b") ALL 1:3']
        assert await c.ok("c SORT RETURN (PARTIAL 2:3) (ARRIVAL) UTF-8 ALL") == [
            '* ESEARCH (TAG "c") PARTIAL (2:3 2,1)'
        ]
        assert await c.ok("d SORT RETURN (PARTIAL -1:-1) (ARRIVAL) UTF-8 ALL") == [
            '* ESEARCH (TAG "d") PARTIAL (-1:-1 1)'
        ]
        assert await c.ok("e SORT RETURN (SAVE) (ARRIVAL) UTF-8 1,3") == []
        assert await c.ok("f SORT (SIZE) UTF-8 $") == ["* SORT 3 1"]
        assert await c.ok("g SORT RETURN (COUNT) (SIZE) UTF-8 DELETED") == ['* ESEARCH (TAG "g") COUNT 0']
        assert (await c.tagged("h SORT RETURN (UPDATE) (SIZE) UTF-8 ALL")).startswith("BAD")


async def test_modseq_in_the_program_is_told(imap: Imap) -> None:
    """IMAP-80, IMAP-127"""
    async with imap.user() as c:
        await three(c)
        [line] = (await c.ok("a SORT (SIZE) UTF-8 MODSEQ 1"))[-1:]
        assert line.startswith("* SORT 3 1 2 (MODSEQ ")
        [line] = await c.ok("b SORT RETURN (COUNT) (SIZE) UTF-8 MODSEQ 1")
        assert line.startswith('* ESEARCH (TAG "b") COUNT 3 MODSEQ ')


async def test_bad_arguments_of_sort_and_thread(imap: Imap) -> None:
    """IMAP-84, IMAP-120, IMAP-127"""
    async with imap.user() as c:
        assert (await c.tagged("a SORT (COLOUR) UTF-8 ALL")).startswith("BAD")
        assert (await c.tagged("b SORT () UTF-8 ALL")).startswith("BAD")
        assert (await c.tagged("c SORT (DATE) X-NONE ALL")).startswith("NO [BADCHARSET")
        assert (await c.tagged("d THREAD JWZ UTF-8 ALL")).startswith("BAD")
        await c.ok("e ENABLE UIDONLY")
        assert (await c.tagged("f SORT (DATE) UTF-8 ALL")).startswith("BAD [UIDREQUIRED]")
        assert (await c.tagged("g THREAD REFERENCES UTF-8 ALL")).startswith("BAD [UIDREQUIRED]")
        await c.ok("h UID SORT (DATE) UTF-8 ALL")


async def conversation(c: Client) -> None:
    """Two threads: 1 <- 2 <- 4 and 1 <- 3; 5 alone, 6 by subject to 5."""
    day = "{}, {} Jan 2020 00:00:00 +0000"
    await c.append(mail(subject="one", id_="<1@x>", date=day.format("Wed", 1)))
    await c.append(mail(subject="Re: one", id_="<2@x>", references="<1@x>", date=day.format("Thu", 2)))
    await c.append(mail(subject="Re: one", id_="<3@x>", references="<1@x>", date=day.format("Fri", 3)))
    await c.append(mail(subject="Re: one", id_="<4@x>", references="<1@x> <2@x>", date=day.format("Sat", 4)))
    await c.append(mail(subject="five", id_="<5@x>", date=day.format("Sun", 5)))
    await c.append(mail(subject="Re: five", id_="<6@x>", date=day.format("Mon", 6)))
    await c.ok("z NOOP")


async def test_threads_by_references_and_by_subject(imap: Imap) -> None:
    """IMAP-127"""
    async with imap.user() as c:
        assert {"THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT"} <= set((await c.ok("a CAPABILITY"))[0].split())
        await conversation(c)
        assert await c.ok("b THREAD REFERENCES UTF-8 ALL") == ["* THREAD (1 (2 4)(3))(5 6)"]
        assert await c.ok("c THREAD ORDEREDSUBJECT UTF-8 ALL") == ["* THREAD (1 (2)(3)(4))(5 6)"]
        assert await c.ok("d UID THREAD REFERENCES UTF-8 UID 2:4") == ["* THREAD ((2 4)(3))"]
        assert await c.ok("e THREAD REFERENCES UTF-8 DELETED") == ["* THREAD"]


async def test_a_long_command_says_that_it_goes_on(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-125"""
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr(copy, "MANY", 1)

    async def slowly(session: Session, work: Callable[[], Awaitable[Any]]) -> Any:
        async def later() -> Any:
            for _ in range(10):  # what is done with three messages is else over before anything can be told
                await trio.lowlevel.checkpoint()
            return await work()

        return await progress.going_on(session, later)

    monkeypatch.setattr(copy, "going_on", slowly)
    monkeypatch.setattr(sort, "going_on", slowly)
    async with imap.user() as c:
        assert "INPROGRESS" in (await c.ok("a CAPABILITY"))[0].split()
        await three(c)
        for command, last in (
            ("SORT (SIZE) UTF-8 ALL", "* SORT 3 1 2"),
            ("THREAD ORDEREDSUBJECT UTF-8 1", "* THREAD (1)"),
            ("COPY 1:3 Archive", '* OK [INPROGRESS ("b" NIL NIL)] still working'),
        ):
            told = await c.ok(f"b {command}")
            assert told[0] == '* OK [INPROGRESS ("b" NIL NIL)] still working'
            assert told[-1] == last


async def test_what_was_kept_is_brought_up_to_date(imap: Imap) -> None:
    """IMAP-127, IMAP-168: after each message that comes or goes, a session that has asked before is told the same as
    one that has not; messages come by one and by many.
    """
    random = Random(5)
    asked = (
        "UID SORT (SUBJECT) UTF-8 ALL",
        "UID SORT (REVERSE DATE FROM) UTF-8 ALL",
        "SORT (REVERSE SIZE) UTF-8 2:*",
        "UID THREAD REFERENCES UTF-8 ALL",
        "THREAD ORDEREDSUBJECT UTF-8 ALL",
    )

    def some(number: int) -> str:
        return mail(
            subject=random.choice(["one", "Re: one", "two", "three"]),
            id_=f"<{number}@x>",
            references=" ".join(f"<{random.randrange(40)}@x>" for _ in range(random.randrange(3))) or "<none@x>",
            date=f"Wed, {random.randrange(1, 9)} Jan 2020 00:00:00 +0000",
        )

    async with imap.user() as c:
        number = 0
        for round_ in range(12):
            for _ in range(10 if round_ == 6 else random.randrange(4)):
                number += 1
                await c.append(some(number))
            if number > 2 and random.random() < 0.4:
                await c.ok(rf"s STORE {random.randrange(1, 3)} +FLAGS.SILENT (\Deleted)")
                await c.ok("x EXPUNGE")
            await c.ok("n NOOP")
            for line in random.sample(asked, 3) if number else ():
                kept = await c.ok(f"a {line}")
                for view in imap.context.sessions.views():
                    assert isinstance(view, View)
                    afresh = UidList(view.list.uids)
                    view.list, had = afresh, view.list
                    assert await c.ok(f"a {line}") == kept
                    view.list = had


async def test_what_was_kept_outlives_the_session_while_the_account_is_open(imap: Imap) -> None:
    """IMAP-127: for webmails that log in for each page; and messages that come meanwhile are inserted."""
    async with imap.account() as account:
        sharing = imap.context.sessions.sharing(account)
        validity = await account.read(lambda r: mailbox(r, 1).uidvalidity, op="test")
        async with imap.user() as c:
            await three(c)
            assert await c.ok("a UID SORT (SIZE) UTF-8 ALL") == ["* SORT 3 1 2"]
        kept = sharing.nearest(1, validity)
        assert kept is not None
        async with imap.user(select=None) as c:
            await c.append(mail(body="b" * 20))
            await c.ok("b SELECT Inbox")
            assert await c.ok("a UID SORT (SIZE) UTF-8 ALL") == ["* SORT 3 4 1 2"]
            later = sharing.nearest(1, validity)
            assert later is not None
            assert list(later[1].uids) == [*kept[1].uids, 4]
        await account.write(partial(expunge, mailbox_id=MailboxID(1), uids=[2]))
        await repair(account, reassign_uids)
        async with imap.user() as c:  # nothing of that is true any longer
            assert await c.ok("a UID SORT (SIZE) UTF-8 ALL") == ["* SORT 2 3 1"]


async def test_orders_are_kept_until_the_messages_are_others(imap: Imap) -> None:
    """IMAP-127, IMAP-168"""
    async with imap.user() as c, imap.user() as d:
        await three(c)
        for _ in range(2):  # the second time from what was kept
            assert await c.ok("a SORT (SIZE) UTF-8 ALL") == ["* SORT 3 1 2"]
            assert await c.ok("b UID SORT (SIZE) UTF-8 UID 1:2") == ["* SORT 1 2"]
            assert await c.ok("c THREAD REFERENCES UTF-8 ALL") == ["* THREAD (3)(2)(1)"]
        await d.ok(r"a STORE 1 +FLAGS (\Deleted)")
        await d.ok("b EXPUNGE")
        await c.append(mail(subject="delta"))
        await c.ok("d NOOP")
        assert await c.ok("e UID SORT (SIZE) UTF-8 ALL") == ["* SORT 4 3 2"]
        assert await c.ok("f SORT (SIZE) UTF-8 ALL") == ["* SORT 3 2 1"]
