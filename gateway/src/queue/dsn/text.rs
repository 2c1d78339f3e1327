//! The part of a notification for people.

use scop_core::UnixTime;
use scop_mime_core::report::delivery::Action;

use super::{Report, Returned, Told, date};
use crate::spool::Envelope;

/// Octets of what another server said that are quoted; a line must not have more than 998.
const MAX_QUOTE: usize = 800;

/// What became of the message, and of whom.
pub(super) fn text(
    envelope: &Envelope,
    told: &[Told<'_>],
    report: &Report,
    returned: Option<Returned<'_>>,
) -> String {
    let mut text = format!(
        "This is the mail system of {}.\n\nIt is about your message that came here on\n{}.\n",
        report.name,
        date_text(envelope.arrived)
    );
    let end = format!(
        "It is delayed for these recipients. You need not send it again: it is tried\nuntil {}, and you are told if that fails.",
        date_text(report.end)
    );
    for (action, words) in [
        (
            Action::Failed,
            "It could not be delivered to these recipients, and is not tried any more:",
        ),
        (Action::Delayed, end.as_str()),
        (
            Action::Relayed,
            "It was handed on for these recipients, to a server that does not report\nwhether it arrives:",
        ),
    ] {
        let mut of_action = told.iter().filter(|told| told.action == action).peekable();
        if of_action.peek().is_none() {
            continue;
        }
        text.push('\n');
        text.push_str(words);
        text.push('\n');
        for told in of_action {
            text.push_str("\n  ");
            text.push_str(&told.address);
            text.push('\n');
            if let Some(failure) = told.failure {
                let why = quoted(&failure.why);
                fill(&mut text, &format!("{}.", why.trim_end_matches('.')));
            }
            if let Some(reply) = told.reply {
                let host = told.host.map_or("The server".into(), quoted);
                fill(&mut text, &format!("{host} said: {}", quoted(reply)));
            }
        }
    }
    text.push_str(match returned {
        Some(Returned::Message(_)) => {
            "\nWhat follows is the same for programs, and your message.\n"
        }
        Some(Returned::Header(_)) => {
            "\nWhat follows is the same for programs, and the header of your message.\n"
        }
        None => "\nWhat follows is the same for programs.\n",
    });
    text
}

/// Adds a paragraph in lines of 76 octets where there is space.
fn fill(text: &mut String, words: &str) {
    const INDENT: &str = "    ";
    let mut column = 0;
    for word in words.split(' ') {
        if column == 0 || column + 1 + word.len() > 76 {
            if column > 0 {
                text.push('\n');
            }
            text.push_str(INDENT);
            column = INDENT.len() + word.len();
        } else {
            text.push(' ');
            column += 1 + word.len();
        }
        text.push_str(word);
    }
    text.push('\n');
}

/// The words of others as printable ASCII that fits a line.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        match character {
            ' '..='~' => quoted.push(character),
            _ => quoted.extend(character.escape_default()),
        }
        if quoted.len() > MAX_QUOTE {
            quoted.push_str("...");
            break;
        }
    }
    quoted
}

fn date_text(time: UnixTime) -> String {
    date(time).map_or_else(
        || "a date that no calendar has".to_owned(),
        |date| date.to_string(),
    )
}
