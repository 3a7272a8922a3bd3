"""Six clients of an account that keep what they know, with its state. `follow` brings one up to date by means of its
protocol alone. What a new client of the same kind reads is what it must know then.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import fromstring

from moxlite.store.rows.mailboxes import state
from tests.jmap_rig import Client, Object
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.test_web_dav import BOOK, HOME, D, Program, refused, responses
from tests.web_rig import ADDRESS, PASSWORD, Rig, first_request

__all__ = ["Follower", "six"]

MAIL: Final = {
    "Mailbox": None,
    "Email": ["mailboxIds", "keywords", "threadId", "subject"],
    "Thread": None,
    "EmailSubmission": ["emailId", "undoStatus"],
}
CALENDAR: Final = {"Calendar": ["name", "myRights"], "CalendarEvent": ["title", "start", "calendarIds"]}
CONTACTS: Final = {"AddressBook": ["name"], "ContactCard": ["name", "addressBookIds"]}
COUNTED: Final = {"Mailbox"}
"""Types whose objects change without what is in them: a mailbox with its UIDNEXT."""


class Follower(ABC):
    """A client that keeps what it knows.

    Attributes:
      known: all of it.
      whole: how often it had to read everything.
      fetched: objects that it has read.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: Any = {}
        self.whole = self.fetched = 0

    @abstractmethod
    async def follow(self, rig: Rig) -> None:
        """Learn of what has changed."""

    @abstractmethod
    def anew(self) -> "Follower":
        """A client of the same kind that knows nothing."""


class JMAPProgram(Follower):
    """Keeps all objects of some types (RFC 8620 §5.2), with emails also the results of a query (§5.6)."""

    def __init__(self, name: str, shown: Mapping[str, Sequence[str] | None]) -> None:
        super().__init__(name)
        self.shown = shown
        self.states: dict[str, str] = {}

    def anew(self) -> "JMAPProgram":
        return JMAPProgram(self.name, self.shown)

    async def follow(self, rig: Rig) -> None:
        client = Client(rig)
        for kind in self.shown:
            while not await self._step(client, kind):
                pass
        if "Email" in self.shown:
            await self._query(client)

    async def _step(self, client: Client, kind: str) -> bool:
        """Learn of some changes; returns whether those were all."""
        if kind not in self.states:
            await self._read(client, kind)
            return True
        arguments = {"accountId": client.account, "sinceState": self.states[kind]}
        answer = await client.request([f"{kind}/changes", arguments, "0"])
        [[name, found, _]] = answer["methodResponses"]
        if name == "error":
            assert found["type"] == "cannotCalculateChanges", found
            if kind != "Thread":  # nobody sets threads
                assert await client.error(f"{kind}/set", ifInState=self.states[kind], update={}) == "stateMismatch"
            await self._read(client, kind)
            return True
        known = self.known[kind]
        for one in found["destroyed"]:
            known.pop(one, None)
        if ids := [*found["created"], *found["updated"]]:
            got = (await client.call(f"{kind}/get", ids=ids, properties=self.shown[kind]))["list"]
            known |= {one["id"]: one for one in got}
            self.fetched += 0 if kind in COUNTED else len(got)
        self.states[kind] = found["newState"]
        return not found["hasMoreChanges"]

    async def _read(self, client: Client, kind: str) -> None:
        ids = None
        if kind == "Email":  # these two aren't given all at once
            ids = (await client.call("Email/query"))["ids"]
        elif kind == "Thread":
            ids = sorted({one["threadId"] for one in self.known["Email"].values()})
        found = await client.call(f"{kind}/get", ids=ids, properties=self.shown[kind])
        self.known[kind], self.states[kind] = {one["id"]: one for one in found["list"]}, found["state"]
        self.whole += 1

    async def _query(self, client: Client) -> None:
        results: list[str] = self.known.get("query", [])
        if "query" in self.states:
            arguments: Object = {"accountId": client.account, "sinceQueryState": self.states["query"], "sort": ORDER}
            answer = await client.request(["Email/queryChanges", arguments, "0"])
            [[name, found, _]] = answer["methodResponses"]
            if name != "error":
                results = [one for one in results if one not in found["removed"]]
                for one in found["added"]:
                    results.insert(one["index"], one["id"])
                self.known["query"], self.states["query"] = results, found["newQueryState"]
                return
            assert found["type"] == "cannotCalculateChanges", found
        found = await client.call("Email/query", sort=ORDER)
        self.known["query"], self.states["query"] = found["ids"], found["queryState"]
        self.whole += 1


ORDER: Final = [{"property": "receivedAt"}]


