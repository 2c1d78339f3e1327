//! Dates, hops, signatures, results.

use scop_mime_core::header::trace::Keyword;

use super::Generator;
use crate::model::{Date, Domain, Property, Received, ReceivedClause, Resinfo, Results, Zone};

impl Generator {
    pub(crate) fn date(&mut self) -> Date {
        let year = match self.rng.below(10) {
            0..7 => self.rng.range(1995, 2030),
            7 => self.rng.range(1900, 1999),
            8 => self.rng.range(2030, 2899),
            _ => self.rng.range(1900, 9999),
        };
        let month = self.rng.range(1, 12);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let zone = match self.rng.below(10) {
            0..3 => Zone::Minutes(0),
            3..5 => {
                let minutes = self.rng.pick(&[-240_i16, -300, -360, -420, -480]);
                Zone::Minutes(minutes)
            }
            5 => Zone::Unknown,
            6..9 => {
                let quarters = i16::try_from(self.rng.below(48 + 56 + 1)).unwrap_or(0);
                Zone::Minutes(quarters * 15 - 720)
            }
            _ => {
                let minutes = i16::try_from(self.rng.range(1, 5999)).unwrap_or(1);
                Zone::Minutes(if self.rng.one_in(2) {
                    minutes
                } else {
                    -minutes
                })
            }
        };
        let small = |number: u32| u8::try_from(number).unwrap_or(1);
        Date {
            year: u16::try_from(year).unwrap_or(2000),
            month: small(month),
            day: small(self.rng.range(1, days)),
            hour: small(self.rng.below(24)),
            minute: small(self.rng.below(60)),
            second: small(if self.rng.one_in(4) {
                0
            } else {
                self.rng.below(61)
            }),
            zone,
            wrong_weekday: self.rng.one_in(40),
        }
    }

    pub(crate) fn received(&mut self) -> Received {
        let mut clauses = Vec::new();
        let mut add = |keyword, value: String, comment: Option<String>| {
            clauses.push(ReceivedClause {
                keyword,
                value,
                comment,
            });
        };
        if self.rng.percent(90) {
            let host = self.rng.pick(&[
                "mail.example.net",
                "[192.0.2.1]",
                "localhost",
                "by",
                "x.y.test",
            ]);
            let info = [
                "mail.example.net [192.0.2.1]",
                "[IPv6:2001:db8::1]",
                "unknown (HELO x)",
                "b\\)c",
            ];
            let comment = self.maybe(60, |generator| generator.rng.pick(&info).to_owned());
            add(Keyword::From, host.to_owned(), comment);
        }
        if self.rng.percent(95) {
            let host = self.rng.pick(&["mx.example.org", "example.org"]);
            let comment = self.maybe(20, |_| "Postfix".to_owned());
            add(Keyword::By, host.to_owned(), comment);
        }
        if self.rng.one_in(8) {
            add(Keyword::Via, "TCP".to_owned(), None);
        }
        if self.rng.percent(80) {
            let protocol = self
                .rng
                .pick(&["ESMTP", "SMTP", "ESMTPS", "UTF8SMTPSA", "LMTP"]);
            add(Keyword::With, protocol.to_owned(), None);
        }
        if self.rng.one_in(10) {
            add(Keyword::Tls, "TLS_AES_256_GCM_SHA384".to_owned(), None);
        }
        if self.rng.percent(60) {
            let id = format!("{:X}", self.rng.next() >> 20);
            let id = if self.rng.one_in(6) {
                format!("<{id}@mx.example.org>")
            } else {
                id
            };
            add(Keyword::Id, id, None);
        }
        if self.rng.percent(50) {
            let address = self.rng.pick(&[
                "<joe@example.org>",
                "joe@example.org",
                "<\"a b\"@example.org>",
            ]);
            add(Keyword::For, address.to_owned(), None);
        }
        Received {
            clauses,
            date: self.date(),
        }
    }

