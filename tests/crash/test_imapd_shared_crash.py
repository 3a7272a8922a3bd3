"""The server ends between the files of two accounts (IMAP-157): of a COPY nothing is left, of a MOVE both, and who
shares with whom is known again.
"""

import json
from pathlib import Path

import pytest

from tests.tools import outcome_of

pytestmark = pytest.mark.served

CHILD = """
import json, os, sys, trio
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from moxlite.process.spools import Spools
from moxlite.store.content.spool import SpoolSpace
from moxlite.imapd.changes import copy as across
from moxlite.imapd.session.place import Place
from moxlite.imapd.session.view import Seat
from moxlite.imapd.session.sessions import AccountShare
from moxlite.imapd.session.view import UidList, uid_array
from moxlite.imapd.session.view import View
from moxlite.store.accounts import access as shares, crossing
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.mail.acl import set_rights
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.upkeep.check import check_account
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.rows.messages import uids
from tests.store_mail import put, rows

folder, point = Path(sys.argv[1]), sys.argv[2]
crossing.PART = 2

def end(*_, **__):
    os._exit(9)

async def main():
    options = Options(min_free_space=0)
    accounts, auth = Accounts(folder, options), await AuthDB.open(folder / "auth.db", options, create=True)
    async with accounts.use("mia") as mia, accounts.use("bo") as bo:
        box = await mia.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
        if point == "begin":
            await put(mia, 3)
        if point == "rights":
            await mia.write(lambda tx: set_rights(tx, box.id, "bo", "lrste"))
            end()
        before = await auth.sharing.owners("bo")
        await shares.publish_shares(auth, mia)  # as when the account is opened
        _, cursor = await mia.subscribe(keep_own=True)
        share = AccountShare("mia", set())
        seat = Seat(owner="mia", guest="bo", account=mia, cursor=cursor, share=share, stack=AsyncExitStack())
        known = UidList(uid_array(await mia.read(lambda r: uids(r, box.id), op="test")))
        view = View(seat, box, read_only=False, since=box.modseq, uids=known)
        place = Place(owner="bo", account=bo, origin=None, name="Inbox")
        session = SimpleNamespace(context=SimpleNamespace(spools=Spools(SpoolSpace(folder))))
        if point == "copy":
            across.end_copy = end
            await across.copy_across(session, view, view.uids, place)
        if point == "move":
            across.expunge_slice = end
        if point in ("move", "last"):
            await across.move_across(session, view, view.uids, place, [])
        cursor.close()
        found = {"mia": len(await rows(mia)), "bo": len(await rows(bo)), "before": before,
                 "owners": await auth.sharing.owners("bo")}
        for account in (mia, bo):
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
        print(json.dumps(found), flush=True)
    await accounts.aclose()
    await auth.aclose()

trio.run(main)
"""


@pytest.mark.slow
def test_after_an_end_between_two_accounts_nothing_is_lost_or_half_done(tmp_path: Path) -> None:
    """IMAP-157, IMAP-117 (RFC 6851 §3.3)."""
    assert json.loads(outcome_of(CHILD, tmp_path, "begin")) == {"mia": 3, "bo": 0, "before": [], "owners": []}
    outcome_of(CHILD, tmp_path, "rights", code=9)
    found = json.loads(outcome_of(CHILD, tmp_path, ""))
    assert (found["before"], found["owners"]) == ([], ["mia"]), "made good when the account is opened"
    outcome_of(CHILD, tmp_path, "copy", code=9)
    assert json.loads(outcome_of(CHILD, tmp_path, ""))["bo"] == 0
    outcome_of(CHILD, tmp_path, "move", code=9)
    found = json.loads(outcome_of(CHILD, tmp_path, ""))
    assert (found["mia"], found["bo"]) == (3, 2), "added, and not yet removed"
    found = json.loads(outcome_of(CHILD, tmp_path, "last"))
    assert (found["mia"], found["bo"]) == (0, 5)
