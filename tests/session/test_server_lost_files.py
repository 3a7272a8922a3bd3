"""Databases that are missing, empty or damaged when a server starts: nothing is made silently anew (STORE-158d,
STORE-158e, QUEUE-158).
"""

import shutil
from pathlib import Path

import pytest

from moxlite.operations.server import CheckHealth, Wellness
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.folders import make_folder
from moxlite.store.errors import AccountUnknown, MissingFile, StorageBroken
from moxlite.store.options import AccountConfig, Options
from tests.house import house, soon
from tests.running import LocalServer
from tests.session.test_server_contained_faults import deliver

pytestmark = pytest.mark.slow

KINDS = ("missing", "empty", "cut", "first page", "a folder", "a link")


def damage(path: Path, kind: str) -> None:
    """Do it to a database that nobody uses."""
    data = path.read_bytes()
    path.unlink()
    match kind:
        case "empty":
            path.touch()
        case "cut":
            path.write_bytes(data[:1000])
        case "first page":
            path.write_bytes(b"x" * 4096 + data[4096:])
        case "a folder":
            path.mkdir()
        case "a link":
            elsewhere = path.with_name("elsewhere")
            elsewhere.write_bytes(data)
            path.symlink_to(elsewhere)


async def served(folder: Path) -> Path:
    """The data directory of a server that has run."""
    async with house(folder):
        pass
    return folder / "config" / "data"


