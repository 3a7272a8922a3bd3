"""WebDAV, CalDAV and CardDAV of a running server, as programs speak them."""

import base64
import threading
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
import trio

from moxlite.admin.dns.wanted import records_of
from moxlite.admin.domains.changes import require_domain
from moxlite.groupware.entries import Expander
from moxlite.net.resolver import SRV
from moxlite.proto.cards import limits
from moxlite.proto.dav.xml import kept, read_xml
from moxlite.store.auth.apppasswords import Scope, add_app_password
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StorageBusy
from moxlite.store.groupware.collection import Collection, ensure_defaults
from moxlite.store.groupware.resources import Resource, delete_resource, due_expansions, resource_data
from moxlite.web.dav import session
from moxlite.web.dav.reports import Reports
from tests.browsing import Answer
from tests.web_rig import ADDRESS, PASSWORD, Rig

pytestmark = pytest.mark.served

D, C, CR = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
HOME = "/dav/calendars/mia/calendar/"
BOOK = "/dav/addressbooks/mia/contacts/"


def event(uid: str = "1", *lines: str, start: str = "20261124T100000Z", end: str = "20261124T110000Z") -> str:
    given = lines if any(line.startswith("DTSTART") for line in lines) else (f"DTSTART:{start}", f"DTEND:{end}", *lines)
    return calendar(f"UID:{uid}", "DTSTAMP:20261101T000000Z", *given)


def calendar(*lines: str, kind: str = "VEVENT") -> str:
    inner = (f"BEGIN:{kind}", *lines, f"END:{kind}")
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//EN", *inner, "END:VCALENDAR", ""))


def also(*lines: str) -> str:
    """An event, and more in the same file."""
    return event().replace("END:VEVENT", "\r\n".join(("END:VEVENT", *lines)))


def card(uid: str = "1", *lines: str, name: str = "Ada", version: str = "4.0") -> str:
    return "\r\n".join(("BEGIN:VCARD", f"VERSION:{version}", f"UID:{uid}", f"FN:{name}", *lines, "END:VCARD", ""))


