"""Rules and scripts for mail that is there already (WEBMAIL-130a)."""

from typing import Any

import pytest

from moxlite.acceptance.rules import move_sorted
from moxlite.acceptance.sieve.keeping import keep_script
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StorageFull
from tests.browsing import ADDRESS, Browser
from tests.session.test_web_account_settings import RULE, arrive, fields
from tests.web_rig import Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]

SCRIPT = b"""require ["fileinto", "mailbox", "body"];
if header :contains "subject" "letter" { fileinto :create "Letters"; }
elsif body :contains "nothing like it" { discard; }
elsif header :contains "subject" "bill" { fileinto "Gone"; }
else { redirect "eva@far.example"; }
"""


async def totals(browser: Browser) -> dict[str, int]:
    """The number of messages in each mailbox that has any."""
    return {one["name"]: one["total"] for one in await browser.call("mailboxes") if one["total"]}


async def test_rules_are_applied_to_the_mail_of_an_address_and_undone(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-130a: the count first; only mail to the address, in its mailbox; each piece says how many it moved, and
    the same call with the mailboxes exchanged moves them back.
    """
    for subject in ("letter one", "a bill", "letter two"):
        await arrive(rig, subject)
    await arrive(rig, "letter of the office", recipient="büro")
    rules = [RULE | {"mailbox": "Letters"}]
    page = await browser.call("rules_count", address=ADDRESS, rules=rules, after=None)
    ids = [one["id"] for one in page["moves"]]
    assert (len(ids), {one["mailbox"] for one in page["moves"]}, page["looked"]) == (2, {"Letters"}, 4)
    assert page["next"] is None
    assert await totals(browser) == {"Inbox": 4}, "nothing is moved by a count"
    assert await browser.call("sort_move", ids=ids, source="Inbox", target="Letters") == 2
    assert await totals(browser) == {"Inbox": 2, "Letters": 2}
    assert await browser.call("sort_move", ids=ids, source="Inbox", target="Letters") == 0, "they are there no more"
    again = await browser.call("rules_count", address=ADDRESS, rules=rules, after=None)
    assert (again["moves"], again["looked"]) == ([], 2)
    assert await browser.call("sort_move", ids=[*ids, 1 << 40], source="Letters", target="Inbox") == 2
    assert await totals(browser) == {"Inbox": 4}


async def test_a_count_goes_on_page_by_page(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-130a: each page has a bound, so that a large mailbox keeps no call waiting."""
    monkeypatch.setattr("moxlite.acceptance.rules.PAGE", 4)
    monkeypatch.setattr("moxlite.acceptance.rules.SLICE", 2)
    for number in range(10):
        await arrive(rig, f"letter {number}")
    seen: list[int] = []
    after: Any = None
    sizes = []
    while True:
        page = await browser.call("rules_count", address=ADDRESS, rules=[RULE | {"mailbox": "Letters"}], after=after)
        seen += [one["id"] for one in page["moves"]]
        sizes.append(page["looked"])
        after = page["next"]
        if after is None:
            break
    assert (sizes, len(set(seen))) == ([4, 4, 2], 10)


async def test_a_kill_between_two_pieces_loses_nothing(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-130a: a piece whose unit is undone moved nothing; going on and the undo of all work afterwards."""
    for number in range(6):
        await arrive(rig, f"letter {number}")
    page = await browser.call("rules_count", address=ADDRESS, rules=[RULE | {"mailbox": "Letters"}], after=None)
    ids = [one["id"] for one in page["moves"]]
    await browser.call("sort_move", ids=ids[:2], source="Inbox", target="Letters")

    def killed(tx: AccountTx) -> None:
        move_sorted(tx, ids[2:4], "Inbox", "Letters")
        raise StorageFull("the unit does not end")

    async with rig.account() as account:
        with pytest.raises(StorageFull):
            await account.write(killed)
    assert await totals(browser) == {"Inbox": 4, "Letters": 2}
    for piece in (ids[:2], ids[2:4], ids[4:]):  # a piece whose answer was lost is asked for again
        await browser.call("sort_move", ids=piece, source="Inbox", target="Letters")
    assert await totals(browser) == {"Letters": 6}
    for piece in (ids[4:], ids[2:4], ids[:2]):
        await browser.call("sort_move", ids=piece, source="Letters", target="Inbox")
    assert await totals(browser) == {"Inbox": 6}


async def test_a_script_files_what_is_there_and_does_nothing_else(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-130a: neither sends on nor discards; a mailbox that is gone is no target."""
    for subject in ("letter one", "a bill", "other"):
        await arrive(rig, subject)
    async with rig.account() as account:
        await keep_script(account, "mine", SCRIPT)
    page = await browser.call("script_count", name="mine", after=None)
    assert ([one["mailbox"] for one in page["moves"]], page["looked"]) == (["Letters"], 3)
    assert await browser.error("script_count", name="none", after=None) == (404, "user:notFound")


async def test_a_script_reads_each_part_of_a_stored_message_to_its_end(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-130a: as at delivery (IMAP-142): the text of one part has nothing of the next."""
    script = b"""require ["fileinto", "mailbox", "body"];
if body :content "text/plain" :contains "secret" { fileinto :create "Wrong"; }
elsif body :content "text/html" :contains "secret" { fileinto :create "Right"; }
"""
    plain, html = "Content-Type: text/plain\r\n\r\nopen", "Content-Type: text/html\r\n\r\n<p>secret"
    await arrive(
        rig,
        "parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        f"--b\r\n{plain}\r\n--b\r\n{html}\r\n--b--",
    )
    async with rig.account() as account:
        await keep_script(account, "mine", script)
    page = await browser.call("script_count", name="mine", after=None)
    assert [one["mailbox"] for one in page["moves"]] == ["Right"]


async def test_wrong_rules_and_targets_are_refused(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-130a: at their field, and the system's mailbox is no target; a pattern that would backtrack is searched
    in linear time (STORE-65).
    """
    bad = RULE | {"msg_from_regexp": "(x"}
    found = await fields(browser, "rules_count", address=ADDRESS, rules=[RULE, bad], after=None)
    assert found == ["rulesets[1].msg_from_regexp"]
    assert (await browser.error("rules_count", address="tom@example.org", rules=[], after=None))[0] == 404
    await arrive(rig, "a" * 5000)
    endless = RULE | {"msg_from_regexp": "", "headers_regexp": [{"name": "^subject$", "value": "(a|aa)+$b"}]}
    assert (await browser.call("rules_count", address=ADDRESS, rules=[endless], after=None))["moves"] == []
    page = await browser.call("rules_count", address=ADDRESS, rules=[RULE | {"headers_regexp": []}], after=None)
    ids = [one["id"] for one in page["moves"]] or [1]
    status, code = await browser.error("sort_move", ids=ids, source="Inbox", target="a//b")
    assert (status, code) == (400, "user:error")
