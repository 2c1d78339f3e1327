//! What happened, for a person: the two services, a column for each message, and one sentence.

use std::fmt::{self, Write as _};

use super::service::Confinement;
use crate::terminal::{Style, Tone, shown, shown_within};

/// Characters of a column: three of them and the titles fit a terminal of 80.
const WIDTH: usize = 20;

/// Characters of the titles of the lines.
const TITLES: usize = 12;

/// Characters of a cell, before it is cut.
const CELL: usize = 120;

/// Characters of a reply.
const REPLY: usize = 300;

/// All of it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) services: Vec<Process>,
    pub(crate) acts: Vec<Act>,
    /// Messages in Ann's mailbox at the end.
    pub(crate) kept: usize,
}

/// A service.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: &'static str,
    pub(crate) pid: u32,
    pub(crate) does: String,
    pub(crate) confinement: Option<Confinement>,
}

/// A message and its fate.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) title: &'static str,
    /// It is what it says.
    pub(crate) genuine: bool,
    pub(crate) says_from: String,
    pub(crate) really_from: String,
    pub(crate) text: String,
    pub(crate) connection: &'static str,
    pub(crate) results: Results,
    pub(crate) fate: Fate,
}

/// What the receiver found out, in the words of RFC 8601 2.7.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Results {
    pub(crate) spf: String,
    pub(crate) dkim: String,
    pub(crate) dmarc: String,
}

/// What the receiver did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in the mailbox.
    Kept,
    /// It said 250 to a message that it should have refused.
    Taken { reply: String },
    /// It said this.
    Refused { reply: String },
}

impl Act {
    fn went_well(&self) -> bool {
        match &self.fate {
            Fate::Kept => self.genuine && self.results.dmarc == "pass",
            Fate::Taken { .. } => false,
            // For good: 4xx would have the forger come again.
            Fate::Refused { reply } => {
                !self.genuine && reply.starts_with("550") && self.results.dmarc == "fail"
            }
        }
    }

    fn cell(&self, line: Line) -> (String, Tone) {
        let plain = |text: &str| (text.to_owned(), Tone::Plain);
        match line {
            Line::SaysFrom => plain(&self.says_from),
            Line::ReallyFrom => plain(&self.really_from),
            Line::Text => plain(&self.text),
            Line::Connection => plain(self.connection),
            Line::Spf => result(&self.results.spf),
            Line::Dkim => result(&self.results.dkim),
            Line::Dmarc => result(&self.results.dmarc),
            Line::Fate => {
                let tone = if self.went_well() {
                    Tone::Good
                } else {
                    Tone::Bad
                };
                let words = match &self.fate {
                    Fate::Kept => "kept",
                    Fate::Taken { .. } => "taken",
                    Fate::Refused { .. } => "refused",
                };
                (words.to_owned(), tone)
            }
        }
    }
}

impl Story {
    /// The genuine message arrived, and nothing else did.
    pub(crate) fn went_well(&self) -> bool {
        self.acts.iter().all(Act::went_well)
            && self.kept == self.acts.iter().filter(|act| act.genuine).count()
    }
}

/// A result of a check. Several signatures have several.
fn result(words: &str) -> (String, Tone) {
    let tone = match words.split_whitespace().next() {
        Some("pass") => Tone::Good,
        Some("fail" | "permerror") => Tone::Bad,
        _ => Tone::Doubt,
    };
    let words = if words.is_empty() { "not known" } else { words };
    (words.to_owned(), tone)
}

/// The lines of the table.
#[derive(Clone, Copy, Debug)]
enum Line {
    SaysFrom,
    ReallyFrom,
    Text,
    Connection,
    Spf,
    Dkim,
    Dmarc,
    Fate,
}

const LINES: [(&str, Line); 8] = [
    ("says From", Line::SaysFrom),
    ("really from", Line::ReallyFrom),
    ("asks to pay", Line::Text),
    ("connection", Line::Connection),
    ("SPF", Line::Spf),
    ("DKIM", Line::Dkim),
    ("DMARC", Line::Dmarc),
    ("outcome", Line::Fate),
];

/// The text, with a line end.
pub(crate) fn render(story: &Story, style: Style) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut text, story, style);
    text
}

