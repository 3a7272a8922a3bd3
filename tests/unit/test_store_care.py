"""``moxlite store stats``, ``recompress``, ``reparse`` and ``reassign-threads``: on the files of a stopped server, and
through a running one (docs/spec/store.md §4, STORE-180, 182).
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from moxlite.admin.storage import checks
from moxlite.admin.storage.checks import StoreCommands
from moxlite.admin.storage.settings import compression, store_options
from moxlite.cli import run
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import load
from moxlite.config.snapshot import FixedConfig
from moxlite.lazyimport import Lazy
from moxlite.net.control.client import CtlClient, CtlFailed, connect_ctl
from moxlite.net.control.server import serve_ctl
from moxlite.operations.store import (
    StoreDone,
    StoreMeasure,
    StoreReassignThreads,
    StoreRecompress,
    StoreReparse,
    StoreStats,
)
from moxlite.process.lock import DataLock
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content import body
from moxlite.store.content.body import Compression
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages
from moxlite.store.types import AccountClosing, ThreadChanged
from moxlite.supervision import open_supervisor
from tests.small_config import STATIC
from tests.store_mail import box, look, mail, prepared, rows

COMPRESSED = STATIC + '[store]\ncompress = "zlib"\n'

DOMAINS = """\
[domains."example.org"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
[accounts.you]
domain = "example.org"
[accounts.you.destinations."you@example.org"]
"""

Capture = pytest.CaptureFixture[str]

TEXT = "some text, again and again. " * 200


@asynccontextmanager
async def opened(config: Path) -> AsyncIterator[Accounts]:
    snapshot, _ = load(config / "moxlite.toml")
    accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
    try:
        yield accounts
    finally:
        await accounts.aclose()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account with two messages, stored by zstd, and a copy of one; and an empty account."""
    (tmp_path / "moxlite.toml").write_text(COMPRESSED)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))

    async def fill() -> None:
        async with opened(tmp_path) as accounts:
            async with accounts.use("me") as account:
                inbox = (await box(account)).id
                reply = mail(2, body=TEXT).replace(b"\r\n\r\n", b"\r\nIn-Reply-To: <1@example.com>\r\n\r\n", 1)
                for octets in (mail(1, body=TEXT), reply):
                    await append(account, inbox, [Append(await prepared(octets))])
                await account.write(lambda tx: copy_messages(tx, inbox, [1], inbox))
            await accounts.create("you")

    trio.run(fill)
    return tmp_path


def in_account(config: Path, sql: str) -> list[tuple[object, ...]]:
    async def work() -> list[tuple[object, ...]]:
        async with opened(config) as accounts, accounts.use("me") as account:
            return await account.write(lambda tx: tx.rows(sql))

    return trio.run(work)


ENCODINGS = "SELECT DISTINCT enc FROM body_chunk"


