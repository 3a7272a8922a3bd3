"""Locks, networks, quotas and addresses of the old server in a plan (docs/spec/move.md)."""

import pytest

from moxlite.move.accountscsv import plan_of_csv
from moxlite.move.building import LOCKED, Common
from moxlite.move.dovecot import Files, plan_of_dovecot
from moxlite.move.plan import BadPlan, Plan, User

HASH = "$2y$10$" + "a" * 53
LOCK = {"login_disabled": LOCKED}


def users(plan: Plan) -> dict[str, User]:
    """The users by account."""
    return {user.account: user for user in plan.users}


def of_passwd(*lines: str, virtual: str = "", aliases: str = "") -> Plan:
    """The plan of a passwd-file and maps of example.org."""
    files = Files(passwd=[*lines], virtual=virtual.splitlines(), aliases=aliases.splitlines(), domain="example.org")
    return plan_of_dovecot(files, Common())


@pytest.mark.parametrize(
    ("line", "locked", "networks", "problem"),
    [
        (f"mia:{HASH}::::::nologin=y", True, "", "login is disabled here, too"),
        (f"mia:{HASH}::::::deny=yes", True, "", "login is disabled here, too"),
        (f"mia:{HASH}::::::nologin=no", False, "", ""),
        ("mia:!$6$rounds=5000$salt$hash::::::", True, "", "login is disabled here, too"),
        ("mia:{CRYPT}!$6$salt$hash::::::", True, "", "login is disabled here, too"),
        ("mia:*::::::", True, "", "login is disabled here, too"),
        ("mia:x::::::", False, "", ""),
        (f"mia:{HASH}::::::allow_nets=10.9.9.0/24", False, "10.9.9.0/24", 'set login_from to "anywhere" or "nowhere"'),
        (f"mia:{HASH}::::::allow_nets=10.9.9.0/24,0.0.0.0/0", False, "", ""),
        (
            f"mia:{HASH}:1000:1000::/home::userdb_mail=maildir:~ pass=secret",
            False,
            "",
            "can't copy extra field 'pass'",
        ),
    ],
)
def test_rights_to_log_in_are_data(line: str, locked: bool, networks: str, problem: str) -> None:
    """MOVE-14: fields without a counterpart are named, without their values."""
    user = users(of_passwd(line))["mia"]
    assert (user.settings.get("login_disabled") == LOCKED, user.login_from) == (locked, networks)
    assert [text for text in user.problems if problem in text] == user.problems
    assert bool(user.problems) == bool(problem)
    assert "secret" not in "".join(user.problems)
    assert not (locked and "!" in user.hash)


def test_quotas_of_both_versions_are_read() -> None:
    """MOVE-4: Dovecot 2.4, too."""
    plan = of_passwd(f"mia:{HASH}::::::userdb_quota_storage_size=5G", f"ben:{HASH}::::::userdb_quota_rule=*:storage=2G")
    assert [(user.quota, user.problems) for user in plan.users] == [("5g", []), ("2g", [])]


def test_users_of_a_csv_file_are_locked_as_there() -> None:
    """MOVE-3, MOVE-14: mailcow's `active` is 0 for neither login nor mail, 2 for mail alone."""
    lines = ["address|disabled|active", "a@x.example|yes|", "b@x.example|0|1", "c@x.example||0", "d@x.example||2"]
    plan = users(plan_of_csv([*lines, "e@x.example|perhaps|"], Common()))
    assert [name for name, user in plan.items() if user.settings == LOCK] == ["a", "c", "d", "e"]
    assert any("got no mail on the old server" in problem for problem in plan["c"].problems)
    assert any('can\'t read "disabled"' in problem for problem in plan["e"].problems)


