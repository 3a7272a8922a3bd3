"""A link that a user asks for, checked, the state of a link for its users (LINK-4), and its password (LINK-2)."""

from __future__ import annotations

import logging
import random
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

import msgspec
import trio

from moxlite.normal import is_visible
from moxlite.operations.copies import Event, MailboxStep, Note
from moxlite.operations.links import AddLink, LinkRequest
from moxlite.safefile import key_file
from moxlite.store.mail.links import Link, LinkRefused, SubmissionServer
from moxlite.wording import worded

logger = logging.getLogger("moxlite.migration.links")

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Phase: TypeAlias = Literal["connecting", "copying", "current", "waiting", "refused", "paused"]
"""``copying``: messages are being fetched; ``current``: both sides are equal; ``waiting``: for the next try after a
failure; ``refused``: the password was not taken.
"""


WAITS: Final = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds before each new connection after failed ones; the last for all further ones. Each is varied by a half, so
that the links of many accounts do not come back together.
"""

LONGEST: Final = 86_400.0
"""Seconds for which a server may have us wait."""

TOLD: Final = re.compile(r"(?:back ?off|try again|retry)\D{0,40}?(\d{1,9}) ?(m(?:illi)?s|s)", re.IGNORECASE)
"""How servers tell that: "Suggested Backoff Time: 87623 milliseconds" (Exchange), "try again in 60 s"."""

REFUSED_WAITS: Final = (900.0, 3600.0, 4 * 3600.0, 24 * 3600.0)
"""Seconds before the password is tried again after it was refused: providers lock accounts after several failures."""


TEMPORARY: Final = (
    *("[UNAVAILABLE]", "[LIMIT]", "[INUSE]", "[SERVERBUG]"),
    *("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]", "[SYS/PERM]"),
)
"""Response codes of a refused log-in that say nothing about the password (RFC 5530 §3; RFC 2449 §8, RFC 3206 §4)."""

MAX_PROBLEMS: Final = 50
"""Texts about what was left out that are kept."""


def rejects_password(error: Exception) -> bool:
    """Whether the other server rejected the password: it wasn't out of reach, crowded or in trouble."""
    from moxlite.net.imapclient.transport import CROWDED, LoginFailed

    if not isinstance(error, LoginFailed):
        return False
    return not any(code in str(error) for code in TEMPORARY) and CROWDED.search(str(error)) is None


def pause(failures: int, error: Exception) -> float:
    """Seconds until the next try; as long as the server told, a day at most."""
    match = TOLD.search(str(error))
    asked = int(match[1]) / (1000 if match[2].startswith("m") else 1) if match else 0.0
    usual = WAITS[min(failures, len(WAITS)) - 1] * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    return max(usual, min(asked, LONGEST))


class LinkState(msgspec.Struct):
    """State of a link. `mailbox`, `done`, `total`: progress in the mailbox that is copied now; `said`: why it waits;
    `again`: seconds until the next try; `problems`: what was left out, the first ones.
    """

    phase: Phase = "connecting"
    mailbox: str = ""
    done: int = 0
    total: int = 0
    said: str = ""
    again: float = 0.0
    problems: list[str] = msgspec.field(default_factory=list)


async def tell(state: LinkState, who: Mapping[str, str], event: Event) -> None:
    """Keep what the page shows of an event; `who`: account and link, for the log."""
    match event:
        case MailboxStep():
            state.mailbox, state.done, state.total = event.mailbox, event.done, event.total
        case Note(text):
            # Each look finds the same ones again.
            if len(state.problems) < MAX_PROBLEMS and text not in state.problems:
                state.problems.append(text)
                logger.info("linked account changes not synced", extra={"kv": {**who, "text": str(text)}})
        case _:
            pass
    await trio.lowlevel.checkpoint()


class LinkTestResult(msgspec.Struct, frozen=True):
    """Result of a test: names of mailboxes there, number of messages in all of them, and what the server can; the
    submission server that was given or found, and why it does not work, "" if it does.
    """

    mailboxes: list[str]
    messages: int
    instant: bool
    outlet: SubmissionServer = SubmissionServer()
    sending: str = ""


