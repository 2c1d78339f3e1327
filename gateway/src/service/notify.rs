//! What the service manager is told: `sd_notify(3)`, a datagram to the socket that it names.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixDatagram;

use tracing::warn;

/// The way to the service manager, opened before the confinement forbids it; none where nobody asked.
#[derive(Debug, Default)]
pub(crate) struct Notify(Option<UnixDatagram>);

impl Notify {
    /// To the socket in `NOTIFY_SOCKET`.
    pub(crate) fn open() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self(None);
        };
        match connect(&name) {
            Ok(socket) => Self(Some(socket)),
            Err(error) => {
                warn!(%error, "the service manager at NOTIFY_SOCKET cannot be reached");
                Self(None)
            }
        }
    }

    /// The service does its work.
    pub(crate) fn ready(&self) {
        tracing::info!("ready");
        self.say("READY=1");
    }

    /// It has been told to stop.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, words: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(words.as_bytes())
        {
            warn!(%error, words, "the service manager was not told");
        }
    }
}

fn connect(name: &OsString) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not stop the service.
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        socket.connect_addr(&address)?;
        return Ok(socket);
    }
    socket.connect(name)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_told() {
        let folder = std::env::temp_dir().join(format!("scop-notify-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("socket");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify(Some(connect(&path.into_os_string()).unwrap()));
        notify.ready();
        notify.stopping();
        let mut datagram = [0; 32];
        for words in ["READY=1", "STOPPING=1"] {
            let octets = manager.recv(&mut datagram).unwrap();
            assert_eq!(&datagram[..octets], words.as_bytes());
        }
        drop(manager);
        // Nobody there: a warning, and no more.
        notify.ready();
        Notify::default().ready();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_without_a_file() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("scop-notify-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        Notify(Some(connect(&format!("@{name}").into()).unwrap())).ready();
        let mut datagram = [0; 32];
        assert_eq!(manager.recv(&mut datagram).unwrap(), 7);
    }
}
