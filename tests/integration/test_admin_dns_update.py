"""``moxlite dns update`` at knot, which takes updates with a key (ADMIN-71a)."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import pytest

from moxlite.admin.dns.update import KeyFileError, read_key_file
from tests.signedroot import SignedRoot
from tests.tools import free_port, moxlite_command

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="
KEY = ("hmac-sha256", "change.me", SECRET)

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.public]
ips = ["192.0.2.1"]
tls.host_private_key_files = ["ec.pem"]
tls.key_certs = [{ cert_file = "none.pem", key_file = "ec.pem" }]
smtp.enabled = true
submissions.enabled = true
imaps.enabled = true
"""

DOMAINS = """\
[domains."example.org"]
dkim.selectors.a = { key_file = "ed25519.pem" }
dkim.sign = ["a"]
dmarc = { localpart = "dmarcreports", account = "me", mailbox = "DMARC" }
tlsrpt = { localpart = "tlsreports", account = "me", mailbox = "TLSRPT" }
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""

RECORDS = """\
@ TXT "v=spf1 include:provider.example -all"
@ TXT "site-verification=1"
@ MX 20 old.provider.example.
_dmarc TXT "v=DMARC1; p=quarantine; rua=mailto:me@example.org"
www A 192.0.2.80
"""


@pytest.fixture
def world() -> Iterator[SignedRoot]:
    with SignedRoot({"": "", "org": "", "example.org": RECORDS}, key=KEY) as found:
        yield found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    (tmp_path / "key").write_text(":".join(KEY))
    for name, kind in (("ec", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("ed25519", ["ed25519"])):
        command = ["openssl", "genpkey", "-algorithm", *kind, "-out", str(tmp_path / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    return tmp_path


def moxlite(*args: str) -> subprocess.CompletedProcess[str]:
    command = [*moxlite_command(), *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def update(config: Path, port: int, *args: str) -> subprocess.CompletedProcess[str]:
    where = ("--server", f"127.0.0.1:{port}", "--key-file", str(config / "key"))
    return moxlite("dns", "update", "example.org", *where, *args)


def texts(world: SignedRoot, name: str, kind: str) -> set[str]:
    """The records that the server has."""
    query = dns.message.make_query(name, kind)
    answer = dns.query.tcp(query, "127.0.0.1", timeout=5, port=world.authority)
    return {data.to_text() for one in answer.answer if one.rdtype == dns.rdatatype.from_text(kind) for data in one}


def test_records_are_added_and_merged_and_others_stay(config: Path, world: SignedRoot) -> None:
    """ADMIN-71a: a dry run changes nothing; missing records are added, those of DANE as the zone is signed; SPF and
    DMARC keep what they permit; another MX stays until it is to be replaced; what is not ours is not touched.
    """
    planned = update(config, world.authority, "--dry-run")
    assert (planned.returncode, planned.stderr) == (0, "")
    lines = planned.stdout.splitlines()
    assert '- example.org. TXT "v=spf1 include:provider.example -all"' in lines
    assert '+ example.org. TXT "v=spf1 ip4:192.0.2.1 mx include:provider.example -all"' in lines
    assert "; keeping example.org. MX 20 old.provider.example.; to replace it, use --replace" in lines
    assert any(line.startswith("+ _25._tcp.mx.example.org. TLSA 3 1 1 ") for line in lines)
    assert texts(world, "mx.example.org.", "A") == set()
    done = update(config, world.authority)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", planned.stdout)
    assert texts(world, "mx.example.org.", "A") == {"192.0.2.1"}
    assert texts(world, "example.org.", "MX") == {"20 old.provider.example."}
    assert texts(world, "example.org.", "TXT") == {
        '"v=spf1 ip4:192.0.2.1 mx include:provider.example -all"',
        '"site-verification=1"',
    }
    assert texts(world, "_dmarc.example.org.", "TXT") == {
        '"v=DMARC1; p=quarantine; rua=mailto:me@example.org,mailto:dmarcreports@example.org"'
    }
    assert texts(world, "www.example.org.", "A") == {"192.0.2.80"}
    replaced = update(config, world.authority, "--replace")
    assert replaced.stdout.splitlines() == [
        "; Mail here",
        "- example.org. MX 20 old.provider.example.",
        "+ example.org. MX 10 mx.example.org.",
    ]
    assert texts(world, "example.org.", "MX") == {"10 mx.example.org."}
    assert update(config, world.authority, "--replace").stdout == "; no changes\n"
    where = ("--server", f"127.0.0.1:{world.authority}", "--key-file", str(config / "key"))
    found = json.loads(moxlite("--json", "dns", "update", "example.org", *where).stdout)
    assert found == {"dry_run": False, "zones": [{"zone": "example.org.", "changes": [], "left": []}]}


def test_a_wildcard_is_no_record_of_a_name(config: Path) -> None:
    """ADMIN-71a: what a wildcard answers for a name that does not exist (RFC 4592 §3.3.1) is in the way of nothing, and
    stays.
    """
    domains = (config / "domains.toml").read_text()
    own = 'client_settings_domain = "mail.example.org"'
    (config / "domains.toml").write_text(domains.replace("[accounts.me]", f"{own}\n[accounts.me]", 1))
    records = '* A 192.0.2.9\n* TXT "of the wildcard"\n*._domainkey TXT "v=DKIM1; p="\n'
    with SignedRoot({"": "", "org": "", "example.org": records}, key=KEY) as world:
        done = update(config, world.authority)
        assert (done.returncode, done.stderr) == (0, "")
        assert texts(world, "mail.example.org.", "CNAME") == {"mx.example.org."}
        assert texts(world, "mx.example.org.", "A") == {"192.0.2.1"}
        (key,) = texts(world, "a._domainkey.example.org.", "TXT")
        assert key.startswith('"v=DKIM1;')
        assert len(key) > 30
        assert texts(world, "other.example.org.", "A") == {"192.0.2.9"}
        assert texts(world, "other._domainkey.example.org.", "TXT") == {'"v=DKIM1; p="'}
        assert update(config, world.authority).stdout == "; no changes\n"


@pytest.mark.nightly
def test_what_we_update_passes_our_own_check(config: Path, world: SignedRoot) -> None:
    """ADMIN-71a, ADMIN-48: after an update with --replace, dnscheck asks for no record any more."""
    assert update(config, world.authority, "--replace").returncode == 0
    found = json.loads(moxlite("--json", "config", "dnscheck", "example.org", "--resolver", world.server).stdout)
    asked = [line for report in found.values() for line in report["instructions"] if " DNS" in line]
    assert [line for line in asked if line.startswith(("add to DNS", "replace ", "remove from DNS"))] == []


@pytest.mark.nightly
def test_an_unsigned_zone_gets_no_records_for_dane(config: Path) -> None:
    """ADMIN-71a: they would do nothing there; records of zones that the server does not have are named."""
    with SignedRoot({"": "", "org": "", "example.org": ""}, unsigned=["example.org"], key=KEY) as world:
        assert "TLSA because example.org. isn't signed" in update(config, world.authority, "--dry-run").stdout
    with SignedRoot({"": "", "org": ""}, unsigned=["org", ""], key=KEY) as world:
        assert update(config, world.authority).returncode == 0


def test_a_wrong_key_and_a_silent_server(config: Path, world: SignedRoot) -> None:
    """ADMIN-71a: exit code 1 for a key that the server does not know, 75 where nothing answers; nothing is changed."""
    (config / "key").write_text(f"hmac-sha256:other:{SECRET}")
    done = update(config, world.authority)
    assert done.returncode == 1
    assert "rejected the key other." in done.stderr
    done = update(config, free_port())
    assert done.returncode == 75
    assert "Traceback" not in done.stderr
    (config / "key").write_text("nothing")
    assert "doesn't have a TSIG key" in update(config, world.authority).stderr
    assert texts(world, "mx.example.org.", "A") == set()


@pytest.mark.parametrize(
    "text",
    [
        f"hmac-sha256:change.me:{SECRET}\n",
        f"change.me:{SECRET}",
        f'key "change.me" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n',
        f"# hmac-sha256:change.me:{SECRET}\nkey:\n- id: change.me\n  algorithm: hmac-sha256\n  secret: {SECRET}\n",
        f"key:\n  - id: change.me\n    algorithm: hmac-sha256\n    secret: {SECRET}\n",
    ],
    ids=["line", "short line", "BIND", "keymgr", "knot.conf"],
)
def test_key_files(tmp_path: Path, text: str) -> None:
    """ADMIN-71a: the forms that name servers and their tools write."""
    path = tmp_path / "key"
    path.write_text(text)
    key = read_key_file(path)
    assert (str(key.name), str(key.algorithm), len(key.secret)) == ("change.me.", "hmac-sha256.", 32)


@pytest.mark.parametrize("text", ["", "hmac-md5:a:c2VjcmV0", "key a { algorithm hmac-sha256; };", "a b c", "x:y:z:="])
def test_files_without_a_usable_key(tmp_path: Path, text: str) -> None:
    """ADMIN-71a: MD5 is not taken; no secret is in the words."""
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(KeyFileError) as problem:
        read_key_file(path)
    assert "c2VjcmV0" not in str(problem.value)
