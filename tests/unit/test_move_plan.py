"""Plans of a move: the file, and the sources that make them (docs/spec/move.md)."""

import os
import string
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

from moxlite.cli.archives.imports import import_folder
from moxlite.cli.common import Failure
from moxlite.cli.move import _folder, _lines, plan as commands
from moxlite.mailauth.dkim.sign import generate, to_pem
from moxlite.move.accountscsv import plan_of_csv
from moxlite.move.building import Common
from moxlite.move.dovecot import Files, _expanded, plan_of_dovecot
from moxlite.move.mox import parsed, plan_of_mox
from moxlite.move.page import page_of
from moxlite.move.plan import (
    Alias,
    BadPlan,
    DAVUser,
    IMAPServer,
    IMAPUser,
    Plan,
    Script,
    User,
    imap_order,
    read_plan,
    read_secret,
    text_of_plan,
    without_secrets,
    write_new,
)
from moxlite.operations.move import MoveLink
from moxlite.wording import ReaderLanguage
from tests.tools import slowness

MD5 = "$1$saltsalt$" + "a" * 22
SHA = "{SSHA512}" + "A" * 100
MASTER = Common(imap=IMAPServer(host="old.example", master_user="master", master_password="master-secret"))


def problems(plan: Plan) -> str:
    """All problems, as one text."""
    return "\n".join(plan.problem_lines())


# The file


@given(st.lists(st.text(max_size=40), min_size=5, max_size=5), st.booleans())
def test_a_plan_survives_its_file(texts: list[str], active: bool) -> None:
    """MOVE-1: whatever a source has in its texts."""
    user = User(account="mia", addresses=["mia@example.org"], full_name=texts[0], hash=texts[1], password=texts[2])
    user.scripts = [Script(name=texts[3], text=texts[4], active=active)]
    user.imap = IMAPUser(user=texts[0], password=texts[1])
    user.dav = [DAVUser(url=texts[0], user=texts[1], password=texts[2])]
    user.problems = texts
    plan = Plan(kind="csv", domains=["example.org"], users=[user], problems=texts, imap=IMAPServer(host=texts[3]))
    plan.aliases = [Alias(address="a@example.org", members=texts, problems=texts)]
    assert read_plan(text_of_plan(plan)) == plan


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("version = 2", "version 2"),
        ("version = 1\nuser = 3", "user"),
        ('[[users]]\naccount = "mia"\naddresses = []', "at least one address"),
        ('[[users]]\naccount = "mia"\naddresses = ["a@b.c"]\npasword = "x"', "pasword"),
        ("[[users", "TOML|Invalid|invalid|Expected"),
    ],
)
def test_a_plan_with_a_mistake_is_refused(text: str, reason: str) -> None:
    """MOVE-1"""
    with pytest.raises(BadPlan, match=reason):
        read_plan(text)


