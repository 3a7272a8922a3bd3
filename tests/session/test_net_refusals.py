"""Lines of the log about users' messages that aren't taken, and what leads to them (SMTP-140a)."""

import logging
from pathlib import Path

import pytest
import trio

from moxlite.acceptance.commands import DryRunSources, WhyCommands
from moxlite.net.control.server import CommandFailed
from moxlite.net.limits import IPAddress
from moxlite.net.log import LogfmtFormatter, LogHandler, _AddCID, bind_cid
from moxlite.net.refusals import LINES, MINUTE, Refusals, begin
from moxlite.net.resolver import FakeResolver
from moxlite.operations.why import WhyReply
from moxlite.queue.queue import Queue
from moxlite.store.auth.apppasswords import add_app_password
from moxlite.store.delivery.submission import QueueFull
from moxlite.store.errors import LimitExceeded, StorageFull, StoreError
from moxlite.web.jmap import submissions
from tests.jmap_rig import Client, rig
from tests.logs import kv
from tests.session.imapd_harness import Imap, imap
from tests.session.smtpd_harness import Smtp, clock, smtp
from tests.session.test_web_webapi import API
from tests.web_rig import STATIC, Rig, open_rig
from tests.webapi import Client as WebAPIClient, Refused, every_field

pytestmark = pytest.mark.served

__all__ = ["clock", "imap", "rig", "smtp"]

PASSWORD = "correct horse battery"
FOREIGN = b"From: x@elsewhere.example\r\n\r\nx\r\n.\r\n"


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [kv(record) for record in caplog.records if record.getMessage() == "message from user rejected"]


