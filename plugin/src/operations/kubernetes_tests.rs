//! Tests of Kubernetes resources as the form of rules, dashboards and scrape jobs, held against the
//! operator's schemas.

#[path = "../../../tests/crds.rs"]
mod crds;

use serde_json::{Value, json};

use super::tests::{plug, process};

fn ask(operation: &str, ctx: Value) -> Value {
    let (mut plug, world) = plug();
    let mut whole = json!({"operation": operation});
    whole.as_object_mut().unwrap().extend(ctx.as_object().unwrap().clone());
    let answer = process(&mut plug, whole, json!({}));
    assert!(world.asked().is_empty());
    answer
}

/// The resources of a file.
fn resources(text: &Value) -> Vec<Value> {
    let text = text.as_str().unwrap_or_else(|| panic!("no text: {text}"));
    text.split("---\n").map(|one| serde_saphyr::from_str(one).unwrap()).collect()
}

fn generated(ctx: Value) -> Vec<Value> {
    let answer = ask("generate_config", ctx);
    let all = resources(&answer["result"]["config"]);
    for one in &all {
        assert_eq!(crds::problems(one), Vec::<String>::new(), "{one}");
    }
    all
}

/// The field of the error, and that the error says this.
fn refused(operation: &str, ctx: Value, field: &str, says: &str) {
    let answer = ask(operation, ctx.clone());
    assert_eq!(answer["field"], field, "{ctx}: {answer}");
    assert!(answer["error"].as_str().unwrap().contains(says), "{ctx}: {answer}");
}

#[test]
fn the_schemas_find_mistakes() {
    let rule = |groups: Value| json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {}, "spec": {"groups": groups}});
    assert!(crds::problems(&rule(json!([{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}]))).is_empty());
    for wrong in [
        json!([{"name": "", "rules": []}]),
        json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "for": "soon"}]}]),
        json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "fro": "5m"}]}]),
        json!([{"name": "g", "partial_response_strategy": "never"}]),
    ] {
        assert_eq!(crds::problems(&rule(wrong.clone())).len(), 1, "{wrong}");
    }
}

#[test]
fn rules_become_a_prometheus_rule() {
    let metadata = json!({"name": "alerts", "namespace": "monitoring", "labels": {"release": "prometheus"}});
    for template in ["plugpipe", "plugpipe_security", "plugpipe_monitoring", "slo"] {
        let parameters = match template {
            "slo" => json!({"name": "pipes", "objective": 99.9, "errors": "a_total", "total": "b_total"}),
            _ => json!({}),
        };
        let ctx = json!({"template": template, "parameters": parameters});
        let plain = ask("export_rules", ctx.clone());
        let mut ctx = ctx;
        ctx["kubernetes"] = metadata.clone();
        let answer = ask("export_rules", ctx);
        let [rule] = &resources(&answer["result"]["exported_rules"])[..] else { panic!("{answer}") };
        assert_eq!(crds::problems(rule), Vec::<String>::new(), "{template}");
        assert_eq!(rule["metadata"], metadata);
        let file: Value = serde_saphyr::from_str(plain["result"]["exported_rules"].as_str().unwrap()).unwrap();
        assert_eq!(rule["spec"], file, "the rules are those of the rule file");
    }
    let groups =
        json!([{"name": "g", "limit": 3, "query_offset": "1m", "rules": [{"record": "a:b", "expr": "sum(a)"}]}]);
    let answer = ask("export_rules", json!({"groups": groups, "target_version": "3.5", "kubernetes": true}));
    let rule = &resources(&answer["result"]["exported_rules"])[0];
    assert_eq!(crds::problems(rule), Vec::<String>::new());
    assert_eq!(rule["metadata"], json!({"name": "plugpipe-rules"}), "named like the file");
    assert_eq!(rule["spec"]["groups"], groups);
}

