//! From definitions to the targets that were asked for: groups, inheritance, links, `--set`.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_diagnostics::did_you_mean;

use crate::entry::{Entry, Output, each_once};
use crate::overrides::Overrides;
use crate::problem::{Outcome, Problem};
use crate::target::{Group, Target};

/// Everything that files define.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definitions {
    pub(crate) groups: Vec<Group>,
    pub(crate) targets: Vec<Target>,
}

/// What is to be built.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The groups that were named, and `default`.
    pub groups: BTreeMap<String, Group>,
    /// The targets, those that others are linked to among them.
    pub targets: BTreeMap<String, Target>,
    /// Targets that are only there because a named context of another refers to them.
    pub linked: BTreeSet<String>,
}

impl Definitions {
    /// Adds what later files define: groups replace those of their name, targets are laid over them.
    pub(crate) fn add(&mut self, other: Definitions) {
        for group in other.groups {
            match self.groups.iter_mut().find(|known| known.name == group.name) {
                Some(known) => *known = group,
                None => self.groups.push(group),
            }
        }
        for target in other.targets {
            self.add_target(target);
        }
    }

    /// Adds a target, or lays it over the one of its name.
    pub(crate) fn add_target(&mut self, target: Target) {
        match self.targets.iter_mut().find(|known| known.name == target.name) {
            Some(known) => known.merge(&target),
            None => self.targets.push(target),
        }
    }

