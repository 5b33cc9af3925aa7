//! Ready to paste: how the programs that people use log in with a token.

use maud::{Markup, html};

use crate::console::parts;

/// A login that was just issued.
pub(super) struct Login<'a> {
    /// The registry's host, as docker takes it.
    pub(super) host: &'a str,
    /// The login name.
    pub(super) username: &'a str,
    /// The secret.
    pub(super) secret: &'a str,
}

impl Login<'_> {
    /// Name, value and the line to log in with.
    pub(super) fn essentials(&self) -> Markup {
        let Self { host, username, secret } = self;
        html! {
            (parts::to_copy("login-name", "Login name", username))
            (parts::to_copy("secret", "Value", secret))
            (parts::to_copy("docker-login", "Log in with docker", &format!("docker login {host} -u {username} -p {secret}")))
            p.hint {
                "Shells keep that line in their history. With " code { "--password-stdin" } " docker reads the value from a pipe instead."
            }
        }
    }

    /// For clusters and pipelines.
    pub(super) fn elsewhere(&self) -> Markup {
        html! {
            (parts::to_copy("docker-stdin", "docker, the value from stdin", &self.stdin()))
            (parts::to_copy("kubernetes", "Kubernetes pull secret", &self.kubernetes()))
            (parts::to_copy("github", "GitHub Actions", &self.github()))
            (parts::to_copy("gitlab", "GitLab CI", &self.gitlab()))
            p.hint {
                "The pipelines take the value from a masked variable SEALOCK_TOKEN, so that it stands in no file."
            }
        }
    }

    fn stdin(&self) -> String {
        let Self { host, username, .. } = self;
        format!("docker login {host} -u {username} --password-stdin")
    }

    fn kubernetes(&self) -> String {
        let Self { host, username, secret } = self;
        format!(
            "kubectl create secret docker-registry sealock-pull \\\n  --docker-server={host} \\\n  \
             --docker-username={username} \\\n  --docker-password={secret}"
        )
    }

    fn github(&self) -> String {
        // Quoted, since 007 is a login name to us and a number to YAML 1.2 (§10.3.2).
        let Self { host, username, .. } = self;
        format!(
            "- uses: docker/login-action@v3\n  with:\n    registry: \"{host}\"\n    username: \"{username}\"\n    \
             password: ${{{{ secrets.SEALOCK_TOKEN }}}}"
        )
    }

    fn gitlab(&self) -> String {
        let Self { host, username, .. } = self;
        format!(
            "before_script:\n  - echo \"$SEALOCK_TOKEN\" | docker login {host} -u {username} --password-stdin"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_names_host_and_login_name_and_files_hold_no_secret() {
        let login = Login { host: "registry.example:5000", username: "ci-bot", secret: "slks_x" };
        for (text, holds_secret) in [
            (login.stdin(), false),
            (login.kubernetes(), true),
            (login.github(), false),
            (login.gitlab(), false),
        ] {
            assert!(text.contains("registry.example:5000") && text.contains("ci-bot"), "{text}");
            assert_eq!(text.contains("slks_x"), holds_secret, "{text}");
        }
        assert!(login.github().contains("${{ secrets.SEALOCK_TOKEN }}"));
        assert!(login.github().contains(r#"username: "ci-bot""#));
    }
}
