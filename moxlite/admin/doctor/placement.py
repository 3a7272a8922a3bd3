"""Where mail of this server lands at other providers (ADMIN-70b).

The postmaster's linked mailboxes (LINK-1) show it: each night, and after a change of what providers judge a server by,
one signed message goes to each of them, and is found again in the mirror of its mailboxes. It is filed in the trash
there. The results of 90 days are kept in a file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
import trio

from moxlite import __version__
from moxlite.admin.doctor.nightly import next_night
from moxlite.admin.doctor.requests import Landing, LookUp, Provider, ProviderDay
from moxlite.admin.notices import send_to_others
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.encoding import from_json, to_json
from moxlite.findings import Finding
from moxlite.mailauth.dkim.sign import SigningError
from moxlite.metrics import DAY_SECONDS, Counter
from moxlite.net.resolver import DNSError, NotFound, Resolver
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.compose import text_field
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.actions import messages_by_messageid
from moxlite.store.delivery.submission import Submit
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.links import Link, link_by_id, links, mailboxes_below
from moxlite.store.options import INITIAL_SPECIAL_USE
from moxlite.store.rows.mailboxes import mailbox_by_use
from moxlite.store.types import Flag, Mailbox, MailboxID, MessageID, SpecialUse
from moxlite.wakeup import sleep_by_both_clocks

logger = logging.getLogger("moxlite.admin.doctor")

placement_tests: Final = Counter(
    "moxlite_placement_tests_total", "Inbox placement test messages, by folder.", ["landing"]
)

STATE: Final = "placement.json"
"""The file in the data directory that has the results."""

KEPT: Final = 90
"""Days that results are kept."""

A_DAY: Final = 2
"""Messages to one address in 24 hours: providers take more for a nuisance."""

AFTER: Final = 1800.0
"""Seconds after the examination of the night: what it finds comes first."""

FIRST: Final = 1500.0
"""Seconds from a start to a test after a change: by then, names and certificates are in place."""

WAIT: Final = 900.0
"""Seconds that a message may take: longer than greylisting, shorter than a night."""

RESUMED: Final = 120.0
"""Seconds for which a message of an interrupted test is looked for at least: after a restart, the mirror needs some."""

LOOK_EVERY: Final = 5.0
"""Seconds between two looks for a message that is under way, at our own copy of the mailbox."""

RECORDS_EVERY: Final = 3600.0
"""Seconds between two looks at the records in DNS by which providers judge the domain."""

HEADER: Final = "X-Moxlite-Placement"
"""The header field that marks a test message, for rules of its owner."""

RECORDS_SECONDS: Final = 60.0
"""Seconds for that look, all queries together: the test goes on without it."""

BAD: Final = frozenset[Landing](("junk", "missing", "unsent"))

NIGHTS: Final = 2
"""Bad nights in a row that are an alarm: one is often chance."""

TEXT: Final = (
    "Hello,\n\n{host} sends this message every night to check inbox placement. This one was sent on {date}. You don't\n"
    "need to reply. After the check, it will be moved to the trash.\n\nTo stop these messages, set "
    "doctor.placement = false in moxlite.toml.\n"
)

DELIST: Final = {
    "gmail": "https://support.google.com/mail/contact/gmail_bulk_sender_escalation",
    "google": "https://support.google.com/mail/contact/gmail_bulk_sender_escalation",
    "outlook": "https://sender.office.com",
    "office365": "https://sender.office.com",
    "hotmail": "https://sender.office.com",
    "gmx": "https://postmaster.gmx.net/en/contact",
    "web": "https://postmaster.web.de/en/contact",
    "icloud": "https://support.apple.com/en-us/102322",
    "me": "https://support.apple.com/en-us/102322",
    "yahoo": "https://senders.yahooinc.com/contact",
    "aol": "https://senders.yahooinc.com/contact",
}
"""Where a provider takes requests of senders, by a label of its host name."""


class Context(msgspec.Struct, frozen=True):
    """What providers judge a server by. A change of it is tested at once, and named beside a fall."""

    version: str = ""
    addresses: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Selectors used for signing."""
    records: dict[str, str] = {}
    """Digests of the records of the domain in DNS by `RECORDS`, "" for none; only what has been seen."""


