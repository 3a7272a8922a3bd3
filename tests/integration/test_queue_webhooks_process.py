"""Webhooks of a running server: mail goes out and comes in by SMTP, calls come to a web server of the test."""

import contextlib
import json
import smtplib
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.running import LocalServer
from tests.webapi import check_incoming, check_outgoing
from tests.webserver import Answer, WebServer, web_server

pytestmark = [pytest.mark.served, pytest.mark.slow]

DSN = """\
From: <postmaster@remote.example>
To: <{to}>
Subject: failed
Content-Type: multipart/report; report-type=delivery-status; boundary=b
MIME-Version: 1.0

--b

sorry
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; remote.example

Final-Recipient: rfc822; other@localhost
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b--
"""


@pytest.fixture
async def hooked(tmp_path: Path) -> AsyncIterator[tuple[LocalServer, WebServer]]:
    """localserve, whose account has both webhooks, and unique sender addresses."""
    async with web_server() as web:
        server = LocalServer(tmp_path / "local")
        domains = server.folder / "config/domains.toml"
        text = domains.read_text().replace(
            "[accounts.moxlite.destinations",
            f'outgoing_webhook = {{ url = "{web.url("/out")}" }}\n'
            f'incoming_webhook = {{ url = "{web.url("/in", host="localhost")}", authorization = "Bearer 7" }}\n'
            "[accounts.moxlite.destinations",
            1,
        )
        domains.write_text(text)
        await trio.to_thread.run_sync(server.start)
        try:
            yield server, web
        finally:
            await trio.to_thread.run_sync(server.stop)


def _send(server: LocalServer, port: int, sender: str, to: str, data: str) -> None:
    with smtplib.SMTP("127.0.0.1", server.port(port), timeout=60) as client:
        if port == 587:
            client.login(server.user, server.password)
        client.sendmail(sender, [to], data)


async def send(server: LocalServer, port: int, sender: str, to: str, data: str) -> None:
    await trio.to_thread.run_sync(_send, server, port, sender, to, data)


async def calls(web: WebServer, path: str, number: int) -> list[dict[str, Any]]:
    """The bodies of the calls to a path, once there are so many."""
    with trio.fail_after(60):
        while len(found := [one for one in web.asked if one.target == path]) < number:  # noqa: ASYNC110 of a process
            await trio.sleep(0.01)
    return [json.loads(one.body) for one in found]


async def verb(server: LocalServer, *args: str) -> Any:
    """What `moxlite --json queue webhook ARGS` prints."""
    done = await trio.to_thread.run_sync(partial(server.cli, "--json", "queue", "webhook", *args))
    return json.loads(done.stdout)


def message() -> str:
    mail = EmailMessage()
    mail["From"] = "Alice Ä <alice@elsewhere.example>"
    mail["To"] = "Mox <moxlite@localhost>, b@c.example"
    mail["Subject"] = "Größe"
    mail["Message-ID"] = "<in1@elsewhere.example>"
    mail["References"] = "<Root@elsewhere.example> <in0@elsewhere.example>"
    mail["In-Reply-To"] = "<in0@elsewhere.example>"
    mail["Date"] = "Sat, 21 Nov 2026 10:00:00 +0100"
    mail.set_content("plain\nlines\n")
    mail.add_alternative("<p>HTML</p>", subtype="html")
    mail.add_attachment(b"12345", "application", "pdf", filename="ä.pdf")
    return mail.as_string()


async def test_a_message_that_comes_in_is_told(hooked: tuple[LocalServer, WebServer]) -> None:
    """WEB-107, WEB-108, WEB-109, STORE-189a: all that the call says."""
    server, web = hooked
    await send(server, 25, "alice@elsewhere.example", "moxlite@localhost", message())
    [told] = await calls(web, "/in", 1)
    check_incoming(web.asked[-1].body)
    assert told["From"] == [{"Name": "Alice Ä", "Address": "alice@elsewhere.example"}]
    assert told["To"][1] == {"Name": "", "Address": "b@c.example"}
    assert (told["CC"], told["BCC"], told["ReplyTo"], told["Version"]) == ([], [], [], 0)
    assert (told["Subject"], told["MessageID"]) == ("Größe", "<in1@elsewhere.example>")
    assert told["InReplyTo"] == "<in0@elsewhere.example>"
    assert told["References"] == ["<Root@elsewhere.example>", "<in0@elsewhere.example>"]
    assert told["Date"] == "2026-11-21T10:00:00+01:00"
    assert (told["Text"], told["HTML"]) == ("plain\nlines\n", "<p>HTML</p>\n")
    structure = told["Structure"]
    assert structure["ContentType"] == "multipart/mixed"
    pdf = structure["Parts"][1]
    assert (pdf["ContentType"], pdf["ContentDisposition"]) == ("application/pdf", "attachment")
    assert (pdf["Filename"], pdf["DecodedSize"], pdf["Parts"]) == ("ä.pdf", 5, [])
    meta = told["Meta"]
    assert (meta["MailFrom"], meta["RcptTo"]) == ("alice@elsewhere.example", "moxlite@localhost")
    assert (meta["MailboxName"], meta["RemoteIP"], meta["Automated"]) == ("Inbox", "127.0.0.1", False)
    assert meta["MsgID"] > 0
    [asked] = [one for one in web.asked if one.target == "/in"]
    assert asked.headers["authorization"] == "Bearer 7"
    listed = await verb(server, "retired", "list", "--event", "incoming")
    assert [(one["event"], one["success"], one["msg_id"]) for one in listed] == [("incoming", True, 0)]
    bulk = message().replace("Subject:", "Precedence: bulk\nSubject:")
    await send(server, 25, "alice@elsewhere.example", "moxlite@localhost", bulk)
    assert (await calls(web, "/in", 2))[1]["Meta"]["Automated"]


