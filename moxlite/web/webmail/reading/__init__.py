"""Opening a message: parsed, as a page, as parts, as sanitised HTML, as the original of an answer. Lists of messages
are in `web.webmail.live`.
"""
