//! `RUN --mount`.

use plimsoll_diagnostics::{Diagnostic, Span, Spanned, Text};
use plimsoll_dockerfile::{Mount, MountKind as Kind, Sharing};

use crate::lower::MAIN_CONTEXT;
use crate::plan::bad_mount;
use crate::problems::{Reported, Reporting};
use crate::stage::StageLowering;
use crate::{CacheSharing, ExecMount, MountKind, VertexId, paths};

/// The mounts of one `RUN`.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// In order.
    pub(super) list: Vec<ExecMount>,
    /// The vertices they use, behind the root file system.
    pub(super) inputs: Vec<VertexId>,
    /// Where the socket of the first agent is.
    pub(super) agent: Option<String>,
}

impl Mounts {
    /// The place of a vertex among the inputs. The root's own place is never shared: what a mount takes of a vertex is
    /// looked at by content, and what a command starts from is not.
    fn input(&mut self, vertex: VertexId) -> usize {
        let place = self.inputs.iter().position(|known| *known == vertex).unwrap_or_else(|| {
            self.inputs.push(vertex);
            self.inputs.len() - 1
        });
        place + 1
    }
}

impl StageLowering<'_, '_> {
    pub(super) fn mounts(&mut self, flags: &[Spanned<Text>]) -> Reporting<Mounts> {
        let mut mounts = Mounts::default();
        let mut agents = 0;
        let mut complete = true;
        for flag in flags {
            match self.mount(flag, &mut mounts, &mut agents) {
                Ok(mount) => mounts.list.push(mount),
                Err(Reported) => complete = false,
            }
        }
        // A mount on another one's directory comes after it, whatever the order of the flags.
        mounts.list.sort_by(|left, right| left.target.cmp(&right.target));
        if complete { Ok(mounts) } else { Err(Reported) }
    }

    fn mount(
        &mut self,
        flag: &Spanned<Text>,
        mounts: &mut Mounts,
        agents: &mut usize,
    ) -> Reporting<ExecMount> {
        let span = flag.span;
        let mount = self.with_words(|words, problems| {
            let mut unset = Vec::new();
            let parsed = Mount::parse(&flag.value, |value| {
                let expansion = words.raw(value)?;
                unset.extend(expansion.unset);
                Ok(expansion.text)
            });
            words.report_unset(unset, span, problems);
            parsed.map_err(|error| {
                problems.report(bad_mount(&error, span));
                Reported
            })
        })?;
        match mount.kind {
            Kind::Bind => {
                let from = mount.from.as_deref().filter(|from| !from.is_empty());
                let vertex = self.mounted(from, span)?;
                let target = self.target(&mount, span)?;
                let kind = MountKind::Bind {
                    input: mounts.input(vertex),
                    source: paths::relative(mount.source.as_deref().unwrap_or_default()),
                    read_write: !mount.read_only,
                };
                Ok(ExecMount { kind, target })
            }
            Kind::Cache => self.cache(&mount, span, mounts),
            Kind::Tmpfs => {
                let target = self.target(&mount, span)?;
                Ok(ExecMount { kind: MountKind::Tmpfs { size: mount.size_bytes }, target })
            }
            Kind::Secret => self.secret(&mount, span),
            Kind::Ssh => {
                let mount = self.ssh(&mount, *agents);
                *agents += 1;
                mounts.agent.get_or_insert_with(|| mount.target.clone());
                Ok(mount)
            }
        }
    }

