"""Who and what has access to an account (WEB-192): one list of everything that outlives the login that set it up, each
with its removal. The commands are in `waycommands`.

`WAYS` describes each kind: how its grants are found, and how one ends. A test compares the kinds with all tables and
settings of accounts, so that nothing that gives access is left out.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from moxlite.admin.commandedits import edit, named_account
from moxlite.admin.factors import COMMAND_LINE, FactorChanges
from moxlite.admin.passwords import Passwords
from moxlite.config.checks.accounts import WEBHOOK_EVENTS
from moxlite.config.domains import Account as Settings
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.operations.forwards import ForwardChange, SetForwards
from moxlite.operations.links import RemoveLink
from moxlite.operations.performing import Perform
from moxlite.operations.webhooks import CancelHooks, HookFilter
from moxlite.proto.address import AddressKey
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import app_passwords
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.origin import Origin, SetUp, WayKind, noted_ways, origin
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.forwarding import refuse_target, targets
from moxlite.store.delivery.scripts import activate_script, active_script
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import IdentityChange, Person
from moxlite.store.groupware import sharing
from moxlite.store.groupware.collection import collection, collections_of
from moxlite.store.mail import acl
from moxlite.store.mail.delegates import delegates, remove_delegate
from moxlite.store.mail.identities import load_identities, patch_identity
from moxlite.store.mail.links import links
from moxlite.store.people.devices import devices, forget_devices, remove_device
from moxlite.store.people.subscriptions import drop_subscriptions, subscriptions
from moxlite.store.types import MailboxID
from moxlite.wording import mail_text

logger = logging.getLogger("moxlite.admin.waysin")

SLICE: Final = 100
"""Grants of an account's file that are taken back in one unit: others write in between."""

NOBODY: Final = Origin("", "")
"""Who set up what was there before the origin was noted."""


class Grant(msgspec.Struct, frozen=True):
    """A way in as its description finds it; the fields as in `WayInfo`. `made`: µs UTC of what its own row tells, 0 for
    unknown. `setup`: who made it, if its own row tells that, too.
    """

    kind: WayKind
    key: str
    name: str = ""
    who: str = ""
    access: str = ""
    made: int = 0
    setup: Origin = NOBODY

    @property
    def id(self) -> str:
        """Its name for programs."""
        return f"{self.kind}:{self.key}"


class Sources(msgspec.Struct, frozen=True):
    """Where the grants are."""

    config: ConfigHolder
    accounts: Accounts
    auth: AuthDB


