"""Contents of blobs in calls of JMAP (RFC 9404), quota (RFC 9425) and Sieve scripts (RFC 9661)."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.store.content.uploads import IMPORTED_AGE, forget_uploads, upload_of
from moxlite.store.delivery.scripts import MAX_SCRIPTS, active_script, script_text
from moxlite.store.errors import LimitExceeded
from moxlite.store.options import DAY
from moxlite.web.composing.uploads import receive_upload
from moxlite.web.jmap import blobdata
from tests.jmap_rig import ACCOUNT, MAIL, Client, Object, rig
from tests.tools import eventually
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

SCRIPT = b'require "fileinto";\r\nfileinto "Archive";\r\n'


async def one_piece(octets: bytes) -> AsyncIterator[bytes]:
    yield octets


def base(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


async def test_a_blob_is_made_of_texts_and_other_blobs(rig: Rig) -> None:
    """JMAP-50: Blob/upload of texts, base64 and ranges of blobs, also of one that the same request has made."""
    client = Client(rig)
    number = await client.imported()
    answer = await client.request(
        [
            "Blob/upload",
            {"accountId": ACCOUNT, "create": {"a": {"data": [{"data:asText": "hö"}], "type": "text/plain"}}},
            "0",
        ],
        [
            "Blob/upload",
            {
                "accountId": ACCOUNT,
                "create": {
                    "b": {
                        "data": [
                            {"data:asBase64": base(b"\xff")},
                            {"blobId": "#a", "offset": 1},
                            {"blobId": f"E{number[1:]}", "offset": 0, "length": 4},
                            {"blobId": f"E{number[1:]}-2"},
                        ]
                    },
                    "c": {"data": [{"blobId": "#b", "length": 1}]},
                },
            },
            "1",
        ],
        [
            "Blob/get",
            {"accountId": ACCOUNT, "ids": ["#b", "#c", "#a"], "properties": ["data", "size", "digest:sha-256"]},
            "2",
        ],
    )
    [[_, first, _], [_, second, _], [_, got, _]] = answer["methodResponses"]
    assert (first["created"]["a"]["type"], first["created"]["a"]["size"]) == ("text/plain", 3)
    whole = b"\xff\xc3\xb6From" + b"ABC"
    assert second["created"]["b"]["size"] == len(whole)
    b, c, a = got["list"]
    assert (b["data:asBase64"], b["isEncodingProblem"], b["size"]) == (base(whole), True, len(whole))
    assert (c["data:asBase64"], a["data:asText"], "isEncodingProblem" in a) == (base(b"\xff"), "hö", False)
    assert a["digest:sha-256"] == base(hashlib.sha256("hö".encode()).digest())


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, "invalidProperties"),
        ({"data": []}, "invalidProperties"),
        ({"data": [{"data:asText": "x"}] * 65}, "invalidProperties"),
        ({"data": [{"data:asText": 1}]}, "invalidProperties"),
        ({"data": [{"data:asText": "x", "blobId": "U"}]}, "invalidProperties"),
        ({"data": [{"data:asBase64": "?"}]}, "invalidProperties"),
        ({"data": [{"blobId": "E999"}]}, "blobNotFound"),
        ({"data": [{"blobId": "#b"}]}, "blobNotFound"),
        ({"data": [{"blobId": "E1", "offset": -1}]}, "invalidProperties"),
        ({"data": [{"blobId": "E1", "offset": 10**9}]}, "invalidProperties"),
        ({"data": [{"blobId": "E1", "length": 10**9}]}, "invalidProperties"),
        ({"data": [{"blobId": "E1"}], "type": 1}, "invalidProperties"),
        ({"data": [{"blobId": "E1"}], "name": "x"}, "invalidProperties"),
    ],
)
async def test_a_wrong_upload_makes_no_blob(rig: Rig, given: Object, kind: str) -> None:
    """JMAP-50: each in its own error; a blob cannot be made of itself."""
    client = Client(rig)
    assert await client.imported() == "M1"
    found = await client.call("Blob/upload", create={"b": given, "good": {"data": [{"data:asText": ""}]}})
    assert (found["notCreated"]["b"]["type"], found["created"]["good"]["size"]) == (kind, 0)


async def test_ranges_of_blobs_are_read(rig: Rig) -> None:
    """JMAP-50: offset and length, a range beyond the end, what is no text, and what is too much for one call."""
    client = Client(rig)
    blob = await client.upload("abcö".encode(), "text/plain")

    async def got(**arguments: Any) -> Object:
        [one] = (await client.call("Blob/get", ids=[blob], **arguments))["list"]
        return {name: value for name, value in one.items() if name != "id"}

    assert await got() == {"data:asText": "abcö", "size": 5}
    assert await got(offset=1, length=2) == {"data:asText": "bc", "size": 5}
    assert await got(offset=1, length=3, properties=["data:asText"]) == {"data:asText": None, "isEncodingProblem": True}
    assert await got(offset=4, length=3, properties=["data:asBase64"]) == {
        "data:asBase64": base(b"\xb6"),
        "isTruncated": True,
    }
    assert await got(offset=9, properties=["data", "digest:sha"]) == {
        "data:asText": "",
        "digest:sha": base(hashlib.sha1(b"", usedforsecurity=False).digest()),
        "isTruncated": True,
    }
    assert (await client.call("Blob/get", ids=["E999", "x"]))["notFound"] == ["E999", "x"]
    assert await client.error("Blob/get", ids=[blob], properties=["digest:crc"]) == "invalidArguments"
    large = await client.upload(bytes(30 << 20), "text/plain")
    assert await client.error("Blob/get", ids=[large]) == "requestTooLarge"
    found = await client.call("Blob/get", ids=[large], properties=["digest:sha-256", "size"])
    assert found["list"][0]["digest:sha-256"] == base(hashlib.sha256(bytes(30 << 20)).digest())
    others = [large, *[await client.upload(bytes(30 << 20), "text/plain") for _ in range(3)]]
    assert await client.error("Blob/get", ids=others, properties=["digest:sha"]) == "requestTooLarge"


async def test_parts_of_uploads_are_blobs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-50: decoded as they are read; what is read to learn their sizes is limited for a whole call."""
    client = Client(rig)
    message = await client.upload(MAIL, "message/rfc822")
    part = await client.http("GET", f"/jmap/download/{ACCOUNT}/{message}-2/a.png?accept=image/png")
    assert (part.status, part.body) == (200, b"ABC")
    for odd in ("text/plain;%20charset=%c5%82", "a/%c3%a9", "a/b%0d%0ax:%20y"):  # a header field can't have these
        answer = await client.http("GET", f"/jmap/download/{ACCOUNT}/{message}-2/a.png?accept={odd}")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert (await client.http("GET", f"/jmap/download/{ACCOUNT}/{message}-9/a.png")).status == 404
    assert await client.error("Blob/get", ids=[f"{message}-2"], properties=["x"]) == "invalidArguments"
    create = {"a": {"data": [{"blobId": f"{message}-2", "offset": 1}] * 2}}
    made = (await client.call("Blob/upload", create=create))["created"]["a"]
    [found] = (await client.call("Blob/get", ids=[made["id"], f"{message}-2"][:1]))["list"]
    assert (found["data:asText"], found["size"]) == ("BCBC", 4)
    monkeypatch.setattr(blobdata, "MAX_READ", 5)
    refused = (await client.call("Blob/upload", create=create))["notCreated"]["a"]
    assert refused["type"] == "tooLarge"


