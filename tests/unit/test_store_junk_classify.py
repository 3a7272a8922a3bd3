"""Judging messages with what an account has learnt (moxlite/store/junk/classify.py)."""

import pytest

from moxlite.admin.storage.settings import junk_params
from moxlite.config.domains import JunkFilter
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.errors import NoSuchMessage
from moxlite.store.junk.classify import classify, explain
from moxlite.store.junk.score import Learned
from moxlite.store.junkflags import Grams, JunkParams
from moxlite.store.mail.adding import Append
from moxlite.store.options import AccountConfig, Options
from tests.store_fixtures import accounts
from tests.store_mail import box, mail, prepared

__all__ = ["accounts"]


@pytest.fixture
def store_options() -> Options:
    return Options(
        check_on_close=True, min_free_space=0, account_config=lambda name: AccountConfig(junk_filter=JunkParams())
    )


def sent_by(data: bytes, author: int) -> bytes:
    return data.replace(b"anton@", b"anton%d@" % author)


async def teach(accounts: Accounts, name: str, hams: int, spams: int) -> None:
    async with accounts.use(name) as account:
        for where, count, text in (("Archive", hams, "lunch at noon tomorrow"), ("Junk", spams, "cheap gold watches")):
            mails = [mail(number, subject="about", body=text) for number in range(count)]
            items = [Append(await prepared(sent_by(data, number % 10))) for number, data in enumerate(mails)]
            await append(account, (await box(account, where)).id, items)
        await account.settle()


async def test_a_message_is_judged_by_what_was_learnt(accounts: Accounts) -> None:
    """STORE-89: as octets, as a delivery, as a stored message."""
    await teach(accounts, "mia", 50, 50)
    async with accounts.use("mia") as account:
        good = await classify(account, mail(7, subject="other", body="lunch at noon tomorrow"))
        data = mail(8, subject="cheap", body="cheap gold watches")
        bad = await classify(account, data)
        assert good is not None
        assert bad is not None
        assert good.probability < 0.05 < 0.95 < bad.probability
        assert {one.word for one in bad.words} == {"cheap", "gold", "watches"}
        assert [str(lack) for lack in bad.lacks] == ["3 of 5 telling words"]
        assert await classify(account, await prepared(data)) == bad
        added = (await append(account, (await box(account)).id, [Append(await prepared(data))]))[0]
        assert await classify(account, added.message_id) == bad
        with pytest.raises(NoSuchMessage):
            await classify(account, 999)


async def test_a_delivery_is_judged_with_its_prefix(accounts: Accounts) -> None:
    """STORE-88, STORE-89: Return-Path is in there; also a message in a file, and one whose range crosses the prefix."""
    await teach(accounts, "mia", 50, 50)
    async with accounts.use("mia") as account:
        for size in (10, 3 << 20):
            data = b"Subject: cheap\r\n\r\n" + b"gold watches " * (size // 13) + b"\r\nnoon\r\n"
            prefix = b"Return-Path: <lunch@host.example>\r\n"
            with Spool(accounts.directory) as spool:
                await spool.write(data)
                await spool.finish()
                ready = await prepare(spool, prefix)
                assert await classify(account, ready) == await classify(account, prefix + data)


LEARNED = [(0, 0), (60, 2), (60, 30), (2, 60), (30, 60), (60, 60), (60, 500)]


@pytest.mark.parametrize(("hams", "spams"), LEARNED)
async def test_it_says_what_it_must_still_learn(accounts: Accounts, hams: int, spams: int) -> None:
    """STORE-89: both classes suffice, from senders enough, or nothing follows."""
    await teach(accounts, "mia", hams, spams)
    async with accounts.use("mia") as account:
        found = await explain(account, mail(1, body="gold"))
        assert found is not None
        assert found.learned == Learned(hams, spams, min(hams, 10), min(spams, 10))
        kinds = {lack.kind for lack in found.judgement.lacks}
        assert ("hams" in kinds, "spams" in kinds) == (hams < 50, spams < 50)


async def test_a_new_account_is_undecided(accounts: Accounts) -> None:
    """STORE-89."""
    async with accounts.use("mia") as account:
        found = await classify(account, mail(1))
        assert found is not None
        assert (found.probability, found.significant, found.words) == (0.5, False, ())


async def test_accounts_learn_apart_with_other_salts(accounts: Accounts) -> None:
    """STORE-89: no hash of one is a hash of the other."""
    await teach(accounts, "mia", 2, 2)
    await teach(accounts, "max", 2, 2)
    hashes = []
    for name in ("mia", "max"):
        async with accounts.use(name) as account:
            rows = await account.scan(
                lambda r: r.rows("SELECT hash FROM junk_word_0 UNION SELECT hash FROM junk_word_1"), op="test"
            )
            hashes.append({row[0] for row in rows})
    assert hashes[0]
    assert not hashes[0] & hashes[1]


async def test_an_explanation_tells_the_grounds(accounts: Accounts) -> None:
    """STORE-193: of a learnt message, too."""
    await teach(accounts, "mia", 3, 4)
    async with accounts.use("mia") as account:
        found = await explain(account, mail(9, subject="other", body="gold unheard"))
        assert found is not None
        assert (found.learned, found.judgement.bounds.junk, found.trained) == (Learned(3, 4, 3, 4), 0.95, None)
        assert found.known_words < found.message_words
        learnt = await explain(account, 1)
        assert learnt is not None
        assert learnt.trained is False


def test_the_configuration_names_all_settings() -> None:
    """STORE-89, ADMIN-14: table junk_filter."""
    given = JunkFilter(0.9, onegrams=True, threegrams=True, max_power=0.2, top_words=3, ignore_words=0.3, rare_words=4)
    assert junk_params(given) == JunkParams(0.9, Grams(True, False, True), 0.2, 3, 0.3, 4)
