"""The phones, JMAP programs, browsers, script editors and guests of `together`."""

import base64
import contextlib
import itertools
import json
import os
import re
import smtplib
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import fromstring

from tests.campaigns._together import FOLDERS, PARTY, SUBJECT, TWIN, Gone, Ledger, Program, Refused, marks_of
from tests.campaigns.report import Finding
from tests.running import LocalServer

__all__ = [
    "CALENDAR",
    "CARDS",
    "DELEGATE",
    "DRAFT",
    "GUEST",
    "PARTS",
    "TYPES",
    "Answering",
    "Entries",
    "Jmap",
    "Lagging",
    "Page",
    "Phone",
    "Scripts",
    "new_entry",
]

DELEGATE: Final = "second@localhost"
ENTRIES: Final = 6
"""Events, and as many cards: few, so that programs meet."""

FLEETING: Final = 2
"""Of these, the last ones, which phones put and remove under the same names, again and again."""

GUEST: Final = "guest@d0.example"
"""At a domain of `tests.sendserver`, so that answers are proven."""

D: Final = "{DAV:}"

# Calendars and contacts


@dataclass(frozen=True)
class Entries:
    """A kind of entries. Their keys begin with `letter`; `place`: where DAV has them; `jmap`: as JMAP names them."""

    letter: str
    place: str
    kind: str
    ending: str
    jmap: str
    text: str

    def key(self, text: str) -> str:
        """The key of an entry, which is its UID."""
        found = re.search(rf"^UID:({self.letter}\d+|{PARTY})\r?$", text, re.MULTILINE)
        return found[1] if found else ""

    def marked(self, text: str, mark: str) -> str:
        """The text with a mark, and all that it had."""
        text = re.sub(r"\r?\n[ \t]", "", text)
        name = "DESCRIPTION" if self.letter == "e" else "NOTE"
        if re.search(rf"^{name}:", text, re.MULTILINE):
            return re.sub(rf"^({name}:[^\r\n]*)", rf"\1 {mark}", text, count=1, flags=re.MULTILINE)
        end = "END:VEVENT" if self.letter == "e" else "END:VCARD"
        return text.replace(end, f"{name}:{mark}\r\n{end}", 1)


CALENDAR: Final = Entries(
    "e",
    "/dav/calendars/moxlite/calendar/",
    "text/calendar",
    ".ics",
    "CalendarEvent",
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{key}\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20991124T100000Z\r\nDURATION:PT1H\r\nSUMMARY:{key}\r\nDESCRIPTION:{mark}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
)
CARDS: Final = Entries(
    "c",
    "/dav/addressbooks/moxlite/contacts/",
    "text/vcard",
    ".vcf",
    "ContactCard",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:{key}\r\nFN:{key}\r\nNOTE:{mark}\r\nEND:VCARD\r\n",
)


