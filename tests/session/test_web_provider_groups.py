"""Shared mailboxes for the members of groups at a login provider."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from moxlite.admin.providerpeople import ProviderPeople
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.errors import StorageBroken
from moxlite.store.mail.delegates import Delegate, delegates, set_delegate
from tests.loginprovider import ISSUER, PROVIDER, House, house_of, reply
from tests.web_rig import DOMAINS, STATIC, Browser, Rig

GROUPS = '[oidc.shared_mailboxes]\nsupport = "support team"\nsales = "sales"\n'
SHARED = (
    DOMAINS
    + """
[accounts.support]
domain = "example.org"
login_disabled = "This mailbox is shared."
[accounts.support.destinations."support@example.org"]
[accounts.sales]
domain = "example.org"
login_disabled = "This mailbox is shared."
[accounts.sales.destinations."sales@example.org"]
"""
)

pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + PROVIDER + GROUPS, domains=SHARED)]


@pytest.fixture
async def provider(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> House:
    await rig.auth.bindings.add(ISSUER, "mia-at-home", "mia")
    return house_of(rig, monkeypatch)


async def shared_with(rig: Rig, owner: str = "support") -> list[Delegate]:
    async with rig.account(owner) as account:
        return await account.read(delegates, op="test")


async def as_member(rig: Rig, provider: House, groups: object) -> Browser:
    provider.claims = {"groups": groups}
    browser = rig.browser(port=443, tls=True)
    answered = provider.approve(await browser.call("provider_login", stay=False))
    browser.csrf = (await browser.call("provider_finish", answer=answered))["csrf_token"]
    return browser


async def test_a_group_s_shared_mailbox(rig: Rig, provider: House) -> None:
    """WEB-190: it comes with a log-in as a member, and goes with the next one without."""
    provider.claims = {"groups": ["support team", "staff"]}
    browser = rig.browser(app="/", port=443, tls=True)
    url = await browser.call("provider_login", stay=False)
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid groups"]
    await browser.call("provider_finish", answer=provider.approve(url))
    assert await shared_with(rig) == [Delegate("mia", "as", 0, True)]
    assert await shared_with(rig, "sales") == []
    assert await rig.auth.sharing.owners("mia") == ["support"]
    await as_member(rig, provider, ["support team", "sales"])
    assert await shared_with(rig, "sales") == [Delegate("mia", "as", 0, True)]
    await as_member(rig, provider, ["sales"])
    assert await shared_with(rig) == []
    assert await rig.auth.sharing.owners("mia") == ["sales"]
    entries = await rig.auth.audit.entries(AuditFilter(actor="(login provider)"))
    assert [(one.action, one.object, one.outcome, one.via) for one in reversed(entries)] == [
        ("account delegate set", "support", "done", "webaccount"),
        ("account delegate set", "sales", "done", "webmail"),
        ("account delegate rm", "support", "done", "webmail"),
    ]


@pytest.mark.parametrize(
    "groups",
    [[], "", "staff", ["Support Team"], ["support"], [["support team"]], {"support team": 1}],
    ids=str,
)
async def test_claims_that_share_nothing(rig: Rig, provider: House, groups: object) -> None:
    """WEB-190: they take the mailbox, whoever gave it; people who never log in there keep theirs."""
    async with rig.account("support") as account:
        await account.write(lambda tx: set_delegate(tx, Delegate("mia", "behalf")))
        await account.write(lambda tx: set_delegate(tx, Delegate("tom", "as", 0, True)))
    await as_member(rig, provider, groups)
    assert await shared_with(rig) == [Delegate("tom", "as", 0, True)]


async def test_one_group_as_a_text(rig: Rig, provider: House) -> None:
    """WEB-190: some providers write a list of one so."""
    await as_member(rig, provider, "support team")
    assert await shared_with(rig) == [Delegate("mia", "as", 0, True)]


async def test_groups_that_are_not_told_change_nothing(rig: Rig, provider: House) -> None:
    """WEB-190: a claim that is missing isn't empty, and a member keeps the mailbox while the provider can't tell."""
    provider.told = {}
    await as_member(rig, provider, ["support team"])
    await as_member(rig, provider, None)
    provider.answers["/userinfo"] = reply({}, 500)
    await as_member(rig, provider, None)
    assert await shared_with(rig) == [Delegate("mia", "as", 0, True)]
    del provider.answers["/userinfo"]
    provider.told = {"groups": ["staff"]}
    await as_member(rig, provider, None)
    assert await shared_with(rig) == []


async def test_the_way_to_send_stays(rig: Rig, provider: House) -> None:
    """WEB-190: as the mailbox's members page has it."""
    async with rig.account("support") as account:
        await account.write(lambda tx: set_delegate(tx, Delegate("mia", "behalf")))
    await as_member(rig, provider, ["support team"])
    assert await shared_with(rig) == [Delegate("mia", "behalf", 0, True)]


@pytest.mark.rig(static=STATIC + PROVIDER + 'pause_app_passwords = "30d"\n' + GROUPS, domains=SHARED)
async def test_a_shared_mailbox_pauses_with_app_passwords(rig: Rig, provider: House) -> None:
    """WEB-190, WEB-188: each log-in there puts its end off, without an entry in the audit log."""
    ends: list[int] = []
    for _ in range(2):
        await as_member(rig, provider, ["support team"])
        [delegate] = await shared_with(rig)
        ends.append(delegate.ends)
    assert ends[0] < ends[1]
    assert abs(ends[1] / 1e6 - time.time() - 30 * 86_400) < 3600
    assert len(await rig.auth.audit.entries(AuditFilter(actor="(login provider)"))) == 1


async def test_a_log_in_goes_on_without_the_shared_mailbox(
    rig: Rig, provider: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-190: a fault of the mailbox keeps nobody out."""

    async def failing(*_: object) -> None:
        raise StorageBroken("disk I/O error")

    monkeypatch.setattr(ProviderPeople, "_delegate", failing)
    await as_member(rig, provider, ["support team"])
