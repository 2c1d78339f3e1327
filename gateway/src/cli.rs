//! The command line.

pub(crate) mod queue;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scop_core::UnixTime;

use crate::resolve::system::PORT;

/// Who really sent this message, and why one may believe it.
#[derive(Debug, Parser)]
#[command(name = "scop", version, max_term_width = 100)]
#[command(
    after_help = "Set SCOP_LOG=debug (or trace) to see on standard error what the program does."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Check),
    Sign(Sign),
    Keygen(Keygen),
    Parse(Parse),
    #[command(subcommand)]
    Corpus(Corpus),
    Report(Report),
    Receive(Receive),
    Send(Send),
    #[command(subcommand)]
    Queue(queue::Queue),
    User(User),
    Demo(Demo),
}

/// Receive mail: ports 25, 465, 587 and LMTP
#[derive(Debug, Parser)]
#[command(name = "scop-receiver", version, max_term_width = 100)]
pub(crate) struct Receiver {
    #[command(flatten)]
    pub(crate) receive: Receive,
}

/// Send mail from a spool folder
#[derive(Debug, Parser)]
#[command(name = "scop-sender", version, max_term_width = 100)]
pub(crate) struct Sender {
    #[command(flatten)]
    pub(crate) send: Send,
}

/// Receive mail: check it while it arrives, and keep it or hand it on
#[derive(Args, Debug)]
#[command(after_help = "\
Signals:
  SIGTERM, SIGINT  stop: what was begun is finished; a second one stops at once
  SIGHUP           read certificates and users again; what is broken is logged, and the old stays

Exit status:
  0  it was told to stop, or the configuration is good
  1  it was told to stop twice, and cut its work short
  2  the configuration, or something that it names, cannot be used")]
pub(crate) struct Receive {
    /// The configuration; docs/running.md describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// Read the configuration and all that it names, say what is wrong, and stop
    #[arg(long)]
    pub(crate) check_config: bool,

    /// Do without the confinement by the kernel
    #[arg(long)]
    pub(crate) no_sandbox: bool,
}

/// Send mail: run the service; or, with a message, put it into the service's spool
#[derive(Args, Debug)]
#[command(after_help = "\
Signals:
  SIGTERM, SIGINT  stop: what was begun is finished; a second one stops at once
  SIGHUP           read the keys again; what is broken is logged, and the old stays

Exit status:
  0  it was told to stop, the configuration is good, or the message is in the spool
  1  it was told to stop twice, and cut its work short
  2  the configuration, something that it names, or the message cannot be used")]
pub(crate) struct Send {
    /// The configuration; docs/running.md describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// Read the configuration and all that it names, say what is wrong, and stop
    #[arg(long)]
    pub(crate) check_config: bool,

    /// Do without the confinement by the kernel
    #[arg(long)]
    pub(crate) no_sandbox: bool,

    /// A message to put into the spool, with --from and --to; `-` is standard input
    #[arg(requires = "to")]
    pub(crate) file: Option<PathBuf>,

    /// Who it is from, in the envelope; empty or `<>` for a bounce
    #[arg(long, value_name = "ADDR", value_parser = reverse_path, allow_hyphen_values = true, requires = "file")]
    pub(crate) from: Option<String>,

    /// Whom it is for; may be repeated
    #[arg(long, value_name = "ADDR", requires = "file")]
    pub(crate) to: Vec<String>,

    /// It goes over TLS to servers whose certificate is good, or not at all (REQUIRETLS, RFC 8689)
    #[arg(long, requires = "file")]
    pub(crate) require_tls: bool,
}

/// Read reports that others sent: how mail to a domain fared with TLS (RFC 8460)
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// Reports: JSON, JSON as gzip, or the message that brought one; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a line for the file of users: the password is read from standard input
#[derive(Args, Debug)]
pub(crate) struct User {
    /// The name to log in with
    pub(crate) name: String,

    /// What the user may send from: addresses, `*@example.org`, or `*` [default: the name, if it is an address]
    pub(crate) address: Vec<String>,
}

/// See both services at work on this computer: a signed and a forged message travel for real
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Keep the folder with the configurations, logs and messages, and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Check a message: DKIM, SPF and DMARC together
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
  0   DMARC passes; or there is no DMARC record, and DKIM or SPF vouches for the From domain
  1   it does not pass
  2   the arguments are wrong, or a file cannot be read
  75  a lookup failed, so it is not known now; try again")]
pub(crate) struct Check {
    /// The message; `-` or nothing is standard input
    pub(crate) file: Option<PathBuf>,

    /// The address that the message came from; SPF needs it
    #[arg(long)]
    pub(crate) ip: Option<IpAddr>,

