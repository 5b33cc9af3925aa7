//! `/v2/` paths: OCI distribution 1.1, "Endpoints".
//!
//! A repository may be called `a/manifests/b` or `a/tags/list`, so a path is read from the right, once: the last
//! keyword that fits decides, and whatever stands before it is the name. "Not ours" and "malformed" are different
//! answers.

use std::borrow::Cow;

use crate::{
    call::{Call, UploadRef},
    digest::Digest,
    error::{ErrorCode, Quoted},
    name::RepositoryName,
    reference::{Reference, ReferenceError},
};

/// The methods that some endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// Any other; no endpoint takes it.
    Other,
}

impl Method {
    /// Reads a method; they are case-sensitive (RFC 9110 §9.1).
    pub fn parse(text: &str) -> Self {
        match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// Why a request is no [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No endpoint has this path.
    #[error("no endpoint of the registry has this path")]
    Unknown,
    /// An endpoint has this path, but a part of it breaks its grammar.
    #[error("{message}")]
    Malformed {
        /// The code for the client.
        code: ErrorCode,
        /// The part, the rule and the way out.
        message: String,
    },
    /// The endpoint is ours, the method is not.
    #[error("this endpoint takes {} only", .allow.join(", "))]
    MethodNotAllowed {
        /// The methods that it takes: the `Allow` of RFC 9110 §10.2.1.
        allow: &'static [&'static str],
    },
}

/// The path with one slash at its beginning, where it is a `/v2/` path with several: clients join a base URL that ends with
/// a slash and a path that begins with one. `None` where there is nothing to change.
pub fn without_leading_slashes(path: &str) -> Option<&str> {
    let start =
        path.bytes().take_while(|byte| *byte == b'/').count().checked_sub(1).filter(|start| *start > 0)?;
    let path = path.get(start..)?;
    let rest = path.strip_prefix("/v2")?;
    (rest.is_empty() || rest.starts_with('/')).then_some(path)
}

/// Reads a method and a raw path, still percent-encoded and without the query; linear in its length.
///
/// Slashes at the end mean nothing: clients omit the one of `/v2/` and `blobs/uploads/`, and add one to other paths. Neither
/// do further ones at the beginning ([`without_leading_slashes`]).
pub fn parse(method: Method, path: &str) -> Result<Call, RouteError> {
    let path = without_leading_slashes(path).unwrap_or(path).trim_end_matches('/');
    let rest = match path.strip_prefix("/v2") {
        Some("") => return read_only(method, || Ok(Call::Ping)),
        Some(rest) => rest.strip_prefix('/').ok_or(RouteError::Unknown)?,
        None => return Err(RouteError::Unknown),
    };
    let segments: Vec<Cow<'_, str>> = rest.split('/').map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
    match segments.as_slice() {
        ["_catalog"] => read_only(method, || Ok(Call::Catalog)),
        [name @ .., "manifests", reference] => manifest(method, name, reference),
        [name @ .., "blobs", "uploads"] => start_upload(method, name),
        [name @ .., "blobs", "uploads", id] => upload(method, name, id),
        [name @ .., "blobs", digest] => blob(method, name, digest),
        [name @ .., "tags", "list"] => {
            read_only(method, || Ok(Call::ListTags { repository: read_name(name)? }))
        }
        [name @ .., "referrers", digest] => read_only(method, || {
            Ok(Call::ListReferrers { repository: read_name(name)?, digest: read_digest(digest)? })
        }),
        _ => Err(RouteError::Unknown),
    }
}

fn read_only(method: Method, call: impl FnOnce() -> Result<Call, RouteError>) -> Result<Call, RouteError> {
    match method {
        Method::Get | Method::Head => call(),
        Method::Post | Method::Put | Method::Patch | Method::Delete | Method::Other => {
            Err(RouteError::MethodNotAllowed { allow: &["GET", "HEAD"] })
        }
    }
}

