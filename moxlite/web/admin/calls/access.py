"""The calls about ways into accounts: second factors, recovery links, keys of certificates, limits of log-ins, mail
that was removed (WEB-81), and the audit log (WEB-160).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
import trio
from msgspec import Meta

from moxlite.admin.audit import line_of
from moxlite.admin.credentialcommands import key_infos
from moxlite.admin.publicpages import public_page
from moxlite.config.provider import OIDC
from moxlite.encoding import to_json
from moxlite.logins.provider import LoginProvider
from moxlite.operations.access import LinkMade, MakeLink, ResetFactors, TLSKeyInfo
from moxlite.operations.server import AuditLine
from moxlite.store.auth.audit import MAX_ID, AuditEntry, AuditFilter
from moxlite.store.auth.factors import TOTPApp
from moxlite.store.upkeep.repairs import RemovedFrom, removed_by_mailbox
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound
from moxlite.web.factorcalls import FactorKey
from moxlite.web.providerlogin import BACK_CHANNEL
from moxlite.web.types import Credential

Word = Annotated[str, Meta(max_length=320)]
Moment = Annotated[int, Meta(ge=0, lt=1 << 62)]


class AccessCalls(AdminCalls):
    """Ways into accounts and into the admin app."""

    @call()
    async def account_security(self, caller: Caller, name: Word) -> AccountSecurity:
        """The second factors of an account, and the keys of client certificates that log in to it."""
        addresses = self._addresses_of(name)
        factors = await self._server.auth.factors.of(name)
        return AccountSecurity(
            apps=factors.apps,
            keys=[FactorKey(key.id, key.name, key.host, key.created, key.last_used) for key in factors.keys],
            codes=factors.codes,
            certificates=await key_infos(self._server.auth.attempts, await self._server.auth.keys.of(name)),
            addresses=addresses,
            links=public_page(self._server.config(), "account") is not None,
        )

    @call(confirm=True, once=True)
    async def account_factors_reset(self, caller: Caller, name: Word) -> int:
        """Remove all second factors of an account, and end its web sessions; returns the number of apps and keys."""
        self._addresses_of(name)
        return (await self._perform(ResetFactors(account=name))).removed

    @call(confirm=True, secret=True)
    async def account_recovery_link(self, caller: Caller, name: Word, reset_factors: bool = False) -> LinkMade:
        """Make a link by which the user sets a new password, once and within an hour; an older link ends. With
        `reset_factors` its use removes the second factors.
        """
        self._addresses_of(name)
        return await self._perform(MakeLink(account=name, reset_factors=reset_factors))

    @call()
    async def account_removed(self, caller: Caller, name: Word, since: Moment = 0) -> Recoverable:
        """Mail of an account that was removed at or after `since`, and can be brought back."""
        self._addresses_of(name)
        async with self._server.accounts.use(name) as account:
            removed_froms = await account.scan(partial(removed_by_mailbox, since=since), op="admin_removed")
        return Recoverable(removed_froms, round(self._server.config().static.store.undelete_grace * 1e6))

    @call()
    async def provider_setup(self, caller: Caller) -> ProviderSetup:
        """The login provider that is in use, and the addresses that have to be registered at one."""
        await trio.lowlevel.checkpoint()
        snapshot = self._server.config()
        found = [public_page(snapshot, "webmail"), public_page(snapshot, "account")]
        pages = [page for page in found if page is not None]
        logout = f"{pages[0]}{BACK_CHANNEL}" if pages else ""
        pages.append(caller.request.origin + caller.path)
        settings = snapshot.static.oidc
        if settings is None:
            return ProviderSetup(pages=pages, logout=logout)
        return ProviderSetup(
            issuer=settings.issuer,
            client_id=settings.client_id,
            name=settings.name,
            allow_internal=settings.allow_internal,
            admin_group=settings.admin_group or "",
            shared=[SharedWithGroup(account, group) for account, group in settings.shared_mailboxes.items()],
            pages=pages,
            logout=logout,
        )

    @call()
    async def provider_trial(self, caller: Caller, issuer: Word, allow_internal: bool = False) -> ProviderTrial:
        """Read the discovery document and the keys of a login provider, and tell what is missing."""
        try:
            scheme = urlsplit(issuer).scheme
        except ValueError:  # a host in brackets that is no address
            raise FieldErrors([FieldError("issuer", "must be an http or https URL")]) from None
        if scheme not in ("https", *(["http"] if allow_internal else [])):
            raise FieldErrors([FieldError("issuer", "must begin with https://")])
        client = self._server.provider_client(allow_internal)
        problems, notes = await LoginProvider(OIDC(issuer=issuer, client_id="-"), client).examine()
        return ProviderTrial(problems, notes)

    @call(audit="admin password changed", confirm=True)
    async def password_change(self, caller: Caller, password: Credential) -> int:
        """Set the password of the admin app, and end its other sessions; returns their number."""
        return await self._sessions.set_password(caller, password)

    def _addresses_of(self, name: str) -> list[str]:
        """The addresses of an account with which a key may log in. Raises NotFound if there is no such account."""
        account = self._server.config().account(name)
        if account is None:
            raise NotFound(f"Account not found: {name!r}")
        return [destination for destination in account.destinations if not destination.startswith("@")]


# Results of the admin app's calls about ways into accounts, and about mail that was removed (WEB-81). Times are µs
# UTC, sizes octets; 0 is for never.


class AccountSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """Second factors and keys of an account. `codes`: recovery codes left. `addresses`: those with which a key may log
    in. `links`: whether recovery links can be made: a listener serves the account app.
    """

    apps: tuple[TOTPApp, ...]
    keys: list[FactorKey]
    codes: int
    certificates: list[TLSKeyInfo]
    addresses: list[str]
    links: bool


class SharedWithGroup(msgspec.Struct, frozen=True):
    """A shared mailbox, and the group at the login provider that has it."""

    account: str
    group: str


class ProviderSetup(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the login provider, "" without one. `pages`: the addresses that it sends browsers back to, the
    admin app's as it is opened now; `logout`: where it tells that a person has logged out, "" without a public page.
    """

    issuer: str = ""
    client_id: str = ""
    name: str = ""
    allow_internal: bool = False
    admin_group: str = ""
    shared: list[SharedWithGroup] = []
    pages: list[str]
    logout: str


