"""Two sessions of the admin app and the command line change the same and different objects at once, while the server is
killed: no change is lost, none is without its row in the audit log, and the file stays a person's file.
"""

import http.client
import json
import random
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.admincalls import AdminCaller, Refusal
from tests.running import LocalServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.integration]

COMMENTS = ("# words of the owner, on top", "# mia is the owner's sister", "# the end of it")


class Made(msgspec.Struct):
    """A change that an owner was told is made: the value that a field of an account has had then."""

    account: str
    field: str
    value: str


class Owners:
    """Three owners at work. `made` holds what they were told is done, in each one's order; `unknown` what was under way
    when the server died.
    """

    def __init__(self, server: LocalServer, seed: int) -> None:
        self.server = server
        self.made: dict[str, list[Made]] = {}
        self.unknown: list[Made] = []
        self.conflicts: list[str] = []
        self.over = threading.Event()
        self.problems: list[str] = []
        self._seed = seed

    def browser(self, name: str, field: str) -> None:
        """An owner in a browser: reads an account, changes a field of it, saves; on a conflict, saves on top of it."""
        chosen, caller, number = random.Random(f"{self._seed} {name}"), AdminCaller(self.server.port(80)), 0
        caller_in = False
        while not self.over.is_set():
            number += 1
            made = Made(chosen.choice(("mia", "tom", name)), field, f"{name} {number}")
            try:
                if not caller_in:
                    caller.log_in()
                    caller_in = True
                path = ["accounts", made.account]
                before = caller.call("settings", path=path)["values"]
                time.sleep(chosen.random() / 50)  # a person types
                while not self._saved(caller, path, before, made):
                    before = caller.call("settings", path=path)["values"]
            except (OSError, http.client.HTTPException, ValueError):
                self.unknown.append(made)
                caller_in = False
                time.sleep(0.05)
            except Refusal as error:
                if error.status == 401:
                    caller_in = False
                elif error.status != 503:
                    self.problems.append(f"{name}: {error}")
            else:
                self.made.setdefault(name, []).append(made)

    def _saved(self, caller: AdminCaller, path: list[str], before: dict[str, object], made: Made) -> bool:
        try:
            caller.call("settings_save", path=path, before=before, after=before | {made.field: made.value})
        except Refusal as error:
            if error.status != 409:
                raise
            self.conflicts.append(error.message)
            return False
        return True

    def command_line(self, name: str) -> None:
        """An owner at the command line: forbids log-ins with a message; not of an account of its own alone."""
        number = 0
        chosen = random.Random(f"{self._seed} {name}")
        while not self.over.is_set():
            number += 1
            made = Made(chosen.choice(("mia", "tom")), "login_disabled", f"{name} {number}")
            try:
                done = self.server.cli("config", "account", "disable", made.account, made.value, check=False)
            except subprocess.TimeoutExpired:
                self.unknown.append(made)
                continue
            if done.returncode == 0:
                self.made.setdefault(name, []).append(made)
            else:
                self.unknown.append(made)  # the server may have died with it

    def _pass(self, seconds: float) -> None:
        """Wait so long, and until each owner has made two more changes."""
        enough = time.monotonic() + seconds
        before = {name: len(self.made.get(name, ())) for name in ("anna", "bert", "carl")}

        def done() -> bool:
            both = all(len(self.made.get(name, ())) >= number + 2 for name, number in before.items())
            return both and time.monotonic() > enough

        until(done, seconds=180, what="each owner has made two changes")

    def work(self, seconds: float, kills: int) -> None:
        """Let all work for so long, and until each has made two changes, before, between and after the kills."""
        jobs: list[Callable[[], None]] = [
            lambda: self.browser("anna", "full_name"),
            lambda: self.browser("bert", "description"),
            lambda: self.command_line("carl"),
        ]
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        for turn in range(kills + 1):
            if turn:
                self.server.kill()
                domains_of(self.server)  # whole at any moment
                self.server.start()
            self._pass(seconds / (kills + 1))
        self.over.set()
        for thread in threads:
            thread.join(timeout=120)
        assert not any(thread.is_alive() for thread in threads)


def domains_of(server: LocalServer) -> str:
    """The text of domains.toml, which must be valid TOML with all comments, each once and in their order."""
    text = (server.folder / "config/domains.toml").read_text()
    tomllib.loads(text)
    places = [text.index(one) for one in COMMENTS]
    assert places == sorted(places)
    assert [text.count(one) for one in COMMENTS] == [1, 1, 1]
    return text


def all_rows(server: LocalServer) -> list[dict[str, object]]:
    """The whole audit log, the last first: a minute makes more rows than a list shows at once."""
    rows: list[dict[str, object]] = []
    before: list[str] = []
    while more := json.loads(server.cli("audit", "list", "-n", "1000", *before, "--json").stdout):
        rows += more
        before = ["--before", str(more[-1]["id"])]
    return rows


@pytest.mark.parametrize(("seconds", "kills"), [pytest.param(6, 1, id="smoke"), pytest.param(60, 6, id="a-minute")])
@pytest.mark.landing("smoke")
def test_owners_together_lose_nothing(tmp_path: Path, seconds: float, kills: int) -> None:
    """WEB-89, WEB-160, ADMIN-6: what one was told is done is in the file or in a later value; each conflict names the
    value; every value that the file ever had is in the audit log, at worst in a row that says ``begun``.
    """
    server = LocalServer(tmp_path / "server")
    path = server.folder / "config/domains.toml"
    people = "".join(
        f"\n{COMMENTS[1] if name == 'mia' else ''}\n[accounts.{name}]\n"
        f'domain = "localhost"\n[accounts.{name}.destinations."{name}@localhost"]\n'
        for name in ("mia", "tom", "anna", "bert")
    )
    path.write_text(f"{COMMENTS[0]}\n{path.read_text()}{people}\n{COMMENTS[2]}\n")
    server.start()
    owners = Owners(server, seed=round(time.time()))
    owners.work(seconds, kills)
    try:
        text = domains_of(server)
        assert owners.problems == []
        assert all("changed elsewhere" in one.lower() for one in owners.conflicts)
        rows = all_rows(server)
        told = json.dumps(rows)
        for made in (one for each in owners.made.values() for one in each):
            assert json.dumps(made.value)[1:-1] in told, made
        last = tomllib.loads(text)["accounts"]
        undecided = {(one.account, one.field, one.value) for one in owners.unknown}
        for name, done in owners.made.items():
            for account in {one.account for one in done}:
                own = [one for one in done if one.account == account]
                now = last[account].get(own[-1].field)
                assert now == own[-1].value or (account, own[-1].field, now) in undecided, (name, own[-1], now)
        begun = [one for one in rows if one["outcome"] == "begun"]
        assert len(begun) <= 3 * kills, begun  # one for each owner and kill
    finally:
        server.stop()
    until(lambda: server.process.poll() is not None, what="the server has ended")
