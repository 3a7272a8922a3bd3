"""Export of contacts as a file (WEBMAIL-128)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from moxlite import lazyimport
from moxlite.processor import off_loop
from moxlite.store.people.contacts import all_contacts
from moxlite.web.headers import SERVICE_HEADERS, disposition
from moxlite.web.http.messages import Response

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.web.http.exchange import ResponseWriter

TYPES: Final = {"vcf": "text/vcard; charset=utf-8", "csv": "text/csv; charset=utf-8"}


async def send_contacts(account: Account, form: str, writer: ResponseWriter) -> None:
    """Send all contacts as a download: vCards ("vcf") or a table ("csv")."""
    await lazyimport.load("moxlite.proto.cards.contactfiles")
    from moxlite.proto.cards.contactfiles import written

    contacts = await account.scan(lambda r: list(all_contacts(r)), op="contacts_export")
    data = await off_loop(partial(written, contacts, form), kind="contacts")
    headers = (
        ("content-type", TYPES[form]),
        disposition(f"contacts.{form}"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        *SERVICE_HEADERS,
    )
    await writer.respond(Response(200, headers, data))
