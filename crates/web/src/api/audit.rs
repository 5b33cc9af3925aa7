//! `/audit`: who did what, when, from where, with which token.

use access::{
    id::{AuditId, TokenId},
    name::Username,
    time::Instant,
};
use axum::{
    Json,
    extract::{FromRequestParts, State},
};
use http::request::Parts;
use oci::NamespaceName;
use registry::{AuditPart, EVENTS, ShowAudit, StoredRecord, parse_event};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    page::{PageAnswer, PageQuery, check_names, read},
    problem::Problem,
    unread::Unread,
};
use crate::app::App;

const PARAMETERS: [&str; 9] =
    ["namespace", "token", "created_with", "user", "event", "since", "until", "limit", "after"];

/// Read the audit, the newest first: administrators all of it, a namespace's those its, users their own, and whoever manages a token its history, also after it ended
#[utoipa::path(get, path = "/audit", operation_id = "showAudit", tag = "audit", params(AuditParameters),
    responses((status = 200, description = "A page, the newest first", body = PageAnswer<AuditAnswer>), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<AuditQuery>,
) -> Result<Json<PageAnswer<AuditAnswer>>, Problem> {
    // Whose audit is asked for stands in the query.
    let person = caller.manages(&app).await?;
    let AuditQuery { ask, part, limit } = query.read(&person)?;
    let grant = caller.may(&app, ask).await?;
    let page = app.registry().show_audit(&grant, part, limit).await?;
    Ok(Json(PageAnswer::of(page, AuditAnswer::from)))
}

/// What of the audit is asked for.
pub(super) struct AuditQuery {
    ask: ShowAudit,
    part: AuditPart,
    limit: u32,
}

