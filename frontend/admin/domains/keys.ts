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
    const selector = line(t("Selector"), free, t("Its name in DNS: SELECTOR._domainkey.{domain}", { domain: name }));
    const algorithm = choice(
      t("Algorithm"),
      [
        ["rsa", t("RSA, 2048 bits: every receiver knows it")],
        ["ed25519", t("Ed25519: short; not every receiver knows it")],
      ],
      "rsa",
    );
    const done = await fieldDialog(
      t("Make a DKIM key"),
      t("Make key"),
      { selector, algorithm },
      () =>
        desk.client
          .selector_add(name, selector.control.value, algorithm.control.value === "rsa" ? "rsa" : "ed25519")
          .then(() => true),
      el("p", { class: "hint" }, t("It signs nothing until you choose it; set its record first.")),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (row: SelectorRow) => {
    if (
      !(await confirm(
        t("Remove the key {selector}?", { selector: row.selector }),
        t(
          "Its file is put aside in dkim/old. Signatures of mail that is under way can no longer be checked once you remove its record from DNS.",
        ),
        t("Remove"),
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
    t("Shortcuts"),
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
            ? [state("danger", t("cannot be read")), " ", foreign(row.problem)]
            : row.algorithm === "rsa"
              ? t("RSA, {bits} bits", { bits: row.bits })
              : t("Ed25519"),
      },
      { title: t("Signs"), cell: (row) => (row.signs ? state("ok", t("signs")) : state("off", t("waits"))) },
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
        cell: (row) => iconButton(t("Remove {selector}", { selector: row.selector }), trash2, () => void remove(row)),
      },
    ],
    found.selectors,
  );
  const signing = await settingsForm(desk, ["domains", name, "dkim"]);
  return [
    card(
      t("DKIM keys"),
      found.selectors.length === 0
        ? el("p", { class: "hint" }, t("None: mail of this domain is not signed, and many receivers refuse it."))
        : list,
      { flush: true, actions: button(t("Create key"), () => void add(), { icon: plus, kind: "line small" }) },
    ),
    card(t("What signs"), signing),
  ];
}
