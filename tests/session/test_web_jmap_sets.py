"""What a /set of JMAP changes, and what it answers: each object for itself (RFC 8620 §5.3)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from moxlite.ledger import Hold, ledger, own
from moxlite.store.changelog.unit import TRIES
from moxlite.store.content.prepare import prepare
from moxlite.store.errors import StorageBusy
from moxlite.store.mail.mailboxes import delete_in_slices
from moxlite.store.rows.mailboxes import subscriptions
from moxlite.web.jmap import blobs, building, collections, contacts, emails, emailset, mailboxes, receipts
from moxlite.web.jmap.app import FIRST
from moxlite.web.jmap.methods import Call, HeldState
from moxlite.web.jmap.table import METHODS
from tests.house import soon
from tests.jmap_rig import MAIL, Client, Object, rig
from tests.session.test_web_dav import BOOK, Program, card
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

BODY: Object = {"mailboxIds": {"F3": True}, "textBody": [{"partId": "t"}], "bodyValues": {"t": {"value": "hi"}}}


async def test_an_email_that_the_store_refuses_stops_no_other(rig: Rig) -> None:
    """JMAP-5, JMAP-22: a keyword too many is an error of its email; the others of the call change."""
    client = Client(rig)
    first, second = await client.imported(), await client.imported(MAIL.replace(b"<a@", b"<b@"))
    words = {f"word{number}": True for number in range(200)}
    found = await client.call("Email/set", update={first: {"keywords": words}, second: {"keywords": {"$seen": True}}})
    assert {key: one["type"] for key, one in found["notUpdated"].items()} == {first: "overQuota"}
    assert [*found["updated"]] == [second]
    listed = (await client.call("Email/get", ids=[first, second], properties=["keywords"]))["list"]
    assert [one["keywords"] for one in listed] == [{}, {"$seen": True}]


async def test_a_storage_that_fails_halfway_is_no_call_without_changes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-5: serverPartialFail (RFC 8620 §3.6.2), so that no program does all of it again."""
    client = Client(rig)
    blob, real, left = await client.upload(MAIL), prepare, [1, 0, 0]

    async def busy(*args: Any, **more: Any) -> Any:
        if not left.pop(0):
            raise StorageBusy("locked")
        return await real(*args, **more)

    monkeypatch.setattr(emailset, "prepare", busy)
    assert await client.error("Email/set", create={"a": BODY, "b": BODY}) == "serverPartialFail"
    assert await client.error("Email/set", create={"a": BODY}) == "serverUnavailable"
    left[:] = [1, 0]
    given = {"blobId": blob, "mailboxIds": {"F1": True}}
    assert await client.error("Email/import", emails={"a": given, "b": given}) == "serverPartialFail"
    assert len((await client.call("Email/query"))["ids"]) == 2


async def test_a_renamed_mailbox_takes_its_subscriptions_along(rig: Rig) -> None:
    """JMAP-11: and the subscriptions of the mailboxes below it."""
    client = Client(rig)
    given: Object = {"a": {"name": "A", "isSubscribed": True}, "c": {"name": "C", "parentId": "#a"}}
    given["b"] = {"name": "B", "parentId": "#a", "isSubscribed": True}
    made = (await client.call("Mailbox/set", create=given))["created"]
    await client.call("Mailbox/set", update={made["a"]["id"]: {"name": "D"}})
    listed = (await client.call("Mailbox/get", ids=[made[key]["id"] for key in "abc"]))["list"]
    assert [(one["name"], one["isSubscribed"]) for one in listed] == [("D", True), ("B", True), ("C", False)]
    async with rig.account() as account:
        names = {*await account.read(subscriptions, op="test")}
    assert {"D", "D/B"} <= names
    assert not {"A", "A/B"} & names


