//! Files that nobody of us wrote, and another user who may put messages in.

use super::*;

use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;

/// Puts a file into the queue as it is.
fn plant(place: &Place, octets: &[u8]) -> Id {
    let id = Id::new().unwrap();
    fs::write(place.0.join("spool/queue").join(id.as_str()), octets).unwrap();
    id
}

#[test]
fn a_file_that_was_cut_or_went_on_is_set_aside() {
    let place = Place::new();
    let spool = place.spool();
    let id = commit(&spool, b"A: b\r\n\r\nc\r\n").unwrap();
    let whole = fs::read(place.0.join("spool/queue").join(id.as_str())).unwrap();
    for cut in 0..whole.len() {
        let id = plant(&place, &whole[..cut]);
        let refused = spool.read(&id).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{cut}");
        assert!(refused.to_string().starts_with("line "), "{refused}");
        let kept = fs::read(place.0.join("spool/failed").join(id.as_str())).unwrap();
        assert!(kept == whole[..cut]);
        let gone = spool.read(&id).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
    let longer = plant(&place, &[&whole, &b"x"[..]].concat());
    let refused = spool.read(&longer).unwrap_err().to_string();
    assert_eq!(refused, "line 2: there are 12 octets of a message of 11");
    assert_eq!(spool.scan().unwrap(), [id]);
}

#[test]
fn what_is_no_message_stops_nothing() {
    let place = Place::new();
    let spool = place.spool();
    let queue = place.0.join("spool/queue");
    let secret = place.0.join("secret");
    fs::write(&secret, b"scop-spool 1\n").unwrap();
    let id = commit(&spool, b"x").unwrap();

    // Under names that are none of a message.
    fs::write(queue.join("README"), b"mine").unwrap();
    fs::write(queue.join(".hidden"), b"mine").unwrap();
    fs::create_dir(queue.join("folder")).unwrap();
    assert_eq!(spool.scan().unwrap(), std::slice::from_ref(&id));
    assert_eq!(names(&queue), [id.to_string()]);
    assert_eq!(names(&place.0.join("spool/failed")).len(), 3);

    // Under names of messages.
    let [link, folder, pipe] = [(); 3].map(|()| Id::new().unwrap());
    symlink(&secret, queue.join(link.as_str())).unwrap();
    fs::create_dir(queue.join(folder.as_str())).unwrap();
    let mode = rustix::fs::Mode::RUSR;
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, queue.join(pipe.as_str()), kind, mode, 0).unwrap();
    for other in [&link, &folder, &pipe] {
        let refused = spool.read(other).unwrap_err();
        assert_eq!(refused.to_string(), "it is no regular file");
    }
    assert_eq!(spool.scan().unwrap(), [id]);
    assert_eq!(names(&place.0.join("spool/failed")).len(), 6);
    assert_eq!(fs::read(&secret).unwrap(), b"scop-spool 1\n");
}

#[test]
fn what_is_set_aside_replaces_nothing() {
    let place = Place::new();
    let spool = place.spool();
    let id = commit(&spool, b"first").unwrap();
    spool.set_state(&id, b"known").unwrap();
    spool.fail(&id).unwrap();
    let again = place.0.join("spool/queue").join(id.as_str());
    fs::write(&again, b"second").unwrap();
    spool.read(&id).unwrap_err();
    assert!(!again.exists());
    let failed = place.0.join("spool/failed");
    assert_eq!(names(&failed).len(), 3);
    let first = fs::read(failed.join(id.as_str())).unwrap();
    assert!(first.ends_with(b"first"));
}

#[test]
fn recovery_removes_what_nobody_writes_and_nothing_else() {
    let place = Place::new();
    let spool = place.spool();
    let mut writer = spool.write(&Id::new().unwrap(), &envelope()).unwrap();
    writer.put(b"x").unwrap();
    let queue = place.0.join("spool/queue");
    let stale = format!(".{}", Id::new().unwrap());
    fs::write(queue.join(&stale), b"x").unwrap();
    let orphan = Id::new().unwrap();
    fs::write(place.0.join("spool/state").join(orphan.as_str()), b"x").unwrap();
    let kept = commit(&spool, b"x").unwrap();
    spool.set_state(&kept, b"known").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));

    let later = place.spool();
    let young = format!(".{}", Id::new().unwrap());
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(queue.join(&young), b"x").unwrap();
    let _lock = later.lock().unwrap();
    assert!(!queue.join(stale).exists());
    assert!(queue.join(young).exists());
    assert_eq!(later.state(&orphan).unwrap(), None);
    assert_eq!(later.state(&kept).unwrap().unwrap(), b"known");
    // The one that was under way all the time.
    let id = writer.commit().unwrap();
    assert_eq!(later.scan().unwrap(), [id, kept]);
}

