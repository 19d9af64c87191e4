//! `completions`: scripts for shells, which ask the hidden command `__complete` what may stand at
//! the cursor: commands, options, paths, and the loaded plug's operations and their fields.
//!
//! | module | purpose |
//! |---|---|
//! | `line` | reads a command line up to the cursor |

mod line;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use plugpipe_harness::{CommandError, printable};
use serde_json::Value;

use super::plug_args::PlugArgs;
use super::{schema, show};
use line::{Line, Wanted};

/// Write completions for a shell
///
/// Those for bash, zsh and fish complete commands, options, paths, the plug's operations and their
/// fields; the others commands and options.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness completions bash > ~/.local/share/bash-completion/completions/plugpipe-harness\n  \
    plugpipe-harness completions zsh > ~/.zfunc/_plugpipe-harness    # with ~/.zfunc in fpath, before compinit\n  \
    plugpipe-harness completions fish > ~/.config/fish/completions/plugpipe-harness.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs, mut cli: Command) -> Result<bool, CommandError> {
    let script = match args.shell {
        Shell::Bash => include_str!("bash.sh").into(),
        Shell::Zsh => include_str!("zsh.zsh").into(),
        Shell::Fish => include_str!("fish.fish").into(),
        shell => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut cli, "plugpipe-harness", &mut text);
            text
        }
    };
    // Like `show::print`, ignores a closed pipe.
    let _ = std::io::stdout().write_all(&script);
    Ok(true)
}

/// What the scripts ask. The first line of the response says what may stand at the cursor: `words`,
/// each in a line of its own, or `files N` or `folders N`, after N bytes of the last word.
#[derive(Args)]
pub(crate) struct CompleteArgs {
    asks: Asking,
    /// The words after the program's name, up to the cursor
    #[arg(last = true)]
    words: Vec<String>,
}

/// Shells with a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Asking {
    /// Passes words with their quotes, and has no place for descriptions
    Bash,
    Zsh,
    Fish,
}

pub(crate) async fn complete(args: CompleteArgs, mut cli: Command) -> Result<bool, CommandError> {
    cli.build();
    let mut words = args.words;
    if args.asks == Asking::Bash {
        words.iter_mut().for_each(|word| *word = line::unquoted(word));
    }
    let typed = words.pop().unwrap_or_default();
    let line = Line::read(&cli, &words);
    let mut found = match line.wanted(&typed) {
        Wanted::File(after) => return Ok(print(&format!("files {after}"))),
        Wanted::Folder(after) => return Ok(print(&format!("folders {after}"))),
        Wanted::Words(words) => words,
        Wanted::Operation => operations(&line).await?,
        Wanted::Field(operation) => {
            let given = line.positionals().iter().skip(1).filter_map(|field| field.split_once('='));
            let given: BTreeSet<&str> = given.map(|(key, _)| key.trim_end_matches(':')).collect();
            schema::completions(&schema_of(&line, &operation).await?, &typed, &given)
        }
    };
    found.retain(|(word, _)| word.starts_with(&typed));
    print("words");
    for (word, what) in found {
        let is_described = args.asks != Asking::Bash && !what.is_empty();
        print(&if is_described { format!("{word}\t{what}") } else { word });
    }
    Ok(true)
}

fn print(text: &str) -> bool {
    // Words and descriptions of a plug were escaped where they were read; a tab stays one.
    show::print_painted(text);
    true
}

/// The plug that the command line names.
fn plug(line: &Line<'_>) -> PlugArgs {
    let path = line.value("plug").map(PathBuf::from);
    PlugArgs::of_component(path.or_else(|| std::env::var_os("PLUGPIPE_PLUG").map(PathBuf::from)))
}

/// The plug's operations. A name that a shell would not take as a word is left out: pressing Tab
/// must not put a command of a plug into the line.
async fn operations(line: &Line<'_>) -> Result<Vec<(String, String)>, CommandError> {
    let plug = plug(line).plug()?;
    let description = plug.describe().await?;
    let operations = description.operations.iter().filter(|operation| schema::is_word(&operation.name));
    Ok(operations.map(|operation| (operation.name.clone(), printable::line(&operation.summary).into_owned())).collect())
}

async fn schema_of(line: &Line<'_>, operation: &str) -> Result<Value, CommandError> {
    let schema = plug(line).plug()?.schema(operation).await?;
    Ok(schema.and_then(|schema| serde_json::from_str(&schema).ok()).unwrap_or_default())
}
