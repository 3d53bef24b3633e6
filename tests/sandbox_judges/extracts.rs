//! The extracts are what `cut.py` cuts from the vendors' published descriptions, where those are at hand: in the directory that
//! `SPECS_DIR` names, or in `../shared/specs` beside the repository. They are large, so they are not kept here.

use std::path::{Path, PathBuf};

use super::walk::python;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn extracts() -> PathBuf {
    root().join("tests/sandbox_judges/extracts")
}

/// A directory that somebody names has to be there.
fn specs() -> Option<PathBuf> {
    let beside = root().join("../shared/specs");
    std::env::var_os("SPECS_DIR").map_or_else(|| beside.exists().then_some(beside), |named| Some(named.into()))
}

/// Whether these extracts are cut from these descriptions, and what is said of it.
fn cut_from(specs: &Path, extracts: &Path) -> (bool, String) {
    let output = python("cut.py")
        .arg("--check")
        .args([specs, extracts])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), said)
}

#[test]
fn the_extracts_are_what_is_cut_from_the_published_descriptions() {
    let Some(specs) = specs() else {
        eprintln!("The descriptions are not at hand (SPECS_DIR), so the extracts were compared with nothing.");
        return;
    };
    let (same, said) = cut_from(&specs, &extracts());
    assert!(same, "{said}");
    // One word more or less is found.
    let spoilt = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(extracts()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replacen("\"integer\"", "\"string\"", 1).replacen("ID!", "ID", 1);
        std::fs::write(spoilt.path().join(path.file_name().unwrap()), text).unwrap();
    }
    let (same, said) = cut_from(&specs, spoilt.path());
    assert!(!same);
    for name in ["fly.json", "github.json", "neon.json", "fly.graphql"] {
        assert!(said.contains(name), "{name} is missing in {said}");
    }
}

#[test]
fn a_directory_without_the_descriptions_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    let (same, said) = cut_from(empty.path(), &extracts());
    assert!(!same && said.contains("fly-machines.openapi.json"), "{said}");
}
