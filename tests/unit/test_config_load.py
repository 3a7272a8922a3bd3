"""Loading the configuration: all mistakes, each with file, line, key and hint."""

import base64
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from moxlite.config import (
    domains as domains_module,
    listeners as listeners_module,
    load as loading,
    static as static_module,
)
from moxlite.config.checks import checks
from moxlite.config.domains import Account, Domains
from moxlite.config.fields import KindShape, fields_of
from moxlite.config.load import ConfigError, load, load_static
from moxlite.config.masking import MASK, differences, masked_table, masked_text
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.decode import decode_field
from moxlite.config.toml.scan import lines_of
from moxlite.config.values import Section
from tests.tools import top

STATIC = """\
hostname = "mail.example.org"

[postmaster]
account = "me"
mailbox = "Postmaster"

[listeners.local]
ips = ["127.0.0.1"]
"""

DOMAINS = """\
[domains."example.org"]
localpart_separators = ["+"]

[accounts.me]
domain = "example.org"

[accounts.me.destinations."me@example.org"]
"""


# The last table is open for more keys of the account.
QUEUE = DOMAINS.replace('[accounts.me]\ndomain = "example.org"\n', "") + (
    '[accounts.me]\ndomain = "example.org"\nqueue_mailbox = true\n'
)


def write(directory: Path, static: str = STATIC, domains: str = DOMAINS) -> Path:
    path = directory / "moxlite.toml"
    path.write_text(static)
    (directory / "domains.toml").write_text(domains)
    return path


def good(directory: Path, static: str = STATIC, domains: str = DOMAINS) -> Snapshot:
    return load(write(directory, static, domains))[0]


def problems(directory: Path, static: str = STATIC, domains: str = DOMAINS) -> list[str]:
    """What is wrong, as lines that begin with the file's name."""
    try:
        load(write(directory, static, domains))
    except ConfigError as error:
        return [
            re.sub(r"^.*/", "", str(problem).partition(": ")[0]) + ": " + str(problem).partition(": ")[2]
            for problem in error.problems
        ]
    return []


def warnings(directory: Path, static: str = STATIC, domains: str = DOMAINS) -> list[str]:
    return [f"{problem.about}: {problem.text}" for problem in load(write(directory, static, domains))[1]]


def test_a_good_configuration_has_its_defaults(tmp_path: Path) -> None:
    """ADMIN-1, ADMIN-4, ADMIN-8: structs with defaults; data_dir starts at the configuration's directory."""
    snapshot = good(tmp_path)
    assert snapshot.static.queue.max_attempts == 14
    assert snapshot.static.data_dir == tmp_path.parent / "data"
    assert snapshot.static.listeners["local"].webmail_https.path == "/webmail/"
    assert snapshot.static.listeners["local"].webmail_https.port == 443
    with pytest.raises(AttributeError):
        snapshot.static.pedantic = True  # type: ignore[misc]


def test_a_relative_path_of_the_configuration_changes_no_path_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADMIN-4: `--config config/moxlite.toml`, which is the default too, gives the same as the whole path."""
    (tmp_path / "config").mkdir()
    monkeypatch.chdir(tmp_path)
    static = 'data_dir = "../data"\nadmin_password_file = "adminpasswd"\n' + STATIC
    relative = good(Path("config"), static).static
    assert relative.data_dir == tmp_path / "data"
    assert relative.admin_password_file == tmp_path / "config/adminpasswd"
    assert relative == good(tmp_path / "config", static).static


CHANNEL = """\
domain = "publisher.example"
changelog_url = "https://downloads.publisher.example/changelog.json"
public_key = "{key}"
"""


def test_the_update_channel_of_a_build_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-60, ADMIN-60g, ADMIN-60h: `[updates]` takes its place; a checkout has none, and the one in the tree is
    empty.
    """
    assert not loading.CHANNEL.exists()
    assert loading.read_channel(top() / "packaging/channel.toml") == (None, [])
    assert good(tmp_path).static.updates is None
    key = base64.b64encode(bytes(32)).decode()
    channel = tmp_path / "channel.toml"
    monkeypatch.setattr(loading, "CHANNEL", channel)
    channel.write_text(CHANNEL.format(key=key))
    updates = good(tmp_path, "check_updates = true\n" + STATIC).static.updates
    assert updates is not None
    assert updates.domain.ascii == "publisher.example"
    own = "[updates]\n" + CHANNEL.format(key=key).replace("publisher", "own")
    updates = good(tmp_path, STATIC + own).static.updates
    assert updates is not None
    assert updates.domain.ascii == "own.example"
    channel.write_text(CHANNEL.format(key="c2hvcnQ="))
    [mistake] = loading.read_channel(channel)[1]
    assert (mistake.path, mistake.text) == (("updates", "public_key"), "must be a 32-byte key in base64")
    for bad in ("c2hvcnQ=", "ключ"):
        channel.write_text(f'{CHANNEL.format(key=key)}next_public_key = "{bad}"\n')
        [mistake] = loading.read_channel(channel)[1]
        assert (mistake.path, mistake.text) == (("updates", "next_public_key"), "must be a 32-byte key in base64")
    for fingerprint, mistakes in (("0A" * 20, []), ("0a" * 20, ["must be 40 hexadecimal digits"])):
        channel.write_text(f'{CHANNEL.format(key=key)}apt_fingerprint = "{fingerprint}"\n')
        assert [mistake.text for mistake in loading.read_channel(channel)[1]] == mistakes
    channel.write_text('domain = "publisher.example"\n')
    assert [mistake.path for mistake in loading.read_channel(channel)[1]] == [("changelog_url",), ("public_key",)]


