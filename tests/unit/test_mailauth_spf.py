"""SPF by tables: each mechanism and each result (RFC 7208; AUTH-20..28, AUTH-100)."""

import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

import pytest
import trio
from hypothesis import given, strategies as st
from trio.testing import MockClock

from moxlite.mailauth.results import SPFResult
from moxlite.mailauth.spf.check import check, check_helo, check_host
from moxlite.mailauth.spf.record import BadMacro, MacroValues, RecordError, expand, parse_macros, parse_record, shorten
from moxlite.net.resolver import Answer, FakeResolver, Record, RecordType, Resolver

IP4 = ip_address("192.0.2.3")
IP6 = ip_address("2001:db8::cb01")

ZONE = {
    "A": {
        "a.example.": ["192.0.2.3"],
        "net.example.": ["192.0.2.200"],
        "mx1.example.": ["198.51.100.1"],
        "mx2.example.": ["192.0.2.3"],
        "client.named.example.": ["192.0.2.3"],
        "listed.exists.example.": ["127.0.0.2"],
        "3.2.0.192.in-addr._spf.example.": ["127.0.0.2"],
        "six.example.": ["192.0.2.9"],
    },
    "AAAA": {"a6.example.": ["2001:db8::cb01"], "six.example.": ["2001:db8::1"]},
    "MX": {
        "mail.example.": ["10 mx1.example.", "20 mx2.example."],
        "nullmx.example.": ["0 ."],
        "manymx.example.": [f"{n} h{n}.example." for n in range(11)],
    },
    "PTR": {"3.2.0.192.in-addr.arpa.": ["forged.other.example.", "client.named.example."]},
    "TXT": {
        "pass.example.": ["v=spf1 +all"],
        "fail.example.": ["v=spf1 -all"],
        "soft.example.": ["v=spf1 ~all"],
        "neutral.example.": ["v=spf1 ?all"],
        "broken.example.": ["v=spf1 a:"],
        "two.example.": ["v=spf1 -all", "V=SPF1 +all"],
        "other.example.": ["google-site-verification=1", "v=spf10 +all"],
        "loop.example.": ["v=spf1 include:loop.example"],
        "redirected.example.": ["v=spf1 redirect=fail.example"],
        "why.example.": ["v=spf1 -all exp=text.example"],
        "viaexp.example.": ["v=spf1 redirect=why.example"],
        "text.example.": ["%{i} is not one of %{d}'s, says %{r}: see http://x.example/?s=%{S}"],
        "badexp.example.": ["v=spf1 -all exp=two-texts.example"],
        "two-texts.example.": ["one", "two"],
        "ctlexp.example.": ["v=spf1 -all exp=ctl.example"],
        "ctl.example.": ["go\x1b[31maway\r\nnow"],
        "upper.example.": ["v=SPF1 IP4:192.0.2.0/24 -ALL"],
    },
}


def resolver(record: str = "", **more: object) -> FakeResolver:
    made = FakeResolver(ZONE, **more)  # type: ignore[arg-type]  # as FakeResolver
    if record:
        made.set("test.example.", RecordType.TXT, [record])
    return made


