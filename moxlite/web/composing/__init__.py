"""Writing mail through the web: uploaded files, drafts kept as messages, and sending, for the webmail and the web API.
The format of a message is in `moxlite.compose`.
"""
