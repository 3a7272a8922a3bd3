"""Mail moves from Dovecot to moxlite and back (IMAP-136..139, IMAP-178)."""

import datetime as dt
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imapclient
import pytest
import trio
from cryptography import x509

from moxlite.net.imapclient import Client, Credentials, LoginFailed, Server, TLSFailed, connect
from moxlite.net.resolver import FakeResolver
from moxlite.net.tls.certificates import Trust
from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.writing.write import Appended
from tests.integration.mail import message
from tests.realservers import Dovecot
from tests.running import LocalServer, make_certificate
from tests.tools import top, until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

PASSWORD = "moxmoxmox"
BOXES = ("INBOX", "Work", "Work/2019", "Entwürfe", "Sent Items", "Lists/a&b")
FLAGS = ((), (r"\Seen",), (r"\Flagged", "work"), (r"\Answered", "$Forwarded", r"\Seen"), (r"\Deleted",))
EXTRA = r"""
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
namespace inbox {
  mailbox "Sent Items" {
    special_use = \Sent
    auto = subscribe
  }
}
mail_attribute_dict = file:%h/attributes
protocol imap {
  imap_metadata = yes
  mail_plugins = imap_zlib
}
"""
PREFIXED = """
namespace inbox {
  prefix = INBOX.
  separator = .
}
"""

State = dict[str, list[tuple[bytes, frozenset[bytes], dt.datetime]]]


async def fill(dovecot: Dovecot, user: str, count: int, first: int = 0) -> None:
    """Spread messages over `BOXES`, by our own client, which must understand all that Dovecot says."""
    async with session(dovecot, user) as client:
        there = {one.name for one in (await client.run(c.List("", ("*",)))).of(r.ListData)}
        for at, name in enumerate(BOXES):
            if name not in there and name != "INBOX":
                await client.run(c.Create(name))
                await client.run(c.Subscribe(name))
            numbers = range(first + at, first + count, len(BOXES))
            messages = [(_facts(number), _octets(number)) for number in numbers]
            for start in range(0, len(messages), 50):
                await client.append(name, messages[start : start + 50])


def _octets(number: int) -> bytes:
    return message(number, body="Hello\r\n" * (1 + number % 97 * 20) + "Ü\r\n" * (number % 500 == 1) * 400_000)


def _facts(number: int) -> Appended:
    zone = dt.timezone(dt.timedelta(hours=number % 3))
    date = dt.datetime(2019, 1, 1, tzinfo=zone) + dt.timedelta(minutes=61 * number)
    return Appended(len(_octets(number)), FLAGS[number % len(FLAGS)], date)


class session:  # noqa: N801 - reads as a function
    """A strict session with Dovecot, in clear."""

    def __init__(self, dovecot: Dovecot, user: str) -> None:
        self._server = Server("127.0.0.1", "none", dovecot.port)
        self._user = user

    async def __aenter__(self) -> Client:
        credentials = Credentials(self._user, PASSWORD, allow_clear=True)
        self._client = await connect(
            self._server, credentials, resolver=FakeResolver(), trust=Trust(system=False), strict=True
        )
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.logout()


def state(port: int, user: str) -> State:
    """All messages of all mailboxes with flags and dates, by a client of others."""
    found: State = {}
    with imapclient.IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.normalise_times = False
        client.login(user, PASSWORD)
        for flags, _, name in client.list_folders():
            if rb"\Noselect" in flags:
                continue
            client.select_folder(name, readonly=True)
            some = client.fetch(client.search(), ["BODY.PEEK[]", "FLAGS", "INTERNALDATE"])
            found["INBOX" if name.upper() == "INBOX" else name] = [
                (one[b"BODY[]"], frozenset(flag.lower() for flag in one[b"FLAGS"]) - IGNORED, one[b"INTERNALDATE"])
                for _, one in sorted(some.items())
            ]
    return found


IGNORED = frozenset({rb"\recent", b"$junk", b"$notjunk"})
"""Of sessions, and what mailboxes here say about mail that comes into them (IMAP-112)."""


def filled(found: State) -> State:
    """Without empty mailboxes."""
    return {name: messages for name, messages in found.items() if messages}


def renamed(found: State, **names: str) -> State:
    """With other names."""
    return {names.get(name.replace(" ", "_"), name): messages for name, messages in found.items()}


@pytest.fixture
def dovecot(tmp_path: Path) -> Iterator[Dovecot]:
    """With TLS, and what an import can make use of."""
    certificate, key = make_certificate(tmp_path)
    with Dovecot(tmp_path / "dovecot", certificate=certificate, key=key, extra=EXTRA) as server:
        yield server


