// The command table: each command with its keys and the condition for it. Keys, buttons, menus, the help and the palette all read
// it; no other place defines what a key does.

/** Signs of keys, the same in each language. */
const arrows: Readonly<Record<string, string>> = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };

/** Milliseconds that the second key of a sequence may come after the first. */
const sequence = 1500;

export interface Command {
  /** Id of the command, such as "message.archive"; the part before the dot is its group in the help. */
  readonly id: string;
  /** Title, beginning with a verb; a function if it depends on the selection. */
  readonly title: string | (() => string);
  /** Keys as `keyName` writes them: "j", "ctrl a", "shift ArrowDown", "D", one after the other "g i". The table puts those there that the user chose. */
  keys?: readonly string[];
  /** Whether the command is possible now; always, if missing. */
  readonly when?: () => boolean;
  /** For one of several choices: whether it is the one that holds. Menus mark it. */
  readonly checked?: () => boolean;
  /** Words for the end of a menu's line, in short and in full; they may come late. */
  readonly beside?: () => Promise<readonly [short: string, words: string]>;
  /** Not listed in the palette and the help: the movements in the list. */
  readonly quiet?: boolean;
  run(): unknown;
}

export interface Group {
  readonly name: string;
  readonly commands: Command[];
}

/** The name of a key: "ctrl " and "alt " before the key; "shift " only if the key itself does not show it. */
export function keyName(
  event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "metaKey" | "shiftKey">,
): string {
  // with alt, a Mac types special characters: use the physical key
  const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : undefined;
  const key =
    letter === undefined ? (event.key === " " ? "Space" : event.key) : event.shiftKey ? letter : letter.toLowerCase();
  const shift = event.shiftKey && key.length > 1 ? "shift " : "";
  // ⌘ on a Mac is ctrl elsewhere
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key}`;
}

/** Whether a key stays with its commands: one with ctrl, or with a name, such as Enter or an arrow. */
export const isFixed = (key: string): boolean => /^ctrl|\w\w$/.test(key);

/** The title at this moment. */
export function titleOf(command: Command): string {
  return typeof command.title === "string" ? command.title : command.title();
}

/** A key, written as `keyName` does, in the words of the reader's keyboard: "Strg Umschalt F" for "ctrl F" in German. */
export function keyText(key: string): string {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(
    /[a-z]{2,}/gi,
    (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name,
  );
}

/** A title with a key, if there is one, for tooltips. */
export function withKey(title: string, key: string | undefined): string {
  return key === undefined ? title : `${title} (${keyText(key)})`;
}

/** The title with the first key, for tooltips. */
export function hintOf(command: Command): string {
  return withKey(titleOf(command), command.keys?.[0]);
}

/** Whether the command is possible now. */
export function enabled(command: Command): boolean {
  return command.when?.() ?? true;
}

export class CommandTable {
  /** Whether single character keys without ctrl or alt run commands. Speech input and accidental key presses would run them,
   * too. */
  letters = true;
  /** Ids of the commands that hold in the place that is shown; null for all. */
  only: RegExp | null = null;
  private readonly byId = new Map<string, Command>();
  /** The keys of a command before the user chose another. */
  readonly usual = new Map<Command, readonly string[]>();
  private chosen: Readonly<Record<string, string>> = {};
  private readonly byKey = new Map<string, Command[]>();
  private readonly groups = new Map<string, Group>();
  /** The first key of a sequence such as "g i", until the second comes. */
  private begun = "";
  private ending = 0;
  /** While commands are being fetched: the first letter that had none, and all letters after it. */
  private early: KeyboardEvent[] | null = null;

  /** Add commands to the group of this name. Two commands may share a key if they are never possible at the same time; the first
   * possible one runs. */
  add(group: string, commands: readonly Command[]): void {
    const listed = this.groups.get(group) ?? { name: group, commands: [] };
    this.groups.set(group, listed);
    for (const command of commands) {
      if (this.byId.has(command.id)) throw new Error(`two commands are called ${command.id}`);
      this.byId.set(command.id, command);
      listed.commands.push(command);
      this.usual.set(command, command.keys ?? []);
    }
    this.remap(this.chosen);
  }

  /** Give commands the keys that the user chose, by id; "" for none. Their fixed keys stay. Ids without a command are ignored. A
   * chosen key comes before the same key of a command for which none was chosen, one that is possible at times before one that is always. */
  remap(chosen: Readonly<Record<string, string>>): void {
    this.chosen = chosen;
    this.byKey.clear();
    const mine = ({ id, when }: Command) => Number(id in chosen) * 2 + Number(when !== undefined);
    for (const command of [...this.byId.values()].sort((a, b) => mine(b) - mine(a))) {
      const usual = this.usual.get(command)!;
      const own = chosen[command.id];
      command.keys = own === undefined ? usual : [own, ...usual.filter(isFixed)].filter(Boolean);
      for (const key of command.keys) this.byKey.set(key, [...(this.byKey.get(key) ?? []), command]);
    }
  }

  /** Whether there is such a command. */
  has(id: string): boolean {
    return this.byId.has(id);
  }

  /** The command of this id. */
  get(id: string): Command {
    const found = this.byId.get(id);
    if (found === undefined) throw new Error(`no command ${id}`);
    return found;
  }

  /** All commands in their groups, in the order in which they were added. */
  all(): Group[] {
    return [...this.groups.values()];
  }

  /** Whether the command is possible now, in the place that is shown. */
  holds(command: Command): boolean {
    return this.only?.test(command.id) !== false && enabled(command);
  }

  /** Run a command, if it is possible now. */
  run(id: string): void {
    const command = this.get(id);
    if (enabled(command)) command.run();
  }

  /** More commands come with `work`. Letters that have none until then are pressed again afterwards, if still `wanted`. */
  async coming(work: Promise<unknown>, wanted: () => boolean): Promise<void> {
    const early: KeyboardEvent[] = [];
    this.early = early;
    await work.catch(() => null);
    if (this.early === early) this.early = null;
    if (wanted()) for (const event of early) document.dispatchEvent(new KeyboardEvent("keydown", event));
  }

  /** Run the command of a pressed key, or keep a letter until its command may have come; whether either was done. */
  press(event: KeyboardEvent): boolean {
    const name = keyName(event);
    const early = name.length === 1 ? this.early : null;
    return (!early?.length && this.key(name)) || Boolean(early?.push(event));
  }

  /** Run the command of a key; true if there was one. `within` limits it to commands whose id has this prefix. The first key of
   * a sequence waits for the second, which then runs nothing else. */
  key(name: string, within = ""): boolean {
    if (!this.letters && name.length === 1) return false;
    const before = this.begun;
    this.begun = "";
    clearTimeout(this.ending);
    const command = this.byKey.get(before + name)?.find((one) => one.id.startsWith(within) && this.holds(one));
    if (
      command === undefined &&
      before === "" &&
      within === "" &&
      [...this.byKey.keys()].some((one) => one.startsWith(`${name} `) && name.length === 1)
    ) {
      this.begun = `${name} `;
      this.ending = setTimeout(() => (this.begun = ""), sequence);
      return true;
    }
    command?.run();
    return command !== undefined || before !== "";
  }
}
