"""aioimaplib, imap-tools, imapflow and Mail::IMAPClient read and change an account."""

import asyncio
import base64
import datetime as dt
import imaplib
import json
import os
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aioimaplib
import imap_tools
import pytest

from tests.integration.conftest import metric
from tests.integration.mail import Stored, holdings, message
from tests.running import LocalServer
from tests.tools import need

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

DATE = 1_790_000_000


@pytest.fixture
def sent(session: imaplib.IMAP4) -> list[Stored]:
    """Four messages of the Inbox."""
    stored = []
    for number, flags in enumerate(["", r"\Seen $Forwarded", r"\Flagged keyword", r"\Answered"]):
        content, date = message(number), DATE + number
        code, answer = session.append("INBOX", f"({flags})", imaplib.Time2Internaldate(date), content)
        assert code == "OK", answer
        stored.append(Stored(content, frozenset(flags.split()), date))
    return stored


def trusting(server: LocalServer) -> ssl.SSLContext:
    """A context that knows the server's certificate."""
    return ssl.create_default_context(cafile=str(certificate(server)))


def certificate(server: LocalServer) -> Path:
    """What the server's TLS is checked with."""
    return server.folder / "config/localhost.crt"


def test_imap_tools_reads_and_changes(shared: LocalServer, session: imaplib.IMAP4, sent: list[Stored]) -> None:
    """IMAP-176: by TLS and by STARTTLS; messages, flags, copies, moves, folders and IDLE."""
    for _ in range(2):
        with imap_tools.MailBox("localhost", shared.port(993), ssl_context=trusting(shared)).login(
            shared.user, shared.password
        ) as box:
            read = list(box.fetch(mark_seen=False, bulk=True))
            assert [m.obj.as_bytes().count(b"\n") for m in read] == [s.octets.count(b"\r\n") for s in sent]
            assert [m.subject for m in read] == [f"number {n}" for n in range(4)]
            assert [frozenset(m.flags) - {r"\Recent"} for m in read] == [s.flags for s in sent]
            assert [m.date.timestamp() for m in read] == [1_790_848_800.0] * 4
    with imap_tools.MailBoxStartTls("localhost", shared.port(143), ssl_context=trusting(shared)).login(
        shared.user, shared.password
    ) as box:
        uids = box.uids()
        assert box.uids(imap_tools.AND(flagged=True)) == [uids[2]]
        assert box.uids(imap_tools.AND(keyword="keyword")) == [uids[2]]
        box.folder.create("tools/inner")
        box.flag(uids[0], [imap_tools.MailMessageFlags.FLAGGED, "tools"], value=True)
        box.flag(uids[1], imap_tools.MailMessageFlags.SEEN, value=False)
        box.copy(uids[0], "tools/inner")
        box.move(uids[3], "Archive")
        box.append(message(7), "Archive", dt=dt.datetime.fromtimestamp(DATE, tz=dt.UTC), flag_set=[r"\Draft"])
        box.folder.rename("tools/inner", "tools/outer")
        assert {f.name for f in box.folder.list()} >= {"INBOX", "tools", "tools/outer"}
        assert box.folder.status("tools/outer")["MESSAGES"] == 1
        box.delete(uids[2])
        with box.idle as idle:
            session.append("INBOX", "", None, message(8))
            assert b"* 3 EXISTS" in idle.poll(timeout=30)
    held = holdings(session)
    first = sent[0]._replace(flags=frozenset({r"\Flagged", "tools"}))
    assert held["tools/outer"] == [first]
    assert held["INBOX"][:2] == [first, sent[1]._replace(flags=frozenset({"$Forwarded"}))]
    assert held["Archive"] == [sent[3], Stored(message(7), frozenset({r"\Draft"}), DATE)]


