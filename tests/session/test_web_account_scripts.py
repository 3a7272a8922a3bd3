"""The account app's calls about answers while away and Sieve scripts."""

from functools import partial
from typing import Any

import msgspec
import pytest

from moxlite.acceptance.sieve import keeping
from moxlite.store.delivery.scripts import note_failure, put_script
from moxlite.store.delivery.vacation import load_form, may_answer
from moxlite.store.forms import VacationForm
from moxlite.store.options import DAY
from moxlite.wording import worded
from tests.browsing import Browser
from tests.web_rig import Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]

EMPTY: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(VacationForm()))
LATE = 3_786_912_000_000_000
"""µs UTC of 2090."""
SCRIPT = 'require "fileinto";\nfileinto "Lists";\n'


async def shown(browser: Browser) -> dict[str, Any]:
    """The form, without what is shown beside it."""
    found = await browser.call("account_vacation_show")
    return {name: found[name] for name in EMPTY}


async def test_the_vacation_form_is_saved_and_tells_whom_it_told(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-131, WEB-158: a form that was changed elsewhere meanwhile is a conflict, which names the fields."""
    assert await shown(browser) == EMPTY
    old = (await browser.call("account_vacation_show"))["mark"]
    wanted = {"enabled": True, "text": "Back on Monday.", "end": LATE, "known_only": True}
    await browser.call("account_vacation_set", changed=wanted, mark=old)
    async with rig.account() as account:
        form = await account.read(load_form, op="test")
        assert (form.enabled, form.text, form.known_only) == (True, "Back on Monday.", True)
        await account.write(lambda tx: may_answer(tx, b"h" * 16, "eva@example.net", 3600))
    found = await browser.call("account_vacation_show")
    assert await shown(browser) == EMPTY | wanted
    assert (found["active"], found["script"]) == (True, False)
    assert [one["address"] for one in found["answered"]] == ["eva@example.net"]
    stale = await browser.post("account_vacation_set", {"changed": {"subject": "Away"}, "mark": old})
    assert (stale.status, stale.json["error"]["code"]) == (409, "user:conflict")
    assert "enabled, end, text, known_only" in stale.json["error"]["message"]
    await browser.call("account_vacation_set", changed={"enabled": False}, mark=found["mark"])
    assert not (await browser.call("account_vacation_show"))["active"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": " "}, "text"),
        ({"start": LATE + 1, "end": LATE}, "end"),
        ({"end": LATE // 3}, "end"),
        ({"subject": "a\r\nBcc: x"}, "subject"),
        ({"html": "x" * 20_001}, "html"),
    ],
)
async def test_a_wrong_vacation_form_is_refused_at_its_field(
    browser: Browser, change: dict[str, object], field: str
) -> None:
    """WEBMAIL-131."""
    good = {"enabled": True, "text": "Away"}
    answer = await browser.post("account_vacation_set", {"changed": good | change})
    assert answer.status == 400
    assert [one["field"] for one in answer.json["error"]["fields"]] == [field]
    assert await shown(browser) == EMPTY


async def test_a_script_that_changes_while_it_is_checked_is_a_conflict(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-158: neither the text of the other page nor the active script changes."""
    await browser.call("account_sieve_put", script="mine", old=None, text=SCRIPT, activate=False)
    check = keeping.check_script

    async def meanwhile(text: bytes) -> bytes:
        packed = await check(b"discard;")
        async with rig.account() as account:
            await account.write(lambda tx: put_script(tx, "mine", b"discard;", packed))
        return await check(text)

    monkeypatch.setattr(keeping, "check_script", meanwhile)
    wanted = {"script": "mine", "old": SCRIPT, "text": "keep;", "activate": True}
    assert await browser.error("account_sieve_put", **wanted) == (409, "user:conflict")
    assert await browser.call("account_sieve_get", script="mine") == "discard;"
    assert [one["active"] for one in (await browser.call("script_list"))["scripts"]] == [False]


async def test_a_script_is_checked_saved_activated_renamed_and_deleted(rig: Rig, browser: Browser) -> None:
    """WEB-158, WEBMAIL-24b, IMAP-141: each fault with line and column; the active one is not deleted, nor one that was
    changed since the list was shown.
    """
    assert await browser.call("script_check", text=SCRIPT) == []
    (fault,) = await browser.call("script_check", text='if true {\n  fileinto "x";\n}')
    assert (fault["line"], fault["column"]) == (2, 3)
    assert "fileinto" in fault["text"]
    await browser.call("account_sieve_put", script="mine", old=None, text=SCRIPT, activate=True)
    found = await browser.call("script_list")
    assert [(one["name"], one["active"]) for one in found["scripts"]] == [("mine", True)]
    assert "vacation" in found["extensions"]
    assert await browser.call("account_sieve_get", script="mine") == SCRIPT
    assert (await browser.call("account_vacation_show"))["script"]
    assert await browser.error("account_sieve_put", script="mine", old=None, text="keep;", activate=False) == (
        409,
        "user:conflict",
    )
    assert await browser.error("account_sieve_put", script="mine", old=SCRIPT, text="kep;", activate=False) == (
        400,
        "user:fields",
    )
    assert await browser.call("account_sieve_get", script="mine") == SCRIPT
    await browser.call("account_sieve_put", script="mine", old=SCRIPT, text="keep;", activate=False)
    await browser.call("account_sieve_put", script="other", old=None, text="discard;", activate=False)
    assert await browser.error("account_sieve_rm", script="mine") == (409, "user:conflict")
    assert await browser.error("account_sieve_rename", script="mine", new_name="other") == (409, "user:conflict")
    assert await browser.error("account_sieve_rename", script="mine", new_name="a\nb") == (400, "user:error")
    await browser.call("account_sieve_rename", script="mine", new_name="first")
    await browser.call("account_sieve_activate", script="")
    shown = next(one for one in (await browser.call("script_list"))["scripts"] if one["name"] == "first")
    await browser.call("account_sieve_put", script="first", old="keep;", text="stop;", activate=False)
    refused = await browser.error("account_sieve_rm", script="first", changed=shown["changed"])
    assert refused == (409, "user:conflict")
    shown = next(one for one in (await browser.call("script_list"))["scripts"] if one["name"] == "first")
    await browser.call("account_sieve_rm", script="first", changed=shown["changed"])
    assert [(one["name"], one["active"]) for one in (await browser.call("script_list"))["scripts"]] == [
        ("other", False)
    ]
    for name, options in (
        ("account_sieve_get", {"script": "gone"}),
        ("account_sieve_rm", {"script": "gone"}),
        ("account_sieve_activate", {"script": "gone"}),
        ("account_sieve_rename", {"script": "gone", "new_name": "x"}),
    ):
        assert await browser.error(name, **options) == (404, "user:notFound")
    assert await browser.error("account_sieve_put", script="", old=None, text="keep;", activate=False) == (
        400,
        "user:error",
    )


async def test_errors_of_scripts_are_shown(rig: Rig, browser: Browser) -> None:
    """SMTP-160, WEB-158."""
    async with rig.account() as account:
        await account.write(lambda tx: note_failure(tx, "mine", 3, "folder not found: 'x'"))
    (one,) = (await browser.call("script_list"))["failures"]
    assert (one["script"], one["line"], one["text"]["message"]) == ("mine", 3, "folder not found: 'x'")


async def test_errors_keep_what_they_were_made_of(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-143, WEB-158b: so that a page says them in its language, with the reason; a text without values, and one
    that was cut, is itself.
    """
    webmail = rig.browser()
    await webmail.log_in()
    reason = worded("forwarding has stopped: {error}", error="550 no {address}")
    kept = worded(
        "couldn't forward to {address}, so the message was kept: {reason}", address="eva@far.example", reason=reason
    )
    async with rig.account() as account:
        for text in (kept, worded("at {place}", place="x" * 1000), worded("too slow"), kept):
            await account.write(partial(note_failure, script="", line=0, text=text))
    plain, cut, told = (one["text"] for one in (await browser.call("script_list"))["failures"])
    assert (plain, cut["words"]) == ({"message": "too slow", "words": None}, None)
    values = {"address": "eva@far.example", "reason": {"text": reason.template, "values": dict(reason.values)}}
    assert told == {"message": str(kept), "words": {"text": kept.template, "values": values}}
    async with rig.account() as account:
        await account.write(lambda tx: tx.execute("UPDATE sieve_failure SET moment = moment - ?", 2 * DAY))
        await account.write(lambda tx: note_failure(tx, "", 0, kept))
    assert (await webmail.call("sorting_notices"))["failure"]["text"] == told
    assert (await browser.call("overview"))["sorting"]["failure"]["text"] == told


async def test_errors_answers_and_stopped_addresses_are_told_at_once(rig: Rig, browser: Browser) -> None:
    """WEB-158b: on the first page of the account app and in the webmail, which can end the answers; errors of 30 days
    alone, refusals of owners not at all.
    """
    webmail = rig.browser()
    await webmail.log_in()
    nothing: dict[str, object] = {"away": False, "away_until": None, "failure": None, "stopped": []}
    assert await webmail.call("sorting_notices") == nothing
    async with rig.account() as account:
        await account.write(lambda tx: note_failure(tx, "old", 1, "long ago"))
        await account.write(lambda tx: tx.execute("UPDATE sieve_failure SET moment = moment - ?", 31 * DAY))
    assert await webmail.call("sorting_notices") == nothing
    wanted = {"enabled": True, "text": "Back on Monday.", "end": LATE}
    await browser.call("account_vacation_set", changed=wanted)
    async with rig.account() as account:
        await account.write(lambda tx: note_failure(tx, "lists", 12, "too many steps"))
    found = await webmail.call("sorting_notices")
    assert (found["away"], found["away_until"]) == (True, "2090-01-01T00:00:00Z")
    failure = found["failure"]
    assert (failure["script"], failure["line"], failure["text"]["message"], failure["count"]) == (
        "lists",
        12,
        "too many steps",
        1,
    )
    assert (await browser.call("overview"))["sorting"] == found
    await webmail.call("account_vacation_set", changed={"enabled": False})
    assert not (await webmail.call("sorting_notices"))["away"]
    form = await shown(browser)
    assert (form["enabled"], form["text"]) == (False, "Back on Monday.")
