//! What a story leaves behind, as bytes that can be searched: outputs, files, archives opened, private state decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::needles::Needles;

/// Contents by the place where each was found; a place may have had many.
#[derive(Default)]
pub(crate) struct Evidence(BTreeMap<String, BTreeSet<Vec<u8>>>);

impl Evidence {
    pub(crate) fn add(&mut self, place: &str, content: impl Into<Vec<u8>>) {
        self.0.entry(place.to_owned()).or_default().insert(content.into());
    }

    /// All files below `directory`; archives and private state are opened too. Left out are links and what the user wrote (`*.tf`, `*.tfvars`).
    pub(crate) fn add_files(&mut self, directory: &Path) {
        let Ok(entries) = std::fs::read_dir(directory) else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let written_by_user = path.extension().is_some_and(|kind| kind == "tf" || kind == "tfvars");
            if path.is_symlink() || written_by_user {
                continue;
            }
            if path.is_dir() {
                self.add_files(&path);
            } else if path.is_file()
                && let Ok(content) = std::fs::read(&path)
            {
                self.add_file(&path, content);
            }
        }
    }

    fn add_file(&mut self, path: &Path, content: Vec<u8>) {
        let place = format!("file {}", path.file_name().unwrap().display());
        if content.starts_with(b"PK\x03\x04") {
            self.add(&format!("{place}, opened"), opened(path));
        } else if let Ok(state) = serde_json::from_slice(&content) {
            for private in privates(&state) {
                self.add(&format!("{place}, private state"), private);
            }
        }
        self.add(&place, content);
    }

    /// The places, to show that nothing was forgotten.
    pub(crate) fn has(&self, place: &str) -> bool {
        self.0
            .iter()
            .any(|(known, contents)| known.contains(place) && contents.iter().any(|content| !content.is_empty()))
    }

    /// Whether some content at such a place has this text.
    pub(crate) fn shows(&self, place: &str, text: &str) -> bool {
        let mut here = self.0.iter().filter(|(known, _)| known.contains(place));
        here.any(|(_, contents)| {
            contents
                .iter()
                .any(|content| String::from_utf8_lossy(content).contains(text))
        })
    }

    /// Every place that holds a value, with what it holds.
    pub(crate) fn leaks(&self, needles: &Needles, but_not_at: &str) -> Vec<String> {
        let mut leaks = Vec::new();
        for (place, contents) in &self.0 {
            if !but_not_at.is_empty() && place.contains(but_not_at) {
                continue;
            }
            for content in contents {
                if let Some(found) = needles.found(content) {
                    leaks.push(format!("{place}: {found}"));
                }
            }
        }
        leaks
    }
}

/// All members of an archive.
fn opened(path: &Path) -> Vec<u8> {
    let program = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                   for n in z.namelist():\n    if not n.endswith('.tf'): sys.stdout.buffer.write(z.read(n))";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    output.stdout
}

/// The provider's private bytes in a state file.
fn privates(state: &Json) -> Vec<Vec<u8>> {
    let resources = state["resources"].as_array().into_iter().flatten();
    let instances = resources.flat_map(|resource| resource["instances"].as_array().into_iter().flatten());
    instances
        .filter_map(|instance| STANDARD.decode(instance["private"].as_str()?).ok())
        .collect()
}
