"""The one file as an installation of its own (ADMIN-60d to 60f).

- `placing`: what the Debian package does: program, user, folders, unit; and their removal
- `updating`: the next signed version in place of this one, and the way back
"""
