//! Compressed responses: the host asks for gzip and takes it apart, so that the plug gets the plain
//! body, and so that a credential in it is recognized.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::{StatusCode, header};

use super::failure::Failure;

/// How many compressed bytes are decompressed at once: the output, up to a thousand times as long,
/// is in memory.
const STEP: usize = 4 * 1024;

/// How many times longer than the compressed body the plain one may be, once it is longer than
/// [`MIN_RATED`]. Expositions of many like series reach 30; what reaches hundreds was made for it.
const MAX_RATIO: u64 = 200;

/// A plain body that is not longer may be compressed as well as it can.
const MIN_RATED: u64 = 1024 * 1024;

/// A gzip body that is being decompressed.
pub(super) struct Gunzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    compressed: u64,
    plain: u64,
}

impl Gunzip {
    /// What the body of this response is to be taken apart with, if it is compressed; the headers
    /// that said so are gone.
    ///
    /// # Errors
    /// A response that is a part of another, or compressed in a way that was not asked for: what it
    /// holds could not be looked at.
    pub(super) fn of(head: &mut http::response::Parts) -> Result<Option<Self>, Failure> {
        if head.status == StatusCode::PARTIAL_CONTENT {
            return Err(Failure::Partial);
        }
        let codings: Vec<String> = head
            .headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .flat_map(|value| {
                String::from_utf8_lossy(value.as_bytes()).split(',').map(str::to_owned).collect::<Vec<_>>()
            })
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        match codings.as_slice() {
            [] => Ok(None),
            [gzip] if gzip == "gzip" || gzip == "x-gzip" => {
                head.headers.remove(header::CONTENT_ENCODING);
                head.headers.remove(header::CONTENT_LENGTH);
                Ok(Some(Self { decoder: MultiGzDecoder::new(Vec::new()), compressed: 0, plain: 0 }))
            }
            _ => Err(Failure::Coding(codings.join(", "))),
        }
    }

    /// Decompresses a chunk; `limit` is the maximum length of the whole plain body.
    pub(super) fn push(&mut self, piece: &[u8], limit: u64) -> Result<Bytes, Failure> {
        let mut plain = Vec::new();
        for step in piece.chunks(STEP) {
            self.decoder.write_all(step).map_err(|_| Failure::Gzip)?;
            self.compressed += step.len() as u64;
            let ready = std::mem::take(self.decoder.get_mut());
            self.plain += ready.len() as u64;
            if self.plain > limit {
                return Err(Failure::TooLong(limit));
            }
            if self.plain > MIN_RATED && self.plain / self.compressed > MAX_RATIO {
                return Err(Failure::Expands(MAX_RATIO));
            }
            plain.extend_from_slice(&ready);
        }
        Ok(plain.into())
    }

    /// What is left at the end. A body that has none is none of gzip's either: that of an answer to
    /// HEAD.
    pub(super) fn finish(&mut self, limit: u64) -> Result<Bytes, Failure> {
        if self.compressed == 0 {
            return Ok(Bytes::new());
        }
        self.decoder.try_finish().map_err(|_| Failure::Incomplete)?;
        let rest = std::mem::take(self.decoder.get_mut());
        self.plain += rest.len() as u64;
        if self.plain > limit { Err(Failure::TooLong(limit)) } else { Ok(rest.into()) }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::Response;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn of(status: u16, codings: &[&str]) -> Result<Option<Gunzip>, Failure> {
        let mut response = Response::builder().status(status).header("content-length", "9");
        for coding in codings {
            response = response.header("content-encoding", *coding);
        }
        let (mut head, ()) = response.body(()).unwrap().into_parts();
        let gunzip = Gunzip::of(&mut head);
        if let Ok(Some(_)) = gunzip {
            assert!(head.headers.is_empty(), "{head:?}");
        }
        gunzip
    }

    fn plain(compressed: &[u8], size: usize, limit: u64) -> Result<Vec<u8>, Failure> {
        let mut gunzip = of(200, &["gzip"]).unwrap().unwrap();
        let mut all = Vec::new();
        for piece in compressed.chunks(size) {
            all.extend(gunzip.push(piece, limit)?);
        }
        all.extend(gunzip.finish(limit)?);
        Ok(all)
    }

    #[test]
    fn gzip_is_taken_apart_in_any_pieces_and_nothing_else_is_taken() {
        let text = b"up 1\n".repeat(20_000);
        let compressed = gzip(&text);
        for size in [1, 7, 4_096, compressed.len()] {
            assert_eq!(plain(&compressed, size, 1 << 20), Ok(text.clone()), "{size}");
        }
        let twice: Vec<u8> = [gzip(b"a"), gzip(b"b")].concat();
        assert_eq!(plain(&twice, 5, 10), Ok(b"ab".to_vec()));
        assert_eq!(plain(b"", 1, 10), Ok(Vec::new()));
        assert!(of(200, &[]).unwrap().is_none() && of(200, &["identity"]).unwrap().is_none());
        for codings in [&["br"][..], &["gzip, gzip"], &["gzip", "deflate"], &["zstd"]] {
            assert!(matches!(of(200, codings), Err(Failure::Coding(_))), "{codings:?}");
        }
        assert!(matches!(of(206, &[]), Err(Failure::Partial)));
    }

    #[test]
    fn what_is_cut_damaged_or_too_long_is_an_error() {
        let compressed = gzip(&b"up 1\n".repeat(1_000));
        assert_eq!(plain(&compressed[..compressed.len() - 1], 64, 1 << 20), Err(Failure::Incomplete));
        let mut damaged = compressed.clone();
        damaged[20] ^= 0xff;
        assert!(plain(&damaged, 64, 1 << 20).is_err());
        assert_eq!(plain(b"<html>no gzip at all</html>", 64, 1 << 20), Err(Failure::Gzip));
        assert_eq!(plain(&compressed, 64, 4_999), Err(Failure::TooLong(4_999)));
        assert_eq!(plain(&compressed, 64, 5_000).map(|plain| plain.len()), Ok(5_000));
        let bomb = gzip(&vec![0; 64 << 20]);
        assert_eq!(plain(&bomb, 65_536, 1 << 30), Err(Failure::Expands(MAX_RATIO)));
    }
}
