//! The audit, read again: filters, spans of time, pages.

use access::{
    id::{AuditId, NamespaceId, TokenId, UserId},
    time::Instant,
};
use storage::audit::{self, Events, Filter, Record, Span};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after};

/// Two namespaces, two tokens, two users; and one row an hour, the event being its number.
struct History {
    t: Tables,
    namespaces: [NamespaceId; 2],
    tokens: [TokenId; 2],
    users: [UserId; 2],
}

impl History {
    async fn of(t: Tables) -> Self {
        let namespaces = [t.namespace("acme").await, t.namespace("other").await];
        let tokens = [TokenId::mint(NOW, &t.random), TokenId::mint(NOW, &t.random)];
        let users = [UserId::mint(NOW, &t.random), UserId::mint(NOW, &t.random)];
        let history = Self { t, namespaces, tokens, users };
        let text = |id: Option<String>| id.unwrap_or_default();
        // Namespace, token, token used, user, actor: each the first or the second of its kind.
        for (hour, (namespace, token, with_token, user, actor)) in (0..).zip([
            (Some(0), Some(0), None, None, Some(0)),
            (Some(0), None, Some(0), None, None),
            (Some(1), Some(1), None, Some(0), Some(1)),
            (None, None, None, None, Some(1)),
            (Some(0), Some(0), Some(0), Some(0), Some(0)),
            (Some(1), None, Some(0), Some(1), Some(0)),
        ]) {
            let record = Record {
                event: ["0", "1", "2", "3", "4", "5"][hour as usize],
                namespace_id: text(namespace.map(|which: usize| history.namespaces[which].to_string())),
                token_id: text(token.map(|which: usize| history.tokens[which].to_string())),
                with_token: text(with_token.map(|which: usize| history.tokens[which].to_string())),
                user_id: text(user.map(|which: usize| history.users[which].to_string())),
                actor_id: text(actor.map(|which: usize| history.users[which].to_string())),
                ..Record::default()
            };
            let id = AuditId::mint(after(hour), &history.t.random);
            history.t.write(async |tx| audit::record(tx, id, after(hour), &record).await).await.unwrap();
        }
        history
    }

    async fn newest(&self, filter: Filter, span: Span, limit: i64) -> String {
        let rows = audit::newest(&self.t.db, filter, span, limit).await.unwrap();
        rows.iter().map(|row| row.event.as_str()).collect()
    }
}

fn between(from: Instant, before: Instant) -> Span {
    Span { from: AuditId::first_at(from), before: AuditId::first_at(before) }
}

const EVER: fn() -> Span = || between(Instant::from_millis(0), Instant::LATEST);

#[both_engines]
async fn filters_narrow_each_other(t: Tables) {
    let history = History::of(t).await;
    let [acme, other] = history.namespaces.map(Some);
    let [token, second_token] = history.tokens.map(Some);
    let [user, second_user] = history.users.map(Some);
    for (namespace, token, user, expect) in [
        (None, None, None, "543210"),
        (acme, None, None, "410"),
        (other, None, None, "52"),
        (None, token, None, "5410"),
        (None, second_token, None, "2"),
        (None, None, user, "5420"),
        (None, None, second_user, "532"),
        (acme, token, None, "410"),
        (other, token, None, "5"),
        (acme, None, user, "40"),
        (None, token, user, "540"),
        (acme, token, user, "40"),
        (other, token, second_user, "5"),
        (acme, second_token, None, ""),
    ] {
        let filter = Filter { namespace, token, user, ..Filter::default() };
        assert_eq!(history.newest(filter, EVER(), 100).await, expect, "{filter:?}");
    }
}

#[both_engines]
async fn a_span_holds_its_beginning_and_not_its_end(t: Tables) {
    let history = History::of(t).await;
    for (span, all, of_token) in [
        (between(after(1), after(5)), "4321", "41"),
        (between(after(1), after(1)), "", ""),
        (between(after(5), Instant::LATEST), "5", "5"),
        (between(Instant::from_millis(0), after(1)), "0", "0"),
    ] {
        let of = Filter { token: Some(history.tokens[0]), ..Filter::default() };
        assert_eq!(history.newest(Filter::default(), span, 100).await, all, "{span:?}");
        assert_eq!(history.newest(of, span, 100).await, of_token, "{span:?}");
    }
}

#[both_engines]
async fn pages_join_without_a_gap_or_a_row_twice(t: Tables) {
    let history = History::of(t).await;
    for (filter, expect) in [
        (Filter::default(), "543210"),
        (Filter { namespace: Some(history.namespaces[0]), ..Filter::default() }, "410"),
        (Filter { token: Some(history.tokens[0]), ..Filter::default() }, "5410"),
        (Filter { user: Some(history.users[0]), ..Filter::default() }, "5420"),
    ] {
        let (mut span, mut seen) = (EVER(), String::new());
        while let Some(last) = audit::newest(&history.t.db, filter, span, 2).await.unwrap().pop() {
            seen += &history.newest(filter, span, 2).await;
            span.before = last.id;
        }
        assert_eq!(seen, expect, "{filter:?}");
    }
}

