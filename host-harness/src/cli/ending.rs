//! The end of a process: what is delivered, what is kept, and what is lost.

use std::path::Path;

use plugpipe_harness::delivery::{self, Reason, Undelivered};
use plugpipe_harness::{CommandError, PlugHandle};

use super::show;

/// How a command ends.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ending<'a> {
    /// Whether the plug is to push what is unpushed; without, it has had its chance.
    pub(crate) push: bool,
    /// Where the state is kept.
    pub(crate) state: Option<&'a Path>,
    /// Whether there is an option --textfile.
    pub(crate) offers_textfile: bool,
    /// The exposition that was written.
    pub(crate) textfile: Option<&'a Path>,
    /// Whether values that were not delivered fail the command.
    pub(crate) required: bool,
}

impl Ending<'_> {
    /// Says on stderr what is lost and how to keep it. False where delivery was required and did
    /// not take place.
    pub(crate) async fn of(self, handle: &PlugHandle) -> Result<bool, CommandError> {
        let delivery = delivery::deliver(handle, self.push).await?;
        if let Some(warning) = show::replaced(&delivery.result) {
            show::note(&warning);
        }
        let Some(undelivered) = delivery.undelivered else { return Ok(true) };
        if let Some(message) = self.message(&undelivered) {
            show::note(&message);
        }
        let failed = self.required && self.textfile.is_none();
        if failed {
            show::note("error: --require-delivery was given, and not all values were delivered");
        }
        Ok(!failed)
    }

    /// What is said of undelivered values; none where nothing is lost and nothing failed.
    fn message(self, Undelivered { series, reason }: &Undelivered) -> Option<String> {
        let failed = matches!(reason, Reason::Failed(_));
        if let Some(path) = self.textfile {
            return failed.then(|| {
                format!(
                    "warning: the values of {series} series are in {} and were not pushed: {reason}",
                    path.display()
                )
            });
        }
        if let Some(folder) = self.state {
            return (failed || self.required).then(|| {
                format!(
                    "warning: the values of {series} series were not delivered: {reason}. They are kept in {} for the next run",
                    folder.display()
                )
            });
        }
        let mut ways = vec!["--state DIR"];
        ways.extend(match reason {
            Reason::NoGateway => Some("a gateway_url in the configuration"),
            Reason::Manual => Some("a push_metrics operation"),
            Reason::Mock | Reason::DeleteMode | Reason::Failed(_) | Reason::Unknown => None,
        });
        ways.extend(self.offers_textfile.then_some("--textfile FILE"));
        let ways = ways.join(" or ");
        Some(format!("warning: the values of {series} series are lost: {reason}. To keep them, use {ways}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_said_and_what_is_kept_is_not() {
        let none = Undelivered { series: 3, reason: Reason::NoGateway };
        let down = Undelivered { series: 1, reason: Reason::Failed("http://h: connection refused".into()) };
        let bare = Ending { offers_textfile: true, ..Ending::default() };
        assert_eq!(
            bare.message(&none).unwrap(),
            "warning: the values of 3 series are lost: no gateway is configured. To keep them, use --state DIR or a gateway_url in the \
             configuration or --textfile FILE"
        );
        assert_eq!(
            Ending::default().message(&down).unwrap(),
            "warning: the values of 1 series are lost: the push failed: http://h: connection refused. To keep them, use --state DIR"
        );
        let manual = Undelivered { series: 1, reason: Reason::Manual };
        assert!(Ending::default().message(&manual).unwrap().ends_with("use --state DIR or a push_metrics operation"));
        let kept = Ending { state: Some(Path::new("s")), ..bare };
        assert_eq!(kept.message(&none), None);
        assert!(kept.message(&down).unwrap().ends_with("They are kept in s for the next run"));
        assert!(Ending { required: true, ..kept }.message(&none).is_some());
        let written = Ending { textfile: Some(Path::new("m.prom")), ..bare };
        assert_eq!(written.message(&none), None);
        assert!(written.message(&down).unwrap().contains("are in m.prom and were not pushed"));
    }
}
