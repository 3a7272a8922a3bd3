"""Scheduling: invitations, answers and their mail, as programs and users see them (docs/spec/dav.md §6)."""

import json
import os
import threading
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any
from xml.etree.ElementTree import fromstring

import msgspec
import pytest
import trio

from moxlite.groupware import carrying, entries
from moxlite.groupware.letters import LANGUAGES, REMINDERS, SAID, SAID_OF_DATES
from moxlite.operations.queue import Fail
from moxlite.proto.cards.components import Component, read_components
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.store.auth.credentials import change_password
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import SUBMIT, OwedMessage
from moxlite.store.errors import StorageBroken
from moxlite.store.groupware import scheduling
from moxlite.store.groupware.collection import Access, CollectionChange, collection_named, patch_collection
from moxlite.store.groupware.contacts import save_contact
from moxlite.store.groupware.resources import entry_with_uid, resource_data
from moxlite.store.mail.facts import MessageFacts, SMTPFacts, Validation
from moxlite.store.mail.settings import patch_settings
from moxlite.store.upkeep.outbox import OutboxRow
from tests.browsing import Answer
from tests.session.test_web_dav import HOME, C, D, Program, calendar, event, refused, text
from tests.store_mail import deliver_mail
from tests.tools import top
from tests.web_rig import PASSWORD, Rig

pytestmark = pytest.mark.served

TOM = "/dav/calendars/tom/calendar/"
GUESTS = ("ORGANIZER;CN=Mia:mailto:mia@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:mia@example.org")
TOM_ASKED = "ATTENDEE;CN=Tom;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Tom@example.org"
ADA_ASKED = "ATTENDEE;CN=Ada;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:ada@remote.example"


def meeting(*lines: str, start: str = "20991124T100000Z", uid: str = "m1", sequence: int = 0) -> str:
    end = start.replace("T10", "T11").replace("T12", "T13")
    times = (f"UID:{uid}", "DTSTAMP:20261101T000000Z", f"DTSTART:{start}", f"DTEND:{end}", f"SEQUENCE:{sequence}")
    return calendar(*times, "SUMMARY:Plan", *GUESTS, *lines)


class Office:
    """Two users of the server, and the mail that leaves."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.mia = Program(rig)
        self.tom = Program(rig, "tom@example.org")
        self.mails: list[EmailMessage] = []
        self.subjects: list[str] = []

    async def begin(self) -> None:
        async with self.rig.account("tom") as account:
            await change_password(account, PASSWORD)
        self.rig.accounts.register_outbox(SUBMIT, self._take)

    async def _take(self, _: Account, row: OutboxRow) -> None:
        owed = OwedMessage.unpack(row.data)
        mail = message_from_bytes(owed.submission.prefix + owed.octets, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.subjects.append(owed.submission.subject)

    async def settle(self) -> None:
        """Have all that is owed handed over."""
        for _ in range(2):
            for name in ("mia", "tom"):
                async with self.rig.account(name) as account:
                    await account.carrier.once()

    async def entry(self, name: str, uid: str = "m1") -> str:
        """An entry of an account, without folds; "" for none."""
        async with self.rig.account(name) as account:
            one = await account.read(lambda r: entry_with_uid(r, uid), op="test")
            if one is None:
                return ""
            data = await account.read(lambda r: resource_data(r, one.id), op="test")
            return data.decode().replace("\r\n ", "")


@pytest.fixture
async def office(rig: Rig) -> Office:
    found = Office(rig)
    await found.begin()
    return found


def line(entry: str, name: str, value: str) -> str:
    """The line with a name and a value, in any case."""
    return next((one for one in entry.split("\r\n") if one.startswith(name) and value in one.lower()), "")


async def test_a_meeting_of_two_users_of_the_server(office: Office) -> None:
    """DAV-23, DAV-24, DAV-26: asked, answered, moved, called off; nothing leaves by mail."""
    mia, tom = office.mia, office.tom
    made = await mia.put("m.ics", meeting(TOM_ASKED, "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM"))
    assert (made.status, "etag" in made.headers, "schedule-tag" in made.headers) == (201, False, True)
    assert "SCHEDULE-STATUS=1.2" in line(await office.entry("mia"), "ATTENDEE", "tom@")
    await office.settle()
    got = await office.entry("tom")
    assert "SUMMARY:Plan" in got
    assert "VALARM" not in got
    assert "METHOD" not in got
    names = await tom.find(TOM, C + "schedule-tag", depth="1")
    [path] = [one for one in names if one != TOM]
    mine = line(got, "ATTENDEE", "tom@")
    answer = got.replace(mine, mine.replace("NEEDS-ACTION", "ACCEPTED"))
    before = await mia.ask("GET", HOME + "m.ics")
    answered = await tom.put(path.rpartition("/")[2], answer, TOM)
    assert (answered.status, answered.headers.get("etag")) == (204, None)
    await office.settle()
    after = await mia.ask("GET", HOME + "m.ics")
    assert "PARTSTAT=ACCEPTED" in line(await office.entry("mia"), "ATTENDEE", "tom@")
    assert after.headers["schedule-tag"] == before.headers["schedule-tag"]
    assert after.headers["etag"] != before.headers["etag"]
    # an old copy with the newest tag keeps the answer; a move makes it void
    stale = before.body.decode().replace("SUMMARY:Plan", "SUMMARY:Better plan")
    same = await mia.put("m.ics", stale, if_schedule_tag_match=before.headers["schedule-tag"])
    assert same.status == 204
    assert "PARTSTAT=ACCEPTED" in line(await office.entry("mia"), "ATTENDEE", "tom@")
    old = await mia.put("m.ics", stale, if_schedule_tag_match=before.headers["schedule-tag"])
    assert old.status == 412
    await office.settle()
    assert "SUMMARY:Better plan" in await office.entry("tom")
    moved = (await office.entry("mia")).replace("T100000Z", "T120000Z").replace("T110000Z", "T130000Z")
    assert (await mia.put("m.ics", moved)).status == 204
    await office.settle()
    got = await office.entry("tom")
    assert "PARTSTAT=NEEDS-ACTION" in line(got, "ATTENDEE", "tom@")
    assert "SEQUENCE:1\r\n" in got
    assert "DTSTART:20991124T120000Z" in got
    assert (await mia.ask("DELETE", HOME + "m.ics")).status == 204
    await office.settle()
    assert "STATUS:CANCELLED" in await office.entry("tom")
    assert office.mails == []


async def test_a_calendar_that_goes_calls_its_meetings_off(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-23: in several units, of which the first alone looks at the conditions; a past meeting is not told."""
    monkeypatch.setattr(scheduling, "AT_ONCE", 1)
    mia = office.mia
    assert (await mia.put("m.ics", meeting(TOM_ASKED))).status == 201
    assert (await mia.put("n.ics", meeting(TOM_ASKED, uid="m2"))).status == 201
    assert (await mia.put("o.ics", meeting(TOM_ASKED, uid="m3", start="20200101T100000Z"))).status == 201
    await office.settle()
    found = await mia.find(HOME, D + "sync-token")
    token = found[HOME][D + "sync-token"].text
    assert (await mia.ask("DELETE", HOME, **{"if": "(<urn:x>)"})).status == 412
    assert (await mia.ask("DELETE", HOME, **{"if": f"(<{token}>)"})).status == 204
    await office.settle()
    assert [("STATUS:CANCELLED" in await office.entry("tom", uid)) for uid in ("m1", "m2")] == [True, True]
    assert await office.entry("tom", "m3") == ""
    assert (await mia.ask("PROPFIND", HOME, depth="0")).status == 404


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        (
            "de",
            "Einladung: Plan",
            ("lädt zu diesem", "Wann: Dienstag, 24. November 2099, 10:00–11:00 (UTC)"),
        ),
        ("fr", "Invitation: Plan", ("vous invite", "Quand: mardi 24 novembre 2099, 10:00–11:00 (UTC)")),
        ("es", "Invitación: Plan", ("te invita", "Cuándo: martes, 24 de noviembre de 2099, 10:00–11:00 (UTC)")),
        ("", "Invitation: Plan", ("invited you", "When: Tuesday, November 24, 2099, 10:00–11:00 (UTC)")),
    ],
)
async def test_mail_about_events_is_in_the_language_of_its_sender(
    office: Office, language: str, subject: str, words: tuple[str, ...]
) -> None:
    """DAV-25: the one that the user has chosen, else English; the change says what was before."""
    async with office.rig.account() as account:
        await account.write(lambda tx: patch_settings(tx, {"language": language}))
    await office.mia.put("m.ics", meeting(ADA_ASKED, "LOCATION:Kiruna"))
    await office.settle()
    await office.mia.put("m.ics", meeting(ADA_ASKED, "LOCATION:Oslo"))
    await office.settle()
    first, second = office.mails
    assert first["Subject"] == subject
    bodies = [one.get_body(("plain",)).get_content() for one in (first, second)]  # type: ignore[union-attr]  # it has one
    assert all(one in bodies[0] for one in words)
    assert "Oslo (" in bodies[1]
    assert "Kiruna)" in bodies[1]


