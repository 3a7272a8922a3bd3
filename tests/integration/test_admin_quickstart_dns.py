"""``moxlite quickstart`` with a DNS provider: no record typed (ADMIN-35b)."""

import fcntl
import os
import re
import signal
import subprocess
import termios
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moxlite.admin.quickstart.listeners import choose_places, machine_addresses
from tests.dnsproviders import TOKENS, FakeProviders
from tests.dnsworld import DNSWorld
from tests.realservers import let_others_in
from tests.terminal import Terminal
from tests.tools import moxlite_command

pytestmark = [pytest.mark.integration, pytest.mark.served]

USER = str(os.getuid() or 2000)
TOKEN = TOKENS["hetzner"]


@pytest.fixture(autouse=True)
def reachable(tmp_path: Path) -> None:
    """The service user comes to its files through the folders above them."""
    let_others_in(tmp_path)


@pytest.fixture
def fake() -> Iterator[FakeProviders]:
    with FakeProviders({"example.org": []}) as found:
        yield found


@pytest.fixture
def world() -> Iterator[DNSWorld]:
    machine = machine_addresses()
    found = choose_places(machine, [one.ip for one in machine if not one.ip.is_loopback])
    host = "".join(f"mx {'AAAA' if ':' in ip else 'A'} {ip}\n" for ip in found.public)
    with DNSWorld({"com": "", "example.org": host}) as world:
        yield world


def command(folder: Path, world: DNSWorld, *words: str) -> list[str]:
    where = ["--config", str(folder / "config/moxlite.toml"), "quickstart"]
    return [
        *moxlite_command(),
        *where,
        "--skip-dial",
        "--resolver",
        world.server,
        "--hostname",
        "mx.example.org",
        *words,
    ]


