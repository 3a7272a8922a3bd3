"""Authentication for SMTP, IMAP and the web (SMTP-48..65, IMAP-41..51, WEB-56..58).

All that the protocols have in common is here: rate limits and slow-down, verifying passwords, the secrets of SASL
mechanisms (also for users that do not exist), identities by client certificate, accounts whose log-in is disabled,
recording each attempt in auth.db, metrics, and the log line that fail2ban reads. The caller turns the exceptions, one
per cause, into replies of its protocol. `exchange` runs SASL on top.
"""

import hashlib
import logging
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

import trio

from moxlite.config.snapshot import AccountRecipient, CurrentConfig
from moxlite.logins.adminpassword import read_admin_hash
from moxlite.logins.guessing import NAMELESS, Attempt, FailedLogins, FailureCount, TooManyFailures
from moxlite.logins.identity import Candidate, CertificateLogin, Identity, LoginRequest, Protocol, typed
from moxlite.logins.metrics import authentication_ratelimited_total, authentication_total
from moxlite.logins.refusals import (
    FactorNeeded,
    LoginDisabled,
    LoginRefused,
    NoAdminPassword,
    NoSecrets,
    NotPermitted,
    RateLimited,
    WrongCredentials,
)
from moxlite.metrics import daily
from moxlite.net.limits import IPAddress, ip_classes, network_of
from moxlite.proto.address import Address, AddressError
from moxlite.proto.sasl import Secrets, decoy_secrets, normalize_username
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import (
    AppPassword,
    Passwords,
    Scope,
    app_passwords,
    note_use,
    passwords,
    use_is_due,
)
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import OWN, Credential, PasswordChecker, is_two_step, needs_rehash, rehash
from moxlite.store.auth.loginattempts import ADMIN, UNKNOWN, AttemptResult, LoginAttempt
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError

__all__ = ["Logins"]

logger = logging.getLogger("moxlite.admin.logins")

UNBLAMED: Final[frozenset[AttemptResult]] = frozenset({"ok", "aborted", "factorneeded"})
"""Results that are no failed log-in."""

PATIENCE: Final = 3
"""Failures on one connection without a penalty; each further one waits a second longer before it is checked
(SMTP-63).
"""


SCOPES: Final[Mapping[Protocol, Scope]] = {
    "smtp": "submission",
    "submission": "submission",
    "imap": "imap",
    "managesieve": "imap",
    "webapi": "webapi",
}
"""The scope that an app password needs, by protocol."""

WHOLE_ADDRESS: Final = "the user name is the whole address, with @ and the domain"
"""A hint in the log for the owner of the server; the client's reply does not say what was wrong."""

WEB: Final[frozenset[Protocol]] = frozenset({"webmail", "webaccount", "webadmin"})
"""Protocols of the web apps. They accept the account's own password only, even if app passwords are required elsewhere
(WEB-150).
"""


