//! Masks secrets in responses to a plug and in HTTP recordings.
//!
//! This is defense in depth. A malicious server can always encode a credential in an unknown way.
//! The forms below are what benign servers produce when they echo a request in an error page, a log
//! line or a JSON document:
//!
//! | form | example for `a"b/c` |
//! |---|---|
//! | verbatim | `a"b/c` |
//! | JSON and JavaScript escapes, any subset of the characters | `a\"b\/c`, `\u0061\"b/c`, `\x61"b/c` |
//! | percent-encoded, any subset, upper or lower case; a space also as `+` | `a%22b%2Fc`, `%61%22b%2fc` |
//! | HTML entities, any subset: decimal, hexadecimal and named | `a&quot;b&#47;c`, `a&#x22;b&sol;c` |
//! | base64 and base64url, at each of the three alignments, with or without padding and (escaped) line breaks | `YSJiL2M=`, `eDphImIvYw` |
//! | hexadecimal, upper or lower case | `6122622f63` |
//!
//! All matches are marked in the original bytes before they are overwritten, so that overlapping
//! secrets are all found. The length does not change.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use zeroize::Zeroizing;

/// Shorter secrets are not masked, because of false positives.
pub(crate) const MIN_MASKED_LEN: usize = 6;

/// Maximum length of an entity: `&#x0010FFFF;`.
const MAX_ENTITY_LEN: usize = 12;

/// Maximum number of `\r` and `\n` between two characters of base64.
const MAX_LINE_BREAKS: usize = 4;

/// Named HTML entities of ASCII characters that can occur in a secret.
const ENTITIES: [(&str, u8); 37] = [
    ("amp", b'&'),
    ("AMP", b'&'),
    ("lt", b'<'),
    ("LT", b'<'),
    ("gt", b'>'),
    ("GT", b'>'),
    ("quot", b'"'),
    ("QUOT", b'"'),
    ("apos", b'\''),
    ("excl", b'!'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("plus", b'+'),
    ("comma", b','),
    ("period", b'.'),
    ("sol", b'/'),
    ("colon", b':'),
    ("semi", b';'),
    ("equals", b'='),
    ("quest", b'?'),
    ("commat", b'@'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("bsol", b'\\'),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("Hat", b'^'),
    ("lowbar", b'_'),
    ("grave", b'`'),
    ("lcub", b'{'),
    ("verbar", b'|'),
    ("rcub", b'}'),
    ("Tab", b'\t'),
];

/// How the bytes of a pattern are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Exactly.
    Text,
    /// Case-insensitively.
    Hex,
    /// Exactly, ignoring line breaks. The adjacent characters may contain some bits of the secret.
    Base64,
}

/// One encoding of a secret; wiped from memory when dropped.
#[derive(Clone, PartialEq)]
struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    kind: Kind,
}

/// A set of secrets to mask. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mask(Arc<Patterns>);

struct Patterns {
    list: Vec<Pattern>,
    /// Whether a byte can start a pattern, verbatim or as an escape.
    begins: [bool; 256],
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} patterns)", self.0.list.len())
    }
}

impl Default for Mask {
    fn default() -> Self {
        Self::new([])
    }
}