def test_a_token_is_all_that_dns_needs(tmp_path: Path, world: DNSWorld, fake: FakeProviders) -> None:
    """ADMIN-35b: the token comes from stdin; all records are published, with the addresses; the printed page says so,
    and has no zone file. Token and passwords are in no log. The service user can read the token.
    """
    words = command(tmp_path, world, "--dns-provider", "hetzner", "me@example.org", USER)
    environment = {**os.environ, **fake.environment}
    done = subprocess.run(
        words, input=f"{TOKEN}\n", check=False, capture_output=True, text=True, timeout=120, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert fake.data("example.org", "MX") == {"10 mx.example.org."}
    assert fake.data("mx.example.org", "A")
    assert len({name for name, kind, _ in fake.records("example.org") if "_domainkey" in name}) == 4
    assert "The records are in DNS." in done.stdout
    assert "Add these records" not in done.stdout
    assert TOKEN not in done.stdout + (tmp_path / "config/quickstart.log").read_text()
    kept = tmp_path / "config/dns/example.org.provider"
    assert kept.stat().st_mode & 0o777 == 0o600
    if os.getuid() == 0:
        assert kept.stat().st_uid == int(USER)
    passwords = re.findall(r"password: (\S+)$", done.stdout, re.MULTILINE)
    assert not [one for one in passwords if one in (tmp_path / "config/quickstart.log").read_text()]


def test_rules_do_not_bind_those_that_use_the_domain(tmp_path: Path, fake: FakeProviders) -> None:
    """ADMIN-47a, ADMIN-35b: a newsletter service in SPF and another mail host: receivers are asked for reports alone,
    and no CA is forbidden; one line says so, with the commands for later.
    """
    spf = '"v=spf1 include:spf.newsletter.example ~all"'
    fake.add("example.org", "example.org", "TXT", spf)
    fake.add("example.org", "example.org", "MX", "10 mx.old.example.")
    environment = {**os.environ, **fake.environment}
    with DNSWorld({"com": "", "example.org": f"@ TXT {spf}\n@ MX 10 mx.old.example."}) as world:
        words = command(tmp_path, world, "--dns-provider", "hetzner", "me@example.org", USER)
        done = subprocess.run(
            words, input=f"{TOKEN}\n", check=False, capture_output=True, text=True, timeout=120, env=environment
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert [text[:17] for text in fake.data("_dmarc.example.org", "TXT")] == ['"v=DMARC1;p=none;']
    assert fake.data("example.org", "CAA") == set()
    assert domains_of(tmp_path)["domains"]["example.org"]["strict_records"] is False
    headings = [line for line in done.stdout.splitlines() if line.startswith("   ; ")][:3]
    assert headings == ["   ; Mail here", "   ; Signatures", "   ; Settings"]
    assert "Strict policies are off for example.org, because others may use it (" in done.stdout
    assert "sender include:spf.newsletter.example" in done.stdout
    assert "mail host mx.old.example" in done.stdout
    assert "moxlite config domain strict example.org" in done.stdout


@pytest.mark.parametrize("how", ["key", "hangup", "kill"])
def test_broken_off_at_the_last_question_nothing_is_left(
    tmp_path: Path, world: DNSWorld, fake: FakeProviders, how: str
) -> None:
    """ADMIN-25, ADMIN-35: by Ctrl-C, a closed terminal, or a kill; another run makes all. ADMIN-47a: without others the
    rules that bind others are shown, and confirmed apart.
    """
    environment = {**fake.environment, "TERM": "dumb"}
    words = command(tmp_path, world, "--no-admin-inside", "--dns-provider", "hetzner", "me@example.org", USER)

    def controlled() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # for Ctrl-C
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where the tests are run by nohup

    for last in (False, True):
        with Terminal(words, environment=environment, first=controlled) as terminal:
            terminal.answer("Hetzner, API token", f"{TOKEN}\n")
            terminal.answer("Publish them? All other records stay as they are.", "y\n")
            terminal.answer("Use strict policies?", "y\n" if last else "")
            assert "p=reject; rua" in terminal.shown or "p=reject;rua" in terminal.shown
            assert "   yes: Receivers will reject mail from example.org that this server didn't send." in terminal.shown
            assert "   no:  Receivers will deliver such mail and send you reports." in terminal.shown
            if not last:
                assert not (tmp_path / "config/moxlite.toml").exists()
                if how == "key":
                    terminal.interrupt()
                else:
                    terminal.process.send_signal(signal.SIGHUP if how == "hangup" else signal.SIGKILL)
            code = terminal.end()
        if last:
            assert code == 0
        else:
            assert code != 0
            assert not (tmp_path / "config/moxlite.toml").exists()
            assert fake.records("example.org") == set()
            assert how != "key" or not (tmp_path / "config").exists()
    assert domains_of(tmp_path)["domains"]["example.org"]["strict_records"] is True
    assert [text[:19] for text in fake.data("_dmarc.example.org", "TXT")] == ['"v=DMARC1;p=reject;']
    assert fake.data("example.org", "CAA") == {'0 issue "letsencrypt.org"'}


def test_a_wrong_token_ends_it_before_anything_is_made(tmp_path: Path, world: DNSWorld, fake: FakeProviders) -> None:
    """ADMIN-35b."""
    words = command(tmp_path, world, "--dns-provider", "hetzner", "me@example.org", USER)
    environment = {**os.environ, **fake.environment}
    done = subprocess.run(
        words, input=f"{'x' * 64}\n", check=False, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 1
    assert done.stderr.startswith("moxlite: the provider rejected the token or its permissions")
    assert not (tmp_path / "config").exists()


def test_on_a_terminal_it_asks_and_mail_elsewhere_stays_there_unless_wanted(
    tmp_path: Path, world: DNSWorld, fake: FakeProviders
) -> None:
    """ADMIN-35b: for the address, the provider, the token (unseen), and before mail comes here instead of where it goes
    today; the records are shown before they are published. ADMIN-32: where the machine has private addresses, for the
    admin pages at them.
    """
    fake.add("example.org", "example.org", "MX", "10 old.provider.example.")
    words = command(tmp_path, world)
    machine = machine_addresses()
    private = choose_places(machine, [one.ip for one in machine if not one.ip.is_loopback]).private
    with Terminal(words, environment={**fake.environment, "TERM": "dumb"}) as terminal:
        terminal.answer("Your mail address", "me@example.org\n")
        terminal.answer("DNS provider of example.org", "hetzner\n")
        terminal.answer("Hetzner, API token", f"{TOKEN}\n")
        if private:
            terminal.answer(f"Also serve the admin pages at {', '.join(private)}", "y\n")
        terminal.answer("currently goes to old.provider.example. Receive new mail here from now on?", "y\n")
        terminal.answer("Publish them?", "y\n")
        assert terminal.end() == 0
    pages = tomllib.loads((tmp_path / "config/moxlite.toml").read_text())["listeners"]["admin"]
    assert pages["ips"][: len(private)] == list(private)
    assert ("in its private networks" in (tmp_path / "config/moxlite.toml").read_text()) == bool(private)
    assert "The records are in DNS." in terminal.shown
    assert TOKEN not in terminal.shown
    assert fake.data("example.org", "MX") == {"10 mx.example.org."}
    assert leading(fake)


def leading(fake: FakeProviders) -> list[str]:
    """The names of records that lead mail clients here."""
    words = ("autoconfig.", "autodiscover.", "ua-auto-config.", "_tcp.", "_ua-auto-config.")
    return [record[0] for record in fake.records("example.org") if any(word in f"{record[0]}." for word in words)]


def test_while_mail_stays_elsewhere_no_record_leads_users_here(
    tmp_path: Path, world: DNSWorld, fake: FakeProviders
) -> None:
    """ADMIN-35b: a colleague's new phone would look for an account that the other server has."""
    fake.add("example.org", "example.org", "MX", "10 old.provider.example.")
    words = command(tmp_path, world, "--no-admin-inside", "--dns-provider", "hetzner", "me@example.org", USER)
    with Terminal(words, environment={**fake.environment, "TERM": "dumb"}) as terminal:
        terminal.answer("Hetzner, API token", f"{TOKEN}\n")
        terminal.answer("Receive new mail here from now on?", "n\n")
        terminal.answer("Publish them?", "y\n")
        assert terminal.end() == 0
    assert fake.data("example.org", "MX") == {"10 old.provider.example."}
    assert "aren't published either" in " ".join(terminal.shown.split())
    assert fake.data("mx.example.org", "A")
    assert leading(fake) == []


def test_on_a_terminal_it_asks_for_a_name_that_it_has_to_guess(tmp_path: Path, world: DNSWorld) -> None:
    """ADMIN-27, ADMIN-35b: a name that can't be one is asked for again, and so is an unknown provider."""
    words = [word for word in command(tmp_path, world) if word not in ("--hostname", "mx.example.org")]
    with Terminal([*words, "--no-admin-inside", "me@example.org", USER]) as terminal:
        terminal.answer("DNS provider of example.org", "nobody\n")
        terminal.answer("DNS provider of example.org", "\n")
        terminal.answer("This server's host name [mx.example.org]", "mx example\n")
        terminal.answer("This server's host name [", "post.example.org\n")
        terminal.answer("Use strict policies?", "\n")
        assert terminal.end() == 0
    assert tomllib.loads((tmp_path / "config/moxlite.toml").read_text())["hostname"] == "post.example.org"
    assert "Any name in example.org will do." in terminal.shown
    assert "doesn't have a name" not in terminal.shown


@pytest.fixture
def elsewhere() -> Iterator[DNSWorld]:
    zones = {"com": "", "example.org": "@ MX 10 old.provider.example.", "provider.example": "old A 192.0.2.77"}
    with DNSWorld(zones) as world:
        yield world


def test_where_others_have_the_mail_it_may_go_on_to_them(tmp_path: Path, elsewhere: DNSWorld) -> None:
    """ADMIN-35d: by MX; asked on a terminal, told as a command without one."""
    done = subprocess.run(
        command(tmp_path / "piped", elsewhere, "me@example.org", USER),
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Mail for example.org currently goes to old.provider.example." in done.stdout
    assert "moxlite config domain peer set example.org" in done.stdout
    assert domains_of(tmp_path / "piped")["domains"]["example.org"].get("peer") is None

    words = command(tmp_path / "asked", elsewhere, "--no-admin-inside", "me@example.org", USER)
    with Terminal(words) as terminal:
        terminal.answer("DNS provider of example.org", "\n")
        terminal.answer("exist here yet to that server, until you turn this off?", "\n")
        assert terminal.end() == 0
    assert domains_of(tmp_path / "asked")["domains"]["example.org"]["peer"] == ["old.provider.example"]
    path = tmp_path / "asked/config/domains.toml"
    assert path.stat().st_uid == (int(USER) if os.getuid() == 0 else os.getuid())


def domains_of(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "config/domains.toml").read_text())
