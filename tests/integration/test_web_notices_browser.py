"""Notices of new mail in a real browser: the settings, and the service worker, to which pushes are given by the
browser's tools; no push service can be reached from here.
"""

import imaplib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Worker, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, has_one, local, reader
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]

SERVICE = """
PushManager.prototype.getSubscription = async () => globalThis.subscribed ?? null;
PushManager.prototype.subscribe = async (options) => {
  const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const octets = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const text = (some) => btoa(String.fromCharCode(...some)).replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=/g, "");
  const endpoint = `https://127.0.0.1:9/${Math.random()}`;
  globalThis.subscribed = {
    asked: options,
    unsubscribe: async () => { delete globalThis.subscribed; return true; },
    toJSON: () => ({
      endpoint,
      keys: { p256dh: text(octets), auth: text(crypto.getRandomValues(new Uint8Array(16))) },
    }),
  };
  return globalThis.subscribed;
};
"""
"""In the place of the browser's push service: a subscription with real keys."""

NOTICES = """
async () => (await (await navigator.serviceWorker.getRegistration()).getNotifications()).map(
  (one) => [one.title, one.body, one.data])
"""


ACTIONS = """
async () => (await (await navigator.serviceWorker.getRegistration()).getNotifications()).map(
  (one) => one.actions.map(({ action, title }) => [action, title]))
"""


def push_to(reader: Reader) -> Callable[[str], None]:
    """A function that gives a push to the worker of the page, as its push service would. The worker is active: a push
    before that would be lost.
    """
    tools = reader.context.new_cdp_session(reader.page)
    registrations: list[str] = []
    tools.on(
        "ServiceWorker.workerVersionUpdated",
        lambda event: registrations.extend(
            one["registrationId"] for one in event["versions"] if one["status"] == "activated"
        ),
    )
    tools.send("ServiceWorker.enable")
    until(lambda: reader.page.evaluate("true") and registrations, what="a worker")

    def push(data: str) -> None:
        parameters = {"origin": reader.base, "registrationId": registrations[-1], "data": data}
        tools.send("ServiceWorker.deliverPushMessage", parameters)

    return push


def subscriber(chromium: Browser, local: LocalServer) -> tuple[Reader, Page]:
    """A reader whose browser can subscribe, and the settings in another tab, which imitates the push service."""
    reader = Reader(chromium, local, permissions=["notifications"])
    reader.context.add_init_script(SERVICE)
    reader.log_in()
    expect(reader.page.locator(".list-title")).to_have_text("Inbox")
    settings = reader.context.new_page()
    settings.goto(f"{reader.base}/#notifications")
    return reader, settings


