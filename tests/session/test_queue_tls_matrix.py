"""Policy × behaviour of the host × demand of the sender, each by an attempt: where the message went, over which TLS,
what TLS reports count of it, and what its sender is told (QUEUE-50..56, QUEUE-120..122).
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.resolver import TLSA, TempError
from moxlite.net.tls.certificates import self_signed
from moxlite.queue.data.rows import Message, Retired
from tests.certs import Authority, tlsa
from tests.queue_rig import Rig, Server, rig_at
from tests.tls_rig import KEEP, MX, TLSA_NAME, counted, counters, publish_tlsa

pytestmark = pytest.mark.served

CA = Authority()
PAIRS = {
    "good": CA.issue(MX),
    "expired": CA.issue(MX, days=-7),
    "misnamed": CA.issue("elsewhere.example"),
    "foreign": self_signed([MX]),
}
"""Certificates by the behaviour of their host. Others: `plain` has no STARTTLS, `refuses` announces it and declines,
`broken` answers to a handshake with words.
"""

EXPIRED, MISNAMED, FOREIGN = "certificate-expired", "certificate-host-mismatch", "certificate-not-trusted"
NO_STARTTLS, NO_MATCH = "starttls-not-supported", "validation-failure/dane-no-match"
BROKEN = "validation-failure/nottls"
OTHER_MX = "validation-failure/mtasts-policy-mx-mismatch"
UNUSABLE = "tlsa-invalid/all-unusable-records+ignored"
FETCH, WEBPKI = "sts-policy-fetch-error/cannot-fetch-policy", "sts-webpki-invalid/certificate-not-trusted"


class Row(NamedTuple):
    """What is expected. Counts are ``TYPE SUCCESSES/FAILED`` of the domain's policy and of the host's.

    Attributes:
      tls: the policies that held, without demand; "" where the message waits.
      counts: without demand. overlooked: with ``TLS-Required: No``, where it differs.
      failures: what reports tell, in whatever order.
      ignoring: as `tls`, with ``TLS-Required: No``.
      requiretls: whether a message with REQUIRETLS goes, waits, or fails.
    """

    policy: str
    server: str
    tls: str
    counts: tuple[str, str]
    failures: tuple[str, ...]
    ignoring: str
    overlooked: tuple[str, str] | None
    requiretls: str


NONE, STS, DANE = "no-policy-found", "sts", "tlsa"


def row(
    policy: str,
    server: str,
    tls: str,
    domain: str,
    host: str,
    *failures: str,
    ignoring: str = "",
    overlooked: tuple[str, str] | None = None,
    requiretls: str = "fails",
) -> Row:
    return Row(policy, server, tls, (domain, host), failures, ignoring or tls, overlooked, requiretls)


ROWS = [
    row("", "good", "opportunistic", f"{NONE} 1/0", f"{NONE} 1/0"),
    row("", "expired", "opportunistic", f"{NONE} 1/0", f"{NONE} 1/0", EXPIRED),
    row("", "misnamed", "opportunistic", f"{NONE} 1/0", f"{NONE} 1/0", MISNAMED),
    row("", "foreign", "opportunistic", f"{NONE} 1/0", f"{NONE} 1/0", FOREIGN),
    row("", "plain", "clear", f"{NONE} 0/0", f"{NONE} 0/0", NO_STARTTLS),
    row("", "refuses", "clear", f"{NONE} 0/0", f"{NONE} 0/0", NO_STARTTLS),
    row("", "broken", "clear", f"{NONE} 0/1", f"{NONE} 0/1", BROKEN),
    row("sts", "good", "sts", f"{STS} 1/0", f"{NONE} 1/0", requiretls="goes"),
    *(
        row("sts", server, "", f"{STS} 0/1", f"{NONE} 1/0", failure, ignoring="opportunistic", requiretls="waits")
        for server, failure in (("expired", EXPIRED), ("misnamed", MISNAMED), ("foreign", FOREIGN))
    ),
    *(
        row("sts", server, "", f"{STS} 0/1", f"{NONE} 0/1", NO_STARTTLS, ignoring="clear",
            overlooked=(f"{STS} 0/1", f"{NONE} 0/0"), requiretls="waits")
        for server in ("plain", "refuses")
    ),
    row("sts", "broken", "", f"{STS} 0/1", f"{NONE} 0/1", BROKEN, ignoring="clear", requiretls="waits"),
    row("sts-other", "good", "", f"{STS} 0/1", f"{NONE} 0/0", OTHER_MX, ignoring="opportunistic",
        overlooked=(f"{STS} 0/1", f"{NONE} 1/0"), requiretls="waits"),
    row("testing", "good", "opportunistic", f"{STS} 1/0", f"{NONE} 1/0"),
    row("testing", "expired", "opportunistic", f"{STS} 0/1", f"{NONE} 1/0", EXPIRED),
    row("testing", "plain", "clear", f"{STS} 0/1", f"{NONE} 0/0", NO_STARTTLS),
    row("testing", "broken", "clear", f"{STS} 0/1", f"{NONE} 0/1", BROKEN),
    row("testing-other", "good", "opportunistic", f"{STS} 0/1", f"{NONE} 1/0", OTHER_MX),
    row("none", "foreign", "opportunistic", f"{NONE} 1/0", f"{NONE} 1/0", FOREIGN),
    row("https-dead", "good", "opportunistic", f"{NONE} 1/1", f"{NONE} 1/0", FETCH),
    row("https-foreign", "plain", "clear", f"{NONE} 0/1", f"{NONE} 0/0", WEBPKI, NO_STARTTLS),
    row("dane", "good", "dane", f"{NONE} 1/0", f"{DANE} 1/0", requiretls="goes"),
    row("dane", "foreign", "", f"{NONE} 1/0", f"{DANE} 0/1", FOREIGN, NO_MATCH, ignoring="opportunistic",
        requiretls="waits"),
    row("dane", "plain", "", f"{NONE} 0/1", f"{DANE} 0/1", NO_STARTTLS, ignoring="clear",
        overlooked=(f"{NONE} 0/0", f"{DANE} 0/1"), requiretls="waits"),
    row("dane", "broken", "", f"{NONE} 0/1", f"{DANE} 0/1", BROKEN, ignoring="clear", requiretls="waits"),
    *(
        row(f"dane-{server}", server, "dane", f"{NONE} 1/0", f"{DANE} 1/0", failure, requiretls="goes")
        for server, failure in (("expired", EXPIRED), ("misnamed", MISNAMED), ("foreign", FOREIGN))
    ),
    row("dane-unusable", "foreign", "dane", f"{NONE} 1/0", f"{DANE} 1/0", FOREIGN, UNUSABLE),
    row("dane-unusable", "plain", "", f"{NONE} 0/1", f"{DANE} 0/1", NO_STARTTLS, UNUSABLE, ignoring="clear",
        overlooked=(f"{NONE} 0/0", f"{DANE} 0/1")),
    row("dane-bogus", "good", "", f"{NONE} 0/0", f"{NONE} 0/1", "dnssec-invalid/tlsa-lookup", ignoring="opportunistic",
        overlooked=(f"{NONE} 1/0", f"{NONE} 0/1"), requiretls="waits"),
    row("dane sts", "good", "dane sts", f"{STS} 1/0", f"{DANE} 1/0", requiretls="goes"),
    row("dane-foreign sts", "foreign", "", f"{STS} 0/1", f"{DANE} 1/0", FOREIGN, ignoring="dane", requiretls="waits"),
    row("dane sts-other", "good", "", f"{STS} 0/1", f"{DANE} 0/0", OTHER_MX, ignoring="dane",
        overlooked=(f"{STS} 0/1", f"{DANE} 1/0"), requiretls="waits"),
]  # fmt: skip


def publish(rig: Rig, policy: str) -> None:
    """What the domain says of itself, in words of `ROWS`."""
    for part in policy.split():
        kind, _, which = part.partition("-")
        host = "mx.elsewhere.example" if which == "other" else MX
        match kind, which:
            case (("sts" | "testing"), _):
                mode = "enforce" if kind == "sts" else "testing"
                rig.sts(f"mode: {mode}, mx: {host}, max_age: 86400")
            case "none", _:
                rig.sts("mode: none, max_age: 86400")
            case "https", _:
                rig.sts("x")
                failure = FetchFailed("no answer", untrusted=which == "foreign")
                rig.web["https://mta-sts.remote.example/.well-known/mta-sts.txt"] = failure
            case "dane", "unusable":
                publish_tlsa(rig, TLSA(1, 1, 1, b"\0" * 32))
            case "dane", "bogus":
                rig.resolver._authentic = True
                rig.resolver._failing[f"{TLSA_NAME}."] = TempError("bogus", dnssec=True)
            case "dane", _:
                publish_tlsa(rig, tlsa(PAIRS[which or "good"].leaf))


def host(server: str) -> Server:
    pair = PAIRS.get("good" if server == "refuses" else server)
    replies = {"STARTTLS": "454 4.7.0 TLS not available"} if server == "refuses" else {}
    return Server(replies, tls=pair, broken_tls=server == "broken", extensions=["REQUIRETLS"])


@pytest.mark.parametrize("demand", ["none", "no", "requiretls"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.policy or 'nothing'}/{row.server}")
async def test_where_a_message_goes(tmp_path: Path, row: Row, demand: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-50..56, QUEUE-61, QUEUE-120..122, QUEUE-103: what holds, what is reported, what the sender hears; a policy
    that is tested or overlooked has failed all the same (RFC 8461 §5).
    """
    seen = counted(monkeypatch)
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.queue.ctx.trust._extra = (CA.root,)
        mx = rig.remote(host(row.server))
        publish(rig, row.policy)
        await rig.submit("bob@remote.example", requiretls={"none": None, "no": False, "requiretls": True}[demand])
        await rig.settle()
        listings = rig.queue.listings
        rows: list[Message | Retired] = [*await listings.list_messages(), *await listings.list_retired()]
        [message] = rows
        waits = isinstance(message, Message)
        result = message.results[0]
        [(domain, of_host)] = seen
        counts = tuple(f"{one.type} {one.successes}/{one.failed}" for one in (domain, of_host))
        notices = await rig.inbox()
        if demand == "requiretls":
            expected = row.tls if row.requiretls == "goes" else ""
        else:
            expected = row.ignoring if demand == "no" else row.tls

        assert mx.encrypted == ([expected != "clear"] if expected else [])
        assert (result.policy if expected else "") == expected
        if demand == "requiretls" and row.requiretls == "fails":
            assert (waits, result.code, result.secode, mx.connections) == (False, 554, "7.30", 0)
            [notice] = notices
            assert b"Status: 5.7.30" in notice
            assert b"text/rfc822-headers" in notice
            return
        assert (waits, notices) == (not expected, [])
        assert mx.connections <= (1 if demand == "requiretls" or not expected else 2)
        assert not any(line.startswith("MAIL") for line in mx.lines) or expected
        assert set(result.tls_failures) == set(row.failures)
        assert counts == (row.overlooked or row.counts if demand == "no" else row.counts)


