// As much of a document as lib/dom.ts needs, for tests without a browser: a tree of elements and texts. Import it first.

interface Leaf {
  readonly data: string;
}

/** An element, or a fragment, whose name is "". */
export class Made {
  readonly children: (Made | Leaf)[] = [];
  readonly attributes = new Map<string, string>();
  readonly dataset: Record<string, string> = {};
  readonly style: Record<string, string> = {};
  private readonly listeners = new Map<string, (() => void)[]>();
  private parent: Made | null = null;

  constructor(readonly name: string) {}

  set className(value: string) {
    this.attributes.set("class", value);
  }

  get textContent(): string {
    return this.children.map((one) => (one instanceof Made ? one.textContent : one.data)).join("");
  }

  set textContent(value: string) {
    this.children.splice(0, this.children.length, { data: value });
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  querySelector(): null {
    return null;
  }

  /** Whether it has this element, such as the focused one. */
  contains(one: unknown): boolean {
    return one instanceof Made && this.all().includes(one);
  }

  append(...found: (Made | Leaf | string)[]): void {
    for (const one of found) {
      if (typeof one === "string") this.children.push({ data: one });
      else if (one instanceof Made && one.name === "") this.append(...one.children.splice(0));
      else {
        if (one instanceof Made) one.parent = this;
        this.children.push(one);
      }
    }
  }

  appendChild(one: Made | Leaf): void {
    this.append(one);
  }

  replaceChildren(...found: (Made | Leaf | string)[]): void {
    this.children.length = 0;
    this.append(...found);
  }

  remove(): void {
    this.parent?.children.splice(this.parent.children.indexOf(this), 1);
  }

  addEventListener(kind: string, act: () => void): void {
    this.listeners.set(kind, [...(this.listeners.get(kind) ?? []), act]);
  }

  /** What a click on it does. */
  click(): void {
    for (const act of this.listeners.get("click") ?? []) act();
  }

  /** All elements below it and itself. */
  all(): Made[] {
    return [this, ...this.children.flatMap((one) => (one instanceof Made ? one.all() : []))];
  }
}

Object.assign(globalThis, {
  document: {
    createElement: (name: string) => new Made(name),
    createElementNS: (_: string, name: string) => new Made(name),
    createTextNode: (data: string): Leaf => ({ data }),
    createDocumentFragment: () => new Made(""),
  },
});

/** An element of the frontend as the test sees it. */
export function made(element: unknown): Made {
  if (!(element instanceof Made)) throw new Error("no element of this document");
  return element;
}