class Phone(Program):
    """A phone by CalDAV or CardDAV, which knows the entity tags and syncs by a token (RFC 6578)."""

    def __init__(
        self,
        server: LocalServer,
        ledger: Ledger,
        name: str,
        seed: int,
        user: str = "",
        *,
        entries: Entries,
        place: str = "",
    ) -> None:
        super().__init__(server, ledger, name, seed, user)
        self.entries, self.place = entries, place or entries.place
        self.known: dict[str, str] = {}
        """Entity tags by name."""
        self._token = ""

    def _listing(self, method: str, body: str) -> tuple[str, dict[str, str | None]]:
        status, _, text = self.ask(method, self.place, body, depth="1", content_type="application/xml")
        if status != 207:
            raise Finding(f"{method} {self.place}: {status} {text[:300]}")
        tags: dict[str, str | None] = {}
        for response in fromstring(text).iter(D + "response"):
            name = (response.findtext(D + "href") or "").rpartition("/")[2]
            if name:
                tags[name] = next((one.text for one in response.iter(D + "getetag") if one.text), None)
        return text, tags

    def listing(self) -> dict[str, str]:
        """The entity tags of the whole collection."""
        _, tags = self._listing("PROPFIND", '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>')
        return {name: tag for name, tag in tags.items() if tag is not None}

    def sync(self) -> None:
        """Learn what has changed."""
        token = f"<sync-token>{self._token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop>"
        text, tags = self._listing("REPORT", f'<sync-collection xmlns="DAV:">{token}</sync-collection>')
        for name, tag in tags.items():
            if tag is None:
                self.known.pop(name, None)
            else:
                self.known[name] = tag
        self._token = fromstring(text).findtext(D + "sync-token") or ""

    def step(self) -> None:
        if self.chance.random() < 0.3:
            self.sync()
        if self.known and self.chance.random() < 0.7:
            self._change(self.chance.choice(sorted(self.known)))
        else:
            self._add(f"{self.entries.letter}{self.chance.randrange(ENTRIES)}")

    def _add(self, key: str) -> None:
        mark = self.next("x")
        name = f"{key}{self.entries.ending}"
        body = self.entries.text.format(key=key, mark=mark)
        with self.ledger.marking({key: mark}, "entries"):
            self._put(name, body, if_none_match="*")

    def _change(self, name: str) -> None:
        status, fields, text = self.ask("GET", self.place + name)
        key = self.entries.key(text)
        if status != 200:
            self.known.pop(name, None)
        if status != 200 or not key:
            return
        tag = fields.get("etag", "")
        fleeting = key in {f"{self.entries.letter}{ENTRIES - 1 - number}" for number in range(FLEETING)}
        if key != PARTY and (len(marks_of(text)) > 25 or self.chance.random() < (0.5 if fleeting else 0.05)):
            with self.ledger.removing(key, text):
                status, _, _ = self.ask("DELETE", self.place + name, if_match=tag)
                if status != 204:
                    raise Refused
            return
        mark = self.next("x")
        with self.ledger.marking({key: mark}, "changes by phones"):
            self._put(name, self.entries.marked(text, mark), if_match=tag)

    def _put(self, name: str, body: str, **headers: str) -> None:
        status, _, text = self.ask("PUT", self.place + name, body, content_type=self.entries.kind, **headers)
        if status in (412, 409, 403, 404):
            raise Refused
        if status not in (201, 204):
            raise Finding(f"PUT {name}: {status} {text[:300]}")


# JMAP

CAPABILITIES: Final = ("core", "mail", "contacts", "calendars", "sieve", "submission", "vacationresponse")
USING: Final = [f"urn:ietf:params:jmap:{name}" for name in CAPABILITIES]
TYPES: Final[Mapping[str, Sequence[str] | None]] = {
    "Mailbox": None,
    "Email": ("mailboxIds", "keywords", "subject", "threadId"),
    "CalendarEvent": ("uid", "description", "keywords"),
    "ContactCard": ("uid", "notes"),
}
"""Types that a program keeps whole, with the properties that it wants."""

CHANGES: Final = ("created", "updated", "destroyed")
PARTS: Final = 50, 500
"""Changes that a program asks for at once: more than one of the campaign's units makes, between which a part ends."""

MOST: Final = 1_000
"""Objects of a /get at most (RFC 8620 §2)."""

TWINS: Final = 6
"""Twins that a JMAP program makes, before it changes those that are there."""


