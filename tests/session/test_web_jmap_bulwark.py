"""The requests of Bulwark, a webmail that speaks JMAP, as it makes them (JMAP-92).

`tests/integration/test_web_bulwark.py` has Bulwark itself, where there is a built one.
"""

from typing import Any

import pytest

from tests.jmap_rig import ACCOUNT, Client, Object, rig
from tests.web_rig import ADDRESS, Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

CORE, MAIL, CALENDARS, CONTACTS = (f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "calendars", "contacts"))

EVENT: Object = {
    "title": "Lunch at the harbour",
    "description": "",
    "start": "2026-11-27T19:00:00",
    "duration": "PT1H",
    "timeZone": "UTC",
    "showWithoutTime": False,
    "status": "confirmed",
    "freeBusyStatus": "busy",
    "privacy": "public",
    "uid": "b86c6ddd-91d1-465b-a4aa-98ddb511e4f6",
    "alerts": {
        "alert1": {
            "@type": "Alert",
            "trigger": {"@type": "OffsetTrigger", "offset": "-PT5M", "relativeTo": "start"},
            "action": "display",
            "acknowledged": None,
            "relatedTo": None,
        }
    },
}
PROPERTIES = (
    *("id", "@type", "uid", "calendarIds", "title", "description", "descriptionContentType", "created"),
    *("updated", "sequence", "start", "duration", "timeZone", "showWithoutTime", "utcStart", "utcEnd"),
    *("status", "freeBusyStatus", "privacy", "color", "keywords", "categories", "locale", "replyTo"),
    *("organizerCalendarAddress", "participants", "mayInviteSelf", "mayInviteOthers", "hideAttendees"),
    *("recurrenceId", "recurrenceIdTimeZone", "recurrenceRule", "recurrenceOverrides"),
    *("excludedRecurrenceRule", "useDefaultAlerts", "alerts", "locations", "virtualLocations", "links"),
    *("relatedTo", "isDraft", "isOrigin"),
)


async def answers(client: Client, *calls: tuple[str, Object], using: str = MAIL) -> list[Any]:
    """The arguments of the responses, none of which is an error."""
    numbered = [[name, {"accountId": ACCOUNT, **arguments}, str(at)] for at, (name, arguments) in enumerate(calls)]
    found = (await client.request(*numbered, using=[CORE, using]))["methodResponses"]
    assert "error" not in [name for name, _, _ in found], found
    return [arguments for _, arguments, _ in found]


async def test_a_message_is_written_and_sent(rig: Rig) -> None:
    """JMAP-92, JMAP-4: the submission with mail alone in use; the draft has become a sent message."""
    client = Client(rig)
    [identities] = await answers(client, ("Identity/get", {}))
    [boxes] = await answers(client, ("Mailbox/get", {}))
    box = {one["role"]: one["id"] for one in boxes["list"]}
    email = {
        "from": [{"email": ADDRESS}],
        "to": [{"email": ADDRESS}],
        "cc": [],
        "bcc": [],
        "subject": "Größe of the boats",
        "keywords": {"$seen": True, "$draft": True},
        "mailboxIds": {box["drafts"]: True},
        "bodyValues": {"text": {"value": "An answer"}, "html": {"value": "<div><p>An answer</p></div>"}},
        "textBody": [{"partId": "text", "type": "text/plain"}],
        "htmlBody": [{"partId": "html", "type": "text/html"}],
    }
    sent = f"mailboxIds/{box['sent']}"
    after = {f"mailboxIds/{box['drafts']}": None, sent: True, "keywords/$draft": None}
    given = {"emailId": "#send-1", "identityId": identities["list"][0]["id"]}
    created, submitted, moved = await answers(
        client,
        ("Email/set", {"create": {"send-1": email}}),
        ("EmailSubmission/set", {"create": {"1": given}, "onSuccessUpdateEmail": {"#1": after}}),
    )
    assert submitted["created"]["1"]["id"]
    number = created["created"]["send-1"]["id"]
    assert [*moved["updated"]] == [number]
    [found] = await answers(client, ("Email/query", {"filter": {"inMailbox": box["sent"], "text": "Größ* boat*"}}))
    assert found["ids"] == [number]
    await answers(client, ("Quota/get", {}))


async def test_an_event_is_made_shown_and_reminded_of(rig: Rig) -> None:
    """JMAP-92, JMAP-73, JMAP-74: empty texts, all properties with times in UTC, and a query by times in UTC."""
    client = Client(rig)
    [calendars] = await answers(client, ("Calendar/get", {}), using=CALENDARS)
    event = {**EVENT, "calendarIds": {calendars["list"][0]["id"]: True}}
    arguments = {"create": {"new-event": event}, "sendSchedulingMessages": False}
    [made] = await answers(client, ("CalendarEvent/set", arguments), using=CALENDARS)
    assert made["notCreated"] is None
    number = made["created"]["new-event"]["id"]
    for after, before in (
        ("2026-10-26T00:00:00", "2026-12-06T23:59:59"),
        ("2026-11-27T18:15:01.882Z", "2026-11-28T18:25:01.882Z"),
    ):
        query = ("CalendarEvent/query", {"filter": {"after": after, "before": before}, "limit": 1000})
        assert (await answers(client, query, using=CALENDARS))[0]["ids"] == [number]
    get = ("CalendarEvent/get", {"ids": [number], "properties": PROPERTIES})
    [event] = (await answers(client, get, using=CALENDARS))[0]["list"]
    assert (event["title"], event["utcStart"]) == (EVENT["title"], "2026-11-27T19:00:00Z")
    assert (await answers(client, ("CalendarEvent/parse", {"blobIds": []}), using=CALENDARS))[0]["parsed"] is None


async def test_a_contact_is_made_and_shown(rig: Rig) -> None:
    """JMAP-92: a name in parts."""
    client = Client(rig)
    [books] = await answers(client, ("AddressBook/get", {}), using=CONTACTS)
    parts = [{"kind": "given", "value": "Ada"}, {"kind": "surname", "value": "Lind"}]
    card = {
        "name": {"components": parts, "isOrdered": True},
        "emails": {"e0": {"address": "ada@nordlicht.example"}},
        "addressBookIds": {books["list"][0]["id"]: True},
    }
    [made] = await answers(client, ("ContactCard/set", {"create": {"new-contact": card}}), using=CONTACTS)
    number = made["created"]["new-contact"]["id"]
    query = ("ContactCard/query", {"position": 0, "limit": 1000})
    assert (await answers(client, query, using=CONTACTS))[0]["ids"] == [number]
    [shown] = (await answers(client, ("ContactCard/get", {"ids": [number]}), using=CONTACTS))[0]["list"]
    assert shown["emails"]["e0"]["address"] == "ada@nordlicht.example"
