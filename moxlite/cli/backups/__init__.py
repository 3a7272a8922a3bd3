"""Verbs that keep stored mail safe: backups, restoring, salvage, verification."""
