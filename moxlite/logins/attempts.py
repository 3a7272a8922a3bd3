"""Attempts to log in: counted before anything is checked, recorded with their outcome (SMTP-63..65, SMTP-138).

Credentials are not here: `logins` verifies them and reports the outcome.
"""

import hashlib
import logging
import sys
from ipaddress import ip_address
from typing import Final, get_args

import trio

from moxlite import __version__
from moxlite.config.snapshot import AccountRecipient, CurrentConfig, Snapshot
from moxlite.logins.guessing import NAMELESS, Attempt, FailedLogins, TooManyFailures
from moxlite.logins.identity import FactorNeeded, LoginRefused, LoginRequest, NoSecrets, Protocol, RateLimited
from moxlite.metrics import Counter, Gauge, daily
from moxlite.net.activity import Happening, activity
from moxlite.net.limits import ip_classes, network_of
from moxlite.processor import turn
from moxlite.proto.address import Address, AddressError
from moxlite.proto.sasl import normalize_username
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import UNKNOWN, AttemptResult, LoginAttempt
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import sqlite_version

logger = logging.getLogger("moxlite.admin.logins")

UNBLAMED: Final[frozenset[AttemptResult]] = frozenset({"ok", "aborted", "factorneeded"})
"""Results that are no failed log-in."""

PLACES_AT_ONCE: Final = 100
"""Places of earlier log-ins that are learned in one turn, 2 ms."""

PATIENCE: Final = 3
"""Failures on one connection without a penalty; each further one waits a second longer before it is checked
(SMTP-63).
"""

WHOLE_ADDRESS: Final = "use your full email address as the user name"
"""A hint in the log for the owner of the server; the client's reply does not say what was wrong."""


class Attempts:
    """The attempts of all protocols: which are let in, and the records of each.

    Args:
      config: gives the current configuration.
      auth: auth.db, with the list of attempts.
      counts: failures per network and account.
    """

    def __init__(self, config: CurrentConfig, auth: AuthDB, counts: FailedLogins) -> None:
        self._config = config
        self._auth = auth
        self.counts = counts

    async def remember_places(self) -> None:
        """Learn from auth.db where log-ins succeeded before: once, at the start. A file that cannot be read only means
        that no place is known (SMTP-138).
        """
        try:
            found = await self._auth.attempts.successes()
        except StoreError as error:
            logger.warning("failed to read previous login networks", extra={"kv": {"err": str(error)}})
            return
        for number, (account, remote) in enumerate(found):
            if number % PLACES_AT_ONCE == 0:
                await turn()
            try:
                self.counts.remember(ip_address(remote), account)
            except ValueError:
                pass  # a damaged row

    async def admit(self, request: LoginRequest) -> None:
        """Let one more attempt in: refuse networks with too many failures, and slow down a connection that keeps
        failing.

        Raises:
          RateLimited: see there.
        """
        if not self.allowed(request):
            raise _rate_limited(request)
        # Before the password is looked at, so that a guesser waits as long for a right guess as for a wrong one.
        if request.failures > PATIENCE:
            await trio.sleep(request.failures - PATIENCE)

    def allowed(self, request: LoginRequest) -> bool:
        """Whether the network has attempts left. If not, client certificates are not looked at either (SMTP-59)."""
        return self.counts.allowed(request.remote)

    async def book(self, request: LoginRequest, username: str) -> Attempt:
        """Count an attempt for this user name as a failure, before anything is checked (SMTP-138).

        Raises:
          RateLimited: see there.
        """
        recipient = self._config.current.login(normalize_username(username))
        return await self.book_account(request, recipient.account if recipient else self._nameless(username))

    async def book_account(self, request: LoginRequest, who: str) -> Attempt:
        """As `book`, for an account, `ADMIN` or the key of an unknown user name. Raises RateLimited."""
        try:
            return await self.counts.book(request.remote, who)
        except TooManyFailures:
            raise _rate_limited(request) from None

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
            self.counts.note(request.remote, whose if recipient or account else self._nameless(username))
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
                "no secret for this mechanism, set the account's password again",
                extra={"kv": kv | {"mechanism": mechanism}},
            )
        elif isinstance(error, FactorNeeded):  # no failure: fail2ban reads these lines
            logger.info("verification method required", extra={"kv": kv | {"mechanism": mechanism}})
        elif word != "aborted":
            logger.info("authentication failed", extra={"kv": kv | {"mechanism": mechanism, "result": word}})
        return error

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
        """Record a success in the counts, auth.db, metrics and log; `Logins.accept` does so for accounts."""
        if attempt is not None:
            attempt.succeed()
        else:
            self.counts.remember(request.remote, account)
        self._record(request, mechanism, account, address, "ok", app_password)
        kv = {"remote": str(request.remote), "protocol": request.protocol, "username": address, "account": account}
        if app_password:
            kv["app_password"] = app_password
        logger.debug("authenticated", extra={"kv": kv | {"mechanism": mechanism}})

    def _nameless(self, username: str) -> str:
        """Key of an unknown user name for the failure counts, about as short as an account name."""
        name = canonical_name(self._config.current, username)
        return NAMELESS + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]

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
        note_login(result, account, address, request.protocol, str(request.remote))
        self._auth.attempts.record(attempt_row(request, result, mechanism, account, address, app_password))


def attempt_row(
    request: LoginRequest, result: AttemptResult, mechanism: str, account: str, address: str, app_password: str = ""
) -> LoginAttempt:
    """An attempt as it is recorded."""
    return LoginAttempt(
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


def note_login(result: AttemptResult, account: str, name: str, protocol: str, remote: str) -> None:
    """Show an attempt in the live view (WEB-88b)."""
    activity.note(
        Happening(
            kind="login",
            outcome="accepted" if result == "ok" else "refused",
            account="" if account == UNKNOWN else account,
            who=name,
            to=protocol,
            remote=remote,
            text="" if result == "ok" else result,
        )
    )


def canonical_name(current: Snapshot, username: str) -> str:
    """Canonical form of an unknown user name, so that all its spellings get the same fake SASL secrets; different
    ones would reveal that the account does not exist.
    """
    name = normalize_username(username)
    try:
        address = current.canonical(Address.parse(name))
    except AddressError:
        return name.lower()
    return f"{address.localpart.lower().partition('+')[0]}@{address.domain.ascii}"


def _rate_limited(request: LoginRequest) -> RateLimited:
    authentication_ratelimited_total.labels(kind=request.protocol).inc()
    return RateLimited("too many failed login attempts; try again later")


# Metrics of authentication and of the program as a whole (SMTP-64, WEB-56, ADMIN-57).


KINDS: Final = get_args(Protocol)
"""Values of the label `kind`: the protocols that users log in with."""

authentication_total = Counter(
    "moxlite_authentication",
    "Login attempts by mechanism (variant) and result.",
    ["kind", "variant", "result"],
)
authentication_ratelimited_total = Counter(
    "moxlite_authentication_ratelimited", "Login attempts rejected because of too many failures.", ["kind"]
)

build_info = Gauge(
    "moxlite_build_info", "Always 1. Version details are in the labels.", ["version", "python", "sqlite"]
)
build_info.labels(version=__version__, python=sys.version.split()[0], sqlite=sqlite_version()).set(1)

for _kind in KINDS:
    authentication_ratelimited_total.labels(kind=_kind)
