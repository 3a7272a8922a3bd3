"""The whole server in a test: the real tree of `server.serve`, its ports in the process, and clients for all its doors.

::

    async with house(tmp_path) as h:
        smtp = await h.smtp()
        await smtp.deliver("mia@example.org")
        imap = await h.imap("mia")
        assert await imap.select() ...
        browser = await h.web("mia")
        await browser.call("mailboxes")
        assert await h.readiness() == (200, "ok")

It serves as `localserve` does: nothing leaves the machine, and DNS is not asked. Nothing is taken of the machine's
ports (`tests.ports`): each port of the configuration is free. With the fixture `mock_clock` time stands still but for
`clock.jump`.
"""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import apsw
import pytest
import trio

from moxlite import server, wiring
from moxlite.admin.storage.settings import store_options
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.client import CtlClient, connect_ctl
from moxlite.net.log import LogHandler
from moxlite.net.resolver import Resolver
from moxlite.process.signals import Signals
from moxlite.process.startup import start
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.credentials import change_password
from moxlite.supervision import FailurePolicy, Supervisor
from moxlite.wiring import Components
from tests.browsing import Browser
from tests.memory import nothing_held
from tests.ports import Ports
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.smtpd_harness import Client as SMTPClient
from tests.tools import Files, files_of, put_files

__all__ = ["DOMAINS", "PASSWORD", "STATIC", "Faults", "Running", "house", "soon"]

PASSWORD = "correct horse"

LISTENER = """
[listeners.{name}]
ips = ["127.0.0.1"]
smtp = {{ enabled = true, port = {base}25, starttls = false, first_time_sender_delay = "0s" }}
imap = {{ enabled = true, port = {base}43, require_tls = false }}
webmail_http = {{ enabled = true, port = {base}80 }}
metrics_http = {{ enabled = true, port = {base}81 }}
"""

STATIC = f"""\
hostname = "mx.example.org"
data_dir = "data"
rate_limits.exempt = ["127.0.0.0/8"]
[postmaster]
account = "mia"
mailbox = "Postmaster"
{LISTENER.format(name="one", base=1)}
{LISTENER.format(name="two", base=2)}
"""
"""moxlite.toml. Two listeners, so that there is another door while one cannot be used."""

DOMAINS = """\
[domains."example.org"]
[accounts.mia]
domain = "example.org"
[accounts.mia.destinations."mia@example.org"]
[accounts.tom]
domain = "example.org"
[accounts.tom.destinations."tom@example.org"]
"""

SECONDS = 60.0
"""Of real time, for what must happen."""


async def soon(condition: Callable[[], object], what: str = "condition") -> None:
    """Wait in real time, whatever the test's clock says, until `condition` holds."""
    end = await _now() + SECONDS
    while not condition():
        assert await _now() < end, f"waited {SECONDS:.0f} s for: {what}"


async def _now() -> float:
    """Real time, a moment later: other tasks have had theirs."""
    await trio.to_thread.run_sync(time.sleep, 0.002)
    return time.monotonic()


