"""A release in one folder (ADMIN-43a): built, signed, and installed from a web server on loopback."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from moxlite import __version__
from moxlite.admin.updates import changes_since
from moxlite.config.load import read_channel
from moxlite.config.static import Updates
from moxlite.net.httpclient import HTTPClient, HTTPResponse
from tests.packagerig import copy_project, made_keyrings, package, private_apt, stand_in, write_channel, write_key
from tests.tools import need, top

pytestmark = [pytest.mark.integration, pytest.mark.slow]

VERSION = "99.0.0"
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def keyrings(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Homes of gpg by name, each with a key of name@moxlite.example."""
    with made_keyrings(tmp_path) as homes:
        yield homes


@pytest.fixture
def signing_key(tmp_path: Path) -> Path:
    """The key of the list of changes."""
    return write_key(tmp_path / "changes.pem", KEY)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this project with that key in its channel."""
    folder = tmp_path / "project"
    copy_project(folder)
    write_channel(folder, KEY)
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a line for each."""

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which it is served."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def sign(folder: Path, home: Path, key: Path) -> subprocess.CompletedProcess[str]:
    """Sign a release with the key in a gpg home and that of the changes."""
    words = ("sign", "--key", "release@moxlite.example", "--signing-key", key, folder)
    return package(*words, environment={"GNUPGHOME": str(home)})


def updates_of(project: Path) -> Updates:
    """`[updates]` as a build of the project has it."""
    updates, mistakes = read_channel(project / "packaging/channel.toml")
    assert updates is not None
    assert not mistakes
    return updates


class Fetched(HTTPClient):
    """An HTTP client whose server has one body."""

    def __init__(self, body: bytes) -> None:
        """Without the base, which would ask a resolver."""
        self.body = body

    async def request(self, method: str, url: str, **_: object) -> HTTPResponse:
        """The body, always."""
        return HTTPResponse(200, (), self.body)


