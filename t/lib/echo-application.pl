#!/usr/bin/perl
# An application for tests: answers every request with its own head and body, byte for byte, so that
# a test sees what arrived behind the gateway.  Paths choose special answers.
#
#     echo-application.pl PORT
use strict;
use warnings;
use IO::Socket::INET;

my $port = shift or die "usage: $0 PORT\n";
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 128, ReuseAddr => 1)
    or die "port $port: $!\n";
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';

while (1) {
    my $client = $listener->accept or next;
    next if fork;
    $client->autoflush;
    my $head = '';
    local $SIG{ALRM} = sub { exit };
    alarm 10;
    while ($head !~ /\r\n\r\n/ && sysread $client, my $part, 65536) { $head .= $part }
    my ($path) = $head =~ m{^\S+ (\S+)};
    $path //= '';
    my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
    my $body = $head =~ /\r\n\r\n(.*)/s ? $1 : '';
    while ($length && length $body < $length && sysread $client, my $part, 65536) { $head .= $part; $body .= $part }
    my $extra = $path =~ m{/accel(/.*)$} ? "X-Accel-Redirect: $1\r\n" : $path =~ m{/fail} ? '' : "X-Application: reached\r\n";
    my $status = $path =~ m{/fail} ? '500 Internal Server Error' : '200 OK';
    print $client "HTTP/1.0 $status\r\nContent-Type: text/plain\r\n${extra}Content-Length: ", length $head, "\r\n\r\n", $head;
    exit;
}
