//! The step that configures a `minbase`: packages' own scripts, run inside the sandbox.

use super::{Package, dpkg};
use crate::plan::Plan;

/// What runs on top of the composed layer, inside the sandbox and as root, to finish a `minbase`.
///
/// Its result is the base's second layer. It needs no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigureStep {
    /// The program and its arguments; the script is the last one.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// The script alone, for logs and keys.
    pub script: String,
    /// Seconds since 1970: no time in the step's layer should be later, so that two runs give the same layer.
    pub epoch: i64,
}

/// The parts of the script that are the same for every base.
///
/// Packages were unpacked without their `preinst`, so these run first; they are written to be run again and to
/// find files of another version, hence also to find those of their own.
const SCRIPT: &str = r#"cd /
umask 022
for package in $PREINST; do
    script=/var/lib/dpkg/info/$package.preinst
    DPKG_MAINTSCRIPT_PACKAGE=${package%%:*} DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 \
        DPKG_MAINTSCRIPT_ARCH=$ARCHITECTURE DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_DEBUG=0 \
        "$script" install || { echo "the preinst script of $package failed" >&2; exit 1; }
done
dpkg --configure --pending --force-confold
audit=$(dpkg --audit)
if [ -n "$audit" ]; then
    echo "$audit" >&2
    exit 1
fi

# What depends on when and where this ran.
if [ -f /etc/shadow ]; then
    sed -i -E "s/^([^:]*:[^:]*):[0-9]+:/\1:$((SOURCE_DATE_EPOCH / 86400)):/" /etc/shadow
    # sed writes a new file, whose owner it takes from stat: that is not the recorded one where only one id exists.
    chown root:shadow /etc/shadow
fi
if [ -s /etc/machine-id ]; then
    : > /etc/machine-id
fi
rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock
rm -f /var/lib/dpkg/status-old /var/lib/dpkg/available-old /var/lib/dpkg/diversions-old
rm -f /var/lib/dpkg/statoverride-old /var/lib/dpkg/lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/triggers/Lock
rm -f /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache
rm -f /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log /var/log/apt/*.log
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
"#;

pub(super) fn step(plan: &Plan, packages: &[Package<'_>]) -> ConfigureStep {
    let preinst = dpkg::preinst_order(packages).join(" ");
    let script = format!("set -eu\nARCHITECTURE={}\nPREINST=\"{preinst}\"\n{SCRIPT}", plan.architecture);
    let env = [
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DPKG_ROOT", ""),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        // Perl's tables have an order of their own in every run, and debconf writes them out.
        ("PERL_HASH_SEED", "0"),
        ("TZ", "UTC"),
    ];
    let mut env: Vec<(String, String)> =
        env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    env.push(("SOURCE_DATE_EPOCH".to_owned(), plan.created.to_string()));
    let argv = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
    ConfigureStep { argv, env, script, epoch: plan.created }
}
