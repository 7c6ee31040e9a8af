//! One line of an access log: who asked from where and when, by the id of the request; in it is no body.

use std::borrow::Cow;

use super::json::{Json, Tape};
use super::time::{self, Unit};

/// What a line of an access log says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AccessLine {
    pub(super) id: String,
    pub(super) time_ms: Option<i64>,
    pub(super) ip: Option<String>,
    pub(super) user_agent: Option<String>,
}

/// Names under which access logs keep the id, as nginx, Envoy, CloudFront and their log shippers write them.
const ID: &[&str] = &[
    "request_id",
    "requestId",
    "x_request_id",
    "x-request-id",
    "x-edge-request-id",
    "http_x_request_id",
    "req_id",
    "request.id",
    "id",
];
const IP: &[&str] = &[
    "ip",
    "client_ip",
    "remote_addr",
    "clientip",
    "c-ip",
    "client.address",
    "downstream_remote_address_without_port",
    "downstream_remote_address",
    "requester_ip_address",
    "x_forwarded_for",
    "http_x_forwarded_for",
];
const USER_AGENT: &[&str] =
    &["ua", "user_agent", "http_user_agent", "cs(User-Agent)", "user-agent", "agent", "user_agent.original"];
const TIME: &[&str] =
    &["ts", "time", "timestamp", "@timestamp", "start_time", "started_at", "time_iso8601", "msec", "time_local"];

/// The columns that are read of an access log in columns.
pub(super) fn columns() -> Vec<&'static str> {
    [ID, IP, USER_AGENT, TIME, &["date"]].concat()
}

/// Reads a line: a JSON object, Envoy's default format, or the combined format with the request id as its last word.
/// `None` when there is no request id in it.
pub(super) fn read(line: &str, tape: &mut Tape) -> Option<AccessLine> {
    let line = line.trim();
    if line.starts_with('{') {
        return read_json(tape.parse(line, "").ok()?.root());
    }
    if line.starts_with('[') { read_envoy(line) } else { read_combined(line) }
}

fn read_json(line: Json<'_>) -> Option<AccessLine> {
    let text = |names: &[&str]| {
        let found =
            names.iter().find_map(|name| line.get(name).filter(|value| !value.raw().is_empty() && value.raw() != "-"));
        found.and_then(Json::scalar).map(Cow::into_owned)
    };
    let time = TIME.iter().find_map(|name| line.get(name));
    let time_ms = time.and_then(|time| time::of_json(time, Unit::Guessed).or_else(|| common_date(&time.text()?)));
    // CloudFront keeps date and time of day apart, and writes the agent as a part of an address.
    let split = || time::of_text(&format!("{} {}", line.get("date")?.text()?, line.get("time")?.text()?));
    let user_agent =
        text(USER_AGENT).map(|agent| if agent.contains("%20") { agent.replace("%20", " ") } else { agent });
    Some(AccessLine { id: text(ID)?, time_ms: time_ms.or_else(split), ip: text(IP).map(first_address), user_agent })
}

/// A chain of proxies is written nearest last: the first address is the client's. A port is not part of it.
fn first_address(address: String) -> String {
    let first = address.split(',').next().unwrap_or_default().trim();
    match first.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => host.to_owned(),
        _ => first.to_owned(),
    }
}

/// `[time] "request" code flags ... "forwarded for" "agent" "request id" "authority" "upstream"`.
fn read_envoy(line: &str) -> Option<AccessLine> {
    let (time, rest) = line.strip_prefix('[')?.split_once(']')?;
    let quoted = quoted(rest);
    let [_, forwarded, agent, id, ..] = quoted.as_slice() else { return None };
    let known = |text: &&str| (*text != "-" && !text.is_empty()).then(|| (*text).to_owned());
    Some(AccessLine {
        id: known(id)?,
        time_ms: time::of_text(time),
        ip: known(forwarded).map(first_address),
        user_agent: known(agent),
    })
}

/// `ip - user [date] "request" code bytes "referrer" "agent" id`.
fn read_combined(line: &str) -> Option<AccessLine> {
    let (ip, rest) = line.split_once(' ')?;
    let (_, rest) = rest.split_once('[')?;
    let (date, rest) = rest.split_once(']')?;
    let (_, id) = rest.rsplit_once(' ')?;
    let id = id.trim_matches('"');
    let quoted = quoted(rest);
    let agent = quoted.get(2).filter(|agent| **agent != "-" && **agent != id);
    if id.len() < 8 || id.contains('/') {
        return None;
    }
    Some(AccessLine {
        id: id.to_owned(),
        time_ms: common_date(date),
        ip: Some(ip.to_owned()),
        user_agent: agent.map(|agent| (*agent).to_owned()),
    })
}

/// What stands between quotes; a quote inside is written as an escape that holds no quote.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// `21/Sep/2026:00:00:04 +0000`, the date of the common log format.
fn common_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (date, clock) = text.split_once(':')?;
    let (clock, zone) = clock.split_once(' ')?;
    let [day, month, year] = date.split('/').collect::<Vec<_>>().try_into().ok()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    time::of_text(&format!("{year}-{month:02}-{day:0>2}T{clock}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<AccessLine> {
        read(text, &mut Tape::default())
    }

    fn expected() -> Option<AccessLine> {
        Some(AccessLine {
            id: "0f1e2d3c4b".to_owned(),
            time_ms: Some(1_789_948_804_000),
            ip: Some("203.0.113.7".to_owned()),
            user_agent: Some("curl/8 (x)".to_owned()),
        })
    }

    #[test]
    fn every_access_log_reads_alike() {
        let lines = [
            r#"{"request_id":"0f1e2d3c4b","remote_addr":"203.0.113.7","http_user_agent":"curl/8 (x)","msec":1789948804.000}"#,
            r#"{"x-edge-request-id":"0f1e2d3c4b","c-ip":"203.0.113.7","cs(User-Agent)":"curl/8%20(x)","date":"2026-09-21","time":"00:00:04"}"#,
            r#"{"requestId":"0f1e2d3c4b","downstream_remote_address":"203.0.113.7:4711","ua":"curl/8 (x)","start_time":"2026-09-21T00:00:04Z"}"#,
            r#"[2026-09-21T00:00:04.000Z] "POST /v1/messages HTTP/2" 200 - 154 0 226 100 "203.0.113.7, 10.0.0.1" "curl/8 (x)" "0f1e2d3c4b" "api" "10.0.0.2:80""#,
            r#"203.0.113.7 - - [21/Sep/2026:02:00:04 +0200] "POST /v1/messages HTTP/1.1" 200 23 "-" "curl/8 (x)" 0f1e2d3c4b"#,
            r#"203.0.113.7 - - [21/Sep/2026:02:00:04 +0200] "POST /v1/messages HTTP/1.1" 200 23 "-" "curl/8 (x)" "0f1e2d3c4b""#,
        ];
        for text in lines {
            assert_eq!(line(text), expected(), "{text}");
        }
    }

    #[test]
    fn a_line_without_an_id_is_no_help() {
        let combined = r#"203.0.113.7 - - [21/Sep/2026:02:00:04 +0200] "GET / HTTP/1.1" 200 23 "-" "Mozilla/5.0""#;
        for text in ["", "x", "{}", "[", "{\"request_id\":\"-\"}", combined] {
            assert_eq!(line(text), None, "{text}");
        }
    }
}
