"""What goes out is well formed, whoever has sent it and however (SMTP-190)."""

from pathlib import Path

import pytest

from tests.outgoingmail import faults, is_sealed, send_all

pytestmark = pytest.mark.served


async def test_mail_of_all_kinds_is_well_formed_and_signed(tmp_path: Path) -> None:
    """SMTP-190: by the webmail, programs, calendars, scripts and forwards; signatures are verified by dkimpy."""
    sent = await send_all(tmp_path)
    assert len(sent) >= 60
    found = {kind: [*faults(octets)] for kind, (_, octets) in sent.items()}
    wrong = [f"{kind}: {line}" for kind, lines in found.items() for line in lines]
    assert wrong == []
    assert [kind for kind, (_, octets) in sent.items() if not is_sealed(octets)] == []