@pytest.mark.nightly(smoke="tests/unit/test_script_release.py::test_a_release_is_one_commit_with_a_tag")
def test_a_release_is_signed_where_the_keys_are(
    tmp_path: Path, keyrings: dict[str, Path], signing_key: Path, project: Path
) -> None:
    """ADMIN-43a, ADMIN-60: hashes and changes verify with the public halves; changes name the hash of the one file;
    wrong keys are refused with a word, and signing again replaces what was signed. An older release that is signed
    later changes neither the newest version nor its changes.
    """
    folder = tmp_path / "dist" / VERSION
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "moxlite-99.0.0-py3-none-any.whl", "w") as wheel:
        wheel.write(project / "packaging/channel.toml", "moxlite/channel.toml")
    (folder / "moxlite-99.0.0.tar.gz").write_bytes(b"as built")
    (folder / "moxlite-99.0.0-linux-x86_64").write_bytes(b"the one file")
    (folder / "changelog.json").write_text(json.dumps({"changes": [{"version": VERSION, "text": "- Grüße."}]}))
    (folder / "updates.txt").write_text(f'_updates IN TXT "v=UPDATES0; l={VERSION}"\n')
    for _ in range(2):
        done = sign(folder, keyrings["release"], signing_key)
        assert done.returncode == 0, done.stderr
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    verify = ["gpg", "--homedir", str(keyrings["release"]), "--verify", "SHA256SUMS.asc", "SHA256SUMS"]
    subprocess.run(verify, cwd=folder, check=True, capture_output=True)
    fetched = Fetched((folder / "changelog.json").read_bytes())
    found = trio.run(changes_since, fetched, updates_of(project))
    digest = hashlib.sha256(b"the one file").hexdigest()
    text = f"- Grüße.\n\nSHA-256 of the files:\n\n    {digest}  moxlite-99.0.0-linux-x86_64\n"
    assert [(one.version, one.text) for one in found] == [(VERSION, text)]

    assert (folder.parent / "latest").read_text() == f"{VERSION}\n"
    older = folder.parent / "98.0.0"
    shutil.copytree(folder, older)
    (older / "updates.txt").write_text('_updates IN TXT "v=UPDATES0; l=98.0.0"\n')
    done = sign(older, keyrings["release"], signing_key)
    assert done.returncode == 0, done.stderr
    assert (folder.parent / "latest").read_text() == f"{VERSION}\n"
    assert (folder.parent / "changelog.json").read_bytes() == (folder / "changelog.json").read_bytes()

    (older / "moxlite-99.0.0-py3-none-any.whl").unlink()
    with zipfile.ZipFile(older / "moxlite-98.0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("moxlite/channel.toml", "# none\n")
    done = sign(older, keyrings["release"], signing_key)
    assert done.returncode == 1
    assert "has no update channel" in done.stderr
    done = sign(folder, keyrings["release"], write_key(tmp_path / "rsa.pem", generate_private_key(65537, 2048)))
    assert done.returncode == 1
    assert "is no Ed25519 key" in done.stderr
    done = sign(tmp_path / "nowhere", keyrings["release"], signing_key)
    assert done.returncode == 1
    done = package("release", "--to", folder.parent, "--version", VERSION)
    assert done.returncode == 1
    assert "is not empty" in done.stderr


@pytest.mark.nightly(
    smoke="tests/unit/test_script_release.py::test_a_release_is_one_commit_with_a_tag",
)
def test_each_file_of_a_release_can_be_installed(
    tmp_path: Path,
    keyrings: dict[str, Path],
    signing_key: Path,
    project: Path,
    site: tuple[Path, str],
    frozen: tuple[Path, Path],
) -> None:
    """ADMIN-43, ADMIN-43a: wheel and sdist by pip, the package by apt for each suite, all from a web server; those
    of the other processor are added, and the SBOM names all that is locked, and Python.
    """
    need("apt-get")
    others = tmp_path / "others"
    others.mkdir()
    (others / f"moxlite-{VERSION}-linux-other").write_bytes(b"built elsewhere")
    program = tmp_path / "moxlite"
    shutil.copytree(frozen[0], program, symlinks=True)
    shutil.copy(project / "packaging/channel.toml", program / "lib/moxlite")
    more = ("--program", program, "--others", others)
    done = package("release", "--to", site[0], "--version", VERSION, "--compression", "none", *more, project=project)
    assert done.returncode == 0, done.stderr
    folder = site[0] / VERSION
    done = sign(folder, keyrings["release"], signing_key)
    assert done.returncode == 0, done.stderr
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    address = f"{site[1]}/{VERSION}"

    for name in (f"moxlite-{__version__}-py3-none-any.whl", f"moxlite-{__version__}.tar.gz"):
        path = folder / name
        target = tmp_path / path.name
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--target", str(target), f"{address}/{path.name}"], check=True)
        run = [sys.executable, "-m", "moxlite", "version"]
        said = subprocess.run(run, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(target)}, capture_output=True)
        assert said.returncode == 0, said.stderr
        assert (target / "moxlite/web/static").is_dir()

    keyring = site[0] / "apt/moxlite.asc"
    for suite in ("stable", "bookworm", "trixie", "noble", "resolute"):
        place = tmp_path / "apt" / suite
        apt = private_apt(place, f"deb [signed-by={keyring} arch=amd64] {site[1]}/apt {suite} main\n")
        done = apt("update")
        assert done.returncode == 0, done.stderr
    done = apt("download", "moxlite")
    assert done.returncode == 0, done.stderr
    tree = tmp_path / "tree"
    subprocess.run(["dpkg-deb", "-x", str(place / f"moxlite_{VERSION}_amd64.deb"), str(tree)], check=True)
    subprocess.run([tree / "usr/lib/moxlite/moxlite", "version"], check=True, capture_output=True)

    file = f"moxlite-{VERSION}-linux-{os.uname().machine}"
    names = {path.name for path in folder.iterdir()}
    assert {file, f"{file}.tar.gz", f"moxlite-{VERSION}-linux-other"} <= names
    assert f"moxlite-{VERSION}-container-{os.uname().machine}.tar.gz" in names
    assert {"compose.yaml", "moxlite.container"} <= names
    bill = json.loads((folder / "sbom.cdx.json").read_text())
    lock = (top() / "requirements/frozen.lock").read_text()
    locked = {
        line.split()[0].lower().replace("_", "-") for line in lock.splitlines() if "==" in line and line[0] not in " #"
    }
    listed = {f"{one['name']}=={one['version']}" for one in bill["components"]}
    assert locked <= listed
    assert {one.partition("==")[0] for one in listed - locked} == {"python", "openssl"}


