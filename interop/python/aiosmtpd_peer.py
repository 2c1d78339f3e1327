"""Receives mail with aiosmtpd: a server on a free port of 127.0.0.1 or where it is told, and one JSON object per line in and out.

    aiosmtpd_peer.py [--listen HOST PORT] [--lmtp] [--cert CERT KEY] [--auth USER PASSWORD] [--refuse ADDRESS]... [--relay PORT]

With --relay each message goes on to a server on that port of 127.0.0.1, and none is kept.

It greets with {"aiosmtpd": VERSION, "port": 12345}. {} asks for the messages that came since the last question:
    -> {"messages": [{"from": "...", "to": ["..."], "mail_options": [...], "rcpt_options": [...], "data": BASE64}]}
"""

import argparse
import asyncio
import base64
import json
import logging
import ssl
import sys

import aiosmtpd
from aiosmtpd.handlers import Proxy
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("--listen", nargs=2, default=["127.0.0.1", "0"])
arguments.add_argument("--lmtp", action="store_true")
arguments.add_argument("--cert", nargs=2)
arguments.add_argument("--auth", nargs=2)
arguments.add_argument("--refuse", action="append", default=[])
arguments.add_argument("--relay", type=int)
arguments = arguments.parse_args()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
messages = []


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in arguments.refuse:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        messages.append(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "mail_options": envelope.mail_options,
                "rcpt_options": envelope.rcpt_options,
                "data": base64.b64encode(envelope.original_content).decode(),
            }
        )
        return "250 2.0.0 OK"


def authenticate(server, session, envelope, mechanism, data):
    user, password = (part.encode() for part in arguments.auth)
    return AuthResult(success=(data.login, data.password) == (user, password), handled=False)


def protocol():
    options = {"hostname": "aiosmtpd.example.org", "enable_SMTPUTF8": True, "loop": asyncio.get_running_loop()}
    if arguments.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*arguments.cert)
        options["tls_context"] = context
    if arguments.auth:
        options["authenticator"] = authenticate
        options["auth_required"] = True
        options["auth_require_tls"] = bool(arguments.cert)
    handler = Proxy("127.0.0.1", arguments.relay) if arguments.relay else Handler()
    return (LMTP if arguments.lmtp else SMTP)(handler, **options)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, arguments.listen[0], int(arguments.listen[1]))
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"aiosmtpd": aiosmtpd.__version__, "port": port}), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"messages": messages}), flush=True)
        messages.clear()


asyncio.run(main())
