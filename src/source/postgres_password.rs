//! Passwords of PostgreSQL roles, made here. The server is given a SCRAM verifier and never the password itself.
//!
//! With one role a new password ends the old one at once; with two, generations alternate between them and overlap. A role's comment says
//! in one transaction with its password whose password that is ([`mark`]), so roles are listed like keys with names: an interrupted mint is
//! found again, and a password that somebody replaced is not taken for ours. `ALTER ROLE` ends no sessions; an incident does.
//! <https://www.postgresql.org/docs/current/sql-alterrole.html>

mod arguments;
mod mark;

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use self::arguments::{Client, Config};
use self::mark::Mark;
use super::alternating::{Holds, turn};
use super::listed::{self, Listed, Listing};
use super::{Credential, Issuer, Liveness, Maker, MintOrder, Minted, Offers, Sessions, Source, SourceKind};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::postgres::{self, Login, Postgres, PostgresClient, Role, SERVICE, Stored, Verifier};
use crate::connection::{Link, Vendor};
use crate::label::Label;
use crate::randomness;
use crate::secret::{Parts, Secret};
use crate::terraform::Diagnostic;

const NAME: &str = "postgres_password";

/// The locator of every address: roles belong to the whole server.
const ROLES: &str = "roles";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "The password of a PostgreSQL role, or of two alternating roles. The server is given a SCRAM-SHA-256 verifier only.",
    api_docs: Some("https://www.postgresql.org/docs/current/sql-alterrole.html"),
    attributes: arguments::attributes,
    maker: Maker::Issuer,
    parts: &["password", "username", "host", "uri"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse: arguments::parse,
    revocable: true,
    offers: Offers {
        last_use: false,
        pages: false,
        proof_of_absence: false,
        liveness: true,
        names: true,
        sessions: true,
    },
    reach: Some(postgres::VENDOR.reach()),
    issuer,
    handle_of: role_of,
    issuer_in_words,
};

fn issuer(address: &Address, link: &Link<'_>) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
    if address.locator != ROLES {
        return Err(listed::misplaced(address, "passwords of PostgreSQL roles", ROLES));
    }
    let client = link.account::<Postgres>()?.client()?;
    Ok(Some(Box::new(Listing(Roles { client }))))
}

fn issuer_in_words(address: &Address) -> String {
    format!("PostgreSQL{}", address.at_host())
}

/// The roles of a server.
struct Roles {
    client: PostgresClient,
}

/// What stands behind the name of a role that this provider gave its password.
const OF: char = '/';

/// The password of a role as it is now; `None` when no password of it works. One that this provider set has the label in its id, so that
/// no id ever names another password.
fn credential(role: &Role) -> Option<Credential> {
    let mark = role.comment.as_deref().and_then(Mark::find);
    let salt = match &role.stored {
        _ if !role.logs_in => return None,
        Stored::Nothing => return None,
        Stored::Unreadable => None,
        Stored::Other => Some(String::new()),
        Stored::Scram(verifier) => Some(verifier.salt()),
    };
    // The comment stays when somebody else sets a password, whose salt is another one.
    let mark = mark.filter(|mark| salt.is_none_or(|salt| salt == mark.salt));
    Some(match mark {
        None => Credential::known_by(role.name.clone(), None),
        Some(mark) => {
            let label = mark.label.to_string();
            Credential {
                id: format!("{}{OF}{label}", role.name),
                name: Some(label),
                minted_at: Some(mark.made_at),
                expires_at: None,
            }
        }
    })
}

