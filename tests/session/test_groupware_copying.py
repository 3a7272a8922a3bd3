"""Calendars and address books copied from another server (DAV-43)."""

import gzip
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from moxlite.groupware.copying import MAX_ANSWER, CalendarCopies
from moxlite.net.control.server import CommandFailed
from moxlite.net.httpclient import HTTPClient, HTTPResponse
from moxlite.operations.groupware import Copied, CopyCalendars
from moxlite.operations.performing import SILENT
from moxlite.store.auth.credentials import change_password
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import collections_of
from moxlite.store.groupware.contacts import all_contacts
from tests.session.test_web_dav import Program, card, event
from tests.web_rig import PASSWORD, Rig

pytestmark = pytest.mark.served

HOST = "https://mail.example.org"
Plan = Callable[[str, str], HTTPResponse]


class Way(HTTPClient):
    """A way to the server of the test, or to one that answers by a plan; keeps what was asked."""

    def __init__(self, rig: Rig, plan: Plan | None = None) -> None:
        self.browser = rig.browser(app="/dav/", port=443, tls=True)
        self.plan = plan
        self.asked: list[tuple[str, str]] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        seconds: float = 0,
        max_body: int = 0,
    ) -> HTTPResponse:
        self.asked.append((method, url))
        if self.plan is not None:
            return self.plan(method, url)
        assert url.startswith(HOST), url
        fields = {name.lower(): value for name, value in headers}
        found = await self.browser.fetch(url.removeprefix(HOST), method=method, headers=fields, body=body)
        given = tuple((name.lower(), value) for name, value in found.headers.items())
        return HTTPResponse(found.status, given, found.body)


async def copy(rig: Rig, client: HTTPClient, url: str = HOST, user: str = "tom@example.org", **more: Any) -> Copied:
    """Copy into mia's account."""
    run = CalendarCopies(rig.accounts, rig.house.services.sandbox, client).registry()["calendar copy"].run
    found = await run(CopyCalendars("mia", url, user, more.get("password", PASSWORD)), SILENT)
    assert isinstance(found, Copied)
    return found


def answer(status: int, body: bytes = b"", cut: bool = False, **headers: str) -> Plan:
    return lambda *_: HTTPResponse(status, tuple(headers.items()), body, cut)


@pytest.fixture
async def tom(rig: Rig) -> Program:
    """Tom's program, with what is to be copied."""
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    tom = Program(rig, "tom@example.org")
    work = "/dav/calendars/tom/work/"
    name = "<D:set><D:prop><D:displayname>Work &amp; play</D:displayname></D:prop></D:set>"
    body = f'<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{name}</C:mkcalendar>'
    assert (await tom.ask("MKCALENDAR", work, body)).status == 201
    for number in range(3):
        assert (await tom.put(f"{number}.ics", event(f"w{number}", "SUMMARY:Work"), work)).status == 201
    repeated = event("home", "SUMMARY:Home", "RRULE:FREQ=WEEKLY")
    assert (await tom.put("home.ics", repeated, "/dav/calendars/tom/calendar/")).status == 201
    cards = "/dav/addressbooks/tom/contacts/"
    assert (await tom.put("ada.vcf", card("ada", "EMAIL:ada@x.example"), cards)).status == 201
    return tom


async def kept(rig: Rig) -> tuple[dict[str, int], list[str]]:
    """Mia's calendars with their numbers of entries, and the names of her contacts."""

    def read(r: Reader) -> tuple[dict[str, int], list[str]]:
        calendars = {one.display_name: one.total for one in collections_of(r, "calendar")}
        return calendars, [one.name for one in all_contacts(r)]

    async with rig.account() as account:
        return await account.read(read, op="test")


async def test_all_of_a_user_is_copied_once(rig: Rig, tom: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-43: found by the well-known names, in batches; a second time only what is new."""
    monkeypatch.setattr("moxlite.groupware.copying.BATCH", 2)
    way = Way(rig)
    done = await copy(rig, way)
    assert (done.places, done.added, done.known, done.unread, done.problems) == (3, 5, 0, 0, [])
    assert await kept(rig) == ({"Calendar": 1, "Work & play": 3}, ["Ada"])
    assert ("PROPFIND", f"{HOST}/.well-known/carddav") in way.asked
    assert [method for method, url in way.asked if url.endswith("/work/")] == ["PROPFIND", "REPORT", "REPORT"]
    assert (await tom.put("new.ics", event("new"), "/dav/calendars/tom/calendar/")).status == 201
    again = await copy(rig, Way(rig), f"{HOST}/dav/")
    assert (again.added, again.known) == (1, 5)
    assert (await kept(rig))[0] == {"Calendar": 2, "Work & play": 3}


async def test_a_wrong_password_is_tried_once(rig: Rig, tom: Program) -> None:
    """DAV-43."""
    way = Way(rig)
    with pytest.raises(CommandFailed, match="refuses the user name or password"):
        await copy(rig, way, password="wrong")
    assert [url for _, url in way.asked] == [f"{HOST}/.well-known/caldav", f"{HOST}/dav/"]
    assert "secret" not in repr(CopyCalendars("mia", HOST, "tom", "secret"))


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (answer(301, location="http://mail.example.org/"), "does not get the password"),
        (answer(307, location="https://127.0.0.1/"), "does not get the password"),
        (answer(301, location="https://mail.example.org.evil.example/"), "does not get the password"),
        (answer(302, location="https://[::1"), "is no address"),
        (answer(302, location="/again"), "answers PROPFIND with 302"),
        (answer(200, b"<html><body>Welcome</body></html>"), "answers PROPFIND with 200"),
        (answer(207, b"<html>Welcome</html>"), "no multistatus"),
        (answer(207, b"\x1f\x8b" + bytes(100)), "cannot be read"),
        (answer(207, gzip.compress(bytes(10 << 20))), "cannot be read"),
        (answer(207, b"x" * 100, cut=True), f"more than {MAX_ANSWER >> 20} MiB"),
        (answer(207, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "cannot be read"),
        (answer(207, b'<D:multistatus xmlns:D="DAV:">' + b"<D:response/>" * 200_000), "too many elements"),
        (answer(207, b'<D:multistatus xmlns:D="DAV:"/>'), "names no home"),
        (answer(503), "answers PROPFIND with 503"),
    ],
)
async def test_a_hostile_server_is_refused(rig: Rig, plan: Plan, reason: str) -> None:
    """DAV-43: with the reason, and nothing is taken from it."""
    way = Way(rig, plan)
    with pytest.raises(CommandFailed, match=reason):
        await copy(rig, way)
    assert all(url.startswith(HOST) for _, url in way.asked)
    assert len(way.asked) < 50
    assert (await kept(rig))[1] == []


async def test_addresses_of_an_inner_network_are_not_asked(rig: Rig) -> None:
    """DAV-43, QUEUE-92: nor is a server without https, or an address with a password in it."""
    client = HTTPClient(rig.house.network.resolver)
    for url, reason in (
        ("https://127.0.0.1:9/", "inner network"),
        ("https://[::1]/", "inner network"),
        ("https://localhost/", "inner network"),
        ("http://dav.example.com/", "must begin with https"),
        ("https://tom:pw@dav.example.com/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("https://[::1", "is no address"),
    ):
        with pytest.raises(CommandFailed, match=reason):
            await copy(rig, client, url)
