"""Postfix relays into moxlite over STARTTLS, and moxlite relays through a smarthost transport into postfix."""

import imaplib
import smtplib
import ssl
from pathlib import Path

import pytest

from tests.integration.mail import added_headers, contents, message, wait_for
from tests.realservers import Dovecot, Postfix
from tests.running import LocalServer, ServedServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]


def test_postfix_relays_into_it_over_starttls(shared: LocalServer, session: imaplib.IMAP4, tmp_path: Path) -> None:
    """SMTP-19, SMTP-25, SMTP-37, SMTP-79: twenty messages, encrypted, every octet as it was."""
    relay = f"relayhost = [127.0.0.1]:{shared.port(25)}\nsmtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1\n"
    sent = [message(n) for n in range(20)]
    with Postfix(tmp_path / "postfix", extra=relay) as postfix:
        with smtplib.SMTP("127.0.0.1", postfix.port) as client:
            for content in sent:
                client.sendmail("sender@remote.example", [shared.user], content, mail_options=["BODY=8BITMIME"])
        wait_for(session, len(sent))
        until(lambda: postfix.queued() == 0, what="postfix's queue is empty")
        assert "TLS connection established" in postfix.log()
    stored = contents(session)
    for content in sent:
        [match] = [one for one in stored if one.endswith(content)]
        top = added_headers(match, content)
        assert b"with ESMTPS " in top.replace(b"\r\n", b"")


@pytest.mark.nightly
def test_it_relays_through_a_smarthost_into_postfix(tmp_path: Path) -> None:
    """QUEUE-32, QUEUE-63, QUEUE-70, QUEUE-71, SMTP-115: a submission leaves to another server, octet by octet."""
    with Dovecot(tmp_path / "dovecot") as dovecot:
        virtual = (
            f"virtual_mailbox_domains = remote.example\nvirtual_transport = lmtp:inet:127.0.0.1:{dovecot.lmtp_port}\n"
        )
        with Postfix(tmp_path / "postfix", extra=virtual) as postfix:
            smarthost = f'[transports.smart.smtp]\nhost = "127.0.0.1"\nport = {postfix.port}\nno_starttls = true\n'
            route = '[[routes]]\nto_domain = ["remote.example"]\ntransport = "smart"\n'
            with ServedServer(tmp_path / "moxlite", static=smarthost, domains=route) as server:
                sent = [
                    message(n, to="carol@remote.example").replace(b"sender@remote.example", b"bob@example.org")
                    for n in range(10)
                ]
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], context=context) as client:
                    client.login("bob@example.org", server.password)
                    for content in sent:
                        client.sendmail(
                            "bob@example.org", ["carol@remote.example"], content, mail_options=["BODY=8BITMIME"]
                        )
                session = imaplib.IMAP4("127.0.0.1", dovecot.port)
                session.login("carol", "moxmoxmox")
                wait_for(session, len(sent))
                stored = contents(session)
                for content in sent:
                    assert any(one.endswith(content) for one in stored)
                session.logout()
            assert server.process.returncode == 0, server.log()


@pytest.mark.nightly
def test_a_refusal_of_the_smarthost_becomes_a_dsn(tmp_path: Path) -> None:
    """QUEUE-100, QUEUE-101, QUEUE-12: a permanent failure returns to the sender as a delivery status notification."""
    refusing = "smtpd_recipient_restrictions = reject\nsmtpd_delay_reject = yes\n"
    with Postfix(tmp_path / "postfix", extra=refusing) as postfix:
        smarthost = f'[transports.smart.smtp]\nhost = "127.0.0.1"\nport = {postfix.port}\nno_starttls = true\n'
        with ServedServer(
            tmp_path / "moxlite", static=smarthost, domains='[[routes]]\ntransport = "smart"\n'
        ) as server:
            content = message(1, to="carol@remote.example").replace(b"sender@remote.example", b"bob@example.org")
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], context=context) as client:
                client.login("bob@example.org", server.password)
                client.sendmail("bob@example.org", ["carol@remote.example"], content, mail_options=["BODY=8BITMIME"])
            session = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=context)
            session.login("bob@example.org", server.password)
            wait_for(session, 1)
            [dsn] = contents(session)
            session.logout()
            text = dsn.decode()
            assert "multipart/report" in text
            assert "Action: failed" in text
            assert "Status: 5." in text
            assert "rfc822;carol@remote.example" in text.replace("rfc822; ", "rfc822;")
            assert "<integration.1@remote.example>" in text
        assert server.process.returncode == 0, server.log()
