#![allow(clippy::all, clippy::pedantic, missing_docs)]
use scop_corpus::{generate, relation, *};
fn main() {
    let from: u64 = std::env::args().nth(1).map_or(0, |a| a.parse().unwrap());
    let count: u64 = std::env::args().nth(2).map_or(1000, |a| a.parse().unwrap());
    let mut ws = relation::Workspace::default();
    let mut f = Features::default();
    let mut bytes = 0;
    let start = std::time::Instant::now();
    let mut fails = 0;
    for seed in from..from + count {
        let m = generate::message(seed);
        if let Err(e) = relation::check(&m, &mut ws, &mut f) {
            println!("{e}\n");
            fails += 1;
            if fails > 5 {
                break;
            }
        }
        bytes += ws.bytes().len();
    }
    println!("{f}\n{bytes} {:?}", start.elapsed());
}