def test_stats_tell_logical_and_physical_size(config: Path, capsys: Capture) -> None:
    """STORE-180: equal bodies count once, and compressed."""
    assert run(["store", "stats"]) == 0
    head, me, you = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["account", "messages", "indexed", "logical"]
    assert head.split()[4:] == ["plain", "stored", "file", "free", "index", "saved"]
    assert me.split()[:3] == ["me", "3", "0"]
    assert me.endswith("%")
    assert you.split()[:5] == ["you", "0", "0", "0", "B"]
    assert run(["--json", "store", "stats", "me"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    size = len(mail(1, body=TEXT))
    assert (found["messages"], found["bodies"]) == (3, 2)
    assert found["logical"] > found["plain"] > 2 * size
    assert 0 < found["stored"] < found["plain"] / 5
    assert found["file"] > found["stored"]
    assert found["problem"] == ""
    assert run(["store", "stats", "nobody"]) == 1
    assert 'account not found: "nobody"' in capsys.readouterr().err


def test_recompress_brings_older_mail_to_the_setting(config: Path, capsys: Capture) -> None:
    """STORE-182: and passes what is done already."""
    assert in_account(config, ENCODINGS) == [(body.Encoding.ZSTD,)]
    assert run(["store", "recompress"]) == 0
    assert capsys.readouterr().out == "me: 2 chunks recompressed\nyou: 0 chunks recompressed\n"
    assert in_account(config, ENCODINGS) == [(body.Encoding.ZLIB,)]
    assert run(["--json", "store", "recompress", "me"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"account": "me", "count": 0, "problem": ""}]
    assert run(["store", "check", "--deep"]) == 0


async def test_the_setting_is_what_new_mail_is_stored_by(config: Path) -> None:
    """STORE-182: `store.compress`."""
    snapshot, _ = load(config / "moxlite.toml")
    assert compression(snapshot) is Compression.ZLIB
    body.prefer(compression(snapshot))
    try:
        async with opened(config) as accounts, accounts.use("you") as account:
            await append(account, (await box(account)).id, [Append(await prepared(mail(1, body=TEXT)))])
            assert await look(account, lambda r: r.rows(ENCODINGS)) == [(body.Encoding.ZLIB,)]
    finally:
        body.prefer(Compression.ZSTD)


def test_reparse_makes_the_index_anew(config: Path, capsys: Capture) -> None:
    """STORE-43, STORE-59"""
    wrong = "UPDATE message_info SET envelope = x'00' RETURNING 1"
    right = in_account(config, "SELECT envelope FROM message_info ORDER BY email_id")
    in_account(config, wrong)
    assert run(["store", "reparse", "me"]) == 0
    assert capsys.readouterr().out == "me: 3 messages reparsed\n"
    assert in_account(config, "SELECT envelope FROM message_info ORDER BY email_id") == right


def test_reassign_threads_makes_them_anew(config: Path, capsys: Capture) -> None:
    """STORE-43, STORE-82"""
    threads = "SELECT count(DISTINCT threadid) FROM message"
    assert in_account(config, threads) == [(1,)]
    in_account(config, "UPDATE message SET threadid = id RETURNING 1")
    in_account(config, "UPDATE message SET thread_parents = x'90' RETURNING 1")
    assert run(["store", "reassign-threads"]) == 0
    assert capsys.readouterr().out == "me: 3 messages placed\nyou: 0 messages placed\n"
    assert in_account(config, threads) == [(1,)]
    assert run(["store", "check"]) == 0


def test_files_in_use_are_left_alone(config: Path, capsys: Capture) -> None:
    """STORE-9, STORE-164"""
    with DataLock(config / "data" / "lock"):
        assert run(["store", "recompress"]) == 1
    assert "already running" in capsys.readouterr().err


def test_an_account_that_cannot_be_read_is_told_and_the_others_are_done(config: Path, capsys: Capture) -> None:
    """STORE-158"""
    path = config / "data/accounts/me/account.db"
    path.write_bytes(b"no database at all" * 1000)
    for verb in ("recompress", "stats"):
        assert run(["store", verb]) == 1
        out, err = capsys.readouterr()
        assert "you" in out
        assert "failed for me" in err


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[tuple[CtlClient, Accounts]]:
    """A control socket with the commands of the store."""
    holder, _ = ConfigHolder.open(config / "moxlite.toml")
    path = config / "data" / "ctl"
    async with opened(config) as accounts, open_supervisor("test") as tree:
        commands = Lazy(StoreCommands(holder, accounts).registry)
        await tree.start_ready("ctl.accept", partial(serve_ctl, path, commands.get, tree))
        async with connect_ctl(path) as client:
            yield client, accounts


VERBS = {"recompress": StoreRecompress, "reparse": StoreReparse, "reassign-threads": StoreReassignThreads}


async def test_a_running_server_does_it_beside_all_else_and_tells_how_far_it_is(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-9, STORE-43, STORE-182"""
    monkeypatch.setattr(checks, "TELL_SECONDS", 0.0)
    async with served(config) as (ctl, accounts):
        told: list[bytes] = []

        async def ask(verb: str, name: str = "") -> list[StoreDone]:
            return await ctl.call(
                f"store {verb}", VERBS[verb](name), list[StoreDone], progress=lambda line: told.append(bytes(line))
            )

        assert await ask("recompress") == [StoreDone("me", 2), StoreDone("you", 0)]
        assert await ask("reparse", "me") == [StoreDone("me", 3)]
        assert await ask("reassign-threads", "me") == [StoreDone("me", 3)]
        assert {b'"me: 2 of 2 pieces of bodies"', b'"me: 3 of 3 messages"'} <= set(told)
        [stats] = await ctl.call("store stats", StoreMeasure("me"), list[StoreStats])
        assert (stats.messages, stats.bodies) == (3, 2)
        with pytest.raises(CtlFailed, match="account not found"):
            await ask("reparse", "nobody")
        assert accounts.exists("me")


async def test_who_is_connected_learns_the_new_threads(config: Path) -> None:
    """STORE-43, STORE-30: its session ends, and when it comes back it is told what has changed since."""
    async with served(config) as (ctl, accounts), accounts.use("me") as account:
        before = (await rows(account))[0].threadid
        _, cursor = await account.subscribe()
        since = cursor.modseq
        await ctl.call("store reassign-threads", StoreReassignThreads("me"), list[StoreDone])
        assert isinstance((await cursor.take()).events[-1], AccountClosing)
        _, back = await account.subscribe(since=since)
        [event] = (await back.take()).events
        assert isinstance(event, ThreadChanged)
        assert len(event.message_ids) == 3
        back.close()
        cursor.close()
        assert (await rows(account))[0].threadid == before


async def test_each_of_them_runs_once_at_a_time(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-182: a second one would do the same work twice."""
    begun = trio.Event()

    async def wait(*args: object, **more: object) -> list[StoreDone]:
        begun.set()
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(checks, "maintain", wait)
    async with served(config) as (ctl, _), trio.open_nursery() as nursery:
        nursery.start_soon(ctl.call, "store recompress", StoreRecompress(), list[StoreDone])
        await begun.wait()
        async with connect_ctl(config / "data" / "ctl") as other:
            with pytest.raises(CtlFailed, match="another `moxlite store recompress` is running"):
                await other.call("store recompress", StoreRecompress(), list[StoreDone])
        nursery.cancel_scope.cancel()