/// As a user of this number, with all that this thread does in a process of its own.
fn as_user(user: u32, groups: &str, script: &str) -> bool {
    let mut command = std::process::Command::new("setpriv");
    command.args([
        &format!("--reuid={user}"),
        &format!("--regid={user}"),
        &format!("--groups={groups}"),
    ]);
    let done = command.args(["sh", "-c", script]).output().unwrap();
    done.status.success()
}

/// The set-up of the module's documentation, with users 61001 (sender), 61002 and 61003 (receivers, group 61009).
#[test]
#[expect(clippy::print_stderr, reason = "says what was not tested")]
fn others_put_in_and_touch_nothing_else() {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root
        || std::process::Command::new("setpriv")
            .arg("--version")
            .output()
            .is_err()
    {
        eprintln!("not tested: only root can become other users");
        return;
    }
    let place = Place::new();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).unwrap();
    place.spool();
    let spool = place.0.join("spool");
    for (folder, group, mode) in [
        ("queue", 61_001, 0o3777),
        ("state", 61_001, 0o700),
        ("failed", 61_001, 0o700),
        ("", 61_009, 0o710),
    ] {
        let folder = spool.join(folder);
        std::os::unix::fs::chown(&folder, Some(61_001), Some(group)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    }
    // This process is not the owner of the queue, as a receiver is not.
    let id = commit(&Spool::open(&spool).unwrap(), b"x").unwrap();
    let file = spool.join("queue").join(id.as_str());
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (0o640, 61_001));
    std::os::unix::fs::chown(&file, Some(61_002), None).unwrap();
    let (queue, file) = (spool.join("queue"), file.display());
    let queue = queue.display();
    // Another receiver: puts in and flushes, and neither reads nor removes, nor replaces.
    assert!(as_user(
        61_003,
        "61009",
        &format!("echo x > {queue}/.t && mv {queue}/.t {queue}/t && sync {queue}")
    ));
    for forbidden in [
        format!("cat {file}"),
        format!("rm -f {file}"),
        format!("mv -f {queue}/t {file}"),
        format!("echo x > {queue}/u && ln -f {queue}/u {file}"),
        format!("ls {}", spool.display()),
        format!("ls {}/state", spool.display()),
        format!("echo x > {}/lock", spool.display()),
    ] {
        assert!(!as_user(61_003, "61009", &forbidden), "{forbidden}");
    }
    // Somebody else does not come through.
    assert!(!as_user(61_004, "61004", &format!("ls {queue}")));
    // The sender reads and removes.
    assert!(as_user(
        61_001,
        "61001",
        &format!("cat {file} && rm -f {file} {queue}/t")
    ));
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "<[a-z]{0,9}@[a-z.]{0,9}>",
        "[\\PC]{0,9}",
        any::<String>(),
        Just("to <x>".to_owned())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        arrived in any::<u64>(),
        (client, helo, user, from, parameters) in (value(), value(), value(), value(), value()),
        to in prop::collection::vec((value(), value()), 0..4),
        octets in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let to = to.into_iter().map(|(path, parameters)| Recipient { path: format!("<{path}>"), parameters });
        let envelope = Envelope {
            arrived: UnixTime(arrived), client, helo, user, parameters, to: to.collect(),
            from: format!("<{from}>"),
        };
        let text = match envelope.emit() {
            Ok(text) => text,
            Err(refused) => {
                prop_assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
                return Ok(());
            }
        };
        let file = [&text[..], &octets].concat();
        let (read, _, start) = Envelope::read(&file[..]).unwrap().unwrap();
        prop_assert_eq!(read, envelope);
        prop_assert_eq!(start, text.len() as u64);
    }

    #[test]
    fn reading_never_panics(
        at in any::<prop::sample::Index>(),
        octets in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut text = envelope().emit().unwrap();
        let at = at.index(text.len());
        text.splice(at..(at + octets.len()).min(text.len()), octets);
        if let Ok((read, _, start)) = Envelope::read(&text[..]).unwrap() {
            // What is read in spite of that has one form.
            let start = usize::try_from(start).unwrap();
            let again = read.emit().unwrap();
            prop_assert_eq!(again.len(), start);
            prop_assert!(again[54..] == text[54..start] || at < 54);
        }
    }
}
