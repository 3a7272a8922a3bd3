"""Running the account's Sieve script, and asking for its vacation form: evidence for the producer `sieve` (SMTP-160,
SMTP-161).

The script is run once the plan accepts and files ordinary mail: not for what is refused, quarantined or filed as junk.
It runs in a thread, with limits (IMAP-142).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import msgspec
import trio

from moxlite import __version__
from moxlite.acceptance.cases import Case, ScriptDecision, ScriptFolders
from moxlite.acceptance.forwards import circles
from moxlite.acceptance.plan import Plan
from moxlite.acceptance.producers.judgement import is_unproven
from moxlite.config.snapshot import Snapshot, owns
from moxlite.proto.address import Address, AddressError, Path
from moxlite.proto.mime.automatic import automatic
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery.actions import FileInto, Mark
from moxlite.store.delivery.scripts import Compiled, active_script, compiled_script, other_scripts, seen_keys
from moxlite.store.delivery.vacation import has_written_to, load_form
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import VacationForm
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.types import Mailbox, SpecialUse

if TYPE_CHECKING:
    from moxlite.proto.mime.types import MailAddress
    from moxlite.proto.sieve.program import Program
    from moxlite.proto.sieve.state import Mailboxes


logger = logging.getLogger("moxlite.acceptance.sieve.filtering")


class _FilterSettings(msgspec.Struct, frozen=True):
    """What the account asks for: the name of its active script, "" without one, and its vacation form. `known`: it has
    written to the author.
    """

    script: str
    form: VacationForm
    known: bool = False


class _ScriptFacts(msgspec.Struct, frozen=True):
    """Facts of the account that a run of its script needs."""

    scripts: dict[str, Compiled]
    boxes: tuple[Mailbox, ...]
    seen: frozenset[bytes]


def is_filtered(case: Case, plan: Plan) -> bool:
    """Whether the script decides about the message: the account accepts it and files it as ordinary mail."""
    ordinary = all(isinstance(action, FileInto) and action.mark is not Mark.REJECT for action in plan.actions)
    return plan.reply is None and ordinary and case.report is None


async def with_script(
    case: Case,
    plan: Plan,
    whole: Callable[[], PreparedMessage],
    section: HeaderSection,
    accounts: Accounts,
    snapshot: Snapshot,
) -> Case:
    """The case with the result of the account's script and the form; unchanged for an account without.

    Args:
      whole: makes the message with its trace fields, which most accounts do not need. section: its header section
        without them.
    """
    now = time.time_ns() // 1000
    try:
        async with accounts.use(case.account) as account:
            asked = await account.read(partial(_ask, case=case, now=now), op="sieve")
        form = asked.form if asked.form.is_active(now) and (asked.known or not asked.form.known_only) else None
        if not asked.script and form is None:
            return case
        octets = whole()
        filtered = ScriptDecision(
            kept=tuple(action for action in plan.actions if isinstance(action, FileInto)),
            form=form,
            automatic="own" if _is_by_owner(case, snapshot) else automatic(section),
            named=frozenset(recipient.key for recipient in octets.recipients),
            own=_own(case, snapshot, octets.recipients),
        )
        if asked.script:
            async with turn_of(case.account):
                filtered = await _by_script(case, asked.script, filtered, octets, section, accounts, now)
            filtered = msgspec.structs.replace(filtered, circles=circles(snapshot, case, filtered.redirects))
    except StoreError as error:  # storing will fail, too, and tell the client
        logger.warning("failed to read script", extra={"kv": {"account": case.account, "err": error}})
        return case
    return msgspec.structs.replace(case, filtered=filtered)


def _is_by_owner(case: Case, snapshot: Snapshot) -> bool:
    sender = case.evidence.envelope.sender.address
    return sender is not None and owns(snapshot, case.account, sender)


def _own(case: Case, snapshot: Snapshot, recipients: Sequence[MailAddress]) -> tuple[Address, ...]:
    """The account's addresses among recipients, as they are written there."""
    addresses: list[Address] = []
    for recipient in recipients:
        # Addresses elsewhere are not parsed, which would cost a millisecond for 15 internationalized ones.
        domain = recipient.domain.lower()
        if domain in snapshot.derived.domains or domain in snapshot.domains.domains:
            with suppress(AddressError):
                address = Address.of(recipient.localpart, domain)
                if owns(snapshot, case.account, address):
                    addresses.append(address)
    return tuple(addresses)


