"""``auth.db`` of a server with workers: open in the first process, asked by the others.

`WorkerAuth` is the interface of `AuthDB` in a worker, where each method is a question. `AuthAnswers` answers them. Some
things that the file's tables keep in memory are there in each worker, too: accounts with another server's hash,
log-outs at the login provider, and who watches sessions and shares. The first process tells all workers of a change to
them before the call that has caused it returns; so once a session has ended, no worker shows anything by it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import trio

from moxlite.store.auth.admintokens import AdminTokens
from moxlite.store.auth.audit import AuditLog
from moxlite.store.auth.authdb import AuthDB, KeptAnswers, KnownAddresses, SharedAccounts
from moxlite.store.auth.factors import FactorsDB
from moxlite.store.auth.foreignpasswords import ForeignPassword, ForeignPasswords
from moxlite.store.auth.loginattempts import LoginAttempts
from moxlite.store.auth.maskedindex import MaskedIndex
from moxlite.store.auth.providerbindings import ProviderBindings
from moxlite.store.auth.tlskeys import TLSKeys
from moxlite.store.auth.websessions import WebSessions
from moxlite.store.errors import StorageBroken, StorageBusy, StoreError
from moxlite.supervision import Supervisor
from moxlite.workers.channel import Channel
from moxlite.workers.methods import Methods, followed
from moxlite.workers.questions import Answering, Descriptors, NoAnswer, Question

logger = logging.getLogger("moxlite.workers")

SECONDS: Final = 30.0
"""Seconds for an answer: a slow card takes several for a commit, which callers in the first process wait for, too."""


def _table(kind: type[Any], name: str, *local: str) -> Methods[Any]:
    return Methods(kind, f"auth.{name}", by=("worker",), of="first", seconds=SECONDS, errors=(StoreError,), local=local)


TABLES: Final = {
    "sessions": _table(WebSessions, "sessions"),
    "attempts": _table(LoginAttempts, "attempts"),
    "keys": _table(TLSKeys, "keys"),
    "factors": _table(FactorsDB, "factors"),
    "audit": _table(AuditLog, "audit"),
    "sharing": _table(SharedAccounts, "sharing"),
    "masked": _table(MaskedIndex, "masked", "compare", "owner_of"),
    "admin_tokens": _table(AdminTokens, "admin_tokens"),
    "foreign": _table(ForeignPasswords, "foreign", "load"),
    "bindings": _table(ProviderBindings, "bindings"),
    "addresses": _table(KnownAddresses, "addresses"),
    "answers": _table(KeptAnswers, "answers"),
}
"""Tables by the names that they have in `AuthDB`."""


class Change(msgspec.Struct, frozen=True):
    """What has changed since the last change that a worker was told.

    Attributes:
      ended: accounts some of whose sessions may have ended.
      shared: whether pairs of accounts that share mailboxes have changed.
      foreign: all accounts with another server's hash; None if these have not changed.
      logouts: log-outs at the login provider, in their order: person and session.
    """

    ended: tuple[str, ...] = ()
    shared: bool = False
    foreign: dict[str, ForeignPassword] | None = None
    logouts: tuple[tuple[str, str], ...] = ()


class State(msgspec.Struct, frozen=True):
    """What a worker knows when it begins.

    `logouts` is the number of log-outs at the login provider.
    """

    foreign: dict[str, ForeignPassword]
    logouts: int
    in_service: bool


CHANGED: Final[Question[Change, None]] = Question(
    name="auth.changed", request=Change, reply=None, by=("first",), of="worker", most=1
)
BEGIN: Final[Question[State, None]] = Question(
    name="auth.begin", request=State, reply=None, by=("first",), of="worker", most=1
)
Tell = Callable[[Question[Change, None], Change], Awaitable[None]]


class AuthAnswers:
    """The part of the first process: it answers what workers ask, and tells all of them what they must know.

    Args:
      auth: the file. Three of its tables are replaced here, so nothing else may have taken one before.

    Attributes:
      tell: tells all workers; set it before the first of them begins.
    """

    def __init__(self, auth: AuthDB) -> None:
        self._auth = auth
        self.tell: Tell | None = None
        self._telling = trio.StrictFIFOLock()
        self._ended: dict[str, None] = {}
        self._told = 0, 0
        """Numbers of log-outs, and of changes of shares, that all workers know of."""
        self._foreign_used = False
        auth.sessions = followed(WebSessions, self._follow)(lambda: auth.database)
        auth.sharing = followed(SharedAccounts, self._follow)(lambda: auth.database)
        auth.foreign = followed(ForeignPasswords, self._follow_foreign)(lambda: auth.database)
        auth.sessions.watchers.append(lambda account: self._ended.update({account: None}))

    def answers(self) -> list[Answering[Any, Any]]:
        """The answers to what workers ask."""
        return [answer for name, table in TABLES.items() for answer in table.answers(getattr(self._auth, name))]

    async def begin(self, channel: Channel) -> None:
        """Tell a new worker what all others know. It must be among those to whom `tell` speaks. Raises NoAnswer."""
        auth = self._auth
        async with self._telling:  # later changes come after it
            await channel.ask(BEGIN, State(dict(auth.foreign.left), auth.sessions.logouts.count, auth.in_service))

    async def _follow(self) -> None:
        """Tell all workers what has changed. If another task tells it already, wait for that."""
        if not self._telling.locked() and not self._is_changed():
            return  # as after nearly all calls
        async with self._telling:
            if self._is_changed() and self.tell is not None:
                await self.tell(CHANGED, self._next_change())

    async def _follow_foreign(self) -> None:
        self._foreign_used = True
        await self._follow()

    def _counts(self) -> tuple[int, int]:
        return self._auth.sessions.logouts.count, self._auth.sharing.changes

    def _is_changed(self) -> bool:
        return bool(self._ended) or self._foreign_used or self._counts() != self._told

    def _next_change(self) -> Change:
        """All changes that no worker has been told."""
        (logouts, shares), ended = self._told, tuple(self._ended)
        change = Change(
            ended=ended,
            shared=shares != self._auth.sharing.changes,
            foreign=dict(self._auth.foreign.left) if self._foreign_used else None,
            logouts=tuple(self._auth.sessions.logouts.since(logouts)),
        )
        self._told = self._counts()
        self._ended, self._foreign_used = {}, False
        return change


class WorkerAuth(AuthDB):
    """The file, in a worker: each table asks the first process. Where an answer fails to come, the methods raise
    StorageBusy. Accounts are removed by the first process.

    Args:
      channel: to the first process.

    Attributes:
      begun: set once it knows what all workers know; before that it isn't to be used.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__(StorageBroken("auth.db is open in the first process alone"))
        self.begun = trio.Event()
        self._channel = channel
        self._in_service = True
        for name, table in TABLES.items():
            setattr(self, name, table.remote(self._ask)(lambda: self.database))

    @property
    def in_service(self) -> bool:
        """Whether the first process could open the file."""
        return self._in_service

    @property
    def broken(self) -> str:
        """Always empty: the first process reports on the file."""
        return ""

    def start(self, tree: Supervisor) -> None:
        """Send log-in attempts, as a task of `tree`."""
        tree.start("store.auth-recorder", self.attempts.recorder.serve)

    def first_answers(self) -> list[Answering[Any, Any]]:
        """The answers to what the first process asks."""
        return [Answering(CHANGED, self._change), Answering(BEGIN, self._begin)]

    async def _ask(self, question: Question[Any, Any], request: Any) -> Any:
        """Raises StoreError."""
        try:
            return await self._channel.ask(question, request)
        except (NoAnswer, OSError) as error:
            logger.warning("auth.db unavailable", extra={"kv": {"question": question.name, "err": str(error)}})
            raise StorageBusy("the login database isn't responding; try again later") from None

    async def _begin(self, state: State, _: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        self.foreign.replace(state.foreign)
        self.sessions.logouts.begin_at(state.logouts)
        self._in_service = state.in_service
        self.begun.set()

    async def _change(self, change: Change, _: Descriptors) -> None:
        await trio.lowlevel.checkpoint()
        if change.foreign is not None:
            self.foreign.replace(change.foreign)
        for subject, sid in change.logouts:
            self.sessions.logouts.note(subject, sid)
        for account in change.ended:
            self.sessions.tell(account)
        if change.shared:
            self.sharing.note_change()
