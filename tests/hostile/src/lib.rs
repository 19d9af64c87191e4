//! A component with the plug's exports that attacks its host. The `operation` of a `ctx` says which
//! attack to make, and `in` where: in the recorder (`start`) or in a worker (`run`). What else an
//! attack needs are further members, all of them texts. See tests/e2e/host/hostile.rs.

mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package example:hostile;

            package wasi:cli@0.2.0 {
                interface environment {
                    get-environment: func() -> list<tuple<string, string>>;
                    get-arguments: func() -> list<string>;
                }
                interface exit {
                    exit: func(status: result);
                }
                interface stdout {
                    use wasi:io/streams@0.2.0.{output-stream};
                    get-stdout: func() -> output-stream;
                }
                interface stderr {
                    use wasi:io/streams@0.2.0.{output-stream};
                    get-stderr: func() -> output-stream;
                }
            }
            package wasi:filesystem@0.2.0 {
                interface types {
                    resource descriptor;
                }
                interface preopens {
                    use types.{descriptor};
                    get-directories: func() -> list<tuple<descriptor, string>>;
                }
            }
            package wasi:random@0.2.0 {
                interface random {
                    get-random-bytes: func(len: u64) -> list<u8>;
                }
            }
            package wasi:sockets@0.2.0 {
                interface network {
                    enum error-code {
                        unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
                        concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
                        address-not-bindable, address-in-use, remote-unreachable, connection-refused,
                        connection-reset, connection-aborted, datagram-too-large, name-unresolvable,
                        temporary-resolver-failure, permanent-resolver-failure,
                    }
                    enum ip-address-family { ipv4, ipv6 }
                }
                interface tcp {
                    resource tcp-socket;
                }
                interface tcp-create-socket {
                    use network.{error-code, ip-address-family};
                    use tcp.{tcp-socket};
                    create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
                }
            }

            world hostile {
                import wasi:cli/environment@0.2.0;
                import wasi:cli/exit@0.2.0;
                import wasi:cli/stdout@0.2.0;
                import wasi:cli/stderr@0.2.0;
                import wasi:filesystem/preopens@0.2.0;
                import wasi:random/random@0.2.0;
                import wasi:sockets/tcp-create-socket@0.2.0;
                include plugpipe:monitoring/monitoring@1.0.0;
                import plugpipe:monitoring/metrics@1.0.0;
                import plugpipe:monitoring/query@1.0.0;
            }
        ",
        world: "example:hostile/hostile",
        generate_all,
    });
}

mod empties;
mod exports;
mod http;
mod imports;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::http::types::{Fields, Method, OutgoingRequest};
use bindings::wasi::io::poll::{self, Pollable};

/// Whether the next allocation for a text that is not short is to trap: also the one by which the
/// host passes the next call's arguments. Those for the answer are shorter, or no texts.
static TRAP_IN_ALLOCATION: AtomicBool = AtomicBool::new(false);

/// Whether what the other exports answer lies beyond the memory.
static LYING: AtomicBool = AtomicBool::new(false);

const MARKER: [u8; 16] = *b"attack at start:";

/// After the marker, the attack that is made at instantiation, as the `ctx` of one. Here none: the
/// test writes it into the component.
#[used]
static AT_START: [u8; 160] = {
    let mut bytes = [b' '; 160];
    let (marker, _) = bytes.split_at_mut(MARKER.len());
    marker.copy_from_slice(&MARKER);
    bytes
};

/// What came of it.
static STARTED: Mutex<String> = Mutex::new(String::new());

/// Runs when the component is instantiated.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: it is a valid reference. The compiler must not know what is read.
    let bytes = unsafe { std::ptr::read_volatile(&AT_START) };
    let ctx = String::from_utf8_lossy(&bytes[MARKER.len()..]);
    if !ctx.trim().is_empty() {
        let outcome = attack(&ctx).unwrap_or_else(|Failure(why)| why);
        *STARTED.lock().unwrap_or_else(|_| trap()) = outcome;
    }
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: what it allocates comes from the system's own allocator, with the same layouts.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() == 1 && layout.size() >= 16 && TRAP_IN_ALLOCATION.load(Ordering::Relaxed) {
            trap();
        }
        // SAFETY: the caller's promises are the ones that are asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Why an attack failed that the host let end.
#[derive(Clone)]
struct Failure(String);

