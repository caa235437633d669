//! Many cases in, one line out for each as it is coded: in their order, and with no more held than is on its way.

use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use dripline_formats::input::Cases;
use dripline_reference::Options;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::answer::{self, BODY};
use crate::guard::busy;
use crate::problem::Problem;
use crate::state::AppState;

/// The content type of one object a line.
pub(crate) const CONTENT_TYPE: &str = "application/x-ndjson";

/// Parts of the body that are read ahead, and lines that wait to be sent.
const AHEAD: (usize, usize) = (4, 64);

/// Where the cases come from.
pub(crate) enum From {
    /// A body of one case a line that is still coming in.
    Lines(Body),
    /// A text that was read.
    Text(Bytes),
}

/// Codes the cases one after another. The answer begins at once.
pub(crate) fn code(state: &AppState, from: From, options: Options) -> Result<Response, Problem> {
    let place = Arc::clone(&state.streams).try_acquire_owned().map_err(|_| busy())?;
    let (to_client, lines) = mpsc::channel(AHEAD.1);
    let failed = to_client.clone();
    let idle = state.limits.idle;
    let feed = match from {
        From::Lines(body) => {
            let (parts, feed) = mpsc::channel(AHEAD.0);
            tokio::spawn(pass_on(body, parts, idle));
            Feed { parts: Some(feed), part: Bytes::new() }
        }
        From::Text(text) => Feed { parts: None, part: text },
    };
    let state = state.clone();
    let work = tokio::task::spawn_blocking(move || {
        let (_place, runtime) = (place, Handle::current());
        // Each line goes out when it is ready. A client that does not take them is not waited for.
        let send = |line: String| {
            let line = Ok(Bytes::from(line));
            match to_client.try_send(line) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
                Err(mpsc::error::TrySendError::Full(line)) => {
                    matches!(runtime.block_on(timeout(idle, to_client.send(line))), Ok(Ok(())))
                }
            }
        };
        answer::each(&state.coder, Cases::new(BODY, feed, 0), &options, |line, good| {
            state.metrics.case(good);
            send(line)
        });
    });
    tokio::spawn(async move {
        if work.await.is_err() {
            // The answer must not look as if it were complete.
            let _ = failed.send(Err(io::Error::other("the program broke off"))).await;
        }
    });
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], Body::new(Lines(lines))).into_response())
}

/// Passes the body on as it comes, and no faster than it is taken.
async fn pass_on(mut body: Body, parts: mpsc::Sender<io::Result<Bytes>>, idle: Duration) {
    loop {
        let part = match timeout(idle, body.frame()).await {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(part) => Ok(part),
                Err(_trailers) => continue,
            },
            Ok(Some(Err(_))) => Err(io::Error::other("the body broke off")),
            Err(_) => Err(io::Error::other(format!("nothing came for {} s", idle.as_secs_f64()))),
        };
        let last = part.is_err();
        if parts.send(part).await.is_err() || last {
            return;
        }
    }
}

/// A body as something to read from, on a thread that may wait.
struct Feed {
    parts: Option<mpsc::Receiver<io::Result<Bytes>>>,
    part: Bytes,
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.part.is_empty() {
            match self.parts.as_mut().and_then(mpsc::Receiver::blocking_recv) {
                Some(part) => self.part = part?,
                None => break,
            }
        }
        Ok(&self.part)
    }

    fn consume(&mut self, amount: usize) {
        let _ = self.part.split_to(amount);
    }
}

impl Read for Feed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

/// Lines as the body of an answer.
struct Lines(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|next| next.map(|line| line.map(Frame::data)))
    }
}
