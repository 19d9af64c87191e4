//! `list_alert_templates`: the values of `template` in `plan_alerts`, `apply_alerts` and
//! `export_rules`.

use super::call::Call;
use crate::error::Error;
use crate::rules::templates::{Parameter, TEMPLATES, Template};
use plugpipe_contract::requests::NoFields;
use plugpipe_contract::responses::{AlertTemplate, AlertTemplates, TemplateParameter};

/// `list_alert_templates`.
pub fn list(_: &mut Call, _: &NoFields) -> Result<AlertTemplates, Error> {
    let parameter = |parameter: &Parameter| TemplateParameter {
        name: parameter.name,
        description: parameter.about,
        required: parameter.default.is_none(),
        default: parameter.default.filter(|default| !default.is_empty()),
    };
    let template = |template: &Template| AlertTemplate {
        name: template.name,
        description: template.about,
        alerts: template.alerts().collect(),
        parameters: template.parameters().map(parameter).collect(),
    };
    Ok(AlertTemplates { templates: TEMPLATES.iter().map(template).collect() })
}
