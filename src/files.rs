//! Files of users that hold values: the only place that reads or writes one.
//!
//! A file is replaced as a whole: its new content is written beside it, synchronised, and renamed (rename(2) is atomic), so that a
//! reader sees the old or the new one. A symbolic link is never followed, and a folder that everybody may write to is refused, where
//! somebody else could put another file in its place. Who changes a file holds a lock of its folder (flock(2)), which other runs on
//! this machine wait for.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{Access, OFlags};
use zeroize::Zeroizing;

use crate::call::WritePermit;
use crate::clock::Clock;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// How long another run may hold the lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pauses between attempts to get it.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_millis(80);

/// Between the name of a file and what tells one temporary file from another.
const TEMPORARY: &str = ".rotation-";

/// Permissions that are nobody's but the owner's and the group's.
const MODE: u32 = 0o777;

/// Anybody may write, and nobody is held off from what belongs to others.
const OPEN_TO_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// A file at a path.
#[derive(Debug, Clone)]
pub struct PrivateFile {
    path: PathBuf,
    clock: Clock,
}

/// What stands in a file.
pub struct Content {
    /// The text.
    pub text: Zeroizing<String>,
    /// When it was last written.
    pub modified_at: Option<Timestamp>,
    /// Its permissions.
    pub mode: u32,
}

/// Why a file was not read or written, as the end of a sentence. Nothing was changed, unless it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// What is wrong.
    pub why: String,
    /// The change may have been made nevertheless.
    pub is_doubtful: bool,
}

impl FileProblem {
    fn of(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_doubtful: false,
        }
    }

    fn during(what: &str, error: &io::Error) -> Self {
        Self::of(format!("{what} failed ({error})"))
    }
}

/// A file that nobody else changes until this is dropped.
pub struct LockedFile {
    path: PathBuf,
    folder: File,
}

impl PrivateFile {
    /// The one at an absolute path.
    pub fn at(path: impl Into<PathBuf>, clock: Clock) -> Self {
        let path = path.into();
        Self { path, clock }
    }

    /// What keeps this run from replacing it, as far as that shows.
    pub async fn obstacle(&self) -> Option<String> {
        let path = self.path.clone();
        apart(move || check_replaceable(&path))
            .await
            .err()
            .map(|problem| problem.why)
    }

    /// What stands in it; `None` when there is no file.
    ///
    /// # Errors
    /// [`FileProblem`]: it is no plain file, no text, or cannot be read.
    pub async fn read(&self) -> Result<Option<Content>, FileProblem> {
        let path = self.path.clone();
        apart(move || read(&path)).await
    }

    /// Waits until no other run changes files of its folder.
    ///
    /// # Errors
    /// [`FileProblem`]: the folder is missing or not to be trusted, or another run holds the lock for too long.
    pub async fn lock(&self) -> Result<LockedFile, FileProblem> {
        let mut polling = self.clock.polling(PATIENCE, PAUSES);
        loop {
            let path = self.path.clone();
            if let Some(locked) = apart(move || try_lock(&path)).await? {
                return Ok(locked);
            }
            if !polling.again().await {
                let seconds = PATIENCE.as_secs();
                let why = format!("another run has been changing files in its folder for {seconds} seconds");
                return Err(FileProblem::of(why));
            }
        }
    }
}

impl LockedFile {
    /// What stands in it, as [`PrivateFile::read`] tells.
    ///
    /// # Errors
    /// As there.
    pub async fn read(&self) -> Result<Option<Content>, FileProblem> {
        let path = self.path.clone();
        apart(move || read(&path)).await
    }

    /// Replaces it, or makes it. Owner and group stay what they are; `mode` is that of the new file, `None` keeps it.
    ///
    /// # Errors
    /// [`FileProblem`].
    pub async fn replace(
        &self,
        text: Zeroizing<String>,
        mode: Option<u32>,
        _permit: &WritePermit,
    ) -> Result<(), FileProblem> {
        let path = self.path.clone();
        let folder = self.folder.try_clone();
        let folder = folder.map_err(|error| FileProblem::during("opening its folder", &error))?;
        apart(move || replace(&path, &folder, &text, mode)).await
    }

