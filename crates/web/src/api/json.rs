//! JSON bodies. What is no JSON at all is malformed (400, with its place); what is JSON of another shape than asked
//! for is invalid (422, with every field).

use std::{fmt, marker::PhantomData, sync::Arc};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, header};
use oci::json::check_structure;
use registry::{Ask, Grant, HeldBytes, Holder, Memory};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        DeserializeOwned, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_json::{Map, Value};

use super::{
    fields::FieldErrors,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    body::{BodyRefused, read_to_end},
};

/// The largest JSON body, in bytes (DESIGN §6: "JSON body 1 MiB").
const MAX_JSON_BYTES: usize = 1024 * 1024;
/// The most JSON values of a body. The largest request, a token with 100 scopes, has less than a thousand; each costs memory
/// beyond its bytes.
const MAX_JSON_VALUES: usize = 16_384;
/// A body counts three times while it is read: its bytes, their values, and the request that is made of them.
const COPIES_OF_A_BODY: usize = 3;
/// The most wrong fields that are looked for in one body: each takes another pass over it.
const MAX_TOLD_FIELDS: usize = 20;
/// The longest name of a field and the longest message about it, in characters: both quote what was sent.
const MAX_MESSAGE_CHARS: usize = 300;

/// The name of a field that no edit changes, and the rule for a client that tries.
pub(super) type FixedField = (&'static str, &'static str);

/// A JSON body that a grant opens: strangers' bodies are not looked at.
pub(super) struct JsonBody {
    headers: HeaderMap,
    body: Body,
    memory: Arc<Memory>,
}

impl FromRequest<App> for JsonBody {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        Ok(Self { headers: parts.headers, body, memory: Arc::clone(app.registry().memory()) })
    }
}

impl JsonBody {
    /// Reads an object whose fields may all be absent, with what is wrong about those that are there. Fields that
    /// are wrong are left out of it.
    pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
        self,
        grant: &Grant<impl Ask>,
    ) -> Result<(T, FieldErrors), Problem> {
        self.parsed(grant.memory_holder()).await
    }

    /// The same for an edit of what is `shown`, whose `fixed` fields no edit changes: a client may repeat them as they
    /// are. For each that it wants to change, the rule beside its name is what is wrong. `shown` is asked only where the
    /// body has such a field.
    pub(super) async fn read_edit<T: DeserializeOwned + Send + 'static>(
        mut self,
        grant: &Grant<impl Ask>,
        shown: impl Future<Output = Result<impl Serialize, Problem>>,
        fixed: &[FixedField],
    ) -> Result<(T, FieldErrors), Problem> {
        let HeldBytes { bytes, reservation: _held } = self.counted(grant.memory_holder()).await?;
        let length = bytes.len();
        let mut object = self.memory.parse(length, move || object(&bytes)).await?;
        let mut errors = FieldErrors::default();
        if !fixed.iter().any(|(field, _)| object.contains_key(*field)) {
            return self.memory.parse(length, move || shaped(object, errors)).await;
        }
        let shown = serde_json::to_value(shown.await?).unwrap_or_default();
        for (field, rule) in fixed {
            let present = shown.get(field).unwrap_or(&Value::Null);
            if object.remove(*field).is_some_and(|said| said != *present) {
                errors.add(*field, rule);
            }
        }
        self.memory.parse(length, move || shaped(object, errors)).await
    }

    /// The same, where no body at all stands for an empty object.
    pub(super) async fn read_if_any<T: DeserializeOwned + Send + 'static>(
        self,
        grant: &Grant<impl Ask>,
    ) -> Result<(T, FieldErrors), Problem> {
        self.parsed_if_any(grant.memory_holder()).await
    }

    async fn parsed<T: DeserializeOwned + Send + 'static>(
        mut self,
        holder: Holder,
    ) -> Result<(T, FieldErrors), Problem> {
        let HeldBytes { bytes, reservation: _held } = self.counted(holder).await?;
        self.memory.parse(bytes.len(), move || parse(&bytes)).await
    }

    /// The body of a JSON request, with the reservation of what is made of it.
    async fn counted(&mut self, holder: Holder) -> Result<HeldBytes, Problem> {
        if !self.is_json() {
            return Err(not_json());
        }
        let mut held = self.whole(holder).await?;
        held.count_copies(COPIES_OF_A_BODY).map_err(BodyRefused::from)?;
        Ok(held)
    }

    async fn parsed_if_any<T: DeserializeOwned + Send + 'static>(
        mut self,
        holder: Holder,
    ) -> Result<(T, FieldErrors), Problem> {
        if self.headers.contains_key(header::CONTENT_TYPE) {
            return self.parsed(holder).await;
        }
        let is_empty = self.whole(holder).await?.bytes.is_empty();
        if is_empty { parse(b"{}") } else { Err(not_json()) }
    }

    async fn whole(&mut self, holder: Holder) -> Result<HeldBytes, BodyRefused> {
        read_to_end(&mut self.body, MAX_JSON_BYTES, self.memory.reservation(holder)).await
    }

    /// RFC 8259 has no charset to choose: whatever parameters stand behind `application/json` are passed over.
    fn is_json(&self) -> bool {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/json")
    }
}

