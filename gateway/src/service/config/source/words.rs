//! What serde says of a value, in words for whoever wrote the file: the rule, and what is there instead.

use super::between;

/// The rule that a value broke. What is not known here is said as it came, such as the rules of our own types.
pub(super) fn rule(message: &str) -> String {
    if let Some((found, wanted)) = (message.strip_prefix("invalid type: "))
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!("{} is needed, not {}", kind(wanted), value(found));
    }
    if message.starts_with("invalid length ") && message.contains(", expected struct ") {
        return "a table is needed, not a list".to_owned();
    }
    if let Some(word) = between(message, "unknown variant `", "`") {
        let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        return format!("{word:?} is unknown; known: {}", known.join(", "));
    }
    match message {
        "invalid socket address syntax" => format!("{SOCKET} is needed"),
        "invalid IP address syntax" => format!("{ADDRESS} is needed"),
        _ => message.replace('\n', "; ").replace('`', "\""),
    }
}

const SOCKET: &str = "an address with a port, like 127.0.0.1:25 or [::1]:25,";
const ADDRESS: &str = "an IP address, like 192.0.2.1 or 2001:db8::1,";
const TEXT: &str = "a text in quotes";

/// What a type of Rust is in the file.
fn kind(wanted: &str) -> &str {
    match wanted {
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 on",
        "a nonzero usize" => "a whole number from 1 on",
        "a boolean" => "true or false",
        "a string" | "variant identifier" => TEXT,
        "path string" => "a path in quotes",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        "socket address" => SOCKET,
        "IP address" => ADDRESS,
        _ if wanted.starts_with("struct ") || wanted.starts_with("internally tagged enum ") => {
            "a table"
        }
        _ if wanted.starts_with("enum ") || wanted.starts_with("variant of enum ") => TEXT,
        other => other,
    }
}

/// What is there.
fn value(found: &str) -> String {
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        _ => match found.split_once(' ') {
            Some(("string", text)) => format!("the text {text}"),
            _ => match between(found, "`", "`") {
                Some(plain) => plain.to_owned(),
                None => found.to_owned(),
            },
        },
    }
}
