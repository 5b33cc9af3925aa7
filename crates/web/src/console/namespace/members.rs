//! The tab Members: who has which role. Only admins of the namespace see it.

use access::{
    name::{TeamName, Username},
    role::Role,
};
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, Render, html};
use oci::NamespaceName;
use registry::{
    ListMembers, ManageError, MemberKind, MemberName, RemoveMember, SetMember, ShowNamespace, StoredMember,
};

use super::{
    around::{self, Around},
    path::{self, InPath},
    tabs::Tab,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::{self, After, Done},
        error::ConsoleError,
        form::{Form, Wrong},
        parts::{self, Field, Question},
        see,
        visitor::Visitor,
    },
};

/// Members on one page, which is below 50 KB also where names are as long as they get.
const PAGE: u32 = 30;
/// What an address says was done.
const SET: &str = "set";
const REMOVED: &str = "removed";
/// What can be a member: the word of the form, and the one for people.
const KINDS: [(&str, &str); 2] = [("user", "User"), ("team", "Team")];
/// The roles with what they allow.
const ROLES: [(Role, &str); 3] = [
    (Role::Reader, "reader: pull"),
    (Role::Writer, "writer: pull and push"),
    (Role::Admin, "admin: pull, push, delete, and manage tokens, members and settings"),
];

/// The members of a namespace.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let form = Form::of(&[("kind", "user"), ("role", Role::Reader.as_str()), ("after", &after)]);
    let said = done.as_deref().and_then(said);
    listed(&app, &visitor, path.namespace()?, said, &form, &Wrong::default()).await
}

/// What is said after something was done.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        SET => "The member has the role now.",
        REMOVED => "The member is removed.",
        _ => return None,
    })
}

/// The members with a form as it was filled in, which says which part of the list is looked at.
async fn listed(
    app: &App,
    visitor: &Visitor,
    namespace: NamespaceName,
    said: Option<&str>,
    form: &Form,
    wrong: &Wrong,
) -> Answered {
    let grant = visitor.may(app, ListMembers { namespace: namespace.clone() }).await?;
    let after = address::after(form.query())?;
    let members = app.registry().list_members(&grant, &after, PAGE).await?;
    let around = Around::of(app, visitor, namespace).await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let own = format!("{}/members", around.path());
    let text = "Only instance administrators reach this namespace. Add a user or a team below.";
    let nobody_yet = parts::empty("No member yet", text, &parts::NOTHING);
    let body = html! {
        (around.head(Tab::Members))
        (parts::notice(said))
        (parts::list(&own, &after, &members, &nobody_yet, |members| table(visitor, &own, &after, members)))
        (new_member(&own, &after, form, wrong))
    };
    let title = format!("Members of {}", around.namespace);
    Ok(around::page(visitor, &title).status(status).with(&body))
}

fn table(visitor: &Visitor, own: &str, after: &str, members: &[StoredMember]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Name" } th { "Kind" } th { "Role" } th { span.visually-hidden { "Actions" } } } }
                tbody { @for member in members { (row(visitor, own, after, member)) } }
            }
        }
    }
}

fn row(visitor: &Visitor, own: &str, after: &str, member: &StoredMember) -> Markup {
    let kind = match member.kind {
        MemberKind::Team => "team",
        MemberKind::User => "user",
    };
    let removal =
        address::with(&format!("{own}/{}/{}/remove", member.kind, member.name), &[("after", after)]);
    let is_viewer = kind == "user" && member.name == visitor.viewer.username.as_str();
    html! {
        tr {
            th scope="row" { (member.name) @if is_viewer { " " span.badge.good { "you" } } }
            td data-label="Kind" { (kind) }
            td data-label="Role" {
                form.inline method="post" action=(own) {
                    (After::field(after))
                    input type="hidden" name="kind" value=(kind);
                    input type="hidden" name="name" value=(member.name);
                    select name="role" aria-label=(format!("Role of {kind} {}", member.name)) {
                        @for role in Role::ALL { option value=(role) selected[role == member.role] { (role) } }
                    }
                    button.small-button aria-label=(format!("Change the role of {kind} {}", member.name)) { "Change" }
                }
            }
            td.act {
                a.button.small-button href=(removal) data-ask
                    aria-label=(format!("Remove {kind} {}", member.name)) { "Remove" }
            }
        }
    }
}

fn new_member(own: &str, after: &str, form: &Form, wrong: &Wrong) -> Markup {
    let name = Field::text("name", "Name").required().hint("A username, or the name of a team.");
    let kinds = KINDS.map(|(value, text)| (value, text));
    let roles = ROLES.map(|(role, text)| (role.as_str(), text));
    html! {
        form.card.narrow method="post" action=(own) {
            h2 { "Add a member" }
            (After::field(after))
            (parts::wrong_beyond(wrong, &["kind", "name", "role"]))
            (select("kind", "Kind", &kinds, form, wrong))
            (name.of(form, wrong))
            (select("role", "Role", &roles, form, wrong))
            .actions { button.primary { "Add member" } }
        }
    }
}

fn select(name: &str, label: &str, choices: &[(&str, &str)], form: &Form, wrong: &Wrong) -> Markup {
    let message = wrong.with(name);
    let wrong_id = format!("{name}-wrong");
    html! {
        .field {
            label for=(name) { (label) }
            select id=(name) name=(name) aria-invalid=[message.map(|_| "true")] aria-describedby=[message.map(|_| wrong_id.as_str())] {
                @for (value, text) in choices { option value=(value) selected[form.text(name) == *value] { (text) } }
            }
            @if let Some(message) = message { p.wrong id=(wrong_id) { (message) } }
        }
    }
}

