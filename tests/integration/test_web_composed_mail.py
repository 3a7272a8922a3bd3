"""What was composed in the webmail, as it arrives: read by `email`, its signature verified by dkimpy."""

import email
import email.policy
import imaplib
import random
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import dkim
import pytest

from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from tests.running import ServedServer
from tests.tools import free_port, until
from tests.webcalls import Caller

pytestmark = [pytest.mark.served, pytest.mark.integration]

FILES = 40
WHOLE = 25 << 20
"""Octets of all files together."""
KEY = generate("rsa")
SIGNS = 'dkim = { sign = ["a"], selectors = { a = { key_file = "a.pem" } } }\n'


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[tuple[ServedServer, Caller]]:
    """A server whose domain signs, and bob, who has logged in to its webmail."""
    port = free_port()
    server = ServedServer(tmp_path / "server", static=f"webmail_http = {{ enabled = true, port = {port} }}")
    config = tmp_path / "server/config"
    (config / "a.pem").write_bytes(to_pem(KEY))
    domains = config / "domains.toml"
    domains.write_text(domains.read_text().replace('[domains."example.org"]\n', f'[domains."example.org"]\n{SIGNS}'))
    with server:
        found = Caller(port, "bob@example.org", server.password)
        found.log_in()
        yield server, found


def received(server: ServedServer) -> bytes:
    """The message that has come to eve."""
    trust = ssl.create_default_context(cafile=server.folder / "config/cert.pem")
    session = imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=trust, timeout=60)
    session.login("eve@example.org", server.password)
    until(lambda: session.select("INBOX")[1] == [b"1"], what="the message", pause=0.5)
    _, data = session.fetch("1", "(BODY.PEEK[])")
    session.logout()
    assert isinstance(data[0], tuple)
    return data[0][1]


@pytest.mark.nightly(smoke="tests/session/test_web_compose.py::test_a_message_of_25_megabytes_goes_out")
def test_forty_files_of_25_megabytes_arrive_as_they_were(caller: tuple[ServedServer, Caller]) -> None:
    """WEBMAIL-28, WEBMAIL-97, WEBMAIL-98, WEBMAIL-99, WEBMAIL-157: names in any script, octets of any kind. Some
    seconds, as server, dkimpy and `email` go over 34 million octets each.
    """
    server, bob = caller
    chance = random.Random(9)
    sizes = [0, 1, *(chance.randrange(1, 40_000) for _ in range(FILES - 3))]
    sizes.append(WHOLE - sum(sizes))
    wanted = [(f"плён {n} „ü“ 日本 {'x' * n}.bin", chance.randbytes(size)) for n, size in enumerate(sizes)]
    begun = bob.call("compose_prepare", kind="new")
    kind = "application/x-test"
    files = [bob.ask(f"upload?filename={quote(name)}", content, kind) for name, content in wanted]
    text = "Liebe Eve,\n\n> zitiert\nFrom the sea. " + "A long line of words. " * 60 + "\n-- \nБоб\n"
    message = {key: begun[key] for key in ("from", "cc", "message_id", "in_reply_to", "references")} | {
        "to": [{"name": "Ève „Ö“ 日本", "address": "eve@example.org"}],
        "bcc": [{"name": "", "address": "bob@example.org"}],
        "reply_to": [],
        "subject": "Grüße aus dem Hafen: всё в порядке 日本",
        "text": text,
        "uploads": [file["upload_id"] for file in files],
    }
    bob.call("message_submit", message=message, submit_id=chance.randbytes(16).hex())
    octets = received(server)
    record = key_record(KEY).encode()
    assert dkim.verify(octets, dnsfunc=lambda name, **_: {b"a._domainkey.example.org.": record}[name])
    arrived = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(arrived, EmailMessage)
    assert arrived.defects == []
    assert arrived["subject"] == message["subject"]
    assert [str(one) for one in arrived["to"].addresses] == ["Ève „Ö“ 日本 <eve@example.org>"]
    assert arrived["from"].addresses[0].addr_spec == "bob@example.org"
    assert "bcc" not in arrived
    assert arrived["message-id"] == begun["message_id"]
    found = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in arrived.iter_attachments()]
    assert [name for name, _, _ in found] == [name for name, _ in wanted]
    assert {kind for _, kind, _ in found} == {kind}
    assert [content for _, _, content in found] == [content for _, content in wanted]
    body = arrived.get_body()
    assert body is not None
    assert body.get_content().replace(" \n", " ").split() == text.split()
    assert max(map(len, octets.split(b"\r\n"))) <= 998
