//! Making a token: the form, and what it makes.

use access::{
    name::{ServiceTokenName, TokenLabel},
    rights::PersonalAccess,
    time::Instant,
};
use axum::extract::State;
use http::StatusCode;
use maud::{Markup, html};
use registry::{
    CreateInstanceToken, CreatePersonalToken, CreateToken, Grant, IssuedToken, ManageError, NewToken,
};

use super::{
    asked::Asked,
    fields, once,
    place::Place,
    scope_rows::{self, Chosen},
    sent_once,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::Path,
        error::ConsoleError,
        form::{Form, Wrong, refused},
        parts::{self, Field},
        visitor::Visitor,
    },
    public_host::PublicHost,
};

/// The rule of a service token's name (DESIGN §2 rule 1), as HTML's patterns write it.
const NAME_PATTERN: &str = r"[a-z][a-z0-9\-]{1,61}[a-z0-9]";

/// The form for a token of a namespace.
pub(super) async fn new_in_namespace(
    State(app): State<App>,
    visitor: Visitor,
    Path(namespace): Path<String>,
) -> Answered {
    new(&app, &visitor, &Place::namespace(&namespace)?).await
}

/// Makes a token of a namespace.
pub(super) async fn create_in_namespace(
    State(app): State<App>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    host: PublicHost,
    form: Form,
) -> Answered {
    create(&app, &visitor, &Place::namespace(&namespace)?, &host, &form).await
}

/// The form for a token of the instance.
pub(super) async fn new_of_instance(State(app): State<App>, visitor: Visitor) -> Answered {
    new(&app, &visitor, &Place::Instance).await
}

/// Makes a token of the instance.
pub(super) async fn create_of_instance(
    State(app): State<App>,
    visitor: Visitor,
    host: PublicHost,
    form: Form,
) -> Answered {
    create(&app, &visitor, &Place::Instance, &host, &form).await
}

/// The form for a token of the visitor's own.
pub(super) async fn new_own(State(app): State<App>, visitor: Visitor) -> Answered {
    let place = Place::Person(visitor.viewer.username.clone());
    new(&app, &visitor, &place).await
}

/// Makes a token of the visitor's own.
pub(super) async fn create_own(
    State(app): State<App>,
    visitor: Visitor,
    host: PublicHost,
    form: Form,
) -> Answered {
    let place = Place::Person(visitor.viewer.username.clone());
    create(&app, &visitor, &place, &host, &form).await
}

/// The form for a token of a user.
pub(super) async fn new_of_user(
    State(app): State<App>,
    visitor: Visitor,
    Path(username): Path<String>,
) -> Answered {
    new(&app, &visitor, &Place::person(&username)?).await
}

/// Makes a token of a user.
pub(super) async fn create_of_user(
    State(app): State<App>,
    visitor: Visitor,
    Path(username): Path<String>,
    host: PublicHost,
    form: Form,
) -> Answered {
    create(&app, &visitor, &Place::person(&username)?, &host, &form).await
}

/// The right to make a token of a place.
enum MayCreate {
    InNamespace(Grant<CreateToken>),
    OfInstance(Grant<CreateInstanceToken>),
    Personal(Grant<CreatePersonalToken>),
}

impl MayCreate {
    async fn of(app: &App, visitor: &Visitor, place: &Place) -> Result<Self, ConsoleError> {
        Ok(match place {
            Place::Namespace(name) => {
                Self::InNamespace(visitor.may(app, CreateToken { namespace: name.clone() }).await?)
            }
            Place::Instance => Self::OfInstance(visitor.may(app, CreateInstanceToken).await?),
            Place::Person(name) => {
                Self::Personal(visitor.may(app, CreatePersonalToken { username: name.clone() }).await?)
            }
        })
    }

    /// Ties the creation to its form, which makes one token.
    fn sent_by(self, form: &str) -> Self {
        match self {
            Self::InNamespace(grant) => Self::InNamespace(grant.sent_by(form)),
            Self::OfInstance(grant) => Self::OfInstance(grant.sent_by(form)),
            Self::Personal(grant) => Self::Personal(grant.sent_by(form)),
        }
    }
}

/// A token as the form describes it, with a name of its kind.
enum New {
    Service(NewToken),
    Personal(PersonalAccess, NewToken<TokenLabel>),
}

impl New {
    fn read(form: &Form, place: &Place, now: Instant, wrong: &mut Wrong) -> Option<Self> {
        if place.is_personal() {
            read(form, place, now, wrong, fields::parse_label)
                .map(|(access, new)| Self::Personal(access, new))
        } else {
            read(form, place, now, wrong, ServiceTokenName::parse).map(|(_, new)| Self::Service(new))
        }
    }
}

