"""Users in a CSV file, for servers without a source of their own (MOVE-3)."""

import csv
from collections.abc import Iterable, Mapping
from typing import Final, cast, get_args

from moxlite.move.building import Builder, Candidate, Common, words
from moxlite.move.plan import TLS, BadPlan, DAVUser, IMAPUser, Plan

COLUMNS: Final = (
    *("address", "name", "account", "hash", "password", "quota", "aliases", "files", "disabled", "active"),
    *("imap_host", "imap_port", "imap_tls", "imap_user", "imap_password"),
    *("dav_url", "dav_user", "dav_password"),
)


_NULL: Final = frozenset({"NULL", "\\N"})
"""Missing values in the output of mysql and psql, with tabs between."""

_DISABLED: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("", "0", "n", "no", "false", "f"), False),
    **dict.fromkeys(("1", "y", "yes", "true", "t"), True),
}


def plan_of_csv(lines: Iterable[str], common: Common) -> Plan:
    """The plan of a file. Raises BadPlan."""
    rows = iter(lines)
    head = next(rows, "").removeprefix("\ufeff")
    delimiter = max(",;\t|", key=head.count)
    names = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
    unknown = sorted({name for name in names if name not in COLUMNS})
    if "address" not in names or unknown or len(set(names)) < len(names):
        # Without "address", the line may be a user's, with a hash.
        shown = (
            f"unknown columns: {', '.join(map(repr, unknown))}"
            if unknown and "address" in names
            else "the first line must have each column name once, including address"
        )
        raise BadPlan(f"{shown}; expected one of {', '.join(COLUMNS)}")
    builder = Builder("csv", common)
    reader = csv.reader(rows, delimiter=delimiter)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return builder.plan
        except csv.Error as error:
            builder.plan.problems.append(f"skipped line {reader.line_num + 1}: {error}")
            continue
        if not any(fields):
            continue
        if len(fields) > len(names):
            builder.plan.problems.append(f"skipped line {reader.line_num + 1}: more fields than in the first line")
            continue
        if delimiter == "\t":
            fields = ["" if field in _NULL else field for field in fields]
        builder.add_user(_candidate(dict(zip(names, fields, strict=False)), common))


def _candidate(row: dict[str, str], common: Common) -> Candidate:
    row = {name: value if name.endswith("password") else value.strip() for name, value in row.items()}
    address = row["address"]
    given = Candidate(
        address=address,
        account=row.get("account", ""),
        full_name=row.get("name", ""),
        quota=row.get("quota", ""),
        hash=row.get("hash", ""),
        password=row.get("password", ""),
        more=[*words(row.get("aliases", ""))],
        files=row.get("files", ""),
    )
    _lock(row, given)
    given.imap = _imap(row, given, common)
    if given.imap is not None and "@" not in given.imap.user:
        given.login = given.imap.user
    url = row.get("dav_url", "") or (common.dav if row.get("dav_password") else "")
    if url:
        user, password = row.get("dav_user", "") or address, row.get("dav_password", "") or given.password
        given.dav = [DAVUser(url=url, user=user, password=password)]
    return given


def _lock(row: dict[str, str], given: Candidate) -> None:
    """Read who can't log in. `active` is mailcow's: 0 neither login nor mail, 2 only mail."""
    disabled, active = row.get("disabled", "").lower(), row.get("active", "")
    if disabled not in _DISABLED or active not in ("", "0", "1", "2"):
        given.problems.append('can\'t read "disabled" or "active"; expected yes or no, and 0, 1 or 2')
    given.locked = _DISABLED.get(disabled, True) or active not in ("", "1")
    if active == "0":
        given.problems.append("got no mail on the old server; here, mail is delivered unless you remove the addresses")


def _imap(row: dict[str, str], given: Candidate, common: Common) -> IMAPUser | None:
    host, port, tls = row.get("imap_host", ""), row.get("imap_port", ""), row.get("imap_tls", "")
    if not host and common.imap is None:
        return None
    if (port and not (port.isdecimal() and 0 < int(port) < 65536)) or (tls and tls not in get_args(TLS)):
        given.problems.append("skipped mail: can't read imap_port or imap_tls")
        return None
    password = row.get("imap_password", "") or given.password
    if not password and (common.imap is None or not common.imap.master_user):
        given.problems.append("skipped mail: no password or master user")
        return None
    user = row.get("imap_user", "") or given.address
    return IMAPUser(
        user=user,
        password=row.get("imap_password", "") or ("" if common.imap and common.imap.master_user else password),
        host=host,
        port=int(port or 0),
        tls=cast(TLS, tls or "implicit"),
    )
