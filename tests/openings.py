"""All that is done with mails that are read: every call and page of the webmail, the account app, and IMAP.

`Opener` is a browser without a loop, `read_by_imap` a mail program. Refusals are answers; a
connection that breaks, or an answer of status 500, is a finding.
"""

import contextlib
import http.client
import imaplib
import json
import os
import re
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.browsing import typed_fields
from tests.campaigns.report import Finding
from tests.running import LocalServer

__all__ = [
    "ACCOUNT_CALLS",
    "PER_MESSAGE",
    "PER_SERVER",
    "WITHOUT_MAIL",
    "Opener",
    "append",
    "read_by_imap",
    "send",
]

PAGES: Final = (
    "text",
    "html",
    "htmlexternal",
    "msgtext",
    "msgtexts",
    "msghtml",
    "msghtmlexternal",
    "raw",
    "rawdl",
    "attachments.zip",
)
"""Pages of a message."""

KINDS: Final = ("reply", "reply_all", "reply_list", "forward", "forward_attached", "edit")
"""Answers to a message."""

PARTS: Final = 3
"""Parts of a message that are opened, each in three ways."""

SECONDS: Final = 60.0
"""For an answer: more than the server takes for anything."""

BUSY: Final = 3
"""Times that a refusal for the moment (503) is taken for an answer to try again."""


