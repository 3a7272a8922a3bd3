"""Links to servers with the manners of Outlook.com and GMX (LINK-32): our own server, whose octets are changed on their
way. Known of them: the capabilities, the names of mailboxes, and how they throttle, refuse and end connections.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import trio
import trio.testing

from moxlite.migration.linkstate import pause, rejects_password
from moxlite.migration.problems import Transfer
from moxlite.migration.pull import Pull
from moxlite.net.imapclient import Client, ConnectionLost, Credentials, IMAPClientError, LoginFailed, log_in
from moxlite.operations.copies import CopyByImap, Event
from moxlite.proto.imap.utf7 import encode
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.mailboxes import rename_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.session.imapd_harness import PASSWORD, Imap, imap
from tests.session.test_migration_imapcopy_sessions import fill
from tests.session.test_migration_link_hostile import Hostile, Lying, replaced
from tests.session.test_migration_link_sessions import shown

pytestmark = pytest.mark.served

__all__ = ["imap"]

Octets = Callable[[bytes], bytes]

THROTTLED = (
    rb"\1 BAD Request is throttled. Suggested Backoff Time: 89117 milliseconds"
    b"\r\n* BYE Connection closed. 14\r\n\0end"
)
EXPIRED = b"* BYE Session invalidated - AccessTokenExpired\r\n\0end"
MANY = b"* BYE Too many connections for this user\r\n\0end"


class Provider:
    """A provider: what it can, and its names of mailboxes by ours. `says_uses`: LIST has special uses."""

    def __init__(self, can: str, names: Mapping[str, str], *, says_uses: bool) -> None:
        self.can = can.encode()
        self.names = names
        self.says_uses = says_uses

    def manners(self, *more: Octets) -> Octets:
        """A change of octets from the server, with more behind it."""
        capabilities = replaced(
            rb"CAPABILITY ([^\]\r\n]*)",
            lambda one: b" ".join(
                [b"CAPABILITY", self.can, *(word for word in one[1].split() if word.startswith(b"AUTH="))]
            ),
        )
        modseq = replaced(rb"\* OK \[HIGHESTMODSEQ[^\r\n]*\r\n", b"")
        changes = [capabilities, modseq, *more]
        if not self.says_uses:
            changes.append(replaced(rb" ?\\(?:Sent|Drafts|Junk|Trash|Archive)\b", b""))

        def change(octets: bytes) -> bytes:
            for one in changes:
                octets = one(octets)
            return octets

        return change


OUTLOOK = Provider(
    "IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
    {"Trash": "Deleted", "Junk": "Junk", "Sent": "Sent", "Drafts": "Drafts", "Archive": "Archive"},
    says_uses=True,
)
GMX = Provider(
    "IMAP4rev1 CHILDREN ENABLE ID IDLE LIST-EXTENDED LIST-STATUS LITERAL- MOVE NAMESPACE SASL-IR SORT UIDPLUS UNSELECT"
    " WITHIN",
    {"Trash": "Gelöscht", "Junk": "Spamverdacht", "Sent": "Gesendet", "Drafts": "Entwürfe", "Archive": "Archiv"},
    says_uses=False,
)
PROVIDERS = {"Outlook": OUTLOOK, "GMX": GMX}


DONE = re.compile(rb"(?m)^([A-Za-z0-9]+) OK (?!\[CAPABILITY)[^\r\n]*\r\n")
"""The end of the response to a command, but to the log-in."""

LOGGED_IN = re.compile(rb"(?m)^([A-Za-z0-9]+) OK \[CAPABILITY[^\r\n]*\r\n")

END = b"\0end"
"""The server closes the connection."""


def once(pattern: re.Pattern[bytes], by: bytes, after: int = 0) -> Octets:
    """End what the server says where this matches, once, after so many matches."""
    seen = 0

    def change(octets: bytes) -> bytes:
        nonlocal seen
        for one in pattern.finditer(octets):
            seen += 1
            if seen == after + 1:
                return octets[: one.start()] + one.expand(by)
        return octets

    return change


class Closing(Lying):
    """A stream that ends behind END."""

    _over = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._over:
            return b""
        octets, mark, _ = (await super().receive_some(max_bytes)).partition(END)
        self._over = bool(mark)
        return octets


class Mannered(Hostile):
    """A link to a provider."""

    def connected(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        assert self.change_octets is not None
        return Closing(stream, self.change_octets)


@pytest.fixture
def linking(imap: Imap, tmp_path: Path) -> Hostile:
    return Mannered(imap, tmp_path)


async def furnish(linking: Hostile, provider: Provider) -> None:
    """Mail in each mailbox of mia's, which have the provider's names."""

    def rename(tx: AccountTx) -> None:
        for own, theirs in provider.names.items():
            box = mailbox_by_name(tx, own)
            assert box is not None
            if own != theirs:
                rename_mailbox(tx, box.id, theirs)
            assert mailbox_by_name(tx, theirs) is not None

    await linking.change("mia", rename)
    for at, name in enumerate(provider.names.values()):
        await fill(linking.imap, f'"{encode(name).decode()}"', 1_000 + at * 10, 2, "()")
    await fill(linking.imap, "Inbox", 1, 40, "()")


async def both(linking: Hostile, provider: Provider) -> tuple[object, object]:
    """Both sides, by our names."""
    ours = {theirs: own for own, theirs in provider.names.items()}
    async with linking.imap.accounts.use("mia") as mia, linking.imap.accounts.use("bo") as bo:
        there = {ours.get(name, name): rows for name, rows in (await shown(mia, "")).items()}
        return there, await shown(bo, "Mia/")


@pytest.mark.parametrize("name", PROVIDERS)
async def test_mailboxes_are_known_by_use_and_name(linking: Hostile, name: str) -> None:
    """LINK-32: without CONDSTORE; what is deleted here is in the provider's own trash, once."""
    provider = PROVIDERS[name]
    await furnish(linking, provider)
    linking.change_octets = provider.manners()

    async def same() -> bool:
        there, here = await both(linking, provider)
        return there == here

    async with linking.running():
        await linking.until(same)
        one, trash = await linking.message("bo", "Mia/Inbox", 7), await linking.box("bo", "Mia/Trash")
        await linking.change("bo", lambda tx: move_ids(tx, [one], trash))
        await linking.message("bo", "Mia/Trash", 7)

        async def gone() -> bool:
            async with linking.imap.accounts.use("mia") as mia:
                found = await shown(mia, "")
            in_trash = "7@example.com" in [row[0] for row in found[provider.names["Trash"]]]
            return in_trash and "7@example.com" not in [row[0] for row in found["Inbox"]] and await same()

        await linking.until(gone)


