"""Calls as programs make them, with a password or a token: JMAP, WebDAV with CalDAV and CardDAV, addresses to give
away, and the admin API.
"""

from __future__ import annotations

import base64
import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from moxlite.web.dav.app import METHODS as DAV_METHODS
from moxlite.web.jmap.table import CAPABILITIES, METHODS
from tests.campaigns._schemas import TEXTS, Maker
from tests.campaigns.report import Finding
from tests.running import LocalServer

__all__ = ["AdminAPI", "Aliases", "Dav", "Jmap", "Program"]

Ask = Callable[[str, str, bytes, dict[str, str]], tuple[int, bytes]]

EVENT: Final = {
    "title": "Lunch",
    "start": "2026-11-30T12:00:00",
    "timeZone": "Europe/Berlin",
    "duration": "PT1H",
    "recurrenceRule": {"@type": "RecurrenceRule", "frequency": "weekly", "count": 4},
    "recurrenceOverrides": {"2026-12-07T12:00:00": {"title": "Late"}, "2026-12-14T12:00:00": {"excluded": True}},
    "participants": {"a": {"calendarAddress": "mailto:a@b.example", "roles": {"attendee": True}}},
    "locations": {"l": {"name": "Harbour"}},
    "alerts": {"x": {"@type": "Alert", "trigger": {"@type": "OffsetTrigger", "offset": "-PT10M"}}},
    "calendarIds": {"K1": True},
}
CARD: Final = {
    "name": {"full": "Ada Lind", "components": [{"kind": "given", "value": "Ada"}]},
    "emails": {"e": {"address": "ada@a.example", "contexts": {"work": True}}},
    "phones": {"p": {"number": "tel:+49-1"}},
    "media": {"m": {"kind": "photo", "blobId": "U1"}},
    "addressBookIds": {"B2": True},
}
EMAIL: Final = {
    "mailboxIds": {"F1": True},
    "keywords": {"$seen": True, "plan": True},
    "from": [{"name": "Ada", "email": "ada@a.example"}],
    "to": [{"name": None, "email": "b@b.example"}],
    "subject": "Größe",
    "header:X-A:asText": "a",
    "bodyStructure": {"type": "multipart/mixed", "subParts": [{"partId": "t", "type": "text/plain"}, {"blobId": "U1"}]},
    "bodyValues": {"t": {"value": "hello", "isTruncated": False}},
}
SAMPLES: Final[dict[str, dict[str, Any]]] = {
    "Email": EMAIL,
    "Mailbox": {"name": "Box", "parentId": None, "role": None, "sortOrder": 3, "isSubscribed": True},
    "Identity": {"name": "Ada", "replyTo": None, "textSignature": "x", "htmlSignature": "<p>x"},
    "EmailSubmission": {
        "identityId": "I1",
        "emailId": "M1",
        "envelope": {"mailFrom": {"email": "moxlite@localhost"}, "rcptTo": [{"email": "moxlite@localhost"}]},
    },
    "VacationResponse": {"isEnabled": True, "textBody": "gone", "fromDate": "2026-11-01T00:00:00Z", "htmlBody": None},
    "PushSubscription": {"deviceClientId": "a", "url": "https://localhost/", "types": ["Email"]},
    "AddressBook": {"name": "Work", "description": None, "sortOrder": 1, "shareWith": {"uada": {"mayRead": True}}},
    "ContactCard": CARD,
    "Calendar": {"name": "Work", "color": "#fff", "isVisible": True, "shareWith": None, "timeZone": "Europe/Berlin"},
    "CalendarEvent": EVENT,
    "SieveScript": {"name": "a", "blobId": "U1"},
    "MaskedEmail": {"state": "enabled", "forDomain": "https://a.example", "description": "x"},
}
"""Objects that a /set may create, by type."""

FILTERS: Final = (
    *("inMailbox", "text", "after", "before", "hasKeyword", "notKeyword", "hasAttachment", "header", "minSize", "from"),
    *("allInThreadHaveKeyword", "name", "role", "parentId", "hasAnyRole", "inAddressBook", "uid", "kind", "email"),
    *("inCalendar", "title", "attendee", "objectType", "type", "undoStatus", "emailIds", "isActive", "accountIds"),
)
SORTS: Final = (
    "receivedAt",
    "subject",
    "size",
    "name",
    "sortOrder",
    "created",
    "start",
    "updated",
    "sentAt",
    "hasKeyword",
)