class Opener:
    """Cookies, token and calls of one app."""

    def __init__(self, server: LocalServer, user: str, password: str, app: str = "/webmail/") -> None:
        self.server, self.user, self.password, self.app = server, user, password, app
        self.cookies: dict[str, str] = {}
        self.csrf = ""
        self.refused: dict[str, int] = {}
        """Answers that are neither 200 nor 500, by their status and what was asked for."""
        self.boxes: dict[str, int] = {}
        """Ids of mailboxes by name, once a page is open."""

    def log_out_and_in(self, number: int) -> None:
        """A session's end, and another's begin; `number` is not looked at."""
        self.call("logout")
        self.log_in()

    def log_in(self) -> None:
        token = self.call("login_prep")
        self.csrf = self.call("login", login_token=token, username=self.user, password=self.password)["csrf_token"]

    def request(self, method: str, target: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        """One request; its status and the whole body. Raises Finding."""
        for attempt in range(BUSY):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port(80), timeout=SECONDS)
            headers = {"content-type": kind, "x-moxlite-csrf": self.csrf}
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            try:
                connection.request(method, self.app + target, body or None, headers)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as problem:
                raise Finding(
                    f"{target[:200]}: {problem!r}; the server's log:\n{self.server.log()[-3000:]}"
                ) from problem
            finally:
                connection.close()
            for field in response.headers.get_all("set-cookie") or []:
                name, _, value = field.partition(";")[0].partition("=")
                self.cookies[name] = value
            if response.status != 503 or attempt + 1 == BUSY:
                break
            time.sleep(1)
        if response.status == 500:
            raise Finding(f"{target[:200]} was answered {answer[:300]!r}:\n{self.server.log()[-3000:]}")
        if response.status != 200:
            what = f"{response.status} {re.sub(r'[/0-9.]*[0-9][/0-9.]*', '/N/', target).partition('?')[0]}"
            self.refused[what] = self.refused.get(what, 0) + 1
        return response.status, answer

    def call(self, name: str, /, **parameters: Any) -> Any:
        """A call's result; None where it is refused."""
        status, answer = self.request("POST", f"api/{name}", json.dumps(parameters).encode())
        return json.loads(answer)["result"] if status == 200 else None

    @contextlib.contextmanager
    def page(self, query: dict[str, Any] | None = None, count: int = 10_000) -> Iterator[list[int]]:
        """An open page: the ids that its list shows. Its stream is read no further."""
        wanted = query or {"filter": {"mailbox_id": 0, "mailbox_name": "Inbox"}}
        first = {"id": 1, "view_id": 1, "query": wanted, "page": {"count": count}}
        target = f"{self.app}events?token={self.call('token')}&request={quote(json.dumps(first))}"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port(80), timeout=SECONDS)
        try:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request("GET", target, headers={"cookie": cookie})
            response = connection.getresponse()
            if response.status != 200:
                raise Finding(f"a stream was answered {response.status}: {response.read()[:300]!r}")
            found: list[int] = []
            while line := response.readline():
                if not line.startswith(b"data: "):
                    continue
                event = json.loads(line.removeprefix(b"data: "))
                if event["kind"] == "start":
                    self.boxes = {box["name"]: box["id"] for box in event["mailboxes"]}
                if event["kind"] == "view_err":
                    raise Finding(f"a view was refused: {event['message']}")
                if event["kind"] == "view_msgs":
                    if not event["items"]:
                        break
                    found += [item["id"] for entry in event["items"] for item in entry]
            yield found
        finally:
            connection.close()

    def open(self, number: int) -> None:
        """Every call and page about one message."""
        for run in PER_MESSAGE.values():
            run(self, number)
        for page in PAGES:
            self.request("GET", f"msg/{number}/{page}")
        for path in self.parts(number):
            for kind in ("view", "viewtext", "download"):
                self.request("GET", f"msg/{number}/{kind}/{path}")

    def glance(self, number: int) -> None:
        """What a person does with a message: open it, look at its text and HTML, begin one kind of answer."""
        for call in ("message_item", "parsed_message", "message_details"):
            self.call(call, message_id=number)
        for page in ("msgtext", "msghtml"):
            self.request("GET", f"msg/{number}/{page}")
        self.answer(number, KINDS[number % len(KINDS)])

    def parts(self, number: int) -> list[str]:
        """Paths of some parts of a message, the last ones of its tree."""
        parsed = self.call("parsed_message", message_id=number)
        found: list[str] = []
        left = [parsed["structure"]] if parsed else []
        while left and len(found) < 200:
            part = left.pop()
            found.append(part["path"])
            left += part.get("parts", [])
        return [path for path in found[-PARTS:] if path]

    def answer(self, number: int, *kinds: str) -> None:
        """Kinds of answer to a message, all unless some are named; the one to all is kept as a draft, and removed."""
        for kind in kinds or KINDS:
            begun = self.call("compose_prepare", kind=kind, message_id=number)
            if begun is None:
                continue
            for upload in begun["uploads"]:
                self.call("upload_remove", upload_id=upload["upload_id"])
            if kind == "reply_all":
                saved = self.call("draft_save", draft=written(begun, number), save_id=f"{number:032x}")
                if saved is not None:
                    self.call("draft_find", message_id="<" + "x" * 900 + "@x.example>", seconds=60)
                    self.call("draft_remove", draft_id=saved)

    def put_off(self, number: int) -> None:
        """Put a message off, list it, and call it back."""
        self.call("message_snooze", message_ids=[number], until=int(time.time()) + 3600)
        self.call("messages_waiting")
        self.call("message_unsnooze", message_ids=[number])

    def send(self, number: int) -> None:
        """A reply that is sent, and one that is taken back."""
        begun = self.call("compose_prepare", kind="reply", message_id=number)
        if begun is not None:
            message = written(begun, number) | {"to": [{"name": "", "address": self.user}], "text": "x", "subject": "x"}
            self.call("message_submit", message=message, submit_id=f"{number:031x}a", undo_s=0)
            self.call("message_submit", message=message, submit_id=f"{number:031x}b", undo_s=30)
            self.call("message_submit_undo", submit_id=f"{number:031x}b")

    def export(self, form: str = "mbox", mailbox: str = "Inbox") -> int:
        """A mailbox as a file; its octets."""
        fields = {"format": form, "archive": "none" if form == "mbox" else "zip", "mailbox": mailbox, "csrf": self.csrf}
        _, octets = self.request("POST", "export", urlencode(fields).encode(), "application/x-www-form-urlencoded")
        return len(octets)

    def search(self, words: str) -> None:
        """Views of all mail: by words, threads, subject and size."""
        everywhere = {"mailbox_id": -1}
        for query in (
            {"filter": everywhere | {"words": [words]}},
            {"filter": everywhere | {"subject": [words]}, "threading": "on"},
            {"filter": everywhere | {"from": [words], "attachments": "any"}},
            {"filter": everywhere | {"size_min": 1}, "threading": "unread", "order_asc": True},
        ):
            with self.page(query):
                pass

    def change_all(self, number: int) -> None:
        """Calls about many messages and about mailboxes, ending where they began."""
        inbox, archive = self.boxes["Inbox"], self.boxes["Archive"]
        self.call("message_move", message_ids=[number], mailbox_id=archive)
        self.call("message_move", message_ids=[number], mailbox_id=inbox)
        query = {"filter": {"mailbox_id": inbox}}
        for action in ("flags_add", "flags_clear"):
            action_of = {"query": query, "modseq": 1 << 50, "action": action, "flags": ["\\Answered"]}
            self.call("query_action", action=action_of)
        self.call("mailboxes_mark_read", mailbox_ids=[inbox])
        name = f"made {number}"
        self.call("mailbox_create", name=name)
        with self.page():
            pass
        if made := self.boxes.get(name):
            self.call("mailbox_rename", mailbox_id=made, name=f"{name} too")
            self.call("mailbox_set_special_use", mailbox_id=made, roles=[])
            self.call("message_move", message_ids=[number], mailbox_id=made)
            self.call("message_delete", message_ids=[number])
            self.call("mailbox_delete", mailbox_id=made)

    def rule(self, number: int) -> None:
        """What is offered and kept of a message that was moved."""
        boxes = {"from_mailbox_id": self.boxes["Inbox"], "to_mailbox_id": self.boxes["Archive"]}
        self.call("ruleset_suggest_move", message_id=number, **boxes)
        self.call("ruleset_accept", message_id=number, **boxes)
        self.call("ruleset_never", message_id=number, never="message", **boxes)


