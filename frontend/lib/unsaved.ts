// What is typed into forms and isn't saved (WEBMAIL-183): it stays in this browser over Escape, a click beside the form, a reload, a closed
// tab and a login that ended.
//
// A page has one keeper for all its forms, which knows them by what the document tells: their controls, `data-rows` at a list whose button
// `data-adds` adds a row, and `data-kept` at a field of another kind, which answers the event `keep`. A form with changes has the attribute
// `data-unsaved`. Forms with `data-fleeting` are not kept, nor are passwords, codes and what is marked `data-secret`.

import { el } from "./dom";
import { toast } from "./toasts";
import { meant, t } from "./words";

/** Values of a form's controls, by their labels. */
type Values = Record<string, unknown>;

interface Entry {
  /** ms since 1970. */
  readonly at: number;
  readonly values: Values;
}

/** Records by the names of their forms, and whose they are. */
interface Stored {
  readonly owner: string;
  readonly forms: Record<string, Entry>;
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

const kindOf = (one: HTMLElement): string => ("type" in one ? String(one.type) : one.tagName.toLowerCase());

function isSecret(one: HTMLElement): boolean {
  const hint = one.getAttribute("autocomplete") ?? "";
  return never.includes(kindOf(one)) || /-password|one-time|cc-/.test(hint) || one.closest("[data-secret]") !== null;
}

/** The parts of a form that have values, by names that they have in each copy of the form. */
function partsOf(form: Element): Map<string, HTMLElement> {
  const found = new Map<string, HTMLElement>();
  const counts = new Map<string, number>();
  for (const one of form.querySelectorAll<HTMLElement>(`${fields}, [data-rows], [data-kept]`)) {
    const within = one.parentElement?.closest("[data-kept]") ?? null;
    if ((within !== null && form.contains(within)) || (one.matches(fields) && isSecret(one))) continue;
    const label = "labels" in one ? (one as HTMLInputElement).labels?.[0]?.textContent : "";
    const name = `${kindOf(one)} ${one.ariaLabel ?? label ?? ""}`;
    const n = counts.get(name) ?? 0;
    counts.set(name, n + 1);
    found.set(`${name} ${n}`, one);
  }
  return found;
}

/** Have browsers keep no values of a form with the page: the browser's next user would see them. */
function keepOut(form: Element): void {
  for (const one of form.querySelectorAll(fields))
    if (!one.hasAttribute("autocomplete")) one.setAttribute("autocomplete", "off");
}

function valueIn(one: HTMLElement): unknown {
  if (one.dataset["kept"] !== undefined) {
    const event: Keep<unknown> = new CustomEvent("keep", { detail: {} });
    one.dispatchEvent(event);
    return event.detail.value;
  }
  if (one.dataset["rows"] !== undefined) return one.childElementCount;
  if (one instanceof HTMLInputElement && ["checkbox", "radio"].includes(one.type)) return one.checked;
  return (one as HTMLInputElement).value;
}

const valuesOf = (form: Element): Values =>
  Object.fromEntries([...partsOf(form)].map(([name, one]) => [name, valueIn(one)]));

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function set(one: HTMLElement, value: unknown): void {
  if (one.dataset["kept"] !== undefined) one.dispatchEvent(new CustomEvent("keep", { detail: { value } }));
  else if (one.dataset["rows"] !== undefined) {
    const add = [...one.parentElement!.querySelectorAll<HTMLElement>("[data-adds]")].at(-1);
    for (let n = one.childElementCount; n < Math.min(Number(value), mostRows); n++) add?.click();
  } else {
    if (one instanceof HTMLInputElement && ["checkbox", "radio"].includes(one.type)) one.checked = value === true;
    else (one as HTMLInputElement).value = String(value);
    for (const kind of ["input", "change"]) one.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}

/** Put values into a form: in its order, as rows come with what is put into those before. */
function put(form: Element, values: Values): void {
  // a field that follows another, such as the end of an event its start, gets its own value in the end
  for (let turn = 0; turn < 2; turn++)
    for (const [name, value] of Object.entries(values)) {
      const one = partsOf(form).get(name);
      if (one !== undefined && !same(valueIn(one), value)) set(one, value);
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
  /** What was in each form when it came. */
  const begun = new WeakMap<Element, Values>();
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
      const recent = Object.entries(forms).filter(([, one]) => Date.now() - one.at < week);
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
          forms[name] = { at: Date.now(), values: valuesOf(form) };
    });
  }

  const kept = (form: Element | null | undefined): form is HTMLElement =>
    form instanceof HTMLElement && !form.matches(apart) && partsOf(form).size > 0;

  /** Notice whether a form has changes. */
  function look(form: HTMLElement): void {
    keepOut(form);
    const old = begun.get(form);
    if (filling || old === undefined || form.ariaBusy === "true") return;
    if (same(old, valuesOf(form))) settle(form);
    else {
      form.dataset["unsaved"] = "";
      if (!changed.has(form)) changed.set(form, { name: nameOf(form, old), place: placeOf(form) });
      clearTimeout(timer);
      timer = window.setTimeout(keep, quiet);
    }
  }

  /** A form has no changes any more. */
  function settle(form: HTMLElement): void {
    delete form.dataset["unsaved"];
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
    begun.set(form, old);
    const record = load()[nameOf(form, old)];
    if (record === undefined || form.dataset["begun"] !== undefined) {
      look(form);
      return;
    }
    refill(form, record.values);
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
    } else if (place !== here())
      toast(t("Not saved"), { title: meant("action", "Open"), run: () => (location.hash = place) });
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

  const formsIn = (box: Element | null) => [...(box?.querySelectorAll<HTMLElement>(kinds) ?? [])];

  for (const kind of ["input", "change", "click", "keyup", "focusout", "paste"])
    document.addEventListener(
      kind,
      ({ target }) => {
        const form = target instanceof Element ? target.closest(kinds) : null;
        // when the field itself has handled it, which may draw it anew
        if (kept(form)) setTimeout(() => look(form));
      },
      true,
    );
  document.addEventListener("saved", ({ target }) => {
    settle(target as HTMLElement);
    begun.set(target as HTMLElement, valuesOf(target as HTMLElement));
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
  for (const kind of ["leaving", "pagehide"]) addEventListener(kind, keep);
  addEventListener("storage", (event) => {
    if (event.key !== `${app}-csrf`) return;
    // logged out in another tab, or logged in again
    out = event.newValue === null;
    if (out) store().removeItem(key);
  });
  const seen = () => {
    for (const form of document.querySelectorAll<HTMLElement>(kinds)) if (!begun.has(form) && kept(form)) came(form);
    for (const [form, named] of changed) if (!form.isConnected) gone(form, named);
    for (const [box, message] of left) if (!message.isConnected) end(box);
  };
  new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  seen();
}
