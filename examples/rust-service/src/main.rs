//! Converts between knots, metres a second and kilometres an hour, over HTTP.

mod speed;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tiny_http::{Method, Request, Response, Server};

use speed::{convert, Unit};

fn main() -> ExitCode {
    let port = std::env::var("PORT").ok().and_then(|text| text.parse().ok()).unwrap_or(8080);
    let result = if std::env::args().nth(1).as_deref() == Some("--healthcheck") {
        healthcheck(port)
    } else {
        serve(port)
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Stands in for curl: the image holds nothing but this program and the libraries that it loads.
fn healthcheck(port: u16) -> Result<(), String> {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    match ask() {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => Ok(()),
        Ok(answer) => Err(format!("unhealthy: {}", answer.lines().next().unwrap_or_default())),
        Err(error) => Err(format!("unhealthy: {error}")),
    }
}

fn serve(port: u16) -> Result<(), String> {
    let server = Server::http((Ipv4Addr::UNSPECIFIED, port)).map_err(|error| error.to_string())?;
    let server = Arc::new(server);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| error.to_string())?;
    let stopped = Arc::clone(&server);
    std::thread::spawn(move || {
        // Requests that were accepted are answered; then the loop below ends.
        if signals.forever().next().is_some() {
            stopped.unblock();
        }
    });
    for request in server.incoming_requests() {
        answer(request);
    }
    Ok(())
}

fn answer(request: Request) {
    let (status, text) = if *request.method() == Method::Get {
        route(request.url())
    } else {
        (405, "only GET is known".to_owned())
    };
    let response = Response::from_string(text + "\n").with_status_code(status);
    if let Err(error) = request.respond(response) {
        eprintln!("the answer could not be sent: {error}");
    }
}

/// `/health`, and `/AMOUNT/UNIT/UNIT`, for example `/12.5/kn/km-h`.
fn route(path: &str) -> (u16, String) {
    if path == "/health" {
        return (200, "ok".to_owned());
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let [amount, from, to] = parts.as_slice() else {
        return (404, "no such page".to_owned());
    };
    match (amount.parse::<f64>(), Unit::parse(from), Unit::parse(to)) {
        (Ok(amount), Some(from), Some(to)) => (200, format!("{:.3} {to}", convert(amount, from, to))),
        _ => (400, "write for example /12.5/kn/km-h".to_owned()),
    }
}