async def test_long_base64_is_read_and_written(rig: Rig) -> None:
    """JMAP-50: beyond what the event loop does by itself."""
    client = Client(rig)
    octets = bytes(range(256)) * 1024
    made = (await client.call("Blob/upload", create={"a": {"data": [{"data:asBase64": base(octets)}]}}))["created"]["a"]
    [found] = (await client.call("Blob/get", ids=[made["id"]]))["list"]
    assert found["data:asBase64"] == base(octets)
    wrong = await client.call("Blob/upload", create={"a": {"data": [{"data:asBase64": "!" * 100_000}]}})
    assert wrong["notCreated"]["a"]["type"] == "invalidProperties"


async def test_a_blob_tells_where_it_is(rig: Rig) -> None:
    """JMAP-50: Blob/lookup finds the email, its thread and mailboxes."""
    client = Client(rig)
    number = await client.imported()
    [email] = (await client.call("Email/get", ids=[number], properties=["threadId"]))["list"]
    upload = await client.upload(MAIL)
    found = await client.call(
        "Blob/lookup", ids=[f"E{number[1:]}-2", upload, "E999"], typeNames=["Email", "Thread", "Mailbox"]
    )
    part, loose = found["list"]
    assert part["matchedIds"] == {"Email": [number], "Thread": [email["threadId"]], "Mailbox": ["F1"]}
    assert loose["matchedIds"] == {"Email": [], "Thread": [], "Mailbox": []}
    assert found["notFound"] == ["E999"]
    assert await client.error("Blob/lookup", ids=[], typeNames=["Nothing"]) == "unknownDataType"