fn manifest(method: Method, name: &[&str], reference: &str) -> Result<Call, RouteError> {
    // What is pulled or deleted under a name that no tag may have is merely not there; the conformance suite pulls
    // `.INVALID_MANIFEST_NAME` and wants 404. OCI 1.1 dropped TAG_INVALID, so a push gets MANIFEST_INVALID.
    let unknown = ErrorCode::ManifestUnknown;
    let read = |bad_tag| Ok::<_, RouteError>((read_name(name)?, read_reference(reference, bad_tag)?));
    match method {
        Method::Get | Method::Head => {
            read(unknown).map(|(repository, reference)| Call::PullManifest { repository, reference })
        }
        Method::Put => read(ErrorCode::ManifestInvalid)
            .map(|(repository, reference)| Call::PushManifest { repository, reference }),
        Method::Delete => {
            read(unknown).map(|(repository, reference)| Call::DeleteManifest { repository, reference })
        }
        Method::Post | Method::Patch | Method::Other => {
            Err(RouteError::MethodNotAllowed { allow: &["GET", "HEAD", "PUT", "DELETE"] })
        }
    }
}

fn blob(method: Method, name: &[&str], digest: &str) -> Result<Call, RouteError> {
    let read = || Ok::<_, RouteError>((read_name(name)?, read_digest(digest)?));
    match method {
        Method::Get | Method::Head => {
            read().map(|(repository, digest)| Call::PullBlob { repository, digest })
        }
        Method::Delete => read().map(|(repository, digest)| Call::DeleteBlob { repository, digest }),
        Method::Post | Method::Put | Method::Patch | Method::Other => {
            Err(RouteError::MethodNotAllowed { allow: &["GET", "HEAD", "DELETE"] })
        }
    }
}

fn start_upload(method: Method, name: &[&str]) -> Result<Call, RouteError> {
    match method {
        Method::Post => Ok(Call::StartUpload { repository: read_name(name)? }),
        Method::Get | Method::Head | Method::Put | Method::Patch | Method::Delete | Method::Other => {
            Err(RouteError::MethodNotAllowed { allow: &["POST"] })
        }
    }
}

fn upload(method: Method, name: &[&str], id: &str) -> Result<Call, RouteError> {
    let read = || Ok::<_, RouteError>((read_name(name)?, read_upload(id)?));
    match method {
        Method::Get | Method::Head => {
            read().map(|(repository, upload)| Call::UploadStatus { repository, upload })
        }
        Method::Patch => read().map(|(repository, upload)| Call::AppendUpload { repository, upload }),
        Method::Put => read().map(|(repository, upload)| Call::FinishUpload { repository, upload }),
        Method::Delete => read().map(|(repository, upload)| Call::CancelUpload { repository, upload }),
        Method::Post | Method::Other => {
            Err(RouteError::MethodNotAllowed { allow: &["GET", "HEAD", "PATCH", "PUT", "DELETE"] })
        }
    }
}

fn read_name(components: &[&str]) -> Result<RepositoryName, RouteError> {
    let text = components.join("/");
    RepositoryName::parse(&text).map_err(|error| RouteError::Malformed {
        code: ErrorCode::NameInvalid,
        message: format!("{} is not a repository's name: {error}", Quoted(&text)),
    })
}

fn read_reference(text: &str, bad_tag: ErrorCode) -> Result<Reference, RouteError> {
    Reference::parse(text).map_err(|error| {
        let code = match error {
            ReferenceError::Tag(_) => bad_tag,
            ReferenceError::Digest(_) => ErrorCode::DigestInvalid,
        };
        RouteError::Malformed { code, message: error.to_string() }
    })
}

fn read_digest(text: &str) -> Result<Digest, RouteError> {
    Digest::parse(text)
        .map_err(|error| RouteError::Malformed { code: ErrorCode::DigestInvalid, message: error.to_string() })
}

fn read_upload(text: &str) -> Result<UploadRef, RouteError> {
    // No session was ever called so: the same answer as for one that ended.
    UploadRef::parse(text).map_err(|error| RouteError::Malformed {
        code: ErrorCode::BlobUploadUnknown,
        message: format!("{} is no upload session: {error}", Quoted(text)),
    })
}