    /// The name that the sender gave with HELO or EHLO; SPF checks it
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) helo: Option<String>,

    /// The address that the sender gave with MAIL FROM; SPF checks it. Empty or `<>` for a bounce
    #[arg(long, value_name = "ADDR", value_parser = reverse_path, allow_hyphen_values = true)]
    pub(crate) mail_from: Option<String>,

    /// The DNS server to ask, instead of those in /etc/resolv.conf
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = server)]
    pub(crate) dns: Option<SocketAddr>,

    /// Answer from this zone file, offline; may be repeated. With --dns, that server answers for names that are in no zone
    #[arg(long, value_name = "FILE")]
    pub(crate) zone: Vec<PathBuf>,

    /// The name of the checker in Authentication-Results [default: the name of this host]
    #[arg(long, value_name = "NAME")]
    pub(crate) authserv_id: Option<String>,

    /// The time to check at, as 2026-11-24T06:00:00Z or in seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<UnixTime>,

    /// Print one JSON document instead of text; gateway/README.md describes it
    #[arg(long)]
    pub(crate) json: bool,

    /// Show each step: the bytes of the message it concerns, the DNS names asked, the answers
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Sign a message with DKIM, and write it to standard output
#[derive(Args, Debug)]
#[command(after_help = "\
To sign with two keys, sign what is signed:
  scop sign ... --key rsa.pem < message | scop sign ... --key ed.pem")]
pub(crate) struct Sign {
    /// The domain that takes responsibility (d=)
    #[arg(long, value_parser = domain)]
    pub(crate) domain: String,

    /// The name of the key in that domain (s=)
    #[arg(long)]
    pub(crate) selector: String,

    /// The private key: PKCS#8 or PKCS#1 in PEM, or an Ed25519 seed of 32 octets in base64
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// The canonicalisation of header and body: relaxed or simple for each
    #[arg(long, value_name = "HEADER/BODY", default_value = "relaxed/relaxed")]
    pub(crate) canon: String,

    /// The time of the signature (t=) [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<UnixTime>,

    /// The message; `-` or nothing is standard input
    pub(crate) file: Option<PathBuf>,
}

/// Make a signing key: write it to a file, and print its TXT record
#[derive(Args, Debug)]
#[command(after_help = "\
To try it before the record is published, keep the record and give it to the check:
  scop keygen ... > key.zone
  echo '_dmarc.DOMAIN. 3600 IN TXT \"v=DMARC1; p=none\"' >> key.zone
  scop sign ... message | scop check --zone key.zone")]
pub(crate) struct Keygen {
    /// What kind of key
    #[arg(long, value_enum)]
    pub(crate) algorithm: KeyAlgorithm,

    /// The name of the key in its domain (s=)
    #[arg(long)]
    pub(crate) selector: String,

    /// The domain that will sign with it (d=)
    #[arg(long, value_parser = domain)]
    pub(crate) domain: String,

    /// Where to write the private key; never over a file that is there [default: SELECTOR.DOMAIN.pem]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Show what a message is made of: its fields, the tree of its parts, and what is wrong with it
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
  0  the message was read; with --strict, nothing in it breaks a rule
  1  with --strict: a rule is broken; each one is a line on standard error, and nothing else is printed
  2  the arguments are wrong, the file cannot be read, or there is no such part

Parts are named as the tree shows them: --part 1.2 is the second part of the first, and --part 0 the
message itself. The decoded body is written as it is, for a file or another program.

A file whose lines all end with LF is a stored message: that is no broken rule.")]
pub(crate) struct Parse {
    /// The message; `-` or nothing is standard input
    pub(crate) file: Option<PathBuf>,

    /// Print one JSON document instead of text; gateway/README.md describes it
    #[arg(long, conflicts_with = "part")]
    pub(crate) json: bool,

    /// Refuse a message that breaks a rule
    #[arg(long)]
    pub(crate) strict: bool,

    /// Write the decoded body of one part to standard output
    #[arg(long, value_name = "PATH", value_parser = part_path)]
    pub(crate) part: Option<PartPath>,
}

/// The way to a part: which child at each level, from 1. The message itself has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartPath(pub(crate) Vec<usize>);

/// Messages from seeds: write them, or prove that reading and writing keeps them whole
#[derive(Debug, Subcommand)]
pub(crate) enum Corpus {
    Roundtrip(Roundtrip),
    Generate(Generate),
}

/// Draw messages from seeds, write and read each, and compare everything
#[derive(Args, Debug)]
#[command(after_help = "\
For each message: what is read is what was written, value by value and byte by byte; what is read is
written again as it was; the two readers agree on every cut of the input; and damaged variants are
accounted for byte by byte. corpus/README.md describes the messages and the digest.

Exit status:
  0  all of it holds for every message
  1  it does not; the first message for which it does not is shown, as small as it gets
  2  the arguments are wrong")]
pub(crate) struct Roundtrip {
    /// How many messages
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) count: u64,

