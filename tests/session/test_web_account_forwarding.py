"""The account app's calls about forwarding, and the page for the owner of an address."""

import json
from functools import partial
from typing import Any

import pytest
import trio

from moxlite.admin import notices
from moxlite.admin.delivery import forwarding
from moxlite.admin.delivery.consent import make_code
from moxlite.admin.delivery.forwarding import Forwarding
from moxlite.config.load import ConfigError
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.store.delivery.forwarding import confirm_target, may_forward, note_bounce, targets
from moxlite.wording import Worded
from tests.browsing import Answer, Browser
from tests.tools import top
from tests.web_rig import Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]

EMPTY: dict[str, Any] = {"forward_to": [], "keep_copy": True}
TARGET = "mia@far.example"
DAY = 86_400_000_000


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Addresses that were asked, and the codes that they got."""
    found: list[tuple[str, str]] = []
    send = Forwarding._send

    async def spying(self: Forwarding, *args: Any) -> None:
        found.append((str(args[3]), args[5]))
        assert args[6].endswith(f"https://mail.example.org/mail/consent/{args[5]}")
        await send(self, *args)

    monkeypatch.setattr(Forwarding, "_send", spying)
    return found


async def answer(browser: Browser, code: str, word: str, headers: dict[str, str] | None = None) -> Answer:
    """Press a button of the page for strangers."""
    fields = {"content-type": "application/x-www-form-urlencoded"} | (headers or {})
    return await browser.fetch(f"/mail/consent/{code}", method="POST", headers=fields, body=f"answer={word}".encode())


async def test_an_address_gets_mail_once_its_owner_has_agreed(
    rig: Rig, browser: Browser, links: list[tuple[str, str]]
) -> None:
    """WEB-158a, WEB-158c, QUEUE-179: the mail with the link, a look that answers nothing, the answer, once."""
    assert (await browser.call("account_forward_list"))["form"] == EMPTY
    wanted = {"forward_to": [TARGET], "keep_copy": False}
    assert await browser.call("account_forward_set", old=EMPTY, changed=wanted) == ""
    saved = await browser.call("account_forward_list")
    assert saved["form"] == wanted
    assert [(one["address"], one["state"]) for one in saved["targets"]] == [(TARGET, "asked")]
    [(address, code)] = links
    assert address == TARGET
    webmail = rig.browser()
    await webmail.log_in()
    waiting = (await webmail.call("outbox"))["waiting"]
    assert [(one["recipient"], one["subject"]) for one in waiting] == [
        (TARGET, "Confirm forwarding from mia@example.org")
    ]
    assert await browser.error("account_forward_ask", address=TARGET) == (400, "user:error")
    stranger = rig.browser(app="/")
    for _ in range(2):
        page = await stranger.fetch(f"/mail/consent/{code}")
        assert page.status == 200
    assert b"Forward mail from mia@example.org to mia@far.example?" in page.body
    assert b"<script" not in page.body
    async with rig.account() as account:
        assert "isn't confirmed" in await account.write(lambda tx: may_forward(tx, TARGET))
    assert (await answer(stranger, code, "perhaps")).status == 400
    done = await answer(stranger, code, "yes", {"accept-language": "de", "origin": "null"})
    assert done.status == 200
    assert "Weiterleitung bestätigt" in done.body.decode()
    assert (await answer(stranger, code, "no")).status == 410
    assert (await stranger.fetch(f"/mail/consent/{code}")).status == 410
    async with rig.account() as account:
        assert await account.write(lambda tx: may_forward(tx, TARGET)) == ""
    assert (await browser.call("account_forward_list"))["targets"][0]["state"] == "confirmed"


async def test_the_question_names_each_address_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-179: From has no display name if the owner has none; an address there would look like phishing."""
    asked: list[tuple[str, str]] = []
    send = notices.send_to_others

    async def spying(*args: Any, full_name: str, **more: Any) -> None:
        asked.append((full_name, args[5][1]))
        await send(*args, full_name=full_name, **more)

    monkeypatch.setattr(forwarding, "send_to_others", spying)
    await browser.call("account_forward_set", old=EMPTY, changed={"forward_to": [TARGET], "keep_copy": True})
    [(name, text)] = asked
    assert name == ""
    assert text.startswith("The owner of this address wants to forward mail for mia@example.org to you.\n")
    assert (text.count("mia@example.org"), text.count(TARGET)) == (1, 0)


