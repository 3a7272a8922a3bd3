"""Writing mail through the web: files on their way, drafts kept as messages, and what is sent. For the webmail and the
web API; `moxlite.compose` knows what a message is made of.
"""