def test_mail_about_events_has_all_languages_of_the_webmail() -> None:
    """DAV-25, DAV-50: each with all words, and its own ones."""
    every = {path.stem for path in (top() / "frontend/i18n").glob("*.json")} | {"en"}
    assert LANGUAGES.keys() == REMINDERS.keys() == every
    for code, words in LANGUAGES.items():
        assert all("{name}" in sentence for sentence in words.sentences.values()), code
        sentences = len(SAID) + len(SAID_OF_DATES)
        assert (len(words.days), len(words.months), len(set(words.sentences.values()))) == (7, 12, sentences), code
        day = words.date.format(day=words.days[0], number=24, month=words.months[10], year=2099)
        assert all(piece in day for piece in (words.days[0], "24", words.months[10], "2099")), code
    english = LANGUAGES["en"]
    for code in every - {"en"}:
        assert not set(english.sentences.values()) & set(LANGUAGES[code].sentences.values()), code
        assert LANGUAGES[code].answer != english.answer


async def test_each_guest_gets_mail_in_the_language_of_the_own_mail(office: Office) -> None:
    """DAV-25: one mail a language, each once; without a mail of the guest the user's, which none of ours is here."""
    eve = ADA_ASKED.replace("ada@", "eve@")
    bob = ADA_ASKED.replace("ada@", "bob@")
    async with office.rig.account() as account:
        for name, field in (("ada", "Content-Language: de-DE"), ("eve", "Accept-Language: xx, fr-FR, en-US")):
            smtp = SMTPFacts(msgfrom=name, msgfrom_domain="remote.example")
            data = f"From: {name}@remote.example\r\n{field}\r\n\r\nx\r\n".encode()
            await deliver_mail(account, data, facts=MessageFacts(smtp=smtp))
    await office.mia.put("m.ics", meeting(ADA_ASKED, eve, bob))
    await office.settle()
    found = {mail["To"]: mail.get_body(("plain",)).get_content().split("\n")[0] for mail in office.mails}  # type: ignore[union-attr]  # it has one
    assert len(office.mails) == 3
    assert "lädt zu diesem" in found["ada@remote.example"]
    assert "vous invite" in found["eve@remote.example"]
    assert "invited you" in found["bob@remote.example"]


async def test_guests_elsewhere_get_mail_once(office: Office) -> None:
    """DAV-25: a text in words, the calendar, a file; nothing for a change that does not matter to guests."""
    mia = office.mia
    await mia.put("m.ics", meeting(ADA_ASKED, "X-OWN:secret", "LOCATION:Kiruna"))
    assert "SCHEDULE-STATUS=1.1" in line(await office.entry("mia"), "ATTENDEE", "ada@")
    await office.settle()
    [mail] = office.mails
    assert (mail["From"], mail["To"]) == ("mia@example.org", "ada@remote.example")
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Invitation: Plan", "auto-generated")
    body = mail.get_body(("plain",))
    assert body is not None
    words = body.get_content()
    assert "When: Tuesday, November 24, 2099, 10:00–11:00 (UTC)" in words
    [invite] = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    assert invite.get_param("method") == "REQUEST"
    octets = invite.get_payload(decode=True)
    assert isinstance(octets, bytes)
    assert b"METHOD:REQUEST" in octets
    assert b"secret" not in octets
    assert b"SCHEDULE-" not in octets
    assert [one.get_filename() for one in mail.iter_attachments()] == ["invite.ics"]
    alarm = (await office.entry("mia")).replace("END:VEVENT", "TRANSP:TRANSPARENT\r\nEND:VEVENT")
    assert (await mia.put("m.ics", alarm)).status == 204
    await office.settle()
    assert len(office.mails) == 1
    moved = alarm.replace("T100000Z", "T120000Z").replace("T110000Z", "T130000Z")
    await mia.put("m.ics", moved)
    await mia.ask("DELETE", HOME + "m.ics")
    await office.settle()
    assert [one["Subject"] for one in office.mails[1:]] == ["Updated: Plan", "Canceled: Plan"]
    changed = office.mails[1].get_body(("plain",))
    assert changed is not None
    assert "(was: Tuesday, November 24, 2099, 10:00–11:00 (UTC))" in " ".join(changed.get_content().split())


