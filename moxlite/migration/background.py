"""Imports by IMAP that the account app starts: they run without a page, can be paused, and tell how far they are
(WEB-159).

The password of the other server is kept in memory while an import runs or waits, and never written anywhere: after a
restart of the server the user gives it again, and the new run goes on from what is there (IMAP-138).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Final, Literal, TypeAlias

import msgspec
import trio

from moxlite.migration.copies import Copies, Copy, CopyFailed, PasswordRejected
from moxlite.operations.copies import Copied, CopyByImap, Event, MailboxPlan, MailboxStep, Note
from moxlite.processor import act_for
from moxlite.supervision import FailurePolicy, Supervisor
from moxlite.wording import reason_of, worded

Phase: TypeAlias = Literal["looking", "looked", "running", "paused", "done", "failed", "aborted"]
"""Phase of an import. ``looking`` reads the other server's mailboxes, and ``looked`` waits for the user's choice. What
is ``done``, ``failed`` or ``aborted`` has ended.
"""

WAIT_SECONDS: Final = 24 * 3600.0
"""Seconds for which an import waits for the user, who has paused it or shall choose mailboxes; then it ends."""

KEPT_SECONDS: Final = 24 * 3600.0
"""Seconds for which the result of an ended import is shown."""

MAX_RUNNING: Final = 8
"""Imports of the server that have not ended: each holds a connection and some MB."""

MAX_TEXTS: Final = 200
"""Problems that are kept for the page; all are counted."""

ENDED: Final = frozenset({"done", "failed", "aborted"})

NOTHING: Final = Copied(0, 0, 0, 0, 0)


class CannotNow(Exception):
    """The import cannot do this in its phase, or cannot begin. The text is for the user."""


class ImportLook(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an import.

    Attributes:
      host, port, tls, user: of the other server.
      plan: its mailboxes, once they were read.
      mailbox, done, total: the mailbox that is copied now, and its messages. all, left: messages of all mailboxes, and
        those that were not looked at yet; -1 if unknown. seconds: estimated time left, -1 if unknown.
      copied: counts of the work done.
      note: the last thing that the import has to say, such as a new try after a lost connection.
      problems: messages and mailboxes that were left out, the first ones.
      error: reason of a failure.
    """

    phase: Phase
    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str
    plan: list[MailboxPlan]
    mailbox: str
    done: int
    total: int
    all: int
    left: int
    seconds: int
    copied: Copied
    note: str
    problems: list[str]
    error: str


class _Run:
    """One import from another server: what was ordered, and how far it is."""

    def __init__(self, order: CopyByImap, *, look: bool) -> None:
        self.order = order
        self.phase: Phase = "looking" if look else "running"
        self.plan: list[MailboxPlan] = []
        self.step = MailboxStep("", 0, 0)
        self.all = -1
        self.before = NOTHING
        self.copy: Copy | None = None
        self.said = ""  # the last notice, or the reason of a failure
        self.problems: list[str] = []
        self.ended = 0.0
        self.scope = trio.CancelScope()
        self.wake = trio.Event()

    @property
    def copied(self) -> Copied:
        """Counts of all stretches of the run."""
        now = NOTHING if self.copy is None else self.copy.result
        before = self.before
        return Copied(
            before.messages + now.messages,
            before.flags + now.flags,
            before.removed + now.removed,
            max(before.mailboxes, now.mailboxes),  # compared again by each stretch
            max(before.problems, now.problems),
        )

    async def tell(self, event: Event) -> None:
        """Keep an event for the page."""
        match event:
            case MailboxPlan():
                self.plan.append(event)
            case MailboxStep():
                self.step = event
                self.all = max(self.all, event.left)
                self.said = ""
            case Note(text, problem) if problem:
                if len(self.problems) < MAX_TEXTS and text not in self.problems:
                    self.problems.append(text)
            case Note(text):
                self.said = text
        await trio.lowlevel.checkpoint()

    def end(self, phase: Phase, error: str = "") -> None:
        """End the import, and forget the password."""
        self.phase, self.said = phase, error
        self.ended = trio.current_time()
        self.order = msgspec.structs.replace(self.order, password="", token="")


