# A session of Mail::IMAPClient: folders, messages, flags, search, sort, thread, copy, move, idle. Dies at the first surprise.
use strict;
use warnings;
use Mail::IMAPClient;

my ($port, $user, $password, $ca, $added) = @ARGV;
my $imap = Mail::IMAPClient->new(
    Server => "localhost", Port => $port, User => $user, Password => $password, Uid => 1, Peek => 1,
    Ssl => [ SSL_ca_file => $ca ], Authmechanism => "CRAM-MD5", Compress => 1, Timeout => 60,
) or die "connect: $@";
sub must { my ($value, $what) = @_; die "$what: " . $imap->LastError unless defined $value; return $value }

print "capable $_\n" for grep { $imap->has_capability($_) } qw(IMAP4rev1 UIDPLUS MOVE SORT IDLE COMPRESS=DEFLATE);
print "folder $_\n" for sort { $a cmp $b } $imap->folders;
must($imap->select("INBOX"), "select");
for my $uid ($imap->messages) {
    my $octets = must($imap->message_string($uid), "message_string");
    print "message $uid ", length($octets), " ", unpack("%32C*", $octets), " ", join(",", sort grep { $_ ne "\\Recent" } $imap->flags($uid)), "\n";
}
must($imap->create("perl/inner"), "create");
open(my $file, "<:raw", $added) or die;
my $text = do { local $/; <$file> };
my $uid = must($imap->append_string("perl/inner", $text, "\\Seen perl", "01-Feb-2020 03:04:05 +0000"), "append_string");
print "appended $uid\n";
must($imap->select("perl/inner"), "select inner");
print "same octets\n" if $imap->message_string($uid) eq $text;
print "date ", $imap->internaldate($uid), "\n";
must($imap->set_flag("Flagged", $uid), "set_flag");
must($imap->unset_flag("Seen", $uid), "unset_flag");
print "found ", join(",", $imap->search("FLAGGED")), "\n";
print "sorted ", join(",", must($imap->sort("REVERSE DATE", "UTF-8", "ALL"), "sort")), "\n";
print "threads ", scalar(@{ must($imap->thread("REFERENCES", "UTF-8", "ALL"), "thread") }), "\n";
must($imap->copy("Archive", $uid), "copy");
must($imap->move("Archive", $uid), "move");
must($imap->expunge, "expunge");
print "left ", $imap->message_count("perl/inner"), "\n";
my $idle = must($imap->idle, "idle");
must($imap->done($idle), "done");
must($imap->rename("perl/inner", "perl/outer"), "rename");
must($imap->select("INBOX"), "select again");
must($imap->delete("perl/outer"), "delete");
must($imap->logout, "logout");
print "end\n";
