// A domain's keys for DKIM.

import type { DomainDetail, SelectorRow } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { plus, trash2 } from "../../lib/icons";
import { button, card, copyButton, foreign, iconButton, table } from "../../lib/pages";
import { state } from "../../lib/states";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { fieldDialog, settingsForm } from "../ui/shared";

export async function keys(desk: Desk, found: DomainDetail): Promise<Child> {
  const name = found.row.domain;
  const add = async () => {
    const year = new Date().getFullYear();
    const used = new Set(found.selectors.map((one) => one.selector));
    const free =
      [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `${year}${letter}`).find((one) => !used.has(one)) ?? "";
    const selector = line(t("Selector"), free, t("DNS name: SELECTOR._domainkey.{domain}", { domain: name }));
    const algorithm = choice(
      t("Algorithm"),
      [
        ["rsa", t("RSA, {bits} bits", { bits: 2048 })],
        ["ed25519", t("Ed25519")],
      ],
      "rsa",
      t("Not all receivers support Ed25519."),
    );
    const done = await fieldDialog(
      t("Create DKIM key"),
      t("Create key"),
      { selector, algorithm },
      () =>
        desk.client
          .selector_add(name, selector.control.value, algorithm.control.value === "rsa" ? "rsa" : "ed25519")
          .then(() => true),
      el("p", { class: "hint" }, t("First add the DNS record. Then choose this key to sign mail.")),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (row: SelectorRow) => {
    if (
      !(await confirm(
        t("Delete key {selector}?", { selector: row.selector }),
        t(
          "The key file will be moved to dkim/old. If you remove the DNS record, receivers can't verify mail that's still being delivered.",
        ),
        t("Delete"),
      ))
    )
      return;
    if (
      await attempt(t("Deleting…"), t("Couldn't delete DKIM key"), () =>
        desk.client.selector_remove(name, row.selector),
      )
    )
      await desk.refresh();
  };
  const list = table<SelectorRow>(
    t("DKIM keys"),
    [
      {
        title: t("Selector"),
        kind: "main",
        cell: (row) =>
          el(
            "a",
            { href: addressOf("domains", [name, "keys", row.selector], { tab: "keys" }) },
            el("b", {}, row.selector),
          ),
      },
      {
        title: t("Algorithm"),
        cell: (row) =>
          row.problem !== ""
            ? [state("danger", t("unreadable")), " ", foreign(row.problem)]
            : row.algorithm === "rsa"
              ? t("RSA, {bits} bits", { bits: row.bits })
              : t("Ed25519"),
      },
      { title: t("Status"), cell: (row) => (row.signs ? state("ok", t("signing")) : state("off", t("inactive"))) },
      {
        title: t("Record"),
        cell: (row) =>
          row.record !== "" &&
          el(
            "span",
            { class: "flex" },
            foreign(row.record, 40),
            copyButton(() => row.record),
          ),
      },
      {
        title: "",
        kind: "top",
        cell: (row) => iconButton(t("Delete {selector}", { selector: row.selector }), trash2, () => void remove(row)),
      },
    ],
    found.selectors,
  );
  const signing = await settingsForm(desk, ["domains", name, "dkim"]);
  return [
    card(
      t("DKIM keys"),
      found.selectors.length === 0
        ? el(
            "p",
            { class: "hint" },
            t("No DKIM keys. Mail from this domain isn't signed, and many receivers will reject it."),
          )
        : list,
      { flush: true, actions: button(t("Create key"), () => void add(), { icon: plus, kind: "line small" }) },
    ),
    card(t("Signing settings"), signing),
  ];
}