async def test_a_guest_whose_address_is_written_with_a_name_is_invited(office: Office) -> None:
    """DAV-25: as some programs write it, escaped in the URI; guests of this server, too."""
    ada, tom = (one.replace("mailto:", "mailto:%22N%2E%22%20%3C") + "%3E" for one in (ADA_ASKED, TOM_ASKED))
    await office.mia.put("m.ics", meeting(ada, tom))
    assert "SCHEDULE-STATUS=1.1" in line(await office.entry("mia"), "ATTENDEE", "ada@")
    await office.settle()
    assert [(mail["To"], mail["Subject"]) for mail in office.mails] == [("ada@remote.example", "Invitation: Plan")]
    assert "SUMMARY:Plan" in await office.entry("tom")


async def test_an_event_that_loses_its_people_is_called_off(office: Office) -> None:
    """DAV-24: the organiser makes it an event without guests; these are told, by the address of before."""
    assert (await office.mia.put("m.ics", meeting(ADA_ASKED))).status == 201
    await office.settle()
    alone = "\r\n".join(one for one in meeting().split("\r\n") if not one.startswith(("ORGANIZER", "ATTENDEE")))
    assert (await office.mia.put("m.ics", alone)).status == 204
    await office.settle()
    assert office.subjects == ["Invitation: Plan", "Canceled: Plan"]


