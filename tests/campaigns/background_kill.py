"""kill -9 in the middle of long background work on an account: it goes on where it was, and nothing acknowledged is
lost.

- *junk*: half of the messages change sides and are learnt, the filter is trained anew, the rest changes, some are
  expunged and unlearnt (STORE-85 to STORE-87);
- *expunge*: 10,000 messages are expunged, most of them in one unit, then erased and purged (STORE-27, STORE-36);
- *copies*: COPY of thousands, all or none of which are there after a kill, and whose content lives as long as one of
  them (IMAP-117, STORE-25);
- *threads*: all threads are made anew, then late parents come (STORE-83, STORE-195).

After each kill the deep check is clean, and all that was told is there; then a child goes on, is perhaps killed again,
and the end is that of an undisturbed run.
"""

import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from moxlite.imapd.changes import bulk
from moxlite.imapd.session.sessions import uid_array
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.boundary import quick_check
from moxlite.store.file.transaction import Reader
from moxlite.store.junk import trainer
from moxlite.store.junk.words import read_meta
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail import threads
from moxlite.store.mail.copying import copy_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import uids
from moxlite.store.types import UID, Flag, MailboxID
from moxlite.store.upkeep import erase
from moxlite.store.upkeep.check import check_account
from tests.campaigns.children import Tell, Work, kill_many
from tests.campaigns.report import Finding, Report
from tests.store_mail import box, deliver_mail, mail, put

__all__ = ["run"]

KILLS = 100
NAME = "mia"
INBOX = MailboxID(1)
CONFIG = AccountConfig(junk_filter=JunkParams())
OPTIONS = Options(min_free_space=0, expunged_retention=0, account_config=lambda name: CONFIG)

FLAGS = (Flag.JUNK, Flag.NOTJUNK, Flag(0))
"""Of a message before, by its UID; after, the next one."""

EVERY = "SELECT m.mailbox_id, m.uid, m.flags & 48, b.hash FROM message m JOIN body b ON b.id = m.body_id ORDER BY 1, 2"
COUNTS = "SELECT name, uidnext, total, deleted, unread, unseen, size FROM mailbox ORDER BY name"
BODIES = "SELECT hash, refs FROM body ORDER BY hash"
LEFT = "SELECT (SELECT count(*) FROM erase_queue), (SELECT count(*) FROM expunged), (SELECT count(*) FROM junk_retrain)"
THREADS = """
SELECT messageid, threadid, thread_missing_link, thread_parents FROM message ORDER BY id"""
MISSING = "SELECT reference, email_id, distance FROM thread_missing ORDER BY 1, 2"
STEP = "SELECT threads_step, (SELECT count(*) FROM upgrade) FROM state"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[OpenAccount]:
    """The account."""
    accounts = Accounts(folder, OPTIONS)
    try:
        async with accounts.use(NAME) as account:
            yield account
    finally:
        with trio.CancelScope(shield=True):
            await accounts.aclose()


class AccountWork(Work):
    """Work on one account with `messages` messages."""

    modules = (__name__,)

    def __init__(self, messages: int) -> None:
        self.messages = messages

    async def make(self, folder: Path) -> None:
        """An account, closed."""
        async with opened(folder) as account:
            await self.fill(account)

    async def act(self, folder: Path, tell: Tell) -> None:
        """Open it, work on it."""
        async with opened(folder) as account:
            tell(None)
            await self.change(account, tell)

    async def check(self, folder: Path, told: list[object]) -> None:
        """The file is sound, its rows agree, and what was told is there."""
        async with opened(folder) as account:
            findings = await account.scan(quick_check, op="test")
            findings += await account.scan(lambda r: check_account(r, deep=True, idle=True), op="test")
            if findings:
                raise Finding("; ".join(finding.text for finding in findings))
            missing = await account.scan(lambda r: self.missing(r, told), op="test")
            if missing:
                raise Finding(f"acknowledged, but not there: {missing[:10]}")

    async def result(self, folder: Path) -> object:
        """All that the work makes."""
        async with opened(folder) as account:
            return await account.scan(self.whole, op="test")

    async def fill(self, account: OpenAccount) -> None:
        """Add the messages."""
        raise NotImplementedError

    async def change(self, account: OpenAccount, tell: Tell) -> None:
        """The work itself."""
        raise NotImplementedError

    def missing(self, r: Reader, told: list[object]) -> list[object]:
        """What was told and isn't so."""
        raise NotImplementedError

    def whole(self, r: Reader) -> object:
        """What the work makes, without what differs by chance."""
        return [r.rows(sql) for sql in (EVERY, COUNTS, BODIES, LEFT)]


