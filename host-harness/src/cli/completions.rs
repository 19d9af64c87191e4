//! `completions` and `man`: shell completions and the manual page.

use std::io::Write as _;

use clap::{Args, Command};
use clap_complete::Shell;
use plugpipe_harness::CommandError;

/// Write completions for a shell
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness completions bash > ~/.local/share/bash-completion/completions/plugpipe-harness\n  \
    plugpipe-harness completions fish > ~/.config/fish/completions/plugpipe-harness.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs, mut cli: Command) -> Result<bool, CommandError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "plugpipe-harness", &mut text);
    write(&text);
    Ok(true)
}

pub(crate) fn man(cli: Command) -> Result<bool, CommandError> {
    let mut text = Vec::new();
    let problem = |error: std::io::Error| CommandError::Failed(format!("cannot write the manual page: {error}"));
    clap_mangen::Man::new(cli).render(&mut text).map_err(problem)?;
    write(&text);
    Ok(true)
}

/// Like `show::print`, ignores a closed pipe.
fn write(text: &[u8]) {
    let _ = std::io::stdout().write_all(text);
}
