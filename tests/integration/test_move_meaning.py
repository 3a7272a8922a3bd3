"""What names, rights and folders of a Dovecot server mean after they moved (docs/spec/move.md)."""

import json
import smtplib
from collections.abc import Iterator
from pathlib import Path

import imapclient
import pytest

from tests.integration.mail import message
from tests.realservers import Dovecot
from tests.running import LocalServer

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

OLD = """
auth_master_user_separator = *
passdb {{
  driver = static
  master = yes
  args = password=mastermaster
}}
mail_plugins = acl
protocol imap {{
  mail_plugins = acl imap_acl
}}
plugin {{
  acl = vfile:{rights}
  acl_user = %n
  acl_anyone = allow
}}
namespace inbox {{
  separator = .
  prefix = INBOX.
}}
namespace {{
  type = public
  separator = .
  prefix = Public.
  location = maildir:{public}
  subscriptions = no
}}
"""
SCRIPT = """\
require ["fileinto", "variables"]; # files into "INBOX.Work.2019"
if header :contains "subject" "old work" { fileinto "INBOX.Work.2019"; stop; }
if header :contains "subject" "bin" { fileinto "INBOX.Papierkorb"; stop; }
if header :contains "subject" "gone" { fileinto "INBOX.Gone"; }
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """Where it moves."""
    with LocalServer(tmp_path / "server") as running:
        yield running
        running.stop()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Dovecot]:
    """All folders below Inbox, one namespace for everybody, and two users."""
    public, rights = tmp_path / "public", tmp_path / "rights"
    public.mkdir()
    public.chmod(0o777)
    rights.write_text("Public* user=mia lrwstipekxa\nPublic* anyone lrs\n")
    rights.chmod(0o644)
    with Dovecot(tmp_path / "dovecot", extra=OLD.format(public=public, rights=rights)) as dovecot:
        for user in ("mia", "ben"):
            with imapclient.IMAPClient("127.0.0.1", dovecot.port, ssl=False) as client:
                client.login(user, "moxmoxmox")
                for name in ("INBOX.Work", "INBOX.Work.2019", "INBOX.Papierkorb", "INBOX.Other Users"):
                    client.create_folder(name)
                    client.append(name, message(1))
                if user == "mia":
                    client.create_folder("Public.Alle")
                    client.append("Public.Alle", message(2))
        yield dovecot


def in_folder(server: LocalServer, user: str, folder: str) -> int:
    """Messages of a folder here, as any IMAP client sees them."""
    with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
        client.login(f"{user}@example.org", "old password")
        return int(client.select_folder(folder, readonly=True)[b"EXISTS"])


def planned(server: LocalServer, old: Dovecot, tmp_path: Path) -> tuple[Path, str]:
    """A plan of two users, one of them with a script, and what its command printed."""
    home = tmp_path / "vmail/example.org/mia"
    (home / "sieve").mkdir(parents=True)
    (home / "sieve/main.sieve").write_text(SCRIPT)
    (home / ".dovecot.sieve").symlink_to("sieve/main.sieve")
    users = tmp_path / "users"
    users.write_text("mia@example.org:{PLAIN}old password\nben@example.org:{PLAIN}old password\n")
    plan = tmp_path / "plan.toml"
    done = server.cli(
        *("move", "plan", "dovecot", str(users), "--out", str(plan), "--scripts", f"{tmp_path}/vmail/%d/%n"),
        *("--imap", f"127.0.0.1:{old.port}", "--tls", "none", "--master-user", "master"),
        stdin="mastermaster\n",
    )
    return plan, done.stdout


def test_names_of_folders_keep_their_meaning(server: LocalServer, old: Dovecot, tmp_path: Path) -> None:
    """MOVE-6, MOVE-8, MOVE-12, IMAP-139"""
    plan, _ = planned(server, old, tmp_path)
    ran = server.cli("move", "run", str(plan), check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "script main: folder 'INBOX.Gone' doesn't exist there" in ran.stdout
    assert {folder: in_folder(server, "mia", folder) for folder in ("Work/2019", "Trash", "Other Users_")} == {
        "Work/2019": 1,
        "Trash": 1,
        "Other Users_": 1,
    }
    script = server.cli("account", "sieve", "get", "mia", "main").stdout
    assert script.rstrip("\n") == SCRIPT.replace('into "INBOX.Work.2019";', 'into "Work/2019";').replace(
        "INBOX.Papierkorb", "Trash"
    ).rstrip("\n")
    assert server.cli("account", "sieve", "get", "mia", "main (old server)").stdout.rstrip("\n") == SCRIPT.rstrip("\n")
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        for subject in ("old work", "bin"):
            client.sendmail("a@elsewhere.example", ["mia@example.org"], f"Subject: {subject}\r\n\r\nHi\r\n")
    assert in_folder(server, "mia", "Work/2019") == 2
    assert in_folder(server, "mia", "Trash") == 2
    counted = server.cli("move", "check", str(plan), "--json", check=False)
    mia = json.loads(counted.stdout)["accounts"][0]
    assert (mia["scripts"], mia["lost"]) == (1, [])


def test_devices_go_on_with_their_settings(server: LocalServer, old: Dovecot, tmp_path: Path) -> None:
    """MOVE-15, IMAP-69a, SMTP-52a: with the user name without a domain, and the prefix before mailbox names."""
    users, plan = tmp_path / "users", tmp_path / "plan.toml"
    users.write_text("mia:{PLAIN}old password\n")
    server.cli(
        *("move", "plan", "dovecot", str(users), "--out", str(plan), "--domain", "example.org"),
        *("--imap", f"127.0.0.1:{old.port}", "--tls", "none", "--master-user", "master"),
        stdin="mastermaster\n",
    )
    for _ in range(2):  # a second run finds both settings
        ran = server.cli("move", "run", str(plan), check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "imap_prefix" not in ran.stdout
        with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as device:
            device.login("mia", "old password")
            assert device.select_folder("INBOX.Work.2019", readonly=True)[b"EXISTS"] == 1
            assert device.select_folder("INBOX.Papierkorb", readonly=True)[b"EXISTS"] == 1
            assert "INBOX.Work" in [name for _, _, name in device.list_folders("", "INBOX.*")]


def test_folders_for_everybody_come_once(server: LocalServer, old: Dovecot, tmp_path: Path) -> None:
    """MOVE-6, MOVE-8, MOVE-13: into one account, which shares them with the rights that users had."""
    plan, _ = planned(server, old, tmp_path)
    ran = server.cli("move", "run", str(plan), check=False)
    assert ran.stdout.count("problem: skipped folders for everybody: 'Public.Alle'") == 2, ran.stdout
    plan.write_text(plan.read_text().replace("version = 1\n", 'version = 1\npublic = "mia"\n', 1))
    ran = server.cli("move", "run", str(plan), check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "for everybody" not in ran.stdout
    assert in_folder(server, "mia", "Public/Alle") == 1
    assert in_folder(server, "ben", "Other Users/mia/Public/Alle") == 1
    assert json.loads(server.cli("account", "share", "list", "mia", "--json").stdout) == [
        {"mailbox": "Public/Alle", "guest": "ben", "rights": "lrs"}
    ]
    with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
        client.login("ben@example.org", "old password")
        assert "Public/Alle" not in [name for _, _, name in client.list_folders()]
    counts = json.loads(server.cli("move", "check", str(plan), "--json", check=False).stdout)["accounts"]
    assert [(one["lost"], one["shares"]) for one in counts] == [([], 0), ([], 1)]
    server.cli("account", "share", "set", "mia", "Public/Alle", "ben", "lr", check=False)
    lowered = server.cli("move", "check", str(plan), check=False)
    assert lowered.returncode == 1
    assert "missing: Public/Alle shared with ben (lrs), but only lr here" in lowered.stdout


def test_the_comparison_counts_what_is_lost_alone(server: LocalServer, old: Dovecot, tmp_path: Path) -> None:
    """MOVE-8: keywords of mail programs and what the user did here aren't differences; flags set there later are."""
    plan, _ = planned(server, old, tmp_path)
    with imapclient.IMAPClient("127.0.0.1", old.port, ssl=False) as client:
        client.login("ben", "moxmoxmox")
        for number, flags in enumerate(([b"NonJunk", rb"\Seen"], [b"NotJunk", b"NonJunk"], [b"Junk"])):
            client.append("INBOX", message(number), flags)
    plan.write_text(plan.read_text().replace("version = 1\n", 'version = 1\npublic = "mia"\n', 1))
    ran = server.cli("move", "run", str(plan), check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr

    def compared() -> tuple[int, str]:
        done = server.cli("move", "check", str(plan), check=False)
        return done.returncode, done.stdout[done.stdout.index("ben@example.org") :]

    code, text = compared()
    assert "with other flags" not in text
    assert "0 lost, 0 not counted" in text
    assert code == 0
    with imapclient.IMAPClient("127.0.0.1", server.port(143), ssl=False) as client:
        client.login("ben@example.org", "old password")
        client.select_folder("INBOX")
        client.remove_flags([1], [rb"\Seen"])
        client.delete_messages([2])
        client.expunge()
    code, text = compared()
    assert "1 removed here, 1 with other flags here" in text
    assert "0 lost" in text
    assert code == 0
    with imapclient.IMAPClient("127.0.0.1", old.port, ssl=False) as client:
        client.login("ben", "moxmoxmox")
        client.select_folder("INBOX")
        client.add_flags([3], [rb"\Flagged"])
    code, text = compared()
    assert "missing: flags of 1 message of Inbox" in text
    assert code == 1