    fn find_target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == name)
    }

    fn find_group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// Names of targets that a pattern of `--set` means.
    pub(crate) fn matching(&self, pattern: &str) -> Outcome<Vec<String>> {
        if self.find_target(pattern).is_some() {
            return Ok(vec![pattern.to_owned()]);
        }
        let glob = plimsoll_dockerfile::glob::Glob::new(pattern)
            .map_err(|error| Problem::nowhere("bad-override", format!("`--set`: {error}")))?;
        let names: Vec<String> = self
            .targets
            .iter()
            .filter(|target| glob.matches(target.name.as_bytes()))
            .map(|target| target.name.clone())
            .collect();
        if names.is_empty() {
            return Err(Problem::nowhere("bad-override", format!("`--set`: no target matches `{pattern}`"))
                .maybe_hint(self.near(pattern)));
        }
        Ok(names)
    }

    fn near(&self, name: &str) -> Option<String> {
        let targets = self.targets.iter().map(|target| target.name.as_str());
        let all = targets.chain(self.groups.iter().map(|group| group.name.as_str()));
        did_you_mean(name, all).map(|near| format!("there is `{near}`"))
    }

    /// Finds the targets of names, everything they are linked to, and their groups.
    pub(crate) fn resolve(&self, names: &[String], overrides: &Overrides) -> Outcome<Resolved> {
        let mut resolved = Resolved::default();
        for name in names {
            let (targets, groups) = self.members(name)?;
            for target in targets {
                let value = self.resolve_target(&target, overrides)?;
                resolved.targets.insert(target, value);
            }
            for group in groups {
                if let Some(found) = self.find_group(&group) {
                    resolved.groups.insert(group, found.clone());
                }
            }
        }
        let has_default = self.find_group("default").is_some();
        for name in names.iter().filter(|name| *name != "default" || !has_default) {
            let default = resolved
                .groups
                .entry("default".to_owned())
                .or_insert_with(|| Group { name: "default".to_owned(), ..Group::default() });
            default.targets.push(name.clone());
        }
        if let Some(default) = resolved.groups.get_mut("default") {
            default.targets.sort();
            default.targets.dedup();
        }
        let roots: Vec<String> = resolved.targets.keys().cloned().collect();
        for root in roots {
            self.link(&root, &mut resolved, overrides, &mut Vec::new())?;
        }
        Ok(resolved)
    }

    /// The targets and groups behind a name, in order, each once.
    fn members(&self, name: &str) -> Outcome<(Vec<String>, Vec<String>)> {
        let (mut targets, mut groups) = (Vec::new(), Vec::new());
        self.collect(name, &mut targets, &mut groups, 0)?;
        each_once(&mut targets);
        Ok((targets, groups))
    }

    fn collect(
        &self,
        name: &str,
        targets: &mut Vec<String>,
        groups: &mut Vec<String>,
        depth: usize,
    ) -> Outcome<()> {
        check_depth(depth, name)?;
        let Some(group) = self.find_group(name) else {
            targets.push(name.to_owned());
            return Ok(());
        };
        // A group that holds itself means the target of that name, if it means anything.
        if groups.iter().any(|known| known == name) {
            if self.find_target(name).is_some() {
                targets.push(name.to_owned());
            }
            return Ok(());
        }
        groups.push(name.to_owned());
        for member in &group.targets {
            self.collect(member, targets, groups, depth + 1)?;
        }
        Ok(())
    }

    fn resolve_target(&self, name: &str, overrides: &Overrides) -> Outcome<Target> {
        let mut target = self.inherited(name, &mut BTreeMap::new(), overrides)?.unwrap_or_default();
        name.clone_into(&mut target.name);
        target.inherits.clear();
        target.context.get_or_insert_with(|| ".".to_owned());
        if target.dockerfile.as_ref().is_none_or(String::is_empty) {
            target.dockerfile = Some("Dockerfile".to_owned());
        }
        Ok(target)
    }

    /// The target on top of what it inherits; none while it is being looked at.
    fn inherited(
        &self,
        name: &str,
        visited: &mut BTreeMap<String, Option<Target>>,
        overrides: &Overrides,
    ) -> Outcome<Option<Target>> {
        if let Some(known) = visited.get(name) {
            return Ok(known.clone());
        }
        check_depth(visited.values().filter(|value| value.is_none()).count(), name)?;
        visited.insert(name.to_owned(), None);
        let Some(own) = self.find_target(name) else {
            return Err(Problem::nowhere("unknown-target", format!("there is no target `{name}`"))
                .maybe_hint(self.near(name).or_else(|| self.available())));
        };
        let mut target = Target::new(name);
        for base in &own.inherits {
            let inherited = self.inherited(base, visited, overrides).map_err(|problem| {
                match own.places.get("inherits") {
                    Some(place) => problem.or_at(place),
                    None => problem,
                }
            })?;
            if let Some(inherited) = inherited {
                target.merge(&inherited);
            }
        }
        target.inherits.clear();
        target.merge(own);
        overrides.apply(name, &mut target)?;
        target.normalize();
        visited.insert(name.to_owned(), Some(target.clone()));
        Ok(Some(target))
    }

    fn available(&self) -> Option<String> {
        let names: Vec<String> = self.targets.iter().map(|target| format!("`{}`", target.name)).collect();
        match names.len() {
            0 => None,
            1..=8 => Some(format!("there is {}", names.join(", "))),
            count => Some(format!("there are {count} targets; `--list targets` shows them")),
        }
    }

    /// Adds the targets that named contexts refer to.
    fn link(
        &self,
        name: &str,
        resolved: &mut Resolved,
        overrides: &Overrides,
        way: &mut Vec<String>,
    ) -> Outcome<()> {
        check_depth(way.len(), name)?;
        way.push(name.to_owned());
        let target = resolved.targets[name].clone();
        let place = target.place("contexts").cloned();
        let fail = |problem: Problem| match &place {
            Some(place) => problem.or_at(place),
            None => problem,
        };
        for link in target.links() {
            if link == name {
                return Err(fail(Problem::nowhere(
                    "link-loop",
                    format!("the target `{name}` has itself as a named context"),
                )));
            }
            if way.iter().any(|known| known == link) {
                let way = way.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                return Err(fail(Problem::nowhere(
                    "link-loop",
                    format!("named contexts lead from {way} back to `{link}`"),
                )));
            }
            if !resolved.targets.contains_key(link) {
                let mut linked = self.resolve_target(link, overrides).map_err(fail)?;
                linked.outputs = Some(vec![Output(Entry::new("cacheonly"))]);
                resolved.targets.insert(link.to_owned(), linked);
                resolved.linked.insert(link.to_owned());
            }
            self.link(link, resolved, overrides, way)?;
            check_platforms(name, &target, link, &resolved.targets[link]).map_err(fail)?;
        }
        way.pop();
        Ok(())
    }
}

/// Groups, inheritance and links lead through this many names at most.
const DEEPEST: usize = 64;

fn check_depth(depth: usize, name: &str) -> Outcome<()> {
    if depth > DEEPEST {
        return Err(Problem::nowhere(
            "too-deep",
            format!("the way to `{name}` leads through more than {DEEPEST} names"),
        ));
    }
    Ok(())
}

fn check_platforms(name: &str, user: &Target, link: &str, linked: &Target) -> Outcome<()> {
    let (mine, theirs) =
        (user.platforms.as_deref().unwrap_or(&[]), linked.platforms.as_deref().unwrap_or(&[]));
    if mine.len() > 1 && theirs.len() > 1 && !mine.iter().all(|platform| theirs.contains(platform)) {
        return Err(Problem::nowhere(
            "link-platforms",
            format!(
                "the target `{name}` is for {}, but `{link}`, which it is linked to, only for {}",
                mine.join(", "),
                theirs.join(", ")
            ),
        ));
    }
    Ok(())
}
