"""The Debian package, and the repository that it comes from: built, looked at, installed, upgraded, removed (ADMIN-40,
43, 53).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import installroot
from tests.installroot import InstallRoot, install_root
from tests.packagerig import build_package, made_keyrings, package, private_apt
from tests.tools import need, top

pytestmark = [pytest.mark.integration, pytest.mark.served, pytest.mark.slow]


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, not compressed. Its wheels are those of MOXLITE_WHEELS, else of the package index or pip's cache."""
    need("dpkg-deb")
    return build_package(tmp_path_factory.mktemp("deb"), "amd64")


@pytest.fixture(scope="module")
def newer(deb: Path) -> Path:
    """The same with a higher version."""
    tree = deb.parent / "newer"
    subprocess.run(["dpkg-deb", "-R", str(deb), str(tree)], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("1.0~test1", "1.0~test2"))
    path = deb.parent / "moxlite_1.0~test2_amd64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(path)], check=True, stdout=-3)
    shutil.rmtree(tree)
    return path


def fields(deb: Path) -> dict[str, str]:
    """The control file."""
    text = subprocess.run(["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=True).stdout
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and not line.startswith(" "))


@pytest.mark.nightly
def test_what_is_in_the_package(deb: Path) -> None:
    """ADMIN-43: the system's Python, wheels without byte code, root's files; no program of others."""
    found = fields(deb)
    assert (found["Package"], found["Version"], found["Architecture"]) == ("moxlite", "1.0~test1", "amd64")
    assert "python3 (<< 3.12)" in found["Depends"]
    listing = subprocess.run(["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True).stdout
    files = {words[5]: words for words in (line.split(None, 5) for line in listing.splitlines())}
    assert {words[1] for words in files.values()} == {"root/root"}
    modes = {words[0] for words in files.values()}
    assert modes == {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx"}
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc")]
    assert [name for name in files if "/bin/" in name and not name.endswith("/bin/")] == [
        "./usr/bin/moxlite",
        "./usr/lib/moxlite/bin/python -> /usr/bin/python3.11",
    ]
    assert {"./etc/moxlite/", "./var/lib/moxlite/", "./lib/systemd/system/moxlite.service"} <= files.keys()
    packages = "./usr/lib/moxlite/lib/python3.11/site-packages/"
    assert {f"{packages}moxlite/{name}" for name in ("server.py", "schema/auth/", "web/static/")} <= files.keys()
    assert f"{packages}added.pth" in files
    assert re.search(r"apsw/\S+x86_64-linux-gnu\.so", listing)
    assert {name.split("/")[1] for name in files} == {"", "etc", "lib", "usr", "var"}


AARCH64 = 183
"""In the header of ELF files (elf(5), ``e_machine``)."""


@pytest.mark.nightly
def test_the_package_for_arm(tmp_path: Path) -> None:
    """ADMIN-42, ADMIN-43: each locked package has a wheel for arm64, and all machine code in the package is of it."""
    need("dpkg-deb")
    if os.environ.get("MOXLITE_WHEELS"):
        pytest.skip("MOXLITE_WHEELS has wheels of this machine")
    deb = build_package(tmp_path, "arm64")
    assert fields(deb)["Architecture"] == "arm64"
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(tmp_path / "tree")], check=True)
    heads = {path: path.read_bytes()[:20] for path in (tmp_path / "tree").rglob("*.so*") if path.is_file()}
    assert len(heads) > 20
    wrong = [path.name for path, head in heads.items() if head[:4] != b"\x7fELF" or head[18] != AARCH64]
    assert wrong == []


@pytest.mark.nightly
def test_the_unit_of_the_package(deb: Path, tmp_path: Path) -> None:
    """ADMIN-40: its paths, and no start before there is a configuration."""
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(tmp_path)], check=True)
    unit = tmp_path / "lib/systemd/system/moxlite.service"
    lines = unit.read_text().splitlines()
    assert "ExecStart=/usr/bin/moxlite --config /etc/moxlite/moxlite.toml serve" in lines
    assert "ReadWritePaths=/etc/moxlite /var/lib/moxlite -/var/backups/moxlite" in lines
    assert "ConditionPathExists=/etc/moxlite/moxlite.toml" in lines[: lines.index("[Service]")]
    command = [need("systemd-analyze"), "security", "--offline=true", "--threshold=30", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_container_grants_what_the_unit_grants(deb: Path, tmp_path: Path) -> None:
    """ADMIN-42: its image is the package; capabilities and folders are those of the unit, and the web's."""
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(tmp_path)], check=True)
    unit = (tmp_path / "lib/systemd/system/moxlite.service").read_text()
    folder = top() / "packaging/container"
    image, compose = ((folder / name).read_text() for name in ("Containerfile", "compose.yaml"))
    granted = set(re.findall(r"CAP_(\w+)", unit))
    assert set(re.search(r"cap_add: \[(.*)\]", compose)[1].split(", ")) == granted  # type: ignore[index]
    folders = re.search(r"ReadWritePaths=(.*) -", unit)[1].split() + ["/srv/web"]  # type: ignore[index]
    assert re.search(r"VOLUME (.*)", image)[1] == json.dumps(folders)  # type: ignore[index]
    assert re.findall(r"- \./\w+:(.*)", compose) == folders
    assert 'HEALTHCHECK --interval=60s --timeout=10s --start-period=60s CMD ["moxlite", "healthcheck"]' in image


