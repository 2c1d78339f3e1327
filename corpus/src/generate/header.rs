//! Which fields stand in a header (RFC 5322 3.6 and the RFCs that add to it).

use std::borrow::Cow;

use super::Generator;
use crate::model::{Field, Hand, How, Piece, Text, Value};

const URLS: &[&str] = &[
    "mailto:list-request@example.org?subject=help",
    "https://example.org/list/help,1?a=(b)&c=d;e",
    "ftp://ftp.example.org/pub/archive",
    "mailto:leave-1234@example.net",
];

impl Generator {
    /// The fields of a message.
    pub(crate) fn header(&mut self, fields: &mut Vec<Field>) {
        if self.rng.one_in(40) {
            return;
        }
        self.add(fields, 40, &["Return-Path"], |generator, _| {
            Value::Path(generator.path())
        });
        for _ in 0..self.rng.below(3) {
            self.add(fields, 60, &["Received"], |generator, _| {
                Value::Received(generator.received())
            });
        }
        self.trace(fields);
        self.add(fields, 97, &["Date"], |generator, _| {
            Value::Date(generator.date())
        });
        self.addressing(fields);
        self.add(fields, 85, &["Message-ID"], |generator, _| {
            Value::Id(generator.id())
        });
        self.add(fields, 15, &["In-Reply-To"], |generator, _| {
            Value::Ids(generator.ids(3))
        });
        self.add(fields, 15, &["References"], |generator, _| {
            Value::Ids(generator.ids(8))
        });
        self.text_field(fields, 75, "Subject", 8);
        self.text_field(fields, 6, "Comments", 20);
        self.add(fields, 8, &["Keywords"], |generator, hand| {
            Value::Keywords(generator.several(1, 4, |generator| generator.phrase_by(hand)))
        });
        self.resent(fields);
        self.list(fields);
        self.add(fields, 6, &["Auto-Submitted"], |generator, _| {
            let keyword = generator
                .rng
                .pick(&["no", "auto-generated", "auto-replied", "x-new"]);
            Value::AutoSubmitted(keyword.to_owned(), generator.parameters(2))
        });
        self.add(
            fields,
            4,
            &["Disposition-Notification-To"],
            |generator, hand| Value::Addresses(generator.addresses(hand, 2)),
        );
        self.optional(fields, 3);
    }

    /// The fields of a message in a message.
    pub(crate) fn short_header(&mut self, fields: &mut Vec<Field>) {
        self.add(fields, 80, &["From"], |generator, hand| {
            Value::Addresses(generator.addresses(hand, 1))
        });
        self.add(fields, 60, &["Date"], |generator, _| {
            Value::Date(generator.date())
        });
        self.text_field(fields, 60, "Subject", 6);
        self.optional(fields, 1);
    }

    /// The fields that a part may have.
    pub(crate) fn part_header(&mut self, fields: &mut Vec<Field>) {
        self.add(fields, 10, &["Content-ID"], |generator, _| {
            Value::Id(generator.id())
        });
        self.text_field(fields, 8, "Content-Description", 5);
        self.add(fields, 5, &["Content-Language"], |generator, _| {
            let languages = generator.several(1, 3, |generator| {
                generator
                    .rng
                    .pick(&["en", "de-CH", "zh-Hant-TW", "i-default"])
                    .to_owned()
            });
            Value::Languages(languages)
        });
        self.add(fields, 4, &["Content-Location"], |generator, _| {
            let location = generator.rng.pick(&[
                "https://example.org/a?b=c",
                "image.png",
                "cid:x@example.org",
            ]);
            Value::Location(location.to_owned())
        });
        self.optional(fields, 1);
    }

    fn addressing(&mut self, fields: &mut Vec<Field>) {
        self.add(fields, 97, &["From"], |generator, hand| {
            let most = generator.rng.pick(&[1, 1, 1, 1, 3]);
            Value::Addresses(generator.addresses(hand, most))
        });
        self.add(fields, 10, &["Sender"], |generator, hand| {
            Value::Addresses(vec![generator.address(hand)])
        });
        self.add(fields, 10, &["Reply-To"], |generator, hand| {
            Value::Addresses(generator.addresses(hand, 2))
        });
        self.add(fields, 75, &["To"], |generator, hand| {
            Value::Addresses(generator.addresses(hand, 4))
        });
        self.add(fields, 20, &["Cc"], |generator, hand| {
            Value::Addresses(generator.addresses(hand, 6))
        });
        self.add(fields, 5, &["Bcc"], |generator, hand| {
            let list = generator.addresses(hand, 2);
            Value::Addresses(if generator.rng.one_in(3) {
                Vec::new()
            } else {
                list
            })
        });
    }