/// Whether a password that no listing names still works. A missing mark proves nothing: anybody may have replaced the comment.
fn liveness_of(role: Option<&Role>, id: &str) -> Liveness {
    let Some(role) = role else { return Liveness::Dead };
    let Some(present) = credential(role) else {
        return Liveness::Dead;
    };
    if present.id == id {
        return Liveness::Alive;
    }
    let Some(label) = label_of(id) else {
        // From before this provider; a mark says that it was replaced.
        return Liveness::Dead;
    };
    let Some(mark) = role.comment.as_deref().and_then(Mark::find) else {
        // Our own revocation takes the mark away with the password; a person who replaces a comment leaves another.
        return match (&role.stored, &role.comment) {
            (Stored::Unreadable, None) => Liveness::Dead,
            _ => Liveness::CannotTell,
        };
    };
    // The salt of its own mark is another one, so somebody set another password.
    let is_replaced = mark.label == label;
    // A mark is written in one transaction with its password.
    let is_followed = mark.label.id == label.id && mark.label.generation > label.generation;
    let is_proved = matches!(role.stored, Stored::Scram(_)) && present.name.is_some();
    match is_replaced || is_followed || is_proved {
        true => Liveness::Dead,
        false => Liveness::CannotTell,
    }
}

/// The label of a credential that this provider made.
fn label_of(id: &str) -> Option<Label> {
    id.rsplit_once(OF).and_then(|(_, label)| Label::parse(label))
}

/// The role of a credential.
fn role_of(id: &str) -> &str {
    match id.rsplit_once(OF) {
        Some((role, label)) if Label::parse(label).is_some() => role,
        _ => id,
    }
}

#[async_trait]
impl Listed for Roles {
    fn vendor(&self) -> &'static Vendor {
        &postgres::VENDOR
    }

    async fn list_now(&self) -> Result<Vec<Credential>, CallError> {
        Ok(self.client.roles_now().await?.iter().filter_map(credential).collect())
    }

    async fn list_shared(&self) -> Result<Vec<Credential>, CallError> {
        Ok(self.client.roles().await?.iter().filter_map(credential).collect())
    }

    async fn liveness(&self, id: &str) -> Result<Liveness, CallError> {
        let roles = self.client.roles_now().await?;
        Ok(liveness_of(roles.iter().find(|role| role.name == role_of(id)), id))
    }

    async fn is_own(&self, id: &str) -> Result<bool, CallError> {
        Ok(role_of(id) == self.client.user())
    }

    async fn sessions(&self, id: &str) -> Result<Sessions, CallError> {
        let roles = self.client.roles().await?;
        let Some(role) = roles.iter().find(|role| role.name == role_of(id)) else {
            return Ok(Sessions::default());
        };
        let (outdated, doubtful) = match outdated(role) {
            Outdated::Before(at) => {
                let counted = self.client.count_sessions(&role.name, Some(at)).await?;
                (counted.earlier, counted.hidden)
            }
            Outdated::All => (self.client.count_sessions(&role.name, None).await?.all, 0),
            Outdated::Unclear(ours) => {
                let counted = self.client.count_sessions(&role.name, ours).await?;
                let outdated = ours.map_or(0, |_| counted.earlier);
                (outdated, counted.all.saturating_sub(outdated))
            }
        };
        Ok(Sessions { outdated, doubtful })
    }

    async fn end_sessions(&self, id: &str, permit: &WritePermit) -> Result<u64, CallError> {
        let roles = self.client.roles_now().await?;
        let Some(role) = roles.iter().find(|role| role.name == role_of(id)) else {
            return Ok(0);
        };
        self.client
            .end_sessions(&role.name, outdated(role).before(), permit)
            .await
    }

    /// Takes the password away. Where the role has another one by now, that one has ended already.
    async fn end(&self, id: &str, permit: &WritePermit) -> Result<(), CallError> {
        let roles = self.client.roles_now().await?;
        let named = |role: &&Role| credential(role).is_some_and(|known| known.id == id);
        let Some(role) = roles.iter().find(named) else {
            let name = role_of(id);
            return match liveness_of(roles.iter().find(|role| role.name == name), id) {
                Liveness::CannotTell => Err(self.unmarked(name)),
                Liveness::Alive | Liveness::Dead => Ok(()),
            };
        };
        let comment = role.comment.as_deref().and_then(Mark::without);
        let ended = self
            .client
            .take_password_away(&role.name, comment.as_deref(), permit)
            .await;
        ended.map_err(advise)
    }
}

