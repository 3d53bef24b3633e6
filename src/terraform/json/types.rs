//! Types as JSON (go-cty `cty/json`, "type JSON"): in a schema, and with every dynamic value.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use crate::terraform::codec::{CodecError, DEEPEST, Place};
use crate::terraform::schema::Type;

/// Longest type JSON, in bytes. That of a thousand elements has some hundred kilobytes.
const LONGEST: usize = 1024 * 1024;

/// What a type is called that cannot be read. It names no part of it: attribute names are the user's.
const MALFORMED: &str = "the type of a dynamic value is malformed or nests too deeply";

/// A type as tfplugin6 `Schema.Attribute.type` carries it. A malformed one makes Terraform panic.
pub fn type_json(kind: &Type) -> Json {
    match kind {
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::Dynamic => "dynamic".into(),
        Type::List(item) => vec![Json::from("list"), type_json(item)].into(),
        Type::Set(item) => vec![Json::from("set"), type_json(item)].into(),
        Type::Map(item) => vec![Json::from("map"), type_json(item)].into(),
        Type::Tuple(items) => {
            let items: Vec<Json> = items.iter().map(type_json).collect();
            vec![Json::from("tuple"), items.into()].into()
        }
        Type::Object(attributes) => {
            let attributes: serde_json::Map<_, _> = attributes
                .iter()
                .map(|(name, kind)| (name.clone(), type_json(kind)))
                .collect();
            vec![Json::from("object"), attributes.into()].into()
        }
    }
}

