var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text) ?? text, values);
}
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}

var CallFailed = class extends Error {
  constructor(call, code, message, fields = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields;
  }
  call;
  code;
  fields;
};
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var UploadAborted = class extends Error {
};
var silentAfter = 3e4;
var staleAfter = 3e3;
var waits = [1e3, 2e3, 4e3, 8e3, 15e3, 3e4];
var [first, largest, quick] = [1 << 20, 8 << 20, 4e3];
function sent(request, url, body, type, client, progress) {
  return new Promise((resolve, reject) => {
    const fail = (code, text) => reject(new CallFailed("upload", code, text));
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
      let answer;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        const { status } = request;
        if (status < 400 || status >= 500) fail("", t("upload interrupted"));
        else fail("user:error", t("rejected by the server: {status}", { status }));
        return;
      }
      if (answer.error === void 0) resolve(answer);
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
async function loggedIn(error, client) {
  if (codeOf(error) !== "user:noAuth" && codeOf(error) !== "user:badAuth") return false;
  await client.again(messageOf(error));
  return true;
}
var FileUpload = class {
  constructor(base, client, file, name) {
    this.base = base;
    this.client = client;
    this.file = file;
    this.name = name;
  }
  base;
  client;
  file;
  name;
  request = new XMLHttpRequest();
  aborted = false;
  key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
  at = 0;
  retry = () => {
  };
  async send(watcher) {
    let length = first;
    for (let failed = 0; ; ) {
      if (this.aborted) throw new UploadAborted();
      const begun = Date.now();
      try {
        const result = await this.piece(failed > 0 ? 0 : length, watcher);
        if ("upload_id" in result) return result;
        this.at = result.received;
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
        await this.pause(refused ? null : waits[Math.min(failed, waits.length - 1)]);
        failed++;
      }
    }
  }
  abort() {
    this.aborted = true;
    this.request.abort();
    this.retry();
  }
  async piece(length, { progress }) {
    const { at, file } = this;
    const parameters = new URLSearchParams({ filename: this.name, key: this.key, start: `${at}`, size: `${file.size}` });
    this.request = new XMLHttpRequest();
    const type = file.type || "application/octet-stream";
    const url = `${this.base}upload?${parameters}`;
    const answer = await sent(this.request, url, file.slice(at, at + length), type, this.client, (octets) => progress(Math.min(at + octets, file.size), file.size));
    return answer.result ?? {};
  }
  pause(time) {
    return new Promise((resolve) => {
      const timer = time === null ? 0 : window.setTimeout(() => this.retry(), time);
      const automatic = time === null ? [] : ["connected", "online"];
      this.retry = () => {
        clearTimeout(timer);
        for (const kind of automatic) removeEventListener(kind, this.retry);
        this.retry = () => {
        };
        resolve();
      };
      for (const kind of automatic) addEventListener(kind, this.retry);
    });
  }
};
export {
  FileUpload,
  UploadAborted
};
