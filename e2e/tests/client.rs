//! Every verb of the client against the real server, with the very text that it prints (DESIGN §3.5).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{ADMIN_PASSWORD, Machine, Sealock};
use testkit::{both_engines, image::Image};

/// Runs `sealock SAID`, which must end well and print `expected`, as [`steady`] has it.
async fn check(sealock: &Sealock, said: &str, expected: &str) {
    check_typing(sealock, said, "", expected).await;
}

/// The same, with `input` on its standard input.
async fn check_typing(sealock: &Sealock, said: &str, input: &str, expected: &str) {
    let arguments: Vec<&str> = said.split(' ').collect();
    let outcome = sealock.cli_with_input(&arguments, input).await.succeeded();
    assert_eq!(steady(&outcome.stdout, sealock), expected, "sealock {said}");
}

/// `text` with what differs from run to run replaced by ID, TIME and HOST, and with the padding between columns, which
/// follows from their width, cut to two spaces.
fn steady(text: &str, sealock: &Sealock) -> String {
    let text = text.replace(&sealock.host, "HOST");
    let kind = |c: char| (c == ' ', c.is_ascii_alphanumeric() || ".:_-".contains(c));
    let mut steady = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| kind(c) != kind(first)).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        match run {
            run if is_id(run) => steady += "ID",
            run if is_instant(run) => steady += "TIME",
            run if run.len() > 2 && first == ' ' => steady += "  ",
            run => steady += run,
        }
        rest = behind;
    }
    steady
}

