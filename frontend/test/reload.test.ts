// WEBMAIL-12: a page is loaded again when the user is at nothing, and its calls have their answers. The document is a fake.

import { Made } from "./fakedom";
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { steadily } from "../lib/steady";
import { reload } from "../lib/reload";

/** A page with one call on its way, whose answer the test gives. */
class Page {
  /** Whether the user is at something. */
  engaged = false;
  loaded = 0;
  readonly toasts = new Made("div");
  answer = () => {};
  readonly call: Promise<unknown>;

  constructor(private readonly context: TestContext) {
    context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const events = new EventTarget();
    Object.assign(globalThis, {
      addEventListener: events.addEventListener.bind(events),
      dispatchEvent: events.dispatchEvent.bind(events),
      localStorage: { getItem: () => null },
      window: globalThis,
    });
    Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
    Object.assign(document, {
      querySelector: (selector: string) => (selector.includes("toasts") ? this.toasts : this.engaged ? {} : null),
      querySelectorAll: () => [],
    });
    const steady = steadily(["label_save"]);
    this.call = steady("label_save", "{}", () => new Promise((resolve) => (this.answer = () => resolve(7))), false);
  }

  /** Ask for a reload, as a newer server does. */
  async outdated(): Promise<void> {
    void reload("A new version is available.", () => void this.loaded++);
    await this.pass(0);
  }

  /** The button of the offer, if there is one. */
  get button(): Made | undefined {
    return this.toasts.all().find((one) => one.name === "button");
  }

  async pass(milliseconds: number): Promise<void> {
    this.context.mock.timers.tick(milliseconds);
    for (let turn = 0; turn < 10; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.context.mock.timers.tick(0);
    }
  }
}

test("a reload waits for the calls on their way", async (context) => {
  const page = new Page(context);
  await page.outdated();
  await page.pass(60_000);
  assert.deepEqual([page.loaded, page.button], [0, undefined]);
  page.answer();
  await page.pass(0);
  assert.equal(page.loaded, 1);
});

test("a call that fails says so before the page is loaded again, and is read first", async (context) => {
  const page = new Page(context);
  // as `attempt` does, some turns after the answer
  void page.call.then(() => Promise.resolve()).then(() => (page.engaged = true));
  await page.outdated();
  page.answer();
  await page.pass(0);
  assert.equal(page.loaded, 0);
  page.button!.click();
  await page.pass(0);
  assert.equal(page.loaded, 1);
});

test("what the user is at isn't taken away: a message offers to load the page again, once", async (context) => {
  const page = new Page(context);
  page.engaged = true;
  page.answer();
  await page.outdated();
  await page.outdated();
  assert.deepEqual([page.loaded, page.toasts.children.length], [0, 1]);
  page.button!.click();
  await page.pass(0);
  assert.equal(page.loaded, 1);
});

test("a call without an end holds up no reload for ever", async (context) => {
  const page = new Page(context);
  await page.outdated();
  await page.pass(90_000);
  assert.equal(page.loaded, 0);
  page.button!.click();
  await page.pass(0);
  assert.equal(page.loaded, 0);
  await page.pass(10_000);
  assert.equal(page.loaded, 1);
});
