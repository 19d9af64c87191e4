//! Metadata lines, and where families begin and end.

use std::borrow::Cow;

use super::super::checks::too_long;
use super::super::event::{Event, ParseError};
use super::super::scan::Escapes;
use super::Reader;
use super::state::FamilyState;
use crate::exposition::escaping::is_plain_metric_name;
use crate::model::FamilyType;

/// The sample name suffixes of all types.
const SUFFIXES: [&str; 9] = ["", "_total", "_created", "_count", "_sum", "_bucket", "_gcount", "_gsum", "_info"];

/// The type that a `# TYPE` line names.
fn type_named(text: &str) -> Result<FamilyType, String> {
    const KINDS: [FamilyType; 8] = [
        FamilyType::Counter,
        FamilyType::Gauge,
        FamilyType::Histogram,
        FamilyType::GaugeHistogram,
        FamilyType::Summary,
        FamilyType::Info,
        FamilyType::StateSet,
        FamilyType::Unknown,
    ];
    if let Some(kind) = KINDS.into_iter().find(|kind| kind.name() == text) {
        return Ok(kind);
    }
    if KINDS.iter().any(|kind| kind.name() == text.trim()) {
        return Err("extra spaces around the metric's type; expected one before it and none after it".into());
    }
    Err(format!(
        "unknown metric type {:?}; expected counter, gauge, histogram, gaugehistogram, stateset, info, summary or unknown",
        crate::error::excerpt(text, 40)
    ))
}

/// Checks a unit; names end with it up to version 1.0.
fn check_unit(name: &str, unit: &str, is_second: bool) -> Result<(), String> {
    let fits = name.strip_suffix(unit).is_some_and(|before| before.ends_with('_'));
    if is_second && !unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte)) {
        return Err("expected a unit of letters, digits, _ and : only".into());
    }
    if !is_second && !unit.is_empty() && !fits {
        return Err(format!(
            "the metric's name does not end with the unit {:?}; expected a name that ends with _ and the unit",
            crate::error::excerpt(unit, 40)
        ));
    }
    Ok(())
}

impl<'a> Reader<'a> {
    /// Parses a line that begins with `#`; `None` for `# EOF`.
    pub(super) fn metadata<'p>(&mut self) -> Result<Option<Event<'p, 'a>>, ParseError>
    where
        'a: 'p,
    {
        let line = self.cursor.at;
        if self.cursor.eat_text("# EOF") {
            self.cursor.eat(b'\n');
            if !self.cursor.is_at_end() {
                return Err(self.cursor.fault("something follows # EOF; expected the end of the input"));
            }
            self.close_family()?;
            self.done = true;
            return Ok(None);
        }
        let (keyword, name, start) = self.keyword_and_name()?;
        if self.families.last().is_none_or(|family| family.name != name) {
            self.open_family(name, start)?;
        } else if self.families.last().is_some_and(|family| family.has_samples) {
            return Err(self
                .cursor
                .fault_at(line, format!("# {keyword} comes after samples of its metric; put it before them")));
        }
        let text_at = self.cursor.at;
        let text =
            if keyword == "HELP" { self.cursor.help(Escapes::Any)? } else { Cow::Borrowed(self.cursor.rest_of_line()) };
        if !self.cursor.eat(b'\n') {
            return Err(self.cursor.unexpected("the end of the line"));
        }
        let place = self.families.len().saturating_sub(1);
        let again = match (self.families.last(), keyword) {
            (Some(family), "TYPE") => family.kind.is_some(),
            (Some(family), "HELP") => family.has_help,
            (Some(family), _) => family.unit.is_some(),
            (None, _) => false,
        };
        if again {
            return Err(self
                .cursor
                .fault_at(line, format!("a second # {keyword} of the metric; expected at most one")));
        }
        if text.ends_with('\r') {
            return Err(self.cursor.fault_at(
                text_at + text.len() - 1,
                "the line ends with a carriage return; expected only a line feed",
            ));
        }
        let Some(family) = self.families.last_mut() else { return Ok(None) };
        let event = match keyword {
            "TYPE" => {
                let kind = type_named(&text).map_err(|problem| self.cursor.fault_at(text_at, problem))?;
                family.kind = Some(kind);
                Event::Type { family: place, kind }
            }
            "HELP" => {
                family.has_help = true;
                if text.len() > self.limits.help_bytes {
                    return Err(self
                        .cursor
                        .fault_at(text_at, too_long("the help", text.len(), self.limits.help_bytes)));
                }
                Event::Help { family: place, text }
            }
            _ => {
                let Cow::Borrowed(unit) = text else { return Ok(None) };
                family.unit = Some(unit);
                check_unit(&family.name, unit, self.is_second)
                    .map_err(|problem| self.cursor.fault_at(text_at, problem))?;
                Event::Unit { family: place, unit: Cow::Borrowed(unit) }
            }
        };
        if let Some(unit) = family.unit
            && !unit.is_empty()
            && matches!(family.kind, Some(FamilyType::Info | FamilyType::StateSet))
        {
            let problem = format!("a metric of type {} has no unit; remove # UNIT", family.kind().name());
            return Err(self.cursor.fault_at(text_at, problem));
        }
        Ok(Some(event))
    }

