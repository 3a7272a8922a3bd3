"""docs/kept.md and docs/retention.md: what is kept, and for how long, for users and for administrators.

One table is the source of both. Periods are the constants by which the code removes rows, and the defaults of settings.
Each table of the databases has a row (tests/unit/test_script_retention.py).
"""

import math
import re
from datetime import timedelta
from typing import Final, NamedTuple

from generators._languages import TOP
from moxlite.admin.standby.pruning import held_for
from moxlite.config.static import Backup, ForeignPasswords, Standby, Store
from moxlite.queue.data.status import OUTCOME_LIFE
from moxlite.queue.guard.stops import RELEASED_LIFE
from moxlite.queue.queue import KEY_LIFE
from moxlite.queue.tls.policies import FORGET_AFTER
from moxlite.store.auth import audit, factors, loginattempts, sessions
from moxlite.store.auth.authdb import KEPT_FOR
from moxlite.store.content.uploads import AGE
from moxlite.store.delivery import outgoing, perform, submissions, vacation
from moxlite.store.file.migrations import COPY_KEPT
from moxlite.store.groupware import alarms, kept
from moxlite.store.junk.trainer import PRUNE_AGE
from moxlite.store.reports.reportsdb import COUNTED_RETENTION, HISTORY_RETENTION, RECEIVED_RETENTION
from moxlite.store.upkeep.erase import KEY_AGE

MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)

FORMS: Final = 7 * DAY
"""For which the web apps keep forms and messages in a browser (frontend/lib/unsaved.ts, frontend/lib/beside.ts)."""


class Row(NamedTuple):
    """What is kept. `until`: with ``{}`` for each of `periods`. `tables`: of a database, with its kind before a dot.
    `user`: the page for users has it, too.
    """

    what: str
    until: str
    periods: tuple[timedelta, ...] = ()
    tables: str = ""
    user: bool = True


