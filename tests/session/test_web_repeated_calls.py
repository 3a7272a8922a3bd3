"""Calls of the web apps that are repeated with the same id: each is done once, and answered as the first time (WEB-61b,
WEB-61c).
"""

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pytest
import trio
from msgspec import inspect

from moxlite.operations import Description
from moxlite.store.auth.apppasswords import app_passwords, note_use
from moxlite.store.auth.authdb import KeptAnswers
from moxlite.web import callserver
from moxlite.web.calls import Call, calls_of
from moxlite.web.callserver import CallServer
from tests.campaigns._writingcalls import SETTING
from tests.session.test_server_operations import APPS, DOMAINS, STATIC, VALUES, sample
from tests.session.test_web_calendars import form
from tests.tools import top
from tests.web_rig import Browser, Rig, owner

STATIC_DAV: Final = (
    STATIC
    + """
[listeners.dav]
ips = ["127.0.0.1"]
tls = { key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }] }
dav_https = { enabled = true, port = 8443 }
"""
)

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=STATIC_DAV, domains=DOMAINS)]

REPEATABLE: Final = """
confirm_options confirm provider_logout
provider_confirm provider_confirmed provider_state provider_connect second_factors
key_begin key_created token hand_on export_prep logout
notices templates apps overview preferences settings
invitation draft_save message_submit
message_submit_undo
deleted_list calendar_refresh busy_times events event_search events_with event calendars calendar_guests
birthdays address_books address_book_guests contacts contact contacts_doubles contact_groups
group_members alarms event_news file_import_state file_import_stop newsletters
messages_waiting sorting_notices import_check import_state mailboxes mailboxes_mark_read
label_counts message_details ruleset_suggest_move outbox outbox_count
delivery_status search_glance files compose_prepare draft_find upload_remove complete_recipient recipient_security
inbox_unread request message_item parsed_message flags_add flags_clear message_move thread_mute
message_delete decode_mime_words
rules_count script_count masked_list link_list link_find shares copy_state calendar_copy_state device_state
junk_training sending script_list script_check rule_labels rules_try rules_as_sieve password_state session_list
attempt_list
history history_day queue_history login_failures attempts_from disk_use report_places dmarc_report tls_report
dmarc_sources dmarc_source_reports dmarc_evaluations audit audit_export backups second_machine config_file metrics
log_levels log_of log_recent message_why own_addresses listing_check reverse_lookup transport_list
dns_records dns_zone dns_reports dns_check domains domain account_security account_removed provider_setup provider_trial
accounts account_uses account account_remains attempts sessions examine
"""
"""Calls of pages that read, change flags and places of messages, or have an id of their own: a repetition makes and
sends nothing. Calls of SETTING set something to what it is then; each other call has `once`.
"""

EVENT: Final = form("2030-01-01T10:00", "2030-01-01T11:00", title="Walk")
CONTACT: Final = {"name": "Ada", "emails": [], "phones": [], "organization": "", "note": "", "groups": []}

CARD: Final = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bob\r\nN:;Bob;;;\r\nFN:Bob\r\nEND:VCARD\r\n"

MADE: Final[Mapping[str, tuple[dict[str, Any], str, dict[str, Any]]]] = {
    "webmail event_save": ({"event": EVENT}, "event_search", {"text": "Walk"}),
    "webmail calendar_save": ({"change": {"name": "Garden"}}, "calendars", {}),
    "webmail address_book_save": ({"name": "Garden"}, "address_books", {}),
    "webmail contact_save": ({"contact": CONTACT}, "contacts", {}),
    "webmail contact_group_save": ({"name": "Friends"}, "contact_groups", {}),
    "webmail contact_restore": ({"card": CARD}, "contacts", {}),
    "webmail mailbox_create": ({"name": "Trips"}, "", {}),
    "webmail label_save": ({"name": "Urgent", "color": 1}, "", {}),
    "webmail template_save": ({"template": {"id": 0, "name": "Thanks"}}, "templates", {}),
    "webmail address_add": ({"site": "shop"}, "", {}),
    "account address_add": ({"site": "shop"}, "masked_list", {"text": "", "offset": 0}),
    "account template_save": ({"template": {"id": 0, "name": "Regards"}}, "templates", {}),
    "account account_sieve_put": ({"script": "mine", "text": "keep;\r\n"}, "script_list", {}),
    "account account_share_set": ({"mailbox": "Inbox", "guest": "tom", "rights": "lr"}, "shares", {}),
    "account account_delegate_set": ({"guest": "tom", "sends": "as"}, "account_access", {}),
    "account queue_suppress_add": ({"address": "gone@example.net"}, "queue_suppress_list", {}),
    "admin config_domain_add": ({"domain": "new.example.net", "account": "mia"}, "domains", {}),
    "admin config_address_add": ({"address": "more@example.org", "account": "mia"}, "account", {"name": "mia"}),
    "admin config_alias_add": (
        {"alias": "team@example.org", "members": ["mia@example.org"]},
        "domain",
        {"domain": "example.org"},
    ),
    "admin queue_holdrules_add": ({"sender": "spammer@example.org"}, "queue_holdrules_list", {}),
    "admin queue_suppress_add": ({"account": "mia", "address": "off@example.net"}, "queue_suppress_list", {}),
    "admin selector_add": (
        {"domain": "example.org", "selector": "spare", "algorithm": "ed25519"},
        "domain",
        {"domain": "example.org"},
    ),
}
"""Parameters with which a call makes something, and the call that shows it."""

