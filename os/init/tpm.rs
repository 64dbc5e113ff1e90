//! One command of a TPM: hash some bytes into a register, in every bank that it has.
//!
//! Source: TPM 2.0 Library, Part 3, 22.3 (TPM2_PCR_Event); Part 1, 18 (headers). Numbers are big-endian.

use crate::Outcome;
use std::fs::File;
use std::io::{Read, Write};

const SESSIONS: u16 = 0x8002;
const PCR_EVENT: u32 = 0x0000_013C;
const PASSWORD: u32 = 0x4000_0009;
/// Bytes that one command takes. Source: Part 2, 10.4.10 (TPM2B_EVENT).
pub const MOST: usize = 1024;

/// Hash bytes into a register.
pub fn measure(register: u32, data: &[u8]) -> Outcome<()> {
    let size = u16::try_from(data.len()).ok().filter(|_| data.len() <= MOST).ok_or("too much to measure")?;
    let mut body = Vec::new();
    body.extend(register.to_be_bytes());
    body.extend(9u32.to_be_bytes()); // bytes of the authorisation that follows: an empty password
    body.extend(PASSWORD.to_be_bytes());
    body.extend([0; 5]);
    body.extend(size.to_be_bytes());
    body.extend(data);
    let mut command = SESSIONS.to_be_bytes().to_vec();
    command.extend((10 + body.len() as u32).to_be_bytes());
    command.extend(PCR_EVENT.to_be_bytes());
    command.extend(body);
    match exchange(&command) {
        Ok(0) => Ok(()),
        Ok(code) => Err(format!("the TPM refuses to measure: {code:#x}")),
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