/// Gives somebody a role, whatever they had. Whoever would give some of their own role away is asked first; an
/// administrator of the instance stays one of the namespace whatever it is.
pub(super) async fn set(State(app): State<App>, visitor: Visitor, path: InPath, form: Form) -> Answered {
    let namespace = path.namespace()?;
    let mut wrong = Wrong::default();
    let member = named(&form, &mut wrong);
    let role = wrong.check("role", Role::parse(form.text("role")));
    if let (Some(member), Some(role)) = (member, role) {
        let gives_away =
            !visitor.viewer.is_admin && member == MemberName::User(visitor.viewer.username.clone());
        let grant = visitor.may(&app, SetMember { namespace: namespace.clone(), member }).await?;
        let after = address::after(form.query())?;
        if gives_away && form.text("asked") != "yes" {
            let held = app.registry().own_role(&grant, app.now()).await?;
            if let Some(held) = held.filter(|held| *held > role) {
                return Ok(ask_to_give_away(&visitor, &namespace, (held, role), &after));
            }
        }
        match app.registry().set_member(&grant, role, app.now()).await {
            Ok(()) => return way_back(&app, &visitor, namespace, &after, SET).await,
            Err(ManageError::Absent(message)) => wrong.add("name", message),
            Err(error) => return Err(error.into()),
        }
    }
    listed(&app, &visitor, namespace, None, &form, &wrong).await
}

/// What somebody gives away who changes their own role to a lower one.
fn ask_to_give_away(
    visitor: &Visitor,
    namespace: &NamespaceName,
    (held, role): (Role, Role),
    after: &str,
) -> Response {
    let own = format!("{}/members", path::of_namespace(namespace.as_str()));
    let question = Question {
        fields: html! {
            (After::field(after))
            input type="hidden" name="kind" value="user";
            input type="hidden" name="name" value=(visitor.viewer.username);
            input type="hidden" name="role" value=(role);
            input type="hidden" name="asked" value="yes";
        },
        is_destructive: true,
        title: &format!("Become {role} of {namespace}?"),
        text: html! {
            p { "What you and your personal tokens may do as " (held) " and not as " (role) " ends at once. What you have through a team stays." }
            p { strong { "This is you." } }
        },
        act: "Change",
        path: &own,
        back: &address::with(&own, &[("after", after)]),
    };
    around::page_below(visitor, question.title, namespace.as_str()).with(&question.render())
}

fn named(form: &Form, wrong: &mut Wrong) -> Option<MemberName> {
    let name = form.text("name");
    match form.text("kind") {
        "user" => wrong.check("name", Username::parse(name)).map(MemberName::User),
        "team" => wrong.check("name", TeamName::parse(name)).map(MemberName::Team),
        _ => {
            wrong.add("kind", "a member is a user or a team");
            None
        }
    }
}

/// The members again; for whoever just gave their own role away, what they may still see.
async fn way_back(
    app: &App,
    visitor: &Visitor,
    namespace: NamespaceName,
    after: &str,
    done: &str,
) -> Result<Response, ConsoleError> {
    let own = path::of_namespace(namespace.as_str());
    let path = if visitor.could(app, ListMembers { namespace: namespace.clone() }).await? {
        address::with(&format!("{own}/members"), &[("after", after), ("done", done)])
    } else if visitor.could(app, ShowNamespace { name: namespace.clone() }).await? {
        own
    } else {
        "/".to_owned()
    };
    Ok(see(&path))
}

/// What a member loses.
pub(super) async fn ask_removal(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    After(after): After,
) -> Answered {
    let (namespace, member) = (path.namespace()?, path.member()?);
    visitor.may(&app, RemoveMember { namespace: namespace.clone(), member: member.clone() }).await?;
    let own = format!("{}/members", path::of_namespace(namespace.as_str()));
    let question = Question {
        fields: After::field(&after),
        is_destructive: true,
        title: &format!("Remove {member} from {namespace}?"),
        text: html! {
            p { "What they and their personal tokens may do by this role ends at once. What a user has through a team stays, and so do the namespace's own tokens." }
            @if member == MemberName::User(visitor.viewer.username.clone()) { p { strong { "This is you." } } }
        },
        act: "Remove",
        path: &format!("{own}/{}/remove", segments(&member)),
        back: &address::with(&own, &[("after", &after)]),
    };
    Ok(around::page_below(&visitor, question.title, namespace.as_str()).with(&question.render()))
}

fn segments(member: &MemberName) -> String {
    match member {
        MemberName::User(name) => format!("users/{name}"),
        MemberName::Team(name) => format!("teams/{name}"),
    }
}

/// Takes a role away.
pub(super) async fn remove(State(app): State<App>, visitor: Visitor, path: InPath, form: Form) -> Answered {
    let (namespace, member) = (path.namespace()?, path.member()?);
    let grant = visitor.may(&app, RemoveMember { namespace: namespace.clone(), member }).await?;
    let after = address::after(form.query())?;
    app.registry().remove_member(&grant, app.now()).await?;
    way_back(&app, &visitor, namespace, &after, REMOVED).await
}