    fn trace(&mut self, fields: &mut Vec<Field>) {
        self.add(fields, 8, &["Authentication-Results"], |generator, _| {
            Value::Results(generator.results(false))
        });
        self.add(fields, 8, &["DKIM-Signature"], |generator, _| {
            Value::Tags(generator.signature(false))
        });
        if self.rng.one_in(25) {
            self.add(
                fields,
                100,
                &["ARC-Seal", "ARC-Message-Signature"],
                |generator, _| Value::Tags(generator.signature(true)),
            );
            self.add(
                fields,
                100,
                &["ARC-Authentication-Results"],
                |generator, _| Value::Results(generator.results(true)),
            );
        }
    }

    fn resent(&mut self, fields: &mut Vec<Field>) {
        if !self.rng.one_in(20) {
            return;
        }
        self.add(fields, 100, &["Resent-Date"], |generator, _| {
            Value::Date(generator.date())
        });
        self.add(fields, 100, &["Resent-From"], |generator, hand| {
            Value::Addresses(generator.addresses(hand, 1))
        });
        self.add(fields, 30, &["Resent-Sender"], |generator, hand| {
            Value::Addresses(vec![generator.address(hand)])
        });
        self.add(
            fields,
            60,
            &["Resent-To", "Resent-Cc", "Resent-Reply-To"],
            |generator, hand| Value::Addresses(generator.addresses(hand, 3)),
        );
        self.add(fields, 20, &["Resent-Bcc"], |generator, hand| {
            let list = generator.addresses(hand, 2);
            Value::Addresses(if generator.rng.one_in(2) {
                Vec::new()
            } else {
                list
            })
        });
        self.add(fields, 50, &["Resent-Message-ID"], |generator, _| {
            Value::Id(generator.id())
        });
    }

    fn list(&mut self, fields: &mut Vec<Field>) {
        if !self.rng.one_in(12) {
            return;
        }
        self.add(fields, 90, &["List-Id"], |generator, hand| {
            let description = generator.maybe(60, |generator| generator.phrase_by(hand));
            let id =
                generator
                    .rng
                    .pick(&["list.example.org", "a-b.1.localhost", "x~y.example.net"]);
            Value::ListId(description, id.to_owned())
        });
        let names = [
            "List-Help",
            "List-Subscribe",
            "List-Unsubscribe",
            "List-Owner",
            "List-Archive",
        ];
        for name in names {
            self.add(fields, 30, &[name], |generator, _| {
                Value::Urls(generator.urls())
            });
        }
        self.add(fields, 40, &["List-Post"], |generator, _| {
            if generator.rng.one_in(4) {
                Value::NoPosting
            } else {
                Value::Urls(generator.urls())
            }
        });
        self.add(fields, 30, &["List-Unsubscribe-Post"], |_, _| {
            Value::OneClick
        });
    }

    fn urls(&mut self) -> Vec<String> {
        self.several(1, 3, |generator| generator.rng.pick(URLS).to_owned())
    }

    fn phrase_by(&mut self, hand: Hand) -> crate::model::Phrase {
        if hand == Hand::Library {
            self.library_phrase()
        } else {
            self.phrase()
        }
    }

    /// Fields that no RFC knows, under names of all characters that a name may have.
    fn optional(&mut self, fields: &mut Vec<Field>, most: u32) {
        for _ in 0..self.rng.below(most.saturating_add(1)) {
            let name: Cow<'static, str> = if self.rng.one_in(2) {
                self.rng
                    .pick(&[
                        "X-Mailer",
                        "X-Priority",
                        "User-Agent",
                        "X-Spam-Status",
                        "X_y",
                    ])
                    .into()
            } else {
                let len = self.rng.range(1, 20);
                let name: String = (0..len)
                    .map(|_| char::from(b'!' + u8::try_from(self.rng.below(94)).unwrap_or(0)))
                    .filter(|&c| c != ':')
                    .collect();
                format!("X{name}").into()
            };
            let mut field = self.text_value(10);
            field.name = name;
            fields.push(field);
        }
    }

    fn text_field(
        &mut self,
        fields: &mut Vec<Field>,
        percent: u32,
        name: &'static str,
        words: u32,
    ) {
        if self.rng.percent(percent) {
            let mut field = self.text_value(words);
            field.name = self.name(name);
            fields.push(field);
        }
    }

    fn text_value(&mut self, words: u32) -> Field {
        let how = self.how();
        let text = if how.hand == Hand::Library {
            Text(vec![Piece::Plain(self.line(words))])
        } else {
            self.text(words)
        };
        Field {
            name: Cow::Borrowed(""),
            value: Value::Text(text),
            how,
            structural: false,
        }
    }

    /// In `percent` of the cases a field under one of these names, with its value.
    pub(crate) fn add(
        &mut self,
        fields: &mut Vec<Field>,
        percent: u32,
        names: &[&'static str],
        value: impl Fn(&mut Self, Hand) -> Value,
    ) {
        for name in names {
            if !self.rng.percent(percent) {
                continue;
            }
            let how: How = self.how();
            let value = value(self, how.hand);
            fields.push(Field {
                name: self.name(name),
                value,
                how,
                structural: false,
            });
        }
    }
}
