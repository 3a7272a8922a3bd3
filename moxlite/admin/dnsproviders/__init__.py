"""DNS providers: their HTTP APIs, through the library dns-lexicon in a process of its own (ADMIN-71b, AUTH-117).

``child`` is that process, ``messages`` are its jobs and answers, ``accounts`` keeps our tokens and starts the process.
Which records there should be is of `admin.dns`.
"""
