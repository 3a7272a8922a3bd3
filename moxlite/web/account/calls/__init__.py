"""The calls of the account app by subject; `web.account.app` puts them together. What they do is in `admin`, `logins`,
`store` and the queue.
"""
