//! The log of a test's process, caught. There is one log in a process: a test that reads it is alone in its file.

use std::io;
use std::sync::{Arc, Mutex};

use dripline_service::log;
use tracing::level_filters::LevelFilter;

/// What was logged.
#[derive(Clone, Default)]
pub struct Caught(Arc<Mutex<Vec<u8>>>);

impl Caught {
    /// Catches every line from now on, at every level.
    pub fn all() -> Self {
        let caught = Caught::default();
        let writer = caught.clone();
        tracing::subscriber::set_global_default(log::subscriber(LevelFilter::TRACE, move || writer.clone())).unwrap();
        log::quiet_panics();
        caught
    }

    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
