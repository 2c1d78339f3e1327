//! Whether a user who submits a message is its author (RFC 6409 6.1): the Sender signs for the domain in From.
//!
//! Each address in From, and the one in Sender, is held against the addresses of the user, as the one in MAIL is.
//! There is one reading: a message is refused whose From is missing, is there twice, is no list of addresses, holds
//! a group, or has an address that some read as another; DMARC finds no author in it either
//! ([`scop_dmarc::Author`]). Display names and comments count for nothing, and encoded words are never decoded in an
//! address. Fields of a resent message (RFC 5322 3.6.6) take nothing from this: who resends mail of others writes it
//! anew, or the operator sets `from = "any"`.
//!
//! Contract: linear time; whatever the header, one reply or none.

use std::fmt::Display;

use scop_dmarc::author::{PlainMailboxes, mailboxes};
use scop_mime_core::HeaderBlock;
use scop_smtp_proto::Reply;
use tracing::info;

use super::replies;
use super::session::Host;
use super::users::User;
use crate::spool::Id;

/// Why a message is not one that this user may write.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    reply: Reply<'static>,
    /// The rule that is broken, for the log.
    rule: String,
}

/// A field that names an author, and what a client is told of it.
struct Place {
    name: &'static str,
    /// It cannot be read in one way.
    unreadable: Reply<'static>,
    /// An address in it is not one of the user.
    foreign: Reply<'static>,
}

const FROM: Place = Place {
    name: "From",
    unreadable: replies::BAD_FROM,
    foreign: replies::NOT_YOUR_FROM,
};

const SENDER: Place = Place {
    name: "Sender",
    unreadable: replies::BAD_SENDER,
    foreign: replies::NOT_YOUR_SENDER,
};

impl Host<'_> {
    /// Holds From and Sender of a submitted header against the user who logged in.
    pub(super) fn judge_author(&self, id: &Id, header: &[u8]) -> Result<(), Reply<'static>> {
        if !(self.desk.kind.is_submission() && self.receiver.own_authors) {
            return Ok(());
        }
        // There is no MAIL without a login.
        let user = self.user.as_ref().ok_or(replies::LOGIN_FIRST)?;
        judge(header, user).map_err(|Fault { reply, rule }| {
            info!(%id, client = %self.ip, user = user.name, rule, "not a message of this user");
            reply
        })
    }
}

impl Place {
    fn unreadable(&self, rule: &dyn Display) -> Fault {
        Fault {
            reply: self.unreadable,
            rule: format!("{}: {rule}", self.name),
        }
    }

    /// The mailboxes in the one field of this name; `None` without the field.
    fn read<'h>(&self, header: HeaderBlock<'h>) -> Result<Option<PlainMailboxes<'h>>, Fault> {
        let read = mailboxes(header, self.name.as_bytes());
        read.map_err(|rule| self.unreadable(&rule))
    }

    /// Whether all of them are addresses of a user.
    fn hold(&self, read: &PlainMailboxes<'_>, user: &User) -> Result<(), Fault> {
        let mut addresses = read.mailboxes().map(|mailbox| mailbox.addr_spec());
        if addresses.all(|address| user.may_write_as(&address)) {
            return Ok(());
        }
        Err(Fault {
            reply: self.foreign,
            rule: format!("{}: an address of others (RFC 6409 6.1)", self.name),
        })
    }
}

