//! A place for tests to stop: [`step`] stands before each system call that changes a folder.
//!
//! Tests let the process die there (nothing is tidied up after it), or let the call fail.

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "it fails in tests")]
pub(crate) const fn step() -> std::io::Result<()> {
    Ok(())
}

/// Whether this process has died in a test.
#[cfg(not(test))]
pub(crate) const fn is_dead() -> bool {
    false
}

#[cfg(test)]
pub(crate) use injected::*;

#[cfg(test)]
mod injected {
    use std::cell::Cell;
    use std::io;

    /// What happens at a step.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Fault {
        /// The process is killed.
        Death,
        /// The system refuses with this code.
        Code(i32),
    }

    thread_local! {
        static PLAN: Cell<Option<(u32, Fault)>> = const { Cell::new(None) };
        static DEAD: Cell<bool> = const { Cell::new(false) };
    }

    /// Lets `steps` pass on this thread, and then the fault happens; runs `work`. Says whether it came so far.
    pub(crate) fn after<T>(steps: u32, fault: Fault, work: impl FnOnce() -> T) -> (T, bool) {
        PLAN.set(Some((steps, fault)));
        let result = work();
        let happened = PLAN.take().is_none();
        DEAD.set(false);
        (result, happened)
    }

    pub(crate) fn step() -> io::Result<()> {
        if is_dead() {
            return Err(io::Error::other("killed before"));
        }
        match PLAN.get() {
            None => Ok(()),
            Some((0, fault)) => {
                PLAN.set(None);
                match fault {
                    Fault::Death => {
                        DEAD.set(true);
                        Err(io::Error::other("killed here"))
                    }
                    Fault::Code(code) => Err(io::Error::from_raw_os_error(code)),
                }
            }
            Some((steps, fault)) => {
                PLAN.set(Some((steps - 1, fault)));
                Ok(())
            }
        }
    }

    pub(crate) fn is_dead() -> bool {
        DEAD.get()
    }
}