def test_a_plan_is_for_its_owner_alone(tmp_path: Path) -> None:
    """MOVE-1"""
    path = tmp_path / "plan.toml"
    write_new(path, "x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_secret(path) == "x"
    with pytest.raises(BadPlan, match="exists"):
        write_new(path, "y")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((BadPlan, OSError)):
        write_new(tmp_path / "link", "y")
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(BadPlan, match="other users can read secrets"):
            read_secret(path)
    with pytest.raises(BadPlan, match="isn't a regular file"):
        read_secret(Path("/dev/null"))


def test_a_finished_plan_has_no_secret() -> None:
    """MOVE-10: no field whose name is that of a secret has a value, also one that a later version adds."""
    user = User(account="mia", addresses=["mia@example.org"], hash="h-secret", password="p-secret")
    user.imap = IMAPUser(user="mia", password="i-secret")
    user.dav = [DAVUser(url="https://x", user="mia", password="d-secret")]
    plan = Plan(users=[user], imap=IMAPServer(host="x", master_user="m", master_password="m-secret"))
    assert "secret" not in text_of_plan(without_secrets(plan)).partition("\n\n")[2]
    assert read_plan(text_of_plan(without_secrets(plan))).finished
    assert text_of_plan(plan).count("secret") == 5


def test_the_login_at_the_old_server_is_the_users_own_or_the_masters() -> None:
    """MOVE-3"""
    user = User(account="mia", addresses=["mia@example.org"], imap=IMAPUser(user="mia@old"))
    plan = Plan(imap=MASTER.imap)
    order = imap_order(plan, user)
    assert order is not None
    assert (order.host, order.user, order.password) == ("old.example", "mia@old*master", "master-secret")
    user.imap = IMAPUser(user="mia@old", password="own", host="other.example", port=1143, tls="starttls")
    order = imap_order(plan, user)
    assert order is not None
    assert (order.host, order.port, order.tls, order.user, order.password) == (
        "other.example",
        1143,
        "starttls",
        "mia@old",
        "own",
    )
    user.imap = None
    assert imap_order(plan, user) is None


# CSV


def test_a_csv_file_names_its_columns() -> None:
    """MOVE-2, MOVE-3"""
    plan = plan_of_csv(
        [
            "\ufeffaddress;name;hash;quota;aliases;imap_host;imap_password;imap_tls\n",
            f"Mia@Example.org;Mia Muster;{SHA};2 GB;m@example.org boss@example.net;imap.old.example;secret;starttls\n",
            "ben@example.org;;nonsense;lots;m@example.org;;;\n",
            "mia@example.org;;;;;;;\n",
            "\n",
            "no-domain;;;;;;;\n",
            "zoë@exämple.org;;;;;old.example;secret;maybe\n",
            ";;;;;;;;;;;;\n",
            "x;y;z;a;b;c;d;e;f;g\n",
        ],
        Common(),
    )
    mia, ben, zoe = plan.users
    assert (mia.account, mia.addresses, mia.full_name, mia.hash) == (
        "mia",
        ["mia@example.org", "m@example.org", "boss@example.net"],
        "Mia Muster",
        SHA,
    )
    assert mia.imap == IMAPUser(user="Mia@Example.org", password="secret", host="imap.old.example", tls="starttls")
    assert ben.addresses == ["ben@example.org"]
    assert (ben.hash, ben.quota, ben.imap) == ("", "", None)
    assert zoe.imap is None
    assert plan.domains == ["example.org", "example.net", "exämple.org"]
    text = problems(plan)
    assert "skipped user mia@example.org: mia@example.org has this address" in text
    assert "skipped user 'no-domain'" in text
    assert "ben@example.org: skipped address m@example.org: mia@example.org has it" in text
    assert "ben@example.org: can't read quota 'lots'" in text
    assert "ben@example.org: can't copy the password: unknown hash format" in text
    assert "can't read imap_port or imap_tls" in text
    assert "more fields" in text


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_fields_may_have_commas_semicolons_or_tabs_between(between: str) -> None:
    """MOVE-3"""
    plan = plan_of_csv([f"address{between}name\n", f"mia@example.org{between}Mia\n"], Common())
    assert [(user.address, user.full_name) for user in plan.users] == [("mia@example.org", "Mia")]


def test_a_csv_file_with_unknown_columns_is_refused() -> None:
    """MOVE-3"""
    for head in ("address,pasword\n", "name\n", "", "address,address\n"):
        with pytest.raises(BadPlan, match="expected one of address"):
            plan_of_csv([head], Common())


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_csv_file_is_planned_or_refused(lines: list[str]) -> None:
    """MOVE-2: one bad line stops no other."""
    plan = plan_of_csv(["address,name,aliases,hash\n", *lines, "\n", "mia@example.org,,,\n"], Common())
    read_plan(text_of_plan(plan))


def test_accounts_get_names_that_are_allowed_and_differ() -> None:
    """MOVE-2"""
    addresses = [
        "info@a.example",
        "info@b.example",
        "info@c.example",
        "O'Neil@a.example",
        "zoë@a.example",
        "(admin)@a.example",
    ]
    plan = plan_of_csv(["address\n", *(f"{one}\n" for one in addresses)], MASTER)
    names = [user.account for user in plan.users]
    assert len(set(names)) == len(names)
    assert names[:3] == ["info", "info-b.example", "info-c.example"]


# Dovecot and Postfix


def test_a_passwd_file_and_maps_are_read(tmp_path: Path) -> None:
    """MOVE-4"""
    home = tmp_path / "example.org" / "mia"
    (home / "sieve").mkdir(parents=True)
    (home / "sieve/one.sieve").write_text("keep;")
    (home / "sieve/two.sieve").write_text("discard;")
    (home / "sieve/bad.sieve").write_bytes(b"\xff")
    (home / ".dovecot.sieve").symlink_to("sieve/two.sieve")
    files = Files(
        passwd=[
            "# comment\n",
            f"mia@example.org:{SHA}:1:1:Mia Muster,,:/home:/bin/sh:userdb_quota_rule=*:storage=5G userdb_mail=x\n",
            f"ben:{{MD5-CRYPT}}{MD5}::::::\n",
            "plain@example.org:{plain}open sesame::::::\n",
            "bare@example.org:oldcrypt::::::\n",
            "../evil@example.org:!::::::\n",
        ],
        virtual=[
            "example.org  anything\n",
            "mia@example.org mia@example.org\n",
            "m@example.org\tmia@example.org\n",
            "list@example.org mia@example.org,\n",
            "  ben@example.org,\n",
            "  them@elsewhere.example\n",
            "@example.org mia@example.org\n",
            "@example.net mia@example.org, ben@example.org\n",
            "bare@example.org me@gmail.example\n",
            "out@example.org me@gmail.example\n",
            "nothing@example.org\n",
        ],
        aliases=["boss: ben\n", 'pipe: "|/bin/sh -c evil"\n', "file: /dev/sda\n", "inc: :include:/etc/passwd, mia\n"],
        domain="example.org",
        scripts=str(tmp_path / "%d/%n"),
    )
    plan = plan_of_dovecot(files, MASTER)
    users = {user.address: user for user in plan.users}
    mia, ben = users["mia@example.org"], users["ben@example.org"]
    assert mia.addresses == ["mia@example.org", "m@example.org", "@example.org", "inc@example.org"]
    assert (mia.full_name, mia.quota, mia.hash) == ("Mia Muster", "5g", SHA)
    assert mia.scripts == [Script(name="one", text="keep;"), Script(name="two", text="discard;", active=True)]
    assert mia.imap == IMAPUser(user="mia@example.org")
    assert (ben.addresses, ben.hash) == (["ben@example.org", "boss@example.org"], MD5)
    assert users["plain@example.org"].password == "open sesame"
    assert [alias.members for alias in plan.aliases] == [["mia@example.org", "ben@example.org"]]
    text = problems(plan)
    for words in (
        "skipped script bad.sieve",
        "ben@example.org: easy to crack if",
        "bare@example.org: can't copy the password because its hash doesn't have a scheme",
        "list@example.org: skipped member them@elsewhere.example",
        "skipped catch-all @example.net",
        "bare@example.org: skipped forwarding to me@gmail.example",
        "skipped alias out@example.org: no members here",
        "skipped virtual 'nothing@example.org': no target",
        "target '|/bin/sh -c evil' is a program",
        "target '/dev/sda' is a file",
        "target ':include:/etc/passwd' is a list in a file",
    ):
        assert words in text, words
    read_plan(text_of_plan(plan))


@given(st.lists(st.text(alphabet=string.printable, max_size=60), max_size=6))
def test_any_passwd_file_is_planned(lines: list[str]) -> None:
    """MOVE-2"""
    plan = plan_of_dovecot(Files(passwd=lines, virtual=lines, aliases=lines, domain="example.org"), MASTER)
    read_plan(text_of_plan(plan))


def test_aliases_of_aliases_lead_to_users() -> None:
    """MOVE-4: as in the aliases file that Debian ships; a loop ends, and a target that is no user is a problem."""
    files = Files(
        passwd=["mia@example.org:::::::", "ben@example.org:::::::"],
        aliases=["postmaster: root", "root: mia", "all: team, root", "team: ben, all, gone", "mia: mia"],
        domain="example.org",
    )
    plan = plan_of_dovecot(files, Common())
    assert plan.users[0].addresses == ["mia@example.org", "postmaster@example.org", "root@example.org"]
    assert {alias.address: sorted(alias.members) for alias in plan.aliases} == {
        "all@example.org": ["ben@example.org", "mia@example.org"],
        "team@example.org": ["ben@example.org", "mia@example.org"],
    }
    assert "skipped member gone@example.org: unknown address" in problems(plan)


@pytest.mark.parametrize(
    ("words", "host", "port"),
    [("old.example", "old.example", 0), ("old.example:1143", "old.example", 1143), ("[::1]:993", "::1", 993)],
)
@pytest.mark.parametrize("kind", ["csv", "dovecot", "mox"])
def test_all_kinds_of_plans_are_told_of_the_old_server_alike(
    tmp_path: Path, kind: str, words: str, host: str, port: int
) -> None:
    """MOVE-1: by the same options."""
    source, out = tmp_path / "domains.conf", tmp_path / "plan.toml"
    source.write_text(
        {"csv": "address\nmia@example.org\n", "dovecot": "mia@example.org:::::::\n"}.get(kind, DOMAINS_CONF)
    )
    (tmp_path / "mia@example.org").mkdir()
    options = [
        "--imap",
        words,
        "--tls",
        "none",
        "--dav",
        "https://old.example/dav",
        "--files",
        f"{tmp_path}/%u",
    ]
    done = CliRunner().invoke(commands, [kind, str(source), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    plan = read_plan(read_secret(out))
    assert plan.imap is not None
    assert (plan.imap.host, plan.imap.port, plan.imap.tls) == (host, port, "none")
    assert [user.files for user in plan.users if user.address == "mia@example.org"] == [f"{tmp_path}/mia@example.org"]


NAMES = st.sampled_from("abcdeF")


@given(st.lists(st.tuples(NAMES, st.lists(st.sampled_from("abcdefxy"), min_size=1, max_size=3)), max_size=8))
def test_aliases_lead_to_the_ends_that_a_plain_walk_finds(entries: list[tuple[str, list[str]]]) -> None:
    """MOVE-4: whatever leads to what, and to itself."""
    known: dict[str, list[str]] = {}
    for address, targets in entries:
        known.setdefault(address.lower(), []).extend(targets)

    def below(start: Iterable[str]) -> set[str]:
        found, rest = set[str](), [*start]
        while rest:
            if (key := rest.pop().lower()) not in found:
                found.add(key)
                rest += known.get(key, [])
        return found

    for (address, targets), (expanded, ends) in zip(entries, _expanded(entries), strict=True):
        assert expanded == address
        reached, own = below(targets), address.lower()
        back = {key for key in reached & {*known} if key in below(known[key])}
        around = {key for key in back if own in below([key])} if own in back else set[str]()
        found = {end.lower() for end in ends}
        assert found - {*known} == reached - {*known}
        assert (own in found) == bool(around & below(targets))
        assert found & {*known} <= back - around | {own}


def test_a_chain_of_aliases_costs_its_length() -> None:
    """MOVE-4: 5,000 that each lead to the next are a moment's work, and so is a loop of as many."""
    names = [f"a{number}" for number in range(5_000)]
    chain = [(name, [following]) for name, following in pairwise(names)]
    before = time.process_time()
    assert {end for _, ends in _expanded(chain) for end in ends} == {names[-1]}
    assert all(ends == [name] for name, ends in _expanded([*chain, (names[-1], [names[0]])]))
    assert time.process_time() - before < 1.0 * slowness()


# mox

DOMAINS_CONF = """\
# NOTE: This config file is in 'sconf' format.
Domains:
\texample.org:
\t\tLocalpartCatchallSeparator: +
\t\tDKIM:
\t\t\tSelectors:
\t\t\t\t2024a:
\t\t\t\t\tHash: sha256
\t\t\t\t\tPrivateKeyFile: dkim/a.pem
\t\t\t\t2024b:
\t\t\t\t\tPrivateKeyFile: dkim/b.pem
\t\t\t\t2024c:
\t\t\t\t\tPrivateKeyFile: dkim/c.pem
\t\t\tSign:
\t\t\t\t- 2024a
\t\tAliases:
\t\t\tteam:
\t\t\t\tAddresses:
\t\t\t\t\t- mia@example.org
\t\t\t\t\t- ben@example.org
\t\t\t\tPostPublic: true
\t\t\t\tListMembers: true
Accounts:
\tmia:
\t\tOutgoingWebhook:
\t\t\tURL: https://hook.example
\t\tDomain: example.org
\t\tFullName: Mia Muster
\t\tQuotaMessageSize: 1000000
\t\tDestinations:
\t\t\tmia@example.org:
\t\t\t\tRulesets:
\t\t\t\t\t-
\t\t\t\t\t\tSMTPMailFromRegexp: ^list@
\t\t\t\t\t\tMailbox: Lists

\t\t\t\t\t# (optional)
\t\t\t\t\t-
\t\t\t\t\t\tVerifiedDomain: shop.example
\t\t\t\t\t\tHeadersRegexp:
\t\t\t\t\t\t\tlist-id: <news.*>
\t\t\t\t\t\tIsForward: false
\t\t\t\t\t\tMailbox: Shop
\t\t\t\t\t-
\t\t\t\t\t\tMsgFromRegexp: (unclosed
\t\t\t\t\t\tMailbox: Broken
\t\t\t\t\t-
\t\t\t\t\t\tMsgFromRegexp: ^a@
\t\t\t\t\t\tMood: good
\t\t\t\t\t\tMailbox: Other
\t\t\t@example.org:
\t\t\t\tMailbox: Rest
\t\tRejectsMailbox: Rejected
\t\tKeepRejects: true
\t\tMaxOutgoingMessagesPerDay: many
\t\tRoutes:
\t\t\t-
\t\t\t\tTransport: relay
\t\tJunkFilter:
\t\t\tThreshold: 0.970000
\t\t\tOnegrams: true
\t\t\tMaxPower: 0.010000
\t\t\tTopWords: 12
\tben:
\t\tDomain: example.org
\t\tDestinations:
\t\t\tben: nil
"""


def test_links_of_the_old_server_lead_to_no_other_files(tmp_path: Path) -> None:
    """MOVE-1: root reads what a server that was taken over has left; its scripts, keys and folders of mail are links to
    files of root.
    """
    secrets, old = tmp_path / "root", tmp_path / "old"
    (secrets / "sieve").mkdir(parents=True)
    (secrets / "sieve/a.sieve").write_text("secret")
    key = to_pem(generate("ed25519"))
    (secrets / "key.pem").write_bytes(key)
    (old / "mail/mia/sieve").mkdir(parents=True)
    (old / "mail/mia/sieve/spy.sieve").symlink_to(secrets / "sieve/a.sieve")
    (old / "mail/mia/.dovecot.sieve").symlink_to(secrets / "key.pem")
    (old / "mail/mia/sieve/loop.sieve").symlink_to("loop.sieve")
    os.mkfifo(old / "mail/mia/sieve/pipe.sieve")
    (old / "mail/ben").symlink_to(secrets)
    pattern = f"{old}/mail/%n"
    files = Files(passwd=["mia@example.org:::::::\n", "ben@example.org:::::::\n"], scripts=pattern)
    plan = plan_of_dovecot(files, Common(files=pattern))
    mia, ben = plan.users
    assert (mia.scripts, mia.files) == ([], f"{old}/mail/mia")
    assert (ben.scripts, ben.files) == ([], "")
    for words in (
        f"skipped script spy.sieve: [Errno 1] leads outside {old}/mail",
        "skipped script loop.sieve: [Errno 40]",
        "skipped script pipe.sieve: [Errno 6] isn't a regular file",
        f"skipped script .dovecot.sieve: [Errno 1] leads outside {old}/mail",
        f"skipped script a.sieve: [Errno 1] leads outside {old}/mail",
        f"skipped mail: folder {old}/mail/ben leads outside {old}/mail",
    ):
        assert words in problems(plan)

    (old / "users").symlink_to(secrets / "key.pem")
    with pytest.raises(Failure, match="leads outside"):
        _lines(old / "users")
    (old / "real").write_text("x\n")
    (old / "inner").symlink_to("real")
    assert _lines(old / "inner") == ["x\n"]
    (old / "mail/eve").mkdir()
    assert _folder(f"{old}/mail/eve") == old / "mail/eve"
    with pytest.raises(Failure, match=f"mail/ben leads to {secrets}; if that's the right folder"):
        _folder(f"{old}/mail/ben")
    (old / "mail/eve/Maildir").symlink_to(secrets)
    with pytest.raises(Failure, match="Maildir is a symbolic link"):
        import_folder("eve", old / "mail/eve", skip_duplicates=True)

    (old / "dkim").symlink_to(secrets)
    (old / "b.pem").write_bytes(key)
    (old / "a.pem").symlink_to("b.pem")
    names = {"dkim/a.pem": "dkim/key.pem", "dkim/b.pem": f"{secrets}/key.pem", "dkim/c.pem": "a.pem"}
    text = DOMAINS_CONF
    for name, other in names.items():
        text = text.replace(name, other)
    plan = plan_of_mox(text, Common(), old)
    assert [one.pem for one in plan.keys] == [key.decode()]
    assert problems(plan).count(f"leads outside {old}") == 2


def test_domains_conf_of_mox_is_read(tmp_path: Path) -> None:
    """MOVE-5: a file made by its public description."""
    (tmp_path / "dkim").mkdir()
    (tmp_path / "dkim/a.pem").write_bytes(to_pem(generate("ed25519")))
    (tmp_path / "dkim/b.pem").write_text("no key")
    (tmp_path / "dkim/c.pem").write_bytes("# Schlüssel\n".encode() + to_pem(generate("ed25519")))
    plan = plan_of_mox(DOMAINS_CONF, Common(imap=IMAPServer(host="old.example")), tmp_path)
    mia, ben = plan.users
    assert (mia.account, mia.addresses, mia.full_name, mia.quota) == (
        "mia",
        ["mia@example.org", "@example.org"],
        "Mia Muster",
        "1000000",
    )
    assert ben.addresses == ["ben@example.org"]
    assert plan.aliases == [
        Alias(address="team@example.org", members=["mia@example.org", "ben@example.org"], list_members=True)
    ]
    text = problems(plan)
    assert mia.settings == {
        "outgoing_webhook": {"url": "https://hook.example"},
        "rejects_mailbox": "Rejected",
        "keep_rejects": True,
        "junk_filter": {"threshold": 0.97, "onegrams": True, "top_words": 12},
    }
    assert mia.destinations == {
        "mia@example.org": {
            "rulesets": [
                {"smtp_mail_from_regexp": "^list@", "mailbox": "Lists"},
                {
                    "verified_domain": "shop.example",
                    "headers_regexp": {"list-id": "<news.*>"},
                    "mailbox": "Shop",
                },
            ]
        },
        "@example.org": {"mailbox": "Rest"},
    }
    assert (ben.settings, ben.destinations) == ({}, {})
    assert [(key.domain, key.selector, key.signs) for key in plan.keys] == [("example.org", "2024a", True)]
    assert "can't copy rule 3 for mia@example.org: MsgFromRegexp: " in text
    assert "can't copy rule 4 for mia@example.org: Mood: unknown setting" in text
    assert "setting MaxOutgoingMessagesPerDay: invalid value 'many'" in text
    assert "routes for outgoing mail" in text
    assert "skipped DKIM key 2024b for example.org" in text
    assert "skipped DKIM key 2024c for example.org" in text
    assert "passwords" in text
    assert read_plan(text_of_plan(plan)) == plan
    assert "PRIVATE KEY" not in text_of_plan(without_secrets(plan))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Accounts:\n\t\tmia:\n", "line 2: wrong indentation"),
        ("\tAccounts:\n", "line 1: wrong indentation"),
        ("Accounts\n", "line 1 must be"),
        ("A: 1\nA: 2\n", "duplicate"),
        ("- x\nA: 2\n", "mixes"),
        ("\n".join("\t" * depth + "a:" for depth in range(30)), "more than 20"),
    ],
)
def test_a_wrong_domains_conf_is_refused_with_its_line(text: str, reason: str) -> None:
    """MOVE-5"""
    with pytest.raises(BadPlan, match=reason):
        plan_of_mox(text, Common())


@given(st.text(alphabet="\tab:-# \n", max_size=80))
def test_any_sconf_is_read_or_refused(text: str) -> None:
    """MOVE-5"""
    try:
        msgspec.json.encode(parsed(text))
    except BadPlan:
        pass


def test_the_page_has_a_sheet_for_each_link() -> None:
    """MOVE-9"""
    page = page_of(
        [
            MoveLink("mia@example.org", "<Mia>", "https://mx.example/#recover=abc", "2026-12-04 10:00"),
            MoveLink("ben@example.org", "", "", "", "no page"),
        ],
        ReaderLanguage(),
    )
    assert page.count("<section>") == page.count("<svg") == 1
    assert "&lt;Mia&gt;" in page
    assert "https://mx.example/#recover=abc" in page
