// The command table: what can be done, by which keys, and when. Keys, buttons, menus, the help and the palette all read it;
// there is no second place that knows what a key does.

export interface Command {
  /** Its name in the program, such as "message.archive"; the part before the dot is the group in the help. */
  readonly id: string;
  /** What it is called, a verb first. A function where it depends on what is selected. */
  readonly title: string | (() => string);
  /** Keys as `keyName` writes them: "j", "ctrl a", "shift ArrowDown", "D". */
  readonly keys?: readonly string[];
  /** Whether it can be done now; always, when left out. */
  readonly when?: () => boolean;
  /** Not listed where people look for commands: the moves of the list. */
  readonly quiet?: boolean;
  run(): unknown;
}

export interface Group {
  readonly name: string;
  readonly commands: Command[];
}

/** How a key is written: "ctrl " and "alt " before the key; "shift " only where the key does not show it already. */
export function keyName(event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "metaKey" | "shiftKey">): string {
  // with alt, a Mac types signs of its own: the place of the key counts
  const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : undefined;
  const key = letter === undefined ? (event.key === " " ? "Space" : event.key) : event.shiftKey ? letter : letter.toLowerCase();
  const shift = event.shiftKey && key.length > 1 ? "shift " : "";
  // ⌘ does on a Mac what ctrl does elsewhere
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key}`;
}

/** The title as it reads now. */
export function titleOf(command: Command): string {
  return typeof command.title === "string" ? command.title : command.title();
}

/** The title with the first key, for tooltips. */
export function hintOf(command: Command): string {
  const key = command.keys?.[0];
  return key === undefined ? titleOf(command) : `${titleOf(command)} (${key})`;
}

/** Whether it can be done now. */
export function enabled(command: Command): boolean {
  return command.when?.() ?? true;
}

export class CommandTable {
  /** Whether keys without ctrl or alt that type a sign run commands: speech input and fingers that slip would, too. */
  letters = true;
  private readonly byId = new Map<string, Command>();
  private readonly byKey = new Map<string, Command[]>();
  private readonly groups = new Map<string, Group>();

  /** Add commands to the group of this name. Two may share a key when they are never possible at the same time; the first
   * that is possible runs. */
  add(group: string, commands: readonly Command[]): void {
    const listed = this.groups.get(group) ?? { name: group, commands: [] };
    this.groups.set(group, listed);
    for (const command of commands) {
      if (this.byId.has(command.id)) throw new Error(`two commands are called ${command.id}`);
      this.byId.set(command.id, command);
      listed.commands.push(command);
      for (const key of command.keys ?? []) this.byKey.set(key, [...(this.byKey.get(key) ?? []), command]);
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

  /** Do it, if it can be done now. */
  run(id: string): void {
    const command = this.get(id);
    if (enabled(command)) command.run();
  }

  /** Do what a key stands for; true when there was something to do. `within`: of the commands whose id begins so. */
  key(name: string, within = ""): boolean {
    if (!this.letters && name.length === 1) return false;
    const command = this.byKey.get(name)?.find((one) => one.id.startsWith(within) && enabled(one));
    command?.run();
    return command !== undefined;
  }
}
