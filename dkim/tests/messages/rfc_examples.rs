//! The signed messages of RFC 6376 appendix A and RFC 8463 appendix A, and the hashes of empty bodies.

use crate::keys::{Bytes, Zone, base64, sha256, verify};
use scop_dkim::canonical::{Form, body::BodyCanonicalizer};
use scop_dkim::verify::{DkimResult, Reason};

const PASS: (DkimResult, Reason) = (DkimResult::Pass, Reason::Verified);

/// RFC 6376 A.2, with one space in the body (erratum 3192), and the field as erratum 4926 has it.
const RFC6376: &str = "\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
        KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
        4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
";

/// RFC 6376 appendix C.
const BRISBANE: &str = "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn\
    7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4Ou\
    KhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

/// RFC 8463 A.3.
const RFC8463: &str = "\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
";

fn rfc8463_zone() -> Zone {
    Zone::default()
        .with(
            "brisbane._domainkey.football.example.com",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        )
        .with(
            "test._domainkey.football.example.com",
            "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6w\
             y5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9\
             PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
        )
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

#[test]
fn rfc6376_a_2() {
    let zone = Zone::default().with("brisbane._domainkey.example.com", BRISBANE);
    assert_eq!(verify(&crlf(RFC6376), &zone), [PASS]);
    let changed = RFC6376.replace("game. Are", "game.  Are");
    assert_eq!(
        verify(&crlf(&changed), &zone),
        [(DkimResult::Fail, Reason::BodyHashMismatch)]
    );
    let changed = RFC6376.replace("com  [192", "com [192");
    assert_eq!(
        verify(&crlf(&changed), &zone),
        [(DkimResult::Fail, Reason::SignatureMismatch)]
    );
}

#[test]
fn rfc8463_a_3() {
    assert_eq!(verify(&crlf(RFC8463), &rfc8463_zone()), [PASS, PASS]);
    // The relaxed forms take other white space.
    let changed = RFC8463
        .replace("game.  Are", "game. \t Are")
        .replace("Subject: Is", "SUBJECT  :\n Is");
    assert_eq!(verify(&crlf(&changed), &rfc8463_zone()), [PASS, PASS]);
    // h= has Subject and Date once more than the message: none may be added.
    let added = format!("Subject: Is dinner paid?\n{RFC8463}");
    let mismatch = (DkimResult::Fail, Reason::SignatureMismatch);
    assert_eq!(verify(&crlf(&added), &rfc8463_zone()), [mismatch; 2]);
    // To is listed once, and the one above the signed one is not seen.
    let added = format!("To: Eve <eve@example.net>\n{RFC8463}");
    assert_eq!(verify(&crlf(&added), &rfc8463_zone()), [PASS, PASS]);
}

#[test]
fn rfc6376_3_4_3_and_3_4_4_empty_bodies() {
    for (form, expected) in [
        (Form::Simple, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
        (
            Form::Relaxed,
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ),
    ] {
        for body in [&b""[..], b"\r\n", b"\r\n\r\n\r\n"] {
            let mut canonical = Bytes(Vec::new());
            let mut canonicalizer = BodyCanonicalizer::new(form);
            canonicalizer.update(body, &mut canonical).unwrap();
            canonicalizer.finish(&mut canonical).unwrap();
            let hash = base64(&sha256(&canonical.0));
            assert_eq!(hash, expected, "{} {body:?}", form.as_str());
        }
    }
}
