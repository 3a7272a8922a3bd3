"""JMAP of a running server: session, calls, mailboxes, emails, submissions, changes (RFC 8620, RFC 8621).

The suite of https://github.com/jmapio/jmap-test-suite passes, too (docs/spec/jmap.md says when it was run).
"""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.processor import acting
from moxlite.store.auth.apppasswords import add_app_password, add_token, remove_app_password
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.submissions import Sent, add_submission
from moxlite.store.errors import StorageBusy
from moxlite.store.mail.copying import copy_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.recipients import wrote_to
from moxlite.store.rows.emails import emails
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from moxlite.web import serve
from moxlite.web.jmap.methods import Call
from moxlite.web.jmap.protocol import LIMITS
from moxlite.web.jmap.table import METHODS
from tests.jmap_rig import ACCOUNT, JMAP, MAIL, USING, Client, Object, rig
from tests.signeddata import mail as signed_mail, streamed
from tests.tnef import mail as tnef_mail, tnef
from tests.web_rig import ADDRESS, DOMAINS, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

ONE = "Principal/query"
"""Looks at one object, by one condition."""


async def test_the_session_says_where_everything_is(rig: Rig) -> None:
    """JMAP-1, JMAP-2: the session, at its two addresses, and nothing without a log-in."""
    client = Client(rig)
    session = json.loads((await client.http("GET", "/.well-known/jmap")).body)
    assert session == json.loads((await client.http("GET", "/jmap/session")).body)
    assert session["primaryAccounts"]["urn:ietf:params:jmap:mail"] == ACCOUNT
    assert session["accounts"][ACCOUNT]["isReadOnly"] is False
    assert session["apiUrl"] == "http://mail.example.org/jmap/api"
    assert session["capabilities"]["urn:ietf:params:jmap:core"]["maxCallsInRequest"] == LIMITS["maxCallsInRequest"]
    refused = await Client(rig, password="wrong").http("GET", "/jmap/session")
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="jmap", charset="UTF-8"'
    assert (await client.http("GET", "/jmap/api")).status == 405
    assert (await client.http("GET", "/jmap/nothing")).status == 404