#[test]
fn what_a_prometheus_rule_cannot_hold_is_an_error() {
    let export = |groups: Value, target: &str| json!({"groups": groups, "target": target, "kubernetes": true});
    let rules = json!([{"record": "a:b", "expr": "a"}]);
    let group = json!([{"name": "f", "rules": rules}, {"name": "g", "concurrency": 2, "rules": rules}]);
    refused("export_rules", export(group, "vmalert"), "groups[1].concurrency", "not part of a PrometheusRule");
    let rule = json!([{"name": "g", "rules": [{"record": "a:b", "expr": "a", "debug": true}]}]);
    refused("export_rules", export(rule, "vmalert"), "groups[0].rules[0].debug", "not part of a PrometheusRule");
    let long = "a".repeat(60_000);
    let rules: Vec<Value> = (0..10).map(|n| json!({"record": format!("a:{n}"), "expr": long})).collect();
    refused(
        "export_rules",
        export(json!([{"name": "g", "rules": rules}]), "file"),
        "kubernetes",
        "the operator accepts 524288",
    );
    for (kubernetes, field, says) in [
        (json!({"name": "Rules"}), "kubernetes.name", "lower-case letters"),
        (json!({"namespace": "a.b"}), "kubernetes.namespace", "at most 63 lower-case letters"),
        (json!({"labels": {"team": "a b"}}), "kubernetes.labels.team", "got \"a b\""),
        (json!({"labels": {"team": "a".repeat(64)}}), "kubernetes.labels.team", "at most 63"),
        (json!({"labels": {"a/b/c": "x"}}), "kubernetes.labels.a/b/c", "not a valid name"),
        (json!({"annotations": {"-": "any text"}}), "kubernetes.annotations.-", "not a valid name"),
        (json!({"annotations": {"a": "x".repeat(300_000)}}), "kubernetes.annotations", "the maximum is 262144"),
        (json!({"lables": {}}), "kubernetes.lables", "unknown field"),
        (json!("yes"), "kubernetes", "expected an object, true or false"),
    ] {
        refused("export_rules", json!({"template": "plugpipe", "kubernetes": kubernetes}), field, says);
    }
}

#[test]
fn dashboards_become_config_maps_for_the_sidecar() {
    let plain = ask("export_dashboards", json!({"templates": "all"}));
    assert!(plain["result"]["provider"].is_string(), "{plain}");
    let files = plain["result"]["files"].as_array().unwrap();
    let kubernetes = json!({"namespace": "grafana", "labels": {"team": "a"}});
    let ctx = json!({"templates": "all", "folder": ["A", "B"], "folder_uid": "x", "kubernetes": kubernetes});
    let answer = ask("export_dashboards", ctx);
    let result = &answer["result"];
    assert_eq!(result.get("provider"), None, "the sidecar has its own: {answer}");
    assert!(result["warnings"].to_string().contains("folder_uid: a ConfigMap has no field for it"), "{answer}");
    let maps = result["files"].as_array().unwrap();
    assert_eq!(maps.len(), files.len());
    for (map, file) in maps.iter().zip(files) {
        let resource = &resources(&map["content"])[0];
        assert_eq!((&resource["apiVersion"], &resource["kind"]), (&json!("v1"), &json!("ConfigMap")));
        let metadata = &resource["metadata"];
        assert_eq!(map["path"], format!("{}.yaml", metadata["name"].as_str().unwrap()));
        assert_eq!(metadata["labels"], json!({"team": "a", "grafana_dashboard": "1"}));
        assert_eq!(metadata["annotations"], json!({"grafana_folder": "A/B"}));
        let data = resource["data"].as_object().unwrap();
        assert_eq!(data.len(), 1);
        let (name, content) = data.iter().next().unwrap();
        let uid = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap()["title"].clone();
        assert!(name.ends_with(".json"), "{name}");
        assert_eq!(uid(content), uid(&file["content"]));
    }
}

#[test]
fn dashboards_that_no_config_map_can_hold_are_errors() {
    let dashboard = |title: &str, uid: &str, bytes: usize| json!({"title": title, "uid": uid, "panels": [{"type": "text", "title": "t", "options": {"content": "x".repeat(bytes)}}]});
    let export = |dashboards: Value| json!({"dashboards": dashboards, "kubernetes": true});
    let large = export(json!([dashboard("a", "a", 1_100_000)]));
    refused("export_dashboards", large, "kubernetes", "a ConfigMap has at most 1048576");
    let same = export(json!([dashboard("a", "a_b", 1), dashboard("b", "a-b", 1)]));
    refused("export_dashboards", same, "kubernetes.name", "two resources would have the name a-b");
    let answer = ask("export_dashboards", export(json!([dashboard("a", "a", 300_000)])));
    assert!(answer["result"]["warnings"].to_string().contains("kubectl apply --server-side"), "{answer}");
    let label = json!({"dashboards": [dashboard("a", "a", 1)], "kubernetes": {"labels": {"grafana_dashboard": "yes"}}});
    let answer = ask("export_dashboards", label);
    let map = &resources(&answer["result"]["files"][0]["content"])[0];
    assert_eq!(map["metadata"]["labels"], json!({"grafana_dashboard": "yes"}), "a given label wins");
}

