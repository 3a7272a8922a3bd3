"""Calendars and address books copied from another server (DAV-43)."""

import gzip
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio

from moxlite.groupware.copying import CalendarCopies
from moxlite.groupware.davclient import MAX_LIST, CopyFailed
from moxlite.net.control.server import CommandFailed
from moxlite.net.httpclient import HTTPClient, HTTPResponse
from moxlite.net.resolver import SRV, FakeResolver, Resolver
from moxlite.operations.groupware import Copied, CopyCalendars
from moxlite.operations.performing import SILENT
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.credentials import change_password
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import collections_of
from moxlite.store.groupware.contacts import contact_ids, some_contacts
from moxlite.store.groupware.resources import entry_with_uid
from moxlite.supervision import FailurePolicy
from tests.session.test_web_dav import Program, card, event
from tests.tools import eventually
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


def copies(rig: Rig, client: HTTPClient, resolver: Resolver | None = None) -> CalendarCopies:
    start = partial(rig.house.tree.start, "groupware.copy", on_failure=FailurePolicy.ONCE)
    found = resolver or rig.house.network.resolver
    return CalendarCopies(rig.holder, rig.accounts, client, found, start, rig.house.copies.logins)


async def copy(rig: Rig, client: HTTPClient, url: str = HOST, user: str = "tom@example.org", **more: Any) -> Copied:
    """Copy into mia's account."""
    run = copies(rig, client, more.get("resolver")).registry()["calendar copy"].run
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
        return calendars, [one.name for one in some_contacts(r, contact_ids(r))[0]]

    async with rig.account() as account:
        return await account.read(read, op="test")


