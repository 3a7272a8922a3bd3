// The implementation of the commands for the list of messages: its focus, selection, search and order.

import type { Lists, Selection } from "./commands/desk";
import type { Find } from "./find";
import type { Mail } from "./state/mail";
import type { MessageList } from "./ui/list";

interface Page {
  readonly mail: Mail;
  readonly find: Find;
  readonly list: MessageList;
}

export function selection(mail: Mail): Omit<Selection, "reading"> {
  return {
    shown: () => mail.choice.shown.value,
    selected: () => mail.choice.selected(),
    selectedCount: () => mail.choice.selectedCount.value,
    aimed: () => mail.choice.aimed.value,
    here: () => mail.current.value?.id ?? 0,
    inRole: (role) => mail.inRole(role),
    inJunk: () => mail.hasJunk(),
    may: (...asked) => mail.may(...asked),
  };
}

export function lists({ mail, find, list }: Page): Lists {
  return {
    moveFocus: (by, how) => mail.choice.moveFocus(by, how),
    toggleFocused: () => mail.choice.toggleFocused(),
    selectAll: () => mail.choice.selectAll(),
    unselect() {
      mail.choice.unselect();
      list.root.focus();
    },
    nextUnread: () => mail.choice.nextUnread(),
    searching() {
      const searching = mail.searching.value;
      return searching === null || find.text.value === "" ? "" : searching.done ? "done" : "running";
    },
    focusSearch() {
      find.bar.input.focus();
      find.bar.input.select();
    },
    stopSearch: () => mail.stopSearch(),
    endSearch: () => find.bar.end(),
    refinement: () => find.refinement.value,
    refine: (to) => find.refine(to),
    toggleUnread: () => find.refine(find.refinement.value === "unread" ? "" : "unread"),
    order: () => find.order.value,
    sort: (order) => find.sort(order),
    threading: () => find.threading.value,
    showThreads: (how) => find.showThreads(how),
    moveThread: (by) => mail.choice.moveThread(by),
    selectThread: () => mail.choice.selectThread(),
    fold: (expand) => mail.fold(expand),
  };
}
