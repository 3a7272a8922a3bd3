"""Groups of contacts, favorites, and the index of letters in a real browser (WEBMAIL-128g, WEBMAIL-128h,
WEBMAIL-128i).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import Box, boxes, fresh, uncovered, within_window
from tests.integration.browser import chromium
from tests.integration.conftest import panics
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import Desk
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

SIZES = [1440, 1280, 1024, 768, 390]
PEOPLE = ("Ada Lind", "Bo Ek", "Cleo Olm", "Dag Frisk", "Eva <b>Ro</b>")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server; it must have counted no panic."""
    with LocalServer(tmp_path_factory.mktemp("groups") / "server") as found:
        yield found
        assert panics(found) == 0, found.log()


def anew(desk: Desk) -> dict[str, int]:
    """Remove all contacts and groups, and add the people of `PEOPLE`; returns their ids."""
    for group in desk.call("contact_groups"):
        desk.call("contact_group_remove", group=group["name"])
    for contact in desk.call("contacts", limit=1000)["contacts"]:
        desk.call("contact_remove", contact_id=contact["id"])
    return add_people(desk)


def add_people(desk: Desk) -> dict[str, int]:
    """Add the people of `PEOPLE`; returns their ids."""
    bare = {"phones": [], "organization": "", "note": "", "groups": []}
    return {
        name: desk.call(
            "contact_save", contact={"name": name, "emails": [{"value": f"{name[0]}@x.example", "kind": ""}], **bare}
        )
        for name in PEOPLE
    }


def place(page: Page) -> Locator:
    """Open the contacts."""
    page.get_by_role("link", name="Contacts", exact=True).click()
    return page.locator("#app.other-place")


def lists(page: Page, width: int) -> Locator:
    """The lists of the side bar, which a narrow window opens by a button."""
    if width < 700:
        page.get_by_role("button", name="Folders").locator("visible=true").click()
    elif page.locator(".place-lists").is_visible():
        page.locator(".place-lists").click()
    found = page.locator(".people-shelves")
    expect(found).to_be_visible()
    return found