#[test]
fn the_plugs_job_becomes_a_monitor() {
    for (kind, named, endpoints) in
        [(json!(null), "ServiceMonitor", "endpoints"), (json!("pod_monitor"), "PodMonitor", "podMetricsEndpoints")]
    {
        let plug = json!({
            "job": "pipes $1", "interval": "5s", "timeout": "3s", "scheme": "https", "params": {"a_b": ["c"]},
            "tls": {"server_name": "plug", "insecure_skip_verify": true}, "sample_limit": 10, "native_histograms": true,
            "protocols": ["PrometheusProto"], "bearer_token_secret": {"name": "plugpipe-token", "key": "metrics"},
            "honor_labels": true, "honor_timestamps": false, "proxy_url": "http://proxy:3128",
        });
        let kubernetes = json!({
            "kind": kind, "name": "plug", "namespace": "monitoring", "labels": {"release": "p"}, "selector": {"app": "a"},
            "port": "web", "namespaces": ["jobs"],
        });
        let ctx = json!({"for_version": "3.8", "generate": {"plug": plug}, "kubernetes": kubernetes});
        let [monitor] = &generated(ctx)[..] else { panic!("one resource") };
        assert_eq!((&monitor["kind"], &monitor["metadata"]["name"]), (&json!(named), &json!("plug")));
        let expected = json!({
            "selector": {"matchLabels": {"app": "a"}}, "namespaceSelector": {"matchNames": ["jobs"]},
            endpoints: [{
                "port": "web", "path": "/metrics", "interval": "5s", "scrapeTimeout": "3s", "scheme": "https",
                "params": {"a_b": ["c"]}, "tlsConfig": {"serverName": "plug", "insecureSkipVerify": true},
                "authorization": {"credentials": {"name": "plugpipe-token", "key": "metrics"}},
                "honorLabels": true, "honorTimestamps": false, "proxyUrl": "http://proxy:3128",
                "relabelings": [{"targetLabel": "job", "replacement": "pipes $$1"}],
            }],
            "scrapeProtocols": ["PrometheusProto"], "scrapeNativeHistograms": true, "sampleLimit": 10,
        });
        assert_eq!(monitor["spec"], expected);
    }
    let [monitor] = &generated(json!({"kubernetes": true}))[..] else { panic!("one resource") };
    assert_eq!(monitor["metadata"], json!({"name": "plugpipe"}), "named like the job");
    assert_eq!(monitor["spec"]["selector"], json!({"matchLabels": {"app.kubernetes.io/name": "plugpipe"}}));
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!((&endpoint["port"], &endpoint["interval"]), (&json!("http"), &json!("15s")));
}

