"""Benchmarks: `python -m bench` measures moxlite beside Debian's postfix + dovecot in one run; see docs/performance.md.

No test depends on a time measured here. Servers run in temp folders on free loopback ports.
"""
