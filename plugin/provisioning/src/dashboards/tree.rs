//! JSON that can be changed: a tree that owns what it holds. [`plugpipe_contract::json::Json`]
//! borrows from its text, and is only read.

use plugpipe_contract::json::Json;
use plugpipe_metrics::exposition::json::string;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number, as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// An object.
    Map(Map),
}

/// The members of an object, in their order. Of two with the same name the later one counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map(Vec<(String, Tree)>);

impl Map {
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The value of that name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tree> {
        self.0.iter_mut().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The value of that name, if it is there and not null.
    pub fn some(&self, name: &str) -> Option<&Tree> {
        self.get(name).filter(|value| **value != Tree::Null)
    }

    /// The text of that name, if it is one that is not blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Tree::Text(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    /// The whole number of that name.
    pub fn whole(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Tree::Number(number)) => number.parse().ok(),
            _ => None,
        }
    }

    /// The object of that name.
    pub fn map(&self, name: &str) -> Option<&Map> {
        match self.get(name) {
            Some(Tree::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// The items of the list of that name; none of them where there is no list.
    pub fn list(&self, name: &str) -> &[Tree] {
        match self.get(name) {
            Some(Tree::List(list)) => list,
            _ => &[],
        }
    }

    /// Puts a value under that name.
    pub fn set(&mut self, name: &str, value: impl Into<Tree>) {
        match self.get_mut(name) {
            Some(place) => *place = value.into(),
            None => self.0.push((name.to_owned(), value.into())),
        }
    }

    /// Puts a value under that name, where there is none or null.
    pub fn set_default(&mut self, name: &str, value: impl Into<Tree>) {
        if self.some(name).is_none() {
            self.set(name, value);
        }
    }

    /// Takes a member out; the value, if it was there.
    pub fn take(&mut self, name: &str) -> Option<Tree> {
        let mut taken = None;
        while let Some(at) = self.0.iter().rposition(|(own, _)| own == name) {
            let (_, value) = self.0.remove(at);
            taken = taken.or(Some(value));
        }
        taken
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Names, and values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Tree)> {
        self.0.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    /// The same with all members sorted by their names, and each there once: for what must not depend on their order.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut members: std::collections::BTreeMap<&str, Tree> = std::collections::BTreeMap::new();
        for (name, value) in self.iter() {
            members.insert(name, value.sorted());
        }
        Self(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// As JSON.
    pub fn json(&self) -> String {
        let mut out = Vec::new();
        write_map(self, &mut out);
        // It is made of texts and ASCII only.
        String::from_utf8(out).unwrap_or_default()
    }
}

impl IntoIterator for Map {
    type Item = (String, Tree);
    type IntoIter = std::vec::IntoIter<(String, Tree)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<const N: usize> From<[(&str, Tree); N]> for Map {
    fn from(members: [(&str, Tree); N]) -> Self {
        Self(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl<const N: usize> From<[(&str, Tree); N]> for Tree {
    fn from(members: [(&str, Tree); N]) -> Self {
        Self::Map(members.into())
    }
}

impl From<Map> for Tree {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Tree {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Tree {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<Vec<Tree>> for Tree {
    fn from(list: Vec<Tree>) -> Self {
        Self::List(list)
    }
}

impl Tree {
    /// Parses a JSON text. The error says what was found, with line and column; nesting is bounded.
    pub fn parse(text: &str) -> Result<Self, String> {
        Json::parse(text).map(|json| Self::of(&json))
    }

    // As deep as the reader's bound on nesting.
    fn of(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Flag(*flag),
            Json::Number(number) => Self::Number(number.to_string()),
            Json::String(text) => Self::Text(text.clone().into_owned()),
            Json::Array(list) => Self::List(list.iter().map(Self::of).collect()),
            Json::Object(object) => {
                Self::Map(Map(object.iter().map(|(name, value)| (name.to_owned(), Self::of(value))).collect()))
            }
        }
    }

    /// Whether two values mean the same: numbers by their value.
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => one == two || one.parse::<f64>().ok() == two.parse::<f64>().ok(),
            (one, two) => one == two,
        }
    }

    fn sorted(&self) -> Self {
        match self {
            Self::Map(map) => Self::Map(map.sorted()),
            Self::List(list) => Self::List(list.iter().map(Self::sorted).collect()),
            other => other.clone(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        let mut out = Vec::new();
        write(self, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

// As deep as the reader's bound on nesting.
fn write(tree: &Tree, out: &mut Vec<u8>) {
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Flag(true) => out.extend_from_slice(b"true"),
        Tree::Flag(false) => out.extend_from_slice(b"false"),
        Tree::Number(number) => out.extend_from_slice(number.as_bytes()),
        Tree::Text(text) => string(text, out),
        Tree::List(list) => {
            out.push(b'[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Tree::Map(map) => write_map(map, out),
    }
}

fn write_map(map: &Map, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in map.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(name, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}