/// Undoes percent-encoding in one segment, once (RFC 3986 §2.4). A segment whose escapes are broken, or stand for
/// `/`, `%`, a control character or anything beyond ASCII, stays as it was: no grammar here takes its `%`, so
/// `..%2f`, `%252f` and `%00` end as malformed and never as a path, a second escape or a NUL.
fn decode(segment: &str) -> Cow<'_, str> {
    if segment.contains('%') {
        decoded(segment).map_or(Cow::Borrowed(segment), Cow::Owned)
    } else {
        segment.into()
    }
}

fn decoded(segment: &str) -> Option<String> {
    let mut text = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((before, escape)) = rest.split_once('%') {
        let digits = escape.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if !byte.is_ascii_graphic() || byte == b'/' || byte == b'%' {
            return None;
        }
        text.push_str(before);
        text.push(char::from(byte));
        rest = &escape[2..];
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::{digest::tests::any_digest, name::tests::any_name};

    const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    const METHODS: [(&str, Method); 6] = [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("PATCH", Method::Patch),
        ("DELETE", Method::Delete),
    ];

    fn repository(text: &str) -> RepositoryName {
        RepositoryName::parse(text).unwrap()
    }

    fn reference(text: &str) -> Reference {
        Reference::parse(text).unwrap()
    }

    fn upload(text: &str) -> UploadRef {
        UploadRef::parse(text).unwrap()
    }

    /// Every endpoint below a repository, with what it must be read as.
    fn endpoints(name: &str, digest: &str, tag: &str) -> Vec<(Method, String, Call)> {
        let repository = || repository(name);
        let sha = || Digest::parse(digest).unwrap();
        let mut all = Vec::new();
        for reference in [reference(tag), reference(digest)] {
            let path = format!("/v2/{name}/manifests/{reference}");
            let pull = Call::PullManifest { repository: repository(), reference: reference.clone() };
            let push = Call::PushManifest { repository: repository(), reference: reference.clone() };
            let delete = Call::DeleteManifest { repository: repository(), reference };
            all.extend([
                (Method::Get, path.clone(), pull.clone()),
                (Method::Head, path.clone(), pull),
                (Method::Put, path.clone(), push),
                (Method::Delete, path, delete),
            ]);
        }
        let blob = format!("/v2/{name}/blobs/{digest}");
        let uploads = format!("/v2/{name}/blobs/uploads");
        let session = format!("{uploads}/0190a5e0-7d4c");
        let id = || upload("0190a5e0-7d4c");
        all.extend([
            (Method::Get, blob.clone(), Call::PullBlob { repository: repository(), digest: sha() }),
            (Method::Head, blob.clone(), Call::PullBlob { repository: repository(), digest: sha() }),
            (Method::Delete, blob, Call::DeleteBlob { repository: repository(), digest: sha() }),
            (Method::Post, format!("{uploads}/"), Call::StartUpload { repository: repository() }),
            (Method::Post, uploads, Call::StartUpload { repository: repository() }),
            (Method::Patch, session.clone(), Call::AppendUpload { repository: repository(), upload: id() }),
            (Method::Put, session.clone(), Call::FinishUpload { repository: repository(), upload: id() }),
            (Method::Get, session.clone(), Call::UploadStatus { repository: repository(), upload: id() }),
            (Method::Head, session.clone(), Call::UploadStatus { repository: repository(), upload: id() }),
            (Method::Delete, session, Call::CancelUpload { repository: repository(), upload: id() }),
            (Method::Get, format!("/v2/{name}/tags/list"), Call::ListTags { repository: repository() }),
            (Method::Head, format!("/v2/{name}/tags/list"), Call::ListTags { repository: repository() }),
            (
                Method::Get,
                format!("/v2/{name}/referrers/{digest}"),
                Call::ListReferrers { repository: repository(), digest: sha() },
            ),
        ]);
        all
    }

    #[test]
    fn the_registry_itself_has_two_endpoints() {
        for path in ["/v2", "/v2/", "/v2//", "//v2", "//v2/", "///v2//"] {
            assert_eq!(parse(Method::Get, path), Ok(Call::Ping));
            assert_eq!(parse(Method::Head, path), Ok(Call::Ping));
        }
        assert_eq!(parse(Method::Get, "/v2/_catalog"), Ok(Call::Catalog));
        assert_eq!(Call::Ping.repository(), None);
        assert_eq!(Call::Catalog.repository(), None);
    }

    #[test]
    fn names_made_of_keywords_are_repositories() {
        let keywords = ["manifests", "blobs", "uploads", "tags", "list", "referrers", "v2"];
        let mut names: Vec<String> = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
        for first in keywords {
            names.extend(keywords.iter().map(|second| format!("{first}/{second}")));
            names.extend(keywords.iter().map(|second| format!("a/{first}/{second}")));
        }
        names.extend(["a/manifests/b", "a/blobs/uploads/0190"].map(str::to_owned));
        for name in names {
            for (method, path, call) in endpoints(&name, DIGEST, "list") {
                assert_eq!(parse(method, &path), Ok(call), "{path}");
            }
        }
    }

    #[test]
    fn further_slashes_at_either_end_mean_nothing() {
        for (method, path, call) in endpoints("acme/api", DIGEST, "1.0") {
            for written in [format!("/{path}"), format!("{path}/"), format!("///{path}//")] {
                assert_eq!(parse(method, &written).as_ref(), Ok(&call), "{written}");
            }
        }
        // Those in between are part of a name, which has none that is empty.
        for path in ["/v2//acme/api/tags/list", "/v2/acme//tags/list/", "//v2//acme/api/tags/list"] {
            let parsed = parse(Method::Get, path);
            assert!(
                matches!(&parsed, Err(RouteError::Malformed { code: ErrorCode::NameInvalid, .. })),
                "{path}: {parsed:?}"
            );
        }
        for (path, expect) in [
            ("//v2/acme", Some("/v2/acme")),
            ("///v2", Some("/v2")),
            ("/v2/", None),
            ("//v2x", None),
            ("//api/v1/me", None),
            ("//", None),
            ("", None),
        ] {
            assert_eq!(without_leading_slashes(path), expect, "{path}");
        }
    }

    #[test]
    fn the_last_fitting_keyword_wins() {
        let pull = |name, tag| Call::PullManifest { repository: repository(name), reference: reference(tag) };
        let status = |name, id| Call::UploadStatus { repository: repository(name), upload: upload(id) };
        let check = |path, expect: Call| assert_eq!(parse(Method::Get, path), Ok(expect), "{path}");
        check("/v2/a/manifests/b/manifests/x", pull("a/manifests/b", "x"));
        check("/v2/a/blobs/uploads/manifests/x", pull("a/blobs/uploads", "x"));
        check("/v2/a/tags/list/tags/list", Call::ListTags { repository: repository("a/tags/list") });
        check("/v2/a/manifests/manifests", pull("a", "manifests"));
        check("/v2/a/tags/manifests/list", pull("a/tags", "list"));
        // A session's id may look like a keyword; what follows `blobs/uploads/` at the end is always an id.
        check("/v2/a/blobs/uploads/manifests", status("a", "manifests"));
        check("/v2/a/blobs/uploads/uploads", status("a", "uploads"));
        check("/v2/a/blobs/uploads/blobs/uploads/x", status("a/blobs/uploads", "x"));
        let start = Call::StartUpload { repository: repository("a/blobs/uploads") };
        assert_eq!(parse(Method::Post, "/v2/a/blobs/uploads/blobs/uploads"), Ok(start.clone()));
        assert_eq!(parse(Method::Post, "/v2/a/blobs/uploads/blobs/uploads/"), Ok(start));
    }

    #[test]
    fn other_paths_are_not_ours() {
        for path in [
            "",
            "/",
            "v2/",
            "/v1/",
            "/V2/",
            "/v2x",
            "/v20/a/tags/list",
            "/v2a/",
            "//v2x/",
            "//",
            "/a//v2/",
            "/v2/a",
            "/v2/a/b",
            "/v2/_catalog/x",
            "/v2/a/tags",
            "/v2/a/tags/",
            "/v2/a/tags/x",
            "/v2/a/manifests",
            "/v2/a/manifests/",
            "/v2/a/blobs",
            "/v2/a/blobs/",
            "/v2/a/referrers",
            "/v2/a/referrers//",
            "/v2/a/Manifests/x",
            "/v2/a/manifests%2fx",
        ] {
            assert_eq!(parse(Method::Get, path), Err(RouteError::Unknown), "{path}");
        }
    }

    #[test]
    fn a_malformed_part_is_named_with_its_code() {
        let check = |method, path: &str, expect, says: &str| match parse(method, path) {
            Err(RouteError::Malformed { code, message }) => {
                assert_eq!(code, expect, "{path}: {message}");
                assert!(message.contains(says), "{path}: {message}");
            }
            other => panic!("{path}: {other:?}"),
        };
        let name = |path, says| check(Method::Get, path, ErrorCode::NameInvalid, says);
        name("/v2/Acme/api/tags/list", r#""Acme/api" is not a repository's name: 'A' at position 1"#);
        name("/v2/a/../b/tags/list", "separator at position 3");
        name("/v2/a/%2e%2e/tags/list", "\"a/..\" is not");
        name("/v2/a/..%2fb/tags/list", "separator at position 3");
        name("/v2/a/b%2f../tags/list", "'%' at position 4");
        name("/v2/a%2fb/manifests/x", "'%' at position 2");
        name("/v2/%252f/manifests/x", "'%' at position 1");
        name("/v2/%2541/manifests/x", "'%' at position 1");
        name("/v2/a%00/manifests/x", "'%' at position 2");
        name("/v2/%C3%A9/manifests/x", "'%' at position 1");
        name("/v2/a%2/manifests/x", "'%'");
        name("/v2/a%/manifests/x", "'%'");
        name("/v2/a%+1/manifests/x", "'%'");
        name("/v2/a%é/manifests/x", "'%'");
        name("/v2/é/manifests/x", "'é'");
        name("/v2//tags/list", "it is empty");
        name("/v2/tags/list", "it is empty");
        name("/v2/a//tags/list", "nothing between slashes at position 3");
        let blob = |path, says| check(Method::Get, path, ErrorCode::DigestInvalid, says);
        blob("/v2/a/blobs/x", "\"x\" is not a digest");
        blob("/v2/a/blobs/sha256:0", "is not a digest");
        blob("/v2/a/blobs/sha384:0", "hash that is not known here");
        blob("/v2/a/referrers/x", "\"x\" is not a digest");
        blob("/v2/a/manifests/sha256:0", "is not a digest");
        check(Method::Post, "/v2/blobs/uploads/", ErrorCode::NameInvalid, "it is empty");
        check(
            Method::Get,
            "/v2/a/blobs/uploads/x.y",
            ErrorCode::BlobUploadUnknown,
            "\"x.y\" is no upload session",
        );
        check(
            Method::Get,
            "/v2/a/blobs/uploads/..%2fx",
            ErrorCode::BlobUploadUnknown,
            "is no upload session",
        );
        let tag =
            |method, code| check(method, "/v2/a/manifests/.INVALID_MANIFEST_NAME", code, "is not a tag");
        tag(Method::Get, ErrorCode::ManifestUnknown);
        tag(Method::Head, ErrorCode::ManifestUnknown);
        tag(Method::Delete, ErrorCode::ManifestUnknown);
        tag(Method::Put, ErrorCode::ManifestInvalid);
        check(Method::Put, "/v2/a/manifests/..", ErrorCode::ManifestInvalid, "\"..\" is not a tag");
    }

    #[test]
    fn each_segment_is_decoded_once() {
        let escaped = DIGEST.replace(':', "%3A");
        let blob = Call::PullBlob { repository: repository("a-b"), digest: Digest::parse(DIGEST).unwrap() };
        for path in
            [format!("/v2/a%2Db/blobs/{escaped}"), format!("/v2/a-b/%62lobs/{}", escaped.to_lowercase())]
        {
            assert_eq!(parse(Method::Get, &path), Ok(blob.clone()), "{path}");
        }
        assert_eq!(decode("%41%2d%2D%7e"), "A--~");
        for segment in [
            "%2F", "%2f", "%25", "%252f", "%00", "%1f", "%20", "%7f", "%80", "%C3%A9", "%", "%4", "%zz",
            "%4é",
        ] {
            assert_eq!(decode(segment), segment);
        }
    }

    #[test]
    fn an_endpoint_says_which_methods_it_takes() {
        let check = |path: &str, allow: &'static [&'static str]| {
            for (spelling, method) in METHODS {
                let is_allowed = parse(method, path).is_ok();
                assert_eq!(is_allowed, allow.contains(&spelling), "{spelling} {path}");
                assert!(is_allowed || parse(method, path) == Err(RouteError::MethodNotAllowed { allow }));
            }
            assert_eq!(parse(Method::Other, path), Err(RouteError::MethodNotAllowed { allow }));
        };
        check("/v2/", &["GET", "HEAD"]);
        check("/v2/_catalog", &["GET", "HEAD"]);
        check("/v2/a/tags/list", &["GET", "HEAD"]);
        check(&format!("/v2/a/referrers/{DIGEST}"), &["GET", "HEAD"]);
        check("/v2/a/manifests/x", &["GET", "HEAD", "PUT", "DELETE"]);
        check(&format!("/v2/a/blobs/{DIGEST}"), &["GET", "HEAD", "DELETE"]);
        check("/v2/a/blobs/uploads", &["POST"]);
        check("/v2/a/blobs/uploads/", &["POST"]);
        check("/v2/a/blobs/uploads/x", &["GET", "HEAD", "PATCH", "PUT", "DELETE"]);
    }

    #[test]
    fn methods_are_case_sensitive() {
        for (spelling, method) in METHODS {
            assert_eq!(Method::parse(spelling), method);
            assert_eq!(Method::parse(&spelling.to_lowercase()), Method::Other);
        }
        for text in ["", "OPTIONS", "GET "] {
            assert_eq!(Method::parse(text), Method::Other);
        }
    }

    #[test]
    fn a_deep_path_is_answered_with_a_short_message() {
        for path in ["a/".repeat(10_000), "%61/".repeat(10_000), "A".repeat(1_000_000)] {
            let Err(RouteError::Malformed { code, message }) =
                parse(Method::Get, &format!("/v2/{path}/tags/list"))
            else {
                panic!("it was taken");
            };
            assert_eq!(code, ErrorCode::NameInvalid);
            assert!(message.len() < 1000, "{}", message.len());
        }
    }

    proptest! {
        #[test]
        fn every_endpoint_of_every_repository_gives_it_back(
            name in any_name(), digest in any_digest(), tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}",
        ) {
            for (method, path, call) in endpoints(&name, &digest, &tag) {
                prop_assert_eq!(call.repository().map(RepositoryName::as_str), Some(name.as_str()));
                prop_assert_eq!(parse(method, &path), Ok(call), "{}", path);
            }
        }

        #[test]
        fn any_path_is_answered_and_only_legal_names_pass(
            path in "/v2/([a-zA-Z0-9._%é\\x00-]{0,4}|manifests|blobs|uploads|tags|list|/){0,8}",
            text in any::<String>(),
        ) {
            for method in METHODS.map(|(_, method)| method) {
                let _ = parse(method, &text);
                if let Some(name) = parse(method, &path).ok().as_ref().and_then(Call::repository) {
                    prop_assert!(RepositoryName::parse(name.as_str()).is_ok(), "{}", path);
                }
            }
        }
    }
}
