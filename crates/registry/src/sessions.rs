//! Sessions of the console: opened with a password, never with a token (rule 9), and ended by logging out, by time, by
//! whoever may, and by a change of the password.

use std::net::IpAddr;

use access::{
    id::SessionId,
    name::Username,
    operation::Operation,
    session::{SESSION_LIFETIME, SessionSecret},
    time::Instant,
};
use storage::{
    audit::Record,
    db::{DbError, Tx, retried},
    sessions::{self, EndedSession, StoredSession},
    users,
};

use crate::{
    Registry,
    authorize::Refusal,
    credential::{Credential, Password},
    grant::{Ask, Grant, Origin},
    manage::ManageError,
    show_users::no_user,
};

/// How many sessions a user has at most; whoever opens one more ends the oldest.
const MAX_SESSIONS: i64 = 20;
/// The event of a session that ended before its time.
const ENDED: &str = "session.ended";

/// The sessions of a user.
#[derive(Debug, Clone)]
pub struct ListSessions {
    /// Whose.
    pub username: Username,
}

impl Ask for ListSessions {
    fn operation(&self) -> Operation {
        Operation::ListSessions(self.username.clone())
    }
}

/// End a session of a user.
#[derive(Debug, Clone)]
pub struct EndSession {
    /// Whose.
    pub username: Username,
    /// Which.
    pub session: SessionId,
}

impl Ask for EndSession {
    fn operation(&self) -> Operation {
        Operation::EndSession(self.username.clone())
    }
}

/// Logging in at the console: what the grant of a new session is for.
#[derive(Debug, Clone, Copy)]
struct OpenSession;

impl Ask for OpenSession {
    fn operation(&self) -> Operation {
        Operation::WhoAmI
    }
}

/// How a session ended before its time, as its audit row says it. What ends all of a user's sessions at once has a row
/// of its own (a new password, `end-all`, the deletion of the user), and when a session ends by itself stands in the
/// row of its beginning: there the sweeper only tidies.
#[derive(Debug, Clone, Copy)]
enum Ending {
    LoggedOut,
    LoggedInAgain,
    OneTooMany,
    InTheList,
}

impl Ending {
    fn in_words(self) -> String {
        match self {
            Self::LoggedOut => "logged out".to_owned(),
            Self::LoggedInAgain => "replaced by a newer login in the same browser".to_owned(),
            Self::OneTooMany => format!("replaced by a newer login: a user has {MAX_SESSIONS} at most"),
            Self::InTheList => "ended in the list of sessions".to_owned(),
        }
    }
}

impl Registry {
    /// Opens a session for whoever knows the password. A token's secret is refused, however good: it would outlive its
    /// theft as a session. The session of `before`, if there is one, ends: one that somebody planted in the browser is
    /// worth nothing afterwards.
    pub async fn open_session(
        &self,
        username: &str,
        password: &Password,
        before: Option<&SessionSecret>,
        origin: Origin,
        now: Instant,
    ) -> Result<SessionSecret, Refusal> {
        if access::secret::is_reserved_password(password.expose()) {
            let reason = "a token opens no session of the console; log in with the password of a user";
            return Err(Refusal::BadCredential(reason.to_owned()));
        }
        if let Some(before) = before {
            self.know_browser(before, username, origin.address, now).await?;
        }
        let credential = Credential::Basic { username: username.to_owned(), password: password.clone() };
        let grant = self.authorize(&credential, OpenSession, origin, now).await?;
        let secret = SessionSecret::mint(self.random.as_ref());
        retried(|| async {
            let tx = self.db.begin().await?;
            if let Some(before) = before {
                self.end_replaced(&tx, before, &grant, now).await?;
            }
            self.insert_session(&tx, &grant, &secret, now).await?;
            tx.commit().await?;
            Ok::<_, Refusal>(())
        })
        .await?;
        Ok(secret)
    }

    /// A browser that still holds a session of this user is a device of theirs: it may log in while other networks guess
    /// at the account.
    async fn know_browser(
        &self,
        before: &SessionSecret,
        username: &str,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let Some(session) = sessions::by_hash(&self.db, &before.hash()).await? else { return Ok(()) };
        let user = users::by_id(&self.db, session.user).await?;
        if user.is_some_and(|user| user.username.as_str() == username) {
            self.passwords.know(username, from, now);
        }
        Ok(())
    }

