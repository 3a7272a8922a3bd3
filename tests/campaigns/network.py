"""Each call that changes something, of webmail, account and admin, on a bad network: it is done once, and the page says
truly what became of it (WEB-61b, WEB-61c, WEBMAIL-46a, WEBMAIL-183).

Calls are made by the pages' own clients, each under each fault: for one request, or until the client gives up and the
person tries again on a network that is well. The server counts what it really did. The list of calls is that of the
schemas; one without a driver is a finding. What is typed into forms is the campaign `forms`.
"""

import itertools
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from playwright.sync_api import Browser, Error, Page

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.campaigns._badnetwork import BadNetwork, Fault
from tests.campaigns._countingserver import CALLS, VERSION, works
from tests.campaigns._writingcalls import (
    CHANGES,
    DRIVERS,
    OWN_IDS,
    REFUSED,
    UNSETTLING,
    World,
    parameters_of,
    writing_calls,
)
from tests.campaigns.report import Finding, Report
from tests.integration.browser import ARGUMENTS, Visitor, playing
from tests.integration.test_web_offline_browser import end_sessions
from tests.running import LocalServer
from tests.tools import need

__all__ = ["run"]

T = TypeVar("T")

ENDED: Final = "ended session"
NEWER: Final = "newer server"
TROUBLES: Final = (*Fault, ENDED, NEWER)

FEWEST: Final = 11
"""Cases, however small the share: each trouble once."""

PATHS: Final = {"webmail": "/webmail/", "account": "/", "admin": "/admin/"}
CONFIRMED: Final = 420.0
"""Seconds after which a page logs in again: sensitive calls want a password after ten minutes."""

PATIENCE: Final = 120.0
"""Seconds for a call."""

AWAY: Final = 8
"""Looks at the page for which a server that comes back refuses connections."""

FOR_EVER: Final = 1_000_000
"""Requests under a trouble that goes on until it is ended."""

STEP: Final = 500
"""Milliseconds by which the page's clock goes on while the page waits for nothing but a network that hangs."""

CATCH: Final = """
const Made = window.Proxy;
window.Proxy = function (target, handler) {
  const get = handler.get;
  return new Made(target, get === undefined ? handler : {
    ...handler,
    get(base, name, client) {
      if (client instanceof Object && "csrfToken" in client) window.caught = client;
      return get(base, name, client);
    },
  });
};
"""
"""Keeps the client of a page, whose methods are made by a proxy, where a test finds it."""

COUNT: Final = """
const ask = window.fetch.bind(window);
window.waiting = 0;
window.fetch = (url, given) => {
  const counts = given?.method === undefined ? 0 : 1;  // GET asks for news, which may be long in coming
  window.waiting += counts;
  return ask(url, given).finally(() => (window.waiting -= counts));
};
"""
"""Counts the requests of a page, but GET, that wait for an answer."""

BEGIN: Final = """([name, keys, given]) => {
  document.body.dataset.unsaved = "";  // as a form has whose call it is
  window.outcome = null;
  window.caught.call(name, keys.map((key) => given[key])).then(
    (result) => (window.outcome = { result }),
    (error) => (window.outcome = { code: error.code ?? null, message: `${error.message}` }),
  );
}"""


class Case(NamedTuple):
    """A call, what becomes of it, and whether that goes on until the page gives up."""

    app: str
    name: str
    trouble: str
    lasting: bool

    def __str__(self) -> str:
        return f"{self.app} {self.name}, {self.trouble}{' that goes on' if self.lasting else ''}"


