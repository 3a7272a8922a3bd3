"""The calls of the admin app: one class for each page."""

from __future__ import annotations

from moxlite.web.admin.calls.overview import OverviewCalls

__all__ = ["API"]


class API(OverviewCalls):
    """The calls of the admin app. `Caller.session` is set for all calls but the public ones."""