async def ask(record: str, ip: object = IP4, *, sender: str = "mia@test.example", **more: object) -> SPFResult:
    return await check(resolver(record, **more), ip=ip, mail_from=sender, helo="client.example")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "status", "mechanism"),
    [
        ("v=spf1 +all", "pass", "+all"),
        ("v=spf1 all", "pass", "all"),
        ("v=spf1 -all", "fail", "-all"),
        ("v=spf1 ~all", "softfail", "~all"),
        ("v=spf1 ?all", "neutral", "?all"),
        ("v=spf1", "neutral", "default"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass", "ip4:192.0.2.0/24"),
        ("v=spf1 ip4:192.0.2.4 -all", "fail", "-all"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "pass", "ip4:0.0.0.0/0"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail", "-all"),
        ("v=spf1 ip6:2001:db8::/64 -all", "fail", "-all"),
        ("v=spf1 a:a.example -all", "pass", "a:a.example"),
        ("v=spf1 a:net.example/24 -all", "pass", "a:net.example/24"),
        ("v=spf1 a:net.example/24//64 -all", "pass", "a:net.example/24//64"),
        ("v=spf1 a:net.example//64 -all", "fail", "-all"),
        ("v=spf1 a:six.example -all", "fail", "-all"),
        ("v=spf1 mx:mail.example -all", "pass", "mx:mail.example"),
        ("v=spf1 mx:nullmx.example -all", "fail", "-all"),
        ("v=spf1 ptr:named.example -all", "pass", "ptr:named.example"),
        ("v=spf1 ptr:other.example -all", "fail", "-all"),
        ("v=spf1 ptr -all", "fail", "-all"),
        ("v=spf1 exists:listed.exists.example -all", "pass", "exists:listed.exists.example"),
        ("v=spf1 exists:%{ir}.%{v}._spf.example -all", "pass", "exists:%{ir}.%{v}._spf.example"),
        ("v=spf1 a:%{p} -all", "pass", "a:%{p}"),
        ("v=spf1 include:pass.example -all", "pass", "include:pass.example"),
        ("v=spf1 include:fail.example include:soft.example include:neutral.example ~all", "softfail", "~all"),
        ("v=spf1 -include:pass.example +all", "fail", "-include:pass.example"),
        ("v=spf1 redirect=soft.example", "softfail", "~all"),
        ("v=spf1 redirect=fail.example ?all", "neutral", "?all"),
        ("v=spf1 moo=cow_%{h} -all", "fail", "-all"),
        ("v=spf1  ip4:192.0.2.3   -all ", "pass", "ip4:192.0.2.3"),
    ],
)
async def test_each_mechanism_and_result(record: str, status: str, mechanism: str) -> None:
    """AUTH-22, AUTH-24, AUTH-25, AUTH-26, AUTH-27."""
    result = await ask(record)
    assert (result.status, result.mechanism, result.problem) == (status, mechanism, "")
    assert result.identity == "mailfrom"
    assert result.domain == "test.example"


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 +all a:",
        "v=spf1 +all ip4:192.0.2.0/33",
        "v=spf1 +all ip4:192.0.2.0/024",
        "v=spf1 +all ip4:192.0.2",
        "v=spf1 +all ip6:2001:db8::/129",
        "v=spf1 +all ip6:2001:db8::%eth0",
        "v=spf1 +all a:a.example/33",
        "v=spf1 +all a//129",
        "v=spf1 +all a:a.example:8080",
        "v=spf1 +all a:single",
        "v=spf1 +all mx:%{x}.example",
        "v=spf1 +all mx:%{d0}.example",
        "v=spf1 +all mx:100%.example",
        "v=spf1 +all exists:%{c}.example",
        "v=spf1 +all all:now",
        "v=spf1 +all include",
        "v=spf1 +all ptr:",
        "v=spf1 +all unknown",
        "v=spf1 +all ipv4:192.0.2.1",
        "v=spf1 +all redirect=a.example redirect=b.example",
        "v=spf1 +all exp=a.example exp=b.example",
        "v=spf1 +all redirect=",
        "v=spf1 +all moo=%{",
        "v=spf1 +all\tip4:192.0.2.1",
        "v=spf1 +all a:b\xe4r.example",
    ],
)
async def test_an_error_anywhere_is_permanent(record: str) -> None:
    """AUTH-22, AUTH-25: the whole record is read first, though its first term would match."""
    result = await ask(record)
    assert result.status == "permerror"
    assert result.problem
    with pytest.raises(RecordError):
        parse_record(record)


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        ("two.example", "permerror"),
        ("other.example", "none"),
        ("nothing.example", "none"),
        ("single", "none"),
        ("a..example", "none"),
        ("x" * 64 + ".example", "none"),
        ("[192.0.2.3]", "none"),
        ("192.0.2.3", "none"),
        ("", "none"),
        ("upper.example", "pass"),
        ("loop.example", "permerror"),
    ],
)
async def test_the_choice_of_the_record(domain: str, status: str) -> None:
    """AUTH-21."""
    assert (await ask("", sender=f"mia@{domain}")).status == status


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ("v=spf1 include:nothing.example +all", "permerror"),
        ("v=spf1 include:broken.example +all", "permerror"),
        ("v=spf1 redirect=nothing.example", "permerror"),
        ("v=spf1 include:down.example +all", "temperror"),
        ("v=spf1 a:down.example +all", "temperror"),
        ("v=spf1 mx:down.example +all", "temperror"),
        ("v=spf1 exists:down.example +all", "temperror"),
        ("v=spf1 mx:manymx.example +all", "permerror"),
        ("v=spf1 a:x1.example a:x2.example +all", "pass"),
        ("v=spf1 a:x1.example a:x2.example a:x3.example +all", "permerror"),
        ("v=spf1 exists:x1.example mx:x2.example exists:x3.example +all", "permerror"),
        ("v=spf1 " + "a:net.example " * 10 + "+all", "pass"),
        ("v=spf1 " + "a:net.example " * 11 + "+all", "permerror"),
        ("v=spf1 " + "a:net.example " * 10 + "redirect=pass.example", "permerror"),
        ("v=spf1 " + "a:net.example " * 9 + "a:%{p} +all", "permerror"),
        ("v=spf1 " + "ip4:198.51.100.1 " * 500 + "+all", "pass"),
        ("v=spf1 " + "ip4:198.51.100.1 " * 5000 + "+all", "permerror"),
    ],
)
async def test_limits_and_failures_of_dns(record: str, status: str) -> None:
    """AUTH-23, AUTH-24, AUTH-26, AUTH-100: the counters run through include and redirect."""
    result = await ask(record, failing=["down.example"])
    assert result.status == status
    assert result.dns_queries <= 120


