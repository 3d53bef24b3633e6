//! The codec against itself, against bytes that go-cty writes, and against bytes that nobody should write.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{decode, encode};
use crate::terraform::arbitrary::typed_value;
use crate::terraform::number::Number;
use crate::terraform::schema::Type;
use crate::terraform::value::{Dynamic, Refinement, Value};

proptest! {
    #[test]
    fn what_is_written_is_read_back((kind, value) in typed_value()) {
        let bytes = encode(&value, &kind).unwrap();
        prop_assert_eq!(decode(&bytes, &kind).unwrap(), value);
    }

    #[test]
    fn a_value_that_is_cut_short_is_an_error((kind, value) in typed_value(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&value, &kind).unwrap();
        let cut = cut.index(bytes.len());
        prop_assert!(decode(&bytes[..cut], &kind).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic((kind, value) in typed_value(), noise in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
        let _ = decode(&noise, &kind);
        let mut bytes = encode(&value, &kind).unwrap();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + 1), noise);
        let _ = decode(&bytes, &kind);
    }
}

fn object(attributes: &[(&str, Type)]) -> Type {
    let attributes = attributes.iter().map(|(name, kind)| ((*name).to_owned(), kind.clone()));
    Type::Object(attributes.collect::<BTreeMap<_, _>>())
}

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

#[test]
fn values_have_the_bytes_that_terraform_expects() {
    let refined = Value::Unknown(Refinement {
        not_null: true,
        prefix: Some("v-".to_owned()),
    });
    let pair = object(&[("a", Type::Bool), ("b", Type::String)]);
    let cases: [(Value, Type, &[u8]); 9] = [
        (Value::Null, Type::String, b"\xc0"),
        (Value::unknown(), Type::Bool, b"\xd4\x00\x00"),
        (refined, Type::String, b"\xc7\x07\x0c\x82\x01\xc2\x02\xa2v-"),
        (number("7"), Type::Number, b"\xa17"),
        (number("-33"), Type::Number, b"\xa3-33"),
        (number("0.1"), Type::Number, b"\xa30.1"),
        (
            number("18446744073709551615"),
            Type::Number,
            b"\xb418446744073709551615",
        ),
        (Value::List(vec![Value::string("x")]), Type::strings(), b"\x91\xa1x"),
        (
            Value::object([("b", Value::Null), ("a", Value::Bool(true))]),
            pair,
            b"\x82\xa1a\xc3\xa1b\xc0",
        ),
    ];
    for (value, kind, bytes) in cases {
        assert_eq!(encode(&value, &kind).unwrap(), bytes, "{value:?}");
        assert_eq!(decode(bytes, &kind).unwrap(), value, "{value:?}");
    }
}

fn dynamic(kind: Type, value: Value) -> Value {
    Value::Dynamic(Box::new(Dynamic { kind, value }))
}

/// Bytes of the values of `cty.DynamicPseudoType` as go-cty 1.18 writes them, but for numbers, which it sends as integers.
#[test]
fn dynamic_values_have_the_bytes_that_terraform_expects() {
    let refined = Value::Unknown(Refinement {
        not_null: true,
        prefix: Some("v-".to_owned()),
    });
    let inner = object(&[("wave", Type::Number), ("app", Type::String), ("later", Type::Dynamic)]);
    let inner_value = Value::object([("app", refined), ("later", Value::unknown()), ("wave", number("2"))]);
    let tuple = Type::Tuple(vec![Type::Bool, Type::string_map()]);
    let tuple_value = Value::List(vec![Value::Bool(true), Value::object([("k", Value::Null)])]);
    let cases: [(Value, &[u8]); 7] = [
        (Value::Null, b"\xc0"),
        (Value::unknown(), b"\xd4\x00\x00"),
        (dynamic(Type::String, Value::Null), b"\x92\xc4\x08\"string\"\xc0"),
        (
            dynamic(Type::Number, Value::unknown()),
            b"\x92\xc4\x08\"number\"\xd4\x00\x00",
        ),
        (dynamic(Type::Number, number("7")), b"\x92\xc4\x08\"number\"\xa17"),
        (
            dynamic(inner, inner_value),
            b"\x92\xc4\x3d[\"object\",{\"app\":\"string\",\"later\":\"dynamic\",\"wave\":\"number\"}]\
            \x83\xa3app\xc7\x07\x0c\x82\x01\xc2\x02\xa2v-\xa5later\xd4\x00\x00\xa4wave\xa12",
        ),
        (
            dynamic(tuple, tuple_value),
            b"\x92\xc4\x23[\"tuple\",[\"bool\",[\"map\",\"string\"]]]\x92\xc3\x81\xa1k\xc0",
        ),
    ];
    for (value, bytes) in cases {
        assert_eq!(
            encode(&value, &Type::Dynamic).unwrap().escape_ascii().to_string(),
            bytes.escape_ascii().to_string()
        );
        assert_eq!(decode(bytes, &Type::Dynamic).unwrap(), value, "{value:?}");
    }
}