ICALENDAR: Final = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART;TZID=Europe/Berlin:20261130T120000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\nSUMMARY:x\r\n"
    b"ATTENDEE:mailto:a@b.example\r\nORGANIZER:mailto:moxlite@localhost\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
VCARD: Final = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:c\r\nFN:Ada\r\nEMAIL;PREF=1:ada@a.example\r\nEND:VCARD\r\n"
XML: Final = (
    b"",
    b'<propfind xmlns="DAV:"><allprop/></propfind>',
    b'<propfind xmlns="DAV:"><prop><getetag/><resourcetype/><sync-token/><acl/><x xmlns="y"/></prop></propfind>',
    b'<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname><y xmlns="z"/></prop></set></propertyupdate>',
    b'<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>',
    (
        b'<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><prop><C:calendar-data><C:expand'
        b' start="20261101T000000Z" end="20261231T000000Z"/></C:calendar-data></prop><C:filter><C:comp-filter'
        b' name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20261101T000000Z"/></C:comp-filter>'
        b"</C:comp-filter></C:filter></C:calendar-query>"
    ),
    (
        b'<C:addressbook-query xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns="DAV:"><prop><C:address-data/></prop>'
        b'<C:filter><C:prop-filter name="EMAIL"><C:text-match collation="i;unicode-casemap">a</C:text-match>'
        b"</C:prop-filter></C:filter></C:addressbook-query>"
    ),
    (
        b'<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20261101T000000Z"'
        b' end="20261201T000000Z"/></C:free-busy-query>'
    ),
    (
        b'<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><set><prop><displayname>x</displayname>'
        b"</prop></set></C:mkcalendar>"
    ),
    b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><propfind xmlns="DAV:">&c;</propfind>',
)
ESCAPES: Final = ("%ff", "%c3%28/", "%ed%a0%80", "%00", "%", "%2f..%2f", "%25ff", "a%fe.ics")
"""Ends of paths: octets that are no UTF-8, no text, or no escape."""

BODIES: Final = (*XML, ICALENDAR, VCARD)
FITTING: Final = {
    "PROPFIND": XML[1:3],
    "PROPPATCH": XML[3:4],
    "REPORT": XML[4:8],
    "MKCALENDAR": XML[8:9],
    "MKCOL": (b"",),
    "GET": (b"",),
    "DELETE": (b"",),
}
COLLECTION: Final = re.compile(r"/dav/(?:calendars|addressbooks)/[^/]+/[^/]+/")
HREF: Final = re.compile(rb"<(?:\w+:)?href>([^<]{1,300})</")
DEEP: Final = 300


class Program:
    """A program that calls a server. `ask` sends a request."""

    name = ""

    def __init__(self, server: LocalServer, chance: random.Random, ask: Ask) -> None:
        self.chance, self._ask = chance, ask
        self.maker = Maker(chance, {})
        login = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        self.fields = {"authorization": f"Basic {login}"}

    def call(self, *, session: bool) -> tuple[str, tuple[int, bytes], bytes]:
        """Make a request; what it is called, status and body of the answer, and what was sent."""
        raise NotImplementedError

    def mutated(self, value: Any, depth: int = 0) -> Any:
        """A value with some of its parts left out, added, or of another kind."""
        chance = self.chance
        if not depth and chance.random() < 0.4:
            return value
        if chance.random() < 0.03:
            return self.maker.value({})
        match value:
            case dict():
                kept = {key: self.mutated(one, depth + 1) for key, one in value.items() if chance.random() > 0.05}
                if chance.random() < 0.05:
                    kept[chance.choice(TEXTS)] = self.maker.value({})
                return kept
            case list():
                return [self.mutated(one, depth + 1) for one in value for _ in range(chance.choice((1, 1, 1, 0, 2)))]
            case str() if chance.random() < 0.1:
                return chance.choice(TEXTS)
        return value

    def torn(self, octets: bytes) -> bytes:
        """Octets of which a part is missing, is there twice, or is another one, now and then."""
        if self.chance.random() < 0.7 or not octets:
            return octets
        low = self.chance.randrange(len(octets))
        high = min(len(octets), low + self.chance.randrange(1, 40))
        new = self.chance.choice((b"", octets[low:high] * 2, b"\xff\x00", b"<", b";", b"\r\n", b"9" * 30, b"-"))
        return octets[:low] + new + octets[high:]