class Logins:
    """Verification of log-ins.

    Args:
      config: gives the current configuration.
      accounts: for the credentials.
      auth: auth.db, with keys of client certificates and the list of attempts.
      failures: counts failures per network and account, over all protocols (SMTP-136).
      secret: of this installation; makes the secrets of users that do not exist stable.
    """

    def __init__(
        self,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        auth: AuthDB,
        failures: FailedLogins,
        secret: bytes,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._failures = failures
        self._secret = secret
        self._checker = PasswordChecker()

    async def remember_places(self) -> None:
        """Learn from auth.db where log-ins succeeded before: once, at the start. A file that cannot be read only means
        that no place is known (SMTP-138).
        """
        try:
            found = await self._auth.successes()
        except StoreError as error:
            logger.warning("places of earlier log-ins are not known", extra={"kv": {"err": str(error)}})
            return
        for account, remote in found:
            try:
                self._failures.remember(ip_address(remote), account)
            except ValueError:
                pass  # a damaged row

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
        await self.admit(request)
        return await self.verify_password(request, username, password, mechanism=mechanism, alone=alone)

    async def verify_password(
        self, request: LoginRequest, username: str, password: str, *, mechanism: str, alone: bool = False
    ) -> Identity:
        """Verify user name and password of an attempt that `admit` has let in before: the end of a SASL exchange.

        Raises:
          RateLimited, WrongCredentials, LoginDisabled, FactorNeeded: see `password`.
        """
        recipient = self.login(username)
        attempt = await self.book(request, username)
        try:
            own, apps = await self._usable(request, recipient)
            keys = [app.key for app in apps]
            found = await self._checker.which(recipient.account if recipient else "", own, keys, password)
            if recipient is None or found is None:
                result: AttemptResult = "baduser" if recipient is None else "badpassword"
                error = WrongCredentials("bad user or password")
                raise self.refuse(request, mechanism, username, error, recipient, result=result, attempt=attempt)
            if found != OWN:
                used = Candidate(apps[found].secrets, apps[found])
                return await self.accept_candidate(request, mechanism, username, recipient, used, attempt)
            needed = request.protocol in WEB and not alone and await self._has_factors(recipient.account)
            if needed:
                identity = Identity(recipient.account, str(recipient.canonical))
                self._require_enabled(request, mechanism, username, recipient, attempt=attempt)
                self.refuse(request, mechanism, username, FactorNeeded(identity), recipient, attempt=attempt)
            else:
                identity = self.accept(request, mechanism, username, recipient, attempt=attempt)
        except StoreError:
            attempt.give_back()  # nothing could be checked
            raise
        finally:
            attempt.fail()  # also if the client has disconnected meanwhile
        assert own is not None
        if needs_rehash(own):
            async with self._accounts.use(identity.account) as account:
                await rehash(account, own, password)
        if needed:
            raise FactorNeeded(identity)
        return identity

    async def admin_password(
        self, request: LoginRequest, password: str, *, mechanism: str = "weblogin", alone: bool = False
    ) -> None:
        """Verify the administrator's password (WEB-60). `alone`: see `password`.

        Raises:
          RateLimited, WrongCredentials, NoAdminPassword: see there.
          FactorNeeded: the password is right, and the app must go on with `SecondFactors.check`.
        """
        await self.admit(request)
        path = self._config.current.static.admin_password_file
        stored = None if path is None else await trio.to_thread.run_sync(read_admin_hash, path)
        if stored is None:
            error = NoAdminPassword("no admin password is set: run `moxlite admin set-password`")
            raise self.refuse(request, mechanism, "", error, account=ADMIN)
        attempt = await self.book_account(request, ADMIN)
        try:
            if not await self._checker.verify(ADMIN, Credential(stored, Secrets()), password):
                wrong = WrongCredentials("bad password")
                raise self.refuse(request, mechanism, "", wrong, account=ADMIN, result="badpassword", attempt=attempt)
            if not alone and await self._auth.factors.has(ADMIN):
                needed = FactorNeeded(Identity(ADMIN, ""))
                raise self.refuse(request, mechanism, "", needed, account=ADMIN, attempt=attempt)
            self.succeed(request, mechanism, ADMIN, "", attempt=attempt)
        except StoreError:
            attempt.give_back()  # whether a second factor is needed is not known
            raise
        finally:
            attempt.fail()

    async def admit(self, request: LoginRequest) -> None:
        """Let one more attempt in: refuse networks with too many failures, and slow down a connection that keeps
        failing.

        Raises:
          RateLimited: see there.
        """
        if not self.allowed(request):
            raise _rate_limited(request)
        if request.failures > PATIENCE:
            await trio.sleep(request.failures - PATIENCE)

    def allowed(self, request: LoginRequest) -> bool:
        """Whether the network has attempts left. If not, client certificates are not looked at either (SMTP-59)."""
        return self._failures.allowed(request.remote)

    async def book(self, request: LoginRequest, username: str) -> Attempt:
        """Count an attempt for this user name as a failure, before anything is checked (SMTP-138).

        Raises:
          RateLimited: see there.
        """
        recipient = self.login(username)
        return await self.book_account(request, recipient.account if recipient else self._nameless(username))

    async def book_account(self, request: LoginRequest, who: str) -> Attempt:
        """As `book`, for an account, `ADMIN` or the key of an unknown user name. Raises RateLimited."""
        try:
            return await self._failures.book(request.remote, who)
        except TooManyFailures:
            raise _rate_limited(request) from None

    def _nameless(self, username: str) -> str:
        """Key of an unknown user name for the failure counts, about as short as an account name."""
        return NAMELESS + hashlib.sha256(self._canonical(username).encode("utf-8", "replace")).hexdigest()[:32]

    def _canonical(self, username: str) -> str:
        """Canonical form of an unknown user name, so that all its spellings get the same fake SASL secrets; different
        ones would reveal that the account does not exist.
        """
        name = normalize_username(username)
        try:
            address = self._config.current.canonical(Address.parse(name))
        except AddressError:
            return name.lower()
        return f"{address.localpart.lower().partition('+')[0]}@{address.domain.ascii}"

    async def candidates(self, request: LoginRequest, username: str) -> list[Candidate]:
        """Return the candidates that SCRAM and CRAM-MD5 verify against, at least one. A user who does not exist, or has
        no password that may be used here, gets a stable fake one that matches no password, so that the exchange looks
        the same (SMTP-57, IMAP-46).
        """
        own, apps = await self._usable(request, self.login(username))
        found = [] if own is None else [Candidate(own.secrets)]
        found += [Candidate(app.secrets, app) for app in apps]
        return found or [Candidate(decoy_secrets(self._secret, self._canonical(username)))]

    async def certificate(self, request: LoginRequest) -> CertificateLogin | None:
        """Return the account of the client certificate. None without a certificate, for an unknown key (recorded as a
        failure), while auth.db cannot be read, or if the network has no attempts left (SMTP-59, SMTP-60, IMAP-47,
        IMAP-50).
        """
        if not request.fingerprint or not self.allowed(request):
            return None
        try:
            key = await self._auth.find_key(request.fingerprint)
        except StoreError as error:  # other mechanisms still work
            logger.warning("keys of client certificates are not known", extra={"kv": {"err": str(error)}})
            return None
        recipient = None if key is None else self._config.current.login(key.login_address)
        if key is None or recipient is None or recipient.account != key.account:
            self.refuse(
                request,
                "tlsclientauth",
                key.login_address if key else "",
                WrongCredentials("unknown client certificate"),
            )
            return None
        account = self._config.current.account(recipient.account)
        return CertificateLogin(
            identity=Identity(
                recipient.account, str(recipient.canonical), login=typed(key.login_address, recipient.canonical)
            ),
            no_imap_preauth=key.no_imap_preauth,
            disabled=account.login_disabled if account else None,
        )

    def use_certificate(self, request: LoginRequest, login: CertificateLogin) -> Identity:
        """Record a log-in by client certificate alone, without a SASL exchange.

        Raises:
          LoginDisabled: see there.
        """
        recipient = self._config.current.login(login.identity.address)
        if recipient is None or recipient.account != login.identity.account:  # changed since the handshake
            raise self.refuse(
                request, "tlsclientauth", login.identity.address, WrongCredentials("unknown client certificate")
            )
        return self.accept(request, "tlsclientauth", login.identity.address, recipient)

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
            problem = _not_permitted(app, request.protocol)
            if problem:
                error = NotPermitted(problem)
                raise self.refuse(
                    request, mechanism, username, error, recipient, app_password=app.name, attempt=attempt
                )
            await self._note_use(recipient.account, app)
        own, apps = await self._usable(request, recipient)
        stands = [one.secrets for one in apps]
        if app is None:
            stands = [] if own is None else [own.secrets]
        if used.secrets not in stands:
            wrong = WrongCredentials("bad user or password")
            raise self.refuse(request, mechanism, username, wrong, recipient, attempt=attempt)
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
        self.succeed(request, mechanism, recipient.account, address, app_password=name, attempt=attempt)
        if app is None:
            return Identity(recipient.account, address, login=typed(username, recipient.canonical))
        return Identity(
            recipient.account,
            address,
            app.name,
            app.id,
            app.expires,
            app.read_only,
            login=typed(username, recipient.canonical),
        )

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
            raise self.refuse(request, mechanism, username, gone, result="baduser", attempt=attempt)
        if account.login_disabled:
            error = LoginDisabled(account.login_disabled)
            raise self.refuse(
                request, mechanism, username, error, recipient, app_password=app_password, attempt=attempt
            )

    async def _has_factors(self, name: str) -> bool:
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

    async def stands(self, identity: Identity) -> bool:
        """Whether the app password of a log-in still exists and has not expired. Raises StoreError."""
        if identity.app_id is None:
            return True
        async with self._accounts.use(identity.account) as account:
            found = await account.read(app_passwords, op="app-password")
        now = _now()
        return any(one.id == identity.app_id and not one.expired(now) for one in found)

    def refuse(
        self,
        request: LoginRequest,
        mechanism: str,
        username: str,
        error: LoginRefused,
        recipient: AccountRecipient | None = None,
        *,
        account: str = "",
        result: AttemptResult | None = None,
        app_password: str = "",
        attempt: Attempt | None = None,
    ) -> LoginRefused:
        """Record a failure in the counts, auth.db, metrics and log (SMTP-64, SMTP-65); returns the error for raising.
        `attempt`: the booked attempt, if there is one.
        """
        word = result or error.result
        whose = recipient.account if recipient else account or UNKNOWN
        if attempt is None and error.counted:
            self._failures.note(request.remote, whose if recipient or account else self._nameless(username))
        elif attempt is not None and error.counted:
            attempt.fail()
        elif attempt is not None:
            attempt.give_back()
        self._record(request, mechanism, whose, username, word, app_password)
        kv: dict[str, object] = {"remote": str(request.remote), "protocol": request.protocol, "username": username}
        if app_password:
            kv["app_password"] = app_password
        if username and "@" not in username and recipient is None and not account:
            kv["hint"] = WHOLE_ADDRESS
        if isinstance(error, NoSecrets):
            logger.info(
                "account has no secret for this mechanism, save its password again",
                extra={"kv": kv | {"mechanism": mechanism}},
            )
        elif isinstance(error, FactorNeeded):  # no failure: fail2ban reads these lines
            logger.info("second factor needed", extra={"kv": kv | {"mechanism": mechanism}})
        elif word != "aborted":
            logger.info("authentication failed", extra={"kv": kv | {"mechanism": mechanism, "result": word}})
        return error

    def failures(self) -> list[FailureCount]:
        """Counts of failed log-ins in the present windows, the most failures first (WEB-56)."""
        return self._failures.listing()

    def forget_failures(self, ip: IPAddress | None) -> int:
        """Forget failed log-ins of an address and its networks, or all; returns the number of counts dropped."""
        return self._failures.clear(ip)

    def forget(self, account: str) -> None:
        """Drop the verified passwords of an account: its password has changed, or it may not log in any longer."""
        self._checker.forget(account)

    def login(self, username: str) -> AccountRecipient | None:
        """The account that a user name belongs to now, or None."""
        return self._config.current.login(normalize_username(username))

    def succeed(
        self,
        request: LoginRequest,
        mechanism: str,
        account: str,
        address: str,
        *,
        app_password: str = "",
        attempt: Attempt | None = None,
    ) -> None:
        """Record a success in the counts, auth.db, metrics and log; `accept` does so for accounts."""
        if attempt is not None:
            attempt.succeed()
        else:
            self._failures.remember(request.remote, account)
        self._record(request, mechanism, account, address, "ok", app_password)
        kv = {"remote": str(request.remote), "protocol": request.protocol, "username": address, "account": account}
        if app_password:
            kv["app_password"] = app_password
        logger.debug("authenticated", extra={"kv": kv | {"mechanism": mechanism}})

    def _record(
        self,
        request: LoginRequest,
        mechanism: str,
        account: str,
        address: str,
        result: AttemptResult,
        app_password: str = "",
    ) -> None:
        authentication_total.labels(kind=request.protocol, variant=mechanism, result=result).inc()
        if result not in UNBLAMED:
            daily.count("login-failed", str(network_of(ip_classes(request.remote)[1])))
        self._auth.record(
            LoginAttempt(
                result=result,
                protocol=request.protocol,
                mechanism=mechanism,
                account=account,
                address=address,
                remote_ip=str(request.remote),
                local_ip=str(request.local),
                tls=request.tls,
                tls_key=request.fingerprint,
                user_agent=request.user_agent,
                app_password=app_password,
            )
        )

    async def _usable(
        self, request: LoginRequest, recipient: AccountRecipient | None
    ) -> tuple[Credential | None, tuple[AppPassword, ...]]:
        """Return the passwords that are tried for this protocol: the account's own, unless it is for the web alone, and
        the app passwords, except for the web. App passwords that are expired or have another scope are included, so
        that their user gets the reason of the refusal.
        """
        stored = await self._passwords(recipient)
        if recipient is None or stored is None:
            return None, ()
        if request.protocol in WEB:
            return stored.own, ()
        current = self._config.current
        settings = current.account(recipient.account)
        web_only = (
            stored.two_step
            or current.static.require_app_passwords
            or (settings is not None and settings.require_app_passwords)
        )
        return None if web_only else stored.own, stored.apps if request.protocol in SCOPES else ()

    async def _passwords(self, recipient: AccountRecipient | None) -> Passwords | None:
        if recipient is None:
            return None
        try:
            async with self._accounts.use(recipient.account) as account:
                return await account.read(passwords, op="credential")
        except (AccountUnknown, AccountRemoved):
            return None

    async def _note_use(self, name: str, app: AppPassword) -> None:
        """Record the time of use of an app password; an error of the store does not fail the log-in (STORE-157)."""
        if not use_is_due(app, _now()):
            return
        try:
            async with self._accounts.use(name) as account:
                await account.write(lambda tx: note_use(tx, app.id))
        except StoreError as error:
            logger.warning("use of an app password not noted", extra={"kv": {"account": name, "err": str(error)}})


def _rate_limited(request: LoginRequest) -> RateLimited:
    authentication_ratelimited_total.labels(kind=request.protocol).inc()
    return RateLimited("too many failed log-ins, try again later")


def _not_permitted(app: AppPassword, protocol: Protocol) -> str:
    """Why an app password may not be used for this protocol, "" if it may."""
    if app.expired(_now()):
        return "this app password has expired"
    if SCOPES[protocol] not in app.scopes:
        return f"this app password is not for {SCOPES[protocol]}"
    return ""


def _now() -> int:
    return time.time_ns() // 1000
