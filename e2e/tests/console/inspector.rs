//! The inspector of pages finds what it is there for: without this, a silent one would pass for a good console.

use std::sync::Arc;

use e2e::Browser;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// `/jumps.css`: animations that never end, so that something moves whenever the inspector looks.
const JUMPS: &str = "
    @keyframes far { from { margin-top: 0 } to { margin-top: 100px } }
    @keyframes near { from { margin-left: 0 } to { margin-left: 4px } }
    .far { animation: far 20ms steps(2, jump-none) infinite alternate; min-height: 400px }
    .near { animation: near 20ms steps(2, jump-none) infinite alternate; width: 5px; height: 5px }";

/// `HOST:PORT` of a server that answers `/jumps.css` with [`JUMPS`] and any other request with `page`, under a policy like the
/// console's.
async fn serve(page: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let head =
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>A page</title>";
    let page = format!("{head}<main id=content><h1>A page</h1>{page}</main></html>");
    let (page, sheet) = (Arc::new(answer("text/html", &page)), Arc::new(answer("text/css", JUMPS)));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (page, sheet) = (Arc::clone(&page), Arc::clone(&sheet));
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let answer = if request.starts_with(b"GET /jumps.css ") { sheet } else { page };
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    host
}

fn answer(content_type: &str, body: &str) -> String {
    let policy = "Content-Security-Policy: default-src 'none'; img-src *; style-src 'self'";
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{policy}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
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
        ("<link rel=stylesheet href=/jumps.css><p class=far>Jumps", "moved without a user"),
        ("<link rel=stylesheet href=/jumps.css><p class=near>", ""),
    ] {
        let Some(said) = complaints(page).await else { return };
        let shown: String = page.chars().take(80).collect();
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{shown}: {said}");
    }
}
