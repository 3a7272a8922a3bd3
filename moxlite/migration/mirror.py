"""One linked server while a connection lasts: what comes, what goes, and the wait for either (LINK-5, LINK-8).

Theory of operation
-------------------
One task uses the connection. It looks at the other server, sends what was changed here, and waits by IDLE in the other
server's Inbox. A second task waits for changes of the account and ends that wait. Mailboxes besides Inbox are asked for
their state each minute; where the server has NOTIFY, it tells of them, too.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from typing import Final

import trio

from moxlite.acceptance.linked import LinkSorter
from moxlite.migration.incoming import Calls, Incoming
from moxlite.migration.linkpull import Survey
from moxlite.migration.linkstate import LinkState, LinkTestResult, Phase, tell
from moxlite.migration.listing import ListedMessage, fetch_facts, key_of, list_boxes
from moxlite.migration.names import Place
from moxlite.migration.problems import Problems, Transfer, shown
from moxlite.migration.upstream import ResentMessages, Upstream
from moxlite.net.imapclient import Client, IMAPClientError, Refused
from moxlite.operations.copies import CopyByImap, Event, MailboxStep
from moxlite.proto.address import AddressKey
from moxlite.proto.imap import commands as c, responses as r
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.fetching import structure_of
from moxlite.store.mail.links import Link, linked_remotes, note_arrival, note_sent, own_copy, sent_copies
from moxlite.store.mail.remotes import Remote
from moxlite.store.rows.messages import structures
from moxlite.store.types import AccountClosing, MessageID, SpecialUse

LOOK_SECONDS: Final = 60.0
"""Seconds between two looks at all mailboxes there."""

UNSURE_SECONDS: Final = 5.0
"""Seconds until the look that tells what has become of messages on their way; more if several looks do not."""

NO_IDLE_SECONDS: Final = 15.0
"""Seconds between two looks at Inbox, where the server has no IDLE."""

TOGETHER: Final = 1.0
"""Seconds between a change here and its way there: more come with it."""

MAX_OTHERS: Final = 1_000
"""Messages in the account's Sent that are known to be from another address."""

EVENTS: Final = b"(MessageNew MessageExpunge FlagChange)"