async def test_the_quota_is_told(rig: Rig) -> None:
    """JMAP-51: what is used, the limit, and what has changed since; none without a limit."""
    client = Client(rig)
    before = await client.call("Quota/get")
    assert (before["list"], (await client.call("Quota/query"))["ids"]) == ([], [])

    def limit(document: Document, snapshot: Snapshot) -> None:
        document.put(("accounts", "mia", "quota_message_size"), "1m")

    await rig.holder.edit(limit)
    await eventually(lambda: rig.holder.current.quota("mia") == 1 << 20)
    [quota] = (await client.call("Quota/get"))["list"]
    assert (quota["hardLimit"], quota["used"], quota["resourceType"]) == (1 << 20, 0, "octets")
    state = (await client.call("Quota/get", ids=[]))["state"]
    assert (await client.call("Quota/changes", sinceState=before["state"]))["created"] == ["storage"]
    await client.imported()
    changed = await client.call("Quota/changes", sinceState=state)
    assert (changed["updated"], changed["updatedProperties"]) == (["storage"], ["used"])
    assert (await client.call("Quota/query", filter={"type": "Email", "scope": "account"}))["ids"] == ["storage"]
    assert (await client.call("Quota/query", filter={"name": "none"}))["ids"] == []
    assert await client.error("Quota/changes", sinceState="x") == "cannotCalculateChanges"
    assert await client.error("Quota/query", filter={"used": 1}) == "unsupportedFilter"