/// Reads type JSON. The names of optional attributes, which an object type may end with, are ignored: values have none.
///
/// # Errors
/// [`CodecError`] for bytes that are no type, nest more than 32 levels, or are longer than 1 MiB.
pub fn parse_type(bytes: &[u8]) -> Result<Type, CodecError> {
    if bytes.len() > LONGEST {
        let problem = "the type of a dynamic value is longer than 1 MiB";
        return Err(Place::ROOT.error(problem));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    read(&mut json)
        .and_then(|kind| json.end().map(|()| kind))
        .map_err(|_| Place::ROOT.error(MALFORMED))
}

/// The type of a value that is stored with its type, as [`parse_type`] reads it.
pub(super) fn type_of_json(json: &Json, place: &Place<'_>) -> Result<Type, CodecError> {
    read(json).map_err(|_| place.error(MALFORMED))
}

fn read<'de, D: Deserializer<'de>>(json: D) -> Result<Type, D::Error> {
    Any { deeper: DEEPEST }.deserialize(json)
}

/// A type that may nest so many levels deeper.
#[derive(Clone, Copy)]
struct Any {
    deeper: usize,
}

/// The element types of a tuple.
struct Items(Any);

/// The attributes of an object type.
struct Attributes(Any);

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Type;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Type, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Type;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Type, E> {
        Ok(match name {
            "bool" => Type::Bool,
            "number" => Type::Number,
            "string" => Type::String,
            "dynamic" => Type::Dynamic,
            _ => return Err(E::custom("no such type")),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Type, A::Error> {
        let short = || A::Error::custom("a part is missing");
        let deeper = self.deeper.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?;
        let inner = Self { deeper };
        let name: String = parts.next_element()?.ok_or_else(short)?;
        let mut item = || parts.next_element_seed(inner)?.map(Box::new).ok_or_else(short);
        match name.as_str() {
            "list" => item().map(Type::List),
            "set" => item().map(Type::Set),
            "map" => item().map(Type::Map),
            "tuple" => parts
                .next_element_seed(Items(inner))?
                .map(Type::Tuple)
                .ok_or_else(short),
            "object" => {
                let attributes = parts.next_element_seed(Attributes(inner))?.ok_or_else(short)?;
                parts.next_element::<Vec<String>>()?;
                Ok(Type::Object(attributes))
            }
            _ => Err(A::Error::custom("no such type")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<Type>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Type>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the types of a tuple's elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = parts.next_element_seed(self.0)? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<'de> DeserializeSeed<'de> for Attributes {
    type Value = BTreeMap<String, Type>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Attributes {
    type Value = BTreeMap<String, Type>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the attributes of an object type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some(name) = parts.next_key::<String>()? {
            if attributes.insert(name, parts.next_value_seed(self.0)?).is_some() {
                return Err(A::Error::custom("an attribute occurs twice"));
            }
        }
        Ok(attributes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::terraform::arbitrary::typed_value;

    proptest! {
        #[test]
        fn a_type_is_read_as_it_was_written((kind, _) in typed_value()) {
            let json = type_json(&kind);
            prop_assert_eq!(type_of_json(&json, &Place::ROOT).unwrap(), kind.clone());
            prop_assert_eq!(parse_type(json.to_string().as_bytes()).unwrap(), kind);
        }

        #[test]
        fn no_bytes_make_it_panic(noise in any::<Vec<u8>>(), text in "[\\[\\]{}\":,a-z]*") {
            let _ = parse_type(&noise);
            let _ = parse_type(text.as_bytes());
        }
    }

    #[test]
    fn types_are_written_as_terraform_reads_them() {
        let object = Type::Object(BTreeMap::from([
            ("tags".to_owned(), Type::string_map()),
            ("count".to_owned(), Type::Number),
            ("any".to_owned(), Type::Dynamic),
            ("on".to_owned(), Type::Tuple(vec![Type::Bool, Type::strings()])),
        ]));
        let expected = json!([
            "set",
            ["object", {"any": "dynamic", "count": "number", "on": ["tuple", ["bool", ["list", "string"]]], "tags": ["map", "string"]}]
        ]);
        assert_eq!(type_json(&Type::Set(Box::new(object))), expected);
        assert_eq!(type_json(&Type::Dynamic).to_string(), "\"dynamic\"");
        let sorted = br#"["object",{"a":"bool","b":"bool"}]"#;
        let swapped = br#"["object",{"b":"bool","a":"bool"}]"#;
        assert_eq!(type_json(&parse_type(swapped).unwrap()).to_string().as_bytes(), sorted);
    }

    #[test]
    fn names_of_optional_attributes_are_read_over() {
        let kind = parse_type(br#"["object",{"a":"bool"},["a"]]"#).unwrap();
        assert_eq!(type_json(&kind).to_string(), r#"["object",{"a":"bool"}]"#);
    }

    #[test]
    fn what_is_no_type_is_refused() {
        let wrong: [&[u8]; 19] = [
            b"",
            b"\"any\"",
            b"\"bool\" \"bool\"",
            b"null",
            b"7",
            b"{}",
            b"[]",
            br#"["list"]"#,
            br#"["list","bool","bool"]"#,
            br#"["list",7]"#,
            br#"["tuple"]"#,
            br#"["tuple","bool"]"#,
            br#"["tuple",["bool"],[]]"#,
            br#"["object"]"#,
            br#"["object",["bool"]]"#,
            br#"["object",{"a":"bool","a":"bool"}]"#,
            br#"["object",{"a":"bool"},[7]]"#,
            br#"["object",{"a":"bool"},["a"],[]]"#,
            br#"["capsule","bool"]"#,
        ];
        for bytes in wrong {
            let error = parse_type(bytes).unwrap_err().to_string();
            assert_eq!(error, MALFORMED, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |levels: usize| format!("{}\"bool\"{}", "[\"list\",".repeat(levels), "]".repeat(levels));
        assert!(parse_type(nested(DEEPEST).as_bytes()).is_ok());
        for levels in [DEEPEST + 1, 50_000] {
            let error = parse_type(nested(levels).as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), MALFORMED);
        }
        let long = format!("\"bool\"{}", " ".repeat(LONGEST));
        let error = parse_type(long.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "the type of a dynamic value is longer than 1 MiB");
    }
}
