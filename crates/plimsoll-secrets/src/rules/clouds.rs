//! Other clouds.

use crate::finding::Severity::{Critical, High};
use crate::rule::{Rule, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token(
        "alibaba-access-key-id",
        "Alibaba Cloud access key id",
        Critical,
        words!["ltai"],
        r"LTAI[A-Za-z0-9]{12,20}",
    )
    .entropy(3.0),
    named(
        "alibaba-access-key-secret",
        "Alibaba Cloud access key secret",
        Critical,
        words![
            "alibaba",
            "aliyun",
            "alicloud",
            "oss_",
            "access_key_secret",
            "accesskeysecret",
            "access-key-secret"
        ],
        &["secret"],
        r"[A-Za-z0-9]{30}",
    )
    .entropy(3.5),
    named(
        "alibaba-sts-token",
        "Alibaba Cloud security token",
        High,
        words!["security_token", "securitytoken", "sts_token"],
        &[],
        r"CAIS[A-Za-z0-9+/=]{200,1500}",
    ),
    token("tencent-secret-id", "Tencent Cloud secret id", Critical, words!["akid"], r"AKID[A-Za-z0-9]{32}")
        .entropy(3.5),
    named(
        "tencent-secret-key",
        "Tencent Cloud secret key",
        Critical,
        words!["tencent", "qcloud", "cos_secret", "cos_"],
        &["secret"],
        r"[A-Za-z0-9]{32}",
    )
    .entropy(3.5),
    named(
        "huawei-secret-key",
        "Huawei Cloud secret access key",
        Critical,
        words!["huawei", "hwcloud", "hw_secret", "obs_"],
        &["secret"],
        r"[A-Za-z0-9]{40}",
    )
    .entropy(3.5),
    token("yandex-api-key", "Yandex Cloud API key", High, words!["aqvn"], r"AQVN[A-Za-z0-9_-]{35,38}"),
    token(
        "yandex-iam-token",
        "Yandex Cloud IAM token",
        High,
        words!["t1.9eue"],
        r"t1\.9eue[A-Za-z0-9_-]{50,1000}\.[A-Za-z0-9_-]{86}",
    ),
    token(
        "yandex-oauth-token",
        "Yandex OAuth token",
        High,
        words!["y0_", "y1_"],
        r"y[01]_[A-Za-z0-9_-]{50,60}",
    )
    .entropy(3.5),
    named(
        "yandex-secret-key",
        "Yandex Cloud static secret key",
        High,
        words!["yandex", "yc_", "ydb"],
        &["secret"],
        r"YC[A-Za-z0-9_-]{38}",
    ),
    named(
        "ibm-cloud-api-key",
        "IBM Cloud API key",
        Critical,
        words!["ibm", "bluemix", "softlayer", "watson"],
        &["key"],
        r"[A-Za-z0-9_-]{44}",
    )
    .entropy(4.0),
    token(
        "digitalocean-pat",
        "DigitalOcean personal access token",
        Critical,
        words!["dop_v1_"],
        r"dop_v1_[0-9a-f]{64}",
    ),
    token(
        "digitalocean-oauth-token",
        "DigitalOcean OAuth token",
        Critical,
        words!["doo_v1_"],
        r"doo_v1_[0-9a-f]{64}",
    ),
    token(
        "digitalocean-refresh-token",
        "DigitalOcean OAuth refresh token",
        Critical,
        words!["dor_v1_"],
        r"dor_v1_[0-9a-f]{64}",
    ),
    token(
        "digitalocean-spaces-key",
        "DigitalOcean Spaces access key",
        High,
        words!["do00", "do80"],
        r"DO(?:00|80)[A-Z0-9]{16}",
    )
    .entropy(3.0),
    named(
        "hetzner-token",
        "Hetzner Cloud API token",
        Critical,
        words!["hcloud", "hetzner"],
        &["token"],
        r"[A-Za-z0-9]{64}",
    )
    .entropy(4.0),
    named(
        "linode-token",
        "Linode personal access token",
        Critical,
        words!["linode"],
        &["token"],
        r"[0-9a-f]{64}",
    ),
    named("vultr-api-key", "Vultr API key", Critical, words!["vultr"], &["key"], r"[A-Z0-9]{36}")
        .entropy(3.5),
    named(
        "ovh-secret",
        "OVHcloud application secret or consumer key",
        Critical,
        words!["ovh"],
        &[],
        r"[A-Za-z0-9]{32}",
    )
    .entropy(3.5)
    .checked(|context| ends_secret(context.name)),
    token("scaleway-access-key", "Scaleway access key", High, words!["scw"], r"SCW[A-Z0-9]{17}").entropy(3.0),
    named(
        "scaleway-secret-key",
        "Scaleway secret key",
        Critical,
        words!["scw", "scaleway"],
        &["secret"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token("exoscale-api-key", "Exoscale API key", High, words!["exo"], r"EXO[0-9a-f]{24}"),
    named(
        "exoscale-secret",
        "Exoscale API secret",
        Critical,
        words!["exoscale"],
        &["secret"],
        r"[A-Za-z0-9_-]{43}",
    )
    .entropy(4.0),
    token("upcloud-token", "UpCloud API token", High, words!["ucat_"], r"ucat_[A-Z0-9]{26,40}"),
    token(
        "backblaze-application-key",
        "Backblaze B2 application key",
        High,
        words!["k00"],
        r"K00[0-9][A-Za-z0-9/+]{27}",
    )
    .entropy(4.0),
    named(
        "wasabi-secret-key",
        "Wasabi secret key",
        Critical,
        words!["wasabi"],
        &["secret"],
        r"[A-Za-z0-9]{40}",
    )
    .entropy(3.5),
];

fn ends_secret(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b"secret") || name.ends_with(b"key")
}
