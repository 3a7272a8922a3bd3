// What is typed into forms and isn't saved (WEBMAIL-183): it stays in this browser over Escape, a click beside the form, a reload, a closed
// tab and a login that ended.
//
// A page has one keeper for all its forms, which knows them by what the document tells: their controls, `data-rows` at a list whose button
// `data-adds` adds a row, and `data-kept` at a field of another kind, which answers the event `keep`. A form with changes has the attribute
// `data-unsaved`. Forms with `data-fleeting` are not kept, nor are passwords, codes and what is marked `data-secret`.

import { el, isolated } from "./dom";
import { toast } from "./toasts";
import { meant, t } from "./words";

/** Values of a form's controls, by their labels. */
type Values = Record<string, unknown>;

interface Entry {
  /** ms since 1970. */
  readonly at: number;
  readonly values: Values;
  /** The call of the form that had no answer, and its id (steady.ts). */
  readonly lost?: string | undefined;
}

/** Records by the names of their forms, and whose they are. */
interface Stored {
  readonly owner: string;
  readonly forms: Record<string, Entry>;
}

/** What was in a form when it came, and its name then. A part that is loaded later begins with what it came with. */
interface Begun {
  readonly name: string;
  readonly values: Values;
}

/** A form's name, and the address of its page; null in a dialog. */
interface Named {
  readonly name: string;
  readonly place: string | null;
}

/** What the event `keep` carries: the field puts its value there, or takes the one that is there. */
export type Keep<T> = CustomEvent<{ value?: T }>;

/** Milliseconds after the last key until it is kept, and for which it is kept. */
const [quiet, week] = [300, 7 * 86_400_000];
/** Rows of a list that are put back, and forms that are kept. */
const [mostRows, mostForms] = [100, 50];
const kinds = "form, [data-form]";
const apart = ".login *, .login, .composer *, [role=search], .filter, [data-fleeting]";
const fields = "input, select, textarea";
const never = ["password", "file", "hidden", "submit", "button", "search", "reset", "image"];
const worded = ["text", "textarea", "url", "email", "tel", "div", "span"];

const kindOf = (part: HTMLElement): string => ("type" in part ? String(part.type) : part.tagName.toLowerCase());

function isSecret(part: HTMLElement): boolean {
  const hint = part.getAttribute("autocomplete") ?? "";
  return never.includes(kindOf(part)) || /-password|one-time|cc-/.test(hint) || part.closest("[data-secret]") !== null;
}

/** The parts of a form that have values, by names that they have in each copy of the form. */
function partsOf(form: Element): Map<string, HTMLElement> {
  const parts = new Map<string, HTMLElement>();
  const counts = new Map<string, number>();
  for (const part of form.querySelectorAll<HTMLElement>(`${fields}, [data-rows], [data-kept]`)) {
    const within = part.parentElement?.closest("[data-kept]") ?? null;
    if ((within !== null && form.contains(within)) || (part.matches(fields) && isSecret(part))) continue;
    const label = "labels" in part ? (part as HTMLInputElement).labels?.[0]?.textContent : "";
    const name = `${kindOf(part)} ${part.ariaLabel ?? label ?? ""}`;
    const n = counts.get(name) ?? 0;
    counts.set(name, n + 1);
    parts.set(`${name} ${n}`, part);
  }
  return parts;
}

/** Have browsers keep no value of a field with the page: the browser's next user would see it. */
function keepOut(field: Element): void {
  if (!field.hasAttribute("autocomplete")) field.setAttribute("autocomplete", "off");
}

function valueIn(part: HTMLElement): unknown {
  if (part.dataset["kept"] !== undefined) {
    const event: Keep<unknown> = new CustomEvent("keep", { detail: {} });
    part.dispatchEvent(event);
    return event.detail.value;
  }
  if (part.dataset["rows"] !== undefined) return part.childElementCount;
  if (part instanceof HTMLInputElement && ["checkbox", "radio"].includes(part.type)) return part.checked;
  return (part as HTMLInputElement).value;
}