def test_a_table_that_is_given_partly_keeps_the_defaults_of_its_place(tmp_path: Path) -> None:
    """ADMIN-7: admin_https has its own port and path whatever else is set."""
    static = STATIC + "admin_http.enabled = true\n"
    admin = good(tmp_path, static).static.listeners["local"].admin_http
    assert (admin.enabled, admin.port, admin.path) == (True, 80, "/admin/")


def test_all_mistakes_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    """ADMIN-3: all errors are collected, each with file, line, dotted key, what is wrong, and the likely key."""
    static = (
        STATIC.replace("mailbox =", "mailbx =").replace('"127.0.0.1"', '"127.0.0.256"') + "smtp = { enabld = true }\n"
    )
    domains = DOMAINS.replace('["+"]', '"+"') + 'rulesets = [\n  { mailbox = "A" },\n]\n'
    assert problems(tmp_path, static, domains) == [
        "moxlite.toml:3: postmaster.mailbox: is missing",
        'moxlite.toml:5: postmaster.mailbx: unknown key (did you mean "mailbox"?)',
        "moxlite.toml:8: listeners.local.ips[0]: isn't a valid IP address",
        'moxlite.toml:9: listeners.local.smtp.enabld: unknown key (did you mean "enabled"?)',
        'domains.toml:2: domains."example.org".localpart_separators: must be an array, not a text',
        'domains.toml:9: accounts.me.destinations."me@example.org".rulesets[0]: must have at least one condition',
    ]


def test_a_key_below_the_wrong_section_is_sent_to_the_top(tmp_path: Path) -> None:
    """ADMIN-3: a line added at the end of the file belongs to the last section there."""
    hint = "this belongs at the top of the file, above the first [section]"
    assert problems(tmp_path, STATIC + "allow_private_mx = true\n", DOMAINS) == [
        f"moxlite.toml:9: listeners.local.allow_private_mx: unknown key ({hint})"
    ]
    meant = f'did you mean "check_updates"? {hint[:1].upper()}{hint[1:]}'
    assert problems(tmp_path, STATIC + "check_update = true\n", DOMAINS) == [
        f"moxlite.toml:9: listeners.local.check_update: unknown key ({meant})"
    ]


@pytest.mark.parametrize("value", ["\u201cdebug\u201d", "\u201edebug\u201c", "\u2018debug\u2019", "\u00abdebug\u00bb"])
def test_curly_quotes_are_named(tmp_path: Path, value: str) -> None:
    """ADMIN-3: word processors and web pages put them in place of straight ones."""
    found = problems(tmp_path, f"log_level = {value}\n{STATIC}", DOMAINS)
    assert len(found) == 1
    assert "use straight quotes" in found[0]


def test_an_address_is_no_host_name(tmp_path: Path) -> None:
    """ADMIN-3: of the server, of a listener, of a domain."""
    text = "can't end with a number, because it would look like an IP address"
    static = STATIC.replace('hostname = "mail.example.org"', 'hostname = "192.0.2.1"')
    assert static != STATIC
    found = problems(tmp_path, static + 'hostname = "192.0.2.2"\n', DOMAINS + '[domains."192.0.2.3"]\n')
    assert [line.partition(": ")[2] for line in found] == [
        f"hostname: {text}",
        f"listeners.local.hostname: {text}",
        f'domains."192.0.2.3": {text}',
    ]


def test_a_domain_without_quotes_is_named(tmp_path: Path) -> None:
    """ADMIN-3: its dots make tables in each other."""
    found = problems(tmp_path, STATIC, DOMAINS + "[domains.other.example.net]\n")
    assert any('put the domain in quotes: [domains."other.example' in line for line in found)


@pytest.mark.parametrize("path", ["~/data", "~", "~mail/data"])
def test_a_path_of_a_shell_is_refused(tmp_path: Path, path: str) -> None:
    """ADMIN-4: a folder named ~ in the configuration would be made and used."""
    assert problems(tmp_path, f'data_dir = "{path}"\n{STATIC}', DOMAINS) == [
        "moxlite.toml:1: data_dir: must be a full path: only a shell knows what ~ means"
    ]


def test_a_value_that_cannot_be_read_is_one_mistake(tmp_path: Path) -> None:
    """ADMIN-3: also where moxlite.toml is read by itself; the table doesn't lack what is there."""
    static = STATIC + '[backup]\nschedule = "0 3 * * *"\ntarget = "/mnt/backup"\n'
    found = problems(tmp_path, static, DOMAINS)
    assert [line.partition(": ")[2].partition(": ")[0] for line in found] == ["backup.schedule"]
    with pytest.raises(ConfigError) as caught:
        load_static(tmp_path / "moxlite.toml")
    assert [finding.about for finding in caught.value.problems] == ["backup.schedule"]