async def test_a_refusal_holds_and_forged_links_are_gone(
    rig: Rig, browser: Browser, links: list[tuple[str, str]]
) -> None:
    """QUEUE-179, WEB-158c: also for accounts that are not there, or forward nothing."""
    wanted = {"forward_to": [TARGET], "keep_copy": True}
    await browser.call("account_forward_set", old=EMPTY, changed=wanted)
    code = links[0][1]
    for forged in (code[:-1] + ("a" if code[-1] != "a" else "b"), make_code("tom", code[8:]), "a" * 34, ""):
        assert (await answer(browser, forged, "yes")).status == 410
    assert (await answer(browser, code, "no")).status == 200
    [target] = (await browser.call("account_forward_list"))["targets"]
    assert (target["state"], target["error"]) == ("stopped", "the recipient declined this mail")
    assert await browser.error("account_forward_start", address=TARGET) == (400, "user:error")
    async with rig.account() as account:
        why = await account.write(lambda tx: may_forward(tx, TARGET))
    parts = [why.template, *(value.template for value in why.values.values() if isinstance(value, Worded))]
    assert parts == ["forwarding has stopped: {error}", "the recipient declined this mail"]
    for path in (top() / "frontend/i18n/errors").glob("*.json"):
        assert json.loads(path.read_text()).keys() >= {*parts}, f"{path.stem}: the notice about it is whole"


async def test_guessing_is_limited(browser: Browser) -> None:
    """WEB-158c: requests of a network over a minute."""
    answers = [(await answer(browser, "a" * 34, "yes")).status for _ in range(31)]
    assert (answers[0], answers[-1]) == (410, 429)


@pytest.mark.parametrize("address", ["mia@example.org", "no address", "MIA@far.example", "b\u00fcro@example.org"])
async def test_a_wrong_address_is_refused_at_its_field(browser: Browser, address: str) -> None:
    """WEB-158a, ADMIN-9: an own one, none, one twice."""
    changed = {"forward_to": ["mia@far.example", address], "keep_copy": True}
    answer = await browser.post("account_forward_set", {"old": EMPTY, "changed": changed})
    assert answer.status == 400
    assert answer.json["error"]["fields"][0]["field"].startswith("forward_to")
    assert (await browser.call("account_forward_list"))["form"] == EMPTY
    assert await browser.error("account_forward_ask", address="x@far.example") == (404, "user:notFound")


async def test_three_days_of_bounces_stop_an_address_until_it_is_started_again(
    rig: Rig, browser: Browser, links: list[tuple[str, str]]
) -> None:
    """QUEUE-179: a message that arrives in between begins the three days anew."""
    await browser.call("account_forward_set", old=EMPTY, changed={"forward_to": [TARGET], "keep_copy": True})
    assert (await answer(browser, links[0][1], "yes")).status == 200

    async def bounce(*, arrived: bool, days: float) -> bool:
        async with rig.account() as account:
            await account.write(
                lambda tx: tx.execute("UPDATE forward_target SET failing = failing - ?", int(days * DAY))
            )
            return await account.write(lambda tx: note_bounce(tx, TARGET, "550 no such user", arrived=arrived))

    assert not await bounce(arrived=False, days=0)
    assert not await bounce(arrived=False, days=2.9)
    assert not await bounce(arrived=True, days=1)
    assert not await bounce(arrived=False, days=2)
    assert (await browser.call("account_forward_list"))["targets"][0]["failing"]
    assert await bounce(arrived=False, days=1.1)
    [target] = (await browser.call("account_forward_list"))["targets"]
    assert (target["state"], target["error"]) == ("stopped", "550 no such user")
    async with rig.account() as account:
        assert "550 no such user" in await account.write(lambda tx: may_forward(tx, TARGET))
    await browser.call("account_forward_start", address=TARGET)
    async with rig.account() as account:
        [row] = await account.read(targets, op="test")
        assert (row.stopped, row.failing) == (None, None)


