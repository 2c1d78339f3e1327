"""Reads reports of TLS with CPython's email, gzip and json: one JSON object per line in and out.

    {"message": BASE64}
        -> {"fields": {"subject": "...", "tls-report-domain": "..."}, "type": "multipart/report",
            "report_type": "tlsrpt", "parts": ["text/plain", "application/tlsrpt+gzip"], "filename": "...",
            "report": {...}}
    {"gzip": BASE64}
        -> {"report": {...}}

An exception is {"error": TEXT}.
"""

import base64
import email
import email.policy
import gzip
import json
import sys


def read(request):
    if "gzip" in request:
        return {"report": json.loads(gzip.decompress(base64.b64decode(request["gzip"])))}
    message = email.message_from_bytes(base64.b64decode(request["message"]), policy=email.policy.SMTP)
    parts = list(message.iter_parts())
    attachment = parts[-1]
    return {
        "fields": {name.lower(): str(value) for name, value in message.items()},
        "type": message.get_content_type(),
        "report_type": message["content-type"].params.get("report-type"),
        "parts": [part.get_content_type() for part in parts],
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
        "filename": attachment.get_filename(),
        "report": json.loads(gzip.decompress(attachment.get_payload(decode=True))),
    }


print(json.dumps({"tlsrpt": sys.version.split()[0]}), flush=True)
for line in sys.stdin:
    try:
        answer = read(json.loads(line))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
