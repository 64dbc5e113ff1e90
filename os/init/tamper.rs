//! The switch of the chassis, which the machine has as an ACPI button: opened, it forgets its keys and goes off.
//!
//! What processes held is zeroed as the kernel takes it back (`init_on_free=1` on the command line), and so is what
//! lay in file systems that are in memory. Where the operator wants it so, the TPM counts on meanwhile: no slot of the
//! data disk, nor any copy of one, opens after that. It counts the opening, too, and the next node on this TPM tells
//! that in its log (`node/chassis.py`): the log's own key is gone by now, and nothing here waits for anybody. Nor is
//! the TPM waited for: erasing goes on while it works. The last act is a line on the console.
//!
//! Source: Linux, Documentation/input/input.rst ("Event interface"), include/uapi/linux/input-event-codes.h.

use crate::{say, tpm, Outcome};
use std::ffi::{c_char, c_int, CString};
use std::fs::{self, File};
use std::io::Read;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

extern "C" {
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn umount2(target: *const c_char, flags: c_int) -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
}

const DEVICES: &str = "/dev/input";
const EVENT: usize = 24; // struct input_event on x86-64: a time of 16 bytes, kind, code, value
const KEY: u16 = 1; // EV_KEY
const POWER: u16 = 116; // KEY_POWER
const PRESSED: i32 = 1;
const KILL: c_int = 9;
const EVERYBODY: c_int = -1;
const NOBODY_YET: c_int = 1; // WNOHANG
const PATIENCE: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(10);
const DETACH: c_int = 2; // MNT_DETACH

/// Held by whoever starts a process or ends the machine, and kept for ever by who erases.
static QUIET: Mutex<()> = Mutex::new(());

/// Whether the data disk shall never open again.
static SHUTS: AtomicBool = AtomicBool::new(false);

/// From now on an opened chassis shuts the data disk, too.
pub fn shuts_the_data_disk() {
    SHUTS.store(true, SeqCst);
}

/// Nobody erases as long as this is held; waits for ever once somebody does.
pub fn undisturbed() -> MutexGuard<'static, ()> {
    QUIET.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watch every switch that there is, from now on.
pub fn watch(kept: &'static [&'static str]) -> Outcome<()> {
    let found = fs::read_dir(DEVICES).map_err(|problem| format!("{DEVICES}: {problem}"))?;
    let mut switches = 0;
    for path in found.flatten().map(|each| each.path()) {
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("event")) {
            continue;
        }
        let device = File::open(&path).map_err(|problem| format!("{}: {problem}", path.display()))?;
        thread::spawn(move || {
            if opened(device) {
                erase(kept);
            }
        });
        switches += 1;
    }
    say(&format!("{switches} inputs are watched for the chassis"));
    Ok(())
}

/// Wait until the switch opens; false when the device is gone.
fn opened(mut device: File) -> bool {
    let mut event = [0; EVENT];
    while device.read_exact(&mut event).is_ok() {
        let [.., k0, k1, c0, c1, v0, v1, v2, v3] = event;
        let (kind, code) = (u16::from_le_bytes([k0, k1]), u16::from_le_bytes([c0, c1]));
        if (kind, code, i32::from_le_bytes([v0, v1, v2, v3])) == (KEY, POWER, PRESSED) {
            return true;
        }
    }
    false
}

/// Forget all keys, and go off. Whatever fails on the way, the machine goes off.
fn erase(kept: &[&str]) -> ! {
    let _for_ever = undisturbed();
    // SAFETY: numbers only.
    unsafe { kill(EVERYBODY, KILL) };
    let (say_it, said) = channel();
    let _asks = thread::Builder::new().spawn(move || say_it.send(remembered()));
    until_nobody_is_left();
    for name in kept.iter().filter_map(|place| CString::new(*place).ok()) {
        // SAFETY: a string that lives until the call is over.
        unsafe { umount2(name.as_ptr(), DETACH) };
    }
    let tpm = said.recv_timeout(PATIENCE).unwrap_or_else(|_| "; the TPM has NOT answered".to_owned());
    crate::ends(&format!("the chassis was opened: keys are erased{tpm}"))
}

/// What the TPM shall know after this.
fn remembered() -> String {
    let disk = if SHUTS.load(SeqCst) { shut() } else { String::new() };
    match tpm::count(tpm::CHASSIS) {
        Ok(()) => format!("{disk}; the next log will tell"),
        Err(problem) => format!("{disk}; the next log will NOT tell: {problem}"),
    }
}

/// Count past each slot of the data disk: the one that is in use, and one that may wait for the next image.
fn shut() -> String {
    match tpm::count(tpm::DISK).and_then(|()| tpm::count(tpm::DISK)) {
        Ok(()) => "; the data disk is shut for good".to_owned(),
        Err(problem) => format!("; the data disk is NOT shut: {problem}"),
    }
}

/// Collect all processes, as their memory is taken back before they can be collected.
fn until_nobody_is_left() {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        // SAFETY: no place for a status is a place that waitpid(2) allows.
        match unsafe { waitpid(EVERYBODY, null_mut(), NOBODY_YET) } {
            0 => sleep(TICK),
            1.. => {}
            _ => return, // there are none
        }
    }
}