# Links that users ask for.


NO_TLS: Final = (
    "you can only connect without encryption within the server's own network, and this server doesn't allow that"
)

MAX_DAYS: Final = 3_650
"""Days after which mail can be removed at a server with POP3."""


R = TypeVar("R", bound=LinkRequest)


def checked(asked: R, *, inside: bool) -> R:
    """Check a wish for a link, and bring it into the usual form. Raises LinkRefused."""
    address, host = asked.address.strip(), asked.host.strip().rstrip(".").lower()
    if "@" not in address or any(map(str.isspace, address)) or not is_visible(address):
        raise LinkRefused("must be an email address, like mia@example.org", "address")
    if not host or any(letter.isspace() or not letter.isprintable() for letter in host):
        raise LinkRefused("must be a server name, like imap.example.org", "host")
    if not asked.password:
        raise LinkRefused("enter your password for the other server", "password")
    if asked.tls == "none" and not inside:
        raise LinkRefused(NO_TLS, "tls")
    if asked.protocol == "pop3" and asked.tls == "none":
        raise LinkRefused("POP3 requires encryption", "tls")
    if not (0 <= asked.port < 65_536 and 0 <= asked.smtp_port < 65_536):
        raise LinkRefused("must be a port number", "port" if not 0 <= asked.port < 65_536 else "smtp_port")
    user, smtp_user = asked.user.strip() or address, asked.smtp_user.strip()
    smtp_host = asked.smtp_host.strip().rstrip(".").lower()
    return msgspec.structs.replace(
        asked, address=address, host=host, user=user, smtp_host=smtp_host, smtp_user=smtp_user
    )


def checked_new(asked: AddLink, *, inside: bool) -> AddLink:
    """As `checked`, for a link that is kept. Raises LinkRefused."""
    asked = checked(asked, inside=inside)
    if asked.keep_days is not None and (asked.protocol != "pop3" or not 0 <= asked.keep_days <= MAX_DAYS):
        raise LinkRefused(worded("must be a number of days up to {n}. Only for POP3", n=MAX_DAYS), "keep_days")
    name = asked.name.strip() or asked.address.rpartition("@")[2].partition(".")[0].capitalize()
    return msgspec.structs.replace(asked, name=name)


# Passwords of other servers, encrypted (LINK-2).


KEY: Final = "links.key"
KEY_OCTETS: Final = 32
"""Octets of the key: AES-256."""

NONCE: Final = 12
"""Octets before each encrypted password, the size that GCM is made for (NIST SP 800-38D §5.2.1.1)."""


class PasswordCipher:
    """Encrypts passwords of other servers, by a key in a file of its own (LINK-2). Methods block."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / KEY

    def _cipher(self, *, create: bool) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = key_file(self._path, KEY_OCTETS, create=create, mode=0o600)
        if len(key) != KEY_OCTETS:
            raise LinkRefused(f"{self._path} must be a {KEY_OCTETS}-byte key")
        return AESGCM(key)

    def seal(self, password: str, host: str, username: str) -> bytes:
        """Encrypt a password, for this user of this server alone. Raises OSError, LinkRefused."""
        # Host and user are bound to it: a secret that is put into the row of another link gives its password to no
        # other server.
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher(create=True).encrypt(nonce, password.encode(), _bound(host, username))

    def open(self, link: Link) -> str:
        """Decrypt the password of a link. Raises LinkRefused: the key is another one, or lost."""
        from cryptography.exceptions import InvalidTag

        try:
            cipher = self._cipher(create=False)
            octets = cipher.decrypt(link.secret[:NONCE], link.secret[NONCE:], _bound(link.host, link.username))
        except (OSError, InvalidTag):
            raise LinkRefused(worded("can't read the stored password; enter the password again")) from None
        return octets.decode()


def _bound(host: str, username: str) -> bytes:
    return f"{host}\0{username}".encode()