ROWS: Final = (
    Row(
        "Your mail and drafts, with the sending server's address and the results of checks",
        "Until you delete it, or as your administrator sets `expire_after` for a folder",
        tables="account: message message_keyword message_info message_header message_smtp message_dkim recipient body "
        "body_chunk thread_missing annotation mailbox subscription acl keyword gathered gathering bulk_sender snooze "
        "state copy_part import_job import_message import_mailbox queued upgrade search: state text trigram field file "
        "tail vocabulary",
    ),
    Row(
        "Deleted mail",
        "{} (`store.undelete_grace`). Then its space is overwritten with zeros",
        (Store().undelete_grace * SECOND,),
        "account: erase_queue",
    ),
    Row(
        "Copies of rejected mail, if a folder is set for them",
        "{}, unless `keep_rejects` is set",
        (perform.REJECT_AGE * MICROSECOND,),
    ),
    Row(
        "Numbers of deleted messages, folders, events and contacts, without their content, so that apps can sync",
        "{} (`store.expunged_retention`). Folders: until the account is deleted",
        (Store().expunged_retention * SECOND,),
        "account: expunged mailbox_gone collection_gone resource_gone",
    ),
    Row(
        "Your contacts, calendars, and what you share",
        "Until you delete them",
        tables="account: contact contact_address contact_group group_card group_member contact_due collection "
        "collection_acl resource resource_data resource_address instance entry_facts alarm calendar_link "
        "calendar_subscription shared_view delegate auth: shared owner_number",
    ),
    Row("Deleted events and contacts", "{}", (kept.KEPT * MICROSECOND,), "account: resource_kept"),
    Row(
        "Your settings, rules, scripts, templates, signatures and vacation reply",
        "Until you change them",
        tables="account: settings ruleset_no_listid ruleset_no_msgfrom ruleset_no_mailbox sieve_script vacation_form "
        "identity template from_address_setting notice_choice forward_target",
    ),
    Row(
        "Senders who got your vacation reply",
        "{}",
        (vacation.LONGEST * SECOND,),
        "account: vacation_sent",
    ),
    Row(
        "What your script remembers, and its last errors",
        "As long as the script says. The last 20 errors",
        tables="account: sieve_seen sieve_failure",
    ),
    Row(
        "Addresses that you wrote to or got mail from, for suggestions",
        "Until you delete their last message",
        tables="account: correspondent correspondent_word recipient_domain_tls",
    ),
    Row(
        "Your masked addresses, and the first domains that wrote to each",
        "Until you delete them",
        tables="account: masked masked_sender masked_day auth: masked",
    ),
    Row(
        "Invitations that you saw, your replies, and what others changed in your events",
        "The newest 5,000 invitations and 16 MiB of changes",
        tables="account: invitation event_notice share_notice",
    ),
    Row("Alerts of events", "{}", (alarms.KEPT * MICROSECOND,), "account: alarm_notice"),
    Row(
        "Devices that get notifications",
        "Until you turn them off there, or log out",
        tables="account: notice_device jmap_push",
    ),
    Row(
        "Words and senders that your junk filter learned, as numbers",
        "Until you reset it. Words of a single message: {}",
        (PRUNE_AGE * DAY,),
        "account: junk_word_ junk_meta junk_retrain junk_sender junk_own",
    ),
    Row(
        "Linked accounts, with their passwords",
        "Until you remove them",
        tables="account: link imap_remote imap_copy pop",
    ),
    Row(
        "Files that you uploaded and didn't send",
        "{}",
        (AGE * MICROSECOND,),
        "account: upload upload_piece draft_saved",
    ),
    Row(
        "Messages on their way, and what waits for another part of the server",
        "Until they're delivered or returned",
        tables="account: outbox queue: content content_chunk msg local hook mirror room",
    ),
    Row(
        "What became of mail that you sent: recipient, time, and the other server's answer",
        "{}. For apps that use JMAP: {}",
        (OUTCOME_LIFE * MICROSECOND, submissions.KEPT * MICROSECOND),
        "account: jmap_submission queue: outcome",
    ),
    Row(
        "Messages and webhooks that are done, if the administrator keeps them",
        "As the administrator sets (`keep_retired_message_period`, `keep_retired_webhook_period`). By default, they "
        "aren't kept",
        tables="queue: msg_retired hook_retired",
    ),
    Row(
        "Recipients that mail isn't sent to, because it bounced",
        "Until you remove them, or they expire",
        tables="queue: suppression",
    ),
    Row(
        "Recipients of the last days, and networks that sent, for limits and to notice stolen passwords",
        "{}. Networks: {}",
        (outgoing.KEEP * MICROSECOND, DAY),
        "account: outgoing queue: sending sending_from",
    ),
    Row(
        "Your password as a hash, app passwords, verification methods, client certificates",
        "Until you change or remove them",
        tables="account: credential app_password subjectpass way_in auth: tls_public_key totp security_key "
        "recovery_code provider_binding provider_account",
    ),
    Row(
        "Your sessions, with IP address and browser",
        "{} after you last used it. With “Keep me logged in on this device”, {}, and {} at most. Then listed as "
        "expired for {}",
        tuple(
            one * MICROSECOND
            for one in (sessions.LIFETIME, sessions.DEVICE_UNUSED, sessions.DEVICE_AGE, sessions.KEEP_EXPIRED)
        ),
        "auth: session session_token provider_session",
    ),
    Row(
        "Logins and failed attempts, with IP address and program",
        "{}",
        (loginattempts.RETENTION * MICROSECOND,),
        "auth: login_attempt",
    ),
    Row(
        "Changes that you and administrators made, with time and IP address (audit log)",
        "{}",
        (audit.RETENTION * MICROSECOND,),
        "auth: audit",
    ),
    Row(
        "What you typed into a form or a message and didn't save, in your own browser",
        "{}. Without “Keep me logged in on this device”, until you close the tab",
        (FORMS,),
    ),
    Row(
        "Answers to repeated requests, without mail",
        "{}. Their keys: {}",
        (KEPT_FOR * MICROSECOND, max(KEY_AGE, KEY_LIFE) * MICROSECOND),
        "account: unit_key auth: kept_answer queue: unit_key",
        user=False,
    ),
    Row("Links to log in again", "{}", (factors.LINK_LIFE * MICROSECOND,), "auth: recovery_link", user=False),
    Row(
        "Passwords from a former server, as hashes",
        "Until the first login, for {} at most (`foreign_passwords.keep`)",
        (ForeignPasswords().keep * SECOND,),
        "auth: foreign_password",
        user=False,
    ),
    Row(
        "Tokens of programs, and rules that hold mail",
        "Until you remove them",
        tables="auth: admin_token queue: hold_rule",
        user=False,
    ),
    Row(
        "Addresses that an account or alias has had, so that no other person gets them",
        "Always",
        tables="auth: known_address",
        user=False,
    ),
    Row("Accounts that are being deleted", "Until their files are gone", tables="auth: account_removal", user=False),
    Row(
        "Accounts whose sending was stopped",
        "{} after you release them",
        (RELEASED_LIFE * MICROSECOND,),
        "queue: stop",
        user=False,
    ),
    Row(
        "DMARC and TLS reports from others, with IP addresses of servers that sent for your domains",
        "{}",
        (RECEIVED_RETENTION * MICROSECOND,),
        "reports: dmarc_report tls_report",
        user=False,
    ),
    Row(
        "Results of checks for reports to others, with IP addresses of servers",
        "Until the report is sent, for {} at most",
        (COUNTED_RETENTION * MICROSECOND,),
        "reports: dmarc_evaluation tls_result report_suppression",
        user=False,
    ),
    Row(
        "Numbers of messages for each day, and of the queue",
        "{}",
        (HISTORY_RETENTION * MICROSECOND,),
        "reports: daily_count queue_sample",
        user=False,
    ),
    Row(
        "Time and result of the last check of each account", "Until the next check", tables="reports: scrub", user=False
    ),
    Row(
        "MTA-STS policies of other domains",
        "{} after mail was last sent there",
        (FORGET_AFTER * MICROSECOND,),
        "cache: sts_policy",
        user=False,
    ),
    Row("Databases from before an upgrade, with all mail", "{}", (COPY_KEPT * SECOND,), user=False),
    Row(
        "Backups, with all mail that was there",
        "{}. The last of each week: {} (`backup.keep_daily`, `backup.keep_weekly`). An encrypted repository only "
        "deletes them if you run `moxlite backup prune`",
        (Backup().keep_daily * DAY, Backup().keep_weekly * 7 * DAY),
        user=False,
    ),
    Row(
        "Copies for a standby server, with all mail that was there",
        "On the standby server, a few seconds. In `standby.target`, {} (`standby.keep`), and up to {} more. What "
        "another server wrote there before a takeover: until you delete it",
        (Standby().keep * SECOND, math.ceil((held_for(Standby().keep) - Standby().keep) / DAY.total_seconds()) * DAY),
        user=False,
    ),
    Row(
        "The log, with addresses and Message-IDs, but without subjects and text",
        "Until your system deletes it. For example, `journalctl --vacuum-time=30d`",
        user=False,
    ),
)

TABLE: Final = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)


def outputs() -> dict[str, bytes]:
    """Both pages with the tables of today."""
    pages = {"docs/kept.md": [row for row in ROWS if row.user], "docs/retention.md": list(ROWS)}
    return {path: _page(path, rows) for path, rows in pages.items()}


def _page(path: str, rows: list[Row]) -> bytes:
    return TABLE.sub(lambda _: _table(rows), (TOP / path).read_text()).encode()


def _table(rows: list[Row]) -> str:
    lines = [f"| {row.what} | {row.until.format(*map(_words, row.periods))} |" for row in rows]
    return "".join(f"{line}\n" for line in ("| What | How long |", "|---|---|", *lines))


def _words(period: timedelta) -> str:
    for unit, name in ((DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        if period >= unit:
            count = period // unit
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "0 days"
