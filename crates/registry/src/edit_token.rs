//! Editing a token: label, description, whom it is for, status, expiry, scopes, allowed addresses.

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    field_error::FieldError,
    id::TokenId,
    name::{Description, TokenLabel},
    operation::{Need, Operation},
    scope::Scopes,
    time::Instant,
};
use storage::{
    db::{Tx, retried},
    scopes::StoredScope,
    tokens::{self, StandsFor, StoredOwner, StoredToken},
};

use crate::{
    Registry,
    create_token::with_ids,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
    show_tokens::no_token,
};

/// Change a token.
#[derive(Debug, Clone, Copy)]
pub struct EditToken {
    /// Which.
    pub token: TokenId,
}

impl Ask for EditToken {
    fn operation(&self) -> Operation {
        Operation::EditToken(self.token)
    }
}

/// What changes; whatever is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TokenEdit {
    /// The label of a personal token; a service token's name never changes.
    pub label: Option<TokenLabel>,
    /// The free text; `Some(None)` removes it.
    pub description: Option<Option<Description>>,
    /// Whom or what it is for; `Some(None)` is nobody in particular.
    pub stands_for: Option<Option<StandsFor>>,
    /// Enabled or disabled.
    pub is_enabled: Option<bool>,
    /// When it ends by itself.
    pub expiry: Option<Expiry>,
    /// All of its scopes.
    pub scopes: Option<Scopes>,
    /// From where it may be used.
    pub allowed_addresses: Option<AllowedAddresses>,
    /// Only if the token still has this revision.
    pub if_revision: Option<i64>,
}

impl Registry {
    /// Changes the token. What this takes away is gone for every request that starts after it returned (rule 7). An edit
    /// that changes nothing leaves no trace: neither a revision nor an audit row.
    pub async fn edit_token(
        &self,
        grant: &Grant<EditToken>,
        edit: &TokenEdit,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let before = self.take_token(&tx, grant, now).await?;
            check_revision(edit.if_revision, before.revision)?;
            check_kind(&before, edit)?;
            let after = self.edited(&before, edit, now);
            if after.as_history() == before.as_history() {
                tx.roll_back().await?;
                return Ok(StoredToken { revision: before.revision - 1, ..before });
            }
            if strengthens(&before, &after, edit) {
                grant.holds_for(&tx, &Need::StrengthenToken(before.id), now).await?;
            }
            tokens::update(&tx, &after, edit.scopes.is_some()).await?;
            let mut record = grant.token_record(event(edit), &after);
            record.before = before.as_history();
            record.after = after.as_history();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(after)
        })
        .await
    }

    fn edited(&self, before: &StoredToken, edit: &TokenEdit, now: Instant) -> StoredToken {
        let mut after = before.clone();
        if let Some(label) = &edit.label {
            after.name = label.to_string();
        }
        if let Some(stands_for) = &edit.stands_for {
            after.stands_for = stands_for.clone();
        }
        if let Some(description) = &edit.description {
            after.description = description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default();
        }
        after.is_enabled = edit.is_enabled.unwrap_or(before.is_enabled);
        after.expiry = edit.expiry.unwrap_or(before.expiry);
        if let Some(scopes) = &edit.scopes {
            after.scopes = with_old_ids(with_ids(scopes, now, self.random.as_ref()), &before.scopes);
        }
        if let Some(allowed_addresses) = &edit.allowed_addresses {
            after.allowed_addresses = allowed_addresses.clone();
        }
        after
    }

    /// Takes the token that the grant names for this transaction, with the rights read again behind it: edits of
    /// one token queue at its row.
    pub(crate) async fn take_token<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        let id = grant.target_token().ok_or_else(no_token)?;
        tokens::bump(tx, id, now).await?.ok_or_else(no_token)?;
        grant.still_holds(tx, now).await?;
        tokens::by_id(tx, id, now).await?.ok_or_else(no_token)
    }
}

/// Refuses what a token of this kind does not have.
fn check_kind(token: &StoredToken, edit: &TokenEdit) -> Result<(), ManageError> {
    match &token.owner {
        StoredOwner::Namespace { .. } | StoredOwner::Instance if edit.label.is_some() => {
            let rule = "the name of a service token can't change; make another token and delete this one";
            Err(ManageError::Invalid(vec![FieldError::new("name", rule)]))
        }
        _ if edit.scopes.is_some() => check_has_scopes(token, "scopes"),
        _ => Ok(()),
    }
}

/// Refuses scopes for a token that mirrors its user (`access` is fixed at creation).
///
/// # Errors
/// With the rule, told of `field`.
pub fn check_has_scopes(token: &StoredToken, field: &str) -> Result<(), ManageError> {
    if !token.mirrors_its_user() {
        return Ok(());
    }
    let rule = "this token has access account: it mirrors its user and takes no scopes; make one with scopes instead";
    Err(ManageError::Invalid(vec![FieldError::new(field, rule)]))
}