def test_three_contacts_are_put_into_a_group(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128g, WEBMAIL-175: five clicks; the group is a page, from which its contacts leave, and get mail."""
    with fresh(chromium, server, 1280) as reader:
        desk = Desk(reader.page)
        page = desk.page
        anew(desk)
        desk.call("contact_group_save", name="Crew")
        people = place(page)
        rows = people.get_by_role("listitem")
        expect(rows).to_have_count(5)
        for name in PEOPLE[:3]:
            rows.get_by_role("checkbox", name=f"Select “{name}”").click()
        expect(people.locator(".people-chosen")).to_have_text("3 selected")
        page.screenshot(path=tmp_path / "selected.png")
        people.locator(".people-tools").get_by_role("button", name="Groups").click()
        page.get_by_role("menuitem", name="Crew").click()
        expect(page.locator(".toast", has_text="3 contacts added to “Crew”")).to_be_visible()
        expect(people.locator(".people-chosen")).to_have_count(0)
        people.get_by_role("button", name="Crew 3").click()
        expect(page).to_have_url(re.compile(r"#people:,,Crew$"))
        expect(people.get_by_role("heading", level=2, name="Crew")).to_be_visible()
        expect(rows).to_have_count(3)
        page.screenshot(path=tmp_path / "group.png")
        wrong = judge(page, None)
        people.get_by_role("button", name="Remove “Bo Ek” from this group").click()
        expect(rows).to_have_count(2)
        page.locator(".toast").get_by_role("button", name="Undo").click()
        expect(rows).to_have_count(3)
        # others are found and added
        people.get_by_role("button", name="Add people…").click()
        form = page.get_by_role("dialog", name="Add people to “Crew”")
        form.get_by_label("Name or address").fill("eva")
        expect(form.get_by_role("listitem")).to_have_count(1)
        form.get_by_role("button", name="Add “Eva <b>Ro</b>”").click()
        expect(form.get_by_role("button", name="Added “Eva <b>Ro</b>”")).to_be_disabled()
        page.screenshot(path=tmp_path / "adding.png")
        wrong += judge(page, None)
        form.get_by_label("Name or address").press("Escape")
        expect(form.get_by_label("Name or address")).to_have_value("")
        form.get_by_label("Name or address").press("Escape")
        expect(form).to_have_count(0)
        expect(rows).to_have_count(4)
        # a new name, and the same page after a reload
        people.get_by_role("button", name="Rename…").click()
        page.get_by_role("dialog", name="Rename group").get_by_label("Name").fill("Big crew")
        page.get_by_role("dialog").get_by_role("button", name="Rename").click()
        expect(people.get_by_role("heading", level=2, name="Big crew")).to_be_visible()
        page.reload()
        expect(rows).to_have_count(4)
        # the contact's page has it, and takes it back
        rows.get_by_role("button", name="Ada Lind", exact=False).first.click()
        card = people.get_by_role("article")
        expect(card.locator(".chip")).to_have_text(["Big crew"])
        card.get_by_role("button", name="Groups").click()
        page.screenshot(path=tmp_path / "menu.png")
        page.get_by_role("menuitemradio", name="Big crew").click()
        expect(card.locator(".chip")).to_have_count(0)
        expect(rows).to_have_count(3)
        card.get_by_role("button", name="Groups").click()
        page.get_by_role("menuitem", name="New group…").click()
        page.get_by_role("dialog", name="New group").get_by_label("Name").fill("Choir")
        page.get_by_role("dialog").get_by_role("button", name="Create").click()
        card.get_by_role("button", name="Choir").click()
        expect(rows).to_have_count(1)
        # all get mail; the group goes, and comes back
        people.get_by_role("button", name="Big crew").first.click()
        people.get_by_role("button", name="Email all").click()
        expect(page.locator(".composer [data-field=to] .chip")).to_have_count(3)
        page.keyboard.press("Escape")
        people.get_by_role("button", name="Delete group").click()
        expect(people.get_by_role("button", name="Big crew")).to_have_count(0)
        expect(rows).to_have_count(5)
        page.locator(".toast", has_text="deleted").get_by_role("button", name="Undo").click()
        expect(people.get_by_role("heading", level=2, name="Big crew")).to_be_visible()
        expect(rows).to_have_count(3)
        assert not wrong, "\n".join(wrong)


def test_a_favorite_is_starred_and_completed_first(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128h: a star on the page and in the row, an entry of the side bar, the first name in To."""
    with fresh(chromium, server, 1280) as reader:
        desk = Desk(reader.page)
        page = desk.page
        anew(desk)
        people = place(page)
        rows = people.get_by_role("listitem")
        expect(rows).to_have_count(5)
        people.get_by_role("button", name="Favorites 0").click()
        expect(people.get_by_role("status")).to_contain_text("No favorites yet.")
        page.screenshot(path=tmp_path / "none.png")
        wrong = judge(page, None)
        people.get_by_role("button", name="All contacts").click()
        rows.get_by_role("button", name="Dag Frisk").click()
        card = people.get_by_role("article", name="Dag Frisk")
        card.get_by_role("button", name="Add to favorites").click()
        expect(card.get_by_role("button", name="Remove from favorites")).to_be_visible()
        expect(rows.locator(".person-star")).to_have_count(1)
        page.screenshot(path=tmp_path / "starred.png")
        wrong += judge(page, None)
        page.locator(".open-mail").click()
        page.keyboard.press("c")
        to = page.locator(".composer").get_by_label("To", exact=True)
        to.fill("x.example")
        expect(page.locator(".completion").first).to_contain_text("Dag Frisk")
        to.fill("")
        people = place(page)
        people.get_by_role("button", name="Favorites 1").click()
        expect(rows).to_have_count(1)
        rows.get_by_role("button", name="Dag Frisk").first.click()
        expect(card).to_be_visible()
        page.keyboard.press("s")
        expect(people.get_by_role("status")).to_contain_text("No favorites yet.")
        assert not wrong, "\n".join(wrong)


NAMES = (
    *(
        f"{letter}{name}"
        for letter in "ABCDEFGHKLMNOPRSTVWZ"
        for name in ("ada Lind", "ema Olm", "ina Ek", "ona Frisk")
    ),
    *("Émile Ro", "Юрій Шевченко", "Їжак", "김민준", "東京太郎", "サトウ", "أحمد منصور", "7 Seas"),
)


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", SIZES)
def test_letters_lead_to_names(chromium: Browser, server: LocalServer, tmp_path: Path, width: int) -> None:
    """WEBMAIL-128i: an index beside the list, in all scripts, by pointer and keys, also to what isn't loaded yet."""
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:l{n}\r\nFN:{name}\r\nEND:VCARD\r\n"
        for n, name in enumerate((*NAMES, *(f"Bo {n:03}" for n in range(60))))
    )
    path = tmp_path / "letters.vcf"
    path.write_text(cards, newline="")
    with fresh(chromium, server, width) as reader:
        desk = Desk(reader.page)
        page = desk.page
        anew(desk)
        server.cli("contacts", "import", "moxlite", str(path))
        people = place(page)
        rows = people.get_by_role("listitem")
        expect(rows).to_have_count(100)
        strip = people.get_by_role("slider", name="Jump to a letter")
        letters = strip.locator("span").all_text_contents()
        assert letters[:4] == ["#", "A", "B", "C"]
        assert letters[-6:] == ["І", "Ю", "ا", "ㄱ", "さ", "漢"]
        assert len(letters) == len(set(letters))
        here = within_window(strip)
        main = Box.of(people.locator(".people-main"))
        assert (here.right, round(here.top), round(here.bottom)) == (main.right, round(main.top), round(main.bottom))
        assert here.right - here.left == 24
        assert all(box.right <= here.left + 1 for box in boxes(people.locator(".person-open"))[:20])
        page.screenshot(path=tmp_path / "letters.png")
        wrong = judge(page, None)
        page.emulate_media(color_scheme="dark")
        wrong += judge(page, ["color-contrast"])
        # a name of a page that isn't loaded yet
        strip.focus()
        page.keyboard.press("z")
        expect(strip).to_have_attribute("aria-valuetext", "Z")
        first = people.locator('[data-head="Z"]')
        expect(first).to_be_in_viewport()
        assert abs(Box.of(first).top - main.top) < 2 or Box.of(rows.last).bottom <= main.bottom
        page.keyboard.press("Home")
        expect(strip).to_have_attribute("aria-valuetext", "#")
        page.keyboard.press("ArrowDown")
        expect(people.locator('[data-head="A"]')).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(people.locator('[data-head="A"] .person-open')).to_be_focused()
        # by pointer: the last letter
        page.mouse.click(here.left + 12, here.bottom - 12)
        expect(strip).to_have_attribute("aria-valuetext", letters[-1])
        expect(people.locator(f'[data-head="{letters[-1]}"]')).to_be_in_viewport()
        # a group of a few has none
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        people.get_by_label("Search contacts").fill("Émile")
        expect(rows).to_have_count(1)
        expect(strip).to_be_hidden()
        assert not wrong, "\n".join(wrong)