def written(begun: dict[str, Any], number: int) -> dict[str, Any]:
    """A message as `compose_prepare` began it, to be kept or sent."""
    kept = typed_fields(begun)
    return kept | {"reply_to": [], "uploads": [], "original_id": number, "original_flag": "answered"}


Run = Callable[[Opener, int], object]

INVITED: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("invitation_answer", {"answer": "yes"}),
    ("invitation_propose", {"start": "2026-07-01T08:00Z", "end": "2026-07-01T09:00Z"}),
    ("invitation_proposal", {"accept": True}),
    ("invitation_proposal", {"accept": False}),
)
"""Calls with which an invitation, or another time for an event, is answered."""

PER_MESSAGE: Final[dict[str, Run]] = {
    "message_item": lambda o, n: o.call("message_item", message_id=n),
    "parsed_message": lambda o, n: o.call("parsed_message", message_id=n),
    "message_details": lambda o, n: o.call("message_details", message_id=n),
    "ruleset_for_sender": lambda o, n: o.call("ruleset_for_sender", message_id=n, mailbox_id=o.boxes["Inbox"]),
    "delivery_status": lambda o, n: o.call("delivery_status", message_id=n, seen=""),
    "flags_add": lambda o, n: o.call("flags_add", message_ids=[n], flags=["\\Flagged"]),
    "flags_clear": lambda o, n: o.call("flags_clear", message_ids=[n], flags=["\\Flagged"]),
    "thread_mute": lambda o, n: [o.call("thread_mute", message_ids=[n], mute=on) for on in (True, False)],
    "thread_collapse": lambda o, n: [o.call("thread_collapse", message_ids=[n], collapse=on) for on in (True, False)],
    "compose_prepare, draft_save, draft_find, draft_remove, upload_remove": Opener.answer,
    "ruleset_suggest_move, ruleset_accept, ruleset_never": Opener.rule,
    "message_snooze, message_unsnooze, messages_waiting": Opener.put_off,
    "invitation, invitation_answer, invitation_propose, invitation_proposal, invitation_apply": lambda o, n: [
        [
            o.call("invitation", message_id=n, path=path),
            *(o.call(name, message_id=n, path=path, submit_id=os.urandom(16).hex(), **more) for name, more in INVITED),
            o.call("invitation_apply", message_id=n, path=path),
        ]
        for path in ("0", "0.1")
    ],
    "unsubscribe": lambda o, n: [o.call("unsubscribe", message_id=n, by_post=on) for on in (True, False)],
    "claim_confirm": lambda o, n: o.call("claim_confirm", message_id=n),
    "receipt_send": lambda o, n: o.call("receipt_send", message_id=n, subject="Read", text="It was read."),
}
"""Calls about one message, by their names."""

