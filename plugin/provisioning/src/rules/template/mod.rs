//! Go templates in labels and annotations of alerts, parsed as the server does when it loads a rule
//! file.
//!
//! A server rejects a whole file because of one template that does not parse. Errors at execution
//! (a missing field, an argument of the wrong type) appear in the alert instead and are not checked
//! here.
//!
//! | file | purpose |
//! |---|---|
//! | `fault` | errors with positions |
//! | `scope` | the functions and variables of each evaluator |
//! | `lex` | the lexer |
//! | `parse` | the grammar; checks that variables and functions are defined |
//! | `literal` | numbers, characters and strings |

mod fault;
mod lex;
mod literal;
mod parse;
mod scope;

use super::known::Evaluator;
use scope::Scope;

impl Evaluator {
    /// Checks a template of an alert. The error says where, what was found and what was expected.
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