_ids = itertools.count(1)


def an_id() -> dict[str, str]:
    """The field of a call with an id that no other call has."""
    return {"idempotency-key": f"{next(_ids):032x}"}


async def pages(rig: Rig) -> dict[str, Browser]:
    """A browser in each app."""
    found = {"admin": await owner(rig)}
    for app in ("webmail", "account"):
        found[app] = rig.browser(app=APPS[app][0])
        await found[app].log_in()
    return found


def once_calls(app: str) -> list[Call]:
    return [call for call in calls_of(*APPS[app][1]).values() if call.once]


@pytest.mark.parametrize("app", APPS)
def test_a_new_call_says_whether_it_is_done_once(app: str) -> None:
    """WEB-61b: fails for a call of a page that has neither `once` nor a place among those that may be repeated."""
    calls = calls_of(*APPS[app][1]).values()
    plain = {call.name for call in calls if not (call.once or call.public or isinstance(call.source, Description))}
    assert plain <= {*REPEATABLE.split(), *SETTING}
    assert not {*REPEATABLE.split()} & {call.name for call in once_calls(app)} - {"settings"}


def test_pages_make_calls_that_set_something_again() -> None:
    """WEBMAIL-46a: they know the list."""
    listed = re.search(r"const settings = \[(.*?)\];", (top() / "frontend/lib/steady.ts").read_text(), re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == SETTING


async def test_what_a_call_makes_is_made_once_for_each_id(rig: Rig) -> None:
    """WEB-61b: an event, a calendar, a domain …: a second call with the id gets the first result and makes nothing."""
    browsers = await pages(rig)
    calendar = (await browsers["webmail"].call("calendars"))[0]["id"]
    for name, (parameters, look, asked) in MADE.items():
        app, _, call = name.partition(" ")
        browser, own = browsers[app], an_id()
        given, asked = (
            (parameters, asked)
            if call != "event_save"
            else ({"calendar_id": calendar, **parameters}, {"calendar_ids": [calendar], **asked})
        )
        first = await browser.post(call, given, own)
        assert first.status == 200, (name, first.body)
        before = await browser.call(look, **asked) if look else None
        second = await browser.post(call, given, own)
        assert (second.status, second.json) == (200, first.json), name
        if look:
            assert await browser.call(look, **asked) == before, name
        if call in ("event_save", "calendar_save"):
            assert (await browser.post(call, given, an_id())).json != first.json, name


@pytest.mark.slow
@pytest.mark.parametrize("app", APPS)
async def test_each_call_that_is_done_once_answers_a_repetition_as_the_first_time(rig: Rig, app: str) -> None:
    """WEB-61b: all of them, with the smallest parameters that they take. The list is that of the schemas."""
    browser = (await pages(rig))[app]
    ends = {"session_remove_others", "set_password", "password_change"}  # the session, or the password of the rig
    for call in once_calls(app):
        if call.secret or call.name in ends:
            continue
        parameters, own = sample(inspect.type_info(call.parameters), VALUES), an_id()
        first = await browser.post(call.name, parameters, own)
        second = await browser.post(call.name, parameters, own)
        assert (second.status, second.json) == (first.status, first.json), call.name


async def test_an_id_is_for_one_request(rig: Rig) -> None:
    """WEB-61b: with other parameters it is refused, as what they had changed was done with the first ones."""
    browser = (await pages(rig))["webmail"]
    own = an_id()
    await browser.post("contact_group_save", {"name": "Friends"}, own)
    other = await browser.post("contact_group_save", {"name": "Family"}, own)
    assert (other.status, other.json["error"]["code"]) == (409, "user:done")
    assert [group["name"] for group in await browser.call("contact_groups")] == ["Friends"]
    bad = await browser.post("contact_group_save", {"name": "Family"}, {"idempotency-key": "x" * 256})
    assert bad.status == 400


async def test_a_refused_call_may_be_made_again_with_its_id(rig: Rig) -> None:
    """WEB-61b: a refusal is not kept, so that a call whose obstacle has gone is done."""
    browser = (await pages(rig))["webmail"]
    own = an_id()
    await browser.call("mailbox_create", name="Trips")
    assert (await browser.post("mailbox_create", {"name": "Trips"}, own)).status == 409
    boxes = {one["name"]: one["id"] for one in await browser_mailboxes(rig)}
    assert (await browser.post("mailbox_create", {"name": "Journeys"}, own)).status == 200
    await browser.call("mailbox_delete", mailbox_id=boxes["Trips"])
    assert (await browser.post("mailbox_create", {"name": "Trips"}, an_id())).status == 200


async def browser_mailboxes(rig: Rig) -> list[dict[str, Any]]:
    from moxlite.store.rows.mailboxes import mailboxes

    async with rig.account() as account:
        rows = await account.read(mailboxes, op="test")
    return [{"name": row.name, "id": row.id} for row in rows]


async def test_a_secret_is_replaced_while_nobody_has_used_it(rig: Rig) -> None:
    """WEB-61b: a repetition gets another app password in place of the lost one; one in use is left as it is."""
    browser = (await pages(rig))["account"]
    given, own = {"name": "phone", "scopes": ["imap"], "read_only": False, "expires": None}, an_id()
    first = await browser.post("account_app_password_add", given, own)
    second = await browser.post("account_app_password_add", given, own)
    assert (first.status, second.status) == (200, 200)
    assert first.json != second.json
    async with rig.account() as account:
        (stored,) = await account.read(app_passwords, op="test")
        await account.write(lambda tx: note_use(tx, stored.id))
        assert (await browser.post("account_app_password_add", given, own)).status == 400
        assert [one.id for one in await account.read(app_passwords, op="test")] == [stored.id]


async def test_an_account_a_link_and_a_token_are_made_once(rig: Rig) -> None:
    """WEB-61b: each repetition shows a secret of what there is one of."""
    browsers = await pages(rig)
    calendar = (await browsers["webmail"].call("calendars"))[0]["path"]
    for app, call, given, look, asked in (
        ("admin", "account_add", {"name": "new", "address": "new@example.org"}, "accounts", {}),
        ("admin", "admin_token_add", {"name": "program", "scopes": ["read"]}, "admin_token_list", {}),
        ("webmail", "calendar_link_make", {"name": calendar, "note": "school"}, "calendar_link_list", {}),
    ):
        own = an_id()
        first = await browsers[app].post(call, given, own)
        assert first.status == 200, (call, first.body)
        before = await browsers[app].call(look, **asked)
        second = await browsers[app].post(call, given, own)
        assert second.status == 200, (call, second.body)
        assert second.json["result"] != first.json["result"], call
        after = await browsers[app].call(look, **asked)
        number = [len(one if isinstance(one, list) else one["accounts"]) for one in (before, after)]
        assert number[0] == number[1], call


async def test_a_repetition_joins_the_call_that_still_works(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-61b: the work goes on when its client has left, and the repetition gets its result.

    WEB-61c: a call that takes long sends spaces before its answer.
    """
    browser = (await pages(rig))["webmail"]
    made, go_on = CallServer._made, trio.Event()
    at_work = trio.Event()
    works = 0

    async def slowly(self: CallServer, entry: Call, *rest: Any) -> Any:
        nonlocal works
        if entry.name == "contact_group_save":
            works += 1
            at_work.set()
            await go_on.wait()
        return await made(self, entry, *rest)

    monkeypatch.setattr(CallServer, "_made", slowly)
    monkeypatch.setattr(callserver, "SIGN_EVERY", 0.01)
    own = an_id()
    with trio.move_on_after(5) as gone:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(browser.post, "contact_group_save", {"name": "Friends"}, own)
            await at_work.wait()
            nursery.cancel_scope.cancel()  # the client leaves
    assert not gone.cancelled_caught
    answers = []

    async def repeat() -> None:
        answers.append(await browser.post("contact_group_save", {"name": "Friends"}, own))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(repeat)
        await trio.sleep(0.1)  # long enough for signs of life
        go_on.set()
    assert (works, answers[0].status) == (1, 200)
    assert answers[0].body.startswith(b" ")
    assert json.loads(answers[0].body) == {"result": answers[0].json["result"]}
    groups = await browser.call("contact_groups")
    assert len([one for one in groups if one["name"] == "Friends"]) == 1


async def test_a_call_that_the_end_of_the_server_cut_off_is_not_made_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-61b: the server does not know what became of it, and says so."""
    browser = (await pages(rig))["webmail"]

    async def killed(self: KeptAnswers, key: bytes, result: bytes) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(KeptAnswers, "keep", killed)
    own = an_id()
    assert (await browser.post("address_book_save", {"name": "Garden"}, own)).status == 200
    for name in ("Garden", "Orchard"):
        again = await browser.post("address_book_save", {"name": name}, own)
        assert (again.status, again.json["error"]["code"]) == (409, "user:unknown")


async def test_answers_are_kept_for_a_day_and_a_thousand_of_each_user(rig: Rig) -> None:
    """WEB-61b: neither the file nor a user's part of it grows without end."""
    answers = rig.auth.answers
    for number in range(1_010):
        await answers.begin(b"%d" % number, "mia", b"")
    assert await answers.begin(b"1009", "mia", b"") is not None
    assert await answers.begin(b"5", "mia", b"") is None  # the oldest have gone
    await answers.keep(b"1009", b"x" * 20_000)
    kept = await answers.begin(b"1009", "mia", b"")
    assert kept is not None
    assert kept.result is None
    assert msgspec.structs.asdict(kept)["request"] == b""