@pytest.fixture
def arguments(dovecot: Dovecot, tmp_path: Path) -> list[str]:
    """The options of `imap import` and `imap export`, without the verb."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return [
        *("--host", "127.0.0.1", "--port", str(dovecot.port), "--tls", "none"),
        *("--user", "ann", "--password-file", str(file), "moxlite"),
    ]


@pytest.mark.nightly(
    smoke="tests/session/test_migration_imapcopy_sessions.py::test_all_is_copied_once_and_then_only_changes"
)
def test_an_account_moves_in_and_then_only_changes(
    local: LocalServer, dovecot: Dovecot, arguments: list[str], tmp_path: Path
) -> None:
    """IMAP-137, IMAP-138, IMAP-139, STORE-188: bytes, flags, keywords, dates, mailboxes; also while nobody may log in,
    and once more after the account was recovered.
    """
    trio.run(fill, dovecot, "ann", 500)
    trio.run(annotate, dovecot)
    dry = local.cli("imap", "import", "--dry-run", *arguments)
    assert "Sent Items -> Sent: 83 messages, 83 to copy" in dry.stdout
    local.cli("config", "account", "disable", "moxlite", "moving in")
    done = local.cli("imap", "import", *arguments)
    local.cli("config", "account", "enable", "moxlite")
    assert done.stdout.startswith("500 messages copied"), done.stdout + done.stderr
    assert "INBOX: 84 of 84 messages" in done.stderr.replace("Inbox", "INBOX")
    names = {"Sent_Items": "Sent", "Entwürfe": "Drafts"}
    theirs = renamed(state(dovecot.port, "ann"), **names)
    ours = state(local.port(143), local.user)
    assert filled(ours) == filled(theirs)
    assert trio.run(annotation, local) == [("/private/comment", b"what is to do")]
    with imapclient.IMAPClient("127.0.0.1", dovecot.port, ssl=False) as client:
        client.login("ann", PASSWORD)
        client.select_folder("Work")
        client.add_flags([1, 2], [b"\\Answered", b"later"])
        client.remove_flags([1], [b"work"])
        client.append("Work", message(9_000))
    done = local.cli("imap", "import", *arguments)
    assert done.stdout.startswith("1 message copied, copied flags of 2, "), done.stdout + done.stderr
    done = local.cli("imap", "import", *arguments)
    assert done.stdout.startswith("0 messages copied, copied flags of 0, "), done.stdout + done.stderr
    ours = state(local.port(143), local.user)
    assert filled(ours) == filled(renamed(state(dovecot.port, "ann"), **names))
    with imapclient.IMAPClient("127.0.0.1", local.port(143), ssl=False) as client:
        client.login(local.user, local.password)
        client.select_folder("Lists/a&b")
        client.delete_messages(client.search()[:3])
        client.expunge()
    assert local.stop() == 0
    local.cli("account", "recover", "moxlite", "--out", str(tmp_path / "recovered"))
    for path in (local.folder / "data/accounts/moxlite").glob("*.db*"):
        path.unlink()
    shutil.copy(tmp_path / "recovered/accounts/moxlite/account.db", local.folder / "data/accounts/moxlite")
    local.start()
    done = local.cli("imap", "import", *arguments)
    assert done.stdout.startswith("0 messages copied, copied flags of 0, "), done.stdout + done.stderr


async def annotate(dovecot: Dovecot) -> None:
    """Give Work a comment."""
    async with session(dovecot, "ann") as client:
        await client.run(c.SetMetadata("Work", (("/private/comment", b"what is to do"),)))


async def annotation(local: LocalServer) -> list[tuple[str, bytes | None]]:
    """The comment of Work, by our client from our server."""
    server, credentials = Server("127.0.0.1", "none", local.port(143)), Credentials(local.user, PASSWORD)
    client = await connect(server, credentials, resolver=FakeResolver(), trust=Trust(system=False), strict=True)
    answer = await client.run(c.GetMetadata("Work", ("/private/comment",)))
    await client.logout()
    return [entry for data in answer.of(r.MetadataData) for entry in data.entries]


@pytest.mark.nightly(
    smoke="tests/session/test_migration_imapcopy_sessions.py::test_a_broken_connection_loses_nothing_and_doubles_nothing"
)
def test_an_import_that_is_killed_or_interrupted_goes_on(
    local: LocalServer, dovecot: Dovecot, arguments: list[str]
) -> None:
    """IMAP-137, IMAP-138: nothing is lost, nothing doubled, by kill -9 of the server and Ctrl-C; then it follows."""
    trio.run(fill, dovecot, "ann", 500)
    for end in ("kill", "interrupt"):
        before = sum(len(messages) for messages in state(local.port(143), local.user).values())
        with running(local, "imap", "import", *arguments) as command:
            until_more(local, before, command, what="messages arrive")
            if end == "kill":
                local.kill()
                local.start()
            elif command.poll() is None:
                command.send_signal(signal.SIGINT)
            command.wait(timeout=60)
    with running(local, "imap", "import", "--continuous", *arguments) as command:
        until_more(local, 499, command, what="all is there")
        with imapclient.IMAPClient("127.0.0.1", dovecot.port, ssl=False) as client:
            client.login("ann", PASSWORD)
            client.append("INBOX", message(9_000), [b"\\Seen"], dt.datetime(2019, 1, 1, tzinfo=dt.UTC))
        until_more(local, 500, command, what="what came since is there")
        command.send_signal(signal.SIGINT)
        said = command.communicate(timeout=60)[1].decode().splitlines()
        assert said[-1] == "moxlite: interrupted; run the same command again to continue"
        assert command.returncode == 1
        assert not any("Traceback" in line for line in said), said
    theirs = renamed(state(dovecot.port, "ann"), Sent_Items="Sent", Entwürfe="Drafts")
    assert filled(state(local.port(143), local.user)) == filled(theirs)


def until_more(local: LocalServer, count: int, command: "subprocess.Popen[bytes]", *, what: str) -> None:
    """Wait until the account holds more than `count` messages, or the command has ended; all by one connection."""
    with imapclient.IMAPClient("127.0.0.1", local.port(143), ssl=False) as client:
        client.login(local.user, PASSWORD)

        def total() -> int:
            boxes = [name for _, _, name in client.list_folders()]
            return sum(int(client.folder_status(name, ["MESSAGES"])[b"MESSAGES"]) for name in boxes)

        until(lambda: command.poll() is not None or total() > count, what=what)


@contextmanager
def running(local: LocalServer, *args: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A command of the command line, while the test goes on."""
    environment = local._environment() | {"MOXLITE_CONF": str(local.folder / "config/moxlite.toml")}
    command = subprocess.Popen(
        [sys.executable, "-m", "moxlite", *args],
        env=environment,
        cwd=top(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield command
    finally:
        command.kill()
        command.wait()


@pytest.mark.nightly(
    smoke="tests/session/test_migration_imapcopy_sessions.py::test_an_export_is_the_reverse_and_can_be_interrupted"
)
def test_an_account_moves_out(local: LocalServer, tmp_path: Path, dovecot: Dovecot, arguments: list[str]) -> None:
    """IMAP-139: export, to a server with another separator and a prefix; a second one sends only what is new."""
    trio.run(fill, dovecot, "ann", 120)
    local.cli("imap", "import", *arguments)
    with Dovecot(tmp_path / "other", extra=PREFIXED) as other:
        with imapclient.IMAPClient("127.0.0.1", local.port(143), ssl=False) as client:
            client.login(local.user, PASSWORD)
            client.create_folder("Lists/v1.2")
            client.append("Lists/v1.2", message(9_000), msg_time=dt.datetime(2019, 1, 1, tzinfo=dt.UTC))
        theirs = [str(other.port) if one == str(dovecot.port) else one for one in arguments]
        done = local.cli("imap", "export", *theirs)
        assert done.stdout.startswith("121 messages copied"), done.stdout + done.stderr
        ours = filled(state(local.port(143), local.user))
        there = filled(state(other.port, "ann"))
        there["INBOX.Lists.v1.2"] = there.pop("INBOX.Lists.v1_2")
        assert {name.removeprefix("INBOX."): found for name, found in there.items()} == {
            name.replace("/", "."): found for name, found in ours.items()
        }
        done = local.cli("imap", "export", *theirs)
        assert done.stdout.startswith("0 messages copied, copied flags of 0, "), done.stdout + done.stderr
    # To a server that takes no dot in a name, whatever its separator.
    back = ["bea" if one == "ann" else one for one in arguments]
    done = local.cli("imap", "export", *back)
    assert done.stdout.startswith("121 messages copied"), done.stdout + done.stderr
    assert filled(state(dovecot.port, "bea"))["Lists/v1_2"] == ours["Lists/v1.2"]


@pytest.mark.nightly(
    smoke="tests/session/test_migration_imapcopy_sessions.py::test_all_is_copied_once_and_then_only_changes"
)
def test_the_client_and_dovecot_agree(dovecot: Dovecot, tmp_path: Path) -> None:
    """IMAP-136: both kinds of TLS, mechanisms, compression; a certificate of somebody else ends it."""
    certificate = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    resolver = FakeResolver()

    async def talk() -> None:
        trust = Trust([certificate], system=False)
        for tls, port in (("implicit", dovecot.tls_port), ("starttls", dovecot.port)):
            server = Server("localhost", tls, port)  # type: ignore[arg-type] # one of them
            client = await connect(server, Credentials("ann", PASSWORD), resolver=resolver, trust=trust, strict=True)
            assert client.tls_stream is not None
            await client.compress()
            answer = await client.append("INBOX", [(Appended(len(message())), message())])
            assert answer.state.code is not None
            assert (await client.examine("INBOX")).exists > 0
            await client.logout()
            with pytest.raises(TLSFailed, match="certificate"):
                await connect(server, Credentials("ann", PASSWORD), resolver=resolver, trust=Trust(system=False))
            with pytest.raises(LoginFailed):
                await connect(server, Credentials("ann", "wrong"), resolver=resolver, trust=trust)
        for name in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "LOGIN", "PLAIN"):
            server = Server("127.0.0.1", "none", dovecot.port)
            credentials = Credentials("ann", PASSWORD, mechanisms=(name,), allow_clear=True)
            client = await connect(server, credentials, resolver=resolver, trust=trust, strict=True)
            await client.logout()

    trio.run(talk)
