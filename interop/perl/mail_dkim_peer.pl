# Signs and verifies with Mail::DKIM: one JSON object per line in, one per line out.
#
#     {"op": "sign", "message": BASE64, "domain": D, "selector": S, "key": PEM, "canon": "relaxed/simple"}
#         -> {"field": BASE64}
#     {"op": "verify", "message": BASE64, "name": NAME, "record": TEXT}
#         -> {"result": "fail", "detail": "fail (body has been altered)"}
#
# The record is the only one in the DNS, and the DNS is in this file. What dies is
# {"error": TEXT}.
use strict;
use warnings;

use Crypt::OpenSSL::RSA;
use JSON::PP;
use MIME::Base64;
use Mail::DKIM::DNS;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Net::DNS;

package Zone {
    sub send {
        my ($self, $name, $type) = @_;
        my $packet = Net::DNS::Packet->new($name, $type);
        if (lc $name eq lc $self->{name} && $type eq 'TXT') {
            my @strings = $self->{record} =~ /(.{1,255})/sg;
            $packet->push(answer => Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => \@strings));
        } else {
            $packet->header->rcode('NXDOMAIN');
        }
        return $packet;
    }

    sub errorstring { return 'NOERROR' }
}

sub fed {
    my ($machine, $request) = @_;
    $machine->PRINT(decode_base64($request->{message}));
    $machine->CLOSE;
    return $machine;
}

my %op = (
    sign => sub {
        my ($request) = @_;
        my $signer = Mail::DKIM::Signer->new(
            Algorithm => 'rsa-sha256',
            Method    => $request->{canon},
            Domain    => $request->{domain},
            Selector  => $request->{selector},
            Key       => Mail::DKIM::PrivateKey->load(Cork => Crypt::OpenSSL::RSA->new_private_key($request->{key})),
        );
        return { field => encode_base64(fed($signer, $request)->signature->as_string . "\r\n", '') };
    },
    verify => sub {
        my ($request) = @_;
        Mail::DKIM::DNS::resolver(bless { name => $request->{name}, record => $request->{record} }, 'Zone');
        my $verifier = fed(Mail::DKIM::Verifier->new, $request);
        return { result => $verifier->result, detail => $verifier->result_detail };
    },
);

my $json = JSON::PP->new->canonical;
local $| = 1;
print $json->encode({ mail_dkim => $Mail::DKIM::Verifier::VERSION }), "\n";
while (my $line = <STDIN>) {
    my $request = $json->decode($line);
    my $answer = eval { $op{ $request->{op} }->($request) } // { error => "$@" };
    print $json->encode($answer), "\n";
}
