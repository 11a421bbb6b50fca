//! `yarn-cache-left`.

use super::packages::cleaning;
use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    name: "yarn-cache-left",
    summary: "the cache of yarn stays in the layer",
    severity: Severity::Info,
    aliases: &["DL3060"],
    enabled: true,
    explanation: r"
yarn keeps what it downloads in a cache that nothing in the image will ever need.

```dockerfile
FROM node:22
RUN yarn install --frozen-lockfile
```

Clean it in the same step, or share it between builds without putting it into the layer:

```dockerfile
FROM node:22
RUN --mount=type=cache,target=/usr/local/share/.cache/yarn yarn install --frozen-lockfile
```
",
    check,
};

fn check(document: &Document<'_>, found: &mut Vec<Finding>) {
    for run in document.runs().filter(|run| document.is_in_image(run.stage)) {
        let installs = |call: &Call<'_>| call.is("yarn", &["install"]);
        let cleans = |call: &Call<'_>| call.is("yarn", &["cache", "clean"]);
        let is_mounted = run.volatile_mounts(document).iter().any(|target| target.contains(".cache/yarn"))
            || run.mounts_over(document, "/usr/local/share/.cache/yarn");
        let all = cleaning(&run, installs, cleans);
        let Some(install) = all.first.filter(|_| !is_mounted && all.is_missing()) else { continue };
        let install = &run.calls[install];
        found.push(
            run.finding(&RULE, "what yarn downloads stays in the layer", install.span())
                .alias("DL3060")
                .hint("add `&& yarn cache clean` to this step, or mount a cache"),
        );
    }
}
