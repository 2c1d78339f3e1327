use super::*;
use crate::spool::fault::{Fault, after};
use crate::spool::tests::{Place, names};

fn pieces<'a>(pieces: &'a [&'a [u8]]) -> Content<'a> {
    Content { pieces, file: None }
}

fn maildir(place: &Place) -> Arc<Maildir> {
    let maildirs = Maildirs::new(&place.0, "mail.example.org");
    maildirs.open(&Name::parse("joe").unwrap()).unwrap()
}

/// The one message that is there.
fn delivered(place: &Place) -> (String, Vec<u8>) {
    let new = place.0.join("joe/new");
    let [name] = names(&new).try_into().unwrap();
    let octets = fs::read(new.join(&name)).unwrap();
    (name, octets)
}

#[test]
fn a_message_is_there_octet_for_octet() {
    let place = Place::new();
    let id = Id::new().unwrap();
    let rest = place.0.join("rest");
    let long: Vec<u8> = (0..200_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    fs::write(&rest, &long).unwrap();
    let content = Content {
        pieces: &[b"A: b\r\n", b"", b"\r\n"],
        file: Some(Part {
            file: &File::open(&rest).unwrap(),
            start: 10,
            octets: 199_000,
        }),
    };
    maildir(&place).deliver(&id, content).unwrap();
    let (name, octets) = delivered(&place);
    assert!(octets == [b"A: b\r\n\r\n", &long[10..199_010]].concat());
    assert_eq!(
        name,
        format!("{}.{id}.mail.example.org,S=199008", id.time())
    );
    assert_eq!(names(&place.0.join("joe/tmp")), [""; 0]);
    let mode =
        |path: PathBuf| std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap()) & 0o7777;
    assert_eq!(mode(place.0.join("joe/new").join(name)), 0o600);
    for folder in ["joe", "joe/tmp", "joe/new", "joe/cur"] {
        assert_eq!(mode(place.0.join(folder)), 0o700, "{folder}");
    }
}

#[test]
fn a_file_that_is_too_short_delivers_nothing() {
    let place = Place::new();
    let rest = place.0.join("rest");
    fs::write(&rest, b"abc").unwrap();
    let content = Content {
        pieces: &[],
        file: Some(Part {
            file: &File::open(&rest).unwrap(),
            start: 0,
            octets: 4,
        }),
    };
    let error = maildir(&place)
        .deliver(&Id::new().unwrap(), content)
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    for folder in ["joe/new", "joe/tmp"] {
        assert_eq!(names(&place.0.join(folder)), [""; 0]);
    }
}

#[test]
fn is_delivered_once() {
    let place = Place::new();
    let maildir = maildir(&place);
    let id = Id::new().unwrap();
    assert!(maildir.deliver_once(&id, pieces(&[b"x"])).unwrap());
    assert!(!maildir.deliver_once(&id, pieces(&[b"x"])).unwrap());
    let again = maildir.deliver(&id, pieces(&[b"x"])).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    // A reader has seen it, and the host has another name now.
    let (name, _) = delivered(&place);
    let seen = place.0.join(format!("joe/cur/{name}:2,RS"));
    fs::rename(place.0.join("joe/new").join(name), seen).unwrap();
    let maildir = Maildir::open(&place.0.join("joe"), "other.example.org").unwrap();
    assert!(!maildir.deliver_once(&id, pieces(&[b"x"])).unwrap());
    assert!(
        maildir
            .deliver_once(&Id::new().unwrap(), pieces(&[b"x"]))
            .unwrap()
    );
    assert_eq!(names(&place.0.join("joe/new")).len(), 1);
}

#[test]
fn killed_at_any_step_it_is_there_once_after_the_next_attempt() {
    for steps in 0.. {
        let place = Place::new();
        let id = Id::new().unwrap();
        let content = pieces(&[b"A: b\r\n", b"\r\n"]);
        let deliver = || Maildir::open(&place.0.join("joe"), "host")?.deliver_once(&id, content);
        let (result, killed) = after(steps, Fault::Death, deliver);
        assert_eq!(result.is_err(), killed);
        let maildir = Maildir::open(&place.0.join("joe"), "host").unwrap();
        let there = names(&place.0.join("joe/new")).len() == 1;
        assert_eq!(maildir.deliver_once(&id, content).unwrap(), !there);
        assert_eq!(delivered(&place).1, b"A: b\r\n\r\n");
        assert_eq!(names(&place.0.join("joe/tmp")), [""; 0]);
        if !killed {
            assert!(steps > 9, "{steps}");
            break;
        }
    }
}

#[test]
fn what_fails_at_any_step_leaves_nothing() {
    let full = rustix::io::Errno::NOSPC.raw_os_error();
    for steps in 0.. {
        let place = Place::new();
        let maildir = maildir(&place);
        let deliver = || maildir.deliver(&Id::new()?, pieces(&[b"x"]));
        let (result, failed) = after(steps, Fault::Code(full), deliver);
        if !failed {
            result.unwrap();
            assert!(steps > 3, "{steps}");
            break;
        }
        assert!(crate::spool::is_full(&result.unwrap_err()));
        for folder in ["joe/new", "joe/tmp"] {
            assert_eq!(names(&place.0.join(folder)), [""; 0], "{steps}");
        }
    }
}

#[test]
fn a_name_stays_in_its_folder() {
    for name in ["joe", "joe.public", "j\u{f6}", "a b", "a..b", "-"] {
        assert_eq!(Name::parse(name).unwrap().as_str(), name);
    }
    for (name, rule) in [
        ("", "empty"),
        (".", "dot"),
        ("..", "dot"),
        (".joe", "dot"),
        ("../joe", "dot"),
        ("/joe", "slash"),
        ("joe/../ann", "slash"),
        ("joe\\ann", "slash"),
        ("joe\0", "not seen"),
        ("joe\n", "not seen"),
        ("jo\u{202e}e", "not seen"),
        (&"x".repeat(256), "255"),
    ] {
        let error = Name::parse(name).unwrap_err().to_string();
        assert!(error.contains(rule), "{name:?}: {error}");
    }
}