async def test_scripts_are_kept_and_activated(rig: Rig) -> None:
    """JMAP-52: made of a blob, activated, changed, renamed and destroyed; the texts are blobs."""
    client = Client(rig)
    session = json.loads((await client.http("GET", "/jmap/session")).body)
    assert (
        "fileinto"
        in session["accounts"][ACCOUNT]["accountCapabilities"]["urn:ietf:params:jmap:sieve"]["sieveExtensions"]
    )
    blob = await client.upload(SCRIPT, "application/sieve")
    made = await client.call(
        "SieveScript/set",
        create={"a": {"name": "mine", "blobId": blob}, "b": {"blobId": blob}},
        onSuccessActivateScript="#a",
    )
    mine, other = made["created"]["a"], made["created"]["b"]
    assert (mine["isActive"], other["isActive"], other["name"]) == (True, False, "script 1")
    async with rig.account() as account:
        assert await account.read(active_script, op="test") == "mine"
        assert await account.read(lambda r: script_text(r, "mine"), op="test") == SCRIPT
    assert (await client.http("GET", f"/jmap/download/{ACCOUNT}/{mine['blobId']}/mine.siv")).body == SCRIPT
    refused = await client.call(
        "SieveScript/set",
        create={
            "same": {"name": "mine", "blobId": blob},
            "bad": {"name": "bad", "blobId": await client.upload(b"nonsense", "application/sieve")},
            "long": {"name": "long", "blobId": await client.upload(b"#" * 70_000, "application/sieve")},
            "gone": {"name": "gone", "blobId": "E999"},
            "name": {"name": "a\n", "blobId": blob},
            "active": {"name": "x", "blobId": blob, "isActive": True},
        },
        update={other["id"]: {"name": "mine"}, "V99": {"name": "x"}},
        destroy=[mine["id"], "V98"],
        onSuccessDeactivateScript=True,
    )
    assert {key: one["type"] for key, one in refused["notCreated"].items()} == {
        "same": "alreadyExists",
        "bad": "invalidSieve",
        "long": "tooLarge",
        "gone": "blobNotFound",
        "name": "invalidProperties",
        "active": "invalidProperties",
    }
    assert refused["notCreated"]["same"]["existingId"] == mine["id"]
    assert {key: one["type"] for key, one in refused["notUpdated"].items()} == {
        other["id"]: "alreadyExists",
        "V99": "notFound",
    }
    assert {key: one["type"] for key, one in refused["notDestroyed"].items()} == {
        mine["id"]: "sieveIsActive",
        "V98": "notFound",
    }
    found = {one["id"]: one for one in (await client.call("SieveScript/get"))["list"]}
    assert [found[one]["isActive"] for one in (mine["id"], other["id"])] == [True, False]
    changed = await client.call(
        "SieveScript/set",
        update={other["id"]: {"name": "other", "blobId": await client.upload(b"keep;\r\n", "application/sieve")}},
        onSuccessActivateScript=other["id"],
    )
    assert changed["updated"][other["id"]]["isActive"] is True
    assert changed["updated"][mine["id"]] == {"isActive": False}
    assert (await client.http("GET", f"/jmap/download/{ACCOUNT}/{mine['blobId']}/a")).status == 200
    assert (await client.http("GET", f"/jmap/download/{ACCOUNT}/{other['blobId']}/a")).status == 404
    assert (await client.call("SieveScript/query", filter={"isActive": True}))["ids"] == [other["id"]]
    assert (await client.call("SieveScript/query", filter={"name": "MIN"}))["ids"] == [mine["id"]]
    order = await client.call("SieveScript/query", sort=[{"property": "name", "isAscending": False}])
    assert order["ids"] == [other["id"], mine["id"]]
    ended = await client.call("SieveScript/set", destroy=[mine["id"]], onSuccessDeactivateScript=True)
    assert (ended["destroyed"], ended["updated"]) == ([mine["id"]], {other["id"]: {"isActive": False}})
    many = await client.call("SieveScript/set", create={f"n{one}": {"blobId": blob} for one in range(MAX_SCRIPTS)})
    assert [one["type"] for one in many["notCreated"].values()] == ["overQuota"]


async def test_a_script_is_checked(rig: Rig) -> None:
    """JMAP-52: SieveScript/validate tells the faults, and keeps nothing."""
    client = Client(rig)
    right = await client.call("SieveScript/validate", blobId=await client.upload(SCRIPT, "application/sieve"))
    assert right["error"] is None
    wrong = await client.call("SieveScript/validate", blobId=await client.upload(b"stopp;", "application/sieve"))
    assert wrong["error"]["type"] == "invalidSieve"
    assert await client.error("SieveScript/validate", blobId="E999") == "blobNotFound"
    assert (await client.call("SieveScript/get"))["list"] == []


@pytest.mark.parametrize(("uploads", "octets"), [(3, 1 << 20), (100, 3_500)], ids=["uploads", "octets"])
async def test_the_oldest_blobs_make_room_for_new_ones(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, uploads: int, octets: int
) -> None:
    """JMAP-7: a program uploads as many messages as it likes; the files of messages that are being written stay, have
    limits of their own, and leave blobs all of theirs.
    """
    monkeypatch.setattr("moxlite.store.content.uploads.MAX_UPLOADS", uploads)
    monkeypatch.setattr("moxlite.store.content.uploads.MAX_PENDING", octets)
    client = Client(rig)
    async with rig.account() as account:
        photos = [await receive_upload(account, "a.jpg", "image/jpeg", one_piece(b"x" * 1_000)) for _ in range(3)]
        blobs = [await client.upload(b"%d" % number * 1_000, "text/plain") for number in range(9)]
        answer = await client.request(["Blob/get", {"accountId": ACCOUNT, "ids": blobs, "properties": ["size"]}, "0"])
        got = answer["methodResponses"][0][1]
        assert [one["id"] for one in got["list"]] == blobs[-3:]
        assert got["notFound"] == blobs[:-3]
        with pytest.raises(LimitExceeded):
            await receive_upload(account, "b.jpg", "image/jpeg", one_piece(b"x" * 1_000))
        for photo in photos:
            assert await account.read(partial(upload_of, key=photo.key), op="test") == photo


