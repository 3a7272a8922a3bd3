// Search over all settings. Each page is made once, unseen, and what it shows is searched: there is no second list of settings.

import { attempt } from "../../lib/dialogs";
import { el, fill, sign } from "../../lib/dom";
import { search as lens } from "../../lib/icons";
import { card, foreign, head, type Place } from "../../lib/pages";
import { nameOfSearch, wordsOfSearch } from "../../lib/searched";
import { empty } from "../../lib/states";
import { t } from "../../lib/words";
import { settingsIn } from "../ui/marks";
import type { Desk, MakePage } from "../ui/page";

/** Results that are shown. */
const most = 50;

/** A setting: its page, where that is in words, and in what is searched. */
interface Setting {
  readonly page: string;
  readonly path: string;
  readonly text: string;
  readonly words: string;
  /** The control itself, if it is saved as it is changed. */
  readonly control: HTMLElement | null;
}

const search: MakePage = async (desk) => {
  const found: Setting[] = [];
  const place = el("div", { role: "status" });
  const input = el("input", {
    type: "search",
    "aria-label": t("Search settings"),
    autocomplete: "off",
    spellcheck: "false",
    value: wordsOfSearch(desk.path[0] ?? ""),
  });
  const show = () => fill(place, results(desk, found, input.value));
  input.addEventListener("input", () => {
    history.replaceState(null, "", `#search/${nameOfSearch(input.value)}`);
    show();
  });
  const root = el(
    "div",
    { class: "page" },
    head(t("Search settings"), "", el("label", { class: "search" }, sign(lens), input)),
    place,
  );
  void attempt(t("Loading…"), t("Couldn't load account"), async () => {
    for (const { title: room, pages } of desk.places)
      await Promise.all(
        pages
          .filter(([, title]) => title !== "")
          .map(async ([page, title]) => {
            found.push(...(await settingsOf(desk, page, `${room} › ${title}`)));
            show();
          }),
      );
  });
  requestAnimationFrame(() => input.focus());
  return { title: t("Search settings"), root };
};

/** The settings of a page, which is made and left; none of one that can't be made. */
async function settingsOf(desk: Desk, page: string, path: string): Promise<Setting[]> {
  const leave: (() => void)[] = [];
  const quiet: Desk = { ...desk, path: [], shown: () => false, onLeave: (act) => leave.push(act) };
  try {
    const make = await desk.find(page);
    const { root } = await make(quiet);
    const seen = new Set<string>();
    return settingsIn(root).flatMap(([element, text]): Setting[] => {
      if (seen.has(text)) return [];
      seen.add(text);
      const around = element.closest(".field") ?? element;
      const words = `${path} ${around.textContent}`.toLocaleLowerCase();
      return [{ page, path, text, words, control: element.closest<HTMLElement>("[data-kept]") }];
    });
  } catch {
    return []; // its page says why
  } finally {
    for (const act of leave) act();
  }
}

function results(desk: Desk, all: readonly Setting[], typed: string): HTMLElement | null {
  const words = typed
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter((one) => one !== "");
  if (words.length === 0) return contents(desk);
  const found = all.filter((one) => words.every((word) => one.words.includes(word)));
  // a setting of this name before those that explain themselves by it
  const named = (one: Setting) => (words.every((word) => one.text.toLocaleLowerCase().includes(word)) ? 0 : 1);
  found.sort((one, other) => named(one) - named(other));
  if (found.length === 0) return card("", empty(lens, t("No results"), ""));
  return card(
    "",
    el(
      "ul",
      { class: "lines" },
      found
        .slice(0, most)
        .map((one) => el("li", {}, one.control === null ? led(desk, one) : itself(desk, one.control, one))),
    ),
    { flush: true },
  );
}

/** All pages by their places, as long as nothing is looked for. */
function contents(desk: Desk): HTMLElement {
  const link = ([page, title]: readonly [string, string]) => el("a", { href: `#${page}` }, title);
  const line = ({ title, pages }: Place) => {
    const named = pages.filter(([, page]) => page !== "");
    return (
      named.length > 0 &&
      el("li", { class: "place-pages" }, el("b", {}, title), el("span", { class: "flex wrap" }, named.map(link)))
    );
  };
  return card("", el("ul", { class: "lines" }, desk.places.map(line)), { flush: true });
}

/** A link to the setting on its page. */
function led(desk: Desk, one: Setting): HTMLElement {
  return el(
    "span",
    { class: "grow" },
    el("a", { class: "name", href: `#${one.page}`, onclick: () => desk.mark(one.text) }, foreign(one.text, 100)),
    el("br"),
    el("span", { class: "hint" }, one.path),
  );
}

/** The setting, to be changed here, with a link to its page. */
function itself(desk: Desk, control: HTMLElement, one: Setting): HTMLElement {
  const link = el("a", { class: "hint", href: `#${one.page}`, onclick: () => desk.mark(one.text) }, one.path);
  return el("div", { class: "grow" }, control, link);
}

export const pages: Readonly<Record<string, MakePage>> = { search };
