//! `/tokens`: the service tokens of the instance, and acts on several tokens at once.

use access::id::TokenId;
use axum::{Json, extract::State};
use registry::{Act, ActOnTokens, CreateInstanceToken, ListInstanceTokens, MAX_ACTED_ON};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    json::{self, JsonBody},
    namespace_tokens::made,
    page::{NoQuery, PageAnswer},
    problem::Problem,
    revision::Made,
    token_answer::{IssuedAnswer, TokenAnswer},
    token_list::{TokenList, TokenListParameters},
    token_request::NewTokenRequest,
    unread::Unread,
    words::ActWord,
};
use crate::{app::App, public_host::PublicHost};

/// List the service tokens of the instance, which reach into every namespace; its administrators may
#[utoipa::path(get, path = "/tokens", operation_id = "listInstanceTokens", tag = "tokens", params(TokenListParameters),
    responses((status = 200, description = "A page, by name", body = PageAnswer<TokenAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    asked: Unread<TokenList>,
) -> Result<Json<PageAnswer<TokenAnswer>>, Problem> {
    let grant = caller.may(&app, ListInstanceTokens).await?;
    let TokenList(asked) = asked.read(&grant)?;
    let listed = app.registry().list_instance_tokens(&grant, &asked, app.now()).await?;
    Ok(Json(PageAnswer::of(listed.into_page(), TokenAnswer::from)))
}

/// Make a service token of the instance; its secret is in this answer and in no other
#[utoipa::path(post, path = "/tokens", operation_id = "createInstanceToken", tag = "tokens",
    request_body = NewTokenRequest,
    responses((status = 201, description = "Made", body = IssuedAnswer,
        headers(("Location", description = "Where it is"), ("ETag", description = "Its revision"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
    host: PublicHost,
    body: JsonBody,
) -> Result<Made<IssuedAnswer>, Problem> {
    let grant = caller.may(&app, CreateInstanceToken).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<NewTokenRequest>(&grant).await?;
    let now = app.now();
    let new = request.parse(None, now, errors)?;
    let issued = app.registry().create_instance_token(&grant, new, now).await?;
    Ok(made(issued, &host))
}

/// Disable, enable or delete several tokens: all of them, or none where one can't be
#[utoipa::path(post, path = "/tokens/batch", operation_id = "actOnTokens", tag = "tokens",
    request_body = BatchRequest,
    responses((status = 200, description = "Done to all; the tokens as they are now, or as they were", body = BatchAnswer), Problem))]
pub(super) async fn batch(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
    body: JsonBody,
) -> Result<Json<BatchAnswer>, Problem> {
    let grant = caller.may(&app, ActOnTokens).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<BatchRequest>(&grant).await?;
    let (ids, act) = request.parse(errors)?;
    let done = app.registry().act_on_tokens(&grant, &ids, act, app.now()).await?;
    Ok(Json(BatchAnswer { items: done.into_iter().map(TokenAnswer::from).collect() }))
}

/// The same act on several tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Batch)]
pub(super) struct BatchRequest {
    /// The ids of the tokens.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, min_items = 1, max_items = 100)]
    ids: Option<Vec<String>>,
    /// What is done to each.
    #[serde(default, rename = "do", deserialize_with = "json::word")]
    #[schema(required, nullable = false)]
    act: Option<ActWord>,
}

/// The tokens that something was done to.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchDone)]
pub(super) struct BatchAnswer {
    /// By id.
    items: Vec<TokenAnswer>,
}

impl BatchRequest {
    fn parse(self, mut errors: FieldErrors) -> Result<(Vec<TokenId>, Act), Problem> {
        let ids = errors.check("ids", ids(self.ids.unwrap_or_default()));
        let act = self.act.map(Act::from).ok_or("do says what is done to them");
        match (ids, errors.check("do", act)) {
            (Some(ids), Some(act)) => errors.refuse_any().map(|()| (ids, act)),
            _ => Err(errors.into()),
        }
    }
}

fn ids(texts: Vec<String>) -> Result<Vec<TokenId>, String> {
    if texts.is_empty() || texts.len() > MAX_ACTED_ON {
        return Err(format!("ids names 1 to {MAX_ACTED_ON} tokens"));
    }
    let read = |text: String| TokenId::parse(&text).map_err(|error| error.to_string());
    texts.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";

    fn parse(body: Value) -> Result<(usize, Act), Vec<String>> {
        let (request, errors) =
            json::parse::<BatchRequest>(body.to_string().as_bytes()).map_err(Problem::fields)?;
        request.parse(errors).map(|(ids, act)| (ids.len(), act)).map_err(Problem::fields)
    }

    #[test]
    fn one_to_a_hundred_tokens_are_acted_on() {
        assert_eq!(parse(json!({"ids": [ID], "do": "disable"})), Ok((1, Act::Disable)));
        assert_eq!(parse(json!({"ids": vec![ID; 100], "do": "delete"})), Ok((100, Act::Delete)));
        for (body, fields) in [
            (json!({}), vec!["ids", "do"]),
            (json!({"ids": [], "do": "enable"}), vec!["ids"]),
            (json!({"ids": vec![ID; 101], "do": "enable"}), vec!["ids"]),
            (json!({"ids": ["x"], "do": "reset"}), vec!["do", "ids"]),
            (json!({"ids": ID, "do": "enable"}), vec!["ids"]),
            (json!({"ids": [ID], "do": "enable", "force": true}), vec!["force"]),
        ] {
            assert_eq!(parse(body.clone()).unwrap_err(), fields, "{body}");
        }
    }
}
