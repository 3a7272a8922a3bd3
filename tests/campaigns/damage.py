"""Damaged account files: the server's code never falls over them, and `account recover` saves what was not hit.

Each file is a copy of one with 120 messages of all sizes in three mailboxes, in which pages are overwritten at random,
or a range is zeroed, or the file is cut, or its log is missing or damaged, or everything at once. Then
- a server's `Accounts` opens it beside a sound one: whatever it meets is a StoreError or is answered, the sound account
  takes mail and is clean, and what fails says which account is degraded;
- `recover` saves every message of whose rows and octets no page was hit, octet for octet, and names losses if there are
  fewer messages than before; the new file is clean by `verifydata --deep`. What the server put in front of a message
  has no checksum: an octet that changed in there is not noticed, the message itself must be what it was.
"""

import hashlib
import random
import shutil
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import apsw
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.verify import verify
from moxlite.store.content.body import message_range
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append, deliver
from moxlite.store.errors import StoreError
from moxlite.store.file.boundary import quick_check
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.adding import Append
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.options import Options
from moxlite.store.recover.pages import PAGE, Pages, roots, rows_of
from moxlite.store.recover.rebuild import recover
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import CHUNK_BITS, Flag
from moxlite.store.upkeep.check import check_account
from tests.campaigns.report import Finding, Report

__all__ = ["run"]

FILES = 500
MESSAGES = 120
NAME = "hit"
OPTIONS = Options(min_free_space=0)


def make(folder: Path, rng: random.Random) -> None:
    """The sound account, with some of it in the log only."""

    async def work() -> None:
        accounts = Accounts(folder, OPTIONS)
        async with accounts.use(NAME) as account:
            boxes = {box.name: box.id for box in await account.read(mailboxes, op="test")}
            for number in range(MESSAGES):
                size = rng.choice((10, 100, 1000, 3000, 20_000, 300_000, 700_000)) if number % 9 == 0 else 300
                text = rng.randbytes(size // 2).hex()
                data = f"Subject: damage {number}\r\nMessage-ID: <{number}@damage.example>\r\n\r\n{text}\r\n".encode()
                item = Append(await prepare(Spool.of(data), b"X-Prefix: yes\r\n"), Flag.SEEN if number % 2 else Flag(0))
                await append(account, boxes[rng.choice(("Inbox", "Sent", "Archive"))], [item])
            shutil.copytree(folder, folder.with_name("copy"))  # with the log as it is now
        await accounts.aclose()

    trio.run(work)
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)


def hashes(r: Reader, message_id: int, email_id: int) -> tuple[str, str]:
    """Of all octets of a message, and of those without what the server put in front."""
    octets = message_range(r, message_id)
    front = len(r.value("SELECT prefix FROM message_info WHERE email_id = ?", email_id))
    return hashlib.sha256(octets).hexdigest(), hashlib.sha256(octets[front:]).hexdigest()


class Original:
    """What is in the sound file: by message its hash and on which pages it lies."""

    def __init__(self, file: Path) -> None:
        self.hashes: dict[int, str] = {}
        self.bodies: set[str] = set()
        self.pages: dict[int, set[int]] = {}
        pages = Pages(file)
        found = roots(pages)
        places: dict[str, dict[int, set[int]]] = {}
        for table in ("message", "message_info", "body", "body_chunk"):
            places[table] = {}
            for cell, _ in rows_of(pages, found[table], set()):
                places[table][cell.rowid] = {cell.page, *self.overflow(pages, cell.page, cell.offset, cell.length)}
        db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        r = Reader(db)
        for message_id, email_id, body_id in r.rows("SELECT id, email_id, body_id FROM message"):
            self.hashes[message_id], body = hashes(r, message_id, email_id)
            self.bodies.add(body)
            on = places["message"][message_id] | places["message_info"][email_id] | places["body"][body_id]
            for chunk, where in places["body_chunk"].items():
                if chunk >> CHUNK_BITS == body_id:
                    on |= where
            self.pages[message_id] = on
        db.close()
        pages.close()

    @staticmethod
    def overflow(pages: Pages, page: int, offset: int, length: int) -> set[int]:
        """The overflow pages of a row of a table."""
        found: set[int] = set()
        if length <= PAGE - 35:
            return found
        least = (PAGE - 12) * 32 // 255 - 23
        local = least + (length - least) % (PAGE - 4)
        local = local if local <= PAGE - 35 else least
        following = int.from_bytes(pages.page(page)[offset + local : offset + local + 4], "big")
        while following:
            found.add(following)
            following = int.from_bytes(pages.page(following)[:4], "big")
        return found


