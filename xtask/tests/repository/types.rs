//! The types for callers in TypeScript and Python: made from this manifest, and read by the tools
//! of both languages.

use std::process::Command;

use xtask::root;

use crate::fetched;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn the_types_are_of_this_manifest() {
    for (path, made) in xtask::types::files().unwrap() {
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written == made, "{} is not of this manifest: run cargo xtask generate", path.display());
    }
}

#[test]
fn python_imports_every_class_and_resolves_its_hints() {
    const CHECK: &str = "
import sys, typing
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import plug_types
classes = [it for it in vars(plug_types).values() if isinstance(it, type) and it.__module__ == 'plug_types']
for it in classes:
    typing.get_type_hints(it)
    assert it.__doc__ or it.__name__.startswith('_'), it
hints = typing.get_type_hints
assert len(hints(plug_types.Requests)) == len(hints(plug_types.Results)) == len(typing.get_args(plug_types.Operation))
for operation, request in hints(plug_types.Requests).items():
    assert operation in typing.get_args(hints(request)['operation']) or operation == 'record_metric', operation
assert {'operation', 'metric_name', 'metric_value'} <= plug_types.RecordGaugeRequest.__required_keys__
assert 'match[]' in plug_types.FederateRequest.__optional_keys__
assert 'metric_pushed' in plug_types.RecordMetricResult.__required_keys__
print(len(classes))
";
    let output = Command::new("python3").args(["-c", CHECK]).arg(root().join("packaging/python")).output();
    let output = output.unwrap_or_else(|error| {
        panic!("python3 cannot be run ({error}); on Debian: `apt-get install python3`");
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let classes: usize = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(classes > 200, "{classes}");
}

#[test]
fn typescript_takes_what_is_right_and_refuses_what_is_wrong() {
    // What jco makes of the component is not there without a build; its types are not looked at.
    let component = "export declare const exposition: unknown, metrics: unknown, query: unknown, state: unknown;\n";
    let files = [
        ("plug/component/monitoring_prometheus.d.ts", component.to_owned()),
        ("plug/index.d.ts", read("packaging/node/index.d.ts")),
        ("plug/plug.d.ts", read("packaging/node/plug.d.ts")),
        ("plug/types.d.ts", read("packaging/node/types.d.ts")),
        ("plug/examples.ts", read("tests/hosts/types.ts")),
    ];
    let said = fetched::tsc(&fetched::typescript(), &files, &[]);
    assert!(said.is_empty(), "{said:#?}");
}
