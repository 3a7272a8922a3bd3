"""What the composer's calls refuse, that nothing is changed by it, and how it is counted."""

from urllib.parse import quote

import pytest

from moxlite.store.rows.mailboxes import state
from tests.session.test_web_compose import Queue, call_id, messages, queue, written
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

__all__ = ["queue"]

DOMAINS = """
[domains."example.org"]
[accounts.mia]
domain = "example.org"
quota_message_size = "40k"
[accounts.mia.destinations."mia@example.org"]
[accounts.tom]
domain = "example.org"
[accounts.tom.destinations."tom@example.org"]
"""

pytestmark = [pytest.mark.served, pytest.mark.rig(domains=DOMAINS)]


@pytest.mark.parametrize("control", ["\r", "\n", "\0", "\r\nBcc: x@example.net"])
async def test_controls_in_what_becomes_a_header_are_refused(
    rig: Rig, browser: Browser, queue: Queue, control: str
) -> None:
    """WEBMAIL-112: the answer names the field."""
    address = {"name": "", "address": "bob@example.net"}
    fields = [
        ("subject", f"a{control}b"),
        ("to", [{**address, "name": f"a{control}b"}]),
        ("cc", [{"name": "", "address": f"bob{control}@example.net"}]),
        ("reply_to", [{**address, "name": f"a{control}b"}]),
        ("references", [f"<a{control}@b>"]),
    ]
    for field, value in fields:
        answer = await browser.post("message_submit", {"message": written(**{field: value}), "submit_id": call_id()})
        assert answer.status == 400, field
        assert answer.json["error"]["message"].startswith(f"{field}: "), answer.body
    assert await messages(rig, "Sent") == []


async def test_names_of_files_are_cleaned(browser: Browser) -> None:
    """WEBMAIL-112: no folders, no controls, no turned direction, and not endless."""
    headers = {"content-type": "text/plain", "x-moxlite-csrf": browser.csrf}
    for name in ("../../etc/passwd", "a\0b", "exe.\u202etxt.scr", "\r\nX: y", "x" * 5000):
        target = f"/webmail/upload?filename={quote(name)}"
        answer = await browser.fetch(target, method="POST", headers=headers, body=b"x")
        assert answer.status == 200
        found = answer.json["result"]["filename"]
        assert found.isprintable()
        assert "/" not in found
        assert len(found) <= 1000


async def test_a_full_account_refuses_and_keeps_what_it_had(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-117: what is used and the limit are named; the draft that there was stays as it was."""
    async with rig.account() as account:
        await deliver_mail(account, b"Subject: Much\r\n\r\n" + b"x" * 10_000)
        used = (await account.read(state, op="test")).total_size
    draft = await browser.call("draft_save", draft=written(), save_id=call_id())
    large = written(text="word " * 20_000)
    for call, parameters in (
        ("draft_save", {"draft": large, "save_id": call_id(), "replaces": draft}),
        ("message_submit", {"message": large, "submit_id": call_id(), "draft_id": draft}),
    ):
        answer = await browser.post(call, parameters)
        assert answer.status == 507, answer.body
        assert answer.json["error"]["message"] == f"not enough space: {used / 1024:.1f} of 40.0 KiB used"
    assert [row.id for row in await messages(rig, "Drafts")] == [draft]
    assert await messages(rig, "Sent") == []


async def test_a_draft_that_was_replaced_elsewhere_is_a_conflict(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-116: for saving and for sending; it can be saved as a new one."""
    draft = await browser.call("draft_save", draft=written(), save_id=call_id())
    await browser.call("draft_save", draft=written(text="other"), save_id=call_id(), replaces=draft)
    late = {"draft": written(text="late"), "save_id": call_id(), "replaces": draft}
    assert await browser.error("draft_save", **late) == (409, "user:conflict")
    sending = {"message": written(text="late"), "submit_id": call_id(), "draft_id": draft}
    assert await browser.error("message_submit", **sending) == (409, "user:conflict")
    named = {"replaces": 0, "draft": written(text="late", message_id="<new@example.org>")}
    await browser.call("draft_save", **(late | named))
    assert len(await messages(rig, "Drafts")) == 2


async def test_submissions_are_counted_by_what_became_of_them(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-29: each with its result, and the streams and calls beside them."""
    await browser.call("message_submit", message=written(), submit_id=call_id())
    other = written(**{"from": {"name": "", "address": "tom@example.org"}})
    await browser.post("message_submit", {"message": other, "submit_id": call_id()})
    bad = written(subject="a\nb", message_id="<bad@example.org>")
    assert (await browser.post("message_submit", {"message": bad, "submit_id": call_id()})).status == 400
    large = written(text="word " * 20_000, message_id="<large@example.org>")
    full = await browser.post("message_submit", {"message": large, "submit_id": call_id()})
    assert full.status == 507, full.body
    stranger = rig.browser()
    stranger.connection = {"port": 8010}
    text = (await stranger.fetch("/metrics")).body.decode()
    counted: dict[str, float] = {}
    for result in ("ok", "badfrom", "badmessage", "storesenterror"):
        name = f'moxlite_webmail_submission_total{{result="{result}"'
        [line] = [one for one in text.splitlines() if one.startswith(name)]
        counted[result] = float(line.split()[-1])
    assert min(counted.values()) >= 1, counted
    assert 'moxlite_webmail_streams{kind="sse"}' in text
    assert 'moxlite_webmail_api_seconds_count{call="message_submit"}' in text