class Jmap(Program):
    """A program that keeps objects with their states. Where the old state of its own changes is its own, it takes their
    new state for its state, as some do.
    """

    def __init__(self, server: LocalServer, ledger: Ledger, name: str, seed: int, user: str = "") -> None:
        super().__init__(server, ledger, name, seed, user)
        self.states: dict[str, str] = {}
        self.known: dict[str, dict[str, Any]] = {kind: {} for kind in TYPES}

    def request(self, *calls: tuple[str, Mapping[str, Any]]) -> list[tuple[str, Any]]:
        """Name and response of each method of a request. Raises Gone, Finding."""
        invocations = [
            [name, {"accountId": "umoxlite", **arguments}, str(at)] for at, (name, arguments) in enumerate(calls)
        ]
        request = json.dumps({"using": USING, "methodCalls": invocations})
        status, _, text = self.ask("POST", "/jmap/api", request, content_type="application/json")
        if status != 200:
            raise Finding(f"{calls}: {status} {text[:300]}")
        responses = {at: (name, found) for name, found, at in reversed(json.loads(text)["methodResponses"])}
        return [responses[str(at)] for at in range(len(calls))]

    def call(self, name: str, **arguments: Any) -> Any:
        """The response of a method. Raises Refused, Gone, Finding."""
        [answer] = self.request((name, arguments))
        return _checked(name, answer)

    def sync(self) -> None:
        """Learn what has changed: all types in one request, at times in small parts."""
        most, left = self.chance.choice(PARTS), [kind for kind in TYPES if kind in self.states]
        for kind in [kind for kind in TYPES if kind not in self.states]:
            self.known[kind], self.states[kind] = self.whole(kind)
        while left:
            calls: list[tuple[str, Mapping[str, Any]]] = []
            for kind in left:
                source = {"resultOf": str(len(calls)), "name": f"{kind}/changes"}
                calls.append((f"{kind}/changes", {"sinceState": self.states[kind], "maxChanges": most}))
                calls += [
                    (f"{kind}/get", {"#ids": {**source, "path": path}, "properties": TYPES[kind]})
                    for path in ("/created", "/updated")
                ]
            answers = [_checked(*pair) for pair in zip((name for name, _ in calls), self.request(*calls), strict=True)]
            for at, kind in enumerate([*left]):
                changes, *got = answers[3 * at : 3 * at + 3]
                self._put(kind, [*changes["created"], *changes["updated"], *changes["destroyed"]], got)
                self.states[kind] = changes["newState"]
                if not changes["hasMoreChanges"]:
                    left.remove(kind)

    def _put(self, kind: str, ids: Sequence[str], got: Sequence[Any]) -> None:
        for number in ids:
            self.known[kind].pop(number, None)
        self.known[kind] |= {one["id"]: one for found in got for one in found["list"]}

    def whole(self, kind: str) -> tuple[dict[str, Any], str]:
        """All objects of a type, and their state. Raises Gone if others write all the time: begin while they rest."""
        if kind != "Email":
            return _objects_in(self.call(f"{kind}/get", ids=None, properties=TYPES[kind]))
        ids = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
        wish: dict[str, Any] = {"#ids": ids, "properties": TYPES[kind]}
        for _ in range(20):
            emails, states = dict[str, Any](), set[str]()
            for position in itertools.count(0, MOST):
                query, found = self.request(("Email/query", {"position": position, "limit": MOST}), ("Email/get", wish))
                some, state = _objects_in(_checked("Email/get", found))
                emails |= some
                states |= {query[1]["queryState"], state}
                if len(query[1]["ids"]) < MOST:
                    break
            # With the state of one of them alone, what comes, or goes, between two would never be heard of.
            if len(states) == 1:
                return emails, states.pop()
        raise Gone

    def set(self, kind: str, *, expects: bool = False, method: str = "set", **arguments: Any) -> Any:
        """A /set, or /import; `expects`: of what it knows. Raises Refused, Gone, Finding."""
        known, name = self.states.get(kind), f"{kind}/{method}"
        if expects:
            arguments["ifInState"] = known
        since = {"resultOf": "0", "name": name, "path": "/oldState"}
        answer, (told, changes) = self.request((name, arguments), (f"{kind}/changes", {"#sinceState": since}))
        found = _checked(name, answer)
        own = [one["id"] for one in (found["created"] or {}).values()]
        own += [*(found.get("updated") or {}), *(found.get("destroyed") or [])]
        if told != "error" and changes["newState"] == found["newState"]:  # nobody has changed anything since
            others = {number for kind in CHANGES for number in changes[kind]} - {*own}
            if others:
                raise Finding(f"{name} of {own} hides changes of {others}: {found}")
        if known is not None and found["oldState"] == known:
            self._put(kind, own, [self.call(f"{kind}/get", ids=own, properties=TYPES[kind])])
            self.states[kind] = found["newState"]
        return found

    def step(self) -> None:
        with contextlib.suppress(Refused):
            if self.states.keys() != TYPES.keys() or self.chance.random() < 0.4:
                self.sync()
            steps = self._label, self._move, self._order, self._import, self._twin, self._mark, self._mark, self._entry
            self.chance.choice(steps)()

    def emails(self, known: Mapping[str, Any], subjects: re.Pattern[str] = SUBJECT) -> dict[str, Any]:
        """Those that programs have made."""
        return {number: one for number, one in known.items() if subjects.fullmatch(one["subject"] or "")}

    def _some(self, known: Mapping[str, Any], most: int) -> list[str]:
        return self.chance.sample(sorted(known), min(len(known), self.chance.randint(1, most)))

    def _places(self) -> list[str]:
        return [one["id"] for one in self.known["Mailbox"].values() if one["name"] in ("Inbox", *FOLDERS)]

    def _label(self) -> None:
        emails = self.emails(self.known["Email"])
        some = self._some(emails, 20)
        on = self.chance.random() < 0.5
        wish = {("label", emails[one]["subject"], self.name): on for one in some}
        keys = dict(zip(wish, some, strict=True)) if len(wish) == len(some) else {}
        if not keys:
            return
        with self.ledger.writing(dict.fromkeys(keys, on), "flags") as refused:
            update = {one: {f"keywords/{self.name}": True if on else None} for one in some}
            found = self.set("Email", expects=self.chance.random() < 0.5, update=update)
            refused |= {key for key, one in keys.items() if one in (found["notUpdated"] or {})}

    def _move(self) -> None:
        some = self._some(self.emails(self.known["Email"]), 8)
        update = {one: {"mailboxIds": {self.chance.choice(self._places()): True}} for one in some}
        if update:
            self.set("Email", expects=self.chance.random() < 0.5, update=update)

    def _order(self) -> None:
        update = {one: {"sortOrder": self.chance.randrange(1_000)} for one in self._places()}
        self.set("Mailbox", expects=self.chance.random() < 0.5, update=update)

    def _import(self) -> None:
        emails = self.emails(self.known["Email"])
        own = {number: one for number, one in emails.items() if one["subject"].startswith(f"{self.name}m")}
        if len(own) > 10:
            gone = {("mail", own[number]["subject"]): number for number in self._some(own, 3)}
            with self.ledger.writing(dict.fromkeys(gone), "removals") as refused:
                failed = self.set("Email", expects=True, destroy=[*gone.values()])["notDestroyed"] or {}
                refused |= {key for key, number in gone.items() if number in failed}
            return
        subjects = [self.next("m") for _ in range(self.chance.randint(1, 3))]
        with self.ledger.writing({("mail", subject): True for subject in subjects}, "imports") as refused:
            made = self._put_mail(subjects, [self._inbox()])
            refused |= {("mail", subject) for subject in subjects if subject not in made}

    def _inbox(self) -> str:
        [number] = [number for number, box in self.known["Mailbox"].items() if box["role"] == "inbox"]
        return number

    def _put_mail(self, subjects: Sequence[str], boxes: Sequence[str]) -> Mapping[str, Any]:
        """Import messages; those that were, by their subjects."""
        emails: dict[str, Any] = {}
        for subject in subjects:
            octets = f"Subject: {subject}\r\nMessage-ID: <{subject}@q>\r\n\r\nx\r\n".encode()
            blob = self.upload(octets, "message/rfc822")
            emails[subject] = {"blobId": blob, "mailboxIds": dict.fromkeys(boxes, True)}
        found = self.set("Email", method="import", expects=self.chance.random() < 0.5, emails=emails)
        made: Mapping[str, Any] = found["created"] or {}
        return made

    def _twin(self) -> None:
        """Add a message in two places, or change the places and flags of some."""
        twins = self.emails(self.known["Email"], TWIN)
        if len(twins) < TWINS:
            self._put_mail([self.next("t")], self.chance.sample(self._places(), 2))
            return
        some = self._some(twins, 4)
        patches = (
            lambda: {"keywords/$seen": self.chance.choice((True, None))},
            lambda: {"mailboxIds": dict.fromkeys(self.chance.sample(self._places(), self.chance.randint(1, 3)), True)},
        )
        update = {one: self.chance.choice(patches)() for one in some}
        self.set("Email", expects=self.chance.random() < 0.5, update=update)

    def upload(self, octets: bytes, kind: str) -> str:
        """The id of a new blob."""
        status, _, text = self.ask("POST", "/jmap/upload/umoxlite/", octets, content_type=kind)
        if status not in (200, 201):
            raise Finding(f"upload: {status} {text[:300]}")
        blob: str = json.loads(text)["blobId"]
        return blob

    def _mark(self) -> None:
        """Add a mark to several entries."""
        entries, expects = self.chance.choice((CALENDAR, CARDS)), self.chance.random() < 0.5
        known = self.known[entries.jmap]
        own = {one for one in known if re.fullmatch(rf"{entries.letter}\d+", known[one]["uid"])}
        some = {number: self.next("x") for number in self._some(dict.fromkeys(own), 4)} if own else {}
        if entries is CARDS and any(not known[number].get("notes") for number in some):
            expects = True  # a patch can't add a note to a card without notes
        update = {number: self._marked(entries, known[number], mark, expects=expects) for number, mark in some.items()}
        marks = {known[number]["uid"]: mark for number, mark in some.items()}
        if len(marks) < len(some) or not some:  # two have a UID: a phone was faster
            return
        with self.ledger.marking(marks, "changes by JMAP") as refused:
            failed = self.set(entries.jmap, expects=expects, update=update)["notUpdated"] or {}
            refused |= {known[number]["uid"] for number in failed}

    def _marked(self, entries: Entries, entry: Mapping[str, Any], mark: str, *, expects: bool) -> dict[str, Any]:
        """A patch that adds a mark: of a whole property, where the program expects what it knows of that."""
        if entries is CALENDAR:
            return {"description": f"{entry.get('description', '')} {mark}"} if expects else {f"keywords/{mark}": True}
        if expects:
            return {"notes": {**(entry.get("notes") or {}), mark: {"note": mark}}}
        return {f"notes/{mark}": {"note": mark}}

    def _entry(self) -> None:
        """Remove entries, or make those that are missing."""
        entries = self.chance.choice((CALENDAR, CARDS))
        known = {one["uid"]: one for one in self.known[entries.jmap].values()}
        key = f"{entries.letter}{self.chance.randrange(ENTRIES)}"
        if key in known:
            with self.ledger.removing(key, json.dumps(known[key])):
                if self.set(entries.jmap, expects=True, destroy=[known[key]["id"]])["notDestroyed"]:
                    raise Refused
            return
        marks = {f"{entries.letter}{number}": self.next("x") for number in range(ENTRIES - FLEETING)}
        marks = {key: mark for key, mark in marks.items() if key not in known}
        new = {key: new_entry(entries, key, mark) for key, mark in marks.items()}
        with self.ledger.marking(marks, "entries") as refused:
            made = self.set(entries.jmap, expects=self.chance.random() < 0.5, create=new)["created"] or {}
            refused |= marks.keys() - made.keys()


