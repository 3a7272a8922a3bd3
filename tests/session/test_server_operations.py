"""Who may do what: each operation of the running server by each kind of caller, against tests/operations.tsv.

A row says for the operation of an app, the web API or the control socket whether the request of a caller gets to it
(``yes``: a result, or an error from inside), is refused (``no``), needs the password or a second factor again
(``confirm``), or cannot be made (``-``). A guest reads a mailbox that another account shares, and asks about a message
or mailbox there; or names that account, where the operation is for users. ``audit`` has the actions in the audit log
after it was allowed, ``shows`` the configured secrets that the answer had.

``WRITE_OPERATIONS=1 pytest tests/session/test_server_operations.py`` writes the table anew: read the difference.
"""

import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import pytest
import trio
from msgspec import inspect

from moxlite.logins.adminpassword import write_admin_password
from moxlite.net.control import server as control
from moxlite.net.control.client import CtlFailed, NotRunning
from moxlite.operations import Description, Role
from moxlite.store.accounts.access import publish_shares
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.credentials import change_password
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.web import sessions
from moxlite.web.account import app as account_app
from moxlite.web.admin import app as admin_app
from moxlite.web.calls import Call, Source, calls_of
from moxlite.web.http import programlogin
from moxlite.web.webapi.methods import METHODS
from moxlite.web.webmail import api as webmail_api
from moxlite.web.webmail.holders import BITS
from tests.store_mail import box, put
from tests.tools import top
from tests.web_rig import ADDRESS, ADMIN_DOMAINS, ADMIN_PASSWORD, ADMIN_STATIC, PASSWORD, Answer, Browser, Rig, owner
from tests.webapi import Client, every_field

TABLE: Final = top() / "tests" / "operations.tsv"
COLUMNS: Final = (
    *("operation", "nobody", "account", "unconfirmed", "guest", "admin", "admin unconfirmed"),
    *("root", "service user", "other user", "audit", "shows"),
)
APPS: Final[Mapping[str, tuple[str, Sequence[Source]]]] = {
    "account": ("/", account_app.API),
    "admin": ("/admin/", admin_app.API),
    "webmail": ("/webmail/", webmail_api.API),
}
SECRETS: Final = ("relay-secret", "url-secret", "hook-secret", PASSWORD, ADMIN_PASSWORD, "$argon2", "PRIVATE KEY")
STATIC: Final = (
    'rate_limits.exempt = ["192.0.2.0/24"]\n'
    + ADMIN_STATIC
    + """
[listeners.api]
ips = ["127.0.0.1"]
webapi_http = { enabled = true, port = 84 }

[transports.relay.submission]
host = "relay.example.org"
auth = { username = "us", password = "relay-secret" }
"""
)
DOMAINS: Final = (
    ADMIN_DOMAINS
    + """
[accounts.mia.outgoing_webhook]
url = "https://user:url-secret@hooks.example.org/"
authorization = "Bearer hook-secret"
"""
)
VALUES: Final[Mapping[str, Any]] = {
    "account": "ben",
    "address": "ben@example.org",
    "domain": "example.net",
    "name": "ben",
    "until": int(time.time()) + 86_400,
    "mailbox": "Sales",
}
"""Values of parameters by their names, where an empty one is refused before the operation looks at the caller."""
STOP: Final = "stop"
UNKNOWN: Final = {"unknown": True}
"""Arguments for the command that would end the server: it is admitted if these are refused."""

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.rig(app="/admin/", static=STATIC, domains=DOMAINS)]
_numbers = itertools.count(1)


def sample(kind: inspect.Type, given: Mapping[str, Any], name: str = "") -> Any:
    """A smallest value of a type. `given` has values by the names of parameters and fields."""
    match kind:
        case inspect.Metadata(type=inner):
            return sample(inner, given, name)
        case inspect.StrType(pattern=str() as pattern) if "[0-9a-f]{32}" in pattern:
            return f"{next(_numbers):032x}"
        case inspect.StrType(pattern=str() as pattern) if pattern.startswith("^[0-9]{4}-[0-9]{2}"):
            return "2030-01-01"
        case inspect.StrType() if isinstance(given.get(name), str):
            return given[name]
        case inspect.IntType() if isinstance(given.get(name), int):
            return given[name]
        case inspect.StrType(min_length=least, pattern=pattern):
            return "x" * (least or (1 if pattern else 0))
        case inspect.IntType(ge=least):
            return max(least or 0, 0)
        case inspect.FloatType(ge=least):
            return float(max(least or 0, 0))
        case inspect.BoolType():
            return False
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.ListType(item_type=inner, min_length=least):
            one = name.removesuffix("s")
            return [sample(inner, given, one) for _ in range(max(least or 0, 1 if one in given else 0))]
        case inspect.StructType(fields=fields):
            return {one.encode_name: sample(one.type, given, one.name) for one in fields if one.required}
        case inspect.UnionType(types=types):
            plain = [one for one in types if not isinstance(one, inspect.NoneType)]
            return None if len(plain) < len(types) else sample(plain[0], given, name)
        case inspect.DateTimeType():
            return "2030-01-01T00:00:00Z"
        case inspect.DictType() | inspect.AnyType():
            return {}
    raise AssertionError(f"no sample of {kind}")


