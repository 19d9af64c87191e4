//! Converts failures to error codes of `wasi:http`, which the plug sees.

use wasmtime_wasi_http::Error;

use super::failure::Failure;

/// The error code of a failure.
pub(super) fn error_code(failure: Failure) -> Error {
    match failure {
        Failure::AddressProhibited => Error::DestinationIpProhibited,
        Failure::UnknownHost => Error::DnsError { rcode: None, info_code: None },
        Failure::ConnectionRefused => Error::ConnectionRefused,
        Failure::ConnectionTimeout => Error::ConnectionTimeout,
        Failure::Unroutable => Error::DestinationIpUnroutable,
        Failure::ReadTimeout => Error::ConnectionReadTimeout,
        Failure::Terminated => Error::ConnectionTerminated,
        Failure::Incomplete => Error::HttpResponseIncomplete,
        Failure::RequestTooLong(limit) => Error::HttpRequestBodySize(Some(limit)),
        Failure::TooLong(limit) => Error::HttpResponseBodySize(Some(limit)),
        Failure::Certificate(_) => Error::TlsCertificateError,
        Failure::TlsAlert(alert) => Error::TlsAlertReceived { alert_id: None, alert_message: Some(alert) },
        Failure::Tls(_) => Error::TlsProtocolError,
        Failure::Protocol => Error::HttpProtocolError,
        Failure::Partial
        | Failure::Coding(_)
        | Failure::Gzip
        | Failure::Expands { .. }
        | Failure::Proxy(_)
        | Failure::Said(_) => Error::InternalError(Some(failure.to_string())),
    }
}
