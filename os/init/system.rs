//! The kernel's calls that the standard library lacks, each behind a function that cannot be misused.

use crate::Outcome;
use std::ffi::{c_char, c_int, c_long, c_ulong, c_void, CString};
use std::fs::File;
use std::io::Error;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

extern "C" {
    fn mount(
        source: *const c_char,
        target: *const c_char,
        kind: *const c_char,
        flags: c_ulong,
        data: *const c_void,
    ) -> c_int;
    fn chroot(path: *const c_char) -> c_int;
    fn chown(path: *const c_char, owner: u32, group: u32) -> c_int;
    fn reboot(command: c_int) -> c_int;
    fn sync();
    fn syscall(number: c_long, ...) -> c_long;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn dup2(from: c_int, to: c_int) -> c_int;
    fn setrlimit(resource: c_int, limit: *const [u64; 2]) -> c_int;
    fn prctl(option: c_int, ...) -> c_int;
}

const FINIT_MODULE: c_long = 313; // x86-64
const POWER_OFF: c_int = 0x4321_FEDC;
const RLIMIT_CORE: c_int = 4;
const NO_NEW_PRIVILEGES: c_int = 38;
const MOVE: c_ulong = 8192;

/// Flags of mount(2).
pub struct Mount;

impl Mount {
    const READ_ONLY: c_ulong = 1;
    const NO_SET_ID: c_ulong = 2;
    const NO_DEVICES: c_ulong = 4;
    pub const NO_EXECUTION: c_ulong = 8 | Self::NO_SET_ID;
    pub const DATA: c_ulong = Self::NO_EXECUTION | Self::NO_DEVICES;
    /// What containers are made of has programs in it.
    pub const LAYERS: c_ulong = Self::NO_SET_ID | Self::NO_DEVICES;
    pub const VERIFIED_ROOT: c_ulong = Self::READ_ONLY | Self::NO_SET_ID | Self::NO_DEVICES;
}

fn text(words: &str) -> Outcome<CString> {
    CString::new(words).map_err(|_| "a zero byte in a name".to_owned())
}

fn done(what: &str, returned: c_int) -> Outcome<()> {
    if returned < 0 {
        Err(format!("{what}: {}", Error::last_os_error()))
    } else {
        Ok(())
    }
}

pub fn attach(source: &str, target: &str, kind: &str, flags: c_ulong) -> Outcome<()> {
    let (from, to, of) = (text(source)?, text(target)?, text(kind)?);
    // SAFETY: three strings that live until the call is over; no data.
    let returned = unsafe { mount(from.as_ptr(), to.as_ptr(), of.as_ptr(), flags, std::ptr::null()) };
    done(&format!("mounting {target}"), returned)
}

pub fn move_mount(from: &str, to: &str) -> Outcome<()> {
    attach(from, to, "", MOVE)
}

/// Make a mounted file system the root of this process and of all that it starts.
pub fn change_root(place: &str) -> Outcome<()> {
    std::env::set_current_dir(place).map_err(|problem| format!("{place}: {problem}"))?;
    attach(".", "/", "", MOVE)?;
    let here = text(".")?;
    // SAFETY: a string that lives until the call is over.
    done("chroot", unsafe { chroot(here.as_ptr()) })?;
    std::env::set_current_dir("/").map_err(|problem| format!("/: {problem}"))
}

pub fn give(path: &str, user: u32) -> Outcome<()> {
    let name = text(path)?;
    // SAFETY: a string that lives until the call is over.
    done(&format!("giving {path}"), unsafe { chown(name.as_ptr(), user, user) })
}

/// What this process says goes to the console; nothing is ever read from it.
pub fn console() -> Outcome<()> {
    let nothing = File::open("/dev/null").map_err(|problem| format!("/dev/null: {problem}"))?;
    let console =
        File::options().write(true).open("/dev/console").map_err(|problem| format!("/dev/console: {problem}"))?;
    for (from, to) in [(&nothing, 0), (&console, 1), (&console, 2)] {
        // SAFETY: both are numbers of descriptors; the first is open.
        done("console", unsafe { dup2(from.as_raw_fd(), to) })?;
    }
    Ok(())
}

pub fn load_module(path: &str) -> Outcome<()> {
    let file = File::open(path).map_err(|problem| format!("{path}: {problem}"))?;
    let parameters = text("")?;
    // SAFETY: an open descriptor and a string that live until the call is over.
    let returned = unsafe { syscall(FINIT_MODULE, file.as_raw_fd(), parameters.as_ptr(), 0 as c_int) };
    done(path, returned as c_int)
}

/// Start a program as this user, who never gets more privileges; gives its process number. The input is its alone:
/// nobody here has it any more.
pub fn spawn(user: u32, words: &[String], input: Stdio) -> Outcome<i32> {
    let (program, arguments) = words.split_first().ok_or("no service")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(input).env_clear().current_dir("/").uid(user).gid(user);
    command.env("PATH", "/usr/sbin:/usr/bin").env("HOME", "/tmp");
    command.env("LANG", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
    // SAFETY: between fork and exec only two system calls are made; neither allocates.
    unsafe {
        command.pre_exec(|| {
            if setrlimit(RLIMIT_CORE, &[0, 0]) < 0
                || prctl(NO_NEW_PRIVILEGES, 1 as c_ulong, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong) < 0
            {
                return Err(Error::last_os_error());
            }
            Ok(())
        });
    }
    let child = command.spawn().map_err(|problem| format!("{program}: {problem}"))?;
    i32::try_from(child.id()).map_err(|_| "a process number that is none".to_owned())
}

/// Collect processes that end, until it is this one; gives its wait status.
pub fn wait_for(process: i32) -> Outcome<i32> {
    wait_for_any(&[process]).map(|(_, status)| status)
}

/// Collect processes that end, until it is one of these; gives which, and its wait status.
pub fn wait_for_any(processes: &[i32]) -> Outcome<(i32, i32)> {
    loop {
        let mut status: c_int = 0;
        // SAFETY: a place for one number.
        let ended = unsafe { waitpid(-1, &mut status, 0) };
        done("waiting", ended)?;
        if processes.contains(&ended) {
            return Ok((ended, status));
        }
    }
}

/// Have all that was written on disks, however long they take.
pub fn flush() {
    // SAFETY: takes nothing.
    unsafe { sync() };
}

/// Off, waiting for nothing.
pub fn power_off() -> ! {
    // SAFETY: a number only.
    unsafe { reboot(POWER_OFF) };
    panic!("the kernel did not power off"); // process 1 that ends panics the kernel: there is no way on
}
