"""The list of ways into an account has everything that a login can set up, so that nothing outlives it unseen."""

import re
from typing import Final, get_args

import apsw
import pytest

from moxlite.admin.waycommands import PARTS
from moxlite.admin.waysin import WAYS
from moxlite.config.domains import Account
from moxlite.config.fields import fields_of
from moxlite.operations.access import AppScope
from moxlite.store.changelog.origin import WayKind
from moxlite.store.file.migrations import Kind, migrations_of
from tests.tools import top

ACCOUNT: Final = {
    "stored mail, and what it is found and sorted by": """
        annotation body body_chunk bulk_sender copy_part correspondent correspondent_word draft_saved erase_queue
        expunged gathered gathering junk_meta junk_own junk_retrain junk_sender junk_word_0 junk_word_1 keyword mailbox
        mailbox_gone message message_dkim message_header message_info message_keyword message_smtp recipient
        recipient_domain_tls ruleset_no_listid ruleset_no_mailbox ruleset_no_msgfrom snooze subscription template
        thread_missing upload upload_piece""",
    "calendars and contacts, and what is known of them": """
        alarm alarm_notice calendar_subscription collection collection_gone contact contact_address contact_due
        contact_group entry_facts event_notice group_card group_member instance invitation resource resource_address
        resource_data resource_gone resource_kept shared_view""",
    "copied from other servers, which the user named with a password for each copy": """
        imap_copy imap_remote import_job import_mailbox import_message pop3_seen""",
    "mail on its way out, which the button holds": "jmap_submission outbox outgoing queued",
    "the account's own password, which the button replaces": "credential",
    "answers in the owner's name, which show no mail": "vacation_form vacation_sent",
    "addresses at which the owner gets mail, and no one else": "masked masked_day masked_sender from_address_setting",
    "tokens that the server gives to suspected senders": "subjectpass",
    "settings of pages, and which mail is worth a notice": "notice_choice settings",
    "the server's own notes": "share_notice sieve_failure sieve_seen sqlite_sequence state unit_key upgrade way_in",
}
"""Tables of an account's file that give no one access, by the reason."""

AUTH: Final = {
    "the list itself goes by these": "audit login_attempt sqlite_sequence",
    "copies of what accounts' files say": "masked owner_number shared",
    "rows of `session`, and of `provider_binding`": "provider_account provider_session session_token",
    "passwords that were taken from another server": "foreign_password",
    "answers to calls of pages, without secrets, for whoever has the session": "kept_answer",
    "about the server": "account_removal admin_token known_address",
}
"""Tables of auth.db that give no one access to an account, by the reason."""

SETTINGS: Final = {
    "the name, addresses, and what the administrator allows": """
        domain description full_name destinations login_disabled quota_message_size no_custom_password
        require_app_passwords no_jmap login_names imap_prefix imap_capabilities_disabled max_outgoing_messages_per_day
        max_first_time_recipients_per_day max_recipients_per_hour no_sending_guard routes""",
    "addresses that get mail once they have agreed: rows of `forward_target`": "forward_to keep_copy",
    "which mail goes to which folder, and how long it stays": """
        rejects_mailbox keep_rejects expire_after introbox invitations automatic_junk_flags junk_filter senders
        subject_pass no_first_time_sender_delay queue_mailbox""",
    "how sent mail is followed": """
        from_id_login_addresses keep_retired_message_period keep_retired_webhook_period no_dsn_suppression""",
}
"""Keys of an account in domains.toml that give no one access, by the reason."""


def tables(kind: Kind) -> set[str]:
    """The tables of a kind of database."""
    db = apsw.Connection(":memory:")
    for migration in migrations_of(kind):
        db.execute(migration.sql).fetchall()
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def listed(place: str) -> set[str]:
    """Tables or keys of which the list has the rows."""
    return {way.place.partition(".")[2] for way in WAYS.values() if way.place.startswith(f"{place}.")}


@pytest.mark.parametrize(
    ("place", "all_of", "others"),
    [
        ("account", tables(Kind.ACCOUNT), ACCOUNT),
        ("auth", tables(Kind.AUTH), AUTH),
        ("config", {field.name for field in fields_of(Account)}, SETTINGS),
    ],
)
def test_each_place_of_an_account_is_a_way_in_or_gives_no_access(
    place: str, all_of: set[str], others: dict[str, str]
) -> None:
    """WEB-192c: if this fails for a new table or key, describe it in `WAYS`, or say here why it gives no access."""
    harmless = [name for names in others.values() for name in names.split()]
    assert len(harmless) == len(set(harmless))
    assert listed(place) | set(harmless) == all_of
    assert not listed(place) & set(harmless)


def test_a_newcomer_finds_each_kind_explained() -> None:
    """WEB-192d: in docs/compromised.md by its titles on the page and its names on the command line; and mails to users
    have words for each scope.
    """
    rows = re.findall(
        r"^\| ([A-Z][^|]*) \| (`[^|]*`) \| [^|]{20,} \|$", (top() / "docs/compromised.md").read_text(), re.MULTILINE
    )
    titles = ", ".join(title for title, _ in rows).lower()
    assert {kind for _, kinds in rows for kind in re.findall(r"`(\w+)`", kinds)} == set(WAYS)
    assert [way.title for way in WAYS.values() if way.title.lower() not in titles] == []
    assert set(get_args(AppScope)) <= set(PARTS)


def test_each_kind_has_one_description() -> None:
    """WEB-192: with a way to find its grants, and one to end them."""
    assert set(WAYS) == set(get_args(WayKind))
    for kind, way in WAYS.items():
        assert (way.undo is None) != (way.end is None), kind
        assert (way.read is not None) == way.place.startswith("account."), kind
