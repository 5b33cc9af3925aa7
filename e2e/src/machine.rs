//! A machine of some user's: docker, skopeo, podman, curl and others with one home folder between them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use testkit::image::Image;
use tokio::process::Command;

use crate::{Answer, Outcome, Sealock, programs};

/// A proxy that isn't there (port 9 discards): a client that wants to leave this machine gets nowhere.
const NOWHERE: &str = "http://127.0.0.1:9";

/// docker, skopeo, podman and curl as one person has them: what `docker login` keeps, the others use. Two machines
/// share nothing. References are given without the host: `acme/api:1.0`.
#[derive(Debug)]
pub struct Machine {
    host: String,
    home: TempDir,
    docker: PathBuf,
    skopeo: PathBuf,
    podman: PathBuf,
    curl: PathBuf,
}

impl Machine {
    /// A machine that nobody has logged in on; `None` (and "skipped", but a failure in CI) where a client is missing.
    pub fn beside(server: &Sealock) -> Option<Self> {
        Self::that_knows(&server.host)
    }

    /// The same, where each of the programs `wanted` is here as well; they are used through [`Self::shell`].
    pub fn with(server: &Sealock, wanted: &[&str]) -> Option<Self> {
        wanted.iter().try_for_each(|program| programs::need(program).map(drop))?;
        Self::beside(server)
    }

    /// The same as [`Self::beside`], for the registry at `host`.
    pub fn that_knows(host: &str) -> Option<Self> {
        let (docker, skopeo, podman, curl) = (
            programs::need("docker")?,
            programs::need("skopeo")?,
            programs::need("podman")?,
            programs::need("curl")?,
        );
        let home = tempfile::Builder::new().prefix("sealock-machine-").tempdir().expect("a folder");
        Some(Self { host: host.to_owned(), home, docker, skopeo, podman, curl })
    }

    /// What is typed at the prompt of this machine's shell, in the home folder; `input` is typed after it. The first
    /// command that fails is the last. `$REGISTRY` is the server's host.
    pub async fn shell(&self, commands: &str, input: &str) -> Outcome {
        let mut sh = self.client(&PathBuf::from("sh"));
        sh.args(["-e", "-c", commands]);
        Outcome::of(sh, input).await
    }

    /// What `commands` print, after they have ended well.
    pub async fn prints(&self, commands: &str) -> String {
        self.shell(commands, "").await.succeeded().stdout
    }

    /// The home folder, in which all that is typed is typed.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// `curl --user USER -X METHOD http://HOST/PATH`, where `user` is `NAME:SECRET` and `request` is `METHOD /PATH`.
    pub async fn curl(&self, user: &str, request: &str) -> Answer {
        self.curl_with(user, request, &Value::Null).await
    }

    /// The same with a JSON body, where it is not null.
    pub async fn curl_with(&self, user: &str, request: &str, body: &Value) -> Answer {
        let (method, path) = request.split_once(' ').expect("METHOD /PATH");
        let mut curl = self.client(&self.curl);
        curl.args(["--silent", "--show-error", "--write-out", "\n%{http_code}", "--user", user]);
        curl.args(["-X", method, &format!("http://{}{path}", self.host)]);
        if !body.is_null() {
            curl.args(["--header", "Content-Type: application/json", "--data-binary", &body.to_string()]);
        }
        Answer::of(format!("curl --user {user} {request} {body}"), Outcome::of(curl, "").await)
    }

    /// `docker login HOST -u NAME -p SECRET`, as consoles show it.
    pub async fn docker_login_typed(&self, name: &str, secret: &str) -> Outcome {
        let mut docker = self.client(&self.docker);
        docker.args(["login", &self.host, "-u", name, "-p", secret]);
        Outcome::of(docker, "").await
    }

    /// `docker login HOST -u NAME --password-stdin`.
    pub async fn docker_login(&self, name: &str, secret: &str) -> Outcome {
        let mut docker = self.client(&self.docker);
        docker.args(["login", &self.host, "-u", name, "--password-stdin"]);
        Outcome::of(docker, secret).await
    }

