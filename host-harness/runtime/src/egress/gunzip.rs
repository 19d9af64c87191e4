//! Decompresses responses: the host requests gzip and decompresses it, so that the plug gets the
//! plain body and credentials in it are masked.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::{StatusCode, header};

use super::failure::Failure;

/// Number of compressed bytes per step. The output, which is up to a thousand times as long, is in
/// memory.
const STEP: usize = 4 * 1024;

/// Maximum compression ratio of bodies longer than [`MIN_RATED`]. Expositions of many similar
/// series reach 30; ratios in the hundreds indicate a decompression bomb.
const MAX_RATIO: u64 = 200;

/// The ratio of shorter plain bodies is not limited.
const MIN_RATED: u64 = 1024 * 1024;

/// A gzip decompressor.
pub(super) struct Gunzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    compressed: u64,
    plain: u64,
}

impl Gunzip {
    /// The decompressor for a response, if it is compressed. Removes the corresponding headers.
    ///
    /// # Errors
    /// If the response is partial or uses an unrequested compression, because its secrets could not
    /// be masked.
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
                let Self { compressed, plain, .. } = *self;
                return Err(Failure::Expands { limit: MAX_RATIO, compressed, plain });
            }
            plain.extend_from_slice(&ready);
        }
        Ok(plain.into())
    }

    /// Returns the rest at the end of the body. An empty body is valid: the response to HEAD.
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
    fn gzip_is_decompressed_in_any_chunks() {
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
    fn truncated_corrupt_and_overlong_bodies_are_errors() {
        let compressed = gzip(&b"up 1\n".repeat(1_000));
        assert_eq!(plain(&compressed[..compressed.len() - 1], 64, 1 << 20), Err(Failure::Incomplete));
        let mut damaged = compressed.clone();
        damaged[20] ^= 0xff;
        assert!(plain(&damaged, 64, 1 << 20).is_err());
        assert_eq!(plain(b"<html>no gzip at all</html>", 64, 1 << 20), Err(Failure::Gzip));
        assert_eq!(plain(&compressed, 64, 4_999), Err(Failure::TooLong(4_999)));
        assert_eq!(plain(&compressed, 64, 5_000).map(|plain| plain.len()), Ok(5_000));
        let bomb = gzip(&vec![0; 64 << 20]);
        let Err(refused @ Failure::Expands { limit, compressed, plain }) = plain(&bomb, 65_536, 1 << 30) else {
            panic!("it was read")
        };
        assert!(limit == MAX_RATIO && plain > MIN_RATED && plain > limit * compressed, "{refused}");
        assert!(plain < 8 * MIN_RATED, "it ends soon: {refused}");
        for said in [format!("{compressed} bytes"), format!("expand to {plain}"), "limit is 200 times".into()] {
            assert!(refused.to_string().contains(&said), "{refused}");
        }
    }
}
