"""The logged-in sessions for submission, so that they can be ended when a log-in is disabled or revoked (SMTP-62a)."""

from __future__ import annotations

from collections.abc import Callable


class Senders:
    """The sessions of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[str, dict[Callable[[str], None], str]] = {}

    def join(self, account: str, app_password: str, end: Callable[[str], None]) -> None:
        """Add a logged-in session; `end(text)` ends it. `app_password`: the name of the one that was used, or ""."""
        self._accounts.setdefault(account, {})[end] = app_password

    def leave(self, account: str, end: Callable[[str], None]) -> None:
        """Remove a session that has ended."""
        sessions = self._accounts.get(account, {})
        sessions.pop(end, None)
        if not sessions:
            self._accounts.pop(account, None)

    def end_account(self, account: str, text: str, *, app_password: str = "") -> None:
        """End all sessions of an account, or those which began with the app password of this name; `text` is for their
        users.
        """
        for end, name in list(self._accounts.get(account, {}).items()):
            if not app_password or name == app_password:
                end(text)

    def count(self, account: str) -> int:
        """Number of sessions of an account."""
        return len(self._accounts.get(account, {}))