    /// The seed of the first message; each one after it has the next seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,

    /// How many threads, 256 at most [default: one for each core]
    #[arg(long, value_name = "T", value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
}

/// Draw messages from seeds, and write them to files
#[derive(Args, Debug)]
#[command(after_help = "\
An mbox file is in the form mboxrd: `>` stands before each line that begins with `From ` behind any
number of `>`, and a message whose last line has no end gets one.

Exit status:
  0  all messages are written
  2  the arguments are wrong, or a file cannot be written")]
pub(crate) struct Generate {
    /// How many messages
    #[arg(long, value_name = "N")]
    pub(crate) count: u64,

    /// The seed of the first message; each one after it has the next seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,

    /// A folder, for one file SEED.eml each; a file that ends in .mbox; or `-` for an mbox on standard output
    #[arg(long, value_name = "DIR|FILE.mbox|-")]
    pub(crate) out: PathBuf,
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyAlgorithm {
    /// Short and fast; some receivers do not know it yet (RFC 8463)
    Ed25519,
    /// What every receiver knows (RFC 6376, RFC 8301)
    Rsa2048,
}

/// An address with or without angle brackets.
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap wants")]
fn reverse_path(text: &str) -> Result<String, String> {
    let inner = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    Ok(inner.unwrap_or(text).to_owned())
}

/// More threads than any machine of today has cores for are a slip of the hand.
const MAX_THREADS: usize = 256;

/// A number of threads.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= MAX_THREADS)
        .ok_or_else(|| format!("a number from 1 to {MAX_THREADS} is needed"))
}

/// Numbers from 1 with dots between; nothing, or `0`, for the message itself.
fn part_path(text: &str) -> Result<PartPath, String> {
    if text.is_empty() || text == "0" {
        return Ok(PartPath(Vec::new()));
    }
    text.split('.')
        .map(|number| number.parse::<NonZeroUsize>().map(NonZeroUsize::get))
        .collect::<Result<_, _>>()
        .map(PartPath)
        .map_err(|_| "numbers from 1 with dots between are needed: 1.2".to_owned())
}

/// A domain without the dot of the root, which a signature does not have (RFC 6376 3.5).
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap wants")]
fn domain(text: &str) -> Result<String, String> {
    Ok(text.strip_suffix('.').unwrap_or(text).to_owned())
}

/// An address, with the port of DNS when none is given.
fn server(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>()
        .or_else(|_| {
            let bare = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .unwrap_or(text);
            bare.parse::<IpAddr>()
                .map(|address| SocketAddr::new(address, PORT))
        })
        .map_err(|_| "an IP address is needed, with or without a port: 192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53".to_owned())
}

/// RFC 3339, or seconds since 1970.
fn time(text: &str) -> Result<UnixTime, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(UnixTime(seconds));
    }
    text.parse::<jiff::Timestamp>()
        .ok()
        .and_then(|time| u64::try_from(time.as_second()).ok())
        .map(UnixTime)
        .ok_or_else(|| {
            "a time since 1970 is needed, as 2026-11-24T06:00:00Z or in seconds".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:9", "[2001:db8::1]:9"),
        ] {
            assert_eq!(server(text), Ok(address.parse().unwrap()), "{text}");
        }
        assert!(server("dns.example").is_err() && server("192.0.2.1:x").is_err());
        assert_eq!(time("1764000000"), Ok(UnixTime(1_764_000_000)));
        assert_eq!(time("1970-01-01T00:01:00+00:00"), Ok(UnixTime(60)));
        assert!(time("1969-01-01T00:00:00Z").is_err() && time("yesterday").is_err());
        assert_eq!(domain("example.org."), Ok("example.org".to_owned()));
        assert_eq!(domain("example.org.."), Ok("example.org.".to_owned()));
        assert_eq!(domain("example.org"), Ok("example.org".to_owned()));
        assert_eq!(threads("256").map(NonZeroUsize::get), Ok(256));
        for text in ["0", "257", "-1", "x", "99999999999999999999999"] {
            assert_eq!(
                threads(text),
                Err("a number from 1 to 256 is needed".to_owned())
            );
        }
        assert_eq!(part_path("1.12"), Ok(PartPath(vec![1, 12])));
        assert_eq!(part_path("0"), Ok(PartPath(Vec::new())));
        assert!(
            part_path("1..2").is_err() && part_path("1.0").is_err() && part_path("-1").is_err()
        );
        assert_eq!(reverse_path("<>"), Ok(String::new()));
        assert_eq!(reverse_path("<a@b.example>"), Ok("a@b.example".to_owned()));
        assert_eq!(reverse_path("a@b.example"), Ok("a@b.example".to_owned()));
    }
}
