"""Which TLS the queue demands of a host, and what becomes of a message where it is not had, by attempts (QUEUE-50..56).
The matrix of all policies is in test_queue_tls_matrix.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from OpenSSL import SSL

from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.dial import CONNECT_SECONDS, Dialed
from moxlite.net.resolver import TLSA, RecordType, TempError
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.proto.address import Domain
from moxlite.queue.data.rows import Result
from moxlite.queue.tls.policies import EffectivePolicy
from moxlite.store.delivery.reputation import domain_tls
from tests.certs import Authority, tlsa
from tests.queue_rig import Rig, Server, rig_at
from tests.tls_rig import KEEP, MX, counted, publish_tlsa

pytestmark = pytest.mark.served

ENFORCE = f"mode: enforce, mx: {MX}, max_age: 86400"
OTHER = "mode: enforce, mx: mx.elsewhere.example, max_age: 86400"


FOREIGN = self_signed(["elsewhere.example"])
OLD = Authority().issue("elsewhere.example", days=-7)


async def attempt(rig: Rig, **facts: object) -> Result:
    """Send a message to bob; the result of its first attempt."""
    await rig.submit("bob@remote.example", **facts)
    await rig.settle()
    rows = [*await rig.queue.listings.list_messages(), *await rig.queue.listings.list_retired()]
    assert len(rows) == 1
    return rows[0].results[0]


async def latest(rig: Rig) -> Result:
    """The result of the message that was queued last, and is done."""
    return max(await rig.queue.listings.list_retired(), key=lambda row: row.id).results[0]


async def test_starttls_injection_meets_tls_and_nothing_else(tmp_path: Path) -> None:
    """QUEUE-61, QUEUE-53: replies that come behind the go-ahead to STARTTLS are no replies; under a policy the message
    waits, without one it goes in clear over a second connection.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        injected = "220 go\r\n250-mx.example\r\n250 REQUIRETLS\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 taken"
        mx = rig.remote(Server({"STARTTLS": injected}, tls=rig.certificate))
        rig.sts(ENFORCE)
        result = await attempt(rig)
        assert (mx.connections, mx.messages) == (1, [])
        assert result.tls_failures[0].startswith("validation-failure")


async def test_a_message_that_demands_tls_says_so_to_the_host(tmp_path: Path) -> None:
    """QUEUE-55 (RFC 8689 §4.2.1): over verified TLS, with REQUIRETLS on MAIL FROM."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate, extensions=["REQUIRETLS"]))
        rig.sts(ENFORCE)
        result = await attempt(rig, requiretls=True)
        assert result.success
        assert [line for line in mx.lines if line.startswith("MAIL")] == ["MAIL FROM:<alice@own.example> REQUIRETLS"]


async def test_a_host_without_requiretls_is_passed_by(tmp_path: Path) -> None:
    """QUEUE-55: another may have it; with none the message fails at once, with 5.7.30."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.certificate = self_signed([MX, "b.remote.example"])
        rig.queue.ctx.trust._extra = (rig.certificate.leaf,)
        first = rig.remote(Server(tls=rig.certificate))
        rig.resolver.set("remote.example", RecordType.MX, [f"10 {MX}", "20 b.remote.example"])
        rig.resolver.set("b.remote.example", RecordType.A, ["192.0.2.2"])
        second = rig.serve("192.0.2.2", Server(tls=rig.certificate, extensions=["REQUIRETLS"]))
        rig.sts("mode: enforce, mx: *.remote.example, max_age: 86400")
        assert (await attempt(rig, requiretls=True)).success
        assert (len(first.messages), len(second.messages)) == (0, 1)
        second.extensions = []
        await rig.disconnect()
        await rig.submit("bob@remote.example", requiretls=True)
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"Status: 5.7.30" in dsn


async def test_a_host_that_may_come_back_keeps_a_message_that_demands_tls(tmp_path: Path) -> None:
    """QUEUE-55: only if all hosts lack protection the message fails; one that does not answer may have it."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.resolver.set("remote.example", RecordType.MX, [f"10 {MX}", "20 b.remote.example"])
        rig.resolver.set("b.remote.example", RecordType.A, ["192.0.2.2"])
        rig.sts("mode: enforce, mx: *.remote.example, max_age: 86400")
        await rig.submit("bob@remote.example", requiretls=True)
        await rig.settle()
        assert len(await rig.queue.listings.list_messages()) == 1
        assert await rig.inbox() == []


async def test_hosts_outside_of_the_policy_are_passed_by(tmp_path: Path) -> None:
    """QUEUE-51: and the next one of the policy gets the message."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.resolver.set("remote.example", RecordType.MX, ["5 evil.example", f"10 {MX}"])
        rig.resolver.set("evil.example", RecordType.A, ["192.0.2.66"])
        evil = rig.serve("192.0.2.66", Server())
        rig.sts(ENFORCE)
        result = await attempt(rig)
        assert (result.success, result.host, result.policy) == (True, MX, "sts")
        assert evil.connections == 0
        assert result.tls_failures == ("validation-failure/mtasts-policy-mx-mismatch",)


