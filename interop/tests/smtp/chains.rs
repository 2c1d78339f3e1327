//! From the client machine through a program of others to the server machine.

use std::net::SocketAddr;

use scop_interop::program::{Certificate, Program};

use crate::from_us::{address, aiosmtpd, all_delivered, config, letter, send, without_trace};
use crate::host::Errand;
use crate::to_us::Ours;
use crate::{DRIVERS, Driver, carried, messages};

/// Sends every message that the relay can take to it, and compares what comes out at our server, less a
/// field that it adds.
fn relayed(driver: Driver, relay: SocketAddr, ours: &Ours, cannot: &str, added: &str) {
    let mut all = messages();
    all.retain(|(name, _)| *name != cannot);
    let letters: Vec<_> = all
        .iter()
        .map(|(_, message)| letter(&["<x@d.test>", "<y@d.test>"], message))
        .collect();
    let mut errand = Errand::new(&letters, 1000);
    send(driver, relay, config(), &mut errand);
    assert!(all_delivered(&errand), "{errand:?}");
    let mut sent: Vec<_> = all.iter().map(|(_, message)| carried(message)).collect();
    let taken = ours.take(sent.len());
    assert!(
        taken
            .iter()
            .all(|message| message.to == ["<x@d.test>", "<y@d.test>"])
    );
    let mut taken: Vec<_> = taken
        .iter()
        .map(|message| String::from_utf8_lossy(without_trace(&message.content)).replace(added, ""))
        .collect();
    sent.sort();
    taken.sort();
    for (sent, taken) in sent.iter().zip(&taken) {
        assert_eq!(&String::from_utf8_lossy(sent), taken);
    }
}

#[test]
fn through_postfix() {
    let certificate = Certificate::new();
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        let relay_to = format!("relayhost=[127.0.0.1]:{}", ours.address.port());
        let settings = [
            &relay_to,
            "virtual_mailbox_domains=",
            "smtp_tls_security_level=encrypt",
            "smtpd_recipient_restrictions=permit_mynetworks,reject",
        ];
        let Some(postfix) = Program::postfix(&settings, Some(&certificate)) else {
            return;
        };
        relayed(driver, postfix.address(), &ours, "", "\n\n");
    }
}

#[test]
fn through_aiosmtpd() {
    for driver in DRIVERS {
        let ours = Ours::smtp(driver);
        let Some(peer) = aiosmtpd(&["--relay", &ours.address.port().to_string()]) else {
            return;
        };
        // It separates the header from nothing where there is no body.
        relayed(
            driver,
            address(&peer),
            &ours,
            "no body",
            "X-Peer: 127.0.0.1\r\n",
        );
    }
}