/// A busy token: between its pushes stands what was done to it, and with it; and a user's session.
async fn busy_token(t: &Tables) -> (NamespaceId, TokenId, UserId) {
    let namespace = t.namespace("acme").await;
    let (token, user) = (TokenId::mint(NOW, &t.random), UserId::mint(NOW, &t.random));
    let (about, with, by) = (token.to_string(), token.to_string(), user.to_string());
    for (hour, event) in (0..).zip([
        "token.created",
        "blob.pushed",
        "manifest.pushed",
        "blob.mounted",
        "token.disabled",
        "session.opened",
        "manifest.deleted",
        "token.deleted",
        "manifest.pushed",
        "token.created",
    ]) {
        let mut record = Record { event, actor_id: by.clone(), ..Record::default() };
        if event != "session.opened" {
            record.namespace_id = namespace.to_string();
        }
        // The last one is a token that it made.
        if event.starts_with("token.") && hour < 9 {
            record.token_id.clone_from(&about);
        } else if event != "session.opened" {
            record.with_token.clone_from(&with);
        }
        let id = AuditId::mint(after(hour), &t.random);
        t.write(async |tx| audit::record(tx, id, after(hour), &record).await).await.unwrap();
    }
    (namespace, token, user)
}

#[both_engines]
async fn events_are_asked_for_by_name_or_by_kind_whatever_the_other_filters_and_page_by_page(t: Tables) {
    let (namespace, token, user) = busy_token(&t).await;
    let everything = Filter::default();
    let of_namespace = Filter { namespace: Some(namespace), ..everything };
    let of_token = Filter { token: Some(token), ..everything };
    let of_user = Filter { user: Some(user), ..everything };
    // The hours at which each happened, the newest first.
    for (events, expect) in [
        (Events::Any, "9876543210"),
        (Events::Kind("token"), "9740"),
        (Events::Kind("manifest"), "862"),
        (Events::Kind("blob"), "31"),
        (Events::Kind("session"), "5"),
        (Events::Kind("settings"), ""),
        (Events::One("token.disabled"), "4"),
        (Events::One("token.created"), "90"),
        (Events::One("manifest.pushed"), "82"),
        (Events::One("manifest.deleted"), "6"),
        (Events::One("blob.mounted"), "3"),
        (Events::One("token"), ""),
        (Events::Kind("toke"), ""),
    ] {
        for filter in [everything, of_namespace, of_token, of_user] {
            let (filter, mut span, mut seen) = (Filter { events, ..filter }, EVER(), String::new());
            loop {
                let rows = audit::newest(&t.db, filter, span, 2).await.unwrap();
                let Some(last) = rows.last() else { break };
                span.before = last.id;
                for row in &rows {
                    seen += &((row.at.as_millis() - NOW.as_millis()) / 3_600_000).to_string();
                }
            }
            // The session is the user's, and in no namespace.
            let of_the_session = filter.user.is_some() || (filter.namespace, filter.token) == (None, None);
            let expect = if of_the_session { expect.to_owned() } else { expect.replace('5', "") };
            assert_eq!(seen, expect, "{filter:?}");
        }
    }
}

#[both_engines]
async fn the_history_of_a_token_itself_is_without_what_was_done_with_it(t: Tables) {
    let (_, token, _) = busy_token(&t).await;
    let events = async |limit| {
        let rows = audit::about_token(&t.db, token, limit).await.unwrap();
        rows.into_iter().map(|row| row.event).collect::<Vec<_>>()
    };
    assert_eq!(events(9).await, ["token.deleted", "token.disabled", "token.created"]);
    assert_eq!(events(1).await, ["token.deleted"]);
}

#[both_engines]
async fn a_row_is_read_as_it_was_written(t: Tables) {
    let namespace = t.namespace("acme").await;
    let id = AuditId::mint(after(1), &t.random);
    let record = Record {
        actor: "user admin".into(),
        with_token: "id of laptop".into(),
        event: "token.created",
        target: "token acme/ci-bot".into(),
        namespace_id: namespace.to_string(),
        token_id: "id of ci-bot".into(),
        from_address: "192.0.2.1".into(),
        client: "docker/29",
        request_id: "request",
        before: "{}".into(),
        after: "{\"status\":\"enabled\"}".into(),
        ..Record::default()
    };
    t.write(async |tx| audit::record(tx, id, after(1), &record).await).await.unwrap();
    let read = async || audit::newest(&t.db, Filter::default(), EVER(), 1).await.unwrap().remove(0);
    let row = read().await;
    assert_eq!((row.id, row.at, row.namespace.as_deref()), (id, after(1), Some("acme")));
    for (told, written) in [
        (&row.actor, "user admin"),
        (&row.with_token, "id of laptop"),
        (&row.event, "token.created"),
        (&row.target, "token acme/ci-bot"),
        (&row.token_id, "id of ci-bot"),
        (&row.from_address, "192.0.2.1"),
        (&row.client, "docker/29"),
        (&row.request_id, "request"),
        (&row.before, "{}"),
        (&row.after, "{\"status\":\"enabled\"}"),
    ] {
        assert_eq!(told, written);
    }
    t.delete_namespace(namespace).await;
    let row = read().await;
    // No row names it; every deletion by a use case has one.
    assert_eq!((row.namespace_id, row.namespace), (namespace.to_string(), None));
}
