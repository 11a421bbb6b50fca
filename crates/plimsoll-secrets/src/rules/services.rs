//! Services for people: documents, tasks, design, social networks, maps.

use crate::engine::context::Context;
use crate::finding::Severity::{Critical, High, Low, Medium};
use crate::rule::{Rule, around, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token(
        "atlassian-api-token",
        "Atlassian API token",
        Critical,
        words!["atatt3"],
        r"ATATT3[A-Za-z0-9_=-]{60,400}",
    ),
    named(
        "atlassian-legacy-token",
        "Atlassian API token",
        High,
        words!["atlassian", "jira", "confluence"],
        &["token"],
        r"[A-Za-z0-9]{24}",
    )
    .entropy(3.5),
    token(
        "airtable-pat",
        "Airtable personal access token",
        High,
        words!["pat"],
        r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    ),
    named("airtable-api-key", "Airtable API key", High, words!["airtable"], &[], r"key[A-Za-z0-9]{14}"),
    token(
        "asana-pat",
        "Asana personal access token",
        High,
        words!["1/", "2/"],
        r"[12]/\d{14,20}(?:/\d{14,20})?:[0-9a-f]{32}",
    ),
    token(
        "figma-pat",
        "Figma personal access token",
        High,
        words!["figd_", "figu_", "figo_"],
        r"fig[duo]_[A-Za-z0-9_-]{38,64}",
    ),
    token("linear-api-key", "Linear API key", High, words!["lin_api_"], r"lin_api_[A-Za-z0-9]{40}"),
    token(
        "linear-oauth-token",
        "Linear OAuth token",
        High,
        words!["lin_oauth_"],
        r"lin_oauth_[A-Za-z0-9]{40,64}",
    ),
    named(
        "linear-client-secret",
        "Linear client secret",
        High,
        words!["linear"],
        &["secret"],
        r"[0-9a-f]{32}",
    ),
    token("notion-token", "Notion integration token", High, words!["ntn_"], r"ntn_[A-Za-z0-9]{40,50}"),
    token(
        "notion-legacy-token",
        "Notion integration token",
        High,
        words!["secret_"],
        r"secret_[A-Za-z0-9]{43}",
    )
    .entropy(4.0),
    token(
        "dropbox-access-token",
        "Dropbox access token",
        High,
        words!["sl."],
        r"sl\.(?:u\.)?[A-Za-z0-9_-]{120,2000}",
    ),
    named("dropbox-app-secret", "Dropbox app secret", High, words!["dropbox"], &["secret"], r"[a-z0-9]{15}")
        .entropy(3.0),
    named(
        "dropbox-legacy-token",
        "Dropbox access token",
        High,
        words!["dropbox"],
        &["token"],
        r"[A-Za-z0-9_-]{64}",
    )
    .entropy(4.0),
    token(
        "hubspot-token",
        "HubSpot private app token",
        High,
        words!["pat-na", "pat-eu", "pat-ap"],
        r"pat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named(
        "hubspot-api-key",
        "HubSpot API key",
        High,
        words!["hubspot", "hapikey"],
        &["key"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "salesforce-access-token",
        "Salesforce access token",
        High,
        words!["00d"],
        r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,120}",
    ),
    token(
        "salesforce-refresh-token",
        "Salesforce refresh token",
        Critical,
        words!["5aep"],
        r"5Aep[A-Za-z0-9._]{80,100}",
    ),
    named(
        "salesforce-consumer-secret",
        "Salesforce consumer secret",
        High,
        words!["salesforce", "sfdc"],
        &["secret"],
        r"[0-9A-F]{64}|\d{16,19}",
    ),
    named("zendesk-token", "Zendesk API token", High, words!["zendesk"], &["token"], r"[A-Za-z0-9]{40}")
        .entropy(3.5),
    named(
        "freshdesk-api-key",
        "Freshdesk API key",
        High,
        words!["freshdesk", "freshservice"],
        &["key"],
        r"[A-Za-z0-9]{20}",
    )
    .entropy(3.5),
    token(
        "typeform-token",
        "Typeform personal access token",
        Medium,
        words!["tfp_"],
        r"tfp_[A-Za-z0-9_.=-]{44,64}",
    ),
    token(
        "contentful-token",
        "Contentful management token",
        High,
        words!["cfpat-"],
        r"CFPAT-[A-Za-z0-9_-]{43}",
    ),
    named(
        "contentful-delivery-token",
        "Contentful delivery token",
        Low,
        words!["contentful"],
        &["token"],
        r"[A-Za-z0-9_-]{43}",
    )
    .entropy(4.0),
    named("sanity-token", "Sanity API token", High, words!["sanity"], &["token"], r"sk[A-Za-z0-9]{150,200}"),
    named("algolia-admin-key", "Algolia admin API key", High, words!["algolia"], &["admin"], r"[0-9a-f]{32}"),
    named("algolia-api-key", "Algolia API key", Medium, words!["algolia"], &["api", "key"], r"[0-9a-f]{32}"),
    token(
        "mapbox-secret-token",
        "Mapbox secret token",
        High,
        words!["sk.eyj"],
        r"sk\.eyJ[A-Za-z0-9_-]{60,200}\.[A-Za-z0-9_-]{22}",
    ),
    named(
        "here-api-key",
        "HERE or TomTom API key",
        Low,
        words!["here_api", "tomtom"],
        &["key"],
        r"[A-Za-z0-9_-]{32,43}",
    )
    .entropy(4.0),
    named(
        "twitch-client-secret",
        "Twitch client secret",
        High,
        words!["twitch"],
        &["secret"],
        r"[a-z0-9]{30}",
    )
    .entropy(3.5),
    token(
        "twitter-bearer-token",
        "X (Twitter) bearer token",
        High,
        words!["aaaaaaaaaaaaaaaaaaaa"],
        r"A{20}[A-Za-z0-9%]{60,120}",
    )
    .checked(|context| {
        context.value().contains(&b'%')
            || context.value()[20..].iter().filter(|byte| byte.is_ascii_digit()).count() > 5
    }),
    named(
        "twitter-api-secret",
        "X (Twitter) API key secret",
        High,
        words!["twitter"],
        &["secret"],
        r"[A-Za-z0-9]{45,50}",
    )
    .entropy(4.0),
    token("facebook-access-token", "Facebook access token", High, words!["eaa"], r"EAA[A-Za-z0-9]{80,300}")
        .checked(is_no_base64_line),
    named(
        "facebook-app-secret",
        "Facebook app secret",
        High,
        words!["facebook", "fb_app", "fb_secret", "meta_app", "instagram", "whatsapp"],
        &["secret"],
        r"[0-9a-f]{32}",
    ),
    token(
        "instagram-access-token",
        "Instagram access token",
        High,
        words!["igqv", "igaa"],
        r"IG(?:QV|AA)[A-Za-z0-9_-]{80,300}",
    ),
    named(
        "linkedin-client-secret",
        "LinkedIn client secret",
        High,
        words!["linkedin"],
        &["secret"],
        r"[A-Za-z0-9]{16}|WPL_AP1\.[A-Za-z0-9+/=.]{16,60}",
    )
    .entropy(3.0),
    named(
        "spotify-client-secret",
        "Spotify client secret",
        Medium,
        words!["spotify"],
        &["secret"],
        r"[0-9a-f]{32}",
    ),
    named(
        "reddit-client-secret",
        "Reddit client secret",
        Medium,
        words!["reddit"],
        &["secret"],
        r"[A-Za-z0-9_-]{27,30}",
    )
    .entropy(3.5),
    named(
        "strava-client-secret",
        "Strava client secret",
        Medium,
        words!["strava"],
        &["secret"],
        r"[0-9a-f]{40}",
    ),
    token("pinterest-token", "Pinterest access token", Medium, words!["pina_"], r"pina_[A-Z0-9]{32,72}"),
    token("lichess-token", "Lichess token", Low, words!["lip_"], r"lip_[A-Za-z0-9]{20}").entropy(3.8),
    token("readme-api-key", "ReadMe API key", Medium, words!["rdme_"], r"rdme_[a-z0-9]{70}"),
    token("clickup-token", "ClickUp token", High, words!["pk_"], r"pk_\d{5,9}_[A-Z0-9]{32}"),
    named("trello-token", "Trello token", High, words!["trello"], &["token"], r"(?:ATTA)?[0-9a-f]{64,72}"),
    token("trello-api-token", "Trello API token", High, words!["atta"], r"ATTA[0-9a-f]{64}[0-9A-F]{8}"),
    named("todoist-token", "Todoist token", Medium, words!["todoist"], &["token"], r"[0-9a-f]{40}"),
    named(
        "monday-token",
        "monday.com token",
        High,
        words!["monday"],
        &["token"],
        r"eyJ[A-Za-z0-9_-]{20,200}\.[A-Za-z0-9_-]{60,400}\.[A-Za-z0-9_-]{43}",
    ),
    named(
        "docusign-secret",
        "Docusign secret key",
        High,
        words!["docusign"],
        &["secret"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named(
        "box-client-secret",
        "Box client secret",
        High,
        words!["box_client", "boxclient", "boxapp"],
        &["secret"],
        r"[A-Za-z0-9]{32}",
    )
    .entropy(3.5),
    token("apify-token", "Apify API token", High, words!["apify_api_"], r"apify_api_[A-Za-z0-9]{36}"),
    named(
        "rapidapi-key",
        "RapidAPI key",
        Medium,
        words!["rapidapi", "rapid_api"],
        &["key"],
        r"[0-9a-f]{10}msh[0-9a-f]{15}p[0-9a-f]{6}jsn[0-9a-f]{12}",
    ),
    named("shodan-api-key", "Shodan API key", Medium, words!["shodan"], &["key"], r"[A-Za-z0-9]{32}")
        .entropy(3.5),
    named(
        "virustotal-api-key",
        "VirusTotal API key",
        Medium,
        words!["virustotal", "vt_api"],
        &["key"],
        r"[0-9a-f]{64}",
    ),
    token("adobe-client-secret", "Adobe client secret", High, words!["p8e-"], r"p8e-[A-Za-z0-9_-]{32}"),
    token("adafruit-io-key", "Adafruit IO key", Medium, words!["aio_"], r"aio_[A-Za-z0-9]{28}"),
    token("frameio-token", "Frame.io token", Medium, words!["fio-u-"], r"fio-u-[A-Za-z0-9_=-]{64}"),
    token(
        "intra42-secret",
        "42 Intra client secret",
        Medium,
        words!["s-s4t2ud-", "s-s4t2af-"],
        r"s-s4t2(?:ud|af)-[0-9a-f]{64}",
    ),
    token("cal-com-key", "Cal.com API key", Medium, words!["cal_live_"], r"cal_live_[0-9a-f]{32}"),
    token(
        "wakatime-key",
        "WakaTime API key",
        Low,
        words!["waka_"],
        r"waka_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token("ionic-token", "Ionic or Appflow token", Medium, words!["ion_"], r"ion_[A-Za-z0-9]{42}"),
    around(
        "maxmind-license-key",
        "MaxMind license key",
        Medium,
        words!["_mmk"],
        40,
        r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    ),
    named(
        "unity-serial",
        "Unity licence serial",
        Medium,
        words!["unity_serial"],
        &[],
        r"[A-Z][A-Z0-9](?:-[A-Z0-9]{4}){5}",
    ),
    named(
        "expo-token",
        "Expo access token",
        High,
        words!["expo_token", "eas_token"],
        &["token"],
        r"[A-Za-z0-9_-]{40}",
    )
    .entropy(4.0),
    named(
        "mobile-build-token",
        "mobile build service token",
        Medium,
        words!["codemagic", "bitrise", "appcenter", "app_center"],
        &["token"],
        r"[A-Za-z0-9_-]{40,90}",
    )
    .entropy(4.0),
    named(
        "browserstack-key",
        "BrowserStack or Sauce Labs access key",
        Medium,
        words!["browserstack", "saucelabs", "sauce"],
        &["accesskey"],
        r"[A-Za-z0-9]{20}|[0-9a-f-]{36}",
    )
    .entropy(3.0),
    named(
        "percy-token",
        "Percy or Chromatic project token",
        Low,
        words!["percy", "chromatic"],
        &["token"],
        r"(?:(?:web|app|auto|ss|res|vmw)_)?[0-9a-f]{64}|chpt_[0-9a-f]{12,32}",
    ),
    named(
        "django-secret-key",
        "Django secret key",
        High,
        words!["secret_key"],
        &["secretkey"],
        r"(?:django-insecure-)?[A-Za-z0-9!@#$%^&*()_+=\[\]{}|;:,.<>?/~-]{50}|django-insecure-[^\s]{40,60}",
    )
    .entropy(4.0),
    named("rails-master-key", "Rails master key", High, words!["rails_master_key"], &[], r"[0-9a-f]{32}"),
    named(
        "rails-secret-key-base",
        "Rails secret key base",
        High,
        words!["secret_key_base"],
        &[],
        r"[0-9a-f]{64,128}",
    ),
    named(
        "laravel-app-key",
        "Laravel application key",
        High,
        words!["app_key"],
        &[],
        r"base64:[A-Za-z0-9+/]{43}=",
    ),
    named(
        "wordpress-salt",
        "WordPress key or salt",
        Medium,
        words!["auth_key", "logged_in_key", "nonce_key", "auth_salt", "logged_in_salt", "nonce_salt"],
        &[],
        r".{64}",
    )
    .entropy(4.5),
    named(
        "symfony-app-secret",
        "Symfony application secret",
        High,
        words!["app_secret"],
        &[],
        r"[0-9a-f]{32,64}",
    ),
    named(
        "encryption-key",
        "encryption or signing key",
        High,
        words![
            "encryption_key",
            "encryptionkey",
            "encryption-key",
            "signing_key",
            "signingkey",
            "signing-key",
            "jwt_secret",
            "jwtsecret",
            "jwt-secret",
            "session_secret",
            "sessionsecret",
            "cookie_secret"
        ],
        &[],
        r"[\w+/=.!@#$%^&*~-]{16,256}",
    )
    .entropy(3.5)
    .checked(super::generic::is_mixed)
    .generic(),
];

/// A line of base64 may begin as a token does.
fn is_no_base64_line(context: &Context<'_>) -> bool {
    let before = context.window[..context.place.start].last();
    before.is_none_or(|byte| *byte != b'\n')
        && context.value().iter().filter(|byte| byte.is_ascii_digit()).count() > 4
}
