//! `man`: manual pages.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use plugpipe_harness::CommandError;

use super::show;

/// Write the manual page of the program or of a command, in roff
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness man | man -l -\n  \
    plugpipe-harness man dashboards plan | man -l -\n  \
    plugpipe-harness man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command, such as run or dashboards plan; default: the program
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of the program and of all commands into this folder; created if missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    out: Option<PathBuf>,
}

pub(crate) fn man(args: &ManArgs, cli: Command) -> Result<bool, CommandError> {
    let mut cli = cli.disable_help_subcommand(true);
    cli.build();
    let pages = Pages { source: format!("{} {}", cli.get_name(), cli.get_version().unwrap_or_default()) };
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).map_err(|error| CommandError::unwritable(folder, error))?;
        let count = pages.write_all(folder, &cli, None)?;
        show::note(&format!("wrote {count} manual pages to {}", folder.display()));
        return Ok(true);
    }
    let (mut command, mut parent) = (&cli, None);
    for name in &args.command {
        let Some(next) = visible(command).find(|command| command.get_name() == name) else {
            let names: Vec<&str> = visible(command).map(Command::get_name).collect();
            let expected = if names.is_empty() { "no further command".into() } else { names.join(", ") };
            return Err(CommandError::settings("COMMAND", format!("expected one of {expected}, got {name:?}")));
        };
        (command, parent) = (next, Some(command));
    }
    // Like `show::print`, ignores a closed pipe.
    let _ = std::io::stdout().write_all(&pages.render(command, parent)?);
    Ok(true)
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// The manual page's name, such as plugpipe-harness-run.
fn title(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

struct Pages {
    /// The program and its version.
    source: String,
}

impl Pages {
    /// Writes the pages of a command and of those below it. Returns their number.
    fn write_all(&self, folder: &Path, command: &Command, parent: Option<&Command>) -> Result<usize, CommandError> {
        let path = folder.join(format!("{}.1", title(command)));
        fs::write(&path, self.render(command, parent)?).map_err(|error| CommandError::unwritable(path, &error))?;
        let mut count = 1;
        for below in visible(command) {
            count += self.write_all(folder, below, Some(command))?;
        }
        Ok(count)
    }

    fn render(&self, command: &Command, parent: Option<&Command>) -> Result<Vec<u8>, CommandError> {
        let mut page = Vec::new();
        self.write(command, parent, &mut page)
            .map_err(|error| CommandError::Failed(format!("cannot write the manual page: {error}")))?;
        Ok(page)
    }

    fn write(&self, command: &Command, parent: Option<&Command>, page: &mut Vec<u8>) -> std::io::Result<()> {
        let man = Man::new(command.clone());
        // Its own title leaves out the date, and with that all after it moves up.
        writeln!(page, ".TH {} 1 \"\" \"{}\" PlugPipe", title(command), self.source)?;
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        if command.get_arguments().any(|arg| !arg.is_hide_set()) {
            man.render_options_section(page)?;
        }
        if visible(command).next().is_some() {
            man.render_subcommands_section(page)?;
        }
        let mut roff = Roff::new();
        let help = command.get_after_long_help().or_else(|| command.get_after_help());
        write_sections(&mut roff, &help.map(ToString::to_string).unwrap_or_default());
        if let Some(parent) = parent {
            roff.control("SH", ["SEE ALSO"]);
            roff.text([bold(title(parent)), roman("(1)")]);
        }
        roff.to_writer(page)
    }
}

/// Writes the text after a command's help: `Heading: text` becomes a section, and indented lines
/// below `Heading:` stay as they are.
fn write_sections(roff: &mut Roff, text: &str) {
    let mut is_verbatim = false;
    let mut end_verbatim = |roff: &mut Roff, begin: bool| {
        match (is_verbatim, begin) {
            (true, false) => drop(roff.control("fi", [])),
            (false, true) => drop(roff.control("nf", [])),
            _ => {}
        }
        is_verbatim = begin;
    };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(example) = line.strip_prefix("  ") {
            end_verbatim(roff, true);
            roff.text([roman(example)]);
            continue;
        }
        end_verbatim(roff, false);
        match line.split_once(':') {
            Some((heading, rest)) => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                if !rest.trim().is_empty() {
                    roff.text([roman(rest.trim())]);
                }
            }
            None => drop(roff.text([roman(line)])),
        }
    }
    end_verbatim(roff, false);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn help_after_the_options_becomes_sections() {
        let mut roff = Roff::new();
        write_sections(&mut roff, "Examples:\n  a | b\n  .c\n\nExit status: 0 success.\nKeys: q quits.");
        let text = roff.render();
        let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with(".SH")).collect();
        let expected = [
            ".SH EXAMPLES",
            ".nf",
            "a | b",
            "\\&.c",
            ".fi",
            ".SH \"EXIT STATUS\"",
            "0 success.",
            ".SH KEYS",
            "q quits.",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn every_command_has_a_page_with_its_parts() {
        let folder = tempfile::tempdir().unwrap();
        let args = ManArgs { command: Vec::new(), out: Some(folder.path().join("man1")) };
        assert!(man(&args, crate::cli::Cli::command()).unwrap());
        let page = |name: &str| fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        let program = page("plugpipe-harness.1");
        for part in [".TH plugpipe-harness 1", ".SH SUBCOMMANDS", "plugpipe\\-harness\\-run(1)", ".SH \"EXIT STATUS\""]
        {
            assert!(program.contains(part), "{part}: {program}");
        }
        assert!(!program.contains("__complete"), "{program}");
        let run = page("plugpipe-harness-run.1");
        for part in [".SH SYNOPSIS", "\\-\\-dry\\-run", ".SH EXAMPLES\n.nf\n", ".SH \"SEE ALSO\""] {
            assert!(run.contains(part), "{part}: {run}");
        }
        assert!(page("plugpipe-harness-dashboards-plan.1").contains("\\-\\-overwrite"));
        let wrong = ManArgs { command: vec!["runn".into()], out: None };
        assert!(man(&wrong, crate::cli::Cli::command()).unwrap_err().to_string().contains("expected one of"));
    }
}