class Lagging(Jmap):
    """A program that is seldom connected, and changes nothing."""

    pace = 0.3

    def step(self) -> None:
        if self.chance.random() < 0.1:
            self.sync()


def new_entry(entries: Entries, key: str, mark: str) -> dict[str, Any]:
    """A new entry as JMAP has it."""
    if entries is CARDS:
        return {"uid": key, "name": {"full": key}, "notes": {mark: {"note": mark}}}
    return {"uid": key, "title": key, "description": mark, "start": "2099-11-24T10:00:00"}


def _objects_in(found: Any) -> tuple[dict[str, Any], str]:
    return {one["id"]: one for one in found["list"]}, found["state"]


def _checked(name: str, answer: tuple[str, Any]) -> Any:
    told, found = answer
    if told == "error":
        if found["type"] == "serverPartialFail":
            raise Gone  # what was done, and what not, the next sync tells
        if found["type"] in ("stateMismatch", "serverUnavailable"):
            raise Refused(found["type"])
        raise Finding(f"{name}: {found}")
    return found


# The webmail, scripts, answers

DRAFT: Final = "<draft@localhost>"


class Page(Program):
    """The webmail in a browser; as a delegate it has the owner's drafts alone."""

    def __init__(self, server: LocalServer, ledger: Ledger, name: str, seed: int, user: str = "") -> None:
        super().__init__(server, ledger, name, seed, user)
        self._cookies: dict[str, str] = {}
        self._csrf = ""
        self._reader = Jmap(server, ledger, name, seed)  # for the ids that a page is shown

    def close(self) -> None:
        super().close()
        self._reader.close()

    def call(self, name: str, /, **parameters: Any) -> Any:
        """The result of a call. Raises Refused, Gone."""
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        status, fields, text = self.ask(
            "POST",
            f"/webmail/api/{name}",
            json.dumps(parameters),
            content_type="application/json",
            x_moxlite_csrf=self._csrf,
            cookie=cookie,
        )
        for field_ in fields.get_all("set-cookie") or []:
            key, _, value = field_.partition(";")[0].partition("=")
            self._cookies[key] = value
        if status in (404, 409):
            raise Refused(text)
        if status != 200:
            raise Finding(f"{name} {parameters}: {status} {text[:300]}")
        return json.loads(text)["result"]

    def log_in(self) -> None:
        """Begin a session."""
        token = self.call("login_prep")
        found = self.call("login", login_token=token, username=self.user, password=self.server.password)
        self._csrf = found["csrf_token"]

    def step(self) -> None:
        if not self._csrf:
            self.log_in()
        with contextlib.suppress(Refused):
            if self.user == self.server.user:
                self.chance.choice((self._event, self._contact, self._restore, self._mail, self.draft))()
            else:
                self.draft()

    def _event(self) -> None:
        [calendar, *_] = self.call("calendars")
        items = self.call("events", since=4_099_000_000, until=4_101_000_000, calendar_ids=[calendar["id"]])["events"]
        items = [one for one in items if re.fullmatch(r"e\d+", one["title"])]
        if items:
            item = self.chance.choice(items)
            event = self.call("event", event_id=item["id"])
            mark = self.next("x")
            form = event["form"] | {"notes": f"{event['form']['notes']} {mark}"}
            wish = {"calendar_id": calendar["id"], "event": form, "event_id": item["id"], "changed": event["changed"]}
            with self.ledger.marking({item["title"]: mark}, "changes by the webmail"):
                self.call("event_save", **wish)

    def _contact(self) -> None:
        known = [one for one in self.call("contacts")["contacts"] if re.fullmatch(r"c\d+", one["name"])]
        if not known:
            return
        item = self.chance.choice(known)
        card = self.call("contact", contact_id=item["id"])
        wish = {"contact_id": item["id"], "changed": card["changed"]}
        if self.chance.random() < 0.1:
            text = " ".join([*self.ledger.asked[item["name"]]])  # a card has more than its form, and all of it goes
            with self.ledger.removing(item["name"], text):
                self.call("contact_remove", **wish)
            return
        mark = self.next("x")
        form = card["form"] | {"note": f"{card['form']['note']} {mark}"}
        with self.ledger.marking({item["name"]: mark}, "changes by the webmail"):
            self.call("contact_save", contact=form, **wish)

    def _restore(self) -> None:
        deleted = self.call("deleted_list", kind=self.chance.choice(("calendar", "contact")))
        if deleted:
            self.call("deleted_restore", deleted_id=deleted[0]["id"])

    def _mail(self) -> None:
        emails = self._reader.emails(self._reader.whole("Email")[0])
        if not emails:
            return
        one = self.chance.choice([*emails.values()])
        number = int(one["id"][1:])
        if self.chance.random() < 0.3:
            boxes = self._reader.call("Mailbox/get")["list"]
            target = self.chance.choice([box["id"] for box in boxes if box["name"] in ("Inbox", *FOLDERS)])
            self.call("message_move", message_ids=[number], mailbox_id=int(target[1:]))
            return
        on = self.chance.random() < 0.5
        with self.ledger.writing({("label", one["subject"], self.name): on}, "flags"):
            self.call("flags_add" if on else "flags_clear", message_ids=[number], flags=[self.name])

    def draft(self) -> None:
        """Add a mark to the draft that the owner and the delegate share."""
        draft = self.call("draft_find", message_id=DRAFT, seconds=86_400, author=self.server.user)
        before = self.call("compose_prepare", kind="edit", message_id=draft)["text"] if draft else ""
        mark = self.next("x")
        message = {
            "from": {"name": "", "address": self.server.user},
            **{name: [] for name in ("to", "cc", "bcc", "reply_to", "uploads", "references")},
            "subject": "draft",
            "text": f"{before.strip()} {mark}",
            "message_id": DRAFT,
            "in_reply_to": "",
        }
        with self.ledger.marking({"draft": mark}, "drafts"):
            self.call("draft_save", draft=message, save_id=os.urandom(16).hex(), replaces=draft)


