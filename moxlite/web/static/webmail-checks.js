var checks = {
  LoginResult: { csrf_token: "string", login_address: "string", second_step: ["nullable", ["ref", "SecondStep"]], device: "boolean" },
  SecondStep: { token: "string", apps: ["list", "string"], keys: ["list", "string"], keys_elsewhere: ["list", ["ref", "KeyElsewhere"]], key_request: "string", codes: "boolean", server_time: "integer" },
  KeyElsewhere: { name: "string", host: "string" },
  Answer: { state: "string", code: "string", iss: "string", error: "string" },
  NoticeState: { public_key: "string", devices: ["list", ["ref", "NoticeDevice"]], choice: ["ref", "NoticeChoice"] },
  NoticeDevice: { id: "integer", name: "string", host: "string", created: "time", used: ["nullable", "time"], failures: "integer", error: "string" },
  NoticeChoice: { known: "boolean", quiet_from: "integer", quiet_until: "integer", zone: "string", alarms: ["optional", ["enum", ["all", "none", "notices"]]] },
  ShownTemplate: { id: "integer", name: "string", subject: "string", text: "string", html: "string", mark: "string" },
  TemplateChange: { id: "integer", name: ["optional", "string"], subject: ["optional", "string"], text: ["optional", "string"], html: ["optional", "string"] },
  Invitation: { method: "string", title: "string", start: ["nullable", ["ref", "When"]], end: ["nullable", ["ref", "When"]], place: "string", description: "string", organizer: ["nullable", ["ref", "Guest"]], people: ["list", ["ref", "Guest"]], more: "integer", repeats: ["nullable", ["ref", "Repeats"]], one_of_many: "boolean", others: "integer", state: ["enum", ["", "cancelled", "old", "stranger"]], sent_by: "string", newer: "integer", me: "string", answer: "string", answered_old: "boolean", event_id: "integer", join: "string", before: ["nullable", ["ref", "Earlier"]], proposal: ["nullable", ["ref", "Proposal"]], left_out: ["list", ["enum", ["end", "excluded", "guests", "rule", "zone"]]], act: ["enum", ["", "add", "remove", "update"]] },
  When: { local: "string", utc: ["nullable", "integer"], zone: "string" },
  Guest: { name: "string", address: "string", answer: "string" },
  Repeats: { frequency: "string", interval: "integer", count: "integer", until: "string", days: ["list", "string"], month_days: ["list", "integer"], months: ["list", "integer"] },
  Earlier: { title: "string", start: ["nullable", ["ref", "When"]], end: ["nullable", ["ref", "When"]], place: "string" },
  Proposal: { by: ["ref", "Guest"], start: ["ref", "When"], end: ["ref", "When"], state: ["enum", ["", "accepted", "changed"]] },
  AppliedInvitation: { event_id: "integer", added: "integer", known: "integer", removed: ["nullable", ["ref", "UndoStep"]] },
  UndoStep: { calendar_id: "integer", name: "string", data: "string", changed: "integer", quiet: ["optional", "boolean"], owed: ["optional", "integer"] },
  DeletedEntry: { id: "integer", title: "string", place: "string", starts: ["nullable", "integer"], deleted: "integer" },
  BusyPerson: { address: "string", name: "string", known: "boolean", times: ["list", ["ref", "BusyTime"]] },
  BusyTime: { starts: "integer", ends: "integer", whole_days: "boolean", tentative: "boolean", title: "string" },
  Events: { events: ["list", ["ref", "EventItem"]], more: "boolean" },
  EventItem: { id: "integer", calendar_id: "integer", recurrence: "string", starts: "integer", ends: "integer", clock: ["enum", ["date", "local", "utc"]], title: "string", place: "string", free: "boolean", repeats: "boolean", guests: "integer", answer: ["enum", ["", "ask", "maybe", "no", "yes"]], cancelled: "boolean", private: "boolean", join: "string", colour: "string" },
  FoundEvents: { events: ["list", ["ref", "FoundEvent"]], more: "boolean" },
  FoundEvent: { event: ["ref", "EventItem"], excerpt: "string" },
  Event: { id: "integer", calendar_id: "integer", recurrence: "string", changed: "integer", repeats: "boolean", form: ["ref", "EventForm"], organizer: ["nullable", ["ref", "EventGuest"]], own: "boolean", guests: ["list", ["ref", "EventGuest"]], answer: ["enum", ["", "ask", "maybe", "no", "yes"]], exceptions: "integer", join: "string" },
  EventForm: { title: "string", place: "string", notes: "string", all_day: "boolean", start: "string", end: "string", zone: "string", rule: "string", alarms: ["list", "integer"], free: "boolean", guests: ["list", ["ref", "Party"]], mails: ["optional", ["list", "integer"]], link: ["optional", "string"], colour: ["optional", "string"] },
  Party: { name: "string", address: "string" },
  EventGuest: { name: "string", address: "string", answer: "string", undelivered: "boolean" },
  ChangedEvent: { id: "integer", told: "integer", undo: ["list", ["ref", "UndoStep"]] },
  UndoneEvent: { id: "integer", told: "integer" },
  Calendar: { id: "integer", name: "string", colour: "string", hidden: "boolean", events: "integer", path: "string", writable: "boolean", source: "string", read: "integer", problem: ["ref", "Remark"], left: ["ref", "Remark"], owner: "string", invites: "boolean", access: ["enum", ["busy", "details", "nothing", "usual"]], usual: ["enum", ["busy", "details", "nothing"]], second_zone: "string" },
  Remark: { message: "string", words: "any" },
  CalendarView: { colour: ["optional", "string"], hidden: ["optional", "boolean"] },
  CalendarChange: { colour: ["optional", "string"], hidden: ["optional", "boolean"], name: ["optional", "string"], access: ["optional", ["enum", ["busy", "details", "nothing", "usual"]]], second_zone: ["optional", "string"] },
  CollectionGuest: { account: "string", name: "string", writable: "boolean" },
  Birthdays: { shown: "boolean", people: ["list", ["ref", "Birthday"]] },
  Birthday: { id: "integer", name: "string", address: "string", date: "string" },
  AddressBook: { id: "integer", name: "string", path: "string", contacts: "integer", owner: "string", writable: "boolean", guests: "integer" },
  Contacts: { contacts: ["list", ["ref", "ContactItem"]], more: "boolean", total: "integer", letters: ["list", "string"] },
  ContactItem: { id: "integer", name: "string", emails: ["list", "string"], organization: "string", book_id: "integer", photo: "string", starred: "boolean" },
  ContactCard: { id: "integer", changed: "integer", form: ["ref", "ContactForm"], further: ["list", ["ref", "ContactFact"]], book_id: "integer", photo: "string", starred: "boolean" },
  ContactForm: { name: "string", emails: ["list", ["ref", "ContactEntry"]], phones: ["list", ["ref", "ContactEntry"]], organization: "string", note: "string", groups: ["list", "string"], details: ["optional", ["nullable", ["ref", "ContactDetails"]]] },
  ContactEntry: { value: "string", kind: "string" },
  ContactDetails: { nickname: "string", title: "string", department: "string", birthday: "string", addresses: ["list", ["ref", "ContactAddress"]], websites: ["list", ["ref", "ContactEntry"]] },
  ContactAddress: { kind: "string", street: "string", extended: "string", box: "string", city: "string", region: "string", code: "string", country: "string" },
  ContactFact: { topic: ["enum", ["anniversary", "birthday", "birthplace", "calendar", "chat", "contact", "date", "death", "deathplace", "directory", "expertise", "gender", "group", "hobby", "interest", "key", "language", "location", "logo", "member", "nickname", "other", "photo", "profile", "pronouns", "pronunciation", "related", "role", "sound", "title", "website", "zone"]], label: "string", value: "string" },
  Doubles: { groups: ["list", ["ref", "DoubleGroup"]], total: "integer" },
  DoubleGroup: { reason: ["enum", ["address", "phone"]], contacts: ["list", ["ref", "ContactItem"]], changed: "integer" },
  ContactGroup: { name: "string", contacts: "integer" },
  GroupCard: { book_id: "integer", card: "string" },
  AlarmItem: { id: "integer", event_id: "integer", title: "string", place: "string", starts: ["nullable", "integer"], day: "string" },
  EventNews: { event_id: "integer", said: ["enum", ["answered", "canceled", "changed", "invited", "moved"]], who: "string", title: "string", place: "string", at: ["nullable", ["ref", "EventTime"]], before: ["nullable", ["ref", "EventTime"]], answer: ["enum", ["", "ask", "maybe", "no", "yes"]], repeats: "boolean" },
  EventTime: { starts: "integer", clock: ["enum", ["date", "local", "utc"]] },
  FileImported: { added: "integer", known: "integer", unread: "integer", dropped: "integer", problems: ["list", ["ref", "Remark"]] },
  FileState: { done: "integer", about: "integer" },
  Newsletters: { senders: ["list", ["ref", "Newsletter"]], total: "integer" },
  Newsletter: { id: "integer", name: "string", address: "string", messages: "integer", size: "integer", newest: "integer", received: "time", read: ["nullable", "time"], unsubscribe: ["nullable", ["ref", "Unsubscribe"]] },
  ArchivePlace: { received: "integer", id: "integer" },
  NewsletterArchived: { ids: ["list", "integer"], mailbox_ids: ["list", "integer"], unread: ["list", "integer"], after: ["nullable", ["ref", "ArchivePlace"]] },
  Waiting: { kind: ["enum", ["answer", "back", "sent"]], due: "time", item: ["ref", "MessageItem"], origin: "string", writer: "string" },
  SortingNotices: { away: "boolean", away_until: ["nullable", "time"], failure: ["nullable", ["ref", "SortingFailure"]], stopped: ["list", "string"] },
  SortingFailure: { moment: "time", script: "string", line: "integer", text: ["ref", "Remark"], count: "integer" },
  MessageDetails: { arrival: ["nullable", ["ref", "Arrival"]], reason: "string", why: ["list", "string"] },
  Arrival: { remote_ip: "string", ehlo: "string", mail_from: "string", mail_from_ok: "boolean", rcpt_to: "string", signed_by: ["list", "string"], tls: "string" },
  Suggestion: { recipient: "string", list_id: "string", msg_from: "string", remove: "boolean", mailbox: "string" },
  SomeSettings: { compose_format: ["optional", ["enum", ["html", "text"]]], quoting: ["optional", ["enum", ["auto", "bottom", "top"]]], show_address_security: ["optional", "boolean"], show_html: ["optional", "boolean"], no_show_shortcuts: ["optional", "boolean"], show_headers: ["optional", ["list", "string"]], color_scheme: ["optional", ["enum", ["auto", "dark", "light"]]], language: ["optional", ["enum", ["", "ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"]]], density: ["optional", ["enum", ["comfortable", "compact"]]], single_keys: ["optional", "boolean"], keymap: ["optional", ["map", "string"]], undo_send_seconds: ["optional", "integer"], mark_seen_ms: ["optional", "integer"], after_action: ["optional", ["enum", ["list", "next", "previous"]]], open_on_move: ["optional", "boolean"], invitation_mails: ["optional", "boolean"], searches: ["optional", ["list", ["ref", "SavedSearch"]]], unsubscribed: ["optional", ["list", ["ref", "Unsubscribed"]]], labels: ["optional", ["list", ["ref", "Label"]]], signature: ["optional", "string"], signature_html: ["optional", "string"], signatures: ["optional", ["list", ["ref", "OwnSignature"]]] },
  Outbox: { waiting: ["list", ["ref", "Departing"]], more: "boolean", ended: ["list", ["ref", "Departed"]] },
  Departing: { id: "integer", recipient: "string", subject: "string", attempts: "integer", next_attempt: ["nullable", "time"], error: "string", code: "integer", stopped: "boolean" },
  Departed: { recipient: "string", state: ["enum", ["canceled", "delivered", "failed", "relayed"]], ended: "time" },
  DeliveryReport: { recipients: ["list", ["ref", "Delivery"]], seen: "string" },
  Delivery: { id: "integer", recipient: "string", state: ["enum", ["canceled", "delivered", "failed", "held", "queued", "relayed", "trying"]], attempts: "integer", ended: ["nullable", "time"], last_attempt: ["nullable", "time"], next_attempt: ["nullable", "time"], last_planned: ["nullable", "time"], error: "string", advice: ["ref", "Remark"], reply: "string", host: "string", tls: "string" },
  Mark: { received: "time", id: "integer" },
  FileList: { messages: ["list", ["ref", "MessageItem"]], mailboxes: ["list", ["ref", "MailboxName"]], after: ["nullable", ["ref", "Mark"]] },
  MailboxName: { id: "integer", name: "string" },
  Begun: { from: ["ref", "Party"], to: ["list", ["ref", "Party"]], cc: ["list", ["ref", "Party"]], bcc: ["list", ["ref", "Party"]], reply_to: ["list", ["ref", "Party"]], subject: "string", text: "string", html: "string", original: "string", message_id: "string", in_reply_to: "string", references: ["list", "string"], uploads: ["list", ["ref", "Uploaded"]], notes: ["list", ["ref", "Remark"]], ask_read: "boolean", ask_delivered: "boolean", tls: ["enum", ["default", "insecure", "require"]], name: "string", senders: ["list", ["ref", "Sender"]] },
  Uploaded: { upload_id: "string", filename: "string", content_type: "string", size: "integer" },
  Sender: { owner: "string", name: "string", address: "string", on_behalf: "boolean" },
  Written: { from: ["ref", "Party"], to: ["list", ["ref", "Party"]], cc: ["list", ["ref", "Party"]], bcc: ["list", ["ref", "Party"]], reply_to: ["list", ["ref", "Party"]], subject: "string", text: "string", uploads: ["list", "string"], message_id: "string", in_reply_to: "string", references: ["list", "string"], html: ["optional", "string"], original: ["optional", "string"], tls: ["optional", ["enum", ["default", "insecure", "require"]]], original_id: ["optional", "integer"], original_flag: ["optional", ["enum", ["", "answered", "forwarded"]]], ask_read: ["optional", "boolean"], ask_delivered: ["optional", "boolean"] },
  Suggestions: { parties: ["list", ["ref", "Party"]], complete: "boolean", groups: ["list", "string"] },
  Security: { starttls: ["enum", ["", "error", "no", "yes"]], requiretls: ["enum", ["", "error", "no", "yes"]], mtasts: ["enum", ["", "error", "no", "yes"]], dnssec: ["enum", ["", "error", "no", "yes"]], dane: ["enum", ["", "error", "no", "yes"]] },
  QueryAction: { query: ["ref", "Query"], ranges: ["optional", ["list", ["ref", "Range"]]], except_ids: ["optional", ["list", "integer"]], modseq: "integer", action: ["enum", ["delete", "flags_add", "flags_clear", "move"]], mailbox_id: ["optional", "integer"], targets: ["optional", ["list", ["ref", "Target"]]], mark_seen: ["optional", "boolean"], flags: ["optional", ["list", "string"]], after: ["optional", ["nullable", ["ref", "Mark"]]] },
  Range: { first: ["ref", "Mark"], last: ["ref", "Mark"] },
  Target: { from_id: "integer", mailbox_id: "integer" },
  QueryDone: { message_ids: ["list", "integer"], mailbox_ids: ["list", "integer"], unseen_ids: ["list", "integer"], after: ["nullable", ["ref", "Mark"]] },
  VacationChange: { enabled: ["optional", "boolean"], start: ["optional", "integer"], end: ["optional", "integer"], subject: ["optional", "string"], text: ["optional", "string"], html: ["optional", "string"], known_only: ["optional", "boolean"], addresses: ["optional", ["list", "string"]] },
  Leaving: { id: "string", due: "integer", sender: "string", recipients: ["list", "string"], subject: "string", message_id: "integer", writer: "string" },
  GivenAddress: { id: "integer", address: "string", state: ["enum", ["expired", "off", "on"]], site: "string", note: "string", only_from: ["list", "string"], created: "string", expires: "string", last_mail: "string", messages: "integer", senders: ["list", "string"], wrote: ["list", ["ref", "GivenSender"]], strangers: "integer", strangers_since: "string", leak: "string" },
  GivenSender: { domain: "string", first: "string", messages: "integer" },
  SecretLink: { id: "integer", calendar: "string", shows: "string", note: "string", made: "string" }
};
var calls = {
  login_prep: [{}, "string"],
  login: [{ login_token: "string", username: "string", password: "string", stay: ["optional", "boolean"] }, ["ref", "LoginResult"]],
  login_factor: [{ token: "string", kind: ["enum", ["key", "recovery", "totp"]], code: "string", stay: ["optional", "boolean"] }, ["ref", "LoginResult"]],
  confirm_options: [{}, ["ref", "SecondStep"]],
  confirm: [{ kind: ["enum", ["key", "password", "recovery", "totp"]], code: "string" }, "null"],
  provider_login: [{ stay: "boolean" }, "string"],
  provider_finish: [{ answer: ["ref", "Answer"] }, ["ref", "LoginResult"]],
  provider_confirm: [{}, "string"],
  provider_confirmed: [{ answer: ["ref", "Answer"] }, "null"],
  provider_logout: [{}, "string"],
  notices: [{}, ["ref", "NoticeState"]],
  notices_remove: [{ device_id: "integer" }, "null"],
  notices_test: [{ device_id: "integer" }, "string"],
  notices_choose: [{ choice: ["ref", "NoticeChoice"] }, "null"],
  notices_subscribe: [{ endpoint: "string", p256dh: "string", auth: "string", name: "string", replaces: ["optional", "integer"] }, "integer"],
  notice_archive: [{ message_id: "integer" }, "null"],
  templates: [{}, ["list", ["ref", "ShownTemplate"]]],
  template_save: [{ template: ["ref", "TemplateChange"], mark: ["optional", "string"] }, "integer"],
  template_remove: [{ template_id: "integer", mark: ["optional", "string"] }, "null"],
  receipt_send: [{ message_id: "integer", subject: "string", text: "string" }, "null"],
  invitation: [{ message_id: "integer", path: "string" }, ["ref", "Invitation"]],
  invitation_apply: [{ message_id: "integer", path: "string", calendar_id: ["optional", "integer"] }, ["ref", "AppliedInvitation"]],
  invitation_answer: [{ message_id: "integer", path: "string", answer: ["enum", ["maybe", "no", "yes"]], submit_id: "string", note: ["optional", "string"] }, "null"],
  invitation_propose: [{ message_id: "integer", path: "string", start: "string", end: "string", submit_id: "string", note: ["optional", "string"] }, "null"],
  event_propose: [{ event_id: "integer", start: "string", end: "string", submit_id: "string", recurrence: ["optional", "string"], note: ["optional", "string"] }, "null"],
  invitation_proposal: [{ message_id: "integer", path: "string", accept: "boolean", submit_id: "string", note: ["optional", "string"] }, "null"],
  deleted_list: [{ kind: ["enum", ["calendar", "contact"]] }, ["list", ["ref", "DeletedEntry"]]],
  deleted_restore: [{ deleted_id: "integer" }, "null"],
  calendar_subscribe: [{ calendar_url: "string", name: ["optional", "string"], colour: ["optional", "string"] }, "integer"],
  calendar_refresh: [{ calendar_id: "integer" }, "null"],
  busy_times: [{ people: ["list", "string"], since: "integer", until: "integer", event_id: ["optional", "integer"] }, ["list", ["ref", "BusyPerson"]]],
  events: [{ since: "integer", until: "integer", calendar_ids: ["list", "integer"] }, ["ref", "Events"]],
  event_search: [{ text: "string", calendar_ids: ["list", "integer"] }, ["ref", "FoundEvents"]],
  events_with: [{ addresses: ["list", "string"], calendar_ids: ["list", "integer"] }, ["list", ["ref", "EventItem"]]],
  event: [{ event_id: "integer", recurrence: ["optional", "string"] }, ["ref", "Event"]],
  event_save: [{ calendar_id: "integer", event: ["ref", "EventForm"], event_id: ["optional", "integer"], changed: ["optional", "integer"], recurrence: ["optional", "string"], scope: ["optional", ["enum", ["all", "following", "this"]]], undo_s: ["optional", "integer"] }, ["ref", "ChangedEvent"]],
  event_remove: [{ event_id: "integer", changed: ["optional", "integer"], recurrence: ["optional", "string"], scope: ["optional", ["enum", ["all", "following", "this"]]], undo_s: ["optional", "integer"] }, ["ref", "ChangedEvent"]],
  event_answer: [{ event_id: "integer", answer: ["enum", ["maybe", "no", "yes"]], recurrence: ["optional", "string"], undo_s: ["optional", "integer"] }, ["ref", "ChangedEvent"]],
  event_undo: [{ steps: ["list", ["ref", "UndoStep"]] }, ["ref", "UndoneEvent"]],
  calendars: [{}, ["list", ["ref", "Calendar"]]],
  calendar_view: [{ calendar_id: "integer", change: ["ref", "CalendarView"] }, "null"],
  calendar_save: [{ change: ["ref", "CalendarChange"], calendar_id: ["optional", "integer"] }, "integer"],
  calendar_remove: [{ calendar_id: "integer" }, "null"],
  calendar_guests: [{ calendar_id: "integer" }, ["list", ["ref", "CollectionGuest"]]],
  birthdays: [{ show: ["optional", ["enum", ["", "off", "on"]]] }, ["ref", "Birthdays"]],
  address_books: [{}, ["list", ["ref", "AddressBook"]]],
  address_book_save: [{ name: "string", book_id: ["optional", "integer"] }, "integer"],
  address_book_remove: [{ book_id: "integer" }, "null"],
  address_book_guests: [{ book_id: "integer" }, ["list", ["ref", "CollectionGuest"]]],
  contact_move: [{ contact_id: "integer", book_id: "integer", keep: ["optional", "boolean"] }, "integer"],
  contacts: [{ search: ["optional", "string"], group: ["optional", "string"], after: ["optional", "integer"], book_id: ["optional", "integer"], limit: ["optional", "integer"] }, ["ref", "Contacts"]],
  contact: [{ contact_id: "integer" }, ["ref", "ContactCard"]],
  contact_save: [{ contact: ["ref", "ContactForm"], contact_id: ["optional", "integer"], changed: ["optional", "integer"], book_id: ["optional", "integer"], photo: ["optional", ["nullable", "string"]] }, "integer"],
  contact_remove: [{ contact_id: "integer", changed: ["optional", "integer"] }, "string"],
  contact_restore: [{ card: "string", book_id: ["optional", "integer"] }, "null"],
  contacts_doubles: [{}, ["ref", "Doubles"]],
  contacts_merge: [{ contact_id: "integer", others: ["list", "integer"], changed: ["optional", "integer"] }, "null"],
  claim_confirm: [{ message_id: "integer" }, "null"],
  contact_groups: [{}, ["list", ["ref", "ContactGroup"]]],
  contacts_group: [{ contact_ids: ["list", "integer"], group: "string", member: ["optional", "boolean"] }, "null"],
  contact_group_save: [{ name: "string", group: ["optional", "string"], book_id: ["optional", "integer"] }, "string"],
  contact_group_remove: [{ group: "string" }, ["list", ["ref", "GroupCard"]]],
  group_members: [{ group: "string" }, ["list", ["ref", "Party"]]],
  alarms: [{ after: ["optional", "integer"] }, ["list", ["ref", "AlarmItem"]]],
  alarm_seen: [{ event_id: "integer", snooze: ["optional", "integer"] }, "null"],
  event_news: [{}, ["list", ["ref", "EventNews"]]],
  event_news_seen: [{ event_id: "integer" }, "null"],
  calendar_import: [{ calendar_id: "integer", upload_id: "string" }, ["ref", "FileImported"]],
  contacts_import: [{ upload_id: "string", group: ["optional", "string"] }, ["ref", "FileImported"]],
  file_import_state: [{ upload_id: "string" }, ["nullable", ["ref", "FileState"]]],
  file_import_stop: [{ upload_id: "string" }, "null"],
  newsletters: [{ order: ["enum", ["messages", "size"]], position: ["optional", "integer"] }, ["ref", "Newsletters"]],
  newsletter_archive: [{ sender_id: "integer", after: ["optional", ["nullable", ["ref", "ArchivePlace"]]] }, ["ref", "NewsletterArchived"]],
  message_snooze: [{ message_ids: ["list", "integer"], until: "integer", unanswered: ["optional", "boolean"] }, "null"],
  message_unsnooze: [{ message_ids: ["list", "integer"] }, "null"],
  messages_waiting: [{}, ["list", ["ref", "Waiting"]]],
  scheduled_change: [{ message_id: "integer", send_at: ["optional", "integer"] }, "null"],
  scheduled_cancel: [{ message_id: "integer" }, "integer"],
  sorting_notices: [{}, ["ref", "SortingNotices"]],
  import_check: [{ mailbox_id: "integer", size: "integer" }, "null"],
  import_state: [{ token: "string" }, ["nullable", ["ref", "Importing"]]],
  import_abort: [{ token: "string" }, "null"],
  import_undo: [{ first_id: "integer", messages: "integer" }, "integer"],
  mailboxes_mark_read: [{ mailbox_ids: ["list", "integer"] }, "null"],
  mailbox_create: [{ name: "string", beside: ["optional", "integer"] }, "integer"],
  mailbox_rename: [{ mailbox_id: "integer", name: "string" }, "null"],
  mailbox_delete: [{ mailbox_id: "integer" }, "null"],
  mailbox_set_special_use: [{ mailbox_id: "integer", roles: ["list", ["enum", ["archive", "draft", "junk", "sent", "trash"]]] }, "null"],
  label_save: [{ name: "string", color: "integer", keyword: ["optional", ["nullable", "string"]] }, ["ref", "Label"]],
  label_counts: [{ keywords: ["list", "string"] }, ["list", "integer"]],
  label_remove: [{ keyword: "string" }, "integer"],
  unsubscribe: [{ message_id: "integer", by_post: "boolean" }, "null"],
  message_details: [{ message_id: "integer" }, ["ref", "MessageDetails"]],
  ruleset_suggest_move: [{ message_id: "integer", from_mailbox_id: "integer", to_mailbox_id: "integer" }, ["nullable", ["ref", "Suggestion"]]],
  ruleset_accept: [{ message_id: "integer", from_mailbox_id: "integer", to_mailbox_id: "integer" }, "null"],
  ruleset_for_sender: [{ message_id: "integer", mailbox_id: "integer" }, ["ref", "Suggestion"]],
  ruleset_never: [{ message_id: "integer", from_mailbox_id: "integer", to_mailbox_id: "integer", never: ["enum", ["from_mailbox", "message", "to_mailbox"]] }, "null"],
  settings_save: [{ settings: ["ref", "SomeSettings"] }, "null"],
  from_address_settings_save: [{ from_address: "string", view_mode: ["enum", ["", "html", "html_ext", "text"]], fixed_width: ["optional", "boolean"] }, "null"],
  outbox: [{ before: ["optional", "integer"] }, ["ref", "Outbox"]],
  outbox_count: [{}, "integer"],
  delivery_status: [{ message_id: "integer", seen: ["optional", "string"] }, ["ref", "DeliveryReport"]],
  delivery_retry: [{ delivery_ids: ["list", "integer"] }, "integer"],
  delivery_cancel: [{ delivery_ids: ["list", "integer"] }, "integer"],
  search_glance: [{ query: ["ref", "Query"] }, ["list", ["ref", "MessageItem"]]],
  files: [{ query: ["ref", "Query"], after: ["optional", ["nullable", ["ref", "Mark"]]] }, ["ref", "FileList"]],
  compose_prepare: [{ kind: ["enum", ["edit", "forward", "forward_attached", "new", "reply", "reply_all", "reply_list"]], message_id: ["optional", "integer"], selected: ["optional", "string"], when: ["optional", "string"], mailbox_id: ["optional", "integer"] }, ["ref", "Begun"]],
  draft_save: [{ draft: ["ref", "Written"], save_id: "string", replaces: ["optional", "integer"] }, "integer"],
  draft_find: [{ message_id: "string", seconds: "integer", author: ["optional", "string"] }, "integer"],
  message_submit: [{ message: ["ref", "Written"], submit_id: "string", draft_id: ["optional", "integer"], undo_s: ["optional", "integer"], send_at: ["optional", "integer"], leaves: ["optional", "integer"] }, "integer"],
  message_submit_undo: [{ submit_id: "string", leaves: ["optional", "integer"], author: ["optional", "string"] }, "integer"],
  draft_remove: [{ draft_id: "integer" }, "null"],
  upload_remove: [{ upload_id: "string" }, "null"],
  complete_recipient: [{ search: "string" }, ["ref", "Suggestions"]],
  recipient_security: [{ address: "string" }, ["ref", "Security"]],
  export_prep: [{}, "null"],
  hand_on: [{}, "string"],
  logout: [{}, "null"],
  inbox_unread: [{}, "integer"],
  message_item: [{ message_id: "integer" }, ["ref", "MessageItem"]],
  parsed_message: [{ message_id: "integer" }, ["ref", "ParsedMessage"]],
  flags_add: [{ message_ids: ["list", "integer"], flags: ["list", "string"] }, "null"],
  flags_clear: [{ message_ids: ["list", "integer"], flags: ["list", "string"] }, "null"],
  message_move: [{ message_ids: ["list", "integer"], mailbox_id: "integer", mark_seen: ["optional", "boolean"], from_mailbox_id: ["optional", "integer"] }, "null"],
  query_action: [{ action: ["ref", "QueryAction"] }, ["ref", "QueryDone"]],
  thread_mute: [{ message_ids: ["list", "integer"], mute: "boolean" }, "null"],
  thread_collapse: [{ message_ids: ["list", "integer"], collapse: "boolean" }, "null"],
  message_delete: [{ message_ids: ["list", "integer"] }, "null"],
  decode_mime_words: [{ text: "string" }, "string"],
  account_vacation_set: [{ changed: ["ref", "VacationChange"], mark: ["optional", "string"], account: ["optional", "string"] }, "null"],
  account_later_list: [{ account: ["optional", "string"] }, ["list", ["ref", "Leaving"]]],
  account_later_stop: [{ id: "string", account: ["optional", "string"] }, "null"],
  address_add: [{ site: ["optional", "string"], word: ["optional", "string"], domain: ["optional", "string"], note: ["optional", "string"], only_from: ["optional", "string"], expires: ["optional", "string"], account: ["optional", "string"] }, ["ref", "GivenAddress"]],
  address_on: [{ address: "string", account: ["optional", "string"] }, "null"],
  address_off: [{ address: "string", account: ["optional", "string"] }, "null"],
  calendar_share: [{ name: "string", guest: "string", write: ["optional", "boolean"], end: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  contacts_share: [{ name: "string", guest: "string", write: ["optional", "boolean"], end: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  calendar_link_make: [{ name: ["optional", "string"], busy: ["optional", "boolean"], note: ["optional", "string"], account: ["optional", "string"] }, "string"],
  calendar_link_list: [{ account: ["optional", "string"] }, ["list", ["ref", "SecretLink"]]],
  calendar_link_rm: [{ id: "integer", account: ["optional", "string"] }, "null"]
};
var once = "notices_remove notices_test notices_subscribe notice_archive template_save template_remove receipt_send invitation_apply invitation_answer invitation_propose event_propose invitation_proposal deleted_restore calendar_subscribe event_save event_remove event_answer event_undo calendar_save calendar_remove address_book_save address_book_remove contact_move contact_save contact_remove contact_restore contacts_merge claim_confirm contacts_group contact_group_save contact_group_remove calendar_import contacts_import newsletter_archive message_snooze message_unsnooze scheduled_change scheduled_cancel import_abort import_undo mailbox_create mailbox_rename mailbox_delete label_save label_remove unsubscribe ruleset_accept ruleset_for_sender settings_save delivery_retry delivery_cancel draft_remove query_action account_vacation_set account_later_stop address_add address_on address_off calendar_share contacts_share calendar_link_make calendar_link_rm".split(" ");

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text) ?? text, values);
}

var CallFailed = class extends Error {
  constructor(call, code, message, fields = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields;
  }
  call;
  code;
  fields;
};
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}

