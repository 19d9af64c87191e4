//! A state folder whose journal was cut at any byte, or has any byte changed: what comes back was
//! acknowledged, or the start is an error that says where the damage is.

use std::fs;
use std::path::Path;

use plugpipe_harness::session::{Format, MetricKind};
use plugpipe_harness::{Error, Grants, Limits, Session};
use serde_json::json;

use crate::support::{harness, plug, stderr, stdout};

async fn start(folder: &Path) -> Result<Session, Error> {
    plug().session_in(folder, &json!({}), Grants::none(), Limits::default()).await
}

async fn record(session: &mut Session, name: &str) {
    session.record(name, MetricKind::Counter, &[], 1.0).await.unwrap();
}

async fn shown(session: &mut Session) -> String {
    String::from_utf8(session.encode(Format::Text).await.unwrap()).unwrap()
}

/// A journal with a snapshot of a plug that holds something and some calls after it; and for each
/// moment how long it was, and what the plug then showed.
async fn journal(folder: &Path) -> (Vec<u8>, Vec<(usize, String)>) {
    let path = folder.join("journal");
    let length = || fs::metadata(&path).unwrap().len() as usize;
    let mut session = start(folder).await.unwrap();
    let series = session.record("first_total", MetricKind::Counter, &[], 1.0).await.unwrap();
    // Until a snapshot takes the place of all of this.
    let mut before = 0;
    while before < length() {
        before = length();
        session.record_many(&vec![series; 5_000], &vec![1.0; 5_000]).await.unwrap();
    }
    let mut moments = vec![(length(), shown(&mut session).await)];
    for step in 1..5 {
        match step {
            1 => record(&mut session, "first_total").await,
            2 => record(&mut session, "second_total").await,
            3 => {
                let ctx = json!({"operation": "record_gauge", "metric_name": "third", "metric_value": 3, "labels": {"a": "b"}});
                session.process(&ctx.to_string(), "").await.unwrap();
            }
            _ => session.record_many(&[series, series], &[2.0, 3.0]).await.unwrap(),
        }
        moments.push((length(), shown(&mut session).await));
    }
    drop(session);
    (fs::read(&path).unwrap(), moments)
}

#[tokio::test]
async fn a_journal_that_was_cut_or_changed_at_any_byte_holds_nothing_that_was_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (whole, moments) = journal(folder.path()).await;
    let before = |length: usize| moments.iter().rev().find(|(end, _)| *end <= length);
    let (mut opened, mut refused) = (0, 0);
    let mut check_refused = |error: Error, bytes: &[u8], what: &str| {
        let text = error.to_string();
        assert!(matches!(error, Error::State { .. }) && text.contains("at byte"), "{what}: {text}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}: it is left as it was");
        refused += 1;
    };
    for end in 0..=whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        match start(folder.path()).await {
            Ok(mut session) => {
                let (_, was) = before(end).unwrap_or_else(|| panic!("cut at {end}, nothing is left"));
                assert_eq!(&shown(&mut session).await, was, "cut at {end}");
                // It goes on from there.
                if end % 8 == 0 {
                    record(&mut session, "later_total").await;
                    let then = shown(&mut session).await;
                    drop(session);
                    assert_eq!(shown(&mut start(folder.path()).await.unwrap()).await, then, "cut at {end}");
                }
                opened += 1;
            }
            Err(error) => {
                assert!(before(end).is_none(), "cut at {end}: {error}");
                check_refused(error, &whole[..end], &format!("cut at {end}"));
            }
        }
    }
    let (last, _) = moments[moments.len() - 2];
    for place in 0..whole.len() {
        for bits in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[place] ^= bits;
            fs::write(&path, &changed).unwrap();
            match start(folder.path()).await {
                // A last record that is wrong may be one that was not written to its end.
                Ok(mut session) => {
                    assert!(place >= last, "{place} ^ {bits:#x}");
                    assert_eq!(shown(&mut session).await, moments[moments.len() - 2].1, "{place} ^ {bits:#x}");
                    opened += 1;
                }
                Err(error) => check_refused(error, &changed, &format!("{place} ^ {bits:#x}")),
            }
        }
    }
    println!("{} bytes: {opened} opened, {refused} refused", whole.len());
    assert!(opened > 100 && refused > 100);
}

#[tokio::test]
async fn what_was_cut_or_is_damaged_is_told_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (whole, moments) = journal(folder.path()).await;
    let state = folder.path().to_str().unwrap();
    let call = || harness(&["call", "export_metrics", "--state", state]).output().unwrap();

    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let output = call();
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(
        told.contains("the journal's last entry was incomplete, and was removed at=") && told.contains(" bytes="),
        "{told}"
    );
    assert!(stdout(&output).contains("third"), "{}", stdout(&output));

    let mut changed = whole.clone();
    changed[moments[0].0 + 13] ^= 1;
    fs::write(&path, &changed).unwrap();
    let output = call();
    assert!(!output.status.success());
    let told = stderr(&output);
    assert!(told.contains(path.to_str().unwrap()) && told.contains(&format!("truncate -s {}", moments[0].0)), "{told}");
}
