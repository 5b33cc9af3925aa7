//! Making, renaming and deleting teams, and who is in them. Rights bind to a team's id: a new name changes none, and
//! one deleted and made again has none of the old one's roles.

use access::{
    id::TeamId,
    name::{TeamName, Username},
    operation::Operation,
    time::Instant,
};
use storage::{
    db::{Tx, retried},
    teams::{self, StoredTeam},
    users,
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
    show_teams::no_team,
    show_users::no_user,
};

/// Make a team. Which one is said when it is made: the gate is asked before anybody reads that.
#[derive(Debug, Clone, Copy)]
pub struct CreateTeam;

impl Ask for CreateTeam {
    fn operation(&self) -> Operation {
        Operation::CreateTeam
    }
}

macro_rules! team_asks {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* };)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// The team.
            pub team: TeamName,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Ask for $name {
            fn operation(&self) -> Operation {
                Operation::$name(self.team.clone())
            }
        }
    )+};
}

team_asks! {
    /// Give a team another name.
    RenameTeam {};
    /// Remove a team, with what its users had through it.
    DeleteTeam {};
    /// Put a user into a team.
    AddToTeam {
        /// Who.
        user: Username
    };
    /// Take a user out of a team.
    RemoveFromTeam {
        /// Who.
        user: Username
    };
}

impl Registry {
    /// Makes a team with nobody in it.
    pub async fn create_team(
        &self,
        grant: &Grant<CreateTeam>,
        name: &TeamName,
        now: Instant,
    ) -> Result<StoredTeam, ManageError> {
        let id = TeamId::mint(now, self.random.as_ref());
        let team = StoredTeam { id, name: name.clone(), created_at: now, revision: 1 };
        retried(|| async {
            let tx = self.db.begin().await?;
            grant.still_holds(&tx, now).await?;
            if !teams::insert(&tx, &team).await? {
                return Err(name_taken(name));
            }
            let record = grant.record("team.created", format!("team {name}"));
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await?;
        Ok(team)
    }

    /// Gives the team another name; its users and roles stay.
    pub async fn rename_team(
        &self,
        grant: &Grant<RenameTeam>,
        name: &TeamName,
        if_revision: Option<i64>,
        now: Instant,
    ) -> Result<StoredTeam, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let before = self.take_team(&tx, grant, &grant.ask.team, now).await?;
            check_revision(if_revision, before.revision)?;
            if before.name == *name {
                tx.roll_back().await?;
                return Ok(StoredTeam { revision: before.revision - 1, ..before });
            }
            if !teams::rename(&tx, before.id, name).await? {
                return Err(name_taken(name));
            }
            let mut record = grant.record("team.renamed", format!("team {}", before.name));
            record.before = serde_json::json!({ "name": before.name }).to_string();
            record.after = serde_json::json!({ "name": name }).to_string();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(StoredTeam { name: name.clone(), ..before })
        })
        .await
        .map_err(|error| match error {
            // Two teams that ask for one name at once: PostgreSQL tells the later one by the index.
            ManageError::Storage(error) if error.is_conflict(storage::db::Constraint::Unique) => {
                name_taken(name)
            }
            other => other,
        })
    }

    /// Removes the team. What its users had through it is gone from their next request on.
    pub async fn delete_team(&self, grant: &Grant<DeleteTeam>, now: Instant) -> Result<(), ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let team = self.take_team(&tx, grant, &grant.ask.team, now).await?;
            let users = teams::users(&tx, team.id).await?;
            teams::delete(&tx, team.id).await?;
            let mut record = grant.record("team.deleted", format!("team {}", team.name));
            record.before = serde_json::json!({ "users": users }).to_string();
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Puts the user into the team; nothing changes where they are in it already.
    pub async fn add_to_team(&self, grant: &Grant<AddToTeam>, now: Instant) -> Result<(), ManageError> {
        let AddToTeam { team, user } = &grant.ask;
        let added = retried(|| async {
            let tx = self.db.begin().await?;
            let team = self.take_team(&tx, grant, team, now).await?;
            let found = users::by_name(&tx, user).await?.ok_or_else(|| no_user(user))?;
            if !teams::add_user(&tx, team.id, found.id).await? {
                return Ok(tx.roll_back().await?);
            }
            let mut record = grant.record("team.user-added", format!("user {user} in team {}", team.name));
            record.user_id = found.id.to_string();
            self.write_history(&tx, &record, now).await?;
            Ok::<_, ManageError>(tx.commit().await?)
        });
        added.await.map_err(|error| error.or_absent(&format!("user {user}")))
    }

    /// Takes the user out of the team. What they had through it is gone from their next request on.
    pub async fn remove_from_team(
        &self,
        grant: &Grant<RemoveFromTeam>,
        now: Instant,
    ) -> Result<(), ManageError> {
        let RemoveFromTeam { team, user } = &grant.ask;
        retried(|| async {
            let tx = self.db.begin().await?;
            let team = self.take_team(&tx, grant, team, now).await?;
            let found = users::by_name(&tx, user).await?.ok_or_else(|| no_user(user))?;
            if !teams::remove_user(&tx, team.id, found.id).await? {
                return Err(ManageError::Absent(format!("user {user} is not in team {}", team.name)));
            }
            let mut record = grant.record("team.user-removed", format!("user {user} in team {}", team.name));
            record.user_id = found.id.to_string();
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Takes the team's row for this transaction, with the rights read again behind it: edits of one team queue here.
    async fn take_team<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        name: &TeamName,
        now: Instant,
    ) -> Result<StoredTeam, ManageError> {
        let team = teams::by_name(tx, name).await?.ok_or_else(|| no_team(name))?;
        let revision = teams::bump(tx, team.id).await?.ok_or_else(|| no_team(name))?;
        grant.still_holds(tx, now).await?;
        Ok(StoredTeam { revision, ..team })
    }
}

fn name_taken(name: &TeamName) -> ManageError {
    ManageError::NameTaken(format!("team {name} exists already"))
}
