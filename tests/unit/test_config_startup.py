"""From a configuration to open ports: endpoints, TLS of each, limits, systemd, privileges (ADMIN-36, 38, 40, 66;
WEB-21, 27).
"""

import contextlib
import errno
import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import trio
from trio.testing import MockClock

from moxlite import __version__
from moxlite.admin.storage.settings import account_config, store_options
from moxlite.autotls.autotls import not_after
from moxlite.autotls.rehearsal import ChallengePort
from moxlite.config.load import ConfigError, load
from moxlite.config.snapshot import Snapshot
from moxlite.logins.guessing import FailedLogins
from moxlite.net.limits import IPAddress
from moxlite.net.tls.certificates import self_signed
from moxlite.process import signals
from moxlite.process.errors import StartFailed
from moxlite.process.keys import load_certificates, load_keys, read_authorities
from moxlite.process.ports import TLSPorts, connection_gate, failure_limits, roots_of, trust_of
from moxlite.process.privileges import UnknownUser, user_ids
from moxlite.process.startup import endpoints, missing_addresses, note_version, start
from moxlite.store.backup.layout import databases
from moxlite.store.file import migrations
from moxlite.store.options import Options
from moxlite.store.types import SpecialUse
from tests.running import make_certificate
from tests.small_config import Changing
from tests.tools import free_port
from tests.upgrade_fixtures import ADD, later, names, unpack

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
quota_message_size = "1g"
{top}
[postmaster]
account = "me"
mailbox = "Postmaster"
[initial_mailboxes]
special_use = {{ sent = "Gesendet", archive = "" }}
regular = ["Lists"]
[rate_limits]
exempt = ["10.0.0.0/8"]
open_connections = [1, 2, 3]
auth_failures_per_minute = [2, 4, 6]
[listeners.local]
ips = ["127.0.0.1", "::1"]
{listener}
"""

DOMAINS = """\
[domains."example.org"]
[accounts.me]
domain = "example.org"
login_disabled = "not now"
[accounts.me.destinations."me@example.org"]
"""

TLS = 'tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]\n'


def configured(directory: Path, listener: str = "", top: str = "") -> Path:
    path = directory / "moxlite.toml"
    path.write_text(STATIC.format(listener=listener, top=top))
    (directory / "domains.toml").write_text(DOMAINS)
    return path


def snapshot(directory: Path, listener: str = "", top: str = "") -> Snapshot:
    return load(configured(directory, listener, top))[0]


def test_services_of_one_kind_share_a_port_and_every_ip_has_it(tmp_path: Path) -> None:
    """WEB-21: per listener and port one server; all IPs of the listener serve all its ports."""
    listener = TLS + (
        "imaps.enabled = true\naccount_http.enabled = true\nwebmail_http.enabled = true\n"
        "webmail_https.enabled = true\nmtasts_https = { enabled = true, non_tls = true, port = 81 }\n"
    )
    found = [(one.service, str(one.ip), one.port, one.tls) for one in endpoints(snapshot(tmp_path, listener).static)]
    assert found == [
        (service, ip, port, tls)
        for service, port, tls in (("imaps", 993, True), ("http", 80, False), ("https", 443, True), ("http", 81, False))
        for ip in ("127.0.0.1", "::1")
    ]


def test_mail_on_the_https_port_is_offered_only_where_configured(tmp_path: Path) -> None:
    """WEB-27, SMTP-55: ALPN; no session tickets on mail ports; browsers are not asked for certificates."""
    make_certificate(tmp_path)
    listener = (
        TLS
        + "webmail_https.enabled = true\nimaps = { enabled = true, alpn_on_https = true }\nsubmissions.enabled = true\n"
    )
    static = snapshot(tmp_path, listener).static
    ports = TLSPorts(static, load_certificates(static))
    https, imaps = ports.of("local", "https"), ports.of("local", "imaps")
    assert https is not None
    assert imaps is not None
    assert https._alpn == (b"h2", b"http/1.1", b"imap")
    assert (https._contexts.client_auth, https._contexts.session_tickets) == (False, True)
    assert imaps._alpn == (b"imap",)
    assert (imaps._contexts.client_auth, imaps._contexts.session_tickets) == (True, False)
    assert ports.of("local", "imaps") is imaps


def test_all_keys_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    """ADMIN-66, WEB-121: a line for each, of files and of ACME alike."""
    second = """
