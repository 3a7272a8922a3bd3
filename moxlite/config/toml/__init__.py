"""TOML as text: decoding with positions, and edits that keep comments and order (ADMIN-3, ADMIN-6). The meaning of keys
does not belong here.
"""