def test_a_device_is_added_tried_chosen_for_and_removed(chromium: Browser, local: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-122: the section of the settings, with a browser that subscribes; a failed test says why."""
    reader, settings = subscriber(chromium, local)
    here = settings.get_by_label("Notify me about new mail on this device")
    expect(here).not_to_be_checked()
    here.check()
    row = settings.locator(".notice-devices li")
    expect(row).to_contain_text("Chrome on Linux (this device)")
    expect(row).to_contain_text("No notifications sent through 127.0.0.1:9")
    assert settings.evaluate("subscribed.asked.userVisibleOnly")
    assert len(settings.evaluate("subscribed.asked.applicationServerKey")) == 87
    row.get_by_role("button", name="Test “Chrome on Linux”").click()
    expect(settings.get_by_text("Couldn't send: can't connect to 127.0.0.1")).to_be_visible()
    expect(row).to_contain_text("Last notification was rejected")
    with settings.expect_response("**/api/notices_choose"):
        settings.get_by_label("Notify me about mail from").select_option("all")
    with settings.expect_response("**/api/notices_choose"):
        settings.get_by_label("Calendar alerts").select_option("notices")
    with settings.expect_response("**/api/notices_choose"):
        settings.get_by_label("Quiet hours from").check()
    with settings.expect_response("**/api/notices_choose") as answer:
        settings.get_by_label("Quiet hours end").fill("06:30")
    zone = settings.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert json.loads(answer.value.request.post_data or "")["choice"] == {
        "known": False,
        "quiet_from": 1320,
        "quiet_until": 390,
        "zone": zone,
        "alarms": "notices",
    }
    settings.screenshot(path=tmp_path / "notices.png")
    settings.set_viewport_size({"width": 390, "height": 800})
    settings.screenshot(path=tmp_path / "phone.png")
    settings.wait_for_function("document.documentElement.scrollWidth <= 390")
    settings.set_viewport_size({"width": 1280, "height": 800})
    settings.get_by_role("link", name="Shortcuts", exact=True).click()
    settings.get_by_role("link", name="Notifications", exact=True).click()
    expect(here).to_be_checked()
    expect(settings.get_by_label("Notify me about mail from")).to_have_value("all")
    expect(settings.get_by_label("Calendar alerts")).to_have_value("notices")
    expect(settings.get_by_label("Quiet hours end")).to_have_value("06:30")
    here.uncheck()
    expect(row).to_have_count(0)
    assert settings.evaluate("globalThis.subscribed === undefined")
    reader.close()


def test_a_push_shows_a_notice_that_opens_the_message(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-122, WEBMAIL-11: the worker runs under the page's policy, and shows what a push says."""
    reader = Reader(chromium, local, permissions=["notifications"])
    reader.log_in()
    page = reader.page
    expect(page.locator(".list-title")).to_have_text("Inbox")
    page.evaluate(
        "(async () => { await navigator.serviceWorker.register('sw.js'); await navigator.serviceWorker.ready })()"
    )
    push = push_to(reader)
    push(json.dumps({"sender": "Ada Lindqvist", "id": 7, "more": 2}))
    until(lambda: page.evaluate(NOTICES) == [["Ada Lindqvist", "New message and 2 more", 7]], what="a notice")
    push("{")
    until(lambda: len(page.evaluate(NOTICES)) == 2, what="another")
    assert ["New mail", "New message", 0] in page.evaluate(NOTICES)
    page.reload()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    assert page.evaluate("navigator.serviceWorker.controller.scriptURL").endswith("/webmail/sw.js")
    reader.close()


def test_notices_are_in_the_language_of_the_user(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-122, WEBMAIL-143: also while no page is open; another language of the page is that of the next notice."""
    reader = Reader(chromium, local, permissions=["notifications"], locale="de-DE")
    reader.context.add_init_script(SERVICE)
    reader.page.goto(f"{reader.base}/webmail/")
    page = reader.page
    page.get_by_label("E-Mail-Adresse").fill(local.user)
    page.get_by_label("Passwort").fill(local.password)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.locator(".list-title")).to_have_text("Posteingang")
    settings = reader.context.new_page()
    settings.goto(f"{reader.base}/#notifications")
    here = settings.locator(".check", has_text="auf diesem Gerät").locator("input").first
    here.check()
    row = settings.locator(".notice-devices li")
    expect(row).to_have_count(1)
    push = push_to(reader)
    push(json.dumps({"sender": "Ada Lindqvist", "id": 7, "more": 2}))
    german = [["Ada Lindqvist", "Neue Nachricht und 2 weitere", 7]]
    until(lambda: page.evaluate(NOTICES) == german, what="a notice in German")
    push(json.dumps({"sender": "Tove Berg", "id": 8}))
    action = [["archive", "Archivieren"]]
    until(lambda: page.evaluate(ACTIONS) == [[], action], what="an action in German, of the one message alone")
    here.uncheck()
    expect(row).to_have_count(0)
    reader.close()


OTHER = {
    "endpoint": "https://127.0.0.1:10/another",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}
"""Another subscription, with the keys of RFC 8291 §5."""

REPLACED = "(other) => { subscribed.toJSON = () => other; }"
"""In the page: it finds the other subscription. The page looks at it once after its start, maybe late."""

RENEW = """
async (other) => {
  let done = null;
  const event = new Event("pushsubscriptionchange");
  event.waitUntil = (promise) => (done = promise);
  event.newSubscription = { toJSON: () => other };
  dispatchEvent(event);
  await done;
}
"""
"""In the worker: the browser has replaced the subscription."""


def test_a_replaced_subscription_is_told_to_the_server(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-122: by the worker, without a page; the device stays one, with the other endpoint."""
    reader, settings = subscriber(chromium, local)
    settings.get_by_label("Notify me about new mail on this device").check()
    row = settings.locator(".notice-devices li")
    expect(row).to_contain_text("(this device)No notifications sent through 127.0.0.1:9")
    until(lambda: settings.evaluate("true") and reader.context.service_workers, what="a worker")
    settings.evaluate(REPLACED, OTHER)
    reader.context.service_workers[-1].evaluate(RENEW, OTHER)
    settings.get_by_role("link", name="Shortcuts", exact=True).click()
    settings.get_by_role("link", name="Notifications", exact=True).click()
    expect(row).to_have_count(1)
    expect(row).to_contain_text("No notifications sent through 127.0.0.1:10")
    expect(row).to_contain_text("(this device)")
    reader.close()


CLICK = """
async (action) => {
  // browsers let a worker focus a page after a click of the user only
  WindowClient.prototype.focus = async () => null;
  const [notification] = await registration.getNotifications();
  let done = null;
  const event = Object.assign(new Event("notificationclick"), { action, notification });
  event.waitUntil = (promise) => (done = promise);
  dispatchEvent(event);
  await done;
  return (await registration.getNotifications()).length;
}
"""
"""In the worker: the user has clicked the only notice, or an action of it. Returns the number of notices left."""


def told_of_one(chromium: Browser, local: LocalServer) -> tuple[Reader, Worker, int]:
    """A reader with one message, their worker, which shows a notice of it, and its id."""
    reader, settings = subscriber(chromium, local)
    page = reader.page
    settings.get_by_label("Notify me about new mail on this device").check()
    expect(settings.locator(".notice-devices")).to_contain_text("(this device)")
    row = page.locator(".message").first
    expect(row.locator(".message-subject")).to_have_text("Minutes")
    number = int((row.get_attribute("id") or "").removeprefix("message-"))
    push_to(reader)(json.dumps({"sender": "Ada Lindqvist", "id": number}))
    until(lambda: page.evaluate(NOTICES) == [["Ada Lindqvist", "New message", number]], what="a notice")
    return reader, reader.context.service_workers[-1], number


def test_a_notice_archives_its_message(chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4) -> None:
    """WEBMAIL-122a: by the session of the page, which shows it by its events; another try, as on a second device,
    changes nothing and shows no error.
    """
    append(mailbox, "Minutes")
    reader, worker, number = told_of_one(chromium, local)
    page = reader.page
    assert worker.evaluate(CLICK, "archive") == 0
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")
    assert has_one(mailbox, "Archive")
    assert "UNSEEN 0" in str(mailbox.status("Archive", "(UNSEEN)"))
    push_to(reader)(json.dumps({"sender": "Ada Lindqvist", "id": number}))
    until(lambda: page.evaluate(NOTICES), what="the notice again")
    assert worker.evaluate(CLICK, "archive") == 0
    assert has_one(mailbox, "Archive")
    assert page.url.endswith("/webmail/#Inbox")
    assert reader.problems == []
    reader.close()


@pytest.mark.parametrize("ending", ["session", "server"])
def test_a_notice_that_cannot_archive_shows_its_message(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, ending: str
) -> None:
    """WEBMAIL-122a: without a living session, and without an answer, the message stays and the page goes there."""
    append(mailbox, "Minutes")
    reader, worker, number = told_of_one(chromium, local)
    page = reader.page
    cookies = reader.context.cookies()
    if ending == "session":
        reader.context.clear_cookies()
    else:
        worker.evaluate("() => { globalThis.fetch = async () => { throw new TypeError('unreachable'); }; }")
    assert worker.evaluate(CLICK, "archive") == 0
    page.wait_for_url(f"**/webmail/#Inbox,{number}")
    mailbox.noop()
    assert has_one(mailbox, "INBOX")
    if ending == "server":
        expect(page.locator(".reader-subject")).to_have_text("Minutes")
    reader.context.add_cookies(cookies)  # type: ignore[arg-type] # Playwright has two types for one thing
    reader.close()


def test_a_notice_stays_where_nothing_can_be_done(
    chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4
) -> None:
    """WEBMAIL-122a: neither archived nor shown, since the browser opens no page so long after the click."""
    append(mailbox, "Minutes")
    reader, worker, number = told_of_one(chromium, local)
    worker.evaluate(
        """() => {
          globalThis.fetch = async () => new Response("", { status: 503 });
          Object.getPrototypeOf(clients).matchAll = async () => [];
        }"""
    )
    assert worker.evaluate(CLICK, "archive") == 1
    assert reader.page.evaluate(NOTICES) == [["Ada Lindqvist", "New message", number]]
    assert reader.page.evaluate(ACTIONS) == [[["archive", "Archive"]]]
    assert has_one(mailbox, "INBOX")
    reader.close()


def test_a_browser_that_may_not_show_notices_says_so(reader: Reader) -> None:
    """WEBMAIL-122."""
    denied = "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
    reader.context.add_init_script(f"if (location.pathname === '/') {denied}")
    with reader.settings("notifications") as page:
        expect(page.get_by_label("Notify me about new mail on this device")).to_be_disabled()
        expect(page.get_by_text("Notifications are blocked")).to_be_visible()


def test_a_browser_without_the_webmail_leads_there(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-122: a device belongs to the webmail's session; without one in this browser, the page says so."""
    reader = Reader(chromium, local, permissions=["notifications"])
    reader.fill_in("/#notifications")
    expect(reader.page.get_by_label("Notify me about new mail on this device")).to_be_disabled()
    expect(reader.page.get_by_text("log in to webmail in this browser first")).to_be_visible()
    reader.close()