[listeners.two]
ips = ["127.0.0.2"]
imaps.enabled = true
tls = { acme = "le", host_private_key_files = ["gone.pem", "lost.pem"] }
"""
    static = snapshot(tmp_path, TLS + "imaps.enabled = true\n" + second + ACME).static
    with pytest.raises(StartFailed) as caught:
        load_keys(static, Path.read_bytes)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "listeners.local.tls",
        "listeners.two.tls.host_private_key_files",
        "listeners.two.tls.host_private_key_files",
    ]
    assert ["cert.pem" in lines[0], "gone.pem" in lines[1], "lost.pem" in lines[2]] == [True] * 3


async def test_certificates_are_read_again_or_stay(tmp_path: Path) -> None:
    """ADMIN-39: SIGHUP; a broken file changes nothing."""
    make_certificate(tmp_path)
    static = snapshot(tmp_path, TLS + "imaps.enabled = true\n").static
    ports = TLSPorts(static, load_certificates(static))
    tls = ports.of("local", "imaps")
    assert tls is not None
    first = tls._certificates[0].leaf
    (tmp_path / "key.pem").write_text("nonsense")
    await ports.reload()
    assert tls._certificates[0].leaf == first
    make_certificate(tmp_path)
    await ports.reload()
    assert tls._certificates[0].leaf != first


async def test_certificates_of_another_program_take_effect_by_themselves(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """WEB-121, WEB-122: every 6 h; the metrics tell the new end."""
    make_certificate(tmp_path)
    static = snapshot(tmp_path, TLS + "imaps.enabled = true\n").static
    ports = TLSPorts(static, load_certificates(static))
    tls = ports.of("local", "imaps")
    assert tls is not None
    first = tls._certificates[0].leaf
    renewed = self_signed(["localhost"], days=7)
    (tmp_path / "key.pem").write_bytes(renewed.key_pem())
    (tmp_path / "cert.pem").write_bytes(renewed.certificate_pem())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ports.watch)
        while tls._certificates[0].leaf == first:  # noqa: ASYNC110  the clock jumps
            await trio.sleep(3600)
        nursery.cancel_scope.cancel()
    shown = not_after.labels(host="localhost", listener="local").value
    assert shown == renewed.leaf.not_valid_after_utc.timestamp()


def test_without_starttls_port_25_has_no_tls(tmp_path: Path) -> None:
    """admin.md, smtp.starttls."""
    make_certificate(tmp_path)
    static = snapshot(tmp_path, TLS + "smtp = { enabled = true, starttls = false }\n").static
    assert TLSPorts(static, load_certificates(static)).of("local", "smtp") is None


ACME = '[acme.le]\ndirectory_url = "https://acme.example/"\ncontact_email = "me@example.org"\n'


def test_a_listener_with_acme_has_a_port_where_the_ca_can_ask(tmp_path: Path) -> None:
    """WEB-113: its own web ports, else one more, for challenges alone."""
    mail = '[listeners.mail]\nips = ["127.0.0.2"]\ntls.acme = "le"\nimaps.enabled = true\n'
    for more, places, found in (
        ("", (ChallengePort("tls-alpn-01", 443),), {("imaps", 993), ("https", 443)}),
        ("account_https.enabled = true\n", (ChallengePort("tls-alpn-01", 443),), {("imaps", 993), ("https", 443)}),
        ("webserver_http.enabled = true\n", (ChallengePort("http-01", 80),), {("imaps", 993), ("http", 80)}),
    ):
        static = load(configured(tmp_path, mail + more, ACME))[0].static
        assert {(one.service, one.port) for one in endpoints(static)} == found
        assert TLSPorts(static, {}).places("le") == places


def let_in_and_fail(failures: FailedLogins, ip: IPAddress) -> bool:
    """Whether an attempt from `ip` is let in; it fails."""
    allowed = failures.allowed(ip)
    failures.note(ip, "mia")
    return allowed


def test_limits_come_from_the_configuration(tmp_path: Path) -> None:
    """SMTP-135, SMTP-136, SMTP-138: other numbers, exempt networks."""
    from ipaddress import ip_address

    rates = snapshot(tmp_path).static.rate_limits
    failures = failure_limits(rates)
    ip, exempt = ip_address("192.0.2.1"), ip_address("10.1.2.3")
    assert [let_in_and_fail(failures, ip) for _ in range(3)] == [True, True, False]
    assert all(let_in_and_fail(failures, exempt) for _ in range(10))
    open_connections = connection_gate(rates).at_once
    assert [open_connections.acquire(ip) for _ in range(2)] == [True, False]


def test_the_store_is_told_what_the_configuration_says_of_an_account(tmp_path: Path) -> None:
    """STORE-8, STORE-11, STORE-62."""
    config = account_config(snapshot(tmp_path), "me")
    assert config is not None
    assert config.login_disabled == "not now"
    assert config.quota == 1 << 30
    assert config.initial_regular == ("Lists",)
    assert config.initial_special_use[SpecialUse.SENT] == "Gesendet"
    assert SpecialUse.ARCHIVE not in config.initial_special_use
    assert account_config(snapshot(tmp_path), "nobody") is None


def test_the_store_sees_a_new_configuration_at_once(tmp_path: Path) -> None:
    """STORE-8: what it was told of the old one counts no more."""
    current = snapshot(tmp_path)
    look_up = store_options(Changing(lambda: current)).account_config
    first = look_up("me")
    assert first is not None
    assert look_up("me") is first
    assert look_up("nobody") is None
    account = msgspec.structs.replace(current.domains.accounts["me"], login_disabled="later")
    domains = msgspec.structs.replace(current.domains, accounts={"me": account})
    current = msgspec.structs.replace(current, domains=domains)
    second = look_up("me")
    assert second is not None
    assert second.login_disabled == "later"


def test_files_of_authorities_are_read_or_named(tmp_path: Path) -> None:
    """ADMIN-66: tls.ca."""
    make_certificate(tmp_path)
    (tmp_path / "folder").mkdir()
    files = 'tls.ca = { cert_files = ["key.pem", "cert.pem", "none.pem", "folder"] }'
    certificates, findings = read_authorities(snapshot(tmp_path, top=files).static)
    assert len(certificates) == 1
    assert [finding.about for finding in findings] == [
        str(tmp_path / name) for name in ("key.pem", "none.pem", "folder")
    ]
    unread = ", so certificates from this CA aren't trusted"
    assert findings[0].text == f"tls.ca.cert_files: no PEM certificates found in {tmp_path}/key.pem{unread}"
    assert findings[1].text == f"tls.ca.cert_files: can't read {tmp_path}/none.pem: No such file or directory{unread}"


async def test_the_authority_of_a_closed_net_is_trusted_where_others_are(tmp_path: Path) -> None:
    """WEB-112, contract on trust: `acme.NAME.ca_cert_file` vouches for mail servers, and for https of policies, beside
    what `tls.ca` says; https by an ordinary handshake.
    """
    pair = self_signed(["mx.closed.example"])
    for name, data in (("cert.pem", pair.certificate_pem()), ("key.pem", pair.key_pem())):
        (tmp_path / name).write_bytes(data)
    plain = snapshot(tmp_path).static
    assert trust_of(plain).check(pair.chain, "mx.closed.example") is not None
    acme = ACME + 'ca_cert_file = "cert.pem"\n'
    (tmp_path / "other.pem").write_bytes(self_signed(["other.example"]).certificate_pem())
    for top in ("", 'tls.ca = { cert_files = ["other.pem"] }\n'):
        static = load(configured(tmp_path, top=top + acme))[0].static
        assert trust_of(static).check(pair.chain, "mx.closed.example") is None
        roots = await roots_of(static).context()
        shake_hands(roots, tmp_path, "mx.closed.example")
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(roots, tmp_path, "other.example")
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(await roots_of(plain).context(), tmp_path, "mx.closed.example")
    served = tmp_path / "served"
    served.mkdir()
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).rename(served / name)
    assert trust_of(static).check(pair.chain, "mx.closed.example") is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(await roots_of(static).context(), served, "mx.closed.example")


def shake_hands(client: ssl.SSLContext, folder: Path, name: str) -> None:
    """A client connects with the server that has these files."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for one in (ours, theirs, ours):
        with contextlib.suppress(ssl.SSLWantReadError):
            one.do_handshake()
    assert ours.version() == "TLSv1.3"


