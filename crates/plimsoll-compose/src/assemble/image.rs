//! The image configs of bases.

use jiff::Timestamp;
use plimsoll_oci::{History, ImageConfig};

use crate::composer::platform_of;
use crate::plan::Plan;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// RFC 3339, in whole seconds.
pub(super) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// What both variants have: platform, time, `PATH`, and the history entry of the composed layer.
pub(super) fn config(plan: &Plan) -> ImageConfig {
    let mut config = ImageConfig::empty(&platform_of(&plan.architecture));
    let created = Some(time(plan.created));
    config.created.clone_from(&created);
    config.history.push(History {
        created,
        created_by: Some(plan.spec.to_string()),
        comment: Some("plimsoll".to_owned()),
        ..History::default()
    });
    config.config.set_variable("PATH", PATH);
    config
}