impl Mask {
    /// A mask of these secrets, in all encodings. Ignores those shorter than [`MIN_MASKED_LEN`].
    pub(crate) fn new<'t>(secrets: impl IntoIterator<Item = &'t [u8]>) -> Self {
        Self::of(secrets.into_iter().filter(|secret| secret.len() >= MIN_MASKED_LEN).flat_map(patterns).collect())
    }

    /// This mask with additional secrets.
    pub(crate) fn and<'t>(&self, secrets: impl IntoIterator<Item = &'t [u8]>) -> Self {
        self.or(&Self::new(secrets))
    }

    /// The union of both masks.
    pub(crate) fn or(&self, other: &Self) -> Self {
        if self.is_same(other) || other.is_empty() {
            return self.clone();
        }
        let is_new = |pattern: &&Pattern| !self.0.list.contains(pattern);
        Self::of(self.0.list.iter().chain(other.0.list.iter().filter(is_new)).cloned().collect())
    }

    /// Whether one is a clone of the other. Equal masks need not be.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn of(list: Vec<Pattern>) -> Self {
        let mut begins = [false; 256];
        let mut set = |byte: u8| {
            if let Some(begin) = begins.get_mut(usize::from(byte)) {
                *begin = true;
            }
        };
        for pattern in &list {
            let Some(first) = pattern.bytes.first().copied() else { continue };
            [first, b'%', b'\\', b'&'].into_iter().for_each(&mut set);
            match pattern.kind {
                Kind::Hex => set(first.to_ascii_uppercase()),
                Kind::Text if first == b' ' => set(b'+'),
                Kind::Text | Kind::Base64 => {}
            }
        }
        Self(Arc::new(Patterns { list, begins }))
    }

    /// Whether there are no secrets to mask.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.list.is_empty()
    }

    /// Masks secrets in complete data.
    pub(crate) fn apply(&self, bytes: &mut [u8]) {
        if self.is_empty() {
            return;
        }
        let mut marks = vec![false; bytes.len()];
        self.mark(bytes, &mut marks, 0, true);
        overwrite(bytes, &marks);
    }

    /// Whether complete data contains a secret.
    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        let mut marks = vec![false; if self.is_empty() { 0 } else { bytes.len() }];
        if !self.is_empty() {
            self.mark(bytes, &mut marks, 0, true);
        }
        marks.contains(&true)
    }

    /// Masks secrets in streamed data.
    pub(crate) fn stream(&self) -> MaskedStream {
        MaskedStream { mask: self.clone(), buffered: Vec::new(), marks: Vec::new(), scanned: 0 }
    }

    /// Marks matches from `from` on, and returns the start of the first potential match that needs
    /// more bytes.
    fn mark(&self, bytes: &[u8], marks: &mut [bool], from: usize, whole: bool) -> usize {
        let mut open = bytes.len();
        for (offset, byte) in bytes.get(from..).unwrap_or_default().iter().enumerate() {
            if !self.0.begins.get(usize::from(*byte)).copied().unwrap_or(false) {
                continue;
            }
            let start = from + offset;
            for pattern in &self.0.list {
                let found = pattern.at(bytes, start);
                if let Some(end) = found.end {
                    let (start, end) = pattern.range(bytes, start, end);
                    if let Some(marks) = marks.get_mut(start..end) {
                        marks.fill(true);
                    }
                }
                if found.is_open && !whole {
                    open = open.min(start);
                }
            }
        }
        open
    }
}

/// The patterns of a secret. Character-wise escapes are handled during matching.
fn patterns(secret: &[u8]) -> Vec<Pattern> {
    let pattern = |bytes: Vec<u8>, kind| Pattern { bytes: Zeroizing::new(bytes), kind };
    let mut all = vec![pattern(secret.to_vec(), Kind::Text)];
    let digits = b"0123456789abcdef";
    let digit = |nibble: u8| digits.get(usize::from(nibble)).copied().unwrap_or_default();
    let hex = secret.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    all.push(pattern(hex, Kind::Hex));
    for before in 0..3_usize {
        let mut shifted = Zeroizing::new(vec![0; before]);
        shifted.reserve_exact(secret.len());
        shifted.extend_from_slice(secret);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(engine.encode(&*shifted).into_bytes());
            // Skip characters that also contain bits of adjacent data.
            let first = (before * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            let bytes = encoded.get(first..last).unwrap_or_default().to_vec();
            if !all.iter().any(|known| *known.bytes == bytes) {
                all.push(pattern(bytes, Kind::Base64));
            }
        }
    }
    all
}

/// The result of matching a pattern at one position.
struct Found {
    /// The end of the longest match.
    end: Option<usize>,
    /// Whether more bytes could make a (longer) match.
    is_open: bool,
}