def _ask(r: Reader, *, case: Case, now: int) -> _FilterSettings:
    script, form = active_script(r), load_form(r)
    if not script and not form.is_active(now):
        return _FilterSettings(script, form)
    author = None if is_unproven(case) else case.evidence.msg_from
    return _FilterSettings(
        script, form, author is not None and has_written_to(r, author.localpart, author.domain.unicode)
    )


async def _by_script(
    case: Case,
    name: str,
    filtered: ScriptDecision,
    octets: PreparedMessage,
    section: HeaderSection,
    accounts: Accounts,
    now: int,
) -> ScriptDecision:
    """The decision of the script, in the turn of the account. Raises StoreError."""
    async with accounts.use(case.account) as account:
        script = await account.read(partial(compiled_script, name=name), op="sieve")
        program = await trio.to_thread.run_sync(ready, script)
        if program is None:
            return msgspec.structs.replace(filtered, error="this version can't read the script", script=name)
        loaded = await account.read(partial(_load, name=name, program=program, now=now), op="sieve")
        return await trio.to_thread.run_sync(_run, case, loaded, program, name, filtered, octets, section, now)


def _load(r: Reader, *, name: str, program: Program, now: int) -> _ScriptFacts:
    """Requests that the program, and programs that it includes, may make."""
    includes = bool(program.includes)
    return _ScriptFacts(
        other_scripts(r, name) if includes else {},
        tuple(mailboxes(r)),
        seen_keys(r, now) if includes or "duplicate" in program.extensions else frozenset(),
    )


def _run(
    case: Case,
    loaded: _ScriptFacts,
    program: Program,
    name: str,
    filtered: ScriptDecision,
    octets: PreparedMessage,
    section: HeaderSection,
    now: int,
) -> ScriptDecision:
    """Run the script. Blocks."""
    from moxlite.proto.sieve.message import Body, Mailbox as SieveAddress, Message
    from moxlite.proto.sieve.program import run
    from moxlite.proto.sieve.state import World

    plain = octets.with_prefix(b"")
    message = Message(
        HeaderSection(octets.prefix + section.octets, hint=plain.index.root.hint),
        octets.body_size,
        lambda: Body(plain.index, lambda start, end: plain.spool.read(start, end - start)),
    )

    def address(path: Path) -> SieveAddress | None:
        found = path.address
        return None if found is None else SieveAddress(found.localpart, found.domain.ascii)

    envelope = case.evidence.envelope
    outcome = run(
        program,
        message,
        World(
            now=now,
            offset=offset_of,
            sender=address(envelope.sender),
            recipient=address(case.asked),
            mailboxes=script_mailboxes(loaded.boxes),
            junk=case.probability,
            items={
                "name": "moxlite",
                "version": __version__,
                "location": "MDA",
                "phase": "during",
                "domain": case.recipient.canonical.domain.ascii,
                "remote-ip": str(envelope.remote),
                "remote-host": envelope.hello.ascii if envelope.hello is not None else "",
            },
            scripts=Included(loaded.scripts),
            seen=loaded.seen,
            overdue=time_limit(),
        ),
    )
    return msgspec.structs.replace(
        filtered,
        actions=outcome.actions,
        tracked=tuple((one.id, one.seconds) for one in outcome.tracked),
        error=outcome.error,
        script=outcome.script or name,
        line=outcome.line,
        folders=ScriptFolders.of(loaded.boxes),
    )


_USES: Final = {
    SpecialUse.ARCHIVE: "\\archive",
    SpecialUse.DRAFTS: "\\drafts",
    SpecialUse.JUNK: "\\junk",
    SpecialUse.SENT: "\\sent",
    SpecialUse.TRASH: "\\trash",
}


