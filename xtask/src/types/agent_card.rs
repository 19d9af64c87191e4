//! The agent card of PlugPipe's registry, with a skill for each operation.

use serde_json::{Map, Value, json};

/// Renders the card of a manifest.
pub(super) fn render(manifest: &Value) -> Result<String, String> {
    let text = |key: &str| {
        let value = manifest.get(key).and_then(Value::as_str);
        value.ok_or_else(|| format!("{key}: expected a text in the manifest"))
    };
    let (name, category, subcategory) = (text("name")?, text("category")?, text("subcategory")?);
    let operations = manifest.get("operations").and_then(Value::as_object).ok_or("operations: expected a map")?;
    // A request and its answer are JSON objects.
    let skill = |(id, summary): (&String, &Value)| {
        json!({
            "id": id, "name": id, "description": summary, "inputModes": ["structured"], "outputModes": ["structured"],
        })
    };
    let plugpipe: Map<String, Value> = ["category", "subcategory", "tags", "author", "license"]
        .into_iter()
        .map(|key| (key.to_owned(), manifest.get(key).cloned().unwrap_or_default()))
        .chain([("originalPlugin".to_owned(), name.into())])
        .collect();
    let card = json!({"agentCard": {
        "id": format!("urn:agent:plugpipe:{category}:{subcategory}:{name}"),
        "name": text("display_name")?,
        "description": text("description")?,
        "version": text("version")?,
        // Where PlugPipe's own runtime serves agents.
        "serviceUrl": format!("http://localhost:8000/a2a/{name}"),
        "skills": operations.iter().map(skill).collect::<Vec<_>>(),
        "metadata": {"plugpipe": plugpipe, "generator": "cargo xtask generate"},
    }});
    let text = serde_json::to_string_pretty(&card).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}
