//! Who writes to the receiver in somebody else's name: SMTP in plain lines, from an address of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use scop_core::Sink as _;
use scop_smtp_proto::data::{StuffSink, Stuffer};
use scop_smtp_proto::{ReplyReader, ReplyView};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::stage::{ANN, FORGER, JOE};
use crate::error::Error;
use crate::message::reason;

/// Where the forger sits: not where Joe's domain says that its mail comes from.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long the receiver may take for a reply.
const PATIENCE: Duration = Duration::from_secs(15);

/// The last word of the receiver on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) accepted: bool,
    /// The code, and the text on one line.
    pub(crate) reply: String,
}

/// Says that a message is from Joe and for Ann.
///
/// # Errors
/// When the receiver cannot be reached, or says what is no reply.
pub(crate) async fn send(receiver: SocketAddr, message: &[u8]) -> Result<Answer, Error> {
    tokio::time::timeout(PATIENCE, converse(receiver, message))
        .await
        .map_err(|_| Error::new(receiver, "the receiver does not answer the forger in time"))?
}

async fn converse(receiver: SocketAddr, message: &[u8]) -> Result<Answer, Error> {
    let mut line = Line::open(receiver).await?;
    let mut content = StuffSink::new(Vec::new(), Stuffer::normalising());
    let stuffed = content.put(message).map(|()| content.finish());
    let Ok(Ok(content)) = stuffed else {
        return Err(Error::new("the forged message", "has a bare line end"));
    };
    let mut answer = line.reply().await?;
    for command in [
        format!("EHLO {FORGER}\r\n"),
        format!("MAIL FROM:<{JOE}>\r\n"),
        format!("RCPT TO:<{ANN}>\r\n"),
        "DATA\r\n".to_owned(),
    ] {
        if !answer.accepted {
            break;
        }
        answer = line.say(command.as_bytes()).await?;
    }
    if answer.accepted {
        answer = line.say(&content).await?;
    }
    // What it says to that is of no interest.
    let _ = line.say(b"QUIT\r\n").await;
    Ok(answer)
}

/// The connection.
struct Line {
    receiver: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(receiver: SocketAddr) -> Result<Self, Error> {
        let socket = TcpSocket::new_v4().map_err(|error| fail(receiver, &error))?;
        socket
            .bind((ADDRESS, 0).into())
            .map_err(|error| match error.kind() {
                io::ErrorKind::AddrNotAvailable => Error::new(
                    ADDRESS,
                    "the forger needs this second address of the loopback interface, which Linux has by itself",
                ),
                _ => Error::new(ADDRESS, reason(&error)),
            })?;
        let stream = socket
            .connect(receiver)
            .await
            .map_err(|error| fail(receiver, &error))?;
        Ok(Self {
            receiver,
            stream,
            buffer: vec![0; 8192],
        })
    }

    async fn say(&mut self, octets: &[u8]) -> Result<Answer, Error> {
        self.stream
            .write_all(octets)
            .await
            .map_err(|error| fail(self.receiver, &error))?;
        self.reply().await
    }

    async fn reply(&mut self) -> Result<Answer, Error> {
        let mut replies = ReplyReader::new(&mut self.buffer);
        let mut chunk = [0; 1024];
        loop {
            let count = self
                .stream
                .read(&mut chunk)
                .await
                .map_err(|error| fail(self.receiver, &error))?;
            if count == 0 {
                return Err(Error::new(self.receiver, "the receiver hung up"));
            }
            // It is asked one thing at a time, so that nothing comes behind a reply.
            let mut input = chunk.get(..count).unwrap_or_default();
            match replies.read(&mut input) {
                Ok(Some(reply)) => return Ok(Answer::from(&reply)),
                Ok(None) => {}
                Err(rule) => return Err(Error::new(self.receiver, rule)),
            }
        }
    }
}

impl From<&ReplyView<'_>> for Answer {
    fn from(reply: &ReplyView<'_>) -> Self {
        let mut words = vec![reply.code().number().to_string()];
        words.extend(reply.status().map(|status| status.to_string()));
        words.extend(
            reply
                .lines()
                .map(|line| String::from_utf8_lossy(line).into_owned()),
        );
        Self {
            accepted: reply.code().is_positive(),
            reply: words.join(" "),
        }
    }
}

fn fail(receiver: SocketAddr, error: &io::Error) -> Error {
    Error::new(receiver, reason(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A receiver that gives these replies, whatever it hears; what it heard.
    fn meet(
        replies: &'static [&'static str],
        message: &'static [u8],
    ) -> (Result<Answer, Error>, String) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let receiver = tokio::spawn(async move {
                let (mut stream, client) = listener.accept().await.unwrap();
                assert_eq!(client.ip(), ADDRESS);
                let mut heard = Vec::new();
                for reply in replies {
                    stream.write_all(reply.as_bytes()).await.unwrap();
                    let content = reply.starts_with('3');
                    loop {
                        let mut chunk = [0; 256];
                        let count = stream.read(&mut chunk).await.unwrap();
                        heard.extend_from_slice(&chunk[..count]);
                        let end: &[u8] = if content { b"\r\n.\r\n" } else { b"\r\n" };
                        if count == 0 || heard.ends_with(end) {
                            break;
                        }
                    }
                }
                heard
            });
            let answer = send(address, message).await;
            (answer, String::from_utf8(receiver.await.unwrap()).unwrap())
        })
    }

    #[test]
    fn the_last_word_is_that_on_the_message() {
        let (answer, heard) = meet(
            &[
                "220 mx\r\n",
                "250-mx\r\n250 SIZE\r\n",
                "250 OK\r\n",
                "250 OK\r\n",
                "354 Go\r\n",
                "550-5.7.1 No,\r\n550 5.7.1 thanks\r\n",
                "221 Bye\r\n",
            ],
            b"From: x\n\n.dot\n",
        );
        let reply = "550 5.7.1 No, thanks".to_owned();
        assert_eq!(
            answer.unwrap(),
            Answer {
                accepted: false,
                reply
            }
        );
        assert_eq!(
            heard,
            "EHLO forger.example.com\r\nMAIL FROM:<joe@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\n\
             From: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
        );
    }

    #[test]
    fn a_refusal_ends_it_and_nonsense_is_an_error() {
        let (answer, heard) = meet(
            &["220 mx\r\n", "250 mx\r\n", "550 No\r\n", "221 Bye\r\n"],
            b"",
        );
        assert_eq!(answer.unwrap().reply, "550 No");
        assert!(
            heard.ends_with("MAIL FROM:<joe@example.org>\r\nQUIT\r\n"),
            "{heard}"
        );
        let (answer, _) = meet(&["hello\r\n"], b"");
        assert!(answer.is_err());
    }
}
