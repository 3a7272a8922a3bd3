"""Commands for an account's incoming mail: Sieve scripts, vacation, forwarding. Not here: the deliveries."""