async def test_what_a_copy_or_move_replaces_is_called_off(office: Office) -> None:
    """DAV-23, DAV-26: as a removed entry: guests hear that it is off, the organiser hears no; it can come back."""
    mia, work = office.mia, "/dav/calendars/mia/work/"
    assert (await mia.ask("MKCALENDAR", work)).status == 201
    for name in ("a", "b", "c"):
        assert (await mia.put(f"{name}.ics", event(name), work)).status == 201
    assert (await mia.put("m.ics", meeting(ADA_ASKED))).status == 201
    theirs = meeting(uid="x").replace("mia@example.org", "ada@remote.example").replace("CN=Mia:", "CN=Ada:")
    asked = theirs.replace("END:VEVENT", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:mia@example.org\r\nEND:VEVENT")
    assert (await mia.put("x.ics", asked)).status == 201
    assert (await mia.put("y.ics", asked.replace("UID:x", "UID:y"))).status == 201
    await office.settle()
    office.subjects.clear()
    assert (await mia.ask("MOVE", work + "a.ics", destination=HOME + "m.ics")).status == 204
    assert (await mia.ask("COPY", work + "b.ics", destination=HOME + "x.ics")).status == 204
    quiet = await mia.ask("COPY", work + "c.ics", destination=HOME + "y.ics", schedule_reply="F")
    assert quiet.status == 204
    await office.settle()
    assert office.subjects == ["Canceled: Plan", "Declined: Plan"]
    assert await office.entry("mia") == ""
    async with office.rig.account() as account:
        kept = await account.read(lambda r: r.rows("SELECT uid FROM resource_kept ORDER BY uid"), op="test")
    assert kept == [("m1",), ("x",), ("y",)]


async def test_an_answer_may_be_kept_back(office: Office) -> None:
    """DAV-26: Schedule-Reply: F, and SCHEDULE-AGENT of a client."""
    theirs = meeting(uid="x").replace("mia@example.org", "ada@remote.example").replace("CN=Mia:", "CN=Ada:")
    asked = theirs.replace("END:VEVENT", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:mia@example.org\r\nEND:VEVENT")
    await office.mia.put("x.ics", asked)
    await office.settle()
    [mail] = office.mails
    assert (mail["Subject"], mail["To"]) == ("Accepted: Plan", "ada@remote.example")
    assert (await office.mia.ask("DELETE", HOME + "x.ics", schedule_reply="F")).status == 204
    await office.settle()
    assert len(office.mails) == 1
    client = meeting(ADA_ASKED.replace("ATTENDEE", "ATTENDEE;SCHEDULE-AGENT=CLIENT"))
    assert "etag" in (await office.mia.put("m.ics", client)).headers
    await office.settle()
    assert len(office.mails) == 1


async def test_a_guest_who_delegates_tells_the_organiser(office: Office) -> None:
    """DAV-24: to one who is a guest already (RFC 5546 §3.2.2.3); the delegate's own answer goes by itself."""
    await office.mia.put("m.ics", meeting(TOM_ASKED, ADA_ASKED))
    await office.settle()
    delegated = 'PARTSTAT=DELEGATED;DELEGATED-TO="mailto:ada@remote.example"'
    got = (await office.entry("tom")).replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=X", 1)
    got = got.replace("PARTSTAT=X", delegated) if "tom@" in line(got, "ATTENDEE", "partstat=x").lower() else got
    async with office.rig.account("tom") as account:
        one = await account.read(lambda r: entry_with_uid(r, "m1"), op="test")
        assert one is not None
    assert (await office.tom.put(one.name, got, TOM)).status == 204
    await office.settle()
    told = line(await office.entry("mia"), "ATTENDEE", "tom@")
    assert "PARTSTAT=DELEGATED" in told
    assert 'DELEGATED-TO="mailto:ada@remote.example"' in told


async def test_a_guest_changes_only_what_is_the_guests(office: Office) -> None:
    """DAV-26: times are the organiser's; the same meeting in two calendars of a user is refused."""
    await office.mia.put("m.ics", meeting(TOM_ASKED))
    await office.settle()
    [path] = [one for one in await office.tom.find(TOM, D + "getetag", depth="1") if one != TOM]
    name = path.rpartition("/")[2]
    got = await office.entry("tom")
    moved = await office.tom.put(name, got.replace("T100000Z", "T120000Z"), TOM)
    assert refused(moved) == (403, "allowed-attendee-scheduling-object-change")
    other = await office.mia.put("n.ics", meeting(TOM_ASKED), "/dav/calendars/mia/calendar2/")
    assert other.status == 409
    assert (await office.mia.ask("MKCALENDAR", "/dav/calendars/mia/more/")).status == 201
    again = await office.mia.put("n.ics", meeting(TOM_ASKED), "/dav/calendars/mia/more/")
    assert refused(again) == (403, "unique-scheduling-object-resource")
    stolen = meeting(TOM_ASKED).replace("ORGANIZER;CN=Mia:mailto:mia@", "ORGANIZER:mailto:eve@")
    assert refused(await office.mia.put("m.ics", stolen)) == (403, "allowed-organizer-scheduling-object-change")
    assert (await office.tom.ask("DELETE", path)).status == 204
    await office.settle()
    assert "PARTSTAT=DECLINED" in line(await office.entry("mia"), "ATTENDEE", "tom@")


async def test_one_date_of_a_series(office: Office) -> None:
    """DAV-24: invited to one date only, a guest sees that; an answer to one date becomes an exception."""
    series = meeting("RRULE:FREQ=DAILY;COUNT=3", TOM_ASKED)
    await office.mia.put("m.ics", series)
    await office.settle()
    [path] = [one for one in await office.tom.find(TOM, D + "getetag", depth="1") if one != TOM]
    got = await office.entry("tom")
    assert "RRULE" in got
    out = got.replace("END:VEVENT", "EXDATE:20991125T100000Z\r\nEND:VEVENT")
    await office.tom.put(path.rpartition("/")[2], out, TOM)
    await office.settle()
    mine = await office.entry("mia")
    assert mine.count("BEGIN:VEVENT") == 2
    main, exception = mine.split("BEGIN:VEVENT")[1:]
    assert "RECURRENCE-ID:20991125T100000Z" in exception
    assert "PARTSTAT=DECLINED" in line(exception, "ATTENDEE", "tom@")
    assert "PARTSTAT=NEEDS-ACTION" in line(main, "ATTENDEE", "tom@")


async def test_places_and_questions_of_scheduling(office: Office) -> None:
    """DAV-27, DAV-28, DAV-48: inbox, outbox, addresses; busy times of people of one's own domain only."""
    mia = office.mia
    assert "calendar-auto-schedule" in (await mia.ask("OPTIONS", HOME)).headers["dav"]
    principal = "/dav/principals/mia/"
    names = (C + "schedule-inbox-URL", C + "schedule-outbox-URL", C + "calendar-user-address-set")
    found = (await mia.find(principal, *names))[principal]
    inbox, outbox = (found[name].findtext(D + "href") or "" for name in names[:2])
    assert (inbox, outbox) == ("/dav/calendars/mia/inbox/", "/dav/calendars/mia/outbox/")
    kinds = await mia.find(inbox, D + "resourcetype", C + "schedule-default-calendar-URL")
    assert [one.tag for one in kinds[inbox][D + "resourcetype"]] == [D + "collection", C + "schedule-inbox"]
    assert kinds[inbox][C + "schedule-default-calendar-URL"].findtext(D + "href") == HOME
    assert inbox not in await mia.find("/dav/calendars/mia/", D + "resourcetype", depth="1")
    await office.tom.put("busy.ics", meeting(uid="b").replace("mia@", "tom@"), TOM)
    await office.mia.put("m.ics", meeting(TOM_ASKED, start="20991124T120000Z"))
    await office.settle()
    tom_inbox = await office.tom.find("/dav/calendars/tom/inbox/", D + "getetag", depth="1")
    assert len(tom_inbox) == 2
    assert refused(await mia.put("x.ics", meeting(uid="z"), inbox))[0] == 403
    assert (await mia.ask("DELETE", inbox)).status == 403
    question = calendar(
        "UID:q",
        "DTSTAMP:20261101T000000Z",
        "DTSTART:20991124T000000Z",
        "DTEND:20991125T000000Z",
        "ORGANIZER:mailto:mia@example.org",
        *(f"ATTENDEE:mailto:{one}" for one in ("tom@example.org", "gone@example.org", "ada@remote.example")),
        "ATTENDEE;CN=Tom:mailto:TOM@example.org",  # each person is asked once
        kind="VFREEBUSY",
    ).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST")
    answer = await mia.ask("POST", outbox, question, content_type="text/calendar")
    assert answer.status == 200
    said = [text(one) for one in fromstring(answer.body).iter(C + "request-status")]
    assert [one[:3] for one in said] == ["2.0", "3.7", "5.3"]
    [data] = [text(one) for one in fromstring(answer.body).iter(C + "calendar-data")]
    assert "FREEBUSY;FBTYPE=BUSY:20991124T100000Z/20991124T110000Z" in data
    assert "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20991124T120000Z/20991124T130000Z" in data
    assert "Plan" not in data
    outcomes = []
    choices: tuple[Access, ...] = ("nothing", "details")
    for access in choices:
        async with office.rig.account("tom") as account:
            await account.write(partial(_allow, access=access))
        answer = await mia.ask("POST", outbox, question, content_type="text/calendar")
        outcomes.append(text(next(fromstring(answer.body).iter(C + "request-status")))[:3])
    assert outcomes == ["3.8", "2.0"]
    for start in ("DTSTART:20991124T000000", "DTSTART;VALUE=DATE:20991124", "DTSTART:20971124T000000Z"):
        mixed = await mia.ask("POST", outbox, question.replace("DTSTART:20991124T000000Z", start))
        assert refused(mixed) == (403, "valid-scheduling-message"), start
    stolen = await mia.ask("POST", outbox, question.replace("ORGANIZER:mailto:mia@", "ORGANIZER:mailto:tom@"))
    assert refused(stolen) == (403, "organizer-allowed")
    assert (await mia.ask("POST", HOME, question)).status == 405


async def test_an_account_takes_all_else_while_messages_are_computed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-23: what a change means for people is computed before its unit, whatever the way it comes; the writer takes
    the mail of the account, too.
    """
    begun, go_on, computed = threading.Semaphore(0), threading.Event(), list[str]()

    def slow(name: str, compute: Callable[..., scheduling.Outcome]) -> Callable[..., scheduling.Outcome]:
        def outcome(*given: Any, **more: Any) -> scheduling.Outcome:
            computed.append(name)
            begun.release()
            assert go_on.wait(60)
            return compute(*given, **more)

        return outcome

    def never(*_: Any, **__: Any) -> scheduling.Outcome:
        raise AssertionError("computed in the unit")

    for name in ("outcome_of", "outcome_of_removal"):
        monkeypatch.setattr(entries, name, slow(name, getattr(scheduling, name)))
        monkeypatch.setattr(scheduling, name, never)
    for number, change in enumerate(
        (
            partial(office.mia.put, "plan.ics", meeting(TOM_ASKED)),
            partial(office.mia.put, "plan.ics", meeting(TOM_ASKED, ADA_ASKED)),
            partial(office.mia.ask, "DELETE", HOME + "plan.ics"),
        )
    ):
        answers: list[Answer] = []

        async def ask(change: Callable[[], Awaitable[Answer]] = change, answers: list[Answer] = answers) -> None:
            answers.append(await change())

        go_on.clear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.to_thread.run_sync(begun.acquire)
            other = Program(office.rig)
            assert (await other.put(f"{number}.ics", event(str(number)))).status == 201
            assert not answers
            go_on.set()
        assert answers[0].status in (201, 204)
    assert computed == ["outcome_of", "outcome_of", "outcome_of_removal"]


async def test_questions_are_read_beside_the_event_loop(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-28, WEB-12: also those that name too many people."""
    loop, threads = threading.get_ident(), list[int]()

    def read(text: str, name: str) -> Component:
        threads.append(threading.get_ident())
        return read_components(text, name)

    monkeypatch.setattr("moxlite.web.dav.scheduling.read_components", read)
    times = ("DTSTART:20991124T000000Z", "DTEND:20991125T000000Z", "ORGANIZER:mailto:mia@example.org")
    people = (f"ATTENDEE:mailto:{number}@remote.example" for number in range(101))
    question = calendar(*times, *people, kind="VFREEBUSY").replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST")
    answer = await office.mia.ask("POST", "/dav/calendars/mia/outbox/", question)
    assert refused(answer) == (403, "max-attendees-per-instance")
    assert threads
    assert loop not in threads


def _allow(tx: AccountTx, access: Access) -> None:
    patch_collection(tx, collection_named(tx, "calendar", "calendar"), CollectionChange(access=access))


async def test_what_cannot_be_delivered_is_noted(office: Office) -> None:
    """DAV-25: an address of this server without a mailbox."""
    gone = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:gone@example.org"
    await office.mia.put("m.ics", meeting(gone))
    await office.settle()
    assert "SCHEDULE-STATUS=3.7" in line(await office.entry("mia"), "ATTENDEE", "gone@")
    assert office.mails == []


async def test_a_guest_whose_file_is_damaged_holds_up_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-25: the others are told at once."""

    async def damaged(*_: object, **__: object) -> bool:
        raise StorageBroken("damaged")

    monkeypatch.setattr(carrying, "receive", damaged)
    await office.mia.put("m.ics", meeting(TOM_ASKED, ADA_ASKED))
    await office.settle()
    assert [mail["To"] for mail in office.mails] == ["ada@remote.example"]


async def test_an_event_at_the_end_of_all_years_is_told(office: Office) -> None:
    """DAV-25: its end is in no year that can be written."""
    times = "UID:m1", "DTSTAMP:20261101T000000Z", "DTSTART:99991231T235900Z", "DURATION:P300D"
    await office.mia.put("m.ics", calendar(*times, "SUMMARY:Plan", *GUESTS, ADA_ASKED))
    await office.settle()
    [mail] = office.mails
    assert "December 31, 9999, 23:59 (UTC)" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr] # it has one


async def test_an_imported_meeting_is_the_organisers(office: Office) -> None:
    """DAV-23, DAV-40, DAV-49: guests hear nothing of the import, but of the end; a series of two organisers is kept."""
    browser = office.rig.browser(app="/webmail/")
    await browser.log_in()
    two = ("RECURRENCE-ID:20991201T100000Z", "DTSTAMP:20261101T000000Z", "DTSTART:20991201T110000Z")
    other = ("BEGIN:VEVENT", "UID:m2", *two, "ORGANIZER:mailto:eve@x.example", ADA_ASKED, "END:VEVENT")
    series = meeting(ADA_ASKED, "RRULE:FREQ=WEEKLY", uid="m2")
    odd = series.replace("END:VEVENT\r\n", "\r\n".join(("END:VEVENT", *other, "")))
    headers, file = {"x-moxlite-csrf": browser.csrf}, meeting(TOM_ASKED, ADA_ASKED) + odd
    answer = await browser.fetch("/webmail/upload?filename=x", method="POST", headers=headers, body=file.encode())
    upload = json.loads(answer.body)["result"]["upload_id"]
    [shown] = [one for one in await browser.call("calendars") if one["name"] == "Calendar"]
    done = await browser.call("calendar_import", calendar_id=shown["id"], upload_id=upload)
    assert (done["added"], done["problems"]) == (2, [])
    await office.settle()
    assert (office.mails, await office.entry("tom")) == ([], "")
    tags = await office.mia.find(HOME, C + "schedule-tag", depth="1")
    [path] = [path for path, props in tags.items() if text(props.get(C + "schedule-tag"))]
    assert "SCHEDULE-STATUS" not in await office.entry("mia")
    assert (await office.mia.ask("DELETE", path)).status == 204
    await office.settle()
    assert [(mail["To"], mail["Subject"]) for mail in office.mails] == [("ada@remote.example", "Canceled: Plan")]


async def test_of_past_events_no_guest_is_told(office: Office) -> None:
    """DAV-24"""
    await office.mia.put("m.ics", meeting(ADA_ASKED, start="20201124T100000Z"))
    assert (await office.mia.ask("DELETE", HOME + "m.ics")).status == 204
    await office.settle()
    assert office.mails == []


MAIL = """From: {author}\r
To: mia@example.org\r
Subject: Plan\r
Message-ID: <{number}@remote.example>\r
Content-Type: text/calendar; method={method}; charset=utf-8\r
\r
"""


class Post:
    """Mail to mia by SMTP."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.number = 0

    async def send(
        self, body: str, method: str = "REQUEST", author: str = "ada@remote.example", validation: Validation = "dmarc"
    ) -> int:
        self.number += 1
        head = MAIL.format(author=author, number=self.number, method=method)
        localpart, _, domain = author.partition("@")
        facts = MessageFacts(smtp=SMTPFacts(msgfrom=localpart, msgfrom_domain=domain, msgfrom_validation=validation))
        text = body.replace("VERSION:2.0", f"VERSION:2.0\r\nMETHOD:{method}")
        async with self.office.rig.account() as account:
            done = await deliver_mail(account, (head + text).encode(), facts=facts)
        await self.office.settle()
        return int(done.message_id)


@pytest.fixture
async def post(office: Office) -> Post:
    async with office.rig.account() as account:
        contact = Contact(name="Ada", emails=(Entry("ada@remote.example"),))
        await account.write(lambda tx: save_contact(tx, contact))
    return Post(office)


def from_ada(*lines: str, start: str = "20991124T100000Z", sequence: int = 0, uid: str = "a1") -> str:
    people = (
        "ORGANIZER;CN=Ada:mailto:ada@remote.example",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@remote.example",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:MIA@example.org",
    )
    end = start.replace("T10", "T11").replace("T12", "T13")
    times = (f"UID:{uid}", "DTSTAMP:20261101T000000Z", f"DTSTART:{start}", f"DTEND:{end}", f"SEQUENCE:{sequence}")
    return calendar(*times, "SUMMARY:Talk", *people, *lines)


async def test_invitations_of_known_and_proven_senders_come_into_the_calendar(office: Office, post: Post) -> None:
    """DAV-29: not answered, without alarms and files; changed and called off by the organiser alone."""
    await post.send(from_ada("ATTACH:https://evil.example/", "X-EVIL:1", "BEGIN:VALARM", "TRIGGER:PT0S", "END:VALARM"))
    got = await office.entry("mia", "a1")
    assert "SUMMARY:Talk" in got
    assert "PARTSTAT=NEEDS-ACTION" in line(got, "ATTENDEE", "mia@")
    assert not {"ATTACH", "X-EVIL", "VALARM", "METHOD"} & {one.partition(":")[0] for one in got.split("\r\n")}
    moved = from_ada(start="20991124T120000Z", sequence=1)
    await post.send(moved, validation="none")
    await post.send(moved, author="eve@evil.example")
    assert "DTSTART:20991124T100000Z" in await office.entry("mia", "a1")
    await post.send(moved)
    assert "DTSTART:20991124T120000Z" in await office.entry("mia", "a1")
    await post.send(from_ada(sequence=0))
    assert "DTSTART:20991124T120000Z" in await office.entry("mia", "a1")
    await post.send(from_ada(sequence=2), "CANCEL")
    assert "STATUS:CANCELLED" in await office.entry("mia", "a1")
    assert office.mails == []


PERSONAL = (
    "JSPROP;JSPTR=personal:true",
    'JSPROP;JSPTR="example.com:note":"personal"',
    "CATEGORIES:personal,Confidential",
    "COLOR:personal",
    "X-PERSONAL:personal",
    "CONTACT;X-NOTE=personal;LANGUAGE=en:Front desk",
    'ATTENDEE;CN=Zoe;X-CN-PRIV="a;personal";MEMBER="mailto:personal-group@example.org":mailto:zoe@remote.example',
)
"""Lines that have something of their owner's, which is named so."""


async def test_what_is_ones_own_in_an_event_stays_with_its_owner(office: Office, post: Post) -> None:
    """DAV-24, DAV-29, JMAP-71: it's sent to nobody, nor accepted from a mail; a change of it is told to nobody."""
    await office.mia.put("m.ics", meeting(ADA_ASKED, TOM_ASKED, *PERSONAL))
    await office.settle()
    assert (await office.entry("mia")).count("personal") == len(PERSONAL) + 1
    assert "CONTACT;LANGUAGE=en:Front desk" in await office.entry("tom")
    texts = [await office.entry("tom")]
    texts += [part.get_content() for mail in office.mails for part in mail.walk() if not part.is_multipart()]
    assert len(texts) > 3
    assert [one for one in texts if "personal" in (one if isinstance(one, str) else one.decode()).lower()] == []
    count = len(office.mails)
    changed = [one.replace("personal", "other") for one in PERSONAL]
    await office.mia.put("m.ics", meeting(ADA_ASKED, TOM_ASKED, *changed))
    await office.settle()
    assert len(office.mails) == count
    await post.send(from_ada(*PERSONAL[:5]))
    assert "SUMMARY:Talk" in await office.entry("mia", "a1")
    assert "personal" not in await office.entry("mia", "a1")


async def test_the_copy_of_a_guest_begins_as_strict(office: Office, post: Post) -> None:
    """DAV-24, DAV-25, DAV-29: CLASS is sent, and accepted with a new event; after that it's the guest's own."""
    await office.mia.put("m.ics", meeting(ADA_ASKED, TOM_ASKED, "CLASS:CONFIDENTIAL"))
    await office.settle()
    assert "CLASS:CONFIDENTIAL" in await office.entry("tom")
    [mail] = office.mails
    assert "CLASS:CONFIDENTIAL" in calendar_in(mail)
    await office.mia.put("m.ics", meeting(ADA_ASKED, TOM_ASKED, "CLASS:PUBLIC", "LOCATION:Hall"))
    await office.settle()
    assert "LOCATION:Hall" in await office.entry("tom")
    assert "CLASS:CONFIDENTIAL" in await office.entry("tom")
    await post.send(from_ada("CLASS:PRIVATE"))
    assert "CLASS:PRIVATE" in await office.entry("mia", "a1")


LINK = "https://meet.example/r?a=1&b=2"


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ((f"CONFERENCE;VALUE=URI:{LINK}",), f"LOCATION:{LINK}"),
        ((f"URL:{LINK}", "LOCATION:Hall"), f"DESCRIPTION:{LINK}"),
        ((f"CONFERENCE;VALUE=URI:{LINK}", "LOCATION:Hall", r"DESCRIPTION:Notes\nand cake"), rf"and cake\n{LINK}"),
        ((f"CONFERENCE;VALUE=URI:{LINK}", rf"DESCRIPTION:Notes\n{LINK}"), rf"DESCRIPTION:Notes\n{LINK}"),
    ],
)
async def test_guests_get_the_link_in_every_program(office: Office, lines: tuple[str, ...], shown: str) -> None:
    """DAV-25: once in the place or the description of what leaves, in the text and the HTML; a change doesn't double
    it, and the organizer's event stays as it is.
    """
    await office.mia.put("m.ics", meeting(ADA_ASKED, *lines))
    await office.settle()
    await office.mia.put("m.ics", meeting(ADA_ASKED, *lines, sequence=1, start="20991125T100000Z"))
    await office.settle()
    own = (await office.entry("mia")).split("\r\n")
    assert [one for one in own if LINK in one] == [one for one in lines if LINK in one]
    for mail in office.mails:
        calendar_text = calendar_in(mail).replace("\r\n ", "")
        assert shown in calendar_text
        assert calendar_text.count(LINK) == 2
        body, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert body is not None
        assert html is not None
        assert body.get_content().count(LINK) == 1
        assert html.get_content().count(f'<a href="{LINK.replace("&", "&amp;")}">') == 1
        assert "<b>Plan</b>" in html.get_content()


