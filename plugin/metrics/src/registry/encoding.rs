//! Access for encoders: positions, versions and sorting.

use super::series::{common_bytes, order, rank};
use super::{Definition, FamilyId, Kind, Members, Registry};
use crate::model::{self, Exemplar};
use crate::sort::sort_places;

impl Registry {
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// A number that changes whenever a family or series is added, removed or described differently.
    pub fn shape(&self) -> u64 {
        self.shape
    }

    /// The current time, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The indices of the families, sorted by name; those of one metric in creation order.
    pub(crate) fn sorted_families(&self) -> Vec<usize> {
        let name = |index: u32| self.families.get(index as usize).map(|family| &family.definition.name);
        let mut sorted: Vec<u32> = (0..self.families.len() as u32).collect();
        sort_places(&mut sorted, &|a, b| name(a).cmp(&name(b)).then(a.cmp(&b)));
        sorted.into_iter().map(|index| index as usize).collect()
    }

    /// The ID and definition of a family by index, and the shape at its last change.
    pub(crate) fn family_at(&self, index: usize) -> Option<(FamilyId, &Definition, u64)> {
        self.families.get(index).map(|family| (self.id(index), &family.definition, family.shape))
    }

    /// The sorted names of all metrics of a kind that have series.
    pub fn names_of(&self, kind: Kind) -> Vec<String> {
        let of_kind = |index: &usize| self.families.get(*index).is_some_and(|family| family.definition.kind == kind);
        let indices: Vec<usize> = (0..self.families.len()).filter(of_kind).collect();
        if indices.is_empty() {
            return Vec::new();
        }
        let members = self.members();
        let live = indices.into_iter().filter(|index| !members.of(*index).is_empty());
        let mut names: Vec<String> =
            live.filter_map(|index| Some(self.families.get(index)?.definition.name.to_string())).collect();
        names.sort_unstable();
        // A metric may have several label sets.
        names.dedup();
        names
    }

