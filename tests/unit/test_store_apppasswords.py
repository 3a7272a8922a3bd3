"""App passwords in the store: making, keeping and revoking them (docs/spec/store.md, STORE-191)."""

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import msgspec
import pytest
import trio

from moxlite.proto.sasl import Secrets
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth import apppasswords, credentials
from moxlite.store.auth.apppasswords import (
    MAX_APP_PASSWORDS,
    MAX_TOKENS,
    AppPassword,
    AppPasswordRefused,
    Scope,
    account_of_token,
    add_app_password,
    add_token,
    app_passwords,
    passwords,
    remove_app_password,
    token_named,
    wrong_app_passwords,
)
from moxlite.store.auth.credentials import Credential, change_password, credential, rehash, set_credential
from moxlite.store.changelog.account import Account
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.migrations import Kind, migrations_of
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account

HOUR = 3600 * 1_000_000


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Account]:
    accounts = Accounts(tmp_path, Options(min_free_space=0, check_on_close=True))
    async with accounts.use("mia") as open_account:
        yield open_account
    await accounts.aclose()


async def stored(account: Account) -> tuple[AppPassword, ...]:
    return await account.read(app_passwords, op="test")


async def salts(account: Account) -> set[bytes]:
    own = await account.read(credential, op="test")
    found = [one.secrets for one in await stored(account)] + ([own.secrets] if own else [])
    return {scram.salt for one in found for scram in (one.scram_sha_1, one.scram_sha_256) if scram is not None}


async def test_an_app_password_is_told_once_and_kept_without_itself(account: Account) -> None:
    """STORE-191: 20 random characters; no form of it is reversible, or printed."""
    password = await add_app_password(account, " phone ", ["submission", "imap"], expires=1 << 60)
    assert len(password) == 20
    assert password.isalnum()
    [one] = await stored(account)
    assert (one.name, one.scopes, one.read_only, one.expires, one.last_used) == (
        "phone",
        ("imap", "submission"),
        False,
        1 << 60,
        None,
    )
    row = await account.read(lambda r: r.row("SELECT * FROM app_password"), op="test")
    assert password not in repr(row)
    assert password.encode() not in repr(row).encode()
    assert "secrets" not in repr(one)


@pytest.mark.parametrize("order", [("own", "a", "b"), ("a", "own", "b"), ("a", "b", "own", "own"), ("own", "own", "a")])
async def test_all_passwords_of_an_account_have_one_salt(account: Account, order: tuple[str, ...]) -> None:
    """STORE-191: SCRAM names the salt before it knows which of them its client has."""
    for one in order:
        if one == "own":
            await change_password(account, "correct horse")
        else:
            await add_app_password(account, one, ["imap"])
        assert len(await salts(account)) == 1


async def test_a_migrated_password_takes_the_salt_of_app_passwords(account: Account) -> None:
    """STORE-100, STORE-191: when its first log-in brings the missing secrets; those that are there stay."""
    await account.write(lambda tx: set_credential(tx, Credential("$2b$12$abc", Secrets())))
    await add_app_password(account, "phone", ["imap"])
    old = await account.read(credential, op="test")
    assert old is not None
    await rehash(account, old, "correct horse")
    new = await account.read(credential, op="test")
    assert new is not None
    assert new.password.startswith("$argon2id$")
    assert len(await salts(account)) == 1
    await rehash(account, new, "correct horse")
    again = await account.read(credential, op="test")
    assert again is not None
    assert again.password != new.password
    assert again.secrets == new.secrets


async def test_without_app_passwords_a_new_password_has_a_new_salt(account: Account) -> None:
    """STORE-100, STORE-191"""
    await change_password(account, "correct horse")
    before = await salts(account)
    await add_app_password(account, "phone", ["imap"])
    await change_password(account, "battery staple")
    assert await salts(account) == before
    await account.write(lambda tx: remove_app_password(tx, "phone"))
    await change_password(account, "correct horse")
    assert not await salts(account) & before


async def test_passwords_made_at_once_agree_on_a_salt(account: Account) -> None:
    """STORE-191: whichever comes first, the others are derived again."""
    scopes: list[Scope] = ["imap"]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(change_password, account, "correct horse")
        for number in range(3):
            nursery.start_soon(add_app_password, account, f"device {number}", scopes)
    assert len(await stored(account)) == 3
    assert len(await salts(account)) == 1


