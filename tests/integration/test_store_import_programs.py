"""`moxlite import` and `export` beside a running server, with what Dovecot, zip and tar write and read."""

import imaplib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mail import message
from tests.realservers import Dovecot
from tests.running import LocalServer
from tests.tools import need

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def local(shared: LocalServer) -> LocalServer:
    """The server that many tests share."""
    return shared


RECEIVED = 1_790_000_000
MAIL: dict[str, list[tuple[bytes, str]]] = {
    "INBOX": [
        (message(1), r"(\Seen)"),
        (message(2), r"(\Seen \Answered \Flagged $Forwarded work)"),
        (message(3), r"(\Draft \Deleted NonJunk)"),
        (message(4), "()"),
    ],
    "Lists.python": [(message(5), "(urgent)"), (message(6), r"(\Seen work)")],
}


def flags_of(answer: bytes) -> set[str]:
    """The flags in an answer to FETCH, without \\Recent."""
    found = re.search(rb"FLAGS \(([^)]*)\)", answer)
    assert found is not None, answer
    return {flag.decode().lower() for flag in found[1].split()} - {"\\recent"}


def fetched(session: imaplib.IMAP4, mailbox: str) -> list[tuple[bytes, int, set[str]]]:
    """Octets, time of arrival and flags of all messages in a mailbox."""
    code, _ = session.select(mailbox, readonly=True)
    assert code == "OK", mailbox
    _, answer = session.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
    found = []
    for number, item in enumerate(answer):
        if isinstance(item, tuple):
            head = item[0] + (answer[number + 1] if isinstance(answer[number + 1], bytes) else b"")
            date = imaplib.Internaldate2tuple(head)
            assert date is not None
            found.append((item[1], int(time.mktime(date)), flags_of(head)))
    return found


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Dovecot with the mail above in a Maildir. Not in pytest's folder, which each run closes to other users again."""
    need("dovecot")
    with tempfile.TemporaryDirectory(prefix="moxlite-dovecot-") as folder, Dovecot(Path(folder) / "dovecot") as server:
        session = imaplib.IMAP4("127.0.0.1", server.port)
        session.login("anna", "moxmoxmox")
        for name, messages in MAIL.items():
            mailbox = name.replace(".", "/")
            session.create(mailbox)
            for octets, flags in messages:
                code, told = session.append(mailbox, flags, imaplib.Time2Internaldate(RECEIVED), octets)
                assert code == "OK", told
        session.logout()
        yield server


def ours(local: LocalServer) -> imaplib.IMAP4:
    """A session with our server."""
    session = imaplib.IMAP4("127.0.0.1", local.port(143))
    session.login(local.user, local.password)
    return session


def junk_aside(found: list[tuple[bytes, int, set[str]]]) -> list[tuple[bytes, int, set[str]]]:
    """Without the flags that our mailboxes set by themselves (STORE-84)."""
    return [(octets, received, words - {"$notjunk", "$junk", "nonjunk"}) for octets, received, words in found]


@pytest.mark.landing("Inbox")
@pytest.mark.parametrize("mailbox", ["Inbox", "Old"])
def test_a_maildir_of_dovecot_comes_with_flags_keywords_and_folders(
    dovecot: Dovecot, local: LocalServer, mailbox: str
) -> None:
    """STORE-120, STORE-125, STORE-194"""
    their = imaplib.IMAP4("127.0.0.1", dovecot.port)
    their.login("anna", "moxmoxmox")
    done = local.cli("import", "maildir", "moxlite", mailbox, str(dovecot.top / "mail/anna/Maildir"))
    assert done.stdout == "6 messages imported, 0 problems\n", done.stderr
    session = ours(local)
    sub = "Lists/python" if mailbox == "Inbox" else f"{mailbox}/Lists/python"
    for mine, theirs in ((mailbox, "INBOX"), (sub, "Lists/python")):
        expected = sorted(junk_aside(fetched(their, theirs)), key=lambda one: one[0])
        assert sorted(junk_aside(fetched(session, mine)), key=lambda one: one[0]) == expected
        assert len(expected) == len(MAIL[theirs.replace("/", ".")])
    session.logout()
    their.logout()


