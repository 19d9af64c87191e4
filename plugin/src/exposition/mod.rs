//! The registry as bytes. Changes nothing, does no I/O; one file per format.

pub mod text;

/// The formats that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text 0.0.4: [`text`].
    Text,
}

impl Format {
    /// The format of that name in `export_format`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "prometheus" => Some(Self::Text),
            _ => None,
        }
    }

    /// The name in `export_format`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "prometheus",
        }
    }

    /// For `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => text::CONTENT_TYPE,
        }
    }
}
