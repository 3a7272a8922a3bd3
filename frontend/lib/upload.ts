// Uploading files: pieces that go on where they were cut (WEBMAIL-28), or a form at once. Only XMLHttpRequest reports how much of a request
// has been sent.

import { type BaseClient, CallFailed, codeOf, messageOf } from "./client";
import { t, told } from "./words";

/** The user has cancelled the upload. */
export class UploadAborted extends Error {}

/** Milliseconds (as all times here) without an octet after which a request is given up. */
const silentAfter = 30_000;
/** Time after which a request that is still silent is given up when there is a new connection. */
const staleAfter = 3_000;
/** Waits before the next attempt, each ended by a new connection. */
const waits = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
/** Octets of the first piece and of the largest; a piece that takes less than this time is followed by one of twice the size. */
const [first, largest, quick] = [1 << 20, 8 << 20, 4_000];

type Client = Pick<BaseClient, "csrfToken" | "again">;

/** An answer of the server. */
interface Answer {
  readonly token?: string;
  readonly result?: object;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Send a request; resolves with its answer. Throws CallFailed (its code is "" without an answer), UploadAborted. */
function sent(
  request: XMLHttpRequest,
  url: string,
  body: FormData | Blob,
  type: string | null,
  client: Client,
  progress: (sent: number, size: number) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (code: string, text: string) => reject(new CallFailed("upload", code, text));
    let [heard, timer] = [0, 0];
    const hear = () => {
      heard = Date.now();
      clearTimeout(timer);
      timer = window.setTimeout(lost, silentAfter);
    };
    const lost = () => {
      fail("", t("upload interrupted"));
      request.abort();
    };
    const connected = () => {
      if (Date.now() - heard > staleAfter) lost();
    };
    request.open("POST", url);
    request.setRequestHeader("x-moxlite-csrf", client.csrfToken);
    if (type !== null) request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => {
      hear();
      progress(event.loaded, event.total);
    };
    request.onload = () => {
      let answer: Answer;
      try {
        answer = JSON.parse(request.responseText) as Answer;
      } catch {
        const { status } = request;
        // a network's or a proxy's own page
        if (status < 400 || status >= 500) fail("", t("upload interrupted"));
        else fail("user:error", t("rejected by the server: {status}", { status }));
        return;
      }
      if (answer.error === undefined) resolve(answer);
      else void told(answer.error).then(({ code, message }) => fail(code, message));
    };
    request.onerror = () => fail("", t("upload interrupted"));
    request.onabort = () => reject(new UploadAborted());
    request.onloadend = () => {
      clearTimeout(timer);
      removeEventListener("connected", connected);
    };
    addEventListener("connected", connected);
    hear();
    request.send(body);
  });
}

/** A log-in ended the session: ask for another one; false for other errors. */
async function loggedIn(error: unknown, client: Client): Promise<boolean> {
  if (codeOf(error) !== "user:noAuth" && codeOf(error) !== "user:badAuth") return false;
  await client.again(messageOf(error));
  return true;
}

/** A form with files, which is sent at once. */
export class FormUpload {
  private request = new XMLHttpRequest();
  /** Whether all of it has left this device: without an answer the server may have it or not. */
  complete = false;

  /** Send the form; resolves with the token that is the answer. Throws CallFailed (its code is "" without an answer), UploadAborted. */
  async send(url: string, form: FormData, client: Client, progress: (sent: number, size: number) => void) {
    for (;;) {
      try {
        const { token } = await sent(this.request, url, form, null, client, (octets, size) => {
          this.complete = octets === size;
          progress(octets, size);
        });
        if (token === undefined)
          throw new CallFailed("upload", "", t("Unexpected response from the server. Try again."));
        return token;
      } catch (error) {
        if (!(await loggedIn(error, client))) throw error;
        this.request = new XMLHttpRequest();
      }
    }
  }

  abort(): void {
    this.request.abort();
  }
}

/** What an upload tells its page. */
export interface Watcher {
  progress(sent: number, size: number): void;
  /** It doesn't go on, for this reason, until `retry`; "" when it does. Unless it was `refused`, another attempt comes by itself. */
  stuck(why: string, refused: boolean): void;
}

/** A file that is sent in pieces, until the server has all of it. */
export class FileUpload {
  private request = new XMLHttpRequest();
  private aborted = false;
  private readonly key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);
  /** Octets that the server has. */
  private at = 0;
  /** Make the next attempt now. */
  retry = (): void => {};

  constructor(
    private readonly base: string,
    private readonly client: Client,
    private readonly file: File,
    private readonly name: string,
  ) {}

  /** Send the file; resolves with the upload. Throws UploadAborted. */
  async send<T>(watcher: Watcher): Promise<T> {
    let length = first;
    for (let failed = 0; ; ) {
      if (this.aborted) throw new UploadAborted();
      const begun = Date.now();
      try {
        // after a failure the server says how much it has
        const result = await this.piece(failed > 0 ? 0 : length, watcher);
        if ("upload_id" in result) return result as T;
        this.at = (result as { received: number }).received;
        length = Math.min(failed === 0 && Date.now() - begun < quick ? 2 * length : length, largest);
        if (failed > 0) watcher.stuck("", false);
        failed = 0;
      } catch (error) {
        if (error instanceof UploadAborted) throw error;
        if (await loggedIn(error, this.client)) continue;
        length = first;
        const refused = codeOf(error) !== "";
        watcher.stuck(messageOf(error), refused);
        if (this.aborted) continue;
        await this.pause(refused ? null : waits[Math.min(failed, waits.length - 1)]!);
        failed++;
      }
    }
  }

  abort(): void {
    this.aborted = true;
    this.request.abort();
    this.retry();
  }

  private async piece(length: number, { progress }: Watcher): Promise<object> {
    const { at, file } = this;
    const parameters = new URLSearchParams({
      filename: this.name,
      key: this.key,
      start: `${at}`,
      size: `${file.size}`,
    });
    this.request = new XMLHttpRequest();
    const type = file.type || "application/octet-stream";
    const url = `${this.base}upload?${parameters}`;
    const answer = await sent(this.request, url, file.slice(at, at + length), type, this.client, (octets) =>
      progress(Math.min(at + octets, file.size), file.size),
    );
    return answer.result ?? {};
  }

  /** Wait for so long, null for ever, for a new connection, or for `retry`. */
  private pause(time: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = time === null ? 0 : window.setTimeout(() => this.retry(), time);
      const automatic = time === null ? [] : ["connected", "online"];
      this.retry = () => {
        clearTimeout(timer);
        for (const kind of automatic) removeEventListener(kind, this.retry);
        this.retry = () => {};
        resolve();
      };
      for (const kind of automatic) addEventListener(kind, this.retry);
    });
  }
}
