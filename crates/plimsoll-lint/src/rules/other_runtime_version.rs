//! `other-runtime-version`.

use super::platforms::{Carried, carried, node_version, python_version, root_image};
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "other-runtime-version",
    summary: "packages are copied to an image with another version of their interpreter",
    severity: Severity::Warning,
    aliases: &[],
    enabled: true,
    explanation: r"
Python looks for packages in a folder that is named after its version, and compiled ones fit one version only; a virtual
environment is tied to the interpreter that made it. Native modules of Node fit one major version.

```dockerfile
FROM python:3.12 AS build
RUN pip install --no-cache-dir flask==3.1.0
FROM python:3.13-slim
COPY --from=build /usr/local/lib/python3.12/site-packages /usr/local/lib/python3.12/site-packages
```

Use one version in both stages, best by one argument:

```dockerfile
ARG PYTHON=3.13
FROM python:$PYTHON AS build
RUN pip install --no-cache-dir flask==3.1.0
FROM python:$PYTHON-slim
COPY --from=build /usr/local/lib/python3.13/site-packages /usr/local/lib/python3.13/site-packages
```

For `node_modules` it is an info: most packages have no native modules.
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for one in carried(document) {
        let Some(here) = root_image(document, one.stage) else { continue };
        let finding = python(document, &one, here).or_else(|| node(document, &one, here));
        found.extend(finding.map(|finding| finding.at(one.place, one.step.span())));
    }
}

fn python(document: &Document<'_>, one: &Carried<'_, '_>, here: &str) -> Option<Finding> {
    let path = one.path.as_str();
    let packages = packages_version(path);
    let is_environment = ["venv", ".venv", "virtualenv", "env"].contains(&base_name(path));
    if packages.is_none() && !is_environment {
        return None;
    }
    let runtime = python_version(document, one.stage)?;
    let shown = |(major, minor): (u32, u32)| format!("{major}.{minor}");
    if let Some(packages) = packages {
        if packages != runtime {
            let message = format!("`{here}` has Python {} and does not look in `{path}`", shown(runtime));
            return Some(Finding::new(&RULE, message).hint("use one version of Python in both stages"));
        }
        return None;
    }
    let builder = python_version(document, one.from).filter(|builder| *builder != runtime)?;
    let message =
        format!("`{path}` was made for Python {}, and `{here}` has {}", shown(builder), shown(runtime));
    Some(Finding::new(&RULE, message).hint("use one version of Python in both stages"))
}

/// The version in `…/python3.12/site-packages`.
fn packages_version(path: &str) -> Option<(u32, u32)> {
    let mut parts = path.split('/').skip_while(|part| !part.starts_with("python3."));
    let number = parts.next()?.strip_prefix("python")?;
    let is_packages = parts.next().is_none_or(|next| next == "site-packages" || next == "dist-packages");
    let (major, minor) = number.split_once('.')?;
    is_packages.then_some((major.parse().ok()?, minor.parse().ok()?))
}

fn node(document: &Document<'_>, one: &Carried<'_, '_>, here: &str) -> Option<Finding> {
    let path = one.path.as_str();
    if !path.split('/').any(|part| part == "node_modules") {
        return None;
    }
    let (runtime, builder) = (node_version(document, one.stage)?, node_version(document, one.from)?);
    if runtime == builder {
        return None;
    }
    let message =
        format!("native modules in `{path}` were made for Node {builder}, and `{here}` has {runtime}");
    let mut finding = Finding::new(&RULE, message).hint("use one major version of Node in both stages");
    finding.diagnostic.severity = Severity::Info;
    Some(finding)
}