def calendar_in(mail: EmailMessage) -> str:
    """The calendar of a mail."""
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    content = part.get_content()
    assert isinstance(content, str)
    return content


async def test_an_invitation_to_another_form_of_an_address_comes_into_the_calendar(office: Office, post: Post) -> None:
    """DAV-26, DAV-29: with text after a separator, and a name in the URI; the answer leaves from that address."""
    domain = office.rig.holder.current.domains.domains["example.org"]
    msgspec.structs.force_setattr(domain, "localpart_separators", ("+",))
    await post.send(from_ada().replace("mailto:MIA@example.org", "mailto:%22Mia%22%20%3Cmia%2Bclub%40example.org%3E"))
    got = await office.entry("mia", "a1")
    mine = line(got, "ATTENDEE", "mia%2bclub")
    [path] = [one for one in await office.mia.find(HOME, D + "getetag", depth="1") if one != HOME]
    await office.mia.put(path.rpartition("/")[2], got.replace(mine, mine.replace("NEEDS-ACTION", "ACCEPTED")))
    await office.settle()
    assert office.subjects == ["Accepted: Talk"]
    assert office.mails[0]["From"].addresses[0].addr_spec == "mia+club@example.org"


@pytest.mark.parametrize(
    ("setting", "domain", "known", "taken"),
    [
        ("never", "example.org", True, False),
        ("known", "example.org", False, True),
        ("known", "other.example", False, False),
        ("known", "other.example", True, True),
        ("all", "other.example", False, True),
    ],
)
async def test_the_choice_of_invitations_holds_between_users_of_the_server(
    office: Office, setting: str, domain: str, known: bool, taken: bool
) -> None:
    """DAV-25, DAV-29: those who do not want them in the calendar get the mail; people of one domain know each other."""
    if domain != "example.org":
        path = office.rig.holder.domains_path
        other = path.read_text().replace('destinations."tom@example.org"', f'destinations."tom@{domain}"')
        path.write_text(other + f'\n[domains."{domain}"]\n')
        assert await office.rig.holder.reload()
    tom = f"tom@{domain}"
    msgspec.structs.force_setattr(office.rig.holder.current.domains.accounts["tom"], "invitations", setting)
    if known:
        async with office.rig.account("tom") as account:
            contact = Contact(name="Mia", emails=(Entry("mia@example.org"),))
            await account.write(lambda tx: save_contact(tx, contact))
    asked = f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{tom}"
    await office.mia.put("m.ics", meeting(asked))
    await office.settle()
    assert bool(await office.entry("tom")) == taken
    assert [mail["To"] for mail in office.mails] == ([] if taken else [tom])


