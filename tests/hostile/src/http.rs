//! Attacks by requests.

use crate::bindings::wasi::http::outgoing_handler::handle;
use crate::bindings::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::{Failure, headers};

/// One request, spelt as it was told. Answers with the status, or with why there is none.
pub(crate) fn request(scheme: &str, authority: &str, path: &str) -> Result<String, Failure> {
    let answer = begin(scheme, authority, path).and_then(|answer| wait(&answer)).map_err(Failure)?;
    Ok(answer.status().to_string())
}

/// So many requests. Of none the answer is read; or each is waited for. Says how many were let out,
/// and what the last refusal was.
pub(crate) fn open(authority: &str, times: usize, and_wait: bool) -> String {
    let (mut opened, mut refused) = (0, String::new());
    for _ in 0..times {
        let begun = begin("http", authority, "/");
        let outcome =
            if and_wait { begun.and_then(|answer| wait(&answer)).map(drop) } else { begun.map(std::mem::forget) };
        match outcome {
            Ok(()) => opened += 1,
            Err(why) => refused = why,
        }
    }
    format!("{opened} {refused}")
}

/// A request that says whatever the attack wants.
pub(crate) struct Arbitrary<'a> {
    pub(crate) method: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
    /// `Name: value`, a line each.
    pub(crate) headers: &'a str,
    /// So many bytes, `x` each.
    pub(crate) body_bytes: usize,
}

/// Sends it and reads the response: its status, its headers a line each, and its body; or why there
/// is none.
pub(crate) fn send(request: &Arbitrary) -> Result<String, Failure> {
    let sent = || -> Result<String, String> {
        let response = exchange(request)?;
        let mut told = format!("{}\n", response.status());
        for (name, value) in response.headers().entries() {
            told += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
        }
        let body = response.consume().map_err(|()| "consumed")?;
        let stream = body.stream().map_err(|()| "streamed")?;
        let mut bytes = Vec::new();
        let end = loop {
            match stream.blocking_read(65_536) {
                Ok(piece) => bytes.extend(piece),
                Err(StreamError::Closed) => break "",
                Err(StreamError::LastOperationFailed(_)) => break "\n(broken)",
            }
        };
        Ok(format!("{told}\n{}{end}", String::from_utf8_lossy(&bytes)))
    };
    sent().map_err(Failure)
}

fn exchange(asked: &Arbitrary) -> Result<IncomingResponse, String> {
    let lines = asked.headers.lines().filter_map(|line| line.split_once(": "));
    let entries: Vec<_> = lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    let request = OutgoingRequest::new(Fields::from_list(&entries).map_err(|error| format!("headers: {error:?}"))?);
    request.set_method(&Method::Other(asked.method.into())).map_err(|()| "no method")?;
    request.set_scheme(Some(&Scheme::Http)).map_err(|()| "no scheme")?;
    request.set_authority(Some(asked.authority)).map_err(|()| "no authority")?;
    request.set_path_with_query(Some(asked.path)).map_err(|()| "no path")?;
    let body = request.body().map_err(|()| "no body")?;
    let response = handle(request, None).map_err(|code| format!("{code:?}"))?;
    let stream = body.write().map_err(|()| "no stream")?;
    let mut left = asked.body_bytes;
    while left > 0 {
        stream.subscribe().block();
        // The host may have had enough; the response says why.
        let Ok(room) = stream.check_write() else { break };
        let piece = left.min(room as usize).min(1 << 20);
        if stream.write(&vec![b'x'; piece]).is_err() {
            break;
        }
        left -= piece;
    }
    drop(stream);
    // Fails where the host did not take all of it.
    let _ = OutgoingBody::finish(body, None);
    wait(&response)
}

/// Reads an answer to its end, and keeps all of it or nothing.
pub(crate) fn read(authority: &str, keep: bool) -> Result<String, Failure> {
    let read = || -> Result<usize, String> {
        let answer = wait(&begin("http", authority, "/")?)?;
        let body = answer.consume().map_err(|()| "consumed")?;
        let stream = body.stream().map_err(|()| "streamed")?;
        let (mut length, mut kept) = (0, Vec::new());
        while let Ok(piece) = stream.blocking_read(u64::MAX) {
            length += piece.len();
            if keep {
                kept.push(piece);
            }
        }
        Ok(length)
    };
    read().map(|length| length.to_string()).map_err(Failure)
}

/// A request's body that is written as far as it can be, and never sent.
pub(crate) fn hoard_body() {
    let request = OutgoingRequest::new(headers(0));
    let Ok(body) = request.body() else { return };
    let Ok(stream) = body.write() else { return };
    while let Ok(room) = stream.check_write() {
        if room == 0 || stream.write(&vec![1; room as usize]).is_err() {
            break;
        }
    }
    std::mem::forget((request, body, stream));
}

fn begin(scheme: &str, authority: &str, path: &str) -> Result<FutureIncomingResponse, String> {
    let request = OutgoingRequest::new(headers(0));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    request.set_scheme(Some(&scheme)).map_err(|()| "no scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "no authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "no path")?;
    let body = request.body().map_err(|()| "no body")?;
    OutgoingBody::finish(body, None).map_err(|code| format!("{code:?}"))?;
    handle(request, None).map_err(|code| format!("{code:?}"))
}

fn wait(answer: &FutureIncomingResponse) -> Result<IncomingResponse, String> {
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(answer))) => Ok(answer),
        Some(Ok(Err(code))) => Err(format!("{code:?}")),
        _ => Err("no answer".into()),
    }
}
