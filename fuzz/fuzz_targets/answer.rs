//! What grants read of a plug's description, whose own file needs the plug's bindings.

pub(crate) struct Server {
    pub(crate) settings: Vec<String>,
    pub(crate) headers: Vec<HeaderSetting>,
}

pub(crate) struct HeaderSetting {
    pub(crate) name: String,
    pub(crate) settings: Vec<String>,
}
