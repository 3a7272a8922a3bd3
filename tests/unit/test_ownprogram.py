"""The commands that start this program again (ADMIN-60b)."""

import ast
import os
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import moxlite
from moxlite import ownprogram
from moxlite.admin import installation
from moxlite.ownprogram import CHILDREN, UPDATING, VERB, Child, installed_form, own_files, own_program, shown_program
from moxlite.process.startup import note_version
from tests.tools import top
from tests.trees import nodes, trees


@pytest.mark.parametrize("child", CHILDREN)
def test_each_child_begins_by_the_hidden_verb(child: Child) -> None:
    """ADMIN-60b: Python finds the module by the command, and its `main` gets the arguments that follow."""
    assert own_program(child)[-2:] == [VERB, child]
    assert callable(import_module(CHILDREN[child]).main)


def test_a_child_runs_in_any_folder_and_an_unknown_one_says_so(tmp_path: Path) -> None:
    """ADMIN-60b: nothing is imported from the current directory."""
    (tmp_path / "moxlite.py").write_text("raise SystemExit('planted')")
    done = subprocess.run([*own_program("keeper"), "none"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "invalid literal for int() with base 10: 'none'" in done.stderr
    command = [*own_program("sandbox")[:-1], "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "moxlite: no child 'none'\n")


STARTED = """
import runpy, sys
script = sys.argv[1]
sys.argv = ["moxlite", "__child", "keeper", "none"]
try:
    runpy.run_path(script, run_name="__main__")
except ValueError:
    print(*sys.modules)
"""
"""The script of a frozen program as the root parent, until it looks for the process that it is to watch."""


def test_a_frozen_root_parent_loads_next_to_nothing() -> None:
    """ADMIN-60b, ADMIN-36: what starts the program loads nothing that reads from the network."""
    environment = os.environ | {"PYTHONPATH": str(top())}
    command = [sys.executable, "-S", "-c", STARTED, str(top() / "packaging/start.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "moxlite.process.keeper" in loaded
    assert not loaded & {"ssl", "socket", "trio", "msgspec", "moxlite.cli", "moxlite.lazyimport"}


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ADMIN-60b: it has no `python -m`; units name the one file, not the folder that it was unpacked to; and the
    service user must be able to read all of that folder.
    """
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/late.so").touch()
    monkeypatch.setattr(ownprogram, "FROZEN", True)
    monkeypatch.setattr(sys, "executable", "/opt/moxlite/moxlite")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert own_program() == ["/opt/moxlite/moxlite"]
    assert own_program("acme") == ["/opt/moxlite/moxlite", VERB, "acme"]
    assert shown_program() == ["/opt/moxlite/moxlite"]
    monkeypatch.setenv(ownprogram.FILE_VARIABLE, "/usr/local/bin/moxlite")
    assert shown_program() == ["/usr/local/bin/moxlite"]
    assert own_files() == [Path("/opt/moxlite/moxlite"), tmp_path / "lib/late.so"]


@pytest.mark.parametrize(
    ("started", "form", "words"),
    [
        ("", "folder", "install the new version: docs/upgrade.md"),
        ("/usr/local/bin/moxlite", "file", "run: moxlite self update"),
        ("/usr/bin/moxlite", "package", "run: apt-get update && apt-get install moxlite"),
        ("/usr/lib/moxlite/moxlite", "image", "load the new image and start it again"),
    ],
)
def test_updates_are_explained_for_each_way_of_installation(
    monkeypatch: pytest.MonkeyPatch, started: str, form: ownprogram.Form, words: str
) -> None:
    """ADMIN-60: by what the package's program, the image and the one file's head name."""
    monkeypatch.setattr(ownprogram, "FROZEN", True)
    monkeypatch.setenv(ownprogram.FILE_VARIABLE, started)
    assert installed_form() == form
    assert words in UPDATING[form]
    if form != "file":
        with pytest.raises(installation.Refused, match="requires the single file") as refused:
            installation.own_file()
        assert UPDATING[form] in str(refused.value)


def test_programs_of_the_system_get_their_own_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60b: ssh must not load the libcrypto of a frozen program; a child of ours finds its libraries again."""
    monkeypatch.setattr(ownprogram, "FROZEN", True)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/moxlite/_internal")
    monkeypatch.setenv("_PYI_PARENT_PROCESS_LEVEL", "1")
    ownprogram.clean_environment()
    assert "LD_LIBRARY_PATH" not in os.environ
    assert "_PYI_PARENT_PROCESS_LEVEL" not in os.environ
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/moxlite/_internal")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/opt/others")
    ownprogram.clean_environment()
    assert os.environ["LD_LIBRARY_PATH"] == "/opt/others"


def test_no_other_module_runs_the_interpreter() -> None:
    """ADMIN-60b: a frozen program has none; `sys.executable` is for `own_program`, and for the folder beside it."""
    found = {path for path in trees() if any(node.attr == "executable" for node in nodes(path, ast.Attribute))}
    assert found == {"ownprogram.py", "admin/standby/litestream.py"}


@pytest.mark.skipif(sys.platform != "linux", reason="the one file is for Linux")
def test_the_one_file_names_what_a_system_with_musl_lacks(tmp_path: Path) -> None:
    """ADMIN-60c: before anything is unpacked; else the shell would say that the program itself is not found."""
    head = (Path(moxlite.__file__).parents[1] / "packaging/head.sh").read_text()
    values = {
        "VERSION": "1.0",
        "HASH": "0" * 64,
        "SHORT": "0" * 12,
        "MACHINE": os.uname().machine,
        "OFFSET": "00000000",
    }
    for name, value in values.items():
        head = head.replace(f"@{name}@", value)
    file = tmp_path / "moxlite"
    file.write_text(head.replace("/ld-linux-", "/no-linux-"))
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(["sh", file, "version"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("moxlite: this file needs the GNU C library (glibc)")
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_program_that_noted_its_version_is_not_undone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ADMIN-60e: it served from that moment on, though systemd has never heard that it was ready."""
    said = {"stop": "", "show": "0"}
    monkeypatch.setattr(installation, "run", lambda *command: said[command[1]])
    monkeypatch.setattr(installation, "_boot", lambda: "boot")
    notes = installation.Notes("start", moxlite.__version__, "0.0.9", str(tmp_path), boot="boot", began=1)
    assert not installation._acknowledged(notes)
    note_version(tmp_path)
    assert installation._acknowledged(notes)


@pytest.mark.parametrize("refuses", [False, True], ids=["starts", "refuses"])
def test_an_update_writes_the_new_version_s_units_and_a_way_back_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refuses: bool
) -> None:
    """ADMIN-60e: the new program writes its own units, whose rights it needs; killed and repeated anywhere. Files that
    the owner has beside them stay.
    """
    units = [tmp_path / unit.name for unit in installation.UNITS]
    for name in ("PROGRAM", "PREVIOUS", "NEW", "NOTES"):
        monkeypatch.setattr(installation, name, tmp_path / name.lower())
    monkeypatch.setattr(installation, "UNITS", units)
    monkeypatch.setattr(installation, "SYSTEMD", tmp_path)
    monkeypatch.setattr(installation, "_note", lambda notes, state, **_: msgspec.structs.replace(notes, state=state))
    commands: list[tuple[str, ...]] = []

    def run(*command: str) -> str:
        commands.append(command)
        if command == (str(tmp_path / "program"), "self", "units"):
            if refuses:
                raise installation.Refused("it does not run")
            units[0].with_suffix(".new").write_text("new unit")
            units[0].with_suffix(".new").replace(units[0])
        return ""

    monkeypatch.setattr(installation, "run", run)
    (tmp_path / "program").write_text("old")
    (tmp_path / "new").write_text("new")
    units[0].write_text("old unit")
    drop_in = tmp_path / f"{units[0].name}.d/own.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("mine")
    data = tmp_path / "data"
    data.mkdir()
    notes = installation.Notes("switch", "2.0", "1.0", str(data))
    installation._switch(notes)
    done = installation._switch(notes)  # killed before its end was noted
    assert done.state == ("back" if refuses else "start")
    assert ((tmp_path / "program").read_text(), units[0].read_text()) == ("new", "old unit" if refuses else "new unit")
    assert ("systemctl", "daemon-reload") not in commands, "the new program's part"
    for _ in range(2):
        installation._go_back(notes)
    assert ((tmp_path / "program").read_text(), units[0].read_text()) == ("old", "old unit")
    assert ("systemctl", "daemon-reload") in commands
    assert drop_in.read_text() == "mine"
    assert not units[1].exists()


def test_the_one_file_says_what_to_do_without_a_home_or_where_others_can_write(tmp_path: Path) -> None:
    """ADMIN-60c: before anything is unpacked, and when it was."""
    head = (top() / "packaging/head.sh").read_text().replace("@MACHINE@", os.uname().machine)
    file = tmp_path / "moxlite"
    file.write_text(head.replace('[ "$user" = 0 ]', "false").replace("@VERSION@", "1").replace("@SHORT@", "x"))
    cache = tmp_path / "cache"
    (cache / "moxlite/1-x").mkdir(parents=True)
    cache.chmod(0o755)
    (cache / "moxlite").chmod(0o775)
    for variables, words in (({}, "HOME is not set"), ({"XDG_CACHE_HOME": str(cache)}, "chmod go-w")):
        done = subprocess.run(["sh", str(file)], env=variables, capture_output=True, text=True, check=False)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr


def test_each_state_of_an_update_has_words() -> None:
    """ADMIN-60e: the owner sees no name of a state."""
    assert installation.STEPS.keys() == set(get_args(installation.State))


def test_what_outlives_the_program_has_the_copies_of_updates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60d: a way back and an update leave folders with all mail beside the data."""
    monkeypatch.setattr(installation, "CONFIG", tmp_path / "etc" / "moxlite.toml")
    monkeypatch.setattr(installation, "BACKUPS", tmp_path / "backups")
    data = tmp_path / "moxlite"
    notes = installation.Notes("copy", "2.0", "1.0", str(data))
    copies = [notes.copy, Path(f"{notes.copy}.part"), notes.newer]
    for folder in (data, *copies, tmp_path / "moxlite-notes"):
        folder.mkdir()
    assert set(installation.kept_of(data)) == {data, *copies}


def test_the_data_is_copied_before_the_server_stops_and_made_equal_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-60e: what the server writes until it has stopped is in the copy; what did not change is not read again."""
    data, old = tmp_path / "moxlite", time.time() - 100
    (data / "accounts/mia").mkdir(parents=True)
    (data / "gone").mkdir()
    for name in ("accounts/mia/account.db", "accounts/mia/account.db-shm", "still.db", "gone/x", "kind"):
        (data / name).write_bytes(name.encode() * 300_000)
        os.utime(data / name, (old, old))
    (data / "link").symlink_to("still.db")
    os.mkfifo(data / "pipe")
    database = data / "accounts/mia/account.db"
    notes = installation.Notes("copy", "2.0", "1.0", str(data))
    part = Path(f"{notes.copy}.part")
    monkeypatch.setattr(installation, "NOTES", tmp_path / "update.json")
    monkeypatch.setattr(installation, "_note", lambda notes, state, **_: msgspec.structs.replace(notes, state=state))
    monkeypatch.setattr(installation, "RACY", -1)
    commands: list[tuple[str, ...]] = []

    def run(*command: str) -> str:
        commands.append(command)
        assert (part / "accounts/mia/account.db").read_bytes() == database.read_bytes()
        assert part.stat().st_mode & 0o777 == 0o700
        (part / "still.db").write_bytes(b"not read again")
        content = bytearray(database.read_bytes())
        content[2_000_000:2_000_004] = b"mail"
        database.write_bytes(bytes(content[:-7]))
        database.with_name("account.db-wal").write_bytes(b"log")
        database.with_name("account.db-shm").unlink()
        shutil.rmtree(data / "gone")
        (data / "kind").unlink()
        (data / "kind").symlink_to("/etc/passwd")
        return ""

    monkeypatch.setattr(installation, "run", run)
    assert installation._copy(notes).state == "switch"
    assert commands == [("systemctl", "stop", "moxlite")]
    assert (notes.copy / "still.db").read_bytes() == b"not read again"
    (notes.copy / "still.db").write_bytes((data / "still.db").read_bytes())
    (notes.copy / installation.MARK).unlink()
    (data / "pipe").unlink()
    assert _everything(notes.copy) == _everything(data)


def test_a_change_at_the_moment_of_the_copy_is_not_missed(tmp_path: Path) -> None:
    """ADMIN-60e: two changes in one tick of the file system's clock have the same times."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    data.mkdir()
    (data / "queue.db").write_bytes(b"one")
    known = installation.bring(data, copy, {})
    assert known == {}
    entry = (data / "queue.db").stat()
    (data / "queue.db").write_bytes(b"two")
    os.utime(data / "queue.db", ns=(entry.st_atime_ns, entry.st_mtime_ns))
    installation.bring(data, copy, known)
    assert (copy / "queue.db").read_bytes() == b"two"


def _everything(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_uid,
            os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b"",
        )
        for path in (folder, *folder.rglob("*"))
    }