/// The same scopes, under the ids that they had before where they were there before.
fn with_old_ids(mut scopes: Vec<StoredScope>, before: &[StoredScope]) -> Vec<StoredScope> {
    let mut left: Vec<_> = before.iter().collect();
    for scope in &mut scopes {
        if let Some(place) = left.iter().position(|old| old.scope == scope.scope) {
            scope.id = left.swap_remove(place).id;
        }
    }
    scopes
}

/// Whether whoever holds the token has more of it afterwards (rule 9). Other scopes count always: an account token
/// may shorten a personal token's life, narrow from where it is used, and end it, and nothing is said of its scopes.
fn strengthens(before: &StoredToken, after: &StoredToken, edit: &TokenEdit) -> bool {
    let is_enabled_again = after.is_enabled && !before.is_enabled;
    let lives_longer = match (before.expiry, after.expiry) {
        (Expiry::Never, _) => false,
        (Expiry::At(_), Expiry::Never) => true,
        (Expiry::At(before), Expiry::At(after)) => after > before,
    };
    let reaches_further = !after.allowed_addresses.are_within(&before.allowed_addresses);
    is_enabled_again || lives_longer || reaches_further || edit.scopes.is_some()
}

fn event(edit: &TokenEdit) -> &'static str {
    let TokenEdit {
        label,
        description,
        stands_for,
        is_enabled,
        expiry,
        scopes,
        allowed_addresses,
        if_revision: _,
    } = edit;
    let is_more =
        label.is_some() || description.is_some() || stands_for.is_some() || allowed_addresses.is_some();
    match is_enabled {
        Some(is_enabled) if !is_more && expiry.is_none() && scopes.is_none() => status_event(*is_enabled),
        Some(_) | None => "token.edited",
    }
}

/// What the audit calls a change of the status.
pub(crate) fn status_event(is_enabled: bool) -> &'static str {
    if is_enabled { "token.enabled" } else { "token.disabled" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use access::{id::UserId, randomness::Randomness, scope::Permission};
    use storage::tokens::StoredOwner;

    use super::*;

    struct Sevens;

    impl Randomness for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn token(is_enabled: bool, expiry: Expiry) -> StoredToken {
        let now = Instant::from_millis(1_767_225_600_000);
        let owner = StoredOwner::User {
            id: UserId::mint(now, &Sevens),
            username: "alice".to_owned(),
            access: "account".to_owned(),
        };
        StoredToken {
            id: TokenId::mint(now, &Sevens),
            owner,
            name: "laptop".to_owned(),
            description: String::new(),
            stands_for: None,
            is_enabled,
            expiry,
            scopes: Vec::new(),
            allowed_addresses: AllowedAddresses::default(),
            secret_hint: String::new(),
            created_at: now,
            created_by_id: String::new(),
            created_with: None,
            created_by: "alice".to_owned(),
            used: tokens::StoredUse::default(),
            revision: 1,
        }
    }

    #[test]
    fn other_addresses_strengthen_and_fewer_do_not() {
        for (before, after, expected) in [
            (&[][..], &["10.1.0.0/16"][..], false),
            (&["10.0.0.0/8", "192.0.2.1"], &["10.1.0.0/16"], false),
            (&["10.1.0.0/16"], &["10.1.0.0/16"], false),
            (&["10.1.0.0/16"], &["10.0.0.0/8"], true),
            (&["10.1.0.0/16"], &["10.1.0.0/16", "192.0.2.1"], true),
            (&["10.1.0.0/16"], &[], true),
        ] {
            let [before_token, after_token] = [before, after].map(|addresses| {
                let mut token = token(true, Expiry::Never);
                token.allowed_addresses = AllowedAddresses::parse(addresses).unwrap();
                token
            });
            let told = strengthens(&before_token, &after_token, &TokenEdit::default());
            assert_eq!(told, expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn enabling_lengthening_and_other_scopes_strengthen_and_nothing_else_does() {
        let at = |millis| Expiry::At(Instant::from_millis(millis));
        let scopes = TokenEdit { scopes: Some(Permission::Pull.into()), ..TokenEdit::default() };
        let other = TokenEdit::default();
        for (before, after, edit, expected) in [
            ((false, at(2)), (true, at(2)), &other, true),
            ((true, at(2)), (true, at(3)), &other, true),
            ((true, at(2)), (true, Expiry::Never), &other, true),
            ((true, at(2)), (true, at(2)), &scopes, true),
            ((true, at(2)), (true, at(2)), &other, false),
            ((true, at(2)), (false, at(1)), &other, false),
            ((true, Expiry::Never), (true, at(1)), &other, false),
        ] {
            let (before_token, after_token) = (token(before.0, before.1), token(after.0, after.1));
            let told = strengthens(&before_token, &after_token, edit);
            assert_eq!(told, expected, "{before:?} {after:?} {edit:?}");
        }
    }
}
