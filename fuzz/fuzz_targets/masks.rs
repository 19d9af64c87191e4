//! A secret that is planted in what a server sends is not in what comes out of the mask: in
//! whichever of the forms that `mask` lists, between whatever stands around it, and however the
//! bytes are cut into pieces. Nothing but secrets is written over.
//!
//! The forms are made here by encoding, character by character, while the mask recognizes them by
//! decoding.

#![no_main]

#[path = "../../host-harness/runtime/src/mask.rs"]
#[allow(dead_code)]
mod mask;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use libfuzzer_sys::arbitrary::{Error, Unstructured};
use libfuzzer_sys::fuzz_target;
use mask::{MIN_MASKED_LEN, Mask};

type Drawn<T> = Result<T, Error>;

/// The longest secret that is planted.
const MAX_SECRET_LEN: usize = 24;

/// What stands between secrets where nothing else is to be written over: as far as no secret has
/// it, it is no part of any form.
const QUIET: &[u8] = b" .,()<>[]{}!?|~^\"'@$";

fuzz_target!(|input: &[u8]| {
    let _ = run(&mut Unstructured::new(input));
});

fn run(input: &mut Unstructured) -> Drawn<()> {
    let secrets = (0..input.int_in_range(1..=3)?).map(|_| secret(input)).collect::<Drawn<Vec<_>>>()?;
    let quiet: Vec<u8> =
        QUIET.iter().copied().filter(|byte| !secrets.iter().any(|secret| secret.contains(byte))).collect();
    // Else whatever the fuzzer likes stands around the secrets, and may be one itself.
    let is_quiet = input.arbitrary()? && !quiet.is_empty();
    let (mut text, mut planted) = (Vec::new(), Vec::new());
    for _ in 0..input.int_in_range(1..=4)? {
        let length = input.int_in_range(1..=20)?;
        for _ in 0..length {
            text.push(if is_quiet { *input.choose(&quiet)? } else { input.arbitrary()? });
        }
        let secret = input.choose(&secrets)?;
        let form = form(input, secret)?;
        let start = text.len();
        text.extend_from_slice(&form.bytes);
        planted.push((start..text.len(), form.hidden.iter().map(|place| start + place).collect::<Vec<_>>()));
    }
    text.extend_from_slice(&quiet);

    let mask = Mask::new(secrets.iter().map(Vec::as_slice));
    let mut whole = text.clone();
    mask.apply(&mut whole);
    let mut stream = mask.stream();
    let (mut pieces, mut rest) = (Vec::new(), &*text);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(input.int_in_range(1..=rest.len().min(30))?);
        pieces.extend_from_slice(&stream.push(piece));
        rest = behind;
    }
    pieces.extend_from_slice(&stream.finish());
    assert_eq!(pieces, whole, "in pieces it is the same as at once");

    let shown = || format!("{:?}\n{:?}", String::from_utf8_lossy(&text), String::from_utf8_lossy(&whole));
    assert_eq!(whole.len(), text.len(), "no length changes");
    for (place, (before, after)) in text.iter().zip(&whole).enumerate() {
        assert!(before == after || *after == b'*', "a byte is as it was, or written over\n{}", shown());
        let is_planted = planted.iter().any(|(range, _): &(Range<usize>, _)| range.contains(&place));
        assert!(!is_quiet || is_planted || before == after, "only secrets are written over: {place}\n{}", shown());
    }
    for (range, hidden) in &planted {
        for place in hidden {
            assert_eq!(whole[*place], b'*', "{place} of {range:?} is written over\n{}", shown());
        }
    }
    for secret in &secrets {
        for form in whole_forms(secret) {
            let found = whole.windows(form.len()).any(|window| window == form);
            assert!(!found, "{:?} is left\n{}", String::from_utf8_lossy(&form), shown());
        }
    }
    Ok(())
}

/// A secret without the byte that is written over others.
fn secret(input: &mut Unstructured) -> Drawn<Vec<u8>> {
    let length = input.int_in_range(MIN_MASKED_LEN..=MAX_SECRET_LEN)?;
    let mut secret = Vec::new();
    let is_text = input.arbitrary()?;
    while secret.len() < length {
        match input.arbitrary::<char>()? {
            '*' => secret.push(b'+'),
            char if is_text => secret.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            char => secret.push(char as u8),
        }
    }
    for byte in &mut secret {
        if *byte == b'*' {
            *byte = b'+';
        }
    }
    Ok(secret)
}

/// A secret as something writes it.
struct Form {
    bytes: Vec<u8>,
    /// The places that must be written over.
    hidden: Vec<usize>,
}

impl Form {
    /// One that is all secret.
    fn of(bytes: Vec<u8>) -> Self {
        let hidden = (0..bytes.len()).collect();
        Self { bytes, hidden }
    }
}

fn form(input: &mut Unstructured, secret: &[u8]) -> Drawn<Form> {
    match input.int_in_range(0..=4)? {
        0 => Ok(Form::of(secret.to_vec())),
        1 => {
            let mut bytes = Vec::new();
            for byte in secret {
                for nibble in [byte >> 4, byte & 15] {
                    bytes.push(hex_digit(input, nibble)?);
                }
            }
            Ok(Form::of(bytes))
        }
        2 => base64_form(input, secret),
        _ => {
            let (mut bytes, mut rest) = (Vec::new(), secret);
            while !rest.is_empty() {
                let done = spell(input, rest, &mut bytes)?;
                rest = &rest[done..];
            }
            Ok(Form::of(bytes))
        }
    }
}