@pytest.fixture
def checkouts(tmp_path: Path) -> tuple[Path, Path]:
    """A commit of the files as they are here, checked out in two folders: long ago, and now by a careful user, after
    `pip install .` and with a note that git ignores.
    """
    first, second = tmp_path / "first", tmp_path / "elsewhere/second"
    copy_project(first)
    git = ["git", "-C", str(first), "-c", "user.name=a", "-c", "user.email=a@b"]
    (first / ".gitignore").write_text("*.egg-info/\n/build/\n.notes\n")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "all"], check=True)
    clone = 'umask 077 && git clone --quiet "$1" "$2"'
    subprocess.run(["sh", "-c", clone, "sh", f"file://{first}", str(second)], check=True)
    for path in first.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*install, "--target", str(tmp_path / "installed"), str(second)], check=True)
    assert (second / "moxlite.egg-info/PKG-INFO").exists()
    (second / "docs/.notes").write_text("not of the project")
    return first, second


def releases(checkouts: tuple[Path, Path], *more: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """Hashes by file name of a release built in each of the folders, with another umask and folder for its work."""
    sums = []
    for number, checkout in enumerate(checkouts):
        scratch = checkout.parent / f"scratch{number}"
        scratch.mkdir()
        words = ("release", "--version", VERSION, "--compression", "none", "--to", scratch / "dist", *more)
        umask = os.umask((0o077, 0o002)[number])
        try:
            done = package(*words, project=checkout, environment={"TMPDIR": str(scratch)}, seconds=1200)
        finally:
            os.umask(umask)
        assert done.returncode == 0, done.stderr
        lines = (scratch / "dist" / VERSION / "SHA256SUMS").read_text().splitlines()
        sums.append({line.split()[1]: line.split()[0] for line in lines})
    first, second = sums
    return first, second


KINDS = ("linux-{0}", "linux-{0}.tar.gz", "container-{0}.tar.gz")


@pytest.mark.packages
@pytest.mark.nightly(
    smoke="tests/unit/test_script_release.py::test_a_release_is_built_twice_and_refused_if_the_builds_differ",
)
def test_two_builds_of_packages_are_the_same_octets(checkouts: tuple[Path, Path], tmp_path: Path) -> None:
    """ADMIN-43b: file, tarball, Debian package, image, wheel, sdist and lists, of one frozen program."""
    first, second = releases(checkouts, "--program", stand_in(tmp_path / "program", checkouts[0]))
    assert first == second
    assert {f"moxlite-{VERSION}-{kind.format(os.uname().machine)}" for kind in KINDS} <= first.keys()
    assert {".deb", ".whl", ".json", ".txt", ".gz"} <= {Path(name).suffix for name in first}


@pytest.mark.timeout(2500)
@pytest.mark.nightly(
    smoke="tests/unit/test_script_release.py::test_a_release_is_built_twice_and_refused_if_the_builds_differ",
)
def test_two_builds_of_the_program_are_the_same_octets(checkouts: tuple[Path, Path], frozen: tuple[Path, Path]) -> None:
    """ADMIN-43b: also where the program is frozen each time; nothing that pip writes of the folder is in it."""
    assert frozen[1].exists()  # the wheels can be had
    first, second = releases(checkouts)
    assert first == second
    written = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
    assert not [path for path in frozen[0].rglob("*.dist-info/*") if path.name in written]
