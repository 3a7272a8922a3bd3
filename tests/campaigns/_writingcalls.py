"""The calls of webmail, account and admin that change something, each with what it needs: `DRIVERS` makes the things
that a call is about, and gives its parameters. `REFUSED` names those that this server must refuse, and why.

`writing_calls` is the list of the schemas: a call that is new is in it, and has no driver until somebody writes one.
"""

import imaplib
import json
import random
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from tests.campaigns.calls import App
from tests.campaigns.report import Finding
from tests.keyproof import proof_of
from tests.pushservice import Phone
from tests.running import LocalServer
from tests.session.test_web_account_settings import certificate
from tests.session.test_web_calendars import form
from tests.tools import until

__all__ = [
    *("CHANGES", "DRIVERS", "OWN_IDS", "REFUSED", "SETTING", "UNSETTLING", "World"),
    *("changing_calls", "parameters_of", "writing_calls"),
]

OWN_IDS: Final = ("draft_save", "message_submit", "message_submit_undo")
"""Calls that the composer makes again by ids of their own: to it, one that wasn't answered may have been done."""

CHANGES: Final = ("flags_add", "flags_clear", "message_move", "message_delete", "thread_mute", *OWN_IDS)
"""Calls of the webmail that change something, and are no calls that are done once: they say what is so afterwards, or
have ids of their own: doing them twice is doing them once.
"""

SETTING: Final = (
    *("alarm_seen", "calendar_view", "event_news_seen", "from_address_settings_save", "log_level_set"),
    *("mailbox_set_special_use", "notices_choose", "preferences_save", "ruleset_never", "thread_collapse"),
)
"""Calls that set something to what it is then, which pages make again without an answer."""

GUEST: Final = "second"
GUEST_ADDRESS: Final = f"{GUEST}@localhost"
LATER: Final = 20 * 86_400

UNSETTLING: Final = ("account generate_password", "account not_me")
"""Calls that give the account another password."""

MAIL: Final = (
    "From: Ada Lind <ada@nordlicht.example>\r\nTo: moxlite@localhost\r\nSubject: {word}\r\nMessage-ID: <{word}@x>\r\n"
    "Date: Mon, 01 Jun 2026 10:00:00 +0000\r\n{more}\r\nSome text.\r\n"
)
EVENT: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{method}BEGIN:VEVENT\r\nUID:{word}@nordlicht.example\r\n"
    "DTSTAMP:20260601T000000Z\r\nDTSTART:20300701T100000Z\r\nDTEND:20300701T113000Z\r\nSUMMARY:{word}\r\n"
    "ORGANIZER;CN=Ada Lind:mailto:ada@nordlicht.example\r\nATTENDEE;CN=Mox:mailto:moxlite@localhost\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
INVITATION: Final = (
    "From: Ada Lind <ada@nordlicht.example>\r\nTo: moxlite@localhost\r\nSubject: {word}\r\nMIME-Version: 1.0\r\n"
    "Message-ID: <{word}@x>\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n{event}"
)
CARD: Final = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{word}\r\nN:;{word};;;\r\nFN:{word}\r\nEND:VCARD\r\n"


def schema_of(app: str) -> Any:
    """The description of an app's calls."""
    return json.loads((Path(__file__).parents[2] / f"schema/{app}.schema.json").read_bytes())


def writing_calls(app: str) -> list[str]:
    """The calls that a page makes and that change something."""
    calls = schema_of(app)["x-calls"]
    return [name for name, entry in calls.items() if entry["once"] or (app == "webmail" and name in CHANGES)]


def changing_calls(app: str) -> list[str]:
    """The same, and calls that set something to what it is then."""
    return [*writing_calls(app), *(name for name in schema_of(app)["x-calls"] if name in SETTING)]


def parameters_of(app: str, name: str) -> list[str]:
    """The names of a call's parameters, in the order in which a page gives them."""
    schema = schema_of(app)
    reference = schema["x-calls"][name]["parameters"]["$ref"]
    entry = schema["$defs"][reference.rpartition("/")[2]]
    return sorted(entry["properties"], key=lambda name: name not in entry.get("required", ()))


