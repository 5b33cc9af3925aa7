//! The official conformance suite of OCI distribution 1.1, whole: what it lets a registry leave out may not be left
//! out here, and what it asks only when told to is asked.

use e2e::{ADMIN_PASSWORD, Machine, Sealock};
use testkit::both_engines;

use crate::laptop;

/// As many as the pinned version has; fewer would mean that some were not run.
const TESTS: usize = 687;
/// What the suite itself skips, for both algorithms: it fetches its bearer for the repository that it pushes to, and a
/// bearer mounts nothing from where it does not let pull (DESIGN §3.1: 202, upload instead). crane and regctl ask for
/// both repositories; that they mount is seen in their tests.
const MOUNTS: [&str; 2] = ["blobs/mount/blob-mount", "blobs/mount anonymous/blob-mount-anonymous"];
/// Off by default are: headers that 1.1 only recommends, and cancelling an upload. Left off are sparse indexes, which
/// DESIGN §3.1 refuses, and tags as parameters, which 1.1 doesn't have.
const RUN: &str = "\
    export OCI_REGISTRY=$REGISTRY OCI_TLS=disabled OCI_VERSION=1.1 OCI_RESULTS_DIR=results
    export OCI_REPO1=acme/conformance/1 OCI_REPO2=acme/conformance/2
    export OCI_API_BLOBS_DIGEST_HEADER=true OCI_API_MANIFESTS_DIGEST_HEADER=true OCI_API_BLOBS_UPLOAD_CANCEL=true
    export OCI_PASSWORD=\"$(cat)\" OCI_USERNAME=";

/// One test of the suite, as its report has it.
struct Test {
    name: String,
    status: String,
    /// Requests and answers.
    log: String,
}

impl Test {
    /// From `name="…" … status="…">log</testcase>`.
    fn read(case: &str) -> Option<Self> {
        let between = |from, to| Some(plain(case.split_once(from)?.1.split_once(to)?.0));
        Some(Self {
            name: between("name=\"", "\"")?,
            status: between("status=\"", "\"")?,
            log: between(">", "</testcase>")?,
        })
    }

    fn is_skipped_mount(&self) -> bool {
        self.status == "skipped" && MOUNTS.iter().any(|name| self.name.ends_with(name))
    }
}

/// The text without the escapes of XML.
fn plain(text: &str) -> String {
    let escapes = [("&#xA;", "\n"), ("&#34;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// Runs the suite as `name`; each of its tests must have passed, but for the mounts that fell back to an upload.
async fn passes(laptop: &Machine, name: &str, secret: &str) {
    let run = laptop.shell(&format!("{RUN}{name}\nconformance"), secret).await;
    let report = std::fs::read_to_string(laptop.home().join("results/junit.xml"));
    let report = report.unwrap_or_else(|error| panic!("no report ({error}): {run}"));
    let cases = report.split("<testcase ").skip(1);
    let tests: Vec<Test> =
        cases.map(|case| Test::read(case).unwrap_or_else(|| panic!("no test: {case}"))).collect();
    let others = tests.iter().filter(|test| test.status != "passed" && !test.is_skipped_mount());
    let others: Vec<String> =
        others.map(|test| format!("{}: {}\n{}", test.status, test.name, test.log)).collect();
    assert!(others.is_empty(), "{} of {} did not pass:\n{}", others.len(), tests.len(), others.join("\n"));
    assert_eq!(tests.len(), TESTS, "{run}");
    run.succeeded();
}

#[both_engines]
async fn the_conformance_suite_passes_with_a_password(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["conformance"]).await else { return };
    passes(&laptop, "admin", ADMIN_PASSWORD).await;
}

#[both_engines]
async fn the_conformance_suite_passes_with_a_token_for_its_two_repositories(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["conformance"]).await else { return };
    let scopes = ["--scope", "repository:acme/conformance/*:pull,push,delete"];
    let secret = sealock.token("acme", "conformance", &scopes).await;
    passes(&laptop, "conformance", &secret).await;
}
