//! Attacks by requests.

use crate::bindings::wasi::http::outgoing_handler::handle;
use crate::bindings::wasi::http::types::{
    FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::{done, failed, headers};

/// One request, spelt as it was told. Answers with the status, or with why there is none.
pub(crate) fn request(scheme: &str, authority: &str, path: &str) -> String {
    match begin(scheme, authority, path).and_then(|answer| wait(&answer)) {
        Ok(answer) => done(&answer.status().to_string()),
        Err(why) => failed(&why),
    }
}

/// So many requests. Of none the answer is read; or each is waited for. Says how many were let out, and what the last refusal was.
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
    done(&format!("{opened} {refused}"))
}

/// Reads an answer to its end, and keeps all of it or nothing.
pub(crate) fn read(authority: &str, keep: bool) -> String {
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
    match read() {
        Ok(length) => done(&length.to_string()),
        Err(why) => failed(&why),
    }
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
