"""Addresses to give away in a whole server, by the control socket (MASK-5a, MASK-7)."""

from pathlib import Path

import pytest

from moxlite.net.control.client import CtlFailed
from moxlite.operations.accounts import AddAddress
from moxlite.operations.domains import AddAlias
from moxlite.operations.masked import (
    ChangeGiven,
    GivenAddress,
    ListGiven,
    MakeAddress,
    RemoveGiven,
    SwitchOff,
    SwitchOn,
)
from tests.house import house

pytestmark = pytest.mark.served


async def test_addresses_are_made_and_changed_by_the_command_line(tmp_path: Path) -> None:
    """MASK-7: and named in the audit log."""
    async with house(tmp_path) as running, running.ctl() as ctl:
        asked = MakeAddress(account="mia", site="shop.example", note="books", only_from="shop.example, a@b.example")
        made = await ctl.call("address add", asked, GivenAddress)
        assert (made.state, made.site, made.only_from) == ("on", "shop.example", ["shop.example", "a@b.example"])
        await ctl.call("address off", SwitchOff(made.address, account="mia"), type(None))
        [one] = await ctl.call("address list", ListGiven(account="mia"), list[GivenAddress])
        assert (one.state, one.messages, one.leak) == ("off", 0, "")
        await ctl.call("address on", SwitchOn(made.address, account="mia"), type(None))
        change = ChangeGiven(made.address, account="mia", site="club.example", only_from="", expires="90d")
        changed = await ctl.call("address set", change, GivenAddress)
        assert (changed.state, changed.site, changed.note, changed.only_from) == ("on", "club.example", "books", [])
        assert changed.expires > changed.created
        ended = await ctl.call("address set", ChangeGiven(made.address, account="mia", expires="never"), GivenAddress)
        assert ended.expires == ""
        with pytest.raises(CtlFailed, match="isn't a valid time"):
            await ctl.call("address set", ChangeGiven(made.address, account="mia", expires="soon"), GivenAddress)
        with pytest.raises(CtlFailed, match="account not found"):
            await ctl.call("address list", ListGiven(account="nobody"), list[GivenAddress])
        await ctl.call("address rm", RemoveGiven(made.address, account="mia"), type(None))
        with pytest.raises(CtlFailed, match="isn't one of your masked addresses"):
            await ctl.call("address rm", RemoveGiven(made.address, account="mia"), type(None))


async def test_one_that_is_given_away_becomes_no_other_address(tmp_path: Path) -> None:
    """MASK-5a: neither of an account nor of an alias."""
    async with house(tmp_path) as running, running.ctl() as ctl:
        made = await ctl.call("address add", MakeAddress(account="mia"), GivenAddress)
        for name, request in (
            ("config address add", AddAddress(made.address, "mia")),
            ("config alias add", AddAlias(made.address, ["mia@example.org"])),
        ):
            with pytest.raises(CtlFailed, match='is a masked address of account "mia"'):
                await ctl.call(name, request, type(None))