impl Pattern {
    /// Matches from `start` on. An escape may also be literal (a secret can contain `%`), so each
    /// character has several encodings: all alternatives are followed in parallel.
    fn at(&self, bytes: &[u8], start: usize) -> Found {
        let mut found = Found { end: None, is_open: false };
        // Positions in the pattern and the bytes. There are few, because ambiguities are rare. The
        // least advanced is processed first, so that equal positions are merged.
        let mut paths = vec![(0, start)];
        while let Some(least) = (0..paths.len()).min_by_key(|index| paths.get(*index)) {
            let (done, place) = paths.swap_remove(least);
            let Some(rest) = self.bytes.get(done..).filter(|rest| !rest.is_empty()) else {
                found.end = found.end.max(Some(place));
                // The next character may also contain bits of the secret.
                found.is_open |= self.kind == Kind::Base64 && place >= bytes.len();
                continue;
            };
            let is_broken = self.kind == Kind::Base64 && done > 0;
            let place = place + if is_broken { line_breaks(bytes.get(place..).unwrap_or_default()) } else { 0 };
            let Some(next) = bytes.get(place..).filter(|next| !next.is_empty()) else {
                found.is_open = true;
                continue;
            };
            self.spellings(rest, next, |length, spelled| match spelled {
                Some(count) => {
                    let path = (done + count, place + length);
                    if !paths.contains(&path) {
                        paths.push(path);
                    }
                }
                None => found.is_open = true,
            });
        }
        found
    }

    /// Reports each encoding of the first characters of `rest` at the start of `next`: its length
    /// and the number of encoded bytes, or none if `next` is too short to decide.
    fn spellings(&self, rest: &[u8], next: &[u8], mut report: impl FnMut(usize, Option<usize>)) {
        let (Some(wanted), Some(is)) = (rest.first().copied(), next.first().copied()) else { return };
        let same = match self.kind {
            Kind::Hex => wanted.eq_ignore_ascii_case(&is),
            Kind::Text => wanted == is || (wanted == b' ' && is == b'+'),
            Kind::Base64 => wanted == is,
        };
        if same {
            report(1, Some(1));
        }
        match escape(next) {
            Unit::None => {}
            Unit::Open => report(0, None),
            Unit::Byte(byte, length) if byte == wanted => report(length, Some(1)),
            Unit::Char(char, length) => {
                let mut buffer = [0; 4];
                let encoded = char.encode_utf8(&mut buffer).as_bytes();
                if rest.starts_with(encoded) {
                    report(length, Some(encoded.len()));
                }
            }
            Unit::Byte(..) => {}
        }
    }

    /// The range to mask, including adjacent characters that may contain bits of the secret.
    fn range(&self, bytes: &[u8], start: usize, end: usize) -> (usize, usize) {
        if self.kind != Kind::Base64 {
            return (start, end);
        }
        let is_base64 = |place: usize| {
            bytes
                .get(place)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'))
        };
        let before = start.checked_sub(1).filter(|place| is_base64(*place));
        (before.unwrap_or(start), if is_base64(end) { end + 1 } else { end })
    }
}

/// An escape at the start of some bytes.
enum Unit {
    /// Not an escape.
    None,
    /// Possibly an escape; needs more bytes.
    Open,
    /// An encoded byte and the length of the escape.
    Byte(u8, usize),
    /// An encoded character and the length of the escape.
    Char(char, usize),
}

fn escape(bytes: &[u8]) -> Unit {
    match bytes.first() {
        Some(b'%') => percent(bytes),
        Some(b'\\') => backslash(bytes),
        Some(b'&') => entity(bytes),
        _ => Unit::None,
    }
}

