"""What the web apps leave to the store."""

import re

from tests.tools import top

STATEMENT = re.compile(
    r"""["'\s](SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA)\s""", re.DOTALL
)


def test_no_app_has_its_own_sql() -> None:
    """WEBMAIL-3: IMAP, the web API and the webmail read and change mail by the same functions of the store."""
    found = [path for path in (top() / "moxlite" / "web").rglob("*.py") if STATEMENT.search(path.read_text())]
    assert found == []
