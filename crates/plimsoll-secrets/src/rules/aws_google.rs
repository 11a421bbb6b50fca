//! Amazon and Google.

use crate::finding::Severity::{Critical, High, Medium};
use crate::rule::{Rule, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token(
        "aws-access-key-id",
        "AWS access key id",
        Critical,
        words!["akia", "abia", "acca"],
        r"A(?:KIA|BIA|CCA)[A-Z2-7]{16}",
    ),
    token(
        "aws-temporary-access-key-id",
        "AWS temporary access key id",
        High,
        words!["asia"],
        r"ASIA[A-Z2-7]{16}",
    )
    .entropy(3.0),
    named(
        "aws-secret-access-key",
        "AWS secret access key",
        Critical,
        words!["aws", "secretaccesskey", "secret_access_key", "secret-access-key"],
        &["secret"],
        r"[A-Za-z0-9/+]{40}",
    )
    .entropy(3.5),
    named(
        "aws-secret-key",
        "AWS secret access key",
        Critical,
        words![
            "aws_sec",
            "awssec",
            "aws-sec",
            "aws_key",
            "s3_secret",
            "s3-secret",
            "s3secret",
            "secretkey",
            "secret_key",
            "secret-key"
        ],
        &[],
        r"[A-Za-z0-9/+]{40}",
    )
    .entropy(4.2),
    named(
        "aws-session-token",
        "AWS session token",
        High,
        words!["aws", "session_token", "sessiontoken", "security_token"],
        &["token"],
        r"(?:IQoJ|FwoG|FQoG|AQo)[A-Za-z0-9/+=]{96,1500}",
    ),
    token(
        "aws-mws-token",
        "Amazon Marketplace web service token",
        High,
        words!["amzn.mws."],
        r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "aws-bedrock-api-key",
        "Amazon Bedrock long-term API key",
        Critical,
        words!["absk"],
        r"ABSK[A-Za-z0-9+/]{100,300}={0,2}",
    ),
    token(
        "aws-bedrock-short-api-key",
        "Amazon Bedrock short-term API key",
        High,
        words!["bedrock-api-key-"],
        r"bedrock-api-key-[A-Za-z0-9+/]{60,1500}={0,2}",
    ),
    token(
        "aws-cognito-client-secret",
        "Login with Amazon client secret",
        High,
        words!["amzn1.oa2-cs.v1."],
        r"amzn1\.oa2-cs\.v1\.[0-9a-f]{64}",
    ),
    named(
        "aws-ses-smtp-password",
        "Amazon SES SMTP password",
        High,
        words!["ses_", "smtp"],
        &["pass"],
        r"B[A-Za-z0-9/+]{43}",
    )
    .entropy(4.0),
    token("google-api-key", "Google API key", High, words!["aiza"], r"AIza[0-9A-Za-z_-]{35}").entropy(3.5),
    token(
        "google-oauth-client-secret",
        "Google OAuth client secret",
        High,
        words!["gocspx-"],
        r"GOCSPX-[A-Za-z0-9_-]{28}",
    ),
    token(
        "google-oauth-access-token",
        "Google OAuth access token",
        High,
        words!["ya29."],
        r"ya29\.[A-Za-z0-9_-]{30,1024}",
    ),
    token(
        "google-oauth-refresh-token",
        "Google OAuth refresh token",
        Critical,
        words!["1//0"],
        r"1//0[A-Za-z0-9_-]{40,120}",
    )
    .entropy(3.5),
    token(
        "google-hmac-key-id",
        "Google Cloud Storage HMAC access id",
        High,
        words!["goog1"],
        r"GOOG1[A-Z0-9]{56}",
    ),
    named(
        "google-hmac-secret",
        "Google Cloud Storage HMAC secret",
        Critical,
        words!["gcs", "goog", "hmac", "gs_secret"],
        &["secret"],
        r"[A-Za-z0-9/+]{40}",
    )
    .entropy(4.0),
    token(
        "firebase-server-key",
        "Firebase Cloud Messaging server key",
        High,
        words!["aaaa"],
        r"AAAA[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{140}",
    ),
    named(
        "recaptcha-secret",
        "reCAPTCHA secret key",
        Medium,
        words!["recaptcha", "captcha"],
        &["secret"],
        r"6L[A-Za-z0-9_-]{38}",
    ),
    named(
        "google-legacy-client-secret",
        "Google OAuth client secret",
        High,
        words!["google"],
        &["secret"],
        r"[A-Za-z0-9_-]{24}",
    )
    .entropy(3.5),
];
