"""The webmail answers from the address that was given away (docs/spec/masked.md)."""

import pytest

from moxlite.admin.masked import MaskedAddresses, New
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.web_rig import Rig

pytestmark = pytest.mark.served


async def test_an_answer_goes_out_from_the_address_that_was_given_away(rig: Rig) -> None:
    """MASK-6: where the message came to it, though To does not name it; other accounts' addresses do not count."""
    given = MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked)
    own, other = await given.make("mia", New(site="shop.example")), await given.make("tom", New())
    browser = rig.browser()
    await browser.log_in()
    for address, author in ((own.address, own.address), (other.address, "mia@example.org")):
        octets = f"Delivered-To: {address}\r\nFrom: <news@shop.example>\r\nTo: <list@shop.example>\r\n\r\nhello\r\n"
        async with rig.account() as account:
            box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
            assert box is not None
            [added] = await append(account, box.id, [Append(await prepare(Spool.of(octets.encode())))])
        begun = await browser.call("compose_prepare", kind="reply", message_id=added.message_id)
        assert begun["from"]["address"] == author