    /// Deletes it. One that is missing already is success.
    ///
    /// # Errors
    /// [`FileProblem`].
    pub async fn delete(&self, _permit: &WritePermit) -> Result<(), FileProblem> {
        let path = self.path.clone();
        let folder = self.folder.try_clone();
        let folder = folder.map_err(|error| FileProblem::during("opening its folder", &error))?;
        apart(move || {
            if open(&path)?.is_none() {
                return Ok(());
            }
            std::fs::remove_file(&path).map_err(|error| FileProblem::during("deleting it", &error))?;
            folder.sync_all().map_err(doubtful)
        })
        .await
    }
}

/// Does what waits for the disk where it holds nothing up.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileProblem> + Send + 'static,
) -> Result<T, FileProblem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(FileProblem {
            why: format!("the work on it was lost ({error})"),
            is_doubtful: true,
        }),
    }
}

/// The folder of a file, if nobody but its owner and group can put another file in the place of ours.
fn folder_of(path: &Path) -> Result<&Path, FileProblem> {
    let Some(folder) = path.parent() else {
        return Err(FileProblem::of("it has no folder"));
    };
    let shown = folder.display();
    let found = match folder.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(FileProblem::of(format!("the folder {shown} does not exist: create it")));
        }
        Err(error) => return Err(FileProblem::during(&format!("looking at the folder {shown}"), &error)),
    };
    if found.file_type().is_symlink() {
        let why = format!("its folder {shown} is a symbolic link: write the path that it leads to");
        return Err(FileProblem::of(why));
    }
    if !found.is_dir() {
        return Err(FileProblem::of(format!("{shown} is not a folder")));
    }
    let mode = found.permissions().mode();
    if mode & OPEN_TO_ALL != 0 && mode & STICKY == 0 {
        let why = format!("everybody may write to its folder {shown}: take that away (chmod o-w {shown})");
        return Err(FileProblem::of(why));
    }
    Ok(folder)
}

/// Whether this run may put a file in the place of that one: the folder can be written to, and who owns the file keeps it.
fn check_replaceable(path: &Path) -> Result<(), FileProblem> {
    let folder = folder_of(path)?;
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        let error = io::Error::from(error);
        let shown = folder.display();
        FileProblem::of(format!(
            "this run may not write to its folder {shown}, where the new content is written beside it ({error})"
        ))
    })?;
    let Some(file) = open(path)? else { return Ok(()) };
    let existing = file.metadata();
    let existing = existing.map_err(|error| FileProblem::during("reading it", &error))?;
    let us = rustix::process::geteuid();
    if us.is_root() || us.as_raw() == existing.uid() {
        Ok(())
    } else {
        Err(belongs_to_others(&existing))
    }
}

/// Opens it to read; `None` when there is none.
fn open(path: &Path) -> Result<Option<File>, FileProblem> {
    let reading = |error: &io::Error| FileProblem::during("reading it", error);
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(reading(&error)),
    };
    if found.file_type().is_symlink() {
        return Err(FileProblem::of(
            "it is a symbolic link: write the path that it leads to",
        ));
    }
    if !found.is_file() {
        return Err(FileProblem::of("it is not a plain file"));
    }
    if found.nlink() > 1 {
        return Err(FileProblem::of(
            "it has several names (hard links), and only this one would get the new content",
        ));
    }
    // Between the look and this, somebody may have put something else in its place.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    file.map(Some).map_err(|error| reading(&error))
}

fn read(path: &Path) -> Result<Option<Content>, FileProblem> {
    let Some(file) = open(path)? else { return Ok(None) };
    let reading = |error: &io::Error| FileProblem::during("reading it", error);
    let found = file.metadata().map_err(|error| reading(&error))?;
    if found.len() > LARGEST {
        return Err(FileProblem::of(format!("it is larger than {LARGEST} bytes")));
    }
    // Memory that grows would leave copies behind.
    let capacity = usize::try_from(LARGEST.min(found.len() + 1)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| reading(&error))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| FileProblem::of("it is not UTF-8 text"))?;
    Ok(Some(Content {
        text: Zeroizing::new(text.to_owned()),
        mode: found.permissions().mode() & MODE,
        modified_at: found.modified().ok().and_then(|at| Timestamp::try_from(at).ok()),
    }))
}

fn try_lock(path: &Path) -> Result<Option<LockedFile>, FileProblem> {
    let folder = File::open(folder_of(path)?);
    let folder = folder.map_err(|error| FileProblem::during("opening its folder", &error))?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(LockedFile {
            path: path.to_owned(),
            folder,
        })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(FileProblem::during("locking its folder", &error)),
    }
}

