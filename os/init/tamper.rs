//! The switch of the chassis, which the machine has as an ACPI button: opened, it forgets its keys and goes off.
//!
//! What processes held is zeroed as the kernel takes it back (`init_on_free=1` on the command line), and so is what
//! lay in file systems that are in memory. Where the operator wants it so, the TPM counts on meanwhile: no slot of the
//! data disk, nor any copy of one, opens after that. It counts the opening, too, and the next node on this TPM tells
//! that in its log (`node/chassis.py`): the log's own key is gone by now, and nothing here waits for anybody. The data
//! disk is taken away, and with it what the kernel knows of it: its key, and blocks that were read.
//!
//! Neither TPM nor disk can hold anything up: erasing goes on while they work, and after some seconds the power is off,
//! whatever they do. The last act is a line on the console.
//!
//! Source: Linux, Documentation/input/input.rst ("Event interface"), include/uapi/linux/input-event-codes.h.

use crate::{device_mapper, say, system, tpm, Outcome};
use std::ffi::{c_char, c_int, CString};
use std::fs::{self, File};
use std::io::Read;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver};
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
/// The data disk once it is open. The same as in `privacy_os/luks.py`.
const MAPPED: &str = "data";

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
pub fn watch(in_memory: &'static [&'static str], data: &'static str) -> Outcome<()> {
    let found = fs::read_dir(DEVICES).map_err(|problem| format!("{DEVICES}: {problem}"))?;
    let mut switches = 0;
    for path in found.flatten().map(|each| each.path()) {
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("event")) {
            continue;
        }
        let device = File::open(&path).map_err(|problem| format!("{}: {problem}", path.display()))?;
        thread::spawn(move || {
            if opened(device) {
                erase(in_memory, data);
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
fn erase(in_memory: &[&str], data: &'static str) -> ! {
    let _for_ever = undisturbed();
    // SAFETY: numbers only.
    unsafe { kill(EVERYBODY, KILL) };
    let tpm = beside(remembered);
    until_nobody_is_left();
    in_memory.iter().for_each(|place| unmount(place));
    let disk = beside(move || without_its_key(data));
    let end = Instant::now() + PATIENCE;
    let said = |from: Receiver<String>, otherwise: &str| {
        from.recv_timeout(end.saturating_duration_since(Instant::now())).unwrap_or_else(|_| otherwise.to_owned())
    };
    let disk = said(disk, "; the data disk does NOT answer, and its key goes with the power only");
    let tpm = said(tpm, "; the TPM does NOT answer: no disk is shut, no log will tell");
    crate::last_word(&format!("the chassis was opened: keys are erased{disk}{tpm}"));
    system::power_off()
}

/// Do something that may never end; where its words come, if it does.
fn beside(what: impl FnOnce() -> String + Send + 'static) -> Receiver<String> {
    let (say_it, said) = channel();
    let _does = thread::Builder::new().spawn(move || say_it.send(what()));
    said
}

fn unmount(place: &str) {
    let Ok(name) = CString::new(place) else { return };
    // SAFETY: a string that lives until the call is over.
    unsafe { umount2(name.as_ptr(), DETACH) };
}

/// Take the data disk away, if there is one. Who had it mounted is gone, or goes in these moments.
fn without_its_key(data: &str) -> String {
    unmount(data);
    let end = Instant::now() + PATIENCE;
    loop {
        match device_mapper::remove(MAPPED) {
            Ok(()) => return String::new(),
            Err(_) if Instant::now() < end => sleep(TICK),
            Err(problem) => return format!("; the data disk's key is NOT erased: {problem}"),
        }
    }
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
