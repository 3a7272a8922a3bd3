"""All methods of JMAP, each with the capability that a request must use for it."""

from __future__ import annotations

from functools import partial
from typing import Final

from moxlite.lazyimport import load
from moxlite.web.jmap import (
    addressbooks,
    blobdata,
    blobs,
    contacts,
    emailqueries,
    emails,
    emailset,
    identities,
    mailboxes,
    quota,
    receipts,
    sieve,
    submissions,
    subscriptions,
    threads,
)
from moxlite.web.jmap.methods import Call, Method, Table
from moxlite.web.jmap.protocol import CORE, LIMITS, MethodError, Object

MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"
VACATION: Final = "urn:ietf:params:jmap:vacationresponse"

BLOBS: Final = "urn:ietf:params:jmap:blob"
QUOTA: Final = "urn:ietf:params:jmap:quota"
CONTACTS: Final = "urn:ietf:params:jmap:contacts"
CALENDARS: Final = "urn:ietf:params:jmap:calendars"
CALENDARS_PARSE: Final = "urn:ietf:params:jmap:calendars:parse"
PRINCIPALS: Final = "urn:ietf:params:jmap:principals"
AVAILABILITY: Final = "urn:ietf:params:jmap:principals:availability"
RECEIPTS: Final = "urn:ietf:params:jmap:mdn"
SIEVE: Final = "urn:ietf:params:jmap:sieve"
MASKED: Final = "https://www.fastmail.com/dev/maskedemail"

CAPABILITIES: Final[dict[str, Object]] = {
    CORE: {**LIMITS, "collationAlgorithms": ["i;unicode-casemap"]},
    MAIL: {},
    SUBMISSION: {},
    VACATION: {},
    BLOBS: {},
    QUOTA: {},
    CONTACTS: {},
    CALENDARS: {},
    CALENDARS_PARSE: {},
    PRINCIPALS: {},
    AVAILABILITY: {},
    RECEIPTS: {},
    SIEVE: sieve.CAPABILITY,
    MASKED: {},
}


ACCOUNT_CAPABILITIES: Final[dict[str, Object]] = {
    MAIL: {
        "maxMailboxesPerEmail": None,
        "maxMailboxDepth": 30,
        "maxSizeMailboxName": 255,
        "maxSizeAttachmentsPerEmail": LIMITS["maxSizeUpload"],
        "emailQuerySortOptions": [
            *("receivedAt", "sentAt", "size", "from", "to", "subject"),
            *("hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"),
        ],
        "mayCreateTopLevelMailbox": True,
    },
    SUBMISSION: {"maxDelayedSend": 365 * 86_400, "submissionExtensions": {"FUTURERELEASE": []}},
    VACATION: {},
    BLOBS: blobdata.CAPABILITY,
    QUOTA: {},
    CONTACTS: addressbooks.CAPABILITY,
    CALENDARS: {
        "maxCalendarsPerEvent": 1,
        "minDateTime": "0001-01-01T00:00:00Z",
        "maxDateTime": "9999-12-31T23:59:59Z",
        "maxExpandedQueryDuration": "P400D",
        "maxParticipantsPerEvent": 500,
        "mayCreateCalendar": True,
    },
    CALENDARS_PARSE: {},
    PRINCIPALS: {},
    AVAILABILITY: {"maxAvailabilityDuration": "P400D"},
    RECEIPTS: {},
    SIEVE: sieve.ACCOUNT_CAPABILITY,
    MASKED: {},
}


SHARED_CAPABILITIES: Final = (CORE, MAIL, SUBMISSION, BLOBS, CONTACTS, CALENDARS)
"""Capabilities of other users' accounts."""


async def echo(call: Call) -> Object:
    """Core/echo (RFC 8620 §4)."""
    return call.arguments


async def _late(call: Call, name: str) -> Object:
    """A method of calendars, whose modules few servers need."""
    await load("moxlite.web.jmap.calendartable")
    from moxlite.web.jmap.calendartable import RUNS

    if call.place.guest and name.startswith(("ParticipantIdentity/", "CalendarEventNotification/")):
        raise MethodError("accountNotSupportedByMethod", "only the owner can do this")
    return await RUNS[name](call)


async def _masked(call: Call, name: str) -> Object:
    """A method of addresses to give away."""
    await load("moxlite.web.jmap.masked")
    from moxlite.web.jmap import masked

    return await (masked.get if name == "get" else masked.set_)(call)


def _of_calendars(name: str, *, capability: str = CALENDARS, changes: bool = False) -> Method:
    return Method(partial(_late, name=name), capability, changes=changes)


