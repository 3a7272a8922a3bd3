"""SORT, THREAD and METADATA answered as Debian's Dovecot answers them."""

import imaplib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.realservers import Dovecot
from tests.running import LocalServer

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

EXTRA: Final = """
mail_attribute_dict = file:%h/attributes
protocol imap {
  imap_metadata = yes
}
"""


def message(
    subject: str,
    sender: str = "a@example.org",
    *,
    to: str = "t@example.org",
    cc: str = "",
    day: int = 1,
    id_: str = "",
    references: str = "",
    in_reply_to: str = "",
    body: str = "x",
) -> str:
    """A message."""
    fields = {
        "From": sender,
        "To": to,
        "Cc": cc,
        "Subject": subject,
        "Date": f"{day} Nov 2026 07:00:00 +0{day % 3}00",
        "Message-ID": id_ and f"<{id_}@example.org>",
        "References": " ".join(f"<{one}@example.org>" for one in references.split()),
        "In-Reply-To": in_reply_to and f"<{in_reply_to}@example.org>",
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value) + f"\r\n{body}\r\n"


CORPUS: Final = [
    message("one", "Zoe <b@example.org>", id_="1", day=3, cc="c@example.org"),
    message("Re: one", "Anna <a@example.org>", id_="2", references="1", day=4, body="x" * 90),
    message("Re: one", '"Bert" <z@example.org>', id_="3", references="1", day=2, to="Bob <b@example.org>"),
    message("re: [list] one", id_="4", references="1 2", day=9),
    message("[list] two", id_="5", day=5),
    message("Fwd: two (fwd)", id_="6", day=6, body="y" * 300),
    message("Re: two", id_="7", references="gone", day=7),
    message("other", id_="8", references="gone", day=8),
    message("deep", id_="9", references="1 2 4", day=10),
    message("alone", id_="10", in_reply_to="5", day=11),
    message("same", id_="11", day=12),
    message("same", id_="12", day=13),
    message("loop", id_="13", references="14", day=14),
    message("loop", id_="14", references="13", day=15),
    message("Same", id_="12", day=16),
    message("", id_="16", day=17),
    message("no id", day=18),
]

SORTS: Final = [
    "ARRIVAL",
    "REVERSE ARRIVAL",
    "CC",
    "DATE",
    "REVERSE DATE",
    "FROM",
    "TO",
    "SIZE",
    "REVERSE SIZE",
    "SUBJECT",
    "SUBJECT REVERSE DATE",
    "REVERSE SUBJECT FROM SIZE",
    "DISPLAYFROM",
    "DISPLAYTO DATE",
]


class Server:
    """One of the two, with the corpus in its Inbox."""

    def __init__(self, port: int, user: str) -> None:
        self.imap = imaplib.IMAP4("127.0.0.1", port)
        self.imap.login(user, "moxmoxmox")
        for number, text in enumerate(CORPUS):
            date = imaplib.Time2Internaldate(1_790_000_000 - number * 86_400)
            code, answer = self.imap.append("INBOX", "", date, text.encode())
            assert code == "OK", answer
        self.imap.select("INBOX")

    def command(self, name: str, *args: str) -> str:
        """The untagged answer."""
        imaplib.Commands.setdefault(name, ("AUTH", "SELECTED"))
        code, answer = self.imap._simple_command(name, *args)
        assert code == "OK", answer
        untagged = name.removeprefix("GET") if name.endswith("METADATA") else name
        _, data = self.imap._untagged_response(code, answer, untagged)
        pieces = [piece for part in data if part for piece in (part if isinstance(part, tuple) else (part,))]
        return b" ".join(pieces).decode()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """moxlite and Dovecot; their folder as in `test_imap_like_dovecot`."""
    with tempfile.TemporaryDirectory(prefix="moxlite-compare-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with LocalServer(folder / "moxlite") as ours, Dovecot(folder / "dovecot", extra=EXTRA) as theirs:
            yield Server(ours.port(143), ours.user), Server(theirs.port, "someone")


def test_sorting_is_that_of_dovecot(servers: tuple[Server, Server]) -> None:
    """IMAP-127, IMAP-178"""
    for keys in SORTS:
        for program in ("ALL", "SUBJECT one"):
            ours, theirs = (server.command("SORT", f"({keys})", "UTF-8", program) for server in servers)
            assert ours == theirs, keys


@pytest.mark.landing("REFERENCES")
@pytest.mark.parametrize("algorithm", ["REFERENCES", "ORDEREDSUBJECT"])
def test_threads_are_those_of_dovecot(servers: tuple[Server, Server], algorithm: str) -> None:
    """IMAP-127, IMAP-178"""
    for program in ("ALL", "NOT SUBJECT two", "2:9", "11:17"):
        ours, theirs = (server.command("THREAD", algorithm, "UTF-8", program) for server in servers)
        assert ours == theirs, program


def test_metadata_is_that_of_dovecot(servers: tuple[Server, Server]) -> None:
    """IMAP-133, IMAP-178"""
    for server in servers:
        server.command("SETMETADATA", "INBOX", '(/private/comment "mine" /private/vendor/a/b "1")')
        server.command("SETMETADATA", "INBOX", '(/private/vendor/a/c "22" /private/vendor/a/b NIL)')
    for arguments in (
        ("INBOX", "/private/comment"),
        ("INBOX", "(/private/comment /private/vendor/a/c)"),
        ("INBOX", "/private/vendor/a/b"),
        ("(DEPTH infinity)", "INBOX", "/private/vendor"),
        ("(DEPTH 1)", "INBOX", "/private/vendor/a"),
    ):
        ours, theirs = (_values(server.command("GETMETADATA", *arguments)) for server in servers)
        assert ours == theirs, arguments


def _values(answer: str) -> dict[str, str]:
    """Entries and values, whatever their quotes."""
    inner = re.search(r"\((.*)\)", answer)
    words = re.sub(r'"|\{[0-9]+\}', "", inner[1]).split() if inner else []
    return dict(zip(words[::2], words[1::2], strict=True))