async def test_all_of_a_user_is_copied_once(rig: Rig, tom: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-43: found by the well-known names, in batches; a second time only what is new, with a schedule tag."""
    monkeypatch.setattr("moxlite.groupware.copying.BATCH", 2)
    way = Way(rig)
    done = await copy(rig, way)
    assert (done.places, done.added, done.known, done.unread, done.problems) == (3, 5, 0, 0, [])
    assert await kept(rig) == ({"Calendar": 1, "Work & play": 3}, ["Ada"])
    assert ("PROPFIND", f"{HOST}/.well-known/carddav") in way.asked
    assert [method for method, url in way.asked if url.endswith("/work/")] == ["PROPFIND", "REPORT", "REPORT"]
    invited = event("new", "ORGANIZER:mailto:eve@x.example", "ATTENDEE:mailto:mia@example.org")
    assert (await tom.put("new.ics", invited, "/dav/calendars/tom/calendar/")).status == 201
    again = await copy(rig, Way(rig), f"{HOST}/dav/")
    assert (again.added, again.known) == (1, 5)
    assert (await kept(rig))[0] == {"Calendar": 2, "Work & play": 3}
    async with rig.account() as account:
        copied = await account.read(lambda r: entry_with_uid(r, "new"), op="test")
        assert copied is not None
        assert copied.schedule_tag


async def test_a_wrong_password_is_tried_once(rig: Rig, tom: Program) -> None:
    """DAV-43."""
    way = Way(rig)
    with pytest.raises(CommandFailed, match="rejected the user name or password"):
        await copy(rig, way, password="wrong")
    assert [url for _, url in way.asked] == [f"{HOST}/.well-known/caldav", f"{HOST}/dav/"]
    assert "secret" not in repr(CopyCalendars("mia", HOST, "tom", "secret"))


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (answer(301, location="http://mail.example.org/"), "but the password is only sent to the original server"),
        (answer(307, location="https://127.0.0.1/"), "but the password is only sent to the original server"),
        (
            answer(301, location="https://mail.example.org.evil.example/"),
            "but the password is only sent to the original server",
        ),
        (answer(302, location="https://[::1"), "isn't a valid URL"),
        (answer(302, location="/again"), "responded to PROPFIND with 302"),
        (answer(200, b"<html><body>Welcome</body></html>"), "responded to PROPFIND with 200"),
        (answer(207, b"<html>Welcome</html>"), "expected multistatus as the root of the XML"),
        (answer(207, b"\x1f\x8b" + bytes(100)), "can't read"),
        (answer(207, gzip.compress(bytes(10 << 20))), "can't read"),
        (answer(207, b"x" * 100, cut=True), f"larger than {MAX_LIST >> 20} MiB"),
        (answer(207, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "can't read"),
        (answer(207, b'<D:multistatus xmlns:D="DAV:">' + b"<D:response/>" * 200_000), "too many elements"),
        (answer(207, b'<D:multistatus xmlns:D="DAV:"/>'), "calendar or contacts home"),
        (answer(503), "responded to PROPFIND with 503"),
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
        ("https://127.0.0.1:9/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://localhost/", "private network"),
        ("http://dav.example.com/", "must start with https"),
        ("https://tom:pw@dav.example.com/", "must start with https"),
        ("file:///etc/passwd", "must start with https"),
        ("https://[::1", "isn't a valid URL"),
    ):
        with pytest.raises(CommandFailed, match=reason):
            await copy(rig, client, url)


def records(target: str, *, authentic: bool = False) -> FakeResolver:
    """DNS of a domain whose services are at another host."""
    place = SRV(0, 1, 443, f"{target}.")
    return FakeResolver(
        {"SRV": {f"{name}._tcp.example.org.": [place] for name in ("_caldavs", "_carddavs")}}, authentic=authentic
    )


def site(method: str, url: str) -> HTTPResponse:
    """A web site without calendars."""
    return HTTPResponse(404, (), b"")


class Domain(Way):
    """A domain with a web site, whose calendars are at another host."""

    async def request(self, method: str, url: str, **more: Any) -> HTTPResponse:
        self.plan = None if url.startswith(HOST) else site
        return await super().request(method, url.replace(f"{HOST}:443", HOST), **more)


async def test_services_are_found_by_dns(rig: Rig, tom: Program) -> None:
    """DAV-43: by SRV records (RFC 6764), where neither the address nor the well-known names have a home."""
    way = Domain(rig)
    done = await copy(rig, way, "https://example.org", resolver=records("mail.example.org"))
    assert (done.places, done.added) == (3, 5)
    assert ("PROPFIND", "https://example.org/.well-known/caldav") in way.asked


async def test_a_host_that_only_unsigned_dns_names_gets_no_password(rig: Rig, tom: Program) -> None:
    """DAV-43: one of another domain counts where DNSSEC proves the record."""
    for authentic in (False, True):
        resolver = records("calendars.example.net", authentic=authentic)
        way = Way(rig, lambda method, url: HTTPResponse(404, (), b""))
        with pytest.raises(
            CommandFailed,
            match="no calendars found there" if authentic else "but the password is only sent to the original server",
        ):
            await copy(rig, way, "https://example.org", resolver=resolver)
        assert any("calendars.example.net" in url for _, url in way.asked) is authentic


async def test_a_user_copies_in_the_account_app(rig: Rig, tom: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-45: in the background, with the progress and the result; again only what is new. No log has the password."""
    way = Way(rig)
    monkeypatch.setattr(HTTPClient, "request", way.request)
    browser = rig.browser(app="/")
    await browser.log_in()
    assert (await browser.call("calendar_copy_state"))["phase"] == "none"
    for _ in range(2):
        await browser.call("calendar_copy", url="mail.example.org", user="tom@example.org", password=PASSWORD)
        assert await browser.error("calendar_copy", url=HOST, user="tom", password="x") == (409, "user:conflict")
        await eventually(lambda: rig.house.calendar_copies.look("mia").ended)  # type: ignore[union-attr]  # it is there
        found = await browser.call("calendar_copy_state")
        assert (found["phase"], found["host"], found["places"]) == ("done", "mail.example.org", 3)
    assert (found["added"], found["known"]) == (0, 5)
    await browser.call("calendar_copy_dismiss")
    await browser.call("calendar_copy", url=HOST, user="tom@example.org", password="wr0ng")
    await eventually(lambda: rig.house.calendar_copies.look("mia").ended)  # type: ignore[union-attr]  # it is there
    found = await browser.call("calendar_copy_state")
    assert (found["phase"], found["error"]["message"]) == ("failed", "the server rejected the user name or password")
    entries = await rig.auth.audit.entries(AuditFilter(), before=1 << 40, limit=10)
    assert "calendars copied" in [one.action for one in entries]
    assert not any("wr0ng" in str(one) for one in entries)


async def test_a_copy_is_ended_by_its_user(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-45: and mistakes in the form are told at their fields."""

    async def never(*_: Any, **__: Any) -> HTTPResponse:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(HTTPClient, "request", never)
    browser = rig.browser(app="/")
    await browser.log_in()
    assert (await browser.error("calendar_copy", url=" ", user="", password=""))[0] == 400
    assert (await browser.error("calendar_copy", url="http://a.example", user="a", password="b"))[0] == 400
    await browser.call("calendar_copy", url=HOST, user="tom", password="x")
    assert (await browser.call("calendar_copy_state"))["phase"] == "running"
    await browser.call("calendar_copy_abort")
    await eventually(lambda: rig.house.calendar_copies.look("mia").ended)  # type: ignore[union-attr]  # it is there
    assert (await browser.call("calendar_copy_state"))["phase"] == "aborted"


async def test_a_copy_ends_with_its_account(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-45, STORE-140: a server that answers slowly does not hold up the removal."""

    async def never(*_: Any, **__: Any) -> HTTPResponse:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(HTTPClient, "request", never)
    browser = rig.browser(app="/")
    await browser.log_in()
    await browser.call("calendar_copy", url=HOST, user="tom", password="x")
    look = rig.house.calendar_copies.look("mia")
    assert look is not None
    gone: Any = SimpleNamespace(account=lambda name: None if name == "mia" else object())
    rig.house.end_copies(gone, gone)
    await eventually(lambda: look.phase == "aborted")
    assert rig.house.calendar_copies.look("mia") is None


async def test_both_sides_are_counted_without_a_change(rig: Rig, tom: Program) -> None:
    """MOVE-8: before, in between and after a copy; an entry that was removed here is missing."""
    order = CopyCalendars("mia", HOST, "tom@example.org", PASSWORD)
    counting = copies(rig, Way(rig))

    async def counted() -> dict[str, tuple[int, int, int]]:
        return {one.place: (one.there, one.missing, one.unread) for one in await counting.count(order)}

    assert await counted() == {"Calendar": (1, 1, 0), "Work & play": (3, 3, 0), "Contacts": (1, 1, 0)}
    calendars, contacts = await kept(rig)
    assert not any(calendars.values())
    assert contacts == []
    await copy(rig, Way(rig))
    assert await counted() == {"Calendar": (1, 0, 0), "Work & play": (3, 0, 0), "Contacts": (1, 0, 0)}
    assert (await tom.put("late.ics", event("late"), "/dav/calendars/tom/work/")).status == 201
    assert (await counted())["Work & play"] == (4, 1, 0)


async def test_a_count_tells_of_a_wrong_password(rig: Rig, tom: Program) -> None:
    """MOVE-8"""
    with pytest.raises(CopyFailed, match="rejected the user name"):
        await copies(rig, Way(rig)).count(CopyCalendars("mia", HOST, "tom@example.org", "wrong"))


async def test_a_later_account_of_the_name_sees_no_copy(rig: Rig) -> None:
    """DAV-45, ADMIN-15: one that has ended is shown for a day, and goes with its account."""
    running = copies(rig, Way(rig))
    running.begin(CopyCalendars("mia", HOST, "tom@example.org", PASSWORD))
    await eventually(lambda: (look := running.look("mia")) is not None and look.ended)
    now = rig.holder.current
    running.reconfigured(now, msgspec.structs.replace(now, domains=msgspec.structs.replace(now.domains, accounts={})))
    assert running.look("mia") is None
