"""Commands for the running server while the configuration on the disk has mistakes (ADMIN-19a)."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.config.datadir import data_dir_of
from moxlite.config.load import ConfigError
from tests.running import ServedServer
from tests.small_config import DOMAINS, STATIC
from tests.tools import top

pytestmark = [pytest.mark.integration, pytest.mark.served]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedServer]:
    with ServedServer(tmp_path_factory.mktemp("mistaken") / "moxlite", static="[doctor]\nnightly = false\n") as server:
        yield server


@pytest.fixture
def broken_domains(server: ServedServer) -> Iterator[Path]:
    """domains.toml, with a mistake in its first line."""
    path = server.folder / "config/domains.toml"
    good = path.read_text()
    path.write_text("nonsense = 1\n" + good)
    yield path
    path.write_text(good)


@pytest.mark.landing("queue list", "log levels")
@pytest.mark.parametrize(
    "args",
    [
        "queue list",
        "log levels",
        "config account list",
        "account list",
        "imap sessions",
        "why --account bob a@b.example",
    ],
)
def test_live_verbs_work_beside_a_mistake_in_domains_toml(
    server: ServedServer, broken_domains: Path, args: str
) -> None:
    """ADMIN-19a: the server answers, and one line on stderr names file and line of the mistake."""
    done = server.cli(*args.split(), check=False)
    assert done.returncode == (1 if args.startswith("why") else 0)
    first, *more = done.stderr.splitlines()
    assert f"{broken_domains}:1: nonsense: unknown key" in first
    assert more == (["moxlite: message a@b.example not found in account bob"] if args.startswith("why") else [])
    server.cli("healthcheck", check=False)


@pytest.mark.parametrize(
    ("args", "notes"),
    [("config domain disable example.org", 0), ("config address account nosuch@example.org", 1)],
)
def test_a_verb_that_refuses_names_the_mistake_once(
    server: ServedServer, broken_domains: Path, args: str, notes: int
) -> None:
    """ADMIN-19a: a change is refused because of the mistake; another refusal has the mistake in a line before it."""
    done = server.cli(*args.split(), check=False)
    assert done.returncode == 1
    assert done.stderr.count("nonsense: unknown key") == 1
    assert done.stderr.count("the configuration has an error") == notes


def test_the_doctor_tells_of_a_mistake_and_what_the_server_says(server: ServedServer, broken_domains: Path) -> None:
    """ADMIN-19a, ADMIN-70: the mistake is a finding; a message still goes through the server."""
    done = server.cli("doctor", "--json", "--skip-dial", check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    errors = [one["text"] for one in found["findings"] if one["code"] == "config-error"]
    assert len(errors) == 1
    assert f"{broken_domains}:1: nonsense" in errors[0]
    assert [one["code"] for one in found["findings"]].count("not-checked") == 1
    assert any("message read by IMAP" in step for step in found["mail"])


def test_what_the_doctor_sends_cannot_be_undeleted(server: ServedServer) -> None:
    """ADMIN-70, STORE-190: its messages leave nothing behind; without a filter the command asks."""
    found = json.loads(server.cli("doctor", "--json", "--skip-dial", "--resolver", "127.0.0.1:9", check=False).stdout)
    assert any("and deleted" in step for step in found["mail"])
    refused = server.cli("account", "undelete", "bob", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--yes" in refused.stderr
    assert server.cli("--yes", "account", "undelete", "bob").stdout == "restored 0 messages\n"


def test_a_mistake_in_the_static_file_leaves_stop(server: ServedServer) -> None:
    """ADMIN-19a: of moxlite.toml only `data_dir` counts, even where the file is no TOML."""
    static = server.folder / "config/moxlite.toml"
    good = static.read_text()
    try:
        for bad in (good.replace("[listeners", "[[listeners", 1), good.replace("hostname =", "hostname = bad #", 1)):
            static.write_text(bad)
            done = server.cli("queue", "list")
            assert f"{static}:" in done.stderr
        static.write_text("hostname = mx.example.org\n" + good)
        stopped = server.cli("stop")
        assert "text must be in quotes" in stopped.stderr
        again = server.cli("stop", check=False)
        assert again.returncode == 3
        assert "the server isn't running" in again.stderr
        assert "systemctl start moxlite" in again.stderr
    finally:
        static.write_text(good)


def test_the_data_folder_is_found_in_a_broken_file(tmp_path: Path) -> None:
    """ADMIN-19a: but not guessed."""
    path = tmp_path / "moxlite.toml"
    for text, found in (
        ("x = [", "../data"),
        ('x = y\ndata_dir = "here"\n[a', "here"),
        ('[a]\ndata_dir = "below"\nx = y\n', "../data"),
    ):
        path.write_text(text)
        assert data_dir_of(path) == (tmp_path / found).resolve()
    for text in ('data_dir = "a"\ndata_dir = "b"\n', "data_dir = here\n", "data_dir = 1\n", 'data_dir = ""\n'):
        path.write_text(text)
        with pytest.raises(ConfigError):
            data_dir_of(path)


@pytest.mark.landing("queue list", "serve")
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("args", ["queue list", "doctor", "config test", "config listeners webapi on", "serve"])
def test_who_may_not_read_the_configuration_is_sent_to_root(tmp_path: Path, args: str) -> None:
    """ADMIN-18: one line, which says what to do."""
    pwd.getpwnam("nobody")
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config/moxlite.toml").write_text("")
    code = (
        "import os, sys; sys.path.insert(0, %r); from moxlite.cli import run; import moxlite.cli.setup.doctor, "
        "moxlite.process.configtest, moxlite.server, moxlite.cli.queue, moxlite.cli.config, moxlite.cli.serving, "
        "moxlite.config.datadir, moxlite.net.control.client, "
        "moxlite.cli.setup.domainsfile, moxlite.admin.quickstart.switches; os.setgroups([]); "
        "os.setgid(65534); os.setuid(65534); sys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code % str(top()), "--config", str(tmp_path / "config/moxlite.toml"), *args.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("run this as root") == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(("mistakes", "last"), [(5, []), (12, ["- and 3 more"])])
def test_a_long_list_of_problems_ends_with_the_worst(tmp_path: Path, mistakes: int, last: list[str]) -> None:
    """ADMIN-70: errors and warnings are named again where the list is longer than a screen, so that the end shows what
    to scroll up to.
    """
    path = tmp_path / "moxlite.toml"
    path.write_text("".join(f"nonsense{number:02} = 1\n" for number in range(mistakes)) + STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    command = [sys.executable, "-m", "moxlite", "--config", str(path), "doctor", "--skip-dial"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, cwd=top())
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[-1] == f"{mistakes + 1} errors, 0 warnings"
    again = [line for line in lines if line.startswith("- ")]
    assert again[10:] == last
    first = [line.partition("/")[0] for line in lines if line.startswith("error: config-error: ")][:10]
    assert [line[2:].partition("/")[0] for line in again[:10]] == (first if last else [])
