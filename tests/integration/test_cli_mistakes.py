"""Mistakes that people make at the command line, played at one running server: each is answered with what is wrong, and
the line to type or the form that is needed. They were written down before they were tried.
"""

import shlex
import zipfile
from collections.abc import Iterator

import pytest

from tests.running import ServedServer

pytestmark = [pytest.mark.integration, pytest.mark.served]

MBOX = "From a@b.example Mon Nov 30 10:00:00 2026\nFrom: a@b.example\nSubject: hi\n\ntext\n\n"
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Al\r\nN:;Al;;;\r\nEND:VCARD\r\n"
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedServer]:
    folder = tmp_path_factory.mktemp("mistakes")
    for name, text in (("one.mbox", MBOX), ("empty.mbox", ""), ("al.vcf", CARD), ("cal.ics", CALENDAR)):
        (folder / name).write_text(text)
    (folder / "reply.txt").write_text("I am away.\n")
    (folder / "full").mkdir()
    (folder / "full/x").write_text("x")
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        pass
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.writestr("one.mbox", MBOX)
    with ServedServer(folder / "moxlite", static="[doctor]\nnightly = false\n") as server:
        yield server


def typed(server: ServedServer, line: str) -> tuple[int, str]:
    """Type a line where the files are: exit code and stderr."""
    folder = server.folder.parent
    files = {path.name for path in folder.iterdir()}
    words = [str(folder / word) if word in files else word for word in shlex.split(line)]
    done = server.cli(*words, stdin="", check=False)
    return done.returncode, done.stderr.replace(f"{folder}/", "")


REFUSED = {
    # files of another kind
    "import mbox bob Inbox empty.mbox": "empty.mbox is empty, so there's nothing to import",
    "import mbox bob Inbox cal.ics": "has a calendar. To import it, run: moxlite calendar import bob cal.ics",
    "import mbox bob Inbox some.zip": "is a zip file. To import it, run: moxlite import archive bob some.zip",
    "import mbox bob Inbox full": "is a folder. To import it, run: moxlite import archive bob full",
    "import mbox bob Inbox reply.txt": "isn't an mbox file. An mbox file begins with From",
    "import archive bob one.mbox": "is an mbox file. To import it, run: moxlite import mbox bob Inbox one.mbox",
    "import archive bob empty.zip": "is a zip file without files",
    "import archive bob al.vcf": "run: moxlite contacts import bob al.vcf",
    "import maildir bob Inbox full": "full isn't a Maildir: new and cur not found",
    "contacts import bob one.mbox": "run: moxlite import mbox bob Inbox one.mbox",
    "contacts import bob empty.mbox": "empty.mbox is empty",
    "contacts import bob cal.ics": "run: moxlite calendar import bob cal.ics",
    "calendar import bob one.mbox": "run: moxlite import mbox bob Inbox one.mbox",
    "calendar import bob al.vcf": "run: moxlite contacts import bob al.vcf",
    "account vacation set bob one.mbox": "is an mbox file, so its text can't be used",
    "account vacation set bob empty.mbox": "text can't be empty; write a reply",
    "export mbox one.mbox bob": "Directory 'one.mbox' is a file",
    # times
    "account undelete bob --since 2093-06-01": "--since 2093-06-01 is in the future. For example, use 2h, 3d, or 2",
    "account take-back bob --since 2093-06-01": "--since 2093-06-01 is in the future",
    "account access bob --since 2093-06-01": "--since 2093-06-01 is in the future",
    "account take-back bob --since yesterday": "For example, use 2h, 3d, or 2026-11-20T08:00",
    "account vacation set bob reply.txt --until 31.12.2026": "For example, use 2026-12-20T12:00",
    "account vacation set bob reply.txt --until 2020-11-30": "end has already passed",
    "account app-password add bob Phone --expires 30": "For example, use 2h, 3d, or",
    "account app-password add bob Phone --expires 2020-11-01": "the expiration date must be in the future",
    "audit list --since yesterday": "--days",
    # what isn't there, before any question
    "config test --explain bob": 'bob: missing @ in address; did you mean "bob@example.org"?',
    "config alias rmaddr crew@example.org eve@example.org": "run: moxlite config alias list",
    "config domain rm exampel.org": 'did you mean "example.org"? To list domains, run: moxlite config domain list',
    "contacts rm bob Nosuch": "run: moxlite contacts list bob",
    "calendar rm bob Nosuch": "run: moxlite calendar list bob",
    "account share rm bob Inbox eve": "doesn't share Inbox with eve; to list shared mailboxes, run: moxlite",
    "account share rm bob Inbox eve@example.org": "doesn't share Inbox with eve@example.org",
    "account share set bob Nosuch eve read": "run: moxlite account mailboxes bob",
    "account share set bob Inbox bob read": "is your own account",
    "account forward set nobody eve@example.org": "run: moxlite account list",
    "account rule add bob eve@example.org --mailbox Junk": "run: moxlite account list",
    "account rule rm bob bob@example.org 7": "run: moxlite account rule list bob bob@example.org",
    "address add nosuch --for shop": "run: moxlite account list",
    # addresses and domains
    "config domain add EXAMPLE.ORG bob": "is already a domain on this server",
    "config domain add example.org. bob": 'did you mean "example.org"?',
    "config address add bob@example.org bob": '"bob" already has the address',
    "config address add BOB@example.org eve": 'already belongs to the account "bob"',
    "config address add bob@example.com bob": 'did you mean "example.org"?',
    "config alias add eve@example.org bob@example.org": 'is already used by the account "eve"',
    "config alias add crew@example.org bob@example.org bob@example.org": "is listed twice",
    "config clientconfig bob@example.org": 'did you mean "example.org"?',
    "account forward set bob bob@example.org": "is this account's own address",
    "account forward set bob eve@example.org bob": "forward_to[1] isn't a valid email address: missing @",
    # values
    "config account set bob quota 5": 'a size like "5g"',
    "config account set bob max_recipients_per_hour -1": "max_recipients_per_hour: can't be negative",
    'config account disable bob ""': "enter a message for the user",
    "log levels debug smtp": "use one of admin, ",
    "limits clear 300.1.2.3": "run: moxlite limits list",
    "smtp dial example.org:smtp": "like mail.example.org or mail.example.org:25",
    "calendar subscribe bob http://example.org/a.ics": "must start with https:// or webcal://",
    "queue retry": "use --all to change every message",
    "queue schedule 2h": "use --all to change every message",
    "account set-password bob saltmarsh62": "type it when asked",
    "account rule add bob bob@example.org --mailbox Junk": "at least one condition; for example: --conditions",
    "why bob@example.org": "add --account NAME",
    "export mbox bob": "DST is now 'bob'",
}
"""Lines that are refused, and what the refusal says."""

