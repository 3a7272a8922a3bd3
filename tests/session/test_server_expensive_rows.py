"""What reads many messages never holds what is derived from all of them (STORE-198b): each message here has 5,000
addresses, as a stranger may send it, in the rows of an earlier version, which had all of them.
"""

from typing import Any, get_args

import msgspec
import pytest
import trio
import trio.testing

from moxlite.ledger import Ledger, ledger
from moxlite.proto.imap.fetchitems import Attribute
from moxlite.proto.mime.types import MailAddress, decode_structure, encode_structure
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import append
from moxlite.store.exports.engine import message_page
from moxlite.store.mail.adding import Append
from moxlite.store.rows.ordering import room_for
from moxlite.store.rows.sorting import SORT_KEYS, Ranking
from moxlite.store.search.finding import MessageQuery, Search
from moxlite.store.search.texts import texts_of
from moxlite.store.types import MailboxID
from moxlite.web.jmap import emailqueries
from moxlite.web.jmap.emailqueries import FILTERS, SORTS
from moxlite.web.jmap.emails import PROPERTIES
from tests.jmap_rig import Client as Program, Object, rig
from tests.memory import at_most
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import prepared
from tests.web_rig import Rig

__all__ = ["imap", "rig"]

MESSAGES = 150
ADDRESSES = 5_000
MOST = 12 << 20
"""Octets that a command may allocate: a portion with what is made of it. All rows have 65 MiB, decoded 300."""

ANSWER = 64 << 20
"""Octets of a call whose answer has what it read, with the answer that the program decodes."""

INBOX = MailboxID(1)

FETCHED = (
    *(attribute.value for attribute in Attribute if not attribute.value.startswith("RFC822.TEXT")),
    *("PREVIEW", "BODY.PEEK[HEADER.FIELDS (To)]", "BODY.PEEK[HEADER]", "BODY.PEEK[1]<0.10>", "BINARY.SIZE[1]"),
)
SEARCHED = ("TO zoe", "TEXT zoe", "BODY zoe", "HEADER X-Y zoe", "SENTSINCE 1-Jan-2020", "NOT OR TO zoe BODY zoe")
COMMANDS = (
    *(f"FETCH 1:* ({name})" for name in FETCHED),
    *(f"SORT (REVERSE {key} DATE) UTF-8 ALL" for key in sorted(SORT_KEYS)),
    *(f"THREAD {algorithm} UTF-8 ALL" for algorithm in ("REFERENCES", "ORDEREDSUBJECT")),
    *(f"SEARCH {program}" for program in SEARCHED),
)
"""Each command that reads messages of a mailbox, by what it reads of them: what is added to the tables of items and
keys is tried here, too.
"""


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts aren't checked when they close: the rows don't fit the messages."""

    async def check(account: OpenAccount) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr("moxlite.store.accounts.accounts._check", check)


async def fill(account: OpenAccount) -> None:
    """Make the Inbox expensive."""
    fields = (
        b"From: a@x\r\nTo: b@x\r\nSubject: %d\r\nMessage-ID: <%d@x>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n\r\n"
    )
    items = [Append(await prepared(fields % (number, number) + b"text\r\n")) for number in range(MESSAGES)]
    await append(account, INBOX, items)

    def enlarge(tx: AccountTx) -> None:
        rows = tx.rows("SELECT email_id, structure FROM message_info")
        to = tuple(MailAddress(f"N {number}", f"u{number}", "e.example") for number in range(ADDRESSES))
        wire = b"(%s)" % b"".join(b'("N %d" NIL "u%d" "e.example")' % (number, number) for number in range(ADDRESSES))
        header = b"To: " + b",\r\n ".join(b'"N %d" <u%d@e.example>' % (n, n) for n in range(2_000)) + b"\r\n\r\n"
        for email_id, packed in rows:
            structure = decode_structure(packed)
            envelope = msgspec.structs.replace(structure.envelope, to=to)
            large = encode_structure(msgspec.structs.replace(structure, envelope=envelope))
            tx.execute(
                "UPDATE message_info SET structure = ?, envelope = ? WHERE email_id = ?",
                large,
                b'(NIL "s" NIL NIL NIL %s NIL NIL NIL NIL)' % wire,
                email_id,
            )
            tx.execute("UPDATE message_header SET header = ? WHERE email_id = ?", header, email_id)

    await account.write(enlarge)


async def done(c: Client, command: str) -> bytes:
    """The tagged response; what comes before is read, and not kept."""
    await c.send(f"x {command}\r\n")
    end = b""
    while b"\r\nx " not in b"\r\n" + end or not end.endswith(b"\r\n"):
        end = (end + await c.stream.receive_some(65536))[-500:]
    return end[(b"\r\n" + end).rindex(b"\r\nx ") :]


async def test_no_command_holds_the_rows_of_all_messages(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198b, IMAP-95, IMAP-119, IMAP-127"""
    # the server waits until the client has taken what it sends
    monkeypatch.setattr("trio.testing.memory_stream_pair", trio.testing.lockstep_stream_pair)
    async with imap.accounts.use("mia") as account:
        await fill(account)
    async with imap.user() as c:
        for command in COMMANDS:
            with at_most(MOST, command):
                assert (await done(c, command)).startswith(b"x OK"), command
    assert not ledger().held["rows"]


