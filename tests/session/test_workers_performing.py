"""Commands about an account that another process owns (docs/decisions/031-workers.md)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.net.control.client import CtlClient, CtlFailed, connect_ctl
from moxlite.net.control.server import Command, CommandFailed, Exchange, serve_ctl
from moxlite.operations.store import CheckReport, StoreCheck
from moxlite.store.changelog.origin import CLI, Origin, acting_as, origin
from moxlite.supervision import Supervisor, open_supervisor
from moxlite.wording import Worded, worded
from moxlite.workers.channel import Channel, channel_pair
from moxlite.workers.performing import Forwarding, Performer

REPORT = CheckReport("mia", ["a row is missing"])

Run = Callable[[Any, Exchange], Awaitable[object]]


class Place:
    """A first process, and a worker that owns mia; both here. `run` performs the command "check" in the worker."""

    def __init__(self, run: Run) -> None:
        ours, theirs = channel_pair()
        self.worker = Channel(theirs, "worker", "first")
        self.worker.add_answers(Performer(self._owned, self.worker).answers())
        forwarding = Forwarding(lambda account: self.first if account == "mia" else None)
        self.first = Channel(ours, "first", "worker", forwarding.answers())
        self.table = forwarding.commands({"check": Command(StoreCheck, self._here)}, ["check"])
        self._run = run
        self.here: list[str] = []

    async def _owned(self) -> dict[str, Command]:
        return {"check": Command(StoreCheck, self._run)}

    async def _here(self, args: StoreCheck, exchange: Exchange) -> list[CheckReport]:
        self.here.append(args.account)
        return []

    async def commands(self) -> Any:
        """The table of the first process."""
        return self.table


@pytest.fixture
async def tree() -> AsyncIterator[Supervisor]:
    """Runs tasks."""
    async with open_supervisor("test") as supervisor:
        yield supervisor


async def served(place: Place, nursery: trio.Nursery, tree: Supervisor, folder: Path) -> Path:
    """Serve both processes; returns the control socket of the first one."""
    for channel in (place.first, place.worker):
        await nursery.start(channel.serve)
    await nursery.start(lambda task_status: serve_ctl(folder / "ctl", place.commands, tree, task_status=task_status))
    return folder / "ctl"


async def check(client: CtlClient, account: str = "mia", **options: Any) -> list[CheckReport]:
    """Ask for the command."""
    return await client.call("check", {"account": account, "deep": True}, list[CheckReport], **options)


async def test_the_owner_performs_with_the_streams_of_the_client(
    nursery: trio.Nursery, tree: Supervisor, tmp_path: Path
) -> None:
    """Decision 031: octets, progress and the result cross, by who asked."""

    async def run(args: StoreCheck, exchange: Exchange) -> list[CheckReport]:
        assert (args.account, args.deep, origin()) == ("mia", True, CLI)
        async for chunk in exchange.upload:
            await exchange.download.send(chunk * 2)
        await exchange.progress({"done": 1})
        await exchange.download.end()
        return [REPORT]

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    received = bytearray()
    progress: list[Any] = []

    async def download(octets: bytes) -> None:
        await trio.lowlevel.checkpoint()
        received.extend(octets)

    place = Place(run)
    async with connect_ctl(await served(place, nursery, tree, tmp_path)) as client:
        report = await check(client, upload=upload(), download=download, progress=progress.append)
        assert report == [REPORT]
        assert received == b"x" * 1_000_000
        assert [*map(bytes, progress)] == [b'{"done":1}']
        await check(client, "tom")
    assert place.here == ["tom"]


async def test_a_refusal_keeps_its_code_field_and_words(
    nursery: trio.Nursery, tree: Supervisor, tmp_path: Path
) -> None:
    """Decision 031: an app shows it at the field, in the user's language."""

    async def run(args: StoreCheck, exchange: Exchange) -> list[CheckReport]:
        raise CommandFailed("badRequest", worded("at most {n}", n=3), "account")

    place = Place(run)
    await served(place, nursery, tree, tmp_path)
    with pytest.raises(CommandFailed) as caught, acting_as(Origin("mia", "account")):
        await place.table["check"].run(StoreCheck("mia"), None)  # type: ignore[arg-type]  # no stream is used
    assert (caught.value.code, caught.value.field) == ("badRequest", "account")
    text = caught.value.args[0]
    assert isinstance(text, Worded)
    assert text.template == "at most {n}"
    assert caught.value.fields == [("account", text)]


async def test_a_client_that_goes_cancels_the_command(nursery: trio.Nursery, tree: Supervisor, tmp_path: Path) -> None:
    """Decision 031: as with one process."""
    begun, canceled = trio.Event(), trio.Event()

    async def run(args: StoreCheck, exchange: Exchange) -> list[CheckReport]:
        begun.set()
        try:
            while True:
                await exchange.download.send(b"x" * 100_000)
        finally:
            canceled.set()

    async def download(octets: bytes) -> None:
        await trio.sleep_forever()

    path = await served(Place(run), nursery, tree, tmp_path)
    async with trio.open_nursery() as clients, connect_ctl(path) as client:
        clients.start_soon(lambda: check(client, download=download))
        await begun.wait()
        clients.cancel_scope.cancel()
    with trio.fail_after(30):
        await canceled.wait()


async def test_a_worker_that_ends_fails_the_command(nursery: trio.Nursery, tree: Supervisor, tmp_path: Path) -> None:
    """Decision 031: the client may try again; the worker is being started."""

    async def run(args: StoreCheck, exchange: Exchange) -> list[CheckReport]:
        await trio.sleep_forever()

    place = Place(run)
    path = await served(place, nursery, tree, tmp_path)
    async with connect_ctl(path) as client:
        async with trio.open_nursery() as others:
            others.start_soon(_close_soon, place.worker)
            with pytest.raises(CtlFailed, match="isn't available") as caught:
                await check(client)
        assert caught.value.code == "busy"
        with pytest.raises(CtlFailed, match="isn't available"):
            await check(client)


async def test_a_bug_in_the_owner_is_told_as_one(nursery: trio.Nursery, tree: Supervisor, tmp_path: Path) -> None:
    """Decision 031: another try would not help; the log has it."""

    async def run(args: StoreCheck, exchange: Exchange) -> list[CheckReport]:
        raise ZeroDivisionError

    async with connect_ctl(await served(Place(run), nursery, tree, tmp_path)) as client:
        with pytest.raises(CtlFailed, match="log") as caught:
            await check(client)
    assert caught.value.code == "serverError"


async def _close_soon(channel: Channel) -> None:
    await trio.sleep(0.1)
    channel.close()