class Mirror:
    """A linked server.

    Args:
      state: shows what is being done.
      entered: called with each new phase.
      turn: one link of an account fetches at a time, as imports do.
      tmp: folder for temporary files.
      sorter: decides about new mail of Inbox (LINK-31).
      resent: as `ResentMessages`; kept over connections.
    """

    def __init__(
        self,
        account: Account,
        accounts: Accounts,
        link: Link,
        *,
        state: LinkState,
        entered: Callable[[Phase], None],
        turn: trio.Lock,
        tmp: Path,
        sorter: LinkSorter | None = None,
        resent: dict[tuple[int, MessageID], float] | None = None,
    ) -> None:
        order = CopyByImap(account=account.name, host=link.host, user=link.username, prefix=link.name, delete=True)
        self._account = account
        self._link = link
        self._state = state
        self._entered = entered
        self._sent = link.sent
        self._sent_copies = SentCopies(account, link)
        transfer = Transfer(account, accounts, order, self._tell, tmp)
        calls = Calls(self._urgent, self._sent_copies.adopt)
        twice = ResentMessages(transfer, {} if resent is None else resent)
        self._incoming = Incoming(transfer, calls=calls, turn=turn, sorter=sorter, resent=twice)
        self._upstream = Upstream(transfer)
        self._idle = trio.CancelScope()
        self._changed = False
        self._unsure = 0.0
        """Time since which messages are on their way, or 0."""

    async def serve(self, client: Client) -> None:
        """Mirror until the connection or the account ends. Raises IMAPClientError, StoreError."""
        failure: Exception | None = None
        _, cursor = await self._account.subscribe(op="link")
        try:
            async with trio.open_nursery() as nursery:

                async def listen() -> None:
                    nonlocal failure
                    try:
                        await self._listen(cursor)
                    except StoreError as error:
                        failure = error
                    nursery.cancel_scope.cancel()

                nursery.start_soon(listen)
                try:
                    await self._mirror(client)
                except (IMAPClientError, StoreError, OSError) as error:
                    failure = error
                nursery.cancel_scope.cancel()
        finally:
            cursor.close()
        # Raised out here, alone: a nursery would make an exception group of it, which ends the link for good; each of
        # these errors means just another try (`Links._keep`).
        if failure is not None:
            raise failure

    async def _listen(self, cursor: Cursor) -> None:
        """End the wait for the other server when something of the link changes here; returns when the account closes.
        Raises StoreError.
        """
        while True:
            await cursor.wait()
            batch = await cursor.take()
            cursor.acknowledge(batch.modseq)
            if any(isinstance(event, AccountClosing) for event in batch.events):
                return
            if self._upstream.concerns(batch.events):
                self._changed = True
                self._idle.cancel()

    async def _mirror(self, client: Client) -> None:
        await self._ask_notices(client)
        complete = False
        while True:
            soon = complete and not client.noticed and self._left() > 0
            # Before the look: what the server tells during it may be of a mailbox that was looked at already.
            client.noticed = False
            complete = await self._incoming.look(client, inbox=soon)
            await self._send(client)
            # Another look has interrupted the fetching: no wait before it.
            if not complete:
                continue
            if self._state.phase != "current":
                self._entered("current")
            while await self._wait(client, self._left()):
                await self._send(client)

    def _left(self) -> float:
        """Seconds until the next look at all mailboxes."""
        now = trio.current_time()
        self._unsure = (self._unsure or now) if self._upstream.unsure else 0.0
        pause = min(max(UNSURE_SECONDS, (now - self._unsure) / 2), LOOK_SECONDS) if self._unsure else LOOK_SECONDS
        return self._incoming.looked + pause - now

    async def _send(self, client: Client) -> None:
        self._changed = False
        await self._sent_copies.file(self._incoming.found)
        sent = await self._upstream.send(client, self._incoming.found, self._sent)
        self._incoming.found += self._upstream.made
        if sent != self._sent:
            self._sent = sent
            await self._account.write(lambda tx: note_sent(tx, self._link.id, sent))

    async def _ask_notices(self, client: Client) -> None:
        """Have the server tell of all mailboxes (RFC 5465), if it can."""
        if client.has("NOTIFY"):
            with suppress(Refused):
                await client.run(b"NOTIFY SET (SELECTED %b) (PERSONAL %b)" % (EVENTS, EVENTS))

    async def _wait(self, client: Client, seconds: float) -> bool:
        """Wait for a change on either side; returns whether it was here alone."""
        if seconds <= 0:
            return False
        # IDLE tells of the open mailbox only, and the look may have left another one open.
        selected = await client.examine("INBOX")
        if (selected.exists, selected.uidnext) != self._incoming.inbox[:2]:  # it changed while another mailbox was open
            return False
        if client.noticed:  # another mailbox did, during a command
            return False
        if selected.modseq != self._incoming.inbox[2]:  # flags did, by what was sent there or by others
            await trio.sleep(TOGETHER)
            return False
        self._idle = trio.CancelScope()
        told = False
        if not self._pending() and client.has("IDLE"):
            told = await client.idle(seconds, self._idle)
        elif not self._pending():
            with self._idle:
                await trio.sleep(min(seconds, NO_IDLE_SECONDS))
        if told or not self._pending():
            return False
        await trio.sleep(TOGETHER)
        return True

    def _pending(self) -> bool:
        return self._changed

    async def _urgent(self, client: Client) -> bool:
        """Send what was changed here while older mail is fetched; returns whether new mail has come to Inbox, or it is
        time for a look.
        """
        # No look for each change here: with what is fetched itself, one would follow each portion.
        if self._changed:
            await self._send(client)
        if self._left() <= 0:
            return True
        answer = await client.run(c.Status("INBOX", ("MESSAGES", "UIDNEXT")))
        for data in answer.of(r.StatusData):
            items = dict(data.items)
            if (items.get("MESSAGES"), items.get("UIDNEXT")) != self._incoming.inbox[:2]:
                return True
        return False

    async def _tell(self, event: Event) -> None:
        """Keep what the page shows."""
        if isinstance(event, MailboxStep) and self._state.phase != "copying" and event.total - event.done > 1:
            self._entered("copying")
        await tell(self._state, {"account": self._account.name, "link": self._link.name}, event)


