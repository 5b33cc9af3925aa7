//! The gate's other half: a credential and an operation in, a grant or a refusal out. Every face ends here.

use std::net::IpAddr;

use access::{
    bearer::{Access, CredentialRef},
    name::Username,
    operation::{Need, Operation},
    policy::{Decision, decide},
    rights::{Owner, PersonalAccess, Principal, Rights},
    secret::{Secret, SecretError, is_reserved_password},
    time::Instant,
};
use oci::RepositoryName;
use storage::{
    db::{DbError, Query, Transient},
    rights::{Aim, Who, load},
};

use crate::{
    Registry,
    credential::{Credential, Password},
    grant::{Ask, Grant, Origin},
    guessing::TooManyGuesses,
    passwords::PasswordError,
    signing::Vouched,
};

/// Why something was not allowed. Which status that is, the face says (the table of DESIGN §3.1).
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The credential is wrong, ended or outdated; never downgraded to anonymous.
    #[error("{0}")]
    BadCredential(String),
    /// Nobody logged in, and it takes somebody.
    #[error("log in: this takes a credential")]
    SignIn {
        /// The scope that a bearer needs for this.
        scope: Option<String>,
    },
    /// A bearer that was fetched for less than its principal may.
    #[error("this bearer was fetched for less; fetch one for the scope that this answer names")]
    BearerTooNarrow {
        /// The scope that a bearer needs for this.
        scope: Option<String>,
    },
    /// The principal sees the target and may not.
    #[error("{0}")]
    Denied(String),
    /// The principal may not know whether the target exists.
    #[error("{0}")]
    Unseen(String),
    /// More passwords are being checked than this machine can; nothing is wrong with this one.
    #[error("too many logins at once; try again in a moment")]
    Busy,
    /// Too many wrong passwords came before this one, which nobody looked at (DESIGN §6).
    #[error(transparent)]
    TooManyGuesses(TooManyGuesses),
    /// The database did not answer: never "allow" (DESIGN §5, 8).
    #[error(transparent)]
    Storage(#[from] DbError),
}

impl Refusal {
    /// What whoever holds no living or remembered credential is told: nothing about tokens or users.
    pub(crate) fn unknown(identified: &Identified) -> Self {
        if identified.signed_by.is_some() {
            return Self::BadCredential(
                "the bearer was made with a key or a credential that is no longer in use here; log in again"
                    .to_owned(),
            );
        }
        Self::BadCredential(match identified.who {
            Who::Secret(_) | Who::SecretHash(_) => {
                "no token has this secret: it is wrong, or the token ended more than 90 days ago".to_owned()
            }
            Who::User { .. } | Who::Anonymous => WRONG_PASSWORD.to_owned(),
            Who::Session(_) => "this session has ended; log in again".to_owned(),
        })
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::TooManyGuesses(error) => Self::TooManyGuesses(error),
            PasswordError::Storage(error) => Self::Storage(error),
            PasswordError::Hashing => Self::Storage(DbError::Corrupt("a password's hash".to_owned())),
        }
    }
}

impl Transient for Refusal {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_transient())
    }
}

const WRONG_PASSWORD: &str = "the username or the password is wrong";

/// A credential whose form, and where it has one, signature or password are good. Whether it still lives, and
/// what it may do, is read live.
pub(crate) struct Identified {
    pub(crate) who: Who,
    pub(crate) bearer: Access,
    /// The key that signed the bearer, where it is one.
    pub(crate) signed_by: Option<String>,
    /// The login name that came along, which must be the secret's own (rule 5).
    pub(crate) login_name: Option<String>,
    /// The client's address, where it is known.
    pub(crate) from: Option<IpAddr>,
}

impl Identified {
    /// By a credential that is no bearer, and limits nothing.
    fn directly(who: Who, login_name: Option<&str>, from: Option<IpAddr>) -> Self {
        let login_name = login_name.map(str::to_owned);
        Self { who, bearer: Access::unlimited(), signed_by: None, login_name, from }
    }
}

