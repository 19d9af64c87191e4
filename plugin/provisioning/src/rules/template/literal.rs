//! Go's number, character and string literals.

/// The length of a number-like prefix: sign, digits of its base, fraction, exponent, `i`.
pub(super) fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = real_length(bytes, 0);
    // A complex number: `1+2i`.
    if matches!(bytes.get(at), Some(b'+' | b'-')) {
        let end = real_length(bytes, at);
        if end > at + 1 && end.checked_sub(1).and_then(|last| bytes.get(last)) == Some(&b'i') {
            at = end;
        }
    }
    at
}

fn real_length(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    let take = |at: &mut usize, wanted: &dyn Fn(u8) -> bool| {
        while bytes.get(*at).is_some_and(|byte| wanted(*byte)) {
            *at += 1;
        }
    };
    if matches!(bytes.get(at), Some(b'+' | b'-')) {
        at += 1;
    }
    let prefix = bytes.get(at + 1).filter(|_| bytes.get(at) == Some(&b'0')).map(u8::to_ascii_lowercase);
    let (digits, exponents): (&dyn Fn(u8) -> bool, &[u8]) = match prefix {
        Some(b'x') => (&|byte| byte.is_ascii_hexdigit() || byte == b'_', b"pP"),
        Some(b'o') => (&|byte| matches!(byte, b'0'..=b'7' | b'_'), b""),
        Some(b'b') => (&|byte| matches!(byte, b'0' | b'1' | b'_'), b""),
        _ => (&|byte| byte.is_ascii_digit() || byte == b'_', b"eE"),
    };
    if matches!(prefix, Some(b'x' | b'o' | b'b')) {
        at += 2;
    }
    take(&mut at, digits);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        take(&mut at, digits);
    }
    if bytes.get(at).is_some_and(|byte| exponents.contains(byte)) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        take(&mut at, &|byte| byte.is_ascii_digit() || byte == b'_');
    }
    if bytes.get(at) == Some(&b'i') {
        at += 1;
    }
    at
}

/// Whether text matched by [`number_length`] is a valid Go number.
pub(super) fn is_number(text: &str) -> bool {
    if let Some(imaginary) = text.strip_suffix('i') {
        // The second part begins at the last sign that is not part of an exponent.
        let split = imaginary.char_indices().skip(1).filter(|(at, sign)| {
            matches!(sign, '+' | '-')
                && !imaginary.get(..*at).is_some_and(|before| before.ends_with(['e', 'E', 'p', 'P']))
        });
        return match split.last() {
            Some((at, _)) => imaginary.get(..at).is_some_and(is_real) && imaginary.get(at..).is_some_and(is_real),
            None => is_real(imaginary),
        };
    }
    is_real(text)
}

fn is_real(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !underscores_separate(digits) {
        return false;
    }
    let plain = digits.replace('_', "").to_ascii_lowercase();
    let whole = |digits: &str, radix: u32| {
        if digits.is_empty() { None } else { Some(u128::from_str_radix(digits, radix).unwrap_or(u128::MAX)) }
    };
    let fits = |number: Option<u128>| {
        number.is_some_and(
            |number| {
                if text.starts_with('-') { number <= 1 << 63 } else { number <= u128::from(u64::MAX) }
            },
        )
    };
    let based = |prefix: &str, radix: u32| plain.strip_prefix(prefix).map(|digits| fits(whole(digits, radix)));
    if let Some(hex) = plain.strip_prefix("0x") {
        // In hexadecimal, a fraction requires an exponent.
        return match hex.split_once('p') {
            Some((mantissa, exponent)) => {
                mantissa.bytes().any(|byte| byte.is_ascii_hexdigit()) && exponent.parse::<i32>().is_ok()
            }
            None => !hex.contains('.') && fits(whole(hex, 16)),
        };
    }
    if let Some(fits) = based("0o", 8).or_else(|| based("0b", 2)) {
        return fits;
    }
    if plain.contains(['.', 'e']) {
        // The text is digits, a point and an exponent, so Rust does not parse words here.
        return plain.parse::<f64>().is_ok_and(f64::is_finite);
    }
    // A leading zero means octal, as in Go.
    match plain.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => {
            octal.bytes().all(|byte| matches!(byte, b'0'..=b'7')) && fits(whole(octal, 8))
        }
        _ => fits(whole(&plain, 10)),
    }
}

/// Whether each `_` is between digits; a base prefix counts as a digit.
fn underscores_separate(digits: &str) -> bool {
    let prefixed =
        digits.get(..2).is_some_and(|prefix| matches!(prefix.to_ascii_lowercase().as_str(), "0x" | "0o" | "0b"));
    let hex = prefixed && digits.get(1..2).is_some_and(|base| base.eq_ignore_ascii_case("x"));
    let mut before = if prefixed { '0' } else { '^' };
    for character in digits.chars().skip(if prefixed { 2 } else { 0 }) {
        let digit = character.is_ascii_digit() || (hex && character.is_ascii_hexdigit());
        match character {
            '_' if before != '0' => return false,
            '_' => before = '_',
            _ if digit => before = '0',
            _ if before == '_' => return false,
            _ => before = '!',
        }
    }
    before != '_'
}

/// The number of characters between quotes, if all escapes are valid in Go. The error is the
/// invalid escape.
pub(super) fn unquoted_length(inside: &str, quote: char) -> Result<usize, String> {
    let mut count = 0;
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        count += 1;
        if character != '\\' {
            continue;
        }
        let Some(kind) = characters.next() else { return Err("\\".into()) };
        let (length, radix) = match kind {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => continue,
            '"' | '\'' if kind == quote => continue,
            'x' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            '0'..='7' => (3, 8),
            other => return Err(format!("\\{other}")),
        };
        let mut digits = String::new();
        if radix == 8 {
            digits.push(kind);
        }
        while digits.len() < length
            && let Some(digit) = characters.clone().next().filter(|digit| digit.is_digit(radix))
        {
            digits.push(digit);
            characters.next();
        }
        let value = u32::from_str_radix(&digits, radix).ok().filter(|_| digits.len() == length);
        let valid = match kind {
            'u' | 'U' => value.is_some_and(|value| char::from_u32(value).is_some()),
            _ => value.is_some_and(|value| value <= 255),
        };
        if !valid {
            return Err(if radix == 8 { format!("\\{digits}") } else { format!("\\{kind}{digits}") });
        }
    }
    Ok(count)
}
