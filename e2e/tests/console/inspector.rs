//! The inspector of pages finds what it is there for: without this, a silent one would pass for a good console.

use std::sync::Arc;

use e2e::Browser;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// `HOST:PORT` of a server that answers each request with `page`, under a policy like the console's.
async fn serve(page: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let policy = "Content-Security-Policy: default-src 'none'; img-src *; style-src 'self'";
    let head =
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>A page</title>";
    let page = format!("{head}<main id=content><h1>A page</h1>{page}</main></html>");
    let answer = Arc::new(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{policy}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    ));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    host
}

/// What the inspector has to say about `page`; empty for nothing. `None` where there is no browser.
async fn complaints(page: &str) -> Option<String> {
    let browser = Browser::at(&serve(page).await)?;
    Some(browser.tries_to_open("/").await.err().unwrap_or_default())
}

#[tokio::test]
async fn what_a_page_may_not_do_is_found() {
    let heavy = format!("<p>{}</p>", "word ".repeat(10_000));
    for (page, expected) in [
        ("<p>Nothing.</p>", ""),
        ("<input name=a>", "axe, light: label"),
        ("<h4>Too deep</h4>", "axe, light: heading-order"),
        ("<p id=a>One.</p><p id=a>Two.</p>", "ids that are there twice: a"),
        ("<svg role=img></svg>", "axe, light: svg-img-alt"),
        ("<img alt='' src=http://127.0.0.2:9/a.png>", "asked elsewhere: http://127.0.0.2:9/a.png"),
        ("<p style='color: red'>Inline</p>", "Content Security Policy"),
        ("<script>1</script>", "Content Security Policy"),
        ("<table><tr><td><img alt='' width=600 height=1></table>", "px wide on a phone of 390"),
        (heavy.as_str(), "weighs"),
    ] {
        let Some(said) = complaints(page).await else { return };
        let shown: String = page.chars().take(80).collect();
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{shown}: {said}");
    }
}
