"""Searches of other programs while an import runs: complete at each moment, and indexed as far as may be.

What it has not yet indexed is read (STORE-112).
"""

from pathlib import Path

import pytest
import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.imports.items import Form, Order
from tests.jmap_rig import JMAP, Client as Program
from tests.session.imapd_harness import Client
from tests.session.test_server_turns import IMAP
from tests.store_imports import AppearingGate, done, imported, mbox
from tests.store_mail import deliver_mail, mail
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Rig, serving

pytestmark = pytest.mark.served

WORD = "quizzical"


def letter(number: int) -> bytes:
    """A message with the word that is searched for."""
    return mail(number).replace(b"\r\n\r\n", b"\r\n\r\n" + WORD.encode() + b"\r\n", 1)


async def indexed(account: OpenAccount) -> int:
    """The number of messages that are indexed."""
    count = await account.search.ask(lambda r: int(r.value("SELECT count(*) FROM text")), "test")
    assert count is not None
    return count


async def hits(rig: Rig, account: OpenAccount) -> tuple[dict[str, int], int]:
    """The number of matches in each mailbox by IMAP, and in all mail by JMAP; the same without the index."""
    found: list[tuple[dict[str, int], int]] = []
    for enabled in (True, False):
        account.search.enabled = enabled
        async with rig.connect(port=143) as stream:
            client = Client(stream)
            await client.response()
            await client.login(ADDRESS, PASSWORD)
            by_name = {}
            for name in ("Inbox", "New"):
                await client.select(name)
                [line] = await client.ok(f"a UID SEARCH TEXT {WORD}")
                by_name[name] = len(line.split()) - 2
        answer = await Program(rig).call("Email/query", filter={"text": WORD}, calculateTotal=True)
        assert len(answer["ids"]) == answer["total"]
        found.append((by_name, answer["total"]))
    account.search.enabled = True
    assert found[0] == found[1]
    return found[0]


async def test_searches_are_complete_while_an_import_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112, STORE-122, IMAP-156, JMAP-24: what has appeared is found, and mail that comes meanwhile, which is
    indexed at once; the messages of the import are indexed when all are there.
    """
    gate = AppearingGate(monkeypatch)
    order = Order(form=Form.MBOX, mailbox="New")
    async with (
        serving(tmp_path, static=STATIC + IMAP + JMAP) as rig,
        rig.accounts.use("mia") as account,
        trio.open_nursery() as nursery,
    ):
        await deliver_mail(account, letter(1))
        await account.indexer.once()
        ended = trio.Event()

        async def run() -> None:
            done(await imported(rig.accounts, mbox([letter(number) for number in range(2, 9)]), order))
            ended.set()

        nursery.start_soon(run)
        await gate.reached.wait()
        await deliver_mail(account, letter(9))
        await account.indexer.once()
        assert await indexed(account) == 2
        assert await hits(rig, account) == ({"Inbox": 2, "New": 2}, 4)
        gate.opened.set()
        await ended.wait()
        assert await hits(rig, account) == ({"Inbox": 2, "New": 7}, 9)
        await account.indexer.once()
        assert await indexed(account) == 9
        assert await hits(rig, account) == ({"Inbox": 2, "New": 7}, 9)
