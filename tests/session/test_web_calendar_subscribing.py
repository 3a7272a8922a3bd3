"""Calendars that are read from an address each hour (DAV-44)."""

import logging
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
import trio.testing

from moxlite.groupware.commands import GroupwareCommands
from moxlite.groupware.entries import TooBusy
from moxlite.groupware.subscribing import MAX_FILE, Refresher, SubscriptionFailed, Subscriptions
from moxlite.net.control.server import CommandFailed
from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from moxlite.operations import description
from moxlite.operations.groupware import ListCalendars, Listed, SubscribeCalendar, UnsubscribeCalendar
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.errors import LimitExceeded
from moxlite.store.groupware.collection import collection
from moxlite.store.groupware.resources import changes_since
from moxlite.store.groupware.subscriptions import HOUR, LONGEST, changed_entries, hurry, subscription
from moxlite.supervision import FailurePolicy
from tests.session.test_web_dav import C, D, Program, event
from tests.tools import eventually
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

URL = "https://calendar.example.net/feed.ics?key=s3cret"


def file(*events: str, title: str = "Holidays") -> bytes:
    """A file of these events, each as `event` makes it."""
    inner = "".join(one[one.index("BEGIN:VEVENT") : one.index("END:VCALENDAR")] for one in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:{title}\r\n{inner}END:VCALENDAR\r\n".encode()


class Site(HTTPClient):
    """The server of the calendar: answers by `answer`, with 304 where the client has the file; keeps what was asked."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.tag = '"1"'
        self.answer: HTTPResponse | None = None
        self.moves: dict[str, HTTPResponse] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.down = ""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        seconds: float = 0,
        max_body: int = 0,
    ) -> HTTPResponse:
        assert (method, max_body) == ("GET", MAX_FILE)
        fields = {name.lower(): value for name, value in headers}
        self.asked.append((url, fields))
        if self.down:
            raise HTTPError(self.down)
        if url in self.moves:
            return self.moves[url]
        if self.answer is not None:
            return self.answer
        if fields.get("if-none-match") == self.tag:
            return HTTPResponse(304, (), b"")
        return HTTPResponse(200, (("etag", self.tag), ("last-modified", "Mon, 23 Nov 2026 10:00:00 GMT")), self.data)


class Feeds:
    """Mia's subscriptions."""

    def __init__(self, rig: Rig, site: Site) -> None:
        self.rig, self.site = rig, site
        self.subscriptions = Subscriptions(rig.house.services.sandbox, site)
        house = rig.house
        self.commands = GroupwareCommands(
            rig.holder, rig.accounts, rig.auth, self.subscriptions, house.files.spools.directory
        ).registry()

    async def run(self, operation: Any) -> Any:
        found = self.commands[description(type(operation)).name]
        return await found.run(operation, None)  # type: ignore[arg-type]  # no stream

    async def shown(self) -> Listed:
        """The subscribed calendar, as the command line shows it."""
        (found,) = [one for one in await self.run(ListCalendars("mia")) if one.source]
        assert isinstance(found, Listed)
        return found

    async def add(self, url: str = URL) -> int:
        async with self.rig.account() as account:
            return await self.subscriptions.add(account, url)

    async def refresh(self, number: int) -> str:
        async with self.rig.account() as account:
            return await self.subscriptions.refresh(account, number)

    async def changes(self, number: int, since: int) -> list[tuple[str, bool]]:
        """The entries that changed after a modseq, and whether they are there."""
        async with self.rig.account() as account:
            where = await account.read(lambda r: collection(r, number), op="test")
            found = await account.read(lambda r: changes_since(r, where, since, 100), op="test")
        return [(one.name, one.etag is not None) for one in found.changes]

    async def state(self, number: int) -> tuple[int, int]:
        """The modseq and the number of entries of a calendar."""
        async with self.rig.account() as account:
            one = await account.read(lambda r: collection(r, number), op="test")
        return one.modseq, one.total


@pytest.fixture
def feeds(rig: Rig) -> Feeds:
    return Feeds(rig, Site(file(event("1", "SUMMARY:New year"), event("2", "SUMMARY:May day", "RRULE:FREQ=YEARLY"))))


async def test_only_what_has_changed_comes_with_a_new_file(feeds: Feeds) -> None:
    """DAV-44: by the fields of the last answer, by the octets, and entry by entry without the time of writing."""
    number = await feeds.add()
    before, total = await feeds.state(number)
    assert total == 2
    assert await feeds.refresh(number) == ""  # 304
    assert feeds.site.asked[-1][1]["if-none-match"] == '"1"'
    assert feeds.site.asked[-1][1]["if-modified-since"] == "Mon, 23 Nov 2026 10:00:00 GMT"
    feeds.site.tag = '"2"'
    assert await feeds.refresh(number) == ""  # the same octets
    feeds.site.tag, feeds.site.data = '"3"', feeds.site.data.replace(b"DTSTAMP:20261101", b"DTSTAMP:20261125")
    assert await feeds.refresh(number) == ""  # written anew
    assert await feeds.state(number) == (before, 2)
    feeds.site.tag, feeds.site.data = '"4"', file(event("2", "SUMMARY:Labour day"), event("3"))
    assert await feeds.refresh(number) == ""
    changed = await feeds.changes(number, before)
    assert sorted(there for _, there in changed) == [False, True, True]
    assert len(feeds.site.asked) == 5


async def test_entries_are_compared_in_a_thread(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-44: a batch of them may have some mebibytes, of a stranger's file."""
    threads: list[bool] = []

    def watched(*args: Any, **options: Any) -> list[int]:
        threads.append(threading.current_thread() is threading.main_thread())
        return changed_entries(*args, **options)

    monkeypatch.setattr("moxlite.groupware.subscribing.changed_entries", watched)
    await feeds.add()
    assert threads == [False]


async def test_a_file_that_is_cut_removes_nothing(feeds: Feeds) -> None:
    """DAV-44: a connection that ends early, of an answer without a length, is a failure."""
    number = await feeds.add()
    feeds.site.tag, feeds.site.data = '"2"', feeds.site.data.partition(b"END:VEVENT")[0]
    assert await feeds.refresh(number) == "can't reach the server: connection lost while downloading the calendar"
    assert (await feeds.state(number))[1] == 2


async def test_a_limit_that_is_met_halfway_removes_nothing(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-44: the entries that came before stay, and the next attempt goes on."""
    number = await feeds.add()
    monkeypatch.setattr("moxlite.groupware.subscribing.BATCH", 1)
    feeds.site.tag, feeds.site.data = '"2"', file(event("1", "SUMMARY:New year"), event("3"), event("4"))
    with monkeypatch.context() as limits:
        limits.setattr("moxlite.store.groupware.resources.MAX_RESOURCES", 3)
        before, _ = await feeds.state(number)
        assert "up to 3 calendar entries" in await feeds.refresh(number)
    assert [there for _, there in await feeds.changes(number, before)] == [True]
    before, total = await feeds.state(number)
    assert total == 3
    assert await feeds.refresh(number) == ""
    assert sorted(there for _, there in await feeds.changes(number, before)) == [False, True]


async def test_a_failure_leaves_the_calendar_and_asks_ever_later(feeds: Feeds) -> None:
    """DAV-44: why is told, with the last success; the pause doubles up to a day."""
    number = await feeds.add()
    feeds.site.down = "connection refused"
    for pause in (2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, LONGEST, LONGEST):
        assert await feeds.refresh(number) == "can't reach the server: connection refused"
        async with feeds.rig.account() as account:
            found = await account.read(lambda r: subscription(r, number), op="test")
        assert found is not None
        assert found.error
        assert 0.79 * pause < found.due - found.tried < 1.21 * pause
        assert 0 < found.succeeded < found.tried
    assert (await feeds.state(number))[1] == 2
    shown = await feeds.shown()
    assert shown.source == "calendar.example.net: can't reach the server: connection refused"
    feeds.site.down = ""
    assert await feeds.refresh(number) == ""
    shown = await feeds.shown()
    assert shown.source.startswith("calendar.example.net: read 20")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HTTPResponse(404, (), b""), "responded with 404"),
        (HTTPResponse(304, (), b""), "responded with 304"),
        (HTTPResponse(200, (), b"<html>Log in</html>"), "no calendar found at this URL"),
        (HTTPResponse(200, (), b"BEGIN:VCALENDAR", cut=True), "larger than 5 MiB"),
        (HTTPResponse(302, (("location", "http://calendar.example.net/"),), b""), "must start with https"),
        (HTTPResponse(302, (("location", "https://a:b@calendar.example.net/"),), b""), "user name or password"),
        (HTTPResponse(302, (("location", "https://[::1"),), b""), "invalid URL"),
        (HTTPResponse(302, (("location", URL),), b""), "responded with 302"),
        (HTTPResponse(200, (), b"\x1f\x8bgzip"), "no calendar found at this URL"),
    ],
)
async def test_what_is_no_calendar_is_refused(feeds: Feeds, answer: HTTPResponse, reason: str) -> None:
    """DAV-44: nothing is made then."""
    feeds.site.answer = answer
    with pytest.raises(CommandFailed, match=reason):
        await feeds.run(SubscribeCalendar("mia", URL))
    assert len(await feeds.run(ListCalendars("mia"))) == 1


@pytest.mark.parametrize(
    "url", ["http://a.example/", "ftp://a.example/", "https:///x", "file:///etc/passwd", "https://u:p@a.example/", "x"]
)
async def test_other_addresses_are_not_asked(feeds: Feeds, url: str) -> None:
    """DAV-44."""
    with pytest.raises(CommandFailed, match="URL"):
        await feeds.run(SubscribeCalendar("mia", url))
    assert feeds.site.asked == []


async def test_hostile_entries_are_left_out(feeds: Feeds) -> None:
    """DAV-44: rules that cannot be expanded, entries that cannot be read; the rest comes."""
    hostile = event("bad", "RRULE:FREQ=SECONDLY;BYSETPOS=300;BYSECOND=1")
    feeds.site.data = file(event("ok"), hostile, event("worse", "DTSTART:yesterday"))
    number = await feeds.add("webcal://calendar.example.net/feed.ics")
    assert feeds.site.asked[0][0] == "https://calendar.example.net/feed.ics"
    assert (await feeds.state(number))[1] == 1


async def test_entries_with_an_odd_line_come_once(feeds: Feeds) -> None:
    """DAV-44, DAV-40: as far as a calendar can have them; a second reading of a changed file changes nothing."""
    feeds.site.data = file(event("odd", "X-COST_CENTER:7"), event("end", "DTSTART:20261124T100000Z", "DTEND:tomorrow"))
    number = await feeds.add()
    modseq, total = await feeds.state(number)
    assert total == 2
    feeds.site.data, feeds.site.tag = feeds.site.data + b"\r\n", '"2"'
    assert await feeds.refresh(number) == ""
    assert await feeds.changes(number, modseq) == []


async def test_what_is_left_out_of_a_calendar_is_said(feeds: Feeds, browser: Browser) -> None:
    """DAV-44, DAV-40: by the title of the first entry and the number of others, as long as the file is the same; the
    calendar isn't in trouble.
    """
    start = "DTSTART:20261124T100000Z"
    odd = [event(name, f"SUMMARY:Match {name}", start, "DTEND:tomorrow") for name in "ab"]
    feeds.site.data = file(event("ok"), *odd, event("c", "SUMMARY:Match c", "DTSTART:yesterday"))
    number = await feeds.add()

    async def left() -> tuple[str, str]:
        [shown] = [one for one in await browser.call("calendars") if one["id"] == number]
        return shown["problem"]["message"], shown["left"]["message"]

    text = "Match a: skipped the end because it isn't valid (and 2 more)"
    assert await left() == ("", text)
    assert (await feeds.shown()).source.endswith(f"; {text}")
    assert await feeds.refresh(number) == ""  # 304
    assert await left() == ("", text)
    feeds.site.down = "no route"
    assert await feeds.refresh(number) != ""
    assert await left() == ("can't reach the server: no route", "")
    feeds.site.down, feeds.site.tag, feeds.site.data = "", '"2"', file(event("ok"), odd[0])
    assert await feeds.refresh(number) == ""
    assert await left() == ("", "Match a: skipped the end because it isn't valid")
    feeds.site.tag, feeds.site.data = '"3"', file(event("ok"))
    assert await feeds.refresh(number) == ""
    assert await left() == ("", "")


async def test_entries_without_uids_are_read(feeds: Feeds) -> None:
    """DAV-44, DAV-40: those of a club, and those that share one UID; a second reading changes nothing."""
    nameless = [event("1", f"SUMMARY:Match {n}").replace("UID:1\r\n", "") for n in range(3)]
    feeds.site.data = file(*nameless, *[event("same", f"SUMMARY:Evening {n}") for n in range(3)])
    number = await feeds.add()
    modseq, total = await feeds.state(number)
    assert total == 6
    feeds.site.data, feeds.site.tag = feeds.site.data + b"\r\n", '"2"'
    assert await feeds.refresh(number) == ""
    assert await feeds.changes(number, modseq) == []


async def test_a_calendar_of_which_nothing_can_be_read_says_so(feeds: Feeds) -> None:
    """DAV-44: it is not subscribed; one that was keeps what it had."""
    number = await feeds.add()
    feeds.site.data = file(event("bad", "DTSTART:yesterday"), event("worse", "DTSTART:yesterday"))
    feeds.site.tag = '"2"'
    assert (await feeds.refresh(number)).startswith("can't read the calendar: ")
    assert (await feeds.state(number))[1] == 2
    with pytest.raises(SubscriptionFailed, match="can't read the calendar"):
        await feeds.add("https://calendar.example.net/other.ics")
    assert (await feeds.shown()).source


async def test_a_lasting_move_is_kept(feeds: Feeds) -> None:
    """DAV-44: by 301 and 308 the next request goes to the new address, by others not."""
    number = await feeds.add()
    new = "https://new.example.net/feed.ics"
    feeds.site.moves[URL] = HTTPResponse(307, (("location", new),), b"")
    assert await feeds.refresh(number) == ""
    feeds.site.moves[URL] = HTTPResponse(301, (("location", new),), b"")
    assert await feeds.refresh(number) == ""
    assert [url for url, _ in feeds.site.asked] == [URL, URL, new, URL, new]
    assert await feeds.refresh(number) == ""
    assert [url for url, _ in feeds.site.asked][5:] == [new]


async def test_programs_read_it_and_change_nothing(feeds: Feeds) -> None:
    """DAV-44: privileges, PUT, DELETE, MOVE; its name may be changed, and DELETE of the calendar ends it."""
    number = await feeds.add()
    async with feeds.rig.account() as account:
        name = (await account.read(lambda r: collection(r, number), op="test")).name
    home, mia = f"/dav/calendars/mia/{name}/", Program(feeds.rig)
    found = await mia.find(home, D + "current-user-privilege-set", C + "schedule-calendar-transp", depth="1")
    given = {part.tag for one in found[home][D + "current-user-privilege-set"] for part in one}
    assert D + "read" in given
    assert not given & {D + "write", D + "write-content", D + "bind", D + "unbind", D + "all"}
    assert found[home][C + "schedule-calendar-transp"][0].tag == C + "transparent"
    entry = next(path for path in found if path != home)
    assert (await mia.put("x.ics", event("9"), home)).status == 403
    assert (await mia.ask("DELETE", entry)).status == 403
    moved = await mia.ask("MOVE", entry, destination="/dav/calendars/mia/calendar/x.ics")
    assert moved.status == 403
    copied = await mia.ask("COPY", entry, destination="/dav/calendars/mia/calendar/x.ics")
    assert copied.status == 201
    named = "<D:set><D:prop><D:displayname>Days off</D:displayname></D:prop></D:set>"
    assert (
        b"200 OK"
        in (await mia.ask("PROPPATCH", home, f'<D:propertyupdate xmlns:D="DAV:">{named}</D:propertyupdate>')).body
    )
    assert (await mia.ask("DELETE", home)).status == 204
    async with feeds.rig.account() as account:
        assert await account.read(lambda r: subscription(r, number), op="test") is None


async def test_at_most_twenty_and_each_once(feeds: Feeds) -> None:
    """DAV-44."""
    await feeds.add()
    with pytest.raises(CommandFailed, match="already subscribed to this calendar"):
        await feeds.run(SubscribeCalendar("mia", URL))
    for number in range(19):
        await feeds.add(f"{URL}{number}")
    with pytest.raises(LimitExceeded, match="20 subscribed"):
        await feeds.add(f"{URL}more")


async def test_the_command_line_subscribes_and_ends_it(feeds: Feeds, caplog: pytest.LogCaptureFixture) -> None:
    """DAV-44: and no log has more of the address than its server."""
    caplog.set_level(logging.INFO)
    done = await feeds.run(SubscribeCalendar("mia", URL, name="days"))
    assert (done.name, done.title, done.entries) == ("days", "Holidays", 2)
    with pytest.raises(CommandFailed, match="isn't a subscribed calendar"):
        await feeds.run(UnsubscribeCalendar("mia", "calendar"))
    await feeds.run(UnsubscribeCalendar("mia", "days"))
    assert [one.name for one in await feeds.run(ListCalendars("mia"))] == ["calendar"]
    told = " ".join(str(vars(one)) for one in caplog.records)
    assert "calendar.example.net" in told
    assert "s3cret" not in told + repr(SubscribeCalendar("mia", URL))


async def test_calendars_are_read_when_they_are_due(feeds: Feeds) -> None:
    """DAV-44: by the task that looks after the account, in one of its own; one at a time for each calendar."""
    number = await feeds.add()
    feeds.site.tag, feeds.site.data = '"9"', file(event("7"))
    rig = feeds.rig
    refresher = Refresher(
        rig.accounts,
        feeds.subscriptions,
        lambda task: rig.house.tree.start("groupware.refresh", task, FailurePolicy.ONCE),
    )
    rig.accounts.register_outbox("refresh", refresher.carry)
    async with rig.account() as account:
        await account.write(lambda tx: hurry(tx, number))

        await eventually(lambda: len(feeds.site.asked) == 2)
        await eventually(lambda: not refresher.reading)
    assert (await feeds.state(number))[1] == 1


async def test_slow_calendars_of_one_account_hold_up_no_others(feeds: Feeds) -> None:
    """DAV-44, STORE-199: one of an account at a time."""
    began = []

    class Slow:
        async def refresh(self, account: Any, number: int) -> None:
            began.append((account.name, number))
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        refresher = Refresher(feeds.rig.accounts, cast(Any, Slow()), nursery.start_soon)
        for name, number in (("mia", b"1"), ("mia", b"2"), ("tom", b"3")):
            account, row = SimpleNamespace(name=name), SimpleNamespace(data=number)
            await refresher.carry(cast(Any, account), cast(Any, row))
        await eventually(lambda: len(began) == 2)
        assert {name for name, _ in began} == {"mia", "tom"}
        nursery.cancel_scope.cancel()


async def test_a_user_has_one_calendar_read_at_a_time(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-44: a hundred calls at once would be as many requests to another server, each with 5 MiB to hold."""
    number, real, at_once = await feeds.add(), feeds.site.request, [0, 0]

    async def request(*args: Any, **more: Any) -> HTTPResponse:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await trio.testing.wait_all_tasks_blocked()
        at_once[0] -= 1
        return await real(*args, **more)

    monkeypatch.setattr(feeds.site, "request", request)
    failures: list[str] = []

    async def refresh() -> None:
        async with feeds.rig.account() as account:
            try:
                await feeds.subscriptions.refresh_now(account, number)
            except TooBusy:
                failures.append("busy")

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(refresh)
    assert (at_once, len(failures)) == ([0, 1], 2)


async def test_the_webmail_subscribes(feeds: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-44, WEBMAIL-143: its address, when it was read, and why it cannot be; events are not changed."""
    site = feeds.site
    monkeypatch.setattr(HTTPClient, "request", site.request)
    browser = feeds.rig.browser()
    await browser.log_in()
    number = await browser.call("calendar_subscribe", calendar_url=URL, colour="#459C40")
    own, feed = await browser.call("calendars")
    assert (feed["id"], feed["name"], feed["colour"], feed["source"]) == (number, "Holidays", "#459C40", URL)
    assert feed["read"] > 0
    assert own["source"] == ""
    found = await browser.call("events", since=1_795_000_000, until=1_797_000_000, calendar_ids=[number])
    item = found["events"][0]
    assert await browser.error("event_remove", event_id=item["id"]) == (400, "user:error")
    site.down = "no route"
    assert await browser.error("calendar_refresh", calendar_id=number) == (400, "user:error")
    problem = (await browser.call("calendars"))[1]["problem"]
    assert problem == {
        "message": "can't reach the server: no route",
        "words": {
            "text": "can't reach the server: {reason}",
            "values": {"reason": {"text": "no route", "values": {}}},
        },
    }
    site.down, site.data, site.tag = "", file(event("bad", "DTSTART:yesterday")), '"2"'
    assert await browser.error("calendar_refresh", calendar_id=number) == (400, "user:error")
    problem = (await browser.call("calendars"))[1]["problem"]
    reason = problem["words"]["values"]["reason"]["text"]
    assert (problem["words"]["text"], problem["message"]) == (
        "can't read the calendar: {reason}",
        f"can't read the calendar: {reason}",
    )
    site.data = file(event("1"))
    site.down = ""
    await browser.call("calendar_refresh", calendar_id=number)
    await browser.call("calendar_remove", calendar_id=number)
    entries = await feeds.rig.auth.audit.entries(AuditFilter(), before=1 << 40, limit=10)
    assert "calendar subscribed" in [one.action for one in entries]
    assert not any("s3cret" in str(one) for one in entries)
