"""Memory after many accounts were used: each gets mail, and its user logs in and reads it."""

import smtplib
import time
from pathlib import Path

import trio

from bench.imapload import IMAP, corpus
from bench.servers import Moxlite
from moxlite.admin.storage.settings import store_options
from moxlite.config.holder import ConfigHolder
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.credentials import derive_credential, set_credential
from tests.supervised import supervised

__all__ = ["accounts", "set_passwords"]

ACCOUNTS = 100
MESSAGES = 20
"""For each account."""
REST_SECONDS = 60.0
"""As long as the bar says."""


def accounts(folder: Path) -> dict[str, float]:
    """Figures for a server of its own below `folder`."""
    server = Moxlite(folder, accounts=ACCOUNTS)
    names = [f"user{n}" for n in range(ACCOUNTS)]
    trio.run(set_passwords, server.server.folder / "config/moxlite.toml", names, server.password)
    server.start()
    try:
        time.sleep(2)
        figures = {"memory before 100 accounts are used, MB (PSS)": server.pss()}
        with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
            for number in range(MESSAGES):
                for name in names:
                    smtp.sendmail("sender@example.com", [f"{name}@localhost"], corpus(number))
        for name in names:
            session = IMAP(server.imaps_port, f"{name}@localhost", server.password, tls=True)
            session.command(b"SELECT INBOX", keep=False)
            session.command(b"UID FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])", keep=False)
            session.command(b"UID STORE 1:* +FLAGS.SILENT (\\Seen)", keep=False)
            session.close()
        figures["memory after 100 accounts were used, at once, MB (PSS)"] = server.pss()
        time.sleep(REST_SECONDS)
        figures["memory after 100 accounts were used, 60 s later, MB (PSS)"] = server.pss()
        figures["memory after 100 accounts were used, 60 s later, MB (RSS)"] = server.rss()
    finally:
        server.stop()
    return figures


async def set_passwords(config: Path, names: list[str], password: str) -> None:
    """Give accounts of a server that does not run a password."""
    holder, _ = ConfigHolder.open(config)
    credential = derive_credential(password)
    store = Accounts(holder.current.static.data_dir, store_options(holder))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, store)
        for name in names:
            async with store.use(name) as account:
                await account.write(lambda tx: set_credential(tx, credential))
        nursery.cancel_scope.cancel()
