"""Receives mail with aiosmtpd as several servers, each at an address of its own with a certificate of its own.

    aiosmtpd_hosts_peer.py PORT SERVERS

SERVERS is a file of JSON: a list of {"host": "127.0.0.1", "certificate": FILE or null, "key": FILE, "require_tls":
true, "old_tls": true}. A server with a certificate offers STARTTLS; with require_tls it offers REQUIRETLS under TLS
(RFC 8689), which aiosmtpd does not have by itself; with old_tls it knows TLS 1.1 alone.

It greets with {"aiosmtpd": VERSION}. {} asks for the messages that came since the last question:
    -> {"messages": [{"host": "127.0.0.1", "tls": true, "from": "...", "to": ["..."], "options": [...], "data": BASE64}]}
"""

import asyncio
import base64
import json
import logging
import pathlib
import ssl
import sys

import aiosmtpd
from aiosmtpd.smtp import SMTP

port, servers = int(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
messages = []


class Server(SMTP):
    """aiosmtpd, with REQUIRETLS where its host has it."""

    def offers_require_tls(self):
        return self.event_handler.host["require_tls"] and self.session.ssl is not None

    def _getparams(self, params):
        known = super()._getparams(params)
        if known is not None and self.offers_require_tls():
            known.pop("REQUIRETLS", None)
        return known


class Handler:
    def __init__(self, host):
        self.host = host

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        if server.offers_require_tls():
            responses.insert(1, "250-REQUIRETLS")
        return responses

    async def handle_DATA(self, server, session, envelope):
        messages.append(
            {
                "host": self.host["host"],
                "tls": session.ssl is not None,
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "options": envelope.mail_options,
                "data": base64.b64encode(envelope.original_content).decode(),
            }
        )
        return "250 2.0.0 OK"


def factory(host):
    options = {"hostname": "aiosmtpd.example.org", "loop": asyncio.get_running_loop()}
    if host["certificate"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if host["old_tls"]:
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(host["certificate"], host["key"])
        options["tls_context"] = context
    return lambda: Server(Handler(host), **options)


async def main():
    loop = asyncio.get_running_loop()
    for host in servers:
        await loop.create_server(factory(host), host["host"], port)
    print(json.dumps({"aiosmtpd": aiosmtpd.__version__}), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"messages": messages}), flush=True)
        messages.clear()


asyncio.run(main())