    /// What `docker login` has written down; empty before.
    pub fn docker_config(&self) -> String {
        std::fs::read_to_string(self.docker_folder().join("config.json")).unwrap_or_default()
    }

    /// `skopeo copy oci:… docker://HOST/REFERENCE`; the manifest goes byte for byte.
    pub async fn skopeo_push(&self, image: &Image, reference: &str) -> Outcome {
        let layout = tempfile::tempdir_in(self.home.path()).expect("a folder");
        image.write_layout(layout.path(), "pushed").expect("an image layout");
        let mut skopeo = self.client(&self.skopeo);
        skopeo.args(["copy", "--preserve-digests", "--dest-tls-verify=false"]);
        skopeo.arg(format!("oci:{}:pushed", layout.path().display())).arg(self.remote(reference));
        Outcome::of(skopeo, "").await
    }

    /// `skopeo copy docker://HOST/REFERENCE dir:…`; [`Self::pulled_manifest`] has what came.
    pub async fn skopeo_pull(&self, reference: &str) -> Outcome {
        let mut skopeo = self.client(&self.skopeo);
        skopeo.args(["copy", "--preserve-digests", "--src-tls-verify=false"]);
        skopeo.arg(self.remote(reference)).arg(format!("dir:{}", self.pulled_folder().display()));
        Outcome::of(skopeo, "").await
    }

    /// The manifest of the last [`Self::skopeo_pull`], byte for byte.
    pub fn pulled_manifest(&self) -> Vec<u8> {
        std::fs::read(self.pulled_folder().join("manifest.json")).expect("skopeo_pull came before")
    }

    /// `podman pull HOST/REFERENCE`.
    pub async fn podman_pull(&self, reference: &str) -> Outcome {
        let mut podman = self.podman();
        podman.args(["pull", "--tls-verify=false", &self.name(reference)]);
        Outcome::of(podman, "").await
    }

    /// Pushes what [`Self::podman_pull`] brought as `local` under the name `reference`.
    pub async fn podman_push(&self, local: &str, reference: &str) -> Outcome {
        let mut podman = self.podman();
        podman.args(["push", "--tls-verify=false", &self.name(local), &self.remote(reference)]);
        Outcome::of(podman, "").await
    }

    /// Storage of its own, by copying: overlayfs and systemd's cgroups are not there in a sandbox.
    fn podman(&self) -> Command {
        let folder = |name: &str| self.home.path().join("podman").join(name);
        let mut podman = self.client(&self.podman);
        podman
            .arg("--root")
            .arg(folder("root"))
            .arg("--runroot")
            .arg(folder("run"))
            .arg("--tmpdir")
            .arg(folder("tmp"));
        podman.args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"]);
        podman
    }

    fn client(&self, program: &PathBuf) -> Command {
        let mut command = Command::new(program);
        // Nothing of this machine's own logins, proxies and settings.
        command.env_clear().env("PATH", programs::path());
        command.env("HOME", self.home.path()).current_dir(self.home.path()).env("REGISTRY", &self.host);
        command.env("HTTP_PROXY", NOWHERE).env("HTTPS_PROXY", NOWHERE).env("NO_PROXY", "127.0.0.1");
        command.env("DOCKER_CONFIG", self.docker_folder());
        command.env("REGISTRY_AUTH_FILE", self.docker_folder().join("config.json"));
        // A daemon that answered would log in by itself, with settings of its own.
        command.env("DOCKER_HOST", format!("unix://{}/no-daemon.sock", self.home.path().display()));
        command
    }

    fn docker_folder(&self) -> PathBuf {
        self.home.path().join("docker")
    }

    fn pulled_folder(&self) -> PathBuf {
        self.home.path().join("pulled")
    }

    fn name(&self, reference: &str) -> String {
        format!("{}/{reference}", self.host)
    }

    fn remote(&self, reference: &str) -> String {
        format!("docker://{}", self.name(reference))
    }
}
