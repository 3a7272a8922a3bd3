"""The Debian package, and the repository that it comes from: built, looked at, installed, upgraded, removed (ADMIN-40,
43, 53).
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.admin.quickstart.files import follow_unit_file, unit_file
from moxlite.admin.standby.layout import TAKING_OVER
from tests import installroot
from tests.installroot import InstallRoot, install_root
from tests.machine import hindrance_to_nets
from tests.packagerig import build_package, made_keyrings, package, private_apt
from tests.tools import need, top, untar

pytestmark = [pytest.mark.integration, pytest.mark.served, pytest.mark.slow]

QUADLET = top() / "packaging/container/moxlite.container"


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory, frozen: tuple[Path, Path]) -> Path:
    """The package, not compressed."""
    need("dpkg-deb")
    return build_package(tmp_path_factory.mktemp("deb"), frozen[0])


@pytest.fixture(scope="module")
def newer(deb: Path, frozen: tuple[Path, Path]) -> Path:
    """The same with a higher version."""
    return build_package(deb.parent, frozen[0], "1.0~test2")


def fields(deb: Path) -> dict[str, str]:
    """The control file."""
    text = subprocess.run(["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=True).stdout
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and not line.startswith(" "))


@pytest.mark.nightly
def test_what_is_in_the_package(deb: Path) -> None:
    """ADMIN-43: a Python of its own, root's files, one program on the path; the system gives the C library alone."""
    found = fields(deb)
    assert (found["Package"], found["Version"], found["Architecture"]) == ("moxlite", "1.0~test1", "amd64")
    assert "python" not in found["Depends"]
    assert "libc6 (>= 2.36)" in found["Depends"]
    listing = subprocess.run(["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True).stdout
    files = {words[5]: words for words in (line.split(None, 5) for line in listing.splitlines())}
    assert {words[1] for words in files.values()} == {"root/root"}
    assert {words[0] for words in files.values()} <= {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx"}
    programs = [name for name, words in files.items() if words[0] == "-rwxr-xr-x"]
    assert programs == ["./usr/bin/moxlite", "./usr/lib/moxlite/moxlite"]
    assert {"./etc/moxlite/", "./var/lib/moxlite/", "./lib/systemd/system/moxlite.service"} <= files.keys()
    assert "./lib/systemd/system/moxlite-follow.service" in files
    assert {"./usr/share/man/man1/moxlite.1.gz", "./usr/share/bash-completion/completions/moxlite"} <= files.keys()
    assert {f"./usr/lib/moxlite/lib/moxlite/{name}" for name in ("schema/auth/", "web/static/")} <= files.keys()
    assert {name.split("/")[1] for name in files} == {"", "etc", "lib", "usr", "var"}


COMPLETE = """\
cd "$1"
moxlite() { "$PYTHON" -m moxlite "$@"; }
env() { local words=(); while [[ $1 == *=* ]]; do local -x "$1"; shift; done; "$@"; }
. usr/share/bash-completion/completions/moxlite
COMP_WORDS=(moxlite config acc) COMP_CWORD=2
_moxlite_completion moxlite
echo "${COMPREPLY[@]}"
"""
"""Tab after `moxlite config acc`."""


def test_man_and_shells_know_the_commands(tmp_path: Path) -> None:
    """ADMIN-43c: from their own description; man's formatter has nothing to say against the page, and bash completes.
    Zsh and fish read their files where they are installed.
    """
    need("dpkg-deb")
    (tmp_path / "program").mkdir()
    (tmp_path / "program/moxlite").write_bytes(AARCH64)
    deb = build_package(tmp_path, tmp_path / "program")
    tree = tmp_path / "tree"
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(tree)], check=True)
    page = gzip.decompress((tree / "usr/share/man/man1/moxlite.1.gz").read_bytes())
    command = [need("groff"), "-Kutf8", "-man", "-Tutf8", "-ww", "-P-cbou"]
    done = subprocess.run(command, input=page, capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    shown = done.stdout.decode()
    assert re.search(r"moxlite config account add\n +NAME ADDRESS", shown), shown[:4000]
    assert "--master-user NAME" in shown
    environment = os.environ | {"PYTHON": sys.executable, "PYTHONPATH": str(top())}
    bash = ["bash", "-euc", COMPLETE, "bash", str(tree)]
    done = subprocess.run(bash, env=environment, capture_output=True, timeout=60, check=True)
    assert done.stdout.split() == [b"account"]
    for shell, name in (("zsh", "zsh/vendor-completions/_moxlite"), ("fish", "fish/vendor_completions.d/moxlite.fish")):
        if found := shutil.which(shell):
            subprocess.run([found, "--no-execute", str(tree / "usr/share" / name)], timeout=60, check=True)


AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\x00"
"""The head of a program (elf(5), ``e_machine``)."""


def test_packages_are_for_the_processor_of_the_program(tmp_path: Path) -> None:
    """ADMIN-42, ADMIN-43: a folder that was built elsewhere is packed here; the image has a C library, and is not."""
    need("dpkg-deb")
    (tmp_path / "program").mkdir()
    (tmp_path / "program/moxlite").write_bytes(AARCH64)
    deb = build_package(tmp_path, tmp_path / "program")
    assert deb.name == "moxlite_1.0~test1_arm64.deb"
    assert fields(deb)["Architecture"] == "arm64"
    done = package("binary", "--to", tmp_path, "--program", tmp_path / "program", "--version", "1")
    assert "moxlite-1-linux-aarch64.tar.gz" in done.stdout
    if os.uname().machine != "aarch64":
        done = package("container", "--to", tmp_path, "--program", tmp_path / "program")
        assert (done.returncode, "is built on aarch64" in done.stderr) == (1, True)
    done = package("deb", "--to", tmp_path, "--program", tmp_path)
    assert (done.returncode, "is no folder of `script/package binary`" in done.stderr) == (1, True)


@pytest.mark.nightly
def test_the_unit_of_the_package(deb: Path, tmp_path: Path) -> None:
    """ADMIN-40: its paths, and no start before there is a configuration."""
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(tmp_path)], check=True)
    units = tmp_path / "lib/systemd/system"
    unit, follow = units / "moxlite.service", units / "moxlite-follow.service"
    lines = unit.read_text().splitlines()
    assert f"ExecStart=/usr/bin/moxlite --config /etc/moxlite/moxlite.toml serve --after {TAKING_OVER}" in lines
    assert "ReadWritePaths=/etc/moxlite /var/lib/moxlite -/var/backups/moxlite" in lines
    for path in ("/etc/moxlite/moxlite.toml", TAKING_OVER):  # one of them
        assert f"ConditionPathExists=|{path}" in lines[: lines.index("[Service]")]
    command = [
        need("systemd-analyze"),
        "security",
        "--offline=true",
        "--threshold=30",
        "--no-pager",
        str(unit),
        str(follow),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_container_grants_what_the_unit_grants() -> None:
    """ADMIN-42: capabilities of compose file and quadlet, and folders, are those of the unit, and the web's."""
    unit = unit_file(
        program="/usr/bin/moxlite",
        config=Path("/etc/moxlite/moxlite.toml"),
        data=Path("/var/lib/moxlite"),
        more=[Path("/var/backups/moxlite")],
    )
    compose = (top() / "packaging/container/compose.yaml").read_text()
    granted = set(re.findall(r"CAP_(\w+)", unit))
    assert set(re.search(r"cap_add: \[(.*)\]", compose)[1].split(", ")) == granted  # type: ignore[index]
    folders = re.search(r"ReadWritePaths=(.*) -", unit)[1].split() + ["/srv/web"]  # type: ignore[index]
    assert re.findall(r"- \./\w+:(.*)", compose) == folders
    quadlet = QUADLET.read_text()
    assert set(re.search(r"AddCapability=(.*)", quadlet)[1].split()) == granted  # type: ignore[index]
    restarts = re.compile("^Restart(?:PreventExitStatus)?=.*", re.MULTILINE)
    assert restarts.findall(quadlet) == restarts.findall(unit)
    assert re.findall(r"Volume=(.*):(.*)", quadlet) == [(folder, folder) for folder in folders]


@pytest.mark.nightly
def test_podman_makes_a_unit_of_the_quadlet(tmp_path: Path) -> None:
    """ADMIN-42: by its own generator, which finds no key that it does not know."""
    generator = Path("/usr/libexec/podman/quadlet")
    if not generator.exists():
        pytest.skip("podman 4.4 or later is not installed")
    (tmp_path / QUADLET.name).write_text(QUADLET.read_text())
    environment = os.environ | {"QUADLET_UNIT_DIRS": str(tmp_path)}
    done = subprocess.run(
        [generator, "-dryrun"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "unsupported key" not in done.stderr
    start = next(line for line in done.stdout.splitlines() if line.startswith("ExecStart="))
    for words in ("--network host", "--cap-drop all", "--security-opt=no-new-privileges", "localhost/moxlite:latest"):
        assert words in start
    assert "WantedBy=multi-user.target" in done.stdout


NIX = """\
with builtins;
(import MODULE {
  config.services.moxlite = { program = "/p/moxlite"; ports = [ 25 ]; };
  lib = {
    types = { str = 0; port = 0; listOf = _: 0; };
    mkOption = one: one; mkEnableOption = one: one; mkIf = _: one: one;
  };
  pkgs.coreutils = "/c";
}).config
"""
"""What a module of NixOS says, with the functions of nixpkgs that it calls."""


def test_a_module_of_nixos_has_the_unit(tmp_path: Path) -> None:
    """ADMIN-42: nix reads it; each service has each directive of our own unit, and no other."""
    if shutil.which("nix-instantiate") is None:
        pytest.skip("Debian's nix-bin is not installed")
    (tmp_path / "asked.nix").write_text(NIX.replace("MODULE", str(top() / "packaging/nixos/moxlite.nix")))
    words = ["nix-instantiate", "--eval", "--strict", "--json", str(tmp_path / "asked.nix")]
    places = {f"NIX_{name}_DIR": str(tmp_path / name) for name in ("STORE", "STATE", "LOG", "CONF")}
    environment = os.environ | places | {"HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["systemd"]["services"]
    config, data, backups = Path("/etc/moxlite/moxlite.toml"), Path("/var/lib/moxlite"), Path("/var/backups/moxlite")
    units = {
        "moxlite": unit_file(program="/p/moxlite", config=config, data=data, more=[backups], waits=True),
        "moxlite-follow": follow_unit_file(program="/p/moxlite", config=config, data=data),
    }
    assert services.keys() == units.keys()
    for name, unit in units.items():
        section = unit.partition("[Service]\n")[2].partition("\n[Install]")[0].replace("\\\n", "")
        section = section.replace("/bin/kill", "/c/bin/kill")
        directives = dict(line.split("=", 1) for line in section.splitlines() if "=" in line and line[0] != "#")
        assert {key: str(value) for key, value in services[name]["serviceConfig"].items()} == directives
        conditions = services[name]["unitConfig"]["ConditionPathExists"]
        for condition in [conditions] if isinstance(conditions, str) else conditions:
            assert f"ConditionPathExists={condition}" in unit
        assert f"Description={services[name]['description']}\n" in unit


LIFE = """\
set -e
mount --bind "$1" "$1" && cd "$1" # in this order: mount takes "proc" and "dev" for paths in what is mounted there
mount -t proc proc proc && mount --rbind /dev dev && ip link set lo up
ip addr add 198.51.100.7/32 dev lo
CHROOT=$(command -v chroot)
inside() { env -i $ENVIRONMENT "$CHROOT" . /usr/lib/moxlite/moxlite "$@"; }
inside quickstart --skip-dial --hostname mx.example.org --resolver 127.0.0.1:9 you@example.org >said
inside serve 2>log & server=$!
for i in $(seq 600); do grep -q 'ready to serve' log && break; sleep 0.1; done
inside healthcheck || [ $? = 1 ] # a resolver is missing here
inside config account add eve eve@example.org
inside config account list | grep -q eve
[ "$(stat -c %u var/lib/moxlite/accounts)" = 999 ]
inside stop
wait $server || { cat log; exit 1; }
! grep l=error log
"""


@pytest.mark.nightly
def test_the_image_has_all_that_serves(frozen: tuple[Path, Path], tmp_path: Path) -> None:
    """ADMIN-42: no shell, no package manager; quickstart, serve, healthcheck and verbs work on what is in the image."""
    if why := hindrance_to_nets():
        pytest.skip(why)
    done = package("container", "--to", tmp_path, "--program", frozen[0], "--version", "1.0~test1")
    assert done.returncode == 0, done.stderr
    untar(Path(done.stdout.strip()).read_bytes(), tmp_path / "image")
    (entry,) = json.loads((tmp_path / "image/manifest.json").read_text())
    assert entry["RepoTags"] == ["moxlite:1.0-test1", "moxlite:latest"]
    about = json.loads((tmp_path / "image" / entry["Config"]).read_text())["config"]
    assert sorted(about["Volumes"]) == ["/etc/moxlite", "/srv/web", "/var/lib/moxlite"]
    assert about["Healthcheck"]["Test"] == ["CMD", "/usr/lib/moxlite/moxlite", "healthcheck"]
    assert about["Entrypoint"] + about["Cmd"] == ["/usr/lib/moxlite/moxlite", "serve"]
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "image/layer.tar", "-C", root], check=True)
    assert not list(root.rglob("sh"))
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-ec", LIFE, "sh", str(root)]
    environment = os.environ | {"ENVIRONMENT": " ".join(about["Env"])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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
    """ADMIN-43, ADMIN-53: by dpkg: quickstart, a server that runs as the package's user; an
    upgrade and a removal stop it; mail and configuration stay, even when all is purged.
    """
    for path in (deb, newer):
        root.put(path, f"/{path.name}")
    # an address of the internet on loopback: quickstart finds a machine as a provider gives it
    root.run("ip", "addr", "add", "198.51.100.7/32", "dev", "lo")
    said = root.run("dpkg", "--install", f"/{deb.name}").stdout
    assert "moxlite quickstart" in said
    uid = root.run("id", "-u", "moxlite").stdout.strip()
    assert int(uid) < 1000
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
