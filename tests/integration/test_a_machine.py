"""What this machine allows, before all else; `script/test` runs it by itself first, for its words to be seen."""

import pytest

from tests.machine import rights
from tests.rootserver import hindrance
from tests.tools import need

pytestmark = [pytest.mark.integration]


def test_what_this_machine_allows_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Named so that it is the first of the folder: who reads a run sees at its head which tests can hold here, and not
    from a list of skipped ones. No right is demanded; one that is refused is named with the machine's own words.
    """
    found = rights()
    with capsys.disabled():
        for name, why in found.items():
            print(f"machine: {name}: {why or 'allowed'}")
        print(f"machine: a server as root: {hindrance() or 'allowed'}")
    for program in ("ip", "unshare", "systemd-nspawn"):  # without them a right seems to be missing
        need(program)
    assert list(found) == ["root", "namespaces", "nspawn"]
    if found["root"]:
        assert all(found.values()), "what needs root is not allowed without"
