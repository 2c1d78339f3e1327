//! The messages, the DNS, and what becomes of them.

/// A message, the DNS, and what becomes of it.
pub struct Case {
    pub name: &'static str,
    /// The From field.
    pub from: &'static str,
    /// The domain of MAIL FROM; empty for the null path.
    pub path: &'static str,
    /// The domains of the signatures, from the top of the header.
    pub signers: &'static [&'static str],
    /// DMARC records, by the domain.
    pub records: &'static [(&'static str, &'static str)],
    /// DMARC result and policy.
    pub ours: (&'static str, Option<&'static str>),
    /// What authheaders says instead, and why it is wrong.
    pub theirs: Option<(&'static str, Option<&'static str>, &'static str)>,
}

/// One line for each: name, From, domain of MAIL FROM, signers, records, result and policy.
macro_rules! cases {
    ($($name:literal: $from:literal, $path:literal $signers:tt $records:expr => $result:ident $policy:ident
       $(, but $theirs:ident $their_policy:ident: $why:expr)?;)*) => {
        &[$(Case {
            name: $name,
            from: $from,
            path: $path,
            signers: &$signers,
            records: $records,
            ours: (stringify!($result), policy(stringify!($policy))),
            theirs: cases!(@theirs $($theirs $their_policy $why)?),
        }),*]
    };
    (@theirs) => { None };
    (@theirs $result:ident $policy:ident $why:expr) => {
        Some((stringify!($result), policy(stringify!($policy)), $why))
    };
}

