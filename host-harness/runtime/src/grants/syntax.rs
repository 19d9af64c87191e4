//! The keys of grants files. The reader, its suggestions and the JSON Schema all come from here.

use plugpipe_yaml::shape::Shape::{Either, Flag, Hidden, List, MapOf, Name, Number, Scalar, Table as Keys, Words};
use plugpipe_yaml::shape::{Shape, Table, key};
use serde_json::Value;

/// A JSON Schema of grants files, for editors.
pub fn json_schema() -> Value {
    FILE.json_schema(
        "PlugPipe grants",
        "What a plug may reach: origins, addresses, credentials, limits. Nothing else is allowed. docs/grants.md explains the keys.",
    )
}

const FILES: Shape = Either(&[Name, List(&Name)]);
const SECRET: Shape = Hidden(&SECRET_SOURCE);

pub(super) static FILE: Table = Table {
    what: "a grants file",
    open: false,
    any_of: &[],
    keys: &[
        key("origins", "Origins that the plug may send requests to.", List(&Either(&[Name, Keys(&ORIGIN)]))),
        key(
            "addresses",
            "Addresses that a granted name may resolve to: networks such as 10.1.0.0/16, or private, loopback, …",
            List(&Name),
        ),
        key("hosts", "Addresses of names, instead of those that the resolver has.", MapOf(&FILES)),
        key("env", "Variables of the environment for ${NAME} in the configuration and in pipes.", List(&Name)),
        key(
            "credentials",
            "Credentials by name. The host adds them to requests; the plug never sees them.",
            MapOf(&Keys(&CREDENTIAL)),
        ),
        key("tls", "Certificates that are trusted, and those of the client.", Keys(&TLS)),
        key("proxy", "An HTTP proxy for all servers except on this machine.", Either(&[Name, Keys(&PROXY)])),
        key("rules_folder", "A folder in which the plug may write rule files.", Name),
        key("metrics", "Whether a further plug may record metrics in the first one.", Flag),
        key("metrics_prefix", "With what the names of the metrics that it records there must begin.", Name),
        key("query", "Whether a further plug may query through the first one, with its credentials.", Flag),
        key("limits", "Limits of the plug.", Keys(&LIMITS)),
    ],
};

pub(super) static ORIGIN: Table = Table {
    what: "an origin",
    open: false,
    any_of: &["url"],
    keys: &[
        key("url", "Scheme, host and port. A path grants itself and everything below it.", Name),
        key("methods", "Granted methods. Default: all except CONNECT and TRACE.", List(&Name)),
        key("credential", "A name from credentials.", Name),
        key("identity", "A name from tls.identities.", Name),
        key(
            "headers",
            "Further headers that the plug may send: names, or a mapping with the allowed values.",
            Either(&[List(&Name), MapOf(&Scalar)]),
        ),
        key("cleartext", "Addresses to which the credential may be sent unencrypted.", List(&Name)),
    ],
};

pub(super) static CREDENTIAL: Table = Table {
    what: "a credential",
    open: false,
    any_of: &["bearer", "basic", "header"],
    keys: &[
        key("bearer", "A bearer token.", SECRET),
        key("basic", "A user name and a password.", Hidden(&BASIC)),
        key("header", "A header with a secret value.", Hidden(&HEADER)),
    ],
};

pub(super) static BASIC: Table = Table {
    what: "a user name and a password",
    open: false,
    any_of: &[],
    keys: &[key("username", "The user name.", Scalar), key("password", "The password.", SECRET)],
};

pub(super) static HEADER: Table = Table {
    what: "a header with a secret value",
    open: false,
    any_of: &[],
    keys: &[key("name", "The header's name.", Name), key("value", "Its value.", SECRET)],
};

pub(super) static SECRET_SOURCE: Table = Table {
    what: "where a secret is, never the secret itself",
    open: false,
    any_of: &["env", "file", "command"],
    keys: &[
        key("env", "A variable of the environment.", Name),
        key("file", "A file.", Name),
        key("command", "A program and its arguments, whose output it is.", List(&Scalar)),
    ],
};

pub(super) static TLS: Table = Table {
    what: "TLS",
    open: false,
    any_of: &[],
    keys: &[
        key(
            "roots",
            "Trusted roots: Mozilla's list (web, the default), the system's, or none.",
            Words(&["web", "system", "none"]),
        ),
        key("ca", "A PEM file, or a list of PEM files, of further roots.", FILES),
        key("client", "The client's certificate, for origins without an identity.", Keys(&CERTIFICATE)),
        key("identities", "Certificates by name, for origins that refer to them.", MapOf(&Keys(&CERTIFICATE))),
    ],
};

pub(super) static CERTIFICATE: Table = Table {
    what: "a client certificate",
    open: false,
    any_of: &[],
    keys: &[key("certificate", "A PEM file with the certificate.", Name), key("key", "A PEM file with its key.", Name)],
};

pub(super) static PROXY: Table = Table {
    what: "a proxy",
    open: false,
    any_of: &["url"],
    keys: &[
        key("url", "An http origin.", Name),
        key("credential", "A name from credentials.", Name),
        key("cleartext", "Whether credentials may be sent through it unencrypted.", Flag),
    ],
};

pub(super) static LIMITS: Table = Table {
    what: "limits",
    open: false,
    any_of: &[],
    keys: &[
        key("memory", "Memory of the plug, such as 64MiB.", Number),
        key("call", "Duration of a call, such as 30s.", Number),
        key("response", "Size of an HTTP response.", Number),
        key("request", "Size of an HTTP request.", Number),
        key("request_total", "Size of all HTTP requests of a call.", Number),
        key("requests_per_minute", "Requests in a minute.", Number),
        key("requests_per_call", "Requests of a call.", Number),
        key("requests_at_once", "Concurrent requests.", Number),
        key("answer", "Size of the plug's response.", Number),
        key("host_calls", "Calls of the host in a call.", Number),
        key("resources", "Resources of the host held at once.", Number),
        key("instances", "Core instances that a component may consist of.", Number),
        key("tables", "Tables of a component.", Number),
        key("table_elements", "Elements in each table of a component.", Number),
        key("memories", "Memories of a component.", Number),
        key("series", "Series that a further plug may record in the first one.", Number),
        key("component", "Size of a component.", Number),
        key("compile_memory", "Memory for compiling a component.", Number),
        key("compile_time", "Processor time for compiling a component.", Number),
    ],
};
