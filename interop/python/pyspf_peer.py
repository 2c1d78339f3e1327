"""Evaluates SPF with pyspf: one scenario of the openspf suite per line in, its results per line out.

    {"zonedata": ZONE, "tests": {NAME: {"helo", "host", "mailfrom"}}, "repairs": [null, ["joiner"]]}
        -> [{NAME: ["fail", "explanation"]}, {NAME: ["fail", "explanation"]}]

Each item of "repairs" is one run: null is pyspf as it was released; a list is pyspf with the named
deviations from RFC 7208 mended, so that what they explain, and what they do not, can be told apart. The
first line out says which there are, and why each is one. The explanation is null except for a fail, and
"DEFAULT" where the domain gives none. An exception is the result "error: TEXT".

The zone is that of `interop/src/spf.rs`, with the same rules.
"""

import importlib.util
import json
import re
import sys
import types

import spf

RECEIVER = "receiver.example"
NOW = 1_400_000_000

REPAIRS = {
    "empty explanation": "an explanation of no characters is one (RFC 7208 6.2); pyspf puts its own text there",
    "empty target": "a target of no characters has no addresses, and the record is not at fault; pyspf says permerror"
    " (RFC 7208 4.8 leaves it open)",
    "exp when needed": "the text is fetched after the result is fail (RFC 7208 6.2); pyspf fetches it while it reads"
    " any record, with effect on the limits",
    "include itself": "a record that includes itself has no syntax error (RFC 7208 5.2), it meets the limit, if it is"
    " reached; pyspf says permerror before it evaluates",
    "joiner": "the parts of a split macro are joined with dots (RFC 7208 7.3); pyspf keeps the delimiters but for l and s",
    "label cut": "labels are taken off the left until 253 characters remain (RFC 7208 7.3), and not off an explanation;"
    " pyspf takes one off either",
    "macro syntax": "RFC 7208 7.1; pyspf reads macros without a closing brace, with a count of 0 or after the r, with any"
    " delimiter, and lets any character stand between them",
    "modifier case": "names of modifiers have no case (RFC 5234 2.3); pyspf ignores REDIRECT= and EXP=",
    "multi-label": "a domain of one label has no record (RFC 7208 4.3); pyspf asks for it",
    "mx order": "any matching address decides (RFC 7208 5.4), also where the lookup of another exchange fails; pyspf"
    " stops with temperror at any failure (RFC 7208 5 read to the letter)",
    "p counts": "a term with %{p} looks up PTR records, included in the limit of ten (RFC 7208 4.6.4); pyspf does not"
    " count them",
    "p of the domain": "%{p} prefers a name within the domain of the current record (RFC 7208 7.3), in any case; pyspf"
    " keeps the choice made for the first record, and compares octets",
    "p when needed": "macros are expanded when their term is evaluated (RFC 7208 4.6, 7.3); pyspf looks %{p} up while it"
    " reads a record, for terms it never comes to, and for modifiers it does not know",
    "ptr failures": "when a lookup fails, ptr does not match, or the name is skipped (RFC 7208 5.5); pyspf says temperror",
    "ptr names": "a name outside of the target cannot match (RFC 7208 5.5) and needs no lookup; pyspf looks it up,"
    " with effect on the void lookups",
    "redirect counts": "a redirect counts when it is followed (RFC 7208 4.6.4, 6.1); pyspf counts it while it reads the"
    " record, also where a mechanism matches",
    "sender": "the local-part ends at the last @, the dot of the root is no label, and postmaster stands in %{s} too"
    " (RFC 7208 2.4, 4.3); pyspf does otherwise",
    "unknown modifiers": "they are ignored no matter how often (RFC 7208 6), but their syntax counts (RFC 7208 12); pyspf"
    " refuses a second one, and does not read those of op= and default=",
    "void terms": "terms are counted, not queries (RFC 7208 4.6.4), and one that matches has found something; pyspf"
    " counts each query of an mx or ptr",
}

