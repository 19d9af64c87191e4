//! The export `hosting.start`, written by hand: the generated one would copy each answer into a text
//! of its own, and be called once more to free it. Here the host reads the writer's own buffer,
//! which serves the next answer too.
//!
//! What was said in [`super::exposition`] of why that is sound holds here too: a step stays as it is
//! until the next start.

use std::cell::RefCell;

use super::with;
use crate::operations::Started;
use plugpipe_contract::response::ResponseWriter;
use plugpipe_operations::hosting::{Answer, Due, Moment, Request, Step, WithoutSecrets};

/// Cases of `request`.
const CALL: u32 = 0;
const DELIVER: u32 = 1;
const HEALTH: u32 = 2;
const CLEANUP: u32 = 3;

/// Address and length of a text or a list.
type Span = [usize; 2];

/// `step`, as the canonical ABI lays it out: spans of answers, due lanes and lanes to stop, patience,
/// whether the state changed, and the request and configuration without secrets. A flag and a case
/// are the lowest byte of a word.
#[repr(C)]
#[derive(Default)]
struct StepWords {
    answers: Span,
    due: Span,
    stop: Span,
    patience_ms: u32,
    changed: u32,
    has_clean: u32,
    clean_case: u32,
    clean_request: Span,
    clean_cfg: Span,
}

/// `tuple<ticket, answer>`.
#[repr(C, align(8))]
struct AnswerWords {
    ticket: u64,
    has_error: u32,
    code: Span,
    message: Span,
    warnings: Span,
    unsent: u64,
    body: Span,
}

/// `due`.
#[repr(C)]
struct DueWords {
    lane: Span,
    origins: Span,
    pause_ms: u32,
    limit_ms: u32,
}

/// The last step, and what its words point to.
#[derive(Default)]
struct Last {
    words: StepWords,
    body: ResponseWriter,
    step: Step,
    answers: Vec<AnswerWords>,
    due: Vec<DueWords>,
    /// Spans of texts in lists: of warnings, origins, and lanes to stop.
    texts: Vec<Vec<Span>>,
}

thread_local! {
    static LAST: RefCell<Last> = RefCell::default();
}

fn span(bytes: &[u8]) -> Span {
    [bytes.as_ptr().addr(), bytes.len()]
}

fn list<T>(items: &[T]) -> Span {
    [items.as_ptr().addr(), items.len()]
}

/// A list of texts, whose spans are kept in `texts`.
fn texts(items: &[String], texts: &mut Vec<Vec<Span>>) -> Span {
    if items.is_empty() {
        return list::<Span>(&[]);
    }
    let spans: Vec<Span> = items.iter().map(|item| span(item.as_bytes())).collect();
    let words = list(&spans);
    texts.push(spans);
    words
}

impl Last {
    /// Makes the words of the step that is held; the body of an answer without one is the writer's.
    fn write(&mut self) {
        let Self { words, body, step, answers, due, texts: held } = self;
        answers.clear();
        due.clear();
        held.clear();
        for (ticket, answer) in &step.answers {
            let Answer { error, warnings, unsent, body: own } = answer;
            let (code, message) = error.as_ref().map_or(("", ""), |error| (&error.code, &error.message));
            let bytes = if own.is_empty() { body.bytes() } else { own.as_bytes() };
            answers.push(AnswerWords {
                ticket: *ticket,
                has_error: u32::from(error.is_some()),
                code: span(code.as_bytes()),
                message: span(message.as_bytes()),
                warnings: texts(warnings, held),
                unsent: *unsent,
                body: span(bytes),
            });
        }
        for Due { lane, origins, pause_ms, limit_ms } in &step.due {
            let origins = texts(origins, held);
            due.push(DueWords { lane: span(lane.as_bytes()), origins, pause_ms: *pause_ms, limit_ms: *limit_ms });
        }
        *words = StepWords {
            answers: list(answers),
            due: list(due),
            stop: texts(&step.stop, held),
            patience_ms: step.patience_ms,
            changed: u32::from(step.changed),
            ..StepWords::default()
        };
        if let Some(WithoutSecrets { ctx, cfg }) = &step.without_secrets {
            words.has_clean = 1;
            words.clean_case = if ctx.is_some() { CALL } else { CLEANUP };
            words.clean_request = span(ctx.as_deref().unwrap_or_default().as_bytes());
            words.clean_cfg = span(cfg.as_bytes());
        }
    }
}

/// `start: func(ticket, what: request, cfg: string, at: moment) -> step`: the ticket, the request's
/// case and text, the configuration, and the moment's fields come in, and the place of the step goes
/// out.
///
/// # Safety
///
/// Each pair of address and length names bytes that `cabi_realloc` gave, that nobody else has, and
/// that are a text: so the canonical ABI hands over a string. Cases without a text have none.
// SAFETY: no other symbol has this name; what is returned is valid as the module's doc says.
#[unsafe(export_name = "plugpipe:plug/hosting@1.0.0#start")]
unsafe extern "C" fn start(
    ticket: u64,
    case: u32,
    text: *mut u8,
    text_len: usize,
    cfg: *mut u8,
    cfg_len: usize,
    unix_nanos: u64,
    seed: u64,
    again: u32,
) -> *const u8 {
    // SAFETY: as above, and as in `scrape`. The host has seen to it that the bytes are UTF-8.
    let cfg = unsafe { String::from_raw_parts(cfg, cfg_len, cfg_len) };
    let text = match case {
        // SAFETY: the same; these two cases have a text.
        CALL | DELIVER => unsafe { String::from_raw_parts(text, text_len, text_len) },
        _ => String::new(),
    };
    let what = match case {
        CALL => Request::Call(&text),
        DELIVER => Request::Deliver(&text),
        HEALTH => Request::Health,
        _ => Request::Cleanup,
    };
    let at = Moment { unix_nanos, seed, again: again != 0 };
    LAST.with_borrow_mut(|last| {
        let started = with(|plug| plug.start_into(ticket, what, &cfg, at, &mut last.body));
        match started {
            Started::Stepped(step) => last.step = step,
            Started::Answered { error, warnings, unsent, changed, without_secrets } => {
                let answer = Answer { error, warnings, unsent, body: String::new() };
                let mut answers = core::mem::take(&mut last.step.answers);
                answers.clear();
                answers.push((ticket, answer));
                last.step = Step { answers, changed, without_secrets, ..Step::default() };
            }
        }
        last.write();
        core::ptr::from_ref(&last.words).cast()
    })
}
