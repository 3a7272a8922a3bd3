"""The audit log: commands and changes of domains.toml are recorded, and its entries listed (WEB-160). Not here: the
table, which is in `store.auth.audit`.
"""
