"""``moxlite junk`` against a running server, which learns from what an IMAP client does (STORE-84..87, STORE-193)."""

import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.store_mail import mail
from tests.tools import until

pytestmark = pytest.mark.served

SETTINGS = """\
junk_filter = { threshold = 0.95, onegrams = true }
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    made = LocalServer(tmp_path / "localserve")
    domains = made.folder / "config/domains.toml"
    text = domains.read_text()
    head, table, rest = text.partition("[accounts.moxlite]\n")
    assert table
    kept = "".join(line for line in rest.splitlines(keepends=True) if not line.startswith(("junk_filter", "automatic")))
    domains.write_text(f"{head}{table}{SETTINGS}{kept}")
    with made as running:
        yield running


@pytest.mark.nightly(
    smoke="tests/unit/test_store_junk_trainer.py::test_a_message_is_learnt_by_the_mailbox_that_it_enters"
)
@pytest.mark.slow
@pytest.mark.integration
def test_what_a_client_moves_to_junk_is_learnt_and_explained(server: LocalServer, tmp_path: Path) -> None:
    """STORE-84, STORE-85, STORE-86, STORE-87, STORE-193, IMAP-111, IMAP-112."""
    client = imaplib.IMAP4("127.0.0.1", server.port(143))
    client.login(server.user, server.password)
    for number in range(4):
        client.append("Inbox", None, None, mail(number, body="gold watches"))
        client.append("Archive", None, None, mail(10 + number, body="lunch at noon"))
    client.select("Inbox")
    client._simple_command("MOVE", "1:4", "Junk")
    (tmp_path / "new.eml").write_bytes(mail(99, body="more gold watches"))

    def learnt() -> bool:
        return "learned: 4 ham, 4 junk" in server.cli("junk", "explain", "moxlite", str(tmp_path / "new.eml")).stdout

    until(learnt, what="the trainer")
    out = server.cli("junk", "explain", "moxlite", str(tmp_path / "new.eml")).stdout
    assert out.startswith("junk: ")
    assert "watches" in out
    done = server.cli("junk", "retrain", "moxlite")
    assert done.stdout == "moxlite: 8 messages learned\n"
    assert "of 8 messages" in done.stderr
    assert server.cli("junk", "prune").stdout.startswith("moxlite: 0 words dropped")
    assert server.cli("junk", "explain", "moxlite", "<3@example.com>").stdout.startswith("junk: ")
    refused = server.cli("junk", "explain", "moxlite", "<none@example.com>", check=False)
    assert (refused.returncode, "not found in account" in refused.stderr) == (1, True)
    client.select("Junk")
    client.store("1:*", "+FLAGS", "\\Deleted")
    client.expunge()
    until(
        lambda: "4 ham, 0 junk" in server.cli("junk", "explain", "moxlite", str(tmp_path / "new.eml")).stdout,
        what="the unlearning",
    )
    assert "ok" in server.cli("store", "check", "--deep", "moxlite").stdout
    client.logout()
