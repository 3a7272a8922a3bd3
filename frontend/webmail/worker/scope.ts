// The part of a service worker's interface that the handlers use. TypeScript's own types for workers contradict those for pages.

/** An event of a worker. The browser keeps the worker alive until `waitUntil` is done. */
export interface Awaited extends Event {
  waitUntil(done: Promise<unknown>): void;
}

export interface Pushed extends Awaited {
  readonly data: { json(): unknown } | null;
}

/** The browser's push service has ended a subscription; there is a new one if the browser made it. */
export interface SubscriptionChanged extends Awaited {
  readonly newSubscription?: Pick<PushSubscription, "toJSON"> | null;
}

/** A button of a notice; browsers without them show none. */
export interface NoticeAction {
  readonly action: string;
  readonly title: string;
}

/** The texts of a notice; `data` is the id of its message, or the address of the day of an alarm. */
export interface NoticeOptions {
  readonly body: string;
  readonly tag: string;
  readonly data: unknown;
  readonly actions: readonly NoticeAction[];
}

/** A notice was clicked; `action` is "" for a click beside its buttons. */
export interface Clicked extends Awaited {
  readonly action: string;
  readonly notification: NoticeOptions & Pick<Notification, "close" | "title">;
}

/** A request of a page; without `respondWith` it goes to the server. */
export interface Asked extends Awaited {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

/** An open page of the webmail. */
export interface OpenPage {
  readonly url: string;
  focus(): Promise<unknown>;
  navigate(url: string): Promise<unknown>;
}

export interface Scope {
  readonly registration: {
    readonly scope: string;
    readonly pushManager: Pick<PushManager, "subscribe">;
    showNotification(title: string, options: NoticeOptions): Promise<void>;
  };
  readonly clients: {
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<readonly OpenPage[]>;
    openWindow(url: string): Promise<unknown>;
  };
}

/** What a worker does at its start. */
export interface Beginning {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}