/// The file is in its place, but perhaps not after a loss of power.
fn doubtful(error: io::Error) -> FileProblem {
    FileProblem {
        is_doubtful: true,
        ..FileProblem::during("synchronising its folder", &error)
    }
}

fn replace(path: &Path, folder: &File, text: &str, mode: Option<u32>) -> Result<(), FileProblem> {
    let parent = folder_of(path)?;
    let existing = match open(path)? {
        Some(file) => Some(
            file.metadata()
                .map_err(|error| FileProblem::during("reading it", &error))?,
        ),
        None => None,
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}{TEMPORARY}");
    // Under the lock, nobody writes one: a run was killed in the middle of it.
    remove_leftovers(parent, &prefix);
    let kept = existing.as_ref().map(|found| found.permissions().mode() & MODE);
    let mode = mode.or(kept).unwrap_or(0o600);
    let beside = tempfile::Builder::new()
        .prefix(&prefix)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(parent);
    let mut beside = beside.map_err(|error| FileProblem::during("writing beside it", &error))?;
    let file = beside.as_file_mut();
    let written = file.write_all(text.as_bytes());
    written.map_err(|error| FileProblem::during("writing beside it", &error))?;
    if let Some(existing) = &existing {
        keep_owner(file, existing)?;
    }
    let finished = file
        .set_permissions(Permissions::from_mode(mode))
        .and_then(|()| file.sync_all());
    finished.map_err(|error| FileProblem::during("writing beside it", &error))?;
    match beside.persist(path) {
        Ok(_) => folder.sync_all().map_err(doubtful),
        Err(failed) if failed.error.kind() == io::ErrorKind::ResourceBusy => Err(FileProblem::of(
            "it cannot be replaced, because it is mounted by itself: mount its folder instead",
        )),
        Err(failed) => Err(FileProblem::during("replacing it", &failed.error)),
    }
}

/// Gives a file the owner and group of the one that it replaces.
fn keep_owner(file: &File, existing: &std::fs::Metadata) -> Result<(), FileProblem> {
    let made = file.metadata();
    let made = made.map_err(|error| FileProblem::during("writing beside it", &error))?;
    let (uid, gid) = (existing.uid(), existing.gid());
    if (made.uid(), made.gid()) == (uid, gid) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(uid), Some(gid)).map_err(|_| belongs_to_others(existing))
}

fn belongs_to_others(existing: &std::fs::Metadata) -> FileProblem {
    let (uid, gid) = (existing.uid(), existing.gid());
    FileProblem::of(format!(
        "it belongs to user {uid} and group {gid}, and this run may not give its new content to them: run Terraform as root or as that \
         user, or change its owner"
    ))
}

fn remove_leftovers(folder: &Path, prefix: &str) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            // It costs nothing but a file that only its owner reads.
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::path::Path;

    use rustix::process::{Gid, Uid, geteuid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    use super::{FileProblem, check_replaceable};

    /// Anybody who owns nothing here.
    const NOBODY: u32 = 65_534;

    /// The answer to whom file permissions bind: root is somebody else meanwhile.
    fn as_a_plain_user(path: &Path) -> Result<(), FileProblem> {
        let asked = || {
            if geteuid().is_root() {
                let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
                set_thread_groups(&[]).unwrap();
                set_thread_res_gid(group, group, group).unwrap();
                set_thread_res_uid(user, user, user).unwrap();
            }
            check_replaceable(path)
        };
        std::thread::scope(|scope| scope.spawn(asked).join().unwrap())
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_told_before_the_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        assert_eq!(as_a_plain_user(&path), Ok(()));
        set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
        let why = as_a_plain_user(&path).unwrap_err().why;
        assert!(why.contains("may not write to its folder"), "{why}");
        set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_file_whose_owner_would_change_is_told_before_the_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        write(&path, "A=1\n").unwrap();
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        if !geteuid().is_root() {
            // Only root can give a file away.
            assert_eq!(as_a_plain_user(&path), Ok(()));
            return;
        }
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        assert_eq!(as_a_plain_user(&path), Ok(()));
        chown(&path, Some(12_345), Some(23_456)).unwrap();
        assert_eq!(check_replaceable(&path), Ok(()), "root may");
        let why = as_a_plain_user(&path).unwrap_err().why;
        assert!(why.contains("belongs to user 12345 and group 23456"), "{why}");
    }
}