class ProviderTrial(msgspec.Struct, frozen=True):
    """Why a login provider can't be used, and what isn't available with it, in words."""

    problems: list[str]
    notes: list[str]


class Recoverable(msgspec.Struct, frozen=True):
    """Removed mail that can be brought back, by mailbox. `kept`: µs for which removed mail is kept."""

    mailboxes: list[RemovedFrom]
    kept: int


# The calls about the audit log: pages, and an export (WEB-160).


Count = Annotated[int, Meta(ge=1, le=200)]
ID = Annotated[int, Meta(ge=0, le=2**53)]

MOST: Final = 10_000
"""Entries of an export."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings by which programs for tables take a cell for a formula."""


class AuditCalls(AdminCalls):
    """Calls for the audit log: changes, and their actors."""

    @call()
    async def audit(self, caller: Caller, filter: AuditFilter, before: ID = 0, count: Count = 50) -> list[AuditLine]:  # noqa: A002
        """Entries with ids below `before`, newest first; 0 for the newest."""
        audit_entries = await self._server.auth.audit.entries(filter, before=before or MAX_ID, limit=count)
        return [line_of(audit_entry) for audit_entry in audit_entries]

    @call()
    async def audit_export(self, caller: Caller, filter: AuditFilter, form: Literal["csv", "json"]) -> str:  # noqa: A002
        """The newest 10,000 entries as a table, or as lines of JSON."""
        audit_entries = await self._server.auth.audit.entries(filter, limit=MOST)
        return await trio.to_thread.run_sync(_lines if form == "json" else _table, audit_entries)


def _lines(audit_entries: Sequence[AuditEntry]) -> str:
    return "".join(to_json(line_of(audit_entry)).decode() + "\n" for audit_entry in audit_entries)


def _table(audit_entries: Sequence[AuditEntry]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("id", "at", "actor", "via", "remote_ip", "action", "object", "outcome", "detail"))
    table.writerows([_cell(one) for one in _row(entry)] for entry in audit_entries)
    return text.getvalue()


def _row(audit_entry: AuditEntry) -> tuple[str, ...]:
    at = dt.datetime.fromtimestamp(audit_entry.at / 1e6, dt.UTC).isoformat(timespec="seconds")
    return (
        str(audit_entry.id),
        at,
        audit_entry.actor,
        audit_entry.via,
        audit_entry.remote_ip,
        audit_entry.action,
        audit_entry.object,
        audit_entry.outcome,
        audit_entry.detail,
    )


def _cell(text: str) -> str:
    # A stranger chooses some of these texts, such as the name in a refused call, and the owner opens the table.
    return f"'{text}" if text.startswith(FORMULA) else text