async def test_the_policy_is_that_of_the_domain_written(tmp_path: Path) -> None:
    """QUEUE-50 (RFC 8461 §3.4): not of the domain that its CNAME leads to."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=FOREIGN), domain="hosting.example")
        rig.resolver.set("remote.example", RecordType.CNAME, ["hosting.example"])
        rig.sts(OTHER, domain="hosting.example")
        assert (await attempt(rig)).policy == "opportunistic"
        assert rig.fetched == []


async def test_a_cached_policy_stands_while_dns_is_silenced(tmp_path: Path) -> None:
    """QUEUE-112: record and web server gone, also after a restart: the host must still be one of the policy's. When
    the policy is over, so is its force.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.sts(ENFORCE)
        assert (await attempt(rig)).policy == "sts"
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        rig.sts("", record="")
        [first] = await rig.submit("bob@remote.example")
        await rig.settle()
        assert mx.messages == []
        assert (await rig.queue.listings.get(first)).results[0].tls_failures == ("starttls-not-supported",)
        assert rig.fetched == []
        await rig.pass_time(86401)
        assert len(mx.messages) == 1


async def test_a_changed_policy_is_fetched(tmp_path: Path) -> None:
    """QUEUE-112: by its id; one that cannot be fetched leaves the old one in force, is reported, and not asked for
    again at once.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.sts(ENFORCE)
        await attempt(rig)
        for _ in range(2):
            await rig.submit("bob@remote.example")
            await rig.settle()
        assert len(rig.fetched) == 1
        rig.sts("", record="v=STSv1; id=2")
        for _ in range(2):
            await rig.submit("bob@remote.example")
            await rig.settle()
            last = await latest(rig)
            assert last.policy == "sts"
            assert last.tls_failures[0].endswith("+fallback-to-cached-policy")
        assert len(rig.fetched) == 2
        rig.sts("mode: none, max_age: 60", record="v=STSv1; id=3")
        rig.clock.advance(400)
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert (await latest(rig)).policy == "opportunistic"


async def test_a_policy_that_cannot_be_had_is_none_for_five_minutes(tmp_path: Path) -> None:
    """QUEUE-111, QUEUE-122: mail goes, the report says why."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=rig.certificate))
        for served, failure in (
            (FetchFailed("status 500"), "sts-policy-fetch-error/cannot-fetch-policy"),
            (FetchFailed("bad", untrusted=True), "sts-webpki-invalid/certificate-not-trusted"),
            (b"nonsense", "sts-policy-invalid/policy-syntax-error"),
        ):
            rig.sts("x")
            rig.web["https://mta-sts.remote.example/.well-known/mta-sts.txt"] = served
            before = len(rig.fetched)
            for expected in (failure, failure.partition("/")[0] + "/back-off-after-recent-fetch-error"):
                await rig.submit("bob@remote.example")
                await rig.settle()
                last = await latest(rig)
                assert (last.policy, last.tls_failures) == ("opportunistic", (expected,))
            assert len(rig.fetched) == before + 1
            rig.clock.advance(301)


async def test_a_clock_that_was_ahead_leaves_no_domain_without_its_policy(tmp_path: Path) -> None:
    """QUEUE-111, QUEUE-112: nor with an old one."""
    async with rig_at(tmp_path) as rig:

        async def mode() -> str:
            policy = (await rig.queue.ctx.policies.find(Domain.parse("remote.example"))).policy
            return "" if policy is None else policy.mode

        rig.sts("x")
        rig.clock.advance(30 * 86400)
        assert await mode() == ""
        rig.clock.now -= 30 * 86400 * 1_000_000
        rig.sts(ENFORCE)
        assert await mode() == "enforce"
        rig.sts("", record="v=STSv1; id=2")
        rig.clock.advance(3600)
        assert await mode() == "enforce"
        rig.clock.now -= 3600 * 1_000_000
        rig.sts("mode: none, max_age: 60", record="v=STSv1; id=3")
        assert await mode() == "none"