def about_mail(entry: Call) -> bool:
    """Whether a call names messages or mailboxes, which may be another account's."""
    names = {field.name.removesuffix("s") for field in msgspec.structs.fields(entry.parameters)}
    return any(one in ("draft_id", "message_id", "mailbox_id") or one.endswith("_mailbox_id") for one in names)


@dataclass
class Row:
    """An operation, the words of its callers, and the secrets that answers had."""

    operation: str
    callers: dict[str, str] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    audit: str = ""

    def note(self, caller: str, word: str, answer: bytes) -> None:
        """The word for a caller, and what its answer shows."""
        self.callers[caller] = word
        self.shown.update(one for one in SECRETS if one.encode() in answer)

    def line(self) -> str:
        """The row as the table has it."""
        rest = {"operation": self.operation, "audit": self.audit, "shows": ", ".join(sorted(self.shown))}
        return "\t".join((dict.fromkeys(COLUMNS, "-") | self.callers | rest)[name] for name in COLUMNS)


class Table:
    """Asks the server, and gathers the rows."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.rows: list[Row] = []
        self._newest = 0

    def begin(self, operation: str) -> Row:
        """A new row."""
        self.rows.append(Row(operation))
        return self.rows[-1]

    async def audited(self) -> str:
        """The actions that were recorded since the last question."""
        found = await self.rig.auth.audit.entries(AuditFilter(), limit=20)
        new = {one.action for one in found if one.id > self._newest}
        self._newest = max((one.id for one in found), default=0)
        return ", ".join(sorted(new))

    async def user(self, app: str) -> Browser:
        """A browser with a new session, whatever calls have done to former ones and to the password."""
        if app == "/admin/":
            write_admin_password(self.rig.running.folder / "config" / "adminpasswd", ADMIN_PASSWORD)
            return await owner(self.rig)
        async with self.rig.account() as opened:
            await change_password(opened, PASSWORD)
        found = self.rig.browser(app=app)
        await found.log_in()
        return found

    async def given(self, *, guest: bool = False) -> dict[str, Any]:
        """Values of parameters: ids of a new message and its mailbox, the guest's or the user's own."""
        account, name = ("tom", "Sales") if guest else ("mia", "Inbox")
        async with self.rig.account(account) as opened:
            added = (await put(opened, 1, name))[0].message_id
            mailbox = (await box(opened, name)).id
            if guest:  # a call may have taken all shares back
                await opened.write(lambda tx: set_rights(tx, mailbox, "mia", "lr"))
                await publish_shares(self.rig.auth, opened)
        number = dict(await self.rig.auth.sharing.numbered_owners("mia", 1))["tom"] if guest else 0
        ids = dict.fromkeys(("mailbox_id", "from_mailbox_id", "to_mailbox_id"), number << BITS | mailbox)
        return {**VALUES, **ids, **dict.fromkeys(("message_id", "draft_id"), number << BITS | added)}

    async def app(self, app: str) -> None:
        """The calls of an app, with sessions of it and of another app."""
        path, api = APPS[app]
        nobody, mine = self.rig.browser(app=path), await self.user(path)
        stranger = moved(await self.user("/" if app == "admin" else "/admin/"), mine)
        own, unconfirmed, other = ("account", "unconfirmed", "admin")
        if app == "admin":
            own, unconfirmed, other = ("admin", "admin unconfirmed", "account")
        for name, entry in calls_of(*api).items():
            row, kind = self.begin(f"{app} {name}"), inspect.type_info(entry.parameters)
            mail = app == "webmail" and about_mail(entry)
            users = isinstance(entry.source, Description) and Role.USER in entry.source.who
            for caller, browser in {"nobody": nobody, other: stranger}.items():
                answer = await browser.post(name, sample(kind, VALUES))
                row.note(caller, verdict(name, answer), answer.body)
            missing = False
            for caller in (unconfirmed, own, *(("guest",) if mail or users else ())):
                body = sample(kind, await self.given(guest=caller == "guest") if mail else VALUES)
                if users and caller == "guest":
                    body["account"] = "tom"
                await self.audited()
                with pytest.MonkeyPatch.context() as patch:
                    if caller == unconfirmed:
                        patch.setattr(sessions, "CONFIRMED", 0)
                    answer = await mine.post(name, body)
                    if answer.status == 401:  # a call before has ended the session
                        mine = await self.user(path)
                        answer = await mine.post(name, body)
                word = verdict(name, answer, inside=caller == own)
                if caller == own:
                    row.audit, missing = await self.audited(), answer.status == 404
                elif caller == "guest" and answer.status == 404 and not missing:
                    word = "no"  # as for an id that never was
                row.note(caller, word, answer.body)

    async def webapi(self) -> None:
        """The methods of the web API."""
        await self.user("/")
        users = {"nobody": ("", ""), "admin": ("(admin)", ADMIN_PASSWORD), "account": (ADDRESS, PASSWORD)}
        for name in METHODS:
            row = self.begin(f"webapi {name}")
            wanted = every_field(name, **({"MsgID": (await self.given())["message_id"]} if "Message" in name else {}))
            await self.audited()
            for caller, user in users.items():
                client = Client(self.rig, *user, port=84)
                answer = await client.post(name, json.dumps(wanted).encode(), "application/json")
                assert answer.status in (200, 400, 401), (name, answer.body)
                row.note(caller, "no" if answer.status == 401 else "yes", answer.body)
            row.audit = await self.audited()

    async def socket(self) -> None:
        """The commands of the control socket."""
        commands = (await self.rig.house.registry.get()).items()
        for name, command in sorted((name, one) for name, one in commands if one.local):
            row = self.begin(f"socket {name}")
            for caller, uid in {"other user": 4242, "service user": SERVICE, "root": 0}.items():
                await self.audited()
                body = UNKNOWN if name == STOP else sample(inspect.type_info(command.args), VALUES)
                row.note(caller, *await self.asked(name, body, uid))
            row.audit = await self.audited()

    async def asked(self, name: str, body: Any, uid: int) -> tuple[str, bytes]:
        """Word and answer for a command that a process of a user asks for."""

        async def nothing() -> AsyncIterator[bytes]:
            empty: tuple[bytes, ...] = ()
            for one in empty:
                yield one

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(control, "_peer_uid", lambda _: uid)
            patch.setattr(os, "geteuid", lambda: SERVICE)
            try:
                async with self.rig.running.ctl() as client:
                    with trio.fail_after(60):
                        found = await client.call(name, body, msgspec.Raw, upload=nothing())
                    return "yes", bytes(found)
            except NotRunning:
                return "no", b""
            except CtlFailed as error:
                failure = error
        assert failure.code not in ("unknownCommand", "serverError"), (name, failure)
        assert body is UNKNOWN or "Object " not in str(failure), (name, failure)
        return "yes", str(failure).encode()


SERVICE: Final = 990
"""User id of the service, as it looks to the control socket."""


def moved(other: Browser, mine: Browser) -> Browser:
    """The session of another app, as a cookie of this one."""
    found = Browser(mine.rig, mine.connection, mine.app)
    session = next(value for name, value in other.cookies.items() if name.endswith("session"))
    found.cookies = {name: session for name in mine.cookies if name.endswith("session")}
    found.csrf = other.csrf
    return found


def verdict(name: str, answer: Answer, *, inside: bool = False) -> str:
    """The word of a row for an answer. With `inside` the request must get further than to the parameters."""
    if answer.status == 200:
        return "yes"
    if answer.status == 403 and name == "login_handed":  # a page of ours names its origin
        return "no"
    assert answer.headers["content-type"].startswith("application/json"), (name, answer.status, answer.body)
    error = answer.json["error"]
    assert answer.status < 500 or answer.status in (503, 507), (name, answer.body)
    words = error.get("words", {}).get("text", "")
    assert not inside or not words.startswith(("{name}: {reason}", "{place}: ")), (name, answer.body)
    match error["code"]:
        case "user:confirm":
            return "confirm"
        case "user:noAuth" | "user:badAuth" | "user:notAllowed":
            return "no"
    return "yes"


async def test_each_operation_is_for_whom_the_table_says(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-63a, WEB-160, WEBMAIL-62, ADMIN-22: a row differs only where it is meant to."""
    monkeypatch.setattr(programlogin, "FAILURE_DELAY", 0.0)
    async with rig.account("tom") as tom:
        await tom.write(lambda tx: create_mailbox(tx, "Sales"))
    table = Table(rig)
    for app in APPS:
        await table.app(app)
    await table.webapi()
    await table.socket()
    lines = ["\t".join(COLUMNS), *(row.line() for row in table.rows)]
    if os.environ.get("WRITE_OPERATIONS"):
        TABLE.write_text("\n".join(lines) + "\n")
    known = TABLE.read_text().splitlines()
    assert [one for one in lines if one not in known] == []
    assert [one for one in known if one not in lines] == []
