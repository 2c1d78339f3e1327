//! How long a thing takes, in CPU time of this thread: on a machine that others use too, a clock on the
//! wall measures them.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;

/// How long a sample lasts, about.
const SAMPLE: Duration = Duration::from_millis(30);
/// How many are taken; an odd number, so that one is in the middle.
const SAMPLES: usize = 21;

/// What one run takes.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// In the middle of the samples.
    pub median: Duration,
    /// The shortest.
    pub best: Duration,
}

/// Measures several works in turns, so that what disturbs one disturbs all.
pub fn measure<T>(works: &mut [&mut dyn FnMut() -> T]) -> Vec<Taken> {
    // This warms up, too.
    let runs: Vec<u32> = works.iter_mut().map(|work| runs(work)).collect();
    let mut samples = vec![Vec::with_capacity(SAMPLES); works.len()];
    for _ in 0..SAMPLES {
        for ((work, &runs), samples) in works.iter_mut().zip(&runs).zip(&mut samples) {
            samples.push(time(work, runs) / runs);
        }
    }
    let mut taken = Vec::with_capacity(works.len());
    for samples in &mut samples {
        samples.sort();
        taken.push(Taken {
            median: samples[SAMPLES / 2],
            best: samples[0],
        });
    }
    taken
}

/// How many runs fill a sample.
fn runs<T>(work: &mut dyn FnMut() -> T) -> u32 {
    let mut runs = 1;
    loop {
        let taken = time(work, runs);
        if taken >= SAMPLE {
            return runs;
        }
        let missing = SAMPLE.as_nanos() / taken.as_nanos().max(1) + 1;
        runs = runs.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX).clamp(2, 100));
    }
}

fn time<T>(work: &mut dyn FnMut() -> T, runs: u32) -> Duration {
    let start = ThreadTime::now();
    for _ in 0..runs {
        black_box(work());
    }
    start.elapsed()
}