class Scripts(Program):
    """A program for Sieve scripts: one by ManageSieve (RFC 5804), one by JMAP (RFC 9661)."""

    pace = 0.1

    def __init__(self, server: LocalServer, ledger: Ledger, name: str, seed: int, user: str = "", *, port: int) -> None:
        super().__init__(server, ledger, name, seed, user)
        self._port = port
        self._sieve: socket.socket | None = None
        self._jmap = Jmap(server, ledger, name, seed)

    def close(self) -> None:
        if self._sieve is not None:
            self._sieve.close()
        self._sieve = None
        self._jmap.close()

    def run(self, command: str) -> str:
        """The response to a command. Raises Gone, Refused."""
        try:
            if self._sieve is None:
                self._sieve = socket.create_connection(("127.0.0.1", self._port), timeout=60)
                self._receive(self._sieve)
                secret = base64.b64encode(f"\0{self.user}\0{self.server.password}".encode()).decode()
                self._sieve.sendall(f'AUTHENTICATE "PLAIN" "{secret}"\r\n'.encode())
                self._receive(self._sieve)
            self._sieve.sendall(command.encode() + b"\r\n")
            if self.lost():
                raise ConnectionResetError
            return self._receive(self._sieve)
        except OSError:
            self.close()
            raise Gone from None

    def _receive(self, connection: socket.socket) -> str:
        octets = b""
        while (last := re.search(rb"(?:^|\n)(OK|NO|BYE)\b[^\n]*\r\n$", octets)) is None:
            if not (more := connection.recv(65536)):
                raise ConnectionResetError
            octets += more
        if last[1] == b"BYE":
            raise ConnectionResetError
        if last[1] == b"NO":
            raise Refused(octets.decode())
        return octets.decode()

    def step(self) -> None:
        text = f"# {self.next('x')}\r\nkeep;\r\n"
        if self.chance.random() < 0.5:
            with self.ledger.writing({("script", f"{self.name}-sieve"): text}, "scripts"):
                self.run(f'PUTSCRIPT "{self.name}-sieve" {{{len(text)}+}}\r\n{text}')
            return
        name = f"{self.name}-jmap"
        with contextlib.suppress(Refused):
            known = self._jmap.call("SieveScript/get")
            blob = self._jmap.upload(text.encode(), "application/sieve")
            there = [one["id"] for one in known["list"] if one["name"] == name]
            wish = (
                {"update": {there[0]: {"blobId": blob}}} if there else {"create": {"a": {"name": name, "blobId": blob}}}
            )
            with self.ledger.writing({("script", name): text}, "scripts"):
                self._jmap.call("SieveScript/set", ifInState=known["state"], **wish)


