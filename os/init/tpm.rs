//! Two commands of a TPM: hash some bytes into a register, in every bank that it has; count on.
//!
//! Source: TPM 2.0 Library, Part 3, 22.3 (TPM2_PCR_Event), 31.8 (TPM2_NV_Increment); Part 1, 18 (headers). Numbers
//! are big-endian.

use crate::Outcome;
use std::fs::File;
use std::io::{Read, Write};

const SESSIONS: u16 = 0x8002;
const PCR_EVENT: u32 = 0x0000_013C;
const NV_INCREMENT: u32 = 0x0000_0134;
const PASSWORD: u32 = 0x4000_0009;
/// Up to which value of it a data disk opens. The same as in `attest/tpmcounter.py`.
pub const DISK: u32 = 0x0180_C9B1;
/// How often the chassis was opened, for the next node's log. The same as in `attest/tpmchassis.py`.
pub const CHASSIS: u32 = 0x0180_C9B2;
/// Bytes that one command takes. Source: Part 2, 10.4.10 (TPM2B_EVENT).
pub const MOST: usize = 1024;

/// Hash bytes into a register.
pub fn measure(register: u32, data: &[u8]) -> Outcome<()> {
    let size = u16::try_from(data.len()).ok().filter(|_| data.len() <= MOST).ok_or("too much to measure")?;
    told("measure", &command(PCR_EVENT, &[register], &[&size.to_be_bytes(), data].concat()))
}

/// Count on by one: what was sealed to the value before is shut for good.
pub fn count(counter: u32) -> Outcome<()> {
    told("count", &command(NV_INCREMENT, &[counter, counter], &[]))
}

/// A command with an empty password for the first of its handles.
fn command(code: u32, handles: &[u32], parameters: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = handles.iter().flat_map(|handle| handle.to_be_bytes()).collect();
    body.extend(9u32.to_be_bytes()); // bytes of the authorisation that follows
    body.extend(PASSWORD.to_be_bytes());
    body.extend([0; 5]);
    body.extend(parameters);
    let mut command = SESSIONS.to_be_bytes().to_vec();
    command.extend((10 + body.len() as u32).to_be_bytes());
    command.extend(code.to_be_bytes());
    command.extend(body);
    command
}

fn told(what: &str, command: &[u8]) -> Outcome<()> {
    match exchange(command) {
        Ok(0) => Ok(()),
        Ok(code) => Err(format!("the TPM refuses to {what}: {code:#x}")),
        Err(problem) => Err(format!("the TPM does not answer: {problem}")),
    }
}

/// Send a command; gives the response code.
fn exchange(command: &[u8]) -> std::io::Result<u32> {
    let mut device = File::options().read(true).write(true).open("/dev/tpm0")?;
    device.write_all(command)?;
    let mut answer = [0; 4096];
    let size = device.read(&mut answer)?;
    if size < 10 {
        return Err(std::io::Error::other("its answer is cut off"));
    }
    Ok(u32::from_be_bytes([answer[6], answer[7], answer[8], answer[9]]))
}