def damage(file: Path, rng: random.Random) -> tuple[str, set[int]]:
    """Do something bad; what it was, and the pages that are no longer what they were."""
    count = file.stat().st_size // PAGE
    hit: set[int] = set()
    kinds = rng.sample(("overwrite", "zero", "bits", "truncate", "log"), rng.choice((1, 1, 1, 2, 3)))
    with file.open("r+b") as target:
        for kind in kinds:
            match kind:
                case "overwrite":
                    for page in rng.sample(range(count), rng.choice((1, 2, 5, 20))):
                        target.seek(page * PAGE)
                        target.write(rng.choice((rng.randbytes(PAGE), b"\xff" * PAGE, bytes(PAGE))))
                        hit.add(page + 1)
                case "zero":
                    start = rng.randrange(count)
                    length = rng.choice((1, 4, 16))
                    target.seek(start * PAGE)
                    target.write(bytes(min(length, count - start) * PAGE))
                    hit.update(range(start + 1, min(start + length, count) + 1))
                case "bits":
                    for page in rng.sample(range(count), rng.choice((1, 5))):
                        target.seek(page * PAGE + rng.randrange(PAGE))
                        target.write(rng.randbytes(1))
                        hit.add(page + 1)
                case "truncate":
                    left = rng.randrange(count * PAGE // 2, count * PAGE)
                    target.truncate(left)
                    hit.update(range(left // PAGE + 1, count + 1))
                case "log":
                    pass
    log = file.with_name(file.name + "-wal")
    if "log" in kinds and log.exists():
        if rng.random() < 0.5:
            log.unlink()
        else:
            size = log.stat().st_size
            with log.open("r+b") as target:
                target.seek(rng.randrange(size))
                target.write(rng.randbytes(64))
        hit.add(0)  # what was only there is lost: nothing can be said of any message
    return "+".join(kinds), hit


async def serve(folder: Path, outcomes: Counter[str]) -> None:
    """What a server does with the account, beside one that is sound."""
    accounts = Accounts(folder, OPTIONS)
    mail = b"Subject: new\r\n\r\nnew\r\n"
    try:
        try:
            async with accounts.use(NAME) as account:
                for box in await account.read(mailboxes, op="test"):
                    rows = await account.read(partial(rows_by_uid, mailbox_id=box.id, first=1, limit=500), op="test")
                    for row in rows:
                        try:
                            await account.scan(partial(message_range, message_id=row.id), op="test")
                        except StoreError as error:
                            outcomes[f"reading: {type(error).__name__}"] += 1
                await account.scan(lambda r: check_account(r, deep=True), op="test")
                findings = await account.scan(quick_check, op="test")
                if findings:
                    account.database.health.damaged(findings[0].text)
                await deliver(account, await prepare(Spool.of(mail)), NO_FACTS, "Inbox")
                outcomes["taken"] += 1
        except StoreError as error:
            outcomes[type(error).__name__] += 1
            if NAME not in str(error):
                raise Finding(f"{error!r} does not say which account is degraded") from None
        async with accounts.use("sound") as account:
            await deliver(account, await prepare(Spool.of(mail)), NO_FACTS, "Inbox")
            if findings := await account.scan(lambda r: check_account(r, deep=True), op="test"):
                raise Finding(f"the sound account: {findings}")
    finally:
        await accounts.aclose()


def salvage(file: Path, out: Path, original: Original, hit: set[int], label: str) -> tuple[int, int]:
    """Recover, and compare; how many messages were not hit, and how many were saved."""
    done = recover(NAME, file, out)
    path = out / "accounts" / NAME / "account.db"
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    r = Reader(db)
    found = [hashes(r, *row) for row in r.rows("SELECT id, email_id FROM message")]
    saved = Counter(whole for whole, _ in found)
    db.close()
    intact = [] if 0 in hit else [one for one, pages in original.pages.items() if not pages & hit]
    missing = Counter(original.hashes[one] for one in intact) - saved
    if missing:
        raise Finding(f"{label}: {missing.total()} of {len(intact)} messages that were not hit are missing")
    known = set(original.hashes.values())
    foreign = [whole for whole, body in found if whole not in known and body not in original.bodies]
    if foreign:
        raise Finding(f"{label}: {len(foreign)} messages have other octets than before")
    if saved.total() < len(original.hashes) and not done.losses and 0 not in hit:
        raise Finding(f"{label}: {len(original.hashes) - saved.total()} messages are lost, and nothing is told")
    if problems := verify(out, deep=True).problems:
        raise Finding(f"{label}: the recovered account: {problems[0]}")
    return len(intact), saved.total()


def run(seed: int, share: float, report: Report) -> None:
    """FILES × share files."""
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    intact = saved = 0
    number = max(10, round(FILES * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-damage-") as temporary:
        folder = Path(temporary)
        make(folder / "original", rng)
        original = Original(folder / "original/accounts" / NAME / "account.db")
        for count in range(number):
            data = folder / "data"
            shutil.copytree(folder / "original", data)
            file = data / "accounts" / NAME / "account.db"
            kind, hit = damage(file, rng)
            kinds.update(kind.split("+"))
            label = f"file {count}, {kind}"
            left = folder / "left"
            shutil.copytree(file.parent, left)
            try:
                trio.run(serve, data, outcomes)
            except Finding:
                raise
            except Exception as error:
                raise Finding(f"{label}: {error!r}") from error
            fine, kept = salvage(left / "account.db", folder / "out", original, hit, label)
            intact += fine
            saved += kept
            for done in (data, left, folder / "out"):
                shutil.rmtree(done)
    report.tell(
        f"{number} files of {MESSAGES} messages: {', '.join(f'{n} × {kind}' for kind, n in kinds.most_common())}"
    )
    report.tell(f"the server's code: {', '.join(f'{n} × {kind}' for kind, n in outcomes.most_common())}")
    report.tell("the account beside it took mail each time, and is clean")
    report.tell(
        f"`account recover`: {intact} messages were not hit, all saved; {saved} of {number * MESSAGES} saved in all"
    )
    report.tell("each recovered file is clean by `verifydata --deep`")
