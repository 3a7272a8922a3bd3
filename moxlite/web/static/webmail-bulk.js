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
function many(n, one, other, values = {}) {
  const text = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text, { ...values, n });
}

function nameAtHome({ name, owner, home }) {
  return home.endsWith("/") ? name.slice(home.length) : owner === "" ? name : name.split("/").slice(2).join("/");
}
var isInbox = (mailbox) => nameAtHome(mailbox) === "Inbox";

function leavesOthers(mail) {
  const { mailbox_id } = mail.query.value.filter;
  return (mailbox_id ?? 0) < 0 && !mail.choice.selectedAreLoaded() && mail.mailboxes.value.some(({ owner }) => owner !== "");
}

var callSize = 1e3;
function pieces(all, size) {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
async function onQuery(client, mail, say, asked, said, role) {
  const homes = role === void 0 ? [] : mail.mailboxes.value.filter((box) => box.owner === "" && isInbox(box));
  const targets = homes.map(({ id, home }) => ({ from_id: id, mailbox_id: mail.boxes.withRole(role, home)?.id ?? id }));
  const what = { ...asked, targets };
  const selection = mail.choice.selection.value;
  const counts = mail.choice.selectedCounts.value;
  const all = counts.messages;
  const query = { query: mail.query.value, ranges: selection.stretches.map(({ first, last }) => ({ first, last })), except_ids: mail.choice.meantIds(selection.except), modseq: mail.modseq, ...what };
  const ids = [];
  const from = [];
  const unseen = [];
  let stopped = false;
  const mixed = leavesOthers(mail);
  const begun = mixed ? t("Updating only your own messages…") : all === null ? t("Updating messages…") : many(all, "Updating message…", "Updating {n} messages…");
  const progress = say(begun, { title: t("Stop"), run: () => stopped = true }, 0);
  const origins = new Map(mail.rows.value.items.flatMap((row) => mail.choice.meant(row)).map((item) => [item.id, item.mailbox_id]));
  if (what.action === "move" || what.action === "delete") mail.choice.unselect();
  try {
    const single = mail.choice.meantIds(selection.ids.keys());
    for (const box of new Set(single.map((id) => origins.get(id) ?? 0))) await onIds(client, single.filter((id) => (origins.get(id) ?? 0) === box), what, box);
    ids.push(...single);
    from.push(...single.map((id) => origins.get(id) ?? mail.current.value?.id ?? 0));
    let after = null;
    for (let more = selection.open; more && !stopped; more = after !== null) {
      const done = await client.query_action({ ...query, after });
      ids.push(...done.message_ids);
      from.push(...done.mailbox_ids);
      unseen.push(...done.unseen_ids);
      after = done.after;
      progress.say(all === null ? many(ids.length, "{n} message…", "{n} messages…") : many(all, "{done} of {n} message…", "{done} of {n} messages…", { done: ids.length }));
    }
    progress.close();
  } catch (error) {
    progress.close();
    const why = error instanceof Error ? error.message : String(error);
    say(`${many(ids.length, "Stopped after {n} message", "Stopped after {n} messages")}. ${why}`);
    return null;
  }
  return { what: mixed ? `${said(ids.length)}. ${t("Other users' messages weren't changed.")}` : said(ids.length), actions: () => back(client, ids, unseen, from, what) };
}
function targetOf({ targets, mailbox_id }, from) {
  return targets?.find(({ from_id }) => from_id === from)?.mailbox_id ?? mailbox_id ?? 0;
}
async function onIds(client, ids, what, from) {
  if (what.action === "move") await client.message_move(ids, targetOf(what, from), what.mark_seen);
  else if (what.action === "delete") await client.message_delete(ids);
  else if (what.action === "flags_add") await client.flags_add(ids, what.flags ?? []);
  else await client.flags_clear(ids, what.flags ?? []);
}
function back(client, ids, unseen, from, what) {
  const calls = (all, call) => pieces(all, callSize).map((piece) => ({ shown: {}, call: () => call(piece) }));
  const flags = what.flags ?? [];
  if (what.action === "flags_add") return calls(ids, (piece) => client.flags_clear(piece, flags));
  if (what.action === "flags_clear") return calls(ids, (piece) => client.flags_add(piece, flags));
  const moved = [...new Set(from)].flatMap((origin) => calls(ids.filter((_, i) => from[i] === origin), (piece) => client.message_move(piece, origin, false, targetOf(what, origin))));
  return what.mark_seen === true ? [...moved, ...calls(unseen, (piece) => client.flags_clear(piece, ["\\seen"]))] : moved;
}
export {
  onQuery
};