def test_aioimaplib_reads_and_changes(shared: LocalServer, session: imaplib.IMAP4, sent: list[Stored]) -> None:
    """IMAP-176: commands, literals, pushes of IDLE, MOVE, UIDPLUS."""

    async def play() -> None:
        client = aioimaplib.IMAP4_SSL("localhost", shared.port(993), ssl_context=trusting(shared), timeout=60)
        await client.wait_hello_from_server()
        assert (await client.login(shared.user, shared.password)).result == "OK"
        assert client.has_capability("MOVE")
        assert (await client.select("INBOX")).result == "OK"
        for number, stored in enumerate(sent, 1):
            answer = await client.fetch(str(number), "(UID FLAGS BODY.PEEK[])")
            assert answer.result == "OK"
            assert bytes(answer.lines[1]) == stored.octets
        answer = await client.uid_search("KEYWORD keyword")
        [uid] = answer.lines[0].split()
        assert (await client.uid("store", uid.decode(), "+FLAGS", r"(\Deleted aio)")).result == "OK"
        assert (await client.uid("expunge", uid.decode())).result == "OK"
        assert (await client.append(message(9), "Archive", flags=r"\Seen", date=DATE)).result == "OK"
        assert (await client.move("1", "Archive")).result == "OK"
        assert (await client.create("aio")).result == "OK"
        assert (await client.rename("aio", "aio/b")).result == "OK"
        assert (await client.namespace()).result == "OK"
        idling = await client.idle_start(timeout=60)
        await asyncio.to_thread(session.append, "INBOX", "", None, message(8))
        pushed: list[bytes] = []
        while b"3 EXISTS" not in pushed:
            pushed += await client.wait_server_push(timeout=30)
        client.idle_done()
        await asyncio.wait_for(idling, 30)
        assert (await client.logout()).result == "OK"

    with ThreadPoolExecutor(1) as thread:  # that of the tests may have the loop of a browser
        thread.submit(asyncio.run, play()).result()
    held = holdings(session)
    assert [stored.octets for stored in held["INBOX"]] == [sent[1].octets, sent[3].octets, message(8)]
    assert held["Archive"] == [Stored(message(9), frozenset({r"\Seen"}), DATE), sent[0]]
    assert "aio/b" in held


def test_imapflow_reads_and_changes(
    shared: LocalServer, session: imaplib.IMAP4, sent: list[Stored], tmp_path: Path
) -> None:
    """IMAP-135, IMAP-176: with COMPRESS, CONDSTORE and QRESYNC; what it reads and writes is what the store has."""
    script = Path(__file__).parent / "imapflow/session.mjs"
    node = need("node")
    if not (script.parent / "node_modules").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("imapflow is not installed, and CI=true allows no skip")
        pytest.skip("imapflow is not installed: (cd tests/integration/imapflow && npm ci)")
    added = base64.b64encode(message(9)).decode()
    command = [node, str(script), str(shared.port(993)), shared.user, shared.password, str(certificate(shared)), added]
    before = metric(shared, "moxlite_imap_command_duration_seconds_count", cmd="compress", result="ok")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    after = metric(shared, "moxlite_imap_command_duration_seconds_count", cmd="compress", result="ok")
    assert after == before + 1
    found = json.loads(done.stdout)
    assert found["mailboxes"][0] == ["INBOX", r"\Inbox", 4]
    assert ["Archive", r"\Archive", 0] in found["mailboxes"]
    read = [
        Stored(base64.b64decode(m["source"]), frozenset(m["flags"]) - {r"\Recent"}, m["date"])
        for m in found["messages"]
    ]
    assert read == sent
    assert {m["type"] for m in found["messages"]} == {"text/plain"}
    assert found["flagged"] == [found["messages"][2]["uid"]]
    assert base64.b64decode(found["downloaded"]) == sent[0].octets
    held = holdings(session)
    assert held["INBOX"] == [
        sent[0]._replace(flags=frozenset({r"\Flagged", "flow"})),
        sent[2],
        sent[3],
        Stored(message(9), frozenset({r"\Seen", "flow"}), DATE + 500),
    ]
    assert held["Archive"] == [sent[1]]
    assert "flow/blau" in held


def test_mail_imapclient_reads_and_changes(
    shared: LocalServer, session: imaplib.IMAP4, sent: list[Stored], tmp_path: Path
) -> None:
    """IMAP-127, IMAP-135, IMAP-176: Perl's, with CRAM-MD5 and COMPRESS, twice."""
    (tmp_path / "added").write_bytes(message(9))
    script = Path(__file__).parent / "imapclient.pl"
    try:
        subprocess.run([need("perl"), "-MMail::IMAPClient", "-e", "1"], check=True, capture_output=True, timeout=60)
    except subprocess.CalledProcessError:
        if os.environ.get("CI") == "true":
            pytest.fail("libmail-imapclient-perl is not installed, and CI=true allows no skip")
        pytest.skip("libmail-imapclient-perl is not installed")
    command = [need("perl"), str(script), str(shared.port(993)), shared.user, shared.password]
    command += [str(certificate(shared)), str(tmp_path / "added")]
    before = metric(shared, "moxlite_imap_command_duration_seconds_count", cmd="compress", result="ok")
    for time in (1, 2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        assert lines[-1] == "end"
        assert "same octets" in lines
        assert "capable COMPRESS=DEFLATE" in lines
        read = [line.split(" ")[2:] for line in lines if line.startswith("message ")]
        assert read == [[str(len(s.octets)), str(sum(s.octets)), ",".join(sorted(s.flags))] for s in sent]
        assert "left 0" in lines
        held = holdings(session)
        assert held["INBOX"] == sent
        copy = Stored(message(9), frozenset({r"\Flagged", "perl"}), 1_580_526_245)
        assert held["Archive"] == [copy] * 2 * time
    after = metric(shared, "moxlite_imap_command_duration_seconds_count", cmd="compress", result="ok")
    assert after == before + 2
