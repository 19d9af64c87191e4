//! Renders a dashboard with live data as SVG, in Grafana's 24-column layout, without a Grafana.
//!
//! The plug runs the queries, within its grants; this module sends no requests. As in Grafana,
//! `$__rate_interval` and similar variables are computed from the range and the scrape interval,
//! and other variables use their current values. The preview shows whether a dashboard works (data,
//! units, legends, thresholds). It does not replicate Grafana: stacks and bars are drawn as lines,
//! and transformations are not applied.
//!
//! | module | purpose |
//! |---|---|
//! | `model` | parses a dashboard's JSON model |
//! | `variables` | interpolates variables in expressions |
//! | `data` | parses query results and reduces series |
//! | `units` | Grafana's units: scale, suffix, decimals; axis ticks |
//! | `svg` | writes escaped elements; estimates text widths |
//! | `panel` | draws one panel |

mod data;
mod model;
mod panel;
mod svg;
mod units;
mod variables;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use plugpipe_runtime::{Error, PlugHandle};

use crate::CommandError;
use data::Shown;
pub use model::MAX_PANELS;
use model::{Dashboard, Panel};
use svg::Svg;
use variables::{Times, Variables};

/// Height of a grid row in pixels, including the gap.
const ROW: f64 = 38.0;

/// Gap between panels and at the borders.
const GAP: f64 = 8.0;

/// Height of the header.
const HEADER: f64 = 52.0;

/// Options of a preview.
#[derive(Debug, Clone)]
pub struct View {
    /// The time range; by default the dashboard's own, or one hour.
    pub range: Option<Duration>,
    /// The end of the range; by default now.
    pub end: Option<SystemTime>,
    /// The scrape interval of the targets, which is also the minimum step.
    pub scrape_interval: Duration,
    /// Width in pixels.
    pub width: u32,
    /// Names and values of variables, which override the dashboard's.
    pub variables: Vec<(String, String)>,
}

impl Default for View {
    fn default() -> Self {
        Self { range: None, end: None, scrape_interval: Duration::from_secs(15), width: 1_200, variables: Vec::new() }
    }
}

/// A rendered dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// An SVG document.
    pub svg: String,
    /// Number of panels with data.
    pub with_data: usize,
    /// Titles of panels whose queries returned no data.
    pub without_data: Vec<String>,
    /// Panels that failed, as `title: problem`.
    pub problems: Vec<String>,
}

/// Runs a dashboard's queries with the plug and renders it. `dashboard` is Grafana's classic JSON
/// model.
///
/// # Errors
/// If the dashboard or its time range is invalid, or the plug has no granted Prometheus. A failed
/// query is not an error: it is shown in its panel and listed in [`Picture::problems`].
pub async fn draw(plug: &PlugHandle, dashboard: &Value, view: &View) -> Result<Picture, CommandError> {
    let dashboard = Dashboard::read(dashboard)?;
    let times = times(&dashboard, view)?;
    let variables = Variables::new(&dashboard.variables, &view.variables);
    let width = f64::from(view.width.clamp(400, 4_000));
    let column = (width - GAP) / f64::from(model::COLUMNS);
    let bottom = dashboard.panels.iter().map(|panel| panel.grid.y + panel.grid.h).max().unwrap_or(0);
    let height = HEADER + f64::from(bottom) * ROW + GAP;
    let mut svg = Svg::new(width, height);
    header(&mut svg, &dashboard, &times);
    let mut picture = Picture { svg: String::new(), with_data: 0, without_data: Vec::new(), problems: Vec::new() };
    for panel in &dashboard.panels {
        let place = svg::Area {
            x: GAP + f64::from(panel.grid.x) * column,
            y: HEADER + f64::from(panel.grid.y) * ROW,
            w: f64::from(panel.grid.w) * column - GAP,
            h: f64::from(panel.grid.h) * ROW - GAP,
        };
        let shown = query(plug, panel, &variables, &times, place.w).await?;
        match &shown {
            Shown::Problem(problem) => picture.problems.push(format!("{}: {problem}", panel.title)),
            Shown::Data(series) if !panel.targets.is_empty() => {
                if series.iter().any(|one| one.last().is_some()) {
                    picture.with_data += 1;
                } else {
                    picture.without_data.push(panel.title.clone());
                }
            }
            Shown::Data(_) => {}
        }
        panel::draw(&mut svg, place, panel, &shown, &times);
    }
    if dashboard.left_out > 0 {
        picture.problems.push(format!("{} more panels are not drawn; the maximum is {MAX_PANELS}", dashboard.left_out));
    }
    picture.svg = svg.finish(&dashboard.title);
    Ok(picture)
}

fn header(svg: &mut Svg, dashboard: &Dashboard, times: &Times) {
    let width = svg.width - 2.0 * GAP;
    svg.text(GAP + 2.0, 24.0, &svg::fitting(&dashboard.title, 18.0, width), &svg::Font::of(18.0).bold());
    let clock = |seconds: f64| units::clock(seconds, times.range_seconds());
    let shown = format!("{} to {} UTC", clock(times.start), clock(times.end));
    let text = match dashboard.description.as_str() {
        "" => shown,
        description => format!("{description}  ({shown})"),
    };
    svg.text(GAP + 2.0, 42.0, &svg::fitting(&text, 12.0, width), &svg::Font::of(12.0).dim());
}

fn times(dashboard: &Dashboard, view: &View) -> Result<Times, CommandError> {
    let range = match view.range {
        Some(range) => range,
        None => dashboard.range()?.unwrap_or(Duration::from_secs(3_600)),
    };
    let end = view.end.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).unwrap_or_default();
    Times::new(end, range, view.scrape_interval).map_err(|problem| CommandError::settings("the time range", problem))
}

/// Runs the queries of a panel.
async fn query(
    plug: &PlugHandle,
    panel: &Panel,
    variables: &Variables,
    times: &Times,
    width: f64,
) -> Result<Shown, CommandError> {
    let times = times.for_width(width);
    let mut all = Vec::new();
    for target in &panel.targets {
        let expression = variables.replace(&target.expression, &times);
        let end = times.end.to_string();
        let ctx = if target.instant {
            json!({"operation": "query_metrics", "query": expression, "time": end})
        } else {
            let range = json!({"start": times.first().to_string(), "end": end, "step": times.step_text()});
            json!({"operation": "query_metrics", "query": expression, "time_range": range})
        };
        let answer = plug.process(ctx.to_string(), "").await?;
        if let Some(problem) = answer.error {
            // No panel can be drawn.
            if matches!(problem.code.as_str(), "not_configured" | "not_granted") {
                return Err(Error::Plug { problem: problem.message }.into());
            }
            return Ok(Shown::Problem(problem.message));
        }
        let body = serde_json::from_str(&answer.body).unwrap_or_default();
        match data::read(&body, target, &expression) {
            Ok(series) => all.extend(series),
            Err(problem) => return Ok(Shown::Problem(problem)),
        }
    }
    Ok(Shown::Data(all))
}
