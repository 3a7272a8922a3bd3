"""A two-hundredth of each campaign of `script/soak`, with a seed that stays: a commit's tests can be repeated."""

import importlib
import zlib

import pytest

from tests.campaigns.__main__ import names
from tests.campaigns.report import Report

SHARE = 1 / 200


@pytest.mark.served
@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_share_of_the_campaign_finds_nothing(name: str) -> None:
    """STORE-158, STORE-158f, STORE-159, STORE-160, SMTP-144, SMTP-182, IMAP-4, IMAP-143, IMAP-144, IMAP-180, QUEUE-1,
    QUEUE-7, QUEUE-15, ADMIN-39b, SMTP-43a, SMTP-136, SMTP-138,
    WEBMAIL-43, WEBMAIL-44, WEBMAIL-60, WEBMAIL-88, WEBMAIL-98, WEBMAIL-100, WEBMAIL-119a, WEBMAIL-124, WEBMAIL-154,
    SMTP-85, SMTP-88, SMTP-93, SMTP-183, AUTH-39, WEB-115, WEB-116, WEB-117, WEB-140: see tests/campaigns/.
    """
    seed = zlib.crc32(name.encode())
    report = Report(name, seed, SHARE)
    print(f"seed {seed}: script/soak {name} --seed {seed} --share {SHARE}")
    importlib.import_module(f"tests.campaigns.{name}").run(seed, SHARE, report)
    print("\n".join(report.lines))