class Faults:
    """Ends running tasks of supervisors with errors. Tasks are known that were started after `patch`."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str], int] = {}
        """How often each was started, by the names of its supervisor and its own."""
        self.trees: dict[str, Supervisor] = {}
        """The supervisors that started a task, by name; the newest of each name."""
        self._planted: dict[tuple[str, str], BaseException] = {}
        self._scopes: dict[tuple[str, str], trio.CancelScope] = {}

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between supervisors and their tasks."""
        start, start_ready = Supervisor.start, Supervisor.start_ready
        faults = self

        def faulty_start(
            tree: Supervisor,
            name: str,
            task: Callable[..., Awaitable[None]],
            on_failure: FailurePolicy = FailurePolicy.RESTART,
        ) -> None:
            faults.trees[tree.name] = tree
            start(
                tree,
                name,
                task if on_failure is FailurePolicy.ONCE else partial(faults._run, (tree.name, name), task),
                on_failure,
            )

        async def faulty_start_ready(tree: Supervisor, name: str, task: Callable[..., Awaitable[None]]) -> None:
            faults.trees[tree.name] = tree
            await start_ready(tree, name, partial(faults._run, (tree.name, name), task))

        monkeypatch.setattr(Supervisor, "start", faulty_start)
        monkeypatch.setattr(Supervisor, "start_ready", faulty_start_ready)

    def ran_after(self, runs: int, supervisor: str, name: str) -> bool:
        """Whether a task has been started more than `runs` times."""
        return self.runs[supervisor, name] > runs

    async def _run(self, key: tuple[str, str], task: Callable[..., Awaitable[None]], **options: Any) -> None:
        self.runs[key] = self.runs.get(key, 0) + 1
        self._scopes[key] = scope = trio.CancelScope()
        with scope:
            await task(**options)
        if scope.cancelled_caught:
            raise self._planted.pop(key)

    def plant(self, tree: str, name: str, error: BaseException) -> None:
        """Have a running task fail with `error`."""
        self._planted[tree, name] = error
        self._scopes[tree, name].cancel()