async def test_a_large_calendar_in_a_mail_holds_nobody_up(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-29: it is read, written and has its times found in threads, whoever sends it."""
    threads: list[bool] = []

    def watch(module: object, name: str) -> None:
        function = getattr(module, name)

        def watched(*args: object) -> object:
            threads.append(threading.current_thread() is threading.main_thread())
            return function(*args)

        monkeypatch.setattr(module, name, watched)

    for name in ("read_message", "write_component", "read_object", "joined"):
        watch(carrying if hasattr(carrying, name) else entries, name)
    dates = (f"EXDATE:2099{month:02}{day:02}T100000Z" for month in range(1, 12) for day in range(1, 29))
    await post.send(from_ada("RRULE:FREQ=DAILY", *dates, *("COMMENT:" + "x" * 60 for _ in range(200))))
    assert "EXDATE" in await office.entry("mia", "a1")
    assert threads
    assert not any(threads)


@pytest.mark.parametrize(
    ("author", "validation", "setting", "taken"),
    [
        ("eve@evil.example", "dmarc", "known", False),
        ("eve@evil.example", "dmarc", "all", True),
        ("eve@evil.example", "none", "all", False),
        ("ada@remote.example", "dmarc", "never", False),
        ("mia@example.org", "dmarc", "all", False),
    ],
)
async def test_other_invitations_stay_in_the_mail(
    office: Office, post: Post, author: str, validation: Validation, setting: str, taken: bool
) -> None:
    """DAV-29: of unknown or unproven senders, by the owner's choice, and in the user's own name."""
    msgspec.structs.force_setattr(office.rig.holder.current.domains.accounts["mia"], "invitations", setting)
    await post.send(from_ada().replace("ada@remote.example", author), author=author, validation=validation)
    assert bool(await office.entry("mia", "a1")) == taken


async def test_answers_by_mail_reach_the_organisers_event(office: Office, post: Post) -> None:
    """DAV-26, DAV-29: of the guest alone, without a mail in return."""
    await office.mia.put("m.ics", meeting(ADA_ASKED))
    await office.settle()
    reply = calendar(
        "UID:m1", "DTSTAMP:20261101T000000Z", "SEQUENCE:0", "ORGANIZER:mailto:mia@example.org",
        "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@remote.example",
    )  # fmt: skip
    await post.send(reply, "REPLY", author="eve@evil.example")
    assert "PARTSTAT=NEEDS-ACTION" in line(await office.entry("mia"), "ATTENDEE", "ada@")
    await post.send(reply, "REPLY")
    assert "PARTSTAT=TENTATIVE" in line(await office.entry("mia"), "ATTENDEE", "ada@")
    assert len(office.mails) == 1


@pytest.mark.parametrize("asked", ["δοκιμή@παράδειγμα.example", "δοκιμή@xn--hxajbheg2az3al.example"])
@pytest.mark.parametrize("guest", ["δοκιμή@παράδειγμα.example", "Δοκιμή@xn--hxajbheg2az3al.example"])
async def test_answers_come_from_an_address_in_any_spelling(office: Office, post: Post, asked: str, guest: str) -> None:
    """DAV-26, DAV-29, SMTP-2a."""
    await office.mia.put("m.ics", meeting(ADA_ASKED.replace("ada@remote.example", asked)))
    await office.settle()
    reply = calendar(
        "UID:m1", "DTSTAMP:20261101T000000Z", "SEQUENCE:0", "ORGANIZER:mailto:mia@example.org",
        f"ATTENDEE;PARTSTAT=TENTATIVE:mailto:{guest}",
    )  # fmt: skip
    await post.send(reply, "REPLY", author="δοκιμή@παράδειγμα.example")
    assert "PARTSTAT=TENTATIVE" in (await office.entry("mia")).replace("\r\n ", "")


async def test_answers_to_times_that_a_series_does_not_have_make_none(office: Office, post: Post) -> None:
    """DAV-26: an exception there would be an event of the organiser's that a guest has made."""
    days = ("RRULE:FREQ=DAILY;COUNT=3", "RDATE:20991224T100000Z", "EXDATE:20991126T100000Z")
    await office.mia.put("m.ics", meeting(ADA_ASKED, *days))

    async def answered(moment: str) -> int:
        reply = meeting("ATTENDEE;PARTSTAT=DECLINED:mailto:ada@remote.example", f"RECURRENCE-ID:{moment}", start=moment)
        await post.send(reply.replace(GUESTS[1] + "\r\n", ""), "REPLY")
        return (await office.entry("mia")).count("RECURRENCE-ID")

    for moment in ("20991125T110000Z", "20991127T100000Z", "20991126T100000Z", "20991123T100000Z"):
        assert await answered(moment) == 0
    assert [await answered(f"{day}T100000Z") for day in ("20991125", "20991224", "20991124")] == [1, 2, 3]


ASSISTANT = "bo@office.example"


@pytest.mark.parametrize("validation", ["dmarc", "none"])
async def test_who_brought_an_event_that_was_answered_may_change_it(
    office: Office, post: Post, validation: Validation
) -> None:
    """DAV-29: the author, SENT-BY and EMAIL of what was answered, with proof; nobody that a later message names."""
    browser = office.rig.browser(app="/webmail/")
    await browser.log_in()

    def booked(start: str, sequence: int, parameters: str = "") -> str:
        organizer = f"ORGANIZER;CN=Ada{parameters}:mailto:2_abc@imip.example"
        return from_ada(start=start, sequence=sequence).replace("ORGANIZER;CN=Ada:mailto:ada@remote.example", organizer)

    first = booked("20991124T100000Z", 0, f';SENT-BY="mailto:{ASSISTANT}";X-MOXLITE-BROUGHT-BY=eve@evil.example')
    number = await post.send(first, validation=validation)
    assert not await office.entry("mia", "a1")
    await browser.call("invitation_answer", answer="yes", message_id=number, path="0", submit_id=os.urandom(16).hex())
    assert "20991124T100000Z" in line(await office.entry("mia", "a1"), "DTSTART", "")
    may_change = validation == "dmarc"
    moved = booked("20991124T120000Z", 1, ';EMAIL=eve@evil.example;SENT-BY="mailto:eve@evil.example"')
    await post.send(moved, author="eve@evil.example")
    await post.send(moved, validation="none")
    assert "20991124T100000Z" in line(await office.entry("mia", "a1"), "DTSTART", "")
    await post.send(moved)
    assert ("20991124T120000Z" in line(await office.entry("mia", "a1"), "DTSTART", "")) == may_change
    await post.send(booked("20991124T140000Z", 2), author="eve@evil.example")
    assert "20991124T140000Z" not in await office.entry("mia", "a1")
    await post.send(booked("20991124T120000Z", 3), "CANCEL", author=ASSISTANT)
    assert ("STATUS:CANCELLED" in await office.entry("mia", "a1")) == may_change
    reply = office.mails[0].as_string()
    assert "BROUGHT-BY" not in reply


async def test_mail_and_calendar_agree(office: Office, post: Post) -> None:
    """DAV-30, WEBMAIL-129: an answer in the webmail is in the calendar, and one in the calendar on the card."""
    browser = office.rig.browser(app="/webmail/")
    await browser.log_in()
    number = await post.send(from_ada(), author="ada@remote.example")
    answer = {"message_id": number, "path": "0", "submit_id": os.urandom(16).hex()}
    await browser.call("invitation_answer", answer="yes", **answer)
    got = await office.entry("mia", "a1")
    assert "PARTSTAT=ACCEPTED" in line(got, "ATTENDEE", "mia@")
    await office.settle()
    assert office.subjects == ["Accepted: Talk"]
    [path] = [one for one in await office.mia.find(HOME, D + "getetag", depth="1") if one != HOME]
    mine = line(got, "ATTENDEE", "mia@")
    await office.mia.put(path.rpartition("/")[2], got.replace(mine, mine.replace("ACCEPTED", "DECLINED")))
    assert (await browser.call("invitation", message_id=number, path="0"))["answer"] == "no"
    await office.settle()
    assert office.subjects == ["Accepted: Talk", "Declined: Talk"]
    other = await post.send(from_ada(uid="a2"), validation="none")
    answer = {"message_id": other, "path": "0", "submit_id": os.urandom(16).hex()}
    await browser.call("invitation_answer", answer="no", **answer)
    assert await office.entry("mia", "a2") == ""


async def test_two_devices_of_a_guest(office: Office) -> None:
    """DAV-27: an answer keeps the tag; a device that does not know the answer yet does not take it back."""
    await office.mia.put("m.ics", meeting(TOM_ASKED))
    await office.settle()
    [path] = [one for one in await office.tom.find(TOM, D + "getetag", depth="1") if one != TOM]
    name, asked = path.rpartition("/")[2], await office.entry("tom")
    tag = (await office.tom.ask("GET", path)).headers["schedule-tag"]
    mine = line(asked, "ATTENDEE", "tom@")
    await office.tom.put(name, asked.replace(mine, mine.replace("NEEDS-ACTION", "ACCEPTED")), TOM)
    assert (await office.tom.ask("GET", path)).headers["schedule-tag"] == tag
    alarm = asked.replace("END:VEVENT", "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT")
    assert (await office.tom.put(name, alarm, TOM, if_schedule_tag_match=tag)).status == 204
    got = await office.entry("tom")
    assert "PARTSTAT=ACCEPTED" in line(got, "ATTENDEE", "tom@")
    assert "VALARM" in got
    await office.settle()
    assert "PARTSTAT=ACCEPTED" in line(await office.entry("mia"), "ATTENDEE", "tom@")


async def test_a_mail_that_does_not_arrive_is_noted(rig: Rig) -> None:
    """DAV-25: with the DSN, the event says that its guest has not been told."""
    mia = Program(rig)
    assert (await mia.put("m.ics", meeting(ADA_ASKED))).status == 201
    async with rig.account() as account:
        await account.carrier.once()
        await account.carrier.once()
    commands = await rig.house.registry.get()
    await commands["queue fail"].run(Fail(all=True), None)  # type: ignore[arg-type]  # no stream
    for _ in range(200):
        async with rig.account() as account:
            await account.carrier.once()
            one = await account.read(lambda r: entry_with_uid(r, "m1"), op="test")
            assert one is not None
            data = await account.read(partial(resource_data, resource_id=one.id), op="test")
        if b"SCHEDULE-STATUS=5.1" in data:
            break
        await trio.sleep(0.02)
    got = data.decode().replace("\r\n ", "")
    assert "SCHEDULE-STATUS=5.1" in line(got, "ATTENDEE", "ada@")
    assert (await mia.ask("GET", HOME + "m.ics")).body == data


async def test_there_is_a_limit_of_a_day(office: Office) -> None:
    """DAV-25, SMTP-116: for guests here and elsewhere alike; the event says that they were not told."""
    account = office.rig.holder.current.domains.accounts["mia"]
    msgspec.structs.force_setattr(account, "max_outgoing_messages_per_day", 1)
    await office.mia.put("m.ics", meeting(TOM_ASKED))
    await office.mia.put("n.ics", meeting(TOM_ASKED, ADA_ASKED, uid="m2"))
    await office.settle()
    assert [await office.entry("tom", uid) != "" for uid in ("m1", "m2")] == [True, False]
    assert office.mails == []
    got = await office.entry("mia", "m2")
    assert ["SCHEDULE-STATUS=5.1" in line(got, "ATTENDEE", one) for one in ("tom@", "ada@")] == [True, True]
    assert "SCHEDULE-STATUS=1.2" in line(await office.entry("mia"), "ATTENDEE", "tom@")
