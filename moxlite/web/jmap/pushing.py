"""Push subscriptions: their methods, and the requests that tell of changes (RFC 8620 §7.2, RFC 8030, RFC 8291).

An address to push to is a stranger's choice: requests to it have the address rules, deadlines and bounds of webhooks,
and tell nothing before the client has proved that it gets them.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from moxlite.decoders import from_json
from moxlite.net.httpclient import HTTPError
from moxlite.proto.webpush import BadSubscription, Vapid, check_endpoint, check_keys, decode, encrypt, make_key
from moxlite.store.people.pushes import (
    Push,
    add_push,
    change_push,
    drop_push,
    note_failed,
    note_told,
    pushes,
)
from moxlite.web.jmap.accounts import account_id
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.push import DELIVERY, STATES, states_of
from moxlite.web.jmap.standard import Outcome, each, patched, property_moment, set_parts, set_results

if TYPE_CHECKING:
    from moxlite.net.httpclient import HTTPClient
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


logger = logging.getLogger("moxlite.web.jmap")

LETTER: Final = "P"
PROPERTIES: Final = ("id", "deviceClientId", "verificationCode", "expires", "types")
HIDDEN: Final = ("url", "keys")
"""Properties that are never returned (RFC 8620 §7.2.1)."""

LONGEST: Final = 30 * 86_400_000_000
"""µs for which a subscription lasts unless it is renewed."""

SECONDS: Final = 10.0
MAX_ANSWER: Final = 512
KEPT: Final = 4 * 3600
TOKEN_SECONDS: Final = 12 * 3600
AT_ONCE: Final = 8
GONE: Final = (404, 410)


async def get(call: Call) -> Object:
    """PushSubscription/get: the subscriptions of this log-in."""
    asked = call.names("properties")
    for one in asked or ():
        if one in HIDDEN:
            raise MethodError("forbidden", f"{one} is never returned")
        if one not in PROPERTIES:
            raise invalid(f"there is no property {one[:100]!r}")
    names = PROPERTIES if asked is None else tuple(dict.fromkeys(["id", *asked]))
    ids = call.ids()
    found = {one["id"]: one for one in map(_object, await _own(call))}
    chosen = [*found] if ids is None else [one for one in ids if one in found]
    return {
        "list": [{name: found[one][name] for name in names} for one in chosen],
        "notFound": [one for one in ids or () if one not in found],
    }


async def _own(call: Call) -> list[Push]:
    login = call.identity.app_password
    found = await call.account.read(pushes, op="jmap pushes")
    return [one for one in found if one.login == login]


def _object(push: Push) -> Object:
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
    own = {f"{LETTER}{one.id}": one for one in await _own(call)}
    updated = await each(update, partial(_update, call, own))
    gone = [one for one in destroy if one in own]
    await call.account.write(lambda tx: drop_push(tx, [own[one].id for one in gone]))
    destroyed: dict[str, Outcome] = {one: None if one in own else SetError("notFound") for one in destroy}
    found = set_results(created, updated, destroyed)
    if created or updated:
        call.server.pushes.added(call.account.name)
    return found


async def _create(call: Call, _: str, given: Object) -> Outcome:
    unknown = [name for name in given if name not in ("deviceClientId", "url", "keys", "expires", "types")]
    if unknown:
        raise SetError("invalidProperties", "the server sets it, or there is no such property", properties=unknown)
    device, url = given.get("deviceClientId"), given.get("url")
    if not isinstance(device, str) or not device or len(device) > 255:
        raise SetError("invalidProperties", "a text of 255 characters at most", properties=["deviceClientId"])
    if not isinstance(url, str) or len(url) > 2_000:
        raise SetError("invalidProperties", "an https URL is expected", properties=["url"])
    try:
        check_endpoint(url)
        public, secret = _keys(given.get("keys"))
    except BadSubscription as error:
        raise SetError("invalidProperties", str(error), properties=["url"]) from None
    now = time.time_ns() // 1000
    expires = min(_moment(given.get("expires"), now + LONGEST), now + LONGEST)
    types, code = _types(given.get("types")), secrets.token_urlsafe(24)
    new = Push(0, device, url, public, secret, types, expires, call.identity.app_password, code, 0, "{}", 0, 0)
    number = await call.account.write(lambda tx: add_push(tx, new))
    return {"id": f"{LETTER}{number}", "expires": utc_date(expires)}


def _keys(given: Any) -> tuple[bytes | None, bytes | None]:
    match given:
        case None:
            return None, None
        case {"p256dh": str(public), "auth": str(secret)}:
            keys = decode(public), decode(secret)
            check_keys(*keys)
            return keys
    raise SetError("invalidProperties", "keys has the members p256dh and auth", properties=["keys"])


def _moment(text: Any, default: int) -> int:
    return default if text is None else property_moment("expires", text)


def _types(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > 100 or not all(isinstance(one, str) for one in given):
        raise SetError("invalidProperties", "an array of names is expected", properties=["types"])
    return msgspec.json.encode([one for one in given if one in STATES or one == DELIVERY]).decode()


async def _update(call: Call, own: Mapping[str, Push], key: str, patch: Object) -> Outcome:
    push = own.get(key)
    if push is None:
        raise SetError("notFound")
    now = _object(push)
    fixed = {"id": now["id"], "deviceClientId": push.device}
    settable = {name: now[name] for name in ("verificationCode", "expires", "types")}
    wanted = patched(settable, patch, fixed=fixed)
    verified = push.verified
    if "verificationCode" in patch:
        code = wanted["verificationCode"]
        if not isinstance(code, str) or not hmac.compare_digest(code.encode(), push.code.encode()):
            raise SetError("invalidProperties", "this is not the code that was sent", properties=["verificationCode"])
        verified = 1
    expires = push.expires
    if "expires" in patch:
        latest = time.time_ns() // 1000 + LONGEST
        expires = min(_moment(wanted["expires"], latest), latest)
    types = _types(wanted["types"]) if "types" in patch else push.types
    changed = msgspec.structs.replace(push, expires=expires, types=types, verified=verified)
    await call.account.write(lambda tx: change_push(tx, changed))
    return {"expires": utc_date(expires)} if "expires" in patch else None


class RequestPusher:
    """Tells the programs of an account what has changed. Arguments as for `Notices`."""

    def __init__(self, http: HTTPClient, secret: bytes, subject: str) -> None:
        self._http = http
        self._vapid = Vapid(make_key(secret))
        self._subject = subject
        self._limiter = trio.CapacityLimiter(AT_ONCE)

    async def push(self, account: Account) -> int | None:
        """Tell all programs; returns when those that could not be told may be tried again, µs UTC, None for never.

        Raises StoreError.
        """

        def read(r: Reader) -> tuple[list[Push], dict[str, str]]:
            return pushes(r), states_of(r)

        found, states = await account.read(read, op="jmap pushes")
        now = time.time_ns() // 1000
        later = [one.next for one in found if one.next > now]

        async def one(push: Push) -> None:
            again = await self._tell(account, push, states)
            if again is not None:
                later.append(again)

        async with trio.open_nursery() as nursery:
            for push in found:
                if push.next <= now < push.expires:
                    nursery.start_soon(one, push)
        return min(later, default=None)

    async def _tell(self, account: Account, push: Push, states: Mapping[str, str]) -> int | None:
        told: dict[str, str] = from_json(push.told, dict[str, str])
        if not push.verified:
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
            changed = {
                name: state
                for name, state in states.items()
                if told.get(name) != state and (wanted is None or name in wanted)
            }
            first = "Email" not in told
            told = dict(states)
            if first:  # it was verified just now: what there is already is no change
                await account.write(partial(note_told, push_id=push.id, told=_packed(told)))
                return None
            if not changed:
                return None
            message = {"@type": "StateChange", "changed": {account_id(account.name): changed}}
        error, gone = await self._request(push, msgspec.json.encode(message))
        if not error:
            await account.write(partial(note_told, push_id=push.id, told=_packed(told)))
            return None
        kv = {"account": account.name, "device": push.device, "err": error}
        logger.info("program not told of changes", extra={"kv": kv})
        return await account.write(partial(_failed, push=push, gone=gone))

    async def _request(self, push: Push, body: bytes) -> tuple[str, bool]:
        """Make a request; returns why it was not taken, "" if it was, and whether its address is gone."""
        headers = [("Content-Type", "application/json"), ("TTL", str(KEPT)), ("Urgency", "normal")]
        try:
            origin = check_endpoint(push.url)
            token = self._vapid.authorization(origin, self._subject, int(time.time()) + TOKEN_SECONDS)
            headers.append(("Authorization", token))
            if push.public is not None and push.secret is not None:
                body = encrypt(body, push.public, push.secret, salt=secrets.token_bytes(16))
                headers.append(("Content-Encoding", "aes128gcm"))
            async with self._limiter:
                answer = await self._http.request(
                    "POST", push.url, headers=headers, body=body, seconds=SECONDS, max_body=MAX_ANSWER
                )
        except BadSubscription as error:
            return str(error), True
        except HTTPError as error:
            return str(error), False
        if 200 <= answer.status < 300:
            return "", False
        return f"status {answer.status}", answer.status in GONE


def _packed(told: Mapping[str, str]) -> str:
    return msgspec.json.encode(told).decode()


def _failed(tx: AccountTx, push: Push, *, gone: bool) -> int | None:
    return note_failed(tx, push, gone=gone)