async def test_counters_run_through_includes() -> None:
    """AUTH-23, AUTH-100: a bomb of includes costs ten terms in all."""
    bomb = resolver()
    for n in range(50):
        bomb.set(f"i{n}.example.", RecordType.TXT, [f"v=spf1 include:i{n + 1}.example include:i{n + 2}.example ?all"])
    result = await check(bomb, ip=IP4, mail_from="x@i0.example", helo="h.example")
    assert result.status == "permerror"
    assert result.dns_terms == 11
    assert len(bomb.asked) <= 11


class Known(Resolver):
    """Answers at once, as from a cache."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        return Answer((self._texts[name],), False, 300, name)


@pytest.mark.parametrize(("terms", "parted"), [(20, False), (500, True)])
async def test_other_tasks_run_between_the_long_records_of_a_message(terms: int, parted: bool) -> None:
    """AUTH-23, AUTH-100: ten records of thousands of terms are not one step; usual ones are."""
    texts = {f"i{n}.example.": "v=spf1 " + "ip4:198.51.100.1 " * terms + "?all" for n in range(10)}
    texts["x.example."] = "v=spf1 " + " ".join(f"include:{name}" for name in texts) + " -all"
    taken = 0

    async def other() -> None:
        nonlocal taken
        while True:
            await trio.lowlevel.checkpoint()
            taken += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        assert (await check(Known(texts), ip=IP4, mail_from="x@x.example", helo="h.example")).status == "fail"
        assert (taken > 5) is parted  # Trio does not promise an order
        nursery.cancel_scope.cancel()


async def test_dns_that_takes_too_long_is_temporary(mock_clock: MockClock) -> None:
    """AUTH-23: twenty seconds for all of it."""
    mock_clock.autojump_threshold = 0
    slow = {f"s{n}.example": 7.0 for n in range(10)}
    result = await ask("v=spf1 a:s1.example a:s2.example a:s3.example a:s4.example +all", delays=slow)
    assert (result.status, result.problem) == ("temperror", "DNS lookup timed out")
    assert trio.current_time() <= 21


async def test_ipv6_clients_and_mapped_addresses() -> None:
    """AUTH-24, AUTH-27."""
    assert (await ask("v=spf1 a:a6.example -all", IP6)).status == "pass"
    assert (await ask("v=spf1 a:six.example//64 -all", IP6)).status == "pass"
    assert (await ask("v=spf1 a:a.example -all", IP6)).status == "fail"
    assert (await ask("v=spf1 ip4:192.0.2.3 -all", ip_address("::ffff:192.0.2.3"))).status == "pass"
    asked = resolver("v=spf1 exists:%{i}.example -all")
    await check(asked, ip=IP6, mail_from="a@test.example", helo="h.example")
    assert asked.asked[-1][0] == "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1.example."


async def test_the_null_sender_is_judged_by_its_greeting() -> None:
    """AUTH-20."""
    made = resolver("v=spf1 -all")
    result = await check(made, ip=IP4, mail_from="", helo="test.example")
    assert (result.status, result.identity, result.domain) == ("fail", "helo", "test.example")
    assert (await check(made, ip=IP4, mail_from="", helo="[192.0.2.3]")).status == "none"
    apart = await check_helo(made, ip=IP4, helo="pass.example")
    assert (apart.status, apart.identity) == ("pass", "helo")


async def test_explanations() -> None:
    """AUTH-28, AUTH-105: macros of its own, no control characters, that of the redirect's target, one record."""

    async def told(record: str, sender: str = "mia@test.example") -> str | None:
        domain = sender.rpartition("@")[2]
        asked = await check_host(resolver(record), ip=IP4, domain=domain, sender=sender, helo="client.example")
        return asked.explanation

    assert (
        await told("", "m ia@why.example")
        == "192.0.2.3 is not one of why.example's, says unknown: see http://x.example/?s=m%20ia%40why.example"
    )
    assert await told("", "mia@viaexp.example") is not None
    assert await told("", "mia@badexp.example") is None
    assert await told("", "mia@ctlexp.example") is None
    assert await told("v=spf1 include:why.example -all") is None
    assert await told("v=spf1 ~all exp=text.example") is None