class Rooms(Sources, frozen=True):
    """What the removals work with."""

    passwords: Passwords
    factors: FactorChanges
    perform: Perform


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of ways in.

    Attributes:
      title: what it is, for mails and the command line.
      place: the table that has its grants, as ``account.TABLE`` or ``auth.TABLE``, or the setting ``config.KEY``.
      read: finds the grants in the account's file.
      undo: takes one back in a unit of the account's file.
      end: takes one back that concerns other files, too.
    """

    title: str
    place: str
    read: Callable[[Reader], Iterator[Grant]] | None = None
    undo: Callable[[AccountTx, Grant], object] | None = None
    end: Callable[[Rooms, str, Grant], Awaitable[object]] | None = None


# Grants in the account's file


def _folders(r: Reader) -> Iterator[Grant]:
    for mailbox_id, name, guest, rights in acl.guest_rows(r):
        yield Grant("folder", f"{mailbox_id}/{guest}", name, guest, rights)


def _collections(kind: WayKind) -> Callable[[Reader], Iterator[Grant]]:
    def read(r: Reader) -> Iterator[Grant]:
        for shared, number, name, guest, rights in sharing.guest_rows(r):
            if sharing.SHARED[shared] == kind:
                yield Grant(kind, f"{number}/{guest}", name, guest, rights)

    return read


def _delegates(r: Reader) -> Iterator[Grant]:
    for delegate in delegates(r):
        access = f"{delegate.sends}, whole account" if delegate.whole else delegate.sends
        yield Grant("delegate", delegate.guest, "", delegate.guest, access)


def _links(r: Reader) -> Iterator[Grant]:
    names = {calendar.id: calendar.display_name or calendar.name for calendar in collections_of(r, "calendar")}
    for link in sharing.links_of(r):
        name = names.get(link.collection_id, "")
        yield Grant("calendar_link", str(link.id), name, link.note, "busy" if link.busy else "r", link.made)


def _forwards(r: Reader) -> Iterator[Grant]:
    for target in targets(r):
        # Also those that wait for an answer: it may come at any time.
        if target.stopped is None and (target.confirmed is not None or target.asked):
            access = "asked" if target.confirmed is None else "alias" if target.of_alias else "confirmed"
            yield Grant("forward", target.key, "", target.address, access, target.asked or target.confirmed or 0)


def _script(r: Reader) -> Iterator[Grant]:
    if name := active_script(r):
        yield Grant("script", "active", name)


def _senders(r: Reader) -> Iterator[Grant]:
    for address, identity in load_identities(r).items():
        if identity.reply_to or identity.bcc:
            fields = {"Reply-To": identity.reply_to, "Bcc": identity.bcc}
            access = ", ".join(name for name, people in fields.items() if people)
            yield Grant("sender", address, address, _people(*fields.values()), access)


def _people(*lists: Sequence[Person] | None) -> str:
    return ", ".join(dict.fromkeys(person.email for people in lists for person in people or ()))


def _linked(r: Reader) -> Iterator[Grant]:
    for link in links(r):
        # Its mail comes here, which gives it no access; what is sent as its address goes by its server.
        access = "send" if link.outlet.host else ""
        yield Grant("linked", str(link.id), link.name, f"{link.address} ({link.host})", access, link.created)


def _apps(kind: WayKind) -> Callable[[Reader], Iterator[Grant]]:
    def read(r: Reader) -> Iterator[Grant]:
        for app in app_passwords(r):
            if (app.token is not None) == (kind == "token"):
                scopes = [*app.scopes, *(["read-only"] if app.read_only else [])]
                yield Grant(kind, str(app.id), app.name, "", ", ".join(scopes), app.created)

    return read


def _devices(r: Reader) -> Iterator[Grant]:
    for device in devices(r):
        yield Grant("device", str(device.id), device.name, _host(device.endpoint), "", device.created)


def _pushes(r: Reader) -> Iterator[Grant]:
    for push in subscriptions(r):
        yield Grant("push", str(push.id), push.device, _host(push.url))


def _host(url: str) -> str:
    """The host alone: the rest may have secrets."""
    return urlsplit(url).hostname or ""


# Removals


def _place_of(grant: Grant) -> tuple[int, str]:
    number, _, guest = grant.key.partition("/")
    return int(number), guest


def _unshare_folder(tx: AccountTx, grant: Grant) -> None:
    number, guest = _place_of(grant)
    acl.set_rights(tx, MailboxID(number), guest, "")


def _unshare_collection(tx: AccountTx, grant: Grant) -> None:
    number, guest = _place_of(grant)
    sharing.share_collection(tx, collection(tx, number), guest, "")


async def _stop_forwarding(rooms: Rooms, name: str, grant: Grant) -> None:
    settings = named_account(rooms.config, name)
    async with rooms.accounts.use(name) as account:
        # First: nothing goes there from now on, whatever names the address.
        await account.write(lambda tx: refuse_target(tx, grant.key))
    before = [str(address) for address in settings.forward_to]
    after = [str(address) for address in settings.forward_to if address.key != AddressKey.parse(grant.who)]
    if after != before:
        await rooms.perform(
            SetForwards(ForwardChange(forward_to=after), ForwardChange(forward_to=before), account=name)
        )


async def _unlink(rooms: Rooms, name: str, grant: Grant) -> None:
    await rooms.perform(RemoveLink(grant.name, account=name))


def _drop_webhook(key: str, *events: str) -> Callable[[Rooms, str, Grant], Awaitable[object]]:
    async def end(rooms: Rooms, name: str, grant: Grant) -> None:
        def change(document: Document, snapshot: Snapshot) -> None:
            document.drop(("accounts", name, key))

        await edit(rooms.config, change)
        # Calls that wait have the former URL, and what mail says.
        for event in events:
            await rooms.perform(CancelHooks(HookFilter(account=name, event=event)))

    return end


async def _end_session(rooms: Rooms, name: str, grant: Grant) -> None:
    await _log_out(rooms, name, int(grant.key))


async def _log_out(rooms: Rooms, name: str, session_id: int) -> None:
    ended = await rooms.auth.sessions.remove(name, session_id)
    if ended:
        async with rooms.accounts.use(name) as account:
            await forget_devices(account, ended)


async def _revoke_app(rooms: Rooms, name: str, grant: Grant) -> None:
    await rooms.passwords.revoke_app(name, grant.name)


async def _remove_certificate(rooms: Rooms, name: str, grant: Grant) -> None:
    await rooms.passwords.remove_key(rooms.auth.keys, name, grant.key)


async def _remove_factor(rooms: Rooms, name: str, grant: Grant) -> None:
    factors = await rooms.auth.factors.of(name)
    kind = "totp" if grant.kind == "authenticator" else "key"
    for factor in factors.apps if kind == "totp" else factors.keys:
        if factor.name == grant.key:
            await rooms.factors.remove(name, kind, factor.id, where=origin().remote_ip or COMMAND_LINE)


async def _drop_codes(rooms: Rooms, name: str, grant: Grant) -> None:
    await rooms.auth.factors.drop_recovery(name, codes=True)


async def _drop_recovery_link(rooms: Rooms, name: str, grant: Grant) -> None:
    await rooms.auth.factors.drop_recovery(name, link=True)


async def _disconnect(rooms: Rooms, name: str, grant: Grant) -> None:
    # By the issuer of the grant: the server may have another provider by now, or none.
    await rooms.auth.bindings.remove(grant.who, grant.key, name)
    for session in await rooms.auth.sessions.of(name):
        if session.id not in origin().sessions:
            await _log_out(rooms, name, session.id)


WAYS: Final[Mapping[WayKind, Way]] = {
    "folder": Way(title=mail_text("Shared folder"), place="account.acl", read=_folders, undo=_unshare_folder),
    "calendar": Way(
        title=mail_text("Shared calendar"),
        place="account.collection_acl",
        read=_collections("calendar"),
        undo=_unshare_collection,
    ),
    "contacts": Way(
        title=mail_text("Shared address book"),
        place="account.collection_acl",
        read=_collections("contacts"),
        undo=_unshare_collection,
    ),
    "delegate": Way(
        title=mail_text("Person who can send"),
        place="account.delegate",
        read=_delegates,
        undo=lambda tx, grant: remove_delegate(tx, grant.key),
    ),
    "calendar_link": Way(
        title=mail_text("Private calendar link"),
        place="account.calendar_link",
        read=_links,
        undo=lambda tx, grant: sharing.remove_link(tx, int(grant.key)),
    ),
    "forward": Way(
        title=mail_text("Forwarding address"), place="account.forward_target", read=_forwards, end=_stop_forwarding
    ),
    "script": Way(
        title=mail_text("Active script"),
        place="account.sieve_script",
        read=_script,
        undo=lambda tx, grant: activate_script(tx, ""),
    ),
    "sender": Way(
        title=mail_text("Reply-To or Bcc"),
        place="account.identity",
        read=_senders,
        undo=lambda tx, grant: patch_identity(tx, grant.key, IdentityChange(reply_to=None, bcc=None)),
    ),
    "linked": Way(title=mail_text("Linked account"), place="account.link", read=_linked, end=_unlink),
    "outgoing_webhook": Way(
        title=mail_text("Webhook for sent mail"),
        place="config.outgoing_webhook",
        end=_drop_webhook("outgoing_webhook", *WEBHOOK_EVENTS),
    ),
    "incoming_webhook": Way(
        title=mail_text("Webhook for received mail"),
        place="config.incoming_webhook",
        end=_drop_webhook("incoming_webhook", "incoming"),
    ),
    "session": Way(title=mail_text("Browser"), place="auth.session", end=_end_session),
    "app_password": Way(
        title=mail_text("App password"), place="account.app_password", read=_apps("app_password"), end=_revoke_app
    ),
    "token": Way(title=mail_text("Token"), place="account.app_password", read=_apps("token"), end=_revoke_app),
    "certificate": Way(title=mail_text("Client certificate"), place="auth.tls_public_key", end=_remove_certificate),
    "authenticator": Way(title=mail_text("Authenticator app"), place="auth.totp", end=_remove_factor),
    "security_key": Way(title=mail_text("Security key or passkey"), place="auth.security_key", end=_remove_factor),
    "recovery_codes": Way(title=mail_text("Recovery codes"), place="auth.recovery_code", end=_drop_codes),
    "recovery_link": Way(title=mail_text("Password reset link"), place="auth.recovery_link", end=_drop_recovery_link),
    "provider": Way(title=mail_text("Login provider user"), place="auth.provider_binding", end=_disconnect),
    "device": Way(
        title=mail_text("Device with notifications"),
        place="account.notice_device",
        read=_devices,
        undo=lambda tx, grant: remove_device(tx, int(grant.key)),
    ),
    "push": Way(
        title=mail_text("Push subscription"),
        place="account.jmap_push",
        read=_pushes,
        undo=lambda tx, grant: drop_subscriptions(tx, [int(grant.key)]),
    ),
}
"""All kinds of ways in."""


# Finding them


def stored_grants(r: Reader) -> list[tuple[Grant, SetUp]]:
    """The grants in the account's file, each with who set it up."""
    notes = noted_ways(r)
    found = (grant for way in WAYS.values() if way.read is not None for grant in way.read(r))
    return [(grant, _set_up(grant, notes)) for grant in found]


