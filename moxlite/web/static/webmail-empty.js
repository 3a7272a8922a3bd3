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
    return { title: searching.stopped ? t("Search stopped. No results yet.") : t("No results"), ...everywhere !== null && { step: { title: t("Search everywhere"), run: everywhere } } };
  }
  if (mail.query.value.filter.unread === true) return { title: t("No unread messages"), step: { title: t("Show all messages"), run: () => ways.showAll() } };
  const mailbox = mail.current.value;
  if (mailbox?.owner !== "" || mailbox.id < 0) return { title: t("No messages") };
  if (mailbox.name === "Inbox") {
    const open = ways.archive();
    return { title: t("Your inbox is empty"), text: open === null ? t("New mail will appear here.") : t("New mail will appear here. You'll find older mail in Archive."), ...open !== null && { step: { title: t("Open Archive"), run: open } } };
  }
  const write = { title: t("New message"), run: () => ways.compose() };
  const known = { draft: { title: t("No drafts"), text: t("Unsent messages are saved here."), step: write }, sent: { title: t("No sent messages"), text: t("Messages you send are saved here."), step: write }, archive: { title: t("Archive is empty"), text: t("Archived messages move here from your inbox.") }, junk: { title: t("No junk mail"), text: t("Suspicious mail goes here. To fix a mistake, use “Not junk”.") }, trash: { title: t("Trash is empty"), text: t("Deleted messages go here first. You can move them back.") } };
  return known[mailbox.roles[0] ?? ""] ?? { title: t("No messages"), text: t("To move messages here, use “Move…”.") };
}
export {
  emptyList
};