/// The length of line breaks at the start of some bytes, verbatim or escaped (for multi-line base64
/// in JSON). Their number is limited, so that a server cannot make the stream buffer any number of
/// them.
fn line_breaks(bytes: &[u8]) -> usize {
    let mut length = 0;
    for _ in 0..MAX_LINE_BREAKS {
        let rest = bytes.get(length..).unwrap_or_default();
        length += match (rest.first(), escape(rest)) {
            (Some(b'\r' | b'\n'), _) => 1,
            (_, Unit::Byte(b'\r' | b'\n', escaped) | Unit::Char('\r' | '\n', escaped)) => escaped,
            _ => break,
        };
    }
    length
}

/// Parses `length` hexadecimal digits at `from`.
fn hex(bytes: &[u8], from: usize, length: usize) -> Result<u32, Unit> {
    let available = bytes.get(from..).unwrap_or_default();
    let digits = available.get(..length).unwrap_or(available);
    let number = digits.iter().try_fold(0, |number: u32, digit| Some(number * 16 + char::from(*digit).to_digit(16)?));
    match number {
        None => Err(Unit::None),
        Some(_) if digits.len() < length => Err(Unit::Open),
        Some(number) => Ok(number),
    }
}

fn percent(bytes: &[u8]) -> Unit {
    match hex(bytes, 1, 2) {
        Ok(number) => u8::try_from(number).map_or(Unit::None, |byte| Unit::Byte(byte, 3)),
        Err(unit) => unit,
    }
}

fn backslash(bytes: &[u8]) -> Unit {
    match bytes.get(1).copied() {
        None => Unit::Open,
        Some(byte @ (b'"' | b'\'' | b'/' | b'\\')) => Unit::Byte(byte, 2),
        Some(b'b') => Unit::Byte(8, 2),
        Some(b't') => Unit::Byte(b'\t', 2),
        Some(b'n') => Unit::Byte(b'\n', 2),
        Some(b'f') => Unit::Byte(12, 2),
        Some(b'r') => Unit::Byte(b'\r', 2),
        Some(b'x') => match hex(bytes, 2, 2) {
            Ok(number) => u8::try_from(number).map_or(Unit::None, |byte| Unit::Byte(byte, 4)),
            Err(unit) => unit,
        },
        Some(b'u') => unicode(bytes),
        Some(_) => Unit::None,
    }
}

/// `\uXXXX`, or a surrogate pair.
fn unicode(bytes: &[u8]) -> Unit {
    let high = match hex(bytes, 2, 4) {
        Ok(high) => high,
        Err(unit) => return unit,
    };
    if let Some(char) = char::from_u32(high) {
        return Unit::Char(char, 6);
    }
    match (bytes.get(6).copied(), bytes.get(7).copied()) {
        (None, _) | (Some(b'\\'), None) => return Unit::Open,
        (Some(b'\\'), Some(b'u')) => {}
        _ => return Unit::None,
    }
    match hex(bytes, 8, 4) {
        Ok(low @ 0xdc00..=0xdfff) if (0xd800..0xdc00).contains(&high) => {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            char::from_u32(code).map_or(Unit::None, |char| Unit::Char(char, 12))
        }
        Ok(_) => Unit::None,
        Err(unit) => unit,
    }
}

fn entity(bytes: &[u8]) -> Unit {
    let within = bytes.get(..MAX_ENTITY_LEN).unwrap_or(bytes);
    let Some(end) = within.iter().position(|byte| *byte == b';') else {
        let is_name = within.iter().skip(1).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
        return if is_name && within.len() == bytes.len() && bytes.len() < MAX_ENTITY_LEN {
            Unit::Open
        } else {
            Unit::None
        };
    };
    let Some(name) = within.get(1..end).and_then(|name| str::from_utf8(name).ok()) else { return Unit::None };
    let code = match (name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")), name.strip_prefix('#')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) => digits.parse().ok(),
        (None, None) => ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, byte)| u32::from(*byte)),
    };
    code.and_then(char::from_u32).map_or(Unit::None, |char| Unit::Char(char, end + 1))
}