fn hex_digit(input: &mut Unstructured, nibble: u8) -> Drawn<u8> {
    let digits: &[u8; 16] = if input.arbitrary()? { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
    Ok(digits[usize::from(nibble)])
}

fn hex(input: &mut Unstructured, number: u32, digits: u32, out: &mut Vec<u8>) -> Drawn<()> {
    for digit in (0..digits).rev() {
        out.push(hex_digit(input, (number >> (4 * digit)) as u8 & 15)?);
    }
    Ok(())
}

/// Spells the first character of `rest` in one of its ways, and returns how many of its bytes that
/// were.
fn spell(input: &mut Unstructured, rest: &[u8], out: &mut Vec<u8>) -> Drawn<usize> {
    let byte = rest[0];
    let char = (1..=rest.len().min(4)).find_map(|length| str::from_utf8(&rest[..length]).ok()?.chars().next());
    match (input.int_in_range(0..=7)?, char) {
        (1, _) => {
            out.push(b'%');
            hex(input, byte.into(), 2, out)?;
        }
        (2, _) => {
            out.extend_from_slice(b"\\x");
            hex(input, byte.into(), 2, out)?;
        }
        (3, Some(char)) => {
            for unit in char.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(b"\\u");
                hex(input, (*unit).into(), 4, out)?;
            }
            return Ok(char.len_utf8());
        }
        (4, Some(char)) => {
            // So many zeros as leave it within the length of an entity.
            let digits = char as u32;
            let spelled = if input.arbitrary()? {
                let x = if input.arbitrary()? { 'x' } else { 'X' };
                format!("&#{x}{digits:0width$x};", width = input.int_in_range(1..=7)?)
            } else {
                format!("&#{digits:0width$};", width = input.int_in_range(1..=8)?)
            };
            out.extend_from_slice(spelled.as_bytes());
            return Ok(char.len_utf8());
        }
        (5, _) => match byte {
            b'"' | b'\'' | b'/' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            _ => out.push(byte),
        },
        (6, _) => match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' => out.extend_from_slice(b"&apos;"),
            b'/' => out.extend_from_slice(b"&sol;"),
            b'+' => out.extend_from_slice(b"&plus;"),
            b'=' => out.extend_from_slice(b"&equals;"),
            _ => out.push(byte),
        },
        (7, _) if byte == b' ' => out.push(b'+'),
        _ => out.push(byte),
    }
    Ok(1)
}

/// Base64 of the secret with something before and behind it, in lines or not, perhaps within JSON
/// or a URL.
fn base64_form(input: &mut Unstructured, secret: &[u8]) -> Drawn<Form> {
    let length = input.int_in_range(0..=4)?;
    let before = input.bytes(length)?.to_vec();
    let length = input.int_in_range(0..=4)?;
    let after = input.bytes(length)?.to_vec();
    let all = [&before, secret, &after].concat();
    let engine = input.choose(&[&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD])?;
    let encoded = engine.encode(&all);
    // Those that hold bits of nothing but the secret; their neighbors are written over too, where
    // no line break is between.
    let only = (before.len() * 8).div_ceil(6)..(before.len() + secret.len()) * 8 / 6;
    let line = if input.arbitrary()? { Some(input.int_in_range(1..=16_usize)?) } else { None };
    let line_break = *input.choose(&[&b"\n"[..], b"\r\n", b"\\n", b"\\r\\n", b"%0A", b"%0D%0a", b"&#10;"])?;
    let escape = input.int_in_range(0..=3)?;
    let (mut bytes, mut hidden) = (Vec::new(), Vec::new());
    for (place, char) in encoded.bytes().enumerate() {
        if line.is_some_and(|line| place > 0 && place % line == 0) {
            bytes.extend_from_slice(line_break);
        }
        let start = bytes.len();
        match (escape, char) {
            (1, b'/') => bytes.extend_from_slice(b"\\/"),
            (2, b'+' | b'/' | b'=') => {
                bytes.push(b'%');
                hex(input, char.into(), 2, &mut bytes)?;
            }
            (3, b'+' | b'/' | b'=') => bytes.extend_from_slice(format!("&#{char};").as_bytes()),
            _ => bytes.push(char),
        }
        if only.contains(&place) {
            hidden.extend(start..bytes.len());
        }
    }
    Ok(Form { bytes, hidden })
}

/// The forms that something writes without a choice of its own.
fn whole_forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let each = |spelled: &dyn Fn(u8) -> String| secret.iter().flat_map(|byte| spelled(*byte).into_bytes()).collect();
    let mut forms: Vec<Vec<u8>> = vec![
        secret.to_vec(),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("{byte:02x}")),
    ];
    if let Ok(text) = str::from_utf8(secret) {
        let json = serde_json::to_string(text).expect("a text is JSON");
        forms.push(json.trim_matches('"').into());
        forms.push(text.encode_utf16().flat_map(|unit| format!("\\u{unit:04x}").into_bytes()).collect());
        forms.push(text.chars().flat_map(|char| format!("&#{};", char as u32).into_bytes()).collect());
    }
    for before in 0..3 {
        let shifted = [&vec![0; before], secret].concat();
        let only = (before * 8).div_ceil(6)..shifted.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.push(engine.encode(&shifted).as_bytes()[only.clone()].to_vec());
        }
    }
    // What ends in a quote may be cut short above.
    forms.retain(|form| form.len() >= secret.len());
    forms
}
