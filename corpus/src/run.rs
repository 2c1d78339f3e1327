//! Many messages, on several threads.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::digest::{self, BLOCK, Block, Hash};
use crate::feature::Features;
use crate::generate;
use crate::relation::{self, Failure, Workspace};

/// Which messages, and how many threads.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The seed of the first message; each one after it has the next seed.
    pub seed: u64,
    /// How many messages.
    pub count: u64,
    /// How many threads.
    pub threads: NonZeroUsize,
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What the messages held.
    pub features: Features,
    /// How many bytes they had.
    pub bytes: u64,
    /// The digest of all messages; it does not depend on the number of threads.
    pub digest: Hash,
}

/// What the threads share.
struct Shared {
    plan: Plan,
    /// The next block that nobody has taken.
    next: AtomicU64,
    /// Behind this block nobody works: one before it has failed.
    end: AtomicU64,
    done: AtomicU64,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    report: Report,
    blocks: Vec<Hash>,
    failure: Option<Failure>,
}

/// Checks all messages of `plan`. `progress` is told from time to time how many are done.
///
/// # Errors
/// The failure with the lowest seed, whatever the number of threads.
pub fn roundtrip(plan: Plan, progress: &(dyn Fn(u64) + Sync)) -> Result<Report, Box<Failure>> {
    let blocks = plan.count.div_ceil(BLOCK);
    let shared = Shared {
        plan,
        next: AtomicU64::new(0),
        end: AtomicU64::new(blocks),
        done: AtomicU64::new(0),
        found: Mutex::new(Found {
            blocks: vec![Hash::default(); usize::try_from(blocks).unwrap_or(0)],
            ..Found::default()
        }),
    };
    thread::scope(|scope| {
        for _ in 0..plan.threads.get() {
            scope.spawn(|| work(&shared, progress));
        }
    });
    // A thread that panicked has left what the others found.
    let found = shared
        .found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    match found.failure {
        Some(failure) => Err(Box::new(failure)),
        None => Ok(Report {
            digest: digest::of_blocks(&found.blocks),
            ..found.report
        }),
    }
}

fn work(shared: &Shared, progress: &(dyn Fn(u64) + Sync)) {
    let mut workspace = Workspace::default();
    loop {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        if index >= shared.end.load(Ordering::Relaxed) {
            return;
        }
        let mut features = Features::default();
        let (bytes, hash) = match block(shared.plan, index, &mut workspace, &mut features) {
            Ok(done) => done,
            Err(failure) => {
                // Blocks are taken in order, so those before this one are done or in work.
                shared.end.fetch_min(index, Ordering::Relaxed);
                if let Ok(mut found) = shared.found.lock()
                    && found.failure.as_ref().is_none_or(|other| {
                        failure.seed.wrapping_sub(shared.plan.seed)
                            < other.seed.wrapping_sub(shared.plan.seed)
                    })
                {
                    found.failure = Some(*failure);
                }
                return;
            }
        };
        let count = block_len(shared.plan, index);
        let done = shared.done.fetch_add(count, Ordering::Relaxed) + count;
        progress(done);
        if let Ok(mut found) = shared.found.lock() {
            found.report.features.add(&features);
            found.report.bytes = found.report.bytes.saturating_add(bytes);
            let slot = usize::try_from(index).ok();
            if let Some(slot) = slot.and_then(|index| found.blocks.get_mut(index)) {
                *slot = hash;
            }
        }
    }
}

/// How many messages a block has.
fn block_len(plan: Plan, index: u64) -> u64 {
    plan.count
        .saturating_sub(index.saturating_mul(BLOCK))
        .min(BLOCK)
}

fn block(
    plan: Plan,
    index: u64,
    workspace: &mut Workspace,
    features: &mut Features,
) -> Result<(u64, Hash), Box<Failure>> {
    let first = plan.seed.wrapping_add(index.wrapping_mul(BLOCK));
    let mut hash = Block::default();
    let mut bytes: u64 = 0;
    for offset in 0..block_len(plan, index) {
        let message = generate::message(first.wrapping_add(offset));
        relation::check(&message, workspace, features)?;
        hash.put(workspace.bytes());
        bytes = bytes.saturating_add(u64::try_from(workspace.bytes().len()).unwrap_or(u64::MAX));
    }
    Ok((bytes, hash.finish()))
}