fn write_all(out: &mut String, story: &Story, style: Style) -> fmt::Result {
    for process in &story.services {
        let name = style.paint(Tone::Strong, format!("{:<TITLES$}", process.name));
        writeln!(
            out,
            "{name}  process {}, {}",
            process.pid,
            shown(process.does.as_bytes())
        )?;
        let (words, tone) = confinement(process.confinement);
        writeln!(out, "{:TITLES$}  {}", "", style.paint(tone, words))?;
    }
    writeln!(out)?;
    let titles: Vec<_> = story
        .acts
        .iter()
        .enumerate()
        .map(|(number, act)| (format!("{} {}", number + 1, act.title), Tone::Strong))
        .collect();
    row(out, "", &titles, style)?;
    for (title, line) in LINES {
        let cells: Vec<_> = story.acts.iter().map(|act| act.cell(line)).collect();
        row(out, title, &cells, style)?;
    }
    writeln!(out)?;
    for (number, act) in story.acts.iter().enumerate() {
        if let Fate::Refused { reply } | Fate::Taken { reply } = &act.fate {
            let reply = shown_within(reply.as_bytes(), REPLY);
            writeln!(out, "{}  the receiver said: {reply}", number + 1)?;
        }
    }
    writeln!(out)?;
    let (words, tone) = conclusion(story);
    writeln!(out, "{}", style.paint(tone, words))
}

/// What holds, and what does not.
fn confinement(found: Option<Confinement>) -> (String, Tone) {
    let Some(found) = found else {
        let words = "how the kernel confines it is not told here";
        return (words.to_owned(), Tone::Doubt);
    };
    let bounds = [
        (found.no_new_privileges, "no new privileges"),
        (found.filter, "few system calls"),
        (found.folders, "no files but its own"),
    ];
    let said = |held: bool| -> Vec<&str> {
        let bounds = bounds.iter().filter(|(holds, _)| *holds == held);
        bounds.map(|(_, words)| *words).collect()
    };
    let (held, lost) = (said(true).join(", "), said(false).join(", "));
    match (held.is_empty(), lost.is_empty()) {
        (false, true) => (format!("the kernel allows it {held}"), Tone::Plain),
        (false, false) => (
            format!("the kernel allows it {held}; it does not hold it to: {lost}"),
            Tone::Doubt,
        ),
        (true, _) => ("the kernel does not confine it".to_owned(), Tone::Bad),
    }
}

fn conclusion(story: &Story) -> (String, Tone) {
    if story.went_well() {
        let words = "Ann has one message, and it is Joe's: who used his name, and who changed what he had signed, was \
                     turned away at the door.";
        return (words.to_owned(), Tone::Good);
    }
    let wrong: Vec<&str> = story
        .acts
        .iter()
        .filter(|act| !act.went_well())
        .map(|act| act.title)
        .collect();
    let words = if wrong.is_empty() {
        format!(
            "This should not have happened: Ann has {} messages.",
            story.kept
        )
    } else {
        format!("This should not have happened: {}.", wrong.join(", "))
    };
    (words, Tone::Bad)
}

/// A line of the table: as many lines of text as its longest cell.
fn row(out: &mut String, title: &str, cells: &[(String, Tone)], style: Style) -> fmt::Result {
    let cells: Vec<_> = cells
        .iter()
        .map(|(text, tone)| (wrap(&shown_within(text.as_bytes(), CELL)), *tone))
        .collect();
    let height = cells
        .iter()
        .map(|(lines, _)| lines.len())
        .max()
        .unwrap_or_default();
    for number in 0..height {
        let title = if number == 0 { title } else { "" };
        let mut line = style
            .paint(Tone::Faint, format!("{title:<TITLES$}"))
            .to_string();
        for (at, (lines, tone)) in cells.iter().enumerate() {
            let text = lines.get(number).map_or("", String::as_str);
            let last = at + 1 == cells.len();
            let room = if last { 0 } else { WIDTH };
            let padding = room.saturating_sub(text.chars().count());
            write!(line, "  {}{:padding$}", style.paint(*tone, text), "")?;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Lines of whole words; a word that is longer than a line has one of its own.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let room = lines
            .last()
            .map_or(0, |line| WIDTH.saturating_sub(line.chars().count()));
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if word.chars().count() < room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
