//! What is read: real mail, and mail made to measure.

use std::sync::LazyLock;

pub mod smtp;

#[path = "../../interop/src/real_mail.rs"]
#[expect(dead_code, reason = "the tests print names")]
mod real_mail;

/// The messages of one line of the table.
#[derive(Debug)]
pub struct Input {
    /// What they are.
    pub name: &'static str,
    /// The messages, with CRLF.
    pub mails: Vec<Vec<u8>>,
}

impl Input {
    /// Their bytes.
    pub fn octets(&self) -> usize {
        self.mails.iter().map(Vec::len).sum()
    }
}

/// Every third of the real messages, 2,000 of them; or, where they are not at hand, as many made ones.
pub static MAIL: LazyLock<Input> = LazyLock::new(mail);
/// One text of 4 KB with 11 fields.
pub static TEXT: LazyLock<Input> = LazyLock::new(text);
/// One message with an attachment of 750 KB, which base64 makes 1 MB.
pub static ATTACHMENT: LazyLock<Input> = LazyLock::new(attachment);
/// Nothing to attach.
pub static NOTHING: LazyLock<Input> = LazyLock::new(|| to_attach(0));
/// 75 KB to attach.
pub static OCTETS: LazyLock<Input> = LazyLock::new(|| to_attach(75_000));

fn mail() -> Input {
    let Some(all) = real_mail::real_mail() else {
        println!("{}; made mail stands in for it\n", real_mail::HOW);
        return Input {
            name: "made mail",
            mails: (0..2_000).map(made).collect(),
        };
    };
    let third = all.iter().step_by(3).take(2_000);
    Input {
        name: "real mail",
        mails: third.map(real_mail::RealMail::crlf).collect(),
    }
}

fn text() -> Input {
    let mut mail = FIELDS.to_vec();
    mail.extend_from_slice(
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\
        Content-Transfer-Encoding: 7bit\r\n\r\n",
    );
    let rest = 4_096 - mail.len();
    put_text(&mut mail, rest);
    Input {
        name: "text of 4 KB",
        mails: vec![mail],
    }
}

fn attachment() -> Input {
    let mut mail = FIELDS.to_vec();
    mail.extend_from_slice(
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n\
        --=_b\r\nContent-Type: text/plain\r\n\r\n",
    );
    put_text(&mut mail, 1_000);
    mail.extend_from_slice(
        b"\r\n--=_b\r\nContent-Type: application/octet-stream\r\n\
        Content-Disposition: attachment; filename=data.bin\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n",
    );
    put_base64(&mut mail, &octets(750_000));
    mail.extend_from_slice(b"--=_b--\r\n");
    Input {
        name: "1 MB attachment",
        mails: vec![mail],
    }
}

/// What a message is built with, beside its text and HTML.
fn to_attach(count: usize) -> Input {
    Input {
        name: "text and HTML of 2 KB each",
        mails: vec![octets(count)],
    }
}

/// Octets without a pattern.
fn octets(count: usize) -> Vec<u8> {
    let mut random = Random(1);
    (0..count)
        .map(|_| random.below(256).to_le_bytes()[0])
        .collect()
}

/// ASCII text in lines.
fn put_text(out: &mut Vec<u8>, count: usize) {
    const LINE: &[u8] =
        b"The quick brown fox jumps over the lazy dog, and nobody knows what for.\r\n";
    let start = out.len();
    while out.len() + LINE.len() <= start + count {
        out.extend_from_slice(LINE);
    }
}

/// The text of the message that is built.
pub fn plain() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| lines("K\u{f6}ln liegt am Rhein, and the rest of the line is ASCII.\r\n"));
    &TEXT
}

/// Its HTML.
pub fn html() -> &'static str {
    static HTML: LazyLock<String> = LazyLock::new(|| {
        lines("<p>K\u{f6}ln liegt am <b>Rhein</b>, and the rest is ASCII.</p>\r\n")
    });
    &HTML
}

/// 2 KB of one line.
fn lines(line: &str) -> String {
    line.repeat(2_048 / line.len())
}

const FIELDS: &[u8] = b"Return-Path: <joe@example.org>\r\n\
    Received: from mx.example.org (mx.example.org [192.0.2.1])\r\n\
    \tby mail.example.com (Postfix) with ESMTPS id 4F1A2B3C4D\r\n\
    \tfor <suzie@example.com>; Mon, 1 Jan 2029 10:00:01 +0000 (UTC)\r\n\
    Received: from [198.51.100.7] by mx.example.org with ESMTPSA id a1b2c3;\r\n\
    \tMon, 1 Jan 2029 10:00:00 +0000\r\n\
    From: Joe Public <joe@example.org>\r\n\
    To: \"Suzie Q.\" <suzie@example.com>, other@example.net\r\n\
    Subject: What the fox does with the dog\r\n\
    Date: Mon, 1 Jan 2029 10:00:00 +0000\r\n\
    Message-ID: <20290101100000.1234@example.org>\r\n";

fn put_base64(out: &mut Vec<u8>, octets: &[u8]) {
    let mut encoder = scop_mime_core::coding::base64::Encoder::new();
    encoder.put(octets, out).expect("a vector is never full");
    encoder.finish(out).expect("a vector is never full");
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
}

/// A mail that is somewhat like a real one: many fields, a short text, now and then an HTML alternative.
fn made(seed: u32) -> Vec<u8> {
    let mut random = Random(u64::from(seed) + 1);
    let mut mail = FIELDS.to_vec();
    for number in 0..random.below(12) {
        let line = format!(
            "X-Field-{number}: {:016x}\r\n\t{:016x}\r\n",
            random.next(),
            random.next()
        );
        mail.extend_from_slice(line.as_bytes());
    }
    mail.extend_from_slice(b"MIME-Version: 1.0\r\n");
    if random.below(8) == 0 {
        let boundary = format!("=_{:016x}", random.next());
        mail.extend_from_slice(
            format!("Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n")
                .as_bytes(),
        );
        for kind in ["plain", "html"] {
            mail.extend_from_slice(
                format!("--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n")
                    .as_bytes(),
            );
            put_text(&mut mail, random.below(4_000));
        }
        mail.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    } else {
        mail.extend_from_slice(b"Content-Type: text/plain; charset=utf-8\r\n\r\n");
        put_text(&mut mail, random.below(6_000));
    }
    mail
}

/// Splitmix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a size fits");
        usize::try_from(self.next() % bound).expect("what is below a size fits")
    }
}
