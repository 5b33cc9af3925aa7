//! `sealock namespace member …`.

use access::role::Role;
use clap::Subcommand;
use serde_json::json;

use crate::client::answers::{self, Member};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// `sealock namespace member`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock namespace member set acme user:ann writer
  sealock namespace member set acme team:crew reader
  sealock namespace member ls acme
  sealock namespace member rm acme user:ann")]
pub(crate) enum Command {
    /// List who has which role in a namespace
    #[command(visible_alias = "list")]
    Ls {
        /// The namespace
        namespace: String,
    },
    /// Give a user or a team a role in a namespace, whatever they had
    Set {
        /// The namespace
        namespace: String,
        /// user:NAME or team:NAME
        member: MemberArgument,
        /// reader pulls; writer also pushes; admin also deletes, and manages the namespace
        #[arg(value_parser = Role::parse)]
        role: Role,
    },
    /// Take the role of a user or a team in a namespace away
    #[command(visible_alias = "delete")]
    Rm {
        /// The namespace
        namespace: String,
        /// user:NAME or team:NAME
        member: MemberArgument,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// A user or a team, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberArgument {
    /// `users` or `teams`, as the API has it.
    kind: &'static str,
    name: String,
}

impl std::str::FromStr for MemberArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once(':') {
            Some(("user", name)) => ("users", name),
            Some(("team", name)) => ("teams", name),
            _ => return Err(format!("a member is user:NAME or team:NAME; did you mean user:{text}?")),
        };
        Ok(Self { kind, name: name.to_owned() })
    }
}

/// As it is typed.
impl std::fmt::Display for MemberArgument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind.trim_end_matches('s'), printable(&self.name))
    }
}

impl Command {
    /// Does what was said.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Ls { namespace } => list(session, &namespace).await,
            Self::Set { namespace, member, role } => {
                let path = ["namespaces", &namespace, "members", member.kind, &member.name];
                let set = session.client()?.put(&path, Some(&json!({ "role": role }))).await?;
                session.say(&format!("{member} is {role} of namespace {}", printable(&namespace)));
                if session.is_json() { session.answer_json(&set) } else { Ok(()) }
            }
            Self::Rm { namespace, member, yes } => {
                let shown = printable(&namespace);
                session.confirm(&format!("take the role of {member} in namespace {shown} away"), yes)?;
                let path = ["namespaces", &namespace, "members", member.kind, &member.name];
                session.client()?.delete(&path).await?;
                session.say(&format!("{member} has no role of its own in namespace {shown} any more"));
                Ok(())
            }
        }
    }
}

async fn list(session: &mut Session, namespace: &str) -> Result<(), Failure> {
    let all = session.client()?.list(&["namespaces", namespace, "members"]).await?;
    if session.is_json() {
        return session.answer_items(all);
    }
    if all.is_empty() {
        let namespace = printable(namespace);
        session.say(&format!(
            "{namespace} has no members yet; `sealock namespace member set {namespace} user:NAME writer` adds one"
        ));
        return Ok(());
    }
    let mut rows = Vec::with_capacity(all.len());
    for member in all {
        let Member { kind, name, role } = answers::read(member)?;
        rows.push(vec![format!("{}:{name}", kind.trim_end_matches('s')), role]);
    }
    session.answer_table(&["MEMBER", "ROLE"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_user_or_a_team_and_reads_back() {
        for (text, kind, name) in [("user:ann", "users", "ann"), ("team:crew", "teams", "crew")] {
            let member = text.parse::<MemberArgument>();
            assert_eq!(member, Ok(MemberArgument { kind, name: name.to_owned() }));
            assert_eq!(member.map(|member| member.to_string()).as_deref(), Ok(text));
        }
        for text in ["ann", "users/ann", "users:ann", "", "token:ann"] {
            let message = text.parse::<MemberArgument>().err();
            assert!(message.is_some_and(|message| message.contains("user:NAME")), "{text}");
        }
    }
}