/// For the document only: what the query may hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "utoipa reads the fields' names and docs, nobody reads the fields")]
struct AuditParameters {
    /// What happened in this namespace; its administrators may ask. For instance administrators also the name of deleted
    /// namespaces, with the rows of every namespace that ever had the name, or the id of one.
    #[param(required = false)]
    namespace: String,
    /// What happened to this token and what was done with it; whoever manages it may ask, also after it ended.
    #[param(required = false, format = "uuid")]
    token: String,
    /// The creation of the tokens that were created with the token of this id; callers who may manage that token may ask, also
    /// after it ended.
    #[param(required = false, format = "uuid")]
    created_with: String,
    /// What this user did and what was done to them; they may ask. For instance administrators also the name of deleted
    /// users, with the rows of every user who ever had the name, or the id of one.
    #[param(required = false)]
    user: String,
    /// What happened: one event, such as `token.disabled`, or a kind for all of its events, such as `token`.
    #[param(required = false, inline, value_type = KindOrEvent)]
    event: String,
    /// Not before this instant.
    #[param(required = false, format = DateTime)]
    since: String,
    /// Before this instant.
    #[param(required = false, format = DateTime)]
    until: String,
    /// The most items to answer with.
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next` of the page before; left out for the first page.
    #[param(required = false, format = "uuid")]
    after: String,
}

impl<S: Send + Sync> FromRequestParts<S> for AuditQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = read(parts)?;
        let mut errors = FieldErrors::default();
        check_names(&query, &PARAMETERS, &mut errors);
        let page = PageQuery::of(&query, &mut errors);
        let after = Some(page.after.as_str()).filter(|after| !after.is_empty()).map(AuditId::parse);
        let after = after.map(|after| after.map_err(|_| "after is the `next` of the page before, unchanged"));
        let ask = ShowAudit {
            namespace: query
                .one("namespace")
                .and_then(|text| errors.check("namespace", NamespaceName::parse(text))),
            token: query.one("token").and_then(|text| errors.check("token", TokenId::parse(text))),
            created_with: query
                .one("created_with")
                .and_then(|text| errors.check("created_with", TokenId::parse(text))),
            user: query.one("user").and_then(|text| errors.check("user", Username::parse(text))),
        };
        let events = query.one("event").and_then(|text| errors.check("event", parse_event(text)));
        let part = AuditPart {
            events: events.unwrap_or_default(),
            since: query.one("since").and_then(|text| errors.check("since", instant(text))),
            until: query.one("until").and_then(|text| errors.check("until", instant(text))),
            after: after.and_then(|after| errors.check("after", after)),
        };
        errors.refuse_any()?;
        Ok(Self { ask, part, limit: page.limit })
    }
}

/// What `event` may be, for the document: each kind before its events.
struct KindOrEvent;

impl PartialSchema for KindOrEvent {
    fn schema() -> RefOr<Schema> {
        let words =
            EVENTS.into_iter().flat_map(|(kind, events)| std::iter::once(kind).chain(events.iter().copied()));
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

impl ToSchema for KindOrEvent {}

fn instant(text: &str) -> Result<Instant, &'static str> {
    let rule =
        "an instant as RFC 3339 writes it, such as 2026-12-01T00:00:00Z; a + in it has to be escaped as %2B";
    Instant::parse_rfc3339(text).ok_or(rule)
}

/// What happened, once.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRow)]
pub(super) struct AuditAnswer {
    /// The row's id.
    #[schema(format = "uuid")]
    id: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who did it, as they were called then.
    #[schema(example = "user anna")]
    actor: String,
    /// The id of the token that was used; null for a password.
    #[schema(required, format = "uuid")]
    with_token: Option<String>,
    /// What was done.
    #[schema(example = "token.created")]
    event: String,
    /// What it was done to, as it was called then.
    #[schema(example = "token acme/ci-bot")]
    target: String,
    /// The name of the namespace concerned, also of a deleted one; null where there is none.
    #[schema(required)]
    namespace: Option<String>,
    /// The id of the namespace concerned, which tells namespaces of one name apart; null where there is none.
    #[schema(required, format = "uuid")]
    namespace_id: Option<String>,
    /// The name of the user concerned, also of a deleted one; null where there is none.
    #[schema(required)]
    user: Option<String>,
    /// The id of the user concerned; null where there is none.
    #[schema(required, format = "uuid")]
    user_id: Option<String>,
    /// The id of the token concerned; null where there is none.
    #[schema(required, format = "uuid")]
    token: Option<String>,
    /// The client's address.
    from: String,
    /// What the client called itself.
    client: String,
    /// The request's id, as in the server's log.
    request_id: String,
    /// What was changed, as it was before; null where nothing was.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Value>,
    /// What was changed, as it was afterwards; null where nothing is.
    #[schema(required, value_type = Option<Object>)]
    after: Option<Value>,
}

impl From<StoredRecord> for AuditAnswer {
    fn from(record: StoredRecord) -> Self {
        let there = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: record.id.to_string(),
            at: record.at.to_string(),
            actor: record.actor,
            with_token: there(record.with_token),
            event: record.event,
            target: record.target,
            namespace: record.namespace,
            namespace_id: there(record.namespace_id),
            user: record.user,
            user_id: there(record.user_id),
            token: there(record.token_id),
            from: record.from_address,
            client: record.client,
            request_id: record.request_id,
            before: json(record.before),
            after: json(record.after),
        }
    }
}

/// JSON that was kept as text; text that is none is shown as it stands rather than withheld.
fn json(text: String) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use registry::Events;

    use super::*;

    async fn audit(query: &str) -> Result<AuditQuery, Vec<String>> {
        let (mut parts, ()) = http::Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        AuditQuery::from_request_parts(&mut parts, &()).await.map_err(Problem::fields)
    }

    #[tokio::test]
    async fn every_filter_may_stand_alone_or_with_others() {
        const ID: &str = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";
        let all = audit("").await.unwrap();
        assert!(all.ask.namespace.is_none() && all.ask.token.is_none() && all.ask.user.is_none());
        assert_eq!((all.limit, all.part.after, all.part.events), (100, None, Events::Any));
        let query = format!(
            "namespace=acme&token={ID}&user=anna&since=2026-01-01T00:00:00%2B01:00&until=2026-02-01T00:00:00Z&after={ID}"
        );
        let some = audit(&query).await.unwrap();
        assert_eq!(some.ask.namespace.unwrap().as_str(), "acme");
        assert_eq!(some.part.since.unwrap().to_string(), "2025-12-31T23:00:00Z");
        assert_eq!((some.part.after, some.ask.token.is_some()), (AuditId::parse(ID).ok(), true));
        let kind = audit("event=token").await.unwrap();
        assert_eq!(kind.part.events, Events::Kind("token"));
        let event = audit("namespace=acme&event=token.disabled").await.unwrap();
        assert_eq!(event.part.events, Events::One("token.disabled"));
    }

    #[tokio::test]
    async fn what_can_t_be_meant_is_refused_by_name() {
        for (query, field) in [
            ("namespace=Acme", "namespace"),
            ("namespace=", "namespace"),
            ("token=ci-bot", "token"),
            ("created_with=ci-bot", "created_with"),
            ("user=Anna", "user"),
            ("event=", "event"),
            ("event=Token", "event"),
            ("event=push", "event"),
            ("event=token.*", "event"),
            ("event=token.paused", "event"),
            ("since=yesterday", "since"),
            ("since=2026-01-01T00:00:00+01:00", "since"),
            ("until=2026-01-01", "until"),
            ("after=acme", "after"),
            ("limit=0", "limit"),
            ("actor=anna", "actor"),
        ] {
            assert_eq!(audit(query).await.err().unwrap(), [field], "{query}");
        }
    }
}