def test_both_missing_files_are_named(tmp_path: Path) -> None:
    """ADMIN-3."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "moxlite.toml")
    assert [Path(problem.file).name for problem in caught.value.problems] == ["moxlite.toml", "domains.toml"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\ufeff" + STATIC, 1, "byte order mark"),
        (STATIC + "a\0 = 1\n", 9, "invalid TOML"),
        (STATIC + "log_level = \n", 9, "invalid TOML"),
        (STATIC + "[postmaster]\n", 9, "twice, at column 12 (this table or key already exists; "),
        (STATIC + "a.b = 1\na = { b = 2 }\n", 10, "(this table or key already exists; "),
        (STATIC + "hostname = 1\nhostname = 1\n", 10, "(this table or key already exists; "),
        (STATIC + "mailbox2 = Postmaster\n", 9, '(text must be in quotes, like key = "text")'),
        (STATIC + "x = 15s # soon\n", 9, "text must be in quotes"),
        (STATIC + "ips = [192.0.2.1, 192.0.2.2]\n", 9, "text must be in quotes"),
        (STATIC + 'x = "unfinished', 9, "invalid TOML"),
        (STATIC + "x = " + "[" * 20000 + "]" * 20000, 9, "deep"),
        (STATIC.replace("\n\n", "\rbare\n\n", 1), 1, "invalid TOML"),
        ("hostname = 1979-05-27\n" + STATIC[30:], 1, "must be a domain in quotes, not a date"),
    ],
)
def test_files_that_are_no_toml_are_told_with_their_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    """ADMIN-61: BOM, NUL, deep nesting, half-written, duplicate table, dates instead of strings: an error with
    position."""
    first = problems(tmp_path, text)[0]
    assert first.startswith(f"moxlite.toml:{line}: ")
    assert words in first


def test_lines_may_end_in_crlf(tmp_path: Path) -> None:
    """ADMIN-2, ADMIN-61: TOML 1.0 allows it, and the lines of mistakes are right."""
    path = write(tmp_path)
    path.write_bytes(STATIC.replace("\n", "\r\n").encode())
    load(path)
    path.write_bytes((STATIC + "x = 1\n").replace("\n", "\r\n").encode())
    with pytest.raises(ConfigError, match=r":9: listeners\.local\.x: unknown key"):
        load(path)


def test_files_beyond_8_mib_and_other_encodings_are_refused(tmp_path: Path) -> None:
    """ADMIN-61: 10 MB, not UTF-8."""
    path = write(tmp_path)
    path.write_bytes(b"#" * (10 << 20))
    with pytest.raises(ConfigError, match="exceeds 8 MiB"):
        load(path)
    path.write_bytes(b'a = 1\nb = "\xff"\n')
    with pytest.raises(ConfigError, match=r":2: file isn't valid UTF-8"):
        load(path)


LISTENER_TLS = '[listeners.local.tls]\nkey_certs = [{ cert_file = "a", key_file = "b" }]\n'
RULE = '[[accounts.me.destinations."me@example.org".rulesets]]\nmailbox = "Lists"\n'
HANDLER = '[[web_handlers]]\ndomain = "example.org"\npath_regexp = "^/"\n'
AUTHORITY = '[acme.ca]\ndirectory_url = "https://ca.example/"\ncontact_email = "me@example.org"\n'
WEBSERVER = STATIC + "webserver_http.enabled = true\n"


@pytest.mark.parametrize(
    ("static", "key", "words"),
    [
        (STATIC + "imaps.enabled = true\n", "listeners.local.imaps", "requires TLS"),
        (STATIC + "smtp.enabled = true\n", "listeners.local.smtp", "requires TLS"),
        (STATIC + "submission.enabled = true\n", "listeners.local.submission", "requires TLS"),
        (STATIC + "webmail_https.enabled = true\n", "listeners.local.webmail_https", "requires TLS"),
        (STATIC + "mtasts_https.enabled = true\n", "listeners.local.mtasts_https", "requires TLS"),
        (
            STATIC + '[listeners.local.tls]\nacme = "le"\n',
            "listeners.local.tls.acme",
            "doesn't match any [acme.NAME]",
        ),
        (
            STATIC + 'imaps = { enabled = true, port = 443 }\ntls.acme = "ca"\n' + AUTHORITY,
            "listeners.local.tls.acme",
            "another service uses port 443",
        ),
        (STATIC + LISTENER_TLS + 'acme = "le"\n', "listeners.local.tls", "both acme and key_certs"),
        (STATIC + "[listeners.local.tls]\n", "listeners.local.tls", "requires acme or key_certs"),
        (
            STATIC + "account_http.enabled = true\naccount_https = { enabled = true, port = 80 }\n" + LISTENER_TLS,
            "listeners.local.account_https",
            "can't share port 80",
        ),
        (
            STATIC + "metrics_http = {enabled = true, port = 8011}\ndebug_http.enabled = true\n",
            "listeners.local.debug_http",
            "can't share port 8011",
        ),
        (STATIC.replace('["127.0.0.1"]', "[]"), "listeners.local.ips", "at least one"),
        (STATIC + 'nat_ips = ["127.0.0.1"]\n', "listeners.local.nat_ips[0]", "public address"),
        (STATIC.replace('"me"', '"you"'), "postmaster.account", 'account "you" isn\'t in domains.toml'),
        (
            STATIC + '[host_tlsrpt]\naccount = "x"\nmailbox = "A"\nlocalpart = "tls"\n',
            "host_tlsrpt.account",
            'account "x" isn\'t in domains.toml',
        ),
        (
            STATIC + '[host_tlsrpt]\naccount = "me"\nmailbox = "A"\nlocalpart = "tlß"\n',
            "host_tlsrpt.localpart",
            "ASCII",
        ),
        (
            STATIC
            + '[transports.a]\nsocks = { address = "x:1", remote_ips = ["192.0.2.1"], remote_hostname = "a.example" }\n'
            + "direct = {}\n",
            "transports.a.direct",
            "can't be combined",
        ),
        (
            STATIC + "[transports.a.direct]\ndisable_ipv4 = true\ndisable_ipv6 = true\n",
            "transports.a.direct",
            "both IPv4 and IPv6",
        ),
        (STATIC + "[transports.a.fail]\nsmtp_code = 250\n", "transports.a.fail.smtp_code", "between 400 and 599"),
        (
            STATIC + '[transports.a.submissions]\nhost = "a.example"\nno_starttls = true\n',
            "transports.a.submissions",
            "implicit TLS",
        ),
        (
            STATIC
            + '[transports.a.smtp]\nhost = "a.example"\n'
            + 'auth = { username = "u", password = "p", mechanisms = ["PLAIN", "PLAIN"] }\n',
            "transports.a.smtp.auth.mechanisms",
            "the same value twice",
        ),
        (
            STATIC + '[initial_mailboxes.special_use]\nsent = "Inbox"\n',
            "initial_mailboxes.special_use.sent",
            "be Inbox",
        ),
        (STATIC + '[initial_mailboxes]\nregular = ["A/B"]\n', "initial_mailboxes.regular[0]", "top-level mailbox"),
        (STATIC + "[queue]\nmax_attempts = 0\n", "queue.max_attempts", "at least 1"),
        (STATIC + "[imap]\nmessage_limit = 999\n", "imap.message_limit", "0 or at least 1000"),
        (
            STATIC + "[imap]\nsave_limit = 999\n",
            "imap.save_limit",
            "0, or at least 1000 and no less than message_limit",
        ),
        (
            STATIC + "[imap]\nmessage_limit = 3000\nsave_limit = 2000\n",
            "imap.save_limit",
            "and no less than message_limit",
        ),
        (STATIC + '[oidc]\nissuer = "http://login.example"\nclient_id = "a"\n', "oidc.issuer", "https://"),
        (STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = " "\n', "oidc.client_id", "can't be blank"),
        (
            STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\nadmin_group = " "\n',
            "oidc.admin_group",
            "can't be blank",
        ),
        (
            STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\nshared_mailboxes.me = " "\n',
            "oidc.shared_mailboxes.me",
            "can't be blank",
        ),
        (
            STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\nshared_mailboxes.nobody = "a"\n',
            "oidc.shared_mailboxes.nobody",
            'account "nobody" isn\'t in domains.toml',
        ),
        (
            STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\nshared_mailboxes.me = "a"\n',
            "oidc.shared_mailboxes.me",
            "can't be used as a shared mailbox",
        ),
        (
            STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\npause_app_passwords = "1h"\n',
            "oidc.pause_app_passwords",
            "at least 1 day",
        ),
        (
            STATIC + '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\ntrust_addresses = ["other.example"]\n',
            "oidc.trust_addresses[0]",
            "isn't a domain in domains.toml",
        ),
    ],
)
def test_each_cross_check_of_the_static_file_tells_its_key(tmp_path: Path, static: str, key: str, words: str) -> None:
    """ADMIN-9."""
    found = problems(tmp_path, static)
    assert any(f" {key}: " in line and words in line for line in found), found


def test_accounts_are_created_in_trusted_domains_alone(tmp_path: Path) -> None:
    """ADMIN-9, WEB-186."""
    domains = DOMAINS + '[domains."example.org".new_accounts]\n'
    [found] = problems(tmp_path, domains=domains)
    assert "new_accounts: requires this domain in trust_addresses of [oidc]" in found
    provider = '[oidc]\nissuer = "https://login.example"\nclient_id = "a"\ntrust_addresses = ["example.org"]\n'
    assert problems(tmp_path, STATIC + provider, domains) == []


def test_nothing_else_may_fill_the_mailbox_of_the_queue(tmp_path: Path) -> None:
    """ADMIN-9, IMAP-162: neither the postmaster's mail nor the mailboxes that new accounts get."""
    assert problems(tmp_path, domains=QUEUE) == []
    [found] = problems(tmp_path, STATIC.replace('"Postmaster"', '"Outgoing"'), QUEUE)
    assert "postmaster.mailbox: is reserved for queue_mailbox" in found
    initial = STATIC + '[initial_mailboxes]\nregular = ["Outgoing"]\n'
    [found] = problems(tmp_path, initial, QUEUE)
    assert "accounts.me.queue_mailbox: can't be combined with a mailbox named Outgoing" in found
    assert problems(tmp_path, initial) == []


