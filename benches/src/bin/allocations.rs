//! Counts how often each work of the table asks for memory, per message, once its buffers have grown. Ends
//! with 1 when one of ours does at all.

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;

use scop_benches::line::lines;
use scop_benches::side::Scratch;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let mut ours = 0;
    for line in lines() {
        for side in &line.sides {
            let mut scratch = Scratch::default();
            black_box(line.run(side, &mut scratch));
            let region = Region::new(ALLOCATOR);
            black_box(line.run(side, &mut scratch));
            let change = region.change();
            let count = change.allocations + change.reallocations;
            println!(
                "{:<24}{:<20}{:>10.2}",
                line.name,
                side.name,
                per(count, line.input.mails.len())
            );
            if side.is_ours() {
                ours += count;
            }
        }
    }
    println!("ours: {ours}");
    ExitCode::from(u8::from(ours > 0))
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn per(count: usize, mails: usize) -> f64 {
    count as f64 / mails as f64
}
