"""Newsletters as senders build them, made harmless: legible in light and dark, and not worse than they were sent."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from moxlite.sandbox.jobs import Scheme
from moxlite.sandbox.sanitize import sanitize
from moxlite.web.webmail.reading.parts import colours_of
from tests.htmlcorpus import page_of
from tests.integration.browser import ARGUMENTS, chromium, playing
from tests.newsletters import DARK, LIGHT, ROOT, newsletters
from tests.tools import need

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_html_runs_nothing_and_loads_nothing"
    ),
]

LEGIBLE = 3.0
"""Contrast of text on its background (WCAG 2.1 §1.4.3, large text): a design may have less as it was sent."""

UNSEEN = "style, script, title, iframe, noembed, noframes, select, .blocked"
"""Elements whose text nobody sees as such."""

#: The contrast of each text that is seen, by the text. A picture behind it counts as not loaded.
CONTRAST = """() => {
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parse = (colour) => {
    if (colour.startsWith("rgb")) return colour.match(/[\\d.]+/g).map(Number);
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const behind = (one) => {
    if (one === null) return [255, 255, 255];
    const colour = parse(getComputedStyle(one).backgroundColor);
    return (colour[3] ?? 1) === 1 ? colour.slice(0, 3) : over(colour, behind(one.parentElement));
  };
  const light = (colour) => {
    const linear = (one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((one) => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const found = {};
  const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = all.nextNode()); ) {
    const text = node.data.trim(), one = node.parentElement, style = getComputedStyle(one);
    if (!/\\p{L}/u.test(text) || one.closest("UNSEEN") !== null) continue;
    if (!one.checkVisibility({ opacityProperty: true }) || parseFloat(style.fontSize) <= 1) continue;
    const back = behind(one);
    const [a, b] = [light(over(parse(style.color), back)), light(back)].sort((x, y) => y - x);
    found[text] = Math.min(found[text] ?? 99, a / b);
  }
  return found;
}""".replace("UNSEEN", UNSEEN)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that reaches nothing."""
    context = chromium.new_context(viewport={"width": 700, "height": 800})
    context.route("**/*", lambda route: route.abort())
    yield context.new_page()
    context.close()


def harmless(html: str) -> str:
    """The page of a message, as the webmail serves it."""
    return page_of(sanitize(html, {}, external=False).html)


def contrasts(page: Page, html: str, scheme: Any) -> dict[str, float]:
    """How each text of a page stands out."""
    page.emulate_media(color_scheme=scheme)
    # a document that is written anew keeps the colors of links that its body had
    page.goto("about:blank")
    page.set_content(html)
    found: dict[str, float] = page.evaluate(CONTRAST)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_newsletters_stay_legible(page: Page, scheme: str) -> None:
    """WEBMAIL-53, WEBMAIL-10: what was seen in the light as it was sent is seen in both, and stands out as well."""
    wrong = []
    for name, html in newsletters().items():
        sent, shown = contrasts(page, html, "light"), contrasts(page, harmless(html), scheme)
        assert len(sent) >= 3, name
        wrong += [f"{name}: “{text}” is not seen" for text in sent if text not in shown]
        wrong += [f"{name}: “{text}” is seen" for text in shown if text not in sent]
        for text in sent.keys() & shown.keys():
            if shown[text] < min(LEGIBLE, sent[text]) - 0.01:
                wrong.append(f"{name}: “{text}” has {shown[text]:.2f}, was sent with {sent[text]:.2f}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("place", ["{words}", '<div>said: 1:<blockquote type="cite">{words}</blockquote></div>'])
def test_words_are_seen_on_each_background(page: Page, place: str) -> None:
    """WEBMAIL-168: on colours, gradients and what is left out, also in a folded quote, whose pictures aren't drawn."""
    pairs = list(itertools.product(DARK, LIGHT))
    words = "".join(
        f'<p style="background: {background}; color: {colour}">words {at}.</p>'
        f'<div style="background: {background}"><p style="color: {colour}">heir {at}.</p></div>'
        for at, (background, colour) in enumerate(pairs)
    )
    html = harmless(f"<style>{ROOT}</style>" + place.format(words=words))
    shown = contrasts(page, html.replace("<details ", "<details open "), "light")
    assert len(shown) >= 2 * len(pairs)
    wrong = {text: value for text, value in shown.items() if value < LEGIBLE}
    assert not wrong, (wrong, pairs)


ON_PICTURE = {
    "a style": '<td style="background: url(https://x.example/a.png){more}">{words}</td>',
    "an attribute": '<td background="https://x.example/a.png" style="padding: 1px{more}">{words}</td>',
    "a sheet": '<td class="hero" style="padding: 1px{more}">{words}</td>',
    "a rule for phones": '<td class="phone" style="padding: 1px{more}">{words}</td>',
    "the body's words": "</tr></table><table style='background-image: url(cid:gone){more}'><tr><td>{words}",
}
WORDS = {
    "words": "<p>words {at}.</p>",
    "heirs": '<p style="color: {colour}">heirs {at}.</p>',
    "font": '<font color="{hex}">font {at}.</font>',
    "links": '<a href="https://x.example/">link {at}.</a>',
    "colored links": '<a href="https://x.example/" style="color: {colour} !important">colored {at}.</a>',
    "links of a sheet": '<span class="links"><a href="https://x.example/">sheet {at}.</a></span>',
    "cards": '<p style="background-color: #fff; color: {hex}">card {at}. <a href="https://x.example/">on {at}</a></p>',
    "old cards": '<table bgcolor="#102a43"><tr><td style="color: #f0a040">old {at}.</td></tr></table>',
    "buttons": '<a href="https://x.example/" style="background: #8e1e4e; color: white">button {at}.</a>',
}
COLOURS = {"#333": "#333333", "#0b57d0": "#0b57d0", "hsl(0, 0%, 45%)": "#737373", "#c00": "#cc0000", "tan": "#d2b48c"}
ROOM = "table {{ width: 100% }} body {{ color: {colour} }} .links a {{ color: {colour} }}"
HERO = ".hero { background: url(https://x.example/a.png) } @media all { .phone { background: url(//x.example/a) } }"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ON_PICTURE)
def test_words_are_read_on_the_gray_of_a_picture(page: Page, place: str, scheme: Scheme) -> None:
    """WEBMAIL-168: in every color that was read without the picture, links too; what is on a card of its own keeps
    its colors.
    """
    wrong: dict[str, float] = {}
    own = "@media (prefers-color-scheme: dark) { .x { color: white } }" if scheme == "dark" else ""
    for colour, hex_colour in COLOURS.items():
        more = ["", f"; color: {colour}"]
        cells = "<tr>".join(
            ON_PICTURE[place].format(
                more=part, words="".join(WORDS.values()).format(at=at, colour=colour, hex=hex_colour)
            )
            for at, part in enumerate(more)
        )
        sent = f"<!doctype html><style>{ROOM.format(colour=colour)}{HERO}{own}</style><table><tr>{cells}</table>"
        clean = sanitize(sent, {}, external=False, scheme=scheme)
        html = page_of(clean.html, colours_of(scheme, coloured=clean.coloured, own=clean.own))
        shown = contrasts(page, html, scheme)
        before = contrasts(page, sent, "light")
        assert len(before) == 2 * (len(WORDS) + 1)
        assert shown.keys() == before.keys()
        if scheme == "dark":
            # a sender's white card in a dark window of its own has the browser's links for that
            shown = {text: value for text, value in shown.items() if not text.startswith("on ")}
        wrong |= {f"{text} ({colour})": value for text, value in shown.items() if value < min(4.49, before[text])}
        cards = [text for text in before if text.startswith(("card", "old", "button"))]
        wrong |= {text: shown[text] for text in cards if shown[text] != pytest.approx(before[text], abs=0.01)}
    assert not wrong, wrong


def main() -> None:
    """Write pictures of each, as it was sent and as it is shown, side by side: `python -m … FOLDER`."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with playing() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 700, "height": 520}, color_scheme=scheme)
            page.route("**/*", lambda route: route.abort())
            for name, html in newsletters().items():
                for what, text in (("shown", harmless(html)), *((("sent", html),) if scheme == "light" else ())):
                    page.set_content(text)
                    page.screenshot(path=folder / f"{name} {scheme} {what}.png")
        browser.close()


if __name__ == "__main__":
    main()