@pytest.mark.parametrize(("requiretls", "attempts"), [(None, 4), (True, 5), (False, 1)])
async def test_dns_that_never_answers_delays_three_attempts(
    tmp_path: Path, requiretls: bool | None, attempts: int
) -> None:
    """QUEUE-111: some name servers never answer for such names. Under REQUIRETLS the message goes on waiting, and with
    ``TLS-Required: No`` it does not wait at all.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate, extensions=["REQUIRETLS"]))
        rig.resolver._failing["_mta-sts.remote.example."] = TempError("silent")
        await rig.submit("bob@remote.example", requiretls=requiretls)
        await rig.settle()
        for _ in range(attempts - 1):
            assert mx.messages == []
            await rig.pass_time(4000)
        if requiretls:
            assert len((await rig.queue.listings.list_messages())[0].results) == attempts
            assert mx.connections == 0
        else:
            [done] = await rig.queue.listings.list_retired()
            assert len(done.results) == attempts
            assert done.results[-1].tls_failures[0] == "sts-policy-fetch-error/dns-lookup"


@pytest.mark.parametrize(
    ("authentic", "base", "words"),
    [
        ({MX, "remote.example", "end.example"}, "end.example", "dane"),
        ({MX, "remote.example", "end.example"}, MX, "dane"),
        ({MX, "remote.example"}, "end.example", "opportunistic"),
        ({MX, "end.example"}, MX, "opportunistic"),
    ],
    ids=["base-domain", "original", "addresses-not-signed", "mx-not-signed"],
)
async def test_tlsa_counts_only_with_signed_mx_and_addresses(
    tmp_path: Path, authentic: set[str], base: str, words: str
) -> None:
    """QUEUE-50, QUEUE-52, AUTH-63 (RFC 7672 §2.2.2): the end of a signed CNAME first, then the name before it."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.resolver.set(MX, RecordType.A, [])
        rig.resolver.set(MX, RecordType.CNAME, ["end.example"])
        rig.resolver.set("end.example", RecordType.A, ["192.0.2.1"])
        name = f"_25._tcp.{base}"
        rig.resolver.set(name, RecordType.TLSA, [tlsa(rig.certificate.leaf)])
        rig.resolver._authentic = {f"{one}." for one in (*authentic, name, f"_25._tcp.{MX}", "_25._tcp.end.example")}
        assert (await attempt(rig)).policy == words


@pytest.mark.parametrize("good", [True, False])
async def test_a_record_of_an_authority_wants_name_and_dates(tmp_path: Path, good: bool) -> None:
    """AUTH-64, AUTH-65, QUEUE-52: 2 x x with the names allowed, here the recipient's domain."""
    pair = self_signed(["remote.example" if good else "elsewhere.example"])
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=pair))
        publish_tlsa(rig, tlsa(pair.leaf, usage=2))
        result = await attempt(rig)
        assert (result.success, result.policy) == ((True, "dane") if good else (False, ""))
        assert len(mx.messages) == good
        if not good:
            assert "certificate-host-mismatch" in result.tls_failures


async def test_one_of_several_records_is_enough(tmp_path: Path) -> None:
    """AUTH-66: records with unknown usages, selectors and hashes are passed by; a pair for a change of keys works
    before and after the change.
    """
    new = self_signed([MX])
    digest = b"\x01" * 32
    unknown = (TLSA(3, 2, 1, digest), TLSA(3, 1, 9, digest), TLSA(7, 1, 1, digest), TLSA(3, 1, 1, b"short"))
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate))
        publish_tlsa(rig, *unknown, tlsa(new.leaf), tlsa(rig.certificate.leaf))
        result = await attempt(rig)
        assert (result.success, result.policy, result.tls_failures) == (True, "dane", ())
        mx.tls = ServerTLS([new])
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert (await latest(rig)).policy == "dane"
        assert mx.encrypted == [True, True]


async def test_what_no_record_matches_is_kept_for_reports(tmp_path: Path) -> None:
    """AUTH-66, QUEUE-120: a host whose key is neither the old one nor the next gets nothing, and the reason is told."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate))
        publish_tlsa(rig, TLSA(9, 1, 1, b"\x01" * 32), tlsa(FOREIGN.leaf), tlsa(OLD.leaf))
        result = await attempt(rig)
        assert (result.success, mx.messages) == (False, [])
        assert "validation-failure/dane-no-match" in result.tls_failures


class Hesitant(trio.abc.SendStream):
    """A client's end of a connection whose server has always done its part before the client sends again: what the
    server says is there, and where it closes it is gone.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.testing.wait_all_tasks_blocked()
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.stream.aclose()


