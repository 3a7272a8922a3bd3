// Setting up a device: a one-time link with its QR code, a profile without a password, what programs find by themselves, and
// the settings by hand. And the page that the device itself shows.

import type { DeviceLook, DeviceState } from "../../gen/account";
import { codeOf, messageOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import type { QRCode } from "../../lib/factortypes";
import { atFields, form, line } from "../../lib/fields";
import { smartphone } from "../../lib/icons";
import { button, card, copyable, copyButton, foreign, head } from "../../lib/pages";
import { qrDrawing } from "../../lib/qrcode";
import { notice } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { byHand } from "../ui/program";

/** Milliseconds between two looks at the state of the device. */
const period = 2000;

const kinds = ["iphone", "android", "mac", "thunderbird", "other"] as const;
type Kind = (typeof kinds)[number];
const names: Readonly<Record<Kind, string>> = {
  iphone: t("iPhone or iPad"),
  android: t("Android"),
  mac: t("Mac"),
  thunderbird: t("Thunderbird"),
  other: t("Another app"),
};

const device: MakePage = async (desk) => {
  const kind: Kind = kinds.find((one) => one === desk.path[0]) ?? "iphone";
  const { program, app_passwords_required: separate } = await desk.client.overview();
  const [before, after] = t("Use an app password. You can create one in {place}.").split("{place}");
  const linked = kind === "iphone" || kind === "android" || kind === "mac";
  const root = el(
    "div",
    { class: "page" },
    head(t("Set up a device"), ""),
    el(
      "nav",
      { class: "pick", "aria-label": t("Device type") },
      kinds.map((one) =>
        el(
          "a",
          { class: "btn line", href: `#device/${one}`, "aria-current": one === kind ? "page" : undefined },
          names[one],
        ),
      ),
    ),
    linked && link(desk, kind),
    kind === "thunderbird" &&
      card(t("Thunderbird"), [
        el(
          "p",
          {},
          t(
            "Choose “New account”, then “Email”, and enter your name and address. Thunderbird finds the servers automatically.",
          ),
        ),
        el("p", { class: "gap" }, copyable(program.username)),
        el("p", { class: "hint gap" }, before ?? "", el("a", { href: "#security" }, t("Security")), after ?? ""),
      ]),
    card(t("Manual setup"), byHand(program), {
      hint: [
        separate && t("Use a separate app password for each mail app."),
        " ",
        kind === "other" && t("Apps that support autoconfig or autodiscover only need your address."),
      ],
    }),
    (kind === "iphone" || kind === "mac") &&
      card(
        t("Setup profile (no password)"),
        el(
          "p",
          {},
          el(
            "a",
            {
              class: "btn line",
              href: `/profile.mobileconfig?addresses=${encodeURIComponent(program.username)}`,
              download: "",
            },
            t("Download profile"),
          ),
        ),
        { hint: t("When asked for a password, enter an app password.") },
      ),
  );
  return { title: t("Set up a device"), root };
};

/** The way by a link: its name, then code and question. */
function link(desk: Desk, kind: Kind): HTMLElement {
  const place = el("div", {});
  const name = line(
    t("Device name"),
    kind === "mac" ? t("Mac") : t("Phone"),
    t("This creates an app password with this name. You can revoke it under Security."),
    { maxlength: "64" },
  );
  const ask = form(name.root, t("Show code"), async () => {
    try {
      const made = await desk.client.device_start(name.control.value);
      fill(
        place,
        steps(kind, made.url, made.qr),
        follow(desk, () => fill(place, ask.root)),
      );
    } catch (error) {
      atFields(error, { name });
    }
  });
  fill(place, ask.root);
  return card(names[kind], place);
}

function steps(kind: Kind, url: string, code: QRCode): HTMLElement {
  const left = el("p", { class: "hint" }, t("Works once and expires in 10 minutes"));
  const third =
    kind === "android"
      ? [
          el("b", {}, t("Enter the address and password in your mail app")),
          el("p", { class: "hint" }, t("Thunderbird for Android finds the servers automatically.")),
        ]
      : [
          el("b", {}, t("Install the profile in Settings, under “Profile downloaded”")),
          el("p", { class: "hint" }, t("The profile includes your server settings, email address, and password.")),
        ];
  return el(
    "div",
    { class: "qr-row" },
    el("div", {}, el("div", { class: "qr" }, qrDrawing(code, t("QR code for the link"))), left),
    el(
      "ol",
      { class: "steps grow" },
      el(
        "li",
        {},
        el(
          "div",
          {},
          el("b", {}, t("Scan this code with your device's camera")),
          el("p", { class: "hint" }, t("Or open this link on your device:")),
          copyable(url),
        ),
      ),
      el(
        "li",
        {},
        el(
          "div",
          {},
          el("b", {}, t("Tap “Set up mail” on your device")),
          el("p", { class: "hint" }, t("Then confirm here. No one else can use this code.")),
        ),
      ),
      el("li", {}, el("div", {}, third)),
    ),
  );
}

/** The question about the device, once it asks. */
function follow(desk: Desk, again: () => void): HTMLElement {
  const place = el("div", { class: "gap", role: "status" });
  let before = "";
  const show = (found: DeviceState) => {
    if (found.state === before) return;
    before = found.state;
    const anew = button(t("New code"), again);
    if (found.state === "waiting") fill(place, notice("wait", t("Waiting for the device…")));
    else if (found.state === "asking")
      fill(
        place,
        notice(
          "warn",
          [
            el("b", {}, t("A device at {ip} wants to connect. Is it yours?", { ip: found.remote_ip })),
            el("br"),
            foreign(found.user_agent, 120),
          ],
          button(t("No"), () => void answer(false)),
          button(t("Set up"), () => void answer(true), { kind: "primary" }),
        ),
      );
    else if (found.state === "issuing") fill(place, notice("wait", t("Creating device password…")));
    else if (found.state === "ready") fill(place, notice("ok", t("Password sent. Continue on your device."), anew));
    else if (found.state === "refused")
      fill(place, notice("off", t("Device rejected. It can't access your account."), anew));
    else fill(place, notice("off", t("This code has expired."), anew));
  };
  const answer = async (yes: boolean) => {
    before = "";
    if (
      await attempt(
        yes ? t("Setting up device…") : t("Saving…"),
        yes ? t("Couldn't set up device") : t("Couldn't reject device"),
        () => desk.client.device_answer(yes),
      )
    )
      await look();
  };
  const look = async () => {
    try {
      show(await desk.client.device_state());
    } catch (error) {
      // without an answer, the next look may have one
      if (codeOf(error) !== "") throw error;
    }
  };
  const timer = setInterval(() => void look(), period);
  desk.onLeave(() => clearInterval(timer));
  void look();
  return place;
}

/** The page on the device. The link is used up by the button alone. */
const setup: MakePage = async (desk) => {
  const secret = desk.path[0] ?? "";
  const place = el("div", {});
  const begin = button(
    t("Set up mail"),
    async () => {
      begin.disabled = true;
      try {
        const claim = await desk.client.device_open(secret);
        // a reload must not try to use the link again
        history.replaceState(null, "", desk.base);
        wait(desk, claim, place);
      } catch (error) {
        fill(place, notice("danger", `${messageOf(error)}.`));
      }
    },
    { kind: "primary", icon: smartphone },
  );
  fill(
    place,
    el("p", { class: "gap" }, t("Set up mail on this device, then confirm on the page where you saw the code.")),
    el("p", { class: "gap" }, begin),
  );
  const root = el("div", { class: "page narrow" }, head(t("Set up mail on this device"), ""), place);
  return { title: t("Set up mail"), root };
};

function wait(desk: Desk, claim: string, place: HTMLElement): void {
  fill(place, notice("wait", t("Now confirm on the page where you saw the code.")));
  const timer = setInterval(async () => {
    let found: DeviceLook;
    try {
      found = await desk.client.device_look(claim);
    } catch (error) {
      if (codeOf(error) === "") return;
      clearInterval(timer);
      fill(place, notice("danger", `${messageOf(error)}.`));
      return;
    }
    if (found.state === "refused") {
      clearInterval(timer);
      fill(place, notice("danger", t("This device was rejected on your account page.")));
    } else if (found.state === "ready") {
      clearInterval(timer);
      fill(place, ready(desk, claim, found));
    }
  }, period);
}

function ready(desk: Desk, claim: string, { program, password, davx5 }: DeviceLook): Child {
  const profile = el(
    "form",
    { method: "post", action: `${desk.base}device/profile` },
    el("input", { type: "hidden", name: "claim", value: claim }),
    el("button", { class: "btn primary" }, t("Download profile")),
  );
  return [
    card(t("iPhone, iPad, Mac"), [
      el(
        "p",
        { class: "two" },
        t(
          "Download the profile, then install it in Settings under “Profile downloaded”. Your servers, address, and password are included.",
        ),
      ),
      el("div", { class: "gap" }, profile),
    ]),
    card(t("Android and others"), [
      el("p", { class: "two" }, t("Enter both in your mail app. Thunderbird finds the servers automatically.")),
      el("div", { class: "gap" }, el("b", {}, t("Address")), el("div", {}, copyable(program.username))),
      el(
        "div",
        { class: "gap" },
        el("b", {}, t("Password")),
        el(
          "div",
          { class: "secret" },
          el("code", {}, password),
          copyButton(() => password),
        ),
      ),
      davx5 !== "" &&
        el(
          "p",
          { class: "gap" },
          el("a", { class: "btn line", href: davx5 }, t("Open calendars and contacts in DAVx5")),
        ),
      el("details", { class: "gap" }, el("summary", {}, t("Servers")), byHand(program)),
    ]),
  ];
}

export const pages: Readonly<Record<string, MakePage>> = { device, setup };