fn overwrite(bytes: &mut [u8], marks: &[bool]) {
    for (byte, marked) in bytes.iter_mut().zip(marks) {
        if *marked {
            *byte = b'*';
        }
    }
}

/// Masks streamed data. Buffers bytes that could be the start of a secret.
#[derive(Debug)]
pub(crate) struct MaskedStream {
    mask: Mask,
    /// Unmasked bytes, which are masked when they are released.
    buffered: Vec<u8>,
    /// For each buffered byte, whether to mask it.
    marks: Vec<bool>,
    /// Number of buffered bytes that have been scanned.
    scanned: usize,
}

impl MaskedStream {
    /// Switches to another mask, which also applies to buffered bytes.
    pub(crate) fn follow(&mut self, mask: &Mask) {
        if !self.mask.is_same(mask) {
            self.mask = mask.clone();
            self.scanned = 0;
        }
    }

    /// Adds a chunk and returns the bytes that can be released.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Bytes {
        self.buffered.extend_from_slice(piece);
        self.marks.resize(self.buffered.len(), false);
        self.scanned = self.mask.mark(&self.buffered, &mut self.marks, self.scanned, false);
        // Keep one more byte, because the byte before the next match may be masked too.
        self.release(self.scanned.saturating_sub(1))
    }

    /// Returns the remaining bytes at the end.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.mask.mark(&self.buffered, &mut self.marks, self.scanned, true);
        self.release(self.buffered.len())
    }

    fn release(&mut self, count: usize) -> Bytes {
        let mut ready: Vec<u8> = self.buffered.drain(..count).collect();
        overwrite(&mut ready, self.marks.get(..count).unwrap_or_default());
        self.marks.drain(..count);
        self.scanned = self.scanned.saturating_sub(count);
        ready.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &[u8]) -> String {
        let mask = Mask::new(secrets.iter().map(|secret| secret.as_bytes()));
        let mut whole = text.to_vec();
        mask.apply(&mut whole);
        for size in 1..20 {
            let mut stream = mask.stream();
            let mut pieces: Vec<u8> = text.chunks(size).flat_map(|piece| stream.push(piece)).collect();
            pieces.extend(stream.finish());
            assert_eq!(String::from_utf8_lossy(&pieces), String::from_utf8_lossy(&whole), "in pieces of {size}");
        }
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn each_encoding_of_a_secret_is_masked() {
        let secret = "a\"b/c \u{e4}\u{1f511}&d+%";
        for form in [
            secret,
            "a\\\"b\\/c \u{e4}\u{1f511}&d+%",
            "a\\u0022b\\/c\\u0020\\u00e4\\ud83d\\udd11\\u0026d+%",
            "\\x61\\x22b/c \\u00E4\\uD83D\\uDD11&d+%",
            "a%22b%2Fc%20%C3%A4%F0%9F%94%91%26d%2B%25",
            "a%22b%2fc+%c3%a4%f0%9f%94%91%26d%2b%25",
            "%61%22%62/c \u{e4}\u{1f511}&d+%",
            "a&quot;b/c \u{e4}\u{1f511}&amp;d+%",
            "a&#34;b&#x2F;c&#32;&#xe4;&#128273;&amp;d&plus;&percnt;",
            "6122622f6320c3a4f09f949126642b25",
            "6122622F6320C3A4F09F949126642B25",
        ] {
            let text = format!("<< {form} >>");
            assert_eq!(masked(&[secret], text.as_bytes()), format!("<< {} >>", "*".repeat(form.len())), "{form}");
        }
    }

    #[test]
    fn base64_is_masked_at_any_alignment() {
        let secret = "t?ken~of>mine";
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "!", "!!", "!!!"] {
                let whole = format!("{before}{secret}{after}");
                for encoded in [
                    STANDARD_NO_PAD.encode(&whole),
                    URL_SAFE_NO_PAD.encode(&whole),
                    base64::engine::general_purpose::STANDARD.encode(&whole),
                ] {
                    let lines = encoded.as_bytes().chunks(5).map(|line| str::from_utf8(line).unwrap());
                    let lines: Vec<_> = lines.collect();
                    let breaks = ["\n", "\r\n", "\\n", "\\r\\n", "%0D%0A", "&#10;", "\\u000a"];
                    let broken = breaks.map(|line_break| (lines.join(line_break), line_break));
                    let unbroken = [encoded.clone(), encoded.replace('/', "\\/"), encoded.replace('/', "%2F")];
                    for (text, line_break) in broken.into_iter().chain(unbroken.map(|text| (text, "(none)"))) {
                        let left = masked(&[secret], format!("({text})").as_bytes()).replace(line_break, "");
                        let left: Vec<u8> = left.bytes().filter(u8::is_ascii_alphanumeric).collect();
                        // The rest is adjacent data, or the end of a line break that looks like
                        // base64.
                        let cut = if line_break.len() > 2 { 5 } else { 0 };
                        assert!(left.len() <= (before.len() + after.len()) * 8 / 6 + 1 + cut, "{text}: {left:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn overlapping_secrets_are_all_masked() {
        let secrets = ["prefix", "prefix-and-more", "and-more-still"];
        assert_eq!(masked(&secrets, b"(prefix-and-more-still)"), format!("({})", "*".repeat(21)));
        assert_eq!(masked(&secrets, b"prefixprefix-and prefix"), "************-and ******");
        assert_eq!(masked(&["abcabcabd"], b"abcabcabcabd"), "abc*********");
        assert_eq!(masked(&["s3cret!"], b"s3cret!-s3cret!- s3cret"), "*******-*******- s3cret");
    }

    #[test]
    fn short_secrets_and_incomplete_matches_are_not_masked() {
        assert_eq!(masked(&["short"], b"short &amp; short%20"), "short &amp; short%20");
        assert!(Mask::new([&b"short"[..]]).is_empty());
        let text = "100% of &amp; \\u00e \\ & %4 \\u &#12 secre%74-no";
        assert_eq!(masked(&["secret-yes"], text.as_bytes()), text);
        assert_eq!(masked(&["%2Fpath"], b"%2Fpath %252Fpath"), "******* *********");
    }

    #[test]
    fn ambiguous_matches_are_merged() {
        let mask = Mask::new([&[b'\\'; 16][..]]);
        let mut text = vec![b'\\'; 500];
        mask.apply(&mut text);
        assert!(text.iter().all(|byte| *byte == b'*'));
    }

    #[test]
    fn switching_masks_applies_to_buffered_bytes() {
        let old = Mask::new([&b"s3cret-old"[..]]);
        let both = old.or(&Mask::new([&b"s3cret-new"[..], b"s3cret-old"]));
        let mut stream = old.stream();
        let mut seen = stream.push(b"<s3cret-").to_vec();
        stream.follow(&both);
        seen.extend(stream.push(b"new> <s3cret-old>"));
        seen.extend(stream.finish());
        assert_eq!(seen, b"<**********> <**********>");
    }

    #[test]
    fn a_stream_does_not_buffer_line_breaks_without_limit() {
        let mut stream = Mask::new([&b"s3cret-token"[..]]).stream();
        let mut let_through = stream.push(b"(czNj").len();
        for _ in 0..100 {
            let_through += stream.push(&[b'\n'; 1_000]).len();
        }
        assert!(let_through > 100_000 - 10, "{let_through}");
    }

    #[test]
    fn a_stream_buffers_only_potential_matches() {
        let mut stream = Mask::new([&b"s3cret-token"[..]]).stream();
        assert_eq!(stream.push(b"all of this goes"), "all of this go");
        assert_eq!(stream.push(b" out s3cret"), "es out");
        assert_eq!(stream.push(b"-t"), "");
        assert_eq!(stream.push(b"oken; and more"), " ************; and mor");
        assert_eq!(stream.finish(), "e");
    }
}
