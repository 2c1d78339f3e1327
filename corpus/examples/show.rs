#![allow(clippy::all, clippy::pedantic, missing_docs)]
use scop_corpus::{generate, relation, *};
use std::io::Write;
fn main() {
    let seed: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut ws = relation::Workspace::default();
    let mut f = Features::default();
    let m = generate::message(seed);
    match relation::check(&m, &mut ws, &mut f) {
        Err(e) => {
            println!("{e}\n");
            let s = shrink::failure(&e);
            println!("{}\n---", s.failure);
            std::io::stdout().write_all(&s.bytes).unwrap();
        }
        Ok(()) => std::io::stdout().write_all(ws.bytes()).unwrap(),
    }
}
