"""The junk filter of an account: it learns from the flags that the owner sets, and judges new mail (STORE-84..89,
STORE-193).

- `tokens`: what words a message has
- `score`: what words say of a message
- `words`: rows of the database
- `reading`: words of stored messages, also to count them again for the deep check
- `trainer`, `retrain`: learning in the background
- `classify`: judging a message, and explaining it
- `play`: trying the filter out on two folders of mail

The settings are `store.junkparams`, the rules that make flags of mailbox names `store.junkflags`. What becomes of a
message that is judged is not decided here.
"""
