"""Leaving a mailing list or newsletter (RFC 2369 §3.2, RFC 8058): the ways that a message offers, the request to the
sender's server, and what was left (WEBMAIL-136).

One click needs proof that the sender wrote both fields: a DKIM signature that passed at the delivery. The store knows
the domains that passed, not which signature did. So of such a domain every signature in the message must cover both
fields, and each field must be there once: a field or signature that was added to a signed message makes one click
impossible. Then, and for messages that did not come by SMTP, the user writes a message or opens a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from moxlite.mailauth.dkim.signature import SignatureError, parse_signature
from moxlite.net.httpclient import HTTPError
from moxlite.proto.address import AddressError, Domain
from moxlite.store.mail.settings import load_settings, patch_settings
from moxlite.store.people.gathering import list_key
from moxlite.web.errors import UserError
from moxlite.web.preferences import OwnSettings, Unsubscribed
from moxlite.web.webmail.types import Unsubscribe
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.net.httpclient import HTTPClient
    from moxlite.proto.mime.headers import HeaderSection
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader

SECONDS: Final = 10.0
"""Seconds that the sender's server has to answer."""

MAX_URIS: Final = 10
"""URIs of the field that are looked at; senders write one or two."""

KEPT: Final = 500
"""Senders that are remembered, the latest: the settings stay small."""

TAKEN_BACK: Final = timedelta(minutes=5)
"""Time in which a message to leave may be taken back: longer than the longest undo (WEBMAIL-123)."""

GRACE: Final = timedelta(days=10)
"""Time after which a sender that was left should have stopped; ten business days are the usual legal limit."""

BODY: Final = b"List-Unsubscribe=One-Click"
"""The body of the request (RFC 8058 §3.1)."""

FIELDS: Final = (b"list-unsubscribe", b"list-unsubscribe-post")
"""Fields that a signature must cover (RFC 8058 §4)."""

URI: Final = re.compile(r"<([^<>]{1,2000})>")
BLANK: Final = re.compile(r"[\x00-\x20\x7f]")


def offered(
    r: Reader, section: HeaderSection, signers: Iterable[str], *, address: str, received: datetime
) -> Unsubscribe | None:
    """The ways that a message offers, and whether they were used; None if it offers none.

    Args:
      signers: domains with a DKIM signature that passed. address: of the From field, "" without a single one.
    """
    text = " ".join(map(_text, section.texts(b"list-unsubscribe")))
    uris = [BLANK.sub("", uri) for uri in URI.findall(text)[:MAX_URIS]]
    mailto = next((uri for uri in uris if uri.lower().startswith("mailto:") and "@" in uri), "")
    link = next((uri for uri in uris if _host(uri, ("https", "http"))), "")
    secure = next((uri for uri in uris if _host(uri, ("https",))), "")
    key = list_key(section, address)
    if not (mailto or link) or not key:
        return None
    posted = _text(section.text(b"list-unsubscribe-post")).strip().lower() == BODY.decode().lower()
    one_click = secure if secure and posted and _covered(section, signers) else ""
    left = next((one.at for one in load_settings(r, OwnSettings).unsubscribed if one.sender == key), None)
    return Unsubscribe(
        one_click=one_click,
        host=_host(one_click or link, ("https", "http")),
        mailto=mailto,
        link=link,
        at=left,
        still_sends=left is not None and received > left + GRACE,
    )


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("utf-8", "replace")


def _host(uri: str, schemes: Sequence[str]) -> str:
    """The host of a web address with one of these schemes, "" of any other text."""
    try:
        parts = urlsplit(uri)
        return (parts.hostname or "") if parts.scheme.lower() in schemes and "@" not in parts.netloc else ""
    except ValueError:
        return ""


def _covered(section: HeaderSection, signers: Iterable[str]) -> bool:
    """Whether a domain that passed signed both fields."""
    if any(section.count(name) != 1 for name in FIELDS):
        return False
    passed = {domain for signer in signers if (domain := _ascii(signer))}
    covering: dict[str, bool] = {}
    for field in section.all(b"dkim-signature"):
        try:
            signature = parse_signature(field.raw)
        except SignatureError as error:
            # A signature that we cannot read may be the one that passed: then nothing is proven for its domain.
            covering[_ascii(error.domain)] = False
            continue
        domain = signature.domain.ascii
        covers = all(name in signature.names for name in FIELDS)
        covering[domain] = covering.get(domain, True) and covers
    return any(covering.get(domain, False) for domain in passed)


def _ascii(domain: str) -> str:
    try:
        return Domain.parse(domain).ascii
    except AddressError:
        return ""


async def ask_once(http: HTTPClient, unsubscribe: Unsubscribe) -> None:
    """Send the request of one click: no cookies, no redirects (RFC 8058 §3.1). Raises UserError with the reason, if the
    server does not agree.
    """
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    try:
        answer = await http.request(
            "POST", unsubscribe.one_click, headers=headers, body=BODY, seconds=SECONDS, max_body=512
        )
    except HTTPError as error:
        raise UserError(worded("can't reach {host}: {reason}", host=unsubscribe.host, reason=error)) from None
    if not 200 <= answer.status < 300:
        raise UserError(
            worded("{host} rejected the request with status {status}", host=unsubscribe.host, status=answer.status)
        )


def note(tx: AccountTx, sender: str) -> None:
    """Remember that a sender was left now. An earlier time stays, so that a sender that goes on is noticed."""
    settings = load_settings(tx, OwnSettings)
    if any(one.sender == sender for one in settings.unsubscribed):
        return
    kept = [*settings.unsubscribed, Unsubscribed(sender, datetime.now(UTC))][-KEPT:]
    patch_settings(tx, {"unsubscribed": kept})


def forget(tx: AccountTx, sender: str) -> None:
    """Undo a `note` of the last minutes: the message to leave was taken back before it was sent."""
    settings = load_settings(tx, OwnSettings)
    # A note from before was made by another message, which stays sent.
    since = datetime.now(UTC) - TAKEN_BACK
    kept = [one for one in settings.unsubscribed if one.sender != sender or one.at < since]
    if len(kept) < len(settings.unsubscribed):
        patch_settings(tx, {"unsubscribed": kept})
