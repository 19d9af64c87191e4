//! `generate_config`: a `prometheus.yml`, or parts of it, and files of targets, as text in the
//! response. Reaches no server and writes no file.

use plugpipe_contract::requests::GenerateConfig;
use plugpipe_provisioning::prometheus_yml::generate::{Configured, generate};

use super::{Answer, Call};
use crate::config::Config;
use crate::error::Error;

pub(super) fn run(call: &mut Call, request: &GenerateConfig, answer: &mut Answer) -> Result<(), Error> {
    let (config, default) = (call.config, Config::default());
    // A setting that somebody made wins over the environment's.
    let configured = Configured {
        scrape_interval: Some(&*config.scrape_interval).filter(|interval| *interval != default.scrape_interval),
        job_name: Some(&*config.job_name).filter(|job| *job != default.job_name),
        gateway_url: config.gateway_url.as_ref(),
    };
    let generated = generate(request, configured)?;
    answer.text("environment", generated.environment);
    answer.text("for_version", &generated.for_version);
    if let Some(config) = &generated.config {
        answer.text("file_name", "prometheus.yml");
        answer.text("config", config);
    }
    if let Some(targets) = &generated.targets {
        answer.text("file_sd", targets);
        answer.open("http_sd");
        answer.text("content_type", "application/json");
        answer.text("body", targets);
        answer.close();
    }
    answer.texts("needs_flags", generated.needs_flags.iter().copied());
    answer.texts("left_out", generated.left_out.iter().map(String::as_str));
    Ok(())
}
