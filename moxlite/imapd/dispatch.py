"""Table of all commands: the handler of each, and the state that it needs (RFC 9051 §6; IMAP-52)."""

from collections.abc import Mapping
from typing import Final

from moxlite.imapd import auth, basic
from moxlite.imapd.changes import copy, store
from moxlite.imapd.fetch import append, fetch
from moxlite.imapd.mailboxes import acl, listing, mailboxes, metadata, notify, select
from moxlite.imapd.search import search, sort
from moxlite.imapd.session.state import Handler, Need
from moxlite.imapd.updates import watch
from moxlite.proto.imap import commands as c

HANDLERS: Final[Mapping[type, Handler]] = {
    # §6.1: any state
    c.Capability: Handler(basic.capability, Need.NOTHING),
    c.Noop: Handler(basic.noop, Need.NOTHING),
    c.Logout: Handler(basic.logout, Need.NOTHING, tells=False),
    c.Id: Handler(basic.identify, Need.NOTHING, capability="ID"),
    # §6.2: before login
    c.StartTls: Handler(auth.starttls, Need.NO_LOGIN, after=auth.begin_tls),
    c.Authenticate: Handler(auth.authenticate, Need.NO_LOGIN, tells=False),
    c.Login: Handler(auth.login, Need.NO_LOGIN, tells=False),
    # §6.3: after login
    c.Enable: Handler(basic.enable, Need.LOGIN, capability="ENABLE"),
    c.Select: Handler(select.select, Need.LOGIN, tells=False),
    c.Examine: Handler(select.select, Need.LOGIN, tells=False),
    c.Create: Handler(mailboxes.create, Need.LOGIN, changes=True),
    c.Delete: Handler(mailboxes.delete, Need.LOGIN, changes=True),
    c.Rename: Handler(mailboxes.rename, Need.LOGIN, changes=True),
    c.Subscribe: Handler(mailboxes.subscribe, Need.LOGIN, changes=True),
    c.Unsubscribe: Handler(mailboxes.unsubscribe, Need.LOGIN, changes=True),
    c.List: Handler(listing.list_mailboxes, Need.LOGIN),
    c.Lsub: Handler(listing.lsub, Need.LOGIN),
    c.Namespace: Handler(basic.namespace, Need.LOGIN, capability="NAMESPACE"),
    c.GetJmapAccess: Handler(basic.jmap_access, Need.LOGIN, capability="JMAPACCESS"),
    c.Status: Handler(listing.status, Need.LOGIN),
    c.Append: Handler(append.append, Need.LOGIN, changes=True),
    c.Idle: Handler(watch.idle, Need.LOGIN, capability="IDLE"),
    c.GetQuota: Handler(mailboxes.quota, Need.LOGIN, capability="QUOTA"),
    c.GetQuotaRoot: Handler(mailboxes.quota_root, Need.LOGIN, capability="QUOTA"),
    c.SetQuota: Handler(mailboxes.set_quota, Need.LOGIN, capability="QUOTA", changes=True),
    c.GetMetadata: Handler(metadata.get_metadata, Need.LOGIN, capability="METADATA"),
    c.SetMetadata: Handler(metadata.set_metadata, Need.LOGIN, capability="METADATA", changes=True),
    c.SetAcl: Handler(acl.set_acl, Need.LOGIN, capability="ACL", changes=True),
    c.DeleteAcl: Handler(acl.delete_acl, Need.LOGIN, capability="ACL", changes=True),
    c.GetAcl: Handler(acl.get_acl, Need.LOGIN, capability="ACL"),
    c.ListRights: Handler(acl.list_rights, Need.LOGIN, capability="ACL"),
    c.MyRights: Handler(acl.my_rights, Need.LOGIN, capability="ACL"),
    c.Compress: Handler(basic.compress, Need.LOGIN, after=basic.begin_compression, capability="COMPRESS=DEFLATE"),
    c.Notify: Handler(notify.notify, Need.LOGIN, capability="NOTIFY"),
    c.Esearch: Handler(sort.search_mailboxes, Need.LOGIN, capability="MULTISEARCH"),
    # §6.4: with a selected mailbox
    c.Check: Handler(basic.check, Need.MAILBOX),
    c.Close: Handler(select.close, Need.MAILBOX, tells=False),
    c.Unselect: Handler(select.unselect, Need.MAILBOX, tells=False, capability="UNSELECT"),
    c.Expunge: Handler(copy.expunge, Need.MAILBOX, changes=True),
    c.Fetch: Handler(fetch.fetch, Need.MAILBOX),
    c.Search: Handler(search.search, Need.MAILBOX),
    c.UidBatches: Handler(search.uid_batches, Need.MAILBOX, capability="UIDBATCHES"),
    c.Sort: Handler(sort.sort, Need.MAILBOX, capability="SORT"),
    c.Thread: Handler(sort.thread, Need.MAILBOX),
    c.Store: Handler(store.store, Need.MAILBOX, changes=True),
    c.Copy: Handler(copy.copy, Need.MAILBOX, changes=True),
    c.Move: Handler(copy.move, Need.MAILBOX, capability="MOVE", changes=True),
    c.Replace: Handler(append.replace, Need.MAILBOX, capability="REPLACE", changes=True),
}
