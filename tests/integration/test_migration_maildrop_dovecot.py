"""A linked mailbox with POP3 alone: the other provider is Debian's Dovecot, and ours is killed while it fetches."""

import imaplib
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.kill import insecure
from tests.realservers import Dovecot
from tests.running import ServedServer, make_certificate
from tests.tools import free_port, need, until

pytestmark = [pytest.mark.served, pytest.mark.integration]

PASSWORD = "moxmoxmox"
MESSAGES = 150
KILLS = 6
POP3 = """
protocols = imap lmtp pop3
service pop3-login {{
  inet_listener pop3 {{
    port = {plain}
  }}
  inet_listener pop3s {{
    port = {tls}
    ssl = yes
  }}
}}
"""


class Provider:
    """Dovecot with POP3, by TLS at once and by STLS."""

    def __init__(self, folder: Path) -> None:
        need("pop3")
        self.plain, self.tls = free_port(), free_port()
        certificate, key = make_certificate(folder)
        self.certificate = certificate
        extra = POP3.format(plain=self.plain, tls=self.tls)
        self.dovecot = Dovecot(folder / "dovecot", certificate=certificate, key=key, extra=extra)

    def put(self, first: int, count: int) -> None:
        """Put messages with these numbers into ann's mailbox."""
        with imaplib.IMAP4("127.0.0.1", self.dovecot.port) as session:
            session.login("ann", PASSWORD)
            for number in range(first, first + count):
                text = f"Message-ID: <{number}@far.example>\r\nSubject: m{number}\r\n\r\n.dot\r\n" + "x\r\n" * number
                assert session.append("INBOX", "", None, text.encode())[0] == "OK"

    def count(self) -> int:
        """Messages in ann's mailbox."""
        with imaplib.IMAP4("127.0.0.1", self.dovecot.port) as session:
            session.login("ann", PASSWORD)
            return int((session.select("INBOX", readonly=True)[1][0] or b"0").decode())


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    found = Provider(tmp_path / "provider")
    with found.dovecot:
        yield found


@pytest.fixture
def server(provider: Provider, tmp_path: Path) -> Iterator[ServedServer]:
    trusted = f'tls.ca = {{ additional_to_system = true, cert_files = ["{provider.certificate}"] }}'
    with ServedServer(tmp_path / "server", top=f"allow_private_webhooks = true\n{trusted}") as found:
        yield found


def here(server: ServedServer) -> Counter[str]:
    """How often each message is in the link's Inbox."""
    with imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure()) as session:
        session.login("bob@example.org", server.password)
        if session.select('"Far/Inbox"', readonly=True)[0] != "OK":
            return Counter()
        answer = session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
    octets = b"".join(part for one in answer if isinstance(one, tuple) for part in one)
    return Counter(one.decode() for one in re.findall(rb"<(\d+)@far", octets))


def add(server: ServedServer, provider: Provider, tls: str, *options: str) -> None:
    """Link ann's mailbox."""
    port = provider.tls if tls == "implicit" else provider.plain
    place = ("--host", "localhost", "--port", str(port), "--tls", tls, "--protocol", "pop3", "--user", "ann")
    asked = ("link", "add", "bob", "ann@far.example", "--name", "Far", "--no-sending", *place, *options)
    server.cli(*asked, stdin=PASSWORD + "\n")


@pytest.mark.landing("starttls")
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_mail_comes_by_pop3_and_stays_there(provider: Provider, server: ServedServer, tls: str) -> None:
    """LINK-18: each message once, also by a later look; Dovecot keeps all."""
    provider.put(0, 5)
    add(server, provider, tls)
    until(lambda: len(here(server)) == 5, what="the first messages")
    provider.put(5, 2)
    server.cli("link", "resume", "bob", "Far")
    until(lambda: len(here(server)) == 7, what="the later messages")
    assert set(here(server).values()) == {1}
    assert provider.count() == 7


@pytest.mark.nightly
def test_kills_lose_nothing_and_bring_nothing_twice(provider: Provider, server: ServedServer) -> None:
    """LINK-18, LINK-12: while mail is fetched, and removed there once it is here."""
    rng = random.Random(18)
    provider.put(0, MESSAGES)
    add(server, provider, "implicit", "--keep-days", "0")
    for number in range(KILLS):
        time.sleep(rng.uniform(0.02, 0.5))  # a kill comes at any moment
        server.kill()
        server.start()
        provider.put(MESSAGES + 5 * number, 5)
        server.cli("link", "resume", "bob", "Far")
    wanted = Counter(str(number) for number in range(MESSAGES + 5 * KILLS))

    until(lambda: here(server) == wanted, what="all messages here, each once")
    server.cli("link", "resume", "bob", "Far")
    until(lambda: provider.count() == 0, what="none there")
    assert here(server) == wanted
    server.cli("store", "check", "--deep")
