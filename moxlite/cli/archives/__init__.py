"""Verbs that move mail in and out: import, export, copies by IMAP."""
