//! The page of `serve`, in a real browser: Debian's Chromium, driven by tests/page/check.mjs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::serve::{Served, get, send};
use crate::support::{root, without_servers};

/// Where screenshots are kept, for those who want to look at them; without it they go with the
/// test.
const SCREENSHOTS: &str = "PLUGPIPE_SCREENSHOTS";

const TOKEN: &str = "token-of-the-page-0123";

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

fn browser() -> PathBuf {
    on_path(&["chromium", "chromium-browser", "google-chrome"]).unwrap_or_else(|| {
        panic!(
            "the page is tested in Chromium, which is not on PATH: `apt-get install --no-install-recommends chromium` as root, or \
             PLUGPIPE_TESTS_WITHOUT_SERVERS=1 to leave this out"
        )
    })
}

/// What drives the browser and judges accessibility, in the versions of the lock file.
fn modules() {
    let folder = root().join("tests/page");
    let stamp = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let installed = stamp(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= stamp(&folder.join("package-lock.json")) {
        return;
    }
    let npm = on_path(&["npm"])
        .unwrap_or_else(|| panic!("the page's test needs Node and npm: `apt-get install nodejs npm` as root"));
    let output = Command::new(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "npm ci in tests/page: {}", String::from_utf8_lossy(&output.stderr));
}

async fn recorded() -> Served {
    let served = Served::start(&[]);
    for ctx in [
        json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 3, "labels": {"queue": "<script>alert(1)</script>"}, "help": "Jobs that ran, & \"more\"."}),
        json!({"operation": "record_gauge", "metric_name": "temperature_celsius", "metric_value": 21.5, "labels": {"room": "attic"}}),
        json!({"operation": "record_histogram", "metric_name": "wait_seconds", "metric_value": 0.25}),
        json!({"operation": "record_gauge", "metric_name": "a_name_that_is_long_enough_to_need_some_care_on_a_narrow_screen_bytes", "metric_value": 1e9}),
    ] {
        let (status, answer) = served.process(json!({"ctx": ctx})).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    }
    let push =
        json!({"ctx": {"operation": "push_metrics", "prometheus_config": {"gateway_url": "http://127.0.0.1:9"}}});
    assert_eq!(served.process(push).await.1["error_code"], "not_granted");
    served
}

