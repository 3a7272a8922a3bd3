"""A two-hundredth of each campaign of `script/soak`, with a seed that stays: a commit's tests can be repeated."""

import importlib
import zlib
from collections.abc import Iterator
from typing import Final

import pytest
from _pytest.mark import ParameterSet

from tests.campaigns.__main__ import names
from tests.campaigns.report import Report

SHARE: Final = 1 / 200

OTHER: Final = {"calls": 1 / 1000, "forms": 1 / 1000, "network": 1 / 1000, "rules": 1 / 20, "standby": 1 / 10}
"""Shares of campaigns of which a landing run would play too much, or nothing."""

NIGHTLY: Final = {
    "acme_year": "tests/unit/test_autotls.py::test_a_year_of_six_day_certificates_keeps_the_host_key",
    "backup_kill": "tests/integration/test_store_backup_process.py::test_a_backup_that_is_not_whole_says_so",
    "budget": "tests/session/test_processor_sessions.py::test_sessions_that_rest_are_answered_in_full",
    "clocks": "tests/unit/test_store_undelete.py::test_after_a_jump_of_the_clock_nothing_is_erased_for_a_night",
    "compose": "tests/integration/test_web_compose_browser.py::test_what_was_typed_outlives_a_killed_page",
    "damaged_packs": "tests/unit/test_store_backup_repository.py::"
    "test_damaged_packs_are_set_aside_and_their_blocks_stored_anew",
    "damage_served": "tests/session/test_store_degraded_accounts.py::test_imap_reads_on_and_refuses_changes",
    "devices": "tests/session/test_web_dav.py::test_of_two_phones_one_is_told_of_the_other",
    "forwarding_kill": "tests/unit/test_store_perform.py::test_after_kill_9_each_redirect_is_owed_once",
    "fuzz": "tests/session/test_imapd_hostile.py::test_nonsense_never_crashes_a_session",
    "fulldisk": "tests/crash/test_store_crash.py::test_on_a_full_disk_exactly_the_refused_deliveries_are_missing",
    "guess": "tests/session/test_imapd_deadlines.py::test_guessing_passwords_becomes_slow",
    "hostile": "tests/session/test_imapd_hostile.py::test_nonsense_never_crashes_a_session",
    "import_kill": "tests/session/test_web_imports.py::test_an_abort_leaves_the_account_as_it_was",
    "invitations": "tests/session/test_web_dav_series.py::test_a_guest_of_one_date_is_told_of_that_one",
    "jmap_kill": "tests/session/test_web_jmap.py::test_an_email_is_sent_and_taken_back",
    "link": "tests/session/test_migration_link_sessions.py::test_cut_off_anywhere_nothing_is_lost_or_doubled",
    "opening": "tests/session/test_web_expensive_mail.py::test_html_that_is_expensive_costs_the_server_nothing",
    "outgoing": "tests/session/test_server_outgoing_form.py::test_mail_of_all_kinds_is_well_formed_and_signed",
    "reader": "tests/session/test_web_quotes.py::test_only_what_the_answered_message_had_is_folded",
    "rules": "tests/session/test_web_dav_rules.py::test_rules_mean_what_the_rfcs_say",
    "scheduling_kill": "tests/session/test_web_dav_scheduling.py::test_guests_elsewhere_get_mail_once",
    "sending_kill": "tests/crash/test_queue_mirror_crash.py::test_after_an_end_between_the_two_files_both_agree",
    "standby": "tests/session/test_admin_standby.py::test_the_second_machine_takes_over_and_the_first_one_stays_out",
    "stress": "tests/crash/test_store_crash.py::test_after_kill_9_all_that_was_acknowledged_is_there",
    "train": "tests/integration/test_web_unsaved_browser.py::"
    "test_an_event_that_is_changed_after_no_answer_is_made_once",
    "update_kill": "tests/unit/test_ownprogram.py::"
    "test_an_update_writes_the_new_version_s_units_and_a_way_back_the_old_ones",
    "upgrade_kill": "tests/crash/test_store_migrations.py::test_a_kill_at_each_step_of_a_new_file_is_made_good",
    "webapi_kill": "tests/session/test_web_webapi_send.py::test_a_repeated_call_sends_once",
    "webapi_schema": "tests/integration/test_web_webapi_docs.py::test_programs_verify_calls_and_get_them_soon",
    "webforward": "tests/integration/test_web_forward_programs.py::test_random_exchanges",
    "webmail": "tests/session/test_web_model.py::test_the_browsers_model_follows_any_changes",
}
"""Campaigns that cost ten seconds of a processor whatever the share: `script/test nightly` runs them whole. Each
has a test of its kind in the landing run.
"""


def cases() -> Iterator[ParameterSet]:
    """All campaigns, the costly ones marked."""
    for name in names():
        smoke = NIGHTLY.get(name)
        yield pytest.param(name, marks=[] if smoke is None else [pytest.mark.nightly(smoke=smoke)])


@pytest.mark.served
@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", list(cases()))
def test_a_share_of_the_campaign_finds_nothing(name: str) -> None:
    """STORE-158, STORE-158f, STORE-159, STORE-160, SMTP-144, SMTP-182, IMAP-4, IMAP-143, IMAP-144, IMAP-180, QUEUE-1,
    SMTP-190, QUEUE-7, QUEUE-13, QUEUE-15, QUEUE-15a,
    QUEUE-179, ADMIN-6, ADMIN-39b, ADMIN-82a, SMTP-43a, SMTP-136, SMTP-138, SMTP-159, SMTP-160a,
    WEBMAIL-43, WEBMAIL-44, WEBMAIL-60, WEBMAIL-88, WEBMAIL-98, WEBMAIL-100, WEBMAIL-119a, WEBMAIL-124, WEBMAIL-154,
    STORE-198, STORE-199, STORE-199a, WEB-134, IMAP-142c, SMTP-85, SMTP-88, SMTP-93, SMTP-183, AUTH-39, WEB-46, WEB-47,
    WEB-115,
    STORE-145b, STORE-183, WEB-116, WEB-117, DAV-1, DAV-2, DAV-9, DAV-9a, DAV-23, DAV-24,
    DAV-25, DAV-26,
    WEB-140, AUTH-115, AUTH-118, STORE-186g, STORE-186h, STORE-186i, STORE-186k, STORE-190a,
    ADMIN-60e, WEBMAIL-183, JMAP-5, JMAP-5c, JMAP-5d, DAV-29, WEB-61b, WEB-61c, WEBMAIL-46a: see tests/campaigns/.
    """
    seed = zlib.crc32(name.encode())
    share = OTHER.get(name, SHARE)
    report = Report(name, seed, share)
    print(f"seed {seed}: script/soak {name} --seed {seed} --share {share}")
    importlib.import_module(f"tests.campaigns.{name}").run(seed, share, report)
    print("\n".join(report.lines))
