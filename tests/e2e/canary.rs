//! The search for values where none may be: raw, in base64, and by any eight characters of their secret part.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::story::Story;
use crate::truth::fly_tokens;

/// Every value that the vendors know and that only a running apply may know.
pub(crate) fn values(story: &Story) -> Vec<String> {
    let state = story.sandbox.state();
    let mut values: Vec<String> = fly_tokens(story).into_iter().map(|token| token.value).collect();
    for parameter in state["aws"]["ssm"].as_object().unwrap().values() {
        values.push(parameter["value"].as_str().unwrap().to_owned());
    }
    for repository in state["github"]["repositories"].as_object().unwrap().values() {
        for secret in repository["secrets"].as_object().unwrap().values() {
            values.push(secret["value"].as_str().unwrap().to_owned());
        }
    }
    values.sort();
    values.dedup();
    values
}

/// The first form of `value` that `content` holds.
pub(crate) fn found(content: &[u8], value: &str) -> Option<String> {
    let encoded = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].map(|engine| engine.encode(value));
    let whole = [value.to_owned(), value.replace('+', "%2B").replace('/', "%2F")];
    let parts = secret_parts(value);
    let pieces = parts.iter().flat_map(|part| {
        let bytes = part.as_bytes().windows(8);
        bytes.map(|piece| String::from_utf8_lossy(piece).into_owned())
    });
    whole
        .into_iter()
        .chain(encoded)
        .chain(pieces)
        .find(|needle| content.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

/// What is secret of a value: of a Fly token each part without its scheme and the words that all parts share.
fn secret_parts(value: &str) -> Vec<String> {
    let bare = value.strip_prefix("FlyV1 ").unwrap_or(value);
    let parts = bare.split(',').map(|part| part.strip_prefix("fm2_").unwrap_or(part));
    // The sandbox's tokens begin with "permission-N-" or "discharge-N-" in base64: the same in every token.
    parts.map(|part| part.chars().skip(20).collect()).collect()
}

/// No file below `directory` holds a value.
#[track_caller]
pub(crate) fn nowhere_below(directory: &Path, values: &[String]) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() || path.extension().is_some_and(|kind| kind == "tf") {
            continue;
        }
        if path.is_dir() {
            nowhere_below(&path, values);
            continue;
        }
        let Ok(content) = content(&path) else { continue };
        for value in values {
            assert_eq!(found(&content, value), None, "{} holds a value", path.display());
        }
    }
}

/// What a file holds; a saved plan is an archive, of which the content counts.
fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    let stored = std::fs::read(path)?;
    if !stored.starts_with(b"PK\x03\x04") {
        return Ok(stored);
    }
    let program = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nfor n in z.namelist(): sys.stdout.buffer.write(z.read(n))";
    let output = Command::new("python3").args(["-c", program]).arg(path).output()?;
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    Ok(output.stdout)
}

#[test]
fn the_search_finds_a_planted_value_in_every_form() {
    let value = "FlyV1 fm2_cGVybWlzc2lvbi0xMS0xYTJiM2M0ZDVlNmY3ZThk,fm2_ZGlzY2hhcmdlLTExLTZmN2U4ZDljMWEyYjNjNGQ1ZTZm";
    for planted in [
        value.to_owned(),
        STANDARD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
        value.replace('+', "%2B"),
        value.chars().skip(30).take(10).collect(),
    ] {
        let content = format!("{{\"x\": \"{planted}\"}}");
        assert!(found(content.as_bytes(), value).is_some(), "{planted}");
    }
    assert_eq!(found(b"{\"x\": \"nothing\"}", value), None);
}
