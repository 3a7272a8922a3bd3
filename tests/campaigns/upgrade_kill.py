"""kill -9 in the middle of schema migrations: the next open goes on as if nothing had been (STORE-147 to STORE-149).

From all fixtures of released schemas, and from an account with many messages. Behind the migrations of the program
come two that nobody released: one rewrites tables, so that the file is copied first, one only adds. After each kill a
file is sound, of an old schema or a newer one, never in between, and has the copies of the rewrites that are done. In
the end files and copies have the rows of an undisturbed upgrade, and the deep check is clean.
"""

import hashlib
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.layout import databases
from moxlite.store.file.migrations import Kind, migrations_of, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import copy_messages
from moxlite.store.options import Options
from moxlite.store.types import UID, MailboxID
from moxlite.store.upkeep.check import check_account
from tests.campaigns.children import Tell, Work, kill_many
from tests.campaigns.report import Finding, Report
from tests.store_mail import put
from tests.tools import top
from tests.upgrade_fixtures import names, unpack

__all__ = ["run"]

KILLS = 100
INBOX = MailboxID(1)

REWRITE = """-- rewrites tables
CREATE TABLE header_new (
    email_id INTEGER PRIMARY KEY, header BLOB NOT NULL, octets INTEGER NOT NULL, missing TEXT
) STRICT;
INSERT INTO header_new SELECT email_id, header, length(header), missing FROM message_header;
DROP TABLE message_header;
ALTER TABLE header_new RENAME TO message_header;
CREATE TABLE keyword_new (lower TEXT PRIMARY KEY, spelling TEXT NOT NULL, color TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO keyword_new SELECT lower, spelling, 'red' FROM keyword;
DROP TABLE keyword;
ALTER TABLE keyword_new RENAME TO keyword;
"""
ADD = """
ALTER TABLE message ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;
UPDATE message SET weight = size / 1024;
CREATE INDEX message_weight ON message (weight);
"""
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"


def make_schema(folder: Path) -> int:
    """The program's migrations, and two more of accounts; the number of the one that rewrites."""
    shutil.copytree(top() / "moxlite/schema", folder)
    number = len(migrations_of(Kind.ACCOUNT)) + 1
    (folder / f"account/{number:04}-rewrite.sql").write_text(REWRITE)
    (folder / f"account/{number + 1:04}-add.sql").write_text(ADD)
    return number


@contextmanager
def looking(path: Path) -> Iterator[Reader]:
    """A file as it is, without any migration; sound."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        if (told := db.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            raise Finding(f"{path.name}: {told[:5]}")
        yield Reader(db)
    finally:
        db.close()


class Upgrade(Work):
    """The upgrade of a fixture, or, without a name, of an account with `messages` messages."""

    modules = (__name__,)

    def __init__(self, schema: Path, rewrite: int, *, fixture: str = "", messages: int = 0) -> None:
        self.schema = schema
        self.rewrite = rewrite
        self.fixture = fixture
        self.messages = messages

    async def make(self, folder: Path) -> None:
        """Of the schema before."""
        if self.fixture:
            unpack(self.fixture, folder)
            return
        accounts = Accounts(folder, Options(min_free_space=0))
        async with accounts.use("mia") as account:
            await put(account, 100, keywords=("later", "work"))
            for _ in range(self.messages // 100 - 1):
                await account.write(lambda tx: copy_messages(tx, INBOX, [UID(uid) for uid in range(1, 101)], INBOX))
        await accounts.aclose()

    async def act(self, folder: Path, tell: Tell) -> None:
        """As at the start of a server, and at the first use of each account."""
        tell(None)
        for one in databases(folder):
            open_file(folder / one.path, one.kind, Options(min_free_space=0, schema=self.schema)).close()

    async def check(self, folder: Path, told: list[object]) -> None:
        """Sound, and with its copy when the rewrite is done."""
        for one in databases(folder):
            with looking(folder / one.path) as r:
                version = r.value("PRAGMA user_version")
            if one.kind is Kind.ACCOUNT and version >= self.rewrite:
                with looking(self._copy(folder / one.path)) as r:
                    if (before := r.value("PRAGMA user_version")) != self.rewrite - 1:
                        raise Finding(f"{one.path}: the copy before migration {self.rewrite} is of {before}")

    async def result(self, folder: Path) -> object:
        """Versions and rows of all files and copies."""
        found: dict[str, object] = {}
        for one in databases(folder):
            path = folder / one.path
            with looking(path) as r:
                if r.value("PRAGMA user_version") != len(migrations_of(one.kind, self.schema)):
                    raise Finding(f"{one.path} was not upgraded to the end")
                if one.kind is Kind.ACCOUNT and (findings := check_account(r, deep=True)):
                    raise Finding(f"{one.path}: {findings[0].text}")
            for file in (path, self._copy(path)) if one.kind is Kind.ACCOUNT else (path,):
                with looking(file) as r:
                    for (table,) in r.rows(TABLES):
                        rows = sorted(map(repr, r.rows(f'SELECT * FROM "{table}"')))
                        digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
                        found[f"{file.relative_to(folder)} {table}"] = (len(rows), digest)
        return found

    def _copy(self, path: Path) -> Path:
        return path.with_name(f"{path.name}.before-{self.rewrite:04}")


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share kills in the upgrade of the large account, and as many in those of the fixtures together."""
    rng = random.Random(seed)
    kills = max(1, round(KILLS * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-upgrade-kill-") as name:
        folder = Path(name)
        rewrite = make_schema(folder / "schema")
        messages = max(1_000, round(20_000 * min(1.0, share)))
        works = {f"an account with {messages} messages": Upgrade(folder / "schema", rewrite, messages=messages)}
        works |= {f"fixture {one}": Upgrade(folder / "schema", rewrite, fixture=one) for one in names()}
        for what, work in works.items():
            done = kill_many(work, -(-kills // len(names())) if work.fixture else kills, rng, folder)
            report.tell(
                f"{what}, upgraded in {done.seconds * 1000:.0f} ms undisturbed: {done.kills} kills, each left sound "
                f"files of one schema; {done.rounds} ends, each with the rows of an undisturbed upgrade"
            )
