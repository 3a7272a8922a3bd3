"""Commands of the control socket about logins (STORE-106), app passwords (STORE-191, IMAP-158, SMTP-165), keys of
client certificates (STORE-104, ADMIN-19) and tokens of the admin API (WEB-168).
"""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import UNSET

from moxlite.admin.accountforms import refused
from moxlite.admin.commandedits import named_account
from moxlite.admin.passwords import Passwords
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations import access as operations
from moxlite.operations.accounts import ListLogins, LoginInfo
from moxlite.operations.performing import commands
from moxlite.store.auth.admintokens import AdminTokenRefused, AdminTokens
from moxlite.store.auth.apppasswords import AppPassword, Scope, app_passwords
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import AppUse, KeyUse, LoginAttempts, protocol_words
from moxlite.store.auth.tlskeys import (
    PROOF_SECONDS,
    KeyChallenges,
    KeyRefused,
    NoSuchKey,
    TLSKey,
    form_of,
    pem_problem,
    read_certificate,
)
from moxlite.store.changelog.origin import note_way
from moxlite.store.errors import LimitExceeded
from moxlite.store.forms import LAST, BadForm, mark
from moxlite.wording import worded

NOT_OWN: Final = "doesn't belong to this account"
"""Error about an address."""


class LoginCommands:
    """``moxlite account logins``."""

    def __init__(self, config: ConfigHolder, attempts: LoginAttempts) -> None:
        self._config = config
        self._attempts = attempts

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(ListLogins.bind(self.list))

    async def list(self, args: ListLogins) -> list[LoginInfo]:
        """The newest logins and failed attempts."""
        if args.account:
            named_account(self._config, args.account)
        return [
            LoginInfo(
                first=_moment(attempt.first),
                last=_moment(attempt.last),
                count=attempt.count,
                account=attempt.account,
                address=attempt.address,
                remote_ip=attempt.remote_ip,
                protocol=protocol_words(attempt.protocol),
                result=attempt.result,
                app_password=attempt.app_password,
                user_agent=attempt.user_agent,
            )
            for attempt in await self._attempts.newest(args.account or None, limit=args.count)
        ]


class AppPasswordCommands:
    """``moxlite account app-password``."""

    def __init__(self, config: ConfigHolder, passwords: Passwords, attempts: LoginAttempts) -> None:
        self._config = config
        self._passwords = passwords
        self._accounts = passwords.accounts
        self._attempts = attempts

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.AppPasswordAdd.bind(self.add),
            operations.ListAppPasswords.bind(self.list),
            operations.AllowAppPassword.bind(self.allow),
            operations.RemoveAppPassword.bind(self.rm),
        )

    async def add(self, args: operations.AppPasswordAdd) -> str:
        """Make an app password and return it; it cannot be shown again."""
        named_account(self._config, args.account)
        if not args.name.strip():
            raise BadForm("name", "enter a device or app name")
        if not args.scopes:
            raise BadForm("scopes", "choose at least one service")
        return await self._passwords.add_app(
            args.account, args.name, args.scopes, read_only=args.read_only, expires=args.expires, token=args.token
        )

    async def list(self, args: operations.ListAppPasswords) -> list[operations.AppPasswordInfo]:
        """List the app passwords of an account, the oldest first."""
        named_account(self._config, args.account)
        async with self._accounts.use(args.account) as account:
            found = await account.read(app_passwords, op="app-password")
        uses = {use.app_password: use for use in await self._attempts.app_uses(args.account)}
        now = time.time_ns() // 1000
        return [_info(app_password, uses.get(app_password.name), now) for app_password in found]

    async def allow(self, args: operations.AllowAppPassword) -> None:
        """Change what an app password may change besides mail."""
        named_account(self._config, args.account)
        wanted: dict[Scope, bool] = {"sharing": args.sharing, "sieve": args.sieve}
        extras = [scope for scope, on in wanted.items() if on]
        if not await self._passwords.allow_extras(args.account, args.name, extras):
            raise CommandFailed("notFound", worded("app password not found: {name}", name=repr(args.name)))

    async def rm(self, args: operations.RemoveAppPassword) -> None:
        """Revoke an app password, and end its sessions (IMAP-23)."""
        named_account(self._config, args.account)
        if not await self._passwords.revoke_app(args.account, args.name):
            raise CommandFailed("notFound", worded("app password not found: {name}", name=repr(args.name)))


