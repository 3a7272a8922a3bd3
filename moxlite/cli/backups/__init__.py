"""Verbs that keep stored mail safe: backups, restoring, salvage, verification.

The formats and the work on files are not here but in `store.backup`, `store.recover` and `admin.backup`.
"""