@pytest.mark.nightly
async def test_samples_are_sent_by_hand(hooked: tuple[LocalServer, WebServer]) -> None:
    """QUEUE-96, WEB-105, WEB-107, WEB-111: a sample of each event, typed as the real ones, and what was answered; exit
    code 1 unless all succeed.
    """
    server, web = hooked
    found = await verb(server, "test", "moxlite")
    events = ["delivered", "suppressed", "delayed", "failed", "relayed", "expanded", "canceled", "unrecognized"]
    assert [(one["event"], one["success"], one["response"]) for one in found] == (
        [(event, True, "ok") for event in [*events, "incoming"]]
    )
    for one in web.asked:
        (check_incoming if one.target == "/in" else check_outgoing)(one.body)
        assert one.headers["webhook-id"].startswith("test_")
    web.answers[:] = [Answer(500, b"no")]
    failed = await trio.to_thread.run_sync(partial(server.cli, "queue", "webhook", "test", "moxlite", check=False))
    assert failed.returncode == 1
    assert "status 500" in failed.stdout
    unknown = await trio.to_thread.run_sync(partial(server.cli, "queue", "webhook", "test", "nobody", check=False))
    assert (unknown.returncode, "account not found" in unknown.stderr) == (1, True)


async def test_what_answers_a_sent_message_is_an_event_of_it(hooked: tuple[LocalServer, WebServer]) -> None:
    """SMTP-110, QUEUE-82, QUEUE-94, QUEUE-95, QUEUE-175, WEB-101, WEB-106: DSNs to the unique sender address, and what
    is none; they are not told as mail that came in. Verbs list them (QUEUE-22, QUEUE-96).
    """
    server, web = hooked
    await send(
        server, 587, "moxlite@localhost", "moxlite@localhost", "From: moxlite@localhost\nSubject: own\n\nhello\n"
    )
    [delivered] = await calls(web, "/out", 1)
    check_outgoing(next(one.body for one in web.asked if one.target == "/out"))
    assert (delivered["Event"], delivered["Subject"], delivered["DSN"]) == ("delivered", "own", False)
    assert (await calls(web, "/in", 1))[0]["Subject"] == "own"  # it came to its own sender
    address = f"moxlite+{delivered['FromID']}@localhost"
    assert len(delivered["FromID"]) == 22
    cases = [
        ("delayed", "4.2.2", "452 4.2.2 mailbox full", 452),
        ("relayed", "2.0.0", "250 ok", 0),
        ("expanded", "2.0.0", "250 ok", 0),
        ("failed", "5.1.1", "550 5.1.1 no such user", 550),
    ]
    for number, (action, status, diagnostic, code) in enumerate(cases, 2):
        await send(server, 25, "", address, DSN.format(to=address, action=action, status=status, diagnostic=diagnostic))
        event = (await calls(web, "/out", number))[-1]
        assert (event["Event"], event["DSN"], event["SMTPCode"]) == (action, True, code)
        assert event["SMTPEnhancedCode"] == (status if code else "")
        assert event["QueueMsgID"] == delivered["QueueMsgID"]
        assert event["Suppressing"] == (action == "failed")
    await send(server, 25, "alice@elsewhere.example", address, message())
    unrecognized = (await calls(web, "/out", 6))[-1]
    assert (unrecognized["Event"], unrecognized["DSN"]) == ("unrecognized", False)
    stray = DSN.format(to="x", action="failed", status="5.0.0", diagnostic="550 x")
    await send(server, 25, "", "moxlite+unknown@localhost", stray)
    assert (await calls(web, "/in", 2))[1]["Subject"] == "failed"  # no id of a message: mail as any other
    print_it = partial(server.cli, "queue", "retired", "print", str(delivered["QueueMsgID"]))
    row = json.loads((await trio.to_thread.run_sync(print_it)).stdout)
    assert [one["error"].partition(":")[0] for one in row["results"][1:]] == ["incoming message"] * 5
    assert row["success"] is False
    with contextlib.closing(sqlite3.connect(server.folder / "data/queue.db")) as db:
        assert db.execute("SELECT state FROM outcome WHERE id = ?", (row["id"],)).fetchall() == [("failed",)]
    assert len([one for one in web.asked if one.target == "/in"]) == 2


@pytest.mark.nightly
async def test_the_verbs_operate_on_webhooks(hooked: tuple[LocalServer, WebServer]) -> None:
    """QUEUE-22, QUEUE-96, ADMIN-20: list, print, schedule, cancel; without a filter they want --all."""
    server, web = hooked

    async def run(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return await trio.to_thread.run_sync(partial(server.cli, "queue", "webhook", *args, check=check))

    web.answers = [Answer(500, b"not \x1b[31m today")]
    await send(server, 25, "alice@elsewhere.example", "moxlite@localhost", message())
    await calls(web, "/in", 1)
    with trio.fail_after(60):
        while not (found := await verb(server, "list"))[0]["error"].startswith("status"):  # noqa: ASYNC110 of a process
            await trio.sleep(0.05)
    [hook] = found
    assert (hook["event"], hook["attempts"], hook["account"]) == ("incoming", 1, "moxlite")
    whole = await verb(server, "print", str(hook["id"]))
    assert whole["results"][0]["response"] == "not  [31m today"
    assert whole["payload"]["Subject"] == "Größe"
    refused = await run("cancel", check=False)
    assert refused.returncode == 1
    assert "--all" in refused.stderr
    await run("schedule", "--now", "0s", "--all")
    await calls(web, "/in", 2)
    await run("cancel", "--event", "incoming")
    assert await verb(server, "list") == []
    [gone] = await verb(server, "retired", "list")
    assert not gone["success"]