def _info(app_password: AppPassword, use: AppUse | None, now: int) -> operations.AppPasswordInfo:
    if use is not None and use.last < app_password.created:  # of an earlier one with the same name
        use = None
    last = max(use.last if use else 0, app_password.last_used or 0)
    return operations.AppPasswordInfo(
        name=app_password.name,
        token=app_password.token is not None,
        scopes=list(app_password.scopes),
        read_only=app_password.read_only,
        created=_moment(app_password.created),
        expires=None if app_password.expires is None else _moment(app_password.expires),
        expired=app_password.expired(now),
        last_used=_moment(last) if last else None,
        last_ip=use.remote_ip if use else "",
        last_protocol=use.protocol if use else "",
    )


def _moment(microseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(min(microseconds, LAST) // 1_000_000, dt.UTC)


def _words(moment: int | None) -> str:
    if moment is None:
        return ""
    return f"{_moment(moment):%Y-%m-%d %H:%M}"


class AdminTokenCommands:
    """``moxlite admin token``."""

    def __init__(self, tokens: AdminTokens) -> None:
        self._tokens = tokens

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.AddAdminToken.bind(self.add),
            operations.ListAdminTokens.bind(self.list),
            operations.RemoveAdminToken.bind(self.rm),
        )

    async def add(self, args: operations.AddAdminToken) -> str:
        """Make a token and return it; it cannot be shown again."""
        try:
            return await self._tokens.add(args.name, args.scopes, args.days)
        except (AdminTokenRefused, LimitExceeded) as error:
            raise CommandFailed("refused", str(error)) from None

    async def list(self, args: operations.ListAdminTokens) -> list[operations.AdminTokenInfo]:
        """The tokens, the oldest first."""
        now = time.time_ns() // 1000
        return [
            operations.AdminTokenInfo(
                name=admin_token.name,
                scopes=list(admin_token.scopes),
                created=_words(admin_token.created),
                expires=_words(admin_token.expires),
                expired=admin_token.expires <= now,
                last_used=_words(admin_token.last_used),
                used_from=admin_token.last_ip,
            )
            for admin_token in await self._tokens.list()
        ]

    async def rm(self, args: operations.RemoveAdminToken) -> None:
        """Revoke a token."""
        if not await self._tokens.remove(args.name):
            raise CommandFailed("notFound", f"token not found: {args.name!r}")


class TLSKeyCommands:
    """``moxlite config tlspubkey``."""

    def __init__(self, config: ConfigHolder, auth: AuthDB, passwords: Passwords) -> None:
        self._config = config
        self._auth = auth
        self._passwords = passwords
        self._challenges = KeyChallenges()

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.ListKeys.bind(self.list),
            operations.GetKey.bind(self.get),
            operations.ChallengeKey.bind(self.challenge),
            operations.AddKey.bind(self.add),
            operations.ChangeKey.bind(self.change),
            operations.RemoveKey.bind(self.remove),
            refusals=(KeyRefused, LimitExceeded),
            missing=(NoSuchKey,),
        )

    async def list(self, args: operations.ListKeys) -> list[operations.TLSKeyInfo]:
        """Keys of one account, or of all."""
        if args.account:
            named_account(self._config, args.account)
        keys = await self._auth.keys.of(args.account or None)
        return await key_infos(self._auth.attempts, keys)

    async def get(self, args: operations.GetKey) -> operations.TLSKeyInfo:
        """One key, with its certificate."""
        key = await self._find(args.fingerprint, "")
        uses = await self._auth.attempts.key_uses(key.account)
        return key_info(key, uses.get(key.fingerprint), certificate=True)

    async def challenge(self, args: operations.ChallengeKey) -> operations.KeyChallenge:
        """The command whose output `add` takes as a proof."""
        named_account(self._config, args.account)
        challenge, until = self._challenges.new(args.account)
        command = f'openssl req -new -key key.pem -subj "/CN={challenge}"'
        return operations.KeyChallenge(command, dt.datetime.fromtimestamp(until, dt.UTC))

    async def add(self, args: operations.AddKey) -> operations.TLSKeyInfo:
        """Let the holder of a key log in with an address."""
        recipient = self._config.current.login(args.address)
        problem = pem_problem(args.certificate)
        mistakes = [("certificate", problem)] if problem else []
        if recipient is None or args.account not in ("", recipient.account):
            mistakes.insert(0, ("address", NOT_OWN))
        if recipient is None or mistakes:
            raise refused(mistakes)
        key = read_certificate(
            args.certificate.encode(),
            recipient.account,
            str(recipient.canonical),
            name=args.name.strip(),
            no_imap_preauth=args.no_imap_preauth,
        )
        await self._prove(key, args.proof)
        added = await self._auth.keys.add(key)
        async with self._passwords.accounts.use(key.account) as account:
            await account.write(lambda tx: note_way(tx, "certificate", key.fingerprint))
        return key_info(added)

    async def _prove(self, key: TLSKey, proof: str) -> None:
        # Before the key is compared with others, or anyone could learn which certificates are registered.
        if proof:
            self._challenges.check(key, proof)
            return
        now = time.time_ns() // 1000
        attempts = self._auth.attempts
        if not await attempts.presented(key.account, key.fingerprint, now - PROOF_SECONDS * 1_000_000, now):
            raise BadForm("proof", "is missing; run the openssl command with your private key, and add its output")

    async def change(self, args: operations.ChangeKey) -> None:
        """Change name, address or use of a key."""
        key, changed = await self._find(args.fingerprint, args.account), args.changed
        if changed.login_address is not UNSET:
            recipient = self._config.current.login(changed.login_address)
            if recipient is None or recipient.account != key.account:
                raise BadForm("login_address", NOT_OWN)
            changed = msgspec.structs.replace(changed, login_address=str(recipient.canonical))
        await self._auth.keys.patch(key.account, key.fingerprint, changed, args.mark)

    async def remove(self, args: operations.RemoveKey) -> None:
        """Forget a key, and end its sessions (IMAP-23)."""
        key = await self._find(args.fingerprint, args.account)
        if not await self._passwords.remove_key(self._auth.keys, key.account, key.fingerprint):
            raise NoSuchKey

    async def _find(self, fingerprint: str, account: str) -> TLSKey:
        key = await self._auth.keys.find(fingerprint)
        if key is None or account not in ("", key.account):
            raise NoSuchKey
        return key


async def key_infos(attempts: LoginAttempts, keys: Sequence[TLSKey]) -> list[operations.TLSKeyInfo]:
    """Keys as programs and pages see them, each with its last use."""
    uses = {account: await attempts.key_uses(account) for account in dict.fromkeys(key.account for key in keys)}
    return [key_info(key, uses[key.account].get(key.fingerprint)) for key in keys]


def key_info(key: TLSKey, use: KeyUse | None = None, *, certificate: bool = False) -> operations.TLSKeyInfo:
    """A key as programs and pages see it, its times in whole seconds, with its `certificate` in PEM if asked for."""
    pem = x509.load_der_x509_certificate(key.certificate).public_bytes(Encoding.PEM).decode() if certificate else ""
    return operations.TLSKeyInfo(
        fingerprint=key.fingerprint,
        account=key.account,
        login_address=key.login_address,
        name=key.name,
        type=key.type,
        no_imap_preauth=key.no_imap_preauth,
        created=_moment(key.created),
        mark=mark(form_of(key)),
        certificate=pem,
        last_used=None if use is None else _moment(use.last),
        last_ip="" if use is None else use.remote_ip,
        last_protocol="" if use is None else use.protocol,
    )
