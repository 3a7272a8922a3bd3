"""Calendars whose members write in the owner's name: invitations, changes and answers of a team (DAV-41a)."""

from email.message import EmailMessage
from typing import Any

import pytest

from moxlite.groupware.entries import with_outcome
from moxlite.proto.cards.components import read_components
from moxlite.proto.cards.itip import address_of
from moxlite.store.accounts.access import publish_shares
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.collection import collection_named
from moxlite.store.groupware.sharing import CHANGE, share_collection
from moxlite.store.mail.delegates import Delegate, Sends, remove_delegate, set_delegate
from moxlite.web.dav import changing
from tests.jmap_rig import Client, rig
from tests.session.test_web_calendars import form
from tests.session.test_web_dav import refused
from tests.session.test_web_dav_scheduling import ADA_ASKED, Office, line, meeting
from tests.session.test_web_jmap_calendars import LUNCH
from tests.web_rig import Browser, Rig

__all__ = ["rig"]

pytestmark = pytest.mark.served

SHARED = "/dav/calendars/tom/shared~mia~calendar/"
NO = (403, "allowed-organizer-scheduling-object-change")
SERIES = "RRULE:FREQ=WEEKLY;COUNT=10"


class Team(Office):
    """Mia is the team's account, and tom a member, who may change its calendar."""

    async def let(self, sends: Sends | None) -> None:
        """Let the member write from the team's address, or no longer."""

        def unit(tx: AccountTx) -> None:
            share_collection(tx, collection_named(tx, "calendar", "calendar"), "tom", CHANGE)
            if sends is None:
                remove_delegate(tx, "tom")
            else:
                set_delegate(tx, Delegate("tom", sends, whole=True))

        async with self.rig.account() as account:
            await account.write(unit)
            await publish_shares(self.rig.auth, account)


@pytest.fixture
async def team(rig: Rig) -> Team:
    team = Team(rig)
    await team.begin()
    await team.mia.ask("PROPFIND", "/dav/calendars/mia/", depth="1")
    return team


async def browser_of(team: Team) -> Browser:
    browser = team.rig.browser()
    await browser.log_in("tom@example.org")
    return browser


def people_of(mail: EmailMessage) -> dict[str, dict[str, str]]:
    """Parameters of organizer and attendees in the calendar of a mail, by address."""
    [invite] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    octets = invite.get_payload(decode=True)
    assert isinstance(octets, bytes)
    [event] = [part for part in read_components(octets.decode(), "VCALENDAR").components if part.name == "VEVENT"]
    lines = [*event.all("ORGANIZER"), *event.all("ATTENDEE")]
    return {f"{prop.name} {address_of(prop)}": {"SENT-BY": prop.parameter("SENT-BY")} for prop in lines}


@pytest.mark.parametrize("sends", ["as", "behalf"])
async def test_a_member_invites_in_the_name_of_the_team(team: Team, sends: Sends) -> None:
    """DAV-41a: ORGANIZER and From are the team's; Sender and SENT-BY name the member on behalf alone."""
    await team.let(sends)
    made = await team.tom.put("m.ics", meeting(ADA_ASKED), SHARED)
    assert (made.status, "etag" in made.headers) == (201, False)
    assert "SCHEDULE-STATUS=1.1" in line(await team.entry("mia"), "ATTENDEE", "ada@")
    moved = meeting(ADA_ASKED, start="20991124T120000Z")
    assert (await team.tom.put("m.ics", moved, SHARED)).status == 204
    assert (await team.tom.ask("DELETE", SHARED + "m.ics")).status == 204
    await team.settle()
    assert [mail["Subject"] for mail in team.mails] == ["Invitation: Plan", "Updated: Plan", "Canceled: Plan"]
    behalf = sends == "behalf"
    for mail in team.mails:
        assert (mail["From"], mail["Sender"]) == ("mia@example.org", "tom@example.org" if behalf else None)
        sent_by = {"SENT-BY": "mailto:tom@example.org" if behalf else ""}
        assert people_of(mail)["ORGANIZER mia@example.org"] == sent_by
        assert "tom@" not in mail.as_string() or behalf


