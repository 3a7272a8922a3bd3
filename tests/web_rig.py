"""The web services of a whole server (`tests.house`), and browsers for them.

Tests of sessions have the fixtures `rig` and `browser` (tests/session/conftest.py). The account ``mia`` has the address
``mia@example.org`` and the password ``correct horse battery``; the webmail is at ``/webmail/``, the account app at
``/``, both with TLS at port 443, metrics at port 8010.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import trio

from moxlite.config.holder import ConfigHolder
from moxlite.logins.adminpassword import write_admin_password
from moxlite.net.admission import Shutdown
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import KeyPair, self_signed
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.authdb import AuthDB
from moxlite.wiring import Components
from tests.browsing import ADDRESS, PASSWORD, Answer, Browser, Events, first_request, http_exchange
from tests.house import Running, house
from tests.tools import limits_stand_still

__all__ = [
    "ADDRESS",
    "ADMIN_DOMAINS",
    "ADMIN_PASSWORD",
    "ADMIN_STATIC",
    "DOMAINS",
    "PASSWORD",
    "STATIC",
    "Answer",
    "Browser",
    "Events",
    "Rig",
    "first_request",
    "http_exchange",
    "open_rig",
    "owner",
    "serving",
    "visitor",
]

STATIC = """
hostname = "mail.example.org"
data_dir = "../data"
postmaster = { account = "mia", mailbox = "Postmaster" }
store = { check_on_close = true, min_free_space = 0 }
web.public_url = { account = "https://mail.example.org/", webmail = "https://mail.example.org/webmail/" }

[listeners.local]
ips = ["127.0.0.1"]
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
account_http = { enabled = true, port = 80 }
webmail_http = { enabled = true, port = 80 }
account_https = { enabled = true, port = 443 }
dav_http = { enabled = true, port = 80 }
dav_https = { enabled = true, port = 443 }
webmail_https = { enabled = true, port = 443 }
metrics_http = { enabled = true, port = 8010 }

[listeners.proxied]
ips = ["127.0.0.1"]
webmail_http = { enabled = true, port = 81, forwarded = true }
"""

DOMAINS = """
[domains."example.org"]
client_settings_domain = "imap.example.org"

[accounts.mia]
domain = "example.org"
[accounts.mia.destinations."mia@example.org"]
[accounts.mia.destinations."büro@example.org"]

[accounts.tom]
domain = "example.org"
[accounts.tom.destinations."tom@example.org"]
"""

ADMIN_PASSWORD = "a long password of the owner"

ADMIN_STATIC = (
    STATIC.replace('data_dir = "../data"', 'data_dir = "../data"\nadmin_password_file = "adminpasswd"').replace(
        "metrics_http = { enabled = true, port = 8010 }",
        "metrics_http = { enabled = true, port = 8010 }\n"
        "admin_http = { enabled = true, port = 80 }\nadmin_https = { enabled = true, port = 443 }\n"
        "webserver_http = { enabled = true, port = 80 }\nwebserver_https = { enabled = true, port = 443 }",
    )
    + """
[listeners.alone]
ips = ["127.0.0.1"]
admin_http = { enabled = true, port = 82 }
webmail_http = { enabled = true, port = 83 }
"""
)
ADMIN_DOMAINS = (
    DOMAINS
    + """
[[web_handlers]]
domain = "www.example.org"
path_regexp = "^/blog/"
dont_redirect_plain_http = true
static = { root = "/nonexistent" }
"""
)

SMALL: int = 4096
"""Octets that the kernel holds for a client with a `small` window."""


@cache
def _certificate() -> KeyPair:
    return self_signed(["mail.example.org"])


class Rig:
    """The server."""

    def __init__(self, running: Running) -> None:
        self.running = running

    @property
    def house(self) -> Components:
        """What the rooms of the server work with."""
        return self.running.house

    @property
    def holder(self) -> ConfigHolder:
        return self.house.config

    @property
    def accounts(self) -> Accounts:
        return self.house.files.accounts

    @property
    def auth(self) -> AuthDB:
        return self.house.files.auth

    @property
    def shutdown(self) -> Shutdown:
        return self.house.shutdown

    def connect(
        self,
        *,
        port: int = 80,
        ip: str = "127.0.0.1",
        remote: str = "192.0.2.7",
        tls: bool = False,
        small: bool = False,
    ) -> trio.abc.Stream:
        """A connection of a client to the server; with `small` the kernel holds next to nothing of what is sent."""
        return self.running.connect(port=port, ip=ip, remote=remote, tls=tls, window=SMALL if small else 0)

    def browser(self, *, app: str = "/webmail/", **connection: Any) -> Browser:
        """A browser that uses the app at a path."""
        return Browser(self, connection, app)

    @asynccontextmanager
    async def account(self, name: str = "mia") -> AsyncIterator[OpenAccount]:
        async with self.accounts.use(name) as account:
            yield account


async def open_rig(
    folder: Path,
    nursery: trio.Nursery,
    *,
    static: str = STATIC,
    domains: str = DOMAINS,
    certificate: KeyPair | None = None,
    resolver: Resolver | None = None,
) -> Rig:
    """A server whose files are below `folder`; it ends with `nursery`. `certificate` is that of all listeners. With a
    `resolver` it is a real one, see `house`.
    """
    pair = certificate or _certificate()
    config = folder / "config"
    config.mkdir(parents=True)
    (config / "cert.pem").write_bytes(pair.certificate_pem())
    (config / "key.pem").write_bytes(pair.key_pem())
    found: Rig = await nursery.start(partial(_serve, folder, static, domains, resolver))
    return found


async def _serve(
    folder: Path,
    static: str,
    domains: str,
    resolver: Resolver | None,
    *,
    task_status: trio.TaskStatus[Rig] = trio.TASK_STATUS_IGNORED,
) -> None:
    with limits_stand_still():
        async with house(
            folder, static=static, domains=domains, passwords={"mia": PASSWORD}, resolver=resolver
        ) as running:
            task_status.started(Rig(running))
            await trio.sleep_forever()


@asynccontextmanager
async def serving(folder: Path, *, app: str = "/webmail/", **options: Any) -> AsyncIterator[Rig]:
    """A server below `folder` until the end of the block, with the options of `open_rig`; for ``/admin/`` one with the
    admin app.
    """
    if app == "/admin/":
        options = {"static": ADMIN_STATIC, "domains": ADMIN_DOMAINS} | options
    async with trio.open_nursery() as nursery:
        found = await open_rig(folder, nursery, **options)
        if app == "/admin/":
            write_admin_password(folder / "config" / "adminpasswd", ADMIN_PASSWORD)
        yield found
        nursery.cancel_scope.cancel()


def visitor(rig: Rig, **connection: object) -> Browser:
    """A browser that shows the log-in of the admin app."""
    return rig.browser(app="/admin/", **connection)


async def owner(rig: Rig, **connection: object) -> Browser:
    """A browser that has logged in to the admin app."""
    found = visitor(rig, **connection)
    await found.log_in("", ADMIN_PASSWORD)
    return found
