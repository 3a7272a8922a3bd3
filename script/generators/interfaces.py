"""docs/developers/interfaces.md: which interface shows and changes what a user has, from the calls, methods and
operations of the code.

Each of them has its place here: a new one that has none, and a pattern that finds none, end the generator.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from moxlite.operations import Role
from moxlite.web.account.app import API as ACCOUNT
from moxlite.web.admin.adminapi import OPERATIONS
from moxlite.web.calls import calls_of
from moxlite.web.jmap.table import METHODS as JMAP
from moxlite.web.webapi.methods import METHODS as WEBAPI
from moxlite.web.webmail.api import API as WEBMAIL

ENTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "account app": tuple(calls_of(*ACCOUNT)),
    "webmail": tuple(calls_of(*WEBMAIL)),
    "JMAP": tuple(JMAP),
    "web API": tuple(WEBAPI),
    "command line": tuple(one.name for one in OPERATIONS if Role.COMMAND_LINE in one.who),
}
"""What each interface offers, by its names in the code."""

PROTOCOLS: Final = ("IMAP", "ManageSieve", "DAV")
"""Interfaces whose commands are about things by their arguments: their cells are words."""

COLUMNS: Final = ("account app", "webmail", "JMAP", "IMAP", "ManageSieve", "DAV", "web API", "command line")


class Shows(NamedTuple):
    """An interface shows the thing by entries that match, and does not change it, for a reason."""

    patterns: str
    reason: str


class Changes(NamedTuple):
    """An interface shows and changes the thing by entries that match; `lacks`: fields that it does not have."""

    patterns: str
    lacks: str = ""


Cell = Shows | Changes | str
"""A text is the reason why an interface has nothing of the thing."""

MAIL: Final = "mail is read and written elsewhere"
SECRET: Final = "no program changes how its user logs in"
FORM: Final = "no such extension"
OWN: Final = "the webmail's alone"
ROOT: Final = "the user's own page has it"
MAIL_ALONE: Final = "IMAP is about mail"
SMALL: Final = "the web API sends, and reads single messages"

THINGS: Final[Mapping[str, Mapping[str, Cell]]] = {
    "vacation reply": {
        "account app": Changes("account_vacation_*"),
        "webmail": Changes("account_vacation_set", "it shows that answers are sent (`sorting_notices`)"),
        "JMAP": Changes("VacationResponse/*", "known people only: RFC 8621 §8 has no such property"),
        "command line": Changes("account vacation *"),
        "IMAP": FORM,
        "ManageSieve": "a script may answer instead",
        "web API": SMALL,
    },
    "identity and signature": {
        "account app": Changes("account_rule_set preferences*", "names and signatures; programs set Reply-To and Bcc"),
        "webmail": Changes("settings_save compose_prepare", "name, Reply-To and Bcc are shown by the composer"),
        "JMAP": Changes("Identity/*", "the name of an address without settings is the account's"),
        "command line": Changes("config account set* account rule set", "the name alone"),
        "IMAP": FORM,
        "web API": "the sender is in each request",
    },
    "mail that leaves later": {
        "account app": MAIL,
        "webmail": Changes("messages_waiting scheduled_* message_submit* account_later_* outbox*"),
        "JMAP": Changes("EmailSubmission/*"),
        "command line": Changes("account later * queue *"),
        "IMAP": "no such extension; a copy is in Scheduled",
        "web API": Changes("Send", "makes it; the queue's webhooks tell of it"),
    },
    "draft": {
        "webmail": Changes("draft_* compose_prepare upload_remove"),
        "JMAP": Changes("Email/* Blob/*"),
        "IMAP": Changes("APPEND"),
        "account app": MAIL,
        "web API": SMALL,
        "command line": ROOT,
    },
    "mailbox": {
        "account app": Shows("mailboxes", "imports and exports choose among them"),
        "webmail": Changes("mailbox_* mailboxes_*", "order, subscription"),
        "JMAP": Changes("Mailbox/*"),
        "IMAP": Changes("CREATE, RENAME, DELETE, SUBSCRIBE, SETMETADATA"),
        "command line": Shows("account mailboxes", "imports, exports and rules choose among them"),
        "web API": SMALL,
    },
    "message: flags, labels, place, thread": {
        "webmail": Changes("flags_* message_* thread_* query_action label_* parsed_message mailboxes_mark_read"),
        "JMAP": Changes("Email/* Thread/* SearchSnippet/get", "name and color of a label"),
        "IMAP": Changes("STORE, MOVE, COPY", "name and color of a label"),
        "web API": Changes("Message*"),
        "account app": Changes("sort_move rules_count script_count", "sorts by rules"),
        "command line": Changes("account sort * import export restore mail account undelete", "sorts by rules"),
    },
    "snooze": {
        "webmail": Changes("message_snooze message_unsnooze messages_waiting"),
        "account app": MAIL,
        "JMAP": Shows("Email/get", "the keyword `$snoozed` is shown; no property of JMAP has the time"),
        "IMAP": "a message is in Snoozed, with the keyword `$snoozed`",
        "command line": ROOT,
        "web API": SMALL,
    },
    "Sieve script": {
        "account app": Changes("script_* account_sieve_*"),
        "JMAP": Changes("SieveScript/*"),
        "ManageSieve": Changes("PUTSCRIPT, SETACTIVE, RENAMESCRIPT, DELETESCRIPT"),
        "command line": Changes("account sieve *"),
        "webmail": "the page of the account app has it",
        "IMAP": FORM,
        "web API": SMALL,
    },
    "rule": {
        "account app": Changes("account_rule_* rules_* rule_labels"),
        "webmail": Changes("ruleset_*", "proposes and adds rules"),
        "command line": Changes("account rule * config address * config apply"),
        "JMAP": "SieveScript is what programs know",
        "IMAP": FORM,
        "ManageSieve": "rules are not a script; `rules_as_sieve` makes one",
        "web API": SMALL,
    },
    "forward": {
        "account app": Changes("account_forward_*"),
        "command line": Changes("account forward *"),
        "webmail": Shows("sorting_notices", "the page of the account app changes it"),
        "JMAP": "a script may forward",
        "IMAP": FORM,
        "ManageSieve": "a script may forward",
        "web API": SMALL,
    },
    "junk settings and filter": {
        "account app": Changes("account_junk_* junk_*"),
        "command line": Changes("account junk * junk *"),
        "webmail": "marking a message teaches the filter",
        "JMAP": "`$junk` teaches the filter",
        "IMAP": "`$Junk` teaches the filter",
        "web API": SMALL,
    },
    "masked address": {
        "account app": Changes("masked_list address_*"),
        "webmail": Changes("address_*", "note and senders"),
        "JMAP": Changes("MaskedEmail/*", "senders and end: Fastmail's object has none"),
        "command line": Changes("address *"),
        "IMAP": FORM,
        "web API": SMALL,
    },
    "app password, TLS key, session, second factor": {
        "account app": Changes(
            "app_password_* account_app_password_* config_tlspubkey_* key_* session_*"
            " second_factors totp_* factor_remove recovery_* recover password_state"
            " set_password generate_password attempt_list not_me provider_*"
        ),
        "command line": Changes(
            "account app-password * config tlspubkey * account second-factors account reset-second-factor"
            " account recovery-link account set-* account provider * limits *"
        ),
        "webmail": "the page of the account app has it",
        "JMAP": SECRET,
        "IMAP": SECRET,
        "ManageSieve": SECRET,
        "DAV": SECRET,
        "web API": SECRET,
    },
    "device that is set up": {
        "account app": Changes("device_* apps"),
        "webmail": "the page of the account app has it",
        "JMAP": SECRET,
        "IMAP": SECRET,
        "web API": SECRET,
        "command line": ROOT,
    },
    "share of a mailbox": {
        "account app": Changes("shares account_share_set account_delegate_*"),
        "JMAP": Shows("ShareNotification/* Principal/*", "`Mailbox/set` has no `shareWith`"),
        "IMAP": Changes("SETACL"),
        "command line": Changes("account share * account delegate *"),
        "webmail": "guests see the mailbox",
        "web API": SMALL,
    },
    "share of a calendar or address book": {
        "IMAP": MAIL_ALONE,
        "webmail": Changes("calendar_guests calendar_share address_book_guests contacts_share"),
        "JMAP": Changes("Calendar/* AddressBook/* ShareNotification/*"),
        "command line": Changes("calendar share calendar access contacts share"),
        "account app": "calendars are in the webmail",
        "DAV": "guests see it; `DAV:acl` names them",
        "web API": SMALL,
    },
    "calendar": {
        "IMAP": MAIL_ALONE,
        "webmail": Changes("calendar*", "description, order, zone, default alerts"),
        "JMAP": Changes("Calendar/*"),
        "DAV": Changes("PROPPATCH, MKCALENDAR", "default alerts"),
        "command line": Changes("calendar *", "name and color are shown"),
        "account app": Changes("calendar_copy*", "imports from other servers"),
        "web API": SMALL,
    },
    "event and its alarms": {
        "IMAP": MAIL_ALONE,
        "webmail": Changes(
            "event event_* events events_with alarms alarm_seen birthdays invitation* busy_times deleted_* "
            "claim_confirm",
            "categories, priority, class, status, URL, which it keeps",
        ),
        "JMAP": Changes("CalendarEvent/* CalendarEventNotification/* ParticipantIdentity/* Principal/getAvailability"),
        "DAV": Changes("PUT"),
        "command line": Changes("calendar export calendar import"),
        "account app": "calendars are in the webmail",
        "web API": SMALL,
    },
    "address book, card, group": {
        "IMAP": MAIL_ALONE,
        "webmail": Changes("address_book* contact* contacts_* group_members", "seldom properties, which it keeps"),
        "JMAP": Changes("AddressBook/* ContactCard/*"),
        "DAV": Changes("PUT, PROPPATCH"),
        "command line": Changes("contacts *"),
        "account app": "contacts are in the webmail",
        "web API": SMALL,
    },
    "linked mailbox, copy of another server": {
        "account app": Changes("link_* copy_* calendar_copy*"),
        "command line": Changes("link * imap import imap export"),
        "webmail": "its mailboxes are shown",
        "JMAP": "its mailboxes are shown",
        "IMAP": "its mailboxes are shown",
        "web API": SMALL,
    },
    "private link to a calendar": {
        "IMAP": MAIL_ALONE,
        "webmail": Changes("calendar_link*"),
        "command line": Changes("calendar link *"),
        "account app": "calendars are in the webmail",
        "JMAP": FORM,
        "DAV": "programs read it by the link",
        "web API": SMALL,
    },
    "everything that has access": {
        "account app": Changes("account_access account_remove_access account_take_back"),
        "command line": Changes("account access account logins account remove-access account take-back"),
        "webmail": "the page of the account app has it",
        "JMAP": SECRET,
        "IMAP": SECRET,
        "web API": SECRET,
    },
    "template, saved search, settings of the webmail": {
        "account app": Changes("templates template_* preferences*", "searches are saved in the webmail"),
        "webmail": Changes("templates template_* settings_save from_address_settings_save"),
        **dict.fromkeys(("JMAP", "IMAP", "web API", "command line"), OWN),
    },
    "settings of the account": {
        "account app": Changes("settings settings_save overview sending sending_save webhook_test"),
        "command line": Changes("config account *"),
        "webmail": "the page of the account app has it",
        "JMAP": "no object of JMAP",
        "IMAP": FORM,
        "web API": SMALL,
    },
    "newsletter": {
        "webmail": Changes("newsletters newsletter_* unsubscribe"),
        **dict.fromkeys(("account app", "JMAP", "IMAP", "web API", "command line"), OWN),
    },
    "notice, push subscription": {
        "webmail": Changes("notices* notice_*"),
        "JMAP": Changes("PushSubscription/*"),
        "IMAP": Changes("NOTIFY"),
        "account app": Changes("notices*", "browsers subscribe at the webmail, whose worker is told"),
        "web API": "webhooks tell of mail",
        "command line": ROOT,
    },
    "quota": {
        "account app": Shows("overview", "the owner sets it"),
        "JMAP": Shows("Quota/*", "the owner sets it"),
        "IMAP": Shows("GETQUOTA", "the owner sets it"),
        "DAV": Shows("quota-used-bytes", "the owner sets it"),
        "command line": Changes("config account quota"),
        "webmail": Shows("token", "the first event of its stream has the limit"),
        "web API": SMALL,
    },
    "suppressed address": {
        "account app": Changes("queue_suppress_*"),
        "web API": Changes("Suppression*"),
        "command line": Changes("queue suppress *"),
        "webmail": "the page of the account app has it",
        "JMAP": "no object of JMAP",
        "IMAP": FORM,
    },
}
"""What a user has, by interface; ManageSieve and DAV are left out where it is no script, calendar or contact."""

ELSE: Final[Mapping[str, str]] = {
    "account app": "login* logout confirm* export_prep import_*",
    "webmail": (
        "login* logout confirm* export_prep import_* hand_on inbox_unread token request decode_mime_words"
        " provider_* receipt_send delivery_* recipient_security complete_recipient search_glance files file_import_*"
    ),
    "JMAP": "Core/echo MDN/*",
    "web API": "",
    "command line": (
        "account import-full admin * audit list backup config * dmarc * dns * doctor * healthcheck imap sessions"
        " imap trace jmap trace log levels move * mtasts kept placement * reports * standby handover stop store * tls *"
        " tlsrpt * why *"
    ),
}
"""Entries that are about no thing of a user: logging in, files on their way, what the owner does with the server."""

INTRODUCTION: Final = """\
# What a user has, and which interface has it

