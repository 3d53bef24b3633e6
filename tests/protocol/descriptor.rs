//! The compiled protocol against a list of every rpc, message and field, made from the published protocol and not from
//! our description of it: a wrong number or type would corrupt data without an error.

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};

const EXPECTED: &str = include_str!("tfplugin6.golden.txt");
const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[test]
fn every_rpc_and_field_is_the_published_one() {
    let files = FileDescriptorSet::decode(COMPILED).unwrap().file;
    let file = files.iter().find(|file| file.package() == "tfplugin6").unwrap();
    let mut found = lines(file);
    found.sort();
    let expected: Vec<&str> = EXPECTED.lines().collect();
    let missing: Vec<_> = expected
        .iter()
        .filter(|line| !found.iter().any(|found| found == *line))
        .collect();
    let surplus: Vec<_> = found.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing: {missing:#?}\nsurplus: {surplus:#?}"
    );
    assert_eq!(found.len(), 500);
}

#[test]
fn the_services_of_go_plugin_have_their_paths() {
    let files = FileDescriptorSet::decode(COMPILED).unwrap().file;
    let services = files
        .iter()
        .filter(|file| file.package() == "plugin")
        .flat_map(|file| &file.service);
    let mut paths: Vec<String> = services
        .flat_map(|service| {
            let path =
                |method: &prost_types::MethodDescriptorProto| format!("/plugin.{}/{}", service.name(), method.name());
            service.method.iter().map(path)
        })
        .collect();
    paths.sort();
    let expected = [
        "/plugin.GRPCBroker/StartStream",
        "/plugin.GRPCController/Shutdown",
        "/plugin.GRPCStdio/StreamStdio",
    ];
    assert_eq!(paths, expected);
}

fn lines(file: &FileDescriptorProto) -> Vec<String> {
    let mut lines = Vec::new();
    for method in file.service.iter().flat_map(|service| &service.method) {
        let stream = |streams: bool| if streams { "stream " } else { "" };
        lines.push(format!(
            "rpc {}: {}{} -> {}{}",
            method.name(),
            stream(method.client_streaming()),
            plain(method.input_type()),
            stream(method.server_streaming()),
            plain(method.output_type()),
        ));
    }
    file.enum_type.iter().for_each(|kind| enumeration(kind, "", &mut lines));
    file.message_type.iter().for_each(|kind| message(kind, "", &mut lines));
    lines
}

fn enumeration(kind: &EnumDescriptorProto, scope: &str, lines: &mut Vec<String>) {
    let name = format!("{scope}{}", kind.name());
    lines.push(format!("enum {name}"));
    let values = kind.value.iter();
    lines.extend(values.map(|value| format!("{name} {} = {}", value.name(), value.number())));
}

fn message(kind: &DescriptorProto, scope: &str, lines: &mut Vec<String>) {
    let name = format!("{scope}{}", kind.name());
    lines.push(format!("message {name}"));
    lines.extend(
        kind.field
            .iter()
            .map(|field| format!("{name} {}", describe(field, kind))),
    );
    let scope = format!("{name}.");
    kind.enum_type
        .iter()
        .for_each(|inner| enumeration(inner, &scope, lines));
    let inner = kind.nested_type.iter().filter(|inner| entry(inner).is_none());
    inner.for_each(|inner| message(inner, &scope, lines));
}

fn describe(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let map = message
        .nested_type
        .iter()
        .find(|inner| field.type_name().ends_with(&format!(".{}", inner.name())))
        .and_then(entry);
    let label = match (&map, field.oneof_index) {
        (Some(_), _) => "map".to_owned(),
        (None, Some(_)) if field.proto3_optional() => "optional".to_owned(),
        (None, Some(at)) => format!("oneof {}", message.oneof_decl[usize::try_from(at).unwrap()].name()),
        (None, None) if field.label() == Label::Repeated => "repeated".to_owned(),
        (None, None) => "singular".to_owned(),
    };
    let kind = map.unwrap_or_else(|| type_name(field));
    format!("{}: {label} {kind} {}", field.number(), field.name())
}

/// The type of a map, when `message` is the hidden message of its entries.
fn entry(message: &DescriptorProto) -> Option<String> {
    if !message
        .options
        .as_ref()
        .is_some_and(prost_types::MessageOptions::map_entry)
    {
        return None;
    }
    let side = |number| {
        message
            .field
            .iter()
            .find(|field| field.number() == number)
            .map(type_name)
    };
    Some(format!("map<{}, {}>", side(1)?, side(2)?))
}

fn type_name(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => plain(field.type_name()),
        Type::Bool => "bool".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::String => "string".to_owned(),
        other => format!("{other:?}"),
    }
}

fn plain(name: &str) -> String {
    let name = name.strip_prefix('.').unwrap_or(name);
    name.strip_prefix("tfplugin6.").unwrap_or(name).to_owned()
}
