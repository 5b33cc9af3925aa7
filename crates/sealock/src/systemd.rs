//! What systemd is told about us (sd_notify(3)), where it started us and asked for it (`Type=notify`).

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt, net::SocketAddr, net::UnixDatagram},
};

/// Names the socket on which systemd listens.
const SOCKET: &str = "NOTIFY_SOCKET";
/// Requests are answered from now on.
pub(crate) const READY: &str = "READY=1";
/// The end has begun.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Tells systemd, if it wants to know. That it can't be told ends nothing.
pub(crate) fn tell(state: &str) {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    if let Err(error) = tell_at(&socket, state) {
        tracing::warn!(%error, state, "systemd could not be told");
    }
}

fn tell_at(socket: &OsStr, state: &str) -> io::Result<()> {
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address(socket)?).map(drop)
}

/// A path, or behind `@` a name that is none (unix(7), "abstract").
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes() {
        [b'@', name @ ..] => abstract_address(name),
        _ => SocketAddr::from_pathname(socket),
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_name: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn told_at(name: &OsStr) -> String {
        let systemd = UnixDatagram::bind_addr(&address(name).unwrap()).unwrap();
        tell_at(name, READY).unwrap();
        let mut text = [0; 64];
        let length = systemd.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    #[test]
    fn systemd_is_told_at_a_path() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(told_at(folder.path().join("notify").as_os_str()), "READY=1");
        assert!(tell_at(folder.path().join("nobody").as_os_str(), READY).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn systemd_is_told_under_a_name_that_is_no_path() {
        let name = format!("@sealock-test-{}", std::process::id());
        assert_eq!(told_at(OsStr::new(&name)), "READY=1");
    }
}
