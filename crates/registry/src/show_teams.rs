//! Looking at teams.

use access::{
    name::{TeamName, Username},
    operation::Operation,
};
use storage::teams::{self, StoredTeam};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// List all teams.
#[derive(Debug, Clone, Copy)]
pub struct ListTeams;

impl Ask for ListTeams {
    fn operation(&self) -> Operation {
        Operation::ListTeams
    }
}

/// Look at a team and its users.
#[derive(Debug, Clone)]
pub struct ShowTeam {
    /// Its name.
    pub team: TeamName,
}

impl Ask for ShowTeam {
    fn operation(&self) -> Operation {
        Operation::ShowTeam(self.team.clone())
    }
}

impl Registry {
    /// The teams behind `after`, by name.
    pub async fn list_teams(
        &self,
        _: &Grant<ListTeams>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredTeam>, ManageError> {
        let found = teams::after(&self.db, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |team| team.name.as_str()))
    }

    /// The team that the grant names.
    pub async fn find_team(&self, grant: &Grant<ShowTeam>) -> Result<StoredTeam, ManageError> {
        let name = &grant.ask.team;
        teams::by_name(&self.db, name).await?.ok_or_else(|| no_team(name))
    }

    /// The team that the grant names, with the usernames of its users.
    pub async fn show_team(&self, grant: &Grant<ShowTeam>) -> Result<(StoredTeam, Vec<String>), ManageError> {
        let team = self.find_team(grant).await?;
        let users = teams::users(&self.db, team.id).await?;
        Ok((team, users))
    }

    /// The usernames of the team's users behind `after`.
    pub async fn list_team_users(
        &self,
        grant: &Grant<ShowTeam>,
        after: &str,
        limit: u32,
    ) -> Result<Page<String>, ManageError> {
        let team = self.find_team(grant).await?;
        let found = teams::users_after(&self.db, team.id, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, String::as_str))
    }

    /// How many users the team has.
    pub async fn count_team_users(&self, grant: &Grant<ShowTeam>) -> Result<i64, ManageError> {
        let team = self.find_team(grant).await?;
        Ok(teams::count_users(&self.db, team.id).await?)
    }

    /// Whether somebody is in the team.
    pub async fn is_in_team(&self, grant: &Grant<ShowTeam>, user: &Username) -> Result<bool, ManageError> {
        let team = self.find_team(grant).await?;
        Ok(teams::has_user(&self.db, team.id, user).await?)
    }
}

/// What is said of a team that isn't there, to whoever may know.
pub(crate) fn no_team(name: &TeamName) -> ManageError {
    ManageError::Absent(format!("team {name} does not exist"))
}
