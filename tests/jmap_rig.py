"""A program that speaks JMAP with the server of `tests.web_rig`.

Import the fixture: `from tests.jmap_rig import rig`.
"""

import base64
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.web.jmap.accounts import Place
from moxlite.web.jmap.states import Viewer, default_address, seen_states
from tests.web_rig import ADDRESS, DOMAINS, PASSWORD, STATIC, Answer, Rig, open_rig

__all__ = ["ACCOUNT", "JMAP", "MAIL", "USING", "Client", "Object", "pushed_states", "rig"]

JMAP = """
[listeners.jmap]
ips = ["127.0.0.1"]
jmap_http = { enabled = true, port = 83 }
"""
USING = [
    f"urn:ietf:params:jmap:{name}"
    for name in (
        *(
            "core",
            "mail",
            "submission",
            "vacationresponse",
            "blob",
            "quota",
            "sieve",
            "contacts",
            "mdn",
            "calendars",
            "calendars:parse",
            "principals",
            "principals:availability",
        ),
    )
]
ACCOUNT = "umia"
MAIL = (
    b"From: J\xc3\xb6 <jo@else.example>\r\nTo: mia@example.org\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n"
    b"Message-ID: <a@else.example>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi there\r\n--b\r\n"
    b"Content-Type: image/png; name=a.png\r\nContent-Disposition: attachment\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"
)

Object = dict[str, Any]


MIA = '[accounts.mia]\ndomain = "example.org"\n'
MANY = "max_first_time_recipients_per_day = 1000\nmax_outgoing_messages_per_day = 10000\n"
"""For events with hundreds of guests."""


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A server with JMAP at port 83."""
    async with trio.open_nursery() as nursery:
        yield await open_rig(tmp_path, nursery, static=STATIC + JMAP, domains=DOMAINS.replace(MIA, MIA + MANY))
        nursery.cancel_scope.cancel()


async def pushed_states(rig: Rig, account: OpenAccount) -> dict[str, str]:
    """The states that the owner of an account is told, by type."""
    snapshot = rig.holder.current
    place = Place(owner=account.name, account=account, home=account)
    viewer = Viewer(place, snapshot, default_address(snapshot, account.name))
    return await account.read(partial(seen_states, viewer=viewer), op="test")


class Client:
    """A program that speaks JMAP, with the account `account`."""

    def __init__(self, rig: Rig, user: str = ADDRESS, password: str = PASSWORD) -> None:
        self._browser = rig.browser(app="/jmap/", port=83)
        self.account = ACCOUNT
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    async def http(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Answer:
        fields = {"authorization": self.authorization}
        if body is not None:
            fields["content-type"] = kind
        return await self._browser.fetch(path, method=method, headers=fields, body=body or b"")

    async def fetch(self, method: str, path: str, **fields: str) -> Answer:
        """A request with further header fields."""
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        return await self._browser.fetch(path, method=method, headers={"authorization": self.authorization, **named})

    async def request(self, *calls: list[Any], using: list[str] | None = None, **members: Any) -> Object:
        body = {"using": USING if using is None else using, "methodCalls": calls, **members}
        answer = await self.http("POST", "/jmap/api", json.dumps(body).encode())
        assert answer.status == 200, answer.body
        found: Object = json.loads(answer.body)
        return found

    async def call(self, name: str, **arguments: Any) -> Object:
        """The arguments of the one response, which is no error."""
        answer = await self.request([name, {"accountId": self.account, **arguments}, "0"])
        [[answered, found, _]] = answer["methodResponses"][:1]
        assert answered == name, found
        result: Object = found
        return result

    async def error(self, name: str, **arguments: Any) -> str:
        """The type of the error that a call is answered with."""
        answer = await self.request([name, {"accountId": self.account, **arguments}, "0"])
        [[answered, found, _]] = answer["methodResponses"]
        assert answered == "error", found
        kind: str = found["type"]
        return kind

    async def upload(self, octets: bytes, kind: str = "message/rfc822") -> str:
        answer = await self.http("POST", f"/jmap/upload/{self.account}/", octets, kind)
        assert answer.status == 201
        blob: str = json.loads(answer.body)["blobId"]
        return blob

    async def imported(self, octets: bytes = MAIL, mailbox: str = "F1", **members: Any) -> str:
        """The id of a message that is put into a mailbox."""
        given = {"blobId": await self.upload(octets), "mailboxIds": {mailbox: True}, **members}
        found = await self.call("Email/import", emails={"new": given})
        number: str = found["created"]["new"]["id"]
        return number