@pytest.mark.parametrize(
    ("domains", "key", "words"),
    [
        (DOMAINS + '[[routes]]\ntransport = "x"\n', "routes[0].transport", 'transport "x" isn\'t in moxlite.toml'),
        (
            DOMAINS + '[domains."example.org".dmarc]\nlocalpart = "d"\naccount = "x"\nmailbox = "D"\n',
            'domains."example.org".dmarc.account',
            'unknown account "x"',
        ),
        (
            DOMAINS + '[domains."example.org".tlsrpt]\nlocalpart = "d"\naccount = "x"\nmailbox = "D"\n',
            'domains."example.org".tlsrpt.account',
            'unknown account "x"',
        ),
        (
            DOMAINS
            + '[domains."example.org".dmarc]\nlocalpart = "d"\naccount = "me"\nmailbox = "D"\ndomain = "example.net"\n',
            'domains."example.org".dmarc.domain',
            "a domain",
        ),
        (
            DOMAINS + '[domains."example.org".dmarc]\nlocalpart = "me"\naccount = "me"\nmailbox = "D"\n',
            'accounts.me.destinations."me@example.org"',
            "dmarc reports",
        ),
        (
            DOMAINS.replace("me@example.org", "me@example.net"),
            'accounts.me.destinations."me@example.net"',
            "a domain",
        ),
        (
            DOMAINS + '[accounts.me.destinations."ME@example.org"]\n',
            'accounts.me.destinations."ME@example.org"',
            "already",
        ),
        (
            DOMAINS + '[accounts.me.destinations."a+b@example.org"]\n',
            'accounts.me.destinations."a+b@example.org"',
            "separator",
        ),
        (
            DOMAINS + '[accounts.me.destinations."x@XN--BCHER-KVA.example"]\n',
            'accounts.me.destinations."x@XN--BCHER-KVA.example"',
            "Unicode",
        ),
        (
            DOMAINS + '[domains."example.org".aliases.me]\naddresses = ["me@example.org"]\n',
            'domains."example.org".aliases.me',
            "already",
        ),
        (
            DOMAINS + '[domains."example.org".aliases.a]\naddresses = ["x@example.org"]\n',
            'domains."example.org".aliases.a.addresses[0]',
            "doesn't belong to an account",
        ),
        (
            DOMAINS + '[domains."example.org".aliases.a]\naddresses = ["me@example.org", "Me@example.org"]\n',
            'domains."example.org".aliases.a.addresses[1]',
            "is listed twice",
        ),
        (
            DOMAINS + '[domains."example.org".aliases.a]\naddresses = []\n',
            'domains."example.org".aliases.a.addresses',
            "at least one",
        ),
        (QUEUE + 'rejects_mailbox = "Outgoing"\n', "accounts.me.rejects_mailbox", "only the queue"),
        (QUEUE + 'introbox = "Outgoing/a"\n', "accounts.me.introbox", "only the queue"),
        (QUEUE + 'expire_after = { Outgoing = "1d" }\n', "accounts.me.expire_after.Outgoing", "only the queue"),
        (
            QUEUE + '[accounts.me.destinations."a@example.org"]\nmailbox = "Outgoing"\n',
            'accounts.me.destinations."a@example.org".mailbox',
            "only the queue",
        ),
        (
            QUEUE + '[[accounts.me.destinations."a@example.org".rulesets]]\nmailbox = "Outgoing"\nis_forward = true\n',
            'accounts.me.destinations."a@example.org".rulesets[0].mailbox',
            "only the queue",
        ),
        (
            QUEUE + '[domains."example.org".dmarc]\nlocalpart = "d"\naccount = "me"\nmailbox = "Outgoing/dmarc"\n',
            'domains."example.org".dmarc.mailbox',
            "only the queue",
        ),
        (
            DOMAINS + '[domains."example.org".mtasts]\npolicy_id = "1"\n',
            'domains."example.org".mtasts',
            "requires a listener",
        ),
        (
            DOMAINS + '[domains."example.org".mtasts]\npolicy_id = "a-b"\n',
            'domains."example.org".mtasts.policy_id',
            "letters and digits",
        ),
        (
            DOMAINS + '[domains."example.org".dkim]\nsign = ["2026a"]\n',
            'domains."example.org".dkim.sign',
            "unknown selector",
        ),
        (
            DOMAINS + '[domains."example.org".dkim.selectors.a]\nkey_file = "k"\nheaders = ["To"]\n',
            'domains."example.org".dkim.selectors.a.headers',
            "From",
        ),
        (DOMAINS.replace('["+"]', '["+", "+"]'), 'domains."example.org".localpart_separators', "the same value twice"),
        (DOMAINS + HANDLER + 'static = { root = "." }\n', "web_handlers", "requires a listener"),
        (DOMAINS + RULE, 'accounts.me.destinations."me@example.org".rulesets[0]', "at least one condition"),
        (
            DOMAINS + RULE + 'is_forward = true\nverified_domain = "a.example"\n',
            'accounts.me.destinations."me@example.org".rulesets[0].is_forward',
            "requires smtp_mail_from_regexp",
        ),
        (
            DOMAINS + RULE + 'msg_from_regexp = "("\n',
            'accounts.me.destinations."me@example.org".rulesets[0].msg_from_regexp',
            "regular expression",
        ),
        (
            DOMAINS + RULE + 'headers_regexp = { "List-Id" = "x" }\n',
            'accounts.me.destinations."me@example.org".rulesets[0].headers_regexp',
            "lowercase",
        ),
        (
            DOMAINS + RULE + 'verified_domain = "a.example"\naccept_rejects_to_mailbox = "inbox"\n',
            'accounts.me.destinations."me@example.org".rulesets[0].accept_rejects_to_mailbox',
            "Inbox",
        ),
        (DOMAINS + 'smtp_error = "599 x"\n', 'accounts.me.destinations."me@example.org".smtp_error', "421 or 550"),
        (
            DOMAINS + 'smtp_error = "550 x"\nmailbox = "A"\n',
            'accounts.me.destinations."me@example.org".smtp_error',
            "mailbox or rulesets",
        ),
        (
            DOMAINS + '[accounts.me.outgoing_webhook]\nurl = "ftp://a.example"\n',
            "accounts.me.outgoing_webhook.url",
            "http",
        ),
        (
            DOMAINS + '[accounts.me.outgoing_webhook]\nurl = "https://a.example"\nevents = ["x"]\n',
            "accounts.me.outgoing_webhook.events[0]",
            "one of",
        ),
        (
            DOMAINS + "[accounts.me.junk_filter]\nthreshold = 0.9\nonegrams = true\nmax_power = 0.5\n",
            "accounts.me.junk_filter.max_power",
            "less than 0.5",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nrejects_mailbox = "Inbox"\n'),
            "accounts.me.rejects_mailbox",
            "Inbox",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nrejects_mailbox = "R"\nintrobox = "R"\n'),
            "accounts.me.introbox",
            "rejects mailbox",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nrejects_mailbox = "Ne\u0301"\n'),
            "accounts.me.rejects_mailbox",
            "NFC",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nfrom_id_login_addresses = ["x@example.org"]\n'),
            "accounts.me.from_id_login_addresses[0]",
            "doesn't belong to this account",
        ),
        (
            DOMAINS.replace(
                '[accounts.me.destinations."me@example.org"]\n',
                '[accounts.me.destinations."me@example.org"]\nrefused_addresses = ["you+shop@example.org"]\n',
            ),
            'accounts.me.destinations."me@example.org".refused_addresses[0]',
            "doesn't lead to me@example.org",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nimap_capabilities_disabled = ["idle"]\n'),
            "accounts.me.imap_capabilities_disabled[0]",
            '"IDLE"',
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nimap_prefix = "INBOX"\n'),
            "accounts.me.imap_prefix",
            "separator",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", '[accounts.me]\nlogin_disabled = "line\\nline"\n'),
            "accounts.me.login_disabled",
            "control",
        ),
        (
            DOMAINS.replace("[accounts.me]\n", "[accounts.me]\nmax_outgoing_messages_per_day = -1\n"),
            "accounts.me.max_outgoing_messages_per_day",
            "negative",
        ),
    ],
)
def test_each_cross_check_of_the_dynamic_file_tells_its_key(tmp_path: Path, domains: str, key: str, words: str) -> None:
    """ADMIN-9, ADMIN-65."""
    found = problems(tmp_path, domains=domains)
    assert any(f" {key}: " in line and words in line for line in found), found


