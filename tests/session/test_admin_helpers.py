"""The helpers of the server: its kinds of child processes, tried by itself (ADMIN-70d)."""

import ast
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import msgspec
import pytest

from moxlite.admin.dnsproviders import accounts
from moxlite.admin.doctor import helpers as helpers_module
from moxlite.admin.doctor.findings import in_order
from moxlite.admin.doctor.helpers import PURPOSES, TRIED, WORKING, Helpers, kinds_of
from moxlite.autotls import ordering
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import load
from moxlite.config.static import ACME, Backup, Standby
from moxlite.findings import Finding, fault
from moxlite.net.storage.sftp import try_ssh
from moxlite.operations.server import HelperState
from moxlite.ownprogram import CHILDREN
from moxlite.proto.sshurl import SSHURL
from moxlite.sandbox.messages import Ready
from tests.small_config import DOMAINS, STATIC
from tests.tools import need, top

pytestmark = pytest.mark.served

STARTS: Final = {
    "admin/installation.py": "a command that root runs",
    "admin/dnsproviders/accounts.py": "dns",
    "admin/doctor/nightly.py": "a program of the owner's, whose failure is logged",
    "admin/standby/following.py": "of another machine, which does not serve",
    "admin/standby/litestream.py": "litestream",
    "admin/standby/moments.py": "litestream",
    "admin/standby/orphans.py": "litestream",
    "admin/standby/replicating.py": "litestream",
    "autotls/ordering.py": "acme",
    "cli/archives/outlook.py": "readpst, of whoever imports, which says what is missing",
    "cli/backups/takeover.py": "systemctl, on another machine, which does not serve",
    "net/storage/sftp.py": "ssh",
    "patterns/process.py": "patterns",
    "process/configtest.py": "a command that root runs",
    "process/fences.py": "systemctl, whose absence is normal",
    "sandbox/process.py": "sandbox",
}
"""Modules that start programs, and what tries these; or why nothing does."""


@pytest.fixture
def config(tmp_path: Path) -> ConfigHolder:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    return ConfigHolder(tmp_path / "moxlite.toml", load(tmp_path / "moxlite.toml")[0])


def starters() -> set[str]:
    """Modules with a call that starts a program."""
    names = {
        "Popen",
        "open_process",
        "run_process",
        "check_output",
        "check_call",
        "posix_spawn",
        "create_subprocess_exec",
    }
    found = set()
    for path in (top() / "moxlite").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                ran = (
                    node.func.attr == "run"
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "subprocess"
                )
                if ran or node.func.attr in names:
                    found.add(str(path.relative_to(top() / "moxlite")))
    return found


def test_each_kind_of_child_is_tried() -> None:
    """ADMIN-70d: a new kind needs a trial. The keeper is no child of the server, which ends with it."""
    assert set(CHILDREN) - {"keeper"} <= set(PURPOSES)
    assert starters() == set(STARTS)
    assert {what for what in STARTS.values() if " " not in what} == set(PURPOSES)


def test_what_is_tried_is_what_is_used(config: ConfigHolder, tmp_path: Path) -> None:
    """ADMIN-70d."""
    assert set(kinds_of(config)) == {"sandbox", "patterns"}
    (tmp_path / "dns").mkdir()
    (tmp_path / "dns/example.org.provider").write_text('{"provider":"desec","zone":"example.org","secrets":{}}')
    static = msgspec.structs.replace(
        config.current.static,
        acme={"ca": cast(ACME, None)},
        backup=Backup(target=SSHURL("192.0.2.1", "/x")),
        standby=Standby(target=Path("/mnt/x")),
    )
    used = ConfigHolder(config.path, msgspec.structs.replace(config.current, static=static))
    assert set(kinds_of(used)) == set(PURPOSES)


async def test_a_child_of_each_kind_answers_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70d: nobody is asked; without a network the answer is the same."""
    monkeypatch.setenv("PYTHONPATH", str(top()))
    await helpers_module._sandbox()
    await helpers_module._patterns()
    await ordering.try_process()
    accounts.try_process("desec")
    need("ssh")
    try_ssh()


async def test_results_and_their_age_are_kept(config: ConfigHolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70d, ADMIN-57: of a child that works, does not, and is used no more; the log tells a fault once."""
    outcome: dict[str, Exception | str] = {"sandbox": "", "acme": ""}

    def trial(name: str) -> Callable[[], object]:
        async def attempt() -> str:
            found = outcome[name]
            if isinstance(found, Exception):
                raise found
            return found

        return attempt

    monkeypatch.setattr(helpers_module, "kinds_of", lambda _: {name: trial(name) for name in outcome})
    helpers = Helpers()
    assert (helpers.states, helpers.findings()) == ([], [])
    await helpers.once(config)
    assert helpers.findings() == []
    worked = helpers.states[0].worked
    assert time.time() - worked < 60
    outcome["sandbox"] = OSError("status -31")
    await helpers.once(config)
    assert helpers.states[0].worked == worked
    [finding] = helpers.findings()
    assert finding.text == f"{PURPOSES['sandbox']} can't start: status -31"
    assert [WORKING.labels(name).value for name in outcome] == [0, 1]
    assert TRIED.labels("sandbox").value >= worked
    del outcome["acme"]
    outcome["sandbox"] = ""
    await helpers.once(config)
    assert [one.name for one in helpers.states] == ["sandbox"]
    assert helpers.findings() == []
    assert {"helper": "acme"} not in [labels for _, labels, _ in WORKING.samples()]


def test_a_child_that_does_not_start_comes_first() -> None:
    """ADMIN-70d: before faults of other kinds, with what mends it."""
    state = HelperState(
        "sandbox", time.time() - 600, time.time() - 7200, "process exited (status -31: Bad system call)"
    )
    helpers = Helpers()
    helpers._states = {state.name: state}
    others = [Finding(grade="error", code="account-stopped", about="a", text="x"), fault("a", "a: b")]
    findings = in_order([*others, *helpers.findings()])
    assert findings[0].code == "child-down"
    assert findings[0].detail == "Last attempt: 10 min ago. Last successful run: 120 min ago."
    assert any("printservice" in one for one in findings[0].commands)
    other = msgspec.structs.replace(state, problem="no response within 60 s", worked=0.0)
    helpers._states = {other.name: other}
    [finding] = helpers.findings()
    assert (finding.detail, len(finding.commands)) == ("Last attempt: 10 min ago.", 1)


@pytest.mark.parametrize(("filtered", "landlock", "grade"), [(False, False, "warning"), (True, False, "note")])
def test_what_could_bound_a_child_better_is_told(filtered: bool, landlock: bool, grade: str) -> None:
    """WEBMAIL-109a, ADMIN-70d: by the child in the server, not by the kernel that a command of root sees."""
    helpers = Helpers()
    weakness = helpers_module._weakness(Ready(filtered=filtered, landlock=landlock))
    helpers._states = {"sandbox": HelperState("sandbox", 1.0, 1.0, weakness=weakness)}
    [finding] = helpers.findings()
    assert (finding.code, finding.grade) == ("sandbox-weak", grade)