CLUB = ("domains", "example.org", "aliases", "club")
MEMBERS = ["mia@example.org", TARGET]


async def asked(links: list[tuple[str, str]], number: int) -> None:
    """Wait until so many questions were sent."""
    with trio.fail_after(60):
        while len(links) < number:  # noqa: ASYNC110 - of another task
            await trio.sleep(0.01)


async def test_a_new_member_at_another_server_is_asked_for_the_alias(
    rig: Rig, browser: Browser, links: list[tuple[str, str]]
) -> None:
    """SMTP-166: whoever changed the configuration; the page of the carrier shows the member, and its owner agrees."""

    def change(document: Document, snapshot: Snapshot) -> None:
        document.put(CLUB, {"addresses": MEMBERS})

    await rig.holder.edit(change)
    await asked(links, 1)
    [(address, code)] = links
    assert address == TARGET
    found = await browser.call("account_forward_list")
    assert found["form"] == EMPTY
    [one] = found["targets"]
    assert (one["address"], one["alias"], one["state"]) == (TARGET, "club@example.org", "asked")
    stranger = rig.browser(app="/", remote="198.51.100.7")
    page = await stranger.fetch(f"/mail/consent/{code}")
    assert f"Forward mail from club@example.org to {TARGET}?" in page.body.decode()
    assert (await answer(stranger, code, "yes")).status == 200
    assert (await browser.call("account_forward_list"))["targets"][0]["state"] == "confirmed"
    await rig.holder.edit(lambda document, snapshot: document.put((*CLUB, "post_public"), True))
    await rig.holder.edit(lambda document, snapshot: document.put((*CLUB, "addresses"), [*MEMBERS, "new@far.example"]))
    await asked(links, 2)
    assert [address for address, _ in links] == [TARGET, "new@far.example"], "each once"


@pytest.mark.parametrize("word", ["yes", "no"])
async def test_agreeing_to_the_mail_of_an_alias_is_not_agreeing_to_all_mail(
    rig: Rig, browser: Browser, links: list[tuple[str, str]], word: str
) -> None:
    """QUEUE-179: the carrier's forwarding to the same address is asked for by itself; what was agreed to holds."""
    await rig.holder.edit(lambda document, snapshot: document.put(CLUB, {"addresses": MEMBERS}))
    await asked(links, 1)
    stranger = rig.browser(app="/", remote="198.51.100.7")
    assert (await answer(stranger, links[0][1], "yes")).status == 200

    async def allowed(*, of_alias: bool) -> bool:
        async with rig.account() as account:
            return await account.write(lambda tx: may_forward(tx, TARGET, of_alias=of_alias)) == ""

    assert await allowed(of_alias=True)
    assert not await allowed(of_alias=False)
    wanted = {"forward_to": [TARGET], "keep_copy": True}
    await browser.call("account_forward_set", old=EMPTY, changed=wanted)
    saved = await browser.call("account_forward_list")
    assert [(one["address"], one["state"]) for one in saved["targets"]] == [(TARGET, "asked")]
    page = await stranger.fetch(f"/mail/consent/{links[1][1]}")
    assert f"Forward mail from mia@example.org to {TARGET}?" in page.body.decode()
    assert (await allowed(of_alias=True), await allowed(of_alias=False)) == (True, False)
    assert (await answer(stranger, links[1][1], word)).status == 200
    assert (await allowed(of_alias=True), await allowed(of_alias=False)) == (True, word == "yes")


