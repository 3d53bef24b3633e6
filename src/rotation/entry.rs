//! What a vendor tells of an entry and of the container that it is in.

use jiff::Timestamp;

use crate::label::Label;

/// What a slot holds, as far as the vendor says. Never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The vendor's marker of the last write. `None` when there is none.
    pub revision: Option<String>,
    /// What two equal revisions prove.
    pub kind: RevisionKind,
    /// Our label, where the vendor keeps metadata beside the value; `None` when somebody has written the value since.
    pub label: Option<Label>,
    /// When it was last written, by the vendor's clock.
    pub modified_at: Option<Timestamp>,
    /// Whether consumers use it already; `None` when the vendor cannot tell.
    pub live: Option<bool>,
    /// A short remark for `deliveries[].detail`, such as `2 of 3 machines run it`.
    pub detail: Option<String>,
    /// The target's configuration has no way to read it: nobody can tell whether there is an entry at all.
    pub is_unreadable: bool,
    /// Who else can read it than the target's settings permit, and the way out: whole sentences for a notice. What is written is not
    /// changed by it.
    pub exposed: Option<String>,
}

/// What a vendor's marker of a write is, and so what two equal ones prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevisionKind {
    /// Counts the writes. It starts again with an entry that is made anew, so it counts only together with our mark,
    /// which every write of ours leaves beside the value.
    Version,
    /// The time of the last write.
    Time,
    /// Follows from the value alone. What stands behind an `@` is no part of it.
    Digest,
    /// Follows from the value and from a salt of our own write, where the vendor keeps no marker: another one is another value, at
    /// whatever time. A look that does not know the salt, or a write that may not leave a digest, has none.
    SaltedDigest,
}

/// What is known of the container that a slot or an issuer is in: a repository, an app, a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// It exists, and this run may look into it.
    Exists,
    /// It is proved to be no more: a successful listing of its parent lacks it, or the vendor says so.
    Gone,
    /// A "not found" that may as well be a missing permission.
    CannotTell,
}