async def test_a_kept_connection_acts_for_the_user_of_each_request(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198: what is done before a log-in is not charged to the user of the request before, as behind a proxy."""
    seen: list[tuple[bool, bool]] = []
    real = serve._answer

    async def answer(request: Any, writer: Any, context: Any) -> None:
        before = acting.get() is not None
        await real(request, writer, context)
        seen.append((before, acting.get() is not None))

    monkeypatch.setattr(serve, "_answer", answer)
    async with rig.connect(port=83) as stream:
        for authorization, status in ((Client(rig).authorization, b"200"), ("Basic eDp5", b"401")):
            head = f"GET /jmap/session HTTP/1.1\r\nHost: mail.example.org\r\nAuthorization: {authorization}\r\n\r\n"
            await stream.send_all(head.encode())
            answered: bytes | bytearray = b""
            while len(seen) < (1 if status == b"200" else 2) or not answered.startswith(b"HTTP/1.1 " + status):
                answered = await stream.receive_some()
    assert seen == [(False, True), (False, False)]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "notJSON"),
        (b'{"using": [], "using": [], "methodCalls": []}', "notJSON"),
        (b'{"using": ["\xff"], "methodCalls": []}', "notJSON"),
        (b'{"using": [], "methodCalls": [["Core/echo", {"a": 9007199254740992}, "0"]]}', "notJSON"),
        (b'{"using": [], "methodCalls": [["Core/echo", {"a": NaN}, "0"]]}', "notJSON"),
        (b'{"using": [], "methodCalls": [["Core/echo", {"a": "\\ud83d"}, "0"]]}', "notJSON"),
        (b'{"using": [], "methodCalls": [["Core/echo", {"\\uDE00\\ud83d": 1}, "0"]]}', "notJSON"),
        (b"[" * 100_000, "notJSON"),
        (b"[]", "notRequest"),
        (b'{"using": [], "methodCalls": [["Core/echo", {}]]}', "notRequest"),
        (b'{"using": ["urn:x"], "methodCalls": []}', "unknownCapability"),
        (json.dumps({"using": USING, "methodCalls": [["Core/echo", {}, "0"]] * 51}).encode(), "limit"),
        (b'{"using": [], "methodCalls": [["Core/echo", {"a": [%s[]]}, "0"]]}' % (b"[]," * 60_000), "limit"),
    ],
)
async def test_a_wrong_request_is_refused_as_a_whole(rig: Rig, body: bytes, kind: str) -> None:
    """JMAP-3: I-JSON, the form of a request, its capabilities and limits."""
    answer = await Client(rig).http("POST", "/jmap/api", body)
    assert answer.status in (400, 413)
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["type"] == f"urn:ietf:params:jmap:error:{kind}"


async def test_calls_use_results_of_earlier_ones(rig: Rig) -> None:
    """JMAP-4: result references, errors of single calls, and the ids of what a request creates."""
    client = Client(rig)
    found = await client.request(
        ["Mailbox/query", {"accountId": ACCOUNT}, "a"],
        [
            "Mailbox/get",
            {"accountId": ACCOUNT, "#ids": {"resultOf": "a", "name": "Mailbox/query", "path": "/ids"}},
            "b",
        ],
        ["Mailbox/get", {"accountId": ACCOUNT, "#ids": {"resultOf": "b", "name": "Mailbox/get", "path": "/no"}}, "c"],
        ["Mailbox/get", {"accountId": ACCOUNT, "ids": [], "#ids": {"resultOf": "a", "name": "x", "path": ""}}, "d"],
        ["Nothing/get", {}, "e"],
        ["Mailbox/get", {"accountId": "uother"}, "f"],
        ["Mailbox/get", {}, "g"],
        createdIds={},
    )
    names = [[name, arguments.get("type")] for name, arguments, _ in found["methodResponses"]]
    assert names[:2] == [["Mailbox/query", None], ["Mailbox/get", None]]
    assert [kind for _, kind in names[2:]] == [
        "invalidResultReference",
        "invalidArguments",
        "unknownMethod",
        "accountNotFound",
        "invalidArguments",
    ]
    deep = {"resultOf": "b", "name": "Mailbox/get", "path": "/list/*/id"}
    listed = await client.request(
        ["Mailbox/get", {"accountId": ACCOUNT}, "b"], ["Mailbox/get", {"accountId": ACCOUNT, "#ids": deep}, "c"]
    )
    assert len(listed["methodResponses"][1][1]["list"]) == 6
    made = await client.request(
        [
            "Mailbox/set",
            {"accountId": ACCOUNT, "create": {"x": {"name": "X"}, "y": {"name": "Y", "parentId": "#x"}}},
            "0",
        ],
        createdIds={},
    )
    created = made["methodResponses"][0][1]["created"]
    assert made["createdIds"] == {"x": created["x"]["id"], "y": created["y"]["id"]}


@pytest.mark.parametrize("pedantic", [False, True])
async def test_methods_are_answered_whatever_is_in_use(tmp_path: Path, pedantic: bool) -> None:
    """JMAP-4, JMAP-73, JMAP-74: each method that the session announces, as Bulwark calls them; not if pedantic."""
    static = STATIC.replace("hostname", f"pedantic = {str(pedantic).lower()}\nhostname", 1) + JMAP
    async with trio.open_nursery() as nursery:
        client = Client(await open_rig(tmp_path, nursery, static=static, domains=DOMAINS))
        for name, method in METHODS.items():
            answer = await client.request([name, {"accountId": ACCOUNT}, "0"], using=USING[:1])
            [[answered, arguments, _]] = answer["methodResponses"]
            unknown = answered == "error" and arguments["type"] == "unknownMethod"
            assert unknown == (pedantic and method.capability != USING[0]), name
        get = {"properties": ["utcStart", "recurrenceOverrides"], "ids": []}
        for name, arguments in (
            ("CalendarEvent/query", {"filter": {"after": "2026-11-27T16:15:01.882Z"}}),
            ("CalendarEvent/get", get),
        ):
            [[answered, *_]] = (await client.request([name, {"accountId": ACCOUNT, **arguments}, "0"]))[
                "methodResponses"
            ]
            assert answered == ("error" if pedantic else name)
        empty = await client.request(["Core/echo", {}, "0"], using=[])
        assert empty["methodResponses"][0][1]["type"] == "unknownMethod"
        nursery.cancel_scope.cancel()


async def test_references_to_references_do_not_grow(rig: Rig) -> None:
    """JMAP-4: each call doubles the answer of the one before, until it is too large; the calls after it go on."""

    def both(number: int) -> Object:
        reference = {"resultOf": str(number), "name": "Core/echo", "path": ""}
        return {"#a": reference, "#b": reference}

    calls = [["Core/echo", both(number - 1) if number else {"a": "x" * 1000}, str(number)] for number in range(48)]
    with trio.fail_after(60):
        answer = await Client(rig).request(*calls, ["Core/echo", {"a": "still here"}, "last"])
    names = [name for name, _, _ in answer["methodResponses"]]
    kinds = {arguments["type"] for name, arguments, _ in answer["methodResponses"] if name == "error"}
    assert names[:10] == ["Core/echo"] * 10
    assert names[-2:] == ["error", "Core/echo"]
    assert kinds == {"requestTooLarge", "invalidResultReference"}


async def test_every_method_refuses_nonsense(rig: Rig) -> None:
    """JMAP-5: arguments of wrong types end in errors of the method, never in one of the server."""
    client = Client(rig)
    wrong: list[Any] = [
        None,
        1,
        -1,
        "x",
        [],
        [1],
        {},
        {"a": 1},
        {"a": {"b": None}},
        True,
        [["a"]],
        {"x": {"keywords/": 1}},
    ]
    names = (
        *(
            "ids",
            "properties",
            "filter",
            "sort",
            "position",
            "anchor",
            "limit",
            "create",
            "update",
            "destroy",
            "emails",
        ),
        *("sinceState", "sinceQueryState", "maxChanges", "blobIds", "emailIds", "bodyProperties", "maxBodyValueBytes"),
        *("onSuccessUpdateEmail", "onSuccessDestroyEmail", "fromAccountId", "ifInState", "collapseThreads"),
    )
    for method in METHODS:
        for at in range(0, len(names) * len(wrong), 40):
            pairs = [(names[i % len(names)], wrong[i % len(wrong)]) for i in range(at, at + 40)]
            calls = [[method, {"accountId": ACCOUNT, name: value}, "0"] for name, value in pairs]
            answer = await client.request(*calls)
            for name, found, _ in answer["methodResponses"]:
                assert name != "error" or found["type"] not in ("serverFail", "serverUnavailable"), (calls, found)


async def test_an_app_password_may_have_that_scope_alone(rig: Rig) -> None:
    """JMAP-6: the scope ``jmap``, and one that may only read."""
    async with rig.account() as account:
        whole = await add_app_password(account, "whole", ["jmap"])
        reading = await add_app_password(account, "reading", ["jmap"], read_only=True)
        imap = await add_app_password(account, "imap", ["imap"])
    assert (await Client(rig, password=imap).http("GET", "/jmap/session")).status == 401
    await Client(rig, password=whole).call("Mailbox/set", create={})
    reader = Client(rig, password=reading)
    await reader.call("Mailbox/get")
    assert await reader.error("Mailbox/set", create={}) == "accountReadOnly"
    assert (await reader.http("POST", f"/jmap/upload/{ACCOUNT}/", b"x")).status == 403


async def test_mailboxes_are_made_renamed_and_destroyed(rig: Rig) -> None:
    """JMAP-10, JMAP-11: Mailbox/set, its errors, and the changes that other clients hear of."""
    client = Client(rig)
    before = (await client.call("Mailbox/get"))["state"]
    made = await client.call("Mailbox/set", create={"a": {"name": "Work"}, "b": {"name": "Deep", "parentId": "#a"}})
    work, deep = made["created"]["a"]["id"], made["created"]["b"]["id"]
    changed = await client.call("Mailbox/changes", sinceState=before)
    assert {*changed["created"]} == {work, deep}
    await client.call("Mailbox/set", update={deep: {"parentId": None, "name": "Flat", "sortOrder": 3}})
    [found] = (await client.call("Mailbox/get", ids=[deep]))["list"]
    assert (found["name"], found["parentId"], found["sortOrder"]) == ("Flat", None, 3)
    async with rig.account() as account:
        assert await account.read(lambda r: mailbox_by_name(r, "Flat"), op="test") is not None
    refused = await client.call(
        "Mailbox/set",
        create={"x": {"name": "Work"}, "y": {"name": "a/b"}, "z": {"name": "Z", "role": "nothing"}},
        destroy=["F1", "F999"],
    )
    assert refused["notCreated"]["x"]["type"] == "alreadyExists"
    assert refused["notCreated"]["y"]["properties"] == ["name"]
    assert refused["notCreated"]["z"]["properties"] == ["role"]
    twice = {key: {"name": key, "role": "archive"} for key in ("r", "s")}
    roles = await client.call("Mailbox/set", create=twice)
    assert ([*roles["created"]], roles["notCreated"]["s"]["properties"]) == (["r"], ["role"])
    assert {key: one["type"] for key, one in refused["notDestroyed"].items()} == {"F1": "forbidden", "F999": "notFound"}
    long = await client.call("Mailbox/set", create={"x": {"name": "x" * 2000}}, update={deep: {"name": "\x00"}})
    assert long["notCreated"]["x"]["properties"] == long["notUpdated"][deep]["properties"] == ["name"]
    await client.imported(mailbox=deep)
    kept = await client.call("Mailbox/set", destroy=[deep])
    assert kept["notDestroyed"][deep]["type"] == "mailboxHasEmail"
    gone = await client.call("Mailbox/set", destroy=[work, deep], onDestroyRemoveEmails=True)
    assert {*gone["destroyed"]} == {work, deep}


async def test_mailboxes_change_names_with_each_other(rig: Rig) -> None:
    """JMAP-11: in one call, two or three, with those below them, and a new one takes a name that becomes free."""
    client = Client(rig)
    names = {"a": {"name": "A"}, "b": {"name": "B"}, "c": {"name": "C"}, "in": {"name": "In", "parentId": "#a"}}
    made = (await client.call("Mailbox/set", create=names))["created"]
    ids = {name: one["id"] for name, one in made.items()}

    async def now() -> dict[str, str]:
        found = (await client.call("Mailbox/get", ids=[*ids.values()]))["list"]
        return {one["id"]: one["name"] for one in found}

    async def set_to(**wanted: str) -> Object:
        return await client.call("Mailbox/set", update={ids[name]: {"name": value} for name, value in wanted.items()})

    assert (await set_to(a="B", b="A"))["notUpdated"] is None
    assert await now() == {ids["a"]: "B", ids["b"]: "A", ids["c"]: "C", ids["in"]: "In"}
    assert (await set_to(a="C", b="B", c="A"))["notUpdated"] is None
    assert await now() == {ids["a"]: "C", ids["b"]: "B", ids["c"]: "A", ids["in"]: "In"}
    async with rig.account() as account:
        assert await account.read(lambda r: mailbox_by_name(r, "C/In"), op="test") is not None
    assert (await set_to(a="D", c="C"))["notUpdated"] is None
    refused = await set_to(a="B", c="B")
    assert {one["type"] for one in refused["notUpdated"].values()} == {"alreadyExists"}
    freed = await client.call("Mailbox/set", create={"n": {"name": "B"}}, update={ids["b"]: {"name": "E"}})
    assert (freed["notCreated"], freed["notUpdated"]) == (None, None)
    freed = await client.call("Mailbox/set", create={"m": {"name": "E"}}, destroy=[ids["b"]])
    assert (freed["notCreated"], freed["destroyed"]) == (None, [ids["b"]])


async def test_files_in_a_winmail_dat_are_attachments(rig: Rig) -> None:
    """JMAP-21, STORE-52c: of Outlook's TNEF."""
    client = Client(rig)
    number = await client.imported(
        tnef_mail(tnef([("Plan ü.pdf", b"%PDF"), ("b.txt", b"words")]), b"Subject: plan\r\n")
    )
    [message] = (await client.call("Email/get", ids=[number], properties=["attachments"]))["list"]
    plan, words = message["attachments"]
    assert (plan["name"], words["name"]) == ("Plan ü.pdf", "b.txt")
    answer = await client.http("GET", f"/jmap/download/{client.account}/{words['blobId']}/x?accept=a/b")
    assert answer.body == b"words"


async def test_an_email_has_every_property(rig: Rig) -> None:
    """JMAP-20, JMAP-21: metadata, header fields in all forms, the body and its parts, and blobs of them."""
    client = Client(rig)
    number = await client.imported(keywords={"$seen": True, "Work": True}, receivedAt="2026-11-21T09:00:00Z")
    [found] = (
        await client.call(
            "Email/get",
            ids=[number],
            properties=[
                *("mailboxIds", "keywords", "receivedAt", "subject", "from", "sentAt", "messageId", "size", "blobId"),
                *("header:From:asGroupedAddresses", "header:to:asRaw:all", "header:x-none:asText", "hasAttachment"),
                *("textBody", "attachments", "bodyValues", "bodyStructure", "preview", "threadId"),
            ],
            fetchTextBodyValues=True,
            maxBodyValueBytes=4,
        )
    )["list"]
    assert found["keywords"] == {"$seen": True, "work": True}
    assert (found["subject"], found["from"]) == ("Größe", [{"name": "Jö", "email": "jo@else.example"}])
    assert (found["sentAt"], found["receivedAt"]) == ("2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z")
    assert (found["messageId"], found["size"]) == (["a@else.example"], len(MAIL))
    assert found["header:From:asGroupedAddresses"] == [{"name": None, "addresses": found["from"]}]
    assert found["header:to:asRaw:all"] == [" mia@example.org"]
    assert found["header:x-none:asText"] is None
    assert found["hasAttachment"] is True
    assert found["bodyValues"] == {"1": {"value": "hi t", "isEncodingProblem": False, "isTruncated": True}}
    [file] = found["attachments"]
    assert (file["name"], file["type"], file["size"]) == ("a.png", "image/png", 3)
    assert [one["partId"] for one in found["bodyStructure"]["subParts"]] == ["1", "2"]
    whole = await client.http("GET", f"/jmap/download/{ACCOUNT}/{found['blobId']}/a.eml")
    assert (whole.status, whole.body) == (200, MAIL)
    part = await client.http("GET", f"/jmap/download/{ACCOUNT}/{file['blobId']}/a.png?accept=image/png")
    assert (part.body, part.headers["content-type"]) == (b"ABC", "image/png")
    assert (await client.http("GET", f"/jmap/download/{ACCOUNT}/E999/x")).status == 404
    assert (await client.http("GET", f"/jmap/download/uother/{found['blobId']}/x")).status == 404
    parsed = await client.call("Email/parse", blobIds=[await client.upload(MAIL), "E999"], fetchAllBodyValues=True)
    [message] = parsed["parsed"].values()
    assert message["bodyValues"]["1"]["value"] == "hi there"
    assert parsed["notFound"] == ["E999"]
    assert await client.error("Email/get", ids=[number], properties=["header:Subject:asDate"]) == "invalidArguments"


async def test_texts_are_read_whatever_their_encodings_say(rig: Rig) -> None:
    """JMAP-21: base64 in two runs, 8-bit text without a charset, and a replacement character that the writer typed; a
    problem is what the decoder met. A message in base64 is one.
    """
    client = Client(rig)
    parts = {
        b"Content-Transfer-Encoding: base64\r\n\r\nb25lIA==\r\ndHdv": ("one two", False),
        b"Content-Type: text/plain\r\n\r\nK\xf6ln": ("Köln", True),
        b"Content-Type: text/plain\r\n\r\nK\xc3\xb6ln": ("Köln", False),
        b"Content-Type: text/plain; charset=utf-8\r\n\r\na\xef\xbf\xbdb": ("a\ufffdb", False),
        b"Content-Type: text/plain; charset=utf-8\r\n\r\na\xffb": ("a\ufffdb", True),
        b"Content-Type: text/plain; charset=x-none\r\n\r\nab": ("ab", True),
        b"Content-Transfer-Encoding: x-none\r\n\r\nab": ("ab", True),
    }
    inner = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(MAIL)
    mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(
        b"--b\r\n%b\r\n" % part for part in (*parts, inner)
    )
    parsed = await client.call("Email/parse", blobIds=[await client.upload(mail)], fetchAllBodyValues=True)
    [message] = parsed["parsed"].values()
    values = [(one["value"], one["isEncodingProblem"]) for one in message["bodyValues"].values()]
    assert values == list(parts.values())
    [file] = message["attachments"]
    assert file["type"] == "message/rfc822"
    parsed = await client.call("Email/parse", blobIds=[file["blobId"]])
    assert [one["subject"] for one in parsed["parsed"].values()] == ["Größe"]


async def test_signed_data_is_read(rig: Rig) -> None:
    """JMAP-21, STORE-52b: stored and uploaded, with the file inside; the structure has the part as it came."""
    client = Client(rig)
    mail = signed_mail(streamed(MAIL, 20))
    blob = await client.upload(mail)
    number = (await client.call("Email/import", emails={"a": {"blobId": blob, "mailboxIds": {"F1": True}}}))["created"]
    wanted = {"properties": ["textBody", "attachments", "bodyValues", "bodyStructure"], "fetchTextBodyValues": True}
    [stored] = (await client.call("Email/get", ids=[number["a"]["id"]], **wanted))["list"]
    [parsed] = (await client.call("Email/parse", blobIds=[blob], **wanted))["parsed"].values()
    for found in (stored, parsed):
        [text], [file] = found["textBody"], found["attachments"]
        assert found["bodyValues"][text["partId"]]["value"] == "hi there"
        assert (file["name"], found["bodyStructure"]["type"]) == ("a.png", "application/pkcs7-mime")
        part = await client.http("GET", f"/jmap/download/{ACCOUNT}/{file['blobId']}/a.png?accept=image/png")
        assert part.body == b"ABC"
    assert (await client.call("Email/query", filter={"body": "hi there"}))["ids"] == [number["a"]["id"]]


async def test_a_group_may_have_an_empty_name(rig: Rig) -> None:
    """JMAP-28: it stays a group, and no name is made of its first address."""
    client = Client(rig)
    group = {"name": "", "addresses": [{"name": None, "email": "jo@else.example"}]}
    new = {"mailboxIds": {"F1": True}, "header:To:asGroupedAddresses": [group], "subject": "x"}
    number = (await client.call("Email/set", create={"a": new}))["created"]["a"]["id"]
    [found] = (await client.call("Email/get", ids=[number], properties=["header:To:asRaw", "to"]))["list"]
    assert found["header:To:asRaw"].strip() == '"": <jo@else.example>;'
    assert [one["email"] for one in found["to"]] == ["jo@else.example"]


async def test_copies_are_one_email(rig: Rig) -> None:
    """JMAP-22: an email in several mailboxes; a copy made by IMAP, and one with \\Deleted."""
    client = Client(rig)
    number = await client.imported()
    state = (await client.call("Email/get", ids=[]))["state"]
    await client.call("Email/set", update={number: {"mailboxIds/F2": True, "keywords/$flagged": True}})
    [found] = (await client.call("Email/get", ids=[number], properties=["mailboxIds", "keywords"]))["list"]
    assert (found["mailboxIds"], found["keywords"]) == ({"F1": True, "F2": True}, {"$flagged": True})
    changed = await client.call("Email/changes", sinceState=state)
    assert (changed["created"], changed["updated"], changed["destroyed"]) == ([], [number], [])
    for where in (
        {"inMailbox": "F2"},
        {"inMailbox": "F1"},
        None,
        {"operator": "OR", "conditions": [{"inMailbox": "F2"}]},
    ):
        assert (await client.call("Email/query", filter=where))["ids"] == [number]
    async with rig.account() as account:
        email = (await account.read(lambda r: emails(r, [int(number[1:])]), op="test"))[int(number[1:])]
        [first, second] = email.message_ids
        await account.write(lambda tx: copy_ids(tx, [first], email.mailboxes and 5))  # type: ignore[arg-type]
        await account.write(lambda tx: store_flags_ids(tx, [second], mode="add", flags=Flag.DELETED))
    [found] = (await client.call("Email/get", ids=[number], properties=["mailboxIds"]))["list"]
    assert found["mailboxIds"] == {"F1": True, "F5": True}
    state = changed["newState"]
    await client.call("Email/set", update={number: {"mailboxIds": {"F6": True}}})
    assert (await client.call("Email/changes", sinceState=state))["updated"] == [number]
    gone = await client.call("Email/set", destroy=[number, "M999"])
    assert (gone["destroyed"], gone["notDestroyed"]["M999"]["type"]) == ([number], "notFound")
    assert (await client.call("Email/changes", sinceState=state))["destroyed"] == [number]


async def test_changes_come_in_portions(rig: Rig) -> None:
    """JMAP-23: maxChanges, an email that is new and changed, and states that are unknown."""
    client = Client(rig)
    begin = (await client.call("Email/get", ids=[]))["state"]
    numbers = [await client.imported(MAIL.replace(b"<a@", b"<%d@" % index)) for index in range(5)]
    await client.call("Email/set", update={numbers[0]: {"keywords/$seen": True}})
    state, created, updated = begin, [], []
    for _ in range(10):
        found = await client.call("Email/changes", sinceState=state, maxChanges=2)
        created += found["created"]
        updated += found["updated"]
        state = found["newState"]
        if not found["hasMoreChanges"]:
            break
    assert created == numbers
    assert updated in ([], [numbers[0]])
    await client.call("Email/set", update={one: {"keywords/x": True} for one in numbers})
    assert await client.error("Email/changes", sinceState=state, maxChanges=2) == "cannotCalculateChanges"
    assert await client.error("Email/changes", sinceState="999999") == "cannotCalculateChanges"
    assert await client.error("Email/changes", sinceState="x") == "cannotCalculateChanges"
    assert await client.error("Email/set", ifInState="1", update={}) == "stateMismatch"


async def test_queries_filter_sort_and_page(rig: Rig) -> None:
    """JMAP-24, JMAP-25: filters of all kinds mixed, sorts, pages, anchors, threads, and changes of a query."""
    client = Client(rig)

    def mail(index: int, subject: str, more: bytes = b"") -> bytes:
        return (
            b"From: s%d@else.example\r\nTo: mia@example.org\r\nSubject: %s\r\nMessage-ID: <m%d@x>\r\n%s\r\n"
            b"text number%d apple\r\n" % (index, subject.encode(), index, more, index)
        )

    numbers = [
        await client.imported(
            mail(index, f"topic {index}" if index else "Re: topic 1", b"X-Mark: yes\r\n" if index == 2 else b""),
            mailbox="F1" if index % 2 else "F2",
            receivedAt=f"2026-11-0{index + 1}T00:00:00Z",
            keywords={"$seen": True} if index > 2 else {},
        )
        for index in range(5)
    ]

    async def ids(**arguments: Any) -> list[int]:
        found = await client.call("Email/query", **arguments)
        return [numbers.index(one) for one in found["ids"]]

    def either(operator: str, *conditions: Object) -> Object:
        return {"operator": operator, "conditions": [*conditions]}

    assert await ids() == [4, 3, 2, 1, 0]
    assert await ids(filter={"inMailbox": "F1"}) == [3, 1]
    assert await ids(filter={"inMailboxOtherThan": ["F1"]}) == [4, 2, 0]
    assert await ids(filter={"text": "number3"}) == [3]
    assert await ids(filter={"text": "numb* topic*"}) == [4, 3, 2, 1, 0]
    assert await ids(filter={"subject": "topic*", "from": "s4*"}) == [4]
    assert await ids(filter={"text": '"number*"'}) == []
    assert await ids(filter={"body": "apple", "notKeyword": "$seen"}) == [2, 1, 0]
    assert await ids(filter={"header": ["X-Mark", "YES"]}) == [2]
    assert await ids(filter={"from": "s4@else.example"}) == [4]
    assert await ids(filter=either("OR", {"text": "number0"}, {"hasKeyword": "$seen", "inMailbox": "F1"})) == [3, 0]
    assert await ids(filter=either("NOT", {"subject": "topic"}, {"hasKeyword": "$seen"})) == []
    assert await ids(filter=either("AND", {"inMailbox": "F1"}, either("NOT", {"text": "number1"}))) == [3]
    assert await ids(filter={"after": "2026-11-02T00:00:00Z", "before": "2026-11-04T00:00:00Z"}) == [2, 1]
    assert await ids(sort=[{"property": "receivedAt"}], position=1, limit=2) == [1, 2]
    assert await ids(sort=[{"property": "hasKeyword", "keyword": "$seen"}, {"property": "receivedAt"}]) == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert await ids(anchor=numbers[2], anchorOffset=-1, limit=2) == [3, 2]
    assert await ids(position=-2) == [1, 0]
    whole = await client.call("Email/query", filter={"inMailbox": "F2"}, limit=1, calculateTotal=True)
    assert (whole["total"], len(whole["ids"])) == (3, 1)
    assert await client.error("Email/query", anchor="M999") == "anchorNotFound"
    assert await client.error("Email/query", filter={"nothing": 1}) == "unsupportedFilter"
    assert await client.error("Email/query", filter={"before": "yesterday"}) == "invalidArguments"
    assert await client.error("Email/query", sort=[{"property": "nothing"}]) == "unsupportedSort"
    deep: Object = {"text": "x"}
    for _ in range(30):
        deep = either("NOT", deep)
    assert await client.error("Email/query", filter=deep) == "unsupportedFilter"

    found = await client.call("Email/query", filter={"notKeyword": "$seen"})
    await client.call("Email/set", update={numbers[1]: {"keywords/$seen": True}}, destroy=[numbers[0]])
    changed = await client.call(
        "Email/queryChanges", filter={"notKeyword": "$seen"}, sinceQueryState=found["queryState"]
    )
    assert {*changed["removed"]} == {numbers[0], numbers[1]}
    assert changed["added"] == []


@pytest.mark.parametrize("name", [one for one in METHODS if one.endswith("/query") and one != ONE])
async def test_no_query_costs_more_than_its_objects(rig: Rig, name: str) -> None:
    """JMAP-5a: sorts and filters are bounded for each type, whatever it has; each is compared with each object."""
    client = Client(rig)
    comparator, condition = {"property": "name"}, {"text": "x"}
    for key, value in (
        ("sort", [comparator] * 11),
        ("filter", {"operator": "OR", "conditions": [condition] * 201}),
        ("filter", {"operator": "NOT", "conditions": [{"text": "x" * 10_001}]}),
        ("filter", {"text": ["x"] * 10_001}),
    ):
        assert await client.error(name, **{key: value}) == f"unsupported{key.title()}"


async def test_names_and_paths_of_a_patch_are_bounded(rig: Rig) -> None:
    """JMAP-5a: a patch of many paths copies what it changes for each of them."""
    client = Client(rig)
    number = await client.imported(b"From: a@else.example\r\nSubject: x\r\n\r\nx\r\n")
    many = [f"header:X-{index}" for index in range(1_001)]
    assert await client.error("Email/get", ids=[number], properties=many) == "requestTooLarge"
    patch = {f"keywords/k{index}": True for index in range(2_001)}
    refused = await client.call("Email/set", update={number: patch})
    assert refused["notUpdated"][number]["type"] == "tooLarge"
    twice: Object = {"keywords/a": True, "keywords/a!b": True, "keywords": {}}
    refused = await client.call("Email/set", update={number: twice})
    assert refused["notUpdated"][number]["type"] == "invalidPatch"


async def test_threads_and_snippets(rig: Rig) -> None:
    """JMAP-26, JMAP-27: the emails of a thread in order, one of each in a query, and marked words."""
    client = Client(rig)
    first = await client.imported(
        b"From: a@else.example\r\nSubject: Lunch <b>\r\nMessage-ID: <1@x>\r\n\r\nmeet at noon & bring bread\r\n",
        receivedAt="2026-11-01T00:00:00Z",
    )
    state = (await client.call("Email/get", ids=[]))["state"]
    second = await client.imported(
        b"From: b@else.example\r\nSubject: Re: Lunch <b>\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\nfine\r\n",
        receivedAt="2026-11-02T00:00:00Z",
    )
    [email] = (await client.call("Email/get", ids=[first], properties=["threadId"]))["list"]
    [thread] = (await client.call("Thread/get", ids=[email["threadId"]]))["list"]
    assert thread["emailIds"] == [first, second]
    assert (await client.call("Thread/changes", sinceState=state))["updated"] == [thread["id"]]
    collapsed = await client.call("Email/query", collapseThreads=True, calculateTotal=True)
    assert (collapsed["ids"], collapsed["total"]) == ([second], 1)
    found = await client.call("SearchSnippet/get", filter={"text": "noon lunch"}, emailIds=[first, "M999"])
    assert found["list"] == [
        {
            "emailId": first,
            "subject": "<mark>Lunch</mark> &lt;b&gt;",
            "preview": "meet at <mark>noon</mark> &amp; bring bread",
        }
    ]
    assert found["notFound"] == ["M999"]


async def test_an_email_is_written(rig: Rig) -> None:
    """JMAP-28: Email/set makes a message of texts and files; what is wrong is named."""
    client = Client(rig)
    file = await client.upload(b"%PDF", "application/pdf")
    given = {
        "mailboxIds": {"F3": True},
        "keywords": {"$draft": True},
        "from": [{"name": "Mia Ü", "email": ADDRESS}],
        "to": [{"email": "jo@else.example"}],
        "subject": "Grüße\r\nBcc: evil@else.example",
        "header:X-Own:asText": "ü",
        "textBody": [{"partId": "t", "type": "text/plain"}],
        "htmlBody": [{"partId": "h", "type": "text/html"}],
        "attachments": [{"blobId": file, "type": "application/pdf", "name": "ä.pdf"}],
        "bodyValues": {"t": {"value": "hö\n"}, "h": {"value": "<p>hö</p>"}},
    }
    made = await client.call("Email/set", create={"d": given})
    number = made["created"]["d"]["id"]
    [found] = (await client.call("Email/get", ids=[number], fetchAllBodyValues=True))["list"]
    assert (found["subject"], found["bcc"]) == ("Grüße  Bcc: evil@else.example", None)
    assert [one["type"] for one in (*found["textBody"], *found["htmlBody"])] == ["text/plain", "text/html"]
    assert [one["name"] for one in found["attachments"]] == ["ä.pdf"]
    assert {one["value"] for one in found["bodyValues"].values()} == {"hö\n", "<p>hö</p>\n"}
    bad: dict[str, Object] = {
        "nowhere": {"mailboxIds": {}},
        "absent": {"mailboxIds": {"F99": True}},
        "raw": {"header:X-A": " a\r\nBcc: x@else.example"},
        "address": {"to": [{"email": "nobody"}]},
        "part": {"textBody": [{"partId": "q"}]},
        "own": {"size": 3},
        "unknown": {"nothing": 3},
        "blob": {"attachments": [{"blobId": "U" + "0" * 32, "type": "a/b"}]},
        "content": {"header:Content-Type": " text/html"},
    }
    bare = {"mailboxIds": {"F3": True}, "textBody": given["textBody"], "bodyValues": given["bodyValues"]}
    made = await client.call("Email/set", create={"d": {**bare, "messageId": None, "sentAt": None, "inReplyTo": None}})
    number = made["created"]["d"]["id"]
    [null] = (await client.call("Email/get", ids=[number], properties=["messageId", "sentAt", "inReplyTo"]))["list"]
    assert (len(null["messageId"]), null["sentAt"] is None, null["inReplyTo"]) == (1, False, None)
    for name, change in bad.items():
        refused = await client.call("Email/set", create={"d": {**given, **change}})
        kind = refused["notCreated"]["d"]["type"]
        assert kind == ("blobNotFound" if name == "blob" else "invalidProperties"), name


async def test_an_attached_message_keeps_what_a_file_keeps(rig: Rig) -> None:
    """JMAP-28: name, disposition, id, language, location and fields of its own (RFC 8621 §4.6)."""
    client = Client(rig)
    shown = {}
    for kind, octets in (("message/rfc822", MAIL), ("application/pdf", b"%PDF")):
        given = {
            "blobId": await client.upload(octets, kind),
            "type": kind,
            "name": "örig.eml",
            "disposition": "inline",
            "cid": "a@b",
            "language": ["de"],
            "location": "there",
            "header:X-Own:asText": "ü",
        }
        made = await client.call("Email/set", create={"d": {"mailboxIds": {"F3": True}, "attachments": [given]}})
        properties = ["type", "name", "disposition", "cid", "language", "location", "header:X-Own:asText"]
        [found] = (
            await client.call(
                "Email/get",
                ids=[made["created"]["d"]["id"]],
                properties=["attachments"],
                bodyProperties=properties,
            )
        )["list"]
        [shown[kind]] = found["attachments"]
        assert shown[kind].pop("type") == kind
        assert shown[kind] == {name: given[name] for name in properties[1:]}


async def test_a_related_multipart_names_the_type_of_its_root(rig: Rig) -> None:
    """JMAP-28: RFC 2387 §3.1."""
    client = Client(rig)
    picture = {"blobId": await client.upload(b"PNG", "image/png"), "type": "image/png"}
    given = {
        "mailboxIds": {"F3": True},
        "htmlBody": [{"partId": "h", "type": "text/html"}],
        "bodyValues": {"h": {"value": "<img src='cid:a@b'>"}},
        "attachments": [{**picture, "disposition": "inline", "cid": "a@b"}],
    }
    made = await client.call("Email/set", create={"d": given})
    [found] = (await client.call("Email/get", ids=[made["created"]["d"]["id"]], properties=["header:Content-Type"]))[
        "list"
    ]
    assert "multipart/related" in found["header:Content-Type"]
    assert "text/html" in found["header:Content-Type"]


async def test_an_empty_list_is_no_field(rig: Rig) -> None:
    """JMAP-28: of all forms that are lists, also within those that are given several times (RFC 5322 §3.6.2 to §3.6.4);
    what the server adds where it is missing is there.
    """
    client = Client(rig)
    lists = ("messageId", "inReplyTo", "references", "sender", "to", "cc", "bcc", "replyTo")
    forms = (
        "List-Post:asURLs",
        "Resent-To:asAddresses:all",
        "Mail-Followup-To:asGroupedAddresses",
        "Resent-Cc:asAddresses",
    )
    given: Object = {name: [] for name in (*lists, *(f"header:{form}" for form in forms))}
    given |= {"header:Resent-To:asAddresses:all": [[]]}
    given |= {"header:Mail-Followup-To:asGroupedAddresses": [{"name": None, "addresses": []}]}
    made = await client.call("Email/set", create={"d": {"mailboxIds": {"F3": True}, "subject": "", **given}})
    [found] = (await client.call("Email/get", ids=[made["created"]["d"]["id"]], properties=["headers"]))["list"]
    names = {one["name"].lower() for one in found["headers"]}
    assert names == {"date", "subject", "message-id", "mime-version", "content-type", "content-transfer-encoding"}
    wrong = {"mailboxIds": {"F3": True}, "subject": []}
    assert (await client.call("Email/set", create={"d": wrong}))["notCreated"]["d"]["properties"] == ["subject"]


async def test_a_file_that_is_too_large_is_not_missing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-28: the error is about the size of the message."""
    client = Client(rig)
    file = await client.upload(b"x" * 200, "text/plain")
    monkeypatch.setattr(Call, "most_octets", 100)
    given = {"mailboxIds": {"F3": True}, "attachments": [{"blobId": file, "type": "text/plain"}]}
    assert (await client.call("Email/set", create={"d": given}))["notCreated"]["d"]["type"] == "tooLarge"


async def wrote(rig: Rig, localpart: str, domain: str) -> bool:
    """Whether the account has written to an address."""
    async with rig.account() as account:
        return await account.read(lambda r: wrote_to(r, localpart, domain) is not None, op="test")


async def test_an_email_is_sent_and_taken_back(rig: Rig) -> None:
    """JMAP-30..33: identities, envelopes, what happens on success, a held message, and what may not be sent."""
    client = Client(rig)
    identities = (await client.call("Identity/get"))["list"]
    mine = next(one["id"] for one in identities if one["email"] == ADDRESS)
    await client.call("Identity/set", update={mine: {"name": "Mia", "textSignature": "M."}})
    [found] = (await client.call("Identity/get", ids=[mine]))["list"]
    assert (found["name"], found["textSignature"]) == ("Mia", "M.")
    draft = {
        "mailboxIds": {"F3": True},
        "keywords": {"$draft": True},
        "from": [{"email": ADDRESS}],
        "to": [{"email": "jo@else.example"}],
        "subject": "x",
        "bodyStructure": {"type": "text/plain", "partId": "1"},
        "bodyValues": {"1": {"value": "x"}},
    }
    recipient = {"email": "jo@else.example"}
    held = {"mailFrom": {"email": ADDRESS, "parameters": {"HOLDFOR": "3600"}}, "rcptTo": [recipient]}
    answer = await client.request(
        ["Email/set", {"accountId": ACCOUNT, "create": {"d": draft}}, "0"],
        [
            "EmailSubmission/set",
            {
                "accountId": ACCOUNT,
                "create": {"s": {"identityId": mine, "emailId": "#d", "envelope": held}},
                "onSuccessUpdateEmail": {"#s": {"mailboxIds": {"F5": True}, "keywords/$draft": None}},
            },
            "1",
        ],
    )
    names = [name for name, _, _ in answer["methodResponses"]]
    assert names == ["Email/set", "EmailSubmission/set", "Email/set"]
    submission = answer["methodResponses"][1][1]["created"]["s"]
    assert submission["undoStatus"] == "pending"
    email = answer["methodResponses"][0][1]["created"]["d"]["id"]
    [moved] = (await client.call("Email/get", ids=[email], properties=["mailboxIds", "keywords"]))["list"]
    assert (moved["mailboxIds"], moved["keywords"]) == ({"F5": True}, {})
    [shown] = (await client.call("EmailSubmission/get", ids=[submission["id"]]))["list"]
    assert shown["deliveryStatus"]["jo@else.example"]["delivered"] == "queued"
    assert await wrote(rig, "jo", "else.example")
    await client.call("EmailSubmission/set", update={submission["id"]: {"undoStatus": "canceled"}})
    assert not await wrote(rig, "jo", "else.example")
    assert (await client.call("EmailSubmission/query", filter={"undoStatus": "canceled"}))["ids"] == [submission["id"]]
    again = await client.call("EmailSubmission/set", update={submission["id"]: {"undoStatus": "pending"}})
    assert again["notUpdated"][submission["id"]]["type"] == "invalidProperties"
    foreign = {"mailFrom": {"email": "tom@example.org"}, "rcptTo": [{"email": "jo@else.example"}]}
    nobody = {"mailFrom": {"email": ADDRESS}, "rcptTo": []}
    strange = {"mailFrom": {"email": ADDRESS}, "rcptTo": [{"email": "x"}]}
    long = {**held, "rcptTo": [{**recipient, "parameters": {"X": "x" * 600_000}}]}
    for envelope, kind in (
        (foreign, "forbiddenMailFrom"),
        (nobody, "noRecipients"),
        (long, "tooLarge"),
        (strange, "invalidRecipients"),
        ([], "invalidProperties"),
    ):
        one = {"identityId": mine, "emailId": email, "envelope": envelope}
        refused = await client.call("EmailSubmission/set", create={"s": one})
        assert refused["notCreated"]["s"]["type"] == kind


async def test_a_failure_after_sending_is_no_failure_of_sending(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-33: a program would send again what it is told has failed."""
    client = Client(rig)
    identities = (await client.call("Identity/get"))["list"]
    mine = next(one["id"] for one in identities if one["email"] == ADDRESS)
    mail = b"From: %s\r\nTo: jo@else.example\r\nSubject: x\r\n\r\nx\r\n" % ADDRESS.encode()
    email = await client.imported(mail, "F3")

    async def busy(*_: object) -> None:
        raise StorageBusy("locked")

    monkeypatch.setattr("moxlite.web.jmap.emailset.update_emails", busy)
    answer = await client.request(
        [
            "EmailSubmission/set",
            {
                "accountId": ACCOUNT,
                "create": {"s": {"identityId": mine, "emailId": email}},
                "onSuccessUpdateEmail": {"#s": {"mailboxIds": {"F5": True}}},
            },
            "0",
        ]
    )
    [[name, sent, _], [kind, failed, _]] = answer["methodResponses"]
    assert (name, list(sent["created"]), kind, failed["type"]) == ("EmailSubmission/set", ["s"], "error", "serverFail")


async def test_the_answer_while_away(rig: Rig) -> None:
    """JMAP-34: VacationResponse is the form of the account app."""
    client = Client(rig)
    given = {"isEnabled": True, "textBody": "gone", "htmlBody": "<p>gone</p>", "toDate": "2030-01-01T00:00:00Z"}
    await client.call("VacationResponse/set", update={"singleton": given})
    [found] = (await client.call("VacationResponse/get"))["list"]
    assert {name: found[name] for name in given} == given
    for beyond in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2026-11-25T08:00:00"):
        refused = await client.call("VacationResponse/set", update={"singleton": {"fromDate": beyond}})
        assert refused["notUpdated"]["singleton"]["type"] == "invalidProperties", beyond
    assert (await client.call("VacationResponse/get"))["list"] == [found]
    refused = await client.call("VacationResponse/set", create={"a": {}}, destroy=["singleton"])
    assert refused["notCreated"]["a"]["type"] == refused["notDestroyed"]["singleton"]["type"] == "singleton"


async def test_an_event_stream_tells_of_changes(rig: Rig) -> None:
    """JMAP-40: changes by event stream, which ends after the first one if asked for, and with its app password."""
    client = Client(rig)
    stream = rig.connect(port=83)
    async with stream:
        await stream.send_all(
            b"GET /jmap/events?types=Email,Mailbox&closeafter=state&ping=0 HTTP/1.1\r\nHost: mail.example.org\r\n"
            b"Authorization: " + client.authorization.encode() + b"\r\n\r\n"
        )
        received = await stream.receive_some(4096)
        while b"\n:\n" not in received and b"\r\n:\n" not in received:
            received += await stream.receive_some(4096)
        await client.imported()
        with trio.fail_after(10):
            while data := await stream.receive_some(4096):
                received += data
                if b"event: state" in received and b"\n\n" in received.partition(b"event: state")[2]:
                    break
        event = json.loads(received.partition(b"data: ")[2].partition(b"\n")[0])
        assert event["@type"] == "StateChange"
        assert {*event["changed"][ACCOUNT]} == {"Email", "Mailbox"}
    assert (await client.http("GET", "/jmap/events?closeafter=never")).status == 400


async def test_push_subscriptions_are_checked(rig: Rig) -> None:
    """JMAP-41: only https, only by the log-in that made it, and verified by the code that was sent."""
    client = Client(rig)
    wrong = await client.call(
        "PushSubscription/set",
        create={
            "http": {"deviceClientId": "a", "url": "http://else.example/"},
            "keys": {"deviceClientId": "a", "url": "https://else.example/", "keys": {"p256dh": "AA", "auth": "AA"}},
            "good": {"deviceClientId": "a", "url": "https://else.example/p", "types": ["Email", "Nothing"]},
        },
    )
    assert {*wrong["notCreated"]} == {"http", "keys"}
    number = wrong["created"]["good"]["id"]
    [found] = (await client.call("PushSubscription/get"))["list"]
    assert (found["id"], found["types"], found["verificationCode"]) == (number, ["Email"], None)
    refused = await client.call("PushSubscription/set", update={number: {"verificationCode": "x"}})
    assert refused["notUpdated"][number]["properties"] == ["verificationCode"]
    assert await client.error("PushSubscription/get", properties=["url"]) == "forbidden"
    assert (await client.call("PushSubscription/set", destroy=[number]))["destroyed"] == [number]


async def test_a_token_logs_in_without_an_address(rig: Rig) -> None:
    """JMAP-2a: Bearer, with scopes, for reading alone or not, until it is withdrawn or its time has passed."""
    async with rig.account() as account:
        tokens = {
            "whole": await add_token(account, "whole", ["jmap"]),
            "reading": await add_token(account, "reading", ["jmap"], read_only=True),
            "dav": await add_token(account, "dav", ["dav"]),
            "old": await add_token(account, "old", ["jmap"], expires=1 << 60),
        }
        await account.write(lambda tx: tx.execute("UPDATE app_password SET expires = 1 WHERE name = 'old'"))
    client = Client(rig)
    client.authorization = f"Bearer {tokens['whole']}"
    session = json.loads((await client.http("GET", "/jmap/session")).body)
    assert (session["username"], session["accounts"][ACCOUNT]["isReadOnly"]) == (ADDRESS, False)
    await client.call("Mailbox/set", create={"a": {"name": "A"}})
    client.authorization = f"bearer {tokens['reading']}"
    assert await client.error("Mailbox/set", create={}) == "accountReadOnly"
    for token, text in (
        (tokens["dav"], "this token can't be used for jmap"),
        (tokens["old"], "this token has expired"),
        (tokens["whole"][:-1], "Invalid token."),
        ("moxlite_bm9ib2R5.aaaaaaaaaaaaaaaaaaaa", "Invalid token."),
        ("moxlite_%", "Invalid token."),
    ):
        client.authorization = f"Bearer {token}"
        answer = await client.http("GET", "/jmap/session")
        assert (answer.status, text in answer.body.decode()) == (401, True), (token, answer.body)
        assert answer.headers["www-authenticate"] == 'Bearer realm="jmap", error="invalid_token"'
    async with rig.account() as account:
        assert tokens["whole"] not in repr(
            await account.read(lambda r: r.rows("SELECT * FROM app_password"), op="test")
        )
        await account.write(lambda tx: remove_app_password(tx, "whole"))
    client.authorization = f"Bearer {tokens['whole']}"
    assert (await client.http("GET", "/jmap/session")).status == 401
    found = {(one.result, one.mechanism, one.app_password) for one in await rig.auth.attempts.newest("mia")}
    assert {("ok", "httpbearer", "whole"), ("notpermitted", "httpbearer", "dav")} <= found


async def test_a_token_is_no_password(rig: Rig) -> None:
    """JMAP-2a: HTTP Basic with a token in it opens nothing."""
    async with rig.account() as account:
        token = await add_token(account, "whole", ["jmap"])
    assert (await Client(rig, password=token).http("GET", "/jmap/session")).status == 401


async def test_pages_of_listed_sites_may_use_it(tmp_path: Path) -> None:
    """JMAP-2b: CORS for the origins that the owner lists; all others are refused, and told nothing."""
    listed = JMAP.replace("port = 83", 'port = 83, origins = ["https://mail.else.example"]')
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=STATIC + listed, domains=DOMAINS)
        client = Client(rig)
        foreign = {"origin": "https://mail.else.example", "sec-fetch-site": "cross-site"}
        asked = await client.fetch("OPTIONS", "/jmap/api", **foreign)
        assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, "https://mail.else.example")
        assert "authorization" in asked.headers["access-control-allow-headers"]
        session = await client.fetch("GET", "/.well-known/jmap", **foreign)
        assert (session.status, session.headers["access-control-allow-origin"]) == (200, "https://mail.else.example")
        assert "origin" in session.headers["vary"].lower()
        client.authorization = "Bearer wrong"
        wrong = await client.fetch("GET", "/jmap/session", **foreign)
        assert (wrong.status, wrong.headers["access-control-allow-origin"]) == (401, "https://mail.else.example")
        for origin in ("https://evil.example", "http://mail.else.example", "null"):
            for method in ("OPTIONS", "GET"):
                refused = await client.fetch(method, "/jmap/session", origin=origin)
                assert (refused.status, "access-control-allow-origin" in refused.headers) == (403, False)
        nursery.cancel_scope.cancel()


