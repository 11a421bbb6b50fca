//! Monitoring, logs and analytics.

use crate::finding::Severity::{High, Low, Medium};
use crate::rule::{Rule, named, token, words};

pub(super) static RULES: &[Rule] = &[
    named(
        "datadog-api-key",
        "Datadog API key",
        High,
        words!["datadog", "dd_api", "dd-api", "ddapi"],
        &["key"],
        r"[0-9a-f]{32}",
    ),
    named(
        "datadog-app-key",
        "Datadog application key",
        High,
        words!["datadog", "dd_app", "dd-app", "ddapp"],
        &["key"],
        r"(?:ddapp_)?[0-9a-zA-Z]{40}",
    )
    .entropy(3.0),
    token("newrelic-user-key", "New Relic user key", High, words!["nrak-"], r"NRAK-[A-Z0-9]{27}"),
    token(
        "newrelic-insert-key",
        "New Relic insights insert key",
        Medium,
        words!["nrii-"],
        r"NRII-[A-Za-z0-9_-]{32}",
    ),
    token(
        "newrelic-query-key",
        "New Relic insights query key",
        Medium,
        words!["nriq-"],
        r"NRIQ-[A-Za-z0-9_-]{32}",
    ),
    token("newrelic-rest-key", "New Relic REST API key", High, words!["nrra-"], r"NRRA-[0-9a-f]{42}"),
    token("newrelic-browser-key", "New Relic browser key", Low, words!["nrjs-"], r"NRJS-[0-9a-f]{19}"),
    named(
        "newrelic-license-key",
        "New Relic license key",
        High,
        words!["new_relic", "newrelic", "new-relic", "license_key", "licensekey"],
        &[],
        r"(?:eu01xx)?[0-9a-f]{30,36}(?:FFFF)?NRAL",
    ),
    token(
        "grafana-service-account-token",
        "Grafana service account token",
        High,
        words!["glsa_"],
        r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}",
    ),
    token(
        "grafana-cloud-token",
        "Grafana Cloud access policy token",
        High,
        words!["glc_ey"],
        r"glc_ey[A-Za-z0-9+/]{32,400}={0,2}",
    ),
    token(
        "grafana-api-key",
        "Grafana API key",
        High,
        words!["eyjrijoi"],
        r"eyJrIjoi[A-Za-z0-9+/_-]{50,400}={0,2}",
    ),
    token(
        "sentry-org-token",
        "Sentry organization token",
        High,
        words!["sntrys_"],
        r"sntrys_eyJ[A-Za-z0-9+/=_-]{60,600}",
    ),
    token(
        "sentry-user-token",
        "Sentry user token",
        High,
        words!["sntryu_", "sntrya_"],
        r"sntry[ua]_[0-9a-f]{64}",
    ),
    named("sentry-legacy-token", "Sentry auth token", High, words!["sentry"], &["token"], r"[0-9a-f]{64}"),
    token(
        "honeycomb-key",
        "Honeycomb key",
        Medium,
        words!["hcaik_", "hcbik_", "hcxik_", "hcamk_", "hcalk_"],
        r"hc[abx](?:ik|mk|lk)_[A-Za-z0-9]{50,64}",
    ),
    token(
        "dynatrace-token",
        "Dynatrace token",
        High,
        words!["dt0c01.", "dt0s01.", "dt0s02.", "dt0s06.", "dt0s08.", "dt0s16.", "dt0e01."],
        r"dt0[a-z]\d{2}\.[A-Z0-9]{8,24}\.[A-Z0-9]{64}",
    ),
    named(
        "splunk-hec-token",
        "Splunk HTTP event collector token",
        High,
        words!["splunk", "hec_token"],
        &["token"],
        r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    ),
    named(
        "sumologic-access-key",
        "Sumo Logic access key",
        High,
        words!["sumo"],
        &["key"],
        r"[A-Za-z0-9]{64}",
    )
    .entropy(4.0),
    named("logzio-token", "Logz.io token", Medium, words!["logz"], &["token"], r"[A-Za-z]{32}").entropy(3.5),
    named(
        "loggly-token",
        "Loggly or Papertrail token",
        Medium,
        words!["loggly", "papertrail"],
        &["token"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z0-9]{20}",
    )
    .entropy(3.0),
    named("rollbar-token", "Rollbar access token", Medium, words!["rollbar"], &["token"], r"[0-9a-f]{32}"),
    named(
        "bugsnag-api-key",
        "Bugsnag or Honeybadger API key",
        Low,
        words!["bugsnag", "honeybadger", "airbrake"],
        &["key"],
        r"[0-9a-f]{32}|hb[a-z]_[A-Za-z0-9]{36}",
    ),
    token(
        "posthog-personal-key",
        "PostHog personal API key",
        High,
        words!["phx_"],
        r"phx_[A-Za-z0-9_-]{43,48}",
    ),
    named(
        "mixpanel-secret",
        "Mixpanel or Amplitude secret",
        Medium,
        words!["mixpanel", "amplitude"],
        &["secret"],
        r"[0-9a-f]{32}",
    ),
    named(
        "segment-write-key",
        "Segment write key",
        Low,
        words!["segment"],
        &["writekey"],
        r"[A-Za-z0-9]{32}",
    )
    .entropy(3.5),
    named(
        "pagerduty-api-key",
        "PagerDuty API key",
        High,
        words!["pagerduty", "pager_duty", "pd_api", "pd_token"],
        &[],
        r"[yu]\+[A-Za-z0-9_+-]{18}|[A-Za-z0-9_-]{20}",
    )
    .entropy(3.3)
    .checked(is_key),
    named(
        "opsgenie-api-key",
        "Opsgenie API key",
        High,
        words!["opsgenie"],
        &["key"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token("rootly-api-key", "Rootly API key", High, words!["rootly_"], r"rootly_[0-9a-f]{64}"),
    token("incident-io-key", "incident.io API key", High, words!["inc_"], r"inc_[0-9a-f]{64}"),
    named(
        "statuspage-key",
        "Statuspage API key",
        Medium,
        words!["statuspage"],
        &["key"],
        r"[0-9a-f-]{36}|[0-9a-f]{64}",
    ),
    token(
        "logfire-token",
        "Logfire write token",
        Medium,
        words!["pylf_v1_"],
        r"pylf_v\d_[a-z]{2}_[A-Za-z0-9]{40,64}",
    ),
    token(
        "axiom-token",
        "Axiom API or personal token",
        High,
        words!["xaat-", "xapt-"],
        r"xa(?:a|p)t-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named(
        "coralogix-key",
        "Coralogix or Lightstep key",
        Medium,
        words!["coralogix", "lightstep"],
        &[],
        r"cxt[ph]_[A-Za-z0-9]{30}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named(
        "appdynamics-key",
        "AppDynamics access key",
        Medium,
        words!["appdynamics"],
        &["accesskey"],
        r"[A-Za-z0-9-]{12,36}",
    )
    .entropy(3.0),
    named("influxdb-token", "InfluxDB token", High, words!["influx"], &["token"], r"[A-Za-z0-9_-]{86}=="),
];

/// Whether the name ends as names of keys do.
fn is_key(context: &crate::engine::context::Context<'_>) -> bool {
    let name = context.name.to_ascii_lowercase();
    [&b"key"[..], b"token", b"secret"].iter().any(|end| name.ends_with(end))
}
