"""Reads DNS messages as hexadecimal lines, and writes each as dnspython encodes it again."""

import sys

import dns.message

for line in sys.stdin:
    message = dns.message.from_wire(bytes.fromhex(line), one_rr_per_rrset=True)
    print(message.to_wire(max_size=65535).hex())