/// Which sessions of a role a password opened that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outdated {
    /// Those that began before this provider gave it the present one.
    Before(Timestamp),
    /// All: it has none.
    All,
    /// Those that began before that instant, if there is one, and perhaps others: somebody else may have given it the present one, and
    /// nobody knows when.
    Unclear(Option<Timestamp>),
}

impl Outdated {
    /// When those began that are ended; all are where nobody can tell.
    fn before(self) -> Option<Timestamp> {
        match self {
            Self::Before(at) => Some(at),
            Self::All | Self::Unclear(_) => None,
        }
    }
}

fn outdated(role: &Role) -> Outdated {
    match (credential(role), &role.stored) {
        (
            Some(Credential {
                minted_at: Some(at), ..
            }),
            _,
        ) => Outdated::Before(at),
        (_, Stored::Nothing) => Outdated::All,
        _ => Outdated::Unclear(role.comment.as_deref().and_then(Mark::find).map(|mark| mark.made_at)),
    }
}

/// What to do about a server that refuses to change a role.
fn advise(error: CallError) -> CallError {
    match error.kind {
        CallErrorKind::Forbidden => error.advise(
            "Connect as a superuser, or as a role with CREATEROLE and, from PostgreSQL 16 on, the ADMIN option on this role.",
        ),
        _ => error,
    }
}

impl Roles {
    /// Its comment was replaced, so the present password may be the one to revoke, or anybody's.
    fn unmarked(&self, role: &str) -> CallError {
        let operation = format!("taking the password of role {role:?} away at {}", self.client.place());
        let what =
            "The mark of this provider is missing in the role's comment, so nobody can tell whose password it has.";
        let error = CallError::new(CallErrorKind::Conflict, Effect::None, SERVICE, operation, None, what);
        error.advise(
            "If nothing uses it, run ALTER ROLE … PASSWORD NULL, then confirm its generation in `revoke.confirmed`.",
        )
    }

    /// Refuses a role that carries the mark of another secret: whose consumers would be locked out.
    fn unclaimed(&self, role: &Role, own: &Label) -> Result<(), CallError> {
        let mark = role.comment.as_deref().and_then(Mark::find);
        let Some(other) = mark.filter(|mark| mark.label.id != own.id) else {
            return Ok(());
        };
        let operation = format!("looking up role {:?} at {}", role.name, self.client.place());
        let what = format!("Its password is managed by another secret, as {}.", other.label);
        let error = CallError::new(CallErrorKind::Conflict, Effect::None, SERVICE, operation, None, &what);
        Err(error.advise(
            "Give each secret its own role. If nothing manages it any more, remove the mark \"Managed by Terraform […]\" from the \
             role's comment, then apply again.",
        ))
    }

    /// The role of that name, if this run may give it a password with which it can log in.
    fn usable<'r>(&self, roles: &'r [Role], name: &str) -> Result<&'r Role, CallError> {
        let refuse = |kind, what: &str| {
            let operation = format!("looking up role {name:?} at {}", self.client.place());
            Err(CallError::new(kind, Effect::None, SERVICE, operation, None, what))
        };
        let Some(role) = roles.iter().find(|role| role.name == name) else {
            return refuse(
                CallErrorKind::NotFound,
                "There is no such role: create it, or correct the name.",
            );
        };
        if role.name == self.client.user() {
            let what =
                "This run connects as this role, and would lock itself out. Rotate its password by another role.";
            return refuse(CallErrorKind::Invalid, what);
        }
        if !role.logs_in {
            return refuse(
                CallErrorKind::Invalid,
                "It has NOLOGIN. Give it LOGIN, or name another role.",
            );
        }
        if role.has_expired {
            let what = "Its VALID UNTIL has passed, so no password of it works. Set a later one.";
            return refuse(CallErrorKind::Invalid, what);
        }
        if !role.is_ours_to_change {
            let what = format!(
                "Role {:?}, as which this run connects, may not change it.",
                self.client.user()
            );
            return refuse(CallErrorKind::Forbidden, &what).map_err(advise);
        }
        Ok(role)
    }
}