class Page(Follower):
    """The webmail, which shows Inbox: a page that was connected before asks for what has changed since (WEBMAIL-44)."""

    def __init__(self) -> None:
        super().__init__("webmail")
        self.modseq, self.epoch = 0, ""
        self.shown: Object = {}

    def anew(self) -> "Page":
        return Page()

    async def follow(self, rig: Rig) -> None:
        browser = rig.browser()
        await browser.log_in()
        async with rig.account() as account:
            now = (await account.read(state, op="test")).modseq
        known = self.modseq > 0
        request = {"id": 1, "view_id": 1, "query": self.shown} if known else first_request(count=1000)
        events = await browser.events(request, since=f"{self.modseq}{self.epoch}" if known else 0)
        first = await events.next()
        if first["kind"] == "start":
            self.modseq, self.epoch, self.known = first["modseq"], first["epoch"], {}
            inbox = next(box["id"] for box in first["mailboxes"] if box["name"] == "Inbox")
            self.shown = {"filter": {"mailbox_id": inbox}}
            self.whole += 1
            if known:  # as the page does: it asks for its list again
                await events.aclose()
                self.modseq = 0
                self.whole -= 1
                await self.follow(rig)
                return
            while items := (await events.until("view_msgs"))["items"]:
                for [item] in items:
                    self._put(item)
        else:
            assert first["kind"] == "resume", first
            while self.modseq < now:
                event = await events.until("view_changes")
                for change in event["changes"]:
                    self._apply(change)
                self.modseq = event["modseq"]
        await events.aclose()

    def _put(self, item: Object) -> None:
        self.known[item["id"]] = (item["uid"], sorted(item["flags"]), sorted(item["keywords"]))

    def _apply(self, change: Object) -> None:
        match change["kind"]:
            case "msg_add":
                self._put(change["item"])
                self.fetched += 1
            case "msg_remove":
                for number in change["message_ids"]:
                    self.known.pop(number, None)
            case "msg_flags" if change["message_id"] in self.known:
                uid, _, _ = self.known[change["message_id"]]
                self._put({**change, "id": change["message_id"], "uid": uid})
                self.fetched += 1


class DAVProgram(Follower):
    """Synchronises a calendar and an address book by tokens (RFC 6578)."""

    def __init__(self) -> None:
        super().__init__("DAV")
        self.tokens = dict.fromkeys((HOME, BOOK), "")
        self.known = {HOME: {}, BOOK: {}}

    def anew(self) -> "DAVProgram":
        return DAVProgram()

    async def follow(self, rig: Rig) -> None:
        program = Program(rig)
        for home in (HOME, BOOK):
            before = self.tokens[home]
            answer = await self._ask(program, home)
            if answer.status == 403:
                assert refused(answer) == (403, "valid-sync-token"), answer.body
                self.tokens[home], self.known[home] = "", {}
                answer = await self._ask(program, home)
            self.whole += self.tokens[home] == ""
            for one in responses(answer):
                path, etag = one.findtext(D + "href") or "", one.findtext(f".//{D}getetag")
                self.known[home].pop(path, None)
                if etag is not None:
                    self.known[home][path] = etag
                    self.fetched += self.tokens[home] == before != ""
            self.tokens[home] = fromstring(answer.body).findtext(D + "sync-token") or ""

    async def _ask(self, program: Program, home: str) -> Any:
        token = f"<D:sync-token>{self.tokens[home]}</D:sync-token><D:sync-level>1</D:sync-level>"
        return await program.report(home, "D:sync-collection", f"{token}<D:prop><D:getetag/></D:prop>")


FETCHED: Final = re.compile(r"\* \d+ FETCH \(.*?UID (\d+).*?FLAGS \(([^)]*)\)")


class IMAPProgram(Follower):
    """Synchronises Inbox by QRESYNC (RFC 7162 §3.2.5)."""

    def __init__(self) -> None:
        super().__init__("IMAP")
        self.validity = self.modseq = 0

    def anew(self) -> "IMAPProgram":
        return IMAPProgram()

    async def follow(self, rig: Rig) -> None:
        async with rig.connect(port=143) as stream:
            client = IMAPClient(stream)
            await client.response()
            await client.login(ADDRESS, PASSWORD)
            await client.ok("a ENABLE QRESYNC")
            known = f" (QRESYNC ({self.validity} {self.modseq}))" if self.modseq else ""
            told = await client.ok(f"b SELECT Inbox{known}")
            validity, modseq = (_code(told, name) for name in ("UIDVALIDITY", "HIGHESTMODSEQ"))
            if validity != self.validity:
                self.known, told = {}, await client.ok("c UID FETCH 1:* (UID FLAGS)")
                self.whole += 1
            else:
                self.fetched += sum(FETCHED.match(line) is not None for line in told)
            self.validity, self.modseq = validity, modseq
            for line in told:
                if line.startswith("* VANISHED"):
                    for part in line.split()[-1].split(","):
                        first, _, last = part.partition(":")
                        for uid in [one for one in self.known if int(first) <= one <= int(last or first)]:
                            del self.known[uid]
                elif found := FETCHED.match(line):
                    self.known[int(found[1])] = sorted({*found[2].split()} - {r"\Recent"})
            await client.ok("d LOGOUT")


def _code(told: Sequence[str], name: str) -> int:
    [number] = [found[1] for line in told if (found := re.search(rf"\[{name} (\d+)\]", line))]
    return int(number)


def six() -> list[Follower]:
    """One of each."""
    return [
        JMAPProgram("JMAP mail", MAIL),
        JMAPProgram("JMAP calendars", CALENDAR),
        JMAPProgram("JMAP contacts", CONTACTS),
        Page(),
        DAVProgram(),
        IMAPProgram(),
    ]