@pytest.mark.parametrize("after", [0, 3, 9])
async def test_a_throttled_session_goes_on_after_the_time_told(linking: Hostile, after: int) -> None:
    """LINK-32, LINK-9: Outlook.com answers a command so and ends the connection; nothing is lost or doubled."""
    await furnish(linking, OUTLOOK)
    linking.change_octets = OUTLOOK.manners(once(DONE, THROTTLED, after))
    with trio.fail_after(20), pytest.raises(IMAPClientError) as error:
        await linking.serve()
    if "throttled" in str(error.value):
        assert pause(1, error.value) >= 89.117

    async def same() -> bool:
        there, here = await both(linking, OUTLOOK)
        return there == here

    async with linking.running():
        await linking.until(same)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_wait_that_the_server_ends_is_a_lost_connection(linking: Hostile, name: str) -> None:
    """LINK-32: a token that expires, or IDLE that lasts too long; the password counts as good."""
    provider = PROVIDERS[name]
    await furnish(linking, provider)
    linking.change_octets = provider.manners(
        once(re.compile(rb"\+ idling[^\r\n]*\r\n"), EXPIRED if name == "Outlook" else b"* BYE idle too long\r\n\0end")
    )
    with trio.fail_after(20), pytest.raises(ConnectionLost):
        await linking.serve()
    there, here = await both(linking, provider)
    assert there == here


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (rb"\1 NO IMAP access is disabled for this mailbox; switch it on in the settings" + b"\r\n", True),
        (rb"\1 NO [LIMIT] too many connections" + b"\r\n", False),
        (rb"\1 NO [ALERT] Too many simultaneous connections. (Failure)" + b"\r\n", False),
        (MANY, False),
    ],
)
async def test_a_refusal_is_told_in_its_words(linking: Hostile, answer: bytes, refused: bool) -> None:
    """LINK-32: GMX has IMAP switched off at first; too many connections say nothing of the password."""
    linking.change_octets = GMX.manners(once(LOGGED_IN, answer))
    ours, theirs = trio.testing.memory_stream_pair()
    linking.imap.nursery.start_soon(linking.imap.serve, theirs, linking.imap.info(), linking.imap.context, trio.Event())
    client = Client(linking.connected(ours), strict=False)
    await client.greet()
    with trio.fail_after(20), pytest.raises(IMAPClientError) as error:
        await log_in(client, Credentials("mia@example.org", PASSWORD, mechanisms=("LOGIN",), allow_clear=True))
    await client.aclose()
    if refused:
        assert isinstance(error.value, LoginFailed)
        assert "IMAP access is disabled" in str(error.value)
    assert rejects_password(error.value) is refused


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_import_knows_the_mailboxes(linking: Hostile, name: str) -> None:
    """LINK-32, IMAP-139: into the account's own mailboxes of that use."""
    provider = PROVIDERS[name]
    await furnish(linking, provider)
    linking.change_octets = provider.manners()

    async def tell(event: Event) -> None:
        del event
        await trio.lowlevel.checkpoint()

    async with linking.imap.accounts.use("bo") as bo, linking.client() as client:
        order = CopyByImap(account="bo", host="h", user="mia")
        await Pull(Transfer(bo, linking.imap.accounts, order, tell, linking.tmp)).once(client)
        found = await shown(bo, "")
    assert {name: len(rows) for name, rows in found.items()} == dict.fromkeys(provider.names, 2) | {"Inbox": 40}
