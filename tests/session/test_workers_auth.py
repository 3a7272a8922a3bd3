"""auth.db by questions: what all processes must know, and what happens when the first one gives no answer. How log-ins
work by it is told by their own tests, which run both ways (tests/session/conftest.py).
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.foreignpasswords import ForeignPassword
from moxlite.store.auth.loginattempts import ADMIN, LoginAttempt
from moxlite.store.auth.sessions import NoSession, ProviderLogin
from moxlite.store.changelog.origin import Origin, acting_as
from moxlite.store.errors import StorageBusy
from moxlite.store.options import Options
from moxlite.wakeup import Alarm
from moxlite.workers.auth import TABLES, AuthAnswers, WorkerAuth
from moxlite.workers.channel import Channel, channel_pair
from moxlite.workers.questions import Question
from tests.authprocess import ElsewhereAuth
from tests.supervised import supervised


class Place:
    """auth.db of this process, and workers that ask it, in this process, too."""

    def __init__(self, nursery: trio.Nursery, first: AuthDB) -> None:
        self.first = first
        self._asked = AuthAnswers(first)
        self._nursery = nursery
        self._channels: list[Channel] = []
        self._asked.tell = self._tell

    async def worker(self) -> WorkerAuth:
        """A new worker."""
        ours, theirs = channel_pair()
        channel = Channel(ours, "first", "worker", self._asked.answers())
        other = Channel(theirs, "worker", "first")
        worker = WorkerAuth(other)
        other.add_answers(worker.first_answers())
        await self._nursery.start(channel.serve)
        await self._nursery.start(other.serve)
        self._channels.append(channel)
        await self._asked.begin(channel)
        assert worker.begun.is_set()
        return worker

    async def _tell(self, question: Question[Any, None], request: Any) -> None:
        for channel in self._channels:
            await channel.ask(question, request)


@pytest.fixture
async def place(nursery: trio.Nursery, tmp_path: Path) -> Place:
    """One without a worker."""
    first = await AuthDB.open(tmp_path / "auth.db", Options(min_free_space=0), create=True)
    place = Place(nursery, first)
    await nursery.start(supervised, first)
    return place


def ended_in(auth: AuthDB) -> list[str]:
    """A list to which accounts come whose sessions have ended."""
    accounts: list[str] = []
    auth.sessions.watchers.append(accounts.append)
    return accounts


def test_the_arguments_and_results_of_all_tables_can_cross() -> None:
    """Decision 031: questions are made from the annotations, so each must be one that MessagePack has."""
    for name, table in TABLES.items():
        assert table.questions, name
        for question in table.questions.values():
            msgspec.msgpack.Decoder(question.request)
            msgspec.msgpack.Decoder(question.reply)


def test_each_table_of_the_file_is_asked() -> None:
    """Decision 031: a table that is added is one of them, too."""
    auth, plain = AuthDB(StorageBusy("closed")), {"_database"}
    assert vars(auth).keys() - plain == TABLES.keys()


@pytest.mark.parametrize("asking", ["first", "worker"])
async def test_all_know_of_an_ended_session_before_its_call_returns(place: Place, asking: str) -> None:
    """Decision 031: a revoked login is in all workers before it's answered."""
    workers = [await place.worker(), await place.worker()]
    auth: AuthDB = place.first if asking == "first" else workers[0]
    tokens = await auth.sessions.add("webmail", "mia", "mia@example.org")
    session = await workers[1].sessions.use(tokens.token, "webmail", "mia")
    ended = [ended_in(one) for one in (place.first, *workers)]
    assert await auth.sessions.remove("mia", session.id)
    assert ended == [["mia"]] * 3
    for one in workers:
        with pytest.raises(NoSession):
            await one.sessions.use(tokens.token, "webmail", "mia")


async def test_all_know_of_an_account_that_is_being_removed(place: Place) -> None:
    """Decision 031, STORE-140: its sessions end everywhere."""
    worker = await place.worker()
    ended = ended_in(worker)
    await place.first.begin_removal("mia")
    assert ended == ["mia"]


async def test_all_know_of_hashes_of_another_server(place: Place) -> None:
    """Decision 031, STORE-100b: whoever verifies a password looks at them without a question."""
    asking, other = await place.worker(), await place.worker()
    await asking.foreign.enter("mia")
    assert other.foreign.left.keys() == asking.foreign.left.keys() == {"mia"}
    late = await place.worker()
    assert isinstance(late.foreign.left["mia"], ForeignPassword)
    await asking.foreign.leave("mia")
    assert not any(auth.foreign.left for auth in (place.first, other, late))


