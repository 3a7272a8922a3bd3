"""Writing for everybody in a real browser: colours, sizes, alignment, tables, pictures, emoji, and windows that become
bars: where each is on the screen, and the HTML that leaves.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import Box, boxes, fresh, in_sight, near, within_window
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_rich_browser import PNG, paste, words_of
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

TOOLS = 18
TABLE = """<table><caption>Ferries</caption><thead><tr><th>Line</th><th style="color:red">Time</th></tr></thead>
<tr><td colspan="2">none<p>today</td></tr></table>"""
LAYOUT = "<table><tr><td><table><tr><td>left</td><td>right</td></tr></table></td><td>side</td></tr></table>"


class Writer:
    """A message that is being written with formatting, in a fresh page."""

    def __init__(self, visitor: Visitor) -> None:
        self.page: Page = visitor.page
        self.page.locator(".compose-round, .compose-new").filter(visible=True).first.click()
        self.composer = self.page.locator(".composer:not(.small)")
        self.composer.get_by_label("To", exact=True).fill("moxlite@localhost")
        self.composer.get_by_label("Subject").fill("Boats")
        if self.composer.locator(".compose-rich").count() == 0:
            self.composer.locator("button[aria-label=Formatting]").click()
            expect(self.editor).to_be_focused()
        words_of(self.composer).focus()
        expect(self.editor).to_be_focused()

    @property
    def editor(self) -> Locator:
        return self.composer.locator(".compose-rich")

    def tool(self, name: str) -> Locator:
        return self.composer.get_by_role("toolbar", name="Formatting").get_by_role("button", name=name, exact=True)

    def choose(self, tool: str, choice: str) -> None:
        """Choose from the menu of a tool: it is at the tool, inside the window, and over everything."""
        self.tool(tool).click()
        menu = self.page.get_by_role("menu", name=tool)
        within_window(menu)
        near(menu, self.tool(tool), 8)
        wanted = menu.get_by_role("menuitem", name=choice, exact=True)
        wanted = wanted.or_(menu.get_by_role("menuitemradio", name=choice, exact=True))
        in_sight(wanted)
        wanted.click()
        expect(menu).to_have_count(0)
        expect(self.editor).to_be_focused()

    def type(self, *keys: str) -> None:
        """Words, and keys in brackets."""
        for key in keys:
            if key.startswith("["):
                self.page.keyboard.press(key.strip("[]"))
            else:
                self.page.keyboard.type(key)

    def html(self) -> str:
        """The HTML that leaves, as it is saved."""
        with self.page.expect_request(re.compile("api/draft_save")) as request:
            self.type("[Control+s]")
        expect(self.composer.locator(".compose-state")).to_have_text("Draft saved")
        sent = request.value.post_data_json
        assert sent is not None
        found: str = sent["draft"]["html"]
        return found


@contextmanager
def writing(chromium: Browser, server: LocalServer, width: int = 1440) -> Iterator[Writer]:
    with fresh(chromium, server, width) as visitor:
        writer = Writer(visitor)
        yield writer
        if writer.composer.count() > 0:
            writer.composer.get_by_role("button", name="Discard").click()
            writer.page.locator("dialog").get_by_role("button", name="Discard").click()
            expect(writer.composer).to_have_count(0)


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_every_tool_is_in_sight_and_its_menu_at_it(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-135a: none is cut, on a phone in two rows of targets as high as a finger."""
    with writing(chromium, server, width) as writer:
        tools = writer.composer.locator(".compose-tools button")
        expect(tools).to_have_count(TOOLS)
        for one in tools.all():
            box = in_sight(one)
            assert box.height >= (44 if width == 390 else 24)
            assert box.width >= (38 if width == 390 else 24)
        assert len({box.top for box in boxes(tools)}) == (2 if width == 390 else 1)
        for name in ("Color", "Size", "Alignment", "Table", "Emoji"):
            writer.tool(name).click()
            menu = writer.page.get_by_role("menu", name=name)
            within_window(menu)
            near(menu, writer.tool(name), 8)
            in_sight(menu.get_by_role("menuitem").or_(menu.get_by_role("menuitemradio")).first)
            writer.type("[Escape]")
            expect(menu).to_have_count(0)
            expect(writer.composer).to_be_visible()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_what_leaves_has_styles_and_nothing_else_of_the_editor(
    chromium: Browser, server: LocalServer, width: int
) -> None:
    """WEBMAIL-135a: inline styles from the list, no class, no attribute of the page; a draft has all of it again."""
    with writing(chromium, server, width) as writer:
        writer.type("plain ")
        writer.choose("Color", "Red")
        writer.type("red ")
        writer.choose("Color", "Blue")
        writer.type("blue ")
        writer.choose("Color", "Black")
        writer.choose("Color", "Yellow")
        writer.type("marked")
        writer.choose("Color", "No highlight")
        writer.choose("Size", "Huge")
        writer.type(" huge")
        writer.choose("Size", "Normal")
        writer.tool("Underline").click()
        writer.type(" under")
        writer.tool("Underline").click()
        writer.tool("Strikethrough").click()
        writer.type(" gone")
        writer.tool("Strikethrough").click()
        writer.type("[Enter]")
        writer.choose("Alignment", "Centered")
        writer.type("middle", "[Enter]")
        writer.choose("Alignment", "Left")
        writer.type('left <b data-look="x">')
        html = writer.html()
        assert '<span style="color:#b3261e">red&nbsp;</span><span style="color:#1a56b0">blue&nbsp;</span>' in html
        assert '<span style="background-color:#fff1a8">marked</span>' in html
        assert '<span style="font-size:26px"> huge</span>' in html
        assert "<u> under</u>" in html
        assert "<s> gone</s>" in html
        assert '<div align="center" style="text-align:center">middle</div>' in html
        assert '<div>left &lt;b data-look="x"&gt;</div>' in html, "words stay words"
        assert not re.search(r"<[^>]*(class|data-)", html)
        before = writer.editor.evaluate("(one) => one.innerHTML")
        writer.composer.get_by_role("button", name="Close").click()
        if width == 390:
            writer.page.get_by_role("button", name="Folders").or_(writer.page.locator(".show-drawer")).first.click()
        writer.page.locator(".mailbox-open", has_text="Drafts").click()
        writer.page.locator(".message", has_text="Boats").first.click()
        if width == 390:
            writer.page.get_by_role("button", name="Edit", exact=True).first.click()
        else:
            writer.type("[e]")
        expect(writer.editor.locator(".look-ink")).to_have_text(["red ", "blue "])
        now = writer.editor.evaluate("(one) => one.innerHTML")
        assert now == before
        writer.type("!")
        assert writer.html().replace("!", "") == html