# The mended places. Where none of REPAIRS is on, the text does what it did before.
PATCHES = [
    (
        "class query(object):\n",
        """ON = frozenset()
RE_SYNTAX = re.compile(r'(?:[!-$&-~]|%[%_-]|%\\{[slodiphcrtv](?!0+[^0-9])[0-9]*r?[.+,/_=-]*\\})*$', re.I)

class query(object):
    void_term = False
    void_counted = False
    reading = False

    def expand_later(self, arg):
        "Checks a domain-spec; expands it only where pyspf would have."
        if 'p when needed' not in ON:
            return self.expand_domain(arg)
        if RE_TOPLAB.split(arg)[-1]:
            raise PermError('Invalid domain found (use FQDN)', arg)
        self.check_syntax(arg)
        return arg

    def check_syntax(self, arg):
        self.reading, p = True, self.p
        try:
            self.expand(arg)
        finally:
            self.reading, self.p = False, p

    def expand_now(self, arg):
        return self.expand(arg) if 'p when needed' in ON else arg

    def begin_term(self, m, arg, mech):
        self.end_term()
        self.void_counted = False
        if 'p when needed' not in ON or m not in ('a', 'mx', 'ptr', 'exists', 'include'):
            return arg
        if arg == self.d and ':' not in mech:
            return arg
        if 'p counts' in ON and re.search(r'%\\{p', re.sub('%%', '', arg), re.I):
            self.check_lookups()
        arg = self.expand_at_last(arg)
        if not arg and 'empty target' not in ON:
            raise PermError('empty domain:', mech)
        return arg

    def expand_at_last(self, arg):
        arg = self.expand(arg)
        self.end_term()
        return arg

    def end_term(self):
        if self.void_term and not self.void_counted:
            self.void_lookups += 1
            self.void_counted = True
            if self.void_lookups > MAX_VOID_LOOKUPS:
                raise PermError('Void lookup limit of %d exceeded' % MAX_VOID_LOOKUPS)
        self.void_term = False

""",
    ),
    (
        "        self.l, self.o = split_email(s, h)\n        self.t =",
        """        self.l, self.o = split_email(s, h)
        if 'sender' in ON:
            at = s.rfind('@')
            self.l = s[:at] if at > 0 else 'postmaster'
            self.o = (s[at + 1:] if s else h)
            if self.o.endswith('.'):
                self.o = self.o[:-1]
            self.s = self.l + '@' + self.o
        self.t =""",
    ),
    (
        "        if not self.p:\n            p = self.validated_ptrs()",
        """        if self.reading:
            self.p = 'unknown'
        elif not self.p or 'p of the domain' in ON:
            p = self.validated_ptrs()""",
    ),
    (
        """            elif self.d in p:
                self.p = self.d
            else:
                sfx = '.' + self.d
                for d in p:
                    if d.endswith(sfx):""",
        """            elif self.d in p and 'p of the domain' not in ON:
                self.p = self.d
            elif 'p of the domain' in ON and self.d.lower() in [d.lower() for d in p]:
                self.p = [d for d in p if d.lower() == self.d.lower()][0]
            else:
                sfx = '.' + self.d
                for d in p:
                    if d.endswith(sfx) or 'p of the domain' in ON and d.lower().endswith(sfx.lower()):""",
    ),
    (
        """            arg = self.expand_domain(arg)
            if not arg:
                raise PermError('empty domain:',mech)
            if m == 'include':""",
        """            if not arg:
                raise PermError('empty domain:',mech)
            arg = self.expand_later(arg)
            if not arg and 'empty target' not in ON:
                raise PermError('empty domain:',mech)
            if m == 'include' and ('include itself' not in ON or mech.find(':') < 0):""",
    ),
    (
        """            mod,arg = m
            if mod in modifiers:""",
        """            mod,arg = m
            if 'modifier case' in ON and mod.lower() in ('exp', 'redirect'):
                mod = mod.lower()
            if 'unknown modifiers' in ON and mod not in ('exp', 'redirect'):
                self.check_syntax(arg)
                continue
            if mod in modifiers:""",
    ),
    (
        """                arg = self.expand_domain(arg)
                if arg:
                    try:
                        exp = self.get_explanation(arg)
                        if exp and not recursion:""",
        """                arg = self.expand_later(arg)
                if 'exp when needed' in ON:
                    explanation = arg
                elif arg:
                    try:
                        exp = self.get_explanation(self.expand_now(arg))
                        if (exp or exp is not None and 'empty explanation' in ON) and not recursion:""",
    ),
    (
        """                self.check_lookups()
                redirect = self.expand_domain(arg)
                if not redirect:""",
        """                if 'redirect counts' not in ON:
                    self.check_lookups()
                redirect = self.expand_later(arg)
                if not redirect and ('empty target' not in ON or not arg):""",
    ),
    (
        "                self.expand(m[1])       # syntax error on invalid macro",
        """                if 'p when needed' in ON:
                    self.check_syntax(m[1])
                else:
                    self.expand(m[1])""",
    ),
    (
        "        modifiers = []\n",
        "        modifiers = []\n        explanation = None\n",
    ),
    (
        "        for mech, m, arg, cidrlength, result in mechs:\n",
        """        for mech, m, arg, cidrlength, result in mechs:
            if m in ('a', 'mx', 'ptr', 'exists', 'include'):
                self.check_lookups()
            arg = self.begin_term(m, arg, mech)
""",
    ),
    ("            if m == 'include':\n                self.check_lookups()\n", "            if m == 'include':\n"),
    ("            elif m == 'exists':\n                self.check_lookups()\n", "            elif m == 'exists':\n"),
    ("            elif m == 'a':\n                self.check_lookups()\n", "            elif m == 'a':\n"),
    ("            elif m == 'mx':\n                self.check_lookups()\n", "            elif m == 'mx':\n"),
    (
        """            elif m == 'ptr':
                self.check_lookups()
                if domainmatch(self.validated_ptrs(), arg):""",
        """            elif m == 'ptr':
                if domainmatch(self.validated_ptrs(arg), arg):""",
    ),
    (
        "                if self.cidrmatch(self.dns_mx(arg), cidrlength):\n                    break",
        """                failures = []
                if self.cidrmatch(self.dns_mx(arg, failures), cidrlength):
                    break
                if failures:
                    raise failures[0]""",
    ),
    (
        "            # no matches\n            if redirect:",
        """            # no matches
            self.end_term()
            if redirect is not None:
                if 'redirect counts' in ON:
                    self.check_lookups()
                if 'p when needed' in ON:
                    if 'p counts' in ON and re.search(r'%\\{p', re.sub('%%', '', redirect), re.I):
                        self.check_lookups()
                    self.void_counted = False
                    redirect = self.expand_at_last(redirect)""",
    ),
    (
        "        if not recursion:       # record matching mechanism at base level",
        """        self.void_term = False
        if not recursion and result == 'fail' and explanation:
            try:
                explanation = self.expand_now(explanation)
                exp = self.get_explanation(explanation) if explanation else None
                if exp or exp is not None and 'empty explanation' in ON:
                    self.set_explanation(exp)
            except Exception:
                pass
        if not recursion:""",
    ),
    (
        """        # Check for invalid macro syntax
        if s.find('%') >= 0:""",
        """        if 'macro syntax' in ON and not RE_SYNTAX.match(s if stripdot else s.replace(' ', '')):
            raise PermError('invalid macro', s)
        if s.find('%') >= 0:""",
    ),
    (
        "                    e = expand_one(expansion, macro[3:-1], JOINERS.get(letter))",
        """                    joiner = '.' if 'joiner' in ON else JOINERS.get(letter)
                    e = expand_one(expansion, macro[3:-1], joiner)""",
    ),
    (
        "        if result.count('.') != 0:\n            if len(result) > 253:",
        """        if 'label cut' in ON:
            while stripdot and len(result) > 253 and '.' in result:
                result = result[result.index('.') + 1:]
        elif result.count('.') != 0:
            if len(result) > 253:""",
    ),
    (
        "        a = [t for t in self.dns_txt(domain) if RE_SPF.match(t)]",
        """        if 'multi-label' in ON and '.' not in domain:
            return None
        a = [t for t in self.dns_txt(domain) if RE_SPF.match(t)]""",
    ),
    (
        "            raise Exception('Invalid query')",
        "            if 'empty target' in ON: return []\n            raise Exception('Invalid query')",
    ),
    ("    def dns_mx(self, domainname):", "    def dns_mx(self, domainname, failures):"),
    (
        "        return [a for mx in mxnames[:max] for a in self.dns_a(mx[1],self.A)]",
        """        if 'mx order' not in ON:
            return [a for mx in mxnames[:max] for a in self.dns_a(mx[1],self.A)]
        found = []
        for mx in mxnames[:max]:
            try:
                found += self.dns_a(mx[1], self.A)
            except TempError as x:
                failures.append(x)
        return found""",
    ),
    ("    def validated_ptrs(self):", "    def validated_ptrs(self, target=None):"),
    (
        """        return [p for p in self.dns_ptr(self.i)[:max]
            if self.cidrmatch(self.dns_a(p,self.A),cidrlength)]""",
        """        def validated(p):
            if 'ptr names' in ON and target is not None and not domainmatch([p], target):
                return False
            try:
                return self.cidrmatch(self.dns_a(p,self.A),cidrlength)
            except TempError:
                if 'ptr failures' not in ON: raise
                return False
        try:
            return [p for p in self.dns_ptr(self.i)[:max] if validated(p)]
        except TempError:
            if 'ptr failures' not in ON: raise
            return []""",
    ),
    (
        "        if not result and not ignore_void:\n",
        """        if 'void terms' in ON and not result and not ignore_void:
            self.void_term = True
        elif not result and not ignore_void:
""",
    ),
]


