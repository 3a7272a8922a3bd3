"""Checking and storing scripts: the one way for ManageSieve, web apps and command line (IMAP-141)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.acceptance.cases import ScriptFolders
from moxlite.acceptance.rules import Place, SortPage, StoredMessage, sort_page
from moxlite.acceptance.sieve.filtering import Included, offset_of, ready, script_mailboxes, time_limit, turn_of
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.message import Body, Mailbox as SieveAddress, Message
from moxlite.proto.sieve.outcome import FileAction
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.state import World
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content import body
from moxlite.store.delivery.forwarding import targets
from moxlite.store.delivery.scripts import (
    NoSuchScript,
    activate_script,
    compiled_script,
    failures,
    other_scripts,
    put_script,
    rename_script,
    script_targets,
)
from moxlite.store.delivery.vacation import load_form
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.facts import ReceivedMessage, SMTPArrival
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.wording import Remark, remark


class BadScriptName(StoreError):
    """A script cannot have this name (RFC 5804 §1.6)."""

    def __init__(self) -> None:
        super().__init__("script names must be 1 to 128 characters, without control characters")


async def check_script(text: bytes) -> bytes:
    """The packed form of a script, checked in a thread. Raises proto.sieve.errors.ScriptError."""
    try:
        return await trio.to_thread.run_sync(_packed, text)
    except ScriptError as error:
        # The traceback of a thread's exception is a cycle, and would keep the script until the next garbage collection.
        raise error.with_traceback(None) from None


def _packed(text: bytes) -> bytes:
    from moxlite.proto.sieve.checker import check  # 1 MB that a server without scripts saves
    from moxlite.proto.sieve.script import pack

    return pack(check(text))


async def keep_script(
    account: Account,
    name: str,
    text: bytes,
    check: Callable[[Reader], None] = lambda _: None,
    *,
    activate: bool = False,
) -> None:
    """Check and store a script, in place of one with this name, and with `activate` make it the active one.

    `check` is called in the unit that writes; what it raises is raised.

    Raises:
      ScriptError, BadScriptName, TooManyScripts, StorageFull, …: nothing is changed.
    """
    from moxlite.proto.sieve.validation import is_script_name

    if not is_script_name(name):
        raise BadScriptName
    packed = await check_script(text)

    def unit(tx: AccountTx) -> None:
        check(tx)
        put_script(tx, name, text, packed)
        if activate:
            activate_script(tx, name)

    await account.write(unit)


async def rename(account: Account, name: str, new_name: str) -> None:
    """Give a script another name. Raises BadScriptName, NoSuchScript, ScriptExists."""
    from moxlite.proto.sieve.validation import is_script_name

    if not is_script_name(new_name):
        raise BadScriptName
    await account.write(lambda tx: rename_script(tx, name, new_name))


# The state of an account's sorting that its owner should see at once, in webmail and account app (WEB-158b): answers
# that are being sent, errors of scripts, and addresses to which nothing is sent on any more.


SHOWN_FOR: Final = 30 * DAY
"""µs for which an error is told."""


class SortingFailure(msgspec.Struct, frozen=True):
    """An error for which a message was kept, and the number of errors. ``script`` and ``line`` as in `Failure`."""

    moment: dt.datetime
    script: str
    line: int
    text: Remark
    count: int


class SortingNotices(msgspec.Struct, frozen=True, kw_only=True):
    """The notices about sorting.

    ``away``: answers are being sent by the vacation form, until ``away_until``, if that is set. ``failure``: the newest
    error of the last 30 days. ``stopped``: addresses to which nothing is sent on, for their mail came back.
    """

    away: bool
    away_until: dt.datetime | None
    failure: SortingFailure | None
    stopped: list[str]


async def sorting_notices(account: Account, passed_on: Collection[str], now: int) -> SortingNotices:
    """The notices of an account. Raises StoreError.

    Args:
      passed_on: addresses to which its mail is to be sent on by the configuration. now: µs UTC.
    """
    return await account.read(lambda r: _notices(r, {one.lower() for one in passed_on}, now), op="sorting")


def _notices(r: Reader, passed_on: Collection[str], now: int) -> SortingNotices:
    form = load_form(r)
    recent = [failure for failure in failures(r) if failure.moment > now - SHOWN_FOR]
    last = recent[0] if recent else None
    return SortingNotices(
        away=form.is_active(now),
        away_until=_time(form.end) if form.is_active(now) and form.end else None,
        failure=None
        if last is None
        else SortingFailure(_time(last.moment), last.script, last.line, remark(last.text), len(recent)),
        stopped=_stopped(r, passed_on),
    )


def _stopped(r: Reader, passed_on: Collection[str]) -> list[str]:
    stopped = [target.address for target in targets(r) if target.stopped is not None and target.confirmed is not None]
    named = {*passed_on, *script_targets(r)} if stopped else ()
    return [name for name in dict.fromkeys(stopped) if name in named]


def _time(micros: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(micros / 1_000_000, dt.UTC)


# A script's decision about a message that is stored already (WEBMAIL-130a): the mailbox alone. All else that a script
# does, such as sending on, answering or discarding, is for mail that comes in.

INBOX: Final = "Inbox"


class StoredScript:
    """A script of the account, ready to decide about stored messages.

    Args:
      name: of the script. Raises NoSuchScript, also for one that this version cannot read.
    """

    def __init__(self, r: Reader, name: str) -> None:
        program = ready(compiled_script(r, name))
        if program is None:
            raise NoSuchScript(name)
        self._program: Program = program
        self._others = Included(other_scripts(r, name) if program.includes else {})
        boxes = mailboxes(r)
        self._folders = ScriptFolders.of(boxes)
        self._mailboxes = script_mailboxes(boxes)

    def __call__(self, r: Reader, one: ReceivedMessage, stored: StoredMessage) -> str:
        """The first mailbox into which the script files the message, "" where it keeps it, or fails."""
        place = body.locate(r, one.message_id)
        structure, came = stored.structure, stored.came
        message = Message(
            stored.section,
            structure.size,
            lambda: Body(structure, lambda start, end: body.read_content(r, place, start, end - start)),
        )
        outcome = run(
            self._program,
            message,
            World(
                now=one.received,
                offset=offset_of,
                sender=_sender(came),
                recipient=SieveAddress(one.localpart, one.domain),
                mailboxes=self._mailboxes,
                scripts=self._others,
                overdue=time_limit(),
            ),
        )
        if outcome.error:
            return ""
        filed = (action for action in outcome.actions if isinstance(action, FileAction))
        return next((action.mailbox for action in filed if self._folders.accept(action)), "")


async def sort_page_by_script(account: Account, name: str, after: Place | None) -> SortPage:
    """Decide by a script about the next messages of the Inbox, as `sort_page`. Raises NoSuchScript, StoreError."""
    script = await account.scan(lambda r: StoredScript(r, name), op="sorting")
    return await sort_page(
        account, INBOX, script, lambda _: True, after, at_once=1, turn=partial(turn_of, account.name)
    )


def _sender(came: SMTPArrival) -> SieveAddress | None:
    return SieveAddress(came.mailfrom, came.mailfrom_domain) if came.mailfrom_domain else None