@pytest.mark.parametrize("sends", ["as", "behalf"])
async def test_a_program_that_names_the_member_as_organizer(team: Team, sends: Sends) -> None:
    """DAV-41a: the event is the team's all the same, also when an old copy comes again; no word tells of the member."""
    await team.let(sends)
    of_tom = meeting(ADA_ASKED).replace("mia@example.org", "tom@example.org").replace("CN=Mia", "CN=Tom")
    of_tom = of_tom.replace("ORGANIZER;", 'ORGANIZER;SENT-BY="mailto:tom@example.org";')
    assert (await team.tom.put("m.ics", of_tom, SHARED)).status == 201
    await team.settle()
    entry = await team.entry("mia")
    assert "tom@" not in entry
    assert "mailto:mia@example.org" in line(entry, "ORGANIZER", "mia@")
    assert (await team.tom.put("m.ics", of_tom.replace("SUMMARY:Plan", "SUMMARY:Talk"), SHARED)).status == 204
    await team.settle()
    assert [(mail["Subject"], mail["From"]) for mail in team.mails] == [
        ("Invitation: Plan", "mia@example.org"),
        ("Updated: Talk", "mia@example.org"),
    ]
    assert people_of(team.mails[0]).keys() == {
        "ORGANIZER mia@example.org",
        "ATTENDEE mia@example.org",
        "ATTENDEE ada@remote.example",
    }


async def test_a_change_by_another_member_is_no_change(team: Team) -> None:
    """DAV-41a: guests hear nothing because another one has saved the event, on behalf or not."""
    await team.let("behalf")
    assert (await team.tom.put("m.ics", meeting(ADA_ASKED), SHARED)).status == 201
    await team.let("as")
    assert (await team.tom.put("m.ics", meeting(ADA_ASKED), SHARED)).status == 204
    assert (await team.mia.put("m.ics", meeting(ADA_ASKED))).status == 204
    await team.settle()
    assert [mail["Subject"] for mail in team.mails] == ["Invitation: Plan"]


async def test_answers_count_for_the_team(team: Team) -> None:
    """DAV-41a, DAV-26: of a guest of this server, whose calendar names the team as organizer."""
    await team.let("behalf")
    asked = "ATTENDEE;CN=Tom;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:tom@example.org"
    assert (await team.tom.put("m.ics", meeting(SERIES, asked, ADA_ASKED), SHARED)).status == 201
    await team.settle()
    entry = await team.entry("tom")
    assert "mailto:mia@example.org" in line(entry, "ORGANIZER", "mia@")
    answered = entry.replace("PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:tom", "PARTSTAT=ACCEPTED:mailto:tom")
    home = "/dav/calendars/tom/calendar/"
    [path] = [path for path in await team.tom.find(home, "{DAV:}getetag", depth="1") if path != home]
    assert (await team.tom.put(path.rpartition("/")[2], answered, home)).status == 204
    await team.settle()
    assert "PARTSTAT=ACCEPTED" in line(await team.entry("mia"), "ATTENDEE", "tom@")