class Running:
    """The server, and its doors. `house` is what `serve` works with."""

    def __init__(self, folder: Path, house: Components, signals: Signals, ports: Ports, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.house = house
        self.signals = signals
        self._ports = ports
        self._stack = stack

    @property
    def tree(self) -> Supervisor:
        """The supervisor of the server."""
        return self.house.tree

    def port(self, service: str, listener: str = "one") -> int:
        """The port of `smtp`, `imap`, `webmail_http` or `metrics_http`."""
        settings = getattr(self.house.static.listeners[listener], service)
        return int(settings.port)

    def connect(
        self, *, port: int, ip: str = "127.0.0.1", remote: str = "127.0.0.1", tls: bool = False, window: int = 0
    ) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
        """A connection from `remote` to a port, with TLS from the beginning or without; `window` as `Ports.connect`.

        Raises OSError: nothing listens there.
        """
        stream = self._ports.connect(port, ip=ip, remote=remote, window=window)
        return trio.SSLStream(stream, _any_server(), https_compatible=True) if tls else stream

    async def smtp(self, listener: str = "one", service: str = "smtp") -> SMTPClient:
        """A client that has said EHLO, at the port of `smtp` or `submission`."""
        client = SMTPClient(await self._stack.enter_async_context(self.connect(port=self.port(service, listener))))
        assert (await client.reply()).startswith("220")
        assert (await client.say("EHLO client.example")).startswith("250")
        return client

    async def imap(self, account: str = "mia", listener: str = "one") -> IMAPClient:
        """A client that has logged in."""
        client = IMAPClient(await self._stack.enter_async_context(self.connect(port=self.port("imap", listener))))
        assert (await client.response()).startswith("* OK")
        await client.login(f"{account}@example.org", PASSWORD)
        return client

    async def web(self, account: str = "mia", listener: str = "one") -> Browser:
        """A browser that has logged in to the webmail."""
        browser = self.browser(listener)
        await browser.log_in(f"{account}@example.org", PASSWORD)
        return browser

    def browser(self, listener: str = "one", service: str = "webmail_http") -> Browser:
        """A browser for one of the ports."""
        port = self.port(service, listener)
        browser = Browser(self, {"port": port}, "/webmail/")
        browser.host = f"127.0.0.1:{port}"
        return browser

    @asynccontextmanager
    async def ctl(self) -> AsyncIterator[CtlClient]:
        """A client of the control socket."""
        async with connect_ctl(self.house.static.data_dir / "ctl") as client:
            yield client

    async def readiness(self, listener: str = "one") -> tuple[int, str]:
        """Status and text of ``/readyz``."""
        answer = await self.browser(listener, "metrics_http").fetch("/readyz")
        return answer.status, answer.body.decode().rstrip("\n")


@asynccontextmanager
async def house(
    folder: Path,
    *,
    static: str = STATIC,
    domains: str = DOMAINS,
    passwords: Mapping[str, str] | None = None,
    resolver: Resolver | None = None,
) -> AsyncIterator[Running]:
    """A server whose configuration and data are below `folder`, stopped in order at the end.

    Args:
      static: moxlite.toml.
      domains: domains.toml.
      passwords: of accounts, which are made; `PASSWORD` for all by itself, none where the folder is that of a server
        that has run before.
      resolver: the server is a real one, as by ``moxlite serve``, which asks this resolver.
    """
    path = folder / "config" / "moxlite.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(static)
    (path.parent / "domains.toml").write_text(domains)
    await _make_accounts(folder, path, static, domains, passwords)
    umask = os.umask(0)
    ports = Ports()
    started = start(path, drop=False, bind=ports.bind)
    ready: list[Components] = []
    ending = ExitStack()
    signals = ending.enter_context(Signals())
    try:
        async with AsyncExitStack() as clients, trio.open_nursery() as nursery:
            # memory is the whole process's: objects of tests must not be frozen, and looking at all of them takes 0.1 s
            clients.enter_context(pytest.MonkeyPatch.context()).setattr(server, "_settle_memory", bool)
            if resolver is not None:
                clients.enter_context(pytest.MonkeyPatch.context()).setattr(wiring, "_resolver", lambda _: resolver)
            local = resolver is None
            run = partial(server.serve, started, local=local, ready=ready.append, signals=signals, listen=ports.listen)
            nursery.start_soon(run)
            await soon(lambda: ready, "the server is ready")
            yield Running(folder, ready[0], signals, ports, clients)
            await clients.aclose()
            ready[0].shutdown.set()
        nothing_held()
    finally:
        ending.close()
        os.umask(umask)
        started.close()
        for handler in [one for one in logging.getLogger().handlers if isinstance(one, LogHandler)]:
            logging.getLogger().removeHandler(handler)
            with suppress(OSError):
                handler.close()


@dataclass(frozen=True)
class _Made:
    """The files of accounts that were made for a new server, and when."""

    at: int
    files: Files


_made: dict[tuple[str, str, str], _Made] = {}
"""By configuration and passwords. To make them takes a quarter of a server's time."""

ACCOUNT: Final = "/account.db"

COPIED_FOR: Final = 3600 * 10**9
"""Nanoseconds. A test with another time than ours makes its accounts itself."""


async def _make_accounts(
    folder: Path, path: Path, static: str, domains: str, passwords: Mapping[str, str] | None
) -> None:
    """Make the accounts and set their passwords. Another new server with the same configuration gets copies of them."""
    key = static, domains, repr(passwords)
    before = _names(folder)
    new = not any(name.endswith("/accounts") for name in before)
    made = _made.get(key)
    if new and made is not None and 0 <= time.time_ns() - made.at < COPIED_FOR:
        put_files(folder, made.files)
        for name in made.files:
            if name.endswith(ACCOUNT):
                with closing(apsw.Connection(str(folder / name))) as db:
                    db.execute("UPDATE state SET file_id = randomblob(16)").fetchall()
        return
    at = time.time_ns()
    await _set_passwords(path, passwords)
    if new:
        files = {name: one for name, one in files_of(folder).items() if name not in before}
        if any(name.endswith(ACCOUNT) for name in files):
            _made[key] = _Made(at, files)


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


async def _set_passwords(path: Path, passwords: Mapping[str, str] | None) -> None:
    holder, _ = ConfigHolder.open(path)
    accounts = Accounts(holder.current.static.data_dir, store_options(holder))
    try:
        for name in holder.current.domains.accounts if passwords is None else passwords:
            async with accounts.use(name) as account:
                await change_password(account, PASSWORD if passwords is None else passwords[name])
    finally:
        await accounts.aclose()


@cache
def _any_server() -> ssl.SSLContext:
    """A client that asks for no certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
