//! The exports of `plugpipe:plug` but for `start`, which is in [`super::start`].

use std::cell::RefCell;

use super::{Component, with};
use crate::bindings::exports::plugpipe::plug::hosting as wit;
use crate::bindings::exports::plugpipe::plug::plug::{self, Guest as PlugGuest};
use crate::bindings::exports::plugpipe::plug::state::Guest as StateGuest;
use crate::error::Error;
use crate::operations::Driver;
use crate::wasi_transport::Wasi;
use plugpipe_operations::hosting::{
    Answer, Due, File, FileProblem, Job, Moment, Outcome, Problem, Request, ResultOfRun, Step, WithoutSecrets, Work,
    describe, run,
};

thread_local! {
    static DRIVER: RefCell<Driver> = RefCell::default();
}

impl PlugGuest for Component {
    fn describe() -> plug::Description {
        let described = describe::describe();
        let operation = |operation: describe::Described| plug::Operation {
            name: operation.name.into(),
            summary: operation.summary.into(),
        };
        plug::Description {
            name: described.name.into(),
            version: described.version.into(),
            operations: described.operations.into_iter().map(operation).collect(),
            sinks: described.sinks.into_iter().map(str::to_owned).collect(),
            servers: described.servers.into_iter().map(server).collect(),
        }
    }

    fn schema(operation: String) -> Option<String> {
        describe::schema(&operation)
    }

    fn process(what: plug::Request, cfg: String) -> plug::Answer {
        let answer =
            DRIVER.with_borrow_mut(|driver| with(|plug| driver.process(plug, request(&what), &cfg, &mut Wasi)));
        answer.into()
    }
}

impl wit::Guest for Component {
    fn take(lane: String, at: wit::Moment) -> Option<wit::Job> {
        let Job { work, changed } = with(|plug| plug.take(&lane, at.into()))?;
        let work = match work {
            Work::Run(bytes) => wit::Work::Run(bytes),
            Work::PutFile(File { folder, name, content, expected }) => {
                wit::Work::PutFile(wit::File { folder, name, content, expected })
            }
        };
        Some(wit::Job { work, changed })
    }

    fn run(job: Vec<u8>) -> wit::ResultOfRun {
        let ResultOfRun { effect, told } = run::run(job, &mut Wasi);
        wit::ResultOfRun { effect, told }
    }

    fn complete(lane: String, outcome: wit::Outcome, at: wit::Moment) -> wit::Step {
        let outcome = match outcome {
            wit::Outcome::Ran(wit::ResultOfRun { effect, told }) => Outcome::Ran(ResultOfRun { effect, told }),
            wit::Outcome::FilePut(put) => Outcome::FilePut(put.map_err(|problem| match problem {
                wit::FileProblem::NotGranted => FileProblem::NotGranted,
                wit::FileProblem::Failed(why) => FileProblem::Failed(why),
            })),
            wit::Outcome::Lost(why) => Outcome::Lost(why),
        };
        with(|plug| plug.complete(&lane, outcome, at.into())).into()
    }

    fn release(ticket: u64, at: wit::Moment) -> wit::Step {
        with(|plug| plug.release(ticket, at.into())).into()
    }

    fn configure(cfg: String) -> Result<Vec<String>, plug::Problem> {
        with(|plug| plug.configure(&cfg)).map_err(|error| problem(&error))
    }
}

impl StateGuest for Component {
    fn snapshot() -> Vec<u8> {
        with(|plug| plug.snapshot())
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        let seed = crate::http::Clock::unix_nanos(&Wasi);
        with(|plug| plug.restore(&snapshot, seed)).map_err(|error| error.to_string())
    }

    fn unfinished() -> (Vec<u64>, Vec<String>, Vec<wit::Due>) {
        let (tickets, taken, due) = with(|plug| plug.unfinished());
        (tickets, taken, due.into_iter().map(Into::into).collect())
    }
}

fn problem(error: &Error) -> plug::Problem {
    plug::Problem { code: error.code().into(), message: error.to_string() }
}

fn server(server: describe::Server) -> plug::Server {
    let header =
        |header: describe::HeaderSetting| plug::HeaderSetting { name: header.name.into(), settings: header.settings };
    let default = |default: describe::DefaultUrl| plug::DefaultUrl {
        only_with: default.only_with,
        value: default.value.into(),
        environment: default.environment.into(),
        url: default.url.into(),
    };
    plug::Server {
        settings: server.settings,
        headers: server.headers.into_iter().map(header).collect(),
        default: server.default.map(default),
    }
}

fn request(what: &plug::Request) -> Request<'_> {
    match what {
        plug::Request::Call(ctx) => Request::Call(ctx),
        plug::Request::Deliver(sink) => Request::Deliver(sink),
        plug::Request::Health => Request::Health,
        plug::Request::Cleanup => Request::Cleanup,
    }
}

impl From<wit::Moment> for Moment {
    fn from(at: wit::Moment) -> Self {
        Self { unix_nanos: at.unix_nanos, seed: at.seed, again: at.again }
    }
}

impl From<Answer> for plug::Answer {
    fn from(answer: Answer) -> Self {
        let Answer { error, warnings, unsent, body } = answer;
        let error = error.map(|Problem { code, message }| plug::Problem { code, message });
        Self { error, warnings, unsent, body }
    }
}

impl From<Due> for wit::Due {
    fn from(due: Due) -> Self {
        let Due { lane, origins, pause_ms, limit_ms } = due;
        Self { lane, origins, pause_ms, limit_ms }
    }
}

impl From<Step> for wit::Step {
    fn from(step: Step) -> Self {
        let Step { answers, due, stop, patience_ms, changed, without_secrets } = step;
        let clean = |WithoutSecrets { ctx, cfg }: WithoutSecrets| {
            (ctx.map_or(plug::Request::Cleanup, plug::Request::Call), cfg)
        };
        Self {
            answers: answers.into_iter().map(|(ticket, answer)| (ticket, answer.into())).collect(),
            due: due.into_iter().map(Into::into).collect(),
            stop,
            patience_ms,
            changed,
            without_secrets: without_secrets.map(clean),
        }
    }
}
