"""``moxlite jmap trace``: what the programs of an account say and are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from moxlite.lazyimport import Lazy
from moxlite.net import transcripts
from moxlite.net.control.client import CtlClient, CtlFailed, connect_ctl
from moxlite.net.control.server import serve_ctl
from moxlite.operations.imap import JmapTrace, Traced
from moxlite.supervision import open_supervisor
from moxlite.web.jmap.trace import JMAPCommands, masked
from tests.jmap_rig import Client, rig
from tests.tools import eventually
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]


@asynccontextmanager
async def operator(rig: Rig, tmp_path: Path) -> AsyncIterator[CtlClient]:
    """The command line's end of the control socket."""
    commands = dict(JMAPCommands(rig.holder, rig.house.services.programs).registry())
    path = tmp_path / "ctl"
    async with open_supervisor("test") as tree:
        await tree.start_ready("ctl.accept", partial(serve_ctl, path, Lazy(lambda: commands).get, tree))
        async with connect_ctl(path) as client:
            yield client


async def test_calls_and_answers_are_shown_without_content(
    rig: Rig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """JMAP-8a: ids, states, properties and errors are shown; no subject, name, address or search word."""
    client = Client(rig)
    shown: list[str] = []

    async def show(octets: bytes) -> None:
        shown.append(octets.decode())

    async with operator(rig, tmp_path) as ctl, trio.open_nursery() as nursery:
        nursery.start_soon(partial(ctl.call, "jmap trace", JmapTrace("mia", 1), Traced, download=show))
        await eventually(lambda: rig.house.services.programs.taps("mia"))
        number = await client.imported(keywords={"$seen": True, "ourword": True})
        await client.call("Email/get", ids=[number], properties=["subject", "keywords", "bodyValues"])
        await client.call("Email/query", filter={"text": "between us"})
        await client.error("Email/get", ids=[number], properties=["shoe"])
        await client.http("POST", "/jmap/api", b"{")
        await client.http("GET", f"/jmap/download/{client.account}/E{number[1:]}/secret.eml")
        await eventually(lambda: any("/download/" in line for line in shown))
        nursery.cancel_scope.cancel()
    text = "".join(shown)
    for secret in ("jo@else", "between", "Größe", "hi there", "ourword", "secret.eml", client.authorization):
        assert secret not in text
    for part in (
        f'C: Email/get {{"accountId":"umia","ids":["{number}"],"properties":["subject","keywords","bodyValues"]}}',
        '"keywords":{"$seen":true',
        'C: Email/query {"accountId":"umia","filter":{"text":"…"}}',
        'S: error {"type":"invalidArguments","description":"unknown property: \'shoe\'"}',
        "urn:ietf:params:jmap:error:notJSON",
    ):
        assert part in text, text
    assert {"jmap trace started", "jmap trace stopped"} <= {record.message for record in caplog.records}
    assert not rig.house.services.programs.taps("mia")


async def test_a_transcript_ends_by_itself(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-8a: after its time; of an account that there is."""

    async def show(octets: bytes) -> None:
        """Nothing is said."""

    async with operator(rig, tmp_path) as ctl:
        monkeypatch.setattr(transcripts, "MINUTE", 0.01)
        assert await ctl.call("jmap trace", JmapTrace("mia", 1), Traced, download=show) == Traced(0, 0)
        for wrong, why in (
            (JmapTrace("mia", 61), "for 1 to 60 minutes"),
            (JmapTrace("nobody", 1), 'account not found: "nobody"'),
        ):
            with pytest.raises(CtlFailed, match=why):
                await ctl.call("jmap trace", wrong, Traced, download=show)


def test_large_values_are_cut() -> None:
    """JMAP-8a: of arrays and objects 20 members, 8 levels deep."""
    assert masked({"ids": ["E1"] * 30})["ids"][-1] == "… 30 in all"
    assert len(masked({f"a{number}": 1 for number in range(40)})) == 21
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    assert str(masked(deep)).count("[") == 8
    assert masked({"name": "Jo", "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}) == {
        "name": "…",
        "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"},
    }


@pytest.mark.parametrize("place", [("accounts", "mia"), ("domains", "example.org")])
async def test_jmap_is_turned_off_by_account_and_domain(rig: Rig, place: tuple[str, str]) -> None:
    """JMAP-2c: at once, whatever the credentials; other protocols go on."""
    client = Client(rig)
    assert (await client.http("GET", "/jmap/session")).status == 200
    await rig.holder.edit(lambda document, _: document.put((*place, "no_jmap"), True))
    refused = await client.http("GET", "/jmap/session")
    assert (refused.status, b"JMAP is turned off" in refused.body) == (403, True)
    browser = rig.browser()
    await browser.log_in()
