"""The calls of the admin app: one class for each page."""

from __future__ import annotations

from moxlite.web.admin.calls.access import AccessCalls
from moxlite.web.admin.calls.accounts import AccountCalls
from moxlite.web.admin.calls.audit import AuditCalls
from moxlite.web.admin.calls.backups import BackupCalls
from moxlite.web.admin.calls.dns import DNSCalls
from moxlite.web.admin.calls.domains import DomainCalls
from moxlite.web.admin.calls.history import HistoryCalls
from moxlite.web.admin.calls.log import LogCalls
from moxlite.web.admin.calls.network import NetworkCalls
from moxlite.web.admin.calls.overview import OverviewCalls
from moxlite.web.admin.calls.process import ProcessCalls
from moxlite.web.admin.calls.queue import QueueCalls, QueueListCalls
from moxlite.web.admin.calls.reports import OwnReportCalls
from moxlite.web.admin.calls.settings import SettingsCalls


class API(
    OverviewCalls,
    SettingsCalls,
    AccountCalls,
    AccessCalls,
    DomainCalls,
    QueueCalls,
    QueueListCalls,
    DNSCalls,
    NetworkCalls,
    LogCalls,
    ProcessCalls,
    BackupCalls,
    AuditCalls,
    OwnReportCalls,
    HistoryCalls,
):
    """The calls of the admin app. `Caller.session` is set for all calls but the public ones."""
