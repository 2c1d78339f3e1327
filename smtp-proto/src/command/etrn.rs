//! ETRN (RFC 1985).

use scop_core::{Emit, Full, ParseError, Sink};

use super::{CommandError, CommandErrorKind};
use crate::lexical::Class;
use crate::path::DomainName;
use crate::shown::debug_as_text;

/// What ETRN asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EtrnScope {
    /// The mail for one domain.
    Domain,
    /// `@`: the mail for a domain and those below it (RFC 1985 5.3).
    Subdomains,
    /// `#`: a queue that both sides know by name (RFC 1985 5.3).
    Queue,
}

/// What stands behind ETRN: `[option]node`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Etrn<'a> {
    scope: EtrnScope,
    node: &'a [u8],
}

debug_as_text!(Etrn);

impl<'a> Etrn<'a> {
    /// Reads the argument: a domain, or behind `#` anything visible.
    ///
    /// # Errors
    /// [`CommandErrorKind::BadNode`].
    pub fn parse(argument: &'a [u8]) -> Result<Self, CommandError> {
        let (scope, node) = match argument.split_first() {
            Some((b'@', node)) => (EtrnScope::Subdomains, node),
            Some((b'#', node)) => (EtrnScope::Queue, node),
            _ => (EtrnScope::Domain, argument),
        };
        let well_formed = match scope {
            EtrnScope::Queue => !node.is_empty() && Class::VISIBLE.run(node) == node.len(),
            _ => DomainName::parse(node).is_ok_and(|name| name.is_ascii()),
        };
        if well_formed {
            return Ok(Self { scope, node });
        }
        let offset = argument.len().saturating_sub(node.len());
        Err(ParseError::new(CommandErrorKind::BadNode, offset))
    }

    /// What is asked for.
    pub const fn scope(&self) -> EtrnScope {
        self.scope
    }

    /// The domain or queue, without `@` or `#`.
    pub const fn node(&self) -> &'a [u8] {
        self.node
    }
}

/// The argument.
impl Emit for Etrn<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(match self.scope {
            EtrnScope::Domain => b"",
            EtrnScope::Subdomains => b"@",
            EtrnScope::Queue => b"#",
        })?;
        sink.put(self.node)
    }
}
