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

export interface Clicked extends Awaited {
  readonly notification: Pick<Notification, "close" | "data">;
}

/** A request of a page; without `respondWith` it goes to the server. */
export interface Asked extends Awaited {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

/** An open page of the webmail. */
export interface OpenPage {
  focus(): Promise<unknown>;
  navigate(url: string): Promise<unknown>;
}

export interface Scope {
  readonly registration: Pick<ServiceWorkerRegistration, "scope" | "showNotification"> & {
    readonly pushManager: Pick<PushManager, "subscribe">;
  };
  readonly clients: {
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<readonly OpenPage[]>;
    openWindow(url: string): Promise<unknown>;
  };
}

/** What a worker does at its start. */
export interface Beginning {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}
