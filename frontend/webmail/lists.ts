// The implementation of the commands for the list of messages: its focus, selection, search and order.

import type { Lists, Selection } from "./commands/desk";
import type { Find } from "./find";
import type { Actions } from "./state/actions";
import type { Mail } from "./state/mail";
import type { MessageList } from "./ui/list";

interface Page {
  readonly mail: Mail;
  readonly find: Find;
  readonly list: MessageList;
  readonly actions: Actions;
}

export function selection(mail: Mail): Omit<Selection, "reading"> {
  return {
    shown: () => mail.shown.value,
    selected: () => mail.selected(),
    selectedCount: () => mail.selectedCount.value,
    inRole: (role) => mail.inRole(role),
    may: (rights, role) => mail.may(rights, role),
  };
}

export function lists({ mail, find, list, actions }: Page): Lists {
  const allMuted = () => mail.selected().every((item) => item.thread_muted);
  return {
    moveFocus(by, how) {
      mail.moveFocus(by, how);
      list.reveal();
    },
    toggleFocused: () => mail.toggleFocused(),
    selectAll: () => mail.selectAll(),
    unselect() {
      mail.unselect();
      list.root.focus();
    },
    nextUnread: () => mail.nextUnread(),
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
    moveThread(by) {
      mail.moveThread(by);
      list.reveal();
    },
    selectThread: () => mail.selectThread(),
    fold: (expand) => mail.fold(expand),
    allMuted,
    toggleMute: () => actions.mute(!allMuted()),
  };
}
