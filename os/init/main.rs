//! The first process of the Privacy OS, and the only one that nobody's input can stop, replace or talk to.
//!
//! It runs from the initial RAM disk, is measured with it, and stays process 1 until the power is off. In order:
//! mount what a kernel needs; load exactly the modules that the image lists; watch the chassis; refuse a start that
//! was given more than the image; read and measure the operator's configuration; open the verified root; configure
//! the network; take away what is not needed any more; have the data disk opened, and measure that nothing opens it
//! from now on; have the node's configuration prepared; start the door, which proves what this machine is, and once
//! it answers, the node. Any failure, and the end of the door, powers the machine off with a message. A node
//! that ends is started again: it goes on where it was. There is no shell, no login and no fallback.

#![forbid(unsafe_op_in_unsafe_fn)]

mod configuration;
mod device_mapper;
mod network;
mod system;
mod tamper;
mod tpm;

use configuration::Configuration;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};
use system::Mount;

pub type Outcome<T> = Result<T, String>;

const PATIENCE: Duration = Duration::from_secs(20);
const ROOT: &str = "/sysroot";
const RUN: &str = "/run/privacy-os";
const COMMANDS: &str = "/usr/lib/privacy-os";
const DATA: &str = "/var/lib/cyberprivacy";
/// File systems in memory, with all that is secret; the node's data are in one more, or on a disk.
const IN_MEMORY: &[&str] = &["/tmp", "/dev/shm", "/run"];
const DOOR_USER: u32 = 10001;
const NODE_USER: u32 = 0; // it makes namespaces, networks and mounts for what it runs
const IMAGE_REGISTER: u32 = 11;
/// The same words as in `privacy_os/measuring.py`.
const SHUT: &[u8] = b"privacy-os: the way to the data disk's key is shut";
const PAUSE: Duration = Duration::from_secs(5);

fn main() {
    let why = match start().and_then(keep) {
        Ok(status) => format!("the door ended with status {status}"),
        Err(problem) => problem,
    };
    let _last = tamper::undisturbed();
    ends(&why)
}

/// Say why, and go off.
fn ends(why: &str) -> ! {
    last_word(why);
    system::flush();
    system::power_off();
}

fn last_word(why: &str) {
    eprintln!("privacy-os: stopped: {why}");
    sleep(Duration::from_millis(500)); // a serial line needs a moment to say it
}

fn start() -> Outcome<i32> {
    kernel_file_systems()?;
    system::console()?;
    say("starting");
    for name in list("/modules/order")? {
        system::load_module(&format!("/modules/{name}"))?;
    }
    tamper::watch(IN_MEMORY, DATA)?;
    nothing_added()?;
    let configuration = operators_configuration()?;
    verified_root()?;
    hand_over(&configuration)?;
    network::configure(&configuration)?;
    say("network is up");
    settings()?;
    if configuration.data {
        finish("unlock")?;
    }
    if configuration.chassis {
        tamper::shuts_the_data_disk();
        say("an opened chassis shuts the data disk for good");
    }
    tpm::measure(IMAGE_REGISTER, SHUT)?;
    finish("prepare")?;
    say("the node is prepared");
    door()
}

/// Start the door, and wait until it answers or has ended: the node, which takes longer to start, takes no time from
/// it. The door has one end of a pair as its input, and lets go of it when it answers.
fn door() -> Outcome<i32> {
    let (mut ours, its) = UnixStream::pair().map_err(|problem| format!("a pair of sockets: {problem}"))?;
    let door = start_command("door", DOOR_USER, OwnedFd::from(its).into())?;
    ours.read(&mut [0]).map_err(|problem| format!("the door: {problem}"))?;
    Ok(door)
}

/// Have the node running until the door ends; gives the door's wait status.
fn keep(door: i32) -> Outcome<i32> {
    loop {
        let node = run("node", NODE_USER)?;
        let (ended, status) = system::wait_for_any(&[door, node])?;
        if ended == door {
            return Ok(status);
        }
        say(&format!("the node ended with status {status} and starts again"));
        sleep(PAUSE);
    }
}

/// Run a command of the image to its end. When it fails, it has left a line that says why.
fn finish(name: &str) -> Outcome<()> {
    match system::wait_for(run(name, NODE_USER)?)? {
        0 => Ok(()),
        status => Err(match fs::read_to_string(format!("{RUN}/why")) {
            Ok(why) => format!("{name}: {}", why.trim_end()),
            Err(_) => format!("{name} ended with status {status}"),
        }),
    }
}

/// Start a command of the image, which is told nothing.
fn run(name: &str, user: u32) -> Outcome<i32> {
    start_command(name, user, Stdio::null())
}

fn start_command(name: &str, user: u32, input: Stdio) -> Outcome<i32> {
    let _alone = tamper::undisturbed();
    system::spawn(user, &list(&format!("{COMMANDS}/{name}"))?, input)
}

fn say(what: &str) {
    eprintln!("privacy-os: {what}");
}

/// The lines of a file of the image.
fn list(path: &str) -> Outcome<Vec<String>> {
    Ok(read(path)?.lines().map(str::to_owned).collect())
}

fn read(path: &str) -> Outcome<String> {
    fs::read_to_string(path).map_err(|problem| format!("{path}: {problem}"))
}

