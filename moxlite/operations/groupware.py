"""The operations on calendars and address books of accounts (DAV-40)."""

from typing import Annotated, Literal

import msgspec

from moxlite.operations import USERS, Operation, Role, UserOperation, Word, change, field, query

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Listed(msgspec.Struct, frozen=True):
    """A calendar or address book. `size`: octets of its entries; `shared`: accounts with rights, with " (w)" where they
    may change it; `access`: of a calendar, what colleagues see; `source`: of a subscribed calendar the server, and when
    it was read last or why it cannot be read.
    """

    name: str
    title: str
    colour: str
    entries: int
    size: int
    shared: list[str] = []
    source: str = ""
    access: str = ""


class Imported(msgspec.Struct, frozen=True):
    """An import: entries added, entries that were there already, entries that could not be read, and entries that were
    added without what no calendar takes, both with reasons.
    """

    added: int
    known: int
    unread: int
    problems: list[str]
    changed: int = 0


@query("calendar list", Role.COMMAND_LINE, columns=("name", "title", "entries", "size", "shared", "access", "source"))
class ListCalendars(Operation[list[Listed]], frozen=True):
    """List an account's calendars."""

    account: Word


@change("calendar create", Role.COMMAND_LINE, done="created calendar {name} of account {account}")
class CreateCalendar(Operation[None], frozen=True):
    """Create a calendar. NAME is the last part of its address."""

    account: Word
    name: Name
    title: Annotated[str, field("Display name.  [default: NAME]", max_length=1000)] = ""


@change(
    "calendar rm",
    Role.COMMAND_LINE,
    ask="Delete {account}'s calendar {name} and all its events?",
    done="deleted calendar {name} of account {account}",
)
class RemoveCalendar(Operation[None], frozen=True):
    """Delete a calendar and all entries. Guests aren't notified."""

    account: Word
    name: Name


@change("calendar import", Role.COMMAND_LINE)
class ImportCalendar(Operation[Imported], frozen=True):
    """Import an .ics file, or a .zip file of calendars. An .ics file goes to one calendar, a .zip file to calendars and
    address books with matching names. This won't change existing entries or notify guests.
    """

    account: Word
    name: Name = "calendar"


@query("calendar export", Role.COMMAND_LINE, octets=True)
class ExportCalendar(Operation[None], frozen=True):
    """Write a calendar to stdout as an .ics file. You can also write all calendars and address books as a .zip file."""

    account: Word
    name: Annotated[Name, field(argument=True)] = "calendar"
    all: Annotated[bool, field("Export all calendars and address books as a .zip file.")] = False


@change(
    "calendar share",
    USERS,
    done="{end:stopped sharing|shared} calendar {name} of account {account} with {guest}{write:, who can edit it|}",
)
class ShareCalendar(UserOperation[None], frozen=True):
    """Share a calendar. Name another account or one of its addresses, or "anyone" for all accounts on this
    server.
    """

    name: Name
    guest: Word
    write: Annotated[bool, field("Allow changing, adding, and removing entries.")] = False
    end: Annotated[bool, field("Remove these permissions.")] = False


@change(
    "calendar access",
    Role.COMMAND_LINE,
    done="other users now see {access} of calendar {name} of account {account}",
)
class SetCalendarAccess(Operation[None], frozen=True):
    """Choose what other users see when scheduling. Use "details" (with titles), "busy" (only when the owner is busy),
    "nothing", or "usual" for the domain's setting `free_busy`.
    """

    account: Word
    name: Name
    access: Literal["usual", "details", "busy", "nothing"]


class SecretLink(msgspec.Struct, frozen=True):
    """A secret link. `calendar`: the calendar's name; `shows`: "all", or "busy" for busy times only; `made`: RFC 3339,
    UTC.
    """

    id: int
    calendar: str
    shows: str
    note: str
    made: str


@change("calendar link make", USERS, secret=True)
class MakeLink(UserOperation[str], frozen=True):
    """Create and print a private link to a calendar. You won't be able to see it again. Anyone with the link can read
    the calendar without a password.
    """

    name: Annotated[Name, field(argument=True)] = "calendar"
    busy: Annotated[bool, field("Only show busy times, without details.")] = False
    note: Annotated[str, field("Your own note. For example, who has the link.", max_length=200)] = ""


@query("calendar link list", USERS, columns=("id", "calendar", "shows", "note", "made"))
class ListLinks(UserOperation[list[SecretLink]], frozen=True):
    """List private links to an account's calendars."""