async def test_all_know_of_a_log_out_at_the_login_provider(place: Place) -> None:
    """Decision 031, WEB-183: a log-in that is on its way at another worker fails."""
    asking, other = await place.worker(), await place.worker()
    login, before, ended = ProviderLogin("7", "sid", ""), other.sessions.logouts.count, ended_in(other)
    assert not other.sessions.logouts.after(before, login)
    await asking.sessions.note_provider_logout("7", "")
    assert other.sessions.logouts.after(before, login)
    assert not other.sessions.logouts.after(before, ProviderLogin("8", "sid", ""))
    assert ended == [ADMIN]
    late = await place.worker()  # and what began before it was there can't be known
    assert late.sessions.logouts.after(before, ProviderLogin("8", "sid", ""))
    assert not late.sessions.logouts.after(late.sessions.logouts.count, login)


async def test_all_know_that_shares_have_changed(place: Place) -> None:
    """Decision 031, IMAP-157: sessions of guests look again."""
    asking, other = await place.worker(), await place.worker()
    alarm = Alarm()
    other.sharing.alarms.add(alarm)
    assert await asking.sharing.set_guests("mia", {"tom"})
    assert other.sharing.changes == 1
    with trio.fail_after(5):
        await alarm.sleep()
    assert not await asking.sharing.set_guests("mia", {"tom"})
    assert other.sharing.changes == 1


async def test_a_change_is_told_also_if_its_caller_is_cancelled(place: Place) -> None:
    """Decision 031: it may be in the file, so all look."""
    ended = ended_in(await place.worker())
    with trio.CancelScope() as scope:
        scope.cancel()
        await place.first.sessions.remove_all("mia")
    assert ended == ["mia"]


async def test_the_audit_log_names_who_asked(place: Place) -> None:
    """Decision 031, WEB-160: the origin of a change crosses."""
    worker = await place.worker()
    with acting_as(Origin("mia", "account", "192.0.2.7")):
        async with worker.audit.recording("password set", "mia", {"reset": True}):
            pass
    (entry,) = await worker.audit.entries(AuditFilter())
    assert (entry.actor, entry.via, entry.remote_ip, entry.outcome) == ("mia", "account", "192.0.2.7", "done")


async def test_attempts_are_written_together(place: Place, nursery: trio.Nursery) -> None:
    """Decision 031: log-ins don't wait for the first process."""
    worker = await place.worker()
    await nursery.start(supervised, worker)
    for _ in range(3):
        worker.attempts.record(LoginAttempt(result="ok", protocol="imap", mechanism="login", account="mia"))
    with trio.fail_after(30):
        while not await worker.attempts.newest("mia"):  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.01)
    (attempt,) = await worker.attempts.newest("mia")
    assert attempt.count == 3


CALLS: list[Callable[[AuthDB], Any]] = [
    lambda auth: auth.sessions.of("mia"),
    lambda auth: auth.sessions.add("webmail", "mia", "mia@example.org"),
    lambda auth: auth.foreign.enter("mia"),
    lambda auth: auth.keys.of("mia"),
]


@pytest.mark.parametrize("call", CALLS)
async def test_without_the_first_process_calls_fail_as_with_a_busy_file(
    tmp_path: Path, call: Callable[[AuthDB], Any]
) -> None:
    """Decision 031: the protocols have an answer for that, and the worker ends, too."""
    auth = await ElsewhereAuth.open(tmp_path / "auth.db", Options(), create=True)
    await auth.aclose()
    with pytest.raises(StorageBusy):
        await call(auth)


async def test_a_change_is_made_also_if_it_cannot_be_recorded(tmp_path: Path) -> None:
    """Decision 031, WEB-160: as while the file is out of service."""
    auth = await ElsewhereAuth.open(tmp_path / "auth.db", Options(), create=True)
    async with auth.audit.recording("password set", "mia"):
        await auth.aclose()
    async with auth.audit.recording("password set", "mia"):
        pass


async def test_what_is_answered_is_in_the_file(tmp_path: Path) -> None:
    """Decision 031: the first process has no memory that a crash takes along."""
    auth = await ElsewhereAuth.open(tmp_path / "auth.db", Options(), create=True)
    await auth.sessions.add("webmail", "mia", "mia@example.org")
    with sqlite3.connect(tmp_path / "auth.db") as connection:
        assert connection.execute("SELECT account FROM session").fetchall() == [("mia",)]
    connection.close()
    await auth.aclose()
