//! JSON Schemas (2020-12) of what goes in and what comes out.

use dripline::chart::Chart;
use dripline::coding::Coding;
use schemars::Schema;
use schemars::generate::SchemaSettings;

/// The schema of a case.
#[must_use]
pub fn case() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    titled(settings.into_generator().into_root_schema_for::<Chart>(), "dripline case")
}

/// The schema of a coding: every key is always written, but for those that stand only where something differs.
#[must_use]
pub fn coding() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    titled(settings.into_generator().into_root_schema_for::<Coding>(), "dripline coding")
}

fn titled(mut schema: Schema, title: &str) -> Schema {
    schema.insert("title".to_owned(), title.into());
    schema
}