RECORDS: Final = ("SPF", "DKIM", "DMARC", "MX")


class Trial(msgspec.Struct, frozen=True):
    """A test message.

    Attributes:
      at: when it was submitted, seconds UTC.
      landing: "" while it is looked for.
      mailbox: where it was found, below the link's.
      seconds: from submission until it was found.
    """

    at: float
    address: str
    name: str
    host: str
    message_id: str
    context: Context = Context()
    landing: Landing | Literal[""] = ""
    mailbox: str = ""
    seconds: float = 0.0


class Trials(msgspec.Struct, frozen=True):
    """The file."""

    tests: list[Trial] = []


def read_tests(data: Path) -> list[Trial]:
    """The results, oldest first; none if the file is not there or cannot be read. Blocks."""
    try:
        return from_json((data / STATE).read_bytes(), Trials).tests
    except (OSError, msgspec.DecodeError):
        return []


class Placement:
    """The task of the server that tests where mail lands.

    Args:
      submit: that of the queue.
      look_up: finds a message in the queue.
      current: whether a link shows its mailboxes as they are now, by the name of the account and the id of the link.
      resolver: sees the records of the domain as others see them.
    """

    def __init__(
        self,
        *,
        config: ConfigHolder,
        accounts: Accounts,
        keys: SigningKeys,
        submit: Submit,
        look_up: LookUp,
        current: Callable[[str, int], bool],
        resolver: Resolver,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._keys = keys
        self._submit = submit
        self._look_up = look_up
        self._current = current
        self._resolver = resolver
        self._data: Path = config.current.static.data_dir
        self._lock = trio.Lock()
        self._writing = trio.Lock()

    async def serve(self) -> None:
        """Test each night, and soon after a change of what providers judge a server by, for ever. Raises OSError: the
        results cannot be kept.
        """
        await self.run(send=False)
        if await self._has_changed():
            await sleep_by_both_clocks(FIRST)
            await self.run()
        while True:
            now = time.time()
            left = next_night(now - AFTER, self._config.current.static.hostname.ascii) + AFTER - now
            await sleep_by_both_clocks(min(left, RECORDS_EVERY))
            if left <= RECORDS_EVERY or await self._has_changed():
                await self.run()
            else:
                await self.run(send=False)

    async def _has_changed(self) -> bool:
        """Whether version, addresses, keys or records are other ones than at the latest test."""
        tests = await trio.to_thread.run_sync(read_tests, self._data)
        return bool(tests) and bool(_difference(tests[-1].context, await self._context()))

    async def _context(self) -> Context:
        """The present state; records without an answer are left out. Raises nothing of DNS."""
        own = self._own()
        context = context_of(self._config.current, own)
        if own is None:
            return context
        return msgspec.structs.replace(context, records=await records_of(self._resolver, own.domain, context.keys))

    async def run(self, *, send: bool = True) -> list[Trial]:
        """Send to each linked mailbox that may get one, and look where it lands, as well as where messages of tests
        have landed that were interrupted; returns the new results. Each is kept as it comes. Raises OSError.
        """
        async with self._lock:
            name, own = self._config.current.static.postmaster.account, self._own()
            if own is None:
                return []
            try:
                async with self._accounts.use(name) as account:
                    return await self._run(account, own, send=send)
            except StoreError as error:
                logger.error("inbox placement test failed", extra={"kv": {"err": str(error)}})
                return []

    async def _run(self, account: Account, own: Address, *, send: bool) -> list[Trial]:
        linked = {link.address: link for link in await account.read(links, op="placement")}
        now = time.time()
        # Results that are no longer of use: of links that are gone, and of a clock that was ahead.
        tests = {
            test.message_id: test
            for test in await trio.to_thread.run_sync(read_tests, self._data)
            if test.address in linked and test.at <= now
        }
        watched = [
            (linked[test.address], test, max(RESUMED, test.at + WAIT - now))
            for test in tests.values()
            if not test.landing
        ]
        if send:
            for link, test in await self._send_all(account, own, linked.values(), tests):
                watched.append((link, test, WAIT))
        results: list[Trial] = []

        async def watch(link: Link, test: Trial, seconds: float) -> None:
            result = await self._watch(account, link, test, seconds)
            if result is None:
                del tests[test.message_id]
            else:
                tests[test.message_id] = result
                if result.landing:
                    results.append(result)
            await self._keep(tests.values())

        async with trio.open_nursery() as nursery:
            for link, test, seconds in watched:
                nursery.start_soon(watch, link, test, seconds)
        return results

    async def _send_all(
        self, account: Account, own: Address, linked: Iterable[Link], tests: dict[str, Trial]
    ) -> list[tuple[Link, Trial]]:
        """Send to each mailbox that may get one; `tests` has them too then, and its file."""
        context, now = await self._context(), time.time()
        if tests:  # what has no answer now is as it was
            context = msgspec.structs.replace(context, records=[*tests.values()][-1].context.records | context.records)
        sent: list[tuple[Link, Trial]] = []
        for link in linked:
            recent = [
                trial for trial in tests.values() if trial.address == link.address and trial.at > now - DAY_SECONDS
            ]
            # a link that is not connected would make each message a missing one
            if len(recent) >= A_DAY or not all(trial.landing for trial in recent):
                continue
            if self._current(account.name, link.id) and (test := await self._send(account.name, own, link, context)):
                sent.append((link, test))
                tests[test.message_id] = test
                await self._keep(tests.values())
        return sent

    async def _send(self, name: str, own: Address, link: Link, context: Context) -> Trial | None:
        snapshot = self._config.current
        try:
            to = Address.parse(link.address)
        except AddressError:
            return None
        host = snapshot.static.hostname.ascii
        day = f"{dt.datetime.now(dt.UTC):%-d %B %Y}"
        content = f"Delivery test from {own.domain} ({day})", TEXT.format(host=host, date=day)
        mark = text_field(HEADER, host)
        try:
            # unsigned, it would tell nothing of the mail of users
            message_id, sent = await send_to_others(
                snapshot, self._keys, self._submit, name, (own, to), content, fields=(mark,), unsigned=False
            )
        except SigningError:
            return None
        except (StoreError, OSError) as error:
            logger.error(
                "failed to send inbox placement test", extra={"kv": {"address": link.address, "err": str(error)}}
            )
            return None
        return Trial(sent / 1e6, link.address, link.name, link.host, message_id, context)

    async def _watch(self, account: Account, link: Link, test: Trial, seconds: float) -> Trial | None:
        """Look for a message until it is there or its time is over; None if nothing is known, the test itself if the
        account cannot be read, so that the next run looks again.
        """
        result = msgspec.structs.replace(test, landing="missing")
        with trio.move_on_after(seconds):
            while True:
                try:
                    named = await account.read(partial(link_by_id, link_id=link.id), op="placement")
                    if named is None:
                        return None  # unlinked meanwhile
                    link = named  # renamed, perhaps
                    ids, box, came = await account.read(
                        partial(_find, link=link, message_id=test.message_id), op="placement"
                    )
                    junk = await account.read(lambda r: _own_name(r, SpecialUse.JUNK), op="placement")
                except StoreError as error:
                    logger.error("inbox placement check failed", extra={"kv": {"link": link.name, "err": str(error)}})
                    return test
                if box is not None:
                    result = msgspec.structs.replace(
                        test,
                        landing=landing_in(link, box, junk),
                        mailbox=box.name.removeprefix(f"{link.name}/"),
                        seconds=max(0.0, min(time.time(), came) - test.at),
                    )
                    await self._file(account, link, ids)
                    break
                await trio.sleep(LOOK_EVERY)
        if result.landing == "missing" and await self._look_up(test.message_id) is not None:
            result = msgspec.structs.replace(result, landing="unsent")
        elif result.landing == "missing" and not self._current(account.name, link.id):
            logger.warning("inbox placement unknown: linked account isn't connected", extra={"kv": {"link": link.name}})
            return None
        placement_tests.labels(landing=result.landing).inc()
        kv = {"address": link.address, "landing": result.landing, "seconds": round(result.seconds)}
        logger.info("inbox placement test finished", extra={"kv": kv})
        return result

    async def _file(self, account: Account, link: Link, ids: Sequence[MessageID]) -> None:
        """Mark the message as read, and move it to the trash of the link, from where it goes there. Without a trash
        it stays.
        """

        def change(tx: AccountTx) -> None:
            store_flags_ids(tx, ids, mode="add", flags=Flag.SEEN)
            trash = f"{link.name}/{_own_name(tx, SpecialUse.TRASH)}"
            target = next((box.id for box in mailboxes_below(tx, link.name) if box.name == trash), None)
            if target is not None:
                move_ids(tx, ids, MailboxID(target))

        try:
            await account.write(change)
        except StoreError as error:
            logger.warning(
                "failed to move inbox placement test message", extra={"kv": {"link": link.name, "err": str(error)}}
            )

    async def _keep(self, tests: Collection[Trial]) -> None:
        async with self._writing:  # the newest state must be written last
            since = time.time() - KEPT * DAY_SECONDS
            octets = to_json(Trials([test for test in tests if test.at > since]))
            await trio.to_thread.run_sync(lambda: write_atomically(self._data / STATE, octets, mode=0o640))

    def _own(self) -> Address | None:
        """The first address of the postmaster's account: the messages are from a person's domain."""
        snapshot = self._config.current
        settings = snapshot.account(snapshot.static.postmaster.account)
        addresses = settings.destinations if settings is not None else ()
        first = next((address for address in addresses if not address.startswith("@")), None)
        return None if first is None else Address.parse(first)


def _own_name(r: Reader, use: SpecialUse) -> str:
    """The name that the mailbox of a link for something has below the link's: that of the account's own (IMAP-139)."""
    box = mailbox_by_use(r, use)
    return INITIAL_SPECIAL_USE[use] if box is None else box.name


def landing_in(link: Link, box: Mailbox, junk: str) -> Landing:
    """Meaning of a mailbox of a link for a message in it. `junk`: the name of the account's own mailbox for junk."""
    name = box.name.removeprefix(f"{link.name}/")
    if name.lower() == "inbox":
        return "inbox"
    return "junk" if name == junk else "other"


def _find(r: Reader, link: Link, message_id: str) -> tuple[list[MessageID], Mailbox | None, float]:
    """The copies of a message in the mailboxes of a link, and the mailbox of one and when it came there, seconds UTC;
    Inbox before others, as Gmail's labels show a message twice.
    """
    boxes = {box.id: box for box in mailboxes_below(r, link.name)}
    ids = messages_by_messageid(r, message_id.strip("<>"))
    places = {
        MessageID(number): boxes[place]
        for number in ids
        if (place := r.value("SELECT mailbox_id FROM message WHERE id = ?", number)) in boxes
    }
    ordered = sorted(places.values(), key=lambda box: not box.name.lower().endswith("/inbox"))
    came = min((r.value("SELECT received FROM message WHERE id = ?", number) for number in places), default=0) / 1e6
    return list(places), ordered[0] if ordered else None, came


def context_of(snapshot: Snapshot, own: Address | None) -> Context:
    """Facts by which providers judge this server, now."""
    static = snapshot.static
    addresses = {
        str(ip) for listener in static.listeners.values() for ip in (*listener.nat_ips, *listener.ips) if _outside(ip)
    }
    settings = snapshot.domains.domains.get(str(own.domain)) if own is not None else None
    keys = settings.dkim.sign if settings is not None else ()
    return Context(__version__, tuple(sorted(addresses)), tuple(keys))


async def records_of(resolver: Resolver, domain: Domain, selectors: Sequence[str]) -> dict[str, str]:
    """Digests of what DNS has for a domain, as `Context.records`."""
    name = f"{domain.ascii}."
    found: dict[str, str] = {}

    async def look(kind: str, names: Sequence[str], beginning: str) -> None:
        texts: list[str] = []
        for one in names:
            try:
                answer = await (resolver.mx(one) if kind == "MX" else resolver.txt(one))
            except NotFound:
                continue
            except DNSError:
                return
            texts += [text for record in answer.records if (text := str(record)).lower().startswith(beginning)]
        found[kind] = _digest(texts) if texts else ""

    with trio.move_on_after(RECORDS_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look, "SPF", [name], "v=spf1")
            nursery.start_soon(look, "DKIM", [f"{one}._domainkey.{name}" for one in selectors], "")
            nursery.start_soon(look, "DMARC", [f"_dmarc.{name}"], "v=dmarc1")
            nursery.start_soon(look, "MX", [name], "")
    return found


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(texts)).encode(errors="surrogateescape")).hexdigest()[:16]


