//! The keys of pipe files. The reader, its suggestions and the JSON Schema all come from here.

use plugpipe_yaml::shape::Shape::{
    Any, Either, Flag, List, MapOf, Mapping, Name, Number, Scalar, Table as Keys, Words,
};
use plugpipe_yaml::shape::{Shape, Table, key};
use serde_json::Value;

/// A JSON Schema of pipe files, for editors.
pub fn json_schema() -> Value {
    PIPE.json_schema(
        "PlugPipe pipe",
        "A pipe: steps that call plugs, in either dialect. Values may hold {{ expressions }} and ${references}.",
    )
}

const NAMES: Shape = Either(&[Name, List(&Name)]);
const CONDITION: Shape = Either(&[Flag, Name]);
const STEPS: Shape = List(&Keys(&STEP));

pub(super) static PIPE: Table = Table {
    what: "a pipe",
    open: true,
    any_of: &["steps", "pipeline"],
    keys: &[
        key("apiVersion", "Version of the format; not checked.", Scalar),
        key("kind", "PipeSpec.", Words(&["PipeSpec"])),
        key("name", "The pipe's name; takes precedence over metadata.name.", Name),
        key("metadata", "Name, owner, version, tags and further documentation.", Mapping),
        key(
            "inputs",
            "Inputs by name: a default value, or a declaration with type, default and so on. Steps read them as {{ inputs.NAME }} or {{ NAME }}.",
            MapOf(&Any),
        ),
        key("config", "Values that steps read as {{ config.NAME }} or {{ NAME }}.", Mapping),
        key("steps", "The steps. They run in this order, unless depends_on or next asks for another.", STEPS),
        key("pipeline", "The steps, as a list or as a mapping with the key steps.", Either(&[STEPS, Keys(&PIPELINE)])),
        key("error_handling", "What happens when a step fails.", Keys(&ERROR_HANDLING)),
        key("summary", "What is printed at the end: doc above the table of steps.", Mapping),
        key("description", "Documentation.", Any),
        key("doc", "Documentation.", Any),
        key("version", "Version of the pipe; documentation.", Scalar),
        key("owner", "Documentation.", Any),
        key("author", "Documentation.", Any),
        key("category", "Documentation.", Any),
        key("subcategory", "Documentation.", Any),
        key("type", "Documentation.", Any),
        key("status", "Documentation.", Any),
        key("tags", "Documentation.", Any),
        key("copyright", "Documentation.", Any),
        key("license", "Documentation.", Any),
        key("license_url", "Documentation.", Any),
        key("spdx_license_identifier", "Documentation.", Any),
        key("success_criteria", "Documentation: a pipe succeeds if no step fails it.", Any),
        key("required_plugins", "Documentation: the plugs of the steps are required.", Any),
        key("dependencies", "Documentation.", Any),
        key("mandatory_dependencies", "Documentation.", Any),
        key("security_requirements", "Documentation.", Any),
        key("outputs", "Documentation: the report has the outputs of each step.", Any),
        key("monitoring", "Documentation.", Any),
        key("documentation", "Documentation.", Any),
        key("examples", "Documentation.", Any),
        key("interface", "Documentation.", Any),
        key("_provenance", "Documentation.", Any),
        key("middleware", "Not supported: write it as steps.", Any),
        key("secrets", "Not supported: grant credentials to the host.", Any),
        key("prometheus_config", "Not supported: pass it with --config, or put it in a step's config.", Any),
    ],
};

static PIPELINE: Table =
    Table { what: "a pipeline", open: true, any_of: &["steps"], keys: &[key("steps", "The steps.", STEPS)] };

pub(super) static STEP: Table = Table {
    what: "a step",
    open: true,
    any_of: &["plug", "plugin", "uses"],
    keys: &[
        key("id", "Unique in the pipe. Default: name, or step_1, step_2, …", Name),
        key("name", "Another name of the step for templates and depends_on.", Name),
        key("plug", "The plug to call: NAME, com.example.NAME or NAME:VERSION.", Name),
        key("plugin", "The same, if there is no plug.", Name),
        key("uses", "The same, if there is neither plug nor plugin.", Name),
        key("version", "The plug's version that the step was written for.", Scalar),
        key("config", "Fields of the request.", Mapping),
        key("with", "Fields of the request; they override config.", Mapping),
        key("input", "Fields of the request; they override with.", Mapping),
        key("inputs", "Fields of the request; they override input.", Mapping),
        key("file", "A file below the pipe's folder; the request gets its path as file and its text as text.", Name),
        key(
            "outputs",
            "Names for later steps: a template, a path such as NAME_result.total, or the type of a member of the result.",
            MapOf(&Any),
        ),
        key("output_mapping", "The same as outputs.", MapOf(&Any)),
        key("depends_on", "Steps that run before this one.", NAMES),
        key("next", "Steps that run after this one.", Either(&[Name, List(&Either(&[Name, Keys(&NEXT)]))])),
        key("when", "The step runs if this expression is true.", CONDITION),
        key("condition", "The same as when. With both, both must be true.", CONDITION),
        key(
            "on_error",
            "fail: the pipe fails. warn or continue: it goes on. As a mapping, the step can also be repeated.",
            Either(&[Words(&["fail", "warn", "continue"]), Keys(&ON_ERROR)]),
        ),
        key("always_run", "Whether the step runs even after the pipe has failed.", Flag),
        key("description", "Documentation.", Any),
        key("doc", "Documentation.", Any),
        key("owner", "Documentation.", Any),
        key("tags", "Documentation.", Any),
        key("mandatory_dependencies", "Documentation.", Any),
        key("security_requirements", "Documentation.", Any),
        key("foreach", "Not supported: write a step for each item.", Any),
        key("branches", "Not supported: give a step a when.", Any),
        key("join", "Not supported: use depends_on.", Any),
        key("exit_if", "Not supported: give later steps a when.", Any),
        key("env", "Not supported: put the values in with.", Any),
    ],
};

