//! `generate_config`: a `prometheus.yml`, or parts of it, targets files, or Kubernetes resources, as
//! text in the response. Contacts no server and writes no file.

use plugpipe_contract::requests::GenerateConfig;
use plugpipe_contract::responses::GeneratedConfig;
use plugpipe_provisioning::prometheus_yml::generate::{Configured, generate};

use super::call::Call;
use crate::config::Config;
use crate::error::Error;

/// `generate_config`.
pub fn run(call: &mut Call, request: &GenerateConfig) -> Result<GeneratedConfig, Error> {
    let (config, default) = (call.config, Config::default());
    // Explicit settings take precedence over the environment's defaults.
    let configured = Configured {
        scrape_interval: Some(&*config.scrape_interval).filter(|interval| *interval != default.scrape_interval),
        job_name: Some(&*config.job_name).filter(|job| *job != default.job_name),
        gateway_url: config.gateway_url.as_ref(),
    };
    Ok(generate(request, configured)?)
}
