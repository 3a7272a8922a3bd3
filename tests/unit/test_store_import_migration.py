"""Migration of an account from schema 1 to 2 (schema/account/0002-imports.sql)."""

import shutil
from pathlib import Path

import apsw
import pytest

import moxlite
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.file import migrations
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.imports.items import Form, Order
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account
from tests.store_imports import done, imported, mbox
from tests.store_mail import look, mail, put

SCHEMA = Path(moxlite.__file__).parent / "schema"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The schema as it was before."""
    folder = tmp_path / "schema/account"
    folder.mkdir(parents=True)
    shutil.copy(SCHEMA / "account/0001-initial.sql", folder)
    migrations._cache.clear()
    return tmp_path / "schema"


def test_the_migration_can_be_killed_and_goes_on(tmp_path: Path, first: Path) -> None:
    """STORE-148: nothing of a migration that was cut short is there, and the next open does it."""
    path = tmp_path / "account.db"
    open_file(path, Kind.ACCOUNT, Options(schema=first), create=True).close()
    sql = (SCHEMA / "account/0002-imports.sql").read_text()
    statements = sql.count("CREATE ")
    for cut in range(1, statements + 1):
        # The same statements, and an end in the middle of them.
        parts = sql.split("CREATE ")
        broken = "CREATE ".join(parts[: cut + 1]) + ";\nSELECT nothing_that_exists();"
        (first / "account/0002-imports.sql").write_text(broken)
        migrations._cache.clear()
        with pytest.raises(apsw.SQLError):
            open_file(path, Kind.ACCOUNT, Options(schema=first), create=True)
        db = apsw.Connection(str(path))
        assert db.pragma("user_version") == 1
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'import%'").fetchone() == (0,)
        db.close()
    migrations._cache.clear()
    db = open_file(path, Kind.ACCOUNT, Options(), create=True)
    assert db.pragma("user_version") >= 2
    assert db.execute("SELECT count(*) FROM import_message").fetchone() == (0,)
    db.close()
    migrations._cache.clear()


async def test_an_account_of_schema_1_is_migrated_and_takes_imports(tmp_path: Path, first: Path) -> None:
    """STORE-148"""
    (tmp_path / "accounts/mia").mkdir(parents=True)
    open_file(tmp_path / "accounts/mia/account.db", Kind.ACCOUNT, Options(schema=first), create=True).close()
    migrations._cache.clear()
    accounts = Accounts(tmp_path, Options(min_free_space=0))
    async with accounts.use("mia") as account:
        assert isinstance(account, Account)
        await put(account, 2)
        done(await imported(accounts, mbox([mail(9)]), Order(form=Form.MBOX)))
        assert await account.scan(lambda r: check_account(r, deep=True, idle=True), op="test") == []
        assert await look(account, lambda r: r.value("PRAGMA user_version")) >= 2
    await accounts.aclose()