fn kernel_file_systems() -> Outcome<()> {
    for (kind, place, options) in [
        ("devtmpfs", "/dev", Mount::NO_EXECUTION),
        ("proc", "/proc", Mount::DATA),
        ("sysfs", "/sys", Mount::DATA),
        ("securityfs", "/sys/kernel/security", Mount::DATA),
        ("cgroup2", "/sys/fs/cgroup", Mount::DATA),
        ("tmpfs", "/dev/shm", Mount::DATA),
        ("mqueue", "/dev/mqueue", Mount::DATA),
        ("tmpfs", "/run", Mount::DATA),
    ] {
        fs::create_dir_all(place).map_err(|problem| format!("{place}: {problem}"))?;
        system::attach(kind, place, kind, options)?;
    }
    Ok(())
}

/// Registers 12 and 13 hold what the boot stub took from outside of the image: a longer command line, credentials,
/// extensions. A verifier would see it; this machine does not even go on.
fn nothing_added() -> Outcome<()> {
    for register in [12, 13] {
        let path = format!("/sys/class/tpm/tpm0/pcr-sha256/{register}");
        let value = read(&path).map_err(|problem| format!("no TPM 2.0 with a SHA-256 bank: {problem}"))?;
        if value.trim().bytes().any(|digit| digit != b'0') {
            return Err(format!("this start was given more than the image (register {register})"));
        }
    }
    Ok(())
}

/// Find the configuration volume, measure all of it into register 14, and only then read it.
fn operators_configuration() -> Outcome<Configuration> {
    let text = wait("no configuration volume", || configuration::find(&disks()?))?;
    for piece in text.as_bytes().chunks(tpm::MOST) {
        tpm::measure(configuration::REGISTER, piece)?;
    }
    say("configuration is measured");
    fs::create_dir_all(RUN).map_err(|problem| format!("{RUN}: {problem}"))?;
    write(&format!("{RUN}/configuration"), text.as_bytes())?;
    Configuration::parse(&text)
}

/// Open the root through dm-verity, by the hash on the command line that is part of the measured image.
fn verified_root() -> Outcome<()> {
    let line = read("/proc/cmdline")?;
    let table = device_mapper::Table::from_command_line(&line)?;
    let device = wait("no disk with this root", || table.partition())?;
    let mapped = device_mapper::open_verity(&table, &device)?;
    wait("the verified root does not appear", || Ok(Path::new(&mapped).exists().then_some(())))?;
    fs::create_dir_all(ROOT).map_err(|problem| format!("{ROOT}: {problem}"))?;
    system::attach(&mapped, ROOT, "erofs", Mount::VERIFIED_ROOT)?;
    say("root is verified");
    Ok(())
}

/// Give the service what it may read, and make the verified root the root.
fn hand_over(configuration: &Configuration) -> Outcome<()> {
    for (log, name) in [
        ("/sys/kernel/security/tpm0/binary_bios_measurements", "firmware-log"),
        ("/sys/kernel/security/ima/binary_runtime_measurements", "kernel-log"),
    ] {
        let measured = fs::read(log).map_err(|problem| format!("{log}: {problem}"))?;
        write(&format!("{RUN}/{name}"), &measured)?;
    }
    system::give("/dev/tpmrm0", DOOR_USER)?;
    for place in ["/dev", "/proc", "/sys", "/run"] {
        system::move_mount(place, &format!("{ROOT}{place}"))?;
    }
    system::change_root(ROOT)?;
    system::attach("tmpfs", "/tmp", "tmpfs", Mount::DATA)?;
    if !configuration.data {
        system::attach("tmpfs", DATA, "tmpfs", Mount::LAYERS)?;
    }
    let state = format!("{RUN}/state");
    fs::create_dir_all(&state).map_err(|problem| format!("{state}: {problem}"))?;
    system::give(&state, DOOR_USER)?;
    say(&format!("configured for {} organisations", configuration.organisations));
    Ok(())
}

/// What the kernel shall refuse from now on, whoever asks. A machine without one of these is not ours.
fn settings() -> Outcome<()> {
    for (name, value) in [
        ("kernel/sysrq", "0"),
        ("kernel/kptr_restrict", "2"),
        ("kernel/dmesg_restrict", "1"),
        ("kernel/unprivileged_bpf_disabled", "1"),
        ("kernel/kexec_load_disabled", "1"),
        ("kernel/core_pattern", "/dev/null"),
        ("fs/suid_dumpable", "0"),
        ("net/ipv4/ip_unprivileged_port_start", "443"),
        ("kernel/modules_disabled", "1"),
    ] {
        write(&format!("/proc/sys/{name}"), value.as_bytes())?;
    }
    Ok(())
}

fn write(path: &str, data: &[u8]) -> Outcome<()> {
    fs::write(path, data).map_err(|problem| format!("{path}: {problem}"))
}

/// Whole disks and partitions, by name.
fn disks() -> Outcome<Vec<String>> {
    let found = fs::read_dir("/sys/class/block").map_err(|problem| format!("/sys/class/block: {problem}"))?;
    let mut names: Vec<String> = found.flatten().filter_map(|each| each.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// Ask until there is an answer, or patience ends.
fn wait<T>(otherwise: &str, mut ask: impl FnMut() -> Outcome<Option<T>>) -> Outcome<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() > until {
            return Err(otherwise.to_owned());
        }
        sleep(Duration::from_millis(100));
    }
}
