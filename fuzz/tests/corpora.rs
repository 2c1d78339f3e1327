//! Every file of every corpus, and mutants of it, through its target. The mutants are the same in
//! every run.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use scop_fuzz::choice::Choice;

macro_rules! tests {
    ($($name:ident $mutants:literal)+) => {
        $(#[test]
        fn $name() {
            run_corpus(stringify!($name), scop_fuzz::$name::run, $mutants);
        })+

        const NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}
scop_fuzz::for_each_target!(tests);

/// Octets in a mutant at most; corpus files may be longer.
const MAX_LEN: usize = 4096;

fn run_corpus(name: &str, run: fn(&[u8]), mutants: u64) {
    let files = corpus(name);
    assert!(!files.is_empty(), "corpus/{name} is empty");
    for (path, data) in &files {
        guarded(path, "as it is", data, run);
    }
    for (index, (path, data)) in files.iter().enumerate() {
        let mut choice = Choice::seeded(index as u64);
        for mutant in 0..mutants {
            let (_, other) = &files[choice.below(files.len())];
            let mutated = mutate(data, other, &mut choice);
            guarded(path, &format!("mutant {mutant}"), &mutated, run);
        }
    }
}

/// Runs, and shows the input when the target panics.
fn guarded(path: &Path, which: &str, data: &[u8], run: fn(&[u8])) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(data))) {
        eprintln!("{} {which}: b\"{}\"", path.display(), data.escape_ascii());
        resume_unwind(panic);
    }
}

/// The files of a corpus in the order of their names.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let data = fs::read(&path).expect("the file can be read");
            (path, data)
        })
        .collect();
    files.sort();
    files
}

/// Octets that mean something to some parser.
const MARKS: &[u8] = b"\r\n\t \0\"\\()<>[]@,;:=./%{}-+~?_*&#0123456789azAZ\x7f\x80\xc0\xff";

/// One to four changes.
fn mutate(data: &[u8], other: &[u8], choice: &mut Choice) -> Vec<u8> {
    let mut bytes = data.to_vec();
    for _ in 0..=choice.below(4) {
        change(&mut bytes, other, choice);
    }
    bytes.truncate(MAX_LEN.max(data.len()));
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], choice: &mut Choice) {
    let at = choice.below(bytes.len() + 1);
    let most = choice.pick(&[2, 4, 16, 64]);
    let len = choice.below(most).min(bytes.len() - at);
    let stretch = at..at + len;
    match choice.below(9) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << choice.below(8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = choice.pick(MARKS);
            }
        }
        2 => bytes.insert(at, choice.pick(MARKS)),
        3 => bytes.insert(at, choice.bits().to_le_bytes()[0]),
        4 => drop(bytes.drain(stretch)),
        5 => {
            let copy = bytes[stretch].repeat(1 + choice.below(3));
            let to = choice.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        6 => {
            let from = choice.below(other.len() + 1);
            let piece = &other[from..(from + len).min(other.len())];
            bytes.splice(stretch, piece.iter().copied());
        }
        7 => {
            let from = choice.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend(&other[from..]);
        }
        _ => bytes.truncate(at.max(bytes.len() / 2)),
    }
}

/// The list in `for_each_target`, the programs, the manifest and the corpora name the same targets.
#[test]
fn the_list_is_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = |folder: &str| -> BTreeSet<String> {
        fs::read_dir(root.join(folder))
            .expect("the folder is there")
            .map(|entry| {
                let path = entry.expect("the folder can be read").path();
                path.file_stem().unwrap().to_str().unwrap().to_owned()
            })
            .collect()
    };
    let names: BTreeSet<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(names, listed("fuzz_targets"));
    assert_eq!(names, listed("corpus"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let bins: BTreeSet<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .map(|bin| bin.split('"').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(names, bins);
}

/// A mutation that changes nothing would make the runs above idle.
#[test]
fn mutants_differ() {
    let data = b"From: joe@example.org\r\n\r\nHello\r\n";
    let mut choice = Choice::seeded(1);
    let mutants: BTreeSet<Vec<u8>> = (0..1000)
        .map(|_| mutate(data, b"other", &mut choice))
        .collect();
    assert!(mutants.len() > 800, "{}", mutants.len());
}
