"""The junk filter of an account: it learns from the flags that the owner sets, and classifies new mail (STORE-84..89,
STORE-193).

- `score`: the words of a message; the probability of junk, from the counts of words
- `words`: rows of the database; words of stored messages, also to count them again for the deep check
- `trainer`: learning in the background
- `classify`: classifying a message, and explaining the result; trying the filter out on two folders of mail

The settings are `store.junkflags`, the rules that set flags by mailbox name `store.junkflags`. The treatment of a
classified message does not belong here.
"""
