//! Naive Dockerfiles and their production form.

use std::collections::BTreeMap;

use plimsoll_diagnostics::{Diagnostic, Severity, SourceFile};
use plimsoll_lint::production::{Proposal, Surroundings, propose};
use plimsoll_lint::{BuildContext, ContextEntry, EntryKind, Listing, Options, check};

/// A context of a few small files.
struct Files {
    listing: Listing,
    files: Vec<(&'static str, &'static str)>,
}

impl Files {
    fn new(files: &[(&'static str, &'static str)]) -> Self {
        let entry = |(path, text): &(&str, &str)| ContextEntry {
            path: (*path).to_owned(),
            kind: EntryKind::File,
            size_bytes: text.len() as u64,
            is_kept: true,
            line: None,
        };
        Self { listing: Listing::new(files.iter().map(entry).collect(), true), files: files.to_vec() }
    }
}

impl BuildContext for Files {
    fn listing(&self) -> Option<&Listing> {
        Some(&self.listing)
    }

    fn read(&self, path: &str) -> Option<String> {
        self.files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
    }

    fn ignore_source(&self) -> Option<&SourceFile> {
        None
    }

    fn is_guessed(&self) -> bool {
        false
    }
}

fn proposed(text: &str, files: &[(&'static str, &'static str)]) -> Result<Proposal, Box<Diagnostic>> {
    proposed_with(text, files, &[])
}

fn proposed_with(
    text: &str,
    files: &[(&'static str, &'static str)],
    contexts: &[(&str, &str)],
) -> Result<Proposal, Box<Diagnostic>> {
    let context = Files::new(files);
    let contexts: BTreeMap<String, String> =
        contexts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let surroundings = Surroundings { context: &context, contexts, runtime: None };
    propose(&SourceFile::new("Dockerfile", text), &surroundings)
}

/// The proposal, which parses, has no warnings, and is not rewritten again.
fn good(text: &str, files: &[(&'static str, &'static str)]) -> String {
    let dockerfile = proposed(text, files).unwrap().dockerfile;
    let file = SourceFile::new("Dockerfile", dockerfile.as_str());
    let parsed = plimsoll_dockerfile::parse(&file);
    assert!(!parsed.diagnostics.iter().any(Diagnostic::is_error), "{dockerfile}");
    let report = check(&file, &parsed.dockerfile, &Options::default());
    let serious: Vec<_> = report.findings.iter().filter(|one| one.severity() >= Severity::Warning).collect();
    assert!(serious.is_empty(), "{serious:?}\n{dockerfile}");
    let again = proposed(&dockerfile, files).unwrap_err().message;
    assert_eq!(again, "the Dockerfile has several stages already");
    dockerfile
}

fn has(dockerfile: &str, lines: &[&str]) {
    for line in lines {
        assert!(dockerfile.lines().any(|one| one.trim_start() == *line), "`{line}` is not in\n{dockerfile}");
    }
}

const PACKAGE: &str = r#"{"scripts": {"build": "tsc", "start": "node dist/server.js"}}"#;

#[test]
fn node_gets_dependencies_of_production_and_what_the_build_makes() {
    let files = [
        ("package.json", PACKAGE),
        ("package-lock.json", "{}"),
        ("src/server.ts", ""),
        ("src/healthcheck.ts", ""),
        ("public/index.html", ""),
    ];
    let text = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm run build\n\
                ENV PORT=3000\nEXPOSE 3000\nLABEL a=b\nSTOPSIGNAL SIGINT\nCMD npm start\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev",
            "FROM gcr.io/distroless/nodejs22-debian12:nonroot",
            "COPY --from=build /app/dist ./dist",
            "COPY public ./public",
            "ENV PORT=3000",
            "EXPOSE 3000",
            "LABEL a=b",
            "STOPSIGNAL SIGINT",
            "USER 65532:65532",
            "ENTRYPOINT [\"/nodejs/bin/node\", \"dist/server.js\"]",
        ],
    );
    assert!(dockerfile.contains("CMD [\"/nodejs/bin/node\", \"dist/healthcheck.js\"]"), "{dockerfile}");
}

