// A client of the web API with the types that openapi-typescript made (api.ts): calls each method once, at the URL, with the log-in, of the
// environment. The names of the methods that answered as they should go to stdout.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };
declare const Buffer: { from(text: string): { toString(encoding: "base64"): string } };

const { API_URL = "", API_USER = "", API_PASSWORD = "" } = process.env;
const authorization = `Basic ${Buffer.from(`${API_USER}:${API_PASSWORD}`).toString("base64")}`;
const api = createClient<paths>({ baseUrl: API_URL, headers: { authorization } });
const done: string[] = [];

// The result of a call that must succeed.
function given<T>(name: string, answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${name}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  done.push(name);
  return answer.data;
}

function expect(held: boolean, what: string): void {
  if (!held) throw new Error(what);
}

const body: components["schemas"]["SendRequest"] = {
  To: [{ Name: "Jörg", Address: API_USER }],
  Subject: "from TypeScript",
  Text: "hello\n",
  Headers: [["X-Made-By", "openapi-typescript"]],
  Extra: { "x-order": "1" },
  AttachedFiles: [{ Name: "a.txt", ContentType: "text/plain", Data: "aGVsbG8=" }],
};
const headers = { "Idempotency-Key": "typescript-1" };
const sent = given("Send", await api.POST("/Send", { body, params: { header: headers } }));
expect(sent.Submissions.length === 1 && sent.Submissions[0]?.Address === API_USER, "one submission");

// The sent message comes back; the first one has been there before the server told its id.
let MsgID = 0;
for (let turn = 0; !MsgID && turn < 200; turn++) {
  for (let number = 1; number <= 30; number++) {
    const { data } = await api.POST("/MessageGet", { body: { MsgID: number } });
    if (data?.Message.MessageID === sent.MessageID.slice(1, -1) || data?.Message.MessageID === sent.MessageID) MsgID = number;
  }
  if (!MsgID) await new Promise<void>((resolve) => setTimeout(resolve, 100));
}
const got = given("MessageGet", await api.POST("/MessageGet", { body: { MsgID } }));
expect(got.Message.Subject === "from TypeScript" && got.Structure.Parts.length === 2, "the message that was sent");
expect(typeof got.Meta.Size === "number" && got.Message.To[0]?.Name === "Jörg", "its facts");

const raw = given("MessageRawGet", await api.POST("/MessageRawGet", { body: { MsgID }, parseAs: "text" }));
expect(String(raw).includes("X-Made-By: openapi-typescript\r\n"), "its octets");
const part = given("MessagePartGet", await api.POST("/MessagePartGet", { body: { MsgID, PartPath: [1] }, parseAs: "text" }));
expect(String(part) === "hello", "its file");

given("MessageFlagsAdd", await api.POST("/MessageFlagsAdd", { body: { MsgID, Flags: ["\\seen", "ts"] } }));
given("MessageFlagsRemove", await api.POST("/MessageFlagsRemove", { body: { MsgID, Flags: ["ts"] } }));
given("MessageMove", await api.POST("/MessageMove", { body: { MsgID, DestMailboxName: "Archive" } }));
const moved = await api.POST("/MessageGet", { body: { MsgID } });
expect(moved.data?.Meta.MailboxName === "Archive" && moved.data.Meta.Flags.includes("\\seen"), "moved and read");
given("MessageDelete", await api.POST("/MessageDelete", { body: { MsgID } }));
const gone = await api.POST("/MessageGet", { body: { MsgID } });
expect(typeof gone.error === "object" && gone.error.Code === "messageNotFound", "it is gone");

const EmailAddress = "ts@example.org";
given("SuppressionAdd", await api.POST("/SuppressionAdd", { body: { EmailAddress, Manual: true, Reason: "asked" } }));
const listed = given("SuppressionList", await api.POST("/SuppressionList", { body: {} }));
expect(listed.Suppressions.some((one) => one.BaseAddress === EmailAddress && one.Manual), "it is listed");
const present = given("SuppressionPresent", await api.POST("/SuppressionPresent", { body: { EmailAddress } }));
expect(present.Present, "it is present");
given("SuppressionRemove", await api.POST("/SuppressionRemove", { body: { EmailAddress } }));

console.log(JSON.stringify(done));
