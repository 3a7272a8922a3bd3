"""The admin app's calls about reports, each once right and once wrong."""

from pathlib import Path

import pytest

from moxlite.queue.tls import policies
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind as DatabaseKind
from moxlite.store.file.transaction import Tx
from moxlite.store.options import DAY, Options
from moxlite.store.reports.evaluations import add_evaluations
from tests.reportdata import HOSTILE, dmarc_record, evaluation, put_dmarc, put_everything, put_tls
from tests.session.test_web_admin_queue import queue_of
from tests.web_rig import ADMIN_DOMAINS, ADMIN_STATIC, Browser, Rig

PUBLIC = '\n[listeners.public]\nips = ["127.0.0.1"]\nnat_ips = ["192.0.2.10"]\n'
PLACES = ADMIN_DOMAINS.replace(
    'client_settings_domain = "imap.example.org"',
    'client_settings_domain = "imap.example.org"\n'
    'dmarc = { localpart = "dmarc", account = "mia", mailbox = "DMARC" }\n',
)

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=ADMIN_STATIC + PUBLIC, domains=PLACES)]


async def test_reports_are_listed_by_pages_and_summed(rig: Rig, browser: Browser) -> None:
    """WEB-86, WEB-175: by reception, or of one domain by period; each page begins behind the last one."""

    def fill(tx: Tx) -> None:
        for number in range(120):
            put_dmarc(tx, [dmarc_record("192.0.2.1", 2)], number=number, ago=1 + number % 40)
        put_dmarc(tx, [dmarc_record("192.0.2.1", 5, passes=False)], domain="other.example")

    await rig.house.files.reports.database.write(fill)
    for domain in ("", "hill.example"):
        seen: list[int] = []
        page = await browser.call("reports_list", kind="dmarc", domain=domain, limit=50)
        while page:
            assert len(page) <= 50
            seen += [one["id"] for one in page]
            page = await browser.call("reports_list", kind="dmarc", domain=domain, limit=50, before=page[-1]["id"])
        assert (len(seen), len(set(seen))) == (121 if not domain else 120,) * 2
    totals = await browser.call("reports_summary", kind="dmarc", days=400)
    assert [(one["domain"], one["reports"], one["total"], one["failed"]) for one in totals] == [
        ("hill.example", 120, 240, 0),
        ("other.example", 1, 5, 5),
    ]
    assert await browser.call("reports_summary", kind="tls", days=30) == []
    assert await browser.error("reports_list", kind="spf") == (400, "user:error")
    assert await browser.error("reports_list", kind="dmarc", domain="a b") == (400, "user:error")
    assert await browser.error("reports_summary", kind="dmarc", days=0) == (400, "user:error")
    assert await browser.call("report_places") == [{"domain": "example.org", "dmarc": "dmarc@example.org", "tls": ""}]


async def test_a_report_shows_unknown_words_as_text(rig: Rig, browser: Browser) -> None:
    """WEB-86: a word that no standard has is shown as it came, with its records by pages."""
    odd = dmarc_record(HOSTILE, 3, passes=False, word="sideways")

    def fill(tx: Tx) -> None:
        put_dmarc(tx, [odd, *(dmarc_record(f"192.0.2.{number}", 1) for number in range(60))], org=HOSTILE)
        put_tls(tx, word="carrier-pigeon")

    await rig.house.files.reports.database.write(fill)
    found = await browser.call("dmarc_report", report_id=1)
    assert (found["report"]["organization"], found["records"], len(found["page"])) == (HOSTILE, 61, 50)
    assert found["policy"] == ["domain=hill.example", "adkim=r", "p=none"]
    first = found["page"][0]
    assert (first["source_ip"], first["dkim"], first["disposition"]) == (HOSTILE, "sideways", "sideways")
    assert first["reasons"] == [f"sideways: {HOSTILE}"]
    assert len((await browser.call("dmarc_report", report_id=1, first=50))["page"]) == 11
    tls = await browser.call("tls_report", report_id=1)
    assert (tls["policies"][0]["type"], tls["policies"][0]["failures"][0]["type"]) == ("carrier-pigeon",) * 2
    assert await browser.error("dmarc_report", report_id=7) == (404, "user:notFound")
    assert await browser.error("tls_report", report_id=-1) == (400, "user:error")


async def test_sources_answer_whether_reject_would_hurt(rig: Rig, browser: Browser) -> None:
    """ADMIN-78, WEB-86a: strangers that never pass do not hurt; an address that also passes, and this server, do."""
    write = rig.house.files.reports.database.write

    async def sources(domain: str) -> dict[str, object]:
        found: dict[str, object] = await browser.call("dmarc_sources", domain=domain, days=30)
        return found

    assert (await sources("hill.example"))["answer"] == "unknown"
    await write(lambda tx: put_dmarc(tx, [dmarc_record("192.0.2.10", 9, signed="hill.example")]))
    found = await sources("hill.example")
    assert (found["answer"], found["passed"], found["policy"]) == ("no", 9, "none")
    assert found["sources"] == [{"ip": "192.0.2.10", "own": True, "passed": 9, "failed": 0, "names": ["hill.example"]}]
    await write(lambda tx: put_dmarc(tx, [dmarc_record("203.0.113.9", 4, passes=False)], number=2))
    found = await sources("hill.example")
    assert (found["answer"], found["strange"], found["hurt"]) == ("strangers", 4, 0)
    both = [dmarc_record("198.51.100.1", 2), dmarc_record("198.51.100.1", 1, passes=False)]
    await write(lambda tx: put_dmarc(tx, both, number=3))
    found = await sources("hill.example")
    assert (found["answer"], found["strange"], found["hurt"], found["reports"]) == ("yes", 4, 1, 3)
    await write(lambda tx: put_dmarc(tx, [dmarc_record("192.0.2.10", 1, passes=False)], domain="own.example"))
    assert (await sources("own.example"))["answer"] == "yes"
    listed = await browser.call("dmarc_source_reports", domain="hill.example", days=30, ip="198.51.100.1")
    assert [(one["organization"], one["passed"], one["failed"]) for one in listed] == [("provider3.example", 2, 1)]
    assert await browser.error("dmarc_sources", domain="a b", days=30) == (400, "user:error")
    assert await browser.error("dmarc_source_reports", domain="hill.example", days=500, ip="") == (400, "user:error")