class BackgroundImports:
    """The imports of a server, the latest of each account."""

    def __init__(self, copies: Copies, tree: Supervisor) -> None:
        self._copies = copies
        self._tree = tree
        self._runs: dict[str, _Run] = {}
        self._begun: dict[str, Callable[[], None]] = {}  # by account, for the log-in of its run's next stretch

    def start(self, order: CopyByImap, *, look: bool, inside: bool) -> None:
        """Begin an import; with `look`, read the other server's mailboxes first and wait for `go_on`.

        Args:
          inside: whether the server may have an address of the inner network (`Copies.run`).

        Raises CannotNow, TooManyLogins.
        """
        old = self._runs.get(order.account)
        if self._copies.is_running(order.account) or (old is not None and old.phase not in ENDED):
            raise CannotNow("an import from another server is already running")
        if sum(one.phase not in ENDED for one in self._runs.values()) >= MAX_RUNNING:
            raise CannotNow("too many imports are running on this server; try again later")
        # Counted before it runs: a user could else try passwords at another server by beginning and ending imports.
        self._begun[order.account] = self._copies.logins.begin(order.account, order.host, order.user)
        run = self._runs[order.account] = _Run(order, look=look)
        self._tree.start("migration.import", partial(self._serve, run, inside), FailurePolicy.ONCE)

    def look(self, account: str) -> ImportLook | None:
        """The state of the account's import, or None."""
        run = self._runs.get(account)
        if run is None or (run.phase in ENDED and trio.current_time() - run.ended >= KEPT_SECONDS):
            self._runs.pop(account, None)
            return None
        order, step = run.order, run.step
        return ImportLook(
            phase=run.phase,
            host=order.host,
            port=order.port,
            tls=order.tls,
            user=order.user,
            plan=run.plan,
            mailbox=step.mailbox,
            done=step.done,
            total=step.total,
            all=run.all,
            left=step.left,
            seconds=step.seconds,
            copied=run.copied,
            note="" if run.phase in ENDED else run.said,
            problems=run.problems,
            error=run.said if run.phase in ENDED else "",
        )

    def pause(self, account: str) -> None:
        """Stop copying until `go_on`. Raises CannotNow."""
        run = self._of(account, "running")
        run.phase = "paused"
        run.scope.cancel()

    def go_on(self, account: str, leave_out: Collection[str] | None = None) -> None:
        """Copy, after a pause, or for the first time without the mailboxes in `leave_out`. Raises CannotNow,
        TooManyLogins.
        """
        run = self._of(account, "paused", "looked")
        self._begun[account] = self._copies.logins.begin(account, run.order.host, run.order.user)
        if leave_out is not None:
            run.order = msgspec.structs.replace(run.order, leave_out=list(leave_out))
        run.phase = "running"
        run.wake.set()

    def abort(self, account: str) -> None:
        """End the import; messages that were copied stay. Raises CannotNow."""
        run = self._of(account, "looking", "looked", "running", "paused")
        run.end("aborted")
        run.scope.cancel()
        run.wake.set()

    def forget(self, account: str) -> None:
        """Show the result of an ended import no longer."""
        run = self._runs.get(account)
        if run is not None and run.phase in ENDED:
            del self._runs[account]

    async def remove(self, account: str) -> None:
        """End the import of an account that is removed: another one of that name must not see it, nor go on with the
        password that it holds.
        """
        run = self._runs.pop(account, None)
        if run is not None and run.phase not in ENDED:
            run.end("aborted")
            run.scope.cancel()
            run.wake.set()
        await trio.lowlevel.checkpoint()

    def _of(self, account: str, *phases: Phase) -> _Run:
        run = self._runs.get(account)
        if run is None or run.phase not in phases:
            raise CannotNow("this import has changed; reload the page")
        return run

    async def _serve(self, run: _Run, inside: bool) -> None:
        """Run an import until it ends, with its waits for the user."""
        act_for(run.order.account)
        try:
            while run.phase not in ENDED:
                run.scope, run.wake = trio.CancelScope(), trio.Event()
                with run.scope:
                    await self._stretch(run, inside)
                # Nothing runs while the user decides, but the password is held, so the wait has an end.
                if run.phase in ("looked", "paused"):
                    with trio.move_on_after(WAIT_SECONDS):
                        await run.wake.wait()
                    if run.phase in ("looked", "paused"):
                        run.end("aborted")
        finally:
            if run.phase not in ENDED:
                run.end("failed", worded("server error; see the server log"))

    async def _stretch(self, run: _Run, inside: bool) -> None:
        look = run.phase == "looking"
        order = msgspec.structs.replace(run.order, dry_run=look)
        run.before, run.copy = run.copied, None

        def begun(copy: Copy) -> None:
            run.copy = copy

        clear = self._begun.pop(order.account)
        try:
            await self._copies.run("import", order, run.tell, inside=inside, begun=begun, accepted=clear)
        except CopyFailed as error:
            if not isinstance(error, PasswordRejected):
                clear()
            if run.phase not in ENDED:
                run.end("failed", reason_of(error))
            return
        if run.phase == "looking":
            run.phase = "looked"
            run.before, run.copy, run.problems = NOTHING, None, []
        elif run.phase == "running":
            run.end("done")