@pytest.mark.parametrize(
    "lines",
    [
        ["mia@example.org|{SHA512-CRYPT}$6$secret", "ben@example.org|{SHA512-CRYPT}$6$secret"],
        ["address,quota", "mia@example.org,{SHA512-CRYPT}$6$secret"],
        ["address,name", "{SHA512-CRYPT}$6$secret,mia@example.org"],
        ["address,imap_host,imap_port", "mia@example.org,old.example,$6$secret"],
        ["address,aliases", "mia@example.org,$6$secret"],
    ],
)
def test_errors_never_quote_a_hash(lines: list[str]) -> None:
    """MOVE-3: in the wrong column, or in a file without column names."""
    try:
        text = "\n".join(plan_of_csv(lines, Common()).problem_lines())
    except BadPlan as error:
        text = str(error)
    assert text
    assert "secret" not in text


def test_values_that_are_missing_in_a_database_are_empty() -> None:
    """MOVE-3: as ``mysql -B`` writes them; a user may be called so in other files."""
    (user,) = plan_of_csv(["address\tname\tquota\thash", "mia@example.org\tNULL\tNULL\t\\N"], Common()).users
    assert (user.full_name, user.quota, user.hash, user.problems) == ("", "", "", [])
    assert plan_of_csv(["address,name", "mia@example.org,NULL"], Common()).users[0].full_name == "NULL"


def test_maps_of_postfix_keep_their_meaning() -> None:
    """MOVE-4: bare names are at the domain; who loses a copy is named; a domain may be another spelling of one."""
    plan = of_passwd(
        *(f"{name}:{HASH}" for name in ("kim", "gerd", "lena", "dora")),
        virtual=(
            "kim.k@example.org kim\n"
            "gerd@example.org gerd@example.org, ext@elsewhere.example\n"
            "dora+detail@example.org dora@example.org\n"
            "@alias.example @example.org\n"
        ),
        aliases="lena: \\lena, dora\nteam: kim, dora\n",
    )
    named = users(plan)
    assert named["kim"].addresses == [
        "kim@example.org",
        "kim.k@example.org",
        "kim@alias.example",
        "kim.k@alias.example",
    ]
    assert named["gerd"].problems == [
        "ext@elsewhere.example won't get copies of mail for gerd@example.org (account forward set)"
    ]
    assert named["lena"].problems == [
        "dora@example.org won't get copies of mail for lena@example.org (account forward set)"
    ]
    assert named["dora"].problems == ["skipped address dora+detail@example.org: mail with a + goes to dora@example.org"]
    assert {alias.address: alias.members for alias in plan.aliases} == {
        "team@example.org": ["kim@example.org", "dora@example.org"],
        "team@alias.example": ["kim@example.org", "dora@example.org"],
    }
    assert plan.problems == []


def test_calendars_that_the_run_refuses_are_refused_by_the_plan() -> None:
    """MOVE-2: one rule for both."""
    lines = ["address,password,dav_url,dav_password", "mia@example.org,x,http://127.0.0.1:5232/,x"]
    (user,) = plan_of_csv(lines, Common()).users
    assert (user.dav, user.problems) == (
        [],
        ["skipped calendars and contacts: the URL must start with https:// and can't include a password"],
    )


def test_users_log_in_as_on_the_old_server() -> None:
    """MOVE-15: by names without a domain, each of one user; the second one is told."""
    plan = of_passwd(f"mia:{HASH}::::::", f"ben@example.org:{HASH}::::::")
    assert [user.settings for user in plan.users] == [{"login_names": ["mia"]}, {}]
    plan = plan_of_csv(
        [
            "address,imap_host,imap_user,imap_password\n",
            "mia@example.org,old.example,mia,secret\n",
            "mia@example.net,old.example,MIA,secret\n",
            "ben@example.org,old.example,ben@old.example,secret\n",
        ],
        Common(),
    )
    assert [user.settings for user in plan.users] == [{"login_names": ["mia"]}, {}, {}]
    problem = "can't log in as 'MIA' here because mia@example.org does; change it on the devices"
    assert [user.problems for user in plan.users] == [[], [problem], []]
