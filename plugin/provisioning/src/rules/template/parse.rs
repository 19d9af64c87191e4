//! The parser for templates, which also checks that variables and functions are defined.

use super::fault::Fault;
use super::lex::{Kind, Token};
use super::literal;
use super::scope::Scope;
use plugpipe_contract::known::meant;

/// The maximum nesting depth of control structures and parentheses; bounds the use of the stack.
const MAX_DEPTH: usize = 100;

/// Parses the tokens of a whole template.
pub(super) fn parse(tokens: &[Token], scope: &Scope) -> Result<(), Fault> {
    let mut parser = Parser {
        tokens,
        at: 0,
        scope,
        variables: scope.variables.iter().map(|name| (*name).to_owned()).collect(),
        ranges: 0,
        depth: 0,
        defined: Vec::new(),
    };
    parser.document()
}

/// How a list of texts and actions ended.
#[derive(PartialEq, Eq)]
enum Ended {
    End,
    /// `{{else}}`
    Else,
    /// `{{else if` with its `if` not consumed yet; or `{{else with`.
    ElseThen,
}

/// The kind of an operand in a pipeline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    /// A literal or `.`, which cannot be the target of a pipe.
    Fixed,
    Other,
}

struct Parser<'p> {
    tokens: &'p [Token<'p>],
    at: usize,
    scope: &'p Scope,
    /// The variables in scope, newest last.
    variables: Vec<String>,
    /// The number of enclosing `range` blocks.
    ranges: usize,
    depth: usize,
    /// The nonempty templates defined by `define` and `block`.
    defined: Vec<String>,
}

