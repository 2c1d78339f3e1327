//! Killed, or refused by the system, at every step: a message is whole and there once, or not there.

use super::*;
use fault::{Fault, after};

use std::io::BufRead as _;
use std::process::{Command, Stdio};

const LONG: usize = 100_000;

/// All that is in the spool, without the lock.
fn all(place: &Place) -> Vec<String> {
    let folders = ["queue", "state", "failed"];
    let path = |folder| place.0.join("spool").join(folder);
    let files = folders.map(|folder| names(&path(folder)));
    files.concat()
}

#[test]
fn a_message_is_there_whole_or_not_at_all() {
    for size in [0, 100, LONG] {
        let octets = vec![b'x'; size];
        for steps in 0.. {
            let place = Place::new();
            let spool = place.spool();
            let (committed, killed) = after(steps, Fault::Death, || commit(&spool, &octets));
            assert_eq!(committed.is_err(), killed);
            let later = place.spool();
            let _lock = later.lock().unwrap();
            let ids = later.scan().unwrap();
            assert!(ids.len() == 1 || killed && ids.is_empty(), "{steps}");
            for id in &ids {
                assert!(message(&later, id) == octets);
            }
            assert_eq!(all(&place).len(), ids.len(), "{steps}");
            if !killed {
                assert!(steps > 4, "{steps}");
                break;
            }
        }
    }
}

#[test]
fn a_message_that_is_refused_leaves_nothing() {
    use rustix::io::Errno;
    for error in [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS] {
        for size in [100, LONG] {
            for steps in 0.. {
                let place = Place::new();
                let spool = place.spool();
                let fault = Fault::Code(error.raw_os_error());
                let octets = vec![b'x'; size];
                let (committed, failed) = after(steps, fault, || commit(&spool, &octets));
                if !failed {
                    committed.unwrap();
                    assert!(steps > 4, "{steps}");
                    break;
                }
                let refused = committed.unwrap_err();
                assert_eq!(refused.raw_os_error(), Some(error.raw_os_error()));
                let full = matches!(error, Errno::NOSPC | Errno::DQUOT);
                assert_eq!(is_full(&refused), full);
                assert_eq!(all(&place), [""; 0], "{steps}");
            }
        }
    }
}

#[test]
fn nothing_follows_a_write_that_failed() {
    let place = Place::new();
    let spool = place.spool();
    let mut writer = spool.write(&Id::new().unwrap(), &envelope()).unwrap();
    let full = rustix::io::Errno::NOSPC.raw_os_error();
    let (refused, _) = after(0, Fault::Code(full), || writer.put(&vec![b'x'; LONG]));
    assert!(is_full(&refused.unwrap_err()));
    assert!(is_full(&writer.put(b"y").unwrap_err()));
    assert!(is_full(&writer.commit().unwrap_err()));
    assert_eq!(all(&place), [""; 0]);
}

#[test]
fn state_is_the_old_or_the_new() {
    for fault in [
        Fault::Death,
        Fault::Code(rustix::io::Errno::NOSPC.raw_os_error()),
    ] {
        for steps in 0.. {
            let place = Place::new();
            let spool = place.spool();
            let id = commit(&spool, b"x").unwrap();
            spool.set_state(&id, b"old").unwrap();
            let (set, happened) = after(steps, fault, || spool.set_state(&id, b"new"));
            assert_eq!(set.is_err(), happened);
            let later = place.spool();
            let _lock = later.lock().unwrap();
            let state = later.state(&id).unwrap().unwrap();
            assert!(state == b"new" || happened && state == b"old", "{steps}");
            assert_eq!(all(&place).len(), 2, "{steps}");
            if !happened {
                assert!(steps > 4, "{steps}");
                break;
            }
        }
    }
}

#[test]
fn a_message_that_goes_is_never_there_without_what_is_known_of_it() {
    type Go = fn(&Spool, &Id) -> io::Result<()>;
    for (go, left) in [(Spool::remove as Go, 0), (Spool::fail, 2)] {
        for steps in 0.. {
            let place = Place::new();
            let spool = place.spool();
            let id = commit(&spool, b"x").unwrap();
            spool.set_state(&id, b"known").unwrap();
            let (gone, killed) = after(steps, Fault::Death, || go(&spool, &id));
            assert_eq!(gone.is_err(), killed);
            let later = place.spool();
            let _lock = later.lock().unwrap();
            if later.scan().unwrap().is_empty() {
                assert_eq!(all(&place).len(), left, "{steps}");
            } else {
                assert!(killed);
                assert_eq!(later.state(&id).unwrap().unwrap(), b"known");
            }
            if !killed {
                assert!(steps > 1, "{steps}");
                break;
            }
        }
    }
}

/// The process that [`killed_at_any_moment`] kills: commits until then, and says what it has committed.
#[test]
#[ignore = "a part of killed_at_any_moment"]
#[expect(clippy::print_stdout, reason = "its output is read")]
fn victim() {
    let Some(folder) = std::env::var_os("SCOP_TEST_SPOOL") else {
        return;
    };
    let spool = Spool::open(Path::new(&folder)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let spool = &spool;
            scope.spawn(move || {
                for size in (0..).step_by(3_001) {
                    let id = commit(spool, &vec![b'a' + thread; size % 90_000]).unwrap();
                    println!("committed {id} {}", size % 90_000);
                }
            });
        }
    });
}

#[test]
fn killed_at_any_moment() {
    for round in 0..20_u64 {
        let place = Place::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "spool::tests::crash::victim",
                "--ignored",
                "--nocapture",
            ])
            .env("SCOP_TEST_SPOOL", place.0.join("spool"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            lines.map_while(Result::ok).collect::<Vec<_>>()
        });
        std::thread::sleep(std::time::Duration::from_micros(20_000 + round * 2_713));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = reader.join().unwrap();
        let spool = place.spool();
        let _lock = spool.lock().unwrap();
        let there = spool.scan().unwrap();
        for id in &there {
            message(&spool, id);
        }
        // A line may have been cut when the process died.
        let committed = said.iter().filter_map(|line| line.split_once("committed "));
        let mut acknowledged = 0;
        for (_, line) in committed {
            let Some((id, size)) = line.split_once(' ') else {
                continue;
            };
            acknowledged += 1;
            let id = Id::parse(id).unwrap();
            let octets = spool.read(&id).unwrap().octets.to_string();
            assert!(octets.starts_with(size));
        }
        assert!(there.len() - acknowledged <= 4, "those that were under way");
        assert_eq!(all(&place).len(), there.len());
    }
}
