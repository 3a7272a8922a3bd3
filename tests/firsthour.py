"""A user's first hour, by what a server of ours needs child processes for: a mail of HTML, an answer with formatting, a
repeating event, an invitation, a script with a pattern.

Each step raises Finding, or AssertionError, where a server with a child that does not start answers otherwise.
"""

import imaplib
import json
import secrets
import smtplib
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any, Final

from tests.campaigns.report import Finding
from tests.tools import until
from tests.webcalls import Caller

__all__ = ["FirstHour", "letter", "mail_to_oneself"]

SCRIPT: Final = """\
require ["fileinto", "mailbox", "regex"];
if header :regex "subject" "^\\\\[([[:alnum:]]+)\\\\] .*$" { fileinto :create "Lists"; }
"""
"""A script of Sieve that sorts what has a word in brackets before its subject."""

EVENT: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:{year}0105T100000Z\r\nDURATION:PT1H\r\nSUMMARY:{title}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def letter(sender: str, to: str, subject: str, html: str = "") -> EmailMessage:
    """A mail of HTML."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content("Hello")
    if html:
        message.add_alternative(html, subtype="html")
    return message


def mail_to_oneself(host: str, password: str) -> int:
    """Send a message from you@example.org to the same at a server that quickstart set up; returns how many are in its
    Inbox once it is there.
    """

    def count() -> int:
        with imaplib.IMAP4_SSL(host, 993, timeout=60) as imap:
            imap.login("you@example.org", password)
            return int(imap.select("INBOX")[1][0] or b"0")

    before = count()
    with smtplib.SMTP_SSL(host, 465, timeout=60) as smtp:
        smtp.login("you@example.org", password)
        smtp.sendmail("you@example.org", ["you@example.org"], "From: you@example.org\r\n\r\nHello\r\n")
    until(lambda: count() > before, what="the message", pause=0.5)
    return count()


def invitation(sender: str, to: str, word: str) -> EmailMessage:
    """An invitation to a repeating event, with a word in its subject."""
    guests = f"ORGANIZER:mailto:{sender}\r\nATTENDEE;RSVP=TRUE:mailto:{to}\r\nRRULE:FREQ=WEEKLY;COUNT=9\r\n"
    text = EVENT.format(uid=word, year=time.gmtime().tm_year + 1, title="Choir", more=guests)
    message = letter(sender, to, f"Invitation {word}")
    message.add_alternative(text.replace("VERSION", "METHOD:REQUEST\r\nVERSION", 1).encode(), "text", "calendar")
    message.get_payload()[-1].set_param("method", "REQUEST")  # type: ignore[index,union-attr]
    return message


class FirstHour:
    """One user, by the webmail, by CalDAV and by IMAP.

    Args:
      address, password: of the account.
      port: of the webmail, at loopback without TLS.
      dav: the URL of the service.
      imap: a connection that has logged in.
      send: delivers a message to the account.
      context: what is trusted at `dav`.
    """

    def __init__(
        self,
        address: str,
        password: str,
        *,
        port: int,
        dav: str,
        imap: imaplib.IMAP4,
        send: Callable[[EmailMessage], None],
        context: SSLContext | None = None,
    ) -> None:
        self.address, self.password = address, password
        self._port, self._dav, self._imap, self._send, self._context = port, dav, imap, send, context
        self._caller = Caller(port, address, password)
        self._caller.log_in()

    def live(self, sender: str) -> None:
        """All of it; mail comes from this address."""
        account = Caller(self._port, self.address, self.password, "/")
        account.log_in()
        word = secrets.token_hex(4)  # of this hour, if there was another one before
        account.call("account_sieve_put", script=word, old=None, text=SCRIPT, activate=True)
        shown = self._arrived(
            letter(sender, self.address, f"News {word}", "<p onclick=x>Hello<script>b</script> there</p>")
        )
        page = self._page(f"webmail/msg/{shown}/html")
        if b"there</p>" not in page or b"script>" in page:
            raise Finding(f"the mail of HTML is shown as {page[:500]!r}")
        self._answer(shown, sender)
        self.put_event()
        invited = self._arrived(invitation(sender, self.address, word))
        found = self._caller.call("invitation", message_id=invited, path="0.1")
        if found["title"] != "Choir":
            raise Finding(f"the invitation is shown as {found}")
        self._caller.call(
            "invitation_answer", message_id=invited, path="0.1", answer="yes", submit_id=secrets.token_hex(16)
        )
        self._arrived(letter(sender, self.address, f"[{word}] on Monday"), "Lists")

    def put_event(self, title: str = "Swimming") -> None:
        """Put a repeating event, and ask for its days."""
        year = time.gmtime().tm_year + 1
        text = EVENT.format(uid=title, year=year, title=title, more="RRULE:FREQ=WEEKLY;COUNT=9\r\n")
        self._ask("PUT", f"calendars/{self.account}/calendar/{title}.ics", text)
        report = (
            '<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:calendar-data>'
            f'<C:expand start="{year}0101T000000Z" end="{year}0201T000000Z"/></C:calendar-data></prop><C:filter>'
            '<C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
        )
        days = self._ask("REPORT", f"calendars/{self.account}/calendar/", report, depth="1").count(f"SUMMARY:{title}")
        if days != 4:
            raise Finding(f"the event has {days} days in January")

    @property
    def account(self) -> str:
        """The name of the account in paths."""
        return self.address.partition("@")[0]

    def _arrived(self, message: EmailMessage, mailbox: str = "INBOX") -> int:
        """Deliver a message, and return its id in the webmail."""
        self._send(message)
        subject = str(message["Subject"])

        def there() -> bool:
            if self._imap.select(mailbox)[0] != "OK":
                return False
            return bool(self._imap.search(None, "SUBJECT", json.dumps(subject))[1][0])

        until(there, what=f"the message {subject!r} in {mailbox}", pause=0.5)
        entries = self._caller.view({"filter": {"words": [subject], "mailbox_id": -2}})
        return int(entries[0][0]["id"])

    def _answer(self, message_id: int, to: str) -> None:
        begun = self._caller.call("compose_prepare", kind="reply", message_id=message_id)
        message: dict[str, Any] = {
            "from": {"name": "", "address": self.address},
            "to": [{"name": "", "address": to}],
            "cc": [],
            "bcc": [],
            "reply_to": [],
            "subject": begun["subject"],
            "text": "",
            "html": "<p>Thanks, <b>soon</b></p>",
            "uploads": [],
            "message_id": begun["message_id"],
            "in_reply_to": begun["in_reply_to"],
            "references": begun["references"],
        }
        self._caller.call("message_submit", message=message, submit_id=secrets.token_hex(16))

    def _page(self, path: str) -> bytes:
        cookie = "; ".join(f"{name}={value}" for name, value in self._caller.cookies.items())
        asked = urllib.request.Request(f"http://127.0.0.1:{self._port}/{path}", headers={"cookie": cookie})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return bytes(answer.read())

    def _ask(self, method: str, path: str, body: str, **headers: str) -> str:
        login = b64encode(f"{self.address}:{self.password}".encode()).decode()
        kind = "text/calendar" if method == "PUT" else "application/xml"
        fields = {"authorization": f"Basic {login}", "content-type": kind, **headers}
        asked = urllib.request.Request(f"{self._dav}{path}", body.encode(), fields, method=method)
        with urllib.request.urlopen(asked, timeout=60, context=self._context) as answer:
            return str(answer.read().decode())
