"""A walk of all calls of the account app: what a user may not do by any of them, whatever its fields say.

`walk` has an entry for each call, so that a new call fails these tests until its fields have entries.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pyotp
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.store.auth.credentials import change_password
from moxlite.store.mail.links import NewLink, add_link, pause_link
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.web.account.app import API
from moxlite.web.calls import calls_of
from moxlite.web.webmail import api as webmail
from tests.keyproof import proof_of
from tests.session.test_web_account_settings import RULE, certificate
from tests.store_imports import mbox
from tests.store_mail import deliver_mail, mail
from tests.tools import eventually
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

MARK: Final = "Kestrel"
"""A word in the name of each object of the neighbour."""

TARGET = f"{MARK}@far.example".lower()
SUPPRESSED = f"{MARK}@gone.example".lower()
TOM = "tom@example.org"
PASSWORD = f"{MARK} keeps this one"
SCRIPT = f'# {MARK}\r\nrequire "fileinto";\r\nfileinto "{MARK}";\r\n'
HOOK = {"url": f"https://{MARK}.example/hook".lower(), "authorization": "", "events": [], "secret": ""}

SENDING: dict[str, Any] = {"sends": False, "smtp_host": "", "smtp_port": 0, "smtp_tls": "implicit", "smtp_user": ""}
LINK: dict[str, Any] = {
    "address": TOM,
    "host": "imap.example.net",
    "port": 0,
    "tls": "implicit",
    "protocol": "imap",
    "keep_days": None,
    "sorts": False,
}


TEMPLATE = {"id": 0, "name": MARK, "subject": MARK, "text": MARK, "html": ""}
CHOICE = {"known": False, "quiet_from": 0, "quiet_until": 0, "zone": "UTC", "alarms": "none"}


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """Ids and secrets of tom's objects, and the factor of the user who tries them."""

    session: int
    fingerprint: str
    pem: str
    totp: int
    recovery_code: str
    second_step: str
    setup_code: str
    link: str
    import_token: str
    attempt: str
    destination: Any
    sending: Any
    no_sending: Any
    junk: Any
    vacation: str
    forwards: Any
    own_codes: list[str]
    masked: str
    template: int


Case = tuple[dict[str, Any], int | Callable[[Any], bool]]
"""Parameters of a call, and the status of its refusal or a check of its result."""

OWN: Final[list[Case]] = [({}, lambda _: True)]
"""For calls that take no id: they are about the account of the session, and their result has nothing of a neighbour."""


def nothing(found: Any) -> bool:
    """A result that is empty."""
    return not found


def own(_: Any) -> bool:
    """The user's own, unchanged: a save conflicts only over fields that it changes."""
    return True