REDIRECT = 'redirect = { base_url = "https://a.example" }\n'
STATIC_RULE = 'static = { root = "." }\n'
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        ("", "exactly one"),
        ('static = { root = "." }\nredirect = { base_url = "https://a.example" }\n', "exactly one"),
        ("redirect = {}\n", "base_url or orig_path_regexp"),
        ('redirect = { base_url = "https://a.example", status_code = 304 }\n', "except 304"),
        ('redirect = { base_url = "https://a.example/path" }\n', "can't have a path"),
        ('redirect = { base_url = "//" }\n', "or // followed by a host"),
        ('redirect = { base_url = "https://user@a.example" }\n', "without a user name or password"),
        (
            'redirect = { orig_path_regexp = "^/(a)", replace_path = "/$2" }\n',
            "refers to an undefined group: $2",
        ),
        ('redirect = { orig_path_regexp = "^/a" }\n', "must have both orig_path_regexp and replace_path"),
        ('static = { root = ".", strip_prefix = "a/" }\n', "must start with a slash"),
        ('static = { root = ".", response_headers = { "a b" = "c" } }\n', "isn't a valid header field name"),
        ('static = { root = ".", response_headers = { a = "b\\u0085" } }\n', "control characters"),
        ('static = { root = ".", response_headers = { Content-Length = "1" } }\n', "can only be set by the server"),
        ('forward = { url = "ftp://a.example" }\n', "must be an http or https URL"),
        ('forward = { url = "unix:a" }\n', "must be unix:/path/to/socket"),
        (
            'forward = { url = "http://a.example", response_headers = { Upgrade = "b" } }\n',
            "can only be set by the server",
        ),
        ('internal = { base_path = "/a", service = "admin" }\n', "must start and end with a single slash"),
        (REDIRECT + 'basic_auth = { users = { jane = "secret" } }\n', "must be a hash from"),
        (REDIRECT + f'basic_auth = {{ users = {{ "a:b" = "{HASH}" }} }}\n', "a valid user name"),
        (REDIRECT + f'basic_auth = {{ users = {{ a = "{HASH.replace("19456", "999999")}" }} }}\n', "takes too much"),
        (REDIRECT + f'basic_auth = {{ users = {{ a = "{HASH.replace("t=2", "t=0")}" }} }}\n', "must be a hash from"),
        (REDIRECT + f'basic_auth = {{ users = {{ a = "{HASH.replace("19456", "7")}" }} }}\n', "must be a hash from"),
        (REDIRECT + f'basic_auth = {{ realm = "\\"", users = {{ a = "{HASH}" }} }}\n', "without quotation marks"),
        (REDIRECT + 'cache = [{ path_regexp = "", cache_control = "x" }]\n', "can only be used with static or forward"),
        (STATIC_RULE + 'cache = [{ path_regexp = "(", cache_control = "x" }]\n', "regular expression"),
        (STATIC_RULE + 'cache = [{ path_regexp = "", cache_control = "x\\ny" }]\n', "control characters"),
        (STATIC_RULE + 'allow_ips = ["192.0.2.1/24"]\n', "isn't a valid IP network"),
    ],
)
def test_a_web_handler_has_exactly_one_good_method(tmp_path: Path, handler: str, words: str) -> None:
    """ADMIN-9, WEB-34, WEB-42, WEB-44, WEB-135, WEB-162: settings that make sense."""
    found = problems(tmp_path, WEBSERVER, DOMAINS + HANDLER + handler)
    assert any(words in line for line in found), found


