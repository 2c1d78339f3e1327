//! A client on tokio, TLS by tokio-rustls.

use std::error::Error;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use scop_smtp_proto::client::{Buffers, Client, Config, End, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::stream::Channel;
use crate::host::{Errand, now, until};

/// Runs an errand over a connection to its end. The certificate has to be one for `server_name`.
pub async fn send(
    socket: TcpStream,
    config: Config<'_>,
    tls: &Arc<ClientConfig>,
    server_name: &str,
    errand: &mut Errand<'_>,
) -> Result<Option<End>, Box<dyn Error>> {
    socket.set_nodelay(true)?; // a chunk follows its command, not the acknowledgement
    let server_name = ServerName::try_from(server_name.to_owned())?;
    let tls = TlsConnector::from(tls.clone());
    let mut stream: Box<dyn Channel> = Box::new(socket);
    if config.secure {
        stream = Box::new(tls.connect(server_name.clone(), stream).await?);
    }
    let (mut input, mut output) = ([0; 2048], [0; 2048]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, now())?;
    let mut received = vec![0; 4096];
    let (mut start, mut end) = (0, 0); // what of it was not taken yet
    loop {
        match client.poll() {
            Step::Transmit => match stream.write(client.transmit()).await {
                Ok(count) => client.transmitted(count, now())?,
                Err(_) => client.handle_closed(),
            },
            Step::Event => errand.event(&client),
            Step::Order => errand.order(&mut client)?,
            Step::Recipient(index) => errand.recipient(index, &mut client)?,
            Step::Auth => errand.auth(&mut client)?,
            Step::Content => {
                let octets = errand.content(&mut client);
                if stream.write_all(octets).await.is_err() {
                    client.handle_closed();
                }
            }
            Step::StartTls => {
                stream.flush().await?;
                match tls.connect(server_name.clone(), stream).await {
                    Ok(secured) => stream = Box::new(secured),
                    Err(error) => {
                        errand.refusals.push(error.to_string());
                        client.handle_closed();
                        while client.poll() == Step::Event {
                            errand.event(&client);
                        }
                        return Ok(client.end());
                    }
                }
                // Octets in the clear behind the reply end the connection; `end` says so.
                let _ = client.tls_started(&received[start..end], now());
            }
            Step::Wait(moment) if start == end => {
                stream.flush().await?;
                match timeout(until(moment), stream.read(&mut received)).await {
                    Ok(Ok(count)) if count > 0 => (start, end) = (0, count),
                    Ok(_) => client.handle_closed(),
                    Err(_) => client.handle_timeout(now()),
                }
            }
            Step::Wait(_) => {
                let mut unread = &received[start..end];
                client.handle_input(&mut unread, now());
                start = end - unread.len();
            }
            Step::Done => return Ok(client.end()),
            other => return Err(format!("this client knows no {other:?}").into()),
        }
    }
}