static NEXT: Table = Table {
    what: "a next step",
    open: true,
    any_of: &["target"],
    keys: &[key("target", "The step.", Name), key("when", "Not supported: give the step itself a when.", Any)],
};

const ATTEMPTS: &str = "How often the step runs at most, from 1 to 20.";
const BACKOFF: &str = "exponential doubles the pause between attempts, which begins at 1 second.";

static ON_ERROR: Table = Table {
    what: "what to do when the step fails",
    open: true,
    any_of: &[],
    keys: &[
        key(
            "action",
            "fail: the pipe fails. warn, continue or log: it goes on. retry: the step runs again.",
            Words(&["fail", "warn", "continue", "log", "retry"]),
        ),
        key("message", "Put before the step's own error.", Scalar),
        key("continue", "Whether the pipe goes on; the default depends on action.", Flag),
        key("max_attempts", ATTEMPTS, Number),
        key("max_retries", "How often the step runs again at most, from 0 to 19.", Number),
        key("backoff", BACKOFF, Name),
        key("backoff_strategy", BACKOFF, Name),
        key("retry_on", "Codes of the errors after which the step runs again. Default: all.", NAMES),
        key("fallback", "What to do when the last attempt fails.", Keys(&FALLBACK)),
    ],
};

static FALLBACK: Table = Table {
    what: "what to do when the last attempt fails",
    open: true,
    any_of: &[],
    keys: &[
        key("action", "fail, or warn, continue or log.", Words(&["fail", "warn", "continue", "log"])),
        key("message", "Put before the step's own error.", Scalar),
        key("continue", "Whether the pipe goes on; the default depends on action.", Flag),
    ],
};

static ERROR_HANDLING: Table = Table {
    what: "the handling of errors",
    open: true,
    any_of: &[],
    keys: &[
        key("retry_policy", "How often each step that fails runs again.", Keys(&RETRY_POLICY)),
        key("default_policy", "fail_fast is what is done; nothing else is.", Any),
        key("rollback_on_failure", "Not done.", Any),
        key("notification_channels", "Not done.", Any),
        key("on_failure", "Not done.", Any),
    ],
};

static RETRY_POLICY: Table = Table {
    what: "a retry policy",
    open: true,
    any_of: &[],
    keys: &[
        key("max_attempts", ATTEMPTS, Number),
        key("max_retries", "How often the step runs again at most, from 0 to 19.", Number),
        key("backoff", BACKOFF, Name),
        key("backoff_strategy", BACKOFF, Name),
        key("retry_on", "Codes of the errors after which the step runs again. Default: all.", NAMES),
        key("retry_on_errors", "The same as retry_on.", NAMES),
    ],
};

/// The declaration of an input.
pub(super) static INPUT: Table = Table {
    what: "the declaration of an input",
    open: true,
    any_of: &[],
    keys: &[
        key("type", "The type of the value.", Words(&["string", "number", "integer", "boolean", "object", "array"])),
        key("default", "The value if none is given.", Any),
        key("required", "Whether a value must be given if there is no default.", Flag),
        key("enum", "The values that are accepted.", List(&Any)),
        key("sensitive", "Whether the value is masked wherever it is printed or recorded.", Flag),
        key("schema", "Documentation: the value is not checked with it.", Any),
        key("description", "Documentation.", Any),
        key("doc", "Documentation.", Any),
        key("title", "Documentation.", Any),
        key("example", "Documentation.", Any),
        key("examples", "Documentation.", Any),
    ],
};

/// Keys without effect, if they have a value, and alternatives.
pub(super) const PIPE_UNSUPPORTED: [(&str, &str); 3] = [
    ("middleware", "write it as steps"),
    ("secrets", "grant credentials to the host, so that neither pipe nor plug has them; remove the key"),
    ("prometheus_config", "put it in a file and pass that with --config FILE, or put it in the step's `config`"),
];

/// The same for steps.
pub(super) const STEP_UNSUPPORTED: [(&str, &str); 5] = [
    ("foreach", "write a step for each item, or one step with an operation that takes a list"),
    ("branches", "give an optional step a `when`"),
    ("join", "steps run one at a time; name those that must run before this one in `depends_on`"),
    ("exit_if", "give the steps that follow a `when` with the opposite condition"),
    ("env", "plugs have no environment; put the values in `with`"),
];
