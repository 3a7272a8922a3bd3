// Settings of writing and reading are saved as they are changed, and can be taken back (WEBMAIL-105). Pages of the webmail that are
// open hear of it.

import type { Client } from "../gen/account";
import { attempt } from "../lib/dialogs";
import { reload } from "../lib/reload";
import { paint } from "../lib/scheme";
import { toast } from "../lib/toasts";
import { t } from "../lib/words";
import { speak } from "../webmail/state/speech";
import type { Preferences } from "./ui/page";

type Some = Partial<Preferences>;

export class Keeper {
  private last: Promise<unknown> = Promise.resolve();

  /** `again` shows the page anew, with what was taken back. */
  constructor(
    private readonly client: Client,
    private readonly again: () => Promise<void>,
  ) {}

  /** Save these, after what is being saved; whether that was done. `back` shows what was before, if it can. */
  keep(changed: Some, back: () => boolean = () => false): Promise<boolean> {
    const place = location.hash;
    const turn = this.last.then(async () => {
      let before: Some = {};
      const work = async () => {
        before = await this.put(changed);
      };
      const done = await attempt(t("Saving…"), t("Couldn't save settings"), work, back);
      if (done) toast(t("Saved"), { title: t("Undo"), run: () => void this.takeBack(before, back, place) });
      return done;
    });
    this.last = turn;
    return turn;
  }

  private async takeBack(before: Some, back: () => boolean, place: string): Promise<void> {
    if (!(await attempt(t("Saving…"), t("Couldn't save settings"), () => this.put(before)))) return;
    // a page that is drawn again loses what is being typed in it
    if (!back() && location.hash === place) await this.again();
  }

  /** Save these; the others stay as another page may have changed them. Returns those that they replace. */
  private async put(changed: Some): Promise<Some> {
    const settings = (await this.client.preferences()).settings as Preferences;
    await this.client.preferences_save(changed);
    if (changed.color_scheme !== undefined) paint(changed.color_scheme);
    if (changed.language !== undefined && speak(changed.language))
      void reload(t("Reload the page to change the language."));
    return Object.fromEntries(Object.keys(changed).map((name) => [name, settings[name as keyof Preferences]])) as Some;
  }
}
