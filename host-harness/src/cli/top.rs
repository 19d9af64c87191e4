//! `top`: a live view of a running `serve`: its metrics and pushes.

mod server;

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use plugpipe_harness::chart::{blocks, number};
use plugpipe_harness::families::{self, MetricFamily, Span};
use plugpipe_harness::grants::{CredentialGrant, SecretSource};
use plugpipe_harness::{CommandError, printable, serve};
use plugpipe_time::{PrometheusDuration, WrongDuration};
use ratatui::Frame;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span as Piece};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table, TableState};
use serde_json::Value;
use url::Url;

use self::server::{Server, Trust};
use super::show;

/// Number of points in a family's trend.
const TREND_POINTS: usize = 60;

/// Number of rows for recent pushes.
const EVENTS: u16 = 6;

/// Watch a running `serve`: its families, their rates, its pushes and crashes
#[derive(Args)]
#[command(
    after_help = "Examples:\n  plugpipe-harness top\n  plugpipe-harness top --url http://127.0.0.1:9464 --interval 5\n  \
    plugpipe-harness top --url https://plug.example:8080 --ca-file ca.pem --token-file token.txt\n\n\
    Keys: ↑ ↓ PgUp PgDn move, s sorts by name, series or rate, q or Esc quits."
)]
pub(crate) struct TopArgs {
    /// The URL of `serve`
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = served)]
    url: Url,
    /// Refresh interval, such as 5s
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    interval: PrometheusDuration,
    /// Send the token in this file, if `serve` requires one
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// Send the token in this environment variable
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// Authenticate as this user, if `serve` has users
    #[arg(long, value_name = "NAME", requires = "password_file", conflicts_with_all = ["token_file", "token_env"])]
    user: Option<String>,
    /// The file with the user's password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Trust the authorities in this PEM file, instead of those of the web
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Present this client certificate, in PEM, if `serve` requires one
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of the client certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Refresh twice, print the view as text, and exit
    #[arg(long)]
    once: bool,
    /// With --once: the width of the view in columns
    #[arg(long, value_name = "COLUMNS", requires = "once", default_value_t = 100, value_parser = clap::value_parser!(u16).range(40..=400))]
    width: u16,
}

fn served(text: &str) -> Result<Url, String> {
    plugpipe_harness::grants::parse_url(text)
        .map_err(|error| format!("{error}; expected a URL such as http://127.0.0.1:8080"))
}

fn interval(text: &str) -> Result<PrometheusDuration, String> {
    let interval: PrometheusDuration = text.parse().map_err(|problem: WrongDuration| problem.to_string())?;
    let range = Duration::from_millis(100)..=Duration::from_secs(3_600);
    if range.contains(&interval.get()) { Ok(interval) } else { Err("expected 100ms to 1h".into()) }
}

impl TopArgs {
    /// What to authenticate with, and the option that says so.
    fn credential(&self) -> Option<(&'static str, CredentialGrant)> {
        let file = |path: &PathBuf| SecretSource::File(path.clone());
        if let (Some(username), Some(path)) = (&self.user, &self.password_file) {
            let (username, password) = (username.clone(), file(path));
            return Some(("--password-file", CredentialGrant::Basic { username, password }));
        }
        let from_file = self.token_file.as_ref().map(|path| ("--token-file", file(path)));
        let from_env = || self.token_env.clone().map(|name| ("--token-env", SecretSource::Env(name)));
        from_file.or_else(from_env).map(|(option, source)| (option, CredentialGrant::Bearer(source)))
    }

    fn server(&self) -> Result<Server, CommandError> {
        let authorization = self.credential().map(|(option, credential)| {
            serve::authorization(&credential).map_err(|problem| CommandError::settings(option, problem))
        });
        let trust = Trust {
            authorities: self.ca_file.as_deref(),
            identity: self.cert_file.as_deref().zip(self.key_file.as_deref()),
        };
        if self.url.scheme() == "http" && (trust.authorities.is_some() || trust.identity.is_some()) {
            let problem = "expected https, since certificates are given";
            return Err(CommandError::settings("--url", problem));
        }
        Server::new(self.url.clone(), authorization.transpose()?, trust)
            .map_err(|problem| CommandError::settings("top", problem))
    }
}

