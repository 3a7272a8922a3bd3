"""mbsync, offlineimap and imapclient read and change an account."""

import imaplib
import os
import re
import subprocess
from pathlib import Path

import imapclient
import pytest

from tests.integration.conftest import commands, logs_in_by
from tests.integration.mail import contents, message
from tests.running import LocalServer
from tests.tools import need

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def local(shared: LocalServer) -> LocalServer:
    """The server that many tests share."""
    return shared


TUID = re.compile(rb"X-TUID: .*\n")

MBSYNCRC = """\
IMAPAccount moxlite
Host localhost
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {certificate}
Timeout 20
{more}

IMAPStore remote
Account moxlite

MaildirStore local
Path {folder}/
Inbox {folder}/Inbox
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns *
Create Both
Expunge Both
SyncState *
CopyArrivalDate yes
"""


def append(session: imaplib.IMAP4, count: int, first: int = 0, name: str = "INBOX") -> list[bytes]:
    """Append messages; what was appended."""
    sent = [message(n) for n in range(first, first + count)]
    for content in sent:
        code, answer = session.append(name, "", imaplib.Time2Internaldate(1790000000), content)
        assert code == "OK", answer
    return sent


class Mbsync:
    """An isync configuration in a folder of the test's own."""

    def __init__(self, server: LocalServer, folder: Path, more: str = "") -> None:
        self.folder = folder / "maildir"
        self.folder.mkdir(parents=True)
        self.rc = folder / "mbsyncrc"
        certificate = next((server.folder / "config").glob("localhost.crt"))
        self.rc.write_text(
            MBSYNCRC.format(
                port=server.port(993),
                user=server.user,
                password=server.password,
                certificate=certificate,
                folder=self.folder,
                more=more,
            )
        )

    def run(self) -> str:
        """Synchronise; the summary."""
        done = subprocess.run(
            [need("mbsync"), "-V", "-c", str(self.rc), "all"], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def messages(self, name: str = "Inbox") -> list[Path]:
        """The files of a mailbox."""
        return sorted(p for part in ("cur", "new") for p in (self.folder / name / part).iterdir())


@pytest.mark.landing("scram-sha-256")
@pytest.mark.parametrize(
    ("more", "mechanism", "deflates"),
    [
        ("AuthMechs SCRAM-SHA-256", "scram-sha-256", True),
        ("AuthMechs PLAIN\nDisableExtension COMPRESS=DEFLATE", "plain", False),
    ],
    ids=["scram-sha-256", "plain"],
)
def test_mbsync_both_ways(
    local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path, more: str, mechanism: str, deflates: bool
) -> None:
    """IMAP-135, IMAP-140, IMAP-177: a first run copies all, a second finds nothing to do, flags and deletions travel
    both ways; with COMPRESS and SCRAM-SHA-256, and without.
    """
    sent = append(mailbox, 25)
    sync = Mbsync(local, tmp_path, more)
    before_deflate = commands(local, "compress")
    with logs_in_by(local, mechanism):
        sync.run()
    assert (commands(local, "compress") > before_deflate) is deflates
    files = sync.messages()
    # LF line ends, and a field X-TUID by which mbsync finds again what it has copied; all else are our octets
    assert sorted(TUID.sub(b"", p.read_bytes()) for p in files) == sorted(
        content.replace(b"\r\n", b"\n") for content in sent
    )
    before = {p.name for p in files}
    state = (sync.folder / "Inbox/.mbsyncstate").read_bytes()
    sync.run()
    assert {p.name for p in sync.messages()} == before
    assert (sync.folder / "Inbox/.mbsyncstate").read_bytes() == state

    # there: flags; here: flags, a deletion and a new message
    mailbox.select("INBOX")
    mailbox.store("1:5", "+FLAGS", "(\\Flagged)")
    [seen] = [path for path in sync.messages() if b"Subject: number 10\n" in path.read_bytes()]
    [gone] = [path for path in sync.messages() if b"Subject: number 11\n" in path.read_bytes()]
    target = seen.parent.parent / "cur" / (seen.name.split(":")[0] + ":2,S")
    seen.rename(target)
    gone_target = gone.parent.parent / "cur" / (gone.name.split(":")[0] + ":2,T")
    gone.rename(gone_target)
    (sync.folder / "Inbox/new/1790000001.1.test").write_bytes(message(99).replace(b"\r\n", b"\n"))
    sync.run()
    mailbox.select("INBOX")
    assert len(contents(mailbox)) == 25
    _, [flagged] = mailbox.uid("SEARCH", "FLAGGED")
    _, [read] = mailbox.uid("SEARCH", "SEEN")
    assert len(flagged.split()) == 5
    assert len(read.split()) == 1
    assert sum(p.name.endswith(":2,F") for p in sync.messages()) >= 4
    assert any(message(99).split(b"\r\n\r\n", 1)[1] in one for one in contents(mailbox))

    # a deletion there
    mailbox.select("INBOX")
    mailbox.store("1", "+FLAGS", "(\\Deleted)")
    mailbox.expunge()
    sync.run()
    assert len(sync.messages()) == 24
    names = {p.name for p in sync.messages()}
    sync.run()
    assert {p.name for p in sync.messages()} == names


OFFLINEIMAPRC = """\
[general]
accounts = moxlite
metadata = {folder}/metadata
ui = quiet
maxsyncaccounts = 1
[Account moxlite]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {folder}/maildir
[Repository there]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = yes
sslcacertfile = {certificate}
auth_mechanisms = {mechanism}
usecompression = {compression}
"""


@pytest.mark.landing("PLAIN-no")
@pytest.mark.parametrize(("mechanism", "compression"), [("PLAIN", "no"), ("CRAM-MD5", "yes")])
def test_offlineimap_reads_everything(
    local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path, mechanism: str, compression: str
) -> None:
    """IMAP-135, IMAP-140, IMAP-177: offlineimap copies the account and a second run changes nothing."""
    sent = append(mailbox, 12)
    append(mailbox, 3, 50, "Archive")
    certificate = next((local.folder / "config").glob("localhost.crt"))
    rc = tmp_path / "offlineimaprc"
    rc.write_text(
        OFFLINEIMAPRC.format(
            folder=tmp_path,
            port=local.port(993),
            user=local.user,
            password=local.password,
            certificate=certificate,
            mechanism=mechanism,
            compression=compression,
        )
    )
    environment = os.environ | {"HOME": str(tmp_path)}

    def run() -> list[str]:
        done = subprocess.run(
            [need("offlineimap"), "-o", "-c", str(rc)], capture_output=True, text=True, timeout=120, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(str(p.relative_to(tmp_path)) for p in (tmp_path / "maildir").rglob("*") if p.is_file())

    deflated = commands(local, "compress")
    with logs_in_by(local, mechanism.lower()):
        files = run()
    assert (commands(local, "compress") > deflated) is (compression == "yes")
    inbox = [p for part in ("cur", "new") for p in (tmp_path / "maildir/INBOX" / part).iterdir()]
    assert len(inbox) == len(sent)
    assert {p.read_bytes().replace(b"\r\n", b"\n") for p in inbox} == {c.replace(b"\r\n", b"\n") for c in sent}
    assert run() == files


def test_imapclient_uses_the_extensions(local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """IMAP-36, IMAP-117, IMAP-118, IMAP-128: imapclient moves, searches, idles and sees another session's append."""
    append(mailbox, 5)
    with imapclient.IMAPClient("127.0.0.1", port=local.port(143), ssl=False) as client:
        client.login(local.user, local.password)
        assert {b"IMAP4REV2", b"IDLE", b"MOVE", b"CONDSTORE", b"QRESYNC"} <= {c.upper() for c in client.capabilities()}
        status = client.select_folder("INBOX")
        assert status[b"EXISTS"] == 5
        uids = client.search(["SUBJECT", "number 3"])
        assert len(uids) == 1
        fetched = client.fetch(uids, ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "RFC822.SIZE"])[uids[0]]
        assert fetched[b"ENVELOPE"].subject == b"number 3"
        assert fetched[b"RFC822.SIZE"] == len(message(3))
        client.move(uids, "Archive")
        assert client.folder_status("Archive", ["MESSAGES"])[b"MESSAGES"] == 1
        client.idle()
        append(mailbox, 1, 70)
        told = client.idle_check(timeout=60)
        assert (5, b"EXISTS") in told
        client.idle_done()
