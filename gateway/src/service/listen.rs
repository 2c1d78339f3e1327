//! Sockets that are bound before anything else is done: whoever cannot have its port says so at once.

use std::io;
use std::net::{SocketAddr, TcpListener};

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind as bind_socket, ipproto, listen, socket_with,
    sockopt,
};

use crate::error::Error;
use crate::message::reason;

/// Connections that wait to be accepted; the kernel has a bound of its own (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Below it, ports are for the privileged (ip(7)).
const FREE_PORTS: u16 = 1024;

/// Listens there. An IPv6 address is IPv6 alone: `[::]` and `0.0.0.0` are two, each to be named.
///
/// The socket does not block; `tokio::net::TcpListener::from_std` takes it as it is.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    open(address).map_err(|error| Error::new(address, explain(address, &error)))
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket_with(
        family,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        Some(ipproto::TCP),
    )?;
    // After a restart, connections of before may still be closing.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind_socket(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

fn explain(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no interface has this address".to_owned(),
        io::ErrorKind::PermissionDenied if address.port() < FREE_PORTS => format!(
            "ports below {FREE_PORTS} need the capability CAP_NET_BIND_SERVICE: the unit of systemd gives it, as \
             does `setcap cap_net_bind_service=+ep` on the program"
        ),
        _ => reason(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_one_line() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(first) = bind(any.parse().unwrap()) else {
                // No IPv6 on this computer.
                assert_eq!(any, "[::1]:0");
                continue;
            };
            let address = first.local_addr().unwrap();
            assert_eq!(
                bind(address).unwrap_err().to_string(),
                format!("{address}: address already in use")
            );
            drop(first);
            assert!(bind(address).is_ok());
        }
        assert_eq!(
            bind("192.0.2.1:0".parse().unwrap())
                .unwrap_err()
                .to_string(),
            "192.0.2.1:0: no interface has this address"
        );
    }

    #[test]
    fn ports_for_the_privileged() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        let say = |address: &str| explain(address.parse().unwrap(), &refused);
        assert!(say("0.0.0.0:25").contains("CAP_NET_BIND_SERVICE"));
        assert!(!say("0.0.0.0:2525").contains("CAP_NET_BIND_SERVICE"));
    }
}