pub(crate) async fn top(args: TopArgs) -> Result<bool, CommandError> {
    let interval = args.interval.get();
    let mut view = View::new(args.server()?);
    view.refresh().await;
    if let (Some(problem), false) = (&view.problem, view.has_data()) {
        return Err(CommandError::Failed(problem.clone()));
    }
    if args.once {
        tokio::time::sleep(interval).await;
        view.refresh().await;
        show::print(render(&mut view, args.width)?.trim_end());
        return Ok(view.problem.is_none());
    }
    let sized = ratatui::crossterm::terminal::size().is_ok_and(|(columns, rows)| columns > 0 && rows > 0);
    if !std::io::stdout().is_terminal() || !sized {
        let problem = "requires a terminal with a known size; use --once to print the view as text";
        return Err(CommandError::settings("top", problem));
    }
    let mut terminal = ratatui::init();
    let outcome = live(&mut terminal, &mut view, interval).await;
    ratatui::restore();
    outcome.map_err(|error| CommandError::Failed(format!("terminal: {error}")))?;
    Ok(true)
}

async fn live(terminal: &mut ratatui::DefaultTerminal, view: &mut View, interval: Duration) -> std::io::Result<()> {
    let mut next = Instant::now() + interval;
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        let wait = next.saturating_duration_since(Instant::now());
        // Waiting for a key blocks.
        let pressed =
            tokio::task::spawn_blocking(move || if event::poll(wait)? { event::read().map(Some) } else { Ok(None) });
        match pressed.await.map_err(std::io::Error::other)?? {
            Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                if interrupt || !view.pressed(key.code) {
                    return Ok(());
                }
            }
            // Redraw, for example after a resize.
            Some(_) => {}
            None => {
                view.refresh().await;
                next = Instant::now() + interval;
            }
        }
    }
}

