"""Trio streams, TLS, listeners, DNS, limits, logging, metrics; knows neither protocols of mail nor the store."""

import logging

# Another program that uses a room hears nothing until a handler is installed (ADMIN-60a).
logging.getLogger("moxlite").addHandler(logging.NullHandler())
