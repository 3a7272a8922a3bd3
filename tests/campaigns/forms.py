"""Each form of webmail, account and admin that saves, on a bad network: no typed word is lost, the page says truly what
became of it, and saving it once more makes nothing twice (WEBMAIL-183, WEBMAIL-46a, WEB-61b).

The list of forms is that of `tests/integration/test_web_unsaved_browser.py`, which has each form of the sources. A form
is filled and sent under a trouble of `network`; what the page says is compared with the calls that the server did. If
they weren't done for sure, the form must still have its words, also when the page is loaded again.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.sync_api import Locator, Request, expect

from tests.campaigns._countingserver import works
from tests.campaigns._writingcalls import CHANGES, SETTING, changing_calls
from tests.campaigns.network import ENDED, NEWER, PATHS, PATIENCE, STEP, TROUBLES, Desk, Trial
from tests.campaigns.report import Finding, Report
from tests.integration.browser import ARGUMENTS, playing
from tests.integration.test_web_unsaved_browser import WALKED, Form, opened
from tests.tools import need

__all__ = ["run"]

FEWEST: Final = 11
"""Cases, however small the share: each trouble once."""

DAYS: Final = {"since": 1_796_000_000, "until": 1_797_000_000}
"""Around the week of the calendar in which a form is opened by a press on its hours."""

CALM: Final = 6
"""Looks in a row at which nothing is on its way: the page has said what it has to say."""

IDLE: Final = 60
"""Looks after which a form that asks for nothing is left: it says so by itself."""

LOOK: Final = """async () => {
  const works = [];
  dispatchEvent(new CustomEvent("reloading", { detail: works }));
  let idle = false;
  void Promise.all(works).then(() => (idle = true));
  await new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(0);
  });
  const own = window.sent?.closest("dialog");
  const dialogs = [...document.querySelectorAll("dialog[open]")].filter((one) => one !== own);
  const busy = window.sent?.isConnected && window.sent.ariaBusy === "true" && dialogs.length === 0;
  const shown = [...document.querySelectorAll("dialog[open], .error:not([hidden]), .notice, .toast")];
  return {
    idle: idle && !busy && document.querySelector("#status:not([hidden]), .login-overlay") === null,
    waiting: window.waiting,
    says: shown.filter((one) => one !== own).map((one) => one.innerText).join(" | "),
  };
}"""
"""Whether no call is on its way, in whatever dialog or list it was begun, and what the page says beside the form."""

SEND: Final = """(field) => {
  window.sent = field.closest("form, [data-form]");
  window.sent.querySelector("[type=submit], .primary").click();
}"""

UNSURE: Final = ("don't know whether", "No answer")
FAILED: Final = ("Couldn't", "Can't reach", "Unexpected server response")


class Case(NamedTuple):
    """A form, what becomes of its call, and whether that goes on until the page gives up."""

    form: Form
    trouble: str
    lasting: bool

    @property
    def app(self) -> str:
        """The app whose form it is."""
        return next((app for app in ("webmail", "admin") if self.form.at.startswith(PATHS[app])), "account")

    def __str__(self) -> str:
        how = " that goes on" if self.lasting else ""
        return f"{self.form.at} {' › '.join(self.form.opens)} {self.form.field}, {self.trouble}{how}"


class Sheet:
    """A form on a desk, with its words."""

    def __init__(self, desk: Desk, form: Form, word: str) -> None:
        self.desk = desk
        self.form = form
        assert not isinstance(form.saves, str)
        texts = {form.field: "{} is typed", **form.saves}
        self.values = {label: text.format(word) for label, text in texts.items()}
        self.asked = 0
        desk.page.on("request", self._note)
        self._calls = {f"/api/{name}" for name in changing_calls(desk.app)}

    def _note(self, request: Request) -> None:
        self.asked += request.method == "POST" and any(request.url.endswith(call) for call in self._calls)

    def open(self) -> Locator:
        """Show the form in a page that is loaded anew; the field by which it's known."""
        self.desk.page.goto("about:blank")
        self.desk.page.goto(f"{self.desk.base}{self.form.at}")
        return opened(self.desk.page, self.form)

    def field(self, known: Locator, label: str) -> Locator:
        """A field beside the one by which the form is known."""
        if label == self.form.field:
            return known
        return known.locator("xpath=ancestor::form").get_by_label(label, exact=True).first

    def fill(self) -> Locator:
        """Open the form, and type all words."""
        known = self.open()
        for label, text in self.values.items():
            self.field(known, label).fill(text)
        return known

    def send(self, known: Locator, between: Callable[[], None] = lambda: None) -> str:
        """Press the button; what the page says of it. Raises Finding."""
        self.asked = 0
        known.evaluate(SEND)
        calm = looks = 0
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            look: dict[str, Any] = self.desk.page.evaluate(LOOK)
            calm = calm + 1 if look["idle"] and not look["waiting"] else 0
            looks += 1
            if calm > CALM and (self.asked or looks > IDLE):
                return str(look["says"])
            between()
            self.desk.log_in_again()
            if look["waiting"] <= self.desk.network.held:
                self.desk.page.clock.run_for(STEP)
            self.desk.page.wait_for_timeout(1)
        raise Finding("the form is being saved without end")

    def kept(self) -> Locator:
        """The form as it comes in a page that is loaded again: all words must be in it. Raises Finding."""
        known = self.open()
        for label, text in self.values.items():
            if (value := self.field(known, label).input_value()) != text:
                raise Finding(f"{label} has {value!r}, {text!r} was typed")
        return known

    def close(self) -> None:
        """Leave it."""
        self.desk.page.remove_listener("request", self._note)


