function fnv(key) {
  let value = 2166136261;
  for (let n = 0; n < key.length; n++) value = Math.imul(value ^ key.charCodeAt(n), 16777619);
  return value >>> 0;
}

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

function wholeHash(key) {
  return fnv(key).toString(36).padStart(7, "0");
}
function inWords(error, lines) {
  const texts = new Map(lines.split("\n").map((line) => [line.slice(0, 7), line.slice(7)]));
  const say = (words) => {
    const values = Object.entries(words.values).map(([name, one]) => [name, typeof one === "object" ? say(one) : one]);
    return filled(texts.get(wholeHash(words.text)) ?? words.text, Object.fromEntries(values));
  };
  const fields = error.fields?.map((one) => ({ ...one, text: say(one.words ?? { text: one.text, values: {} }) }));
  const whole = (all = []) => all.map((one) => `${one.field} ${one.text}`.trim()).join("; ");
  const message = fields !== void 0 && error.message === whole(error.fields) ? whole(fields) : say(error.words ?? { text: error.message, values: {} });
  return { ...error, message, ...fields && { fields } };
}

var inWords2 = (error) => inWords(error, `1up7nwi⟦unknown setting: {name}⟧
1gyoozk⟦takes too long on your mail and would be skipped on delivery. Simplify its patterns⟧
1w9q88e⟦{address} doesn't belong to this account⟧
0k62836⟦this account no longer exists⟧
00ckyvx⟦the outgoing queue isn't available; see the server log⟧
0njcjt2⟦must be a server name, like imap.example.org⟧
0i6sigj⟦enter your user name for the other server⟧
1u6327i⟦enter your password for the other server⟧
0phkbre⟦you can only connect without encryption within the server's own network, and this server doesn't allow that⟧
1u27402⟦must include a time zone⟧
0j2qcep⟦enter the other server's address⟧
0tpfktw⟦must be 1 to 64 printable characters⟧
1k1cj5y⟦you already have an app password with this name⟧
02dq0cm⟦another device is already being set up⟧
0owwkbm⟦this setup code has expired; create a new one⟧
1buwl7o⟦this link expired or has been used; create a new one on your account page⟧
0oxdmd2⟦your administrator only allows generated passwords for this account⟧
0zhnjh5⟦this session has already ended⟧
1hdv67t⟦after: invalid list position⟧
0n87wf9⟦must be an http or https URL⟧
0tzy6jd⟦must be printable ASCII⟧
1n7cz00⟦the junk filter is already being trained⟧
1ytr327⟦to use the junk filter, turn it on and save your changes first⟧
0ez27mi⟦Forward mail from {own} to {target}?⟧
09f55nm⟦{name}: {reason}⟧
16yu4n3⟦{place}: must be {limit} characters or fewer⟧
18c20f1⟦{place}: can't be empty⟧
1tq358x⟦{place}: must be at least {limit} characters⟧
002g0vy⟦{place}: you can have up to {limit} entries⟧
0l7tx11⟦{place}: choose at least one⟧
1kpkgd6⟦{place}: you need at least {limit} entries⟧
1f73g7l⟦{place}: must be a number up to {limit}⟧
10vsbyl⟦{place}: must be {limit} or more⟧
0gntdyg⟦unknown call: {name}⟧
0hj3ken⟦Idempotency-Key: must be 1 to {most} printable ASCII characters⟧
1fdrm5f⟦the server restarted, and we don't know whether this was done; check before you try again⟧
0t5nuhz⟦{address}: {reason}⟧
0dclgqs⟦attachments exceed the message size limit ({max_size} MiB)⟧
1vc8ybn⟦{field}: {reason}⟧
1k533ox⟦message exceeds the size limit ({max_size} MiB)⟧
0c6ydnq⟦this draft was changed or deleted since you opened it⟧
0mk634f⟦this message was already sent⟧
0n3d1mm⟦html: {reason}⟧
0cv1nhc⟦couldn't prepare the text: {reason}⟧
0rdx6zn⟦you already sent or declined this read receipt⟧
1k72a4q⟦send_at: you can't schedule messages from {address}⟧
1yglgi4⟦the message header is too long⟧
1wb063s⟦{field}: this time is in the past⟧
0krccga⟦{field}: choose a time within the next {longest} days⟧
0u3f4u9⟦you can no longer send from this address; choose another one⟧
0h6ymnt⟦You're logged out. Log in again.⟧
06xsuw2⟦the login form expired, or your browser blocks cookies{hint}⟧
1qd2wdm⟦missing CSRF token⟧
0hbb0gu⟦This took too long, or the server was restarted. Start again.⟧
1jiq92j⟦Wrong code. Make sure your device's clock is correct.⟧
0219a1m⟦This verification method was already removed.⟧
0yqcajw⟦To create recovery codes, add an authenticator app or a security key first.⟧
040an6n⟦A device with this name already exists.⟧
07gdaqv⟦Couldn't add security key: {reason}.⟧
1hoi77q⟦Two-step verification is on, but this account has no verification methods. Ask your administrator to run: moxlite account reset-second-factor⟧
0icxti0⟦Your login timed out, or the server was restarted. Enter your password again.⟧
06tubmq⟦unknown key⟧
0qsicmk⟦security keys require a host name and HTTPS⟧
0a0ktgw⟦this file exceeds the import limit ({most} bytes)⟧
1nbit3w⟦import not found; finished imports are only listed for one minute⟧
0jda7it⟦an import into this account is already running⟧
12dsnyu⟦unknown form field: {name}⟧
1nk9sxu⟦can't import this file. Choose a zip, tar.gz, or tar file with mail, an mbox file, or a message (.eml)⟧
12r547n⟦you can only import archives into your own folders, because an import can create folders⟧
15uoljh⟦mailbox: {reason}⟧
15fhk68⟦labels: {reason}⟧
11wp3l1⟦labels: you can add up to {most}⟧
12e88ws⟦{name}: must be 1 or 0⟧
0nns9ls⟦the request must be a form with a file (multipart/form-data)⟧
1t5n13f⟦there isn't enough disk space on the server for this file⟧
05677l8⟦the upload took too long⟧
0lj2e1r⟦the form doesn't include a file⟧
1k9ji4u⟦the form is incomplete or invalid: {reason}⟧
0e033cs⟦this file exceeds the import limit ({limit} bytes)⟧
0n6cpf7⟦the form has more than one {name} field⟧
1cb3zwl⟦you can upload up to {most} files; pack them into one archive⟧
0ze9vac⟦form field {name} is too long⟧
14ddsej⟦Couldn't verify the login provider's response. Try again. For details, see the server log.⟧
1izhgh1⟦This login expired or was started in another browser. Log in again.⟧
1fbickw⟦couldn't verify the login provider's response⟧
1wfy368⟦You were logged out. Log in again.⟧
1s5fy1h⟦The login provider didn't ask you to log in again. Enter your password, or contact your administrator.⟧
1jnozqw⟦Someone else is logged in at the login provider. Try again with your own login.⟧
114jf13⟦you're logged in to the provider as someone else⟧
0p215il⟦Logging in with a provider isn't set up here.⟧
10c8grb⟦You canceled the login, or the login provider didn't allow it.⟧
1gry4z1⟦The login provider has a problem. Try again later, or log in with your password.⟧
19nnxpv⟦The login provider rejected the login: {code}. Try again, or contact your administrator.⟧
1d0tkdr⟦The login provider isn't responding. Log in with your password. If you don't have one, ask your administrator for a recovery link.⟧
1jj9wp7⟦Couldn't connect: {reason}.⟧
1jt72qi⟦This login was already disconnected.⟧
0rbg1na⟦Wrong email address or password.⟧
0dk0pn7⟦Wrong password.⟧
08m5shp⟦To continue, enter your password or verify it's you again.⟧
0d26222⟦This login isn't connected to an account yet. Log in with your password, then connect it under Security on your account page.⟧
1dj4o1x⟦you didn't choose to stay logged in, so you need to log in to the account page separately⟧
1pwsndv⟦You were logged out because this device wasn't used for 30 days, or its login is 180 days old. Log in again.⟧
143fraw⟦You were logged out after 24 hours of inactivity. Log in again.⟧
1h14nd2⟦You were logged out for your safety. An old copy of this login was used, either by someone else or from a restored browser backup. If you didn't restore a backup, check the logins on your account page. Log in again.⟧
10cxyyg⟦The admin password isn't set. To set it, run on the server: moxlite admin set-password⟧
0i03qck⟦Your webmail login can't be used here. Log in again.⟧
0rna7ai⟦not enough space: {used} of {limit} {unit} used⟧
111h8xo⟦you don't have permission to move messages out of this folder⟧
1txu1um⟦you don't have permission to mark messages as read or unread in this folder⟧
16qwii2⟦you don't have permission to change flags or labels in this folder⟧
08prwdu⟦you don't have permission to add messages to this folder⟧
02ok99q⟦you don't have permission to do this in this folder⟧
0f70i4r⟦attachments: {reason}⟧
1dvalhz⟦the server's disk is full⟧
0rioi7w⟦your mail is read-only right now; try again in a minute⟧
0tezire⟦the server is busy; try again in a moment⟧
09o8jv0⟦this account's storage isn't working properly⟧
0pcsm40⟦reading timed out; try again⟧
0xrsova⟦the account page isn't available at this URL⟧
1mjd47a⟦messages that aren't loaded yet can only be changed in your own folders⟧
0xky99a⟦you can only mute and collapse your own conversations⟧
1r1isbp⟦since: must be a number⟧
1czzj1j⟦this event was changed since you opened it⟧
1s0kfaj⟦this contact was changed or deleted since you opened it⟧
0h1prvk⟦you can check availability for up to 31 days at a time⟧
19k6y8y⟦can't read this file: {reason}⟧
1ovtddj⟦can't open this message's text for editing: {reason}⟧
1l11ep3⟦The message text isn't quoted. {reason}⟧
1a32isl⟦address: {reason}⟧
0f0oc23⟦Only the first {most} recipients were added. That's the maximum for a message.⟧
1tsby2d⟦this contact was deleted⟧
01fu28u⟦card: must be a single vCard⟧
1ml1gog⟦you can only change your own contacts⟧
1qtx7bg⟦photo: must be a JPEG, PNG, GIF, or WebP image up to 128 KiB⟧
0tvagm9⟦name: enter a name or email address⟧
0ymc8ei⟦you can only see delivery details for your own mail⟧
1i7n9id⟦only the calendar's owner can change private events⟧
18qe6wx⟦this calendar was deleted⟧
0g72o35⟦this event was deleted⟧
1l2slxa⟦couldn't add the event to your calendar, so your reply wasn't sent: {reason}⟧
0zxhn8r⟦you can't reply because you can't send from {address}⟧
148wd2p⟦calendar: {reason}⟧
1l8h0ua⟦you can't move events out of their owner's calendars⟧
0ke5z14⟦only the organizer can change this event; you can only change your alerts and free/busy status⟧
056b372⟦start: events and their recurrences must be in the years 1 to 9999⟧
1k3uo3h⟦you're not invited to this event⟧
1mu2j5u⟦steps: must be of one account⟧
0v8yfrl⟦name: enter a group name⟧
0pd5lru⟦message {missing} no longer exists⟧
0hd5eb9⟦you can't reply to this invitation⟧
0e5oze7⟦none of your addresses were invited⟧
0n4tdni⟦couldn't read the calendar; try again later⟧
0gbjgyk⟦the event must end after it starts⟧
12apt7d⟦part not found⟧
051c5zj⟦calendar: must be 1 MiB or smaller⟧
030lrs2⟦start: this date doesn't exist⟧
1u9gsz2⟦name: enter a label name⟧
0eyizhn⟦you already have a label named {name}⟧
0sktfop⟦you can have up to {most} named labels⟧
1jdkxxt⟦this isn't a label⟧
1mhv4ku⟦only {writer} can change the time of this message⟧
11bywyr⟦you can only snooze your own messages⟧
09bswz1⟦this account doesn't have an Archive folder⟧
04iwxh2⟦you can only unsubscribe from your own mailing lists⟧
1wdo9bk⟦this list doesn't support this way of unsubscribing⟧
0351oam⟦you can only send read receipts for your own mail⟧
10xuhgs⟦this message doesn't request a read receipt, or you've already responded⟧
11kyxev⟦this suggested rule is no longer available⟧
0iui6b7⟦you need an address to create rules⟧
1equndy⟦you can't create a rule for this message because the sender is missing or invalid⟧
0qf2f4u⟦you get mail for {recipient} through the catchall address {destination}; add it to your addresses first⟧
0i9mfy5⟦{destination} no longer belongs to this account⟧
10sm04y⟦this address's rules have changed⟧
0zfeuyx⟦{destination} already has {most} rules⟧
06m4y9h⟦you can only search shared folders in the list view⟧
0mlhh1p⟦the outgoing queue isn't available right now⟧
16551ha⟦this address book was deleted⟧
1n78uiy⟦this address book already has this contact⟧
0oly5bt⟦recurrence: not an occurrence of this event⟧
04ivkc8⟦zone: unknown time zone⟧
0lddaaf⟦link: must be an http:// or https:// URL⟧
0larlh2⟦guests: enter a complete address⟧
00cgxi9⟦request: a stream must start with a query⟧
0brx1el⟦bad token⟧
13fticg⟦stream not found: {stream_id}⟧
0zvugsb⟦a new view must include a query⟧
1amfbwh⟦This folder no longer exists.⟧
0mlyp8m⟦This account's conversations are still being prepared.⟧
0ktvbrk⟦This folder can't be opened right now.⟧
05hewt9⟦these messages are already in this folder⟧
183zaaa⟦ranges: only supported when sorted by date received⟧
06owry3⟦flags: specify at least one⟧
0dbg7wk⟦message {message_id} is already in this folder⟧
05sy0uc⟦you can only move scheduled messages to your own trash⟧
0f79kq0⟦Still loading 4 other messages. Try again when they're open.⟧
00wwj1q⟦You're already downloading 4 files. Wait for one to finish, or cancel one.⟧
1ilsamq⟦Other files are being imported. Try again in a minute.⟧
0121auf⟦can't reach {host}: {reason}⟧
112ujbj⟦{host} rejected the request with status {status}⟧
11ukzn4⟦too many failed login attempts; try again later⟧
0k7eesh⟦bad user or password⟧
1c8sndu⟦use an app password; your own password only works on the web pages⟧
0hj54kh⟦bad password⟧
0t7685s⟦the token has expired⟧
1ed3b6z⟦unknown client certificate⟧
009td2t⟦this client certificate doesn't belong to the account⟧
0lmj35p⟦this login isn't connected to an account⟧
0kyaigm⟦this account was deleted⟧
0x0vtza⟦Wrong code, or this code has been used. Wait for the next one.⟧
1jy6iou⟦Couldn't verify your security key.⟧
1xrxv0p⟦Wrong recovery code, or this code has been used.⟧
1khd5ts⟦only the owner can delete this folder⟧
0isua9x⟦password managers need a separate token that can't be used for anything else⟧
11vz01x⟦tokens can't be used for {scope}⟧
1ccn3jf⟦app password names must be 1 to {most} printable characters⟧
0jkbajl⟦choose at least one service for the app password⟧
1ei67rj⟦read-only app passwords can't send mail⟧
09ha7cs⟦an app password named {name} already exists⟧
1ys94mv⟦this account already has {most} tokens⟧
1nm3tcm⟦this account already has {most} app passwords⟧
13f50qy⟦the expiration date must be in the future⟧
03d22n6⟦the password must be at least {most} characters⟧
1n8dop1⟦the password must be {most} bytes or fewer⟧
15d741x⟦device names must be 1 to {most} printable characters⟧
0o89emr⟦this security key is already set up⟧
1omzbxs⟦a device named {name} already exists⟧
1crf6tz⟦this account already has {most} authenticator apps or security keys⟧
0287ead⟦certificate not found⟧
1u4qomj⟦this certificate is too large⟧
1wri568⟦this isn't a valid X.509 certificate⟧
0b8hhwv⟦RSA keys must have at least {most} bits (this one has {key_size})⟧
0b66sm7⟦keys on the curve {name} aren't accepted⟧
1cjfil9⟦this key type isn't supported⟧
1o4kzig⟦includes a private key; keep the key private and only send the command's output⟧
055ys9a⟦isn't a certificate request; paste all of the command's output⟧
0q2u8cs⟦wasn't signed with this certificate's private key⟧
1l36hs7⟦is for another account or has expired; get a new command⟧
0nenw3q⟦this account already has {most} client certificates⟧
0cxzzi1⟦this key already belongs to an account⟧
0q7s68c⟦is empty⟧
1vzytyg⟦this password is too common; choose another one⟧
0wkz4im⟦this password can be guessed from your address, name, or server; choose another one⟧
03s4rfn⟦an attachment is no longer on the server; attach it again⟧
00skfeu⟦too many files attached to drafts⟧
1b87fc0⟦the recipient declined this mail⟧
0xhnama⟦the address isn't confirmed yet⟧
1rzr48v⟦forwarding has stopped: {error}⟧
1s35wmb⟦forwarding has stopped⟧
1rvbzpw⟦{count} messages forwarded in 24 hours⟧
0nnedf7⟦limit of {limit} {what} in 24 hours reached (setting {setting})⟧
1h9yzlh⟦messages⟧
0bqyyz7⟦first-time recipients⟧
1vn8g2c⟦too late; the message has been sent⟧
08xrknm⟦this message was taken back elsewhere and is a draft again⟧
1h7wqxs⟦couldn't forward to {address}, so the message was kept: {reason}⟧
0xae1hk⟦script not found: {name}⟧
0cnuflh⟦a script named {name} already exists⟧
0wgwy92⟦the script {name} is active⟧
0ap4s77⟦you can have up to {most} scripts⟧
0pn3475⟦sending is paused for your account since {when} because it may be compromised. Messages you sent are on hold. Contact your administrator and change your password⟧
1xbe4c3⟦the text can be up to {most} characters, and the subject up to {subject}⟧
0knh661⟦control characters aren't allowed here⟧
00n2jwv⟦can't be empty; write a reply⟧
0wrfs4s⟦must be after the start⟧
0cyzdad⟦has already passed⟧
1tj622w⟦you can add up to {most} addresses⟧
15jbt6h⟦isn't a valid email address: {reason}⟧
1cwlmuq⟦account not found: {name}⟧
0n8rrt9⟦account {name} is being deleted⟧
11w87e2⟦limit exceeded: {name}⟧
0svr70h⟦UIDs in mailbox {mailbox} (to assign new ones, run moxlite store reassign-uids)⟧
116lwjg⟦folder not found: {mailbox}⟧
1mnwh7m⟦folder {name} already exists⟧
06ncmw1⟦folder {name} has subfolders⟧
1on6ph4⟦message not found: {message_id}⟧
0vtxdf6⟦this was changed elsewhere, so your changes weren't saved: {text}⟧
1vi9gw3⟦this is a subscribed calendar, so you can't change it here⟧
1puqnlb⟦this was already restored or permanently deleted⟧
01zdxjc⟦you're the organizer of this event, so only your own calendars can have it⟧
1vdizrp⟦to change an event with guests here, you need permission to send from {address}⟧
00gdv0g⟦this link was already revoked⟧
1ceed8w⟦you can view this calendar, but not edit it⟧
0j2wzgx⟦you can view this address book, but not edit it⟧
0c0bpmu⟦too many snoozed messages⟧
1qv2p05⟦too many scheduled messages⟧
1sl5xkp⟦the owner always has full permissions⟧
1ezdg2a⟦{name} is managed by the server and can't be shared⟧
18vo7v8⟦you can share a folder with up to {most} others⟧
17v5pyk⟦too many keywords on this message⟧
03gpc2u⟦too many annotations⟧
1tahiz6⟦annotations are too large⟧
1jzocmr⟦too many keywords in this folder⟧
19z8xs5⟦up to {most} accounts can send from one account⟧
087byel⟦linked account not found: {name}⟧
194swh7⟦too many linked accounts⟧
1kqotkj⟦this account is already linked⟧
078wjaf⟦you already have a folder with this name; choose another one⟧
1j302mm⟦enter a name without {separator}⟧
0xxntfp⟦another linked account has this name⟧
0agfgza⟦the name {name} is reserved for other users' mailboxes⟧
0q9x9oi⟦you can have up to {most} folders⟧
0sjgabf⟦no UIDVALIDITY values left in this account⟧
02yqt0m⟦Inbox can't be deleted⟧
1iua6c9⟦you can't rename Inbox or give another folder its name⟧
0pevw8f⟦Inbox can't have a special use⟧
0b39yp1⟦too many subscribed folders⟧
05thf45⟦{address} isn't one of your masked addresses⟧
0ck5vu4⟦you can have up to {most} masked addresses⟧
18txo1z⟦you can create up to {most} masked addresses per day⟧
0xglqn1⟦notes must be {most} characters or fewer⟧
09bit0h⟦{sender} isn't a valid address or domain⟧
01d9vup⟦enter up to {most} senders, without spaces⟧
1z0elzm⟦{name} only shows queued messages, so you can't add any⟧
05eiihd⟦{name} is managed by the server; to remove it, turn off queue_mailbox⟧
02naakn⟦you can only move messages in {name} to Trash, which cancels them; to keep one, copy it to another folder⟧
15dk4mo⟦folder names can't be empty⟧
1pfigcn⟦folder names can't contain control characters⟧
0vveplp⟦folder names can't start with #⟧
1g6tlxh⟦folder names must be {most} bytes or fewer⟧
1q4byjo⟦folders can be nested up to {most} levels deep⟧
1iq54eg⟦folder names can't start or end with / or contain //⟧
0inuku9⟦parts of a folder name can't be . or ..⟧
1r3wo1y⟦each part of a folder name must be {most} bytes or fewer⟧
1bex1by⟦too many push subscriptions⟧
0l7g96r⟦this template no longer exists⟧
0o4vsy3⟦enter a template name⟧
0tdnpb4⟦you already have a template named “{name}”⟧
14zli5i⟦this was changed elsewhere, so it wasn't deleted; reload the page⟧
0ngl2eq⟦the search is nested too deeply⟧
0nimtbq⟦the text must be {most} million characters or fewer⟧
083stup⟦the text can't contain a NUL character⟧
1w8ui5s⟦you can add up to {most} recipients⟧
0kt5ji9⟦you can attach up to {most} files⟧
1iqsiqy⟦must be {limit} characters or fewer⟧
0346wgr⟦{localpart}@{domain}: {reason}⟧
14rlbnd⟦enter the part before the @⟧
0zyaago⟦add a recipient⟧
1nmndzq⟦the From address's domain is temporarily disabled⟧
1nvxof1⟦you can't send from {address}⟧
0sppvby⟦message must have a From field with exactly one address⟧
14arby9⟦message with 8-bit data requires 8BITMIME⟧
09h06l8⟦can't sign message right now; try again later⟧
0sph9dt⟦remove the Return-Path field before sending⟧
1w6v9ru⟦The server is busy with your other messages. Try again in a moment.⟧
1l4rcz4⟦This server can't display HTML messages safely.⟧
0r74knk⟦The server can't display HTML messages safely right now. Try again later.⟧
1hf6obv⟦This message can't be displayed safely.⟧
0e1rm27⟦This message takes too long or needs too much memory to display safely.⟧
0aeca3c⟦This message is too large to display.⟧
16vemjz⟦folder “{name}” doesn't exist, so the message was kept⟧
0nkngsx⟦a redirect to {address} would loop, so the message was kept⟧
17ic4t3⟦your changes weren't saved because the script was changed elsewhere; reload the page⟧
192mptj⟦a script named {name} already exists; choose another name⟧
0ggxmam⟦"{address}" doesn't belong to this account⟧
00eun42⟦rule {rule} takes too long on this mail; simplify its patterns⟧
1ukaevw⟦script names must be 1 to 128 characters, without control characters⟧
0ieavyd⟦the file contains more than {most} events⟧
0xrz2xk⟦too many lines in the calendar (limit {most})⟧
1haw9qh⟦the file contains more than {most} contacts⟧
1oc56re⟦the last card doesn't have an END line⟧
1udbqvp⟦the file is larger than {most} MiB⟧
0j4ad1s⟦the file isn't a valid CSV: {reason}⟧
0zw9yct⟦the first line must have columns like Name, First Name, or E-mail Address⟧
0mnuw8w⟦line {line_num}: {reason}⟧
01mv8z6⟦line {line}: enter a name or address⟧
0cg1acx⟦this event doesn't have a start time⟧
1wxj3ko⟦unknown time zone⟧
1oxiz30⟦this occurrence's time is invalid⟧
1l1tx17⟦the calendar is larger than 1 MiB⟧
1p8dcqf⟦the file doesn't contain any events⟧
0bi40k5⟦all components of an entry must have the same organizer⟧
11sgwa1⟦you can't change an entry's organizer⟧
0itx98w⟦an entry can be up to {most} MiB⟧
18rehzi⟦an entry can have up to {most} lines⟧
0lnbs9j⟦an entry can have up to {most} components⟧
01egz9c⟦a repeating event can have up to {most} changed occurrences⟧
1gup5zq⟦an event can have up to {most} guests⟧
0gbuabm⟦an event can have up to {most} recurrence rules⟧
02m6emx⟦a property can be up to {most} KiB⟧
1uhw299⟦a card has more than 256 KiB of text⟧
03r8sp7⟦a card is empty⟧
1pk8im0⟦a card doesn't have a name or an address⟧
1cdsidp⟦enter a device or app name⟧
03w9ifj⟦choose at least one service⟧
1wngb0z⟦app password not found: {name}⟧
192xcj9⟦is missing; run the openssl command with your private key, and add its output⟧
0iszdkk⟦doesn't belong to this account⟧
1nzt11g⟦This link has expired, has already been used, or was replaced by a newer one.⟧
1okc1ru⟦This link has already been used.⟧
1no3xfm⟦{address} doesn't exist on this server⟧
19gfh08⟦you're the organizer, so you can't invite your own address {address}⟧
0fa6rio⟦{address} doesn't accept your email⟧
09jddeg⟦{text} isn't a valid address⟧
10dncnr⟦choose one of your own domains: {names}⟧
1h97qll⟦the domain {domain} isn't on this server⟧
00yodgv⟦the account doesn't have an address at {domain}⟧
0a4lhvr⟦domain too long⟧
0kpiph3⟦bad domain syntax⟧
15s68cx⟦domain label too long⟧
0lo0gqe⟦bad internationalized domain⟧
0z5h7n2⟦bad quoted localpart⟧
1qr8ic8⟦empty localpart⟧
06qv179⟦bad localpart syntax⟧
1bhiwcy⟦control character in localpart⟧
0sfbakz⟦localpart too long⟧
0vworvr⟦bad address literal⟧
17fb7mh⟦address too long⟧
1ytgmvu⟦missing @ in address⟧
066qo3m⟦an invisible character is in the address⟧
1nlopbg⟦bad source route⟧
0m4evwm⟦path too long⟧
0rks5w1⟦missing @ in path⟧
0og8tss⟦the key isn't valid base64url⟧
0h1flz6⟦the authentication secret must be 16 bytes⟧
0lnp9z6⟦the public key must be 65 bytes⟧
19j85m8⟦the public key isn't a valid P-256 point⟧
0ymmtro⟦the push service URL is too long or has invalid characters⟧
06ivfpt⟦the push service URL isn't valid⟧
0nmagdg⟦the push service URL must start with https:// and include a host⟧
07lyo2m⟦a calendar copy is already running⟧
1h9bds2⟦too many calendar copies are running on this server; try again later⟧
1mlgyn3⟦the URL must start with https:// and can't include a password⟧
0xwb21z⟦the user name can't contain a colon⟧
1afc4z9⟦the server doesn't have a calendar or contacts home for this user⟧
1n3mha8⟦the server rejected the user name or password⟧
0knfjll⟦no calendars found there: {host} responded to {method} with {status}⟧
1jtldpa⟦a response is larger than {size} MiB⟧
1b3vew9⟦the server is out of memory; try again later⟧
1bi2rw2⟦can't read a response: {reason}⟧
0recd9t⟦the server redirects to {place}, but the password is only sent to the original server⟧
1qjgje8⟦“{text}” isn't a valid URL⟧
1w4mc47⟦unknown time zone, so times are the same in all time zones⟧
1m0v18f⟦skipped lines that can't be read⟧
0c78dvx⟦skipped the end because it isn't valid⟧
01tqsdv⟦skipped the repeat rule because it isn't valid⟧
08houqd⟦kept dates that a second rule (EXRULE) excludes⟧
0eo36qh⟦unknown time zone, so times are in {zone}⟧
1ocw4z2⟦the file doesn't contain any events or tasks⟧
1hk8wcb⟦the file doesn't contain any contacts⟧
000jaj4⟦the archive has more than {most} files⟧
1p1kst1⟦calendars aren't available over HTTPS on this server; your administrator can turn on dav_https⟧
1w54fcd⟦{address} only accepts email from its members⟧
1y3g5jq⟦the calendar URL must start with https:// or webcal://⟧
0p0iwnz⟦the URL can't include a user name or password⟧
0kt0ryv⟦can't reach the server: {reason}⟧
1paohbu⟦the server redirected to an invalid URL⟧
1ytlrt9⟦the server responded with {status}⟧
1ujvc6n⟦the calendar is larger than {size} MiB⟧
1gkhrka⟦no calendar found at this URL⟧
0jbikpb⟦you're already subscribed to this calendar⟧
0gv3e47⟦can't read the calendar: {reason}⟧
0hnk2wj⟦timed out reading the calendar⟧
0zzpkf1⟦{problem} (and {n} more)⟧
12wx6n2⟦Microsoft no longer allows other apps to log in with a password, so you can't link this account⟧
0ov7x40⟦Proton Mail only offers IMAP on your own computer, with its Bridge app, so you can't link this account⟧
1jln3zg⟦Tuta doesn't support IMAP, so you can't link this account⟧
18cj164⟦must be an email address, like mia@example.org⟧
08inwrk⟦couldn't find the mail server for {domain}; enter its name⟧
1n7pkh4⟦an import from another server is already running⟧
1606imf⟦too many imports are running on this server; try again later⟧
1meoemm⟦this import has changed; reload the page⟧
11er4yy⟦server error; see the server log⟧
1tq7cvo⟦another IMAP import or export of {account} is running⟧
0ncx68r⟦can't write a temporary file: {reason}⟧
1k8yhsz⟦{reason}; retrying in {seconds} s⟧
1h8olbe⟦{reason} (messages copied so far: {n}). To continue, run the same command again.⟧
0xiki20⟦the message is larger than {n} bytes⟧
1bjokfg⟦the server didn't return it⟧
1ix2tf2⟦{mailbox}, message with UID {uid}⟧
0q266ja⟦skipped {place}: {reason}⟧
0kae002⟦another server lookup is running; try again in a moment⟧
0hr06f6⟦timed out after {seconds} s⟧
0cb58em⟦the other server rejected the password; enter the password again⟧
0lph71d⟦couldn't find an SMTP server; to send from this address, enter its name⟧
0jybo7h⟦must be a server name, like smtp.example.org⟧
1vj9qd3⟦sending from {address} was turned off⟧
1d9mb1x⟦the linked account {name} is paused⟧
17or78n⟦the password for the linked account {name} was rejected⟧
0f6s7jx⟦{host}: {reason}⟧
0mykpno⟦POP3 requires encryption⟧
1l9vxmu⟦must be a port number⟧
1kyyaim⟦must be a number of days up to {n}. Only for POP3⟧
0acmx94⟦can't read the stored password; enter the password again⟧
1n1fg06⟦the server has more than {n} folders⟧
13quamb⟦skipped folder {name}: its name is too long or has unsupported characters⟧
1vimp78⟦skipped another user's folder {name}⟧
1fng2hr⟦skipped deleted folder {name}⟧
1sz8qnj⟦skipped folder {name}: only shows messages from other folders⟧
0qs4fag⟦the server reports more than {n} messages in a folder⟧
0p21re0⟦a search returned more messages than the folder has⟧
1e0ld36⟦messages were deleted while the folder was being listed⟧
1m4z0ul⟦unexpected response from the server: {reason}⟧
08qm6au⟦skipped folders for everybody: {names}⟧
16scyho⟦renamed folder {name} to {to}⟧
0jsbpuw⟦folder {name}: skipped annotation {key}: {reason}⟧
0pz44gi⟦some flags weren't copied: {reason}⟧
0lvgg6k⟦skipped folder {name}: {reason}⟧
1fc2kum⟦can't connect: {reason}⟧
0i5zpmv⟦too many connection attempts from this account; try again in {minutes} min⟧
10byura⟦no greeting for {seconds} s⟧
1g7v4is⟦the server didn't send an IMAP greeting⟧
13yr74o⟦the server refused the connection: {answer}⟧
0uy3k7r⟦the server reported a login before TLS started⟧
008m7zo⟦the server couldn't start TLS: {reason}⟧
14nj2dn⟦the server sent unexpected data after its response to {command}⟧
0auisxm⟦TLS handshake failed: {reason}⟧
1pb5oi4⟦the server sent an unexpected response⟧
0lw3weq⟦unexpected continuation request from the server⟧
0oiyffj⟦couldn't log in within {seconds} s⟧
0hij3ms⟦{host}'s certificate: {reason}⟧
0g5uumw⟦{reason}; to trust it, add its file to tls.ca.cert_files in moxlite.toml⟧
1ao6ksl⟦{host} isn't a server name: {reason}⟧
0f9s0yf⟦no response from DNS for {host}⟧
0fh8wtd⟦can't find {host}'s address: {reason}⟧
1dcu2yh⟦login failed: {reason}⟧
10tei7x⟦without TLS, the server doesn't offer a login method that protects your password (it offers {names})⟧
1mzcqp9⟦the server doesn't offer a supported login method (it offers {names})⟧
013ng35⟦the server didn't respond to {command} within {seconds} s⟧
0x03q85⟦the server didn't respond for {seconds} s⟧
1qvs30j⟦connection lost: {reason}⟧
1xkv4is⟦the server's response to {command} is too long⟧
1tpx2m6⟦the server didn't accept any data for {seconds} s⟧
1oph6hu⟦the server rejected {command}: {answer}⟧
00fpfou⟦the connection is no longer usable: {reason}⟧
0fevgi4⟦the server responded before the command was complete⟧
074490q⟦the server closed the connection: {answer}⟧
11locey⟦the server closed the connection⟧
07liusl⟦the account doesn't have an address to send the confirmation email from⟧
06g6tg3⟦the outgoing queue isn't available⟧
07041eb⟦this page doesn't have a public address. To open it to the internet, ask your administrator to run \`moxlite config listeners publish-web on\`, or to set web.public_url.{app} in moxlite.toml if others reach it another way⟧
1qwumco⟦another change to domains.toml is in progress; try again⟧
1ht9197⟦domains.toml has changed; review your changes again⟧
0gdjrtw⟦domains.toml has changed; try again⟧
0zi33oz⟦isn't a domain on this server⟧
1f1jw46⟦doesn't lead to {configured}⟧
1xc89pv⟦must be one of {words}⟧
185pnpo⟦must be printable ASCII because it's used in a header field⟧
00bn4vi⟦to create one, run: echo whsec_$(openssl rand -base64 32)⟧
1hqhxm2⟦must be upper case: write "{capability}"⟧
106r8wu⟦must end with the separator . or /, like "INBOX."⟧
1onudrj⟦must be 421 or 550 and a message, like "550 no longer here"⟧
157zzka⟦can't be combined with mailbox or rulesets⟧
0n68bm8⟦can have up to {most} addresses⟧
17ngmcy⟦is listed twice⟧
0heax1a⟦is this account's own address⟧
0ps4opf⟦must have at least one condition⟧
19ir35o⟦must have at least one action⟧
0vs36lw⟦requires smtp_mail_from_regexp and verified_domain⟧
062s3h5⟦can't be combined with list_allow_domain⟧
0dyowxf⟦can't be Inbox⟧
0pkaw2u⟦can have up to {most} conditions⟧
16a06pc⟦must have a value⟧
0s9ukbz⟦can be up to {most} characters⟧
04isp1t⟦must be more than 0⟧
0dclntb⟦must use the test "contains"⟧
0px3m8q⟦must be lowercase: "{pattern}"⟧
12zkcyh⟦"{pattern}" isn't a valid regular expression: {fault}⟧
03lqvbg⟦can't be the rejects mailbox⟧
1twrv8m⟦is reserved for queue_mailbox; only the queue can add messages to it⟧
0ylgv17⟦must be between 0 and 1⟧
1fkwyuw⟦must be at least 1⟧
0338knv⟦must be at least 0 and less than 0.5⟧
02uhwj4⟦requires onegrams, twograms, or threegrams⟧
02a0jif⟦must be at a domain on this server⟧
05itg08⟦must be at a domain with localpart_separators⟧
08mf3ds⟦lists the same value twice⟧
1sxr9oz⟦isn't a valid DNS name⟧
1y9e2do⟦must include From⟧
1rb2wbe⟦must be ASCII⟧
0czd34e⟦must be 1 to 32 letters and digits⟧
0jyywcg⟦must be a host name, optionally starting with *.⟧
11z3v4k⟦can't be blank, or begin or end with spaces, or contain control characters⟧
014ji1m⟦can't include the domain's separator⟧
0jtxyow⟦must have at least one member⟧
0gk7zut⟦must have a member on this server if it has members on other servers⟧
1mkj72z⟦did you mean "{word}"?⟧
1hpx6m5⟦is missing⟧
1cukpo9⟦this belongs at the top of the file, above the first [section]⟧
1moaiqi⟦put the domain in quotes: {header}⟧
1v8d9uu⟦can't be empty⟧
10on8gg⟦to leave it unset, remove this key⟧
10929mq⟦can't be negative⟧
19smucv⟦is out of range⟧
0klpwlj⟦contains control characters⟧
1dbuk2l⟦isn't a valid duration. For example, use "15s", "1h30m", or "7d"⟧
0ka2sfa⟦must be 100 years or less⟧
1gvopf4⟦isn't a valid size. Use bytes, or a value like "500k", "100m", or "2g"⟧
0mvlqlf⟦must be 1 PiB or less⟧
1tftehl⟦must be "auto" or a duration like "20d"⟧
0k0d2pz⟦must be a full path: only a shell knows what ~ means⟧
17bo2v8⟦must be a port number between 1 and 65535⟧
0p0t813⟦isn't a valid domain: {reason}⟧
1af6agh⟦must be lowercase Unicode; use "{domain}"⟧
178l1m0⟦must be in canonical form; use "{address}"⟧
0k9e9w3⟦isn't a valid localpart, the part of an address before the @⟧
01uvdo8⟦isn't a valid IP address⟧
08l4rk2⟦isn't a valid IP network. Use a format like 192.0.2.0/24{hint}⟧
1gnns8o⟦must be unix:/path/to/socket or unix:/path/to/socket:/path⟧
00ud60y⟦must be an http or https URL, or // followed by a host⟧
1i3hkh3⟦can't have a path; the request's path is used, or replace_path if set⟧
0gsswjl⟦must be ASCII, without a user name or password⟧
0f4hly4⟦must start and end with a single slash⟧
054ocvq⟦must be a scheme and host, like "https://webmail.example.net"⟧
11g1lpg⟦isn't a valid regular expression: {text}⟧
1k8qtn0⟦must be in Unicode normalization form NFC; use "{normal}"⟧
0s2e0s6⟦isn't a valid mailbox name⟧
1wqdwt1⟦must be a label keyword in lowercase, like "to_do"⟧
17ibyub⟦must be a single punctuation character, like "+" or "-"⟧
1b78ai4⟦must be ASCII and {most} characters or fewer⟧
03dh00c⟦must be {prefix} and {least} to {most} bytes in base64⟧
0wu8lb0⟦can have up to 2 secrets⟧
0uvk00u⟦must be {most} characters or fewer⟧
1w07qa1⟦can't be used as a regular expression, because {reason} could take too long to match⟧
1xsqg36⟦never matches: "{pattern}" has {reason}⟧
10tg86t⟦the server rejected the login: {answer}⟧
09zd50b⟦enter a pattern for both the name and the value⟧
0sfxw4p⟦has "{one}" twice; combine both values in one pattern⟧
1v4o1aq⟦{text} ({hint})⟧
1t80n0v⟦your changes weren't saved because the configuration has an error elsewhere; ask your administrator to fix it first⟧
1fhpf26⟦enter an address or account⟧
1t4y2l1⟦isn't an account on this server; you can only share with accounts⟧
1v1ykkh⟦is your own account, which already has full access⟧
0eaafy0⟦must be letters from {letters}, including l⟧
07fw83p⟦no longer exists⟧
0su4u3o⟦choose a single account; you can't let everyone send as you⟧
0y6ogsa⟦must be in the future⟧
0i8ut0o⟦doesn't have permission to send from this account's addresses⟧
0moiuye⟦forwarding isn't stopped, or the recipient doesn't want this mail⟧
0wgjzuv⟦mail isn't being forwarded to {address}⟧
1a9f3zr⟦Check the address for typos or ask the recipient for the correct one, then send your message again.⟧
03incoj⟦Your message and the address are fine. Contact your mail server's administrator.⟧
0zftmtq⟦Contact the recipient another way, and send your message again when there's space.⟧
1osxjp7⟦You don't need to do anything. The server will try again.⟧
1sx1wg8⟦Change your message: use fewer links, no link shorteners, and no attached programs. Or contact the recipient another way.⟧
10al86d⟦Contact the recipient another way. The administrator of the recipient's server has to fix this.⟧
1aa66xn⟦If the address works again, ask your mail server's administrator to allow it.⟧
0hqdwq9⟦Check your linked accounts, or send from another address.⟧
033eu8u⟦Check your computer and the attached files.⟧
11c75y2⟦Check the part after the @.⟧
0bk6blr⟦Contact the recipient another way.⟧
1rw9lfo⟦Share large files another way, and send a link.⟧
0w9wchk⟦Use addresses with only the letters a to z before the @, both yours and the recipient's.⟧
0lh2yzh⟦If your message isn't confidential, send it again without this requirement.⟧
`);
export {
  inWords2 as inWords
};
