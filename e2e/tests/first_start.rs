//! The first start (DESIGN §3.5): a password that is shown once, and the commands to type next, which work as printed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::unix::fs::PermissionsExt;

use e2e::{Installation, Machine};
use testkit::{image::Image, missing};

#[tokio::test]
async fn the_printed_commands_work_as_they_are_printed() {
    if missing::need("script").is_none() {
        return;
    }
    let installation = Installation::new();
    let server = installation.start(&[]).await.ready();
    let Some(laptop) = Machine::that_knows(&server.host) else { return };
    let password = server.password().expect("the first start shows the password");
    let commands = server.next_commands();
    let [login, namespace, token, docker_login, docker_pull, docker_push] = commands.as_slice() else {
        panic!("{commands:#?}");
    };

    // It asks for the password, as on any terminal.
    let typed = format!("script --quiet --return --command '{login}' /dev/null");
    laptop.shell(&typed, &format!("{password}\n")).await.succeeded();
    for command in [namespace, token, docker_login] {
        laptop.shell(command, "").await.succeeded();
    }
    // The last two want docker's daemon; skopeo pushes what they name.
    let reference = docker_push.strip_prefix("docker push ").unwrap();
    assert!(docker_pull.ends_with(reference), "{docker_pull}");
    let reference = reference.strip_prefix(&server.host).and_then(|rest| rest.strip_prefix('/')).unwrap();
    laptop.skopeo_push(&Image::new(1, 1000), reference).await.succeeded();
    laptop.skopeo_pull(reference).await.succeeded();
}

#[tokio::test]
async fn a_server_that_can_write_to_nothing_but_its_data_folder_serves() {
    let Some(installation) = Installation::read_only() else { return };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let first = installation.start(&[]).await.ready();
    let password = first.password().unwrap();
    let mut running = Some(first);
    for name in ["first", "second"] {
        let server = match running.take() {
            Some(first) => first,
            None => installation.start(&[]).await.ready(),
        };
        let request = http.post(format!("http://{}/api/v1/namespaces", server.host));
        let body = format!("{{\"name\":\"{name}\"}}");
        let request = request.header("content-type", "application/json").body(body);
        let made = request.basic_auth("admin", Some(&password)).send().await.unwrap();
        assert_eq!(made.status(), 201, "{server}");
        let ready = http.get(format!("http://{}/readyz", server.host)).send().await.unwrap();
        assert_eq!(ready.status(), 200, "{server}");
        server.stop().await;
    }
}

#[tokio::test]
async fn the_password_is_shown_once_and_lives_on() {
    let installation = Installation::new();
    let first = installation.start(&[]).await.ready();
    let password = first.password().unwrap();
    assert_eq!(first.stdout.matches(&password).count(), 1, "{first}");
    assert!(!first.to_string().split("stderr: ").nth(1).unwrap().contains(&password), "the log has it");
    assert!(first.accepts(&password).await);
    first.stop().await;

    let second = installation.start(&[]).await.ready();
    assert_eq!((second.password(), second.next_commands()), (None, vec![]), "{second}");
    assert!(second.accepts(&password).await);
}

#[tokio::test]
async fn the_password_file_is_needed_by_the_first_start_alone() {
    let installation = Installation::new();
    let (file, chosen) = (installation.path("password"), "chosen by its owner");
    std::fs::write(&file, format!("{chosen}\n")).unwrap();
    let options = ["--admin-password-file", file.to_str().unwrap()];
    let first = installation.start(&options).await.ready();
    assert!(!first.to_string().contains(chosen), "{first}");
    assert!(first.accepts(chosen).await);
    first.stop().await;

    std::fs::remove_file(&file).unwrap();
    let second = installation.start(&options).await.ready();
    assert!(second.accepts(chosen).await);
}

#[tokio::test]
async fn a_missing_password_file_stops_the_first_start_and_is_named() {
    let installation = Installation::new();
    let refused = installation.start(&["--admin-password-file", "no-such-file"]).await;
    assert!(!refused.is_ready && refused.to_string().contains("no-such-file"), "{refused}");

    let next = installation.start(&[]).await.ready();
    assert!(next.accepts(&next.password().unwrap()).await);
}

#[tokio::test]
async fn a_password_that_nobody_could_read_is_not_stored() {
    let installation = Installation::new();
    let (started, complaint) = installation.start_with_full_stdout().await;
    assert!(!started && complaint.contains("No space left on device"), "{complaint}");

    let next = installation.start(&[]).await.ready();
    let password = next.password().expect("the next start is the first that was seen");
    assert!(next.accepts(&password).await);
}

#[tokio::test]
async fn of_two_first_starts_at_once_one_serves_and_the_other_says_why_not() {
    let installation = Installation::new();
    let (one, other) = tokio::join!(installation.start(&[]), installation.start_beside(&[]));
    let (server, refused) = if one.is_ready { (one, other) } else { (other, one) };
    assert!(server.is_ready && !refused.is_ready, "{server}\n{refused}");
    assert!(refused.to_string().contains("another sealock serves from the data folder"), "{refused}");
    assert_eq!(refused.password(), None, "{refused}");
    assert!(server.accepts(&server.password().unwrap()).await);
}

#[tokio::test]
async fn a_start_warns_once_about_each_setting_that_lets_others_in() {
    let installation = Installation::new();
    std::fs::create_dir(installation.path("open")).unwrap();
    std::fs::set_permissions(installation.path("open"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let options = [
        ["--data-dir", "open"],
        ["--trusted-proxies", "0.0.0.0/1,128.0.0.0/1"],
        ["--public-urls", "http://registry.example"],
        ["--metrics-listen", "0.0.0.0:0"],
    ];
    let server = installation.start(&options.concat()).await.ready();
    let warnings = [
        "others can write to the data folder ",
        "trusted_proxies covers every address",
        "public_urls has http://registry.example, which is plain HTTP",
        "metrics_listen is 0.0.0.0:0",
    ];
    for warning in warnings {
        assert_eq!(server.log().matches(warning).count(), 1, "{warning}\n{server}");
    }
    server.stop().await;
    let quiet = Installation::new();
    let server = quiet.start(&[]).await.ready();
    assert!(warnings.iter().all(|warning| !server.log().contains(warning)), "{server}");
}