class Jmap(Program):
    """A mail program: requests of some calls, in which ids and states of earlier answers come again."""

    name = "jmap"

    def call(self, *, session: bool) -> tuple[str, tuple[int, bytes], bytes]:
        chance = self.chance
        fields = self.fields if session else {}
        kind = chance.random()
        if kind < 0.05:
            octets = chance.choice((EVENT, CARD))
            body = chance.choice((ICALENDAR, VCARD, b"From: a@b\r\n\r\nx", b"keep;", json.dumps(octets).encode()))
            answer = self._ask("POST", "/jmap/upload/umoxlite/", self.torn(body), {**fields, "content-type": "a/b"})
            self._note(answer)
            return "jmap upload", answer, body
        if kind < 0.1:
            known = str(self._known("blobId", ("M1", "E1", "E1-1", "U1", "V1", "x")))[:1000]
            blob = quote(known.encode("utf-8", "surrogatepass"))
            path = f"/jmap/download/umoxlite/{blob}/a.txt?accept={chance.choice(('text/plain', 'x', '%ff', ''))}"
            return "jmap download", self._ask("GET", path, b"", fields), b""
        names = [chance.choice([*METHODS]) for _ in range(chance.choice((1, 1, 2, 4)))]
        calls = [[name, self._arguments(name), str(number)] for number, name in enumerate(names)]
        request: Any = {"using": [*CAPABILITIES], "methodCalls": calls}
        if chance.random() < 0.05:
            request = self.mutated(request)
        body = self.maker.body({"const": request}) if chance.random() < 0.3 else json.dumps(request).encode()
        answer = self._ask("POST", "/jmap/api", body, {**fields, "content-type": "application/json"})
        self._note(answer)
        return f"jmap {' '.join(names)}", answer, body

    def _note(self, answer: tuple[int, bytes]) -> None:
        if answer[0] not in (200, 201):
            return
        found = json.loads(answer[1])
        self.maker.note(found)
        for name, arguments, _ in found.get("methodResponses", ()):
            if name == "error" and arguments["type"] == "serverFail":
                raise Finding(f"a call failed in the server: {arguments}")
            for state in ("state", "newState", "queryState", "newQueryState"):
                if state in arguments:
                    self.maker.note(arguments[state], "sinceState")

    def _known(self, name: str, others: tuple[Any, ...]) -> Any:
        return self.maker.value({"enum": [*others]}, name)

    def _id(self) -> Any:
        return self._known("id", ("M1", "F1", "K1", "J1", "B2", "C1", "T1", "A1", "#a", "x", "singleton", ""))

    def _arguments(self, name: str) -> dict[str, Any]:
        chance, kind, verb = self.chance, *name.split("/")
        found: dict[str, Any] = {"accountId": "umoxlite" if chance.random() < 0.97 else self._id()}
        if verb in ("get", "lookup", "parse", "send"):
            found["ids"] = None if chance.random() < 0.3 else [self._id() for _ in range(chance.randrange(4))]
            found["blobIds"] = found["typeNames"] = [self._id()]
            if chance.random() < 0.3:
                found["properties"] = self.mutated([*SAMPLES.get(kind, EMAIL), "id"])
        elif verb in ("changes", "queryChanges"):
            found["sinceState"] = found["sinceQueryState"] = self._known(
                "sinceState", ("0", "1", "7", "99999999", "-1")
            )
            found["maxChanges"] = chance.choice((None, None, 1, 5, 0, -1))
        if verb in ("query", "queryChanges"):
            found |= {
                "filter": self._filter(),
                "calculateTotal": chance.random() < 0.5,
                "limit": chance.choice((None, 3)),
            }
            found |= {"position": chance.choice((0, -1, 5)), "collapseThreads": chance.random() < 0.3}
            if chance.random() < 0.5:
                found["sort"] = [{"property": chance.choice(SORTS), "isAscending": chance.random() < 0.5}]
            if chance.random() < 0.1:
                found |= {"anchor": self._id(), "anchorOffset": chance.choice((0, -5, 3))}
        if verb in ("set", "copy", "import", "upload"):
            sample = SAMPLES.get(kind, {})
            found["create"] = {
                "a": self.mutated({**copy.deepcopy(sample), **({"id": self._id()} if verb == "copy" else {})})
            }
            found["emails"] = {"a": {"blobId": self._known("blobId", ("U1",)), "mailboxIds": {"F1": True}}}
            found["fromAccountId"] = self._known("accountId", ("umoxlite", "uada"))
            found["update"] = {str(self._id()): self._patch(sample) for _ in range(chance.choice((0, 1, 2)))}
            found["destroy"] = [self._id()] if chance.random() < 0.15 else []
            found["onSuccessDestroyOriginal"] = found["sendSchedulingMessages"] = chance.random() < 0.3
        found = {key: value for key, value in found.items() if chance.random() > 0.05}
        return self.mutated(found) if chance.random() < 0.2 else found

    def _filter(self, depth: int = 0) -> Any:
        chance = self.chance
        if depth < 3 and chance.random() < 0.2:
            inner = [self._filter(depth + 1) for _ in range(chance.randrange(3))]
            return {"operator": chance.choice(("AND", "OR", "NOT", "x")), "conditions": inner}
        if chance.random() < 0.02:
            whole: Any = {}
            for _ in range(DEEP):
                whole = {"operator": "NOT", "conditions": [whole]}
            return whole
        names = chance.sample(FILTERS, chance.choice((0, 1, 1, 2)))
        values = ("a", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00", True, "$seen", ["a", "b"], 5, "F1")
        return {name: self._known(name, values) for name in names}

    def _patch(self, sample: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            path, value = "", sample
            while isinstance(value, dict) and value and (not path or self.chance.random() < 0.6):
                key = self.chance.choice([*value])
                path, value = f"{path}/{key}".strip("/"), value[key]
            if self.chance.random() < 0.1:
                path += self.chance.choice(("/", "/a", "~1", "/0", "//", "~"))
            found[path] = self.chance.choice((self.mutated(value), None, True))
        return found


class Dav(Program):
    """A phone: any method at any place that an answer has named, with bodies of which a part is torn."""

    name = "dav"

    def __init__(self, server: LocalServer, chance: random.Random, ask: Ask) -> None:
        super().__init__(server, chance, ask)
        self._places = ["/dav/", "/.well-known/caldav", "/dav/x"]
        for home in ("calendars", "addressbooks"):
            answer = ask("PROPFIND", f"/dav/{home}/moxlite/", b"", {**self.fields, "depth": "1"})
            self._note(answer[1])

    def call(self, *, session: bool) -> tuple[str, tuple[int, bytes], bytes]:
        chance = self.chance
        method = chance.choice((*DAV_METHODS, "PROPFIND", "REPORT", "PUT", "OPTIONS", "LOCK"))
        place = chance.choice(self._places)
        if method in ("PUT", "MKCOL", "MKCALENDAR") and chance.random() < 0.8:
            place = place.rpartition("/")[0] + chance.choice(("/a.ics", "/b.vcf", "/new/", "/a%00b", "/" + "x" * 300))
        if chance.random() < 0.1:
            place += chance.choice(ESCAPES)
        if method == "DELETE" and chance.random() < 0.7:
            method = "GET"
        # Most requests fit, so that what they ask is done: the door refuses the others.
        fits = chance.random() < 0.7
        body = self.torn(chance.choice(FITTING.get(method, BODIES) if fits else BODIES))
        if method == "PUT" and fits:
            place = chance.choice([one for one in self._places if COLLECTION.fullmatch(one)])
            kind, body = ("ics", ICALENDAR) if "/calendars/" in place else ("vcf", VCARD)
            number = chance.randrange(5)
            body = self.torn(re.sub(rb"UID:\w", b"UID:%d" % number, body))
            place = f"{place.rpartition('/')[0]}/{number}.{kind}"
        elif method in ("MKCOL", "MKCALENDAR") and fits:
            place = f"/dav/calendars/moxlite/new{chance.randrange(3)}/"
        if method in ("GET", "HEAD"):
            body = b""
        fields = dict(self.fields) if session else {}
        fields["content-type"] = chance.choice(
            ("text/calendar", "text/vcard", "application/xml", "x", "text/xml; charset=utf-16")
        )
        if method == "PUT" and fits:
            fields["content-type"] = "text/calendar" if body.startswith(b"BEGIN:VCAL") else "text/vcard"
        elif fits:
            fields["content-type"] = "application/xml"
        fields["depth"] = chance.choice(("0", "1", "1", "1") if fits else ("0", "1", "infinity", "x"))
        if chance.random() < 0.2:
            fields["if-match"] = chance.choice(("*", '"x"', "", 'W/"1", "2"'))
        if method in ("COPY", "MOVE"):
            fields["destination"] = chance.choice((chance.choice(self._places) + "c.ics", "http://[::1", "/", "x"))
            fields["overwrite"] = chance.choice(("T", "F", "x"))
        answer = self._ask(method, place, body, fields)
        self._note(answer[1])
        if answer[0] == 201 and method in ("PUT", "MKCOL", "MKCALENDAR"):
            self._add(place)
        return f"dav {method}", answer, body

    def _note(self, octets: bytes) -> None:
        for href in HREF.findall(octets):
            text = href.decode("ascii", "replace")
            if text.startswith("/") and text.isprintable() and " " not in text:
                self._add(text)

    def _add(self, place: str) -> None:
        if len(self._places) < 200 and place not in self._places:
            self._places.append(place)


class Aliases(Program):
    """A password manager that makes addresses to give away, by either of the APIs that such programs know."""

    name = "aliases"

    def __init__(self, server: LocalServer, chance: random.Random, ask: Ask) -> None:
        super().__init__(server, chance, ask)
        made = server.cli("account", "app-password", "add", "moxlite", "calls", "--token", "--scope", "addresses")
        self._token = made.stdout.split()[-1]

    def call(self, *, session: bool) -> tuple[str, tuple[int, bytes], bytes]:
        chance = self.chance
        method, pattern = chance.choice(ALIAS_CALLS)
        number = str(self.maker.value({"enum": ["1", "2", "0", "9" * 15, "x", "%ff", "0" * 36]}, "id"))[:100]
        path = f"/webapi/{pattern.replace('ID', quote(number.encode('utf-8', 'surrogatepass'), safe='%'))}"
        if method == "GET":
            path += f"?{chance.choice(QUERIES)}={chance.choice(('1', '-1', 'x', '%ff', '9' * 30, 'true', ''))}"
        body = self.maker.body({"const": self.mutated(ALIAS)}) if method != "GET" else b""
        fields = {"content-type": "application/json"}
        if session:
            simple = "v1" not in pattern
            fields |= {"authentication": self._token} if simple else {"authorization": f"Bearer {self._token}"}
        answer = self._ask(method, path, body, fields)
        if answer[0] in (200, 201) and answer[1].startswith(b"{"):
            self.maker.note(json.loads(answer[1]))
        return f"aliases {method} {pattern}", answer, body


ALIAS_CALLS: Final = (
    *(("POST", "api/v1/aliases"), ("GET", "api/v1/aliases"), ("GET", "api/v1/aliases/ID")),
    *(("PATCH", "api/v1/aliases/ID"), ("DELETE", "api/v1/aliases/ID"), ("POST", "api/v1/active-aliases")),
    *(("DELETE", "api/v1/active-aliases/ID"), ("GET", "api/v1/domain-options"), ("GET", "api/v1/api-token-details")),
    *(("POST", "api/alias/random/new"), ("GET", "api/v2/aliases"), ("GET", "api/aliases/ID")),
    *(("PUT", "api/aliases/ID"), ("PATCH", "api/aliases/ID"), ("DELETE", "api/aliases/ID")),
    *(("POST", "api/aliases/ID/toggle"), ("GET", "api/user_info")),
)
QUERIES: Final = ("page[size]", "page[number]", "filter[search]", "filter[active]", "page_id", "enabled", "hostname")
ALIAS: Final = {
    "domain": "localhost",
    "description": "shop.example",
    "note": "x",
    "format": "custom",
    "local_part": "a",
}


class AdminAPI(Program):
    """A script of the administrator with a token of all scopes: accounts, aliases, domains, the queue, reports."""

    name = "adminapi"

    def __init__(self, server: LocalServer, chance: random.Random, ask: Ask) -> None:
        super().__init__(server, chance, ask)
        scopes = ("read", "accounts", "domains", "queue", "reports", "dns", "server")
        token = server.cli("admin", "token", "add", "calls", *scopes).stdout.split()[-1]
        self.fields = {"authorization": f"Bearer {token}"}
        status, octets = ask("GET", "/admin/v1/openapi.json", b"", {})
        if status != 200:
            raise Finding(f"the document of the admin API is answered with {status}")
        document = json.loads(octets)
        self.maker = Maker(chance, document["components"]["schemas"])
        self._calls = {
            path.strip("/"): entry["post"]["requestBody"]["content"]["application/json"]["schema"]
            for path, entry in document["paths"].items()
        }

    def call(self, *, session: bool) -> tuple[str, tuple[int, bytes], bytes]:
        name = self.chance.choice([*self._calls])
        body = self.maker.body(self._calls[name])
        fields = {**(self.fields if session else {}), "content-type": "application/json"}
        path = name if name.startswith("admin/") else f"admin/v1/{name.removeprefix('v1/')}"
        answer = self._ask("POST", f"/{path}", body, fields)
        if answer[0] == 200 and answer[1].startswith(b"{"):
            self.maker.note(json.loads(answer[1]).get("result"), name)
        return f"adminapi {name}", answer, body
