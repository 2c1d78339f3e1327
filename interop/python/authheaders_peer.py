"""Authenticates messages with authheaders and its DMARCbis tree walk: one JSON object per line in and out.

    {"message": BASE64, "ip": "192.0.2.1", "helo": NAME, "mail_from": ADDRESS, "zone": [[NAME, TYPE, VALUE], ...]}
        -> {"spf": "pass", "dkim": "fail", "dmarc": "fail", "policy": "reject"}

What it has no word for is null. An exception is {"error": TEXT}.

authheaders asks for keys and DMARC records by a function that it is given, and for SPF through pyspf. Where
it finds that function to be its own `dns_query`, it takes several records from it, else one; so it is
given one that stands for its own. It also asks psddmarc.org which names are public suffixes, which RFC 9989
knows nothing of: here none is.
"""

import base64
import json
import sys

import authheaders
import authheaders.dmarc_lookup
import authres
import spf


def authenticate(request):
    rows = [(name.lower(), rtype, value) for name, rtype, value in request["zone"]]

    def records(name, rtype):
        return [value for owner, kind, value in rows if (owner, kind) == (name.lower(), rtype)]

    def dns_query(name, *rest, **options):
        if isinstance(name, bytes):  # from dkimpy, for a key
            found = records(name.decode().rstrip("."), "TXT")
            return found[0].encode() if found else None
        if name.startswith("_dmarc."):
            return [f'"{record}"' for record in records(name, "TXT")] or None
        return [row for row in rows if row[0] == name.lower()] or None  # whether there is such a name

    def spf_lookup(name, qtype, strict=True, timeout=0):
        values = records(name, qtype)
        return [((name, qtype), [value.encode()] if qtype == "TXT" else value) for value in values]

    spf.DNSLookup = spf_lookup
    authheaders.dns_query = authheaders.dmarc_lookup.dns_query = dns_query
    authheaders.check_psddmarc_list = lambda name, dnsfunc=None: False
    field = authheaders.authenticate_message(
        base64.b64decode(request["message"]),
        "judge.example",
        ip=request["ip"],
        helo=request["helo"],
        mail_from=request["mail_from"],
        spf=True,
        dkim=True,
        dnsfunc=dns_query,
        dmarcbis=True,
    )
    answer = dict.fromkeys(["spf", "dkim", "dmarc", "policy"])
    for result in authres.AuthenticationResultsHeader.parse(field).results:
        answer[result.method] = result.result
        for item in result.properties:
            if (item.type, item.name) == ("policy", "dmarc"):
                answer["policy"] = item.value
    return answer


print(json.dumps({"authheaders": True}), flush=True)
for line in sys.stdin:
    try:
        answer = authenticate(json.loads(line))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