/// Who is logged in: `/me`.
#[derive(Debug, Clone, Copy)]
pub struct WhoAmI;

impl Ask for WhoAmI {
    fn operation(&self) -> Operation {
        Operation::WhoAmI
    }
}

/// Any `/v2/` call as it stands: the use cases of content ask with types of their own.
impl Ask for oci::Call {
    fn operation(&self) -> Operation {
        Operation::Oci(self.clone())
    }
}

impl Registry {
    /// Decides whether whoever holds `credential` may do what `ask` says, now.
    pub async fn authorize<A: Ask>(
        &self,
        credential: &Credential,
        ask: A,
        origin: Origin,
        now: Instant,
    ) -> Result<Grant<A>, Refusal> {
        let identified = self.identify(credential, origin.address, now).await?;
        let rights = read_and_decide(&self.db, &identified, &ask.operation().need(), now).await?;
        self.usage.note(&rights.principal, &origin, now);
        let Identified { who, bearer, signed_by, .. } = identified;
        // From here on the secret is known by its id, as in a bearer: the hash is not carried along.
        let who = match (&rights.principal, who) {
            (Principal::Token(token), _) => Who::Secret(token.secret),
            (_, who) => who,
        };
        Ok(Grant { ask, who, bearer, signed_by, rights, origin, form: None })
    }