/// Makes the attack, and says what came of it if it is let.
fn attack(ctx: &str) -> Result<String, Failure> {
    let text = |name: &str| member(ctx, name).unwrap_or_default();
    let number = |name: &str| text(name).parse::<usize>().unwrap_or(0);
    match text("operation").as_str() {
        "loop" => loop {
            black_box(());
        },
        "flood" if text("with") == "metrics" => imports::flood(),
        "flood" => flood(&text("with")),
        "hoard" => hoard(&text("of")),
        "allocate" => loop {
            std::mem::forget(black_box(vec![1_u8; 1 << 20]));
        },
        "grow" => {
            while core::arch::wasm32::memory_grow::<0>(16) != usize::MAX {}
            trap()
        }
        "recurse" => return Ok(recurse(1).to_string()),
        "poll" => {
            let ready = monotonic_clock::subscribe_instant(0);
            let many: Vec<&Pollable> = vec![&ready; number("times")];
            return Ok(poll::poll(&many).len().to_string());
        }
        "request" => return http::request(&text("scheme"), &text("authority"), &text("path")),
        "send" => {
            let (method, authority, path, headers) = (text("method"), text("authority"), text("path"), text("headers"));
            let request = http::Arbitrary {
                method: &method,
                authority: &authority,
                path: &path,
                headers: &headers,
                body_bytes: number("body_bytes"),
            };
            for _ in 1..number("times") {
                let _ = http::send(&request);
            }
            return http::send(&request);
        }
        "open" => return Ok(http::open(&text("authority"), number("times"), text("then") == "wait")),
        "read" => return http::read(&text("authority"), text("then") == "keep"),
        "answer_huge" => return Ok("x".repeat(number("bytes"))),
        "answer_no_json" => return Ok("{\"success\":".into()),
        "answer_no_text" => {
            // SAFETY: it is none, as intended: nothing here reads it.
            return Ok(unsafe { String::from_utf8_unchecked(vec![0xff; 100]) });
        }
        "answer_beyond_memory" => {
            // SAFETY: unsound, as intended: nothing here reads it, and the host ends the instance
            // before it could be freed.
            return Ok(unsafe { String::from_raw_parts(16 as *mut u8, 0x7fff_0000, 0x7fff_0000) });
        }
        "trap" => trap(),
        "trap_in_next_allocation" => {
            let armed = "armed".to_owned();
            TRAP_IN_ALLOCATION.store(true, Ordering::Relaxed);
            return if text("says") == "failure" { Err(Failure(armed)) } else { Ok(armed) };
        }
        "wait" => monotonic_clock::subscribe_instant(u64::MAX).block(),
        "started" => return Ok(STARTED.lock().unwrap_or_else(|_| trap()).clone()),
        "look" => return Ok(empties::look()),
        "random" => return Ok(empties::random(number("bytes"))),
        "write" => empties::write(&text("to"), number("times")),
        "exit" => empties::end(),
        "record" => return Ok(imports::record(&text("name"), &text("kind"), (&text("label"), &text("value")))),
        "options" => return Ok(imports::options()),
        "climb" => return Ok(imports::climb(&text("name"))),
        "update" => return Ok(imports::update(number("handle") as u32, number("times"))),
        "steal" => return Ok(imports::steal(number("times"))),
        "pretend" => return Ok(imports::pretend()),
        "fill" => return Ok(imports::fill(&text("with"), number("times"))),
        "ask" => return Ok(imports::ask(number("times"))),
        "clear" => return Ok(imports::clear()),
        "lie" => LYING.store(true, Ordering::Relaxed),
        _ => {}
    }
    Ok(String::new())
}

fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// Calls the host for ever, and holds nothing.
fn flood(with: &str) {
    loop {
        match with {
            "wall_clock" => drop(black_box(wall_clock::now())),
            "monotonic_clock" => drop(black_box(monotonic_clock::now())),
            "waits" => drop(monotonic_clock::subscribe_instant(0)),
            "waiting" => monotonic_clock::subscribe_instant(0).block(),
            "headers" => drop(headers(0)),
            "requests" => drop(OutgoingRequest::new(headers(0))),
            _ => trap(),
        }
    }
}

/// Makes things of the host for ever, as large as may be, and drops none.
fn hoard(of: &str) {
    // Large enough that a thousand of them, if they were kept, would be far too much.
    let method = Method::Other("M".repeat(1 << 20));
    let authority = "a".repeat(1 << 20);
    loop {
        match of {
            "waits" => std::mem::forget(monotonic_clock::subscribe_instant(u64::MAX)),
            "headers" => std::mem::forget(headers(28)),
            "requests" => std::mem::forget(OutgoingRequest::new(headers(28))),
            "methods" => {
                let request = OutgoingRequest::new(headers(0));
                let _ = request.set_method(&method);
                std::mem::forget(request);
            }
            "authorities" => {
                let request = OutgoingRequest::new(headers(0));
                let _ = request.set_authority(Some(&authority));
                std::mem::forget(request);
            }
            "bodies" => http::hoard_body(),
            _ => trap(),
        }
    }
}

/// Header fields of about so many KiB, or none if that is refused.
fn headers(kib: usize) -> Fields {
    let entries: Vec<_> = (0..kib.div_ceil(7)).map(|_| ("x".to_owned(), vec![b'x'; 7_000])).collect();
    Fields::from_list(&entries).unwrap_or_else(|_| Fields::from_list(&[]).unwrap_or_else(|_| trap()))
}

/// Never comes back. It holds nothing but what the machine keeps of a call, so that no other limit
/// is met first.
fn recurse(depth: u64) -> u64 {
    static END: AtomicU64 = AtomicU64::new(0);
    if depth == END.load(Ordering::Relaxed) {
        return depth;
    }
    recurse(depth.wrapping_add(1)).rotate_left(7) ^ depth
}

/// A text member of a flat JSON object, as serde_json writes it.
fn member(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => match characters.next()? {
                't' => text.push('\t'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}