var silentAfter = 2e4;
var slowLine = 4;
var staleAfter = 3e3;
var waits = [500, 1e3, 2e3, 4e3, 8e3, 15e3, 3e4];
var changes = /* @__PURE__ */ new Set(["flags_add", "flags_clear", "message_move", "message_delete", "thread_mute"]);
var settled = /* @__PURE__ */ new Set(["user:conflict", "user:notFound"]);
var settings = ["alarm_seen", "calendar_view", "event_news_seen", "from_address_settings_save", "log_level_set", "mailbox_set_special_use", "notices_choose", "preferences_save", "ruleset_never", "thread_collapse"];
var undecided = /* @__PURE__ */ new Set(["user:noAuth", "user:badAuth", "user:confirm", "user:rateLimited", "server:error"]);
function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}
var silent = /* @__PURE__ */ new Map();
async function asked(id, ...[url, given]) {
  await simulatedLatency();
  const request = new AbortController();
  let timer = 0;
  const wait = (time) => {
    clearTimeout(timer);
    silent.set(request, Date.now());
    timer = setTimeout(() => request.abort(), time);
  };
  const end = () => {
    clearTimeout(timer);
    silent.delete(request);
  };
  request.signal.addEventListener("abort", end);
  wait(silentAfter + String(given?.body).length / slowLine);
  try {
    const headers = { ...given?.headers, "idempotency-key": id };
    const answer = await fetch(url, { ...given, headers, signal: request.signal });
    wait(silentAfter);
    const octets = answer.body?.pipeThrough(new TransformStream({ transform(piece, out) {
      wait(silentAfter);
      out.enqueue(piece);
    }, flush: end }));
    if (octets === void 0) end();
    return new Response(octets ?? null, answer);
  } catch (error) {
    end();
    throw error;
  }
}
async function reached(call) {
  try {
    await (await asked(newId(), String(call).replace(/[^/]*$/, ""), { method: "HEAD" })).text();
    return true;
  } catch {
    return false;
  }
}
var titled = (error, title) => Object.assign(error, { title });
function unsure(error) {
  return titled(error, t("No answer"));
}
var saving = () => [...document.querySelectorAll(":is(form,[data-form])[aria-busy=true]")].at(-1);
var alreadySaved = (error) => Object.assign(titled(error, t("Already saved")), { message: t("Your first attempt worked, without your latest changes. Open the saved version to change it. If you save again, you may get a second one.") });
function steadily(once2, most = waits.length) {
  let off = false;
  const away = () => off || !navigator.onLine;
  let go = () => {
  };
  let connected = new Promise((resolve) => go = resolve);
  addEventListener("disconnected", () => off = true);
  addEventListener("connected", () => {
    off = false;
    for (const [request, since] of silent) if (Date.now() - since > staleAfter) request.abort();
    go();
    connected = new Promise((resolve) => go = resolve);
  });
  const writes = /* @__PURE__ */ new Set([...once2, ...changes, ...settings]);
  const lost = /* @__PURE__ */ new Map();
  const make = async (call, body, post, kept) => {
    const same = `${call} ${body}`;
    const form = once2.includes(call) ? saving() : void 0;
    const [forms, formsId] = form?.dataset["lost"]?.split(" ") ?? [];
    const again = lost.has(same);
    const id = (forms === call ? formsId : lost.get(same)) ?? newId();
    const note = (unknown) => {
      if (unknown) lost.set(same, id);
      else lost.delete(same);
      if (form === void 0) return;
      if (unknown) form.dataset["lost"] = `${call} ${id}`;
      else delete form.dataset["lost"];
      form.dispatchEvent(new Event("lost", { bubbles: true }));
    };
    const repeats = writes.has(call) && !kept;
    for (let made = 0; ; made++) {
      const begun = Date.now();
      const wasAway = made === 0 && away();
      let left = !(wasAway && writes.has(call));
      try {
        const result = await post(async (...given) => {
          left ||= await reached(given[0]);
          if (!left) throw new TypeError();
          return asked(id, ...given);
        });
        note(false);
        return result;
      } catch (error) {
        const code = codeOf(error);
        if (code !== "") {
          if (!undecided.has(code ?? "")) note(false);
          if (code === "user:done") throw alreadySaved(error);
          if ((made > 0 || again) && changes.has(call) && settled.has(code ?? "")) return null;
          throw code === "user:unknown" ? unsure(error) : error;
        }
        if (!left || wasAway && away() && !writes.has(call)) throw error;
        if (writes.has(call)) note(true);
        if (repeats && made < most) await Promise.race([connected, new Promise((resolve) => setTimeout(resolve, waits[made]))]);
        else if (repeats) {
          throw unsure(new CallFailed(call, "user:unknown", t("Can't reach the server, and we don't know whether this was done. Check before you try again.")));
        } else if (made > 0 || Date.now() - begun < staleAfter) throw error;
      }
    }
  };
  const under = /* @__PURE__ */ new Set();
  const quiet = async () => {
    while (under.size > 0) {
      await Promise.allSettled(under);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  addEventListener("reloading", (event) => void event.detail.push(quiet()));
  return async (call, ...given) => {
    const made = make(call, ...given);
    if (writes.has(call)) under.add(made);
    try {
      return await made;
    } finally {
      under.delete(made);
    }
  };
}
async function simulatedLatency() {
  const setting = localStorage.getItem("moxlite-debug");
  if (setting === null) return;
  const { wait_min_ms: least = 0, wait_max_ms: most = 0 } = JSON.parse(setting);
  await new Promise((resolve) => setTimeout(resolve, least + Math.random() * Math.max(0, most - least)));
}

var steady = steadily(once);
export {
  calls,
  checks,
  steady
};