@pytest.mark.parametrize(
    "handler",
    [
        'redirect = { base_url = "//a.example:8080?x#y", status_code = 302 }\n',
        'redirect = { orig_path_regexp = "^/(?P<a>.)(b)", replace_path = "/${a}$a$2$$x" }\n',
        'internal = { base_path = "/mail/", service = "webmail" }\n',
        'internal = { base_path = "/a/", service = "admin" }\n',
        'forward = { url = "http://127.0.0.1:8000/base" }\n',
        STATIC_RULE + f'basic_auth = {{ users = {{ jane = "{HASH}" }} }}\nallow_ips = ["192.0.2.0/24"]\n',
        STATIC_RULE + 'cache = [{ path_regexp = "\\\\.css$", cache_control = "max-age=9, public" }]\n',
        'forward = { url = "unix:/run/a.sock:/base", strip_path = true }\n',
    ],
)
def test_good_web_handlers_pass(tmp_path: Path, handler: str) -> None:
    """WEB-34, WEB-42, WEB-44, WEB-49."""
    assert problems(tmp_path, WEBSERVER, DOMAINS + HANDLER + handler) == []


def test_hashes_of_passwords_are_not_shown(tmp_path: Path) -> None:
    """WEB-88, WEB-160: neither in the file's text, whole or broken, nor in effective values, nor in the audit log."""
    text = DOMAINS + HANDLER + STATIC_RULE + f'basic_auth = {{ users = {{ jane = "{HASH}" }} }}\n'
    none = good(tmp_path, WEBSERVER).domains
    before = good(tmp_path, WEBSERVER, text).domains
    after = good(tmp_path, WEBSERVER, text.replace("MDEyMzQ1", "OTg3NjU0")).domains
    shown = [masked_text(text, Domains), masked_text(text + "broken", Domains), str(masked_table(before))]
    shown += [str(differences(before, after)), str(differences(none, after))]
    for one in shown:
        assert "jane" in one
        assert MASK in one
        assert "argon2" not in one


