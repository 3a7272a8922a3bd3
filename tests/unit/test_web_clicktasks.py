"""Calendar and contact tasks in docs/clicks.md."""

import pytest

from tests.clicktasks import CALENDAR, CONTACTS, Task, sections
from tests.tools import top


def test_the_page_has_the_tasks_as_they_are_counted() -> None:
    """WEBMAIL-175: `python -m tests.integration.webmail_walks` writes them below the walks."""
    assert (top() / "docs" / "clicks.md").read_text().endswith("\n" + sections())
    assert (len(CALENDAR), len(CONTACTS)) == (10, 10)


@pytest.mark.parametrize("task", [*CALENDAR, *CONTACTS], ids=lambda task: task.title)
def test_a_task_that_takes_more_actions_has_a_reason(task: Task) -> None:
    """WEBMAIL-175: no other task has one."""
    assert (task.fewest is not None) == (task.because != "")