/// Everything that is wrong is told at once, so all of the form is read before anything is given up.
fn read<Name, Error: std::fmt::Display>(
    form: &Form,
    place: &Place,
    now: Instant,
    wrong: &mut Wrong,
    name: impl Fn(&str) -> Result<Name, Error>,
) -> Option<(PersonalAccess, NewToken<Name>)> {
    let name = wrong.check("name", name(form.text("name")));
    let description = fields::read_description(form, wrong);
    let stands_for = fields::read_whom(form, wrong);
    let expiry = fields::read_expiry(form, fields::FIRST_DAYS, now, wrong).and_then(|expiry| {
        wrong.check("expiry", expiry.ok_or("a new token has no expiry to keep; choose one"))
    });
    let chosen = scope_rows::read_permission(form, place, wrong);
    let allowed_addresses = fields::read_addresses(form, wrong);
    let Chosen { access, scopes, warnings } = chosen?;
    let new = NewToken {
        name: name?,
        description: description?,
        stands_for: stands_for?,
        is_enabled: fields::read_status(form),
        expiry: expiry?,
        scopes,
        allowed_addresses: allowed_addresses?,
        warnings,
    };
    Some((access, new))
}

async fn new(app: &App, visitor: &Visitor, place: &Place) -> Answered {
    MayCreate::of(app, visitor, place).await?;
    let permission = if place.is_personal() { "account" } else { "pull" };
    let form = Form::of(&[
        ("whom", "nobody"),
        ("expiry", "days"),
        ("days", fields::FIRST_DAYS),
        ("permission", permission),
        ("rows", scope_rows::FIRST_ROWS),
        ("status", "enabled"),
    ]);
    form_page(app, visitor, place, &form, &Wrong::default(), StatusCode::OK).await
}

async fn create(app: &App, visitor: &Visitor, place: &Place, host: &PublicHost, form: &Form) -> Answered {
    let may = MayCreate::of(app, visitor, place).await?;
    let (now, mut wrong) = (app.now(), Wrong::default());
    if scope_rows::asks_for_more(form) {
        return form_page(app, visitor, place, form, &wrong, StatusCode::OK).await;
    }
    let Some(new) = New::read(form, place, now, &mut wrong) else {
        return form_page(app, visitor, place, form, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let may = may.sent_by(sent_once::value(visitor, form)?);
    match issue(app, &may, new, now).await {
        Ok(issued) => Ok(once::page(visitor, place, &Asked::default(), &issued, host, "created")),
        Err(ManageError::FormSent) => {
            let text = "This form was sent before: the token was created then, and not again.";
            Ok(sent_once::already(visitor, place, "Already created", text))
        }
        Err(error) => {
            let (status, wrong) = refused(error, "name")?;
            form_page(app, visitor, place, form, &wrong, status).await
        }
    }
}

async fn issue(app: &App, may: &MayCreate, new: New, now: Instant) -> Result<IssuedToken, ManageError> {
    let registry = app.registry();
    match (may, new) {
        (MayCreate::InNamespace(grant), New::Service(new)) => registry.create_token(grant, new, now).await,
        (MayCreate::OfInstance(grant), New::Service(new)) => {
            registry.create_instance_token(grant, new, now).await
        }
        (MayCreate::Personal(grant), New::Personal(access, new)) => {
            registry.create_personal_token(grant, access, new, now).await
        }
        // Both are read of the same place.
        (_, New::Service(_) | New::Personal(..)) => {
            Err(ManageError::Absent("there is no such place for a token of this kind".to_owned()))
        }
    }
}

async fn form_page(
    app: &App,
    visitor: &Visitor,
    place: &Place,
    form: &Form,
    wrong: &Wrong,
    status: StatusCode,
) -> Answered {
    let previewed = scope_rows::previewed(app, visitor, place.namespace_name()).await?;
    let list = place.path(&visitor.viewer);
    let mut known: Vec<_> = scope_rows::field_names(form);
    known.extend(fields::SHARED.iter().map(|name| (*name).to_owned()));
    known.push("name".to_owned());
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let title = if place.is_personal() { "New token" } else { "Add Token" };
    let body = html! {
        h1 { (title) }
        (parts::wrong_beyond(wrong, &known))
        form.card.wide method="post" action=(format!("{list}/new")) {
            (sent_once::field(app, visitor))
            // Enter in a field presses the first button of a form: this one, and not the one for another scope.
            button.visually-hidden tabindex="-1" aria-hidden="true" { "Create token" }
            (about(place, form, wrong))
            (fields::expiry(form, wrong, None, place.status_words()))
            (scope_rows::permission(form, wrong, place, &previewed))
            (fields::addresses(form, wrong))
            (fields::status(form, place.status_words()))
            .actions { button.primary { "Create token" } a.button href=(list) { "Cancel" } }
        }
    };
    Ok(place.page_below(title, &visitor.viewer).status(status).with(&body))
}

/// How it is called, and what for.
fn about(place: &Place, form: &Form, wrong: &Wrong) -> Markup {
    if place.is_personal() {
        return fields::label().of(form, wrong);
    }
    let name = Field::text("name", "Name").required().pattern(NAME_PATTERN).hint(
        "3 to 63 lower-case letters, digits and hyphens; it starts with a letter and doesn't end with a hyphen. It is \
         the login name, and can't be changed.",
    );
    html! { (name.of(form, wrong)) (fields::description(form, wrong)) (fields::whom(form, wrong)) }
}