ANSWERS: Final = ("ACCEPTED", "DECLINED", "TENTATIVE")
REPLY: Final = (
    "From: {guest}\r\nTo: {owner}\r\nSubject: answer\r\nMessage-ID: <{word}@localhost>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/calendar; method=REPLY; charset=utf-8\r\n\r\n"
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:party\r\n"
    "DTSTAMP:{stamp}\r\nDTSTART:20991124T100000Z\r\nORGANIZER:mailto:{owner}\r\n"
    "ATTENDEE;PARTSTAT={answer}:mailto:{guest}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


class Answering(Program):
    """A guest at another server, who answers by mail, and changes their mind."""

    pace = 1.1  # an answer's time is in seconds

    def step(self) -> None:
        answer = self.chance.choice(ANSWERS)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        word = self.next("x")
        octets = REPLY.format(guest=GUEST, owner=self.server.user, word=word, stamp=stamp, answer=answer)
        try:
            with (
                smtplib.SMTP("127.0.0.1", self.server.port(25), timeout=60) as smtp,
                self.ledger.writing({("answer",): answer}, "answers by mail"),
            ):
                try:
                    smtp.sendmail(GUEST, [self.server.user], octets.encode())
                except smtplib.SMTPResponseException as error:
                    raise (Gone if error.smtp_code == 421 else Finding(str(error))) from None
                except (OSError, smtplib.SMTPException):
                    raise Gone from None
        except (OSError, smtplib.SMTPException):
            raise Gone from None
