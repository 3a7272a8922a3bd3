"""Authentication: the one place that decides who may log in, for SMTP, IMAP and the web (SMTP-48..65, IMAP-41..51,
WEB-56..58).

What every protocol must do alike lives here: rate limits and slow-down, verifying passwords, the secrets of SASL
mechanisms (also for users that do not exist), identities by client certificate, accounts whose log-in is disabled,
recording each attempt in auth.db, metrics, and the log line that fail2ban reads. What differs, the reply in each
protocol's words, is the caller's: one exception per cause. `exchange` runs SASL on top.
"""

import base64
import logging
from collections.abc import Callable
from typing import ClassVar, Final, Literal

import msgspec
import trio

from moxlite.admin.adminpassword import read_admin_hash
from moxlite.admin.metrics import authentication_ratelimited_total, authentication_total
from moxlite.config.snapshot import AccountRecipient, Snapshot
from moxlite.net.limits import IPAddress, RateLimiter
from moxlite.proto.sasl import Secrets, decoy_secrets, normalize_username
from moxlite.store.accounts import Accounts
from moxlite.store.auth import AuthDB
from moxlite.store.credentials import Credential, PasswordChecker, credential, needs_rehash, rehash
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.store.loginattempts import ADMIN, UNKNOWN, AttemptResult, LoginAttempt

__all__ = [
    "BadChannelBinding",
    "BadExchange",
    "CertificateLogin",
    "ForeignIdentity",
    "Identity",
    "LoginDisabled",
    "LoginRefused",
    "LoginRequest",
    "Logins",
    "NoAdminPassword",
    "NoSecrets",
    "Protocol",
    "RateLimited",
    "WrongCredentials",
    "fingerprint",
]

logger = logging.getLogger("moxlite.admin.logins")

Protocol = Literal["smtp", "submission", "imap", "webmail", "webaccount", "webadmin", "webapi"]

PATIENCE: Final = 3
"""Failures on one connection without a penalty; each further one waits a second longer before it is checked
(SMTP-63).
"""


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where an attempt to log in comes from.

    `tls`: what the handshake settled, in words (``TLSv1.3 TLS_AES_128_GCM_SHA256``), empty without TLS.
    `fingerprint`: of the client certificate's key (`fingerprint`), empty without one. `user_agent`: what the client
    says that it is. `failures`: how many attempts failed on this connection before.
    """

    protocol: Protocol
    remote: IPAddress
    local: IPAddress
    tls: str = ""
    fingerprint: str = ""
    user_agent: str = ""
    failures: int = 0


class Identity(msgspec.Struct, frozen=True):
    """Who has logged in: the account, and the canonical address that was used for it."""

    account: str
    address: str


class CertificateLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What a known client certificate says.

    `disabled`: text of ``login_disabled`` of the account, None when it may log in; the protocols tell it at different
    times (SMTP-62, IMAP-51).
    """

    identity: Identity
    no_imap_preauth: bool
    disabled: str | None = None


class LoginRefused(Exception):
    """A log-in that failed; the text is for the user, without secrets. `result`: the word for auth.db and metrics."""

    result: ClassVar[AttemptResult] = "error"
    counted: ClassVar[bool] = False


class WrongCredentials(LoginRefused):
    """User name or password are wrong, or the mechanism's proof, or the account is another than asked for; nothing
    says which.
    """

    result = "badcreds"
    counted = True


class ForeignIdentity(WrongCredentials):
    """The client wants to act as somebody else (SASL authorization identity)."""


class BadChannelBinding(LoginRefused):
    """The client is bound to another TLS connection than ours: somebody may sit between (SMTP-55)."""

    result = "badchanbind"
    counted = True


class BadExchange(LoginRefused):
    """The client broke the rules of the mechanism."""

    result = "badprotocol"


class NoSecrets(LoginRefused):
    """The account has no secret for this mechanism: its password must be set again (SMTP-57, STORE-101). Not counted
    as a failure.
    """


class LoginDisabled(LoginRefused):
    """The credentials are right, but the account's log-in is disabled; the text is the configured one."""

    result = "logindisabled"


