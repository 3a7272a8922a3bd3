"""The owner's clients and guests' at random on one account, while guests get rights and lose them: what each was told
must be what the store holds, and who may not read is told nothing (IMAP-157, IMAP-174).
"""

import random
from contextlib import AsyncExitStack

import pytest

from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.fetchitems import Attribute
from moxlite.proto.imap.search import AllMessages
from moxlite.proto.imap.seqset import STAR, SequenceSet
from moxlite.store.accounts.access import publish_shares
from moxlite.store.auth.credentials import set_credential
from moxlite.store.changelog import unit
from moxlite.store.changelog.account import Account
from moxlite.store.mail.acl import RIGHTS, set_rights
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.session.imapd_harness import Client, Imap, _credential, imap
from tests.session.test_imapd_model import BOXES, WORDS, Mirror, check, some, step
from tests.store_mail import put

pytestmark = pytest.mark.served

__all__ = ["imap"]

STEPS = 150
ACTIONS = ("store", "store", "expunge", "copy", "home", "move", "append", "select", "noop", "idle", "fetch")
LEVELS = ("", "l", "lr", "lrs", "lrsw", "lrswi", "lrte", "lrswite", RIGHTS)


class Guest(Mirror):
    """A client of another user, who has a shared mailbox selected; `lost` once it may not read it any longer."""

    lost = False

    async def select(self, mailbox: str) -> None:
        """SELECT of a shared mailbox, if that is permitted."""
        self.uids, self.flags, self.mailbox, self.exists, self.lost = [], {}, None, 0, False
        state = await self.run(c.Select(f"Other Users/mia/{mailbox}"))
        self.lost = state.condition != "OK"
        if self.lost:
            return
        self.mailbox = mailbox
        if self.uids or self.uidonly:
            await self.run(c.Fetch(SequenceSet(((1, STAR),)), (Attribute.UID, Attribute.FLAGS), self.uidonly))

    def apply(self, response: r.Response) -> None:
        """What a response says about the view."""
        told = isinstance(response, r.Exists | r.ExpungeData | r.Vanished | r.FetchData)
        assert not (self.lost and told), "told without the right to read"
        super().apply(response)


async def act(random_: random.Random, guest: Guest) -> None:
    """One thing that a guest may do."""
    if guest.idling:
        await guest.idle()
        return
    if guest.lost:
        await guest.select(random_.choice(BOXES))
        return
    action = random_.choice(ACTIONS)
    uid = guest.by_uid or random_.random() < 0.5
    if guest.uidonly:
        await guest.run(c.Noop())
    known = [one for one in guest.uids if one is not None]
    numbers = some(random_, known if uid else list(range(1, len(guest.uids) + 1))) if known else None
    box = f"Other Users/mia/{random_.choice(BOXES)}"
    match action:
        case "store" if numbers is not None:
            words = tuple(random_.sample(WORDS, random_.randint(0, 3)))
            await guest.run(c.Store(numbers, random_.choice(list(c.StoreMode)), words, uid))
        case "copy" if numbers is not None:
            await guest.run(c.Copy(numbers, box, uid))
        case "home" if numbers is not None:
            await guest.run(c.Copy(numbers, "Inbox", uid))
        case "move" if numbers is not None:
            await guest.run(c.Move(numbers, random_.choice((box, "Archive")), uid))
        case "fetch" if numbers is not None:
            await guest.run(c.Fetch(numbers, (Attribute.FLAGS, Attribute.UID), uid))
        case "expunge":
            await guest.run(c.Expunge())
        case "append":
            message = c.AppendMessage(0, tuple(random_.sample(WORDS, 1)))
            await guest.run(c.Append(box, (message,)), (b"a: b\r\n\r\nx",))
        case "select":
            await guest.select(random_.choice(BOXES))
        case "idle":
            await guest.idle()
        case _:
            await guest.run(c.Noop())


async def give(imap: Imap, account: Account, rights: str) -> None:
    """Rights of bo on all mailboxes of the test."""

    def work(tx: unit.AccountTx) -> None:
        for name in BOXES:
            box = mailbox_by_name(tx, name)
            assert box is not None
            set_rights(tx, box.id, "bo", rights)

    await account.write(work)
    await publish_shares(imap.context.auth, account)


async def settle(guest: Guest, rights: str) -> None:
    """A guest learns of its rights with its next command."""
    if guest.idling:
        await guest.idle()
    if "r" not in rights:
        guest.lost = True
        assert (await guest.run(c.Noop())).condition == "OK"
        assert (await guest.run(c.Search(AllMessages(), uid=True))).condition == "NO" if guest.mailbox else True


async def log_in(imap: Imap, stack: AsyncExitStack, enable: tuple[str, ...]) -> Client:
    """A connection of bo."""
    client = await stack.enter_async_context(imap.connect())
    await client.login("bo@example.org")
    for name in enable:
        await client.ok(f"e ENABLE {name}")
    return client


@pytest.mark.parametrize("seed", range(4))
async def test_owner_and_guests_know_what_the_store_holds(
    imap: Imap, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMAP-157, IMAP-174, IMAP-54; with odd seeds, changes of two messages and more are read from the log."""
    if seed % 2:
        monkeypatch.setattr(unit, "MARK_ROWS", 1)
    random_ = random.Random(seed)
    async with imap.account("bo") as bo, imap.account() as account, AsyncExitStack() as stack:
        await bo.write(lambda tx: set_credential(tx, _credential()))
        await put(account, 5)
        await give(imap, account, RIGHTS)
        owners = [
            Mirror("plain", await stack.enter_async_context(imap.user(select=None))),
            Mirror("qresync", await stack.enter_async_context(imap.user(select=None, enable=("QRESYNC",)))),
        ]
        guests = [
            Guest("guest", await log_in(imap, stack, ())),
            Guest("qresync-guest", await log_in(imap, stack, ("QRESYNC",))),
            Guest("uidonly-guest", await log_in(imap, stack, ("UIDONLY",))),
        ]
        for mirror in (*owners, *guests):
            await mirror.select("Inbox")
        for number in range(STEPS):
            if random_.random() < 0.1:
                rights = random_.choice(LEVELS)
                await give(imap, account, rights)
                for guest in guests:
                    await settle(guest, rights)
            elif random_.random() < 0.5:
                await step(random_, random_.choice(owners), account)
            else:
                await act(random_, random_.choice(guests))
            if number % 5 == 0:
                for mirror in (random_.choice(owners), random_.choice(guests)):
                    if not getattr(mirror, "lost", False):
                        await check(mirror, account)
        await give(imap, account, RIGHTS)
        for guest in guests:
            await settle(guest, RIGHTS)
            if guest.lost:
                await guest.select("Inbox")
            assert not guest.lost
        for mirror in (*owners, *guests):
            await check(mirror, account)
