"""Sends mail with Python's smtplib: one JSON object per line in and out.

    {"port": 2525, "from": "a@example.org", "to": ["b@d.test"], "message": BASE64}
        -> {"refused": {"c@d.test": [550, "5.1.1 ..."]}, "transcript": "..."}

Members that may be there: "lmtp": true; "starttls": true (any certificate is taken); "user" and "password", with
"mechanism": "PLAIN", "LOGIN", or "XOAUTH2" or "OAUTHBEARER", for which the password is the token; "mail_options" and "rcpt_options": lists of parameters; "commands": a
list of [verb, argument] sent after the greeting, whose replies are "replies": [[250, "..."], ...]; "count": how
often the message is sent over the connection. An exception is {"error": NAME, "code": 550, "text": "..."}; those
of smtplib that have no reply have no code.

The message is sent with its bytes as they are, bare CR and LF too; smtplib stuffs the dots, and adds CRLF when it
does not end so.
"""

import base64
import contextlib
import io
import json
import smtplib
import ssl
import sys


# A challenge behind the token is an error of the server, which is answered so that it says 535.
TOKENS = {
    "XOAUTH2": lambda client: lambda challenge=None: (
        "" if challenge else f"user={client.user}\x01auth=Bearer {client.password}\x01\x01"
    ),
    "OAUTHBEARER": lambda client: lambda challenge=None: (
        "\x01" if challenge else f"n,a={client.user},\x01auth=Bearer {client.password}\x01\x01"
    ),
}


def send(request):
    kind = smtplib.LMTP if request.get("lmtp") else smtplib.SMTP
    client = kind("127.0.0.1", request["port"], local_hostname="client.example.org")
    client.timeout = 20
    try:
        return talk(client, request)
    finally:
        client.close()


def talk(client, request):
    client.ehlo()
    if request.get("starttls"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.starttls(context=context)
        client.ehlo()
    if "user" in request:
        client.user, client.password = request["user"], request["password"]
        mechanism = request["mechanism"]
        method = TOKENS.get(mechanism, lambda client: getattr(client, "auth_" + mechanism.lower()))(client)
        code, text = client.auth(mechanism, method)
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, text)
    replies = [client.docmd(*command) for command in request.get("commands", [])]
    answer = {"features": client.esmtp_features, "replies": [[code, text.decode()] for code, text in replies]}
    if "message" in request:
        for _ in range(request.get("count", 1)):
            refused = client.sendmail(
                request["from"],
                request["to"],
                base64.b64decode(request["message"]),
                request.get("mail_options", []),
                request.get("rcpt_options", []),
            )
        answer["refused"] = {to: [code, text.decode()] for to, (code, text) in refused.items()}
    client.quit()
    return answer


print(json.dumps({"smtplib": sys.version.split()[0]}), flush=True)
for line in sys.stdin:
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            answer = send(json.loads(line))
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        answer = {"error": type(error).__name__, "code": error.smtp_code}
        answer["text"] = text.decode() if isinstance(text, bytes) else str(text)
    except smtplib.SMTPRecipientsRefused as error:
        answer = {"error": type(error).__name__}
        answer["refused"] = {to: [code, text.decode()] for to, (code, text) in error.recipients.items()}
    except Exception as error:
        answer = {"error": type(error).__name__, "text": str(error)}
    print(json.dumps(answer), flush=True)
