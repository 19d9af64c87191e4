//! The binary, `serve`, what is shipped, and what the documents say.

pub mod arguments;
pub mod binary;
pub mod check;
mod compression;
pub mod demo;
pub mod dist;
pub mod docs;
pub mod examples;
pub mod kubernetes;
pub mod manifest;
pub mod new_plug;
pub mod other_plug;
pub mod page;
pub mod preview;
pub mod published;
pub mod python_host;
pub mod raw_requests;
pub mod registry;
pub mod serve;
pub mod several_plugs;
pub mod snippets;
pub mod stack;
pub mod systemd;
pub mod terminal;
pub mod web_config;
pub mod writers;