class Junk(AccountWork):
    """Learning, unlearning, retraining."""

    async def fill(self, account: OpenAccount) -> None:
        """Messages of either side, and of none, learnt."""
        rng = random.Random(1)
        for number in range(self.messages):
            body = " ".join(f"word{rng.randrange(400)}x" for _ in range(60))
            await deliver_mail(account, mail(number, body=f"{body}\r\n"))
        for rest, flags in enumerate(FLAGS):
            chosen = [UID(uid) for uid in range(1, self.messages + 1) if uid % 3 == rest]
            await account.write(partial(store_flags, mailbox_id=INBOX, uids=chosen, mode="replace", flags=flags))
        await account.settle()

    async def change(self, account: OpenAccount, tell: Tell) -> None:
        """All change sides, some go."""
        trainer.UNIT_MESSAGES, trainer.BATCH = 5, 5  # type: ignore[misc]
        for odd in (0, 1):
            for start in range(1, self.messages + 1, 40):
                for rest, flags in enumerate((*FLAGS[1:], FLAGS[0])):
                    part = range(start, min(start + 40, self.messages + 1))
                    chosen = [UID(uid) for uid in part if uid % 2 == odd and uid % 3 == rest]
                    await account.write(
                        partial(store_flags, mailbox_id=INBOX, uids=chosen, mode="replace", flags=flags)
                    )
                    tell((chosen, int(flags)))
                await account.trainer.once()
            await account.trainer.retrain()
        gone = [UID(uid) for uid in range(1, self.messages, 7)]
        await account.write(partial(expunge, mailbox_id=INBOX, uids=gone))
        await account.settle()
        await account.tend()

    def missing(self, r: Reader, told: list[object]) -> list[object]:
        """Flags that are not those that were set."""
        now: dict[int, int] = dict(r.rows("SELECT uid, flags & 48 FROM message"))
        wanted = {uid: flags for one in told if isinstance(one, tuple) for uid in one[0] for flags in one[1:]}
        return [uid for uid, flags in wanted.items() if now.get(uid, flags) != flags]

    def whole(self, r: Reader) -> object:
        """Words have keys of their own in each generation; their counts have not."""
        meta, filling = read_meta(r)
        assert meta is not None
        words = Counter((ham, spam) for _, ham, spam in r.rows(meta.generation.all))
        learnt = r.rows("SELECT uid, trained FROM message ORDER BY uid")
        return super().whole(r), meta.hams, meta.spams, sorted(words.items()), filling is None, learnt


