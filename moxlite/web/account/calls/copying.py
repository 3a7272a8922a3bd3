"""Imports from another IMAP server (WEB-159), and of calendars and contacts from another CalDAV server (DAV-45)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.groupware.copying import CopyBusy
from moxlite.groupware.davclient import CopyFailed
from moxlite.migration.background import CannotNow, ImportLook
from moxlite.migration.linkstate import NO_TLS
from moxlite.operations.copies import CopyByImap
from moxlite.operations.groupware import CopyCalendars
from moxlite.store.errors import BadMailboxName
from moxlite.store.mail.remotes import remote_users
from moxlite.store.names import check_name
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.account.mailtypes import Copying, KnownServer, PlannedMailbox, ServerForm
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors
from moxlite.wording import Remark, reason_of, remark

MAX_KNOWN: Final = 10
"""Servers of earlier imports that are offered again."""

Names = Annotated[list[Annotated[str, Meta(max_length=4096)]], Meta(max_length=10_000)]


class CopyingCalls(AccountCalls):
    """The calls about imports from another IMAP server."""

    @property
    def _inside(self) -> bool:
        """Whether users may name hosts of the inner network (WEB-111)."""
        return self._server.config.current.static.allow_private_webhooks

    @call()
    async def copy_state(self, caller: Caller) -> Copying:
        """How far the import from another server is, or its result."""
        name = caller.require().account
        async with self._open(caller) as account:
            known = await account.read(lambda r: remote_users(r, MAX_KNOWN), op="copy_state")
        servers = [KnownServer(remote_user.host, remote_user.user) for remote_user in known]
        return _shown(self._server.copies.look(name), servers, insecure=self._inside)

    @call(audit="import started")
    async def copy_look(self, caller: Caller, server: ServerForm) -> None:
        """Connect to another server and read its mailboxes; then the import waits for `copy_go_on`. The password is
        forgotten when the import ends.
        """
        name = caller.require().account
        self._settings(caller)
        order = _order(name, server, inside=self._inside)
        try:
            self._server.copies.start(order, look=True, inside=self._inside)
        except CannotNow as error:
            raise Conflict(reason_of(error)) from error

    @call(once=True)
    async def copy_go_on(self, caller: Caller, leave_out: Names | None) -> None:
        """Copy: for the first time without the mailboxes in ``leave_out``, or after a pause."""
        try:
            self._server.copies.go_on(caller.require().account, leave_out)
        except CannotNow as error:
            raise Conflict(reason_of(error)) from error

    @call(once=True)
    async def copy_pause(self, caller: Caller) -> None:
        """Stop copying until `copy_go_on`, for a day at most."""
        try:
            self._server.copies.pause(caller.require().account)
        except CannotNow as error:
            raise Conflict(reason_of(error)) from error

    @call(once=True)
    async def copy_abort(self, caller: Caller) -> None:
        """End the import; messages that were copied stay."""
        try:
            self._server.copies.abort(caller.require().account)
        except CannotNow as error:
            raise Conflict(reason_of(error)) from error

    @call(once=True)
    async def copy_dismiss(self, caller: Caller) -> None:
        """Forget the result of an import that has ended."""
        self._server.copies.forget(caller.require().account)


def _order(account: str, form: ServerForm, *, inside: bool) -> CopyByImap:
    """The order for an import. Raises FieldErrors."""
    host, user, prefix = form.host.strip().rstrip(".").lower(), form.user.strip(), form.prefix.strip()
    mistakes = []
    if not host or any(letter.isspace() or not letter.isprintable() for letter in host):
        mistakes.append(FieldError("host", "must be a server name, like imap.example.org"))
    if not user:
        mistakes.append(FieldError("user", "enter your user name for the other server"))
    if not form.password:
        mistakes.append(FieldError("password", "enter your password for the other server"))
    if form.tls == "none" and not inside:
        mistakes.append(FieldError("tls", NO_TLS))
    if prefix:
        try:
            check_name(prefix)
        except BadMailboxName as error:
            mistakes.append(FieldError("prefix", reason_of(error)))
    if form.since is not None and form.since.tzinfo is None:
        mistakes.append(FieldError("since", "must include a time zone"))
    if mistakes:
        raise FieldErrors(mistakes)
    return CopyByImap(
        account=account,
        host=host,
        port=form.port,
        tls=form.tls,
        user=user,
        password=form.password,
        prefix=prefix,
        since=None if form.since is None else int(form.since.timestamp()) * 1_000_000,
    )


def _shown(look: ImportLook | None, known: list[KnownServer], *, insecure: bool) -> Copying:
    if look is None:
        return Copying(
            phase="none",
            host="",
            port=0,
            tls="implicit",
            user="",
            plan=[],
            mailbox="",
            done=0,
            total=0,
            all=-1,
            left=-1,
            seconds=-1,
            messages=0,
            flags=0,
            note=remark(""),
            problems=[],
            problem_count=0,
            error=remark(""),
            known=known,
            insecure=insecure,
        )
    return Copying(
        phase=look.phase,
        host=look.host,
        port=look.port,
        tls=look.tls,
        user=look.user,
        plan=[
            PlannedMailbox(mailbox_plan.source, mailbox_plan.target, mailbox_plan.messages, mailbox_plan.new)
            for mailbox_plan in look.plan
        ],
        mailbox=look.mailbox,
        done=look.done,
        total=look.total,
        all=look.all,
        left=look.left,
        seconds=look.seconds,
        messages=look.copied.messages,
        flags=look.copied.flags,
        note=remark(look.note),
        problems=[remark(text) for text in look.problems],
        problem_count=look.copied.problems,
        error=remark(look.error),
        known=known,
        insecure=insecure,
    )


class CalendarCopying(msgspec.Struct, frozen=True):
    """A copy of calendars and contacts from another server. ``place``: what is read now; ``at``, ``of``: its entries.
    ``places``: calendars and address books that were begun; ``added``, ``known``, ``unread``: entries that were added,
    were here already, or cannot be read, with the first ``problems``.
    """

    phase: Literal["none", "running", "done", "failed", "aborted"]
    host: str = ""
    user: str = ""
    place: str = ""
    at: int = 0
    of: int = 0
    places: int = 0
    added: int = 0
    known: int = 0
    unread: int = 0
    problems: list[Remark] = []
    error: Remark = Remark("")


class CalendarCopyingCalls(AccountCalls):
    """The calls about copies of calendars and contacts from another server."""

    @call()
    async def calendar_copy_state(self, caller: Caller) -> CalendarCopying:
        """How far the copy is, or its result."""
        look = self._server.calendar_copies.look(caller.require().account)
        if look is None:
            return CalendarCopying("none")
        done = look.copied
        counts = (done.places, done.added, done.known, done.unread, [remark(problem) for problem in done.problems])
        return CalendarCopying(
            look.phase, look.host, look.user, look.place, look.at, look.of, *counts, remark(look.error)
        )

    @call(audit="calendars copied")
    async def calendar_copy(
        self,
        caller: Caller,
        url: Annotated[str, Meta(max_length=2000)],
        user: Annotated[str, Meta(max_length=500)],
        password: Annotated[str, Meta(max_length=1000)],
    ) -> None:
        """Copy the calendars and address books that a user has at another server, in the background. The password is
        not kept. What is here already stays as it is; nothing changes there.
        """
        address, name = url.strip(), user.strip()
        if "://" not in address:
            address = f"https://{address}"
        mistakes = []
        if not url.strip():
            mistakes.append(FieldError("url", "enter the other server's address"))
        if not name:
            mistakes.append(FieldError("user", "enter your user name for the other server"))
        if not password:
            mistakes.append(FieldError("password", "enter your password for the other server"))
        if mistakes:
            raise FieldErrors(mistakes)
        try:
            self._server.calendar_copies.begin(CopyCalendars(caller.require().account, address, name, password))
        except CopyBusy as error:
            raise Conflict(reason_of(error)) from error
        except CopyFailed as error:
            raise FieldErrors([FieldError("url", reason_of(error))]) from error

    @call(once=True)
    async def calendar_copy_abort(self, caller: Caller) -> None:
        """End the copy; what was copied stays."""
        self._server.calendar_copies.abort(caller.require().account)

    @call(once=True)
    async def calendar_copy_dismiss(self, caller: Caller) -> None:
        """Forget the result of a copy that has ended."""
        self._server.calendar_copies.forget(caller.require().account)
