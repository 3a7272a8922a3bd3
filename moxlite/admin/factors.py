"""Changes of second factors and recovery links, with all their consequences (WEB-151, WEB-151a).

Checking a factor at log-in is `moxlite.logins.secondfactor`.
"""

import datetime as dt
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

import trio

from moxlite import lazyimport
from moxlite.admin.commandedits import named_account
from moxlite.admin.notices import address_of_account, notify_account, notify_postmaster, written
from moxlite.admin.passwords import EndSessions
from moxlite.admin.publicpages import NoPublicPage, require_public_page
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import AccountRecipient, CurrentConfig
from moxlite.logins.identity import LoginRequest
from moxlite.logins.logins import Logins
from moxlite.logins.secondfactor import SecondFactors
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations.access import (
    ClearLimits,
    ConnectionInfo,
    ConnectProvider,
    DisconnectProvider,
    FactorInfo,
    FactorsRemoved,
    LimitInfo,
    LinkMade,
    ListConnections,
    ListFactors,
    ListLimits,
    MakeLink,
    ResetFactors,
)
from moxlite.operations.performing import commands
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import change_password, check_password, generate_password
from moxlite.store.auth.factors import LINK_LIFE, RecoveryLink, SecurityKey
from moxlite.store.auth.loginattempts import ADMIN, MainPasswordUse
from moxlite.store.auth.providerbindings import BoundElsewhere
from moxlite.store.changelog.origin import CLI, WayKind, note_way, origin
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.wakeup import Wakeup
from moxlite.wording import ReaderLanguage, mail_text

logger = logging.getLogger("moxlite.admin.factors")

NOT_YOU: Final = mail_text("If this wasn't you, contact your administrator right away.")
PROGRAMS: Final = mail_text(  # STORE-191a
    "Mail clients now need app passwords. They can't log in with your account password anymore."
)
COMMAND_LINE: Final = mail_text("command line")


MINUTE: Final = "%Y-%m-%d %H:%M UTC"
"""Form of a time in these mails, with `time.strftime`."""

DAY: Final = 86_400 * 1_000_000
"""Microseconds of a day."""


class LinkUsed(StoreError):
    """The recovery link was used, replaced by a newer one, or has expired."""