#[test]
fn python_gets_its_packages_and_sources() {
    let files = [
        ("requirements.txt", "flask==3.1.0\n"),
        ("requirements-dev.txt", "-r requirements.txt\n"),
        ("app/__init__.py", ""),
        ("tests/test_app.py", ""),
    ];
    let text = "FROM python:3.12\nWORKDIR /srv\nCOPY . .\nRUN pip install -r requirements-dev.txt\n\
                ENV PYTHONPATH=/srv\nCMD uvicorn app:app\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "pip install --no-compile --target /packages -r requirements.txt",
            "FROM python:3.12-slim",
            "ENV PYTHONPATH=/srv:/packages \\",
            "COPY app ./app",
            "ENTRYPOINT [\"/usr/local/bin/python3\", \"-m\", \"uvicorn\", \"app:app\"]",
        ],
    );
    assert!(!dockerfile.contains("COPY tests") && !dockerfile.contains("HEALTHCHECK"), "{dockerfile}");
}

#[test]
fn go_ends_in_an_empty_image() {
    let files = [("go.mod", "module a\n"), ("go.sum", ""), ("main.go", "package main\n")];
    let text = "FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go build -o /usr/local/bin/server .\nVOLUME /data\nCMD server -v\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &["FROM scratch", "COPY go.mod go.sum ./", "VOLUME /data", "ENTRYPOINT [\"/server\", \"-v\"]"],
    );
    assert!(
        dockerfile.contains("CGO_ENABLED=0 go build -trimpath -ldflags=\"-s -w\" -o /out/server ."),
        "{dockerfile}"
    );
}

#[test]
fn what_is_not_understood_is_refused_at_its_line() {
    let files = [("package.json", PACKAGE), ("package-lock.json", "{}"), ("src/server.ts", "")];
    let start = "FROM node:22\nWORKDIR /app\nCOPY . .\n";
    for (rest, place) in [
        ("RUN apt-get install -y ffmpeg\nRUN npm ci\nCMD npm start\n", "RUN apt-get"),
        ("RUN npm ci\nRUN npm run build\nCMD npm start | tee log\n", "CMD npm"),
        ("RUN npm ci\nCOPY --from=other /a /b\nCMD npm start\n", "COPY --from"),
        ("RUN npm ci\nSHELL [\"/bin/bash\", \"-c\"]\nCMD npm start\n", "SHELL"),
    ] {
        let text = format!("{start}{rest}");
        let refusal = proposed(&text, &files).unwrap_err();
        let span = refusal.span.unwrap();
        assert!(text[span.start..].starts_with(place), "{refusal:?}");
    }
}

#[test]
fn rust_programs_leave_the_compiler_behind() {
    let manifest = "[package]\nname = \"relay\"\n[[bin]]\nname = \"relayd\"\npath = \"src/main.rs\"\n";
    let files = [
        ("Cargo.toml", manifest),
        ("Cargo.lock", "[[package]]\nname = \"rustls-native-certs\"\n"),
        ("src/main.rs", "const FLAG: &str = \"--healthcheck\";"),
        ("migrations/1.sql", ""),
    ];
    let text =
        "FROM rust:1.90-bookworm\nWORKDIR /app\nCOPY . .\nRUN cargo build\nCMD cargo run -- --verbose\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/usr/local/cargo/registry \\",
            "--mount=type=cache,target=/app/target \\",
            "CARGO_PROFILE_RELEASE_STRIP=symbols cargo build --release --locked && \\",
            "mkdir -p /out && cp target/release/relayd /out/relayd",
            "FROM gcr.io/distroless/cc-debian12:nonroot",
            "COPY migrations ./migrations",
            "HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD [\"/relayd\", \"--healthcheck\"]",
            "ENTRYPOINT [\"/relayd\", \"--verbose\"]",
        ],
    );

    let text = "FROM rust:1-alpine\nWORKDIR /app\nCOPY . .\n\
                RUN cargo build --profile fast --target=x86_64-unknown-linux-musl --features a\n\
                CMD [\"./target/x86_64-unknown-linux-musl/fast/relayd\"]\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "FROM scratch",
            "CARGO_PROFILE_FAST_STRIP=symbols cargo build --profile=fast --locked --target=x86_64-unknown-linux-musl --features a && \\",
            "mkdir -p /out && cp target/x86_64-unknown-linux-musl/fast/relayd /out/relayd",
            "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
        ],
    );
}

#[test]
fn rust_programs_that_need_more_than_the_c_library_are_refused() {
    let text = "FROM rust:1\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\nCMD ./target/release/relay\n";
    let manifest = ("Cargo.toml", "[package]\nname = \"relay\"\n");
    let refusal = |files: &[_]| proposed(text, files).unwrap_err().message;
    let lock = |text| ("Cargo.lock", text);
    assert!(refusal(&[manifest, lock("name = \"openssl-sys\"\n")]).contains("OpenSSL"));
    assert!(proposed(text, &[manifest, lock("name = \"openssl-src\"\nname = \"openssl-sys\"\n")]).is_ok());
    assert!(refusal(&[manifest, lock("name = \"pq-sys\"\n")]).contains("libpq"));
    assert!(
        refusal(&[manifest, (".cargo/config.toml", "[build]\ntarget = \"x\"\n")])
            .contains("Cargo's configuration")
    );
    assert!(refusal(&[]).contains("Cargo.toml"));
}

