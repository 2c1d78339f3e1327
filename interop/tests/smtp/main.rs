//! The machines of smtp-proto against mail programs that others wrote, over loopback, driven by the two
//! examples of the crate: threads with blocking sockets, and tokio.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod chains;
mod from_us;
mod to_us;

#[path = "../../../smtp-proto/examples/host/mod.rs"]
mod host;
#[path = "../../../smtp-proto/examples/threads"]
mod threads {
    pub mod client;
    pub mod server;
    mod stream;
}
#[path = "../../../smtp-proto/examples/tokio"]
mod tokio_driven {
    pub mod client;
    pub mod server;
    mod stream;
}

/// Who drives the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Threads,
    Tokio,
}

const DRIVERS: [Driver; 2] = [Driver::Threads, Driver::Tokio];

/// Messages with what has gone wrong somewhere: dots, long lines, 8-bit octets, no line end at the end.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let header = b"From: joe@example.org\r\nTo: x@d.test\r\nSubject: a test\r\nMessage-ID: <1@example.org>\r\n\
        Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n";
    let message = |body: &[u8]| [header, &b"\r\n"[..], body].concat();
    vec![
        ("plain", message(b"Hello\r\n")),
        ("no body", header.to_vec()),
        ("dots", message(b".\r\n..\r\n.a\r\n...\r\n\r\n.\r\n\r\n.")),
        ("dots only", message(b".\r\n")),
        ("white space", message(b"\r\n\r\n  \r\n\t\r\n\r\n")),
        (
            "a line of 998",
            message(&[&[b'x'; 998][..], b"\r\n"].concat()),
        ),
        ("8bit", message("Grüße, ταῦτα, 日本\r\n".as_bytes())),
        (
            "large",
            message(
                &b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n.\r\n"
                    .repeat(4000),
            ),
        ),
    ]
}

/// The message as it must arrive: SMTP can only carry a last line that ends with CRLF.
fn carried(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    if !message.ends_with(b"\r\n") {
        message.extend_from_slice(b"\r\n");
    }
    message
}

/// Runs a future on tokio to its end.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}
