"""Messages of another server as items of an import (IMAP-137..139): fetched on the event loop, consumed by a worker
thread.

The source stays unchanged: mailboxes are opened by EXAMINE, content is read by ``BODY.PEEK``. Small messages are
fetched many at a time, together with the facts of the next ones, so that no round trip is wasted. Large messages are
fetched part by part, so that no response is large, whatever sizes the server claims.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.migration.listing import ListedMessage, as_remote, facts_command, facts_of, fetch_facts
from moxlite.net.imapclient import Client, Refused
from moxlite.proto.imap import responses as r
from moxlite.proto.imap.seqset import SequenceSet
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import stream_message
from moxlite.store.content.spool import Spool
from moxlite.store.errors import NoSuchMessage
from moxlite.store.imports.items import MAX_MEMBER, Item, Mail
from moxlite.store.junkflags import flag_synonyms
from moxlite.store.mail.remotes import Origin, RemoteMessage
from moxlite.store.rows.mailboxes import flag_words
from moxlite.store.types import MessageID
from moxlite.wording import Worded, worded

WINDOW: Final = 200
"""Messages whose facts are fetched at a time."""

SMALL: Final = 512 << 10
"""Octets up to which a message is fetched in one response."""

BATCH: Final = 50
"""Messages of one FETCH."""

PART: Final = 1 << 20
"""Octets of a large message fetched at a time."""

QUEUED: Final = 16
"""Messages fetched ahead of the worker thread: 8 MiB."""

ROOM: Final = 64 << 20
"""Octets that responses may have beyond the announced sizes, which are wrong on some servers."""


class Feed:
    """A queue from the loop to a worker thread of Trio."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[Mail](QUEUED)

    async def put(self, mail: Mail) -> None:
        """Add a message; waits while the queue is full."""
        await self._send.send(mail)

    def close(self) -> None:
        """End the queue after the messages in it."""
        self._send.close()

    async def get(self) -> Mail | None:
        """The next message, on the loop; None at the end."""
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            return None

    def items(self) -> Iterator[Item]:
        """The messages in the queue, until it is closed. For a worker thread."""
        while True:
            try:
                yield trio.from_thread.run(self._receive.receive)
            except trio.EndOfChannel:
                return


class FetchTarget(msgspec.Struct, frozen=True):
    """The mailbox there, by its `name` for problems and its id as a remote, and `target`, where its messages go."""

    name: str
    remote_id: int
    target: str


