"""Exceptions of a failed log-in, one per cause; each protocol turns them into its replies."""

from typing import ClassVar

from moxlite.logins.identity import Identity
from moxlite.store.auth.loginattempts import AttemptResult


class LoginRefused(Exception):
    """A log-in that failed; the text is for the user, without secrets. `result`: the word for auth.db and metrics."""

    result: ClassVar[AttemptResult] = "error"
    counted: ClassVar[bool] = False


class WrongCredentials(LoginRefused):
    """User name, password or the mechanism's proof is wrong, or the account is not the one asked for; the reply does
    not say which.
    """

    result = "badcreds"
    counted = True


class FactorNeeded(LoginRefused):
    """The password is right, and the account has second factors: `identity` is who may go on to the second step
    (WEB-151). Not counted as a failure, nor as a success.
    """

    result = "factorneeded"

    def __init__(self, identity: Identity) -> None:
        super().__init__("a second factor is needed")
        self.identity = identity


class WrongFactor(LoginRefused):
    """The code or the answer of the security key is wrong, or was used before (WEB-151)."""

    result = "badfactor"
    counted = True


class ForeignIdentity(WrongCredentials):
    """The client wants to act as another user (SASL authorization identity)."""


class BadChannelBinding(LoginRefused):
    """The client is bound to another TLS connection than ours: there may be a man in the middle (SMTP-55)."""

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


class NotPermitted(LoginRefused):
    """The app password is right, but has another scope or has expired; the text says which."""

    result = "notpermitted"


class RateLimited(LoginRefused):
    """Too many failures from this network, or to this account; nothing was checked, nothing is recorded."""


class NoAdminPassword(LoginRefused):
    """No admin password is set, so log-ins as administrator are refused."""