GROUP = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:live\r\nFN:From a phone with a rather long name\r\nN:x\r\n"
    "X-ADDRESSBOOKSERVER-KIND:group\r\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:one\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nFN:Zoe Live\r\nCATEGORIES:starred\r\nEND:VCARD\r\n"
)


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize("width", SIZES)
def test_groups_fit_and_follow_changes(chromium: Browser, server: LocalServer, tmp_path: Path, width: int) -> None:
    """WEBMAIL-128g, WEBMAIL-128h: empty and full, light and dark; a group that a phone makes appears by itself."""
    path = tmp_path / "live.vcf"
    path.write_text(GROUP, newline="")
    with fresh(chromium, server, width) as reader:
        desk = Desk(reader.page)
        page = desk.page
        for contact in anew(desk).values():
            desk.call("contact_remove", contact_id=contact)
        people = place(page)
        expect(people.get_by_role("status")).to_contain_text("No contacts yet.")
        expect(people.get_by_role("slider")).to_be_hidden()
        page.screenshot(path=tmp_path / "empty.png")
        wrong = judge(page, None)
        side = lists(page, width)
        expect(side.get_by_role("button", name="Favorites 0")).to_be_visible()
        # others change what is open
        server.cli("contacts", "import", "moxlite", str(path))
        group = side.get_by_role("button", name="From a phone with a rather long name 1")
        expect(group).to_be_visible(timeout=20_000)
        expect(side.get_by_role("button", name="Favorites 1")).to_be_visible()
        for button in (group, side.get_by_role("button", name="New group")):
            within_window(button)
            assert Box.of(button).height >= 24
        page.screenshot(path=tmp_path / "side.png")
        group.click()
        rows = people.get_by_role("listitem")
        expect(rows).to_have_count(1)
        ids = add_people(desk)
        desk.call("contacts_group", contact_ids=[*ids.values()], group="From a phone with a rather long name")
        expect(rows).to_have_count(6, timeout=20_000)
        main = Box.of(people.locator(".people-main"))
        acts = people.get_by_role("toolbar", name="Group actions").get_by_role("button")
        expect(acts).to_have_count(4)
        for box in boxes(acts):
            assert main.left <= box.left
            assert box.right <= main.right
            assert box.height >= (44 if width < 700 else 34)
        for box in boxes(people.locator(".person-open")):
            assert box.height >= 56
            assert box.right <= main.right
        uncovered(acts.first)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=tmp_path / f"group-{scheme}.png")
            wrong += judge(page, None if scheme == "light" else ["color-contrast"])
        rows.locator(".person-open", has_text="Zoe Live").click()
        card = people.get_by_role("article", name="Zoe Live")
        for name in ("Remove from favorites", "Groups", "Edit"):
            within_window(card.get_by_role("button", name=name))
        page.screenshot(path=tmp_path / "card.png")
        wrong += judge(page, None)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert not wrong, "\n".join(wrong)