const valuesOf = (form: Element): Values =>
  Object.fromEntries([...partsOf(form)].map(([name, part]) => [name, valueIn(part)]));

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function set(part: HTMLElement, value: unknown): void {
  if (part.dataset["kept"] !== undefined) part.dispatchEvent(new CustomEvent("keep", { detail: { value } }));
  else if (part.dataset["rows"] !== undefined) {
    const add = [...part.parentElement!.querySelectorAll<HTMLElement>("[data-adds]")].at(-1);
    for (let n = part.childElementCount; n < Math.min(Number(value), mostRows); n++) add?.click();
  } else {
    if (part instanceof HTMLInputElement && ["checkbox", "radio"].includes(part.type)) part.checked = value === true;
    else (part as HTMLInputElement).value = String(value);
    for (const kind of ["input", "change"]) part.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}

/** Put values into a form: in its order, as rows come with what is put into those before. */
function put(form: Element, values: Values): void {
  // a field that follows another, such as the end of an event its start, gets its own value in the end
  for (let turn = 0; turn < 2; turn++)
    for (const [name, value] of Object.entries(values)) {
      const part = partsOf(form).get(name);
      if (part !== undefined && !same(valueIn(part), value)) set(part, value);
    }
}

/** What a form is called: the title of its dialog or page, and the words that were in it when it came, by which the form of one thing is told
 * from that of another. */
function nameOf(form: Element, begun: Values): string {
  const box = form.closest("dialog");
  const words = Object.entries(begun).filter(
    ([name, value]) => worded.includes(name.split(" ")[0]!) && value !== "" && !same(value, []),
  );
  const beside = [...(box ?? document).querySelectorAll(kinds)].indexOf(form);
  return JSON.stringify([box?.ariaLabel ?? here(), form.className, beside, words]);
}

const here = (): string => location.hash.replace(/\?.*/, "");
const placeOf = (form: Element): string | null => (form.closest("dialog") === null ? here() : null);

/** Keep what is typed into the forms of an app. `app` begins its names in the browser's storage. */
export function keepForms(app: string): void {
  const key = `${app}-unsaved`;
  const begun = new WeakMap<Element, Begun>();
  /** Forms with changes. */
  const changed = new Map<HTMLElement, Named>();
  /** Dialogs that were left with changes, and the message that offers to open them again. */
  const left = new Map<HTMLDialogElement, Element>();
  let [timer, filling, out, last] = [0, false, false, ""];

  const store = () => (localStorage.getItem(`${app}-stays`) === null ? sessionStorage : localStorage);
  /** The end of a session removes the address, but not what is being typed. */
  const owner = () => (last = localStorage.getItem(`${app}-address`) ?? last);

  function load(): Record<string, Entry> {
    try {
      const { owner: whose, forms } = JSON.parse(store().getItem(key) ?? "") as Stored;
      if (whose !== owner()) return {};
      const recent = Object.entries(forms).filter(([, entry]) => Date.now() - entry.at < week);
      return Object.fromEntries(recent.sort(([, a], [, b]) => a.at - b.at).slice(-mostForms));
    } catch {
      return {};
    }
  }

  function change(work: (forms: Record<string, Entry>) => void): void {
    const forms = load();
    work(forms);
    try {
      if (Object.keys(forms).length === 0) store().removeItem(key);
      else store().setItem(key, JSON.stringify({ owner: owner(), forms } satisfies Stored));
    } catch {
      // a browser without room: the page asks before it is left
    }
  }

  // what another user left, or the same one before choosing to stay logged in, or not to
  (store() === localStorage ? sessionStorage : localStorage).removeItem(key);
  change(() => {});

  const drop = (name: string) => change((forms) => delete forms[name]);

  function keep(): void {
    clearTimeout(timer);
    if (out) return;
    change((forms) => {
      for (const [form, { name }] of changed)
        if (form.isConnected && form.dataset["unsaved"] !== undefined)
          forms[name] = { at: Date.now(), values: valuesOf(form), lost: form.dataset["lost"] };
    });
  }

  const kept = (form: Element | null | undefined): form is HTMLElement =>
    form instanceof HTMLElement && !form.matches(apart) && partsOf(form).size > 0;

  /** Notice whether a form has changes. */
  function look(form: HTMLElement): void {
    for (const field of form.querySelectorAll(fields)) keepOut(field);
    const old = begun.get(form);
    if (filling || old === undefined || form.ariaBusy === "true") return;
    if (Object.entries(valuesOf(form)).every(([name, value]) => same(old.values[name], value))) settle(form);
    else {
      form.dataset["unsaved"] = "";
      if (!changed.has(form)) changed.set(form, { name: old.name, place: placeOf(form) });
      clearTimeout(timer);
      timer = window.setTimeout(keep, quiet);
    }
  }

  /** A form has no changes any more. */
  function settle(form: HTMLElement): void {
    delete form.dataset["unsaved"];
    delete form.dataset["lost"];
    form.querySelector(".kept-note")?.remove();
    const named = changed.get(form);
    changed.delete(form);
    if (named !== undefined) drop(named.name);
  }

  function refill(form: HTMLElement, values: Values): void {
    filling = true;
    put(form, values);
    filling = false;
  }

  /** A form has come: put back what was typed into it before. */
  function came(form: HTMLElement): void {
    // what it begins with was typed, in another form
    const old = form.dataset["begun"] === undefined ? valuesOf(form) : {};
    const name = nameOf(form, old);
    begun.set(form, { name, values: { ...old } });
    const record = load()[name];
    if (record === undefined || form.dataset["begun"] !== undefined) {
      look(form);
      return;
    }
    refill(form, record.values);
    if (record.lost !== undefined) form.dataset["lost"] = record.lost;
    const discard = () => {
      refill(form, old);
      settle(form);
    };
    form.prepend(
      el(
        "p",
        { class: "hint kept-note", role: "status" },
        el("span", {}, t("Not saved")),
        el("button", { class: "btn text small", type: "button", onclick: discard }, t("Discard")),
      ),
    );
    look(form);
  }

  /** Parts of a form may have been loaded after it came. A new row of a list is a change all the same: the number of its rows is one. */
  function grew(form: HTMLElement, values: Values): void {
    if (form.dataset["begun"] !== undefined) return;
    for (const [name, part] of partsOf(form)) if (!(name in values)) values[name] = valueIn(part);
  }

  /** A form is gone: saved or given up with its dialog, or left with its page. */
  function gone(form: HTMLElement, { name, place }: Named): void {
    const box = form.closest("dialog");
    if (box !== null && left.has(box)) return;
    changed.delete(form);
    if (place === null || form.dataset["unsaved"] === undefined) drop(name);
    else if (form.ariaBusy === "true") {
      const saved = new MutationObserver(() => {
        saved.disconnect();
        gone(form, { name, place });
      });
      saved.observe(form, { attributeFilter: ["aria-busy"] });
    } else if (place !== here()) offer(place);
  }

  /** Take a dialog away with what was typed, and offer to open it again. */
  function leave(box: HTMLDialogElement): void {
    keep();
    box.close();
    box.remove();
    const open = () => {
      left.delete(box);
      document.body.append(box);
      box.showModal();
    };
    toast(t("Not saved"), { title: meant("action", "Open"), run: open });
    left.set(box, [...document.querySelectorAll(".toast")].at(-1)!);
  }

  /** A dialog that was left is not opened again; its form is filled when it is opened anew. */
  function end(box: HTMLDialogElement): void {
    left.delete(box);
    for (const form of changed.keys()) if (box.contains(form)) changed.delete(form);
    const focused = document.activeElement;
    box.dispatchEvent(new Event("cancel", { cancelable: true }));
    if (focused instanceof HTMLElement && focused !== document.body) focused.focus();
  }

  /** Say which forms of an earlier page aren't saved. */
  function remind(): void {
    const titles = Object.keys(load()).map((name) => (JSON.parse(name) as [title: string])[0]);
    const dialogs = [...new Set(titles.filter((title) => title !== "" && !title.startsWith("#")))];
    const place = titles.filter((title) => title.startsWith("#") && title !== here()).at(-1);
    if (dialogs.length > 0)
      toast(
        t("Unsaved changes: {forms}. Open the form again to continue.", { forms: dialogs.map(isolated).join(", ") }),
      );
    if (place !== undefined) offer(place);
  }

  const offer = (place: string) =>
    toast(t("Not saved"), { title: meant("action", "Open"), run: () => (location.hash = place) });

  const formsIn = (box: Element | null) => [...(box?.querySelectorAll<HTMLElement>(kinds) ?? [])];

  for (const kind of ["input", "change", "click", "keyup", "focusout", "paste"])
    document.addEventListener(
      kind,
      ({ target }) => {
        // a search belongs to no form
        if (target instanceof Element && target.matches(fields)) keepOut(target);
        const form = target instanceof Element ? target.closest(kinds) : null;
        // when the field itself has handled it, which may draw it anew
        if (kept(form)) setTimeout(() => look(form));
      },
      true,
    );
  document.addEventListener("saved", ({ target }) => {
    const form = target as HTMLElement;
    settle(form);
    const values = valuesOf(form);
    begun.set(form, { name: nameOf(form, values), values });
  });
  document.addEventListener(
    "keydown",
    (event) => {
      const { target } = event;
      if (event.key === "Enter" && target instanceof HTMLSelectElement && target.closest("dialog") !== null) {
        event.preventDefault();
        target.form?.requestSubmit();
      }
      const box = [...document.querySelectorAll("dialog:modal")].at(-1) ?? null;
      if (event.key !== "Escape" || !formsIn(box).some((form) => form.ariaBusy === "true")) return;
      // what is being saved can't be taken back
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener(
    "cancel",
    (event) => {
      const box = event.target;
      if (!(box instanceof HTMLDialogElement) || !box.isConnected) return;
      const forms = formsIn(box);
      for (const form of forms) if (kept(form)) look(form);
      const busy = forms.some((form) => form.ariaBusy === "true");
      if (!busy && !forms.some((form) => form.dataset["unsaved"] !== undefined)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!busy) leave(box);
    },
    true,
  );
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("[data-unsaved]") !== null) event.preventDefault();
  });
  for (const kind of ["leaving", "pagehide", "lost"]) addEventListener(kind, keep);
  addEventListener("storage", (event) => {
    if (event.key !== `${app}-csrf`) return;
    // logged out in another tab, or logged in again
    out = event.newValue === null;
    if (out) store().removeItem(key);
  });
  const seen = () => {
    for (const form of document.querySelectorAll<HTMLElement>(kinds)) {
      const old = begun.get(form);
      if (old !== undefined) grew(form, old.values);
      else if (kept(form)) came(form);
    }
    for (const [form, named] of changed) if (!form.isConnected) gone(form, named);
    for (const [box, message] of left) if (!message.isConnected) end(box);
  };
  new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  seen();
  remind();
}
