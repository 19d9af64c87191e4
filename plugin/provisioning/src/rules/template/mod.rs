//! Go's templates, as labels and annotations of alerts hold them: parsed as the server parses them
//! when it loads a rule file.
//!
//! A server refuses a whole file for one template that does not parse. What happens when a template
//! runs (a field that does not exist, an argument of the wrong type) it shows in the alert instead,
//! so that is not looked at here.
//!
//! | file | what it is for |
//! |---|---|
//! | `fault` | what is wrong, and where |
//! | `scope` | the functions and variables of each evaluator |
//! | `lex` | a text as tokens |
//! | `parse` | the grammar; variables and functions that must be defined |
//! | `literal` | numbers, characters and quoted texts |

mod fault;
mod lex;
mod literal;
mod parse;
mod scope;

use super::known::Evaluator;
use scope::Scope;

impl Evaluator {
    /// Checks a template of an alert that it loads. The error says where, what was found and what
    /// was expected.
    pub fn check_template(self, text: &str) -> Result<(), String> {
        if !text.contains("{{") {
            return Ok(());
        }
        let tokens = lex::tokens(text).map_err(|fault| fault.message(text))?;
        parse::parse(&tokens, &Scope::of(self)).map_err(|fault| fault.message(text))
    }
}

#[cfg(test)]
mod tests;