class Desk(Visitor):
    """A page of an app behind a bad network, whose clock is the test's."""

    def __init__(self, browser: Browser, server: LocalServer, network: BadNetwork, app: str) -> None:
        super().__init__(browser, server)
        self.app = app
        self.base = f"http://localhost:{network.port}"
        self.network = network
        self.loaded = 0
        self.context.add_init_script(CATCH + COUNT)
        self.page.clock.install()
        self.logged_in = time.monotonic()
        self.enter(PATHS[app], ADMIN_PASSWORD if app == "admin" else "")
        self.page.wait_for_function("window.caught !== undefined")
        self.page.on("load", self._note)
        if app == "webmail":
            self.made("templates", {})  # what calls need is loaded by the first of them

    def _note(self, _: Page) -> None:
        self.loaded += 1

    def made(self, name: str, given: Any, between: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """What the client says of a call. `between`: done at each look. Raises Finding."""
        loaded = self.loaded
        self.page.evaluate(BEGIN, [name, parameters_of(self.app, name), given])
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.loaded > loaded:
                raise Finding("the page was loaded anew while the call was under way")
            outcome: dict[str, Any] | None
            outcome, waiting = self.page.evaluate("[window.outcome ?? null, window.waiting]")
            if outcome is not None:
                return outcome
            between()
            self.log_in_again()
            if waiting <= self.network.held:  # an answer that is late on a busy machine isn't silence
                self.page.clock.run_for(STEP)
            self.page.wait_for_timeout(1)
        raise Finding("the call has no end")

    def log_in_again(self) -> None:
        """Answer the form over the page, if there is one."""
        password = self.page.get_by_label("Password", exact=True)
        if password.count():
            with suppress(Error):  # it goes as soon as the log-in has succeeded
                password.fill(ADMIN_PASSWORD if self.app == "admin" else self.server.password, timeout=2_000)
                self.page.get_by_role("button", name="Log in", exact=True).click(timeout=2_000)


class Trial:
    """A server that counts, behind a bad network, and the pages."""

    def __init__(self, folder: Path, browser: Browser, chance: random.Random) -> None:
        self.calls = folder / "calls"
        self.server = LocalServer(folder / "l", {CALLS: str(self.calls)}, module="tests.campaigns._countingserver")
        self.chance = chance
        self._browser = browser
        self._desks: dict[str, Desk] = {}
        self._versions = 0
        self.said: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Context in which server and network run."""
        with self.server, BadNetwork(self.server.port(80)) as self.network:
            self.world = World(self.server, self.chance)
            yield
            for desk in self._desks.values():
                desk.context.close()

    def desk(self, app: str) -> Desk:
        """The page of an app, with a log-in that is young enough."""
        desk = self._desks.get(app)
        if desk is not None and time.monotonic() - desk.logged_in > CONFIRMED:
            self.leave(app)
            desk = None
        if desk is None:
            desk = self._desks[app] = Desk(self._browser, self.server, self.network, app)
        return desk

    def leave(self, app: str) -> None:
        """Close the page of an app."""
        self._desks.pop(app).context.close()

    def play(self, case: Case) -> None:
        """Make the call of a case in its page, and again if that says that it failed. Raises Finding."""
        key = f"{case.app} {case.name}"
        given = REFUSED[key][0] if key in REFUSED else DRIVERS[key](self.world)
        desk = self.desk(case.app)
        before = len(works(self.calls))
        line = f"POST {PATHS[case.app]}api/{case.name} "
        outcome = self.troubled(case.trouble, case.lasting, line, partial(desk.made, case.name, given))
        self._judge(case, before, outcome)
        # the page of an older version is loaded anew when it has said what became of its call
        if "result" not in outcome and key not in REFUSED and case.trouble != NEWER:
            again = desk.made(case.name, given)
            if "result" not in again:
                raise Finding(f"on a good network the page says {again}; before: {outcome}")
            self._judge(case, before, again)
        if case.trouble in (ENDED, NEWER):
            for app in [*self._desks]:
                self.leave(app)
        if key in UNSETTLING:
            self.world.restore()

    def troubled(self, trouble: str, lasting: bool, line: str, act: Callable[[Callable[[], None]], T]) -> T:
        """What becomes of an act while requests with such a first line have a trouble. The act does what it's given at
        each look at the page.
        """
        if trouble == ENDED:
            self._end_sessions()
            return act(lambda: None)
        newer = trouble == NEWER
        fault = (Fault.RESET if lasting else Fault.LOST) if newer else Fault(trouble)
        away = fault is Fault.REFUSED
        looks = itertools.count()
        with self.network.bad(line, fault, FOR_EVER if lasting or away or newer else 1) as rule:

            def between() -> None:
                ends = newer and rule.times > 0 and rule.hit > 0 and not self.network.working
                if ends:
                    self._renew()
                if ends or (away and not lasting and next(looks) == AWAY):
                    self.network.heal()

            return act(between)

    def _end_sessions(self) -> None:
        for one in self.world.admin("sessions"):
            with suppress(Finding):  # the last one ends itself
                self.world.admin("session_end", session_id=one["id"])
        end_sessions(self.server)

    def _renew(self) -> None:
        """Kill the server, and start another version."""
        self._versions += 1
        self.server.kill()
        self.server.environment[VERSION] = f"{self._versions % 10}"
        self.server.start()

    def _judge(self, case: Case, before: int, outcome: dict[str, Any]) -> None:
        """Compare what the page says with what the server did."""
        own = [work for work in works(self.calls, before) if work.name == case.name]
        done = [work for work in own if not work.code]
        said = "result" if "result" in outcome else str(outcome["code"])
        self.said[f"{case.trouble}: {said or 'not reached'}"] += 1
        if len(done) > 1 and not done[0].secret and case.name not in CHANGES:
            raise Finding(f"it was done {len(done)} times; the page says {outcome}")
        if said == "result" and not done:
            raise Finding(f"the page says that it was done, the server made {own}")
        if said == "None":
            raise Finding(f"the page fails: {outcome}")
        unknown = said == "user:unknown" or (not said and case.name in OWN_IDS)
        if said != "result" and not unknown and done:
            raise Finding(f"it was done, and the page says {outcome}")


def cases(chance: random.Random, share: float) -> list[Case]:
    """All calls under all troubles in a random order, or a share of them in which each trouble is."""
    missing = [f"{app} {name}" for app in PATHS for name in writing_calls(app)]
    if missing := [one for one in missing if one not in DRIVERS and one not in REFUSED]:
        raise Finding(f"calls without a driver in _writingcalls.py: {', '.join(missing)}")
    names = [(app, name) for app in PATHS for name in writing_calls(app)]
    found = [Case(*one, trouble, lasting) for one, trouble, lasting in product(names, TROUBLES, (False, True))]
    chance.shuffle(found)
    if share >= 1:
        return found
    count = max(FEWEST, round(len(found) * share))
    first = [next(case for case in found if case.trouble == trouble) for trouble in TROUBLES]
    return (first + [case for case in found if case not in first])[:count]


def run(seed: int, share: float, report: Report) -> None:
    """All cases, or a share of them."""
    chance = random.Random(seed)
    chosen = cases(chance, share)
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="moxlite-network-") as folder, playing() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        trial = Trial(Path(folder), browser, chance)
        with trial.running():
            for case in chosen:
                try:
                    trial.play(case)
                except Finding as finding:
                    problems.append(f"{case}: {finding}")
                    print(problems[-1], flush=True)
                    if case.app in trial._desks:
                        trial.leave(case.app)
        browser.close()
    report.tell(f"{len(chosen)} cases of {len({case[:2] for case in chosen})} calls under {len(TROUBLES)} troubles")
    report.table(["Trouble and what the page said", "Times"])
    for said, times in sorted(trial.said.items()):
        report.row(said, times)
    if problems:
        raise Finding("; ".join(problems[:5]))