    fn base64_text(&mut self, low: u32, high: u32) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for index in 0..self.rng.range(low, high) {
            if index > 0 && index % 60 == 0 {
                text.push(' ');
            }
            text.push(char::from(self.rng.pick(alphabet)));
        }
        text.push('=');
        text
    }

    /// DKIM-Signature, or its likes of ARC.
    pub(crate) fn signature(&mut self, arc: bool) -> Vec<(String, String)> {
        let mut tags = vec![
            (
                "a".to_owned(),
                self.rng.pick(&["rsa-sha256", "ed25519-sha256"]).to_owned(),
            ),
            (
                "d".to_owned(),
                self.rng
                    .pick(&["example.org", "mail.example.com"])
                    .to_owned(),
            ),
            (
                "s".to_owned(),
                self.rng.pick(&["sel", "2024._x", "a-b"]).to_owned(),
            ),
            ("bh".to_owned(), self.base64_text(43, 43)),
            (
                "h".to_owned(),
                self.rng
                    .pick(&["from : to:subject", "From", "date:from: to :cc"])
                    .to_owned(),
            ),
            ("b".to_owned(), self.base64_text(40, 200)),
        ];
        let version = if arc { ("i", "1") } else { ("v", "1") };
        tags.insert(0, (version.0.to_owned(), version.1.to_owned()));
        if self.rng.one_in(2) {
            tags.push(("t".to_owned(), self.rng.below(2_000_000_000).to_string()));
        }
        if self.rng.one_in(4) {
            tags.push((
                "x_note".to_owned(),
                self.rng
                    .pick(&["", "a b  c", "\u{e9}t\u{e9}", "k=v"])
                    .to_owned(),
            ));
        }
        if self.rng.one_in(3) {
            self.shuffle(&mut tags);
        }
        tags
    }

    pub(crate) fn results(&mut self, arc: bool) -> Results {
        let instance = arc.then(|| u8::try_from(self.rng.range(1, 50)).unwrap_or(1));
        let authserv_id = self
            .rng
            .pick(&["mx.example.org", "example.org", "a b", "x_y"])
            .to_owned();
        Results {
            instance,
            authserv_id,
            version: self.maybe(15, |generator| generator.rng.range(1, 3)),
            results: self.several(0, 4, Self::resinfo),
        }
    }

    fn resinfo(&mut self) -> Resinfo {
        let method = self
            .rng
            .pick(&["spf", "dkim", "dmarc", "auth", "iprev", "x-new-1"]);
        let result = self
            .rng
            .pick(&["pass", "fail", "none", "softfail", "temperror", "permerror"]);
        Resinfo {
            method,
            version: self.maybe(5, |generator| generator.rng.range(1, 9)),
            result,
            reason: self.maybe(15, |generator| {
                let reasons = ["bad signature", "ok", "it's \"so\"", "a;b=c"];
                generator.rng.pick(&reasons).to_owned()
            }),
            properties: self.several(0, 3, Self::property),
        }
    }

    fn property(&mut self) -> Property {
        let (ptype, name) = match self.rng.below(4) {
            0 => ("smtp", "mailfrom"),
            1 => ("header", "d"),
            2 => ("header", "from"),
            _ => ("policy", "ip-rev"),
        };
        let domain = self.maybe(30, |generator| {
            Domain::Name(
                generator
                    .rng
                    .pick(&["example.org", "a-b.example", "localhost"])
                    .to_owned(),
            )
        });
        let value = if domain.is_some() {
            self.rng.pick(&["", "joe", "a.b", "x+y", "\"a b\""])
        } else {
            self.rng.pick(&[
                "example.org",
                "192.0.2.1",
                "a b",
                "x=y",
                "joe",
                "2001:db8::1",
            ])
        };
        Property {
            ptype,
            name,
            value: value.to_owned(),
            domain,
        }
    }
}
