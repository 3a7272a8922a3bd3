"""Running the account's Sieve script, and asking for its vacation form: evidence for the producer `sieve` (SMTP-160,
SMTP-161).

The script is run once the plan accepts and files ordinary mail: not for what is refused, quarantined or filed as junk.
It runs in a thread, with limits (IMAP-142).
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import __version__
from moxlite.acceptance.cases import Case, Filtered
from moxlite.acceptance.forwards import delivered_to
from moxlite.acceptance.plan import Plan
from moxlite.proto.address import Path
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.actions import FileInto, Mark
from moxlite.store.delivery.scripts import Compiled, compiled_scripts, seen_keys
from moxlite.store.delivery.vacation import VacationForm, has_written_to, load_form
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.types import Mailbox, SpecialUse

if TYPE_CHECKING:
    from moxlite.proto.sieve.program import Program

__all__ = ["is_filtered", "offset_of", "ready", "uses_of", "with_script"]

logger = logging.getLogger("moxlite.acceptance.sieve.filtering")

PROGRAMS: Final = 64
"""Scripts kept ready to run; one takes some 100 kB at most."""


class _Loaded(msgspec.Struct, frozen=True):
    """Facts of the account that a run of its script needs."""

    scripts: dict[str, Compiled]
    form: VacationForm
    boxes: tuple[Mailbox, ...] = ()
    seen: frozenset[bytes] = frozenset()
    known: bool = False


def is_filtered(case: Case, plan: Plan) -> bool:
    """Whether the script decides about the message: the account accepts it and files it as ordinary mail."""
    ordinary = all(isinstance(action, FileInto) and action.mark is not Mark.REJECT for action in plan.actions)
    return plan.reply is None and ordinary and case.report is None


async def with_script(case: Case, plan: Plan, octets: Prepared, section: HeaderSection, accounts: Accounts) -> Case:
    """The case with the result of the account's script and the form; unchanged for an account without.

    Args:
      octets: the message with its trace fields. section: its header section without them.
    """
    now = time.time_ns() // 1000
    try:
        async with accounts.use(case.account) as account:
            loaded = await account.read(partial(_load, case=case, now=now), op="sieve")
    except StoreError as error:  # storing will fail, too, and tell the client
        logger.warning("script not read", extra={"kv": {"account": case.account, "err": error}})
        return case
    main = next((name for name, one in loaded.scripts.items() if one.active), None)
    form = loaded.form if loaded.form.is_active(now) and (loaded.known or not loaded.form.known_only) else None
    if main is None and form is None:
        return case
    kept = tuple(action for action in plan.actions if isinstance(action, FileInto))
    filtered = Filtered(
        kept=kept,
        form=form,
        automatic=_automatic(section),
        named=frozenset(f"{one.localpart}@{one.domain}".lower() for one in octets.recipients),
        passed=delivered_to(section),
    )
    if main is not None:
        filtered = await trio.to_thread.run_sync(_run, case, loaded, main, filtered, octets, section, now)
    return msgspec.structs.replace(case, filtered=filtered)


def _load(r: Reader, *, case: Case, now: int) -> _Loaded:
    scripts, form = compiled_scripts(r), load_form(r)
    if not form.is_active(now) and not any(one.active for one in scripts.values()):
        return _Loaded({}, form)
    author = case.evidence.msg_from
    known = author is not None and has_written_to(r, author.localpart, author.domain.unicode)
    return _Loaded(scripts, form, tuple(mailboxes(r)), seen_keys(r, now), known)


def _automatic(section: HeaderSection) -> str:
    """Why the header forbids an answer, "" if it does not (RFC 3834 §2, RFC 5230 §4.6)."""
    submitted = (section.text(b"auto-submitted") or b"").partition(b";")[0].strip().lower()
    if submitted not in {b"", b"no"}:
        return "auto-submitted"
    if any(name.startswith(b"list-") for name in section.names) or section.count(b"mailing-list"):
        return "list"
    if (section.text(b"precedence") or b"").strip().lower() in {b"bulk", b"list", b"junk"}:
        return "bulk"
    if section.count(b"x-auto-response-suppress") or section.count(b"feedback-id"):
        return "bulk"
    return ""


def _run(
    case: Case, loaded: _Loaded, main: str, filtered: Filtered, octets: Prepared, section: HeaderSection, now: int
) -> Filtered:
    """Run the script. Blocks."""
    from moxlite.proto.sieve.message import Body, Message
    from moxlite.proto.sieve.message import Mailbox as SieveAddress
    from moxlite.proto.sieve.program import run
    from moxlite.proto.sieve.state import Mailboxes, World

    program = ready(loaded.scripts[main])
    if program is None:
        return msgspec.structs.replace(filtered, error="the script cannot be read by this version", script=main)
    others = {
        name: found
        for name, one in loaded.scripts.items()
        if name != main and program.includes and (found := ready(one)) is not None
    }
    plain = octets.with_prefix(b"")
    message = Message(
        HeaderSection(octets.prefix + section.octets),
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
            mailboxes=Mailboxes(
                names=frozenset(box.name for box in loaded.boxes),
                ids={f"F{box.id}": box.name for box in loaded.boxes},
                uses={box.name: uses_of(box.special_use) for box in loaded.boxes if box.special_use},
            ),
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
            scripts=others,
            seen=loaded.seen,
        ),
    )
    return msgspec.structs.replace(
        filtered,
        actions=outcome.actions,
        tracked=tuple((one.id, one.seconds) for one in outcome.tracked),
        error=outcome.error,
        script=outcome.script or main,
        line=outcome.line,
        names=frozenset(box.name for box in loaded.boxes if not box.system),
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


def uses_of(uses: SpecialUse) -> frozenset[str]:
    """The names of special uses, in lower case (RFC 8579)."""
    return frozenset(name for use, name in _USES.items() if use & uses)


def ready(one: Compiled) -> Program | None:
    """A script ready to run; None for a text that this version refuses."""
    return _program(one.packed, one.text)


@lru_cache(maxsize=PROGRAMS)
def _program(packed: bytes, text: bytes) -> Program | None:
    from moxlite.proto.sieve.checker import check
    from moxlite.proto.sieve.errors import ScriptError
    from moxlite.proto.sieve.program import Program
    from moxlite.proto.sieve.script import unpack

    try:
        return Program(unpack(packed) or check(text))
    except ScriptError:
        return None
