//! What may become of a case, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a person decided about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Open,
    /// It waits, and a reason says for what.
    Held,
    /// Nothing is billed, and a reason says why.
    Rejected,
    /// The claim left.
    Released,
}

/// Where a case stands: what was decided, and whether a question holds its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CaseStatus")]
pub enum Status {
    /// A question is open whose answer would change the claim.
    NeedsAnswer,
    /// A person holds it.
    Held,
    /// Nothing is missing: it may be released.
    Ready,
    /// The claim left.
    Released,
    /// Nothing is billed.
    Rejected,
}

/// What is done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A version is made: a chart entry answers a question or corrects the chart, or the chart is coded again.
    Version {
        /// Whether the claim is another than that which was released last.
        changes_claim: bool,
    },
    /// It shall wait.
    Hold,
    /// It shall not be billed.
    Reject,
    /// It is worked on again.
    Reopen,
    /// The claim leaves.
    Release,
    /// Somebody asked for the records.
    RecordsRequest,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Decision; 4] = [Decision::Open, Decision::Held, Decision::Rejected, Decision::Released];

    /// As it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Open => "open",
            Decision::Held => "held",
            Decision::Rejected => "rejected",
            Decision::Released => "released",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Decision::ALL.into_iter().find(|d| d.as_str() == word)
    }

    /// Where a case stands that so many open questions hold.
    #[must_use]
    pub fn status(self, waiting: i64) -> Status {
        match self {
            Decision::Open if waiting > 0 => Status::NeedsAnswer,
            Decision::Open => Status::Ready,
            Decision::Held => Status::Held,
            Decision::Rejected => Status::Rejected,
            Decision::Released => Status::Released,
        }
    }

    /// What is decided after a step; why it cannot be taken, where it cannot.
    ///
    /// # Errors
    /// What stands against it, and what would mend it.
    pub fn after(self, step: Step, waiting: i64) -> Result<Decision, (&'static str, &'static str)> {
        use Decision::{Held, Open, Rejected, Released};
        match (step, self) {
            (Step::RecordsRequest, any) => Ok(any),
            (Step::Version { .. }, Open | Held) => Ok(self),
            (Step::Version { changes_claim: true }, Released) => Ok(Open),
            (Step::Version { changes_claim: false }, Released) => Ok(Released),
            (Step::Version { .. }, Rejected) => Err(("the case is rejected", "reopen it first")),
            (Step::Hold, Open) => Ok(Held),
            (Step::Hold, Held) => Err(("the case is held already", "reopen it first to give another reason")),
            (Step::Reject, Open | Held) => Ok(Rejected),
            (Step::Hold, Rejected) | (Step::Reject, Rejected) => Err(("the case is rejected", "reopen it first")),
            (Step::Reopen, Held | Rejected) => Ok(Open),
            (Step::Reopen, Open) => Err(("the case is neither held nor rejected", "")),
            (Step::Release, Open) if waiting > 0 => {
                Err(("a question is open whose answer would change the claim", "answer it, or hold the case"))
            }
            (Step::Release, Open) => Ok(Released),
            (Step::Release, Held) => Err(("the case is held", "reopen it first")),
            (Step::Release, Rejected) => Err(("the case is rejected", "reopen it first")),
            (Step::Hold | Step::Reject | Step::Reopen | Step::Release, Released) => Err((
                "the claim was released, and what left is never changed",
                "a chart entry, or coding again, makes a new version",
            )),
        }
    }
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] = [Status::NeedsAnswer, Status::Held, Status::Ready, Status::Released, Status::Rejected];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::NeedsAnswer => "needs_answer",
            Status::Held => "held",
            Status::Ready => "ready",
            Status::Released => "released",
            Status::Rejected => "rejected",
        }
    }

    /// For reading.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Status::NeedsAnswer => "needs an answer",
            other => other.as_str(),
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Status::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// The stored columns that mean it.
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Status::NeedsAnswer => "(cases.decision = 'open' AND cases.waiting > 0)",
            Status::Ready => "(cases.decision = 'open' AND cases.waiting = 0)",
            Status::Held => "cases.decision = 'held'",
            Status::Released => "cases.decision = 'released'",
            Status::Rejected => "cases.decision = 'rejected'",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Status, Step};

    #[test]
    fn only_what_is_ready_is_released_and_what_left_is_never_taken_back() {
        for decision in Decision::ALL {
            for waiting in [0, 2] {
                let ready = decision.status(waiting) == Status::Ready;
                assert_eq!(decision.after(Step::Release, waiting).is_ok(), ready, "{decision:?} {waiting}");
                // Only a new version leads away from a released claim.
                for step in [Step::Hold, Step::Reject, Step::Reopen, Step::Release] {
                    assert!(Decision::Released.after(step, waiting).is_err(), "{step:?}");
                }
                assert_eq!(decision.after(Step::RecordsRequest, waiting), Ok(decision));
            }
        }
        assert_eq!(Decision::Released.after(Step::Version { changes_claim: false }, 3), Ok(Decision::Released));
        assert_eq!(Decision::Released.after(Step::Version { changes_claim: true }, 0), Ok(Decision::Open));
        assert!(Decision::Rejected.after(Step::Version { changes_claim: true }, 0).is_err());
        assert_eq!(Decision::Held.after(Step::Version { changes_claim: true }, 0), Ok(Decision::Held));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for decision in Decision::ALL {
            assert_eq!(Decision::from_word(decision.as_str()), Some(decision));
        }
    }
}