PER_SERVER: Final[dict[str, Run]] = {
    "newsletters": lambda o, n: o.call("newsletters", order="messages"),
    "event_news": lambda o, n: o.call("event_news"),
    "message_submit, message_submit_undo": Opener.send,
    "message_move, query_action, mailboxes_mark_read, mailbox_create, mailbox_rename, mailbox_set_special_use, "
    "message_delete, mailbox_delete": Opener.change_all,
    "settings_save": lambda o, n: o.call("settings_save", settings={"signature": "x" * 5000}),
    "from_address_settings_save": lambda o, n: o.call(
        "from_address_settings_save", from_address="eve@evil.example", view_mode="html"
    ),
    "notice_archive": lambda o, n: o.call("notice_archive", message_id=n),
    "scheduled_change": lambda o, n: o.call("scheduled_change", message_id=n, send_at=0),
    "scheduled_cancel": lambda o, n: o.call("scheduled_cancel", message_id=n),
    "outbox, outbox_count": lambda o, n: [o.call("outbox", before=0), o.call("outbox_count")],
    "delivery_retry": lambda o, n: o.call("delivery_retry", delivery_ids=[1]),
    "delivery_cancel": lambda o, n: o.call("delivery_cancel", delivery_ids=[1]),
    "complete_recipient": lambda o, n: [o.call("complete_recipient", search=text) for text in ("e", "b@", "a" * 200)],
    "search_glance": lambda o, n: [
        o.call("search_glance", query={"filter": {"mailbox_id": -1, "words": [text]}}) for text in ("hello", "a" * 200)
    ],
    "files": lambda o, n: [
        o.call("files", query={"filter": {"mailbox_id": -1, "attachments": "any", "filenames": names}}, after=None)
        for names in ([], ["plan"])
    ],
    "recipient_security": lambda o, n: o.call("recipient_security", address="a@localhost"),
    "decode_mime_words": lambda o, n: o.call("decode_mime_words", text="=?utf-8?q?a?= " * 4000),
    "sorting_notices": lambda o, n: o.call("sorting_notices"),
    "account_vacation_set": lambda o, n: o.call("account_vacation_set", changed={"enabled": False}),
    "account_later_list": lambda o, n: o.call("account_later_list"),
    "request": lambda o, n: o.call("request", request={"id": 2, "view_id": 1, "cancel": True}),
    "login_prep, login, token, logout": Opener.log_out_and_in,
}
"""Other calls, by their names; each is given the id of a message."""

ACCOUNT_CALLS: Final[dict[str, dict[str, Any]]] = {
    "apps": {},
    "copy_state": {},
    "account_forward_list": {},
    "script_list": {},
    "shares": {},
    "link_list": {},
    "masked_list": {"text": "", "offset": 0},
    "account_vacation_show": {},
    "overview": {},
    "mailboxes": {},
    "rule_labels": {},
    "import_state": {},
    "import_check": {"size": 1 << 20},
    "import_abort": {"token": "x"},
    "attempt_list": {"after": "", "count": 50},
    "account_rule_list": {},
    "account_junk_show": {},
    "account_junk_mark_inbox": {},
    "account_junk_unmark_inbox": {},
    "junk_teach": {},
    "junk_retrain": {},
    "junk_training": {},
    "rules_try": {"address": "moxlite@localhost", "rules": []},
    "rules_count": {"address": "moxlite@localhost", "rules": [], "after": None},
    "sort_move": {"ids": [1 << 40], "source": "Inbox", "target": "Archive"},
    "sending": {},
    "session_list": {},
    "provider_state": {},
    "queue_suppress_list": {},
}
"""Calls of the account app that read mail, or what strangers have sent with it."""

WITHOUT_MAIL: Final = frozenset(
    {
        "calendar_link_make",
        "calendar_link_rm",
        "calendar_link_list",
        "calendar_refresh",
        "calendar_subscribe",
        "calendar_view",
        "calendar_import",
        "event_search",
        "events_with",
        "busy_times",
        "deleted_list",
        "deleted_restore",
        "calendar_remove",
        "calendar_save",
        "calendars",
        "event",
        "event_answer",
        "account_access",
        "account_remove_access",
        "account_take_back",
        "account_app_password_allow",
        "provider_connect",
        "provider_connected",
        "provider_disconnect",
        "provider_name",
        "provider_login",
        "provider_finish",
        "provider_logout",
        "provider_confirm",
        "provider_confirmed",
        "event_news_seen",
        "event_propose",
        "event_remove",
        "event_undo",
        "event_save",
        "events",
        "export_prep",
        "hand_on",
        "label_counts",
        "login_handed",
        "copy_abort",
        "copy_dismiss",
        "calendar_copy",
        "calendar_copy_abort",
        "calendar_copy_dismiss",
        "calendar_copy_state",
        "settings",
        "copy_go_on",
        "copy_look",
        "copy_pause",
        "account_forward_ask",
        "account_forward_set",
        "account_forward_start",
        "rules_as_sieve",
        "script_count",
        "account_sieve_activate",
        "script_check",
        "account_sieve_rm",
        "account_sieve_get",
        "account_sieve_rename",
        "account_sieve_put",
        "address_add",
        "link_add",
        "link_find",
        "link_set_password",
        "link_pause",
        "link_resume",
        "link_rm",
        "link_rename",
        "link_set_sending",
        "link_set_sorting",
        "address_off",
        "address_on",
        "address_rm",
        "address_set",
        "account_share_set",
        "account_delegate_set",
        "account_delegate_rm",
        "account_later_stop",
        "account_vacation_set",
        "account_app_password_add",
        "account_app_password_list",
        "account_app_password_rm",
        "app_password_remove_all",
        "confirm",
        "address_book_guests",
        "address_book_remove",
        "address_book_save",
        "contacts_share",
        "address_books",
        "birthdays",
        "contact",
        "contact_move",
        "contact_remove",
        "contact_restore",
        "contact_save",
        "contacts",
        "contacts_doubles",
        "contacts_import",
        "contacts_merge",
        "contacts_group",
        "group_members",
        "contact_group_remove",
        "contact_group_save",
        "contact_groups",
        "import_abort",
        "import_check",
        "import_state",
        "import_undo",
        "notices",
        "preferences",
        "preferences_save",
        "notices_choose",
        "notices_remove",
        "notices_subscribe",
        "notices_test",
        "template_remove",
        "template_save",
        "templates",
        "confirm_options",
        "account_rule_set",
        "device_answer",
        "device_look",
        "device_open",
        "device_start",
        "device_state",
        "factor_remove",
        "settings_save",
        "generate_password",
        "account_junk_set",
        "config_tlspubkey_add",
        "config_tlspubkey_challenge",
        "key_begin",
        "key_created",
        "key_finish",
        "config_tlspubkey_list",
        "config_tlspubkey_rm",
        "config_tlspubkey_set",
        "alarms",
        "alarm_seen",
        "calendar_guests",
        "calendar_share",
        "file_import_state",
        "file_import_stop",
        "inbox_unread",
        "label_remove",
        "label_save",
        "newsletter_archive",
        "login",
        "login_factor",
        "login_prep",
        "logout",
        "not_me",
        "password_state",
        "recover",
        "recovery_codes_new",
        "recovery_info",
        "second_factors",
        "sending_save",
        "session_remove",
        "session_remove_others",
        "set_password",
        "queue_suppress_add",
        "queue_suppress_remove",
        "totp_begin",
        "totp_finish",
        "webhook_test",
    }
)
"""Calls of the apps that touch no message."""