@pytest.mark.parametrize("rules", [HANDLER + REDIRECT, '[web_domain_redirects]\n"a.example" = "b.example"\n'])
def test_rules_need_a_listener_with_a_web_server(tmp_path: Path, rules: str) -> None:
    """WEB-50: else nothing would serve them."""
    assert any(
        "requires a listener with webserver_http" in line for line in problems(tmp_path, STATIC, DOMAINS + rules)
    )
    assert problems(tmp_path, WEBSERVER, DOMAINS + rules) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("/", 'must start with "^"'),
        ("^(", "regular expression"),
        ("^" + "x" * 1024, "must be 1024 bytes or fewer"),
    ],
)
def test_the_pattern_of_a_web_handler_is_checked(tmp_path: Path, pattern: str, words: str) -> None:
    """WEB-34, WEB-36."""
    handler = HANDLER.replace("^/", pattern) + 'static = { root = "." }\n'
    found = problems(tmp_path, WEBSERVER, DOMAINS + handler)
    assert any(words in line for line in found), found


def test_a_mail_domain_is_no_ip_address(tmp_path: Path) -> None:
    """AUTH-8: the name of a host may be one, as that of a relay."""
    domains = DOMAINS.replace("example.org", "192.0.2.1")
    relay = STATIC + '[transports.relay.smtp]\nhost = "192.0.2.1"\n'
    [problem] = problems(tmp_path, relay, domains)
    assert "can't end with a number, because it would look like an IP address" in problem


@pytest.mark.parametrize(
    ("redirects", "words"),
    [
        ('"a.example" = "a.example"', "can't redirect to itself"),
        ('"a.example" = "b.example"\n"a.example" = "c.example"', "invalid TOML"),
        ('"a b" = "a.example"', "isn't a valid domain"),
    ],
)
def test_redirects_of_domains_are_checked(tmp_path: Path, redirects: str, words: str) -> None:
    """WEB-33."""
    found = problems(tmp_path, WEBSERVER, f"{DOMAINS}[web_domain_redirects]\n{redirects}\n")
    assert any(words in line for line in found), found


@pytest.mark.parametrize("name", ["..", "a..b", "a/b", "CON", "con", "nul.txt", "x" * 300, "Me", "é", "-a", ".a", "a."])
def test_names_of_accounts_are_safe_for_every_file_system(tmp_path: Path, name: str) -> None:
    """ADMIN-63, STORE-166."""
    domains = DOMAINS + f'[accounts."{name}"]\ndomain = "example.org"\n'
    assert any(
        "isn't a valid account name" in line or "Windows" in line for line in problems(tmp_path, domains=domains)
    )


def test_references_to_a_table_with_mistakes_are_not_told_twice(tmp_path: Path) -> None:
    """ADMIN-3: one mistake is one line."""
    static = STATIC + "[transports.relay.smtp]\nhst = 1\n"
    found = problems(tmp_path, static, DOMAINS + '[[routes]]\ntransport = "relay"\n')
    assert [line.rpartition(": ")[2] for line in found] == ["is missing", 'unknown key (did you mean "host"?)']


def test_a_reference_gets_the_likely_name(tmp_path: Path) -> None:
    """ADMIN-3."""
    static = STATIC + "[transports.smarthost]\n"
    found = problems(tmp_path, static, DOMAINS + '[[routes]]\ntransport = "smarthots"\n')
    assert found[0].endswith('(did you mean "smarthost"?)')


def test_keys_of_features_to_come_are_unknown(tmp_path: Path) -> None:
    """ADMIN-3: a key that would do nothing is told, not swallowed."""
    assert any("greylist: unknown key" in line for line in problems(tmp_path, STATIC + 'smtp.greylist = "all"\n'))


def test_what_is_seldom_meant_gives_warnings_but_works(tmp_path: Path) -> None:
    """ADMIN-10."""
    static = (
        STATIC.replace("[postmaster]", 'log_level = "tracedata"\n[postmaster]')
        + "account_http.enabled = true\n[listeners.wide]\nips = ['0.0.0.0']\naccount_http.enabled = true\n"
        + "[listeners.public]\nips = ['203.0.113.1', '198.51.100.7', '8.8.8.8']\nadmin_https.enabled = true\n"
        + LISTENER_TLS.replace("local", "public")
    )
    domains = DOMAINS + '[accounts.idle]\ndomain = "example.org"\nquota_message_size = 5\n'
    assert warnings(tmp_path, static, domains) == [
        "log_level: logs passwords and the content of every message",
        "listeners.wide.ips: listens on all addresses, including port 80, which local already uses",
        "listeners.public.admin_https: serves the admin app on public addresses",
        "accounts.idle: doesn't have any addresses, so it can't receive mail or log in",
        "accounts.idle.quota_message_size: is too small for mail",
    ]