#[test]
fn jobs_with_targets_become_scrape_configs() {
    let generate = json!({
        "gateway": {"scheme": "https"},
        "scrape": [{
            "job": "others", "targets": ["a:1", "b:2", "a:1"], "labels": {"team_name": "x"}, "file_sd": ["t/*.json"],
            "http_sd": ["http://sd/t"], "refresh_interval": "1m",
        }],
        "federate": [{"targets": ["p:9090"], "match": ["up"]}],
    });
    let ctx = json!({
        "generate": generate, "gateway_url": "http://push:9091", "kubernetes": {"kind": "scrape_config", "namespace": "m"},
    });
    let all = generated(ctx);
    let names: Vec<&Value> = all.iter().map(|one| &one["metadata"]["name"]).collect();
    assert_eq!(json!(names), json!(["plugpipe", "pushgateway", "others", "federate"]));
    assert!(all.iter().all(|one| one["kind"] == "ScrapeConfig" && one["metadata"]["namespace"] == "m"));
    let plug = json!({
        "jobName": "plugpipe", "scrapeInterval": "15s", "metricsPath": "/metrics",
        "staticConfigs": [{"targets": ["localhost:8080"]}],
    });
    assert_eq!(all[0]["spec"], plug);
    assert_eq!((&all[1]["spec"]["scheme"], &all[1]["spec"]["honorLabels"]), (&json!("HTTPS"), &json!(true)));
    let others = json!({
        "jobName": "others", "scrapeInterval": "15s",
        "staticConfigs": [{"targets": ["a:1", "b:2"], "labels": {"team_name": "x"}}],
        "fileSDConfigs": [{"files": ["t/*.json"], "refreshInterval": "1m"}],
        "httpSDConfigs": [{"url": "http://sd/t", "refreshInterval": "1m"}],
    });
    assert_eq!(all[2]["spec"], others);
    assert_eq!(all[3]["spec"]["params"], json!({"match[]": ["up"]}));
    let only = json!({"parts": ["federation"], "generate": generate, "kubernetes": {"name": "f"}});
    let [federate] = &generated(only)[..] else { panic!("one resource") };
    assert_eq!((&federate["kind"], &federate["metadata"]["name"]), (&json!("ScrapeConfig"), &json!("f")));
}

#[test]
fn what_no_resource_can_say_is_an_error() {
    let files = "refers to a file on the Prometheus server";
    let elsewhere = "is set in the operator's Prometheus resource";
    let selects = "a monitor selects its targets";
    for (generate, field, says) in [
        (json!({"plug": {"targets": ["a:1"]}}), "generate.plug.targets", selects),
        (json!({"plug": {"labels": {"a": "b"}}}), "generate.plug.labels", selects),
        (json!({"plug": {"bearer_token_file": "/t"}}), "generate.plug.bearer_token_file", files),
        (json!({"plug": {"tls": {"ca_file": "/t"}}}), "generate.plug.tls.ca_file", files),
        (
            json!({"plug": {"bearer_token_secret": {"name": "a"}}}),
            "generate.plug.bearer_token_secret.key",
            "is missing",
        ),
        (
            json!({"plug": {"bearer_token_secret": {"name": "A", "key": "k"}}}),
            "generate.plug.bearer_token_secret.name",
            "lower-case",
        ),
        (
            json!({"scrape": [{"job": "a", "targets": ["a:1"], "basic_auth": {"username": "u", "password_file": "/p"}}]}),
            "generate.scrape[0].basic_auth",
            files,
        ),
        (json!({"remote_write": []}), "generate.remote_write", elsewhere),
        (json!({"rule_files": ["a.yml"]}), "generate.rule_files", elsewhere),
        (json!({"global": {"external_labels": {"a": "b"}}}), "generate.global.external_labels", elsewhere),
        (
            json!({"scrape": [{"job": "a b", "targets": ["a:1"]}, {"job": "a-b", "targets": ["a:1"]}]}),
            "kubernetes.name",
            "two resources would have the name a-b",
        ),
    ] {
        refused("generate_config", json!({"generate": generate, "kubernetes": true}), field, says);
    }
    for (kubernetes, field, says) in [
        (json!({"kind": "monitor"}), "kubernetes.kind", "expected service_monitor"),
        (json!({"kind": "scrape_config", "selector": {"a": "b"}}), "kubernetes.selector", "has targets instead"),
        (json!({"port": "much-too-long-name"}), "kubernetes.port", "at most 15"),
        (json!({"namespaces": ["a", "B"]}), "kubernetes.namespaces[1]", "at most 63"),
        (json!({"selector": {"a": "b c"}}), "kubernetes.selector.a", "got \"b c\""),
        (json!({"kinds": "x"}), "kubernetes.kinds", "unknown field"),
    ] {
        refused("generate_config", json!({"kubernetes": kubernetes}), field, says);
    }
    let parts = json!({"parts": ["scrape_configs", "remote_write"], "kubernetes": true});
    refused("generate_config", parts, "parts[1]", elsewhere);
    let secret = json!({"generate": {"plug": {"bearer_token_secret": {"name": "a", "key": "k"}}}});
    refused("generate_config", secret, "generate.plug.bearer_token_secret", "is valid with kubernetes only");
}
