"""Trio streams, TLS, listeners, DNS, limits, logging and metrics. No mail protocol and no store belongs here."""

import logging

# Another program that uses a package gets no log output until it installs a handler (ADMIN-60a).
logging.getLogger("moxlite").addHandler(logging.NullHandler())
