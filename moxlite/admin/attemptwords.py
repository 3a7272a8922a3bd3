"""Log-in attempts in words for people (WEB-70)."""

from collections.abc import Mapping
from typing import Final

from moxlite.store.auth.loginattempts import RecordedAttempt

PROTOCOLS: Final[Mapping[str, str]] = {
    "smtp": "SMTP",
    "submission": "sending by SMTP",
    "imap": "IMAP",
    "webmail": "webmail",
    "webaccount": "account page",
    "webadmin": "admin page",
    "webapi": "web API",
    "dav": "calendars and contacts",
    "jmap": "JMAP",
    "website": "site of the web server",
}

OUTCOMES: Final[Mapping[str, str]] = {
    "ok": "logged in",
    "baduser": "refused: unknown address",
    "badpassword": "refused: wrong password",
    "badcreds": "refused: wrong password",
    "badchanbind": "refused: the connection was not the one that the program meant",
    "badprotocol": "refused: the program did not keep to the protocol",
    "logindisabled": "refused: log-in is disabled",
    "notpermitted": "refused: this password is not for this service",
    "error": "failed: the server could not check it",
    "aborted": "given up by the program",
}
"""Outcomes by `AttemptResult`."""

SESSION: Final = "refused: a session that does not exist"
"""Outcome of the mechanism ``websession``: a cookie or token that belongs to no session."""


def protocol_words(protocol: str) -> str:
    """The protocol or app of a log-in."""
    return PROTOCOLS.get(protocol, protocol)


def attempt_words(one: RecordedAttempt) -> str:
    """Protocol, address and outcome: ``IMAP, 198.51.100.7, refused: wrong password``."""
    outcome = SESSION if one.mechanism == "websession" else OUTCOMES.get(one.result, one.result)
    if one.result == "ok" and one.app_password:
        outcome += f' with the app password "{one.app_password}"'
    elif one.result == "ok" and one.tls_key:
        outcome += " with a key"
    return f"{protocol_words(one.protocol)}, {one.remote_ip}, {outcome}"
