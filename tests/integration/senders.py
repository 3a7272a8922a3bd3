"""Senders of all kinds before a server, in a net of its own: run by test_smtpd_senders in new namespaces for network
and mounts, with a folder as its argument.

DNS is knot and unbound at port 53, with zones of the senders. Postfix with opendkim sends what must be taken; swaks
sends what must not, once for each way to be refused that a sender can bring about by itself, and reads the reply.
"""

import imaplib
import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from moxlite.mailauth.dkim.keys import generate, key_record, to_pem
from tests.campaigns._spfzones import quoted
from tests.dnsworld import DNSWorld
from tests.integration.mail import contents
from tests.realservers import Postfix, listening
from tests.running import ServedServer
from tests.tools import free_port, need, until

NET: Final = "5.45.100"
GOOD, STRANGER, FLOOD, LISTED = (f"{NET}.{number}" for number in (10, 20, 80, 200))
"""Addresses of clients, of which the last two share no network of 64 addresses with the others."""

KEY: Final = generate("rsa")

ZONES: Final = {
    "good.example": f"""\
@ A {GOOD}
@ MX 10 @
@ TXT "v=spf1 ip4:{GOOD} -all"
mx A {GOOD}
sel._domainkey TXT {quoted(key_record(KEY))}
_dmarc TXT "v=DMARC1; p=reject"
""",
    "strict.example": f'@ MX 10 mx.good.example.\n@ TXT "v=spf1 ip4:{GOOD} -all"\n_dmarc TXT "v=DMARC1; p=reject"',
    "spf.example": f'@ MX 10 mx.good.example.\n@ TXT "v=spf1 ip4:{GOOD} -all"',
    "plain.example": "@ MX 10 mx.good.example.",
    "null.example": "@ MX 0 .",
    "bogus.example": "@ MX 10 mx.good.example.",
    "unsure.example": '@ MX 10 mx.good.example.\n@ TXT "v=spf1 include:bogus.example -all"\n'
    '_dmarc TXT "v=DMARC1; p=reject"',
    "100.45.5.in-addr.arpa": "\n".join(
        f"{ip.rpartition('.')[2]} PTR mx.good.example." for ip in (GOOD, STRANGER, FLOOD, LISTED)
    ),
    "bl.example": f"2.0.0.127 A 127.0.0.2\n{'.'.join(reversed(LISTED.split('.')))} A 127.0.0.2",
}

LISTS: Final = 'dnsbls = ["bl.example"]'

FLOOD_LIMIT: Final = 3
"""Messages in a minute that an address may bring to an account; all but FLOOD are exempt."""

DOMAINS: Final = """\
[domains."example.org".aliases.members]
addresses = ["bob@example.org", "eve@example.org"]
[domains."off.example"]
disabled = true
[accounts.eve.destinations."eve@off.example"]
[accounts.eve.destinations."moved@example.org"]
smtp_error = "550 we have moved"
[accounts.eve.destinations."later@example.org"]
smtp_error = "421 come back"
[accounts.eve.destinations."proof@example.org"]
message_auth_required_smtp_error = "prove who you are"
"""


class Refusal(NamedTuple):
    """What swaks sends, and what it must read. `author` stands in From, the same as `sender` unless given; `word`: in
    the log, "" where no account was asked.
    """

    reply: str
    sender: str
    to: str = "eve@example.org"
    author: str = ""
    ip: str = STRANGER
    word: str = ""


REFUSALS: Final = (
    Refusal("550 5.7.27", "ann@null.example"),
    Refusal("550 5.1.8", "ann@nowhere.example"),
    Refusal("451 4.4.0", "ann@bogus.example"),
    Refusal("550 5.7.0", "ann@[192.0.2.1]"),
    Refusal("550 5.1.1", "ann@plain.example", "bob@elsewhere.example"),
    Refusal("550 5.1.1", "ann@plain.example", "nobody@example.org"),
    Refusal("550 5.1.1", "ann@plain.example", "moved@example.org"),
    Refusal("451 4.3.0", "ann@plain.example", "later@example.org"),
    Refusal("450 4.2.1", "ann@plain.example", "eve@off.example"),
    Refusal("452 4.5.3", "ann@plain.example", "eve@example.org,bob@example.org"),
    Refusal("550 5.7.2", "ann@plain.example", "members@example.org", word="alias-members-only"),
    Refusal("550 5.7.1", "ann@plain.example", author="ann@a.example>\nFrom: <ben@b.example", word="ambiguous-from"),
    Refusal("550 5.7.26", "ann@strict.example", word="dmarc-policy"),
    Refusal("550 5.7.26", "ann@plain.example", author="ann@strict.example", word="dmarc-policy"),
    Refusal("451 4.7.26", "ann@unsure.example", word="dmarc-temperror"),
    Refusal("550 5.7.26", "ann@plain.example", "proof@example.org", word="msg-auth-required"),
    Refusal("451 4.3.0", "ann@spf.example", word="spf-policy"),
    Refusal("451 4.3.0", "ann@plain.example", ip=LISTED, word="dns-blocklisted"),
)
FLOODING: Final = Refusal("452 4.2.2", "ann@plain.example", ip=FLOOD, word="high-rate")
"""What is refused when FLOOD_LIMIT messages have been taken."""


def say(text: str) -> None:
    print(f"{time.monotonic():8.1f} {text}", flush=True)


def set_up_net(folder: Path) -> None:
    """Loopback, the clients' addresses, and a resolver in /etc/resolv.conf, in the namespaces of this process."""
    commands = ["ip link set lo up", "ip link add ext0 type bridge", "ip link set ext0 up"]
    commands += [f"ip addr add {ip}/24 dev ext0" for ip in (GOOD, STRANGER, FLOOD, LISTED)]
    for command in commands:
        subprocess.run(command.split(), check=True)
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    resolv.chmod(0o644)
    subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)