@asynccontextmanager
async def slow_rig(folder: Path) -> AsyncIterator[Rig]:
    """A queue that is slower than the servers it speaks with."""
    rig: Rig

    async def dial(*args: Any, **options: Any) -> Dialed:
        dialed = await rig.dial(*args, **options)
        return Dialed(trio.StapledStream(Hesitant(dialed.stream), dialed.stream), dialed.ip)

    async with rig_at(folder, account=KEEP, dial=dial) as rig:
        yield rig


@pytest.mark.parametrize("hesitant", [False, True])
async def test_an_alert_right_after_the_handshake_is_a_failure_of_tls(tmp_path: Path, hesitant: bool) -> None:
    """SMTP-129, QUEUE-122: with TLS 1.3 a host that wants a certificate says so when its handshake is over for us. It
    counts in reports, and is tried in clear where no policy forbids it; also where the host is gone before we send.
    """
    for policy, encrypted in (("", [False]), (ENFORCE, [])):
        folder = tmp_path / ("open" if not policy else "enforced")
        folder.mkdir()
        async with slow_rig(folder) if hesitant else rig_at(folder, account=KEEP) as rig:
            mx = rig.remote(Server(tls=rig.certificate))
            assert mx.tls is not None
            for context in (mx.tls._base, mx.tls._default):
                context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: False)
            if policy:
                rig.sts(policy)
            result = await attempt(rig)
            assert any("certificate_required" in one for one in result.tls_failures), result
            assert (mx.encrypted, result.success) == (encrypted, not policy)


@pytest.mark.parametrize("hesitant", [False, True])
async def test_a_host_that_says_no_tls_and_goes_is_heard(tmp_path: Path, hesitant: bool) -> None:
    """QUEUE-122: what it said tells more than that it has gone, though our part of the handshake cannot be sent."""
    async with slow_rig(tmp_path) if hesitant else rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(broken_tls=True))
        assert (await attempt(rig)).tls_failures == ("validation-failure/nottls",)


async def test_a_host_that_is_silent_in_the_handshake_is_left_after_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-129: STARTTLS is answered, TLS is not; without a policy the message goes in clear. Here the minute is half a
    second.
    """
    defaults = ClientTLS.connect.__kwdefaults__
    assert defaults is not None
    assert (CONNECT_SECONDS, defaults["seconds"]) == (30, 60)
    monkeypatch.setitem(defaults, "seconds", 0.5)
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(tls=rig.certificate))
        mx.tls = Mute()  # type: ignore[assignment]  # of a server of this test
        result = await attempt(rig)
        assert (result.success, mx.connections, mx.encrypted) == (True, 2, [False])
        assert result.tls_failures == ("validation-failure/timeout",)


class Mute:
    """TLS of a server that takes what comes, and says nothing."""

    async def accept(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        while await stream.receive_some():
            pass
        raise trio.ClosedResourceError


async def test_reports_count_domain_and_host_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-120: per attempt one result for the domain and one for each host, with the policy as it was."""
    seen = counted(monkeypatch)
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(tls=FOREIGN))
        rig.sts(ENFORCE)
        publish_tlsa(rig, tlsa(FOREIGN.leaf))
        await attempt(rig)
        [(domain, host)] = seen
        assert (domain.type, domain.domain, domain.successes, domain.failed) == ("sts", "remote.example", 0, 1)
        assert domain.mx == (MX,)
        assert domain.text == ("version: STSv1", "mode: enforce", "max_age: 86400", f"mx: {MX}")
        [failure] = domain.failures
        assert (failure.type, failure.host, failure.ip) == ("certificate-not-trusted", MX, "192.0.2.1")
        assert (host.type, host.domain, host.is_host, host.successes, host.failed) == ("tlsa", MX, True, 1, 0)
        assert host.text[0].startswith("3 1 1 ")


async def test_a_host_that_is_the_domain_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-120: with TLSA records of its own, the same name has no result without a policy beside."""
    seen = counted(monkeypatch)
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=FOREIGN))
        rig.resolver.set("remote.example", RecordType.MX, ["10 remote.example"])
        rig.resolver.set("remote.example", RecordType.A, ["192.0.2.1"])
        publish_tlsa(rig, tlsa(FOREIGN.leaf), name="_25._tcp.remote.example")
        await attempt(rig)
        [results] = seen
        assert [(one.type, one.domain, one.successes) for one in results] == [("tlsa", "remote.example", 1)]


@pytest.mark.parametrize("report", ["dmarc", "tls"])
async def test_a_dmarc_report_never_falls_back_to_clear(tmp_path: Path, report: str) -> None:
    """QUEUE-134, QUEUE-53: it tells of others; where TLS is broken it waits. A report on TLS goes."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server(broken_tls=True))
        result = await attempt(rig, is_dmarc_report=report == "dmarc", is_tls_report=report == "tls")
        assert (result.success, mx.connections, len(mx.messages)) == (
            (False, 1, 0) if report == "dmarc" else (True, 2, 1)
        )