def walk(tom: Neighbour) -> dict[str, list[Case]]:
    """The calls in the order in which they are made; those that change the user's own session come last."""
    server = {"host": "", "port": 0, "tls": "none", "user": TOM, "password": PASSWORD, "prefix": "", "since": None}
    return {
        "apps": OWN,
        "overview": OWN,
        "mailboxes": OWN,
        "rule_labels": OWN,
        "password_state": OWN,
        "session_list": OWN,
        "second_factors": OWN,
        "config_tlspubkey_list": [({}, nothing)],
        "config_tlspubkey_challenge": [({"account": "tom"}, 403)],
        "account_app_password_list": [({}, nothing)],
        "queue_suppress_list": [({}, nothing)],
        "account_rule_list": OWN,
        "sending": OWN,
        "account_junk_show": OWN,
        "account_vacation_show": [({}, own), ({"account": "tom"}, 403)],
        "account_forward_list": OWN,
        "script_list": OWN,
        "masked_list": [({"text": text, "offset": 0}, lambda found: found["total"] == 0) for text in ("", MARK)],
        "link_list": [({}, lambda found: not found["items"])],
        "shares": [({}, lambda found: not found["given"] and not found["received"])],
        "copy_state": [({}, lambda found: found["phase"] == "none")],
        "device_state": [({}, lambda found: found["state"] == "gone")],
        "import_state": [({}, lambda found: found["token"] == "")],
        "attempt_list": [({"after": tom.attempt, "count": 100}, lambda found: TOM not in str(found))],
        # names and ids of the neighbour
        "session_remove": [({"session_id": tom.session}, 404)],
        "account_app_password_rm": [({"name": f"{MARK} phone"}, 404)],
        "account_app_password_allow": [({"name": f"{MARK} phone", "sharing": True, "sieve": True}, 404)],
        "account_access": [({}, own), ({"account": "tom"}, 403)],
        "account_remove_access": [
            ({"way": f"app_password:{MARK} phone"}, 404),
            ({"way": f"app_password:{MARK} phone", "account": "tom"}, 403),
        ],
        "account_take_back": [
            ({"since": 1 << 52}, lambda found: found == {"ways": [], "failed": {}}),
            ({"since": 0, "account": "tom"}, 403),
        ],
        "account_app_password_add": [
            ({"name": f"{MARK} phone", "scopes": ["imap"], "read_only": True, "expires": None}, OWN[0][1])
        ],
        "config_tlspubkey_add": [
            ({"certificate": tom.pem, "address": "mia@example.org"}, 400),
            ({"certificate": tom.pem, "address": TOM}, 400),
            ({"certificate": tom.pem, "address": TOM, "account": "tom"}, 403),
        ],
        "config_tlspubkey_set": [({"fingerprint": tom.fingerprint, "changed": {"name": MARK}}, 404)],
        "config_tlspubkey_rm": [({"fingerprint": tom.fingerprint}, 404)],
        "factor_remove": [({"kind": kind, "id": tom.totp}, 404) for kind in ("totp", "key")],
        "totp_finish": [({"code": tom.setup_code}, 400)],
        "totp_begin": [({"name": f"{MARK} app"}, lambda found: found["secret"] != "")],
        "key_created": [({"answer": "{}"}, 400)],
        "key_finish": [({"answer": "{}"}, 400)],
        "key_begin": [({"name": f"{MARK} key"}, 400)],  # over plain http
        "confirm_options": OWN,
        "confirm": [
            ({"kind": "password", "code": PASSWORD}, 401),
            ({"kind": "recovery", "code": tom.recovery_code}, 401),
        ],
        "account_sieve_get": [({"script": MARK}, 404)],
        "account_sieve_put": [({"script": MARK, "old": SCRIPT, "text": "keep;", "activate": True}, 409)],
        "account_sieve_activate": [({"script": MARK}, 404)],
        "account_sieve_rename": [
            ({"script": MARK, "new_name": "mine"}, 404),
            ({"script": "mine", "new_name": MARK}, 404),
        ],
        "account_sieve_rm": [({"script": MARK}, 404)],
        "script_check": [({"text": f'require "include"; include :personal "{MARK}";'}, nothing)],
        "account_rule_set": [({"address": TOM, "old": tom.destination, "changed": tom.destination}, 404)],
        "rules_try": [({"address": TOM, "rules": [RULE]}, 404)],
        "rules_count": [({"address": TOM, "rules": [RULE], "after": None}, 404)],
        "script_count": [({"name": MARK, "after": None}, 404)],
        "sort_move": [({"ids": [1 << 40], "source": MARK, "target": "Inbox"}, lambda moved: moved == 0)],
        "rules_as_sieve": [({"rules": [RULE]}, OWN[0][1])],
        "preferences": [({}, lambda found: TOM not in str(found) and MARK not in str(found))],
        "preferences_save": [({"settings": {"signature": "Mia"}}, nothing)],
        "templates": [({}, nothing)],
        "template_save": [({"template": TEMPLATE | {"id": tom.template}}, 404)],
        "template_remove": [({"template_id": tom.template}, nothing)],
        "notices": [({}, lambda found: found["devices"] == [])],
        "notices_remove": [({"device_id": 1}, nothing)],
        "notices_test": [({"device_id": 1}, lambda found: found != "")],
        "notices_choose": [({"choice": CHOICE}, nothing)],
        "settings": [({}, 200)],
        "settings_save": [({"old": {"full_name": f"{MARK} name"}, "changed": {"full_name": "Mia"}}, 409)],
        "sending_save": [
            ({"old": tom.sending, "changed": tom.sending}, own),
            ({"old": tom.no_sending, "changed": tom.no_sending | {"from_id_login_addresses": [TOM]}}, 400),
        ],
        "webhook_test": [({"hook": HOOK, "incoming": False}, lambda found: found["status"] == 0)],
        "queue_suppress_remove": [({"address": SUPPRESSED}, 400)],
        "queue_suppress_add": [({"address": "x@example.net", "reason": ""}, nothing)],
        "account_junk_set": [({"old": tom.junk, "changed": tom.junk}, own)],
        "account_junk_mark_inbox": [({}, 400), ({"account": "tom"}, 403)],
        "account_junk_unmark_inbox": [({}, lambda removed: removed == 0), ({"account": "tom"}, 403)],
        "junk_teach": [({}, 400)],
        "junk_retrain": [({}, 400)],
        "junk_training": [({}, lambda found: not found["running"])],
        "account_vacation_set": [
            ({"changed": {"text": "away"}, "mark": tom.vacation}, 409),
            ({"changed": {"text": "away"}, "account": "tom"}, 403),
        ],
        "account_forward_set": [({"old": tom.forwards, "changed": tom.forwards}, own)],
        "account_forward_ask": [({"address": TARGET}, 404)],
        "account_forward_start": [({"address": TARGET}, 404)],
        "address_on": [({"address": tom.masked}, 404)],
        "address_off": [({"address": tom.masked}, 404)],
        "address_set": [
            ({"address": tom.masked, "note": ""}, 404),
        ],
        "address_rm": [({"address": tom.masked}, 404)],
        "link_find": [({"address": "mia@outlook.com"}, 400)],
        "link_add": [({"link": LINK | SENDING | {"name": MARK, "address": "", "user": "", "password": PASSWORD}}, 400)],
        "link_set_sending": [({"link": MARK, "off": True}, 404)],
        "link_set_password": [({"link": MARK, "password": PASSWORD}, 404)],
        "link_pause": [({"link": MARK}, 404)],
        "link_resume": [({"link": MARK}, 404)],
        "link_set_sorting": [({"link": MARK}, 404)],
        "link_rename": [({"link": MARK, "name": "Other"}, 404)],
        "link_rm": [({"link": MARK, "delete_copies": True}, 404)],
        "address_add": [({}, lambda f: f["address"] != tom.masked)],
        "account_share_set": [
            ({"mailbox": MARK, "guest": TOM, "rights": "lr", "below": False}, 400),
            ({"mailbox": MARK, "guest": "mia", "rights": "lr", "below": False}, 400),
        ],
        "account_delegate_set": [({"guest": "mia", "sends": "as"}, 400), ({"guest": "anyone", "sends": "as"}, 400)],
        "account_delegate_rm": [({"guest": TOM}, 400), ({"guest": "nobody"}, 400)],
        "copy_look": [({"server": server}, 400)],
        "copy_go_on": [({"leave_out": None}, 409)],
        "copy_pause": [({}, 409)],
        "copy_abort": [({}, 409)],
        "copy_dismiss": OWN,
        "calendar_copy_state": [({}, lambda found: found["phase"] == "none")],
        "calendar_copy": [({"url": "", "user": TOM, "password": "x"}, 400)],
        "calendar_copy_abort": OWN,
        "calendar_copy_dismiss": OWN,
        "device_answer": [({"yes": yes}, 410) for yes in (True, False)],
        "device_look": [({"claim": tom.link}, 410)],
        "device_open": [({"link": tom.link[::-1]}, 410)],
        "device_start": [({"name": "mine"}, lambda found: tom.link not in found["url"])],
        "import_check": [({"size": 1}, nothing)],
        "import_abort": [({"token": tom.import_token}, 404)],
        "recovery_info": [({"token": tom.link}, 410)],
        "recover": [({"token": tom.link, "password": PASSWORD}, 410)],
        "login_prep": OWN,
        "provider_name": OWN,
        "provider_login": [({"stay": False}, 400)],  # no provider is set
        "provider_finish": [({"answer": {"state": "", "code": "", "iss": "", "error": ""}}, 400)],
        "provider_logout": [({}, 400)],
        "provider_confirm": [({}, 400)],
        "provider_confirmed": [({"answer": {"state": "", "code": "", "iss": "", "error": ""}}, 400)],
        "provider_state": OWN,
        "provider_connect": [({}, 400)],
        "provider_connected": [({"answer": {"state": "", "code": "", "iss": "", "error": ""}}, 400)],
        "provider_disconnect": [({"subject": "tom-at-home"}, 404)],
        "login_handed": [({"token": "1.x"}, 403)],
        "export_prep": OWN,
        "login": [({"login_token": "x", "username": TOM, "password": PASSWORD}, 400)],
        "login_factor": [
            ({"token": tom.second_step, "kind": "recovery", "code": code}, 401) for code in tom.own_codes[:2]
        ],
        # the user's own account, at last
        "app_password_remove_all": [({}, lambda found: found == 1)],
        "recovery_codes_new": OWN,
        "session_remove_others": [({}, lambda found: found == 1)],
        "set_password": [({"password": "another horse battery"}, OWN[0][1])],
        "generate_password": OWN,
        "not_me": [({}, lambda found: (found["held"], found["left"]) == (0, []))],
        "logout": OWN,
    }