class RateLimited(LoginRefused):
    """Too many failures from this network; nothing was checked, nothing is recorded."""


class NoAdminPassword(LoginRefused):
    """No admin password is set, so nobody can log in as administrator."""


def fingerprint(key: bytes | None) -> str:
    """The text form of a key's SHA-256, as in auth.db: base64url without padding; empty for None."""
    return "" if key is None else base64.urlsafe_b64encode(key).rstrip(b"=").decode()


class Logins:
    """Verifies who logs in.

    Args:
      current: gives the configuration of this moment.
      accounts: for the credentials.
      auth: auth.db, with keys of client certificates and the list of attempts.
      failures: counts failures per network, over all protocols (SMTP-136).
      secret: of this installation; makes the secrets of users that do not exist stable.
    """

    def __init__(
        self, *, current: Callable[[], Snapshot], accounts: Accounts, auth: AuthDB, failures: RateLimiter, secret: bytes
    ) -> None:
        self._current = current
        self._accounts = accounts
        self._auth = auth
        self._failures = failures
        self._secret = secret
        self._checker = PasswordChecker()

    async def password(self, request: LoginRequest, username: str, password: str, *, mechanism: str) -> Identity:
        """Verify user name and password.

        `mechanism` is the word for records: ``plain``, ``login``, ``weblogin``, ``httpbasic`` …

        Raises:
          RateLimited, WrongCredentials, LoginDisabled: see there.
        """
        await self.admit(request)
        return await self.verify_password(request, username, password, mechanism=mechanism)

    async def verify_password(self, request: LoginRequest, username: str, password: str, *, mechanism: str) -> Identity:
        """The same for an attempt that was admitted before: the end of a SASL exchange.

        Raises:
          WrongCredentials, LoginDisabled: see there.
        """
        recipient = self.login(username)
        stored = await self._credential(recipient)
        good = await self._checker.verify(recipient.account if recipient else "", stored, password)
        if recipient is None or stored is None or not good:
            result: AttemptResult = "baduser" if recipient is None else "badpassword"
            raise self.refuse(
                request, mechanism, username, WrongCredentials("bad user or password"), recipient, result=result
            )
        identity = self.accept(request, mechanism, username, recipient)
        if needs_rehash(stored):
            async with self._accounts.use(identity.account) as account:
                await rehash(account, stored, password)
        return identity

    async def admin_password(self, request: LoginRequest, password: str) -> None:
        """Verify the administrator's password (WEB-60).

        Raises:
          RateLimited, WrongCredentials, NoAdminPassword: see there.
        """
        await self.admit(request)
        path = self._current().static.admin_password_file
        stored = None if path is None else await trio.to_thread.run_sync(read_admin_hash, path)
        if stored is None:
            error = NoAdminPassword("no admin password is set: run `moxlite admin set-password`")
            raise self.refuse(request, "weblogin", "", error, account=ADMIN)
        if not await self._checker.verify(ADMIN, Credential(stored, Secrets()), password):
            error_text = WrongCredentials("bad password")
            raise self.refuse(request, "weblogin", "", error_text, account=ADMIN, result="badpassword")
        self._succeed(request, "weblogin", ADMIN, "")

    async def admit(self, request: LoginRequest) -> None:
        """Let one more attempt in: refuse networks with too many failures, and slow down a connection that keeps
        failing.

        Raises:
          RateLimited: see there.
        """
        if not self.allowed(request):
            authentication_ratelimited_total.labels(kind=request.protocol).inc()
            raise RateLimited("too many failed log-ins, try again later")
        if request.failures > PATIENCE:
            await trio.sleep(request.failures - PATIENCE)

    def allowed(self, request: LoginRequest) -> bool:
        """Whether the network may still try; certificates are not looked at otherwise (SMTP-59)."""
        return self._failures.allowed(request.remote)

    async def mechanism_secrets(self, username: str) -> Secrets:
        """What SCRAM and CRAM-MD5 verify against. For a user who does not exist or has no password: stable secrets
        that nothing fits, so that the exchange looks the same (SMTP-57, IMAP-46).
        """
        stored = await self._credential(self._current().login(username))
        return decoy_secrets(self._secret, username) if stored is None else stored.secrets

    async def certificate(self, request: LoginRequest) -> CertificateLogin | None:
        """Who the client certificate belongs to; None without one, for an unknown key (recorded as a failure), or
        while the network has no attempts left (SMTP-59, SMTP-60, IMAP-47, IMAP-50).
        """
        if not request.fingerprint or not self.allowed(request):
            return None
        key = await self._auth.find_key(request.fingerprint)
        recipient = None if key is None else self._current().login(key.login_address)
        if key is None or recipient is None or recipient.account != key.account:
            self.refuse(
                request,
                "tlsclientauth",
                key.login_address if key else "",
                WrongCredentials("unknown client certificate"),
            )
            return None
        account = self._current().account(recipient.account)
        return CertificateLogin(
            identity=Identity(recipient.account, str(recipient.canonical)),
            no_imap_preauth=key.no_imap_preauth,
            disabled=account.login_disabled if account else None,
        )

    def use_certificate(self, request: LoginRequest, login: CertificateLogin) -> Identity:
        """The client is now logged in by its certificate, without further words: record it.

        Raises:
          LoginDisabled: see there.
        """
        recipient = self._current().login(login.identity.address)
        if recipient is None or recipient.account != login.identity.account:  # changed since the handshake
            raise self.refuse(
                request, "tlsclientauth", login.identity.address, WrongCredentials("unknown client certificate")
            )
        return self.accept(request, "tlsclientauth", login.identity.address, recipient)

    def accept(self, request: LoginRequest, mechanism: str, username: str, recipient: AccountRecipient) -> Identity:
        """The credentials are right: record the success, unless the account may not log in.

        Raises:
          LoginDisabled: see there.
        """
        account = self._current().account(recipient.account)
        if account is None:  # removed while the password was being verified
            raise self.refuse(request, mechanism, username, WrongCredentials("bad user or password"), result="baduser")
        if account.login_disabled:
            raise self.refuse(request, mechanism, username, LoginDisabled(account.login_disabled), recipient)
        address = str(recipient.canonical)
        self._succeed(request, mechanism, recipient.account, address)
        return Identity(recipient.account, address)

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
    ) -> LoginRefused:
        """Record a failure everywhere it belongs (SMTP-64, SMTP-65); returns the error for raising."""
        word = result or error.result
        if error.counted:
            self._failures.add(request.remote)
        self._record(request, mechanism, recipient.account if recipient else account or UNKNOWN, username, word)
        kv: dict[str, object] = {"remote": str(request.remote), "protocol": request.protocol, "username": username}
        if isinstance(error, NoSecrets):
            logger.info(
                "account has no secret for this mechanism, save its password again",
                extra={"kv": kv | {"mechanism": mechanism}},
            )
        elif word != "aborted":
            logger.info("authentication failed", extra={"kv": kv | {"mechanism": mechanism, "result": word}})
        return error

    def forget(self, account: str) -> None:
        """Drop the verified passwords of an account: its password has changed, or it may not log in any longer."""
        self._checker.forget(account)

    def login(self, username: str) -> AccountRecipient | None:
        """The account that a user name belongs to at this moment."""
        return self._current().login(normalize_username(username))

    def _succeed(self, request: LoginRequest, mechanism: str, account: str, address: str) -> None:
        self._failures.forgive(request.remote)
        self._record(request, mechanism, account, address, "ok")
        kv = {"remote": str(request.remote), "protocol": request.protocol, "username": address, "account": account}
        logger.debug("authenticated", extra={"kv": kv | {"mechanism": mechanism}})

    def _record(self, request: LoginRequest, mechanism: str, account: str, address: str, result: AttemptResult) -> None:
        authentication_total.labels(kind=request.protocol, variant=mechanism, result=result).inc()
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
            )
        )

    async def _credential(self, recipient: AccountRecipient | None) -> Credential | None:
        if recipient is None:
            return None
        try:
            async with self._accounts.use(recipient.account) as account:
                return await account.read(credential, op="credential")
        except (AccountUnknown, AccountRemoved):
            return None
