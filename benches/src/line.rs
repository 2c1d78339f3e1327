//! The lines of the table: which work is compared, on what, and what it is to show.

use std::hint::black_box;
use std::sync::LazyLock;

use crate::input::{self, Input, smtp};
use crate::side::{Scratch, Seen, Work, scop, scop_smtp, session};
#[cfg(feature = "peers")]
use crate::side::{lettre, mail_builder, mail_parser, mailparse, smtp_proto};

/// One comparison.
#[derive(Debug)]
pub struct Line {
    /// What is done, and on what; without blanks.
    pub name: &'static str,
    /// What it is done on.
    pub input: &'static LazyLock<Input>,
    /// The meaning of the sums in [`Seen`].
    pub sums: [&'static str; 3],
    /// Ours, then those that it is compared with.
    pub sides: Vec<Side>,
}

/// Who does it.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Its name; without blanks.
    pub name: &'static str,
    /// How many times as long as ours it must take at least, where that is promised.
    pub promise: Option<f64>,
    work: Work,
}

impl Side {
    /// Whether it is ours.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with("scop")
    }
}

impl Line {
    /// Does the work of one side on all messages, once.
    #[inline(never)] // so that callgrind can be told to look here alone
    pub fn run(&self, side: &Side, scratch: &mut Scratch) -> Seen {
        let mut seen = Seen::default();
        for mail in &self.input.mails {
            seen += (side.work)(black_box(mail), scratch);
        }
        seen
    }
}

/// Without a promise.
fn side(name: &'static str, work: Work) -> Side {
    Side {
        name,
        promise: None,
        work,
    }
}

/// With one. What it must hold is promised by the project's description of these benches.
fn promised(name: &'static str, promise: f64, work: Work) -> Side {
    Side {
        promise: Some(promise),
        ..side(name, work)
    }
}

const TREE: [&str; 3] = ["fields", "parts", "octets"];
const VALUES: [&str; 3] = ["mailboxes", "other values", "octets"];
const BUILT: [&str; 3] = ["messages", "", "octets"];

/// All of them.
pub fn lines() -> Vec<Line> {
    let mut lines = on_mail();
    lines.extend(on_made());
    lines.extend(building());
    lines.extend(commands());
    lines.extend(replies());
    lines.extend(content());
    lines.push(sessions());
    lines
}

fn on_mail() -> Vec<Line> {
    vec![
        Line {
            name: "tree",
            input: &input::MAIL,
            sums: TREE,
            sides: vec![
                side("scop", scop::tree),
                #[cfg(feature = "peers")]
                promised("mail-parser", 3.0, mail_parser::tree),
                #[cfg(feature = "peers")]
                side("mail-parser-reused", mail_parser::tree_reused),
                #[cfg(feature = "peers")]
                side("mailparse", mailparse::tree),
            ],
        },
        Line {
            name: "push",
            input: &input::MAIL,
            sums: TREE,
            // Turned round: the index must take at least half of the time of the push reader.
            sides: vec![
                side("scop-push", scop::push),
                promised("scop", 0.5, scop::tree),
            ],
        },
        Line {
            name: "fields",
            input: &input::MAIL,
            sums: VALUES,
            sides: vec![
                side("scop", scop::fields),
                #[cfg(feature = "peers")]
                promised("mail-parser", 1.5, mail_parser::fields),
                #[cfg(feature = "peers")]
                side("mailparse", mailparse::fields),
            ],
        },
        Line {
            name: "decode",
            input: &input::MAIL,
            sums: TREE,
            sides: vec![
                side("scop", scop::decode),
                #[cfg(feature = "peers")]
                promised("mail-parser", 1.2, mail_parser::decode),
                #[cfg(feature = "peers")]
                side("mailparse", mailparse::decode),
            ],
        },
        Line {
            name: "text",
            input: &input::MAIL,
            sums: TREE,
            sides: vec![
                side("scop", scop::text),
                #[cfg(feature = "peers")]
                side("mail-parser", mail_parser::text),
                #[cfg(feature = "peers")]
                side("mailparse", mailparse::text),
            ],
        },
    ]
}

fn on_made() -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, input) in [("tree-4k", &input::TEXT), ("tree-1m", &input::ATTACHMENT)] {
        lines.push(Line {
            name,
            input,
            sums: TREE,
            sides: vec![
                side("scop", scop::tree),
                #[cfg(feature = "peers")]
                promised(
                    "mail-parser",
                    if name == "tree-1m" { 1.0 } else { 3.0 },
                    mail_parser::tree,
                ),
                #[cfg(feature = "peers")]
                side("mailparse", mailparse::tree),
            ],
        });
    }
    lines.push(Line {
        name: "push-1m",
        input: &input::ATTACHMENT,
        sums: TREE,
        sides: vec![side("scop-push", scop::push), side("scop", scop::tree)],
    });
    lines.push(Line {
        name: "decode-1m",
        input: &input::ATTACHMENT,
        sums: TREE,
        sides: vec![
            side("scop", scop::decode),
            #[cfg(feature = "peers")]
            side("mail-parser", mail_parser::decode),
            #[cfg(feature = "peers")]
            side("mailparse", mailparse::decode),
        ],
    });
    lines
}

