//! The operator's only input: a volume that begins with a fixed word, and holds lines of known keys.
//!
//! No file system and no partition table stand between the bytes and this reader: 16 bytes of magic, 4 bytes of
//! length (big-endian), then that many bytes of text, the rest zeros. Documented in docs/reference/os-configuration.md.

use crate::Outcome;
use std::fs::File;
use std::io::Read;
use std::net::Ipv4Addr;

pub const REGISTER: u32 = 14;
const MAGIC: &[u8; 16] = b"CyberPrivacyOS/1";
const MOST: usize = 8 << 10;

/// What the first process itself needs of the configuration; the service reads the rest from the same bytes.
pub struct Configuration {
    pub address: Ipv4Addr,
    pub prefix: u8,
    pub gateway: Option<Ipv4Addr>,
    pub organisations: usize,
    pub data: bool,
    /// Whether an opened chassis shuts the data disk for good.
    pub chassis: bool,
}

/// The text of the one configuration volume among these block devices; None when there is none yet.
pub fn find(names: &[String]) -> Outcome<Option<String>> {
    let mut found = None;
    for name in names {
        let Some(text) = volume(name)? else { continue };
        if found.replace(text).is_some() {
            return Err("more than one configuration volume".to_owned());
        }
    }
    Ok(found)
}

fn volume(name: &str) -> Outcome<Option<String>> {
    let Ok(mut device) = File::open(format!("/dev/{name}")) else { return Ok(None) };
    let mut head = [0; 20];
    if device.read_exact(&mut head).is_err() || head[..16] != MAGIC[..] {
        return Ok(None);
    }
    let size = u32::from_be_bytes([head[16], head[17], head[18], head[19]]) as usize;
    if size > MOST {
        return Err(format!("the configuration is larger than {MOST} bytes"));
    }
    let mut text = vec![0; size];
    device.read_exact(&mut text).map_err(|problem| format!("the configuration volume: {problem}"))?;
    String::from_utf8(text).map(Some).map_err(|_| "the configuration is not UTF-8".to_owned())
}

impl Configuration {
    /// Read lines of `key value`; an unknown key, a second value or another form is refused.
    pub fn parse(text: &str) -> Outcome<Self> {
        let (mut address, mut gateway, mut organisations, mut chains) = (None, None, 0, 0);
        let (mut bases, mut wheels, mut data, mut chassis) = (None, None, None, None);
        for (number, line) in text.split_terminator('\n').enumerate() {
            let wrong = |why: &str| format!("line {} of the configuration: {why}", number + 1);
            let (key, value) = line.split_once(' ').ok_or_else(|| wrong("not a key and a value"))?;
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte)) {
                return Err(wrong("a value is printable ASCII without spaces, quotes and backslashes"));
            }
            let again = match key {
                "address" => address.replace(network(value).ok_or_else(|| wrong("not an address"))?).is_some(),
                "gateway" => gateway.replace(value.parse().map_err(|_| wrong("not an address"))?).is_some(),
                "chain" => {
                    chains += 1;
                    false
                }
                "dao" => {
                    organisations += 1;
                    false
                }
                "bundles" => false,
                "bases" => bases.replace(()).is_some(),
                "wheels" => wheels.replace(()).is_some(),
                "data" => data.replace(()).is_some(),
                "chassis" if value == "disk" => chassis.replace(()).is_some(),
                _ => return Err(wrong("an unknown key")),
            };
            if again {
                return Err(wrong("a second value"));
            }
        }
        let (address, prefix) = address.ok_or("the configuration has no address")?;
        if chains == 0 || organisations == 0 {
            return Err("the configuration names no chain or no organisation".to_owned());
        }
        if chassis.is_some() && data.is_none() {
            return Err("an opened chassis cannot shut a data disk that is not asked for".to_owned());
        }
        Ok(Self { address, prefix, gateway, organisations, data: data.is_some(), chassis: chassis.is_some() })
    }
}

/// An address with the length of its network's prefix, such as 192.0.2.10/24.
fn network(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let length: u8 = prefix.parse().ok().filter(|length| (1..=30).contains(length))?;
    Some((address.parse().ok()?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "address 192.0.2.10/24\ngateway 192.0.2.1\nchain http://192.0.2.1:8545\ndao 0x01\n";

    #[test]
    fn the_lines_that_we_know_are_read() {
        let read = Configuration::parse(GOOD).unwrap();
        assert_eq!((read.address.to_string(), read.prefix, read.organisations), ("192.0.2.10".into(), 24, 1));
        assert_eq!(read.gateway, Some("192.0.2.1".parse().unwrap()));
        assert!(!read.data && Configuration::parse(&format!("{GOOD}data tpm\n")).unwrap().data);
        let both = Configuration::parse(&format!("{GOOD}data tpm\nchassis disk\n")).unwrap();
        assert!(!read.chassis && both.data && both.chassis);
    }

    #[test]
    fn whatever_is_not_known_is_refused() {
        for more in [
            "shell /bin/sh",
            "address 192.0.2.11/24",
            "dao",
            "dao ",
            " dao x",
            "dao a b",
            "",
            "address 1.2.3.4/31",
            "dao \u{e9}",
            "dao \"x",
            "bases a\nbases b",
            "wheels a\nwheels b",
            "data tpm\ndata tpm",
            "data tpm\nchassis off",
            "data tpm\nchassis disk\nchassis disk",
            "chassis disk",
        ] {
            assert!(Configuration::parse(&format!("{GOOD}{more}\n")).is_err(), "{more}");
        }
    }

    #[test]
    fn a_configuration_without_its_parts_is_refused() {
        for key in ["address", "chain", "dao"] {
            let text: String =
                GOOD.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
            assert!(Configuration::parse(&text).is_err(), "{key}");
        }
    }
}
