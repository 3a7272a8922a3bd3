// The page for the owner of an address to which mail shall be forwarded: `#forward/ACCOUNT/TOKEN`. Looking answers nothing; its
// buttons do.

import type { ForwardQuestion } from "../gen/account";
import { type Child, el, fill } from "../lib/dom";
import { card, head } from "../lib/pages";
import { notice } from "../lib/states";
import { t } from "../lib/words";

/** The calls about the question. */
interface AgreeClient {
  forward_question(account: string, token: string): Promise<ForwardQuestion>;
  forward_answer(account: string, token: string, agree: boolean): Promise<unknown>;
}

/** Account and token in the address of such a link; null if it is another address. */
export function forwardLink(hash: string): [string, string] | null {
  const found = /^#forward\/([^/]{1,100})\/([\w-]{1,64})$/.exec(hash);
  return found === null ? null : [decodeURIComponent(found[1]!), found[2]!];
}

/** The page. It stays until it is closed. */
export async function agreePage(client: AgreeClient, account: string, token: string): Promise<HTMLElement> {
  history.replaceState(null, "", location.pathname);
  const place = el("div", { class: "page" });
  const show = (...content: Child[]) => fill(place, head(t("Forwarded mail"), ""), card("", content));
  let question: ForwardQuestion;
  try {
    question = await client.forward_question(account, token);
  } catch (error) {
    show(notice("warn", messageOf(error)));
    return place;
  }
  const wrong = el("p", { class: "error", role: "alert", hidden: true });
  const answer = async (agree: boolean) => {
    try {
      await client.forward_answer(account, token, agree);
    } catch (error) {
      wrong.hidden = false;
      fill(wrong, messageOf(error));
      return;
    }
    show(
      el(
        "p",
        { role: "status" },
        agree
          ? t("Mail is sent to you from now on. To end it, ask the person who forwards it.")
          : t("Nothing will be sent to you."),
      ),
    );
  };
  show(
    el(
      "p",
      {},
      t("Shall mail to "),
      el("b", {}, el("bdi", {}, question.own)),
      t(" be sent on to "),
      el("b", {}, el("bdi", {}, question.target)),
      "?",
    ),
    wrong,
    el(
      "div",
      { class: "flex wrap gap" },
      el("button", { class: "btn primary", type: "button", onclick: () => void answer(true) }, t("Yes, send it to me")),
      el("button", { class: "btn line", type: "button", onclick: () => void answer(false) }, t("No")),
    ),
  );
  return place;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
