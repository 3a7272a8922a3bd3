// Webhooks, addresses with unique senders, kept periods.

import type { HookTest, Sending, SendingForm } from "../../gen/account";
import { el, fill, placed } from "../../lib/dom";
import { atFields, form, line, tick } from "../../lib/fields";
import { button, card, foreign } from "../../lib/pages";
import { notice } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** Webhooks, addresses with unique senders, kept periods. */
export function hooks(desk: Desk, found: Sending): HTMLElement {
  const old = found.form;
  const out = old.outgoing_webhook;
  const into = old.incoming_webhook;
  const secret = (label: string, value: string, hint: string) =>
    line(label, value, hint, { type: "password", autocomplete: "off" });
  const outURL = line(t("URL"), out.url, t("We'll POST JSON to this URL. Leave blank to turn off."), {
    inputmode: "url",
  });
  const outAuth = secret(t("Authorization"), out.authorization, t("Header value. For example, “Bearer …”."));
  const outKey = secret(
    t("Signing key"),
    out.secret,
    t("whsec_ and a Base64 key, as in Standard Webhooks. Leave blank to skip signing."),
  );
  const events = found.events.map((name) => tick(name, out.events.length === 0 || out.events.includes(name)));
  const inURL = line(t("URL"), into.url, t("We'll POST JSON to this URL. Leave blank to turn off."), {
    inputmode: "url",
  });
  const inAuth = secret(t("Authorization"), into.authorization, "");
  const inKey = secret(t("Signing key"), into.secret, "");
  const ids = line(
    t("Logins with unique sender addresses"),
    old.from_id_login_addresses.join(" "),
    t(
      "Messages from these logins get a unique sender address, so replies can be matched. Separate logins with spaces.",
    ),
  );
  const keepMail = line(
    t("Show sent mail for"),
    old.keep_retired_message_period,
    t("For example, 7d or 12h. Use 0s to turn off."),
  );
  const keepHooks = line(
    t("Show finished webhooks for"),
    old.keep_retired_webhook_period,
    t("For example, 7d or 12h. Use 0s to turn off."),
  );
  const places = {
    "outgoing_webhook.url": outURL,
    "outgoing_webhook.authorization": outAuth,
    "outgoing_webhook.secret": outKey,
    "outgoing_webhook.events": events[0]!,
    "incoming_webhook.url": inURL,
    "incoming_webhook.authorization": inAuth,
    "incoming_webhook.secret": inKey,
    from_id_login_addresses: ids,
    keep_retired_message_period: keepMail,
    keep_retired_webhook_period: keepHooks,
  };
  const chosen = () => found.events.filter((_, i) => events[i]!.control.checked);
  const outForm = () => ({
    url: outURL.control.value.trim(),
    authorization: outAuth.control.value,
    events: chosen().length === found.events.length ? [] : chosen(),
    secret: outKey.control.value,
  });
  const inForm = () => ({
    url: inURL.control.value.trim(),
    authorization: inAuth.control.value,
    secret: inKey.control.value,
  });
  const outTest = test(desk, () => ({ ...outForm() }), false, { url: outURL, authorization: outAuth });
  const inTest = test(desk, () => ({ ...inForm(), events: [] }), true, { url: inURL, authorization: inAuth });
  const save = form(
    [
      el("h3", {}, t("Outgoing webhooks")),
      outURL.root,
      outAuth.root,
      outKey.root,
      el(
        "fieldset",
        { class: "group" },
        el("legend", {}, t("Events")),
        events.map((one) => one.root),
      ),
      outTest,
      el("h3", {}, t("Incoming webhooks")),
      inURL.root,
      inAuth.root,
      inKey.root,
      inTest,
      el("h3", {}, t("Sent mail")),
      ids.root,
      keepMail.root,
      keepHooks.root,
    ],
    t("Save"),
    async () => {
      if (outURL.control.value.trim() !== "" && chosen().length === 0) {
        events[0]!.problem(t("Choose at least one event."));
        return;
      }
      const changed: SendingForm = {
        outgoing_webhook: outForm(),
        incoming_webhook: inForm(),
        from_id_login_addresses: ids.control.value.split(/\s+/).filter((word) => word !== ""),
        keep_retired_message_period: keepMail.control.value.trim(),
        keep_retired_webhook_period: keepHooks.control.value.trim(),
      };
      try {
        await desk.client.sending_save(old, changed);
      } catch (error) {
        atFields(error, places);
        return;
      }
      desk.say(t("Saved"));
      await desk.refresh();
    },
  );
  return card(t("Webhooks"), save.root, {
    hint: t("Notify your own apps when you send or receive mail."),
  });
}

/** A button that makes a test call, and its answer. */
function test(
  desk: Desk,
  hook: () => { url: string; authorization: string; events: string[]; secret: string },
  incoming: boolean,
  places: Readonly<Record<string, { problem(text: string): void }>>,
): HTMLElement {
  const answer = el("div", { role: "status" });
  const run = async () => {
    fill(answer, notice("wait", t("Testing webhook…")));
    let found: HookTest;
    try {
      found = await desk.client.webhook_test(hook(), incoming);
    } catch (error) {
      fill(answer);
      try {
        atFields(error, places);
      } catch (rest) {
        fill(answer, notice("danger", rest instanceof Error ? rest.message : String(rest)));
      }
      return;
    }
    const seconds = Math.round(found.seconds * 10) / 10;
    const words =
      found.status === 0
        ? placed(t("{error} after {seconds} s", { seconds }), { error: foreign(found.error) })
        : t("Status {code} after {seconds} s", { code: String(found.status), seconds });
    fill(
      answer,
      notice(found.error === "" ? "ok" : "danger", [
        words,
        found.response !== "" && el("pre", { class: "answer" }, foreign(found.response, 600)),
      ]),
    );
  };
  return el(
    "div",
    {},
    button(t("Send test"), () => void run()),
    answer,
  );
}
