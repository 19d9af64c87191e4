//! `list_alert_templates`: what `template` may name in `plan_alerts`, `apply_alerts` and `export_rules`.

use super::{Answer, Call};
use crate::error::Error;
use crate::rules::templates::TEMPLATES;
use plugpipe_contract::requests::NoFields;

pub(super) fn list(_: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
    answer.open_list("templates");
    for template in &TEMPLATES {
        answer.open_item();
        answer.text("name", template.name);
        answer.text("description", template.about);
        answer.texts("alerts", template.alerts());
        answer.open_list("parameters");
        for parameter in template.parameters() {
            answer.open_item();
            answer.text("name", parameter.name);
            answer.text("description", parameter.about);
            answer.flag("required", parameter.default.is_none());
            if let Some(default) = parameter.default.filter(|default| !default.is_empty()) {
                answer.text("default", default);
            }
            answer.close();
        }
        answer.close_list();
        answer.close();
    }
    answer.close_list();
    Ok(())
}