class Program:
    """A program that is logged in."""

    def __init__(self, rig: Rig, user: str = ADDRESS, password: str = PASSWORD, *, tls: bool = True) -> None:
        self.browser = rig.browser(app="/dav/", port=443 if tls else 80, tls=tls)
        self.login = base64.b64encode(f"{user}:{password}".encode()).decode()

    async def ask(self, method: str, path: str, body: str | bytes = b"", **headers: str) -> Answer:
        fields = {"authorization": f"Basic {self.login}"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        octets = body if isinstance(body, bytes) else body.encode()
        return await self.browser.fetch(path, method=method, headers=fields, body=octets)

    async def put(self, name: str, body: str | bytes, home: str = HOME, **headers: str) -> Answer:
        card = body.startswith("BEGIN:VCARD") if isinstance(body, str) else body.startswith(b"BEGIN:VCARD")
        kind = "text/vcard" if card else "text/calendar"
        return await self.ask("PUT", home + name, body, content_type=kind, **headers)

    async def find(self, path: str, *names: str, depth: str = "0") -> dict[str, dict[str, Element]]:
        """Properties by path and name."""
        inner = "".join(f'<x:{name.rpartition("}")[2]} xmlns:x="{name[1:].partition("}")[0]}"/>' for name in names)
        body = f"<D:propfind {SPACES}><D:prop>{inner}</D:prop></D:propfind>"
        return found(await self.ask("PROPFIND", path, body, depth=depth))

    async def report(self, path: str, name: str, inner: str, **headers: str) -> Answer:
        return await self.ask("REPORT", path, f"<{name} {SPACES}>{inner}</{name}>", **headers)

    async def query(self, filters: str, data: str = "<C:calendar-data/>", path: str = HOME) -> dict[str, str]:
        """calendar-data by name of the entry."""
        filters = f'<C:filter><C:comp-filter name="VCALENDAR">{filters}</C:comp-filter></C:filter>'
        prop = f"<D:prop><D:getetag/>{data}</D:prop>"
        answers = found(await self.report(path, "C:calendar-query", prop + filters, depth="1"))
        return {path.rpartition("/")[2]: text(props.get(C + "calendar-data")) for path, props in answers.items()}

    async def names(self, filters: str) -> list[str]:
        return sorted(await self.query(filters, ""))


def text(one: Element | None) -> str:
    return "" if one is None else (one.text or "")


def responses(answer: Answer) -> Iterable[Element]:
    assert answer.status == 207, (answer.status, answer.body)
    return fromstring(answer.body).iter(D + "response")


def found(answer: Answer) -> dict[str, dict[str, Element]]:
    """Properties with status 200, by path and name."""
    by_path: dict[str, dict[str, Element]] = {}
    for response in responses(answer):
        props = by_path.setdefault(response.findtext(D + "href") or "", {})
        for stat in response.findall(D + "propstat"):
            if " 200 " in (stat.findtext(D + "status") or ""):
                props |= {one.tag: one for one in stat.find(D + "prop") or ()}
    return by_path


def refused(answer: Answer) -> tuple[int, str]:
    """Status, and name of the precondition."""
    body = fromstring(answer.body) if answer.body.startswith(b"<?xml") else None
    return answer.status, "" if body is None else body[0].tag.partition("}")[2]


def of(kind: str, filters: str = "") -> str:
    return f'<C:comp-filter name="{kind}">{filters}</C:comp-filter>'


def between(start: str, end: str) -> str:
    return f'<C:time-range start="{start}" end="{end}"/>'


@pytest.fixture
def mia(rig: Rig) -> Program:
    return Program(rig)


# places, log-in


async def test_a_busy_disk_costs_no_new_account_its_calendar(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-4: the first collections are made with the next request."""

    def busy(_: AccountTx) -> None:
        raise StorageBusy("locked")

    program = Program(rig)
    with monkeypatch.context() as patch:
        patch.setattr("moxlite.web.dav.app.ensure_defaults", busy)
        assert (await program.ask("PROPFIND", "/dav/calendars/mia/", depth="1")).status == 503
    assert HOME in await program.find("/dav/calendars/mia/", D + "displayname", depth="1")


async def test_connections_that_are_opened_at_once_all_find_the_first_calendar(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-4: a program's first requests to a new account; none is told that the calendar doesn't exist."""
    statuses: list[int] = []

    def slowly(tx: AccountTx) -> None:
        time.sleep(0.1)
        ensure_defaults(tx)

    monkeypatch.setattr("moxlite.web.dav.app.ensure_defaults", slowly)

    async def put(number: int) -> None:
        answer = await Program(rig).put(f"{number}.ics", event(f"{number}"))
        statuses.append(answer.status)

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(put, number)
    assert statuses == [201] * 5


async def test_a_program_finds_its_way_from_the_well_known_name(mia: Program) -> None:
    """DAV-4, DAV-12, DAV-17: from /.well-known/caldav to the first calendar and address book."""
    for name in ("caldav", "carddav"):
        answer = await mia.ask("PROPFIND", f"/.well-known/{name}")
        assert (answer.status, answer.headers["location"]) == (301, "/dav/")
    root = (await mia.find("/dav/", D + "current-user-principal"))["/dav/"]
    principal = root[D + "current-user-principal"].findtext(D + "href") or ""
    assert principal == "/dav/principals/mia/"
    homes = (await mia.find(principal, C + "calendar-home-set", CR + "addressbook-home-set"))[principal]
    paths = [homes[name].findtext(D + "href") or "" for name in (C + "calendar-home-set", CR + "addressbook-home-set")]
    assert paths == ["/dav/calendars/mia/", "/dav/addressbooks/mia/"]
    assert HOME in await mia.find(paths[0], D + "resourcetype", depth="1")
    books = await mia.find(paths[1], D + "resourcetype", depth="1")
    assert [one.tag for one in books[BOOK][D + "resourcetype"]] == [D + "collection", CR + "addressbook"]


async def test_others_and_tricks_lead_nowhere(mia: Program) -> None:
    """DAV-12: places of others, too many elements, and dots."""
    for path in ("/dav/calendars/tom/", "/dav/principals/no/", "/dav/x/", HOME + "a/b", "/dav/calendars/mia/no/"):
        assert (await mia.ask("PROPFIND", path, depth="0")).status == 404
    assert (await mia.ask("PUT", HOME + "%2e%2e%2f%2e%2e", event())).status in (404, 405)
    assert (await mia.put("a%00b.ics", event())).status == 403


async def test_only_https_and_passwords_of_this_use(rig: Rig, mia: Program) -> None:
    """DAV-12, DAV-13, STORE-191"""
    assert (await Program(rig, tls=False).ask("PROPFIND", "/dav/", depth="0")).status == 403
    wrong = await Program(rig, password="wrong").ask("PROPFIND", "/dav/", depth="0")
    assert (wrong.status, wrong.headers["www-authenticate"]) == (401, 'Basic realm="dav", charset="UTF-8"')
    passwords = {}
    async with rig.account() as account:
        uses: list[tuple[str, list[Scope], bool]]
        uses = [("mail", ["imap"], False), ("phone", ["imap", "dav"], False), ("wall", ["dav"], True)]
        for name, scopes, read_only in uses:
            passwords[name] = await add_app_password(account, name, scopes, read_only=read_only)
    assert (await Program(rig, password=passwords["mail"]).ask("PROPFIND", "/dav/", depth="0")).status == 401
    assert (await Program(rig, password=passwords["phone"]).put("a.ics", event())).status == 201
    wall = Program(rig, password=passwords["wall"])
    assert (await wall.ask("GET", HOME + "a.ics")).status == 200
    assert refused(await wall.put("b.ics", event("2"))) == (403, "need-privileges")
    assert refused(await wall.ask("DELETE", HOME + "a.ics")) == (403, "need-privileges")


async def test_a_browser_gets_a_page(rig: Rig) -> None:
    """DAV-13"""
    browser = rig.browser(app="/dav/", port=443, tls=True)
    page = await browser.fetch("/dav/", headers={"accept": "text/html"})
    assert page.status == 200
    assert b"https://mail.example.org/dav/" in page.body


async def test_methods_are_announced(mia: Program) -> None:
    """DAV-14"""
    answer = await mia.ask("OPTIONS", HOME)
    assert answer.headers["dav"] == (
        "1, 3, access-control, calendar-access, calendar-auto-schedule, addressbook, extended-mkcol"
    )
    assert "MKCALENDAR" in answer.headers["allow"]
    assert (await mia.ask("LOCK", HOME)).status == 405
    assert (await mia.ask("GET", HOME)).status == 405


# entries


async def test_an_entry_is_kept_to_the_letter(mia: Program) -> None:
    """DAV-1, DAV-15: GET, HEAD, changes and removal."""
    body = event("1", "X-OWN;A=b:ü  ", "SUMMARY:a\r\n b")
    made = await mia.put("a b.ics".replace(" ", "%20"), body)
    assert made.status == 201
    got = await mia.ask("GET", HOME + "a%20b.ics")
    assert (got.body.decode(), got.headers["etag"]) == (body, made.headers["etag"])
    assert (await mia.ask("GET", HOME + "a%20b.ics", if_none_match=made.headers["etag"])).status == 304
    assert (await mia.put("a%20b.ics", event("1", "SUMMARY:x"))).status == 204
    assert (await mia.ask("DELETE", HOME + "a%20b.ics")).status == 204
    assert (await mia.ask("GET", HOME + "a%20b.ics")).status == 404
    assert (await mia.ask("DELETE", HOME + "a%20b.ics")).status == 404


async def test_of_two_phones_one_is_told_of_the_other(mia: Program) -> None:
    """DAV-15: If-Match, If-None-Match and If."""
    first = (await mia.put("a.ics", event(), if_none_match="*")).headers["etag"]
    assert (await mia.put("a.ics", event(), if_none_match="*")).status == 412
    second = (await mia.put("a.ics", event("1", "SUMMARY:2"), if_match=first)).headers["etag"]
    assert (await mia.put("a.ics", event("1", "SUMMARY:3"), if_match=first)).status == 412
    assert (await mia.ask("DELETE", HOME + "a.ics", if_match=first)).status == 412
    assert (await mia.put("b.ics", event("2"), if_match="*")).status == 412
    assert (await mia.put("a.ics", event("1", "SUMMARY:4"), **{"if": f"([{first}])"})).status == 412
    assert (await mia.put("a.ics", event("1", "SUMMARY:4"), **{"if": f"([{first}]) (Not [{first}])"})).status == 204
    assert (await mia.ask("DELETE", HOME + "a.ics", **{"if": "(<DAV:no-lock>)"})).status == 412
    assert (await mia.ask("DELETE", HOME + "a.ics", **{"if": "(["})).status == 400
    assert b"SUMMARY:4" in (await mia.ask("GET", HOME + "a.ics")).body
    assert second != first


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("x", "valid-calendar-data"),
        (event().replace("VERSION:2.0", "VERSION:1.0"), "valid-calendar-data"),
        (event().replace("PRODID", "METHOD:REQUEST\r\nPRODID"), "valid-calendar-object-resource"),
        (also("BEGIN:VTODO", "UID:1", "END:VTODO"), "valid-calendar-object-resource"),
        (also("BEGIN:VEVENT", "UID:2", "DTSTART:20261124T100000Z", "END:VEVENT"), "valid-calendar-object-resource"),
        (event().replace("UID:1\r\n", ""), "valid-calendar-object-resource"),
        (calendar("UID:1", kind="X-OWN"), "supported-calendar-component"),
        (event("1", "DTSTART:2026"), "valid-calendar-data"),
        (event("1", "RRULE:FREQ=FORTNIGHTLY"), "valid-calendar-data"),
        (event("1", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=32"), "valid-calendar-data"),
        (event("1", "RRULE:RSCALE=CHINESE;FREQ=YEARLY"), "valid-calendar-data"),
        (event("1", "RRULE:FREQ=DAILY;COUNT=0"), "valid-calendar-data"),
        (event("1", "EXRULE:FREQ=DAILY"), "valid-calendar-data"),
    ],
)
async def test_what_no_calendar_takes_is_refused_with_a_reason(mia: Program, body: str, condition: str) -> None:
    """DAV-7, DAV-9, DAV-20"""
    assert refused(await mia.put("a.ics", body)) == (403, condition)


async def test_a_uid_is_there_once(mia: Program) -> None:
    """DAV-7, DAV-20: 409 with the address of the other one."""
    await mia.put("a.ics", event())
    answer = await mia.put("b.ics", event())
    assert refused(answer) == (409, "no-uid-conflict")
    assert b"/dav/calendars/mia/calendar/a.ics" in answer.body
    assert refused(await mia.put("a.ics", event("other"))) == (409, "no-uid-conflict")


async def test_what_is_too_large_or_has_no_home(mia: Program) -> None:
    """DAV-5, DAV-20"""
    large = event("1", "DESCRIPTION:" + "x" * (1 << 20))
    assert refused(await mia.put("a.ics", large)) == (403, "max-resource-size")
    assert (await mia.put("a.ics", large * 3)).status == 413
    assert (await mia.put("a.ics", event(), "/dav/calendars/mia/none/")).status == 409
    assert refused(await mia.ask("PUT", HOME + "a.ics", event(), content_type="image/png")) == (
        403,
        "supported-calendar-data",
    )
    assert refused(await mia.put("a.ics", card())) == (403, "supported-calendar-data")


@pytest.mark.parametrize(
    ("lines", "condition", "reason"),
    [
        ([f"X-A:{index}" for index in range(10_001)], "max-resource-size", b"10,000 lines"),
        ([f"ATTENDEE:mailto:a{index}@x.example" for index in range(501)], "max-attendees-per-instance", b"500 guests"),
        (["RRULE:FREQ=DAILY"] * 5, "max-resource-size", b"up to 4 recurrence rules"),
        (["DESCRIPTION:" + "x" * (300 << 10)], "max-resource-size", b"256 KiB"),
    ],
)
async def test_an_entry_has_limits_that_are_named(
    mia: Program, monkeypatch: pytest.MonkeyPatch, lines: list[str], condition: str, reason: bytes
) -> None:
    """DAV-5a: an entry of before stays, and may be changed, moved and removed; it becomes no larger."""
    answer = await mia.put("a.ics", event("1", *lines))
    assert refused(answer) == (403, condition)
    assert reason in answer.body
    if b"rules" in reason:
        return
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MOST", limits.Extent(*[1 << 20] * 6))
        assert (await mia.put("a.ics", event("1", *lines))).status == 201
    assert (await mia.put("a.ics", event("1", *lines, "SUMMARY:Other"))).status == (403 if "X-A:1" in lines else 204)
    assert (await mia.put("a.ics", event("1", *lines[1:], "SUMMARY:Other"))).status == 204
    assert (await mia.ask("MOVE", HOME + "a.ics", destination=HOME + "b.ics")).status == 201
    assert b"SUMMARY:Other" in (await mia.ask("GET", HOME + "b.ics")).body
    assert (await mia.ask("DELETE", HOME + "b.ics")).status == 204


async def test_cards_have_limits_too(mia: Program) -> None:
    """DAV-5a: but for pictures, which are as large as a card may be."""
    answer = await mia.put("a.vcf", card("1", *(f"X-A:{index}" for index in range(10_001))), BOOK)
    assert refused(answer) == (403, "max-resource-size")
    assert b"10,000 lines" in answer.body
    assert (await mia.put("a.vcf", card("1", "PHOTO:data:image/jpeg;base64," + "A" * 700_000), BOOK)).status == 201


async def test_entries_are_copied_and_moved(mia: Program) -> None:
    """DAV-14"""
    assert (await mia.ask("MKCALENDAR", "/dav/calendars/mia/work/")).status == 201
    await mia.put("a.ics", event())
    work = "/dav/calendars/mia/work/"
    assert (await mia.ask("COPY", HOME + "a.ics", destination=work + "b.ics")).status == 201
    assert (await mia.ask("COPY", HOME + "a.ics", destination=work + "b.ics", overwrite="F")).status == 412
    assert refused(await mia.ask("COPY", HOME + "a.ics", destination=HOME + "c.ics")) == (409, "no-uid-conflict")
    assert (await mia.ask("MOVE", HOME + "a.ics", destination=f"https://mail.example.org{work}b.ics")).status == 204
    assert (await mia.ask("GET", HOME + "a.ics")).status == 404
    assert (await mia.ask("GET", work + "b.ics")).status == 200
    for there, status in ((BOOK + "b.vcf", 403), ("/dav/calendars/mia/no/b.ics", 409), ("https://else.example/x", 502)):
        assert (await mia.ask("MOVE", work + "b.ics", destination=there)).status == status
    assert (await mia.ask("MOVE", work, destination="/dav/calendars/mia/other/")).status == 403


# collections and properties


async def test_collections_are_made_with_their_properties(mia: Program) -> None:
    """DAV-14, DAV-17, RFC 5689"""
    inner = (
        "<D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Arbeit &amp; mehr"
        '</D:displayname><C:supported-calendar-component-set><C:comp name="VTODO"/>'
        "</C:supported-calendar-component-set>"
        '<A:calendar-color xmlns:A="http://apple.com/ns/ical/">#ff0000ff</A:calendar-color></D:prop></D:set>'
    )
    path = "/dav/calendars/mia/work/"
    assert (await mia.ask("MKCOL", path, f"<D:mkcol {SPACES}>{inner}</D:mkcol>")).status == 201
    assert refused(await mia.ask("MKCALENDAR", path)) == (405, "resource-must-be-null")
    colour = "{http://apple.com/ns/ical/}calendar-color"
    props = (await mia.find(path, D + "displayname", colour, C + "supported-calendar-component-set"))[path]
    assert (text(props[D + "displayname"]), text(props[colour])) == ("Arbeit & mehr", "#ff0000ff")
    assert [one.get("name") for one in props[C + "supported-calendar-component-set"]] == ["VTODO"]
    assert refused(await mia.put("a.ics", event(), path)) == (403, "supported-calendar-component")
    wrong = inner.replace("<C:calendar/>", "<CR:addressbook/>")
    answer = await mia.ask("MKCOL", "/dav/calendars/mia/x/", f"<D:mkcol {SPACES}>{wrong}</D:mkcol>")
    assert refused(answer) == (403, "valid-resourcetype")
    assert refused(await mia.ask("MKCALENDAR", "/dav/addressbooks/mia/x/")) == (403, "calendar-collection-location-ok")
    assert (await mia.ask("DELETE", path)).status == 204
    assert (await mia.ask("DELETE", "/dav/calendars/mia/")).status == 403
    for method, deep in (("MKCOL", "a/b/"), ("MKCALENDAR", "a/b/"), ("PUT", "a/b.ics")):
        assert (await mia.ask(method, f"{HOME}{deep}", event(), content_type="text/calendar")).status == 409
    assert (await mia.ask("GET", f"{HOME}a/b/")).status == 404
    assert (await mia.ask("MKCOL", "/dav/calendars/tom/a/b/c/")).status == 404
    assert (await mia.ask("MKCOL", f"{HOME}x", "afafafaf", content_type="xzy-foo/bar-512")).status == 415
    assert (await mia.ask("MKCOL", f"{HOME}x", "afafafaf", content_type="text/xml")).status == 400


async def test_properties_are_changed_all_or_none(mia: Program) -> None:
    """DAV-17: live ones, ones of programs, and protected ones."""

    async def patch(inner: str) -> dict[str, str]:
        answer = await mia.ask("PROPPATCH", HOME, f"<D:propertyupdate {SPACES}>{inner}</D:propertyupdate>")
        [one] = responses(answer)
        return {
            prop.tag: (stat.findtext(D + "status") or "")[9:12]
            for stat in one.findall(D + "propstat")
            for prop in stat.find(D + "prop") or ()
        }

    own = '<x:own xmlns:x="urn:x"><x:in a="b">t</x:in></x:own>'
    done = await patch(f"<D:set><D:prop><D:displayname>Mein</D:displayname>{own}</D:prop></D:set>")
    assert done == {D + "displayname": "200", "{urn:x}own": "200"}
    failed = await patch("<D:set><D:prop><D:displayname>Not</D:displayname><D:getetag>x</D:getetag></D:prop></D:set>")
    assert failed == {D + "displayname": "424", D + "getetag": "403"}
    for name in ("ü" * 128, "a\tb"):  # one rule for all interfaces
        failed = await patch(f"<D:set><D:prop><D:displayname>{name}</D:displayname></D:prop></D:set>")
        assert failed == {D + "displayname": "409"}
    props = (await mia.find(HOME, D + "displayname", "{urn:x}own"))[HOME]
    assert text(props[D + "displayname"]) == "Mein"
    assert text(props["{urn:x}own"][0]) == "t"
    await patch('<D:remove><D:prop><x:own xmlns:x="urn:x"/></D:prop></D:remove>')
    assert "{urn:x}own" not in (await mia.find(HOME, "{urn:x}own"))[HOME]
    order = '<A:calendar-order xmlns:A="http://apple.com/ns/ical/">x</A:calendar-order>'
    assert [*(await patch(f"<D:set><D:prop>{order}</D:prop></D:set>")).values()] == ["409"]


async def test_too_many_properties_are_refused_before_they_are_kept(
    mia: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-17, DAV-16: one body has room for 10,000."""
    number = 0

    def counted(value: Element) -> str:
        nonlocal number
        number += 1
        return kept(value)

    monkeypatch.setattr("moxlite.web.dav.properties.kept", counted)
    inner = "".join(f"<x{one} xmlns='urn:x'/>" for one in range(5_000))
    body = f"<D:propertyupdate {SPACES}><D:set><D:prop>{inner}</D:prop></D:set></D:propertyupdate>"
    assert refused(await mia.ask("PROPPATCH", HOME, body)) == (507, "quota-not-exceeded")
    assert number == 100


async def test_properties_say_what_there_is(mia: Program) -> None:
    """DAV-17: all, names only, and those that are not there."""
    await mia.put("a.ics", event())
    everything = found(await mia.ask("PROPFIND", HOME, depth="1"))
    assert text(everything[HOME + "a.ics"][D + "getcontenttype"]).endswith("component=VEVENT")
    names = found(await mia.ask("PROPFIND", HOME, f"<D:propfind {SPACES}><D:propname/></D:propfind>", depth="0"))
    assert {D + "sync-token", C + "supported-calendar-data", D + "supported-report-set"} <= names[HOME].keys()
    answer = await mia.ask("PROPFIND", HOME, f"<D:propfind {SPACES}><D:prop><D:x/></D:prop></D:propfind>", depth="0")
    assert b"404 Not Found" in answer.body
    before = text((await mia.find(HOME, "{http://calendarserver.org/ns/}getctag"))[HOME].popitem()[1])
    await mia.put("b.ics", event("2"))
    assert before != text((await mia.find(HOME, "{http://calendarserver.org/ns/}getctag"))[HOME].popitem()[1])


async def test_bad_xml_and_depth(mia: Program) -> None:
    """DAV-16, DAV-20"""
    assert refused(await mia.ask("PROPFIND", "/dav/", depth="infinity")) == (403, "propfind-finite-depth")
    await mia.put("a.ics", event())
    without = found(await mia.ask("PROPFIND", HOME)).keys()
    assert HOME + "a.ics" in without
    assert without == found(await mia.ask("PROPFIND", HOME, depth="1")).keys()
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><D:propfind xmlns:D="DAV:"><D:prop><D:x>&a;</D:x></D:prop></D:propfind>'
    many = '<D:propfind xmlns:D="DAV:"><D:prop>' + "<D:x/>" * 10_001 + "</D:prop></D:propfind>"
    deep = '<D:propfind xmlns:D="DAV:">' + "<D:x>" * 60 + "</D:x>" * 60 + "</D:propfind>"
    for body in (bomb, many, deep, "<x", "<?xml version='1.0' encoding='none'?><x/>", "<y/>"):
        assert (await mia.ask("PROPFIND", "/dav/", body, depth="0")).status == 400
    assert (await mia.ask("PROPFIND", "/dav/", "x" * ((1 << 20) + 1), depth="0")).status == 413


# reports of calendars


async def test_time_ranges(mia: Program) -> None:
    """DAV-8, DAV-10, DAV-18: plain, all-day, in a zone, tasks."""
    await mia.put("plain.ics", event("1"))
    await mia.put("day.ics", event("2", "DTSTART;VALUE=DATE:20261125"))
    await mia.put("zone.ics", event("3", "DTSTART;TZID=W. Europe Standard Time:20261124T120000", "DURATION:PT1H"))
    await mia.put("todo.ics", calendar("UID:4", "DUE:20261126T100000Z", kind="VTODO"))
    await mia.put("undated.ics", calendar("UID:5", "SUMMARY:x", kind="VTODO"))
    assert await mia.names(of("VEVENT", between("20261124T103000Z", "20261124T104000Z"))) == ["plain.ics"]
    assert await mia.names(of("VEVENT", between("20261124T110000Z", "20261124T120000Z"))) == ["zone.ics"]
    assert await mia.names(of("VEVENT", between("20261125T120000Z", "20261125T130000Z"))) == ["day.ics"]
    assert await mia.names(of("VEVENT", '<C:time-range start="20261124T113000Z"/>')) == ["day.ics", "zone.ics"]
    assert await mia.names(of("VTODO", between("20261126T000000Z", "20261127T000000Z"))) == ["todo.ics", "undated.ics"]
    assert await mia.names(of("VTODO", between("20261128T000000Z", "20261129T000000Z"))) == ["undated.ics"]
    assert await mia.names(of("VEVENT")) == ["day.ics", "plain.ics", "zone.ics"]
    assert len(await mia.names("")) == 5
    bad = await mia.report(HOME, "C:calendar-query", '<C:filter><C:comp-filter name="VEVENT"/></C:filter>')
    assert refused(bad) == (403, "valid-filter")


async def test_filters_of_properties(mia: Program) -> None:
    """DAV-18: texts, collations, parameters, what is not there, alarms."""
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT30M\r\nACTION:DISPLAY\r\nEND:VALARM"
    who = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:tom@example.org"
    await mia.put("a.ics", event("1", "SUMMARY:Große Feier\\, mit Tanz", who, alarm))
    await mia.put("b.ics", event("2", "SUMMARY:klein"))

    def has(name: str, inner: str) -> str:
        return of("VEVENT", f'<C:prop-filter name="{name}">{inner}</C:prop-filter>')

    assert await mia.names(has("SUMMARY", "<C:text-match>FEIER, MIT</C:text-match>")) == ["a.ics"]
    octet = '<C:text-match collation="i;octet">FEIER</C:text-match>'
    assert await mia.names(has("SUMMARY", octet)) == []
    fold = '<C:text-match collation="i;unicode-casemap">GROSSE</C:text-match>'
    assert await mia.names(has("SUMMARY", fold)) == ["a.ics"]
    assert await mia.names(has("SUMMARY", '<C:text-match negate-condition="yes">feier</C:text-match>')) == ["b.ics"]
    assert await mia.names(has("ATTENDEE", "<C:is-not-defined/>")) == ["b.ics"]
    state = '<C:param-filter name="PARTSTAT"><C:text-match>needs</C:text-match></C:param-filter>'
    assert await mia.names(has("ATTENDEE", state)) == ["a.ics"]
    rings = of("VEVENT", of("VALARM", between("20261124T092500Z", "20261124T093500Z")))
    assert await mia.names(rings) == ["a.ics"]
    assert await mia.names(of("VEVENT", of("VALARM", "<C:is-not-defined/>"))) == ["b.ics"]
    other = of("VEVENT", '<C:prop-filter name="SUMMARY"><C:text-match collation="x">a</C:text-match></C:prop-filter>')
    filters = f'<C:filter><C:comp-filter name="VCALENDAR">{other}</C:comp-filter></C:filter>'
    assert refused(await mia.report(HOME, "C:calendar-query", filters)) == (403, "supported-collation")


WEEKLY = (
    "DTSTART;TZID=Europe/Berlin:20261005T090000",
    "DTEND;TZID=Europe/Berlin:20261005T100000",
    "RRULE:FREQ=WEEKLY;UNTIL=20261231T230000Z",
    "EXDATE;TZID=Europe/Berlin:20261019T090000",
)


def with_exception(*lines: str) -> str:
    inner = ("BEGIN:VEVENT", "UID:1", "DTSTAMP:20261101T000000Z", *lines, "END:VEVENT")
    return event("1", *WEEKLY).replace("END:VCALENDAR", "\r\n".join((*inner, "END:VCALENDAR")))


async def test_repeated_events_are_found_and_expanded(mia: Program) -> None:
    """DAV-9, DAV-18: local time over the end of summer time, a day taken out, one moved."""
    moved = ("RECURRENCE-ID;TZID=Europe/Berlin:20261102T090000", "DTSTART:20261103T120000Z", "DTEND:20261103T130000Z")
    assert (await mia.put("w.ics", with_exception(*moved))).status == 201
    for day, there in (("12", True), ("19", False), ("26", True)):
        names = await mia.names(of("VEVENT", between(f"202610{day}T000000Z", f"202610{day}T230000Z")))
        assert names == (["w.ics"] if there else [])
    assert await mia.names(of("VEVENT", between("20261102T000000Z", "20261102T230000Z"))) == []
    stretch = 'start="20261020T000000Z" end="20261110T000000Z"'
    data = f"<C:calendar-data><C:expand {stretch}/></C:calendar-data>"
    shown = (await mia.query(of("VEVENT", f"<C:time-range {stretch}/>"), data))["w.ics"]
    starts = [line for line in shown.splitlines() if line.startswith(("DTSTART", "RECURRENCE-ID"))]
    assert starts == [
        "DTSTART:20261026T080000Z",
        "RECURRENCE-ID:20261026T080000Z",
        "DTSTART:20261103T120000Z",
        "RECURRENCE-ID:20261102T080000Z",
        "DTSTART:20261109T080000Z",
        "RECURRENCE-ID:20261109T080000Z",
    ]
    assert "RRULE" not in shown
    assert await mia.names(of("VEVENT", between("20270201T000000Z", "20270301T000000Z"))) == []
    limit = (
        '<C:calendar-data><C:limit-recurrence-set start="20261201T000000Z" end="20261210T000000Z"/></C:calendar-data>'
    )
    limited = (await mia.query(of("VEVENT"), limit))["w.ics"]
    assert ("RRULE" in limited, "RECURRENCE-ID" in limited) == (True, False)


async def test_instances_beyond_the_stored_years(mia: Program) -> None:
    """DAV-9: long ago and far ahead."""
    await mia.put("d.ics", event("1", "RRULE:FREQ=YEARLY", start="19800229T100000Z", end="19800229T110000Z"))
    for day, there in (("19840229", True), ("19850228", False), ("20560229", True)):
        names = await mia.names(of("VEVENT", between(f"{day}T000000Z", f"{day}T230000Z")))
        assert names == (["d.ics"] if there else [])


async def test_this_and_future(mia: Program) -> None:
    """DAV-9: an exception with THISANDFUTURE moves all that follow."""
    later = (
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261116T090000",
        "DTSTART;TZID=Europe/Berlin:20261116T140000",
        "DTEND;TZID=Europe/Berlin:20261116T150000",
    )
    await mia.put("w.ics", with_exception(*later))
    for start, there in (("20261109T080000Z", True), ("20261123T080000Z", False), ("20261123T130000Z", True)):
        end = start[:11] + "3000Z"
        assert bool(await mia.names(of("VEVENT", between(start, end)))) is there


async def test_multiget_and_parts_of_calendars(mia: Program) -> None:
    """DAV-18: named entries, those that are gone, and only some properties."""
    await mia.put("a.ics", event("1", "SUMMARY:x"))
    comp = (
        '<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp>'
    )
    hrefs = "".join(f"<D:href>{path}</D:href>" for path in (HOME + "a.ics", HOME + "b.ics", "/dav/calendars/tom/a/b"))
    prop = f"<D:prop><D:getetag/><C:calendar-data>{comp}</C:calendar-data></D:prop>"
    answer = await mia.report(HOME, "C:calendar-multiget", prop + hrefs)
    states = [one.findtext(D + "status") for one in responses(answer)]
    assert states == [None, "HTTP/1.1 404 Not Found", "HTTP/1.1 404 Not Found"]
    data = text(found(answer)[HOME + "a.ics"][C + "calendar-data"])
    assert data.split() == ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", "END:VEVENT", "END:VCALENDAR"]


async def test_free_busy(mia: Program) -> None:
    """DAV-18"""
    await mia.put("a.ics", event("1"))
    await mia.put("b.ics", event("2", start="20261124T103000Z", end="20261124T113000Z"))
    await mia.put("c.ics", event("3", "TRANSP:TRANSPARENT", start="20261124T150000Z", end="20261124T160000Z"))
    await mia.put(
        "d.ics",
        event("4", "STATUS:TENTATIVE", "RRULE:FREQ=DAILY;COUNT=9", start="20261120T200000Z", end="20261120T210000Z"),
    )
    answer = await mia.report(HOME, "C:free-busy-query", between("20261124T000000Z", "20261125T000000Z"))
    lines = [line for line in answer.body.decode().splitlines() if line.startswith("FREEBUSY")]
    assert lines == [
        "FREEBUSY;FBTYPE=BUSY:20261124T100000Z/20261124T113000Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261124T200000Z/20261124T210000Z",
    ]
    assert refused(await mia.report(HOME, "C:free-busy-query", "")) == (403, "valid-filter")


async def sync(mia: Program, token: str = "", limit: int = 0, path: str = HOME) -> tuple[dict[str, str], str]:
    """Statuses of what changed, by name, and the new token."""
    inner = f"<D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"
    inner += f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
    answer = await mia.report(path, "D:sync-collection", inner)
    states = {
        (one.findtext(D + "href") or "").rpartition("/")[2]: (one.findtext(D + "status") or "200")[-25:]
        for one in responses(answer)
    }
    return states, fromstring(answer.body).findtext(D + "sync-token") or ""


async def test_synchronisation_with_and_without_a_limit(mia: Program) -> None:
    """DAV-19: nothing is lost in portions, removals are told, tokens of elsewhere are refused."""
    for number in range(7):
        await mia.put(f"{number}.ics", event(str(number)))
    everything, token = await sync(mia)
    assert sorted(everything) == [f"{number}.ics" for number in range(7)]
    names: list[str] = []
    part = ""
    for _ in range(4):
        some, part = await sync(mia, part, 2)
        names += [name for name in some if name]
        more = "507" in some.get("", "")
        assert more is (len(names) < 7)
    assert names == sorted(everything)
    assert part == token
    await mia.ask("DELETE", HOME + "3.ics")
    await mia.put("4.ics", event("4", "SUMMARY:x"))
    changed, after = await sync(mia, token)
    assert changed == {"3.ics": "HTTP/1.1 404 Not Found", "4.ics": "200"}
    assert await sync(mia, after) == ({}, after)
    _, other = await sync(mia, path=BOOK)
    for wrong in (other, token + "999", "urn:x", token.replace("sync:", "sync:0")):
        inner = f"<D:sync-token>{wrong}</D:sync-token><D:prop/>"
        assert refused(await mia.report(HOME, "D:sync-collection", inner)) == (403, "valid-sync-token")


# address books


async def test_cards_are_kept_and_found(mia: Program) -> None:
    """DAV-11, DAV-18: every kind of match, limits, versions."""
    await mia.put("a.vcf", card("1", "EMAIL;TYPE=work:ada@example.org", "TEL:123"), BOOK)
    await mia.put("b.vcf", card("2", name="Bob Öster"), BOOK)

    async def names(filters: str, more: str = "", test: str = "anyof") -> list[str]:
        inner = f'<D:prop><D:getetag/></D:prop><CR:filter test="{test}">{filters}</CR:filter>{more}'
        answer = await mia.report(BOOK, "CR:addressbook-query", inner, depth="1")
        return sorted(path.rpartition("/")[2] for path in found(answer))

    def has(name: str, value: str, kind: str = "contains") -> str:
        return (
            f'<CR:prop-filter name="{name}"><CR:text-match match-type="{kind}">{value}</CR:text-match></CR:prop-filter>'
        )

    assert await names(has("FN", "ÖST")) == ["b.vcf"]
    assert await names(has("FN", "ada", "equals") + has("FN", "öster", "ends-with")) == ["a.vcf", "b.vcf"]
    assert await names(has("FN", "ad", "starts-with") + has("EMAIL", "example.org"), test="allof") == ["a.vcf"]
    assert await names('<CR:prop-filter name="EMAIL"><CR:is-not-defined/></CR:prop-filter>') == ["b.vcf"]
    assert await names("") == ["a.vcf", "b.vcf"]
    assert await names("", "<CR:limit><CR:nresults>1</CR:nresults></CR:limit>") == ["", "a.vcf"]
    for body in ("x", card("").replace("UID:\r\n", ""), card(version="2.1"), card(name="")):
        assert refused(await mia.ask("PUT", BOOK + "c.vcf", body, content_type="text/vcard"))[1] == "valid-address-data"


async def test_folds_may_cut_letters_in_two(mia: Program) -> None:
    """DAV-7, DAV-11: as simple programs write them; the client gets no ETag, as the entry isn't what it sent."""
    folded = card("1", name="Zoë").encode().replace("ë".encode(), b"\xc3\r\n \xab")
    answer = await mia.put("a.vcf", folded, BOOK)
    assert answer.status == 201
    assert "etag" not in answer.headers
    assert "FN:Zoë\r\n" in (await mia.ask("GET", BOOK + "a.vcf")).body.decode()
    folded = event("1", "SUMMARY:Größe").encode().replace("ö".encode(), b"\xc3\n\t\xb6")
    assert (await mia.put("a.ics", folded)).status == 201
    assert "Größe" in (await mia.ask("GET", HOME + "a.ics")).body.decode()
    assert (await mia.put("b.vcf", card("2", name="Zoë").encode("latin-1"), BOOK)).status == 403


async def test_a_card_is_shown_in_the_other_version(mia: Program) -> None:
    """DAV-11"""
    lines = ("EMAIL;PREF=1:ada@example.org", "PHOTO:data:image/png;base64,QUJD", "KIND:group", "MEMBER:urn:uuid:x")
    await mia.put("a.vcf", card("1", *lines), BOOK)

    async def shown(data: str) -> list[str]:
        inner = f"<D:prop>{data}</D:prop><D:href>{BOOK}a.vcf</D:href>"
        answer = await mia.report(BOOK, "CR:addressbook-multiget", inner)
        return text(found(answer)[BOOK + "a.vcf"][CR + "address-data"]).splitlines()[1:-1]

    assert await shown('<CR:address-data content-type="text/vcard" version="3.0"/>') == [
        "VERSION:3.0",
        "UID:1",
        "FN:Ada",
        "EMAIL;TYPE=pref:ada@example.org",
        "PHOTO;ENCODING=b;TYPE=PNG:QUJD",
        "X-ADDRESSBOOKSERVER-KIND:group",
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:x",
    ]
    assert await shown('<CR:address-data><CR:prop name="FN"/></CR:address-data>') == ["VERSION:3.0", "FN:Ada"]
    labeled = ("item1.EMAIL;X-A=b;PREF=1:ada@example.org", "item1.X-ABLabel:Boat", "BDAY:--1210")
    await mia.put("a.vcf", card("1", *labeled), BOOK)
    assert await shown("<CR:address-data/>") == [
        "VERSION:3.0",
        "UID:1",
        "FN:Ada",
        "item1.EMAIL;X-A=b;TYPE=pref:ada@example.org",
        "item1.X-ABLabel:Boat",
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10",
    ]
    await mia.put("a.vcf", card("1", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-12-10", version="3.0"), BOOK)
    assert (await shown('<CR:address-data version="4.0"/>'))[-1] == "BDAY:--1210"


async def test_principals_are_searched_and_other_reports_refused(mia: Program) -> None:
    """DAV-18, DAV-20"""

    def search(name: str) -> str:
        prop = "<D:prop><D:displayname/></D:prop>"
        return f"<D:property-search>{prop}<D:match>{name}</D:match></D:property-search>{prop}"

    assert list(found(await mia.report("/dav/principals/", "D:principal-property-search", search("MIA@")))) == [
        "/dav/principals/mia/"
    ]
    assert found(await mia.report("/dav/principals/", "D:principal-property-search", search("tom"))) == {}
    searchable = await mia.report("/dav/", "D:principal-search-property-set", "")
    assert b"displayname" in searchable.body
    assert b"email-address-set" in searchable.body
    for path, name in (
        (HOME, "D:x"),
        (HOME, "CR:addressbook-query"),
        ("/dav/", "D:sync-collection"),
        (BOOK, "C:free-busy-query"),
    ):
        assert refused(await mia.report(path, name, "")) == (403, "supported-report")


async def test_colleagues_are_found_by_their_whole_address(rig: Rig, mia: Program) -> None:
    """DAV-18b: also as Apple's programs ask; by no part, and nobody of another domain. Nothing of theirs is changed."""
    spaces = f'{SPACES} xmlns:A="http://calendarserver.org/ns/"'

    def search(*texts: str) -> str:
        prop = "<D:prop><A:email-address-set/></D:prop>"
        return "".join(f"<D:property-search>{prop}<D:match>{one}</D:match></D:property-search>" for one in texts)

    async def people(*texts: str, test: str = "allof") -> list[str]:
        prop = "<D:prop><D:displayname/><A:email-address-set/><C:calendar-home-set/></D:prop>"
        body = (
            f'<D:principal-property-search test="{test}" {spaces}>{search(*texts)}{prop}</D:principal-property-search>'
        )
        answers = found(await mia.ask("REPORT", "/dav/principals/", body))
        assert all(C + "calendar-home-set" not in props for path, props in answers.items() if "/mia/" not in path)
        return list(answers)

    assert await people("Tom@Example.org") == ["/dav/principals/tom/"]
    assert await people("mailto:tom@example.org", "to") == ["/dav/principals/tom/"]
    assert await people("tom@example.org", "zz") == []
    assert await people("tom@example.org", "zz", test="anyof") == ["/dav/principals/tom/"]
    assert await people("tom", "example.org", test="anyof") == ["/dav/principals/mia/"]
    [props] = (await mia.find("/dav/principals/tom/", D + "displayname", C + "calendar-user-address-set")).values()
    assert "mailto:tom@example.org" in [one.text for one in props[C + "calendar-user-address-set"]]
    for account in ("nobody", "mia@example.org"):
        assert (await mia.ask("PROPFIND", f"/dav/principals/{account}/", depth="0")).status == 404
    for method in ("PUT", "DELETE", "MKCOL", "GET"):
        assert (await mia.ask(method, "/dav/principals/tom/")).status in (403, 405, 409)
    listed = await mia.ask("PROPFIND", "/dav/principals/", depth="1")
    assert b"principals/tom" not in listed.body


async def test_quota(rig: Rig, mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-5, DAV-20"""
    await mia.put("a.ics", event())
    async with rig.account() as account:
        monkeypatch.setattr(type(account.config), "quota", 1)
        assert refused(await mia.put("b.ics", event("2"))) == (507, "quota-not-exceeded")
        props: dict[str, Any] = (await mia.find(HOME, D + "quota-available-bytes"))[HOME]
        assert text(props[D + "quota-available-bytes"]) == "0"


NOTES = (
    "BEGIN:VTIMEZONE\r\nTZID:Oslo\\, Bergen\r\n"
    "BEGIN:STANDARD\r\nDTSTART:19501029T020000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n"
    "RRULE:FREQ=YEARLY;BYMINUTE=0;BYHOUR=3;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n"
    "BEGIN:DAYLIGHT\r\nDTSTART:19500326T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"
    "RRULE:FREQ=YEARLY;BYMINUTE=0;BYHOUR=2;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)
"""A zone as Lotus Notes writes it, with a name as Outlook does."""


def in_notes(body: str) -> str:
    return body.replace("BEGIN:VEVENT", NOTES + "BEGIN:VEVENT", 1)


async def test_an_address_without_its_slash_keeps_the_method(mia: Program) -> None:
    """WEB-25: programs that follow a redirect of PROPFIND send PROPFIND there."""
    answer = await mia.ask("PROPFIND", "/dav")
    assert (answer.status, answer.headers["location"]) == (308, "/dav/")


async def test_others_do_not_wait_for_many_filters_of_a_long_entry(mia: Program) -> None:
    """DAV-18a: each of the lines of an entry is compared with each of the texts; the loop goes on meanwhile."""
    await mia.put("long.ics", event("1", *(f"X-NOTE:{index} über die Brücke" for index in range(9_000))))
    text = '<C:prop-filter name="X-NOTE"><C:text-match collation="i;unicode-casemap">8999 Ü</C:text-match>'
    wanted = f'<C:comp-filter name="VEVENT">{(text + "</C:prop-filter>") * 90}</C:comp-filter>'
    gaps: list[float] = []

    async def tick() -> None:
        # of the loop's own time: a busy machine is no loop that does not go on
        last = time.thread_time()
        while True:
            await trio.sleep(0.01)
            gaps.append(time.thread_time() - last)
            last = time.thread_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        assert await mia.names(wanted) == ["long.ics"]
        nursery.cancel_scope.cancel()
    assert max(gaps) < 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR"])
async def test_names_that_are_not_utf_8_are_not_there(mia: Program, method: str) -> None:
    """WEB-6: in the path of each method, in Destination, and in addresses in a body."""
    for path in (HOME + "%ff", "/dav/%ff/", HOME + "%c3%28", HOME + "%ed%a0%80", BOOK + "a%fe.vcf"):
        assert (await mia.ask(method, path, event(), content_type="text/calendar")).status == 404, path
    await mia.put("a", event())
    assert (await mia.ask("MOVE", HOME + "a", destination=HOME + "%ff")).status == 403
    assert (await mia.ask("MOVE", HOME + "a", destination="http://[::1")).status == 400
    answer = await mia.report(HOME, "C:calendar-multiget", "<D:prop/><D:href>http://[::1/a</D:href>")
    assert [one.findtext(D + "status") for one in responses(answer)] == ["HTTP/1.1 404 Not Found"]
    answer = await mia.report(HOME, "C:calendar-multiget", f"<D:prop/><D:href>{HOME}%ff</D:href>")
    assert [one.findtext(D + "status") for one in responses(answer)] == ["HTTP/1.1 404 Not Found"]


async def test_half_of_an_xml_document_and_pieces_of_a_path(mia: Program) -> None:
    """DAV-12, DAV-16: what is cut off, and addresses of requests that lead out of the tree."""
    assert (await mia.ask("REPORT", HOME)).status == 400
    hrefs = "<D:href>/dav/calendars/mia/../tom/x/a</D:href><D:href>%00</D:href><D:href>//x</D:href>"
    answer = await mia.report(HOME, "C:calendar-multiget", f"<D:prop><D:getetag/></D:prop>{hrefs}")
    assert [one.findtext(D + "status") for one in responses(answer)] == ["HTTP/1.1 404 Not Found"] * 3
    many = "<D:href>/dav/x</D:href>" * 5001
    assert refused(await mia.report(HOME, "C:calendar-multiget", f"<D:prop/>{many}"))[0] == 403


async def test_large_bodies_are_read_beside_the_event_loop(mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-16: a multiget of 2,000 entries with long names is answered."""
    loop, beside = threading.get_ident(), list[bool]()

    def read(data: bytes) -> Element:
        beside.append(threading.get_ident() != loop)
        return read_xml(data)

    monkeypatch.setattr(session, "read_xml", read)
    for number, octets in ((1, 0), (2_000, 400)):
        hrefs = "".join(f"<D:href>{HOME}{n}{'%C3%A9' * (octets // 6)}.ics</D:href>" for n in range(number))
        answer = await mia.report(HOME, "C:calendar-multiget", f"<D:prop><D:getetag/></D:prop>{hrefs}")
        assert len([*responses(answer)]) == number
    assert beside == [False, True]


async def test_an_entry_that_is_removed_during_a_query_is_left_out(
    mia: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-18: after its row was read, before its octets are; the others are answered, whole."""
    respond = Reports._response

    async def removed(self: Reports, where: Collection, resource: Resource, *rest: Any) -> AsyncIterator[str]:
        if resource.uid == "2":
            await self._account.write(lambda tx: delete_resource(tx, where.id, resource.name, lambda _: None))
        async for piece in respond(self, where, resource, *rest):
            yield piece

    for number in "123":
        await mia.put(f"{number}.ics", event(number))
        await mia.put(f"{number}.vcf", card(number), BOOK)
    monkeypatch.setattr(Reports, "_response", removed)
    assert sorted(await mia.query(of("VEVENT"))) == ["1.ics", "3.ics"]
    cards = "<D:prop><CR:address-data/></D:prop><CR:filter/>"
    answer = await mia.report(BOOK, "CR:addressbook-query", cards, depth="1")
    assert sorted(found(answer)) == [f"{BOOK}1.vcf", f"{BOOK}3.vcf"]


async def test_stored_instances_are_extended(rig: Rig, mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-9: those that end in less than a year."""
    monkeypatch.setattr("moxlite.groupware.entries.AFTER", 30 * 86_400)
    await mia.put("d.ics", event("1", "RRULE:FREQ=DAILY"))
    monkeypatch.undo()
    async with rig.account() as account:
        due = partial(due_expansions, before=int(time.time()) + 365 * 86_400, limit=9)
        assert [one.name for one in await account.read(due, op="test")] == ["d.ics"]
        await Expander(account).extend()
        assert await account.read(due, op="test") == []


async def test_a_damaged_entry_holds_up_no_other(rig: Rig, mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-9, DAV-50: the stored instances of the others are extended."""
    monkeypatch.setattr("moxlite.groupware.entries.AFTER", 30 * 86_400)
    for number in "12":
        await mia.put(f"{number}.ics", event(number, "RRULE:FREQ=DAILY"))
    monkeypatch.undo()
    async with rig.account() as account:
        [one] = await account.read(lambda r: r.rows("SELECT id FROM resource WHERE uid = '1'"), op="test")
        octets = await account.read(lambda r: resource_data(r, one[0]), op="test")
        change = "UPDATE resource_data SET data = ? WHERE resource_id = ?"
        await account.write(lambda tx: tx.execute(change, b"\0", *one))
        await Expander(account).extend()
        due = partial(due_expansions, before=int(time.time()) + 365 * 86_400, limit=9)
        assert [entry.name for entry in await account.read(due, op="test")] == ["1.ics"]
        await account.write(lambda tx: tx.execute(change, octets, *one))


async def test_records_and_settings_lead_to_the_service(rig: Rig) -> None:
    """DAV-21: SRV with the port, TXT with the path; they may be left out."""
    snapshot = rig.holder.current
    records = records_of(snapshot, require_domain(snapshot, "example.org")[0]).wanted
    for name in ("_caldavs._tcp.example.org.", "_carddavs._tcp.example.org."):
        found = [one for one in records if one.name == name]
        assert [(one.kind, one.value, one.optional) for one in found] == [
            ("SRV", SRV(0, 1, 443, "imap.example.org."), True),
            ("TXT", "path=/dav/", True),
        ]


async def test_contacts_of_the_webmail_are_cards(rig: Rig, mia: Program) -> None:
    """DAV-22, STORE-96a, WEBMAIL-128: each side sees the other's changes, and what only a phone knows stays."""
    browser = rig.browser(app="/webmail/")
    await browser.log_in()
    form = {"name": "Bo", "emails": [], "phones": [], "organization": "", "note": "", "groups": []}
    made = await browser.call("contact_save", contact={**form, "emails": [{"value": "bo@x.example", "kind": "work"}]})
    cards = await mia.find(BOOK, D + "getetag", depth="1")
    [path] = [one for one in cards if one != BOOK]
    body = (await mia.ask("GET", path)).body.decode()
    assert "EMAIL;TYPE=work:bo@x.example\r\n" in body
    changed = body.replace("END:VCARD", "X-SPOUSE:Ada\r\nTEL;TYPE=cell:+46 1\r\nEND:VCARD")
    assert (await mia.put(path.removeprefix(BOOK), changed, BOOK)).status == 204
    shown = await browser.call("contact", contact_id=made)
    assert shown["form"]["phones"] == [{"value": "+46 1", "kind": "mobile"}]
    assert shown["further"] == [{"topic": "other", "label": "Spouse", "value": "Ada"}]
    new = {**shown["form"], "note": "Met in Kiruna."}
    await browser.call("contact_save", contact=new, contact_id=made, changed=shown["changed"])
    body = (await mia.ask("GET", path)).body.decode()
    assert "X-SPOUSE:Ada\r\nTEL;TYPE=cell:+46 1\r\nNOTE:Met in Kiruna.\r\n" in body
    assert (await mia.put("ada.vcf", card("ada", "EMAIL:ada@x.example", "CATEGORIES:Sailing"), BOOK)).status == 201
    listed = await browser.call("contacts", search="sail")
    assert [one["name"] for one in listed["contacts"]] == ["Ada"]
    assert (await mia.ask("DELETE", BOOK + "ada.vcf")).status == 204
    removed = await browser.call("contact_remove", contact_id=made)
    assert (await browser.call("contacts"))["total"] == 0
    assert list(await mia.find(BOOK, D + "getetag", depth="1")) == [BOOK]
    await browser.call("contact_restore", card=removed)
    await browser.call("contact_restore", card=removed)
    assert [one["name"] for one in (await browser.call("contacts"))["contacts"]] == ["Bo"]