def _set_up(grant: Grant, notes: Mapping[tuple[str, str], SetUp]) -> SetUp:
    return notes.get((grant.kind, grant.key)) or SetUp(grant.made, grant.setup)


async def grants(sources: Sources, name: str) -> list[tuple[Grant, SetUp]]:
    """All grants of an account, the newest first; those whose age is unknown come last. Raises StoreError."""
    settings = named_account(sources.config, name)
    async with sources.accounts.use(name) as account:
        # In a thread: an account may share hundreds of folders with a hundred users each.
        found, notes = await account.scan(lambda r: (stored_grants(r), noted_ways(r)), op="ways-in")
    others = [*_webhooks(settings), *[grant async for grant in _logins(sources.auth, name)]]
    found += [(grant, _set_up(grant, notes)) for grant in others]
    found.sort(key=order)
    return found


def order(entry: tuple[Grant, SetUp]) -> tuple[int, str]:
    """The place of a grant in the list: the newest first, then by id."""
    grant, set_up = entry
    return -set_up.at, grant.id


def _webhooks(settings: Settings) -> Iterable[Grant]:
    if settings.outgoing_webhook is not None:
        yield Grant("outgoing_webhook", "config", "", _host(settings.outgoing_webhook.url))
    if settings.incoming_webhook is not None:
        yield Grant("incoming_webhook", "config", "", _host(settings.incoming_webhook.url))


async def _logins(auth: AuthDB, name: str) -> AsyncIterator[Grant]:
    for session in await auth.sessions.of(name):
        if not session.parent:
            setup = Origin(session.account, session.app, session.remote_ip)
            yield Grant("session", str(session.id), session.user_agent, "", session.app, session.created, setup)
    for key in await auth.keys.of(name):
        yield Grant("certificate", key.fingerprint, key.name, key.login_address, "", key.created)
    factors = await auth.factors.of(name)
    for app in factors.apps:
        yield Grant("authenticator", app.name, app.name, "", "", app.created)
    for factor in factors.keys:
        yield Grant("security_key", factor.name, factor.name, factor.host, "", factor.created)
    codes, link = await auth.factors.recovery(name)
    if codes is not None:
        yield Grant("recovery_codes", "codes", "", "", str(factors.codes), codes)
    if link is not None:
        yield Grant("recovery_link", "link", made=link)
    for binding in await auth.bindings.of(name):
        yield Grant("provider", binding.subject, binding.subject, binding.issuer, "", binding.bound)