async def test_policies_are_refreshed_and_forgotten(tmp_path: Path) -> None:
    """QUEUE-113: after half a day the record confirms, or the file is fetched anew; unused for 180 days: gone."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.sts(ENFORCE)
        await rig.submit("bob@remote.example")
        await rig.settle()
        policies = rig.queue.ctx.policies
        domain = Domain.parse("remote.example")
        for _ in range(4):
            rig.clock.advance(13 * 3600)
            await policies.refresh(spread=0)
        assert len(rig.fetched) == 1
        rig.resolver._failing["_mta-sts.remote.example."] = TempError("silent")
        standing = await policies.find(domain)
        assert standing.policy is not None
        assert standing.policy.mode == "enforce"
        rig.clock.advance(13 * 3600)
        await policies.refresh(spread=0)
        assert len(rig.fetched) == 2
        rig.clock.advance(182 * 86400)
        await policies.refresh(spread=0)
        rig.resolver._failing.clear()
        rig.sts("", record="")
        assert await policies.find(domain) == EffectivePolicy()


async def test_a_broken_cache_holds_no_mail_up(tmp_path: Path) -> None:
    """QUEUE-58, QUEUE-110: policies are looked up anew each time then, and hold all the same."""
    (tmp_path / "cache.db").write_bytes(b"no database" * 1000)
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server(tls=rig.certificate))
        rig.sts(ENFORCE)
        for _ in range(2):
            await rig.submit("bob@remote.example")
            await rig.settle()
        assert {row.results[0].policy for row in await rig.queue.listings.list_retired()} == {"sts"}
        assert len(rig.fetched) == 2


async def test_a_session_that_tls_ends_tells_what_the_domain_offers(tmp_path: Path) -> None:
    """QUEUE-57, STORE-97: from the account's first message on, and whatever becomes of it."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server(tls=FOREIGN))
        rig.sts(ENFORCE)
        await rig.submit("bob@remote.example")
        await rig.settle()
        async with rig.accounts.use("alice") as account:
            found = await account.read(lambda r: domain_tls(r, "remote.example"), op="test")
        assert found is not None
        assert (found.starttls, found.requiretls) == (True, False)


@pytest.mark.parametrize(("ptr", "confirmed"), [(False, False), (True, False), (True, True)])
async def test_mail_goes_over_ipv6_only_from_an_address_with_a_name(
    tmp_path: Path, ptr: bool, confirmed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """QUEUE-47: the name must lead back; a host that has nothing else is reached all the same. One warning."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server())
        rig.resolver.set(MX, RecordType.AAAA, ["2001:db8::1"])
        rig.serve("2001:db8::1", Server())
        own = ip_address("2001:db8::25")
        if not ptr:
            rig.source_names.set(own.reverse_pointer, RecordType.PTR, [])
        if not confirmed:
            rig.source_names.set("mail.own.example", RecordType.AAAA, [])
        for _ in range(2):
            assert await rig.ipv6.check()
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed == [("2001:db8::1" if confirmed else "192.0.2.1", 25)]
        rig.resolver.set(MX, RecordType.A, [])
        await rig.disconnect()
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert rig.dialed[1] == ("2001:db8::1", 25)
    assert sum("IPv6 address without matching reverse DNS" in one.message for one in caplog.records) == (not confirmed)


@pytest.mark.parametrize("demand", ["dane", "sts"])
@pytest.mark.parametrize("how", ["no STARTTLS", "STARTTLS refused"])
async def test_a_notice_says_that_a_demanded_starttls_is_missing(tmp_path: Path, demand: str, how: str) -> None:
    """QUEUE-53, QUEUE-180: the delayed DSN, the status and the log name the domain's demand, not just a failure."""
    async with rig_at(tmp_path, account=KEEP, top="queue = { delay_dsn_attempt = 1 }") as rig:
        rig.remote(Server({"STARTTLS": "454 4.7.0 not now"}, tls=rig.certificate) if "refused" in how else Server())
        if demand == "sts":
            rig.sts(ENFORCE)
        else:
            publish_tlsa(rig, tlsa(rig.certificate.leaf))
        await attempt(rig)
        sentence = "The recipient's domain requires TLS (DANE or MTA-STS), but their server doesn't offer it."
        [status] = await rig.queue.deliveries.status("alice", "<m1@own.example>")
        assert status.meaning == sentence
        [dsn] = await rig.inbox()
        assert sentence.encode() in dsn