@change("calendar link rm", USERS, done="revoked private link {id} of account {account}")
class RemoveLink(UserOperation[None], frozen=True):
    """Revoke the private link with this ID immediately."""

    id: int


class Subscribed(msgspec.Struct, frozen=True):
    """A calendar that was subscribed."""

    name: str
    title: str
    entries: int


@change("calendar subscribe", Role.COMMAND_LINE)
class SubscribeCalendar(Operation[Subscribed], frozen=True):
    """Subscribe to a calendar at an https:// or webcal:// address. The calendar is refreshed every hour. Only the owner
    can see the calendar, and you can't change events.
    """

    account: Word
    calendar_url: Annotated[str, field(argument=True, min_length=1, max_length=2000)]
    name: Annotated[str, field("Last part of the address here.  [default: from CALENDAR_URL]", max_length=200)] = ""
    title: Annotated[str, field("Display name.  [default: from the file]", max_length=200)] = ""

    def __repr__(self) -> str:
        """With the server alone: the rest of an address may be secret, and must not reach a log."""
        return f"SubscribeCalendar(account={self.account!r})"


@change("calendar unsubscribe", Role.COMMAND_LINE, done="unsubscribed account {account} from calendar {name}")
class UnsubscribeCalendar(Operation[None], frozen=True):
    """Delete a subscribed calendar and all events. To find NAME, use `calendar list`."""

    account: Word
    name: Name


class Copied(msgspec.Struct):
    """A copy from another server: calendars and address books there, entries added, entries that were here already,
    entries that could not be read, and entries that were added without what no calendar takes, both with reasons.
    """

    places: int = 0
    added: int = 0
    known: int = 0
    unread: int = 0
    changed: int = 0
    problems: list[str] = []


@change("calendar copy", Role.COMMAND_LINE)
class CopyCalendars(Operation[Copied], frozen=True):
    """Copy calendars and contacts from another server. This copies USER's to ACCOUNT, using CalDAV and CardDAV. URL is
    the server's address (for example, https://dav.example.com). Enter the password when prompted, or use the first line
    of stdin. The password isn't stored. You can run this again without changing existing entries or anything on the
    other server. Guests aren't notified.
    """

    account: Word
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    password: Annotated[str, msgspec.Meta(max_length=1000)]

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"CopyCalendars(account={self.account!r}, url={self.url!r}, user={self.user!r})"


@query("contacts list", Role.COMMAND_LINE, columns=("name", "title", "entries", "size", "shared"))
class ListAddressBooks(Operation[list[Listed]], frozen=True):
    """List an account's address books."""

    account: Word


@change("contacts create", Role.COMMAND_LINE, done="created address book {name} of account {account}")
class CreateAddressBook(Operation[None], frozen=True):
    """Create an address book. NAME is the last part of its address."""

    account: Word
    name: Name
    title: Annotated[str, field("Display name.  [default: NAME]", max_length=1000)] = ""


@change(
    "contacts rm",
    Role.COMMAND_LINE,
    ask="Delete {account}'s address book {name} and all its contacts?",
    done="deleted address book {name} of account {account}",
)
class RemoveAddressBook(Operation[None], frozen=True):
    """Delete an address book and all contacts."""

    account: Word
    name: Name


@change(
    "contacts share",
    USERS,
    done="{end:stopped sharing|shared} address book {name} of account {account} with {guest}{write:, who can edit it|}",
)
class ShareAddressBook(UserOperation[None], frozen=True):
    """Share an address book. Name another account or one of its addresses, or "anyone" for all accounts on this
    server.
    """

    name: Name
    guest: Word
    write: Annotated[bool, field("Allow changing, adding, and removing contacts.")] = False
    end: Annotated[bool, field("Remove these permissions.")] = False


@change("contacts import", Role.COMMAND_LINE)
class ImportContacts(Operation[Imported], frozen=True):
    """Import contacts from a file. It's a vCard file, a CSV from Gmail, Outlook, or Thunderbird for the first address
    book, or a .zip file for calendars and address books with matching names. This adds missing details to existing
    contacts.
    """

    account: Word


@query("contacts export", Role.COMMAND_LINE, octets=True)
class ExportContacts(Operation[None], frozen=True):
    """Write all contacts to stdout, as vCards or CSV."""

    account: Word
    form: Annotated[Literal["vcf", "csv"], field("File format.  [default: vcf]", "--format")] = "vcf"