Generated by `script/gen` from the calls, methods and operations of the code; `script/generators/interfaces.py` says
which thing each is about, and fails for one that is about none. ● shows and changes, ○ shows; the number leads to what
is missing, or why the interface has nothing of the thing. `tests/session/test_web_interfaces.py` writes each field of
a thing through each interface and reads it through all.
"""


def outputs() -> dict[str, bytes]:
    """The table. Raises ValueError for an entry without a place, and for a pattern that finds none."""
    for interface, entries in ENTRIES.items():
        _check(interface, entries)
    return {"docs/developers/interfaces.md": ("\n".join(_lines()) + "\n").encode()}


def _check(interface: str, entries: tuple[str, ...]) -> None:
    cells = [cells[interface] for cells in THINGS.values()]
    patterns = [one for cell in cells if not isinstance(cell, str) for one in split(cell.patterns, entries)]
    patterns += split(ELSE[interface], entries)
    unplaced = [entry for entry in entries if not any(fnmatchcase(entry, pattern) for pattern in patterns)]
    if unplaced:
        raise ValueError(f"{interface}: say in script/generators/interfaces.py what these are about: {unplaced}")


def split(words: str, entries: tuple[str, ...]) -> list[str]:
    """The patterns in a text. Each finds an entry; one for the command line may have several words."""
    found: list[str] = []
    rest = words.split()
    while rest:
        for size in range(len(rest), 0, -1):
            pattern = " ".join(rest[:size])
            if any(fnmatchcase(entry, pattern) for entry in entries) and "* " not in pattern:
                found.append(pattern)
                rest = rest[size:]
                break
        else:
            raise ValueError(f"script/generators/interfaces.py: nothing is found by {rest[0]!r}")
    return found


def _lines() -> Iterator[str]:
    notes: list[str] = []

    def cell(of: Cell) -> str:
        sign, reason = "–", of
        if isinstance(of, Shows):
            sign, reason = "○", of.reason
        elif isinstance(of, Changes):
            sign, reason = "●", of.lacks
        if not isinstance(reason, str) or not reason:
            return sign
        if reason not in notes:
            notes.append(reason)
        return f"{sign} {notes.index(reason) + 1}"

    yield INTRODUCTION
    yield f"| Thing | {' | '.join(COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for thing, cells in THINGS.items():
        yield f"| {thing} | {' | '.join(cell(cells[one]) if one in cells else '' for one in COLUMNS)} |"
    yield ""
    yield from (f"{number}. {reason}" for number, reason in enumerate(notes, 1))