impl<'p> Parser<'p> {
    fn peek(&self) -> Token<'p> {
        let end = Token { at: 0, kind: Kind::End, text: "" };
        self.tokens.get(self.at).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn next(&mut self) -> Token<'p> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
    }

    fn next_solid(&mut self) -> Token<'p> {
        self.skip_space();
        self.next()
    }

    fn peek_solid(&mut self) -> Token<'p> {
        self.skip_space();
        self.peek()
    }

    fn is_keyword(token: Token, word: &str) -> bool {
        token.kind == Kind::Keyword && token.text == word
    }

    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::new(self.peek().at, format!("nesting exceeds {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn document(&mut self) -> Result<(), Fault> {
        while self.peek().kind != Kind::End {
            if self.peek().kind == Kind::Open {
                let open = self.at;
                self.at += 1;
                if Self::is_keyword(self.next_solid(), "define") {
                    self.definition()?;
                    continue;
                }
                self.at = open;
            }
            let at = self.peek().at;
            match self.item()? {
                None => {}
                Some(Ended::End) => return Err(Fault::new(at, "unexpected {{end}}")),
                Some(_) => return Err(Fault::new(at, "{{else}} outside of if, with or range")),
            }
        }
        Ok(())
    }

    /// After `{{define`.
    fn definition(&mut self) -> Result<(), Fault> {
        let name = self.template_name("define")?;
        self.close("define")?;
        self.body(name, "define")
    }

    /// The body of a named template, up to its `{{end}}`; it has its own scope.
    fn body(&mut self, name: Token<'p>, what: &str) -> Result<(), Fault> {
        let variables = core::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = core::mem::take(&mut self.ranges);
        let begin = self.at;
        let ended = self.deeper(|parser| parser.list(name.at, what))?;
        if ended != Ended::End {
            return Err(Fault::new(
                name.at,
                format!("{{{{{what}}}}} must end with {{{{end}}}} and cannot have an else"),
            ));
        }
        self.variables = variables;
        self.ranges = ranges;
        // Without its `{{end}}`: three tokens, and spaces.
        let inside = self.tokens.get(begin..self.at).unwrap_or_default();
        let open = inside.iter().rposition(|token| token.kind == Kind::Open).unwrap_or_default();
        let empty = inside.iter().take(open).all(|token| token.kind == Kind::Text && token.text.trim().is_empty());
        if !empty {
            let unquoted = name.text.trim_matches(['"', '`']).to_owned();
            if self.defined.contains(&unquoted) {
                return Err(Fault::new(name.at, format!("template {} is defined twice", name.text)));
            }
            self.defined.push(unquoted);
        }
        Ok(())
    }

    fn template_name(&mut self, what: &str) -> Result<Token<'p>, Fault> {
        let name = self.next_solid();
        match name.kind {
            Kind::Quoted | Kind::Raw => {
                self.literal(name)?;
                Ok(name)
            }
            _ => Err(Fault::new(
                name.at,
                format!("expected the template's name in quotes after {what}, got {}", shown(name)),
            )),
        }
    }

    fn close(&mut self, what: &str) -> Result<(), Fault> {
        let token = self.next_solid();
        match token.kind {
            Kind::Close => Ok(()),
            _ => Err(Fault::new(token.at, format!("expected }}}} after {what}, got {}", shown(token)))),
        }
    }

    /// Texts and actions up to and including an `{{end}}` or `{{else}}`. `at` is the start of the
    /// enclosing structure.
    fn list(&mut self, at: usize, what: &str) -> Result<Ended, Fault> {
        while self.peek().kind != Kind::End {
            if let Some(ended) = self.item()? {
                return Ok(ended);
            }
        }
        Err(Fault::new(at, format!("{what} has no {{{{end}}}}")))
    }

    fn item(&mut self) -> Result<Option<Ended>, Fault> {
        let token = self.next();
        match token.kind {
            Kind::Text => Ok(None),
            Kind::Open => self.action(),
            _ => Err(Fault::new(token.at, format!("unexpected {}", shown(token)))),
        }
    }

    /// After `{{`.
    fn action(&mut self) -> Result<Option<Ended>, Fault> {
        let token = self.peek_solid();
        if token.kind != Kind::Keyword {
            self.pipeline("action", Kind::Close, false)?;
            return Ok(None);
        }
        self.at += 1;
        match token.text {
            "end" => self.close("end").map(|()| Some(Ended::End)),
            "else" => {
                let next = self.peek_solid();
                if Self::is_keyword(next, "if") || Self::is_keyword(next, "with") {
                    return Ok(Some(Ended::ElseThen));
                }
                self.close("else").map(|()| Some(Ended::Else))
            }
            "if" | "with" | "range" => self.deeper(|parser| parser.control(token)).map(|()| None),
            "break" | "continue" if self.ranges == 0 => {
                Err(Fault::new(token.at, format!("{{{{{}}}}} is outside of any range", token.text)))
            }
            "break" | "continue" => self.close(token.text).map(|()| None),
            "template" => {
                self.template_name("template")?;
                if self.peek_solid().kind == Kind::Close {
                    self.at += 1;
                } else {
                    self.pipeline("template", Kind::Close, false)?;
                }
                Ok(None)
            }
            "block" => {
                let name = self.template_name("block")?;
                self.pipeline("block", Kind::Close, false)?;
                self.body(name, "block")?;
                Ok(None)
            }
            "define" => Err(Fault::new(
                token.at,
                "define is only valid at the top level, not within if, with, range or another define",
            )),
            other => Err(Fault::new(token.at, format!("unexpected {other}"))),
        }
    }

    /// After `if`, `with` or `range`, up to its `{{end}}`.
    fn control(&mut self, keyword: Token<'p>) -> Result<(), Fault> {
        let variables = self.variables.len();
        let range = keyword.text == "range";
        self.pipeline(keyword.text, Kind::Close, range)?;
        self.ranges += usize::from(range);
        let ended = self.list(keyword.at, keyword.text)?;
        self.ranges -= usize::from(range);
        match ended {
            Ended::End => {}
            Ended::ElseThen => {
                let then = self.next_solid();
                if then.text != keyword.text || range {
                    return Err(Fault::new(then.at, format!("{} has no else {}", keyword.text, then.text)));
                }
                // Both end with the same `{{end}}`.
                self.deeper(|parser| parser.control(then))?;
            }
            Ended::Else => {
                if self.list(keyword.at, keyword.text)? != Ended::End {
                    return Err(Fault::new(
                        keyword.at,
                        format!("{} has a second else; expected {{{{end}}}}", keyword.text),
                    ));
                }
            }
        }
        self.variables.truncate(variables);
        Ok(())
    }

    /// `$a, $b := command | command`, up to and including `end`.
    fn pipeline(&mut self, what: &str, end: Kind, range: bool) -> Result<(), Fault> {
        let begin = self.peek_solid();
        self.declarations(what, range)?;
        let mut stages = 0;
        loop {
            let token = self.peek_solid();
            match token.kind {
                kind if kind == end => {
                    self.at += 1;
                    break;
                }
                Kind::Bool
                | Kind::Character
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::Raw
                | Kind::Quoted
                | Kind::Variable
                | Kind::OpenParen => {
                    let first = self.command()?;
                    if stages > 0 && first == Operand::Fixed {
                        return Err(Fault::new(
                            token.at,
                            format!("{} cannot be the target of a |; expected a function", token.text),
                        ));
                    }
                    stages += 1;
                }
                _ => return Err(Fault::new(token.at, format!("unexpected {} in {what}", shown(token)))),
            }
        }
        if stages == 0 {
            return Err(Fault::new(begin.at, format!("{what} has no value; expected a variable, function or literal")));
        }
        Ok(())
    }

    fn declarations(&mut self, what: &str, range: bool) -> Result<(), Fault> {
        for count in 1.. {
            let begin = self.at;
            let variable = self.peek_solid();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.at += 1;
            match self.peek_solid().kind {
                Kind::Assign | Kind::Declare => {
                    self.at += 1;
                    self.variables.push(variable.text.to_owned());
                    return Ok(());
                }
                Kind::Comma if range && count == 1 => {
                    self.at += 1;
                    self.variables.push(variable.text.to_owned());
                    let next = self.peek_solid();
                    if !matches!(next.kind, Kind::Variable | Kind::Close | Kind::CloseParen) {
                        return Err(Fault::new(next.at, "expected a variable after the comma"));
                    }
                }
                Kind::Comma => {
                    return Err(Fault::new(variable.at, format!("{what} declares too many variables")));
                }
                _ => {
                    self.at = begin;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Operands separated by spaces, up to and including `|`, or up to the end of the pipeline.
    fn command(&mut self) -> Result<Operand, Fault> {
        let mut first = None;
        loop {
            self.skip_space();
            if let Some(operand) = self.operand()? {
                first.get_or_insert(operand);
            }
            let token = self.peek();
            match token.kind {
                Kind::Space => {}
                Kind::Close | Kind::CloseParen => break,
                Kind::Pipe => {
                    self.at += 1;
                    break;
                }
                _ => {
                    return Err(Fault::new(
                        token.at,
                        format!("unexpected {}; expected a space, | or }}}}", shown(token)),
                    ));
                }
            }
        }
        first.ok_or_else(|| Fault::new(self.peek().at, "empty command"))
    }

    /// An operand with its field accesses.
    fn operand(&mut self) -> Result<Option<Operand>, Fault> {
        let token = self.peek();
        let operand = match token.kind {
            Kind::Identifier => {
                if !self.scope.functions.contains(&token.text) {
                    let near = meant(token.text, self.scope.functions.iter().copied());
                    return Err(Fault::new(token.at, format!("unknown function {}{near}", token.text)));
                }
                Operand::Other
            }
            Kind::Variable => {
                if !self.variables.iter().any(|name| name == token.text) {
                    let near = meant(token.text, self.variables.iter().map(String::as_str));
                    return Err(Fault::new(token.at, format!("undefined variable {}{near}", token.text)));
                }
                Operand::Other
            }
            Kind::Field => Operand::Other,
            Kind::Dot | Kind::Nil | Kind::Bool => Operand::Fixed,
            Kind::Number | Kind::Character | Kind::Quoted | Kind::Raw => {
                self.literal(token)?;
                Operand::Fixed
            }
            Kind::OpenParen => {
                self.at += 1;
                self.deeper(|parser| parser.pipeline("( )", Kind::CloseParen, false))?;
                // The code below advances past the parenthesis.
                self.at -= 1;
                Operand::Other
            }
            _ => return Ok(None),
        };
        self.at += 1;
        if operand == Operand::Fixed && self.peek().kind == Kind::Field {
            return Err(Fault::new(self.peek().at, format!("{} has no fields", token.text)));
        }
        while self.peek().kind == Kind::Field {
            self.at += 1;
        }
        Ok(Some(operand))
    }

    fn literal(&self, token: Token) -> Result<(), Fault> {
        let inside =
            |quote: char| token.text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or_default();
        let escape = |escape: String| {
            Fault::new(token.at, format!("{} contains {escape}, which is not a valid Go escape", token.text))
        };
        match token.kind {
            Kind::Number if !literal::is_number(token.text) => {
                Err(Fault::new(token.at, format!("{} is not a valid 64-bit number", token.text)))
            }
            Kind::Quoted => literal::unquoted_length(inside('"'), '"').map(|_| ()).map_err(escape),
            Kind::Character => match literal::unquoted_length(inside('\''), '\'').map_err(escape)? {
                1 => Ok(()),
                _ => Err(Fault::new(
                    token.at,
                    format!("{} is not a single character; use double quotes for strings", token.text),
                )),
            },
            _ => Ok(()),
        }
    }
}

fn shown(token: Token) -> String {
    match token.kind {
        Kind::End => "the template's end".into(),
        _ => format!("{:?}", plugpipe_contract::error::excerpt(token.text, 40)),
    }
}
