"""Senders of all kinds before a server, in a net of its own: run by test_smtpd_senders in new namespaces for network
and mounts, with a folder as its argument.

DNS is knot and unbound at port 53, with zones of the senders. Postfix with opendkim sends what must be taken; swaks
sends what must not, once for each way to be refused (`tests.integration.refusals`), and reads the reply. For refusals
by history and content, mail comes before, and its owner says by IMAP that it is junk.
"""

import imaplib
import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from functools import partial
from pathlib import Path

from moxlite.mailauth.dkim.sign import to_pem
from moxlite.store.junk.score import ENOUGH_MESSAGES, ENOUGH_SENDERS
from tests.dnsworld import DNSWorld
from tests.integration.mail import contents
from tests.integration.refusals import (
    CLIENTS,
    DOMAINS,
    FLOOD,
    FLOOD_LIMIT,
    FLOODING,
    GOOD,
    KEY,
    LISTS,
    PASTS,
    REFUSALS,
    SPAM,
    ZONES,
    Mail,
    Refusal,
)
from tests.realservers import Postfix, opendkim
from tests.running import ServedServer
from tests.tools import need, until


def say(text: str) -> None:
    print(f"{time.monotonic():8.1f} {text}", flush=True)


def set_up_net(folder: Path) -> None:
    """Loopback, the clients' addresses, and a resolver in /etc/resolv.conf, in the namespaces of this process."""
    commands = ["ip link set lo up", "ip link add ext0 type bridge", "ip link set ext0 up"]
    commands += [f"ip addr add {ip}/24 dev ext0" for ip in CLIENTS]
    for command in commands:
        subprocess.run(command.split(), check=True)
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    resolv.chmod(0o644)
    subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)


def by_postfix(folder: Path, server: ServedServer) -> None:
    """Ten messages, which postfix signs by opendkim and brings; some with lines that are changed on the way."""
    (key := folder / "key.pem").write_bytes(to_pem(KEY))
    key.chmod(0o600)
    signs = (
        f"Mode s\nDomain good.example\nSelector sel\nKeyFile {key}\nCanonicalization relaxed/relaxed\n"
        "OversignHeaders From\nRequireSafeKeys no\nInternalHosts 127.0.0.1\n"
    )
    with opendkim(folder / "opendkim", signs) as milter:
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
    session = log_in(server, "eve")
    found = contents(session)
    session.logout()
    assert len(found) == 10, server.log()[-3000:]
    for octets in found:
        [results, *_] = message_from_bytes(octets).get_all("Authentication-Results", [])
        for word in ("iprev=pass (with dnssec)", "dkim=pass", "spf=pass (with dnssec)", "dmarc=pass (policy reject"):
            assert word in results, results
        assert "header.d=good.example" in results
    say("postfix with opendkim: ten messages, all checks pass")


def header_of(one: Mail) -> str:
    """The message, with lines that end in LF."""
    return (
        f"From: <{one.author or one.sender}>\nTo: <{one.to.partition(',')[0]}>\nSubject: hello\n"
        f"Date: Fri, 20 Nov 2026 12:00:00 +0000\nMessage-Id: <{time.monotonic_ns()}@swaks.example>\n\n{one.text}\n"
    )


def swaks(server: ServedServer, one: Mail) -> str:
    """Try; the transcript."""
    command = [need("swaks"), "--server", f"127.0.0.1:{server.ports['smtp']}", "--local-interface", one.ip]
    command += ["-tls", "--helo", "mx.good.example", "--from", one.sender, "--to", one.to, "--data", header_of(one)]
    command += ["--timeout", "60s", "--drop-after", "DOT"]  # a client whose mail is refused as junk is served slowly
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", timeout=120)
    return done.stdout + done.stderr


def refused(server: ServedServer, one: Refusal) -> None:
    """The reply is the one that is expected, and the log names the reason."""
    transcript = swaks(server, one.mail)
    found = re.findall(r"^<(?:\*\*|~\*) +(.*)$", transcript, re.MULTILINE)
    assert any(line.startswith((one.reply, one.reply.replace(" ", "-", 1))) for line in found), f"{one}\n{transcript}"
    if one.word:
        line = rf"remote={re.escape(one.mail.ip)} .*mailfrom={re.escape(one.mail.sender)} .* reason={one.word} "
        assert re.search(line, server.log()), f"{one}\n{server.log()[-4000:]}"


def log_in(server: ServedServer, account: str) -> imaplib.IMAP4:
    """A session of IMAP."""
    session = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    session.starttls()
    session.login(f"{account}@example.org", server.password)
    return session


def have_past(server: ServedServer) -> None:
    """Bring what came before, and let eve say that all of it is junk."""
    for ip in CLIENTS:
        mails = [mail for one in PASTS for mail in one.past if mail.ip == ip]
        if mails:
            with smtplib.SMTP("127.0.0.1", server.ports["smtp"], "mx.good.example", source_address=(ip, 0)) as client:
                client.starttls()
                for mail in mails:
                    client.sendmail(mail.sender, [mail.to], header_of(mail))
    session = log_in(server, "eve")
    for one in PASTS:
        _, [count] = session.select(one.mail.to.partition("@")[0])
        assert count == str(len(one.past)).encode(), f"{one}\n{server.log()[-4000:]}"
        session.store("1:*", "+FLAGS", "($Junk)")
    session.logout()


def teach(server: ServedServer) -> None:
    """Let the filter of bob learn enough for its word to count."""
    session = log_in(server, "bob")
    for number in range(ENOUGH_MESSAGES):
        for flag, text in (("$NotJunk", "lunch meeting minutes agenda"), ("$Junk", SPAM)):
            mail = (
                f"From: <x{number % ENOUGH_SENDERS}@y.example>\r\nSubject: hello {flag} {number}\r\n\r\ntext {text}\r\n"
            )
            session.append("INBOX", f"({flag})", None, mail.encode())
    session.logout()
    question = server.folder / "question.eml"
    question.write_text("Subject: hello\r\n\r\ntext\r\n")
    expected = f"learned: {ENOUGH_MESSAGES} ham, {ENOUGH_MESSAGES} junk"
    until(lambda: expected in server.cli("junk", "explain", "bob", str(question)).stdout, what="the filter has learned")


def play(folder: Path) -> None:
    """All of them."""
    exempt = ", ".join(f'"{one}"' for one in ("127.0.0.0/8", *(f"{ip}/32" for ip in CLIENTS if ip != FLOOD)))
    limits = f"rate_limits.messages_per_minute = [{FLOOD_LIMIT}, 100, 100]"
    server = ServedServer(folder / "moxlite", domains=DOMAINS, exempt=exempt, top=limits)
    config = server.folder / "config/moxlite.toml"
    config.write_text(
        config.read_text().replace('first_time_sender_delay = "0s"', f'first_time_sender_delay = "0s", {LISTS}')
    )
    with server:
        by_postfix(folder, server)
        have_past(server)
        teach(server)
        say("history and filter know enough")
        for _ in range(FLOOD_LIMIT):
            assert re.search(r"^<~  250 2\.0\.0", swaks(server, FLOODING.mail), re.MULTILINE), server.log()[-2000:]
        refusals = (FLOODING, *PASTS, *REFUSALS)
        with ThreadPoolExecutor(max_workers=len(refusals)) as pool:  # most of them wait for a slow reply
            list(pool.map(partial(refused, server), refusals))
        say(f"swaks: {len(refusals)} refusals")


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