@contextmanager
def opendkim(folder: Path) -> Iterator[int]:
    """opendkim as a milter that signs for good.example; its port."""
    folder.mkdir()
    key = folder / "key.pem"
    key.write_bytes(to_pem(KEY))
    key.chmod(0o600)
    port = free_port()
    (folder / "opendkim.conf").write_text(
        f"Socket inet:{port}@127.0.0.1\nMode s\nDomain good.example\nSelector sel\nKeyFile {key}\n"
        f"Canonicalization relaxed/relaxed\nOversignHeaders From\nRequireSafeKeys no\nInternalHosts 127.0.0.1\n"
    )
    with (folder / "log").open("wb") as log:
        command = [need("opendkim"), "-f", "-x", str(folder / "opendkim.conf")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: listening(port), what="opendkim listens")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def by_postfix(folder: Path, server: ServedServer) -> None:
    """Ten messages, which postfix signs by opendkim and brings; some with lines that are changed on the way."""
    with opendkim(folder / "opendkim") as milter:
        extra = (
            f"relayhost = [127.0.0.1]:{server.ports['smtp']}\nsmtp_bind_address = {GOOD}\n"
            f"smtp_helo_name = mx.good.example\nsmtp_tls_security_level = encrypt\n"
            f"smtpd_milters = inet:127.0.0.1:{milter}\nmilter_default_action = tempfail\n"
        )
        with Postfix(folder / "postfix", extra=extra) as postfix:
            with smtplib.SMTP("127.0.0.1", postfix.port) as client:
                for number in range(10):
                    text = "Umläute and trailing blanks  \r\n\r\n.dot\r\n" * number
                    mail = (
                        f"From: Ann <ann@good.example>\r\nTo: <eve@example.org>\r\nSubject:  number\r\n {number}\r\n"
                        f"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{number}@good.example>\r\n"
                        f"\r\n{text}\r\n"
                    )
                    client.sendmail("ann@good.example", ["eve@example.org"], mail.encode())
            until(lambda: postfix.queued() == 0, seconds=90, what=f"postfix is done:\n{postfix.log()[-3000:]}")
    session = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    session.starttls()
    session.login("eve@example.org", server.password)
    found = contents(session)
    session.logout()
    assert len(found) == 10, server.log()[-3000:]
    for octets in found:
        [results, *_] = message_from_bytes(octets).get_all("Authentication-Results", [])
        for word in ("iprev=pass (with dnssec)", "dkim=pass", "spf=pass (with dnssec)", "dmarc=pass (policy reject"):
            assert word in results, results
        assert "header.d=good.example" in results
    say("postfix with opendkim: ten messages, all checks pass")


def swaks(server: ServedServer, one: Refusal) -> str:
    """Try; the transcript."""
    author = one.author or one.sender
    header = (
        f"From: <{author}>\nTo: <{one.to.partition(',')[0]}>\nSubject: hello\nDate: Fri, 20 Nov 2026 12:00:00 +0000\n"
        f"Message-Id: <{time.monotonic_ns()}@swaks.example>\n\ntext\n"
    )
    command = [need("swaks"), "--server", f"127.0.0.1:{server.ports['smtp']}", "--local-interface", one.ip]
    command += ["-tls", "--helo", "mx.good.example", "--from", one.sender, "--to", one.to, "--data", header]
    command += ["--timeout", "60s", "--drop-after", "DOT"]  # a client whose mail is refused as junk is served slowly
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", timeout=120)
    return done.stdout + done.stderr


def refused(server: ServedServer, one: Refusal) -> None:
    """The reply is the one that is expected, and the log names the reason."""
    transcript = swaks(server, one)
    found = re.findall(r"^<(?:\*\*|~\*) +(.*)$", transcript, re.MULTILINE)
    assert any(line.startswith((one.reply, one.reply.replace(" ", "-", 1))) for line in found), f"{one}\n{transcript}"
    if one.word:
        line = rf"remote={re.escape(one.ip)} .*mailfrom={re.escape(one.sender)} .* reason={one.word} "
        assert re.search(line, server.log()), f"{one}\n{server.log()[-4000:]}"


def play(folder: Path) -> None:
    """All of them."""
    exempt = ", ".join(f'"{one}"' for one in ("127.0.0.0/8", *(f"{ip}/32" for ip in (GOOD, STRANGER, LISTED))))
    limits = f"rate_limits.messages_per_minute = [{FLOOD_LIMIT}, 100, 100]"
    server = ServedServer(folder / "moxlite", domains=DOMAINS, exempt=exempt, top=limits)
    config = server.folder / "config/moxlite.toml"
    config.write_text(
        config.read_text().replace('first_time_sender_delay = "0s"', f'first_time_sender_delay = "0s", {LISTS}')
    )
    with server:
        by_postfix(folder, server)
        for _ in range(FLOOD_LIMIT):
            assert re.search(r"^<~  250 2\.0\.0", swaks(server, FLOODING), re.MULTILINE), server.log()[-2000:]
        with ThreadPoolExecutor(max_workers=4) as pool:  # some replies come slowly
            list(pool.map(partial(refused, server), (FLOODING, *REFUSALS)))
        say(f"swaks: {len(REFUSALS) + 1} refusals")


def main() -> None:
    """Play in the folder that is given."""
    signal.alarm(600)  # whatever hangs: the caller has given up by then
    folder = Path(sys.argv[1])
    set_up_net(folder)
    os.umask(0o022)
    with DNSWorld(ZONES, bogus=["bogus.example"], port=53):
        play(folder)
    say("done")


if __name__ == "__main__":
    main()
