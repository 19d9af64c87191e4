//! Where the cursor of a command line is, and what may stand there.

use clap::{Arg, ArgAction, Command, ValueHint};

/// What may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One of these words, with what it is.
    Words(Vec<(String, String)>),
    /// A path, after so many bytes of the word.
    File(usize),
    /// A folder, after so many bytes of the word.
    Folder(usize),
    /// An operation of the plug.
    Operation,
    /// A field of this operation.
    Field(String),
}

/// A command line up to the word before the cursor.
pub(super) struct Line<'l> {
    command: &'l Command,
    positionals: Vec<&'l str>,
    /// Options with their values.
    options: Vec<(&'l Arg, Option<&'l str>)>,
    /// The last option, if its value is still to come.
    open: Option<&'l Arg>,
    /// Whether `--` ended the options.
    is_escaped: bool,
}

impl<'l> Line<'l> {
    /// Reads the words between the program and the cursor. The command must be built.
    pub(super) fn read(root: &'l Command, words: &'l [String]) -> Self {
        let mut line =
            Self { command: root, positionals: Vec::new(), options: Vec::new(), open: None, is_escaped: false };
        for word in words {
            line.push(word);
        }
        line
    }

    fn push(&mut self, word: &'l str) {
        if let Some(option) = self.open.take() {
            self.options.push((option, Some(word)));
        } else if self.is_escaped {
            self.positionals.push(word);
        } else if word == "--" {
            self.is_escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            self.option(self.arguments().find(|arg| arg.get_long() == Some(name)), value);
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            self.shorts(shorts);
        } else if let Some(command) = self.subcommands().find(|command| command.get_name() == word) {
            self.command = command;
        } else {
            self.positionals.push(word);
        }
    }

    fn shorts(&mut self, shorts: &'l str) {
        for (index, short) in shorts.char_indices() {
            let Some(option) = self.arguments().find(|arg| arg.get_short() == Some(short)) else { return };
            let rest = shorts.get(index + short.len_utf8()..).filter(|rest| !rest.is_empty());
            if takes_value(option) && rest.is_some() {
                return self.option(Some(option), rest);
            }
            self.option(Some(option), None);
        }
    }

    fn option(&mut self, option: Option<&'l Arg>, value: Option<&'l str>) {
        match option {
            Some(option) if value.is_none() && takes_value(option) => self.open = Some(option),
            Some(option) => self.options.push((option, value)),
            // Unknown, as are the options of a later version.
            None => {}
        }
    }

    fn arguments(&self) -> impl Iterator<Item = &'l Arg> + use<'l> {
        self.command.get_arguments().filter(|arg| !arg.is_hide_set())
    }

    fn subcommands(&self) -> impl Iterator<Item = &'l Command> + use<'l> {
        let fits = self.positionals.is_empty();
        self.command.get_subcommands().filter(move |command| fits && !command.is_hide_set())
    }

    /// The value of an option.
    pub(super) fn value(&self, id: &str) -> Option<&'l str> {
        self.options.iter().rev().find(|(option, _)| option.get_id() == id).and_then(|(_, value)| *value)
    }

    /// The arguments that are no options, after the command's name.
    pub(super) fn positionals(&self) -> &[&'l str] {
        &self.positionals
    }

    /// What may stand at the cursor, of which `typed` is there. Words need not begin with that.
    pub(super) fn wanted(&self, typed: &str) -> Wanted {
        if let Some(option) = self.open {
            return self.of_value(option, typed, 0);
        }
        if !self.is_escaped && typed.starts_with('-') {
            return match typed.split_once('=') {
                Some((name, value)) => {
                    let option = self.arguments().find(|arg| arg.get_long() == name.strip_prefix("--"));
                    option.map_or(Wanted::Words(Vec::new()), |option| self.of_value(option, value, name.len() + 1))
                }
                None => Wanted::Words(self.options_to_give()),
            };
        }
        let mut words: Vec<(String, String)> = self
            .subcommands()
            .map(|command| (command.get_name().to_owned(), first_line(command.get_about())))
            .collect();
        if let Some(positional) = self.positional() {
            match self.of_value(positional, typed, 0) {
                Wanted::Words(more) => words.extend(more),
                wanted => return wanted,
            }
        }
        if words.is_empty() && typed.is_empty() && !self.is_escaped {
            words = self.options_to_give();
        }
        Wanted::Words(words)
    }

    /// The positional argument at the cursor.
    fn positional(&self) -> Option<&'l Arg> {
        let index = self.positionals.len() + 1;
        let mut positionals = self.command.get_positionals();
        let is_here = |arg: &&Arg| {
            arg.get_index() == Some(index)
                || arg.get_index() < Some(index) && matches!(arg.get_action(), ArgAction::Append)
        };
        positionals.find(is_here)
    }

    fn options_to_give(&self) -> Vec<(String, String)> {
        let repeats = |arg: &Arg| matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
        let is_given = |arg: &Arg| self.options.iter().any(|(option, _)| option.get_id() == arg.get_id());
        let options = self.arguments().filter(|arg| repeats(arg) || !is_given(arg));
        options.filter_map(|arg| Some((format!("--{}", arg.get_long()?), first_line(arg.get_help())))).collect()
    }

    /// What may be the value of an argument that begins after `before` bytes of the word.
    fn of_value(&self, arg: &Arg, typed: &str, before: usize) -> Wanted {
        match (self.command.get_name(), arg.get_id().as_str()) {
            ("call", "operation") => return Wanted::Operation,
            ("call", "fields") => {
                return Wanted::Field(self.positionals.first().copied().unwrap_or_default().to_owned());
            }
            _ => {}
        }
        match arg.get_value_hint() {
            ValueHint::DirPath => return Wanted::Folder(before),
            ValueHint::FilePath | ValueHint::AnyPath => return Wanted::File(before),
            _ => {}
        }
        // Such as `--ctx @FILE` and `--stub NAME=ANSWER.json`.
        for (place, sign) in [("@FILE", '@'), ("=ANSWER.json", '=')] {
            let takes_file = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains(place)));
            if let Some(at) = typed.find(sign).filter(|_| takes_file) {
                return Wanted::File(before + at + 1);
            }
        }
        let option = if before > 0 { format!("--{}=", arg.get_long().unwrap_or_default()) } else { String::new() };
        let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
        let values = values.map(|value| (format!("{option}{}", value.get_name()), first_line(value.get_help())));
        Wanted::Words(values.collect())
    }
}