METHODS: Final[Table] = {
    "Core/echo": Method(echo, CORE, account=False),
    "Blob/copy": Method(blobs.copy, CORE, changes=True),
    "Blob/upload": Method(blobdata.upload, BLOBS, changes=True),
    "Blob/get": Method(blobdata.get, BLOBS),
    "Blob/lookup": Method(blobdata.lookup, BLOBS),
    "PushSubscription/get": Method(subscriptions.get, CORE, account=False),
    "PushSubscription/set": Method(subscriptions.set_, CORE, account=False, changes=True),
    "Mailbox/get": Method(mailboxes.get, MAIL),
    "Mailbox/changes": Method(mailboxes.changes, MAIL),
    "Mailbox/query": Method(mailboxes.query, MAIL),
    "Mailbox/queryChanges": Method(mailboxes.query_changes, MAIL),
    "Mailbox/set": Method(mailboxes.set_, MAIL, changes=True),
    "Thread/get": Method(threads.get, MAIL),
    "Thread/changes": Method(threads.changes, MAIL),
    "Email/get": Method(emails.get, MAIL),
    "Email/changes": Method(emails.changes, MAIL),
    "Email/query": Method(emailqueries.query, MAIL),
    "Email/queryChanges": Method(emailqueries.query_changes, MAIL),
    "Email/set": Method(emailset.set_, MAIL, changes=True),
    "Email/copy": Method(emailset.copy, MAIL, changes=True),
    "Email/import": Method(emailset.import_, MAIL, changes=True),
    "Email/parse": Method(emails.parse, MAIL),
    "SearchSnippet/get": Method(threads.snippets, MAIL),
    "Identity/get": Method(identities.get, SUBMISSION),
    "Identity/changes": Method(identities.changes, SUBMISSION),
    "Identity/set": Method(identities.set_, SUBMISSION, changes=True),
    "EmailSubmission/get": Method(submissions.get, SUBMISSION),
    "EmailSubmission/changes": Method(submissions.changes, SUBMISSION),
    "EmailSubmission/query": Method(submissions.query, SUBMISSION),
    "EmailSubmission/queryChanges": Method(submissions.query_changes, SUBMISSION),
    "EmailSubmission/set": Method(submissions.set_, SUBMISSION, changes=True),
    "VacationResponse/get": Method(identities.vacation_get, VACATION),
    "VacationResponse/set": Method(identities.vacation_set, VACATION, changes=True),
    "AddressBook/get": Method(addressbooks.BOOKS.get, CONTACTS),
    "AddressBook/changes": Method(addressbooks.BOOKS.changes, CONTACTS),
    "AddressBook/set": Method(addressbooks.set_, CONTACTS, changes=True),
    "ContactCard/get": Method(contacts.card_get, CONTACTS),
    "ContactCard/changes": Method(contacts.card_changes, CONTACTS),
    "ContactCard/query": Method(contacts.card_query, CONTACTS),
    "ContactCard/queryChanges": Method(contacts.card_query_changes, CONTACTS),
    "ContactCard/set": Method(contacts.card_set, CONTACTS, changes=True),
    "ContactCard/copy": Method(contacts.card_copy, CONTACTS, changes=True),
    "Calendar/get": _of_calendars("Calendar/get"),
    "Calendar/changes": _of_calendars("Calendar/changes"),
    "Calendar/set": _of_calendars("Calendar/set", changes=True),
    "CalendarEvent/get": _of_calendars("CalendarEvent/get"),
    "CalendarEvent/changes": _of_calendars("CalendarEvent/changes"),
    "CalendarEvent/query": _of_calendars("CalendarEvent/query"),
    "CalendarEvent/queryChanges": _of_calendars("CalendarEvent/queryChanges"),
    "CalendarEvent/set": _of_calendars("CalendarEvent/set", changes=True),
    "CalendarEvent/copy": _of_calendars("CalendarEvent/copy", changes=True),
    "CalendarEvent/parse": _of_calendars("CalendarEvent/parse", capability=CALENDARS_PARSE),
    "CalendarEventNotification/get": _of_calendars("CalendarEventNotification/get"),
    "CalendarEventNotification/changes": _of_calendars("CalendarEventNotification/changes"),
    "CalendarEventNotification/query": _of_calendars("CalendarEventNotification/query"),
    "CalendarEventNotification/queryChanges": _of_calendars("CalendarEventNotification/queryChanges"),
    "CalendarEventNotification/set": _of_calendars("CalendarEventNotification/set", changes=True),
    "ParticipantIdentity/get": _of_calendars("ParticipantIdentity/get"),
    "ParticipantIdentity/changes": _of_calendars("ParticipantIdentity/changes"),
    "ParticipantIdentity/set": _of_calendars("ParticipantIdentity/set", changes=True),
    "Principal/get": _of_calendars("Principal/get", capability=PRINCIPALS),
    "Principal/query": _of_calendars("Principal/query", capability=PRINCIPALS),
    "Principal/getAvailability": _of_calendars("Principal/getAvailability", capability=AVAILABILITY),
    "Principal/changes": _of_calendars("Principal/changes", capability=PRINCIPALS),
    "Principal/queryChanges": _of_calendars("Principal/queryChanges", capability=PRINCIPALS),
    "Principal/set": _of_calendars("Principal/set", capability=PRINCIPALS, changes=True),
    "ShareNotification/get": _of_calendars("ShareNotification/get", capability=PRINCIPALS),
    "ShareNotification/changes": _of_calendars("ShareNotification/changes", capability=PRINCIPALS),
    "ShareNotification/query": _of_calendars("ShareNotification/query", capability=PRINCIPALS),
    "ShareNotification/queryChanges": _of_calendars("ShareNotification/queryChanges", capability=PRINCIPALS),
    "ShareNotification/set": _of_calendars("ShareNotification/set", capability=PRINCIPALS, changes=True),
    "MaskedEmail/get": Method(partial(_masked, name="get"), MASKED),
    "MaskedEmail/set": Method(partial(_masked, name="set_"), MASKED, changes=True),
    "MDN/send": Method(receipts.send, RECEIPTS, changes=True),
    "MDN/parse": Method(receipts.parse, RECEIPTS),
    "Quota/get": Method(quota.get, QUOTA),
    "Quota/changes": Method(quota.changes, QUOTA),
    "Quota/query": Method(quota.query, QUOTA),
    "Quota/queryChanges": Method(quota.query_changes, QUOTA),
    "SieveScript/get": Method(sieve.get, SIEVE),
    "SieveScript/query": Method(sieve.query, SIEVE),
    "SieveScript/set": Method(sieve.set_, SIEVE, changes=True),
    "SieveScript/validate": Method(sieve.validate_script, SIEVE),
}
