"""Programs that speak JMAP against localserve, each in an environment of its own that the test makes (JMAP-91)."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer
from tests.tools import need, top

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.nightly(
        smoke="tests/session/test_web_jmap_push.py::test_a_program_proves_its_address_and_is_told_of_changes"
    ),
]

HERE = Path(__file__).parent / "jmapprograms"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("jmap") / "server") as running:
        yield running


def python(name: str) -> Path:
    """An interpreter with what `jmapprograms/NAME.txt` names, installed once for its version."""
    wanted = HERE / f"{name}.txt"
    place = top() / "build" / f"jmap-{name}-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]}"
    if not (place / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip: list[str | Path] = [place / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted]
        if subprocess.run(pip, check=False).returncode != 0:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{name} cannot be installed, and CI=true allows no skip")
            pytest.skip(f"{name} cannot be installed")
        (place / "done").touch()
    return place / "bin/python"


def test_jmapc_reads_writes_sends_and_is_told(server: LocalServer) -> None:
    """JMAP-91: the session, mailboxes, a draft, its submission, search, text, keywords and the event stream."""
    command = [str(python("jmapc")), str(HERE / "session_jmapc.py")]
    command += [f"localhost:{server.port(443)}", server.user, server.password]
    trusted = {"REQUESTS_CA_BUNDLE": str(server.folder / "config/localhost.crt"), "no_proxy": "*"}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | trusted
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"Inbox", "Drafts", "Sent"} <= {*found.pop("mailboxes")}
    assert found == {
        "account": "umoxlite",
        "sent": found["sent"],
        "read": ["Written by jmapc", "green harbour\n"],
        "marked": True,
        "pushed": True,
    }
    assert found["sent"] in ("final", "pending")


def test_jmaplib_reads_writes_sends_and_is_told(server: LocalServer) -> None:
    """JMAP-91: the same, in one request each, and pushes by event stream and websocket."""
    url = f"https://localhost:{server.port(443)}/.well-known/jmap"
    command = [str(python("jmaplib")), str(HERE / "session_jmaplib.py"), url, server.user, server.password]
    trusted = {"SSL_CERT_FILE": str(server.folder / "config/localhost.crt"), "no_proxy": "*"}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | trusted
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"Inbox", "Drafts", "Sent"} <= {*found.pop("mailboxes")}
    read = ["Written by jmaplib", "red harbour\n"]
    pushed = ["events", "websocket"]
    assert found == {"socket": True, "sent": True, "read": read, "marked": True, "pushed": pushed}


JAM = "jmap-jam@0.13.1"


def test_jam_reads_writes_sends_and_is_told(server: LocalServer) -> None:
    """JMAP-91, JMAP-2a: the same by a token."""
    node, npm = need("node"), need("npm")
    place = top() / "build" / JAM
    if not (place / "done").exists():
        place.mkdir(parents=True, exist_ok=True)
        if subprocess.run([npm, "install", "--silent", "--prefix", place, JAM], check=False).returncode != 0:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{JAM} cannot be installed, and CI=true allows no skip")
            pytest.skip(f"{JAM} cannot be installed")
        (place / "done").touch()
    shutil.copy(HERE / "session_jam.mjs", place)
    made = server.cli("account", "app-password", "add", "moxlite", "jam", "--scope", "jmap", "--token")
    token = next(word for word in made.stdout.split() if word.startswith("moxlite_"))
    url = f"https://localhost:{server.port(443)}/.well-known/jmap"
    trusted = os.environ | {"NODE_EXTRA_CA_CERTS": str(server.folder / "config/localhost.crt"), "no_proxy": "*"}
    command = [node, str(place / "session_jam.mjs"), url, token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=trusted)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"Inbox", "Drafts", "Sent"} <= {*found.pop("mailboxes")}
    read = ["Written by jam", "blue harbour\n"]
    assert found == {"account": "umoxlite", "sent": ["send"], "read": read, "marked": True, "pushed": True}