def test_a_pasted_table_is_a_table(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-135a: of data; one that lays a page out is lines, and styles of elsewhere stay out."""
    with writing(chromium, server) as writer:
        paste(writer.page, "text/html", TABLE)
        expect(writer.editor.locator("th")).to_have_text(["Line", "Time"])
        expect(writer.editor.locator("td[colspan='2'] > div")).to_have_text(["none", "today"])
        expect(writer.editor.locator("div", has_text="Ferries").first).to_be_visible()
        assert "red" not in writer.html()
        paste(writer.page, "text/html", LAYOUT)
        expect(writer.editor.locator("table table")).to_have_count(0)
        expect(writer.editor).to_contain_text("right")


@pytest.mark.nightly
def test_a_table_is_filled_changed_and_undone(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-135a: Tab goes on and makes rows, Backspace joins no cells, and undo brings everything back."""
    with writing(chromium, server) as writer:
        cells = writer.editor.locator("td")
        writer.choose("Table", "2 rows, 3 columns")
        expect(cells).to_have_count(6)
        for word in "abcdef":
            writer.type(word, "[Tab]")
        expect(cells).to_have_count(9)
        writer.type("[Backspace]", "[Delete]", "g", "[Enter]", "h")
        expect(cells).to_have_text([*"abcdef", "gh", "", ""])
        writer.choose("Table", "Add column")
        expect(cells).to_have_count(12)
        writer.choose("Table", "Delete row")
        expect(cells).to_have_count(8)
        writer.choose("Table", "Delete column")
        expect(cells).to_have_count(6)
        whole = writer.editor.evaluate("(one) => one.innerHTML")
        for _ in range(3):
            writer.tool("Undo").click()
        expect(cells).to_have_text([*"abcdef", "gh", "", ""])
        for _ in range(3):
            writer.tool("Redo").click()
        assert writer.editor.evaluate("(one) => one.innerHTML") == whole
        writer.choose("Table", "Delete table")
        expect(cells).to_have_count(0)


def test_a_picture_has_sizes_and_words(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-135a: at the picture; undo brings a removed one back, also one that was pasted with its octets."""
    with writing(chromium, server) as writer:
        octets = base64.b64encode(PNG).decode()
        paste(writer.page, "text/html", f'<p>see <img src="data:image/png;base64,{octets}" alt="a map"></p>')
        picture = writer.editor.locator("img")
        expect(picture).to_have_js_property("naturalWidth", 1)
        picture.dispatch_event("click")
        menu = writer.page.get_by_role("menu", name="Image")
        in_sight(menu)
        near(menu, picture, 8)
        menu.get_by_role("menuitem", name="Medium").click()
        expect(picture).to_have_attribute("width", "320")
        picture.click()
        writer.page.get_by_role("menuitem", name="Alternative text…").click()
        dialog = writer.page.get_by_role("dialog", name="Alternative text")
        expect(dialog.get_by_role("textbox")).to_have_value("a map")
        dialog.get_by_role("textbox").fill('The "harbour" > sea')
        dialog.get_by_role("button", name="Done").click()
        html = writer.html()
        assert re.search(r'<img [^>]*width="320" style="width:320px;max-width:100%;height:auto"', html)
        picture.click()
        writer.page.get_by_role("menuitem", name="Remove").click()
        expect(picture).to_have_count(0)
        writer.tool("Undo").click()
        expect(picture).to_have_js_property("naturalWidth", 1)
        writer.tool("Undo").click()
        writer.tool("Undo").click()
        expect(picture).not_to_have_attribute("width", "320")
        expect(picture).to_have_js_property("naturalWidth", 1)


def test_an_emoji_comes_by_keys(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-135a: the grid is walked by arrows, and its choice is at the cursor."""
    with writing(chromium, server) as writer:
        writer.type("a")
        writer.tool("Emoji").press("Enter")
        writer.type("[ArrowRight]", "[ArrowDown]", "[ArrowLeft]", "[Enter]", "b")
        expect(writer.editor).to_have_text("a🙂b")


def test_a_key_and_a_tool_at_once_keep_the_cursor(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-135a: the browser says later where the cursor is; an emoji chosen before comes behind the letter."""
    with writing(chromium, server) as writer:
        writer.tool("Emoji").evaluate("tool => { document.execCommand('insertText', false, 'a'); tool.focus(); }")
        writer.type("[Enter]", "[Enter]", "b")
        expect(writer.editor).to_have_text("a😀b")


@pytest.mark.nightly
def test_three_windows_at_most_and_bars_beside_each_other(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-87a: what has no room beside a new window becomes a bar; a fourth message waits."""
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        for number in range(3):
            page.locator(".compose-new").click()
            page.locator(".composer").nth(number).get_by_label("Subject").fill(f"Number {number}")
        expect(page.locator(".composer.small")).to_have_count(1)
        found = sorted((within_window(one) for one in page.locator(".composer").all()), key=lambda box: box.left)
        assert all(one.right <= other.left for one, other in pairwise(found))
        bar = page.locator(".composer.small")
        assert in_sight(bar).height == pytest.approx(44, abs=1)
        page.locator(".compose-new").click()
        expect(page.locator(".toasts")).to_contain_text("You can write up to 3 messages at a time.")
        expect(page.locator(".composer")).to_have_count(3)
        bar.get_by_role("heading").click()
        expect(page.locator(".composer:not(.small)").first.get_by_label("Subject")).to_have_value("Number 0")
        expect(page.locator(".composer.small")).to_have_count(1)
        for number in range(3):
            page.locator(".composer").nth(2 - number).get_by_role("button", name="Restore").or_(
                page.locator(".composer").nth(2 - number).get_by_label("Subject")
            ).first.click()
            page.keyboard.press("Escape")


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_bar_leaves_the_mail_to_be_read(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-87a: the words stay, Back does not close it, and it is a window again by a press."""
    with writing(chromium, server, width) as writer:
        page = writer.page
        writer.type("words")
        writer.composer.get_by_role("button", name="Minimize").click()
        bar = page.locator(".composer.small")
        box: Box = in_sight(bar)
        assert box.height <= 53
        in_sight(page.locator(".compose-round, .compose-new").filter(visible=True).first)
        bar.get_by_role("heading").click()
        expect(writer.editor).to_be_focused()
        writer.type(" go on")
        expect(writer.editor).to_have_text("words go on")