    /// Who the credential says it is. The only slow step is a password.
    pub(crate) async fn identify(
        &self,
        credential: &Credential,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<Identified, Refusal> {
        match credential {
            Credential::Anonymous => Ok(Identified::directly(Who::Anonymous, None, from)),
            Credential::Bearer(text) => self.identify_bearer(text, from, now).await,
            Credential::Session(secret) => {
                let who = Who::Session(secret.hash());
                Ok(Identified::directly(who, None, from))
            }
            Credential::Secret(text) => identify_secret(text, None, from)?
                .ok_or_else(|| Refusal::BadCredential(SecretError::NotASecret.to_string())),
            Credential::Basic { username, password } => {
                match identify_secret(password, Some(username), from)? {
                    Some(identified) => Ok(identified),
                    None => {
                        check_username(username)?;
                        self.identify_user(username, password, from, now).await
                    }
                }
            }
        }
    }

    async fn identify_bearer(
        &self,
        text: &Password,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<Identified, Refusal> {
        let Vouched { claims, key } = self.keys.verify(&self.db, text.expose(), now).await?;
        let who = match claims.cred {
            CredentialRef::Anonymous => Who::Anonymous,
            CredentialRef::Secret(id) => Who::Secret(id),
            CredentialRef::Password { user, generation } => {
                Who::User { id: user, password_generation: generation }
            }
        };
        let bearer = Access::Only(claims.access);
        Ok(Identified { who, bearer, signed_by: Some(key), login_name: None, from })
    }

    async fn identify_user(
        &self,
        username: &str,
        password: &Password,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<Identified, Refusal> {
        let found = self.passwords.check(&self.db, username, password, from, now).await;
        match found {
            Ok(Some((id, password_generation))) => {
                Ok(Identified::directly(Who::User { id, password_generation }, None, from))
            }
            Ok(None) => Err(Refusal::BadCredential(WRONG_PASSWORD.to_owned())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Refuses what can be no username, with the reason: such a request is no guess at a password. The message does not
/// repeat what was sent, because it may be a secret.
fn check_username(username: &str) -> Result<(), Refusal> {
    let reason = if is_misplaced_secret(username) {
        "the secret of a token is in the place of the username; send the token's login name as the username and the \
         secret as the password"
    } else if has_space_around(username) {
        "the username begins or ends with white space; send it without"
    } else {
        return Ok(());
    };
    Err(Refusal::BadCredential(reason.to_owned()))
}

/// Whether a client sent the secret of a token, whole or damaged, where the username belongs. Usernames may begin like
/// a secret, but they are lower case, and the 36 other characters of a secret never all are, as good as certainly.
pub fn is_misplaced_secret(username: &str) -> bool {
    is_reserved_password(username.trim()) && Username::parse(username).is_err()
}

fn has_space_around(name: &str) -> bool {
    name.trim().len() != name.len()
}

/// A token's secret, refused before any look-up where its checksum is wrong; `None` where it is none.
fn identify_secret(
    text: &Password,
    login_name: Option<&str>,
    from: Option<IpAddr>,
) -> Result<Option<Identified>, Refusal> {
    match Secret::parse(text.expose()) {
        Ok(secret) => Ok(Some(Identified::directly(Who::SecretHash(secret.hash()), login_name, from))),
        Err(error @ SecretError::Typo) => Err(Refusal::BadCredential(error.to_string())),
        Err(SecretError::NotASecret) => Ok(None),
    }
}

/// The live check (rule 7): one statement for the facts, one function for the decision.
pub(crate) async fn read_and_decide(
    q: &impl Query,
    identified: &Identified,
    need: &Need,
    now: Instant,
) -> Result<Rights, Refusal> {
    let rights = load(q, &identified.who, identified.signed_by.as_deref(), &aim_of(need), now)
        .await?
        .ok_or_else(|| Refusal::unknown(identified))?;
    // A wrong login name is said before anything that the decision would tell.
    check_login_name(&rights.principal, identified.login_name.as_deref())?;
    match decide(need, &rights, &identified.bearer, identified.from, now) {
        Decision::Allowed(_) => Ok(rights),
        Decision::Ended(reason) => Err(Refusal::BadCredential(reason)),
        Decision::SignIn => Err(Refusal::SignIn { scope: need.challenge_scope() }),
        Decision::BearerTooNarrow => Err(Refusal::BearerTooNarrow { scope: need.challenge_scope() }),
        Decision::Denied(reason) => Err(Refusal::Denied(reason)),
        Decision::Unseen(reason) => Err(Refusal::Unseen(reason)),
    }
}

fn check_login_name(principal: &Principal, login_name: Option<&str>) -> Result<(), Refusal> {
    match (principal, login_name) {
        (Principal::Token(token), Some(name)) => match token.login_name() {
            Some(own) if own != name => {
                let hint = match name.trim() == own {
                    true => ", without white space around it",
                    false => "",
                };
                Err(Refusal::BadCredential(format!("this secret's login name is {own}{hint}")))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What a need aims at, in the words of the statement that looks it up.
pub(crate) fn aim_of(need: &Need) -> Aim<'_> {
    match need {
        Need::Identity
        | Need::Person
        | Need::Catalog
        | Need::NewNamespace
        | Need::Administer
        | Need::AdministerAccounts
        | Need::SeeUser(_)
        | Need::ChangeUser(_)
        | Need::ChangeOwnPassword(_)
        | Need::SeePersonalTokens(_)
        | Need::NewPersonalToken(_) => Aim::default(),
        Need::Repository { repository, .. } => aim_at(repository),
        Need::ListRepositories(namespace)
        | Need::SeeNamespace(namespace)
        | Need::ManageNamespace(namespace) => Aim { namespace: Some(namespace.as_str()), ..Aim::default() },
        Need::ManageToken(token) | Need::StrengthenToken(token) => {
            Aim { token: Some(*token), ..Aim::default() }
        }
        Need::SeeTokenHistory(token) => {
            Aim { token: Some(*token), token_may_have_ended: true, ..Aim::default() }
        }
    }
}

/// A repository, and the namespace that it is in.
pub(crate) fn aim_at(repository: &RepositoryName) -> Aim<'_> {
    Aim { namespace: Some(repository.namespace()), repository: Some(repository), ..Aim::default() }
}

/// Whether the principal acts with the rights of a person; what `/me` and the lists need to know.
pub(crate) fn acts_as_administrator(principal: &Principal) -> bool {
    match principal {
        Principal::User(user) => user.is_admin,
        Principal::Token(token) => {
            matches!(&token.owner, Owner::User { user, access: PersonalAccess::Account } if user.is_admin)
        }
        Principal::Anonymous => false,
    }
}