def read_by_dovecot(dovecot: Dovecot, location: str) -> list[dict[str, str]]:
    """What doveadm finds in the Inbox of a location."""
    answer = dovecot.doveadm(
        *("-f", "tab", "-o", f"mail_location={location}", "fetch", "-u", "otto"),
        *("flags date.received size.virtual hdr.subject", "mailbox", "INBOX", "all"),
    )
    lines = [line.split("\t") for line in answer.splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.mark.landing("maildir")
@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_dovecot_reads_what_is_exported(dovecot: Dovecot, local: LocalServer, tmp_path: Path, form: str) -> None:
    """STORE-135, STORE-137, STORE-138"""
    local.cli("import", "maildir", "moxlite", "Inbox", str(dovecot.top / "mail/anna/Maildir"))
    out = dovecot.top / f"mail/out-{form}"
    local.cli("export", form, str(out), "moxlite", "Inbox", "--single")
    subprocess.run(["chown", "-R", "nobody:nogroup", str(out)], check=True)
    location = f"maildir:{out}/Inbox" if form == "maildir" else f"mbox:~/mbox:INBOX={out}/Inbox.mbox"
    found = sorted(read_by_dovecot(dovecot, location), key=lambda one: one["hdr.subject"])
    session = ours(local)
    expected = sorted(fetched(session, "Inbox"))
    session.logout()
    assert len(found) == 4
    for mine, theirs in zip(expected, found, strict=True):
        words = {word.lower() for word in theirs["flags"].split()} - {"\\recent", "nonjunk"}
        # In an mbox Dovecot takes only keywords that its own header field of the first message lists.
        expected_words = {word for word in mine[2] if form == "maildir" or word.startswith("\\")}
        assert words == expected_words - {"nonjunk"}
        # An mbox has one line end more where the message has none at its end.
        assert abs(int(theirs["size.virtual"]) - len(mine[0])) <= 2
        assert theirs["date.received"].startswith("2026-09-21")


@pytest.mark.landing("zip")
@pytest.mark.parametrize("pack", ["zip", "tar"])
def test_archives_made_by_programs_round_trip(local: LocalServer, tmp_path: Path, pack: str) -> None:
    """STORE-120, STORE-126, STORE-139"""
    need(pack)
    session = ours(local)
    for number in range(8):
        flags = r"(\Seen work)" if number % 2 else r"(\Flagged)"
        session.append("INBOX", flags, imaplib.Time2Internaldate(RECEIVED + number), message(number))
    session.create("Deep/Box")
    session.append("Deep/Box", "", imaplib.Time2Internaldate(RECEIVED), message(99))
    local.cli("export", "maildir", str(tmp_path / "out/a"), "moxlite")
    local.cli("export", "mbox", str(tmp_path / "out/b"), "moxlite")
    archive = tmp_path / ("all.zip" if pack == "zip" else "all.tar.gz")
    command = ["zip", "-qr", str(archive), "."] if pack == "zip" else ["tar", "czf", str(archive), "."]
    subprocess.run(command, cwd=tmp_path / "out", check=True)
    dry = local.cli("import", "archive", "moxlite", str(archive), "--dry-run")
    assert dry.stdout == "18 messages would be imported, 0 problems\n"
    done = local.cli("import", "archive", "moxlite", str(archive))
    assert done.stdout == "18 messages imported, 0 problems\n"
    expected = sorted(junk_aside(fetched(session, "INBOX")))
    for name in ("a", "b"):
        assert sorted(junk_aside(fetched(session, f"{name}/Inbox"))) == expected
        assert [octets for octets, _, _ in fetched(session, f"{name}/Deep/Box")] == [message(99)]
    session.logout()


def test_without_a_server_the_account_is_opened_directly(tmp_path: Path) -> None:
    """STORE-9, STORE-120, STORE-135"""
    local = LocalServer(tmp_path / "server")
    path = tmp_path / "x.mbox"
    path.write_bytes(b"".join(b"From a Thu Oct  1 10:00:00 2026\nSubject: %d\n\nx\n\n" % n for n in range(2500)))
    done = local.cli("import", "mbox", "moxlite", "Lists", str(path))
    assert done.stdout == "2,500 messages imported, 0 problems\n"
    assert re.fullmatch(r"1,000 messages \(.*/s, \d+%, .* left\)\n2,000 messages \(.*\)\nfinishing\n", done.stderr)
    archive = tmp_path / "x.zip"
    subprocess.run([need("zip"), "-qj", str(archive), str(path)], check=True)
    assert local.cli("import", "archive", "moxlite", str(archive)).stdout == "2,500 messages imported, 0 problems\n"
    assert local.cli("export", "mbox", str(tmp_path / "out"), "moxlite").returncode == 0
    shutil.copy(tmp_path / "out/x.mbox", tmp_path / "y.mbox")
    assert (tmp_path / "y.mbox").read_bytes().count(b"\nFrom MAILER-DAEMON") == 2499
    assert local.cli("store", "check", "--deep").stdout == "moxlite: ok\n"


def test_of_a_home_directory_its_maildir_is_imported(tmp_path: Path) -> None:
    """STORE-126: and nothing else that is in it."""
    local = LocalServer(tmp_path / "server")
    for place in ("Maildir/cur/1790848740.1.x:2,S", "Maildir/.Sent/cur/1790848740.2.x:2,S", ".bashrc", "notes/new"):
        path = tmp_path / "home" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message(1))
    done = local.cli("import", "maildir", "moxlite", "Inbox", str(tmp_path / "home"))
    assert done.stdout == "2 messages imported, 0 problems\n"


