"""Composing mail: the initial content of a reply or forward, and drafts as messages.

`reply` computes sender, recipients, subject, references and quoted text; `draft` checks a draft and makes the message.
I/O does not belong here: the webmail reads originals, stores drafts and submits them.
"""