    fn cache(&mut self, mount: &Mount, span: Span, mounts: &mut Mounts) -> Reporting<ExecMount> {
        let target = self.target(mount, span)?;
        let from = mount.from.as_deref().filter(|from| !from.is_empty());
        let input = match from {
            Some(from) => Some(mounts.input(self.mounted(Some(from), span)?)),
            None => None,
        };
        let id = match mount.id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => default_cache_id(mount.target.as_deref().unwrap_or_default()),
        };
        let request = self.lowering.request;
        let namespace = request
            .cache_mount_namespace
            .or_else(|| request.build_args.get("BUILDKIT_CACHE_MOUNT_NS").map(String::as_str))
            .filter(|namespace| !namespace.is_empty());
        let kind = MountKind::Cache {
            id: namespace.map_or(id.clone(), |namespace| format!("{namespace}/{id}")),
            sharing: match mount.sharing.unwrap_or_default() {
                Sharing::Shared => CacheSharing::Shared,
                Sharing::Private => CacheSharing::Private,
                Sharing::Locked => CacheSharing::Locked,
            },
            input,
            source: paths::relative(mount.source.as_deref().unwrap_or_default()),
            mode: mount.mode.unwrap_or(0o755) & 0o777,
            uid: mount.uid.unwrap_or(0),
            gid: mount.gid.unwrap_or(0),
            read_only: mount.read_only,
        };
        Ok(ExecMount { kind, target })
    }

    fn secret(&mut self, mount: &Mount, span: Span) -> Reporting<ExecMount> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let target = given(&mount.target);
        let named = given(&mount.source).or_else(|| given(&mount.id));
        let last = || target.as_deref().and_then(paths::last_component).map(str::to_owned);
        let Some(id) = named.or_else(last) else {
            self.lowering.problems.report(
                Diagnostic::error("bad-mount", "a mount of type `secret` needs `id`, `source` or `target`")
                    .at(span),
            );
            return Err(Reported);
        };
        let variable = given(&mount.env);
        let target = match (target, &variable) {
            (Some(target), _) => paths::absolute(self.state.directory(), &target),
            (None, Some(_)) => String::new(),
            (None, None) => paths::absolute("/run/secrets", paths::last_component(&id).unwrap_or_default()),
        };
        let kind = MountKind::Secret {
            id,
            variable,
            required: mount.required,
            mode: mount.mode.unwrap_or(0o400),
            uid: mount.uid.unwrap_or(0),
            gid: mount.gid.unwrap_or(0),
        };
        Ok(ExecMount { kind, target })
    }

    fn ssh(&self, mount: &Mount, number: usize) -> ExecMount {
        let target = match mount.target.as_deref().filter(|target| !target.is_empty()) {
            Some(target) => paths::absolute(self.state.directory(), target),
            None => format!("/run/buildkit/ssh_agent.{number}"),
        };
        let id = mount.id.as_deref().or(mount.source.as_deref()).filter(|id| !id.is_empty());
        let kind = MountKind::Ssh {
            id: id.unwrap_or("default").to_owned(),
            required: mount.required,
            mode: mount.mode.unwrap_or(0o600),
            uid: mount.uid.unwrap_or(0),
            gid: mount.gid.unwrap_or(0),
        };
        ExecMount { kind, target }
    }

    /// The vertex that `from` names; without it the build context.
    fn mounted(&mut self, from: Option<&str>, span: Span) -> Reporting<VertexId> {
        let Some(from) = from else { return Ok(self.lowering.local(MAIN_CONTEXT, None)) };
        let from = Spanned::new(from.into(), span);
        let origin = self.lowering.stages.resolve(&from, self.index, false, &mut self.lowering.problems)?;
        self.root_of(&origin)
    }

    fn target(&mut self, mount: &Mount, span: Span) -> Reporting<String> {
        let written = mount.target.as_deref().filter(|target| !target.is_empty());
        let target = written.map(|target| paths::absolute(self.state.directory(), target));
        match (target, written) {
            (Some(target), _) if target != "/" => Ok(target),
            (target, _) => {
                let message = match target {
                    Some(_) => "nothing can be mounted on `/`".to_owned(),
                    None => format!("a mount of type `{}` needs `target`", mount.kind),
                };
                self.lowering.problems.report(Diagnostic::error("bad-mount", message).at(span));
                Err(Reported)
            }
        }
    }
}

/// A cache without an id is named by its target, as it is written.
fn default_cache_id(target: &str) -> String {
    if target.starts_with('/') { paths::absolute("/", target) } else { paths::relative(target) }
}