/// The roles of a configuration, and what their clients connect to.
struct Passwords {
    issuer: Listing<Roles>,
    role: String,
    alternate: Option<String>,
    place: Client,
}

impl Passwords {
    fn new(client: PostgresClient, config: &Config) -> Self {
        Self {
            place: config.client(&client),
            issuer: Listing(Roles { client }),
            role: config.role.clone(),
            alternate: config.alternate.clone(),
        }
    }

    fn roles(&self) -> &Roles {
        &self.issuer.0
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.role.as_str()).chain(self.alternate.as_deref())
    }

    fn minted(&self, role: &str, credential: Option<Credential>, password: Secret) -> Minted {
        let uri = self.place.uri(role, &password);
        let host = self.place.host.clone();
        Minted {
            credential,
            parts: Parts::single("password", password)
                .with("username", Secret::plain(role.to_owned()))
                .with("host", Secret::plain(host.clone()))
                .with("uri", uri),
            public: BTreeMap::from([("username".to_owned(), role.to_owned()), ("host".to_owned(), host)]),
        }
    }

    /// Whether a password is that of the role now: by its verifier, where this run reads it, else by a login.
    async fn is_of(&self, role: &Role, password: &Secret) -> Result<bool, CallError> {
        match &role.stored {
            Stored::Nothing => return Ok(false),
            Stored::Scram(verifier) => {
                if let Some(is_its) = verifier.is_of(password) {
                    return Ok(is_its);
                }
            }
            Stored::Unreadable | Stored::Other => {}
        }
        let client = &self.roles().client;
        let login = Login {
            user: &role.name,
            password,
            database: client.database(),
        };
        match client.log_in(&login, None, None, postgres::LOGIN).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == CallErrorKind::Unauthenticated => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a role has, as the state and its mark say. A mark decides only where the state names neither role.
fn holds(role: &Role, first: &Role, second: Option<&Role>, order: &MintOrder) -> Holds {
    let marked = |role: &Role| {
        let label = credential(role)?.label()?;
        let is_earlier = label.id == order.label.id && label.generation < order.label.generation;
        is_earlier.then_some(label.generation)
    };
    let in_place = order.handles.in_place.as_deref().map(role_of);
    let in_place = in_place.filter(|name| std::iter::once(first).chain(second).any(|role| role.name == *name));
    let newest = std::iter::once(first).chain(second).filter_map(marked).max();
    let is_in_place = match in_place {
        Some(name) => name == role.name,
        None => newest.is_some() && marked(role) == newest,
    };
    if is_in_place {
        Holds::InPlace
    } else if marked(role).is_some() || order.handles.in_use.iter().any(|id| role_of(id) == role.name) {
        Holds::Older
    } else {
        Holds::Nothing
    }
}

/// 256 bits, in characters that no URI and no connection string has to escape.
fn new_password() -> Result<Secret, randomness::NoEntropy> {
    let mut bytes = Zeroizing::new([0; 32]);
    randomness::fill(&mut *bytes)?;
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
    Ok(Secret::new(text))
}

fn new_verifier(password: &Secret) -> Result<Verifier, String> {
    let mut salt = [0; postgres::SALT];
    randomness::fill(&mut salt).map_err(|error| error.to_string())?;
    Verifier::of(password, &salt).ok_or_else(|| "the new password is not printable ASCII".to_owned())
}

#[async_trait]
impl Source for Passwords {
    fn issuer(&self) -> &dyn Issuer {
        &self.issuer
    }

    async fn inspect(&self) -> Result<(), CallError> {
        let roles = self.roles().client.roles().await?;
        let mut mistakes = self.names().filter_map(|name| self.roles().usable(&roles, name).err());
        let Some(first) = mistakes.next() else { return Ok(()) };
        Err(mistakes.fold(first, |first, next| first.advise(&next.sentence())))
    }

    async fn check_unclaimed(&self, label: &Label) -> Result<(), CallError> {
        let roles = self.roles().client.roles().await?;
        let named = roles.iter().filter(|role| self.names().any(|name| name == role.name));
        let mut claimed = named.filter_map(|role| self.roles().unclaimed(role, label).err());
        claimed.next().map_or(Ok(()), Err)
    }

    /// Gives the role whose turn it is a new password. One that an interrupted run gave it is lost where nothing holds it: nobody can tell it.
    async fn mint(&self, order: &MintOrder, permit: &WritePermit) -> Result<Minted, CallError> {
        let Roles { client, .. } = self.roles();
        let roles = client.roles_now().await?;
        let first = self.roles().usable(&roles, &self.role)?;
        let second = self
            .alternate
            .as_deref()
            .map(|name| self.roles().usable(&roles, name))
            .transpose()?;
        let role = turn(first, second, order, |role| holds(role, first, second, order));
        self.roles().unclaimed(role, &order.label)?;
        let refused =
            |why: String| CallError::refused(SERVICE, format!("making a password for role {:?}", role.name), &why);
        let password = new_password().map_err(|error| refused(error.to_string()))?;
        let verifier = new_verifier(&password).map_err(refused)?;
        let comment = |made_at| {
            let mark = Mark {
                label: order.label.clone(),
                made_at,
                salt: verifier.salt(),
            };
            mark.beside(role.comment.as_deref())
        };
        let set = client.set_password(role, &verifier, comment, permit).await;
        let made_at = set.map_err(|error| match error.effect {
            Effect::None => advise(error),
            Effect::Possible => error.advise(&format!(
                "Role {:?} may have a new password now, which is lost, and the old one may be dead. Apply again soon.",
                role.name
            )),
        })?;
        let credential = Credential {
            id: format!("{}{OF}{}", role.name, order.label),
            name: Some(order.label.to_string()),
            minted_at: Some(made_at),
            expires_at: None,
        };
        Ok(self.minted(&role.name, Some(credential), password))
    }

    async fn restore(&self, found: Parts, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        let Some(password) = arguments::password_in(&found) else {
            return Ok(None);
        };
        let roles = self.roles().client.roles_now().await?;
        for role in self
            .names()
            .filter_map(|name| roles.iter().find(|role| role.name == name))
        {
            if self.is_of(role, &password).await? {
                return Ok(Some(self.minted(&role.name, credential(role), password)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::label::Label;

    fn role(comment: Option<&str>, stored: Stored) -> Role {
        Role {
            name: "app/x".to_owned(),
            listed_at: Timestamp::UNIX_EPOCH,
            logs_in: true,
            has_expired: false,
            is_ours_to_change: true,
            comment: comment.map(str::to_owned),
            stored,
        }
    }

    #[test]
    fn a_password_is_ours_while_its_salt_is_the_one_that_the_comment_names() {
        let password = Secret::new("pencil-pencil-pencil".to_owned());
        let ours = Verifier::of(&password, &[7; postgres::SALT]).unwrap();
        let mark = Mark {
            label: Label::new("DATABASE_URL", "0123456789abcdef", 3),
            made_at: Timestamp::from_second(1_764_000_000).unwrap(),
            salt: ours.salt(),
        };
        let comment = mark.beside(None);
        let listed = |stored| credential(&role(Some(&comment), stored));
        let known = listed(Stored::Scram(ours)).unwrap();
        assert_eq!(known.id, "app/x/DATABASE_URL-rot-0123456789ab-g3");
        assert_eq!(
            (known.label(), known.minted_at),
            (Some(mark.label.clone()), Some(mark.made_at))
        );
        assert_eq!(role_of(&known.id), "app/x");
        assert_eq!(
            listed(Stored::Unreadable).unwrap(),
            known,
            "whoever may not read hashes trusts the comment"
        );
        let other = Verifier::of(&password, &[8; postgres::SALT]).unwrap();
        for foreign in [Stored::Scram(other), Stored::Other] {
            assert_eq!(listed(foreign).unwrap().id, "app/x");
        }
        assert_eq!(listed(Stored::Nothing), None);
        assert_eq!(role_of("app/x"), "app/x");
    }

    #[test]
    fn a_missing_mark_proves_nothing_and_a_newer_one_does() {
        let password = Secret::new("pencil-pencil-pencil".to_owned());
        let ours = || Stored::Scram(Verifier::of(&password, &[7; postgres::SALT]).unwrap());
        let comment = |id: &str, generation| {
            let mark = Mark {
                label: Label::new("DATABASE_URL", id, generation),
                made_at: Timestamp::UNIX_EPOCH,
                salt: Verifier::of(&password, &[7; postgres::SALT]).unwrap().salt(),
            };
            mark.beside(None)
        };
        let own = "0123456789abcdef";
        let of = |comment: Option<&str>, stored| {
            liveness_of(Some(&role(comment, stored)), "app/x/DATABASE_URL-rot-0123456789ab-g3")
        };
        for lost in [None, Some("owner: billing")] {
            assert_eq!(of(lost, ours()), Liveness::CannotTell);
            assert_eq!(of(lost, Stored::Nothing), Liveness::Dead);
        }
        assert_eq!(of(Some("owner: billing"), Stored::Unreadable), Liveness::CannotTell);
        assert_eq!(
            of(None, Stored::Unreadable),
            Liveness::Dead,
            "as our revocation leaves it"
        );
        for stored in [ours(), Stored::Unreadable] {
            assert_eq!(of(Some(&comment(own, 3)), stored), Liveness::Alive);
        }
        for stored in [ours(), Stored::Unreadable] {
            assert_eq!(of(Some(&comment(own, 4)), stored), Liveness::Dead);
        }
        assert_eq!(of(Some(&comment(own, 3)), Stored::Other), Liveness::Dead);
        assert_eq!(of(Some(&comment("ffffffffffffffff", 9)), ours()), Liveness::Dead);
        let copied = comment("ffffffffffffffff", 9);
        assert_eq!(of(Some(&copied), Stored::Unreadable), Liveness::CannotTell);
        let id = "app/x/DATABASE_URL-rot-0123456789ab-g3";
        assert_eq!(liveness_of(None, id), Liveness::Dead);
        let mut no_login = role(None, ours());
        no_login.logs_in = false;
        assert_eq!(liveness_of(Some(&no_login), id), Liveness::Dead);
    }

    #[test]
    fn sessions_are_told_apart_by_the_instant_at_which_the_present_password_was_set() {
        let ours = || Verifier::of(&Secret::new("pencil-pencil-pencil".to_owned()), &[7; postgres::SALT]).unwrap();
        let made_at: Timestamp = "2026-11-30T20:00:00.123456Z".parse().unwrap();
        let mark = Mark {
            label: Label::new("DATABASE_URL", "0123456789abcdef", 3),
            made_at,
            salt: ours().salt(),
        };
        let comment = mark.beside(None);
        let of = |comment: Option<&str>, stored| outdated(&role(comment, stored));
        let marked = Some(comment.as_str());
        assert_eq!(of(marked, Stored::Scram(ours())), Outdated::Before(made_at));
        assert_eq!(of(marked, Stored::Unreadable), Outdated::Before(made_at));
        assert_eq!(of(None, Stored::Nothing), Outdated::All);
        let other = Verifier::of(&Secret::new("another-password".to_owned()), &[8; postgres::SALT]).unwrap();
        assert_eq!(of(marked, Stored::Scram(other)), Outdated::Unclear(Some(made_at)));
        for stored in [Stored::Unreadable, Stored::Other] {
            assert_eq!(of(None, stored), Outdated::Unclear(None));
        }
    }

    #[test]
    fn a_new_password_has_256_bits_and_nothing_to_escape() {
        let (one, two) = (new_password().unwrap(), new_password().unwrap());
        assert!(!one.is_same_as(&two));
        assert_eq!(one.len(), 43);
        assert!(
            one.expose()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        );
    }
}
