"""Signs and verifies with dkimpy: one JSON object per line in, one per line out.

    {"op": "sign", "message": BASE64, "key": KEY, "algorithm": "rsa-sha256", "canon": ["relaxed", "simple"]}
        -> {"field": BASE64}
    {"op": "verify", "message": BASE64, "record": TEXT}
        -> {"valid": true}

The key is PEM for RSA and the base64 of the seed for Ed25519. An exception is {"error": TEXT}.
"""

import base64
import json
import sys

import dkim


def sign(request):
    return {
        "field": base64.b64encode(
            dkim.sign(
                base64.b64decode(request["message"]),
                request["selector"].encode(),
                request["domain"].encode(),
                request["key"].encode(),
                canonicalize=tuple(form.encode() for form in request["canon"]),
                signature_algorithm=request["algorithm"].encode(),
            )
        ).decode()
    }


def verify(request):
    record = request["record"].encode()
    message = base64.b64decode(request["message"])
    return {"valid": dkim.DKIM(message).verify(dnsfunc=lambda name, timeout=0: record)}


print(json.dumps({"dkimpy": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"sign": sign, "verify": verify}[request["op"]](request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