@pytest.mark.parametrize(
    ("name", "scopes", "options", "text"),
    [
        ("", ["imap"], {}, "1 to 64"),
        ("x" * 65, ["imap"], {}, "1 to 64"),
        ("a\nb", ["imap"], {}, "1 to 64"),
        ("phone", [], {}, "choose at least"),
        ("phone", ["submission"], {"read_only": True}, "read-only"),
        ("phone", ["imap"], {"expires": 1}, "in the future"),
        ("there", ["imap"], {}, "already"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    account: Account, name: str, scopes: list[str], options: dict[str, int], text: str
) -> None:
    """STORE-191"""
    await add_app_password(account, "there", ["imap"])
    with pytest.raises(AppPasswordRefused, match=text):
        await add_app_password(account, name, scopes, **options)  # type: ignore[arg-type]  # from the table
    assert len(await stored(account)) == 1


async def test_a_token_is_kept_as_a_hash(account: Account) -> None:
    """JMAP-2a: it names its account, is for HTTP alone, and shares names with app passwords; no salt is of it."""
    token = await add_token(account, "program", ["jmap"])
    assert token.startswith("moxlite_")
    assert account_of_token(token) == account.name
    assert account_of_token("moxlite_\u20ac.x") == ""
    [one] = await stored(account)
    assert (one.scopes, one.secrets) == (("jmap",), Secrets())
    assert token not in repr(await account.read(lambda r: r.rows("SELECT * FROM app_password"), op="test"))
    assert await account.read(lambda r: token_named(r, token), op="test") == one
    assert await account.read(lambda r: token_named(r, token[:-1]), op="test") is None
    assert (await account.read(passwords, op="test")).apps == ()
    assert await account.read(wrong_app_passwords, op="test") == []
    await add_app_password(account, "phone", ["imap"])
    for name, scope in (("program", "jmap"), ("phone", "jmap"), ("other", "imap")):
        with pytest.raises(AppPasswordRefused):
            await add_token(account, name, [scope])  # type: ignore[list-item]  # as above


async def test_their_number_is_bounded(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-191: each proof is tried on all of them."""
    assert (MAX_APP_PASSWORDS, MAX_TOKENS) == (50, 100)
    monkeypatch.setattr(apppasswords, "MAX_TOKENS", 1)
    await add_token(account, "t", ["jmap"])
    with pytest.raises(LimitExceeded, match="tokens"):
        await add_token(account, "u", ["jmap"])
    monkeypatch.setattr(apppasswords, "MAX_APP_PASSWORDS", 2)
    for name in ("a", "b"):
        await add_app_password(account, name, ["imap"])
    with pytest.raises(LimitExceeded, match="app passwords"):
        await add_app_password(account, "c", ["imap"])
    assert await account.write(lambda tx: remove_app_password(tx, "a"))
    assert not await account.write(lambda tx: remove_app_password(tx, "a"))
    await add_app_password(account, "c", ["imap"])


async def test_the_time_of_use_is_written_once_an_hour(account: Account) -> None:
    """STORE-191: a program logs in with every connection."""
    await add_app_password(account, "phone", ["imap"])
    [one] = await stored(account)
    assert apppasswords.use_is_due(one, one.created)
    for _ in range(2):
        await account.write(lambda tx: apppasswords.note_use(tx, one.id))
    [used] = await stored(account)
    assert used.last_used is not None
    assert not apppasswords.use_is_due(used, used.last_used + HOUR - 1)
    assert apppasswords.use_is_due(used, used.last_used + HOUR)
    # As if two hours had passed.
    await account.write(lambda tx: tx.execute("UPDATE app_password SET last_used = last_used - ?", 2 * HOUR))
    await account.write(lambda tx: apppasswords.note_use(tx, one.id))
    [again] = await stored(account)
    assert again.last_used is not None
    assert again.last_used >= used.last_used
    before = again.last_used
    await account.write(lambda tx: apppasswords.note_use(tx, one.id))
    assert [row.last_used for row in await stored(account)] == [before]


async def test_the_check_of_an_account_finds_what_does_not_agree(account: Account) -> None:
    """STORE-40, STORE-191"""
    await change_password(account, "correct horse")
    await add_app_password(account, "phone", ["imap"])
    good = await account.read(lambda r: r.row("SELECT scram_sha_1, read_only, scopes FROM app_password"), op="test")
    assert good is not None
    other = credentials.encode_scram(
        msgspec.structs.replace(credentials.decode_scram(good[0]), salt=b"another salt here")
    )
    for sql, value in (
        ("UPDATE app_password SET scram_sha_1 = ?", other),
        ("UPDATE app_password SET scram_sha_1 = ?", b"x"),
        ("UPDATE app_password SET read_only = 1, scopes = ?", 3),
    ):
        await account.write(lambda tx, sql=sql, value=value: tx.execute(sql, value))  # type: ignore[misc]  # defaults bind
        findings = await account.scan(check_account, op="test")
        assert [one.about for one in findings] == ["app_password"]
        await account.write(
            lambda tx: tx.execute("UPDATE app_password SET scram_sha_1 = ?, read_only = ?, scopes = ?", *good)
        )
    assert await account.scan(check_account, op="test") == []


@pytest.mark.parametrize(("before", "after"), [(1, 1 | 192), (2, 2), (19, 19 | 192), (16, 16 | 192), (44, 44)])
def test_those_of_before_keep_what_they_may_change(before: int, after: int) -> None:
    """STORE-191b: permissions and scripts, with the scopes `imap` or `jmap`."""
    db = apsw.Connection(":memory:")
    *older, ways_in = migrations_of(Kind.ACCOUNT)[:6]
    for migration in older:
        db.execute(migration.sql).fetchall()
    row = ("phone", before, 0, 1, b"", b"", b"")
    db.execute(
        "INSERT INTO app_password (name, scopes, read_only, created, scram_sha_1, scram_sha_256, cram_md5)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    db.execute(ways_in.sql).fetchall()
    assert db.execute("SELECT scopes FROM app_password").fetchall() == [(after,)]