fn not_json() -> Problem {
    Problem::new(Code::NotJson, "the body has to be JSON; send Content-Type: application/json with it")
}

/// For a field that may be left out, but is not null: an `Option` alone would take null for absent. A field that may
/// be null as well is an `Option<Option<_>>`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The same for a word of a closed set. What serde derives for an enum alone would take an object with the word as its
/// key too.
pub(super) fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    T::deserialize(text.into_deserializer()).map(Some)
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, FieldErrors), Problem> {
    shaped(object(bytes)?, FieldErrors::default())
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let malformed = |cause: String| Problem::new(Code::Malformed, format!("the body is not JSON: {cause}"));
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(format!("byte {} is not UTF-8", error.valid_up_to() + 1)))?;
    check_structure(bytes, MAX_JSON_VALUES).map_err(|error| malformed(error.to_string()))?;
    let strict: Strict = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    match strict.0 {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::new(Code::Malformed, "the body is JSON, but no object; send {…}")),
    }
}

/// The object as a `T`, without the fields that are wrong, which are added to `errors`.
fn shaped<T: DeserializeOwned>(
    mut object: Map<String, Value>,
    mut errors: FieldErrors,
) -> Result<(T, FieldErrors), Problem> {
    loop {
        match shape(&object) {
            Ok(value) => return Ok((value, errors)),
            Err((path, message)) => {
                let field = path.split(['.', '[']).next().unwrap_or_default().to_owned();
                errors.add(bounded(&path), bounded(&message));
                // Without that field the others can be looked at; where nothing was taken out, nothing would change.
                if object.remove(&field).is_none() || errors.len() >= MAX_TOLD_FIELDS {
                    return Err(Problem::from(errors));
                }
            }
        }
    }
}

/// The object as a `T`, or the first field that does not fit and why.
fn shape<T: DeserializeOwned>(object: &Map<String, Value>) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize::<_, T>(object)
        .map_err(|error| (error.path().to_string(), error.inner().to_string()))
}

fn bounded(text: &str) -> String {
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// Any JSON in which no object has a key twice: which of the two counts would depend on the reader (RFC 8259 §4),
/// and a proxy in front could have looked at the other one.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Strict(values.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(bounded(&format!("the key {key:?} is there twice"))));
            }
            let Strict(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(Strict(object.into()))
    }
}