async def test_a_refused_submission_is_one_line(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140a: with the id that ends the reply; whoever refuses it, the codec or the session."""
    caplog.set_level("INFO", logger="moxlite")
    async with smtp.user() as client:
        await client.play("C: MAIL FROM:<tom@elsewhere.example>\nS: 550 5.7.1")
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<nobody@ours.example>\nS: 550 5.1.1")
        await client.play("C: RCPT TO:<bo@ours.example>\nS: 250\nC: RCPT TO:<a b>\nS: 501\nC: DATA\nS: 354")
        await client.send(FOREIGN)
        reply = await client.reply()
        await client.play("C: NOOP\nS: 250")
        assert len(lines(caplog)) == 4
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354")
        await client.send(b"From: mia@ours.example\r\n\r\nx\r\n.\n")
        await client.send(b"\r\n.\r\n")
        assert (await client.reply()).startswith("500")
    found = lines(caplog)
    assert [(one["cmd"], one["mailfrom"], one["rcptto"]) for one in found] == [
        ("MAIL", "tom@elsewhere.example", ""),
        ("RCPT", "mia@ours.example", "nobody@ours.example"),
        ("RCPT", "mia@ours.example", "bo@ours.example"),
        ("DATA", "mia@ours.example", "bo@ours.example"),
        ("DATA", "mia@ours.example", "bo@ours.example"),
    ]
    assert {(one["via"], one["account"]) for one in found} == {("smtp", "mia")}
    assert str(found[3]["reply"]).startswith("550 5.7.1 you can't send from x@elsewhere.example")
    assert reply.endswith(f" ({found[3]['id']})")


async def test_what_is_pipelined_behind_a_refusal_has_no_line(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140a: `moxlite sendmail` sends all of a message at once, and then tries another sender."""
    caplog.set_level("INFO", logger="moxlite")
    async with smtp.user() as client:
        await client.send(
            b"MAIL FROM:<tom@elsewhere.example>\r\nRCPT TO:<bo@ours.example>\r\nBDAT 3 LAST\r\nx\r\n"
            b"MAIL FROM:<mia@ours.example>\r\nRCPT TO:<nobody@ours.example>\r\nDATA\r\nRSET\r\n"
        )
        codes = [(await client.reply())[:3] for _ in range(7)]
        assert codes == ["550", "503", "503", "250", "550", "503", "250"]
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: DATA\nS: 503")
    assert [(line["cmd"], line["reply"]) for line in lines(caplog)] == [
        ("MAIL", "550 5.7.1 you can't send from this address"),
        ("RCPT", "550 5.1.1 no such user"),
        ("DATA", "503 5.5.1 bad sequence of commands"),
    ]


async def test_strangers_and_accepted_messages_have_no_such_line(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140, SMTP-140a: mail from elsewhere has its own, with the same id."""
    caplog.set_level("INFO", logger="moxlite")
    async with smtp.user() as client:
        await client.deliver("bo@ours.example", b"From: mia@ours.example\r\n\r\nx\r\n", "mia@ours.example")
    async with smtp.connect("submission") as client:
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 530")
    async with smtp.connect() as client:
        accepted = await client.deliver()
    assert lines(caplog) == []
    [delivered] = [kv(record) for record in caplog.records if record.getMessage() == "message delivered"]
    assert accepted.endswith(f"id {delivered['id']}")


async def test_a_refused_append_is_one_line(imap: Imap, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140a: refused before its octets come, after them, and by the parser; the reply ends in its id."""
    caplog.set_level("INFO", logger="moxlite")
    begin(lambda cid: "kWaJQnbvcf")
    async with imap.user() as client:
        for reply in (await client.append("x", "None"), await client.tagged("x APPEND Inbox")):
            assert reply.startswith(("NO [TRYCREATE]", "BAD"))
            assert reply.endswith(" (kWaJQnbvcf)")
        assert not (await client.tagged("x SELECT None")).endswith(" (kWaJQnbvcf)")
        assert (await client.append("Subject: x\r\n\r\n")).startswith("OK")
    found = lines(caplog)
    assert {(one["via"], one["account"], one["cmd"]) for one in found} == {("imap", "mia", "APPEND")}
    assert {one["id"] for one in found} == {"kWaJQnbvcf"}
    assert str(found[0]["reply"]).startswith("NO [TRYCREATE]")
    assert str(found[-1]["reply"]).startswith("BAD")


async def test_a_refused_submission_by_jmap_is_one_line(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140a: with the id that ends the description."""
    caplog.set_level("INFO", logger="moxlite.net")
    begin(lambda cid: "kWaJQnbvcf")
    client = Client(rig)
    identity = (await client.call("Identity/get"))["list"][0]["id"]
    made = await client.call("Email/set", create={"d": {"mailboxIds": {"F1": True}, "subject": "x"}})
    email = made["created"]["d"]["id"]
    foreign = {"mailFrom": {"email": "tom@example.org"}, "rcptTo": [{"email": "jo@else.example"}]}
    envelopes: list[object] = [foreign, []]
    for envelope in envelopes:
        answer = await client.call(
            "EmailSubmission/set", create={"s": {"identityId": identity, "emailId": email, "envelope": envelope}}
        )
        assert answer["notCreated"]["s"]["description"].endswith(" (kWaJQnbvcf)")
    first, second = lines(caplog)
    assert (first["via"], first["account"], first["mailfrom"]) == ("jmap", "mia", "tom@example.org")
    assert first["rcptto"] == "jo@else.example"
    assert str(first["reply"]).startswith("forbiddenMailFrom")
    assert str(second["reply"]).startswith("invalidProperties")


async def test_a_refused_call_of_the_web_api_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-140a: with the id that ends the message: refused for what it asks, for its octets, for the app password, or
    by the storage.
    """
    caplog.set_level("INFO", logger="moxlite.net")

    def queue_fails(error: Exception) -> None:
        async def refuse(*_: object) -> object:
            raise error

        monkeypatch.setattr(Queue, "submit", refuse)

    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=STATIC + API)
        begin(lambda cid: "kWaJQnbvcf")
        async with rig.account() as account:
            reader = await add_app_password(account, "reader", ["webapi"], read_only=True)
        message = every_field("Send", To=[{"Name": "", "Address": "jo@else.example"}], Text="x")
        for parameters, password in ((message | {"Text": ""}, PASSWORD), (b"{", PASSWORD), (message, reader)):
            with pytest.raises(Refused, match=r" \(kWaJQnbvcf\)$"):
                await WebAPIClient(rig, "mia@example.org", password, port=82).answer("Send", parameters)
        for error in (StorageFull("full"), QueueFull("too many wait")):
            queue_fails(error)
            with pytest.raises(Refused, match=r" \(kWaJQnbvcf\)$"):
                await WebAPIClient(rig, port=82).answer("Send", message)
        with pytest.raises(Refused) as other:
            await WebAPIClient(rig, port=82).call("MessageGet", MsgID=99)
        assert not other.value.text.endswith(")")
        nursery.cancel_scope.cancel()
    named = "jo@else.example"
    assert [(line["rcptto"], str(line["reply"])) for line in lines(caplog)] == [
        (named, "missingBody: Text and HTML can't both be empty"),
        ("", "protocol: expected a field name (at octet 1 of the request)"),
        ("", "user: this app password is read-only"),
        (named, "server: the server's disk is full"),
        (named, "error: too many wait"),
    ]
    assert {(line["via"], line["account"], line["id"]) for line in lines(caplog)} == {("webapi", "mia", "kWaJQnbvcf")}


async def test_a_jmap_submission_that_the_storage_refuses_is_one_line(
    rig: Rig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-140a: with the id in the error of the submission; a method's error has none."""
    caplog.set_level("INFO", logger="moxlite.net")
    begin(lambda cid: "kWaJQnbvcf")
    client = Client(rig)
    identity = (await client.call("Identity/get"))["list"][0]["id"]
    draft = {"mailboxIds": {"F1": True}, "subject": "x", "to": [{"email": "jo@else.example"}]}
    email = (await client.call("Email/set", create={"d": draft}))["created"]["d"]["id"]

    async def refuse(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr(submissions, "_submit", refuse)
    sent = {"s": {"identityId": identity, "emailId": email}}
    error: StoreError = LimitExceeded("too many")
    answer = await client.call("EmailSubmission/set", create=sent)
    assert answer["notCreated"]["s"]["description"] == "limit exceeded: too many (kWaJQnbvcf)"
    error = StorageFull("full")
    assert await client.error("EmailSubmission/set", create=sent) == "serverUnavailable"
    assert [(line["rcptto"], line["reply"]) for line in lines(caplog)] == [
        ("jo@else.example", "limit exceeded: too many"),
        ("jo@else.example", "full"),
    ]


def test_a_program_in_a_loop_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140a: ten lines of an account in a minute, then their number; other accounts have their own."""
    caplog.set_level("INFO", logger="moxlite")
    now = 0.0
    made = Refusals(lambda cid: f"id{cid}", clock=lambda: now)
    with bind_cid(5):
        for _ in range(25):
            made.note("smtp", "mia", "550 no")
        made.note("smtp", "bo", "550 no")
    assert len(lines(caplog)) == LINES + 1
    assert lines(caplog)[0]["id"] == "id5"
    now = MINUTE
    made.tell()
    [more] = [kv(record) for record in caplog.records if record.getMessage() == "more messages from user rejected"]
    assert more == {"account": "mia", "count": 15}
    made.note("smtp", "mia", "550 no")
    assert len(lines(caplog)) == LINES + 2


async def test_the_id_leads_to_the_line(smtp: Smtp, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """ADMIN-77, SMTP-140a: in the lines in memory, and in a log file; an id of another server is refused."""

    async def lists(ip: IPAddress) -> str:
        raise AssertionError

    caplog.set_level("INFO", logger="moxlite")
    name_of = smtp.context.received_id
    lines_of = Refusals(name_of.encode)
    logger = logging.getLogger("moxlite.net.refusals")
    for path in (None, tmp_path / "log"):
        handler = LogHandler(LogfmtFormatter(timestamps=True), path=path)
        handler.addFilter(_AddCID())
        logger.addHandler(handler)
        try:
            for cid in (7, 8):
                with bind_cid(cid):
                    lines_of.note("smtp", "mia", f"550 no {cid}", sender="tom@elsewhere.example")
        finally:
            logger.removeHandler(handler)
        asking = DryRunSources(FakeResolver({}), lists)
        why = WhyCommands(smtp.context.config, smtp.context.accounts, asking, handler, name_of.decode)
        found = await why.connection_log(WhyReply(name_of.encode(7)))
        [line] = found.lines
        assert "mailfrom=tom@elsewhere.example" in line
        assert f"id={name_of.encode(7)}" in line
        assert found.file == ("" if path is None else str(path))
        with pytest.raises(CommandFailed, match="this installation"):
            await why.connection_log(WhyReply("A" * 22))
        handler.close()