READ: Final[dict[str, dict[str, Any]]] = {
    "overview": {},
    "mailboxes": {},
    "password_state": {},
    "session_list": {},
    "second_factors": {},
    "config_tlspubkey_list": {},
    "account_app_password_list": {},
    "queue_suppress_list": {},
    "account_rule_list": {},
    "sending": {},
    "account_junk_show": {},
    "account_vacation_show": {},
    "account_forward_list": {},
    "script_list": {},
    "account_sieve_get": {"script": MARK},
    "shares": {},
    "masked_list": {"text": "", "offset": 0},
    "link_list": {},
    "copy_state": {},
    "device_state": {},
    "import_state": {},
    "preferences": {},
    "templates": {},
    "notices": {},
}
"""Calls that tell the state of an account."""

CHANGING: Final = {"last_used", "server_time", "attempts", "last_attempt", "next_attempt", "error", "storage_used"}
"""Fields that change by themselves."""


def lasting(value: Any) -> Any:
    """The value without what changes by itself."""
    if isinstance(value, dict):
        return {name: lasting(item) for name, item in value.items() if name not in CHANGING}
    return [lasting(item) for item in value] if isinstance(value, list) else value


async def state(browser: Browser) -> dict[str, Any]:
    """All that the app tells of an account."""
    return {name: lasting(await browser.call(name, **parameters)) for name, parameters in READ.items()}