class SentCopies:
    """The account's own copies of mail that was sent from the address of a link: they belong into Sent over there.

    A provider may put what it sends there itself, while the webmail or a program has put a copy into the account's own
    Sent. That copy then becomes the one of the provider, by its Message-ID, so that the message is here once. Elsewhere
    the copy is moved into the link's Sent here, once the queue has the message, and goes there as all mail (LINK-17).
    """

    def __init__(self, account: Account, link: Link) -> None:
        self._account = account
        self._link = link
        self._others: dict[MessageID, None] = {}  # messages in Sent that were not sent from the address

    async def adopt(self, client: Client, survey: Survey) -> None:
        """Take messages out of a survey that are in the account's Sent; they are the same ones from then on."""
        await client.examine(survey.place.box.name)
        async with aclosing(fetch_facts(client, survey.new, message_id=True)) as facts:
            listed_messages = [listed_message async for listed_message in facts if listed_message.message_id]
        placed = await self._account.write(
            partial(_adopted, found=listed_messages, remote=survey.remote, link=self._link)
        )
        survey.new = array("I", [uid for uid in survey.new if uid not in placed])

    async def file(self, places: Sequence[Place]) -> None:
        """Move copies into the link's Sent, unless the provider has its own. Raises StoreError."""
        there = next((place.box.name for place in places if place.box.use & SpecialUse.SENT), None)
        if there is None or self._link.outlet.keeps_copy or not self._link.outlet.host:
            return
        ids = await self._account.read(lambda r: sent_copies(r, self._link.created), op="link")
        ids = [message_id for message_id in ids if message_id not in self._others]
        if not ids:
            return
        message_ids = await self._account.read(partial(_written_from, ids=ids, address=self._link.address), op="link")
        self._others.update(dict.fromkeys(message_id for message_id in ids if message_id not in message_ids))
        # The oldest go, and are read again at the next pass if they are still in Sent.
        while len(self._others) > MAX_OTHERS:
            del self._others[next(iter(self._others))]
        if message_ids:
            await self._account.write(partial(_filed, ids=message_ids, name=there, link=self._link))


def _adopted(tx: AccountTx, *, found: Sequence[ListedMessage], remote: Remote, link: Link) -> set[int]:
    """Let own copies stand for the provider's; returns its UIDs."""
    placed = set[int]()
    for listed_message in found:
        message_id = own_copy(tx, listed_message.message_id or "", link.created)
        if message_id is not None:
            move_ids(tx, [message_id], remote.mailbox_id)
            note_arrival(tx, remote.id, listed_message.uid, message_id, key_of(listed_message), listed_message.flags)
            placed.add(listed_message.uid)
    return placed


def _written_from(r: Reader, *, ids: Sequence[MessageID], address: str) -> list[MessageID]:
    """The messages that were written from an address."""
    key, message_ids = AddressKey.parse(address), []
    for message_id, packed in structures(r, ids):
        authors = structure_of(packed).envelope.from_
        if any(author.key == key for author in authors):
            message_ids.append(message_id)
    return message_ids


def _filed(tx: AccountTx, *, ids: Sequence[MessageID], name: str, link: Link) -> None:
    remote = linked_remotes(tx, link.host, link.username).get(name)
    if remote is not None:
        move_ids(tx, ids, remote.mailbox_id)


async def look(client: Client) -> LinkTestResult:
    """List the mailboxes that can be linked. Raises IMAPClientError."""
    problems = Problems(_ignore)
    boxes = await list_boxes(client, problems)
    messages = 0
    for box in boxes:
        if box.everything:
            continue
        try:
            answer = await client.run(c.Status(box.name, ("MESSAGES",)))
        except Refused:
            continue
        for data in answer.of(r.StatusData):
            count = dict(data.items).get("MESSAGES")
            messages += count if isinstance(count, int) else 0
    return LinkTestResult([shown(box.name) for box in boxes], messages, client.has("IDLE"))


async def _ignore(event: Event) -> None:
    del event
    await trio.lowlevel.checkpoint()
