"""Logging in at an IMAP server: the strongest mechanism that it offers comes first (IMAP-136, RFC 9051 §6.2)."""

from typing import Final

import msgspec

from moxlite.net.imapclient.client import Client
from moxlite.net.imapclient.errors import LoginFailed, Refused, printable
from moxlite.proto import sasl
from moxlite.proto.imap import commands as c
from moxlite.wording import Worded, as_worded, reason_of, worded

FINAL_CODES: Final = frozenset(
    {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "UNAVAILABLE"}
)
"""Response codes after which no other mechanism helps (RFC 5530 §3); each failure counts towards a lock."""

MAX_TRIES: Final = 3
"""Maximum log-in attempts on one connection: servers count failures, and lock accounts."""


class Credentials(msgspec.Struct, frozen=True):
    """User name with a password or an OAuth 2 token.

    Attributes:
      certificate: TLS showed a certificate of ours, so EXTERNAL may be used.
      mechanisms: only these, if any are named; ``LOGIN`` also stands for the command.
      allow_clear: the password or token may go over a connection without TLS.
    """

    username: str
    password: str = ""
    token: str = ""
    certificate: bool = False
    mechanisms: tuple[str, ...] = ()
    allow_clear: bool = False

    def __repr__(self) -> str:
        """Representation without secrets."""
        return f"Credentials(username={self.username!r})"


async def log_in(client: Client, credentials: Credentials, *, host: str = "", port: int = 0) -> str:
    """Log in; returns the name of the mechanism, "PREAUTH" when nothing had to be done.

    After a refusal that does not say that the password is wrong, the next mechanism is tried, as some servers announce
    mechanisms that do not work. A mechanism is never tried with less protection than the connection has.

    Raises:
      LoginFailed: refused, or nothing is left that may be tried; the server's words are in the text.
      IMAPClientError: the connection is of no use any more.
    """
    if client.preauth:
        return "PREAUTH"
    refused: Exception | None = None
    tried: set[str] = set()
    for _ in range(MAX_TRIES):
        mechanism = _choose(client, credentials, tried, host, port)
        try:
            if mechanism is not None:
                tried.add(mechanism.name)
                name = mechanism.name
                await client.authenticate(name, mechanism.initial(), mechanism.step)
                mechanism.finish()
            elif _may_login(client, credentials, tried):
                tried.add("LOGIN")
                name = "LOGIN"
                await client.run(c.Login(credentials.username, credentials.password), hidden=True)
            else:
                break
        except Refused as error:
            refused = _explained(mechanism, error) if credentials.token else error
            if error.code in FINAL_CODES:
                break
        except sasl.SASLError as error:
            # A server that could not prove that it knows the password gets no second chance to get it.
            raise LoginFailed(worded("log-in failed: {reason}", reason=_said(error))) from None
        else:
            await client.run(c.Capability())  # the capabilities may be others than before (RFC 9051 §6.2)
            return name
    if refused is not None:
        raise LoginFailed(worded("log-in failed: {reason}", reason=_said(refused)))
    raise LoginFailed(_nothing_left(client, credentials))


def _explained(mechanism: sasl.ClientMechanism | None, error: Refused) -> Exception:
    """The error that the mechanism reported before the server refused, or else the refusal: an error for a token says
    more than the refusal does.
    """
    try:
        if mechanism is not None:
            mechanism.finish()
    except sasl.SASLError as explained:
        return explained
    return error


def _choose(
    client: Client, credentials: Credentials, tried: set[str], host: str, port: int
) -> sasl.ClientMechanism | None:
    offered = [name[5:] for name in client.capabilities if name.startswith("AUTH=")]
    stream = client.tls_stream
    try:
        if credentials.token:
            left = [name for name in offered if name not in tried]
            if stream is None and not credentials.allow_clear:
                return None
            return sasl.choose_oauth(left, credentials.username, credentials.token, host=host, port=port)
        # By `only`, not by what is offered: SCRAM tells the server which mechanisms the client saw (RFC 5802 §6).
        allowed = [name for name in credentials.mechanisms or sasl.CLIENT_ORDER if name.upper() not in tried]
        if not allowed:
            return None
        return sasl.choose_mechanism(
            offered,
            credentials.username,
            credentials.password,
            bindings=sasl.NO_BINDINGS
            if stream is None
            else {kind: stream.channel_binding(kind) for kind in stream.channel_bindings()},
            tls=stream is not None,
            certificate=credentials.certificate,
            allow_clear=credentials.allow_clear,
            only=allowed,
        )
    except ValueError as error:
        raise LoginFailed(str(error)) from None


def _may_login(client: Client, credentials: Credentials, tried: set[str]) -> bool:
    """Whether the LOGIN command may be tried: for servers that offer no mechanism (RFC 9051 §6.2.3)."""
    if credentials.token or "LOGIN" in tried or "LOGINDISABLED" in client.capabilities:
        return False
    if credentials.mechanisms and "LOGIN" not in credentials.mechanisms:
        return False
    return client.tls_stream is not None or credentials.allow_clear


def _said(error: Exception) -> Worded:
    """The reason of a failure; texts of the server in it are cut and printable."""
    reason = reason_of(error)
    values = {name: printable(one) if isinstance(one, str) else one for name, one in reason.values.items()}
    return Worded(reason.template, values) if values else as_worded(printable(reason))


def _nothing_left(client: Client, credentials: Credentials) -> str:
    offered = sorted(name[5:] for name in client.capabilities if name.startswith("AUTH="))
    shown = ", ".join(offered)[:200] or "none"
    if credentials.token:
        return f"the server takes no token here: its mechanisms are {shown}"
    if client.tls_stream is None and not credentials.allow_clear:
        return worded(
            "without TLS the server offers no way to log in that hides the password: its mechanisms are {names}",
            names=shown,
        )
    return worded(
        "the server offers no way to log in that is known here: its mechanisms are {names}",
        names=shown,
    )