def providers(tests: Iterable[Trial]) -> list[Provider]:
    """The results by address, each with a word about its latest and its days."""
    by_address: dict[str, list[Trial]] = {}
    for test in tests:
        if test.landing:
            by_address.setdefault(test.address, []).append(test)
    return [_provider(all_tests) for all_tests in by_address.values()]


def _provider(tests: Sequence[Trial]) -> Provider:
    last = tests[-1]
    assert last.landing
    since, why = _fell(tests)
    days = [ProviderDay(round(test.at), test.landing, round(test.seconds)) for test in tests if test.landing]
    return Provider(
        name=last.name,
        address=last.address,
        landing=last.landing,
        mailbox=last.mailbox,
        seconds=round(last.seconds),
        since=round(since),
        changed=why,
        text=words(last, since, why),
        days=days,
    )


def _fell(tests: Sequence[Trial]) -> tuple[float, str]:
    """Since when all results are bad, 0 if the latest is not; and what had changed by then."""
    since, why = 0.0, ""
    for number, test in enumerate(tests):
        if test.landing not in BAD:
            since, why = 0.0, ""
        elif not since:
            since, why = test.at, _difference(tests[number - 1].context, test.context) if number else ""
    return since, why


def _difference(before: Context, after: Context) -> str:
    if before.addresses != after.addresses:
        return "server address changed"
    if before.keys != after.keys:
        return "signed with another DKIM key"
    for kind in RECORDS:
        old, new = before.records.get(kind), after.records.get(kind)
        if old is not None and new is not None and old != new:
            return f"the {kind} record changed"
    return "the version changed" if before.version != after.version else ""