fn is_id(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_instant(word: &str) -> bool {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.starts_with("0000-00-00T00:00:00") && word.ends_with('Z')
}

#[both_engines]
async fn login_whoami_and_logout(sealock: Sealock) {
    sealock.cli(&["whoami"]).await.with_code(3).refused_with("not logged in");
    let login = ["login", &sealock.host, "-u", "admin", "--password-stdin"];
    sealock.cli_with_input(&login, "not the password").await.with_code(3).refused_with("password");
    check_typing(&sealock, &login.join(" "), ADMIN_PASSWORD, "").await;
    check(&sealock, "whoami", "admin (administrator) at http://HOST\n").await;

    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let secret = sealock.token("acme", "ci-bot", &["--permission", "pull"]).await;
    sealock.log_in("ci-bot", &secret).await;
    check(&sealock, "whoami", "token acme/ci-bot at http://HOST\n").await;
    sealock.cli(&["namespace", "create", "other"]).await.with_code(1).refused_with("token acme/ci-bot");

    check(&sealock, "logout", "").await;
    sealock.cli(&["whoami"]).await.with_code(3).refused_with("not logged in");
}

#[both_engines]
async fn namespaces_and_their_members(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    check(&sealock, "namespace create open --public", "").await;
    sealock.cli(&["namespace", "create", "acme"]).await.with_code(1).refused_with("acme");
    let list = "\
NAME  VISIBILITY  CREATED
acme  private  less than a minute ago (TIME)
admin  private  less than a minute ago (TIME)
open  public  less than a minute ago (TIME)
";
    check(&sealock, "namespace ls", list).await;
    check(&sealock, "namespace edit acme --public", "").await;
    let shown = "\
FIELD  VALUE
namespace  acme
visibility  public
your role  admin (as an instance administrator)
created  less than a minute ago (TIME)
created by  admin
";
    check(&sealock, "namespace show acme", shown).await;

    check_typing(&sealock, "user create ann --password-stdin", "staple battery horse", "").await;
    check(&sealock, "team create crew", "").await;
    check(&sealock, "namespace member set acme user:ann writer", "").await;
    check(&sealock, "namespace member set acme team:crew reader", "").await;
    sealock.log_in("ann", "staple battery horse").await;
    let seen_by_ann = shown.replace("admin (as an instance administrator)", "writer");
    check(&sealock, "namespace show acme", &seen_by_ann).await;
    sealock.log_in_as_admin().await;
    let members = "MEMBER  ROLE\nteam:crew  reader\nuser:ann  writer\n";
    check(&sealock, "namespace member ls acme", members).await;
    sealock.cli(&["namespace", "member", "rm", "acme", "user:ann"]).await.with_code(2).refused_with("--yes");
    check(&sealock, "namespace member rm acme user:ann --yes", "").await;
    check(&sealock, "namespace member ls acme", "MEMBER  ROLE\nteam:crew  reader\n").await;

    sealock.cli(&["namespace", "rm", "open"]).await.with_code(2).refused_with("--yes");
    check(&sealock, "namespace rm open --yes", "").await;
    sealock.cli(&["namespace", "show", "open"]).await.with_code(1).refused_with("open");
}

#[both_engines]
async fn users_and_teams(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check_typing(&sealock, "user create ann --password-stdin", "staple battery horse", "").await;
    let list = "\
USERNAME  STANDING  STATUS  CREATED
admin  administrator  active  less than a minute ago (TIME)
ann  user  active  less than a minute ago (TIME)
";
    check(&sealock, "user ls", list).await;
    check(&sealock, "user edit ann --admin --deactivate", "").await;
    let shown = "\
FIELD  VALUE
username  ann
standing  administrator
status  deactivated
created  less than a minute ago (TIME)
";
    check(&sealock, "user show ann", shown).await;
    check(&sealock, "user edit ann --no-admin --activate", "").await;

    check(&sealock, "team create crew", "").await;
    check(&sealock, "team add crew ann admin", "").await;
    check(&sealock, "team show crew", "USER\nadmin\nann\n").await;
    check(&sealock, "team remove crew admin", "").await;
    check(&sealock, "team rename crew ops", "").await;
    check(&sealock, "team show ops", "USER\nann\n").await;
    check(&sealock, "team ls", "NAME  CREATED\nops  less than a minute ago (TIME)\n").await;
    sealock.cli(&["team", "rm", "ops"]).await.with_code(2).refused_with("--yes");
    check(&sealock, "team rm ops --yes", "").await;
    check(&sealock, "team ls", "").await;

    sealock.log_in("ann", "staple battery horse").await;
    let passwords = "staple battery horse\nhorse battery staple\n";
    check_typing(&sealock, "user passwd --password-stdin", passwords, "").await;
    // The login is kept with the new one.
    check(&sealock, "whoami", "ann at http://HOST\n").await;
    sealock.cli(&["user", "ls"]).await.with_code(1).refused_with("ann");
    sealock.log_in_as_admin().await;
    check(&sealock, "user rm ann --yes", "").await;
    sealock.cli(&["user", "show", "ann"]).await.with_code(1).refused_with("ann");
}

#[both_engines]
async fn tokens_from_their_creation_to_their_end(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    check(&sealock, "token ls acme", "").await;
    let made = ["token", "create", "acme", "ci-bot", "--permission", "pull-push", "--stands-for", "user:ann"];
    let made = sealock.cli(&made).await.succeeded();
    let secret = made.stdout.strip_suffix('\n').unwrap();
    assert!(secret.starts_with("slks_") && !secret.contains(char::is_whitespace), "the secret alone");
    let scopes = "--scope repository:acme/web*:pull,delete --scope registry:list";
    let options = "--disabled --secret-file web.secret --description nightly";
    check(&sealock, &format!("token create acme web-bot {scopes} {options}"), "").await;
    let again = ["token", "create", "acme", "other", "--secret-file", "web.secret"];
    sealock.cli(&again).await.with_code(2).refused_with("web.secret exists and is not overwritten");

    let list = "\
TOKEN  PERMISSION  STATUS  EXPIRES  LAST USED  FOR
acme/ci-bot  pull-push  enabled  never  never  user:ann
acme/web-bot  2 scopes  disabled  never  never
";
    check(&sealock, "token ls acme", list).await;
    check(&sealock, "token ls acme --stands-for user:bob", "").await;
    check(&sealock, "token enable acme/web-bot", "").await;
    check(&sealock, "token disable acme/ci-bot acme/web-bot", "").await;
    check(&sealock, "token activity acme/web-bot", "").await;
    sealock.cli(&["token", "rm", "acme/ci-bot", "acme/typo", "--yes"]).await.refused_with("no token typo");
    sealock.cli(&["token", "rm", "acme/ci-bot"]).await.with_code(2).refused_with("--yes");
    check(&sealock, "token rm acme/ci-bot acme/web-bot --yes", "").await;
    check(&sealock, "token ls acme", "").await;
}

#[both_engines]
async fn a_token_is_edited_and_shown(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    sealock.token("acme", "ci-bot", &["--permission", "pull"]).await;
    sealock.cli(&["token", "edit", "acme/ci-bot"]).await.with_code(2).refused_with("nothing to change");
    let edit = "token edit acme/ci-bot --expires-in 30d --permission pull-push --description nightly --status disabled";
    check(&sealock, edit, "").await;
    check(&sealock, "token edit acme/ci-bot --stands-for service:backups", "").await;
    let hint = sealock.cli(&["token", "show", "acme/ci-bot", "-o", "json"]).await.json();
    let hint = hint["secret_hint"].as_str().unwrap();
    let shown = format!(
        "\
FIELD  VALUE
token  acme/ci-bot
id  ID
status  disabled
permission  pull-push
expires  in 29 days (TIME)
scope  repository:*:pull,push
allowed from  anywhere
description  nightly
for  service:backups
secret  {hint}
created  less than a minute ago (TIME)
created by  admin
created with  a password
last used  never
pulls, pushes  0, 0
"
    );
    check(&sealock, "token show acme/ci-bot", &shown).await;
    let edit = "token edit acme/ci-bot --never-expires --no-description --no-stands-for --status enabled";
    check(&sealock, edit, "").await;
    let list = "\
TOKEN  PERMISSION  STATUS  EXPIRES  LAST USED  FOR
acme/ci-bot  pull-push  enabled  never  never
";
    check(&sealock, "token ls acme", list).await;
}

#[both_engines]
async fn scopes_are_added_removed_and_explained(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    sealock.token("acme", "ci-bot", &[]).await;
    check(&sealock, "token scope ls acme/ci-bot", "").await;
    check(&sealock, "token scope add acme/ci-bot repository:acme/api:pull,push registry:list", "").await;
    let both = "SCOPE  ID\nrepository:acme/api:pull,push  ID\nregistry:list  ID\n";
    check(&sealock, "token scope ls acme/ci-bot", both).await;
    let yes = "yes: its scope: pull and push on acme/api\n";
    check(&sealock, "token can acme/ci-bot push acme/api", yes).await;
    let no = sealock.cli(&["token", "can", "acme/ci-bot", "delete", "acme/api"]).await.with_code(1);
    no.refused_with("token acme/ci-bot has no scope with delete for acme/api");

    let remove = "token scope rm acme/ci-bot repository:acme/api:pull,push";
    let unsure: Vec<&str> = remove.split(' ').collect();
    sealock.cli(&unsure).await.with_code(2).refused_with("--yes");
    check(&sealock, &format!("{remove} --yes"), "").await;
    check(&sealock, "token scope ls acme/ci-bot", "SCOPE  ID\nregistry:list  ID\n").await;
    check(&sealock, "token scope clear acme/ci-bot --yes", "").await;
    check(&sealock, "token scope ls acme/ci-bot", "").await;
}

#[both_engines]
async fn an_old_secret_lives_on_for_a_while_where_that_was_said(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    let old = sealock.token("acme", "ci-bot", &["--permission", "pull"]).await;
    sealock.cli(&["token", "reset", "acme/ci-bot"]).await.with_code(2).refused_with("--yes");
    let reset = ["token", "reset", "acme/ci-bot", "--keep-old-for", "24h", "--yes"];
    let reset = sealock.cli(&reset).await.succeeded();
    let new = reset.stdout.trim_end();

    let secrets = sealock.cli(&["token", "secrets", "ls", "acme/ci-bot", "-o", "json"]).await.json();
    let [newer, older] = secrets["items"].as_array().unwrap().as_slice() else { panic!("{secrets}") };
    let list = format!(
        "\
SECRET  CREATED  ENDS  LAST USED  ID
{}  less than a minute ago (TIME)  never  never  ID
{}  less than a minute ago (TIME)  in 23 hours (TIME)  never  ID
",
        newer["hint"].as_str().unwrap(),
        older["hint"].as_str().unwrap()
    );
    check(&sealock, "token secrets ls acme/ci-bot", &list).await;
    for secret in [old.as_str(), new] {
        sealock.log_in("ci-bot", secret).await;
    }

    sealock.log_in_as_admin().await;
    let end = format!("token secrets rm acme/ci-bot {} --yes", older["id"].as_str().unwrap());
    check(&sealock, &end, "").await;
    let login = ["login", &sealock.host, "-u", "ci-bot", "--password-stdin"];
    sealock
        .cli_with_input(&login, &old)
        .await
        .with_code(3)
        .refused_with("this secret of token acme/ci-bot was ended");
    sealock.log_in("ci-bot", new).await;
}

#[both_engines]
async fn tokens_of_a_person_and_of_the_instance(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check_typing(&sealock, "user create ann --password-stdin", "staple battery horse", "").await;
    let secret = |made: e2e::Outcome| made.succeeded().stdout.trim_end().to_owned();
    let for_ann = secret(sealock.cli(&["token", "create", "--user", "ann", "laptop"]).await);
    let scope = "repository:a*/api:pull";
    let mirror = secret(sealock.cli(&["token", "create", "--instance", "mirror", "--scope", scope]).await);
    let header = "TOKEN  PERMISSION  STATUS  EXPIRES  LAST USED  FOR  ID\n";
    let of_instance = format!("{header}mirror  1 scope  enabled  never  never  ID\n");
    check(&sealock, "token ls --instance", &of_instance).await;
    let of_ann = format!("{header}laptop  account  enabled  never  never  ID\n");
    check(&sealock, "token ls --user ann", &of_ann).await;

    sealock.log_in("mirror", &mirror).await;
    check(&sealock, "whoami", "token mirror at http://HOST\n").await;
    sealock.cli(&["token", "ls", "--mine"]).await.with_code(2).refused_with("no tokens of its own");
    sealock.log_in("ann", &for_ann).await;
    check(&sealock, "whoami", "ann with token laptop at http://HOST\n").await;
    let create = ["token", "create", "--mine", "child"];
    sealock.cli(&create).await.with_code(1).refused_with("may not make personal tokens");
}

#[both_engines]
async fn when_something_has_leaked_everything_is_stopped_at_one_stroke(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check_typing(&sealock, "user create ann --password-stdin", "staple battery horse", "").await;
    check(&sealock, "namespace create acme", "").await;
    check(&sealock, "namespace member set acme user:ann admin", "").await;
    let mut secrets = Vec::new();
    for name in ["ci-bot", "web-bot"] {
        secrets.push((name, sealock.token("acme", name, &["--permission", "pull"]).await));
    }
    let mine = ["token", "create", "--user", "ann", "laptop"];
    secrets.push(("ann", sealock.cli(&mine).await.succeeded().stdout.trim_end().to_owned()));

    sealock.log_in("ann", "staple battery horse").await;
    for (said, answer) in [
        (["token", "disable-all", "acme"], serde_json::json!({ "disabled": 2 })),
        (["user", "end-all", "ann"], serde_json::json!({ "disabled": 1 })),
    ] {
        sealock.cli(&said).await.with_code(2).refused_with("--yes");
        let sure = [&said[..], &["--yes", "-o", "json"]].concat();
        assert_eq!(sealock.cli(&sure).await.json(), answer, "{said:?}");
    }
    // The password stays, and with it the login that is kept.
    let none = sealock.cli(&["token", "disable-all", "acme", "--yes"]).await.succeeded();
    assert_eq!(none.stderr, "0 tokens disabled: no service token of namespace acme works now\n");
    for (name, secret) in &secrets {
        let login = ["login", &sealock.host, "-u", name, "--password-stdin"];
        sealock.cli_with_input(&login, secret).await.with_code(3).refused_with("is disabled");
    }
}

#[both_engines]
async fn what_a_stolen_token_created_is_listed_and_ended(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    let secret =
        sealock.cli(&["token", "create", "--mine", "laptop"]).await.succeeded().stdout.trim_end().to_owned();
    let mine = sealock.cli(&["token", "ls", "--mine", "-o", "json"]).await.json();
    let id = mine["items"][0]["id"].as_str().unwrap().to_owned();
    sealock.log_in("admin", &secret).await;
    sealock.token("acme", "backdoor", &["--permission", "pull"]).await;
    let shown = sealock.cli(&["token", "show", "acme/backdoor"]).await.succeeded();
    assert!(shown.stdout.contains(&format!("token \"laptop\" of user admin ({id})")), "{}", shown.stdout);
    let listed = sealock.cli(&["token", "created", &id]).await.succeeded();
    assert!(listed.stdout.contains("acme/backdoor"), "{}", listed.stdout);
    let filtered = sealock.cli(&["token", "ls", "acme", "--created-with", &id]).await.succeeded();
    assert!(filtered.stdout.contains("acme/backdoor"), "{}", filtered.stdout);
    sealock.log_in_as_admin().await;
    sealock.cli(&["token", "rm", &id, "--yes"]).await.succeeded();
    sealock.cli(&["token", "end-created", &id]).await.with_code(2).refused_with("--yes");
    let ended = sealock.cli(&["token", "end-created", &id, "--yes", "-o", "json"]).await.json();
    assert_eq!(ended, serde_json::json!({ "ended": 1, "left": 0 }));
    let none = sealock.cli(&["token", "created", &id]).await.succeeded();
    assert_eq!(none.stderr, "no token that you may manage was created with it\n");
}

#[both_engines]
async fn the_settings_of_the_instance(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    let shown = "\
SETTING  VALUE
users-make-namespaces  off
own-namespaces  on
tokens-for-others  on
max-uploads-per-principal  1000
max-uploads-per-namespace  5000
max-tokens-per-namespace  1000
max-tokens-per-user  200
max-instance-tokens  1000
max-namespaces-per-user  50
max-namespaces  10000
";
    check(&sealock, "settings show", shown).await;
    check(&sealock, "settings edit --users-make-namespaces on --tokens-for-others off", "").await;
    let changed = "\
SETTING  VALUE
users-make-namespaces  on
own-namespaces  on
tokens-for-others  off
max-uploads-per-principal  1000
max-uploads-per-namespace  5000
max-tokens-per-namespace  1000
max-tokens-per-user  200
max-instance-tokens  1000
max-namespaces-per-user  50
max-namespaces  10000
";
    check(&sealock, "settings show", changed).await;

    check_typing(&sealock, "user create ann --password-stdin", "staple battery horse", "").await;
    sealock.log_in("ann", "staple battery horse").await;
    check(&sealock, "namespace create hers", "").await;
    for said in [&["settings", "show"][..], &["settings", "edit", "--own-namespaces", "off"]] {
        sealock.cli(said).await.with_code(1).refused_with("is no instance administrator");
    }
}

#[both_engines]
async fn a_token_is_used_from_where_it_may_be_and_from_nowhere_else(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    check(&sealock, "namespace create acme", "").await;
    let here = ["--permission", "pull", "--allow-from", "127.0.0.0/8", "--allow-from", "::1"];
    let secret = sealock.token("acme", "ci-bot", &here).await;
    sealock.log_in("ci-bot", &secret).await;

    sealock.log_in_as_admin().await;
    check(&sealock, "token edit acme/ci-bot --allow-from 10.1.0.0/16", "").await;
    let shown = sealock.cli(&["token", "show", "acme/ci-bot"]).await.succeeded();
    assert!(shown.stdout.contains("allowed from   10.1.0.0/16\n"), "{shown}");
    let login = ["login", &sealock.host, "-u", "ci-bot", "--password-stdin"];
    sealock.cli_with_input(&login, &secret).await.with_code(3).refused_with("127.0.0.1");
    let wrong = ["token", "edit", "acme/ci-bot", "--allow-from", "10.1.0.7/16"];
    sealock.cli(&wrong).await.with_code(1).refused_with("10.1.0.0/16");

    check(&sealock, "token edit acme/ci-bot --allow-from-anywhere", "").await;
    sealock.log_in("ci-bot", &secret).await;
}

#[both_engines]
async fn what_was_pushed_and_who_did_what(sealock: Sealock) {
    let Some(laptop) = Machine::beside(&sealock) else { return };
    sealock.log_in_as_admin().await;
    check(&sealock, "repo ls", "").await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    laptop.docker_login("admin", ADMIN_PASSWORD).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "admin/notes:1.0").await.succeeded();

    let (header, api) = ("NAME  VISIBILITY  CREATED\n", "acme/api  private  less than a minute ago (TIME)\n");
    let notes = "admin/notes  private  less than a minute ago (TIME)\n";
    check(&sealock, "repo ls", &format!("{header}{api}{notes}")).await;
    check(&sealock, "repo ls acme", &format!("{header}{api}")).await;

    sealock.token("acme", "ci-bot", &[]).await;
    check(&sealock, "token disable acme/ci-bot", "").await;
    let audit = "\
AT  WHO  DID  TO  FROM
TIME  user admin  token.created  token acme/ci-bot  127.0.0.1
TIME  user admin  token.disabled  token acme/ci-bot  127.0.0.1
";
    check(&sealock, "audit --token acme/ci-bot", audit).await;
    check(&sealock, "audit --until 2020-01-01T00:00:00Z", "").await;
}

#[both_engines]
async fn every_answer_has_a_json_form(sealock: Sealock) {
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme", "-o", "json"]).await.json();
    sealock.token("acme", "ci-bot", &[]).await;
    for said in
        ["whoami", "namespace show acme", "token show acme/ci-bot", "user show admin", "settings show"]
    {
        let said: Vec<&str> = said.split(' ').chain(["-o", "json"]).collect();
        assert!(sealock.cli(&said).await.json().is_object(), "{said:?}");
    }
    for said in [
        "namespace ls",
        "token ls acme",
        "user ls",
        "team ls",
        "repo ls",
        "audit",
        "namespace member ls acme",
    ] {
        let said: Vec<&str> = said.split(' ').chain(["-o", "json"]).collect();
        assert!(sealock.cli(&said).await.json()["items"].is_array(), "{said:?}");
    }
}

#[both_engines]
async fn a_completion_script_comes_for_every_shell(sealock: Sealock) {
    for shell in ["bash", "zsh", "fish"] {
        let script = sealock.cli(&["completion", shell]).await.succeeded();
        assert!(script.stdout.contains("namespace"), "{script}");
    }
}
