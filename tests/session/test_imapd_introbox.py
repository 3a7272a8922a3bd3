"""The introbox and the automatic junk flags, in a whole server."""

from pathlib import Path

import pytest

from tests.house import DOMAINS, house

pytestmark = pytest.mark.served

WITH_INTROBOX = DOMAINS.replace(
    "[accounts.mia]\n",
    """[accounts.mia]
introbox = "Fremde"
automatic_junk_flags = { enabled = true, junk_mailbox_regexp = "^junk", neutral_mailbox_regexp = "^inbox" }
""",
)


async def test_an_introbox_of_any_name_is_neutral(tmp_path: Path) -> None:
    """STORE-84, IMAP-112: strangers' first mail is not learnt as wanted, whatever the patterns say of its name."""
    async with house(tmp_path, domains=WITH_INTROBOX) as running:
        imap = await running.imap()
        for name, learnt in (("Fremde", False), ("Freunde", True)):
            await imap.ok(f"a CREATE {name}")
            await imap.append("Subject: x\r\n\r\ny\r\n", name)
            await imap.select(name)
            [answer] = [one for one in await imap.ok("b FETCH 1 FLAGS") if "FETCH" in one]
            assert ("$NotJunk" in answer) is learnt, name
