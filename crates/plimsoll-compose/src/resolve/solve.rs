//! The resolver: named packages, their dependencies, alternatives and virtual packages, conflicts.
//!
//! Every name has one candidate, its newest version. Dependencies are followed depth first; where a clause has
//! alternatives the first that works is taken, in the order they are written, and providers of a virtual
//! package by priority and name. A choice that leads to something unmet or in conflict is undone and the next
//! one tried. `Recommends` is not followed. The answer depends on nothing but the index and the request.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::index::{Field, PackageId, PackageIndex};
use super::relation::{self, Relation};
use super::rules;
use crate::error::ComposeError;
use crate::plan::{LeftOut, LeftOutReason};
use crate::spec::Variant;
use crate::suggest::closest;

/// What to resolve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) suite: &'a str,
    pub(crate) arch: &'a str,
    pub(crate) variant: Variant,
    pub(crate) packages: &'a [String],
    /// Packages that the base needs beside those of its variant.
    pub(crate) extra: &'a [&'a str],
}

/// A consistent set of packages.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// By name; each with the names it depends on.
    pub(crate) packages: BTreeMap<String, (PackageId, BTreeSet<String>)>,
    pub(crate) left_out: BTreeSet<LeftOut>,
}

/// Finds a set of packages that holds the named ones and what they need.
pub(crate) fn resolve(index: &PackageIndex, request: Request<'_>) -> Result<Resolved, ComposeError> {
    let mut roots: Vec<PackageId> = Vec::new();
    for name in request.packages {
        roots.push(named(index, request, name)?);
    }
    for name in request.extra.iter().copied().chain(base_names(index, request)) {
        let id = named(index, request, name)?;
        if !roots.contains(&id) {
            roots.push(id);
        }
    }
    // Choices made as they come give what people expect; made last, they see everything that is certain, which
    // solves sets where an early choice excludes something that is needed further on.
    run(index, request, &roots, false).or_else(|error| {
        tracing::debug!(%error, "resolving again with choices last");
        run(index, request, &roots, true).map_err(|_| error)
    })
}

fn run(
    index: &PackageIndex,
    request: Request<'_>,
    roots: &[PackageId],
    choices_last: bool,
) -> Result<Resolved, ComposeError> {
    let mut solver = Solver {
        index,
        request,
        selected: BTreeMap::new(),
        order: Vec::new(),
        wanted_by: BTreeMap::new(),
        edges: Vec::new(),
        left_out: Vec::new(),
        choices_last,
        deferred: VecDeque::new(),
        budget: BUDGET,
    };
    // All roots first, so that alternatives are met by what is named.
    for root in roots {
        solver.check_conflicts(*root)?;
        solver.select(*root, None);
    }
    for root in roots {
        solver.follow(*root)?;
    }
    while let Some((parent, clause)) = solver.deferred.pop_front() {
        if !solver.is_settled(parent, clause) {
            let candidates = solver.candidates(clause);
            solver.choose(parent, clause, candidates)?;
        }
    }
    tracing::debug!(packages = solver.selected.len(), "resolved");
    Ok(solver.finish())
}

/// How many choices may be undone before an error is taken for the answer.
const BUDGET: u32 = 5_000;

fn base_names<'a>(index: &'a PackageIndex, request: Request<'_>) -> Vec<&'a str> {
    match request.variant {
        Variant::Distroless => rules::DISTROLESS_BASE.to_vec(),
        Variant::Minbase => {
            let base =
                |id: &PackageId| index.is_essential(*id) || index.field(*id, Field::Priority) == "required";
            let required = index.all_newest().filter(base).map(|id| index.name(id));
            rules::MINBASE.into_iter().chain(required).collect()
        }
    }
}

fn named(index: &PackageIndex, request: Request<'_>, name: &str) -> Result<PackageId, ComposeError> {
    if let Some(id) = index.newest(name) {
        return Ok(id);
    }
    let providers: BTreeSet<&str> = index.providers(name).map(|(id, _)| index.name(id)).collect();
    if !providers.is_empty() {
        let providers = providers.into_iter().take(8).map(str::to_owned).collect();
        return Err(ComposeError::VirtualPackage { package: name.to_owned(), providers });
    }
    let suggestion = closest(name, index.all_newest().map(|id| index.name(id))).map(str::to_owned);
    let (suite, arch) = (request.suite.to_owned(), request.arch.to_owned());
    Err(ComposeError::UnknownPackage { package: name.to_owned(), suite, arch, suggestion })
}