/// The view as text.
fn render(view: &mut View, width: u16) -> Result<String, CommandError> {
    let height = (view.rows.len() as u16).saturating_add(EVENTS + 7).clamp(16, 60);
    let infallible = |error: std::convert::Infallible| -> CommandError { match error {} };
    let mut terminal = ratatui::Terminal::new(TestBackend::new(width, height)).map_err(infallible)?;
    terminal.draw(|frame| view.draw(frame)).map_err(infallible)?;
    let buffer = terminal.backend().buffer();
    let lines = buffer.area.rows().map(|row| {
        let line: String =
            row.positions().filter_map(|position| buffer.cell(position)).map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned()
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    Series,
    Rate,
}

/// A row of the table.
struct Shown {
    name: String,
    kind: String,
    series: usize,
    value: Span,
    rate: f64,
    trend: Vec<(f64, f64)>,
}

struct View {
    server: Server,
    order: Order,
    state: TableState,
    rows: Vec<Shown>,
    refreshed: Option<Instant>,
    began: Instant,
    bytes: usize,
    health: Value,
    status: Value,
    problem: Option<String>,
}

impl View {
    fn new(server: Server) -> Self {
        Self {
            server,
            order: Order::Name,
            state: TableState::default(),
            rows: Vec::new(),
            refreshed: None,
            began: Instant::now(),
            bytes: 0,
            health: Value::Null,
            status: Value::Null,
            problem: None,
        }
    }

    fn has_data(&self) -> bool {
        self.refreshed.is_some()
    }

    async fn refresh(&mut self) {
        let fetched = async {
            let text = self.server.get("/metrics").await?;
            let health = self.server.get("/healthz").await?;
            // Older servers do not have this endpoint.
            let status = self.server.get("/status").await.unwrap_or_default();
            Ok::<_, String>((text, health, status))
        };
        match fetched.await {
            Ok((text, health, status)) => {
                self.problem = None;
                self.bytes = text.len();
                self.health = serde_json::from_str(&health).unwrap_or_default();
                self.status = serde_json::from_str(&status).unwrap_or_default();
                self.update(families::read(&text), Instant::now());
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    fn update(&mut self, families: Vec<MetricFamily>, now: Instant) {
        let elapsed = self.refreshed.map(|refreshed| now.duration_since(refreshed).as_secs_f64().max(1e-3));
        let at = now.duration_since(self.began).as_secs_f64();
        let mut last: HashMap<String, Shown> = self.rows.drain(..).map(|row| (row.name.clone(), row)).collect();
        self.rows = families
            .into_iter()
            .map(|family| {
                let (value, accumulates, series) = (family.value(), family.accumulates(), family.series());
                let name = printable::line(&family.name).into_owned();
                let (rate, mut trend) = match (last.remove(&name), elapsed) {
                    // A counter that decreased was reset.
                    (Some(before), Some(elapsed)) if accumulates => {
                        ((value.max - before.value.max).max(0.0) / elapsed, before.trend)
                    }
                    (Some(before), _) => (f64::NAN, before.trend),
                    (None, _) => (f64::NAN, Vec::new()),
                };
                // For gauges, the maximum.
                trend.push((at, if accumulates { rate } else { value.max }));
                if trend.len() > TREND_POINTS {
                    trend.remove(0);
                }
                Shown { series, name, kind: printable::line(&family.kind).into_owned(), value, rate, trend }
            })
            .collect();
        self.refreshed = Some(now);
        self.sort();
    }

    fn sort(&mut self) {
        let key = |number: f64| if number.is_nan() { -1.0 } else { number };
        self.rows.sort_by(|one, other| {
            let by = match self.order {
                Order::Name => std::cmp::Ordering::Equal,
                Order::Series => other.series.cmp(&one.series),
                Order::Rate => key(other.rate).total_cmp(&key(one.rate)),
            };
            by.then_with(|| one.name.cmp(&other.name))
        });
    }

    /// Handles a key. Returns false to quit.
    fn pressed(&mut self, key: KeyCode) -> bool {
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Down | KeyCode::Char('j') => self.state.scroll_down_by(1),
            KeyCode::Up | KeyCode::Char('k') => self.state.scroll_up_by(1),
            KeyCode::PageDown => self.state.scroll_down_by(10),
            KeyCode::PageUp => self.state.scroll_up_by(10),
            KeyCode::Char('s') => {
                self.order = match self.order {
                    Order::Name => Order::Series,
                    Order::Series => Order::Rate,
                    Order::Rate => Order::Name,
                };
                self.sort();
            }
            _ => {}
        }
        true
    }

    fn draw(&mut self, frame: &mut Frame) {
        let about = self.head(frame.area().width);
        // A long error is shown in full and reduces the space for pushes.
        let rows = frame.area().height;
        let height = (about.len() as u16).min(rows.saturating_sub(6).max(2));
        let [head, table, events, foot] = Layout::vertical([
            Constraint::Length(height),
            Constraint::Min(5),
            Constraint::Length((EVENTS + 1).min(rows.saturating_sub(height + 6))),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(Paragraph::new(about), head);
        let columns = Column::within(frame.area().width);
        let rows = self.rows.iter().map(|family| Row::new(columns.iter().map(|column| column.cell(family))));
        let head = Row::new(columns.iter().map(|column| column.head()));
        let shown = Table::new(rows, columns.iter().map(|column| column.width()))
            .header(head.style(Style::new().add_modifier(Modifier::BOLD)))
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
            .block(Block::new().borders(Borders::TOP));
        frame.render_stateful_widget(shown, table, &mut self.state);
        let block = Block::new().borders(Borders::TOP).title(" pushes and denied requests ");
        frame.render_widget(Paragraph::new(self.events()).block(block), events);
        let order = match self.order {
            Order::Name => "name",
            Order::Series => "series",
            Order::Rate => "rate",
        };
        let keys = format!("↑↓ move · s sort (by {order}) · q quit");
        frame.render_widget(Paragraph::new(keys).style(Style::new().add_modifier(Modifier::DIM)), foot);
    }

    fn head(&self, width: u16) -> Vec<Line<'static>> {
        let text =
            |key: &str| printable::line(self.health.get(key).and_then(Value::as_str).unwrap_or_default()).into_owned();
        let state = match &self.problem {
            Some(_) => Piece::styled("unreachable", paint(Color::Red)),
            None => Piece::styled(text("status"), paint(Color::Green)),
        };
        let crashes = self.health.pointer("/recovery/crashes").and_then(Value::as_u64).unwrap_or_default();
        let series: usize = self.rows.iter().map(|family| family.series).sum();
        let mut lines = vec![
            Line::from(vec![
                Piece::styled(
                    format!("{} {}", text("plug"), text("version")),
                    Style::new().add_modifier(Modifier::BOLD),
                ),
                Piece::raw(format!("  {}  ", self.server.url.as_str().trim_end_matches('/'))),
                state,
            ]),
            Line::from(format!(
                "{} families · {series} series · {} bytes per scrape · {crashes} crashes, all recovered",
                self.rows.len(),
                number(self.bytes as f64),
            )),
        ];
        if let Some(problem) = &self.problem {
            let problem = wrapped(&printable::line(problem), usize::from(width));
            lines.extend(problem.into_iter().map(|line| Line::styled(line, paint(Color::Red))));
        }
        lines
    }

    fn events(&self) -> Vec<Line<'_>> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let events = self.status.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if events.is_empty() {
            return vec![Line::from("none yet for calls through this server")];
        }
        events
            .iter()
            .take(usize::from(EVENTS))
            .map(|event| {
                let text = |key: &str| printable::line(event.get(key).and_then(Value::as_str).unwrap_or_default());
                let ago = now.saturating_sub(event.get("at").and_then(Value::as_u64).unwrap_or(now));
                let outcome = text("outcome");
                let color = if outcome == "pushed" { Color::Green } else { Color::Red };
                Line::from(vec![
                    Piece::raw(format!("{ago:>5} s ago  ")),
                    Piece::styled(outcome.into_owned(), paint(color)),
                    Piece::raw(times(event)),
                    Piece::raw(format!("  {}", text("text"))),
                ])
            })
            .collect()
    }
}

/// How often an event happened, if more than once.
fn times(event: &Value) -> String {
    let count = event.get("count").and_then(Value::as_u64).filter(|count| *count > 1);
    count.map(|count| format!(" × {count}")).unwrap_or_default()
}

/// A column of the table.
#[derive(Clone, Copy)]
enum Column {
    MetricFamily,
    Type,
    Series,
    /// The sum of counters, the minimum and maximum of gauges.
    Value,
    Rate,
    /// Width in blocks.
    Trend(u16),
}

impl Column {
    /// The columns that fit next to the names.
    fn within(width: u16) -> Vec<Self> {
        match width {
            ..60 => vec![Self::MetricFamily, Self::Value, Self::Rate],
            60..110 => vec![Self::MetricFamily, Self::Type, Self::Series, Self::Value, Self::Rate, Self::Trend(12)],
            _ => {
                let blocks = (width / 3).min(TREND_POINTS as u16);
                vec![Self::MetricFamily, Self::Type, Self::Series, Self::Value, Self::Rate, Self::Trend(blocks)]
            }
        }
    }

    fn width(self) -> Constraint {
        match self {
            Self::MetricFamily => Constraint::Fill(1),
            Self::Type => Constraint::Length(9),
            Self::Series => Constraint::Length(6),
            Self::Value => Constraint::Length(13),
            Self::Rate => Constraint::Length(8),
            Self::Trend(blocks) => Constraint::Length(blocks),
        }
    }

    fn head(self) -> Cell<'static> {
        match self {
            Self::MetricFamily => Cell::from("family"),
            Self::Type => Cell::from("type"),
            Self::Series => right("series"),
            Self::Value => right("value"),
            Self::Rate => right("per s"),
            Self::Trend(_) => Cell::from("trend"),
        }
    }

    fn cell(self, family: &Shown) -> Cell<'_> {
        match self {
            Self::MetricFamily => Cell::from(family.name.as_str()),
            Self::Type => Cell::from(family.kind.as_str()),
            Self::Series => right(family.series.to_string()),
            Self::Value => right(family.value.to_string()),
            // The default cell has no width.
            Self::Rate if family.rate.is_nan() => Cell::from(""),
            Self::Rate => right(number(family.rate)),
            Self::Trend(width) => {
                Cell::from(Piece::styled(blocks(&family.trend, usize::from(width)), paint(Color::LightBlue)))
            }
        }
    }
}

/// Wraps text at `columns`, at spaces if possible.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if used > 0 && used + length > columns {
            lines.push(String::new());
            used = 0;
        }
        for character in word.chars() {
            if used == columns && character != ' ' {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut().filter(|_| used < columns) {
                line.push(character);
                used += 1;
            }
        }
    }
    lines
}

