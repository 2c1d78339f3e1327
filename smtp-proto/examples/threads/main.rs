//! The machines on threads and blocking sockets.
//!
//!     cargo run -p scop-smtp-proto --example threads -- serve 127.0.0.1:2525
//!     cargo run -p scop-smtp-proto --example threads -- send 127.0.0.1:2525 joe@example.org ann@example.net [USER PASSWORD] <message.eml
//!
//! The server takes every message and prints it; its certificate is its own. The client encrypts with
//! whoever answers, and takes LF and CRLF as line ends.

#![expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    reason = "a program on an operating system, whose files are modules of tests too"
)]

mod client;
#[path = "../host/mod.rs"]
mod host;
mod server;
mod stream;

use std::error::Error;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;

use host::{Certificate, EXTENSIONS, Errand, Letter, Mailroom, Rules, any_certificate};
use scop_smtp_proto::auth::Mechanism;
use scop_smtp_proto::{Domain, client as smtp_client, server as smtp_server};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", address] => serve(address),
        ["send", address, from, to] => send(address, from, to, None),
        ["send", address, from, to, user, password] => {
            send(address, from, to, Some((user, password)))
        }
        _ => Err("serve ADDRESS, or send ADDRESS FROM TO [USER PASSWORD] <MESSAGE".into()),
    }
}

fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let tls = Certificate::new("localhost")?.server()?;
    for socket in TcpListener::bind(address)?.incoming() {
        let (socket, tls) = (socket?, tls.clone());
        thread::spawn(move || {
            let config = smtp_server::Config::new("localhost", EXTENSIONS);
            let mut mailroom = Mailroom::new(Rules::default());
            let end = server::serve(socket, config, &tls, &mut mailroom);
            for message in &mailroom.taken {
                println!("{} -> {:?}", message.from, message.to);
                println!("{}", String::from_utf8_lossy(&message.content));
            }
            println!("{end:?}");
        });
    }
    Ok(())
}

fn send(
    address: &str,
    from: &str,
    to: &str,
    user: Option<(&str, &str)>,
) -> Result<(), Box<dyn Error>> {
    let mut message = String::new();
    std::io::stdin().read_to_string(&mut message)?;
    let letters = [Letter {
        from: format!("<{from}>"),
        to: vec![format!("<{to}>")],
        content: message.replace("\r\n", "\n").replace('\n', "\r\n").into(),
        ..Letter::default()
    }];
    let mut config = smtp_client::Config::new(Domain::parse(b"localhost")?);
    config.extensions = EXTENSIONS;
    let mut errand = Errand::new(&letters, 16 * 1024);
    if let Some((user, password)) = user {
        errand = errand.with_user(Mechanism::ScramSha256, user, password)?;
    }
    let socket = TcpStream::connect(address)?;
    client::send(
        socket,
        config,
        &any_certificate()?,
        "localhost",
        &mut errand,
    )?;
    println!("{:?} {:?}", errand.fates, errand.refusals);
    Ok(())
}