QUERIES: tuple[tuple[str, Object], ...] = (
    *(
        ("Email/query", {"sort": [{"property": name, "keyword": "$seen", "isAscending": False}], "limit": 3})
        for name in SORTS
    ),
    *(
        ("Email/query", {"filter": {name: value}, "limit": 3})
        for name, value in {**dict.fromkeys(FILTERS, "zoe"), "header": ["X-Y", "zoe"], "hasAttachment": True}.items()
    ),
)


async def test_no_call_holds_the_rows_of_all_messages(rig: Rig) -> None:
    """STORE-198b, JMAP-24: each sort, and each filter of texts, while filters of other types are refused; each property
    of all emails, which is refused as well if it's too long for an answer.
    """
    program = Program(rig)
    await program.call("Mailbox/get")
    async with rig.account() as account:
        await fill(account)
    for name, arguments in QUERIES:
        with at_most(MOST, str(arguments)):
            await program.request([name, {"accountId": program.account, **arguments}, "0"])
    ids = (await program.call("Email/query"))["ids"]
    assert len(ids) == MESSAGES
    for name in PROPERTIES:
        arguments = {"ids": ids, "properties": [name], "fetchAllBodyValues": True}
        with at_most(ANSWER, name):
            await program.request(["Email/get", {"accountId": program.account, **arguments}, "0"])
    with at_most(MOST, "snippets"):
        await program.call("SearchSnippet/get", emailIds=ids[:50], filter={"text": "text"})


async def test_keys_of_emails_are_held(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a, STORE-198b, JMAP-24: before the first one is read; too many emails aren't sorted."""
    held: list[int] = []
    keys, here = emailqueries._keys, ledger()

    def watching(*args: Any, **options: Any) -> Any:
        held.append(here.held["answer"])
        return keys(*args, **options)

    monkeypatch.setattr(emailqueries, "_keys", watching)
    program = Program(rig)
    await program.imported()
    await program.call("Email/query", sort=[{"property": "subject"}])
    assert len(held) == 1
    assert held[0] >= room_for(1)
    monkeypatch.setattr(Ledger, "work", 100)
    assert await program.error("Email/query", sort=[{"property": "subject"}]) == "unsupportedSort"


async def test_no_list_holds_the_rows_of_all_messages(rig: Rig) -> None:
    """STORE-198b: the orders of the webmail, a search with a test of structures, texts for the index, an export."""
    async with rig.account() as account:
        await fill(account)

        async def found(**options: Any) -> None:
            search = Search(
                account, MessageQuery((INBOX,), test=lambda structure, _: not structure.envelope.cc), **options
            )
            count = 0
            while not search.done:
                count += len(await search.step())
            assert count == MESSAGES

        for order in get_args(Ranking):
            with at_most(MOST, order):
                await found(by=order)
        for read in (
            lambda r: [text.message_id for text in texts_of(r, range(1, MESSAGES + 1))],
            lambda r: message_page(r, INBOX, 0, {}),
        ):
            with at_most(MOST):
                assert len(await account.scan(read, op="test")) >= 100  # a page of an export
