"""The links of all accounts: made, tested, paused and removed, and kept running (LINK-1..4, LINK-9).

The mirroring itself is in `mirror`, which is loaded with the first link that runs.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.acceptance.linked import LinkSorter
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.metrics import Counter, Gauge
from moxlite.migration import linksending
from moxlite.migration.copies import Copies
from moxlite.migration.linksending import LinkRelays, find_outlet, known_outlet, relay_of
from moxlite.migration.linkstate import (
    REFUSED_WAITS,
    LinkState,
    LinkTestResult,
    PasswordCipher,
    Phase,
    checked,
    checked_new,
    pause,
    rejects_password,
    tell,
)
from moxlite.operations.copies import CopyByImap
from moxlite.operations.links import AddLink, FoundServers, LinkRequest
from moxlite.processor import act_for
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.store.mail.links import (
    Link,
    LinkRefused,
    NewLink,
    SubmissionServer,
    Transport,
    add_link,
    forget_link,
    link_by_id,
    link_named,
    links,
    mailboxes_below,
    note_accepted,
    note_refused,
    pause_link,
    remove_link,
    rename_link,
    reseal_link,
    set_outlet,
    set_sorting,
)
from moxlite.store.mail.mailboxes import delete_in_slices
from moxlite.store.types import MessageID
from moxlite.supervision import FailurePolicy, Supervisor
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.net.httpclient import Roots
    from moxlite.net.imapclient import Client
    from moxlite.net.pop3client import POP3Client

logger = logging.getLogger("moxlite.migration.links")

links_running: Final = Gauge("moxlite_links", "Active linked accounts, by current phase.", ["phase"])
links_failures: Final = Counter("moxlite_link_failures_total", "Closed connections to linked accounts.", ["reason"])

PHASES: Final[tuple[Phase, ...]] = ("connecting", "copying", "current", "waiting", "refused")

REFUSES: Final = "the other server rejected the password; enter the password again"

CALM: Final = 60.0
"""Seconds of a connection after which earlier failures are forgotten."""

MAX_SEARCHES: Final = 8
"""Searches for servers at a time; each asks up to 15 hosts."""

TEST_SECONDS: Final = 45.0
"""Seconds for a test: it is waited for."""

KEEP_OPEN: Final = 300.0
"""Seconds for which the account of a link stays open after its last use."""


class Searches:
    """Searches for the servers of addresses."""

    def __init__(self, copies: Copies, roots: Roots) -> None:
        self._resolver = copies.outside
        self._logins = copies.logins
        self._roots = roots
        self._config = copies.config
        self._running: set[str] = set()

    async def find(self, asker: str, address: str) -> FoundServers:
        """The servers of an address (LINK-20), one search of an asker at a time. `asker`: an account, "" for the
        administrator. Raises LinkRefused, TooManyLogins.
        """
        if asker in self._running or len(self._running) >= MAX_SEARCHES:
            raise LinkRefused("another server lookup is running; try again in a moment", "address")
        self._logins.search(asker)
        self._running.add(asker)
        try:
            await lazyimport.load("moxlite.migration.autoconfig")
            from moxlite.migration.autoconfig import Search
            from moxlite.net.httpclient import HTTPClient

            inside = self._config.current.static.allow_private_webhooks
            client = HTTPClient(self._resolver, allow_internal=inside, roots=self._roots, purpose="mail")
            return await Search(client, self._resolver).find(address.strip())
        finally:
            self._running.remove(asker)


class Links:
    """The links of a server.

    Args:
      copies: connects to other servers.
      tree: runs a task for each link.
      roots: of the certificates of web servers.
    """

    def __init__(self, copies: Copies, tree: Supervisor, roots: Roots) -> None:
        self._config = copies.config
        self._accounts = copies.accounts
        self._copies = copies
        self._tree = tree
        self.searches = Searches(copies, roots)
        self._sealing = PasswordCipher(copies.config.current.static.data_dir)
        self._running: dict[tuple[str, int], _RunningLink] = {}
        self._turns: dict[str, trio.Lock] = {}
        self._edits: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)
        """By account: a link that is added while one of its name is removed would be of mailboxes that go."""
        self.relays = LinkRelays(copies.config, copies.accounts)
        copies.config.on_change(self._changed)

    @property
    def inside(self) -> bool:
        """Whether users may name hosts of the inner network, as for webhooks (WEB-111)."""
        return self._config.current.static.allow_private_webhooks

    async def attend(self, account: Account) -> None:
        """Run the links of an account that was opened; for `Accounts.register_task`. Raises StoreError."""
        for link in await account.read(links, op="links"):
            if not link.paused:
                self._start(account.name, link.id)

    def _start(self, name: str, link_id: int) -> None:
        if (name, link_id) not in self._running:
            running = self._running[name, link_id] = _RunningLink(partial(_count, self._running))
            self._tree.start("migration.link", partial(self._run, name, link_id, running), FailurePolicy.ONCE)

    def _changed(self, old: Snapshot, new: Snapshot) -> None:
        """End the links of accounts that are being removed (STORE-140)."""
        del old
        for (name, _), running in self._running.items():
            if new.account(name) is None:
                running.scope.cancel()

    # For users

    async def list(self, name: str) -> list[tuple[Link, LinkState]]:
        """All links of an account, with their states. Raises StoreError."""
        async with self._accounts.use(name) as account:
            found = await account.read(links, op="links")
        states = {link_id: one.state for (account, link_id), one in self._running.items() if account == name}
        return [(link, LinkState("paused") if link.paused else states.get(link.id, LinkState())) for link in found]

    def current(self, name: str, link_id: int) -> bool:
        """Whether a link shows its mailboxes as they are now."""
        running = self._running.get((name, link_id))
        return running is not None and running.state.phase == "current"

    async def add(self, asked: AddLink, *, asker: str = "") -> tuple[Link, str]:
        """Test a link, make it and start it; returns it, and why it sends nothing, "" if it does or should not.
        `asker`: as for `test`. Raises StoreError, OSError, TooManyLogins, LinkRefused: also where the test fails.
        """
        asked = checked_new(asked, inside=self.inside)
        name = asked.account
        # Before anything is written: a link with a typing error in it would only be removed again.
        tested = await self.test(asked, asker=asker)
        secret = await trio.to_thread.run_sync(self._sealing.seal, asked.password, asked.host, asked.user)
        new = NewLink(
            name=asked.name,
            address=asked.address,
            host=asked.host,
            port=asked.port,
            tls=asked.tls,
            username=asked.user,
            secret=secret,
            protocol=asked.protocol,
            keep_days=asked.keep_days,
            outlet=tested.outlet if not tested.sending else SubmissionServer(),
            sorts=asked.sorts,
        )
        async with self._edits[name], self._accounts.use(name) as account:
            # A removal that was cut short has left rows. The new link would take them for its own, and messages that
            # are gone here since then for removed by the user: it would remove them there.
            while await account.write(lambda tx: forget_link(tx, new.host, new.username)):
                pass
            link = await account.write(lambda tx: add_link(tx, new))
        _note("added", name, link)
        self._start(name, link.id)
        return link, tested.sending

    async def test(self, asked: LinkRequest, *, asker: str = "") -> LinkTestResult:
        """Log in at the other server and look. `asker`: the account whose log-ins are counted (LINK-27), "" for the
        administrator. Raises TooManyLogins, LinkRefused: the text says why it cannot be linked.
        """
        asked = checked(asked, inside=self.inside)
        clear = self._copies.logins.begin(asker, asked.host, asked.user)
        from moxlite.net.imapclient import IMAPClientError, LoginFailed

        with trio.move_on_after(TEST_SECONDS):
            try:
                await lazyimport.load("moxlite.migration.mirror")
                from moxlite.migration.mirror import look

                if asked.protocol == "pop3":
                    found = await _look_into_maildrop(asked, self._copies)
                else:
                    client = await _open_mailboxes(
                        asked.host, asked.port, asked.tls, asked.user, asked.password, self._copies
                    )
                    try:
                        found = await look(client)
                    finally:
                        with trio.move_on_after(1, shield=True):
                            await client.logout()
                clear()
                outlet, said = await _tested_outlet(asked, self._copies, asker, inside=self.inside)
                return msgspec.structs.replace(found, outlet=outlet, sending=said)
            except IMAPClientError as error:
                if not rejects_password(error):
                    clear()
                field = "password" if isinstance(error, LoginFailed) else "host"
                raise LinkRefused(reason_of(error), field) from None
        clear()
        raise LinkRefused(worded("timed out after {seconds} s", seconds=int(TEST_SECONDS)), "host")

    async def set_password(self, name: str, text: str, password: str, *, asker: str = "") -> None:
        """Give a link another password, which is tested. `asker`: as for `test`. Raises StoreError, OSError,
        TooManyLogins, LinkRefused.
        """
        async with self._accounts.use(name) as account:
            link = await account.read(lambda r: link_named(r, text), op="links")
            await self.test(
                LinkRequest(
                    address=link.address,
                    host=link.host,
                    password=password,
                    user=link.username,
                    port=link.port,
                    tls=link.tls,
                    protocol=link.protocol,
                    sends=False,
                ),
                asker=asker,
            )
            secret = await trio.to_thread.run_sync(self._sealing.seal, password, link.host, link.username)
            await account.write(lambda tx: reseal_link(tx, link.id, secret))
        await self._stop(name, link.id)
        if not link.paused:
            self._start(name, link.id)

    async def set_sending(
        self, name: str, text: str, outlet: SubmissionServer, *, keeps_copy: bool | None, off: bool, asker: str = ""
    ) -> Link:
        """Say by which server a link sends, which is tested; one without a host is found; with `off` it sends nothing.
        `asker`: as for `test`. Raises StoreError, TooManyLogins, LinkRefused.
        """
        async with self._accounts.use(name) as account:
            link = await account.read(lambda r: link_named(r, text), op="links")
            asked = LinkRequest(
                address=link.address,
                host=link.host,
                password=await trio.to_thread.run_sync(self._sealing.open, link),
                user=link.username,
                tls=link.tls,
                sends=not off,
                smtp_host=outlet.host,
                smtp_port=outlet.port,
                smtp_tls=outlet.tls,
                smtp_user=outlet.user,
                keeps_copy=keeps_copy,
            )
            asked = checked(asked, inside=self.inside)
            found, said = await _tested_outlet(asked, self._copies, asker, inside=self.inside)
            if said:
                raise LinkRefused(said, "smtp_host")
            await account.write(lambda tx: set_outlet(tx, link.id, found))
            _note("sending changed", name, link)
            return await account.read(lambda r: link_named(r, text), op="links")

    async def pause(self, name: str, text: str, *, paused: bool, asker: str = "") -> None:
        """Stop a link, or let it run again, with a new try now. `asker`: as for `test`. Raises StoreError,
        TooManyLogins.
        """
        if not paused:
            self._copies.logins.begin_again(asker)
        async with self._accounts.use(name) as account:
            link = await account.read(lambda r: link_named(r, text), op="links")
            await account.write(lambda tx: pause_link(tx, link.id, paused=paused))
        await self._stop(name, link.id)
        if not paused:
            self._start(name, link.id)
        _note("paused" if paused else "resumed", name, link)

    async def set_sorting(self, name: str, text: str, *, sorts: bool) -> Link:
        """Have new mail of a link sorted by the account's junk filter, rules and script, or not (LINK-31). Raises
        StoreError.
        """
        async with self._accounts.use(name) as account:
            link = await account.read(lambda r: link_named(r, text), op="links")
            await account.write(lambda tx: set_sorting(tx, link.id, sorts=sorts))
        await self._stop(name, link.id)
        if not link.paused:
            self._start(name, link.id)
        _note("sorting changed", name, link)
        return msgspec.structs.replace(link, sorts=sorts)

    async def rename(self, name: str, text: str, new: str) -> None:
        """Give a link another name, and its mailboxes. Raises StoreError, LinkRefused."""
        async with self._accounts.use(name) as account:
            link = await account.read(lambda r: link_named(r, text), op="links")
            await self._stop(name, link.id)  # what is on its way would make mailboxes of the old name
            try:
                renamed = await account.write(lambda tx: rename_link(tx, link.id, new))
            finally:
                if not link.paused:
                    self._start(name, link.id)
        logger.info("link renamed", extra={"kv": _who(name, link) | {"to": renamed}})

    async def remove(self, name: str, text: str, *, delete: bool) -> None:
        """Remove a link. With `delete` its mailboxes here are deleted, too; the other server keeps all. Raises
        StoreError.
        """
        async with self._edits[name], self._accounts.use(name) as account:
            link = await account.read(lambda r: link_named(r, text), op="links")
            await account.write(lambda tx: remove_link(tx, link.id))  # first: nothing goes there from now on
            await self._stop(name, link.id)
            # In many units, so that mail is delivered meanwhile; the end of the server in between is made good by
            # `add`.
            while await account.write(lambda tx: forget_link(tx, link.host, link.username)):
                pass
            if delete:
                for box in await account.read(lambda r: mailboxes_below(r, link.name), op="links"):
                    await delete_in_slices(account.write, lambda _, mailbox_id=box.id: mailbox_id, unsubscribes=True)  # type: ignore[misc] # bound now
        _note("removed", name, link)

    async def _stop(self, name: str, link_id: int) -> None:
        running = self._running.get((name, link_id))
        if running is not None:
            running.scope.cancel()
            # Shielded, for seconds: a caller that gave up here would not start it again.
            with trio.CancelScope(shield=True):
                await running.ended.wait()

    # The running links

    async def _run(self, name: str, link_id: int, running: _RunningLink) -> None:
        """Keep a link connected until it is paused or removed.

        Errors: StoreError ends it; it runs again when the account is opened the next time.
        """
        act_for(name)  # a command begins it, too
        try:
            with running.scope:
                async with self._accounts.use(name, linger=KEEP_OPEN) as account:
                    await self._keep(account, link_id, running)
        except (AccountUnknown, AccountRemoved):
            pass
        except StoreError as error:
            logger.error(
                "linked account sync failed", extra={"kv": {"account": name, "link": link_id, "err": str(error)}}
            )
        finally:
            del self._running[name, link_id]
            running.ended.set()
            _count(self._running)

    async def _keep(self, account: Account, link_id: int, running: _RunningLink) -> None:
        from moxlite.net.imapclient import IMAPClientError, LoginFailed, TLSFailed

        failures = 0
        while True:
            link = await account.read(lambda r: link_by_id(r, link_id), op="links")
            if link is None or link.paused:
                return
            if link.refused is not None and not failures:  # since the last start of the server
                waits = REFUSED_WAITS[min(link.refusals, len(REFUSED_WAITS)) - 1]
                await running.wait("refused", worded(REFUSES), _left(link.refused, waits))
            began = trio.current_time()
            try:
                await self._serve(account, link, running)
            except LoginFailed as error:
                failures += 1
                if not rejects_password(error):
                    await running.wait("waiting", reason_of(error), pause(failures, error))
                    continue
                await account.write(lambda tx: note_refused(tx, link_id))
                if not link.refusals:
                    logger.warning("linked account password rejected", extra={"kv": _who(account.name, link)})
                links_failures.labels(reason="password").inc()
                seconds = REFUSED_WAITS[min(link.refusals, len(REFUSED_WAITS) - 1)]
                await running.wait("refused", reason_of(error), seconds)
            except (IMAPClientError, StoreError, OSError, LinkRefused) as error:
                if isinstance(error, (AccountUnknown, AccountRemoved)):
                    raise
                failures = 1 if trio.current_time() - began > CALM else failures + 1
                links_failures.labels(reason="tls" if isinstance(error, TLSFailed) else "connection").inc()
                await running.wait("waiting", reason_of(error), pause(failures, error))

    async def _serve(self, account: Account, link: Link, running: _RunningLink) -> None:
        running.enter("connecting")
        await lazyimport.load("moxlite.migration.mirror")
        from moxlite.migration.mirror import Mirror

        password = await trio.to_thread.run_sync(self._sealing.open, link)
        if link.protocol == "pop3":
            await self._collect(account, link, running, password)
            return
        client = await _open_mailboxes(link.host, link.port, link.tls, link.username, password, self._copies)
        try:
            if link.refused is not None:
                await account.write(lambda tx: note_accepted(tx, link.id))
            tmp = self._config.current.static.data_dir / "tmp"
            lock = self._turns.setdefault(account.name, trio.Lock())
            entered = running.enter
            mirror = Mirror(
                account,
                self._accounts,
                link,
                state=running.state,
                entered=entered,
                turn=lock,
                tmp=tmp,
                resent=running.resent,
                sorter=_sorter(self._config, self._accounts, link),
            )
            await mirror.serve(client)
        finally:
            with trio.move_on_after(5, shield=True):
                await client.logout()

    async def _collect(self, account: Account, link: Link, running: _RunningLink, password: str) -> None:
        """Fetch mail by POP3, again and again (LINK-18)."""
        await lazyimport.load("moxlite.migration.maildrop")
        from moxlite.migration.maildrop import POLL, Maildrop

        told = partial(tell, running.state, {"account": account.name, "link": link.name})
        tmp = self._config.current.static.data_dir / "tmp"
        entered = running.enter
        sorter = _sorter(self._config, self._accounts, link)
        drop = Maildrop(account, link, state=running.state, entered=entered, tell=told, tmp=tmp, sorter=sorter)
        while True:
            client = await _open_maildrop(link.host, link.port, link.tls, link.username, password, self._copies)
            try:
                if link.refused is not None:
                    await account.write(lambda tx: note_accepted(tx, link.id))
                await drop.look(client, time.time_ns() // 1000)
            finally:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                    await client.quit()
            await trio.sleep(POLL)


class _RunningLink:
    """A link that runs."""

    def __init__(self, counted: Callable[[], None]) -> None:
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.state = LinkState()
        self.resent: dict[tuple[int, MessageID], float] = {}
        self._counted = counted

    def enter(self, phase: Phase, said: str = "") -> None:
        """Take note of a phase, and of why it waits."""
        self.state.phase, self.state.said = phase, said
        self._counted()

    async def wait(self, phase: Phase, said: str, seconds: float) -> None:
        """Wait in a phase."""
        self.enter(phase, said)
        self.state.again = trio.current_time() + seconds
        await trio.sleep(seconds)


async def _open_mailboxes(host: str, port: int, tls: Transport, user: str, password: str, copies: Copies) -> Client:
    """Log in by IMAP. Raises IMAPClientError."""
    await lazyimport.load("moxlite.net.imapclient")
    order = CopyByImap(account="", host=host, port=port, tls=tls, user=user, password=password)
    return await copies.connect("import", order, copies.config.current.static.allow_private_webhooks)


async def _open_maildrop(host: str, port: int, tls: Transport, user: str, password: str, copies: Copies) -> POP3Client:
    """Log in by POP3. Raises IMAPClientError."""
    await lazyimport.load("moxlite.net.pop3client")
    from moxlite.net import pop3client
    from moxlite.net.imapclient import Server

    inside = copies.config.current.static.allow_private_webhooks
    server = Server(host, tls, port)
    resolver = copies.outside
    return await pop3client.connect(server, user, password, resolver=resolver, trust=copies.trust, inside=inside)


async def _look_into_maildrop(asked: LinkRequest, copies: Copies) -> LinkTestResult:
    """Count messages, and see that they have ids. Raises IMAPClientError."""
    client = await _open_maildrop(asked.host, asked.port, asked.tls, asked.user, asked.password, copies)
    try:
        return LinkTestResult(["Inbox"], len(await client.list()), instant=False)
    finally:
        with trio.move_on_after(1, shield=True):
            await client.quit()


async def _tested_outlet(
    asked: LinkRequest, copies: Copies, asker: str, *, inside: bool
) -> tuple[SubmissionServer, str]:
    """The submission server of a link, and why it does not work. Raises TooManyLogins, and LinkRefused for one that was
    given.
    """
    if not asked.sends:
        return SubmissionServer(), ""
    outlet = SubmissionServer(host=asked.smtp_host, port=asked.smtp_port, tls=asked.smtp_tls, user=asked.smtp_user)
    resolver = copies.outside
    if not outlet.host:
        outlet = await find_outlet(asked.address, asked.host, resolver)
    elif (known := known_outlet(asked.host)) is not None and known.host == outlet.host:
        outlet = msgspec.structs.replace(outlet, keeps_copy=known.keeps_copy)
    if not outlet.host:
        return outlet, worded("couldn't find an SMTP server; to send from this address, enter its name")
    if asked.keeps_copy is not None:
        outlet = msgspec.structs.replace(outlet, keeps_copy=asked.keeps_copy)
    try:
        relay = relay_of(outlet, asked.user, asked.password, inside=inside)
        clear = copies.logins.begin(asker, relay.host.ascii, relay.user)
        ehlo = copies.config.current.static.hostname.ascii
        try:
            await linksending.try_relay(relay, ehlo=ehlo, resolver=resolver, trust=copies.trust)
        except LinkRefused as error:
            if error.field != "password":
                clear()
            raise
        clear()
    except LinkRefused as error:
        if asked.smtp_host:
            raise
        return outlet, reason_of(error)
    return outlet, ""


def _sorter(config: CurrentConfig, accounts: Accounts, link: Link) -> LinkSorter | None:
    return LinkSorter(config, accounts, link) if link.sorts else None


def _count(all_running: Mapping[tuple[str, int], _RunningLink]) -> None:
    for phase in PHASES:
        links_running.labels(phase=phase).set(sum(one.state.phase == phase for one in all_running.values()))


def _left(since: int, seconds: float) -> float:
    """Seconds of a pause that are left, from `since` on, µs UTC."""
    return min(max(since / 1_000_000 + seconds - time.time(), 0.0), seconds)


def _who(name: str, link: Link) -> dict[str, object]:
    return {"account": name, "link": link.name, "host": link.host, "user": link.username}


def _note(change: str, name: str, link: Link) -> None:
    logger.info(f"link {change}", extra={"kv": _who(name, link)})