#[tokio::test]
async fn a_browser_finds_the_page_whole_accessible_and_within_its_policy() {
    if without_servers("the page in a browser") {
        return;
    }
    let (served, browser) = (recorded().await, browser());
    let kept = std::env::var_os(SCREENSHOTS).map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let url = format!("{}/", served.url);
    let secret = temporary.path().join("token");
    std::fs::write(&secret, TOKEN).unwrap();
    let guarded = Served::start(&["--token-file", secret.to_str().unwrap()]);
    let with_token = format!("{}/", guarded.url);
    // Two looks of the host at each family, so that there are lines to draw.
    let deadline = Instant::now() + Duration::from_secs(20);
    while get(&url).await.1.contains("not yet") {
        assert!(Instant::now() < deadline, "no lines after 20 s");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let output = tokio::task::spawn_blocking(move || {
        modules();
        let node = on_path(&["node", "nodejs"]).expect("node comes with npm");
        let mut check = Command::new(node);
        check.arg(root().join("tests/page/check.mjs")).arg(browser).arg(url).arg(folder).arg(with_token).arg(TOKEN);
        check.output().unwrap()
    })
    .await
    .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let views = found["views"].as_array().unwrap();
    assert_eq!(views.len(), 6);
    for view in views {
        let nothing = json!([]);
        assert_eq!((&view["problems"], &view["elsewhere"]), (&nothing, &nothing), "{view}");
        // Eight are the plug's own.
        assert_eq!((&view["families"], &view["overflow"]), (&json!(5 + 8), &json!(0)), "{view}");
        let text = view["text"].as_str().unwrap();
        assert!(
            text.contains("<script>alert(1)</script>")
                && !text.contains("not yet")
                && text.contains("denied by the host"),
            "{text}"
        );
        if view["javaScriptEnabled"] == true {
            assert_eq!(view["violations"], nothing, "accessibility");
            assert!(view["passes"].as_u64().unwrap() > 10, "axe looked: {view}");
        }
        assert_eq!(view["filtered"], 1, "{view}");
    }
    let grounds: std::collections::BTreeSet<&str> = views.iter().map(|view| view["ground"].as_str().unwrap()).collect();
    assert_eq!(grounds.len(), 2, "light and dark: {grounds:?}");
    assert_eq!(found["kept_open"], 1, "what was open stays open");
    assert_eq!((&found["refused"], &found["allowed"]), (&json!(401), &json!(200)), "the token is the password");
    let asked = found["asked"].as_str().unwrap();
    assert!(asked.contains("Checked") && asked.contains("prometheus"), "{asked}");
}

#[tokio::test]
async fn the_page_tells_what_is_held_and_nobody_else_makes_it_ask() {
    let served = recorded().await;
    let (status, html) = get(&format!("{}/", served.url)).await;
    assert_eq!(status, 200);
    assert!(html.contains("temperature_celsius") && html.contains("denied by the host"), "{html}");
    assert!(!html.contains("<script>alert"), "{html}");
    let (_, status) = get(&format!("{}/status", served.url)).await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(
        (&status["events"][0]["outcome"], &status["health"]),
        (&json!("denied by the host"), &Value::Null),
        "{status}"
    );
    let url = format!("{}/health", served.url);
    let foreign = tokio::task::spawn_blocking(move || {
        ureq::post(&url)
            .header("Sec-Fetch-Site", "cross-site")
            .config()
            .http_status_as_error(false)
            .build()
            .send_empty()
            .unwrap()
            .status()
            .as_u16()
    });
    assert_eq!(foreign.await.unwrap(), 403);
    assert_eq!(send("GET", &format!("{}/health", served.url), String::new()).await.0, 405);
    for (path, begins) in [("style.css", "/* Light"), ("app.js", "// Optional")] {
        let (status, text) = get(&format!("{}/{path}", served.url)).await;
        assert!(status == 200 && text.starts_with(begins), "{path}: {text}");
    }
}

#[tokio::test]
async fn every_family_is_found_on_a_page_and_by_the_filter() {
    let served = Served::start(&[]);
    let mut metrics: Vec<Value> = (0..510)
        .map(|index| json!({"metric_name": format!("jobs_{index:03}_total"), "metric_type": "counter", "metric_value": 1}))
        .collect();
    metrics.push(
        json!({"metric_name": "größe.in \"bytes\"<b>", "metric_value": 1, "utf8": true, "labels": {"a": "Über & <i>"}}),
    );
    let ctx = json!({"operation": "record_multiple_metrics", "metrics": metrics});
    let (_, recorded) = served.process(json!({"ctx": ctx})).await;
    assert_eq!(recorded["success"], true, "{recorded}");
    let (mut names, mut next) = (std::collections::BTreeSet::new(), Some("/".to_owned()));
    while let Some(path) = next {
        let (_, html) = get(&format!("{}{path}", served.url)).await;
        let families = html.split("data-family=\"").skip(1).map(|part| part.split('"').next().unwrap().to_owned());
        names.extend(families);
        next = html
            .split("rel=\"next\" href=\"")
            .nth(1)
            .map(|part| part.split('"').next().unwrap().replace("&#x2f;", "/"));
    }
    // Eight are the plug's own.
    assert_eq!(names.len(), 511 + 8, "{names:?}");
    let named = "größe.in &quot;bytes&quot;&lt;b&gt;";
    assert!(names.contains(named), "names are as they are: {names:?}");
    for query in ["?q=gr%C3%B6%C3%9Fe", "?q=%C3%BCBER+%26"] {
        let (_, html) = get(&format!("{}/{query}", served.url)).await;
        assert!(html.contains(named) && html.contains("1–1 of 1") && !html.contains("<b>\""), "{html}");
    }
}

#[tokio::test]
async fn the_policy_allows_the_pages_own_files_only() {
    let served = Served::start(&[]);
    let url = format!("{}/", served.url);
    let policy = tokio::task::spawn_blocking(move || {
        let response = ureq::get(&url).call().unwrap();
        response.headers()["content-security-policy"].to_str().unwrap().to_owned()
    })
    .await
    .unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}