class Expunge(AccountWork):
    """Most messages are copies of a fifth of them, in another mailbox, which share their bodies."""

    KEPT = 25

    async def fill(self, account: OpenAccount) -> None:
        """A fifth in the Inbox, the others in the Archive."""
        archive = (await box(account, "Archive")).id
        for start in range(0, self.messages // 5, 250):
            count = min(250, self.messages // 5 - start)
            await put(account, count, first=start)
            chosen = [UID(uid) for uid in range(start + 1, start + count + 1)]
            for _ in range(4):
                await account.write(partial(copy_messages, source_id=INBOX, uids=chosen, target_id=archive))

    async def change(self, account: OpenAccount, tell: Tell) -> None:
        """The Archive in one unit, the Inbox in some; then all that comes after it."""
        erase.UNIT_BODIES, erase.PURGE_ROWS = 50, 100  # type: ignore[misc]
        archive = (await box(account, "Archive")).id
        for mailbox_id, step in ((archive, self.messages), (INBOX, 100)):
            there = await account.scan(partial(uids, mailbox_id=mailbox_id), op="test")
            gone = [uid for uid in there if uid % self.KEPT]
            for start in range(0, len(gone), step):
                part = gone[start : start + step]
                await account.write(partial(expunge, mailbox_id=mailbox_id, uids=part))
                tell((mailbox_id, part[0], part[-1]))
            await account.eraser.once()
        await account.tend()

    def missing(self, r: Reader, told: list[object]) -> list[object]:
        """Messages that are back."""
        there = [(mailbox_id, uid) for mailbox_id, uid, *_ in r.rows(EVERY) if uid % self.KEPT]
        spans = [one for one in told if isinstance(one, tuple)]
        return [(b, uid) for b, uid in there if any(b == box and low <= uid <= high for box, low, high in spans)]


class Copies(AccountWork):
    """Copies in two mailboxes, then most of the first messages go, and some copies."""

    NAMES = ("First", "Second")

    async def fill(self, account: OpenAccount) -> None:
        """All in the Inbox."""
        for start in range(0, self.messages, 250):
            await put(account, min(250, self.messages - start), first=start)
        for name in self.NAMES:
            await account.write(partial(ensure_mailbox, name=name))

    async def change(self, account: OpenAccount, tell: Tell) -> None:
        """What was not copied is copied; then removals, each mailbox in one unit."""
        bulk.SLICE = 100  # type: ignore[misc]
        erase.UNIT_BODIES = 50  # type: ignore[misc]
        for name in self.NAMES:
            target_id = (await box(account, name)).id
            there = await account.scan(partial(uids, mailbox_id=INBOX), op="test")
            if not (await box(account, name)).total:
                chosen, target = uid_array(there), partial(self._target, mailbox_id=target_id)
                await bulk.copy_slices(account, INBOX, chosen, target, None)
                tell(name)
        for number, name in enumerate(("Inbox", *self.NAMES)):
            mailbox_id = (await box(account, name)).id
            there = await account.scan(partial(uids, mailbox_id=mailbox_id), op="test")
            if len(there) == self.messages:
                gone = [uid for place, uid in enumerate(there) if place % (5 - number)]
                await account.write(partial(expunge, mailbox_id=mailbox_id, uids=gone))
            await account.eraser.once()
        await account.tend()

    @staticmethod
    def _target(tx: AccountTx, mailbox_id: MailboxID) -> MailboxID:
        return mailbox_id

    def missing(self, r: Reader, told: list[object]) -> list[object]:
        """Copies that are not there, or not whole."""
        expected = {0, self.messages, *(len(range(0, self.messages, 5 - number)) for number in range(3))}
        counts = {one.name: one.total for one in mailboxes(r) if one.name in self.NAMES}
        return [name for name, count in counts.items() if count not in expected or (count == 0 and name in told)]

    def whole(self, r: Reader) -> object:
        """UIDs depend on how often a copy was begun."""
        found = [(mailbox_id, flags, digest) for mailbox_id, _, flags, digest in r.rows(EVERY)]
        beside = [r.value(f"SELECT count(*) FROM {table}") for table in ("message_info", "copy_part")]
        return found, beside, r.rows(BODIES), r.rows(LEFT)


class Threads(AccountWork):
    """Discussions; each thirtieth message comes late."""

    LATE = 30

    def _mail(self, number: int) -> bytes:
        """A message that answers an earlier one, or of some a later one."""
        rng = random.Random(number)
        above = [rng.randrange(max(1, number - 200), number + 3)]
        while rng.random() < 0.7:
            above.append(rng.randrange(max(0, above[-1] - 100), above[-1] + 1))
        named = " ".join(f"<{one}@example.com>" for one in reversed(above)) if number % 11 else ""
        return mail(number, subject="Re: greetings" if number % 5 else "greetings", references=named)

    async def fill(self, account: OpenAccount) -> None:
        """Messages, before the upgrade that makes their threads."""
        for number in range(self.messages):
            if number % self.LATE:
                await deliver_mail(account, self._mail(number))
        await account.write(threads._begin)

    async def change(self, account: OpenAccount, tell: Tell) -> None:
        """The upgrade, then those that are late."""
        threads.UNIT_MESSAGES = 40  # type: ignore[misc]
        await threads.keep_threads(account)
        there = await account.scan(lambda r: {row[0] for row in r.rows("SELECT messageid FROM message")}, op="test")
        for number in range(0, self.messages, self.LATE):
            if f"{number}@example.com" not in there:
                await deliver_mail(account, self._mail(number))
                tell(f"{number}@example.com")

    def missing(self, r: Reader, told: list[object]) -> list[object]:
        """Messages that were delivered."""
        there = {row[0] for row in r.rows("SELECT messageid FROM message")}
        return [one for one in told if one is not None and one not in there]

    def whole(self, r: Reader) -> object:
        """All places."""
        return [r.rows(sql) for sql in (THREADS, MISSING, STEP)], super().whole(r)


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share kills of each work."""
    rng = random.Random(seed)
    kills = max(1, round(KILLS * share))
    for kind, messages, least in ((Junk, 400, 60), (Expunge, 12_500, 600), (Copies, 5_000, 600), (Threads, 3_000, 200)):
        work = kind(max(least, round(messages * min(1.0, share))))
        with tempfile.TemporaryDirectory(prefix="moxlite-background-kill-") as folder:
            done = kill_many(work, kills, rng, Path(folder))
        report.tell(
            f"{kind.__name__.lower()}, {work.messages} messages, {done.seconds:.1f} s undisturbed: {done.kills} kills, "
            f"each left it sound with all that was acknowledged; {done.rounds} ends, each that of an undisturbed run"
        )