@pytest.mark.parametrize(
    ("policy", "server", "requiretls", "expected"),
    [
        ("", "good", None, {"destinations false"}),
        ("", "good", True, {"destinations false", "requiretls_unsupported nopolicy"}),
        ("", "broken", None, {"destinations false", "plaintext_fallback"}),
        ("", "plain", False, {"destinations false"}),
        ("sts", "lacks", True, {"destinations false", "requiretls_unsupported norequiretls"}),
        ("sts", "foreign", False, {"destinations false", "tlsrequiredno_ignored certificate"}),
        ("sts", "plain", False, {"destinations false", "tlsrequiredno_ignored badtls"}),
        ("sts", "refuses", False, {"destinations false", "plaintext_fallback", "tlsrequiredno_ignored badtls"}),
        ("sts", "broken", False, {"destinations false", "plaintext_fallback", "tlsrequiredno_ignored badtls"}),
        ("sts-other", "good", False, {"destinations false", "tlsrequiredno_ignored mtastsmx"}),
        ("sts-silent", "good", False, {"destinations false", "tlsrequiredno_ignored mtastspolicy"}),
        ("dane", "good", None, {"destinations true", "dane_required"}),
        ("dane", "plain", False, {"destinations true", "dane_required", "tlsrequiredno_ignored badtls"}),
        ("dane-unusable", "foreign", None, {"destinations true", "dane_required", "dane_unusable"}),
        ("dane-bogus", "good", None, {"destinations true", "tlsa_errors"}),
        ("dane-bogus", "good", False, {"destinations true", "tlsa_errors", "tlsrequiredno_ignored badtlsa"}),
    ],
)
async def test_what_tls_meets_is_counted(
    tmp_path: Path, policy: str, server: str, requiretls: bool | None, expected: set[str]
) -> None:
    """QUEUE-73, QUEUE-53, QUEUE-55, QUEUE-56: each once, and nothing else; also what the sender told us to overlook."""
    async with rig_at(tmp_path) as rig:
        rig.queue.ctx.trust._extra = (CA.root,)
        mx = rig.remote(host("good" if server == "lacks" else server))
        if server == "lacks":
            mx.extensions = []
        publish(rig, policy)
        if policy == "sts-silent":
            rig.resolver._failing["_mta-sts.remote.example."] = TempError("silent")
        before = counters()
        await rig.submit("bob@remote.example", requiretls=requiretls)
        await rig.settle()
        assert {name: count - before[name] for name, count in counters().items() if count != before[name]} == (
            dict.fromkeys(expected, 1.0)
        )
