//! The rules that the plug ships.

use super::Group;
use crate::error::Error;
use crate::fields::Fields;

/// The groups of the template that `ctx.template` names.
pub fn read(ctx: &Fields) -> Result<Vec<Group>, Error> {
    let _ = ctx;
    Err(Error::Missing { field: "groups".into(), expected: "a list of groups, or alerts" })
}