#[test]
fn java_archives_run_on_a_java_without_a_compiler() {
    let health = "package harbour;\npublic class Healthcheck { public static void main(String[] a) {} }\n";
    let files = [("pom.xml", "<project/>"), ("src/main/java/harbour/Healthcheck.java", health)];
    let text = "FROM maven:3.9-eclipse-temurin-21\nWORKDIR /app\nCOPY . .\n\
                RUN mvn clean package -DskipTests && mv target/harbour-1.0.jar app.jar\n\
                ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75\nEXPOSE 8080\nCMD java -Xss1m -jar app.jar --port 8080\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/root/.m2 \\",
            "mvn --batch-mode package -DskipTests",
            "FROM gcr.io/distroless/java21-debian12:nonroot",
            "COPY --from=build /app/target/harbour-1.0.jar /app/harbour-1.0.jar",
            "ENTRYPOINT [\"java\", \"-Xss1m\", \"-jar\", \"/app/harbour-1.0.jar\", \"--port\", \"8080\"]",
        ],
    );
    assert!(
        dockerfile.contains("[\"java\", \"-cp\", \"/app/harbour-1.0.jar\", \"harbour.Healthcheck\"]"),
        "{dockerfile}"
    );
}

#[test]
fn gradle_and_its_frameworks_are_known() {
    let spring = "plugins { id 'org.springframework.boot' version '3.5.0' }";
    let files =
        [("build.gradle", spring), ("gradlew", ""), ("src/main/java/Healthcheck.java", "static void main(")];
    let text = "FROM eclipse-temurin:17-jdk\nWORKDIR /srv\nCOPY . .\nRUN chmod +x gradlew && ./gradlew bootJar\n\
                CMD [\"java\", \"-jar\", \"build/libs/*.jar\"]\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/root/.gradle \\",
            "./gradlew --no-daemon bootJar",
            "FROM gcr.io/distroless/java17-debian12:nonroot",
            "COPY --from=build /srv/build/libs/*.jar /app/app.jar",
            "ENTRYPOINT [\"java\", \"-jar\", \"/app/app.jar\"]",
        ],
    );
    assert!(!dockerfile.contains("HEALTHCHECK"), "{dockerfile}");

    let text = "FROM gradle:8.5-jdk25\nWORKDIR /srv\nCOPY . .\nRUN gradle build\n\
                CMD java -jar build/quarkus-app/quarkus-run.jar\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/home/gradle/.gradle \\",
            "FROM eclipse-temurin:25-jre",
            "COPY --from=build /srv/build/quarkus-app /app",
            "ENTRYPOINT [\"java\", \"-jar\", \"/app/quarkus-run.jar\"]",
        ],
    );
}

#[test]
fn java_programs_that_are_no_archive_are_refused_at_their_line() {
    let files = [("pom.xml", "<project/>")];
    let start = "FROM maven:3-eclipse-temurin-21\nWORKDIR /app\nCOPY . .\nRUN mvn package\n";
    for (rest, place) in [
        ("CMD mvn spring-boot:run\n", "CMD mvn"),
        ("CMD java Main.java\n", "CMD java"),
        ("CMD java -cp /opt/lib:target/classes Main\n", "CMD java"),
        ("CMD java -jar other.jar\n", "CMD java"),
        ("RUN ant\nCMD java -jar target/a.jar\n", "RUN ant"),
    ] {
        let text = format!("{start}{rest}");
        let refusal = proposed(&text, &files).unwrap_err();
        let span = refusal.span.unwrap();
        assert!(text[span.start..].starts_with(place), "{refusal:?}");
    }
    let text = format!("{start}CMD java -jar target/a.jar\n");
    let refusal = proposed(&text, &[("pom.xml", "<classpathPrefix>lib/</classpathPrefix>")]).unwrap_err();
    assert!(refusal.message.contains("beside it"), "{refusal:?}");
}