fn paint(color: Color) -> Style {
    if show::colors() { Style::new().fg(color) } else { Style::new() }
}

fn right(text: impl Into<String>) -> Cell<'static> {
    Cell::from(Line::from(text.into()).right_aligned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_in_full() {
        let mut view = View::new(Server::new("http://127.0.0.1:1".parse().unwrap(), None, Trust::default()).unwrap());
        let problem = "http://127.0.0.1:1: Connection refused (os error 111); start `plugpipe-harness serve`, or set its URL with --url";
        view.problem = Some(problem.into());
        for width in [40, 80, 200] {
            let text = render(&mut view, width).unwrap();
            let one_line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            assert!(
                one_line.contains(problem) && text.contains("unreachable") && text.contains("q quit"),
                "{width}: {text}"
            );
        }
        assert_eq!(wrapped("abcdefgh ij k", 4), ["abcd", "efgh", "ij k"]);
    }

    #[test]
    fn rates_need_two_refreshes_and_are_shown_at_each_width() {
        let mut view = View::new(Server::new("http://127.0.0.1:1".parse().unwrap(), None, Trust::default()).unwrap());
        let began = view.began;
        view.update(
            families::read("# TYPE a_total counter\na_total 10\n# TYPE g gauge\ng 5\n"),
            began + Duration::from_secs(1),
        );
        assert!(view.rows[0].rate.is_nan());
        view.update(
            families::read("# TYPE a_total counter\na_total 30\n# TYPE g gauge\ng 6\n"),
            began + Duration::from_secs(3),
        );
        assert_eq!((view.rows[0].rate, view.rows[1].rate.is_nan(), view.rows[1].value), (10.0, true, Span::of(6.0)));
        // A restarted plug has no negative rate.
        view.update(
            families::read("# TYPE a_total counter\na_total 1\n# TYPE g gauge\ng 6\n"),
            began + Duration::from_secs(4),
        );
        assert_eq!(view.rows[0].rate, 0.0);
        for width in [40, 80, 200] {
            let text = render(&mut view, width).unwrap();
            let ends = |word: &str, line: &str| line.find(word).map(|at| line[..at].chars().count());
            let head = text.lines().find(|line| line.starts_with("family")).unwrap();
            let gauge = text.lines().find(|line| line.starts_with("g ")).unwrap();
            if let Some(trend) = ends("trend", head) {
                assert_eq!(ends("▁█", gauge), Some(trend), "an empty rate keeps its column: {text}");
            }
            assert!(text.contains("a_total") && text.contains("q quit"), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
        }
        // Gauges are not summed, and escape sequences in names are escaped.
        view.update(
            families::read("# TYPE t_celsius gauge\nt_celsius{room=\"a\"} 20\nt_celsius{room=\"b\"} 22\n# TYPE x\u{9b}2J\u{202e}y gauge\n"),
            began + Duration::from_secs(5),
        );
        let text = render(&mut view, 80).unwrap();
        assert!(text.contains("20–22") && !text.contains("42"), "{text}");
        assert!(text.contains("x\\u{9b}2J\\u{202e}y"), "{text}");
        assert!(view.pressed(KeyCode::Char('s')) && view.pressed(KeyCode::Down) && !view.pressed(KeyCode::Char('q')));
    }
}
