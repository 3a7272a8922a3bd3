"""Push subscriptions: their methods, and the requests that tell of changes (RFC 8620 §7.2, RFC 8030, RFC 8291).

An address to push to is a stranger's choice: requests to it have the address rules, deadlines and bounds of webhooks,
and tell nothing before the client has proved that it gets them.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from moxlite.encoding import from_json, to_json
from moxlite.proto.webpush import BadSubscription, check_endpoint, check_keys, decode
from moxlite.store.accounts.access import visited
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.people.subscriptions import (
    Subscription,
    add_subscription,
    change_subscription,
    drop_subscriptions,
    note_failed,
    note_told,
    subscriptions,
)
from moxlite.web.jmap.accounts import Place, account_id
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import ObjectType, Outcome, each, property_moment, set_parts, set_results
from moxlite.web.jmap.states import TYPES, Viewer, default_address, is_news, seen_states
from moxlite.web.jmap.streams import MAX_OWNERS
from moxlite.web.notices.rounds import REQUESTS

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call
    from moxlite.web.notices.requests import PushService


logger = logging.getLogger("moxlite.web.jmap")

LETTER: Final = "P"
TYPE: Final = ObjectType(
    "PushSubscription",
    "RFC 8620 §7.2",
    settable=("verificationCode", "expires", "types"),
    fixed=("id", "deviceClientId"),
    once=("deviceClientId",),
)
HIDDEN: Final = ("url", "keys")
"""Properties that are never returned (RFC 8620 §7.2.1)."""

LONGEST: Final = 30 * 86_400_000_000
"""µs for which a subscription lasts unless it is renewed."""


async def get(call: Call) -> Object:
    """PushSubscription/get: the subscriptions of this log-in."""
    asked = call.names("properties")
    for one in asked or ():
        if one in HIDDEN:
            raise MethodError("forbidden", f"{one} is never returned")
        if one not in TYPE.properties:
            raise invalid(f"unknown property: {one[:100]!r}")
    names = TYPE.properties if asked is None else tuple(dict.fromkeys(["id", *asked]))
    ids = call.ids()
    found = {one["id"]: one for one in map(_object, await _own(call))}
    chosen = [*found] if ids is None else [one for one in ids if one in found]
    return {
        "list": [{name: found[one][name] for name in names} for one in chosen],
        "notFound": [one for one in ids or () if one not in found],
    }


async def _own(call: Call) -> list[Subscription]:
    return await call.account.read(partial(_own_in, call=call), op="jmap subscriptions")


def _own_in(r: Reader, call: Call) -> list[Subscription]:
    return [subscription for subscription in subscriptions(r) if subscription.login == call.identity.app_password]


def _object(push: Subscription) -> Object:
    return {
        "id": f"{LETTER}{push.id}",
        "deviceClientId": push.device,
        "verificationCode": push.code if push.verified else None,
        "expires": utc_date(push.expires),
        "types": None if push.types is None else from_json(push.types, list[str]),
    }


async def set_(call: Call) -> Object:
    """PushSubscription/set (RFC 8620 §7.2.2)."""
    create, update, destroy = set_parts(call)
    created = await each(create, partial(_create, call))
    updated = await each(update, partial(_update, call))
    own = {f"{LETTER}{subscription.id}": subscription for subscription in await _own(call)}
    gone = [one for one in destroy if one in own]
    await call.account.write(lambda tx: drop_subscriptions(tx, [own[one].id for one in gone]))
    destroyed: dict[str, Outcome] = {one: None if one in own else SetError("notFound") for one in destroy}
    found = set_results(created, updated, destroyed)
    if created or updated:
        call.server.programs.subscribed(call.account.name)
    return found


async def _create(call: Call, _: str, given: Object) -> Outcome:
    unknown = [name for name in given if name not in ("deviceClientId", "url", "keys", "expires", "types")]
    if unknown:
        raise SetError("invalidProperties", "unknown or read-only property", properties=unknown)
    device, url = given.get("deviceClientId"), given.get("url")
    if not isinstance(device, str) or not device or len(device) > 255:
        raise SetError("invalidProperties", "must be a string of 1 to 255 characters", properties=["deviceClientId"])
    if not isinstance(url, str) or len(url) > 2_000:
        raise SetError("invalidProperties", "must be an https URL", properties=["url"])
    try:
        check_endpoint(url)
        public, secret = _keys(given.get("keys"))
    except BadSubscription as error:
        raise SetError("invalidProperties", str(error), properties=["url"]) from None
    now = time.time_ns() // 1000
    expires = min(_moment(given.get("expires"), now + LONGEST), now + LONGEST)
    types, code = _types(given.get("types")), secrets.token_urlsafe(24)
    new = Subscription(0, device, url, public, secret, types, expires, call.identity.app_password, code, 0, "{}", 0, 0)
    number = await call.account.write(lambda tx: add_subscription(tx, new))
    return {"id": f"{LETTER}{number}", "expires": utc_date(expires)}


def _keys(given: Any) -> tuple[bytes | None, bytes | None]:
    match given:
        case None:
            return None, None
        case {"p256dh": str(public), "auth": str(secret)}:
            keys = decode(public), decode(secret)
            check_keys(*keys)
            return keys
    raise SetError("invalidProperties", "keys must be an object with only p256dh and auth", properties=["keys"])


def _moment(text: Any, default: int) -> int:
    return default if text is None else property_moment("expires", text)


def _types(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > 100 or not all(isinstance(one, str) for one in given):
        raise SetError("invalidProperties", "must be an array of type names", properties=["types"])
    return to_json([one for one in given if one in TYPES]).decode()


async def _update(call: Call, key: str, patch: Object) -> Outcome:
    # Others' accounts can't be read in the unit.
    others = await _others_seen(call) if "verificationCode" in patch else {}

    def unit(tx: AccountTx) -> Outcome:
        push = next((one for one in _own_in(tx, call) if f"{LETTER}{one.id}" == key), None)
        if push is None:
            raise SetError("notFound")
        wanted = TYPE.patched(_object(push), patch)
        changed = push
        if "verificationCode" in patch:
            code = wanted["verificationCode"]
            if not isinstance(code, str) or not hmac.compare_digest(code.encode(), push.code.encode()):
                raise SetError("invalidProperties", "wrong verification code", properties=["verificationCode"])
            changed = msgspec.structs.replace(changed, verified=1)
        if "expires" in patch:
            latest = time.time_ns() // 1000 + LONGEST
            changed = msgspec.structs.replace(changed, expires=min(_moment(wanted["expires"], latest), latest))
        if "types" in patch:
            changed = msgspec.structs.replace(changed, types=_types(wanted["types"]))
        # a program that is verified now knows all that there is; what changes from here on is told
        if changed.verified and not push.verified:
            told = _packed({**_own_seen(tx, call), **others})
            changed = msgspec.structs.replace(changed, told=told)
        change_subscription(tx, changed)
        return {"expires": utc_date(changed.expires)} if "expires" in patch else None

    return await call.account.write(unit)


async def _others_seen(call: Call) -> dict[str, str]:
    server, home = call.server, call.account
    return await _others(server.accounts, server.auth, home, call.snapshot, await _owners(server.auth, home.name))


def _own_seen(r: Reader, call: Call) -> dict[str, str]:
    viewer = Viewer(call.place, call.snapshot, default_address(call.snapshot, call.account.name))
    return seen_states(r, viewer)


async def _owners(auth: AuthDB, guest: str) -> list[str]:
    """The accounts of others of whose changes the programs of an account are told. Raises StoreError."""
    return (await auth.sharing.owners(guest))[:MAX_OWNERS]


async def _others(
    accounts: Accounts, auth: AuthDB, home: OpenAccount, snapshot: Snapshot, owners: Iterable[str]
) -> dict[str, str]:
    """The states in accounts of others that the user may see, by the account's id and the type, with a slash between.
    Raises StoreError.
    """
    found: dict[str, str] = {}
    address = default_address(snapshot, home.name)
    for owner in owners:
        with suppress(NoSuchMailbox):  # it shares nothing any more
            async with visited(accounts, auth, owner, home.name) as account:
                place = Place(owner=owner, guest=home.name, account=account, home=home)
                viewer = Viewer(place, snapshot, address)
                states = await account.read(partial(seen_states, viewer=viewer), op="jmap push")
            found |= {f"{place.id}/{name}": state for name, state in states.items()}
    return found


class SubscriptionNotifier:
    """Notifies an account's clients about changes, with requests to their URLs."""

    def __init__(self, service: PushService, config: CurrentConfig, accounts: Accounts, auth: AuthDB) -> None:
        self._service = service
        self._config = config
        self._accounts, self._auth = accounts, auth

    async def tell(self, account: OpenAccount, owners: Collection[str]) -> int | None:
        """Tell all programs of changes of the account, and of the accounts `owners`, which share something; returns
        when those that could not be told may be tried again, µs UTC, None for never.

        Raises StoreError.
        """

        snapshot = self._config.current
        place = Place(owner=account.name, account=account, home=account)
        viewer = Viewer(place, snapshot, default_address(snapshot, account.name))

        def read(r: Reader) -> tuple[list[Subscription], dict[str, str]]:
            return subscriptions(r), seen_states(r, viewer)

        found, news = await account.read(read, op="jmap subscriptions")
        sharing = await _owners(self._auth, account.name)
        places = {"", *map(account_id, sharing)}
        others = [owner for owner in sharing if owner in owners]
        news |= await _others(self._accounts, self._auth, account, snapshot, others)
        now = time.time_ns() // 1000
        later = [subscription.next for subscription in found if subscription.next > now]

        limiter = trio.CapacityLimiter(REQUESTS)

        async def one(push: Subscription) -> None:
            async with limiter:
                again = await self._tell_one(account, push, news, places)
            if again is not None:
                later.append(again)

        async with trio.open_nursery() as nursery:
            for push in found:
                if push.next <= now < push.expires:
                    nursery.start_soon(one, push)
        return min(later, default=None)

    async def _tell_one(
        self, account: Account, push: Subscription, news: Mapping[str, str], places: Collection[str]
    ) -> int | None:
        """`news`: states by type, of other accounts as `_others` has them. `places`: ids of all that share
        something, and ""; what was told of any other account is forgotten.
        """
        told: dict[str, str] = from_json(push.told, dict[str, str])
        if not push.verified:
            # Something noted means that the code was sent: a program that has lost it makes another subscription.
            if told:
                return None
            message: Object = {
                "@type": "PushVerification",
                "pushSubscriptionId": f"{LETTER}{push.id}",
                "verificationCode": push.code,
            }
            told = {"": ""}
        else:
            wanted = None if push.types is None else from_json(push.types, list[str])
            changed: dict[str, dict[str, str]] = {}
            for key, state in news.items():
                place, _, name = key.rpartition("/")
                if is_news(name, told.get(key), state) and (wanted is None or name in wanted):
                    changed.setdefault(place or account_id(account.name), {})[name] = state
            told = {key: state for key, state in told.items() if key.rpartition("/")[0] in places}
            told |= news
            if not changed:
                return None
            message = {"@type": "StateChange", "changed": changed}
        keys = None if push.public is None or push.secret is None else (push.public, push.secret)
        answer = await self._service.post(push.url, to_json(message), keys, "application/json")
        # Noted once the service has taken it: a crash between tells twice, which is harmless. The other order loses it.
        if not answer.error:
            await account.write(partial(note_told, one=push, told=_packed(told)))
            return None
        kv = {"account": account.name, "device": push.device, "err": answer.error}
        logger.info("push notification to JMAP client failed", extra={"kv": kv})
        return await account.write(partial(note_failed, one=push, gone=answer.gone, refused=answer.refused))


def _packed(told: Mapping[str, str]) -> str:
    return to_json(told).decode()