async def add_app(browser: Browser, name: str) -> list[str]:
    """Add an authenticator app; the recovery codes."""
    new = await browser.call("totp_begin", name=name)
    code = pyotp.TOTP(new["secret"]).at(time.time() - 30)
    codes: list[str] = (await browser.call("totp_finish", code=code))["recovery_codes"]
    return codes


async def settle(browser: Browser) -> None:
    """Wait until the import by IMAP and the file import have ended."""
    with trio.fail_after(60):
        while (await browser.call("copy_state"))["phase"] not in ("failed", "done"):  # noqa: ASYNC110 - as a page asks
            await trio.sleep(0.02)


async def import_file(browser: Browser) -> str:
    """Import a message from a file; the token of the import."""
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = head.encode() + mbox([mail(1)]) + b"\r\n--b--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b", "x-moxlite-csrf": browser.csrf}
    answer = await browser.fetch("/import", method="POST", headers=headers, body=body)
    return str(answer.json["token"])


async def furnish(rig: Rig, browser: Browser) -> Neighbour:
    """Give tom one object of each kind; `browser` is tom's. The user mia gets a second factor too."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = certificate(private)
    async with rig.account("tom") as account:
        await account.write(lambda tx: create_mailbox(tx, MARK))
        await deliver_mail(account, f"Subject: {MARK}\r\n\r\n{MARK}\r\n".encode(), MARK)
        new = NewLink(**LINK, name=MARK, username=MARK, secret=b"")
        link = await account.write(lambda tx: add_link(tx, new))
        await account.write(lambda tx: pause_link(tx, link.id, paused=True))
    call = browser.call
    await call("account_app_password_add", name=f"{MARK} phone", scopes=["imap"], read_only=True, expires=None)
    proof = proof_of(private, (await call("config_tlspubkey_challenge"))["command"])
    given = {"certificate": pem, "name": MARK, "address": TOM, "no_imap_preauth": True, "proof": proof}
    key = await call("config_tlspubkey_add", **given)
    await call("settings_save", old={}, changed={"full_name": f"{MARK} name"})
    await call("account_rule_set", address=TOM, changed={"rulesets": [RULE | {"mailbox": MARK}]})
    form = (await call("account_rule_list"))[0]["form"]
    no_sending = (await call("sending"))["form"]
    sending = await call("sending_save", old=no_sending, changed=no_sending | {"outgoing_webhook": HOOK})
    await call("account_junk_set", changed={"rejects_mailbox": f"{MARK} rejects"})
    junk = (await call("account_junk_show"))["form"]
    await call("account_vacation_set", changed={"text": MARK, "subject": MARK})
    await call("account_sieve_put", script=MARK, old=None, text=SCRIPT, activate=True)
    await call("queue_suppress_add", address=SUPPRESSED, reason=MARK)
    await call("account_share_set", mailbox=MARK, guest="anyone", rights="", below=False)
    masked = (await call("address_add", word=MARK, note=MARK))["address"]
    template = await call("template_save", template=TEMPLATE)
    await call("preferences_save", settings={"signature": MARK})
    forwards = {"forward_to": [TARGET], "keep_copy": True}
    await call("account_forward_set", old={"forward_to": [], "keep_copy": True}, changed=forwards)
    import_token = await import_file(browser)
    copied: dict[str, Any] = {"host": "127.0.0.1", "port": 1, "tls": "implicit", "user": MARK, "password": MARK}
    await call("copy_look", server=copied | {"prefix": "", "since": None})
    await settle(browser)
    codes = await add_app(browser, f"{MARK} app")
    step = rig.browser(app="/", remote="198.51.100.9")
    token = await step.call("login_prep")
    second = (await step.call("login", login_token=token, username=TOM, password=PASSWORD))["second_step"]["token"]
    setup = await call("totp_begin", name=f"{MARK} second app")
    link = (await call("device_start", name=f"{MARK} tablet"))["url"].partition("#setup/")[2]
    attempts: list[Any] = []
    while not attempts:  # recorded in the background
        attempts = await call("attempt_list", after="", count=1)
        await eventually(lambda: True)
    return Neighbour(
        session=next(one["id"] for one in await call("session_list") if one["current"]),
        fingerprint=key["fingerprint"],
        pem=pem,
        totp=(await call("second_factors"))["apps"][0]["id"],
        recovery_code=codes[0],
        second_step=second,
        setup_code=pyotp.TOTP(setup["secret"]).now(),
        link=link,
        import_token=import_token,
        attempt=attempts[0]["after"],
        destination=form,
        sending=sending,
        no_sending=no_sending,
        junk=junk,
        vacation=(await call("account_vacation_show"))["mark"],
        forwards=forwards,
        own_codes=[],
        masked=masked,
        template=template,
    )


async def test_no_call_reaches_an_object_of_a_neighbour(rig: Rig) -> None:
    """WEB-61a: ids, names and secrets of another account's objects in each field that takes one. Each is refused as
    unknown, nothing of the neighbour is told, and nothing of theirs is another afterwards.
    """
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    tom, mia, second = rig.browser(app="/"), rig.browser(app="/"), rig.browser(app="/")
    await tom.log_in(TOM, PASSWORD)
    neighbour = await furnish(rig, tom)
    await mia.log_in()
    await second.log_in()
    codes = await add_app(mia, "mine")  # ends the other session
    neighbour = msgspec.structs.replace(neighbour, own_codes=codes)
    token = await second.call("login_prep")
    result = await second.call("login", login_token=token, username="mia@example.org", password="correct horse battery")
    await second.call("login_factor", token=result["second_step"]["token"], kind="recovery", code=codes[2])
    before = await state(tom)
    assert all(MARK.lower() in str(before[name]).lower() for name in KEPT)
    cases = walk(neighbour)
    assert set(cases) == set(calls_of(*API)), "a call without an entry, or an entry without a call"
    wrong: list[str] = []
    for name, entries in cases.items():
        for parameters, expected in entries:
            answer = await mia.post(name, parameters)
            if isinstance(expected, int):
                good = answer.status == expected
            else:
                good = answer.status == 200 and expected(answer.json["result"]) and foreign(name, answer.body)
            if not good:
                wrong.append(f"{name} {parameters}: {answer.status} {answer.body[:300]!r}")
    assert wrong == []
    assert await state(tom) == before
    again = rig.browser(app="/", remote="198.51.100.10")
    token = await again.call("login_prep")
    assert (await again.call("login", login_token=token, username=TOM, password=PASSWORD))["second_step"]


def foreign(name: str, body: bytes) -> bool:
    """Whether an answer tells nothing of the neighbour; the user has given one own object a neighbour's name."""
    return name == "account_app_password_list" or MARK.encode() not in body


