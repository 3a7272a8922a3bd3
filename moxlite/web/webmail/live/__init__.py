"""Live updates of the browser: event streams, and the views whose rows they send. Opening a message is in
`web.webmail.reading`.
"""
