"""What a server says of its own names, in its own octets (IMAP-139)."""

from collections.abc import Sequence

import pytest
import trio
import trio.testing

from moxlite.migration.listing import list_boxes
from moxlite.migration.names import Place, places
from moxlite.migration.problems import Problems
from moxlite.net.imapclient import Client
from moxlite.operations.copies import Event, Note
from moxlite.store.options import INITIAL_SPECIAL_USE

CAPABILITIES = b"IMAP4rev1 NAMESPACE ACL SPECIAL-USE"


class Old:
    """A server with these lines in answer to NAMESPACE and LIST."""

    def __init__(self, namespace: bytes, listed: Sequence[bytes]) -> None:
        self.namespace = namespace
        self.listed = listed
        self.examined: list[bytes] = []

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        await stream.send_all(b"* PREAUTH [CAPABILITY %b] hi\r\n" % CAPABILITIES)
        buffer = b""
        while data := await stream.receive_some(65536):
            buffer += data
            while b"\r\n" in buffer:
                line, buffer = buffer.split(b"\r\n", 1)
                tag, _, command = line.partition(b" ")
                end = b" OK done\r\n"
                if command.startswith(b"NAMESPACE"):
                    end = b" OK done\r\n" if self.namespace else b" NO not today\r\n"
                    await stream.send_all(b"* NAMESPACE %b\r\n" % self.namespace if self.namespace else b"")
                elif command.startswith(b"LIST"):
                    await stream.send_all(b"".join(b"* LIST %b\r\n" % line for line in self.listed))
                elif command.startswith(b"EXAMINE"):
                    self.examined.append(command.partition(b" ")[2])
                    known = any(listed.endswith(self.examined[-1]) for listed in self.listed)
                    end = b" OK [READ-ONLY] done\r\n" if known else b" NO unknown\r\n"
                    await stream.send_all(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n" if known else b"")
                await stream.send_all(tag + end)


async def copied(old: Old) -> tuple[dict[str, str], list[str], list[str]]:
    """Where the mailboxes go, those for everybody, and what was told. Each is opened, as a copy does."""
    events: list[Event] = []

    async def tell(event: Event) -> None:
        await trio.lowlevel.checkpoint()
        events.append(event)

    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(old.serve, theirs)
        client = Client(ours)
        await client.greet()
        found: list[Place] = places(await list_boxes(client, Problems(tell)), own=INITIAL_SPECIAL_USE)
        for place in found:
            await client.examine(place.box.name)
        await trio.aclose_forcefully(ours)
        nursery.cancel_scope.cancel()
    own = {place.box.name: place.target for place in found if not place.box.public}
    return own, [place.box.name for place in found if place.box.public], [e.text for e in events if isinstance(e, Note)]


async def test_one_mailbox_for_everybody_doesnt_hide_the_prefix() -> None:
    """IMAP-139: as Cyrus names its mailboxes."""
    listed = [
        b'(\\HasChildren) "." INBOX',
        b'() "." INBOX.Sent',
        b'() "." "INBOX.Other Users"',
        b'() "." user.ben.Work',
        b'() "." Public',
        b'() "." DELETED.user.mia.Old.1234',
    ]
    old = Old(b'(("INBOX." ".")) (("user." ".")) (("" "."))', listed)
    own, public, told = await copied(old)
    assert own == {"Inbox": "Inbox", "INBOX.Sent": "Sent", "INBOX.Other Users": "Other Users_"}
    assert public == ["Public"]
    assert told == [
        "skipped another user's folder 'user.ben.Work'",
        "skipped deleted folder 'DELETED.user.mia.Old.1234'",
    ]


@pytest.mark.parametrize("namespace", [b"", b"NIL NIL NIL"])
async def test_a_server_that_says_nothing_is_looked_at(namespace: bytes) -> None:
    """IMAP-139: then all mailboxes below Inbox have its name as a prefix."""
    own, public, _ = await copied(Old(namespace, [b'() "." INBOX', b'() "." INBOX.Work', b'() "." INBOX.Sent']))
    assert own == {"Inbox": "Inbox", "INBOX.Work": "Work", "INBOX.Sent": "Sent"}
    assert public == []


async def test_a_name_is_asked_for_as_it_was_listed() -> None:
    """IMAP-139: in UTF-8, which the server didn't announce, and in modified UTF-7 beside it."""
    old = Old(b'(("" "/")) NIL NIL', [b'() "/" INBOX', '() "/" "Envoyés"'.encode(), b'() "/" Entw&APw-rfe'])
    own, _, told = await copied(old)
    assert own == {"Inbox": "Inbox", "Envoyés": "Sent", "Entwürfe": "Drafts"}
    assert [*map(bytes.decode, old.examined)] == ["INBOX", "Entw&APw-rfe", '"Envoyés"']
    assert told == []


async def test_folders_that_only_show_messages_of_others_are_told() -> None:
    """IMAP-139"""
    listed = [b'() "/" INBOX', b'(\\All) "/" Everything', b'(\\Flagged) "/" Starred']
    own, _, told = await copied(Old(b'(("" "/")) NIL NIL', listed))
    assert own == {"Inbox": "Inbox"}
    assert told == [
        "skipped folder 'Everything': only shows messages from other folders",
        "skipped folder 'Starred': only shows messages from other folders",
    ]