async def test_what_was_imported_leaves_room_for_what_was_not(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-7: a program that moves mail here uploads and imports far more than the limit, while a file that another one
    has uploaded before stays; an imported blob is kept for an hour unless its room is needed.
    """
    monkeypatch.setattr("moxlite.store.content.uploads.MAX_UPLOADS", 12)
    client = Client(rig)
    waiting = await client.upload(b"not used yet", "text/plain")
    for portion in range(6):
        messages = [MAIL.replace(b"<a@", b"<%d-%d@" % (portion, number)) for number in range(10)]
        blobs = [await client.upload(message) for message in messages]
        given = {blob: {"blobId": blob, "mailboxIds": {"F1": True}} for blob in blobs}
        assert len((await client.call("Email/import", emails=given))["created"]) == 10
    assert (await client.call("Email/query", calculateTotal=True))["total"] == 60
    kept = [blobs[-1], waiting]
    assert [one["id"] for one in (await client.call("Blob/get", ids=kept, properties=["size"]))["list"]] == kept
    monkeypatch.setattr("moxlite.store.content.uploads.AGE", DAY - IMPORTED_AGE)  # an hour less is an hour later
    async with rig.account() as account:
        while await account.write(forget_uploads):
            pass
    got = await client.call("Blob/get", ids=kept, properties=["size"])
    assert ([one["id"] for one in got["list"]], got["notFound"]) == ([waiting], [blobs[-1]])


async def test_files_of_attached_messages_are_read(rig: Rig) -> None:
    """JMAP-7: Email/parse of an attached message names blobs that are there, of an email and of an upload, also of a
    message in a message.
    """
    client = Client(rig)

    def around(mail: bytes) -> bytes:
        mark = b"c%d" % len(mail)
        parts = (b"\r\n\r\nhi", b"\r\nContent-Type: message/rfc822\r\n\r\n" + mail, b"--")
        body = b"".join(b"--" + mark + part + b"\r\n" for part in parts)
        return b"From: jo@else.example\r\nContent-Type: multipart/mixed; boundary=" + mark + b"\r\n\r\n" + body

    mail = around(around(MAIL))
    for blob in (await client.upload(mail), f"E{(await client.imported(mail))[1:]}"):
        for _ in range(2):
            parsed = (await client.call("Email/parse", blobIds=[blob]))["parsed"]
            [file] = parsed[blob]["attachments"]
            blob = file["blobId"]
        [file] = (await client.call("Email/parse", blobIds=[blob]))["parsed"][blob]["attachments"]
        answer = await client.http("GET", f"/jmap/download/{ACCOUNT}/{file['blobId']}/a.png?accept=image/png")
        assert (file["name"], answer.status, answer.body) == ("a.png", 200, b"ABC")


async def test_a_text_without_a_header_is_a_message_if_its_sender_says_so(rig: Rig) -> None:
    """JMAP-28: it and a message below a line that is no field are imported and parsed, as IMAP takes them; other files
    aren't.
    """
    client = Client(rig)
    junk, text, binary = b"hello junk\r\n" + MAIL, b"hello\r\nthere\r\n", b"\x89PNG\r\n\x1a\n\0\0\0\r"
    for octets, kind, taken in [
        *((junk, kind, True) for kind in ("message/rfc822", "text/plain")),
        *((text, kind, kind == "message/rfc822") for kind in ("message/rfc822", "text/plain")),
        *((binary, kind, False) for kind in ("message/rfc822", "image/png")),
        (b"", "message/rfc822", False),
    ]:
        blob = await client.upload(octets, kind)
        parsed = await client.call("Email/parse", blobIds=[blob], fetchTextBodyValues=True)
        given = {"a": {"blobId": blob, "mailboxIds": {"F1": True}}}
        found = await client.call("Email/import", emails=given)
        assert (blob in (parsed["parsed"] or {}), bool(found["created"])) == (taken, taken), (octets, kind)
        if taken:
            [value] = parsed["parsed"][blob]["bodyValues"].values()
            assert value["value"].startswith("hi there" if octets is junk else "hello\nthere")