def repaired():
    path = importlib.util.find_spec("spf").origin
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in PATCHES:
        if text.count(old) != 1:
            raise SystemExit(f"this pyspf is not 2.0.14: {text.count(old)} places are {old!r}")
        text = text.replace(old, new)
    module = types.ModuleType("spf_repaired")
    exec(compile(text, "spf_repaired.py", "exec"), module.__dict__)
    return module


class Zone:
    def __init__(self, zonedata):
        self.names = {name.lower(): self.entries(rows) for name, rows in zonedata.items()}

    @staticmethod
    def entries(rows):
        found, old, has_txt = [], [], False
        for row in rows:
            if row == "TIMEOUT":
                found.append(row)
                continue
            for rtype, value in row.items():
                has_txt |= rtype == "TXT"
                if value == "NONE":
                    continue
                if rtype in ("TXT", "SPF"):
                    strings = value if isinstance(value, list) else [value]
                    value = [string.encode("latin-1", "surrogateescape") for string in map(octets, strings)]
                elif rtype == "MX":
                    value = (value[0], value[1].rstrip("."))
                elif rtype in ("PTR", "CNAME"):
                    value = value.rstrip(".")
                if rtype == "SPF":
                    old.append(("TXT", value))
                else:
                    found.append((rtype, value))
        return found if has_txt else found + old

    def look_up(self, module, name, qtype):
        found = []
        for entry in self.names.get(name.lower(), []):
            if entry == "TIMEOUT":
                if all(rtype != qtype for (_, rtype), _ in found):
                    raise module.TempError("DNS timeout")
                break
            if entry[0] in (qtype, "CNAME"):
                found.append(((name, entry[0]), entry[1]))
        return found


def octets(text):
    """ISO 8859-1, and UTF-8 beyond it, each octet as a character."""
    return "".join(c if ord(c) < 256 else c.encode("utf-8").decode("latin-1") for c in text)


def check(module, zone, test):
    module.DNSLookup = lambda name, qtype, strict=True, timeout=0: zone.look_up(module, name, qtype)
    try:
        query = module.query(test["host"], test["mailfrom"], test["helo"], receiver=RECEIVER)
        query.t = str(NOW)
        query.set_default_explanation("DEFAULT")
        result, _, explanation = query.check()
    except Exception as error:
        return [f"error: {type(error).__name__}: {error}", None]
    return [result, explanation if result == "fail" else None]


MENDED = repaired()
print(json.dumps({"pyspf": spf.__version__, "repairs": REPAIRS}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    zone = Zone(request["zonedata"])
    runs = []
    for names in request["repairs"]:
        MENDED.ON = frozenset(names or [])
        module = spf if names is None else MENDED
        runs.append({name: check(module, zone, test) for name, test in request["tests"].items()})
    print(json.dumps(runs), flush=True)
