"""Campaigns with big counts: `script/soak [NAME ...]` runs them in full, the test suite a two-hundredth of each.

A campaign is a function `run(seed, share, report)`: `share` is 1.0 for the full count; it raises `Finding` when
something is wrong, and tells `report` what it did.
"""