    async fn insert_session(
        &self,
        tx: &Tx,
        grant: &Grant<OpenSession>,
        secret: &SessionSecret,
        now: Instant,
    ) -> Result<(), Refusal> {
        grant.still_holds(tx, now).await?;
        let Some((user, password_generation)) = grant.password() else {
            return Err(Refusal::SignIn { scope: None });
        };
        let session = StoredSession {
            id: SessionId::mint(now, self.random.as_ref()),
            user,
            created_at: now,
            expires_at: now.plus(SESSION_LIFETIME),
            from_address: grant.origin.address.map(|address| address.to_string()).unwrap_or_default(),
            client: grant.origin.client.clone(),
        };
        sessions::insert(tx, &session, &secret.hash(), password_generation).await?;
        let target = || grant.principal().to_string();
        let mut record = grant.record("session.opened", target());
        record.user_id = user.to_string();
        let after = serde_json::json!({ "session": session.id, "expires_at": session.expires_at });
        record.after = after.to_string();
        self.write_history(tx, &record, now).await?;
        for ended in sessions::keep_newest(tx, user, MAX_SESSIONS).await? {
            let record = grant.record(ENDED, target());
            self.record_ended(tx, record, &ended, Ending::OneTooMany, now).await?;
        }
        Ok(())
    }

    /// Ends the session that the secret belongs to: logging out. One that has ended already is fine.
    pub async fn close_session(
        &self,
        secret: &SessionSecret,
        origin: &Origin,
        now: Instant,
    ) -> Result<(), Refusal> {
        retried(|| async {
            let tx = self.db.begin().await?;
            if let Some(ended) = sessions::delete_presented(&tx, &secret.hash()).await? {
                // Whoever presents a session's secret is its user to the audit.
                let holder = format!("user {}", ended.username);
                let record = origin.record(holder.clone(), ended.user.to_string(), ENDED, holder);
                self.record_ended(&tx, record, &ended, Ending::LoggedOut, now).await?;
            }
            Ok::<_, Refusal>(tx.commit().await?)
        })
        .await
    }

    /// Ends the session that a browser had before a login in it. Where somebody else logs in, it is they who ended it,
    /// and from where is nothing for its holder, who reads this row.
    async fn end_replaced(
        &self,
        tx: &Tx,
        before: &SessionSecret,
        grant: &Grant<OpenSession>,
        now: Instant,
    ) -> Result<(), DbError> {
        let Some(ended) = sessions::delete_presented(tx, &before.hash()).await? else { return Ok(()) };
        let mut record = grant.record(ENDED, format!("user {}", ended.username));
        if grant.password().is_none_or(|(user, _)| user != ended.user) {
            record.from_address = String::new();
            record.client = "";
        }
        self.record_ended(tx, record, &ended, Ending::LoggedInAgain, now).await
    }

    async fn record_ended(
        &self,
        tx: &Tx,
        mut record: Record<'_>,
        ended: &EndedSession,
        how: Ending,
        now: Instant,
    ) -> Result<(), DbError> {
        if !ended.lived(now) {
            return Ok(());
        }
        record.user_id = ended.user.to_string();
        let before = serde_json::json!({ "session": ended.id, "opened_at": ended.created_at });
        record.before = before.to_string();
        record.after = serde_json::json!({ "how": how.in_words() }).to_string();
        self.write_history(tx, &record, now).await
    }

    /// The living sessions of the user that the grant names, the newest first.
    pub async fn list_sessions(
        &self,
        grant: &Grant<ListSessions>,
        now: Instant,
    ) -> Result<Vec<StoredSession>, ManageError> {
        let username = &grant.ask.username;
        let user = users::by_name(&self.db, username).await?.ok_or_else(|| no_user(username))?;
        Ok(sessions::living(&self.db, user.id, now, MAX_SESSIONS).await?)
    }

    /// Ends one living session; whoever holds it is logged out when this returns.
    pub async fn end_session(&self, grant: &Grant<EndSession>, now: Instant) -> Result<(), ManageError> {
        let EndSession { username, session } = &grant.ask;
        retried(|| async {
            let tx = self.db.begin().await?;
            grant.still_holds(&tx, now).await?;
            let user = users::by_name(&tx, username).await?.ok_or_else(|| no_user(username))?;
            let absent = || ManageError::Absent(format!("user {username} has no session {session}"));
            let ended = sessions::delete(&tx, *session, user.id).await?;
            let ended = ended.filter(|ended| ended.lived(now)).ok_or_else(absent)?;
            let record = grant.record(ENDED, format!("user {username}"));
            self.record_ended(&tx, record, &ended, Ending::InTheList, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Which of the listed sessions the secret belongs to: the one that is looked from.
    pub async fn session_of(&self, secret: &SessionSecret) -> Result<Option<SessionId>, ManageError> {
        Ok(sessions::by_hash(&self.db, &secret.hash()).await?.map(|session| session.id))
    }
}
