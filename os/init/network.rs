//! One network interface with the configured address: no DHCP, so that nobody on the wire is believed.
//!
//! Source: netdevice(7), route(7): `struct ifreq` (40 bytes) and `struct rtentry` (120 bytes) on x86-64.

use crate::configuration::Configuration;
use crate::Outcome;
use std::ffi::{c_int, c_ulong};
use std::fs;
use std::io::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

extern "C" {
    fn ioctl(descriptor: c_int, request: c_ulong, ...) -> c_int;
}

const SET_FLAGS: c_ulong = 0x8914;
const SET_ADDRESS: c_ulong = 0x8916;
const SET_MASK: c_ulong = 0x891C;
const ADD_ROUTE: c_ulong = 0x890B;
const UP: u16 = 1;
const ROUTE_UP: u16 = 1;
const ROUTE_GATEWAY: u16 = 2;
const INTERNET: u16 = 2; // AF_INET

pub fn configure(configuration: &Configuration) -> Outcome<()> {
    let name = interface()?;
    let mask = Ipv4Addr::from(u32::MAX << (32 - u32::from(configuration.prefix)));
    request("lo", SET_FLAGS, &UP.to_ne_bytes())?;
    request(&name, SET_ADDRESS, &socket_address(configuration.address))?;
    request(&name, SET_MASK, &socket_address(mask))?;
    request(&name, SET_FLAGS, &UP.to_ne_bytes())?;
    configuration.gateway.map_or(Ok(()), default_route)
}

/// The only interface beside the loopback; two would leave a choice that nobody measured.
fn interface() -> Outcome<String> {
    let found = fs::read_dir("/sys/class/net").map_err(|problem| format!("/sys/class/net: {problem}"))?;
    let names: Vec<String> = found
        .flatten()
        .filter_map(|each| each.file_name().into_string().ok())
        .filter(|name| name != "lo")
        .collect();
    match names.as_slice() {
        [one] if one.len() < 16 => Ok(one.clone()),
        _ => Err(format!("one network interface is needed, not {}", names.len())),
    }
}

fn socket_address(address: Ipv4Addr) -> [u8; 16] {
    let mut made = [0; 16];
    made[..2].copy_from_slice(&INTERNET.to_ne_bytes());
    made[4..8].copy_from_slice(&address.octets());
    made
}

fn request(name: &str, what: c_ulong, value: &[u8]) -> Outcome<()> {
    let mut made = [0u8; 40];
    made[..name.len()].copy_from_slice(name.as_bytes());
    made[16..16 + value.len()].copy_from_slice(value);
    ask(what, &mut made).map_err(|problem| format!("network interface {name}: {problem}"))
}

fn default_route(gateway: Ipv4Addr) -> Outcome<()> {
    let mut made = [0u8; 120];
    for (at, address) in [(8, Ipv4Addr::UNSPECIFIED), (24, gateway), (40, Ipv4Addr::UNSPECIFIED)] {
        made[at..at + 16].copy_from_slice(&socket_address(address));
    }
    made[56..58].copy_from_slice(&(ROUTE_UP | ROUTE_GATEWAY).to_ne_bytes());
    ask(ADD_ROUTE, &mut made).map_err(|problem| format!("route by {gateway}: {problem}"))
}

fn ask(what: c_ulong, value: &mut [u8]) -> Result<(), Error> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: the kernel reads and writes at most the size of the structure, which `value` has.
    match unsafe { ioctl(socket.as_raw_fd(), what, value.as_mut_ptr()) } {
        0.. => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
