// A session of jmap-jam: `session_jam.mjs SESSION_URL TOKEN`; prints what it saw as JSON.
import JamClient from "jmap-jam";

const [sessionUrl, bearerToken] = process.argv.slice(2);
const jam = new JamClient({ sessionUrl, bearerToken });
const accountId = await jam.getPrimaryAccount();
const session = await jam.session;

const url = session.eventSourceUrl
  .replace("{types}", "*")
  .replace("{closeafter}", "state")
  .replace("{ping}", "0");
const events = fetch(url, { headers: { authorization: `Bearer ${bearerToken}` } }).then((one) => one.text());

const [mailboxes] = await jam.api.Mailbox.get({ accountId });
const idOf = (role) => mailboxes.list.find((one) => one.role === role).id;
const [identities] = await jam.api.Identity.get({ accountId });
const [identity] = identities.list;
const [made] = await jam.api.Email.set({
  accountId,
  create: {
    draft: {
      mailboxIds: { [idOf("drafts")]: true },
      keywords: { $draft: true },
      from: [{ name: "Mox", email: identity.email }],
      to: [{ email: identity.email }],
      subject: "Written by jam",
      bodyValues: { 1: { value: "blue harbour\n" } },
      textBody: [{ partId: "1", type: "text/plain" }],
    },
  },
});
const [sent] = await jam.api.EmailSubmission.set({
  accountId,
  create: { send: { emailId: made.created.draft.id, identityId: identity.id } },
});
let read;
for (let tries = 0; tries < 600 && read === undefined; tries += 1) {
  const [{ query, got }] = await jam.requestMany((b) => {
    const query = b.Email.query({ accountId, filter: { inMailbox: idOf("inbox"), text: "blue" } });
    return { query, got: b.Email.get({ accountId, ids: query.$ref("/ids"), fetchTextBodyValues: true }) };
  });
  [read] = query.ids.length > 0 ? got.list : [];
  if (read === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
}
const [marked] = await jam.api.Email.set({ accountId, update: { [read.id]: { "keywords/$seen": true } } });
console.log(
  JSON.stringify({
    account: accountId,
    mailboxes: mailboxes.list.map((one) => one.name),
    sent: Object.keys(sent.created),
    read: [read.subject, read.bodyValues[read.textBody[0].partId].value],
    marked: Object.keys(marked.updated).length === 1,
    pushed: (await events).includes("StateChange"),
  }),
);