/// Whether the next word is the option's value.
fn takes_value(option: &Arg) -> bool {
    option.get_num_args().is_some_and(|count| count.takes_values()) && !option.is_require_equals_set()
}

fn first_line(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(|help| help.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// Removes the quotes of bash from a word as it is typed; the last quote may be missing.
pub(super) fn unquoted(word: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut rest = word.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => out.extend(rest.next()),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// What may stand at the end of a line; the words are those that begin with what is typed.
    fn wanted(line: &str) -> Wanted {
        let mut root = crate::cli::Cli::command();
        root.build();
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let typed = words.pop().unwrap_or_default();
        match Line::read(&root, &words).wanted(&typed) {
            Wanted::Words(mut words) => {
                words.retain(|(word, _)| word.starts_with(&typed));
                Wanted::Words(words)
            }
            wanted => wanted,
        }
    }

    fn words(line: &str) -> Vec<String> {
        match wanted(line) {
            Wanted::Words(words) => words.into_iter().map(|(word, _)| word).collect(),
            wanted => vec![format!("{wanted:?}")],
        }
    }

    #[test]
    fn commands_options_and_values_are_found_where_they_may_stand() {
        assert_eq!(words("das"), ["dashboards"]);
        assert_eq!(words("dashboards pl"), ["plan"]);
        assert_eq!(words("-v --log.format=json dash"), ["dashboards"]);
        assert_eq!(words("--log.format lo"), ["logfmt"]);
        assert_eq!(words("--log.format=lo"), ["--log.format=logfmt"]);
        assert_eq!(words("call x -o y"), ["yaml"]);
        assert_eq!(words("call -oy x --out"), [""; 0], "it is given");
        assert_eq!(words("run --inp"), ["--input"]);
        assert_eq!(words("run --input a=b --inp"), ["--input"], "it may be repeated");
        assert_eq!(words("run --json --dry"), ["--dry-run"], "the value of --json needs an equals sign");
        assert_eq!(words("completions f"), ["fish"]);
        assert!(words("query ").contains(&"--range".to_owned()) && words("query -- ").is_empty());
        assert!(!words("").iter().any(|word| word.starts_with('_')), "hidden commands");
    }

    #[test]
    fn paths_operations_and_fields_are_asked_for() {
        for (line, expected) in [
            ("run ", Wanted::File(0)),
            ("run p.yaml --state ", Wanted::Folder(0)),
            ("run --config=x", Wanted::File("--config=".len())),
            ("check a.yaml b", Wanted::File(0)),
            ("call x --ctx @dir/", Wanted::File(1)),
            ("run --stub notify=a", Wanted::File("notify=".len())),
            ("init ", Wanted::Folder(0)),
            ("call --plug p.wasm rec", Wanted::Operation),
            ("call record_counter a=b met", Wanted::Field("record_counter".into())),
            ("call --config c.yaml record_counter ", Wanted::Field("record_counter".into())),
        ] {
            assert_eq!(wanted(line), expected, "{line}");
        }
    }

    #[test]
    fn quotes_of_bash_are_removed() {
        for (word, text) in [(r#""a b"c"#, "a bc"), (r"a\ b", "a b"), (r#"'a"\b"#, r#"a"\b"#), ("plain", "plain")] {
            assert_eq!(unquoted(word), text);
        }
    }
}