const fn policy(word: &'static str) -> Option<&'static str> {
    // No policy is `nothing`.
    if word.len() == 7 { None } else { Some(word) }
}

const ORG: &[(&str, &str)] = &[("example.org", "v=DMARC1; p=reject")];
const STRICT: &[(&str, &str)] = &[("example.org", "v=DMARC1; p=quarantine; adkim=s; aspf=s")];
const SUBDOMAINS: &[(&str, &str)] =
    &[("example.org", "v=DMARC1; p=none; sp=quarantine; np=reject")];

const PSL: &str = "the organizational domain is that of the tree walk (RFC 9989 4.10.2); authheaders takes it from a \
    copy of the public suffix list";
const WALK: &str = "a walk asks eight times, and jumps to the last seven labels (RFC 9989 4.10); authheaders asks five \
    times, and jumps to the last four";
const OWN: &str = "the author domain's own record and its p come first (RFC 9989 4.10.1); authheaders prefers the record \
    of the organizational domain, and sp";
const NULL: &str = "HELO counts for the null path (RFC 9989 3.2.4); authheaders breaks: TypeError";
const SYNTAX: &str = "blanks may stand around the = of v, and what is no tag is ignored (RFC 9989 4.7, 4.8); authheaders \
    compares the first letters, and says permerror";
const POLICY: &str = "no p, or an unknown one where there are reports to send, stands for p=none; an unknown one without \
    does not apply (RFC 9989 4.7, 4.10.1); authheaders knows none of these";

pub const CASES: &[Case] = cases! {
    // Alignment.
    "SPF, same domain": "joe@example.org", "example.org" [] ORG => pass reject;
    "SPF, sub-domain": "joe@example.org", "bounce.example.org" [] ORG => pass reject;
    "SPF, parent": "joe@a.example.org", "example.org" [] ORG => pass reject;
    "SPF, siblings": "joe@a.example.org", "bounce.example.org" [] ORG => pass reject;
    "SPF, other domain": "joe@example.org", "example.net" [] ORG => fail reject;
    "SPF strict, same domain": "joe@example.org", "example.org" [] STRICT => pass quarantine;
    "SPF strict, sub-domain": "joe@example.org", "bounce.example.org" [] STRICT => fail quarantine;
    "SPF strict, parent": "joe@a.example.org", "example.org" [] STRICT => fail quarantine;
    "SPF does not pass": "joe@example.org", "www.example.org" [] ORG => fail reject;
    "DKIM, same domain": "joe@example.org", "example.net" ["example.org"] ORG => pass reject;
    "DKIM, sub-domain": "joe@example.org", "example.net" ["mail.example.org"] ORG => pass reject;
    "DKIM, parent": "joe@a.example.org", "example.net" ["example.org"] ORG => pass reject;
    "DKIM, siblings": "joe@a.example.org", "example.net" ["b.example.org"] ORG => pass reject;
    "DKIM, other domain": "joe@example.org", "example.net" ["example.net"] ORG => fail reject;
    "DKIM strict, same domain": "joe@example.org", "example.net" ["example.org"] STRICT => pass quarantine;
    "DKIM strict, sub-domain": "joe@example.org", "example.net" ["a.example.org"] STRICT => fail quarantine;
    "DKIM strict, SPF relaxed": "joe@example.org", "bounce.example.org" ["a.example.org"]
        &[("example.org", "v=DMARC1; p=none; adkim=s")] => pass none;
    "SPF strict, DKIM relaxed": "joe@example.org", "bounce.example.org" ["a.example.org"]
        &[("example.org", "v=DMARC1; p=none; aspf=s")] => pass none;
    "both other domains": "joe@example.org", "example.net" ["example.com"] ORG => fail reject;
    "DKIM helps where SPF does not": "joe@example.org", "nobody.example" ["example.org"] ORG => pass reject;
    "capitals": "joe@Example.ORG", "EXAMPLE.org" []
        &[("example.org", "v=DMARC1; P=Reject; ADKIM=R")] => pass reject;
    "second signature": "joe@example.org", "example.net" ["example.net", "example.org"] ORG => pass reject,
        but fail reject: "any signature may align (RFC 9989 5.3.2); authheaders verifies the first";
    "null path, HELO of the domain": "joe@example.org", "" [] ORG => pass reject,
        but error nothing: NULL;
    "null path, HELO of another": "joe@example.net", "" []
        &[("example.net", "v=DMARC1; p=reject")] => fail reject,
        but error nothing: NULL;
    "a hyphen": "joe@my-shop.example", "my-shop.example" []
        &[("my-shop.example", "v=DMARC1; p=reject")] => pass reject,
        but none nothing: "a domain may have hyphens; authheaders reads my";
    // The author.
    "display name and comment": "\"joe@example.net\" (x) <joe@example.org>", "example.org" [] ORG => pass reject;
    "two mailboxes of one domain": "joe@example.org, sue@example.org", "example.org" [] ORG => pass reject,
        but error nothing:
            "one domain is one author domain (RFC 9989 5.3.1); authheaders looks twice, and breaks: AttributeError";
    "two domains": "joe@example.org, sue@example.net", "example.org" [] ORG => permerror nothing,
        but pass reject:
            "two domains are no author domain (RFC 9989 5.3.1, 11.5); authheaders takes one of both results (RFC 7489 6.6.1)";
    "no domain": "joe", "example.org" [] ORG => permerror nothing,
        but permerror none: "there is no policy of no domain; authheaders writes none";
    // Records.
    "no record": "joe@example.org", "example.org" [] &[] => none nothing;
    "an unrelated record": "joe@example.org", "example.org" []
        &[("example.org", "v=spf1 -all")] => none nothing;
    "another beside it": "joe@example.org", "example.org" []
        &[("example.org", "v=spf1 -all"), ("example.org", "v=DMARC1; p=reject")] => pass reject;
    "two records": "joe@example.org", "example.org" []
        &[("example.org", "v=DMARC1; p=none"), ("example.org", "v=DMARC1; p=reject")] => none nothing;
    "two below one": "joe@a.example.org", "a.example.org" []
        &[("a.example.org", "v=DMARC1; p=none"),
          ("a.example.org", "v=DMARC1; p=none"),
          ("example.org", "v=DMARC1; p=reject")] => pass reject;
    "version 2": "joe@example.org", "example.org" [] &[("example.org", "v=DMARC2; p=reject")] => none nothing;
    "version 10": "joe@example.org", "example.org" []
        &[("example.org", "v=DMARC10; p=reject")] => none nothing,
        but pass reject: "the version is DMARC1 (RFC 9989 4.7); authheaders compares nine letters";
    "lower case version": "joe@example.org", "example.org" []
        &[("example.org", "v=dmarc1; p=reject")] => none nothing;
    "version not first": "joe@example.org", "example.org" []
        &[("example.org", "p=reject; v=DMARC1")] => none nothing;
    "blanks in the version": "joe@example.org", "example.net" []
        &[("example.org", "v = DMARC1 ; p = reject")] => fail reject,
        but none nothing: SYNTAX;
    "a tag without a value": "joe@example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=reject; x")] => fail reject,
        but permerror none: SYNTAX;
    "removed tags": "joe@example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=reject; pct=0; rf=afrf; ri=1")] => fail reject;
    "no policy": "joe@example.org", "example.net" []
        &[("example.org", "v=DMARC1; rua=mailto:d@example.org")] => fail none,
        but none nothing: POLICY;
    "unknown policy, reports": "joe@example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=refuse; rua=mailto:d@example.org")] => fail none,
        but fail refuse: POLICY;
    "unknown policy, no reports": "joe@example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=refuse")] => permerror nothing,
        but fail refuse: POLICY;
    "only a test": "joe@example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=reject; t=y")] => fail quarantine,
        but fail reject: "t=y takes the policy one step down (RFC 9989 4.7); authheaders ignores t";
    // Sub-domains.
    "sp, it exists": "joe@a.example.org", "example.net" [] SUBDOMAINS => fail quarantine;
    "np, it does not": "joe@nx.example.org", "example.net" [] SUBDOMAINS => fail reject;
    "sp without np": "joe@nx.example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=none; sp=quarantine")] => fail quarantine;
    "np without sp, it exists": "joe@a.example.org", "example.net" []
        &[("example.org", "v=DMARC1; p=reject; np=none")] => fail reject;
    "sp does not count for the domain itself": "joe@example.org", "example.net" [] SUBDOMAINS => fail none,
        but fail quarantine: OWN;
    "a record of its own": "joe@a.example.org", "example.net" []
        &[("a.example.org", "v=DMARC1; p=reject"), ("example.org", "v=DMARC1; p=none")] => fail reject,
        but fail none: OWN;
    // The tree walk.
    "a record far above": "joe@a.b.c.d.example.org", "example.net" ["example.org"] ORG => pass reject;
    "a record between": "joe@a.b.c.d.example.org", "example.net" []
        &[("c.d.example.org", "v=DMARC1; p=quarantine")] => fail quarantine;
    "a record high in a deep name": "joe@a.b.c.d.example.org", "example.net" []
        &[("b.c.d.example.org", "v=DMARC1; p=quarantine")] => fail quarantine,
        but none nothing: WALK;
    "eight labels": "joe@a.b.c.d.e.f.example.org", "example.net" []
        &[("b.c.d.e.f.example.org", "v=DMARC1; p=quarantine")] => fail quarantine,
        but none nothing: WALK;
    "three records, the lowest counts where it is the author's": "joe@a.b.example.org", "example.net" []
        &[("a.b.example.org", "v=DMARC1; p=reject"),
          ("b.example.org", "v=DMARC1; p=none"),
          ("example.org", "v=DMARC1; p=quarantine")] => fail reject,
        but fail quarantine: OWN;
    "three records, else the highest": "joe@x.a.b.example.org", "example.net" []
        &[("a.b.example.org", "v=DMARC1; p=reject"),
          ("b.example.org", "v=DMARC1; p=none"),
          ("example.org", "v=DMARC1; p=quarantine")] => fail quarantine;
    "psd=n ends the walk": "joe@a.sub.example.org", "sub.example.org" []
        &[("sub.example.org", "v=DMARC1; p=reject; psd=n"),
          ("example.org", "v=DMARC1; p=none")] => pass reject;
    "psd=n parts a domain off": "joe@a.sub.example.org", "example.org" []
        &[("sub.example.org", "v=DMARC1; p=reject; psd=n"),
          ("example.org", "v=DMARC1; p=none")] => fail reject,
        but pass reject: PSL;
    "siblings without a common record": "joe@sub.example.org", "a.example.org" []
        &[("sub.example.org", "v=DMARC1; p=reject")] => fail reject,
        but pass reject: PSL;
    "a public suffix": "joe@example.net", "example.org" []
        &[("net", "v=DMARC1; p=reject; psd=y")] => fail reject;
    "a public suffix, aligned": "joe@example.net", "example.net" []
        &[("net", "v=DMARC1; p=reject; psd=y")] => pass reject;
    "a public suffix of two labels": "joe@me.github.io", "me.github.io" []
        &[("github.io", "v=DMARC1; p=reject; psd=y")] => pass reject;
    "siblings under a public suffix": "joe@you.github.io", "me.github.io" []
        &[("github.io", "v=DMARC1; p=reject; psd=y")] => fail reject;
    "siblings under a suffix that does not say so": "joe@you.github.io", "me.github.io" []
        &[("github.io", "v=DMARC1; p=reject")] => pass reject,
        but fail reject: PSL;
};