#[test]
fn yarn_and_pnpm_install_as_npm_does() {
    let files = [("package.json", PACKAGE), ("yarn.lock", "# yarn lockfile v1\n"), ("src/server.ts", "")];
    let text = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN yarn\nRUN yarn build\nENV NODE_ENV=production\nCMD [\"yarn\", \"start\"]\n";
    let dockerfile = good(text, &files);
    let cache = "RUN --mount=type=cache,target=/usr/local/share/.cache/yarn";
    has(
        &dockerfile,
        &[
            "COPY package.json yarn.lock ./",
            &format!("{cache} yarn install --frozen-lockfile --production"),
            &format!("{cache} yarn install --frozen-lockfile --production=false"),
            "RUN yarn build",
            "ENTRYPOINT [\"/nodejs/bin/node\", \"dist/server.js\"]",
        ],
    );
    let berry = [("package.json", PACKAGE), ("yarn.lock", "__metadata:\n"), ("src/server.ts", "")];
    assert!(proposed(text, &berry).unwrap_err().message.contains("Yarn 2"));

    let files = [("package.json", "{}"), ("pnpm-lock.yaml", ""), ("server.js", "")];
    let text =
        "FROM node:22\nWORKDIR /app\nRUN corepack enable\nCOPY . .\nRUN pnpm install\nCMD node server.js\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN corepack enable",
            "RUN --mount=type=cache,target=/root/.local/share/pnpm/store pnpm install --frozen-lockfile --prod",
            "COPY server.js ./",
        ],
    );
}

#[test]
fn poetry_and_uv_install_what_their_lock_says() {
    let files = [("pyproject.toml", ""), ("poetry.lock", ""), ("uv.lock", ""), ("src/tides/__main__.py", "")];
    let text = "FROM python:3.13\nWORKDIR /app\nRUN pip install poetry==2.1.0\nCOPY . .\n\
                RUN poetry config virtualenvs.create false && poetry install\nCMD [\"poetry\", \"run\", \"python\", \"-m\", \"tides\"]\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/root/.cache/pip pip install poetry==2.1.0",
            "COPY pyproject.toml poetry.lock ./",
            "poetry install --no-interaction --no-root --only main && \\",
            "mv .venv/lib/python3*/site-packages /packages",
            "ENV PYTHONPATH=/app/src:/packages \\",
            "COPY src ./src",
            "ENTRYPOINT [\"/usr/local/bin/python3\", \"-m\", \"tides\"]",
        ],
    );
    let text = "FROM python:3.13\nWORKDIR /app\nRUN pip install uv==0.9.0\nCOPY . .\nRUN uv sync\nCMD uv run python -m tides\n";
    let dockerfile = good(text, &files);
    has(
        &dockerfile,
        &[
            "RUN --mount=type=cache,target=/root/.cache/uv \\",
            "UV_LINK_MODE=copy uv sync --frozen --no-dev --no-install-project && \\",
        ],
    );
}

#[test]
fn a_check_with_curl_is_asked_by_the_language_or_left_out() {
    let check = "HEALTHCHECK --interval=30s CMD curl -fsS http://localhost:3000/health || exit 1\n";
    let text = format!("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n{check}CMD node server.js\n");
    let files = [("package.json", "{}"), ("package-lock.json", "{}"), ("server.js", "")];
    let dockerfile = good(&text, &files);
    let asked = "HEALTHCHECK --interval=30s CMD [\"/nodejs/bin/node\", \"-e\", \"fetch('http://localhost:3000/health')";
    assert!(dockerfile.lines().any(|line| line.starts_with(asked)), "{dockerfile}");

    let text = format!(
        "FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n{check}CMD python app.py\n"
    );
    let dockerfile = good(&text, &[("requirements.txt", ""), ("app.py", "")]);
    assert!(
        dockerfile.contains("urllib.request.urlopen('http://localhost:3000/health', timeout=3)"),
        "{dockerfile}"
    );

    let go =
        format!("FROM golang:1.25\nWORKDIR /src\nCOPY . .\nRUN go build -o /server .\n{check}CMD /server\n");
    let dockerfile = good(&go, &[("go.mod", ""), ("main.go", "package main")]);
    assert!(dockerfile.contains("# HEALTHCHECK is left out"), "{dockerfile}");
    let own = good(&go, &[("go.mod", ""), ("main.go", "flag.Bool(\"healthcheck\", false, \"\")")]);
    assert!(own.contains("CMD [\"/server\", \"-healthcheck\"]"), "{own}");

    let text = go.replace("curl -fsS http://localhost:3000/health || exit 1", "pg_isready");
    let refusal = proposed(&text, &[("go.mod", ""), ("main.go", "")]).unwrap_err();
    assert!(text[refusal.span.unwrap().start..].starts_with("HEALTHCHECK"), "{refusal:?}");
}

