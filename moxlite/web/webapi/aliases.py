"""Addresses to give away for password managers: the calls that these make to addy.io (``/api/v1/``) and SimpleLogin
(``/api/``), with an access token in place of the provider's key (MASK-9, MASK-10).

Both have their forms of requests, answers and errors; what is made is the same. Pages and browser extensions of any
origin may call, since nothing but the token counts, which no browser sends by itself.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from moxlite.admin.masked import MaskedAddresses, New, domains_of, state_of
from moxlite.encoding import json_decoder, to_json
from moxlite.processor import act_for
from moxlite.store.errors import LimitExceeded, StorageBusy, StoreError
from moxlite.store.mail.masked import MaskedChange, MaskedRefused, MaskedRow, NoSuchMasked, checked_site
from moxlite.web.headers import API_HEADERS
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import query_parameters
from moxlite.web.http.messages import Response
from moxlite.web.http.programlogin import MAX_CREDENTIALS, bearer_token, token_login
from moxlite.web.metrics import webapi_results

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.logins.identity import Identity
    from moxlite.logins.logins import Logins
    from moxlite.web.http.exchange import Request, ResponseWriter

logger = logging.getLogger("moxlite.web.webapi")

MAX_BODY: Final = 16 << 10
"""Octets of a request."""

PAGE: Final = 100
"""Addresses of a page of a list by addy.io's API; SimpleLogin's has 20."""

SIMPLE_PAGE: Final = 20
"""See `PAGE`. Programs name pages by number, so that the length is a part of the API."""

MINUTE: Final = 60.0
PER_MINUTE: Final = 120
"""Calls of an account in a minute."""

MAX_COUNTED: Final = 10_000
"""Accounts whose calls are counted; the one that called first is forgotten."""

HOST: Final = re.compile(r"(?:[\w-]+\.)+[\w-]{2,}")

WORDS: Final = 50
"""Words of a note that are looked at for a host name."""

OPEN: Final = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE"),
    ("access-control-allow-headers", "authorization, authentication, content-type, x-requested-with, accept"),
    ("access-control-max-age", "86400"),
)

Call: TypeAlias = "Callable[[Any, Caller], Awaitable[Answer]]"


class Body(msgspec.Struct, frozen=True):
    """A request's fields, of both APIs; all others are ignored."""

    domain: str = ""
    description: str | None = None
    note: str | None = None
    format: str = ""
    local_part: str = ""
    id: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A status with its JSON document, None for an empty answer."""

    status: int
    document: Any = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a user. `number`: the address that its path names, 0 for none."""

    identity: Identity
    query: Mapping[str, str]
    body: Body
    number: int = 0

    @property
    def account(self) -> str:
        """Name of the account."""
        return self.identity.account


