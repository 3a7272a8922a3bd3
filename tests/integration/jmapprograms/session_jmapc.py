"""A session of jmapc: `session_jmapc.py HOST:PORT USER PASSWORD`; prints what it saw as JSON."""

import json
import sys
import threading

from jmapc import (
    Address,
    Client,
    Email,
    EmailAddress,
    EmailBodyPart,
    EmailBodyValue,
    EmailQueryFilterCondition,
    EmailSubmission,
    Envelope,
    MailboxQueryFilterCondition,
    Ref,
)
from jmapc.methods import EmailGet, EmailQuery, EmailSet, EmailSubmissionSet, IdentityGet, MailboxGet, MailboxQuery

host, user, password = sys.argv[1:]
client = Client.create_with_password(host=host, user=user, password=password)
found: dict[str, object] = {"account": client.account_id}
found["mailboxes"] = sorted(one.name for one in client.request(MailboxGet(ids=None)).data)

told = threading.Event()


def listen() -> None:
    for event in client.events:
        if event.data is not None:
            told.set()
            return


threading.Thread(target=listen, daemon=True).start()

drafts = client.request(MailboxQuery(filter=MailboxQueryFilterCondition(role="drafts"))).ids[0]
inbox = client.request(MailboxQuery(filter=MailboxQueryFilterCondition(role="inbox"))).ids[0]
identity = client.request(IdentityGet()).data[0]
draft = Email(
    mail_from=[EmailAddress(name="Mox", email=identity.email)],
    to=[EmailAddress(email=identity.email)],
    subject="Written by jmapc",
    keywords={"$draft": True},
    mailbox_ids={drafts: True},
    body_values={"1": EmailBodyValue(value="green harbour\n")},
    text_body=[EmailBodyPart(part_id="1", type="text/plain")],
)
made = client.request(EmailSet(create={"draft": draft})).created["draft"]
submission = EmailSubmission(
    email_id=made.id,
    identity_id=identity.id,
    envelope=Envelope(mail_from=Address(email=identity.email), rcpt_to=[Address(email=identity.email)]),
)
sent = client.request(EmailSubmissionSet(create={"send": submission}))
sent = sent[0].response if isinstance(sent, list) else sent
found["sent"] = sent.created["send"].undo_status.value
for _ in range(600):
    wish = EmailQueryFilterCondition(in_mailbox=inbox, text="harbour")
    query, got = client.request([EmailQuery(filter=wish), EmailGet(ids=Ref("/ids"), fetch_text_body_values=True)])
    if got.response.data:
        break
    threading.Event().wait(0.1)
read = got.response.data[0]
found["read"] = [read.subject, read.body_values[read.text_body[0].part_id].value]
done = client.request(EmailSet(update={read.id: {"keywords/$seen": True}}))
found["marked"] = [*done.updated] == [read.id]
found["pushed"] = told.wait(30)
print(json.dumps(found))
