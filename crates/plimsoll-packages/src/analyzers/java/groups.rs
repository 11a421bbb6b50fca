//! Groups of well-known artifacts whose archives do not tell them: they are built with something else than Maven.

/// Artifacts, all that begin so where a `*` ends them, and their group on Maven Central.
const GROUPS: [(&str, &str); 45] = [
    ("bcpg-*", "org.bouncycastle"),
    ("bcpkix-*", "org.bouncycastle"),
    ("bcprov-*", "org.bouncycastle"),
    ("bctls-*", "org.bouncycastle"),
    ("elasticsearch", "org.elasticsearch"),
    ("grpc-*", "io.grpc"),
    ("h2", "com.h2database"),
    ("kafka-*", "org.apache.kafka"),
    ("kafka_*", "org.apache.kafka"),
    ("kotlin-*", "org.jetbrains.kotlin"),
    ("kotlinx-coroutines-*", "org.jetbrains.kotlinx"),
    ("lucene-*", "org.apache.lucene"),
    ("micrometer-*", "io.micrometer"),
    ("mockito-*", "org.mockito"),
    ("mssql-jdbc", "com.microsoft.sqlserver"),
    ("mysql-connector-j", "com.mysql"),
    ("mysql-connector-java", "mysql"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("okio-jvm", "com.squareup.okio"),
    ("postgresql", "org.postgresql"),
    ("protobuf-java", "com.google.protobuf"),
    ("reactor-core", "io.projectreactor"),
    ("reactor-netty*", "io.projectreactor.netty"),
    ("rxjava", "io.reactivex.rxjava3"),
    ("solr-*", "org.apache.solr"),
    ("spring-aop", "org.springframework"),
    ("spring-aspects", "org.springframework"),
    ("spring-beans", "org.springframework"),
    ("spring-boot*", "org.springframework.boot"),
    ("spring-context*", "org.springframework"),
    ("spring-core", "org.springframework"),
    ("spring-expression", "org.springframework"),
    ("spring-instrument", "org.springframework"),
    ("spring-jcl", "org.springframework"),
    ("spring-jdbc", "org.springframework"),
    ("spring-jms", "org.springframework"),
    ("spring-messaging", "org.springframework"),
    ("spring-orm", "org.springframework"),
    ("spring-oxm", "org.springframework"),
    ("spring-security-*", "org.springframework.security"),
    ("spring-session-*", "org.springframework.session"),
    ("spring-tx", "org.springframework"),
    ("spring-web*", "org.springframework"),
    ("zookeeper*", "org.apache.zookeeper"),
];

/// The group of an artifact; of a few it has changed with a version.
pub(super) fn of(artifact: &str, version: &str) -> Option<&'static str> {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or_default();
    match artifact {
        "rxjava" if major < 2 => return Some("io.reactivex"),
        "rxjava" if major < 3 => return Some("io.reactivex.rxjava2"),
        _ if artifact == "groovy" || artifact.starts_with("groovy-") => {
            return Some(if major < 4 { "org.codehaus.groovy" } else { "org.apache.groovy" });
        }
        _ if artifact.starts_with("hibernate-core") => {
            return Some(if major < 6 { "org.hibernate" } else { "org.hibernate.orm" });
        }
        _ => {}
    }
    let is_named = |known: &str| match known.strip_suffix('*') {
        Some(start) => artifact.starts_with(start),
        None => artifact == known,
    };
    GROUPS.iter().find(|(known, _)| is_named(known)).map(|(_, group)| *group)
}
