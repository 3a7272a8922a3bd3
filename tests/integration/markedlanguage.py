"""Pages in the marked language, and what they show in English that no language can translate (WEBMAIL-143d)."""

import re
from collections.abc import Collection
from typing import Any, Final

from playwright.sync_api import Browser, Page, Route

from tests.integration.browser import Visitor
from tests.running import LocalServer

__all__ = ["marked_visitor", "unmarked"]

OPEN, CLOSE = "\u200b", "\u00ad"
"""Instead of the brackets: Playwright looks for names without these signs, so walks find what they look for."""

UNMARKED: Final = """([open, close]) => {
  const outside = (text) => {
    let depth = 0;
    let found = "";
    for (const sign of text) {
      if (sign === open) depth++;
      else if (sign === close) depth = Math.max(0, depth - 1);
      else if (depth === 0) found += sign;
    }
    return [found, depth];
  };
  // a text with an element in it has its brackets in the nodes beside that
  const begun = (node) => {
    let place = node;
    for (let level = 0; level < 4 && place.parentElement !== null && place !== document.body; level++) {
      let before = "";
      for (let one = place.previousSibling; one !== null; one = one.previousSibling)
        before = (one.nodeType === 8 ? "" : one.textContent) + before;
      if (outside(before)[1] > 0) return true;
      place = place.parentElement;
    }
    return false;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const holder = node.parentElement;
    if (holder.closest("script, style, noscript, textarea, code, pre, [contenteditable]") !== null) continue;
    const shown = (holder.closest("select") ?? holder).checkVisibility();
    const [text] = outside(node.data);
    if (shown && /[a-z]{2}/i.test(text) && !begun(node)) found.push([text.trim(), holder.tagName, holder.className]);
  }
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder], [alt], [aria-description]")) {
    if (!one.checkVisibility()) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt", "aria-description"]) {
      const [text] = outside(one.getAttribute(name) ?? "");
      if (/[a-z]{2}/i.test(text)) found.push([text.trim(), `${one.tagName} ${name}`, one.className]);
    }
  }
  const [title] = outside(document.title);
  if (/[a-z]{2}/i.test(title)) found.push([title, "title", ""]);
  return found.map((one) => one.map(String));
}"""
"""Texts in sight, also those for screen readers, as far as they are outside of brackets, with their elements."""

WORD: Final = re.compile(r"[^\W\d_]+(?:['’.@-][\w]+)*")
LATIN: Final = re.compile(r"[A-Za-z]{2}")


def marked_visitor(browser: Browser, server: LocalServer, **options: Any) -> Visitor:
    """A visitor whose browser prefers the marked language. Its dates and numbers are Japanese: they have no English."""
    visitor = Visitor(browser, server, locale="ja-JP", service_workers="block", **options)

    def without_brackets(route: Route) -> None:
        answer = route.fetch(headers=route.request.headers | {"accept-language": "qps"})
        route.fulfill(response=answer, body=answer.text().replace("⟦", OPEN).replace("⟧", CLOSE))

    visitor.context.route(re.compile(r"/part/\w+-qps\.|/(#.*)?$"), without_brackets)
    return visitor


def unmarked(page: Page, known: Collection[str]) -> set[str]:
    """English outside of brackets that the page shows, without words that are `known`: data, and names of things."""
    found = set()
    for text, element, name in page.evaluate(UNMARKED, [OPEN, CLOSE]):
        if any(LATIN.search(word) and word not in known for word in WORD.findall(text)):
            found.add(f"{text!r} in {element} {name}".rstrip())
    return found
