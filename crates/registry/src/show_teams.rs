//! Looking at teams.

use access::{name::TeamName, operation::Operation};
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

    /// The team that the grant names, with the usernames of its users.
    pub async fn show_team(&self, grant: &Grant<ShowTeam>) -> Result<(StoredTeam, Vec<String>), ManageError> {
        let name = &grant.ask.team;
        let team = teams::by_name(&self.db, name).await?.ok_or_else(|| no_team(name))?;
        let users = teams::users(&self.db, team.id).await?;
        Ok((team, users))
    }
}

/// What is said of a team that isn't there, to whoever may know.
pub(crate) fn no_team(name: &TeamName) -> ManageError {
    ManageError::Absent(format!("team {name} does not exist"))
}