@pytest.mark.parametrize("kind", KINDS)
async def test_an_account_that_has_lost_its_database_takes_no_mail(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158d, ADMIN-39a: 451 for it, 250 for another; log, /readyz and healthcheck name it."""
    data = await served(tmp_path)
    path = data / "accounts" / "mia" / "account.db"
    damage(path, kind)
    async with house(tmp_path, passwords={}) as running:
        await soon(lambda: "account maintenance failed" in caplog.messages, "the round has met the account")
        assert (await deliver(running, "mia@example.org")).startswith("451 4.3.0")
        assert (await deliver(running, "tom@example.org")).startswith("250")
        status, text = await running.readiness()
        assert status == 200
        assert text.startswith("ok\naccount mia: ")
        async with running.ctl() as client:
            found = await client.call("healthcheck", CheckHealth(), Wellness)
        assert (found.problems, len(found.accounts)) == ([], 1)
        if kind in ("missing", "empty"):
            assert "moxlite store create mia" in text
            assert not path.exists() or path.stat().st_size == 0
        assert running.tree.failures == {}


@pytest.mark.parametrize("what", ["accounts/mia", "accounts"])
async def test_an_account_that_has_lost_its_folder_is_not_new(what: str, tmp_path: Path) -> None:
    """STORE-158d: so it is when the disk of all accounts is not mounted; once it is there, the mail is."""
    data = await served(tmp_path)
    (data / what).rename(tmp_path / "elsewhere")
    if what == "accounts":
        (data / what).mkdir()  # the empty folder below a mount
    lost = ["mia", "tom"] if what == "accounts" else ["mia"]
    async with house(tmp_path, passwords={}) as running:
        for name in ("mia", "tom"):
            answer = await deliver(running, f"{name}@example.org")
            assert answer.startswith("451 4.3.0" if name in lost else "250"), name
        status, text = await running.readiness()
        assert status == 200
        assert "moxlite store create mia" in text
        assert not (data / "accounts" / "mia").exists()
        if what == "accounts":
            (data / what).rmdir()
        (tmp_path / "elsewhere").rename(data / what)
        assert (await deliver(running, "mia@example.org")).startswith("250")
        assert "* 1 EXISTS" in await (await running.imap()).select()
        assert "account mia" not in (await running.readiness())[1]


async def test_a_removed_account_may_be_made_again(tmp_path: Path) -> None:
    """STORE-140, STORE-158d: nothing of it is missed, also when its folder was lost before."""
    accounts = Accounts(tmp_path, Options(min_free_space=0, account_config=lambda _: AccountConfig()))
    for lose in (False, True):
        await accounts.create("new")
        await accounts.close_idle(room=1000)
        assert accounts.names() == ["new"]
        if lose:
            shutil.rmtree(accounts.path("new"))
            assert accounts.names() == ["new"]
            with pytest.raises(AccountUnknown):
                await accounts.remove("new")
        else:
            await accounts.remove("new")
        assert accounts.names() == []
    await accounts.create("new")
    await accounts.aclose()


async def test_accounts_of_an_earlier_version_are_noted(tmp_path: Path) -> None:
    """STORE-158d: all of them at the first use of one; and they work where no note can be written."""
    options = Options(min_free_space=0, account_config=lambda _: AccountConfig())
    accounts = Accounts(tmp_path, options)
    for name in ("one", "two"):
        await accounts.create(name)
    await accounts.aclose()
    shutil.rmtree(tmp_path / "made")
    (tmp_path / "made").touch()
    accounts = Accounts(tmp_path, options)
    await accounts.create("one")
    with pytest.raises(StorageBroken):
        await accounts.create("three")
    (tmp_path / "made").unlink()
    await accounts.create("two")
    await accounts.aclose()
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["one", "two"]
    shutil.rmtree(tmp_path / "accounts" / "one")
    accounts = Accounts(tmp_path, options)
    with pytest.raises(MissingFile, match="moxlite store create one"):
        await accounts.create("one")
    await accounts.aclose()


@pytest.mark.parametrize("kind", KINDS)
async def test_without_auth_db_mail_and_passwords_work(kind: str, tmp_path: Path) -> None:
    """STORE-158e: it takes mail, IMAP and the web log in by password; /readyz says what is wrong."""
    data = await served(tmp_path)
    damage(data / "auth.db", kind)
    async with house(tmp_path, passwords={}) as running:
        assert (await deliver(running, "mia@example.org")).startswith("250")
        imap = await running.imap()
        assert "* 1 EXISTS" in await imap.select()
        await imap.ok('a LIST "" *')
        browser = await running.web()
        await browser.call("flags_add", message_ids=[1], flags=["looked"])
        status, text = await running.readiness()
        assert status == 503
        assert text.startswith("auth.db: ")
        assert running.tree.failures == {}


async def test_a_kill_while_an_account_is_made_is_made_good(tmp_path: Path) -> None:
    """STORE-158d: the folder of a new account tells that its database is still to be made."""
    accounts = Accounts(tmp_path, Options(min_free_space=0, account_config=lambda _: AccountConfig()))
    assert make_folder(accounts.path("new"))  # here it was killed
    async with accounts.use("new"):
        pass
    await accounts.aclose()
    accounts = Accounts(tmp_path, accounts.options)
    (accounts.path("new") / "account.db").unlink()
    with pytest.raises(MissingFile, match="moxlite store create new"):
        await accounts.create("new")
    await accounts.aclose()


@pytest.mark.nightly
def test_the_verbs_for_lost_files(tmp_path: Path) -> None:
    """STORE-158d, STORE-42: `store check` names them, `store create` makes them, and refuses what is there."""
    server = LocalServer(tmp_path / "server")
    with server:
        pass
    data = server.folder / "data"
    assert "auth.db: ok" in server.cli("store", "check").stdout
    lost = {
        "auth.db": ("--file", "auth.db"),
        "queue.db": ("--file", "queue.db"),
        "accounts/moxlite/account.db": ("moxlite",),
    }
    for name, words in lost.items():
        assert "isn't empty" in server.cli("store", "create", *words, check=False).stderr
        (data / name).unlink()
    done = server.cli("store", "check", check=False)
    assert (done.returncode, done.stdout.count("is missing")) == (1, 3)
    assert not any((data / name).exists() for name in lost)
    for name, words in lost.items():
        assert "created empty" in server.cli("store", "create", *words).stdout
        assert (data / name).stat().st_size
    with server:
        assert server.cli("healthcheck").stderr == ""
        assert server.cli("store", "check").stdout.count(": ok") == 4
    shutil.rmtree(data / "accounts" / "moxlite")
    assert "accounts/moxlite is missing" in server.cli("store", "check", check=False).stdout
    assert "created empty" in server.cli("store", "create", "moxlite").stdout
    assert server.cli("store", "check").stdout.count(": ok") == 4


@pytest.mark.parametrize("kind", KINDS)
async def test_without_queue_db_mail_comes_in(kind: str, tmp_path: Path) -> None:
    """QUEUE-158: incoming mail and IMAP go on."""
    data = await served(tmp_path)
    damage(data / "queue.db", kind)
    async with house(tmp_path, passwords={}) as running:
        assert (await deliver(running, "mia@example.org")).startswith("250")
        await running.imap()
        status, text = await running.readiness()
        assert status == 503
        assert "queue.db" in text
        assert not (data / "queue.db").exists() or kind != "missing"
