"""The files of fixtures/programs, written by the habits of nine programs, are read the same by DAV, JMAP and webmail,
however they came: by PUT, by JMAP or by an import. What they say stands beside them, found without our code.
"""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from moxlite.admin.doctor.helpers import Helpers
from moxlite.proto.cards.contentline import unescaped
from tests.jmap_rig import JMAP, Client, Object
from tests.session.test_web_contacts import import_file
from tests.session.test_web_dav import BOOK, CR, HOME, Program, between, found, of, text
from tests.session.test_web_entry_files import upload
from tests.session.test_web_imports import imported
from tests.store_imports import mbox
from tests.web_rig import STATIC, Browser, Rig, open_rig

pytestmark = pytest.mark.served

CORPUS: Final = Path(__file__).parents[2] / "fixtures" / "programs"
PROGRAMS: Final = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
YEAR: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

Line = tuple[str, str]


def programs(*, without: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """A case for each program."""
    return pytest.mark.parametrize("program", [name for name in PROGRAMS if name not in without])


def of_program(program: str, name: str) -> tuple[bytes, Object]:
    """A file with the line ends of its format, and what it says."""
    path = CORPUS / program / name
    facts: Object = json.loads((CORPUS / program / f"{name}.json").read_text())
    return path.read_bytes().replace(b"\n", b"\r\n"), facts


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A server with JMAP, DAV and the webmail. It does not try its child processes: a trial, which is in a thread, may
    outlast the test.
    """

    async def nothing(*_: object) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(Helpers, "once", nothing)
    async with trio.open_nursery() as nursery:
        yield await open_rig(tmp_path, nursery, static=STATIC + JMAP)
        nursery.cancel_scope.cancel()


def lines_of(content: str) -> list[Line]:
    """Names and values of the lines of entries and cards, without groups and parameters."""
    pairs = []
    own = re.sub(r"(?s)BEGIN:(VALARM|VTIMEZONE)\b.*?END:\1\r?\n", "", re.sub("\r?\n[ \t]", "", content))
    for line in own.splitlines():
        head, _, value = re.sub('"[^"]*"', "", line).partition(":")
        pairs.append((head.partition(";")[0].rpartition(".")[2], line[len(line) - len(value) :]))
    return pairs


def said(lines: list[Line], name: str) -> list[str]:
    return [value for key, value in lines if key == name]


def words(lines: list[Line], name: str) -> list[str]:
    return [unescaped(value) for value in said(lines, name)]


# events


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def people(addresses: Any) -> list[str]:
    return sorted({address.lower().removeprefix("mailto:") for address in addresses if address})


def instants_of(facts: Object) -> list[list[str]]:
    """Starts and ends."""
    starts = [datetime.fromisoformat(one) for one in facts["instants"]]
    return [[stamp(one.timestamp()), stamp(one.timestamp() + facts["minutes"] * 60)] for one in starts]


async def event_by_dav(rig: Rig) -> Object:
    """What a query that expands says."""
    first, last = (moment.strftime("%Y%m%dT%H%M%SZ") for moment in YEAR)
    data = f'<C:calendar-data><C:expand start="{first}" end="{last}"/></C:calendar-data>'
    [(_, content)] = (await Program(rig).query(of("VEVENT", between(first, last)), data)).items()
    lines = lines_of(content)
    times = [
        [datetime.strptime(f"{value}+0000", "%Y%m%dT%H%M%SZ%z") for value in said(lines, name)]
        for name in ("DTSTART", "DTEND")
    ]
    return {
        "uid": {*words(lines, "UID")},
        "title": {*words(lines, "SUMMARY")},
        "place": {*words(lines, "LOCATION")},
        "people": people([*said(lines, "ORGANIZER"), *said(lines, "ATTENDEE")]),
        "instants": sorted(
            [stamp(start.timestamp()), stamp(end.timestamp())] for start, end in zip(*times, strict=True)
        ),
    }


async def event_by_jmap(rig: Rig) -> tuple[Object, Object]:
    """What its instances say, and the series."""
    client = Client(rig)
    after, before = (moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in YEAR)
    query = await client.call("CalendarEvent/query", filter={"after": after, "before": before}, expandRecurrences=True)
    times = ["utcStart", "utcEnd", "uid", "title", "locations", "participants", "organizerCalendarAddress"]
    instances = (await client.call("CalendarEvent/get", ids=query["ids"], properties=times))["list"]
    addresses = [one["calendarAddress"] for item in instances for one in (item.get("participants") or {}).values()]
    [series] = (await client.call("CalendarEvent/get", properties=["start", "timeZone", "duration"]))["list"]
    return {
        "uid": {item["uid"] for item in instances},
        "title": {item["title"] for item in instances},
        "place": {place["name"] for item in instances for place in (item.get("locations") or {}).values()},
        "people": people([*addresses, *(item.get("organizerCalendarAddress") for item in instances)]),
        "instants": sorted([item["utcStart"], item["utcEnd"]] for item in instances),
    }, series


async def event_by_webmail(browser: Browser) -> Object:
    """What the page of calendars shows."""
    numbers = [one["id"] for one in await browser.call("calendars")]
    since, until = (int(moment.timestamp()) for moment in YEAR)
    items = (await browser.call("events", since=since, until=until, calendar_ids=numbers))["events"]
    shown = [await browser.call("event", event_id=item["id"], recurrence=item["recurrence"]) for item in items]
    guests = [guest["address"] for one in shown for guest in (one["organizer"], *one["guests"]) if guest]
    return {
        "title": {item["title"] for item in items},
        "place": {item["place"] for item in items},
        "people": people(guests),
        "instants": sorted([stamp(item["starts"]), stamp(item["ends"])] for item in items),
    }


async def check_event(rig: Rig, browser: Browser, facts: Object) -> None:
    """Ask all three what the calendar has."""
    right = {
        "uid": {facts["uid"]},
        "title": {facts["title"]},
        "place": {facts["place"]},
        "people": facts["people"],
        "instants": instants_of(facts),
    }
    assert await event_by_dav(rig) == right
    by_jmap, series = await event_by_jmap(rig)
    assert by_jmap == right
    assert (series["start"], series["timeZone"]) == (facts["start"], facts["zone"])
    by_webmail = await event_by_webmail(browser)
    right["place"] = {" ".join(facts["place"].split("\n"))}  # in one line
    assert by_webmail == {name: right[name] for name in by_webmail}


@programs()
async def test_an_event_is_read_alike(rig: Rig, browser: Browser, program: str) -> None:
    """DAV-8, DAV-9, DAV-49, JMAP-72, JMAP-74, JMAP-76, WEBMAIL-174: at the same moments on both sides of a change of
    the clocks, under the same names.
    """
    octets, facts = of_program(program, "event.ics")
    stored = re.sub("METHOD:.*\r\n", "", octets.decode())  # no entry has one (RFC 4791 §4.1); programs take it off
    mia = Program(rig)
    answer = await mia.put("a.ics", stored)
    assert answer.status == 201, answer.body
    await check_event(rig, browser, facts)
    await mia.ask("DELETE", HOME + "a.ics")
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    done = await browser.call("calendar_import", calendar_id=calendar, upload_id=await upload(browser, octets))
    assert (done["added"], done["problems"]) == (1, [])
    await check_event(rig, browser, facts)
    client = Client(rig)
    blob = await client.upload(octets, "text/calendar")
    [parsed, *_] = (await client.call("CalendarEvent/parse", blobIds=[blob]))["parsed"][blob]
    read = [parsed[name] for name in ("uid", "title", "start", "timeZone")]
    assert read == [facts[name] for name in ("uid", "title", "start", "zone")]


# contacts


async def contact_by_dav(rig: Rig, path: str) -> Object:
    """What a card of version 4.0 says."""
    inner = f'<D:prop><CR:address-data content-type="text/vcard" version="4.0"/></D:prop><D:href>{path}</D:href>'
    answer = await Program(rig).report(path.rpartition("/")[0] + "/", "CR:addressbook-multiget", inner)
    lines = lines_of(text(found(answer)[path][CR + "address-data"]))

    def each(name: str, separator: str) -> list[str]:
        return [
            ", ".join(unescaped(part) for part in re.split(r"(?<!\\)" + separator, value) if part)
            for value in said(lines, name)
        ]

    def several(name: str) -> list[str]:
        return [unescaped(part) for value in said(lines, name) for part in re.split(r"(?<!\\),", value)]

    birthday = "".join(said(lines, "BDAY"))
    photos = [base64.b64decode(value.partition("base64,")[2], validate=True) for value in said(lines, "PHOTO")]
    whole = re.fullmatch(r"(\d{4}|--)-?(\d\d)-?(\d\d)", birthday)
    return {
        "name": " ".join(words(lines, "FN")),
        "emails": words(lines, "EMAIL"),
        "phones": [value.removeprefix("tel:") for value in words(lines, "TEL")],
        "organization": [
            unescaped(unit) for value in said(lines, "ORG") for unit in re.split(r"(?<!\\);", value) if unit
        ],
        "nicknames": several("NICKNAME"),
        "birthday": f"{whole[1]}{'' if whole[1] == '--' else '-'}{whole[2]}-{whole[3]}" if whole else None,
        "addresses": each("ADR", ";"),
        "links": words(lines, "URL"),
        "note": "".join(words(lines, "NOTE")).strip("\r\n").replace("\r\n", "\n"),
        "groups": several("CATEGORIES"),
        "photo": hashlib.sha256(photos[0]).hexdigest() if photos else None,
    }


async def contact_by_jmap(rig: Rig) -> tuple[str, Object]:
    """The UID, and what a card of JSContact says."""
    [card] = (await Client(rig).call("ContactCard/get"))["list"]

    def each(name: str, key: str) -> list[Any]:
        return [one[key] for one in (card.get(name) or {}).values()]

    [birthday] = [one["date"] for one in (card.get("anniversaries") or {}).values() if one["kind"] == "birth"] or [None]
    year = "" if birthday is None else f"{birthday['year']:04}-" if "year" in birthday else "--"
    units = [unit["name"] for one in (card.get("organizations") or {}).values() for unit in one.get("units") or ()]
    return card["uid"], {
        "name": card["name"]["full"],
        "emails": each("emails", "address"),
        "phones": [value.removeprefix("tel:") for value in each("phones", "number")],
        "organization": [*each("organizations", "name"), *units],
        "nicknames": each("nicknames", "name"),
        "birthday": birthday and f"{year}{birthday['month']:02}-{birthday['day']:02}",
        "addresses": [", ".join(part["value"] for part in parts) for parts in each("addresses", "components")],
        "links": each("links", "uri"),
        "note": "".join(each("notes", "note")).strip("\r\n").replace("\r\n", "\n"),
        "groups": [*(card.get("keywords") or {})],
    }


async def contact_by_webmail(browser: Browser) -> Object:
    """What the form of the contact shows."""
    [item] = (await browser.call("contacts"))["contacts"]
    form = (await browser.call("contact", contact_id=item["id"]))["form"]
    return {
        "name": form["name"],
        "emails": [one["value"] for one in form["emails"]],
        "phones": [one["value"].removeprefix("tel:") for one in form["phones"]],
        "organization": ", ".join(filter(None, [form["organization"], form["details"]["department"]])),
        "note": form["note"].strip("\r\n"),
        "groups": form["groups"],
    }


async def check_contact(rig: Rig, browser: Browser, facts: Object) -> None:
    """Ask all three what the address book has."""
    right = {name: value for name, value in facts.items() if name not in ("uid", "photo")}
    uid, by_jmap = await contact_by_jmap(rig)
    assert by_jmap | {"groups": sorted(by_jmap["groups"])} == right | {"groups": sorted(right["groups"])}
    assert uid == facts["uid"] or facts["uid"] is None
    by_webmail = await contact_by_webmail(browser)
    shown = {**right, "organization": ", ".join(right["organization"])}
    assert by_webmail == {name: shown[name] for name in by_webmail}
    answer = await Program(rig).find(BOOK, "{DAV:}getetag", depth="1")
    [path] = [path for path in answer if path != BOOK]
    assert await contact_by_dav(rig, path) == right | {"photo": facts["photo"]}


@programs(without=("outlook",))
async def test_a_contact_that_a_program_put_is_read_alike(rig: Rig, browser: Browser, program: str) -> None:
    """DAV-11, JMAP-60, WEBMAIL-128: names, addresses, a birthday without a year, links. Of version 2.1, which Outlook
    writes, no program puts a card (RFC 6352 §5.1).
    """
    octets, facts = of_program(program, "contact.vcf")
    card = octets.decode()
    if facts["uid"] is None:  # programs give one to a card that was made elsewhere (RFC 6352 §5.1)
        card = card.replace("END:VCARD", "UID:1\r\nEND:VCARD")
    answer = await Program(rig).put("a.vcf", card, BOOK)
    assert answer.status == 201, answer.body
    await check_contact(rig, browser, facts)


@programs()
async def test_an_imported_contact_is_read_alike(rig: Rig, browser: Browser, program: str) -> None:
    """DAV-49, JMAP-60, WEBMAIL-128: the same from a file."""
    octets, facts = of_program(program, "contact.vcf")
    done = await import_file(browser, octets)
    assert (done["added"], done["unread"], done["problems"]) == (1, 0, [])
    await check_contact(rig, browser, facts)


# mail


def leaves_of(part: Object) -> list[Object]:
    """The leaves of a tree of parts as JMAP or the webmail shows it; a message in a message is one."""
    inner = part.get("subParts") or part.get("parts") or []
    kind = part.get("type") or part["content_type"].lower()
    if not kind.startswith("multipart/") or not inner:
        return [part]
    return [leaf for one in inner for leaf in leaves_of(one)]


async def mail_by_jmap(rig: Rig, number: str) -> Object:
    """What Email/get says, and the octets of its files."""
    client = Client(rig)
    properties = ["subject", "from", "to", "bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"]
    [mail] = (await client.call("Email/get", ids=[number], properties=properties, fetchTextBodyValues=True))["list"]
    texts = {part["partId"] for part in (*mail["textBody"], *mail["htmlBody"])}
    files = {part["blobId"] for part in mail["attachments"]}
    leaves = []
    for part in leaves_of(mail["bodyStructure"]):
        octets = (await client.http("GET", f"/jmap/download/{client.account}/{part['blobId']}/x?accept=a/b")).body
        place = "file" if part["blobId"] in files else "text" if part["partId"] in texts else "nowhere"
        leaves.append((part["type"], part["name"] or "", place, hashlib.sha256(octets).hexdigest()))
    return {
        "subject": mail["subject"],
        "from": [mail["from"][0]["name"] or "", mail["from"][0]["email"]],
        "to": [[one["name"] or "", one["email"]] for one in mail["to"]],
        "text": "".join(value["value"] for value in mail["bodyValues"].values()),
        "leaves": leaves,
    }


async def mail_by_webmail(browser: Browser, number: int) -> Object:
    """What the page of the message shows, and the octets of its files."""
    item = await browser.call("message_item", message_id=number)
    parsed = await browser.call("parsed_message", message_id=number)
    files = {one["path"]: one for one in parsed["attachments"]}
    page = (
        (await browser.fetch(f"/webmail/msg/{number}/html?sameorigin=true")).body.decode() if parsed["has_html"] else ""
    )
    [inside] = re.findall('<meta name="inside" content="([^"]*)">', page) or [""]
    texts = {one["path"] for one in parsed["texts"]}
    leaves = []
    for part in leaves_of(parsed["structure"]):
        path, kind = part["path"], part["content_type"].lower()
        octets = (await browser.fetch(f"/webmail/msg/{number}/download/{path}")).body
        drawn = path in texts or (kind == "text/html" and page)
        place = "drawn" if path in inside.split() else "file" if path in files else "text" if drawn else "nowhere"
        leaves.append((kind, part["filename"], place, hashlib.sha256(octets).hexdigest()))
    return {"item": item, "text": "".join(one["text"] for one in parsed["texts"]), "leaves": leaves, "files": files}


def right_leaves(facts: Object, told: dict[str, str]) -> list[tuple[str, str, str]]:
    """The leaves that an interface has to show. `told`: its words for places."""
    return [(one["type"], one["name"], told.get(one["place"], one["place"])) for one in facts["leaves"]]


async def check_mail(rig: Rig, browser: Browser, facts: Object, number: str) -> None:
    """Ask JMAP and the webmail what the Inbox has."""
    sums = [one["sha256"] for one in facts["leaves"]]
    by_jmap = await mail_by_jmap(rig, number)
    assert [by_jmap[name] for name in ("subject", "from", "to")] == [facts[name] for name in ("subject", "from", "to")]
    assert facts["says"] in by_jmap["text"].replace("\xa0", " ").replace(" \n", " ")
    assert [leaf[:3] for leaf in by_jmap["leaves"]] == right_leaves(facts, {"drawn": "file", "signature": "file"})
    assert [leaf[3] if one else None for leaf, one in zip(by_jmap["leaves"], sums, strict=True)] == sums
    by_webmail = await mail_by_webmail(browser, int(number[1:]))
    assert facts["says"] in by_webmail["text"].replace("\xa0", " ").replace(" \n", " ")
    assert [leaf[:3] for leaf in by_webmail["leaves"]] == right_leaves(facts, {"signature": "nowhere"})
    assert [leaf[3] if one else None for leaf, one in zip(by_webmail["leaves"], sums, strict=True)] == sums
    if facts["event"]:
        [path] = [path for path, one in by_webmail["files"].items() if one["content_type"].lower() == "text/calendar"]
        await check_invitation(rig, browser, facts["event"], int(number[1:]), path)


async def check_invitation(rig: Rig, browser: Browser, right: Object, number: int, path: str) -> None:
    """Ask the card of the invitation, and JMAP about its file."""
    card = await browser.call("invitation", message_id=number, path=path)
    shown = [card["title"], card["place"], stamp(card["start"]["utc"]), stamp(card["end"]["utc"])]
    assert shown == [right[name] for name in ("title", "place", "starts", "ends")]
    assert (card["organizer"]["address"], card["me"]) == (right["organizer"], "mia@example.org")
    client = Client(rig)
    calendar = (await browser.fetch(f"/webmail/msg/{number}/download/{path}")).body
    blob = await client.upload(calendar, "text/calendar")
    [event] = (await client.call("CalendarEvent/parse", blobIds=[blob]))["parsed"][blob]
    assert (event["title"], event["timeZone"]) == (right["title"], right["zone"])


@programs()
async def test_a_mail_is_read_alike(rig: Rig, browser: Browser, program: str) -> None:
    """WEBMAIL-48, WEBMAIL-48a, WEBMAIL-54, JMAP-20, JMAP-21, WEB-72: each leaf is a text, drawn, or a file, under its
    name and whole.
    """
    octets, facts = of_program(program, "mail.eml")
    client = Client(rig)
    number = await client.imported(octets)
    await check_mail(rig, browser, facts, number)
    await client.call("Email/set", destroy=[number])
    account = rig.browser(app="/")
    await account.log_in()
    done = await imported(rig, account, ("file", mbox([octets])))
    assert (done["messages"], done["problems"]) == (1, 0)
    [number] = (await client.call("Email/query"))["ids"]
    await check_mail(rig, browser, facts, number)