class Refused(Exception):
    """A call is refused with this status; the text is for the user."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class AliasAPI:
    """Both APIs, below a path of the web API."""

    def __init__(self, config: CurrentConfig, logins: Logins, addresses: MaskedAddresses) -> None:
        self._logins = logins
        self._addy, self._simple = _AddyIO(config, addresses), _SimpleLogin(config, addresses)
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def answer(self, rest: str, request: Request, writer: ResponseWriter) -> None:
        """Answer the request for the path `rest`, which begins with ``api/``."""
        found = [(method, match, call) for method, form, call in _CALLS if (match := form.fullmatch(rest))]
        if request.method == "OPTIONS":
            await writer.respond(Response(204, OPEN, b""))
            return
        chosen = next((one for one in found if one[0] == request.method), None)
        addy = rest.startswith("api/v1/")
        if chosen is None:
            done = _error(405 if found else 404, "unknown call", addy=addy)
        else:
            done = await self._answered(chosen[2], chosen[1], request, addy=addy)
        result = "ok" if done.status < 400 else "badauth" if done.status == 401 else "error"
        webapi_results.labels(method="addresses", result=result).inc()
        body = b"" if done.document is None else to_json(done.document)
        retry = (("retry-after", "60"),) if done.status in (429, 503) else ()
        await writer.respond(Response(done.status, (*API_HEADERS, *OPEN, *retry), body))

    async def _answered(self, call: Call, match: re.Match[str], request: Request, *, addy: bool) -> Answer:
        try:
            identity = await token_login(self._logins, request, _token(request, addy=addy), "addresses")
            request.account = identity.account
            act_for(identity.account)
            self._count(identity.account)
            if request.method != "GET" and identity.read_only:
                raise Refused(403, "this token is read-only")
            octets = await request.body.read(MAX_BODY)
            body = _decode(octets) if octets.strip() else Body()
            number = _number(match[1]) if match.re.groups else 0
            caller = Caller(identity=identity, query=query_parameters(request), body=body, number=number)
            return await call(self._addy if addy else self._simple, caller)
        except HTTPError as error:
            return _error(error.status, error.text, addy=addy)
        except Refused as error:
            return _error(error.status, str(error), addy=addy)
        except MaskedRefused as error:
            return _error(422 if addy else 400, str(error), addy=addy)
        except LimitExceeded as error:
            return _error(403 if addy else 400, str(error), addy=addy)
        except NoSuchMasked:  # removed meanwhile
            return _error(404, "alias not found", addy=addy)
        except StorageBusy:
            return _error(503, "the server is busy; try again in a moment", addy=addy)
        except StoreError as error:
            logger.error("call failed", extra={"kv": {"method": "addresses", "err": str(error)}})
            return _error(500, "this account's storage isn't working properly", addy=addy)

    def _count(self, account: str) -> None:
        """Count a call. Raises Refused for too many."""
        now = time.monotonic()
        began, count = self._counts.get(account, (now, 0))
        if now - began >= MINUTE:
            began, count = now, 0
        self._counts[account] = (began, count + 1)
        # To forget one early gives its account some calls more, and nothing else.
        if len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)
        if count >= PER_MINUTE:
            raise Refused(429, "too many calls; try again in a minute")


class _Aliases:
    """Address operations of both APIs."""

    def __init__(self, config: CurrentConfig, addresses: MaskedAddresses) -> None:
        self._config = config
        self._addresses = addresses

    async def _get(self, caller: Caller) -> MaskedRow:
        masked_row = await self._addresses.get(caller.account, caller.number)
        if masked_row is None:
            raise Refused(404, "alias not found")
        return masked_row

    async def _change(self, caller: Caller, change: MaskedChange) -> MaskedRow:
        return await self._addresses.change(caller.account, (await self._get(caller)).address, change)

    async def _remove(self, caller: Caller) -> None:
        await self._addresses.remove(caller.account, (await self._get(caller)).address)


class _AddyIO(_Aliases):
    """The calls of addy.io (https://app.addy.io/docs)."""

    async def make(self, caller: Caller) -> Answer:
        body = caller.body
        note = body.description or ""
        new = New(
            site=_site(note),
            word=body.local_part if body.format == "custom" else "",
            domain="" if body.domain in _NO_DOMAIN else body.domain,
            note=note,
        )
        return Answer(201, {"data": _addy(await self._addresses.make(caller.account, new))})

    async def list(self, caller: Caller) -> Answer:
        query = caller.query
        size = min(_whole(query.get("page[size]", ""), PAGE), PAGE)
        page = _whole(query.get("page[number]", ""), 1)
        text = query.get("filter[search]", "")
        active = {"true": True, "false": False}.get(query.get("filter[active]", ""))
        total = await self._addresses.count(caller.account, text, active=active)
        shown = await self._addresses.list(caller.account, text, active=active, limit=size, offset=(page - 1) * size)
        last = max(1, -(-total // size))
        meta = {"current_page": page, "last_page": last, "per_page": size, "total": total}
        return Answer(200, {"data": [_addy(masked_row) for masked_row in shown], "meta": meta})

    async def get(self, caller: Caller) -> Answer:
        return Answer(200, {"data": _addy(await self._get(caller))})

    async def change(self, caller: Caller) -> Answer:
        changed = await self._change(caller, MaskedChange(note=caller.body.description))
        return Answer(200, {"data": _addy(changed)})

    async def remove(self, caller: Caller) -> Answer:
        await self._remove(caller)
        return Answer(204)

    async def on(self, caller: Caller) -> Answer:
        named = msgspec.structs.replace(caller, number=_number(caller.body.id))
        return Answer(200, {"data": _addy(await self._change(named, MaskedChange(active=True)))})

    async def off(self, caller: Caller) -> Answer:
        await self._change(caller, MaskedChange(active=False))
        return Answer(204)

    async def domains(self, caller: Caller) -> Answer:
        names = [domain.unicode for domain in domains_of(self._config.current, caller.account)]
        found = {
            "data": names,
            "sharedDomains": [],
            "defaultAliasDomain": names[0] if names else None,
            "defaultAliasFormat": "random_characters",
        }
        return Answer(200, found)

    async def token(self, caller: Caller) -> Answer:
        return Answer(200, {"name": caller.identity.app_password, "created_at": None, "expires_at": None})


def _addy(masked_row: MaskedRow) -> dict[str, Any]:
    local_part, _, domain = masked_row.address.rpartition("@")
    return {
        "id": str(uuid.UUID(int=masked_row.id)),
        "user_id": str(uuid.UUID(int=0)),
        "aliasable_id": None,
        "aliasable_type": None,
        "local_part": local_part,
        "extension": None,
        "domain": domain,
        "email": masked_row.address,
        "active": _takes(masked_row),
        "description": masked_row.note or None,
        "from_name": None,
        "emails_forwarded": masked_row.messages,
        "emails_blocked": 0,
        "emails_replied": 0,
        "emails_sent": 0,
        "recipients": [],
        "last_forwarded": _date(masked_row.last_mail),
        "created_at": _date(masked_row.created),
        "updated_at": _date(masked_row.created),
        "deleted_at": None,
    }


class _SimpleLogin(_Aliases):
    """The calls of SimpleLogin (https://github.com/simple-login/app/blob/master/docs/api.md)."""

    async def make(self, caller: Caller) -> Answer:
        new = New(site=_site(caller.query.get("hostname", "")), note=caller.body.note or "")
        return Answer(201, _simple(await self._addresses.make(caller.account, new)))

    async def list(self, caller: Caller) -> Answer:
        start = _whole(caller.query.get("page_id", ""), 0) * SIMPLE_PAGE
        on, off = "enabled" in caller.query, "disabled" in caller.query
        if on and off:
            return Answer(200, {"aliases": []})
        rows = await self._addresses.list(
            caller.account, active=on if on or off else None, limit=SIMPLE_PAGE, offset=start
        )
        return Answer(200, {"aliases": [_simple(row) for row in rows]})

    async def get(self, caller: Caller) -> Answer:
        return Answer(200, _simple(await self._get(caller)))

    async def change(self, caller: Caller) -> Answer:
        await self._change(caller, MaskedChange(note=caller.body.note))
        return Answer(200, {"ok": True})

    async def remove(self, caller: Caller) -> Answer:
        await self._remove(caller)
        return Answer(200, {"deleted": True})

    async def toggle(self, caller: Caller) -> Answer:
        changed = await self._change(caller, MaskedChange(active=not _takes(await self._get(caller))))
        return Answer(200, {"enabled": _takes(changed)})

    async def user(self, caller: Caller) -> Answer:
        settings = self._config.current.account(caller.account)
        found = {
            "name": "" if settings is None else settings.full_name,
            "email": caller.identity.address,
            "is_premium": True,
            "in_trial": False,
            "profile_picture_url": None,
            "connected_proton_address": None,
        }
        return Answer(200, found)


def _simple(masked_row: MaskedRow) -> dict[str, Any]:
    return {
        "id": masked_row.id,
        "alias": masked_row.address,
        "email": masked_row.address,
        "name": None,
        "enabled": _takes(masked_row),
        "creation_date": _moment(masked_row.created).strftime("%Y-%m-%d %H:%M:%S+00:00"),
        "creation_timestamp": masked_row.created // 1_000_000,
        "note": masked_row.note or None,
        "nb_forward": masked_row.messages,
        "nb_block": 0,
        "nb_reply": 0,
        "latest_activity": None,
        "mailboxes": [],
        "support_pgp": False,
        "disable_pgp": False,
        "pinned": False,
    }


_CALLS: Final[tuple[tuple[str, re.Pattern[str], Call], ...]] = (
    ("POST", re.compile("api/v1/aliases"), _AddyIO.make),
    ("GET", re.compile("api/v1/aliases"), _AddyIO.list),
    ("GET", re.compile(r"api/v1/aliases/([0-9a-f-]{36})"), _AddyIO.get),
    ("PATCH", re.compile(r"api/v1/aliases/([0-9a-f-]{36})"), _AddyIO.change),
    ("DELETE", re.compile(r"api/v1/aliases/([0-9a-f-]{36})"), _AddyIO.remove),
    ("POST", re.compile("api/v1/active-aliases"), _AddyIO.on),
    ("DELETE", re.compile(r"api/v1/active-aliases/([0-9a-f-]{36})"), _AddyIO.off),
    ("GET", re.compile("api/v1/domain-options"), _AddyIO.domains),
    ("GET", re.compile("api/v1/api-token-details"), _AddyIO.token),
    ("POST", re.compile("api/alias/random/new"), _SimpleLogin.make),
    ("GET", re.compile("api/v2/aliases"), _SimpleLogin.list),
    ("GET", re.compile(r"api/aliases/(\d{1,15})"), _SimpleLogin.get),
    ("PUT", re.compile(r"api/aliases/(\d{1,15})"), _SimpleLogin.change),
    ("PATCH", re.compile(r"api/aliases/(\d{1,15})"), _SimpleLogin.change),
    ("DELETE", re.compile(r"api/aliases/(\d{1,15})"), _SimpleLogin.remove),
    ("POST", re.compile(r"api/aliases/(\d{1,15})/toggle"), _SimpleLogin.toggle),
    ("GET", re.compile("api/user_info"), _SimpleLogin.user),
)
"""Method, path below the web API's, and call."""

_BODY: Final = json_decoder(Body)

_NO_DOMAIN: Final = frozenset({"", "default", "random"})
"""What programs send without a domain of the user's choice."""


def _site(note: str) -> str:
    """The host name in a text of a password manager, such as "Website: shop.example. Generated by …", or in a URL; ""
    for none.
    """
    for word in note.split(maxsplit=WORDS)[:WORDS]:
        host = (
            word.removeprefix("https://")
            .removeprefix("http://")
            .partition("/")[0]
            .partition(":")[0]
            .strip(".,;:()[]<>'\"")
        )
        if HOST.fullmatch(host):
            with suppress(MaskedRefused):  # a number with points, the address of a router
                return checked_site(host)
    return ""


def _takes(masked_row: MaskedRow) -> bool:
    """Whether mail is taken now."""
    return state_of(masked_row, time.time_ns() // 1000) == "on"


def _token(request: Request, *, addy: bool) -> str:
    """The token of a request: Bearer (RFC 6750), or as SimpleLogin has it; "" without one."""
    if addy:
        return bearer_token(request.headers) or ""
    token = (request.headers.get("authentication") or "").strip()
    return token if len(token) <= MAX_CREDENTIALS and token.isascii() else ""


def _decode(octets: bytes) -> Body:
    """The fields of a request. Raises Refused."""
    try:
        return _BODY.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, "the request must be a JSON object with valid fields") from None


def _number(text: str) -> int:
    """The row's id out of an alias's: a number, or a UUID; 0 for none."""
    try:
        number = int(text) if text.isdecimal() else uuid.UUID(text).int
    except ValueError:
        return 0
    return number if number < 1 << 62 else 0


def _whole(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 7 and int(text) > 0 else default


def _moment(moment: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment // 1_000_000, dt.UTC)


def _date(moment: int | None) -> str | None:
    return None if moment is None else _moment(moment).strftime("%Y-%m-%d %H:%M:%S")


def _error(status: int, text: str, *, addy: bool) -> Answer:
    return Answer(status, {"message": text} if addy else {"error": text})