async def test_what_is_left_out_of_the_sources_is_counted(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-86a: reports that are too large, and addresses beyond the first 30, whose messages are summed up."""
    monkeypatch.setattr("moxlite.admin.figures.MAX_REPORT", 50_000)

    def fill(tx: Tx) -> None:
        put_dmarc(tx, [dmarc_record(f"10.0.{n // 250}.{n % 250}", 1) for n in range(1000)])
        put_dmarc(tx, [dmarc_record(f"10.0.0.{number}", 1) for number in range(40)], number=2)

    await rig.house.files.reports.database.write(fill)
    found = await browser.call("dmarc_sources", domain="hill.example", days=30)
    assert (found["reports"], found["left_out"], found["passed"]) == (1, 1, 40)
    assert (len(found["sources"]), found["sources"][-1]["ip"], found["sources"][-1]["passed"]) == (31, "", 10)


async def test_our_own_reports_wait_and_may_be_dropped(rig: Rig, browser: Browser) -> None:
    """WEB-86, QUEUE-131: evaluations by domain and one by one; what is due is sent now; counts are dropped."""

    def fill(tx: Tx) -> None:
        add_evaluations(tx, [evaluation() for _ in range(60)])
        add_evaluations(tx, [evaluation("other.example", passes=False, at=tx.now - DAY // 4)])

    await rig.house.files.reports.database.write(fill)
    pending = await browser.call("dmarc_pending")
    assert {one["about"]: (one["total"], one["failed"]) for one in pending} == {
        "remote.example": (60, 0),
        "other.example": (1, 1),
    }
    page = await browser.call("dmarc_evaluations", domain="remote.example")
    rest = await browser.call("dmarc_evaluations", domain="remote.example", after=page[-1]["id"])
    assert (len(page), len(rest), page[0]["dkim"], page[0]["header_from"]) == (50, 10, True, "remote.example")
    assert await browser.call("dmarc_drop", domain="other.example") == {"rows": 1}
    assert await browser.call("dmarc_evaluations", domain="other.example") == []
    assert (await browser.call("dmarc_send"))["due"] in (0, 1)  # 1 shortly after midnight
    assert await browser.call("tlsrpt_pending") == []
    assert await browser.error("tlsrpt_drop", domain="a b") == (400, "user:error")
    assert await browser.error("dmarc_evaluations", domain="a b") == (400, "user:error")


async def test_addresses_without_reports(browser: Browser) -> None:
    """WEB-86, QUEUE-126."""
    await browser.call("tlsrpt_suppress_add", address="r@remote.example", seconds=2_592_000, comment="asked")
    (found,) = await browser.call("tlsrpt_suppress_list")
    assert (found["address"], found["comment"]) == ("r@remote.example", "asked")
    assert await browser.call("dmarc_suppress_list") == []
    await browser.call("tlsrpt_suppress_remove", address="r@remote.example")
    assert await browser.call("tlsrpt_suppress_list") == []
    assert await browser.error("tlsrpt_suppress_add", address="x", seconds=30) == (400, "user:error")
    assert await browser.error("tlsrpt_suppress_remove", address="r@x.example") == (404, "user:notFound")


async def test_policies_of_other_domains_are_shown_by_pages(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-86: the cache of MTA-STS policies, with the reason where one could not be fetched."""
    assert await browser.call("mtasts_kept", limit=50) == []
    kept = (await queue_of(rig)).ctx.policies
    kept._database = await Database.open(tmp_path / "cache.db", DatabaseKind.CACHE, options=Options(), create=True)
    for number in range(60):
        await kept._keep(
            policies.STSPolicyRow(f"d{number:02}.example", 9, 2, 3, 0, "", "id", "enforce", 86400, '["mx.d.example"]')
        )
    await kept._keep(policies.STSPolicyRow("e.example", 9, 2, 3, 9, "sts-webpki-invalid", "id", "", 0, "[]"))
    first = await browser.call("mtasts_kept", limit=50)
    rest = await browser.call("mtasts_kept", limit=50, after=first[-1]["domain"])
    assert (len(first), len(rest), first[0]["mx"]) == (50, 11, ["mx.d.example"])
    assert (rest[-1]["mode"], rest[-1]["failure"]) == ("", "sts-webpki-invalid")
    assert await browser.error("mtasts_kept", after=7) == (400, "user:error")
    await kept._database.aclose()
    kept._database = None


async def test_a_month_of_reports_comes_out_as_it_went_in(rig: Rig, browser: Browser) -> None:
    """WEB-86a: the sums over all sources are those of the reports."""
    await rig.house.files.reports.database.write(put_everything)
    found = await browser.call("dmarc_sources", domain="hill.example", days=30)
    (total,) = await browser.call("reports_summary", kind="dmarc", days=30)
    assert found["passed"] + found["failed"] == total["total"]
    assert (found["failed"], found["hurt"], found["strange"]) == (total["failed"], 0, total["failed"])
    assert sum(one["passed"] + one["failed"] for one in found["sources"]) == total["total"]