#[test]
fn a_dynamic_value_may_hold_others() {
    let whole = decode(
        b"\x92\xc4\x12[\"list\",\"dynamic\"]\x93\x92\xc4\x06\"bool\"\xc3\xc0\xc7\x03\x0c\x81\x01\xc2",
        &Type::Dynamic,
    );
    let items = vec![
        dynamic(Type::Bool, Value::Bool(true)),
        Value::Null,
        // A promise about a value without a type is dropped, as go-cty does.
        Value::unknown(),
    ];
    let list = Type::List(Box::new(Type::Dynamic));
    assert_eq!(whole.unwrap(), dynamic(list, Value::List(items)));
}

#[test]
fn reading_looks_through_to_the_value() {
    let object = Value::object([("a", Value::string("x")), ("n", number("3"))]);
    let value = dynamic(Type::Dynamic, object.clone());
    assert_eq!((value.plain(), object.plain()), (&object, &object));
    assert_eq!((value.get("a").as_str(), value.get("n").as_u64()), (Some("x"), Some(3)));
    assert!(value.as_map().is_some() && !value.is_null() && !value.has_unknown());
    assert!(dynamic(Type::Bool, Value::Null).is_null());
    assert!(dynamic(Type::strings(), Value::List(vec![Value::unknown()])).has_unknown());
    assert_eq!(value.clone().with("a", Value::Null), value);
    assert_eq!(format!("{value:?}"), r#"{"a": (string), "n": 3}"#);
}

#[test]
fn nesting_is_bounded_however_it_is_made() {
    let lists = |levels: usize| (0..levels).fold(Type::Bool, |item, _| Type::List(Box::new(item)));
    let nested = |levels: usize| (0..levels).fold(Value::Null, |item, _| Value::List(vec![item]));
    let whole = |levels| encode(&dynamic(lists(levels), nested(levels)), &Type::Dynamic).unwrap();
    assert!(decode(&whole(32), &Type::Dynamic).is_ok());
    let error = decode(&whole(33), &Type::Dynamic).unwrap_err().to_string();
    assert_eq!(error, "the type of a dynamic value is malformed or nests too deeply");
    let list_of_any = b"\x92\xc4\x12[\"list\",\"dynamic\"]\x91".repeat(100_000);
    let error = decode(&list_of_any, &Type::Dynamic).unwrap_err();
    assert_eq!(error.problem, "the value nests more than 32 levels");
    let itself = b"\x92\xc4\x09\"dynamic\"".repeat(100_000);
    let error = decode(&itself, &Type::Dynamic).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the type of a dynamic value cannot be dynamic itself"
    );
}

#[test]
fn a_long_place_costs_nothing_while_all_is_well() {
    let items = Value::List(vec![Value::Null; 500_000]);
    let kind = Type::List(Box::new(Type::Bool));
    let long = Value::Map(BTreeMap::from([("k".repeat(1 << 20), items)]));
    let bytes = encode(&dynamic(Type::Map(Box::new(kind)), long), &Type::Dynamic).unwrap();
    assert!(decode(&bytes, &Type::Dynamic).is_ok());
}

#[test]
fn types_count_as_the_values_that_they_describe() {
    let kind = format!("[\"tuple\",[{}\"bool\"]]", "\"bool\",".repeat(100_000));
    let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
    let one = [b"\x92\xc6".as_slice(), &length, kind.as_bytes(), b"\xc0"].concat();
    let many = [b"\x9f".as_slice(), &one.repeat(15)].concat();
    let error = decode(&many, &Type::List(Box::new(Type::Dynamic))).unwrap_err();
    assert_eq!(error.problem, "there are too many values");
}

#[test]
fn a_number_may_come_as_integer_float_or_text() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x07", "7"),
        (b"\xd0\xdf", "-33"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808"),
        (b"\xcb\x40\x0c\x00\x00\x00\x00\x00\x00", "3.5"),
        (b"\xca\x40\x60\x00\x00", "3.5"),
        (b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
        (b"\xa31e3", "1000"),
        (b"\xa40.25", "0.25"),
    ];
    for (bytes, text) in cases {
        assert_eq!(decode(bytes, &Type::Number).unwrap(), number(text), "{bytes:x?}");
    }
}

#[test]
fn an_attribute_that_the_value_lacks_is_written_as_null() {
    let kind = object(&[("a", Type::Bool), ("b", Type::String)]);
    let value = Value::object([("a", Value::Bool(true))]);
    assert_eq!(encode(&value, &kind).unwrap(), b"\x82\xa1a\xc3\xa1b\xc0");
}

#[test]
fn bounds_of_a_refinement_are_read_over() {
    // Not null, a number from 1 (inclusive) to 5 (exclusive).
    let bytes = b"\xc7\x0b\x0c\x83\x01\xc2\x03\x92\x01\xc3\x04\x92\x05\xc2";
    let expected = Value::Unknown(Refinement {
        not_null: true,
        prefix: None,
    });
    assert_eq!(decode(bytes, &Type::Number).unwrap(), expected);
}

