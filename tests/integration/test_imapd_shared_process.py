"""imaplib and imapclient share a mailbox by a running server (IMAP-157)."""

import imaplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import imapclient
import pytest

from tests.integration.mail import message
from tests.running import ServedServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

BOX = "Other Users/bob/Invoices"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedServer]:
    """A server with bob and eve."""
    with ServedServer(tmp_path / "server") as server:
        yield server
    assert "panic" not in server.log()


def owner(server: ServedServer) -> imaplib.IMAP4:
    """Bob, by imaplib."""
    session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=ssl._create_unverified_context())
    session.login("bob@example.org", server.password)
    return session


def guest(server: ServedServer) -> imapclient.IMAPClient:
    """Eve, by imapclient."""
    client = imapclient.IMAPClient("127.0.0.1", server.ports["imaps"], ssl_context=ssl._create_unverified_context())
    client.login("eve@example.org", server.password)
    return client


@pytest.mark.nightly(
    smoke="tests/session/test_imapd_shared.py::test_each_right_alone_permits_its_commands_and_no_others"
)
def test_a_mailbox_is_shared_and_used(served: ServedServer) -> None:
    """IMAP-157, IMAP-176: setacl, getacl, myrights, namespace, list, select, append, copy, move and IDLE; over a
    restart and by the command line, too.
    """
    bob, eve = owner(served), guest(served)
    assert b"ACL" in eve.capabilities()
    assert eve.namespace().other is None
    assert bob.create("Invoices")[0] == "OK"
    assert bob.append("Invoices", "", None, message(1))[0] == "OK"
    assert bob.setacl("Invoices", "eve", "lrswite")[0] == "OK"
    assert bob.getacl("Invoices") == ("OK", [b"Invoices bob lrswipkxteacd eve lrswited"])
    assert eve.namespace().other == (("Other Users/", "/"),)
    assert BOX in [name for _, _, name in eve.list_folders()]
    assert eve.select_folder(BOX)[b"EXISTS"] == 1
    (fetched,) = eve.fetch([1], ["BODY[]"]).values()
    assert fetched[b"BODY[]"] == message(1)
    eve.append(BOX, message(2), flags=[r"\Flagged"])
    eve.copy([1, 2], "Archive")
    eve.move([2], "INBOX")
    assert eve.folder_status("Archive", ["MESSAGES"]) == {b"MESSAGES": 2}
    assert bob.status("Invoices", "(MESSAGES UNSEEN)") == ("OK", [b"Invoices (MESSAGES 1 UNSEEN 0)"])
    eve.idle()
    assert bob.append("Invoices", "", None, message(3))[0] == "OK"
    until(lambda: (2, b"EXISTS") in eve.idle_check(timeout=1), what="the new message")
    eve.idle_done()
    served.cli("account", "share", "set", "bob", "Invoices", "eve@example.org", "read")
    assert "Invoices  eve    lr" in served.cli("account", "share", "list", "bob").stdout
    with pytest.raises(imapclient.exceptions.IMAPClientError, match=r"read-only"):
        eve.add_flags([1], [r"\Flagged"])
    eve.logout()
    bob.logout()

    served.stop()
    served.start()
    eve = guest(served)
    assert eve.select_folder(BOX, readonly=True)[b"EXISTS"] == 2
    served.cli("account", "share", "rm", "bob", "Invoices", "eve")
    with pytest.raises(imapclient.exceptions.IMAPClientError, match="deleted"):
        eve.fetch([1], ["FLAGS"])
    assert BOX not in [name for _, _, name in eve.list_folders()]
    refused = served.cli("account", "share", "set", "bob", "Invoices", "nobody", "read", check=False)
    assert refused.returncode == 1
    assert "isn't an account on this server" in refused.stderr
    eve.logout()
    assert 'm="permissions changed"' in served.log()
