"""Reads messages with CPython's email package: one JSON object per line in and out.

    {"message": BASE64}
        -> {"parts": [{"depth": 0, "type": "text/plain", "length": 3, "sha256": HEX, "filename": BASE64}, ...],
            "defects": ["CloseBoundaryNotFoundDefect", ...]}

The parts come in document order. A part that has parts has no length and no sha256; one without a file name
has no filename. An exception is {"error": TEXT}.

With "strict": true the white space at the ends of lines of quoted-printable is deleted before it is decoded, as
RFC 2045 6.7 (3) asks; the email package keeps it.

The policy is compat32. It decides nothing about values that the structure does not need, and keeps every byte
of a body; the newer one parses each field on access, and lets the exceptions of its parsers through.
"""

import base64
import email
import email.policy
import hashlib
import json
import re
import sys


def read(raw, strict):
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    parts, defects = [], []
    todo = [(0, message)]
    while todo:
        depth, part = todo.pop()
        answer = {"depth": depth, "type": part.get_content_type()}
        filename = part.get_filename()
        if filename is not None:
            name = filename.encode("utf-8", "surrogateescape")
            answer["filename"] = base64.b64encode(name).decode()
        parts.append(answer)
        if part.get_content_type() == "message/delivery-status":
            answer["length"] = None  # the email package has taken it to pieces
        elif part.is_multipart():
            todo += [(depth + 1, child) for child in reversed(part.get_payload())]
        else:
            if strict and str(part.get("content-transfer-encoding", "")).lower() == "quoted-printable":
                part.set_payload(re.sub(r"[ \t]+(?=\r?\n|\Z)", "", part.get_payload()))
            octets = part.get_payload(decode=True)
            answer["length"] = len(octets)
            answer["sha256"] = hashlib.sha256(octets).hexdigest()
        defects += [type(defect).__name__ for defect in part.defects]
    return {"parts": parts, "defects": defects}


print(json.dumps({"email": sys.version.split()[0]}), flush=True)
for line in sys.stdin:
    try:
        request = json.loads(line)
        answer = read(base64.b64decode(request["message"]), request.get("strict", False))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
