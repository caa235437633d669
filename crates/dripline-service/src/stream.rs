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
    let (to_client, answer) = body(AHEAD.1);
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
    tokio::task::spawn_blocking(move || {
        let (_place, runtime) = (place, Handle::current());
        let mut taken = true;
        // Each line goes out when it is ready.
        answer::each(&state.coder, Cases::new(BODY, feed, 0), &options, |line, good| {
            state.metrics.case(good);
            taken = match to_client.0.try_send(Part::Of(Bytes::from(line))) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
                Err(mpsc::error::TrySendError::Full(line)) => runtime.block_on(to_client.put(line, idle)),
            };
            taken
        });
        if taken {
            runtime.block_on(to_client.end(idle));
        }
    });
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], answer).into_response())
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

/// The body of an answer that is made bit by bit, with at most so many parts that wait to be sent.
pub(crate) fn body(ahead: usize) -> (Sender, Body) {
    let (sender, parts) = mpsc::channel(ahead);
    (Sender(sender), Body::new(Parts { parts, ended: false }))
}

enum Part {
    Of(Bytes),
    End,
}

/// Where the parts of an answer are put. One that is not ended breaks the answer off: it must not look as if it were
/// complete, however it came to that.
pub(crate) struct Sender(mpsc::Sender<Part>);

impl Sender {
    /// Sends a part. A client that does not take it within `idle` is not waited for; then nothing more need be sent.
    pub async fn send(&self, text: String, idle: Duration) -> bool {
        text.is_empty() || self.put(Part::Of(Bytes::from(text)), idle).await
    }

    /// The answer is complete.
    pub async fn end(&self, idle: Duration) {
        self.put(Part::End, idle).await;
    }

    async fn put(&self, part: Part, idle: Duration) -> bool {
        matches!(timeout(idle, self.0.send(part)).await, Ok(Ok(())))
    }
}

struct Parts {
    parts: mpsc::Receiver<Part>,
    ended: bool,
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.parts.poll_recv(cx));
        self.ended = !matches!(next, Some(Part::Of(_)));
        Poll::Ready(match next {
            Some(Part::Of(part)) => Some(Ok(Frame::data(part))),
            Some(Part::End) => None,
            None => Some(Err(io::Error::other("the answer broke off"))),
        })
    }
}
