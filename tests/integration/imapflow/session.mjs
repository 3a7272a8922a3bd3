// A session of imapflow with the server at PORT: what it read and did goes to stdout as one JSON object.
import { ImapFlow } from "imapflow";
import { readFileSync } from "node:fs";

const [port, user, pass, ca, appended] = process.argv.slice(2);
const client = new ImapFlow({
  host: "localhost",
  port: Number(port),
  secure: true,
  auth: { user, pass },
  tls: { ca: readFileSync(ca) },
  logger: false,
  qresync: true,
});
const told = [];
client.on("exists", (event) => told.push(["exists", event.count]));
client.on("expunge", (event) => told.push(["expunge", event.uid ?? null, event.vanished]));
client.on("flags", (event) => told.push(["flags", event.uid ?? null, [...event.flags].sort()]));
await client.connect();
const found = { enabled: [...client.enabled].sort(), compressed: Boolean(client._deflate), mailboxes: [], messages: [] };
for (const box of await client.list({ statusQuery: { messages: true, unseen: true } })) {
  found.mailboxes.push([box.path, box.specialUse ?? null, box.status.messages]);
}
const lock = await client.getMailboxLock("INBOX");
try {
  for await (const message of client.fetch("1:*", { uid: true, flags: true, source: true, internalDate: true, envelope: true, bodyStructure: true })) {
    found.messages.push({
      uid: message.uid,
      flags: [...message.flags].sort(),
      source: message.source.toString("base64"),
      date: new Date(message.internalDate).getTime() / 1000,
      subject: message.envelope.subject,
      type: message.bodyStructure.type,
    });
  }
  found.flagged = await client.search({ flagged: true }, { uid: true });
  const [first, second] = found.messages.map((message) => message.uid);
  await client.messageFlagsAdd({ uid: first }, ["\\Flagged", "flow"], { uid: true });
  const moved = await client.messageMove({ uid: second }, "Archive", { uid: true });
  found.moved = [...moved.uidMap.entries()];
  const added = await client.append("INBOX", Buffer.from(appended, "base64"), ["\\Seen", "flow"], new Date(1790000500000));
  found.added = added.uid;
  const download = await client.download(String(first), undefined, { uid: true });
  const chunks = [];
  for await (const chunk of download.content) chunks.push(chunk);
  found.downloaded = Buffer.concat(chunks).toString("base64");
  await client.mailboxCreate(["flow", "grün"]);
  await client.mailboxRename(["flow", "grün"], ["flow", "blau"]);
  found.quota = await client.getQuota("INBOX");
} finally {
  lock.release();
}
found.told = told;
await client.logout();
console.log(JSON.stringify(found));