TAKEN = {
    "config domain add exampel.org bob": "to undo this, run: moxlite config domain rm exampel.org",
    "config account disable eve gone": "to undo this, run: moxlite config account enable eve",
    "account rule add bob bob@example.org --smtp-mail-from-regexp spam --mailbox Trahs": 'did you mean "trash"?',
    "queue hold --from bob": "for all messages of account bob, use --account bob",
    "queue holdrules add --account nosuch": 'there\'s no account "nosuch"; to list accounts, run: moxlite account list',
    "queue outgoing nosuch": 'there\'s no account "nosuch"; to list accounts, run: moxlite account list',
    "message parse empty.mbox": "doesn't have header fields",
    "--yes config address rm eve@example.org": "to undo this, run: moxlite config address add eve@example.org eve",
}
"""Lines that are carried out, and what is said about them."""


@pytest.mark.parametrize("line", REFUSED)
def test_a_refused_mistake_leads_on(server: ServedServer, line: str) -> None:
    """ADMIN-18, ADMIN-18b, ADMIN-18c, ADMIN-18e"""
    code, said = typed(server, line)
    assert code in (1, 2)
    assert REFUSED[line] in said
    assert "To confirm" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("line", TAKEN)
def test_a_mistake_that_is_carried_out_is_said(server: ServedServer, line: str) -> None:
    """ADMIN-18b, ADMIN-18d, ADMIN-18e: with the line that undoes it, or the right one."""
    code, said = typed(server, line)
    assert code == 0, said
    assert TAKEN[line].lower() in said.lower()


def test_what_is_shared_is_no_longer(server: ServedServer) -> None:
    """ADMIN-18e: by account or address, whatever the case of Inbox, and once only."""
    for guest in ("bob", "bob@example.org"):
        assert typed(server, f"account share set eve INBOX {guest} read")[0] == 0
        code, said = typed(server, f"account share rm eve INBOX {guest}")
        assert (code, "stopped sharing" in said) == (0, True), said
        code, said = typed(server, f"account share rm eve INBOX {guest}")
        assert (code, "doesn't share INBOX" in said) == (1, True), said


def test_a_domain_is_removed_in_any_spelling(server: ServedServer) -> None:
    """ADMIN-18e, SMTP-2a: what is asked first knows all that the server does."""
    for spelling in ("xn--bcher-kva.example", "BÜCHER.example"):
        assert typed(server, "config domain add bücher.example bob")[0] == 0
        code, said = typed(server, f"--yes config domain rm {spelling}")
        assert code == 0, said