    /// Reads the registry into the encoders' model: families sorted by exposed name (infos with
    /// `_info`) and without empty ones; series sorted by label values; quantiles as of `now_ms`.
    pub fn read(&self, now_ms: u64) -> Vec<model::Family<'_>> {
        self.read_some(now_ms, &|_| true)
    }

    /// Like [`Registry::read`], but includes series only for families whose exposed name is
    /// `wanted`.
    pub(crate) fn read_some(&self, now_ms: u64, wanted: &dyn Fn(&str) -> bool) -> Vec<model::Family<'_>> {
        let members = self.members();
        let mut read: Vec<model::Family<'_>> = Vec::new();
        for index in self.sorted_families() {
            self.read_onto(&mut read, index, members.of(index), now_ms, wanted);
        }
        read
    }

    /// Appends a family with these series; those of one metric become one family.
    pub(crate) fn read_onto<'a>(
        &'a self,
        read: &mut Vec<model::Family<'a>>,
        index: usize,
        live: &[u32],
        now_ms: u64,
        wanted: &dyn Fn(&str) -> bool,
    ) {
        let Some(family) = self.families.get(index).filter(|_| !live.is_empty()) else { return };
        let definition = &family.definition;
        let name = family.exposed_as.as_deref().unwrap_or(definition.name.as_str());
        let mut handles = if wanted(name) { live.to_vec() } else { Vec::new() };
        self.sort(&mut handles);
        let series = handles.iter().filter_map(|handle| {
            let row = self.series.row(*handle)?;
            let created_ms = Some(self.series.created_ms(row)).filter(|created| *created > 0);
            Some(model::Series { labels: self.labels_of(row), created_ms, point: self.point_at(row, now_ms)? })
        });
        match read.last_mut() {
            Some(last) if last.name == name => last.series.extend(series),
            _ => read.push(model::Family {
                name,
                kind: definition.kind,
                help: definition.help.as_deref().unwrap_or_default(),
                unit: definition.unit.as_deref().unwrap_or_default(),
                gives_way: self.families.get(family.first_set).is_some_and(|first| !first.conflicts.is_empty()),
                is_custom: definition.is_custom,
                series: series.collect(),
            }),
        }
    }

    /// The creation time of a series, or 0 if it is unknown, and its exemplar if it is a counter.
    pub(crate) fn start_and_exemplar(&self, handle: u32) -> (u64, Option<&Exemplar>) {
        let Some(row) = self.series.row(handle) else { return (0, None) };
        let exemplar = if self.exemplars.is_empty() { None } else { self.exemplars.get(&row) };
        (self.series.created_ms(row), exemplar)
    }

    /// All series by family.
    pub(crate) fn members(&self) -> Members {
        let mut starts = vec![0; self.families.len() + 1];
        for row in (0..self.series.rows()).filter(|row| self.series.state(*row) != 0) {
            if let Some(count) = starts.get_mut(self.series.family(row) + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut handles = vec![0; total];
        for handle in self.series.handles() {
            if let Some(row) = self.series.row(handle)
                && let Some(next) = next.get_mut(self.series.family(row))
                && let Some(place) = handles.get_mut(*next)
            {
                *place = handle;
                *next += 1;
            }
        }
        Members { starts, handles }
    }

    /// Sorts handles of one family by label values.
    pub(crate) fn sort(&self, handles: &mut [u32]) {
        let [first, ..] = handles else { return };
        let first = self.key_of_handle(*first);
        // Skip the common prefix; comparing the next bytes as numbers is mostly sufficient.
        let common = handles.iter().map(|handle| common_bytes(first, self.key_of_handle(*handle))).min().unwrap_or(0);
        let mut decorated: Vec<_> =
            handles.iter().map(|handle| (rank(self.key_of_handle(*handle), common), *handle)).collect();
        decorated.sort_unstable_by(|(a, one), (b, other)| {
            a.cmp(b).then_with(|| order(self.key_of_handle(*one), self.key_of_handle(*other)))
        });
        for (place, (_, handle)) in handles.iter_mut().zip(decorated) {
            *place = handle;
        }
    }

    /// Merges sorted handles of a family into other sorted ones.
    pub(crate) fn merge(&self, mut sorted: &[u32], more: &[u32]) -> Vec<u32> {
        let mut merged = Vec::with_capacity(sorted.len() + more.len());
        for handle in more {
            let key = self.key_of_handle(*handle);
            let at = sorted.partition_point(|sorted| order(self.key_of_handle(*sorted), key).is_lt());
            if let Some((before, after)) = sorted.split_at_checked(at) {
                merged.extend_from_slice(before);
                sorted = after;
            }
            merged.push(*handle);
        }
        merged.extend_from_slice(sorted);
        merged
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.series.rows()
    }

    /// The row of a handle, unless it is stale.
    #[inline]
    pub(crate) fn row_of(&self, handle: u32) -> Option<usize> {
        self.series.row(handle)
    }

    /// The label values of a series, in the order of the family's label names, each terminated by
    /// [`END`].
    pub(crate) fn key_of_handle(&self, handle: u32) -> &[u8] {
        self.series.row(handle).map(|row| self.series.key(row)).unwrap_or_default()
    }

    /// Whether a series of the kind is a single number.
    pub(crate) fn is_scalar(kind: Kind) -> bool {
        matches!(kind, Kind::Counter | Kind::Gauge | Kind::Info | Kind::Unknown)
    }

    /// Appends the values of scalar series.
    pub(crate) fn scalars(&self, handles: &[u32], out: &mut Vec<f64>) {
        out.extend(handles.iter().map(|handle| self.series.cell_of(*handle)));
    }

    /// Appends the sample values of a series in text 0.0.4.
    pub(crate) fn samples(&self, handle: u32, now_ms: u64, out: &mut Vec<f64>) {
        let Some(row) = self.series.row(handle) else { return };
        match self.composite(row) {
            Some(composite) => composite.samples(now_ms, out),
            None => out.push(self.series.cell(row)),
        }
    }
}