#[test]
fn promises_about_strings_are_not_made_of_other_types() {
    let value = Value::Unknown(Refinement {
        not_null: false,
        prefix: Some("v-".to_owned()),
    });
    assert_eq!(encode(&value, &Type::Number).unwrap(), b"\xd4\x00\x00");
}

#[test]
fn hostile_bytes_are_errors_that_say_where() {
    let strings = Type::strings();
    let pair = object(&[("a", Type::Bool), ("b", Type::String)]);
    let deep: Vec<u8> = [b"\xc8\x02\x00\x0c\x81\x09".as_slice(), &[0x91; 509], b"\xc0"].concat();
    let long: Vec<u8> = [b"\xc8\x04\x01\x0c".as_slice(), &[0; 1025]].concat();
    let pair_of = Type::Tuple(vec![Type::Bool, Type::Bool]);
    let cases: [(&[u8], &Type, &str); 24] = [
        (b"", &strings, "the msgpack data ends too early"),
        (b"\xc1", &strings, "byte 0xc1 is not msgpack"),
        (
            b"\xdd\xff\xff\xff\xff",
            &strings,
            "[0]: the msgpack data ends too early",
        ),
        (
            b"\xdf\xff\xff\xff\xff",
            &Type::string_map(),
            "the msgpack data ends too early",
        ),
        (
            b"\xdb\xff\xff\xff\xffab",
            &Type::String,
            "the msgpack data ends too early",
        ),
        (
            b"\xc9\xff\xff\xff\xff\x00",
            &Type::String,
            "the msgpack data ends too early",
        ),
        (b"\x91\x91\x91\x91", &strings, "[0]: a string is required, got an array"),
        (b"\x91\x01", &strings, "[0]: a string is required, got a number"),
        (b"\xa1\xff", &Type::String, "a string is not UTF-8"),
        (b"\xc4\x01x", &Type::String, "a string is required, got binary data"),
        (b"\xc3\xc3", &Type::Bool, "the value is followed by further bytes"),
        (
            b"\x81\x01\xc0",
            &Type::string_map(),
            "a key is a number instead of a string",
        ),
        (b"\x82\xa1k\xc0\xa1k\xc0", &Type::string_map(), "a key occurs twice"),
        (
            b"\x81\xa1a\xc3",
            &pair,
            "an object with 2 attributes is required, got 1",
        ),
        (
            b"\x82\xa1a\xc3\xa1x\xc0",
            &pair,
            "an attribute that the schema does not have",
        ),
        (
            b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
            &Type::Number,
            "a finite number of at most 1200 digits is required",
        ),
        (b"\x91\xc3", &pair_of, "a tuple of 2 elements is required, got 1"),
        (b"\xc3", &pair_of, "a tuple is required, got a boolean"),
        (
            b"\xc3",
            &Type::Dynamic,
            "a type with a value is required, got a boolean",
        ),
        (
            b"\x93\xc4\x06\"bool\"\xc3\xc3",
            &Type::Dynamic,
            "a type with a value is required, got an array",
        ),
        (
            b"\x92\xa6\"bool\"\xc3",
            &Type::Dynamic,
            "a dynamic value begins with a string instead of its type",
        ),
        (
            b"\x92\xc4\x06\"bool\"\xa1x",
            &Type::Dynamic,
            "a boolean is required, got a string",
        ),
        (&deep, &Type::String, "a refinement nests too deeply"),
        (&long, &Type::String, "an unknown value's refinement is too long"),
    ];
    for (bytes, kind, problem) in cases {
        assert_eq!(decode(bytes, kind).unwrap_err().to_string(), problem, "{bytes:x?}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_not_written() {
    let kind = object(&[("a", Type::Bool)]);
    let wrong = Value::object([("a", Value::string("secret"))]);
    let error = encode(&wrong, &kind).unwrap_err().to_string();
    assert_eq!(error, "a: the value does not have the type that the schema declares");
    let surplus = Value::object([("z", Value::Null)]);
    let error = encode(&surplus, &kind).unwrap_err().to_string();
    assert_eq!(error, "z: the schema has no such attribute");
    // No type is guessed for a value that comes without one, and none is dropped.
    for (value, kind) in [
        (Value::string("x"), Type::Dynamic),
        (dynamic(Type::Dynamic, Value::Null), Type::Dynamic),
        (dynamic(Type::Bool, Value::string("x")), Type::Dynamic),
        (dynamic(Type::String, Value::string("x")), Type::String),
        (Value::List(vec![Value::Null]), Type::Tuple(Vec::new())),
    ] {
        let error = encode(&value, &kind).unwrap_err().to_string();
        assert_eq!(
            error, "the value does not have the type that the schema declares",
            "{kind:?}"
        );
    }
}