@pytest.mark.parametrize(
    ("top", "inner", "key"),
    [
        ("", "max_message_size = 25\n", "listeners.local.max_message_size"),
        ("quota_message_size = 5\n", "", "quota_message_size"),
        ("imap.append_limit = 25\n", "", "imap.append_limit"),
        ("store.import_max_size = 50\n", "", "store.import_max_size"),
    ],
)
def test_a_size_without_its_unit_is_named(tmp_path: Path, top: str, inner: str, key: str) -> None:
    """ADMIN-10: no mail fits in it."""
    assert warnings(tmp_path, top + STATIC + inner, DOMAINS) == [f"{key}: is too small for mail"]


def test_each_size_is_looked_at() -> None:
    """ADMIN-10: but what isn't for a message."""
    sizes = {
        field.name
        for module in (static_module, domains_module, listeners_module)
        for section in vars(module).values()
        if isinstance(section, type) and issubclass(section, Section) and section is not Section
        for field in fields_of(section)
        if isinstance(field.shape, KindShape) and field.shape.kind.name == "size"
    }
    checked = set(re.findall(r"small_size\(\(.*?\"(\w+)\",?\),", inspect.getsource(checks)))
    assert sizes - checked == {"min_free_space", "upload_limit"}


def test_headers_that_a_signature_should_not_cover_are_told(tmp_path: Path) -> None:
    """AUTH-43: DKIM-Signature, Received, Return-Path."""
    selector = '[domains."other.example".dkim.selectors.a]\nkey_file = "a.pem"\nheaders = ["From", "Received"]\n'
    domains = DOMAINS + selector + 'unsealed_headers = ["Return-path"]\n'
    where = 'domains."other.example".dkim.selectors.a'
    ending = "which relaying servers add or change, so signatures will break"
    assert warnings(tmp_path, STATIC, domains) == [
        f"{where}.headers: includes Received, {ending}",
        f"{where}.unsealed_headers: includes Return-path, {ending}",
    ]


KEY = st.text("abc_-", min_size=1, max_size=4)
SCALAR = st.one_of(st.integers(-5, 5), st.booleans(), st.text("ab\"'\\\n#=[]{},é", max_size=6), st.floats(0, 1))
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(KEY, VALUE, max_size=5))
@settings(max_examples=200)
def test_every_key_of_any_toml_file_has_a_line(document: dict[str, object]) -> None:
    """ADMIN-3: the scanner of positions finds what the parser finds, where it stands."""
    import tomlkit

    text = tomlkit.dumps(document)
    lines = lines_of(text)
    count = text.count("\n") + 1

    def check(value: object, path: tuple[str | int, ...]) -> None:
        if path:
            assert 1 <= lines[path] <= count
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            check(item, (*path, key))

    check(loading.parse(loading.source_of(Path("x"), text.encode())), ())


@pytest.mark.slow
def test_a_thousand_domains_and_five_thousand_accounts_load_within_seconds(tmp_path: Path) -> None:
    """ADMIN-81: measured 1 s; the test only catches a change of order."""
    import time

    domains = "".join(f'[domains."d{n}.example"]\nlocalpart_separators = ["+"]\n' for n in range(1000))
    accounts = "".join(
        f'[accounts.a{n}]\ndomain = "d{n % 1000}.example"\n[accounts.a{n}.destinations."a{n}@d{n % 1000}.example"]\n'
        for n in range(5000)
    )
    began = time.thread_time()
    snapshot = good(tmp_path, domains=DOMAINS + domains + accounts)
    assert time.thread_time() - began < 10
    found = snapshot.login("A4999+x@d999.example")
    assert found is not None
    assert found.account == "a4999"


def test_a_static_file_that_is_not_there_is_explained(tmp_path: Path) -> None:
    """ADMIN-66: a new machine has none; a folder in its place is a plausible mistake. domains.toml has no hint."""
    with pytest.raises(ConfigError) as missing:
        load(tmp_path / "moxlite.toml")
    static, domains = missing.value.problems
    assert str(static).endswith(
        "No such file or directory (to create it, run `moxlite quickstart`; to use another file, add --config FILE)"
    )
    assert str(domains).endswith("domains.toml:1: can't be read: No such file or directory")
    with pytest.raises(
        ConfigError, match=re.escape("Is a directory (--config must be the file moxlite.toml, not a folder)")
    ):
        load(tmp_path)


def test_an_optional_text_is_set_or_absent() -> None:
    """ADMIN-7, WEB-89: forms show "" for a key that isn't there, so a file that has "" couldn't be changed by them. A
    path pattern alone may be empty: it matches each path, and no form shows it.
    """

    def sections(kind: type[Section]) -> Iterator[type[Section]]:
        for section in kind.__subclasses__():
            yield section
            yield from sections(section)

    optional = [(section, one) for section in sections(Section) for one in fields_of(section) if one.default is None]
    assert ("Destination", "message_auth_required_smtp_error") in {(kind.__name__, one.name) for kind, one in optional}
    assert [
        f"{section.__name__}.{one.name}"
        for section, one in optional
        if decode_field(section, one.name, "", Path())[0] is not None
    ] == ["WebRedirect.orig_path_regexp"]
    found, [mistake] = decode_field(Account, "login_disabled", "", Path())
    assert (found, mistake.text, mistake.hint) == (None, "can't be empty", "to leave it unset, remove this key")