struct Solver<'a> {
    index: &'a PackageIndex,
    request: Request<'a>,
    selected: BTreeMap<&'a str, PackageId>,
    /// The selection in the order it was made, for undoing.
    order: Vec<PackageId>,
    wanted_by: BTreeMap<PackageId, PackageId>,
    edges: Vec<(PackageId, PackageId)>,
    left_out: Vec<LeftOut>,
    /// Whether clauses with several candidates wait until all others are met.
    choices_last: bool,
    /// What waits, in the order it came up.
    deferred: VecDeque<(PackageId, &'a str)>,
    budget: u32,
}

/// Lengths to return to when a choice is undone.
struct Mark {
    order: usize,
    edges: usize,
    left_out: usize,
    deferred: usize,
}

impl<'a> Solver<'a> {
    fn select(&mut self, id: PackageId, wanted_by: Option<PackageId>) {
        self.selected.insert(self.index.name(id), id);
        self.order.push(id);
        if let Some(parent) = wanted_by {
            self.wanted_by.insert(id, parent);
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            order: self.order.len(),
            edges: self.edges.len(),
            left_out: self.left_out.len(),
            deferred: self.deferred.len(),
        }
    }

    fn undo(&mut self, mark: &Mark) {
        for id in self.order.drain(mark.order..) {
            self.selected.remove(self.index.name(id));
            self.wanted_by.remove(&id);
        }
        self.edges.truncate(mark.edges);
        self.left_out.truncate(mark.left_out);
        // Entries are taken from the front only between choices, so those of this choice are at the back.
        self.deferred.truncate(mark.deferred);
    }

    /// Selects what `id` needs.
    fn follow(&mut self, id: PackageId) -> Result<(), ComposeError> {
        for field in [Field::PreDepends, Field::Depends] {
            for clause in relation::clauses(self.index.field(id, field)) {
                self.meet(id, clause)?;
            }
        }
        Ok(())
    }

    /// Meets one clause of `parent`.
    fn meet(&mut self, parent: PackageId, clause: &'a str) -> Result<(), ComposeError> {
        if self.is_settled(parent, clause) {
            return Ok(());
        }
        if let Some(reason) = self.reason_to_leave_out(parent, clause) {
            let (dependency, wanted_by) = (clause.to_owned(), self.index.name(parent).to_owned());
            self.left_out.push(LeftOut { dependency, wanted_by, reason });
            return Ok(());
        }
        let candidates = self.candidates(clause);
        if self.choices_last && candidates.len() > 1 {
            self.deferred.push_back((parent, clause));
            return Ok(());
        }
        self.choose(parent, clause, candidates)
    }

    /// Whether something that is selected meets the clause.
    fn is_settled(&mut self, parent: PackageId, clause: &str) -> bool {
        let present = relation::alternatives(clause).find_map(|relation| self.present(relation));
        self.edges.extend(present.map(|present| (parent, present)));
        present.is_some()
    }

    /// Selects the first candidate that works, with what it needs.
    fn choose(
        &mut self,
        parent: PackageId,
        clause: &'a str,
        candidates: Vec<PackageId>,
    ) -> Result<(), ComposeError> {
        let mut first_error = None;
        for candidate in candidates {
            let mark = self.mark();
            let tried = self.check_conflicts(candidate).and_then(|()| {
                self.select(candidate, Some(parent));
                self.edges.push((parent, candidate));
                self.follow(candidate)
            });
            let Err(error) = tried else { return Ok(()) };
            self.undo(&mark);
            let error = first_error.get_or_insert(error);
            self.budget = self.budget.saturating_sub(1);
            if self.budget == 0 {
                tracing::debug!(%error, "gave up trying alternatives");
                break;
            }
        }
        Err(first_error.unwrap_or_else(|| self.unmet(parent, clause)))
    }

    /// The selected package that meets a relation, if one does.
    fn present(&self, relation: Relation<'_>) -> Option<PackageId> {
        let same_name = self.selected.get(relation.name);
        if let Some(id) = same_name.filter(|id| relation.allows(self.index.version(**id))) {
            return Some(*id);
        }
        let mut providers = self.index.providers(relation.name);
        let met = providers.find(|(id, version)| {
            self.selected.get(self.index.name(*id)) == Some(id) && relation.allows_provided(*version)
        });
        met.map(|(id, _)| id)
    }

