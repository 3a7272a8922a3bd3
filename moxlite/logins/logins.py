"""Authentication for SMTP, IMAP and the web (SMTP-48..65, IMAP-41..51, WEB-56..58).

All that the protocols have in common is here: verifying passwords, the secrets of SASL mechanisms (also for users that
do not exist), identities by client certificate, accounts whose log-in is disabled. `attempts` counts and records each
attempt. The caller turns the exceptions, one per cause, into replies of its protocol. `exchange` runs SASL on top.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.config.snapshot import AccountRecipient, CurrentConfig
from moxlite.logins.adminpassword import read_admin_hash
from moxlite.logins.attempts import Attempts, canonical_name
from moxlite.logins.guessing import Attempt, FailedLogins
from moxlite.logins.identity import (
    Candidate,
    CertificateLogin,
    FactorNeeded,
    Identity,
    LoginDisabled,
    LoginRequest,
    NoAdminPassword,
    NotPermitted,
    Protocol,
    WrongCredentials,
    by_app_password,
    typed,
)
from moxlite.logins.newpasswords import context_of, refuse_guessable
from moxlite.proto.sasl import WITHOUT_SECRETS, Secrets, decoy_secrets, normalize_username
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.admintokens import AdminToken
from moxlite.store.auth.apppasswords import (
    AppPassword,
    Passwords,
    Scope,
    account_of_token,
    app_passwords,
    note_use as write_use,
    passwords,
    token_named,
    use_is_due,
)
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import (
    OWN,
    Credential,
    PasswordChecker,
    is_foreign,
    is_two_step,
    needs_rehash,
    rehash,
)
from moxlite.store.auth.loginattempts import ADMIN, AttemptResult
from moxlite.store.auth.weakpasswords import is_weak
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError

logger = logging.getLogger("moxlite.admin.logins")

BEARER: Final = "httpbearer"
"""The word for records of log-ins by token."""

Known: TypeAlias = Callable[[AccountRecipient, LoginRequest], None]


class Logins:
    """Verification of log-ins.

    Args:
      config: gives the current configuration.
      accounts: for the credentials.
      auth: auth.db, with keys of client certificates and the list of attempts.
      failures: counts failures per network and account, over all protocols (SMTP-136).
      secret: of this installation; makes the secrets of users that do not exist stable.
      known: hears of each right own password that was answered as a wrong one (SMTP-57a). It must return at once.

    Attributes:
      attempts: counts and records of all attempts.
      stored: the passwords that the accounts have.
      weak: accounts whose own password is easy to guess, as far as it came in cleartext since the start.
    """

    def __init__(
        self,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        auth: AuthDB,
        failures: FailedLogins,
        secret: bytes,
        known: Known | None = None,
    ) -> None:
        self._known = known
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self.attempts: Final = Attempts(config, auth, failures)
        self.stored: Final = StoredPasswords(config, accounts, auth)
        self._secret = secret
        self._checker = PasswordChecker()
        self.weak: Final[set[str]] = set()

    async def password(
        self, request: LoginRequest, username: str, password: str, *, mechanism: str, alone: bool = False
    ) -> Identity:
        """Verify user name and password.

        `mechanism` is the word for records: ``plain``, ``login``, ``weblogin``, ``httpbasic`` … With `alone` no second
        factor is asked for: the user of a living session confirms something.

        Raises:
          RateLimited, WrongCredentials, LoginDisabled: see there.
          FactorNeeded: the password is right, and a web app must go on with `SecondFactors.check`.
        """
        await self.attempts.admit(request)
        return await self.verify_password(request, username, password, mechanism=mechanism, alone=alone)

    async def verify_password(
        self, request: LoginRequest, username: str, password: str, *, mechanism: str, alone: bool = False
    ) -> Identity:
        """Verify user name and password of an attempt that `admit` has let in before: the end of a SASL exchange.

        Raises:
          RateLimited, WrongCredentials, LoginDisabled, FactorNeeded: see `password`.
        """
        recipient = self.login(username)
        attempt = await self.attempts.book(request, username)
        with attempt:
            own, apps, withheld = await self.stored.known(request, recipient)
            keys = [app.key for app in apps]
            name = recipient.account if recipient else ""
            # Also for an unknown user: the time until the answer must not tell which accounts exist.
            found = await self._checker.which(name, own, keys, password, withheld=withheld)
            if recipient is not None and found == OWN and withheld:
                raise self.withhold(request, mechanism, username, recipient, attempt)
            if recipient is None or found is None:
                result: AttemptResult = "baduser" if recipient is None else "badpassword"
                error = WrongCredentials("bad user or password")
                raise self.attempts.refuse(
                    request, mechanism, username, error, recipient, result=result, attempt=attempt
                )
            if found != OWN:
                used = Candidate(apps[found].secrets, apps[found])
                return await self.accept_candidate(request, mechanism, username, recipient, used, attempt)
            needed = request.protocol in WEB and not alone and await self.stored.has_factors(recipient.account)
            if needed:
                identity = Identity(recipient.account, str(recipient.canonical))
                self._require_enabled(request, mechanism, username, recipient, attempt=attempt)
                self.attempts.refuse(request, mechanism, username, FactorNeeded(identity), recipient, attempt=attempt)
            else:
                identity = self.accept(request, mechanism, username, recipient, attempt=attempt)
        if is_weak(password, context_of(self._config.current, identity.account)):
            self.weak.add(identity.account)
        assert own is not None
        if needs_rehash(own):
            await self.stored.renew(identity.account, own, password)
        if needed:
            raise FactorNeeded(identity)
        return identity

    async def token(self, request: LoginRequest, token: str) -> Identity:
        """Verify an access token (RFC 6750), which is for its account and needs no user name.

        Raises:
          RateLimited, WrongCredentials, LoginDisabled, NotPermitted: see there.
        """
        await self.attempts.admit(request)
        name = account_of_token(token)
        recipient = self._config.current.login_of(name)
        username = str(recipient.canonical) if recipient else ""
        attempt = await self.attempts.book(request, username or name)
        with attempt:
            app_password = None if recipient is None else await self.stored.token(recipient.account, token)
            if recipient is None or app_password is None:
                result: AttemptResult = "baduser" if recipient is None else "badcreds"
                error = WrongCredentials("bad token")
                raise self.attempts.refuse(request, BEARER, username, error, recipient, result=result, attempt=attempt)
            problem = await self.stored.not_permitted(recipient.account, app_password, request.protocol)
            if problem:
                refusal, app = NotPermitted(problem), app_password.name
                raise self.attempts.refuse(
                    request, BEARER, username, refusal, recipient, app_password=app, attempt=attempt
                )
            await self.stored.note_use(recipient.account, app_password)
            return self.accept(request, BEARER, username, recipient, app_password, attempt=attempt)

    def withhold(
        self,
        request: LoginRequest,
        mechanism: str,
        username: str,
        recipient: AccountRecipient,
        attempt: Attempt | None,
    ) -> NotPermitted | WrongCredentials:
        """Refuse the account's own password where app passwords are demanded (SMTP-57a). Only a network from which the
        account has logged in reads that an app password is needed; for others the password was a wrong one, so that
        guesses are not confirmed.
        """
        if request.protocol in SCOPES and self.attempts.counts.knows(request.remote, recipient.account):
            hint = NotPermitted("use an app password; your own password only works on the web pages")
            self.attempts.refuse(request, mechanism, username, hint, recipient, attempt=attempt)
            return hint
        wrong = WrongCredentials("bad user or password")
        self.attempts.refuse(request, mechanism, username, wrong, recipient, result="notpermitted", attempt=attempt)
        if self._known is not None:
            self._known(recipient, request)
        return wrong

    async def admin_password(
        self, request: LoginRequest, password: str, *, mechanism: str = "weblogin", alone: bool = False
    ) -> None:
        """Verify the administrator's password (WEB-60). `alone`: see `password`.

        Raises:
          RateLimited, WrongCredentials: see there.
          NoAdminPassword: none is set, or the server cannot read it; the text says what to do.
          FactorNeeded: the password is right, and the app must go on with `SecondFactors.check`.
        """
        await self.attempts.admit(request)
        path = self._config.current.static.admin_password_file
        why = "the admin password isn't set; run `moxlite admin set-password`"
        try:
            # Read at each log-in: the command line replaces the file while the server runs.
            stored = None if path is None else await trio.to_thread.run_sync(read_admin_hash, path)
        except OSError as failure:
            stored = None
            why = f"can't read the admin password ({path}: {failure.strerror}); run `moxlite admin set-password`"
        if stored is None:
            error = NoAdminPassword(why)
            raise self.attempts.refuse(request, mechanism, "", error, account=ADMIN)
        attempt = await self.attempts.book_account(request, ADMIN)
        with attempt:
            if not await self._checker.verify(ADMIN, Credential(stored, Secrets()), password):
                wrong = WrongCredentials("bad password")
                raise self.attempts.refuse(
                    request, mechanism, "", wrong, account=ADMIN, result="badpassword", attempt=attempt
                )
            if not alone and await self._auth.factors.has(ADMIN):
                needed = FactorNeeded(Identity(ADMIN, ""))
                raise self.attempts.refuse(request, mechanism, "", needed, account=ADMIN, attempt=attempt)
            self.attempts.succeed(request, mechanism, ADMIN, "", attempt=attempt)

    async def admin_token(self, request: LoginRequest, token: str) -> AdminToken:
        """Verify a token of the admin API (WEB-168). A wrong one counts for the client's network alone.

        Raises:
          RateLimited, WrongCredentials: see there.
        """
        await self.attempts.admit(request)
        found, moment = await self._auth.admin_tokens.find(token), now()
        if found is None or found.expires <= moment:
            wrong = WrongCredentials("bad token" if found is None else "the token has expired")
            raise self.attempts.refuse(request, BEARER, "", wrong, result="badcreds")
        await self._auth.admin_tokens.note_use(found, moment, str(request.remote))
        self.attempts.succeed(request, BEARER, ADMIN, "", app_password=found.name)
        return found

    async def candidates(self, request: LoginRequest, username: str) -> list[Candidate]:
        """Return the candidates that SCRAM and CRAM-MD5 verify against, at least one. A user who does not exist, or has
        no password that may be used here, gets a stable fake one that matches no password, so that the exchange looks
        the same (SMTP-57, IMAP-46). The account's own password is withheld where it is for the web alone (SMTP-57a).
        """
        # Looked up at each step of the way, never cached: a password that is changed or revoked ends its use at once.
        recipient = self.login(username)
        own, apps, withheld = await self.stored.known(request, recipient)
        if own is not None and recipient is not None and is_foreign(own):
            await self.stored.note_foreign(recipient.account, has=True)
            own = None  # as an account without a password: an early failure would tell that it exists
        found = [Candidate(app.secrets, app) for app in apps]
        if own is not None and not withheld:
            return [Candidate(own.secrets), *found]
        decoys = [Candidate(decoy_secrets(self._secret, canonical_name(self._config.current, username)))]
        if own is not None:  # before the decoy: SCRAM takes those with the salt of the first one
            found.append(Candidate(msgspec.structs.replace(own.secrets, withheld=True)))
        return found if apps else [*found, *decoys]

    def usable(self, mechanisms: Iterable[str]) -> list[str]:
        """The mechanisms of these that are announced. While an account has another server's hash, only those that need
        no other form of it: programs give up when the first one fails, and users are not known yet (STORE-100b).
        """
        alone = self._config.current.static.foreign_passwords.plain_only and self._auth.foreign.left
        return [name for name in mechanisms if not alone or name in WITHOUT_SECRETS]

    async def certificate(self, request: LoginRequest) -> CertificateLogin | None:
        """Return the account of the client certificate. None without a certificate, for an unknown key (recorded as a
        failure), while auth.db cannot be read, or if the network has no attempts left (SMTP-59, SMTP-60, IMAP-47,
        IMAP-50).
        """
        if not request.fingerprint or not self.attempts.allowed(request):
            return None
        try:
            key = await self._auth.keys.find(request.fingerprint)
        except StoreError as error:  # other mechanisms still work
            logger.warning("failed to read client certificates", extra={"kv": {"err": str(error)}})
            return None
        recipient = None if key is None else self._config.current.login(key.login_address)
        if key is None or recipient is None or recipient.account != key.account:
            self.attempts.refuse(
                request,
                "tlsclientauth",
                key.login_address if key else "",
                WrongCredentials("unknown client certificate"),
            )
            return None
        return CertificateLogin(
            identity=Identity(
                recipient.account, str(recipient.canonical), login=typed(key.login_address, recipient.canonical)
            ),
            no_imap_preauth=key.no_imap_preauth,
        )

    async def use_certificate(
        self, request: LoginRequest, username: str, *, mechanism: str = "tlsclientauth"
    ) -> Identity:
        """Record a log-in by client certificate, as an address of its account.

        The key is looked up again, since it may have been removed since the handshake (SMTP-62a, IMAP-23).

        Raises:
          LoginDisabled, WrongCredentials, StoreError: see there.
        """
        recipient = self.login(username)
        key = await self._auth.keys.find(request.fingerprint)
        if key is None or recipient is None or recipient.account != key.account:
            wrong = WrongCredentials("this client certificate doesn't belong to the account")
            raise self.attempts.refuse(request, mechanism, username, wrong, recipient)
        return self.accept(request, mechanism, username, recipient)

    async def accept_candidate(
        self,
        request: LoginRequest,
        mechanism: str,
        username: str,
        recipient: AccountRecipient,
        used: Candidate,
        attempt: Attempt | None,
    ) -> Identity:
        """Accept a client that has proven one of the account's passwords, unless an app password is expired or has
        another scope; record the success.

        Whether the password is still valid is checked last: one that was changed or revoked during the exchange is
        refused.

        Raises:
          LoginDisabled, NotPermitted, WrongCredentials: see there.
        """
        app = used.app
        if app is not None:
            problem = await self.stored.not_permitted(recipient.account, app, request.protocol)
            if problem:
                error = NotPermitted(problem)
                raise self.attempts.refuse(
                    request, mechanism, username, error, recipient, app_password=app.name, attempt=attempt
                )
            await self.stored.note_use(recipient.account, app)
        own, apps = await self.stored.usable(request, recipient)
        stands = [app_password.secrets for app_password in apps]
        if app is None:
            stands = [] if own is None else [own.secrets]
        if used.secrets not in stands:
            wrong = WrongCredentials("bad user or password")
            raise self.attempts.refuse(request, mechanism, username, wrong, recipient, attempt=attempt)
        return self.accept(request, mechanism, username, recipient, app, attempt=attempt)

    def accept(
        self,
        request: LoginRequest,
        mechanism: str,
        username: str,
        recipient: AccountRecipient,
        app: AppPassword | None = None,
        *,
        attempt: Attempt | None = None,
    ) -> Identity:
        """Record the success of a log-in with right credentials, unless log-in is disabled for the account. `attempt`:
        the booked attempt, None for a certificate.

        Raises:
          LoginDisabled: see there.
        """
        name = app.name if app is not None else ""
        self._require_enabled(request, mechanism, username, recipient, app_password=name, attempt=attempt)
        address = str(recipient.canonical)
        self.attempts.succeed(request, mechanism, recipient.account, address, app_password=name, attempt=attempt)
        if app is None:
            key = request.fingerprint if attempt is None else ""
            return Identity(recipient.account, address, login=typed(username, recipient.canonical), key=key)
        return by_app_password(recipient.account, address, app, typed(username, recipient.canonical), request.protocol)

    def _require_enabled(
        self,
        request: LoginRequest,
        mechanism: str,
        username: str,
        recipient: AccountRecipient,
        *,
        app_password: str = "",
        attempt: Attempt | None,
    ) -> None:
        """Refuse an account that was removed while its password was being verified, or may not log in."""
        account = self._config.current.account(recipient.account)
        if account is None:
            gone = WrongCredentials("bad user or password")
            raise self.attempts.refuse(request, mechanism, username, gone, result="baduser", attempt=attempt)
        if account.login_disabled:
            error = LoginDisabled(account.login_disabled)
            raise self.attempts.refuse(
                request, mechanism, username, error, recipient, app_password=app_password, attempt=attempt
            )

    async def changed(self, account: str) -> None:
        """Take note that the account has a new password of its own."""
        self.forget(account)
        await self.stored.note_foreign(account, has=False)

    def forget(self, account: str) -> None:
        """Drop the verified passwords of an account: its password has changed, or it may not log in any longer."""
        self._checker.forget(account)
        self.weak.discard(account)

    def check_new(self, account: str, password: str) -> None:
        """Refuse a new password that is easy to guess; `account` is `ADMIN` for the administrator's. Raises
        BadPassword.
        """
        refuse_guessable(self._config.current, account, password)

    def login(self, username: str) -> AccountRecipient | None:
        """The account that a user name belongs to now, or None."""
        return self._config.current.login(normalize_username(username))


# Passwords of accounts as they are stored: the account's own and its app passwords, by protocol (STORE-157, WEB-150).
#
# How a password is verified is not here.


SCOPES: Final[Mapping[Protocol, Scope]] = {
    "smtp": "submission",
    "submission": "submission",
    "imap": "imap",
    "managesieve": "imap",
    "webapi": "webapi",
    "dav": "dav",
    "jmap": "jmap",
    "addresses": "addresses",
}
"""The scope that an app password needs, by protocol."""

WEB: Final[frozenset[Protocol]] = frozenset({"webmail", "webaccount", "webadmin"})
"""Protocols of the web apps. They accept the account's own password only, even if app passwords are required elsewhere
(WEB-150).
"""


class StoredPasswords:
    """The passwords of all accounts, read from their files at each log-in."""

    def __init__(self, config: CurrentConfig, accounts: Accounts, auth: AuthDB) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth

    async def usable(
        self, request: LoginRequest, recipient: AccountRecipient | None
    ) -> tuple[Credential | None, tuple[AppPassword, ...]]:
        """Return the passwords that are tried for this protocol: the account's own, unless it is for the web alone, and
        the app passwords, except for the web. App passwords that are expired or have another scope are included, so
        that their user gets the reason of the refusal.
        """
        own, apps, withheld = await self.known(request, recipient)
        return None if withheld else own, apps

    async def known(
        self, request: LoginRequest, recipient: AccountRecipient | None
    ) -> tuple[Credential | None, tuple[AppPassword, ...], bool]:
        """As `usable`, with the account's own password in any case, and whether it is withheld: for the web alone."""
        stored = await self._passwords(recipient)
        if recipient is None or stored is None:
            return None, (), False
        if request.protocol in WEB:
            return stored.own, (), False
        current = self._config.current
        settings = current.account(recipient.account)
        web_only = (
            stored.two_step
            or current.static.require_app_passwords
            or (settings is not None and settings.require_app_passwords)
        )
        return stored.own, stored.apps if request.protocol in SCOPES else (), web_only

    async def _passwords(self, recipient: AccountRecipient | None) -> Passwords | None:
        if recipient is None:
            return None
        try:
            async with self._accounts.use(recipient.account) as account:
                return await account.read(passwords, op="credential")
        except (AccountUnknown, AccountRemoved):
            return None

    async def token(self, name: str, token: str) -> AppPassword | None:
        """The token of an account as it is stored, also an expired one; None if the account does not have it."""
        try:
            async with self._accounts.use(name) as account:
                return await account.read(lambda r: token_named(r, token), op="credential")
        except (AccountUnknown, AccountRemoved):
            return None

    async def has_factors(self, name: str) -> bool:
        """Whether a web log-in to the account needs a second step. An account that is marked has factors, even if
        auth.db is lost: then only the owner of the server can let the user in (STORE-191a). Raises StoreError if an
        account is marked and the file cannot be read.
        """
        async with self._accounts.use(name) as account:
            marked = await account.read(is_two_step, op="credential")
        try:
            return await self._auth.factors.has(name) or marked
        except StoreError:
            if marked:
                raise
            return False

    async def note_use(self, name: str, app: AppPassword) -> None:
        """Record the time of use of an app password; an error of the store does not fail the log-in (STORE-157)."""
        if not use_is_due(app, now()):
            return
        try:
            async with self._accounts.use(name) as account:
                await account.write(lambda tx: write_use(tx, app.id))
        except StoreError as error:
            logger.warning("failed to record app password use", extra={"kv": {"account": name, "err": str(error)}})

    async def renew(self, name: str, own: Credential, password: str) -> None:
        """Replace an old hash of a password that is right; an error of the store does not fail the log-in, which is
        recorded already: the next one tries again (STORE-157).
        """
        try:
            async with self._accounts.use(name) as account:
                await rehash(account, own, password)
        except StoreError as error:
            logger.warning("password rehash failed", extra={"kv": {"account": name, "err": str(error)}})
            return
        await self.note_foreign(name, has=False)

    async def note_foreign(self, name: str, *, has: bool) -> None:
        """Note whether an account has another server's hash; an error is made good by the next log-in, or by
        `ForeignPasswordCare`.
        """
        foreign = self._auth.foreign
        try:
            await (foreign.enter(name) if has else foreign.leave(name))
        except StoreError as error:
            logger.warning(
                "failed to record imported password hash", extra={"kv": {"account": name, "err": str(error)}}
            )

    async def not_permitted(self, name: str, app: AppPassword, protocol: Protocol) -> str:
        """Why an app password of an account may not be used for this protocol, "" if it may."""
        kind = "app password" if app.token is None else "token"
        if app.expired(now()):
            return f"this {kind} has expired"
        also = protocol == "jmap" and app.token is not None and "addresses" in app.scopes  # MASK-13
        if SCOPES[protocol] not in app.scopes and not also:
            return f"this {kind} can't be used for {SCOPES[protocol]}"
        provider = await self._paused(name)
        return f"this {kind} is paused; log in to webmail with {provider}" if provider else ""

    async def _paused(self, name: str) -> str:
        """The login provider, if it is too long ago that the user has logged in there (WEB-188), else ""."""
        settings = self._config.current.static.oidc
        if settings is None or settings.pause_app_passwords is None:
            return ""
        idle = await self._auth.bindings.idle(settings.issuer, name, settings.pause_app_passwords)
        return settings.name if idle else ""

    async def stands(self, identity: Identity) -> bool:
        """Whether the app password of a log-in still exists, has not expired, and isn't paused. Raises StoreError."""
        if identity.app_id is None or await self._paused(identity.account):
            return identity.app_id is None
        async with self._accounts.use(identity.account) as account:
            found = await account.read(app_passwords, op="app-password")
        time_now = now()
        return any(app_password.id == identity.app_id and not app_password.expired(time_now) for app_password in found)


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
