//! Messages: chat, mail, telephone.

use crate::finding::Severity::{Critical, High, Medium};
use crate::rule::{Rule, around, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token(
        "slack-bot-token",
        "Slack bot token",
        Critical,
        words!["xoxb-"],
        r"xoxb-[0-9]{9,14}-[A-Za-z0-9-]{12,80}",
    ),
    token(
        "slack-user-token",
        "Slack user token",
        Critical,
        words!["xoxp-"],
        r"xoxp-[0-9]{9,14}-[A-Za-z0-9-]{20,120}",
    ),
    token(
        "slack-app-token",
        "Slack app-level token",
        Critical,
        words!["xapp-"],
        r"xapp-\d-[A-Z0-9]{9,14}-\d{10,14}-[0-9a-f]{32,64}",
    ),
    token(
        "slack-legacy-token",
        "Slack legacy token",
        High,
        words!["xoxo-", "xoxs-", "xoxa-", "xoxr-"],
        r"xox[osar]-(?:\d-)?[A-Za-z0-9-]{20,120}",
    ),
    token(
        "slack-config-token",
        "Slack configuration token",
        High,
        words!["xoxe.xox", "xoxe-"],
        r"xoxe(?:\.xox[bp])?-\d-[A-Za-z0-9]{100,250}",
    ),
    token(
        "slack-webhook-url",
        "Slack incoming webhook",
        High,
        words!["hooks.slack.com/"],
        r"hooks\.slack\.com/((?:services|workflows|triggers)/[A-Z][A-Z0-9]{7,13}/[A-Z0-9]{7,16}/[A-Za-z0-9]{18,40})",
    ),
    named(
        "slack-signing-secret",
        "Slack signing secret",
        High,
        words!["slack"],
        &["secret"],
        r"[0-9a-f]{32}",
    ),
    named(
        "discord-bot-token",
        "Discord bot token",
        Critical,
        words!["discord", "bot_token", "bottoken"],
        &["token"],
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
    ),
    token(
        "discord-webhook-url",
        "Discord webhook",
        High,
        words!["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/(\d{17,20}/[A-Za-z0-9_-]{60,80})",
    ),
    named(
        "discord-client-secret",
        "Discord client secret",
        High,
        words!["discord"],
        &["secret"],
        r"[A-Za-z0-9_-]{32}",
    )
    .entropy(3.5),
    around(
        "telegram-bot-token",
        "Telegram bot token",
        Critical,
        words![":aa"],
        10,
        r"\d{8,10}:AA[A-Za-z0-9_-]{33}",
    ),
    token(
        "google-chat-webhook",
        "Google Chat webhook",
        Medium,
        words!["chat.googleapis.com/v1/spaces/"],
        r"chat\.googleapis\.com/v1/spaces/[\w-]{4,40}/messages\?key=[\w-]{30,50}&token=([A-Za-z0-9_-]{40,60}(?:%3D)?)",
    ),
    named(
        "mattermost-token",
        "Mattermost access token",
        High,
        words!["mattermost", "mm_token"],
        &["token"],
        r"[a-z0-9]{26}",
    )
    .entropy(3.5),
    token(
        "twilio-api-key",
        "Twilio API key",
        High,
        words![
            "sk0", "sk1", "sk2", "sk3", "sk4", "sk5", "sk6", "sk7", "sk8", "sk9", "ska", "skb", "skc", "skd",
            "ske", "skf"
        ],
        r"SK[0-9a-f]{32}",
    ),
    named(
        "twilio-auth-token",
        "Twilio auth token or key secret",
        Critical,
        words!["twilio"],
        &[],
        r"[0-9a-f]{32}|[A-Za-z0-9]{32}",
    )
    .entropy(3.0)
    .checked(|context| !context.value().starts_with(b"AC") && !context.value().starts_with(b"SK")),
    token(
        "sendgrid-api-key",
        "SendGrid API key",
        Critical,
        words!["sg."],
        r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",
    ),
    token("mailgun-api-key", "Mailgun private API key", High, words!["key-"], r"key-[0-9a-f]{32}"),
    named(
        "mailgun-signing-key",
        "Mailgun key",
        High,
        words!["mailgun"],
        &["key"],
        r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}",
    ),
    around("mailchimp-api-key", "Mailchimp API key", High, words!["-us"], 32, r"[0-9a-f]{32}-us\d{1,2}"),
    token(
        "mandrill-api-key",
        "Mailchimp Transactional API key",
        High,
        words!["md-"],
        r"md-[A-Za-z0-9_-]{22}",
    )
    .entropy(3.8),
    named(
        "postmark-token",
        "Postmark server or account token",
        High,
        words!["postmark"],
        &["token"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "brevo-api-key",
        "Brevo API key",
        High,
        words!["xkeysib-"],
        r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}",
    ),
    token(
        "brevo-smtp-key",
        "Brevo SMTP key",
        High,
        words!["xsmtpsib-"],
        r"xsmtpsib-[0-9a-f]{64}-[A-Za-z0-9]{16}",
    ),
    token("resend-api-key", "Resend API key", High, words!["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    named(
        "mailjet-secret",
        "Mailjet API secret",
        High,
        words!["mailjet", "mj_api"],
        &["secret"],
        r"[0-9a-f]{32}",
    ),
    named("sparkpost-api-key", "SparkPost API key", High, words!["sparkpost"], &["key"], r"[0-9a-f]{40}"),
    named(
        "messagebird-api-key",
        "MessageBird API key",
        High,
        words!["messagebird"],
        &["key"],
        r"[A-Za-z0-9]{25}",
    )
    .entropy(3.5),
    named(
        "vonage-api-secret",
        "Vonage API secret",
        High,
        words!["vonage", "nexmo"],
        &["secret"],
        r"[A-Za-z0-9]{16}",
    )
    .entropy(3.0),
    named("plivo-auth-token", "Plivo auth token", High, words!["plivo"], &["token"], r"[A-Za-z0-9]{40}")
        .entropy(3.5),
    named(
        "intercom-token",
        "Intercom access token",
        High,
        words!["intercom"],
        &["token"],
        r"dG9r[A-Za-z0-9+/=_-]{52,60}",
    ),
    named(
        "pushover-token",
        "Pushover application token",
        Medium,
        words!["pushover"],
        &["token"],
        r"a[a-z0-9]{29}",
    )
    .entropy(3.5),
    named(
        "line-channel-token",
        "LINE channel access token",
        High,
        words!["line_channel", "channel_access_token", "channelaccesstoken"],
        &["token"],
        r"[A-Za-z0-9+/]{160,180}={0,2}",
    ),
    named("zoom-client-secret", "Zoom client secret", High, words!["zoom"], &["secret"], r"[A-Za-z0-9]{32}")
        .entropy(3.5),
    named(
        "webex-token",
        "Webex access token",
        High,
        words!["webex"],
        &["token"],
        r"[A-Za-z0-9]{64}_[A-Za-z0-9]{4}_[0-9a-f-]{36}",
    ),
    token(
        "onesignal-api-key",
        "OneSignal API key",
        High,
        words!["os_v2_"],
        r"os_v2_(?:app|org)_[a-z2-7]{60,110}",
    ),
];