async def test_what_changed_of_mailboxes_is_told(rig: Rig) -> None:
    """JMAP-10: only counts, or more."""
    client = Client(rig)
    counts = ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"]
    state = (await client.call("Mailbox/get", ids=[]))["state"]
    assert (await client.call("Mailbox/changes", sinceState=state))["updatedProperties"] is None
    await client.imported()
    found = await client.call("Mailbox/changes", sinceState=state)
    assert (found["updated"], found["updatedProperties"]) == (["F1"], counts)
    for patch in ({"name": "X"}, {"isSubscribed": True}, {"sortOrder": 7}, {"role": "archive"}):
        made = await client.call("Mailbox/set", create={"a": {"name": "A"}})
        box = made["created"]["a"]["id"]
        await client.call("Mailbox/set", update={box: patch})
        assert (await client.call("Mailbox/changes", sinceState=made["newState"]))["updatedProperties"] is None
        await client.call("Mailbox/set", destroy=[box])


async def test_old_submissions_are_told_as_destroyed(rig: Rig) -> None:
    """JMAP-31: after 35 days, and of what is longer ago nothing can be told."""
    client = Client(rig)

    async def sent(day: int) -> None:
        key = day.to_bytes(4, "big")
        one = Sent(0, 1, 1, "I", f"{day}@x", "{}", day * 86_400_000_000, 0, 0)

        def unit(tx: AccountTx) -> int:
            tx.now = (day + 1) * 86_400_000_000
            return add_submission(tx, one, key)

        async with rig.account() as account:
            await account.write(unit)

    today = time.time_ns() // 86_400_000_000_000
    await sent(today - 110)
    first = (await client.call("EmailSubmission/get", ids=[]))["state"]
    await sent(today - 40)
    old = (await client.call("EmailSubmission/get", ids=[]))["state"]
    await sent(today - 1)
    found = await client.call("EmailSubmission/changes", sinceState=old)
    assert (found["created"], found["destroyed"]) == (["S3"], ["S2"])
    assert await client.error("EmailSubmission/changes", sinceState=first) == "cannotCalculateChanges"