async def test_the_target_of_a_script_is_asked_and_waits_for_agreement(
    rig: Rig, browser: Browser, links: list[tuple[str, str]]
) -> None:
    """SMTP-160a, WEB-158a: the script is stored; its targets are asked and shown, an address of variables is shown;
    own addresses are no targets.
    """
    text = (
        'require ["copy", "variables"]; redirect :copy "Eva@far.example"; redirect "mia@example.org";\n'
        'set "n" "new"; redirect :copy "${n}@far.example";'
    )
    await browser.call("account_sieve_put", script="mine", old=None, text=text, activate=False)
    assert (await browser.call("account_forward_list"))["targets"] == []
    await browser.call("account_sieve_activate", script="mine")
    await asked(links, 1)
    async with rig.account() as account:
        assert "isn't confirmed" in await account.write(lambda tx: may_forward(tx, "new@far.example", by_script=True))
    found = await browser.call("account_forward_list")
    assert found["script"] == "mine"
    assert [(one["address"], one["state"], one["script"], one["ran"]) for one in found["targets"]] == [
        ("eva@far.example", "asked", "mine", False),
        ("new@far.example", "new", "", True),
    ]
    stranger = rig.browser(app="/", remote="198.51.100.7")
    page = await stranger.fetch(f"/mail/consent/{links[0][1]}")
    assert b"Forward mail from mia@example.org to eva@far.example?" in page.body
    assert (await answer(stranger, links[0][1], "yes")).status == 200
    await browser.call("account_forward_ask", address="new@far.example")
    await browser.call("account_sieve_put", script="mine", old=text, text=f"{text} keep;", activate=False)
    assert [address for address, _ in links] == ["eva@far.example", "new@far.example"], "each once"
    async with rig.account() as account:
        await account.write(lambda tx: may_forward(tx, "other@far.example", by_script=True))
        await account.write(lambda tx: may_forward(tx, "new@far.example", by_script=True))
    states = [(one["address"], one["state"]) for one in (await browser.call("account_forward_list"))["targets"]]
    assert states == [("eva@far.example", "confirmed"), ("new@far.example", "asked"), ("other@far.example", "new")]
    await browser.call("account_sieve_activate", script="")
    assert (await browser.call("account_forward_list"))["targets"] == []
    async with rig.account() as account:
        assert [one.address for one in await account.read(targets, op="test")] == ["eva@far.example", "new@far.example"]


async def test_a_target_that_was_never_asked_is_shown_as_taken_over(rig: Rig, browser: Browser) -> None:
    """SMTP-160a, WEB-158a: as the upgrade leaves targets of the active script; the other one has agreed when asked."""
    text = 'require "copy"; redirect :copy "eva@far.example"; redirect :copy "bo@far.example";'
    async with rig.account() as account:
        for address in ("eva@far.example", "bo@far.example"):
            await account.write(partial(confirm_target, address=address))
        await account.write(lambda tx: tx.execute("UPDATE forward_target SET asked = 0 WHERE address LIKE 'eva%'"))
    await browser.call("account_sieve_put", script="mine", old=None, text=text, activate=True)
    found = (await browser.call("account_forward_list"))["targets"]
    assert [(one["address"], one["state"], one["taken_over"]) for one in found] == [
        ("eva@far.example", "confirmed", True),
        ("bo@far.example", "confirmed", False),
    ]


async def test_a_script_has_ten_owners_asked_a_day(rig: Rig, browser: Browser, links: list[tuple[str, str]]) -> None:
    """SMTP-160a: the others wait until the owner asks them by hand."""
    text = 'require "copy";\n' + "".join(f'redirect :copy "a{number}@far.example";\n' for number in range(12))
    await browser.call("account_sieve_put", script="mine", old=None, text=text, activate=True)
    await asked(links, 10)
    states = [one["state"] for one in (await browser.call("account_forward_list"))["targets"]]
    assert (states.count("asked"), states.count("new")) == (10, 2)


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        ({"addresses": [TARGET]}, "must have a member on this server"),
        ({"addresses": [*MEMBERS, TARGET]}, "is listed twice"),
        ({"addresses": MEMBERS, "carrier": "tom"}, "isn't a member of this alias"),
        ({"addresses": [*MEMBERS, "nobody@example.org"]}, "doesn't belong to an account"),
        ({"addresses": [*MEMBERS, *(f"a{number}@far.example" for number in range(50))]}, "up to 50"),
    ],
)
async def test_an_alias_that_cannot_send_on_is_refused(rig: Rig, alias: dict[str, Any], text: str) -> None:
    """SMTP-166"""
    with pytest.raises(ConfigError, match=text):
        await rig.holder.edit(lambda document, snapshot: document.put(CLUB, alias))
