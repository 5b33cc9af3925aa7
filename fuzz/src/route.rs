//! `/v2/` paths: every call has parts that obey their grammars, and a path of its own that leads back to it.

use oci::{Call, Reference, RouteError, route};

use crate::{grammar, message::is_fit_to_print};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Reads the input, where it is UTF-8, as a raw path under each method.
pub fn check(input: &[u8]) {
    let Ok(path) = std::str::from_utf8(input) else { return };
    let answers = METHODS.map(|method| (method, parse(method, path)));
    assert_eq!(answers[0].1, answers[1].1, "HEAD asks the same as GET");
    let unknown = answers.iter().filter(|(_, answer)| *answer == Err(RouteError::Unknown)).count();
    assert!(unknown == 0 || unknown == METHODS.len(), "whether a path is ours depends on the method");
    for (method, answer) in &answers {
        match answer {
            Ok(call) => a_call_obeys_the_grammars(method, call),
            Err(RouteError::MethodNotAllowed { allow }) => {
                assert!(!allow.contains(method));
                for (other, answer) in &answers {
                    let refused = matches!(answer, Err(RouteError::MethodNotAllowed { .. }));
                    assert_eq!(refused, !allow.contains(other), "{other} and {allow:?}");
                }
            }
            Err(error) => is_fit_to_print(error),
        }
    }
}

fn parse(method: &str, path: &str) -> Result<Call, RouteError> {
    route::parse(route::Method::parse(method), path)
}

fn a_call_obeys_the_grammars(method: &str, call: &Call) {
    assert!(call.repository().is_none_or(|repository| grammar::is_name(repository.as_str())), "{call:?}");
    match call {
        Call::PullManifest { reference, .. }
        | Call::PushManifest { reference, .. }
        | Call::DeleteManifest { reference, .. } => match reference {
            Reference::Tag(tag) => assert!(grammar::is_tag(tag.as_str()), "{call:?}"),
            Reference::Digest(digest) => assert!(grammar::is_digest(digest.as_str()), "{call:?}"),
        },
        Call::PullBlob { digest, .. }
        | Call::DeleteBlob { digest, .. }
        | Call::ListReferrers { digest, .. } => assert!(grammar::is_digest(digest.as_str()), "{call:?}"),
        Call::AppendUpload { upload, .. }
        | Call::FinishUpload { upload, .. }
        | Call::UploadStatus { upload, .. }
        | Call::CancelUpload { upload, .. } => assert!(grammar::is_upload(upload.as_str()), "{call:?}"),
        Call::Ping | Call::Catalog | Call::StartUpload { .. } | Call::ListTags { .. } => {}
    }
    assert_eq!(parse(method, &path_of(call)).as_ref(), Ok(call), "its own path leads elsewhere");
}

/// The path as the specification writes it.
fn path_of(call: &Call) -> String {
    match call {
        Call::Ping => "/v2/".to_owned(),
        Call::Catalog => "/v2/_catalog".to_owned(),
        Call::PullManifest { repository, reference }
        | Call::PushManifest { repository, reference }
        | Call::DeleteManifest { repository, reference } => format!("/v2/{repository}/manifests/{reference}"),
        Call::PullBlob { repository, digest } | Call::DeleteBlob { repository, digest } => {
            format!("/v2/{repository}/blobs/{digest}")
        }
        Call::StartUpload { repository } => format!("/v2/{repository}/blobs/uploads/"),
        Call::AppendUpload { repository, upload }
        | Call::FinishUpload { repository, upload }
        | Call::UploadStatus { repository, upload }
        | Call::CancelUpload { repository, upload } => format!("/v2/{repository}/blobs/uploads/{upload}"),
        Call::ListTags { repository } => format!("/v2/{repository}/tags/list"),
        Call::ListReferrers { repository, digest } => format!("/v2/{repository}/referrers/{digest}"),
    }
}