class World:
    """A server with things for calls, and somebody who makes these by connections of their own."""

    def __init__(self, server: LocalServer, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self._apps = {name: App(server, name, chance) for name in ("webmail", "account", "admin")}
        self._number = 0
        self._guest = False

    def word(self) -> str:
        """A word that nothing else has."""
        self._number += 1
        return f"kestrel{self._number}"

    def new_id(self) -> str:
        """An id as a page makes it."""
        return self.chance.randbytes(16).hex()

    def call(self, app: str, name: str, /, **parameters: Any) -> Any:
        """The result of a call, with a session that was confirmed. Raises Finding for a refusal."""
        one = self._apps[app]
        for _ in range(2):
            with one.patient():
                status, body = one.post(name, json.dumps(parameters).encode())
            answer = json.loads(body)
            code = answer.get("error", {}).get("code")
            if code not in ("user:noAuth", "user:badAuth", "user:confirm"):
                break
            one.log_in()
        if status != 200 or "error" in answer:
            raise Finding(f"{app} {name} was refused while a case was prepared: {status} {body.decode()[:300]}")
        return answer["result"]

    def webmail(self, name: str, /, **parameters: Any) -> Any:
        """A call of the webmail."""
        return self.call("webmail", name, **parameters)

    def account(self, name: str, /, **parameters: Any) -> Any:
        """A call of the account app."""
        return self.call("account", name, **parameters)

    def admin(self, name: str, /, **parameters: Any) -> Any:
        """A call of the admin app."""
        return self.call("admin", name, **parameters)

    def upload(self, octets: str, content: str) -> str:
        """A file that was sent to the webmail."""
        self.webmail("calendars")  # there is a session
        status, body = self._apps["webmail"].send("upload?filename=f", octets.encode(), content, session=True)
        if status != 200:
            raise Finding(f"an upload was answered with {status}: {body.decode()[:300]}")
        answer = json.loads(body)
        return str(answer.get("result", answer)["upload_id"])

    def append(self, text: str) -> int:
        """The id of a message that is put into the Inbox."""
        session = imaplib.IMAP4("127.0.0.1", self.server.port(143), timeout=60)
        session.login(self.server.user, self.server.password)
        session.append("INBOX", "", "", text.encode())
        session.logout()
        return self.newest()

    def newest(self) -> int:
        """The id of the newest message of all."""
        return self._number_in("SELECT max(id) FROM message")

    def message(self, more: str = "") -> int:
        """The id of a new message, with more fields."""
        return self.append(MAIL.format(word=self.word(), more=more))

    def mailbox(self, name: str = "Inbox") -> int:
        """The id of a mailbox."""
        return self._number_in("SELECT id FROM mailbox WHERE name = ?", name)

    def _number_in(self, question: str, *values: str) -> int:
        with closing(sqlite3.connect(self.server.folder / "data/accounts/moxlite/account.db")) as database:
            return int(database.execute(question, values).fetchone()[0])

    def calendar(self) -> Any:
        """The first calendar."""
        return self.webmail("calendars")[0]

    def restore(self) -> None:
        """Give the account its password again."""
        self.server.cli("account", "set-password", "moxlite", stdin=f"{self.server.password}\n")

    def guest(self) -> str:
        """Another account."""
        if not self._guest:
            self.admin("account_add", name=GUEST, address=GUEST_ADDRESS)
            self._guest = True
        return GUEST


Parameters: TypeAlias = Mapping[str, Any]
Driver: TypeAlias = Callable[[World], Parameters]


def fixed(**parameters: Any) -> Driver:
    """A call that needs nothing."""
    return lambda _: parameters


def named(*path: str, **rest: Any) -> Driver:
    """A call in which something has a new name: at this path of its parameters."""

    def made(world: World) -> Parameters:
        inner: Any = world.word()
        for key in reversed(path):
            inner = {key: inner}
        return {**rest, **inner}

    return made


# What calls are about


def event(world: World) -> int:
    """A new event."""
    given = form("2030-01-01T10:00", "2030-01-01T11:00", title=world.word())
    return int(world.webmail("event_save", calendar_id=world.calendar()["id"], event=given)["id"])


def invited(world: World) -> int:
    """An event to which the user is invited."""
    word = world.word()
    upload = world.upload(EVENT.format(word=word, method=""), "text/calendar")
    calendar = world.calendar()["id"]
    world.webmail("calendar_import", calendar_id=calendar, upload_id=upload)
    return int(world.webmail("event_search", text=word, calendar_ids=[calendar])["events"][0]["event"]["id"])


def invitation(world: World) -> dict[str, Any]:
    """A message with an invitation."""
    word = world.word()
    number = world.append(INVITATION.format(word=word, event=EVENT.format(word=word, method="METHOD:REQUEST\r\n")))
    return {"message_id": number, "path": "0", "submit_id": world.new_id()}


def announced(world: World) -> dict[str, Any]:
    """A message with an event that its organizer publishes."""
    word = world.word()
    event = EVENT.format(word=word, method="METHOD:PUBLISH\r\n")
    number = world.append(INVITATION.format(word=word, event=event).replace("method=REQUEST", "method=PUBLISH"))
    return {"message_id": number, "path": "0", "calendar_id": world.calendar()["id"]}


def person(world: World) -> int:
    """A new contact."""
    word = world.word()
    contact = {"name": word, "emails": [], "phones": [], "organization": "", "note": "", "groups": []}
    return int(world.webmail("contact_save", contact=contact))


def contact_form(world: World) -> dict[str, Any]:
    """What the form of a contact has."""
    word = world.word()
    return {"name": word, "emails": [], "phones": [], "organization": "", "note": word, "groups": []}


def composed(world: World) -> dict[str, Any]:
    """A message as the composer has it."""
    begun = world.webmail("compose_prepare", kind="new")
    message = {key: begun[key] for key in ("from", "cc", "bcc", "message_id", "in_reply_to", "references")}
    message |= {"to": [{"name": "", "address": world.server.user}], "reply_to": [], "subject": world.word()}
    return {**message, "text": "Hello", "uploads": []}


def draft(world: World) -> int:
    """A new draft."""
    return int(world.webmail("draft_save", draft=composed(world), save_id=world.new_id()))


def scheduled(world: World) -> int:
    """A message that is sent later: its place in Scheduled."""
    given = {"message": composed(world), "submit_id": world.new_id(), "send_at": int(time.time()) + LATER}
    world.webmail("message_submit", **given)
    return world.newest()


def submitted(world: World) -> str:
    """A message that can be taken back for a while."""
    own = world.new_id()
    world.webmail("message_submit", message=composed(world), submit_id=own, undo_s=60)
    return own


def waiting(world: World) -> int:
    """A message that is held in the queue."""
    to = f"{world.word()}@away.example"
    world.admin("queue_holdrules_add", recipient=to)
    message = composed(world) | {"to": [{"name": "", "address": to}]}
    world.webmail("message_submit", message=message, submit_id=world.new_id(), undo_s=0)
    held: list[int] = []

    def looked() -> list[int]:
        held.extend(int(one["id"]) for one in world.admin("queue_list", filter={"recipient": to}))
        return held

    until(looked, what="the message in the queue", pause=0.5)
    return held[0]


def masked(world: World) -> str:
    """A new masked address."""
    return str(world.account("address_add", site=world.word())["address"])


def script(world: World) -> str:
    """A new Sieve script."""
    word = world.word()
    world.account("account_sieve_put", script=word, text="keep;\r\n")
    return word


def device(world: World) -> int:
    """A device for notices."""
    endpoint = f"https://push.example/{world.word()}"
    return int(world.webmail("notices_subscribe", **Phone().subscription(endpoint)))


def key(world: World, app: str) -> dict[str, Any]:
    """A certificate that is not there yet."""
    private = ec.generate_private_key(ec.SECP256R1())
    account = {"account": "moxlite"} if app == "admin" else {}
    challenge = world.call(app, "config_tlspubkey_challenge", **account)["command"]
    given = {"certificate": certificate(private), "address": world.server.user, "name": world.word(), **account}
    return {**given, "proof": proof_of(private, challenge)}


def template(world: World) -> int:
    """A new template."""
    return int(world.account("template_save", template={"id": 0, "name": world.word()}))


def domain(world: World) -> str:
    """A new domain."""
    name = f"{world.word()}.example"
    world.admin("config_domain_add", domain=name, account="moxlite")
    return name


def account(world: World) -> str:
    """A new account."""
    word = world.word()
    world.admin("account_add", name=word, address=f"{word}@localhost")
    return word


def alias(world: World) -> str:
    """A new alias with one member."""
    address = f"{world.word()}@localhost"
    world.admin("config_alias_add", alias=address, members=[world.server.user])
    return address


def after(app: str, name: str, make: Driver, *kept: str) -> Driver:
    """A call about what another one has just made, with these of its parameters."""

    def driver(world: World) -> Parameters:
        parameters = make(world)
        world.call(app, name, **parameters)
        return {key: parameters[key] for key in kept}

    return driver


def hold_rule(world: World) -> int:
    """A rule by which messages are held."""
    sender = f"{world.word()}@x.example"
    world.admin("queue_holdrules_add", sender=sender)
    return next(int(one["id"]) for one in world.admin("queue_holdrules_list") if one["sender"] == sender)


def selector(world: World) -> dict[str, Any]:
    """Another signing key."""
    return {"domain": "localhost", "selector": world.word(), "algorithm": "ed25519"}


def calendar_share(world: World) -> Parameters:
    """A calendar, and the person who gets it."""
    name = world.word()
    number = world.webmail("calendar_save", change={"name": name})
    place = next(one["path"] for one in world.webmail("calendars") if one["id"] == number)
    return {"name": place, "guest": world.guest()}


def book_share(world: World) -> Parameters:
    """The first address book, and the person who gets it."""
    return {"name": world.webmail("address_books")[0]["path"], "guest": world.guest()}


def deleted(world: World) -> int:
    """An event that can be brought back."""
    world.webmail("event_remove", event_id=event(world))
    return int(world.webmail("deleted_list", kind="calendar")[0]["id"])


def flagging(world: World) -> Parameters:
    """An act on all messages of a mailbox."""
    world.message()
    query = {"filter": {"mailbox_id": world.mailbox()}}
    return {"action": {"query": query, "modseq": 2**40, "action": "flags_add", "flags": [world.word()]}}


def linked(world: World) -> int:
    """A link to a calendar."""
    world.webmail("calendar_link_make", name=world.calendar()["path"], note=world.word())
    return int(world.webmail("calendar_link_list")[-1]["id"])


def rule_change(world: World) -> Parameters:
    """A name for an address."""
    return {"address": world.server.user, "changed": {"full_name": world.word()}}


def hook(world: World) -> Parameters:
    """The settings of webhooks."""
    old = world.account("sending")["form"]
    return {"old": old, "changed": old | {"keep_retired_message_period": f"{world.chance.randrange(25, 90)}h"}}


def account_settings(world: World) -> Parameters:
    """A setting of an account, by its administrator."""
    before = world.admin("settings", path=["accounts", "moxlite"])
    before = before.get("values", before)
    return {"path": ["accounts", "moxlite"], "before": before, "after": before | {"full_name": world.word()}}


DRIVERS: Final[Mapping[str, Driver]] = {
    "webmail account_vacation_set": named("changed", "subject"),
    "webmail address_add": named("site"),
    "webmail address_book_save": named("name"),
    "webmail address_book_remove": lambda w: {"book_id": w.webmail("address_book_save", name=w.word())},
    "webmail address_off": lambda w: {"address": masked(w)},
    "webmail address_on": after("webmail", "address_off", lambda w: {"address": masked(w)}, "address"),
    "webmail calendar_import": lambda w: {
        "calendar_id": w.calendar()["id"],
        "upload_id": w.upload(EVENT.format(word=w.word(), method=""), "text/calendar"),
    },
    "webmail calendar_link_make": lambda w: {"name": w.calendar()["path"], "note": w.word()},
    "webmail calendar_link_rm": lambda w: {"id": linked(w)},
    "webmail calendar_remove": lambda w: {"calendar_id": w.webmail("calendar_save", change={"name": w.word()})},
    "webmail calendar_save": named("change", "name"),
    "webmail calendar_share": calendar_share,
    "webmail claim_confirm": lambda w: {"message_id": w.message()},
    "webmail contact_group_remove": lambda w: {"group": w.webmail("contact_group_save", name=w.word())},
    "webmail contact_group_save": named("name"),
    "webmail contact_move": lambda w: {
        "contact_id": person(w),
        "book_id": w.webmail("address_book_save", name=w.word()),
    },
    "webmail contact_remove": lambda w: {"contact_id": person(w)},
    "webmail contact_restore": lambda w: {"card": CARD.format(word=w.word())},
    "webmail contact_save": lambda w: {"contact": contact_form(w)},
    "webmail contacts_group": lambda w: {
        "contact_ids": [person(w)],
        "group": w.webmail("contact_group_save", name=w.word()),
    },
    "webmail contacts_import": lambda w: {"upload_id": w.upload(CARD.format(word=w.word()), "text/vcard")},
    "webmail contacts_merge": lambda w: {"contact_id": person(w), "others": [person(w)]},
    "webmail contacts_share": book_share,
    "webmail deleted_restore": lambda w: {"deleted_id": deleted(w)},
    "webmail delivery_cancel": lambda w: {"delivery_ids": [waiting(w)]},
    "webmail delivery_retry": lambda w: {"delivery_ids": [waiting(w)]},
    "webmail draft_remove": lambda w: {"draft_id": draft(w)},
    "webmail draft_save": lambda w: {"draft": composed(w), "save_id": w.new_id()},
    "webmail event_answer": lambda w: {"event_id": invited(w), "answer": "yes"},
    "webmail event_propose": lambda w: {
        "event_id": invited(w),
        "start": "2030-07-02T10:00Z",
        "end": "2030-07-02T11:00Z",
        "submit_id": w.new_id(),
    },
    "webmail event_remove": lambda w: {"event_id": event(w)},
    "webmail event_undo": lambda w: {"steps": w.webmail("event_remove", event_id=event(w))["undo"]},
    "webmail event_save": lambda w: {
        "calendar_id": w.calendar()["id"],
        "event": form("2030-01-01T10:00", "2030-01-01T11:00", title=w.word()),
    },
    "webmail flags_add": lambda w: {"message_ids": [w.message()], "flags": ["\\Flagged"]},
    "webmail flags_clear": lambda w: {"message_ids": [w.message()], "flags": ["\\Seen"]},
    "webmail invitation_apply": announced,
    "webmail invitation_answer": lambda w: {**invitation(w), "answer": "yes"},
    "webmail invitation_propose": lambda w: {
        **invitation(w),
        "start": "2030-07-02T10:00Z",
        "end": "2030-07-02T11:00Z",
    },
    "webmail label_remove": lambda w: {"keyword": w.webmail("label_save", name=w.word(), color=1)["keyword"]},
    "webmail label_save": named("name", color=1),
    "webmail mailbox_create": named("name"),
    "webmail mailbox_delete": lambda w: {"mailbox_id": w.webmail("mailbox_create", name=w.word())},
    "webmail mailbox_rename": lambda w: {
        "mailbox_id": w.webmail("mailbox_create", name=w.word()),
        "name": w.word(),
    },
    "webmail message_delete": lambda w: {"message_ids": [w.message()]},
    "webmail message_move": lambda w: {"message_ids": [w.message()], "mailbox_id": w.mailbox("Archive")},
    "webmail message_snooze": lambda w: {"message_ids": [w.message()], "until": int(time.time()) + LATER},
    "webmail message_unsnooze": after(
        "webmail",
        "message_snooze",
        lambda w: {"message_ids": [w.message()], "until": int(time.time()) + LATER},
        "message_ids",
    ),
    "webmail message_submit": lambda w: {"message": composed(w), "submit_id": w.new_id(), "undo_s": 0},
    "webmail message_submit_undo": lambda w: {"submit_id": submitted(w)},
    "webmail newsletter_archive": fixed(sender_id=1),
    "webmail notice_archive": lambda w: {"message_id": w.message()},
    "webmail notices_remove": lambda w: {"device_id": device(w)},
    "webmail notices_subscribe": lambda w: Phone().subscription(f"https://push.example/{w.word()}"),
    "webmail notices_test": lambda w: {"device_id": device(w)},
    "webmail query_action": flagging,
    "webmail receipt_send": lambda w: {
        "message_id": w.message("Disposition-Notification-To: ada@nordlicht.example\r\n"),
        "subject": "Read",
        "text": "Read.",
    },
    "webmail scheduled_cancel": lambda w: {"message_id": scheduled(w)},
    "webmail scheduled_change": lambda w: {"message_id": scheduled(w), "send_at": int(time.time()) + 2 * LATER},
    "webmail settings_save": lambda w: {"settings": {"signature": w.word()}},
    "webmail template_remove": lambda w: {"template_id": template(w)},
    "webmail template_save": lambda w: {"template": {"id": 0, "name": w.word()}},
    "webmail thread_mute": lambda w: {"message_ids": [w.message()], "mute": True},
    "webmail unsubscribe": lambda w: {
        "message_id": w.message("List-Unsubscribe: <mailto:leave@nordlicht.example>\r\n"),
        "by_post": False,
    },
    "account account_app_password_add": named("name", scopes=["imap"], expires=None),
    "account account_app_password_allow": lambda w: {
        "name": app_password(w),
        "sharing": True,
    },
    "account account_app_password_rm": lambda w: {"name": app_password(w)},
    "account account_delegate_set": lambda w: {"guest": w.guest(), "sends": "as"},
    "account account_delegate_rm": after(
        "account", "account_delegate_set", lambda w: {"guest": w.guest(), "sends": "as"}, "guest"
    ),
    "account account_forward_set": lambda w: {
        "changed": {"forward_to": [f"{w.word()}@far.example"], "keep_copy": True}
    },
    "account account_junk_set": named("changed", "rejects_mailbox"),
    "account account_junk_unmark_inbox": fixed(),
    "account account_remove_access": lambda w: {"way": way(w)},
    "account account_rule_set": rule_change,
    "account account_share_set": lambda w: {"mailbox": "Inbox", "guest": w.guest(), "rights": "lr"},
    "account account_sieve_activate": lambda w: {"script": script(w)},
    "account account_sieve_put": named("script", text="keep;\r\n"),
    "account account_sieve_rename": lambda w: {"script": script(w), "new_name": w.word()},
    "account account_sieve_rm": lambda w: {"script": script(w)},
    "account account_take_back": fixed(since=1 << 52),
    "account account_vacation_set": named("changed", "subject"),
    "account address_add": named("site"),
    "account address_off": lambda w: {"address": masked(w)},
    "account address_on": after("account", "address_off", lambda w: {"address": masked(w)}, "address"),
    "account address_rm": lambda w: {"address": masked(w)},
    "account address_set": lambda w: {"address": masked(w), "note": w.word()},
    "account app_password_remove_all": fixed(),
    "account calendar_copy": fixed(url="https://127.0.0.1:9/", user="a", password="b"),
    "account calendar_copy_abort": fixed(),
    "account calendar_copy_dismiss": fixed(),
    "account config_tlspubkey_add": lambda w: key(w, "account"),
    "account config_tlspubkey_rm": lambda w: {
        "fingerprint": w.account("config_tlspubkey_add", **key(w, "account"))["fingerprint"]
    },
    "account config_tlspubkey_set": lambda w: {
        "fingerprint": w.account("config_tlspubkey_add", **key(w, "account"))["fingerprint"],
        "changed": {"name": w.word()},
    },
    "account copy_dismiss": fixed(),
    "account device_start": named("name"),
    "account generate_password": fixed(),
    "account not_me": fixed(),
    "account notices_remove": lambda w: {"device_id": device(w)},
    "account notices_test": lambda w: {"device_id": device(w)},
    "account queue_suppress_add": lambda w: {"address": f"{w.word()}@gone.example"},
    "account queue_suppress_remove": after(
        "account", "queue_suppress_add", lambda w: {"address": f"{w.word()}@gone.example"}, "address"
    ),
    "account sending_save": hook,
    "account session_remove": lambda w: {
        "session_id": next(one["id"] for one in w.account("session_list") if one["current"])
    },
    "account session_remove_others": fixed(),
    "account set_password": lambda w: {"password": w.server.password},
    "account settings_save": lambda w: {"old": {}, "changed": {"full_name": w.word()}},
    "account sort_move": lambda w: {"ids": [w.message()], "source": "Inbox", "target": "Archive"},
    "account template_remove": lambda w: {"template_id": template(w)},
    "account template_save": lambda w: {"template": {"id": 0, "name": w.word()}},
    "account totp_begin": named("name"),
    "account webhook_test": fixed(
        hook={"url": "http://127.0.0.1:9/hook", "authorization": "", "events": [], "secret": ""}, incoming=False
    ),
    "admin account_add": lambda w: {"name": (word := w.word()), "address": f"{word}@localhost"},
    "admin account_delegate_set": lambda w: {"guest": w.guest(), "sends": "as", "account": "moxlite"},
    "admin account_delegate_rm": after(
        "admin",
        "account_delegate_set",
        lambda w: {"guest": w.guest(), "sends": "as", "account": "moxlite"},
        "guest",
        "account",
    ),
    "admin account_factors_reset": lambda w: {"name": account(w)},
    "admin account_password": lambda w: {"name": account(w), "password": f"a long password {w.word()}"},
    "admin account_recovery_link": lambda w: {"name": account(w)},
    "admin account_remove_access": lambda w: {"way": way(w), "account": "moxlite"},
    "admin account_take_back": fixed(since=1 << 52, account="moxlite"),
    "admin account_undelete": fixed(account="moxlite"),
    "admin admin_token_add": named("name", scopes=["read"]),
    "admin admin_token_rm": lambda w: {"name": token(w)},
    "admin config_account_disable": lambda w: {"account": account(w), "message": "Closed."},
    "admin config_account_enable": lambda w: {"account": disabled(w)},
    "admin config_account_rm": lambda w: {"account": account(w)},
    "admin config_address_add": lambda w: {"address": f"{w.word()}@localhost", "account": "moxlite"},
    "admin config_address_rm": lambda w: {"address": address(w)},
    "admin config_alias_add": lambda w: {"alias": f"{w.word()}@localhost", "members": [w.server.user]},
    "admin config_alias_addaddr": lambda w: {"alias": alias(w), "members": [f"{w.guest()}@localhost"]},
    "admin config_alias_rm": lambda w: {"alias": alias(w)},
    "admin config_alias_rmaddr": after(
        "admin",
        "config_alias_addaddr",
        lambda w: {"alias": alias(w), "members": [f"{w.guest()}@localhost"]},
        "alias",
        "members",
    ),
    "admin config_domain_add": lambda w: {"domain": f"{w.word()}.example", "account": "moxlite"},
    "admin config_domain_disable": lambda w: {"domain": domain(w)},
    "admin config_domain_enable": after("admin", "config_domain_disable", lambda w: {"domain": domain(w)}, "domain"),
    "admin config_domain_peer_set": lambda w: {"domain": domain(w), "hosts": ["mx.away.example"]},
    "admin config_domain_peer_rm": after(
        "admin", "config_domain_peer_set", lambda w: {"domain": domain(w), "hosts": ["mx.away.example"]}, "domain"
    ),
    "admin config_domain_rm": lambda w: {"domain": domain(w)},
    "admin config_domain_strict": lambda w: {"domain": domain(w)},
    "admin config_tlspubkey_add": lambda w: key(w, "admin"),
    "admin config_tlspubkey_rm": lambda w: {
        "fingerprint": w.admin("config_tlspubkey_add", **key(w, "admin"))["fingerprint"]
    },
    "admin dmarc_drop": lambda w: {"domain": f"{w.word()}.example"},
    "admin dmarc_send": fixed(day="2026-01-01"),
    "admin dmarc_suppress_add": lambda w: {"address": f"{w.word()}@gone.example", "seconds": 3600},
    "admin dmarc_suppress_remove": after(
        "admin", "dmarc_suppress_add", lambda w: {"address": f"{w.word()}@gone.example", "seconds": 3600}, "address"
    ),
    "admin dns_provider_rm": fixed(domain="localhost"),
    "admin dns_rotation_now": fixed(domain="localhost"),
    "admin dns_rotation_start": fixed(domain="localhost"),
    "admin dns_rotation_stop": fixed(domain="localhost"),
    "admin doctor_mail": fixed(),
    "admin limits_clear": fixed(),
    "admin queue_drop": lambda w: {"filter": {"ids": [waiting(w)]}},
    "admin queue_fail": lambda w: {"filter": {"ids": [waiting(w)]}},
    "admin queue_hold": lambda w: {"filter": {"ids": [waiting(w)]}},
    "admin queue_holdrules_add": lambda w: {"sender": f"{w.word()}@x.example"},
    "admin queue_holdrules_remove": lambda w: {"id": hold_rule(w)},
    "admin queue_requiretls": lambda w: {"filter": {"ids": [waiting(w)]}, "require_tls": "yes"},
    "admin queue_retry": lambda w: {"filter": {"ids": [waiting(w)]}},
    "admin queue_schedule": lambda w: {"filter": {"ids": [waiting(w)]}, "seconds": 600},
    "admin queue_suppress_add": lambda w: {"address": f"{w.word()}@gone.example", "account": "moxlite"},
    "admin queue_suppress_remove": after(
        "admin",
        "queue_suppress_add",
        lambda w: {"address": f"{w.word()}@gone.example", "account": "moxlite"},
        "address",
        "account",
    ),
    "admin queue_unhold": lambda w: {"filter": {"ids": [waiting(w)]}},
    "admin queue_webhook_cancel": fixed(filter={}, all=True),
    "admin queue_webhook_schedule": fixed(filter={}, all=True, seconds=60),
    "admin selector_add": selector,
    "admin selector_remove": lambda w: {"domain": "localhost", "selector": spare(w)},
    "admin session_end": lambda w: {"session_id": w.admin("sessions")[0]["id"]},
    "admin settings_save": account_settings,
    "admin tlsrpt_drop": lambda w: {"domain": f"{w.word()}.example"},
    "admin tlsrpt_send": fixed(day="2026-01-01"),
    "admin tlsrpt_suppress_add": lambda w: {"address": f"{w.word()}@gone.example", "seconds": 3600},
    "admin tlsrpt_suppress_remove": after(
        "admin", "tlsrpt_suppress_add", lambda w: {"address": f"{w.word()}@gone.example", "seconds": 3600}, "address"
    ),
    "admin totp_begin": named("name"),
}


def app_password(world: World) -> str:
    """A new app password."""
    word = world.word()
    world.account("account_app_password_add", name=word, scopes=["imap"], expires=None)
    return word


def way(world: World) -> str:
    """A new app password, as the list of what has access names it."""
    word = app_password(world)
    return next(str(one["id"]) for one in world.account("account_access") if one["name"] == word)


def token(world: World) -> str:
    """A new token of the admin API."""
    word = world.word()
    world.admin("admin_token_add", name=word, scopes=["read"])
    return word


def disabled(world: World) -> str:
    """An account without log-ins."""
    name = account(world)
    world.admin("config_account_disable", account=name, message="Closed.")
    return name


def address(world: World) -> str:
    """Another address of the account."""
    name = f"{world.word()}@localhost"
    world.admin("config_address_add", address=name, account="moxlite")
    return name


def spare(world: World) -> str:
    """The selector of a key that does not sign."""
    given = selector(world)
    world.admin("selector_add", **given)
    return str(given["selector"])


LINK: Final = {"link": "none"}
NO_FACTOR: Final = "a second factor would be asked for by each further log-in"
NO_LINK: Final = "the account has no linked mailbox"
NO_COPY: Final = "nothing is copied"
NO_PROVIDER: Final = "no login provider is set"
NO_NETWORK: Final = "the host is away"
NO_DNS: Final = "no DNS provider is set"
NO_MOVE: Final = "nothing is moved from another server"
ANSWER: Final = {"answer": {"state": "", "code": "", "iss": "", "error": ""}}

REFUSED: Final[Mapping[str, tuple[Parameters, str]]] = {
    "webmail account_later_stop": ({"id": "none"}, "no later work is running"),
    "webmail calendar_subscribe": ({"calendar_url": "https://127.0.0.1:9/x.ics"}, NO_NETWORK),
    "webmail import_abort": ({"token": "none"}, "no import runs"),
    "webmail import_undo": ({"first_id": 1 << 40, "messages": 1}, "no import has ended"),
    "webmail invitation_proposal": (
        {"message_id": 1, "path": "0", "accept": True, "submit_id": "0" * 32},
        "no guest has proposed a time",
    ),
    "webmail ruleset_accept": (
        {"message_id": 1, "from_mailbox_id": 1, "to_mailbox_id": 2},
        "no rule was suggested",
    ),
    "webmail ruleset_for_sender": ({"message_id": 1, "mailbox_id": 1}, "no message came by SMTP"),
    "account account_forward_ask": ({"address": "none@far.example"}, "the address isn't one to which mail goes"),
    "account account_forward_start": ({"address": "none@far.example"}, "nobody has asked the address"),
    "account copy_abort": ({}, NO_COPY),
    "account copy_go_on": ({"leave_out": None}, NO_COPY),
    "account copy_look": (
        {"server": {"host": "", "port": 0, "tls": "none", "user": "a", "password": "b", "prefix": "", "since": None}},
        NO_NETWORK,
    ),
    "account copy_pause": ({}, NO_COPY),
    "account device_answer": ({"yes": True}, "no device asks"),
    "account factor_remove": ({"kind": "totp", "id": 1}, NO_FACTOR),
    "account account_junk_mark_inbox": ({}, "the account has no junk filter"),
    "account import_abort": ({"token": "none"}, "no import runs"),
    "account junk_retrain": ({}, "the account has no junk filter"),
    "account junk_teach": ({}, "the account has no junk filter"),
    "account key_finish": ({"answer": "{}"}, NO_FACTOR),
    "account link_add": (
        {
            "link": {
                "address": "",
                "name": "a",
                "protocol": "imap",
                "host": "127.0.0.1",
                "port": 9,
                "tls": "implicit",
                "user": "",
                "password": "b",
                "keep_days": None,
                "sorts": False,
                "sends": False,
                "smtp_host": "",
                "smtp_port": 0,
                "smtp_tls": "implicit",
                "smtp_user": "",
            }
        },
        NO_NETWORK,
    ),
    "account link_pause": (LINK, NO_LINK),
    "account link_rename": ({**LINK, "name": "other"}, NO_LINK),
    "account link_resume": (LINK, NO_LINK),
    "account link_rm": (LINK, NO_LINK),
    "account link_set_password": ({**LINK, "password": "b"}, NO_LINK),
    "account link_set_sending": ({**LINK, "off": True}, NO_LINK),
    "account link_set_sorting": (LINK, NO_LINK),
    "account provider_connected": (ANSWER, NO_PROVIDER),
    "account provider_disconnect": ({"subject": "none"}, NO_PROVIDER),
    "account recovery_codes_new": ({}, NO_FACTOR),
    "account totp_finish": ({"code": "000000"}, NO_FACTOR),
    "admin backup_run": ({}, "no backup is set"),
    "admin dns_host_key_now": ({"host": "localhost"}, NO_DNS),
    "admin dns_host_key_start": ({"host": "localhost"}, NO_DNS),
    "admin dns_host_key_stop": ({"host": "localhost"}, NO_DNS),
    "admin dns_provider_set": ({"domain": "localhost", "provider": "none", "secrets": {}}, NO_DNS),
    "admin dns_publish": ({"domain": "localhost", "lines": []}, NO_DNS),
    "admin factor_remove": ({"kind": "totp", "id": 1}, NO_FACTOR),
    "admin key_finish": ({"answer": "{}"}, NO_FACTOR),
    "admin move_pause": ({}, NO_MOVE),
    "admin move_resume": ({}, NO_MOVE),
    "admin move_stop": ({}, NO_MOVE),
    "admin password_change": ({"password": "x"}, "the password is too short"),
    "admin placement_test": ({}, NO_NETWORK),
    "admin queue_guard_release": ({"account": "moxlite"}, "nothing of the account is held"),
    "admin queue_transport": ({"filter": {"ids": [1]}, "transport": "none"}, "no transport has the name"),
    "admin recovery_codes_new": ({}, NO_FACTOR),
    "admin totp_finish": ({"code": "000000"}, NO_FACTOR),
}
"""Calls that this server refuses: their parameters, and why it does."""
