//! Which database a test runs on, and how `#[both_engines]` runs one.

use crate::{missing, postgres::Postgres};

/// One of the two databases that everything must run on (DESIGN §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite: a file of the test's own.
    Sqlite,
    /// PostgreSQL: a database of the test's own in [`Postgres::shared`].
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Runs the test `name` on `engine`, on a multi-threaded tokio runtime of its own. Called by `#[both_engines]`.
///
/// Where PostgreSQL is wanted and not installed, says `skipped: NAME on PostgreSQL: no PostgreSQL here (…)`.
///
/// # Panics
/// Whenever the sentence does; and instead of skipping, where the variable `CI` is set.
pub fn tell(engine: Engine, name: &str, sentence: impl AsyncFnOnce(Engine)) {
    if engine == Engine::Postgres && Postgres::shared().is_none() {
        return missing::skip(&format!("{name} on {engine}"), missing::NO_POSTGRESQL);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(sentence(engine));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::both_engines;

    struct Setting(Engine);

    impl Setting {
        async fn on(engine: Engine) -> Self {
            // Proof that a runtime is there, as a server would want it.
            tokio::task::yield_now().await;
            Self(engine)
        }
    }

    #[both_engines]
    async fn a_sentence_is_told_on_the_engine_of_its_name(t: Setting) {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let expected = if test.ends_with("on_sqlite") { Engine::Sqlite } else { Engine::Postgres };
        assert_eq!(t.0, expected, "{test}");
    }

    #[test]
    #[should_panic(expected = "it happened on SQLite")]
    fn a_sentence_that_panics_fails_its_test() {
        tell(Engine::Sqlite, "a_sentence", async |engine| panic!("it happened on {engine}"));
    }
}