    /// Packages that would meet a clause, best first.
    fn candidates(&self, clause: &str) -> Vec<PackageId> {
        let mut candidates = Vec::new();
        let mut relations: Vec<Relation<'_>> = relation::alternatives(clause).collect();
        // The tree is made with merged folders, so what would merge them has nothing to do.
        relations.sort_by_key(|relation| relation.name != "usr-is-merged");
        for relation in relations {
            let foreign = relation.qualifier.is_some_and(|qualifier| {
                !matches!(qualifier, "any" | "native") && qualifier != self.request.arch
            });
            if foreign {
                continue;
            }
            let real = self.index.newest(relation.name).filter(|id| relation.allows(self.index.version(*id)));
            candidates.extend(real);
            let mut providers: Vec<PackageId> = self
                .index
                .providers(relation.name)
                .filter(|(_, version)| relation.allows_provided(*version))
                .map(|(id, _)| id)
                .collect();
            providers.sort_by_key(|id| (self.priority(*id), self.index.name(*id)));
            candidates.extend(providers);
        }
        // A version of something selected cannot be had beside the one that is there.
        candidates.retain(|id| !self.selected.contains_key(self.index.name(*id)));
        let mut seen = BTreeSet::new();
        candidates.retain(|id| seen.insert(*id));
        candidates
    }

    fn priority(&self, id: PackageId) -> usize {
        let order = ["required", "important", "standard", "optional"];
        let priority = self.index.field(id, Field::Priority);
        order.iter().position(|name| *name == priority).unwrap_or(order.len())
    }

    fn reason_to_leave_out(&self, parent: PackageId, clause: &str) -> Option<LeftOutReason> {
        if self.request.variant != Variant::Distroless {
            return None;
        }
        let tools = &rules::MAINTAINER_TOOLS;
        if rules::DATA_PACKAGES.contains(&self.index.name(parent))
            || relation::alternatives(clause).any(|relation| tools.contains(&relation.name))
        {
            return Some(LeftOutReason::MaintainerScripts);
        }
        let essential = relation::alternatives(clause).any(|relation| {
            self.index.newest(relation.name).is_some_and(|id| {
                self.index.is_essential(id) && self.index.source(id) != self.index.source(parent)
            })
        });
        essential.then_some(LeftOutReason::Essential)
    }

    /// Whether `id` can be there together with all that is selected.
    fn check_conflicts(&self, id: PackageId) -> Result<(), ComposeError> {
        for other in self.selected.values() {
            self.check_pair(id, *other)?;
            self.check_pair(*other, id)?;
        }
        Ok(())
    }

    fn check_pair(&self, package: PackageId, other: PackageId) -> Result<(), ComposeError> {
        if package == other {
            return Ok(());
        }
        for (field, relation) in [(Field::Conflicts, "conflicts with"), (Field::Breaks, "breaks")] {
            for clause in relation::clauses(self.index.field(package, field)) {
                if relation::parse(clause).is_some_and(|relation| self.excludes(relation, other)) {
                    return Err(ComposeError::Conflict {
                        package: self.index.name(package).to_owned(),
                        other: self.index.name(other).to_owned(),
                        relation,
                        clause: clause.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    fn excludes(&self, relation: Relation<'_>, other: PackageId) -> bool {
        if relation.name == self.index.name(other) {
            return relation.allows(self.index.version(other));
        }
        relation::clauses(self.index.field(other, Field::Provides)).filter_map(relation::parse).any(
            |provided| {
                provided.name == relation.name
                    && relation.allows_provided(provided.constraint.map(|constraint| constraint.version))
            },
        )
    }

    fn unmet(&self, parent: PackageId, clause: &str) -> ComposeError {
        let mut chain = Vec::new();
        let mut place = Some(parent);
        while let Some(id) = place {
            chain.push(format!("`{}` {}", self.index.name(id), self.index.version(id)));
            place = self.wanted_by.get(&id).copied();
        }
        let found = relation::alternatives(clause).find_map(|relation| self.index.newest(relation.name));
        let found = found.map(|id| format!("`{}` {}", self.index.name(id), self.index.version(id)));
        ComposeError::Unmet { dependency: clause.to_owned(), chain, found }
    }

    fn finish(self) -> Resolved {
        let mut packages: BTreeMap<String, (PackageId, BTreeSet<String>)> =
            self.selected.iter().map(|(name, id)| ((*name).to_owned(), (*id, BTreeSet::new()))).collect();
        for (parent, child) in self.edges {
            if let Some((_, depends)) = packages.get_mut(self.index.name(parent)) {
                depends.insert(self.index.name(child).to_owned());
            }
        }
        Resolved { packages, left_out: self.left_out.into_iter().collect() }
    }
}

#[cfg(test)]
#[path = "solve_tests.rs"]
mod tests;
