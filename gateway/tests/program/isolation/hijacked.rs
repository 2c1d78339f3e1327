//! A process that somebody has taken over: it makes every system call they want.
//!
//! Whoever finds a hole in a service runs code of theirs in it. Here a tracer does that from outside (ptrace(2)): it
//! stops the main thread, sets its registers, and lets it make one instruction, which is a system call. The kernel
//! sees the process itself call.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The instruction that is a system call.
#[cfg(target_arch = "x86_64")]
const INSTRUCTION: &[u8] = &[0x0f, 0x05];
#[cfg(target_arch = "aarch64")]
const INSTRUCTION: &[u8] = &[0x01, 0x00, 0x00, 0xd4];

/// Instructions begin at multiples of it.
const ALIGNMENT: usize = if cfg!(target_arch = "aarch64") { 4 } else { 1 };

/// The same in the manner of i386, whose calls have other numbers: `int 0x80`.
#[cfg(target_arch = "x86_64")]
const INSTRUCTION_OF_OLD: &[u8] = &[0xcd, 0x80];

/// Free room below what the thread has on its stack; each argument that is text gets a piece.
const ROOM: u64 = 32 << 10;
const PIECE: u64 = 4 << 10;

/// Values from here on are errors, negative.
const ERRORS: u64 = u64::MAX - 4095;

/// An argument of a call.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Number(i64),
    /// The address of these octets.
    Octets(Vec<u8>),
}

impl From<i32> for Argument {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// With the NUL that the kernel looks for.
impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Octets([text.as_bytes(), b"\0"].concat())
    }
}

impl From<&Path> for Argument {
    fn from(path: &Path) -> Self {
        path.to_str().unwrap().into()
    }
}

/// A process that is stopped; it goes on as if nothing had happened when this is dropped.
pub(super) struct Hijacked {
    process: Pid,
    registers: user_regs_struct,
    memory: File,
    instruction: u64,
}

impl Hijacked {
    /// Takes over the main thread of a child.
    pub(super) fn new(child: u32) -> nix::Result<Self> {
        let process = Pid::from_raw(child.cast_signed());
        ptrace::seize(process, ptrace::Options::empty())?;
        ptrace::interrupt(process)?;
        let stopped = waitpid(process, Some(WaitPidFlag::__WALL))?;
        assert!(
            matches!(stopped, WaitStatus::PtraceEvent(..)),
            "{stopped:?}"
        );
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{child}/mem"))
            .unwrap();
        let mut hijacked = Self {
            process,
            registers: ptrace::getregs(process)?,
            memory,
            instruction: 0,
        };
        hijacked.instruction = hijacked.find(INSTRUCTION);
        Ok(hijacked)
    }

    /// Makes a call; what an error number means is an error.
    pub(super) fn call(&mut self, number: i64, arguments: &[Argument]) -> Result<u64, Errno> {
        let stopped = self.step(self.instruction, number, arguments);
        assert!(
            matches!(stopped, WaitStatus::Stopped(_, Signal::SIGTRAP)),
            "{number}: {stopped:?}"
        );
        let registers = ptrace::getregs(self.process).unwrap();
        let result = result(&registers);
        if result >= ERRORS {
            let error = i32::try_from(result.wrapping_neg()).unwrap();
            return Err(Errno::from_raw(error));
        }
        Ok(result)
    }

    /// Makes a call of i386, which is the end of the process, and gives the signal that ended it.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn last_call(self, number: i64) -> WaitStatus {
        let instruction = self.find(INSTRUCTION_OF_OLD);
        self.step(instruction, number, &[])
    }

    fn step(&self, instruction: u64, number: i64, arguments: &[Argument]) -> WaitStatus {
        let mut values = [0; 6];
        let mut room = (stack(&self.registers) - ROOM) & !0xfff;
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = match argument {
                Argument::Number(number) => number.cast_unsigned(),
                Argument::Octets(octets) => {
                    self.memory.write_all_at(octets, room).unwrap();
                    room += PIECE;
                    room - PIECE
                }
            };
        }
        let mut registers = self.registers;
        prepare(&mut registers, instruction, number, values);
        ptrace::setregs(self.process, registers).unwrap();
        ptrace::step(self.process, None).unwrap();
        waitpid(self.process, Some(WaitPidFlag::__WALL)).unwrap()
    }

    /// Where the code of the process has these octets.
    fn find(&self, octets: &[u8]) -> u64 {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.process)).unwrap();
        let code = maps.lines().filter(|line| line.contains(" r-xp "));
        let mut found = code.filter_map(|line| {
            let (start, rest) = line.split_once('-')?;
            let (end, _) = rest.split_once(' ')?;
            let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).unwrap());
            let mut code = vec![0; usize::try_from(end - start).unwrap()];
            // That of the kernel cannot be read.
            self.memory.read_exact_at(&mut code, start).ok()?;
            let mut places = code.windows(octets.len()).step_by(ALIGNMENT);
            let found = places.position(|found| found == octets)?;
            Some(start + (found * ALIGNMENT) as u64)
        });
        found.next().expect("it makes system calls")
    }
}

impl Drop for Hijacked {
    fn drop(&mut self) {
        // It may have ended.
        let _ = ptrace::setregs(self.process, self.registers);
        let _ = ptrace::detach(self.process, None);
    }
}

#[cfg(target_arch = "x86_64")]
fn prepare(registers: &mut user_regs_struct, instruction: u64, number: i64, values: [u64; 6]) {
    registers.rip = instruction;
    registers.rax = number.cast_unsigned();
    // None is under way any more, so that the kernel makes none again.
    registers.orig_rax = u64::MAX;
    [
        registers.rdi,
        registers.rsi,
        registers.rdx,
        registers.r10,
        registers.r8,
        registers.r9,
    ] = values;
}

#[cfg(target_arch = "x86_64")]
const fn result(registers: &user_regs_struct) -> u64 {
    registers.rax
}

#[cfg(target_arch = "x86_64")]
const fn stack(registers: &user_regs_struct) -> u64 {
    registers.rsp
}

#[cfg(target_arch = "aarch64")]
fn prepare(registers: &mut user_regs_struct, instruction: u64, number: i64, values: [u64; 6]) {
    registers.pc = instruction;
    registers.regs[8] = number.cast_unsigned();
    registers.regs[..6].copy_from_slice(&values);
}

#[cfg(target_arch = "aarch64")]
const fn result(registers: &user_regs_struct) -> u64 {
    registers.regs[0]
}

#[cfg(target_arch = "aarch64")]
const fn stack(registers: &user_regs_struct) -> u64 {
    registers.sp
}