#[test]
fn java_needs_no_tool_but_the_compiler() {
    let files = [("src/berths/Main.java", "package berths;"), ("lib/json.jar", "")];
    let text = "FROM java-build\nCOPY . /app\nWORKDIR /app\nRUN javac -cp 'lib/*' -d out $(find src -name '*.java')\n\
                CMD [\"java\", \"-Xmx64m\", \"-cp\", \"out:lib/*\", \"berths.Main\", \"--port\", \"80\"]\n";
    let base =
        ("java-build", "debian://bookworm?packages=default-jdk-headless,ca-certificates&variant=minbase");
    let proposal = proposed_with(text, &files, &[base]).unwrap();
    has(
        &proposal.dockerfile,
        &[
            "RUN javac -cp 'lib/*' -d out $(find src -name '*.java')",
            "FROM java-runtime",
            "COPY --from=build /app/out /app/out",
            "COPY --from=build /app/lib /app/lib",
            "ENTRYPOINT [\"/usr/lib/jvm/default-java/bin/java\", \"-Xmx64m\", \"-cp\", \"/app/out:/app/lib/*\", \"berths.Main\", \"--port\", \"80\"]",
        ],
    );
    let value = "debian://bookworm?packages=default-jre-headless,ca-certificates&variant=distroless";
    assert_eq!(proposal.context, Some(("java-runtime".to_owned(), value.to_owned())));
    let text = "FROM eclipse-temurin:21\nWORKDIR /srv\nADD Main.java .\nRUN javac Main.java\nCMD java Main\n";
    let dockerfile = good(text, &[("Main.java", "")]);
    has(
        &dockerfile,
        &[
            "COPY Main.java .",
            "RUN javac -d classes Main.java",
            "COPY --from=build /srv/classes /app/classes",
            "ENTRYPOINT [\"java\", \"-cp\", \"/app/classes\", \"Main\"]",
        ],
    );
    let text = "FROM eclipse-temurin:21\nWORKDIR /srv\nCOPY . .\nRUN javac -d out Main.java && jar cfe app.jar Main -C out .\n\
                CMD java -jar app.jar\n";
    has(&good(text, &[("Main.java", "")]), &["COPY --from=build /srv/app.jar /app/app.jar"]);
}

#[test]
fn composed_bases_have_a_composed_counterpart() {
    let propose = |run: &str, packages: &str, files: &[(&'static str, &'static str)]| {
        let text = format!("FROM base\nWORKDIR /app\nCOPY . .\n{run}");
        let base = format!("debian://trixie?packages={packages}&variant=minbase");
        proposed_with(&text, files, &[("base", &base)]).unwrap()
    };
    let context =
        |proposal: &Proposal| proposal.context.clone().map(|(name, value)| format!("{name} {value}"));

    let node = propose(
        "RUN npm install\nCMD node server.js\n",
        "nodejs,npm",
        &[("package.json", "{}"), ("server.js", "")],
    );
    has(&node.dockerfile, &["FROM base-runtime", "ENTRYPOINT [\"/usr/bin/node\", \"server.js\"]"]);
    let value = "base-runtime debian://trixie?packages=nodejs&variant=distroless";
    assert_eq!(context(&node).as_deref(), Some(value));

    let files = [("go.mod", "module example.com/server/v2\n"), ("main.go", "")];
    let go = propose("RUN go build\nCMD ./server\n", "golang-go,ca-certificates", &files);
    has(&go.dockerfile, &["FROM scratch", "ENTRYPOINT [\"/server\"]"]);
    assert!(go.dockerfile.contains("-o /out/server"), "{}", go.dockerfile);
    assert!(
        go.dockerfile.contains("COPY --from=build /etc/ssl/certs/ca-certificates.crt"),
        "{}",
        go.dockerfile
    );
    assert_eq!(context(&go), None);

    let files = [("Cargo.toml", "[package]\nname = \"a\"\n")];
    let rust = propose("RUN cargo build --release\nCMD target/release/a\n", "cargo", &files);
    has(&rust.dockerfile, &["FROM base-runtime"]);
    assert!(rust.dockerfile.contains("target=/root/.cargo/registry"), "{}", rust.dockerfile);
    let value = "base-runtime debian://trixie?packages=libc6,libgcc-s1&variant=distroless";
    assert_eq!(context(&rust).as_deref(), Some(value));

    let files = [("requirements.txt", ""), ("app.py", "")];
    let python =
        propose("RUN pip install -r requirements.txt\nCMD flask run\n", "python3,python3-pip", &files);
    has(&python.dockerfile, &["ENTRYPOINT [\"/usr/bin/python3\", \"-m\", \"flask\", \"run\"]"]);
}
