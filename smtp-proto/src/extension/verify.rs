//! VRFY, EXPN and HELP as keywords (RFC 5321 3.5, 4.1.1.6 to 4.1.1.8).
//!
//! The commands are part of SMTP; a server answers them whether it announces them or not. The keyword says
//! that the answer is worth asking for.

use super::Extension;

/// `VRFY`.
#[derive(Clone, Copy, Debug)]
pub struct Vrfy;

/// `EXPN`.
#[derive(Clone, Copy, Debug)]
pub struct Expn;

/// `HELP`.
#[derive(Clone, Copy, Debug)]
pub struct Help;

impl Extension for Vrfy {
    fn keyword(&self) -> &'static str {
        "VRFY"
    }
}

impl Extension for Expn {
    fn keyword(&self) -> &'static str {
        "EXPN"
    }
}

impl Extension for Help {
    fn keyword(&self) -> &'static str {
        "HELP"
    }
}
