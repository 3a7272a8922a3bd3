"""The program with its own Python (ADMIN-60c): the folder, its children, and the one file on bare Debians.

MOXLITE_PROGRAM names a folder that was built before, MOXLITE_ROOTS a folder with root file systems `bookworm` and
`trixie` (debootstrap --variant=minbase); else both are made, which takes minutes and the network.
"""

import hashlib
import imaplib
import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.autotls.messages import Authority, Event, Failed, WindowsAsked
from moxlite.ownprogram import VERB
from moxlite.patterns import process as patterns
from moxlite.patterns.questions import Question
from moxlite.sandbox import process as sandbox_process
from moxlite.sandbox.jobs import DrawHTML
from moxlite.sandbox.processes import Sandbox
from tests.pages import commands
from tests.running import free_base
from tests.session.test_sandbox_processes import draw
from tests.tools import moxlite_command, need, top, until
from tests.webcalls import Caller

pytestmark = [
    pytest.mark.integration,
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.nightly(smoke="tests/unit/test_ownprogram.py::test_a_frozen_program_starts_itself"),
    pytest.mark.timeout(1300, func_only=True),  # the build has a limit of its own
    pytest.mark.skipif(sys.platform != "linux", reason="the frozen program is for Linux"),
]

APART = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")

INSIDE = """\
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && ip link set lo up && ip addr add 198.51.100.7/32 dev lo
mkdir -p "$1/full" "$1/noexec"
mount -t tmpfs -o mode=755,size=20m tmpfs "$1/full" && mount -t tmpfs -o mode=755,noexec tmpfs "$1/noexec"
exec chroot "$1" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh -ec "$2"
"""

TYPED = """\
cd /root
curl() { if [ "$1" = -fo ]; then cp "/site/${3##*/}" "$2"; else cat "/site/${2##*/}"; fi; }
systemctl() { moxlite serve 2>log & server=$!; }
"""
"""What a bare system without a network does not have, before the commands of README are typed."""

SERVED = """\
[ "$(stat -c '%u %a' /opt/moxlite-file /opt/moxlite-file/*)" = "0 755
0 755" ]
for i in $(seq 600); do grep -q 'ready to serve' log && break; sleep 0.1; done
for i in $(seq 100); do moxlite queue list >/dev/null && break; sleep 0.1; done
moxlite config printservice | grep '^ExecStart=/usr/local/bin/moxlite --config /etc/moxlite/moxlite.toml serve --after '
moxlite tls reload
[ "$(stat -c %U /var/lib/moxlite/ctl)" = moxlite ]
grep -q '^Uid:.0' /proc/$server/status
cp moxlite replaced && mv replaced /usr/local/bin/moxlite # while it runs
moxlite config account add eve eve@example.org
kill $server
wait $server || { cat log; exit 1; }
! grep l=error log
moxlite self remove
[ ! -e /usr/local/bin/moxlite ] && [ -e /var/lib/moxlite/accounts/eve ]
mount --bind /usr/local/bin /usr/local/bin && mount -o remount,ro,bind /usr/local/bin
! ./moxlite self install 2>said
grep -q 'Read-only file system' said
"""

UNPACKED = """\
useradd --create-home anna
cp /root/moxlite /home/anna/
chown anna /full /noexec
cat >/home/anna/try <<'END'
set -e
cd
umask 002
./moxlite version >/dev/null
./moxlite help too much spam | grep -q '^spam\\.md$'
ln -s moxlite sendmail
./sendmail --help | grep -q sendmail
! ./moxlite self install 2>said
grep -q 'this requires root; run: sudo ' said
chmod g+w .cache/moxlite
! ./moxlite version 2>said
grep -q 'chmod go-w' said
chmod g-w .cache/moxlite
for kept in .cache/moxlite/*/complete; do echo other >"$kept"; done # dash expands no patterns in redirections
! ./moxlite version 2>said
grep -q 'is not as this file has unpacked it' said
rm -r .cache
head -c 20000000 moxlite >cut
chmod 755 cut
! ./cut version 2>said
grep -q 'is damaged: download it again' said
[ -z "$(ls -A .cache/moxlite)" ]
! XDG_CACHE_HOME=/full ./moxlite version 2>said
grep -q 'is the disk full' said
[ -z "$(ls -A /full/moxlite)" ]
! XDG_CACHE_HOME=/noexec ./moxlite version 2>said
grep -q 'runs no programs' said
! XDG_CACHE_HOME=/tmp ./moxlite version 2>said
grep -q 'only anna can change' said
END
setpriv --reuid=anna --regid=anna --clear-groups env HOME=/home/anna sh -e /home/anna/try
"""


