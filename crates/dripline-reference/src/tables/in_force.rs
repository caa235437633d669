//! The tables that hold for a case.

use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use super::{
    AddOn, AddendumB, Asp, Biller, Charge, Gpci, Hcpcs, Kind, Mue, Ndc, PtpTable, Quarter, Rvu, Store, StoreError,
    Table,
};

/// A store as one case sees it: a date's tables are those of its quarter, or of the case's `as_of`.
///
/// A table that cannot be read is not a table that is not there: the look-up finds nothing, and [`InForce::failed`]
/// says why. Whoever coded a case asks for it before the result leaves.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    store: Option<Arc<Store>>,
    as_of: Option<Date>,
    failed: Arc<OnceLock<StoreError>>,
}

impl InForce {
    /// The tables of a store; with a date, that date's quarter holds for every date of service.
    #[must_use]
    pub fn new(store: Option<Arc<Store>>, as_of: Option<Date>) -> Self {
        InForce { store, as_of, failed: Arc::default() }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_deref()
    }

    /// Whose tables hold on a date of service.
    #[must_use]
    pub fn quarter(&self, date: Date) -> Quarter {
        Quarter::of_date(self.as_of.unwrap_or(date))
    }

    /// The first table that could not be read.
    #[must_use]
    pub fn failed(&self) -> Option<&StoreError> {
        self.failed.get()
    }

    /// The stored quarters of a table.
    #[must_use]
    pub fn quarters(&self, kind: Kind) -> Vec<Quarter> {
        self.store().map_or_else(Vec::new, |s| s.quarters(kind))
    }

    fn read<'s, T>(&'s self, read: impl FnOnce(&'s Store) -> Result<Option<&'s T>, StoreError>) -> Option<&'s T> {
        match read(self.store()?) {
            Ok(table) => table,
            Err(error) => {
                // Only the first is told; the others have the same cause or wait for the next run.
                let _ = self.failed.set(error);
                None
            }
        }
    }

    /// The pair edits.
    #[must_use]
    pub fn ptp(&self, biller: Biller, date: Date) -> Option<&PtpTable> {
        self.read(|s| s.ptp(biller, self.quarter(date)))
    }

    /// The unit edits.
    #[must_use]
    pub fn mue(&self, biller: Biller, date: Date) -> Option<&Table<Mue>> {
        self.read(|s| s.mue(biller, self.quarter(date)))
    }

    /// The add-on codes.
    #[must_use]
    pub fn add_on(&self, date: Date) -> Option<&Table<AddOn>> {
        self.read(|s| s.add_on(self.quarter(date)))
    }

    /// The HCPCS Level II codes.
    #[must_use]
    pub fn hcpcs(&self, date: Date) -> Option<&Table<Hcpcs>> {
        self.read(|s| s.hcpcs(self.quarter(date)))
    }

    /// The ASP payment limits.
    #[must_use]
    pub fn asp(&self, date: Date) -> Option<&Table<Asp>> {
        self.read(|s| s.asp(self.quarter(date)))
    }

    /// The crosswalk from NDC to HCPCS.
    #[must_use]
    pub fn ndc(&self, date: Date) -> Option<&Table<Ndc>> {
        self.read(|s| s.ndc(self.quarter(date)))
    }

    /// The relative values.
    #[must_use]
    pub fn rvu(&self, date: Date) -> Option<&Table<Rvu>> {
        self.read(|s| s.rvu(self.quarter(date)))
    }

    /// The geographic practice cost indices.
    #[must_use]
    pub fn gpci(&self, date: Date) -> Option<&Table<Gpci>> {
        self.read(|s| s.gpci(self.quarter(date)))
    }

    /// Addendum B.
    #[must_use]
    pub fn addendum_b(&self, date: Date) -> Option<&Table<AddendumB>> {
        self.read(|s| s.addendum_b(self.quarter(date)))
    }

    /// The newest price list that was in force by the date, else the oldest: a list does not come by the quarter.
    #[must_use]
    pub fn charges(&self, date: Date) -> Option<(Quarter, &Table<Charge>)> {
        let wanted = self.quarter(date);
        let stored = self.quarters(Kind::Charges);
        let quarter = *stored.iter().rfind(|q| **q <= wanted).or(stored.first())?;
        self.read(|s| s.charges(quarter)).map(|table| (quarter, table))
    }
}
