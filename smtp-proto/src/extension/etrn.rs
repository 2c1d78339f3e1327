//! ETRN (RFC 1985).

use super::{Effect, Extension, Refusal, Session};

/// `ETRN`: the client asks that the queue for a host be sent to it. The host of the server decides.
#[derive(Clone, Copy, Debug)]
pub struct Etrn;

impl Extension for Etrn {
    fn keyword(&self) -> &'static str {
        "ETRN"
    }

    fn verbs(&self) -> &[&str] {
        &["ETRN"]
    }

    /// `ETRN SP [option-character] node-name`, where the option is `@` or `#` (RFC 1985 5).
    fn command(&self, _: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        let option = argument
            .first()
            .filter(|octet| matches!(octet, b'@' | b'#'));
        let node = argument
            .get(usize::from(option.is_some())..)
            .unwrap_or_default();
        if node.is_empty() || !node.iter().all(u8::is_ascii_graphic) {
            return Err(Refusal::BAD_ARGUMENT);
        }
        if session.in_transaction {
            return Err(Refusal::OUT_OF_ORDER);
        }
        Ok(Effect::Ask)
    }
}
