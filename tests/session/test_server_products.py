"""No call makes a statement that reads the whole account for each of its rows (STORE-171b): with more mailboxes, more
messages cost no more than before.

The steps of SQLite's machine are counted in four accounts, with few and many mailboxes and messages. Where one number
multiplies the cost of the other, the differences don't add up.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.options import Options
from tests.jmap_rig import JMAP
from tests.largeaccount import fill
from tests.session import test_server_turns
from tests.session.test_server_turns import IMAP, imap_cases, jmap_cases, webmail_cases
from tests.web_rig import STATIC, serving

pytestmark = pytest.mark.served

MAILBOXES = 10, 50
MESSAGES = 2_000, 4_000
SHARE = 0.5
"""Steps for each pair of a further mailbox and a further message: a statement that looks at each message takes 3 at
least.
"""

RUNS = 3
"""The least steps of a statement count: work in the background has others, and not in each run."""


Costs = dict[str, Counter[str]]
"""Steps by call and statement."""


class Steps:
    """Steps of all statements since it was emptied, by their text."""

    def __init__(self) -> None:
        self.of = Counter[str]()

    def note(self, trace: dict[str, Any]) -> None:
        """Of `apsw.Connection.trace_v2`."""
        self.of[trace["sql"]] += trace["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]


@contextmanager
def counted() -> Iterator[Steps]:
    """Count the statements of all connections that are opened within."""
    steps = Steps()

    def begin(db: apsw.Connection) -> None:
        db.trace_v2(apsw.SQLITE_TRACE_PROFILE, steps.note)

    apsw.connection_hooks.append(begin)
    try:
        yield steps
    finally:
        apsw.connection_hooks.remove(begin)


async def costs(folder: Path, mailboxes: int, messages: int) -> Costs:
    """The steps of each statement of each call in an account."""
    accounts = Accounts(folder / "data", Options(search_index=True, min_free_space=0))
    async with accounts.use("mia") as account:
        await fill(account, messages, mailboxes=mailboxes)
        await account.indexer.once()
    await accounts.aclose()
    taken: Costs = {}
    with counted() as steps:
        async with serving(folder, static=STATIC + JMAP + IMAP) as rig, rig.account():
            for cases in (imap_cases, jmap_cases, webmail_cases):
                async for name, work in cases(rig):
                    name = re.sub(r"\d{4,}", "N", name)  # without UIDVALIDITY
                    for _ in range(RUNS):
                        steps.of.clear()
                        await work()
                        taken[name] = taken[name] & steps.of if name in taken else Counter(steps.of)
    return taken


async def test_no_call_costs_the_product_of_mailboxes_and_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-171b"""
    monkeypatch.setattr(test_server_turns, "MESSAGES", MESSAGES[0])
    taken = {
        (mailboxes, messages): await costs(tmp_path / f"{mailboxes}-{messages}", mailboxes, messages)
        for mailboxes in MAILBOXES
        for messages in MESSAGES
    }
    (few, many), (short, long) = MAILBOXES, MESSAGES
    most = SHARE * (many - few) * (long - short)
    products = {
        (name, sql): product
        for name, steps in taken[many, long].items()
        for sql, count in steps.items()
        if (
            product := count
            - taken[few, long][name][sql]
            - taken[many, short][name][sql]
            + taken[few, short][name][sql]
        )
        > most
    }
    assert not products