# last, as each test above removes all contacts first


@pytest.mark.landing("Crew")
@pytest.mark.parametrize("group", ["Crew", "Choir"])
def test_more_contacts_than_a_call_takes_are_put_into_a_group(
    chromium: Browser, server: LocalServer, tmp_path: Path, group: str
) -> None:
    """WEBMAIL-128g: into one that is there, and into a new one."""
    number = 501
    path = tmp_path / "many.csv"
    path.write_text("Name\n" + "".join(f"Bo {n:03}\n" for n in range(number)))
    with fresh(chromium, server, 1280) as reader:
        desk = Desk(reader.page)
        page = desk.page
        for contact in anew(desk).values():
            desk.call("contact_remove", contact_id=contact)
        desk.call("contact_group_save", name="Crew")
        server.cli("contacts", "import", "moxlite", str(path))
        people = place(page)
        rows = people.get_by_role("listitem")
        for shown in (100, 200, 300, 400, 500):
            expect(rows).to_have_count(shown)
            people.get_by_role("button", name="Show more").click()
        expect(rows).to_have_count(number)
        page.evaluate("document.querySelectorAll('.person-box').forEach((box) => box.click())")
        expect(people.locator(".people-chosen")).to_have_text(f"{number} selected")
        people.locator(".people-tools").get_by_role("button", name="Groups").click()
        if group == "Crew":
            page.get_by_role("menuitem", name=group).click()
        else:
            page.get_by_role("menuitem", name="New group…").click()
            page.get_by_role("dialog", name="New group").get_by_label("Name").fill(group)
            page.get_by_role("dialog").get_by_role("button", name="Create").click()
        expect(page.locator(".toast", has_text=f"{number} contacts added to “{group}”")).to_be_visible(timeout=60_000)
        expect(people.locator(".people-shelves")).to_contain_text(group)
        assert desk.call("contact_groups")[0]["contacts"] == number