class Forms(Trial):
    """The trial of `network`, of forms."""

    def send(self, case: Case) -> None:
        """Save a form under a trouble, and again if that failed. Raises Finding."""
        self._settle()
        desk = self.desk(case.app)
        before = len(works(self.calls))
        sheet = Sheet(desk, case.form, self.world.word())
        try:
            self._send(case, sheet, before)
        finally:
            sheet.close()
        if case.trouble in (ENDED, NEWER):
            for app in [*self._desks]:
                self.leave(app)

    def _settle(self) -> None:
        """Have somebody to share with, and no event where the next one is made."""
        self.world.guest()
        calendars = [one["id"] for one in self.world.webmail("calendars")]
        for event in self.world.webmail("events", **DAYS, calendar_ids=calendars)["events"]:
            self.world.webmail("event_remove", event_id=event["id"])

    def _send(self, case: Case, sheet: Sheet, before: int) -> None:
        names = changing_calls(case.app)
        line = f"POST {PATHS[case.app]}api/({'|'.join(names)}) "
        says = self.troubled(case.trouble, case.lasting, line, partial(sheet.send, sheet.fill()))
        done = self._done(names, before)
        unsure = any(words in says for words in UNSURE)
        failed = not unsure and any(words in says for words in FAILED)
        self.said[f"{case.trouble}: {'unsure' if unsure else 'failed' if failed else 'saved'}"] += 1
        if failed and done:
            raise Finding(f"{[*done]} was done, and the page says {says!r}")
        if not failed and not unsure:
            if not done:
                raise Finding(f"nothing was done, and the page says {says!r}")
            return
        known = sheet.kept()
        if known.page.locator("[data-unsaved]").count() == 0:  # the page shows them as what is saved
            if not done:
                raise Finding("words that weren't saved are no change")
            return
        again = sheet.send(known)
        if any(words in again for words in (*UNSURE, *FAILED)):
            raise Finding(f"on a good network the page says {again!r}; before: {says!r}")
        if not self._done(names, before):
            raise Finding(f"nothing was done on a good network, and the page says {again!r}")

    def _done(self, names: list[str], before: int) -> Counter[str]:
        """How often each call was done since. Raises Finding for one that was done twice."""
        made = [work for work in works(self.calls, before) if work.name in names and not work.code]
        counts = Counter(work.name for work in made)
        secret = {work.name for work in made if work.secret}
        if twice := [
            name
            for name, times in counts.items()
            if times > 1 and name not in secret and name not in (*CHANGES, *SETTING)
        ]:
            raise Finding(f"{', '.join(twice)} was done {[counts[name] for name in twice]} times")
        return counts


def cases(chance: random.Random, share: float) -> list[Case]:
    """All forms that save under all troubles in a random order, or a share of them in which each trouble is."""
    forms = [form for form in WALKED if not isinstance(form.saves, str)]
    all_cases = [Case(*one) for one in product(forms, TROUBLES, (False, True))]
    chance.shuffle(all_cases)
    if share >= 1:
        return all_cases
    first = [next(case for case in all_cases if case.trouble == trouble) for trouble in TROUBLES]
    count = max(FEWEST, round(len(all_cases) * share))
    return (first + [case for case in all_cases if case not in first])[:count]


def run(seed: int, share: float, report: Report) -> None:
    """All cases, or a share of them."""
    expect.set_options(timeout=1000 * PATIENCE)
    chance = random.Random(seed)
    chosen = cases(chance, share)
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="moxlite-forms-") as folder, playing() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        trial = Forms(Path(folder), browser, chance)
        with trial.running():
            for case in chosen:
                try:
                    trial.send(case)
                except Finding as finding:
                    problems.append(f"{case}: {finding}")
                    print(problems[-1], flush=True)
                    if case.app in trial._desks:
                        trial.leave(case.app)
        browser.close()
    forms = {(case.form.at, case.form.opens, case.form.field) for case in chosen}
    report.tell(f"{len(chosen)} cases of {len(forms)} forms under {len(TROUBLES)} troubles")
    report.table(["Trouble and what the page said", "Times"])
    for said, times in sorted(trial.said.items()):
        report.row(said, times)
    if problems:
        raise Finding("; ".join(problems[:5]))
