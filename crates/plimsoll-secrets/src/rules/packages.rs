//! Registries of packages and images.

use crate::finding::Severity::{Critical, High};
use crate::rule::{Rule, named, token, words};

pub(super) static RULES: &[Rule] = &[
    token("npm-token", "npm access token", Critical, words!["npm_"], r"npm_[A-Za-z0-9]{36}"),
    named(
        "npm-legacy-token",
        "npm access token",
        Critical,
        words!["_authtoken", "npm_token", "npmtoken", "npm-token"],
        &[],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "pypi-token",
        "PyPI upload token",
        Critical,
        words!["pypi-ageichlwas5vcmc"],
        r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,1000}",
    ),
    token(
        "testpypi-token",
        "TestPyPI upload token",
        High,
        words!["pypi-agendgvzdc5wexbplm9yz"],
        r"pypi-AgENdGVzdC5weXBpLm9yZ[A-Za-z0-9_-]{50,1000}",
    ),
    token("rubygems-api-key", "RubyGems API key", Critical, words!["rubygems_"], r"rubygems_[0-9a-f]{48}"),
    token("nuget-api-key", "NuGet API key", Critical, words!["oy2"], r"oy2[a-z0-9]{43}"),
    token("crates-io-token", "crates.io API token", Critical, words!["cio"], r"cio[A-Za-z0-9]{32}")
        .entropy(3.5),
    token(
        "docker-pat",
        "Docker Hub personal access token",
        Critical,
        words!["dckr_pat_"],
        r"dckr_pat_[A-Za-z0-9_-]{27}",
    ),
    token(
        "docker-oat",
        "Docker organization access token",
        Critical,
        words!["dckr_oat_"],
        r"dckr_oat_[A-Za-z0-9_-]{32}",
    ),
    token("jfrog-api-key", "JFrog API key", Critical, words!["akcp"], r"AKCp[A-Za-z0-9]{60,80}"),
    token(
        "jfrog-reference-token",
        "JFrog reference token",
        Critical,
        words!["cmvmdgtuoj"],
        r"cmVmdGtuOj[A-Za-z0-9]{54}",
    ),
    token(
        "jfrog-identity-token",
        "JFrog identity token",
        Critical,
        words!["eyj2zxiioiiyiiwidhlwijoislduiiwiywxnijoiulmyntyilcjrawqioi"],
        r"eyJ2ZXIiOiIyIiwidHlwIjoiSldUIiwiYWxnIjoiUlMyNTYiLCJraWQiOi[A-Za-z0-9_-]{20,200}\.[A-Za-z0-9_-]{20,1000}\.[A-Za-z0-9_-]{40,600}",
    ),
    named(
        "artifactory-password",
        "Artifactory password or key",
        High,
        words!["artifactory", "jfrog"],
        &[],
        r"AP[A-Za-z0-9]{70,80}",
    ),
    token("clojars-token", "Clojars deploy token", High, words!["clojars_"], r"CLOJARS_[a-z0-9]{60}"),
    token(
        "packagist-token",
        "Private Packagist token",
        High,
        words!["packagist_"],
        r"packagist_[a-z]{3,5}_?[0-9a-f]{64,72}",
    ),
    token(
        "gemfury-token",
        "Gemfury deploy or push token",
        High,
        words!["fury.io"],
        r"fury\.io/[\w-]{1,40}/?\?token=([A-Za-z0-9]{16,24})",
    ),
    named("cloudsmith-api-key", "Cloudsmith API key", High, words!["cloudsmith"], &["key"], r"[0-9a-f]{40}"),
    named("quay-robot-token", "Quay robot token", High, words!["quay"], &[], r"[A-Z0-9]{64}").entropy(3.5),
    named("hex-api-key", "Hex API key", High, words!["hex_api"], &["key"], r"[0-9a-f]{32}"),
    named(
        "maven-central-token",
        "Maven Central or Sonatype password",
        High,
        words!["sonatype", "ossrh", "maven_central", "mavencentral"],
        &["pass"],
        r"[^\s$]{8,128}",
    )
    .entropy(2.5),
    named(
        "codeartifact-token",
        "AWS CodeArtifact authorization token",
        High,
        words!["codeartifact"],
        &["token"],
        r"eyJ[A-Za-z0-9_.=-]{200,2000}",
    ),
    token(
        "cachix-token",
        "Cachix token",
        High,
        words!["eyjhbgcioijiuzi1nij9.eyjqdgkioi"],
        r"eyJhbGciOiJIUzI1NiJ9\.eyJqdGkiOi[A-Za-z0-9_-]{80,250}\.[A-Za-z0-9_-]{43}",
    ),
    token(
        "anaconda-token",
        "Anaconda.org token in an address",
        High,
        words!["conda.anaconda.org/t/"],
        r"conda\.anaconda\.org/t/([a-z]{2}-[0-9a-f-]{36})",
    ),
    named(
        "sidekiq-credentials",
        "Sidekiq Pro or Enterprise credentials",
        High,
        words!["contribsys"],
        &[],
        r"[0-9a-f]{8}:[0-9a-f]{8}",
    ),
    named(
        "bundler-credentials",
        "credentials of a gem server",
        High,
        words!["bundle_"],
        &[],
        r"[\w.%-]{1,64}:[\w.%~+/=-]{8,128}",
    )
    .entropy(3.0)
    .checked(|context| memchr::memmem::find(context.name, b"__").is_some()),
];