class MessageFetcher:
    """Fetches messages of the open mailbox of `client`.

    Args:
      account: the account whose messages may have the same content under another of Google's labels. `here` finds them
        by X-GM-MSGID.
      only_others: leave out messages that `here` finds; `known` gets them instead.
      tmp: folder for large messages.
    """

    def __init__(
        self,
        client: Client,
        account: Account,
        *,
        course: FetchTarget,
        feed: Feed,
        problem: Callable[[str], Awaitable[None]],
        here: Callable[[Collection[int]], Awaitable[Mapping[int, MessageID]]],
        known: Callable[[Sequence[tuple[RemoteMessage, MessageID]]], Awaitable[None]],
        only_others: bool,
        tmp: Path,
    ) -> None:
        self._client = client
        self._account = account
        self._course = course
        self._feed = feed
        self._problem = problem
        self._here = here
        self._known = known
        self._only_others = only_others
        self._tmp = tmp
        self._facts: dict[int, ListedMessage] = {}
        self.octets = 0
        """Octets of messages fetched so far."""
        self.refused = 0
        """Messages that the server did not give."""

    async def run(self, uids: Sequence[int]) -> None:
        """Fetch these messages, in their order. Raises IMAPClientError; messages put before are complete."""
        for start in range(0, len(uids), WINDOW):
            window = uids[start : start + WINDOW]
            missing = [uid for uid in window if uid not in self._facts]
            if missing:
                async with aclosing(fetch_facts(self._client, missing)) as found:
                    async for facts in found:
                        self._facts[facts.uid] = facts
            await self._window(window, uids[start + WINDOW : start + 2 * WINDOW])

    async def _window(self, uids: Sequence[int], ahead: Sequence[int]) -> None:
        facts = {uid: self._facts.pop(uid) for uid in uids if uid in self._facts}
        google = {one.gm_msgid for one in facts.values() if one.gm_msgid is not None}
        # At Google a message with three labels is in three mailboxes; its octets come over the network once.
        message_ids = await self._here(google) if google else {}
        if self._only_others:
            done = [one for one in facts.values() if one.gm_msgid in message_ids]
            await self._known([(as_remote(one), message_ids[one.gm_msgid]) for one in done if one.gm_msgid is not None])
            facts = {uid: one for uid, one in facts.items() if one.gm_msgid not in message_ids}
        run: list[ListedMessage] = []
        for listed_message in facts.values():
            source = message_ids.get(listed_message.gm_msgid) if listed_message.gm_msgid is not None else None
            if source is None and listed_message.size <= SMALL:
                run.append(listed_message)
                continue
            ahead = await self._small(run, ahead)
            run = []
            if source is None or not await self._copied(listed_message, source):
                await self._large(listed_message)
        await self._small(run, ahead)

    async def _small(self, run: Sequence[ListedMessage], ahead: Sequence[int]) -> Sequence[int]:
        """Fetch whole messages, and after them the facts of later ones; returns () if all of that succeeded."""
        if not run:
            return ahead
        listed_messages = {one.uid: one for one in run}
        commands = [
            b"UID FETCH %b (UID BODY.PEEK[])" % SequenceSet.of([one.uid for one in run[at : at + BATCH]]).encode()
            for at in range(0, len(run), BATCH)
        ]
        if ahead:
            # Sent along, so that the connection is not idle for a round trip before each window.
            commands.append(facts_command(self._client, ahead))
        # A bound for all, not for each: sizes that servers tell are often a little wrong, and a hostile one must still
        # end.
        octets = sum(one.size for one in run) + ROOM
        try:
            async with aclosing(self._client.stream(*commands, octets=octets)) as responses:
                async for response in responses:
                    if not isinstance(response, r.FetchData):
                        continue
                    items = dict(response.items)
                    uid, body = items.get("UID"), items.get("BODY[]")
                    if isinstance(uid, int) and isinstance(body, bytes) and uid in listed_messages:
                        await self._put(listed_messages.pop(uid), iter((body,)), len(body))
                    elif (facts := facts_of(response)) is not None:
                        self._facts[facts.uid] = facts
        except Refused:
            pass  # perhaps because of one of them: each is fetched alone then
        for listed_message in listed_messages.values():
            await self._large(listed_message)
        return ()

    async def _large(self, facts: ListedMessage) -> None:
        """Fetch a message part by part."""
        if facts.size > MAX_MEMBER:
            await self._left_out(facts.uid, _Unusable(worded("the message is larger than {n} bytes", n=MAX_MEMBER)))
            return
        spool = Spool(self._tmp)
        try:
            while (part := await self._part(facts.uid, spool.size)) is not None:
                await spool.write(part)
                # By what comes, not by the size that was told: RFC822.SIZE may be wrong in either direction.
                if len(part) < PART:
                    break
                if spool.size > MAX_MEMBER:
                    raise _Unusable(worded("the message is larger than {n} bytes", n=MAX_MEMBER))
            if not spool.size:
                raise _Unusable(worded("the server didn't return it"))
            await spool.finish()
        except (_Unusable, Refused) as error:
            spool.close()
            await self._left_out(facts.uid, error)
        except BaseException:
            spool.close()
            raise
        else:
            await self._put(facts, _drained(spool), spool.size)

    async def _part(self, uid: int, offset: int) -> bytes | None:
        answer = await self._client.run(b"UID FETCH %d (UID BODY.PEEK[]<%d.%d>)" % (uid, offset, PART))
        for data in answer.of(r.FetchData):
            items = dict(data.items)
            if items.get("UID") != uid:
                continue
            for name in (f"BODY[]<{offset}>", "BODY[]"):
                part = items.get(name)
                if isinstance(part, bytes) and len(part) <= PART:
                    return part
        return None

    async def _copied(self, facts: ListedMessage, source: MessageID) -> bool:
        """Copy the content of a message that is here; returns whether it still existed."""
        spool = Spool(self._tmp)
        try:
            async with aclosing(stream_message(self._account, source)) as pieces:
                async for piece in pieces:
                    await spool.write(piece)
            await spool.finish()
        except NoSuchMessage:
            spool.close()
            return False
        except BaseException:
            spool.close()
            raise
        await self._put(facts, _drained(spool), 0)
        return True

    async def _put(self, facts: ListedMessage, pieces: Iterator[bytes], octets: int) -> None:
        self.octets += octets
        words = facts.flags.split()
        await self._feed.put(
            Mail(
                self._course.target,
                str(self._place(facts.uid)),
                pieces,
                facts.received,
                facts.offset,
                (*words, *flag_words(flag_synonyms(words))),
                origin=Origin(
                    self._course.remote_id, facts.uid, facts.size, facts.received or 0, facts.flags, facts.gm_msgid
                ),
            )
        )

    def _place(self, uid: int) -> Worded:
        return worded("{mailbox}, message with UID {uid}", mailbox=self._course.name, uid=str(uid))

    async def _left_out(self, uid: int, reason: Exception) -> None:
        self.refused += 1
        await self._problem(worded("skipped {place}: {reason}", place=self._place(uid), reason=reason))


class _Unusable(Exception):
    """A message cannot be fetched; the text says why."""


def _drained(spool: Spool) -> Iterator[bytes]:
    """The octets of a spool, which is closed at their end. For a worker thread."""
    with spool:
        yield from spool.chunks()