async def test_mail_that_has_just_come_keeps_its_mailbox(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-11: whether a mailbox has emails is asked by the unit that removes it."""
    client = Client(rig)
    made = (await client.call("Mailbox/set", create={"a": {"name": "A"}}))["created"]["a"]["id"]
    real = delete_in_slices

    async def late(*args: Any, **options: Any) -> None:
        await client.imported(mailbox=made)
        await real(*args, **options)

    monkeypatch.setattr(mailboxes, "delete_in_slices", late)
    found = await client.call("Mailbox/set", destroy=[made])
    assert found["notDestroyed"][made]["type"] == "mailboxHasEmail"


async def test_an_unknown_script_deactivates_none(rig: Rig) -> None:
    """JMAP-52: onSuccessActivateScript with an id that is no script's changes nothing."""
    client = Client(rig)
    blob = await client.upload(b"keep;", "application/sieve")
    given = {"s": {"name": "s", "blobId": blob}}
    await client.call("SieveScript/set", create=given, onSuccessActivateScript="#s")
    for unknown in ("nothing", "V0", "V99"):
        assert (await client.call("SieveScript/set", onSuccessActivateScript=unknown))["updated"] is None
    assert [one["isActive"] for one in (await client.call("SieveScript/get"))["list"]] == [True]
    await client.call("SieveScript/set", onSuccessDeactivateScript=True)
    assert [one["isActive"] for one in (await client.call("SieveScript/get"))["list"]] == [False]


async def test_a_file_keeps_its_charset(rig: Rig) -> None:
    """JMAP-28: a text that is a blob is in the charset that the program names (RFC 8621 §4.6)."""
    client = Client(rig)
    blob = await client.upload("grün".encode("latin-1"), "text/plain")
    file: Object = {"blobId": blob, "type": "text/plain", "charset": "iso-8859-1"}
    made = await client.call("Email/set", create={"d": {**BODY, "attachments": [file]}})
    number = made["created"]["d"]["id"]
    [found] = (await client.call("Email/get", ids=[number], fetchAllBodyValues=True))["list"]
    assert found["attachments"][0]["charset"] == "iso-8859-1"
    assert [one["value"] for one in found["bodyValues"].values()] == ["hi\n", "grün"]
    refused = await client.call("Email/set", create={"d": {**BODY, "attachments": [{**file, "charset": "a; b"}]}})
    assert refused["notCreated"]["d"]["properties"] == ["attachments"]


async def test_no_control_character_reaches_a_header(rig: Rig) -> None:
    """JMAP-28: neither in a raw field."""
    client = Client(rig)
    for value in (" a\x1b[2J", " a\x7f", " a\rb", " a\nb", " a\r\n\r\n b"):
        refused = await client.call("Email/set", create={"d": {**BODY, "header:X-Own:asRaw": value}})
        assert refused["notCreated"]["d"]["properties"] == ["header:X-Own:asRaw"]
    assert (await client.call("Email/set", create={"d": {**BODY, "header:X-Own": "\ta\r\n b"}}))["created"]


async def test_no_field_of_a_part_is_a_long_line(rig: Rig) -> None:
    """JMAP-28: languages are folded, and ASCII (RFC 5322 §2.1.1)."""
    client = Client(rig)
    part: Object = {"partId": "t", "language": ["de", "grün", *["en"] * 1_000]}
    made = (await client.call("Email/set", create={"d": {**BODY, "textBody": [part]}}))["created"]["d"]
    octets = (await client.http("GET", f"/jmap/download/umia/{made['blobId']}/a")).body
    assert octets.isascii()
    assert max(map(len, octets.splitlines())) <= 998


async def test_no_raw_field_is_a_long_line(rig: Rig) -> None:
    """JMAP-28: nor is a name; the client folds it, or is refused (RFC 5322 §2.1.1)."""
    client = Client(rig)
    most, named = "a" * (998 - len("X-Own:")), f"header:{'X' * 998}:asText"
    kept: Object = {"header:X-Own": most, "header:X-Two:asRaw:all": [" a" * 490 + "\r\n" + " a" * 490]}
    assert (await client.call("Email/set", create={"d": {**BODY, **kept}}))["created"]
    long = (
        ("header:X-Own", f"{most}a"),
        ("header:X-Own:asRaw", "ä" * 498),
        ("header:X-Own:all", ["", f"\r\n {most * 2}"]),
    )
    for name, value in (*long, (named, "a")):
        refused = (await client.call("Email/set", create={"d": {**BODY, name: value}}))["notCreated"]["d"]
        assert (refused["type"], refused["properties"]) == ("invalidProperties", [name])
    part: Object = {"partId": "t", "header:X-Own": f"{most}a"}
    refused = (await client.call("Email/set", create={"d": {**BODY, "textBody": [part]}}))["notCreated"]["d"]
    assert refused["properties"] == ["header:X-Own"]


async def test_dates_of_all_years_are_dates(rig: Rig) -> None:
    """JMAP-20, STORE-56: the sender chooses them; four digits of the year (RFC 3339), null beyond 1 to 9999 in UTC."""
    client = Client(rig)
    for text, sent in (
        ("1 Jan 0999 00:30:00 +0000", "0999-01-01T00:30:00Z"),
        ("1 Jan 0001 00:30:00 +0100", None),
        ("31 Dec 9999 23:00:00 -0100", None),
        ("31 Dec 9999 23:00:00 +0100", "9999-12-31T23:00:00+01:00"),
    ):
        number = await client.imported(b"Subject: a\r\nDate: %s\r\n\r\n" % text.encode())
        [found] = (await client.call("Email/get", ids=[number], properties=["sentAt"]))["list"]
        assert found["sentAt"] == sent


async def test_a_blob_in_many_parts_is_counted_in_each(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-28: a message ends where it is too large, and not after all of its parts were written."""
    client = Client(rig)
    blob = await client.upload(b"x" * 1_000, "text/plain")
    monkeypatch.setattr(Call, "most_octets", 5_000)
    written: list[int] = []
    pieces = building.octets_of

    def counted(*args: Any) -> Any:
        for piece in pieces(*args):
            written.append(len(piece))
            yield piece

    monkeypatch.setattr(emailset, "octets_of", counted)
    files = [{"blobId": blob, "type": "text/plain"}] * 100
    refused = await client.call("Email/set", create={"d": {**BODY, "attachments": files}})
    assert refused["notCreated"]["d"]["type"] == "tooLarge"
    assert sum(written) < 8_000


async def test_messages_that_are_held_whole_are_in_the_ledger(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-28, STORE-198a: what 8 requests of a user hold at once is bounded; header fields are written in a thread."""
    client = Client(rig)
    blob = await client.upload(b"x" * 10_000, "text/plain")
    most, real, draft_of, read = 0, emailset._composed, building.draft_of, blobs.blob_octets
    threads: set[str] = set()
    book = ledger()

    async def composed(*args: Any) -> Any:
        nonlocal most
        most = max(most, book.held["answer"])
        return await real(*args)

    def in_thread(*args: Any) -> Any:
        threads.add(threading.current_thread().name)
        return draft_of(*args)

    async def octets(*args: Any) -> Any:
        nonlocal most
        most = max(most, book.held["answer"])
        return await read(*args)

    monkeypatch.setattr(emailset, "_composed", composed)
    for module in (emails, receipts):
        monkeypatch.setattr(module, "blob_octets", octets)
    monkeypatch.setattr(emailset, "draft_of", in_thread)
    given = {**BODY, "attachments": [{"blobId": blob, "type": "text/plain"}]}
    for work in ("Email/set", "Email/parse", "MDN/parse"):
        most = 0
        if work == "Email/set":
            assert (await client.call(work, create={"d": given}))["created"]
        else:
            assert (await client.call(work, blobIds=[blob]))["notParsable"] == [blob]
        assert most >= FIRST + 30_000, work
        await soon(lambda: book.octets == 0, "all is given back")
    assert threading.main_thread().name not in threads
    own("mia")
    others = book.hold()
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    assert others.try_take("request", book.total // 2 - FIRST - 20_000)
    assert await client.error("Email/parse", blobIds=[blob]) == "serverUnavailable"
    others.close()


EVENT: Object = {"title": "t", "start": "2027-01-01T10:00:00", "duration": "PT1H", "timeZone": "Europe/Berlin"}


async def _email(client: Client) -> str:
    return await client.imported()


async def _identity(client: Client) -> str:
    one, *_ = (await client.call("Identity/get"))["list"]
    number: str = one["id"]
    return number


async def _vacation(client: Client) -> str:
    return "singleton"


async def _script(client: Client) -> str:
    blob = await client.upload(b"keep;", "application/sieve")
    return await _made(client, "SieveScript", {"name": "s", "blobId": blob})


async def _made(client: Client, kind: str, given: Object) -> str:
    number: str = (await client.call(f"{kind}/set", create={"a": given}))["created"]["a"]["id"]
    return number


THINGS: dict[str, tuple[Any, Callable[[int], Object]]] = {
    "Email": (_email, lambda number: {f"keywords/k{number % 6}": True, "keywords/$seen": number % 12 < 6 or None}),
    "Mailbox": ({"name": "M"}, lambda number: {"name": f"M{number}"}),
    "Calendar": ({"name": "c"}, lambda number: {"name": f"c{number}"}),
    "AddressBook": ({"name": "b"}, lambda number: {"name": f"b{number}"}),
    "CalendarEvent": (EVENT, lambda number: {"title": f"t{number}"}),
    "ContactCard": ({"name": {"full": "Ann"}}, lambda number: {"name/full": f"A{number}"}),
    "Identity": (_identity, lambda number: {"name": f"n{number}"}),
    "VacationResponse": (_vacation, lambda number: {"subject": f"s{number}"}),
    "SieveScript": (_script, lambda number: {"name": f"s{number}"}),
    "MaskedEmail": ({"forDomain": "https://shop.example"}, lambda number: {"description": f"d{number}"}),
}
UNTRIED = {
    "PushSubscription": "has no state",
    "EmailSubmission": "one change, to take a message back, which can be done once",
    "CalendarEventNotification": "can only be destroyed",
    "ShareNotification": "can only be destroyed",
    "ParticipantIdentity": "can't be set",
    "Principal": "can't be set",
}
ROUNDS = 8


def test_all_types_that_programs_set_are_tried() -> None:
    """JMAP-5: by several programs at once, but for those with a reason."""
    assert {name.removesuffix("/set") for name in METHODS if name.endswith("/set")} == THINGS.keys() | UNTRIED.keys()


@pytest.mark.parametrize("kind", THINGS)
async def test_of_programs_that_expect_one_state_at_once_one_wins(rig: Rig, kind: str) -> None:
    """JMAP-5: of six that set the same object with one ifInState, one is accepted, and the object is as it has said."""
    programs = [Client(rig) for _ in range(6)]
    given, patch = THINGS[kind]
    number = await (given(programs[0]) if callable(given) else _made(programs[0], kind, given))
    for turn in range(ROUNDS):
        known = (await programs[0].call(f"{kind}/get", ids=[number]))["state"]
        answers: dict[int, list[Any]] = {}

        async def change(who: int, arguments: Object, answers: dict[int, list[Any]] = answers) -> None:
            given = {"accountId": programs[who].account, **arguments}
            answers[who] = (await programs[who].request([f"{kind}/set", given, "0"]))["methodResponses"][0]

        async with trio.open_nursery() as nursery:
            for who in range(6):
                nursery.start_soon(change, who, {"ifInState": known, "update": {number: patch(turn * 6 + who)}})
        accepted = {who: found for who, (name, found, _) in answers.items() if name != "error"}
        done = [who for who, found in accepted.items() if number in (found["updated"] or {})]
        assert len(done) == 1, answers
        refused = [found["type"] for name, found, _ in answers.values() if name == "error"]
        assert {*refused} <= {"stateMismatch"}
        told = answers[done[0]][1]
        assert (told["oldState"], told["newState"] != known) == (known, True)
        assert (await programs[0].call(f"{kind}/get", ids=[number]))["state"] == told["newState"]


async def _at_once(kind: str, number: str, programs: list[Client], patches: list[Object]) -> list[Object]:
    """The answers to patches of one object that programs send at once."""
    answers: list[Object] = []

    async def change(program: Client, patch: Object) -> None:
        answers.append(await program.call(f"{kind}/set", update={number: patch}))

    async with trio.open_nursery() as nursery:
        for program, patch in zip(programs, patches, strict=True):
            nursery.start_soon(change, program, patch)
    return answers


PARTS: dict[str, list[Object]] = {
    "Email": [{f"keywords/k{number}": True} for number in range(6)],
    "Mailbox": [{"name": "N"}, {"isSubscribed": True}, {"sortOrder": 7}],
    "Calendar": [{"name": "N"}, {"color": "#ff0000"}, {"sortOrder": 7}],
    "AddressBook": [{"name": "N"}, {"description": "d"}, {"sortOrder": 7}],
    "CalendarEvent": [{"title": "N"}, {"description": "d"}, {"priority": 3}, {"duration": "PT3H"}],
    "ContactCard": [{f"notes/n{number}": {"note": str(number)}} for number in range(6)],
    "Identity": [{"name": "N"}, {"textSignature": "t"}, {"replyTo": [{"name": None, "email": "a@example.org"}]}],
    "VacationResponse": [{"subject": "N"}, {"textBody": "t"}, {"fromDate": "2027-01-01T00:00:00Z"}],
    "SieveScript": [{"name": "N"}, {"blobId": ""}],
    "MaskedEmail": [{"description": "N"}, {"state": "disabled"}, {"forDomain": "https://other.example"}],
}
"""Patches by type, none of which names what another one changes."""


@pytest.mark.parametrize("kind", THINGS)
async def test_patches_of_one_object_at_once_are_all_there(rig: Rig, kind: str) -> None:
    """JMAP-5c: each is made of what is there then; of six of one property, the last one stays."""
    programs = [Client(rig) for _ in range(6)]
    given, patch = THINGS[kind]
    number = await (given(programs[0]) if callable(given) else _made(programs[0], kind, given))
    if kind == "ContactCard":
        await programs[0].call("ContactCard/set", update={number: {"notes": {"n": {"note": "n"}}}})
    patches = PARTS[kind]
    if kind == "SieveScript":
        patches = [patches[0], {"blobId": await programs[0].upload(b"discard;", "application/sieve")}]
    for _ in range(ROUNDS // 2):
        for answer in await _at_once(kind, number, programs[: len(patches)], patches):
            assert [*(answer["updated"] or {})] == [number], answer
        [found] = (await programs[0].call(f"{kind}/get", ids=[number]))["list"]
        for path, value in ((path, value) for one in patches for path, value in one.items()):
            name, _, member = path.partition("/")
            now = found[name] if not member else found[name][member]
            assert now.get("note") == value["note"] if "note" in str(value) else now == value or name == "blobId", path
        if kind == "SieveScript":
            assert (await programs[0].http("GET", f"/jmap/download/umia/{found['blobId']}/a")).body == b"discard;"
        for answer in await _at_once(kind, number, programs, [patch(turn) for turn in range(6)]):
            assert [*(answer["updated"] or {})] == [number], answer


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What others do before each card that a call reads: functions, the first one for the first card."""
    others: list[Any] = []
    real = contacts._stored

    async def stored(call: Call, key: str) -> Any:
        found = await real(call, key)
        if others:
            await others.pop(0)()
        return found

    monkeypatch.setattr(contacts, "_stored", stored)
    return others


async def nothing() -> None:
    """Do nothing."""


async def test_what_a_program_expects_holds_until_all_is_written(
    rig: Rig, beside: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-5: a phone's change that comes while a call changes others stays; the call is told as stopped."""
    monkeypatch.setattr(collections, "MOST_AT_ONCE", 1)
    client, phone = Client(rig), Program(rig)
    for uid in "abc":
        await phone.put(f"{uid}.vcf", card(uid), BOOK)
    found = await client.call("ContactCard/get", properties=["uid"])
    ids = {one["uid"]: one["id"] for one in found["list"]}

    async def change() -> None:
        assert (await phone.put("c.vcf", card("c", "NOTE:by the phone"), BOOK)).status == 204

    update = {ids[uid]: {"notes": {"n": {"note": "by a program"}}} for uid in "abc"}
    beside[:] = [nothing, change]
    wanted = {"ifInState": found["state"], "update": update}
    assert await client.error("ContactCard/set", **wanted) == "serverPartialFail"
    changed = await client.call("ContactCard/changes", sinceState=found["state"])
    assert {*changed["updated"]} == {ids["a"], ids["c"]}
    assert "by the phone" in (await phone.ask("GET", f"{BOOK}c.vcf")).body.decode()
    assert await client.error("ContactCard/set", ifInState=found["state"], destroy=[ids["c"]]) == "stateMismatch"
    beside[:] = [lambda: phone.put("b.vcf", card("b", "NOTE:by the phone"), BOOK)]
    wanted = {"ifInState": changed["newState"], "update": {ids["a"]: {"notes": None}}}
    assert await client.error("ContactCard/set", **wanted) == "stateMismatch"


async def test_a_program_that_expects_a_state_and_a_phone_both_get_on(
    rig: Rig, beside: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-5d: entries are written in few units. Where a phone writes again and again, a long call stops each time, and
    what is left of it is less.
    """
    units, real = 0, HeldState.write

    async def counted(self: HeldState, *args: Any) -> Any:
        nonlocal units
        units += 1
        return await real(self, *args)

    monkeypatch.setattr(HeldState, "write", counted)
    monkeypatch.setattr(collections, "PREPARING", 60.0)
    client, phone = Client(rig), Program(rig)
    names = {f"c{number}": {"name": {"full": "Ann"}} for number in range(250)}
    made = (await client.call("ContactCard/set", create=names))["created"]
    assert (len(made), units) == (250, 3)
    assert (await phone.put("p.vcf", card("p"), BOOK)).status == 201
    written, attempts = 0, 0

    async def change() -> None:
        nonlocal written
        written += 1
        assert (await phone.put("p.vcf", card("p", f"NOTE:{written}"), BOOK)).status == 204

    # Each second, if a card takes 8 ms: so many are prepared in half of that.
    monkeypatch.setattr(collections, "MOST_AT_ONCE", 60)
    beside[:] = ([nothing] * 119 + [change]) * 3
    while True:
        found = await client.call("ContactCard/get", ids=[one["id"] for one in made.values()], properties=["nicknames"])
        left = [one["id"] for one in found["list"] if "nicknames" not in one]
        if not left:
            break
        attempts += 1
        update = {number: {"nicknames": {"n": {"name": "N"}}} for number in left}
        arguments = {"accountId": client.account, "ifInState": found["state"], "update": update}
        [[name, answer, _]] = (await client.request(["ContactCard/set", arguments, "0"]))["methodResponses"]
        assert name == "ContactCard/set" or answer["type"] in ("serverPartialFail", "stateMismatch")
    assert (attempts, written) == (4, 3)
    assert "NOTE:3" in (await phone.ask("GET", f"{BOOK}p.vcf")).body.decode()


async def test_a_card_that_never_stops_changing_ends_a_call(rig: Rig, beside: list[Any]) -> None:
    """JMAP-5c: after ten attempts; what was done before stays, and is told."""
    client, phone = Client(rig), Program(rig)
    for uid in "ab":
        await phone.put(f"{uid}.vcf", card(uid), BOOK)
    found = await client.call("ContactCard/get", properties=["uid"])
    ids = {one["uid"]: one["id"] for one in found["list"]}
    turns = iter(range(1_000))

    async def change() -> None:
        assert (await phone.put("b.vcf", card("b", f"NOTE:{next(turns)}"), BOOK)).status == 204

    update = {ids[uid]: {"nicknames": {"n": {"name": "N"}}} for uid in "ba"}
    beside[:] = [change] * (TRIES - 1)
    assert [*(await client.call("ContactCard/set", update=update))["updated"]] == [ids["b"], ids["a"]]
    last = (await phone.ask("GET", f"{BOOK}b.vcf")).body.decode()
    assert (f"NOTE:{TRIES - 2}" in last, "NICKNAME" in last) == (True, True)
    beside[:] = [change] * (1 + TRIES)
    assert await client.error("ContactCard/set", update={ids["b"]: {"nicknames": None}}) == "serverUnavailable"
    assert f"NOTE:{2 * TRIES - 1}" in (await phone.ask("GET", f"{BOOK}b.vcf")).body.decode()


async def test_states_of_a_set_hide_no_change_of_others(
    rig: Rig, beside: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JMAP-5: oldState and newState are around the call's own changes, oldState null if others came between."""
    monkeypatch.setattr(collections, "MOST_AT_ONCE", 1)
    client, phone = Client(rig), Program(rig)
    for uid in "abc":
        await phone.put(f"{uid}.vcf", card(uid), BOOK)
    found = await client.call("ContactCard/get", properties=["uid"])
    ids = {one["uid"]: one["id"] for one in found["list"]}
    turns = iter(range(9))

    async def change() -> None:
        await phone.put("c.vcf", card("c", f"NOTE:{next(turns)}"), BOOK)

    async def notes(text: str) -> Object:
        update = {ids[uid]: {"notes": {"n": {"note": text}}} for uid in "ab"}
        done: Object = await client.call("ContactCard/set", update=update)
        assert len(done["updated"]) == 2
        return done

    alone = await notes("1")
    assert alone["oldState"] == found["state"]
    assert (await client.call("ContactCard/changes", sinceState=alone["newState"]))["updated"] == []
    beside[:] = [change]  # before all of its own
    after = await notes("2")
    assert (await client.call("ContactCard/changes", sinceState=after["oldState"]))["updated"] == [ids["a"], ids["b"]]
    assert after["oldState"] != alone["newState"]
    beside[:] = [nothing, change]
    between = await notes("3")
    assert between["oldState"] is None
    told = await client.call("ContactCard/changes", sinceState=after["newState"])
    assert told["updated"] == [ids[uid] for uid in "acb"]
