//! The first page: the namespaces that the viewer may see; and a new one.

use access::field_error::FieldError;
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use oci::NamespaceName;
use registry::{CreateNamespace, ListNamespaces, ManageError, StoredNamespace};

use super::{
    Answered,
    address::{After, Done},
    form::{Form, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field, When, path_of},
    see,
    visitor::Visitor,
    welcome,
};
use crate::app::App;

/// Namespaces on one page, which is below 50 KB also where their names are as long as they get.
const PAGE: u32 = 50;

/// The namespaces that the viewer may see.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let grant = visitor.may(&app, ListNamespaces).await?;
    let listed = app.registry().list_namespaces(&grant, &after, PAGE).await?;
    let may_create = visitor.could(&app, CreateNamespace).await?;
    let first_steps = welcome::reminder(&app, &visitor).await?;
    let new = html! { @if may_create { a.button.primary href="/namespaces/new" { "New namespace" } } };
    let body = html! {
        (parts::head("Namespaces", &new))
        (parts::notice((done.as_deref() == Some("deleted")).then_some("The namespace is deleted.")))
        (first_steps)
        (parts::list("/", &after, &listed, &nothing_yet(may_create), table))
    };
    Ok(Page::new("Namespaces", &visitor.viewer, Section::Namespaces).with(&body))
}

fn nothing_yet(may_create: bool) -> Markup {
    if may_create {
        let text =
            "A namespace owns repositories and access tokens: the acme of acme/api. Make the first one.";
        return parts::empty(
            "No namespace yet",
            text,
            &html! { a.button.primary href="/namespaces/new" { "New namespace" } },
        );
    }
    let text = "You have no role in any namespace. An administrator can make you a member of one.";
    parts::empty("No namespace yet", text, &parts::NOTHING)
}

fn table(namespaces: &[StoredNamespace]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Name" } th { "Who may pull" } th { "Made" } th { "By" } } }
                tbody {
                    @for namespace in namespaces {
                        tr {
                            th scope="row" { a href=(path_of("namespaces", namespace.name.as_str())) { (namespace.name) } }
                            td data-label="Who may pull" { (visibility(namespace.is_public)) }
                            td data-label="Made" { (When(namespace.created_at)) }
                            td data-label="By" { (namespace.created_by) }
                        }
                    }
                }
            }
        }
    }
}

/// Who may pull, as a badge.
pub(super) fn visibility(is_public: bool) -> Markup {
    html! { @if is_public { span.badge.warn { "public: anyone" } } @else { span.badge { "private: members" } } }
}

/// The form for a new namespace.
pub(super) async fn new(State(app): State<App>, visitor: Visitor) -> Answered {
    visitor.may(&app, CreateNamespace).await?;
    Ok(form_page(&visitor, &Form::empty(), &Wrong::default(), StatusCode::OK))
}

fn form_page(visitor: &Visitor, form: &Form, wrong: &Wrong, status: StatusCode) -> Response {
    let name = Field::text("name", "Name")
        .required()
        .hint("Lower-case letters and digits, with single . _ or - between them. It can't be changed.");
    let body = html! {
        h1 { "New namespace" }
        (parts::wrong_beyond(wrong, &["name"]))
        form.card.narrow method="post" action="/namespaces/new" {
            (name.of(form, wrong))
            fieldset {
                legend { "Who may pull" }
                .choice {
                    label { input type="radio" name="visibility" value="private" checked[form.text("visibility") != "public"]; "Private" }
                    p.hint { "Members, and tokens of the namespace." }
                }
                .choice {
                    label { input type="radio" name="visibility" value="public" checked[form.text("visibility") == "public"]; "Public" }
                    p.hint { "Anyone who reaches this server, without logging in." }
                }
            }
            .actions { button.primary { "Create namespace" } a.button href="/" { "Cancel" } }
        }
    };
    Page::new("New namespace", &visitor.viewer, Section::Namespaces)
        .under("Namespaces", "/")
        .status(status)
        .with(&body)
}

/// Makes a namespace.
pub(super) async fn create(State(app): State<App>, visitor: Visitor, form: Form) -> Answered {
    let grant = visitor.may(&app, CreateNamespace).await?;
    let made = match NamespaceName::parse(form.text("name")) {
        Ok(name) => {
            let is_public = form.text("visibility") == "public";
            app.registry().create_namespace(&grant, &name, is_public, app.now()).await
        }
        Err(error) => {
            let message = format!("this can't be a namespace's name: {error}");
            Err(ManageError::Invalid(vec![FieldError::new("name", message)]))
        }
    };
    match made {
        Ok(made) => Ok(see(&path_of("namespaces", made.name.as_str()))),
        Err(error) => {
            let (status, wrong) = refused(error, "name")?;
            Ok(form_page(&visitor, &form, &wrong, status))
        }
    }
}