def test_start_makes_the_data_directory_and_close_gives_all_back(tmp_path: Path) -> None:
    """ADMIN-38, ADMIN-41: empty tmp, receivedid.key of 24 bytes, lock."""
    port = free_port()
    path = configured(tmp_path, f"metrics_http = {{ enabled = true, port = {port} }}\n".replace("::1", ""))
    path.write_text(path.read_text().replace(', "::1"', ""))
    (tmp_path / "data/tmp").mkdir(parents=True)
    (tmp_path / "data/tmp/leftover").write_text("x")
    old = os.umask(0o022)
    try:
        started = start(path, drop=False)
        assert sorted(one.name for one in (tmp_path / "data").iterdir()) == ["lock", "receivedid.key", "tmp"]
        assert list((tmp_path / "data/tmp").iterdir()) == []
        assert (tmp_path / "data/receivedid.key").stat().st_size == 24
        assert (tmp_path / "data/receivedid.key").stat().st_mode & 0o007 == 0
        with pytest.raises(StartFailed, match="already running"):
            start(path, drop=False)
        started.close()
        again = start(path, drop=False)
        assert again.install_key == started.install_key
        again.close()
    finally:
        os.umask(old)


def test_a_start_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    """ADMIN-66: nothing half started: the lock is free again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = configured(tmp_path, f"metrics_http = {{ enabled = true, port = {port} }}\n")
        path.write_text(path.read_text().replace(', "::1"', ""))
        for _ in range(2):
            with pytest.raises(StartFailed, match=r"is already used by .*\. Stop that program, or change the port"):
                start(path, drop=False)


def test_an_address_that_the_machine_does_not_have_is_named(tmp_path: Path) -> None:
    """ADMIN-66."""
    path = configured(tmp_path, "metrics_http.enabled = true\n")
    path.write_text(path.read_text().replace('"127.0.0.1", "::1"', '"203.0.113.77"'))
    with pytest.raises(StartFailed, match=r"the address 203\.0\.113\.77"):
        start(path, drop=False)


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_an_address_that_is_gone_stops_only_its_listeners(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-66: its ports are bound, so that they serve when it is back; without IPv6 in the kernel they are left
    out.
    """
    path = configured(tmp_path, f"metrics_http = {{ enabled = true, port = {free_port()} }}\n")
    path.write_text(path.read_text().replace('"127.0.0.1", "::1"', '"127.0.0.1", "2001:db8::77"'))
    with contextlib.closing(start(path, drop=False)) as started:
        assert [str(endpoint.ip) for endpoint, _ in started.sockets] == ["127.0.0.1", "2001:db8::77"]
        (finding,) = missing_addresses(started.holder.current.static)
        assert (finding.grade, finding.about) == ("error", "2001:db8::77")
        assert "serving without a part of the configuration" in caplog.messages

    def without(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return socket.socket(family, kind)

    monkeypatch.setattr("moxlite.net.listeners.socket", SimpleNamespace(**vars(socket) | {"socket": without}))
    path.write_text(path.read_text().replace("2001:db8::77", "::1"))
    with contextlib.closing(start(path, drop=False)) as started:
        assert [str(endpoint.ip) for endpoint, _ in started.sockets] == ["127.0.0.1"]
        assert [finding.grade for finding in missing_addresses(started.holder.current.static)] == ["warning"]


def test_a_log_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """ADMIN-66, ADMIN-54: the log goes to stderr."""
    path = configured(tmp_path, top=f'log_file = "{tmp_path}/gone/moxlite.log"')
    with contextlib.closing(start(path, drop=False)) as started:
        (finding,) = started.faults
        assert "so the log goes to stderr" in finding.text


def test_a_clock_that_is_not_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-66: clock before 2024."""
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    with pytest.raises(StartFailed, match="clock"):
        start(configured(tmp_path), drop=False)


def test_an_unknown_user_is_refused_with_the_command_that_makes_it() -> None:
    """ADMIN-66."""
    with pytest.raises(UnknownUser, match="useradd"):
        user_ids("no-such-user-here")
    for number in ("4294967295", "9" * 5000):
        with pytest.raises(UnknownUser, match="doesn't exist"):
            user_ids(number)
    assert user_ids("12345") == (12345, 12345)
    assert user_ids("root")[0] == 0


def test_a_data_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    """ADMIN-66."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StartFailed, match="can't use the data directory"):
        start(configured(tmp_path), drop=False)


def test_an_unknown_package_in_the_log_levels_is_refused(tmp_path: Path) -> None:
    """ADMIN-55."""
    path = configured(tmp_path, top='package_log_levels = { nonsense = "debug" }')
    with pytest.raises(StartFailed, match="package_log_levels"):
        start(path, drop=False)


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-38: sd_notify, over a path or an abstract socket; without systemd nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    signals.notify("READY=1")
    for name in (str(tmp_path / "notify"), f"@moxlite-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind("\0" + name[1:] if name.startswith("@") else name)
            monkeypatch.setenv("NOTIFY_SOCKET", name)
            signals.notify("READY=1")
            assert listener.recv(100) == b"READY=1"


def test_progress_of_migrations_prolongs_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60e: systemd waits as long as statements of a migration go on, and hears of it now and then."""
    monkeypatch.setattr(migrations, "PROGRESS_STEPS", 1)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setblocking(False)
        migrations.on_progress(signals.more_time())
        data = unpack(names()[0], tmp_path / "data")
        schema = later(tmp_path, ADD, ADD.replace("color", "shade"))
        for one in databases(data):
            migrations.open_file(data / one.path, one.kind, Options(min_free_space=0, schema=schema)).close()
        assert receiver.recv(100) == b"EXTEND_TIMEOUT_USEC=90000000"
        with pytest.raises(BlockingIOError):
            receiver.recv(100)
    migrations.on_progress(lambda: None)


async def test_the_watchdog_is_fed_when_no_descriptors_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """ADMIN-39b: its socket is there since the start."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)

    def full(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setblocking(False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(signals.keep_alive)
            await trio.sleep(1)
            monkeypatch.setattr(socket, "socket", full)
            await trio.sleep(58)
            nursery.cancel_scope.cancel()
        assert [receiver.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_the_soft_limit_of_descriptors_is_raised_to_the_hard_one() -> None:
    """ADMIN-39b"""
    program = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (100, 200));"
        "from moxlite.process.budget import raise_limit; print(raise_limit(), r.getrlimit(r.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "200 (200, 200)\n"


async def test_the_watchdog_of_systemd_is_fed_twice_as_often_as_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """ADMIN-40: WatchdogSec=60."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setblocking(False)
        with trio.move_on_after(299):
            await signals.keep_alive()
        assert [receiver.recv(100) for _ in range(10)] == [b"WATCHDOG=1"] * 10
        with pytest.raises(BlockingIOError):
            receiver.recv(100)
    monkeypatch.setenv("WATCHDOG_PID", "1")
    await signals.keep_alive()  # not meant for us


def test_version_file_is_only_written_when_it_changes(tmp_path: Path) -> None:
    """ADMIN-38, STORE-158d: `version` is the program version that last wrote, and tells that a server has run."""
    path = configured(tmp_path, "")
    version = tmp_path / "data" / "version"
    with contextlib.closing(start(path, drop=False)) as started:
        assert started.first
    note_version(tmp_path / "data")
    os.utime(version, (1, 1))
    note_version(tmp_path / "data")
    assert version.stat().st_mtime == 1
    version.write_text("0.0.0\n")
    note_version(tmp_path / "data")
    assert version.read_text() == f"{__version__}\n"
    with contextlib.closing(start(path, drop=False)) as started:
        assert not started.first


def test_a_missing_signing_key_keeps_the_server_from_starting(tmp_path: Path) -> None:
    """AUTH-45: a mistake of the configuration, with line, key and path; the key's path is beside domains.toml."""
    path = configured(tmp_path)
    domains = tmp_path / "domains.toml"
    domains.write_text(domains.read_text() + '[domains."example.org".dkim.selectors.a]\nkey_file = "dkim/a.pem"\n')
    with pytest.raises(ConfigError) as caught:
        start(path, drop=False)
    (problem,) = caught.value.problems
    assert (problem.file, problem.about) == (str(domains), 'domains."example.org".dkim.selectors.a.key_file')
    assert problem.line == domains.read_text().splitlines().index('key_file = "dkim/a.pem"') + 1
    assert f"can't read {tmp_path / 'dkim/a.pem'}: No such file" in problem.text
