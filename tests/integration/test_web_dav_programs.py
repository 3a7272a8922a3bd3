"""Programs for calendars and contacts against localserve, each in an environment of its own."""

import hashlib
import json
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.foreign import foreign_program
from tests.running import LocalServer, ServedServer
from tests.tools import free_port, need, untar

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.nightly(smoke="tests/session/test_web_dav.py::test_synchronisation_with_and_without_a_limit"),
]

OWN_STANDARD = {"url.encode-at.identity", "search.text.comp-type-optional"}
"""What the tester wants beyond the RFCs."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("dav") / "server") as running:
        yield running


@pytest.mark.parametrize("how", ["localserve", "serve"])
def test_the_tester_of_caldav_servers_finds_nothing(how: str, server: LocalServer, tmp_path: Path) -> None:
    """DAV-12..20: no check is unsupported, broken or a quirk but checks of the tester's own standard."""
    tester = foreign_program("tester", "caldav-server-tester")
    if how == "localserve":
        checked(tester, tmp_path, server.port(443), server.user, server.password)
        return
    port = free_port()
    with ServedServer(tmp_path / "server", static=f"dav_https = {{ enabled = true, port = {port} }}") as served:
        checked(tester, tmp_path, port, "bob@example.org", served.password)


def checked(tester: Path, tmp_path: Path, port: int, user: str, password: str) -> None:
    """Run the tester."""
    config = {
        "caldav_url": f"https://127.0.0.1:{port}/dav/",
        "caldav_username": user,
        "caldav_password": password,
        "caldav_ssl_verify_cert": False,
    }
    (tmp_path / "caldav.conf").write_text(json.dumps({"default": config}))
    done = subprocess.run(
        [tester, "--config-section", "default", "--format", "json"],
        env={"CALDAV_CONFIG_FILE": str(tmp_path / "caldav.conf"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "{" in done.stdout, done.stderr
    features = json.loads(done.stdout[done.stdout.index("{") :])["features"]
    states = {name: one.get("support", "full") if isinstance(one, dict) else one for name, one in features.items()}
    wrong = {name for name, state in states.items() if state not in ("full", "unknown")}
    assert wrong <= OWN_STANDARD, {name: features[name] for name in wrong}


SERVERS = """
test-servers:
  moxlite:
    type: external
    enabled: true
    url: https://127.0.0.1:{port}/dav/
    username: {user}
    password: {password}
    ssl_verify_cert: false
    features:
      scheduling.schedule-tag: full
      scheduling.freebusy-query: full
    scheduling_users:
"""

GUEST = """
      - url: https://127.0.0.1:{port}/dav/
        username: {user}
        password: {password}
        ssl_verify_cert: false
"""


def test_the_tests_of_a_library_for_calendars_pass(server: LocalServer, tmp_path: Path) -> None:
    """DAV-12..28: python-caldav's own, of a server from elsewhere, with three people who invite each other."""
    python = foreign_program("pythoncaldav", "python")
    get = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "caldav", "caldav==3.6.0"]
    subprocess.run([python, *get, "--dest", tmp_path], check=True)
    untar(next(tmp_path.glob("caldav-*.tar.gz")).read_bytes(), tmp_path)
    [folder] = tmp_path.glob("caldav-*/")
    people = [(server.user, server.password)]
    for name in ("mia", "ben"):
        server.cli("config", "account", "add", name, f"{name}@localhost")
        server.cli("account", "set-password", name, stdin="Tulips-of-1637\n")
        people.append((f"{name}@localhost", "Tulips-of-1637"))
    user, password = people[0]
    servers = SERVERS.format(port=server.port(443), user=user, password=password)
    guests = (
        GUEST.format(port=server.port(443), user=user, password=password).strip("\n") for user, password in people
    )
    (folder / "tests/caldav_test_servers.yaml").write_text("\n".join((servers.rstrip(), *guests)))
    mode = ("-o", "asyncio_default_fixture_loop_scope=function", "-W", "ignore", "-p", "no:cacheprovider")
    done = subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            *mode,
            "-k",
            "oxlite",
            "tests/test_caldav.py",
            "tests/test_async_integration.py",
        ],
        cwd=folder,
        env={
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "PYTHON_CALDAV_TEST_DOCKER": "0",
            "PYTHON_CALDAV_TEST_EMBEDDED": "0",
            "PYTHON_CALDAV_TEST_EXTERNAL": "1",
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 130, done.stdout


CONFIG = """
[general]
status_path = "{folder}/status"
[pair p]
a = "here"
b = "there"
collections = ["from b"]
metadata = ["displayname"]
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = "{folder}/{kind}/"
fileext = ".{extension}"
[storage there]
type = "{kind}"
url = "https://127.0.0.1:{port}/"
username = "{user}"
password = "{password}"
verify_fingerprint = "{fingerprint}"
"""

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//t//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
DTSTART:20261201T100000Z
SUMMARY:{word}
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
CARD = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:{word}\r\nEND:VCARD\r\n"


@pytest.mark.parametrize(
    ("kind", "name", "entry"), [("caldav", "calendar", EVENT), ("carddav", "contacts", CARD)], ids=["caldav", "carddav"]
)
def test_vdirsyncer_synchronises_both_ways(
    server: LocalServer, tmp_path: Path, kind: str, name: str, entry: str
) -> None:
    """DAV-12, DAV-17, DAV-18: from the well-known name on, up, down, with a conflict, removed, and the name."""
    run = synchroniser(server, tmp_path, kind, "x")
    folder = tmp_path / kind / name
    folder.mkdir(parents=True)

    def put(path: str, word: str) -> None:
        """As another device."""
        url = f"https://127.0.0.1:{server.port(443)}{path}"
        login = f"{server.user}:{server.password}"
        said = ["-H", f"content-type: text/{'calendar' if kind == 'caldav' else 'vcard'}", "--data-binary", "@-"]
        asked = [need("curl"), "-fsk", "-u", login, "-X", "PUT", *said, url]
        subprocess.run(asked, input=entry.format(word=word).encode(), check=True)

    (folder / "1.x").write_bytes(entry.format(word="here").encode())
    run("discover")
    run("sync")
    path = next(one for one in server_paths(server, kind, name))
    put(path, "there")
    (folder / "1.x").write_bytes(entry.format(word="mine").encode())
    assert "conflict" in run("sync")
    assert b"there" in (folder / "1.x").read_bytes()
    (folder / "2.x").write_bytes(entry.replace("UID:1", "UID:2").format(word="second").encode())
    run("sync")
    (folder / "1.x").unlink()
    run("sync")
    assert len(list(server_paths(server, kind, name))) == 1
    run("metasync")
    (folder / "displayname").write_text("Of the family")
    run("metasync")
    assert displayname(server, kind, name) == "Of the family"
    rename(server, kind, name, "Of the neighbors")
    run("metasync")
    assert (folder / "displayname").read_text() == "Of the neighbors"
    (folder / "displayname").unlink()
    run("metasync")  # which removes the name from the server, too
    run("metasync")
    assert (folder / "displayname").read_text() == name, "that of its address"


def synchroniser(server: LocalServer, folder: Path, kind: str, extension: str) -> Callable[..., str]:
    """Write the configuration of vdirsyncer; returns a function that runs it, and returns its words."""
    command = foreign_program("vdirsyncer", "vdirsyncer")
    pem = (server.folder / "config/localhost.crt").read_text()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    fields = {
        "folder": folder,
        "kind": kind,
        "extension": extension,
        "port": server.port(443),
        "user": server.user,
        "password": server.password,
        "fingerprint": ":".join(digest[place : place + 2] for place in range(0, len(digest), 2)),
    }
    (folder / "config").write_text(CONFIG.format(**fields))

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [command, "-c", folder / "config", *arguments],
            input="y\ny\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


KHAL = """
[calendars]
[[diary]]
path = {folder}/caldav/calendar/
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
local_timezone = Europe/Berlin
default_timezone = Europe/Berlin
[sqlite]
path = {folder}/khal.db
"""
KHARD = """
[addressbooks]
[[people]]
path = {folder}/carddav/contacts/
[general]
editor = /bin/true
merge_editor = /bin/true
"""
ADA = "First name: Ada\nLast name: Lovelace\nEmail:\n    work: ada@remote.example\n"


def told(command: Path, folder: Path, *arguments: str | Path, stdin: str = "") -> str:
    """What a program of the folder's home writes."""
    done = subprocess.run(
        [command, *arguments],
        input=stdin,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_khal_shares_a_yearly_event_with_other_devices(server: LocalServer, tmp_path: Path) -> None:
    """DAV-7, DAV-9: an event that khal makes is on the server, and another device's is in its list."""
    khal, run = foreign_program("khal", "khal"), synchroniser(server, tmp_path, "caldav", "ics")
    config = tmp_path / "khal.conf"
    config.write_text(KHAL.format(folder=tmp_path))
    run("discover")
    run("sync")
    carols = ("2026-12-24", "17:00", "19:00", "Carols", "--repeat", "yearly")
    told(khal, tmp_path, "-c", config, "new", "-a", "diary", *carols)
    run("sync")
    kept = server.cli("calendar", "export", "moxlite").stdout
    assert "SUMMARY:Carols" in kept
    assert "RRULE:FREQ=YEARLY" in kept
    (tmp_path / "phone.ics").write_text(EVENT.format(word="Of a phone").replace("UID:1", "UID:phone"), newline="")
    server.cli("calendar", "import", "moxlite", str(tmp_path / "phone.ics"))
    run("sync")
    listed = told(khal, tmp_path, "-c", config, "list", "2026-12-01", "400d")
    assert listed.count("17:00-19:00 Carols") == 2
    assert "Of a phone" in listed


def test_khard_shares_contacts_with_other_devices(server: LocalServer, tmp_path: Path) -> None:
    """DAV-11: a contact that khard makes is on the server, and another device's is in its list."""
    khard, run = foreign_program("khard", "khard"), synchroniser(server, tmp_path, "carddav", "vcf")
    config = tmp_path / "khard.conf"
    config.write_text(KHARD.format(folder=tmp_path))
    (tmp_path / "ada.yaml").write_text(ADA)
    run("discover")
    run("sync")
    told(khard, tmp_path, "-c", config, "new", "-a", "people", "-i", tmp_path / "ada.yaml")
    run("sync")
    assert "FN:Ada Lovelace" in server.cli("contacts", "export", "moxlite").stdout
    (tmp_path / "phone.vcf").write_text(CARD.format(word="Of a phone").replace("UID:1", "UID:phone"), newline="")
    server.cli("contacts", "import", "moxlite", str(tmp_path / "phone.vcf"))
    run("sync")
    listed = told(khard, tmp_path, "-c", config, "list")
    assert "ada@remote.example" in listed
    assert "Of a phone" in listed


def server_paths(server: LocalServer, kind: str, name: str) -> Iterator[str]:
    """Paths of the entries of a collection."""
    for one in fromstring(of_collection(server, kind, name, "PROPFIND", "-H", "depth: 1")).iter("{DAV:}href"):
        if one.text is not None and not one.text.endswith("/"):
            yield one.text


def displayname(server: LocalServer, kind: str, name: str) -> str | None:
    """Name that a collection shows."""
    answer = of_collection(server, kind, name, "PROPFIND", "-H", "depth: 0")
    return fromstring(answer).findtext(".//{DAV:}displayname")


def rename(server: LocalServer, kind: str, name: str, shown: str) -> None:
    """Give a collection a name, as another device does."""
    prop = f"<prop><displayname>{shown}</displayname></prop>"
    body = f'<propertyupdate xmlns="DAV:"><set>{prop}</set></propertyupdate>'
    of_collection(server, kind, name, "PROPPATCH", "--data-binary", body)


def of_collection(server: LocalServer, kind: str, name: str, method: str, *more: str) -> bytes:
    """Answer of the server to a request for a collection."""
    folder = "calendars" if kind == "caldav" else "addressbooks"
    url = f"https://127.0.0.1:{server.port(443)}/dav/{folder}/moxlite/{name}/"
    asked = [need("curl"), "-fsk", "-u", f"{server.user}:{server.password}", "-X", method, *more, url]
    return subprocess.run(asked, capture_output=True, check=True).stdout
