"""Labels of the webmail: names and colours for IMAP keywords (WEBMAIL-84)."""

import pytest

from moxlite.store.mail.flags import strip_keyword
from moxlite.store.mail.labels import keyword_of
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.mailboxes import check_keyword, spellings
from moxlite.web.webmail.calls import labels
from tests.store_mail import put
from tests.web_rig import Browser, Rig, first_request

pytestmark = pytest.mark.served


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("Receipts", "receipts"),
        ("To do", "to_do"),
        ("Größe & Maß", "grosse_&_mass"),
        ("  $Junk ", "junk"),
        ("\\Seen", "seen"),
        ('(a){b}%*"]', "ab"),
        ("日本", "xn--wgv71a"),
        ("Ελλάδα 2", "xn--_2-7tb71ebre2ca"),
        ("🎉", "xn--dk8h"),
    ],
)
def test_a_name_of_any_script_has_one_keyword(name: str, keyword: str) -> None:
    """WEBMAIL-84: always the same, and one that IMAP permits (STORE-22)."""
    made = keyword_of(name)
    assert made == check_keyword(made)
    assert made == keyword


def test_long_names_have_different_keywords() -> None:
    """WEBMAIL-84: also where only their ends differ, and of 100 signs outside of ASCII."""
    made = {keyword_of(sign * 99 + end) for sign in "x日" for end in "ab"}
    assert len(made) == 4
    assert all(check_keyword(one) == one for one in made)


async def test_a_label_is_made_named_and_shown_to_all_pages(browser: Browser) -> None:
    """WEBMAIL-84, WEBMAIL-105: a name that is there already is that label; another page with older settings loses
    nothing.
    """
    events = await browser.events()
    await events.until("start")
    made = await browser.call("label_save", name="  Größe\u0007 \u202e x ", color=3)
    assert made == {"keyword": "grosse_x", "name": "Größe x", "color": 3}
    assert (await events.change("settings"))["settings"]["labels"] == [made]
    assert await browser.call("label_save", name="GRÖSSE X", color=5) == made
    other = await browser.call("label_save", name="Gross ex", color=0)
    assert other["keyword"] == "gross_ex"
    other = await browser.call("label_save", name="grosse x", color=0)
    assert other["keyword"] == "grosse_x_2"
    renamed = await browser.call("label_save", name="Maß", color=1, keyword="grosse_x")
    assert renamed == {"keyword": "grosse_x", "name": "Maß", "color": 1}
    await browser.call("settings_save", settings={"signature": "Mia", "labels": []})
    again = await browser.events()
    settings = (await again.until("start"))["settings"]
    assert [one["keyword"] for one in settings["labels"]] == ["grosse_x", "gross_ex", "grosse_x_2"]
    assert (settings["signature"], settings["labels"][0]) == ("Mia", renamed)
    await events.aclose()
    await again.aclose()


async def test_a_label_is_taken_off_all_messages_in_pieces(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-84, STORE-22: then neither a mailbox nor the account knows its keyword; other labels stay."""
    monkeypatch.setattr(strip_keyword, "__defaults__", (3,))
    async with rig.account() as account:
        ids = [int(one.message_id) for one in await put(account, 7)]
    label = await browser.call("label_save", name="Reise", color=2)
    await browser.call("flags_add", message_ids=ids, flags=[label["keyword"], "kept"])
    events = await browser.events(first_request())
    start = await events.until("start")
    [inbox] = [one for one in start["mailboxes"] if one["name"] == "Inbox"]
    assert inbox["keywords"] == ["kept", "reise"]
    assert await browser.call("label_remove", keyword="reise") == 7
    assert (await events.change("mailbox_keywords"))["keywords"] == ["kept"]
    item = await browser.call("message_item", message_id=ids[0])
    assert item["keywords"] == ["kept"]
    async with rig.account() as account:
        assert "reise" not in await account.read(spellings, op="test")
        boxes = await account.read(mailbox_rows.mailboxes, op="test")
        assert not any("reise" in one.keywords for one in boxes)
    assert await browser.call("label_remove", keyword="reise") == 0
    await events.aclose()


async def test_a_search_by_label_finds_its_messages(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-84, WEBMAIL-38: by the keyword, in all mailboxes."""
    async with rig.account() as account:
        ids = [int(one.message_id) for one in await put(account, 3)]
    await browser.call("flags_add", message_ids=ids[:1], flags=["xn--wgv71a"])
    request = first_request()
    request["query"]["filter"] = {"mailbox_id": -1, "labels": ["xn--wgv71a"]}
    events = await browser.events(request)
    found = (await events.until("view_msgs"))["items"]
    assert [thread[0]["id"] for thread in found] == ids[:1]
    await events.aclose()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "", "color": 0},
        {"name": "\u0007 \u200b", "color": 0},
        {"name": "x" * 101, "color": 0},
        {"name": "x", "color": 9},
        {"name": "x", "color": 0, "keyword": "two words"},
        {"name": "x", "color": 0, "keyword": "\\seen"},
        {"name": "x", "color": 0, "keyword": ""},
    ],
)
async def test_what_is_no_label_is_refused(browser: Browser, wrong: dict[str, object]) -> None:
    """WEBMAIL-84, WEBMAIL-23."""
    assert await browser.error("label_save", **wrong) == (400, "user:error")


async def test_limits_and_conflicts_of_labels(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-84: two labels never have one name; names are bounded; flags of the system are no labels."""
    monkeypatch.setattr(labels, "MAX_LABELS", 2)
    for name in ("one", "two"):
        await browser.call("label_save", name=name, color=0)
    assert await browser.error("label_save", name="three", color=0) == (400, "user:error")
    assert await browser.error("label_save", name="ONE", color=0, keyword="two") == (409, "user:conflict")
    assert await browser.error("label_remove", keyword="$junk") == (404, "user:notFound")
    assert await browser.error("label_save", name="x", color=0, keyword="$junk") == (404, "user:notFound")


async def test_unread_messages_of_labels_are_counted(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-84: outside of Trash and Junk; read ones are not counted."""
    async with rig.account() as account:
        ids = [int(one.message_id) for one in await put(account, 4)]
        await put(account, 2, "Junk", keywords=["travel"], first=10)
    await browser.call("flags_add", message_ids=ids, flags=["travel"])
    await browser.call("flags_add", message_ids=ids[:1], flags=["family", "\\seen"])
    assert await browser.call("label_counts", keywords=["family", "travel", "other"]) == [0, 3, 0]