fn building() -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, input) in [("build", &input::NOTHING), ("build-75k", &input::OCTETS)] {
        lines.push(Line {
            name,
            input,
            sums: BUILT,
            sides: vec![
                side("scop", scop::build),
                #[cfg(feature = "peers")]
                promised("mail-builder", 1.0, mail_builder::build),
            ],
        });
    }
    lines
}

const COMMANDS: [&str; 3] = ["commands", "parameters", "octets"];
const REPLIES: [&str; 3] = ["codes", "keywords", "octets"];

fn commands() -> Vec<Line> {
    let names: [(_, &'static LazyLock<Input>); 8] = [
        ("ehlo", &smtp::EHLO),
        ("mail", &smtp::MAIL_FROM),
        ("mail-2", &smtp::MAIL_2),
        ("mail-6", &smtp::MAIL_6),
        ("rcpt", &smtp::RCPT),
        ("rcpt-dsn", &smtp::RCPT_DSN),
        ("data", &smtp::DATA),
        ("bdat", &smtp::BDAT),
    ];
    let line = |(name, input)| Line {
        name,
        input,
        sums: COMMANDS,
        sides: vec![
            side("scop", scop_smtp::command),
            #[cfg(feature = "peers")]
            Side {
                promise: ["ehlo", "mail-2", "rcpt"].contains(&name).then_some(1.0),
                ..side("smtp-proto", smtp_proto::command)
            },
        ],
    };
    names.map(line).into()
}

fn replies() -> Vec<Line> {
    vec![
        Line {
            name: "reply-ehlo",
            input: &smtp::EHLO_REPLY,
            sums: REPLIES,
            sides: vec![
                side("scop", scop_smtp::ehlo_reply),
                #[cfg(feature = "peers")]
                promised("smtp-proto", 1.0, smtp_proto::ehlo_reply),
            ],
        },
        Line {
            name: "reply-lines",
            input: &smtp::EHLO_REPLY,
            sums: REPLIES,
            sides: vec![
                side("scop", scop_smtp::reply),
                #[cfg(feature = "peers")]
                side("smtp-proto", smtp_proto::reply),
                #[cfg(feature = "peers")]
                promised("lettre", 2.0, lettre::reply),
            ],
        },
        Line {
            name: "reply-line",
            input: &smtp::REPLY,
            sums: REPLIES,
            sides: vec![
                side("scop", scop_smtp::reply),
                #[cfg(feature = "peers")]
                side("smtp-proto", smtp_proto::reply),
                #[cfg(feature = "peers")]
                side("lettre", lettre::reply),
            ],
        },
    ]
}

/// After DATA, whole and as it comes in segments of Ethernet.
fn content() -> Vec<Line> {
    const WHOLE: usize = usize::MAX;
    const SEGMENT: usize = 1_460;
    let mut lines = Vec::new();
    for (whole, segments, input) in [
        ("content-4k", "content-4k-segments", &smtp::DATA_4K),
        ("content-1m", "content-1m-segments", &smtp::DATA_1M),
        ("content-text", "content-text-segments", &smtp::DATA_TEXT),
        ("content-dots", "content-dots-segments", &smtp::DATA_DOTS),
    ] {
        lines.push(Line {
            name: whole,
            input,
            sums: BUILT,
            sides: vec![
                side("scop", scop_smtp::unstuff::<WHOLE>),
                side("scop-strict", scop_smtp::unstuff_strictly::<WHOLE>),
                side("scop-copied", scop_smtp::unstuff_copied::<WHOLE>),
                #[cfg(feature = "peers")]
                Side {
                    promise: (whole == "content-1m").then_some(1.3),
                    ..side("smtp-proto", smtp_proto::unstuff::<WHOLE>)
                },
            ],
        });
        lines.push(Line {
            name: segments,
            input,
            sums: BUILT,
            sides: vec![
                side("scop", scop_smtp::unstuff::<SEGMENT>),
                side("scop-strict", scop_smtp::unstuff_strictly::<SEGMENT>),
                side("scop-copied", scop_smtp::unstuff_copied::<SEGMENT>),
                #[cfg(feature = "peers")]
                side("smtp-proto", smtp_proto::unstuff::<SEGMENT>),
            ],
        });
    }
    lines
}

/// A client and a server, connected in memory.
fn sessions() -> Line {
    Line {
        name: "session",
        input: &input::TEXT,
        sums: ["delivered", "turns", "octets"],
        sides: vec![
            side("scop", session::one_by_one),
            side("scop-pipelining", session::pipelined),
        ],
    }
}
