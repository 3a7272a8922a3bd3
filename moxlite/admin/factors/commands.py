"""Commands of the control socket about second factors, recovery links, and limits of log-ins (WEB-56, WEB-151)."""

import datetime as dt
import time
from collections.abc import Mapping
from ipaddress import ip_address

import trio

from moxlite.admin.edits import named_account
from moxlite.admin.factors.changes import FactorChanges
from moxlite.admin.publicpages import NoPublicPage, require_public_page
from moxlite.config.holder import ConfigHolder
from moxlite.logins.logins import Logins
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations.access import (
    ClearLimits,
    FactorInfo,
    FactorsRemoved,
    LimitInfo,
    LinkMade,
    ListFactors,
    ListLimits,
    MakeLink,
    ResetFactors,
)
from moxlite.operations.performing import commands
from moxlite.store.auth.audit import CLI, origin
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.factors import LINK_LIFE
from moxlite.store.auth.loginattempts import ADMIN


class FactorCommands:
    """``moxlite account second-factors`` and the like, ``moxlite limits``."""

    def __init__(self, config: ConfigHolder, auth: AuthDB, logins: Logins, changes: FactorChanges) -> None:
        self._config = config
        self._auth = auth
        self._logins = logins
        self._changes = changes

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ListFactors.bind(self.factors),
            ResetFactors.bind(self.reset),
            MakeLink.bind(self.make_link),
            ListLimits.bind(self.limits),
            ClearLimits.bind(self.clear),
        )

    async def factors(self, args: ListFactors) -> list[FactorInfo]:
        """The second factors of an account, or of all accounts, by name."""
        if args.account:
            self._require(args.account)
        rows: list[FactorInfo] = []
        for account in [args.account] if args.account else await self._auth.factors.accounts():
            found = await self._auth.factors.of(account)
            rows += [
                FactorInfo(account, "app", app.name, "", _words(app.created), _words(app.last_used))
                for app in found.apps
            ]
            rows += [
                FactorInfo(account, "key", key.name, key.host, _words(key.created), _words(key.last_used))
                for key in found.keys
            ]
            if found:
                rows.append(FactorInfo(account, "codes", str(found.codes), "", "", ""))
        return rows

    async def reset(self, args: ResetFactors) -> FactorsRemoved:
        """Remove all second factors of an account or of the administrator."""
        self._require(args.account)
        return FactorsRemoved(await self._changes.reset(args.account, where=_where()))

    async def make_link(self, args: MakeLink) -> LinkMade:
        """Make a recovery link of an account."""
        if args.account == ADMIN:
            raise CommandFailed("refused", "the administrator's password is set by: moxlite admin set-password")
        self._require(args.account)
        try:
            base = require_public_page(self._config.current, "account")
        except NoPublicPage as error:
            raise CommandFailed("refused", str(error)) from None
        token = await self._changes.make_link(args.account, reset_factors=args.reset_factors, where=_where())
        return LinkMade(f"{base}#recover={token}", _words(time.time_ns() // 1000 + LINK_LIFE))

    async def limits(self, args: ListLimits) -> list[LimitInfo]:
        """Networks and accounts with failed log-ins, the most failures first."""
        await trio.lowlevel.checkpoint()
        return [
            LimitInfo(one.who, one.seconds, one.failures, one.limit, one.failures >= one.limit, one.network)
            for one in self._logins.attempts.counts.listing()
        ]

    async def clear(self, args: ClearLimits) -> int:
        """Forget the failures of an address, or all; returns the number of counts that were dropped."""
        await trio.lowlevel.checkpoint()
        try:
            ip = ip_address(args.ip) if args.ip else None
        except ValueError:
            raise CommandFailed("badRequest", f"{args.ip!r} is not an IP address", "ip") from None
        return self._logins.attempts.counts.clear(ip)

    def _require(self, name: str) -> None:
        if name != ADMIN:
            named_account(self._config, name)


def _where() -> str:
    """The origin of a change, for notices."""
    asked = origin()
    way = "the command line" if asked.via == CLI.via else f"the admin app, from {asked.remote_ip}"
    return f"the owner of this server, by {way}"


def _words(moment: int) -> str:
    return dt.datetime.fromtimestamp(moment // 1_000_000, dt.UTC).strftime("%Y-%m-%d %H:%M")
