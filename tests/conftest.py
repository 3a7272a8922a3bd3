"""What holds for all tests."""

import signal

from hypothesis import settings

# Time is measured by bench/, never by a test: on a loaded machine a deadline only makes tests flaky.
settings.register_profile("moxlite", deadline=None)
settings.load_profile("moxlite")

# A job in the background of a shell ignores SIGINT, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
