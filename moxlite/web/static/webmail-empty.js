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

function emptyList(mail, ways) {
  const searching = mail.searching.value;
  if (searching?.done === false) return null;
  if (searching !== null) {
    const everywhere = ways.searchEverywhere();
    return { title: searching.stopped ? t("Stopped before anything was found.") : t("Nothing was found."), ...everywhere !== null && { step: { title: t("Search everywhere"), run: everywhere } } };
  }
  if (mail.query.value.filter.unread === true) return { title: t("No unread messages here."), step: { title: t("Show all messages"), run: () => ways.showAll() } };
  const mailbox = mail.current.value;
  if (mailbox?.owner !== "" || mailbox.id < 0) return { title: t("No messages here.") };
  if (mailbox.name === "Inbox") {
    const open = ways.archive();
    return { title: t("Your inbox is empty."), text: open === null ? t("New mail appears here by itself.") : t("New mail appears here by itself. Older mail is in Archive."), ...open !== null && { step: { title: t("Open Archive"), run: open } } };
  }
  const write = { title: t("New message"), run: () => ways.compose() };
  const known = { draft: { title: t("No drafts."), text: t("Messages that you have begun and not sent are kept here."), step: write }, sent: { title: t("Nothing was sent yet."), text: t("Messages that you send are kept here."), step: write }, archive: { title: t("Archive is empty."), text: t("Messages that you archive leave the inbox and are kept here.") }, junk: { title: t("No junk."), text: t("Suspicious mail goes here. To fix a mistake, use “Not junk”.") }, trash: { title: t("Trash is empty."), text: t("What you delete comes here first, and can be moved back.") } };
  return known[mailbox.roles[0] ?? ""] ?? { title: t("No messages here."), text: t("Use “Move…” to bring messages here.") };
}
export {
  emptyList
};
