//! A real disk that is full, and real folders that take nothing. Only root can make these.

use super::*;

use std::process::Command;

/// A small file system in memory.
struct Disk(Place);

impl Disk {
    /// None where this user may not mount.
    #[expect(clippy::print_stderr, reason = "says what was not tested")]
    fn new(size: &str) -> Option<Self> {
        let disk = Self(Place::new());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&disk.0.0)
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(disk);
        }
        eprintln!("not tested: only root can mount a small disk");
        std::mem::forget(disk);
        None
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-o", &option]).arg(&self.0.0).output().unwrap();
        assert!(mounted.status.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0.0).output();
    }
}

#[test]
fn a_full_disk_keeps_what_is_there() {
    let Some(disk) = Disk::new("1m") else { return };
    let spool = disk.0.spool();
    let _lock = spool.lock().unwrap();
    let mut ids = Vec::new();
    let octets = vec![b'x'; 70_000];
    let refused = loop {
        match commit(&spool, &octets) {
            Ok(id) => ids.push(id),
            Err(refused) => break refused,
        }
    };
    assert!(is_full(&refused), "{refused}");
    assert_eq!(
        refused.raw_os_error(),
        Some(rustix::io::Errno::NOSPC.raw_os_error())
    );
    assert!(ids.len() > 10, "{}", ids.len());
    assert!(spool.free_space().unwrap() < 100_000);
    assert_eq!(spool.scan().unwrap(), ids);
    assert_eq!(names(&disk.0.0.join("spool/queue")).len(), ids.len());
    // No room for a state; the old one stays. A message that goes makes room again.
    spool.set_state(&ids[0], b"old").unwrap();
    let refused = spool.set_state(&ids[0], &vec![b'x'; 200_000]).unwrap_err();
    assert!(is_full(&refused), "{refused}");
    assert_eq!(spool.state(&ids[0]).unwrap().unwrap(), b"old");
    assert!(message(&spool, &ids[1]) == octets);
    spool.remove(&ids[1]).unwrap();
    commit(&spool, &octets).unwrap();
}

#[test]
fn a_full_disk_leaves_nothing_in_a_maildir() {
    use crate::maildir::{Content, Maildir};
    let Some(disk) = Disk::new("256k") else {
        return;
    };
    let maildir = Maildir::open(&disk.0.0.join("joe"), "host").unwrap();
    let octets = vec![b'x'; 300_000];
    let content = Content {
        pieces: &[&octets],
        file: None,
    };
    let refused = maildir.deliver(&Id::new().unwrap(), content).unwrap_err();
    assert!(is_full(&refused), "{refused}");
    for folder in ["joe/tmp", "joe/new"] {
        assert_eq!(names(&disk.0.0.join(folder)), [""; 0]);
    }
}

#[test]
fn a_disk_that_is_read_only_says_so() {
    let Some(disk) = Disk::new("1m") else { return };
    let spool = disk.0.spool();
    let id = commit(&spool, b"x").unwrap();
    let mut writer = spool.write(&Id::new().unwrap(), &envelope()).unwrap();
    writer.put(b"y").unwrap();
    drop(writer);
    disk.remount("ro");
    let spool = disk.0.spool();
    let refused = commit(&spool, b"x").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
    assert!(!is_full(&refused));
    let refused = spool.lock().unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
    assert_eq!(message(&spool, &id), b"x");
    let refused = spool.remove(&id).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
    disk.remount("rw");
    spool.remove(&id).unwrap();
}
