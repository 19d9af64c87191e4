//! The end of a command: delivers recorded values and warns of lost ones.

use std::path::Path;
use std::time::Duration;

use plugpipe_harness::delivery::{self, Amount, Reason, Undelivered};
use plugpipe_harness::{Answer, CommandError, PlugHandle};

use super::show;

/// How a command ends.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ending<'a> {
    /// The plug's name, if it is not the command's first one.
    pub(crate) plug: Option<&'a str>,
    /// The answer of the command's only call, if what that left unsent is not to be sent again.
    pub(crate) last: Option<&'a Answer>,
    /// The --state folder.
    pub(crate) state: Option<&'a Path>,
    /// Whether the command has the option --textfile.
    pub(crate) offers_textfile: bool,
    /// The textfile that was written.
    pub(crate) textfile: Option<&'a Path>,
    /// Whether undelivered values fail the command.
    pub(crate) required: bool,
    /// How long all sinks together may take, for a command that delivers to all of them; without
    /// it, one sink after the other until one has everything.
    pub(crate) within: Option<Duration>,
    /// Whether to say too that nothing is lost, for a log that shows how a server ended.
    pub(crate) announce: bool,
}

impl Ending<'_> {
    /// Warns on stderr of lost values. Returns false if delivery was required and did not happen.
    pub(crate) async fn of(self, handle: &PlugHandle) -> Result<bool, CommandError> {
        let delivery = match self.within {
            Some(within) => delivery::deliver_within(handle, within).await?,
            None => delivery::deliver(handle, self.last).await?,
        };
        for warning in delivery.answers.iter().filter_map(|answer| show::replaced(&show::result(&answer.body))) {
            show::note(&warning);
        }
        let Some(undelivered) = delivery.undelivered else {
            if self.announce {
                show::note("stopped: all values were delivered or scraped");
            }
            return Ok(true);
        };
        match (self.message(&undelivered), self.state) {
            (Some(message), _) => show::note(&message),
            (None, Some(folder)) if self.announce => {
                show::note(&format!(
                    "stopped: {} {} stored in {} for the next run",
                    self.named(&undelivered.amount),
                    undelivered.amount.verb("is", "are"),
                    folder.display()
                ));
            }
            (None, _) => {}
        }
        let failed = self.required && self.textfile.is_none();
        if failed {
            show::note("error: --require-delivery: not all values were delivered");
        }
        Ok(!failed)
    }

    /// The amount, after the name of a further plug.
    fn named(self, amount: &Amount) -> String {
        self.plug.map_or_else(|| amount.to_string(), |name| format!("plug {name}: {amount}"))
    }

    /// The warning for undelivered values; none if nothing is lost and nothing failed.
    fn message(self, Undelivered { amount, reason }: &Undelivered) -> Option<String> {
        let (is, was) = (amount.verb("is", "are"), amount.verb("was", "were"));
        let amount = &self.named(amount);
        let failed = matches!(reason, Reason::Failed(_));
        if let Some(path) = self.textfile {
            return failed
                .then(|| format!("warning: {amount} {is} in {} and {was} not pushed: {reason}", path.display()));
        }
        if let Some(folder) = self.state {
            return (failed || self.required).then(|| {
                format!(
                    "warning: {amount} {was} not delivered: {reason}. They are stored in {} for the next run",
                    folder.display()
                )
            });
        }
        let mut ways = vec!["--state DIR"];
        ways.extend(match reason {
            Reason::NoServer => Some("a gateway_url in the configuration"),
            Reason::HeldBack(_) | Reason::Failed(_) | Reason::Unknown => None,
        });
        ways.extend(self.offers_textfile.then_some("--textfile FILE"));
        let ways = ways.join(" or ");
        Some(format!("warning: {amount} {is} lost: {reason}. To keep them, use {ways}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_said_and_what_is_kept_is_not() {
        let none = Undelivered { amount: Amount::Series(3), reason: Reason::NoServer };
        let failed = Reason::Failed("http://h: connection refused".into());
        let down = Undelivered { amount: Amount::Series(1), reason: failed };
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
        let reason = Reason::HeldBack("push_policy is manual".into());
        let manual = Undelivered { amount: Amount::Values(2), reason };
        assert_eq!(
            Ending::default().message(&manual).unwrap(),
            "warning: 2 values are lost: push_policy is manual. To keep them, use --state DIR"
        );
        let kept = Ending { state: Some(Path::new("s")), ..bare };
        assert_eq!(kept.message(&none), None);
        assert!(kept.message(&down).unwrap().ends_with("They are stored in s for the next run"));
        assert!(Ending { required: true, ..kept }.message(&none).is_some());
        let written = Ending { textfile: Some(Path::new("m.prom")), ..bare };
        assert_eq!(written.message(&none), None);
        let further = Ending { plug: Some("notes"), ..Ending::default() };
        assert!(further.message(&none).unwrap().starts_with("warning: plug notes: the values of 3 series are lost"));
        assert!(written.message(&down).unwrap().contains("are in m.prom and were not pushed"));
    }
}
