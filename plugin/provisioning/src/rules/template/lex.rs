//! The lexer for templates.

use super::fault::Fault;

/// A token, and its byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// The source text.
    pub(super) text: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// `{{`, with its trim marker.
    Open,
    /// `}}`, with its trim marker.
    Close,
    /// White space between operands, which separates them.
    Space,
    Identifier,
    Keyword,
    Bool,
    Nil,
    /// `.`
    Dot,
    /// `.name`
    Field,
    /// `$` or `$name`
    Variable,
    Number,
    Character,
    Quoted,
    Raw,
    Pipe,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    Comma,
    OpenParen,
    CloseParen,
    End,
}

pub(super) const KEYWORDS: [&str; 11] =
    ["block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"];

const ENDLESS: &str = "{{ is not closed by }}; to write a literal {{, use {{ \"{{\" }}";

/// Splits a template into tokens, ending with one of kind [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer { text, at: 0, begin: 0, parens: 0, tokens: Vec::new() };
    while let Some(open) = lexer.rest().find("{{") {
        lexer.begin = lexer.at;
        lexer.at += open;
        if open > 0 {
            lexer.push(Kind::Text);
        }
        lexer.action()?;
    }
    lexer.begin = lexer.at;
    lexer.at = text.len();
    if lexer.begin < lexer.at {
        lexer.push(Kind::Text);
    }
    lexer.push(Kind::End);
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The start of the current token.
    begin: usize,
    parens: usize,
    tokens: Vec<Token<'t>>,
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// The characters of names.
pub(super) fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }

    fn push(&mut self, kind: Kind) {
        let text = self.text.get(self.begin..self.at).unwrap_or_default();
        // Keywords and literals look like names.
        let kind = match kind {
            Kind::Identifier if text == "nil" => Kind::Nil,
            Kind::Identifier if matches!(text, "true" | "false") => Kind::Bool,
            Kind::Identifier if KEYWORDS.contains(&text) => Kind::Keyword,
            other => other,
        };
        self.tokens.push(Token { at: self.begin, kind, text });
    }

    /// Lexes an action, from `{{` to after its `}}`.
    fn action(&mut self) -> Result<(), Fault> {
        let open = self.at;
        self.begin = open;
        self.at += 2;
        if self.rest().strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space)) {
            self.at += 1;
        }
        // Only after a trim marker may white space precede a comment.
        let space = if self.at > open + 2 { self.rest().chars().next().map_or(0, char::len_utf8) } else { 0 };
        if self.rest().get(space..).is_some_and(|rest| rest.starts_with("/*")) {
            self.at += space;
            return self.comment();
        }
        self.push(Kind::Open);
        self.parens = 0;
        loop {
            self.begin = self.at;
            if let Some(length) = self.close() {
                if self.parens > 0 {
                    return Err(Fault::new(self.at, "unclosed (; expected ) before }}"));
                }
                self.at += length;
                self.push(Kind::Close);
                return Ok(());
            }
            let Some(next) = self.next() else { return Err(Fault::new(open, ENDLESS)) };
            self.token(next, open)?;
        }
    }

    /// The length of `}}` or ` -}}`, if it comes next.
    fn close(&self) -> Option<usize> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            return Some(2);
        }
        let mut characters = rest.chars();
        (characters.next().is_some_and(is_space) && characters.as_str().starts_with("-}}")).then_some(4)
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let begin = self.at;
        let Some(end) = self.rest().find("*/") else { return Err(Fault::new(begin, "/* is not closed by */")) };
        self.at += end + 2;
        match self.close() {
            Some(length) => {
                self.at += length;
                Ok(())
            }
            None => {
                Err(Fault::new(begin, "a comment must be the only content of its {{ }}; expected }} right after */"))
            }
        }
    }

    fn token(&mut self, first: char, open: usize) -> Result<(), Fault> {
        match first {
            _ if is_space(first) => {
                // The last space may belong to a ` -}}`.
                while self.close().is_none() && self.peek().is_some_and(is_space) {
                    self.next();
                }
                self.push(Kind::Space);
            }
            '=' => self.push(Kind::Assign),
            ':' if self.next() == Some('=') => self.push(Kind::Declare),
            ':' => return Err(Fault::new(self.begin, "expected := after the variable")),
            '|' => self.push(Kind::Pipe),
            ',' => self.push(Kind::Comma),
            '(' => {
                self.parens += 1;
                self.push(Kind::OpenParen);
            }
            ')' if self.parens == 0 => return Err(Fault::new(self.begin, "unmatched )")),
            ')' => {
                self.parens -= 1;
                self.push(Kind::CloseParen);
            }
            '"' => self.quoted('"', Kind::Quoted)?,
            '\'' => self.quoted('\'', Kind::Character)?,
            '`' => match self.rest().find('`') {
                Some(end) => {
                    self.at += end + 1;
                    self.push(Kind::Raw);
                }
                None => return Err(Fault::new(self.begin, "the quote ` is not closed")),
            },
            '$' => self.word(Kind::Variable, Kind::Variable)?,
            '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => self.word(Kind::Dot, Kind::Field)?,
            '.' | '+' | '-' | '0'..='9' => self.number(first)?,
            _ if is_word(first) => self.word(Kind::Identifier, Kind::Identifier)?,
            '{' if self.rest().starts_with('{') => {
                return Err(Fault::new(
                    open,
                    "{{ inside another action; an action must end with }} before the next one begins",
                ));
            }
            other => {
                let calculates = if "*/%<>!&^".contains(other) {
                    "; templates have no arithmetic or comparison operators: use the expression, or functions such as gt"
                } else {
                    ""
                };
                return Err(Fault::new(self.begin, format!("unexpected {other:?}{calculates}")));
            }
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char, kind: Kind) -> Result<(), Fault> {
        let unclosed = Fault::new(self.begin, format!("the quote {quote} is not closed on its line"));
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|next| next != '\n') => {
                    self.next();
                }
                Some(next) if next == quote => break,
                None | Some('\n' | '\\') => return Err(unclosed),
                Some(_) => {}
            }
        }
        self.push(kind);
        Ok(())
    }

    /// Lexes a name, field or variable; without a name it is of kind `alone`.
    fn word(&mut self, alone: Kind, named: Kind) -> Result<(), Fault> {
        let begin = self.at;
        self.skip(is_word);
        let ends = self.rest().starts_with("}}")
            || self.peek().is_none_or(|next| is_space(next) || matches!(next, '.' | ',' | '|' | ':' | ')' | '('));
        if !ends {
            let odd = self.peek().unwrap_or_default();
            let written = self.text.get(self.begin..self.at).unwrap_or_default();
            return Err(Fault::new(self.at, format!("unexpected {odd:?} after {written}")));
        }
        self.push(if self.at == begin { alone } else { named });
        Ok(())
    }

    fn number(&mut self, first: char) -> Result<(), Fault> {
        self.at -= first.len_utf8();
        let length = super::literal::number_length(self.rest());
        self.at += length;
        if length == 0 || self.peek().is_some_and(is_word) {
            self.skip(is_word);
            let written = self.text.get(self.begin..self.at.max(self.begin + 1)).unwrap_or_default();
            return Err(Fault::new(self.begin, format!("{written} is not a number")));
        }
        self.push(Kind::Number);
        Ok(())
    }
}