fn judge(header: &[u8], user: &User) -> Result<(), Fault> {
    let header = HeaderBlock::new(header);
    let Some(from) = FROM.read(header)? else {
        return Err(FROM.unreadable(&"it is missing (RFC 5322 3.6)"));
    };
    FROM.hold(&from, user)?;
    let Some(sender) = SENDER.read(header)? else {
        return Ok(());
    };
    if sender.mailboxes().count() > 1 {
        return Err(SENDER.unreadable(&"it holds several addresses (RFC 5322 3.6.2)"));
    }
    SENDER.hold(&sender, user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::users;

    /// What the user with these addresses is told of a header: the word of the field, and the status.
    fn told(addresses: &str, header: &str) -> String {
        let user = users::tests::user("joe", addresses);
        let Err(fault) = judge(header.as_bytes(), &user) else {
            return "taken".to_owned();
        };
        let field = fault.rule.split(':').next().unwrap().to_owned();
        let [foreign, unreadable] = match &*field {
            "From" => [FROM.foreign, FROM.unreadable],
            _ => [SENDER.foreign, SENDER.unreadable],
        };
        if fault.reply == foreign {
            format!("{field} of others")
        } else {
            assert_eq!(fault.reply, unreadable);
            format!("{field} unreadable")
        }
    }

    const ADDRESSES: &str = "joe@example.org *@example.net";

    #[test]
    fn messages_of_the_user() {
        for header in [
            "From: joe@example.org\r\n",
            "from : Joe Public <JOE@Example.ORG>\r\nTo: x@example.com\r\n",
            "From:\r\n \"ann@example.com\" <joe@example.org> (ann@example.com)\r\n",
            "From: =?utf-8?Q?ann=40example.com?= <joe@example.org>\r\n",
            "From: \"joe\"@example.org\r\n",
            "From: joe@example.org, any@example.net\r\nSender: joe@example.org\r\n",
            "Resent-From: ann@example.com\r\nReply-To: ann@example.com\r\nFrom: joe@example.org\r\n",
            "From: joe@example.org\r\nSubject: x\r\n From: ann@example.com\r\n",
        ] {
            assert_eq!(told(ADDRESSES, header), "taken", "{header}");
        }
    }

    #[test]
    fn labels_in_two_forms_are_one() {
        for (address, header) in [
            (
                "joe@b\u{fc}cher.example",
                "From: joe@xn--bcher-kva.example\r\n",
            ),
            (
                "joe@xn--bcher-kva.example",
                "From: joe@B\u{dc}cher.example\r\n",
            ),
            (
                "*@b\u{fc}cher.example",
                "From: j\u{f6}e@b\u{fc}cher.example\r\n",
            ),
        ] {
            assert_eq!(told(address, header), "taken", "{header}");
        }
        let header = "From: joe@bucher.example\r\n";
        assert_eq!(told("*@b\u{fc}cher.example", header), "From of others");
    }

    #[test]
    fn messages_of_others() {
        for header in [
            "From: ann@example.org\r\n",
            "From: joe@example.com\r\n",
            "From: \"joe@example.org\" <ann@example.com>\r\n",
            "From: joe@example.org, ann@example.com\r\n",
            "From: ann@example.com, joe@example.org\r\n",
            "From: joe@sub.example.net\r\n",
            "From: joe@[192.0.2.1]\r\n",
            "Resent-From: joe@example.org\r\nSender: joe@example.org\r\nFrom: ann@example.com\r\n",
            "From: joe@b\u{fc}cher.example\r\n",
        ] {
            assert_eq!(told(ADDRESSES, header), "From of others", "{header}");
            assert_eq!(told("*", header), "taken", "{header}");
        }
        for header in [
            "From: joe@example.org\r\nSender: ann@example.org\r\n",
            "Sender: ann@example.org\r\nFrom: joe@example.org\r\nResent-Sender: joe@example.org\r\n",
        ] {
            assert_eq!(told(ADDRESSES, header), "Sender of others", "{header}");
            assert_eq!(told("*", header), "taken", "{header}");
        }
    }

    #[test]
    fn messages_with_two_readings() {
        for header in [
            "",
            "To: x@example.com\r\n",
            "Sender: joe@example.org\r\n",
            "From:\r\n",
            "From: (joe@example.org)\r\n",
            "From: joe\r\n",
            "From: joe@example.org ann@example.com\r\n",
            "From: <joe@example.org>, ann\r\n",
            "From: joe@example.org\r\nFrom: joe@example.org\r\n",
            "From: joe@example.org\r\nFROM : ann@example.com\r\n",
            "From: joe@example.org\r\nFrom\0: ann@example.com\r\n",
            "From: joe@example.org\r\n\0From: ann@example.com\r\n",
            "From: joe@example.org\r\nX: y\rFrom: ann@example.com\r\n",
            "From: joe@example.org\r\nFrom\r\n : ann@example.com\r\n",
            "From: Team: joe@example.org;\r\n",
            "From: Undisclosed:;\r\n",
            "From: joe@example.org, Undisclosed:;\r\n",
            "From: <@example.com:joe@example.org>\r\n",
            "From: =?utf-8?Q?ann=40example.com?=@example.net\r\n",
            "From: \"ann@example.com,\"@example.net\r\n",
            "From: joe@(example.com)example.org\r\n",
            "From: joe@example.org . example.net\r\n",
        ] {
            assert_eq!(told(ADDRESSES, header), "From unreadable", "{header}");
            assert_eq!(told("*", header), "From unreadable", "{header}");
        }
        for sender in [
            "Sender:\r\n",
            "Sender: joe\r\n",
            "Sender: joe@example.org, joe@example.org\r\n",
            "Sender: joe@example.org\r\nSENDER: joe@example.org\r\n",
            "Sender: joe@example.org\r\nSender\0: ann@example.org\r\n",
            "Sender: Team: joe@example.org;\r\n",
            "Sender: <@example.com:joe@example.org>\r\n",
        ] {
            let header = format!("From: joe@example.org\r\n{sender}");
            assert_eq!(told(ADDRESSES, &header), "Sender unreadable", "{header}");
        }
    }
}