    /// Which kind of metadata a line is, the metric's name, and where that begins.
    fn keyword_and_name(&mut self) -> Result<(&'static str, Cow<'a, str>, usize), ParseError> {
        let Some(keyword) = ["TYPE", "HELP", "UNIT"].into_iter().find(|word| {
            let mut ahead = self.cursor;
            ahead.eat_text("# ") && ahead.eat_text(word) && ahead.eat(b' ')
        }) else {
            let problem =
                "expected # TYPE, # HELP, # UNIT or # EOF, each followed by a space; OpenMetrics has no comments";
            return Err(self.cursor.fault(problem));
        };
        self.cursor.at += "# TYPE ".len();
        let start = self.cursor.at;
        let name = match self.cursor.eat(b'"') {
            true => self.cursor.quoted(Escapes::Any, "the metric's name")?,
            false => Cow::Borrowed(self.cursor.metric_name()),
        };
        if name.is_empty() {
            return Err(self.cursor.fault_at(start, format!("expected a metric's name after # {keyword}")));
        }
        if !self.cursor.eat(b' ') {
            return Err(self.cursor.unexpected(&format!("a space after the metric's name in # {keyword}")));
        }
        Ok((keyword, name, start))
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.index.find(name, |place| self.families.get(place).is_some_and(|family| family.name == name))
    }

    pub(super) fn open_family(&mut self, name: Cow<'a, str>, at: usize) -> Result<(), ParseError> {
        self.close_family()?;
        if name.len() > self.limits.name_bytes {
            return Err(self.cursor.fault_at(at, too_long("the metric's name", name.len(), self.limits.name_bytes)));
        }
        if let Some(before) = self.find(&name).and_then(|place| self.families.get(place)) {
            let excerpt = crate::error::excerpt(&name, 100);
            let problem = match self.families.last() {
                Some(last) if std::ptr::eq(last, before) => format!(
                    "{excerpt} is not a sample of the {} with that name; expected {}",
                    last.kind().name(),
                    last.kind()
                        .suffixes()
                        .iter()
                        .map(|suffix| format!("{excerpt}{suffix}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                _ => format!("the metric {excerpt} appeared before; keep all its lines together, metadata first"),
            };
            return Err(self.cursor.fault_at(at, problem));
        }
        if self.families.len() >= self.limits.families {
            let problem = format!("there are more than {} metrics; raise the limit", self.limits.families);
            return Err(self.cursor.fault_at(at, problem));
        }
        let Self { families, index, .. } = self;
        index.insert(&name, families.len(), |place| families.get(place).map_or("", |family| &*family.name));
        let is_plain = is_plain_metric_name(&name);
        families.push(FamilyState { name, is_plain, kind: None, has_help: false, unit: None, at, has_samples: false });
        self.group = None;
        self.seen.clear();
        Ok(())
    }

    /// Checks that no sample name of the finished family, whose type is now known, can belong to
    /// another family.
    ///
    /// In 2.0 a sample has its family's name.
    fn close_family(&mut self) -> Result<(), ParseError> {
        if self.is_second {
            return Ok(());
        }
        self.close_point()?;
        let Some(family) = self.families.last() else { return Ok(()) };
        let mut sample_name = String::new();
        for suffix in family.kind().suffixes().iter().chain([""].iter()) {
            sample_name.clear();
            sample_name.push_str(&family.name);
            sample_name.push_str(suffix);
            for other in SUFFIXES {
                let place = sample_name.strip_suffix(other).and_then(|name| self.find(name));
                let Some(other_family) = place.and_then(|place| self.families.get(place)) else { continue };
                let conflicts = other.is_empty() || other_family.kind().suffixes().contains(&other);
                if conflicts && !std::ptr::eq(other_family, family) {
                    let excerpt = |name: &str| crate::error::excerpt(name, 100);
                    let problem = format!(
                        "the {} {} and the {} {} could both have a sample {}; rename one of them",
                        family.kind().name(),
                        excerpt(&family.name),
                        other_family.kind().name(),
                        excerpt(&other_family.name),
                        excerpt(&sample_name)
                    );
                    return Err(self.cursor.fault_at(family.at, problem));
                }
            }
        }
        Ok(())
    }
}
