// Uploading a file. Only XMLHttpRequest reports how much of a request has been sent.

import { CallFailed } from "./client";
import { t, told } from "./words";

/** The user has cancelled the upload. */
export class UploadAborted extends Error {}

export class Upload {
  private readonly request = new XMLHttpRequest();

  /** Send a form, or a file alone; resolves with the token of the import, or the id of the upload. Throws CallFailed (its
   * code is "" without an answer), UploadAborted. */
  send(
    url: string,
    body: FormData | File,
    csrfToken: string,
    progress: (sent: number, size: number) => void,
  ): Promise<string> {
    const request = this.request;
    return new Promise((resolve, reject) => {
      request.open("POST", url);
      request.setRequestHeader("x-moxlite-csrf", csrfToken);
      request.upload.onprogress = (event) => progress(event.loaded, event.total);
      request.onload = () => {
        try {
          const answer = JSON.parse(request.responseText) as {
            token?: unknown;
            result?: { upload_id: unknown };
            error?: { code: string; message: string };
          };
          const found = answer.token ?? answer.result?.upload_id;
          if (typeof found === "string") resolve(found);
          else
            void told(answer.error ?? { code: "", message: t("Unexpected response from the server. Try again.") }).then(
              ({ code, message }) => reject(new CallFailed("import", code, message)),
            );
        } catch {
          reject(
            new CallFailed(
              "import",
              "",
              request.responseText || t("Unexpected server response ({status}).", { status: String(request.status) }),
            ),
          );
        }
      };
      request.onerror = () =>
        reject(new CallFailed("import", "", t("Connection lost during upload, so your messages weren't imported.")));
      request.onabort = () => reject(new UploadAborted());
      if (body instanceof File) request.setRequestHeader("content-type", "application/octet-stream");
      request.send(body);
    });
  }

  abort(): void {
    this.request.abort();
  }
}
