"""Where the name of an account is kept outside of its folder, and what becomes of it when the account is removed
(STORE-140): a later account of that name must find nothing of the former one.

A place is a column, as ``table.column``, in the databases of a kind. For the kind ``account``, these are the files of
other accounts. A test compares the places with the schemas: a new column that names an account must be added here.
"""

from collections.abc import Mapping
from typing import Final

from moxlite.store.file.migrations import Kind

TRACES: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.AUTH: {
        "session.account": "DELETE FROM session WHERE account = ?",
        "login_attempt.account": "DELETE FROM login_attempt WHERE account = ?",
        "tls_public_key.account": "DELETE FROM tls_public_key WHERE account = ?",
        "totp.account": "DELETE FROM totp WHERE account = ?",
        "security_key.account": "DELETE FROM security_key WHERE account = ?",
        "recovery_code.account": "DELETE FROM recovery_code WHERE account = ?",
        "recovery_link.account": "DELETE FROM recovery_link WHERE account = ?",
        "foreign_password.account": "DELETE FROM foreign_password WHERE account = ?",
        "provider_binding.account": "DELETE FROM provider_binding WHERE account = ?",
        "provider_account.account": "DELETE FROM provider_account WHERE account = ?",
        "masked.account": "DELETE FROM masked WHERE account = ?",
        "shared.owner": "DELETE FROM shared WHERE owner = ?",
        "shared.guest": "DELETE FROM shared WHERE guest = ?",
        "owner_number.owner": "DELETE FROM owner_number WHERE owner = ?",
        "kept_answer.account": "DELETE FROM kept_answer WHERE account = ?",
        "account_removal.account": "DELETE FROM account_removal WHERE account = ?",
    },
    # In this order, and repeated until no statement changes a row: what an account may have many of goes in slices.
    Kind.QUEUE: {
        # Keys that programs choose are kept by account: a later account would get the answer to the former one's call.
        "unit_key.key": """
DELETE FROM unit_key WHERE EXISTS (SELECT 1 FROM msg WHERE id BETWEEN first_id AND last_id AND account = ?1)
OR EXISTS (SELECT 1 FROM outcome WHERE id BETWEEN first_id AND last_id AND account = ?1)""",
        # What waits still goes out. Rows have no account only if they wait for one of ours (QUEUE-28), so these get a
        # name that no account can have.
        "msg.account": """
UPDATE msg SET account = account || ' (removed)'
WHERE id IN (SELECT id FROM msg WHERE account = ?1 ORDER BY id LIMIT 1000)""",
        "local.account": "UPDATE local SET account = account || ' (removed)' WHERE account = ?",
        "msg_retired.account": """
DELETE FROM msg_retired WHERE id IN (SELECT id FROM msg_retired WHERE account = ? LIMIT 1000)""",
        "outcome.account": "DELETE FROM outcome WHERE id IN (SELECT id FROM outcome WHERE account = ? LIMIT 1000)",
        "hook.account": "DELETE FROM hook WHERE id IN (SELECT id FROM hook WHERE account = ? LIMIT 1000)",
        "hook_retired.account": """
DELETE FROM hook_retired WHERE id IN (SELECT id FROM hook_retired WHERE account = ? LIMIT 1000)""",
        "hold_rule.account": "DELETE FROM hold_rule WHERE account = ?",
        "suppression.account": "DELETE FROM suppression WHERE account = ?",
        "mirror.account": "DELETE FROM mirror WHERE account = ?",
        "sending.account": "DELETE FROM sending WHERE account = ?",
        "sending_from.account": "DELETE FROM sending_from WHERE account = ?",
        "stop.account": "DELETE FROM stop WHERE account = ?",
        "room.account": "DELETE FROM room WHERE account = ?",
    },
    Kind.REPORTS: {
        "scrub.account": "DELETE FROM scrub WHERE account = ?",
    },
    Kind.ACCOUNT: {
        "acl.identifier": "DELETE FROM acl WHERE identifier = ?",
        "collection_acl.identifier": "DELETE FROM collection_acl WHERE identifier = ?",
        "delegate.guest": "DELETE FROM delegate WHERE guest = ?",
        # The owner still sees these submissions.
        "jmap_submission.author": "UPDATE jmap_submission SET author = author || ' (removed)' WHERE author = ?",
    },
}
"""The statements that a removal executes, by place; each has the name as its only parameter."""

KEPT: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.AUTH: {
        "audit.actor": "the log of changes is kept for a year, and only administrators read it",
    },
    Kind.ACCOUNT: {
        "shared_view.owner": "the guest's colors for shared calendars",
        "share_notice.owner": "past notices to the guest, which give no access",
        "share_notice.author": "past notices to the guest",
        "event_notice.account": "past notices to the owner about changes",
        "invitation.author": "an address, not an account",
        "way_in.actor": "the user who set up a grant; the name gives no access",
    },
}
"""Places that a removal leaves as they are, with the reasons."""