@pytest.mark.nightly
def test_errors_are_one_line_and_an_exit_code(local: LocalServer, tmp_path: Path) -> None:
    """STORE-155, STORE-139"""
    path = tmp_path / "x.txt"
    path.write_text("hello\n")
    empty = tmp_path / "empty.mbox"
    empty.write_text("From a@b.example Thu Oct  1 10:00:00 2026\n\n")
    (tmp_path / "dbox/mailboxes").mkdir(parents=True)
    for args, text in (
        (("import", "maildir", "moxlite", "Inbox", str(tmp_path / "dbox")), "doveadm -o mail_location=mdbox"),
        (("import", "mbox", "moxlite", "Inbox", str(path)), "isn't an mbox file. An mbox file begins with From"),
        (("import", "archive", "moxlite", str(path)), "isn't a zip or tar.gz"),
        (("import", "mbox", "nobody", "Inbox", str(empty)), 'account not found: "nobody"'),
        (("import", "maildir", "moxlite", "Inbox", str(tmp_path)), "isn't a Maildir"),
        (("export", "mbox", str(tmp_path / "out"), "moxlite", "Nope"), "folder not found: 'Nope'"),
    ):
        done = local.cli(*args, check=False)
        assert done.returncode == 1, args
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
    assert local.cli("export", "maildir", str(tmp_path / "out2"), "moxlite").returncode == 0
    again = local.cli("export", "maildir", str(tmp_path / "out2"), "moxlite", check=False)
    assert again.returncode == 0 or "exists already" in again.stderr


