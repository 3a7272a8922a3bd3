"""The calls of the account app by subject; `web.account.api` puts them together. What they do is in `admin`, `logins`,
`store` and the queue.
"""
