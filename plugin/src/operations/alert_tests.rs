//! Precedence of alert settings, and errors about them.

use serde_json::{Value, json};

use crate::operations::tests::{plug, process};

/// Calls with this `alert_config` in a configuration without servers.
fn answer(operation: &str, ctx: Value, configured: Value) -> Value {
    let mut ctx = ctx;
    ctx["operation"] = json!(operation);
    process(&mut plug().0, ctx, json!({"alert_config": configured}))
}

#[test]
fn alert_config_overrides_top_level_fields_which_override_the_configuration() {
    let configured = json!({"severity": "info", "for": "7m", "runbook_url": "http://run", "labels": {"of": "cfg"}});
    let created = |ctx: Value| {
        let answer = answer("create_alert", ctx, configured.clone());
        answer["result"]["artifacts"][0]["content"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let file = created(json!({
        "alert_name": "Beside", "expression": "up == 0", "severity": "page", "labels": {"of": "top"},
        "alert_config": {"alert_name": "Own", "severity": null, "labels": {}},
    }));
    for part in ["alert: Own", "for: 7m", "severity: page", "http://run"] {
        assert!(file.contains(part), "{part}: {file}");
    }
    assert!(!file.contains("of: "), "an object without labels is given, and says that there are none: {file}");
    // Templates produce empty text for unset variables.
    let file = created(json!({"alert_name": "A", "expression": "up", "severity": "", "duration": " "}));
    assert!(file.contains("severity: info") && file.contains("for: 7m") && file.contains("of: cfg"), "{file}");
}

#[test]
fn an_error_names_the_object_that_the_value_was_taken_from() {
    let alert = || json!({"alert_name": "A", "expression": "up"});
    let own = |more: Value| json!({"alert_name": "A", "expression": "up", "alert_config": more});
    for (ctx, configured, field) in [
        (json!({}), json!({}), "alert_name"),
        (json!({"alert_config": {}}), json!({}), "alert_config.alert_name"),
        (alert(), json!({"target": "loki"}), "cfg.alert_config.target"),
        (alert(), json!({"for": "soon"}), "cfg.alert_config.for"),
        (alert(), json!([]), "cfg.alert_config"),
        (own(json!({"labels": {"alertname": "b"}})), json!({}), "alert_config.labels.alertname"),
        (own(json!({"labels": {"a": []}})), json!({}), "alert_config.labels.a"),
        (own(json!({"for": "20y"})), json!({}), "alert_config.for"),
        (own(json!({"rules_file": "../a.yml"})), json!({"rules_file": "a.yml"}), "alert_config.rules_file"),
        (own(json!({"webhook_url": "nowhere"})), json!({}), "alert_config.webhook_url"),
        (json!({"alert_config": alert(), "group": "a\nb"}), json!({}), "group"),
        (json!({"alert_config": alert(), "rules_current": 5}), json!({}), "rules_current"),
    ] {
        let answer = answer("create_alert", ctx.clone(), configured.clone());
        assert_eq!(answer["field"], field, "{ctx} {configured}: {answer}");
    }
}

#[test]
fn unknown_fields_cause_a_warning() {
    let ctx = json!({"alert_name": "A", "severity": "page", "alert_config": {"severity": "page", "sevrity": 1}});
    let answer = answer("get_alert_state", ctx, json!({}));
    let told =
        ["severity: unknown field; it is ignored", "alert_config.sevrity: unknown field; did you mean severity?"];
    assert_eq!(answer["warnings"], json!(told));
}

#[test]
fn an_alert_of_a_list_rejects_fields_of_groups() {
    for (alert, field, said) in [
        (json!({"alert_name": "A", "expression": "up", "fro": "5m"}), "alerts[1].fro", "did you mean for?"),
        (json!({"alert_name": "A", "expression": "up", "group": "g"}), "alerts[1].group", "an alert has the fields"),
        (json!({"alert_name": "A", "expression": "up", "for": "soon"}), "alerts[1].for", "expected a duration"),
        (json!({"alert_name": "A"}), "alerts[1].expression", "is missing"),
        (json!("A"), "alerts[1]", "expected an object, got text"),
    ] {
        let ctx = json!({"alerts": [{"alert_name": "First", "expression": "up"}, alert]});
        let answer = answer("export_rules", ctx, json!({"expression": "up"}));
        assert_eq!(answer["field"], field, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(said), "{answer}");
    }
}
