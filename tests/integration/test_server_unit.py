"""A server within the filters of its unit, as systemd 252 of Debian 12 sets them: all its child processes work, and
where one does not, everybody hears of it.
"""

import imaplib
import json
import re
import smtplib
import ssl
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from moxlite.admin.quickstart.files import unit_file
from tests.firsthour import FirstHour, letter
from tests.running import LocalServer
from tests.tools import until
from tests.unitfilter import hindrance

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or bool(hindrance()), reason=hindrance() or "systemd is Linux's"),
]

UNIT = unit_file(program="moxlite", config=Path("/etc/moxlite/moxlite.toml"), data=Path("/var/lib/moxlite"))

OLD_UNIT = re.sub(r"(?m)^(SystemCallFilter=@system-service).*\nSystemCallErrorNumber=.*", r"\1", UNIT)
"""What units were before: no call of Landlock, and a call that is refused ends the process."""


def within(folder: Path, unit: str) -> LocalServer:
    """A server that is started within the filters of a unit."""
    file = folder / "moxlite.service"
    file.write_text(unit)
    server = LocalServer(folder / "server")
    server.module, server.environment = "tests.unitfilter", {"UNIT": str(file)}
    return server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with within(tmp_path, UNIT) as running:
        yield running


def doctor(server: LocalServer) -> tuple[list[dict[str, object]], dict[str, str]]:
    """Its findings, and the problems of child processes by their names, once all were tried."""

    def ask() -> tuple[list[dict[str, object]], dict[str, str]]:
        said = json.loads(server.cli("--json", "doctor", "--skip-dial", "--skip-mail", check=False).stdout)
        return said["findings"], {one["name"]: one["problem"] for one in said["helpers"]}

    until(lambda: len(ask()[1]) == 2, what="the trials of child processes")
    return ask()


def deliver(server: LocalServer, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=60) as smtp:
        smtp.send_message(message)


def test_a_user_s_first_hour_within_the_unit(server: LocalServer, tmp_path: Path) -> None:
    """ADMIN-40, ADMIN-70d, WEBMAIL-109a: mail of HTML, an answer, an event, an invitation, a script, an import, a
    backup; no call is missing in the unit that a child process needs.
    """
    _, states = doctor(server)
    assert states == {"sandbox": "", "patterns": ""}
    assert server.cli("healthcheck").returncode == 0
    with imaplib.IMAP4("127.0.0.1", server.port(143), timeout=60) as imap:
        imap.login(server.user, server.password)
        context = ssl.create_default_context(cafile=str(server.folder / "config/localhost.crt"))
        hour = FirstHour(
            server.user,
            server.password,
            port=server.port(80),
            dav=f"https://localhost:{server.port(443)}/dav/",
            imap=imap,
            send=lambda message: deliver(server, message),
            context=context,
        )
        hour.live("eve@example.com")
    box = tmp_path / "old.mbox"
    box.write_bytes(b"From eve@example.com Mon Jan  5 10:00:00 2026\n" + bytes(letter("e@x.example", "m", "Old")))
    server.cli("import", "mbox", "moxlite", "Old", str(box))
    server.cli("backup", str(tmp_path / "backup"))
    assert server.cli("healthcheck").returncode == 0
    assert "l=error" not in server.log()


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (OLD_UNIT, "Bad system call"),
        (
            re.sub(r"(?m)^SystemCallErrorNumber=.*\n", "", UNIT).replace(" landlock_restrict_self", ""),
            "Bad system call",
        ),
    ],
    ids=["before", "one call less"],
)
def test_a_server_whose_unit_kills_a_child_says_so_first(tmp_path: Path, unit: str, said: str) -> None:
    """ADMIN-70d, ADMIN-39a: by doctor, before all else, by healthcheck, readiness and metrics."""
    with within(tmp_path, unit) as server:
        findings, states = doctor(server)
        assert all(said in problem for problem in states.values()), states
        assert [(one["grade"], one["code"]) for one in findings[:2]] == [("error", "child-down")] * 2
        shown = server.cli("doctor", "--skip-dial", "--skip-mail", check=False)
        assert shown.returncode == 1
        assert shown.stdout.startswith("error: child-down: the process for "), shown.stdout
        assert "Last attempt: " in shown.stdout
        assert "printservice" in shown.stdout
        ill = server.cli("healthcheck", check=False)
        assert ill.returncode == 1
        assert ill.stderr.startswith("moxlite: the process for sanitizing HTML mail and invitations can't start")
        server.stop()


def test_without_landlock_alone_a_child_works_and_it_is_told_once(tmp_path: Path) -> None:
    """WEBMAIL-109a: a unit that refuses the calls by an error, as a container may, or an old kernel."""
    with within(tmp_path, re.sub(r" landlock_\w+", "", UNIT)) as server:
        findings, states = doctor(server)
        assert states == {"sandbox": "", "patterns": ""}
        assert {one["grade"] for one in findings if one["code"] == "sandbox-weak"} == {"note"}
        assert server.cli("healthcheck").returncode == 0
        assert server.log().count("without kernel confinement") == 1
        server.stop()
