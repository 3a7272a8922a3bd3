"""What holds for all tests."""

from hypothesis import settings

# Time is measured by bench/, never by a test: on a loaded machine a deadline only makes tests flaky.
settings.register_profile("moxlite", deadline=None)
settings.load_profile("moxlite")
