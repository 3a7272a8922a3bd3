"""The webmail in real browsers, with 100,000 messages: `python -m bench.webmail [--messages N] [--frames]`.

Debian's chromium by Playwright, Debian's firefox-esr by WebDriver BiDi (`tests/firefox.py`), one after the other on the
same server; in both the same functions run in the page and measure by its own clock. Figures beside the bars of
docs/performance.md; Firefox may take twice as long. Only Chromium tells its heap and can be made slower.

`--frames` measures in Chromium only what a frame of scrolling costs. Its messages are copies of a thousand,
each a row of its own.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import sync_playwright

from bench.imap import Side
from bench.measures import Figures, copy, filled
from bench.webload import Webmail
from tests.firefox import firefox
from tests.tools import need

__all__ = ["measure"]

ROUNDS = 5
"""How often what is quick is measured; the median counts."""

FRAMES = 300
"""Frames of a round of `--frames`."""

GLANCES = {"a common word": ["report"], "its beginning": ["rep"], "two": ["report", "winter"], "none": ["quizzicality"]}
"""Words that are typed into the search bar. The corpus has the common ones in nearly each message."""

#: Bars for Chromium.
BARS: dict[str, float] = {
    "first row, cold, ms": 800,
    "first row, cold, 4× throttle, ms": 800,
    "mailbox shown, ms": 150,
    "frame while scrolling to the bottom, p95, ms": 34,
    "rows rebuilt in a frame beyond those that came in": 0,
    "`End` shows the oldest, ms": 200,
    "elements afterwards": 3000,
    "heap afterwards, MB": 30,
    "frames until an action is seen, calls 400 ms later": 1,
    **{f"five hits as one types, {name}, median, ms": 30 for name in GLANCES},
}

#: Notes when the first row is there, by the clock that began with the navigation.
PRELOAD = """() => {
  const found = () => document.querySelector(".message:not(.missing)") !== null;
  const observer = new MutationObserver(() => {
    if (!found()) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.firstRow = performance.now())));
  });
  observer.observe(document, { childList: true, subtree: true, attributes: true });
}"""
LIBRARY = """
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
const until = async (condition) => {
  for (const end = performance.now() + 120000; !condition(); await frame())
    if (performance.now() > end) throw new Error(`never: ${condition}`);
};
const list = () => document.querySelector(".messages");
const rows = () => [...document.querySelectorAll(".message")];
const loaded = () => rows().length > 5 && rows().every((row) => !row.classList.contains("missing"));
const title = () => document.querySelector(".list-title").textContent;
const pressed = (given) => new KeyboardEvent("keydown", { bubbles: true, ...given });
const key = (name, more = {}) => document.dispatchEvent(pressed({ key: name, ...more }));
"""
LOG_IN = """async (user, password) => {
  await until(() => document.querySelector("[name=username]") !== null);
  document.querySelector("[name=username]").value = user;
  document.querySelector("[name=password]").value = password;
  document.querySelector("form.login").requestSubmit();
  await until(() => title() === "Inbox" && loaded());
}"""
FIRST_ROW = "async () => { await until(() => window.firstRow !== undefined); return window.firstRow; }"
SHOWN = """async () => {
  const all = () => [...document.querySelectorAll(".mailbox-open")];
  const open = (name) => all().find((one) => one.title.startsWith(`${name}:`)).click();
  open("Archive");
  await until(() => title() === "Archive" && document.querySelector(".messages-note").textContent !== "");
  const before = performance.now();
  open("Inbox");
  await until(() => title() === "Inbox" && loaded());
  await frame();
  return performance.now() - before;
}"""
SCROLL = """async (frames) => {
  const space = document.querySelector(".messages-space");
  list().scrollTop = 0;
  await until(loaded);
  const step = (space.clientHeight - list().clientHeight) / frames;
  const times = [];
  for (let n = 1, last = await frame(); n <= frames; n++) {
    list().scrollTop = n * step;
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  await until(loaded);
  return times;
}"""
STEPS = """async (frames) => {
  list().scrollTop = document.querySelector(".messages-space").clientHeight / 2;
  await until(loaded);
  for (let n = 0; n < frames; n++) {
    list().scrollTop += 120;
    await frame();
  }
  await until(loaded);
}"""
REBUILT = """async (frames) => {
  list().scrollTop = 0;
  await until(loaded);
  let most = 0;
  const built = new Set();
  const observer = new MutationObserver((changes) => {
    for (const { target } of changes) {
      const row = (target instanceof Element ? target : target.parentElement)?.closest(".message");
      if (row != null) built.add(row);
    }
  });
  observer.observe(document.querySelector(".messages-space"), { childList: true, characterData: true, subtree: true });
  for (let n = 0; n < frames; n++) {
    const before = new Set(rows().map((row) => row.id));
    built.clear();
    list().scrollTop += 200;
    await frame();
    await frame();
    const came = rows().filter((row) => !before.has(row.id)).length;
    most = Math.max(most, built.size - came);
  }
  observer.disconnect();
  return most;
}"""
END = """async () => {
  list().scrollTop = 0;
  list().focus();
  key("Home");
  await until(loaded);
  await frame();
  const before = performance.now();
  key("End");
  const last = () => rows().find((row) => row.getAttribute("aria-posinset") === row.getAttribute("aria-setsize"));
  await until(() => last() !== undefined && !last().classList.contains("missing"));
  await frame();
  return performance.now() - before;
}"""
ACTION = """async () => {
  list().focus();
  key("Home");
  await until(loaded);
  localStorage.setItem("moxlite-debug", JSON.stringify({ wait_min_ms: 400, wait_max_ms: 400 }));
  const focused = () => document.querySelector(".message.focused");
  await until(() => focused() !== null);
  const first = focused().id;
  let frames = 0;
  await frame();
  key("a");
  do {
    await frame();
    frames++;
  } while (document.getElementById(first) !== null && frames < 1000);
  localStorage.removeItem("moxlite-debug");
  key("z", { ctrlKey: true });
  await until(() => document.getElementById(first) !== null);
  return frames;
}"""
ELEMENTS = "() => document.querySelectorAll('*').length"


class Page(Protocol):
    """A page of a browser that is being measured."""

    def open(self, url: str) -> None:
        """Load a page."""

    def run(self, function: str, *arguments: object) -> Any:
        """Call a function in the page, awaited."""


def library(function: str) -> str:
    """The function with what all use."""
    return f"(...given) => {{ {LIBRARY} return ({function})(...given); }}"


def measure(page: Page, base: str, user: str, password: str, messages: int) -> Figures:
    """All that both browsers can tell."""

    def run(function: str, *arguments: object) -> Any:
        return page.run(library(function), *arguments)

    def median(function: str) -> float:
        return statistics.median(float(run(function)) for _ in range(ROUNDS))

    page.open(base)
    run(LOG_IN, user, password)
    figures: Figures = {}
    cold: list[float] = []
    for _ in range(ROUNDS):
        page.open("about:blank")
        page.open(base)
        cold.append(float(run(FIRST_ROW)))
    figures["first row, cold, ms"] = statistics.median(cold)
    run("async () => until(loaded)")
    figures["mailbox shown, ms"] = median(SHOWN)
    times = sorted(run(SCROLL, min(400, messages)))
    figures["frame while scrolling to the bottom, p95, ms"] = times[len(times) * 95 // 100]
    figures["frame while scrolling to the bottom, median, ms"] = statistics.median(times)
    figures["rows rebuilt in a frame beyond those that came in"] = float(run(REBUILT, 100))
    figures["`End` shows the oldest, ms"] = median(END)
    figures["elements afterwards"] = float(run(ELEMENTS))
    figures["frames until an action is seen, calls 400 ms later"] = median(ACTION)
    return figures


DIFFERENT = 1000
"""Messages of which `--frames` has copies: copies are stored ten times faster."""

TASKS = {"script": "ScriptDuration", "layout": "LayoutDuration", "style": "RecalcStyleDuration"}
"""Work of a page by the names of Chromium's metrics, in seconds of its main thread."""


def frames(base: str, user: str, password: str, number: int) -> Figures:
    """Milliseconds of a processor for each of so many frames, and layouts: from the middle on by two rows each, and
    through the whole list; the median run.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(300_000)
        page.add_init_script("localStorage['moxlite-webmail-threading'] = 'off'")
        chromium = Chromium(page)
        chromium.open(base)
        chromium.run(library(LOG_IN), user, password)
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent() -> Figures:
            metrics = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
            times = {name: 1e3 * metrics[key] for name, key in TASKS.items()}
            return {**times, "layouts": float(metrics["LayoutCount"])}

        figures: Figures = {}
        for title, function in {"scrolling by two rows": STEPS, "a jump to other rows": SCROLL}.items():
            rounds: list[Figures] = []
            for _ in range(ROUNDS):
                before = spent()
                chromium.run(library(function), number)
                after = spent()
                rounds.append({name: (after[name] - before[name]) / number for name in after})
            for name in rounds[0]:
                figures[f"a frame of {title}: {name}"] = statistics.median(one[name] for one in rounds)
        browser.close()
    return figures


class Chromium:
    """A page by Playwright."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.add_init_script(f"({PRELOAD})()")

    def open(self, url: str) -> None:
        self.page.goto(url)

    def run(self, function: str, *arguments: object) -> Any:
        return self.page.evaluate(f"(given) => ({function})(...given)", list(arguments))


def in_chromium(base: str, user: str, password: str, messages: int) -> Figures:
    """With its heap, and with a processor a quarter as quick."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.set_default_timeout(300_000)
        figures = measure(Chromium(page), base, user, password, messages)
        tools = context.new_cdp_session(page)
        tools.send("HeapProfiler.collectGarbage")
        figures["heap afterwards, MB"] = tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        cold = []
        for _ in range(ROUNDS):
            page.goto("about:blank")
            page.goto(base)
            cold.append(float(page.evaluate(f"({library(FIRST_ROW)})()")))
        figures["first row, cold, 4× throttle, ms"] = statistics.median(cold)
        browser.close()
    return figures


def in_firefox(base: str, user: str, password: str, messages: int) -> Figures:
    """By WebDriver BiDi."""
    with tempfile.TemporaryDirectory() as folder, firefox(Path(folder) / "profile") as browser:
        browser.command("script.addPreloadScript", functionDeclaration=PRELOAD)
        return measure(browser, base, user, password, messages)


def glances(webmail: Webmail) -> Figures:
    """The five newest hits while words are typed (WEBMAIL-73), with HTTP."""
    figures: Figures = {}
    for name, words in GLANCES.items():
        times = []
        for _ in range(4 * ROUNDS):
            began = time.perf_counter()
            webmail.call("search_glance", query={"filter": {"mailbox_id": -1, "words": words}})
            times.append((time.perf_counter() - began) * 1e3)
        figures[f"five hits as one types, {name}, median, ms"] = statistics.median(times)
    return figures


BROWSERS: dict[str, Callable[[str, str, str, int], Figures]] = {"chromium": in_chromium, "firefox": in_firefox}


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.webmail", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--only", choices=[*BROWSERS])
    parser.add_argument("--frames", action="store_true", help="what a frame of scrolling costs, and nothing else")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    figures: dict[str, Figures] = {}
    with filled(DIFFERENT if options.frames else options.messages) as server:
        base = f"http://localhost:{server.http_port}/webmail/"
        if options.frames:
            copy(server, options.messages)
            figures["chromium"] = frames(base, server.user, server.password, FRAMES)
        else:
            Side(server, options.messages).settle()
            figures["server"] = glances(Webmail(server.http_port, server.user, server.password))
            for name, run in BROWSERS.items():
                if options.only in (None, name):
                    figures[name] = run(base, server.user, server.password, options.messages)
                    print(f"# {name}: done, load {os.getloadavg()[0]:.1f}", flush=True)
    table(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def table(figures: dict[str, Figures]) -> None:
    """A Markdown table: figure, bar, and what each browser took."""
    print("\n" + " | ".join(["| Figure", "bar", *figures]) + " |\n|---|---|" + "---|" * len(figures))
    names = dict.fromkeys([*BARS, *(name for found in figures.values() for name in found)])
    for name in names:
        if not any(name in found for found in figures.values()):
            continue
        values = [f"{found[name]:,.1f}" if name in found else "–" for found in figures.values()]
        print(" | ".join([f"| {name}", f"{BARS[name]:,}" if name in BARS else "", *values]) + " |")


if __name__ == "__main__":
    main()