def words(test: Trial, since: float, why: str) -> str:
    """A result in words: "inbox in 4 s", "junk since Tuesday, 24 November: the address of the server changed"."""
    if test.landing == "inbox":
        return f"inbox in {round(test.seconds)} s"
    if test.landing == "other":
        return f"{test.mailbox} in {round(test.seconds)} s"
    what = {"junk": "junk", "missing": "not found", "unsent": "waiting in the queue"}[test.landing]
    day = f"{dt.datetime.fromtimestamp(since, dt.UTC):%A, %-d %B}"
    return f"{what} since {day}{f': {why}' if why else ''}"


def findings_of(tests: Iterable[Trial], domain: str) -> list[Finding]:
    """A warning for each address with two bad nights in a row; `domain`: of the sender."""
    findings: list[Finding] = []
    for provider in providers(tests):
        recent = [day.landing for day in provider.days[-NIGHTS:]]
        if len(recent) == NIGHTS and all(one in BAD for one in recent):
            findings.append(
                Finding(
                    grade="warning",
                    code="placement",
                    about=provider.address,
                    text=f"mail to {provider.name} doesn't reach the inbox: {provider.text}",
                    commands=remedies(
                        provider, [test for test in tests if test.address == provider.address][-1].host, domain
                    ),
                )
            )
    return findings


def remedies(provider: Provider, host: str, domain: str) -> tuple[str, ...]:
    """Advice about bad results, the likeliest first."""
    form = next((DELIST[label] for label in host.lower().split(".") if label in DELIST), "")
    asked = (f"contact the provider: {form}",) if form and provider.landing != "unsent" else ()
    if provider.landing == "unsent":
        return ("moxlite queue list", "moxlite queue explain " + provider.address)
    return (
        "moxlite doctor",
        f"moxlite config dnscheck {domain}",
        *asked,
        "for a few days, send less mail, and only to people who reply",
    )


def _outside(ip: object) -> bool:
    return bool(getattr(ip, "is_global", False))