@pytest.fixture
def root(tmp_path: Path) -> Iterator[InstallRoot]:
    """A place to install into."""
    if why := installroot.hindrance():
        pytest.skip(why)
    (tmp_path / "install").mkdir()
    with install_root(tmp_path / "install") as found:
        yield found


class Served:
    """The installed server, started by hand: there is no systemd in that place."""

    def __init__(self, root: InstallRoot) -> None:
        self.process = subprocess.Popen(
            root.inside(("moxlite", "serve")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=root.environment,
            text=True,
        )
        assert self.process.stderr is not None
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            if "ready to serve" in line:
                return
        pytest.fail("".join(lines))

    def wait(self) -> int:
        """Until it has ended, by whatever ends it."""
        assert self.process.stderr is not None
        with self.process:
            self.process.stderr.read()
        return self.process.returncode


@pytest.mark.nightly
def test_install_upgrade_remove_purge(root: InstallRoot, deb: Path, newer: Path) -> None:
    """ADMIN-43, ADMIN-53: by dpkg, on this Debian's Python: quickstart, a server that runs as the package's user; an
    upgrade and a removal stop it; byte code goes, mail and configuration stay, even when all is purged.
    """
    for path in (deb, newer):
        root.put(path, f"/{path.name}")
    # an address of the internet on loopback: quickstart finds a machine as a provider gives it
    root.run("ip", "addr", "add", "198.51.100.7/32", "dev", "lo")
    said = root.run("dpkg", "--install", f"/{deb.name}").stdout
    assert "moxlite quickstart" in said
    uid = root.run("id", "-u", "moxlite").stdout.strip()
    assert int(uid) < 1000
    assert root.has("/usr/lib/moxlite/lib/python3.11/site-packages/moxlite/__pycache__")
    assert "moxlite" in root.run("moxlite", "version").stdout
    said = root.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "moxlite", "licenses").stdout
    assert (top() / "LICENSE").read_text() in said

    quickstart = ("moxlite", "quickstart", "--skip-dial", "--hostname", "mx.example.org", "--resolver", "127.0.0.1:9")
    said = root.run(*quickstart, "you@example.org").stdout
    assert "systemctl start moxlite" in said
    assert root.has("/var/lib/moxlite/accounts/you/account.db")
    config = root.run("cat", "/etc/moxlite/moxlite.toml").stdout
    assert 'data_dir = "/var/lib/moxlite"' in config
    assert 'ips = ["198.51.100.7"]' in config

    served = Served(root)
    root.run("moxlite", "tls", "reload")
    assert root.run("stat", "-c", "%u", "/var/lib/moxlite/ctl").stdout.strip() == uid
    root.run("dpkg", "--install", f"/{newer.name}")
    assert served.wait() == 0
    before = root.run("sha256sum", "/etc/moxlite/moxlite.toml", "/etc/moxlite/domains.toml").stdout

    served = Served(root)
    root.run("dpkg", "--remove", "moxlite")
    assert served.wait() == 0
    assert not root.has("/usr/lib/moxlite")
    assert not root.has("/usr/bin/moxlite")
    said = root.run("dpkg", "--purge", "moxlite").stdout
    assert "kept, with user moxlite: /var/lib/moxlite" in said
    assert root.run("sha256sum", "/etc/moxlite/moxlite.toml", "/etc/moxlite/domains.toml").stdout == before
    assert root.has("/var/lib/moxlite/accounts/you/account.db")
    assert root.run("id", "-u", "moxlite").stdout.strip() == uid
    assert not root.has("/lib/systemd/system/moxlite.service")


@pytest.fixture
def keyrings(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Homes of gpg by name, each with a key of name@moxlite.example."""
    with made_keyrings(tmp_path) as homes:
        yield homes


@pytest.mark.nightly
def test_a_repository_that_apt_trusts_by_its_signature(
    deb: Path, newer: Path, tmp_path: Path, keyrings: dict[str, Path]
) -> None:
    """ADMIN-43: apt takes the newest package from it; a changed index, and one of another key, are refused."""
    need("apt-get")
    site = tmp_path / "site"

    def publish(path: Path, name: str) -> None:
        home = {"GNUPGHOME": str(keyrings[name])}
        done = package("apt", "--to", site, "--key", f"{name}@moxlite.example", path, environment=home)
        assert done.returncode == 0, done.stderr

    publish(deb, "release")
    publish(newer, "release")
    keyring = tmp_path / "moxlite.asc"
    shutil.copy(site / "apt/moxlite.asc", keyring)
    source = f"deb [signed-by={keyring} arch=amd64] file://{site}/apt stable main\n"
    apt = private_apt(tmp_path / "first", source)
    done = apt("update")
    assert done.returncode == 0, done.stderr
    shown = apt("show", "--all-versions", "moxlite", program="apt-cache").stdout
    assert re.findall(r"^Version: (.*)$", shown, re.MULTILINE) == ["1.0~test2", "1.0~test1"]
    done = apt("download", "moxlite")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "first" / newer.name).read_bytes() == newer.read_bytes()

    index = site / "apt/dists/stable/main/binary-amd64/Packages"
    good = index.read_bytes()
    index.write_bytes(good.replace(b"1.0~test2", b"9.9~test2"))
    index.with_name("Packages.gz").unlink()
    done = private_apt(tmp_path / "second", source)("update")
    assert done.returncode != 0
    assert "Hash Sum mismatch" in done.stderr
    publish(newer, "stranger")
    done = private_apt(tmp_path / "third", source)("update")
    assert done.returncode != 0
    assert "NO_PUBKEY" in done.stderr
