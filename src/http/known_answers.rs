//! Answers that a service need not send again: with their entity tags (RFC 9110 section 8.8.3), in memory and, where the user names a
//! folder, on disk.
//!
//! Only for answers without values: a file is as readable as its owner makes it. What is on disk is never trusted by itself, since it is
//! used only when the service says that it is still the answer (304). A file that cannot be read or written costs a request, and nothing
//! else.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{BODY_LIMIT, Request, Response};
use crate::call::CallError;
use crate::randomness;
use crate::secret::redact;

/// An answer, and how the service recognises it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Of which request it is the answer. File names are digests.
    url: String,
    /// The entity tag, as it came.
    pub(super) tag: String,
    /// The body.
    pub(super) body: String,
}

/// The answers known so far.
#[derive(Default)]
pub struct KnownAnswers {
    folder: Option<PathBuf>,
    known: Mutex<BTreeMap<String, Arc<Known>>>,
}

impl KnownAnswers {
    /// Nothing is known yet; with a folder, what earlier runs have left there.
    pub fn in_folder(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            known: Mutex::default(),
        }
    }

    /// Makes the folder, for its owner alone, unless it is there.
    ///
    /// # Errors
    /// [`io::Error`] where it cannot be made, or nothing can be written in it.
    pub fn prepare(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let probe = temporary(folder)?;
        create(&probe).and_then(|_| fs::remove_file(&probe))
    }

    pub(super) fn get(&self, url: &str) -> Option<Arc<Known>> {
        if let Some(known) = self.known().get(url) {
            return Some(Arc::clone(known));
        }
        let folder = self.folder.as_deref()?;
        let known = read(&file(folder, url)).ok().filter(|known| known.url == url)?;
        let known = Arc::new(known);
        self.known().insert(url.to_owned(), Arc::clone(&known));
        Some(known)
    }

    /// Keeps an answer, unless the vendor has put a value into it.
    pub(super) fn keep(&self, url: &str, tag: &str, body: &str) {
        if [url, tag, body].iter().any(|text| redact(text) != *text) {
            return;
        }
        let known = Arc::new(Known {
            url: url.to_owned(),
            tag: tag.to_owned(),
            body: body.to_owned(),
        });
        if let Some(folder) = self.folder.as_deref()
            && let Err(error) = write(folder, &known)
        {
            tracing::warn!("a listing was not kept in {}: {error}", folder.display());
        }
        self.known().insert(url.to_owned(), known);
    }

    /// Sends a request whose answer holds no value: where the service says that it is the one that is known, the known one is the answer.
    ///
    /// # Errors
    /// Those of `send`.
    pub async fn ask<F>(&self, request: Request, send: impl FnOnce(Request) -> F) -> Result<Response, CallError>
    where
        F: Future<Output = Result<Response, CallError>>,
    {
        let url = request.whole_url();
        let known = self.get(&url);
        let request = match &known {
            Some(known) => request.header("if-none-match", &*known.tag).accept(&[304]),
            None => request,
        };
        let answer = send(request).await?;
        if let Some(known) = known.filter(|_| answer.status == 304) {
            return Ok(answer.with_body(&known.body));
        }
        if let Some(tag) = answer.headers.get("etag") {
            self.keep(&url, tag, answer.body());
        }
        Ok(answer)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(folder: &Path, url: &str) -> PathBuf {
    folder.join(format!(
        "{}.json",
        hexadecimal(digest(&SHA256, url.as_bytes()).as_ref())
    ))
}

fn read(path: &Path) -> io::Result<Known> {
    let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX);
    let mut text = String::new();
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// A file that is not there yet, for its owner alone.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn temporary(folder: &Path) -> io::Result<PathBuf> {
    let mut bytes = [0; 8];
    randomness::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(folder.join(format!("{}.new", hexadecimal(&bytes))))
}

/// Writes beside it and renames: two runs at a time never leave half a file.
fn write(folder: &Path, known: &Known) -> io::Result<()> {
    let temporary = temporary(folder)?;
    let written = create(&temporary).and_then(|mut new| new.write_all(serde_json::to_string(known)?.as_bytes()));
    let placed = written.and_then(|()| fs::rename(&temporary, file(folder, &known.url)));
    if placed.is_err() {
        drop(fs::remove_file(&temporary));
    }
    placed
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::secret::Secret;

    const URL: &str = "https://api.github.com/repos/a/b/actions/secrets?page=1";

    #[test]
    fn an_answer_is_known_to_the_next_run_too_and_to_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("cache/rotation");
        KnownAnswers::prepare(&folder).unwrap();
        KnownAnswers::in_folder(Some(folder.clone())).keep(URL, "W/\"1\"", "{}");
        let later = KnownAnswers::in_folder(Some(folder.clone()));
        let known = later.get(URL).unwrap();
        assert_eq!((known.tag.as_str(), known.body.as_str()), ("W/\"1\"", "{}"));
        assert_eq!(later.get("https://api.github.com/other"), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "nothing but the answer is left: {files:?}");
        assert_eq!((mode(&folder), mode(files.first().unwrap())), (0o700, 0o600));
    }

    #[test]
    fn without_a_folder_an_answer_is_known_to_this_run() {
        let answers = KnownAnswers::default();
        answers.keep(URL, "\"1\"", "[]");
        answers.keep(URL, "\"2\"", "{}");
        assert_eq!(answers.get(URL).unwrap().tag, "\"2\"");
    }

    #[test]
    fn an_answer_that_repeats_a_value_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let value = Secret::new("correct-horse-battery-staple".to_owned());
        let answers = KnownAnswers::in_folder(Some(folder.path().to_owned()));
        let told = "correct-horse-battery-staple";
        for (tag, body) in [("\"1\"", told), (told, "{}")] {
            answers.keep(URL, tag, body);
            assert_eq!(answers.get(URL), None);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(value);
    }

    #[test]
    fn a_damaged_or_misplaced_file_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let answers = || KnownAnswers::in_folder(Some(folder.path().to_owned()));
        answers().keep(URL, "\"1\"", "{}");
        let other = "https://api.github.com/other";
        fs::copy(file(folder.path(), URL), file(folder.path(), other)).unwrap();
        assert_eq!(answers().get(other), None);
        fs::write(file(folder.path(), URL), "{\"url\":").unwrap();
        assert_eq!(answers().get(URL), None);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_an_error_before_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(KnownAnswers::prepare(&file).is_err());
        assert!(KnownAnswers::prepare(&file.join("below")).is_err());
    }
}