async def test_the_team_answers_an_invitation(team: Team) -> None:
    """DAV-41a: a member's answer in the team's calendar is the team's."""
    await team.let("behalf")
    theirs = meeting(uid="x").replace("mia@example.org", "ada@remote.example").replace("CN=Mia:", "CN=Ada:")
    asked = theirs.replace("END:VEVENT", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:mia@example.org\r\nEND:VEVENT")
    assert (await team.mia.put("x.ics", asked)).status == 201
    yes = asked.replace("PARTSTAT=NEEDS-ACTION:mailto:mia", "PARTSTAT=ACCEPTED:mailto:mia")
    await team.let(None)
    no = (403, "allowed-attendee-scheduling-object-change")
    assert refused(await team.tom.put("x.ics", yes, SHARED)) == no
    await team.let("behalf")
    assert (await team.tom.put("x.ics", yes, SHARED)).status == 204
    await team.settle()
    [mail] = team.mails
    assert (mail["Subject"], mail["From"], mail["Sender"]) == ("Accepted: Plan", "mia@example.org", "tom@example.org")
    assert people_of(mail)["ATTENDEE mia@example.org"] == {"SENT-BY": "mailto:tom@example.org"}


async def test_who_may_not_write_as_the_team_changes_no_event_with_guests(team: Team) -> None:
    """DAV-41a: by CalDAV, the webmail and JMAP: refused with the reason, nothing stored, nothing sent."""
    await team.let("as")
    assert (await team.tom.put("m.ics", meeting(ADA_ASKED), SHARED)).status == 201
    await team.settle()
    kept = await team.entry("mia")
    await team.let(None)
    changed = await team.tom.put("m.ics", meeting(ADA_ASKED, "LOCATION:x"), SHARED)
    assert refused(changed) == NO
    assert b"permission to send from mia@example.org" in changed.body
    alone = meeting().replace("ATTENDEE;PARTSTAT=ACCEPTED:mailto:mia@example.org\r\n", "")
    of_tom = meeting(ADA_ASKED, uid="n").replace("mia@example.org", "tom@example.org")
    assert refused(await team.tom.put("m.ics", alone, SHARED)) == NO
    assert refused(await team.tom.ask("DELETE", SHARED + "m.ics")) == NO
    assert refused(await team.tom.put("n.ics", meeting(ADA_ASKED, uid="n"), SHARED)) == NO
    assert refused(await team.tom.put("n.ics", of_tom, SHARED)) == NO
    assert (await team.tom.put("a.ics", meeting(uid="a"), SHARED)).status == 201  # nobody else is there
    over = await team.tom.ask("MOVE", SHARED + "a.ics", destination=SHARED + "m.ics")
    assert refused(over) == NO
    page = await browser_of(team)
    [shared] = [one for one in await page.call("calendars") if one["owner"]]
    assert not shared["invites"]
    events = await page.call("events", since=4099161600, until=4099248000, calendar_ids=[shared["id"]])
    [item] = [event for event in events["events"] if event["guests"] > 1]
    error = await page.error("event_remove", event_id=item["id"])
    assert error == (400, "user:error")
    jmap = Client(team.rig, "tom@example.org")
    shown = (await jmap.call("CalendarEvent/get"))["list"]
    [number] = [event["id"] for event in shown if len(event.get("participants") or ()) > 1]
    for change in ({"update": {number: {"title": "x"}}}, {"destroy": [number]}):
        answer = await jmap.call("CalendarEvent/set", **change)
        failed = (answer["notUpdated"] or answer["notDestroyed"])[number]
        assert (failed["type"], "permission to send" in failed["description"]) == ("forbidden", True)
    await team.settle()
    assert [mail["Subject"] for mail in team.mails] == ["Invitation: Plan"]
    assert await team.entry("mia") == kept


async def test_the_webmail_invites_in_the_name_of_the_team(team: Team) -> None:
    """DAV-41a, DAV-47: the form's guests are the team's; the event is the user's to change."""
    await team.let("behalf")
    page = await browser_of(team)
    [shared] = [one for one in await page.call("calendars") if one["owner"]]
    assert shared["invites"]
    guests = [{"name": "Ada", "address": "ada@remote.example"}]
    plan = {**form("2099-11-24T10:00", "2099-11-24T11:00", title="Plan"), "guests": guests}
    made = (await page.call("event_save", calendar_id=shared["id"], event=plan))["id"]
    shown = await page.call("event", event_id=made)
    assert (shown["own"], shown["organizer"]["address"]) == (True, "mia@example.org")
    new = {**plan, "title": "Talk"}
    await page.call("event_save", calendar_id=shared["id"], event=new, event_id=made, changed=shown["changed"])
    await page.call("event_remove", event_id=made)
    await team.settle()
    assert [(mail["Subject"], mail["From"], mail["Sender"]) for mail in team.mails] == [
        (subject, "mia@example.org", "tom@example.org")
        for subject in ("Invitation: Plan", "Updated: Talk", "Canceled: Talk")
    ]


async def test_jmap_invites_in_the_name_of_the_team(team: Team) -> None:
    """DAV-41a, JMAP-78a: with `sendSchedulingMessages`, as for the owner."""
    await team.let("behalf")
    jmap = Client(team.rig, "tom@example.org")
    [calendar] = (await jmap.call("Calendar/get"))["list"]
    people = {"t": {"calendarAddress": "mailto:ada@remote.example", "roles": {"attendee": True}}}
    event = {**LUNCH, "start": "2099-11-24T10:00:00", "calendarIds": {calendar["id"]: True}, "participants": people}
    answer = await jmap.call("CalendarEvent/set", create={"a": event}, sendSchedulingMessages=True)
    assert answer["created"]["a"]["organizerCalendarAddress"] == "mailto:mia@example.org"
    await team.settle()
    [mail] = team.mails
    assert (mail["From"], mail["Sender"], mail["To"]) == ("mia@example.org", "tom@example.org", "ada@remote.example")


async def test_a_right_that_ends_before_the_unit_sends_nothing(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-41a: the unit that stores the change reads the right again."""
    await team.let("as")

    async def later(*given: Any) -> Any:
        entry = await with_outcome(*given)
        await team.let(None)
        return entry

    monkeypatch.setattr(changing, "with_outcome", later)
    assert refused(await team.tom.put("m.ics", meeting(ADA_ASKED), SHARED)) == NO
    await team.settle()
    assert team.mails == []
    assert await team.entry("mia") == ""