def offset_of(moment: int) -> int:
    """Minutes east of UTC of the local zone at a moment, µs UTC."""
    return time.localtime(moment // 1_000_000).tm_gmtoff // 60


def script_mailboxes(boxes: Sequence[Mailbox]) -> Mailboxes:
    """An account's mailboxes as scripts see them."""
    from moxlite.proto.sieve.state import Mailboxes

    return Mailboxes(
        names=frozenset(box.name for box in boxes),
        ids={f"F{box.id}": box.name for box in boxes},
        uses={box.name: _uses_of(box.special_use) for box in boxes if box.special_use},
    )


def _uses_of(uses: SpecialUse) -> frozenset[str]:
    """The names of special uses, in lower case (RFC 8579)."""
    return frozenset(name for use, name in _USES.items() if use & uses)


# Turns in which Sieve scripts run, the time that they get, and scripts that are ready to run (IMAP-142c).
#
# A script runs in a thread, which shares the interpreter with the event loop and all other threads. So an account
# runs one at a time, and all accounts two: who gets much mail, or has a slow script, waits for itself.


AT_ONCE: Final = 2
"""Scripts that run at a time: each takes up to 16 MB, and a share of the interpreter."""

SECONDS: Final = 1.0
"""Seconds of a thread for one run; its counted bounds end it far earlier."""

KEPT: Final = 128 << 10
"""Octets of the texts of scripts kept ready to run: the scripts of some 60 accounts. One takes up to 80 times its
text.
"""


class _Turns(msgspec.Struct, frozen=True):
    """The turns of one run of Trio: of all accounts, and of each that waits or runs."""

    all: trio.CapacityLimiter
    accounts: WeakValueDictionary[str, trio.Lock]


_turns: Final[trio.lowlevel.RunVar[_Turns]] = trio.lowlevel.RunVar("moxlite.acceptance.sieve.turns")


@asynccontextmanager
async def turn_of(account: str) -> AsyncIterator[None]:
    """Wait for the turn of an account, which lasts as long as the block. Each account that waits comes after one run of
    each other one.
    """
    try:
        turns = _turns.get()
    except LookupError:
        turns = _Turns(trio.CapacityLimiter(AT_ONCE), WeakValueDictionary())
        _turns.set(turns)
    own = turns.accounts.setdefault(account, trio.Lock())
    async with own, turns.all:
        yield


def time_limit() -> Callable[[], bool]:
    """Tells whether this thread has used SECONDS more since."""
    end = time.thread_time() + SECONDS
    return lambda: time.thread_time() > end


class Included(Mapping[str, "Program"]):
    """The scripts of an account by name, each made ready when it is included: all of them would take much memory."""

    def __init__(self, scripts: Mapping[str, Compiled]) -> None:
        self._scripts = scripts

    def __getitem__(self, name: str) -> Program:
        program = ready(self._scripts[name])
        if program is None:
            raise KeyError(name)
        return program

    def __iter__(self) -> Iterator[str]:
        return iter(self._scripts)

    def __len__(self) -> int:
        return len(self._scripts)


class _ProgramCache:
    """Scripts kept ready, those used last; of all accounts, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: OrderedDict[tuple[bytes, bytes], Program | None] = OrderedDict()
        self._size = 0

    def get(self, one: Compiled) -> Program | None:
        """A script ready to run."""
        key = (one.packed, one.text)
        with self._lock:
            if key in self._programs:
                self._programs.move_to_end(key)
                return self._programs[key]
        # Without the lock, which the other thread would hold for up to a tenth of a second: two may build the same
        # script once.
        program = _built(one)
        with self._lock:
            if key not in self._programs:
                self._programs[key] = program
                self._size += len(one.text)
            while self._size > KEPT and len(self._programs) > 1:
                (_, text), _ = self._programs.popitem(last=False)
                self._size -= len(text)
        return program


_kept: Final = _ProgramCache()


def ready(one: Compiled) -> Program | None:
    """A script ready to run; None for a text that this version refuses. Blocks for up to a tenth of a second."""
    return _kept.get(one)


def _built(one: Compiled) -> Program | None:
    from moxlite.proto.sieve.checker import check  # 1 MB that a server without scripts saves
    from moxlite.proto.sieve.errors import ScriptError
    from moxlite.proto.sieve.program import Program
    from moxlite.proto.sieve.script import unpack

    try:
        return Program(unpack(one.packed) or check(one.text))
    except ScriptError:
        return None
