use super::*;

use scop_core::UnixTime;
use std::sync::atomic::{AtomicU32, Ordering};

mod crash;
mod full;
mod hostile;

/// A folder that is removed with this value.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("scop-spool-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn spool(&self) -> Spool {
        Spool::open(&self.0.join("spool")).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn envelope() -> Envelope {
    Envelope {
        arrived: UnixTime(1_764_000_000),
        client: "192.0.2.1".to_owned(),
        from: "<joe@example.org>".to_owned(),
        parameters: "BODY=8BITMIME".to_owned(),
        to: ["<ann@example.net>", "<\"a b\"@example.net>"]
            .map(|path| Recipient {
                path: path.to_owned(),
                parameters: String::new(),
            })
            .to_vec(),
        ..Envelope::default()
    }
}

fn commit(spool: &Spool, message: &[u8]) -> io::Result<Id> {
    let mut writer = spool.write(&Id::new()?, &envelope())?;
    writer.put(message)?;
    writer.commit()
}

fn message(spool: &Spool, id: &Id) -> Vec<u8> {
    let mut entry = spool.read(id).unwrap();
    assert_eq!(entry.envelope, envelope());
    let mut octets = Vec::new();
    entry.file.read_to_end(&mut octets).unwrap();
    assert_eq!(octets.len() as u64, entry.octets);
    octets
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_message_is_there_as_it_was_put_in() {
    let place = Place::new();
    let spool = place.spool();
    let _lock = spool.lock().unwrap();
    // In one write, at the limit of the buffer, and in many.
    for size in [0, 1, 4_096, 32_500, 32_768, 32_769, 200_000] {
        let octets: Vec<u8> = (0..size).map(|at: u32| at.to_le_bytes()[0]).collect();
        for pieces in [1, 100, 40_000, 500_000] {
            let mut writer = spool.write(&Id::new().unwrap(), &envelope()).unwrap();
            for piece in octets.chunks(pieces).take(1_000_000 / pieces) {
                writer.put(piece).unwrap();
            }
            if pieces == 1 && size > 40_000 {
                continue;
            }
            assert_eq!(spool.scan().unwrap(), []);
            let id = writer.commit().unwrap();
            assert_eq!(spool.scan().unwrap(), std::slice::from_ref(&id));
            assert!(message(&spool, &id) == octets, "{size} {pieces}");
            spool.remove(&id).unwrap();
            assert_eq!(spool.scan().unwrap(), []);
            let gone = spool.read(&id).unwrap_err();
            assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        }
    }
    assert_eq!(names(&place.0.join("spool/queue")), [""; 0]);
}

#[test]
fn the_oldest_comes_first() {
    let place = Place::new();
    let spool = place.spool();
    let ids: Vec<Id> = (0..20).map(|_| commit(&spool, b"x").unwrap()).collect();
    assert_eq!(spool.scan().unwrap(), ids);
}

#[test]
fn what_is_known_of_a_message_goes_with_it() {
    let place = Place::new();
    let spool = place.spool();
    let id = commit(&spool, b"x").unwrap();
    assert_eq!(spool.state(&id).unwrap(), None);
    spool.set_state(&id, b"first").unwrap();
    spool.set_state(&id, b"2").unwrap();
    assert_eq!(spool.state(&id).unwrap().unwrap(), b"2");
    spool.remove(&id).unwrap();
    assert_eq!(spool.state(&id).unwrap(), None);
    spool.remove(&id).unwrap();

    let id = commit(&spool, b"x").unwrap();
    spool.set_state(&id, b"known").unwrap();
    spool.fail(&id).unwrap();
    assert_eq!(spool.scan().unwrap(), []);
    assert_eq!(spool.state(&id).unwrap(), None);
    let failed = names(&place.0.join("spool/failed"));
    assert_eq!(failed, [id.to_string(), format!("{id}.state")]);
    let missing = spool.fail(&id).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

#[test]
fn an_id_is_taken_once() {
    let place = Place::new();
    let spool = place.spool();
    let id = Id::new().unwrap();
    let first = spool.write(&id, &envelope()).unwrap();
    let taken = |spool: &Spool| spool.write(&id, &envelope()).unwrap_err().kind();
    assert_eq!(taken(&spool), io::ErrorKind::AlreadyExists);
    first.commit().unwrap();
    assert_eq!(taken(&spool), io::ErrorKind::AlreadyExists);
    // Nor did the second one take anything away.
    assert_eq!(message(&spool, &id), b"");
    assert_eq!(names(&place.0.join("spool/queue")), [id.to_string()]);
}

#[test]
fn one_process_works_on_it() {
    let place = Place::new();
    let lock = place.spool().lock().unwrap();
    let refused = place.spool().lock().unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
    assert!(
        refused
            .to_string()
            .contains("another process works on this spool")
    );
    drop(lock);
    let _lock = place.spool().lock().unwrap();
}

#[test]
fn folders_and_files_are_for_their_owner() {
    let place = Place::new();
    let spool = place.spool();
    let _lock = spool.lock().unwrap();
    let id = commit(&spool, b"x").unwrap();
    spool.set_state(&id, b"x").unwrap();
    let mode = |path: &str| {
        fs::metadata(place.0.join("spool").join(path))
            .unwrap()
            .mode()
            & 0o7777
    };
    for folder in ["", "queue", "state", "failed"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["lock", &format!("queue/{id}"), &format!("state/{id}")] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert!(spool.free_space().unwrap() > 0);
}

#[test]
fn many_commit_at_once() {
    let place = Place::new();
    let spool = place.spool();
    let committed: Vec<Id> = std::thread::scope(|scope| {
        let work = |_| scope.spawn(|| [(); 25].map(|()| commit(&spool, b"x").unwrap()));
        let threads: Vec<_> = (0..8).map(work).collect();
        let ids = threads.into_iter().map(|thread| thread.join().unwrap());
        ids.flatten().collect()
    });
    let mut committed = committed;
    committed.sort_unstable();
    assert_eq!(spool.scan().unwrap(), committed);
    assert_eq!(committed.len(), 200);
}

/// Messages for each second, by the number of threads that commit: `cargo test --release -- --ignored rate`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "a measurement")]
fn rate() {
    let octets = vec![b'x'; 4_096];
    for threads in [1, 2, 5, 10, 20, 50] {
        let place = Place::new();
        let spool = place.spool();
        let each = 3_000 / threads;
        let begin = std::time::Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..each {
                        commit(&spool, &octets).unwrap();
                    }
                });
            }
        });
        let rate = f64::from(each * threads) / begin.elapsed().as_secs_f64();
        eprintln!("{threads} threads: {rate:.0} messages/s");
    }
}
