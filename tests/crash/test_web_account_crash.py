"""kill -9 while a user changes password, second factor or rules: afterwards the old state holds or the new one, and the
user gets in.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pyotp
import pytest

from moxlite.operations.rules import Rule
from tests.running import LocalServer

pytestmark = [pytest.mark.served, pytest.mark.slow]

ROUNDS = {"few": 2, "many": 8}
"""Kills for each kind of change."""


class Account:
    """A browser of the account app, as far as calls go."""

    def __init__(self, server: LocalServer) -> None:
        self.port = server.port(80)
        self.user = server.user
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def call(self, name: str, /, **parameters: Any) -> Any:
        """The result of a call. Raises OSError, HTTPException: the server has ended; ValueError: it refuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"content-type": "application/json", "x-moxlite-csrf": self.csrf}
            headers["cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
            connection.request("POST", f"/api/{name}", json.dumps(parameters).encode(), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            for field in response.headers.get_all("set-cookie") or []:
                key, _, value = field.partition(";")[0].partition("=")
                self.cookies[key] = value
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer["error"]["message"])
        return answer["result"]

    def log_in(self, password: str) -> bool:
        """Log in; returns whether the password is right."""
        token = self.call("login_prep")
        try:
            found = self.call("login", login_token=token, username=self.user, password=password)
        except ValueError:
            return False
        self.csrf = found["csrf_token"]
        return True


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One server, which is killed and started again."""
    with LocalServer(tmp_path_factory.mktemp("killed") / "server") as found:
        yield found


def killed_during(server: LocalServer, work: Callable[[], object], delay: float) -> bool:
    """Kill the server so many seconds after `work` began, and start it again; returns whether `work` was answered."""
    answered: list[bool] = []

    def run() -> None:
        try:
            work()
        except (OSError, http.client.HTTPException, ValueError):
            return
        answered.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(delay)
    server.kill()
    thread.join()
    server.start()
    return bool(answered)


@pytest.mark.landing("few")
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_kill_during_changes_leaves_old_or_new(server: LocalServer, rounds: str) -> None:
    """WEB-63, WEB-64, WEB-151: password, rule and second factor; what was answered holds."""
    seeded = random.Random(11)
    password = server.password
    for number in range(ROUNDS[rounds]):
        browser = Account(server)
        assert browser.log_in(password)
        wanted = f"another password {number}"
        answered = killed_during(
            server,
            partial(browser.call, "set_password", password=wanted),
            seeded.uniform(0, 0.25),
        )
        old, new = Account(server).log_in(password), Account(server).log_in(wanted)
        assert old != new
        assert new or not answered
        password = wanted if new else password
    for number in range(ROUNDS[rounds]):
        browser = Account(server)
        assert browser.log_in(password)
        [first, *_] = browser.call("account_rule_list")
        rule = Rule(
            mailbox=f"Box{number}",
            msg_from_regexp=f"x{number}@",
            smtp_mail_from_regexp="",
            verified_domain="",
            headers_regexp=[],
            is_forward=False,
            list_allow_domain="",
            accept_rejects_to_mailbox="",
            comment="",
        )
        changed = first["form"] | {"rulesets": [msgspec.to_builtins(rule)]}
        answered = killed_during(
            server,
            partial(browser.call, "account_rule_set", address=first["address"], old=first["form"], changed=changed),
            seeded.uniform(0, 0.08),
        )
        again = Account(server)
        assert again.log_in(password)
        found = again.call("account_rule_list")[0]["form"]
        assert found in (first["form"], changed)
        assert found == changed or not answered
    for number in range(ROUNDS[rounds]):
        browser = Account(server)
        assert browser.log_in(password)
        made = browser.call("totp_begin", name=f"phone {number}")
        code = pyotp.TOTP(made["secret"]).now()
        answered = killed_during(
            server,
            partial(browser.call, "totp_finish", code=code),
            seeded.uniform(0, 0.08),
        )
        again = Account(server)
        token = again.call("login_prep")
        found = again.call("login", login_token=token, username=server.user, password=password)
        has_factor = not found["csrf_token"]
        assert has_factor or not answered
        if has_factor:
            server.cli("account", "reset-second-factor", server.user.partition("@")[0])
        assert Account(server).log_in(password)