imaplib._MAXLINE = 64 << 20  # type: ignore[attr-defined]  # the envelope of a long list of recipients is one line


def append(client: imaplib.IMAP4, message: bytes) -> None:
    """Put a message into the Inbox; a refusal is an answer."""
    client.append("INBOX", None, None, message)


def send(server: LocalServer, author: str, recipient: str, message: bytes, *, submit: bool = False) -> bool:
    """Send a message to the server, or submit it as its user, over a connection of its own; False if it was refused."""
    with smtplib.SMTP("127.0.0.1", server.port(587 if submit else 25), timeout=SECONDS) as client:
        client.ehlo("evil.example")
        if submit:
            client.login(server.user, server.password)
        try:
            client.sendmail(author, [recipient], message)
        except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
            client.close()
            return False
    return True


FETCHED: Final = (
    "(FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
    "(BODY.PEEK[HEADER] BODY.PEEK[HEADER.FIELDS (SUBJECT TO REFERENCES)] BODY.PEEK[HEADER.FIELDS.NOT (TO)])",
    "(BODY.PEEK[TEXT]<0.100000> BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1]<10.20> BODY)",
    "(BINARY.PEEK[1] BINARY.SIZE[1] EMAILID THREADID SAVEDATE PREVIEW)",
    "(BODY.PEEK[])",
)
"""Items of FETCH: those of RFC 9051 §6.4.5 and of the extensions that read more."""

SEARCHED: Final = (
    "TEXT zebra",
    "BODY zebra",
    'SUBJECT "a"',
    "FROM evil TO mia",
    'HEADER References "x"',
    "OR LARGER 100000 SENTBEFORE 1-Jan-2020",
    "NOT KEYWORD x",
)
"""Keys of SEARCH, SORT and THREAD."""


ORDERS: Final = ("SUBJECT", "FROM", "TO", "SIZE", "DATE", "DISPLAYFROM", "DISPLAYTO")
"""Keys of SORT."""


def read_by_imap(client: imaplib.IMAP4, items: Sequence[str] = FETCHED, *, crossed: bool = True) -> int:
    """FETCH of all items of all messages, SEARCH, SORT and THREAD; how many messages there are.

    `crossed`: each order of SORT, and each way of THREAD, with each key of SEARCH; else each key and order once.
    """
    _, (count,) = client.select("INBOX")
    for item in items:
        client.fetch("1:*", item)
    for number, keys in enumerate(SEARCHED):
        client.search(None, keys)
        for order in ORDERS if crossed else ORDERS[number : number + 1]:
            client.sort(f"({order})", "UTF-8", keys if crossed else "ALL")
        if crossed or not number:
            for way in ("REFERENCES", "ORDEREDSUBJECT"):
                client.thread(way, "UTF-8", keys if crossed else "ALL")
    return int(count or 0)
