"""Python steps of migrations: what SQL alone cannot do. A step reads and writes the tables as they are after the SQL of
its migration, by statements of its own, whatever later programs do.
"""

from __future__ import annotations

from typing import Final

from moxlite.store.file.transaction import Tx

ACTIVE: Final = "SELECT name FROM sieve_script WHERE active"
SCRIPT: Final = "SELECT compiled, script FROM sieve_script WHERE name = ?"
AGREED: Final = """
INSERT INTO forward_target (address, link, asked, confirmed) VALUES (?, x'', 0, ?) ON CONFLICT (address) DO NOTHING"""


def agree_to_targets(tx: Tx) -> None:
    """Account 0027: the addresses that the active script names got mail until now, and go on to get it (SMTP-160a)."""
    active = tx.row(ACTIVE)
    if active is None:
        return
    from moxlite.proto.sieve.checker import stored  # 1 MB that most accounts do not need
    from moxlite.proto.sieve.script import Script, redirects

    def find(name: str) -> Script | None:
        row = tx.row(SCRIPT, name)
        return None if row is None else stored(*row)

    for address in redirects(active[0], find):
        tx.execute(AGREED, address, tx.now)