@pytest.fixture
def program(frozen: tuple[Path, Path]) -> str:
    """The program in the folder."""
    return str(frozen[0] / "moxlite")


SHOWN = (("help",), ("queue", "list", "--help"), ("config", "describe-static"), ("config", "describe-domains"))
"""Commands that print docstrings of commands, requests and settings."""


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_help_and_descriptions_are_those_of_the_sources(program: str, words: tuple[str, ...]) -> None:
    """ADMIN-60c: docstrings that are left out are read by nobody."""
    shown, wanted = (
        subprocess.run([*start, *words], check=True, capture_output=True, text=True, timeout=60).stdout
        for start in ((program,), moxlite_command())
    )
    assert len(wanted.splitlines()) > 10
    assert shown == wanted


async def test_html_of_mails_is_sanitized_by_a_confined_child(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60b, WEBMAIL-109a: all that a job needs is loaded before the child gives up files."""
    monkeypatch.setattr(sandbox_process, "PROGRAM", (program, VERB, "sandbox"))
    sandbox = Sandbox()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sandbox.serve)
        async with sandbox.turn("mia") as turn:
            job = draw("<p style='color: red'>a<script>b</script>")
            assert isinstance(job, DrawHTML)
            html = (await turn.do(job)).html
        nursery.cancel_scope.cancel()
    assert b"<p" in html
    assert b"script" not in html


def test_patterns_are_compiled_by_a_child(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60b, STORE-65a."""
    monkeypatch.setattr(patterns, "own_program", lambda child: [program, VERB, child])
    asked = patterns.PatternProcess()
    answer = asked.ask(Question("(?<=a)b"))
    asked.close()
    assert answer.outcome == "done"


def test_a_child_speaks_with_a_ca(program: str) -> None:
    """ADMIN-60b, WEB-112: up to the connection that nobody takes."""
    make = ["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout"]
    key = subprocess.run(make, capture_output=True, text=True, timeout=60, check=True)
    job = WindowsAsked(Authority("https://127.0.0.1:9/", "a@example.org", key.stdout), ())
    line = msgspec.json.encode(job) + b"\n"
    done = subprocess.run([program, VERB, "acme"], input=line, capture_output=True, timeout=120, check=False)
    event = msgspec.json.decode(done.stdout, type=Event)
    assert isinstance(event, Failed), done
    assert "can't reach the certificate authority" in event.text


@pytest.fixture
def base(program: str, tmp_path: Path) -> Iterator[int]:
    """A port base of `localserve` that runs from the folder."""
    found = free_base()
    command = [program, "localserve", "--dir", str(tmp_path / "try"), "--port-base", str(found)]
    log = tmp_path / "log"
    with log.open("wb") as stderr:  # no pipe: a child that stays would keep it open
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        until(lambda: "moxlite: ready" in log.read_text() or process.poll() is not None, what="the server")
        assert process.poll() is None, log.read_text()
        yield found
        process.terminate()
        assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait(timeout=60)
    assert "l=error" not in log.read_text()


def test_mail_comes_in_and_is_shown_and_all_pages_are_there(base: int) -> None:
    """ADMIN-60b, ADMIN-60c, ADMIN-44, WEBMAIL-109a: data of libraries (the list of public suffixes), schema, and
    bundles are in the folder; a child sanitizes the HTML.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "moxlite@localhost", "Hello"
    message.set_content("<p>Hello<script>b</script></p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", base + 25, timeout=60) as smtp:
        smtp.send_message(message)
    with imaplib.IMAP4("127.0.0.1", base + 143, timeout=60) as imap:
        imap.login("moxlite@localhost", "moxmoxmox")
        until(lambda: imap.select()[1] == [b"1"], what="the message", pause=0.5)
    for path in ("", "admin/", "webmail/"):
        assert b"</html>" in fetched(base, path)
    caller = Caller(base + 80, "moxlite@localhost", "moxmoxmox")
    caller.log_in()
    ((item,),) = caller.view({"filter": {}})
    assert caller.call("parsed_message", message_id=item["id"])["has_html"]
    cookies = "; ".join(f"{name}={value}" for name, value in caller.cookies.items())
    page = fetched(base, f"webmail/msg/{item['id']}/html", cookie=cookies)
    assert b"Hello</p>" in page
    assert b"script>" not in page


def fetched(base: int, path: str, **headers: str) -> bytes:
    """A page."""
    asked = urllib.request.Request(f"http://127.0.0.1:{base + 80}/{path}", headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        body: bytes = answer.read()
    return body


UBUNTU = ("http://archive.ubuntu.com/ubuntu", "/usr/share/debootstrap/scripts/gutsy")
"""Where debootstrap finds it, by a script that Debian's has."""


@pytest.fixture(params=["bookworm", "trixie", "noble"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A Debian or Ubuntu without Python and nearly anything else."""
    if os.geteuid() != 0:
        pytest.skip("only root changes the root folder")
    if kept := os.environ.get("MOXLITE_ROOTS"):
        copy = ["cp", "-a", f"{kept}/{request.param}", str(tmp_path / "root")]  # devices as such: no end of /dev/zero
        subprocess.run(copy, timeout=120, check=True)
        return tmp_path / "root"
    command = [need("debootstrap"), "--variant=minbase", request.param, str(tmp_path / "root")]
    command += UBUNTU if request.param == "noble" else ()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"no root file system can be made here: {done.stderr[-200:]}")
    return tmp_path / "root"


def test_one_file_serves_on_a_bare_system(root: Path, frozen: tuple[Path, Path]) -> None:
    """ADMIN-60c, ADMIN-60d, ADMIN-36: without Python and without libraries of its own a machine becomes a server by
    the commands of README, and the server gives up root; unpacked code is used only if no other user could have
    changed it; a cut file, a full disk, and file systems that are read-only or run no programs are named.
    """
    assert not list((root / "usr/bin").glob("python*"))
    (root / "dev").mkdir(exist_ok=True)
    (root / "site").mkdir()
    lines = commands("../README.md", "Install")
    name = f"moxlite-99.0.0-linux-{os.uname().machine}"
    shutil.copy(frozen[1], root / "site" / name)
    (root / "site/latest").write_text("99.0.0\n")
    (root / "site/SHA256SUMS").write_text(f"{hashlib.sha256(frozen[1].read_bytes()).hexdigest()}  {name}\n")
    closed = "quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9"
    typed = "\n".join(line.replace("moxlite quickstart", f"moxlite {closed}") for line in lines)
    for script in (f"{TYPED}{typed}\n{SERVED}", UNPACKED):
        command = [*APART, "sh", "-ec", INSIDE, "sh", str(root), script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


FROZEN_TOO = (
    "integration/test_server_localserve.py",
    "integration/test_process_root_parent.py",
    "integration/test_patterns_served.py",
    "integration/test_autotls_pebble.py",
    "integration/test_admin_quickstart.py",
    "integration/test_admin_restoring.py",
    "session/test_admin_standby_commands.py",
)
"""Tests of what a frozen program does in other ways: start, root, children, quickstart, restore, stand-by."""

OF_PYTHON = "not after_a_kill and not the_unit_has_the_paths"
"""Left out: tests that kill functions of the package by its Python, or look for that Python in a unit."""


@pytest.fixture(scope="module")
def readable_program(frozen: tuple[Path, Path]) -> Iterator[str]:
    """The program where each user can read it: folders of pytest are closed to servers that give up root."""
    with tempfile.TemporaryDirectory(prefix="f", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(frozen[0], Path(folder) / "moxlite", symlinks=True)
        yield f"{folder}/moxlite/moxlite"


@pytest.mark.parametrize("file", FROZEN_TOO)
def test_servers_of_the_frozen_program(file: str, readable_program: str) -> None:
    """ADMIN-60b: the same tests, with servers and commands of the frozen program."""
    with tempfile.TemporaryDirectory(prefix="f", dir="/tmp") as folder:  # a path of a socket has at most 107 octets
        Path(folder).chmod(0o755)  # for servers that give up root
        run_tests(file, readable_program, Path(folder))


def run_tests(file: str, program: str, folder: Path) -> None:
    """Run the tests of a file, with a folder of their own."""
    place = ("--basetemp", str(folder / "t"), f"tests/{file}")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-k", OF_PYTHON, *place]
    environment = os.environ | {"MOXLITE_RUNS": program}
    done = subprocess.run(
        command, cwd=top(), env=environment, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:]
