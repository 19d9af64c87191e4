//! Attacks through the interfaces that have no content.

use crate::bindings::wasi::cli::{environment, exit, stderr, stdout};
use crate::bindings::wasi::filesystem::preopens;
use crate::bindings::wasi::random::random;
use crate::bindings::wasi::sockets::network::IpAddressFamily;
use crate::bindings::wasi::sockets::tcp_create_socket;

/// Everything that it finds there.
pub(crate) fn look() -> String {
    let (variables, arguments) = (environment::get_environment(), environment::get_arguments());
    let folders = preopens::get_directories().len();
    let socket = match tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4) {
        Ok(_) => "a socket".to_owned(),
        Err(code) => format!("{code:?}"),
    };
    format!("{variables:?} {arguments:?} {folders} {socket}")
}

/// Random bytes.
pub(crate) fn random(bytes: usize) -> String {
    random::get_random_bytes(bytes as u64).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes so many lines to a stream.
pub(crate) fn write(to: &str, lines: usize) {
    let stream = if to == "stderr" { stderr::get_stderr() } else { stdout::get_stdout() };
    for line in 0..lines {
        let text = format!("line {line} \u{1b}[31m {}\n", "x".repeat(100));
        let _ = stream.write(text.as_bytes());
    }
}

pub(crate) fn end() {
    exit::exit(Ok(()));
}
