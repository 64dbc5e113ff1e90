//! The root file system through dm-verity: every block is checked against the measured hash when it is read. And
//! the end of a mapped disk, with which the kernel zeroes the key that it had for it.
//!
//! Source: Linux, include/uapi/linux/dm-ioctl.h and Documentation/admin-guide/device-mapper/verity.rst.

use crate::Outcome;
use std::ffi::{c_int, c_ulong};
use std::fs::{self, File};
use std::io::Error;
use std::os::fd::AsRawFd;

extern "C" {
    fn ioctl(descriptor: c_int, request: c_ulong, ...) -> c_int;
}

const HEADER: usize = 312; // struct dm_ioctl
const TARGET: usize = 40; // struct dm_target_spec
const READ_ONLY: u32 = 1;
const NO_SUCH_DEVICE: i32 = 6; // ENXIO
const ROOT: &str = "root";
const CREATE: c_ulong = command(3);
const REMOVE: c_ulong = command(4);
const SUSPEND: c_ulong = command(6); // without its flag it resumes: the table becomes active
const LOAD: c_ulong = command(9);

/// _IOWR(0xfd, number, struct dm_ioctl)
const fn command(number: c_ulong) -> c_ulong {
    3 << 30 | (HEADER as c_ulong) << 16 | 0xfd << 8 | number
}

/// The root as the command line names it.
///
/// `blocks` are of 4096 bytes; the hash tree follows them on the same partition.
pub struct Table {
    hash: String,
    salt: String,
    blocks: u64,
}

impl Table {
    /// Read `privacy.root=<hash>,<salt>,<blocks>`, which must stand exactly once.
    pub fn from_command_line(line: &str) -> Outcome<Self> {
        let found: Vec<&str> =
            line.split_ascii_whitespace().filter_map(|word| word.strip_prefix("privacy.root=")).collect();
        let [one] = found.as_slice() else { return Err("the command line does not name one root".to_owned()) };
        let parts: Vec<&str> = one.split(',').collect();
        let [hash, salt, blocks] = parts.as_slice() else { return Err("not the name of a root".to_owned()) };
        if [hash, salt].iter().any(|each| each.len() != 64 || !each.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err("not the name of a root".to_owned());
        }
        let blocks =
            blocks.parse().ok().filter(|count| (1..1 << 32).contains(count)).ok_or("not a number of blocks")?;
        Ok(Self { hash: (*hash).to_owned(), salt: (*salt).to_owned(), blocks })
    }

    /// Number of the partition that is called after the hash, such as "254:2". The name proves nothing, the blocks do;
    /// but with a second disk of this name the host would choose which one is read, so that both are refused.
    pub fn partition(&self) -> Outcome<Option<String>> {
        let wanted = format!("PARTNAME=privacy-os-{}", &self.hash[..24]);
        let mut found = None;
        for name in crate::disks()? {
            let folder = format!("/sys/class/block/{name}");
            let about = fs::read_to_string(format!("{folder}/uevent")).unwrap_or_default();
            if about.lines().any(|line| line == wanted) && found.replace(folder).is_some() {
                return Err("more than one disk with this root".to_owned());
            }
        }
        let number = found.map(|folder| crate::read(&format!("{folder}/dev"))).transpose()?;
        Ok(number.map(|text| text.trim().to_owned()))
    }

    fn parameters(&self, device: &str) -> String {
        let Self { hash, salt, blocks } = self;
        format!("1 {device} {device} 4096 4096 {blocks} {blocks} sha256 {hash} {salt} 1 panic_on_corruption")
    }
}

/// Open the partition through dm-verity; gives the path of the verified device.
pub fn open_verity(table: &Table, device: &str) -> Outcome<String> {
    let control = control().map_err(|problem| format!("/dev/mapper/control: {problem}"))?;
    let verity = |what, value| call(&control, what, value).map_err(|problem| format!("dm-verity: {problem}"));
    let number = verity(CREATE, header(ROOT, HEADER, 0))?;
    verity(LOAD, load(table, device))?;
    verity(SUSPEND, header(ROOT, HEADER, 0))?;
    Ok(format!("/dev/dm-{number}"))
}

/// Take a mapped device away, if there is one. One that somebody still uses stays.
pub fn remove(name: &str) -> Result<(), Error> {
    match call(&control()?, REMOVE, header(name, HEADER, 0)) {
        Err(problem) if problem.raw_os_error() != Some(NO_SUCH_DEVICE) => Err(problem),
        _ => Ok(()),
    }
}

fn control() -> Result<File, Error> {
    File::options().read(true).write(true).open("/dev/mapper/control")
}

/// `name` is one of ours, and short.
fn header(name: &str, size: usize, targets: u32) -> Vec<u8> {
    let mut made = vec![0; size];
    for (at, value) in [(0, 4u32), (12, size as u32), (16, HEADER as u32), (20, targets), (28, READ_ONLY)] {
        made[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }
    made[48..48 + name.len()].copy_from_slice(name.as_bytes());
    made
}

fn load(table: &Table, device: &str) -> Vec<u8> {
    let parameters = table.parameters(device);
    let mut made = header(ROOT, (HEADER + TARGET + parameters.len() + 1).next_multiple_of(8), 1);
    made[HEADER + 8..HEADER + 16].copy_from_slice(&(table.blocks * 8).to_ne_bytes()); // sectors of 512 bytes
    made[HEADER + 24..HEADER + 30].copy_from_slice(b"verity");
    made[HEADER + TARGET..HEADER + TARGET + parameters.len()].copy_from_slice(parameters.as_bytes());
    made
}

/// Ask the device mapper; gives the minor number of the device.
fn call(control: &File, what: c_ulong, mut value: Vec<u8>) -> Result<u64, Error> {
    // SAFETY: the structure says its own size, which is that of `value`.
    if unsafe { ioctl(control.as_raw_fd(), what, value.as_mut_ptr()) } < 0 {
        return Err(Error::last_os_error());
    }
    let number = value[40..48].iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(number & 0xff | (number >> 12) & 0xfff00)
}