async def test_mail_is_judged_without_explanations() -> None:
    """AUTH-28: no text of the sender's costs look-ups."""
    result = await ask("v=spf1 -all exp=text.example")
    assert (result.status, result.explanation, result.dns_queries) == ("fail", None, 1)
    dns = resolver("v=spf1 -all exp=text.example")
    await check(dns, ip=IP4, mail_from="mia@test.example", helo="client.example")
    assert "text.example." not in {name for name, _ in dns.asked}


async def test_the_state_of_dnssec_is_that_of_all_answers() -> None:
    """AUTH-12."""
    record = "v=spf1 a:net.example a:a.example -all"
    assert (await ask(record, authentic=True)).authentic
    assert not (await ask(record, authentic=["test.example", "a.example"])).authentic
    assert not (await ask("", sender="mia@[192.0.2.3]", authentic=True)).authentic


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("a%%b%_c%-d", "a%b c%20d"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{h}", "mta.example.com"),
    ],
)
async def test_macros_expand_as_the_examples_of_the_standard(text: str, value: str) -> None:
    """AUTH-27, RFC 7208 §7.4."""

    async def name(domain: str) -> str:
        return f"name.{domain}"

    facts = MacroValues(
        ip=IP4,
        sender="strong-bad@email.example.com",
        helo="mta.example.com",
        domain="email.example.com",
        name=name,
    )
    assert await expand(parse_macros(text), facts) == value


async def test_addresses_of_ipv6_expand_as_in_the_public_suite() -> None:
    """AUTH-27: v-macro-ip6 of the suite for RFC 7208: digits in upper case for DNS, a short form for people."""

    async def name(domain: str) -> str:
        return domain

    ip = IPv6Address("CAFE:BABE::1")
    facts = MacroValues(ip=ip, sender="a@e4.example.com", helo="h", domain="e4.example.com", name=name)
    text = parse_macros("%{c} is queried as %{ir}.%{v}.arpa", explanation=True)
    assert await expand(text, facts) == f"cafe:babe::1 is queried as 1.{'0.' * 23}E.B.A.B.E.F.A.C.ip6.arpa"


def test_long_names_lose_labels_from_the_left() -> None:
    """AUTH-27."""
    assert shorten("a" * 60 + "." + ".".join(["b" * 60] * 4)) == ".".join(["b" * 60] * 4)


def test_the_longest_name_is_cut_at_once() -> None:
    """AUTH-27, AUTH-100: label by label, the names of one record and one sender would stop the server for hours."""
    began = time.thread_time()
    assert shorten("a." * 500_000 + "example.com") == "a." * 121 + "example.com"
    assert time.thread_time() - began < 1


async def test_a_text_has_a_bounded_number_of_macros() -> None:
    """AUTH-27, AUTH-100."""
    assert len(parse_macros("x%{l}" * 128)) == 256
    with pytest.raises(BadMacro, match=r"too many macros .limit 128"):
        parse_macros("x%{l}" * 129)
    result = await ask("v=spf1 exists:" + "%{l}" * 10_000 + ".example.com -all")
    assert (result.status, result.dns_terms) == ("permerror", 0)


@given(st.text(alphabet="v=spf1 aimx:/.%{}drlsh0123-_~?+all", max_size=80))
def test_any_text_is_a_record_or_an_error(text: str) -> None:
    """AUTH-22, AUTH-100."""
    try:
        parse_record("v=spf1 " + text)
    except RecordError:
        pass
    try:
        parse_macros(text)
    except BadMacro:
        pass


async def test_names_with_blanks_from_macros_are_looked_up() -> None:
    """AUTH-27: ``%_`` and ``%-`` in a domain; DNS restricts no octets (RFC 7208 §7.1, RFC 2181 §11)."""
    name = "macro%percent  space%20url.example"
    dns = FakeResolver(
        {"TXT": {"b.example": ["v=spf1 a:macro%%percent%_%_space%-url.example -all"]}, "A": {name: ["1.2.3.4"]}}
    )
    result = await check(dns, ip=ip_address("1.2.3.4"), mail_from="mia@b.example", helo="h.example")
    assert result.status.value == "pass"


async def test_an_empty_localpart_is_the_postmaster() -> None:
    """AUTH-27: also in explanations (RFC 7208 §4.3)."""
    txt = {"b.example": ["v=spf1 exp=why.example -all"], "why.example": ["%{s} %{l} may not"]}
    asked = await check_host(
        FakeResolver({"TXT": txt}), ip=ip_address("1.2.3.4"), domain="b.example", sender="@b.example", helo="h.example"
    )
    assert asked.explanation == "postmaster@b.example postmaster may not"