class FactorChanges:
    """Changes second factors. An `account` is a name, or `ADMIN`; `where` says where the change came from, for the
    notice: ``198.51.100.7``, or ``command line``. All methods raise StoreError.

    Args:
      end_sessions: ends the mail sessions of an account.
    """

    def __init__(
        self,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        auth: AuthDB,
        logins: Logins,
        end_sessions: EndSessions,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins
        self._end_sessions = end_sessions
        self.factors = SecondFactors(logins, auth, accounts)
        self.admin_resets = 0
        """Times that the administrator's second factors were reset; each ends the sessions of the admin app."""
        self._turn = trio.Lock()  # the mark and the factors are in two files

    async def add_app(self, account: str, name: str, secret: bytes, step: int, *, where: str) -> list[str]:
        """Store an authenticator app whose first code, of time step `step`, was right. Returns recovery codes with the
        first factor, else an empty list. Raises as `factors.add_totp`.
        """
        return await self._add(
            account,
            lambda: self._auth.factors.add_totp(account, name, secret, step),
            mail_text("authenticator app “{name}”", name=name),
            where,
            kind="authenticator",
            name=name,
        )

    async def add_key(self, account: str, key: SecurityKey, *, where: str) -> list[str]:
        """Store a security key whose first assertion was right. Returns and raises as `add_app`."""
        return await self._add(
            account,
            lambda: self._auth.factors.add_key(account, key),
            mail_text("security key “{name}”", name=key.name),
            where,
            kind="security_key",
            name=key.name,
        )

    async def _add(
        self,
        account: str,
        store: Callable[[], Awaitable[list[str]]],
        what: str,
        where: str,
        *,
        kind: WayKind,
        name: str,
    ) -> list[str]:
        async with self._turn:
            # In this order: killed in between, a factor is not asked for until the next start marks the account
            # (`SecondFactors.mark_all`); a mark without a factor would lock its owner out.
            codes = await store()
            await self.factors.mark(account, True)
        await self._note(account, kind, name)
        if codes:
            await self._note(account, "recovery_codes", "codes")
        if codes:
            logger.info("two-step verification turned on", extra={"kv": {"account": account}})
            if account != ADMIN:
                self._end_sessions(account, "two-step verification was turned on; use an app password")
            lines = [mail_text("Two-step verification was turned on. Verification method: {what}.", what=what)]
            lines += [PROGRAMS] if account != ADMIN else []
            await self._tell(account, mail_text("Two-step verification is on"), lines, where)
        else:
            logger.info("verification method added", extra={"kv": {"account": account}})
            text = mail_text("Your account has a new verification method: {what}.", what=what)
            await self._tell(account, mail_text("Verification method added"), [text], where)
        return codes

    async def remove(self, account: str, kind: str, number: int, *, where: str) -> str | None:
        """Remove an app (`kind` ``totp``) or key (``key``); returns its name, or None if the account has no such
        factor. With the last one two-step log-in is off, and the main password works everywhere again.
        """
        async with self._turn:
            factors = await self._auth.factors.of(account)
            last = len(factors.apps) + len(factors.keys) == 1
            if last:  # unmarked first: a mark without factors would lock the user out
                await self.factors.mark(account, False)
            name = await self._auth.factors.remove(account, kind, number)
            if last and name is None:
                await self.factors.mark(account, True)
        if name is None:
            return None
        logger.info("verification method removed", extra={"kv": {"account": account, "last": last}})
        if kind == "totp":
            what = mail_text("authenticator app “{name}”", name=name)
        else:
            what = mail_text("security key “{name}”", name=name)
        if last:
            text = mail_text(
                "Your last verification method was removed: {what}. To log in, you now only need your password.",
                what=what,
            )
            await self._tell(account, mail_text("Two-step verification is off"), [text], where)
        else:
            text = mail_text("Verification method removed from your account: {what}.", what=what)
            await self._tell(account, mail_text("Verification method removed"), [text], where)
        return name

    async def new_recovery_codes(self, account: str, *, where: str) -> list[str]:
        """Replace the recovery codes; returns the new ones."""
        codes = await self._auth.factors.new_recovery_codes(account)
        await self._note(account, "recovery_codes", "codes")
        logger.info("recovery codes replaced", extra={"kv": {"account": account}})
        text = mail_text("You have new recovery codes. The old codes no longer work.")
        await self._tell(account, mail_text("Recovery codes replaced"), [text], where)
        return codes

    async def reset(self, account: str, *, where: str) -> int:
        """Remove all second factors; returns the number of apps and keys. The web sessions of the account end."""
        async with self._turn:
            await self.factors.mark(account, False)
            removed = await self._auth.factors.drop(account)
        if account == ADMIN:
            self.admin_resets += 1
            self._auth.sessions.tell(ADMIN)
        else:
            await self._auth.sessions.remove_all(account)
        logger.info("verification methods reset", extra={"kv": {"account": account, "removed": removed}})
        text = mail_text(
            "All verification methods were removed from your account. To log in, you now only need your password. "
            "You can set up two-step verification again at any time."
        )
        await self._tell(account, mail_text("Two-step verification was reset"), [text], where)
        return removed

    async def provider_connected(self, account: str, subject: str, *, where: str) -> None:
        """Tell the user that a person of the login provider can log in to the account from now on (WEB-181)."""
        await self._note(account, "provider", subject)
        logger.info("login provider connected", extra={"kv": {"account": account}})
        text = mail_text(
            "Your account was connected to the login provider. You can now log in there, without your password."
        )
        await self._tell(account, mail_text("Login provider connected"), [text], where)

    async def main_password_uses(self, account: str) -> list[MainPasswordUse]:
        """Mail programs that used the account's own password within 30 days, and would stop with two-step log-in."""
        snapshot = self._config.current
        settings = snapshot.account(account)
        if snapshot.static.require_app_passwords or (settings is not None and settings.require_app_passwords):
            return []
        return await self._auth.attempts.main_password_uses(account)

    # Recovery links (WEB-151a)

    async def make_link(self, account: str, *, reset_factors: bool, where: str, days: int = 0) -> str:
        """Make a recovery link, for an hour or some days; returns its token. The user is told on other devices."""
        life = days * DAY or LINK_LIFE
        token = await self._auth.factors.new_link(account, reset_factors=reset_factors, life=life)
        await self._note(account, "recovery_link", "link")
        logger.info("recovery link created", extra={"kv": {"account": account, "reset_factors": reset_factors}})
        text = mail_text(
            "Your administrator created a password reset link for your account. The link works once, until {end}.",
            end=time.strftime(MINUTE, time.gmtime(time.time() + life / 1_000_000)),
        )
        await self._tell(account, mail_text("Password reset link created"), [text], where)
        return token

    async def link(self, token: str) -> RecoveryLink:
        """The link with this token. Raises LinkUsed."""
        recovery_link = await self._auth.factors.find_link(token)
        if recovery_link is None or self._config.current.account(recovery_link.account) is None:
            raise LinkUsed("This link has expired, has already been used, or was replaced by a newer one.")
        return recovery_link

    def generates(self, account: str) -> bool:
        """Whether the user may not choose a password (STORE-102)."""
        found = self._config.current.account(account)
        return found is not None and found.no_custom_password

    async def use_link(self, token: str, password: str, *, where: str) -> str:
        """Set the password of the link's account, and end all its sessions; `password` is not looked at if the user may
        not choose one. Returns the new password if it was generated, else "".

        Raises:
          LinkUsed: see there.
          BadPassword: the link can still be used.
        """
        account = (await self.link(token)).account
        generated = generate_password() if self.generates(account) else ""
        # Looked at before the link is spent, which works once.
        check_password(generated or password)
        self._logins.check_new(account, generated or password)
        taken = await self._auth.factors.take_link(token)
        if taken is None:
            raise LinkUsed("This link has already been used.")
        async with self._accounts.use(account) as opened:
            await change_password(opened, generated or password)
        await self._logins.changed(account)
        self._end_sessions(account, "password updated")
        await self._auth.sessions.remove_all(account)
        logger.info("password set by a recovery link", extra={"kv": {"account": account}})
        text = mail_text("Your password was reset using a link from your administrator.")
        await self._tell(account, mail_text("Your password was changed"), [text], where)
        if taken.reset_factors:
            await self.reset(account, where=where)
        return generated

    async def _note(self, account: str, kind: WayKind, key: str) -> None:
        """Note who set up a way in, of which `_tell` tells the user."""
        if account == ADMIN:
            return
        try:
            async with self._accounts.use(account) as opened:
                await opened.write(lambda tx: note_way(tx, kind, key, tell=False))
        except StoreError as error:
            logger.warning("failed to note who gave access", extra={"kv": {"account": account, "err": str(error)}})

    async def _tell(self, account: str, subject: str, lines: Sequence[str], where: str) -> None:
        """Tell the user, or for the administrator the postmaster, of a change. A failure is logged only."""
        snapshot = self._config.current
        when = time.strftime(MINUTE, time.gmtime())
        body = [*lines, "", mail_text("When: {when}", when=when), mail_text("From: {where}", where=where), "", NOT_YOU]
        once = f"factors {secrets.token_hex(8)}"
        try:
            if account == ADMIN:
                subject = f"Admin app: {subject[0].lower()}{subject[1:]}"
                text = written(body, ReaderLanguage())
                await notify_postmaster(self._accounts, snapshot, subject, text, once=once, flagged=True)
            elif (address := address_of_account(snapshot, account)) is not None:
                await notify_account(self._accounts, snapshot, account, address, subject, body, once=once)
        except StoreError as error:
            logger.warning("failed to store security email", extra={"kv": {"account": account, "err": str(error)}})


# Commands of the control socket about second factors, recovery links, and limits of log-ins (WEB-56, WEB-151).


class FactorCommands:
    """``moxlite account second-factors`` and the like, ``moxlite limits``, ``moxlite account provider``."""

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
            ListConnections.bind(self.connections),
            ConnectProvider.bind(self.connect),
            DisconnectProvider.bind(self.disconnect),
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
            raise CommandFailed("refused", "to set the administrator's password, run: moxlite admin set-password")
        self._require(args.account)
        try:
            base = require_public_page(self._config.current, "account")
        except NoPublicPage as error:
            raise CommandFailed("refused", str(error)) from None
        token = await self._changes.make_link(
            args.account, reset_factors=args.reset_factors, where=_where(), days=args.days
        )
        return LinkMade(f"{base}#recover={token}", _words(time.time_ns() // 1000 + (args.days * DAY or LINK_LIFE)))

    async def limits(self, args: ListLimits) -> list[LimitInfo]:
        """Networks and accounts with failed log-ins, the most failures first."""
        return [
            LimitInfo(
                failure_count.who,
                failure_count.seconds,
                failure_count.failures,
                failure_count.limit,
                failure_count.failures >= failure_count.limit,
                failure_count.network,
            )
            for failure_count in await self._logins.attempts.counts.listing()
        ]

    async def clear(self, args: ClearLimits) -> int:
        """Forget the failures of an address, or all; returns the number of counts that were dropped."""
        try:
            ip = ip_address(args.ip) if args.ip else None
        except ValueError:
            raise CommandFailed("badRequest", f"{args.ip!r} isn't a valid IP address", "ip") from None
        return await self._logins.attempts.counts.clear(ip)

    async def connections(self, args: ListConnections) -> list[ConnectionInfo]:
        """The people of login providers of an account, or of all accounts."""
        if args.account:
            named_account(self._config, args.account)
        return [
            ConnectionInfo(
                binding.account, binding.issuer, binding.subject, _words(binding.bound), _words(binding.last_login)
            )
            for binding in await self._auth.bindings.of(args.account)
        ]

    async def connect(self, args: ConnectProvider) -> None:
        """Let a person of the login provider log in to an account."""
        named_account(self._config, args.account)
        try:
            added = await self._auth.bindings.add(self._issuer(), args.subject, args.account)
        except (BoundElsewhere, LimitExceeded) as error:
            raise CommandFailed("refused", str(error)) from None
        if added:
            await self._changes.provider_connected(args.account, args.subject, where=_where())

    async def disconnect(self, args: DisconnectProvider) -> None:
        """Let a person of the login provider no longer log in to an account."""
        named_account(self._config, args.account)
        if not await self._auth.bindings.remove(self._issuer(), args.subject, args.account):
            raise CommandFailed("notFound", f"{args.account} isn't connected to {args.subject!r}")
        await self._auth.sessions.remove_all(args.account)

    def _issuer(self) -> str:
        settings = self._config.current.static.oidc
        if settings is None:
            raise CommandFailed("refused", "no login provider is set up; add [oidc] to moxlite.toml")
        return settings.issuer

    def _require(self, name: str) -> None:
        if name != ADMIN:
            named_account(self._config, name)


def _where() -> str:
    """The origin of a change, for notices."""
    asked = origin()
    way = COMMAND_LINE if asked.via == CLI.via else mail_text("admin app, {ip}", ip=asked.remote_ip)
    return mail_text("your administrator, {way}", way=way)


def _words(moment: int) -> str:
    return dt.datetime.fromtimestamp(moment // 1_000_000, dt.UTC).strftime("%Y-%m-%d %H:%M")


# The notice that a stranger has the password of an account (SMTP-57a).
#
# Where app passwords are demanded, a right own password from a network in which the account has never logged in is
# answered as a wrong one. Only its owner hears that it was right, by mail, once a day.

logins_logger = logging.getLogger("moxlite.admin.logins")

PAUSE_SECONDS: Final = (2.0, 30.0)
"""Bounds of the random time until the mail is stored: its work must not show in the time of an answer."""

SUBJECT: Final = mail_text("Login blocked: someone entered your password")


class KnownPasswords:
    """Sends the mail. At most one waits for each account."""

    def __init__(self, config: CurrentConfig, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._waiting: dict[str, tuple[Address, LoginRequest]] = {}
        self._days: dict[str, str] = {}
        self._wakeup = Wakeup()
        self._turn = trio.Lock()

    def given(self, recipient: AccountRecipient, request: LoginRequest) -> None:
        """Take note of a right password from a strange network; as cheap as the rest of a refusal."""
        self._waiting.setdefault(recipient.account, (recipient.canonical, request))
        self._wakeup.set()

    async def serve(self) -> None:
        """Store the mails. One that its account does not take is given up until the next log-in of that kind."""
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            await trio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311  no secret
            while self._waiting:
                async with self._turn:
                    await self._send_next()

    async def forget(self, account: str) -> None:
        """Drop the mail of an account that is removed: a later account of that name must not get it (STORE-140)."""
        async with self._turn:  # a mail that is being stored ends first
            self._waiting.pop(account, None)
            self._days.pop(account, None)

    async def _send_next(self) -> None:
        account, (address, request) = self._waiting.popitem()
        day = datetime.fromtimestamp(time.time(), UTC).date().isoformat()
        if self._days.get(account) != day and await self._tell(account, address, request, day):
            self._days[account] = day

    async def _tell(self, account: str, address: Address, request: LoginRequest, day: str) -> bool:
        await lazyimport.load("moxlite.admin.notices")
        from moxlite.admin.notices import notify_account

        lines = [
            mail_text(
                "Someone entered the correct password for your account {account} from a new network. The login was "
                "blocked, because mail clients need an app password here. Your mail wasn't read, and no mail was sent.",
                account=account,
            ),
            "",
            mail_text("When: {when}", when=time.strftime(MINUTE, time.gmtime())),
            mail_text("From: {where}", where=f"{request.remote} ({request.protocol})"),
            "",
            mail_text(
                "If this was your mail client, create an app password for it on the account page, under Security."
            ),
            mail_text(
                "If this wasn't you, someone else knows your password. Change it now on the account page, and anywhere "
                "else you use it. You'll get at most one of these emails a day."
            ),
        ]
        once = f"known password {account} {day}"
        try:
            snapshot = self._config.current
            await notify_account(self._accounts, snapshot, account, address, SUBJECT, lines, once=once)
        except StoreError as error:
            facts = {"account": account, "err": str(error)}
            logins_logger.warning("failed to store known-password email", extra={"kv": facts})
            return False
        return True