/// An object that is read as a `T`. What serde derives for a struct alone would take an array of its fields too.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::HeaderValue;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default, deserialize_with = "present")]
        word: Option<String>,
        #[serde(default, deserialize_with = "super::word")]
        choice: Option<Choice>,
        #[serde(default, deserialize_with = "present")]
        clearable: Option<Option<String>>,
        #[serde(default, deserialize_with = "present")]
        inner: Option<Vec<Object<Inner>>>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Choice {
        OneThing,
        AnotherThing,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: u8,
    }

    fn malformed(body: &[u8]) -> String {
        match parse::<Sample>(body) {
            Err(problem) => format!("{problem:?}"),
            Ok(_) => panic!("taken: {}", String::from_utf8_lossy(body)),
        }
    }

    fn wrong_fields(body: &str) -> Vec<String> {
        let (_, errors) = parse::<Sample>(body.as_bytes()).unwrap();
        errors.into_vec().into_iter().map(|error| error.to_string()).collect()
    }

    #[test]
    fn what_is_no_json_is_malformed_and_its_place_is_named() {
        for (body, place) in [
            (b"".as_slice(), "line 1 column 0"),
            (b"{\"word\": }", "line 1 column 10"),
            (b"{\"word\":\"a\"}x", "line 1 column 13"),
            (b"{\"word\":\"a\"}\n{}", "line 2 column 1"),
            (b"{\"word\":\"\xff\"}", "byte 10 is not UTF-8"),
            (b"{\"word\":\"a\",\"word\":\"a\"}", "the key \\\"word\\\" is there twice at line 1 column 18"),
            (b"{\"nobody's\":1,\"nobody's\":2}", "is there twice"),
            (b"{\"inner\":[{\"number\":1,\"number\":2}]}", "is there twice"),
            (b"{\"word\":\"\\ud800\"}", "line 1 column"),
            (b"{\"word\":01}", "line 1 column"),
            (b"[]", "no object"),
            (b"null", "no object"),
        ] {
            let problem = malformed(body);
            assert!(problem.contains("Malformed") && problem.contains(place), "{problem}");
        }
        let deep = [b"{\"word\":".as_slice(), &[b'['; 100_000]].concat();
        assert!(malformed(&deep).contains("nested deeper than 128 levels"));
    }

    #[test]
    fn every_field_of_another_shape_is_told_at_once() {
        let told = wrong_fields(r#"{"word":1,"is_admin":true,"inner":[{"number":1},{"number":"x"}]}"#);
        assert_eq!(told.len(), 3, "{told:?}");
        for expected in
            ["word: invalid type: integer `1`", "is_admin: unknown field", "inner[1].number: invalid type"]
        {
            assert!(told.iter().any(|error| error.starts_with(expected)), "{expected} not in {told:?}");
        }
    }

    #[test]
    fn an_array_is_never_taken_for_an_object() {
        assert_eq!(
            wrong_fields(r#"{"inner":[[1]]}"#),
            ["inner[0]: invalid type: sequence, expected an object"]
        );
    }

    #[test]
    fn a_word_is_one_of_its_set_and_a_string() {
        let (read, _) = parse::<Sample>(br#"{"choice":"another-thing"}"#).unwrap();
        assert_eq!(read.choice, Some(Choice::AnotherThing));
        let unknown = "choice: unknown variant `x`, expected `one-thing` or `another-thing`";
        assert_eq!(wrong_fields(r#"{"choice":"x"}"#), [unknown]);
        for no_word in [r#"{"one-thing":null}"#, r#"["one-thing"]"#, "null", "0"] {
            let told = wrong_fields(&format!("{{\"choice\":{no_word}}}"));
            assert!(told[0].starts_with("choice: invalid type"), "{told:?}");
        }
    }

    #[test]
    fn a_body_of_wrong_fields_alone_is_refused_without_reading_it_for_ever() {
        let many: Vec<_> = (0..10_000).map(|number| format!("\"x{number}\":1")).collect();
        let problem = malformed(format!("{{{}}}", many.join(",")).as_bytes());
        assert!(problem.contains("20 fields break rules"), "{problem}");
    }

    #[test]
    fn messages_quote_little() {
        let body = format!("{{\"{}\":1}}", "x".repeat(100_000));
        let (_, errors) = parse::<Sample>(body.as_bytes()).unwrap();
        assert!(errors.into_vec().iter().all(|error| error.to_string().len() < 1_000));
    }

    #[test]
    fn absent_and_null_differ() {
        let (absent, _) = parse::<Sample>(b"{}").unwrap();
        assert!(absent.word.is_none() && absent.clearable.is_none() && absent.inner.is_none());
        let (null, errors) = parse::<Sample>(b"{\"clearable\":null}").unwrap();
        assert_eq!((null.clearable, errors.len()), (Some(None), 0));
        assert_eq!(wrong_fields(r#"{"word":null}"#), ["word: invalid type: null, expected a string"]);
        let (given, _) = parse::<Sample>(br#"{"clearable":"a","inner":[{"number":7}]}"#).unwrap();
        assert_eq!(given.clearable, Some(Some("a".to_owned())));
        assert_eq!(given.inner.unwrap()[0].0.number, 7);
    }

    async fn read(content_type: Option<&'static str>, body: Vec<u8>) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.extend(content_type.map(|value| (header::CONTENT_TYPE, HeaderValue::from_static(value))));
        let body = JsonBody { headers, body: Body::from(body), memory: Arc::default() };
        body.parsed::<Sample>(Holder::anonymous(None))
            .await
            .map(|_| ())
            .map_err(|problem| format!("{problem:?}"))
    }

    #[tokio::test]
    async fn other_types_are_refused() {
        for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(read(Some(content_type), b"{}".to_vec()).await, Ok(()), "{content_type}");
        }
        for content_type in [None, Some("text/plain"), Some("application/jsonx"), Some("")] {
            let refused = read(content_type, b"{}".to_vec()).await;
            assert!(refused.is_err_and(|problem| problem.contains("NotJson")), "{content_type:?}");
        }
    }

    #[tokio::test]
    async fn more_than_a_mebibyte_is_refused() {
        let body = |length: usize| [b"{}".as_slice(), &vec![b' '; length - 2]].concat();
        assert_eq!(read(Some("application/json"), body(MAX_JSON_BYTES)).await, Ok(()));
        let refused = read(Some("application/json"), body(MAX_JSON_BYTES + 1)).await;
        assert!(refused.is_err_and(|problem| problem.contains("TooLarge")));
    }

    #[tokio::test]
    async fn no_body_stands_for_an_empty_object_where_it_may() {
        for (body, is_read) in [("", true), ("{}", false)] {
            let body = JsonBody { headers: HeaderMap::new(), body: Body::from(body), memory: Arc::default() };
            let read = body.parsed_if_any::<Sample>(Holder::anonymous(None)).await;
            assert_eq!(read.is_ok(), is_read);
        }
    }

    #[tokio::test]
    async fn a_body_has_a_bounded_number_of_values() {
        let body = |values: usize| format!("{{\"inner\":[{}]}}", vec!["0"; values].join(",")).into_bytes();
        let refused = read(Some("application/json"), body(MAX_JSON_VALUES)).await;
        assert!(refused.is_err_and(|problem| problem.contains("too many values")));
    }
}
