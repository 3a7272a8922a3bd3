"""``moxlite dns provider``, ``update`` and ``undo`` at the APIs of four providers, and at knot (ADMIN-71b, 71c)."""

import json
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from moxlite.admin.dnsproviders.accounts import ProviderFailed, read_zone, write_zone
from moxlite.admin.dnsproviders.child import failure
from moxlite.admin.dnsproviders.messages import Account, Edit
from tests.dnsproviders import TOKENS, Entry, FakeProviders, Refusal
from tests.signedroot import SignedRoot
from tests.tools import moxlite_command

pytestmark = [pytest.mark.integration, pytest.mark.served]

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
dns.servers = ["127.0.0.1"]
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.public]
ips = ["192.0.2.1"]
tls.key_certs = [{ cert_file = "none.pem", key_file = "ec.pem" }]
smtp.enabled = true
submissions.enabled = true
imaps.enabled = true
"""

DOMAINS = """\
[domains."example.org"]
dkim.selectors.a = { key_file = "rsa.pem" }
dkim.sign = ["a"]
dmarc = { localpart = "dmarcreports", account = "me", mailbox = "DMARC" }
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""

RECORDS = [
    ("example.org", "TXT", '"v=spf1 include:provider.example -all"'),
    ("example.org", "TXT", '"site-verification=1"'),
    ("example.org", "MX", "20 old.provider.example."),
    ("_dmarc.example.org", "TXT", '"v=DMARC1; p=quarantine; rua=mailto:me@example.org"'),
    ("www.example.org", "A", "192.0.2.80"),
    ("autoconfig.example.org", "TXT", '"of somebody else"'),
]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fake() -> Iterator[FakeProviders]:
    with FakeProviders({"example.org": RECORDS, "other.example": []}) as found:
        yield found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    for name, kind in (("ec", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["RSA"])):
        command = ["openssl", "genpkey", "-algorithm", *kind, "-out", str(tmp_path / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def moxlite(config: Path, fake: FakeProviders) -> Run:
    home = config / "home"
    home.mkdir()
    environment = {**os.environ, **fake.environment, "MOXLITE_CONF": str(config / "moxlite.toml"), "HOME": str(home)}
    environment["LEXICON_GANDI_API_PROTOCOL"] = "rpc"  # variables of the library must have no effect

    def run(*args: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [*moxlite_command(), *args]
        return subprocess.run(
            command, input=typed, env=environment, check=False, capture_output=True, text=True, timeout=120
        )

    return run


def set_provider(moxlite: Run, provider: str = "hetzner") -> None:
    done = moxlite("dns", "provider", "set", "example.org", provider, typed=TOKENS[provider] + "\n")
    assert (done.returncode, done.stderr) == (0, "")


def update(moxlite: Run, *args: str) -> subprocess.CompletedProcess[str]:
    return moxlite("--yes", "dns", "update", "example.org", "--no-wait", *args)


@pytest.mark.landing("desec")
@pytest.mark.parametrize("provider", TOKENS)
def test_records_are_made_at_a_provider_and_undone(
    provider: str, moxlite: Run, fake: FakeProviders, config: Path
) -> None:
    """AUTH-117, ADMIN-71b, 71c: the provider is tried and kept for its owner alone; the plan is what is done; a second
    one is empty; undo brings back each record, and what others have is never touched. Nothing of the library is left at
    home.
    """
    set_provider(moxlite, provider)
    assert fake.records("example.org") == set(RECORDS)
    file = config / "dns/example.org.provider"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TOKENS[provider] in file.read_text()
    shown = moxlite("dns", "provider", "show", "example.org")
    assert TOKENS[provider] not in shown.stdout
    assert json.loads(moxlite("--json", "dns", "provider", "show", "example.org").stdout) == {
        "provider": provider,
        "zone": "example.org",
        "enforce": False,
    }

    planned = update(moxlite, "--dry-run")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert fake.records("example.org") == set(RECORDS)
    done = update(moxlite)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", planned.stdout)
    assert fake.data("example.org", "TXT") == {
        '"v=spf1 ip4:192.0.2.1 mx include:provider.example -all"',
        '"site-verification=1"',
    }
    assert fake.data("example.org", "MX") == {"20 old.provider.example."}
    assert (
        "; keeping example.org. MX 20 old.provider.example.; to replace it, use --replace" in done.stdout.splitlines()
    )
    assert fake.data("_imaps._tcp.example.org", "SRV") == {"0 1 993 mx.example.org."}
    assert fake.data("_pop3._tcp.example.org", "SRV") == {"0 0 0 ."}
    assert len("".join(fake.data("a._domainkey.example.org", "TXT"))) > 380
    assert not fake.data("mx.example.org", "A")
    assert update(moxlite).stdout.splitlines()[-1] == "; no changes"

    replaced = update(moxlite, "--replace", "--addresses")
    assert replaced.returncode == 0
    assert fake.data("example.org", "MX") == {"10 mx.example.org."}
    assert fake.data("mx.example.org", "A") == {"192.0.2.1"}
    for _ in range(2):
        back = moxlite("--yes", "dns", "undo", "example.org", "--no-wait")
        assert (back.returncode, back.stderr) == (0, "")
    assert fake.records("example.org") == set(RECORDS)
    nothing = moxlite("--yes", "dns", "undo", "example.org")
    assert (nothing.returncode, nothing.stderr) == (1, "moxlite: example.org doesn't have changes to undo\n")
    assert not list((config / "home").iterdir())


@pytest.mark.nightly
def test_records_of_ours_go_with_their_reason(moxlite: Run, fake: FakeProviders, config: Path) -> None:
    """ADMIN-71c: a record that this server has published goes once it is not wanted any more, terms of SPF too; what
    the owner has added to it meanwhile stays.
    """
    set_provider(moxlite)
    assert update(moxlite).returncode == 0
    fake.zones["example.org"] = [one for one in fake.zones["example.org"] if "v=spf1" not in one.data]
    fake.add("example.org", "example.org", "TXT", '"v=spf1 ip4:192.0.2.1 mx include:provider.example a:own -all"')
    fake.add("example.org", "a._domainkey.example.org", "A", "192.0.2.9")
    text = (config / "domains.toml").read_text()
    text = text.replace("dkim.selectors.a = { key_file", "dkim.selectors.b = { key_file").replace('["a"]', '["b"]')
    (config / "domains.toml").write_text(text)
    (config / "moxlite.toml").write_text(STATIC.replace("192.0.2.1", "192.0.2.2"))
    done = update(moxlite)
    assert done.returncode == 0
    assert '"v=spf1 ip4:192.0.2.2 mx include:provider.example a:own -all"' in fake.data("example.org", "TXT")
    assert not fake.data("a._domainkey.example.org", "TXT")
    assert fake.data("a._domainkey.example.org", "A") == {"192.0.2.9"}
    assert fake.data("b._domainkey.example.org", "TXT")


@pytest.mark.landing("cloudflare", "desec")
@pytest.mark.parametrize("provider", TOKENS)
def test_a_wrong_token_is_told_and_not_kept(provider: str, moxlite: Run, config: Path) -> None:
    """ADMIN-71, ADMIN-71b: it is tried before it is kept, and is in no output, though the provider repeats it."""
    wrong = "x" * 64
    done = moxlite("dns", "provider", "set", "example.org", provider, typed=wrong + "\n")
    assert done.returncode == 1
    assert done.stderr.startswith("moxlite: the provider rejected the token or its permissions (HTTP status 40")
    assert wrong not in done.stdout + done.stderr
    assert not (config / "dns/example.org.provider").exists()


def test_the_token_of_a_removed_domain_can_be_forgotten(moxlite: Run, config: Path) -> None:
    """ADMIN-71b: the command that removes the file takes a domain that is not in the configuration any more."""
    file = config / "dns/gone.example.provider"
    file.parent.mkdir()
    file.write_text('{"provider":"hetzner","zone":"gone.example","secrets":{"auth_token":"x"}}')
    done = moxlite("--yes", "dns", "provider", "rm", "gone.example")
    assert (done.returncode, done.stderr) == (0, "")
    assert not file.exists()
    assert "no DNS provider for" in moxlite("--yes", "dns", "provider", "rm", "gone.example").stderr


@pytest.mark.landing("cloudflare")
@pytest.mark.parametrize("provider", TOKENS)
def test_a_token_that_expires_is_told_until_a_new_one_is_set(
    provider: str, moxlite: Run, fake: FakeProviders, config: Path
) -> None:
    """ADMIN-71b, 71c: with the old one nothing is changed or forgotten; the new one goes on where that ended."""
    set_provider(moxlite, provider)
    assert update(moxlite).returncode == 0
    before, state = fake.records("example.org"), (config / "dns/example.org.state").read_bytes()
    fake.tokens[provider] = "n" * 64
    for words in (("provider", "test"), ("update",), ("undo",)):
        done = moxlite("--yes", "dns", *words, "example.org")
        assert done.returncode == 1
        assert ": the provider rejected the token or its permissions (HTTP status 40" in done.stderr
        assert TOKENS[provider] not in done.stdout + done.stderr
    assert fake.records("example.org") == before
    assert (config / "dns/example.org.state").read_bytes() == state
    done = moxlite("dns", "provider", "set", "example.org", provider, typed=fake.tokens[provider] + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert update(moxlite).stdout.splitlines()[-1] == "; no changes"
    assert moxlite("--yes", "dns", "undo", "example.org", "--no-wait").returncode == 0
    assert fake.records("example.org") == set(RECORDS)


@pytest.mark.nightly
def test_what_a_provider_does_wrong_is_told(moxlite: Run, fake: FakeProviders, config: Path) -> None:
    """ADMIN-71b: no rights to write, an answer without a change, dropped underscores, fewer requests wanted, a fault, a
    zone of another account, and two zones of one name.
    """

    def try_out() -> tuple[int, str]:
        done = moxlite("dns", "provider", "test", "example.org")
        return done.returncode, done.stderr.removeprefix("moxlite: ").rstrip("\n")

    set_provider(moxlite, "cloudflare")
    fake.ignoring = True
    lost = "Cloudflare accepted the TXT record for _moxlite-test.example.org., but didn't publish it"
    assert try_out() == (1, lost)
    fake.ignoring = False
    fake.spoil = lambda name, data: (name.replace("_", ""), data)
    assert try_out() == (1, lost)
    fake.spoil = lambda name, data: (name, data)
    fake.zones["example.org"] = [one for one in fake.zones["example.org"] if "moxlite-test" not in one.name]
    fake.refuse_after = len(fake.requests) + 4
    fake.refusal = Refusal(403, "read only")
    code, text = try_out()
    assert (code, text) == (
        1,
        "Cloudflare: the provider rejected the token or its permissions (HTTP status 403: read only)",
    )
    fake.refusal = Refusal(429, "slow down", Retry_After="17")
    assert try_out() == (
        75,
        "Cloudflare: too many requests to the provider (HTTP status 429: slow down); again in 17 s",
    )
    fake.refusal = Refusal(503, "broken")
    assert try_out() == (75, "Cloudflare: the provider returned an error (HTTP status 503: broken)")
    fake.refusal = None
    fake.twice = True
    assert try_out() == (1, "Cloudflare: the account has more than one zone with this name")
    fake.twice = False
    del fake.zones["example.org"]
    assert try_out() == (1, "Cloudflare: the token's account doesn't have this zone")


def test_a_change_by_others_meanwhile_is_not_overwritten(moxlite: Run, fake: FakeProviders) -> None:
    """ADMIN-71c: a set that has changed since the plan ends the step; the next plan goes on from there."""
    set_provider(moxlite)
    spf = '"v=spf1 include:another.example -all"'

    def edit() -> None:
        fake.zones["example.org"] = [one for one in fake.zones["example.org"] if "v=spf1" not in one.data]
        fake.add("example.org", "example.org", "TXT", spf)

    listings = len(fake.requests)
    planned = update(moxlite, "--dry-run")
    assert planned.returncode == 0
    assert len(fake.requests) == listings + 2
    fake.before_reading = (listings + 5, edit)
    done = update(moxlite)
    assert (done.returncode, done.stderr) == (
        75,
        "moxlite: Hetzner: example.org. TXT was changed elsewhere; try again\n",
    )
    assert update(moxlite).returncode == 0
    assert '"v=spf1 ip4:192.0.2.1 mx include:another.example -all"' in fake.data("example.org", "TXT")


@pytest.mark.nightly
def test_names_texts_and_times_in_the_forms_of_providers(moxlite: Run, fake: FakeProviders) -> None:
    """ADMIN-71b: a provider that changes case and TTL, or splits texts, has the records all the same."""
    fake.spoil = lambda name, data: (name.upper() if "imaps" in name else name, _split(data))
    set_provider(moxlite, "cloudflare")
    assert update(moxlite).returncode == 0
    assert update(moxlite).stdout.splitlines()[-1] == "; no changes"


def _split(data: str) -> str:
    return data.replace("v=DKIM1;", 'v=DKIM1;" "', 1) if "DKIM1" in data else data


@pytest.mark.parametrize("provider", ["cloudflare", "gandi"])
def test_a_zone_of_two_thousand_records(provider: str, fake: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-71b: all its pages are read; a text that is not on the first one would be published twice."""
    for number in range(2000):
        fake.add("other.example", f"h{number}.other.example", "A", "192.0.2.7")
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    found = read_zone(Account(provider, "other.example", {"auth_token": TOKENS[provider]}))
    assert len(found) == 2000
    with pytest.raises(ProviderFailed, match="doesn't have this zone"):
        read_zone(Account(provider, "third.example", {"auth_token": TOKENS[provider]}))


@pytest.mark.parametrize("provider", TOKENS)
def test_an_alias_gets_another_target(provider: str, fake: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-71b: as after a change of the hostname; a name has one CNAME record, so the old one goes first."""
    fake.add("other.example", "autoconfig.other.example", "CNAME", "old.example.org.")
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    account = Account(provider, "other.example", {"auth_token": TOKENS[provider]})
    old, new = ("old.example.org.",), ("mx.example.org.",)
    write_zone(account, (Edit("autoconfig.other.example.", "CNAME", old, old, new),))
    assert fake.records("other.example") == {("autoconfig.other.example", "CNAME", "mx.example.org.")}


def test_a_set_with_a_record_that_is_not_understood_is_left_alone(
    fake: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71c: Gandi takes whole sets, so the record would be lost."""
    fake.zones["other.example"].append(Entry(0, "other.example", "MX", "ten mail.other.example.", 300))
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    account = Account("gandi", "other.example", {"auth_token": TOKENS["gandi"]})
    assert read_zone(account) == ()
    with pytest.raises(ProviderFailed, match="so it wasn't changed"):
        write_zone(account, (Edit("other.example.", "MX", (), (), ("10 mx.example.org.",)),))
    assert fake.data("other.example", "MX") == {"ten mail.other.example."}


@pytest.mark.parametrize("provider", TOKENS)
def test_texts_of_others_in_a_set_stay_as_they_are(
    provider: str, fake: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-71c: also those with signs outside of ASCII, quotes and several strings."""
    texts = ('"caf\\195\\169 \\"x\\""', '"one" " two"')
    for text in texts:
        fake.add("other.example", "other.example", "TXT", text)
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    account = Account(provider, "other.example", {"auth_token": TOKENS[provider]})
    before = tuple(record.data for record in read_zone(account))
    write_zone(account, (Edit("other.example.", "TXT", before, (), ('"v=spf1 -all"',)),))
    joined = {data.replace('" "', "") for data in fake.data("other.example", "TXT")}
    assert joined == {texts[0], '"one two"', '"v=spf1 -all"'}


@pytest.mark.parametrize("provider", ["cloudflare", "desec", "gandi"])
def test_a_text_is_replaced_by_one_request(provider: str, fake: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-71c: so that there are never two SPF records, also if the provider takes no further request for now."""
    for text in ('"v=spf1 mx -all"', '"site-verification=1"'):
        fake.add("other.example", "other.example", "TXT", text)
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    account = Account(provider, "other.example", {"auth_token": TOKENS[provider]})
    old, new = '"v=spf1 mx -all"', '"v=spf1 ip4:192.0.2.1 mx -all"'
    asked = len(fake.requests)
    write_zone(account, (Edit("other.example.", "TXT", (old, '"site-verification=1"'), (old,), (new,)),))
    assert fake.data("other.example", "TXT") == {new, '"site-verification=1"'}
    assert len([one for one in fake.requests[asked:] if not one.startswith("GET")]) == 1


KEY = ("hmac-sha256", "change.me", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U=")


@pytest.mark.nightly
def test_a_name_server_with_a_key_is_a_provider_too(moxlite: Run, config: Path) -> None:
    """ADMIN-71b: RFC 2136, with undo, and the change read back from the server."""
    zone = "\n".join(f"{name}. {kind} {data}" for name, kind, data in RECORDS)
    with SignedRoot({"": "", "org": "", "example.org": zone}, key=KEY) as world:
        typed = f"127.0.0.1:{world.authority}\n{':'.join(KEY)}\n"
        done = moxlite("dns", "provider", "set", "example.org", "rfc2136", typed=typed)
        assert (done.returncode, done.stderr) == (0, "")
        done = moxlite("--yes", "dns", "update", "example.org")
        assert (done.returncode, done.stderr) == (0, "waiting for the name servers ...\n")
        assert moxlite("dns", "update", "example.org").stdout.splitlines()[-1] == "; no changes"
        done = moxlite("--yes", "dns", "undo", "example.org")
        assert done.returncode == 0
        assert '+ example.org. TXT "v=spf1 include:provider.example -all"' in done.stdout.splitlines()
        wrong = moxlite("dns", "provider", "set", "example.org", "rfc2136", typed=typed.replace("change.me", "x."))
        assert "rejected the key" in wrong.stderr


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.exceptions.SSLError("x"), "clock"),
        (requests.exceptions.ProxyError("x"), "HTTPS_PROXY"),
        (requests.exceptions.ReadTimeout("x"), "timed out"),
        (requests.exceptions.ConnectionError("x"), "network"),
        (requests.exceptions.ChunkedEncodingError("x"), "the request failed"),
    ],
)
def test_a_provider_that_does_not_answer_is_told_in_words(error: Exception, words: str) -> None:
    """ADMIN-71b: not by the name of an exception: a wrong clock makes TLS fail."""
    told = failure(error)
    assert (told.why, words in told.text) == ("unreachable", True), told