KEPT: Final = sorted(READ.keys() - {"notices", "password_state", "session_list", "import_state", "device_state"})
"""Calls whose results have the mark in the state of the neighbour."""

APPS: Final[dict[str, Any]] = {"/": API, "/webmail/": webmail.API}


@pytest.mark.parametrize("app", APPS)
async def test_no_call_works_without_the_own_session(rig: Rig, app: str) -> None:
    """WEB-52, WEB-53, WEB-132: each call without session, with another app's, without its CSRF token or with a wrong
    one, and from pages of elsewhere.
    """
    browser = rig.browser(app=app)
    await browser.log_in()
    other = rig.browser(app="/webmail/" if app == "/" else "/")
    await other.log_in()
    named = {"/": "accountsession", "/webmail/": "webmailsession"}
    stranger = rig.browser(app=app)
    mixed = rig.browser(app=app)
    mixed.cookies = {named[app]: other.cookies[named[other.app]]}
    mixed.csrf = other.csrf
    without = rig.browser(app=app)
    without.cookies = browser.cookies
    neighbour = rig.browser(app=app)
    neighbour.cookies = browser.cookies | {named[app]: browser.cookies[named[app]].replace(" mia", " tom")}
    neighbour.csrf = browser.csrf
    wrong: list[str] = []
    for name, entry in calls_of(*APPS[app]).items():
        tries = {
            "origin": (await browser.post(name, {}, {"origin": "https://evil.example"}), 403),
            "site": (await browser.post(name, {}, {"sec-fetch-site": "cross-site"}), 403),
        }
        if not entry.public:
            tries |= {
                "session": (await stranger.post(name, {}), 401),
                "app": (await mixed.post(name, {}), 401),
                "no token": (await without.post(name, {}), 401),
                "token": (await browser.post(name, {}, {"x-moxlite-csrf": "x" * 22}), 401),
                "account": (await neighbour.post(name, {}), 401),
            }
        wrong += [
            f"{name}, {case}: {answer.status}" for case, (answer, status) in tries.items() if answer.status != status
        ]
    assert wrong == []