@pytest.mark.nightly
def test_labels_in_an_unknown_language_are_asked_for_and_told(tmp_path: Path) -> None:
    """STORE-194a: the trial prints the options that the import takes."""
    local = LocalServer(tmp_path / "server")
    path = tmp_path / "x.mbox"
    fields = {"Q in": "Delivered-To: a@gmail.example\nFrom: b@b.example", "Qsent": "From: a@gmail.example"}
    path.write_bytes(
        b"".join(
            f"From a Thu Oct  1 10:00:00 2026\nX-Gmail-Labels: {name}\n{more}\n\n{n}\n\n".encode()
            for name, more in fields.items()
            for n in range(12)
        )
    )
    dry = local.cli("import", "mbox", "moxlite", "Inbox", str(path), "--dry-run")
    assert dry.stdout == "24 messages would be imported, 0 problems\n"
    assert "--label 'Q in=inbox'  # 12 messages, 0 sent by the owner\n" in dry.stderr
    assert "--label Qsent=sent  # 12 messages, 12 sent by the owner\n" in dry.stderr
    bad = local.cli("import", "mbox", "moxlite", "Inbox", str(path), "--label", "Qsent=outbox", check=False)
    assert "must be LABEL=MEANING" in bad.stderr
    done = local.cli("import", "mbox", "moxlite", "Inbox", str(path), "--label", "Q in=inbox", "--label", "Qsent=sent")
    assert done.stdout == "24 messages imported, 0 problems\n"
    local.cli("export", "mbox", str(tmp_path / "out"), "moxlite", "Sent", "--single")
    assert (tmp_path / "out/Sent.mbox").read_bytes().count(b"X-Gmail-Labels: Qsent") == 12


@pytest.mark.nightly
def test_what_stays_behind_is_told_by_the_exit_code(
    local: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-126b: a link in a Maildir isn't followed; readpst unpacks Outlook's file, if it's installed."""
    maildir = tmp_path / "Maildir"
    for name in ("cur", "new"):
        (maildir / name).mkdir(parents=True)
    (maildir / "cur/1790848740.1.x:2,S").write_bytes(message(1))
    good = local.cli("import", "maildir", "moxlite", "Good", str(maildir))
    assert (good.returncode, good.stdout) == (0, "1 message imported, 0 problems\n")
    (maildir / "cur/1790848740.2.x:2,S").symlink_to("/etc/shadow")
    (maildir / "new/all").symlink_to("/etc")
    for more in ((), ("--dry-run",)):
        bad = local.cli("import", "maildir", "moxlite", f"Links{len(more)}", str(maildir), *more, check=False)
        assert bad.returncode == 1
        assert bad.stdout.endswith("imported, 2 problems\n")
        assert "problem: cur/1790848740.2.x:2,S: link\n" in bad.stderr
        assert "problem: new/all: link\n" in bad.stderr

    outlook = tmp_path / "old.pst"
    outlook.write_bytes(b"!BDN" + b"\0" * 600)
    monkeypatch.setenv("PATH", "/nowhere")
    words = local.cli("import", "archive", "moxlite", str(outlook), check=False)
    assert (words.returncode, "package pst-utils" in words.stderr) == (1, True)
    programs = tmp_path / "bin"
    programs.mkdir()
    stub = programs / "readpst"
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    stub.write_text(
        '#!/bin/sh\n[ "$1 $2 $3" = "-e -q -o" ] || exit 9\nmkdir "$4/Post" && cp "$5.eml" "$4/Post/1.eml"\n'
    )
    stub.chmod(0o755)
    (tmp_path / "old.pst.eml").write_bytes(message(7))
    done = local.cli("import", "archive", "moxlite", str(outlook))
    assert done.stdout == "1 message imported, 0 problems\n", done.stderr
    session = ours(local)
    assert [octets for octets, _, _ in fetched(session, "Post")] == [message(7)]
    session.logout()
    stub.write_text("#!/bin/sh\necho no tree >&2\nexit 3\n")
    failed = local.cli("import", "archive", "moxlite", str(outlook), check=False)
    assert (failed.returncode, "readpst failed: no tree" in failed.stderr) == (1, True)
    assert not list(Path(tempfile.gettempdir()).glob("moxlite-outlook-*"))
